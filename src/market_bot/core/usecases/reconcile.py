"""Compare what the journal says of an account with what the venue says.

Nothing is concluded from silence: an order is gone only if the venue says so, or if it was looked
for one by one after it had to be over. A picture with a part missing concludes nothing at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

import attrs

from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Money,
    Size,
    format_money,
    format_size,
)
from market_bot.core.domain.orders import Order, OrderState, Purpose
from market_bot.core.domain.portfolio import VenueCapabilities
from market_bot.core.ports.account import AccountPicture, FillThere, OrderThere, Standing
from market_bot.core.ports.execution import Cancelled, Confirmed, Fact, Filled, Refused

# What a venue's lists show lags behind what it has done; younger orders are left alone.
PROTECTED: Final = Duration(10 * SECOND)
# How long after its expiry an order that nobody has seen is given up.
GRACE: Final = Duration(30 * SECOND)
_NEVER_SEEN: Final = frozenset({OrderState.INTENDED, OrderState.UNKNOWN})
# A cent for what the venue rounds, in dollars (1e-12).
_CASH_SLACK: Final = Money(10**10)


@attrs.frozen(kw_only=True)
class Comparison:
    """What follows from a picture of the account.

    Args:
        facts: what the journal does not know yet, in the order in which it has to learn it.
        doubts: our names of orders whose fate is still open.
        differences: what still disagrees once the facts are told, a line each for people.
        external_orders: how many orders rest there that are not ours.
        external_positions: markets in which more, or other, is held than the journal knows.
        external: what all of this may cost at worst, by market.
        less: what the journal holds and the venue does not, by market and leg.
        complete: whether everything could be read; if not, there are no facts and differences.

    """

    facts: tuple[Fact, ...] = ()
    doubts: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    external_orders: int = 0
    external_positions: tuple[str, ...] = ()
    external: Mapping[str, Money] = attrs.field(factory=dict)
    less: Mapping[tuple[str, Leg], Size] = attrs.field(factory=dict)
    complete: bool = True

    @property
    def agrees(self) -> bool:
        """Whether the venue and the journal tell the same story."""
        return self.complete and not self.differences and not self.external_positions


def compare(
    state: LaneState,
    picture: AccountPicture,
    abilities: VenueCapabilities,
    now: Micros,
    moving: Collection[str] = (),
) -> Comparison:
    """Return what a lane has to learn from a picture of its account, and what disagrees.

    Args:
        state: what the journal says.
        picture: what the venue says.
        abilities: how the venue counts pairs of YES and NO and the money of waiting orders.
        now: the present moment.
        moving: markets in which something traded so short a time before the picture, or after
            it, that it need not show it; what is held there is not compared, nor is the cash.

    """
    if picture.missing:
        doubts = tuple(o.intent for o in state.orders.values() if o.state in _NEVER_SEEN)
        return Comparison(doubts=doubts, complete=False)
    fills = _new_fills(state, picture)
    fates = [
        _fate(order, picture, fills.pop(order.intent, ()), now) for order in state.orders.values()
    ]
    facts = [fact for fate in fates for fact in fate.facts]
    facts += [_filled(intent, fill) for intent, late in fills.items() for fill in late]
    less, external = _positions(state, facts, picture, abilities, moving)
    cash = () if moving else _cash(state, facts, picture, abilities)
    differences = [fate.difference for fate in fates if fate.difference is not None]
    return Comparison(
        facts=tuple(facts),
        doubts=tuple(fate.intent for fate in fates if fate.doubt),
        differences=(*differences, *(one.line for one in less), *cash),
        external_orders=len(_external_orders(state, picture)),
        external_positions=external,
        external=_at_stake(state, facts, picture, external),
        less={(one.market, one.leg): one.size for one in less},
    )


@attrs.frozen(kw_only=True)
class _Fate:
    """What a picture says about one order of ours."""

    intent: str
    facts: tuple[Fact, ...] = ()
    doubt: bool = False
    difference: str | None = None


def _fate(order: Order, picture: AccountPicture, fills: Iterable[FillThere], now: Micros) -> _Fate:
    there = next((o for o in picture.orders if _is(order, o)), None)
    traded: tuple[Fact, ...] = tuple(_filled(order.intent, fill) for fill in fills)
    if there is None:
        return _absent(order, picture, traded, now)
    seen: tuple[Fact, ...] = ()
    if order.state in _NEVER_SEEN:
        seen = (Confirmed(order.intent, there.venue_order),)
    total = order.filled + order.undone + sum(f.size for f in traded if isinstance(f, Filled))
    if there.filled > total:
        # The list of orders is ahead of the list of fills, or fills are lost.
        if _young(order, now):
            return _Fate(intent=order.intent, facts=(*seen, *traded), doubt=True)
        known, more = format_size(Size(total)), format_size(there.filled)
        return _Fate(
            intent=order.intent,
            facts=(*seen, *traded),
            doubt=True,
            difference=f"{order.intent}: {more} filled there, {known} told",
        )
    over: tuple[Fact, ...] = ()
    if there.standing in (Standing.CANCELLED, Standing.FILLED) and total < order.size:
        over = (Cancelled(order.intent, f"{there.standing.value} at the venue"),)
    return _Fate(
        intent=order.intent,
        facts=(*seen, *traded, *over),
        doubt=there.standing is Standing.UNCLEAR,
    )


def _absent(order: Order, picture: AccountPicture, traded: tuple[Fact, ...], now: Micros) -> _Fate:
    """Say what can be said of an order that is in none of the venue's lists."""
    finished = order.state not in (*_NEVER_SEEN, OrderState.ACCEPTED)
    if finished or traded:
        # A trade proves the order; what remains of it is looked for the next time.
        return _Fate(intent=order.intent, facts=traded, doubt=bool(traded) and not finished)
    proven = order.intent in picture.looked_for and now > order.expires_at + GRACE
    if not proven or _young(order, now):
        return _Fate(intent=order.intent, doubt=True)
    if order.state in _NEVER_SEEN and not order.fills:
        return _Fate(intent=order.intent, facts=(Refused(order.intent, "never_arrived"),))
    return _Fate(intent=order.intent, facts=(Cancelled(order.intent, "not_at_the_venue"),))


