"""Recorded market-channel rows become one sound book per pair of tokens."""

import builtins
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from market_bot.adapters.polymarket.ticks_parquet import CAPABILITIES, import_ticks
from market_bot.core.domain.book import Side
from market_bot.core.domain.numbers import price, size
from market_bot.core.ports.market_data import Capability
from market_bot.core.ports.recordings import ImportReport, RecordingError
from tests.fakes.fact_sink import FactSink

UP, DOWN = "1001", "2002"
START_MS = 1_780_795_851_472
Row = tuple[int, str, str, str, str, str, str, str]


def change(at: int, token: str, side: str, level: str, held: str, touch: tuple[str, str]) -> Row:
    """Return one row of a change."""
    return (START_MS + at, level, held, *touch, side, "PRICE_CHANGE", token)


def mirrored(at: int, side: str, level: str, held: str, touch: tuple[str, str]) -> list[Row]:
    """Return a change of UP and its mirror on DOWN."""
    bid, ask = touch
    other = "ASK" if side == "BID" else "BID"
    flipped = [str(round(1 - float(text), 6)) for text in (level, ask, bid)]
    return [
        change(at, UP, side, level, held, touch),
        change(at, DOWN, other, flipped[0], held, (flipped[1], flipped[2])),
    ]


def trade(at: int, token: str, side: str, level: str, held: str) -> Row:
    """Return one row of a trade; its touch is a placeholder."""
    return (START_MS + at, level, held, "0", "0", side, "LAST_TRADE", token)


def write(path: Path, rows: list[Row], *, columns: str = "") -> Path:
    """Write rows as the recorder does: doubles and a time with zone."""
    with duckdb.connect() as opened:
        opened.execute(
            "CREATE TABLE t (moment BIGINT, price DOUBLE, size DOUBLE, best_bid DOUBLE,"
            " best_ask DOUBLE, side VARCHAR, event_type VARCHAR, asset_id VARCHAR)"
        )
        if rows:
            opened.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        selected = columns or "to_timestamp(moment / 1000) AS timestamp, * EXCLUDE (moment)"
        opened.execute(f"COPY (SELECT {selected} FROM t) TO '{path}' (FORMAT parquet)")  # noqa: S608 - a test's own path
    return path


