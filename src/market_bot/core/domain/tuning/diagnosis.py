"""Whether turning a knob would have stopped a leak: every value of its ladder, replayed.

A leak is a matter of *tuning* if some legal value would have saved at least half of what it costs,
with an interval above zero, and the values beside it agree. If no value does, the knob is not the
cause: the leak is *structural*, a report for a person, and never a proposal. Where there is too
little to tell it is said so, and neither is claimed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from market_bot.core.domain.leaks.api import Kind
from market_bot.core.domain.numbers import Money
from market_bot.core.domain.replay_report.judge import DAYS_MIN, dollars_of
from market_bot.core.domain.replay_report.shape import Comparison, Verdict
from market_bot.core.domain.statistics import Bootstrapped

from .ladder import direction

HALF: Final = 0.5


@attrs.frozen(kw_only=True)
class Diagnosis:
    """What replays say of one finding.

    Args:
        kind: tuning, structural, or noise where there was too little to tell.
        why: one sentence.
        numbers: dollars a day that each value would have saved, by ``path=value``.

    """

    kind: Kind
    why: str
    numbers: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Ladder:
    """One knob's values and what each did in a replay, against the value in force.

    ``way`` is the direction in which the finding says that the knob has to go.
    """

    path: str
    value: str
    way: int
    compared: Mapping[str, Comparison]


def diagnose(cost: Money, ladders: Iterable[Ladder]) -> Diagnosis:
    """Return what kind of a leak it is.

    Args:
        cost: the least that it costs, in 1e-12 dollars a day.
        ladders: of all knobs that the finding names; none if nothing was replayed.

    """
    known = list(ladders)
    numbers = {
        f"{ladder.path}={value}": format(dollars_of(gain), ".4f")
        for ladder in known
        for value, compared in ladder.compared.items()
        if (gain := _per_day(compared)) is not None
    }
    tested = [ladder for ladder in known if _tested(ladder)]
    for ladder in tested:
        value = _mending(ladder, cost)
        if value is not None:
            why = f"{ladder.path} at {value} would have saved at least half of it"
            return Diagnosis(kind=Kind.TUNING, why=why, numbers=numbers)
    if not tested or len(tested) < len(known):
        return Diagnosis(kind=Kind.NOISE, why=_lack(known), numbers=numbers)
    why = "no value of its knobs would have saved half of it: the knobs are not the cause"
    return Diagnosis(kind=Kind.STRUCTURAL, why=why, numbers=numbers)


def _tested(ladder: Ladder) -> bool:
    """Tell whether the values in the finding's direction were replayed on enough days."""
    ahead = _ahead(ladder)
    return bool(ahead) and all(_tells(compared) for compared in ahead.values())


def _tells(compared: Comparison) -> bool:
    """Tell whether a replay was long and faithful enough; that it changed little says a lot."""
    return compared.verdict is not Verdict.NO_CLAIM and len(compared.days) >= DAYS_MIN


def _ahead(ladder: Ladder) -> dict[str, Comparison]:
    return {
        value: compared
        for value, compared in ladder.compared.items()
        if direction(ladder.value, value) == ladder.way
    }


def _mending(ladder: Ladder, cost: Money) -> str | None:
    """Return the first value that would have mended it, with neighbours that agree."""
    values = list(ladder.compared)
    for value, compared in _ahead(ladder).items():
        gain, interval = _per_day(compared), compared.per_day
        if gain is None or not isinstance(interval, Bootstrapped):
            continue
        place = values.index(value)
        beside = [values[n] for n in (place - 1, place + 1) if 0 <= n < len(values)]
        if (
            gain >= HALF * cost
            and interval.studentised.low > 0
            and all(_agrees(ladder, other) for other in beside)
        ):
            return value
    return None


def _agrees(ladder: Ladder, value: str) -> bool:
    """Tell whether a neighbour does not lose; those on the far side of the value in force may."""
    if direction(ladder.value, value) != ladder.way:
        return True
    gain = _per_day(ladder.compared[value])
    return gain is not None and gain >= 0


def _per_day(compared: Comparison) -> Money | None:
    return Money(compared.pnl // len(compared.days)) if compared.days else None


def _lack(ladders: list[Ladder]) -> str:
    reasons = [
        reason
        for ladder in ladders
        for compared in ladder.compared.values()
        if not _tells(compared)
        for reason in compared.reasons
    ]
    return f"cannot be told: {reasons[0]}" if reasons else "cannot be told: nothing was replayed"
