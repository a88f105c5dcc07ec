"""Quotes on both sides, leaned against what is held."""

import math
from typing import Any

import attrs
import pytest

from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg, Reward
from market_bot.core.domain.numbers import SECOND, Duration, Price, Size, money, price, probability
from market_bot.core.domain.orders import OrderState, Purpose, Style
from market_bot.core.domain.signals import Signal, Withdraw
from market_bot.core.domain.strategies.market_making import Params, decide, fair_log_odds
from market_bot.core.domain.view import Holdings, MarketView
from tests.fakes.builders import cents, contracts
from tests.fakes.situations import a_position, a_seen, a_view, an_own_order, holding, remembering

NAME = "market_making"
CALM = remembering(a_seen(), (-60, 50))
NO_HOLDINGS = holding()


def wanted(
    seen: MarketView = CALM, holdings: Holdings = NO_HOLDINGS, **params: Any
) -> list[Signal | Withdraw]:
    """Return everything the strategy wants of one market."""
    return list(decide(a_view(seen), attrs.evolve(Params(), **params), holdings))


def quotes(
    seen: MarketView = CALM, holdings: Holdings = NO_HOLDINGS, **params: Any
) -> list[tuple[str, str, Price, Size | None]]:
    """Return the quotes as leg, purpose, price and size."""
    return [
        (s.leg.value, s.purpose.value, s.price, s.size)
        for s in wanted(seen, holdings, **params)
        if isinstance(s, Signal)
    ]


def test_a_calm_market_is_quoted_on_both_sides() -> None:
    """Around even, 0.08 in log-odds are two cents: 1 / (1 + e^0.08) is 0.480011."""
    assert [
        ("yes", "entry", cents(48), contracts(10)),
        ("no", "entry", cents(48), contracts(10)),
    ] == quotes()


def test_quotes_rest_and_say_what_they_expect() -> None:
    """They are post-only, believe the fair value, and expect their distance from it."""
    yes, no = (s for s in wanted() if isinstance(s, Signal))

    assert {Style.MAKER} == {yes.style, no.style}
    assert probability("0.5") == yes.belief == no.belief
    assert cents(2) == yes.edge == no.edge
    assert Duration(120 * SECOND) == yes.patience


def test_fair_value_leans_towards_the_thinner_side() -> None:
    """300 bid and 100 asked: the weighted midpoint of 0.48 and 0.52 is 0.51."""
    seen = a_seen(depth=(300, 100))

    assert 0.0 == fair_log_odds(seen, price("0"))
    assert math.log(0.51 / 0.49) == pytest.approx(fair_log_odds(seen, price("1")))
    assert math.log(0.51 / 0.49) / 2 == pytest.approx(fair_log_odds(seen, price("0.5")))


def test_no_fair_value_without_both_sides() -> None:
    """It is refused, not made up."""
    with pytest.raises(ValueError, match="no fair value"):
        fair_log_odds(a_seen(bid=None), price("0.5"))


def test_inventory_leans_the_quotes() -> None:
    """Forty YES at 0.004 each move the middle by -0.16: 1 / (1 + e^0.24) is 0.4403."""
    held = holding(a_position(NAME, size=40, cost="20"))

    assert [
        ("yes", "entry", cents(44), contracts(10)),
        ("yes", "exit", cents(49), contracts(10)),
    ] == quotes(holdings=held)


def test_what_is_held_is_sold_first() -> None:
    """Who holds NO buys YES by selling it, at the complement of the bid, no more than is held."""
    held = holding(a_position(NAME, leg=Leg.NO, size=4, cost="2"))

    assert [
        ("no", "exit", cents(52), contracts(4)),
        ("no", "entry", cents(47), contracts(10)),
    ] == quotes(holdings=held)


def test_only_what_is_settled_is_sold() -> None:
    """A purchase the venue may still undo is not offered, and not doubled either."""
    position = attrs.evolve(a_position(NAME, size=10), provisional=contracts(10))

    assert [("yes", "entry")] == [
        (leg, purpose) for leg, purpose, *_ in quotes(holdings=holding(position))
    ]


@pytest.mark.parametrize(("size", "room"), [(45, 5), (49, 1), (50, None), (60, None)])
def test_the_inventory_has_a_cap(size: int, room: int | None) -> None:
    """The last quote fills it exactly, then only the other side is left."""
    held = holding(a_position(NAME, size=size, cost="20"))
    buys = [size for leg, purpose, _, size in quotes(holdings=held) if purpose == "entry"]

    assert ([] if room is None else [contracts(room)]) == buys


def test_quotes_widen_with_volatility() -> None:
    """A move of 0.04 every second makes ten seconds worth 0.126 at multiple one."""
    mids = [(-60 + second, 50 + second % 2) for second in range(60)]
    seen = remembering(a_seen(), *mids)
    step = math.log(0.51 / 0.49)
    half = step * math.sqrt(10)
    low = math.floor(100 / (1 + math.exp(half)))

    assert [cents(low), cents(low)] == [at for _, _, at, _ in quotes(seen)]
    assert cents(48) == quotes(seen, vol_multiple=price("0"))[0][2]


