"""Polymarket's catalogue: parsed beside bare decoding, and walked to its end over a socket.

The venue is a process of its own that serves pages made before.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from heapq import nlargest
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec

from benchmarks.measure import Side, interleave
from benchmarks.rows import AtMost, Row
from benchmarks.setting import REFERENCE_VARIABLE, Benchmark, Setting
from market_bot.adapters.polymarket.budgets import Budget, Rate
from market_bot.adapters.polymarket.discovery import Discovered, Scope, discover
from market_bot.adapters.polymarket.gamma import Page, events_page, markets_page
from market_bot.adapters.polymarket.rest import Endpoints, PolymarketRest
from market_bot.adapters.polymarket.transport import HttpTransport
from market_bot.adapters.system.clock import SystemClock
from market_bot.core.domain.gates import unsuitable
from market_bot.core.domain.market import Market
from market_bot.core.domain.numbers import Duration, Micros, money, parse_time
from market_bot.core.domain.settings import Filters

_SCAN_GOAL: Final = AtMost(2.0)
_FLAT: Final = AtMost(1.2)
_PAGE: Final = 100
_PER_EVENT: Final = 5
_BEST: Final = 50
_NOW: Final = parse_time("2026-10-20T12:00:00Z")
_PLENTY: Final = dict.fromkeys(Budget, Rate(1_000_000, 1_000_000))
_RECORDED: Final = "data/metadata-pages"
_NAMES: Final = ("gamma_markets_600_2026-02.json.gz", "gamma_markets_100_open_2026-02-13.json.gz")


def measure(setting: Setting) -> Iterator[Row]:
    """Yield rows for recorded pages, for many markets, and for whole walks of two sizes."""
    yield _recorded(setting)
    many = setting.pick(10_000, 10_000, 200)
    few = max(_PER_EVENT, many // 10)
    yield _row(setting, f"{many:,} markets in pages of events", _pages(many), events_page, many)
    with (
        _serving(setting.folder, few, "few") as small,
        _serving(setting.folder, many, "many") as big,
    ):
        yield from _walks(setting, {few: small, many: big})


def _recorded(setting: Setting) -> Row:
    what = "recorded pages of markets"
    if setting.reference is None:
        return Row(measures=what, skipped=f"{REFERENCE_VARIABLE} is not set")
    records: list[msgspec.Raw] = []
    for name in _NAMES:
        body = gzip.decompress((setting.reference / _RECORDED / name).read_bytes())
        records += msgspec.json.decode(body, type=list[msgspec.Raw])
    pages = [
        msgspec.json.encode({"markets": records[start : start + _PAGE]})
        for start in range(0, len(records), _PAGE)
    ]
    return _row(setting, what, pages, markets_page, len(records))


def _row(
    setting: Setting,
    what: str,
    pages: list[bytes],
    parse: Callable[[bytes, Micros], Page],
    count: int,
) -> Row:
    sides: dict[str, Side] = {
        "scan": lambda: _scan(pages, parse),
        "msgspec decode": lambda: [msgspec.json.decode(page) for page in pages],
    }
    return interleave(setting, sides).row(
        f"{what} -> typed, filtered, ranked, the best {_BEST}",
        "scan",
        "msgspec decode",
        units=count,
        unit="markets",
        goal=_SCAN_GOAL,
        note="the peer decodes the same pages into dictionaries and drops them",
    )


def _scan(pages: list[bytes], parse: Callable[[bytes, Micros], Page]) -> list[Market]:
    filters = Filters(min_volume_24h=money("100"))
    fit = (
        one.market
        for page in pages
        for one in parse(page, _NOW).listings
        if next(unsuitable(filters, one.market), None) is None
    )
    return nlargest(_BEST, fit, key=lambda market: market.volume_24h or 0)


def _walks(setting: Setting, venues: Mapping[int, str]) -> Iterator[Row]:
    few, many = venues
    seconds: dict[int, list[float]] = {few: [], many: []}
    for _ in range(setting.rounds):
        for count, url in venues.items():
            began = time.perf_counter()
            _walk(url, count)
            seconds[count].append((time.perf_counter() - began) / count)
    yield Row(
        measures=f"the whole catalogue of {many:,} markets, over a socket",
        ours=median(seconds[many]) * many * 1000,
        peer_name=f"{few:,} markets",
        peer=median(seconds[few]) * few * 1000,
        unit="ms",
        ratio=median(seconds[many]) / median(seconds[few]),
        goal=_FLAT,
        note=f"ratio: time per market; {_PER_EVENT} markets an event, {_PAGE} events a page",
    )
    bytes_each = {count: _memory(url, count) / count for count, url in venues.items()}
    yield Row(
        measures=f"memory at the peak of a walk through {many:,} markets",
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
        _walk(url, count)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _walk(url: str, count: int) -> Discovered:
    clock = SystemClock()
    at = Endpoints(gamma=url, clob=url, data=url, site=url)
    rest = PolymarketRest(HttpTransport(clock), clock, _never_wait, endpoints=at, rates=_PLENTY)
    try:
        found = discover(rest, Scope(), _NOW)
    finally:
        rest.close()
    assert found.whole, found.odd
    assert len(found.listings) == count, (len(found.listings), found.refused)
    return found


def _never_wait(duration: Duration) -> None:
    msg = f"nothing is waited for here, least of all {duration} µs"
    raise AssertionError(msg)


def _pages(count: int) -> list[bytes]:
    events = [_event(number) for number in range(count // _PER_EVENT)]
    starts = range(0, len(events), _PAGE)
    return [
        msgspec.json.encode(
            {
                "events": events[start : start + _PAGE],
                **({"next_cursor": f"c{at + 1}"} if at + 1 < len(starts) else {}),
            }
        )
        for at, start in enumerate(starts)
    ]


def _event(number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "slug": f"highest-temperature-{number}",
        "title": "Highest temperature in the city on December 1?",
        "description": "This event will resolve by the source named below. " * 6,
        "endDate": "2026-12-01T12:00:00Z",
        "startDate": "2026-11-28T12:00:00Z",
        "active": True,
        "closed": False,
        "negRisk": False,
        "enableNegRisk": False,
        "negRiskAugmented": False,
        "series": [{"slug": "daily-temperature"}],
        "tags": [{"slug": "weather", "label": "Weather"}],
        "markets": [_market(number * _PER_EVENT + place) for place in range(_PER_EVENT)],
    }


def _market(number: int) -> dict[str, Any]:
    """Return a market as the venue tells it, a little different from all others."""
    yes, no = (str((7 << 250) + (5 << 100) + 2 * number + side) for side in (0, 1))
    bid = (5 + number * 7 % 90) / 100
    return {
        "id": str(500_000 + number),
        "question": f"Will the highest temperature be {40 + number % 50} degrees?",
        "conditionId": f"0x{number + 1:064x}",
        "slug": f"highest-temperature-{number}",
        "resolutionSource": "https://example.com/weather",
        "endDate": "2026-12-01T12:00:00Z",
        "startDate": "2026-11-28T12:00:00.123456Z",
        "acceptingOrdersTimestamp": "2026-11-28T11:59:00Z",
        "image": "https://example.com/pictures/of/the/weather.jpg",
        "icon": "https://example.com/pictures/of/the/weather.jpg",
        "description": "This market resolves to Yes if the temperature is in the range. " * 8,
        "outcomes": '["Yes", "No"]',
        "outcomePrices": f'["{bid}", "{1 - bid:.2f}"]',
        "clobTokenIds": f'["{yes}", "{no}"]',
        "liquidity": f"{number * 13 % 9000}.5",
        "liquidityNum": number * 13 % 9000 + 0.5,
        "volume": f"{number * 37 % 100_000}.54321",
        "volumeNum": number * 37 % 100_000 + 0.54321,
        "volume24hr": number * 31 % 9000 + 0.125,
        "volume1wk": number * 31 % 9000 + 0.125,
        "volume1mo": number * 31 % 9000 + 0.125,
        "active": True,
        "closed": False,
        "archived": False,
        "restricted": True,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "questionID": f"0x{number + 9:064x}",
        "groupItemTitle": f"{40 + number % 50}°",
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "umaResolutionStatuses": "[]",
        "umaBond": "500",
        "umaReward": "5",
        "negRisk": False,
        "negRiskOther": False,
        "bestBid": bid,
        "bestAsk": bid + 0.02,
        "spread": 0.02,
        "lastTradePrice": bid,
        "rewardsMinSize": 50,
        "rewardsMaxSpread": 5.5,
        "feesEnabled": True,
        "feeType": "weather_fees",
        "feeSchedule": {"exponent": 1, "rate": 0.05, "takerOnly": True, "rebateRate": 0.25},
        "updatedAt": f"2026-11-28T15:{number % 60:02}:00.733437Z",
        "version": "v1",
    }


class _serving:  # noqa: N801 - used like a function
    """A process that serves the pages of a venue; gives its address."""

    def __init__(self, folder: Path, count: int, name: str) -> None:
        self._path = folder / f"catalogue-{name}.json"
        self._path.write_bytes(msgspec.json.encode([page.decode() for page in _pages(count)]))

    def __enter__(self) -> str:
        command = [sys.executable, "-c", _SERVER, str(self._path)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        return f"http://127.0.0.1:{self._process.stdout.readline().strip()}"

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


_SERVER: Final = """
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

pages = [page.encode() for page in json.load(open(sys.argv[1]))]

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *_):
        pass

    def do_GET(self):
        asked = parse_qs(urlsplit(self.path).query)
        body = pages[int(asked.get("after_cursor", ["c0"])[0][1:])]
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""

benchmark = Benchmark(
    name="polymarket_scan",
    summary="Polymarket's catalogue: parsed beside bare decoding, and walked to its end",
    measure=measure,
)