TOUCH = ("0.40", "0.60")
OPENING = mirrored(0, "BID", "0.40", "100", TOUCH) + mirrored(1, "ASK", "0.60", "50", TOUCH)
Run = Callable[[list[Row]], tuple[FactSink, ImportReport]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Import rows."""

    def _run(rows: list[Row]) -> tuple[FactSink, ImportReport]:
        sink = FactSink()
        return sink, import_ticks([write(tmp_path / "ticks.parquet", rows)], sink)

    return _run


def test_claims_a_book_stream_and_prints() -> None:
    """The format knows changes and trades."""
    assert frozenset({Capability.L2_STREAM, Capability.PRINTS}) == CAPABILITIES


def test_a_pair_of_tokens_is_one_market(run: Run) -> None:
    """Mirror rows are dropped and counted; the market is the smaller token's YES."""
    sink, report = run(OPENING)

    assert [UP] == list(sink.markets)
    assert {"mirror_row": 2} == report.dropped
    assert ({price("0.4"): size(100)}, {price("0.6"): size(50)}) == sink.snapshot(UP)


def test_a_row_without_its_mirror_is_not_lost(run: Run) -> None:
    """If only the other token's row was recorded, it is turned over and applied."""
    sink, _ = run([*OPENING, change(2, DOWN, "ASK", "0.65", "7", ("0.40", "0.60"))])

    assert price("0.35") in sink.snapshot(UP)[0]


def test_a_token_without_a_pair_stands_alone(run: Run) -> None:
    """Tokens that never mirror each other are separate markets."""
    sink, report = run(
        [
            change(0, UP, "BID", "0.40", "1", ("0.40", "0.60")),
            change(1, DOWN, "BID", "0.20", "2", ("0.20", "0.60")),
        ]
    )

    assert [UP, DOWN] == list(sink.markets)
    assert {} == report.dropped


def test_exact_duplicates_are_dropped(run: Run) -> None:
    """The recorder delivered some rows twice."""
    sink, report = run(
        [*OPENING, *OPENING[2:], trade(3, UP, "BID", "0.6", "1"), trade(3, UP, "BID", "0.6", "1")]
    )

    assert {"mirror_row": 2, "exact_duplicate": 3} == report.dropped
    assert 1 == len(sink.of("trade"))


def test_a_true_return_to_an_old_size_is_no_duplicate(run: Run) -> None:
    """Sizes that go back and forth within a millisecond end at the last one."""
    there = mirrored(2, "BID", "0.40", "5", TOUCH)
    back = mirrored(2, "BID", "0.40", "6", TOUCH)
    sink, report = run([*OPENING, *there, *back, *there])

    assert size(5) == sink.snapshot(UP)[0][price("0.40")]
    assert "exact_duplicate" not in report.dropped


def test_book_is_whole_once_it_shows_the_reported_touch(run: Run) -> None:
    """Without an opening book nothing is claimed until the touch is known on both sides."""
    sink, report = run(
        mirrored(0, "BID", "0.30", "9", TOUCH) + OPENING + mirrored(2, "BID", "0.39", "1", TOUCH)
    )

    assert ["meta", "gap", "book", "delta"] == [fact[0] for fact in sink.facts]
    assert {price("0.30"), price("0.40")} == set(sink.of("book")[0][2])  # type: ignore[call-overload] # facts are loosely typed
    assert 2 == report.mended["held_until_whole"]


def test_stale_levels_better_than_the_touch_go_first(run: Run) -> None:
    """A level whose removal was not recorded is removed before the book could look crossed."""
    after = mirrored(2, "ASK", "0.35", "3", ("0.30", "0.35"))
    sink, report = run(mirrored(-1, "BID", "0.30", "9", TOUCH) + OPENING + after)

    assert [(Side.BID, price("0.40"), 0), (Side.ASK, price("0.35"), size(3))] == [
        fact[2:5] for fact in sink.of("delta")
    ]
    assert {"stale_level_dropped": 1} == {
        key: n for key, n in report.mended.items() if key.startswith("stale")
    }
    assert 0 == sink.crossed


def test_touch_on_an_unknown_level_is_a_gap(run: Run) -> None:
    """When the touch falls back to a level from before the start, the book is not whole."""
    fallen = mirrored(2, "BID", "0.40", "0", ("0.33", "0.60"))
    again = mirrored(3, "BID", "0.34", "8", ("0.34", "0.60"))
    sink, report = run([*OPENING, *fallen, *again])

    assert ["meta", "gap", "book", "gap", "book"] == [fact[0] for fact in sink.facts]
    assert ({price("0.34"): size(8)}, {price("0.6"): size(50)}) == sink.snapshot(UP)
    assert 2 == report.gaps


def test_one_sided_books_agree_with_sentinels(run: Run) -> None:
    """A reported best bid of 0 or ask of 1 says that nobody is there."""
    sink, _ = run(mirrored(0, "BID", "0.40", "100", ("0.40", "1")))

    assert sink.books[UP].whole


def test_trades_turn_into_yes_space(run: Run) -> None:
    """Buying DOWN at q is selling UP at one minus q; trades are not mirrored."""
    sink, _ = run(
        [*OPENING, trade(5, UP, "BID", "0.60", "2.083332"), trade(6, DOWN, "BID", "0.6", "1")]
    )

    assert [
        (UP, Side.BID, price("0.60"), size("2.083332")),
        (UP, Side.ASK, price("0.40"), size(1)),
    ] == [fact[1:5] for fact in sink.of("trade")]


def test_time_steps_back_within_file_order(run: Run) -> None:
    """The file's order stays; receive time is the running maximum, exchange time as recorded."""
    sink, report = run([*OPENING, trade(-2000, UP, "BID", "0.60", "1")])

    assert [((START_MS + 1) * 1000, (START_MS - 2000) * 1000)] == [
        (fact[0], fact[-1]) for fact in sink.of("trade")
    ]
    assert 1 == report.mended["time_stepped_back"]


def test_doubles_become_the_nearest_millionth(run: Run) -> None:
    """0.29 has no exact double; the tape has exactly 0.29."""
    touch = ("0.29", "0.57")
    sink, _ = run(
        mirrored(0, "BID", "0.29", "1598.57", touch) + mirrored(1, "ASK", "0.57", "0.07", touch)
    )

    assert ({290_000: 1_598_570_000}, {570_000: 70_000}) == sink.snapshot(UP)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (change(9, UP, "BID", "1.2", "1", TOUCH), "malformed_row"),
        (change(9, UP, "BID", "0.4", "-1", TOUCH), "malformed_row"),
        (change(9, UP, "BUY", "0.4", "1", TOUCH), "malformed_row"),
        (change(9, "", "BID", "0.4", "1", TOUCH), "malformed_row"),
        ((START_MS, "0.4", "1", "0", "0", "BID", "TICK_SIZE_CHANGE", UP), "other_event"),
    ],
)
def test_unusable_rows_are_counted(run: Run, row: Row, reason: str) -> None:
    """What cannot be used is left out and counted, and nothing else suffers."""
    _, report = run([*OPENING, row])

    assert 1 == report.dropped[reason]
    assert 1 == report.gaps


