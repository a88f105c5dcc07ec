"""The tripwire: new trades lost more dollars than a quiet hour ever does.

Unlike the scores, dollars are not cut off: one trade of a wrong size is enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from market_bot.core.domain.numbers import Money

from .constants import LAST_LOOK

# Nothing finer is shown to anybody.
_MICRO_DOLLAR: Final = 1_000_000


def allowed_loss(budget: Money, usual: Money | None, ratio: float, minute: int) -> Money:
    """Return how much may be lost: the operator's budget, or what quiet windows show if less.

    Args:
        budget: what the operator allows a trial to lose.
        usual: what one quiet hour in two hundred loses; None if it is not known.
        ratio: how many times as many trades replay predicted.
        minute: covered minutes; a loss may grow with the root of the hours after the first.

    """
    if usual is None:
        return budget
    hours = max(1.0, minute / LAST_LOOK)
    grown = usual * math.sqrt(max(1.0, ratio) * hours)
    return Money(min(budget, math.ceil(grown / _MICRO_DOLLAR) * _MICRO_DOLLAR))


def trips(worths: Iterable[Money], allowed: Money) -> bool:
    """Tell whether new trades are down by more than is allowed."""
    return sum(worths) < -allowed
