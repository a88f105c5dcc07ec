"""The market as consumed, fact by fact."""

from collections.abc import Mapping
from typing import Any

import pytest

from market_bot.core.domain.book import Side
from market_bot.core.domain.market import (
    UNKNOWN_TERMS,
    EventTerms,
    Leg,
    MarketStatus,
    Resolution,
)
from market_bot.core.domain.numbers import Micros, Price, Size, price
from market_bot.core.domain.world import Seen, Watcher, World
from tests.fakes.builders import a_book, a_market, announced, cents, contracts
from tests.fakes.clock import NOON
from tests.fakes.recording_sink import Fact, tell

SETTLED: Fact = ("status", "M-1", MarketStatus.SETTLED, NOON)
WON: Fact = ("resolution", "M-1", price("1"), NOON)


def a_world(*facts: Fact) -> World:
    """Return a world with one market and its book, and what came after."""
    world = World()
    tell([announced(a_market()), a_book(), *facts], world)
    return world


def delta(side: Side, at: int, quantity: int, market: str = "M-1") -> Fact:
    """Return the new size of a level."""
    return ("delta", market, side, cents(at), contracts(quantity), NOON, None)


def test_a_market_is_tradable_with_a_whole_book() -> None:
    """Venue and market open, book whole."""
    world = World()

    assert not world.tradable("M-1")
    tell([announced(a_market())], world)
    assert not world.tradable("M-1")
    tell([a_book()], world)
    assert world.tradable("M-1")


@pytest.mark.parametrize(
    "fact",
    [
        ("gap", "M-1", "lost", NOON),
        ("gap", "", "lost", NOON),
        ("status", "M-1", MarketStatus.PAUSED, NOON),
        ("status", "", MarketStatus.CLOSED, NOON),
        WON,
    ],
)
def test_what_ends_trading(fact: Fact) -> None:
    """A gap, a pause of market or venue, and the end all stop trading."""
    assert not a_world(fact).tradable("M-1")


def test_only_a_snapshot_mends_a_gap() -> None:
    """Changes of a book that is not whole are counted and ignored."""
    world = a_world(("gap", "M-1", "lost", NOON), delta(Side.BID, 49, 5))

    assert (1, 1) == (world.ignored, world.gaps)
    assert world.sell_price("M-1", Leg.YES) is None
    tell([a_book()], world)
    assert cents(48) == world.sell_price("M-1", Leg.YES)


def test_deltas_reach_their_side() -> None:
    """Bids and asks are absolute sizes."""
    world = a_world(delta(Side.BID, 49, 5), delta(Side.ASK, 51, 5), delta(Side.ASK, 52, 0))
    book = world.seen["M-1"].book

    assert (cents(49), cents(51)) == (book.best_bid, book.best_ask)
    assert {cents(51): contracts(5)} == book.asks
    assert cents(49) == world.sell_price("M-1", Leg.NO)


@pytest.mark.parametrize(
    "fact",
    [
        delta(Side.BID, 49, 5, market="?"),
        a_book("?"),
        ("trade", "?", Side.BID, cents(50), contracts(1), NOON, None),
        ("status", "?", MarketStatus.OPEN, NOON),
        ("resolution", "?", price("1"), NOON),
        ("resolution", "M-1", Price(-1), NOON),
        ("resolution", "M-1", Price(1_000_001), NOON),
    ],
)
def test_strangers_and_nonsense_are_counted(fact: Fact) -> None:
    """What is about no known market, or cannot be, changes nothing."""
    world = a_world(fact)

    assert 1 == world.ignored
    assert ["M-1"] == list(world.seen)
    assert world.tradable("M-1")
    assert [] == world.resolutions


def test_a_gap_about_a_stranger_hurts_nobody() -> None:
    """Only the named market's book is lost."""
    assert a_world(("gap", "?", "lost", NOON)).tradable("M-1")


def test_a_resolution_comes_once() -> None:
    """A venue that repeats itself, or contradicts itself, is heard once."""
    world = a_world(WON, WON, ("resolution", "M-1", price("0"), NOON))

    assert [Resolution("M-1", price("1"))] == world.resolutions


def test_settled_does_not_say_who_won() -> None:
    """A resolution counts also after the status that announced it."""
    assert [Resolution("M-1", price("1"))] == a_world(SETTLED, WON).resolutions


def test_what_has_ended_does_not_open_again() -> None:
    """A late status does not bring a resolved market back."""
    world = a_world(WON, ("status", "M-1", MarketStatus.OPEN, NOON), WON)

    assert not world.tradable("M-1")
    assert 1 == len(world.resolutions)