def test_metadata_names_market_and_outcome(tmp_path: Path) -> None:
    """With Gamma records the market has its own id, and YES is its first outcome."""
    records = tmp_path / "gamma.json"
    records.write_text(
        json.dumps([{"conditionId": "0xabc", "slug": "up", "clobTokenIds": f'["{DOWN}", "{UP}"]'}])
    )
    sink = FactSink()
    path = write(tmp_path / "ticks.parquet", OPENING)
    report = import_ticks([path], sink, metadata=[records])

    assert {"mirror_row": 2} == report.dropped
    assert ({price("0.4"): size(50)}, {price("0.6"): size(100)}) == sink.snapshot("0xabc")


def test_files_follow_their_first_time(tmp_path: Path) -> None:
    """The second file continues the first, in whatever order they are named."""
    first = write(tmp_path / "z.parquet", OPENING)
    second = write(tmp_path / "a.parquet", mirrored(9, "BID", "0.40", "7", TOUCH))
    sink = FactSink()
    told: list[tuple[int, int]] = []
    report = import_ticks([second, first], sink, progress=lambda *now: told.append(now))

    assert size(7) == sink.snapshot(UP)[0][price("0.40")]
    assert "time_stepped_back" not in report.mended
    assert (6, 6) == told[-1]


def test_other_columns_are_refused(tmp_path: Path) -> None:
    """A Parquet file of another shape names the column that is missing."""
    path = write(tmp_path / "x.parquet", OPENING, columns="price, size")

    with pytest.raises(RecordingError, match=r"x\.parquet: column timestamp must be TIMESTAMP"):
        import_ticks([path], FactSink())


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A file that is no Parquet at all is one line for people."""
    path = tmp_path / "x.parquet"
    path.write_text("timestamp,price\n")

    with pytest.raises(RecordingError, match="not a readable Parquet file") as caught:
        import_ticks([path], FactSink())

    assert "\n" not in str(caught.value)


def test_outcomes_are_refused(tmp_path: Path) -> None:
    """An option that would be ignored is refused instead."""
    with pytest.raises(RecordingError, match="take no outcomes"):
        import_ticks([], FactSink(), outcomes=[tmp_path / "x.csv"])


def test_absent_duckdb_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is optional; without it the error names the command."""
    usual = builtins.__import__

    def absent(name: str, *rest: Any, **named: Any) -> Any:
        if name == "duckdb":
            raise ImportError(name)
        return usual(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", absent)

    with pytest.raises(RecordingError, match=r"pip install 'market-bot\[analytics\]'"):
        import_ticks([], FactSink())
