"""``market-bot run``: from a home directory to a summary."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dependency_injector import providers
from rich.console import Console

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.adapters.system.service_manager import ServiceManager
from market_bot.bootstrap.container import AnyInputs, AnyLane, Container
from market_bot.bootstrap.dashboard import login_link, make_server
from market_bot.bootstrap.fed_lanes import LIVE, PAPER, FedInputs, winding_up
from market_bot.bootstrap.going_on import ended_with
from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.program_name import program
from market_bot.bootstrap.pulse import Pulse
from market_bot.bootstrap.run_inputs import (
    SimulatedInputs,
    TapedInputs,
    simulated_inputs,
    tape_hashes,
)
from market_bot.bootstrap.run_options import RunOptions
from market_bot.bootstrap.running_bot import STOP_S, RunningBot
from market_bot.bootstrap.sample import sample_tape
from market_bot.bootstrap.settings import settings_of
from market_bot.bootstrap.stop_signals import SIGNALS, StopSignals
from market_bot.bootstrap.summary import as_text, coverage_of, summary
from market_bot.bootstrap.taped_lane import traded
from market_bot.bootstrap.terminal_view import TerminalView
from market_bot.bootstrap.venues import VENUES
from market_bot.config.defaults import default_files
from market_bot.config.loader import Sourced, load_bot, read_venue
from market_bot.config.schema import Mode, VenueConfig, Web
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.settings import LaneSettings

if TYPE_CHECKING:
    from market_bot.adapters.web.server import WebServer

_LOOK_S: Final = 0.1
_STOP_FED_S: Final = 40.0
SIMULATED: Final = "simulated"
SAMPLE: Final = Path("sample")
DEFAULT_HOME: Final = Path("market-bot-home")


class RunError(Exception):
    """The run cannot start; the message says why and what to do."""


class RunUsageError(RunError):
    """The options do not go together, or name what does not exist yet."""

    code = 2


def run(options: RunOptions) -> int:
    """Trade until the data ends, somebody stops it, or it fails; print the summary.

    Returns:
        0 if all went well, 1 if something failed.

    """
    _check(options)
    home = Home(options.home)
    tapes = tuple(sample_tape() if path == SAMPLE else path for path in options.tapes)
    venues = (_venue_of(tapes, options),) if tapes else _venues(options)
    made = home.create(default_files())
    home.check_permissions()
    bot_config = load_bot(home.bot_file)
    inputs, notes = list[AnyInputs](), list[str]()
    for venue in venues:
        sourced = read_venue(home.venue_file(venue))
        one = _inputs(home, sourced, venue, tapes, options)
        inputs.append(one)
        notes += [f"{venue}: {note}" for note in _warnings(sourced.config, one)]
    parts = Container(
        options=providers.Object(options),
        home=providers.Object(home),
        inputs=providers.Object(tuple(inputs)),
    )
    with parts.lock(), _logging(options, home):
        return _Session(
            options, parts, inputs, bot_config.web, new_home=bool(made), notes=notes
        ).run()


def _logging(options: RunOptions, home: Home) -> AbstractContextManager[None]:
    if not options.log_json:
        return nullcontext()
    # Imported only where a log is wanted: the library takes a fifth of a second.
    from market_bot.bootstrap.logs import logging_as  # noqa: PLC0415 - see above

    return logging_as(home)


def _inputs(
    home: Home,
    sourced: Sourced[VenueConfig],
    venue: str,
    tapes: tuple[Path, ...],
    options: RunOptions,
) -> AnyInputs:
    settings = settings_of(sourced)
    if tapes:
        return TapedInputs(
            venue=venue,
            tapes=tapes,
            hashes=tape_hashes(tapes),
            settings=settings,
            interval=Micros(sourced.config.loop.interval_ms * 1000),
            seed=options.seed or 0,
        )
    if venue == SIMULATED:
        seed = 0 if options.fresh and options.seed is None else options.seed
        return _world(home, sourced.config, settings, seed)
    live = sourced.config.mode is Mode.LIVE or winding_up(home, venue)
    return FedInputs(
        venue=venue,
        config=sourced.config,
        settings=settings,
        plug=VENUES[venue],
        lane=LIVE if live else PAPER,
    )


def _warnings(config: VenueConfig, inputs: AnyInputs) -> list[str]:
    """Return what a person probably did not mean, a line each."""
    notes, settings = [], inputs.settings
    if inputs.lane == LIVE:
        notes.append(
            "real money: nothing is opened before it is armed with "
            f"`{program()} live --venue {inputs.venue}`"
            if config.mode is Mode.LIVE
            else "real orders or positions are left from before: they are only wound up"
        )
    elif config.mode is Mode.LIVE:
        notes.append("mode: live is set, but recorded and simulated data is only traded on paper")
    most = settings.limits.get("max_order_usd")
    if most is not None and settings.sizing.order > most:
        notes.append("sizing.order_usd is above risk.max_order_usd: entries will be refused")
    return notes


def _world(
    home: Home, config: VenueConfig, settings: LaneSettings, seed: int | None
) -> SimulatedInputs:
    """Return the world asked for, or the first not traded to its end with these settings."""
    number = seed or 0
    inputs = simulated_inputs(config, settings, number)
    while seed is None and _traded_to_its_end(inputs, home):
        number += 1
        inputs = simulated_inputs(config, settings, number)
    return inputs


def _traded_to_its_end(inputs: SimulatedInputs, home: Home) -> bool:
    return traded(inputs, home.journal_dir) or ended_with(inputs, home.journal_dir)


class _Session:
    """One run, from opening the journal to the last printed line."""

    def __init__(
        self,
        options: RunOptions,
        parts: Container,
        inputs: Sequence[AnyInputs],
        web: Web,
        *,
        new_home: bool,
        notes: Sequence[str],
    ) -> None:
        self._options = options
        self._parts = parts
        self._web_config = web
        self._new_home = new_home
        self._notes = notes
        self._home: Home = parts.home()
        self._inputs = inputs
        self._console = Console(stderr=options.json)
        self._server: WebServer | None = None

    def run(self) -> int:
        began = time.monotonic()
        bot, lanes = self._parts.bot(), self._parts.lanes()
        system, recordings = self._parts.system(), self._parts.recordings()
        self._parts.nights()
        notify = self._parts.notify()
        for one in self._inputs:
            if isinstance(one, TapedInputs):
                self._parts.places().remember(one.tapes)
        self._server = self._make_server(bot)
        if notify is not None and self._server is not None:
            notify.link = notify.link or self._server.url
        view = TerminalView(self._console, quiet=self._options.json)
        with StopSignals() as stopping, self._parts.control():
            self._greet(lanes)
            bot.start()
            try:
                asyncio.run(self._watch(bot, view, stopping))
            finally:
                stopping.listen()
                view.close()
                bot.stop(bot.shut_down_by or "end of run", self._patience_s)
                for lane in lanes:
                    lane.close()
                recordings.close()
                system.close()
        return self._tell(bot, lanes, recordings.stopped, time.monotonic() - began)

    @property
    def _patience_s(self) -> float:
        """How long threads have to stop: a venue that hangs is waited for until its deadlines."""
        fed = any(isinstance(one, FedInputs) for one in self._inputs)
        return _STOP_FED_S if fed else STOP_S

    def _make_server(self, bot: RunningBot) -> WebServer | None:
        if not self._options.web:
            return None
        options, parts = self._options, self._parts
        server, sessions = make_server(
            parts.desk(), self._home, parts.clock(), self._web_config, options.host, options.port
        )
        bot.add_page(lambda: login_link(server, sessions))
        return server

    async def _watch(self, bot: RunningBot, view: TerminalView, stopping: StopSignals) -> None:
        """Serve the page and show the lanes until all is over or somebody stops it."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, bot.shut_down, number.name)
        if stopping.asked is not None:
            bot.shut_down(stopping.asked)
        serving = None if self._server is None else asyncio.create_task(self._server.serve(stop))
        note = "Ctrl-C stops in order"
        if self._server is not None:
            note = f"page: {self._server.url}   {note}"
        pulse = Pulse(ServiceManager.of(os.environ), bot)
        pulse.ready()
        while not bot.wait(0):
            view.show(bot.lanes(), note)
            pulse.beat(time.monotonic())
            await asyncio.sleep(_LOOK_S)
        pulse.stopping()
        view.show(bot.lanes(), note)
        stop.set()
        if serving is not None:
            await serving

    def _greet(self, lanes: Sequence[AnyLane]) -> None:
        if self._options.json:
            return
        say = self._say
        if self._new_home:
            say(f"made a home at {self._home.path}: its settings are in {self._home.config_dir}")
        names = ", ".join(source.name for one in self._inputs for source in one.sources())
        live = [one.venue for one in self._inputs if one.lane == LIVE]
        if live:
            say(f"trading {names}; with real money on {', '.join(live)}")
        else:
            say(f"paper trading {names}; nothing here is real money")
        for note in self._notes:
            say(note)
        for lane in lanes:
            if lane.resumed_from:
                what = f"run {lane.chain.run}" if lane.chain.run else str(lane.chain)
                say(f"going on with {what} after line {lane.resumed_from:,}")
        if self._server is not None:
            say(f"watch it at {self._parts.bot().login_link()}")
            say(f"this address logs in once, within the hour; `{program()} web link` makes others")

    def _tell(
        self, bot: RunningBot, lanes: Sequence[AnyLane], unrecorded: str | None, seconds: float
    ) -> int:
        told = [
            summary(one.lane.snapshot, one.lane.tally, coverage_of(one.lane), seconds)
            for one in lanes
        ]
        failures = bot.failures()
        if self._options.json:
            numbers = told[0] if len(told) == 1 else {"lanes": told}
            messages = [failure.message for failure in failures]
            said = {**numbers, "failures": messages, "recording_stopped": unrecorded}
            print(json.dumps(said))  # noqa: T201 - the result
        else:
            for one in told:
                self._say("")
                self._say(as_text(one))
            self._next(lanes)
        if unrecorded is not None:
            print(plain(f"recording stopped: {unrecorded}"), file=sys.stderr)  # noqa: T201 - for people
        for failure in failures:
            print(plain(failure.message), file=sys.stderr)  # noqa: T201 - for people
        return bot.exit_code()

    def _next(self, lanes: Sequence[AnyLane]) -> None:
        home = "" if self._options.home == DEFAULT_HOME else f" --home {self._options.home}"
        name = program()
        self._say("")
        unfinished = any(one.lane.snapshot.phase == "stopped" for one in lanes)
        if unfinished:
            self._say("not finished: the same command goes on where it stopped")
        simulated = [one for one in self._inputs if isinstance(one, SimulatedInputs)]
        if simulated:
            self._say("one invented world is one throw of the dice: the next one ends otherwise")
        self._say("what to try next:")
        self._say(f"  {name} journal tail{home}     what was decided last")
        self._say(f"  {name} journal prove{home}    derive every decision again")
        for market in [market for one in lanes for market in _traded(one)][:1]:
            # A name that a venue chose must not become a command when it is pasted.
            if market.isprintable():
                self._say(f"  {name} why {shlex.quote(market)}{home}")
        for one in simulated:
            self._say(f"  edit {self._home.venue_file(one.venue)} and run again")
            goes_on = "go on" if unfinished else "the next world"
            self._say(f"  {name} run{home}              {goes_on}")
            self._say(f"  {name} import --help    trade recorded real markets")

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def _traded(assembled: AnyLane) -> list[str]:
    state = assembled.lane.trader.state
    return [*state.last_entry, *state.last_exit]


