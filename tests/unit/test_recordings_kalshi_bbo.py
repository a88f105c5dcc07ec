"""Recorded best bids and asks become books of one level per side."""

import gzip
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from market_bot.adapters.kalshi.bbo_csv import (
    QUOTES_HEADER,
    TOUCH_HEADER,
    capabilities,
    import_bbo,
)
from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import ONE_CONTRACT, parse_time, price, size
from market_bot.core.ports.market_data import Capability
from market_bot.core.ports.recordings import RecordingError
from tests.fakes.fact_sink import FactSink

DAY = "2025-12-09T07:04:02.893378"
AT = parse_time(DAY + "Z")
WEATHER = "KXHIGHNY-25DEC10-B46.5"
SEATTLE = "KXSB-26-SEA"


def write(path: Path, header: str, *rows: str) -> Path:
    """Write a small file."""
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def quote_row(rest: str, ticker: str = WEATHER, at: str = DAY) -> str:
    """Return a row of whole cents."""
    return f"{at},{ticker},{rest}"


def touch_row(rest: str, at: str = DAY) -> str:
    """Return a row of dollars and sizes."""
    return f"{at},{SEATTLE},{rest},67,32,0.01"


def test_quotes_have_a_token_size(tmp_path: Path) -> None:
    """Whole cents become one level per side of one contract; times are UTC unless told."""
    path = write(tmp_path / "w.csv", QUOTES_HEADER, quote_row("2,38,98,62"))
    sink = FactSink()
    import_bbo([path], sink)

    assert frozenset({Capability.QUOTES}) == capabilities([path])
    assert [
        (AT, WEATHER, {price("0.02"): ONE_CONTRACT}, {price("0.62"): ONE_CONTRACT}, None)
    ] == sink.of("book")


def test_recorder_zone_shifts_times(tmp_path: Path) -> None:
    """The recorder's clock had a zone the file does not tell; the caller can."""
    path = write(tmp_path / "w.csv", QUOTES_HEADER, quote_row("2,38,98,62"))
    sink = FactSink()
    import_bbo([path], sink, zone=timezone(timedelta(hours=-8)))

    assert AT + 8 * 3_600_000_000 == sink.of("book")[0][0]


def test_a_zone_in_the_file_wins(tmp_path: Path) -> None:
    """A time that carries its zone is not shifted."""
    path = write(tmp_path / "w.csv", QUOTES_HEADER, quote_row("2,38,98,62", at=DAY + "Z"))
    sink = FactSink()
    import_bbo([path], sink, zone=timezone(timedelta(hours=-8)))

    assert AT == sink.of("book")[0][0]


@pytest.mark.parametrize(
    ("cents", "bids", "asks"),
    [
        ("0,99,100,1", {}, {price("0.01"): ONE_CONTRACT}),
        ("99,0,1,100", {price("0.99"): ONE_CONTRACT}, {}),
        ("0,0,100,100", {}, {}),
    ],
)
def test_sentinels_are_nobody(
    tmp_path: Path, cents: str, bids: dict[int, int], asks: dict[int, int]
) -> None:
    """A bid of 0 or an ask of 100 cents says that nobody is there."""
    sink = FactSink()
    import_bbo([write(tmp_path / "w.csv", QUOTES_HEADER, quote_row(cents))], sink)

    assert [(bids, asks)] == [fact[2:4] for fact in sink.of("book")]


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("2,38,98,61", "inconsistent_quote"),
        ("2,38,97,62", "inconsistent_quote"),
        ("40,60,60,40", "crossed"),
        ("41,60,59,40", "crossed"),
        ("2,38,98", "malformed_row"),
        ("2.0,38,98,62", "malformed_row"),
        ("2,-38,98,62", "malformed_row"),
        ("2,101,98,-1", "malformed_row"),
        ("2,,98,62", "malformed_row"),
    ],
)
def test_bad_quotes_are_counted(tmp_path: Path, rest: str, reason: str) -> None:
    """Nothing is repaired: a row that contradicts itself is left out and counted."""
    path = write(tmp_path / "w.csv", QUOTES_HEADER, quote_row(rest), quote_row("2,38,98,62"))
    report = import_bbo([path], FactSink())

    assert {reason: 1} == report.dropped


