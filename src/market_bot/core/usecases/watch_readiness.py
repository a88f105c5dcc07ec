"""Watch whether the venue takes real orders of ours at all: place, account, allowances.

What it says may change while the bot runs. Asking takes seconds and has its own thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.actor import Actor

EVERY: Final = Duration(60 * SECOND)
_STRIKES: Final = 2
_NOT_YET: Final = "what the venue has against it has not been asked yet"


@attrs.define(eq=False)
class WatchReadiness(Actor):
    """Asks again and again, and disarms a lane when something stands against its orders twice.

    Once may be an answer that was lost; meanwhile nothing can be armed anyway.

    Args:
        venue: for the name of the thread.
        ask: returns what stands against real orders, a line, or None if nothing does; never raises.
        tell: takes what the lane has to know, from any thread.
        every: how far apart the answers are.

    ``reason`` is the last answer; before the first one nothing is ready.

    """

    venue: str
    ask: Callable[[], str | None]
    tell: Callable[[ev.Event], None]
    every: Duration = EVERY
    reason: str | None = attrs.field(default=_NOT_YET, init=False)
    _strikes: int = attrs.field(default=0, init=False)

    @property
    def name(self) -> str:
        """What to call it."""
        return f"{self.venue}/readiness"

    def step(self, now: Micros) -> Micros | None:
        """Ask; see `Actor.step`."""
        self.reason = self.ask()
        self._strikes = 0 if self.reason is None else self._strikes + 1
        if self.reason is not None and self._strikes == _STRIKES:
            self.tell(ev.Disarmed(reason=self.reason))
        return Micros(now + self.every)

    def stop(self, now: Micros, reason: str) -> None:
        """Nothing has to be closed."""
