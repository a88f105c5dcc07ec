"""The table in the terminal, the same as Markdown, and the machine it is about."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from benchmarks.rows import Row

HEADINGS: Final = ("measured", "ours", "compared with", "theirs", "ratio", "goal", "verdict")
_PACKAGES: Final = ("market-bot", "msgspec", "attrs", "cattrs", "zstandard", "duckdb")
_RIGHT: Final = frozenset({1, 3, 4})


def machine() -> dict[str, str]:
    """Return what the numbers depend on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(os.cpu_count()),
        "processor": _processor(),
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
    }


def cells(row: Row) -> tuple[str, ...]:
    """Return a row as text, one cell per heading."""
    if row.skipped:
        return (row.measures, "", row.peer_name, "", "", "", f"skipped: {row.skipped}")
    return (
        row.measures,
        _number(row.ours, row.unit),
        row.peer_name,
        _number(row.peer, row.unit),
        "" if row.ratio is None else f"{row.ratio:.2f}",
        "" if row.goal is None else str(row.goal),
        row.verdict.value,
    )


def table(rows: Sequence[Row]) -> str:
    """Return rows as an aligned table, notes below the row they belong to."""
    lines = [HEADINGS, *(cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS) - 1)]
    told = [_aligned(HEADINGS, widths)]
    for row in rows:
        told.append(_aligned(cells(row), widths))
        if row.note:
            told.append(f"    {row.note}")
    return "\n".join(told)


def markdown(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table; notes become a cell of their own."""
    lines = ["| " + " | ".join((*HEADINGS, "note")) + " |"]
    marks = ["--:" if i in _RIGHT else "---" for i in range(len(HEADINGS))]
    lines.append("| " + " | ".join((*marks, "---")) + " |")
    lines += ["| " + " | ".join((*cells(row), row.note)) + " |" for row in rows]
    return "\n".join(lines)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.rjust(width) if i in _RIGHT else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(line, widths, strict=False))
    ]
    return "  ".join((*padded, line[-1])).rstrip()


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    places = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{places}f} {unit}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _processor() -> str:
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in told.splitlines() if "model name" in line]
    return names[0] if names else "unknown"
