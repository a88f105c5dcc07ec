"""How long journals are kept: whole days of a lane that goes on, whole runs that are over.

Each day's file opens with a checkpoint, so a chain can be read from any of them. What a run that is
derived again follows from is all of its journal: it goes as a whole or not at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from market_bot.core.domain.numbers import HOUR, Micros
from market_bot.core.ports.journal import Chain

from .durable_file import RealFiles
from .journal_reader import chain_folder, journal_files
from .journal_tools import list_chains

_DAY: Final = 24 * HOUR
# The day that is written, and the one before it, whose lines are still asked for.
_DAYS_KEPT: Final = 2


def sweep_journals(journal_dir: Path, *, days: int, now: Micros) -> list[Path]:
    """Remove files and runs that were last written longer ago than so many days; return them."""
    removed: list[Path] = []
    for chain in list_chains(journal_dir):
        for path in _too_old(chain_folder(journal_dir, chain), chain, Micros(now - days * _DAY)):
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                removed.append(path)
    return removed


def _too_old(folder: Path, chain: Chain, limit: Micros) -> Iterator[Path]:
    files = journal_files(RealFiles(), folder)
    if chain.run:
        if files and all(_written(path) < limit for path in files):
            yield folder
        return
    for path in files[:-_DAYS_KEPT]:
        if _written(path) >= limit:
            return  # Never a gap: what is younger is kept, and all that follows it.
        yield path


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns // 1000
    except OSError:
        return 2**63 - 1
