"""The matching book against a queue of single contracts, one list per price."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from market_bot.adapters.simulated.sim_book import MatchingBook, Outlet, Waiting, grid_of
from market_bot.adapters.simulated.sim_settings import TAPERED
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import TENTH_CENTS, WHOLE_CENTS, Market, TickBand
from market_bot.core.domain.numbers import Micros, Price, Size
from tests.fakes.fact_sink import FactSink

CROWD = "crowd"
sides = st.sampled_from(Side)
whats = st.sampled_from(["quote", "quote", "rest", "rest", "remove", "take", "own take", "clear"])
# How far from the middle; takers reach as far into the other side.
distances = st.integers(0, 1)
commands = st.lists(st.tuples(whats, sides, distances, st.integers(0, 8)), min_size=8, max_size=40)


class Queues:
    """Every displayed contract is an element of a list: who waits there, in order."""

    def __init__(self) -> None:
        self.waiting: dict[tuple[Side, int], list[str]] = {}
        self.filled: dict[str, int] = {}
        self.prints: list[tuple[int, int]] = []

    def best(self, side: Side) -> int | None:
        """Return the best price somebody waits at."""
        there = [price for (s, price), queue in self.waiting.items() if s is side and queue]
        if not there:
            return None
        return max(there) if side is Side.BID else min(there)

    def crosses(self, side: Side, price: int) -> bool:
        """Tell whether an order would trade at once."""
        best = self.best(side.other)
        return best is not None and (price >= best if side is Side.BID else price <= best)

    def quote(self, side: Side, price: int, size: int) -> None:
        """Let the crowd have so many contracts: it joins and leaves at the end."""
        queue = self.waiting.setdefault((side, price), [])
        while queue.count(CROWD) > size:
            last = max(index for index, who in enumerate(queue) if who == CROWD)
            queue.pop(last)
        queue.extend([CROWD] * (size - queue.count(CROWD)))

    def take(self, taker: Side, limit: int, size: int, *, ours: bool) -> None:
        """Trade contract by contract."""
        while size and self.crosses(taker, limit):
            price = self.best(taker.other)
            assert price is not None
            queue, traded = self.waiting[taker.other, price], 0
            while size and queue and not (ours and queue[0] != CROWD):
                who = queue.pop(0)
                if who != CROWD:
                    self.filled[who] = self.filled.get(who, 0) + 1
                traded += 1
                size -= 1
            if not traded:
                return
            self.prints.append((price, traded))
            if ours and queue:
                return

    def shown(self, side: Side) -> dict[int, int]:
        """Return the displayed sizes."""
        return {p: len(q) for (s, p), q in self.waiting.items() if s is side and q}


class Pair:
    """The book and its oracle, given the same commands."""

    def __init__(self) -> None:
        self.sink, self.oracle = FactSink(), Queues()
        self.filled: dict[str, int] = {}
        self.orders: list[Waiting] = []
        self.at = Micros(0)
        outlet = Outlet()
        self.book = MatchingBook("M", outlet, self._note)
        outlet.open(self.sink)
        self.sink.meta(Market(venue="simulated", id="M", event="E", family="F"), self.at)
        self.book.show(self.at)

    def do(self, what: str, side: Side, distance: int, size: int) -> None:
        """Give both one command, if it makes sense now."""
        self.at = Micros(self.at + 1)
        price = 49 - distance if (side is Side.BID) is not what.endswith("take") else 50 + distance
        crosses = self.oracle.crosses(side, price)
        if what == "quote" and not (size and crosses):
            self.book.quote(side, Price(price), Size(size), self.at)
            self.oracle.quote(side, price, size)
        elif what == "rest" and size and not crosses:
            self._rest(side, price, size)
        elif what == "remove" and self.orders:
            self._remove(self.orders[size % len(self.orders)])
        elif what == "take":
            self.book.take(side, Price(price), Size(size), self.at)
            self.oracle.take(side, price, size, ours=False)
        elif what == "own take":
            self.book.take(side, Price(price), Size(size), self.at, ours=True)
            self.oracle.take(side, price, size, ours=True)
        elif what == "clear":
            self.book.clear_crowd(self.at)
            for s, p in list(self.oracle.waiting):
                self.oracle.quote(s, p, 0)

    def check(self) -> None:
        """Insist that both show the same, with and without our orders."""
        for side in Side:
            assert self.oracle.shown(side) == self.book.levels(side)
            for price in range(48, 53):
                crowd = self.oracle.waiting.get((side, price), []).count(CROWD)
                assert crowd == self.book.crowd_at(side, Price(price))

    def _rest(self, side: Side, price: int, size: int) -> None:
        order = Waiting(f"o-{self.at}", side, Price(price), Size(size))
        self.orders.append(order)
        ahead = self.book.rest(order, self.at)
        queue = self.oracle.waiting.setdefault((side, price), [])
        assert len(queue) == ahead
        queue.extend([order.intent] * size)

    def _remove(self, order: Waiting) -> None:
        self.book.remove(order, self.at)
        queue = self.oracle.waiting.get((order.side, order.price), [])
        queue[:] = [who for who in queue if who != order.intent]

    def _note(self, intent: str, _price: Price, size: Size, _at: Micros) -> None:
        self.filled[intent] = self.filled.get(intent, 0) + size


@given(commands)
def test_the_book_is_a_queue_of_contracts(given_commands: list[tuple[str, Side, int, int]]) -> None:
    """Whatever happens, sizes, trades and our fills are those of the naive queue."""
    pair = Pair()
    for command in given_commands:
        pair.do(*command)
        pair.check()

    told = pair.sink.books["M"]
    assert (pair.book.bids, pair.book.asks) == (told.bids, told.asks)
    assert pair.sink.crossed == 0
    assert pair.oracle.filled == pair.filled
    assert pair.oracle.prints == [(fact[3], fact[4]) for fact in pair.sink.of("trade")]


def test_the_crowd_withdraws_from_behind_us() -> None:
    """What the crowd takes back at a price comes from the end of the queue, not from before us."""
    pair = Pair()
    for step in (
        ("quote", Side.BID, 0, 5),
        ("rest", Side.BID, 0, 3),
        ("quote", Side.BID, 0, 8),
        ("quote", Side.BID, 0, 5),
        ("take", Side.ASK, 0, 5),
    ):
        pair.do(*step)
        pair.check()
    assert not pair.filled
    pair.do("take", Side.ASK, 0, 2)

    assert [2] == list(pair.filled.values())
    assert pair.oracle.filled == pair.filled


@given(
    st.sampled_from([WHOLE_CENTS, TENTH_CENTS, TAPERED]), st.integers(min_value=0, max_value=10**6)
)
def test_a_grid_is_the_markets_own(ticks: tuple[TickBand, ...], price: int) -> None:
    """The grid holds exactly the prices a market takes."""
    market = Market(venue="simulated", id="M", event="E", family="F", ticks=ticks)
    grid = grid_of(ticks)
    floor = market.floor_to_tick(Price(price))

    assert all(market.on_grid(at) for at in grid.prices[:: max(1, len(grid.prices) // 50)])
    assert (price in grid.prices) == market.on_grid(Price(price))
    if 0 < floor < 10**6:
        assert floor == grid.prices[grid.at_most(price)]
