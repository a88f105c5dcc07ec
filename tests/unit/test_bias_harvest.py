"""Favourites bought a little below what they are worth."""

from typing import Any

import attrs
import pytest

from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg
from market_bot.core.domain.numbers import (
    HOUR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
    price,
    probability,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.strategies.bias_harvest import Params, Quote, decide, stretch
from market_bot.core.domain.view import Holdings, MarketView, View
from tests.fakes.builders import a_fill, a_market, a_start, an_intended, cents, fold
from tests.fakes.clock import NOON

CHEAP = Params(min_edge=price("0.002"), price_min=price("0.6"))
NOTHING_HELD = Holdings(positions=(), orders=(), cash=Money(0))
FEES = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=0)


def seen(bid: int | None = 88, ask: int | None = 90, hours: int | None = 5) -> MarketView:
    """Return a market quoted in cents that closes so many hours after noon."""
    return MarketView(
        market=a_market(close_at=None if hours is None else Micros(NOON + hours * HOUR), fees=FEES),
        tradable=True,
        bid=None if bid is None else cents(bid),
        ask=None if ask is None else cents(ask),
        bid_size=Size(1),
        ask_size=Size(1),
        book_age=Duration(0),
        last_trade=None,
    )


def wishes(market: MarketView, holdings: Holdings = NOTHING_HELD, **params: Any) -> list[Signal]:
    """Return what the strategy wants of one market."""
    view = View(event="E-1", family="F-1", as_of=NOON, markets=(market,), references={})
    return list(decide(view, attrs.evolve(CHEAP, **params), holdings))


def holding(leg: Leg) -> Holdings:
    """Return ten contracts of a leg."""
    state = fold([a_start(), an_intended(leg=leg), a_fill(leg=leg)])
    return Holdings(positions=tuple(state.positions.values()), orders=(), cash=state.cash)


def test_a_cheap_favourite_is_wanted() -> None:
    """It joins the bid and says what it believes, expects and pays."""
    (wish,) = wishes(seen())

    assert (Leg.YES, Purpose.ENTRY, Style.MAKER, cents(88)) == (
        wish.leg,
        wish.purpose,
        wish.style,
        wish.price,
    )
    assert stretch(cents(89), price("1.15")) == wish.belief
    assert wish.belief - cents(88) == wish.edge
    assert 0 == wish.cost
    assert Duration(120 * SECOND) == wish.patience


def test_the_favourite_may_be_no() -> None:
    """A market at a tenth is a favourite the other way round."""
    (wish,) = wishes(seen(10, 12))

    assert (Leg.NO, cents(88)) == (wish.leg, wish.price)
    assert stretch(cents(89), price("1.15")) == wish.belief


def test_taking_costs_the_fee() -> None:
    """A taker pays the ask, and the fee lessens the edge."""
    (wish,) = wishes(seen(), style=Quote.TAKER, min_edge=price("-1"))

    assert (cents(90), Style.TAKER) == (wish.price, wish.style)
    assert price("0.0063") == wish.cost
    assert wish.belief - cents(90) - wish.cost == wish.edge


@pytest.mark.parametrize(
    ("market", "params"),
    [
        (seen(bid=None), {}),
        (seen(ask=None), {}),
        (seen(None, None), {}),
        (seen(ask=None), {"style": Quote.TAKER}),
        (seen(hours=None), {}),
        (seen(hours=0), {}),
        (seen(hours=-1), {}),
        (seen(hours=49), {}),
        (seen(), {"price_min": price("0.89")}),
        (seen(), {"price_max": price("0.87")}),
        (seen(), {"gain": price("1"), "min_edge": price("0.02")}),
        (attrs.evolve(seen(), tradable=False), {}),
        (attrs.evolve(seen(), ask=price("0.895")), {"style": Quote.TAKER}),
    ],
)
def test_what_is_left_alone(market: MarketView, params: dict[str, Any]) -> None:
    """No quotes, no known or near close, a price out of bounds or off the grid, no edge."""
    assert [] == wishes(market, **params)


@pytest.mark.parametrize(("market", "hours"), [(seen(hours=48), 48), (seen(hours=None), 0)])
def test_the_close_may_be_far(market: MarketView, hours: int) -> None:
    """The border belongs to the strategy, and zero switches the condition off."""
    assert 1 == len(wishes(market, max_hours_to_close=hours))


@pytest.mark.parametrize(("offset", "at"), [(0, 85), (1, 86), (2, 87), (3, 88), (9, 89)])
def test_improving_the_bid_stops_below_the_ask(offset: int, at: int) -> None:
    """A resting order never crosses."""
    (wish,) = wishes(seen(85, 90), offset_ticks=offset)

    assert cents(at) == wish.price


def test_the_edge_may_just_be_enough() -> None:
    """The least edge is enough, one millionth less is not."""
    (wish,) = wishes(seen())

    assert [wish] == wishes(seen(), min_edge=wish.edge)
    assert [] == wishes(seen(), min_edge=Price(wish.edge + 1))


@pytest.mark.parametrize("leg", Leg)
def test_a_fallen_favourite_is_left(leg: Leg) -> None:
    """Below the border it is sold to whoever bids, in the leg's own price."""
    market = seen(40, 42) if leg is Leg.YES else seen(58, 60)
    (wish,) = wishes(market, holding(leg))

    assert (leg, Purpose.EXIT, Style.TAKER, cents(40)) == (
        wish.leg,
        wish.purpose,
        wish.style,
        wish.price,
    )


@pytest.mark.parametrize("market", [seen(49, 51), seen(88, 90), seen(bid=None), seen(ask=None)])
def test_what_is_held_is_kept(market: MarketView) -> None:
    """While it stands at the border or above, or nobody quotes, it is neither sold nor doubled."""
    assert [] == wishes(market, holding(Leg.YES))


@pytest.mark.parametrize(
    ("market", "gain", "belief"),
    [
        (0, "1.15", "0"),
        (1_000_000, "1.15", "1"),
        (500_000, "1.5", "0.5"),
        (900_000, "1", "0.9"),
        (900_000, "2", "0.987805"),
        (-5, "1", "0"),
        (1_000_005, "1", "1"),
    ],
)
def test_stretch(market: int, gain: str, belief: str) -> None:
    """Log-odds are multiplied, and certainty stays certain."""
    assert probability(belief) == stretch(Price(market), price(gain))
