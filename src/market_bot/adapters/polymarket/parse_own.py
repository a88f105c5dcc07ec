"""Orders, trades and balances of the account in the venue's answers. Pure: bytes in, values out.

Everything here is ours, so nothing is left out: an entry that cannot be read makes the whole
answer unreadable, because a fill that is silently missing costs more than a pause.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import msgspec

from market_bot.core.domain.numbers import Price, Size
from market_bot.core.ports.account import Standing

from .amounts import OrderSide
from .own_records import WORDS, Balance, OwnOrder, OwnTrade, TradeLeg, TradeStatus
from .problems import plain
from .wire import (
    ABSENT,
    UnreadableRecord,
    moment_of,
    price_of,
    read,
    rounded_price,
    size_of,
    text_of,
)

END: Final = "LTE="
"""The cursor after the last page."""

LEGS_MAX: Final = 1_000
_PREFIX: Final = "TRADE_STATUS_"
_ORDER_PREFIX: Final = "ORDER_STATUS_"
_AMOUNT_DIGITS: Final = 80
_ID_MAX: Final = 200
_T = TypeVar("_T")
_V = TypeVar("_V")

_STANDINGS: Final[Mapping[str, Standing]] = {
    "LIVE": Standing.RESTING,
    "UNMATCHED": Standing.RESTING,
    "MATCHED": Standing.FILLED,
    "INVALID": Standing.CANCELLED,
}
_CANCELLED: Final = ("CANCELED", "CANCELLED")
_SIDES: Final = {"BUY": OrderSide.BUY, "SELL": OrderSide.SELL}


class _Order(msgspec.Struct, gc=False):
    id: str
    market: str
    asset_id: str
    side: str
    status: str = ""
    outcome: str = ""
    original_size: msgspec.Raw = ABSENT
    size_matched: msgspec.Raw = ABSENT


class _Leg(msgspec.Struct, gc=False):
    order_id: str
    asset_id: str
    price: msgspec.Raw
    matched_amount: msgspec.Raw
    owner: str = ""
    side: str = ""


class _Trade(msgspec.Struct, gc=False):
    id: str
    market: str
    asset_id: str
    side: str
    size: msgspec.Raw
    price: msgspec.Raw
    status: str
    taker_order_id: str
    maker_orders: list[_Leg] | None = None
    trader_side: str = ""
    match_time: msgspec.Raw = ABSENT
    matchtime: msgspec.Raw = ABSENT
    last_update: msgspec.Raw = ABSENT


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    next_cursor: str = ""


class _Balance(msgspec.Struct):
    balance: msgspec.Raw
    allowances: dict[str, msgspec.Raw] | None = None
    allowance: msgspec.Raw = ABSENT


class _ClosedOnly(msgspec.Struct):
    closed_only: bool


_page: Final = msgspec.json.Decoder(_Page)
_order: Final = msgspec.json.Decoder(_Order)
_trade: Final = msgspec.json.Decoder(_Trade)
_balance: Final = msgspec.json.Decoder(_Balance)
_closed_only: Final = msgspec.json.Decoder(_ClosedOnly)


def orders(body: bytes) -> tuple[tuple[OwnOrder, ...], str]:
    """Return a page of our orders and the next cursor, empty on the last page.

    Raises:
        UnreadableRecord: if it is no such page, or an order in it cannot be understood.

    """
    return _walked(body, "a list of our orders", _order, _own_order)


def trades(body: bytes) -> tuple[tuple[OwnTrade, ...], str]:
    """Return a page of our trades and the next cursor, empty on the last page.

    Raises:
        UnreadableRecord: if it is no such page, or a trade in it cannot be understood.

    """
    return _walked(body, "a list of our trades", _trade, _own_trade)


def balance(body: bytes) -> Balance:
    """Return a balance and its allowances.

    Raises:
        UnreadableRecord: if it is none.

    """
    found = read(_balance, body, "a balance")
    amounts = {plain(who): _units(raw, "an allowance") for who, raw in _allowances(found).items()}
    return Balance(amount=_units(found.balance, "a balance"), allowances=amounts)


def closed_only(body: bytes) -> bool:
    """Return whether the account may only close positions.

    Raises:
        UnreadableRecord: if the answer does not say.

    """
    return read(_closed_only, body, "whether the account may only close positions").closed_only


def standing_of(word: str) -> Standing:
    """Return what the venue's word about an order means; a strange one says nothing."""
    known = word.upper().removeprefix(_ORDER_PREFIX)
    if known.startswith(_CANCELLED):
        return Standing.CANCELLED
    return _STANDINGS.get(known, Standing.UNCLEAR)


