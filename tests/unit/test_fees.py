"""Fees against the venues' published examples."""

import pytest

from market_bot.core.domain.fees import Traded, fee, fee_bound, fees_of_order
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


def traded(at: str, quantity: str, liquidity: Style = Style.TAKER) -> Traded:
    """Return one fill of an order."""
    return Traded(price=price(at), size=size(quantity), liquidity=liquidity)


def test_what_rounding_took_comes_back_within_an_order() -> None:
    """Each of these fills is rounded up by 0.000028; the fourth one brings a step back."""
    charged = fees_of_order(KALSHI, [traded("0.52", "1")] * 4, selling=False)

    assert [money("0.0175")] * 3 + [money("0.0174")] == list(charged)
    # Less than the smallest step is lost on the whole order.
    exact = 4 * money("0.017472")
    assert 0 <= sum(charged) - exact < money("0.0001")


def test_takers_and_makers_of_an_order_share_what_is_carried() -> None:
    """An order that takes at first and rests then is one order."""
    fills = [
        traded("0.52", "1"),
        traded("0.52", "1"),
        traded("0.52", "1"),
        traded("0.51", "1", Style.MAKER),
    ]
    # 0.017493 owed to the taker; the maker owes 0.004374, rounded up by 0.000026 to 0.0044.
    assert money("0.0043") == fees_of_order(KALSHI, fills, selling=False)[-1]


def test_the_first_fill_of_an_order_costs_what_a_lone_one_does() -> None:
    """Nothing is carried before the first fill; on other venues never."""
    fills = [traded("0.123", "0.37")] * 2
    for selling in (False, True):
        for schedule in (KALSHI, POLYMARKET):
            alone = fee(schedule, price("0.123"), size("0.37"), Style.TAKER, selling=selling)
            assert alone == fees_of_order(schedule, fills, selling=selling)[0]
        assert 1 == len(set(fees_of_order(POLYMARKET, fills, selling=selling)))


def test_cash_moves_in_whole_steps_where_no_fee_is_charged() -> None:
    """Free of fees, a trade of a tenth of a cent still leaves whole hundredths of a cent."""
    free = FeeSchedule(FeeModel.KALSHI_QUADRATIC)
    fills = [traded("0.001", "0.01", Style.MAKER)]

    assert (money("0.00009"),) == fees_of_order(free, fills, selling=False)
