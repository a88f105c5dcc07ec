"""How far a mean may be off: resampling whole days or whole events.

Trades of one event, and events of one day, move together; a resample of single trades would promise
a certainty that is not there. What is drawn is therefore a *unit*: a block of one to three
neighbouring days, or an event.

* Circular blocks: Politis and Romano, "A circular block-resampling procedure for stationary data",
  1992. Moving blocks: Künsch, "The jackknife and the bootstrap for general stationary
  observations", 1989. Block length of the order n**(1/3): Hall, Horowitz and Jing, 1995.
* Clusters with a ratio mean and its linearised standard error: Cochran, "Sampling techniques",
  1977, section 6.4; Davison and Hinkley, "Bootstrap methods and their application", 1997.
* Percentile interval and bootstrap-t: Efron and Tibshirani, "An introduction to the bootstrap",
  1993, chapters 12 and 13; studentised over blocks: Götze and Künsch, 1996. Order statistics
  number (draws + 1) * tail from either end, rounded outwards: Davison and Hinkley, section 5.2.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Final

import attrs

from .chance import rows_of_indexes
from .grid import on_grid

DRAWS: Final = 10_000
LEVEL: Final = 0.95
# With fewer units the interval is far too narrow; it is refused instead.
UNITS_MIN: Final = 5
_DRAWS_MAX: Final = 1_000_000
_BLOCK_MAX: Final = 3
# Of a sum of squares: what rounding leaves of a spread that is none.
_NO_SPREAD: Final = 1e-20


class Lack(enum.Enum):
    """Why there is no interval."""

    UNITS = "too few units"
    SPREAD = "no spread"
    DRAWS = "too few draws"


@attrs.frozen(kw_only=True)
class NoInterval:
    """The honest answer where an interval would be invented.

    Args:
        lack: what is missing.
        have: how many there are: units, or draws in the tail; 0 where there is no spread.
        need: how many there would have to be.

    """

    lack: Lack
    have: int
    need: int


@attrs.frozen
class Bounds:
    """The ends of an interval."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@attrs.frozen(kw_only=True)
class Bootstrapped:
    """A mean and how far it may be off.

    Args:
        estimate: the mean per day, or the ratio of totals to weights.
        standard_error: of the estimate, with whole units as observations.
        studentised: the bootstrap-t interval; the one to decide by.
        percentile: the simpler interval; too narrow with few units, shown for comparison.
        p_greater: chance of so high an estimate if the truth is 0 or less (one-sided).
        p_less: chance of so low an estimate if the truth is 0 or more (one-sided).
        units: independent pieces in a resample: blocks or events.
        block: days in a block; 1 for events.
        draws: number of resamples.
        level: of both intervals, two-sided.

    """

    estimate: float
    standard_error: float
    studentised: Bounds
    percentile: Bounds
    p_greater: float
    p_less: float
    units: int
    block: int
    draws: int
    level: float


@attrs.frozen(kw_only=True)
class _Units:
    """What is drawn from: residuals ``total - estimate * weight``, centred on zero."""

    estimate: float
    residuals: Sequence[float]
    weights: Sequence[float]
    take: int
    block: int


def block_length(days: int) -> int:
    """Return the length of a block for so many days: the cube root, from 1 to 3."""
    return max(1, min(_BLOCK_MAX, round(math.pow(days, 1 / 3))))


