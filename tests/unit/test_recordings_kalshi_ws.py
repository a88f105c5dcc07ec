"""Recorded Kalshi websocket logs become absolute books in YES space, losses told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from market_bot.adapters.kalshi.ws_log import CAPABILITIES, import_ws_log
from market_bot.adapters.kalshi.ws_messages import (
    Delta,
    MessageError,
    Other,
    Snapshot,
    parse_event,
    parse_line,
)
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import FeeModel, MarketStatus
from market_bot.core.domain.numbers import parse_time, price, size
from market_bot.core.ports.market_data import Capability
from market_bot.core.ports.recordings import ImportReport, RecordingError
from tests.fakes.fact_sink import FactSink
from tests.fakes.kalshi_log import GOLD, START_MS, LogBuilder

Run = Callable[[LogBuilder], tuple[FactSink, ImportReport]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Import one log."""

    def _run(log: LogBuilder) -> tuple[FactSink, ImportReport]:
        sink = FactSink()
        return sink, import_ws_log([log.write(tmp_path / "log.ndjson.gz")], sink)

    return _run


def test_claims_a_book_stream_and_prints() -> None:
    """The format knows every change of the book and every trade."""
    assert frozenset({Capability.L2_STREAM, Capability.PRINTS}) == CAPABILITIES


def test_no_bids_become_yes_asks(run: Run) -> None:
    """A bid for NO at q is an ask for YES at one minus q."""
    sink, _ = run(LogBuilder().snapshot([("0.4800", "10.00")], [("0.5100", "2.50")]))

    assert [
        (START_MS * 1000, GOLD, {price("0.48"): size(10)}, {price("0.49"): size("2.5")}, None)
    ] == sink.of("book")


def test_signed_changes_become_absolute_sizes(run: Run) -> None:
    """A delta tells the new size at the price, zero when the level is gone."""
    log = LogBuilder().snapshot([("0.4800", "10.00")], [("0.5100", "2.50")])
    log.delta("yes", "0.4800", "-4.25").delta("no", "0.5100", "-2.50").delta("no", "0.40", "0.01")
    sink, _ = run(log)

    assert [
        (GOLD, Side.BID, price("0.48"), size("5.75")),
        (GOLD, Side.ASK, price("0.49"), size(0)),
        (GOLD, Side.ASK, price("0.60"), size("0.01")),
    ] == [fact[1:5] for fact in sink.of("delta")]


def test_exchange_time_is_ts_ms(run: Run) -> None:
    """The venue's time has milliseconds for deltas and trades, whatever `ts` says."""
    sink, _ = run(LogBuilder().snapshot().delta("yes", "0.10", "1.00").trade("yes", "0.11", "1.00"))

    assert ((START_MS + 1 - 9) * 1000, (START_MS + 2 - 9) * 1000) == (
        sink.of("delta")[0][-1],
        sink.of("trade")[0][-1],
    )


def test_missing_ts_ms_is_no_exchange_time(run: Run) -> None:
    """Missing is not zero: without `ts_ms` the exchange time is unknown."""
    body = {"market_ticker": GOLD, "price_dollars": "0.1", "delta_fp": "1", "side": "yes"}
    sink, _ = run(LogBuilder().snapshot().message("orderbook_delta", body))

    assert sink.of("delta")[0][-1] is None


def test_snapshot_with_both_sides_missing_is_an_empty_book(run: Run) -> None:
    """Keys of empty sides are absent; the book is whole and empty."""
    sink, report = run(LogBuilder().snapshot([("0.48", "1")]).snapshot())

    assert sink.of("book")[1][2:4] == ({}, {})
    assert sink.books[GOLD].whole
    assert report.gaps == 0


def test_snapshot_replaces_the_book(run: Run) -> None:
    """After a second snapshot nothing of the first is left, also for later deltas."""
    log = LogBuilder().snapshot([("0.40", "7"), ("0.41", "8")]).snapshot([("0.42", "1")])
    sink, _ = run(log.delta("yes", "0.42", "2"))

    assert ({price("0.42"): size(3)}, {}) == sink.snapshot(GOLD)


def test_deltas_before_any_snapshot_are_dropped_with_one_gap(run: Run) -> None:
    """What changed before the first snapshot says nothing and is counted."""
    log = LogBuilder().delta("yes", "0.40", "1").delta("yes", "0.40", "1").snapshot([("0.4", "5")])
    sink, report = run(log.delta("yes", "0.40", "1"))

    assert {"delta_without_book": 2} == report.dropped
    assert report.gaps == 1
    assert ({price("0.40"): size(6)}, {}) == sink.snapshot(GOLD)


