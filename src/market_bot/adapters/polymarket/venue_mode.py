"""What the venue takes at the moment, as its refusals tell: a state that ends by trying again.

The venue restarts its engine every week, takes only resting orders for a while afterwards, and may
take no orders at all. No schedule is relied on: what was refused is not asked for again until the
time the venue named, or a few seconds; the next order then finds out.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain.numbers import NEVER, SECOND, Duration, Micros

from .problems import Kind, VenueProblem

_FOR: Final = Duration(10 * SECOND)
_LONGEST: Final = Duration(300 * SECOND)


class VenueMode(Enum):
    """What is taken; the value is the journal's word for it."""

    OPEN = "open"
    POST_ONLY = "post_only"
    CANCEL_ONLY = "cancel_only"
    CLOSED = "closed"

    # Part of many keys; the members are alone in their value.
    __hash__ = object.__hash__


_MODES: Final = {
    Kind.RESTARTING: VenueMode.CLOSED,
    Kind.HALTED: VenueMode.CLOSED,
    Kind.POST_ONLY: VenueMode.POST_ONLY,
    Kind.CANCEL_ONLY: VenueMode.CANCEL_ONLY,
}


def tell_nobody(_: VenueMode) -> None:
    """Keep a change of mode to ourselves."""


@attrs.define(eq=False)
class ModeWatch:
    """Remembers what the venue refused; owned by the desk's thread.

    Args:
        tell: told the new mode whenever it changes.

    """

    tell: Callable[[VenueMode], None] = tell_nobody
    mode: VenueMode = attrs.field(default=VenueMode.OPEN, init=False)
    _until: Micros = attrs.field(default=NEVER, init=False)

    def hear(self, error: Exception, at: Micros) -> None:
        """Take an error; those that say nothing about the venue's mode are passed over."""
        mode = _MODES.get(error.kind) if isinstance(error, VenueProblem) else None
        if mode is None or not isinstance(error, VenueProblem):
            return
        pause = min(error.retry_after or _FOR, _LONGEST)
        self._until = Micros(at + pause)
        self._set(mode)

    def taken(self, *, rests: bool) -> None:
        """Take that the venue took an order; one that only rests proves less."""
        if not rests or self.mode is not VenueMode.POST_ONLY:
            self._set(VenueMode.OPEN)

    def look(self, at: Micros) -> None:
        """Let the next order try again once the time is over."""
        if self.mode is not VenueMode.OPEN and (at >= self._until or at < self._until - _LONGEST):
            self._set(VenueMode.OPEN)

    def refuses(self, *, rests: bool) -> str | None:
        """Return why an order is not even tried, None if it is."""
        if self.mode is VenueMode.OPEN or (rests and self.mode is VenueMode.POST_ONLY):
            return None
        return f"the venue is {self.mode.value}"

    def _set(self, mode: VenueMode) -> None:
        if mode is not self.mode:
            self.mode = mode
            self.tell(mode)
