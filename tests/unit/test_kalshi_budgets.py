"""How often the venue may be asked, and whether the clocks agree."""

import pytest

from market_bot.adapters.kalshi.budgets import Bucket, Budgets, RateClass, RateLimit
from market_bot.adapters.kalshi.clock_guard import ClockGuard, server_time
from market_bot.adapters.kalshi.errors import BudgetSpentError, ClockSkewError
from market_bot.adapters.kalshi.parse_limits import parse_account_limits, parse_endpoint_costs
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from tests.fakes.kalshi_client import NOW, WaitingClock
from tests.fakes.kalshi_records import as_json


def test_tokens_come_back_with_time() -> None:
    """A bucket gives its capacity at once, and then as much as it is refilled."""
    clock = WaitingClock()
    bucket = Bucket(RateLimit(refill=30, capacity=30), clock)

    assert [True, True, True, False] == [bucket.take(10) for _ in range(4)]
    assert 333_334 == bucket.wait_for(10)
    clock.pass_by(333_333)
    assert not bucket.take(10)
    clock.pass_by(1)
    assert bucket.take(10)


def test_a_bucket_never_holds_more_than_its_capacity() -> None:
    """A long silence earns no burst beyond the capacity."""
    clock = WaitingClock()
    bucket = Bucket(RateLimit(refill=100, capacity=20), clock)
    clock.pass_by(3600 * SECOND)

    assert [True, True, False] == [bucket.take(10) for _ in range(3)]


def test_what_never_fits_is_said_at_once() -> None:
    """A request that is larger than the bucket is refused instead of waited for."""
    bucket = Bucket(RateLimit(refill=10, capacity=20), WaitingClock())

    with pytest.raises(BudgetSpentError, match="never fits"):
        bucket.wait_for(21)
    assert not bucket.take(21)


def test_orders_cannot_starve_cancels() -> None:
    """When every token for orders is spent, the cancels' own share is untouched."""
    budgets = Budgets(WaitingClock(), writes=RateLimit(100, 100), cancel_percent=20)
    orders = 0
    while budgets.take(RateClass.WRITE, 10):
        orders += 1

    assert 8 == orders
    assert all(budgets.take(RateClass.CANCEL, 2) for _ in range(10))
    assert not budgets.take(RateClass.CANCEL, 2)


def test_cancels_spend_the_common_budget_first() -> None:
    """While there is budget for orders, cancels leave their reserve alone."""
    budgets = Budgets(WaitingClock(), writes=RateLimit(100, 100), cancel_percent=20)

    assert all(budgets.take(RateClass.CANCEL, 2) for _ in range(50))
    assert not budgets.take(RateClass.CANCEL, 2)


def test_a_large_cancel_waits_for_the_common_budget() -> None:
    """A batch that is larger than the reserve is not refused for ever."""
    budgets = Budgets(WaitingClock(), writes=RateLimit(100, 100), cancel_percent=20)
    assert budgets.take(RateClass.WRITE, 80)

    assert 500_000 == budgets.wait_for(RateClass.CANCEL, 40)


def test_reads_are_apart() -> None:
    """Reading spends nothing that orders need."""
    budgets = Budgets(WaitingClock(), reads=RateLimit(10, 10))
    assert budgets.take(RateClass.READ, 10)

    assert not budgets.take(RateClass.READ, 10)
    assert budgets.take(RateClass.WRITE, 10)


def test_limits_of_the_account() -> None:
    """The venue's own numbers are taken as they are."""
    limits = parse_account_limits(
        as_json(
            {
                "usage_tier": "advanced",
                "grants": [],
                "read": {"refill_rate": 300, "bucket_capacity": 300},
                "write": {"refill_rate": 300, "bucket_capacity": 900},
            }
        )
    )

    assert ("advanced", RateLimit(300, 300), RateLimit(300, 900)) == (
        limits.tier,
        limits.reads,
        limits.writes,
    )


def test_costs_of_endpoints() -> None:
    """A literal path goes before a pattern, and what is not listed costs the default."""
    root = "/trade-api/v2/portfolio/events/orders"
    costs = parse_endpoint_costs(
        as_json(
            {
                "default_cost": 10,
                "endpoint_costs": [
                    {"method": "DELETE", "path": f"{root}/:order_id", "cost": 2},
                    {"method": "DELETE", "path": f"{root}/batched", "cost": 3},
                ],
            }
        )
    )

    assert [2, 3, 10, 10] == [
        costs.of("DELETE", f"{root}/abc"),
        costs.of("DELETE", f"{root}/batched"),
        costs.of("POST", f"{root}/abc"),
        costs.of("DELETE", f"{root}/abc/amend"),
    ]


DATE = {"date": "Tue, 01 Dec 2026 12:00:00 GMT"}


@pytest.mark.parametrize(
    ("ours", "took", "expected"),
    [
        (0, 0, 0),  # Within the second that the venue's answer leaves open.
        (900_000, 0, 0),
        (1_500_000, 0, 500_000),
        (-2_000_000, 500_000, -1_500_000),
        (-2_000_000, 3_000_000, 0),  # Slow enough that both may be right.
        (30_000_000, 0, 29_000_000),
    ],
)
def test_the_clocks_are_compared_without_guessing(ours: int, took: int, expected: int) -> None:
    """Only what neither travelling time nor the venue's whole seconds can explain is a skew."""
    guard = ClockGuard()
    guard.observe(Micros(NOW + ours), Micros(NOW + ours + took), server_time(DATE))

    assert expected == guard.skew


def test_a_wrong_clock_does_not_sign() -> None:
    """Beyond the limit signing is refused, in words that say which way; mended, it goes on."""
    guard = ClockGuard(limit=Duration(2 * SECOND))
    guard.observe(Micros(NOW - 10 * SECOND), Micros(NOW - 10 * SECOND), NOW)

    with pytest.raises(ClockSkewError, match=r"10\.0 s behind"):
        guard.check()
    guard.observe(NOW, NOW, NOW)
    guard.check()


@pytest.mark.parametrize(
    "headers",
    [
        DATE | {"age": "7"},
        DATE | {"x-cache": "Hit from cloudfront"},
        {},
        {"date": "yesterday"},
    ],
)
def test_a_cached_answer_says_nothing_about_the_time(headers: dict[str, str]) -> None:
    """The date of a stored answer is old, and no clock is judged by it."""
    assert server_time(headers) is None
