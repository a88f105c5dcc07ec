"""Probation: a change without enough evidence is watched on, without alarms by patience alone.

Each event is scored once, when its first trade has reached the full age, by the mean of its trades
at that moment, each compared at its own age. A gambler bets that events became worse; see
`market_bot.core.domain.statistics.EProcess`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from market_bot.core.domain.marks import LATE_MAX
from market_bot.core.domain.numbers import SECOND
from market_bot.core.domain.statistics import EProcess

from .constants import AGES, FULL_AGE, PROBATION_EVENTS
from .pnl_check import Scored, latest

_FULL: Final = AGES[FULL_AGE] * SECOND


def event_scores(trades: Iterable[Scored], cut: int) -> list[float]:
    """Return the scores of the events that were complete before ``cut``, the oldest first."""
    by_event: dict[str, list[Scored]] = {}
    for trade in trades:
        by_event.setdefault(trade.event, []).append(trade)
    complete = []
    for event, own in by_event.items():
        moment = min(trade.opened for trade in own) + _FULL
        # Prices come a little late; until all have come the score could still change.
        score = _mean(own, moment) if moment + LATE_MAX < cut else None
        if score is not None:
            complete.append((moment, event, score))
    return [score for _, _, score in sorted(complete)][:PROBATION_EVENTS]


def bet(scores: Iterable[float]) -> EProcess:
    """Return the gambler's wealth after these events."""
    wealth = EProcess()
    for score in scores:
        wealth = wealth.after(score)
        if wealth.alarms:
            break  # What was reached once counts, whatever came later.
    return wealth


def _mean(trades: Iterable[Scored], moment: int) -> float | None:
    scores = [
        score
        for trade in trades
        if (score := latest(trade.scores, moment - trade.opened)) is not None
    ]
    return math.fsum(scores) / len(scores) if scores else None