def test_new_terms_keep_the_book() -> None:
    """A market announced again trades on, by its new terms and in its new event."""
    world = a_world(announced(a_market(title="new", event="E-2")))

    assert "new" == world.seen["M-1"].market.title
    assert {"E-2": ["M-1"]} == world.events
    assert world.tradable("M-1")


def test_touched_events_come_in_order_and_once() -> None:
    """What happened first is looked at first."""
    world = World()
    tell(
        [
            announced(a_market("B", event="E-2")),
            announced(a_market("A", event="E-1")),
            a_book("B"),
        ],
        world,
    )

    assert ["E-2", "E-1"] == list(world.touched)


def test_time_never_runs_back() -> None:
    """The world's clock is the running maximum of what was received."""
    world = a_world(("reference", "BTC-USD", "1.5", Micros(NOON + 5), None))
    tell([delta(Side.BID, 47, 1), ("gap", "", "lost", Micros(NOON - 5))], world)

    assert NOON + 5 == world.now
    assert "1.5" == world.references["BTC-USD"].value
    assert 5 == world.facts


class Ears(Watcher):
    """Writes down what it is told, and the best bid and the status that held before it."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.heard: list[tuple[Any, ...]] = []

    def _hear(self, *what: Any) -> None:
        self.heard.append((*what, self.seen.book.best_bid, self.seen.status))

    def before(self, at: Micros) -> None:
        self._hear("before", at)

    def level(self, side: Side, price: Price, size: Size, at: Micros) -> None:
        self._hear("level", side, price, size, at)

    def book(self, bids: Mapping[Price, Size], asks: Mapping[Price, Size], at: Micros) -> None:
        self._hear("book", dict(bids), dict(asks), at)

    def trade(self, taker: Side, price: Price, size: Size, at: Micros) -> None:
        self._hear("trade", taker, price, size, at)

    def status(self, status: MarketStatus, at: Micros) -> None:
        self._hear("status", status, at)


def test_watchers_are_told_before() -> None:
    """Whoever watches a market hears of each of its facts before it changes anything, in its time.

    Facts of other markets, those that are ignored, and those after the end of watching are not
    told.
    """
    world = a_world()
    tell([announced(a_market("M-2"))], world)
    seen = world.seen["M-1"]
    ears, late, was = Ears(seen), Micros(NOON + 5), (cents(48), MarketStatus.OPEN)
    world.watch(seen, ears)
    world.watch(seen, ears)
    tell(
        [
            ("reference", "BTC-USD", "1", late, None),
            ("delta", "M-1", Side.BID, cents(49), contracts(2), NOON, None),
            ("delta", "M-2", Side.BID, cents(49), contracts(2), NOON, None),
            ("trade", "M-1", Side.ASK, cents(49), contracts(2), NOON, None),
            a_book(asks={}),
            ("status", "", MarketStatus.PAUSED, NOON),
            announced(a_market()),
            ("gap", "", "lost", NOON),
            ("delta", "M-1", Side.BID, cents(49), contracts(2), NOON, None),
            ("gap", "M-1", "lost", NOON),
            ("status", "M-1", MarketStatus.PAUSED, NOON),
            ("resolution", "M-1", price("1"), NOON),
            ("status", "M-1", MarketStatus.CLOSED, NOON),
        ],
        world,
    )
    world.unwatch(seen, ears)
    tell([a_book()], world)
    best, none = (cents(49), MarketStatus.OPEN), (None, MarketStatus.OPEN)

    assert [
        ("level", Side.BID, cents(49), contracts(2), late, *was),
        ("trade", Side.ASK, cents(49), contracts(2), late, *best),
        ("book", {cents(48): contracts(100)}, {}, late, *best),
        ("before", late, *was),
        ("before", late, *was),
        ("before", late, *was),
        ("before", late, *none),
        ("status", MarketStatus.PAUSED, late, *none),
        ("status", MarketStatus.SETTLED, late, None, MarketStatus.PAUSED),
    ] == ears.heard
    assert cents(49) == seen.last_trade


def test_terms_of_an_event() -> None:
    """What holds of an event is what each of its markets says; of an unknown one nothing holds."""
    world = World()
    tell(
        [
            announced(a_market("A", at_most_one=True, exhaustive=True)),
            announced(a_market("B", at_most_one=True)),
        ],
        world,
    )
    both = frozenset({"A", "B"})

    assert EventTerms(markets=both, at_most_one=True) == world.terms("E-1")
    tell([announced(a_market("C", exhaustive=True))], world)
    assert EventTerms(markets=both | {"C"}) == world.terms("E-1")
    assert UNKNOWN_TERMS == world.terms("E-9")
