"""The importers against real recordings, where there are any."""

import gzip
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from market_bot.adapters.kalshi.bbo_csv import import_bbo
from market_bot.adapters.kalshi.ws_log import import_ws_log
from market_bot.adapters.polymarket.five_minute import import_five_minute
from market_bot.adapters.polymarket.quotes_parquet import import_quotes
from market_bot.adapters.polymarket.ticks_parquet import import_ticks
from market_bot.core.domain.book import Side
from market_bot.core.domain.numbers import ONE_DOLLAR, Micros, Price, Size, price
from tests.fakes.fact_sink import FactSink

pytestmark = pytest.mark.reference

GOLD = "data/kalshi-gold15m"


def expected_kinds(path: Path) -> Counter[str]:
    """Count the messages of a log by type, without the importer."""
    kinds: Counter[str] = Counter()
    with gzip.open(path) as lines:
        for line in lines:
            kinds[json.loads(line)["event"]["type"]] += 1
    return kinds


def check_gold(paths: list[Path], table: Path) -> None:
    """Import logs and compare with a plain count: nothing dropped, never crossed or negative."""
    expected = sum((expected_kinds(path) for path in paths), Counter[str]())
    sink = FactSink(keep=False)
    report = import_ws_log(paths, sink, metadata=[table])

    assert ({}, {}, 0, 0) == (report.dropped, report.mended, report.gaps, sink.crossed)
    assert len(paths) == sink.kinds["meta"] == sink.kinds["resolution"] == report.markets
    assert expected == {
        "orderbook_snapshot": sink.kinds["book"],
        "orderbook_delta": sink.kinds["delta"],
        "trade": sink.kinds["trade"],
    }


def test_gold_log(reference: Path) -> None:
    """Every message of two windows becomes a fact; the books stay sound."""
    paths = sorted((reference / GOLD / "events").glob("*/*.gz"))[:2]

    check_gold(paths, reference / GOLD / "MARKETS.csv")


@pytest.mark.soak
def test_all_gold_logs(reference: Path) -> None:
    """Every message of every window becomes a fact; the books stay sound."""
    paths = sorted((reference / GOLD / "events").glob("*/*.gz"))

    check_gold(paths, reference / GOLD / "MARKETS.csv")


def test_super_bowl(reference: Path) -> None:
    """51,104 good rows; three conflict markers; two halves of the same evening interleaved."""
    sink = FactSink()
    paths = sorted((reference / "data/kalshi-superbowl-bbo").glob("*.gz"))
    report = import_bbo(paths, sink)

    assert {"conflict_marker": 3} == report.dropped
    assert {"time_stepped_back": 1} == report.mended
    assert (51_104, 0) == (len(sink.of("book")), sink.crossed)
    assert {"KXSB-26-NE", "KXSB-26-SEA"} == set(sink.markets)


def test_weather(reference: Path) -> None:
    """Every row but one locked quote becomes a book; six brackets a day, one event each day."""
    sink = FactSink()
    paths = sorted((reference / "data/kalshi-weather-bbo").glob("*.gz"))
    report = import_bbo(paths, sink)
    rows = 0
    for path in paths:
        with gzip.open(path) as lines:
            rows += sum(1 for _ in lines) - 1

    assert {"crossed": 1} == report.dropped
    assert rows - 1 == len(sink.of("book"))
    assert 6 * len(paths) == report.markets
    assert {"KXHIGHNY"} == {market.family for market in sink.markets.values()}
    assert len(paths) == len({market.event for market in sink.markets.values()})


