"""Tape format 1: what is written, what is refused, and what survives a crash."""

from __future__ import annotations

import errno
import hashlib
import io
from pathlib import Path
from typing import BinaryIO

import pytest
import zstandard

from market_bot.adapters.storage.tape import TapeError, TapeReader, TapeWriter, TornTapeError
from market_bot.adapters.storage.tape_frames import compress_frame, read_frames
from market_bot.core.domain.market import Market
from market_bot.core.domain.numbers import Micros, Price, Size
from market_bot.core.ports.market_data import Capability
from tests.fakes.recording_sink import Fact, RecordingSink
from tests.fakes.tape_facts import ALL, a_delta, a_market, write

HEADER = (
    b'{"tape":1,"venue":"kalshi","source":"a test","capabilities":["l2_stream","prints"],'
    b'"units":{"price":"1e-6","size":"1e-6","time":"us"}}\n'
)
META = (
    b'["meta",1,0,"kalshi","M-1","E","F","",[[0,1000000,10000]],1000000,1000000,null,null,'
    b'["none",0,0,1],null,["",false,false,null,null,null,null,null]]\n'
)
DELTA = b'["delta",2,null,0,"bid",480000,5000000]\n'
FACTS: list[Fact] = [("meta", a_market(), Micros(1)), a_delta(2), a_delta(3), a_delta(4)]


def by_hand(path: Path, *groups: bytes) -> Path:
    """Write groups of lines without the writer."""
    path.write_bytes(b"".join(compress_frame(group) for group in groups))
    return path


def played(path: Path) -> tuple[list[Fact], str]:
    """Play a tape and return what came, and the complaint at the end."""
    sink = RecordingSink()
    complaint = ""
    try:
        TapeReader(path).play(sink)
    except TapeError as e:
        complaint = str(e)
    assert "\n" not in complaint
    return sink.facts, complaint


def test_lines_are_as_the_reference_says(tmp_path: Path) -> None:
    """The header, a market and a delta have exactly the documented bytes."""
    tape = write(tmp_path / "t", FACTS[:2])

    assert (
        HEADER + META + DELTA
        == zstandard.ZstdDecompressor()
        .stream_reader(tape.read_bytes(), read_across_frames=True)
        .read()
    )


def test_header_is_read_back(tmp_path: Path) -> None:
    """The reader knows venue, source, capabilities and whether there are ticks."""
    header = TapeReader(write(tmp_path / "t", FACTS, ticks=True)).header

    assert ("kalshi", "a test", ALL, True) == (
        header.venue,
        header.source,
        header.capabilities,
        header.ticks,
    )


def test_sha256_is_that_of_the_file(tmp_path: Path) -> None:
    """The digest names the file's bytes."""
    tape = write(tmp_path / "t", FACTS)

    assert hashlib.sha256(tape.read_bytes()).hexdigest() == TapeReader(tape).sha256


@pytest.mark.parametrize(
    ("first", "complaint"),
    [
        (b"", "not JSON"),
        (b"hello\n", "not JSON"),
        (b"[1]\n", "is this a tape?"),
        (b'{"v":1}\n', "is this a tape?"),
        (HEADER.replace(b'"tape":1', b'"tape":2'), "tape format 2, this market-bot reads format 1"),
        (HEADER.replace(b'"tape":1', b'"tape":true'), "tape format True"),
        (HEADER.replace(b"prints", b"guesses"), "guesses"),
        (HEADER.replace(b'"us"', b'"ms"'), "units"),
        (HEADER.replace(b'"source"', b'"origin"'), "origin"),
        (HEADER.replace(b'"kalshi"', b'""'), "venue"),
    ],
)
def test_bad_header_is_refused(tmp_path: Path, first: bytes, complaint: str) -> None:
    """A file that does not begin with a header of format 1 is refused in one line."""
    path = by_hand(tmp_path / "t", first)

    with pytest.raises(TapeError) as e:
        TapeReader(path)

    assert str(e.value).startswith(f"{path}: header: ")
    assert complaint in str(e.value)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("content", [b"", b"not compressed at all"])
