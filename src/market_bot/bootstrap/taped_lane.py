"""Put a taped lane together: settings, tape, paper execution, journal, and what was done."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

import market_bot
from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.adapters.simulated.tape_venue import TapeVenue
from market_bot.adapters.storage.codec import digest, encode_state
from market_bot.adapters.storage.durable_file import Reserve
from market_bot.adapters.storage.journal import Health, JsonlJournal
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.tally import Tally
from market_bot.core.domain.world import World
from market_bot.core.ports.journal import Chain, DurabilityLostError, Entry
from market_bot.core.usecases.lane_actor import TapedLane
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.redo_journal import RedoJournal
from market_bot.core.usecases.trade_lane import Controls, LaneTrader

_LANE: Final = "tape"
_ID_PLACES: Final = 16
# At full speed nobody reads along; a paced run is watched while it goes.
_COMMIT_TICKS: Final = 1024
_COMMIT_TICKS_PACED: Final = 16


class RunFinishedError(Exception):
    """The same inputs were traded to the end before; the message says how to go on."""


@attrs.frozen(kw_only=True)
class TapedInputs:
    """What a taped run follows from; the same inputs give the same journal, byte for byte.

    ``tapes`` are the tapes' paths in the order of playing, ``hashes`` their SHA-256.
    """

    venue: str
    tapes: tuple[Path, ...]
    hashes: tuple[str, ...]
    settings: LaneSettings
    interval: Micros
    seed: int = 0

    def run_id(self) -> str:
        """Return the name of the run: a hash of everything it follows from."""
        parts = (self.venue, *self.hashes, self.settings.hash, str(self.seed), str(FOLD_VERSION))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_ID_PLACES]

    def started(self, capabilities: Sequence[str]) -> ev.BotStarted:
        """Return the fact that opens the lane; nothing in it depends on machine or moment."""
        return ev.BotStarted(
            mode="paper",
            instance=self.run_id(),
            version=market_bot.__version__,
            fold=FOLD_VERSION,
            capabilities=tuple(sorted(capabilities)),
            inputs=tuple(
                ev.Input(path.name, sha) for path, sha in zip(self.tapes, self.hashes, strict=True)
            ),
            cash=self.settings.cash,
            seed=self.seed,
            config=self.settings.text,
        )


@attrs.frozen(kw_only=True)
class Assembled:
    """A taped lane ready to be stepped."""

    lane: TapedLane
    redo: RedoJournal
    chain: Chain
    folder: Path
    resumed_from: int

    def close(self) -> None:
        """Close the chain once the lane's thread is gone."""
        self.redo.close()


def assemble(
    inputs: TapedInputs,
    journal_dir: Path,
    *,
    fresh: bool,
    controls: Callable[[LaneTrader], Controls],
    again: bool = False,
    speed: float | None = None,
    ticks_max: int | None = None,
    reserve: Reserve | None = None,
) -> Assembled:
    """Open or continue the chain of a run and put a lane on it.

    ``fresh`` begins a new chain in any case, ``again`` where the newest one is finished.

    Raises:
        RunFinishedError: if the run was traded to the end and ``fresh`` is not asked for.
        JournalError: if what is there is damaged, or there is no room to go on.
        TapeError: if a tape cannot be opened.

    """
    chain = find_chain(inputs, journal_dir, fresh=fresh, again=again)
    folder = chain_folder(journal_dir, chain)
    journal = JsonlJournal(folder, chain, boot=inputs.run_id(), durability="group", reserve=reserve)
    if journal.health is not Health.SOUND:
        # A recording can wait: without room for the reserve it would be traded with no entries.
        journal.close()
        msg = f"{folder}: the disk has no room for what a run needs: make some, then run again"
        raise DurabilityLostError(msg)
    resumed_from = journal.head[0]
    redo = RedoJournal(old=journal.read(), inner=journal)
    lane = _lane(inputs, chain, redo, controls, speed=speed, ticks_max=ticks_max)
    lane.trader.controls = _controls(lane, redo, lane.trader.controls, journal)
    return Assembled(lane=lane, redo=redo, chain=chain, folder=folder, resumed_from=resumed_from)


