"""How large an entry is when its strategy does not say.

- ``fixed``: always the same dollars.
- ``fixed_contracts``: always the same contracts, for at most ``order`` dollars.
- ``kelly``: a fraction of the stake that makes money grow fastest if the belief is right,
  ``f* = (belief - price) / (1 - price)`` of the free cash (Kelly 1956), with costs counted into
  the price, and for at most ``order`` dollars.

Hard limits are not looked at: an order above one is refused, so that the two are seen to disagree.
"""

from __future__ import annotations

from collections.abc import Callable

from market_bot.core.domain.numbers import (
    CERTAIN,
    NO_MONEY,
    NOTHING,
    ONE_DOLLAR,
    Money,
    Price,
    Probability,
    Size,
)
from market_bot.core.domain.orders import Style
from market_bot.core.domain.settings import Sizing, SizingMethod
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.view import MarketView


def entry_size(
    sizing: Sizing, signal: Signal, seen: MarketView, free_cash: Callable[[], Money]
) -> Size:
    """Return the size of an entry before it is rounded to what the market trades.

    Args:
        sizing: what a person decided.
        signal: the wish; its own size is not looked at.
        seen: the market, for what is displayed.
        free_cash: asked only where the size depends on it.

    """
    wanted = _affordable(sizing, signal, free_cash)
    if sizing.max_depth_share is None or signal.style is not Style.TAKER:
        return wanted
    shown = seen.depth(signal.leg)
    return Size(min(wanted, shown * sizing.max_depth_share // CERTAIN))


def _affordable(sizing: Sizing, signal: Signal, free_cash: Callable[[], Money]) -> Size:
    most = _bought(sizing.order, signal.price)
    match sizing.method:
        case SizingMethod.FIXED:
            return most
        case SizingMethod.FIXED_CONTRACTS:
            return Size(min(most, sizing.contracts or NOTHING))
        case SizingMethod.KELLY:
            stake = kelly_stake(signal, sizing.kelly_fraction, free_cash())
            return Size(min(most, _bought(stake, _all_in(signal))))


def kelly_stake(signal: Signal, fraction: Probability, free_cash: Money) -> Money:
    """Return the dollars to stake: nothing without an edge after costs, never more than there is.

    Exact in whole units, so that no machine rounds it differently.
    """
    at = _all_in(signal)
    edge = signal.belief - at
    if edge <= 0 or at >= ONE_DOLLAR or free_cash <= 0:
        return NO_MONEY
    return Money(free_cash * fraction * edge // ((ONE_DOLLAR - at) * CERTAIN))


def _all_in(signal: Signal) -> Price:
    # What a contract really costs; a reward hoped for makes nothing cheaper.
    return Price(signal.price + max(0, signal.cost))


def _bought(stake: Money, at: Price) -> Size:
    return Size(stake // max(1, at))