def test_what_is_no_tape_is_refused(tmp_path: Path, content: bytes) -> None:
    """An empty file and a file of another kind are refused."""
    path = tmp_path / "t"
    path.write_bytes(content)

    with pytest.raises(TapeError, match=str(path)):
        TapeReader(path)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    """A file that is not there is a tape error, not a traceback."""
    with pytest.raises(TapeError, match="No such file"):
        TapeReader(tmp_path / "t")


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (b'["rumour",2]\n', "record 3: unknown record kind 'rumour'"),
        (b'["delta",2,null,1,"bid",480000,1]\n', "record 3: no meta record named market index 1"),
        (b'["trade",2,null,7,"bid",480000,1]\n', "record 3: no meta record named market index 7"),
        (b'["delta",2,null,-1,"bid",480000,1]\n', "record 3: "),
        (b'["delta",2,null,0,"bid",1000001,1]\n', "record 3: "),
        (b'["delta",2,null,0,"bid",480000,-1]\n', "record 3: "),
        (b'["delta",2,null,0,"bid",0.48,1]\n', "record 3: "),
        (b'["delta",2,null,0,"bid",480000]\n', "record 3: "),
        (b'["delta",2,null,0,"bid",480000,1,1]\n', "record 3: "),
        (b'["reference",2,null,"BTC-USD","about 5"]\n', "record 3: "),
        (b'["delta",2,nul', "record 3: "),
        (b"[" * 100_000 + b"\n", "record 3: "),
        (b'["status",253370764800000000,null,"open"]\n', "record 3: "),
        (META.replace(b'"none",0,0,1', b'"polymarket_curve",1,0,-1'), "record 3: "),
        (META.replace(b'"none",0,0,1', b'"polymarket_curve",1,0,17'), "record 3: "),
        (META.replace(b"false,null,", b'false,"1.0123456789012",'), "record 3: market M-1: finer"),
        (b'["tick",2]\n', 'record 3: a tick, but the header does not say "ticks":true'),
        (META.replace(b'1,0,"kalshi","M-1"', b'1,2,"kalshi","M-2"'), "record 3: market M-2 has in"),
        (META.replace(b'"kalshi"', b'"polymarket"'), "record 3: market M-1 belongs to polymarket"),
        (HEADER, "record 3: a second header"),
        (
            HEADER.replace(b"kalshi", b"polymarket"),
            "record 3: a second header: two tapes were joined, the first holds kalshi, the next po",
        ),
    ],
)
@pytest.mark.parametrize("split", [True, False])
def test_bad_record_is_refused_in_its_place(
    tmp_path: Path, bad: bytes, complaint: str, *, split: bool
) -> None:
    """What comes before a bad record is played, then it is named; nothing after it is played."""
    groups = (
        (HEADER, META + DELTA, bad + DELTA) if split else (HEADER + META + DELTA + bad + DELTA,)
    )

    facts, error = played(by_hand(tmp_path / "t", *groups))

    assert FACTS[:2] == facts
    assert error.startswith(f"{tmp_path / 't'}: {complaint}")


def test_joined_tapes_are_refused(tmp_path: Path) -> None:
    """Two whole tapes of different venues in one file are two tapes, not one."""
    one = write(tmp_path / "a", FACTS)
    two = write(
        tmp_path / "b", [("meta", a_market(venue="polymarket"), Micros(1))], venue="polymarket"
    )
    both = tmp_path / "c"
    both.write_bytes(one.read_bytes() + two.read_bytes())

    facts, error = played(both)

    assert FACTS == facts
    assert "the first holds kalshi, the next polymarket: run one venue at a time" in error


def test_every_truncation_gives_a_prefix(tmp_path: Path) -> None:
    """Wherever the file is cut, whole groups are played, and a cut inside one is reported."""
    whole = write(tmp_path / "t", FACTS).read_bytes()
    cut = tmp_path / "cut"
    with (tmp_path / "t").open("rb") as file:
        ends = [end for _, end in read_frames(file, "t")]
    assert 3 == len(ends)

    for length in range(ends[0], len(whole)):
        cut.write_bytes(whole[:length])
        facts, error = played(cut)

        assert FACTS[: 2 * (sum(end <= length for end in ends) - 1)] == facts
        assert ("cut off inside the group" in error) is (length not in ends)


def test_truncated_header_is_torn(tmp_path: Path) -> None:
    """A file cut inside its header cannot be opened, and says that it was cut."""
    whole = write(tmp_path / "t", FACTS).read_bytes()
    cut = tmp_path / "cut"

    for length in range(1, 20):
        cut.write_bytes(whole[:length])
        with pytest.raises(TornTapeError):
            TapeReader(cut)


@pytest.mark.parametrize(
    ("of_last_group", "zeros"),
    [(begun, zeros) for begun in (0, 1, 9, 20) for zeros in (8, 512, 100_000)] + [(0, 1), (0, 7)],
)
def test_zeros_at_the_end_are_torn(tmp_path: Path, of_last_group: int, zeros: int) -> None:
    """Zeros after a power cut, with or without the beginning of a group, are a torn end."""
    path = write(tmp_path / "t", FACTS)
    last = compress_frame(DELTA)[:of_last_group]
    path.write_bytes(path.read_bytes() + last + bytes(zeros))

    facts, error = played(path)

    assert FACTS == facts
    assert "cut off inside the group" in error


