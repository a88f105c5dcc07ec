"""``market-bot doctor``: everything a run needs, looked over, with the remedy for what is wrong."""

from __future__ import annotations

import json as json_module
import os
import shutil
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import attrs

from market_bot.adapters.storage.home import Home, HomeError
from market_bot.adapters.storage.home_lock import HomeInUseError, HomeLock
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.storage.journal_tools import list_chains, verify
from market_bot.adapters.system.clock import SystemClock
from market_bot.adapters.system.secrets import SecretsError, load_secrets
from market_bot.bootstrap.advisors import ADVISOR_KEY, advisor_key
from market_bot.bootstrap.cli.faults import UsageFault
from market_bot.bootstrap.fed_lanes import ground_of
from market_bot.bootstrap.health import Check, Health
from market_bot.bootstrap.notifying import check_notifications
from market_bot.bootstrap.plain_text import plain
from market_bot.bootstrap.settings import settings_of
from market_bot.bootstrap.venues import VENUES
from market_bot.config.defaults import FILE_NAMES
from market_bot.config.errors import ConfigError
from market_bot.config.loader import load_bot, read_venue
from market_bot.config.schema import AdvisorKind, BotConfig, Mode, VenueConfig
from market_bot.core.domain.numbers import NEVER, SECOND, Duration, format_money, format_time
from market_bot.core.ports.journal import JournalError

VENUE_FILES: Final = tuple(name for name in FILE_NAMES if name != "bot.yaml")
_AHEAD_MAX: Final = Duration(5 * SECOND)
_OLDEST_PYTHON: Final = (3, 11)
_MEGABYTE: Final = 1_000_000


def doctor(home: Path, venues: tuple[str, ...], *, notify: bool, json: bool) -> int:
    """Check what a run needs, at these venues too; exit code 1 if something fails.

    With ``notify`` a test message goes out by every channel.
    """
    place = Home(home)
    if not place.path.is_dir():
        msg = f"{place.path}: no such home: run `market-bot init`, or give another with --home"
        raise UsageFault(msg)
    unknown = [venue for venue in venues if venue not in VENUES]
    if unknown:
        msg = f"--venue {unknown[0]}: there is no live data of it: there are {', '.join(VENUES)}"
        raise UsageFault(msg)
    checks = [
        *_checks(place, notify=notify),
        *(check for venue in venues for check in _venue(place, venue)),
    ]
    if json:
        print(json_module.dumps([{**attrs.asdict(c), "health": c.health.value} for c in checks]))
    else:
        for check in checks:
            print(plain(f"{check.health.value:<5} {check.name:<12} {check.text}"))
    return 1 if any(check.health is Health.FAIL for check in checks) else 0


def _checks(home: Home, *, notify: bool) -> Iterator[Check]:
    yield _python()
    yield from _settings(home)
    yield _permissions(home)
    yield _secrets(home)
    yield _disk(home)
    yield _clock(home)
    yield _lock(home)
    yield _halt(home)
    yield from _journals(home)
    yield from _limits(home)
    yield _advisor(home)
    yield from check_notifications(_bot(home).notifications, home, send=notify)


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


def _secrets(home: Home) -> Check:
    try:
        found = load_secrets(home.env_file)
    except SecretsError as e:
        return Check("secrets", Health.FAIL, str(e).replace("\n", "; "))
    if not found:
        return Check("secrets", Health.OK, "none: on paper none are needed")
    return Check("secrets", Health.OK, f"{', '.join(sorted(found))}, readable by you alone")


def _clock(home: Home) -> Check:
    """Compare the clock with what was written last; a venue's own is asked with --venue."""
    now, newest, where = SystemClock().now(), NEVER, ""
    for chain in list_chains(home.journal_dir):
        try:
            last = JournalReader(chain_folder(home.journal_dir, chain), chain).tail(1)
        except JournalError:
            # Told of by the check of the journals.
            continue
        # A run of recorded or invented data has a clock of its own.
        if last and not chain.run and last[0].at > newest:
            newest, where = last[0].at, str(chain)
    if newest > now + _AHEAD_MAX:
        text = f"{format_time(now)[:19]}Z is before the last line of {where}: set the clock (NTP)"
        return Check("clock", Health.FAIL, text)
    return Check(
        "clock", Health.OK, f"{format_time(now)[:19]}Z; --venue compares it with a venue's"
    )


def _limits(home: Home) -> Iterator[Check]:
    """Look for limits that contradict each other, so that they would not do what was meant."""
    for name in VENUE_FILES:
        try:
            config = read_venue(home.config_dir / name).config
        except ConfigError:
            # Told of by the check of the settings.
            continue
        venue, odd = name.removesuffix(".yaml"), list(_contradictions(config))
        yield from (Check("limits", Health.WARN, f"{venue}: {line}") for line in odd)
        if not odd:
            risk = config.risk
            at_stake, loss = (
                format_money(limit)
                for limit in (risk.max_total_exposure_usd, risk.max_daily_loss_usd)
            )
            text = f"{venue}: {config.mode.value}, at most {at_stake} dollars at stake"
            yield Check("limits", Health.OK, f"{text}, {loss} lost in a day")


def _contradictions(config: VenueConfig) -> Iterator[str]:
    risk = config.risk
    if config.sizing.order_usd > risk.max_order_usd:
        yield "sizing.order_usd is above risk.max_order_usd: entries are refused: lower the first"
    ladder = (
        ("max_order_usd", risk.max_order_usd),
        ("max_position_usd", risk.max_position_usd),
        ("max_event_loss_usd", risk.max_event_loss_usd),
        ("max_total_exposure_usd", risk.max_total_exposure_usd),
    )
    for (small, low), (large, high) in pairwise(ladder):
        if low > high:
            yield f"risk.{small} is above risk.{large}, which is reached first: lower {small}"
    if risk.max_daily_loss_usd > risk.max_drawdown_usd:
        yield "risk.max_daily_loss_usd is above risk.max_drawdown_usd: lower it"
    if config.mode is Mode.PAPER and risk.max_total_exposure_usd > config.paper.cash:
        yield "risk.max_total_exposure_usd is above paper.cash, which runs out first: lower it"


def _advisor(home: Home) -> Check:
    config = _bot(home).advisor
    if config.kind is AdvisorKind.RULES:
        return Check("advisor", Health.OK, "a fixed table; it needs no key")
    try:
        key = advisor_key(config, home)
    except SecretsError as e:
        return Check("advisor", Health.FAIL, str(e).replace("\n", "; "))
    if not key:
        text = f"{config.model} needs a key: add {ADVISOR_KEY}=… to {home.env_file}"
        return Check("advisor", Health.WARN, f"{text}; until then the table is asked")
    return Check("advisor", Health.OK, f"{config.model}, with a key; `market-bot advise` asks it")


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