def test_bad_time_is_counted(tmp_path: Path) -> None:
    """A row without a readable time cannot be placed."""
    path = write(tmp_path / "w.csv", QUOTES_HEADER, quote_row("2,38,98,62", at="yesterday"))

    assert {"malformed_row": 1} == import_bbo([path], FactSink()).dropped


def test_touch_is_exact(tmp_path: Path) -> None:
    """Decimal texts become exact integers without passing through a float."""
    row = touch_row("0.67,3597804.0,0.6800001e0,0.000001")
    exact = touch_row("0.67,3597804.1,0.680001,0.000001")
    path = write(tmp_path / "t.csv", TOUCH_HEADER, row, exact)
    sink = FactSink()
    report = import_bbo([path], sink)

    assert frozenset({Capability.TOP_OF_BOOK}) == capabilities([path])
    assert {"malformed_row": 1} == report.dropped
    assert [({price("0.67"): size("3597804.1")}, {price("0.680001"): size("0.000001")})] == [
        fact[2:4] for fact in sink.of("book")
    ]


@pytest.mark.parametrize("rest", [",,,", "0.0,0.0,1.0,0.0", "0.5,0.0,,", "1.0,5,0.0,5"])
def test_empty_touch_is_an_empty_book(tmp_path: Path, rest: str) -> None:
    """Empty fields, sentinel prices and sizes of zero say that nobody is there."""
    sink = FactSink()
    import_bbo([write(tmp_path / "t.csv", TOUCH_HEADER, touch_row(rest))], sink)

    assert [({}, {})] == [fact[2:4] for fact in sink.of("book")]


@pytest.mark.parametrize("rest", ["0.5,,,", ",5,,", "0.5,-5,,", "1.5,5,,", "half,5,,"])
def test_half_a_level_is_malformed(tmp_path: Path, rest: str) -> None:
    """A price without a size is not a level of unknown size."""
    report = import_bbo([write(tmp_path / "t.csv", TOUCH_HEADER, touch_row(rest))], FactSink())

    assert {"malformed_row": 1} == report.dropped


def test_conflict_markers_join_two_recordings(tmp_path: Path) -> None:
    """Both halves of a bad merge are kept in the order of time; the markers are counted."""
    later = "2025-12-09T09:00:00"
    path = write(
        tmp_path / "t.csv",
        TOUCH_HEADER,
        "<<<<<<< Updated upstream",
        touch_row("0.60,1,0.61,1"),
        touch_row("0.63,1,0.64,1", at=later),
        "=======",
        touch_row("0.61,1,0.62,1", at="2025-12-09T08:00:00"),
        ">>>>>>> Stashed changes",
    )
    sink = FactSink()
    report = import_bbo([path], sink)

    assert {"conflict_marker": 3} == report.dropped
    assert {"time_stepped_back": 1} == report.mended
    assert [price("0.60"), price("0.61"), price("0.63")] == [
        next(iter(fact[2]))  # type: ignore[call-overload] # facts are loosely typed
        for fact in sink.of("book")
    ]
    assert parse_time(later + "Z") == report.last


