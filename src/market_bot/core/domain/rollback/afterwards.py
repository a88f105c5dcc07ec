"""What a change that was kept brought: its trades of a day and a week beside those before it.

Not measured at the same time but before and after, since no second configuration runs beside the
one in force: changes follow bad days, and the next days are better by themselves. The interval says
how little is known, not that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import HOUR, NEVER, Micros, Money
from market_bot.core.domain.statistics import on_grid

from .cohort import Cohort, Worth
from .constants import EVENTS_MIN, FULL_AGE

OUTCOME_HOURS: Final = (24, 168)
FOLLOWED: Final = 8
"""So many changes are followed at the same time at most."""

_MEAN: Final = "usual.mean"
_ERROR: Final = "usual.error"
_UNKNOWN: Final = "-"
_Z: Final = 1.96
_DAY_HOURS: Final = 24
_DOLLAR: Final = 10**12


@attrs.frozen(kw_only=True)
class Usual:
    """Dollars a trade was worth after an hour, on average, and the standard error of that."""

    mean: float
    error: float


def usual(trades: Iterable[Worth]) -> Usual | None:
    """Return what trades were worth after an hour; None of fewer than five events.

    Trades in one event are one observation.
    """
    events: dict[str, list[float]] = {}
    for trade in trades:
        worth = trade.whole[FULL_AGE]
        if worth is not None:
            events.setdefault(trade.event, []).append(worth / _DOLLAR)
    if len(events) < EVENTS_MIN:
        return None
    count = sum(map(len, events.values()))
    mean = math.fsum(worth for one in events.values() for worth in one) / count
    apart = math.fsum((math.fsum(one) - len(one) * mean) ** 2 for one in events.values())
    error = math.sqrt(apart * len(events) / (len(events) - 1)) / count
    return Usual(mean=on_grid(mean), error=on_grid(error))


def frozen_usual(known: Usual | None) -> dict[str, str]:
    """Return it as text, to stand beside the terms of a trial."""
    if known is None:
        return {_MEAN: _UNKNOWN, _ERROR: _UNKNOWN}
    return {_MEAN: f"{known.mean:.9g}", _ERROR: f"{known.error:.9g}"}


def thawed_usual(text: Mapping[str, str]) -> Usual | None:
    """Return what was frozen; None if it was not known, or cannot be read."""
    try:
        mean, error = float(text[_MEAN]), float(text[_ERROR])
    except (KeyError, ValueError):
        return None
    sound = math.isfinite(mean) and math.isfinite(error)
    return Usual(mean=mean, error=error) if sound else None


@attrs.define(eq=False)
class Afterwards:
    """Follows a change from the beginning of its trial.

    Args:
        started: what began it.
        at: when.

    """

    started: ev.TrialStarted
    at: Micros
    kept: bool = attrs.field(default=False, init=False)
    closed: Micros = attrs.field(default=NEVER, init=False)
    _told: set[int] = attrs.field(factory=set, init=False)
    _configs: set[str] = attrs.field(init=False)
    _trades: Cohort = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._configs = {self.started.baseline.get("config", "")}
        self._trades = Cohort(configs=self._configs)

    @property
    def over(self) -> bool:
        """Whether everything was told."""
        return self._told.issuperset(OUTCOME_HOURS)

    def hear(self, event: ev.Event, at: Micros, config: str) -> None:
        """Take the next line of the lane's journal."""
        self._trades.hear(event, at, config)
        match event:
            case ev.ConfigChanged(before=before, after=after):
                if before in self._configs and not self.closed:
                    self._configs.add(after)
            case ev.TrialEnded(trial=trial, verdict="keep") if trial == self.started.trial:
                self.kept = True
            case ev.TrialOutcome(trial=trial, hours=hours) if trial == self.started.trial:
                self._told.add(hours)
            case _:
                pass

    def close(self, at: Micros) -> None:
        """Note that the knob was turned again: what comes later is about something else."""
        self.closed = self.closed or at

    def due(self, now: Micros) -> ev.TrialOutcome | None:
        """Return the next result that can be told, None if there is none yet."""
        for hours in OUTCOME_HOURS:
            end = Micros(self.at + hours * HOUR)
            if self.kept and hours not in self._told and now > end:
                return self._outcome(hours, end)
        return None

    def _outcome(self, hours: int, end: Micros) -> ev.TrialOutcome:
        before = thawed_usual(self.started.baseline)
        trades = self._trades.worths(end)
        after = usual(trades)
        if before is None or after is None or (self.closed and self.closed < end):
            return ev.TrialOutcome(trial=self.started.trial, hours=hours)
        a_day = len(trades) * _DAY_HOURS / hours
        gain = (after.mean - before.mean) * a_day
        apart = _Z * math.hypot(after.error, before.error) * a_day
        return ev.TrialOutcome(
            trial=self.started.trial,
            hours=hours,
            gain=_money(gain),
            low=_money(gain - apart),
            high=_money(gain + apart),
        )


def _money(dollars: float) -> Money:
    return Money(round(on_grid(dollars) * _DOLLAR))
