"""The second layer, asked about an edit of a settings file: as written, and as meant."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from market_bot.config.canonical import canonical
from market_bot.config.errors import ConfigError
from market_bot.config.loader import parse_venue
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.tuning.layer_two import Moved, second_opinion
from market_bot.core.domain.tuning.queue import Queue
from market_bot.core.ports.config_store import PreparedEdit

UNREADABLE: Final = "unreadable"


def objection_in(folder: Path) -> Callable[[PreparedEdit, Queue, Micros], str | None]:
    """Return what asks the second layer about edits of the settings files in a folder."""

    def objection(edit: PreparedEdit, queue: Queue, now: Micros) -> str | None:
        try:
            before = (folder / edit.file).read_bytes()
        except OSError:
            return UNREADABLE
        if hashlib.sha256(before).hexdigest() != edit.sha_before:
            return UNREADABLE
        return objection_to(edit, before, queue, now)

    return objection


def objection_to(edit: PreparedEdit, before: bytes, queue: Queue, now: Micros) -> str | None:
    """Return what speaks against an edit of a file with these bytes, None if nothing does."""
    history = [
        Moved(path=move.path, before=move.before, after=move.after, at=move.at)
        for move in queue.moves
    ]
    try:
        pairs = list(_pairs(before, edit.data, edit.file))
    except (ConfigError, ValueError):
        return UNREADABLE
    for old, new in pairs:
        found = second_opinion(
            path=edit.path,
            before=edit.before,
            after=edit.after,
            old=old,
            new=new,
            history=history,
            now=now,
        )
        if found is not None:
            return found.value
    return None


def _pairs(
    before: bytes, after: bytes, file: str
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    old, new = parse_venue(before, file), parse_venue(after, file)
    yield old.source.data(), new.source.data()
    yield json.loads(canonical(old.config)), json.loads(canonical(new.config))
