"""``market-bot config history`` and ``config restore``."""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from market_bot.adapters.storage.config_files import ConfigFiles
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.home_lock import HomeLock
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.system.clock import SystemClock
from market_bot.adapters.system.control_socket import AnsweredNo, ControlClient, NoBotRunning
from market_bot.bootstrap.cli.control_commands import who
from market_bot.bootstrap.cli.faults import Failure, UsageFault
from market_bot.bootstrap.cli.home_commands import venue_file
from market_bot.bootstrap.config_history import (
    InForce,
    difference,
    settings_in_force,
    versions_of,
)
from market_bot.bootstrap.config_store import config_files
from market_bot.bootstrap.lane_visit import lane_chain, visit
from market_bot.bootstrap.plain_text import plain
from market_bot.core.domain.numbers import format_time
from market_bot.core.domain.tuning.changes import APPLIED
from market_bot.core.ports.config_store import ConfigStoreError
from market_bot.core.usecases.apply_change import ChangeApplier

_SHOWN: Final = 12
_SHORTEST: Final = 4
# The lane writes down what is intended and what became of it, each at a tick.
_PATIENCE_S: Final = 30.0


def history(home: Home, venue: str, *, json: bool) -> int:
    """Print the settings that a venue was traded with, and which of them can be had back."""
    path = venue_file(home.path, venue)
    store = config_files(path.parent)
    chain = lane_chain(home, venue)
    rows = (
        ()
        if chain is None
        else settings_in_force(
            JournalReader(chain_folder(home.journal_dir, chain), chain).read_changes()
        )
    )
    versions = versions_of(store, path.name)
    by_hash = {config: sha for sha, config in versions.items()}
    if json:
        print(json_module.dumps([_row(row, by_hash) for row in rows], indent=2))
        return 0
    for row in rows:
        sha = by_hash.get(row.config, "")
        print(f"{format_time(row.at)}  {sha[:_SHOWN] or '-':<{_SHOWN}}  {row.config}  {row.by}")
        for key, (before, after) in row.changed.items():
            print(plain(f"    {key}: {before or '(absent)'} -> {after or '(absent)'}"))
    if not rows:
        print(f"{venue} was not traded yet")
    others = [sha for sha, config in versions.items() if config not in {r.config for r in rows}]
    for sha in others:
        print(f"{'not traded':<27}  {sha[:_SHOWN]}  {versions[sha]}")
    return 0


def _row(row: InForce, by_hash: Mapping[str, str]) -> dict[str, object]:
    return {
        "at": format_time(row.at),
        "line": row.seq,
        "config": row.config,
        "version": by_hash.get(row.config),
        "by": row.by,
        "changed": {key: list(values) for key, values in row.changed.items()},
    }


def restore(home: Home, version: str, venue: str, *, dry_run: bool, json: bool) -> int:
    """Put an earlier version of a venue's settings back, byte for byte, and show what changes.

    Raises:
        Failure: if nothing was put back.
        UsageFault: if there is no such version.

    """
    path = venue_file(home.path, venue)
    store = config_files(path.parent)
    sha = _chosen(version, versions_of(store, path.name), path)
    expected, lines = difference(store, path.name, sha)
    if not json:
        for line in lines:
            print(plain(line))
    if dry_run or sha == expected:
        said = "nothing was changed" if dry_run else f"{path.name} is that version already"
    else:
        said = _put_back(home, store, venue, path.name, sha, expected)
    if json:
        print(json_module.dumps({"ok": True, "version": sha, "diff": lines, "message": said}))
    else:
        print(said)
    return 0


def _chosen(wanted: str, versions: Mapping[str, str], path: Path) -> str:
    found = [
        sha
        for sha, config in versions.items()
        if len(wanted) >= _SHORTEST and (sha.startswith(wanted) or config == wanted)
    ]
    if len(found) == 1:
        return found[0]
    why = "names several versions" if found else "is no version that is kept"
    msg = f"{wanted} {why} of {path.name}: `market-bot config history` lists them"
    raise UsageFault(msg)


def _put_back(
    home: Home, store: ConfigFiles, venue: str, file: str, sha: str, expected: str
) -> str:
    client = ControlClient(home.control_socket, timeout_s=_PATIENCE_S)
    try:
        client.ask("restore", venue=venue, by=who(), version=sha, expected=expected)
    except NoBotRunning:
        _put_back_alone(home, store, venue, file, sha, expected)
        return f"{file} is version {sha[:_SHOWN]} again; no bot runs, the next one trades with it"
    except AnsweredNo as e:
        raise Failure(plain(str(e))) from e
    return f"{file} is version {sha[:_SHOWN]} again; the running bot trades with it"


def _put_back_alone(
    home: Home, store: ConfigFiles, venue: str, file: str, sha: str, expected: str
) -> None:
    with HomeLock(home.lock_file):
        chain = lane_chain(home, venue)
        try:
            if chain is None:
                store.restore(file, sha, expected=expected)
                return
            with visit(home, chain, SystemClock()) as record:
                applier = ChangeApplier(store, record)
                ended = applier.restore(file, sha, expected=expected, by=who())
        except ConfigStoreError as e:
            raise Failure(str(e)) from e
    if ended.outcome != APPLIED:
        msg = f"nothing was put back: {ended.reason or ended.outcome}"
        raise Failure(msg)
