"""A stream under test with everything it needs: a clock, frames, a sink and a silent REST."""

from __future__ import annotations

import json
from typing import Any

import httpx

from market_bot.adapters.kalshi.clock_guard import ClockGuard
from market_bot.adapters.kalshi.parse_markets import Listing, parse_market
from market_bot.adapters.kalshi.private_stream import PrivateInbox
from market_bot.adapters.kalshi.stream import KalshiStream, StreamPace
from market_bot.adapters.kalshi.stream_statuses import StreamStatuses
from market_bot.core.domain.numbers import SECOND
from tests.fakes.fact_sink import FactSink
from tests.fakes.kalshi_client import WaitingClock, a_client
from tests.fakes.kalshi_frames import HandFrames
from tests.fakes.kalshi_records import a_market, as_json


def listing(ticker: str, **changed: Any) -> Listing:
    """Return a market as a list tells it."""
    found = parse_market(as_json({"market": a_market(ticker, **changed)}))
    assert isinstance(found, Listing)
    return found


class Lists(httpx.BaseTransport):
    """Answers questions about markets and the exchange; ``markets`` may be changed."""

    def __init__(self, tickers: list[str]) -> None:
        self.markets = {name: a_market(name) for name in tickers}
        self.asked: list[str] = []
        self.down = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/trade-api/v2")
        self.asked.append(path)
        if self.down:
            return httpx.Response(502, content=b"<html></html>")
        if path == "/exchange/status":
            return httpx.Response(200, json={"exchange_active": True, "trading_active": True})
        names = request.url.params.get("tickers", "").split(",")
        found = [self.markets[name] for name in names if name in self.markets]
        body = {"markets": found if path == "/markets" else [], "cursor": ""}
        return httpx.Response(200, content=json.dumps(body).encode())


class Streaming:
    """A stream, and what it told."""

    def __init__(
        self,
        clock: WaitingClock,
        frames: HandFrames,
        tickers: list[str],
        *,
        pace: StreamPace | None = None,
        inbox: PrivateInbox | None = None,
    ) -> None:
        self.clock = clock
        self.frames = frames
        self.lists = Lists(tickers)
        self.sink = FactSink()
        self.guard = ClockGuard()
        self.statuses = StreamStatuses(a_client(clock, backend=self.lists), clock)
        self.stream = KalshiStream(self.statuses, frames, clock, self.guard, pace=pace, inbox=inbox)

    def watch(self, *tickers: str) -> None:
        """Watch markets as a look has just found them."""
        self.stream.renew([listing(name) for name in tickers], self.clock.now())

    def now(self) -> list[tuple[object, ...]]:
        """Drain, and return the new facts without their receive times."""
        before = len(self.sink.facts)
        self.stream.drain(self.sink, self.clock.now())
        return [(fact[0], *fact[2:]) for fact in self.sink.facts[before:]]

    def after(self, seconds: float = 1) -> list[tuple[object, ...]]:
        """Let time pass, drain and return the new facts."""
        self.clock.pass_by(int(seconds * SECOND))
        return self.now()

    def settle(self, rounds: int = 4) -> list[tuple[object, ...]]:
        """Drain until questions and answers have gone back and forth."""
        return [fact for _ in range(rounds) for fact in self.now()]
