"""The journal on disk: what is written, what is cut off, what is refused."""

from __future__ import annotations

import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from market_bot.adapters.storage import line_format
from market_bot.adapters.storage.durable_file import Files, RealFiles, write_file
from market_bot.adapters.storage.journal import JsonlJournal, TornTail
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.storage.journal_tools import verify
from market_bot.adapters.storage.memory_journal import MemoryFiles
from market_bot.core.domain.events import Event
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.journal import Chain, CorruptJournalError, JournalError
from tests.fakes.journal_facts import CHAIN, CHECKPOINT, CONFIG, DAY, HALT, SCAN, START, STORY


def a_story(folder: Path, story: tuple[tuple[Event, int], ...] = STORY) -> list[Path]:
    """Write facts and return the files, oldest first."""
    with JsonlJournal(folder, CHAIN, "boot") as journal:
        for event, t in story:
            journal.append(event, Micros(START + t), CONFIG)
    return sorted(folder.glob("*.jsonl"))


def events_of(folder: Path) -> list[Event | None]:
    """Return the facts a fresh reader finds."""
    return [entry.event for entry in JournalReader(folder, CHAIN).read()]


def test_lines_are_written_like_this(tmp_path: Path) -> None:
    """Envelope, order and hashes are pinned, so that the format cannot change unnoticed."""
    (path,) = a_story(tmp_path, ((HALT, 0), (SCAN, 1)))
    first, second = path.read_bytes().splitlines()

    assert (
        first
        == (
            '{"v":1,"seq":1,"ts":"2026-11-22T00:30:00.123456Z","boot":"boot","venue":"kalshi",'
            '"lane":"paper","cfg":"c0ffee","type":"halt","data":{"by":"operator",'
            '"reason":"lunch – back soon","flatten":false},'
            '"prev":"0000000000000000000000000000000000000000000000000000000000000000",'
            '"hash":"ecf0ca011f543d1f03795c567b8ec09b9790836abce9a21f6d8d3d4ab72e186f"}'
        ).encode()
    )
    assert second == (
        b'{"v":1,"seq":2,"ts":"2026-11-22T00:30:00.123457Z","boot":"boot","venue":"kalshi",'
        b'"lane":"paper","cfg":"c0ffee","type":"scan","data":{"position":"7","markets":3,'
        b'"views":2,"signals":1,"denied":0,"intents":1,"equity":"100.5"},'
        b'"prev":"ecf0ca011f543d1f03795c567b8ec09b9790836abce9a21f6d8d3d4ab72e186f",'
        b'"hash":"98f32b79faff9b485918ce6c1d51898e6cc27b12fcdc3236d99a021995f12d8a"}'
    )


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    """Files are 0600 and folders 0700."""
    (path,) = a_story(tmp_path / "lane", ((HALT, 0),))

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)


def test_files_are_named_after_their_day(tmp_path: Path) -> None:
    """One file per UTC day; the second one opens with a checkpoint that continues the chain."""
    first, second = a_story(tmp_path)

    assert ["2026-11-22.jsonl", "2026-11-23.jsonl"] == [first.name, second.name]
    assert b'"type":"checkpoint"' in second.read_bytes().splitlines()[0]
    assert first.read_bytes()[-67:-3] in second.read_bytes().splitlines()[0]


def test_a_chain_lies_in_its_own_folder(tmp_path: Path) -> None:
    """The folder follows from venue, lane and run."""
    assert tmp_path / "kalshi" / "tape" / "ab12" == chain_folder(
        tmp_path, Chain("kalshi", "tape", "ab12")
    )
    assert tmp_path / "kalshi" / "paper" == chain_folder(tmp_path, CHAIN)


@pytest.mark.parametrize(
    "chain",
    [Chain("..", "paper"), Chain("a/b", "paper"), Chain("", "paper"), Chain("a", "b", ".hidden")],
)
def test_a_chain_cannot_leave_the_journal(tmp_path: Path, chain: Chain) -> None:
    """Names that are no plain folder names are refused."""
    with pytest.raises(JournalError, match="cannot name a folder"):
        chain_folder(tmp_path, chain)


