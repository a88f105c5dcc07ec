"""What every strategy in the package keeps, whatever the market looks like."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain.market import (
    NO_FEES,
    TENTH_CENTS,
    WHOLE_CENTS,
    FeeModel,
    FeeSchedule,
    Leg,
    TickBand,
)
from market_bot.core.domain.numbers import (
    CERTAIN,
    HOUR,
    NOTHING,
    ONE_DOLLAR,
    Duration,
    Micros,
    Money,
    Price,
    Size,
    parse_scaled,
    price,
)
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.strategies.api import Strategy, knobs
from market_bot.core.domain.strategies.bias_harvest import stretch
from market_bot.core.domain.view import Holdings, MarketView, View
from tests.fakes.builders import a_fill, a_market, a_start, an_intended, cents, every_strategy, fold
from tests.fakes.clock import NOON

STRATEGIES = every_strategy()
TAPERED = (
    TickBand(price("0.001"), price("0.1"), price("0.001")),
    TickBand(price("0.1"), price("0.9"), price("0.01")),
    TickBand(price("0.9"), price("0.999"), price("0.001")),
)
KALSHI = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=17_500)

# On the grid, off it, and beyond every border; either side may be missing, and books may cross.
quotes = (
    st.none()
    | st.integers(0, 100).map(lambda c: Price(c * 10_000))
    | st.integers(-2, 1_000_002).map(Price)
)


def a_seen(
    name: str,
    bid: Price | None,
    ask: Price | None,
    hours: int | None,
    ticks: Any = WHOLE_CENTS,
    fees: Any = NO_FEES,
    tradable: bool = True,
) -> MarketView:
    """Return a market as a strategy may meet it."""
    close = None if hours is None else Micros(NOON + hours * HOUR)
    return MarketView(
        market=a_market(name, ticks=ticks, close_at=close, fees=fees),
        tradable=tradable,
        bid=bid,
        ask=ask,
        bid_size=NOTHING if bid is None else Size(1),
        ask_size=NOTHING if ask is None else Size(1),
        book_age=Duration(0),
        last_trade=None,
    )


def seen(name: str) -> st.SearchStrategy[MarketView]:
    """Return any market of a name; half of them are tempting favourites or longshots."""
    terms = st.tuples(
        st.none() | st.integers(-2, 60),
        st.sampled_from([WHOLE_CENTS, TENTH_CENTS, TAPERED]),
        st.sampled_from([NO_FEES, KALSHI]),
        st.booleans(),
    )
    tempting = st.tuples(st.integers(1, 98), st.integers(1, 3)).map(
        lambda pair: (cents(pair[0]), cents(pair[0] + pair[1]))
    )
    pairs = st.tuples(quotes, quotes) | tempting
    return st.builds(lambda pair, rest: a_seen(name, *pair, *rest), pairs, terms)


@st.composite
def situations(draw: st.DrawFn) -> tuple[View, Holdings]:
    """Return an event of up to three markets, and some positions in it."""
    names = ["M-1", "M-2", "M-3"][: draw(st.integers(0, 3))]
    view = View(
        event="E-1",
        family="F-1",
        as_of=NOON,
        markets=tuple(draw(seen(name)) for name in names),
        references=draw(st.sampled_from([{}, {"BTC-USD": "nonsense"}, {"BTC-USD": "97000.5"}])),
    )
    facts: list[Any] = [a_start()]
    for market in [*names, "M-9"]:
        for leg in Leg:
            if draw(st.booleans()):
                name = f"{market}-{leg.value}"
                facts.append(an_intended(name, market=market, leg=leg))
                facts.append(a_fill(market=market, leg=leg, intent=name))
    state = fold(facts)
    positions = tuple(state.positions.values())
    return view, Holdings(positions=positions, orders=(), cash=Money(0))


def any_params(strategy: Strategy) -> st.SearchStrategy[Any]:
    """Return parameters with every knob at one of its bounds or at its default."""
    defaults = strategy.params()
    choices = {
        name: st.sampled_from([getattr(defaults, name), *_ends(defaults, name, knob)])
        for name, knob in knobs(strategy).items()
    }
    return st.builds(strategy.params, **choices)


def _ends(defaults: Any, name: str, knob: Any) -> list[int]:
    # Ratios, prices and dollars are kept in millionths, the rest as plain integers.
    scale = 6 if knob.unit in {"dollar", "ratio", "probability"} else 0
    return [parse_scaled(knob.low, scale), parse_scaled(knob.high, scale)]


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
@given(data=st.data(), situation=situations())
def test_any_market(
    strategy: Strategy, data: st.DataObject, situation: tuple[View, Holdings]
) -> None:
    """It never raises, repeats itself exactly, and wants only what can be traded.

    Its wishes are in its own markets, on their grids, and only where something trades; it sells
    only what is held.
    """
    view, holdings = situation
    params = data.draw(any_params(strategy))
    held = {(p.market, p.leg) for p in holdings.positions}
    inside = {m.market.id: m for m in view.markets}

    everything = list(strategy.decide(view, params, holdings))

    assert everything == list(strategy.decide(view, params, holdings))
    assert {wish.market for wish in everything} <= set(inside)
    wanted = [wish for wish in everything if isinstance(wish, Signal)]
    for signal in wanted:
        there = inside[signal.market]
        assert there.tradable
        assert there.market.on_grid(signal.price)
        assert 0 <= signal.belief <= CERTAIN
        assert signal.patience > 0
        assert signal.reason.isidentifier()
        if signal.purpose is Purpose.EXIT:
            assert (signal.market, signal.leg) in held
    keys = [(s.market, s.leg, s.purpose) for s in wanted]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_every_strategy_keeps_the_contract(strategy: Strategy) -> None:
    """It is named like its file, has a sentence, and defaults that lie on its knobs."""
    assert strategy is STRATEGIES[strategy.name]
    assert strategy.summary.endswith(".")
    defaults = strategy.params()
    for name, knob in knobs(strategy).items():
        low, high = _ends(defaults, name, knob)
        assert low <= getattr(defaults, name) <= high
        assert parse_scaled(knob.step, 6) > 0


def test_some_strategy_wants_something() -> None:
    """The markets above are not all refused: entries and exits both occur."""
    view = View(
        event="E-1",
        family="F-1",
        as_of=NOON,
        markets=(
            a_seen("M-1", price("0.88"), price("0.90"), 5),
            a_seen("M-2", price("0.30"), price("0.32"), 5),
        ),
        references={},
    )
    state = fold([a_start(), an_intended(market="M-2"), a_fill(market="M-2")])
    holdings = Holdings(positions=tuple(state.positions.values()), orders=(), cash=Money(0))
    purposes = {
        wish.purpose
        for strategy in STRATEGIES.values()
        for wish in strategy.decide(view, strategy.params(), holdings)
    }

    assert {Purpose.ENTRY, Purpose.EXIT} <= purposes


probabilities = st.integers(0, 1_000_000).map(Price)
gains = st.integers(1_000_000, 1_500_000).map(Price)


@given(probabilities)
def test_gain_one_believes_the_market(market: Price) -> None:
    """Nothing is stretched."""
    assert int(market) == int(stretch(market, price("1")))


@given(probabilities, probabilities, gains)
def test_stretching_keeps_the_order(one: Price, other: Price, gain: Price) -> None:
    """A likelier market is never believed less."""
    low, high = sorted((one, other))

    assert stretch(low, gain) <= stretch(high, gain)


@given(probabilities, gains)
def test_stretching_is_symmetric(market: Price, gain: Price) -> None:
    """Both legs together are believed certain, to a millionth of rounding."""
    both = stretch(market, gain) + stretch(Price(ONE_DOLLAR - market), gain)

    assert abs(both - CERTAIN) <= 1


@given(st.integers(1, 999_999), gains)
def test_stretching_multiplies_log_odds(market: int, gain: Price) -> None:
    """It is the power of the odds, calculated another way."""
    odds = (market / (1_000_000 - market)) ** (gain / 1_000_000)

    assert math.isclose(odds / (1 + odds), stretch(Price(market), gain) / CERTAIN, abs_tol=6e-7)
    assert (stretch(Price(market), gain) >= market) is (
        market >= 500_000 or stretch(Price(market), gain) == market
    )
