"""What a lane has, found by where it is: looking through everything for each event is too much."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from market_bot.core.domain.lane import LaneState, Position
from market_bot.core.domain.orders import Order


@attrs.frozen(kw_only=True)
class Own:
    """The positions and orders of one state, each list in the state's own order.

    Args:
        positions: what is held, by event.
        orders: every order that is not finished, by event.
        by_market: the same orders by market.
        events: where something is held or may still fill, each once.

    """

    positions: dict[str, list[Position]]
    orders: dict[str, list[Order]]
    by_market: dict[str, list[Order]]
    events: dict[str, None]

    def in_market(self, market: str) -> Sequence[Order]:
        """Return the orders of a market that are not finished."""
        return self.by_market.get(market, ())


def own_of(state: LaneState) -> Own:
    """Return what a lane has in one state."""
    positions: dict[str, list[Position]] = {}
    for held in state.positions.values():
        positions.setdefault(held.event, []).append(held)
    events = dict.fromkeys(positions)
    orders: dict[str, list[Order]] = {}
    by_market: dict[str, list[Order]] = {}
    for order in state.orders.values():
        orders.setdefault(order.event, []).append(order)
        by_market.setdefault(order.market, []).append(order)
        if order.state.live:
            events[order.event] = None
    return Own(positions=positions, orders=orders, by_market=by_market, events=events)
