"""Polled market data tells what there is, when it was there, and where it does not know."""

from typing import Any

import pytest

from market_bot.adapters.polymarket.discovery import Scope
from market_bot.adapters.polymarket.polled import TRADES_PER_ANSWER, Pace, PolymarketPolled
from market_bot.adapters.polymarket.rest import PolymarketRest
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import MarketStatus, TickBand
from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Price,
    price,
    size,
)
from market_bot.core.ports.market_data import Capability, MarketDataError
from tests.fakes.fake_polymarket import HANG_UP, SERVER_ERROR, DirectTransport, FakePolymarket
from tests.fakes.fake_polymarket_clock import SteppingClock
from tests.fakes.fake_polymarket_records import (
    NOW,
    a_book,
    a_market,
    a_resolution,
    a_trade,
    an_event,
    condition,
    token,
)
from tests.fakes.recording_sink import Fact, RecordingSink

TAKES = Duration(SECOND // 10)
PACE = Pace(
    books=Duration(2 * SECOND),
    catalogue=Duration(60 * SECOND),
    resolutions=Duration(10 * SECOND),
)
WITH_TRADES = Pace(
    books=Duration(2 * SECOND),
    catalogue=Duration(600 * SECOND),
    resolutions=Duration(600 * SECOND),
    trades=Duration(5 * SECOND),
)


class Watch:
    """A source on a venue of two markets, and what it told."""

    def __init__(self, pace: Pace = PACE, batch: int = 500, **scope: Any) -> None:
        self.venue = FakePolymarket()
        self.venue.events = [an_event([a_market(1), a_market(2)])]
        self.venue.books = {token(2): a_book(1), token(4): a_book(2)}
        self.clock = SteppingClock()
        rest = PolymarketRest(
            DirectTransport(self.venue, self.clock, TAKES), self.clock, self.clock.wait
        )
        self.source = PolymarketPolled(
            rest, self.clock, scope=Scope(**scope), pace=pace, batch=batch
        )
        self.positions: list[str] = []

    def after(self, seconds: int = 0) -> list[Fact]:
        """Let time pass, poll, and return what is told up to now."""
        self.clock.advance(Duration(seconds * SECOND))
        self.source.poll()
        return self.drained()

    def drained(self, until: Micros | None = None) -> list[Fact]:
        """Return what is told without time passing first."""
        sink = RecordingSink()
        self.positions.append(self.source.drain(sink, self.clock.now() if until is None else until))
        return sink.facts

    def record(self, number: int, **changes: Any) -> None:
        """Change what the catalogue says of a market."""
        self.venue.events[0]["markets"][number - 1] |= changes


def kinds(facts: list[Fact]) -> list[str]:
    """Return which methods were called."""
    return [fact[0] for fact in facts]


def test_markets_come_before_their_books() -> None:
    """The first look tells every market and then its book, with the moment of the answer."""
    watch = Watch()
    facts = watch.after()

    assert ["meta", "meta", "book", "book"] == kinds(facts)
    assert [condition(1), condition(2)] == [fact[1].id for fact in facts[:2]]
    assert NOW + TAKES == facts[0][2]
    _, market, bids, asks, received, exchange = facts[2]
    assert (condition(1), NOW) == (market, exchange)
    assert received == NOW + 2 * TAKES
    assert {price("0.44"): size("100"), price("0.45"): size("25.5")} == bids
    assert {price("0.46"): size("12.25"), price("0.48"): size("7")} == asks


def test_the_claims_are_honest() -> None:
    """Prints are claimed only where trades are asked for."""
    assert frozenset({Capability.L2_POLLED}) == Watch().source.capabilities
    assert frozenset({Capability.L2_POLLED, Capability.PRINTS}) == (
        Watch(WITH_TRADES).source.capabilities
    )


def test_each_thing_is_asked_when_it_is_due() -> None:
    """Books every two seconds, the catalogue every minute, nothing in between."""
    watch = Watch()
    watch.after()
    assert [] == watch.after(1)
    assert ["book", "book"] == kinds(watch.after(1))
    for _ in range(40):
        watch.after(2)

    assert 42 == watch.venue.asked("/books")
    assert 2 == watch.venue.asked("/events/keyset")


def test_nothing_is_told_before_its_time() -> None:
    """What came in after the moment asked for waits for the next drain."""
    watch = Watch()
    assert [] == watch.drained(NOW)
    facts = watch.drained()

    assert ["meta", "meta", "book", "book"] == kinds(facts)
    assert 1 == watch.venue.asked("/books")
    assert watch.positions[0] != watch.positions[1]
    assert [] == watch.drained()
    assert watch.positions[1] == watch.positions[2]


def test_without_a_catalogue_there_is_no_beginning() -> None:
    """The first look at the catalogue has to work."""
    watch = Watch()
    watch.venue.fail("/events/keyset", *[SERVER_ERROR] * 3)
    with pytest.raises(MarketDataError, match="no catalogue of Polymarket to begin with"):
        watch.after()

    assert ["meta", "meta", "book", "book"] == kinds(watch.after(1))


def test_a_catalogue_that_fails_later_changes_nothing() -> None:
    """What was known stays known, and the trouble is counted."""
    watch = Watch()
    watch.after()
    watch.venue.fail("/events/keyset", *[HANG_UP] * 3)

    assert ["book", "book"] == kinds(watch.after(60))
    assert 1 == watch.source.trouble["catalogue_NoAnswer"]


def test_a_failed_poll_is_a_gap_once() -> None:
    """Markets whose books could not be had are told as lost, once, until they are back."""
    watch = Watch(batch=1)
    watch.after()
    watch.venue.fail("/books", HANG_UP)
    first = watch.after(2)
    watch.venue.fail("/books", HANG_UP)
    second = watch.after(2)
    third = watch.after(2)

    assert [("gap", condition(1)), ("book", condition(2))] == [fact[:2] for fact in first]
    assert [("book", condition(2))] == [fact[:2] for fact in second]
    assert ["book", "book"] == kinds(third)


def test_a_book_that_is_not_there_is_a_gap() -> None:
    """A token left out of the answer is not an empty book."""
    watch = Watch()
    watch.after()
    del watch.venue.books[token(2)]

    assert [("gap", condition(1)), ("book", condition(2))] == [f[:2] for f in watch.after(2)]


def test_a_crossed_book_is_a_gap() -> None:
    """A book that cannot be true is not told."""
    watch = Watch()
    watch.after()
    watch.venue.books[token(2)] = a_book(1, {"0.5": "1"}, {"0.4": "1"})

    assert [("gap", condition(1)), ("book", condition(2))] == [f[:2] for f in watch.after(2)]
    assert 1 == watch.source.trouble["crossed_book"]


def test_a_book_from_the_past_is_not_told() -> None:
    """A cache that is behind does not undo what is known."""
    watch = Watch()
    watch.after()
    watch.venue.books[token(2)] = a_book(1, {"0.1": "1"}, timestamp=str(NOW // 1000 - 5000))

    assert [("book", condition(2))] == [fact[:2] for fact in watch.after(2)]
    assert 1 == watch.source.trouble["book_from_the_past"]


def test_a_finer_tick_is_announced_before_its_book() -> None:
    """The grid in the book counts at once, and the slower catalogue does not undo it."""
    watch = Watch()
    watch.after()
    watch.venue.books[token(2)] = a_book(1, {"0.451": "1"}, {"0.46": "1"}, tick_size="0.001")
    facts = watch.after(2)

    assert ["meta", "book", "book"] == kinds(facts)
    assert (TickBand(Price(0), ONE_DOLLAR, price("0.001")),) == facts[0][1].ticks
    assert ["book", "book"] == kinds(watch.after(60))


def test_changed_terms_are_announced_again() -> None:
    """Another fee is told; a volume that moves all day is not."""
    watch = Watch()
    watch.after()
    watch.record(1, volume24hr=9999, liquidityNum=1)
    assert ["book", "book"] == kinds(watch.after(60))
    watch.record(2, feeSchedule={"rate": 0.03, "exponent": 1})
    facts = watch.after(60)

    assert ["meta", "book", "book"] == kinds(facts)
    assert (condition(2), 30_000) == (facts[0][1].id, facts[0][1].fees.taker_rate)


def test_a_new_market_is_announced() -> None:
    """What appears later is told like what was there first."""
    watch = Watch()
    watch.after()
    watch.venue.events.append(an_event([a_market(3)], "later"))
    watch.venue.books[token(6)] = a_book(3)

    assert ["meta", "book", "book", "book"] == kinds(watch.after(60))


def test_a_pause_is_told_and_its_books_are_not_asked_for() -> None:
    """A market that takes no orders is paused, and opens again."""
    watch = Watch()
    watch.after()
    watch.record(1, acceptingOrders=False)
    paused = watch.after(60)
    watch.record(1, acceptingOrders=True)
    opened = watch.after(60)

    assert ("status", condition(1), MarketStatus.PAUSED) == paused[0][:3]
    assert ["status", "book"] == kinds(paused)
    assert ("status", condition(1), MarketStatus.OPEN) == opened[0][:3]


def test_absence_is_no_proof_of_an_end() -> None:
    """A market that is nowhere stays as it was; among the closed ones it is closed."""
    watch = Watch()
    watch.after()
    gone = watch.venue.events[0]["markets"].pop(0)
    assert ["book", "book"] == kinds(watch.after(60))
    watch.venue.closed_markets = [{**gone, "closed": True, "events": [an_event([])]}]
    facts = watch.after(60)

    assert ("status", condition(1), MarketStatus.CLOSED) == facts[0][:3]
    assert [("book", condition(2))] == [fact[:2] for fact in facts[1:]]


def test_a_walk_cut_short_proves_no_absence() -> None:
    """Where the catalogue was not read to its end, nothing is looked for among the closed."""
    watch = Watch(pages_max=1, page_size=1)
    watch.venue.events.append(an_event([a_market(3)], "second page"))
    watch.after()
    watch.venue.events[0]["markets"].pop(0)
    watch.after(60)

    assert 0 == watch.venue.asked("/markets/keyset")


def test_an_end_is_told_when_it_is_final() -> None:
    """Proposed is nothing yet; resolved is told once, and then the market is gone."""
    watch = Watch()
    watch.after()
    watch.record(1, closed=True)
    watch.after(60)
    watch.venue.resolutions = [a_resolution(1, status="proposed", payouts=None)]
    assert ["book"] == kinds(watch.after(10))
    watch.venue.resolutions = [a_resolution(1, payouts=[0, 1_000_000])]
    facts = watch.after(10)

    assert ("resolution", condition(1), 0) == facts[0][:3]
    assert [condition(2)] == list(watch.source.listings)
    assert ["book"] == kinds(watch.after(10))


def test_a_market_past_its_end_is_watched() -> None:
    """Where the announced end is past, the resolution is asked for although nobody closed it."""
    watch = Watch()
    watch.record(1, endDate="2026-10-20T12:00:05Z")
    watch.after()
    watch.venue.resolutions = [a_resolution(1)]
    facts = watch.after(20)

    assert [("status", MarketStatus.CLOSED), ("resolution", ONE_DOLLAR)] == [
        (fact[0], fact[2]) for fact in facts[:2]
    ]


def test_resolutions_that_fail_are_asked_again() -> None:
    """Nothing is concluded from an error."""
    watch = Watch()
    watch.record(1, endDate="2026-10-20T11:00:00Z")
    watch.venue.resolutions = [a_resolution(1)]
    watch.venue.fail("/v2/resolutions", *[HANG_UP] * 3)
    watch.after()
    assert 1 == watch.source.trouble["resolutions_NoAnswer"]

    assert "resolution" in kinds(watch.after(10))


def test_trades_are_told_once_in_their_order() -> None:
    """Only what happened after the market was told, oldest first; NO trades are turned round."""
    watch = Watch(WITH_TRADES)
    old = a_trade(1, timestamp=NOW // 1_000_000 - 60)
    watch.venue.trades = [old]
    assert ["meta", "meta", "book", "book"] == kinds(watch.after())
    first = a_trade(1, timestamp=NOW // 1_000_000 + 1, price=0.4)
    second = a_trade(1, no_token=True, timestamp=NOW // 1_000_000 + 2, price=0.4, side="SELL")
    watch.venue.trades = [second, first, old]
    facts = watch.after(5)
    again = watch.after(5)

    assert [("trade", Side.BID, price("0.4")), ("trade", Side.BID, price("0.6"))] == [
        (fact[0], fact[2], fact[3]) for fact in facts[:2]
    ]
    assert NOW + SECOND == facts[0][-1]
    assert ["book", "book"] == kinds(again)


def test_missed_trades_are_a_gap() -> None:
    """A full answer without anything known has left something out; the next book mends it."""
    watch = Watch(WITH_TRADES)
    watch.after()
    watch.venue.trades = [
        a_trade(1, timestamp=NOW // 1_000_000 + 1 + n) for n in range(TRADES_PER_ANSWER)
    ]
    facts = kinds(watch.after(5))

    assert ["gap", "gap"] == facts[:2]
    assert TRADES_PER_ANSWER == facts.count("trade")
    assert ["book", "book"] == facts[-2:]


def test_trades_that_fail_are_a_gap() -> None:
    """Where prints are claimed, not having them is told."""
    watch = Watch(WITH_TRADES)
    watch.after()
    watch.venue.fail("/trades", *[HANG_UP] * 3)

    assert ["gap", "gap", "book", "book"] == kinds(watch.after(5))


def test_trades_of_others_are_counted() -> None:
    """A token that is nobody's is not attributed to anybody."""
    watch = Watch(WITH_TRADES)
    watch.after()
    watch.venue.trades = [a_trade(9, timestamp=NOW // 1_000_000 + 1)]
    watch.after(5)

    assert 1 == watch.source.trouble["trade_of_unknown_token"]


def test_time_that_steps_back_does_not_reorder_facts() -> None:
    """The moment of an answer is never before that of an earlier one."""
    watch = Watch()
    first = watch.after()
    watch.clock._now = Micros(NOW - 3600 * SECOND)
    watch.clock._elapsed = Duration(watch.clock._elapsed + 2 * SECOND)
    watch.source.poll()
    facts = watch.drained(Micros(NOW + 10 * SECOND))

    assert ["book", "book"] == kinds(facts)
    assert facts[0][-2] >= first[-1][-2]


def test_a_reader_that_is_behind_is_not_flooded() -> None:
    """While facts wait for their reader nothing more is asked for by draining."""
    watch = Watch()
    watch.drained(NOW)
    for _ in range(5):
        watch.clock.advance(Duration(10 * SECOND))
        watch.drained(NOW)

    assert 1 == watch.venue.asked("/books")