def test_holes_in_seq_are_no_gaps(run: Run) -> None:
    """Other markets' messages were not kept, so `seq` jumps forward all the time."""
    _, report = run(LogBuilder().snapshot().delta("yes", "0.4", "1", seq=999_999))

    assert (0, {}) == (report.gaps, report.dropped)


def test_seq_going_backwards_is_a_new_connection(run: Run) -> None:
    """After a reconnect the old book is lost until the next snapshot."""
    log = LogBuilder(seq=5000).snapshot([("0.40", "5")])
    log.trade("yes", "0.41", "1", seq=7).delta("yes", "0.40", "1", seq=3)
    sink, report = run(log.snapshot([("0.45", "2")], seq=4))

    assert {"delta_without_book": 1} == report.dropped
    assert report.gaps == 1
    assert ({price("0.45"): size(2)}, {}) == sink.snapshot(GOLD)


def test_a_new_connection_is_noticed_once(run: Run) -> None:
    """After the snapshot of a new connection its trades, numbered anew too, cost nothing."""
    log = LogBuilder(seq=5000).snapshot([("0.40", "5")]).trade("yes", "0.41", "1")
    log.snapshot([("0.45", "2")], seq=1).trade("yes", "0.46", "1", seq=1)
    sink, report = run(log.delta("yes", "0.45", "1", seq=2))

    assert (1, {}) == (report.gaps, report.dropped)
    assert ({price("0.45"): size(3)}, {}) == sink.snapshot(GOLD)


def test_repeated_message_is_taken_once(run: Run) -> None:
    """The same `seq` again is the same message; a signed change must not be applied twice."""
    log = LogBuilder().snapshot(seq=10).delta("yes", "0.4", "1", seq=11)
    sink, report = run(log.delta("yes", "0.4", "1", seq=11))

    assert {"repeated_message": 1} == report.dropped
    assert ({price("0.4"): size(1)}, {}) == sink.snapshot(GOLD)


def test_negative_size_spoils_the_book(run: Run) -> None:
    """More taken than was there means something is missing: gap, then wait for a snapshot."""
    log = LogBuilder().snapshot([("0.40", "5")]).delta("yes", "0.40", "-6")
    _, report = run(log.delta("yes", "0.41", "1"))

    assert {"negative_size": 1, "delta_without_book": 1} == report.dropped
    assert report.gaps == 1


@pytest.mark.parametrize("price_text", ["0.0000", "1.0000", "-0.1", "abc", "NaN"])
def test_bad_price_spoils_the_book(run: Run, price_text: str) -> None:
    """A change that cannot be placed may have been any; the book is not believed any more."""
    _, report = run(LogBuilder().snapshot().delta("yes", price_text, "1"))

    assert {"bad_number": 1} == report.dropped
    assert report.gaps == 1


def test_bad_delta_size_leaves_no_change_behind(run: Run) -> None:
    """A size finer than a millionth is refused, not rounded."""
    _, report = run(LogBuilder().snapshot().delta("yes", "0.4", "0.0000001"))

    assert {"bad_number": 1} == report.dropped


def test_trades_keep_their_taker(run: Run) -> None:
    """A taker of yes lifts asks (BID), a taker of no hits bids (ASK); prices are YES prices."""
    sink, _ = run(LogBuilder().trade("yes", "0.68", "46.02").trade("no", "0.65", "16.03"))

    assert [
        (GOLD, Side.BID, price("0.68"), size("46.02")),
        (GOLD, Side.ASK, price("0.65"), size("16.03")),
    ] == [fact[1:5] for fact in sink.of("trade")]


def test_trade_without_taker_is_counted(run: Run) -> None:
    """Who was the aggressor is never guessed."""
    body = {"market_ticker": GOLD, "yes_price_dollars": "0.5", "count_fp": "1"}
    sink, report = run(LogBuilder().message("trade", body))

    assert {"incomplete_trade": 1} == report.dropped
    assert [] == sink.of("trade")


def test_older_trades_have_only_taker_side(run: Run) -> None:
    """Before `taker_outcome_side` there was `taker_side`."""
    body = {
        "market_ticker": GOLD,
        "yes_price_dollars": "0.5",
        "count_fp": "1",
        "taker_side": "no",
    }
    sink, _ = run(LogBuilder().message("trade", body))

    assert Side.ASK is sink.of("trade")[0][2]


