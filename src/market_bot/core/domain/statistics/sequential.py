"""Watching a change as long as one likes without alarms by patience alone."""

from __future__ import annotations

import math
from typing import Final, Self

import attrs

from .grid import on_grid

_STAKES: Final = (0.3, 0.6, 0.9)
_TOLERANCE: Final = 0.1
_CLIP: Final = 3.0
ALARM: Final = 20.0


@attrs.frozen
class EProcess:
    """The wealth of a gambler who bets that events have become worse than the baseline.

    Each event is scored once: ``z`` in standard deviations of the baseline, made harmless by a
    tolerance of 0.1 and a clip at 3: ``x = clip(z + 0.1, -3, 3) / 3``. Three gamblers stake 0.3,
    0.6 and 0.9 on ``x < 0``; wealth is the mean of ``prod(1 - stake * x)``. If nothing became
    worse, wealth of 20 is ever reached with a chance of at most 1 in 20 (Ville, 1939), however
    often one looks. Waudby-Smith and Ramdas, "Estimating means of bounded random variables by
    betting", 2024; Shafer, "Testing by betting", 2021.

    Args:
        stakes: what each gambler has, from 1.
        events: how many were scored.

    """

    stakes: tuple[float, ...] = (1.0, 1.0, 1.0)
    events: int = 0

    def after(self, z: float) -> Self:
        """Return the process after one more event with this score.

        Raises:
            ValueError: if the score is not a number: a missing event is left out, not scored.

        """
        if math.isnan(z):
            msg = "an event without a score cannot be bet on"
            raise ValueError(msg)
        x = min(_CLIP, max(-_CLIP, z + _TOLERANCE)) / _CLIP
        stakes = tuple(
            had * (1.0 - stake * x) for had, stake in zip(self.stakes, _STAKES, strict=True)
        )
        return attrs.evolve(self, stakes=stakes, events=self.events + 1)

    @property
    def wealth(self) -> float:
        """Return the mean of what the gamblers have."""
        return on_grid(math.fsum(self.stakes) / len(self.stakes))

    @property
    def alarms(self) -> bool:
        """Return whether the wealth says that things became worse."""
        return self.wealth >= ALARM
