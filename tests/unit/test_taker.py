"""Taking what is displayed."""

import pytest

from market_bot.core.domain.book import Level
from market_bot.core.domain.fills.taker import walk
from tests.fakes.builders import cents, contracts

OFFERS = [Level(cents(52), contracts(3)), Level(cents(53), contracts(4))]
DEMAND = [Level(cents(48), contracts(3)), Level(cents(47), contracts(4))]


@pytest.mark.parametrize(
    ("limit", "wanted", "got"),
    [
        (51, 5, []),
        (52, 2, [(52, 2)]),
        (52, 5, [(52, 3)]),
        (53, 5, [(52, 3), (53, 2)]),
        (99, 50, [(52, 3), (53, 4)]),
        (99, 0, []),
    ],
)
def test_buying(limit: int, wanted: int, got: list[tuple[int, int]]) -> None:
    """The cheapest comes first, up to the limit, the size, and what is there."""
    taken = walk(OFFERS, {}, cents(limit), contracts(wanted), selling=False)

    assert [Level(cents(p), contracts(s)) for p, s in got] == taken


@pytest.mark.parametrize(
    ("limit", "wanted", "got"),
    [(49, 5, []), (48, 5, [(48, 3)]), (47, 5, [(48, 3), (47, 2)]), (1, 50, [(48, 3), (47, 4)])],
)
def test_selling(limit: int, wanted: int, got: list[tuple[int, int]]) -> None:
    """The dearest comes first, down to the limit."""
    taken = walk(DEMAND, {}, cents(limit), contracts(wanted), selling=True)

    assert [Level(cents(p), contracts(s)) for p, s in got] == taken


def test_what_we_took_is_gone() -> None:
    """Contracts taken before are not there again, and a level that shrank has none."""
    used = {cents(52): contracts(2), cents(53): contracts(9)}

    assert [Level(cents(52), contracts(1))] == walk(
        OFFERS, used, cents(60), contracts(9), selling=False
    )


def test_what_was_not_there_at_sending_is_not_had() -> None:
    """Of no price more than was displayed when the order was sent, less what we took since."""
    sent = {cents(52): contracts(2)}
    used = {cents(52): contracts(1)}

    assert [Level(cents(52), contracts(1))] == walk(
        OFFERS, used, cents(60), contracts(9), selling=False, at_sending=sent
    )
