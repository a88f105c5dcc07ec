"""Markets on a reference price, valued as options."""

import math
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain.market import Condition, FeeModel, FeeSchedule, Leg
from market_bot.core.domain.numbers import (
    CERTAIN,
    Micros,
    Price,
    price,
    probability,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Signal, Withdraw
from market_bot.core.domain.strategies.price_level import (
    Fair,
    Params,
    decide,
    digital,
    fair_value,
    touch,
)
from market_bot.core.domain.view import Holdings, MarketView, View
from tests.fakes.builders import cents
from tests.fakes.clock import NOON
from tests.fakes.situations import (
    a_position,
    a_seen,
    a_view,
    an_own_order,
    holding,
    seconds,
)

NAME = "price_level"
NO_HOLDINGS = holding()
HOUR = 3600


def history(
    spot: float = 100.0, points: int = 120, wobble: float = 0.0
) -> list[tuple[Micros, str]]:
    """Return a price for every second up to noon that ends at ``spot``."""
    return [
        (seconds(1 + i - points), f"{spot * (1 + wobble * ((points - 1 - i) % 2)):.8f}")
        for i in range(points)
    ]


def priced(
    bid: int | None = 48,
    ask: int | None = 52,
    strike: str | None = "100",
    condition: Condition | None = Condition.ABOVE,
    **terms: Any,
) -> MarketView:
    """Return a market on a coin that closes in an hour."""
    close: dict[str, Any] = {"close_at": seconds(HOUR), "reference": "COIN"}
    return a_seen("M-1", bid, ask, strike=strike, condition=condition, **(close | terms))


def viewed(seen: MarketView, points: list[tuple[Micros, str]] | None = None) -> View:
    """Return the market with a history of the coin."""
    return a_view(seen, history={"COIN": history() if points is None else points})


def fair(
    seen: MarketView, points: list[tuple[Micros, str]] | None = None, **params: Any
) -> Fair | None:
    """Return what a market is worth."""
    return fair_value(viewed(seen, points), seen.market, attrs.evolve(Params(), **params))


def worth(seen: MarketView, points: list[tuple[Micros, str]] | None = None, **params: Any) -> int:
    """Return the chance of YES in millionths."""
    known = fair(seen, points, **params)
    assert known is not None
    return known.yes


def wanted(
    seen: MarketView,
    holdings: Holdings = NO_HOLDINGS,
    points: list[tuple[Micros, str]] | None = None,
    **params: Any,
) -> list[Signal | Withdraw]:
    """Return everything the strategy wants of one market."""
    return list(decide(viewed(seen, points), attrs.evolve(Params(), **params), holdings))


def chance_above(away: float, spread: float, steps: int = 20_000) -> float:
    """Return the chance of ending above, by adding up the density of the logarithm."""
    width = 20.0 / steps
    total = 0.0
    for i in range(steps):
        z = -10.0 + (i + 0.5) * width
        if away - spread * spread / 2 + spread * z > 0:
            total += math.exp(-z * z / 2)
    return total * width / math.sqrt(2 * math.pi)


@pytest.mark.parametrize(
    ("away", "spread"), [(0.0, 0.1), (0.05, 0.1), (-0.05, 0.1), (0.3, 0.5), (-0.01, 0.004)]
)
def test_digital_is_the_integral_of_the_density(away: float, spread: float) -> None:
    """Two ways to the same number."""
    assert chance_above(away, spread) == pytest.approx(
        digital(away, spread, Condition.ABOVE), abs=5e-4
    )


@pytest.mark.parametrize(
    ("d2", "chance"), [(0.0, 0.5), (1.0, 0.841344746), (-1.0, 0.158655254), (1.96, 0.975002105)]
)
def test_digital_agrees_with_the_table(d2: float, chance: float) -> None:
    """Where d2 is a round number the chance is in every table."""
    away = (d2 + 0.1) * 0.2

    assert chance == pytest.approx(digital(away, 0.2, Condition.ABOVE), abs=1e-9)
    assert chance == pytest.approx(digital(away, 0.2, Condition.AT_LEAST), abs=1e-9)
    assert 1 - chance == pytest.approx(digital(away, 0.2, Condition.BELOW), abs=1e-9)


def first_passage(distance: float, drift: float, sigma: float, steps: int = 20_000) -> float:
    """Return the chance to have gone ``distance`` up within one unit of time.

    The density of the first passage of a Brownian motion with drift, added up over time.
    """
    width = 1.0 / steps
    total = 0.0
    for i in range(steps):
        t = (i + 0.5) * width
        way = distance - drift * t
        total += (
            distance
            / (sigma * math.sqrt(2 * math.pi * t**3))
            * math.exp(-way * way / (2 * sigma * sigma * t))
        )
    return total * width


@pytest.mark.parametrize(("away", "spread"), [(0.05, 0.1), (0.2, 0.1), (0.3, 0.6), (0.5, 1.0)])
def test_touch_is_the_integral_of_the_first_passage(away: float, spread: float) -> None:
    """A barrier above is met against the drift of the logarithm, one below with it."""
    above = first_passage(away, -spread * spread / 2, spread)
    below = first_passage(away, spread * spread / 2, spread)

    assert above == pytest.approx(touch(-away, spread, Condition.TOUCH_ABOVE), abs=1e-6)
    # Downwards the distance is gone with the drift turned round.
    assert below == pytest.approx(touch(away, spread, Condition.TOUCH_BELOW), abs=1e-6)


def test_touch_is_near_twice_the_end() -> None:
    """With next to no drift the reflection principle says 2 Φ(-b / v)."""
    spread = 0.001

    assert 2 * 0.158655254 == pytest.approx(touch(-spread, spread, Condition.TOUCH_ABOVE), abs=1e-3)


@pytest.mark.parametrize("away", [0.0, 0.1])
def test_a_barrier_that_is_met_is_met(away: float) -> None:
    """At or beyond the barrier the chance is one."""
    assert 1.0 == touch(away, 0.1, Condition.TOUCH_ABOVE)
    assert 1.0 == touch(-away, 0.1, Condition.TOUCH_BELOW)


def test_the_end_and_the_way_are_not_mixed_up() -> None:
    """Each formula refuses the other's conditions."""
    with pytest.raises(ValueError, match="on the way"):
        digital(0.0, 0.1, Condition.TOUCH_BELOW)
    with pytest.raises(ValueError, match="at the end"):
        touch(0.0, 0.1, Condition.BELOW)


spreads = st.floats(0.0005, 3.0)
aways = st.floats(-2.0, 2.0)


@given(aways, aways, spreads)
def test_monotone_in_spot_and_strike(one: float, other: float, spread: float) -> None:
    """A higher spot, or a lower strike, makes above likelier and below less so."""
    low, high = sorted((one, other))
    tiny = 1e-12

    for chance, condition in ((digital, Condition.ABOVE), (touch, Condition.TOUCH_ABOVE)):
        assert chance(low, spread, condition) <= chance(high, spread, condition) + tiny
    for chance, condition in ((digital, Condition.BELOW), (touch, Condition.TOUCH_BELOW)):
        assert chance(low, spread, condition) >= chance(high, spread, condition) - tiny


@given(aways, spreads)
def test_touching_is_likelier_than_ending_beyond(away: float, spread: float) -> None:
    """Whoever ends beyond was there."""
    pairs = [(Condition.TOUCH_ABOVE, Condition.ABOVE), (Condition.TOUCH_BELOW, Condition.BELOW)]

    for way, end in pairs:
        assert 0.0 <= digital(away, spread, end) <= touch(away, spread, way) + 1e-12
        assert touch(away, spread, way) <= 1.0 + 1e-12


def test_touch_far_away_is_impossible() -> None:
    """Nothing overflows on the way to zero."""
    assert 0.0 == touch(1e6, 0.01, Condition.TOUCH_BELOW)
    assert 0.0 == touch(-1e6, 0.01, Condition.TOUCH_ABOVE)


def test_fair_value_by_hand() -> None:
    """At the floor of 20 % a year an hour moves 0.2136 %: d2 of a strike 0.1 % below is 0.4668."""
    spread = 0.2 * math.sqrt(3600 / 31_557_600)
    d2 = math.log(100 / 99.9) / spread - spread / 2

    assert 0.002136 == pytest.approx(spread, abs=1e-6)
    assert 0.4673 == pytest.approx(d2, abs=1e-4)
    assert 679_860 == pytest.approx(worth(priced(strike="99.9")), abs=50)
    assert 320_140 == pytest.approx(worth(priced(strike="99.9", condition=Condition.BELOW)), abs=50)


def test_volatility_is_measured() -> None:
    """A hundredth of a per cent every second is 56 % a year, unless capped."""
    moving = history(wobble=0.0001)
    yearly = math.log(1.0001) * math.sqrt(31_557_600)
    spread = yearly * math.sqrt(3600 / 31_557_600)
    expected = digital(math.log(100 / 99.9), spread, Condition.ABOVE) * 1e6

    assert 0.5617 == pytest.approx(yearly, abs=1e-4)
    assert expected == pytest.approx(worth(priced(strike="99.9"), moving), abs=5)
    capped = digital(math.log(100 / 99.9), 0.3 / yearly * spread, Condition.ABOVE) * 1e6
    assert capped == pytest.approx(
        worth(priced(strike="99.9"), moving, vol_cap=price("0.3")), abs=5
    )


@pytest.mark.parametrize(
    ("seen", "points", "params"),
    [
        (priced(reference=None), None, {}),
        (priced(reference="OTHER"), None, {}),
        (priced(strike=None), None, {}),
        (priced(strike="97,000"), None, {}),
        (priced(strike="0"), None, {}),
        (priced(strike="-1"), None, {}),
        (priced(strike="NaN"), None, {}),
        (priced(strike="1e999"), None, {}),
        (priced(strike="1" * 41), None, {}),
        (priced(condition=None), None, {}),
        (priced(close_at=None), None, {}),
        (priced(close_at=NOON), None, {}),
        (priced(), [], {}),
        (priced(), history()[:-6], {}),
        (priced(), history(points=59), {}),
        (priced(), history(), {"vol_seconds": 58}),
        (priced(), [*history(), (seconds(0), "nonsense")], {}),
        (priced(), [*history(), (seconds(1), "100")], {}),
    ],
)
def test_what_cannot_be_told(
    seen: MarketView, points: list[tuple[Micros, str]] | None, params: dict[str, Any]
) -> None:
    """Terms that are missing or unreadable, a stale reference, a short history: no value."""
    assert fair(seen, points, **params) is None
    assert [] == wanted(seen, points=points, **params)


@pytest.mark.parametrize(
    ("seen", "points", "params"),
    [
        (priced(), history()[:-5], {}),
        (priced(), history(points=60), {}),
        (priced(), history(), {"vol_seconds": 59}),
    ],
)
def test_borders_of_what_can_be_told(
    seen: MarketView, points: list[tuple[Micros, str]], params: dict[str, Any]
) -> None:
    """Just fresh enough and just long enough are enough."""
    assert fair(seen, points, **params) is not None


def touching(strike: str = "101", opened: float | None = -60, **terms: Any) -> MarketView:
    """Return a market on touching a barrier above that opened a minute ago."""
    opening = None if opened is None else seconds(opened)
    return priced(strike=strike, condition=Condition.TOUCH_ABOVE, open_at=opening, **terms)


def spiked(at: int, to: str = "101") -> list[tuple[Micros, str]]:
    """Return the history with one second at another price."""
    return [(moment, to if moment == seconds(at) else text) for moment, text in history()]


@pytest.mark.parametrize(
    ("seen", "at", "known"),
    [
        (touching(), -30, True),
        (touching(), -60, True),
        (touching(), -61, False),
        (touching(opened=None), -61, True),
        (touching(strike="101.000001"), -30, False),
    ],
)
def test_a_touch_in_the_history_is_a_touch(seen: MarketView, at: int, known: bool) -> None:
    """It counts from the opening on, if that is known, and exactly at the barrier."""
    assert known is (worth(seen, spiked(at)) == CERTAIN)


def test_a_touch_below() -> None:
    """From the other side it is the same."""
    seen = priced(strike="99", condition=Condition.TOUCH_BELOW, open_at=seconds(-60))

    assert CERTAIN == worth(seen, spiked(-30, "99"))
    assert worth(seen) < CERTAIN


@pytest.mark.parametrize(
    ("seen", "points", "at_least"),
    [
        (touching(), None, False),
        (touching(opened=-119), None, False),
        (touching(opened=-120), None, True),
        (touching(opened=None), None, True),
        (touching(), [p for p in history() if not seconds(-30) < p[0] < seconds(-24)], True),
        (touching(), [p for p in history() if not seconds(-30) < p[0] < seconds(-25)], False),
        (touching(), [p for p in history() if not seconds(-90) < p[0] < seconds(-70)], False),
        (priced(), None, False),
    ],
)
def test_what_was_not_watched_may_have_been_touched(
    seen: MarketView, points: list[tuple[Micros, str]] | None, at_least: bool
) -> None:
    """Without the whole time since the opening, free of breaks, the value is only a least one."""
    known = fair(seen, points)

    assert known is not None
    assert at_least is known.at_least


def test_no_is_not_bought_where_a_touch_may_have_been_missed() -> None:
    """A barrier far away at a high price: either NO is a gift, or it was touched before."""
    seen, blind = touching("110", bid=60, ask=62), touching("110", opened=None, bid=60, ask=62)

    (wish,) = wanted(seen)

    assert isinstance(wish, Signal)
    assert (Leg.NO, cents(40)) == (wish.leg, wish.price)
    assert [] == wanted(blind)


def test_cheap_yes_is_taken() -> None:
    """Worth 0.68 and asked at 0.60: the edge is what is left after the fee."""
    fees = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=0)
    seen = priced(58, 60, "99.9", fees=fees)
    (wish,) = wanted(seen)

    assert isinstance(wish, Signal)
    assert (Leg.YES, Purpose.ENTRY, Style.TAKER, cents(60)) == (
        wish.leg,
        wish.purpose,
        wish.style,
        wish.price,
    )
    assert worth(seen) == wish.belief
    assert price("0.0168") == wish.cost
    assert wish.belief - cents(60) - wish.cost == wish.edge
    assert [wish] == wanted(seen, min_edge=wish.edge)
    assert [] == wanted(seen, min_edge=Price(wish.edge + 1))