@pytest.mark.parametrize("content", [b"# A text", b"{", b"PK\x03\x04" + bytes(100)])
def test_what_never_was_a_tape_is_called_so(tmp_path: Path, content: bytes) -> None:
    """A file of another kind is not called damaged, since restoring it would not help."""
    path = tmp_path / "t"
    path.write_bytes(content)

    facts, error = played(path)

    assert [] == list(facts)
    assert "not a tape: `market-bot import`" in error


def test_damage_is_not_a_torn_end(tmp_path: Path) -> None:
    """A changed byte in the middle is damage: it is not repaired, and not played past."""
    path = write(tmp_path / "t", FACTS)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    facts, error = played(path)

    assert FACTS[:2] == facts
    assert "damaged" in error
    with pytest.raises(TapeError, match="damaged"):
        TapeWriter(path, "kalshi", "", ALL, append=True)
    assert bytes(content) == path.read_bytes()


def test_oversized_group_is_refused(tmp_path: Path) -> None:
    """A group that would fill the memory is refused."""
    path = by_hand(tmp_path / "t", HEADER, b" " * (64 * 1024 * 1024 + 1))

    _, error = played(path)

    assert "holds more than" in error


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    """A few bytes that claim gigabytes are not read further than to the limit."""
    bomb = io.BytesIO(compress_frame(b" " * (512 * 1024 * 1024)))

    with pytest.raises(TapeError, match="holds more than"):
        list(read_frames(bomb, "bomb"))

    assert bomb.tell() < len(bomb.getvalue()) // 4


def test_torn_end_can_be_allowed(tmp_path: Path) -> None:
    """Whoever reads along with a recording takes a torn end for the end."""
    path = write(tmp_path / "t", FACTS)
    path.write_bytes(path.read_bytes()[:-1])
    reader = TapeReader(path, allow_torn=True)
    sink = RecordingSink()

    assert 2 == reader.play(sink)
    assert FACTS[:2] == sink.facts
    assert reader.truncated


def test_play_can_stop_early(tmp_path: Path) -> None:
    """A time or a number of records ends the playing, also in front of a torn end."""
    path = write(tmp_path / "t", FACTS)
    path.write_bytes(path.read_bytes()[:-1])
    reader = TapeReader(path)

    assert 1 == reader.play(RecordingSink(), until=Micros(1))
    assert 2 == reader.play(RecordingSink(), limit=2)
    assert 0 == reader.play(RecordingSink(), limit=0)


def test_import_appears_only_when_complete(tmp_path: Path) -> None:
    """An import has another name until it is closed, and leaves nothing when it fails."""
    path = tmp_path / "t"
    with TapeWriter(path, "kalshi", "", ALL) as tape:
        tape.meta(a_market(), Micros(1))
        assert ["t.partial"] == [entry.name for entry in tmp_path.iterdir()]
    complete = path.read_bytes()

    with pytest.raises(ZeroDivisionError), TapeWriter(path, "kalshi", "", ALL) as tape:
        raise ZeroDivisionError

    assert [path] == list(tmp_path.iterdir())
    assert complete == path.read_bytes()


def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    """A writer that was closed stays closed."""
    tape = TapeWriter(tmp_path / "t", "kalshi", "", ALL)
    tape.close()
    tape.close()

    assert (tmp_path / "t").exists()


def test_recording_loses_only_the_open_group(tmp_path: Path) -> None:
    """What was flushed is in the file before it is closed."""
    tape = TapeWriter(tmp_path / "t", "kalshi", "", ALL, append=True, group=2)
    for fact in FACTS[:3]:
        getattr(tape, str(fact[0]))(*fact[1:])
    crashed = played(tmp_path / "t")
    tape.close()

    assert (FACTS[:2], "") == crashed
    assert (FACTS[:3], "") == played(tmp_path / "t")


def test_a_tick_ends_an_old_group(tmp_path: Path) -> None:
    """A group whose first record is old enough is written at the tick."""
    path = tmp_path / "t"
    with TapeWriter(
        path, "kalshi", "", ALL, ticks=True, append=True, flush_after=Micros(10)
    ) as tape:
        tape.meta(a_market(), Micros(1))
        tape.tick(Micros(10))
        assert ([], "") == played(path)
        tape.tick(Micros(11))
        assert (FACTS[:1], "") == played(path)


@pytest.mark.parametrize("cut", [1, 10])
def test_recording_again_repairs_a_torn_end(tmp_path: Path, cut: int) -> None:
    """The torn bytes are kept aside, the recording goes on behind the last whole group."""
    path = write(tmp_path / "t", FACTS)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    other: list[Fact] = [("meta", a_market("M-2"), Micros(9)), a_delta(9, "M-2")]

    with TapeWriter(path, "kalshi", "again", ALL, append=True) as tape:
        for fact in other:
            getattr(tape, str(fact[0]))(*fact[1:])

    assert tape.torn_kept is not None
    sound = path.read_bytes()[: len(whole) - cut - len(tape.torn_kept.read_bytes())]
    assert whole[:-cut] == sound + tape.torn_kept.read_bytes()
    assert (FACTS[:2] + other, "") == played(path)


