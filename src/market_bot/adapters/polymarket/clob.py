"""Answers of the order book: books, prices, markets and their terms.

Pure: bytes in, values out. An answer that is none raises `UnreadableRecord`, and nothing else is
raised; within a good answer, records that cannot be used are counted and left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import attrs
import msgspec

from market_bot.core.domain.market import FeeModel, FeeSchedule, MarketStatus
from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    Micros,
    Price,
    Size,
    complement,
)

from .wire import (
    ABSENT,
    DECODING,
    UnreadableRecord,
    decimal_of,
    moment_of,
    price_of,
    raw_size,
    read,
    records,
    six_places,
    size_of,
    text_of,
)

LEVELS_MAX: Final = 20_000
RECORDS_MAX: Final = 100_000
LAST_CURSOR: Final = "LTE="
"""What the order book says instead of a cursor where there is no further page."""

_PAYOUT_SCALE: Final = 1_000_000
_RESOLVED: Final = "resolved"
_RESOLUTION_WORDS: Final = frozenset(
    {"requested", "proposed", "disputed", "reproposed", "settled", "pending", "posed", _RESOLVED}
)
_BINARY: Final = 2
_EXPONENT_MAX: Final = 8


@attrs.frozen(kw_only=True)
class TokenBook:
    """The displayed depth of one token, in that token's own prices.

    ``tick`` and ``min_size`` are what the venue says at this moment; ticks become finer.
    """

    token: str
    condition: str
    bids: Mapping[Price, Size]
    asks: Mapping[Price, Size]
    at: Micros | None
    tick: Price | None = None
    min_size: Size | None = None

    @property
    def crossed(self) -> bool:
        """Whether somebody would buy at what somebody asks: no sound book says so."""
        return bool(self.bids and self.asks) and max(self.bids) >= min(self.asks)

    def mirrored(self, token: str) -> TokenBook:
        """Return the book of the other token, which is this one seen from the other side."""
        return attrs.evolve(
            self,
            token=token,
            bids={complement(price): size for price, size in self.asks.items()},
            asks={complement(price): size for price, size in self.bids.items()},
        )


@attrs.frozen
class Books:
    """The books of one answer by token, and why others were left out."""

    by_token: Mapping[str, TokenBook]
    dropped: Mapping[str, int]


@attrs.frozen(kw_only=True)
class ClobMarket:
    """A market as the order book knows it; ``yes_payout`` once a winner is named."""

    condition: str
    status: MarketStatus
    tokens: tuple[str, str]
    tick: Price | None
    min_size: Size | None
    neg_risk: bool
    yes_payout: Price | None = None


@attrs.frozen(kw_only=True)
class ClobTerms:
    """The compact terms of a market."""

    tokens: tuple[str, str]
    tick: Price
    min_size: Size
    neg_risk: bool
    fees: FeeSchedule | None
    delayed: bool


class _Level(msgspec.Struct, gc=False):
    price: str
    size: str


class _Book(msgspec.Struct, gc=False):
    asset_id: str
    bids: list[_Level]
    asks: list[_Level]
    market: str = ""
    timestamp: msgspec.Raw = ABSENT
    tick_size: msgspec.Raw = ABSENT
    min_order_size: msgspec.Raw = ABSENT


class _Token(msgspec.Struct, gc=False):
    token_id: str = ""
    winner: bool = False


class _Market(msgspec.Struct, gc=False):
    condition_id: str
    tokens: list[_Token]
    active: bool = False
    closed: bool = False
    archived: bool = False
    accepting_orders: bool = False
    neg_risk: bool = False
    is_50_50_outcome: bool = False
    minimum_tick_size: msgspec.Raw = ABSENT
    minimum_order_size: msgspec.Raw = ABSENT


class _ShortToken(msgspec.Struct, gc=False):
    t: str


class _ShortFee(msgspec.Struct, gc=False):
    r: msgspec.Raw
    e: msgspec.Raw = ABSENT
    to: bool = True


class _Terms(msgspec.Struct, gc=False):
    t: list[_ShortToken]
    mts: msgspec.Raw
    mos: msgspec.Raw
    nr: bool = False
    fd: _ShortFee | None = None
    itode: bool = False


class _Cursor(msgspec.Struct):
    next_cursor: str | None = None


_books: Final = msgspec.json.Decoder(list[_Book])
_book: Final = msgspec.json.Decoder(_Book)
_market: Final = msgspec.json.Decoder(_Market)
_terms: Final = msgspec.json.Decoder(_Terms)
_cursor: Final = msgspec.json.Decoder(_Cursor)
_prices: Final = msgspec.json.Decoder(dict[str, dict[str, msgspec.Raw]])


def books(body: bytes) -> Books:
    """Return the books of a batch.

    Raises:
        UnreadableRecord: if the answer is no list of books.

    """
    found: dict[str, TokenBook] = {}
    dropped: Counter[str] = Counter()
    try:
        told = _books.decode(body)
    except DECODING:
        # One bad book must not cost the others.
        told = records(body, _book, dropped)
    for record in told:
        try:
            book = _token_book(record)
        except UnreadableRecord:
            dropped["malformed_book"] += 1
            continue
        if book.token in found:
            dropped["repeated_token"] += 1
        found[book.token] = book
    return Books(found, dict(dropped))


def book(body: bytes) -> TokenBook:
    """Return the one book of an answer.

    Raises:
        UnreadableRecord: if it is none.

    """
    return _token_book(read(_book, body, "a book"))


def best_prices(body: bytes) -> dict[str, dict[str, Price]]:
    """Return prices by token and by the venue's word for the side; a missing side is left out.

    The venue writes 0 or 1 for a side on which nobody is.

    Raises:
        UnreadableRecord: if it is no such answer.

    """
    told = read(_prices, body, "prices")
    found: dict[str, dict[str, Price]] = {}
    for token, sides in told.items():
        prices = {side: price_of(text_of(raw)) for side, raw in sides.items() if text_of(raw)}
        found[token] = {side: at for side, at in prices.items() if 0 < at < ONE_DOLLAR}
    return found


def market(body: bytes) -> ClobMarket:
    """Return a market's record.

    Raises:
        UnreadableRecord: if it is none.

    """
    return _clob_market(read(_market, body, "a market"))


def markets(body: bytes) -> tuple[tuple[ClobMarket, ...], str, Mapping[str, int]]:
    """Return a page of markets, the next cursor ("" at the end), and why others were left out.

    Raises:
        UnreadableRecord: if it is no such page.

    """
    dropped: Counter[str] = Counter()
    cursor = read(_cursor, body, "a page").next_cursor or ""
    found: list[ClobMarket] = []
    for record in records(body, _market, dropped):
        try:
            found.append(_clob_market(record))
        except UnreadableRecord:
            dropped["malformed_market"] += 1
    return tuple(found), "" if cursor == LAST_CURSOR else cursor, dict(dropped)


def terms(body: bytes) -> ClobTerms:
    """Return a market's compact terms.

    Raises:
        UnreadableRecord: if they are none.

    """
    record = read(_terms, body, "terms")
    if len(record.t) != _BINARY:
        msg = f"terms with {len(record.t)} tokens"
        raise UnreadableRecord(msg)
    tick, least = _tick(record.mts), raw_size(record.mos)
    if tick is None or least is None:
        msg = "terms without tick or minimum size"
        raise UnreadableRecord(msg)
    return ClobTerms(
        tokens=(record.t[0].t, record.t[1].t),
        tick=tick,
        min_size=least,
        neg_risk=record.nr,
        fees=None if record.fd is None else _fees(record.fd),
        delayed=record.itode,
    )


def _token_book(record: _Book) -> TokenBook:
    if not record.asset_id:
        msg = "a book without its token"
        raise UnreadableRecord(msg)
    return TokenBook(
        token=record.asset_id,
        condition=record.market,
        bids=_levels(record.bids),
        asks=_levels(record.asks),
        at=moment_of(record.timestamp),
        tick=_tick(record.tick_size),
        min_size=raw_size(record.min_order_size),
    )


def _levels(told: list[_Level]) -> dict[Price, Size]:
    if len(told) > LEVELS_MAX:
        msg = f"a side of {len(told)} levels"
        raise UnreadableRecord(msg)
    levels = {price_of(level.price): size_of(level.size) for level in told}
    if len(levels) != len(told):
        msg = "a price that is there twice"
        raise UnreadableRecord(msg)
    if 0 in levels or ONE_DOLLAR in levels:
        msg = "a level at nothing or at a dollar"
        raise UnreadableRecord(msg)
    return (
        {price: size for price, size in levels.items() if size} if 0 in levels.values() else levels
    )


def _clob_market(record: _Market) -> ClobMarket:
    tokens = record.tokens
    if len(tokens) != _BINARY or not record.condition_id or not all(t.token_id for t in tokens):
        # A market of the last minutes may have no tokens yet.
        msg = f"a market with {sum(bool(t.token_id) for t in tokens)} tokens"
        raise UnreadableRecord(msg)
    if record.closed or record.archived:
        status = MarketStatus.CLOSED
    elif not record.active:
        status = MarketStatus.UNOPENED
    else:
        status = MarketStatus.OPEN if record.accepting_orders else MarketStatus.PAUSED
    return ClobMarket(
        condition=record.condition_id,
        status=status,
        tokens=(tokens[0].token_id, tokens[1].token_id),
        tick=_tick(record.minimum_tick_size),
        min_size=raw_size(record.minimum_order_size),
        neg_risk=record.neg_risk,
        yes_payout=_won(record) if record.closed else None,
    )


def _won(record: _Market) -> Price | None:
    yes, no = (token.winner for token in record.tokens)
    if yes is not no:
        return ONE_DOLLAR if yes else Price(0)
    # Neither alone: the flag says which of "undecided" and "half each" it is.
    return Price(ONE_DOLLAR // 2) if record.is_50_50_outcome else None


def _fees(told: _ShortFee) -> FeeSchedule:
    rate, exponent = decimal_of(told.r), decimal_of(told.e)
    power = Decimal(1) if exponent is None else exponent
    if rate is None or not 0 <= rate <= 1 or not 0 <= power <= _EXPONENT_MAX or power % 1:
        msg = f"fee with rate {rate} and exponent {exponent}"
        raise UnreadableRecord(msg)
    taker = six_places(rate)
    return FeeSchedule(
        model=FeeModel.POLYMARKET_CURVE,
        taker_rate=taker,
        maker_rate=0 if told.to else taker,
        exponent=int(power),
    )


def _tick(raw: msgspec.Raw) -> Price | None:
    value = decimal_of(raw)
    if value is None:
        return None
    if not 0 < value < 1:
        msg = f"not a tick: {value}"
        raise UnreadableRecord(msg)
    return Price(six_places(value))
