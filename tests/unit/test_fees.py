"""Fees against the venues' published examples."""

import pytest

from market_bot.core.domain.fees import fee, fee_bound
from market_bot.core.domain.market import NO_FEES, FeeModel, FeeSchedule
from market_bot.core.domain.numbers import NO_MONEY, Size, money, price, size
from market_bot.core.domain.orders import Style

KALSHI = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=17_500)
POLYMARKET = FeeSchedule(FeeModel.POLYMARKET_CURVE, taker_rate=50_000)


@pytest.mark.parametrize(
    ("schedule", "at", "quantity", "charged"),
    [
        (KALSHI, "0.52", "1", "0.0175"),
        (KALSHI, "0.99", "1", "0.0007"),
        (KALSHI, "0.50", "100", "1.75"),
        # A trifle more than 0.00007 is owed, so the cash does not end on its grid by itself.
        (KALSHI, "0.113", "0.01", "0.00017"),
        (POLYMARKET, "0.55", "35.44", "0.43857"),
        (POLYMARKET, "0.67", "28.09", "0.31053"),
    ],
)
def test_examples(schedule: FeeSchedule, at: str, quantity: str, charged: str) -> None:
    """A taker pays what the venue's own pages calculate, and what follows from their rules."""
    paid = fee(schedule, price(at), size(quantity), Style.TAKER, selling=False)

    assert money(charged) == paid


def test_makers_pay_their_own_rate() -> None:
    """Resting costs a quarter on Kalshi and nothing on Polymarket."""
    at, quantity = price("0.5"), size("100")

    assert money("0.4375") == fee(KALSHI, at, quantity, Style.MAKER, selling=False)
    assert NO_MONEY == fee(POLYMARKET, at, quantity, Style.MAKER, selling=False)


def test_cash_is_rounded_against_us_both_ways() -> None:
    """Buying rounds what is paid up, selling rounds what is received down."""
    at, quantity = price("0.123"), size("0.01")

    # 0.00123 moves, 0.000076 is owed: 0.0014 is what leaves.
    assert money("0.00017") == fee(KALSHI, at, quantity, Style.TAKER, selling=False)
    # 0.00123 received, 0.000076 owed: 0.0011 is what arrives.
    assert money("0.00013") == fee(KALSHI, at, quantity, Style.TAKER, selling=True)


def test_the_least_polymarket_fee() -> None:
    """A taker pays at least the smallest unit."""
    assert money("0.00001") == fee(
        POLYMARKET, price("0.01"), size("0.001"), Style.TAKER, selling=False
    )


@pytest.mark.parametrize("schedule", [NO_FEES, FeeSchedule(FeeModel.NONE, 70_000, 70_000)])
def test_free_venues(schedule: FeeSchedule) -> None:
    """A venue without fees charges none, whatever its rates say."""
    assert NO_MONEY == fee(schedule, price("0.5"), size("1"), Style.TAKER, selling=False)
    assert NO_MONEY == fee_bound(schedule, price("0.5"), size("1"))


def test_nothing_costs_nothing() -> None:
    """No size, no fee."""
    assert NO_MONEY == fee(KALSHI, price("0.5"), Size(0), Style.TAKER, selling=False)


def test_the_bound_covers_the_peak() -> None:
    """An order with a high limit may fill at one half, where the fee is highest."""
    bound = fee_bound(KALSHI, price("0.9"), size("100"))

    assert fee(KALSHI, price("0.5"), size("100"), Style.TAKER, selling=False) <= bound


def test_the_bound_takes_the_dearer_rate() -> None:
    """Where makers pay more than takers the bound is theirs."""
    odd = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=0, maker_rate=70_000)

    assert money("1.75") <= fee_bound(odd, price("0.5"), size("100"))
