"""A journal in a list, which can be told to fail."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import attrs

from market_bot.core.domain.events import Event
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.journal import Chain, DurabilityLostError, Entry, Journal

_NO_HASH = "0" * 64


@attrs.frozen
class Line:
    """One fact as it was appended."""

    event: Event
    at: Micros
    config: str


class ListJournal(Journal):
    """Keeps facts in `lines`.

    Args:
        fails_at: numbers of the appends, counted from one, that raise; nothing is kept of them.
        wants_checkpoints: whether every fact must be preceded by a checkpoint.

    """

    def __init__(self, fails_at: Collection[int] = (), *, wants_checkpoints: bool = False) -> None:
        self.lines: list[Line] = []
        self.commits = 0
        self.attempts = 0
        self.fails_at = fails_at
        self._wants_checkpoints = wants_checkpoints

    @property
    def chain(self) -> Chain:
        return Chain("simulated", "paper")

    @property
    def head(self) -> tuple[int, str]:
        return len(self.lines), _NO_HASH

    @property
    def events(self) -> list[Event]:
        """The facts alone."""
        return [line.event for line in self.lines]

    def append(self, event: Event, at: Micros, config: str) -> int:
        self.attempts += 1
        if self.attempts in self.fails_at:
            msg = f"append {self.attempts} was told to fail"
            raise DurabilityLostError(msg)
        self.lines.append(Line(event, at, config))
        return len(self.lines)

    def commit(self) -> None:
        self.commits += 1

    def close(self) -> None:
        self.closed = True

    def needs_checkpoint(self, at: Micros) -> bool:
        return self._wants_checkpoints

    def read(self) -> Iterator[Entry]:
        for number, line in enumerate(self.lines, start=1):
            yield Entry(
                seq=number,
                at=line.at,
                boot="",
                config=line.config,
                type=line.event.TYPE,
                event=line.event,
                prev=_NO_HASH,
                hash=_NO_HASH,
            )
