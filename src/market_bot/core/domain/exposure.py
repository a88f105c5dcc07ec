"""What a lane can lose in the worst case, and how its day stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from market_bot.core.domain.lane import MINUTE, LaneState, Position
from market_bot.core.domain.market import UNKNOWN_TERMS, EventTerms
from market_bot.core.domain.numbers import NO_MONEY, Micros, Money
from market_bot.core.domain.orders import Order, Purpose
from market_bot.core.domain.signals import Draft
from market_bot.core.domain.worst_case import stakes_of, with_entry, worst_loss

TermsOf = Callable[[str], EventTerms]
"""Returns what is known about how the markets of an event end together."""


@attrs.frozen
class AtStake:
    """What a lane has in one event, and how its markets end together."""

    terms: EventTerms = UNKNOWN_TERMS
    positions: list[Position] = attrs.field(factory=list)
    orders: list[Order] = attrs.field(factory=list)

    def loss(self, entry: Draft | None = None) -> Money:
        """Return the event's worst case, also with one more entry; see `worst_case`."""
        stakes = stakes_of(self.positions, self.orders)
        return worst_loss(stakes if entry is None else with_entry(stakes, entry), self.terms)


NOTHING_AT_STAKE: Final = AtStake()


@attrs.frozen(kw_only=True)
class Exposure:
    """What hard limits are judged by; money in dollars (1e-12).

    A bought contract can lose what it cost. Live entries, also unknown ones, count as filled at
    their limit with the fee bound; provisional sales count as not sold, and what they brought is
    not free cash.

    Args:
        total: the worst cost of everything held or possibly bought.
        by_market: the same by market, both legs added up.
        by_event: the same by event, as if all its markets could lose at once.
        events: what there is in each event, for its worst case over all outcomes.
        live_orders: number of orders that may still fill.
        recent_entries: entries sent within the last minute.
        free_cash: cash that no order may need.
        day_pnl: change of marked equity since the UTC day opened; None if it cannot be told.
        drawdown: how far marked equity is below its peak; None if it cannot be told.
        loss_streak: positions closed with a loss since the last one with a gain.
        halted: who halted and why, or None.
        venue: the venue's own state; "open" is the only one in which everything works.

    """

    total: Money
    by_market: Mapping[str, Money]
    by_event: Mapping[str, Money]
    events: Mapping[str, AtStake] = attrs.field(factory=dict)
    live_orders: int
    recent_entries: int = 0
    free_cash: Money
    day_pnl: Money | None
    drawdown: Money | None = None
    loss_streak: int = 0
    halted: str | None
    venue: str = "open"

    def market(self, market: str) -> Money:
        """Return the worst-case cost in one market."""
        return self.by_market.get(market, NO_MONEY)

    def event(self, event: str) -> Money:
        """Return the worst-case cost in one event, as if all its markets could lose at once."""
        return self.by_event.get(event, NO_MONEY)

    def event_loss(self, event: str, entry: Draft | None = None) -> Money:
        """Return the worst case of an event over all outcomes, also with one more entry."""
        return self.events.get(event, NOTHING_AT_STAKE).loss(entry)


def unknown_terms(_event: str) -> EventTerms:
    """Return that nothing is known: every market ends by itself."""
    return UNKNOWN_TERMS


def exposure_of(
    state: LaneState,
    equity: Money | None,
    terms_of: TermsOf = unknown_terms,
    now: Micros | None = None,
) -> Exposure:
    """Return the worst case of a state.

    Args:
        state: the lane's state.
        equity: its marked equity if it can be told.
        terms_of: what is known of an event's markets.
        now: the present; None counts all orders the state remembers as recent.

    """
    by_market: dict[str, int] = {}
    by_event: dict[str, int] = {}
    events: dict[str, AtStake] = {}
    reserved = 0

    def add(market: str, event: str, amount: int) -> AtStake:
        by_market[market] = by_market.get(market, 0) + amount
        by_event[event] = by_event.get(event, 0) + amount
        found = events.get(event)
        if found is None:
            found = events[event] = AtStake(terms_of(event))
        return found

    for held in state.positions.values():
        add(held.market, held.event, held.cost).positions.append(held)
    for order in state.orders.values():
        amount = int(order.reserved)
        reserved += amount
        if order.purpose is Purpose.EXIT:
            doubtful = [fill for fill in order.fills if fill.provisional]
            amount = sum(fill.basis for fill in doubtful)
            reserved += sum(fill.cost for fill in doubtful)
        add(order.market, order.event, amount).orders.append(order)
    day, peak = state.day, state.peak
    times = state.entry_times
    return Exposure(
        total=Money(sum(by_market.values())),
        by_market={market: Money(amount) for market, amount in by_market.items()},
        by_event={event: Money(amount) for event, amount in by_event.items()},
        events=events,
        live_orders=sum(1 for order in state.orders.values() if order.state.live),
        recent_entries=len(times if now is None else [t for t in times if t > now - MINUTE]),
        free_cash=Money(state.cash - reserved),
        day_pnl=None if day is None or equity is None else Money(equity - day.equity),
        drawdown=None if peak is None or equity is None else Money(max(0, peak - equity)),
        loss_streak=state.loss_streak,
        halted=state.halted,
        venue=state.venue,
    )
