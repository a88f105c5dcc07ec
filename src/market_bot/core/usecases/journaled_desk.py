"""An order desk that answers from a journal, so that decisions can be derived again.

Whatever executed a lane (paper, a simulated venue, a real one), its answers are in the lane's
journal. Together with the recorded market data they lead to every decision once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import NEVER, NO_MONEY, NOTHING, Micros, Price, Size
from market_bot.core.domain.orders import Style
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Confirmed,
    Execution,
    Fact,
    Filled,
    Merged,
    Outcome,
    Refused,
    Rejected,
    Reversed,
    Rewarded,
    Settled,
    Unknown,
)
from market_bot.core.ports.journal import Entry

ASKED: Final = "cancelled"
"""The reason of a cancel that we asked for; a desk gives no other cancel this name."""

_OUR_OWN: Final = "last_gate: "
_STRAY_FILL: Final = "execution:stray_fill"
_STRAY_MERGE: Final = "execution:stray_merge"
_OUTCOMES: Final = (ev.OrderAccepted, ev.OrderRejected, ev.OrderUnknown)

Upcoming = Callable[[], Iterable[Entry]]


@attrs.define(eq=False)
class JournaledDesk(Execution):
    """Answers orders and tells facts as the journal says they were answered and told.

    A fact is told as soon as its line is next, but for a cancel that this life of the bot asked
    for: that is not told before it is asked for. So every desk told its facts that hands out what
    came in the meantime at the first `collect` of a tick, and afterwards only what it was asked
    for within the tick.

    Args:
        upcoming: yields the lines that were not derived again yet, the next one first.

    """

    upcoming: Upcoming
    _told: int = attrs.field(default=0, init=False)
    _sent: set[str] = attrs.field(factory=set, init=False)
    _asked: set[str] = attrs.field(factory=set, init=False)

    def order_name(self, intent: Intent, at: Micros) -> str:  # noqa: ARG002 - the journal knows when
        """Return the name in the line that follows, which is the intent's own."""
        for entry in self._untold():
            event = entry.event
            if isinstance(event, ev.OrderIntent) and event.intent == intent.id:
                return event.venue_order
            break
        return ""

    def submit(self, intent: Intent, at: Micros) -> Outcome:  # noqa: ARG002 - the journal knows when
        """Return the answer that follows; where the journal ends first nobody knew it."""
        self._sent.add(intent.id)
        for entry in self._untold():
            event = entry.event
            if isinstance(event, _OUTCOMES) and event.intent == intent.id:
                self._told = entry.seq
                return _outcome(event)
            break
        return Unknown("the journal ends before the answer")

    def cancel(self, intent: str, at: Micros) -> None:  # noqa: ARG002 - as above
        self._asked.add(intent)

    def collect(self, at: Micros) -> Sequence[Fact]:
        facts: list[Fact] = []
        for entry in self._untold():
            fact = None if entry.at != at or entry.event is None else self._fact(entry.event)
            if fact is None:
                break
            self._told = entry.seq
            facts.append(fact)
        return facts

    def _untold(self) -> Iterator[Entry]:
        """Yield the lines that come after those told; checkpoints tell nothing."""
        for entry in self.upcoming():
            if entry.seq > self._told and not isinstance(entry.event, ev.Checkpoint):
                yield entry

    def _fact(self, event: ev.Event) -> Fact | None:
        """Return what a desk must have told for this line, or None if it is none of its facts."""
        if isinstance(event, ev.OrderCancelled):
            if event.reason.startswith(_OUR_OWN):
                return None
            ours = event.reason == ASKED and event.intent in self._sent
            if ours and event.intent not in self._asked:
                return None
        return fact_of(event)


def fact_of(event: ev.Event) -> Fact | None:
    """Return the fact that a journal's line was made of, or None if it was made of none."""
    match event:
        case ev.Fill():
            return _filled(event)
        case ev.OrderCancelled(intent=intent, reason=reason):
            return Cancelled(intent, reason)
        case ev.OrderAccepted(intent=intent, venue_order=venue_order):
            return Confirmed(intent, venue_order)
        case ev.OrderRejected(intent=intent, code=code):
            return Refused(intent, code)
        case ev.FillSettled(intent=intent, fill=fill):
            return Settled(intent, fill)
        case ev.FillReversed(intent=intent, fill=fill, reason=reason):
            return Reversed(intent, fill, reason)
        case ev.Merged(merge=merge, market=market, size=size, payout=payout):
            return Merged(merge, market, size, payout)
        case ev.Reward(name=name, kind=kind, amount=amount, market=market) if name:
            return Rewarded(name, kind, amount, market)
        case ev.Error(where=where, message=message):
            return _stray(where, message)
        case _:
            return None


def _outcome(event: ev.OrderAccepted | ev.OrderRejected | ev.OrderUnknown) -> Outcome:
    match event:
        case ev.OrderAccepted(venue_order=venue_order, queue_ahead=ahead):
            return Accepted(venue_order, ahead)
        case ev.OrderRejected(code=code, reason=reason):
            return Rejected(code, reason)
        case ev.OrderUnknown(reason=reason):
            return Unknown(reason)


def _filled(event: ev.Fill) -> Filled:
    return Filled(
        intent=event.intent,
        fill=event.fill,
        price=event.price,
        size=event.size,
        cost=event.cost,
        fee=event.fee,
        liquidity=event.liquidity,
        at=NEVER if event.traded_at is None else event.traded_at,
        provisional=event.provisional,
    )


def _stray(where: str, message: str) -> Fact | None:
    """Return what was told of an order that was not ours as far as the journal knew."""
    first, _, second = message.partition(" ")
    if where == _STRAY_MERGE:
        return Merged(second, first, NOTHING, NO_MONEY)
    if where != _STRAY_FILL:
        return None
    return Filled(
        intent=first,
        fill=second,
        price=Price(0),
        size=Size(0),
        cost=NO_MONEY,
        fee=NO_MONEY,
        liquidity=Style.TAKER,
        at=NEVER,
    )
