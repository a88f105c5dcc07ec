"""The order state machine under any order of news."""

from collections.abc import Sequence
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain import orders as od
from market_bot.core.domain.numbers import Money, Size
from market_bot.core.domain.orders import Order, OrderFill, OrderState
from tests.fakes.builders import an_order

RANK = {"intended": 0, "unknown": 1, "accepted": 2, "rejected": 3, "cancelled": 3, "filled": 4}
words = st.sampled_from(["accepted", "unknown", "rejected", "cancelled"])
fills = st.sampled_from([("a", 1), ("b", 2), ("c", 3), ("d", 4)])
SIZE = 6


def after(order: Order, news: str | tuple[str, int]) -> Order:
    """Return the order after one piece of news."""
    match news:
        case (name, quantity):
            size = Size(int(quantity))
            return od.filled(order, OrderFill(str(name), size, Money(0), Money(0), Money(0), False))
        case "accepted":
            return od.accepted(order, "v")
        case "unknown":
            return od.doubted(order)
        case "rejected":
            return od.rejected(order)
        case _:
            return od.cancelled(order)


@given(st.lists(words | fills, max_size=12))
def test_any_news_in_any_order(script: Sequence[str | tuple[str, int]]) -> None:
    """States only move forward, no fill is lost or counted twice, doubt frees nothing.

    The one way back is a refused order that fills: then it is unknown what else it will do.
    """
    order = an_order(size=Size(SIZE), fee_bound=Money(7))
    seen: dict[str, int] = {}
    for news in script:
        before, order = order, after(order, news)
        reopened = False
        if isinstance(news, tuple) and news[0] not in seen:
            seen[news[0]] = news[1]
            reopened = before.state is OrderState.REJECTED

        assert RANK[order.state.value] >= RANK[before.state.value] or reopened
        assert sum(seen.values()) == order.filled == sum(f.size for f in order.fills)
        assert (order.state is OrderState.FILLED) is (sum(seen.values()) >= SIZE)
        left = max(0, SIZE - order.filled)
        if order.state.live:
            worst = order.price * left + Fraction(7 * left, SIZE)
            assert worst <= order.reserved < worst + 1
            assert left == order.working
        else:
            assert (0, 0) == (order.reserved, order.working)


@given(st.lists(st.sampled_from(["accepted", "unknown"]) | st.just(("a", 1)), max_size=8))
def test_without_an_end_an_order_lives(script: Sequence[str | tuple[str, int]]) -> None:
    """Only a refusal, an end or the last fill free a reservation."""
    order = an_order(size=Size(SIZE))
    for news in script:
        order = after(order, news)

    assert order.state.live
    assert order.reserved >= order.price * (SIZE - 1)


@given(st.permutations(["accepted", "unknown", "cancelled", ("a", 1), ("b", 5)]))
def test_the_end_does_not_depend_on_the_order_of_news(
    script: Sequence[str | tuple[str, int]],
) -> None:
    """Once everything is known a filled order is filled, however it was told."""
    order = an_order(size=Size(SIZE))
    for news in script:
        order = after(order, news)

    assert (OrderState.FILLED, SIZE) == (order.state, order.filled)


@given(
    st.lists(fills, unique=True, min_size=1, max_size=4),
    st.lists(st.tuples(st.sampled_from("abcdx"), st.booleans()), max_size=6),
)
def test_undone_fills_stay_undone(
    made: list[tuple[str, int]], ends: list[tuple[str, bool]]
) -> None:
    """An undone fill counts for nothing from then on, whatever is repeated about it."""
    order = an_order(size=Size(SIZE))
    for news in made:
        order = after(order, news)
    kept = dict(made)
    for name, undo in ends:
        order = od.reversed_fill(order, name) if undo else od.settled(order, name)
        if undo:
            kept.pop(name, None)
        for news in made:
            assert order == after(order, news)
        assert sum(kept.values()) == order.filled