def _check(options: RunOptions) -> None:
    for path in options.tapes:
        if path != SAMPLE and not path.is_file():
            msg = f"{path}: no such tape: `market-bot import` makes one from recorded files"
            raise RunUsageError(msg)
    if options.ticks is not None and options.ticks < 1:
        msg = f"--ticks {options.ticks}: give at least one"
        raise RunUsageError(msg)
    if options.speed is not None and not 0 <= options.speed < float("inf"):
        msg = f"--speed {options.speed}: give a number of at least 0; 0 is as fast as it goes"
        raise RunUsageError(msg)


def _venues(options: RunOptions) -> tuple[str, ...]:
    """Return the venues asked for, each once; the simulated one if none is."""
    wanted = tuple(dict.fromkeys(options.venues)) or (SIMULATED,)
    known = (SIMULATED, *VENUES)
    for venue in wanted:
        if venue not in known:
            msg = (
                f"--venue {venue}: live prices of it are not available: there are "
                f"{', '.join(known)}, and --tape trades a recording"
            )
            raise RunUsageError(msg)
    return wanted


def _venue_of(tapes: Sequence[Path], options: RunOptions) -> str:
    """Return the one venue of all tapes, which must be one that was asked for."""
    venues = [TapeReader(path).header.venue for path in tapes]
    strangers = sorted(set(options.venues) - set(venues))
    if len(set(venues)) > 1 or strangers:
        held = ", ".join(
            f"{path.name} holds {venue}" for path, venue in zip(tapes, venues, strict=True)
        )
        msg = f"{held}: run one venue at a time"
        raise RunError(msg)
    return venues[0]
