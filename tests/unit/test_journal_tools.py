"""What people ask a journal."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import attrs
import pytest

from market_bot.adapters.storage import journal_tools
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.storage.journal_tools import Stats, Verified
from market_bot.core.domain.events import EVENT_TYPES
from market_bot.core.domain.numbers import Micros, money
from market_bot.core.ports.journal import Chain, JournalError
from tests.fakes.journal_facts import CHAIN, CONFIG, DAY, DENIED, FILL, HALT, START, STORY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a journal that tells the story."""
    where = chain_folder(tmp_path, CHAIN)
    with JsonlJournal(where, CHAIN, "boot") as journal:
        for event, t in STORY:
            journal.append(event, Micros(START + t), CONFIG)
    return where


def test_verify_tells_what_was_verified(folder: Path) -> None:
    """All of it, or the part since the newest checkpoint; the head is the same."""
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    full = journal_tools.verify(folder, CHAIN, full=True)
    fast = journal_tools.verify(folder, CHAIN, full=False)

    assert Verified(11, 2, sum(sizes.values()), 11, full.head_hash, 1) == full
    assert Verified(5, 1, sizes["2026-11-23.jsonl"], 11, full.head_hash, 1) == fast


def test_an_empty_chain_is_whole(tmp_path: Path) -> None:
    """Nothing was written, nothing is wrong."""
    assert Verified(0, 0, 0, 0, "0" * 64, 0) == journal_tools.verify(tmp_path, CHAIN, full=True)
    assert Stats() == journal_tools.stats(tmp_path, CHAIN)


def test_stats_count(folder: Path) -> None:
    """Types, days, refusals by strategy and gate, fills and fees."""
    found = journal_tools.stats(folder, CHAIN)

    assert 11 == found.lines == sum(found.by_type.values())
    assert {"2026-11-22": 6, "2026-11-23": 5} == found.by_day
    assert {("buy_longshots", "max_spread"): 1, ("buy_longshots", "cap"): 1} == found.denials
    assert (1, money("0.0123")) == (found.fills, found.fees)
    assert (START, START + DAY + 4) == (found.first, found.last)


def test_the_end_of_a_refusal_is_not_counted_again(tmp_path: Path) -> None:
    """One refusal has a begin and an end and counts once."""
    with JsonlJournal(tmp_path, CHAIN, "boot") as journal:
        journal.append(DENIED, START, CONFIG)
        journal.append(attrs.evolve(DENIED, phase="end", count=9), START, CONFIG)

    assert {1} == set(journal_tools.stats(tmp_path, CHAIN).denials.values())


def test_a_line_is_shown_as_written_and_as_understood(folder: Path) -> None:
    """The raw text is the line in the file; the entry is its meaning."""
    found = journal_tools.at(folder, CHAIN, 4)
    lines = (folder / "2026-11-22.jsonl").read_text(encoding="utf-8").splitlines()

    assert lines[3] == found.text
    assert FILL == found.entry.event
    for missing in (0, 12):
        with pytest.raises(JournalError, match=f"has no line {missing}: its lines are 1 to 11"):
            journal_tools.at(folder, CHAIN, missing)


def test_the_tail_is_the_end(folder: Path) -> None:
    """The last lines, oldest first."""
    assert [10, 11] == [entry.seq for entry in journal_tools.tail(folder, CHAIN, 2)]


def test_csv_has_a_column_for_every_field(folder: Path) -> None:
    """Columns come from the event classes; what a type does not have stays empty."""
    rows = list(
        csv.DictReader(journal_tools.export(folder, CHAIN, kind="csv", types=("fill", "halt")))
    )

    assert ["halt", "fill"] == [row["type"] for row in rows]
    assert ("operator", "") == (rows[0]["data.by"], rows[0]["data.fee"])
    assert ("", "0.0123", "false") == (
        rows[1]["data.by"],
        rows[1]["data.fee"],
        rows[1]["data.provisional"],
    )
    assert set(rows[0]) == set(journal_tools.columns(("fill", "halt")))


def test_every_type_can_be_exported() -> None:
    """No type is without columns."""
    for kind in EVENT_TYPES:
        assert len(journal_tools.columns((kind,))) > len(journal_tools.ENVELOPE_COLUMNS)


def test_an_unknown_type_is_named(folder: Path) -> None:
    """A spelling mistake does not give an empty table."""
    with pytest.raises(JournalError, match="no such type: fil"):
        journal_tools.export(folder, CHAIN, kind="csv", types=("fil",))


@pytest.mark.parametrize(
    ("text", "cell"),
    [("=1+1", "'=1+1"), ("@x", "'@x"), ("-1.5", "-1.5"), ("-1+1", "'-1+1"), ("plain", "plain")],
)
def test_a_cell_is_never_a_formula(tmp_path: Path, text: str, cell: str) -> None:
    """Text from elsewhere cannot make a spreadsheet compute; negative numbers stay numbers."""
    with JsonlJournal(tmp_path, CHAIN, "boot") as journal:
        journal.append(attrs.evolve(HALT, reason=text), START, CONFIG)
    (row,) = csv.DictReader(journal_tools.export(tmp_path, CHAIN, kind="csv", types=("halt",)))

    assert cell == row["data.reason"]


def test_jsonl_gives_the_envelope_and_the_fact(folder: Path) -> None:
    """Each line stands for itself, without the hashes."""
    rows = [json.loads(row) for row in journal_tools.export(folder, CHAIN, kind="jsonl")]

    assert list(range(1, 12)) == [row["seq"] for row in rows]
    assert ["seq", "ts", "boot", "cfg", "type", "data"] == list(rows[0])
    assert "0.12" == rows[3]["data"]["price"]


def test_an_export_can_be_limited_in_time(folder: Path) -> None:
    """From the first moment wanted to the first not wanted."""
    rows = journal_tools.export(
        folder,
        CHAIN,
        kind="jsonl",
        since=Micros(START + 4),
        until=Micros(START + DAY + 1),
    )

    assert [5, 6, 7] == [json.loads(row)["seq"] for row in rows]
    assert [] == list(
        journal_tools.export(folder, CHAIN, kind="jsonl", since=Micros(START + 2 * DAY))
    )


def test_chains_are_found(tmp_path: Path, folder: Path) -> None:
    """Every folder with a journal in it is a chain, runs included; others are not."""
    run = Chain("simulated", "sim", "ab12")
    with JsonlJournal(chain_folder(tmp_path, run), run, "boot") as journal:
        journal.append(HALT, START, CONFIG)
    (tmp_path / "kalshi" / "live").mkdir()
    (tmp_path / ".reserve").touch()

    assert (CHAIN, run) == journal_tools.list_chains(tmp_path)
    assert () == journal_tools.list_chains(tmp_path / "nowhere")
