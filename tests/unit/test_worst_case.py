"""Events that people know by heart, and what they can cost."""

import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.exposure import exposure_of
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import EventTerms, Leg
from market_bot.core.domain.numbers import Money, Size, money, price
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.worst_case import (
    Stakes,
    held,
    perhaps_held,
    perhaps_sold,
    worst_loss,
)
from tests.fakes.builders import a_draft, a_fill, a_sale, a_signal, a_start, an_intended, fold

ONE = EventTerms(markets=frozenset("ABC"), at_most_one=True)
PROVEN = EventTerms(markets=frozenset("ABC"), at_most_one=True, exhaustive=True)
NONE = EventTerms()


def basket(leg: Leg, cents: str, markets: str = "ABC") -> dict[str, Stakes]:
    """Return ten contracts of a leg in each market at a price."""
    size = 10 * 10**6
    return {name: held(leg, size, money(cents) * 10) for name in markets}


@pytest.mark.parametrize(
    ("leg", "at", "terms", "loss"),
    [
        # NO on three, at most one YES: two pay at least, but a void pays 1.50.
        (Leg.NO, "0.60", ONE, "3"),
        (Leg.NO, "0.60", NONE, "18"),
        # At 0.40 even a void pays more than the basket cost.
        (Leg.NO, "0.40", ONE, "-3"),
        # YES on all: somebody wins only if that is proven; a void would pay even more.
        (Leg.YES, "0.30", ONE, "9"),
        (Leg.YES, "0.30", PROVEN, "-1"),
        (Leg.YES, "0.60", PROVEN, "8"),
    ],
)
def test_baskets(leg: Leg, at: str, terms: EventTerms, loss: str) -> None:
    """The same leg in every market of an event."""
    assert money(loss) == worst_loss(basket(leg, at), terms)


def test_one_market_of_a_proven_event_proves_nothing() -> None:
    """That somebody must win helps only who holds them all."""
    assert money("6") == worst_loss(basket(Leg.YES, "0.30", "AB"), PROVEN)


def test_a_market_nobody_listed_makes_the_terms_unsure() -> None:
    """An event that does not name all that is at stake is no event."""
    assert money("24") == worst_loss(basket(Leg.NO, "0.60", "ABCD"), ONE)


def test_nothing_at_stake() -> None:
    """Nothing can be lost of nothing, whatever is known."""
    assert 0 == worst_loss({}, NONE) == worst_loss({}, ONE) == worst_loss({}, PROVEN)
    assert 0 == worst_loss({}, EventTerms(at_most_one=True, exhaustive=True))


def test_both_legs_pay_a_dollar() -> None:
    """YES and NO of one market bring what they are worth together, however it ends."""
    pair = held(Leg.YES, 10**6, 40).plus(held(Leg.NO, 10**6, 50))

    assert Stakes(*[Money(90 - 10**12)] * 3) == pair


def test_what_waits_fills_where_it_costs() -> None:
    """An order is there where it loses, and not where it would win."""
    assert Stakes(money("3"), Money(0), Money(0)) == perhaps_held(Leg.YES, 10**7, money("3"))
    assert Stakes(Money(0), money("2"), money("7")) == perhaps_sold(Leg.YES, 10**7, money("3"))
    assert Stakes(money("7"), money("2"), Money(0)) == perhaps_sold(Leg.NO, 10**7, money("3"))


TWO = EventTerms(markets=frozenset({"M-1", "M-2"}), at_most_one=True)


def loss(state: LaneState, terms: EventTerms = TWO) -> Money:
    """Return the worst case of the one event."""
    return exposure_of(state, None, lambda _: terms).event_loss("E-1")


def test_a_sale_may_take_the_hedge_away() -> None:
    """A live sale of one half of a hedge counts as filled where the other half then loses."""
    hedge = fold(
        [
            a_start(),
            an_intended(leg=Leg.NO),
            a_fill(leg=Leg.NO),
            an_intended("i-3", market="M-2", leg=Leg.NO),
            a_fill("f-3", intent="i-3", market="M-2", leg=Leg.NO),
        ]
    )
    selling = fold([an_intended("i-2", leg=Leg.NO, purpose=Purpose.EXIT)], state=hedge)

    assert money("-0.4") == loss(hedge)
    # Sold at 0.48 less the fee while M-2 ends YES: 9.6 were paid and 4.7 come back.
    assert money("4.9") == loss(selling)


def test_a_provisional_sale_is_not_made_where_it_hurts() -> None:
    """Until it is settled its contracts may still lose what they cost."""
    sold = fold(
        [
            a_start(),
            an_intended(),
            a_fill(),
            an_intended("i-2", purpose=Purpose.EXIT),
            a_sale(provisional=True),
        ]
    )

    assert money("4.8") == loss(sold)
    assert 0 == loss(fold([ev.FillSettled(intent="i-2", fill="x-1")], state=sold))


def test_a_provisional_purchase_is_undone_where_it_helps() -> None:
    """A hedge that may be taken back is none."""
    both = [
        a_start(),
        an_intended(),
        a_fill(),
        an_intended("i-3", leg=Leg.NO),
    ]
    hedge = a_fill("f-3", intent="i-3", leg=Leg.NO)
    sure = fold([*both, hedge])
    maybe = fold([*both, a_fill("f-3", intent="i-3", leg=Leg.NO, provisional=True)])

    assert money("-0.4") == loss(sure)
    assert money("4.8") == loss(maybe)


def test_an_entry_in_an_event_nobody_is_in() -> None:
    """The draft alone is what can be lost."""
    empty = exposure_of(LaneState(), None)
    draft = a_draft(a_signal(price=price("0.5")), size=Size(10**7), fee_bound=money("0.2"))

    assert money("5.2") == empty.event_loss("E-1", draft)
    assert 0 == empty.event_loss("E-1")
