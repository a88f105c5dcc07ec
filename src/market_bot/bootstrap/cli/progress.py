"""How far a long look through a journal is: one line on a terminal, and nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final, TextIO

import attrs

from market_bot.core.ports.journal import Entry

_STEPS: Final = 200


@attrs.define(eq=False)
class LineProgress:
    """Tells how many lines have passed; close it before anything else is printed.

    Args:
        doing: what is done with the lines.
        total: how many there are.
        stream: where to tell.

    """

    doing: str
    total: int
    stream: TextIO = attrs.field(factory=lambda: sys.stderr)
    _told: bool = attrs.field(default=False, init=False)

    def watch(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        """Pass lines on and tell about them."""
        if not self.stream.isatty():
            return entries
        return self._watched(entries)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._told:
            self.stream.write("\r\033[K")
            self.stream.flush()
            self._told = False

    def _watched(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        every = max(1, self.total // _STEPS)
        for entry in entries:
            if entry.seq % every == 0:
                self.stream.write(f"\r{self.doing}: line {entry.seq:,} of {self.total:,}")
                self.stream.flush()
                self._told = True
            yield entry
