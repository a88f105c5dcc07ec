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
from market_bot.core.domain.evolve import evolve
from market_bot.core.domain.market import Leg, Resolution
from market_bot.core.domain.numbers import (
    NEVER,
    NO_MONEY,
    NOTHING,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
)
from market_bot.core.domain.orders import Closed, Order, OrderFill, Purpose

FOLD_VERSION: Final = 3
LIVE: Final = "live"
"""The mode of a lane whose orders are real."""
STALLED: Final = "stalled"
"""The state of a venue whose worker does not come back."""
NOT_COMPARED: Final = "not compared with the account yet"
MINUTE: Final = Duration(60 * SECOND)
# More orders within a minute than this are not told apart.
TIMES_KEPT: Final = 600
_REMEMBERED_ORDERS: Final = 256
_REMEMBERED_MERGES: Final = 64
_REMEMBERED_REWARDS: Final = 512
# What comes late of a market comes by an order that is remembered: more are kept only for those.
_REMEMBERED_ENDS: Final = 256
_COOLDOWN_MEMORY: Final = Duration(8 * 86_400 * 1_000_000)

V = TypeVar("V")
_Handler = Callable[["LaneState", Any, Micros], "LaneState"]


@attrs.frozen(kw_only=True, slots=False)
class Position:
    """What is held of one leg of one market; ``cost`` is what its contracts cost, without fees.

    ``realised`` is the gross gain of what was sold of it so far, ``fees`` what was paid for it.
    ``high`` is the highest bid seen since the entry and ``armed_at`` when a stop began to be
    confirmed, both as the journal marked them; ``marked_at`` is when it last did.
    """

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
    realised: Money = NO_MONEY
    fees: Money = NO_MONEY
    high: Price | None = None
    armed_at: Micros | None = None
    marked_at: Micros = NEVER

    @property
    def settled(self) -> Size:
        """The size that is really ours: what exits may sell."""
        return Size(max(0, self.size - self.provisional))


@attrs.frozen(kw_only=True)
class Ended:
    """What a resolved market paid, kept for what is told of it late.

    ``positions`` are what was paid out, as they stood before.
    """

    yes_payout: Price
    positions: tuple[Position, ...] = ()


@attrs.frozen
class Day:
    """The UTC day in force and the equity it opened with."""

    date: str
    equity: Money


