"""Exact numbers at their edges."""

from datetime import datetime
from decimal import Decimal

import pytest

from market_bot.core.domain.numbers import (
    CERTAIN,
    Micros,
    NotExactError,
    Price,
    Size,
    complement,
    cost,
    format_money,
    format_price,
    format_time,
    from_datetime,
    money,
    parse_scaled,
    parse_time,
    price,
    probability,
    quantise,
    size,
    to_datetime,
    utc_date,
)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("0.48", 480_000),
        ("1", 1_000_000),
        ("-0.000001", -1),
        ("1e-6", 1),
        ("5E1", 50_000_000),
        (3, 3_000_000),
        (Decimal("0.10"), 100_000),
        ("0.4800000000", 480_000),
    ],
)
def test_decimals_are_read_exactly(text: str | int | Decimal, micros: int) -> None:
    """A decimal becomes the integer it is, trailing zeros or not."""
    assert micros == price(text)


@pytest.mark.parametrize(
    "text",
    [
        0.5,
        True,
        None,
        b"1",
        "",
        "a",
        "NaN",
        "Infinity",
        "0.0000001",
        "1e31",
        "1e999999999",
        "1." + "0" * 5_000,
        "1e-999999999",
        "0e-999999999999999999",
    ],
)
def test_what_is_not_exact_is_refused(text: object) -> None:
    """Floats, booleans, nonsense and numbers made to fill the memory are all refused alike."""
    with pytest.raises(NotExactError):
        parse_scaled(text, 6)  # type: ignore[arg-type]  # the wrong type is the point


@pytest.mark.parametrize("text", ["-0.000001", "1.000001", "0.0000001"])
def test_probabilities_stay_in_the_unit_interval(text: str) -> None:
    """A probability outside [0, 1] or finer than its grid is refused."""
    with pytest.raises(NotExactError):
        probability(text)


def test_cost_is_exact() -> None:
    """The least price times the least size is the least money."""
    assert money("0.000000000001") == cost(Price(1), Size(1))
    assert "4.8" == format_money(cost(price("0.48"), size("10")))


def test_complement_is_the_other_leg() -> None:
    """The two legs cost a dollar together."""
    assert price("0.52") == complement(price("0.48"))


@pytest.mark.parametrize(
    ("value", "micros"),
    [(0.5, 500_000), (-1.0, 0), (2.0, CERTAIN), (float("inf"), CERTAIN), (float("-inf"), 0)],
)
def test_model_floats_are_clipped(value: float, micros: int) -> None:
    """Whatever a model says becomes a probability on the grid."""
    assert micros == quantise(value)


def test_nan_is_no_probability() -> None:
    """A model that does not know is refused, not clipped."""
    with pytest.raises(NotExactError):
        quantise(float("nan"))


def test_price_text_does_not_depend_on_what_was_asked_before() -> None:
    """The memo of price texts returns what formatting would."""
    assert ["0.48", "0.48", "0.480001"] == [
        format_price(Price(p)) for p in (480_000, 480_000, 480_001)
    ]


def test_time_text() -> None:
    """Times carry six fractional digits and a Z, also right after a time of another second."""
    at = parse_time("2026-11-22T00:30:00.123456Z")

    assert "2026-11-22T00:30:00.123456Z" == format_time(at)
    assert "2026-11-22T00:30:01.000000Z" == format_time(Micros(at - at % 1_000_000 + 1_000_000))
    assert "2026-11-22T00:30:00.123456Z" == format_time(at)
    assert "2026-11-22" == utc_date(at)
    assert at == parse_time("2026-11-22T01:30:00.123456+01:00")
    assert at == from_datetime(to_datetime(at))


def test_time_without_zone_is_refused() -> None:
    """A time that could be anywhere is no time."""
    with pytest.raises(ValueError, match="without a zone"):
        parse_time("2026-11-22T00:30:00")
    with pytest.raises(ValueError, match="without a zone"):
        from_datetime(datetime(2026, 1, 1))  # noqa: DTZ001 - the missing zone is the point
