"""``market-bot status``, ``halt``, ``resume`` and ``flatten``: told to the running bot."""

from __future__ import annotations

import getpass
import json as json_module
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import market_bot
from market_bot.adapters.storage.halt_file import HaltFile
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.home_lock import HomeLock
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.system.clock import SystemClock
from market_bot.adapters.system.control_socket import ControlClient, NoBotRunning
from market_bot.adapters.system.secrets import SecretsError
from market_bot.bootstrap.cli.faults import Failure, UsageFault
from market_bot.bootstrap.fed_lanes import ground_of, winding_up
from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.summary import dollars
from market_bot.bootstrap.system_log import CHAIN
from market_bot.bootstrap.taped_lane import snapshot_of
from market_bot.bootstrap.venue_parts import VenueError
from market_bot.bootstrap.venues import VENUES
from market_bot.config.errors import ConfigError
from market_bot.config.loader import read_venue
from market_bot.config.schema import Mode
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.numbers import format_time, money
from market_bot.core.ports.journal import JournalError
from market_bot.core.usecases.record_facts import Recorder


def status(home: Path, *, json: bool) -> int:
    """Print what the running bot says of itself."""
    place = home_of(home)
    try:
        answer = ControlClient(place.control_socket).ask("status")
    except NoBotRunning as e:
        msg = f"no bot runs on {place.path}: `market-bot run` starts one"
        if place.halt_file.exists():
            msg += "; it is halted, and `market-bot resume` lifts that"
        raise Failure(msg) from e
    if json:
        print(json_module.dumps(answer))
        return 0
    for key, value in answer.get("about", {}).items():
        print(f"{key:<12}{value}")
    for lane in answer.get("lanes", []):
        for line in _lane(lane).splitlines():
            print(plain(line))
    for name in answer.get("stalled", []):
        print(f"stalled: {name}")
    return 0


def halt(home: Path, reason: str, *, json: bool) -> int:
    """Halt the running bot, or leave the HALT file and a fact for the next one."""
    place = home_of(home)
    by = who()
    try:
        ControlClient(place.control_socket).ask("halt", by=by, reason=reason)
        how = "the running bot opens nothing from its next tick on"
    except NoBotRunning:
        _halt_next(place, by, reason)
        how = "no bot runs; the next one will open nothing"
        for line in cancel_everywhere(place):
            how = f"{how}; {line}"
    return _done(f"halted: {how}; `market-bot resume` lifts it", json=json)


def resume(home: Path, *, json: bool) -> int:
    """Lift a halt."""
    place = home_of(home)
    by = who()
    try:
        ControlClient(place.control_socket).ask("resume", by=by)
        how = "the running bot may open positions again"
    except NoBotRunning:
        with HomeLock(place.lock_file):
            HaltFile(place.halt_file).remove()
            _note(place, ev.Resume(by=by))
        how = "no bot runs; the next one may open positions"
    return _done(f"resumed: {how}", json=json)


def flatten(home: Path, *, json: bool) -> int:
    """Halt and sell everything; without a running bot at least halt the next one."""
    place = home_of(home)
    try:
        ControlClient(place.control_socket).ask("flatten", by=who())
    except NoBotRunning as e:
        _halt_next(place, who(), "flatten")
        cancelled = "".join(f"; {line}" for line in cancel_everywhere(place))
        msg = (
            f"no bot runs on {place.path}, so nothing could be sold{cancelled}; the next one starts"
            " halted: `market-bot run`, then flatten again"
        )
        raise Failure(msg) from e
    return _done(
        "halted and selling everything held at what is bid; watch it with `market-bot status`",
        json=json,
    )


def home_of(path: Path) -> Home:
    """Return a home that exists.

    Raises:
        UsageFault: if there is none.

    """
    place = Home(path)
    if not place.path.is_dir():
        msg = f"{place.path}: no such home: give the bot's home with --home"
        raise UsageFault(msg)
    return place


def who() -> str:
    """Return who sits at this terminal, for the journal."""
    try:
        return f"terminal:{getpass.getuser()}"
    except (KeyError, OSError):
        # A container may know no name for its user.
        return "terminal"


def _note(home: Home, event: ev.Event) -> None:
    boot = secrets.token_hex(4)
    with JsonlJournal(chain_folder(home.journal_dir, CHAIN), CHAIN, boot=boot) as journal:
        recorder = Recorder(
            journal=journal,
            state=LaneState(),
            config=market_bot.__version__,
            snapshot=snapshot_of,
            last_at=journal.last_at,
        )
        recorder.record(event, SystemClock().now())


def _halt_next(home: Home, by: str, reason: str) -> None:
    """Leave the HALT file and a fact for the next bot."""
    with HomeLock(home.lock_file):
        moment = format_time(SystemClock().now())
        HaltFile(home.halt_file).write(f"{by}: {reason}\n{moment}\n")
        _note(home, ev.Halt(by=by, reason=reason))


def cancel_everywhere(home: Home) -> Iterator[str]:
    """Cancel all orders wherever real money may be at work, and yield what came of it."""
    for venue, plug in VENUES.items():
        try:
            sourced = read_venue(home.venue_file(venue))
            if sourced.config.mode is not Mode.LIVE and not winding_up(home, venue):
                continue
            clock = SystemClock()
            ground = ground_of(home, sourced, clock)
            taken = plug.cancel_all(ground, clock.now())
        except (ConfigError, OSError, JournalError, VenueError, SecretsError) as e:
            yield f"{venue}: its orders were not cancelled ({plain(str(e))}): look there"
        else:
            yield (
                f"{venue}: all orders are cancelled"
                if taken
                else f"{venue}: cancelling all orders is not proven: look there"
            )


def _done(text: str, *, json: bool) -> int:
    print(json_module.dumps({"ok": True, "message": text}) if json else text)
    return 0


def _lane(lane: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{name} {count:,}" for name, count in lane["counts"].items())
    halted = f"  HALTED by {lane['halted']}" if lane["halted"] else ""
    stopped = "".join(f"\n  entries are stopped: {why}" for why in lane.get("stopped", ()))
    trouble = lane.get("settings_trouble")
    stopped += f"\n  settings: {trouble}" if trouble else ""
    return (
        f"{lane['venue']}/{lane['lane']}: {lane['phase']}, {counts}; "
        f"equity {dollars(money(lane['equity']))}, PnL {dollars(money(lane['gain']))}, "
        f"fees {dollars(money(lane['fees']))}, at stake {dollars(money(lane['exposure']))}"
        f"{halted}{stopped}{_live(lane)}"
    )


def _live(lane: Mapping[str, Any]) -> str:
    """Return how a lane with real money stands, a line each; nothing for any other."""
    if not lane.get("live"):
        return ""
    until = lane.get("armed_until")
    lines = [f"real money: {f'armed until {until}' if until else 'not armed'}"]
    if lane.get("not_ready"):
        lines.append(f"venue: {lane['not_ready']}")
    if lane.get("unreconciled"):
        lines.append(f"account: {lane['unreconciled']}")
    return "".join(f"\n  {line}" for line in lines)