def _young(order: Order, now: Micros) -> bool:
    return now - order.created_at < PROTECTED


def _is(order: Order, there: OrderThere) -> bool:
    if there.intent is not None:
        return there.intent == order.intent
    return bool(order.venue_order) and there.venue_order == order.venue_order


def _owner(state: LaneState, intent: str | None, venue_order: str) -> Order | None:
    """Return the order of ours a venue's record belongs to, live or finished of late."""
    if intent is not None:
        return state.order(intent)
    known = (*state.orders.values(), *state.finished.values())
    return next((o for o in known if o.venue_order and o.venue_order == venue_order), None)


def _new_fills(state: LaneState, picture: AccountPicture) -> dict[str, list[FillThere]]:
    """Return the trades of our orders that the journal does not know, by order, oldest first."""
    new: dict[str, list[FillThere]] = {}
    for fill in sorted(picture.fills, key=lambda f: (f.at, f.fill)):
        order = _owner(state, fill.intent, fill.venue_order)
        told = new.get(order.intent, []) if order is not None else []
        if order is None or order.knows(fill.fill) or any(f.fill == fill.fill for f in told):
            continue
        new.setdefault(order.intent, []).append(fill)
    return new


def _filled(intent: str, fill: FillThere) -> Filled:
    return Filled(
        intent=intent,
        fill=fill.fill,
        price=fill.price,
        size=fill.size,
        cost=fill.cost,
        fee=fill.fee,
        liquidity=fill.liquidity,
        at=fill.at,
        provisional=fill.provisional,
    )


def _external_orders(state: LaneState, picture: AccountPicture) -> list[OrderThere]:
    return [
        there
        for there in picture.orders
        if there.standing is Standing.RESTING
        and _owner(state, there.intent, there.venue_order) is None
    ]


