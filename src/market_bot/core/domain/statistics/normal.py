"""The normal distribution, and what the best of many tries shows by luck alone."""

from __future__ import annotations

import math
from typing import Final

from .grid import on_grid

_EULER: Final = 0.5772156649015329
_WIDEST: Final = 40.0
_HALVINGS: Final = 80


def normal_cdf(z: float) -> float:
    """Return P(Z <= z) for a standard normal Z; exact in the far tails too."""
    return on_grid(0.5 * math.erfc(-z / math.sqrt(2.0)))


def normal_quantile(p: float) -> float:
    """Return the z with P(Z <= z) = p, found by halving an interval 80 times.

    Raises:
        ValueError: unless 0 < p < 1.

    """
    if not 0.0 < p < 1.0:
        msg = f"no normal quantile of {p!r}"
        raise ValueError(msg)
    if p > 0.5:  # noqa: PLR2004 - the median: above it the tail would lose digits
        return -normal_quantile(1.0 - p)
    low, high = -_WIDEST, 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if 0.5 * math.erfc(-middle / math.sqrt(2.0)) < p:
            low = middle
        else:
            high = middle
    return on_grid((low + high) / 2)


def expected_maximum(tried: int) -> float:
    """Return the expected largest of ``tried`` independent standard normal scores.

    That is the z of the best of K variants without any skill: 1.19 for 5, 1.90 for 20, 2.53 for
    100. Bailey and López de Prado, "The deflated Sharpe ratio", 2014, equation 6 (an approximation
    good to 3 %); 0 for a single try.

    Raises:
        ValueError: if nothing was tried.

    """
    if tried < 1:
        msg = f"no best of {tried} tries"
        raise ValueError(msg)
    if tried == 1:
        return 0.0
    first = normal_quantile(1.0 - 1.0 / tried)
    second = normal_quantile(1.0 - 1.0 / (tried * math.e))
    return on_grid((1.0 - _EULER) * first + _EULER * second)
