"""Whatever the disk does, every fact that was acknowledged is there afterwards."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from market_bot.adapters.storage.durable_file import RealFiles, Reserve, write_file
from market_bot.adapters.storage.journal import Health, JsonlJournal
from market_bot.adapters.storage.journal_tools import verify
from market_bot.adapters.storage.memory_journal import MemoryFiles
from market_bot.core.domain.events import Durability, Event
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.orders import Purpose
from market_bot.core.ports.journal import DurabilityLostError, JournalError
from tests.fakes.journal_facts import (
    CHAIN,
    CONFIG,
    FILL,
    HALT,
    SCAN,
    START,
    STOPPED,
    STORY,
    intent,
)
from tests.fakes.sim_fs import (
    Fault,
    SimCrashError,
    SimFiles,
    Survival,
    kept,
    lost,
    torn,
    torn_with_zeros,
)

HOME = Path("/home/journal")
FOLDER = HOME / "kalshi" / "paper"
OPERATIONS_MAX = 200
SURVIVALS = [
    pytest.param(kept, id="kept"),
    pytest.param(lost, id="lost"),
    pytest.param(torn(1), id="torn"),
    pytest.param(torn(700), id="torn later"),
    pytest.param(torn_with_zeros(300), id="zeros"),
]


def a_reserve(files: MemoryFiles, size: int = 100_000) -> Reserve:
    """Return the reserve of a home."""
    return Reserve(HOME / ".reserve", size, files)


def opened(files: MemoryFiles, *, reserve: bool = False) -> JsonlJournal:
    """Open the journal under test."""
    return JsonlJournal(
        FOLDER, CHAIN, "boot", files=files, reserve=a_reserve(files) if reserve else None
    )


def fill_up(journal: JsonlJournal, event: Event) -> None:
    """Append a fact until something happens."""
    for _ in range(10_000):
        journal.append(event, START, CONFIG)


def tell(files: SimFiles, told: list[tuple[Event, bool]], *, reserve: bool = False) -> None:
    """Write the story in two boots; ``told`` collects each fact and whether it must survive."""
    for part in (STORY[:4], STORY[4:]):
        with opened(files, reserve=reserve) as journal:
            for event, t in part:
                journal.append(event, Micros(START + t), CONFIG)
                told.append((event, event.DURABILITY is Durability.A))
                if event is SCAN:
                    journal.commit()
                    told[-1] = (event, True)


def must_hold(files: MemoryFiles, told: list[tuple[Event, bool]]) -> None:
    """Check that a reopened journal is a prefix of the story with all that was acknowledged."""
    with opened(files) as journal:
        found = [entry.event for entry in journal.read()]
    promised = max((n for n, (_, durable) in enumerate(told, 1) if durable), default=0)

    assert found == [event for event, _ in STORY][: len(found)]
    assert promised <= len(found) <= len(told) + 1
    assert len(found) == verify(FOLDER, CHAIN, full=True, files=files).lines


@pytest.mark.parametrize("survival", SURVIVALS)
@pytest.mark.parametrize("names_kept", [True, False], ids=["names kept", "names lost"])
@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_power_may_fail_at_any_operation(
    fault: Fault, survival: Survival, names_kept: bool
) -> None:
    """For every n: power fails at the n-th operation, and nothing that was promised is gone."""
    for n in range(1, OPERATIONS_MAX):
        files = SimFiles({n: fault})
        told: list[tuple[Event, bool]] = []
        try:
            tell(files, told)
        except SimCrashError:
            must_hold(files.after_crash(survival, names_kept=names_kept), told)
        else:
            assert n > len(files.operations) > 20
            return
    pytest.fail("the story never came to its end")


@pytest.mark.parametrize("survival", SURVIVALS)
def test_power_may_fail_while_recovering(survival: Survival) -> None:
    """For every n: power fails at the n-th operation of cutting off a torn tail."""
    for n in range(1, OPERATIONS_MAX):
        files = SimFiles()
        told: list[tuple[Event, bool]] = []
        tell(files, told)
        path = max(files.files)
        whole = bytes(files.files[path].content)
        files.files[path].content[:] = whole + b'{"v":1,"seq":12,' + bytes(1000)
        files.faults = {len(files.operations) + n: Fault.CRASH_AFTER}
        try:
            opened(files).close()
        except SimCrashError:
            must_hold(files.after_crash(survival, names_kept=False), told)
        else:
            assert n > 3
            return
    pytest.fail("the recovery never came to its end")


FAULTS = [Fault.NO_SPACE, Fault.IO_ERROR, Fault.TOO_LARGE, Fault.SHORT]


@pytest.mark.parametrize("fault", FAULTS)
def test_any_operation_may_fail(fault: Fault) -> None:
    """For every n: the n-th operation fails, the journal says so, and promises are kept."""
    for n in range(1, OPERATIONS_MAX):
        files = SimFiles({n: fault})
        told: list[tuple[Event, bool]] = []
        said = False
        try:
            tell(files, told)
        except DurabilityLostError:
            said = True
        if n > len(files.operations):
            assert not said
            return
        # Only a write can be short; to every other operation that fault does nothing.
        assert said or (fault is Fault.SHORT and files.operations[n - 1] != "write")
        must_hold(files.after_crash(kept, names_kept=True), told)
        must_hold(files.after_crash(lost, names_kept=False), told)
    pytest.fail("the story never came to its end")


@pytest.mark.parametrize("fault", FAULTS)
def test_any_operation_may_fail_with_a_reserve(fault: Fault) -> None:
    """As above; explanations may be dropped now, but no acknowledged act may."""
    acts = [event for event, _ in STORY if event.DURABILITY is Durability.A]
    for n in range(1, OPERATIONS_MAX):
        files = SimFiles({n: fault})
        told: list[tuple[Event, bool]] = []
        with contextlib.suppress(DurabilityLostError):
            tell(files, told, reserve=True)
        promised = sum(event.DURABILITY is Durability.A for event, _ in told)
        for found in (
            files.after_crash(kept, names_kept=True),
            files.after_crash(lost, names_kept=False),
        ):
            with opened(found) as journal:
                events = [entry.event for entry in journal.read()]
            kept_acts = [e for e in events if e is not None and e.DURABILITY is Durability.A]
            assert acts[: len(kept_acts)] == kept_acts
            assert len(kept_acts) >= promised
        if n > len(files.operations):
            return
    pytest.fail("the story never came to its end")


@pytest.mark.parametrize("fault", [Fault.IO_ERROR, Fault.TOO_LARGE, Fault.SHORT])
def test_a_failed_write_leaves_no_garbage(fault: Fault) -> None:
    """Part of a line is cut off at once, and the journal accepts nothing any more."""
    files = SimFiles()
    journal = opened(files)
    journal.append(HALT, START, CONFIG)
    before = bytes(files.files[FOLDER / "2026-11-22.jsonl"].content)
    files.faults = {len(files.operations) + 1: fault}

    with pytest.raises(DurabilityLostError):
        journal.append(FILL, START, CONFIG)
    assert before == bytes(files.files[FOLDER / "2026-11-22.jsonl"].content)
    assert Health.BROKEN is journal.health
    assert 1 == journal.head[0]
    for action in (lambda: journal.append(STOPPED, START, CONFIG), journal.commit):
        with pytest.raises(DurabilityLostError, match="lost durability earlier"):
            action()
    journal.close()


def test_a_failed_sync_is_never_repeated() -> None:
    """The second sync would succeed without having written anything."""
    files = SimFiles()
    journal = opened(files)
    journal.append(HALT, START, CONFIG)
    files.faults = {len(files.operations) + 2: Fault.IO_ERROR}
    with pytest.raises(DurabilityLostError, match="a sync failed"):
        journal.append(FILL, START, CONFIG)
    operations = len(files.operations)
    with pytest.raises(DurabilityLostError):
        journal.append(FILL, START, CONFIG)
    journal.close()

    assert operations == len(files.operations)


@pytest.mark.parametrize("torn_tail", [b"", b'{"v":1'])
def test_what_was_read_at_a_start_survives_the_next_power_cut(torn_tail: bytes) -> None:
    """After a kill the system serves bytes that are not on the disk; opening puts them there."""
    files = SimFiles()
    killed = JsonlJournal(FOLDER, CHAIN, "boot", durability="group", files=files)
    killed.append(HALT, START, CONFIG)
    killed.append(FILL, START, CONFIG)
    files.files[FOLDER / "2026-11-22.jsonl"].content += torn_tail
    head = opened(files).head

    assert 2 == head[0]
    assert head == opened(files.after_crash(lost, names_kept=False)).head


def test_a_failed_cut_stops_everything() -> None:
    """If part of a line cannot be removed, no line may follow it, reserve or not."""
    files = SimFiles()
    journal = opened(files, reserve=True)
    journal.append(HALT, START, CONFIG)
    n = len(files.operations)
    files.faults = {n + 1: Fault.SHORT, n + 2: Fault.NO_SPACE}

    with pytest.raises(DurabilityLostError, match="could not be cut off"):
        journal.append(STOPPED, START, CONFIG)
    assert Health.BROKEN is journal.health


def test_a_full_disk_stops_entries_but_not_exits() -> None:
    """The reserve makes room for exits and last words; explanations are dropped and counted."""
    files = SimFiles(room=110_000)
    journal = opened(files, reserve=True)
    with pytest.raises(DurabilityLostError, match="nothing that opens a position"):
        fill_up(journal, intent())
    accepted = journal.head[0]
    assert Health.RESERVE is journal.health
    assert HOME / ".reserve" not in files.files
    with pytest.raises(DurabilityLostError, match="nothing that opens a position"):
        journal.append(intent(), START, CONFIG)

    assert accepted + 1 == journal.append(intent(Purpose.EXIT), START, CONFIG)
    assert accepted + 1 == journal.append(SCAN, START, CONFIG)
    assert 1 == journal.dropped
    assert accepted + 2 == journal.append(STOPPED, START, CONFIG)
    journal.close()
    assert accepted + 2 == verify(FOLDER, CHAIN, full=True, files=files).head_seq


def test_what_waits_is_not_lost_when_the_disk_is_full() -> None:
    """Explaining facts already in the chain go out with the first fact that fits again."""
    files = SimFiles(room=101_000)
    journal = opened(files, reserve=True)
    for _ in range(10):
        journal.append(SCAN, START, CONFIG)
    with pytest.raises(DurabilityLostError):
        journal.append(intent(), START, CONFIG)
    journal.append(STOPPED, START, CONFIG)

    assert [SCAN] * 10 + [STOPPED] == [entry.event for entry in journal.read()]


def test_the_reserve_ends_too() -> None:
    """When even the reserve is used up, the journal is broken, and whole."""
    files = SimFiles(room=110_000)
    journal = opened(files, reserve=True)
    with pytest.raises(DurabilityLostError, match="could not be written"):
        fill_up(journal, HALT)

    assert Health.BROKEN is journal.health
    assert journal.head[0] == verify(FOLDER, CHAIN, full=True, files=files).lines


def test_a_start_on_a_full_disk_opens_no_positions() -> None:
    """Without room for the reserve the journal starts as if it had been used."""
    files = SimFiles(room=50_000)
    journal = opened(files, reserve=True)

    assert Health.RESERVE is journal.health
    with pytest.raises(DurabilityLostError):
        journal.append(intent(), START, CONFIG)
    journal.append(intent(Purpose.EXIT), START, CONFIG)


def test_the_reserve_is_really_written_once(tmp_path: Path) -> None:
    """The file has its whole size in blocks that cannot be holes, and is kept as it is."""
    reserve = Reserve(tmp_path / "j" / ".reserve", 100_001, RealFiles())
    assert reserve.keep()
    first = (tmp_path / "j" / ".reserve").read_bytes()
    assert reserve.keep()

    assert first == (tmp_path / "j" / ".reserve").read_bytes()
    assert 100_001 == len(first)
    assert len(set(first)) == 256
    reserve.free()
    reserve.free()
    assert not (tmp_path / "j" / ".reserve").exists()


def test_a_real_file_size_limit_breaks_the_journal_cleanly(tmp_path: Path) -> None:
    """The operating system refuses to write on: the process lives and the file is whole."""
    program = f"""
