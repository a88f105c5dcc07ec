"""Kalshi websocket messages about books and trades, decoded into typed values.

Used for recorded lines and for live frames alike. Fields nobody reads are not decoded; unknown
fields are tolerated; a message type that says nothing about books comes back as `Other`.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec

YesNo: TypeAlias = Literal["yes", "no"]
# Until the year 2200: later is a mistake of units.
Milliseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=7_258_118_400_000)]


class MessageError(ValueError):
    """A message is not what the venue's specification says."""


class SnapshotBody(msgspec.Struct, frozen=True, gc=False):
    """The whole book; the key of an empty side is missing.

    ``yes`` and ``no`` are the whole cents of before March 2026: with them the message is refused,
    because without the other keys it would look like an empty book.
    """

    market_ticker: str
    yes_dollars_fp: tuple[tuple[str, str], ...] = ()
    no_dollars_fp: tuple[tuple[str, str], ...] = ()
    yes: None = None
    no: None = None


class DeltaBody(msgspec.Struct, frozen=True, gc=False):
    """A signed change at one price; the price is in the side's own dollars."""

    market_ticker: str
    price_dollars: str
    delta_fp: str
    side: YesNo
    ts_ms: Milliseconds | None = None


class TradeBody(msgspec.Struct, frozen=True, gc=False):
    """A print; newer messages say ``taker_outcome_side``, older ones ``taker_side``."""

    market_ticker: str
    yes_price_dollars: str
    count_fp: str
    taker_outcome_side: YesNo | None = None
    taker_side: YesNo | None = None
    ts_ms: Milliseconds | None = None

    @property
    def taker(self) -> YesNo | None:
        """What the aggressor bought."""
        return self.taker_outcome_side or self.taker_side


class Snapshot(msgspec.Struct, frozen=True, tag_field="type", tag="orderbook_snapshot", gc=False):
    """A book as a whole."""

    sid: int
    seq: int
    msg: SnapshotBody


class Delta(msgspec.Struct, frozen=True, tag_field="type", tag="orderbook_delta", gc=False):
    """A change of a book."""

    sid: int
    seq: int
    msg: DeltaBody


class Trade(msgspec.Struct, frozen=True, tag_field="type", tag="trade", gc=False):
    """A print."""

    sid: int
    seq: int
    msg: TradeBody


class Other(msgspec.Struct, frozen=True, gc=False):
    """Any other message: an acknowledgement (which may carry a ``seq``), a ticker, a fill."""

    type: str
    sid: int | None = None
    seq: int | None = None


Event: TypeAlias = Snapshot | Delta | Trade | Other


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of a recorded log: a message and when it was received, in milliseconds."""

    recv_ms: Milliseconds
    event: Snapshot | Delta | Trade


class _OtherLine(msgspec.Struct, frozen=True, gc=False):
    recv_ms: Milliseconds
    event: Other


BOOK_TYPES = frozenset({"orderbook_snapshot", "orderbook_delta", "trade"})

_frames: msgspec.json.Decoder[Snapshot | Delta | Trade] = msgspec.json.Decoder(
    Snapshot | Delta | Trade
)
_other_frames = msgspec.json.Decoder(Other)
_other_lines = msgspec.json.Decoder(_OtherLine)
# A text that is nested too deeply is none that we could read.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
decode_line = msgspec.json.Decoder(Line).decode
"""The fast half of `parse_line`: raises msgspec's own errors, also for other message types."""


def parse_event(frame: bytes | str) -> Event:
    """Return the message in a live frame.

    Raises:
        MessageError: if the frame is not JSON or a known type lacks what it needs.

    """
    try:
        return _frames.decode(frame)
    except _UNREADABLE as e:
        return _other(_other_frames, frame, e)


def parse_line(line: bytes) -> tuple[int, Event]:
    """Return receive time in milliseconds and message of a recorded line.

    Raises:
        MessageError: if the line is not JSON, is not an envelope, or a known type lacks fields.

    """
    try:
        parsed = decode_line(line)
    except _UNREADABLE as e:
        found = _other(_other_lines, line, e)
        return found.recv_ms, found.event
    return parsed.recv_ms, parsed.event


_T = TypeVar("_T", bound=Other | _OtherLine)


def _other(decoder: msgspec.json.Decoder[_T], text: bytes | str, first: Exception) -> _T:
    # Only reached when a message is not one of ours: either another type, or broken.
    try:
        found = decoder.decode(text)
    except _UNREADABLE as e:
        raise MessageError(str(e)) from e
    message = found.event if isinstance(found, _OtherLine) else found
    if message.type in BOOK_TYPES:
        raise MessageError(str(first)) from first
    return found
