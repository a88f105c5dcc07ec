"""The account in the venue's answers: money, positions, orders and fills.

Everything here is ours, so nothing is left out: an entry that cannot be read makes the whole
answer unreadable, because a position or a fill that is silently missing costs more than a pause.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import attrs
import msgspec

from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    Micros,
    Money,
    NotExactError,
    Price,
    Size,
    from_datetime,
    money,
    size,
)
from market_bot.core.ports.account import Standing

from .errors import ParseError, plain
from .wire import Moment, contracts, decode, dollars

STANDINGS: Final[Mapping[str, Standing]] = {
    "resting": Standing.RESTING,
    "canceled": Standing.CANCELLED,
    "executed": Standing.FILLED,
}
"""What the venue's words mean; a word that is not here says nothing."""

_SIDES: Final = {"bid": Side.BID, "ask": Side.ASK}
_Shard = Annotated[int, msgspec.Meta(ge=0, le=1000)]


@attrs.frozen(kw_only=True)
class OwnFill:
    """A trade of ours; ``price`` is the YES price, ``side`` BID means that we have more YES.

    ``client_order`` is our name of the order where it is told; lists of fills do not tell it.
    """

    fill: str
    venue_order: str
    client_order: str | None = None
    market: str
    side: Side
    price: Price
    size: Size
    fee: Money
    taker: bool
    at: Micros


@attrs.frozen(kw_only=True)
class OwnOrder:
    """An order of ours; ``size`` is what it was about, ``filled`` what has traded of it."""

    venue_order: str
    client_order: str | None
    market: str
    side: Side
    size: Size
    filled: Size
    remaining: Size
    standing: Standing
    reason: str = ""
    shard: int | None = None


@attrs.frozen(kw_only=True)
class OwnPosition:
    """What is held of a market, and what that has cost."""

    market: str
    leg: Leg
    size: Size
    cost: Money


@attrs.frozen
class Balance:
    """What can be spent: in all, and by shard where the venue tells it."""

    total: Money
    shards: Mapping[int, Money]


@attrs.frozen(kw_only=True)
class OwnSettlement:
    """What an ended market paid us."""

    market: str
    result: str
    revenue: Money
    at: Micros


class _Fill(msgspec.Struct, frozen=True):
    fill_id: str
    order_id: str
    ticker: str
    count_fp: str
    yes_price_dollars: str
    book_side: str
    is_taker: bool
    fee_cost: str
    created_time: Moment


class _Fills(msgspec.Struct, frozen=True):
    fills: tuple[_Fill, ...]
    cursor: str = ""


class _Order(msgspec.Struct, frozen=True):
    order_id: str
    ticker: str
    status: str
    book_side: str
    initial_count_fp: str
    fill_count_fp: str
    remaining_count_fp: str
    client_order_id: str = ""
    exchange_index: _Shard | None = None


class _Orders(msgspec.Struct, frozen=True):
    orders: tuple[_Order, ...]
    cursor: str = ""


class _Position(msgspec.Struct, frozen=True):
    ticker: str
    position_fp: str
    market_exposure_dollars: str


class _Positions(msgspec.Struct, frozen=True):
    market_positions: tuple[_Position, ...]
    cursor: str = ""


class _ShardBalance(msgspec.Struct, frozen=True):
    exchange_index: _Shard
    balance: str


class _Balance(msgspec.Struct, frozen=True):
    balance_dollars: str
    balance_breakdown: tuple[_ShardBalance, ...] = ()


class _Settlement(msgspec.Struct, frozen=True):
    ticker: str
    market_result: str
    revenue: int
    settled_time: Moment


class _Settlements(msgspec.Struct, frozen=True):
    settlements: tuple[_Settlement, ...]
    cursor: str = ""


class _Freshness(msgspec.Struct, frozen=True):
    as_of_time: Moment


_fills = msgspec.json.Decoder(_Fills)
_orders = msgspec.json.Decoder(_Orders)
_positions = msgspec.json.Decoder(_Positions)
_balances = msgspec.json.Decoder(_Balance)
_settlements = msgspec.json.Decoder(_Settlements)
_freshness = msgspec.json.Decoder(_Freshness)
_CENT: Final = 10**10


def parse_fills(body: bytes) -> tuple[tuple[OwnFill, ...], str]:
    """Return the fills and the cursor in an answer of ``/portfolio/fills``, newest first.

    Raises:
        ParseError: if it is no such answer, or any of them cannot be read.

    """
    page = decode(_fills, body)
    return tuple(_fill(one) for one in page.fills), page.cursor


