"""Our own limits of requests, kept well inside the venue's, one bucket per class.

Reads, writes and cancels do not share a bucket: whoever asks too much for books can still cancel.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain.numbers import SECOND, Duration
from market_bot.core.ports.allowance import Allowance
from market_bot.core.ports.clock import Clock

_SCALE: Final = SECOND
_RESET_MAX_S: Final = 60
_DIGITS: Final = 12


class Budget(Enum):
    """Classes of requests that are counted apart."""

    READS = "reads"
    REFRESHES = "refreshes"
    WRITES = "writes"
    CANCELS = "cancels"

    # Part of many keys; the members are alone in their value.
    __hash__ = object.__hash__


@attrs.frozen
class Rate:
    """How many requests there may be: per second in the long run, and at once."""

    per_second: int = attrs.field(validator=attrs.validators.ge(1))
    burst: int = attrs.field(validator=attrs.validators.ge(1))


# Half of what the venue lets the lowest tier do with orders (40/s and 80/s per signer, 2026-08);
# for reads a tenth of the limit of its book endpoints (1,500 in ten seconds per address).
RATES: Final = {
    Budget.READS: Rate(15, 30),
    # Of fifty in ten seconds: looks at the chain.
    Budget.REFRESHES: Rate(3, 20),
    Budget.WRITES: Rate(20, 30),
    Budget.CANCELS: Rate(40, 60),
}


def share(
    rates: Mapping[Budget, Rate], parts: Mapping[Budget, tuple[int, int]]
) -> dict[Budget, Rate]:
    """Return a part of some limits, for one of several clients of the same signer.

    Args:
        rates: of the signer.
        parts: numerator and denominator per class; whole where none is given.

    """
    found = dict(rates)
    for budget, (part, whole) in parts.items():
        rate = rates[budget]
        found[budget] = Rate(
            max(1, rate.per_second * part // whole), max(1, rate.burst * part // whole)
        )
    return found


class TokenBucket:
    """Tokens that come back with time; in whole numbers, so that nothing drifts."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        # Millionths of a token, as time is in millionths of a second.
        self._level = rate.burst * _SCALE
        self._at = clock.elapsed()
        self._blocked_until = self._at

    def wait_for(self, tokens: int = 1) -> Duration:
        """Return how long to wait until so many tokens can be taken; zero: now."""
        self._refill()
        missing = tokens * _SCALE - self._level
        filling = -(-missing // self._rate.per_second) if missing > 0 else 0
        return Duration(max(filling, self._blocked_until - self._at, 0))

    def take(self, tokens: int = 1) -> None:
        """Take tokens; the level may go below zero, which later requests wait out."""
        self._refill()
        self._level -= tokens * _SCALE

    def block(self, pause: Duration) -> None:
        """Let nothing through for a while: the venue asked for it."""
        self._refill()
        self._blocked_until = max(self._blocked_until, Duration(self._at + pause))

    def allowance(self, name: str) -> Allowance:
        """Return what is left, under a name; from any thread."""
        now = self._clock.elapsed()
        left = 0 if now < self._blocked_until else max(0, self._risen(now)) // _SCALE
        rate = self._rate
        return Allowance(name=name, left=left, most=rate.burst, per_second=rate.per_second)

    def _refill(self) -> None:
        now = self._clock.elapsed()
        self._level = self._risen(now)
        self._at = now

    def _risen(self, now: Duration) -> int:
        gained = max(0, now - self._at) * self._rate.per_second
        return min(self._rate.burst * _SCALE, self._level + gained)


def exhausted(headers: Mapping[str, str]) -> Duration | None:
    """Return how long the venue says that nothing more goes through; None if something does.

    It tells what is left of a signer's tokens, and in how many seconds they are back or at which
    second since 1970; a moment that is not near is waited for a second.
    """
    told = {name.lower(): value.strip() for name, value in headers.items()}
    if told.get("poly-ratelimit-remaining") != "0":
        return None
    reset = told.get("poly-ratelimit-reset", "")
    seconds = int(reset) if reset.isascii() and reset.isdigit() and len(reset) < _DIGITS else 1
    return Duration((seconds if 0 < seconds <= _RESET_MAX_S else 1) * SECOND)
