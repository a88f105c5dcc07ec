"""New trades as the journal tells them: what each was worth at each age, after all costs.

A trade is a signal that was followed: its orders within an hour, their fills, and the later prices
that were marked for it. Its worth is what came in, minus what was paid and all fees, plus what is
left at the midpoint; once nothing is left, it stays. Everything is kept with its moment, so that a
worth before any earlier moment can be asked for, and lines of one moment may come in any order.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.marks import FOLLOWED_FOR
from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    SECOND,
    Micros,
    Money,
    Price,
    Size,
)
from market_bot.core.domain.orders import Purpose

from .constants import AGES, FACTS_MAX, TRADES_MAX

Position = tuple[str, Leg]
_INDEX: Final = {age: index for index, age in enumerate(AGES)}
_MONEY_PER_SIZE: Final = 1_000_000
_HALF_DOLLAR: Final = Price(ONE_DOLLAR // 2)


@attrs.frozen(kw_only=True)
class Worth:
    """A trade at each age of `AGES`: profit in dollars a contract, and of the whole trade.

    None where it is not known: no price, not filled yet, or that age was not reached.
    """

    name: str
    event: str
    opened: Micros
    per_contract: tuple[float | None, ...]
    whole: tuple[Money | None, ...]

    @property
    def present(self) -> Money | None:
        """Return the latest known profit."""
        return next((worth for worth in reversed(self.whole) if worth is not None), None)


@attrs.define(eq=False)
class _Bought:
    at: Micros
    name: str
    intent: str
    size: Size
    cost: Money
    fee: Money


@attrs.frozen(order=True)
class _Sold:
    """What closed a part of a position; ``size`` None is all of it, at a payout a contract."""

    at: Micros
    name: str
    size: Size | None
    proceeds: Money
    fee: Money
    payout: Price


@attrs.define(eq=False)
class _Trade:
    name: str
    event: str
    position: Position
    opened: Micros
    marks: dict[int, tuple[Micros, Price | None]] = attrs.field(factory=dict)


@attrs.define(eq=False)
class _Lot:
    """A purchase with what is left of it and what its parts brought, by moment."""

    bought: _Bought
    left: int
    brought: list[tuple[Micros, int, int]] = attrs.field(factory=list)


@attrs.define(eq=False)
class Cohort:
    """The trades that a configuration opened.

    Args:
        configs: hashes of the configurations whose orders count; None counts all.
        held: what was held before the first line that is heard; it is sold first.
        most: how many trades are kept; of more, the oldest are let go. Fills beyond the limit of
            facts are not kept either. In both cases `overflown` is set.

    """

    configs: Container[str] | None = None
    held: Mapping[Position, Size] = attrs.field(factory=dict)
    most: int = TRADES_MAX
    fills: int = attrs.field(default=0, init=False)
    overflown: bool = attrs.field(default=False, init=False)
    _trades: dict[str, _Trade] = attrs.field(factory=dict, init=False)
    _series: dict[str, _Trade] = attrs.field(factory=dict, init=False)
    _orders: dict[str, str] = attrs.field(factory=dict, init=False)
    _bought: dict[Position, dict[str, _Bought]] = attrs.field(factory=dict, init=False)
    _sold: dict[Position, dict[str, _Sold]] = attrs.field(factory=dict, init=False)
    _marked: dict[tuple[str, Micros], dict[int, tuple[Micros, Price | None]]] = attrs.field(
        factory=dict, init=False
    )
    _reversed: dict[str, Micros] = attrs.field(factory=dict, init=False)

    def hear(self, event: ev.Event, at: Micros, config: str) -> None:
        """Take the next line of the lane's journal."""
        match event:
            case ev.OrderIntent(purpose=Purpose.ENTRY):
                if self.configs is None or config in self.configs:
                    self._intended(event, at)
            case ev.Fill():
                self._filled(event, at)
            case ev.FillReversed(fill=fill):
                self._reversed.setdefault(fill, at)
            case ev.Mark(cause=ev.Cause.TRADED, purpose=Purpose.ENTRY):
                self._mark(event, at)
            case ev.MarketResolved():
                self._resolved(event, at)
            case ev.Merged():
                self._merged(event, at)
            case _:
                pass

    def opened(self, cut: Micros) -> int:
        """Return how many trades were begun before a moment, filled or not."""
        return sum(trade.opened < cut for trade in self._trades.values())

    def openings(self) -> Iterator[Micros]:
        """Yield when each trade was begun."""
        return (trade.opened for trade in self._trades.values())

    def worths(self, cut: Micros) -> tuple[Worth, ...]:
        """Return every trade that was begun before a moment, as it was known then."""
        lots = self._lots(cut)
        return tuple(
            _worth(trade, lots.get(trade.name, ()), cut)
            for trade in sorted(self._trades.values(), key=lambda t: (t.opened, t.name))
            if trade.opened < cut
        )

    # -- the journal's lines -----------------------------------------------------------------

    def _intended(self, event: ev.OrderIntent, at: Micros) -> None:
        known = self._series.get(event.signal)
        if known is None or at >= known.opened + FOLLOWED_FOR:
            known = self._begin(event, at)
        if len(self._orders) >= FACTS_MAX:
            del self._orders[next(iter(self._orders))]
        self._orders[event.intent] = known.name

    def _begin(self, event: ev.OrderIntent, at: Micros) -> _Trade:
        name = f"{event.signal}@{at}"
        trade = _Trade(name, event.event, (event.market, event.leg), at)
        trade.marks = self._marked.setdefault((event.signal, at), {})
        self._trades[name] = self._series[event.signal] = trade
        if len(self._trades) > self.most:
            self.overflown = True
            self._forget(next(iter(self._trades)))
        return trade

    def _forget(self, name: str) -> None:
        signal = name.rpartition("@")[0]
        trade = self._trades.pop(name)
        self._marked.pop((signal, trade.opened), None)
        if self._series.get(signal) is trade:
            del self._series[signal]

    def _filled(self, event: ev.Fill, at: Micros) -> None:
        if self.fills >= FACTS_MAX:
            self.overflown = True
            return
        self.fills += 1
        position = (event.market, event.leg)
        if event.purpose is Purpose.ENTRY:
            # Whose order it was is looked up later: it may be told at the same moment.
            bought = _Bought(at, event.fill, event.intent, event.size, event.cost, event.fee)
            self._bought.setdefault(position, {}).setdefault(event.fill, bought)
        else:
            sold = _Sold(at, event.fill, event.size, event.cost, event.fee, Price(0))
            self._sold.setdefault(position, {}).setdefault(event.fill, sold)

    def _mark(self, event: ev.Mark, at: Micros) -> None:
        index = _INDEX.get(event.horizon_s)
        series = self._marked.get((event.signal, event.since))
        if series is None and event.since == at:
            # The price at the decision may be told beside it, at the same moment.
            series = self._marked.setdefault((event.signal, event.since), {})
        if index is not None and series is not None:
            series.setdefault(index, (at, event.mid))

    def _resolved(self, event: ev.MarketResolved, at: Micros) -> None:
        for leg in Leg:
            pays = event.yes_payout if leg is Leg.YES else Price(ONE_DOLLAR - event.yes_payout)
            self._all_sold((event.market, leg), at, pays)

    def _all_sold(self, position: Position, at: Micros, pays: Price) -> None:
        sold = _Sold(at, "~resolved", None, Money(0), Money(0), pays)
        self._sold.setdefault(position, {}).setdefault(sold.name, sold)

    def _merged(self, event: ev.Merged, at: Micros) -> None:
        # Both legs together are worth a dollar; how they share it cancels within the event.
        for leg in Leg:
            half = Money(event.size * _HALF_DOLLAR)
            sold = _Sold(at, event.merge, event.size, half, Money(0), Price(0))
            self._sold.setdefault((event.market, leg), {}).setdefault(event.merge, sold)

    # -- first in, first out -----------------------------------------------------------------

    def _lots(self, cut: Micros) -> dict[str, list[_Lot]]:
        by_trade: dict[str, list[_Lot]] = {}
        for position, bought in self._bought.items():
            lots = self._purchases(position, bought.values(), cut)
            for sold in sorted(self._sold.get(position, {}).values(), key=_in_time):
                if sold.at < cut and not self._undone(sold.name, cut):
                    _consume(lots, sold)
            for lot in lots:
                trade = self._orders.get(lot.bought.intent)
                if trade is not None:
                    by_trade.setdefault(trade, []).append(lot)
        return by_trade

    def _purchases(self, position: Position, bought: Iterable[_Bought], cut: Micros) -> list[_Lot]:
        known = [b for b in bought if b.at < cut and not self._undone(b.name, cut)]
        known.sort(key=lambda b: (b.at, b.name))
        lots = [_Lot(b, b.size) for b in known]
        before = self.held.get(position)
        if before:
            old = _Bought(Micros(-1), "", "", before, Money(0), Money(0))
            lots.insert(0, _Lot(old, before))
        return lots

    def _undone(self, fill: str, cut: Micros) -> bool:
        at = self._reversed.get(fill)
        return at is not None and at < cut