def test_files_are_sorted_together(tmp_path: Path) -> None:
    """Ladders of neighbouring days overlap; their rows interleave."""
    second = write(
        tmp_path / "a.csv", QUOTES_HEADER, quote_row("1,1,99,99", at="2025-12-10T08:00:00")
    )
    first = write(
        tmp_path / "b.csv",
        QUOTES_HEADER,
        quote_row("2,2,98,98", "KXHIGHNY-25DEC11-T40", "2025-12-10T07:00:00"),
        quote_row("3,3,97,97", "KXHIGHNY-25DEC11-T40", "2025-12-10T09:00:00"),
    )
    sink = FactSink()
    report = import_bbo([second, first], sink)

    assert [2, 1, 3] == [next(iter(fact[2])) // 10_000 for fact in sink.of("book")]  # type: ignore[call-overload] # facts are loosely typed
    assert 2 == report.markets


def test_ticker_tells_event_and_family(tmp_path: Path) -> None:
    """KXHIGHNY-25DEC10-B46.5 is one bracket of one day of one series; contracts are whole."""
    sink = FactSink()
    import_bbo([write(tmp_path / "w.csv", QUOTES_HEADER, quote_row("2,38,98,62"))], sink)
    market = sink.markets[WEATHER]

    assert ("KXHIGHNY-25DEC10", "KXHIGHNY") == (market.event, market.family)
    assert ONE_CONTRACT == market.size_step


def test_outcome_comes_after_the_last_row_of_the_event(tmp_path: Path) -> None:
    """A bracket that went quiet early must not tell its result while others still trade."""
    other = "KXHIGHNY-25DEC10-T40"
    path = write(
        tmp_path / "w.csv",
        QUOTES_HEADER,
        quote_row("2,38,98,62"),
        quote_row("2,38,98,62", other, "2025-12-09T09:00:00"),
        quote_row("2,38,98,62", "KXHIGHNY-25DEC11-T40", "2025-12-09T10:00:00"),
    )
    results = tmp_path / "r.csv"
    results.write_text(f"ticker,result\n{WEATHER},no\n{other},yes\n")
    sink = FactSink()
    import_bbo([path], sink, outcomes=[results])
    end = parse_time("2025-12-09T09:00:00Z")

    assert [(end, WEATHER, 0), (end, other, price(1))] == sink.of("resolution")


def test_metadata_closes_the_market(tmp_path: Path) -> None:
    """A known close time becomes a status at that time."""
    path = write(tmp_path / "w.csv", QUOTES_HEADER, quote_row("2,38,98,62"))
    table = tmp_path / "m.csv"
    table.write_text(f"ticker,result,close_time\n{WEATHER},,2025-12-10T05:00:00Z\n")
    sink = FactSink()
    import_bbo([path], sink, metadata=[table])

    assert [(parse_time("2025-12-10T05:00:00Z"), WEATHER, MarketStatus.CLOSED)] == sink.of("status")


def test_other_columns_are_refused(tmp_path: Path) -> None:
    """A header of neither flavour names file, line and what is expected."""
    path = write(tmp_path / "x.csv", "time,price", "1,2")

    with pytest.raises(RecordingError, match=r"x\.csv:1: expected the header timestamp,"):
        import_bbo([path], FactSink())


def test_flavours_are_not_mixed(tmp_path: Path) -> None:
    """One tape has one set of claims; quotes must not pass as a top of book."""
    quotes = write(tmp_path / "w.csv", QUOTES_HEADER)
    touch = write(tmp_path / "t.csv", TOUCH_HEADER)

    with pytest.raises(RecordingError, match=r"t\.csv:1: other columns"):
        import_bbo([quotes, touch], FactSink())


def test_truncated_gzip_keeps_what_was_read(tmp_path: Path) -> None:
    """The rows before the cut are imported and the error carries the report."""
    rows = [
        quote_row(
            f"{n % 40},{n % 37},{100 - n % 40},{100 - n % 37}", at=f"2025-12-09T07:00:00.{n:06}"
        )
        for n in range(20_000)
    ]
    path = tmp_path / "w.csv.gz"
    path.write_bytes(gzip.compress("\n".join([QUOTES_HEADER, *rows]).encode())[:-20_000])
    sink = FactSink()

    with pytest.raises(RecordingError, match="cut off") as caught:
        import_bbo([path], sink)

    assert caught.value.report is not None
    assert caught.value.report.records == len(sink.facts) > 100
