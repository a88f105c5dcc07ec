"""What a person is shown of a proposal: what it would have done, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain.numbers import PRICE_SCALE, Money, format_scaled
from market_bot.core.domain.replay_report.judge import dollars_of
from market_bot.core.domain.replay_report.shape import Comparison
from market_bot.core.domain.replay_report.shape import Verdict as Claim
from market_bot.core.domain.replay_result import Coverage, Fidelity, Variant
from market_bot.core.domain.statistics import Bootstrapped

_TO_CENTS: Final = 10**10
_DOUBTS_MAX: Final = 4
_ALL: Final = 1_000_000


class Verdict(Enum):
    """What a replay allows to say of a proposal."""

    IMPROVES = "improves"
    NOT_DISPROVED = "not disproved"
    WORSE = "worse"
    NOT_REPLAYABLE = "not replayable"


class Evaluability(Enum):
    """How much of what a change would do was recorded."""

    A = "A: fewer of the trades that were made"
    B = "B: other ends of positions, at recorded prices"
    C = "C: trades that were not made, at recorded books"
    D = "D: nothing recorded tells"


@attrs.frozen(kw_only=True)
class Card:
    """The verdict, and all that is shown, as text by name in a fixed order."""

    verdict: Verdict
    fields: Mapping[str, str]


_ENDS: Final = frozenset({"exit_below", "stop", "max_hold_seconds", "exit_edge", "orphan_seconds"})
# Raising these keeps trades out; lowering them lets more in. Everything else is the other way.
_LEAST: Final = ("min_", "price_min")


def evaluability(path: str, way: int, coverage: Coverage) -> Evaluability:
    """Return how much of a change can be known from recordings like these."""
    section, key = path.partition(".")[0], path.rpartition(".")[2]
    if not coverage.takers or (".market_making." in path and not coverage.makers):
        return Evaluability.D
    if section == "exits" or key in _ENDS:
        return Evaluability.B
    if section in ("cooldown", "sizing"):
        tighter = way > 0 if section == "cooldown" else way < 0
        return Evaluability.B if tighter else Evaluability.C
    tighter = way > 0 if key.startswith(_LEAST) else way < 0
    return Evaluability.A if tighter else Evaluability.C


def not_replayable(why: str) -> Card:
    """Return the card of a proposal that nothing could be replayed for."""
    return Card(
        verdict=Verdict.NOT_REPLAYABLE,
        fields={"verdict": Verdict.NOT_REPLAYABLE.value, "why": why, "revert_when": _REVERT},
    )


def card_of(
    compared: Comparison,
    *,
    base: Variant,
    variant: Variant,
    kind: Evaluability,
    neighbours: Sequence[tuple[str, Comparison]],
    training: Sequence[str],
    coverage: Coverage,
    fidelity: Fidelity | None,
) -> Card:
    """Return the card of a proposal.

    Args:
        compared: the proposal against the settings in force.
        base, variant: what both did.
        kind: how much of it can be known.
        neighbours: the values one step to either side, with their comparisons.
        training: days that were left out.
        coverage: what the recordings hold.
        fidelity: of the lane.

    """
    losing = [value for value, other in neighbours if other.pnl < 0]
    verdict = _verdict(compared, kind, losing)
    doubts = [*compared.reasons]
    if losing:
        doubts.insert(0, f"a step further, at {' and '.join(losing)}, it would have lost")
    worst = compared.worst_day
    fields = {
        "verdict": verdict.value,
        "why": "; ".join(doubts[:_DOUBTS_MAX]),
        "class": kind.value,
        **_interval(compared),
        "days": str(len(compared.days)),
        "days_better": str(compared.days_better),
        "days_worse": str(compared.days_worse),
        "worst_day": "" if worst is None else f"{worst.date}: {in_dollars(worst.amount)}",
        "trades": f"{compared.trades:+d}",
        "trades_ratio": _ratio(len(variant.told.trades), len(base.told.trades)),
        "max_exposure": in_dollars(compared.max_exposure),
        "variants_tried": str(compared.tried),
        "neighbours": ", ".join(f"{value}: {_a_day(other)}" for value, other in neighbours),
        "left_out": _span(training),
        "coverage": f"{len(coverage.days)} days, {coverage.markets} markets, {coverage.gaps} gaps",
        "fidelity": "not measured" if fidelity is None else _percent(fidelity.share_ppm),
        "fill_model": variant.told.model,
        "revert_when": _REVERT,
    }
    if compared.days_needed is not None:
        fields["days_needed"] = str(compared.days_needed)
    return Card(verdict=verdict, fields=fields)


_REVERT: Final = (
    "it is taken back if within an hour its trades do clearly worse than those of quiet hours, if "
    "their number or the errors are far from expected, or if the loss reaches the tripwire"
)
_CLAIMS: Final = {
    Claim.IMPROVES: Verdict.IMPROVES,
    Claim.WORSE: Verdict.WORSE,
    Claim.NOT_DISPROVED: Verdict.NOT_DISPROVED,
    Claim.SAME: Verdict.NOT_DISPROVED,
}


def _verdict(compared: Comparison, kind: Evaluability, losing: Sequence[str]) -> Verdict:
    if kind is Evaluability.D:
        return Verdict.NOT_REPLAYABLE
    verdict = _CLAIMS.get(compared.verdict, Verdict.NOT_REPLAYABLE)
    # A peak between two losses is luck.
    return Verdict.NOT_DISPROVED if verdict is Verdict.IMPROVES and losing else verdict


def _interval(compared: Comparison) -> dict[str, str]:
    counted = compared.per_day_counted
    mean = f"{dollars_of(compared.pnl) / len(compared.days):.2f}" if compared.days else ""
    if not isinstance(counted, Bootstrapped):
        return {"per_day": mean}
    ends = counted.studentised
    return {"per_day": mean, "per_day_low": f"{ends.low:.2f}", "per_day_high": f"{ends.high:.2f}"}


def in_dollars(amount: Money) -> str:
    """Return a difference to the cent with its sign, rounded half away from zero, for people."""
    whole = (abs(amount) + _TO_CENTS // 2) // _TO_CENTS
    sign = "" if not whole else "-" if amount < 0 else "+"
    return f"{sign}${whole // 100:,}.{whole % 100:02d}"


def _a_day(compared: Comparison) -> str:
    """Return what a value would have brought a day, in the unit of the interval beside it."""
    days = len(compared.days)
    return f"{in_dollars(Money(compared.pnl // days))} a day" if days else "no day"


def _span(days: Sequence[str]) -> str:
    return " to ".join(dict.fromkeys((days[0], days[-1]))) if days else ""


def _ratio(now: int, before: int) -> str:
    if not before:
        return ""
    return format_scaled(round(Decimal(now) / before * _ALL), PRICE_SCALE)


def _percent(ppm: int) -> str:
    return f"{ppm // 1000 / 10:g} %"
