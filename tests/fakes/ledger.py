"""An accountant who reads the journal and shares no code with the fold.

He keeps plain lists, knows nothing of states and ranks, and starts from the first line each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.orders import Purpose

Key = tuple[str, Leg]


@attrs.define
class _Trade:
    size: int
    cost: int
    fee: int
    basis: int
    provisional: bool
    undone: bool = False


@attrs.define
class _Order:
    intent: ev.OrderIntent
    over: bool = False
    refused: bool = False
    was_full: bool = False
    trades: dict[str, _Trade] = attrs.field(factory=dict)

    @property
    def filled(self) -> int:
        return sum(t.size for t in self.trades.values() if not t.undone)

    @property
    def working(self) -> int:
        ended = self.over or self.refused or self.was_full
        # What was traded and undone is traded: it does not work again.
        traded = sum(t.size for t in self.trades.values())
        return 0 if ended else max(0, self.intent.size - traded)


@attrs.define
class Ledger:
    """What the journal says, naively; all money in 1e-12 dollar."""

    moved: int = 0
    deposits: int = 0
    fees: int = 0
    positions: dict[Key, list[int]] = attrs.field(factory=dict)
    ended: dict[str, int] = attrs.field(factory=dict)
    paid: dict[Key, list[int]] = attrs.field(factory=dict)
    orders: dict[str, _Order] = attrs.field(factory=dict)
    merges: set[str] = attrs.field(factory=set)
    rewards: set[str] = attrs.field(factory=set)
    day_equity: int | None = None
    halted: bool = False

    @property
    def cash(self) -> int:
        """All money that moved, and what markets that ended pay for what is held of them."""
        return self.moved + sum(
            size * (self.ended[market] if leg is Leg.YES else 1_000_000 - self.ended[market])
            for (market, leg), (size, _cost) in self.paid.items()
        )

    def read(self, events: Iterable[ev.Event]) -> Ledger:
        """Take more facts."""
        for event in events:
            self._take(event)
        return self

    def worst_case(self, market: str | None = None) -> int:
        """Return the cost of what is held or may still be bought, everywhere or in one market."""
        total = 0
        for (name, _), (_size, cost) in self.positions.items():
            total += cost if market in (None, name) else 0
        for order in self.orders.values():
            if market not in (None, order.intent.market):
                continue
            if order.intent.purpose is Purpose.EXIT:
                total += sum(
                    t.basis for t in order.trades.values() if t.provisional and not t.undone
                )
            elif order.working:
                fee = Fraction(order.intent.fee_bound * order.working, order.intent.size)
                total += order.intent.price * order.working - int(-fee // 1)
        return total

    def working_exits(self, key: Key) -> int:
        """Return the size of all sales of a leg that may still fill."""
        return sum(
            order.working
            for order in self.orders.values()
            if order.intent.purpose is Purpose.EXIT
            and (order.intent.market, order.intent.leg) == key
        )

    def settled(self, key: Key) -> int:
        """Return what is held of a leg without the purchases that may still be undone."""
        held = self.positions.get(key, [0, 0])[0]
        doubtful = sum(
            t.size
            for order in self.orders.values()
            if order.intent.purpose is Purpose.ENTRY
            and (order.intent.market, order.intent.leg) == key
            for t in order.trades.values()
            if t.provisional and not t.undone
        )
        return max(0, held - doubtful)

    def _take(self, event: ev.Event) -> None:  # noqa: C901, PLR0912 - one naive case per fact
        match event:
            case ev.BotStarted() if not self.deposits:
                self.moved = self.deposits = event.cash
            case ev.DayOpened():
                self.day_equity = event.equity
            case ev.Halt():
                self.halted = True
            case ev.Resume():
                self.halted = False
            case ev.OrderIntent():
                assert event.intent not in self.orders, "an id was used twice"
                self.orders[event.intent] = _Order(event)
            case ev.OrderRejected():
                order = self.orders[event.intent]
                order.over = order.over or order.filled > 0
                order.refused = not order.over
            case ev.OrderCancelled():
                # The end of what never was says nothing about a ghost.
                order = self.orders[event.intent]
                order.over = order.over or not order.refused
            case ev.Fill():
                self._trade(event)
            case ev.FillSettled():
                self.orders[event.intent].trades[event.fill].provisional = False
            case ev.FillReversed():
                self._undo(self.orders[event.intent], event.fill)
            case ev.Merged() if event.merge not in self.merges:
                self.merges.add(event.merge)
                self.moved += event.payout
                for leg in Leg:
                    self._merge((event.market, leg), event.size)
            case ev.Reward() if event.name not in self.rewards:
                self.rewards |= {event.name} - {""}
                self.moved += event.amount
            case ev.MarketResolved():
                self.ended[event.market] = event.yes_payout
                for leg in Leg:
                    key = (event.market, leg)
                    if key in self.positions:
                        self.paid[key] = self.positions.pop(key)
            case _:
                pass

    def _where(self, key: Key) -> dict[Key, list[int]]:
        """Return where a leg is written down: what a market paid out stays there when it ended."""
        return self.paid if key[0] in self.ended else self.positions

    def _trade(self, event: ev.Fill) -> None:
        order, key = self.orders[event.intent], (event.market, event.leg)
        assert event.fill not in order.trades, "a fill was journaled twice"
        there = self._where(key)
        held = there.setdefault(key, [0, 0])
        if event.purpose is Purpose.ENTRY:
            basis = int(event.cost)
            sign = 1
        else:
            assert event.size <= held[0], "more was sold than was held"
            basis = held[1] * event.size // held[0]
            sign = -1
        held[0] += sign * event.size
        held[1] += sign * basis
        if not held[0]:
            del there[key]
        self.moved -= sign * event.cost + event.fee
        self.fees += event.fee
        # A refusal after which something was traded was none; the venue contradicted itself.
        order.refused = False
        order.trades[event.fill] = _Trade(
            event.size, event.cost, event.fee, basis, event.provisional
        )
        order.was_full = order.was_full or order.filled >= order.intent.size

    def _merge(self, key: Key, size: int) -> None:
        there = self._where(key)
        held = there[key]
        late = there is self.paid
        assert size <= (held[0] if late else self.settled(key)), "more was merged than was settled"
        held[1] -= held[1] * size // held[0]
        held[0] -= size
        if not held[0]:
            del there[key]

    def _undo(self, order: _Order, name: str) -> None:
        trade = order.trades[name]
        if trade.undone:
            return
        trade.undone = True
        key = (order.intent.market, order.intent.leg)
        there = self._where(key)
        held = there.setdefault(key, [0, 0])
        sign = -1 if order.intent.purpose is Purpose.ENTRY else 1
        before = held[0]
        held[0] += sign * trade.size
        held[1] += sign * trade.basis
        if sign < 0:
            assert before >= trade.size, "what was undone had been sold"
            held[1] = 0 if not held[0] else max(0, held[1])
        if not held[0]:
            del there[key]
        self.moved -= sign * trade.cost - trade.fee
        self.fees -= trade.fee


def read(events: Sequence[ev.Event]) -> Ledger:
    """Return what all facts say."""
    return Ledger().read(events)
