"""Windows from files: what is refused, and what is not there yet."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.line_format import context, seal
from market_bot.adapters.storage.window_reader import WindowReader
from market_bot.bootstrap.taped_lane import snapshot_of
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.numbers import HOUR, SECOND, Duration, Micros, format_time, money
from market_bot.core.ports.journal import Chain, CorruptJournalError, JournalError
from market_bot.core.usecases.record_facts import Recorder
from tests.fakes.builders import a_fill, a_sale, a_start, an_intended
from tests.fakes.clock import NOON
from tests.fakes.journal_facts import CHAIN
from tests.unit.test_window_builder import COOLDOWN, a_denial, a_scan, a_wish

FAR = Micros(NOON + 1000 * HOUR)


def write(folder: Path, events: list[ev.Event], step: int = SECOND) -> Recorder:
    """Write facts, one per step of time, and return what goes on writing."""
    journal = JsonlJournal(folder, CHAIN, "boot", durability="group")
    recorder = Recorder(journal=journal, state=LaneState(), config="c", snapshot=snapshot_of)
    for number, event in enumerate(events):
        recorder.record(event, Micros(NOON + number * step))
    journal.commit()
    return recorder


ID = "0123456789abcdef01234567"
"""An id as they are made; readers may know where it ends."""

LINES = [
    a_start(),
    a_scan(),
    a_wish(),
    a_denial(COOLDOWN),
    an_intended(),
    a_fill(),
    a_scan(),
    a_denial(phase="end", count=3),
]


def the_file(folder: Path) -> Path:
    """Return the only file of a chain."""
    (path,) = folder.iterdir()
    return path


def test_an_empty_chain_is_an_empty_window(tmp_path: Path) -> None:
    """Nothing happened is an answer."""
    window = WindowReader(tmp_path, CHAIN).read(NOON, FAR)

    assert (0, (), False) == (window.covered, window.entries, window.cut)


def test_an_unfinished_line_is_the_end(tmp_path: Path) -> None:
    """The writer may be in the middle of it; once it is whole it is read."""
    write(tmp_path, LINES)
    path = the_file(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    following = WindowReader(tmp_path, CHAIN).follow(NOON)
    before = following.read_on(FAR)
    path.write_bytes(whole)
    after = following.read_on(Micros(FAR + 1))

    assert (1, 3) == (before.opportunities[0].ticks, after.opportunities[0].ticks)
    whole_again = WindowReader(tmp_path, CHAIN).read(NOON, Micros(FAR + 1))
    assert (after.opportunities, after.held) == (whole_again.opportunities, whole_again.held)


def test_following_takes_only_what_is_new(tmp_path: Path) -> None:
    """Line by line, over midnight, it becomes what is read at once."""
    recorder = write(tmp_path, LINES, step=2 * HOUR)
    following = WindowReader(tmp_path, CHAIN).follow(NOON)
    for hours in range(1, 16, 3):
        seen = following.read_on(Micros(NOON + hours * HOUR))

        assert seen.covered == 0
        assert seen.entries == WindowReader(tmp_path, CHAIN).read(NOON, seen.until).entries
    recorder.record(a_sale(), Micros(NOON + 30 * HOUR))
    recorder.journal.commit()
    window = following.read_on(FAR)

    assert money("1.16") == window.realised
    assert window.closed == WindowReader(tmp_path, CHAIN).read(NOON, FAR).closed


@pytest.mark.parametrize("signal", ["s-1", ID])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"type":"fill","data":{', b'"type":"fill","data":{{'),
        (b'"size":"10","cost"', b'"size":"x","cost"'),
        (b'"phase":"end"', b'"phase":7'),
        (b'"reason":"because"', b'"reason":null'),
        (b'"gates":[{', b'"gates":[7,{'),
        (b'"boot":"boot"', b'"boot":"BOOT"'),
        (b"T12:00:03.", b"T12:00:01."),
        (b"T12:00:06.", b"Tab:00:06."),
        (b'"equity":"100"', b'"equity":"1e"'),
        (b'"seq":4,', b'"seq":9,'),
        (b'"type":"order_intent","data"', b'"type":"order_intent","date"'),
        (b'"count":3}', b'"count":x}'),
    ],
)
def test_a_bad_line_is_refused(tmp_path: Path, old: bytes, new: bytes, signal: str) -> None:
    """Whatever is needed and cannot be understood is corruption, with its file and place."""
    named = [
        attrs.evolve(line, signal=signal) if isinstance(line, ev.SignalRaised | ev.Denied) else line
        for line in LINES
    ]
    write(tmp_path, named)
    path = the_file(tmp_path)
    text = path.read_bytes()

    assert old in text
    path.write_bytes(text.replace(old, new, 1))
    with pytest.raises(CorruptJournalError, match=str(tmp_path)):
        WindowReader(tmp_path, CHAIN).read(NOON, FAR)


def test_a_missing_line_is_refused(tmp_path: Path) -> None:
    """Also one whose content would not have mattered."""
    write(tmp_path, LINES)
    path = the_file(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:1] + lines[2:]))
    with pytest.raises(CorruptJournalError, match="after number 1"):
        WindowReader(tmp_path, CHAIN).read(NOON, FAR)


def test_types_of_later_versions_are_passed_over(tmp_path: Path) -> None:
    """They count as lines, and nothing is made of them."""
    recorder = write(tmp_path, LINES)
    seq, head = recorder.journal.head
    path, middle = the_file(tmp_path), context("boot", CHAIN, "c")
    line, _ = seal(
        seq + 1,
        format_time(Micros(NOON + 9 * SECOND)),
        middle,
        "from_later",
        b'{"x":1}',
        head.encode(),
    )
    before = WindowReader(tmp_path, CHAIN).read(NOON, FAR)
    path.write_bytes(path.read_bytes() + line)

    assert before == WindowReader(tmp_path, CHAIN).read(NOON, FAR)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"ts":', b' "ts":'),
        (b'"phase":"end","gates":[],', b'"gates":[],"phase":"end",'),
        (b'"data":{"position":"",', b'"data":{"later":1,"position":"",'),
    ],
)
def test_lines_written_otherwise_are_understood(tmp_path: Path, old: bytes, new: bytes) -> None:
    """Spaces, another order of fields, fields of later versions: they say the same."""
    write(tmp_path, LINES)
    before, path = WindowReader(tmp_path, CHAIN).read(NOON, FAR), the_file(tmp_path)
    first, rest = path.read_bytes().split(b"\n", 1)

    assert old in rest
    path.write_bytes(first + b"\n" + rest.replace(old, new))
    assert before == WindowReader(tmp_path, CHAIN).read(NOON, FAR)


def test_a_pause_is_not_covered(tmp_path: Path) -> None:
    """However many scans stand before and after it, and whatever else is between them."""
    recorder = write(tmp_path, [a_start()])
    blind = ev.Tick(position="", reason="stale")
    told = [*range(0, 600, 60), *range(960, 1500, 60)]
    for second in told:
        recorder.record(a_scan(), Micros(NOON + second * SECOND))
    recorder.record(blind, Micros(NOON + 1500 * SECOND))
    recorder.record(a_scan(), Micros(NOON + 1510 * SECOND))
    recorder.record(a_scan(), Micros(NOON + 1520 * SECOND))
    recorder.journal.commit()

    assert WindowReader(tmp_path, CHAIN).read(NOON, FAR).covered == (540 + 480 + 10) * SECOND


def test_settings_change_between_lines(tmp_path: Path) -> None:
    """Each line belongs to the settings it carries; those before the window do not count."""
    recorder = write(tmp_path, LINES)
    for number, config in enumerate(("d", "e"), start=10):
        recorder.config = config
        recorder.record(an_intended(f"i-{number}"), Micros(NOON + number * SECOND))
    recorder.journal.commit()
    reader = WindowReader(tmp_path, CHAIN)
    late = reader.read(Micros(NOON + 10 * SECOND), FAR)

    assert ("c", "d", "e") == reader.read(NOON, FAR).configs
    assert (("d", "e"), ["d", "e"]) == (late.configs, [e.config for e in late.entries])


def test_another_chain_is_refused(tmp_path: Path) -> None:
    """A file in the wrong folder is not read as this lane's."""
    write(tmp_path, LINES)
    with pytest.raises(CorruptJournalError, match="belongs to"):
        WindowReader(tmp_path, Chain("kalshi", "live")).read(NOON, FAR)


def test_reading_begins_at_a_checkpoint(tmp_path: Path) -> None:
    """Older files are not needed; without any beginning nothing is guessed."""
    recorder = write(tmp_path, LINES, step=2 * HOUR)
    recorder.record(a_sale(), Micros(NOON + 30 * HOUR))
    recorder.journal.commit()
    first, second = sorted(tmp_path.iterdir())
    first.unlink()
    reader = WindowReader(tmp_path, CHAIN, warm_up=Duration(0))

    assert money("1.16") == reader.read(Micros(NOON + 29 * HOUR), FAR).realised
    second.write_bytes(b"".join(second.read_bytes().splitlines(keepends=True)[1:]))
    with pytest.raises(JournalError, match="bring the older files back"):
        reader.read(Micros(NOON + 29 * HOUR), FAR)
