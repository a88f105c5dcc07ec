"""An actor: a worker without a thread, a clock or a loop of its own."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from market_bot.core.domain.numbers import Micros


class Actor(Protocol):
    """Does one piece of work at a time; whoever owns it decides when.

    In production a thread calls `step`; in simulation one seeded scheduler steps all actors under
    a virtual clock. An actor never waits.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """What to call it in messages and thread lists."""

    @abstractmethod
    def step(self, now: Micros) -> Micros | None:
        """Do what is due at ``now``.

        Returns:
            When to be called next (``now`` or earlier means at once), or None when the work is
            done for good.

        """

    @abstractmethod
    def stop(self, now: Micros, reason: str) -> None:
        """Close in order; called once by the owner, after which `step` is not called again."""
