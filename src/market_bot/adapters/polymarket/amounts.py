"""How much an order gives and takes, in whole base units: rounded downwards, never upwards.

A base unit is 1e-6 of a share or of a dollar, which is the core's `Size` and the product of its
`Price` and `Size`. Resting orders carry shares with two decimals, and their product with the price
is exact. Orders that trade at once (FOK, FAK) may carry only two decimals in what they give and
four in what they take (venue's message of 2025, still so in 2026; three at the coarsest tick). So
their price may be off the grid by a hair, against us: a buy by less than the finest tick there is,
since ticks become finer at any time; a sale by less than the market's own, since what is left must
be sold.

The venue reads a buy that trades at once as dollars to spend: at a better price it brings more
shares than were asked for, never for more money.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain.numbers import ONE_DOLLAR, Price, Size, format_price, format_size

TICKS: Final = frozenset(Price(tick) for tick in (100_000, 10_000, 5_000, 2_500, 1_000, 100))
"""The price steps for which the venue publishes a rounding."""

_UNIT: Final = 1_000_000
_FINEST_TICK: Final = min(TICKS)
_SHARES_STEP: Final = 10_000
_GIVEN_STEP: Final = 10_000
_TAKEN_STEP: Final = 100
# The venue's table gives every other tick at least four decimals.
_COARSEST_TICK: Final = max(TICKS)
_COARSEST_TAKEN_STEP: Final = 1_000


class OrderSide(Enum):
    """Whether an order buys or sells a token; each token is bought and sold on its own."""

    BUY = 0
    SELL = 1

    # Part of many keys; the members are alone in their value.
    __hash__ = object.__hash__


class Lifetime(Enum):
    """How long an order works."""

    GTC = "GTC"
    GTD = "GTD"
    FOK = "FOK"
    FAK = "FAK"

    # Part of many keys; the members are alone in their value.
    __hash__ = object.__hash__

    @property
    def immediate(self) -> bool:
        """Whether the order trades at once or not at all."""
        return self in (Lifetime.FOK, Lifetime.FAK)


class AmountsError(ValueError):
    """There are no amounts the venue would take for what was asked."""


@attrs.frozen
class Amounts:
    """What an order gives (``maker``) and takes (``taker``), in base units."""

    maker: int
    taker: int


def amounts(side: OrderSide, price: Price, size: Size, tick: Price, lifetime: Lifetime) -> Amounts:
    """Return the amounts of an order, at most ``size`` shares and at most their cost.

    Args:
        side: buy or sell.
        price: the limit in the token's own dollars.
        size: how many shares at most.
        tick: the market's price step at that price.
        lifetime: orders that trade at once have coarser amounts.

    Raises:
        AmountsError: if the price is off the grid, the tick unknown, or nothing is left after
            rounding.

    """
    if tick not in TICKS:
        msg = f"no rounding is published for the tick {format_price(tick)}"
        raise AmountsError(msg)
    if price % tick or not tick <= price <= ONE_DOLLAR - tick:
        msg = (
            f"price {format_price(price)} is not a multiple of {format_price(tick)}"
            f" between it and {format_price(Price(ONE_DOLLAR - tick))}"
        )
        raise AmountsError(msg)
    shares = size - size % _SHARES_STEP
    if lifetime.immediate:
        found = _immediate(side, price, shares, tick)
    else:
        # Price has at most four decimals and shares two: the product is exact.
        dollars = price * shares // _UNIT
        found = Amounts(dollars, shares) if side is OrderSide.BUY else Amounts(shares, dollars)
    if found.maker <= 0 or found.taker <= 0:
        msg = f"{format_size(size)} shares at {format_price(price)}: nothing left after rounding"
        raise AmountsError(msg)
    return found


def _immediate(side: OrderSide, price: Price, shares: int, tick: Price) -> Amounts:
    step = _COARSEST_TAKEN_STEP if tick == _COARSEST_TICK else _TAKEN_STEP
    if side is OrderSide.BUY:
        dollars = price * shares // _UNIT
        given = dollars - dollars % _GIVEN_STEP
        # Rounded down: one unit more would ask for a price below the limit, and be killed.
        taken = given * _UNIT // price
        taken -= taken % step
        # given / taken < price + tick, without the quotient.
        kept = given * _UNIT < (price + _FINEST_TICK) * taken
    else:
        given = shares
        taken = price * shares // _UNIT
        taken -= taken % step
        kept = taken * _UNIT > (price - tick) * given
    if given and not kept:
        msg = (
            f"{format_size(Size(shares))} shares at {format_price(price)}: too few for an order"
            " that trades at once; rounding would move its price to another tick"
        )
        raise AmountsError(msg)
    return Amounts(given, taken)
