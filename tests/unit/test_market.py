"""Price grids, sizes and payouts."""

import pytest

from market_bot.core.domain.market import TENTH_CENTS, Leg, Resolution, TickBand
from market_bot.core.domain.numbers import Price, Size, price, size
from tests.fakes.builders import a_market, cents

# As on Kalshi: fine at the ends, coarse in the middle.
TAPERED = (
    TickBand(price("0.001"), price("0.10"), price("0.001")),
    TickBand(price("0.10"), price("0.90"), price("0.01")),
    TickBand(price("0.90"), price("0.999"), price("0.001")),
)


@pytest.mark.parametrize(
    ("at", "floor", "ceil", "good"),
    [
        ("0.005", "0.005", "0.005", True),
        ("0.1", "0.1", "0.1", True),
        ("0.105", "0.1", "0.11", False),
        ("0.1009", "0.1", "0.11", False),
        ("0.9005", "0.9", "0.901", False),
        ("0.0005", "0", "0.001", False),
        ("0", "0", "0.001", False),
        ("1", "0.999", "1", False),
        ("0.9995", "0.999", "1", False),
    ],
)
def test_grid_with_bands(at: str, floor: str, ceil: str, good: bool) -> None:
    """Rounding finds the nearest price of the grid on either side, over the borders of bands."""
    market = a_market(ticks=TAPERED)

    assert good is market.on_grid(price(at))
    assert price(floor) == market.floor_to_tick(price(at))
    assert price(ceil) == market.ceil_to_tick(price(at))


@pytest.mark.parametrize("at", ["-0.01", "0", "1", "1.01"])
def test_no_order_at_or_beyond_certainty(at: str) -> None:
    """An order may not cost nothing, nor a dollar."""
    assert not a_market(ticks=TENTH_CENTS).on_grid(price(at))


def test_tick_on_a_border_is_the_finer() -> None:
    """Where two bands meet the finer step holds."""
    market = a_market(ticks=TAPERED)

    assert price("0.001") == market.tick_at(price("0.1"))
    assert price("0.01") == market.tick_at(price("0.5"))
    with pytest.raises(ValueError, match="no tick band"):
        market.tick_at(price("0.9995"))


def test_tick_must_be_positive() -> None:
    """A grid without a step is refused."""
    with pytest.raises(ValueError, match="positive"):
        TickBand(Price(0), cents(100), Price(0))


@pytest.mark.parametrize(
    ("wanted", "tradable"),
    [("12.7", "12.5"), ("5", "5"), ("4.9", "0"), ("0", "0"), ("-7", "0")],
)
def test_size_is_rounded_down_to_what_can_be_traded(wanted: str, tradable: str) -> None:
    """A size below the minimum is no size."""
    market = a_market(min_size=size("5"), size_step=size("0.5"))

    assert size(tradable) == market.floor_to_step(size(wanted))


@pytest.mark.parametrize("yes", ["0", "0.5", "0.37", "1"])
def test_payouts_add_up_to_a_dollar(yes: str) -> None:
    """What one leg does not get the other gets."""
    ended = Resolution("M-1", price(yes))

    assert price(yes) == ended.payout(Leg.YES)
    assert price("1") == ended.payout(Leg.YES) + ended.payout(Leg.NO)


@pytest.mark.parametrize("yes", [-1, 1_000_001])
def test_payout_beyond_a_dollar_is_refused(yes: int) -> None:
    """No contract pays less than nothing or more than a dollar."""
    with pytest.raises(ValueError, match="payout outside"):
        Resolution("M-1", Price(yes))


def test_the_other_leg() -> None:
    """Each leg is the other's other."""
    assert Leg.NO is Leg.YES.other
    assert Leg.YES is Leg.NO.other
    assert Size(0) == a_market().floor_to_step(Size(999_999))
