"""The dashboard under load: 500 listeners, one of them dead, and a search over a long day."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import duckdb

import market_bot as mb
from benchmarks.facts import a_scan, an_acceptance, an_intent
from benchmarks.measure import Side, against, interleave, quantile
from benchmarks.rows import AtMost, Row
from benchmarks.setting import Benchmark, Setting
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.storage.journal_search import JournalSearch, Search
from market_bot.adapters.web.app import create_app
from market_bot.adapters.web.guards import Access, loopback_hosts
from market_bot.adapters.web.server import WebServer
from market_bot.adapters.web.sessions import Sessions
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros, money, parse_time
from market_bot.core.ports.dashboard import Operator
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.lane_snapshot import LaneSnapshot

_CHAIN: Final = Chain("simulated", "bench")
_NEEDLE: Final = "needle-in-the-haystack"
_FLAT: Final = AtMost(1.1)
_TICK_S: Final = 0.1
_P99: Final = 0.99
_P99_MS: Final = 500.0


def measure(setting: Setting) -> Iterator[Row]:
    """Yield what listeners and lanes feel of each other, and how long a search takes."""
    yield from _listening(setting)
    yield from _beside_a_lane(setting)
    yield from _searching(setting)


# -- listening -------------------------------------------------------------------------------


class _Desk(Operator):
    """A bot whose only lane shows something else at every look."""

    def __init__(self) -> None:
        self._number = 0

    def lanes(self) -> Sequence[LaneSnapshot]:
        self._number += 1
        gain = money(f"{self._number / 100:.2f}")
        counts = {f"kind {n}": self._number * n for n in range(40)}
        return (
            LaneSnapshot(
                venue="simulated",
                lane="bench",
                run="",
                ticks=self._number,
                equity=gain,
                counts=counts,
            ),
        )

    def about(self) -> Mapping[str, str]:
        return {}

    def stalled(self) -> Sequence[str]:
        return ()

    def recent(self, count: int) -> Sequence[Mapping[str, object]]:
        return ()[:count]

    def halt(self, by: str, reason: str) -> None:
        raise NotImplementedError

    def resume(self, by: str) -> None:
        raise NotImplementedError

    def flatten(self, by: str) -> None:
        raise NotImplementedError

    def arm(self, venue: str, by: str, phrase: str, minutes: int) -> None:
        raise NotImplementedError

    def disarm(self, venue: str, by: str) -> None:
        raise NotImplementedError

    def accept_cash(self, venue: str, by: str) -> None:
        raise NotImplementedError

    def restore_settings(self, venue: str, by: str, version: str, expected: str) -> None:
        raise NotImplementedError

    def shut_down(self, by: str) -> None:
        raise NotImplementedError


@attrs.frozen
class _Served:
    server: WebServer
    headers: Mapping[str, str]

    @property
    def address(self) -> str:
        return self.server.url.removeprefix("http://").rstrip("/")


@contextlib.contextmanager
def _serving() -> Iterator[_Served]:
    sessions = Sessions(lambda: Micros(time.time_ns() // 1000))
    server = WebServer(lambda hosts: create_app(_Desk(), sessions, allowed_hosts=hosts))
    secret, _ = sessions.log_in(code=sessions.new_code())
    cookie = Access(hosts=loopback_hosts(server.port), sessions=sessions).cookie
    server.start()
    origin = server.url.rstrip("/")
    try:
        yield _Served(server, {"Cookie": f"{cookie}={secret}", "Origin": origin})
    finally:
        server.stop()


_LISTENERS: Final = """
import asyncio, json, sys, time
from datetime import datetime
from websockets.asyncio.client import connect
address, headers = sys.argv[1], json.loads(sys.argv[2])
clients, seconds = int(sys.argv[3]), float(sys.argv[4])
late, gaps = [], 0
async def listen(ready, go):
    global gaps
    origin = headers["Origin"]
    cookie = {"Cookie": headers["Cookie"]}
    async with connect("ws://" + address + "/ws", origin=origin, compression=None,
                       open_timeout=60, additional_headers=cookie) as socket:
        ready.release()
        seq = json.loads(await socket.recv())["seq"]
        await go.wait()
        began = time.time()
        while time.time() < began + seconds:
            message = json.loads(await socket.recv())
            now = time.time()
            if message["type"] == "delta":
                at = datetime.fromisoformat(message["at"]).timestamp()
                if at > began:  # Those before waited for this process, not for the server.
                    late.append(now - at)
                gaps += message["seq"] != seq + 1
                seq = message["seq"]
