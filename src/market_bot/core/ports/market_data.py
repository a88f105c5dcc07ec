"""Market data as a stream of facts pushed into a sink, in the order in which they are consumed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, Protocol

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Market, MarketStatus
from market_bot.core.domain.numbers import Micros, Price, Size


class Capability(Enum):
    """What a source can honestly claim to know; the fill engine follows it."""

    L2_STREAM = "l2_stream"
    L2_POLLED = "l2_polled"
    TOP_OF_BOOK = "top_of_book"
    QUOTES = "quotes"
    PRINTS = "prints"

    # Asked for at every decision; the members are alone in their value.
    __hash__ = object.__hash__


UNTOLD: Final = Micros(-1)
"""Stands in a column for a time that the venue does not say."""


@attrs.frozen(eq=False)
class Deltas:
    """Many changes of levels, in order, column by column; what `Sink.delta` takes one by one.

    Args:
        markets: market ids by index.
        books: of each level its book: twice the index of the market, and one more for asks.
        prices: of each level its price.
        levels: which level changed.
        sizes: its new absolute size.
        received: when we had it.
        exchange: when the venue says it happened, `UNTOLD` if it does not say.
        rising: whether none was received before the one before it.

    """

    markets: Sequence[str]
    books: Sequence[int]
    prices: Sequence[Price]
    levels: Sequence[int]
    sizes: Sequence[Size]
    received: Sequence[Micros]
    exchange: Sequence[Micros]
    rising: bool = False

    def newest(self, first: int, last: int) -> Micros:
        """Return when the latest of some changes was received; there has to be one."""
        return self.received[last - 1] if self.rising else max(self.received[first:last])


class Sink(Protocol):
    """Takes market facts in order.

    ``received`` is when we had it, ``exchange`` when the venue says it happened (None if it does
    not say). Prices are YES prices; sizes are absolute. A fact about a market comes after its
    `meta`; a repeated `meta` replaces the earlier one (ticks, close time and fees change).
    """

    @abstractmethod
    def meta(self, market: Market, received: Micros) -> None:
        """Announce a market or its changed terms."""

    @abstractmethod
    def book(
        self,
        market: str,
        bids: Mapping[Price, Size],
        asks: Mapping[Price, Size],
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        """Take a whole book; it replaces what was known."""

    @abstractmethod
    def delta(
        self,
        market: str,
        side: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        """Take the new absolute size at one price; zero means the level is gone."""

    def deltas(self, changes: Deltas, first: int, last: int) -> None:
        """Take the changes from place ``first`` up to but without ``last``, one after another.

        Whoever can take many at once faster may do it in another way with the same result.
        """
        delta, markets, prices = self.delta, changes.markets, changes.prices
        rows = zip(
            changes.levels[first:last],
            changes.sizes[first:last],
            changes.received[first:last],
            changes.exchange[first:last],
            strict=True,
        )
        for level, size, received, exchange in rows:
            book = changes.books[level]
            delta(
                markets[book >> 1],
                Side.ASK if book & 1 else Side.BID,
                prices[level],
                size,
                received,
                None if exchange == UNTOLD else exchange,
            )

    @abstractmethod
    def trade(
        self,
        market: str,
        taker: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        """Take a print; ``taker`` BID means the aggressor bought YES (hit the asks)."""

    @abstractmethod
    def reference(self, name: str, value: str, received: Micros, exchange: Micros | None) -> None:
        """Take an outside price ("BTC-USD") as a decimal string."""

    @abstractmethod
    def status(self, market: str, status: MarketStatus, received: Micros) -> None:
        """Take a change in a market's life; market "" means the whole venue."""

    @abstractmethod
    def resolution(self, market: str, yes_payout: Price, received: Micros) -> None:
        """Take how a market ended: what one YES contract pays."""

    @abstractmethod
    def gap(self, market: str, reason: str, received: Micros) -> None:
        """Take that data is missing before this point; market "" means all of them."""


class MarketData(Protocol):
    """A venue's market data behind a synchronous face."""

    @property
    @abstractmethod
    def capabilities(self) -> frozenset[Capability]:
        """What this source can claim; constant for its life."""

    @abstractmethod
    def drain(self, sink: Sink, until: Micros) -> str:
        """Push everything that is there up to ``until`` into the sink, in order.

        Returns:
            The position after the last fact pushed: an opaque string, stable across runs, which
            goes into the journal's `scan`.

        Raises:
            MarketDataError: if the source cannot be read; what was pushed so far stays true.

        """


class MarketDataError(Exception):
    """The source is unusable; the message is one line saying what and where."""
