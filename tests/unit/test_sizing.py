"""How large an entry is, with numbers worked out by hand."""

from typing import Any

import attrs
import pytest

from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    NO_MONEY,
    Duration,
    Money,
    money,
    price,
    probability,
    size,
)
from market_bot.core.domain.orders import Style
from market_bot.core.domain.settings import Sizing, SizingMethod
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.sizing import entry_size, kelly_stake
from market_bot.core.domain.view import MarketView
from tests.fakes.builders import a_market, a_signal

SEEN = MarketView(
    market=a_market(),
    tradable=True,
    bid=price("0.48"),
    ask=price("0.50"),
    bid_size=size("7"),
    ask_size=size("30"),
    book_age=Duration(0),
    last_trade=None,
)
TAKE = a_signal(style=Style.TAKER, price=price("0.50"), belief=probability("0.60"))
FIXED = Sizing(order=money("10"))
CONTRACTS = Sizing(order=money("10"), method=SizingMethod.FIXED_CONTRACTS, contracts=size("12"))
KELLY = Sizing(order=money("10"), method=SizingMethod.KELLY)


def never() -> Money:
    """Fail: cash is only asked for where it matters."""
    pytest.fail("the size does not depend on cash")


@pytest.mark.parametrize(
    ("sizing", "signal", "expected"),
    [
        (FIXED, TAKE, "20"),
        (FIXED, attrs.evolve(TAKE, price=price("0.30")), "33.333333"),
        (CONTRACTS, TAKE, "12"),
        (CONTRACTS, attrs.evolve(TAKE, price=price("0.90")), "11.111111"),
        (attrs.evolve(CONTRACTS, contracts=None), TAKE, "0"),
        (attrs.evolve(FIXED, max_depth_share=probability("0.5")), TAKE, "15"),
        (attrs.evolve(FIXED, max_depth_share=probability("1")), TAKE, "20"),
        (
            attrs.evolve(FIXED, max_depth_share=probability("0.5")),
            attrs.evolve(TAKE, leg=Leg.NO),
            "3.5",
        ),
        (
            attrs.evolve(FIXED, max_depth_share=probability("0.5")),
            attrs.evolve(TAKE, style=Style.MAKER),
            "20",
        ),
    ],
)
def test_sizes_that_need_no_cash(sizing: Sizing, signal: Signal, expected: str) -> None:
    """Dollars or contracts, never more than the dollars; takers leave some of what is shown."""
    assert size(expected) == entry_size(sizing, signal, SEEN, never)


@pytest.mark.parametrize(
    ("changes", "cash", "stake"),
    [
        # (0.60 - 0.50) / (1 - 0.50) = 0.2 of 100 dollars, a quarter of it.
        ({}, "100", "5"),
        # 0.51 with the fee: (0.60 - 0.51) / 0.49, a quarter of 98 dollars.
        ({"cost": price("0.01")}, "98", "4.5"),
        # A reward hoped for makes nothing cheaper.
        ({"cost": price("-0.01")}, "100", "5"),
        ({"belief": probability("0.50")}, "100", "0"),
        ({"belief": probability("0.40")}, "100", "0"),
        ({"belief": probability("0.505"), "cost": price("0.005")}, "100", "0"),
        ({"belief": probability("1")}, "100", "25"),
        ({"price": price("1"), "belief": probability("1")}, "100", "0"),
        ({}, "0", "0"),
        ({}, "-3", "0"),
    ],
)
def test_kelly_stakes(changes: dict[str, Any], cash: str, stake: str) -> None:
    """The advantage after costs over what can be won, as a share of the free cash."""
    signal = attrs.evolve(TAKE, **changes)

    assert money(stake) == kelly_stake(signal, probability("0.25"), money(cash))


@pytest.mark.parametrize(
    ("sizing", "cost", "expected"),
    [
        (KELLY, "0", "10"),
        (attrs.evolve(KELLY, kelly_fraction=probability("0.05")), "0", "2"),
        # A stake of 4.59183673469… dollars buys contracts that cost 51 cents with the fee.
        (KELLY, "0.01", "9.003601"),
        (attrs.evolve(KELLY, order=money("2")), "0", "4"),
        (attrs.evolve(KELLY, max_depth_share=probability("0.1")), "0", "3"),
    ],
)
def test_kelly_sizes(sizing: Sizing, cost: str, expected: str) -> None:
    """The stake buys contracts at their whole cost, within the dollars and what is shown."""
    signal = attrs.evolve(TAKE, cost=price(cost))

    assert size(expected) == entry_size(sizing, signal, SEEN, lambda: money("100"))


def test_no_edge_is_no_entry() -> None:
    """Kelly sizes a wish without an advantage at nothing, which the least size then refuses."""
    signal = attrs.evolve(TAKE, belief=probability("0.5"))

    assert 0 == entry_size(KELLY, signal, SEEN, lambda: money("100"))
    assert 0 == entry_size(KELLY, TAKE, SEEN, lambda: NO_MONEY)