class TouchSink(FactSink):
    """Compares the touch after all facts of a moment with the one reported then."""

    def __init__(self, reported: dict[tuple[str, int], set[tuple[int, int]]]) -> None:
        super().__init__(keep=False)
        self._reported = reported
        self.agreed = 0
        self.disagreed = 0

    def delta(
        self,
        market: str,
        side: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        super().delta(market, side, price, size, received, exchange)
        book = self.books[market]
        touch = (book.best_bid or 0, book.best_ask or ONE_DOLLAR)
        if touch in self._reported[market, exchange or 0]:
            self.agreed += 1
        else:
            self.disagreed += 1


def reported_touches(path: Path) -> dict[tuple[str, int], set[tuple[int, int]]]:
    """Return the touches a recording reports, by token and time, without the importer."""
    found: dict[tuple[str, int], set[tuple[int, int]]] = {}
    query = (
        "SELECT asset_id, epoch_us(timestamp), round(best_bid * 1e6)::BIGINT,"
        " round(best_ask * 1e6)::BIGINT FROM read_parquet($path)"
        " WHERE event_type = 'PRICE_CHANGE'"
    )
    with duckdb.connect() as opened:
        for token, moment, bid, ask in opened.execute(query, {"path": str(path)}).fetchall():
            found.setdefault((token, moment), set()).add((bid, ask))
    return found


def test_tickscope(reference: Path) -> None:
    """Six markets; the rebuilt touch is the reported one whenever the book claims to be whole."""
    path = next((reference / "data/polymarket-tickscope").glob("*.parquet"))
    sink = TouchSink(reported_touches(path))
    report = import_ticks([path], sink)

    assert 6 == report.markets
    assert {"mirror_row": 103_136, "exact_duplicate": 93} == report.dropped
    assert (482, 0) == (sink.kinds["trade"], sink.crossed)
    assert 7 == report.gaps
    # Only the removal of a stale level shows, for an instant, a touch nobody reported.
    assert sink.disagreed <= report.mended["stale_level_dropped"]
    assert sink.agreed > 100_000


def test_quotes(reference: Path, tmp_path: Path) -> None:
    """A slice of a day: sorted by time, and outcomes follow prices."""
    folder = reference / "data/polymarket-quotes-labels"
    slice_path = tmp_path / "slice.parquet"
    with duckdb.connect() as opened:
        opened.execute(
            f"COPY (SELECT * FROM '{folder}/quotes/*/*.parquet'"  # noqa: S608 - a test's own paths
            f" WHERE hash(slug) % 20 = 0) TO '{slice_path}' (FORMAT parquet)"
        )
    sink = FactSink()
    report = import_quotes([slice_path], sink, outcomes=[folder / "labels.parquet"])
    last = {fact[1]: fact for fact in sink.of("book")}
    ended = {fact[1]: fact for fact in sink.of("resolution")}
    favourites = [
        market
        for market in ended
        if (bids := last[market][2]) and max(bids) > price("0.8")  # type: ignore[call-overload] # facts are loosely typed
    ]

    assert {"label_not_from_api": 103_708} == report.dropped
    assert report.records == report.markets + len(sink.of("book")) + len(ended)
    assert 0.5 < len(ended) / report.markets < 0.75
    assert all(ended[market][0] >= last[market][0] for market in ended)  # type: ignore[operator] # facts are loosely typed
    assert 0.8 < sum(ended[market][2] == ONE_DOLLAR for market in favourites) / len(favourites)


@pytest.mark.soak
def test_all_quotes(reference: Path) -> None:
    """A whole day keeps its order and loses nothing."""
    folder = reference / "data/polymarket-quotes-labels"
    paths = sorted(folder.glob("quotes/*/*.parquet"))
    sink = FactSink(keep=False)
    report = import_quotes(paths, sink, outcomes=[folder / "labels.parquet"])

    assert {"label_not_from_api": 103_708} == report.dropped
    assert {} == report.mended
    assert (5_339_863, 10_139) == (sink.kinds["book"], report.markets)


def test_five_minute(reference: Path) -> None:
    """The outcome follows from strike and closing price wherever both are known."""
    sink = FactSink()
    paths = sorted((reference / "data/polymarket-btc5m-markets").glob("*.gz"))
    report = import_five_minute(paths, sink)
    prices = {fact[3]: fact[2] for fact in sink.of("reference")}
    payouts = {fact[1]: fact[2] for fact in sink.of("resolution")}
    told = [
        (price(1 if closing >= strike else 0), payouts[market.id])
        for market in sink.markets.values()
        if market.strike and market.close_at in prices
        for closing, strike in [(as_units(prices[market.close_at]), as_units(market.strike))]
    ]
    times = [fact[0] for fact in sink.of("reference")]

    assert ({}, 4) == (report.dropped, report.mended["strike_missing"])
    assert (292, 84_558) == (report.markets, len(times))
    assert len(told) > 250
    assert all(recomputed == paid for recomputed, paid in told)
    assert all(earlier <= later for earlier, later in pairwise(times))  # type: ignore[operator] # facts are loosely typed


def as_units(text: object) -> int:
    """Return a decimal string in units of 1e-18."""
    whole, _, fraction = str(text).partition(".")
    return int(whole + fraction.ljust(18, "0"))
