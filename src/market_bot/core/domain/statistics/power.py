"""How much would have to be seen before an effect of this size could be proven."""

from __future__ import annotations

import math
from typing import Final

from .normal import normal_quantile

_DAYS_MAX: Final = 1_000_000


def days_needed(
    effect: float, sd: float, *, false_alarm: float = 0.05, power: float = 0.8
) -> int | None:
    """Return the days after which an effect of this size is found with the given power.

    One-sided: ``((z(1 - false_alarm) + z(power)) * sd / effect) ** 2``, rounded up (Lachin,
    "Introduction to sample size determination and power analysis", 1981). An effect of 0.5
    standard deviations of a day needs 25 days, of 0.3 needs 69, of 0.2 needs 155. None if there
    is no effect to find, no spread, or not even a million days would do.
    """
    if effect == 0.0 or sd <= 0.0:
        return None
    score = normal_quantile(1.0 - false_alarm) + normal_quantile(power)
    ratio = score * sd / abs(effect)
    # Compared before squaring: a tiny effect must not overflow.
    return None if ratio > math.sqrt(_DAYS_MAX) else max(1, math.ceil(ratio * ratio))
