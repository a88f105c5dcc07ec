"""Appending to the journal without waiting for the disk, beside bare writing and sqlite."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import count as counting
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.facts import a_scan, an_acceptance
from benchmarks.measure import Side, Times, interleave
from benchmarks.rows import AtLeast, Row
from benchmarks.setting import Benchmark, Setting
from market_bot.adapters.storage.codec import encode_event, event_data
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.line_format import NO_HASH, context, seal
from market_bot.core.domain.events import Event
from market_bot.core.domain.numbers import Micros, parse_time
from market_bot.core.ports.journal import Chain

_BEGIN: Final = parse_time("2026-11-02T00:00:00Z")
_CHAIN: Final = Chain("simulated", "bench")
_CONFIG: Final = "c" * 16
_BARE_GOAL: Final = AtLeast(0.6)
_SQLITE_GOAL: Final = AtLeast(4.0)


class _Envelope(msgspec.Struct, frozen=True):
    v: int
    seq: int
    ts: int
    boot: str
    venue: str
    lane: str
    cfg: str
    type: str
    data: dict[str, object]


def measure(setting: Setting) -> Iterator[Row]:
    """Yield the rows for facts that wait in groups, and for those that may not wait."""
    lines = setting.pick(50_000, 10_000, 100)
    fresh = counting()
    for what, make in (("explaining fact", a_scan), ("fact of consequence", an_acceptance)):
        events = [make(number) for number in range(lines)]
        folder = setting.folder
        kind = make.__name__
        sides: Mapping[str, Side] = {
            "ours": partial(_ours, folder, fresh, events),
            "msgspec + os.write": partial(_bare, folder, fresh, events),
            "sqlite WAL NORMAL": partial(_sqlite, folder, fresh, events),
            "encoding": partial(_encode_only, events),
            "hash chain": _sealing(events),
        }
        times = interleave(setting, sides)
        yield from _rows(times, what, kind, lines)


def _rows(times: Times, what: str, kind: str, lines: int) -> Iterator[Row]:
    peers = (("msgspec + os.write", _BARE_GOAL), ("sqlite WAL NORMAL", _SQLITE_GOAL))
    for peer, goal in peers:
        yield times.row(
            f"{what} ({kind}) appended", "ours", peer, units=lines, unit="lines", goal=goal
        )
    for part in ("encoding", "hash chain"):
        yield Row(
            measures=f"{what}: share of {part}",
            ours=times.median(part) / lines * 1e6,
            peer_name="whole append",
            peer=times.median("ours") / lines * 1e6,
            unit="us",
            ratio=times.quotient(part, "ours"),
            note="the envelope, its two hashes and SHA-256" if part == "hash chain" else "",
        )


def _ours(folder: Path, fresh: Iterator[int], events: Sequence[Event]) -> None:
    name = folder / "chains" / str(next(fresh))
    journal = JsonlJournal(name, _CHAIN, boot="bench", durability="group")
    for number, event in enumerate(events):
        journal.append(event, Micros(_BEGIN + number * 1000), _CONFIG)
    # To read, what waits has to be handed over; closing would wait for the disk.
    journal.read()


def _bare(folder: Path, fresh: Iterator[int], events: Sequence[Event]) -> None:
    encode = msgspec.json.Encoder().encode
    data = event_data(events[0])
    kind = events[0].TYPE
    descriptor = os.open(folder / f"bare-{next(fresh)}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for number in range(len(events)):
            line = _Envelope(
                1, number, _BEGIN + number, "bench", "simulated", "bench", _CONFIG, kind, data
            )
            os.write(descriptor, encode(line) + b"\n")
    finally:
        os.close(descriptor)


def _sqlite(folder: Path, fresh: Iterator[int], events: Sequence[Event]) -> None:
    encode = msgspec.json.Encoder().encode
    data = event_data(events[0])
    path = folder / f"sqlite-{next(fresh)}.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        opened.execute("PRAGMA journal_mode=WAL")
        opened.execute("PRAGMA synchronous=NORMAL")
        opened.execute("CREATE TABLE facts (seq INTEGER PRIMARY KEY, ts INTEGER, data BLOB)")
        for number in range(len(events)):
            row = (number, _BEGIN + number, encode(data))
            opened.execute("INSERT INTO facts VALUES (?, ?, ?)", row)


def _encode_only(events: Sequence[Event]) -> None:
    for event in events:
        encode_event(event)


def _sealing(events: Sequence[Event]) -> Callable[[], None]:
    middle = context("bench", _CHAIN, _CONFIG)
    encoded = [encode_event(event) for event in events]
    kind = events[0].TYPE

    def work() -> None:
        prev = NO_HASH.encode()
        for number, data in enumerate(encoded, start=1):
            _, prev = seal(number, "2026-11-02T00:00:00.000000Z", middle, kind, data, prev)

    return work


benchmark = Benchmark(
    name="journal_append",
    summary="a fact in the journal, handed to the operating system",
    measure=measure,
)
