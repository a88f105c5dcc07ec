"""Why a market was or was not traded: its facts in order, each in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    Micros,
    Money,
    Price,
    Size,
    format_money,
    format_price,
    format_probability,
    format_size,
)
from market_bot.core.domain.orders import Purpose
from market_bot.core.ports.journal import Entry

RESULT: Final = "result"
"""The type of the last reason: what became of a market."""


@attrs.frozen
class Reason:
    """One fact about a market: the journal line, when, what kind, and what it means."""

    seq: int
    at: Micros
    type: str
    text: str


def explain(entries: Iterable[Entry], market: str) -> Iterator[Reason]:
    """Yield what the journal knows of one market, oldest first; in the end what became of it.

    Facts that name only an order are told if the order is one of this market's.
    """
    intents: set[str] = set()
    result = _Result()
    last: Reason | None = None
    for entry in entries:
        event = entry.event
        if event is None:
            continue
        if isinstance(event, ev.OrderIntent) and event.market == market:
            intents.add(event.intent)
        if not _concerns(event, market, intents):
            continue
        result.hear(event)
        text = _sentence(event)
        if text is not None:
            last = Reason(entry.seq, entry.at, entry.type, text)
            yield last
    if last is not None:
        yield Reason(last.seq, last.at, RESULT, result.text())


@attrs.define
class _Result:
    """What became of a market: contracts and money, counted from its facts."""

    held: dict[Leg, int] = attrs.field(factory=dict)
    fills: dict[str, ev.Fill] = attrs.field(factory=dict)
    orders: int = 0
    money: int = 0
    fees: int = 0
    refused: tuple[str, ...] = ()
    over: str = ""

    def hear(self, event: ev.Event) -> None:
        """Take one fact of the market, in order."""
        match event:
            case ev.Denied():
                # The end of a refusal names no gate.
                self.refused = tuple(gate.name for gate in event.gates)
            case ev.OrderIntent():
                self.orders += 1
            case ev.OrderCancelled(reason=reason) | ev.OrderRejected(code=reason):
                self.over = reason
            case _:
                self._settle(event)

    def text(self) -> str:
        """Return it in one sentence."""
        if not self.orders:
            if self.refused:
                return f"never ordered: refused by {', '.join(self.refused)} to the end"
            return "never ordered, and refused by nothing in the end"
        if not self.fills:
            return f"{self.orders} ordered, nothing filled; the last one: {self.over or 'waits'}"
        paid = f"{_signed(self.money)} after ${format_money(Money(self.fees))} fees"
        held = [f"{format_size(Size(n))} {leg.name}" for leg, n in self.held.items() if n]
        if held:
            return f"holds {' and '.join(held)}; money so far {paid}"
        return f"nothing is held any more; gain {paid}"

    def _settle(self, event: ev.Event) -> None:
        match event:
            case ev.Fill() if event.fill not in self.fills:
                self.fills[event.fill] = event
                self._count(event, 1)
            case ev.FillReversed() if event.fill in self.fills:
                self._count(self.fills.pop(event.fill), -1)
            case ev.Merged():
                self.money += event.payout
                for leg in Leg:
                    self.held[leg] = self.held.get(leg, 0) - event.size
            case ev.MarketResolved():
                for leg, size in self.held.items():
                    each = event.yes_payout
                    self.money += size * (each if leg is Leg.YES else ONE_DOLLAR - each)
                self.held.clear()
            case _:
                pass

    def _count(self, fill: ev.Fill, times: int) -> None:
        sign = times if fill.purpose is Purpose.ENTRY else -times
        self.held[fill.leg] = self.held.get(fill.leg, 0) + sign * fill.size
        self.money -= sign * fill.cost + times * fill.fee
        self.fees += times * fill.fee


def _signed(amount: int) -> str:
    return ("-" if amount < 0 else "+") + "$" + format_money(Money(abs(amount)))


def _concerns(event: ev.Event, market: str, intents: set[str]) -> bool:
    if isinstance(event, (ev.Decided, ev.MarketResolved, ev.PositionMarked, ev.Merged)):
        return event.market == market
    return getattr(event, "intent", None) in intents


def _sentence(event: ev.Event) -> str | None:
    match event:
        case ev.SignalRaised():
            return _signal(event)
        case ev.Denied():
            return refusal_text(event)
        case ev.OrderIntent():
            verb = "buy" if event.purpose is Purpose.ENTRY else "sell"
            return (
                f"order {event.intent}: {verb} {format_size(event.size)} {event.leg.name} at "
                f"{format_price(event.price)} as {event.style.value}"
            )
        case ev.Exit():
            return (
                f"leave {format_size(event.size)} {event.leg.name} at "
                f"{format_price(event.price)}: {event.reason}"
            )
        case ev.PositionMarked():
            stop = "" if event.armed_at is None else ", the price stands below the stop"
            return f"{event.leg.name}: highest bid so far {_price(event.high)}{stop}"
        case ev.Merged():
            pairs, paid = format_size(event.size), format_money(event.payout)
            return f"{pairs} pairs of YES and NO became ${paid}"
        case ev.MarketResolved():
            return f"resolved: a YES contract pays {format_price(event.yes_payout)}"
        case _:
            return _order_news(event)


def _order_news(event: ev.Event) -> str | None:
    match event:
        case ev.OrderAccepted():
            ahead = event.queue_ahead
            waits = "" if ahead is None else f", {format_size(ahead)} displayed in front of it"
            return f"order {event.intent}: accepted{waits}"
        case ev.OrderRejected():
            return f"order {event.intent}: the venue refused it ({event.code}) {event.reason}"
        case ev.OrderUnknown():
            return f"order {event.intent}: its fate is unknown, it keeps its risk ({event.reason})"
        case ev.OrderCancelled():
            left = format_size(event.remaining)
            return f"order {event.intent}: over, {left} unfilled ({event.reason})"
        case ev.Fill():
            return (
                f"filled {format_size(event.size)} {event.leg.name} at "
                f"{format_price(event.price)} as {event.liquidity.value}, fee "
                f"${format_money(event.fee)}" + (", provisional" if event.provisional else "")
            )
        case ev.FillSettled():
            return f"fill {event.fill}: final"
        case ev.FillReversed():
            return f"fill {event.fill}: undone by the venue ({event.reason})"
        case _:
            return None


def _signal(event: ev.SignalRaised) -> str:
    verb = "buy" if event.purpose is Purpose.ENTRY else "sell"
    book = f"bid {_price(event.bid)} ask {_price(event.ask)}"
    return (
        f"{event.strategy} wants to {verb} {event.leg.name} at {format_price(event.price)}: "
        f"{event.reason}, believes {format_probability(event.belief)}, edge "
        f"{format_price(event.edge)} after {format_price(event.cost)} cost; {book}"
    )


def refusal_text(event: ev.Denied) -> str:
    """Return the beginning or the end of a refusal as a sentence."""
    if event.phase == "end":
        looks = "one look" if event.count == 1 else f"{event.count:,} looks"
        return f"no longer refused, after {looks}"
    gates = "; ".join(
        f"{gate.name} (limit {gate.limit}, value {gate.value})" for gate in event.gates
    )
    return f"refused by {gates}"


def _price(price: Price | None) -> str:
    return "none" if price is None else format_price(price)