def parse_orders(body: bytes) -> tuple[tuple[OwnOrder, ...], str]:
    """Return the orders and the cursor in an answer of ``/portfolio/orders``, newest first.

    Raises:
        ParseError: if it is no such answer, or any of them cannot be read.

    """
    page = decode(_orders, body)
    return tuple(_order(one) for one in page.orders), page.cursor


def parse_positions(body: bytes) -> tuple[tuple[OwnPosition, ...], str]:
    """Return what is held, and the cursor, in an answer of ``/portfolio/positions``.

    Raises:
        ParseError: if it is no such answer, or any of them cannot be read.

    """
    page = decode(_positions, body)
    return tuple(_position(one) for one in page.market_positions), page.cursor


def parse_balance(body: bytes) -> Balance:
    """Return the money in an answer of ``/portfolio/balance``.

    Raises:
        ParseError: if it is no such answer, or its shards do not add up to the whole.

    """
    found = decode(_balances, body)
    whole = _money(found.balance_dollars, "balance_dollars")
    shards = {one.exchange_index: _money(one.balance, "balance") for one in found.balance_breakdown}
    if len(shards) != len(found.balance_breakdown) or (shards and sum(shards.values()) != whole):
        msg = plain(f"the shards do not add up to the balance of {found.balance_dollars}")
        raise ParseError(msg)
    return Balance(whole, shards)


def parse_settlements(body: bytes) -> tuple[tuple[OwnSettlement, ...], str]:
    """Return what was paid, and the cursor, in an answer of ``/portfolio/settlements``.

    Raises:
        ParseError: if it is no such answer, or any of them cannot be read.

    """
    page = decode(_settlements, body)
    paid = tuple(
        OwnSettlement(
            market=one.ticker,
            result=plain(one.market_result),
            revenue=Money(one.revenue * _CENT),
            at=from_datetime(one.settled_time),
        )
        for one in page.settlements
    )
    return paid, page.cursor


def parse_freshness(body: bytes) -> Micros:
    """Return the moment up to which the account's lists are complete.

    Raises:
        ParseError: if it is no answer of ``/exchange/user_data_timestamp``.

    """
    return from_datetime(decode(_freshness, body).as_of_time)


def _fill(record: _Fill) -> OwnFill:
    at = dollars(record.yes_price_dollars, "yes_price_dollars")
    held = contracts(record.count_fp, "count_fp")
    if not record.fill_id or not record.order_id or not record.ticker or not held:
        msg = plain(f"fill {record.fill_id!r} lacks its order, its market or its size")
        raise ParseError(msg)
    if not 0 < at < ONE_DOLLAR:
        msg = plain(f"fill {record.fill_id!r} at {record.yes_price_dollars}")
        raise ParseError(msg)
    return OwnFill(
        fill=record.fill_id,
        venue_order=record.order_id,
        market=record.ticker,
        side=_side(record.book_side),
        price=at,
        size=held,
        fee=_money(record.fee_cost, "fee_cost"),
        taker=record.is_taker,
        at=from_datetime(record.created_time),
    )


def _order(record: _Order) -> OwnOrder:
    if not record.order_id or not record.ticker:
        msg = plain(f"order {record.order_id!r} lacks its name or its market")
        raise ParseError(msg)
    return OwnOrder(
        venue_order=record.order_id,
        client_order=record.client_order_id or None,
        market=record.ticker,
        side=_side(record.book_side),
        size=contracts(record.initial_count_fp, "initial_count_fp"),
        filled=contracts(record.fill_count_fp, "fill_count_fp"),
        remaining=contracts(record.remaining_count_fp, "remaining_count_fp"),
        standing=STANDINGS.get(record.status, Standing.UNCLEAR),
        shard=record.exchange_index,
    )


def _position(record: _Position) -> OwnPosition:
    try:
        held = size(record.position_fp)
    except NotExactError as e:
        msg = plain(f"position_fp of {record.ticker}: {e}")
        raise ParseError(msg) from e
    return OwnPosition(
        market=record.ticker,
        leg=Leg.YES if held >= 0 else Leg.NO,
        size=Size(abs(held)),
        cost=_money(record.market_exposure_dollars, "market_exposure_dollars"),
    )


def _side(word: str) -> Side:
    side = _SIDES.get(word)
    if side is None:
        msg = plain(f"book_side {word!r} is neither bid nor ask")
        raise ParseError(msg)
    return side


def _money(text: str, name: str) -> Money:
    try:
        return money(text)
    except NotExactError as e:
        msg = plain(f"{name}: {e}")
        raise ParseError(msg) from e
