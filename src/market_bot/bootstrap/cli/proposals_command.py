"""``market-bot proposals``: what could be proposed."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterable
from pathlib import Path

from market_bot.bootstrap.allowlists import allowlist_of
from market_bot.bootstrap.cli.home_commands import venue_file
from market_bot.bootstrap.knob_reference import reference_knobs
from market_bot.config.loader import read_venue
from market_bot.core.domain.strategies.api import Knob

_COLUMNS = ("path", "value", "next", "low", "high", "step", "unit")


def knobs(home: Path, venue: str | None, *, json: bool) -> int:
    """Print every knob there is, or those of a venue's file with what they may become."""
    rows = _declared() if venue is None else _of_file(home, venue)
    if json:
        print(json_module.dumps(rows, indent=2))
        return 0
    shown = [column for column in _COLUMNS if rows and column in rows[0]]
    _table([shown, *([_cell(row[column]) for column in shown] for row in rows)])
    return 0


def _declared() -> list[dict[str, object]]:
    return [_bounds(path, knob) for path, knob in reference_knobs()]


def _of_file(home: Path, venue: str) -> list[dict[str, object]]:
    path = venue_file(home, venue)
    allowlist = allowlist_of(read_venue(path), path.name)
    return [
        {**_bounds(entry.path, entry.knob), "value": entry.value, "next": list(entry.next)}
        for entry in allowlist.entries.values()
    ]


def _bounds(path: str, knob: Knob) -> dict[str, object]:
    return {
        "path": path,
        "low": knob.low,
        "high": knob.high,
        "step": knob.step,
        "unit": knob.unit,
    }


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " or ".join(value) or "–"
    return "–" if value is None else str(value)


def _table(rows: Iterable[Iterable[str]]) -> None:
    lines = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())
