"""An order's life, step by step."""

from collections.abc import Callable

import attrs
import pytest

from market_bot.core.domain import orders as od
from market_bot.core.domain.numbers import Money, Size, money, size
from market_bot.core.domain.orders import Order, OrderFill, OrderState, Purpose
from tests.fakes.builders import an_order, contracts


def fill(name: str = "f-1", quantity: int = 4, *, provisional: bool = False) -> OrderFill:
    """Return a fill of whole contracts at 0.48."""
    cost = Money(480_000 * contracts(quantity))
    return OrderFill(name, contracts(quantity), cost, Money(0), cost, provisional)


Step = Callable[[Order], Order]
STEPS: dict[str, Step] = {
    "accepted": lambda o: od.accepted(o, "v-1"),
    "unknown": od.doubted,
    "rejected": od.rejected,
    "cancelled": od.cancelled,
    "some": lambda o: od.filled(o, fill("f-1", 4)),
    "rest": lambda o: od.filled(o, fill("f-2", 6)),
}


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ("", "intended"),
        ("accepted", "accepted"),
        ("unknown", "unknown"),
        ("unknown accepted", "accepted"),
        ("accepted unknown", "accepted"),
        ("unknown rejected", "rejected"),
        ("unknown cancelled", "cancelled"),
        ("unknown some", "accepted"),
        ("some", "accepted"),
        ("some rest", "filled"),
        ("some cancelled", "cancelled"),
        ("cancelled some", "cancelled"),
        ("cancelled some rest", "filled"),
        ("cancelled accepted", "cancelled"),
        ("cancelled rejected", "cancelled"),
        ("cancelled unknown", "cancelled"),
        ("some rejected", "cancelled"),
        ("rejected some", "unknown"),
        ("rejected some rest", "filled"),
        ("rejected some rejected", "cancelled"),
        ("rejected cancelled", "rejected"),
        ("rejected accepted", "rejected"),
        ("some rest cancelled", "filled"),
        ("some rest rejected", "filled"),
        ("some some", "accepted"),
    ],
)
def test_states(path: str, state: str) -> None:
    """News moves an order forward, a repeated or late word never back."""
    order = an_order()
    for step in path.split():
        order = STEPS[step](order)

    assert OrderState(state) is order.state


def test_the_venues_name_is_kept() -> None:
    """Later news without a name does not lose it."""
    order = od.accepted(od.accepted(an_order(), "v-1"), "")

    assert "v-1" == order.venue_order
    assert "v-2" == od.accepted(od.cancelled(an_order()), "v-2").venue_order


def test_reservation_shrinks_with_fills() -> None:
    """What is filled is paid; the rest is reserved at the limit with its share of the fee."""
    order = an_order()

    assert money("4.90") == order.reserved
    after = od.filled(order, fill(quantity=4))
    assert money("2.94") == after.reserved
    assert contracts(6) == after.remaining == after.working
    assert Money(0) == od.cancelled(after).reserved
    assert Size(0) == od.cancelled(after).working


def test_share_of_the_fee_is_rounded_up() -> None:
    """A reservation may be a trifle too large, never too small."""
    order = an_order(size=size("3"), fee_bound=Money(10))

    after = od.filled(order, OrderFill("f", size("1"), Money(0), Money(0), Money(0), False))

    assert 480_000 * 2_000_000 + 7 == after.reserved


def test_doubt_keeps_the_reservation() -> None:
    """Not knowing frees nothing."""
    assert money("4.90") == od.doubted(an_order()).reserved
    assert OrderState.UNKNOWN.live


def test_exits_reserve_nothing() -> None:
    """Selling what is held costs nothing but works."""
    order = an_order(purpose=Purpose.EXIT)

    assert Money(0) == order.reserved
    assert contracts(10) == order.working


def test_more_than_asked_is_counted() -> None:
    """A venue that fills too much is believed, and the remainder is never negative."""
    order = od.filled(an_order(), fill(quantity=12))

    assert contracts(12) == order.filled
    assert Size(0) == order.remaining
    assert OrderState.FILLED is order.state


def test_settling_changes_one_fill() -> None:
    """Only the named fill becomes final."""
    order = od.filled(od.filled(an_order(), fill("a", 1, provisional=True)), fill("b", 1))
    order = od.filled(order, fill("c", 1, provisional=True))

    assert [False, False, True] == [f.provisional for f in od.settled(order, "a").fills]


def test_an_undone_fill_is_remembered_as_nothing() -> None:
    """It counts no longer, and when the venue repeats it, it stays undone."""
    order = od.filled(an_order(), fill("a", 4, provisional=True))

    undone = od.reversed_fill(order, "a")

    assert Size(0) == undone.filled
    assert undone == od.filled(undone, fill("a", 4))
    assert undone == od.reversed_fill(undone, "a")
    assert undone == od.reversed_fill(undone, "stranger")
    assert Money(0) == undone.fills[0].cost == undone.fills[0].basis


def test_an_order_is_over_when_the_rest_of_an_undone_fill_came() -> None:
    """Nobody says more of it: were it live, it would bind money and stand in the way for ever."""
    order = od.reversed_fill(od.filled(an_order(), fill("a", 4, provisional=True)), "a")
    assert order.state.live
    assert order.remaining == contracts(6)
    order = od.filled(order, fill("b", 6))
    assert order.state is OrderState.CANCELLED
    assert order.working == Size(0)
    assert order.reserved == Money(0)


def test_an_undone_fill_ends_a_full_order() -> None:
    """What was filled and undone does not work again."""
    order = od.reversed_fill(od.filled(an_order(), fill("a", 10, provisional=True)), "a")

    assert OrderState.CANCELLED is order.state
    assert Size(0) == order.working


def test_orders_are_values() -> None:
    """No step changes the order it was given."""
    order = an_order()
    before = attrs.asdict(order)
    for step in STEPS.values():
        step(order)

    assert before == attrs.asdict(order)
