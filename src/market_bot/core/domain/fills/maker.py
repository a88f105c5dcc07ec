"""Where an order rests in the book, which is kept in YES prices."""

from __future__ import annotations

from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import ONE_DOLLAR, Price
from market_bot.core.domain.orders import Purpose


def book_side(leg: Leg, purpose: Purpose) -> Side:
    """Return where an order rests in the YES book: buying NO is offering YES."""
    buys_yes = (leg is Leg.YES) == (purpose is Purpose.ENTRY)
    return Side.BID if buys_yes else Side.ASK


def yes_price(leg: Leg, price: Price) -> Price:
    """Return a leg's price as a YES price; its own inverse."""
    return price if leg is Leg.YES else Price(ONE_DOLLAR - price)
