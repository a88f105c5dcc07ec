"""From market facts to the records of one tape, each checked before anything is written."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Final

import msgspec

from market_bot.adapters.storage.tape_records import (
    LAST_MICROS,
    BookRecord,
    DeltaRecord,
    GapRecord,
    Record,
    ReferenceRecord,
    ResolutionRecord,
    StatusRecord,
    TickRecord,
    TradeRecord,
    record_of,
)
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Market, MarketStatus
from market_bot.core.domain.numbers import ONE_DOLLAR, Micros, Price, Size
from market_bot.core.ports.market_data import Sink
from market_bot.core.ports.tape import TapeError

_encoder: Final = msgspec.json.Encoder()
_checker: Final = msgspec.json.Decoder(Record)


class FactRefusedError(TapeError):
    """No tape of this format can hold the fact; the tape itself is as sound as before."""


class FactRecords(Sink):
    """Makes the records of one tape; whoever derives from it says where they go.

    Args:
        name: what to call the tape in messages.
        venue: the one venue of the tape.
        ticks: whether `tick` will be called.

    """

    def __init__(self, name: str, venue: str, *, ticks: bool) -> None:
        self._name = name
        self._venue = venue
        self._ticks = ticks
        self._indices: dict[str, int] = {}

    @abstractmethod
    def add(self, record: Record) -> None:
        """Take the next record of the tape.

        Raises:
            TapeError: if it cannot be written.

        """

    def meta(self, market: Market, received: Micros) -> None:
        if market.venue != self._venue:
            msg = (
                f"{self._name}: market {market.id} belongs to {market.venue}, the tape holds "
                f"{self._venue}: write one tape per venue"
            )
            raise FactRefusedError(msg)
        index = self._indices.get(market.id, len(self._indices))
        self._add_checked(record_of(market, index, received))
        self._indices[market.id] = index

    def book(
        self,
        market: str,
        bids: Mapping[Price, Size],
        asks: Mapping[Price, Size],
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        dearest_first = sorted(bids.items(), reverse=True)
        self._add_checked(
            BookRecord(received, exchange, self._index(market), dearest_first, sorted(asks.items()))
        )

    def delta(
        self,
        market: str,
        side: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        self._check(market, price, size, received, exchange)
        self.add(DeltaRecord(received, exchange, self._indices[market], side, price, size))

    def trade(
        self,
        market: str,
        taker: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        self._check(market, price, size, received, exchange)
        self.add(TradeRecord(received, exchange, self._indices[market], taker, price, size))

    def reference(self, name: str, value: str, received: Micros, exchange: Micros | None) -> None:
        self._add_checked(ReferenceRecord(received, exchange, name, value))

    def status(self, market: str, status: MarketStatus, received: Micros) -> None:
        self._add_checked(StatusRecord(received, self._index_or_all(market), status))

    def resolution(self, market: str, yes_payout: Price, received: Micros) -> None:
        self._add_checked(ResolutionRecord(received, self._index(market), yes_payout))

    def gap(self, market: str, reason: str, received: Micros) -> None:
        self._add_checked(GapRecord(received, self._index_or_all(market), reason))

    def tick(self, received: Micros) -> None:
        """Record that the bot decides now, on everything written so far.

        Raises:
            TapeError: if the tape was not opened with ``ticks``, or cannot be written.

        """
        if not self._ticks:
            msg = f"{self._name}: a tick in a tape opened without ticks: open it with ticks=True"
            raise FactRefusedError(msg)
        self._add_checked(TickRecord(received))

    def _check(
        self, market: str, price: Price, size: Size, received: Micros, exchange: Micros | None
    ) -> None:
        # The hot kinds are checked by hand; the others by reading them back.
        if market not in self._indices:
            raise self._unannounced(market)
        if not 0 <= price <= ONE_DOLLAR or size < 0:
            msg = f"{self._name}: {market}: price {price} or size {size} is out of range"
            raise FactRefusedError(msg)
        if not 0 <= received <= LAST_MICROS or not 0 <= (exchange or 0) <= LAST_MICROS:
            msg = f"{self._name}: {market}: time {received} or {exchange} is out of range"
            raise FactRefusedError(msg)

    def _add_checked(self, record: Record) -> None:
        try:
            _checker.decode(_encoder.encode(record))
        except ValueError as e:
            msg = f"{self._name}: {type(record).__name__}: {e}: not written"
            raise FactRefusedError(msg) from e
        self.add(record)

    def _index(self, market: str) -> int:
        index = self._indices.get(market)
        if index is None:
            raise self._unannounced(market)
        return index

    def _index_or_all(self, market: str) -> int | None:
        return self._index(market) if market else None

    def _unannounced(self, market: str) -> TapeError:
        msg = f"{self._name}: market {market!r} has no meta in this tape yet: announce it first"
        return FactRefusedError(msg)