def test_torn_ends_do_not_overwrite_each_other(tmp_path: Path) -> None:
    """Two crashes at the same place leave two files aside."""
    path = write(tmp_path / "t", FACTS)
    whole = path.read_bytes()
    kept = set()
    for _ in range(2):
        path.write_bytes(whole[:-1])
        with TapeWriter(path, "kalshi", "", ALL, append=True) as tape:
            kept.add(tape.torn_kept)

    assert 2 == len(kept)


@pytest.mark.parametrize("cut", [0, 5])
def test_recording_into_nothing_begins_a_tape(tmp_path: Path, cut: int) -> None:
    """An empty file, or one torn inside its header, gets a header."""
    path = tmp_path / "t"
    path.write_bytes(compress_frame(HEADER)[:cut])
    with TapeWriter(path, "kalshi", "", ALL, append=True):
        pass

    assert ([], "") == played(path)


@pytest.mark.parametrize(
    ("venue", "capabilities", "ticks"),
    [
        ("polymarket", ALL, False),
        ("kalshi", frozenset({Capability.QUOTES}), False),
        ("kalshi", ALL, True),
    ],
)
def test_recording_into_another_tape_is_refused(
    tmp_path: Path, venue: str, capabilities: frozenset[Capability], *, ticks: bool
) -> None:
    """A recording continues only a tape that makes the same claims, and changes no other."""
    path = write(tmp_path / "t", FACTS)
    before = path.read_bytes()

    with pytest.raises(TapeError, match="record into another file"):
        TapeWriter(path, venue, "", capabilities, ticks=ticks, append=True)

    assert before == path.read_bytes()


@pytest.mark.parametrize(
    "fact",
    [
        a_delta(1, "M-9"),
        a_delta(-1),
        a_delta(1, size=-1),
        ("delta", "M-1", None, Price(1_000_001), Size(1), Micros(1), None),
        ("trade", "M-1", None, Price(1), Size(1), Micros(1), Micros(-1)),
        ("book", "M-1", {Price(-1): Size(1)}, {}, Micros(1), None),
        ("book", "M-9", {}, {}, Micros(1), None),
        ("status", "M-9", None, Micros(1)),
        ("gap", "", "\ud800", Micros(1)),
        ("reference", "BTC-USD", "NaN", Micros(1), None),
        ("resolution", "M-1", Price(1_000_001), Micros(1)),
        ("meta", a_market(venue="polymarket"), Micros(1)),
        ("meta", Market(venue="kalshi", id="", event="", family=""), Micros(1)),
        ("tick", Micros(1)),
    ],
)
def test_what_could_not_be_read_is_not_written(tmp_path: Path, fact: Fact) -> None:
    """The writer refuses a fact that the reader would refuse, and goes on without it."""
    path = tmp_path / "t"
    with TapeWriter(path, "kalshi", "", ALL) as tape:
        tape.meta(a_market(), Micros(1))
        with pytest.raises(TapeError):
            getattr(tape, str(fact[0]))(*fact[1:])

    assert (FACTS[:1], "") == played(path)


def test_a_group_holds_something(tmp_path: Path) -> None:
    """A group of no records would never be written."""
    with pytest.raises(TapeError, match="at least one record"):
        TapeWriter(tmp_path / "t", "kalshi", "", ALL, group=0)


def test_unwritable_place_is_one_line(tmp_path: Path) -> None:
    """A folder that is not there is a tape error that says so."""
    with pytest.raises(TapeError, match="cannot write the tape: No such file"):
        TapeWriter(tmp_path / "nowhere" / "t", "kalshi", "", ALL)


def test_failed_write_leaves_a_readable_tape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a full disk the tape ends at its last whole group, and takes no more."""
    path = tmp_path / "t"
    tape = TapeWriter(path, "kalshi", "", ALL, append=True)
    tape.meta(a_market(), Micros(1))
    tape.flush()
    monkeypatch.setattr(tape, "_file", FullDisk(tape._file))
    tape.gap("", "lost", Micros(2))

    with pytest.raises(TapeError, match="No space left on device"):
        tape.flush()

    assert (FACTS[:1], "") == played(path)
    with pytest.raises(TapeError, match="an earlier write failed"):
        tape.gap("", "lost", Micros(3))
    tape.close()


class FullDisk:
    """A file on a disk that takes three more bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = 3
        self.fileno = self._file.fileno
        self.tell = self._file.tell
        self.truncate = self._file.truncate
        self.close = self._file.close

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._file.closed

    def write(self, data: memoryview) -> int:
        """Write what still fits."""
        if not self._left:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken, self._left = self._left, 0
        return self._file.write(data[:taken])