def _in_time(sold: _Sold) -> tuple[Micros, bool, str]:
    # What is resolved is resolved after everything else of its moment.
    return sold.at, sold.size is None, sold.name


def _consume(lots: Iterable[_Lot], sold: _Sold) -> None:
    """Take a sale out of the oldest purchases, with their shares of what it brought."""
    wanted = sold.size
    for lot in lots:
        if lot.bought.at > sold.at or not lot.left:
            continue
        if sold.size is None or wanted is None:
            taken, brought = lot.left, lot.left * sold.payout
        else:
            taken = min(lot.left, wanted)
            brought = (sold.proceeds - sold.fee) * taken // sold.size
            wanted = Size(wanted - taken)
        lot.left -= taken
        lot.brought.append((sold.at, taken, brought))
        if wanted == 0:
            return


def _worth(trade: _Trade, lots: Iterable[_Lot], cut: Micros) -> Worth:
    own = tuple(lots)
    per_contract: list[float | None] = []
    whole: list[Money | None] = []
    for index, age in enumerate(AGES):
        due = Micros(trade.opened + age * SECOND)
        taken_at, mid = trade.marks.get(index, (due, None))
        if taken_at >= cut:
            taken_at, mid = due, None
        found = _at(own, taken_at, mid) if due < cut else None
        size, money = found or (0, None)
        whole.append(money)
        per_contract.append(None if money is None else money / size / _MONEY_PER_SIZE)
    return Worth(
        name=trade.name,
        event=trade.event,
        opened=trade.opened,
        per_contract=tuple(per_contract),
        whole=tuple(whole),
    )


def _at(lots: Iterable[_Lot], moment: Micros, mid: Price | None) -> tuple[int, Money] | None:
    """Return contracts bought until a moment and what they gained; None if that is not known."""
    size = left = money = 0
    for lot in lots:
        if lot.bought.at > moment:
            continue
        size += lot.bought.size
        money -= lot.bought.cost + lot.bought.fee
        left += lot.bought.size
        for at, taken, brought in lot.brought:
            if at <= moment:
                left -= taken
                money += brought
    if not size or (left and mid is None):
        return None
    return size, Money(money + left * (mid or 0))
