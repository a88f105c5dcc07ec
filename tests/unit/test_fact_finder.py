"""Finding the few lines of a journal that count for nights."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_bot.adapters.storage.fact_finder import FactFinder
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import HOUR, Micros
from market_bot.core.ports.journal import Chain, CorruptJournalError
from tests.fakes.nights import NIGHT, leak, reviewed
from tests.fakes.tuning import NOON

CHAIN = Chain("kalshi", "paper")
TYPES = frozenset({"leak", "leak_review"})
LINES = (
    ev.Tick(position="", reason='"type":"leak","data":'),
    leak(),
    ev.Error(where="x", message='","type":"leak_review","data":{'),
    reviewed(NIGHT),
    ev.Proposal(
        proposal="p", finding="f", file="a.yaml", path="p", before="1", after="2",
        rationale="", advisor="", config_sha256="", card={"a": "b", "type": "leak", "data": "c"},
    ),
)  # fmt: skip


def written(folder: Path, *lines: ev.Event, days: int = 1) -> FactFinder:
    """Return a finder over a journal of so many days with these lines on each."""
    with JsonlJournal(folder, CHAIN, "boot") as journal:
        for day in range(days):
            for number, event in enumerate(lines):
                at = Micros(NOON + day * 24 * HOUR + number)
                if journal.needs_checkpoint(at):
                    journal.append(ev.Checkpoint(fold=1, digest="", state={}), at, "c")
                journal.append(event, at, "c")
    return FactFinder(folder)


def test_only_lines_of_the_wanted_types(tmp_path: Path) -> None:
    """Words within data are not types, however much they look like them."""
    found = list(written(tmp_path, *LINES).find(TYPES))

    assert [entry.event for entry in found] == [leak(), reviewed(NIGHT)]
    assert [entry.seq for entry in found] == [2, 4]


def test_lines_of_all_files_in_order_up_to_a_number(tmp_path: Path) -> None:
    """Days that are too old are not opened, later lines not told."""
    finder = written(tmp_path, *LINES, days=3)

    assert [entry.seq for entry in finder.find(TYPES)] == [2, 4, 8, 10, 14, 16]
    assert [entry.seq for entry in finder.find(TYPES, up_to=8)] == [2, 4, 8]
    since = Micros(NOON + 24 * HOUR)
    assert [entry.seq for entry in finder.find(TYPES, since)] == [8, 10, 14, 16]


def test_the_first_line(tmp_path: Path) -> None:
    """It says when a journal begins; an empty one does not."""
    assert FactFinder(tmp_path / "none").first() is None
    first = written(tmp_path, *LINES).first()
    assert first is not None
    assert first.seq == 1


def test_a_line_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    """Its own hash is looked at before anything follows from it."""
    finder = written(tmp_path, *LINES)
    path = next(tmp_path.glob("*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b'"status":"confirmed"', b'"status":"suspectxx"'))

    with pytest.raises(CorruptJournalError, match="hash does not fit"):
        list(finder.find(TYPES))


def test_an_unfinished_last_line_is_the_end(tmp_path: Path) -> None:
    """It may be written right now."""
    finder = written(tmp_path, *LINES)
    path = next(tmp_path.glob("*.jsonl"))
    path.write_bytes(path.read_bytes()[:-400])

    assert [entry.seq for entry in finder.find(TYPES)] == [2, 4]
