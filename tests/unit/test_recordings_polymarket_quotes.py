"""Recorded quotes become books of one level per side, in the order of their times."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from market_bot.adapters.polymarket.quotes_parquet import CAPABILITIES, event_of, import_quotes
from market_bot.core.domain.market import FeeModel
from market_bot.core.domain.numbers import ONE_CONTRACT, price
from market_bot.core.ports.market_data import Capability
from market_bot.core.ports.recordings import ImportReport, RecordingError
from tests.fakes.fact_sink import FactSink

START_S = 1_784_073_620
Row = tuple[int, str | None, str | None, str | None, str | None, int]
Run = Callable[..., tuple[FactSink, ImportReport]]


def quote(
    at: int,
    slug: str | None,
    bid: str | None,
    ask: str | None,
    category: str | None = "sports",
    segment: int = 1,
) -> Row:
    """Return one row."""
    return (START_S + at, slug, category, bid, ask, segment)


def write(path: Path, rows: list[Row], selected: str = "* EXCLUDE (moment)") -> Path:
    """Write rows with doubles and naive times, as the recorder does."""
    with duckdb.connect() as opened:
        opened.execute(
            "CREATE TABLE t (moment BIGINT, slug VARCHAR, category VARCHAR, bid DOUBLE, ask DOUBLE,"
            " segment INTEGER)"
        )
        opened.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", rows)
        query = f"SELECT make_timestamp(moment * 1000000) AS ts, {selected} FROM t"  # noqa: S608 - a test's own columns
        opened.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def write_labels(path: Path, labels: list[tuple[str, int, str]]) -> Path:
    """Write labels."""
    with duckdb.connect() as opened:
        opened.execute("CREATE TABLE t (slug VARCHAR, y INTEGER, source VARCHAR)")
        opened.executemany("INSERT INTO t VALUES (?, ?, ?)", labels)
        opened.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Import rows and labels."""

    def _run(
        rows: list[Row], labels: list[tuple[str, int, str]] | None = None
    ) -> tuple[FactSink, ImportReport]:
        sink = FactSink()
        outcomes = [write_labels(tmp_path / "labels.parquet", labels)] if labels else []
        path = write(tmp_path / "quotes.parquet", rows)
        return sink, import_quotes([path], sink, outcomes=outcomes)

    return _run


def test_claims_quotes_only() -> None:
    """Prices without sizes allow marks, never fills."""
    assert frozenset({Capability.QUOTES}) == CAPABILITIES


def test_rows_are_sorted_by_time(run: Run) -> None:
    """The file is sorted by market; the tape is sorted by time, then by market."""
    sink, report = run(
        [
            quote(0, "a", "0.1", "0.2"),
            quote(120, "a", "0.1", "0.2"),
            quote(60, "b", "0.3", None),
            quote(120, "b", None, None),
        ]
    )

    assert ["a", "b", "a", "b"] == [fact[1] for fact in sink.of("book")]
    assert {} == report.mended
    assert (START_S * 1_000_000, (START_S + 120) * 1_000_000) == (report.first, report.last)


def test_one_token_contract_per_side(run: Run) -> None:
    """Doubles become the nearest millionth; missing sides stay empty."""
    sink, _ = run(
        [quote(0, "a", "0.29", "0.999"), quote(1, "a", None, "0.57"), quote(2, "a", None, None)]
    )

    assert [
        ({290_000: ONE_CONTRACT}, {999_000: ONE_CONTRACT}),
        ({}, {570_000: ONE_CONTRACT}),
        ({}, {}),
    ] == [fact[2:4] for fact in sink.of("book")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (quote(1, "a", "0.6", "0.5"), "crossed"),
        (quote(1, "a", "0.5", "0.5"), "crossed"),
        (quote(1, "a", "1.5", None), "malformed_row"),
        (quote(1, "a", "-0.5", None), "malformed_row"),
        (quote(1, "a", "nan", "0.5"), "malformed_row"),
        (quote(1, "a", "inf", "0.5"), "malformed_row"),
        (quote(1, None, "0.4", "0.5"), "malformed_row"),
    ],
)
def test_bad_rows_are_counted(run: Run, row: Row, reason: str) -> None:
    """Crossed and impossible quotes are left out, not repaired."""
    sink, report = run([quote(0, "a", "0.4", "0.5"), row])

    assert {reason: 1} == report.dropped
    assert 1 == len(sink.of("book"))


