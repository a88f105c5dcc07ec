"""Messages of the market channel: what comes, decoded into typed values, and what we send.

A frame is one message or a list of them. Fields nobody reads are not decoded and unknown fields are
tolerated. A type we do not know comes back as `Unknown`, a known type that is not as it should be
as `Broken`; both keep what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from market_bot.core.domain.numbers import Micros, Price

from .clob import TokenBook, _Book, _token_book
from .problems import plain
from .wire import ABSENT, DECODING, UnreadableRecord, moment_of, price_of, shown, text_of

RAW_MAX: Final = 2_048
"""Bytes that are kept of a message that is not understood."""

MESSAGES_MAX: Final = 5_000
"""Messages in one frame; the books of a whole socket come in one."""

_KIND_MAX: Final = 60
_SECONDS_BELOW: Final = 100_000_000_000
_LATEST_MS: Final = 4_102_444_800_000
_DIGITS: Final = 13
_NOBODY_BIDS: Final = Price(0)
_NOBODY_ASKS: Final = Price(1_000_000)

Time: TypeAlias = str | int | None
"""Seconds or milliseconds as the venue writes them; empty or absent where it does not say."""


class MessageError(ValueError):
    """A frame or message that cannot be understood; one line saying why."""


class Change(msgspec.Struct, frozen=True, gc=False):
    """The new absolute size of a level of one token, and the touch after it; "0" removes."""

    asset_id: str
    price: str
    size: str
    side: Literal["BUY", "SELL"]
    best_bid: str = ""
    best_ask: str = ""


class BookTold(_Book, tag_field="event_type", tag="book", gc=False):
    """A book as a whole, best prices last."""


class Changes(msgspec.Struct, frozen=True, tag_field="event_type", tag="price_change", gc=False):
    """Changes of levels; each one is told for both tokens of a market, as mirrors."""

    price_changes: list[Change]
    market: str = ""
    timestamp: Time = None


class TickChanged(
    msgspec.Struct, frozen=True, tag_field="event_type", tag="tick_size_change", gc=False
):
    """Prices move in other steps from here on."""

    asset_id: str
    new_tick_size: str
    market: str = ""
    timestamp: Time = None


class Print(msgspec.Struct, frozen=True, tag_field="event_type", tag="last_trade_price", gc=False):
    """A trade, told once, for the token that the taker named; ``side`` is the taker's."""

    asset_id: str
    price: str
    size: str
    side: Literal["BUY", "SELL"]
    market: str = ""
    timestamp: Time = None


class Touch(msgspec.Struct, frozen=True, tag_field="event_type", tag="best_bid_ask", gc=False):
    """The best prices of a token; not every one is told."""

    asset_id: str
    best_bid: str = ""
    best_ask: str = ""
    market: str = ""
    timestamp: Time = None


class _Of(msgspec.Struct, frozen=True, gc=False):
    slug: str = ""


class NewMarket(msgspec.Struct, frozen=True, tag_field="event_type", tag="new_market", gc=False):
    """A market was made; told of all markets there are, whatever was asked for."""

    market: str = ""
    slug: str = ""
    event_message: _Of | None = None


class Resolved(
    msgspec.Struct, frozen=True, tag_field="event_type", tag="market_resolved", gc=False
):
    """A market has ended."""

    market: str
    winning_asset_id: str = ""
    timestamp: Time = None


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """A message of a type we do not know, and the beginning of what was sent."""

    kind: str
    raw: bytes


class Broken(msgspec.Struct, frozen=True, gc=False):
    """A message of a known type that cannot be read; ``about`` are the tokens and markets in it.

    Where it is empty it may have been about everything.
    """

    kind: str
    why: str
    about: tuple[str, ...]
    raw: bytes


Known: TypeAlias = BookTold | Changes | TickChanged | Print | Touch | NewMarket | Resolved
Message: TypeAlias = Known | Unknown | Broken

_KINDS: Final = (BookTold, Changes, TickChanged, Print, Touch, NewMarket, Resolved)
TYPES: Final = frozenset(str(kind.__struct_config__.tag) for kind in _KINDS)
"""Every type of message that is understood."""


class _Head(msgspec.Struct, gc=False):
    event_type: msgspec.Raw = ABSENT
    asset_id: msgspec.Raw = ABSENT
    market: msgspec.Raw = ABSENT
    bids: msgspec.Raw = ABSENT
    asks: msgspec.Raw = ABSENT
    buys: msgspec.Raw = ABSENT
    sells: msgspec.Raw = ABSENT


_one: Final[msgspec.json.Decoder[Known]] = msgspec.json.Decoder(Known)
_head: Final = msgspec.json.Decoder(_Head)
_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_book: Final = msgspec.json.Decoder(_Book)
_encode: Final = msgspec.json.Encoder().encode