def status_of(word: str) -> TradeStatus:
    """Return how far a settlement is.

    Raises:
        UnreadableRecord: if nobody knows the word.

    """
    status = WORDS.get(word.upper().removeprefix(_PREFIX))
    if status is None:
        msg = f"a trade in a state that nobody knows: {plain(word)!r}"
        raise UnreadableRecord(msg)
    return status


def _walked(
    body: bytes, what: str, decoder: msgspec.json.Decoder[_T], make: Callable[[_T], _V]
) -> tuple[tuple[_V, ...], str]:
    page = read(_page, body, what)
    found = tuple(make(read(decoder, bytes(raw), f"an entry of {what}")) for raw in page.data)
    cursor = "" if page.next_cursor == END else page.next_cursor
    return found, cursor


def _own_order(record: _Order) -> OwnOrder:
    _named(record.id, record.market, record.asset_id)
    return OwnOrder(
        order=record.id.lower(),
        market=record.market,
        token=record.asset_id,
        side=_side(record.side),
        size=_maybe_size(record.original_size),
        matched=_maybe_size(record.size_matched),
        standing=standing_of(record.status),
        reason=plain(record.status),
        outcome=plain(record.outcome),
    )


def _own_trade(record: _Trade) -> OwnTrade:
    _named(record.id, record.market, record.asset_id, record.taker_order_id)
    at = moment_of(record.match_time) or moment_of(record.matchtime)
    at = at or moment_of(record.last_update)
    if at is None:
        msg = f"trade {plain(record.id)} has no time"
        raise UnreadableRecord(msg)
    legs = record.maker_orders or []
    if len(legs) > LEGS_MAX:
        msg = f"trade {plain(record.id)} has {len(legs)} legs"
        raise UnreadableRecord(msg)
    role = record.trader_side.upper()
    return OwnTrade(
        trade=record.id,
        status=status_of(record.status),
        market=record.market,
        taker_order=record.taker_order_id.lower(),
        token=record.asset_id,
        side=_side(record.side),
        # An average over several legs may have any number of decimals; they have the exact ones.
        price=rounded_price(record.price),
        size=_size(record.size),
        legs=tuple(_leg(leg) for leg in legs),
        at=at,
        taker_is_us={"TAKER": True, "MAKER": False}.get(role),
    )


def _leg(record: _Leg) -> TradeLeg:
    _named(record.order_id, record.asset_id)
    return TradeLeg(
        order=record.order_id.lower(),
        owner=record.owner,
        token=record.asset_id,
        side=_side(record.side) if record.side else None,
        price=_price(record.price),
        size=_size(record.matched_amount),
    )


def _named(*names: str) -> None:
    if not all(0 < len(name) <= _ID_MAX and name.isprintable() for name in names):
        msg = "an entry of ours without a proper name of its order, market or token"
        raise UnreadableRecord(msg)


def _side(word: str) -> OrderSide:
    side = _SIDES.get(word.upper())
    if side is None:
        msg = f"neither a purchase nor a sale: {plain(word)!r}"
        raise UnreadableRecord(msg)
    return side


def _price(raw: msgspec.Raw) -> Price:
    return price_of(text_of(raw))


def _size(raw: msgspec.Raw) -> Size:
    found = _maybe_size(raw)
    if found is None or found <= 0:
        msg = "a trade of nothing"
        raise UnreadableRecord(msg)
    return found


def _maybe_size(raw: msgspec.Raw) -> Size | None:
    text = text_of(raw).strip()
    return size_of(text) if text else None


def _allowances(found: _Balance) -> Mapping[str, msgspec.Raw]:
    if found.allowances is not None:
        return found.allowances
    return {"": found.allowance} if bytes(found.allowance) != b"null" else {}


def _units(raw: msgspec.Raw, what: str) -> int:
    text = text_of(raw)
    if not (text.isascii() and text.isdigit()) or len(text) > _AMOUNT_DIGITS:
        msg = f"{what} that is no whole number of base units: {plain(text)!r}"
        raise UnreadableRecord(msg)
    return int(text)
