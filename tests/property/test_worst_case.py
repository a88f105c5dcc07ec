"""The worst case of an event against somebody who simply tries everything."""

from collections.abc import Iterator, Sequence

import attrs
from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import EventTerms, Leg
from market_bot.core.domain.numbers import Money, Price, Size
from market_bot.core.domain.orders import Order, OrderFill, OrderState, Purpose
from market_bot.core.domain.signals import Draft
from market_bot.core.domain.worst_case import stakes_of, with_entry, worst_loss
from tests.fakes.adversary import DOLLAR, Part, tried
from tests.fakes.builders import a_draft, a_signal, an_order
from tests.fakes.clock import NOON

MARKETS = ("A", "B", "C")


def parts_of(positions: Sequence[Position], orders: Sequence[Order]) -> Iterator[Part]:
    """Yield everything that is there or may be."""
    for held in positions:
        doubtful = held.cost * held.provisional // held.size
        sure = (held.size - held.provisional, held.cost - doubtful)
        yield Part(held.market, held.leg, *sure, certain=True)
        if held.provisional:
            yield Part(held.market, held.leg, held.provisional, doubtful)
    for order in orders:
        left = order.size - order.filled if order.state.live else 0
        fee = -(-order.fee_bound * left // order.size)
        if order.purpose is Purpose.ENTRY:
            yield Part(order.market, order.leg, left, order.price * left + fee)
        else:
            yield Part(order.market, order.leg, -left, -(order.price * left - fee))
            for fill in order.fills:
                if fill.provisional:
                    yield Part(order.market, order.leg, fill.size, fill.basis)


sizes = st.integers(1, 9)
prices = st.integers(0, 20).map(lambda n: Price(n * 50_000))


@st.composite
def positions(draw: st.DrawFn) -> list[Position]:
    """Return what is held, at most one position of each leg."""
    where = draw(st.lists(st.tuples(st.sampled_from(MARKETS), st.sampled_from(Leg)), unique=True))
    held = []
    for market, leg in where[:4]:
        size = draw(sizes)
        held.append(
            Position(
                market=market,
                event="E",
                family="F",
                leg=leg,
                strategy="s",
                signal="i",
                size=Size(size),
                cost=Money(draw(st.integers(0, size * DOLLAR))),
                opened_at=NOON,
                provisional=Size(draw(st.integers(0, size))),
            )
        )
    return held


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Return an order in any state, with or without a provisional fill."""
    size = draw(sizes)
    filled = draw(st.integers(0, size))
    basis = draw(st.integers(0, filled * DOLLAR))
    provisional = draw(st.booleans())
    fill = OrderFill("f", Size(filled), Money(basis), Money(0), Money(basis), provisional)
    return an_order(
        market=draw(st.sampled_from(MARKETS)),
        leg=draw(st.sampled_from(Leg)),
        purpose=draw(st.sampled_from(Purpose)),
        price=draw(prices),
        size=Size(size),
        fee_bound=Money(draw(st.integers(0, 10**6))),
        state=draw(st.sampled_from(OrderState)),
        filled=Size(filled),
        fills=(fill,) if filled else (),
    )


terms = st.builds(
    EventTerms,
    markets=st.sampled_from([frozenset(MARKETS), frozenset("AB"), frozenset()]),
    at_most_one=st.booleans(),
    exhaustive=st.booleans(),
)


@given(positions(), st.lists(orders(), max_size=3), terms)
def test_the_closed_form_is_the_worst_of_all_that_was_tried(
    held: list[Position], live: list[Order], known: EventTerms
) -> None:
    """To the last unit, over all endings and all fills."""
    parts = list(parts_of(held, live))

    assert tried(parts, known) == worst_loss(stakes_of(held, live), known)


@given(positions(), st.lists(orders(), max_size=2), terms, orders())
def test_one_more_entry(
    held: list[Position], live: list[Order], known: EventTerms, entry: Order
) -> None:
    """A draft counts like the live order it would become, and never makes the worst case better."""
    signal = a_signal(market=entry.market, leg=entry.leg, price=entry.price)
    draft: Draft = a_draft(signal, size=entry.size, fee_bound=entry.fee_bound)
    order = attrs.evolve(
        entry, purpose=Purpose.ENTRY, state=OrderState.INTENDED, filled=Size(0), fills=()
    )
    stakes = stakes_of(held, live)
    with_it = worst_loss(with_entry(stakes, draft), known)

    assert worst_loss(stakes_of(held, [*live, order]), known) == with_it
    # A market that nobody listed makes the others' terms unsure, and that only costs.
    assert with_it >= worst_loss(stakes, known)


@given(positions(), st.lists(orders(), max_size=3), st.data())
def test_fills_in_part_are_no_worse(
    held: list[Position], live: list[Order], data: st.DataObject
) -> None:
    """Whatever part of whatever order fills, the loss stays within a unit of rounding per order."""
    known = EventTerms(markets=frozenset(MARKETS), at_most_one=data.draw(st.booleans()))
    bound = worst_loss(stakes_of(held, live), known)
    parts = []
    for part in parts_of(held, live):
        share = part.size if part.certain else data.draw(st.integers(0, abs(part.size)))
        taken = -share if part.size < 0 else share
        money = -(-part.money * share // abs(part.size)) if part.size else part.money
        parts.append(attrs.evolve(part, size=taken, money=money, certain=True))

    assert tried(parts, known) <= bound + len(parts)


@given(positions(), st.lists(orders(), max_size=3), terms)
def test_knowing_less_is_never_safer(
    held: list[Position], live: list[Order], known: EventTerms
) -> None:
    """Each thing that is known of an event can only lower its worst case, down to no less than so.

    And no event loses more than what it cost.
    """
    stakes = stakes_of(held, live)
    nothing = worst_loss(stakes, EventTerms())
    at_most = worst_loss(stakes, attrs.evolve(known, at_most_one=True, exhaustive=False))
    proven = worst_loss(stakes, attrs.evolve(known, at_most_one=True, exhaustive=True))

    assert proven <= at_most <= nothing
    assert nothing <= sum(part.money for part in parts_of(held, live) if part.size > 0) + sum(
        part.size * -DOLLAR + part.money for part in parts_of(held, live) if part.size < 0
    )
