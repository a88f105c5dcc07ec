"""Put a lane together that can be derived again: inputs, journal, and what was done before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from market_bot.adapters.storage.codec import digest, encode_state
from market_bot.adapters.storage.durable_file import Reserve
from market_bot.adapters.storage.journal import Health, JsonlJournal
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.bootstrap.hot_settings import successor
from market_bot.bootstrap.program_name import program
from market_bot.bootstrap.recording import Record, record_like, unrecorded
from market_bot.bootstrap.run_inputs import RunInputs, opening, run_id
from market_bot.bootstrap.shadow import shadow_of, with_shadow
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.risk.api import limit_texts
from market_bot.core.domain.tally import Tally
from market_bot.core.domain.world import World
from market_bot.core.ports.journal import Chain, DurabilityLostError, Entry
from market_bot.core.usecases.lane_actor import TapedLane
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.redo_journal import RedoJournal, decides_nothing
from market_bot.core.usecases.trade_lane import Controls, LaneTrader

# At full speed nobody reads along; a paced run is watched while it goes.
_COMMIT_TICKS: Final = 1024
_COMMIT_TICKS_PACED: Final = 16
# What is written of nights and decisions once a run is closed.
_WRITTEN_AFTER_MAX: Final = 2_000


class RunFinishedError(Exception):
    """The same inputs were traded to the end before; the message says how to go on."""


@attrs.frozen(kw_only=True)
class Assembled:
    """A lane ready to be stepped."""

    lane: TapedLane
    redo: RedoJournal
    chain: Chain
    folder: Path
    resumed_from: int

    def close(self) -> None:
        """Close the chain once the lane's thread is gone."""
        self.redo.close()


def assemble(
    inputs: RunInputs,
    journal_dir: Path,
    *,
    fresh: bool,
    controls: Callable[[LaneTrader], Controls],
    speed: float | None = None,
    ticks_max: int | None = None,
    reserve: Reserve | None = None,
    record: Record | None = None,
) -> Assembled:
    """Open or continue the chain of a run and put a lane on it.

    ``fresh`` begins a new chain in any case; ``record`` makes the data record themselves.

    Raises:
        RunFinishedError: if the run was traded to the end and ``fresh`` is not asked for.
        JournalError: if what is there is damaged, or there is no room to go on.
        TapeError: if a tape cannot be opened.

    """
    chain = find_chain(inputs, journal_dir, fresh=fresh)
    folder = chain_folder(journal_dir, chain)
    journal = JsonlJournal(folder, chain, boot=run_id(inputs), durability="group", reserve=reserve)
    if journal.health is not Health.SOUND:
        # A recording can wait: without room for the reserve it would be traded with no entries.
        journal.close()
        msg = f"{folder}: the disk has no room for what a run needs: make some, then run again"
        raise DurabilityLostError(msg)
    return assemble_on(
        inputs,
        journal,
        folder=folder,
        controls=controls,
        speed=speed,
        ticks_max=ticks_max,
        record=record,
    )


def assemble_on(
    inputs: RunInputs,
    journal: JsonlJournal,
    *,
    folder: Path = Path(),
    controls: Callable[[LaneTrader], Controls] = lambda _: lambda: (),
    speed: float | None = None,
    ticks_max: int | None = None,
    record: Record | None = None,
) -> Assembled:
    """Put a lane on an open journal, which may hold the beginning of the same run."""
    resumed_from = journal.head[0]
    redo = RedoJournal(old=journal.read(), inner=journal)
    lane = _lane(
        inputs,
        journal.chain,
        redo,
        controls,
        record_like(journal.read(), record),
        speed=speed,
        ticks_max=ticks_max,
    )
    lane.trader.controls = _controls(lane, redo, lane.trader.controls, journal)
    lane.caught_up = lambda: redo.head[0] / max(1, resumed_from) if redo.redoing else None
    return Assembled(
        lane=lane, redo=redo, chain=journal.chain, folder=folder, resumed_from=resumed_from
    )