def test_other_messages_are_counted_apart(run: Run) -> None:
    """A ticker update is no error and no fact."""
    log = LogBuilder().message("ticker", {"market_ticker": GOLD}).snapshot()
    _, report = run(log)

    assert {"other_message": 1} == report.dropped


def test_unreadable_line_within_costs_the_books(run: Run) -> None:
    """A lost line may have been a change: the books of that file are not whole any more."""
    log = LogBuilder().snapshot([("0.4", "1")]).raw('{"recv_ms": 1, "event": {').snapshot()
    _, report = run(log)

    assert {"unreadable_line": 1} == report.dropped
    assert report.gaps == 1


def test_known_type_lacking_a_field_is_unreadable(run: Run) -> None:
    """Removed fields are not defaulted."""
    log = LogBuilder().snapshot([("0.4", "1")])
    log.message("orderbook_delta", {"market_ticker": GOLD, "side": "yes"})
    _, report = run(log.delta("yes", "0.4", "1"))

    assert {"unreadable_line": 1, "delta_without_book": 1} == report.dropped


def test_torn_last_line_is_counted_without_a_gap(tmp_path: Path) -> None:
    """A recorder that was killed leaves half a line; nothing came after it."""
    path = tmp_path / "log.ndjson"
    path.write_text(LogBuilder().snapshot().delta("yes", "0.4", "1").text()[:-30])
    report = import_ws_log([path], FactSink())

    assert ({"unreadable_line": 1}, 0) == (report.dropped, report.gaps)


def test_truncated_gzip_keeps_what_was_read(tmp_path: Path) -> None:
    """The part before the cut is imported; the error says where and carries the report."""
    log = LogBuilder().snapshot()
    for number in range(2000):
        log.delta("yes", "0.4", f"{number + 1}.{number % 100:02}")
    path = log.write(tmp_path / "log.ndjson.gz")
    path.write_bytes(path.read_bytes()[:-2000])
    sink = FactSink()

    with pytest.raises(RecordingError, match=r"log\.ndjson\.gz:\d+: .*cut off") as caught:
        import_ws_log([path], sink)

    assert caught.value.report is not None
    assert caught.value.report.records == len(sink.facts) > 1000
    assert "\n" not in str(caught.value)


def test_foreign_file_is_refused_before_anything_is_pushed(tmp_path: Path) -> None:
    """A file of another format names itself, the line and what was expected."""
    good = LogBuilder().snapshot().write(tmp_path / "a.ndjson")
    bad = tmp_path / "b.csv"
    bad.write_text("timestamp,ticker\n1,2\n")
    sink = FactSink()

    with pytest.raises(RecordingError, match=r"b\.csv:1: not a Kalshi websocket log; expected"):
        import_ws_log([good, bad], sink)

    assert [] == sink.facts


@pytest.mark.parametrize("name", ["absent.ndjson", "."])
def test_unopenable_file_is_one_line(tmp_path: Path, name: str) -> None:
    """A missing file or a folder stops the import before anything is pushed."""
    good = LogBuilder().snapshot().write(tmp_path / "a.ndjson")
    sink = FactSink()

    with pytest.raises(RecordingError, match="cannot be read"):
        import_ws_log([good, tmp_path / name], sink)

    assert [] == sink.facts


def test_files_are_merged_by_receive_time(tmp_path: Path) -> None:
    """Overlapping files interleave, whatever order they are named in."""
    late = LogBuilder("KXB-1-X", START_MS + 2).snapshot().delta("yes", "0.1", "1")
    early = (
        LogBuilder("KXA-1-X", START_MS).snapshot().delta("yes", "0.1", "1", recv_ms=START_MS + 9)
    )
    sink = FactSink()
    import_ws_log(
        [late.write(tmp_path / "late.ndjson"), early.write(tmp_path / "early.ndjson")], sink
    )

    assert ["KXA-1-X", "KXB-1-X", "KXB-1-X", "KXA-1-X"] == [
        fact[2] for fact in sink.facts if fact[0] in ("book", "delta")
    ]


def test_book_lives_on_in_the_next_file_of_its_market(tmp_path: Path) -> None:
    """A recording split at midnight continues: `seq` goes on where the first file ended."""
    first = LogBuilder().snapshot([("0.4", "1")]).write(tmp_path / "1.ndjson")
    second = LogBuilder(start_ms=START_MS + 50, seq=2000).delta("yes", "0.4", "1")
    sink = FactSink()
    report = import_ws_log([first, second.write(tmp_path / "2.ndjson")], sink)

    assert (0, {}) == (report.gaps, report.dropped)
    assert ({price("0.4"): size(2)}, {}) == sink.snapshot(GOLD)