def test_makers_fees_are_added() -> None:
    """A maker's rate of 0.07 costs 1.75 cents at even: the quotes move out by two ticks."""
    fees = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=70_000)
    seen = remembering(a_seen(fees=fees), (-60, 50))

    (yes, no) = wanted(seen)

    assert isinstance(yes, Signal)
    assert (cents(46), price("0.017388")) == (yes.price, yes.cost)
    assert yes.belief - yes.price - yes.cost == yes.edge
    assert isinstance(no, Signal)
    assert cents(46) == no.price


@pytest.mark.parametrize(
    ("least", "most", "size"),
    [(50, "0.03", 50), (50, "0.01", 10), (5, "0.03", 10), (51, "0.03", 10)],
)
def test_rewards_are_worth_a_larger_size(least: int, most: str, size: int) -> None:
    """Near enough to the middle the size grows to what qualifies, unless there is no room."""
    reward = Reward(daily=money("10"), min_size=contracts(least), max_spread=price(most))
    seen = remembering(a_seen(reward=reward), (-60, 50))

    assert [contracts(size)] * 2 == [size for *_, size in quotes(seen)]


def test_quotes_never_cross() -> None:
    """A book far from what is fair is joined from outside, not taken."""
    held = holding(a_position(NAME, size=500, cost="200"))
    seen = remembering(a_seen(bid=49, ask=50), (-60, 49.5))

    assert [("yes", "exit", cents(50), contracts(10))] == quotes(seen, held)


JUMPED = remembering(a_seen(), (-60, 40), (-10, 50))


@pytest.mark.parametrize(
    ("seen", "params"),
    [
        (JUMPED, {}),
        (remembering(a_seen(), (-60, 50), (-20, 30), (-10, 50)), {}),
        (remembering(a_seen(), (-20, 50)), {}),
        (a_seen(), {"jump_seconds": 5}),
        (attrs.evolve(CALM, book_age=Duration(61 * SECOND)), {}),
        (attrs.evolve(CALM, tradable=False), {}),
        (attrs.evolve(CALM, bid_size=Size(0)), {}),
        (remembering(a_seen(bid=None), (-60, 50)), {}),
        (remembering(a_seen(bid=52, ask=48), (-60, 50)), {}),
        (remembering(a_seen(close_at=None), (-60, 50)), {}),
        (CALM, {"stop_before_close_seconds": 5 * 3600}),
        (remembering(a_seen(bid=3, ask=5), (-60, 4)), {}),
    ],
)
def test_quotes_are_pulled(seen: MarketView, params: dict[str, Any]) -> None:
    """After a jump, also one that came back, near the close, from a stale or unsound book."""
    orders = [
        an_own_order(NAME),
        an_own_order(NAME, intent="i-2", leg=Leg.NO),
        an_own_order("other", intent="i-3"),
    ]

    assert [
        Withdraw(market="M-1", leg=Leg.YES, purpose=Purpose.ENTRY),
        Withdraw(market="M-1", leg=Leg.NO, purpose=Purpose.ENTRY),
    ] == wanted(seen, holding(orders=orders), **params)


def test_a_jump_is_over_when_the_window_has_passed() -> None:
    """Ten seconds ago is too near for a window of thirty, but not for one of nine."""
    assert [] == quotes(JUMPED)
    assert 2 == len(quotes(JUMPED, jump_seconds=9))
    assert 2 == len(quotes(JUMPED, jump=price("0.405466")))
    assert [] == quotes(JUMPED, jump=price("0.405464"))


def test_anothers_market_is_left_alone() -> None:
    """Where another strategy holds something nothing is quoted, and own orders are withdrawn."""
    held = holding(a_position("other", leg=Leg.NO), orders=[an_own_order(NAME)])

    assert [Withdraw(market="M-1", leg=Leg.YES, purpose=Purpose.ENTRY)] == wanted(holdings=held)


@pytest.mark.parametrize(
    ("order", "moved"),
    [
        ({}, False),
        ({"price": cents(47)}, True),
        ({"price": cents(49)}, True),
        ({"size": contracts(11)}, True),
        ({"size": contracts(11), "filled": contracts(1)}, False),
        ({"state": OrderState.CANCELLED, "price": cents(47)}, False),
        ({"purpose": Purpose.EXIT}, True),
    ],
)
def test_orders_are_moved(order: dict[str, Any], moved: bool) -> None:
    """One that rests a tick away, is too large or serves nothing is withdrawn first."""
    resting = an_own_order(NAME, **order)
    back = Withdraw(market="M-1", leg=Leg.YES, purpose=resting.purpose)

    first, *_ = wanted(holdings=holding(orders=[resting]), requote_ticks=1)

    assert moved is (first == back)


def test_small_moves_are_not_followed() -> None:
    """Within ``requote_ticks`` an order stays where it is."""
    held = holding(orders=[an_own_order(NAME, price=cents(46))])

    assert 2 == len(wanted(holdings=held, requote_ticks=3))
    assert 3 == len(wanted(holdings=held, requote_ticks=2))
