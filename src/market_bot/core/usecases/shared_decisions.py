"""Ask a strategy once for all lanes that look at the same picture and have the same in it.

A strategy is pure: the same view, parameters and holdings give the same wishes. Lanes of one world
share their views, and in most events most of them hold nothing, or the same, so that all they could
differ in is their cash. Whether a strategy looked at that is noticed; then every lane asks for
itself.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

import attrs

from market_bot.core.domain.lane import Position
from market_bot.core.domain.numbers import NEVER, NO_MONEY, Micros, Money
from market_bot.core.domain.orders import Order
from market_bot.core.domain.settings import ActiveStrategy, LaneSettings
from market_bot.core.domain.signals import Wanted
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.domain.view import Holdings, View, Views

# One more than a lane takes of one event, so that it can see that there were too many.
_WISHES_MAX: Final = 10_001
# Lanes that hold so many different things are not worth comparing any more.
_ANSWERS_MAX: Final = 8


class Watched(Holdings):
    """Holdings that notice whether anybody asks how much cash there is."""

    __slots__ = ("_amount", "looked")
    looked: bool

    def __init__(self, holdings: Holdings, put: Any = object.__setattr__) -> None:  # noqa: ANN401 - bound at once: this is made at every look
        # The class it stands for is frozen, so that its attributes are set the long way.
        put(self, "positions", holdings.positions)
        put(self, "orders", holdings.orders)
        put(self, "_amount", holdings.cash)
        put(self, "looked", False)  # noqa: FBT003 - a value, not a way of doing it

    @property
    def cash(self) -> Money:
        """The lane's free cash; asking is noticed."""
        object.__setattr__(self, "looked", True)
        amount: Money = object.__getattribute__(self, "_amount")
        return amount


class _Answer(NamedTuple):  # a tuple is made in a third of the time
    """What a strategy made of one picture for whoever holds just this, whatever the cash."""

    view: View
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]
    wanted: Sequence[Wanted]


@attrs.define(eq=False)
class SharedDecision:
    """One strategy's decisions, shared by all lanes that give it the same parameters."""

    strategy: Strategy
    params: Any
    asked: int = attrs.field(default=0, init=False)
    _moment: Micros = attrs.field(default=NEVER, init=False)
    _known: dict[str, list[_Answer]] = attrs.field(factory=dict, init=False)
    _nothing: tuple[Money, Watched | None] = attrs.field(default=(NO_MONEY, None), init=False)

    def decide(self, view: View, params: Any, holdings: Holdings) -> Iterable[Wanted]:  # noqa: ANN401, ARG002 - the strategy's own class; the parameters are known
        """Return what the strategy wants, asking it only if nobody did before."""
        known = self._answers(view)
        for answer in known:
            if answer.positions == holdings.positions and answer.orders == holdings.orders:
                return answer.wanted
        return self._ask(view, Watched(holdings), known)[0]

    def wants(self, view: View, cash: Money) -> bool:
        """Tell whether a lane that holds nothing there has to ask.

        It has to where something is wanted, where its cash matters, and where the strategy fails.
        """
        known = self._answers(view)
        for answer in known:
            if not (answer.positions or answer.orders):
                return bool(answer.wanted)
        try:
            wanted, looked = self._ask(view, self._holding_nothing(cash), known)
        except Exception:  # noqa: BLE001 - every lane notes the fault for itself when it asks
            return True
        return looked or bool(wanted)

    def _answers(self, view: View) -> list[_Answer]:
        """Return what is known of a picture; of earlier ones nothing is kept."""
        if view.as_of != self._moment:
            self._moment = view.as_of
            self._known.clear()
        known = self._known.get(view.event)
        if known is None or (known and known[0].view is not view):
            known = self._known[view.event] = []
        return known

    def _holding_nothing(self, cash: Money) -> Watched:
        """Return the holdings of a lane that has nothing but cash; until that changes the same."""
        amount, watched = self._nothing
        if watched is None or watched.looked or amount != cash:
            watched = Watched(Holdings(positions=(), orders=(), cash=cash))
            self._nothing = (cash, watched)
        return watched

    def _ask(
        self, view: View, watched: Watched, known: list[_Answer]
    ) -> tuple[Sequence[Wanted], bool]:
        """Return what is wanted, and whether the cash was looked at."""
        self.asked += 1
        wanted = tuple(islice(self.strategy.decide(view, self.params, watched), _WISHES_MAX))
        if not watched.looked and len(known) < _ANSWERS_MAX:
            known.append(_Answer(view, watched.positions, watched.orders, wanted))
        return wanted, watched.looked


@attrs.define(eq=False)
class WantedEvents(Container[str]):
    """Where the strategies of some lanes want anything at a tick; found once for all of them.

    An event is in it if some strategy wants something there of a lane that holds nothing in it.
    """

    views: Views
    decisions: Sequence[SharedDecision]
    _tick: int = attrs.field(default=0, init=False)
    _now: Micros = attrs.field(default=NEVER, init=False)
    _cash: Money = attrs.field(default=NO_MONEY, init=False)
    _found: dict[str, bool] = attrs.field(factory=dict, init=False)

    def at(self, tick: int, now: Micros, cash: Money) -> WantedEvents:
        """Return the events wanted at a tick; each is looked at when somebody asks for it.

        Args:
            tick: number of the tick.
            now: the time of the tick.
            cash: somebody's cash; strategies that look at it want something everywhere.

        """
        if tick != self._tick:
            self._tick, self._now, self._cash = tick, now, cash
            self._found.clear()
        return self

    def __contains__(self, event: object) -> bool:
        """Tell whether something is wanted in an event."""
        name = str(event)
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._wanted(name)
        return found

    def _wanted(self, event: str) -> bool:
        if event not in self.views.world.events:
            return False
        view, cash = self.views.of(event, self._now), self._cash
        # All are asked although the first answer would do: the lanes ask all of them, too.
        return bool(view.markets) and any([d.wants(view, cash) for d in self.decisions])  # noqa: C419 - see above


@attrs.define(eq=False)
class SharedStrategies:
    """Every strategy with every set of parameters that some lane trades."""

    views: Views
    _shared: list[SharedDecision] = attrs.field(factory=list, init=False)
    _wanted: list[WantedEvents] = attrs.field(factory=list, init=False)

    def share(self, settings: LaneSettings) -> tuple[LaneSettings, WantedEvents]:
        """Return settings whose strategies are asked together with those of other lanes.

        With them comes what tells where these strategies want anything.
        """
        decisions = [self._decision(active) for active in settings.strategies]
        stand_ins = tuple(map(_stand_in, settings.strategies, decisions))
        wanted = next((w for w in self._wanted if w.decisions == decisions), None)
        if wanted is None:
            wanted = WantedEvents(self.views, decisions)
            self._wanted.append(wanted)
        return attrs.evolve(settings, strategies=stand_ins), wanted

    def _decision(self, active: ActiveStrategy) -> SharedDecision:
        decision = next((s for s in self._shared if _same(s, active)), None)
        if decision is None:
            decision = SharedDecision(active.strategy, active.params)
            self._shared.append(decision)
        return decision


def _stand_in(active: ActiveStrategy, decision: SharedDecision) -> ActiveStrategy:
    return attrs.evolve(active, strategy=attrs.evolve(active.strategy, decide=decision.decide))


def _same(shared: SharedDecision, active: ActiveStrategy) -> bool:
    return shared.strategy is active.strategy and bool(shared.params == active.params)
