"""Where the parts of a run are put together; the only home of dependency-injector.

Typed functions build, the container keeps and lets tests override. Everything here is built
before the threads start.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence

from dependency_injector import containers, providers

import market_bot
from market_bot.adapters.storage.durable_file import RealFiles, Reserve
from market_bot.adapters.storage.halt_file import HaltFile
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.home_lock import HomeLock
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.system.clock import SystemClock
from market_bot.adapters.system.control_socket import ControlServer
from market_bot.adapters.system.secrets import Secrets, load_secrets
from market_bot.bootstrap.fed_lanes import (
    LIVE,
    FedAssembled,
    FedInputs,
    LiveParts,
    Surroundings,
    assemble_fed,
)
from market_bot.bootstrap.recent_lines import RecentLines
from market_bot.bootstrap.recording import Recordings
from market_bot.bootstrap.run_inputs import RunInputs
from market_bot.bootstrap.run_options import RunOptions
from market_bot.bootstrap.running_bot import STALL, LiveControls, RunningBot
from market_bot.bootstrap.system_log import CHAIN, SystemLog
from market_bot.bootstrap.tape_places import TapePlaces
from market_bot.bootstrap.taped_lane import Assembled, assemble, snapshot_of
from market_bot.config.loader import load_bot
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.numbers import SECOND, Duration, format_time
from market_bot.core.ports.clock import Clock
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.record_facts import Recorder

_RESERVE_BYTES = 4 << 20
_BOOT_BYTES = 4
_STALL_POLLING = Duration(20 * SECOND)


AnyInputs = RunInputs | FedInputs
AnyLane = Assembled | FedAssembled


def make_about(home: Home, inputs: Sequence[AnyInputs], clock: Clock) -> Mapping[str, str]:
    """Return what the bot says of itself."""
    return {
        "version": market_bot.__version__,
        "home": str(home.path),
        "mode": mode_of(inputs),
        "started": format_time(clock.now()),
        "trades": ", ".join(source.name for one in inputs for source in one.sources()),
    }


def mode_of(inputs: Sequence[AnyInputs]) -> str:
    """Return whether any lane may come to trade real money."""
    return "live" if any(one.lane == LIVE for one in inputs) else "paper"


def make_bot(
    clock: Clock,
    home: Home,
    about: Mapping[str, str],
    recent: RecentLines,
    inputs: Sequence[AnyInputs],
) -> RunningBot:
    """Return the bot, still without lanes."""
    # Without a key a lane asks for its prices one after the other, as fast as the venue allows.
    polls = any(isinstance(one, FedInputs) and not one.live for one in inputs)
    return RunningBot(
        clock,
        HaltFile(home.halt_file),
        about=about,
        recent=recent.last,
        stall=_STALL_POLLING if polls else STALL,
    )


def make_recordings(home: Home, clock: Clock) -> Recordings:
    """Return what makes recordings below the home."""
    return Recordings(home, load_bot(home.bot_file), clock)


def make_secrets(home: Home, inputs: Sequence[AnyInputs]) -> Secrets:
    """Return the keys, where a lane may need one.

    Raises:
        SecretsError: if their file cannot be used.

    """
    fed = any(isinstance(one, FedInputs) for one in inputs)
    return load_secrets(home.env_file) if fed else Secrets({})


def make_lanes(
    options: RunOptions,
    home: Home,
    inputs: Sequence[AnyInputs],
    bot: RunningBot,
    recent: RecentLines,
    recordings: Recordings,
    clock: Clock,
    secrets: Secrets,
    system: Callable[[], SystemLog],
) -> Sequence[AnyLane]:
    """Return the lanes, already added to the bot.

    Raises:
        RunFinishedError: if the same was traded to the end before.
        JournalError: if a journal there is damaged.
        VenueError: if a venue cannot be used as it is configured.

    """
    around = Surroundings(
        home=home,
        clock=clock,
        secrets=secrets,
        recordings=recordings,
        tell=lambda event: system().note(event),
        controls=lambda name, trader: bot.controls(name, lambda: trader.state.halted),
        wake=bot.wake,
        put=bot.put,
        ticks_max=options.ticks,
    )
    made: list[AnyLane] = []
    try:
        for one in inputs:
            lane: AnyLane
            if isinstance(one, FedInputs):
                lane = assemble_fed(one, around)
            else:
                lane = _derived(one, options, home, bot, recordings)
            made.append(lane)
            bot.add_lane(lane.lane, outside=isinstance(lane, FedAssembled))
            if isinstance(lane, FedAssembled) and lane.live is not None:
                _add_live(bot, lane.lane.name, lane.live)
            recent.follow(lane.chain)
    except BaseException:
        for lane in made:
            lane.close()
        raise
    return tuple(made)


def _add_live(bot: RunningBot, name: str, live: LiveParts) -> None:
    bot.add_live(name, LiveControls(kill=live.kill, accept_cash=live.compare.accept_cash))
    bot.add_worker(live.watch)
    for worker in live.trading.workers:
        bot.add_worker(worker)


def _derived(
    inputs: RunInputs, options: RunOptions, home: Home, bot: RunningBot, recordings: Recordings
) -> Assembled:
    name = f"{inputs.venue}/{inputs.lane}"
    return assemble(
        inputs,
        home.journal_dir,
        fresh=options.fresh,
        controls=lambda trader: bot.controls(name, lambda: trader.state.halted),
        speed=options.pace(),
        ticks_max=options.ticks,
        reserve=Reserve(home.state_dir / "reserve", _RESERVE_BYTES, RealFiles()),
        record=recordings.derived if inputs.recorded else None,
    )


def open_system(
    home: Home,
    config: str,
    lanes: Callable[[], Sequence[LaneSnapshot]],
    recordings: Recordings,
    mode: str = "paper",
) -> SystemLog:
    """Return the writer of the system chain, which hears of the recordings from here on.

    Raises:
        JournalError: if the chain is damaged.

    """
    journal = JsonlJournal(
        chain_folder(home.journal_dir, CHAIN), CHAIN, boot=secrets.token_hex(_BOOT_BYTES)
    )
    recorder = Recorder(
        journal=journal,
        state=LaneState(),
        config=config,
        snapshot=snapshot_of,
        last_at=journal.last_at,
    )
    system = SystemLog(recorder=recorder, lanes=lanes)
    system.note(
        ev.BotStarted(
            mode=mode,
            instance=home.instance(),
            version=market_bot.__version__,
            fold=FOLD_VERSION,
        )
    )
    recordings.connect(system.note)
    return system


def make_system(
    home: Home, inputs: Sequence[AnyInputs], bot: RunningBot, recordings: Recordings
) -> SystemLog:
    """Return the writer of the system chain, already added to the bot.

    Raises:
        JournalError: if the chain is damaged.

    """
    system = open_system(home, inputs[0].settings.hash, bot.lanes, recordings, mode_of(inputs))
    bot.add_worker(system)
    bot.observe_stalls(system.stalled, system.recovered)
    return system


def make_control(home: Home, bot: RunningBot) -> ControlServer:
    """Return the control socket, not yet open."""
    return ControlServer(home.control_socket, bot)


def make_lock(home: Home) -> HomeLock:
    """Return the home's lock, not yet taken."""
    return HomeLock(home.lock_file)


class Container(containers.DeclarativeContainer):
    """The parts of one run."""

    options = providers.Dependency(instance_of=RunOptions)
    home = providers.Dependency(instance_of=Home)
    inputs = providers.Dependency(instance_of=tuple)

    clock = providers.ThreadSafeSingleton(SystemClock)
    lock = providers.ThreadSafeSingleton(make_lock, home)
    places = providers.ThreadSafeSingleton(TapePlaces, home)
    recent = providers.ThreadSafeSingleton(RecentLines, home.provided.journal_dir)
    about = providers.ThreadSafeSingleton(make_about, home, inputs, clock)
    bot = providers.ThreadSafeSingleton(make_bot, clock, home, about, recent, inputs)
    recordings = providers.ThreadSafeSingleton(make_recordings, home, clock)
    secrets = providers.ThreadSafeSingleton(make_secrets, home, inputs)
    system = providers.ThreadSafeSingleton(make_system, home, inputs, bot, recordings)
    lanes = providers.ThreadSafeSingleton(
        make_lanes,
        options,
        home,
        inputs,
        bot,
        recent,
        recordings,
        clock,
        secrets,
        system.provider,
    )
    control = providers.ThreadSafeSingleton(make_control, home, bot)