def test_next_file_from_another_connection_starts_anew(tmp_path: Path) -> None:
    """If `seq` starts over between files, the book is lost."""
    first = LogBuilder().snapshot([("0.4", "1")]).write(tmp_path / "1.ndjson")
    second = LogBuilder(start_ms=START_MS + 50, seq=3).delta("yes", "0.4", "1")
    report = import_ws_log([first, second.write(tmp_path / "2.ndjson")], FactSink())

    assert (1, {"delta_without_book": 1}) == (report.gaps, report.dropped)


def test_market_in_two_files_at_once_is_taken_from_one(tmp_path: Path) -> None:
    """Two recorders of one market must not have their changes added up."""
    first = LogBuilder().snapshot([("0.4", "1")]).delta("yes", "0.4", "1", recv_ms=START_MS + 99)
    second = LogBuilder(start_ms=START_MS + 1).snapshot([("0.4", "1")]).delta("yes", "0.4", "1")
    sink = FactSink()
    report = import_ws_log(
        [first.write(tmp_path / "1.ndjson"), second.write(tmp_path / "2.ndjson")], sink
    )

    assert {"market_in_two_files": 2} == report.dropped
    assert ({price("0.4"): size(2)}, {}) == sink.snapshot(GOLD)


def test_receive_time_never_steps_back(run: Run) -> None:
    """A corrected recorder clock is counted and held at the running maximum."""
    sink, report = run(LogBuilder().snapshot().delta("yes", "0.4", "1", recv_ms=START_MS - 500))

    assert {"time_stepped_back": 1} == report.mended
    assert START_MS * 1000 == sink.of("delta")[0][0]


def test_without_metadata_the_ticker_speaks(run: Run) -> None:
    """Event and family come from the ticker; fees are the venue's standard; no outcome."""
    sink, report = run(LogBuilder().snapshot())
    market = sink.markets[GOLD]

    assert ("KXGOLD15M-26AUG050000", "KXGOLD15M") == (market.event, market.family)
    assert (FeeModel.KALSHI_QUADRATIC, 70_000, 0) == (
        market.fees.model,
        market.fees.taker_rate,
        market.fees.maker_rate,
    )
    assert size("0.01") == market.min_size == market.size_step
    assert [] == sink.of("resolution")
    assert report.markets == 1


TABLE = (
    "window,event_ticker,open_time,close_time,floor_strike,result,settlement_ts,"
    "price_level_structure\n"
    f"{GOLD},KXGOLD15M-26AUG050000,2026-08-05T03:45:00Z,2026-08-05T04:00:00Z,4128.56,no,"
    "2026-08-05T04:00:04.828502Z,linear_cent\n"
)


def test_table_gives_terms_and_ending(tmp_path: Path) -> None:
    """Close and outcome come at their own times, after the data before them."""
    table = tmp_path / "MARKETS.csv"
    table.write_text(TABLE)
    closed_ms = 1_785_902_400_000
    log = LogBuilder().snapshot().snapshot(recv_ms=closed_ms + 699)
    sink = FactSink()
    import_ws_log([log.write(tmp_path / "log.ndjson")], sink, metadata=[table])

    assert ["meta", "book", "status", "book", "resolution"] == [fact[0] for fact in sink.facts]
    assert [(closed_ms * 1000, GOLD, MarketStatus.CLOSED)] == sink.of("status")
    assert [(parse_time("2026-08-05T04:00:04.828502Z"), GOLD, 0)] == sink.of("resolution")
    assert "4128.56" == sink.markets[GOLD].strike


def test_outcome_is_never_told_before_the_clock(tmp_path: Path) -> None:
    """A settlement before the recording began is told at the clock, never back in time."""
    table = tmp_path / "MARKETS.csv"
    table.write_text(TABLE)
    log = LogBuilder(start_ms=1_785_999_999_000).snapshot().delta("yes", "0.1", "1")
    sink = FactSink()
    import_ws_log([log.write(tmp_path / "log.ndjson")], sink, metadata=[table])

    assert 1_785_999_999_000_000 == sink.of("resolution")[0][0]


