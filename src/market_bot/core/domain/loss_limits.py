"""When losses stop entries for longer than they last: for the day, or until a person resumes.

A limit on losses that let go as soon as prices recover a little would open and shut all day long.
So what was lost when a limit was reached is written down, and the rules hold it against the limit
in force: the day's until the next UTC day opens, the drawdown until a person resumes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.numbers import NO_MONEY, Money

DAILY_LOSS: Final = "max_daily_loss_usd"
DRAWDOWN: Final = "max_drawdown_usd"
STREAK: Final = "max_consecutive_losses"
_STOPS: Final = {
    DAILY_LOSS: "the day's loss reached its limit; they go on with the next UTC day",
    DRAWDOWN: "the drawdown reached its limit; they go on after `market-bot resume`",
    STREAK: "too many losses in a row; they go on after `market-bot resume`",
}


def losses(state: LaneState, equity: Money) -> dict[str, Money]:
    """Return what is lost by marked equity, by the name of the limit on it, if it can be told."""
    begun = {
        DAILY_LOSS: None if state.day is None else state.day.equity,
        DRAWDOWN: state.peak,
    }
    return {name: Money(max(NO_MONEY, at - equity)) for name, at in begun.items() if at is not None}


def stopped(state: LaneState, limits: Mapping[str, int]) -> tuple[str, ...]:
    """Return the limits that were reached before and that stop entries since."""
    noted = {DAILY_LOSS: state.day_loss, DRAWDOWN: state.fallen}
    return tuple(name for name, lost in noted.items() if 0 < limits.get(name, 0) <= lost)


def entries_stopped(state: LaneState, limits: Mapping[str, int]) -> tuple[str, ...]:
    """Return for people why nothing is opened until a day ends or somebody resumes."""
    streak = (STREAK,) if 0 < limits.get(STREAK, 0) <= state.loss_streak else ()
    return tuple(_STOPS[name] for name in (*stopped(state, limits), *streak))


def reached(
    state: LaneState, equity: Money, limits: Mapping[str, int]
) -> Iterator[ev.LossLimitReached]:
    """Yield the limits that are reached now and stop nothing yet.

    ``equity`` counts what nobody bids for at its cost: a book that is empty for a moment must not
    stop a lane for a day.
    """
    known = stopped(state, limits)
    for name, lost in losses(state, equity).items():
        limit = limits.get(name)
        if limit is not None and name not in known and lost >= max(limit, 1):
            yield ev.LossLimitReached(rule=name, limit=Money(limit), lost=lost)
