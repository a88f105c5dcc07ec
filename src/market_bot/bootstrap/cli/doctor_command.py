"""``market-bot doctor``: everything a run needs, looked over, with the remedy for what is wrong."""

from __future__ import annotations

import json as json_module
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from market_bot.adapters.storage.home import Home, HomeError
from market_bot.adapters.storage.home_lock import HomeInUseError, HomeLock
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.storage.journal_tools import list_chains, verify
from market_bot.adapters.system.clock import SystemClock
from market_bot.adapters.system.secrets import SecretsError
from market_bot.bootstrap.cli.faults import UsageFault
from market_bot.bootstrap.fed_lanes import ground_of
from market_bot.bootstrap.health import Check, Health
from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.settings import settings_of
from market_bot.bootstrap.venues import VENUES
from market_bot.config.defaults import FILE_NAMES
from market_bot.config.errors import ConfigError
from market_bot.config.loader import load_bot, read_venue
from market_bot.config.schema import BotConfig
from market_bot.core.ports.journal import JournalError

_OLDEST_PYTHON: Final = (3, 11)
_MEGABYTE: Final = 1_000_000


def doctor(home: Path, venues: tuple[str, ...], *, json: bool) -> int:
    """Check what a run needs, at these venues too; exit code 1 if something fails."""
    place = Home(home)
    if not place.path.is_dir():
        msg = f"{place.path}: no such home: run `market-bot init`, or give another with --home"
        raise UsageFault(msg)
    unknown = [venue for venue in venues if venue not in VENUES]
    if unknown:
        msg = f"--venue {unknown[0]}: there is no live data of it: there are {', '.join(VENUES)}"
        raise UsageFault(msg)
    checks = [*_checks(place), *(check for venue in venues for check in _venue(place, venue))]
    if json:
        print(json_module.dumps([{**attrs.asdict(c), "health": c.health.value} for c in checks]))
    else:
        for check in checks:
            print(plain(f"{check.health.value:<5} {check.name:<12} {check.text}"))
    return 1 if any(check.health is Health.FAIL for check in checks) else 0


def _checks(home: Home) -> Iterator[Check]:
    yield _python()
    yield from _settings(home)
    yield _permissions(home)
    yield _disk(home)
    yield _lock(home)
    yield _halt(home)
    yield from _journals(home)


def _venue(home: Home, venue: str) -> Iterator[Check]:
    try:
        ground = ground_of(home, read_venue(home.venue_file(venue)), SystemClock())
    except (ConfigError, SecretsError, HomeError) as e:
        yield Check(venue, Health.FAIL, str(e).replace("\n", "; "))
        return
    for check in VENUES[venue].checks(ground):
        yield attrs.evolve(check, text=f"{venue}: {check.text}")


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
