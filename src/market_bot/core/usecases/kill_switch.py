"""The kill switch: everything cancelled at the venue, whatever the lane is doing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from market_bot.core.domain.numbers import HOUR, SECOND, Duration, Micros
from market_bot.core.ports.actor import Actor

CancelAll = Callable[[Micros], bool]
"""Cancels all orders of an account; tells whether the venue has taken it. It never raises."""

_AGAIN: Final = Duration(SECOND)
_AGAIN_MAX: Final = Duration(30 * SECOND)
_TRIES: Final = 20


@attrs.define(eq=False)
class KillSwitch(Actor):
    """Cancels all orders of one venue when it is fired, again and again until that is taken.

    It has a thread and a client of its own, and knows nothing of the lane: the lane may hang.
    `stopped` is looked at by the desk right before an order leaves.

    Args:
        venue: whose orders.
        cancel_all: cancels; owned by this actor's thread.
        tell: takes a line for people.

    """

    venue: str
    cancel_all: CancelAll
    tell: Callable[[str], None]
    _why: str | None = attrs.field(default=None, init=False)
    _fired: bool = attrs.field(default=False, init=False)
    _tries: int = attrs.field(default=0, init=False)
    _due: Micros | None = attrs.field(default=None, init=False)

    @property
    def name(self) -> str:
        """What to call it."""
        return f"{self.venue}/kill"

    def fire(self, why: str) -> None:
        """Cancel everything from now on; from any thread, whose own part is done at once.

        Whoever owns the actor's thread has to wake it.
        """
        self._why = why
        self._fired = True

    def release(self) -> None:
        """Let entries out again; from any thread."""
        self._why = None

    def stopped(self) -> str | None:
        """Return why nothing may be opened, None if something may; from any thread."""
        return self._why

    def step(self, now: Micros) -> Micros | None:
        """Cancel if it was fired, and again if that was not taken; see `Actor.step`."""
        if self._fired:
            # Cleared first: one that is fired again meanwhile cancels again.
            self._fired = False
            self._tries, self._due = 0, now
        if self._due is None:
            return Micros(now + HOUR)
        if now < self._due <= now + _AGAIN_MAX:
            return self._due
        return self._try(now)

    def stop(self, now: Micros, reason: str) -> None:
        """Nothing has to be closed."""

    def _try(self, now: Micros) -> Micros:
        self._tries += 1
        if self.cancel_all(now):
            self.tell(f"{self.venue}: all orders are cancelled at the venue")
            self._due = None
            return Micros(now + HOUR)
        if self._tries >= _TRIES:
            self.tell(f"{self.venue}: the venue did not take the cancel of all orders: do it there")
            self._due = None
            return Micros(now + HOUR)
        self.tell(f"{self.venue}: cancelling all orders is not proven yet, trying again")
        self._due = Micros(now + min(_AGAIN << (self._tries - 1), _AGAIN_MAX))
        return self._due