import resource
from pathlib import Path
from tests.fakes.journal_facts import CHAIN, CONFIG, HALT, START
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.core.ports.journal import DurabilityLostError
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, {resource.RLIM_INFINITY}))
journal = JsonlJournal(Path({str(tmp_path)!r}), CHAIN, "boot")
try:
    for _ in range(100):
        journal.append(HALT, START, CONFIG)
except DurabilityLostError:
    print(journal.head[0])
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    found = verify(tmp_path, CHAIN, full=True)

    assert found.lines == int(result.stdout) > 5
    assert 0 == found.torn


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    """Opening fails with a message for people when a file is in the way."""
    (tmp_path / "in_the_way").touch()

    with pytest.raises(DurabilityLostError, match="in_the_way/lane could not be opened"):
        JsonlJournal(tmp_path / "in_the_way" / "lane", CHAIN, "boot")


@pytest.mark.parametrize("survival", SURVIVALS)
@pytest.mark.parametrize("names_kept", [True, False])
def test_a_file_is_replaced_as_a_whole(survival: Survival, names_kept: bool) -> None:
    """For every n: power fails at the n-th operation; the old or the new content is there."""
    path = Path("/home/config.yaml")
    for n in range(1, OPERATIONS_MAX):
        files = SimFiles()
        write_file(files, path, b"old")
        files.faults = {len(files.operations) + n: Fault.CRASH_AFTER}
        try:
            write_file(files, path, b"the new one")
        except SimCrashError:
            found = files.after_crash(survival, names_kept=names_kept)
            assert bytes(found.files[path].content) in (b"old", b"the new one")
        else:
            found = files.after_crash(lost, names_kept=False)
            assert b"the new one" == bytes(found.files[path].content)
            return
    pytest.fail("the file was never written")


def test_a_replaced_file_survives_an_old_draft(tmp_path: Path) -> None:
    """What an earlier crash left behind is no obstacle."""
    (tmp_path / ".a.new").write_bytes(b"left over")
    write_file(RealFiles(), tmp_path / "a", b"content")

    assert b"content" == (tmp_path / "a").read_bytes()
    assert ["a"] == [path.name for path in tmp_path.iterdir()]


def test_durability_lost_is_a_journal_error() -> None:
    """Callers may catch everything about journals with one class."""
    assert issubclass(DurabilityLostError, JournalError)


@pytest.mark.parametrize("interrupt", [Fault.INTERRUPT_BEFORE, Fault.INTERRUPT_AFTER])
def test_an_interrupt_never_repeats_a_line(interrupt: Fault) -> None:
    """For every n: Ctrl-C at the n-th operation, then an orderly close; the chain stays whole."""
    for n in range(1, OPERATIONS_MAX):
        files = SimFiles({n: interrupt})
        told: list[tuple[Event, bool]] = []
        try:
            tell(files, told)
        except KeyboardInterrupt:
            must_hold(files, told)
        else:
            return
    pytest.fail("the story never came to its end")
