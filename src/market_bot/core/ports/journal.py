"""The journal: an append-only, hash-chained list of facts, one chain per lane."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Protocol

import attrs

from market_bot.core.domain.events import Event
from market_bot.core.domain.numbers import Micros


@attrs.frozen
class Chain:
    """Which life of which venue: ``run`` is "" but for lanes that have one chain per run."""

    venue: str
    lane: str
    run: str = ""

    def __str__(self) -> str:
        """Return ``venue/lane`` or ``venue/lane/run``."""
        return "/".join(part for part in (self.venue, self.lane, self.run) if part)


@attrs.frozen(kw_only=True)
class Entry:
    """One line of a journal, decoded.

    ``event`` is None for a type this version does not know.
    """

    seq: int
    at: Micros
    boot: str
    config: str
    type: str
    event: Event | None
    prev: str
    hash: str


class JournalError(Exception):
    """Base of what can go wrong with a journal; the message is one line for people."""


class DurabilityLostError(JournalError):
    """A fact could not be made durable: no entries from here on."""


class CorruptJournalError(JournalError):
    """A complete line is bad or the chain is broken; the message holds file and offset."""


class Journal(Protocol):
    """One chain, open for appending by its only writer."""

    @property
    @abstractmethod
    def chain(self) -> Chain:
        """Which chain this is."""

    @property
    @abstractmethod
    def head(self) -> tuple[int, str]:
        """The last sequence number and hash; (0, 64 zeros) when empty."""

    @abstractmethod
    def append(self, event: Event, at: Micros, config: str) -> int:
        """Append a fact and return its sequence number.

        Class A facts are durable when this returns, unless the chain was opened with group
        commit; class B facts are durable after the next `commit` or class A fact.

        Raises:
            DurabilityLostError: if the fact could not be written or made durable.

        """

    @abstractmethod
    def commit(self) -> None:
        """Make everything appended so far durable.

        Raises:
            DurabilityLostError: if that failed; a failed fsync is never retried as if nothing
                had happened.

        """

    @abstractmethod
    def close(self) -> None:
        """Make durable what can be, and take no more facts."""

    @abstractmethod
    def needs_checkpoint(self, at: Micros) -> bool:
        """Tell whether the next fact at this time opens a new file and must be a checkpoint."""

    @abstractmethod
    def read(self) -> Iterator[Entry]:
        """Yield every line from the first file kept to the last.

        Raises:
            CorruptJournalError: at the first line that is bad.

        """
