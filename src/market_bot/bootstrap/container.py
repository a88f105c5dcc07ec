"""Where the parts of a run are put together; the only home of dependency-injector.

Typed functions build, the container keeps and lets tests override. Everything here is built
before the threads start.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

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
from market_bot.bootstrap.recent_lines import RecentLines
from market_bot.bootstrap.run_inputs import RunInputs
from market_bot.bootstrap.run_options import RunOptions
from market_bot.bootstrap.running_bot import RunningBot
from market_bot.bootstrap.system_log import CHAIN, SystemLog
from market_bot.bootstrap.tape_places import TapePlaces
from market_bot.bootstrap.taped_lane import Assembled, assemble, snapshot_of
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.numbers import format_time
from market_bot.core.ports.clock import Clock
from market_bot.core.usecases.record_facts import Recorder

_RESERVE_BYTES = 4 << 20
_BOOT_BYTES = 4


def make_about(home: Home, inputs: RunInputs, clock: Clock) -> Mapping[str, str]:
    """Return what the bot says of itself."""
    return {
        "version": market_bot.__version__,
        "home": str(home.path),
        "mode": "paper",
        "started": format_time(clock.now()),
        "trades": ", ".join(source.name for source in inputs.sources()),
    }


def make_bot(clock: Clock, home: Home, about: Mapping[str, str], recent: RecentLines) -> RunningBot:
    """Return the bot, still without lanes."""
    return RunningBot(clock, HaltFile(home.halt_file), about=about, recent=recent.last)


def make_lane(
    options: RunOptions, home: Home, inputs: RunInputs, bot: RunningBot, recent: RecentLines
) -> Assembled:
    """Return the lane, already added to the bot.

    Raises:
        RunFinishedError: if the same was traded to the end before.
        JournalError: if the journal there is damaged.

    """
    name = f"{inputs.venue}/{inputs.lane}"
    assembled = assemble(
        inputs,
        home.journal_dir,
        fresh=options.fresh,
        controls=lambda trader: bot.controls(name, lambda: trader.state.halted),
        speed=options.pace(),
        ticks_max=options.ticks,
        reserve=Reserve(home.state_dir / "reserve", _RESERVE_BYTES, RealFiles()),
    )
    bot.add_lane(assembled.lane)
    recent.follow(assembled.chain)
    return assembled


def make_system(home: Home, inputs: RunInputs, bot: RunningBot) -> SystemLog:
    """Return the writer of the system chain, already added to the bot.

    Raises:
        JournalError: if the chain is damaged.

    """
    journal = JsonlJournal(
        chain_folder(home.journal_dir, CHAIN), CHAIN, boot=secrets.token_hex(_BOOT_BYTES)
    )
    recorder = Recorder(
        journal=journal,
        state=LaneState(),
        config=inputs.settings.hash,
        snapshot=snapshot_of,
        last_at=journal.last_at,
    )
    system = SystemLog(recorder=recorder, lanes=bot.lanes)
    system.note(
        ev.BotStarted(
            mode="paper",
            instance=home.instance(),
            version=market_bot.__version__,
            fold=FOLD_VERSION,
        )
    )
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
    inputs = providers.Dependency(instance_of=object)  # any RunInputs; a protocol has no instances

    clock = providers.ThreadSafeSingleton(SystemClock)
    lock = providers.ThreadSafeSingleton(make_lock, home)
    places = providers.ThreadSafeSingleton(TapePlaces, home)
    recent = providers.ThreadSafeSingleton(RecentLines, home.provided.journal_dir)
    about = providers.ThreadSafeSingleton(make_about, home, inputs, clock)
    bot = providers.ThreadSafeSingleton(make_bot, clock, home, about, recent)
    lane = providers.ThreadSafeSingleton(make_lane, options, home, inputs, bot, recent)
    system = providers.ThreadSafeSingleton(make_system, home, inputs, bot)
    control = providers.ThreadSafeSingleton(make_control, home, bot)
