"""From a belief to a wish: what strategies share when they price, place and move their orders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from market_bot.core.domain.fees import fee
from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import Leg, Market
from market_bot.core.domain.numbers import (
    CERTAIN,
    ONE_CONTRACT,
    ONE_DOLLAR,
    Duration,
    Price,
    Probability,
    Size,
)
from market_bot.core.domain.orders import Order, Purpose, Style
from market_bot.core.domain.signals import Signal, Wanted, Withdraw
from market_bot.core.domain.view import Holdings, MarketView

# A hundred contracts, so that rounding to a venue's cash grid does not drown the rate.
_TYPICAL: Final = Size(100 * ONE_CONTRACT)


def fee_per_contract(market: Market, at: Price, style: Style, *, selling: bool = False) -> Price:
    """Return what a contract of an ordinary order costs in fees, rounded up to 1e-6 dollar."""
    charged = fee(market.fees, at, _TYPICAL, style, selling=selling)
    return Price(-(-charged // _TYPICAL))


def believed(yes: Probability, leg: Leg) -> Probability:
    """Return the chance that a leg pays, given the chance of YES."""
    return yes if leg is Leg.YES else Probability(CERTAIN - yes)


def wish(
    seen: MarketView,
    leg: Leg,
    purpose: Purpose,
    *,
    style: Style,
    at: Price,
    belief: Probability,
    cost: Price,
    patience: Duration,
    reason: str,
    size: Size | None = None,
    group: str = "",
) -> Signal:
    """Return the wish to buy or to sell a leg; its edge is what is left after belief and cost.

    Without a size sizing decides what is bought, and all that is held is sold.
    """
    gain = belief - at if purpose is Purpose.ENTRY else at - belief
    return Signal(
        market=seen.market.id,
        leg=leg,
        purpose=purpose,
        style=style,
        price=at,
        belief=belief,
        edge=Price(gain - cost),
        cost=cost,
        patience=patience,
        reason=reason,
        size=size,
        group=group,
    )


def take_price(seen: MarketView, leg: Leg) -> Price | None:
    """Return the price at which a leg can be bought now, or None without one on the grid."""
    ask = seen.buy_price(leg)
    return ask if ask is not None and seen.market.on_grid(ask) else None


def hit_price(seen: MarketView, leg: Leg) -> Price | None:
    """Return the highest price on the grid at which a leg can be sold now, or None."""
    bid = seen.sell_price(leg)
    at = None if bid is None else seen.market.floor_to_tick(bid)
    return at if at is not None and seen.market.on_grid(at) else None


def rest_price(seen: MarketView, leg: Leg) -> Price | None:
    """Return the bid one tick inside the spread, or at the best bid if there is no room.

    None without both sides, or where any resting bid would cross.
    """
    bid, ask = seen.sell_price(leg), seen.buy_price(leg)
    if bid is None or ask is None or bid >= ask:
        return None
    inside = seen.market.ceil_to_tick(Price(bid + 1))
    at = inside if inside < ask else seen.market.floor_to_tick(bid)
    return at if seen.market.on_grid(at) else None


def is_sound(seen: MarketView) -> bool:
    """Tell whether a market can be traded and its quotes mean something: two-sided, not crossed."""
    bid, ask = seen.bid, seen.ask
    return seen.tradable and bid is not None and ask is not None and 0 < bid < ask < ONE_DOLLAR


def positions_of(holdings: Holdings, strategy: str, market: str) -> dict[Leg, Position] | None:
    """Return what a strategy holds in a market, or None if another strategy holds something there.

    A leg is one position, whoever bought it: two strategies would sell each other's contracts.
    """
    there = [held for held in holdings.positions if held.market == market]
    if any(held.strategy != strategy for held in there):
        return None
    return {held.leg: held for held in there}


def resting(holdings: Holdings, strategy: str, market: str) -> list[Order]:
    """Return a strategy's own orders that rest in a market."""
    return [
        order
        for order in holdings.orders
        if order.market == market
        and order.strategy == strategy
        and order.style is Style.MAKER
        and order.state.live
    ]


def move(
    market: Market, orders: Iterable[Order], wishes: Sequence[Signal], ticks: int = 1
) -> list[Wanted]:
    """Return the wishes, after withdrawing the resting orders that no longer serve one.

    An order serves its wish while it rests less than ``ticks`` steps away and is not too large.
    """
    by_key = {(wish.leg, wish.purpose): wish for wish in wishes}
    gone = {
        (order.leg, order.purpose): None
        for order in orders
        if not _serves(market, order, by_key.get((order.leg, order.purpose)), ticks)
    }
    withdrawn = [Withdraw(market=market.id, leg=leg, purpose=purpose) for leg, purpose in gone]
    return [*withdrawn, *wishes]


def _serves(market: Market, order: Order, wish: Signal | None, ticks: int) -> bool:
    if wish is None or wish.style is not order.style:
        return False
    if wish.size is not None and order.remaining > wish.size:
        return False
    return abs(order.price - wish.price) < ticks * market.tick_at(wish.price)
