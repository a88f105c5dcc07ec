"""Means that one outlier cannot carry, and whether one event carries an effect."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from .grid import on_grid

# Dollars and cents are not exact as floats: gains and losses that cancel leave a trace.
_ROUNDING: Final = 1e-12


@attrs.frozen(kw_only=True)
class LeaveOneOut:
    """What is left of an effect when its events are taken away one at a time.

    Args:
        total: the whole effect.
        keeps_sign: whether every remainder has the sign of the whole.
        weakest: the remainder nearest to (or furthest beyond) zero.
        largest: the event with most of the effect, in the direction of the whole; by name if tied.
        largest_share: its share of the whole; above 1 if the others point the other way.

    """

    total: float
    keeps_sign: bool
    weakest: float
    largest: str
    largest_share: float


def leave_one_out(effects: Mapping[str, float]) -> LeaveOneOut | None:
    """Return how an effect depends on single events; None with fewer than two, or with no effect.

    Quenouille's deletion, 1949, with the whole event as the unit.
    """
    total = math.fsum(effects.values())
    slack = _ROUNDING * math.fsum(map(abs, effects.values()))
    if len(effects) < 2 or abs(total) <= slack:  # noqa: PLR2004 - one has nothing beside it
        return None
    sign = math.copysign(1.0, total)
    largest = max(sorted(effects), key=lambda event: sign * effects[event])
    weakest = math.fsum([*effects.values(), -effects[largest]])
    return LeaveOneOut(
        total=on_grid(total),
        keeps_sign=sign * weakest > slack,
        weakest=on_grid(weakest),
        largest=largest,
        largest_share=on_grid(sign * effects[largest] / abs(total)),
    )


def quantile(ordered: Sequence[float], p: float) -> float:
    """Return the p-quantile of ordered values, interpolated (Hyndman and Fan, 1996, type 7).

    Raises:
        ValueError: without values, or for a p outside [0, 1].

    """
    if not ordered or not 0.0 <= p <= 1.0:
        msg = f"no {p} quantile of {len(ordered)} values"
        raise ValueError(msg)
    place = p * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return on_grid(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def winsorised(values: Sequence[float], share: float = 0.01) -> tuple[float, float] | None:
    """Return mean and standard deviation with the outer ``share`` on each side pulled in.

    Values beyond the ``share`` and ``1 - share`` quantiles count as those quantiles (Dixon, 1960;
    Tukey, "The future of data analysis", 1962). None with fewer than two values.

    Raises:
        ValueError: unless 0 <= share < 0.5.

    """
    if not 0.0 <= share < 0.5:  # noqa: PLR2004 - half on each side leaves nothing
        msg = f"cannot pull in {share} on each side"
        raise ValueError(msg)
    if len(values) < 2:  # noqa: PLR2004 - one value has no spread
        return None
    ordered = sorted(values)
    low, high = quantile(ordered, share), quantile(ordered, 1.0 - share)
    pulled = [min(high, max(low, value)) for value in ordered]
    mean = math.fsum(pulled) / len(pulled)
    variance = math.fsum((value - mean) ** 2 for value in pulled) / (len(pulled) - 1)
    return on_grid(mean), on_grid(math.sqrt(variance))
