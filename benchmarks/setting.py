"""What a benchmark is given, and what it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Final, TypeVar

import attrs

from benchmarks.rows import Row

REFERENCE_VARIABLE: Final = "MARKET_BOT_REFERENCE"

T = TypeVar("T")


class Scale(Enum):
    """How much work a benchmark does."""

    FULL = "full"
    QUICK = "quick"
    TINY = "tiny"


@attrs.frozen(kw_only=True)
class Setting:
    """How one run of the benchmarks is done.

    Args:
        folder: a folder on disk that may be filled and is removed afterwards.
        rounds: how often each side of a comparison runs; sides take turns.
        scale: how much work there is.
        soak: whether the ten-minute rows run at their full length.
        reference: the folder of recorded reference data, or None.

    """

    folder: Path
    rounds: int = 5
    scale: Scale = Scale.FULL
    soak: bool = False
    reference: Path | None = None

    def pick(self, full: T, quick: T, tiny: T) -> T:
        """Return the value for this scale."""
        return {Scale.FULL: full, Scale.QUICK: quick, Scale.TINY: tiny}[self.scale]


@attrs.frozen(kw_only=True)
class Benchmark:
    """A named measurement; one file, one object called ``benchmark``.

    Args:
        name: what ``--only`` takes.
        summary: one sentence for people.
        measure: yields its rows as they are ready.

    """

    name: str
    summary: str
    measure: Callable[[Setting], Iterator[Row]]


def reference_folder() -> Path | None:
    """Return the folder of recorded reference data, or None where there is none."""
    named = os.environ.get(REFERENCE_VARIABLE)
    return Path(named) if named and Path(named).is_dir() else None
