"""Appending so that a power cut cannot take it back, beside the disk's own flush."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.facts import a_scan, an_intent
from benchmarks.measure import interleave
from benchmarks.rows import AtLeast, AtMost, Row
from benchmarks.setting import Benchmark, Setting
from market_bot.adapters.storage.codec import encode_event
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.core.domain.numbers import Micros, parse_time
from market_bot.core.ports.journal import Chain

_BEGIN: Final = parse_time("2026-11-02T00:00:00Z")
_CHAIN: Final = Chain("simulated", "bench")
_CONFIG: Final = "c" * 16
_GROUP: Final = 100
_ENVELOPE_BYTES: Final = 300

_flush: Final[Callable[[int], None]] = getattr(os, "fdatasync", os.fsync)


def measure(setting: Setting) -> Iterator[Row]:
    """Yield the rows for one order at a time, and for groups of a hundred facts."""
    yield _one_by_one(setting, setting.pick(300, 100, 5) * setting.rounds)
    yield from _groups(setting, setting.pick(100, 30, 2))


def _one_by_one(setting: Setting, count: int) -> Row:
    """Take turns line by line: the disk's mood changes faster than a round lasts."""
    line = b"x" * (len(encode_event(an_intent(0))) + _ENVELOPE_BYTES)
    ours: list[float] = []
    bare: list[float] = []
    descriptor = _open(setting.folder / "single")
    journal = JsonlJournal(setting.folder / "strict", _CHAIN, boot="bench", durability="strict")
    clock = time.perf_counter_ns
    with journal:
        for number in range(count):
            event = an_intent(number)
            began = clock()
            os.write(descriptor, line)
            _flush(descriptor)
            between = clock()
            journal.append(event, Micros(_BEGIN + number), _CONFIG)
            ours.append((clock() - between) / 1000)
            bare.append((between - began) / 1000)
    os.close(descriptor)
    return Row(
        measures="an order's intent on disk: median",
        ours=median(ours),
        peer_name="write + fdatasync",
        peer=median(bare),
        unit="us",
        ratio=median(ours) / median(bare),
        goal=AtMost(1.2),
        note=f"{count} of each, taking turns",
    )


def _groups(setting: Setting, groups: int) -> Iterator[Row]:
    events = [a_scan(number) for number in range(_GROUP)]
    line = b"x" * (len(encode_event(events[0])) + _ENVELOPE_BYTES)
    descriptor = _open(setting.folder / "grouped")
    journal = JsonlJournal(setting.folder / "group", _CHAIN, boot="bench", durability="group")
    clock = iter(range(1 << 60))

    def ours() -> None:
        for _ in range(groups):
            for event in events:
                journal.append(event, Micros(_BEGIN + next(clock)), _CONFIG)
            journal.commit()

    def bare() -> None:
        for _ in range(groups):
            for _ in range(_GROUP):
                os.write(descriptor, line)
            _flush(descriptor)

    peer = f"os.write, fdatasync per {_GROUP}"
    with journal:
        times = interleave(setting, {"ours": ours, peer: bare})
    os.close(descriptor)
    yield times.row(
        f"{_GROUP} facts and a commit",
        "ours",
        peer,
        units=groups * _GROUP,
        unit="lines",
        goal=AtLeast(0.9),
        note="the peer writes bytes that are ready; ours encodes and hashes every line",
    )


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


benchmark = Benchmark(
    name="durable_append",
    summary="a fact on disk before anything follows from it",
    measure=measure,
)
