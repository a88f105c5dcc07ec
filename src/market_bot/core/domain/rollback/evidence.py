"""What a check of a trial looks at, and every alarm it gives."""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.core.domain.numbers import Money
from market_bot.core.domain.statistics import EProcess

from .constants import LAST_LOOK, LOOKS
from .count_check import CountLook, count_beside_shadow, count_by_history
from .error_check import NONE, ErrorLook, Tally, check_errors
from .pnl_check import Look, Scored, look
from .probation import bet, event_scores
from .terms import Terms
from .tripwire import allowed_loss, trips

PNL: Final = "pnl"
TRIPWIRE: Final = "tripwire"
ERRORS: Final = "errors"
PROBATION: Final = "probation"


@attrs.frozen(kw_only=True)
class Evidence:
    """A trial at one covered minute, as it was known just before ``cut``.

    Args:
        minute: covered minutes.
        cut: the moment; later facts do not exist.
        trades: what the new configuration opened, with scores.
        worths: its profit in dollars, by trade.
        live: how many trades it began.
        shadow: how many the old one would have begun; None without a shadow.
        hour: the hour of the day in which the trial began.
        tally: errors and tries.
        hard: alarms that need no statistics.
        uncovered: minutes that were taken for covered because the calendar ran out.
        lacking: whether too little was covered for a pass.

    """

    minute: int
    cut: int
    trades: tuple[Scored, ...] = ()
    worths: tuple[Money, ...] = ()
    live: int = 0
    shadow: int | None = None
    hour: int = 0
    tally: Tally = NONE
    hard: tuple[str, ...] = ()
    uncovered: int = 0
    lacking: bool = False


@attrs.frozen(kw_only=True)
class Findings:
    """What each test said; ``alarms`` are the reasons to revert, in a fixed order.

    ``count`` and ``errors`` are only looked at in the first hour, ``wealth`` only after it.
    """

    alarms: tuple[str, ...]
    profit: Look
    allowed: Money
    count: CountLook | None
    errors: ErrorLook | None
    wealth: EProcess | None

    @property
    def incident(self) -> bool:
        """Whether errors are many here and beside us: the venue's, not ours."""
        return self.errors is not None and self.errors.incident


def examine(evidence: Evidence, terms: Terms) -> Findings:
    """Return what every test says of a trial at this minute."""
    minute, baseline = evidence.minute, terms.baseline
    looked = minute in LOOKS
    profit = look(evidence.trades, evidence.cut, minute)
    count = _count(evidence, terms) if looked else None
    errors = check_errors(evidence.tally, baseline.errors, minute) if looked else None
    wealth = bet(event_scores(evidence.trades, evidence.cut)) if minute > LAST_LOOK else None
    allowed = allowed_loss(terms.budget, baseline.loss, terms.ratio, minute)
    said = {
        TRIPWIRE: trips(evidence.worths, allowed),
        PNL: looked and profit.alarms(baseline.limit),
        "" if count is None else count.alarm: count is not None and not _venues(count, errors),
        ERRORS: errors is not None and errors.alarm,
        PROBATION: wealth is not None and baseline.knows_enough and wealth.alarms,
    }
    alarms = (*evidence.hard, *(code for code, alarm in said.items() if code and alarm))
    return Findings(
        alarms=alarms, profit=profit, allowed=allowed, count=count, errors=errors, wealth=wealth
    )


def _venues(count: CountLook, errors: ErrorLook | None) -> bool:
    """Tell whether the venue may have made the count: only a shadow shares its troubles."""
    return count.shadow is None and errors is not None and errors.incident


def _count(evidence: Evidence, terms: Terms) -> CountLook | None:
    if evidence.shadow is not None:
        return count_beside_shadow(evidence.live, evidence.shadow, terms.ratio, evidence.minute)
    usual = terms.baseline.hours[evidence.hour]
    return count_by_history(evidence.live, usual, terms.ratio, evidence.minute)