async def main():
    ready, go = asyncio.Semaphore(0), asyncio.Event()
    tasks = []
    for n in range(clients):
        tasks.append(asyncio.create_task(listen(ready, go)))
        await ready.acquire()
    await asyncio.sleep(1)
    go.set()
    await asyncio.gather(*tasks)
asyncio.run(main())
late.sort()
at = lambda share: late[int(len(late) * share)] * 1000
told = {"heard": len(late), "gaps": gaps, "p50": at(0.5), "p99": at(0.99)}
print(json.dumps(told))
"""


def _listen(served: _Served, clients: int, seconds: float) -> dict[str, Any]:
    words = [served.address, json.dumps(dict(served.headers)), str(clients), str(seconds)]
    done = subprocess.run(
        [sys.executable, "-c", _LISTENERS, *words], capture_output=True, text=True, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _listening(setting: Setting) -> Iterator[Row]:
    seconds = setting.pick(8.0, 4.0, 0.8)
    many, few = setting.pick(500, 200, 5), setting.pick(100, 50, 5)
    with _serving() as served:
        told = _listen(served, many, seconds)
        note = (
            f"p50 {told['p50']:.1f} ms, {told['heard']:,} changes heard, {told['gaps']} gaps; all "
            "listeners in one process on the same machine"
        )
        yield against(
            f"{many} listeners told of every change: p99", told["p99"], _P99_MS, "ms", note
        )
        alone = _listen(served, few, seconds)
        with contextlib.closing(_dead(served)):
            beside = _listen(served, few, seconds)
        yield Row(
            measures=f"{few} listeners beside one that never reads: p50",
            ours=beside["p50"],
            peer_name="without it",
            peer=alone["p50"],
            unit="ms",
            ratio=beside["p50"] / alone["p50"],
            note=f"p99 {beside['p99']:.1f} beside {alone['p99']:.1f} ms, gaps {beside['gaps']}",
        )


def _dead(served: _Served) -> socket.socket:
    dead = socket.socket()
    dead.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_024)
    dead.connect(("127.0.0.1", served.server.port))
    lines = [
        "GET /ws HTTP/1.1",
        f"Host: {served.address}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *(f"{name}: {value}" for name, value in served.headers.items()),
    ]
    dead.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return dead


# -- a lane beside it ------------------------------------------------------------------------


def _beside_a_lane(setting: Setting) -> Iterator[Row]:
    ticks = setting.pick(120, 60, 5)
    markets, clients = setting.pick(1_000, 500, 20), setting.pick(500, 200, 5)
    world = attrs.evolve(mb.PRESETS["default"], markets=markets)
    lane = mb.PaperLane.simulated(mb.default_settings(), seed=1, world=world)
    lane.run(ticks=setting.pick(200, 100, 5))
    alone = _late(lane, ticks)
    with _serving() as served:
        settled = setting.pick(8.0, 5.0, 0.5)
        seconds = ticks * _TICK_S + setting.pick(4.0, 3.0, 0.1)
        listening = threading.Thread(target=_listen, args=(served, clients, seconds))
        listening.start()
        time.sleep(settled)
        beside = _late(lane, ticks)
        listening.join()
    lane.close()
    yield Row(
        measures=f"a tick of {markets:,} simulated markets with {clients} listeners: p50",
        ours=quantile(beside, 0.5) * 1000,
        peer_name="without them",
        peer=quantile(alone, 0.5) * 1000,
        unit="ms",
        ratio=quantile(beside, 0.5) / quantile(alone, 0.5),
        goal=_FLAT,
        note=(
            f"from when it is due to when it is done; p99 {quantile(beside, _P99) * 1000:.1f} "
            f"beside {quantile(alone, _P99) * 1000:.1f} ms; the listeners' own process takes a "
            "processor as well"
        ),
    )


def _late(lane: mb.PaperLane, ticks: int) -> list[float]:
    """Return how long after they were due ticks were done, in ascending order."""
    took = []
    due = time.perf_counter()
    for _ in range(ticks):
        due = max(due + _TICK_S, time.perf_counter())
        while (left := due - time.perf_counter()) > 0:
            time.sleep(left)
        lane.run(ticks=1)
        took.append(time.perf_counter() - due)
    return sorted(took)


# -- searching -------------------------------------------------------------------------------


def _searching(setting: Setting) -> Iterator[Row]:
    lines = setting.pick(1_000_000, 100_000, 1_000)
    folder = _write(setting.folder / "searched", lines)
    search = JournalSearch(setting.folder / "searched")
    (path,) = sorted(folder.glob("*.jsonl"))
    wanted = Search(chain=_CHAIN, text=_NEEDLE, deadline_s=60)
    newest = Search(chain=_CHAIN, types=("order_accepted",), limit=10)
    sides: dict[str, Side] = {
        "search": lambda: _found(search, wanted, 1),
        "newest": lambda: _found(search, newest, 10),
        "grep": lambda: _grep(path),
        "duckdb": lambda: _duck(path),
    }
    times = interleave(setting, sides, warm=False)
    size = path.stat().st_size / 1e6
    note = f"{size:.0f} MB; text anywhere, letter case ignored; with the start of its process"
    for peer, told in (("grep", "grep -i -F"), ("duckdb", "DuckDB, contains() over the lines")):
        yield times.row(
            f"search of a day of {lines:,} lines for a text that is there once",
            "search",
            peer,
            units=lines,
            unit="lines",
            note=f"{note}; peer: {told}",
        )
    ours = times.median("newest") * 1000
    yield against("the newest ten lines of a type", ours, 1_000.0, "ms", "with its process")


def _write(journal: Path, lines: int) -> Path:
    folder = chain_folder(journal, _CHAIN)
    folder.mkdir(parents=True)
    begin = parse_time("2026-11-02T00:00:00Z")
    with JsonlJournal(folder, _CHAIN, boot="bench", durability="group") as written:
        for number in range(lines):
            at = Micros(begin + number * 80_000)
            event: ev.Event
            if number == lines // 7:
                event = ev.Error(where="bench", message=_NEEDLE)
            else:
                event = _fact(number)
            written.append(event, at, "c" * 16)
        written.commit()
    return folder


def _fact(number: int) -> ev.Event:
    if number % 50 == 0:
        return an_acceptance(number)
    return an_intent(number) if number % 10 == 0 else a_scan(number)


def _found(search: JournalSearch, wanted: Search, count: int) -> None:
    found = search.find(wanted)
    if len(found.lines) != count or not found.complete:
        msg = f"found {len(found.lines)} lines, {count} are there"
        raise RuntimeError(msg)


def _grep(path: Path) -> None:
    done = subprocess.run(
        ["grep", "-i", "-F", "-c", _NEEDLE, str(path)],  # noqa: S607 - wherever it is
        capture_output=True,
        text=True,
        check=True,
    )
    if done.stdout.strip() != "1":
        msg = f"grep found {done.stdout.strip()} lines"
        raise RuntimeError(msg)


def _duck(path: Path) -> None:
    query = """
        select count(*) from read_csv(?, columns={'line': 'VARCHAR'}, delim='\\x01', quote='',
            escape='', header=false, max_line_size=10000000)
        where contains(lower(line), ?)
    """
    found = duckdb.execute(query, [str(path), _NEEDLE]).fetchone()
    if found is None or found[0] != 1:
        msg = f"DuckDB found {found}"
        raise RuntimeError(msg)


benchmark = Benchmark(
    name="dashboard",
    summary="listeners, a dead one among them, a lane beside them, and a search over a long day",
    measure=measure,
)