def cut_and_reopen(files: Files, folder: Path, contents: dict[str, bytes], cut: int) -> None:
    """Check what opening makes of a journal whose last file ends at a byte."""
    name = max(contents)
    story = [event for event, _ in STORY]
    whole, rest = contents[name][:cut].count(b"\n"), contents[name][:cut].rpartition(b"\n")[2]
    kept = len(story) - contents[name].count(b"\n") + whole
    files.make_folder(folder)
    for path, content in contents.items():
        write_file(files, folder / path, content[:cut] if path == name else content)
    with JsonlJournal(folder, CHAIN, "later", files=files) as journal:
        assert story[:kept] == [entry.event for entry in journal.read()]
        assert kept == journal.head[0]
        if rest:
            start = cut - len(rest)
            aside = folder / f"{name}.torn-{start}"
            assert TornTail(folder / name, start, len(rest), aside) == journal.recovered
            descriptor = files.open(aside)
            assert rest == files.read(descriptor, len(rest) + 1, 0)
            files.close(descriptor)
        else:
            assert journal.recovered is None
        # Life goes on: the next day's first fact, and everything is still whole.
        journal.append(CHECKPOINT, Micros(START + 2 * DAY), CONFIG)
    assert kept + 1 == verify(folder, CHAIN, full=True, files=files).lines


def test_a_cut_at_any_byte_leaves_a_prefix(tmp_path: Path) -> None:
    """Wherever the last file ends, opening keeps the whole lines and puts the rest aside."""
    contents = {path.name: path.read_bytes() for path in a_story(tmp_path)}

    for cut in range(len(contents[max(contents)]) + 1):
        cut_and_reopen(MemoryFiles(), Path("/lane"), contents, cut)


def test_a_cut_on_a_real_disk_leaves_a_prefix(tmp_path: Path) -> None:
    """The same with real files, at every hundredth byte and at both ends of a line."""
    contents = {path.name: path.read_bytes() for path in a_story(tmp_path / "original")}
    last = contents[max(contents)]
    line = last.index(b"\n") + 1

    for cut in sorted({0, 1, line - 1, line, line + 1, len(last) - 1, *range(0, len(last), 100)}):
        cut_and_reopen(RealFiles(), tmp_path / str(cut), contents, cut)


def test_trailing_zeros_are_cut_off(tmp_path: Path) -> None:
    """A file that grew without its content ends in zeros; they are torn, not corrupt."""
    (path,) = a_story(tmp_path, ((HALT, 0), (SCAN, 1)))
    with path.open("ab") as file:
        file.write(bytes(5000))
    with JsonlJournal(tmp_path, CHAIN, "later") as journal:
        recovered = journal.recovered

    assert recovered is not None
    assert 5000 == recovered.size
    assert [HALT, SCAN] == events_of(tmp_path)


def test_any_changed_byte_is_noticed(tmp_path: Path) -> None:
    """Flip a bit of every byte in turn: either the chain is corrupt, or a torn tail is seen."""
    flips = (0x01, 0x20, 0x80)
    story = (STORY[0], STORY[1], STORY[3], STORY[6], STORY[7], STORY[10])
    for path in a_story(tmp_path, story):
        whole = path.read_bytes()
        for position in range(len(whole)):
            changed = bytearray(whole)
            changed[position] ^= flips[position % len(flips)]
            path.write_bytes(changed)
            try:
                found = verify(tmp_path, CHAIN, full=True)
            except CorruptJournalError as e:
                assert f"{path}: byte " in str(e)  # noqa: PT017 - both outcomes are right
            else:
                assert found.torn > 0
        path.write_bytes(whole)
    assert verify(tmp_path, CHAIN, full=True).lines == len(story)


def _swap(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[2], lines[1], *lines[3:]]


def _repeat(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], *lines[1:]]


def _drop(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], *lines[3:]]


def _repeat_the_last(lines: list[bytes]) -> list[bytes]:
    return [*lines, lines[-1]]


def _drop_the_first(lines: list[bytes]) -> list[bytes]:
    return lines[1:]


def _blank(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], b"\n", *lines[2:]]


def _space(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b",", b", ", 1), *lines[2:]]


def _windows(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b"\n", b"\r\n") for line in lines]


@pytest.mark.parametrize("which", [0, 1], ids=["first file", "second file"])
@pytest.mark.parametrize(
    "damage",
    [_swap, _repeat, _drop, _repeat_the_last, _drop_the_first, _blank, _space, _windows],
)
def test_moved_lines_are_noticed(
    tmp_path: Path, damage: Callable[[list[bytes]], list[bytes]], which: int
) -> None:
    """Swapped, repeated, removed or reformatted lines break the chain."""
    path = a_story(tmp_path)[which]
    path.write_bytes(b"".join(damage(path.read_bytes().splitlines(keepends=True))))

    with pytest.raises(CorruptJournalError, match="byte"):
        verify(tmp_path, CHAIN, full=True)