def test_dear_yes_is_cheap_no() -> None:
    """Bid at 0.76 and worth 0.68, NO is bought at 0.24."""
    (wish,) = wanted(priced(76, 78, "99.9"))

    assert isinstance(wish, Signal)
    assert (Leg.NO, cents(24)) == (wish.leg, wish.price)
    assert CERTAIN - worth(priced(strike="99.9")) == wish.belief


def test_a_maker_waits_inside() -> None:
    """It pays no taker's fee and no spread, and follows the bid."""
    kept = holding(orders=[an_own_order(NAME, price=cents(57))])
    back = Withdraw(market="M-1", leg=Leg.YES, purpose=Purpose.ENTRY)
    (wish,) = wanted(priced(56, 64, "99.9"), kept, style=Style.MAKER)

    assert isinstance(wish, Signal)
    assert (cents(57), Style.MAKER) == (wish.price, wish.style)
    assert back == wanted(priced(58, 64, "99.9"), kept, style=Style.MAKER)[0]
    assert [back] == wanted(priced(66, 68, "99.9"), kept, style=Style.MAKER)


@pytest.mark.parametrize(
    ("seen", "params"),
    [
        (priced(67, 69, "99.9"), {}),
        (priced(58, 60, "99.9", close_at=seconds(9)), {}),
        (priced(58, 60, "99.9"), {"max_hours_to_close": 0}),
        (priced(58, 60, "99.9"), {"price_min": price("0.61")}),
        (priced(58, 60, "99.9"), {"price_max": price("0.59")}),
        (priced(61, 60, "99.9"), {}),
        (priced(None, 60, "99.9"), {}),
        (attrs.evolve(priced(58, 60, "99.9"), tradable=False), {}),
    ],
)
def test_what_is_left_alone(seen: MarketView, params: dict[str, Any]) -> None:
    """No edge, too near or too far, prices out of bounds, unsound books."""
    assert [] == wanted(seen, **params)


