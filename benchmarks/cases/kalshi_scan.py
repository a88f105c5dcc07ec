"""Kalshi's lists of markets: parsed beside bare decoding, and looked through over a socket.

The venue is a process of its own that serves lists made before, page by page.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from heapq import nlargest
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec

from benchmarks.measure import Side, interleave
from benchmarks.rows import AtLeast, AtMost, Row
from benchmarks.setting import REFERENCE_VARIABLE, Benchmark, Setting
from market_bot.adapters.kalshi.budgets import Budgets, RateLimit
from market_bot.adapters.kalshi.discovery import Discovery, Found, Scope
from market_bot.adapters.kalshi.parse_markets import Reason, parse_markets
from market_bot.adapters.kalshi.rest import KalshiRest
from market_bot.adapters.kalshi.transport import Transport
from market_bot.adapters.system.clock import SystemClock
from market_bot.core.domain.gates import unsuitable
from market_bot.core.domain.market import Market
from market_bot.core.domain.numbers import SECOND, Duration, money
from market_bot.core.domain.settings import Filters

_SCAN_GOAL: Final = AtMost(2.0)
_FLAT: Final = AtMost(1.2)
_ALL: Final = AtLeast(1.0)
_PAGE: Final = 1000
_PER_EVENT: Final = 6
_BEST: Final = 50
_PLENTY: Final = RateLimit(1_000_000, 1_000_000)
_OLD: Final = "data/metadata-pages/kalshi_markets_200_2026-02.json.gz"
_NEW: Final = "fixtures/kalshi/recorded-demo-2026-06"


def measure(setting: Setting) -> Iterator[Row]:
    """Yield rows for parsing, for recorded lists, and for whole looks of two sizes."""
    many = setting.pick(10_000, 10_000, 200)
    few = max(1, many // 10)
    pages = _pages(many)
    sides: dict[str, Side] = {
        "scan": lambda: _scan(pages),
        "msgspec decode": lambda: [msgspec.json.decode(page) for page in pages],
    }
    yield interleave(setting, sides).row(
        f"{many:,} markets in lists -> typed, filtered, ranked, the best {_BEST}",
        "scan",
        "msgspec decode",
        units=many,
        unit="markets",
        goal=_SCAN_GOAL,
        note="the peer decodes the same pages into dictionaries and drops them",
    )
    yield _recorded(setting)
    with (
        _serving(setting.folder, few, "few") as small,
        _serving(setting.folder, many, "many") as big,
    ):
        yield from _looks(setting, {few: small, many: big})


def _scan(pages: list[bytes]) -> list[Market]:
    filters = Filters(min_volume_24h=money("100"))
    fit = (
        one.market
        for page in pages
        for one in parse_markets(page).listings
        if next(unsuitable(filters, one.market), None) is None
    )
    return nlargest(_BEST, fit, key=lambda market: market.volume_24h or 0)


def _recorded(setting: Setting) -> Row:
    """Return what share of the markets in recorded lists is read or refused with a reason."""
    measures = "recorded lists of two generations: markets read, or refused for what they are"
    if setting.reference is None:
        return Row(measures=measures, skipped=f"{REFERENCE_VARIABLE} is not set")
    bodies = [gzip.decompress((setting.reference / _OLD).read_bytes())]
    for path in sorted((setting.reference / _NEW).glob("markets__*.json")):
        body = path.read_bytes()
        if ".meta" not in path.name and b'"markets"' in body:
            bodies.append(body)
    there = sum(len(json.loads(body)["markets"]) for body in bodies)
    pages = [parse_markets(body) for body in bodies]
    malformed = sum(one.reason is Reason.MALFORMED for page in pages for one in page.refused)
    read = sum(len(page.listings) + len(page.refused) for page in pages) - malformed
    return Row(
        measures=measures,
        ours=read,
        peer_name="in the lists",
        peer=there,
        unit="markets",
        ratio=read / there,
        goal=_ALL,
    )


def _looks(setting: Setting, venues: Mapping[int, str]) -> Iterator[Row]:
    few, many = venues
    seconds: dict[int, list[float]] = {few: [], many: []}
    for _ in range(setting.rounds):
        for count, url in venues.items():
            began = time.perf_counter()
            _look(url, count)
            seconds[count].append((time.perf_counter() - began) / count)
    yield Row(
        measures=f"a whole look at {many:,} markets, over a socket",
        ours=median(seconds[many]) * many * 1000,
        peer_name=f"{few:,} markets",
        peer=median(seconds[few]) * few * 1000,
        unit="ms",
        ratio=median(seconds[many]) / median(seconds[few]),
        goal=_FLAT,
        note="ratio: time per market; lists, events, series and fees, in some 50 requests",
    )
    bytes_each = {count: _memory(url, count) / count for count, url in venues.items()}
    yield Row(
        measures=f"memory at the peak of a look at {many:,} markets",
        ours=bytes_each[many] * many / 1e6,
        peer_name=f"{few:,} markets",
        peer=bytes_each[few] * few / 1e6,
        unit="MB",
        ratio=bytes_each[many] / bytes_each[few],
        goal=_FLAT,
        note="ratio: bytes per market",
    )


def _memory(url: str, count: int) -> int:
    tracemalloc.start()
    try:
        _look(url, count)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _look(url: str, count: int) -> Found:
    clock = SystemClock()
    rest = KalshiRest(
        Transport(url, clock), clock, _never_wait, budgets=Budgets(clock, reads=_PLENTY)
    )
    try:
        found = Discovery(rest, clock).look(Scope(closes_within=Duration(90 * 86_400 * SECOND)))
    finally:
        rest.close()
    assert found.complete, found.problems
    assert len(found.listings) == count, (len(found.listings), found.problems[:3])
    return found


def _never_wait(duration: Duration) -> None:
    msg = f"nothing is waited for here, least of all {duration} µs"
    raise AssertionError(msg)


def _pages(count: int) -> list[bytes]:
    markets = _markets(count)
    return [
        msgspec.json.encode({"markets": markets[first : first + _PAGE], "cursor": "more"})
        for first in range(0, count, _PAGE)
    ]


def _markets(count: int) -> list[dict[str, Any]]:
    """Return markets as the venue tells them, each a little different."""
    return [_market(number) for number in range(count)]


def _market(number: int) -> dict[str, Any]:
    event = f"KXHIGH-{number // _PER_EVENT:06}"
    bid, strike = 5 + number * 7 % 90, 40 + number % _PER_EVENT * 2
    return {
        "ticker": f"{event}-B{strike}.5",
        "event_ticker": event,
        "market_type": "binary",
        "status": "active",
        "result": "",
        "title": f"Will the highest temperature be {strike} to {strike + 1} degrees?",
        "subtitle": f"{strike} to {strike + 1}",
        "yes_sub_title": f"{strike}° to {strike + 1}°",
        "no_sub_title": f"{strike}° to {strike + 1}°",
        "created_time": "2026-11-28T15:00:00.512345Z",
        "updated_time": f"2026-11-28T15:{number % 60:02}:00.733437Z",
        "open_time": "2026-11-29T15:00:00Z",
        "close_time": "2026-12-02T05:00:00Z",
        "expiration_time": "2026-12-08T15:00:00Z",
        "latest_expiration_time": "2026-12-08T15:00:00Z",
        "expected_expiration_time": "2026-12-02T15:00:00Z",
        "settlement_timer_seconds": 1800,
        "can_close_early": True,
        "early_close_condition": "This market will close early if the event occurs.",
        "expiration_value": "",
        "rules_primary": "If the highest temperature of the day is in the range, it is Yes. " * 3,
        "rules_secondary": "Not all weather data is the same: check the source named. " * 4,
        "strike_type": "between",
        "floor_strike": strike,
        "cap_strike": strike + 1,
        "exchange_index": 0,
        "price_level_structure": "linear_cent",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
        "settlement_bounds_type": "default",
        "notional_value_dollars": "1.0000",
        "yes_bid_dollars": f"0.{bid:02}00",
        "yes_ask_dollars": f"0.{bid + 2:02}00",
        "no_bid_dollars": f"0.{98 - bid:02}00",
        "no_ask_dollars": f"0.{100 - bid:02}00",
        "last_price_dollars": f"0.{bid + 1:02}00",
        "previous_price_dollars": f"0.{bid + 1:02}00",
        "previous_yes_bid_dollars": f"0.{bid:02}00",
        "previous_yes_ask_dollars": f"0.{bid + 2:02}00",
        "yes_bid_size_fp": f"{number % 900 + 1}.50",
        "yes_ask_size_fp": f"{number % 700 + 1}.00",
        "volume_fp": f"{number * 37 % 100_000}.00",
        "volume_24h_fp": f"{number * 31 % 9000}.00",
        "open_interest_fp": f"{number * 13 % 70_000}.70",
    }


def _event(ticker: str) -> dict[str, Any]:
    return {
        "event_ticker": ticker,
        "series_ticker": "KXHIGH",
        "title": "Highest temperature",
        "sub_title": "On Dec 1",
        "mutually_exclusive": True,
        "collateral_return_type": "MECNET",
        "settlement_sources": [],
        "category": "Climate and Weather",
    }


_SERIES: Final = {
    "ticker": "KXHIGH",
    "frequency": "daily",
    "title": "Temperatures",
    "category": "Climate and Weather",
    "fee_type": "quadratic",
    "fee_multiplier": 1,
}


class _serving:  # noqa: N801 - used like a function
    """A process that serves the lists of a venue; gives its address."""

    def __init__(self, folder: Path, count: int, name: str) -> None:
        markets = _markets(count)
        events = {one["event_ticker"]: _event(one["event_ticker"]) for one in markets}
        self._path = folder / f"venue-{name}.json"
        told = {"markets": markets, "events": events, "series": _SERIES}
        self._path.write_bytes(msgspec.json.encode(told))

    def __enter__(self) -> str:
        command = [sys.executable, "-c", _SERVER, str(self._path), str(_PAGE)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        return f"http://127.0.0.1:{self._process.stdout.readline().strip()}/trade-api/v2"

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


_SERVER: Final = """
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

told, size = json.load(open(sys.argv[1])), int(sys.argv[2])
markets = told["markets"]
starts = range(0, len(markets), size)
pages = {
    str(start): json.dumps({
        "markets": markets[start:start + size],
        "cursor": str(start + size) if start + size < len(markets) else "",
    }).encode()
    for start in starts
}

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *_):
        pass

    def do_GET(self):
        where = urlsplit(self.path)
        asked, name = parse_qs(where.query), where.path.removeprefix("/trade-api/v2")
        if name == "/markets":
            body = pages[asked.get("cursor", ["0"])[0]]
        elif name == "/events":
            events = [told["events"][one] for one in asked["tickers"][0].split(",")]
            body = json.dumps({"events": events, "cursor": ""}).encode()
        elif name == "/series/fee_changes":
            body = b'{"series_fee_change_arr":[]}'
        elif name == "/events/fee_changes":
            body = b'{"event_fee_changes":[],"cursor":""}'
        else:
            body = json.dumps({"series": told["series"]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""

benchmark = Benchmark(
    name="kalshi_scan",
    summary="Kalshi's lists of markets: parsed beside bare decoding, and whole looks",
    measure=measure,
)