@pytest.mark.parametrize(("bid", "ask"), [("0", "1"), (None, "1"), ("0", None)])
def test_sentinels_are_nobody(run: Run, bid: str | None, ask: str | None) -> None:
    """A bid of 0 and an ask of 1 are no quotes."""
    sink, _ = run([quote(0, "a", bid, ask)])

    assert ({}, {}) == sink.of("book")[0][2:4]


def test_only_labels_of_the_venue_count(run: Run) -> None:
    """Labels inferred from convergence are biased and are not believed."""
    sink, report = run(
        [quote(0, "a", "0.1", "0.2"), quote(60, "b", "0.1", "0.2"), quote(90, "a", "0.1", "0.2")],
        [("a", 1, "api"), ("b", 0, "convergence"), ("never-quoted", 0, "api")],
    )

    assert [((START_S + 90) * 1_000_000, "a", price(1))] == sink.of("resolution")
    assert {"label_not_from_api": 1} == report.dropped


def test_market_resolves_after_its_own_last_quote(run: Run) -> None:
    """Not before, and not only at the end of everything."""
    sink, _ = run(
        [quote(0, "a", "0.1", "0.2"), quote(60, "a", "0.1", "0.2"), quote(90, "b", "0.1", "0.2")],
        [("a", 0, "api")],
    )

    assert ["meta", "book", "book", "resolution", "meta", "book"] == [f[0] for f in sink.facts]
    assert [((START_S + 60) * 1_000_000, "a", 0)] == sink.of("resolution")


def test_contradicting_labels_are_dropped(run: Run) -> None:
    """A market that both did and did not happen has no outcome."""
    sink, report = run([quote(0, "a", "0.1", "0.2")], [("a", 0, "api"), ("a", 1, "api")])

    assert [] == sink.of("resolution")
    assert 2 == report.dropped["contradicting_label"]


def test_new_segment_is_a_gap_of_all_markets(run: Run) -> None:
    """Where the recorder was away nothing is known of any market."""
    sink, report = run([quote(0, "a", "0.1", "0.2"), quote(9, "a", "0.1", "0.2", segment=2)])

    assert ["meta", "book", "gap", "book"] == [fact[0] for fact in sink.facts]
    assert "" == sink.of("gap")[0][1]
    assert 1 == report.gaps


def test_segment_column_may_be_absent(tmp_path: Path) -> None:
    """Older files have no segments."""
    path = write(tmp_path / "q.parquet", [quote(0, "a", "0.1", "0.2")], "slug, category, bid, ask")

    assert 2 == import_quotes([path], FactSink()).records


@pytest.mark.parametrize(
    ("category", "rate"),
    [("sports", 50_000), ("geopolitics", 0), ("crypto", 70_000), ("xyz", 70_000), (None, 70_000)],
)
def test_fees_follow_the_category(run: Run, category: str | None, rate: int) -> None:
    """An unknown category is charged the highest rate, never nothing."""
    sink, _ = run([quote(0, "a", "0.1", "0.2", category)])

    assert (FeeModel.POLYMARKET_CURVE, rate) == (
        sink.markets["a"].fees.model,
        sink.markets["a"].fees.taker_rate,
    )
    assert (category or "polymarket") == sink.markets["a"].family


@pytest.mark.parametrize(
    ("slug", "event"),
    [
        ("astatc-fwc-eng-arg-2026-07-15-ga-fwcliomes-gte1", "fwc-eng-arg-2026-07-15"),
        ("tsc-fwc-eng-arg-2026-07-15-tg-2pt5", "fwc-eng-arg-2026-07-15"),
        ("aec-ttelite-kamsmo-karjab-2026-07-15", "ttelite-kamsmo-karjab-2026-07-15"),
        ("cpc-btc-hitprice-high-yr-12-31-2026-150k", "btc-hitprice-high-yr-12-31-2026"),
        ("stsc-hormuz-normal-aug31", "stsc-hormuz-normal-aug31"),
    ],
)
def test_event_is_what_the_slug_says_up_to_its_date(slug: str, event: str) -> None:
    """All bets on one match are one risk, whatever kind of bet they are."""
    assert event == event_of(slug)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    """A Parquet file of another shape is not a recording of quotes."""
    path = write(tmp_path / "q.parquet", [quote(0, "a", "0.1", "0.2")], "slug, bid, ask")

    with pytest.raises(RecordingError, match="column category must be VARCHAR, was absent"):
        import_quotes([path], FactSink())


def test_no_files_are_no_facts() -> None:
    """Nothing to read is nothing to tell."""
    assert 0 == import_quotes([], FactSink()).records
