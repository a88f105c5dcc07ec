"""What a lane owns and what it made: pure functions over its state.

Positions are marked at what somebody pays for them now, never at a midpoint. Where nobody bids, a
position is worth nothing, but for the opening of a day, which takes its cost instead: a day must
not begin with a loss that only the missing bid made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import attrs

from market_bot.core.domain.lane import LaneState, Position
from market_bot.core.domain.market import LEGS, Leg
from market_bot.core.domain.numbers import NO_MONEY, NOTHING, Money, Price, Size
from market_bot.core.domain.orders import Purpose

Marks = Callable[[str, Leg], Price | None]
"""Returns what one contract of a leg fetches now, or None without a buyer."""


@attrs.frozen(kw_only=True)
class VenueCapabilities:
    """What a venue does with YES and NO of one market, and with the money of waiting orders.

    Args:
        nets_yes_no: buying the one while holding the other pays a dollar for each pair at once.
        merges: pairs of both become dollars when asked for.
        locks_collateral: a waiting entry takes its money out of the balance.

    """

    nets_yes_no: bool = False
    merges: bool = False
    locks_collateral: bool = False

    @property
    def pairs_pay(self) -> bool:
        """Whether a pair of YES and NO need not wait for the end of its market."""
        return self.nets_yes_no or self.merges


NO_CAPABILITIES: Final = VenueCapabilities()
CAPABILITIES: Final[Mapping[str, VenueCapabilities]] = {
    "kalshi": VenueCapabilities(nets_yes_no=True, locks_collateral=True),
    "polymarket": VenueCapabilities(merges=True),
    "simulated": VenueCapabilities(nets_yes_no=True, locks_collateral=True),
}


def capabilities_of(venue: str) -> VenueCapabilities:
    """Return what a venue can do; nothing is claimed of one that is not known."""
    return CAPABILITIES.get(venue, NO_CAPABILITIES)


@attrs.frozen(kw_only=True)
class Standing:
    """How one position stands, in dollars (1e-12).

    Args:
        position: what is held.
        average: what one contract cost, rounded up to 1e-6 dollar.
        bid: what one contract fetches now, None if nobody bids.
        value: what all of them fetch; nothing if nobody bids.
        unrealised: value less cost.
        realised: the gross gain of what was sold of it.
        fees: what was paid for it.

    """

    position: Position
    average: Price
    bid: Price | None
    value: Money
    unrealised: Money
    realised: Money
    fees: Money


@attrs.frozen(kw_only=True)
class Portfolio:
    """How everything stands; ``equity - deposits == realised + unrealised - fees + rewards``."""

    standings: tuple[Standing, ...]
    cash: Money
    deposits: Money
    basis: Money
    value: Money
    equity: Money
    realised: Money
    unrealised: Money
    fees: Money
    rewards: Money


@attrs.frozen(kw_only=True)
class Pair:
    """YES and NO of one market that can become dollars."""

    market: str
    event: str
    family: str
    size: Size


def average_cost(position: Position) -> Price:
    """Return what one contract cost, without fees, rounded up to 1e-6 dollar."""
    return Price(-(-position.cost // position.size))


def standing_of(position: Position, marks: Marks) -> Standing:
    """Return how a position stands at what is bid for it."""
    bid = marks(position.market, position.leg)
    value = NO_MONEY if bid is None else Money(bid * position.size)
    return Standing(
        position=position,
        average=average_cost(position),
        bid=bid,
        value=value,
        unrealised=Money(value - position.cost),
        realised=position.realised,
        fees=position.fees,
    )


def portfolio_of(state: LaneState, marks: Marks) -> Portfolio:
    """Return how everything stands; what nobody bids for counts as nothing."""
    standings = tuple(standing_of(held, marks) for held in state.positions.values())
    value = Money(sum(standing.value for standing in standings))
    basis = state.basis()
    return Portfolio(
        standings=standings,
        cash=state.cash,
        deposits=state.deposits,
        basis=basis,
        value=value,
        equity=Money(state.cash + value),
        realised=state.realised,
        unrealised=Money(value - basis),
        fees=state.fees,
        rewards=state.rewards,
    )


def equity_of(state: LaneState, marks: Marks, *, unmarked_at_cost: bool = False) -> Money:
    """Return cash plus what positions would fetch now.

    A position nobody bids for counts as nothing, or as its cost if ``unmarked_at_cost``.
    """
    total = int(state.cash)
    for held in state.positions.values():
        bid = marks(held.market, held.leg)
        if bid is not None:
            total += bid * held.size
        elif unmarked_at_cost:
            total += held.cost
    return Money(total)


def balanced(state: LaneState) -> bool:
    """Tell whether every unit of money is accounted for."""
    return (
        state.cash + state.basis() + state.fees - state.realised - state.rewards == state.deposits
    )


def mergeable(state: LaneState) -> Iterator[Pair]:
    """Yield what is held of both legs of a market, is settled, and is not on its way out."""
    for held in state.positions.values():
        if held.leg is Leg.YES and state.position(held.market, Leg.NO) is not None:
            pairs = min(free(state, held.market, leg) for leg in LEGS)
            if pairs > 0:
                yield Pair(market=held.market, event=held.event, family=held.family, size=pairs)


def free(state: LaneState, market: str, leg: Leg) -> Size:
    """Return what is settled of a leg and not already being sold: what may still be sold."""
    held = state.position(market, leg)
    leaving = sum(
        order.working
        for order in state.orders.values()
        if order.purpose is Purpose.EXIT and order.market == market and order.leg is leg
    )
    return Size((NOTHING if held is None else held.settled) - leaving)
