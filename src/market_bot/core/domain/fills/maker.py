"""Resting on paper: only prints beyond the displayed queue fill an order.

The pessimistic rule: the queue ahead is all that was displayed at our price when we joined; prints
at our price or through it shorten it first and fill us with the rest; cancels never shorten it.
"""

from __future__ import annotations

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import NOTHING, ONE_DOLLAR, Micros, Price, Size
from market_bot.core.domain.orders import Purpose


@attrs.frozen(kw_only=True)
class Resting:
    """A paper order in the queue; ``price`` is a YES price, ``side`` the side of the YES book."""

    intent: str
    market: str
    side: Side
    price: Price
    remaining: Size
    ahead: Size
    expires_at: Micros


def book_side(leg: Leg, purpose: Purpose) -> Side:
    """Return where an order rests in the YES book: buying NO is offering YES."""
    buys_yes = (leg is Leg.YES) == (purpose is Purpose.ENTRY)
    return Side.BID if buys_yes else Side.ASK


def yes_price(leg: Leg, price: Price) -> Price:
    """Return a leg's price as a YES price; its own inverse."""
    return price if leg is Leg.YES else Price(ONE_DOLLAR - price)


def met_by(order: Resting, taker: Side, price: Price, at: Micros) -> bool:
    """Tell whether a print could have reached an order: other side, at or through, in time."""
    if at > order.expires_at or taker is order.side:
        return False
    return price <= order.price if order.side is Side.BID else price >= order.price


def after_print(order: Resting, printed: Size) -> tuple[Resting, Size]:
    """Return the order after a print that reached it, and the size it gets."""
    through = Size(max(0, printed - order.ahead))
    filled = Size(min(order.remaining, through))
    ahead = Size(max(0, order.ahead - printed))
    left = attrs.evolve(order, ahead=ahead, remaining=Size(order.remaining - filled))
    return left, filled


def is_done(order: Resting) -> bool:
    """Tell whether nothing is left to fill."""
    return order.remaining <= NOTHING
