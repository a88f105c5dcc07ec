"""Recorded market data that can be played again: what a tape says of itself, and how it is read.

A tape is written through `Sink` (market_data.py); this port is for reading. A `TapeSource` is one
tape at rest, a `TapeCursor` is one playing of it.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

import attrs

from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.market_data import Capability, MarketDataError, Sink


class TapeError(MarketDataError):
    """A tape cannot be read or written; the message is one line: which file, where, what to do."""


class TornTapeError(TapeError):
    """The tape ends inside a group: whatever came before it is sound and was read."""


@attrs.frozen(kw_only=True)
class TapeHeader:
    """What a tape says of itself.

    Args:
        venue: the one venue all of its markets belong to.
        source: free text: who recorded or imported it from what.
        capabilities: what can be concluded from its records.
        ticks: whether it holds the moments at which the recording bot decided.

    """

    venue: str
    source: str
    capabilities: frozenset[Capability]
    ticks: bool = False


@attrs.frozen
class Stretch:
    """The records from a cursor's place up to and including the next tick record.

    Args:
        latest: the latest receive time in the stretch, the tick's own included.
        records: how many records it has.
        closed: False if the tape ends without another tick record.

    """

    latest: Micros
    records: int
    closed: bool


class TapeCursor(Protocol):
    """One playing of one tape, from its first record to its last."""

    @property
    @abstractmethod
    def consumed(self) -> int:
        """How many records were pushed so far; the header is not one."""

    @property
    @abstractmethod
    def latest(self) -> Micros:
        """The latest receive time pushed so far; 0 before the first record."""

    @property
    @abstractmethod
    def bytes_read(self) -> int:
        """How many bytes of the file were needed for the records pushed so far."""

    @abstractmethod
    def next_received(self) -> Micros | None:
        """Return the receive time of the next record, or None at the end.

        Raises:
            TapeError: if what comes next cannot be read.

        """

    @abstractmethod
    def next_stretch(self) -> Stretch:
        """Look ahead to the next tick record without pushing anything.

        Raises:
            TapeError: if what comes before the next tick record cannot be read, or is too long.

        """

    @abstractmethod
    def push(self, sink: Sink, until: Micros, most: int | None = None) -> None:
        """Push records in file order, up to the first one received after ``until``.

        Stops quietly where the file cannot be read further; `next_received` then says why.

        Args:
            sink: takes the facts; tick records push nothing.
            until: the last receive time to push.
            most: push at most this many records.

        Raises:
            TapeError: if a record contradicts those before it; everything before it was pushed.

        """


class TapeSource(Protocol):
    """One tape at rest."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What to call the tape in messages: its file name as given."""

    @property
    @abstractmethod
    def header(self) -> TapeHeader:
        """What the tape says of itself."""

    @property
    @abstractmethod
    def bytes_total(self) -> int:
        """The size of the file in bytes."""

    @abstractmethod
    def open(self) -> TapeCursor:
        """Start a new playing at the first record."""
