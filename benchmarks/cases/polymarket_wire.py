"""From a frame of the market channel to an order on the wire, with and without its copy on disk.

The venue is a process of its own that notes when the first bytes arrive. The peer signs a digest
that is ready, makes the HMAC and writes a request that is ready: nobody can be faster.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.rows import Row
from benchmarks.setting import Benchmark, Setting
from market_bot.adapters.storage.outbox import FileOutbox
from market_bot.core.ports.outbox import Letter, Outbox

if TYPE_CHECKING:  # The extra may be absent.
    from types import ModuleType

_WARM: Final = 3


class _Memory(Outbox):
    """Keeps nothing on disk."""

    def put(self, letters: Sequence[Letter]) -> None:
        """Keep nothing."""

    def letters(self) -> tuple[Letter, ...]:
        return ()

    def drop(self, order: str) -> None:
        """Forget nothing."""


def measure(setting: Setting) -> Iterator[Row]:
    """Yield a row for the way itself, and one with what makes it safe."""
    try:
        from benchmarks import polymarket_wire as wire  # noqa: PLC0415 - needs an extra
    except ImportError:
        absent = "the extra polymarket is not installed"
        yield Row(measures="websocket frame to order bytes at the venue", skipped=absent)
        return
    count = setting.pick(400, 100, 5) * setting.rounds
    yield _row(wire, "its signed bytes kept in memory", _Memory(), count)
    folder: Path = setting.folder / "outbox"
    yield _row(wire, "its signed bytes durable on disk first", FileOutbox(folder), count)


def _row(wire: ModuleType, what: str, outbox: Outbox, count: int) -> Row:
    command = [sys.executable, "-m", "benchmarks.kalshi_sink", wire.REFUSAL]
    sink = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert sink.stdout is not None
    mine: list[int] = []
    other: list[int] = []
    began: list[tuple[list[int], int]] = []
    try:
        port = int(sink.stdout.readline())
        # The venue serves one connection after the other, so each side goes by itself in blocks.
        block = max(1, count // 10) + _WARM
        for _ in range(10):
            began += [(other, at) for at in wire.raw_block(port, block)]
            began += [(mine, at) for at in wire.our_block(port, outbox, block)]
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(b"GET / HTTP/1.1\r\n\r\n")
            arrived = json.loads(_all(line).partition(b"\r\n\r\n")[2])
    finally:
        sink.stdout.close()
        sink.kill()
        sink.wait()
    for (side, start), end in zip(began, arrived, strict=True):
        side.append(end - start)
    ours, theirs = median(mine) / 1000, median(other) / 1000
    return Row(
        measures=f"websocket frame to order bytes at the venue: {what}",
        ours=ours,
        peer_name="signature + HMAC + raw socket",
        peer=theirs,
        unit="us",
        ratio=ours / theirs,
        note=f"{len(mine)} of each, in turns of {block}; decoding, book and order included",
    )


def _all(line: socket.socket) -> bytes:
    parts = []
    while part := line.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)


benchmark = Benchmark(
    name="polymarket_wire",
    summary="The way from a frame to an order on the wire, for Polymarket.",
    measure=measure,
)
