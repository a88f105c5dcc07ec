"""Log-odds, volatility and the normal distribution: the arithmetic that models share.

Floats live here and in the models only; whatever leaves them is quantised first. A *path* is a
step function: moments in ascending order, each with the value that was in force from then on.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

import attrs

from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Price,
    Probability,
    as_float,
    quantise,
)
from market_bot.core.domain.world import Mid

Path = Sequence[tuple[Micros, float]]

_FAR: Final = 700.0  # exp() of more overflows.
_REMEMBERED: Final = 16_384  # A market shows the same few prices again and again.


@lru_cache(maxsize=_REMEMBERED)
def log_odds(at: Price) -> float:
    """Return ln(p / (1 - p)) of a price strictly between zero and one dollar.

    Raises:
        ValueError: at or beyond the borders, where there are no odds.

    """
    if not 0 < at < ONE_DOLLAR:
        msg = f"no odds at price {at}: it is not inside (0, 1) dollar"
        raise ValueError(msg)
    return math.log(as_float(at)) - math.log(as_float(Price(ONE_DOLLAR - at)))


def from_log_odds(odds: float) -> Probability:
    """Return the probability of log-odds, on the 1e-6 grid."""
    return quantise(1.0 / (1.0 + math.exp(min(_FAR, -odds))))


def normal_cdf(x: float) -> float:
    """Return Φ(x), the chance that a standard normal variable is at most ``x``."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def mid_path(mids: Iterable[Mid], now: Micros, middle: Price) -> Path:
    """Return the log-odds of midpoints, the present one last; such without odds are left out."""
    path = [(mid.at, log_odds(mid.price)) for mid in mids if 0 < mid.price < ONE_DOLLAR]
    while path and path[-1][0] >= now:
        path.pop()
    path.append((now, log_odds(middle)))
    return path


def known_since(path: Path, moment: Micros) -> bool:
    """Tell whether a path says what its value was at a moment and ever since."""
    return bool(path) and path[0][0] <= moment


def between(path: Path, since: Micros, until: Micros) -> Path:
    """Return the part of a path from ``since`` to ``until``, the value in force at first included.

    The result begins later than ``since`` if the path does, and is empty if nothing is known.
    """
    first = bisect_right(path, since, key=_moment)
    last = bisect_right(path, until, key=_moment)
    if first == 0:
        return list(path[:last])
    return [(since, path[first - 1][1]), *path[first:last]]


def value_at(path: Path, moment: Micros) -> float | None:
    """Return the value in force at a moment, or None before the first."""
    index = bisect_right(path, moment, key=_moment)
    return path[index - 1][1] if index else None


def mean_between(path: Path, since: Micros, until: Micros) -> float | None:
    """Return the time-weighted mean of a path, or None unless all of the span is known."""
    if since >= until or not known_since(path, since):
        return None
    part = between(path, since, until)
    ends = [at for at, _ in part[1:]] + [until]
    area = sum(value * (end - at) for (at, value), end in zip(part, ends, strict=True))
    return area / (until - since)


def swing(path: Path, since: Micros, until: Micros) -> float:
    """Return the highest minus the lowest value in force in a span; 0 if nothing is known."""
    values = [value for _, value in between(path, since, until)]
    return max(values) - min(values) if values else 0.0


@attrs.frozen(kw_only=True)
class Volatility:
    """How much a path moves.

    Args:
        per_root_second: standard deviation of the change over one second.
        samples: how many moments of the sampling grid it rests on.

    """

    per_root_second: float
    samples: int


def volatility(
    path: Path, since: Micros, until: Micros, step: Duration = SECOND
) -> Volatility | None:
    """Return the realised volatility of a path: the root of summed squared changes per second.

    The path is sampled at most once per ``step`` (the last value of each), so that a flicker within
    a step does not count; time in which nothing changed does. The mean change is taken as zero, as
    is usual over short spans (Andersen, Bollerslev, Diebold and Labys 2003).

    Returns:
        None if no time has passed between the first known moment and ``until``.

    """
    part = between(path, since, until)
    if not part or part[0][0] >= until:
        return None
    cells = {(at - part[0][0]) // step: value for at, value in part}
    values = list(cells.values())
    moved = sum((b - a) ** 2 for a, b in pairwise(values))
    seconds = (until - part[0][0]) / SECOND
    return Volatility(per_root_second=math.sqrt(moved / seconds), samples=len(values))


def _moment(point: tuple[Micros, float]) -> Micros:
    return point[0]
