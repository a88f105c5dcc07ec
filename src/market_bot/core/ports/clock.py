"""Time, as an argument."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from market_bot.core.domain.numbers import Duration, Micros


class Clock(Protocol):
    """A source of time."""

    @abstractmethod
    def now(self) -> Micros:
        """Return microseconds since 1970 in UTC; may step when the host's clock is corrected."""

    @abstractmethod
    def elapsed(self) -> Duration:
        """Return microseconds since some fixed moment; never steps, stands still in a suspend."""
