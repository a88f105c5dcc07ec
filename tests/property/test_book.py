"""The book against a list of levels, and grids against a search."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain.book import Book, Side
from market_bot.core.domain.market import Leg, TickBand
from market_bot.core.domain.numbers import ONE_DOLLAR, Micros, Price, Size
from tests.fakes.builders import a_market

prices = st.integers(1, 4).map(lambda p: Price(p * 200_000))
sizes = st.integers(0, 3).map(Size)
levels = st.dictionaries(prices, sizes, max_size=4)
steps = st.lists(
    st.one_of(
        *[st.tuples(st.just("set"), st.sampled_from(Side), prices, sizes)] * 6,
        st.tuples(st.just("replace"), levels, levels),
        st.tuples(st.just("lose")),
    ),
    max_size=40,
)


@given(steps)
def test_best_prices_are_the_best(script: list[tuple[object, ...]]) -> None:
    """After any changes each side holds exactly its levels, and its best is their best."""
    book = Book()
    plain: dict[Side, dict[Price, Size]] = {Side.BID: {}, Side.ASK: {}}
    for step in script:
        match step:
            case ("set", Side() as side, int(at), int(size)):
                change = book.set_bid if side is Side.BID else book.set_ask
                change(Price(at), Size(size), Micros(1))
                plain[side].pop(Price(at), None)
                plain[side][Price(at)] = Size(size)
            case ("replace", dict() as bids, dict() as asks):
                book.replace(bids, asks, Micros(1))
                plain = {Side.BID: dict(bids), Side.ASK: dict(asks)}
            case _:
                book.lose()
                plain = {Side.BID: {}, Side.ASK: {}}

        bids_now = {p: s for p, s in plain[Side.BID].items() if s}
        asks_now = {p: s for p, s in plain[Side.ASK].items() if s}
        assert (bids_now, asks_now) == (book.bids, book.asks)
        assert (max(bids_now, default=None), min(asks_now, default=None)) == (
            book.best_bid,
            book.best_ask,
        )


@given(levels, levels)
def test_the_legs_mirror_each_other(bids: dict[Price, Size], asks: dict[Price, Size]) -> None:
    """Demand for one leg is the offer of the other at the complement."""
    book = Book()
    book.replace(bids, asks, Micros(1))
    for leg in Leg:
        mirrored = [(ONE_DOLLAR - level.price, level.size) for level in book.demand(leg.other)]
        offers = [(level.price, level.size) for level in book.offers(leg)]
        assert mirrored == offers == sorted(offers)
        assert book.buy_price(leg) == (offers[0][0] if offers else None)
        demand = book.demand(leg)
        assert book.sell_price(leg) == (demand[0].price if demand else None)
        assert all(book.displayed(leg, level.price) == level.size for level in demand)


@st.composite
def grids(draw: st.DrawFn) -> tuple[TickBand, ...]:
    """Return up to three bands that meet, on a small scale."""
    borders = sorted(draw(st.sets(st.integers(0, 40), min_size=2, max_size=4)))
    return tuple(
        TickBand(Price(low), Price(high), Price(draw(st.integers(1, 6))))
        for low, high in pairwise(borders)
    )


@given(grids(), st.integers(-5, 45))
def test_rounding_finds_the_neighbours(ticks: tuple[TickBand, ...], at: int) -> None:
    """Floor and ceiling are the nearest points of the grid, found by trying all."""
    market = a_market(ticks=ticks)
    grid = {
        point for band in ticks for point in range(band.start, int(band.end) + 1, int(band.step))
    }

    assert max((p for p in grid if p <= at), default=0) == market.floor_to_tick(Price(at))
    assert min((p for p in grid if p >= at), default=ONE_DOLLAR) == market.ceil_to_tick(Price(at))
    assert (at in grid and at > 0) is market.on_grid(Price(at))


@given(st.integers(-50, 50), st.integers(1, 7), st.integers(0, 12))
def test_sizes_are_the_largest_tradable(wanted: int, step: int, least: int) -> None:
    """No larger multiple fits, and what is below the minimum is nothing."""
    market = a_market(size_step=Size(step), min_size=Size(least))
    fitting = [s for s in range(0, 51, step) if least <= s <= wanted]

    assert max(fitting, default=0) == market.floor_to_step(Size(wanted))
