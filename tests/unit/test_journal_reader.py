"""Finding a place in a chain without reading all of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from market_bot.adapters.storage.durable_file import RealFiles
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import JournalReader, fast_scan
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.journal import CorruptJournalError
from tests.fakes.journal_facts import (
    CHAIN,
    CHECKPOINT,
    CONFIG,
    DAY,
    DENIED,
    HALT,
    SCAN,
    START,
    STORY,
)


class CountingFiles(RealFiles):
    """The operating system's files, counting what is read."""

    def __init__(self) -> None:
        self.bytes_read = 0

    def read(self, descriptor: int, count: int, offset: int) -> bytes:
        found = super().read(descriptor, count, offset)
        self.bytes_read += len(found)
        return found


def a_long_journal(folder: Path, lines: int = 5000) -> Path:
    """Write a file of about two megabytes, one line per millisecond."""
    with JsonlJournal(folder, CHAIN, "boot", durability="group") as journal:
        for n in range(lines):
            journal.append(DENIED if n % 7 else SCAN, Micros(START + n * 1000), CONFIG)
    return next(folder.iterdir())


def test_the_tail_reads_only_the_end(tmp_path: Path) -> None:
    """A few lines of a long file cost a few blocks."""
    path = a_long_journal(tmp_path)
    files = CountingFiles()
    tail = JournalReader(tmp_path, CHAIN, files).tail(3)

    assert [4998, 4999, 5000] == [entry.seq for entry in tail]
    assert files.bytes_read < path.stat().st_size / 4


def test_seeking_reads_only_what_it_needs(tmp_path: Path) -> None:
    """Finding a moment near the end does not read the beginning."""
    path = a_long_journal(tmp_path)
    files = CountingFiles()
    found = list(JournalReader(tmp_path, CHAIN, files).read_from(Micros(START + 4_997_500)))

    assert [4999, 5000] == [entry.seq for entry in found]
    assert files.bytes_read < path.stat().st_size / 4


@pytest.mark.parametrize("seq", [1, 2, 9, 10, 11, 99, 100, 101, 2500, 4999, 5000])
def test_any_line_is_found_by_its_number(tmp_path: Path, seq: int) -> None:
    """A reference (chain, number) leads to its line."""
    a_long_journal(tmp_path)
    entry = next(JournalReader(tmp_path, CHAIN).read_from_seq(seq))

    assert seq == entry.seq
    assert START + (seq - 1) * 1000 == entry.at


def test_numbers_are_found_across_files(tmp_path: Path) -> None:
    """The right file is found first; a number beyond the end finds nothing."""
    with JsonlJournal(tmp_path, CHAIN, "boot") as journal:
        for event, t in STORY:
            journal.append(event, Micros(START + t), CONFIG)
    reader = JournalReader(tmp_path, CHAIN)

    for seq in range(1, len(STORY) + 1):
        assert list(range(seq, len(STORY) + 1)) == [e.seq for e in reader.read_from_seq(seq)]
    assert [] == list(reader.read_from_seq(len(STORY) + 1))


def test_numbers_removed_with_old_files_lead_to_what_is_kept(tmp_path: Path) -> None:
    """After retention the first line kept answers for those before it."""
    with JsonlJournal(tmp_path, CHAIN, "boot") as journal:
        for day in range(3):
            journal.append(CHECKPOINT, Micros(START + day * DAY), CONFIG)
    min(tmp_path.iterdir()).unlink()

    assert [2, 3] == [e.seq for e in JournalReader(tmp_path, CHAIN).read_from_seq(1)]


def test_an_empty_chain_has_nothing_to_find(tmp_path: Path) -> None:
    """No folder is the same as no lines."""
    reader = JournalReader(tmp_path / "nowhere", CHAIN)

    assert reader.newest_checkpoint() is None
    assert reader.find_time(START) is None
    assert reader.find_seq(1) is None
    assert () == reader.tail(3)
    assert [] == list(reader.read())
    assert [] == list(reader.read_from(START))
    assert [] == list(reader.read_from_checkpoint())


def test_a_reader_beside_the_writer_stops_at_the_unfinished_line(tmp_path: Path) -> None:
    """Half a line at the end is the writer at work, not damage, and stays where it is."""
    with JsonlJournal(tmp_path, CHAIN, "boot") as journal:
        journal.append(HALT, START, CONFIG)
    path = next(tmp_path.iterdir())
    with path.open("ab") as file:
        file.write(b'{"v":1,"seq":2')
    reader = JournalReader(tmp_path, CHAIN)
    size = path.stat().st_size

    assert [1] == [entry.seq for entry in reader.read()]
    assert [1] == [entry.seq for entry in reader.tail(5)]
    assert [1] == [entry.seq for entry in reader.read_from(START)]
    assert size == path.stat().st_size


def test_a_checkpoint_in_the_text_of_another_fact_is_none(tmp_path: Path) -> None:
    """Only the type of a line makes it a checkpoint."""
    tricky = HALT.__class__(by="x", reason='","type":"checkpoint","data":{')
    with JsonlJournal(tmp_path, CHAIN, "boot") as journal:
        journal.append(tricky, START, CONFIG)

        assert JournalReader(tmp_path, CHAIN).newest_checkpoint() is None


def test_lines_longer_than_a_block_are_read_both_ways(tmp_path: Path) -> None:
    """A checkpoint may be larger than what is read at once."""
    large = CHECKPOINT.__class__(fold=1, digest="", state={"text": "x" * 300_000})
    with JsonlJournal(tmp_path, CHAIN, "boot") as journal:
        for event in (HALT, large, SCAN, large, SCAN):
            journal.append(event, START, CONFIG)
    reader = JournalReader(tmp_path, CHAIN)

    assert [HALT, large, SCAN, large, SCAN] == [entry.event for entry in reader.read()]
    assert [large, SCAN] == [entry.event for entry in reader.read_from_checkpoint()]
    assert [SCAN, large, SCAN] == [entry.event for entry in reader.tail(3)]
    assert [4, 5] == [entry.seq for entry in reader.read_from_seq(4)]


def test_seeking_in_garbage_is_corruption(tmp_path: Path) -> None:
    """A search that lands on something else than a line says where."""
    path = a_long_journal(tmp_path, 10)
    path.write_bytes(b"garbage\n" * 100)

    with pytest.raises(CorruptJournalError, match="no line of a journal starts here"):
        list(JournalReader(tmp_path, CHAIN).read_from(START))


def test_a_fast_scan_yields_undecoded_lines(tmp_path: Path) -> None:
    """Number, type, raw data, time and hash of each verified line of one file."""
    with JsonlJournal(tmp_path, CHAIN, "boot") as journal:
        journal.append(HALT, START, CONFIG)
        head = journal.head[1].encode()
    data = '{"by":"operator","reason":"lunch – back soon","flatten":false}'.encode()

    assert [(1, "halt", data, b"2026-11-22T00:30:00.123456Z", head)] == list(
        fast_scan(next(tmp_path.iterdir()), CHAIN)
    )


def test_a_pipe_by_the_name_of_a_journal_is_no_trap(tmp_path: Path) -> None:
    """It holds nothing, and whoever reads it does not wait for ever for somebody to write."""
    os.mkfifo(tmp_path / "2027-01-01.jsonl")

    assert [] == list(JournalReader(tmp_path, CHAIN).read())
