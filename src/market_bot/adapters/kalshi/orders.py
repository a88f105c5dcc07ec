"""Orders as the venue wants them, and what its answers prove. Pure: values in, values out.

The venue has one book per market, in YES prices: buying NO at q is offering YES at 1 - q. Prices
and counts are texts; the venue refuses numbers. What is not listed here as a proven refusal leaves
the fate of an order open, because an order that is taken for dead while it lives is bought twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec

from market_bot.core.domain.book import Side
from market_bot.core.domain.fills.maker import book_side, yes_price
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    SECOND,
    Micros,
    NotExactError,
    Price,
    Size,
    size,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.execution import Accepted, Outcome, Rejected, Unknown

from .errors import (
    AlreadyExistsError,
    KalshiError,
    NotSentError,
    ParseError,
    RefusedError,
    plain,
)
from .rest import Answer
from .transport import Params
from .wire import decode

ORDERS: Final = "/portfolio/events/orders"
BATCH: Final = f"{ORDERS}/batched"
STP: Final = "taker_at_cross"
"""An order that would trade with our own is cancelled, and the one that rests stays."""

# Prices have four decimals at most and sizes two; ours have six.
_PRICE_STEP: Final = 100
_COUNT_STEP: Final = 10_000
_NAME_MAX: Final = 64
_VENUE_NAME_MAX: Final = 100
_NAME_EXTRA: Final = frozenset("-_:+=/")

PROVEN: Final[frozenset[tuple[int, str]]] = frozenset(
    {
        # What was sent is no order: recorded in June 2026, except where noted.
        (400, "bad_request"),
        (400, "invalid_parameter"),
        (400, "invalid_order"),
        (400, "invalid_order_size"),
        (400, "invalid_price"),
        (400, "order_side_mismatch"),
        (400, "order_ticker_mismatch"),
        (400, "order_id_and_client_order_id_mismatch"),
        # There is not the money for it on that shard.
        (400, "insufficient_balance"),
        (400, "available_balance_too_low"),
        # The market takes no orders (documentation of the life of a market, August 2026).
        (400, "MARKET_INACTIVE"),
        # Nobody listened: the key, its signature or its time.
        (401, "authentication_error"),
        (401, "header_timestamp_expired"),
        (401, "signature_is_missing_from_headers"),
        (401, "token_authentication_failure"),
        # The address is none any more.
        (410, "deprecated_v1_order_endpoint"),
    }
)
"""Statuses and codes that prove that no order was made and none was changed."""

LANDED: Final = "order_already_exists"
"""The code of a second order of the same name: the first one landed."""


class OrderShapeError(ValueError):
    """An order that cannot be said in the venue's words; nothing was sent."""


@attrs.frozen
class Taken:
    """The venue took an order: how much of it traded at once, and how much of it is left."""

    venue_order: str
    filled: Size
    remaining: Size


def price_text(at: Price) -> str:
    """Return a price with the four decimals the venue reads.

    Raises:
        OrderShapeError: if it is finer, or not between zero and one dollar.

    """
    if not 0 < at < ONE_DOLLAR or at % _PRICE_STEP:
        msg = f"a price of {at} millionths is not one the venue can read"
        raise OrderShapeError(msg)
    return f"0.{at // _PRICE_STEP:04}"