def _at_stake(
    state: LaneState, facts: Iterable[Fact], picture: AccountPicture, markets: Collection[str]
) -> dict[str, Money]:
    """Return what others may lose: what they paid, and a dollar per contract they wait for.

    What an order of somebody else may cost is not told; no contract costs more than a dollar.
    """
    stake: dict[str, int] = {}
    here = _held(state, facts)
    for held in picture.positions:
        more = held.size - max(0, here.get((held.market, held.leg), 0))
        if held.market in markets and more > 0:
            share = -(-held.cost * more // held.size)
            stake[held.market] = stake.get(held.market, 0) + max(0, share)
    for order in _external_orders(state, picture):
        waiting = ONE_DOLLAR * max(0, order.size - order.filled)
        stake[order.market] = stake.get(order.market, 0) + waiting
    return {market: Money(amount) for market, amount in sorted(stake.items())}


@attrs.frozen
class _Less:
    """What is held less of a leg than the journal says, and a line about it."""

    market: str
    leg: Leg
    size: Size
    line: str


def _positions(
    state: LaneState,
    facts: Iterable[Fact],
    picture: AccountPicture,
    abilities: VenueCapabilities,
    moving: Collection[str],
) -> tuple[tuple[_Less, ...], tuple[str, ...]]:
    """Return where less is held than the journal says, and markets with more or other."""
    here = _held(state, facts)
    there: dict[tuple[str, Leg], int] = {}
    for position in picture.positions:
        _add(there, position.market, position.leg, position.size)
    if abilities.nets_yes_no:
        here, there = _netted(here), _netted(there)
    less, more = [], []
    for market, leg in sorted({*here, *there}, key=lambda key: (key[0], key[1].value)):
        if market in moving:
            continue
        mine, theirs = here.get((market, leg), 0), there.get((market, leg), 0)
        if theirs < mine:
            there_text, here_text = format_size(Size(theirs)), format_size(Size(mine))
            line = f"{market} {leg.value}: {there_text} held there, {here_text} in the journal"
            less.append(_Less(market, leg, Size(mine - theirs), line))
        elif theirs > mine:
            more.append(market)
    return tuple(less), tuple(dict.fromkeys(more))


def _held(state: LaneState, facts: Iterable[Fact]) -> dict[tuple[str, Leg], int]:
    """Return what is held of every leg once the facts are told."""
    held: dict[tuple[str, Leg], int] = {}
    for position in state.positions.values():
        _add(held, position.market, position.leg, position.size)
    for order, fact in _trades(state, facts):
        sign = 1 if order.purpose is Purpose.ENTRY else -1
        _add(held, order.market, order.leg, sign * fact.size)
    return held


def _trades(state: LaneState, facts: Iterable[Fact]) -> Iterator[tuple[Order, Filled]]:
    for fact in facts:
        order = state.order(fact.intent) if isinstance(fact, Filled) else None
        if isinstance(fact, Filled) and order is not None:
            yield order, fact


def _add(sizes: dict[tuple[str, Leg], int], market: str, leg: Leg, size: int) -> None:
    sizes[market, leg] = sizes.get((market, leg), 0) + size


def _netted(sizes: Mapping[tuple[str, Leg], int]) -> dict[tuple[str, Leg], int]:
    """Return what is left of each market once its pairs of YES and NO are paid."""
    left = {}
    for market in {market for market, _ in sizes}:
        net = sizes.get((market, Leg.YES), 0) - sizes.get((market, Leg.NO), 0)
        if net:
            left[market, Leg.YES if net > 0 else Leg.NO] = abs(net)
    return left


def cash_of(state: LaneState, facts: Iterable[Fact], abilities: VenueCapabilities) -> Money:
    """Return the money a venue has for a lane once the facts are told, waiting orders aside."""
    cash = int(state.cash)
    for order, fact in _trades(state, facts):
        sign = -1 if order.purpose is Purpose.ENTRY else 1
        cash += sign * fact.cost - fact.fee
    if abilities.nets_yes_no:
        # The venue has paid for these pairs already; the journal learns it with the next merge.
        held = _held(state, facts)
        markets = {market for market, _ in held}
        cash += sum(
            ONE_DOLLAR * max(0, min(held.get((market, leg), 0) for leg in Leg))
            for market in markets
        )
    return Money(cash)


def _cash(
    state: LaneState,
    facts: Iterable[Fact],
    picture: AccountPicture,
    abilities: VenueCapabilities,
) -> tuple[str, ...]:
    """Return a line if the money is not what the journal says, but for the venue's rounding."""
    cash = cash_of(state, facts, abilities)
    reserved = sum(order.reserved for order in state.orders.values())
    low = cash - (reserved if abilities.locks_collateral else 0) - _CASH_SLACK
    if low <= picture.cash <= cash + _CASH_SLACK:
        return ()
    here, there = format_money(cash), format_money(picture.cash)
    return (f"cash: {there} there, {here} in the journal",)
