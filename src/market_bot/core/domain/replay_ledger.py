"""What a lane's facts amount to, by event, by day and by trade: the numbers of a replay.

Money is never estimated: whatever a fact did to the cash belongs to the event of its market, so
that the parts always add up to the whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import LEGS, Leg
from market_bot.core.domain.numbers import NO_MONEY, NOTHING, ONE_DOLLAR, Micros, Money, Size
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.portfolio import Marks
from market_bot.core.domain.replay_result import NO_EVENT, Forecasts, Trade

# Kinds of facts that decide something.
DECIDING: Final = (
    ev.SignalRaised.TYPE,
    ev.Denied.TYPE,
    ev.OrderIntent.TYPE,
    ev.Exit.TYPE,
)


@attrs.define(eq=False)
class _OpenTrade:
    """A trade that is going on; ``held`` and ``basis`` are what is left of it."""

    opened: ev.Fill
    opened_at: Micros
    size: Size = NOTHING
    cost: Money = NO_MONEY
    proceeds: Money = NO_MONEY
    fees: Money = NO_MONEY
    held: Size = NOTHING
    basis: Money = NO_MONEY
    closed_at: Micros | None = None

    def give(self, size: Size) -> Money:
        """Take contracts out of it and return what they had cost."""
        gone = min(size, self.held)
        basis = Money(self.basis * gone // self.held) if gone else NO_MONEY
        self.held, self.basis = Size(self.held - gone), Money(self.basis - basis)
        return basis

    def told(self, marks: Marks) -> Trade:
        """Return it as a value; what is still held counts as what is bid for it."""
        fill = self.opened
        bid = marks(fill.market, fill.leg) if self.held else None
        left = NO_MONEY if bid is None else Money(bid * self.held)
        return Trade(
            strategy=fill.strategy,
            market=fill.market,
            event=fill.event,
            family=fill.family,
            leg=fill.leg,
            opened_at=self.opened_at,
            closed_at=self.closed_at,
            size=self.size,
            cost=self.cost,
            proceeds=Money(self.proceeds + left),
            fees=self.fees,
        )


@attrs.define(eq=False)
class ReplayLedger:
    """Counts the facts of one lane on paper; give it every one of them, in order.

    A paper desk never undoes a fill, so trades are only ever closed, not opened again.

    Args:
        state: returns the lane's state after the latest fact.
        marks: returns what one contract of a leg fetches now.

    """

    state: Callable[[], LaneState]
    marks: Marks
    decisions: Counter[str] = attrs.field(factory=Counter, init=False)
    orders: Counter[Purpose] = attrs.field(factory=Counter, init=False)
    denials: Counter[str] = attrs.field(factory=Counter, init=False)
    fills: int = attrs.field(default=0, init=False)
    per_event: dict[str, Money] = attrs.field(factory=dict, init=False)
    per_day: dict[str, dict[str, Money]] = attrs.field(factory=dict, init=False)
    _day: str = attrs.field(default="", init=False)
    _cash: Money = attrs.field(default=NO_MONEY, init=False)
    _event_of: dict[str, str] = attrs.field(factory=dict, init=False)
    _flows: dict[str, Money] = attrs.field(factory=dict, init=False)
    _marked: dict[str, Money] = attrs.field(factory=dict, init=False)
    _trades: list[_OpenTrade] = attrs.field(factory=list, init=False)
    _open: dict[tuple[str, Leg], _OpenTrade] = attrs.field(factory=dict, init=False)
    _believed: dict[str, dict[str, tuple[Leg, int, int]]] = attrs.field(factory=dict, init=False)
    _forecasts: Forecasts = attrs.field(factory=Forecasts, init=False)
    _takers: dict[type[ev.Event], Callable[[Any, Micros], None]] = attrs.field(
        init=False, repr=False
    )

    def __attrs_post_init__(self) -> None:
        self._takers = {
            ev.BotStarted: self._start,
            ev.DayOpened: self._open_day,
            ev.SignalRaised: self._decide,
            ev.Denied: self._deny,
            ev.Exit: self._decide,
            ev.OrderIntent: self._intend,
            ev.Fill: self._fill,
            ev.MarketResolved: self._resolve,
            ev.Merged: self._merge,
            ev.Reward: self._reward,
        }

    def add(self, event: ev.Event, at: Micros) -> None:
        """Count one fact that was just folded."""
        take = self._takers.get(type(event))
        if take is not None:
            take(event, at)

    def close(self) -> None:
        """Bring days and events up to the present; more facts may follow."""
        marked: dict[str, Money] = {}
        for held in self.state().positions.values():
            bid = self.marks(held.market, held.leg)
            if bid is not None:
                name = self._event_of[held.market]
                marked[name] = Money(marked.get(name, NO_MONEY) + bid * held.size)
        day = self.per_day.setdefault(self._day, {})
        for name in dict.fromkeys((*self._flows, *self._marked, *marked)):
            before, after = self._marked.get(name, NO_MONEY), marked.get(name, NO_MONEY)
            change = Money(self._flows.get(name, NO_MONEY) + after - before)
            if change:
                day[name] = Money(day.get(name, NO_MONEY) + change)
                self.per_event[name] = Money(self.per_event.get(name, NO_MONEY) + change)
        if not day:
            del self.per_day[self._day]
        self._flows, self._marked = {}, marked

    def trades(self) -> tuple[Trade, ...]:
        """Return every trade so far, in the order in which they were opened."""
        return tuple(trade.told(self.marks) for trade in self._trades)

    def forecasts(self) -> Forecasts:
        """Return how the beliefs of entries scored so far."""
        return self._forecasts

    def _start(self, _event: ev.BotStarted, _: Micros) -> None:
        # What is put in is not earned.
        self._cash = self.state().cash

    def _open_day(self, event: ev.DayOpened, _: Micros) -> None:
        if self._day:
            self.close()
        self._day = event.date

    def _decide(self, event: ev.Event, _: Micros) -> None:
        self.decisions[event.TYPE] += 1

    def _deny(self, event: ev.Denied, _: Micros) -> None:
        if event.phase == "begin":
            self.decisions[event.TYPE] += 1
            self.denials.update(gate.name for gate in event.gates)

    def _intend(self, event: ev.OrderIntent, _: Micros) -> None:
        self.decisions[event.TYPE] += 1
        self.orders[event.purpose] += 1
        if event.purpose is Purpose.ENTRY and event.mid is not None:
            # Of several orders for one signal the first is scored: it is one belief.
            believed = self._believed.setdefault(event.market, {})
            believed.setdefault(event.signal, (event.leg, event.belief, event.mid))

    def _fill(self, event: ev.Fill, at: Micros) -> None:
        self.fills += 1
        self._earn(event.market, event.event)
        trade = self._open.get((event.market, event.leg))
        if event.purpose is Purpose.ENTRY:
            if trade is None:
                trade = self._open[event.market, event.leg] = _OpenTrade(event, at)
                self._trades.append(trade)
            trade.size = Size(trade.size + event.size)
            trade.held = Size(trade.held + event.size)
            trade.cost = Money(trade.cost + event.cost)
            trade.basis = Money(trade.basis + event.cost)
        elif trade is not None:
            trade.give(event.size)
            trade.proceeds = Money(trade.proceeds + event.cost)
        if trade is not None:
            trade.fees = Money(trade.fees + event.fee)
            self._end(trade, at)

    def _resolve(self, event: ev.MarketResolved, at: Micros) -> None:
        self._earn(event.market, event.event)
        self._score(event)
        for leg in LEGS:
            trade = self._open.get((event.market, leg))
            if trade is not None:
                paid = event.yes_payout if leg is Leg.YES else ONE_DOLLAR - event.yes_payout
                trade.proceeds = Money(trade.proceeds + paid * trade.held)
                trade.give(trade.held)
                self._end(trade, at)

    def _merge(self, event: ev.Merged, at: Micros) -> None:
        """Close pairs; both legs share what the pair gained, as in the fold."""
        self._earn(event.market, event.event)
        pair = [t for leg in LEGS if (t := self._open.get((event.market, leg))) is not None]
        parts = [trade.give(event.size) for trade in pair]
        gain = event.payout - sum(parts)
        shares = (gain // 2, gain - gain // 2)
        for trade, basis, share in zip(pair, parts, shares, strict=False):
            trade.proceeds = Money(trade.proceeds + basis + share)
            self._end(trade, at)

    def _reward(self, event: ev.Reward, _: Micros) -> None:
        market = event.market or ""
        self._earn(market, self._event_of.get(market, NO_EVENT))

    def _earn(self, market: str, event: str) -> None:
        """Note what the fact did to the cash under the first event its market was known in."""
        cash = self.state().cash
        change, self._cash = Money(cash - self._cash), cash
        name = self._event_of.setdefault(market, event) if market else event
        if change:
            self._flows[name] = Money(self._flows.get(name, NO_MONEY) + change)

    def _end(self, trade: _OpenTrade, at: Micros) -> None:
        if not trade.held:
            trade.closed_at = at
            del self._open[trade.opened.market, trade.opened.leg]

    def _score(self, event: ev.MarketResolved) -> None:
        believed = self._believed.pop(event.market, None)
        if not believed:
            return
        known, own, market = self._forecasts, 0, 0
        for leg, belief, mid in believed.values():
            paid = event.yes_payout if leg is Leg.YES else ONE_DOLLAR - event.yes_payout
            own += (belief - paid) ** 2
            market += (mid - paid) ** 2
        self._forecasts = Forecasts(
            entries=known.entries + len(believed),
            markets=known.markets + 1,
            own=known.own + own,
            market=known.market + market,
        )
