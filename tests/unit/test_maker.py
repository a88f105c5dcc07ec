"""Where an order rests in the book."""

import pytest

from market_bot.core.domain.book import Side
from market_bot.core.domain.fills.maker import book_side, yes_price
from market_bot.core.domain.market import Leg
from market_bot.core.domain.orders import Purpose
from tests.fakes.builders import cents


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
