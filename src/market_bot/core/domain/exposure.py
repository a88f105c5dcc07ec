"""What a lane can lose in the worst case, and how its day stands."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.numbers import NO_MONEY, Money
from market_bot.core.domain.orders import Purpose


@attrs.frozen(kw_only=True)
class Exposure:
    """Worst-case cost of everything held or possibly bought, in dollars (1e-12).

    A bought contract can lose what it cost. Live entries, also unknown ones, count as filled at
    their limit with the fee bound; provisional sales count as not sold, and what they brought is
    not free cash. ``day_pnl`` is the change of marked equity since the UTC day opened; None means
    that it cannot be told.
    """

    total: Money
    by_market: Mapping[str, Money]
    by_event: Mapping[str, Money]
    live_orders: int
    free_cash: Money
    day_pnl: Money | None
    halted: str | None

    def market(self, market: str) -> Money:
        """Return the worst-case cost in one market."""
        return self.by_market.get(market, NO_MONEY)

    def event(self, event: str) -> Money:
        """Return the worst-case cost in one event, as if all its markets could lose at once."""
        return self.by_event.get(event, NO_MONEY)


def exposure_of(state: LaneState, equity: Money | None) -> Exposure:
    """Return the worst case of a state; ``equity`` is its marked equity if it can be told."""
    by_market: dict[str, int] = {}
    by_event: dict[str, int] = {}
    reserved = 0

    def add(market: str, event: str, amount: int) -> None:
        by_market[market] = by_market.get(market, 0) + amount
        by_event[event] = by_event.get(event, 0) + amount

    for held in state.positions.values():
        add(held.market, held.event, held.cost)
    for order in state.orders.values():
        amount = int(order.reserved)
        reserved += amount
        if order.purpose is Purpose.EXIT:
            doubtful = [fill for fill in order.fills if fill.provisional]
            amount = sum(fill.basis for fill in doubtful)
            reserved += sum(fill.cost for fill in doubtful)
        add(order.market, order.event, amount)
    day = state.day
    return Exposure(
        total=Money(sum(by_market.values())),
        by_market={market: Money(amount) for market, amount in by_market.items()},
        by_event={event: Money(amount) for event, amount in by_event.items()},
        live_orders=sum(1 for order in state.orders.values() if order.state.live),
        free_cash=Money(state.cash - reserved),
        day_pnl=None if day is None or equity is None else Money(equity - day.equity),
        halted=state.halted,
    )
