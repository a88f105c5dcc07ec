"""Recordings of one life, played tick by tick as they were consumed."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_bot.adapters.storage.recorded_feed import ENDS, RecordedFeed
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.tape import TapeError
from tests.fakes.recording_sink import Fact, RecordingSink
from tests.fakes.tape_facts import a_delta, a_market, write

DAY, NEXT = "2026-11-22", "2026-11-23"


def tick(at: int) -> Fact:
    """Return a tick."""
    return ("tick", Micros(at))


def a_feed(
    folder: Path, first: list[Fact], second: list[Fact], consumed: dict[str, int] | None = None
) -> RecordedFeed:
    """Return a feed of two files, each of which announces its market first."""
    opening: Fact = ("meta", a_market(), Micros(1))
    files = {DAY: [opening, *first], NEXT: [opening, *second]}
    paths = {
        name: write(folder / f"{name}.jsonl.zst", facts, group=1, ticks=True)
        for name, facts in files.items()
    }
    return RecordedFeed(paths, consumed or {})


def played(feed: RecordedFeed) -> list[tuple[int, str, int]]:
    """Return of every tick its time, the position after it, and how many facts it had."""
    found = []
    while (at := feed.next_tick()) is not None:
        assert at == feed.next_tick()
        sink = RecordingSink()
        found.append((int(at), feed.drain(sink, at), len(sink.facts)))
    return found


def test_ticks_are_played_with_their_own_times(tmp_path: Path) -> None:
    """A tick that was earlier than what was consumed for it is played at its own time."""
    feed = a_feed(tmp_path, [a_delta(9), tick(5), tick(5)], [a_delta(7), tick(8)])

    assert "" == feed.position
    assert [(5, f"{DAY}:2", 2), (5, f"{DAY}:2", 0), (8, f"{NEXT}:2", 2)] == played(feed)
    assert ENDS == feed.ended


def test_what_no_tick_closed_before_midnight_comes_with_the_next(tmp_path: Path) -> None:
    """The source failed at the last look of the day; what it had told was consumed."""
    feed = a_feed(tmp_path, [tick(2), a_delta(3)], [tick(8)])

    assert [(2, f"{DAY}:1", 1), (8, f"{NEXT}:1", 2)] == played(feed)


def test_a_hole_is_not_played_over(tmp_path: Path) -> None:
    """Recording stopped before midnight: the world of the next day knew more than the files do."""
    feed = a_feed(tmp_path, [tick(2)], [tick(8)], {DAY: 2, NEXT: 1})

    assert [(2, f"{DAY}:1", 1)] == played(feed)
    assert feed.ended is not None
    assert "ends after 1 facts, 2 were consumed" in feed.ended


def test_a_torn_end_is_told(tmp_path: Path) -> None:
    """The last group is missing; everything before it is played."""
    feed = a_feed(tmp_path, [tick(2)], [tick(8), a_delta(9), tick(9)], {DAY: 1, NEXT: 2})
    path = tmp_path / f"{NEXT}.jsonl.zst"
    path.write_bytes(path.read_bytes()[:-60])

    assert 2 == len(played(feed))
    assert feed.ended is not None
    assert "torn" in feed.ended


def test_only_what_is_next_can_be_drained(tmp_path: Path) -> None:
    """Another time is a mistake of whoever drains."""
    feed = a_feed(tmp_path, [tick(2)], [tick(8)])

    with pytest.raises(TapeError, match="no tick was recorded at 3"):
        feed.drain(RecordingSink(), Micros(3))


def test_an_imported_tape_is_no_recording(tmp_path: Path) -> None:
    """It does not say when anybody decided."""
    path = write(tmp_path / "t", [("meta", a_market(), Micros(1))])

    with pytest.raises(TapeError, match="no bot recorded it"):
        RecordedFeed({DAY: path}, {})


def test_no_files_are_a_feed_that_has_ended() -> None:
    """A life whose recordings are all gone."""
    feed = RecordedFeed({}, {})

    assert (frozenset(), None, ENDS) == (feed.capabilities, feed.next_tick(), feed.ended)