def block_bootstrap(
    days: Sequence[float],
    *,
    seed: str,
    block: int | None = None,
    circular: bool = True,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Bootstrapped | NoInterval:
    """Return the mean per day with intervals, from blocks of neighbouring days.

    ``days`` are in order of time and without holes: a day on which nothing happened is a zero only
    if the bot was there to see it. The number of blocks in a resample is rounded down, which makes
    the interval wider, never narrower.

    Raises:
        ValueError: for a block, level or number of draws that makes no sense.

    """
    length = block_length(len(days)) if block is None else block
    if length < 1:
        msg = f"a block of {length} days"
        raise ValueError(msg)
    take = len(days) // length
    if take < UNITS_MIN:
        return NoInterval(lack=Lack.UNITS, have=len(days), need=UNITS_MIN * length)
    mean = math.fsum(days) / len(days)
    around = [*days, *days[: length - 1]] if circular else days
    sums = [
        math.fsum(around[i : i + length]) - mean * length for i in range(len(around) - length + 1)
    ]
    # Moving blocks see the first and the last days less often; without this they would be biased.
    centre = math.fsum(sums) / len(sums)
    units = _Units(
        estimate=mean,
        residuals=[total - centre for total in sums],
        weights=[float(length)] * len(sums),
        take=take,
        block=length,
    )
    return _bootstrap(units, seed=seed, draws=draws, level=level)


def cluster_bootstrap(
    totals: Sequence[float],
    *,
    seed: str,
    weights: Sequence[float] | None = None,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Bootstrapped | NoInterval:
    """Return the mean over events with intervals, from resamples of whole events.

    Args:
        totals: the sum over each event.
        seed: names the stream of chance.
        weights: trades or contracts of each event, for a mean per trade or contract
            (``sum(totals) / sum(weights)``); one each if left out: a mean per event.
        draws: number of resamples.
        level: of the intervals, two-sided.

    Raises:
        ValueError: for weights that are not positive or not one per event, or a level or number
            of draws that makes no sense.

    """
    heavy = [1.0] * len(totals) if weights is None else list(weights)
    if len(heavy) != len(totals) or any(weight <= 0 for weight in heavy):
        msg = "every event needs one positive weight"
        raise ValueError(msg)
    if len(totals) < UNITS_MIN:
        return NoInterval(lack=Lack.UNITS, have=len(totals), need=UNITS_MIN)
    ratio = math.fsum(totals) / math.fsum(heavy)
    units = _Units(
        estimate=ratio,
        residuals=[total - ratio * weight for total, weight in zip(totals, heavy, strict=True)],
        weights=heavy,
        take=len(totals),
        block=1,
    )
    return _bootstrap(units, seed=seed, draws=draws, level=level)


def _bootstrap(units: _Units, *, seed: str, draws: int, level: float) -> Bootstrapped | NoInterval:
    if not 0.0 < level < 1.0 or not 1 <= draws <= _DRAWS_MAX:
        msg = f"an interval of level {level} from {draws} draws"
        raise ValueError(msg)
    rank = math.floor((draws + 1) * (1.0 - level) / 2 + 1e-9)
    if rank < 1:
        return NoInterval(lack=Lack.DRAWS, have=draws, need=math.ceil(2 / (1.0 - level)))
    error = _sample_error(units)
    if error == 0.0:
        return NoInterval(lack=Lack.SPREAD, have=0, need=1)
    shifts, scores = _resamples(units, seed=seed, draws=draws)
    observed = units.estimate / error
    # Before sorting nothing; after it both ends are read.
    at_least = sum(1 for score in scores if score >= observed)
    at_most = sum(1 for score in scores if score <= observed)
    shifts.sort()
    scores.sort()
    low, high = scores[-rank], scores[rank - 1]
    if math.isinf(low) or math.isinf(high):
        return NoInterval(lack=Lack.SPREAD, have=0, need=1)
    return Bootstrapped(
        estimate=on_grid(units.estimate),
        standard_error=on_grid(error),
        studentised=_bounds(units.estimate - low * error, units.estimate - high * error),
        percentile=_bounds(units.estimate + shifts[rank - 1], units.estimate + shifts[-rank]),
        p_greater=on_grid((at_least + 1) / (draws + 1)),
        p_less=on_grid((at_most + 1) / (draws + 1)),
        units=units.take,
        block=units.block,
        draws=draws,
        level=on_grid(level),
    )


def _sample_error(units: _Units) -> float:
    k, count = units.take, len(units.residuals)
    squares = math.fsum(e * e for e in units.residuals) * k / count
    scale = (abs(units.estimate) * math.fsum(units.weights) * k / count) ** 2
    if squares <= _NO_SPREAD * scale:
        return 0.0
    weight = math.fsum(units.weights) * k / count
    return math.sqrt(squares * k / (k - 1)) / weight


def _resamples(units: _Units, *, seed: str, draws: int) -> tuple[list[float], list[float]]:
    """Return of every resample how far its estimate is off, as such and in standard errors."""
    e, w = units.residuals, units.weights
    drawn = rows_of_indexes(seed, below=len(e), width=units.take, rows=draws)
    one, two = e.__getitem__, [value * value for value in e].__getitem__
    shifts, scores = [], []
    if min(w) == max(w):
        weight = w[0]
        for row in drawn:
            total = math.fsum(map(one, row))
            shifts.append(total / (weight * units.take))
            spread = math.fsum(map(two, row)) - total * total / units.take
            scores.append(_score(total, spread, units.take))
        return shifts, scores
    heavy, cross, heavy_two = (
        w.__getitem__,
        [a * b for a, b in zip(e, w, strict=True)].__getitem__,
        [value * value for value in w].__getitem__,
    )
    for row in drawn:
        total, weight = math.fsum(map(one, row)), math.fsum(map(heavy, row))
        shift = total / weight
        shifts.append(shift)
        spread = (
            math.fsum(map(two, row))
            - 2 * shift * math.fsum(map(cross, row))
            + shift * shift * math.fsum(map(heavy_two, row))
        )
        scores.append(_score(total, spread, units.take))
    return shifts, scores


def _score(total: float, spread: float, take: int) -> float:
    # The weights cancel: shift / error = total / sqrt(take / (take - 1) * spread).
    if spread <= 1e-12 * total * total:
        return 0.0 if total == 0.0 else math.copysign(math.inf, total)
    return total / math.sqrt(spread * take / (take - 1))


def _bounds(low: float, high: float) -> Bounds:
    return Bounds(on_grid(low), on_grid(high))
