"""``market-bot backup`` and ``restore``."""

from __future__ import annotations

import json as json_module
from pathlib import Path

import market_bot
from market_bot.adapters.storage.backup import BackupError, Contents, back_up
from market_bot.adapters.storage.backup import restore as put_back
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.storage.journal_tools import list_chains, verify
from market_bot.adapters.system.clock import SystemClock
from market_bot.bootstrap.cli.control_commands import home_of
from market_bot.bootstrap.cli.faults import Failure

_MEGABYTE = 1_000_000


def backup(home: Path, target: Path, *, secrets: bool, tapes: bool, json: bool) -> int:
    """Write a backup of a home, whether or not a bot runs on it."""
    place = home_of(home)
    try:
        contents = back_up(
            place,
            target,
            now=SystemClock().now(),
            version=market_bot.__version__,
            secrets=secrets,
            tapes=tapes,
        )
    except BackupError as e:
        raise Failure(str(e)) from e
    said = "" if secrets else "; the keys are not in it (--secrets adds them)"
    return _done(f"{target}: {_size(contents)}{said}", contents, json=json)


def restore(source: Path, home: Path, *, json: bool) -> int:
    """Put a backup into a new home and check its journals."""
    place = Home(home)
    try:
        contents = put_back(source, place)
    except BackupError as e:
        raise Failure(str(e)) from e
    heads = []
    for chain in list_chains(place.journal_dir):
        found = verify(chain_folder(place.journal_dir, chain), chain, full=True)
        heads.append(f"{chain}: sound up to line {found.head_seq:,}")
    told = (
        f"{place.path}: {_size(contents)}, as of {contents.made_at}",
        *heads,
        "it is the same bot: never run both homes at once",
        *(() if place.env_file.exists() else (f"next: put the keys into {place.env_file}",)),
    )
    return _done("\n".join(told), contents, json=json)


def _size(contents: Contents) -> str:
    return f"{len(contents.files):,} files, {contents.bytes / _MEGABYTE:,.1f} MB"


def _done(text: str, contents: Contents, *, json: bool) -> int:
    if json:
        told = {"files": len(contents.files), "bytes": contents.bytes, "made_at": contents.made_at}
        print(json_module.dumps(told))
    else:
        print(text)
    return 0
