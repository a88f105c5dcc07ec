"""``market-bot run``: from a home directory to a summary."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import attrs
from rich.console import Console

import market_bot
from market_bot.adapters.storage.durable_file import RealFiles, Reserve
from market_bot.adapters.storage.halt_file import HaltFile
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.home_lock import HomeLock
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.adapters.system.clock import SystemClock
from market_bot.adapters.system.control_socket import ControlServer
from market_bot.bootstrap.recent_lines import RecentLines
from market_bot.bootstrap.running_bot import RunningBot
from market_bot.bootstrap.sample import sample_tape
from market_bot.bootstrap.settings import settings_of
from market_bot.bootstrap.summary import Coverage, as_text, summary
from market_bot.bootstrap.system_log import CHAIN, SystemLog
from market_bot.bootstrap.tape_places import TapePlaces
from market_bot.bootstrap.taped_lane import (
    Assembled,
    TapedInputs,
    assemble,
    snapshot_of,
    tape_hashes,
)
from market_bot.bootstrap.terminal_view import TerminalView
from market_bot.config.defaults import default_files
from market_bot.config.loader import load_bot, read_venue
from market_bot.config.schema import BotConfig
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.numbers import Duration, Micros, format_time
from market_bot.core.usecases.record_facts import Recorder

_SAMPLE_SPEED: Final = 450.0
_LOOK_S: Final = 0.1
_RESERVE_BYTES: Final = 4 << 20
_BOOT_BYTES: Final = 4


class RunError(Exception):
    """The run cannot start; the message says why and what to do."""


class RunUsageError(RunError):
    """The options do not go together, or name what does not exist yet."""

    code = 2


@attrs.frozen(kw_only=True)
class RunOptions:
    """The options of ``run`` as given; see the command line for their meaning."""

    home: Path
    venues: tuple[str, ...] = ()
    tapes: tuple[Path, ...] = ()
    host: str | None = None
    port: int | None = None
    web: bool = True
    ticks: int | None = None
    seed: int = 0
    speed: float | None = None
    fresh: bool = False
    json: bool = False

    @property
    def sample(self) -> bool:
        """Whether the sample market is traded because nothing else was asked for."""
        return not self.tapes

    def pace(self) -> float | None:
        """Return how many times faster than recorded; None is as fast as it goes."""
        if self.speed is None:
            return _SAMPLE_SPEED if self.sample and not self.json else None
        return self.speed or None


def run(options: RunOptions) -> int:
    """Trade until the tape ends, somebody stops it, or it fails; print the summary.

    Returns:
        0 if all went well, 1 if something failed.

    """
    _check(options)
    home = Home(options.home)
    tapes = options.tapes or (sample_tape(),)
    venue = _venue_of(tapes, options)
    made = home.create(default_files())
    home.check_permissions()
    bot_config = load_bot(home.bot_file)
    sourced = read_venue(home.venue_file(venue))
    inputs = TapedInputs(
        venue=venue,
        tapes=tuple(tapes),
        hashes=tape_hashes(tapes),
        settings=settings_of(sourced),
        interval=Micros(sourced.config.loop.interval_ms * 1000),
        seed=options.seed,
    )
    with HomeLock(home.lock_file):
        return _Session(options, home, bot_config, inputs, new_home=bool(made)).run()


class _Session:
    """One run, from opening the journal to the last printed line."""

    def __init__(
        self,
        options: RunOptions,
        home: Home,
        config: BotConfig,
        inputs: TapedInputs,
        *,
        new_home: bool,
    ) -> None:
        self._options = options
        self._home = home
        self._config = config
        self._inputs = inputs
        self._new_home = new_home
        self._clock = SystemClock()
        self._console = Console(stderr=options.json)
        self._recent = RecentLines(home.journal_dir)
        halt_file = HaltFile(home.halt_file)
        self._bot = RunningBot(
            self._clock,
            halt_file,
            about=self._about(),
            recent=self._recent.last,
            on_stall=self._stalled,
            on_recovery=self._recovered,
        )
        self._system: SystemLog | None = None
        self._server: Any = None

    def run(self) -> int:
        began = time.monotonic()
        assembled = self._assemble()
        TapePlaces(self._home).remember(self._inputs.tapes)
        view = TerminalView(self._console, quiet=self._options.json)
        with ExitStack() as closing:
            system = self._open_system(closing)
            self._bot.add_worker(system)
            self._server = self._web()
            closing.enter_context(ControlServer(self._home.control_socket, self._bot))
            self._greet(assembled)
            self._bot.start()
            try:
                asyncio.run(self._watch(view))
            finally:
                view.close()
                self._bot.stop(self._bot.shut_down_by or "end of run")
        return self._tell(assembled, time.monotonic() - began)

    def _assemble(self) -> Assembled:
        name = f"{self._inputs.venue}/tape"
        assembled = assemble(
            self._inputs,
            self._home.journal_dir,
            fresh=self._options.fresh,
            again=self._options.sample,
            controls=lambda trader: self._bot.controls(name, lambda: trader.state.halted),
            speed=self._options.pace(),
            ticks_max=self._options.ticks,
            reserve=Reserve(self._home.state_dir / "reserve", _RESERVE_BYTES, RealFiles()),
        )
        self._bot.add_lane(assembled.lane)
        self._recent.follow(assembled.chain)
        return assembled

    def _open_system(self, closing: ExitStack) -> SystemLog:
        journal = closing.enter_context(
            JsonlJournal(
                chain_folder(self._home.journal_dir, CHAIN),
                CHAIN,
                boot=secrets.token_hex(_BOOT_BYTES),
            )
        )
        config = self._inputs.settings.hash
        recorder = Recorder(journal=journal, state=LaneState(), config=config, snapshot=snapshot_of)
        system = SystemLog(recorder=recorder, lanes=self._bot.lanes)
        system.note(
            ev.BotStarted(
                mode="paper",
                instance=self._home.instance(),
                version=market_bot.__version__,
                fold=FOLD_VERSION,
            )
        )
        self._system = system
        return system

    def _web(self) -> Any:  # noqa: ANN401 - the web library is imported only if it is wanted
        if not self._options.web:
            return None
        from market_bot.adapters.web.app import create_app  # noqa: PLC0415 - see above
        from market_bot.adapters.web.server import WebServer  # noqa: PLC0415 - see above

        web = self._config.web
        port = web.port if self._options.port is None else self._options.port
        return WebServer(
            lambda hosts: create_app(self._bot, allowed_hosts=hosts),
            self._options.host or web.host,
            port,
        )

    async def _watch(self, view: TerminalView) -> None:
        """Serve the page and show the lanes until all is over or somebody stops it."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            name = signal.Signals(number).name
            loop.add_signal_handler(number, self._bot.shut_down, name)
        serving = None if self._server is None else asyncio.create_task(self._server.serve(stop))
        note = "Ctrl-C stops in order"
        if self._server is not None:
            note = f"page: {self._server.url}   {note}"
        while not self._bot.wait(0):
            view.show(self._bot.lanes(), note)
            await asyncio.sleep(_LOOK_S)
        view.show(self._bot.lanes(), note)
        stop.set()
        if serving is not None:
            await serving

    # -- words -------------------------------------------------------------------------------

    def _about(self) -> Mapping[str, str]:
        return {
            "version": market_bot.__version__,
            "home": str(self._home.path),
            "mode": "paper",
            "started": format_time(self._clock.now()),
            "tapes": ", ".join(path.name for path in self._inputs.tapes),
        }

    def _greet(self, assembled: Assembled) -> None:
        if self._options.json:
            return
        say = self._say
        if self._new_home:
            say(f"made a home at {self._home.path}: its settings are in {self._home.config_dir}")
        names = ", ".join(path.name for path in self._inputs.tapes)
        what = "the sample market that comes with the bot" if self._options.sample else names
        say(f"paper trading {what}; nothing here is real money")
        if assembled.resumed_from:
            say(f"going on with run {assembled.chain.run} after line {assembled.resumed_from:,}")
        if self._server is not None:
            say(f"watch it at {self._server.url}")

    def _tell(self, assembled: Assembled, seconds: float) -> int:
        lane = assembled.lane
        world = lane.trader.world
        coverage = Coverage(
            facts=world.facts,
            ignored=world.ignored,
            gaps=world.gaps,
            markets=len(world.seen),
            resolved=lane.tally.resolved,
            capabilities=tuple(sorted(c.value for c in lane.trader.data.capabilities)),
        )
        numbers = summary(lane.snapshot, lane.tally, coverage, seconds)
        failures = self._bot.failures()
        if self._options.json:
            print(json.dumps({**numbers, "failures": [f.message for f in failures]}))  # noqa: T201 - the result
        else:
            self._say("")
            self._say(as_text(numbers))
            self._next(assembled)
        for failure in failures:
            print(failure.message, file=sys.stderr)  # noqa: T201 - for people
        return self._bot.exit_code()

    def _next(self, assembled: Assembled) -> None:
        home = (
            "" if self._options.home.name == "market-bot-home" else f" --home {self._options.home}"
        )
        chain = f" --chain {assembled.chain}"
        self._say("")
        if assembled.lane.snapshot.phase == "stopped":
            self._say("not finished: the same command goes on where it stopped")
        self._say("what to try next:")
        self._say(f"  market-bot journal tail{chain}{home}     what was decided last, and why")
        self._say(f"  market-bot journal prove{chain}{home}    derive every decision again")
        if self._options.sample:
            self._say(f"  edit {self._home.venue_file(self._inputs.venue)} and run again")
            self._say("  market-bot import --help                    trade recorded real markets")

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _stalled(self, name: str, busy_for: Duration) -> None:
        if self._system is not None:
            reason = f"{name} has not come back for {busy_for // 1_000_000} s"
            self._system.note(ev.VenueState(state="stalled", reason=reason))

    def _recovered(self, name: str) -> None:
        if self._system is not None:
            self._system.note(ev.VenueState(state="open", reason=f"{name} came back"))