@attrs.frozen(kw_only=True, slots=False)
class LaneState:
    """Everything a decision may depend on besides the market itself.

    ``deposits`` is the money put in, ``realised`` the gross gain of what was sold or settled,
    ``fees`` what was paid, ``rewards`` what was received besides trading. Always
    ``cash + cost of positions + fees - realised - rewards == deposits``.

    The ``last_`` maps say when something last happened in a market, ``last_in_family`` when any
    of it happened in a family; ``last_loss`` is an exit that brought less than it had cost.

    ``peak`` is the highest marked equity known. ``wins`` and ``losses`` count positions that were
    closed by sale, settlement or merging with a gain or a loss after all fees; ``loss_streak``
    counts losses since the last win or resume. ``entry_times`` and ``exit_times`` are those of the
    last minute's orders; ``day_loss`` and ``fallen`` are what was lost when the limit on a day's
    loss or on the drawdown was last reached, until that is over; ``merges`` names the latest
    merges, ``paid_rewards`` the latest payments besides trading; ``venue`` is the venue's own
    state. ``ended`` is what markets paid in which we had a part, so that what is told of them
    late is paid at once, or taken back.

    ``live`` says whether orders are real. Then ``armed_until`` is until when a person allows
    entries, ``unreconciled`` why the account stands against them, ``external`` what others may
    lose in a market of the account, ``external_orders`` how many orders of others rest there,
    ``account_cash`` what the venue last said there is, and ``reconciled_at`` when that was written.
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
    last_loss: Mapping[str, Micros] = attrs.field(factory=dict)
    last_reject: Mapping[str, Micros] = attrs.field(factory=dict)
    last_in_family: Mapping[str, Micros] = attrs.field(factory=dict)
    day: Day | None = None
    peak: Money | None = None
    wins: int = 0
    losses: int = 0
    loss_streak: int = 0
    day_loss: Money = NO_MONEY
    fallen: Money = NO_MONEY
    entry_times: tuple[Micros, ...] = ()
    exit_times: tuple[Micros, ...] = ()
    merges: tuple[str, ...] = ()
    paid_rewards: tuple[str, ...] = ()
    ended: Mapping[str, Ended] = attrs.field(factory=dict)
    venue: str = "open"
    halted: str | None = None
    flatten: bool = False
    live: bool = False
    armed_until: Micros | None = None
    unreconciled: str | None = None
    external: Mapping[str, Money] = attrs.field(factory=dict)
    external_orders: int = 0
    account_cash: Money | None = None
    reconciled_at: Micros = NEVER
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
    live = event.mode == LIVE
    state = evolve(
        state,
        live=live,
        # Who armed it armed another process, and what was compared is old.
        armed_until=None,
        unreconciled=NOT_COMPARED if live else None,
        venue="open" if state.venue == STALLED else state.venue,
    )
    if state.deposits or not event.cash:
        return evolve(state, instance=event.instance)
    return evolve(
        state,
        instance=event.instance,
        # Money may have moved before: added to, never replaced.
        cash=Money(state.cash + event.cash),
        deposits=event.cash,
        peak=event.cash if state.peak is None else max(state.peak, event.cash),
    )


def _day_opened(state: LaneState, event: ev.DayOpened, at: Micros) -> LaneState:
    keep = at - _COOLDOWN_MEMORY
    return evolve(
        state,
        day=Day(event.date, event.equity),
        day_loss=NO_MONEY,
        last_entry={m: t for m, t in state.last_entry.items() if t >= keep},
        last_exit={m: t for m, t in state.last_exit.items() if t >= keep},
        last_loss={m: t for m, t in state.last_loss.items() if t >= keep},
        last_reject={m: t for m, t in state.last_reject.items() if t >= keep},
        last_in_family={f: t for f, t in state.last_in_family.items() if t >= keep},
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
        venue_order=event.venue_order,
    )
    orders = _with(state.orders, order.intent, order)
    if order.purpose is Purpose.EXIT:
        return evolve(state, orders=orders, exit_times=_latest(state.exit_times, at))
    return evolve(state, orders=orders, entry_times=_latest(state.entry_times, at))


def _latest(times: tuple[Micros, ...], at: Micros) -> tuple[Micros, ...]:
    begin = at - MINUTE
    return (*[t for t in times if t > begin][1 - TIMES_KEPT :], at)


def _accepted(state: LaneState, event: ev.OrderAccepted, _: Micros) -> LaneState:
    return _change(state, event.intent, lambda o: od.accepted(o, event.venue_order))


def _rejected(state: LaneState, event: ev.OrderRejected, at: Micros) -> LaneState:
    order = state.order(event.intent)
    if order is None:
        return _anomaly(state)
    return evolve(
        _keep(state, od.rejected(order)),
        last_reject=_with(state.last_reject, order.market, at),
        last_in_family=_with(state.last_in_family, order.family, at),
    )


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
        return evolve(
            state,
            orders=_with(state.orders, order.intent, order),
            finished=_without(state.finished, order.intent)
            if order.intent in state.finished
            else state.finished,
        )
    finished = _with(state.finished, order.intent, order)
    while len(finished) > _REMEMBERED_ORDERS:
        del finished[next(iter(finished))]
    return evolve(state, orders=_without(state.orders, order.intent), finished=finished)


def _fill(state: LaneState, event: ev.Fill, at: Micros) -> LaneState:
    order = state.order(event.intent)
    if order is not None and order.knows(event.fill):
        return state
    if event.size <= 0:
        return _anomaly(state)
    held = state.position(event.market, event.leg)
    if event.purpose is Purpose.ENTRY:
        after, basis, closed = _bought(state, event, held, at), event.cost, None
    else:
        after, basis = _sold(state, event, held, at)
        closed = _closed(held, event.size)
    fill = OrderFill(
        id=event.fill,
        size=event.size,
        cost=event.cost,
        fee=event.fee,
        basis=basis,
        provisional=event.provisional,
        closed=closed,
    )
    if closed is not None:
        after = _count(after, closed, fill)
    return _anomaly(after) if order is None else _keep(after, od.filled(order, fill))


def _closed(held: Position | None, gone: Size) -> Closed | None:
    """Return what a position had behind it if nothing of it is left."""
    if held is None or gone < held.size:
        return None
    return Closed(opened_at=held.opened_at, realised=held.realised, fees=held.fees)


def _count(state: LaneState, closed: Closed, fill: OrderFill) -> LaneState:
    """Count a position that a sale closed; a gain counts once nothing can undo it any more."""
    net = _net(closed, fill)
    return state if net > 0 and fill.provisional else _tally(state, net)


def _net(closed: Closed, fill: OrderFill) -> Money:
    return Money(closed.realised + fill.cost - fill.basis - closed.fees - fill.fee)


def _tally(state: LaneState, net: Money) -> LaneState:
    """Count a closed position by its result after all fees; one that broke even is neither."""
    if net < 0:
        return evolve(state, losses=state.losses + 1, loss_streak=state.loss_streak + 1)
    return evolve(state, wins=state.wins + 1, loss_streak=0) if net > 0 else state


def _untally(state: LaneState, closed: Closed, fill: OrderFill) -> LaneState:
    """Take a count back because the sale was undone; a streak that had ended stays ended."""
    net = _net(closed, fill)
    if net < 0:
        streak = max(0, state.loss_streak - 1)
        return evolve(state, losses=max(0, state.losses - 1), loss_streak=streak)
    if net > 0 and not fill.provisional:
        return evolve(state, wins=max(0, state.wins - 1))
    return state


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
            fees=event.fee,
        )
    else:
        position = evolve(
            held,
            size=Size(held.size + event.size),
            cost=Money(held.cost + event.cost),
            provisional=Size(held.provisional + unsettled),
            fees=Money(held.fees + event.fee),
        )
    return evolve(
        state,
        cash=Money(state.cash - event.cost - event.fee),
        fees=Money(state.fees + event.fee),
        positions=_with(state.positions, position_key(event.market, event.leg), position),
        last_entry=_with(state.last_entry, event.market, at),
        last_in_family=_with(state.last_in_family, event.family, at),
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
            positions[key] = evolve(
                held,
                size=Size(known - gone),
                cost=Money(held.cost - basis),
                provisional=Size(min(held.provisional, known - gone)),
                realised=Money(held.realised + event.cost - basis),
                fees=Money(held.fees + event.fee),
            )
    after = evolve(
        state,
        cash=Money(state.cash + event.cost - event.fee),
        fees=Money(state.fees + event.fee),
        realised=Money(state.realised + event.cost - basis),
        positions=positions,
        last_exit=_with(state.last_exit, event.market, at),
        last_loss=_lost(state, event.market, Money(event.cost - event.fee - basis), at),
        last_in_family=_with(state.last_in_family, event.family, at),
    )
    return (_anomaly(after) if gone < event.size else after), basis


def _lost(state: LaneState, market: str, gain: Money, at: Micros) -> Mapping[str, Micros]:
    return state.last_loss if gain >= 0 else _with(state.last_loss, market, at)


def _fill_settled(state: LaneState, event: ev.FillSettled, _: Micros) -> LaneState:
    order = state.order(event.intent)
    fill = _find(order, event.fill)
    if order is None or fill is None:
        return _anomaly(state)
    if not fill.provisional:
        return state
    after = _keep(state, od.settled(order, event.fill))
    if order.purpose is Purpose.EXIT:
        gained = fill.closed is not None and _net(fill.closed, fill) > 0
        return _tally(after, Money(1)) if gained else after
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
        restored = evolve(
            after,
            cash=Money(after.cash - fill.cost + fill.fee),
            fees=Money(after.fees - fill.fee),
            realised=Money(after.realised - fill.cost + fill.basis),
        )
        if fill.closed is not None:
            past: Closed | None = fill.closed
            restored = _untally(restored, fill.closed, fill)
        elif state.position(order.market, order.leg) is not None:
            past = Closed(
                opened_at=order.created_at,
                realised=Money(fill.basis - fill.cost),
                fees=Money(-fill.fee),
            )
        else:
            # Another sale closed the position and took its past along.
            past = None
        return _adjust(
            restored, order, size=fill.size, cost=fill.basis, unsettled=Size(0), past=past
        )
    return _undo_entry(after, order, fill)


def _undo_entry(state: LaneState, order: Order, fill: OrderFill) -> LaneState:
    """Take back a purchase; what was sold or settled of it meanwhile stays realised, as it was."""
    held = state.position(order.market, order.leg)
    known = Size(0) if held is None else held.size
    if held is None or known <= fill.size:
        cost = NO_MONEY if held is None else held.cost
    else:
        cost = Money(min(fill.basis, held.cost))
    after = evolve(
        state,
        cash=Money(state.cash + fill.cost + fill.fee),
        fees=Money(state.fees - fill.fee),
        realised=Money(state.realised + fill.cost - cost),
    )
    if known < fill.size:
        after = _anomaly(after)
    unsettled = Size(-fill.size if fill.provisional else 0)
    gone = Size(-min(fill.size, known))
    past = Closed(
        opened_at=order.created_at, realised=Money(fill.cost - cost), fees=Money(-fill.fee)
    )
    return _adjust(after, order, size=gone, cost=Money(-cost), unsettled=unsettled, past=past)


def _adjust(
    state: LaneState,
    order: Order,
    *,
    size: Size,
    cost: Money,
    unsettled: Size,
    past: Closed | None = None,
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
        opened_at=order.created_at if past is None else past.opened_at,
    )
    total = Size(held.size + size)
    if total <= 0:
        return evolve(state, positions=_without(state.positions, key))
    position = evolve(
        held,
        size=total,
        cost=Money(held.cost + cost),
        provisional=Size(min(total, max(0, held.provisional + unsettled))),
        realised=Money(held.realised + (0 if past is None else past.realised)),
        fees=Money(held.fees + (0 if past is None else past.fees)),
    )
    return evolve(state, positions=_with(state.positions, key, position))


def _find(order: Order | None, fill: str) -> OrderFill | None:
    return None if order is None else next((f for f in order.fills if f.id == fill), None)


def _resolved(state: LaneState, event: ev.MarketResolved, at: Micros) -> LaneState:
    """Pay what is held of a market; another payout than the one told before replaces it."""
    if not 0 <= event.yes_payout <= ONE_DOLLAR:
        return _anomaly(state)
    known = state.ended.get(event.market)
    if known is not None:
        if known.yes_payout == event.yes_payout:
            return state
        state = _reopen(_anomaly(state), event.market, known)
        return _pay(state, event.market, event.yes_payout, known)
    payout = Resolution(event.market, event.yes_payout).payout
    for held in _of_market(state, event.market):
        state = evolve(
            state,
            last_exit=_with(state.last_exit, event.market, at),
            last_loss=_lost(
                state, event.market, Money(payout(held.leg) * held.size - held.cost), at
            ),
            last_in_family=_with(state.last_in_family, held.family, at),
        )
    return _pay(state, event.market, event.yes_payout, None)


def _of_market(state: LaneState, market: str) -> tuple[Position, ...]:
    held = (state.position(market, leg) for leg in Leg)
    return tuple(position for position in held if position is not None)


def _pay(state: LaneState, market: str, yes_payout: Price, known: Ended | None) -> LaneState:
    """Turn all that is held of an ended market into what it pays, and remember that.

    ``known`` is what was paid before: a result that was counted is not counted again.
    """
    now = Ended(yes_payout=yes_payout, positions=_of_market(state, market))
    ended = _remembered(state, market, now)
    if ended is state.ended:
        return state
    paid, basis = _paid(market, now)
    state = evolve(
        state,
        cash=Money(state.cash + paid),
        realised=Money(state.realised + paid - basis),
        positions={k: held for k, held in state.positions.items() if held.market != market}
        if now.positions
        else state.positions,
        ended=ended,
    )
    before, after = (_results(market, ended) for ended in (known, now))
    for leg in Leg:
        state = _recount(state, before.get(leg), after.get(leg))
    return state


def _reopen(state: LaneState, market: str, ended: Ended) -> LaneState:
    """Take back what an ended market paid; the results stay counted."""
    paid, basis = _paid(market, ended)
    positions = {position_key(market, held.leg): held for held in ended.positions}
    return evolve(
        state,
        cash=Money(state.cash - paid),
        realised=Money(state.realised - paid + basis),
        positions={**state.positions, **positions},
    )


def _paid(market: str, ended: Ended) -> tuple[Money, Money]:
    """Return what an ended market paid, and what that had cost."""
    payout = Resolution(market, ended.yes_payout).payout
    paid = sum(payout(held.leg) * held.size for held in ended.positions)
    return Money(paid), Money(sum(held.cost for held in ended.positions))


def _results(market: str, ended: Ended | None) -> dict[Leg, Money]:
    """Return what each leg of an ended market brought after all fees."""
    if ended is None:
        return {}
    payout = Resolution(market, ended.yes_payout).payout
    return {
        held.leg: Money(held.realised + payout(held.leg) * held.size - held.cost - held.fees)
        for held in ended.positions
    }


def _recount(state: LaneState, before: Money | None, after: Money | None) -> LaneState:
    """Count a result that was counted otherwise before; a streak that ended stays ended."""
    old, new = _sign(before), _sign(after)
    if old == new:
        return state
    if old > 0:
        state = evolve(state, wins=max(0, state.wins - 1))
    elif old < 0:
        streak = max(0, state.loss_streak - 1)
        state = evolve(state, losses=max(0, state.losses - 1), loss_streak=streak)
    return _tally(state, Money(new))


def _sign(net: Money | None) -> int:
    return 0 if net is None else (net > 0) - (net < 0)


def _remembered(state: LaneState, market: str, now: Ended) -> Mapping[str, Ended]:
    """Return the ended markets with one more if we had a part in it, else the same ones."""
    known = {order.market for order in (*state.orders.values(), *state.finished.values())}
    if not now.positions and market not in known and market not in state.ended:
        return state.ended
    ended = _with(state.ended, market, now)
    surplus = len(ended) - _REMEMBERED_ENDS
    for name in [name for name in ended if name not in known and name != market][: max(0, surplus)]:
        del ended[name]
    return ended


def _also_late(handler: _Handler) -> _Handler:
    """Return a handler that also takes what is told of a market after it was paid.

    The market is opened as it stood, the fact is taken as if it had come in time, and what is held
    then is paid: late news lead to the same money as news in time.
    """

    def take(state: LaneState, event: Any, at: Micros) -> LaneState:  # noqa: ANN401 - one of several classes, as in the table below
        market = _concerned(state, event)
        known = state.ended.get(market)
        if known is None:
            return handler(state, event, at)
        opened = _reopen(state, market, known)
        after = handler(opened, event, at)
        return state if after is opened else _pay(after, market, known.yes_payout, known)

    return take


def _concerned(
    state: LaneState, event: ev.Fill | ev.FillSettled | ev.FillReversed | ev.Merged
) -> str:
    if isinstance(event, (ev.Fill, ev.Merged)):
        return event.market
    order = state.order(event.intent)
    return "" if order is None else order.market


def _marked(state: LaneState, event: ev.PositionMarked, at: Micros) -> LaneState:
    held = state.position(event.market, event.leg)
    if held is None:
        return _anomaly(state)
    highs = [high for high in (held.high, event.high) if high is not None]
    marked = evolve(held, high=max(highs, default=None), armed_at=event.armed_at, marked_at=at)
    key = position_key(event.market, event.leg)
    return evolve(state, positions=_with(state.positions, key, marked))


def _merged(state: LaneState, event: ev.Merged, _: Micros) -> LaneState:
    """Turn pairs of YES and NO into money; both legs share what the pair gained."""
    if event.merge in state.merges:
        return state
    if event.size <= 0:
        return _anomaly(state)
    pair = [state.position(event.market, leg) for leg in Leg]
    gone = min(event.size, *(NOTHING if held is None else held.size for held in pair))
    parts = [(held, Money(held.cost * gone // held.size)) for held in pair if held and gone]
    gain = Money(event.payout - sum(basis for _held, basis in parts))
    after = evolve(
        state,
        cash=Money(state.cash + event.payout),
        realised=Money(state.realised + gain),
        merges=(*state.merges, event.merge)[-_REMEMBERED_MERGES:],
    )
    shares = (Money(gain // 2), Money(gain - gain // 2))
    for (held, basis), share in zip(parts, shares, strict=False):
        after = _reduce(after, held, Size(gone), basis, share)
    return _anomaly(after) if gone < event.size else after


def _reduce(state: LaneState, held: Position, gone: Size, basis: Money, gain: Money) -> LaneState:
    key = position_key(held.market, held.leg)
    if gone == held.size:
        closed = _tally(state, Money(held.realised + gain - held.fees))
        return evolve(closed, positions=_without(closed.positions, key))
    left = evolve(
        held,
        size=Size(held.size - gone),
        cost=Money(held.cost - basis),
        provisional=Size(min(held.provisional, held.size - gone)),
        realised=Money(held.realised + gain),
    )
    return evolve(state, positions=_with(state.positions, key, left))


def _rewarded(state: LaneState, event: ev.Reward, _: Micros) -> LaneState:
    if event.name and event.name in state.paid_rewards:
        return state
    names = (*state.paid_rewards, event.name) if event.name else state.paid_rewards
    return evolve(
        state,
        cash=Money(state.cash + event.amount),
        rewards=Money(state.rewards + event.amount),
        paid_rewards=names[-_REMEMBERED_REWARDS:],
    )


def _peaked(state: LaneState, event: ev.EquityPeak, _: Micros) -> LaneState:
    known = event.equity if state.peak is None else state.peak
    return evolve(state, peak=max(known, event.equity))


def _loss_limit(state: LaneState, event: ev.LossLimitReached, _: Micros) -> LaneState:
    match event.rule:
        case "max_daily_loss_usd":
            return evolve(state, day_loss=max(state.day_loss, event.lost))
        case "max_drawdown_usd":
            return evolve(state, fallen=max(state.fallen, event.lost))
        case _:
            return _anomaly(state)


def _venue(state: LaneState, event: ev.VenueState, _: Micros) -> LaneState:
    # "degraded" is about our own journal, not about the venue.
    return state if event.state == "degraded" else evolve(state, venue=event.state)


def _reconciled(state: LaneState, event: ev.Reconciled, at: Micros) -> LaneState:
    for gone in event.written_off:
        state = _written_off(state, gone, at)
    if event.adopted:
        state = _put_in(state, event.adopted)
    external: dict[str, Money] = {}
    for theirs in event.external:
        external[theirs.market] = Money(external.get(theirs.market, NO_MONEY) + theirs.cost)
    return evolve(
        state,
        unreconciled=event.stops or None,
        # What could not be read is not gone.
        external=external if event.complete else state.external,
        external_orders=event.external_orders if event.complete else state.external_orders,
        account_cash=state.account_cash if event.cash is None else event.cash,
        reconciled_at=at if event.complete else state.reconciled_at,
    )


def _written_off(state: LaneState, gone: ev.WrittenOff, at: Micros) -> LaneState:
    """Let go of what somebody sold beside the lane, as if the lane had sold it for the proceeds."""
    held = state.position(gone.market, gone.leg)
    if held is None or not 0 < gone.size <= held.size:
        return _anomaly(state)
    basis = Money(held.cost * gone.size // held.size)
    gain = Money(gone.proceeds - basis)
    after = evolve(
        state,
        cash=Money(state.cash + gone.proceeds),
        realised=Money(state.realised + gain),
        last_exit=_with(state.last_exit, gone.market, at),
        last_loss=_lost(state, gone.market, gain, at),
        last_in_family=_with(state.last_in_family, held.family, at),
    )
    return _reduce(after, held, gone.size, basis, gain)


def _put_in(state: LaneState, amount: Money) -> LaneState:
    """Count money that moved beside the lane; it is neither a gain nor a loss."""
    day, peak = state.day, state.peak
    return evolve(
        state,
        cash=Money(state.cash + amount),
        deposits=Money(state.deposits + amount),
        day=None if day is None else Day(day.date, Money(day.equity + amount)),
        peak=None if peak is None else Money(peak + amount),
    )


def _armed(state: LaneState, event: ev.Armed, _: Micros) -> LaneState:
    if not state.live or state.halted is not None or state.unreconciled is not None:
        return _anomaly(state)
    return evolve(state, armed_until=event.expires_at)


def _disarmed(state: LaneState, _event: ev.Disarmed, _: Micros) -> LaneState:
    return evolve(state, armed_until=None)


def _halted(state: LaneState, event: ev.Halt, _: Micros) -> LaneState:
    return evolve(
        state,
        halted=f"{event.by}: {event.reason}",
        flatten=state.flatten or event.flatten,
        armed_until=None,
    )


def _resumed(state: LaneState, _event: ev.Resume, _: Micros) -> LaneState:
    lifted = evolve(state, halted=None, flatten=False, loss_streak=0)
    # Who resumes after a drawdown accepts it: the next one is measured from equity as it is then.
    return evolve(lifted, fallen=NO_MONEY, peak=None) if state.fallen else lifted


def _anomaly(state: LaneState) -> LaneState:
    return evolve(state, anomalies=state.anomalies + 1)


# Each handler takes exactly the class it is filed under; the table is the only place that knows.
_HANDLERS: dict[type[ev.Event], _Handler] = {
    ev.BotStarted: _started,
    ev.DayOpened: _day_opened,
    ev.OrderIntent: _intended,
    ev.OrderAccepted: _accepted,
    ev.OrderRejected: _rejected,
    ev.OrderUnknown: _unknown,
    ev.OrderCancelled: _cancelled,
    ev.Fill: _also_late(_fill),
    ev.FillSettled: _also_late(_fill_settled),
    ev.FillReversed: _also_late(_fill_reversed),
    ev.MarketResolved: _resolved,
    ev.PositionMarked: _marked,
    ev.Merged: _also_late(_merged),
    ev.Reward: _rewarded,
    ev.EquityPeak: _peaked,
    ev.LossLimitReached: _loss_limit,
    ev.VenueState: _venue,
    ev.Reconciled: _reconciled,
    ev.Armed: _armed,
    ev.Disarmed: _disarmed,
    ev.Halt: _halted,
    ev.Resume: _resumed,
}