def count_text(quantity: Size) -> str:
    """Return a size with the two decimals the venue reads.

    Raises:
        OrderShapeError: if it is finer, or nothing.

    """
    if quantity <= 0 or quantity % _COUNT_STEP:
        msg = f"a size of {quantity} millionths is not one the venue can read"
        raise OrderShapeError(msg)
    whole, part = divmod(quantity // _COUNT_STEP, 100)
    return f"{whole}.{part:02}"


def create_order(
    intent: Intent,
    at: Micros,
    *,
    shard: int,
    group: str = "",
    whole: bool = False,
    careful: bool = False,
) -> dict[str, Any]:
    """Return the order of an intent.

    Takers end at once, makers at the intent's expiry, so that no order outlives its doubt. Whoever
    only reduces says so where the venue allows it, which is for takers.

    Args:
        intent: what is wanted; its id is the order's name for ever.
        at: the present moment.
        shard: the exchange's shard the market lives on.
        group: the order group that ends all of its orders, if there is one.
        whole: whether a taker wants all or nothing.
        careful: whether less may be held than we think; then an exit does not wait in the book,
            where the venue would let it open the other side.

    Raises:
        OrderShapeError: if it cannot be said, or would be over before it is there.

    """
    signal = intent.draft.signal
    order = {
        "ticker": signal.market,
        "client_order_id": _name(intent.id),
        "side": book_side(signal.leg, signal.purpose).value,
        "count": count_text(intent.draft.size),
        "price": price_text(yes_price(signal.leg, signal.price)),
        "self_trade_prevention_type": STP,
        "exchange_index": shard,
    }
    if group:
        order["order_group_id"] = group
    if signal.style is Style.MAKER and not (careful and intent.reduce_only):
        return order | _resting(intent.expires_at, at)
    if whole and not intent.reduce_only:
        return order | {"time_in_force": "fill_or_kill"}
    return order | {"time_in_force": "immediate_or_cancel", "reduce_only": intent.reduce_only}


def amend_order(
    intent: str, market: str, side: Side, *, price: Price, total: Size, shard: int
) -> dict[str, Any]:
    """Return new terms for an order.

    Args:
        intent: the order's name.
        market: where it rests.
        side: on which side, in YES terms.
        price: the new YES price.
        total: the new size, with what has traded of it already.
        shard: the exchange's shard the market lives on.

    Raises:
        OrderShapeError: if it cannot be said.

    """
    return {
        "ticker": market,
        "client_order_id": _name(intent),
        "side": side.value,
        "price": price_text(price),
        "count": count_text(total),
        "exchange_index": shard,
    }


def decrease_order(market: str, remaining: Size, shard: int) -> dict[str, Any]:
    """Return a request to leave no more than so much of an order; said so, it may come twice.

    Raises:
        OrderShapeError: if it cannot be said.

    """
    return {
        "reduce_to": count_text(remaining),
        "exchange_index": shard,
        "market_ticker": market,
    }


def order_path(venue_order: str, what: str = "") -> str:
    """Return the address of an order, or of what can be done with it.

    Raises:
        OrderShapeError: if what the venue calls it would be the address of something else.

    """
    if not _may_be_in_a_path(venue_order):
        msg = f"an order that cannot be named in a request: {plain(venue_order)!r}"
        raise OrderShapeError(msg)
    return "/".join(filter(None, (ORDERS, venue_order, what)))


def _may_be_in_a_path(name: str) -> bool:
    known = all((c.isascii() and c.isalnum()) or c in "-_" for c in name)
    return known and 0 < len(name) <= _VENUE_NAME_MAX


def cancel_params(market: str, shard: int) -> Params:
    """Return the query of a cancel; without it, only the first shard is looked at."""
    return (("market_ticker", market), ("exchange_index", str(shard)))


def cancel_batch(orders: Sequence[tuple[str, str, int]]) -> dict[str, Any]:
    """Return a request to cancel several orders, each with its market and shard."""
    return {
        "orders": [
            {"order_id": order, "market_ticker": market, "exchange_index": shard}
            for order, market, shard in orders
        ]
    }


def as_body(request: Mapping[str, Any]) -> bytes:
    """Return a request as the bytes that are sent."""
    return msgspec.json.encode(request)


# -- answers ---------------------------------------------------------------------------------


class _Created(msgspec.Struct, frozen=True):
    order_id: str
    fill_count: str
    remaining_count: str
    client_order_id: str | None = None


class _Reason(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""
    details: object = None


class _Item(msgspec.Struct, frozen=True):
    order_id: str | None = None
    client_order_id: str | None = None
    fill_count: str | None = None
    remaining_count: str | None = None
    error: _Reason | None = None


class _Batch(msgspec.Struct, frozen=True):
    orders: tuple[_Item, ...]


class _Changed(msgspec.Struct, frozen=True):
    order_id: str


_created = msgspec.json.Decoder(_Created)
_batch = msgspec.json.Decoder(_Batch)
_changed = msgspec.json.Decoder(_Changed)


def judge_create(answer: Answer | KalshiError, intent: str) -> Taken | Rejected | Unknown:
    """Return what became of an order, from its answer or from the lack of one.

    Args:
        answer: what came back, or what went wrong.
        intent: the name it was sent under.

    """
    if isinstance(answer, KalshiError):
        return _judge_error(answer)
    try:
        found = decode(_created, answer.body)
    except ParseError:
        return Unknown(f"status {answer.status} and no order in the answer")
    return _taken(found, intent)


def judge_batch(
    answer: Answer | KalshiError, intents: Sequence[str]
) -> tuple[Taken | Rejected | Unknown, ...]:
    """Return what became of each order of a batch, in the order in which they were sent."""
    if isinstance(answer, KalshiError):
        return tuple(_judge_error(answer) for _ in intents)
    try:
        items = decode(_batch, answer.body).orders
    except ParseError:
        return tuple(Unknown(f"status {answer.status} and no orders in it") for _ in intents)
    if len(items) != len(intents):
        reason = f"{len(items)} answers to {len(intents)} orders"
        return tuple(Unknown(reason) for _ in intents)
    return tuple(_judge_item(item, name) for item, name in zip(items, intents, strict=True))


def judge_change(answer: Answer | KalshiError, venue_order: str) -> Outcome:
    """Return what became of a request to amend or decrease an order.

    `Accepted` means that the venue has done it; that it does not find the order proves nothing.
    """
    if isinstance(answer, KalshiError):
        return _judge_error(answer)
    try:
        found = decode(_changed, answer.body)
    except ParseError:
        return Unknown(f"status {answer.status} and no order in the answer")
    if found.order_id != venue_order:
        return Unknown(f"an answer about another order: {plain(found.order_id)}")
    return Accepted(venue_order)


def cancel_done(answer: Answer | KalshiError, venue_order: str) -> bool:
    """Tell whether a cancel was carried out; if not, the order may be in any state."""
    return not isinstance(answer, KalshiError) and isinstance(
        judge_change(answer, venue_order), Accepted
    )


def _judge_error(error: KalshiError) -> Rejected | Unknown:
    if isinstance(error, NotSentError):
        return Rejected("not_sent", plain(error))
    if isinstance(error, AlreadyExistsError):
        return Unknown(LANDED)
    if isinstance(error, RefusedError) and (error.status, error.code) in PROVEN:
        return Rejected(error.code, plain(error.details))
    return Unknown(plain(error))


def _judge_item(item: _Item, intent: str) -> Taken | Rejected | Unknown:
    if item.error is not None:
        if (400, item.error.code) in PROVEN and item.order_id is None:
            return Rejected(plain(item.error.code), plain(item.error.details or ""))
        return Unknown(plain(item.error.code or item.error.message or "an error without a code"))
    if item.order_id is None or item.fill_count is None or item.remaining_count is None:
        return Unknown("no order in the answer")
    return _taken(
        _Created(item.order_id, item.fill_count, item.remaining_count, item.client_order_id), intent
    )


def _taken(found: _Created, intent: str) -> Taken | Unknown:
    if not _may_be_in_a_path(found.order_id):
        return Unknown(f"an order whose name is none: {plain(found.order_id)!r}")
    if found.client_order_id != intent:
        # The venue may leave the name away; an answer without it proves nothing about ours.
        return Unknown(f"an answer about another order: {plain(found.client_order_id)}")
    try:
        counts = size(found.fill_count), size(found.remaining_count)
    except NotExactError as e:
        return Unknown(plain(e))
    if min(counts) < 0:
        return Unknown("a negative count in the answer")
    return Taken(found.order_id, *counts)


def _resting(expires_at: Micros, at: Micros) -> dict[str, Any]:
    # Rounded down, so that nothing rests when it is counted as over.
    expires = expires_at // SECOND
    if expires * SECOND <= at + SECOND:
        msg = "less than two seconds are left to rest: an expiry is a whole second in the future"
        raise OrderShapeError(msg)
    return {
        "time_in_force": "good_till_canceled",
        "expiration_time": expires,
        "post_only": True,
        "cancel_order_on_pause": True,
    }


def _name(intent: str) -> str:
    plain_name = all((c.isascii() and c.isalnum()) or c in _NAME_EXTRA for c in intent)
    if not 0 < len(intent) <= _NAME_MAX or not plain_name:
        msg = f"{plain(intent)!r} cannot be an order's name"
        raise OrderShapeError(msg)
    return intent


def legs_price(leg: Leg, purpose: Purpose, side: Side, at: Price) -> Price | None:
    """Return the price of a trade in an order's own leg, None if it is on the other side."""
    return yes_price(leg, at) if book_side(leg, purpose) is side else None
