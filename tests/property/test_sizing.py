"""What every size keeps, whatever is believed."""

from fractions import Fraction

import attrs
from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    CERTAIN,
    ONE_DOLLAR,
    Duration,
    Money,
    Price,
    Probability,
    Size,
)
from market_bot.core.domain.orders import Style
from market_bot.core.domain.settings import Sizing, SizingMethod
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.sizing import entry_size, kelly_stake
from market_bot.core.domain.view import MarketView
from tests.fakes.builders import a_market, a_signal

beliefs = st.integers(0, CERTAIN).map(Probability)
shares = st.integers(1, CERTAIN).map(Probability)
cash = st.integers(-(10**15), 10**17).map(Money)
sizes = st.integers(0, 10**10).map(Size)
signals = st.builds(
    a_signal,
    leg=st.sampled_from(Leg),
    style=st.sampled_from(Style),
    price=st.integers(1, ONE_DOLLAR - 1).map(Price),
    belief=beliefs,
    cost=st.integers(-20_000, 50_000).map(Price),
)
sizings = st.builds(
    Sizing,
    order=st.integers(1, 10**15).map(Money),
    method=st.sampled_from(SizingMethod),
    contracts=st.none() | sizes,
    kelly_fraction=shares,
    max_depth_share=st.none() | shares,
)


def a_seen(bid_size: Size, ask_size: Size) -> MarketView:
    """Return a market with so much displayed."""
    return MarketView(
        market=a_market(),
        tradable=True,
        bid=Price(480_000),
        ask=Price(520_000),
        bid_size=bid_size,
        ask_size=ask_size,
        book_age=Duration(0),
        last_trade=None,
    )


@given(sizings, signals, st.builds(a_seen, sizes, sizes), cash)
def test_no_size_is_beyond_its_caps(
    sizing: Sizing, signal: Signal, seen: MarketView, free: Money
) -> None:
    """Dollars, contracts, cash and the displayed share hold, and what comes out is whole."""
    size = entry_size(sizing, signal, seen, lambda: free)

    assert isinstance(size, int)
    assert size >= 0
    assert signal.price * size <= sizing.order
    if sizing.method is SizingMethod.FIXED_CONTRACTS:
        assert size <= (sizing.contracts or 0)
    if sizing.method is SizingMethod.KELLY:
        assert (signal.price + max(0, signal.cost)) * size <= max(0, free)
    if sizing.max_depth_share is not None and signal.style is Style.TAKER:
        assert size * CERTAIN <= sizing.max_depth_share * seen.depth(signal.leg)


@given(signals, shares, cash)
def test_kelly_is_the_formula(signal: Signal, fraction: Probability, free: Money) -> None:
    """Calculated in fractions the stake is the same, cut off at the last unit."""
    at = Fraction(signal.price + max(0, signal.cost), ONE_DOLLAR)
    belief = Fraction(signal.belief, CERTAIN)
    exact = Fraction(0)
    if at < 1 and belief > at and free > 0:
        exact = (belief - at) / (1 - at) * Fraction(fraction, CERTAIN) * free

    assert int(exact) == kelly_stake(signal, fraction, free)


@given(signals, beliefs, beliefs, shares, cash)
def test_kelly_grows_with_the_edge(
    signal: Signal, one: Probability, other: Probability, fraction: Probability, free: Money
) -> None:
    """Who believes more never stakes less."""
    low, high = sorted((one, other))
    stakes = [
        kelly_stake(attrs.evolve(signal, belief=belief), fraction, free) for belief in (low, high)
    ]

    assert stakes == sorted(stakes)


@given(signals, shares, shares, cash, cash)
def test_kelly_grows_with_fraction_and_cash(
    signal: Signal, one: Probability, other: Probability, poor: Money, rich: Money
) -> None:
    """Neither boldness nor money makes a stake smaller."""
    (careful, bold), (less, more) = sorted((one, other)), sorted((poor, rich))

    assert kelly_stake(signal, careful, less) <= kelly_stake(signal, bold, less)
    assert kelly_stake(signal, careful, less) <= kelly_stake(signal, careful, more)
