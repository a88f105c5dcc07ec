"""What a venue charges for a trade, as pure functions of its published formulas.

Kalshi (fee schedule as documented in August 2026): ``rate * C * P * (1 - P)`` rounded up to
1e-6 dollar per fill, then the cash that moves is rounded against the customer to 1e-4 dollar
(the precision of direct members). What that takes is carried from fill to fill of an order, and
whole steps of it come back. Polymarket (fee page as of July 2026): takers pay
``shares * rate * (p * (1 - p)) ** exponent`` rounded to 1e-5 dollar; makers pay nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, assert_never

import attrs

from market_bot.core.domain.market import FeeModel, FeeSchedule
from market_bot.core.domain.numbers import NO_MONEY, ONE_DOLLAR, Money, Price, Size
from market_bot.core.domain.orders import Style

_KALSHI_FEE_GRID: Final = 10**6
_KALSHI_CASH_GRID: Final = 10**8
_POLYMARKET_GRID: Final = 10**7
_BOUND_SLACK: Final = Money(10**10)


def fee(
    schedule: FeeSchedule, price: Price, size: Size, liquidity: Style, *, selling: bool
) -> Money:
    """Return the fee of one fill in dollars (1e-12), never negative.

    Args:
        schedule: the market's own schedule.
        price: the traded price in the leg's own dollars.
        size: contracts traded.
        liquidity: whether the fill took or made.
        selling: whether cash came in (the venue rounds the cash flow against us).

    """
    rate = schedule.taker_rate if liquidity is Style.TAKER else schedule.maker_rate
    if rate <= 0 or size <= 0:
        return NO_MONEY
    match schedule.model:
        case FeeModel.NONE:
            return NO_MONEY
        case FeeModel.KALSHI_QUADRATIC:
            return _kalshi(rate, price, size, selling=selling)
        case FeeModel.POLYMARKET_CURVE:
            return _polymarket(rate, price, size, schedule.exponent)
        case _:
            assert_never(schedule.model)


@attrs.frozen(kw_only=True)
class Traded:
    """One fill of an order, for its fee: see `fee`."""

    price: Price
    size: Size
    liquidity: Style


def fees_of_order(
    schedule: FeeSchedule, fills: Iterable[Traded], *, selling: bool
) -> tuple[Money, ...]:
    """Return the fee of each fill of one order, in the order in which they happened.

    On Kalshi what rounding took from the fills of an order is carried, takers' and makers' alike;
    as soon as it comes to a step of 1e-4 dollar, that much less is charged. No fee is negative.
    Elsewhere each fill stands alone.

    Args:
        schedule: the market's own schedule.
        fills: all fills of the order, oldest first.
        selling: whether cash came in.

    """
    if schedule.model is not FeeModel.KALSHI_QUADRATIC:
        return tuple(
            fee(schedule, one.price, one.size, one.liquidity, selling=selling) for one in fills
        )
    charged: list[Money] = []
    carried = 0
    for one in fills:
        rate = schedule.taker_rate if one.liquidity is Style.TAKER else schedule.maker_rate
        due = _kalshi(rate, one.price, one.size, selling=selling)
        carried += due - _kalshi_trade_fee(rate, one.price, one.size)
        rebate = min(carried, due) // _KALSHI_CASH_GRID * _KALSHI_CASH_GRID
        carried -= rebate
        charged.append(Money(due - rebate))
    return tuple(charged)


def fee_bound(schedule: FeeSchedule, limit: Price, size: Size) -> Money:
    """Return a fee no order at this limit can exceed: taker rate at the dearest price it may meet.

    Buying at most at ``limit`` may fill anywhere below it, and p(1-p) peaks at one half; a cent
    covers the rounding of many small fills. A sale above its limit may cost a higher fee, but
    never by as much as it brings more.
    """
    if schedule.model is FeeModel.NONE or max(schedule.taker_rate, schedule.maker_rate) <= 0:
        return NO_MONEY
    style = Style.TAKER if schedule.taker_rate >= schedule.maker_rate else Style.MAKER
    worst = Price(min(limit, ONE_DOLLAR // 2))
    return Money(fee(schedule, worst, size, style, selling=False) + _BOUND_SLACK)


def _kalshi(rate: int, price: Price, size: Size, *, selling: bool) -> Money:
    trade_fee = _kalshi_trade_fee(rate, price, size)
    moved = price * size
    if selling:
        kept = (moved - trade_fee) // _KALSHI_CASH_GRID * _KALSHI_CASH_GRID
        return Money(moved - kept)
    paid = -(-(moved + trade_fee) // _KALSHI_CASH_GRID) * _KALSHI_CASH_GRID
    return Money(paid - moved)


def _kalshi_trade_fee(rate: int, price: Price, size: Size) -> Money:
    # rate, size, price and its complement are all 1e-6: the product is 1e-24 dollar.
    exact = rate * size * price * (ONE_DOLLAR - price)
    trade_fee = -(-exact // (10**12 * _KALSHI_FEE_GRID)) * _KALSHI_FEE_GRID
    return Money(trade_fee)


def _polymarket(rate: int, price: Price, size: Size, exponent: int) -> Money:
    variance = price * (ONE_DOLLAR - price)
    exact = rate * size * variance**exponent
    # Scale 1e-12 for rate and size, 1e-12 per power of the variance.
    unit = 10 ** (12 * exponent) * _POLYMARKET_GRID
    steps = (2 * exact + unit) // (2 * unit)
    if exact > 0:
        steps = max(1, steps)
    return Money(steps * _POLYMARKET_GRID)
