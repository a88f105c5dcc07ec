"""Answers to orders, cancels and the making of credentials. Pure: bytes in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

import attrs
import msgspec

from .wire import ABSENT, DECODING, UnreadableRecord, read, text_of


class PlacedStatus(Enum):
    """What the venue did with an order when it took it."""

    LIVE = "live"
    MATCHED = "matched"
    DELAYED = "delayed"
    UNMATCHED = "unmatched"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Placed:
    """The answer to one order.

    Args:
        order: the venue's id; empty where the order was refused.
        status: what became of it.
        error: the venue's words where it was refused although the answer says success.
        making: what was given so far, as the venue writes it; empty where nothing was.
        taking: what was taken so far.
        trades: ids to follow until they are settled.

    """

    order: str
    status: PlacedStatus
    error: str = ""
    making: str = ""
    taking: str = ""
    trades: tuple[str, ...] = ()


class _PlacedReply(msgspec.Struct, rename="camel"):
    success: bool = False
    error_msg: str | None = None
    order_id: str | None = msgspec.field(name="orderID", default=None)
    status: str | None = None
    making_amount: msgspec.Raw = ABSENT
    taking_amount: msgspec.Raw = ABSENT
    trade_ids: list[str] | None = msgspec.field(name="tradeIDs", default=None)


class _CancelReply(msgspec.Struct):
    canceled: list[str] | None = None
    not_canceled: dict[str, str] | None = None


class _KeyReply(msgspec.Struct, rename="camel"):
    api_key: str
    secret: str
    passphrase: str


_placed: Final = msgspec.json.Decoder(_PlacedReply)
_placed_many: Final = msgspec.json.Decoder(list[_PlacedReply])
_cancelled: Final = msgspec.json.Decoder(_CancelReply)
_key: Final = msgspec.json.Decoder(_KeyReply)


def placed(body: bytes) -> Placed:
    """Return the answer to one order.

    Raises:
        UnreadableRecord: if it is none; the fate of the order is then unknown.

    """
    return _placed_order(read(_placed, body, "an answer to an order"))


def placed_batch(body: bytes, count: int) -> tuple[Placed, ...]:
    """Return the answers to a batch, one per order and in their order.

    Raises:
        UnreadableRecord: if there are not so many.

    """
    replies = read(_placed_many, body, "answers to orders")
    if len(replies) != count:
        msg = f"{len(replies)} answers to {count} orders"
        raise UnreadableRecord(msg)
    return tuple(_placed_order(reply) for reply in replies)


def cancelled(body: bytes) -> tuple[frozenset[str], Mapping[str, str]]:
    """Return which orders were cancelled, and why others were not.

    Raises:
        UnreadableRecord: if it is no such answer.

    """
    reply = read(_cancelled, body, "an answer to a cancel")
    return frozenset(reply.canceled or ()), reply.not_canceled or {}


def credentials(body: bytes) -> tuple[str, str, str]:
    """Return key, secret and passphrase of an answer that made or derived them.

    Raises:
        UnreadableRecord: if it is no such answer; the text holds nothing of it.

    """
    try:
        reply = _key.decode(body)
    except DECODING:
        msg = "not an answer with API credentials"
        raise UnreadableRecord(msg) from None
    return reply.api_key, reply.secret, reply.passphrase


def _placed_order(reply: _PlacedReply) -> Placed:
    word = (reply.status or "").lower()
    known = {status.value: status for status in PlacedStatus}
    order, error = reply.order_id or "", reply.error_msg or ""
    return Placed(
        order=order,
        status=known.get(word, PlacedStatus.UNKNOWN),
        error=error if error or (order and reply.success) else "refused without a reason",
        making=text_of(reply.making_amount),
        taking=text_of(reply.taking_amount),
        trades=tuple(reply.trade_ids or ()),
    )
