"""Prints from REST: newest first, block trades among them."""

from __future__ import annotations

from typing import Final

import attrs
import msgspec

from market_bot.core.domain.book import Side
from market_bot.core.domain.numbers import ONE_DOLLAR, Micros, Price, Size, from_datetime

from .errors import ParseError, plain
from .wire import Moment, contracts, decode, dollars

_TAKERS: Final = {"yes": Side.BID, "no": Side.ASK}


@attrs.frozen(kw_only=True)
class VenueTrade:
    """A trade of somebody; ``taker`` BID means that YES was bought.

    ``block`` trades were agreed off the book and say nothing about it.
    """

    id: str
    market: str
    taker: Side
    price: Price
    size: Size
    at: Micros
    block: bool


@attrs.frozen
class TradesPage:
    """One page of trades as sent, newest first; ``malformed`` says which could not be read."""

    trades: tuple[VenueTrade, ...]
    malformed: tuple[str, ...]
    cursor: str


class _Trade(msgspec.Struct, frozen=True, gc=False):
    trade_id: str
    ticker: str
    count_fp: str
    yes_price_dollars: str
    no_price_dollars: str
    created_time: Moment
    taker_outcome_side: str | None = None
    taker_side: str | None = None  # Older answers; deprecated.
    is_block_trade: bool = False  # Absent before there were any.


class _Trades(msgspec.Struct, frozen=True):
    trades: tuple[msgspec.Raw, ...]
    cursor: str = ""


_trades = msgspec.json.Decoder(_Trades)
_trade = msgspec.json.Decoder(_Trade)


def parse_trades(body: bytes) -> TradesPage:
    """Return the trades in an answer of ``/markets/trades``.

    Raises:
        ParseError: if it is no such answer; what is wrong with one trade leaves that one out.

    """
    page = decode(_trades, body)
    trades: list[VenueTrade] = []
    malformed: list[str] = []
    for raw in page.trades:
        try:
            trades.append(_made(decode(_trade, raw)))
        except ParseError as e:
            malformed.append(str(e))
    return TradesPage(tuple(trades), tuple(malformed), page.cursor)


def _made(record: _Trade) -> VenueTrade:
    taker = _TAKERS.get(record.taker_outcome_side or record.taker_side or "")
    at = dollars(record.yes_price_dollars, "yes_price_dollars")
    held = contracts(record.count_fp, "count_fp")
    if taker is None or not record.trade_id or not record.ticker or not held:
        msg = plain(f"trade {record.trade_id!r} lacks its side, its market or its size")
        raise ParseError(msg)
    if at + dollars(record.no_price_dollars, "no_price_dollars") != ONE_DOLLAR:
        msg = plain(f"trade {record.trade_id!r}: YES and NO price do not add up to one dollar")
        raise ParseError(msg)
    if not 0 < at < ONE_DOLLAR:
        msg = plain(f"trade {record.trade_id!r} at {record.yes_price_dollars}")
        raise ParseError(msg)
    return VenueTrade(
        id=record.trade_id,
        market=record.ticker,
        taker=taker,
        price=at,
        size=held,
        at=from_datetime(record.created_time),
        block=record.is_block_trade,
    )
