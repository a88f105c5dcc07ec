"""What a benchmark reports: one row per comparison, and whether it met its goal."""

from __future__ import annotations

from enum import Enum

import attrs


class Verdict(Enum):
    """What became of a row's goal."""

    MET = "met"
    MISSED = "missed"
    LOGGED = "logged"
    SKIPPED = "skipped"


@attrs.frozen
class AtMost:
    """A quotient of times that must not be above ``limit``."""

    limit: float

    def allows(self, value: float) -> bool:
        """Tell whether a value meets the goal."""
        return value <= self.limit

    def __str__(self) -> str:
        """Return the goal as it stands in the table."""
        return f"<= {self.limit:g}"


@attrs.frozen
class AtLeast:
    """A quotient of speeds that must not be below ``limit``."""

    limit: float

    def allows(self, value: float) -> bool:
        """Tell whether a value meets the goal."""
        return value >= self.limit

    def __str__(self) -> str:
        """Return the goal as it stands in the table."""
        return f">= {self.limit:g}"


Goal = AtMost | AtLeast


@attrs.frozen(kw_only=True)
class Row:
    """One comparison.

    Args:
        measures: what is measured, in words.
        ours: our number, in ``unit``; None where it was not measured.
        peer_name: what it is compared with.
        peer: the peer's number, in ``unit``.
        unit: of both numbers.
        ratio: the verdict's number; a quotient within one run, never of two machines.
        goal: what the ratio has to be; None where it is only logged.
        note: what a reader must know to judge the row.
        skipped: why the row was not measured; empty when it was.

    """

    measures: str
    ours: float | None = None
    peer_name: str = ""
    peer: float | None = None
    unit: str = ""
    ratio: float | None = None
    goal: Goal | None = None
    note: str = ""
    skipped: str = ""

    @property
    def verdict(self) -> Verdict:
        """What became of the goal."""
        if self.skipped:
            return Verdict.SKIPPED
        if self.goal is None or self.ratio is None:
            return Verdict.LOGGED
        return Verdict.MET if self.goal.allows(self.ratio) else Verdict.MISSED

    def plain(self) -> dict[str, object]:
        """Return the row as plain values for JSON."""
        return {
            "measures": self.measures,
            "ours": self.ours,
            "peer_name": self.peer_name,
            "peer": self.peer,
            "unit": self.unit,
            "ratio": self.ratio,
            "goal": None if self.goal is None else str(self.goal),
            "verdict": self.verdict.value,
            "note": self.note,
            "skipped": self.skipped,
        }
