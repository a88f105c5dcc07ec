"""Derive one life of a lane again, from its journal and from what was recorded of the market."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.journal import DurabilityLostError, Entry
from market_bot.core.ports.market_data import MarketDataError
from market_bot.core.usecases.redo_journal import (
    EndOfRecordError,
    RedoJournal,
    decides_nothing,
    is_from_outside,
)
from market_bot.core.usecases.trade_lane import LaneTrader

_DERIVED = (
    ev.BotStopped,
    ev.DayOpened,
    ev.Denied,
    ev.EquityPeak,
    ev.Exit,
    ev.LossLimitReached,
    ev.Mark,
    ev.MarketResolved,
    ev.OrderIntent,
    ev.PositionMarked,
    ev.Scan,
    ev.SignalRaised,
)


class RecordedTicks(Protocol):
    """The ticks of what was recorded; the trader's data is the same feed."""

    @property
    @abstractmethod
    def ended(self) -> str | None:
        """Why there is no further tick, once there is none."""

    @abstractmethod
    def next_tick(self) -> Micros | None:
        """Return the time of the next tick, or None at the end."""


@attrs.define(eq=False)
class Derivation:
    """One life of a lane, derived again tick by tick.

    Args:
        trader: on the recorded feed, with a desk that answers from the journal; its recorder
            writes into ``redo``. What it takes from outside is replaced.
        redo: the lines of this life.
        ticks: the feed.
        last_scan: the sequence number of the last scan of this life, 0 if there is none.
        digest: digest of a state, for the closing line.

    """

    trader: LaneTrader
    redo: RedoJournal
    ticks: RecordedTicks
    last_scan: int
    digest: Callable[[LaneState], str]
    _now: Micros = attrs.field(default=Micros(0), init=False)

    def run(self) -> str | None:
        """Derive as much as can be; return why the rest cannot be, or None if there is no rest.

        Raises:
            NotReproducibleError: if a line is not what follows.
            MarketDataError: if what was recorded is damaged.

        """
        self.trader.controls = lambda: self.redo.controls(self._now)
        self.trader.compare = self._compared
        try:
            self._begin()
            while self.redo.redoing:
                reason = self._step()
                if reason is not None:
                    return reason
        except EndOfRecordError:
            return None  # It was killed within a tick.
        except DurabilityLostError as e:
            return f"the journal could not be written there ({e})"
        return None

    def _step(self) -> str | None:
        tick = self.ticks.next_tick()
        if tick is None and self._lost():
            return self.ticks.ended
        if self._outside(tick):
            return None
        unknown = self._unknown()
        if unknown is not None:
            return unknown
        if tick is None:
            return self._finish()
        self._now = tick
        self.trader.tick(tick)
        return None

    def _begin(self) -> None:
        """Take the opening, and whatever was learnt before the first tick."""
        first = self._next()
        if first is None or not isinstance(first.event, ev.BotStarted):
            return
        self.trader.start(first.event, first.at)
        while (entry := self._next()) is not None and _given(entry):
            if entry.event is not None:
                self.trader.note(entry.event, entry.at)

    def _outside(self, tick: Micros | None) -> bool:
        """Take the next line if it was written at a tick for which the source failed."""
        entry = self._next()
        if entry is None or (tick is not None and entry.at >= tick):
            return False
        if not (isinstance(entry.event, ev.Tick) or is_from_outside(entry.event)):
            return False
        self._now = entry.at
        try:
            self.trader.tick(entry.at)
        except MarketDataError:
            missed = self._next()
            if missed is not None and isinstance(missed.event, ev.Tick):
                self.trader.note(missed.event, missed.at)
        return True

    def _finish(self) -> str | None:
        """Derive the closing lines."""
        *_, last = (e for e in self.redo.upcoming() if not decides_nothing(e.event))
        if not isinstance(last.event, ev.BotStopped):
            return self.ticks.ended
        stopped = last.event
        # Ticks for which the source failed left no trace.
        self.trader.ticks = max(self.trader.ticks, stopped.ticks)
        digest = self.digest(self.trader.state) if stopped.digest else ""
        self.trader.finish(stopped.reason, digest, last.at)
        return None

    def _compared(self, _: LaneState, now: Micros) -> Sequence[ev.Event]:
        """Return what was found when the account was compared at this tick, if it was."""
        entry = self._next()
        if entry is None or entry.at != now or not isinstance(entry.event, ev.Reconciled):
            return ()
        return (entry.event,)

    def _lost(self) -> bool:
        entry = self._next()
        return entry is not None and entry.seq <= self.last_scan

    def _unknown(self) -> str | None:
        entry = self._next()
        if entry is None or entry.event is not None:
            return None
        return f"line {entry.seq} is of a type that this version does not know ({entry.type})"

    def _next(self) -> Entry | None:
        """Return the next line; a checkpoint before it is derived with it."""
        upcoming = self.redo.upcoming()
        return next((e for e in upcoming if not isinstance(e.event, ev.Checkpoint)), None)


def _given(entry: Entry) -> bool:
    """Tell whether a line was learnt from outside."""
    found_out = isinstance(entry.event, (*_DERIVED, ev.Tick))
    return entry.event is not None and not (found_out or is_from_outside(entry.event))
