"""Jumps of the quotes that nobody traded on."""

import math
from typing import Any

import attrs
import pytest

from market_bot.core.domain.book import Side
from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg
from market_bot.core.domain.numbers import (
    SECOND,
    Duration,
    Micros,
    price,
    probability,
    quantise,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Signal, Withdraw
from market_bot.core.domain.strategies.mean_reversion import Params, decide
from market_bot.core.domain.view import Holdings, MarketView
from tests.fakes.builders import cents
from tests.fakes.clock import NOON
from tests.fakes.situations import (
    a_position,
    a_seen,
    a_view,
    an_own_order,
    holding,
    printing,
    remembering,
    seconds,
)

NAME = "mean_reversion"
NO_HOLDINGS = holding()
OLD_PRINT = (-80, Side.BID, 5)


def fell(bid: int = 39, ask: int = 41, before: float = 50, **terms: Any) -> MarketView:
    """Return a market whose midpoint fell ten seconds ago, long after its last print."""
    seen = remembering(a_seen("M-1", bid, ask, **terms), (-120, before), (-10, (bid + ask) / 2))
    return printing(seen, OLD_PRINT)


FELL = fell()
ROSE = fell(59, 61)


def wanted(
    seen: MarketView = FELL, holdings: Holdings = NO_HOLDINGS, at: Micros = NOON, **params: Any
) -> list[Signal | Withdraw]:
    """Return everything the strategy wants of one market."""
    return list(decide(a_view(seen, at=at), attrs.evolve(Params(), **params), holdings))


def wishes(
    seen: MarketView = FELL, holdings: Holdings = NO_HOLDINGS, at: Micros = NOON, **params: Any
) -> list[Signal]:
    """Return the signals among it."""
    return [s for s in wanted(seen, holdings, at, **params) if isinstance(s, Signal)]


def test_what_fell_is_bought() -> None:
    """From 0.50 to 0.40 without a print: 0.6 of ln(0.4/0.6) is expected back, to 0.4595."""
    (wish,) = wishes()
    belief = quantise(1 / (1 + math.exp(-0.4 * math.log(0.4 / 0.6))))

    assert probability("0.459542") == belief
    assert (Leg.YES, Purpose.ENTRY, Style.TAKER, cents(41), belief) == (
        wish.leg,
        wish.purpose,
        wish.style,
        wish.price,
        wish.belief,
    )
    assert belief - cents(41) == wish.edge
    assert Duration(20 * SECOND) == wish.patience


def test_what_rose_is_sold_short() -> None:
    """A rise is a fall of NO."""
    (wish,) = wishes(ROSE)

    assert (Leg.NO, cents(41), probability("0.459542")) == (wish.leg, wish.price, wish.belief)


def test_a_maker_waits_inside_the_spread() -> None:
    """One tick above the bid; with no room, at the bid."""
    (inside,) = wishes(style=Style.MAKER)
    (tight,) = wishes(fell(40, 41), style=Style.MAKER)

    assert (cents(40), Style.MAKER) == (inside.price, inside.style)
    assert cents(40) == tight.price


def test_both_fees_count() -> None:
    """Buying and selling at 0.41 costs 0.0169 each, and the sale's cash is rounded too."""
    fees = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=0)
    (wish,) = wishes(fell(fees=fees))

    assert 2 * 0.07 * 0.41 * 0.59 == pytest.approx(wish.cost / 1e6, abs=1e-5)
    assert [] == wishes(fell(fees=fees), min_edge=price("0.02"))


@pytest.mark.parametrize(
    ("prints", "fires"),
    [
        ([(-5, Side.ASK, 20)], True),
        ([(-5, Side.ASK, 21)], False),
        ([(-5, Side.ASK, 11), (-4, Side.ASK, 10)], False),
        ([(-5, Side.BID, 500)], True),
        ([(-31, Side.ASK, 500)], True),
        ([(-30, Side.ASK, 500)], True),
        ([(-29, Side.ASK, 500)], False),
        ([(-5, Side.ASK, 1)] * 10, True),
        ([(-5, Side.ASK, 1)] * 11, False),
        ([], False),
    ],
)
def test_only_without_prints(prints: list[tuple[float, Side, int]], fires: bool) -> None:
    """Much printed in the direction of the fall within the window is news; never any is unknown."""
    assert fires is bool(wishes(printing(FELL, *prints)))


def test_prints_behind_a_rise_are_purchases() -> None:
    """What sells does not push up."""
    assert [] == wishes(printing(ROSE, (-5, Side.BID, 21)))
    assert 1 == len(wishes(printing(ROSE, (-5, Side.ASK, 21))))


