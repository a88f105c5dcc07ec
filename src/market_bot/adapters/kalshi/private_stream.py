"""What the websocket tells about our own orders and fills, handed over to whoever keeps orders.

The stream is fast and proves nothing by its silence: what happened while there was no connection is
never told again. The inbox says when that may be so, and the venue has to be asked.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.numbers import (
    Micros,
    Money,
    NotExactError,
    Price,
    Size,
    money,
)

from .errors import plain
from .stream_messages import FillBody, OrderBody
from .ws_books import contracts, yes_price
from .ws_messages import MessageError

WAITING_MAX: Final = 10_000


@attrs.frozen(kw_only=True)
class PushedFill:
    """A trade of ours; ``price`` is the YES price, ``side`` BID means that we have more YES.

    Args:
        fill: the venue's id of it, the same as in REST.
        venue_order: the venue's id of the order.
        client_order: our name of the order, None if it has none.
        market: the market's ticker.
        shard: where the market lives, None if it is not told.
        subaccount: whose it is, None if it is not told.
        fee: what the venue charged, in dollars (1e-12).
        taker: whether we were the aggressor.
        at: when it happened, None if the venue does not say.
        received: when we had it.

    """

    fill: str
    venue_order: str
    client_order: str | None
    market: str
    side: Side
    price: Price
    size: Size
    fee: Money
    taker: bool
    shard: int | None
    subaccount: int | None
    at: Micros | None
    received: Micros


@attrs.frozen(kw_only=True)
class PushedOrder:
    """The present state of an order of ours.

    Args:
        venue_order: the venue's id of it.
        client_order: our name of it, None if it has none.
        market: the market's ticker.
        status: the venue's own word: resting, canceled, executed, unknown.
        side: BID for buying YES or selling NO.
        price: its limit as a YES price.
        filled: how much has traded.
        remaining: how much rests.
        initial: how much it was about.
        reason: the venue's word for what happened last, "" if it does not say.
        shard: where the market lives, None if it is not told.
        subaccount: whose it is, None if it is not told.
        at: when it happened, None if the venue does not say.
        received: when we had it.

    """

    venue_order: str
    client_order: str | None
    market: str
    status: str
    side: Side
    price: Price
    filled: Size
    remaining: Size
    initial: Size
    reason: str
    shard: int | None
    subaccount: int | None
    at: Micros | None
    received: Micros


Pushed = PushedFill | PushedOrder


@attrs.frozen
class Taken:
    """What was in the inbox, in order; with ``must_read`` set, ask the venue what else there is."""

    pushed: tuple[Pushed, ...]
    must_read: str | None


class PrivateInbox:
    """Pushed fills and orders on their way from the stream to the order desk; thread-safe.

    It begins with ``must_read``: before the stream there was something, too. If nobody takes what
    is in it, it is emptied, and the venue has to be asked.

    Args:
        waiting_max: how much it holds.

    """

    def __init__(self, waiting_max: int = WAITING_MAX) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Pushed] = deque()
        self._waiting_max = waiting_max
        self._must_read: str | None = "the stream has not begun"

    def put(self, pushed: Pushed) -> None:
        """Hand something over."""
        with self._lock:
            if len(self._waiting) >= self._waiting_max:
                self._waiting.clear()
                self._must_read = f"more than {self._waiting_max} pushes were not taken"
            else:
                self._waiting.append(pushed)

    def must_read(self, reason: str) -> None:
        """Say that something may be missing from here on back."""
        with self._lock:
            self._must_read = reason

    def take(self) -> Taken:
        """Return and forget everything; whoever takes ``must_read`` has to act on it."""
        with self._lock:
            taken = Taken(tuple(self._waiting), self._must_read)
            self._waiting.clear()
            self._must_read = None
            return taken


def pushed_fill(body: FillBody, received: Micros) -> PushedFill:
    """Return a fill made exact.

    Raises:
        MessageError: if a name is missing or a number is not one, or impossible.

    """
    held = contracts(body.count_fp)
    if not body.trade_id or not body.order_id or not body.market_ticker or held <= 0:
        msg = plain(f"fill {body.trade_id!r} lacks its order, its market or its size")
        raise MessageError(msg)
    return PushedFill(
        fill=body.trade_id,
        venue_order=body.order_id,
        client_order=body.client_order_id or None,
        market=body.market_ticker,
        side=_side(body.outcome_side),
        price=yes_price(body.yes_price_dollars),
        size=held,
        fee=_fee(body.fee_cost),
        taker=body.is_taker,
        shard=body.exchange_index,
        subaccount=body.subaccount,
        at=_micros(body.ts_ms),
        received=received,
    )


def pushed_order(body: OrderBody, received: Micros) -> PushedOrder:
    """Return an order made exact.

    Raises:
        MessageError: if a name is missing or a number is not one, or impossible.

    """
    counts = [contracts(text) for text in (body.fill_count_fp, body.remaining_count_fp)]
    initial = contracts(body.initial_count_fp)
    if not body.order_id or not body.ticker or min(*counts, initial) < 0:
        msg = plain(f"order {body.order_id!r} lacks its market or has a negative size")
        raise MessageError(msg)
    changed = body.created_ts_ms if body.last_updated_ts_ms is None else body.last_updated_ts_ms
    return PushedOrder(
        venue_order=body.order_id,
        client_order=body.client_order_id or None,
        market=body.ticker,
        status=plain(body.status),
        side=_side(body.outcome_side),
        price=yes_price(body.yes_price_dollars),
        filled=counts[0],
        remaining=counts[1],
        initial=initial,
        reason=plain(body.last_update_reason or ""),
        shard=body.exchange_index,
        subaccount=body.subaccount_number,
        at=_micros(changed),
        received=received,
    )


def _side(outcome: str) -> Side:
    return Side.BID if outcome == "yes" else Side.ASK


def _fee(text: str) -> Money:
    try:
        return money(text)
    except NotExactError as e:
        raise MessageError(str(e)) from e


def _micros(milliseconds: int | None) -> Micros | None:
    return None if milliseconds is None else Micros(milliseconds * 1000)
