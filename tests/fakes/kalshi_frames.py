"""Kalshi's stream without a socket: frames given by hand, or by a small model of the venue.

The model keeps books, counts per subscription as the venue does, and tells what it was not told to
lose, repeat or delay.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from typing import Any

import attrs

from market_bot.adapters.kalshi.stream_socket import Arrival, Closed, Frames, Opened
from market_bot.core.domain.numbers import Duration, Micros
from tests.fakes.kalshi_client import WaitingClock

SEQUENCED = frozenset({"orderbook_delta", "trade", "market_lifecycle_v2"})


def as_frame(message: dict[str, Any]) -> bytes:
    """Return a message as it comes."""
    return json.dumps(message, separators=(",", ":")).encode()


class HandFrames(Frames):
    """Gives what it is given; keeps commands and drops."""

    def __init__(self, clock: WaitingClock) -> None:
        self.clock = clock
        self.queue: deque[Arrival] = deque()
        self.commands: list[dict[str, Any]] = []
        self.dropped: list[tuple[int, str]] = []
        self.connection = 0
        self.started = False
        self.closed = False
        self.heard_at = clock.elapsed()

    def start(self) -> None:
        self.started = True

    def take(self, until: Micros) -> Iterator[Arrival]:
        while self.queue and self.queue[0][0] <= until:
            yield self.queue.popleft()

    def send(self, connection: int, command: bytes) -> None:
        if connection == self.connection:
            self.commands.append(json.loads(command))
            self.obey(json.loads(command))

    def drop(self, connection: int, reason: str) -> None:
        self.dropped.append((connection, reason))
        if connection == self.connection:
            self.lose(reason)

    def silent_for(self) -> Duration:
        return Duration(self.clock.elapsed() - self.heard_at)

    def close(self) -> None:
        self.closed = True

    def obey(self, command: dict[str, Any]) -> None:
        """Do what a command says; by hand, nothing."""

    def connect(self) -> None:
        """Let a connection stand."""
        self.connection += 1
        self.heard_at = self.clock.elapsed()
        self.queue.append((self.clock.now(), Opened(self.connection)))

    def lose(self, reason: str = "the connection broke") -> None:
        """Let the connection break."""
        self.queue.append((self.clock.now(), Closed(self.connection, reason)))

    def give(self, *messages: dict[str, Any] | bytes) -> None:
        """Let messages come, now."""
        for message in messages:
            frame = message if isinstance(message, bytes) else as_frame(message)
            self.heard_at = self.clock.elapsed()
            self.queue.append((self.clock.now(), frame))

    def last(self, cmd: str) -> dict[str, Any]:
        """Return the last command of a kind."""
        return [one for one in self.commands if one["cmd"] == cmd][-1]


@attrs.define(eq=False)
class Joined:
    """A subscription of the model."""

    sid: int
    channel: str
    tickers: list[str]
    seq: int = 0


class VenueFrames(HandFrames):
    """A venue that answers; trouble is chosen per message by whoever holds it.

    ``fate`` is asked for every numbered message: "tell", "lose", "repeat" or "hold" (told with
    `release`, too late). ``own_clock`` is the time by which it says when it sent something.
    """

    def __init__(self, clock: WaitingClock, tickers: list[str]) -> None:
        super().__init__(clock)
        self.own_clock = clock
        self.truth: dict[str, dict[tuple[str, int], int]] = {name: {} for name in tickers}
        self.joined: dict[int, Joined] = {}
        self.sids = 0
        self.fates: deque[str] = deque()
        self.held: list[tuple[int, bytes]] = []
        self.trades = 0

    def connect(self) -> None:
        super().connect()
        self.joined, self.sids = {}, 0

    def lose(self, reason: str = "the connection broke") -> None:
        super().lose(reason)
        self.joined = {}
        self.connect()

    def change(self, ticker: str, side: str, cents: int, size: int) -> None:
        """Set the size, in hundredths, of a level in YES cents; side is "yes" or "no"."""
        before = self.truth[ticker].get((side, cents), 0)
        self.truth[ticker][side, cents] = size
        if not size:
            del self.truth[ticker][side, cents]
        if size == before:
            return
        body = {
            "market_ticker": ticker,
            "price_dollars": _cents(cents),
            "delta_fp": _hundredths(size - before),
            "side": side,
            "ts_ms": self.own_clock.now_ms(),
        }
        self._tell_all("orderbook_delta", "orderbook_delta", ticker, body)

    def trade(self, ticker: str, cents: int, size: int) -> None:
        """Let a trade happen."""
        self.trades += 1
        body = {
            "market_ticker": ticker,
            "yes_price_dollars": _cents(cents),
            "count_fp": _hundredths(size),
            "taker_outcome_side": "yes",
            "is_block_trade": False,
            "ts_ms": self.own_clock.now_ms(),
        }
        self._tell_all("trade", "trade", ticker, body)

    def fence(self) -> None:
        """Send something on every numbered channel that surely arrives."""
        self.fates.clear()
        for one in self.joined.values():
            if one.channel in SEQUENCED:
                one.seq += 1
                self.give({"type": "ok", "id": 0, "sid": one.sid, "seq": one.seq, "msg": {}})

    def overflow(self) -> None:
        """End every channel with an error."""
        for sid in list(self.joined):
            del self.joined[sid]
            self.give({"type": "error", "sid": sid, "msg": {"code": 25, "msg": "overflow"}})

    def release(self) -> None:
        """Tell what was held, much too late."""
        for connection, frame in self.held:
            if connection == self.connection:
                self.give(frame)
        self.held.clear()

    def levels(self, ticker: str) -> tuple[dict[int, int], dict[int, int]]:
        """Return bids and asks in millionths, as the core has them."""
        sides: dict[str, dict[int, int]] = {"yes": {}, "no": {}}
        for (side, cents), size in self.truth[ticker].items():
            sides[side][cents * 10_000] = size * 10_000
        return sides["yes"], sides["no"]

    def obey(self, command: dict[str, Any]) -> None:
        number, params = command["id"], command.get("params", {})
        match command["cmd"]:
            case "subscribe":
                for channel in params["channels"]:
                    self._join(number, channel, list(params.get("market_tickers", ())))
            case "unsubscribe":
                for sid in params["sids"]:
                    gone = self.joined.pop(sid, None)
                    if gone is None:
                        self._error(number, 7)
                    else:
                        gone.seq += 1
                        ack = {"type": "unsubscribed", "id": number, "sid": sid, "seq": gone.seq}
                        self.give(ack)
            case "update_subscription":
                self._update(number, params)
            case "list_subscriptions":
                known = [{"channel": one.channel, "sid": sid} for sid, one in self.joined.items()]
                self.give({"type": "ok", "id": number, "msg": known})
            case _:
                self._error(number, 5)

    def _join(self, number: int, channel: str, tickers: list[str]) -> None:
        assert tickers or channel not in ("orderbook_delta", "trade"), "all markets of the venue"
        self.sids += 1
        one = self.joined[self.sids] = Joined(self.sids, channel, tickers)
        said = {"channel": channel, "sid": one.sid}
        self.give({"type": "subscribed", "id": number, "msg": said})
        if channel == "orderbook_delta":
            self._snapshots(one, tickers)

    def _update(self, number: int, params: dict[str, Any]) -> None:
        one = self.joined.get(params["sids"][0])
        if one is None:
            self._error(number, 7)
            return
        tickers = params["market_tickers"]
        if params["action"] == "get_snapshot":
            self._snapshots(one, tickers)
            return
        new = [name for name in tickers if name not in one.tickers]
        if params["action"] == "add_markets":
            one.tickers.extend(new)
        else:
            one.tickers = [name for name in one.tickers if name not in tickers]
        self._numbered(one, "ok", {"market_tickers": one.tickers}, number)
        if params["action"] == "add_markets" and one.channel == "orderbook_delta":
            self._snapshots(one, new)

    def _snapshots(self, one: Joined, tickers: list[str]) -> None:
        for name in tickers:
            bids, asks = self.levels(name)
            body: dict[str, Any] = {"market_ticker": name}
            for key, levels in (("yes_dollars_fp", bids), ("no_dollars_fp", asks)):
                if levels:
                    body[key] = [
                        [_cents(at // 10_000), _hundredths(size // 10_000)]
                        for at, size in levels.items()
                    ]
            self._numbered(one, "orderbook_snapshot", body)

    def _tell_all(self, channel: str, kind: str, ticker: str, body: dict[str, Any]) -> None:
        for one in self.joined.values():
            if one.channel == channel and ticker in one.tickers:
                self._numbered(one, kind, body)

    def _numbered(
        self, one: Joined, kind: str, body: dict[str, Any], number: int | None = None
    ) -> None:
        one.seq += 1
        message = {"type": kind, "sid": one.sid, "seq": one.seq, "msg": body}
        message |= {"sending_ts_ms": self.own_clock.now_ms()}
        frame = as_frame(message if number is None else message | {"id": number})
        fate = self.fates.popleft() if self.fates else "tell"
        if fate == "hold":
            self.held.append((self.connection, frame))
        if fate in ("tell", "repeat"):
            self.give(frame)
        if fate == "repeat":
            self.give(frame)

    def _error(self, number: int, code: int) -> None:
        self.give({"type": "error", "id": number, "msg": {"code": code, "msg": "an error"}})


def _cents(cents: int) -> str:
    return f"{cents / 100:.4f}"


def _hundredths(size: int) -> str:
    return f"{size / 100:.2f}"
