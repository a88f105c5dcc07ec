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
from market_bot.bootstrap.advisors import advisor_key
from market_bot.bootstrap.config_store import config_files
from market_bot.bootstrap.dashboard import make_desk
from market_bot.bootstrap.fed_lanes import (
    LIVE,
    FedAssembled,
    FedInputs,
    LiveParts,
    Surroundings,
    assemble_fed,
)
from market_bot.bootstrap.going_on import going_on
from market_bot.bootstrap.housekeeping import Housekeeper
from market_bot.bootstrap.lane_config import (
    LaneConfig,
    SettingsFile,
    changed_meanwhile,
    ends_of,
    log_of,
)
from market_bot.bootstrap.nightly import Nightly
from market_bot.bootstrap.notifying import make_notify, new_to
from market_bot.bootstrap.recent_lines import RecentLines
from market_bot.bootstrap.recording import Recordings
from market_bot.bootstrap.run_inputs import RunInputs, SimulatedInputs
from market_bot.bootstrap.run_options import RunOptions
from market_bot.bootstrap.running_bot import STALL, LiveControls, RunningBot
from market_bot.bootstrap.running_nights import RunningHands, RunningNights
from market_bot.bootstrap.running_trials import watcher
from market_bot.bootstrap.system_log import CHAIN, SystemLog
from market_bot.bootstrap.tape_places import TapePlaces
from market_bot.bootstrap.taped_lane import Assembled, assemble, snapshot_of
from market_bot.config.loader import load_bot
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.numbers import HOUR, NEVER, SECOND, Duration, Micros, format_time
from market_bot.core.domain.tuning.changes import ChangeLog
from market_bot.core.ports.clock import Clock
from market_bot.core.usecases.keep_config import ConfigKeeper
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.redo_journal import config_after

_RESERVE_BYTES = 4 << 20
_BOOT_BYTES = 4
_STALL_POLLING = Duration(20 * SECOND)
_DAY = Duration(24 * HOUR)
_TAPE = "tape"


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
                _tell_of_changes(one, lane, home, bot)
            else:
                lane = _derived(one, options, home, bot, recordings)
            made.append(lane)
            bot.add_lane(lane.lane, outside=isinstance(lane, FedAssembled))
            lane.lane.trader.heeded = bot.heed(lane.lane.name)
            _keep_settings(lane, home, bot)
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
    if isinstance(inputs, SimulatedInputs) and not options.fresh:
        store = config_files(home.config_dir)
        file = store.version(f"{inputs.venue}.yaml")
        inputs, change = going_on(inputs, home.journal_dir, file, store)
        if change is not None:
            bot.put(name, change)
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


def _keep_settings(lane: AnyLane, home: Home, bot: RunningBot) -> None:
    """Let a lane follow its settings file; what is played from tapes has its own."""
    name, trader = lane.lane.name, lane.lane.trader
    if lane.chain.lane == _TAPE:
        return
    file = SettingsFile(config_files(home.config_dir), f"{lane.chain.venue}.yaml")
    keeper = ConfigKeeper(
        lane=name,
        fingerprint=file.fingerprint,
        read=file.read,
        in_force=lambda: trader.settings,
        put=lambda event: bot.offer(name, event),
        ready=lambda: isinstance(lane, FedAssembled) or not lane.redo.redoing,
    )
    file.store.keep(file.name)
    bot.add_settings(name, LaneConfig(keeper, file, lambda event: bot.record(name, event)))
    journal = lane.journal if isinstance(lane, FedAssembled) else lane.redo.inner
    for ended in ends_of(_changes(journal), file.store):
        bot.put(name, ended)


def _tell_of_changes(inputs: FedInputs, lane: FedAssembled, home: Home, bot: RunningBot) -> None:
    """Have it written down that the settings are others than when this lane last traded."""
    store, name = config_files(home.config_dir), f"{inputs.venue}.yaml"
    log = _changes(lane.journal)
    for ended in ends_of(log, store):
        log = log.hear(ended, lane.journal.last_at)
    last = lane.journal.tail(1)
    before = config_after(last[-1]) if last else ""
    changed = changed_meanwhile(log, before, inputs.settings, store.version(name).sha256)
    if changed is not None:
        bot.put(lane.lane.name, changed)


def _changes(journal: object) -> ChangeLog:
    """Return what a chain's last day tells of changes of its settings file."""
    if not isinstance(journal, JsonlJournal):
        return ChangeLog()
    return log_of(journal.read_from(Micros(max(NEVER, journal.last_at - _DAY))))


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
    days = load_bot(home.bot_file).retention.journal_days
    bot.add_worker(Housekeeper(home=home, journal_days=days, tell=system.note))
    return system


def make_nights(
    options: RunOptions,
    home: Home,
    bot: RunningBot,
    lanes: Sequence[AnyLane],
    clock: Clock,
    system: SystemLog,
) -> Nightly | None:
    """Return what keeps the nights of all lanes, already added to the bot.

    None where derived lanes go as fast as they can: no night could keep up with them.

    Raises:
        SecretsError: if the advisor needs a key and the file of the keys cannot be used.

    """
    if options.pace() is None and any(isinstance(lane, Assembled) for lane in lanes):
        return None
    config = load_bot(home.bot_file)
    nightly = Nightly(
        home=home,
        minute=config.nightly.minute_of_day,
        clock=clock,
        lanes=bot.lanes,
        tell=system.note,
        key=advisor_key(config.advisor, home),
    )
    for lane in lanes:
        hands = RunningHands(bot, lane.lane.name)
        hearing = nightly.follow(lane.chain, lane.resumed_from, hands.offer)
        recorder = lane.lane.trader.recorder
        recorder.observers.append(new_to(hearing, recorder, lane.resumed_from))
        _watch_trials(lane, home, bot, system)
    bot.add_worker(nightly)
    bot.add_nights(RunningNights(home, nightly, bot))
    return nightly


def _watch_trials(lane: AnyLane, home: Home, bot: RunningBot, system: SystemLog) -> None:
    """Have the changes of a lane watched, if it follows its settings file."""
    config, trader = bot.settings(lane.lane.name), lane.lane.trader
    if config is not None:
        bot.add_worker(
            watcher(home, lane.chain, lane.lane, bot, config, lambda: trader.settings, system.note)
        )


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
    nights = providers.ThreadSafeSingleton(make_nights, options, home, bot, lanes, clock, system)
    notify = providers.ThreadSafeSingleton(make_notify, options, home, bot, lanes, system)
    desk = providers.ThreadSafeSingleton(make_desk, home, bot, lanes, clock, system, nights)
    control = providers.ThreadSafeSingleton(make_control, home, bot)
