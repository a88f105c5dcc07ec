"""The order book of one market, kept in YES prices.

Bids buy YES; asks sell YES, which is buying NO at one minus the price. The hot path is
`Book.set_bid` and `Book.set_ask`: absolute sizes, two dicts, best prices kept up to date.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import attrs

from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import NEVER, NOTHING, ONE_DOLLAR, Micros, Price, Size


class Side(Enum):
    """A side of the book, in YES terms."""

    BID = "bid"
    ASK = "ask"

    # Part of many keys; the members are alone in their value.
    __hash__ = object.__hash__

    @property
    def other(self) -> Side:
        """The opposite side."""
        return Side.ASK if self is Side.BID else Side.BID


@attrs.frozen
class Level:
    """What is displayed at one price."""

    price: Price
    size: Size


@attrs.define(eq=False)
class Book:
    """Displayed depth of one market; mutable, owned by one thread.

    A book is *whole* once a snapshot was applied and no gap came after it; while it is not whole
    nothing may be concluded from it. Sources that tell prices without sizes show a token size; what
    can be concluded from a size follows the tape's capabilities, not the number.
    """

    bids: dict[Price, Size] = attrs.field(factory=dict)
    asks: dict[Price, Size] = attrs.field(factory=dict)
    best_bid: Price | None = None
    best_ask: Price | None = None
    whole: bool = False
    changed_at: Micros = NEVER

    def replace(self, bids: Mapping[Price, Size], asks: Mapping[Price, Size], at: Micros) -> None:
        """Take a copy of a snapshot: whatever was known before is gone, never merged."""
        self.bids, self.asks = dict(bids), dict(asks)
        for levels in (self.bids, self.asks):
            if levels and min(levels.values()) <= 0:
                for price in [price for price, size in levels.items() if size <= 0]:
                    del levels[price]
        self.best_bid = max(self.bids) if self.bids else None
        self.best_ask = min(self.asks) if self.asks else None
        self.whole = True
        self.changed_at = at

    def set_bid(self, price: Price, size: Size, at: Micros) -> None:
        """Set the absolute size of a bid level; zero removes it."""
        self.changed_at = at
        if size > 0:
            self.bids[price] = size
            best = self.best_bid
            if best is None or price > best:
                self.best_bid = price
        elif self.bids.pop(price, None) is not None and price == self.best_bid:
            self.best_bid = max(self.bids, default=None)

    def set_ask(self, price: Price, size: Size, at: Micros) -> None:
        """Set the absolute size of an ask level; zero removes it."""
        self.changed_at = at
        if size > 0:
            self.asks[price] = size
            best = self.best_ask
            if best is None or price < best:
                self.best_ask = price
        elif self.asks.pop(price, None) is not None and price == self.best_ask:
            self.best_ask = min(self.asks, default=None)

    def lose(self) -> None:
        """Mark the book as not whole: a gap came, and only a snapshot can mend it."""
        self.bids.clear()
        self.asks.clear()
        self.best_bid = None
        self.best_ask = None
        self.whole = False

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask: never true of a sound book."""
        return (
            self.best_bid is not None
            and self.best_ask is not None
            and self.best_bid >= self.best_ask
        )

    def mid(self) -> Price | None:
        """Return the midpoint in YES dollars (rounded down to 1e-6), or None without both sides."""
        if self.best_bid is None or self.best_ask is None:
            return None
        return Price((self.best_bid + self.best_ask) // 2)

    def buy_price(self, leg: Leg) -> Price | None:
        """Return the best price at which one can buy a leg now, in that leg's own price."""
        if leg is Leg.YES:
            return self.best_ask
        return None if self.best_bid is None else Price(ONE_DOLLAR - self.best_bid)

    def sell_price(self, leg: Leg) -> Price | None:
        """Return the best price at which one can sell a leg now, in that leg's own price."""
        if leg is Leg.YES:
            return self.best_bid
        return None if self.best_ask is None else Price(ONE_DOLLAR - self.best_ask)

    def offers(self, leg: Leg) -> list[Level]:
        """Return what is for sale of a leg, cheapest first, in that leg's own price."""
        if leg is Leg.YES:
            return [Level(p, self.asks[p]) for p in sorted(self.asks)]
        return [Level(Price(ONE_DOLLAR - p), self.bids[p]) for p in sorted(self.bids, reverse=True)]

    def demand(self, leg: Leg) -> list[Level]:
        """Return who buys a leg, dearest first, in that leg's own price."""
        if leg is Leg.YES:
            return [Level(p, self.bids[p]) for p in sorted(self.bids, reverse=True)]
        return [Level(Price(ONE_DOLLAR - p), self.asks[p]) for p in sorted(self.asks)]

    def displayed(self, leg: Leg, price: Price) -> Size:
        """Return the size resting to *buy* a leg at a price (that leg's own price)."""
        if leg is Leg.YES:
            return self.bids.get(price, NOTHING)
        return self.asks.get(Price(ONE_DOLLAR - price), NOTHING)
