"""How often we may ask: token buckets, with the cancels' own share set aside.

The venue counts tokens: reads from one bucket, everything that changes something from another
(documentation of rate limits, August 2026). We split the second one, so that no burst of orders
can keep a cancel waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain.numbers import Duration
from market_bot.core.ports.allowance import Allowance, Metered
from market_bot.core.ports.clock import Clock

from .errors import BudgetSpentError

_MICRO: Final = 1_000_000


class RateClass(Enum):
    """What a request spends."""

    READ = "read"
    WRITE = "write"
    CANCEL = "cancel"


@attrs.frozen
class RateLimit:
    """``refill`` tokens per second, never more than ``capacity`` at once."""

    refill: int = attrs.field()
    capacity: int = attrs.field()

    @refill.validator
    @capacity.validator
    def _positive(self, attribute: attrs.Attribute[int], value: int) -> None:
        if not 0 < value <= _MICRO:
            msg = f"{attribute.name} must be between 1 and {_MICRO} tokens, was {value}"
            raise ValueError(msg)


PUBLIC_READS: Final = RateLimit(refill=30, capacity=30)
"""Three requests of ten tokens per second: without a key one of forty was refused at four to five
per second (measured in September 2026; undocumented)."""

BASIC_READS: Final = RateLimit(refill=200, capacity=200)
BASIC_WRITES: Final = RateLimit(refill=100, capacity=100)
"""What every account has; its own limits are read at the start."""


class Bucket:
    """Tokens that come back with time; whole numbers throughout.

    Args:
        limit: how fast and how many.
        clock: for the time that has passed.

    """

    def __init__(self, limit: RateLimit, clock: Clock) -> None:
        self.limit = limit
        self._clock = clock
        self._held = limit.capacity * _MICRO  # a token is a million parts: one per µs and refill
        self._at = clock.elapsed()

    def wait_for(self, cost: int) -> Duration:
        """Return how long it takes until ``cost`` tokens are there; zero if they are.

        Raises:
            BudgetSpentError: if the bucket never holds as many.

        """
        if cost > self.limit.capacity:
            msg = f"a request of {cost} tokens never fits a budget of {self.limit.capacity}"
            raise BudgetSpentError(msg)
        self._fill()
        missing = cost * _MICRO - self._held
        return Duration(max(0, -(-missing // self.limit.refill)))

    def take(self, cost: int) -> bool:
        """Take ``cost`` tokens if they are there; tell whether they were."""
        if cost > self.limit.capacity or self.wait_for(cost):
            return False
        self._held -= cost * _MICRO
        return True

    def empty(self) -> None:
        """Take everything: the venue has just said that we ask too often."""
        self._fill()
        self._held = 0

    def left(self) -> int:
        """Return how many whole tokens are there; from any thread."""
        return self._grown(self._clock.elapsed()) // _MICRO

    def _fill(self) -> None:
        now = self._clock.elapsed()
        self._held = self._grown(now)
        self._at = now

    def _grown(self, now: Duration) -> int:
        grown = self._held + max(0, now - self._at) * self.limit.refill
        return min(self.limit.capacity * _MICRO, grown)


class Budgets(Metered):
    """The buckets of one client.

    Args:
        reads: what the venue allows for reading.
        writes: what it allows for everything else together.
        clock: for the time that has passed.
        cancel_percent: the share of ``writes`` that only cancels may spend.

    """

    def __init__(
        self,
        clock: Clock,
        *,
        reads: RateLimit = PUBLIC_READS,
        writes: RateLimit = BASIC_WRITES,
        cancel_percent: int = 20,
    ) -> None:
        if not 0 < cancel_percent < 100:  # noqa: PLR2004 - per cent
            msg = f"cancel_percent must be between 1 and 99, was {cancel_percent}"
            raise ValueError(msg)
        self._reads = Bucket(reads, clock)
        self._writes = Bucket(_share(writes, 100 - cancel_percent), clock)
        self._cancels = Bucket(_share(writes, cancel_percent), clock)

    def wait_for(self, kind: RateClass, cost: int) -> Duration:
        """Return how long until a request may go out; zero if now.

        Raises:
            BudgetSpentError: if it never may.

        """
        if kind is RateClass.CANCEL and cost <= self._cancels.limit.capacity:
            return min(self._cancels.wait_for(cost), self._writes.wait_for(cost))
        return (self._writes if kind is RateClass.CANCEL else self._bucket(kind)).wait_for(cost)

    def take(self, kind: RateClass, cost: int) -> bool:
        """Spend what a request costs; tell whether it may go out now."""
        if kind is RateClass.CANCEL:
            # Their own share is kept for later as long as there is other budget.
            return self._writes.take(cost) or self._cancels.take(cost)
        return self._bucket(kind).take(cost)

    def empty(self, kind: RateClass) -> None:
        """Hold requests of a kind back: the venue refused one as too many."""
        self._bucket(kind).empty()

    def allowances(self) -> Sequence[Allowance]:
        buckets = {"reads": self._reads, "writes": self._writes, "cancels": self._cancels}
        return tuple(
            Allowance(
                name=name,
                left=bucket.left(),
                most=bucket.limit.capacity,
                per_second=bucket.limit.refill,
            )
            for name, bucket in buckets.items()
        )

    def _bucket(self, kind: RateClass) -> Bucket:
        if kind is RateClass.READ:
            return self._reads
        return self._cancels if kind is RateClass.CANCEL else self._writes


def _share(limit: RateLimit, percent: int) -> RateLimit:
    return RateLimit(
        refill=max(1, limit.refill * percent // 100),
        capacity=max(1, limit.capacity * percent // 100),
    )
