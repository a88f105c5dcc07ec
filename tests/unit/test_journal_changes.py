"""Reading only what can change a state."""

from pathlib import Path

import pytest

from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import JournalReader
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.journal import Chain, CorruptJournalError

CHAIN = Chain("simulated", "paper")
CONFIG = "c" * 16
NOON = Micros(1_793_620_800_000_000)


def a_chain(folder: Path) -> JournalReader:
    """Return the reader of a chain that opens, ticks, halts, checkpoints, ticks and resumes."""
    facts: list[ev.Event] = [
        ev.BotStarted(mode="paper", instance="i", version="1", fold=1),
        ev.Tick(position="0:1", reason="x"),
        ev.Halt(by="operator", reason="x"),
        ev.Checkpoint(fold=1, digest="d", state={}),
        ev.Tick(position="0:2", reason="x"),
        ev.Resume(by="operator"),
    ]
    with JsonlJournal(folder, CHAIN, boot="b", durability="group") as journal:
        for number, fact in enumerate(facts):
            journal.append(fact, Micros(NOON + number), CONFIG)
    return JournalReader(folder, CHAIN)


def test_explaining_facts_are_passed_over(tmp_path: Path) -> None:
    """What cannot change a state is left out, and the others are what `read` gives."""
    reader = a_chain(tmp_path)

    changes = list(reader.read_changes())

    assert [entry for entry in reader.read() if entry.type != "tick"] == changes
    assert [1, 3, 4, 6] == [entry.seq for entry in changes]


def test_changes_begin_at_the_newest_checkpoint_if_asked(tmp_path: Path) -> None:
    """A start needs the newest checkpoint and what came after it."""
    changes = a_chain(tmp_path).read_changes(from_checkpoint=True)

    assert ["checkpoint", "resume"] == [entry.type for entry in changes]


def test_a_passed_over_line_is_still_verified(tmp_path: Path) -> None:
    """A changed byte in a line nobody decodes is found all the same."""
    reader = a_chain(tmp_path)
    (path,) = reader.paths()
    path.write_bytes(path.read_bytes().replace(b'"position":"0:1"', b'"position":"0:7"'))

    with pytest.raises(CorruptJournalError, match="changed after it was written"):
        list(reader.read_changes())
