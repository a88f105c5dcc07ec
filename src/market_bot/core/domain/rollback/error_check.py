"""The error test: our orders fail more often than usual, and it is not the venue.

An order that was refused or lost in doubt, and a fault of a strategy or of execution, is ours.
Time in which the lane could not scan, or the venue's connection had errors, is the control: what
fails there fails whatever our settings are. If both are bad, it is the venue: the trial holds.
"""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.statistics import binomial_at_least, fisher_exact, on_grid

from .constants import (
    CONTROL_BAD,
    CONTROL_P,
    CONTROL_STEP,
    ERROR_ALPHA,
    ERROR_TIMES,
    ERRORS_MIN,
    SHARES,
)

_OURS: Final = ("strategy", "execution")
_TABLE_MAX: Final = 20_000
_HALF: Final = 0.5


@attrs.frozen
class Tally:
    """Errors and tries of ours, and of what is there beside us."""

    errors: int = 0
    tries: int = 0
    control_errors: int = 0
    control_tries: int = 0

    def minus(self, other: Tally) -> Tally:
        """Return what came after another, earlier tally."""
        return Tally(
            self.errors - other.errors,
            self.tries - other.tries,
            self.control_errors - other.control_errors,
            self.control_tries - other.control_tries,
        )

    def plus(self, other: Tally) -> Tally:
        """Return both together."""
        return Tally(
            self.errors + other.errors,
            self.tries + other.tries,
            self.control_errors + other.control_errors,
            self.control_tries + other.control_tries,
        )


NONE: Final = Tally()
_OUR_ERROR: Final = Tally(1, 1)
_OUR_TRY: Final = Tally(0, 1)


@attrs.frozen(kw_only=True)
class ErrorLook:
    """What the error test saw: the chance of it at twice the usual rate, and beside the control."""

    tally: Tally
    p: float
    beside: float
    alarm: bool
    incident: bool


def error_chance(tally: Tally) -> float:
    """Return the usual rate of our errors; never quite zero, since none seen is not none ever."""
    return on_grid((tally.errors + _HALF) / (tally.tries + 1))


def check_errors(tally: Tally, chance: float, minute: int) -> ErrorLook:
    """Return the test of errors at a look."""
    share = SHARES.get(minute, 0.0)
    p = binomial_at_least(tally.errors, tally.tries, min(1.0, ERROR_TIMES * chance))
    many = tally.errors >= ERRORS_MIN and p < ERROR_ALPHA * share
    contrast = CONTROL_P * share
    # Without a control nothing says that it was the venue.
    beside = _beside(tally) if many and tally.control_tries else 0.0
    return ErrorLook(
        tally=tally,
        p=p,
        beside=beside,
        alarm=many and beside < contrast,
        incident=many and beside >= contrast and _also_bad(tally),
    )


@attrs.define(eq=False)
class Errors:
    """Counts errors and tries line by line; what stands at the present moment is kept apart.

    So a tally up to a moment does not depend on the order of the lines of that moment. The control
    is counted in steps of ten seconds, each once: scans are so many that they would drown any
    trouble, and a lane that cannot scan says so only once.
    """

    _before: Tally = NONE
    _present: Tally = NONE
    _at: Micros = Micros(-1)
    _tried: int = -1
    _failed: int = -1
    _trouble: Micros | None = None

    def hear(self, event: ev.Event, at: Micros) -> None:
        """Take the next line."""
        added = self._added(event, at)
        if at > self._at:
            self._before, self._present = self._before.plus(self._present), NONE
            self._at = at
        if added is not NONE:
            self._present = self._present.plus(added)

    def until(self, cut: Micros) -> Tally:
        """Return the tally of all lines before ``cut``, which is not before the last line."""
        return self._before.plus(self._present) if self._at < cut else self._before

    def _added(self, event: ev.Event, at: Micros) -> Tally:
        match event:
            case ev.OrderAccepted():
                return _OUR_TRY
            case ev.OrderRejected() | ev.OrderUnknown():
                return _OUR_ERROR
            case ev.Error(where=where, count=count) if where.partition(":")[0] in _OURS:
                return Tally(max(1, count), max(1, count))
            case ev.Error():
                return self._step(at, failed=True)
            case ev.Tick():
                self._trouble = at
                return self._step(at, failed=True)
            case ev.Scan():
                return self._blind(at).plus(self._step(at, failed=False))
            case ev.BotStarted() | ev.BotStopped():
                self._trouble = None
                return NONE
            case _:
                return NONE

    def _step(self, at: Micros, *, failed: bool) -> Tally:
        """Count a step of the control as tried, and as failed, unless it is already."""
        step = at // CONTROL_STEP
        tries, errors = int(step > self._tried), int(failed and step > self._failed)
        self._tried = max(self._tried, step)
        if failed:
            self._failed = max(self._failed, step)
        return Tally(0, 0, errors, tries)

    def _blind(self, at: Micros) -> Tally:
        """Count the steps between a tick that could not scan and the first scan after it."""
        since = self._trouble
        if since is None or at <= since:
            return NONE
        self._trouble = None
        steps = max(0, at // CONTROL_STEP - max(since // CONTROL_STEP, self._tried) - 1)
        return Tally(0, 0, steps, steps)


def _also_bad(tally: Tally) -> bool:
    """Tell whether the control fails at least half as often as ours; else it says too little."""
    ours, control = tally.errors * tally.control_tries, tally.control_errors * tally.tries
    return control >= CONTROL_BAD * ours


def _beside(tally: Tally) -> float:
    """Return Fisher's chance that ours failed more by luck; scaled down where counts are huge."""
    errors, tries = tally.errors, tally.tries
    hits, others = tally.control_errors, tally.control_tries
    if others > _TABLE_MAX:
        hits, others = -(-hits * _TABLE_MAX // others), _TABLE_MAX
    if tries > _TABLE_MAX:
        errors, tries = errors * _TABLE_MAX // tries, _TABLE_MAX
    return fisher_exact(errors, tries, hits, others)[0]
