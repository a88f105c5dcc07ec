"""Messages of the user channel: our own orders and trades, made exact.

A trade is told again for every status. Where we made the market, what is ours are the legs whose
owner is our API key, at the price and side of the leg, which may be in the other token. Kills come
as cancellations with empty sizes and times. Owners are API keys, and are not printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, TypeAlias, TypeVar

import attrs
import msgspec

from market_bot.core.domain.numbers import Micros, Price, Size

from .amounts import OrderSide
from .auth import ApiCredentials
from .problems import plain
from .stream_messages import RAW_MAX, Broken, MessageError, Unknown
from .wire import (
    ABSENT,
    DECODING,
    UnreadableRecord,
    moment_of,
    price_of,
    raw_size,
    rounded_price,
    shown,
    text_of,
    whole_of,
)

EVENTS_MAX: Final = 1_000
"""Messages in one frame."""

LEGS_MAX: Final = 1_000
"""Makers in one trade, and trades of one order."""

_ID_MAX: Final = 200
_PREFIX: Final = "TRADE_STATUS_"
_KIND_MAX: Final = 60
_TRADE: Final = "trade"
_ORDER: Final = "order"
_T = TypeVar("_T")


class OrderKind(Enum):
    """What happened to an order."""

    PLACEMENT = "PLACEMENT"
    UPDATE = "UPDATE"
    CANCELLATION = "CANCELLATION"

    # Part of many keys; the members are alone in their value.
    __hash__ = object.__hash__


class TradeStatus(Enum):
    """How far a trade is on its way to the chain; only the last two are final."""

    MATCHED = "MATCHED"
    MINED = "MINED"
    RETRYING = "RETRYING"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"

    # Part of many keys; the members are alone in their value.
    __hash__ = object.__hash__

    @property
    def final(self) -> bool:
        """Whether nothing comes after it."""
        return self in (TradeStatus.CONFIRMED, TradeStatus.FAILED)


@attrs.frozen(kw_only=True)
class OrderPush:
    """An order of ours, as the venue tells it.

    Args:
        order: its id, the digest that was signed.
        market: the condition id.
        token: what is bought or sold.
        kind: what happened.
        side: BUY or SELL of the token.
        price: its limit in the token's own price; None where it is not said.
        original: how many shares it was about; None where it is not said.
        matched: how many have traded so far; None where it is not said.
        status: the venue's own word, "" if there is none.
        order_type: GTC, GTD, FOK or FAK in the venue's word, "" if it does not say.
        owner: the API key the message is for.
        order_owner: the API key the order belongs to.
        maker: the address that funds it.
        outcome: what the token is called.
        trades: ids of its trades.
        created_at: when it was placed, None where it is not said.
        expires_at: when it ends by itself, None if never or not said.
        at: when this happened, None where it is not said.
        received: when we had it.

    """

    order: str
    market: str
    token: str
    kind: OrderKind
    side: OrderSide
    price: Price | None
    original: Size | None
    matched: Size | None
    status: str = ""
    order_type: str = ""
    owner: str = attrs.field(default="", repr=False)
    order_owner: str = attrs.field(default="", repr=False)
    maker: str = ""
    outcome: str = ""
    trades: tuple[str, ...] = ()
    created_at: Micros | None = None
    expires_at: Micros | None = None
    at: Micros | None = None
    received: Micros


@attrs.frozen(kw_only=True)
class MakerLeg:
    """What one maker gave to a trade.

    Args:
        order: the maker's order.
        owner: the API key it belongs to.
        maker: the address that funds it.
        token: what the maker bought or sold; not always the trade's own.
        side: of the maker, None where it is not said.
        price: in that token.
        size: how many shares.
        outcome: what the token is called.
        fee_rate_bps: as told; None where it is not.

    """

    order: str
    owner: str = attrs.field(repr=False)
    maker: str
    token: str
    side: OrderSide | None
    price: Price
    size: Size
    outcome: str = ""
    fee_rate_bps: int | None = None


@attrs.frozen(kw_only=True)
class TradePush:
    """A trade that we are part of, with its status now.

    Args:
        trade: its id; the same for every status.
        status: how far it is.
        market: the condition id.
        token: what the taker bought or sold.
        side: of the taker.
        price: in that token.
        size: how many shares the taker traded.
        taker_order: the taker's order.
        owner: the API key the message is for.
        trade_owner: the API key of the taker, as told.
        maker: the address the venue names beside it.
        taker: whether we were the taker; None where it is not said.
        legs: what each maker gave.
        fee_rate_bps: as told; None where it is not.
        outcome: what the token is called.
        transaction: its hash on the chain, "" before there is one.
        bucket: which part of a trade that needed several transactions; None where it is not said.
        matched_at: when it was matched, None where it is not said.
        updated_at: when its status changed last, None where it is not said.
        at: when this was sent, None where it is not said.
        received: when we had it.

    """

    trade: str
    status: TradeStatus
    market: str
    token: str
    side: OrderSide
    price: Price
    size: Size
    taker_order: str
    owner: str = attrs.field(default="", repr=False)
    trade_owner: str = attrs.field(default="", repr=False)
    maker: str = ""
    taker: bool | None = None
    legs: tuple[MakerLeg, ...] = ()
    fee_rate_bps: int | None = None
    outcome: str = ""
    transaction: str = ""
    bucket: int | None = None
    matched_at: Micros | None = None
    updated_at: Micros | None = None
    at: Micros | None = None
    received: Micros


@attrs.frozen(kw_only=True)
class Missed:
    """Something may be missing from here on back: the venue has to be asked."""

    reason: str
    received: Micros


UserEvent: TypeAlias = OrderPush | TradePush | Missed
UserMessage: TypeAlias = OrderPush | TradePush | Unknown | Broken


class _Order(msgspec.Struct, gc=False):
    id: str
    asset_id: str
    type: str
    side: str
    market: str = ""
    price: msgspec.Raw = ABSENT
    original_size: msgspec.Raw = ABSENT
    size_matched: msgspec.Raw = ABSENT
    status: str | None = None
    order_type: str | None = None
    owner: str | None = None
    order_owner: str | None = None
    maker_address: str | None = None
    outcome: str | None = None
    associate_trades: list[str] | str | None = None
    created_at: msgspec.Raw = ABSENT
    expiration: msgspec.Raw = ABSENT
    timestamp: msgspec.Raw = ABSENT


class _Leg(msgspec.Struct, gc=False):
    order_id: str
    asset_id: str
    price: msgspec.Raw
    matched_amount: msgspec.Raw
    owner: str | None = None
    maker_address: str | None = None
    side: str | None = None
    outcome: str | None = None
    fee_rate_bps: msgspec.Raw = ABSENT


class _Trade(msgspec.Struct, gc=False):
    id: str
    asset_id: str
    side: str
    status: str
    price: msgspec.Raw
    size: msgspec.Raw
    taker_order_id: str
    market: str = ""
    owner: str | None = None
    trade_owner: str | None = None
    maker_address: str | None = None
    maker_orders: list[_Leg] | None = None
    trader_side: str | None = None
    fee_rate_bps: msgspec.Raw = ABSENT
    outcome: str | None = None
    transaction_hash: str | None = None
    bucket_index: msgspec.Raw = ABSENT
    match_time: msgspec.Raw = ABSENT
    matchtime: msgspec.Raw = ABSENT
    last_update: msgspec.Raw = ABSENT
    timestamp: msgspec.Raw = ABSENT


class _Head(msgspec.Struct, gc=False):
    event_type: msgspec.Raw = ABSENT
    type: msgspec.Raw = ABSENT


_heads: Final = msgspec.json.Decoder(_Head)
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_orders: Final = msgspec.json.Decoder(_Order)
_trades: Final = msgspec.json.Decoder(_Trade)
_encode: Final = msgspec.json.Encoder().encode
_SIDES: Final = {"BUY": OrderSide.BUY, "SELL": OrderSide.SELL}
_TAKER: Final = {"TAKER": True, "MAKER": False}
_STATUSES: Final = {
    "MATCHED_NOT_BROADCASTED": TradeStatus.MATCHED,
    **{status.value: status for status in TradeStatus},
}


def first_words(credentials: ApiCredentials) -> bytes:
    """Return what a new connection says; it holds the credentials and is never printed.

    Without a list of markets everything of ours is told; an empty one would be told nothing.
    """
    return _encode({"type": "user", "auth": credentials.stream_login()})


def parse_user_frame(frame: bytes, received: Micros) -> Sequence[UserMessage]:
    """Return the messages in a frame, in order.

    Raises:
        MessageError: if it is no message and no list of messages.

    """
    if frame.lstrip()[:1] == b"{":
        return (_parse(frame, received),)
    try:
        raws = _raws.decode(frame)
    except DECODING as e:
        msg = f"neither a message nor a list of them: {shown(frame)} ({e})"
        raise MessageError(plain(msg)) from e
    if len(raws) > EVENTS_MAX:
        msg = f"a frame of {len(raws)} messages; at most {EVENTS_MAX} are read"
        raise MessageError(msg)
    return [_parse(bytes(raw), received) for raw in raws]


def _parse(raw: bytes, received: Micros) -> UserMessage:
    kind = ""
    try:
        kind = _kind(_heads.decode(raw))
        if kind == _ORDER:
            return _order(_orders.decode(raw), received)
        if kind == _TRADE:
            return _trade(_trades.decode(raw), received)
    except (*DECODING, UnreadableRecord) as e:
        return Broken(kind, plain(str(e) or type(e).__name__), (), raw[:RAW_MAX])
    return Unknown(plain(kind)[:_KIND_MAX], raw[:RAW_MAX])


def _kind(head: _Head) -> str:
    kind = text_of(head.event_type).lower()
    if kind:
        return kind
    told = text_of(head.type).upper()
    return _TRADE if told == "TRADE" else _ORDER if told in OrderKind.__members__ else told.lower()


def _order(told: _Order, received: Micros) -> OrderPush:
    trades = told.associate_trades if isinstance(told.associate_trades, list) else []
    return OrderPush(
        order=_id(told.id, "an order"),
        market=_short(told.market),
        token=_id(told.asset_id, "a token"),
        kind=_one_of(OrderKind.__members__, told.type, "what happened to an order"),
        side=_one_of(_SIDES, told.side, "a side"),
        price=_price(told.price),
        original=raw_size(told.original_size),
        matched=raw_size(told.size_matched),
        status=_short(told.status),
        order_type=_short(told.order_type),
        owner=_short(told.owner),
        order_owner=_short(told.order_owner),
        maker=_short(told.maker_address),
        outcome=_short(told.outcome),
        trades=tuple(_short(trade) for trade in trades[:LEGS_MAX]),
        created_at=moment_of(told.created_at),
        expires_at=moment_of(told.expiration) or None,
        at=moment_of(told.timestamp),
        received=received,
    )


def _trade(told: _Trade, received: Micros) -> TradePush:
    legs = told.maker_orders or []
    if len(legs) > LEGS_MAX:
        msg = f"a trade with {len(legs)} makers"
        raise UnreadableRecord(msg)
    held = raw_size(told.size)
    if not held:
        msg = f"trade {_short(told.id)!r} has no size"
        raise UnreadableRecord(msg)
    return TradePush(
        trade=_id(told.id, "a trade"),
        status=_one_of(_STATUSES, told.status.upper().removeprefix(_PREFIX), "a status of a trade"),
        market=_short(told.market),
        token=_id(told.asset_id, "a token"),
        side=_one_of(_SIDES, told.side, "a side"),
        # An average over several makers may have any number of decimals; they have exact ones.
        price=rounded_price(told.price),
        size=held,
        taker_order=_id(told.taker_order_id, "an order"),
        owner=_short(told.owner),
        trade_owner=_short(told.trade_owner),
        maker=_short(told.maker_address),
        taker=_TAKER.get((told.trader_side or "").upper()),
        legs=tuple(_leg(leg) for leg in legs),
        fee_rate_bps=whole_of(told.fee_rate_bps),
        outcome=_short(told.outcome),
        transaction=_short(told.transaction_hash),
        bucket=whole_of(told.bucket_index),
        matched_at=moment_of(told.match_time) or moment_of(told.matchtime),
        updated_at=moment_of(told.last_update),
        at=moment_of(told.timestamp),
        received=received,
    )


def _leg(told: _Leg) -> MakerLeg:
    price, held = _price(told.price), raw_size(told.matched_amount)
    if price is None or held is None:
        msg = f"the maker order {_short(told.order_id)!r} lacks its price or its size"
        raise UnreadableRecord(msg)
    return MakerLeg(
        order=_id(told.order_id, "an order"),
        owner=_short(told.owner),
        maker=_short(told.maker_address),
        token=_id(told.asset_id, "a token"),
        side=_one_of(_SIDES, told.side, "a side") if told.side else None,
        price=price,
        size=held,
        outcome=_short(told.outcome),
        fee_rate_bps=whole_of(told.fee_rate_bps),
    )


def _one_of(known: Mapping[str, _T], word: str, what: str) -> _T:
    found = known.get(word.upper())
    if found is None:
        msg = f"not {what}: {word[:_KIND_MAX]!r}"
        raise UnreadableRecord(msg)
    return found


def _price(raw: msgspec.Raw) -> Price | None:
    text = text_of(raw).strip()
    return price_of(text) if text else None


def _id(text: str, what: str) -> str:
    if not 0 < len(text) <= _ID_MAX or not text.isprintable():
        msg = f"not the id of {what}: {text[:_KIND_MAX]!r}"
        raise UnreadableRecord(msg)
    return text


def _short(text: str | None) -> str:
    return plain(text)[:_ID_MAX] if text else ""