def rehearse(
    inputs: RunInputs,
    chain: Chain,
    old: Iterator[Entry],
    started: ev.BotStarted,
    record: Record = unrecorded,
) -> Assembled:
    """Put a lane on nothing but old lines: it derives them again and writes nothing.

    ``started`` is the recorded opening: it names the version that wrote it, and that may differ.
    ``record`` gives the data the positions they had then.
    """
    redo = RedoJournal(old=old, inner=None)
    lane = _lane(inputs, chain, redo, lambda _: lambda: (), record, speed=None, ticks_max=None)
    lane.started = started
    shadow = shadow_of(lane.trader, chain.venue)

    def taken() -> Sequence[ev.Event]:
        shadow.take()
        return redo.controls(lane.time)

    lane.trader.controls = taken
    return Assembled(lane=lane, redo=redo, chain=chain, folder=Path(), resumed_from=0)


def find_chain(inputs: RunInputs, journal_dir: Path, *, fresh: bool) -> Chain:
    """Return the chain a run goes on with: the unfinished one, or the next number.

    Raises:
        RunFinishedError: if the newest one is finished and ``fresh`` is not asked for.

    """
    newest, following = _attempts(inputs, journal_dir)
    if newest is None or fresh:
        return following
    if finished(journal_dir, newest):
        msg = (
            f"this was traded to the end with these settings already (run {newest.run}): "
            "add --fresh to trade it again, or look at it with "
            f"`{program()} journal stats --chain {newest}`"
        )
        raise RunFinishedError(msg)
    return newest


def traded(inputs: RunInputs, journal_dir: Path) -> bool:
    """Tell whether these inputs were traded to their end before."""
    newest, _ = _attempts(inputs, journal_dir)
    return newest is not None and finished(journal_dir, newest)


def _attempts(inputs: RunInputs, journal_dir: Path) -> tuple[Chain | None, Chain]:
    """Return the newest chain of a run, if any, and the one that would come next."""
    run, attempt = run_id(inputs), 1
    chain = Chain(inputs.venue, inputs.lane, run)
    newest: Chain | None = None
    while chain_folder(journal_dir, chain).exists():
        newest = chain
        attempt += 1
        chain = Chain(inputs.venue, inputs.lane, f"{run}-{attempt}")
    return newest, chain


def finished(journal_dir: Path, chain: Chain) -> bool:
    """Tell whether a run's last fact of its own is that it was closed."""
    reader = JournalReader(chain_folder(journal_dir, chain), chain)
    for count in (1, _WRITTEN_AFTER_MAX):
        own = [entry for entry in reader.tail(count) if not decides_nothing(entry.event)]
        if own:
            return own[-1].type == ev.BotStopped.TYPE
    return False


def _lane(
    inputs: RunInputs,
    chain: Chain,
    redo: RedoJournal,
    controls: Callable[[LaneTrader], Controls],
    record: Record,
    *,
    speed: float | None,
    ticks_max: int | None,
) -> TapedLane:
    world = World()
    feed = inputs.feed(world)
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
        data=record(feed.data, world, chain),
        execution=feed.execution,
        recorder=recorder,
        world=world,
        controls=lambda: (),
        commit_ticks=_COMMIT_TICKS if speed is None else _COMMIT_TICKS_PACED,
        successor=successor,
    )
    trader.controls = controls(trader)
    return TapedLane(
        trader=trader,
        source=feed.ticks,
        started=opening(inputs, [c.value for c in feed.data.capabilities]),
        tally=tally,
        blank=LaneSnapshot(
            venue=inputs.venue,
            lane=inputs.lane,
            run=chain.run,
            limits=limit_texts(inputs.settings.rules, inputs.settings.limits),
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
    shadow = shadow_of(lane.trader, lane.blank.venue)
    outside = with_shadow(outside, shadow)

    def taken() -> Sequence[ev.Event]:
        nonlocal again
        if redo.redoing:
            # It goes along from the beginning, and what it told then is in the journal.
            shadow.take()
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
