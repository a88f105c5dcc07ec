"""The host's clock."""

from __future__ import annotations

import time

from market_bot.core.domain.numbers import Duration, Micros
from market_bot.core.ports.clock import Clock

_NANOS_PER_MICRO = 1_000


class SystemClock(Clock):
    """Tells the time of the machine it runs on."""

    def now(self) -> Micros:
        return Micros(time.time_ns() // _NANOS_PER_MICRO)

    def elapsed(self) -> Duration:
        return Duration(time.monotonic_ns() // _NANOS_PER_MICRO)
