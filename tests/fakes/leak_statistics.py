"""How often leak rules are right, counted over many synthetic lanes."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from market_bot.core.domain.leaks.api import Finding, Kind
from market_bot.core.domain.leaks.synthetic import synthetic_lane
from market_bot.core.domain.numbers import Money

from .leak_nights import reviews

# A week, and two nights more.
DAYS = 9
TWICE = 2.0
NEXT_TO_0 = 1e-9


@attrs.frozen(kw_only=True)
class Outcome:
    """What up to three nights of one lane came to.

    Args:
        leak: what was planted, "" for nothing.
        confirmed: rules with a confirmed finding on the night that decides, by rank.
        found: whether what was planted was confirmed.
        first: whether it was ranked first.
        kind: of the planted finding, None if it was not confirmed.
        tuning: other rules that were confirmed and called for tuning.
        bound: its conservative cost, and ``truth`` what was planted; both dollars a day.

    """

    leak: str
    confirmed: tuple[str, ...]
    found: bool = False
    first: bool = False
    kind: Kind | None = None
    tuning: tuple[str, ...] = ()
    bound: Money = Money(0)
    truth: Money = Money(0)


def clean(seed: str, *, skill: float, entries_per_hour: int = 6) -> Outcome:
    """Return what the third night of a lane finds in which nothing leaks.

    A lane without skill stands at the edge of every rule: it breaks even, and cooldowns and sizes
    refuse as much as where they leak, but nothing of worth. A night that sees nothing by itself
    confirms nothing, so that those before it need not be asked.
    """
    refused = {} if skill else dict.fromkeys(("cooldown_over_rejection", "idle_capital"), NEXT_TO_0)
    lane = synthetic_lane(seed, refused, skill=skill, entries_per_hour=entries_per_hour, days=DAYS)
    (last,) = reviews(lane, nights=1)
    if last.seen:
        *_, last = reviews(lane)
    return Outcome(leak="", confirmed=tuple(one.rule for one in last.confirmed))


def planted(seed: str, leak: str, *, strength: float = TWICE, structural: bool = False) -> Outcome:
    """Return what the first of three nights says that confirms a planted leak, else the third."""
    hard = (leak,) if structural else ()
    lane = synthetic_lane(seed, {leak: strength}, structural=hard, days=DAYS)
    confirmed: tuple[Finding, ...] = ()
    found: Finding | None = None
    for review in reviews(lane):
        confirmed = review.confirmed
        found = next((one for one in confirmed if one.rule == leak), None)
        if found is not None:
            break
    return Outcome(
        leak=leak,
        confirmed=tuple(one.rule for one in confirmed),
        found=found is not None,
        first=found is not None and found.rank == 1,
        kind=None if found is None else found.kind,
        tuning=tuple(one.rule for one in confirmed if one.rule != leak and one.kind is Kind.TUNING),
        bound=Money(0) if found is None else found.cost_low,
        truth=lane.costs.get(leak, Money(0)),
    )


def share(hits: Iterable[bool]) -> float:
    """Return how many of them are true, as a share; 0 of none."""
    known = list(hits)
    return sum(known) / len(known) if known else 0.0
