"""Reading a long journal: checked line by line and folded, beside bare decoding of the lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs
import msgspec

from benchmarks.lives import recorded_life
from benchmarks.measure import Side, child, interleave
from benchmarks.rows import AtMost, Row
from benchmarks.setting import Benchmark, Setting
from market_bot.adapters.storage import journal_tools
from market_bot.adapters.storage.codec import decode_state
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.bootstrap.taped_lane import snapshot_of
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.record_facts import Recorder

_CHAIN: Final = Chain("simulated", "bench")
_CONFIG: Final = "c" * 16
_GOAL: Final = AtMost(2.0)
_BLOCK: Final = 1 << 20
_FLAT: Final = AtMost(1.1)


class _Data(msgspec.Struct, frozen=True, gc=False):
    signal: str | None = None
    strategy: str | None = None
    market: str | None = None
    price: str | None = None
    size: str | None = None


class _BareLine(msgspec.Struct, frozen=True, gc=False):
    v: int
    seq: int
    ts: str
    boot: str
    venue: str
    lane: str
    cfg: str
    type: str
    data: _Data
    prev: str
    hash: str


def measure(setting: Setting) -> Iterator[Row]:
    """Yield the rows: speed beside bare decoding, and memory at a tenth and at the whole."""
    lines = setting.pick(1_000_000, 50_000, 400)
    whole = setting.folder / "whole"
    mix = write_journal(setting, whole, lines)
    folder = chain_folder(whole, _CHAIN)
    sides: Mapping[str, Side] = {
        "bare decode": lambda: bare(folder),
        "verify": lambda: journal_tools.verify(folder, _CHAIN, full=False),
        "scan": lambda: scan(folder),
        "fold": lambda: fold(folder),
        "fold all": lambda: fold_all(folder),
        "from checkpoint": lambda: fold_from_checkpoint(folder),
    }
    times = interleave(setting, sides, warm=False)
    note = "16 fields; " + mix
    for side, what, goal in (
        ("scan", "checked (hash, chain, order)", None),
        ("fold", "checked, and what changes state decoded and folded", _GOAL),
        ("fold all", "checked, every fact decoded and folded", None),
    ):
        yield times.row(
            f"journal of {lines:,} lines: {what}",
            side,
            "bare decode",
            units=lines,
            unit="lines",
            goal=goal,
            note=note if side == "fold" else "",
        )
    seconds = times.median("from checkpoint")
    yield Row(
        measures=f"journal of {lines:,} lines: folded from the newest checkpoint",
        ours=seconds * 1000,
        peer_name="folded from the beginning",
        peer=times.median("fold") * 1000,
        unit="ms",
        ratio=times.quotient("from checkpoint", "fold"),
        note="a start pays this; it grows with the day, not with the journal",
    )
    yield _memory(setting, folder, lines)


def _memory(setting: Setting, folder: Path, lines: int) -> Row:
    tenth = setting.folder / "tenth"
    write_journal(setting, tenth, max(1, lines // 10))
    small = _fold_in_child(chain_folder(tenth, _CHAIN))
    large = _fold_in_child(folder)
    return Row(
        measures=f"most memory while folding {lines:,} lines",
        ours=large,
        peer_name="a tenth of the lines",
        peer=small,
        unit="MB",
        ratio=large / small,
        goal=_FLAT,
        note="each in a process of its own",
    )


def _fold_in_child(folder: Path) -> float:
    program = (
        "import sys; from pathlib import Path; "
        "from benchmarks.cases.journal_scan import fold; fold(Path(sys.argv[1]))"
    )
    return child(program, str(folder)).rss_mb


def write_journal(setting: Setting, place: Path, lines: int) -> str:
    """Write a journal of so many lines or a few more, in the mix of a real run; tell the mix."""
    life = recorded_life(setting)
    span = life[-1][1] - life[0][1] + 60_000_000
    journal = JsonlJournal(chain_folder(place, _CHAIN), _CHAIN, boot="bench", durability="group")
    recorder = Recorder(journal=journal, state=LaneState(), config=_CONFIG, snapshot=snapshot_of)
    counts: dict[str, int] = {}
    turn = 0
    while journal.head[0] < lines:
        for event, at in life:
            recorder.record(_of_turn(event, turn), Micros(at + turn * span))
            counts[event.TYPE] = counts.get(event.TYPE, 0) + 1
            if journal.head[0] >= lines:
                break
        turn += 1
    journal.close()
    total = sum(counts.values())
    common = sorted(counts.items(), key=lambda item: -item[1])[:5]
    return ", ".join(f"{name} {100 * n / total:.0f} %" for name, n in common)


def _of_turn(event: ev.Event, turn: int) -> ev.Event:
    """Return a fact with ids of its own per repetition, so that nothing is known already."""
    changes = {
        name: f"{turn:04x}{getattr(event, name)[4:]}"
        for name in ("intent", "fill", "venue_order")
        if hasattr(event, name)
    }
    return attrs.evolve(event, **changes) if changes else event


def bare(folder: Path) -> int:
    """Decode every line typed, and nothing else."""
    decode = msgspec.json.Decoder(_BareLine).decode
    count = 0
    for path in sorted(folder.glob("*.jsonl")):
        rest = b""
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                pieces = (rest + block).split(b"\n")
                rest = pieces.pop()
                for line in pieces:
                    decode(line)
                count += len(pieces)
    return count


def scan(folder: Path) -> int:
    """Check every line."""
    return sum(1 for _ in JournalReader(folder, _CHAIN).scan())


def fold(folder: Path) -> LaneState:
    """Check every line, and fold those that change the state."""
    state = LaneState()
    for entry in JournalReader(folder, _CHAIN).read_changes():
        if entry.event is not None:
            state = apply(state, entry.event, entry.at)
    return state


def fold_all(folder: Path) -> LaneState:
    """Check and decode every line, and fold it."""
    state = LaneState()
    for entry in JournalReader(folder, _CHAIN).read():
        if entry.event is not None:
            state = apply(state, entry.event, entry.at)
    return state


def fold_from_checkpoint(folder: Path) -> LaneState:
    """Take the newest checkpoint's state and fold what came after it."""
    state = LaneState()
    for entry in JournalReader(folder, _CHAIN).read_changes(from_checkpoint=True):
        if isinstance(entry.event, ev.Checkpoint):
            state = decode_state(entry.event.state, LaneState)
        elif entry.event is not None:
            state = apply(state, entry.event, entry.at)
    return state


benchmark = Benchmark(
    name="journal_scan",
    summary="checking and folding a long journal, beside bare decoding",
    measure=measure,
)