def held(leg: Leg) -> Holdings:
    """Return ten contracts of a leg."""
    return holding(a_position(NAME, leg=leg))


@pytest.mark.parametrize(
    ("bid", "leg", "sold"),
    [(69, Leg.YES, None), (70, Leg.YES, 70), (66, Leg.NO, None), (62, Leg.NO, 36)],
)
def test_a_reversed_edge_is_left(bid: int, leg: Leg, sold: int | None) -> None:
    """Worth 0.6799, YES goes at 0.70 and NO, worth 0.3201, when 0.3401 is bid for it."""
    got = wanted(priced(bid, bid + 2, "99.9"), held(leg))

    assert ([] if sold is None else [(leg, Purpose.EXIT, cents(sold))]) == [
        (s.leg, s.purpose, s.price) for s in got if isinstance(s, Signal)
    ]


def test_what_is_worth_at_least_so_much_is_kept() -> None:
    """A YES that may have been touched already is not sold below a dollar."""
    high = {"bid": 90, "ask": 92}

    assert [] == wanted(touching("101", opened=None, **high), held(Leg.YES))
    assert 1 == len(wanted(touching("101", **high), held(Leg.YES)))


def test_a_lost_no_is_left() -> None:
    """After the touch NO is worth nothing, and whoever bids for it may have it."""
    (wish,) = wanted(touching(bid=90, ask=92), held(Leg.NO), spiked(-30))

    assert isinstance(wish, Signal)
    assert (Leg.NO, cents(8), probability("0")) == (wish.leg, wish.price, wish.belief)


@pytest.mark.parametrize("leg", Leg)
def test_anothers_market_is_left_alone(leg: Leg) -> None:
    """What another strategy holds is neither sold nor added to."""
    other = holding(a_position("other", leg=leg))

    assert [] == wanted(priced(58, 60, "99.9"), other)


@given(st.integers(1, 99), st.integers(0, 2_000_000), st.integers(0, 2_000_000))
def test_wishes_follow_spot(strike: int, one: int, other: int) -> None:
    """The fair value of a market never falls when spot rises."""
    low, high = sorted((90 + one / 100_000, 90 + other / 100_000))
    seen = priced(strike=f"{90 + strike / 5}")

    assert worth(seen, history(low)) <= worth(seen, history(high))
