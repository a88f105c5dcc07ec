"""What a stretch of profit and loss amounts to, and how much of its Sharpe ratio is luck.

Every function returns None where its quotient has no meaning: too few days, no spread, no loss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import attrs

from .grid import on_grid
from .normal import expected_maximum, normal_cdf

# Prediction markets trade every day.
DAYS_A_YEAR: Final = 365
_TWO: Final = 2


@attrs.frozen(kw_only=True)
class Drawdown:
    """The deepest fall below an earlier high.

    Args:
        depth: from high to low, not negative.
        share: of the high; None if the high was not positive.
        high_at: index of the high; -1 is the start.
        low_at: index of the low.

    """

    depth: float
    share: float | None
    high_at: int
    low_at: int


def sharpe(days: Sequence[float], *, days_a_year: int = DAYS_A_YEAR) -> float | None:
    """Return the yearly Sharpe ratio of daily profits: mean / sd * sqrt(days a year).

    Sharpe, "The Sharpe ratio", 1994, against cash at no interest; the standard deviation divides
    by n - 1.
    """
    per_day = _sharpe_per_day(days)
    return None if per_day is None else on_grid(per_day * math.sqrt(days_a_year))


def sortino(
    days: Sequence[float], *, target: float = 0.0, days_a_year: int = DAYS_A_YEAR
) -> float | None:
    """Return the yearly Sortino ratio: only days below ``target`` count as risk.

    Sortino and Price, "Performance measurement in a downside risk framework", 1994: the downside
    deviation divides by all days, not only by the bad ones.
    """
    if len(days) < _TWO:
        return None
    downside = math.sqrt(math.fsum(min(0.0, d - target) ** 2 for d in days) / len(days))
    if downside == 0.0:
        return None
    return on_grid((_mean(days) - target) / downside * math.sqrt(days_a_year))


def max_drawdown(changes: Sequence[float], *, start: float = 0.0) -> Drawdown:
    """Return the deepest fall of ``start`` plus the running sum of ``changes``."""
    level = high = start
    high_at = -1
    worst = Drawdown(depth=0.0, share=0.0 if start > 0 else None, high_at=-1, low_at=-1)
    for at, change in enumerate(changes):
        level += change
        if level > high:
            high, high_at = level, at
        if high - level > worst.depth:
            worst = Drawdown(
                depth=high - level,
                share=on_grid((high - level) / high) if high > 0 else None,
                high_at=high_at,
                low_at=at,
            )
    return attrs.evolve(worst, depth=on_grid(worst.depth))


def calmar(days: Sequence[float], *, start: float, days_a_year: int = DAYS_A_YEAR) -> float | None:
    """Return the yearly return over the deepest drawdown, both as shares.

    Young, "Calmar ratio: a smoother tool", 1991; the return is simple, not compounded.
    """
    fall = max_drawdown(days, start=start).share
    if not days or start <= 0 or not fall:
        return None
    return on_grid(_mean(days) * days_a_year / start / fall)


def profit_factor(trades: Sequence[float]) -> float | None:
    """Return gross profit over gross loss; None without a loss."""
    lost = -math.fsum(t for t in trades if t < 0)
    return on_grid(math.fsum(t for t in trades if t > 0) / lost) if lost else None


def expectancy(trades: Sequence[float]) -> float | None:
    """Return the mean profit of a trade; None without trades."""
    return on_grid(_mean(trades)) if trades else None


def probabilistic_sharpe(days: Sequence[float], *, against: float = 0.0) -> float | None:
    """Return the chance that the true Sharpe ratio *per day* is above ``against``.

    Skewness and fat tails of the days are allowed for. Bailey and López de Prado, "The Sharpe
    ratio efficient frontier", 2012, equation 11. None with fewer than three days or no spread.
    """
    per_day = _sharpe_per_day(days)
    if per_day is None or len(days) < 3:  # noqa: PLR2004 - two days have no shape
        return None
    mean = _mean(days)
    second, third, fourth = (
        math.fsum((d - mean) ** power for d in days) / len(days) for power in (2, 3, 4)
    )
    skew, kurtosis = third / second**1.5, fourth / second**2
    return probability_of_skill(
        per_day, against=against, days=len(days), skew=skew, kurtosis=kurtosis
    )


def deflated_sharpe(days: Sequence[float], *, tried: int, sd_of_tried: float) -> float | None:
    """Return the chance that the Sharpe ratio is more than the luck of the best of ``tried``.

    Bailey and López de Prado, "The deflated Sharpe ratio", 2014. ``sd_of_tried`` is the standard
    deviation of the daily Sharpe ratios of all that was tried. 0.95 is the usual demand.

    Raises:
        ValueError: if nothing was tried.

    """
    return probabilistic_sharpe(days, against=sd_of_tried * expected_maximum(tried))


def probability_of_skill(
    per_day: float, *, against: float, days: int, skew: float, kurtosis: float
) -> float | None:
    """Return the chance that a true ratio is above ``against``, from the moments of the days.

    ``kurtosis`` is 3 for a normal distribution. None where the moments contradict each other.
    """
    variance = 1.0 - skew * per_day + (kurtosis - 1.0) / 4.0 * per_day * per_day
    if variance <= 0.0:
        return None
    return normal_cdf((per_day - against) * math.sqrt((days - 1) / variance))


def _sharpe_per_day(days: Sequence[float]) -> float | None:
    if len(days) < _TWO:
        return None
    mean = _mean(days)
    variance = math.fsum((d - mean) ** 2 for d in days) / (len(days) - 1)
    # What rounding leaves of days that are all the same is not a spread.
    if variance <= 1e-24 * mean * mean:
        return None
    return mean / math.sqrt(variance)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
