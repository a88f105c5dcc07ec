"""The count test: the new configuration trades about as often as was predicted, or it does not.

Beside a shadow of the old configuration on the same data both counts share the market's mood, and
only their ratio is judged. Without one the same hours of the last four weeks must do, which sees
far less.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from market_bot.core.domain.statistics import (
    NegativeBinomial,
    binomial_at_least,
    binomial_at_most,
    fit_negative_binomial,
    on_grid,
)

from .constants import COUNT_ALPHA, COUNT_BAND, LAST_LOOK, SHARES, SILENT_SHADOW

HOURS: int = 24


@attrs.frozen(kw_only=True)
class CountLook:
    """Entries of the new configuration and of its shadow (None: there is none), and what it says.

    ``high`` and ``low`` are the chances of as many, or as few, at the edge of what is tolerated.
    """

    live: int
    shadow: int | None
    high: float
    low: float
    alarm: str


def count_beside_shadow(live: int, shadow: int, ratio: float, minute: int) -> CountLook:
    """Return the test of two counts on the same data."""
    both = live + shadow
    high = binomial_at_least(live, both, _share(COUNT_BAND * ratio))
    low = binomial_at_most(live, both, _share(ratio / COUNT_BAND))
    # What should have been many and was none needs no formula.
    silent = live == 0 and shadow * min(1.0, ratio) >= SILENT_SHADOW
    return CountLook(
        live=live, shadow=shadow, high=high, low=low, alarm=_alarm(high, low, minute, silent=silent)
    )


def count_by_history(
    live: int, usual: NegativeBinomial | None, ratio: float, minute: int
) -> CountLook | None:
    """Return the weaker test against the same hours of other days; None if they are not known."""
    if usual is None or usual.mean <= 0.0:
        return None
    part = usual.mean * min(minute, LAST_LOOK) / LAST_LOOK
    many = NegativeBinomial(on_grid(part * ratio * COUNT_BAND), usual.shape)
    few = NegativeBinomial(on_grid(part * ratio / COUNT_BAND), usual.shape)
    high, low = many.at_least(live), few.at_most(live)
    return CountLook(
        live=live, shadow=None, high=high, low=low, alarm=_alarm(high, low, minute, silent=False)
    )


def usual_hours(counts: Sequence[Sequence[int]]) -> tuple[NegativeBinomial | None, ...]:
    """Return how many entries each hour of the day has, from its neighbours and itself.

    Args:
        counts: for each of the 24 hours the counts of all days on which it was covered.

    """
    return tuple(
        fit_negative_binomial(
            [count for near in (-1, 0, 1) for count in counts[(hour + near) % HOURS]]
        )
        for hour in range(HOURS)
    )


def _share(ratio: float) -> float:
    return ratio / (1.0 + ratio)


def _alarm(high: float, low: float, minute: int, *, silent: bool) -> str:
    allowed = COUNT_ALPHA * SHARES.get(minute, 0.0)
    if high < allowed:
        return "too_many"
    if silent or low < allowed:
        return "too_few"
    return ""


def check_ratio(ratio: float) -> None:
    """Refuse a predicted ratio that is none.

    Raises:
        ValueError: unless it is a positive number.

    """
    if not (math.isfinite(ratio) and ratio > 0.0):
        msg = f"a predicted ratio of trades is above zero, was {ratio!r}"
        raise ValueError(msg)