def test_rest_answer_gives_terms(tmp_path: Path) -> None:
    """A GET /events answer tells series, grid and strike, exactly as printed."""
    market = {
        "ticker": GOLD,
        "event_ticker": "KXGOLD15M-26AUG050000",
        "title": "Gold above?",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0010"}],
        "floor_strike": 4128.56,
        "cap_strike": 4200,
        "result": "scalar",
        "settlement_value_dollars": "0.2500",
    }
    answer = tmp_path / "event.json"
    answer.write_text(json.dumps({"event": {"series_ticker": "KXGOLD15M"}, "markets": [market]}))
    sink = FactSink()
    log = LogBuilder().snapshot().write(tmp_path / "log.ndjson")
    import_ws_log([log], sink, metadata=[answer])

    assert "4128.56..4200" == sink.markets[GOLD].strike
    assert price("0.001") == sink.markets[GOLD].tick_at(price("0.5"))
    assert [(START_MS * 1000, GOLD, price("0.25"))] == sink.of("resolution")


def test_outcomes_table_fills_in(tmp_path: Path) -> None:
    """A result from a small CSV resolves at the end of the recording."""
    table = tmp_path / "outcomes.csv"
    table.write_text(f"ticker,result\n{GOLD},yes\n")
    sink = FactSink()
    log = LogBuilder().snapshot().delta("yes", "0.1", "1").write(tmp_path / "log.ndjson")
    import_ws_log([log], sink, outcomes=[table])

    assert [((START_MS + 1) * 1000, GOLD, price(1))] == sink.of("resolution")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "expected a CSV header"),
        ("ticker,result\nX,maybe\n", "result must be yes or no"),
    ],
)
def test_bad_outcomes_are_refused(tmp_path: Path, text: str, says: str) -> None:
    """An outcome is never guessed."""
    table = tmp_path / "outcomes.csv"
    table.write_text(text)

    with pytest.raises(RecordingError, match=says):
        import_ws_log([], FactSink(), outcomes=[table])


@pytest.mark.parametrize(
    "text",
    ['{"markets": 3}', "{", '{"markets": [{"result": "no"}]}', '{"markets": [{"ticker": {}}]}'],
)
def test_bad_metadata_is_refused(tmp_path: Path, text: str) -> None:
    """A description that is not understood stops the import instead of defaulting."""
    answer = tmp_path / "event.json"
    answer.write_text(text)

    with pytest.raises(RecordingError, match=r"event\.json"):
        import_ws_log([], FactSink(), metadata=[answer])


def test_unknown_price_grid_is_refused(tmp_path: Path) -> None:
    """A tick structure nobody has heard of is not taken for whole cents."""
    answer = tmp_path / "event.json"
    answer.write_text('{"markets": [{"ticker": "A-B-C", "price_level_structure": "spiral"}]}')

    with pytest.raises(RecordingError, match="spiral"):
        import_ws_log([], FactSink(), metadata=[answer])


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    """Progress is told in bytes of the files, and ends at all of them."""
    path = LogBuilder().snapshot().write(tmp_path / "log.ndjson")
    told: list[tuple[int, int]] = []
    import_ws_log([path], FactSink(), progress=lambda done, total: told.append((done, total)))

    assert (path.stat().st_size, path.stat().st_size) == told[-1]


def test_live_frames_use_the_same_parser() -> None:
    """A frame without envelope is the same message; acknowledgements keep their `seq`."""
    line = LogBuilder().snapshot([("0.4", "1")]).lines[0]
    frame = json.dumps(json.loads(line)["event"])

    assert isinstance(parse_event(frame), Snapshot)
    assert (START_MS, parse_event(frame)) == parse_line(line.encode())
    assert Other("ok", 1, 108) == parse_event('{"type":"ok","id":2,"sid":1,"seq":108,"msg":{}}')


@pytest.mark.parametrize(
    "frame",
    ["", "[]", '{"sid":1}', '{"type":"orderbook_delta","sid":1,"seq":1,"msg":{}}'],
)
def test_broken_frames_are_message_errors(frame: str) -> None:
    """Callers need to know one error, not the decoder's."""
    with pytest.raises(MessageError):
        parse_event(frame)


def test_unknown_fields_are_tolerated() -> None:
    """The venue adds fields; that breaks nothing."""
    frame = json.loads(LogBuilder().delta("yes", "0.4", "1").lines[0])["event"]
    frame["sending_ts_ms"] = 1
    frame["msg"]["clock"] = 7

    assert isinstance(parse_event(json.dumps(frame)), Delta)
