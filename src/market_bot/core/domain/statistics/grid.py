"""The grid on which results lie, so that two machines agree on every digit they show."""

from __future__ import annotations

import math
from typing import Final

_DIGITS: Final = 9


def on_grid(value: float) -> float:
    """Return ``value`` rounded to nine significant digits; infinities pass.

    libm differs between machines in the last of sixteen digits; after this nothing can tell.

    Raises:
        ValueError: for NaN, which is no result.

    """
    if math.isnan(value):
        msg = "a statistic came out as NaN"
        raise ValueError(msg)
    return float(f"{value:.{_DIGITS}g}") + 0.0