def test_a_forged_line_with_a_fitting_hash_is_noticed(tmp_path: Path) -> None:
    """Sealing a changed line anew does not help: the next line names the old hash."""
    (path,) = a_story(tmp_path, ((HALT, 0), (SCAN, 1), (HALT, 2)))
    lines = path.read_bytes().splitlines(keepends=True)
    forged = forge(lines[1].replace(b'"markets":3', b'"markets":4'))
    path.write_bytes(lines[0] + forged + lines[2])

    with pytest.raises(CorruptJournalError, match=f"byte {len(lines[0] + forged)}: .*prev"):
        verify(tmp_path, CHAIN, full=True)


def forge(line: bytes) -> bytes:
    """Return a line with a hash that fits it."""
    hashed = sha256(line[: -line_format.HASH_BYTES - 1] + b"}").hexdigest().encode()
    return line[: -line_format.HASH_BYTES - 1] + b',"hash":"' + hashed + b'"}\n'


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'"v":1', b'"v":2', "journal format 2, but this version reads format 1"),
        (b'"seq":1', b'"seq":2', "sequence number 2 does not fit prev"),
        (b'"venue":"kalshi"', b'"venue":"other"', "belongs to other/paper, not to kalshi/paper"),
        (b'"lane":"paper"', b'"lane":"live"', "belongs to kalshi/live"),
        (b"2026-11-22T", b"2026-11-21T", "a line of 2026-11-21 in the file of 2026-11-22"),
        (b"T00:30", b" 00:30", "not a time of this format"),
        (b'{"v":1,"seq":1', b'{"seq":1,"v":1', "not written the way"),
        (b'"type":"halt"', b'"type":"halt","extra":1', "not a line of format 1"),
        (b'"by":"operator"', b'"by":7', "str was expected: 7"),
    ],
)
def test_a_line_that_is_wrong_but_sealed_is_refused(
    tmp_path: Path, old: bytes, new: bytes, why: str
) -> None:
    """A fitting hash is not enough; the message says what is wrong and where."""
    (path,) = a_story(tmp_path, ((HALT, 0),))
    path.write_bytes(forge(path.read_bytes().replace(old, new)))

    with pytest.raises(CorruptJournalError, match=why):
        verify(tmp_path, CHAIN, full=True)


def test_a_sealed_line_out_of_time_is_refused(tmp_path: Path) -> None:
    """Time must not go back even if all hashes fit."""
    (path,) = a_story(tmp_path, ((HALT, 5), (HALT, 6)))
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + forge(second.replace(b".123462Z", b".123460Z")))

    with pytest.raises(CorruptJournalError, match="is before the line before it"):
        verify(tmp_path, CHAIN, full=True)


def test_sequence_numbers_are_counted_even_if_sealed(tmp_path: Path) -> None:
    """A gap in the numbers is found although every hash fits."""
    (path,) = a_story(tmp_path, ((HALT, 0), (HALT, 1)))
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + forge(second.replace(b'"seq":2', b'"seq":3')))

    with pytest.raises(CorruptJournalError, match="sequence number 3 where 2 must stand"):
        verify(tmp_path, CHAIN, full=True)


def test_a_later_file_that_opens_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    """Even if every hash fits: files before it could not be removed without loss."""
    _, second = a_story(tmp_path, ((HALT, 0), (CHECKPOINT, DAY)))
    line = second.read_bytes()
    data = line[line.find(b',"data":') : line.find(b',"prev":')]
    halt = line.replace(data, b',"data":{"by":"x","reason":"y"}').replace(b"checkpoint", b"halt")
    second.write_bytes(forge(halt))

    with pytest.raises(CorruptJournalError, match="a file opens with a checkpoint, not with halt"):
        verify(tmp_path, CHAIN, full=True)


def test_a_missing_file_in_the_middle_is_noticed(tmp_path: Path) -> None:
    """Old files may go, the ones between may not."""
    story = tuple((CHECKPOINT, day * DAY) for day in range(4))
    files = a_story(tmp_path, story)
    files[0].unlink()
    assert 3 == verify(tmp_path, CHAIN, full=True).lines
    files[2].unlink()

    with pytest.raises(CorruptJournalError, match=f"{files[3].name}: byte 0: sequence number 4"):
        verify(tmp_path, CHAIN, full=True)


