"""Anchors: what a chain cannot show of itself, its missing end and its being written anew."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import attrs
import pytest

from market_bot.adapters.storage import journal_tools
from market_bot.adapters.storage.anchors import (
    Anchor,
    AnchorError,
    AnchorFile,
    Checked,
    check_anchors,
    read_anchors,
)
from market_bot.adapters.storage.durable_file import RealFiles
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.journal import Chain
from tests.fakes.journal_facts import CHAIN, CONFIG, DAY, HALT, START, STORY

RUN = Chain("simulated", "sim", "a-run")


@attrs.frozen
class Kept:
    """A journal with its anchors."""

    folder: Path

    @property
    def anchors(self) -> AnchorFile:
        """Return what writes its anchors."""
        return AnchorFile(self.folder / "anchors.jsonl", self.folder / "journal")

    def write(self, *lines: tuple[ev.Event, int], chain: Chain = CHAIN, boot: str = "boot") -> None:
        """Go on with a chain."""
        where = chain_folder(self.anchors.journal_dir, chain)
        with JsonlJournal(where, chain, boot) as journal:
            for event, t in lines:
                journal.append(event, Micros(START + t), CONFIG)

    def files(self, chain: Chain = CHAIN) -> list[Path]:
        """Return a chain's files, oldest first."""
        return sorted(chain_folder(self.anchors.journal_dir, chain).glob("*.jsonl"))

    def check(self, chains: tuple[Chain, ...] | None = None) -> Checked:
        """Compare the journal with its anchors."""
        return check_anchors(self.anchors.path, self.anchors.journal_dir, chains)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Return a journal of two days, anchored after each."""
    made = Kept(tmp_path)
    made.write(*STORY[:5])
    assert made.anchors.add(START)
    made.write(*STORY[5:])
    made.write(STORY[0], chain=RUN)
    assert made.anchors.add(Micros(START + DAY))
    return made


def test_every_head_is_found_again(kept: Kept) -> None:
    """Anchors name the last line of what has grown, and hold however far it grows after that."""
    head = journal_tools.verify(kept.files()[0].parent, CHAIN, full=True)
    first, second = read_anchors(kept.anchors.path)
    kept.write((HALT, DAY + 9))

    assert {str(CHAIN): 5} == {name: seq for name, (seq, _) in first.heads.items()}
    assert (11, head.head_hash) == second.heads[str(CHAIN)]
    assert 1 == second.heads[str(RUN)][0]
    assert Checked(2, 3, 0, Micros(START + DAY), ()) == kept.check()
    assert 1 == kept.check((RUN,)).heads
    assert 0o600 == kept.anchors.path.stat().st_mode & 0o777


def test_what_has_not_grown_is_not_anchored_again(kept: Kept) -> None:
    """No line is written for nothing, and one chain that grew is alone in its line."""
    assert kept.anchors.add(Micros(START + DAY)) is None
    kept.write((HALT, DAY + 9))
    added = kept.anchors.add(Micros(START + DAY))

    assert added is not None
    assert [str(CHAIN)] == list(added.heads)
    assert added == read_anchors(kept.anchors.path)[-1]


def test_a_missing_end_is_found(kept: Kept) -> None:
    """A chain whose last lines were taken away verifies alone, and not against its anchors."""
    newest = kept.files()[-1]
    newest.write_bytes(b"".join(newest.read_bytes().splitlines(keepends=True)[:2]))
    journal_tools.verify(newest.parent, CHAIN, full=True)
    (fault,) = kept.check().faults
    assert "ends with line 8, but had line 11: its end is missing" in fault

    shutil.rmtree(newest.parent)
    assert ["is gone, but had line 5", "is gone, but had line 11"] == [
        fault.partition("the chain ")[2].partition(":")[0] for fault in kept.check().faults
    ]


def test_a_chain_that_was_written_anew_is_found(kept: Kept) -> None:
    """A whole chain in place of another verifies alone, and not against its anchors."""
    shutil.rmtree(kept.files()[0].parent)
    kept.write(*STORY, boot="another")
    journal_tools.verify(kept.files()[0].parent, CHAIN, full=True)

    assert 2 == len(kept.check().faults)
    assert "line 5 is another than it was" in kept.check().faults[0]


def test_a_line_that_was_changed_is_found(kept: Kept) -> None:
    """Also without `journal verify`, if it is one that an anchor names."""
    newest = kept.files()[-1]
    newest.write_bytes(newest.read_bytes().replace(b"told to", b"told no"))

    (fault,) = kept.check().faults
    assert "line 11 cannot be read" in fault


def test_what_the_retention_took_is_no_fault(kept: Kept) -> None:
    """Neither the first days of a chain nor a run as a whole; both are counted."""
    kept.files()[0].unlink()
    shutil.rmtree(kept.files(RUN)[0].parent)

    assert Checked(2, 1, 2, Micros(START + DAY), ()) == kept.check()


def test_the_anchors_are_a_chain_themselves(kept: Kept) -> None:
    """A line of theirs that was changed, taken away or moved is named with what to do."""
    path = kept.anchors.path
    first, second = path.read_bytes().splitlines(keepends=True)
    for data, where in (
        (first.replace(b'[5,"', b'[4,"') + second, ":1: was changed"),
        (second, ":1: does not continue"),
        (first + first, ":2: does not continue"),
        (first + b"{}\n", ":2: not a line of anchors"),
        (first + b"\xff\n", ":2: not a line of anchors"),
        (first.replace(b'"v":1', b'"v":2'), ":1: was changed"),
        (json.dumps(json.loads(first)).encode() + b"\n", ":1: was changed"),
    ):
        path.write_bytes(data)
        with pytest.raises(AnchorError, match=f"{where}.*put back a sound copy"):
            kept.check()
        with pytest.raises(AnchorError):
            kept.anchors.add(START)


def test_half_a_line_is_cut_off(kept: Kept) -> None:
    """A crash leaves no more than that; it is no line, and the next one stands where it was."""
    path = kept.anchors.path
    whole = path.read_bytes()
    path.write_bytes(whole + whole.splitlines()[0][:-5])
    kept.write((HALT, DAY + 9))

    assert 3 == kept.check().heads
    assert kept.anchors.add(Micros(START + DAY))
    assert 3 == len(read_anchors(path))
    assert path.read_bytes().startswith(whole)


class Ordered(RealFiles):
    """Remembers in what order files were synced and written."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self._names: dict[int, str] = {}

    def open(self, path: Path) -> int:
        """Remember which file it is."""
        descriptor = super().open(path)
        self._names[descriptor] = path.name
        return descriptor

    def append(self, path: Path) -> int:
        """Remember which file it is."""
        descriptor = super().append(path)
        self._names[descriptor] = path.name
        return descriptor

    def write(self, descriptor: int, data: bytes) -> int:
        """Remember that something was written."""
        self.done.append("anchored")
        return super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Remember what was synced."""
        self.done.append(self._names[descriptor])
        super().sync(descriptor)


def test_only_what_is_durable_is_anchored(kept: Kept) -> None:
    """A line that a crash could take would make a false alarm for ever: it is synced before."""
    kept.write((HALT, DAY + 9))
    files = Ordered()
    AnchorFile(kept.anchors.path, kept.anchors.journal_dir, files).add(START)

    synced = files.done.index("anchored")
    assert kept.files()[-1].name in files.done[:synced]
    assert kept.anchors.path.name == files.done[-1]


def test_without_anchors_nothing_is_said_to_hold(tmp_path: Path) -> None:
    """Missing is not agreeing; a file that cannot be read is a line for people."""
    empty = Kept(tmp_path)
    assert empty.anchors.add(START) is None
    with pytest.raises(AnchorError, match="there are no anchors yet"):
        empty.check()

    os.mkfifo(empty.anchors.path)
    empty.write(*STORY[:2])
    with pytest.raises(AnchorError, match="anchors"):
        empty.anchors.add(START)


@pytest.mark.parametrize("name", ["../../etc", "a", "a/b/c/d", ""])
def test_no_name_leads_elsewhere(tmp_path: Path, name: str) -> None:
    """What an anchor calls a chain is looked for in the journal only."""
    made = Kept(tmp_path)
    made.write(*STORY[:2])
    added = made.anchors.add(START)
    assert isinstance(added, Anchor)
    line = _sealed({name: (1, "0" * 64)})
    made.anchors.path.write_bytes(line)

    (fault,) = made.check().faults
    assert "cannot" in fault


def _sealed(heads: dict[str, tuple[int, str]]) -> bytes:
    from market_bot.adapters.storage.anchors import _seal  # noqa: PLC0415 - only for forging

    return _seal(START, heads, "0" * 64)[0]
