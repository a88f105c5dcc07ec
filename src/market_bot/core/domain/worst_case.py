"""What an event can still cost in the worst case, over every way in which it may end.

What is lost is counted from what the open contracts cost, before fees already paid; a negative
number is a gain that is certain. Three things are up to an adversary:

- How the event ends. If at most one of its markets can end YES, at most one does; if it is proven
  besides that one must, one does. Or the event is void, and every contract of either leg pays half
  a dollar. Without such terms every market ends by itself, YES, NO or at any value between them,
  since what a market costs is convex in what it pays.
- Whether what waits gets filled: each live entry fills in full where that costs, and not where it
  would help; so does a live sale, which may take a hedge away.
- Whether what is provisional stays: a purchase that would help is undone, and a sale counts as not
  made wherever the contracts would lose.

What each market can cost is added up (`Stakes`), so that n markets need n steps and not 2^n.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import EventTerms, Leg
from market_bot.core.domain.numbers import NO_MONEY, ONE_DOLLAR, Money
from market_bot.core.domain.orders import Order, Purpose
from market_bot.core.domain.signals import Draft

_HALF: Final = ONE_DOLLAR // 2


@attrs.frozen
class Stakes:
    """What one market costs if it ends NO, void and YES, in dollars (1e-12); gains are negative."""

    no: Money
    void: Money
    yes: Money

    def plus(self, other: Stakes) -> Stakes:
        """Return both together."""
        return Stakes(
            Money(self.no + other.no), Money(self.void + other.void), Money(self.yes + other.yes)
        )

    def at_worst(self) -> Stakes:
        """Return the same where it costs, and nothing where it would help."""
        return Stakes(max(NO_MONEY, self.no), max(NO_MONEY, self.void), max(NO_MONEY, self.yes))


def held(leg: Leg, size: int, cost: int) -> Stakes:
    """Return the stakes of contracts that are there, whatever happens."""
    full, half = Money(cost - ONE_DOLLAR * size), Money(cost - _HALF * size)
    lost = Money(cost)
    return Stakes(lost, half, full) if leg is Leg.YES else Stakes(full, half, lost)


def perhaps_held(leg: Leg, size: int, cost: int) -> Stakes:
    """Return the stakes of contracts that are there only where they cost."""
    return held(leg, size, cost).at_worst()


def perhaps_sold(leg: Leg, size: int, proceeds: int) -> Stakes:
    """Return what it costs to have sold contracts, only where keeping them would have been better.

    Selling them for ``proceeds`` is owing them: the opposite of having bought at that price.
    """
    bought = held(leg, size, proceeds)
    return Stakes(Money(-bought.no), Money(-bought.void), Money(-bought.yes)).at_worst()


def stakes_of(positions: Iterable[Position], orders: Iterable[Order]) -> dict[str, Stakes]:
    """Return the stakes by market of what is held, waits or is provisional."""
    stakes: dict[str, Stakes] = {}
    for position in positions:
        # Rounded up: the settled part never looks cheaper than it was.
        doubtful = position.cost * position.provisional // position.size
        sure = held(position.leg, position.settled, position.cost - doubtful)
        _add(stakes, position.market, sure)
        if position.provisional:
            maybe = perhaps_held(position.leg, position.provisional, doubtful)
            _add(stakes, position.market, maybe)
    for order in orders:
        for part in _parts(order):
            _add(stakes, order.market, part)
    return stakes


def with_entry(stakes: Mapping[str, Stakes], draft: Draft) -> dict[str, Stakes]:
    """Return the stakes as they are once an entry is a live order."""
    after, signal = dict(stakes), draft.signal
    _add(after, signal.market, perhaps_held(signal.leg, draft.size, draft.worst_cost))
    return after


def worst_loss(stakes: Mapping[str, Stakes], terms: EventTerms) -> Money:
    """Return the most that can be lost over all the ways the event may end.

    Terms that do not name every market at stake say nothing about how they end together.
    """
    if not terms.at_most_one or not stakes.keys() <= terms.markets:
        return Money(sum(max(market.no, market.yes) for market in stakes.values()))
    all_no = sum(market.no for market in stakes.values())
    won = max((market.yes - market.no for market in stakes.values()), default=0)
    if not (terms.exhaustive and stakes and stakes.keys() == terms.markets):
        # None of these markets need be YES.
        won = max(0, won)
    return Money(max(all_no + won, sum(market.void for market in stakes.values())))


def _parts(order: Order) -> Iterable[Stakes]:
    remaining = order.working
    if order.purpose is Purpose.ENTRY:
        if remaining:
            yield perhaps_held(order.leg, remaining, order.reserved)
        return
    if remaining:
        fee = -(-order.fee_bound * remaining // order.size)
        yield perhaps_sold(order.leg, remaining, order.price * remaining - fee)
    for fill in order.fills:
        if fill.provisional:
            yield perhaps_held(order.leg, fill.size, fill.basis)


def _add(stakes: dict[str, Stakes], market: str, more: Stakes) -> None:
    known = stakes.get(market)
    stakes[market] = more if known is None else known.plus(more)
