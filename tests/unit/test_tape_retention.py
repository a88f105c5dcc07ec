"""Recordings go when they are old or too much together, the oldest first; nothing else goes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from market_bot.adapters.storage.tape_retention import sweep
from market_bot.core.domain.numbers import HOUR, SECOND, Micros
from tests.fakes.clock import NOON

DAY = 24 * HOUR


def a_file(folder: Path, name: str, *, age_days: float = 0, size: int = 100) -> Path:
    """Write a file that was last changed so many days before noon."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    changed = (NOON - age_days * DAY) / SECOND
    os.utime(path, (changed, changed))
    return path


def swept(
    folder: Path, *, days: int = 30, bytes_max: int = 10**9, in_use: Path | None = None
) -> list[str]:
    """Sweep at noon and return the names of what was removed, in order."""
    removed = sweep(folder, days=days, bytes_max=bytes_max, now=NOON, in_use=in_use)
    return [file.path.name for file in removed]


def test_what_is_too_old_goes(tmp_path: Path) -> None:
    """A file that was written to within the days stays, whatever its name says."""
    old = a_file(tmp_path, "kalshi/2026-01-01.jsonl.zst", age_days=30.1)
    young = a_file(tmp_path, "kalshi/2025-01-01.2.jsonl.zst", age_days=29.9)

    assert [old.name] == swept(tmp_path)
    assert (False, True) == (old.exists(), young.exists())


def test_the_oldest_goes_until_the_rest_fits(tmp_path: Path) -> None:
    """Over all venues and runs together."""
    a_file(tmp_path, "kalshi/2026-01-02.jsonl.zst", age_days=2)
    a_file(tmp_path, "simulated/run/2026-01-01.jsonl.zst", age_days=3)
    a_file(tmp_path, "kalshi/2026-01-03.jsonl.zst", age_days=1)

    assert ["2026-01-01.jsonl.zst"] == swept(tmp_path, bytes_max=200)
    # A run's folder goes with its last file.
    assert not (tmp_path / "simulated/run").exists()
    assert [] == swept(tmp_path, bytes_max=200)


@pytest.mark.parametrize("limits", [{"days": 1}, {"bytes_max": 0}])
def test_the_file_in_use_stays(tmp_path: Path, limits: dict[str, int]) -> None:
    """However old and large it is."""
    used = a_file(tmp_path, "kalshi/2026-01-01.jsonl.zst", age_days=99)
    a_file(tmp_path, "kalshi/2026-01-01.2.jsonl.zst", age_days=98)

    removed = swept(tmp_path, in_use=used, **limits)

    assert ["2026-01-01.2.jsonl.zst"] == removed
    assert used.exists()


def test_only_recordings_go(tmp_path: Path) -> None:
    """An imported tape, notes and links are somebody's own; a torn end is ours."""
    mine = [
        a_file(tmp_path, name, age_days=99)
        for name in ("polymarket/old.tape.zst", "kalshi/2026-01-01.jsonl.zst.bak", "notes.txt")
    ]
    link = tmp_path / "kalshi" / "2026-01-02.jsonl.zst"
    link.symlink_to(mine[0])
    torn = a_file(tmp_path, "kalshi/2026-01-01.jsonl.zst.torn-12-1", age_days=99)

    assert [torn.name] == swept(tmp_path, bytes_max=0)
    assert all(path.exists() for path in (*mine, link))


def test_nothing_is_nothing(tmp_path: Path) -> None:
    """A home that never recorded has nothing to sweep."""
    assert [] == sweep(tmp_path / "tape", days=1, bytes_max=0, now=Micros(0), in_use=None)
