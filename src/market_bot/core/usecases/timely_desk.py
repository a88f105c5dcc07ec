"""A desk that sends nothing late, and tells what comes from outside once a tick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from market_bot.core.domain.numbers import NEVER, SECOND, Duration, Micros, Size
from market_bot.core.domain.portfolio import VenueCapabilities
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.execution import Execution, Fact, Outcome, Rejected

LATE: Final = Duration(5 * SECOND)
"""How long after its tick an entry may still leave: its prices are as old as the tick."""

_NOT_SENT: Final = "not_sent"


@attrs.define(eq=False)
class TimelyDesk(Execution):
    """Stands before a venue's desk; owned by the lane's thread.

    It is the last look before the wire that does not depend on the lane: a tick that hung, or a
    kill switch that was fired while it did, keeps the rest of its entries here. Exits go out.

    What happened meanwhile is told at a tick's first `collect`; later ones tell only what became
    of orders that were sent or cancelled within the tick. So decisions can be derived again from
    journal and tape.

    Args:
        inner: the venue's desk.
        now: the time on the wall.
        stopped: returns why nothing may be opened, whatever the lane knows; None if nothing is.
        late: how old a tick may be whose entries are sent.

    """

    inner: Execution
    now: Callable[[], Micros]
    stopped: Callable[[], str | None]
    late: Duration = LATE
    _tick: Micros = attrs.field(default=NEVER, init=False)
    _asked: set[str] = attrs.field(factory=set, init=False)
    _held: list[Fact] = attrs.field(factory=list, init=False)

    @property
    def abilities(self) -> VenueCapabilities:
        return self.inner.abilities

    def order_name(self, intent: Intent, at: Micros) -> str:
        return self.inner.order_name(intent, at)

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        if not intent.reduce_only:
            why = self._why_not(at)
            if why is not None:
                return Rejected(_NOT_SENT, why)
        self._asked.add(intent.id)
        return self.inner.submit(intent, at)

    def cancel(self, intent: str, at: Micros) -> None:
        self._asked.add(intent)
        self.inner.cancel(intent, at)

    def merge(self, merge: str, market: str, size: Size, at: Micros) -> None:
        self._asked.add(merge)
        self.inner.merge(merge, market, size, at)

    def collect(self, at: Micros) -> Sequence[Fact]:
        facts = self.inner.collect(at)
        if at != self._tick:
            # The first of this tick. What was merged before it belongs to it.
            self._tick = at
            self._asked.clear()
            told, self._held = [*self._held, *facts], []
            return told
        self._held += [fact for fact in facts if fact.intent not in self._asked]
        return [fact for fact in facts if fact.intent in self._asked]

    def conclude(self, at: Micros) -> Sequence[Fact]:
        told, self._held = [*self._held, *self.inner.conclude(at)], []
        return told

    def _why_not(self, at: Micros) -> str | None:
        stopped = self.stopped()
        if stopped is not None:
            return stopped
        age = self.now() - at
        return f"its tick is {age // SECOND} s old" if age > self.late else None
