"""Recording while consuming: the order, the positions, midnight, and what goes wrong."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from market_bot.adapters.storage.tape_files import (
    DerivedFiles,
    NewFiles,
    NoFiles,
    OpenFile,
    TapeFiles,
    TapeLabel,
    leave_free,
    recorded_in,
)
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.adapters.storage.tape_recording import RecordingData
from market_bot.adapters.storage.tape_records import (
    BookRecord,
    DeltaRecord,
    MetaRecord,
    Record,
    TickRecord,
)
from market_bot.core.domain.book import Side
from market_bot.core.domain.events import TapeChanged
from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import HOUR, SECOND, Micros, Price, parse_time, price
from market_bot.core.domain.world import World
from market_bot.core.ports.market_data import MarketDataError
from market_bot.core.ports.tape import TapeError
from tests.fakes.builders import a_book, a_market, announced, contracts
from tests.fakes.market_data import FAILURE, FULL, ScriptedMarketData
from tests.fakes.recorded_lives import picture_of
from tests.fakes.recording_sink import Fact, RecordingSink

EVENING = parse_time("2026-11-22T23:59:58Z")
LABEL = TapeLabel(venue="simulated", source="a test", capabilities=FULL, group=1)
LOST: Fact = ("delta", "M-1", Side.BID, Price(2_000_000), contracts(1), EVENING, None)


def after(seconds: int) -> Micros:
    """Return the moment so many seconds after the evening began."""
    return Micros(EVENING + seconds * SECOND)


def a_delta(seconds: int = 0, market: str = "M-1") -> Fact:
    """Return a change of one bid."""
    return ("delta", market, Side.BID, price("0.40"), contracts(3), after(seconds), None)


@attrs.define(eq=False)
class Full(TapeFiles):
    """Files that cannot be written from the n-th record of each on."""

    room: int
    opened: int = 0
    records: list[Record] = attrs.field(factory=list)
    closes: bool = True

    def open(self, day: str) -> OpenFile:
        self.opened += 1
        left = self.room

        def add(record: Record) -> None:
            nonlocal left
            if left == 0:
                msg = f"{day}: no space left on device"
                raise TapeError(msg)
            left -= 1
            self.records.append(record)

        def close() -> None:
            if not self.closes:
                msg = f"{day}: no space left on device"
                raise TapeError(msg)

        return OpenFile(day, None, add, close)


@attrs.define(eq=False)
class Recording:
    """A recording of a script, the world it feeds, and what was told of it."""

    files: TapeFiles
    script: ScriptedMarketData = attrs.field(factory=ScriptedMarketData)
    world: World = attrs.field(factory=World)
    told: list[TapeChanged] = attrs.field(factory=list)
    data: RecordingData = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.data = RecordingData(
            self.script,
            venue="simulated",
            world=self.world,
            files=self.files,
            tell=self.told.append,
        )

    def drain(self, seconds: int, *facts: Fact) -> str:
        """Drain some facts so many seconds after the evening began."""
        self.script.then(*facts)
        return self.data.drain(self.world, after(seconds))


def records(folder: Path, name: str) -> list[Record]:
    """Return what a recorded file holds."""
    return list(TapeReader(folder / f"{name}.jsonl.zst").iter_records())


def test_a_tick_comes_after_what_was_drained(tmp_path: Path) -> None:
    """Facts in the order in which they came, then the tick at the time of the drain."""
    recording = Recording(NewFiles(folder=tmp_path, label=LABEL))
    recording.drain(1, announced(a_market(), EVENING), a_book(at=EVENING), a_delta())
    recording.data.close()

    kinds = [type(record) for record in records(tmp_path, "2026-11-22")]
    assert [MetaRecord, BookRecord, DeltaRecord, TickRecord] == kinds
    assert after(1) == records(tmp_path, "2026-11-22")[-1].received
    assert FULL == recording.data.capabilities


def test_the_position_counts_the_facts_of_the_file(tmp_path: Path) -> None:
    """The file and its facts; ticks are not counted, keyframes are."""
    recording = Recording(NewFiles(folder=tmp_path, label=LABEL))

    assert "2026-11-22:1" == recording.drain(0, announced(a_market(), EVENING))
    assert "2026-11-22:1" == recording.drain(1)
    # The venue's status, the terms and the status of the market; there is no book yet.
    assert "2026-11-23:4" == recording.drain(3, a_book(at=after(3)))
    recording.data.close()


def test_midnight_begins_a_file_that_can_be_played_alone(tmp_path: Path) -> None:
    """It opens with terms, statuses and books; nothing that was known changes by it."""
    recording = Recording(NewFiles(folder=tmp_path, label=LABEL))
    paused: Fact = ("status", "M-2", MarketStatus.PAUSED, EVENING)
    gone: Fact = ("gap", "M-2", "lost", after(1))
    recording.drain(
        1,
        announced(a_market(), EVENING),
        announced(a_market("M-2"), EVENING),
        a_book(at=EVENING),
        a_book("M-2", at=EVENING),
        paused,
        gone,
    )
    before = picture_of(recording.world)
    recording.world.touched.clear()
    recording.drain(3)
    recording.data.close()

    after_it = picture_of(recording.world)
    assert before["markets"] == after_it["markets"]
    assert (before["events"], before["counts"][1:]) == (after_it["events"], after_it["counts"][1:])
    assert ["E-1"] == list(recording.world.touched)
    alone = World()
    TapeReader(tmp_path / "2026-11-23.jsonl.zst").play(alone)
    assert before["markets"]["M-1"] == picture_of(alone)["markets"]["M-1"]
    assert MarketStatus.PAUSED is alone.seen["M-2"].status
    assert not alone.seen["M-2"].book.whole
    # The book is as old as it was.
    books = [r for r in records(tmp_path, "2026-11-23") if isinstance(r, BookRecord)]
    assert [EVENING] == [book.received for book in books]


def test_the_first_file_of_a_process_has_no_keyframes(tmp_path: Path) -> None:
    """A world that is shared or refilled is not told again what it knows."""
    recording = Recording(NewFiles(folder=tmp_path, label=LABEL))
    recording.world.meta(a_market(), EVENING)
    recording.drain(0)
    recording.data.close()

    assert [TickRecord] == [type(record) for record in records(tmp_path, "2026-11-22")]


def test_a_clock_that_is_set_back_stays_in_its_file(tmp_path: Path) -> None:
    """Only a later day begins a file."""
    recording = Recording(NewFiles(folder=tmp_path, label=LABEL))
    for seconds in (3, 0, 4):
        recording.drain(seconds)
    recording.data.close()

    assert ["2026-11-23"] == recorded_in(tmp_path)


@pytest.mark.parametrize("fact", [LOST, a_delta(market="nobody")])
def test_what_no_tape_holds_reaches_nobody(tmp_path: Path, fact: Fact) -> None:
    """It is left out of tape and world alike, told once a file, and trading goes on."""
    recording = Recording(NewFiles(folder=tmp_path, label=LABEL))
    opening = announced(a_market(), EVENING)
    position = recording.drain(1, opening, a_book(at=EVENING), fact, fact, a_delta())
    recording.data.close()

    assert "2026-11-22:3" == position
    assert (3, 2) == (recording.world.facts, recording.data.refused)
    assert ["begun", "fact_left_out"] == [event.what for event in recording.told]


def test_every_kind_of_fact_passes_or_is_refused_alike() -> None:
    """Whatever a source tells of a market nobody announced reaches neither tape nor world."""
    files, sink = Full(room=100), RecordingSink()
    script = ScriptedMarketData()
    data = RecordingData(script, venue="simulated", world=World(), files=files)
    script.then(
        ("meta", a_market(venue="kalshi"), EVENING),
        a_book(at=EVENING),
        a_delta(),
        ("trade", "M-1", Side.BID, price("0.5"), contracts(1), EVENING, None),
        ("reference", "BTC-USD", "no number", EVENING, None),
        ("status", "M-1", MarketStatus.OPEN, EVENING),
        ("resolution", "M-1", price("1"), EVENING),
        ("gap", "M-1", "lost", EVENING),
    )
    data.drain(sink, after(1))

    assert ([], 8) == (sink.facts, data.refused)
    assert [TickRecord] == [type(record) for record in files.records]


def test_a_failing_source_leaves_no_tick(tmp_path: Path) -> None:
    """What it told before stays; the tick that decides on it is the next one."""
    recording = Recording(NewFiles(folder=tmp_path, label=LABEL))
    with pytest.raises(MarketDataError, match="fails here"):
        recording.drain(0, announced(a_market(), EVENING), FAILURE)
    recording.drain(1, a_book(at=after(1)))
    recording.data.close()

    kinds = [type(record) for record in records(tmp_path, "2026-11-22")]
    assert [MetaRecord, BookRecord, TickRecord] == kinds


def test_a_full_disk_ends_the_recording_and_nothing_else() -> None:
    """One event says so; the world and the positions are those of a recording with room."""
    full, roomy = Recording(Full(room=2)), Recording(NoFiles())
    facts = [announced(a_market(), EVENING), a_book(at=EVENING), a_delta()]

    for number in range(4):
        given = facts if number == 0 else [a_delta(number)]
        assert roomy.drain(number, *given) == full.drain(number, *given)

    assert picture_of(roomy.world) == picture_of(full.world)
    (first, second) = full.told
    assert ("stopped", "2026-11-22") == (first.what, first.file)
    assert "no space left" in first.reason
    # Midnight is a new attempt.
    assert ("stopped", "2026-11-23") == (second.what, second.file)


def test_a_last_group_that_does_not_fit_is_told() -> None:
    """Closing does not raise: whoever closes has other things to do."""
    recording = Recording(Full(room=9, closes=False))
    recording.drain(0)
    recording.data.close()
    recording.data.close()

    assert ["stopped"] == [event.what for event in recording.told]


def test_closing_what_was_never_drained_is_nothing(tmp_path: Path) -> None:
    """No file is made before there is something to record."""
    recording = Recording(NewFiles(folder=tmp_path, label=LABEL))
    recording.data.close()

    assert [] == list(tmp_path.iterdir())
    assert 0 == recording.data.refused


# -- files -----------------------------------------------------------------------------------------


def test_every_start_has_its_own_file(tmp_path: Path) -> None:
    """What an earlier process wrote is never written to again."""
    for _ in range(3):
        recording = Recording(NewFiles(folder=tmp_path / "tape", label=LABEL))
        recording.drain(0)
        recording.data.close()

    assert ["2026-11-22", "2026-11-22.2", "2026-11-22.3"] == recorded_in(tmp_path / "tape")


def test_ten_starts_are_sorted_by_number(tmp_path: Path) -> None:
    """The tenth start of a day comes after the second."""
    for name in ("2026-11-22", "2026-11-22.10", "2026-11-22.2", "2026-11-21.3", "notes"):
        (tmp_path / f"{name}.jsonl.zst").touch()

    assert ["2026-11-21.3", "2026-11-22", "2026-11-22.2", "2026-11-22.10"] == recorded_in(tmp_path)


def test_a_folder_that_cannot_be_made_ends_the_recording(tmp_path: Path) -> None:
    """A file in the way costs the recording, not the trading."""
    (tmp_path / "tape").write_text("in the way", encoding="utf-8")
    recording = Recording(NewFiles(folder=tmp_path / "tape", label=LABEL))
    recording.drain(0, announced(a_market(), EVENING))

    assert 1 == recording.world.facts
    (event,) = recording.told
    assert str(tmp_path / "tape") in event.reason


def a_derived_run(folder: Path, ticks: int, *, price_of: str = "0.40") -> Recording:
    """Derive the first ticks of always the same run, over midnight."""
    label = attrs.evolve(LABEL, group=2)
    recording = Recording(DerivedFiles(folder=folder, label=label))
    bid = (Side.BID, price(price_of))
    for number in range(ticks):
        opening = [announced(a_market(), EVENING), a_book(at=EVENING)] if number == 0 else []
        change: Fact = ("delta", "M-1", *bid, contracts(number), after(number), None)
        recording.drain(number, *opening, change)
    recording.data.close()
    return recording


@pytest.mark.parametrize("stops", [(1, 6), (2, 2, 6), (3, 4, 6), (5, 6)])
def test_a_run_that_goes_on_completes_its_files(tmp_path: Path, stops: tuple[int, ...]) -> None:
    """What a file holds is not written twice, what it lacks is added."""
    for ticks in stops:
        a_derived_run(tmp_path / "parts", ticks)
    a_derived_run(tmp_path / "whole", 6)

    for name in ("2026-11-22", "2026-11-23"):
        assert records(tmp_path / "whole", name) == records(tmp_path / "parts", name)


@pytest.mark.parametrize("cut", [1, 40, 10_000])
def test_a_torn_end_is_derived_again(tmp_path: Path, cut: int) -> None:
    """Of a file that was cut off anywhere the sound beginning is kept."""
    a_derived_run(tmp_path, 6)
    whole = records(tmp_path, "2026-11-22")
    path = tmp_path / "2026-11-22.jsonl.zst"
    path.write_bytes(path.read_bytes()[:-cut])
    a_derived_run(tmp_path, 6)

    assert whole == records(tmp_path, "2026-11-22")


def test_what_was_removed_is_not_made_again(tmp_path: Path) -> None:
    """A file is missing while a later one is there: the retention took it."""
    whole = a_derived_run(tmp_path, 6)
    (tmp_path / "2026-11-22.jsonl.zst").unlink()
    again = a_derived_run(tmp_path, 6)

    assert ["2026-11-23"] == recorded_in(tmp_path)
    assert picture_of(whole.world) == picture_of(again.world)


def test_files_of_another_story_are_not_touched(tmp_path: Path) -> None:
    """The recording ends and names the record; the file stays as it is."""
    a_derived_run(tmp_path, 6)
    before = (tmp_path / "2026-11-22.jsonl.zst").read_bytes()
    other = a_derived_run(tmp_path, 6, price_of="0.41")

    assert before == (tmp_path / "2026-11-22.jsonl.zst").read_bytes()
    stopped = [event for event in other.told if event.what == "stopped"]
    assert "record 3 " in stopped[0].reason


def test_room_is_left_for_the_rest_of_the_bot(tmp_path: Path) -> None:
    """The recording ends before the disk is full, and nothing half made remains."""
    label = attrs.evolve(LABEL, room=leave_free(tmp_path, 10**9))
    recording = Recording(NewFiles(folder=tmp_path, label=label))
    recording.drain(0, announced(a_market(), EVENING))

    (event,) = recording.told
    assert "make room" in event.reason
    assert [] == list(tmp_path.iterdir())
    leave_free(tmp_path, 0)(1)


def test_a_group_is_written_when_it_is_old(tmp_path: Path) -> None:
    """A kill costs what came since the last group, which is never older than was asked for."""
    label = attrs.evolve(LABEL, group=4096, flush_after=Micros(10 * SECOND))
    recording = Recording(NewFiles(folder=tmp_path, label=label))
    recording.drain(-3600, announced(a_market(), after(-3600)))
    recording.drain(-3595)
    assert [] == records(tmp_path, "2026-11-22")
    recording.drain(-3590)
    assert 4 == len(records(tmp_path, "2026-11-22"))
    recording.data.close()


def test_files_have_their_days_at_any_time_of_day(tmp_path: Path) -> None:
    """A day ends with its last microsecond."""
    recording = Recording(NewFiles(folder=tmp_path, label=LABEL))
    midnight = parse_time("2026-11-23T00:00:00Z")
    for at in (midnight - 1, midnight, midnight + 24 * HOUR - 1, midnight + 24 * HOUR):
        recording.data.drain(recording.world, Micros(at))
    recording.data.close()

    assert ["2026-11-22", "2026-11-23", "2026-11-24"] == recorded_in(tmp_path)
