"""Messages of the live websocket: what comes, decoded into typed values, and what we send.

The bodies of books are those of recorded logs. Fields nobody reads are not decoded, unknown fields
are tolerated, and a type we do not know comes back as `Unknown` with its place in the order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Final, TypeAlias

import msgspec

from .parse_markets import _Range
from .ws_messages import DeltaBody, MessageError, Milliseconds, SnapshotBody, YesNo

BOOKS: Final = "orderbook_delta"
TRADES: Final = "trade"
TICKERS: Final = "ticker"
LIFECYCLE: Final = "market_lifecycle_v2"
FILLS: Final = "fill"
ORDERS: Final = "user_orders"


class TradeBody(msgspec.Struct, frozen=True, gc=False):
    """A print; a block trade was agreed off the book. Without its flag nobody can tell."""

    market_ticker: str
    yes_price_dollars: str
    count_fp: str
    taker_outcome_side: YesNo
    is_block_trade: bool | None = None
    ts_ms: Milliseconds | None = None


class TickerBody(msgspec.Struct, frozen=True, gc=False):
    """Best prices and totals of a market, told now and then; 0 and 1 mean that nobody is there."""

    market_ticker: str
    yes_bid_dollars: str
    yes_ask_dollars: str
    yes_bid_size_fp: str
    yes_ask_size_fp: str
    ts_ms: Milliseconds | None = None


class FillBody(msgspec.Struct, frozen=True, gc=False):
    """A trade of ours."""

    trade_id: str
    order_id: str
    market_ticker: str
    is_taker: bool
    yes_price_dollars: str
    count_fp: str
    fee_cost: str
    outcome_side: YesNo
    client_order_id: str | None = None
    exchange_index: int | None = None
    subaccount: int | None = None
    ts_ms: Milliseconds | None = None


class OrderBody(msgspec.Struct, frozen=True, gc=False):
    """An order of ours; here, and only here, the market's key is ``ticker``."""

    order_id: str
    ticker: str
    status: str
    outcome_side: YesNo
    yes_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    initial_count_fp: str
    client_order_id: str | None = None
    exchange_index: int | None = None
    subaccount_number: int | None = None
    last_update_reason: str | None = None
    last_updated_ts_ms: Milliseconds | None = None
    created_ts_ms: Milliseconds | None = None


class LifecycleBody(msgspec.Struct, frozen=True, gc=False):
    """Something in a market's life; ``event_type`` says what."""

    market_ticker: str
    event_type: str
    close_ts: Annotated[int, msgspec.Meta(gt=0, lt=7_258_118_400)] | None = None
    price_ranges: tuple[_Range, ...] | None = None
    strike_type: str | None = None
    floor_strike: object = None
    cap_strike: object = None
    custom_strike: object = None

    @property
    def moves_strike(self) -> bool:
        """Whether something is said about the strike."""
        told = (self.strike_type, self.floor_strike, self.cap_strike, self.custom_strike)
        return any(one is not None for one in told)


class EventBody(msgspec.Struct, frozen=True, gc=False):
    """An event that was created or whose fees changed."""

    event_ticker: str


class Snapshot(msgspec.Struct, frozen=True, tag_field="type", tag="orderbook_snapshot", gc=False):
    """A book as a whole."""

    sid: int
    seq: int
    msg: SnapshotBody
    sending_ts_ms: Milliseconds | None = None


class Delta(msgspec.Struct, frozen=True, tag_field="type", tag="orderbook_delta", gc=False):
    """A change of a book."""

    sid: int
    seq: int
    msg: DeltaBody
    sending_ts_ms: Milliseconds | None = None


class Trade(msgspec.Struct, frozen=True, tag_field="type", tag="trade", gc=False):
    """A print."""

    sid: int
    seq: int
    msg: TradeBody
    sending_ts_ms: Milliseconds | None = None


class Ticker(msgspec.Struct, frozen=True, tag_field="type", tag="ticker", gc=False):
    """Best prices; without a ``seq``."""

    sid: int
    msg: TickerBody


class Fill(msgspec.Struct, frozen=True, tag_field="type", tag="fill", gc=False):
    """A trade of ours; without a ``seq``."""

    sid: int
    msg: FillBody


class UserOrder(msgspec.Struct, frozen=True, tag_field="type", tag="user_order", gc=False):
    """An order of ours; without a ``seq``. Its channel is called ``user_orders``."""

    sid: int
    msg: OrderBody


class Lifecycle(msgspec.Struct, frozen=True, tag_field="type", tag="market_lifecycle_v2", gc=False):
    """Something in a market's life."""

    sid: int
    seq: int
    msg: LifecycleBody


class EventCreated(msgspec.Struct, frozen=True, tag_field="type", tag="event_lifecycle", gc=False):
    """An event was created."""

    sid: int
    seq: int
    msg: EventBody


