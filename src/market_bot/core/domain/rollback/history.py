"""Four weeks of a lane's journal, heard once, for the baseline of a trial."""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import HOUR, Micros

from .baseline import Baseline, make_baseline
from .cohort import Cohort, Worth
from .constants import BASELINE_DAYS, DAY, HISTORY_TRADES_MAX
from .count_check import HOURS, usual_hours
from .error_check import Errors
from .hard import limits_met

_HOURS_MAX: Final = BASELINE_DAYS * HOURS


def beginning(until: Micros) -> Micros:
    """Return where the four weeks before a moment begin."""
    return Micros(until - BASELINE_DAYS * DAY)


@attrs.define(eq=False)
class History:
    """Hears the lines from `beginning` until a trial; of all configurations."""

    until: Micros
    _trades: Cohort = attrs.field(factory=lambda: Cohort(most=HISTORY_TRADES_MAX), init=False)
    _errors: Errors = attrs.field(factory=Errors, init=False)
    _scanned: set[int] = attrs.field(factory=set, init=False)
    _refusing: set[str] = attrs.field(factory=set, init=False)

    def hear(self, event: ev.Event, at: Micros, config: str) -> None:
        """Take the next line of the lane's journal."""
        if not beginning(self.until) <= at < self.until:
            return
        self._trades.hear(event, at, config)
        self._errors.hear(event, at)
        self._refusing |= limits_met(event)
        if isinstance(event, ev.Scan) and len(self._scanned) <= _HOURS_MAX:
            self._scanned.add(at // HOUR)

    def baseline(self) -> Baseline:
        """Return what these weeks were like."""
        return make_baseline(
            self.worths(),
            beginning(self.until),
            self.until,
            hours=usual_hours(self._counts()),
            tally=self._errors.until(self.until),
            refusing=frozenset(self._refusing),
        )

    def worths(self) -> tuple[Worth, ...]:
        """Return the trades of these weeks."""
        return self._trades.worths(self.until)

    def _counts(self) -> list[list[int]]:
        counted = dict.fromkeys(sorted(self._scanned), 0)
        for opened in self._trades.openings():
            if opened // HOUR in counted:
                counted[opened // HOUR] += 1
        counts: list[list[int]] = [[] for _ in range(HOURS)]
        for hour, entries in counted.items():
            counts[hour % HOURS].append(entries)
        return counts
