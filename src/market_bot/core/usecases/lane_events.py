"""The journal's words for what a lane decides and hears."""

from __future__ import annotations

from collections.abc import Iterable

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import SECOND, Duration, Micros, Price, Probability
from market_bot.core.domain.orders import Order, Purpose, Style
from market_bot.core.domain.signals import Draft, Gate, Intent, Quote, Signal
from market_bot.core.domain.view import Holdings, MarketView, View
from market_bot.core.ports.execution import (
    Accepted,
    Filled,
    Merged,
    Outcome,
    Rejected,
    Unknown,
)


def leave_everything(view: View, holdings: Holdings) -> Iterable[Signal]:
    """Yield a sale at the best bid for everything held; what nobody bids for has to wait."""
    for held in holdings.positions:
        seen = next((m for m in view.markets if m.market.id == held.market), None)
        bid = None if seen is None else seen.sell_price(held.leg)
        if seen is None or bid is None or not seen.tradable:
            continue
        yield Signal(
            market=held.market,
            leg=held.leg,
            purpose=Purpose.EXIT,
            style=Style.TAKER,
            price=bid,
            belief=Probability(bid),
            edge=Price(0),
            cost=Price(0),
            patience=Duration(10 * SECOND),
            reason="flatten",
        )


def signal_event(view: View, seen: MarketView, draft: Draft) -> ev.SignalRaised:
    """Return a signal with all it was decided from."""
    signal = draft.signal
    return ev.SignalRaised(
        signal=draft.signal_id,
        strategy=draft.strategy,
        market=signal.market,
        event=draft.event,
        family=draft.family,
        leg=signal.leg,
        purpose=signal.purpose,
        style=signal.style,
        price=signal.price,
        belief=signal.belief,
        edge=signal.edge,
        cost=signal.cost,
        reason=signal.reason,
        mid=seen.mid(signal.leg),
        bid=seen.sell_price(signal.leg),
        ask=seen.buy_price(signal.leg),
        depth=seen.depth(signal.leg),
        book_age=seen.book_age,
        closes_in=view.closes_in(seen.market),
    )


def denied_event(draft: Draft, gates: tuple[Gate, ...]) -> ev.Denied:
    """Return the beginning of a refusal with all its gates."""
    return ev.Denied(
        signal=draft.signal_id,
        strategy=draft.strategy,
        market=draft.signal.market,
        event=draft.event,
        family=draft.family,
        leg=draft.signal.leg,
        purpose=draft.signal.purpose,
        phase="begin",
        gates=gates,
        price=draft.signal.price,
        size=draft.size,
    )


def exit_event(draft: Draft) -> ev.Exit:
    """Return the decision to leave a position."""
    signal = draft.signal
    return ev.Exit(
        signal=draft.signal_id,
        strategy=draft.strategy,
        market=signal.market,
        event=draft.event,
        family=draft.family,
        leg=signal.leg,
        reason=signal.reason,
        size=draft.size,
        price=signal.price,
        belief=signal.belief,
    )


def intent_event(intent: Intent, mid: Price | None, venue_order: str = "") -> ev.OrderIntent:
    """Return the order about to be sent; ``venue_order`` is its name there, if that is known."""
    draft, signal = intent.draft, intent.draft.signal
    return ev.OrderIntent(
        signal=draft.signal_id,
        strategy=draft.strategy,
        market=signal.market,
        event=draft.event,
        family=draft.family,
        leg=signal.leg,
        intent=intent.id,
        purpose=signal.purpose,
        style=signal.style,
        price=signal.price,
        size=draft.size,
        fee_bound=draft.fee_bound,
        expires_at=intent.expires_at,
        belief=signal.belief,
        edge=signal.edge,
        mid=mid,
        venue_order=venue_order,
    )


def intent_again(order: Order) -> Intent:
    """Return what is left of an order as it would be sent once more, under its own name."""
    signal = Signal(
        market=order.market,
        leg=order.leg,
        purpose=order.purpose,
        style=order.style,
        price=order.price,
        belief=Probability(0),
        edge=Price(0),
        cost=Price(0),
        patience=Duration(order.expires_at - order.created_at),
        reason="again",
        size=order.remaining,
    )
    draft = Draft(
        strategy=order.strategy,
        signal_id=order.signal,
        signal=signal,
        event=order.event,
        family=order.family,
        size=order.remaining,
        fee_bound=order.fee_bound,
    )
    return Intent(
        id=order.intent,
        draft=draft,
        expires_at=order.expires_at,
        reduce_only=order.purpose is Purpose.EXIT,
    )


def fill_event(order: Order, fact: Filled, mid: Price | None) -> ev.Fill:
    """Return a trade of ours with the order it belongs to."""
    return ev.Fill(
        signal=order.signal,
        strategy=order.strategy,
        market=order.market,
        event=order.event,
        family=order.family,
        leg=order.leg,
        intent=fact.intent,
        fill=fact.fill,
        purpose=order.purpose,
        liquidity=fact.liquidity,
        price=fact.price,
        size=fact.size,
        cost=fact.cost,
        fee=fact.fee,
        provisional=fact.provisional,
        traded_at=fact.at,
        mid=mid,
    )


def merged_event(held: Position, fact: Merged) -> ev.Merged:
    """Return pairs that became money, with the event and family of what was held."""
    return ev.Merged(
        merge=fact.intent,
        market=fact.market,
        event=held.event,
        family=held.family,
        size=fact.size,
        payout=fact.payout,
    )


def quote_of(seen: MarketView, leg: Leg) -> Quote:
    """Return the book as it stands against a draft, in the leg's own dollars."""
    return Quote(bid=seen.sell_price(leg), ask=seen.buy_price(leg), age=seen.book_age)


def outcome_event(intent: Intent, outcome: Outcome, sent_at: Micros) -> ev.Event:
    """Return what the venue's answer to an order is called in the journal."""
    match outcome:
        case Accepted(venue_order, queue_ahead):
            return ev.OrderAccepted(
                intent=intent.id,
                venue_order=venue_order,
                sent_at=sent_at,
                queue_ahead=queue_ahead,
            )
        case Rejected(code, reason):
            return ev.OrderRejected(intent=intent.id, code=code, reason=reason)
        case Unknown(reason):
            return ev.OrderUnknown(intent=intent.id, reason=reason)
