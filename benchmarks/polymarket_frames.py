"""Recorded changes as they would come on the market channel, and the feed that takes them.

The recording tells levels and trades and no books. So books begin empty; levels better than the
touch that was recorded are removed as the venue would have, and the touch told is that of the book.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec

from benchmarks.setting import Setting
from benchmarks.workloads import tickscope
from market_bot.adapters.polymarket.stream import MarketStream, StreamPace, Terms
from market_bot.adapters.polymarket.stream_resync import Fetched, Fetching
from market_bot.adapters.polymarket.stream_socket import Arrival, Frames, Greeting, Opened
from market_bot.adapters.system.clock import SystemClock
from market_bot.core.domain.market import Market
from market_bot.core.domain.numbers import HOUR, SECOND, Duration, Micros
from market_bot.core.ports.market_data import Sink

END: Final = b'{"event_type":"end"}'
"""A message of a type nobody knows; counting it shows that everything before was taken."""

UNTIL: Final = Micros(7_258_118_400 * SECOND)
"""Late enough for every recorded time."""

_DOLLAR: Final = 1_000_000
_FIRST_MS: Final = 1_785_901_540_000
_PATIENT: Final = StreamPace(late=Duration(24 * 365 * HOUR), silence=Duration(HOUR))
_READ: Final = """
    SELECT epoch_ms(timestamp), CAST(round(price * 1e6) AS BIGINT),
           CAST(round(size * 1e6) AS BIGINT), CAST(round(best_bid * 1e6) AS BIGINT),
           CAST(round(best_ask * 1e6) AS BIGINT), side, event_type, asset_id
    FROM read_parquet($paths, file_row_number = true) ORDER BY filename, file_row_number LIMIT $rows
