"""How long recorded files are kept: by age, then by what they take up; never the one in use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from market_bot.core.domain.numbers import HOUR, Micros

_DAY: Final = 24 * HOUR
# Only what a recording wrote: an imported tape is somebody's own file.
_RECORDED: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:\.[0-9]{1,4})?\.jsonl\.zst(?:\.torn-[0-9]+-[0-9]+)?\Z",
    re.ASCII,
)


@attrs.frozen
class Removed:
    """A recorded file that was removed, and why."""

    path: Path
    size: int
    reason: str


@attrs.frozen(order=True)
class _Kept:
    changed: int
    path: Path
    size: int


def sweep(
    tape_dir: Path, *, days: int, bytes_max: int, now: Micros, in_use: Path | None
) -> list[Removed]:
    """Remove what is too old, then the oldest until the rest fits; return what was removed.

    The age of a file is that of its last change. A file that cannot be removed is kept.

    Args:
        tape_dir: the folder of all recordings; whatever is not named like one stays.
        days: how many days a file is kept after it was last written.
        bytes_max: how much all recordings together may take up.
        now: the time by the clock on the wall.
        in_use: the file that is being written; it counts, but is never removed.

    """
    files = sorted(_recordings(tape_dir))
    total = sum(file.size for file in files)
    removed: list[Removed] = []
    for file in files:
        too_old = now - file.changed > days * _DAY
        if file.path == in_use or not (too_old or total > bytes_max):
            continue
        why = f"older than {days} days" if too_old else f"all together above {bytes_max:,} bytes"
        if _remove(file.path, tape_dir):
            total -= file.size
            removed.append(Removed(file.path, file.size, why))
    return removed


def _recordings(tape_dir: Path) -> Iterator[_Kept]:
    for path in tape_dir.rglob("*"):
        if _RECORDED.match(path.name):
            with suppress(OSError):
                status = path.lstat()
                if path.is_file() and not path.is_symlink():
                    yield _Kept(status.st_mtime_ns // 1000, path, status.st_size)


def _remove(path: Path, tape_dir: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    if path.parent != tape_dir:
        with suppress(OSError):  # Only an empty folder goes.
            path.parent.rmdir()
    return True
