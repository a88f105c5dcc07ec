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
from market_bot.bootstrap.fed_lanes import Problems, ground_of, milliseconds
from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.recording import Recordings
from market_bot.bootstrap.run_command import SIMULATED, RunError, RunUsageError
from market_bot.bootstrap.run_inputs import simulated_inputs
from market_bot.bootstrap.settings import settings_of
from market_bot.bootstrap.stop_signals import StopSignals
from market_bot.bootstrap.system_log import SystemLog
from market_bot.bootstrap.venue_parts import Feed
from market_bot.bootstrap.venues import VENUES
from market_bot.config.defaults import default_files
from market_bot.config.loader import read_venue
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import SECOND, Duration, format_time
from market_bot.core.domain.world import World
from market_bot.core.usecases.record_only import FeedRecorder, MarketRecorder

_LOOK_S: Final = 0.1
_STEP: Final = 0.1
_GROUP: Final = Duration(10 * SECOND)
_FASTEST: Final = 1_000_000
_MINUTE: Final = Duration(60 * SECOND)
_LINES_MAX: Final = 1_000


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
        VenueError: if a venue cannot be used as it is configured.

    """
    _check(options)
    home = Home(options.home)
    home.create(default_files())
    home.check_permissions()
    clock = SystemClock()
    with make_lock(home), StopSignals() as stopping:
        recordings = make_recordings(home, clock)
        system = open_system(home, "", lambda: (), recordings)
        began = clock.elapsed()
        try:
            source = _source(options, home, recordings, clock, system)
            try:
                _drive(source, system, clock, stopping, recordings)
            finally:
                source.close()
        finally:
            recordings.close()
            system.stop(clock.now(), stopping.asked or "end of recording")
            system.close()
    failure = source.recorder.error or recordings.stopped
    if failure is not None:
        raise RunError(failure)
    return _numbers(options, source.recorder, recordings, Duration(clock.elapsed() - began))


@attrs.frozen(kw_only=True)
class _Source:
    """What is recorded, how far it is shown, and what has to be closed."""

    recorder: MarketRecorder | FeedRecorder
    shown: _Shown | _Told
    feed: Feed | None = None

    def close(self) -> None:
        self.shown.close()
        if self.feed is not None:
            self.feed.close()


def _source(
    options: RecordOptions,
    home: Home,
    recordings: Recordings,
    clock: SystemClock,
    system: SystemLog,
) -> _Source:
    if options.venue == SIMULATED:
        recorder = _simulated(options, home, recordings)
        return _Source(recorder=recorder, shown=_Shown(recorder, quiet=options.json))
    sourced = read_venue(home.venue_file(options.venue))

    def complain(line: str) -> None:
        system.note(ev.Error(where=f"venue:{options.venue}", message=line))
        shown.say(line)

    shown = _Told(clock, quiet=options.json)
    ground = attrs.evolve(ground_of(home, sourced, clock), complain=complain)
    # Whatever the settings say: a recording sends no orders.
    feed = VENUES[options.venue].open(ground, live=False).feed
    problems, world = Problems(feed, complain), World()
    loop = sourced.config.loop
    live = FeedRecorder(
        data=recordings.live(feed, world, options.venue),
        world=world,
        interval=milliseconds(loop.interval_ms or loop.min_interval_ms),
        poll=lambda: problems.poll(clock),
        ticks_max=options.ticks,
    )
    return _Source(recorder=live, shown=shown, feed=feed)


def _simulated(options: RecordOptions, home: Home, recordings: Recordings) -> MarketRecorder:
    """Return what records the invented exchange."""
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
    source: _Source,
    system: SystemLog,
    clock: SystemClock,
    stopping: StopSignals,
    recordings: Recordings,
) -> None:
    recorder, shown = source.recorder, source.shown
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
    options: RecordOptions,
    recorder: MarketRecorder | FeedRecorder,
    recordings: Recordings,
    took: Duration,
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
    known = (SIMULATED, *VENUES)
    if options.venue not in known:
        msg = f"--venue {options.venue}: there is no such venue: there are {', '.join(known)}"
        raise RunUsageError(msg)
    if options.venue != SIMULATED and (options.speed is not None or options.seed):
        msg = f"--speed and --seed are for the simulated venue: {options.venue} goes by the clock"
        raise RunUsageError(msg)
    if options.ticks is not None and options.ticks < 1:
        msg = f"--ticks {options.ticks}: give at least one"
        raise RunUsageError(msg)
    if options.speed is not None and not 0 <= options.speed < float("inf"):
        msg = f"--speed {options.speed}: give a number of at least 0; 0 is as fast as it goes"
        raise RunUsageError(msg)


class _Shown:
    """A bar on a terminal; a line every tenth of the way anywhere else."""

    def __init__(self, recorder: MarketRecorder, *, quiet: bool) -> None:
        self._recorder = recorder
        self._quiet = quiet
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        self._told = -1.0

    def show(self, _: object) -> None:
        """Show how far a recording is."""
        if self._quiet:
            return
        recorder = self._recorder
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


class _Told:
    """A line now and then: how long live data go on nobody knows."""

    def __init__(self, clock: SystemClock, *, quiet: bool) -> None:
        self._clock = clock
        self._quiet = quiet
        self._told: Duration | None = None
        self._lines = 0

    def show(self, recorder: MarketRecorder | FeedRecorder) -> None:
        """Say how far a recording is, once it has begun and then every minute."""
        now = self._clock.elapsed()
        if recorder.world.facts and (self._told is None or now - self._told >= _MINUTE):
            self._told = now
            self.say(
                f"{recorder.ticks:,} ticks, {recorder.world.announced:,} markets, "
                f"{recorder.world.facts:,} facts"
            )

    def say(self, line: str) -> None:
        """Print a line for people; no more than a few hundred of them, the journal has all."""
        self._lines += 1
        if not self._quiet and self._lines <= _LINES_MAX:
            print(plain(line), file=sys.stderr)  # noqa: T201 - for people

    def close(self) -> None:
        """Do nothing: there is nothing to put back."""
