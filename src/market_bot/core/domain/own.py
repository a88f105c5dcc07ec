"""What a lane has, found by where it is: looking through everything for each event is too much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from market_bot.core.domain.lane import LaneState, Position
from market_bot.core.domain.numbers import NO_MONEY, Money
from market_bot.core.domain.orders import Order


@attrs.frozen(kw_only=True)
class Holding:
    """The positions of one state, by event in the state's own order, and what they cost.

    Args:
        held: where they come from; most facts leave it as it is.
        positions: what is held, by event.
        by_market: what it cost, both legs added up.
        by_event: the same by event.

    """

    held: Mapping[str, Position]
    positions: dict[str, list[Position]]
    by_market: dict[str, Money]
    by_event: dict[str, Money]


@attrs.frozen(kw_only=True)
class Own:
    """The positions and orders of one state, each list in the state's own order.

    Args:
        holding: what is held.
        orders: every order that is not finished, by event.
        by_market: the same orders by market.
        events: where something is held or may still fill, each once.

    """

    holding: Holding
    orders: dict[str, list[Order]]
    by_market: dict[str, list[Order]]
    events: dict[str, None]

    @property
    def positions(self) -> dict[str, list[Position]]:
        """What is held, by event."""
        return self.holding.positions

    def in_market(self, market: str) -> Sequence[Order]:
        """Return the orders of a market that are not finished."""
        return self.by_market.get(market, ())


def own_of(state: LaneState, before: Own | None = None) -> Own:
    """Return what a lane has in one state; ``before`` saves looking at the same positions again."""
    if before is not None and before.holding.held is state.positions:
        holding = before.holding
    else:
        holding = _holding_of(state.positions)
    events = dict.fromkeys(holding.positions)
    orders: dict[str, list[Order]] = {}
    by_market: dict[str, list[Order]] = {}
    for order in state.orders.values():
        orders.setdefault(order.event, []).append(order)
        by_market.setdefault(order.market, []).append(order)
        if order.state.live:
            events[order.event] = None
    return Own(holding=holding, orders=orders, by_market=by_market, events=events)


def _holding_of(held: Mapping[str, Position]) -> Holding:
    positions: dict[str, list[Position]] = {}
    by_market: dict[str, Money] = {}
    by_event: dict[str, Money] = {}
    for position in held.values():
        market, event, cost = position.market, position.event, position.cost
        positions.setdefault(event, []).append(position)
        by_market[market] = Money(by_market.get(market, NO_MONEY) + cost)
        by_event[event] = Money(by_event.get(event, NO_MONEY) + cost)
    return Holding(held=held, positions=positions, by_market=by_market, by_event=by_event)
