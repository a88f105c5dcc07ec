"""What an exit is: a question asked of every open position, whatever strategy opened it.

An exit looks at one position in one market at one tick. What it has to remember from tick to tick
it says in a `Memory`, which is written to the journal and comes back with the position: after a
restart the same exits are due as if there had been none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    CERTAIN,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Probability,
)
from market_bot.core.domain.orders import Order, Purpose, Style
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.view import MarketView, View
from market_bot.core.domain.wishes import fee_per_contract, hit_price, wish


@attrs.frozen
class Memory:
    """What exits know of the past of a position; see `market_bot.core.domain.lane.Position`."""

    high: Price | None = None
    armed_at: Micros | None = None


@attrs.frozen(kw_only=True)
class Held:
    """A position at one tick, with its market and what is remembered of it."""

    position: Position
    seen: MarketView
    as_of: Micros
    memory: Memory

    @property
    def bid(self) -> Price | None:
        """The best price one contract can be sold at, or None without a buyer."""
        return self.seen.sell_price(self.position.leg)

    @property
    def mid(self) -> Price | None:
        """The midpoint in the leg's own dollars, or None without both sides."""
        return self.seen.mid(self.position.leg)

    def gain(self, at: Price) -> Money:
        """Return what a sale of everything at a price would bring beyond its cost, before fees."""
        return Money(at * self.position.size - self.position.cost)

    def whole(self, per_contract: Price) -> Money:
        """Return an amount per contract, for all contracts."""
        return Money(per_contract * self.position.size)

    def quiet_for(self, span: Duration) -> bool:
        """Tell whether the position was not marked for so long."""
        return self.as_of - self.position.marked_at >= span


Check = Callable[[Any, Any, Any], None]
Due = Callable[[Held, Any], bool]
Remember = Callable[[Held, Any], Memory]


def nothing_new(held: Held, _params: object) -> Memory:
    """Remember what is remembered already."""
    return held.memory


@attrs.frozen(kw_only=True)
class ExitRule:
    """A named way out.

    Args:
        name: its section in ``exits:`` of the configuration, and the reason in the journal.
        summary: one sentence for people.
        params: frozen attrs class of its parameters, each a `knob` or `fixed`.
        due: pure; tells whether everything should be sold now. Only asked in a market that trades.
        remember: pure; what is to be known at the next tick.

    """

    name: str
    summary: str
    params: type[Any]
    due: Due
    remember: Remember = nothing_new


@attrs.frozen(kw_only=True)
class ActiveExit:
    """An exit with the parameters it runs with."""

    rule: ExitRule
    params: Any


@attrs.frozen(kw_only=True)
class Exits:
    """All exits of a lane, the first that is due gives the reason.

    Args:
        active: the exits that are on.
        style: taker sells at the bid; maker asks for the best ask first, and takes the bid when
            nobody paid that for as long as ``patience``.
        patience: how long an unfilled sale may live.
        strategies_exclude: positions of these strategies are left to them.

    """

    active: tuple[ActiveExit, ...] = ()
    style: Style = Style.TAKER
    patience: Duration = attrs.field(default=Duration(10 * SECOND))
    strategies_exclude: tuple[str, ...] = ()

    def watched(self, positions: Iterable[Position]) -> list[Position]:
        """Return the positions that some exit looks at."""
        if not self.active:
            return []
        return [p for p in positions if p.strategy not in self.strategies_exclude]


def held_now(view: View, positions: Iterable[Position]) -> Iterator[Held]:
    """Yield the positions of an event whose markets trade."""
    markets: Mapping[str, MarketView] = {seen.market.id: seen for seen in view.markets}
    for position in positions:
        seen = markets.get(position.market)
        if seen is None or not seen.tradable:
            continue
        memory = Memory(position.high, position.armed_at)
        yield Held(position=position, seen=seen, as_of=view.as_of, memory=memory)


def remembered(exits: Exits, held: Held) -> Memory:
    """Return what all exits together want to know of a position at the next tick."""
    for active in exits.active:
        held = attrs.evolve(held, memory=active.rule.remember(held, active.params))
    return held.memory


def way_out(exits: Exits, held: Held, orders: Iterable[Order]) -> Signal | None:
    """Return the sale of a whole position if an exit is due and somebody could buy.

    Args:
        exits: what is on.
        held: the position.
        orders: live orders and those finished lately; they show whether resting was in vain.

    """
    reason = next((a.rule.name for a in exits.active if a.rule.due(held, a.params)), None)
    at = hit_price(held.seen, held.position.leg)
    if reason is None or at is None:
        return None
    style = Style.TAKER
    if exits.style is Style.MAKER and not _waited(exits, held, orders):
        resting = _resting_price(held)
        if resting is not None:
            style, at = Style.MAKER, resting
    leg = held.position.leg
    middle = held.mid
    return wish(
        held.seen,
        leg,
        Purpose.EXIT,
        style=style,
        at=at,
        belief=_probability(at if middle is None else middle),
        cost=fee_per_contract(held.seen.market, at, style, selling=True),
        patience=exits.patience,
        reason=reason,
    )


def _resting_price(held: Held) -> Price | None:
    """Return the best ask, or None where a resting sale would take or has no price."""
    bid, ask = held.bid, held.seen.buy_price(held.position.leg)
    if bid is None or ask is None or ask <= bid:
        return None
    at = held.seen.market.ceil_to_tick(ask)
    return at if held.seen.market.on_grid(at) else None


def _waited(exits: Exits, held: Held, orders: Iterable[Order]) -> bool:
    """Tell whether a sale of this leg rested in vain, so that it is time to take the bid.

    Once it has ended that holds for as long as it was allowed to live, then resting is worth
    another try.
    """
    now, leg = held.as_of, held.position.leg
    return any(
        now >= order.created_at + exits.patience
        if order.state.live
        else now < order.expires_at + exits.patience
        for order in orders
        if _was_resting(order, held.position.market, leg)
        and order.created_at >= held.position.opened_at
    )


def _was_resting(order: Order, market: str, leg: Leg) -> bool:
    return (
        order.market == market
        and order.leg is leg
        and order.purpose is Purpose.EXIT
        and order.style is Style.MAKER
    )


def _probability(at: Price) -> Probability:
    # A price says what the market believes; exits have no belief of their own.
    return Probability(CERTAIN * max(0, min(at, ONE_DOLLAR)) // ONE_DOLLAR)


# -- what a person may set; the bounds of a knob are narrower and bind proposals only ------------


def within(low: int, high: int) -> Check:
    """Return a check that a whole number is from ``low`` to ``high``."""

    def check(_: object, __: object, value: int) -> None:
        if not low <= value <= high:
            msg = f"must be from {low} to {high}, was {value}"
            raise ValueError(msg)

    return check


def a_price(_: object, __: object, value: int | None) -> None:
    """Check that a price or distance, if there is one, is above 0 and at most 1 dollar."""
    if value is not None and not 0 < value <= ONE_DOLLAR:
        msg = "must be above 0 and at most 1 dollar"
        raise ValueError(msg)


def not_below_zero(_: object, __: object, value: int) -> None:
    """Check that a distance is from 0 to 1 dollar."""
    if not 0 <= value <= ONE_DOLLAR:
        msg = "must be from 0 to 1 dollar"
        raise ValueError(msg)
