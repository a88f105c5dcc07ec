"""Many tests at once: what is left of each p when all of them are counted."""

from __future__ import annotations

from collections.abc import Sequence

from .grid import on_grid


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Return adjusted p-values that keep the chance of *any* false alarm.

    Holm, "A simple sequentially rejective multiple test procedure", 1979: the i-th smallest of m
    times (m - i + 1), never less than a smaller one's. Valid whatever the dependence.
    """
    adjusted = [0.0] * len(ps)
    floor = 0.0
    for rank, index in enumerate(_ascending(ps)):
        floor = max(floor, min(1.0, ps[index] * (len(ps) - rank)))
        adjusted[index] = on_grid(floor)
    return tuple(adjusted)


def benjamini_hochberg(ps: Sequence[float]) -> tuple[float, ...]:
    """Return q-values that keep the expected *share* of false alarms.

    Benjamini and Hochberg, "Controlling the false discovery rate", 1995: the i-th smallest of m
    times m / i, never more than a larger one's.
    """
    adjusted = [0.0] * len(ps)
    ceiling = 1.0
    order = _ascending(ps)
    for rank in range(len(ps), 0, -1):
        index = order[rank - 1]
        ceiling = min(ceiling, ps[index] * len(ps) / rank)
        adjusted[index] = on_grid(ceiling)
    return tuple(adjusted)


def _ascending(ps: Sequence[float]) -> list[int]:
    if any(not 0.0 <= p <= 1.0 for p in ps):
        msg = "a p-value outside [0, 1]"
        raise ValueError(msg)
    return sorted(range(len(ps)), key=lambda index: (ps[index], index))
