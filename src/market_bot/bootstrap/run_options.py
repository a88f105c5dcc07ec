"""The options of ``run``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs

_SAMPLE_SPEED: Final = 450.0


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
    seed: int = 0
    speed: float | None = None
    fresh: bool = False
    json: bool = False

    @property
    def sample(self) -> bool:
        """Whether the sample market is traded because nothing else was asked for."""
        return not self.tapes

    def pace(self) -> float | None:
        """Return how many times faster than recorded; None is as fast as it goes."""
        if self.speed is None:
            return _SAMPLE_SPEED if self.sample and not self.json else None
        return self.speed or None
