"""The journal against every fact that can be said."""

from __future__ import annotations

import json
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_bot.adapters.storage.codec import decode_event, encode_event, unstructure
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import JournalReader
from market_bot.adapters.storage.journal_tools import verify
from market_bot.adapters.storage.memory_journal import MemoryFiles, MemoryJournal
from market_bot.core.domain.events import EVENT_TYPES, Durability, Event
from market_bot.core.domain.numbers import Micros
from tests.fakes.any_event import ANY_EVENT, of_class
from tests.fakes.journal_facts import CHAIN, CHECKPOINT, CONFIG, DAY, START
from tests.fakes.sim_fs import SimFiles

FOLDER = Path("/lane")

SMALL_STEPS = st.integers(0, 3)
STEPS = SMALL_STEPS | st.integers(0, DAY) | st.sampled_from([DAY - 1, DAY, DAY + 1])


def write(journal: JsonlJournal, facts: list[tuple[Event, int]]) -> list[tuple[Event, int]]:
    """Append facts at the given times, with checkpoints where due; return what was appended."""
    written: list[tuple[Event, int]] = []
    for event, at in facts:
        if journal.needs_checkpoint(Micros(at)):
            journal.append(CHECKPOINT, Micros(at), CONFIG)
            written.append((CHECKPOINT, at))
        journal.append(event, Micros(at), CONFIG)
        written.append((event, at))
    return written


def timed(events: list[Event], steps: list[int]) -> list[tuple[Event, int]]:
    """Give each event a time, each a step after the one before."""
    times = accumulate(steps, initial=START)
    return list(zip(events, times, strict=False))


def floats_in(value: Any) -> bool:
    """Tell whether there is a floating-point number anywhere."""
    if isinstance(value, dict):
        return any(floats_in(item) for item in value.values())
    if isinstance(value, list):
        return any(floats_in(item) for item in value)
    return isinstance(value, float)


@pytest.mark.parametrize("kind", EVENT_TYPES)
@settings(max_examples=20)
@given(data=st.data())
def test_every_fact_survives_writing_and_reading(data: st.DataObject, kind: str) -> None:
    """Whatever a fact says is read back equal, holds no float, and is written the same again."""
    event = data.draw(of_class(EVENT_TYPES[kind]))
    written = encode_event(event)
    found = decode_event(kind, written)

    assert event == found
    assert found is not None
    assert written == encode_event(found)
    assert not floats_in(json.loads(written))
    assert b"\n" not in written


@pytest.mark.parametrize("kind", EVENT_TYPES)
@settings(max_examples=20)
@given(data=st.data())
def test_a_made_writer_writes_what_the_general_one_does(data: st.DataObject, kind: str) -> None:
    """The writer made for a class gives the bytes of the plain values, to the last one."""
    event = data.draw(of_class(EVENT_TYPES[kind]))

    assert msgspec.json.encode(unstructure(event, type(event))) == encode_event(event)


@given(st.lists(ANY_EVENT, max_size=8), st.lists(STEPS, min_size=8, max_size=8), st.data())
def test_a_cut_anywhere_leaves_a_prefix(
    events: list[Event], steps: list[int], data: st.DataObject
) -> None:
    """Cut the last file at any byte: opening keeps the whole lines in front of the cut."""
    files = MemoryFiles()
    with JsonlJournal(FOLDER, CHAIN, "boot", files=files) as journal:
        written = write(journal, timed(events, steps))
    if not written:
        return
    content = files.files[max(files.files)].content
    cut = data.draw(st.integers(0, len(content)))
    lost = content[cut:].count(b"\n")
    del content[cut:]
    with JsonlJournal(FOLDER, CHAIN, "later", files=files) as journal:
        found = [(entry.event, entry.at) for entry in journal.read()]

    assert written[: len(written) - lost] == found


@given(st.lists(ANY_EVENT, max_size=12), st.lists(STEPS, min_size=12, max_size=12), st.data())
def test_seeking_agrees_with_looking_at_every_line(
    events: list[Event], steps: list[int], data: st.DataObject
) -> None:
    """The lines at or after any moment are those a linear search finds; so is every tail."""
    files = MemoryFiles()
    with MemoryJournal(CHAIN, "boot", files=files) as journal:
        written = write(journal, timed(events, steps))
        anywhere = data.draw(st.integers(int(START) - DAY, int(START) + 13 * DAY))
        for at in {anywhere, *(at + off for _, at in written for off in (-1, 0, 1))}:
            assert [e for e in written if e[1] >= at] == [
                (entry.event, entry.at) for entry in journal.read_from(Micros(at))
            ]
        count = data.draw(st.integers(0, len(written) + 1))

        assert (written[-count:] if count else []) == [
            (entry.event, entry.at) for entry in journal.tail(count)
        ]


@given(
    st.lists(ANY_EVENT, max_size=6),
    st.lists(SMALL_STEPS | STEPS, min_size=6, max_size=6),
    st.integers(0, 3000),
    st.booleans(),
    st.booleans(),
)
def test_power_may_fail_after_any_fact(
    events: list[Event], steps: list[int], survived: int, zeros: bool, names_kept: bool
) -> None:
    """Without closing: every class A fact is there, and what is there is a prefix."""
    files = SimFiles()
    journal = JsonlJournal(FOLDER, CHAIN, "boot", files=files)
    written = write(journal, timed(events, steps))
    acts = [n for n, (event, _) in enumerate(written, 1) if event.DURABILITY is Durability.A]

    def survival(unsynced: bytes) -> bytes:
        return unsynced[:survived] + bytes(zeros * max(0, len(unsynced) - survived))

    found_files = files.after_crash(survival, names_kept=names_kept)
    with JsonlJournal(FOLDER, CHAIN, "later", files=found_files) as reopened:
        found = [(entry.event, entry.at) for entry in reopened.read()]

    assert written[: len(found)] == found
    assert len(found) >= max(acts, default=0)
    assert len(found) == verify(FOLDER, CHAIN, full=True, files=found_files).lines


@given(st.lists(ANY_EVENT, min_size=1, max_size=8), st.data())
def test_no_changed_byte_goes_unnoticed(events: list[Event], data: st.DataObject) -> None:
    """Change any byte: reading never yields a fact that was not written."""
    files = MemoryFiles()
    with MemoryJournal(CHAIN, "boot", files=files) as journal:
        written = write(journal, timed(events, [0] * len(events)))
    (file,) = files.files.values()
    position = data.draw(st.integers(0, len(file.content) - 1))
    file.content[position] ^= data.draw(st.integers(1, 255))
    line = bytes(file.content[:position]).count(b"\n")
    found: list[tuple[Event | None, int]] = []
    error: Exception | None = None
    try:
        reader = JournalReader(Path(f"/{CHAIN}"), CHAIN, files)
        found.extend((entry.event, entry.at) for entry in reader.read())
    except Exception as e:  # noqa: BLE001 - the type is what is checked
        error = e

    assert written[: len(found)] == found
    assert len(found) <= line
    assert type(error).__name__ == "CorruptJournalError" or line == len(written) - 1