"""


@attrs.frozen
class Messages:
    """Frames in order, when they came, and whose they are: market, YES, NO."""

    name: str
    frames: tuple[bytes, ...]
    received: tuple[Micros, ...]
    markets: tuple[tuple[str, str, str], ...]


@attrs.define(eq=False)
class _Teller:
    """Books as the venue has them, and the frames by which it tells them."""

    pairs: dict[str, tuple[str, str, str]]
    frames: list[bytes] = attrs.field(factory=list)
    received: list[Micros] = attrs.field(factory=list)
    _bids: dict[str, dict[int, int]] = attrs.field(factory=dict)
    _asks: dict[str, dict[int, int]] = attrs.field(factory=dict)

    def begin(self, now_ms: int) -> None:
        """Tell empty books of both tokens of every market."""
        told = [
            {
                "event_type": "book",
                "market": market,
                "asset_id": token,
                "timestamp": str(now_ms),
                "hash": _hash(token),
                "bids": [],
                "asks": [],
                "tick_size": "0.01",
                "last_trade_price": "",
            }
            for market, yes, no in self.pairs.values()
            for token in (yes, no)
        ]
        self._send(told, now_ms)
        for _, yes, _ in self.pairs.values():
            self._bids[yes], self._asks[yes] = {}, {}

    def level(self, yes: str, side: str, price: int, size: int, at_ms: int) -> None:
        """Set a level and tell it for both tokens."""
        levels = (self._bids if side == "BUY" else self._asks)[yes]
        if size:
            levels[price] = size
        elif levels.pop(price, None) is None:
            return
        market, _, no = self.pairs[yes]
        bid, ask = max(self._bids[yes], default=0), min(self._asks[yes], default=_DOLLAR)
        other = {"BUY": "SELL", "SELL": "BUY"}[side]
        changes = [
            _change(yes, price, size, side, bid, ask),
            _change(no, _DOLLAR - price, size, other, _DOLLAR - ask, _DOLLAR - bid),
        ]
        told = {"market": market, "price_changes": changes, "timestamp": str(at_ms)}
        self._send({**told, "event_type": "price_change"}, at_ms)

    def clear(self, yes: str, bid: int, ask: int, at_ms: int) -> None:
        """Remove what is better than a touch."""
        for price in [one for one in self._bids[yes] if one > bid]:
            self.level(yes, "BUY", price, 0, at_ms)
        for price in [one for one in self._asks[yes] if one < ask]:
            self.level(yes, "SELL", price, 0, at_ms)

    def trade(self, token: str, market: str, side: str, price: int, size: int, at_ms: int) -> None:
        """Tell a trade."""
        told = {
            "market": market,
            "asset_id": token,
            "price": _text(price),
            "size": _text(size),
            "fee_rate_bps": "0",
            "side": side,
            "timestamp": str(at_ms),
            "event_type": "last_trade_price",
            "transaction_hash": "0x" + 32 * "ab",
        }
        self._send(told, at_ms)

    def done(self, name: str) -> Messages:
        """Return what was told."""
        markets = tuple(self.pairs.values())
        return Messages(name, tuple(self.frames), tuple(self.received), markets)

    def _send(self, told: object, at_ms: int) -> None:
        self.frames.append(msgspec.json.encode(told))
        self.received.append(Micros((at_ms + 40) * 1000))


def messages(setting: Setting, most: int) -> Messages:
    """Return recorded changes as frames, or invented ones where there is no recording."""
    recording = tickscope(setting)
    if recording is None:
        return _invented(most)
    return _recorded(recording.name, recording.paths, most)


def _recorded(name: str, paths: Sequence[Path], most: int) -> Messages:
    import duckdb  # noqa: PLC0415 - an optional extra, and only here

    told = {"paths": [str(path) for path in paths], "rows": 3 * most}
    rows = duckdb.execute(_READ.replace("file_row_number = true", _ORDERED), told).fetchall()
    teller = _Teller(_paired(rows))
    teller.begin(rows[0][0])
    owners = {token: pair for pair in teller.pairs.values() for token in pair[1:]}
    for at, price, size, bid, ask, side, kind, token in rows:
        if len(teller.frames) >= most:
            break
        word = "BUY" if side == "BID" else "SELL"
        if kind != "PRICE_CHANGE" and token in owners and 0 < price < _DOLLAR and size:
            teller.trade(token, owners[token][0], word, price, size, at)
        elif kind == "PRICE_CHANGE" and token in teller.pairs and 0 < price < _DOLLAR:
            teller.clear(token, bid, ask, at)
            if (price <= bid) if side == "BID" else (price >= ask):
                teller.level(token, word, price, size, at)
    return teller.done(name)


_ORDERED: Final = "file_row_number = true, filename = true"


def _paired(rows: Sequence[Any]) -> dict[str, tuple[str, str, str]]:
    """Return tokens that mirror each other, by the one that was seen first."""
    pairs: dict[str, tuple[str, str, str]] = {}
    seen: set[str] = set()
    for one, other in pairwise(rows):
        mirrored = (one[0], _DOLLAR - one[1], one[2]) == (other[0], other[1], other[2])
        if mirrored and one[7] != other[7] and not {one[7], other[7]} & seen:
            seen |= {one[7], other[7]}
            pairs[one[7]] = (f"0x{len(pairs):064x}", one[7], other[7])
    return pairs


def _invented(most: int) -> Messages:
    chance = random.Random(11)
    ids = [str((7 << 250) + number) for number in range(20)]
    pairs = {
        yes: (f"0x{n:064x}", yes, no)
        for n, (yes, no) in enumerate(zip(ids[::2], ids[1::2], strict=True))
    }
    teller = _Teller(pairs)
    teller.begin(_FIRST_MS)
    at = _FIRST_MS
    while len(teller.frames) < most:
        at += chance.choice((0, 1, 3, 7))
        yes = chance.choice(list(pairs))
        side = chance.choice(("BUY", "SELL"))
        cents = chance.randint(1, 48) if side == "BUY" else chance.randint(52, 99)
        size = chance.choice((0, 5_000_000, 25_500_000, 1_230_000, 100_000_000))
        teller.level(yes, side, cents * 10_000, size, at)
    return teller.done("invented Polymarket stream")


def _change(token: str, price: int, size: int, side: str, bid: int, ask: int) -> dict[str, str]:
    return {
        "asset_id": token,
        "price": _text(price),
        "size": _text(size),
        "side": side,
        "hash": _hash(f"{token}{price}{size}"),
        "best_bid": _text(bid),
        "best_ask": _text(ask),
    }


def _text(millionths: int) -> str:
    whole, part = divmod(millionths, _DOLLAR)
    return f"{whole}.{part:06d}".rstrip("0").rstrip(".")


def _hash(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Replayed(Frames):
    """Opens, then gives everything at once."""

    def __init__(self, told: Messages) -> None:
        self._told = told
        self._greeting: Callable[[], Greeting] | None = None
        self._given = False

    def open(self, socket: int, greeting: Callable[[], Greeting]) -> None:
        assert socket == 1
        self._greeting = greeting

    def shut(self, socket: int) -> None:
        """Do nothing: there is no thread."""

    def take(self, until: Micros) -> Iterator[Arrival]:  # noqa: ARG002 - everything is there
        if self._greeting is None or self._given:
            return
        self._given = True
        yield Micros(0), 1, Opened(1, self._greeting().tokens)
        for at, frame in zip(self._told.received, self._told.frames, strict=True):
            yield at, 1, frame
        yield Micros(0), 1, END

    def send(self, socket: int, connection: int, command: bytes) -> None:  # noqa: ARG002 - nothing is
        raise AssertionError(command)

    def drop(self, socket: int, connection: int, reason: str) -> None:  # noqa: ARG002 - nothing is
        raise AssertionError(reason)

    def close(self) -> None:
        """Do nothing."""


class NoFetching(Fetching):
    """Is never asked: no book is believed no more."""

    @property
    def busy(self) -> bool:
        return False

    def begin(self, tokens: Sequence[str]) -> None:
        raise AssertionError(tokens)

    def take(self) -> Fetched | None:
        return None

    def close(self) -> None:
        """Do nothing."""


class _NoTerms(Terms):
    """Hears nothing."""

    def book_came(self, *_: object) -> None:
        """Do nothing."""

    def tick_changed(self, *_: object) -> None:
        """Do nothing."""

    def resolved(self, *_: object) -> None:
        """Do nothing."""

    def created(self, *_: object) -> None:
        """Do nothing."""

    def connected(self) -> None:
        """Do nothing."""


def stream_of(frames: Frames, told: Messages, sink: Sink) -> MarketStream:
    """Return a stream of the markets, all of them announced."""
    stream = MarketStream(frames, NoFetching(), _NoTerms(), SystemClock(), pace=_PATIENT)
    for market, _, _ in told.markets:
        sink.meta(Market(venue="polymarket", id=market, event=market, family="f"), Micros(0))
        stream.announce(market, sink, Micros(0))
    stream.want({market: (yes, no) for market, yes, no in told.markets}, sink, Micros(0))
    stream.tend(sink, Micros(0))
    return stream
