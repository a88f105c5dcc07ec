"""Write down what became of a decision's price: marks, and what was left out of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.marks import SERIES_MAX, Decision, MarkSchedule
from market_bot.core.domain.numbers import ONE_DOLLAR, SECOND, Duration, Micros, Price
from market_bot.core.domain.world import World
from market_bot.core.ports.journal import Entry

LEFT_OUT: Final = "marks:full"
"""Where an error line says that decisions were left out."""

_AT_ONCE: Final = Duration(0)


def marks_at(schedule: MarkSchedule, world: World, now: Micros) -> Iterator[ev.Event]:
    """Yield the lines of one tick; each must be written and heard before the next is asked for.

    First what is due of decisions followed already, then the price at each new decision, with
    which its series begins, then how many there was no room for.
    """
    for decision, horizon in schedule.due(now):
        yield mark_of(decision, horizon, world, now)
    left = schedule.spilled
    for decision in schedule.waiting(now):
        seen = world.seen.get(decision.market)
        if seen is None or seen.resolved:
            continue
        if schedule.full:
            left += 1
        else:
            yield mark_of(decision, _AT_ONCE, world, now)
    if left:
        message = f"{schedule.ceiling} decisions are followed already: these have no later prices"
        yield ev.Error(where=LEFT_OUT, message=message, count=left)


def mark_of(decision: Decision, horizon: Duration, world: World, now: Micros) -> ev.Mark:
    """Return the price of a decision's leg as it is now; unknown where nothing may be concluded."""
    mid, bid, ask = quotes(world, decision.market, decision.leg)
    return ev.Mark(
        signal=decision.signal,
        strategy=decision.strategy,
        market=decision.market,
        event=decision.event,
        family=decision.family,
        leg=decision.leg,
        purpose=decision.purpose,
        cause=decision.cause,
        since=decision.since,
        horizon_s=horizon // SECOND,
        late=Duration(max(0, now - decision.since - horizon)),
        mid=mid,
        bid=bid,
        ask=ask,
    )


def quotes(world: World, market: str, leg: Leg) -> tuple[Price | None, Price | None, Price | None]:
    """Return midpoint, bid and ask of a leg in its own dollars.

    All are None while the market is not open, or its book is not whole or crossed; the midpoint
    is rounded as that of a signal.
    """
    known = world.seen.get(market)
    if known is None or not world.trades(known):
        return None, None, None
    book = known.book
    middle = book.mid()
    if middle is not None and leg is Leg.NO:
        middle = Price(ONE_DOLLAR - middle)
    return middle, book.sell_price(leg), book.buy_price(leg)


def marks_from(entries: Iterable[Entry], ceiling: int = SERIES_MAX) -> MarkSchedule:
    """Return the schedule with which a lane goes on, from its lines of the last `marks.REACH`.

    More lines than that change nothing. Lines of a type this version does not know are skipped.
    """
    schedule = MarkSchedule(ceiling=ceiling)
    for entry in entries:
        if entry.event is not None:
            schedule.hear(entry.event, entry.at)
    return schedule
