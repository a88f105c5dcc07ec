"""Polymarket's live stream: messages to books beside decoding alone, and a socket beside itself."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from websockets.sync.client import reconnect

from benchmarks.cases.imports import NullSink
from benchmarks.measure import Side, interleave
from benchmarks.nautilus import ABSENT, NAME, VARIABLE
from benchmarks.polymarket_frames import END, UNTIL, Messages, Replayed, messages, stream_of
from benchmarks.rows import AtLeast, Row
from benchmarks.setting import Benchmark, Setting
from market_bot.adapters.polymarket.stream import MarketStream
from market_bot.adapters.polymarket.stream_messages import decode_known
from market_bot.adapters.polymarket.stream_socket import SocketLimits, Sockets
from market_bot.adapters.system.clock import SystemClock
from market_bot.core.domain.numbers import Duration
from market_bot.core.domain.world import World
from market_bot.core.ports.market_data import Sink

_WAIT_S: Final = 0.05
_DECODED: Final = AtLeast(0.6)
_FASTER: Final = AtLeast(5)
_DRIVER: Final = Path(__file__).parents[1] / "peers" / "nautilus_polymarket.py"


def measure(setting: Setting) -> Iterator[Row]:
    """Yield rows for the messages alone, beside a foreign adapter, and through a socket."""
    told = messages(setting, setting.pick(150_000, 50_000, 400))
    sides: dict[str, Side] = {
        "decode": lambda: _decode(told),
        "books": lambda: _replay(told, _Dropping()),
        "world": lambda: _replay(told, World()),
    }
    times = interleave(setting, sides)
    for ours, what in (("books", "touch compared, books"), ("world", "the same, and the world")):
        yield times.row(
            f"{told.name}: frames -> {what}",
            ours,
            "decode",
            units=len(told.frames),
            unit="frames",
            goal=_DECODED if ours == "books" else None,
            speed=True,
            note="the peer decodes the same frames with msgspec into the same types and drops them",
        )
    yield _beside_nautilus(setting, told, times.median("books"))
    yield from _socket_rows(setting, told)


def _beside_nautilus(setting: Setting, told: Messages, ours_s: float) -> Row:
    what = f"{told.name}: frames -> books, beside another adapter"
    path = setting.folder / "frames.json"
    _write(path, told)
    for python in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        command = [python, str(_DRIVER), str(path), str(setting.rounds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            version, theirs_s = done.stdout.splitlines()[-1].split()
            return Row(
                measures=what,
                ours=len(told.frames) / ours_s / 1000,
                peer_name=f"{NAME} {version}",
                peer=len(told.frames) / float(theirs_s) / 1000,
                unit="k frames/s",
                ratio=float(theirs_s) / ours_s,
                goal=_FASTER,
                note="the peer decodes with its own types, makes its deltas, keeps its books",
            )
    return Row(measures=what, peer_name=NAME, skipped=ABSENT)


def _socket_rows(setting: Setting, told: Messages) -> Iterator[Row]:
    few = setting.pick(100_000, 50_000, 400)
    part = Messages(told.name, told.frames[:few], told.received[:few], told.markets)
    path = setting.folder / "few.json"
    _write(path, part)
    with _serving(path) as url:
        sides: dict[str, Side] = {
            "bare": lambda: _bare(url, len(part.frames)),
            "stream": lambda: _streamed(url, part),
        }
        yield interleave(setting, sides).row(
            f"{told.name}: loopback socket -> books, world",
            "stream",
            "bare",
            units=len(part.frames),
            unit="frames",
            note="the peer receives the same frames with the same library and drops them",
        )


def _write(path: Path, told: Messages) -> None:
    markets = [list(one) for one in told.markets]
    frames = [frame.decode() for frame in (*told.frames, END)]
    path.write_bytes(msgspec.json.encode({"markets": markets, "frames": frames}))


def _decode(told: Messages) -> None:
    for frame in told.frames:
        decode_known(frame)


def _replay(told: Messages, sink: Sink) -> None:
    stream = stream_of(Replayed(told), told, sink)
    stream.take(sink, UNTIL)
    stream.close()
    _check(stream)


def _check(stream: MarketStream) -> None:
    assert stream.unknown["end"], list(stream.problems)
    assert not stream.spoiled, stream.spoiled


def _bare(url: str, count: int) -> None:
    with reconnect(url, compression=None, ping_interval=None, proxy=None) as connection:
        connection.send("go")
        for _ in range(count + 1):
            connection.recv(decode=False)


def _streamed(url: str, told: Messages) -> None:
    world, woken = World(), threading.Event()
    limits = SocketLimits(first_wait=Duration(1))
    sockets = Sockets(url, SystemClock(), jitter=lambda wait: wait, wake=woken.set, limits=limits)
    stream = stream_of(sockets, told, world)
    while not stream.unknown["end"]:
        woken.clear()
        stream.take(world, UNTIL)
        woken.wait(_WAIT_S)
    stream.close()
    _check(stream)


class _Dropping(NullSink):
    """Takes facts and keeps none."""


class _serving:  # noqa: N801 - used like a function
    """A process that sends the frames of a file to whoever says anything; gives its address."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> str:
        command = [sys.executable, "-c", _SERVER, str(self._path)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        return f"ws://127.0.0.1:{self._process.stdout.readline().strip()}/ws/market"

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


_SERVER: Final = """
import json, sys
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

frames = [frame.encode() for frame in json.load(open(sys.argv[1]))["frames"]]

def talk(connection):
    try:
        if connection.recv() != "PING":
            for frame in frames:
                connection.send(frame, text=True)
        for _ in connection:
            pass
    except ConnectionClosed:
        pass

with serve(talk, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
    print(server.socket.getsockname()[1], flush=True)
    server.serve_forever()
"""

benchmark = Benchmark(
    name="polymarket_stream",
    summary="Polymarket's live stream: frames to books, beside decoding and receiving alone",
    measure=measure,
)