decode_known: Final[Callable[[bytes], Known | list[Known]]] = msgspec.json.Decoder(
    Known | list[Known]
).decode
"""The fast half of `parse_frame`: raises msgspec's own errors, also for other types."""


def parse_frame(frame: bytes) -> Sequence[Message]:
    """Return the messages in a frame, in order; none in an empty list.

    Raises:
        MessageError: if it is no message and no list of messages.

    """
    first = frame.lstrip()[:1]
    if first == b"{":
        return (_parse(frame),)
    try:
        raws = _raws.decode(frame)
    except DECODING as e:
        msg = f"neither a message nor a list of them: {shown(frame)} ({e})"
        raise MessageError(plain(msg)) from e
    if len(raws) > MESSAGES_MAX:
        msg = f"a frame of {len(raws)} messages; at most {MESSAGES_MAX} are read"
        raise MessageError(msg)
    return [_parse(bytes(raw)) for raw in raws]


def token_book(told: BookTold) -> TokenBook:
    """Return a told book made exact.

    Raises:
        UnreadableRecord: if it is none.

    """
    return _token_book(told)


def moment(told: Time) -> Micros | None:
    """Return when something was, from seconds or milliseconds; None where that is not said.

    Raises:
        UnreadableRecord: if it is no time between 1970 and 2100.

    """
    # Asked for every message: the usual form first.
    if isinstance(told, str):
        if len(told) == _DIGITS and told.isdecimal():
            return Micros(int(told) * 1_000)
        if 0 < len(told) < _DIGITS and told.isdecimal():
            number = int(told)
            return Micros(number * (1_000_000 if number < _SECONDS_BELOW else 1_000))
        return moment_of(msgspec.Raw(_encode(told)))
    if told is None:
        return None
    if not 0 <= told <= _LATEST_MS:
        msg = f"a time outside 1970 to 2100: {told}"
        raise UnreadableRecord(msg)
    return Micros(told * (1_000_000 if told < _SECONDS_BELOW else 1_000))


def touch_of(bid: str, ask: str) -> tuple[Price | None, Price | None]:
    """Return told best prices, 0 and a dollar where nobody is; None where nothing is said.

    Raises:
        UnreadableRecord: if they are no prices.

    """
    told_ask = price_of(ask) if ask else None
    if told_ask == _NOBODY_BIDS:
        # Both ways of saying that nobody sells are in use.
        told_ask = _NOBODY_ASKS
    return (price_of(bid) if bid else None), told_ask


def first_subscription(tokens: Iterable[str]) -> bytes:
    """Return what a new connection says."""
    return _encode({"type": "market", "assets_ids": list(tokens), "custom_feature_enabled": True})


def subscription(tokens: Iterable[str]) -> bytes:
    """Return the command that adds tokens."""
    told = {"operation": "subscribe", "assets_ids": list(tokens), "custom_feature_enabled": True}
    return _encode(told)


def unsubscription(tokens: Iterable[str]) -> bytes:
    """Return the command that takes tokens away."""
    return _encode({"operation": "unsubscribe", "assets_ids": list(tokens)})


def _parse(raw: bytes) -> Message:
    try:
        return _one.decode(raw)
    except DECODING as e:
        why = plain(str(e) or type(e).__name__)
    try:
        head = _head.decode(raw)
    except DECODING as e:
        return Broken("", plain(str(e) or type(e).__name__), (), raw[:RAW_MAX])
    kind = _text(head.event_type)
    if (not kind or kind == "book") and (book := _as_book(raw, head)) is not None:
        return book
    if kind in TYPES:
        return Broken(kind, why, _about(head), raw[:RAW_MAX])
    return Unknown(plain(kind)[:_KIND_MAX], raw[:RAW_MAX])


def _as_book(raw: bytes, head: _Head) -> BookTold | None:
    """Return a book that does not say that it is one, or says so in older words."""
    try:
        if ABSENT not in (head.bids, head.asks):
            plainly = _book.decode(raw)
        elif ABSENT not in (head.buys, head.sells):
            told = {"bids": head.buys, "asks": head.sells, "asset_id": head.asset_id}
            plainly = _book.decode(_encode({**told, "market": head.market}))
        else:
            return None
    except DECODING:
        return None
    return BookTold(**{name: getattr(plainly, name) for name in plainly.__struct_fields__})


def _about(head: _Head) -> tuple[str, ...]:
    return tuple(name for raw in (head.asset_id, head.market) if (name := _text(raw)))


def _text(raw: msgspec.Raw) -> str:
    try:
        return text_of(raw)
    except UnreadableRecord:
        return ""
