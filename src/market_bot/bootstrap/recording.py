"""What a bot records, where, for how long it is kept, and how people learn that it ended early."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import market_bot
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.tape_files import (
    RECORDED,
    DerivedFiles,
    NewFiles,
    NoFiles,
    TapeFiles,
    TapeLabel,
    leave_free,
)
from market_bot.adapters.storage.tape_recording import RecordingData
from market_bot.adapters.storage.tape_retention import sweep
from market_bot.config.schema import BotConfig
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.domain.world import World
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.journal import Chain, Entry
from market_bot.core.ports.market_data import MarketData

Note = Callable[[ev.Event], None]
Record = Callable[[MarketData, World, Chain], MarketData]
"""Returns the data that records what it is drained of, for a lane with this chain."""

LIVE_GROUP: Final = Duration(10 * SECOND)
"""What a kill may cost a recording of live prices; a crash of the machine may cost more."""

_GIGABYTE: Final = 1 << 30
_WAITING_MAX: Final = 1_000


class Recordings:
    """Makes recordings below one home and closes them; owned by whoever runs the lanes.

    Args:
        home: where they are kept.
        config: how long, and how much room they leave.
        clock: the time on the wall, for the age of files.

    ``files`` are those begun or continued so far; ``stopped`` says why a recording ended early, if
    one did.
    """

    def __init__(self, home: Home, config: BotConfig, clock: Clock) -> None:
        self._home = home
        self._config = config
        self._clock = clock
        self._open: list[RecordingData] = []
        self._note: Note | None = None
        self._waiting: deque[ev.Event] = deque(maxlen=_WAITING_MAX)
        self.stopped: str | None = None
        self.files: list[Path] = []

    def connect(self, note: Note) -> None:
        """Say who is told what happens to the recordings, from here on and so far."""
        self._note = note
        while self._waiting:
            note(self._waiting.popleft())

    def derived(self, data: MarketData, world: World, chain: Chain) -> RecordingData:
        """Record a run that is derived again whenever it goes on: one folder per run."""
        folder = self._home.tape_dir / chain.venue / chain.run
        label = self._label(chain.venue, data, None)
        files = DerivedFiles(folder=folder, label=label, opened=self._opened)
        return self._recording(data, chain.venue, world, files)

    def live(
        self, data: MarketData, world: World, venue: str, group: Duration = LIVE_GROUP
    ) -> RecordingData:
        """Record what cannot be had again: a new file at every start and every UTC day.

        ``group`` is how much a kill may cost, by the clock of the data.
        """
        folder = self._home.tape_dir / venue
        label = self._label(venue, data, Micros(group))
        files = NewFiles(folder=folder, label=label, opened=self._opened)
        return self._recording(data, venue, world, files)

    def close(self) -> None:
        """Write what is open; call it once nobody drains any more."""
        for recording in self._open:
            recording.close()

    def _recording(
        self, data: MarketData, venue: str, world: World, files: TapeFiles
    ) -> RecordingData:
        made = RecordingData(data, venue=venue, world=world, files=files, tell=self._tell)
        self._open.append(made)
        return made

    def _label(self, venue: str, data: MarketData, flush_after: Micros | None) -> TapeLabel:
        return TapeLabel(
            venue=venue,
            source=f"recorded by market-bot {market_bot.__version__}",
            capabilities=data.capabilities,
            flush_after=flush_after,
            room=leave_free(self._home.tape_dir, self._config.disk.recording_leaves_mb),
        )

    def _opened(self, path: Path) -> None:
        """Make room whenever a file begins."""
        self.files.append(path)
        kept = self._config.retention
        removed = sweep(
            self._home.tape_dir,
            days=kept.tape_days,
            bytes_max=kept.tape_max_gb * _GIGABYTE,
            now=self._clock.now(),
            in_use=path,
        )
        for file in removed:
            self._tell(ev.TapeChanged(what="removed", file=str(file.path), reason=file.reason))

    def _tell(self, event: ev.TapeChanged) -> None:
        if event.what == "stopped" and self.stopped is None:
            self.stopped = event.reason
        if self._note is None:
            self._waiting.append(event)
        else:
            self._note(event)


def unwritten(data: MarketData, world: World, chain: Chain) -> MarketData:
    """Return data with the positions and keyframes of a recording, which writes nothing."""
    return RecordingData(data, venue=chain.venue, world=world, files=NoFiles())


def unrecorded(data: MarketData, world: World, chain: Chain) -> MarketData:  # noqa: ARG001 - as the others
    """Return the data as they are."""
    return data


def record_like(old: Iterable[Entry], record: Record | None) -> Record:
    """Return how a run is recorded that these lines are the beginning of.

    Positions must stay what they were: a run that was begun without a recording goes on without
    one, and where nothing is to be written a recorded one is only counted.
    """
    position = next(_positions(old), None)
    if position is None:
        return record or unrecorded
    if RECORDED.match(position.rpartition(":")[0]):
        return record or unwritten
    return unrecorded


def _positions(entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry.event, ev.Scan):
            yield entry.event.position
