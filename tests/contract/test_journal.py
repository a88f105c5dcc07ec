"""What every journal keeps, on disk and in memory, in strict and in group mode."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from market_bot.adapters.storage.codec import CodecError
from market_bot.adapters.storage.journal import CheckpointDueError, Health, JsonlJournal
from market_bot.adapters.storage.memory_journal import MemoryFiles, MemoryJournal
from market_bot.core.domain.events import Halt
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.journal import JournalError
from tests.fakes.journal_facts import (
    CHAIN,
    CHECKPOINT,
    CONFIG,
    DAY,
    HALT,
    SCAN,
    START,
    STORY,
)

Reopen = Callable[[], JsonlJournal]


@pytest.fixture(params=["disk-strict", "disk-group", "memory-strict", "memory-group"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    """Return a function that opens the same journal, again and again."""
    where, _, durability = request.param.partition("-")
    mode: Literal["strict", "group"] = "strict" if durability == "strict" else "group"
    if where == "disk":
        return lambda: JsonlJournal(tmp_path / "lane", CHAIN, "boot", durability=mode)
    files = MemoryFiles()
    return lambda: MemoryJournal(CHAIN, "boot", durability=mode, files=files)


def test_a_new_journal_is_empty(reopen: Reopen) -> None:
    """Nothing was said: sequence 0, a hash of zeros, no lines, no checkpoint due."""
    journal = reopen()

    assert (0, "0" * 64) == journal.head
    assert [] == list(journal.read())
    assert not journal.needs_checkpoint(START)
    assert CHAIN == journal.chain


def test_a_story_survives_reopening(reopen: Reopen) -> None:
    """What was appended and closed is there, in order, with its times and its configuration."""
    with reopen() as journal:
        numbers = [journal.append(event, Micros(START + t), CONFIG) for event, t in STORY]
        head = journal.head
    journal = reopen()
    entries = list(journal.read())

    assert list(range(1, len(STORY) + 1)) == numbers == [entry.seq for entry in entries]
    assert [(event, START + t) for event, t in STORY] == [(e.event, e.at) for e in entries]
    assert {("boot", CONFIG)} == {(entry.boot, entry.config) for entry in entries}
    assert head == journal.head == (entries[-1].seq, entries[-1].hash)
    assert ["0" * 64, *(e.hash for e in entries[:-1])] == [e.prev for e in entries]


def test_what_waits_can_be_read(reopen: Reopen) -> None:
    """Reading shows facts that were appended but not committed yet."""
    journal = reopen()
    journal.append(SCAN, START, CONFIG)

    assert [SCAN] == [entry.event for entry in journal.read()]


def test_commit_leaves_nothing_waiting(reopen: Reopen) -> None:
    """After a commit another opening sees everything."""
    journal = reopen()
    journal.append(SCAN, START, CONFIG)
    assert journal.pending > 0
    journal.commit()

    assert 0 == journal.pending
    assert [SCAN] == [entry.event for entry in reopen().read()]


def test_a_class_a_fact_takes_along_what_waits(reopen: Reopen) -> None:
    """Explaining facts in front of an acting one are written with it."""
    journal = reopen()
    journal.append(SCAN, START, CONFIG)
    journal.append(HALT, START, CONFIG)

    assert [SCAN, HALT] == [entry.event for entry in reopen().read()]


def test_time_never_goes_back(reopen: Reopen) -> None:
    """A clock that was corrected backwards does not reorder the journal, nor does a restart."""
    with reopen() as journal:
        journal.append(HALT, Micros(START + 5), CONFIG)
        journal.append(HALT, START, CONFIG)
    with reopen() as journal:
        journal.append(HALT, Micros(START - DAY), CONFIG)

        assert [START + 5] * 3 == [entry.at for entry in journal.read()]


def test_a_new_day_begins_with_a_checkpoint(reopen: Reopen) -> None:
    """Any other fact is refused there, and nothing is lost by trying."""
    journal = reopen()
    journal.append(HALT, START, CONFIG)
    tomorrow = Micros(START + DAY)

    assert not journal.needs_checkpoint(START)
    assert journal.needs_checkpoint(tomorrow)
    with pytest.raises(CheckpointDueError):
        journal.append(HALT, tomorrow, CONFIG)
    journal.append(CHECKPOINT, tomorrow, CONFIG)
    assert not journal.needs_checkpoint(tomorrow)
    assert [HALT, CHECKPOINT] == [entry.event for entry in journal.read()]


def test_reading_from_the_checkpoint_skips_what_is_older(reopen: Reopen) -> None:
    """A start folds from the newest checkpoint on."""
    with reopen() as journal:
        for event, t in STORY:
            journal.append(event, Micros(START + t), CONFIG)

        assert [e for e, t in STORY if t >= DAY] == [
            entry.event for entry in journal.read_from_checkpoint()
        ]


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 11, 99])
def test_the_tail_is_the_end_of_the_story(reopen: Reopen, count: int) -> None:
    """The last lines come in order, across files, and never more than there are."""
    with reopen() as journal:
        for event, t in STORY:
            journal.append(event, Micros(START + t), CONFIG)

        expected = [event for event, _ in STORY][-count:] if count else []
        assert expected == [entry.event for entry in journal.tail(count)]


def test_a_fact_that_cannot_be_written_changes_nothing(reopen: Reopen) -> None:
    """The journal goes on after refusing a fact that is not exact."""
    journal = reopen()
    with pytest.raises(CodecError):
        journal.append(Halt(by="\ud800", reason=""), START, CONFIG)
    journal.append(HALT, START, CONFIG)

    assert [HALT] == [entry.event for entry in journal.read()]
    assert Health.SOUND is journal.health


def test_a_closed_journal_accepts_nothing(reopen: Reopen) -> None:
    """Closing twice is harmless, appending afterwards is an error."""
    journal = reopen()
    journal.close()
    journal.close()

    assert Health.CLOSED is journal.health
    with pytest.raises(JournalError, match="closed"):
        journal.append(HALT, START, CONFIG)
    with pytest.raises(JournalError, match="closed"):
        journal.commit()


def test_disk_and_memory_write_the_same_bytes(tmp_path: Path) -> None:
    """The twin is the same journal, byte for byte."""
    files = MemoryFiles()
    for journal in (
        JsonlJournal(tmp_path, CHAIN, "boot"),
        MemoryJournal(CHAIN, "boot", files=files),
    ):
        with journal:
            for event, t in STORY:
                journal.append(event, Micros(START + t), CONFIG)

    on_disk = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    in_memory = {path.name: bytes(file.content) for path, file in files.files.items()}
    assert on_disk == in_memory
    assert 2 == len(on_disk)
