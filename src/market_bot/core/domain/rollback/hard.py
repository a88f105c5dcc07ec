"""Alarms that need no statistics: something broke that must not break, so the change goes back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros

from .constants import DENIALS, DOUBT_MAX, FACTS_MAX

INVARIANT: Final = "invariant"
DOUBT: Final = "order_in_doubt"
MISMATCH: Final = "reconciliation"
STALL: Final = "loop_stall"
DENIED: Final = "risk_denials"

_STALLED: Final = "stalled"
_BEGIN: Final = "begin"
# Gates that speak of the lane, the account or the venue's data: no setting leads there.
_NOT_OF_A_CHANGE: Final = frozenset(
    {
        "armed",
        "halted",
        "max_book_age_seconds",
        "max_book_distance",
        "max_price_distance",
        "reconciled",
    }
)


def limits_met(event: ev.Event) -> frozenset[str]:
    """Return the hard limits that began to refuse something."""
    if not isinstance(event, ev.Denied) or event.phase != _BEGIN:
        return frozenset()
    names = {gate.name for gate in event.gates if gate.hard}
    return frozenset(names - _NOT_OF_A_CHANGE)


@attrs.define(eq=False)
class HardAlarms:
    """Collects what reverts at once, with the moment at which it was certain.

    Args:
        usual: hard limits that refused something before the change as well.

    """

    usual: frozenset[str] = frozenset()
    _facts: list[tuple[Micros, str]] = attrs.field(factory=list, init=False)
    _orders: set[str] = attrs.field(factory=set, init=False)
    _doubts: dict[str, Micros] = attrs.field(factory=dict, init=False)
    _told: dict[str, Micros] = attrs.field(factory=dict, init=False)
    _denials: list[Micros] = attrs.field(factory=list, init=False)

    def hear(self, event: ev.Event, at: Micros) -> None:
        """Take the next line."""
        match event:
            case ev.Error(where=where) if where.partition(":")[0] == INVARIANT:
                self._fact(at, INVARIANT)
            case ev.VenueState(state=state) if state == _STALLED:
                self._fact(at, STALL)
            case ev.Reconciled(complete=True, stops=stops) if stops:
                self._fact(at, MISMATCH)
            case ev.OrderIntent(intent=intent):
                if len(self._orders) < FACTS_MAX:
                    self._orders.add(intent)
            case ev.OrderUnknown(intent=intent):
                self._doubted(intent, at)
            case (
                ev.OrderAccepted(intent=intent)
                | ev.OrderRejected(intent=intent)
                | ev.OrderCancelled(intent=intent)
                | ev.Fill(intent=intent)
            ):
                self._cleared(intent, at)
            case ev.Denied():
                self._refused(event, at)
            case _:
                pass

    def found(self, cut: Micros) -> tuple[tuple[Micros, str], ...]:
        """Return the alarms that were certain before ``cut``, oldest first."""
        doubted = [(Micros(since + DOUBT_MAX), DOUBT) for since in self._doubts.values()]
        denied = [(at, DENIED) for at in sorted(self._denials)[DENIALS - 1 : DENIALS]]
        return tuple(sorted(_before(cut, [*self._facts, *doubted, *denied])))

    def _fact(self, at: Micros, code: str) -> None:
        if len(self._facts) < FACTS_MAX:
            self._facts.append((at, code))

    def _doubted(self, intent: str, at: Micros) -> None:
        # An answer of the same moment clears it, whichever was written first.
        if intent in self._orders and self._told.get(intent) != at:
            self._doubts.setdefault(intent, at)

    def _cleared(self, intent: str, at: Micros) -> None:
        if intent not in self._orders:
            return
        self._told[intent] = at
        since = self._doubts.pop(intent, None)
        if since is not None and at - since > DOUBT_MAX:
            self._fact(Micros(since + DOUBT_MAX), DOUBT)

    def _refused(self, event: ev.Denied, at: Micros) -> None:
        if limits_met(event) - self.usual and len(self._denials) < FACTS_MAX:
            self._denials.append(at)


def _before(cut: Micros, facts: Iterable[tuple[Micros, str]]) -> list[tuple[Micros, str]]:
    return [fact for fact in facts if fact[0] < cut]
