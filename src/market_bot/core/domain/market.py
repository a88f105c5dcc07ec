"""Markets, events and families: what can be traded, on which grid, at which fee schedule."""

from __future__ import annotations

from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain.numbers import ONE_CONTRACT, ONE_DOLLAR, Micros, Money, Price, Size


class Leg(Enum):
    """One side of a binary contract: YES pays a dollar when it happens, NO when it does not."""

    YES = "yes"
    NO = "no"

    # Part of many keys; the members are alone in their value.
    __hash__ = object.__hash__

    @property
    def other(self) -> Leg:
        """The opposite leg."""
        return Leg.NO if self is Leg.YES else Leg.YES


class MarketStatus(Enum):
    """Where a market is in its life, in the words both venues map to."""

    UNOPENED = "unopened"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    DETERMINED = "determined"
    SETTLED = "settled"


@attrs.frozen
class TickBand:
    """Prices from ``start`` to ``end`` (both included) move in steps of ``step``."""

    start: Price
    end: Price
    step: Price = attrs.field()

    @step.validator
    def _positive(self, _: object, value: Price) -> None:
        if value <= 0:
            msg = f"tick step must be positive, was {value}"
            raise ValueError(msg)


WHOLE_CENTS = (TickBand(Price(0), ONE_DOLLAR, Price(10_000)),)
TENTH_CENTS = (TickBand(Price(0), ONE_DOLLAR, Price(1_000)),)


class FeeModel(Enum):
    """Which venue's formula charges the fee; see `fees.py` for sources."""

    NONE = "none"
    KALSHI_QUADRATIC = "kalshi_quadratic"
    POLYMARKET_CURVE = "polymarket_curve"


@attrs.frozen
class FeeSchedule:
    """What a venue charges in one market.

    ``taker_rate`` and ``maker_rate`` are in 1e-6 of a dollar (70_000 is 0.07), already multiplied
    with series or event multipliers; ``exponent`` is used by `FeeModel.POLYMARKET_CURVE` only.
    """

    model: FeeModel = FeeModel.NONE
    taker_rate: int = 0
    maker_rate: int = 0
    exponent: int = 1


NO_FEES = FeeSchedule()


class Condition(Enum):
    """How a market on a reference price is decided against its strike."""

    ABOVE = "above"
    AT_LEAST = "at_least"
    BELOW = "below"
    TOUCH_ABOVE = "touch_above"
    TOUCH_BELOW = "touch_below"


@attrs.frozen(kw_only=True)
class Reward:
    """What a venue pays for resting orders near the middle.

    Args:
        daily: dollars per day shared by all who qualify.
        min_size: the least size that counts.
        max_spread: how far from the midpoint an order may be and still count, in dollars.

    """

    daily: Money
    min_size: Size
    max_spread: Price


@attrs.frozen(kw_only=True)
class Market:
    """One yes/no contract.

    Args:
        venue: the venue's short name ("kalshi", "polymarket", "simulated").
        id: the venue's own stable id (ticker, condition id); titles are never keys.
        event: id of the group of markets one question belongs to; the unit of correlated risk.
        family: series or category of events ("KXHIGHNY", "crypto-5m").
        title: text for people only; untrusted.
        ticks: price grid by band, in ascending order.
        min_size: the least size an order may have.
        size_step: sizes are multiples of this.
        open_at: when trading opens, if known.
        close_at: when trading closes as announced, if known.
        fees: what the venue charges here.
        strike: the reference level of a price market, as the venue prints it, if any.
        reference: name of the reference price that decides it ("BTC-USD"), if any.
        condition: how that price is compared with the strike.
        category: the venue's own broad category.
        at_most_one: whether at most one market of the event can end YES; this says nothing about
            whether one must.
        exhaustive: whether it is *proven* that one market of the event must end YES.
        volume_24h: dollars traded in the last day as the venue tells it, None if it does not.
        liquidity: dollars resting in the book as the venue tells it, None if it does not.
        reward: liquidity reward, if any.

    """

    venue: str
    id: str
    event: str
    family: str
    title: str = ""
    ticks: tuple[TickBand, ...] = WHOLE_CENTS
    min_size: Size = ONE_CONTRACT
    size_step: Size = ONE_CONTRACT
    open_at: Micros | None = None
    close_at: Micros | None = None
    fees: FeeSchedule = NO_FEES
    strike: str | None = None
    reference: str | None = None
    condition: Condition | None = None
    category: str = ""
    at_most_one: bool = False
    exhaustive: bool = False
    volume_24h: Money | None = None
    liquidity: Money | None = None
    reward: Reward | None = None

    def tick_at(self, at: Price) -> Price:
        """Return the step of the band that holds ``at``; the finer one on a shared border.

        Raises:
            ValueError: if no band holds the price.

        """
        steps = [band.step for band in self.ticks if band.start <= at <= band.end]
        if not steps:
            msg = f"{self.id}: no tick band holds price {at}"
            raise ValueError(msg)
        return min(steps)

    def on_grid(self, at: Price) -> bool:
        """Tell whether an order may carry this price: on the grid and inside (0, 1) dollar."""
        if not 0 < at < ONE_DOLLAR:
            return False
        # Asked for every market at every look: a generator would cost more than the question.
        for band in self.ticks:
            if band.start <= at <= band.end and (at - band.start) % band.step == 0:
                return True
        return False

    def floor_to_tick(self, at: Price) -> Price:
        """Return the highest price on the grid that is at most ``at`` (0 if there is none)."""
        best = 0
        for band in self.ticks:
            if band.start <= at:
                top = min(at, band.end)
                best = max(best, top - (top - band.start) % band.step)
        return Price(best)

    def ceil_to_tick(self, at: Price) -> Price:
        """Return the lowest price on the grid that is at least ``at`` (one dollar if none is)."""
        best: int = ONE_DOLLAR
        for band in self.ticks:
            if at <= band.end:
                low = max(at, band.start)
                up = low + (band.start - low) % band.step
                if up <= band.end:
                    best = min(best, up)
        return Price(best)

    def floor_to_step(self, quantity: Size) -> Size:
        """Return the largest tradable size that is at most ``quantity``; 0 below the minimum."""
        stepped = quantity - quantity % self.size_step
        return Size(stepped if stepped >= self.min_size else 0)


@attrs.frozen(kw_only=True)
class EventTerms:
    """What is known about how the markets of an event end together.

    Args:
        markets: the ids of all markets of the event.
        at_most_one: whether at most one of them can end YES.
        exhaustive: whether it is proven that one of them must, unless a market is void.

    """

    markets: frozenset[str] = frozenset()
    at_most_one: bool = False
    exhaustive: bool = False


LEGS: Final = tuple(Leg)
"""Both legs; walking over an Enum makes a generator each time."""

UNKNOWN_TERMS: Final = EventTerms()


@attrs.frozen
class Resolution:
    """How a market ended: what one YES contract pays; one NO contract pays the rest.

    ``yes_payout`` is a dollar for yes, zero for no, and anything between for a void or scalar end.
    """

    market: str
    yes_payout: Price = attrs.field()

    @yes_payout.validator
    def _in_unit_interval(self, _: object, value: Price) -> None:
        if not 0 <= value <= ONE_DOLLAR:
            msg = f"payout outside [0, 1]: {value}"
            raise ValueError(msg)

    def payout(self, leg: Leg) -> Price:
        """Return what one contract of a leg pays."""
        return self.yes_payout if leg is Leg.YES else Price(ONE_DOLLAR - self.yes_payout)