class FeesChanged(msgspec.Struct, frozen=True, tag_field="type", tag="event_fee_update", gc=False):
    """An event charges other fees now."""

    sid: int
    seq: int
    msg: EventBody


class ChannelAndSid(msgspec.Struct, frozen=True, gc=False):
    """Which channel has which number."""

    channel: str
    sid: int


class Subscribed(msgspec.Struct, frozen=True, tag_field="type", tag="subscribed", gc=False):
    """A channel begins; its ``seq`` starts with the first message after this."""

    msg: ChannelAndSid
    id: int | None = None


class Unsubscribed(msgspec.Struct, frozen=True, tag_field="type", tag="unsubscribed", gc=False):
    """A channel has ended; uses up a ``seq`` of it."""

    sid: int
    seq: int
    id: int | None = None


class Ok(msgspec.Struct, frozen=True, tag_field="type", tag="ok"):
    """A command was carried out; with a ``sid`` it uses up a ``seq`` of that channel.

    ``msg`` is a list of channels as the answer to `list_subscriptions`.
    """

    id: int | None = None
    sid: int | None = None
    seq: int | None = None
    msg: msgspec.Raw = msgspec.Raw(b"")
    sending_ts_ms: Milliseconds | None = None


class ErrorBody(msgspec.Struct, frozen=True, gc=False):
    """What is wrong, by number and in words."""

    code: int
    msg: str = ""


class Failed(msgspec.Struct, frozen=True, tag_field="type", tag="error", gc=False):
    """A command failed, or a channel did."""

    msg: ErrorBody
    id: int | None = None
    sid: int | None = None
    seq: int | None = None


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """A message of a type we do not know, or ``broken``: of a known type, but not as it should be.

    What can be read of its place in the order is there.
    """

    type: str
    sid: int | None = None
    seq: int | None = None
    broken: str = ""


Known: TypeAlias = (
    Snapshot
    | Delta
    | Trade
    | Ticker
    | Fill
    | UserOrder
    | Lifecycle
    | EventCreated
    | FeesChanged
    | Subscribed
    | Unsubscribed
    | Ok
    | Failed
)
Message: TypeAlias = Known | Unknown

_KINDS: Final = (
    Snapshot,
    Delta,
    Trade,
    Ticker,
    Fill,
    UserOrder,
    Lifecycle,
    EventCreated,
    FeesChanged,
    Subscribed,
    Unsubscribed,
    Ok,
    Failed,
)
TYPES: Final = frozenset(str(kind.__struct_config__.tag) for kind in _KINDS)
"""Every type of message that is understood."""

_heads = msgspec.json.Decoder(Unknown)
_lists = msgspec.json.Decoder(tuple[ChannelAndSid, ...])
_encode = msgspec.json.Encoder().encode

decode_known: Final[Callable[[bytes], Known]] = msgspec.json.Decoder(Known).decode
"""The fast half of `parse_frame`: raises msgspec's own errors, also for other types."""


def parse_frame(frame: bytes) -> Message:
    """Return the message in a frame.

    Raises:
        MessageError: if not even its type can be read.

    """
    try:
        return decode_known(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        try:
            head = _heads.decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as again:
            raise MessageError(str(again)) from again
        why = str(e) if head.type in TYPES else ""
        return Unknown(head.type, head.sid, head.seq, why)


def parse_list(answer: Ok) -> tuple[ChannelAndSid, ...] | None:
    """Return the channels that an answer lists, None if it is no such answer."""
    try:
        return _lists.decode(answer.msg)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def subscribe(number: int, channel: str, markets: Iterable[str] = ()) -> bytes:
    """Return the command that begins a channel, of some markets or of all.

    How NO prices are told is said explicitly: the venue is going to change its default.
    """
    params: dict[str, object] = {"channels": [channel]}
    if tickers := list(markets):
        params["market_tickers"] = tickers
    if channel == BOOKS:
        params["use_yes_price"] = True
    return _encode({"id": number, "cmd": "subscribe", "params": params})


def unsubscribe(number: int, sids: Sequence[int]) -> bytes:
    """Return the command that ends channels."""
    return _encode({"id": number, "cmd": "unsubscribe", "params": {"sids": sids}})


def update(number: int, sid: int, action: str, markets: Iterable[str]) -> bytes:
    """Return the command ``add_markets``, ``delete_markets`` or ``get_snapshot`` of a channel."""
    params = {"sids": [sid], "market_tickers": list(markets), "action": action}
    return _encode({"id": number, "cmd": "update_subscription", "params": params})


def list_subscriptions(number: int) -> bytes:
    """Return the command whose answer shows that the venue still listens."""
    return _encode({"id": number, "cmd": "list_subscriptions"})
