"""The options of ``run``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs

_SIMULATED_SPEED: Final = 1440.0


@attrs.frozen(kw_only=True)
class RunOptions:
    """The options of ``run`` as given; see the command line for their meaning."""

    home: Path
    venues: tuple[str, ...] = ()
    tapes: tuple[Path, ...] = ()
    host: str | None = None
    port: int | None = None
    web: bool = True
    ticks: int | None = None
    seed: int | None = None
    speed: float | None = None
    fresh: bool = False
    json: bool = False
    log_json: bool = False

    def pace(self) -> float | None:
        """Return how many times faster than its own clock; None is as fast as it goes."""
        if self.speed is None:
            return None if self.tapes or self.json else _SIMULATED_SPEED
        return self.speed or None