def rehearse(
    inputs: TapedInputs, chain: Chain, old: Iterator[Entry], started: ev.BotStarted
) -> Assembled:
    """Put a lane on nothing but old lines: it derives them again and writes nothing.

    ``started`` is the recorded opening: it names the version that wrote it, and that may differ.
    """
    redo = RedoJournal(old=old, inner=None)
    lane = _lane(inputs, chain, redo, lambda _: lambda: (), speed=None, ticks_max=None)
    lane.started = started
    lane.trader.controls = lambda: redo.controls(lane.time)
    return Assembled(lane=lane, redo=redo, chain=chain, folder=Path(), resumed_from=0)


def find_chain(
    inputs: TapedInputs, journal_dir: Path, *, fresh: bool, again: bool = False
) -> Chain:
    """Return the chain a run goes on with: the unfinished one, or the next number.

    Raises:
        RunFinishedError: if the newest one is finished and neither ``fresh`` nor ``again`` is set.

    """
    run, attempt = inputs.run_id(), 1
    chain = Chain(inputs.venue, _LANE, run)
    newest: Chain | None = None
    while chain_folder(journal_dir, chain).exists():
        newest = chain
        attempt += 1
        chain = Chain(inputs.venue, _LANE, f"{run}-{attempt}")
    if newest is None or fresh:
        return chain
    if finished(journal_dir, newest):
        if again:
            return chain
        msg = (
            f"this tape was traded to the end with this configuration already (run {newest.run}): "
            "add --fresh to trade it again, or look at it with `market-bot journal stats`"
        )
        raise RunFinishedError(msg)
    return newest


def finished(journal_dir: Path, chain: Chain) -> bool:
    """Tell whether a run's last fact is that it was closed."""
    reader = JournalReader(chain_folder(journal_dir, chain), chain)
    last = reader.tail(1)
    return bool(last) and last[0].type == ev.BotStopped.TYPE


def tape_hashes(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return the SHA-256 of every tape.

    Raises:
        TapeError: if one cannot be read.

    """
    return tuple(TapeReader(path).sha256 for path in paths)


def _lane(
    inputs: TapedInputs,
    chain: Chain,
    redo: RedoJournal,
    controls: Callable[[LaneTrader], Controls],
    *,
    speed: float | None,
    ticks_max: int | None,
) -> TapedLane:
    venue = TapeVenue([TapeReader(path) for path in inputs.tapes], interval=inputs.interval)
    world = World()
    tally = Tally()
    recorder = Recorder(
        journal=redo,
        state=LaneState(),
        config=inputs.settings.hash,
        snapshot=snapshot_of,
        observers=[tally.add],
    )
    trader = LaneTrader(
        settings=inputs.settings,
        data=venue,
        execution=PaperExecution(world, venue.capabilities),
        recorder=recorder,
        world=world,
        controls=lambda: (),
        commit_ticks=_COMMIT_TICKS if speed is None else _COMMIT_TICKS_PACED,
    )
    trader.controls = controls(trader)
    return TapedLane(
        trader=trader,
        source=venue,
        started=inputs.started([c.value for c in venue.capabilities]),
        tally=tally,
        blank=LaneSnapshot(
            venue=inputs.venue, lane=_LANE, run=chain.run, limits=inputs.settings.limits
        ),
        speed=speed,
        ticks_max=ticks_max,
        redoing=lambda: redo.redoing,
        digest=lambda: digest(recorder.state),
    )


def _controls(
    lane: TapedLane, redo: RedoJournal, outside: Controls, journal: JsonlJournal
) -> Controls:
    """Return what was taken then, while there are old lines; what comes from outside afterwards."""
    again = redo.redoing

    def taken() -> Sequence[ev.Event]:
        nonlocal again
        if redo.redoing:
            return redo.controls(lane.time)
        reopened, again = again, False
        if reopened and lane.trader.degraded is not None and journal.health is Health.SOUND:
            # The run before this one ran out of room; this one opened its files and has some.
            return (ev.VenueState(state="open", reason="there is room again"), *outside())
        return outside()

    return taken


def snapshot_of(state: LaneState) -> tuple[Mapping[str, object], str]:
    """Return a state as plain data, and its digest."""
    return encode_state(state), digest(state)