def test_a_file_in_the_middle_must_end_with_a_whole_line(tmp_path: Path) -> None:
    """Only the newest file can be torn."""
    first, _ = a_story(tmp_path)
    whole = first.read_bytes()
    first.write_bytes(whole + b"{")

    with pytest.raises(CorruptJournalError, match=f"byte {len(whole)}: ends inside a line"):
        verify(tmp_path, CHAIN, full=True)


def test_an_empty_file_in_the_middle_is_noticed(tmp_path: Path) -> None:
    """A file that lost everything is not the same as no file."""
    _, second = a_story(tmp_path)
    second.with_name("2026-11-22.jsonl").with_name("2026-11-21.jsonl").touch()

    with pytest.raises(CorruptJournalError, match="an empty file between others"):
        verify(tmp_path, CHAIN, full=True)


def test_a_renamed_file_is_noticed(tmp_path: Path) -> None:
    """A day's file under another day's name is not that day."""
    (path,) = a_story(tmp_path, ((HALT, 0),))
    path.rename(path.with_name("2026-11-25.jsonl"))

    with pytest.raises(CorruptJournalError, match="a line of 2026-11-22 in the file of 2026-11-25"):
        JsonlJournal(tmp_path, CHAIN, "later")


def test_a_file_that_opens_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    """Where the older files were removed, a start has nothing to fold from."""
    first, second = a_story(tmp_path)
    first.unlink()
    lines = second.read_bytes().splitlines(keepends=True)
    second.write_bytes(b"".join(lines[1:]))

    with pytest.raises(CorruptJournalError, match="files are missing"):
        JsonlJournal(tmp_path, CHAIN, "later")


def test_opening_checks_from_the_newest_checkpoint_on(tmp_path: Path) -> None:
    """Damage before it is left to the full verification; damage after it stops the start."""
    first, second = a_story(tmp_path)
    whole = first.read_bytes()
    first.write_bytes(whole.replace(b"lunch", b"LUNCH"))
    JsonlJournal(tmp_path, CHAIN, "later").close()
    with pytest.raises(CorruptJournalError):
        verify(tmp_path, CHAIN, full=True)
    first.write_bytes(whole)
    second.write_bytes(second.read_bytes().replace(b"told to", b"TOLD TO"))

    with pytest.raises(CorruptJournalError):
        JsonlJournal(tmp_path, CHAIN, "later")


def test_another_chain_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    """A journal copied to another lane is not that lane's journal."""
    a_story(tmp_path)

    with pytest.raises(CorruptJournalError, match="belongs to kalshi/paper, not to kalshi/live"):
        JsonlJournal(tmp_path, Chain("kalshi", "live"), "later")


def test_types_from_the_future_are_listed(tmp_path: Path) -> None:
    """Reading tolerates them, and whoever goes live can see and refuse them."""
    (path,) = a_story(tmp_path, ((HALT, 0),))
    path.write_bytes(forge(path.read_bytes().replace(b'"type":"halt"', b'"type":"moon_phase"')))
    with JsonlJournal(tmp_path, CHAIN, "later") as journal:
        (entry,) = journal.read()

    assert ("moon_phase",) == journal.unknown_types
    assert ("moon_phase", None) == (entry.type, entry.event)


def test_waiting_facts_are_written_before_they_are_too_many(tmp_path: Path) -> None:
    """What waits is bounded; nothing is lost when the bound is reached."""
    with JsonlJournal(tmp_path, CHAIN, "boot") as journal:
        most = 0
        for _ in range(1000):
            journal.append(SCAN, START, CONFIG)
            most = max(most, journal.pending)

        assert most <= 1 << 16
        assert 1000 == len(list(journal.read()))


def test_boots_and_configurations_change_within_a_chain(tmp_path: Path) -> None:
    """Each line tells under which boot and which configuration it was written."""
    for boot in ("first", "second"):
        with JsonlJournal(tmp_path, CHAIN, boot) as journal:
            for config in ("a", "b", "a"):
                journal.append(SCAN, START, config)

    assert [(boot, config) for boot in ("first", "second") for config in "aba"] == [
        (entry.boot, entry.config) for entry in JournalReader(tmp_path, CHAIN).read()
    ]


def test_a_line_without_end_is_not_read_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of garbage without newlines is refused at a limit."""
    monkeypatch.setattr("market_bot.adapters.storage.journal_reader.LINE_BYTES_MAX", 1 << 17)
    (path,) = a_story(tmp_path, ((HALT, 0),))
    with path.open("ab") as file:
        file.write(b"x" * (1 << 18) + b"\n")

    with pytest.raises(CorruptJournalError, match="a line above"):
        verify(tmp_path, CHAIN, full=True)
