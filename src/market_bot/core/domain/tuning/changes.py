"""Which changes of the settings files are under way, and which were made: a fold of the journal."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros

APPLIED: Final = "applied"
UNDONE: Final = "undone"
SUPERSEDED: Final = "superseded"

_ID_DIGITS: Final = 16
_KEPT: Final = 1_000


@attrs.frozen(kw_only=True)
class Made:
    """A change that came to its end."""

    at: Micros
    intended: ev.ChangeIntended
    ended: ev.ChangeEnded


@attrs.frozen(kw_only=True)
class ChangeLog:
    """Changes of one lane's settings file, the newest last.

    Args:
        pending: those whose end is not written down: after a crash, what has to be found out.
        made: those that ended; the oldest are let go of beyond a thousand.

    """

    pending: Mapping[str, ev.ChangeIntended] = attrs.field(factory=dict)
    made: tuple[Made, ...] = ()

    def hear(self, event: ev.Event, at: Micros) -> ChangeLog:
        """Return the log after the next line of the journal."""
        if isinstance(event, ev.ChangeIntended):
            return attrs.evolve(self, pending={**self.pending, event.change: event})
        if isinstance(event, ev.ChangeEnded) and event.change in self.pending:
            pending = dict(self.pending)
            made = Made(at=at, intended=pending.pop(event.change), ended=event)
            return ChangeLog(pending=pending, made=(*self.made[-_KEPT + 1 :], made))
        return self


def change_id(*parts: str) -> str:
    """Return the name of a change: the same for the same change of the same file."""
    text = "\x1f".join(parts)
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]
