"""Kalshi's live stream: messages to books beside decoding alone, and a socket beside itself."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from websockets.sync.client import reconnect

from benchmarks.kalshi_frames import END, UNTIL, Messages, Replayed, messages_of, stream_of
from benchmarks.measure import Side, interleave
from benchmarks.rows import Row
from benchmarks.setting import Benchmark, Setting
from benchmarks.workloads import kalshi_log
from market_bot.adapters.kalshi.stream import KalshiStream
from market_bot.adapters.kalshi.stream_messages import decode_known
from market_bot.adapters.kalshi.stream_socket import StreamSocket
from market_bot.adapters.system.clock import SystemClock
from market_bot.core.domain.world import World

_PATH: Final = "/trade-api/ws/v2"
_WAIT_S: Final = 0.05


def measure(setting: Setting) -> Iterator[Row]:
    """Yield one row for the messages alone and one for the way through a socket."""
    log = kalshi_log(setting)
    messages = messages_of(log.paths, setting.pick(1_000_000, 100_000, 400))
    count = len(messages.frames)
    sides: dict[str, Side] = {
        "decode": lambda: _decode(messages),
        "books": lambda: _replay(messages),
    }
    yield interleave(setting, sides).row(
        f"{log.name}: frames -> order checked, books, world",
        "books",
        "decode",
        units=count,
        unit="frames",
        note="the peer decodes the same frames with msgspec into the same types, and drops them",
    )
    yield from _socket_rows(setting, log.name, messages)


def _socket_rows(setting: Setting, name: str, messages: Messages) -> Iterator[Row]:
    few = messages.frames[: setting.pick(200_000, 50_000, 400)]
    part = Messages(few, messages.received[: len(few)], messages.markets)
    path = setting.folder / "frames.json"
    path.write_bytes(msgspec.json.encode([frame.decode() for frame in (*part.frames, END)]))
    with _serving(path) as url:
        sides: dict[str, Side] = {
            "bare": lambda: _bare(url, len(few)),
            "stream": lambda: _streamed(url, part),
        }
        yield interleave(setting, sides).row(
            f"{name}: loopback socket -> books, world",
            "stream",
            "bare",
            units=len(few),
            unit="frames",
            note="the peer receives the same frames with the same library and drops them",
        )


def _decode(messages: Messages) -> None:
    for frame in messages.frames:
        decode_known(frame)


def _replay(messages: Messages) -> None:
    world = World()
    stream = stream_of(Replayed(messages), messages.markets)
    for _ in range(3):
        stream.drain(world, UNTIL)
    stream.close()
    _check(stream, world)


def _check(stream: KalshiStream, world: World) -> None:
    assert stream.unknown["end"], list(stream.problems)
    assert world.gaps == 0, list(stream.problems)


def _bare(url: str, count: int) -> None:
    with reconnect(url, compression=None, ping_interval=None, proxy=None) as connection:
        connection.send(b"go", text=True)
        for _ in range(count + 1):
            connection.recv(decode=False)


def _streamed(url: str, messages: Messages) -> None:
    world, woken = World(), threading.Event()
    socket = StreamSocket(url, dict, SystemClock(), wake=woken.set)
    stream = stream_of(socket, messages.markets)
    while not stream.unknown["end"]:
        woken.clear()
        stream.drain(world, UNTIL)
        woken.wait(_WAIT_S)
    stream.close()
    _check(stream, world)


class _serving:  # noqa: N801 - used like a function
    """A process that sends the frames of a file to whoever asks; gives its address."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> str:
        command = [sys.executable, "-c", _SERVER, str(self._path)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        return f"ws://127.0.0.1:{self._process.stdout.readline().strip()}{_PATH}"

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


_SERVER: Final = """
import json, sys
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

frames = [frame.encode() for frame in json.load(open(sys.argv[1]))]
SIDS = {"orderbook_delta": 1, "trade": 2}

def talk(connection):
    try:
        ready = set()
        for message in connection:
            if message == "go":
                ready = {1, 2}
            else:
                asked = json.loads(message)
                for channel in asked.get("params", {}).get("channels", ()):
                    sid = SIDS.get(channel)
                    if sid:
                        said = {"channel": channel, "sid": sid}
                        answer = {"type": "subscribed", "id": asked["id"], "msg": said}
                        connection.send(json.dumps(answer))
                        ready.add(sid)
            if len(ready) == 2:
                for frame in frames:
                    connection.send(frame, text=True)
                ready = set()
    except ConnectionClosed:
        pass

with serve(talk, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
    print(server.socket.getsockname()[1], flush=True)
    server.serve_forever()
"""

benchmark = Benchmark(
    name="kalshi_stream",
    summary="Kalshi's live stream: frames to books, beside decoding and receiving alone",
    measure=measure,
)
