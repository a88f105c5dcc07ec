"""The profit test: new trades, at equal age, are worse than those of the last four weeks.

A trade's profit is compared with what trades of the same age had, in standard deviations. Trades of
one event are one observation. The sum over events grows with evidence; early looks count less.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

import attrs

from market_bot.core.domain.numbers import SECOND
from market_bot.core.domain.statistics import on_grid

from .constants import AGES, EVENTS_MIN, LAST_LOOK, POWER_SCORE

_AGES: Final = tuple(age * SECOND for age in AGES)

Scores = tuple[float | None, ...]


@attrs.frozen
class Scored:
    """A new trade: when it was opened, in which event, and its score at each age of `AGES`.

    A score that is not known is None: a missing price is not a price of zero.
    """

    opened: int
    event: str
    scores: Scores


@attrs.frozen(kw_only=True)
class Look:
    """What the profit test saw: trades and events with a score, S and X of the page on rollback."""

    trades: int
    events: int
    s: float
    x: float

    @property
    def testable(self) -> bool:
        """Whether there are enough events for an alarm."""
        return self.events >= EVENTS_MIN

    @property
    def mean(self) -> float:
        """Return the mean score of the events."""
        return on_grid(self.s / math.sqrt(self.events)) if self.events else 0.0

    def alarms(self, limit: float) -> bool:
        """Tell whether this is worse than the limit allows."""
        return self.testable and self.x < -limit


def latest(scores: Scores, age: int) -> float | None:
    """Return the score at the oldest known age that a trade has reached, None if there is none."""
    for index in range(bisect_right(_AGES, age) - 1, -1, -1):
        score = scores[index]
        if score is not None:
            return score
    return None


def look(trades: Iterable[Scored], cut: int, minute: int) -> Look:
    """Return what the profit test sees of trades opened before ``cut``, at a covered minute.

    Args:
        trades: opened by the new configuration.
        cut: the moment of the look, in microseconds.
        minute: covered minutes so far; those after the last look count as the last.

    """
    events: dict[str, list[float]] = {}
    for trade in trades:
        if trade.opened < cut:
            score = latest(trade.scores, cut - trade.opened)
            if score is not None:
                events.setdefault(trade.event, []).append(score)
    count = len(events)
    if not count:
        return Look(trades=0, events=0, s=0.0, x=0.0)
    s = math.fsum(math.fsum(own) / len(own) for own in events.values()) / math.sqrt(count)
    return Look(
        trades=sum(map(len, events.values())),
        events=count,
        s=on_grid(s),
        x=on_grid(s * _weight(minute)),
    )


def detectable(limit: float, events: int, minute: int) -> float | None:
    """Return the harm per event that would be found with 80 %, in deviations; None without events.

    ``(limit / sqrt(minute / 60) + 0.84) / sqrt(events)``.
    """
    if not events:
        return None
    return on_grid((limit / _weight(minute) + POWER_SCORE) / math.sqrt(events))


def events_needed(limit: float, effect: float) -> int:
    """Return how many events a pass after the hour needs to have been able to see an effect."""
    ratio = (limit + POWER_SCORE) / effect
    return max(EVENTS_MIN, math.ceil(ratio * ratio))


def _weight(minute: int) -> float:
    return math.sqrt(min(minute, LAST_LOOK) / LAST_LOOK)
