"""An order's life: a state machine in which doubt is a state and nothing ever goes backwards.

::

    INTENDED ──► ACCEPTED ──► FILLED
       │  │          │
       │  │          └──────► CANCELLED   (also expired; later fills still count)
       │  └──► UNKNOWN ──► any of the others, by proof only
       └─────► REJECTED                   (a fill afterwards reopens it as UNKNOWN)

An order that is INTENDED, ACCEPTED or UNKNOWN is *live*: it keeps its risk reservation.
"""

from __future__ import annotations

from enum import Enum

import attrs

from market_bot.core.domain.evolve import evolve
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import NOTHING, Micros, Money, Price, Size


class Purpose(Enum):
    """Why an order exists: to open a position or to reduce one."""

    ENTRY = "entry"
    EXIT = "exit"

    # Part of many keys; the members are alone in their value.
    __hash__ = object.__hash__


class Style(Enum):
    """How an order wants to trade: rest and wait, or take what is displayed."""

    MAKER = "maker"
    TAKER = "taker"


class OrderState(Enum):
    """What is known about an order."""

    INTENDED = "intended"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"

    live: bool
    """Whether the order may still fill as far as we know."""

    # Asked for every order at every tick: kept with the members, which are alone in their value.
    __hash__ = object.__hash__

    def __init__(self, word: str) -> None:
        self.live = word in ("intended", "accepted", "unknown")


@attrs.frozen(kw_only=True, slots=False)
class Closed:
    """What a position had behind it when a sale closed it, without that sale.

    ``realised`` and ``fees`` are those of its whole life so far; ``opened_at`` is its beginning.
    """

    opened_at: Micros
    realised: Money
    fees: Money


@attrs.frozen(slots=False)
class OrderFill:
    """One fill of an order, as the venue told it; kept until the order is forgotten.

    ``basis`` is what the contracts had cost; ``closed`` is set if the fill left nothing of a
    position.
    """

    id: str
    size: Size
    cost: Money
    fee: Money
    basis: Money
    provisional: bool
    closed: Closed | None = None


@attrs.frozen(kw_only=True, slots=False)
class Order:
    """What the journal says about one intent; every field is a fact or follows from facts."""

    intent: str
    signal: str
    strategy: str
    market: str
    event: str
    family: str
    leg: Leg
    purpose: Purpose
    style: Style
    price: Price
    size: Size
    fee_bound: Money
    expires_at: Micros
    created_at: Micros
    state: OrderState = OrderState.INTENDED
    venue_order: str = ""
    filled: Size = NOTHING
    fills: tuple[OrderFill, ...] = ()
    undone: Size = NOTHING

    @property
    def remaining(self) -> Size:
        """The size not traded yet; what was undone does not work again; never negative."""
        return Size(max(0, self.size - self.filled - self.undone))

    @property
    def working(self) -> Size:
        """The size that may still fill: the remainder while live, else nothing."""
        return self.remaining if self.state.live else Size(0)

    @property
    def reserved(self) -> Money:
        """The worst an entry can still cost: remainder at the limit plus its share of the fee."""
        if self.purpose is Purpose.EXIT or not self.state.live or not self.size:
            return Money(0)
        fee = -(-self.fee_bound * self.remaining // self.size)
        return Money(self.price * self.remaining + fee)

    def knows(self, fill: str) -> bool:
        """Tell whether a fill was counted already; venues repeat themselves."""
        return any(known.id == fill for known in self.fills)


_RANK = {
    OrderState.INTENDED: 0,
    OrderState.UNKNOWN: 1,
    OrderState.ACCEPTED: 2,
    OrderState.REJECTED: 3,
    OrderState.CANCELLED: 3,
    OrderState.FILLED: 4,
}


def accepted(order: Order, venue_order: str) -> Order:
    """Return the order after the venue confirmed it; late news never reopens a finished one."""
    known = evolve(order, venue_order=venue_order or order.venue_order)
    return _advance(known, OrderState.ACCEPTED)


def rejected(order: Order) -> Order:
    """Return the order after a proven refusal; fills already seen outweigh the refusal."""
    if order.filled:
        return _advance(order, OrderState.CANCELLED)
    return _advance(order, OrderState.REJECTED)


def doubted(order: Order) -> Order:
    """Return the order when its fate cannot be told; its reservation stays."""
    return _advance(order, OrderState.UNKNOWN)


def cancelled(order: Order) -> Order:
    """Return the order after the venue proved that nothing more will fill."""
    return _advance(order, OrderState.CANCELLED)


def filled(order: Order, fill: OrderFill) -> Order:
    """Return the order with one more fill; a known fill id changes nothing.

    A fill proves that the order exists: an INTENDED or UNKNOWN order becomes ACCEPTED by it, and
    a REJECTED one UNKNOWN, since the venue contradicts itself.
    """
    if order.knows(fill.id):
        return order
    total = Size(order.filled + fill.size)
    state = order.state
    if state in (OrderState.INTENDED, OrderState.UNKNOWN):
        state = OrderState.ACCEPTED
    elif state is OrderState.REJECTED:
        state = OrderState.UNKNOWN
    if total >= order.size:
        state = OrderState.FILLED
    elif total + order.undone >= order.size and state.live:
        # Nothing is left to trade, and no venue says so of an order that it has filled.
        state = OrderState.CANCELLED
    return evolve(order, filled=total, fills=(*order.fills, fill), state=state)


def settled(order: Order, fill: str) -> Order:
    """Return the order with a provisional fill made final."""
    fills = tuple(evolve(f, provisional=False) if f.id == fill else f for f in order.fills)
    return evolve(order, fills=fills)


def reversed_fill(order: Order, fill: str) -> Order:
    """Return the order after the venue undid a fill; what was undone does not work again."""
    undone = next((f for f in order.fills if f.id == fill), None)
    if undone is None:
        return order
    kept = tuple(
        evolve(
            f,
            size=Size(0),
            cost=Money(0),
            fee=Money(0),
            basis=Money(0),
            provisional=False,
            closed=None,
        )
        if f.id == fill
        else f
        for f in order.fills
    )
    state = OrderState.CANCELLED if order.state is OrderState.FILLED else order.state
    return evolve(
        order,
        filled=Size(order.filled - undone.size),
        fills=kept,
        undone=Size(order.undone + undone.size),
        state=state,
    )


def _advance(order: Order, state: OrderState) -> Order:
    if _RANK[state] <= _RANK[order.state]:
        return order
    return evolve(order, state=state)
