"""Recorded market data as a venue: the same facts, at the same ticks, as often as one likes.

The clock is the running maximum of the receive times in file order; it never runs backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.market_data import Capability, MarketData, Sink
from market_bot.core.ports.tape import TapeCursor, TapeError, TapeSource

_FOREVER: Final = Micros(2**63 - 1)
_JOINT: Final = "another recording begins"


class _Tick(NamedTuple):  # a tuple is made three times as fast as a frozen class
    """The next tick: everything up to record ``records`` of tape ``tape`` belongs to it."""

    at: Micros
    tape: int
    records: int | None  # None: whatever the clock allows


class TapeVenue(MarketData):
    """Plays tapes of one venue, one after another in the order given.

    Nobody recorded what happened between two tapes: with the first record of a tape comes a gap of
    all books. A recording that goes on past midnight opens its new file with every whole book.

    The ticks come from the tapes if they hold any. Otherwise they fall on the grid of ``interval``
    from the first record on, where the interval before holds a record; with interval 0 every
    record has a tick of its own.

    Args:
        tapes: at least one; all of one venue, all with ticks or all without.
        interval: how far apart ticks are, in microseconds.

    Raises:
        TapeError: if the tapes do not belong together.

    """

    def __init__(self, tapes: Sequence[TapeSource], *, interval: Micros) -> None:
        if not tapes or interval < 0:
            msg = f"a tape venue needs a tape and an interval of 0 or more, was {interval}"
            raise TapeError(msg)
        _check_together(tapes)
        self._tapes = tuple(tapes)
        self._interval = interval
        self._ticked = tapes[0].header.ticks
        self._capabilities = frozenset[Capability].intersection(
            *(tape.header.capabilities for tape in tapes)
        )
        self._cursors: dict[int, TapeCursor] = {}
        self._tape = 0  # the one being played
        self._joint = False  # between the last record pushed and the next one another tape begins
        self._position = (0, 0)
        self._clock = Micros(0)
        self._first: Micros | None = None  # where the grid begins
        self._drained = Micros(-1)  # the latest time drained
        self._tick: _Tick | None = None  # announced by next_tick

    @property
    def venue(self) -> str:
        """The venue whose data this is."""
        return self._tapes[0].header.venue

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What all of the tapes can claim."""
        return self._capabilities

    @property
    def position(self) -> str:
        """The position after the last record pushed: ``<tape>:<records of it>``."""
        tape, records = self._position
        return f"{tape}:{records}"

    def span(self) -> float:
        """Return which part of the files was played, from 0 to 1, for a progress bar."""
        total = sum(tape.bytes_total for tape in self._tapes)
        before = sum(tape.bytes_total for tape in self._tapes[: self._tape])
        return min(1.0, (before + self._cursor(self._tape).bytes_read) / max(1, total))

    def next_tick(self) -> Micros | None:
        """Return the time of the next tick, or None at the end.

        `drain` up to exactly this time pushes what belongs to this tick and no more, even where
        several ticks share one time. Asking again without draining gives the same answer.

        Raises:
            TapeError: if the tapes cannot be read up to the next tick.

        """
        if self._tick is None:
            self._tick = self._ticked_next() if self._ticked else self._grid_next()
        return None if self._tick is None else self._tick.at

    def drain(self, sink: Sink, until: Micros) -> str:
        """Push every fact whose clock is at most ``until``, in order.

        A tick record holds back what comes before it until its own time. Where the tape cannot be
        read further, a tick announced by `next_tick` is still pushed without complaint; the next
        call complains.

        Returns:
            The position: ``<tape>:<records of it>``.

        Raises:
            TapeError: if a tape cannot be read; everything before that place was pushed.

        """
        tick = self._tick
        if tick is not None and until == tick.at:
            self._tick = None
            self._drained = max(self._drained, until)
            self._push_tick(sink, tick)
        elif until >= self._clock:
            self._tick = None
            self._peek_first()
            if not self._ticked or self._push_whole_ticks(sink, until):
                self._drained = max(self._drained, until)
                self._push(sink, until, complain=True)
        return self.position

    def _push_whole_ticks(self, sink: Sink, until: Micros) -> bool:
        """Push the ticks up to ``until``; tell whether none is left in front of the rest."""
        while True:
            try:
                at = self.next_tick()
            except TapeError:
                return True  # What is still readable is pushed; then `_push` meets the same error.
            if at is None or at > until:
                return at is None
            self.drain(sink, at)

    def _push_tick(self, sink: Sink, tick: _Tick) -> None:
        if tick.records is None:
            self._push(sink, tick.at, complain=False)
            return
        while self._tape < tick.tape:
            self._push_from_tape(sink, _FOREVER)
            self._advance()
        self._push_from_tape(sink, _FOREVER, tick.records)

    def _push(self, sink: Sink, until: Micros, *, complain: bool) -> None:
        while True:
            self._push_from_tape(sink, until)
            try:
                upcoming = self._cursor(self._tape).next_received()
            except TapeError:
                if complain:
                    raise
                return
            if upcoming is not None or not self._advance():
                return

    def _push_from_tape(self, sink: Sink, until: Micros, most: int | None = None) -> None:
        cursor = self._cursor(self._tape)
        if self._joint:
            self._push_gap(sink, cursor, until)
        before = cursor.consumed
        try:
            cursor.push(sink, until, most)
        finally:
            if cursor.consumed != before:
                self._position = (self._tape, cursor.consumed)
                self._clock = max(self._clock, cursor.latest)

    def _push_gap(self, sink: Sink, cursor: TapeCursor, until: Micros) -> None:
        """Push a gap if the first record of a tape is about to be pushed."""
        try:
            upcoming = cursor.next_received()
        except TapeError:
            return  # Nothing can be pushed either; whoever asks for the next tick is told why.
        if upcoming is not None and upcoming <= until:
            self._joint = False
            sink.gap("", _JOINT, self._clock)

    def _ticked_next(self) -> _Tick | None:
        latest = self._clock
        for index in range(self._tape, len(self._tapes)):
            stretch = self._cursor(index).next_stretch()
            latest = max(latest, stretch.latest)
            if stretch.closed:
                return _Tick(latest, index, stretch.records)
        return None

    def _grid_next(self) -> _Tick | None:
        if self._interval and self._position != (0, 0):
            due = self._grid(self._clock)
            if due > self._drained:  # A drain between two ticks took its records already.
                return _Tick(due, self._tape, None)
        upcoming = self._peek()
        if upcoming is None:
            return None
        if self._first is None:
            self._first = upcoming
        at = self._grid(max(self._clock, upcoming))
        return _Tick(at, self._tape, None if self._interval else 1)

    def _grid(self, at: Micros) -> Micros:
        first = self._first
        if not self._interval or first is None:
            return at
        return Micros(first - (first - at) // self._interval * self._interval)

    def _peek_first(self) -> None:
        if self._first is None:
            self._first = self._peek()

    def _peek(self) -> Micros | None:
        while True:
            upcoming = self._cursor(self._tape).next_received()
            if upcoming is not None or not self._advance():
                return upcoming

    def _cursor(self, index: int) -> TapeCursor:
        cursor = self._cursors.get(index)
        if cursor is None:
            cursor = self._cursors[index] = self._tapes[index].open()
        return cursor

    def _advance(self) -> bool:
        """Go on to the next tape; tell whether there is one."""
        if self._tape + 1 >= len(self._tapes):
            return False
        self._cursors.pop(self._tape, None)
        self._tape += 1
        self._joint = self._position != (0, 0)
        return True


def _check_together(tapes: Sequence[TapeSource]) -> None:
    first = tapes[0]
    for tape in tapes[1:]:
        if tape.header.venue != first.header.venue:
            msg = (
                f"{first.name} holds {first.header.venue}, {tape.name} holds "
                f"{tape.header.venue}: run one venue at a time"
            )
            raise TapeError(msg)
        if tape.header.ticks != first.header.ticks:
            ticked, plain = (first, tape) if first.header.ticks else (tape, first)
            msg = (
                f"{ticked.name} has tick records, {plain.name} has none: "
                "run them one after the other"
            )
            raise TapeError(msg)
