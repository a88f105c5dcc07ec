"""The recordings of one life of a bot, played as that bot consumed them: tick by tick."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from market_bot.adapters.storage.tape_reader import Cursor, TapeReader
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.market_data import Capability, MarketData, Sink
from market_bot.core.ports.tape import TapeError

ENDS: Final = "the tape ends here"
"""Why there is no further tick where all files were played as far as they were consumed."""


class RecordedFeed(MarketData):
    """Plays recorded files in the order in which they were written, with the positions of then.

    A torn last group is the end of its file. Where a file holds less than was consumed from it,
    playing ends for good: what comes after belongs to a world that knew more.

    Args:
        files: the files by the name that positions call them by, in order; none is a feed that
            has ended.
        consumed: how many facts of each file the journal says were consumed; a file without a
            number is played to its end.

    Raises:
        TapeError: if a file cannot be read or was not recorded by a bot.

    """

    def __init__(self, files: Mapping[str, Path], consumed: Mapping[str, int]) -> None:
        self._tapes = [(name, _ticked(path)) for name, path in files.items()]
        self._consumed = consumed
        self._place = -1
        self._cursor: Cursor | None = None
        # What was consumed before midnight at a tick that failed belongs to the first one after.
        self._unticked: list[Cursor] = []
        self._facts = 0
        self._tick: tuple[Micros, int] | None = None
        self._ended: str | None = None

    @property
    def capabilities(self) -> frozenset[Capability]:
        claims = [tape.header.capabilities for _, tape in self._tapes]
        return frozenset.intersection(*claims) if claims else frozenset()

    @property
    def ended(self) -> str | None:
        """Why there is no further tick, once there is none."""
        return self._ended

    @property
    def position(self) -> str:
        """The file and how many facts of it were pushed."""
        return f"{self._tapes[self._place][0]}:{self._facts}" if self._place >= 0 else ""

    def next_tick(self) -> Micros | None:
        """Return the time of the next tick, which `drain` then plays, or None at the end.

        Raises:
            TapeError: if a file is damaged before it.

        """
        while self._tick is None and self._ended is None:
            if self._cursor is not None:
                self._tick = self._cursor.next_tick()
            if self._tick is None:
                self._open_next()
        return None if self._tick is None else self._tick[0]

    def drain(self, sink: Sink, until: Micros) -> str:
        """Push what belongs to the tick that `next_tick` announced for exactly this time."""
        at = self.next_tick()
        if self._cursor is None or self._tick is None or at != until:
            msg = f"no tick was recorded at {until}, the next one is at {at}"
            raise TapeError(msg)
        _, records = self._tick
        self._tick = None
        for before in self._unticked:
            before.push(sink, _FOREVER)
        self._unticked.clear()
        self._cursor.push(sink, _FOREVER, records)
        self._facts += records - 1
        return self.position

    def _open_next(self) -> None:
        if self._place >= 0:
            name, tape = self._tapes[self._place]
            if self._facts < self._consumed.get(name, 0):
                torn = ", its last group is torn" if tape.truncated else ""
                self._ended = (
                    f"{tape.name} ends after {self._facts:,} facts{torn}, "
                    f"{self._consumed[name]:,} were consumed"
                )
                return
        if self._place + 1 >= len(self._tapes):
            self._ended = ENDS
            return
        if self._cursor is not None:
            self._unticked.append(self._cursor)
        self._place += 1
        self._facts = 0
        self._cursor = self._tapes[self._place][1].open()


_FOREVER: Final = Micros(2**63 - 1)


def _ticked(path: Path) -> TapeReader:
    tape = TapeReader(path, allow_torn=True)
    if not tape.header.ticks:
        msg = f"{path}: has no ticks, so no bot recorded it: give the recorded file"
        raise TapeError(msg)
    return tape
