"""Log-odds, paths, volatility and the normal distribution."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    SECOND,
    Duration,
    Price,
    price,
    probability,
)
from market_bot.core.domain.odds import (
    Path,
    between,
    from_log_odds,
    known_since,
    log_odds,
    mean_between,
    mid_path,
    normal_cdf,
    swing,
    value_at,
    volatility,
)
from market_bot.core.domain.world import Mid
from tests.fakes.builders import cents
from tests.fakes.situations import seconds

STEPS: Path = [(seconds(0), 1.0), (seconds(10), 3.0), (seconds(20), 2.0)]


@pytest.mark.parametrize(
    ("at", "odds"), [("0.5", 0.0), ("0.75", math.log(3)), ("0.1", -math.log(9))]
)
def test_log_odds(at: str, odds: float) -> None:
    """They are the logarithm of what stands against what."""
    assert odds == pytest.approx(log_odds(price(at)), abs=1e-12)


@pytest.mark.parametrize("at", [Price(0), ONE_DOLLAR, Price(-1)])
def test_no_odds_at_the_border(at: Price) -> None:
    """Certainty has no odds."""
    with pytest.raises(ValueError, match="no odds"):
        log_odds(at)


@pytest.mark.parametrize(
    ("odds", "expected"),
    [(0.0, "0.5"), (math.log(3), "0.75"), (-1e9, "0"), (1e9, "1"), (-800.0, "0")],
)
def test_from_log_odds(odds: float, expected: str) -> None:
    """However far they are, they are a probability."""
    assert probability(expected) == from_log_odds(odds)


@given(st.integers(1, 999_999).map(Price))
def test_there_and_back(at: Price) -> None:
    """A price survives the way to log-odds and back exactly."""
    assert int(at) == int(from_log_odds(log_odds(at)))


@pytest.mark.parametrize(
    ("x", "chance"),
    [
        # Abramowitz and Stegun 1964, table 26.1.
        (0.0, 0.5),
        (0.5, 0.691462461274),
        (1.0, 0.841344746069),
        (1.96, 0.975002104852),
        (2.0, 0.977249868052),
        (3.0, 0.998650101968),
        (-1.0, 0.158655253931),
        (-4.0, 0.000031671242),
    ],
)
def test_normal_cdf(x: float, chance: float) -> None:
    """It agrees with the published table."""
    assert chance == pytest.approx(normal_cdf(x), abs=1e-12)


def test_a_mid_path_ends_now() -> None:
    """The present midpoint is last, once, and such without odds are left out."""
    mids = [Mid(seconds(1), cents(25)), Mid(seconds(2), cents(0)), Mid(seconds(5), cents(50))]

    path = mid_path(mids, seconds(5), cents(75))

    assert [seconds(1), seconds(5)] == [at for at, _ in path]
    assert [-math.log(3), math.log(3)] == pytest.approx([value for _, value in path])


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (5, 15, [(5, 1.0), (10, 3.0)]),
        (10, 20, [(10, 3.0), (20, 2.0)]),
        (-5, 12, [(0, 1.0), (10, 3.0)]),
        (30, 40, [(30, 2.0)]),
        (-9, -5, []),
    ],
)
def test_between(since: int, until: int, expected: list[tuple[int, float]]) -> None:
    """What was in force at the beginning belongs to a span."""
    assert [(seconds(at), value) for at, value in expected] == list(
        between(STEPS, seconds(since), seconds(until))
    )


def test_what_a_path_knows() -> None:
    """Before its first moment it knows nothing."""
    assert [None, 1.0, 1.0, 3.0, 2.0] == [
        value_at(STEPS, seconds(at)) for at in (-1, 0, 9.9, 10, 99)
    ]
    assert [False, True] == [known_since(STEPS, seconds(at)) for at in (-1, 0)]
    assert not known_since([], seconds(0))


@pytest.mark.parametrize(
    ("since", "until", "mean"),
    [(0, 20, 2.0), (0, 40, 2.0), (5, 20, (5 + 30) / 15), (-1, 20, None), (7, 7, None)],
)
def test_mean(since: int, until: int, mean: float | None) -> None:
    """It is weighted by time, and asks that all of the span is known."""
    got = mean_between(STEPS, seconds(since), seconds(until))

    assert (mean is None and got is None) or mean == pytest.approx(got)


@pytest.mark.parametrize(
    ("since", "until", "wide"), [(0, 20, 2.0), (11, 30, 1.0), (20, 30, 0.0), (-9, -1, 0.0)]
)
def test_swing(since: int, until: int, wide: float) -> None:
    """It is the distance between the extremes, not between the ends."""
    assert wide == swing(STEPS, seconds(since), seconds(until))


def test_volatility_by_hand() -> None:
    """Two changes of 2 and 1 in 25 seconds: the root of 5 / 25."""
    moving = volatility(STEPS, seconds(0), seconds(25))

    assert moving is not None
    assert math.sqrt(5 / 25) == pytest.approx(moving.per_root_second)
    assert 3 == moving.samples


def test_a_flicker_within_a_step_does_not_count() -> None:
    """Only the last value of each second is looked at."""
    path = [(seconds(0), 0.0), (seconds(1.2), 9.0), (seconds(1.8), 1.0), (seconds(4), 1.0)]
    moving = volatility(path, seconds(0), seconds(4))

    assert moving is not None
    assert math.sqrt(1 / 4) == pytest.approx(moving.per_root_second)
    assert 3 == moving.samples


def test_no_time_no_volatility() -> None:
    """Without a span nothing can be said; a quiet span is quiet."""
    quiet = volatility([(seconds(0), 1.0)], seconds(0), seconds(9))

    assert volatility([], seconds(0), seconds(9)) is None
    assert volatility([(seconds(9), 1.0)], seconds(0), seconds(9)) is None
    assert quiet is not None
    assert 0.0 == quiet.per_root_second


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=30), st.integers(1, 5))
def test_volatility_of_a_regular_path(values: list[float], step: int) -> None:
    """On a regular grid it is the textbook sum."""
    path = [(seconds(i * step), value) for i, value in enumerate(values)]
    end = seconds((len(values) - 1) * step)
    moving = volatility(path, seconds(0), end, Duration(step * SECOND))
    total = sum((values[i + 1] - values[i]) ** 2 for i in range(len(values) - 1))

    assert moving is not None
    assert math.isclose(
        math.sqrt(total / (step * (len(values) - 1))), moving.per_root_second, abs_tol=1e-9
    )
