"""Prices at which a leg can be taken, hit or waited for, and orders that follow their wish."""

from typing import Any

import attrs
import pytest

from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg
from market_bot.core.domain.numbers import Price, price, probability
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Withdraw
from market_bot.core.domain.view import MarketView
from market_bot.core.domain.wishes import (
    believed,
    fee_per_contract,
    hit_price,
    is_sound,
    move,
    positions_of,
    rest_price,
    resting,
    take_price,
)
from tests.fakes.builders import a_market, a_signal, an_order, cents, contracts
from tests.fakes.situations import a_position, a_seen, holding

ODD = attrs.evolve(a_seen(), bid=price("0.485"), ask=price("0.515"))
EMPTY = a_seen(bid=None, ask=None)


@pytest.mark.parametrize(
    ("seen", "take", "hit", "rest"),
    [
        (a_seen(), "0.52", "0.48", "0.49"),
        (a_seen(bid=51), "0.52", "0.51", "0.51"),
        (a_seen(bid=52), "0.52", "0.52", None),
        (a_seen(bid=None), "0.52", None, None),
        (a_seen(ask=None), None, "0.48", None),
        (EMPTY, None, None, None),
        (ODD, None, "0.48", "0.49"),
        (a_seen(bid=0, ask=100), None, None, "0.01"),
    ],
)
def test_prices_of_yes(
    seen: MarketView, take: str | None, hit: str | None, rest: str | None
) -> None:
    """What is taken must be on the grid; what is hit is rounded down; what rests does not cross."""
    wanted = [None if text is None else price(text) for text in (take, hit, rest)]

    assert wanted == [there(seen, Leg.YES) for there in (take_price, hit_price, rest_price)]


def test_prices_of_no() -> None:
    """They are in the leg's own dollars."""
    seen = a_seen(bid=30, ask=34)

    assert [cents(70), cents(66), cents(67)] == [
        there(seen, Leg.NO) for there in (take_price, hit_price, rest_price)
    ]


@pytest.mark.parametrize(
    ("seen", "sound"),
    [
        (a_seen(), True),
        (a_seen(bid=52), False),
        (a_seen(bid=0), False),
        (a_seen(ask=100), False),
        (EMPTY, False),
        (attrs.evolve(a_seen(), tradable=False), False),
    ],
)
def test_soundness(seen: MarketView, sound: bool) -> None:
    """Two sides inside the borders that do not cross, in a market that trades."""
    assert sound is is_sound(seen)


def test_beliefs_of_both_legs() -> None:
    """They add up to certainty."""
    assert probability("0.3") == believed(probability("0.3"), Leg.YES)
    assert probability("0.7") == believed(probability("0.3"), Leg.NO)


@pytest.mark.parametrize(
    ("style", "selling", "each"),
    [(Style.TAKER, False, "0.0168"), (Style.TAKER, True, "0.0168"), (Style.MAKER, False, "0")],
)
def test_fee_per_contract(style: Style, selling: bool, each: str) -> None:
    """Seven per cent of 0.4 times 0.6, and nothing for makers."""
    fees = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=0)

    assert price(each) == fee_per_contract(a_market(fees=fees), cents(40), style, selling=selling)


def test_whose_positions() -> None:
    """One stranger in a market makes all of it a stranger's, other markets do not matter."""
    mine, no = a_position("mine"), a_position("mine", leg=Leg.NO)
    theirs = a_position("theirs", "M-2")

    assert {Leg.YES: mine, Leg.NO: no} == positions_of(holding(mine, no, theirs), "mine", "M-1")
    assert {} == positions_of(holding(theirs), "mine", "M-1")
    assert positions_of(holding(mine, attrs.evolve(no, strategy="theirs")), "mine", "M-1") is None


def test_whose_orders() -> None:
    """Own, resting, in this market."""
    mine = an_order(strategy="mine")
    others = [
        an_order(strategy="theirs"),
        an_order(strategy="mine", market="M-2"),
        an_order(strategy="mine", style=Style.TAKER),
    ]

    assert [mine] == resting(holding(orders=[mine, *others]), "mine", "M-1")


@pytest.mark.parametrize(
    ("wish", "ticks", "kept"),
    [
        ({}, 1, True),
        ({"price": cents(49)}, 1, False),
        ({"price": cents(49)}, 2, True),
        ({"price": cents(46)}, 2, False),
        ({"size": contracts(10)}, 1, True),
        ({"size": contracts(9)}, 1, False),
        ({"style": Style.TAKER}, 1, False),
        ({"leg": Leg.NO}, 1, False),
        ({"purpose": Purpose.EXIT}, 1, False),
    ],
)
def test_orders_follow_their_wish(wish: dict[str, Any], ticks: int, kept: bool) -> None:
    """What rests too far away, too large, or for another wish is withdrawn before the wish."""
    signal = a_signal(**wish)
    back = Withdraw(market="M-1", leg=Leg.YES, purpose=Purpose.ENTRY)

    assert ([signal] if kept else [back, signal]) == move(a_market(), [an_order()], [signal], ticks)


def test_a_withdrawal_is_told_once() -> None:
    """Two orders for one wish are withdrawn together."""
    orders = [an_order(), an_order(intent="i-2", price=Price(1))]

    assert 1 == len(move(a_market(), orders, []))
