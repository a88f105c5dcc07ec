"""Recorded messages as they would come on a connection of ours, and the stream that takes them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import msgspec

from market_bot.adapters.kalshi.budgets import Budgets, RateLimit
from market_bot.adapters.kalshi.clock_guard import ClockGuard
from market_bot.adapters.kalshi.parse_markets import Listing, parse_market
from market_bot.adapters.kalshi.rest import KalshiRest
from market_bot.adapters.kalshi.stream import KalshiStream, StreamPace
from market_bot.adapters.kalshi.stream_socket import Arrival, Frames, Opened
from market_bot.adapters.kalshi.stream_statuses import StreamStatuses
from market_bot.adapters.kalshi.transport import Transport
from market_bot.adapters.system.clock import SystemClock
from market_bot.core.domain.numbers import HOUR, SECOND, Duration, Micros

END: Final = b'{"type":"end"}'
"""A message of a type nobody knows; counting it shows that everything before was taken."""

BOOKS: Final = 1
TRADES: Final = 2

_BASE: Final = "https://venue.example/trade-api/v2"
_PLENTY: Final = RateLimit(1_000_000, 1_000_000)
_PATIENT: Final = StreamPace(late=Duration(24 * 365 * HOUR), quiet=Duration(HOUR))
_MARKET: Final = {
    "market_type": "binary",
    "status": "active",
    "result": "",
    "open_time": "2026-11-29T15:00:00Z",
    "close_time": "2099-12-02T05:00:00Z",
    "can_close_early": True,
    "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
    "notional_value_dollars": "1.0000",
    "yes_bid_dollars": "0.3000",
    "yes_ask_dollars": "0.3500",
    "no_bid_dollars": "0.6500",
    "no_ask_dollars": "0.7000",
    "last_price_dollars": "0.3200",
    "yes_bid_size_fp": "12.50",
    "yes_ask_size_fp": "3.00",
    "volume_24h_fp": "101.00",
    "open_interest_fp": "77.70",
}


@attrs.frozen
class Messages:
    """Frames in order, when they came, and whose they are."""

    frames: tuple[bytes, ...]
    received: tuple[Micros, ...]
    markets: tuple[str, ...]


def messages_of(paths: tuple[Path, ...], most: int) -> Messages:
    """Return recorded messages, counted anew: recordings leave other markets' messages out."""
    frames: list[bytes] = []
    received: list[Micros] = []
    markets: dict[str, None] = {}
    counts = {BOOKS: 0, TRADES: 0}
    for line in _lines(paths):
        if len(frames) >= most:
            break
        decoded: dict[str, Any] = msgspec.json.decode(line)
        event = decoded["event"]
        if event["type"] not in ("orderbook_snapshot", "orderbook_delta", "trade"):
            continue
        sid = TRADES if event["type"] == "trade" else BOOKS
        counts[sid] += 1
        if sid == TRADES:
            event["msg"]["is_block_trade"] = False
        frames.append(msgspec.json.encode(event | {"sid": sid, "seq": counts[sid]}))
        received.append(Micros(decoded["recv_ms"] * 1000))
        markets[event["msg"]["market_ticker"]] = None
    return Messages(tuple(frames), tuple(received), tuple(markets))


def subscribed(number: int, channel: str, sid: int) -> bytes:
    """Return the venue's word that a channel begins."""
    said = {"channel": channel, "sid": sid}
    return msgspec.json.encode({"type": "subscribed", "id": number, "msg": said})


class Replayed(Frames):
    """Answers two subscriptions, then gives everything at once."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._opened = False
        self._answers: list[bytes] = []

    def start(self) -> None:
        """Do nothing: there is no thread."""

    def take(self, until: Micros) -> Iterator[Arrival]:  # noqa: ARG002 - everything is there
        if not self._opened:
            self._opened = True
            yield Micros(0), Opened(1)
        elif self._answers:
            for answer in self._answers:
                yield Micros(0), answer
            self._answers = []
            yield from zip(self._messages.received, self._messages.frames, strict=True)
            yield Micros(0), END

    def send(self, connection: int, command: bytes) -> None:  # noqa: ARG002 - there is but one
        asked: dict[str, Any] = msgspec.json.decode(command)
        for channel in asked["params"].get("channels", ()):
            sid = {"orderbook_delta": BOOKS, "trade": TRADES}.get(channel)
            if sid is not None:
                self._answers.append(subscribed(asked["id"], channel, sid))

    def drop(self, connection: int, reason: str) -> None:  # noqa: ARG002 - there is but one
        raise AssertionError(reason)

    def silent_for(self) -> Duration:
        return Duration(0)

    def close(self) -> None:
        """Do nothing."""


def stream_of(frames: Frames, markets: tuple[str, ...]) -> KalshiStream:
    """Return a stream that watches these markets and asks nobody."""
    clock = SystemClock()
    backend = httpx.MockTransport(lambda _: httpx.Response(502, content=b""))
    rest = KalshiRest(
        Transport(_BASE, clock, backend=backend),
        clock,
        lambda _: None,
        budgets=Budgets(clock, reads=_PLENTY),
    )
    statuses = StreamStatuses(rest, clock)
    stream = KalshiStream(statuses, frames, clock, ClockGuard(), pace=_PATIENT)
    stream.renew([_listing(name) for name in markets], Micros(0))
    return stream


def _listing(name: str) -> Listing:
    record = _MARKET | {"ticker": name, "event_ticker": name.rpartition("-")[0]}
    found = parse_market(msgspec.json.encode({"market": record}))
    assert isinstance(found, Listing)
    return found


def _lines(paths: tuple[Path, ...]) -> Iterator[bytes]:
    for path in paths:
        with gzip.open(path) as file:
            yield from file.read().splitlines()


UNTIL: Final = Micros(7_258_118_400 * SECOND)
"""Late enough for every recorded time."""
