"""market-bot inside another program: a lane on paper that is stepped by whoever holds it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from market_bot.adapters.simulated.sim_settings import DEFAULT, SimSettings
from market_bot.adapters.storage.memory_journal import MemoryJournal
from market_bot.bootstrap.run_inputs import (
    RunInputs,
    SimulatedInputs,
    TapedInputs,
    run_id,
    tape_hashes,
)
from market_bot.bootstrap.settings import settings_of
from market_bot.bootstrap.summary import coverage_of, summary
from market_bot.bootstrap.taped_lane import assemble, assemble_on
from market_bot.config.defaults import default_files
from market_bot.config.loader import parse_venue, read_venue
from market_bot.core.domain.events import Event
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.numbers import Micros, Money
from market_bot.core.domain.settings import ActiveStrategy, LaneSettings
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.ports.journal import Chain, Entry
from market_bot.core.usecases.lane_snapshot import LaneSnapshot


def default_settings(venue: str = "simulated") -> LaneSettings:
    """Return the settings a newcomer gets for a venue.

    Raises:
        KeyError: if there is no such venue.

    """
    name = f"{venue}.yaml"
    return settings_of(parse_venue(default_files()[name], name))


def load_settings(path: Path | str) -> LaneSettings:
    """Return the settings of a venue's YAML file.

    Raises:
        ConfigError: with one line per fault.

    """
    return settings_of(read_venue(Path(path)))


def with_strategy(
    settings: LaneSettings, strategy: Strategy, params: object = None
) -> LaneSettings:
    """Return settings that trade this strategy and no other.

    Args:
        settings: everything else: limits, sizing, cooldowns.
        strategy: the strategy.
        params: its parameters; None takes their defaults.

    """
    chosen = strategy.params() if params is None else params
    text = f"{settings.text}\n{strategy.name} {chosen!r}"
    return attrs.evolve(
        settings,
        strategies=(ActiveStrategy(strategy=strategy, params=chosen),),
        hash=hashlib.sha256(text.encode()).hexdigest()[: len(settings.hash)],
    )


class PaperLane:
    """One lane on paper, in memory or in a folder; not for use by several threads.

    Make it with `simulated` or `taped`. The same inputs always give the same journal.
    """

    def __init__(self, inputs: RunInputs, journal_dir: Path | None = None) -> None:
        if journal_dir is None:
            chain = Chain(inputs.venue, inputs.lane, run_id(inputs))
            self._parts = assemble_on(inputs, MemoryJournal(chain, run_id(inputs)))
        else:
            self._parts = assemble(inputs, journal_dir, fresh=False, controls=lambda _: lambda: ())
        self._steps = 0
        self._seconds = 0.0

    @classmethod
    def simulated(
        cls,
        settings: LaneSettings,
        *,
        seed: int = 0,
        world: SimSettings = DEFAULT,
        journal_dir: Path | None = None,
    ) -> PaperLane:
        """Return a lane in a simulated world.

        Args:
            settings: what to trade and how much.
            seed: which world.
            world: its size, length, crowd and faults.
            journal_dir: where to keep the journal; None keeps it in memory.

        """
        inputs = SimulatedInputs(settings=settings, world=world, seed=seed)
        return cls(inputs, journal_dir)

    @classmethod
    def taped(
        cls,
        settings: LaneSettings,
        tapes: Sequence[Path],
        *,
        interval: Micros = Micros(1_000_000),
        journal_dir: Path | None = None,
    ) -> PaperLane:
        """Return a lane on recorded data.

        Args:
            settings: what to trade and how much.
            tapes: tapes of one venue, in the order of playing.
            interval: how far apart ticks are, in microseconds; 0 is one per record.
            journal_dir: where to keep the journal; None keeps it in memory.

        Raises:
            TapeError: if a tape cannot be read.

        """
        from market_bot.adapters.storage.tape_reader import TapeReader  # noqa: PLC0415 - with tapes only

        inputs = TapedInputs(
            venue=TapeReader(tapes[0]).header.venue,
            tapes=tuple(tapes),
            hashes=tape_hashes(tapes),
            settings=settings,
            interval=interval,
        )
        return cls(inputs, journal_dir)

    @property
    def state(self) -> LaneState:
        """Cash, positions, orders: what the journal adds up to."""
        return self._parts.lane.trader.state

    @property
    def equity(self) -> Money:
        """Cash plus what positions would fetch now, in dollars (1e-12)."""
        return self._parts.lane.trader.equity()

    @property
    def snapshot(self) -> LaneSnapshot:
        """The whole picture, as the page shows it."""
        return self._parts.lane.show()

    def run(self, ticks: int | None = None) -> int:
        """Trade so many ticks, or to the end; return how many there were.

        Raises:
            LaneFailedError: if the lane cannot go on.

        """
        began, done = time.perf_counter(), 0
        while ticks is None or done < ticks:
            before = self._parts.lane.trader.ticks
            if self._parts.lane.step(Micros(self._steps)) is None:
                break
            self._steps += 1
            done += self._parts.lane.trader.ticks - before
        self._seconds += time.perf_counter() - began
        error = self._parts.lane.snapshot.error
        if error is not None:
            raise LaneFailedError(error)
        return done

    def watch(self, tell: Callable[[Event, Micros], None]) -> None:
        """Have every fact told from now on, with its time, as soon as it is written.

        A run that goes on derives its old facts again and tells those too. It is told in the
        thread that calls `run`, between two facts: be quick, and do not call the lane.

        Args:
            tell: is given the fact; what it raises ends the run.

        """
        self._parts.lane.trader.recorder.observers.append(tell)

    def journal(self) -> Iterator[Entry]:
        """Yield every fact so far, oldest first."""
        self._parts.redo.commit()
        return self._parts.redo.read()

    def summary(self) -> Mapping[str, Any]:
        """Return the run's numbers: counts, fills, fees, profit and loss, Brier, coverage."""
        lane = self._parts.lane
        return summary(lane.show(), lane.tally, coverage_of(lane), self._seconds)

    def close(self) -> None:
        """Make the journal durable and let go of it."""
        self._parts.close()


class LaneFailedError(Exception):
    """A lane cannot go on; the message says why."""
