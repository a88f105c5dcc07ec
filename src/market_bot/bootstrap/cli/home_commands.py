"""``market-bot init``, ``doctor`` and ``config show``."""

from __future__ import annotations

import json as json_module
import os
import shutil
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Final

import attrs

from market_bot.adapters.storage.home import Home, HomeError
from market_bot.adapters.storage.home_lock import HomeInUseError, HomeLock
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.storage.journal_tools import list_chains, verify
from market_bot.bootstrap.cli.faults import UsageFault
from market_bot.bootstrap.settings import settings_of
from market_bot.config.canonical import canonical, config_hash
from market_bot.config.defaults import FILE_NAMES, default_files
from market_bot.config.errors import ConfigError
from market_bot.config.loader import load_bot, read_venue
from market_bot.config.schema import BotConfig
from market_bot.core.ports.journal import JournalError

_OLDEST_PYTHON: Final = (3, 11)
_MEGABYTE: Final = 1_000_000


class Health(Enum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@attrs.frozen
class Check:
    """One line of the doctor: what was looked at, how it is, and the remedy."""

    name: str
    health: Health
    text: str


def init(home: Path, *, json: bool) -> int:
    """Make a home and say what to do next."""
    place = Home(home)
    made = place.create(default_files())
    if json:
        print(json_module.dumps({"home": str(place.path), "made": [str(path) for path in made]}))
        return 0
    for path in made:
        print(f"made {path}")
    print(f"{place.path} is ready" + ("" if made else ": nothing was missing"))
    print(f"next: read {place.venue_file('simulated')}, then `market-bot run`")
    return 0


def show(home: Path, venue: str, *, json: bool) -> int:
    """Print a venue's settings in canonical form."""
    path = Home(home).venue_file(venue)
    sourced = read_venue(path)
    settings_of(sourced)
    text, name = canonical(sourced.config), config_hash(sourced.config)
    if json:
        print(json_module.dumps({"file": str(path), "hash": name, "config": text}))
        return 0
    print(f"{path}  hash {name}")
    print(json_module.dumps(json_module.loads(text), indent=2))
    return 0


def doctor(home: Path, *, json: bool) -> int:
    """Check what a run needs; exit code 1 if something fails."""
    place = Home(home)
    if not place.path.is_dir():
        msg = f"{place.path}: no such home: run `market-bot init`, or give another with --home"
        raise UsageFault(msg)
    checks = list(_checks(place))
    if json:
        print(json_module.dumps([{**attrs.asdict(c), "health": c.health.value} for c in checks]))
    else:
        for check in checks:
            print(f"{check.health.value:<5} {check.name:<12} {check.text}")
    return 1 if any(check.health is Health.FAIL for check in checks) else 0


def _checks(home: Home) -> Iterator[Check]:
    yield _python()
    yield from _settings(home)
    yield _permissions(home)
    yield _disk(home)
    yield _lock(home)
    yield _halt(home)
    yield from _journals(home)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _OLDEST_PYTHON:
        return Check("python", Health.FAIL, f"{version}: install Python 3.11 or newer")
    return Check("python", Health.OK, version)


def _settings(home: Home) -> Iterator[Check]:
    for name in FILE_NAMES:
        path = home.config_dir / name
        try:
            if name == home.bot_file.name:
                load_bot(path)
            else:
                settings_of(read_venue(path))
        except ConfigError as e:
            yield from (Check("settings", Health.FAIL, line) for line in e.lines)
        else:
            yield Check("settings", Health.OK, str(path))


def _permissions(home: Home) -> Check:
    try:
        home.check_permissions()
        home.instance()
    except HomeError as e:
        return Check("permissions", Health.FAIL, str(e).replace("\n", "; "))
    return Check("permissions", Health.OK, "settings and secrets are yours alone")


def _disk(home: Home) -> Check:
    free = shutil.disk_usage(home.path).free // _MEGABYTE
    limits = _bot(home).disk
    text = f"{free:,} MB free"
    if free < limits.stop_all_below_mb:
        return Check("disk", Health.FAIL, f"{text}: make room, nothing can be written safely")
    if free < limits.stop_entries_below_mb:
        return Check("disk", Health.WARN, f"{text}: make room, nothing will be opened")
    return Check("disk", Health.OK, text)


def _bot(home: Home) -> BotConfig:
    try:
        return load_bot(home.bot_file)
    except ConfigError:
        return BotConfig()


def _lock(home: Home) -> Check:
    try:
        with HomeLock(home.lock_file):
            return Check("lock", Health.OK, "no bot runs on this home")
    except HomeInUseError as e:
        who = str(e).removeprefix(f"{home.path}: ").partition(":")[0]
        return Check("lock", Health.OK, who)


def _halt(home: Home) -> Check:
    if home.halt_file.exists():
        return Check("halt", Health.WARN, f"{home.halt_file} exists: `market-bot resume` lifts it")
    return Check("halt", Health.OK, "not halted")


def _journals(home: Home) -> Iterator[Check]:
    for chain in list_chains(home.journal_dir):
        try:
            found = verify(chain_folder(home.journal_dir, chain), chain, full=False)
        except JournalError as e:
            yield Check("journal", Health.FAIL, f"{e}: restore the file from a backup")
        else:
            yield Check("journal", Health.OK, f"{chain}: head {found.head_seq}")
    if not os.access(home.journal_dir, os.W_OK):
        yield Check("journal", Health.FAIL, f"{home.journal_dir}: make it writable")
