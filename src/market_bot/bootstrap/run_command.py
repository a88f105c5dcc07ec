"""``market-bot run``: from a home directory to a summary."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dependency_injector import providers
from rich.console import Console

from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.bootstrap.container import Container
from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.program_name import program
from market_bot.bootstrap.run_inputs import (
    RunInputs,
    SimulatedInputs,
    TapedInputs,
    simulated_inputs,
    tape_hashes,
)
from market_bot.bootstrap.run_options import RunOptions
from market_bot.bootstrap.running_bot import RunningBot
from market_bot.bootstrap.sample import sample_tape
from market_bot.bootstrap.settings import settings_of
from market_bot.bootstrap.stop_signals import SIGNALS, StopSignals
from market_bot.bootstrap.summary import as_text, coverage_of, summary
from market_bot.bootstrap.taped_lane import Assembled, traded
from market_bot.bootstrap.terminal_view import TerminalView
from market_bot.config.defaults import default_files
from market_bot.config.loader import Sourced, load_bot, read_venue
from market_bot.config.schema import Mode, VenueConfig, Web
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.settings import LaneSettings

if TYPE_CHECKING:
    from market_bot.adapters.web.server import WebServer

_LOOK_S: Final = 0.1
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
    venue = _venue_of(tapes, options)
    made = home.create(default_files())
    home.check_permissions()
    bot_config = load_bot(home.bot_file)
    sourced = read_venue(home.venue_file(venue))
    inputs = _inputs(home, sourced, venue, tapes, options)
    notes = _warnings(sourced.config, inputs.settings)
    parts = Container(
        options=providers.Object(options),
        home=providers.Object(home),
        inputs=providers.Object(inputs),
    )
    with parts.lock():
        return _Session(
            options, parts, inputs, bot_config.web, new_home=bool(made), notes=notes
        ).run()


def _inputs(
    home: Home,
    sourced: Sourced[VenueConfig],
    venue: str,
    tapes: tuple[Path, ...],
    options: RunOptions,
) -> RunInputs:
    settings = settings_of(sourced)
    if not tapes:
        seed = 0 if options.fresh and options.seed is None else options.seed
        return _world(home, sourced.config, settings, seed)
    return TapedInputs(
        venue=venue,
        tapes=tapes,
        hashes=tape_hashes(tapes),
        settings=settings,
        interval=Micros(sourced.config.loop.interval_ms * 1000),
        seed=options.seed or 0,
    )


def _warnings(config: VenueConfig, settings: LaneSettings) -> list[str]:
    """Return what a person probably did not mean, a line each."""
    notes = []
    if config.mode is Mode.LIVE:
        notes.append("mode: live is set, but this command only ever trades on paper")
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
    while seed is None and traded(inputs, home.journal_dir):
        number += 1
        inputs = simulated_inputs(config, settings, number)
    return inputs


class _Session:
    """One run, from opening the journal to the last printed line."""

    def __init__(
        self,
        options: RunOptions,
        parts: Container,
        inputs: RunInputs,
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
        bot, assembled = self._parts.bot(), self._parts.lane()
        system = self._parts.system()
        if isinstance(self._inputs, TapedInputs):
            self._parts.places().remember(self._inputs.tapes)
        self._server = self._make_server(bot)
        view = TerminalView(self._console, quiet=self._options.json)
        with StopSignals() as stopping, self._parts.control():
            self._greet(assembled)
            bot.start()
            try:
                asyncio.run(self._watch(bot, view, stopping))
            finally:
                stopping.listen()
                view.close()
                bot.stop(bot.shut_down_by or "end of run")
                assembled.close()
                system.close()
        return self._tell(bot, assembled, time.monotonic() - began)

    def _make_server(self, bot: RunningBot) -> WebServer | None:
        if not self._options.web:
            return None
        # Imported only where a page is wanted: it is the heaviest library of all.
        from market_bot.adapters.web.app import create_app  # noqa: PLC0415 - see above
        from market_bot.adapters.web.server import WebServer  # noqa: PLC0415 - see above

        web = self._web_config
        port = web.port if self._options.port is None else self._options.port
        return WebServer(
            lambda hosts: create_app(bot, allowed_hosts=hosts),
            self._options.host or web.host,
            port,
        )

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
        while not bot.wait(0):
            view.show(bot.lanes(), note)
            await asyncio.sleep(_LOOK_S)
        view.show(bot.lanes(), note)
        stop.set()
        if serving is not None:
            await serving

    def _greet(self, assembled: Assembled) -> None:
        if self._options.json:
            return
        say = self._say
        if self._new_home:
            say(f"made a home at {self._home.path}: its settings are in {self._home.config_dir}")
        names = ", ".join(source.name for source in self._inputs.sources())
        say(f"paper trading {names}; nothing here is real money")
        for note in self._notes:
            say(note)
        if assembled.resumed_from:
            say(f"going on with run {assembled.chain.run} after line {assembled.resumed_from:,}")
        if self._server is not None:
            say(f"watch it at {self._server.url}")

    def _tell(self, bot: RunningBot, assembled: Assembled, seconds: float) -> int:
        lane = assembled.lane
        numbers = summary(lane.snapshot, lane.tally, coverage_of(lane), seconds)
        failures = bot.failures()
        if self._options.json:
            print(json.dumps({**numbers, "failures": [f.message for f in failures]}))  # noqa: T201 - the result
        else:
            self._say("")
            self._say(as_text(numbers))
            self._next(assembled)
        for failure in failures:
            print(plain(failure.message), file=sys.stderr)  # noqa: T201 - for people
        return bot.exit_code()

    def _next(self, assembled: Assembled) -> None:
        home = "" if self._options.home == DEFAULT_HOME else f" --home {self._options.home}"
        name = program()
        self._say("")
        if assembled.lane.snapshot.phase == "stopped":
            self._say("not finished: the same command goes on where it stopped")
        if not self._options.tapes:
            self._say("one invented world is one throw of the dice: others lose where this one won")
        self._say("what to try next:")
        self._say(f"  {name} journal tail{home}     what was decided last")
        self._say(f"  {name} journal prove{home}    derive every decision again")
        for market in _traded(assembled)[:1]:
            # A name that a venue chose must not become a command when it is pasted.
            if market.isprintable():
                self._say(f"  {name} why {shlex.quote(market)}{home}")
        if not self._options.tapes:
            self._say(f"  edit {self._home.venue_file(self._inputs.venue)} and run again")
            self._say(f"  {name} run{home}              the next world")
            self._say(f"  {name} import --help    trade recorded real markets")

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def _traded(assembled: Assembled) -> list[str]:
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


def _venue_of(tapes: Sequence[Path], options: RunOptions) -> str:
    """Return the one venue of all tapes, which must be one that was asked for."""
    venues = [TapeReader(path).header.venue for path in tapes] or [SIMULATED]
    strangers = sorted(set(options.venues) - set(venues))
    if strangers and not tapes:
        msg = (
            f"--venue {strangers[0]}: live prices are not available in this version: "
            "trade a recording with --tape, or the simulated venue without"
        )
        raise RunUsageError(msg)
    if len(set(venues)) > 1 or strangers:
        held = ", ".join(
            f"{path.name} holds {venue}" for path, venue in zip(tapes, venues, strict=True)
        )
        msg = f"{held}: run one venue at a time"
        raise RunError(msg)
    return venues[0]
