"""A variant against the base: paired differences, and the least that they prove.

The rules, in this order: without fidelity no claim; without a difference none; with too few days
or events no claim either; worse if the whole interval is below zero; an improvement only if
everything agrees; and everything else is "not disproved", with how long a proof would take.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from market_bot.core.domain.numbers import MONEY_SCALE, Money
from market_bot.core.domain.replay_result import NO_EVENT, Variant, VariantResult
from market_bot.core.domain.statistics import (
    Bootstrapped,
    Lack,
    NoInterval,
    block_bootstrap,
    cluster_bootstrap,
    days_needed,
    leave_one_out,
    sign_flip,
)

from .shape import Comparison, DayDifference, EventDifference, Verdict

# Fewer days make a bootstrap promise too much: measured false alarms of 12 % instead of 5 %.
DAYS_MIN: Final = 10
EVENTS_MIN: Final = 5
# No single event may carry more of an improvement.
SHARE_MAX: Final = 0.2
FALSE_ALARM: Final = 0.05
LEVEL: Final = 1.0 - FALSE_ALARM

_DRAWS: Final = 10_000
_DRAWS_MIN: Final = 1_000
_DRAWS_MAX: Final = 40_000
_DRAWS_IN_TAIL: Final = 10
# So many numbers are drawn for one interval over events; above it the draws become fewer.
_NUMBERS_MAX: Final = 300_000
# The same chance for every variant: equal differences give equal intervals.
_DAYS_SEED: Final = "replay report: days"
_EVENTS_SEED: Final = "replay report: events"


def dollars_of(amount: Money) -> float:
    """Return an amount in dollars as a float, for statistics only."""
    return amount / 10**MONEY_SCALE


def by_day(result: VariantResult, days: Sequence[str]) -> dict[str, Money]:
    """Return the change of equity of every recorded day; a recorded day without one has 0.

    A day that only the result knows is kept: money is never lost between two lists.
    """
    known = sorted({*days, *result.per_day})
    return {day: Money(sum(result.per_day.get(day, {}).values())) for day in known}


def over_days(amounts: Sequence[Money], *, tried: int = 1) -> Bootstrapped | NoInterval:
    """Return the mean dollars a day with an interval that counts the number of tries.

    The haircut is Bonferroni's (1936): the false alarms allowed are shared by all tries.
    """
    if len(amounts) < DAYS_MIN:
        return _too_few(len(amounts))
    tail = FALSE_ALARM / tried / 2
    draws = min(_DRAWS_MAX, max(_DRAWS, math.ceil(_DRAWS_IN_TAIL / tail)))
    return block_bootstrap(
        [dollars_of(amount) for amount in amounts],
        seed=_DAYS_SEED,
        draws=draws,
        level=1.0 - FALSE_ALARM / tried,
    )


def over_events(amounts: Sequence[Money]) -> Bootstrapped | NoInterval:
    """Return the mean dollars an event with its interval."""
    draws = max(_DRAWS_MIN, min(_DRAWS, _NUMBERS_MAX // max(1, len(amounts))))
    return cluster_bootstrap(
        [dollars_of(amount) for amount in amounts], seed=_EVENTS_SEED, draws=draws, level=LEVEL
    )


def compare(
    base: Variant, variant: Variant, *, days: Sequence[str], tried: int, trusted: bool
) -> Comparison:
    """Return a variant against the base.

    Args:
        base: what it is compared with.
        variant: what is judged.
        days: the recorded UTC dates.
        tried: how many variants were tried in all; every claim counts them.
        trusted: false if the replay does not reproduce what was decided on its own tapes.

    Raises:
        ValueError: if the two were not replayed under the same fill models.

    """
    one, other = variant.told, base.told
    if [r.model for r in variant.models] != [r.model for r in base.models]:
        msg = f"variant {variant.name!r} was not replayed under the fill models of the base"
        raise ValueError(msg)
    day_list = _day_differences(one, other, days)
    events = _event_differences(one.per_event, other.per_event)
    per_day = over_days([d.amount for d in day_list])
    moved = sum(1 for e in events if e.amount)
    draft = Comparison(
        pnl=Money(one.pnl - other.pnl),
        band=_band(variant, base),
        trades=len(one.trades) - len(other.trades),
        fees=Money(one.fees - other.fees),
        max_exposure=Money(one.max_exposure - other.max_exposure),
        days=day_list,
        events=events,
        days_better=sum(1 for d in day_list if d.amount > 0),
        days_worse=sum(1 for d in day_list if d.amount < 0),
        best_day=max(day_list, key=lambda d: d.amount, default=None),
        worst_day=min(day_list, key=lambda d: d.amount, default=None),
        per_day=per_day,
        per_day_counted=(
            per_day if tried == 1 else over_days([d.amount for d in day_list], tried=tried)
        ),
        per_event=over_events([e.amount for e in events]),
        signs=sign_flip([dollars_of(e.amount) for e in events], seed=_EVENTS_SEED),
        one_out=leave_one_out({e.event: dollars_of(e.amount) for e in events}),
        days_needed=_days_needed(per_day, len(day_list), tried),
        tried=tried,
        verdict=Verdict.NO_CLAIM,
        reasons=(),
    )
    verdict, reasons = _judge(draft, moved=moved, trusted=trusted)
    return attrs.evolve(draft, verdict=verdict, reasons=tuple(reasons))


def _day_differences(
    one: VariantResult, other: VariantResult, days: Sequence[str]
) -> tuple[DayDifference, ...]:
    ours, theirs = by_day(one, days), by_day(other, days)
    return tuple(
        DayDifference(day, Money(ours.get(day, 0) - theirs.get(day, 0)))
        for day in sorted({*ours, *theirs})
    )


def _event_differences(
    ours: Mapping[str, Money], theirs: Mapping[str, Money]
) -> tuple[EventDifference, ...]:
    return tuple(
        EventDifference(event, Money(ours.get(event, 0) - theirs.get(event, 0)))
        for event in sorted({*ours, *theirs})
    )


def _band(variant: Variant, base: Variant) -> tuple[Money, Money]:
    differences = [
        Money(one.pnl - other.pnl) for one, other in zip(variant.models, base.models, strict=True)
    ]
    return min(differences), max(differences)


def _days_needed(per_day: Bootstrapped | NoInterval, days: int, tried: int) -> int | None:
    if isinstance(per_day, NoInterval):
        return None
    # The error over blocks, blown up again to one day: days that follow each other are allowed for.
    sd = per_day.standard_error * math.sqrt(days)
    return days_needed(per_day.estimate, sd, false_alarm=FALSE_ALARM / tried)


def _judge(draft: Comparison, *, moved: int, trusted: bool) -> tuple[Verdict, list[str]]:
    if not trusted:
        return Verdict.NO_CLAIM, [
            "the replay reproduces too few of the decisions that were made on these tapes"
        ]
    if not moved and not any(d.amount for d in draft.days):
        return Verdict.SAME, ["it made exactly the same money in every event on every day"]
    if lacks := _lacks(draft, moved):
        return Verdict.TOO_LITTLE, lacks
    assert isinstance(draft.per_day, Bootstrapped)  # noqa: S101 - `_lacks` has looked
    if draft.per_day.studentised.high < 0:
        return Verdict.WORSE, ["the whole interval of the difference per day is below 0"]
    if doubts := _doubts(draft):
        return Verdict.NOT_DISPROVED, doubts
    return Verdict.IMPROVES, ["days, events, signs and fill models agree"]


def _lacks(draft: Comparison, moved: int) -> list[str]:
    found = []
    if len(draft.days) < DAYS_MIN:
        found.append(f"{counted(len(draft.days), 'day')} recorded; {DAYS_MIN} are needed")
    if moved < EVENTS_MIN:
        found.append(f"{counted(moved, 'event')} with a difference; {EVENTS_MIN} are needed")
    if not found and isinstance(draft.per_day, NoInterval):
        found.append(f"no interval can be given: {draft.per_day.lack.value}")
    return found


def _doubts(draft: Comparison) -> list[str]:
    """Return what speaks against calling it an improvement."""
    found = list(_doubts_of_days(draft))
    if draft.pnl <= 0:
        return [*found, "on these days it made less than the base"]
    if isinstance(draft.per_event, NoInterval) or draft.per_event.studentised.low <= 0:
        found.append("the interval over events contains 0")
    if draft.signs is None or draft.signs.p_greater * draft.tried > FALSE_ALARM:
        found.append("signs flipped at random do as well too often")
    if draft.band[0] <= 0:
        found.append("not every fill model finds a gain")
    if draft.one_out is None or not draft.one_out.keeps_sign:
        found.append("without one event nothing of the gain is left")
    elif draft.one_out.largest_share > SHARE_MAX:
        found.append(
            f"{event_name(draft.one_out.largest)} carries {draft.one_out.largest_share:.0%} of the "
            f"gain; {SHARE_MAX:.0%} are tolerated"
        )
    return found


def _doubts_of_days(draft: Comparison) -> Sequence[str]:
    plain, wide = draft.per_day, draft.per_day_counted
    assert isinstance(plain, Bootstrapped)  # noqa: S101 - `_lacks` has looked
    if plain.studentised.low <= 0:
        if draft.days_needed is None:
            return ["the interval per day contains 0, and so small a difference is never proven"]
        needed = f"to prove a difference of this size takes about {draft.days_needed:,} days"
        return [f"the interval per day contains 0: {needed}, {len(draft.days)} were recorded"]
    if isinstance(wide, NoInterval):
        return [f"with {draft.tried} variants tried no interval can be given"]
    if wide.studentised.low <= 0:
        return [f"with {draft.tried} variants tried the interval per day contains 0"]
    return []


def _too_few(days: int) -> NoInterval:
    return NoInterval(lack=Lack.UNITS, have=days, need=DAYS_MIN)


def counted(number: int, noun: str) -> str:
    """Return "1 day", "2 days"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def event_name(event: str) -> str:
    """Return the name of an event for people."""
    return "what belongs to no event" if event == NO_EVENT else f"event {event}"
