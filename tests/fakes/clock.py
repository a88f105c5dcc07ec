"""A clock that moves only when it is told to."""

from __future__ import annotations

from market_bot.core.domain.numbers import SECOND, Duration, Micros, parse_time

NOON = parse_time("2026-01-05T12:00:00Z")


def after(seconds: int) -> Micros:
    """Return the moment so many seconds after an ordinary Monday noon."""
    return Micros(NOON + seconds * SECOND)


class ManualClock:
    """Tells the time it was set to."""

    def __init__(self, now: Micros = NOON) -> None:
        self.now = now

    def __call__(self) -> Micros:
        """Return the present moment."""
        return self.now

    def advance(self, by: Duration = SECOND) -> Micros:
        """Move on and return the new moment."""
        self.now = Micros(self.now + by)
        return self.now
