"""The foreign engine: where it is, what it is given, and what it says a run took."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final, TextIO

import attrs

from benchmarks.cases.imports import NullSink
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Market
from market_bot.core.domain.numbers import Micros, Price, Size

VARIABLE: Final = "MARKET_BOT_NAUTILUS"
"""Names Python interpreters that have ``nautilus_trader``, separated as in ``PATH``."""

NAME: Final = "nautilus_trader"
ABSENT: Final = f"peer absent: {VARIABLE} names no Python that has it"
_DRIVER: Final = Path(__file__).parent / "peers" / "nautilus_replay.py"
_KINDS: Final = ("v1", "v2")


@attrs.frozen(kw_only=True)
class Run:
    """What an engine says of one run.

    Args:
        version: of its package.
        engine: ``v1`` is the one in Cython, ``v2`` the one in Rust.
        events: how many changes it was given.
        load_s: seconds to make its objects of them.
        run_s: seconds of the run.
        worked_s: seconds of the processor in the run.
        seen: how many changes its strategy was told.
        orders: how many orders that sent.
        fills: how many fills it was told.

    """

    version: str
    engine: str
    events: int
    load_s: float
    run_s: float
    worked_s: float
    seen: int
    orders: int
    fills: int


@attrs.frozen
class Engine:
    """One engine of one installation: an interpreter that has it, and which of its engines."""

    python: str
    kind: str

    def run(self, events: Path, order_every: int) -> Run | None:
        """Replay events in a process of its own; None if this engine is not there."""
        told = [self.python, str(_DRIVER), self.kind, str(events), str(order_every)]
        try:
            done = subprocess.run(told, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return Run(**json.loads(done.stdout.splitlines()[-1]))


def engines(events: Path) -> dict[str, Engine]:
    """Return the engines that replay the events, by name; those that see all of them."""
    found = {}
    for python in os.environ.get(VARIABLE, "").split(os.pathsep):
        for kind in _KINDS if python else ():
            engine = Engine(python, kind)
            run = engine.run(events, 0)
            if run is not None and run.seen == run.events:
                found[f"{NAME} {run.version} {kind}"] = engine
    return found


def write_events(tape: Path, path: Path) -> int:
    """Write what a tape tells of books in the engine's words; return how many changes."""
    with path.open("w", encoding="utf-8") as file:
        sink = _Events(file)
        TapeReader(tape).play(sink)
    return sink.changes


def quotients(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median over the rounds of their time by ours."""
    return median(their / mine for mine, their in zip(ours, theirs, strict=True))


class _Events(NullSink):
    def __init__(self, file: TextIO) -> None:
        self.changes = 0
        self._file = file
        self._indices: dict[str, int] = {}

    def meta(self, market: Market, received: Micros) -> None:  # noqa: ARG002 - it has no time there
        if market.id not in self._indices:
            self._indices[market.id] = len(self._indices)
            self._file.write(f"M {market.id}\n")

    def book(
        self,
        market: str,
        bids: Mapping[Price, Size],
        asks: Mapping[Price, Size],
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        self._file.write(f"C {self._indices[market]} {received}\n")
        self.changes += 1
        for side, levels in ((Side.BID, bids), (Side.ASK, asks)):
            for price, size in levels.items():
                self.delta(market, side, price, size, received, exchange)

    def delta(
        self,
        market: str,
        side: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,  # noqa: ARG002 - they are ordered by arrival
    ) -> None:
        number, ask = self._indices[market], int(side is Side.ASK)
        self._file.write(f"D {number} {ask} {price} {size} {received}\n")
        self.changes += 1
