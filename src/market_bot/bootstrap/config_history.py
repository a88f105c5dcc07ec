"""Which settings a lane traded with, from when on, by whom; and the files they came from."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping

import attrs

from market_bot.adapters.storage.config_files import ConfigFiles
from market_bot.config.canonical import config_hash, from_canonical
from market_bot.config.errors import ConfigError
from market_bot.config.hot import changed_keys
from market_bot.config.loader import parse_venue
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.config_store import Version
from market_bot.core.ports.journal import Entry

START = "start"


@attrs.frozen(kw_only=True)
class InForce:
    """Settings that came into force.

    Args:
        at, seq: since when, and the line that says so.
        config: hash of the configuration.
        by: who changed it; ``start`` if a run began with it.
        changed: the keys that differ from the settings before, with both values.

    """

    at: Micros
    seq: int
    config: str
    by: str
    changed: Mapping[str, tuple[str, str]]


def settings_in_force(entries: Iterable[Entry]) -> tuple[InForce, ...]:
    """Return the settings that a chain tells of, the oldest first."""
    rows: list[InForce] = []
    before = text = ""
    for entry in entries:
        match entry.event:
            case ev.BotStarted(config=new) if new not in ("", text):
                rows.append(_row(entry, START, text, new))
                before, text = text, new
            case ev.ConfigChanged(config=new, by=by):
                if new == text and rows and rows[-1].by == START:
                    # A start with other settings is told of once more: by whom they are.
                    rows[-1] = attrs.evolve(rows[-1], by=by if before else START)
                elif new != text:
                    rows.append(_row(entry, by, text, new))
                text = new
            case _:
                pass
    return tuple(rows)


def _row(entry: Entry, by: str, old: str, new: str) -> InForce:
    changed = _between(old, new)
    return InForce(at=entry.at, seq=entry.seq, config=_hash(new), by=by, changed=changed)


def _hash(text: str) -> str:
    try:
        return config_hash(from_canonical(text))
    except ConfigError:
        return "unreadable"


def _between(old: str, new: str) -> Mapping[str, tuple[str, str]]:
    if not old:
        return {}
    try:
        return changed_keys(from_canonical(old), from_canonical(new))
    except ConfigError:
        return {}


def versions_of(store: ConfigFiles, file: str) -> dict[str, str]:
    """Return the kept versions that are whole settings of a venue, with their hashes."""
    found: dict[str, str] = {}
    for sha in store.kept():
        data = store.read(Version(file=file, sha256=sha))
        if data is None:
            continue
        try:
            found[sha] = config_hash(parse_venue(data, file).config)
        except ConfigError:
            continue
    return found


def difference(store: ConfigFiles, file: str, sha256: str) -> tuple[str, list[str]]:
    """Return the hash of a file as it is, and what putting a version back would change.

    Raises:
        ConfigStoreError: if the file cannot be read.

    """
    now = store.content(file)
    then = store.read(Version(file=file, sha256=sha256)) or b""
    lines = difflib.unified_diff(
        now.decode(errors="replace").splitlines(),
        then.decode(errors="replace").splitlines(),
        f"{file} (now)",
        f"{file} ({sha256[:12]})",
        lineterm="",
    )
    return hashlib.sha256(now).hexdigest(), list(lines)
