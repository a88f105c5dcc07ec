"""A whole clock that moves only when it is told to, and a way to wait with it."""

from __future__ import annotations

from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.clock import Clock
from tests.fakes.fake_polymarket_records import NOW


class SteppingClock(Clock):
    """Tells the time it was moved to; `waits` remembers every pause."""

    def __init__(self, now: Micros = NOW) -> None:
        self._now = now
        self._elapsed = Duration(7 * SECOND)
        self.waits: list[Duration] = []

    def now(self) -> Micros:
        return self._now

    def elapsed(self) -> Duration:
        return self._elapsed

    def advance(self, by: Duration = SECOND) -> Micros:
        """Move on and return the new moment."""
        self._now = Micros(self._now + by)
        self._elapsed = Duration(self._elapsed + by)
        return self._now

    def wait(self, by: Duration) -> None:
        """Let a pause pass at once."""
        self.waits.append(by)
        self.advance(by)