@pytest.mark.parametrize(
    ("seen", "params"),
    [
        (FELL, {"jump_min": price("0.100001")}),
        (FELL, {"window_seconds": 10}),
        (FELL, {"base_seconds": 91}),
        (printing(remembering(a_seen("M-1", 39, 41), (-10, 40)), OLD_PRINT), {}),
        (printing(a_seen("M-1", 39, 41), OLD_PRINT), {}),
        (fell(38, 47), {}),
        (FELL, {"min_edge": price("0.049543")}),
        (FELL, {"price_min": price("0.42")}),
        (FELL, {"price_max": price("0.40")}),
        (FELL, {"stop_before_close_seconds": 5 * 3600}),
        (fell(close_at=None), {}),
        (attrs.evolve(FELL, tradable=False), {}),
        (attrs.evolve(FELL, bid=None), {}),
        (attrs.evolve(FELL, ask=None), {}),
        (attrs.evolve(FELL, bid=cents(41), ask=cents(39)), {}),
    ],
)
def test_what_is_left_alone(seen: MarketView, params: dict[str, Any]) -> None:
    """Small, old or unknown jumps, no edge, prices out of bounds, the close, unsound books."""
    assert [] == wanted(seen, **params)


@pytest.mark.parametrize(
    ("seen", "params"),
    [
        (FELL, {"jump_min": price("0.1")}),
        (FELL, {"window_seconds": 11}),
        (FELL, {"base_seconds": 90}),
        (FELL, {"min_edge": price("0.049542")}),
        (fell(close_at=None), {"stop_before_close_seconds": 0}),
    ],
)
def test_borders(seen: MarketView, params: dict[str, Any]) -> None:
    """The border itself belongs to the strategy."""
    assert 1 == len(wanted(seen, **params))


def held(leg: Leg = Leg.YES, opened: float = 0, cost: str = "4.1") -> Holdings:
    """Return ten contracts bought at 0.41 some seconds after noon."""
    return holding(a_position(NAME, leg=leg, cost=cost, opened_at=seconds(opened)))


def later(bid: int, ask: int, at: int = 60) -> MarketView:
    """Return the market of the fall, some time later."""
    middle = (bid + ask) / 2
    seen = remembering(a_seen("M-1", bid, ask), (-120, 50), (-10, 40), (at - 5, middle))
    return printing(seen, OLD_PRINT)


@pytest.mark.parametrize(
    ("bid", "reason"),
    [
        (40, None),
        (45, None),
        (46, "came_back"),
        (36, None),
        (35, "fell_further"),
        (30, "fell_further"),
    ],
)
def test_what_is_held_is_left(bid: int, reason: str | None) -> None:
    """At 0.4595 expected when it was bought, or five cents below what was paid."""
    got = wishes(later(bid, bid + 2), held(), at=seconds(60))

    assert ([] if reason is None else [reason]) == [s.reason for s in got]
    assert all(
        (Purpose.EXIT, Style.TAKER, cents(bid)) == (s.purpose, s.style, s.price) for s in got
    )


def test_no_is_left_in_its_own_price() -> None:
    """The other way round it is the same."""
    seen = printing(remembering(a_seen("M-1", 52, 54), (-120, 50), (-10, 60), (55, 53)), OLD_PRINT)
    (wish,) = wishes(seen, held(Leg.NO), at=seconds(60))

    assert (Leg.NO, cents(46), "came_back") == (wish.leg, wish.price, wish.reason)


def test_what_is_old_is_left() -> None:
    """After the longest hold it goes at any price that is bid."""
    (wish,) = wishes(later(40, 42), held(opened=-540), at=seconds(60))

    assert ("held_long_enough", cents(40)) == (wish.reason, wish.price)
    assert [] == wishes(later(40, 42), held(opened=-539), at=seconds(60))


def test_a_forgotten_jump_was_worth_the_least_edge() -> None:
    """When the history is gone, what was paid plus what was asked for is enough."""
    seen = printing(remembering(a_seen("M-1", 42, 44), (50, 43)), OLD_PRINT)

    assert ["came_back"] == [s.reason for s in wishes(seen, held(), at=seconds(60))]
    assert [] == wishes(seen, held(), at=seconds(60), min_edge=price("0.012"))


def test_without_a_bid_nothing_is_left() -> None:
    """Nor in a market that does not trade."""
    assert [] == wishes(attrs.evolve(FELL, bid=None), held(opened=-9999))
    assert [] == wishes(attrs.evolve(FELL, tradable=False), held(opened=-9999))


def test_what_is_held_is_not_doubled() -> None:
    """Neither own contracts nor anybody else's are added to."""
    other = holding(a_position("other"))

    assert [] == wishes(FELL, held(opened=-5))
    assert [] == wishes(FELL, other)


def test_a_resting_order_goes_with_its_reason() -> None:
    """It is withdrawn when the jump is past, moved when the bid moved, else kept."""
    back = Withdraw(market="M-1", leg=Leg.YES, purpose=Purpose.ENTRY)
    rest: dict[str, Any] = {"style": Style.MAKER}
    kept = holding(orders=[an_own_order(NAME, price=cents(40))])
    moved = holding(orders=[an_own_order(NAME, price=cents(39))])

    assert [back] == wanted(FELL, kept, window_seconds=5, **rest)
    assert 1 == len(wanted(FELL, kept, **rest))
    assert back == wanted(FELL, moved, **rest)[0]
    assert 2 == len(wanted(FELL, moved, **rest))
