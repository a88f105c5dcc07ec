"""Why a market was or was not traded: its facts in order, each in one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import (
    Micros,
    Price,
    format_money,
    format_price,
    format_probability,
    format_size,
)
from market_bot.core.domain.orders import Purpose
from market_bot.core.ports.journal import Entry


@attrs.frozen
class Reason:
    """One fact about a market: the journal line, when, what kind, and what it means."""

    seq: int
    at: Micros
    type: str
    text: str


def explain(entries: Iterable[Entry], market: str) -> Iterator[Reason]:
    """Yield what the journal knows of one market, oldest first.

    Facts that name only an order are told if the order is one of this market's.
    """
    intents: set[str] = set()
    for entry in entries:
        event = entry.event
        if event is None:
            continue
        if isinstance(event, ev.OrderIntent) and event.market == market:
            intents.add(event.intent)
        if not _concerns(event, market, intents):
            continue
        text = _sentence(event)
        if text is not None:
            yield Reason(entry.seq, entry.at, entry.type, text)


def _concerns(event: ev.Event, market: str, intents: set[str]) -> bool:
    if isinstance(event, (ev.Decided, ev.MarketResolved, ev.PositionMarked, ev.Merged)):
        return event.market == market
    return getattr(event, "intent", None) in intents


def _sentence(event: ev.Event) -> str | None:
    match event:
        case ev.SignalRaised():
            return _signal(event)
        case ev.Denied():
            return _denied(event)
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


def _denied(event: ev.Denied) -> str:
    if event.phase == "end":
        return f"no longer refused, after {event.count} looks"
    gates = "; ".join(
        f"{gate.name} (limit {gate.limit}, value {gate.value})" for gate in event.gates
    )
    return f"refused by {gates}"


def _price(price: Price | None) -> str:
    return "none" if price is None else format_price(price)
