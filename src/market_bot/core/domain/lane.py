"""The fold: a lane's state is what its journal says, one event after the other.

`apply` is pure and total: it never fails and never looks anywhere else. Facts that contradict
each other are counted in ``anomalies`` and never silently repaired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain import orders as od
from market_bot.core.domain.market import Leg, Resolution
from market_bot.core.domain.numbers import NO_MONEY, Duration, Micros, Money, Size
from market_bot.core.domain.orders import Order, OrderFill, Purpose

FOLD_VERSION: Final = 1
_REMEMBERED_ORDERS: Final = 256
_COOLDOWN_MEMORY: Final = Duration(8 * 86_400 * 1_000_000)

V = TypeVar("V")


@attrs.frozen(kw_only=True)
class Position:
    """What is held of one leg of one market; ``cost`` is what its contracts cost, without fees."""

    market: str
    event: str
    family: str
    leg: Leg
    strategy: str
    signal: str
    size: Size
    cost: Money
    opened_at: Micros
    provisional: Size = attrs.field(default=Size(0))

    @property
    def settled(self) -> Size:
        """The size that is really ours: what exits may sell."""
        return Size(max(0, self.size - self.provisional))


@attrs.frozen
class Day:
    """The UTC day in force and the equity it opened with."""

    date: str
    equity: Money


@attrs.frozen(kw_only=True)
class LaneState:
    """Everything a decision may depend on besides the market itself.

    ``deposits`` is the money put in, ``realised`` the gross gain of what was sold or settled,
    ``fees`` what was paid, ``rewards`` what was received besides trading. Always
    ``cash + cost of positions + fees - realised - rewards == deposits``.
    """

    instance: str = ""
    cash: Money = NO_MONEY
    deposits: Money = NO_MONEY
    realised: Money = NO_MONEY
    fees: Money = NO_MONEY
    rewards: Money = NO_MONEY
    positions: Mapping[str, Position] = attrs.field(factory=dict)
    orders: Mapping[str, Order] = attrs.field(factory=dict)
    finished: Mapping[str, Order] = attrs.field(factory=dict)
    last_entry: Mapping[str, Micros] = attrs.field(factory=dict)
    last_exit: Mapping[str, Micros] = attrs.field(factory=dict)
    day: Day | None = None
    halted: str | None = None
    flatten: bool = False
    anomalies: int = 0

    def position(self, market: str, leg: Leg) -> Position | None:
        """Return what is held of a leg, or None."""
        return self.positions.get(position_key(market, leg))

    def order(self, intent: str) -> Order | None:
        """Return an order that is live or was until recently, or None."""
        return self.orders.get(intent) or self.finished.get(intent)

    def basis(self) -> Money:
        """Return what all positions cost."""
        return Money(sum(p.cost for p in self.positions.values()))


def position_key(market: str, leg: Leg) -> str:
    """Return the key of a leg in ``LaneState.positions``."""
    return f"{market}:{leg.value}"


def apply(state: LaneState, event: ev.Event, at: Micros) -> LaneState:
    """Return the state after one more fact; facts that explain (class B) change nothing."""
    handler = _HANDLERS.get(type(event))
    return state if handler is None else handler(state, event, at)


def _with(mapping: Mapping[str, V], key: str, value: V) -> dict[str, V]:
    return {**mapping, key: value}


def _without(mapping: Mapping[str, V], key: str) -> dict[str, V]:
    return {k: v for k, v in mapping.items() if k != key}


def _started(state: LaneState, event: ev.BotStarted, _: Micros) -> LaneState:
    if state.deposits or not event.cash:
        return attrs.evolve(state, instance=event.instance)
    return attrs.evolve(state, instance=event.instance, cash=event.cash, deposits=event.cash)


def _day_opened(state: LaneState, event: ev.DayOpened, at: Micros) -> LaneState:
    keep = at - _COOLDOWN_MEMORY
    return attrs.evolve(
        state,
        day=Day(event.date, event.equity),
        last_entry={m: t for m, t in state.last_entry.items() if t >= keep},
        last_exit={m: t for m, t in state.last_exit.items() if t >= keep},
    )


def _intended(state: LaneState, event: ev.OrderIntent, at: Micros) -> LaneState:
    if state.order(event.intent) is not None:
        return _anomaly(state)
    order = Order(
        intent=event.intent,
        signal=event.signal,
        strategy=event.strategy,
        market=event.market,
        event=event.event,
        family=event.family,
        leg=event.leg,
        purpose=event.purpose,
        style=event.style,
        price=event.price,
        size=event.size,
        fee_bound=event.fee_bound,
        expires_at=event.expires_at,
        created_at=at,
    )
    return attrs.evolve(state, orders=_with(state.orders, order.intent, order))


def _accepted(state: LaneState, event: ev.OrderAccepted, _: Micros) -> LaneState:
    return _change(state, event.intent, lambda o: od.accepted(o, event.venue_order))


def _rejected(state: LaneState, event: ev.OrderRejected, _: Micros) -> LaneState:
    return _change(state, event.intent, od.rejected)


def _unknown(state: LaneState, event: ev.OrderUnknown, _: Micros) -> LaneState:
    return _change(state, event.intent, od.doubted)


def _cancelled(state: LaneState, event: ev.OrderCancelled, _: Micros) -> LaneState:
    return _change(state, event.intent, od.cancelled)


def _change(state: LaneState, intent: str, change: Callable[[Order], Order]) -> LaneState:
    order = state.order(intent)
    return _anomaly(state) if order is None else _keep(state, change(order))


def _keep(state: LaneState, order: Order) -> LaneState:
    """File an order under live or finished; the finished ones are remembered for a while."""
    if order.state.live or any(f.provisional for f in order.fills):
        return attrs.evolve(
            state,
            orders=_with(state.orders, order.intent, order),
            finished=_without(state.finished, order.intent)
            if order.intent in state.finished
            else state.finished,
        )
    finished = _with(state.finished, order.intent, order)
    while len(finished) > _REMEMBERED_ORDERS:
        del finished[next(iter(finished))]
    return attrs.evolve(state, orders=_without(state.orders, order.intent), finished=finished)


def _fill(state: LaneState, event: ev.Fill, at: Micros) -> LaneState:
    order = state.order(event.intent)
    if order is not None and order.knows(event.fill):
        return state
    if event.size <= 0:
        return _anomaly(state)
    held = state.position(event.market, event.leg)
    if event.purpose is Purpose.ENTRY:
        after, basis = _bought(state, event, held, at), event.cost
    else:
        after, basis = _sold(state, event, held, at)
    if order is None:
        return _anomaly(after)
    fill = OrderFill(
        id=event.fill,
        size=event.size,
        cost=event.cost,
        fee=event.fee,
        basis=basis,
        provisional=event.provisional,
    )
    return _keep(after, od.filled(order, fill))


def _bought(state: LaneState, event: ev.Fill, held: Position | None, at: Micros) -> LaneState:
    unsettled = event.size if event.provisional else Size(0)
    if held is None:
        position = Position(
            market=event.market,
            event=event.event,
            family=event.family,
            leg=event.leg,
            strategy=event.strategy,
            signal=event.signal,
            size=event.size,
            cost=event.cost,
            opened_at=at,
            provisional=unsettled,
        )
    else:
        position = attrs.evolve(
            held,
            size=Size(held.size + event.size),
            cost=Money(held.cost + event.cost),
            provisional=Size(held.provisional + unsettled),
        )
    return attrs.evolve(
        state,
        cash=Money(state.cash - event.cost - event.fee),
        fees=Money(state.fees + event.fee),
        positions=_with(state.positions, position_key(event.market, event.leg), position),
        last_entry=_with(state.last_entry, event.market, at),
    )


def _sold(
    state: LaneState, event: ev.Fill, held: Position | None, at: Micros
) -> tuple[LaneState, Money]:
    """Return the state after a sale, and the cost of what was sold."""
    known = Size(0) if held is None else held.size
    gone = Size(min(event.size, known))
    basis = NO_MONEY if held is None else Money(held.cost * gone // known)
    key = position_key(event.market, event.leg)
    positions = dict(state.positions)
    if held is not None:
        if gone == known:
            del positions[key]
        else:
            positions[key] = attrs.evolve(
                held,
                size=Size(known - gone),
                cost=Money(held.cost - basis),
                provisional=Size(min(held.provisional, known - gone)),
            )
    after = attrs.evolve(
        state,
        cash=Money(state.cash + event.cost - event.fee),
        fees=Money(state.fees + event.fee),
        realised=Money(state.realised + event.cost - basis),
        positions=positions,
        last_exit=_with(state.last_exit, event.market, at),
    )
    return (_anomaly(after) if gone < event.size else after), basis


def _fill_settled(state: LaneState, event: ev.FillSettled, _: Micros) -> LaneState:
    order = state.order(event.intent)
    fill = _find(order, event.fill)
    if order is None or fill is None:
        return _anomaly(state)
    if not fill.provisional:
        return state
    after = _keep(state, od.settled(order, event.fill))
    if order.purpose is Purpose.EXIT:
        return after
    return _adjust(after, order, size=Size(0), cost=NO_MONEY, unsettled=Size(-fill.size))


def _fill_reversed(state: LaneState, event: ev.FillReversed, _: Micros) -> LaneState:
    order = state.order(event.intent)
    fill = _find(order, event.fill)
    if order is None or fill is None:
        return _anomaly(state)
    if not fill.size:
        return state
    after = _keep(state, od.reversed_fill(order, event.fill))
    if order.purpose is Purpose.EXIT:
        restored = attrs.evolve(
            after,
            cash=Money(after.cash - fill.cost + fill.fee),
            fees=Money(after.fees - fill.fee),
            realised=Money(after.realised - fill.cost + fill.basis),
        )
        return _adjust(restored, order, size=fill.size, cost=fill.basis, unsettled=Size(0))
    return _undo_entry(after, order, fill)


def _undo_entry(state: LaneState, order: Order, fill: OrderFill) -> LaneState:
    """Take back a purchase; what was sold or settled of it meanwhile stays realised, as it was."""
    held = state.position(order.market, order.leg)
    known = Size(0) if held is None else held.size
    if held is None or known <= fill.size:
        cost = NO_MONEY if held is None else held.cost
    else:
        cost = Money(min(fill.basis, held.cost))
    after = attrs.evolve(
        state,
        cash=Money(state.cash + fill.cost + fill.fee),
        fees=Money(state.fees - fill.fee),
        realised=Money(state.realised + fill.cost - cost),
    )
    if known < fill.size:
        after = _anomaly(after)
    unsettled = Size(-fill.size if fill.provisional else 0)
    gone = Size(-min(fill.size, known))
    return _adjust(after, order, size=gone, cost=Money(-cost), unsettled=unsettled)


def _adjust(
    state: LaneState, order: Order, *, size: Size, cost: Money, unsettled: Size
) -> LaneState:
    """Change a position by a difference; make it if it is not there, drop it when it is empty."""
    key = position_key(order.market, order.leg)
    held = state.positions.get(key) or Position(
        market=order.market,
        event=order.event,
        family=order.family,
        leg=order.leg,
        strategy=order.strategy,
        signal=order.signal,
        size=Size(0),
        cost=NO_MONEY,
        opened_at=order.created_at,
    )
    total = Size(held.size + size)
    if total <= 0:
        return attrs.evolve(state, positions=_without(state.positions, key))
    position = attrs.evolve(
        held,
        size=total,
        cost=Money(held.cost + cost),
        provisional=Size(min(total, max(0, held.provisional + unsettled))),
    )
    return attrs.evolve(state, positions=_with(state.positions, key, position))


def _find(order: Order | None, fill: str) -> OrderFill | None:
    return None if order is None else next((f for f in order.fills if f.id == fill), None)


def _resolved(state: LaneState, event: ev.MarketResolved, at: Micros) -> LaneState:
    try:
        resolution = Resolution(event.market, event.yes_payout)
    except ValueError:
        return _anomaly(state)
    for leg in Leg:
        held = state.position(event.market, leg)
        if held is None:
            continue
        paid = Money(resolution.payout(leg) * held.size)
        state = attrs.evolve(
            state,
            cash=Money(state.cash + paid),
            realised=Money(state.realised + paid - held.cost),
            positions=_without(state.positions, position_key(event.market, leg)),
            last_exit=_with(state.last_exit, event.market, at),
        )
    return state


def _halted(state: LaneState, event: ev.Halt, _: Micros) -> LaneState:
    return attrs.evolve(
        state, halted=f"{event.by}: {event.reason}", flatten=state.flatten or event.flatten
    )


def _resumed(state: LaneState, _event: ev.Resume, _: Micros) -> LaneState:
    return attrs.evolve(state, halted=None, flatten=False)


def _anomaly(state: LaneState) -> LaneState:
    return attrs.evolve(state, anomalies=state.anomalies + 1)


_Handler = Callable[[LaneState, Any, Micros], LaneState]

# Each handler takes exactly the class it is filed under; the table is the only place that knows.
_HANDLERS: dict[type[ev.Event], _Handler] = {
    ev.BotStarted: _started,
    ev.DayOpened: _day_opened,
    ev.OrderIntent: _intended,
    ev.OrderAccepted: _accepted,
    ev.OrderRejected: _rejected,
    ev.OrderUnknown: _unknown,
    ev.OrderCancelled: _cancelled,
    ev.Fill: _fill,
    ev.FillSettled: _fill_settled,
    ev.FillReversed: _fill_reversed,
    ev.MarketResolved: _resolved,
    ev.Halt: _halted,
    ev.Resume: _resumed,
}
