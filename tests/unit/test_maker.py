"""Resting in a queue."""

import pytest

from market_bot.core.domain.book import Side
from market_bot.core.domain.fills.maker import (
    Resting,
    after_print,
    book_side,
    is_done,
    met_by,
    yes_price,
)
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, Size
from market_bot.core.domain.orders import Purpose
from tests.fakes.builders import cents, contracts


def resting(side: Side = Side.BID, ahead: int = 5, remaining: int = 10) -> Resting:
    """Return an order at 0.48 that expires at 100."""
    return Resting(
        intent="i-1",
        market="M-1",
        side=side,
        price=cents(48),
        remaining=contracts(remaining),
        ahead=contracts(ahead),
        expires_at=Micros(100),
    )


@pytest.mark.parametrize(
    ("leg", "purpose", "side"),
    [
        (Leg.YES, Purpose.ENTRY, Side.BID),
        (Leg.YES, Purpose.EXIT, Side.ASK),
        (Leg.NO, Purpose.ENTRY, Side.ASK),
        (Leg.NO, Purpose.EXIT, Side.BID),
    ],
)
def test_sides(leg: Leg, purpose: Purpose, side: Side) -> None:
    """Buying NO is offering YES."""
    assert side is book_side(leg, purpose)


def test_yes_price() -> None:
    """A NO price and its YES price are each other's."""
    assert cents(52) == yes_price(Leg.NO, cents(48))
    assert cents(48) == yes_price(Leg.YES, cents(48))


@pytest.mark.parametrize(
    ("side", "taker", "at", "moment", "met"),
    [
        (Side.BID, Side.ASK, 48, 50, True),
        (Side.BID, Side.ASK, 47, 50, True),
        (Side.BID, Side.ASK, 49, 50, False),
        (Side.BID, Side.BID, 48, 50, False),
        (Side.ASK, Side.BID, 48, 50, True),
        (Side.ASK, Side.BID, 49, 50, True),
        (Side.ASK, Side.BID, 47, 50, False),
        (Side.ASK, Side.ASK, 48, 50, False),
        (Side.BID, Side.ASK, 48, 100, True),
        (Side.BID, Side.ASK, 48, 101, False),
    ],
)
def test_which_prints_reach(side: Side, taker: Side, at: int, moment: int, met: bool) -> None:
    """Only the other side's aggressor at our price or through it, before the order expired."""
    assert met is met_by(resting(side), taker, cents(at), Micros(moment))


@pytest.mark.parametrize(
    ("printed", "ahead", "filled"), [(0, 5, 0), (3, 2, 0), (5, 0, 0), (7, 0, 2), (99, 0, 10)]
)
def test_the_queue_goes_first(printed: int, ahead: int, filled: int) -> None:
    """Prints shorten the queue, and only the rest fills us, up to our size."""
    after, got = after_print(resting(), contracts(printed))

    assert (contracts(ahead), contracts(filled)) == (after.ahead, got)
    assert contracts(10 - filled) == after.remaining
    assert is_done(after) is (filled == 10)


def test_a_queue_is_worked_off_print_by_print() -> None:
    """Two prints that together reach beyond the queue fill the difference."""
    order, first = after_print(resting(), contracts(4))
    order, second = after_print(order, contracts(4))

    assert (Size(0), contracts(3)) == (first, second)