def _check(options: RunOptions) -> None:
    for path in options.tapes:
        if not path.is_file():
            msg = f"{path}: no such tape: `market-bot import` makes one from recorded files"
            raise RunUsageError(msg)
    if options.ticks is not None and options.ticks < 1:
        msg = f"--ticks {options.ticks}: give at least one"
        raise RunUsageError(msg)
    if options.speed is not None and not 0 <= options.speed < float("inf"):
        msg = f"--speed {options.speed}: give a number of at least 0; 0 is as fast as it goes"
        raise RunUsageError(msg)


def _venue_of(tapes: Sequence[Path], options: RunOptions) -> str:
    """Return the one venue of all tapes, which must be one that was asked for."""
    venues = [TapeReader(path).header.venue for path in tapes]
    strangers = sorted(set(options.venues) - set(venues))
    if strangers and options.sample:
        msg = (
            f"--venue {strangers[0]}: live prices are not available in this version: "
            "trade a recording with --tape"
        )
        raise RunUsageError(msg)
    if len(set(venues)) > 1 or strangers:
        held = ", ".join(
            f"{path.name} holds {venue}" for path, venue in zip(tapes, venues, strict=True)
        )
        msg = f"{held}: run one venue at a time"
        raise RunError(msg)
    return venues[0]
