"""What a run follows from: the same inputs give the same journal, byte for byte."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import attrs

import market_bot
from market_bot.adapters.simulated.paper_desk import paper_desk
from market_bot.adapters.simulated.sim_settings import DAY, PRESETS, SimSettings
from market_bot.adapters.simulated.sim_venue import SimulatedVenue
from market_bot.adapters.simulated.tape_venue import TapeVenue
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.config.schema import VenueConfig
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import FOLD_VERSION
from market_bot.core.domain.numbers import Duration, Micros
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Execution
from market_bot.core.ports.market_data import MarketData
from market_bot.core.usecases.lane_actor import TickSource

_ID_PLACES: Final = 16
# Changes when the simulated world changes: the same seed then is another world.
_WORLD_VERSION: Final = 2


@attrs.frozen
class Feed:
    """Where a lane's facts and ticks come from, and where its orders go."""

    data: MarketData
    ticks: TickSource
    execution: Execution


class RunInputs(Protocol):
    """Everything that decides a run that can be derived again."""

    @property
    @abstractmethod
    def venue(self) -> str:
        """The venue's short name."""

    @property
    @abstractmethod
    def lane(self) -> str:
        """The kind of lane: "tape" or "sim"."""

    @property
    @abstractmethod
    def settings(self) -> LaneSettings:
        """What a person decided."""

    @property
    @abstractmethod
    def seed(self) -> int:
        """The number everything drawn is drawn from."""

    @property
    @abstractmethod
    def recorded(self) -> bool:
        """Whether what is consumed is to be recorded; what is played from a tape never is."""

    @abstractmethod
    def sources(self) -> tuple[ev.Input, ...]:
        """Return the files and worlds the run is made of, by name and hash."""

    @abstractmethod
    def feed(self, world: World) -> Feed:
        """Return a new feed at its beginning, with execution that may watch ``world``.

        Raises:
            TapeError: if a tape cannot be opened.

        """


def run_id(inputs: RunInputs) -> str:
    """Return the name of a run: a hash of everything it follows from."""
    hashes = [source.sha256 for source in inputs.sources()]
    parts = (inputs.venue, *hashes, inputs.settings.hash, str(inputs.seed), str(FOLD_VERSION))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_ID_PLACES]


def opening(inputs: RunInputs, capabilities: Sequence[str]) -> ev.BotStarted:
    """Return the fact that opens the lane; nothing in it depends on machine or moment."""
    return ev.BotStarted(
        mode="paper",
        instance=run_id(inputs),
        version=market_bot.__version__,
        fold=FOLD_VERSION,
        capabilities=tuple(sorted(capabilities)),
        inputs=inputs.sources(),
        cash=inputs.settings.cash,
        seed=inputs.seed,
        config=inputs.settings.text,
    )


@attrs.frozen(kw_only=True)
class TapedInputs(RunInputs):
    """A run on recorded data.

    ``tapes`` are the tapes' paths in the order of playing, ``hashes`` their SHA-256.
    """

    venue: str
    tapes: tuple[Path, ...]
    hashes: tuple[str, ...]
    settings: LaneSettings
    interval: Micros
    seed: int = 0
    lane: str = attrs.field(default="tape", init=False)
    recorded: bool = attrs.field(default=False, init=False)

    def sources(self) -> tuple[ev.Input, ...]:
        return tuple(
            ev.Input(path.name, sha) for path, sha in zip(self.tapes, self.hashes, strict=True)
        )

    def feed(self, world: World) -> Feed:
        venue = TapeVenue([TapeReader(path) for path in self.tapes], interval=self.interval)
        desk = paper_desk(self.venue, self.settings.fills, world, venue.capabilities)
        return Feed(venue, venue, desk)


@attrs.frozen(kw_only=True)
class SimulatedInputs(RunInputs):
    """A run in a simulated world, which is drawn from ``seed``."""

    settings: LaneSettings
    world: SimSettings
    seed: int
    recorded: bool = False
    venue: str = attrs.field(default="simulated", init=False)
    lane: str = attrs.field(default="sim", init=False)

    def sources(self) -> tuple[ev.Input, ...]:
        text = f"{_WORLD_VERSION}\n{self.seed}\n{self.world!r}"
        sha = hashlib.sha256(text.encode()).hexdigest()
        return (ev.Input(f"simulated world {self.seed}", sha),)

    def feed(self, world: World) -> Feed:  # noqa: ARG002 - the venue knows its own books
        venue = SimulatedVenue(self.seed, settings=self.world)
        return Feed(venue, venue, venue)


def simulated_inputs(config: VenueConfig, settings: LaneSettings, seed: int) -> SimulatedInputs:
    """Return the inputs of a run in the simulated world a configuration asks for."""
    wanted = config.simulation
    world = attrs.evolve(
        PRESETS[wanted.preset.value],
        markets=wanted.markets,
        lasts=Duration(wanted.days * DAY),
        interval=Duration(max(1, config.loop.interval_ms) * 1000),
        cash=config.paper.cash,
    )
    return SimulatedInputs(settings=settings, world=world, seed=seed, recorded=config.tape.record)


def tape_hashes(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return the SHA-256 of every tape.

    Raises:
        TapeError: if one cannot be read.

    """
    return tuple(TapeReader(path).sha256 for path in paths)
