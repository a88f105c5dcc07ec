"""``market-bot record``: market data onto a tape, and nothing else."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from rich.console import Console
from rich.progress import Progress

from market_bot.adapters.simulated.sim_venue import SimulatedVenue
from market_bot.adapters.storage.home import Home
from market_bot.adapters.system.clock import SystemClock
from market_bot.bootstrap.container import make_lock, make_recordings, open_system
from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.recording import Recordings
from market_bot.bootstrap.run_command import SIMULATED, RunError, RunUsageError
from market_bot.bootstrap.run_inputs import simulated_inputs
from market_bot.bootstrap.settings import settings_of
from market_bot.bootstrap.stop_signals import StopSignals
from market_bot.bootstrap.system_log import SystemLog
from market_bot.config.defaults import default_files
from market_bot.config.loader import read_venue
from market_bot.core.domain.numbers import SECOND, Duration, format_time
from market_bot.core.domain.world import World
from market_bot.core.usecases.record_only import MarketRecorder

_LOOK_S: Final = 0.1
_STEP: Final = 0.1
_GROUP: Final = Duration(10 * SECOND)
_FASTEST: Final = 1_000_000


@attrs.frozen(kw_only=True)
class RecordOptions:
    """The options of ``record`` as given; see the command line for their meaning."""

    home: Path
    venue: str = SIMULATED
    ticks: int | None = None
    speed: float | None = None
    seed: int = 0
    json: bool = False


def record(options: RecordOptions) -> Mapping[str, Any]:
    """Record until the data ends, so many ticks are done, or somebody stops it.

    Returns:
        What was recorded, in numbers.

    Raises:
        RunUsageError: if the options ask for what there is not.
        RunError: if the recording, or what it records, failed.

    """
    _check(options)
    home = Home(options.home)
    home.create(default_files())
    home.check_permissions()
    clock = SystemClock()
    with make_lock(home), StopSignals() as stopping:
        recordings = make_recordings(home, clock)
        recorder = _recorder(options, home, recordings)
        system = open_system(home, "", lambda: (), recordings)
        shown = _Shown(quiet=options.json)
        began = clock.elapsed()
        try:
            _drive(recorder, system, clock, stopping, shown, recordings)
        finally:
            shown.close()
            recordings.close()
            system.stop(clock.now(), stopping.asked or "end of recording")
            system.close()
    failure = recorder.error or recordings.stopped
    if failure is not None:
        raise RunError(failure)
    return _numbers(options, recorder, recordings, Duration(clock.elapsed() - began))


def _recorder(options: RecordOptions, home: Home, recordings: Recordings) -> MarketRecorder:
    """Return what records a venue; other venues are plugged in here."""
    sourced = read_venue(home.venue_file(options.venue))
    inputs = simulated_inputs(sourced.config, settings_of(sourced), options.seed)
    venue = SimulatedVenue(options.seed, settings=inputs.world)
    world = World()
    speed = options.speed or None
    group = Duration(_GROUP * max(1, round(min(speed or _FASTEST, _FASTEST))))
    return MarketRecorder(
        data=recordings.live(venue, world, options.venue, group),
        source=venue,
        world=world,
        speed=speed,
        ticks_max=options.ticks,
    )


def _drive(
    recorder: MarketRecorder,
    system: SystemLog,
    clock: SystemClock,
    stopping: StopSignals,
    shown: _Shown,
    recordings: Recordings,
) -> None:
    looked = clock.elapsed() - SECOND
    while stopping.asked is None and recordings.stopped is None:
        now = clock.now()
        due = recorder.step(now)
        if due is None:
            break
        if clock.elapsed() - looked >= SECOND // 10:
            looked = clock.elapsed()
            system.step(now)
            shown.show(recorder)
        if due > now:
            time.sleep(min(_LOOK_S, (due - now) / SECOND))
    shown.show(recorder)


def _numbers(
    options: RecordOptions, recorder: MarketRecorder, recordings: Recordings, took: Duration
) -> Mapping[str, Any]:
    files = recordings.files
    return {
        "venue": options.venue,
        "files": [str(path) for path in files],
        "bytes": sum(path.stat().st_size for path in files if path.exists()),
        "facts": recorder.world.facts,
        "ticks": recorder.ticks,
        "markets": recorder.world.announced,
        "gaps": recorder.world.gaps,
        "until": None if not recorder.ticks else format_time(recorder.at),
        "seconds": round(took / SECOND, 3),
    }


def _check(options: RecordOptions) -> None:
    if options.venue != SIMULATED:
        msg = (
            f"--venue {options.venue}: only the simulated venue can be recorded on its own; "
            "`market-bot run --venue …` records real prices while it trades them on paper, and "
            "`market-bot import` makes tapes of recorded files"
        )
        raise RunUsageError(msg)
    if options.ticks is not None and options.ticks < 1:
        msg = f"--ticks {options.ticks}: give at least one"
        raise RunUsageError(msg)
    if options.speed is not None and not 0 <= options.speed < float("inf"):
        msg = f"--speed {options.speed}: give a number of at least 0; 0 is as fast as it goes"
        raise RunUsageError(msg)


class _Shown:
    """A bar on a terminal; a line every tenth of the way anywhere else."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        self._told = -1.0

    def show(self, recorder: MarketRecorder) -> None:
        """Show how far a recording is."""
        if self._quiet:
            return
        share = recorder.source.span()
        if recorder.ticks_max is not None:
            share = max(share, recorder.ticks / recorder.ticks_max)
        if self._console.is_terminal:
            self._draw(share)
        elif share >= self._told + _STEP:
            self._told = share
            line = f"{share:4.0%}: {recorder.ticks:,} ticks, {recorder.world.facts:,} facts"
            print(plain(line), file=sys.stderr)  # noqa: T201 - for people

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _draw(self, share: float) -> None:
        if self._bar is None:
            self._bar = Progress(console=self._console, transient=True)
            self._bar.start()
            self._bar.add_task("recording", total=1.0)
        self._bar.update(self._bar.task_ids[0], completed=share)
