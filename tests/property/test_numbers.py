"""Exact numbers against Decimal."""

from datetime import datetime, timezone
from decimal import Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain.numbers import (
    CERTAIN,
    Micros,
    Money,
    NotExactError,
    Price,
    Size,
    cost,
    format_money,
    format_price,
    format_scaled,
    format_time,
    money,
    parse_scaled,
    parse_time,
    price,
    quantise,
    utc_date,
)

# Decimal rounds to its context; the oracle must not.
DIGITS = 200


@given(st.integers(-(10**30), 10**30), st.integers(1, 12))
def test_text_and_back(value: int, scale: int) -> None:
    """Every integer has a text that reads as itself, in the shortest plain form."""
    text = format_scaled(value, scale)

    assert value == parse_scaled(text, scale)
    assert "e" not in text.lower()
    assert not ("." in text and text.endswith(("0", ".")))
    with localcontext(prec=DIGITS):
        assert Decimal(value).scaleb(-scale) == Decimal(text)


@given(st.decimals(allow_nan=True, allow_infinity=True) | st.text(max_size=20))
def test_reading_is_exact_or_refused(text: Decimal | str) -> None:
    """Whatever is read is what was written; nothing is rounded in silence."""
    try:
        value = parse_scaled(text, 6)
    except NotExactError:
        return
    with localcontext(prec=DIGITS):
        assert Decimal(text).scaleb(6) == value


@given(st.integers(-(10**9), 10**9), st.integers(-(10**15), 10**15))
def test_costs_are_products(at: int, quantity: int) -> None:
    """A cost is what Decimal says, to the last of twelve digits."""
    exact = Decimal(format_price(Price(at))) * Decimal(format_scaled(quantity, 6))

    assert exact == Decimal(format_money(cost(Price(at), Size(quantity))))


@given(st.integers(-(10**20), 10**20))
def test_prices_and_money_round_trip(value: int) -> None:
    """Texts of prices and money read as themselves."""
    assert value == price(format_price(Price(value)))
    assert value == money(format_money(Money(value)))


@given(st.floats(allow_nan=False))
def test_quantised_floats_are_probabilities(value: float) -> None:
    """Every float but NaN becomes the nearest probability."""
    got = quantise(value)

    assert 0 <= got <= CERTAIN
    if 0 <= value <= 1:
        assert abs(Decimal(value) - Decimal(got).scaleb(-6)) <= Decimal("0.0000005000001")


@given(st.lists(st.integers(0, 4_102_444_800_000_000), max_size=8))
def test_times_round_trip(moments: list[int]) -> None:
    """Times read as themselves and sort as text, in whatever order they are asked."""
    texts = [format_time(Micros(moment)) for moment in moments]

    assert moments == [parse_time(text) for text in texts]
    assert sorted(texts) == [format_time(Micros(m)) for m in sorted(moments)]
    for moment, text in zip(moments, texts, strict=True):
        day = datetime.fromtimestamp(moment // 1_000_000, tz=timezone.utc)  # noqa: UP017 - plain
        assert f"{day:%Y-%m-%d}" == utc_date(Micros(moment)) == text[:10]
