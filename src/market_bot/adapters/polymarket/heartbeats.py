"""A dead man's switch at the venue, for those who want it: signs of life, or all orders go.

The first one that the venue takes arms it for everything of the API key, and **nothing disarms it
again**: from then on, ten seconds without a sign of life cancel all orders of the key, those of
other programs included. So it is off unless the settings ask for it, and while signs of life are
not taken nothing is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import msgspec

from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.actor import Actor

from .problems import Kind, PolymarketError, VenueProblem
from .rest import PolymarketRest
from .wire import UnreadableRecord, read

EVERY: Final = Duration(5 * SECOND)
_SILENT: Final = Duration(8 * SECOND)
"""Two seconds before the venue cancels, nothing is opened any more."""

_AGAIN: Final = Duration(SECOND)


class _Reply(msgspec.Struct):
    heartbeat_id: str


_reply: Final = msgspec.json.Decoder(_Reply)


@attrs.define(eq=False)
class Heartbeats(Actor):
    """Sends signs of life in a thread of its own; `refuses` may be asked from any thread.

    Args:
        rest: a signed client of its own.
        complain: takes one line for people.
        every: how far apart they are.

    """

    rest: PolymarketRest
    complain: Callable[[str], None]
    every: Duration = attrs.field(default=EVERY, kw_only=True)
    _last: str = attrs.field(default="", init=False)
    _taken: Micros | None = attrs.field(default=None, init=False)
    _due: Micros | None = attrs.field(default=None, init=False)
    _trouble: str = attrs.field(default="", init=False)

    @property
    def name(self) -> str:
        """What to call it."""
        return "polymarket/heartbeats"

    def step(self, now: Micros) -> Micros | None:
        """Send one if it is due; see `Actor.step`."""
        due = self._due
        if due is not None and now < due <= now + self.every:
            return due
        if self._beat(now) or self._beat(now):
            # The second time with the name the venue expects.
            self._due = Micros(now + self.every)
        else:
            self._due = Micros(now + _AGAIN)
        return self._due

    def stop(self, now: Micros, reason: str) -> None:
        """Send nothing more: the venue cancels what is left, which is what it is for."""

    def refuses(self, at: Micros) -> str | None:
        """Return why nothing may be opened, None if the last sign of life is fresh."""
        taken = self._taken
        if taken is not None and 0 <= at - taken <= _SILENT:
            return None
        return "the venue has had no sign of life of us, so it may cancel everything"

    def _beat(self, now: Micros) -> bool:
        try:
            self._last = read(_reply, self.rest.heartbeat(self._last), "a heartbeat").heartbeat_id
        except VenueProblem as e:
            if e.kind is Kind.HEARTBEAT:
                self._last = e.expected_heartbeat
            return self._failed(e)
        except (PolymarketError, UnreadableRecord) as e:
            return self._failed(e)
        self._taken, self._trouble = now, ""
        return True

    def _failed(self, error: Exception) -> bool:
        if str(error) != self._trouble:
            self._trouble = str(error)
            self.complain(f"heartbeats: {error}")
        return False
