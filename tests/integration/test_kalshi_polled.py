"""Polling a venue on loopback: what is pushed, in which order, and what is a gap."""

from collections.abc import Iterator
from typing import Any

import pytest

from market_bot.adapters.kalshi import polled
from market_bot.adapters.kalshi.parse_markets import Listing, parse_market
from market_bot.adapters.kalshi.polled import MARKETS_MAX, KalshiPolled, Pace
from market_bot.adapters.kalshi.rest import KalshiRest
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import SECOND, Duration, Micros, price, size
from market_bot.core.ports.market_data import Capability
from tests.fakes.fact_sink import FactSink
from tests.fakes.fake_kalshi import BAD_GATEWAY, TOO_MANY, FakeKalshi, Fault
from tests.fakes.kalshi_client import WaitingClock, a_client
from tests.fakes.kalshi_records import TAPERED, TICKER, a_book, a_market, a_trade, as_json

OTHER = "KXTEMP-26DEC01-T53"


@pytest.fixture
def clock() -> WaitingClock:
    """Return the one clock of bot and venue."""
    return WaitingClock()


@pytest.fixture
def venue(clock: WaitingClock) -> Iterator[FakeKalshi]:
    """Return a venue with two markets and their books."""
    with FakeKalshi(clock.now_ms) as fake:
        fake.markets = [a_market(), a_market(OTHER)]
        fake.books = {
            TICKER: a_book([("0.2900", "9.00"), ("0.3000", "5.00")], [("0.6500", "4.00")]),
            OTHER: a_book([], []),
        }
        yield fake


class Watching:
    """A polled source with its sink and clock."""

    def __init__(self, client: KalshiRest, clock: WaitingClock) -> None:
        pace = Pace(trade_requests=2, statuses=Duration(5 * SECOND), exchange=Duration(2 * SECOND))
        self.source = KalshiPolled(client, clock, pace=pace)
        self.sink = FactSink()
        self._clock = clock

    def after(self, seconds: int = 1) -> list[tuple[object, ...]]:
        """Let time pass, drain, and return the new facts without their receive times."""
        self._clock.pass_by(seconds * SECOND)
        return self.now()

    def now(self) -> list[tuple[object, ...]]:
        """Poll, drain and return the new facts without their receive times."""
        before = len(self.sink.facts)
        self.source.poll()
        self.source.drain(self.sink, self._clock.now())
        return [(fact[0], *fact[2:]) for fact in self.sink.facts[before:]]


@pytest.fixture
def watching(venue: FakeKalshi, clock: WaitingClock) -> Iterator[Watching]:
    """Return a source that has seen both markets once."""
    client = a_client(clock, url=venue.url)
    watching = Watching(client, clock)
    watching.source.watch([listing(), listing(OTHER)])
    watching.now()
    yield watching
    client.close()


def listing(ticker: str = TICKER, **changed: Any) -> Listing:
    found = parse_market(as_json({"market": a_market(ticker, **changed)}))
    assert isinstance(found, Listing)
    return found


def test_it_claims_what_it_can() -> None:
    """Polled books and prints, and no stream."""
    source = KalshiPolled(a_client(WaitingClock()), WaitingClock())

    assert frozenset({Capability.L2_POLLED, Capability.PRINTS}) == source.capabilities


def test_the_first_look(watching: Watching) -> None:
    """Every market is announced, has a status and a book in YES prices."""
    sink = watching.sink

    assert [TICKER, OTHER] == [fact[1] for fact in sink.of("meta")]
    assert MarketStatus.OPEN is sink.of("status")[-1][2]
    assert (
        {price("0.29"): size("9"), price("0.3"): size("5")},
        {price("0.35"): size("4")},
    ) == sink.snapshot(TICKER)
    assert ({}, {}) == sink.snapshot(OTHER)


def test_books_are_asked_for_together(venue: FakeKalshi, watching: Watching) -> None:
    """One request carries all markets, one parameter each."""
    watching.after()

    assert {(TICKER, OTHER)} == {
        tuple(query["tickers"]) for query in venue.asked("/markets/orderbooks")
    }


def test_only_changes_are_pushed(venue: FakeKalshi, watching: Watching) -> None:
    """A book that stands still says nothing; one that moves comes as a whole."""
    assert [] == watching.after()
    venue.books[TICKER] = a_book([("0.3100", "5.00")], [])

    assert [("book", TICKER, {price("0.31"): size("5")}, {}, None)] == watching.after()


def test_draining_again_pushes_nothing(watching: Watching) -> None:
    """Until time passes, there is nothing new and the position stays."""
    position = watching.source.drain(watching.sink, watching.sink._now)

    assert [] == watching.now()
    assert position == watching.source.drain(watching.sink, watching.sink._now)


def test_nothing_comes_from_the_future(venue: FakeKalshi, clock: WaitingClock) -> None:
    """What is received after the time of a drain comes with a later one."""
    client = a_client(clock, url=venue.url)
    source = KalshiPolled(client, clock)
    source.watch([listing()])
    sink = FactSink()
    source.drain(sink, Micros(clock.at - 1))

    assert [] == sink.facts
    source.drain(sink, clock.at)
    assert sink.facts
    client.close()


@pytest.mark.parametrize(
    "fault",
    [
        BAD_GATEWAY,
        TOO_MANY,
        Fault(status=200, body=b'{"orderbooks":{}}'),
        Fault(status=200, body=b'{"orderbooks":[]}'),
    ],
    ids=["gateway", "haste", "nonsense", "nothing"],
)
def test_a_failed_poll_is_a_gap(venue: FakeKalshi, watching: Watching, fault: Fault) -> None:
    """The books are lost once, not at every failure, and come back whole."""
    venue.faults.extend(
        [Fault(path="/markets/orderbooks", status=fault.status, body=fault.body)] * 6
    )
    first = watching.after()
    second = watching.after()
    venue.faults.clear()
    third = watching.after()

    assert [("gap", TICKER), ("gap", OTHER)] == [fact[:2] for fact in first]
    assert [] == second
    assert [("book", TICKER), ("book", OTHER)] == [fact[:2] for fact in third]


def test_one_bad_book_is_its_own_gap(venue: FakeKalshi, watching: Watching) -> None:
    """The other markets of the batch are not touched."""
    venue.books[TICKER] = a_book([("0.3000", "-1.00")], [])

    assert [("gap", TICKER)] == [fact[:2] for fact in watching.after()]


def test_trades_come_once_and_in_order(venue: FakeKalshi, watching: Watching) -> None:
    """Newest first at the venue, oldest first here; a trade seen before is not told again."""
    venue.trades = [a_trade(1), a_trade(2, taker_outcome_side="no")]
    first = watching.after(3)
    venue.trades.append(a_trade(4))
    second = watching.after(2)

    assert [Side.BID, Side.ASK] == [fact[2] for fact in first if fact[0] == "trade"]
    assert [price("0.32")] == [fact[3] for fact in second if fact[0] == "trade"]
    assert [] == watching.after()


def test_a_trade_that_is_listed_late_is_not_lost(venue: FakeKalshi, watching: Watching) -> None:
    """An earlier trade that appears after a later one is told all the same."""
    venue.trades = [a_trade(4)]
    watching.after(5)
    venue.trades.append(a_trade(2))

    assert ["trade"] == [fact[0] for fact in watching.after()]


def test_trades_of_before_and_block_trades_are_left_out(
    venue: FakeKalshi, watching: Watching
) -> None:
    """Only trades in the book, and only those since the market is watched."""
    venue.trades = [
        a_trade(1, created_time="2026-12-01T11:59:59Z"),
        a_trade(2, is_block_trade=True),
    ]

    assert [] == watching.after(3)


def test_a_trade_that_cannot_be_read_is_a_gap_once(venue: FakeKalshi, watching: Watching) -> None:
    """A missing print is told when it is first missed, not as long as it stays in the list."""
    venue.trades = [a_trade(1, count_fp="lots")]

    assert ["gap"] == [fact[0] for fact in watching.after(3)]
    assert ["book"] == [fact[0] for fact in watching.after()]
    assert [] == watching.after()


def test_trades_beyond_reach_are_a_gap(venue: FakeKalshi, watching: Watching) -> None:
    """More trades than a look takes are not passed over in silence."""
    venue.page_size = 2
    venue.trades = [a_trade(number) for number in range(20)]
    facts = watching.after(30)

    assert 1 == len([fact for fact in facts if fact[0] == "gap"])
    assert 10 == len([fact for fact in facts if fact[0] == "trade"])


def test_trades_that_fail_are_asked_for_again(venue: FakeKalshi, watching: Watching) -> None:
    """A poll of trades that fails loses nothing: the next one reaches back."""
    venue.trades = [a_trade(1)]
    path = "/markets/trades"
    venue.faults.extend([Fault(path=path, status=502, body=b"")] * 12)
    assert [] == [fact for fact in watching.after(2) if fact[0] == "trade"]
    venue.faults.clear()

    assert ["trade"] == [fact[0] for fact in watching.after()]


def test_where_the_book_moved_is_asked_first(venue: FakeKalshi, clock: WaitingClock) -> None:
    """With one request for trades per look, it goes to the market that moved."""
    client = a_client(clock, url=venue.url)
    source = KalshiPolled(client, clock, pace=Pace(trade_requests=1))
    source.watch([listing(), listing(OTHER)])
    asked = []
    for held in ("1.00", "2.00", "3.00"):
        venue.books[OTHER] = a_book([("0.1000", held)], [])
        source.poll()
        asked.append(venue.asked("/markets/trades")[-1]["ticker"][0])
        clock.pass_by(SECOND)

    assert OTHER in asked[0:1] + asked[1:2]
    assert OTHER == asked[2]
    client.close()


def test_a_pause_of_the_exchange(venue: FakeKalshi, watching: Watching) -> None:
    """A paused, closed or silent exchange pauses every market until it trades again."""
    venue.exchange = {"exchange_active": True, "trading_active": False}
    paused = watching.after(2)
    venue.exchange = {"exchange_active": True, "trading_active": True}
    opened = watching.after(2)
    venue.exchange_code, venue.exchange = 503, {"exchange_active": False, "trading_active": False}
    closed = watching.after(2)
    venue.exchange_code, venue.exchange = 200, {"nothing": "known"}
    venue.exchange = {"exchange_active": True, "trading_active": True}
    back = watching.after(2)
    venue.exchange = {"nothing": "known"}
    silent = watching.after(2)

    assert [
        [("status", TICKER, word), ("status", OTHER, word)]
        for word in (
            MarketStatus.PAUSED,
            MarketStatus.OPEN,
            MarketStatus.PAUSED,
            MarketStatus.OPEN,
            MarketStatus.PAUSED,
        )
    ] == [paused, opened, closed, back, silent]


def test_a_shard_pauses_its_own_markets(venue: FakeKalshi, watching: Watching) -> None:
    """A market on another shard goes on."""
    venue.markets[1]["exchange_index"] = 2
    shard = {"exchange_index": 2, "exchange_active": True, "trading_active": False}
    venue.exchange |= {"exchange_index_statuses": [shard]}

    assert [("status", OTHER, MarketStatus.PAUSED)] == watching.after(5)


def test_a_market_closes_by_the_clock(venue: FakeKalshi, clock: WaitingClock) -> None:
    """Nobody tells when trading ends, so its time does."""
    client = a_client(clock, url=venue.url)
    watching = Watching(client, clock)
    venue.markets[0]["close_time"] = "2026-12-01T12:00:03Z"
    watching.source.watch([listing(close_time="2026-12-01T12:00:03Z")])
    watching.now()

    assert [] == watching.after(2)
    assert [("status", TICKER, MarketStatus.CLOSED)] == watching.after(1)
    client.close()


def test_a_life_to_its_end(venue: FakeKalshi, watching: Watching) -> None:
    """Determined is not settled; the payout comes once, with the settlement."""
    market = venue.markets[0]
    market["status"] = "determined"
    market["result"] = "yes"
    determined = watching.after(5)
    market["status"] = "finalized"
    market["settlement_value_dollars"] = "1.0000"
    settled = watching.after(5)

    assert [("status", TICKER, MarketStatus.DETERMINED)] == determined
    assert [
        ("status", TICKER, MarketStatus.SETTLED),
        ("resolution", TICKER, price("1")),
    ] == settled
    assert [] == watching.after(5)


def test_a_settlement_in_the_archive(venue: FakeKalshi, watching: Watching) -> None:
    """A market that left the list is looked for among those settled long ago."""
    market = venue.markets.pop(0)
    venue.archived.append(market | {"status": "finalized", "result": "no"})

    assert ("resolution", TICKER, price("0")) in watching.after(5)


def test_a_market_in_no_list_is_paused(venue: FakeKalshi, watching: Watching) -> None:
    """What the venue does not know is not traded, and it is told why."""
    del venue.markets[0]

    assert [("status", TICKER, MarketStatus.PAUSED)] == watching.after(5)
    assert any("none of the venue's lists" in problem for problem in watching.source.problems)


@pytest.mark.parametrize(
    "change",
    [{"status": "dreaming"}, {"market_type": "scalar"}, {"settlement_bounds_type": "floor"}],
)
def test_a_market_that_becomes_strange_is_paused(
    venue: FakeKalshi, watching: Watching, change: dict[str, str]
) -> None:
    """An unknown word or another kind of market is no reason to trade on."""
    venue.markets[0] |= change

    assert [("status", TICKER, MarketStatus.PAUSED)] == watching.after(5)
    assert any(TICKER in problem for problem in watching.source.problems)


def test_statuses_that_cannot_be_read_pause_in_the_end(
    venue: FakeKalshi, watching: Watching
) -> None:
    """One failure changes nothing; a silence of several looks is not an open market."""
    venue.faults.extend([Fault(path="/markets", status=502, body=b"")] * 1000)
    once = [fact[0] for fact in watching.after(5)]
    assert [[], []] == [watching.after(5), watching.after(5)]
    facts = watching.after(10)

    assert "status" not in once
    assert [("status", name, MarketStatus.PAUSED) for name in (TICKER, OTHER)] == facts


def test_new_terms_are_announced(venue: FakeKalshi, watching: Watching) -> None:
    """Another grid or closing time replaces the old one; event and fees stay as they were."""
    venue.markets[0]["price_ranges"] = TAPERED
    venue.markets[0]["close_time"] = "2026-12-01T20:00:00Z"
    before = watching.sink.markets[TICKER]
    facts = watching.after(5)
    after = watching.sink.markets[TICKER]

    assert [("meta", TICKER)] == facts
    assert (before.family, before.fees, before.title) == (after.family, after.fees, after.title)
    assert (price("0.001"), True) == (
        after.tick_at(price("0.05")),
        before.close_at != after.close_at,
    )


def test_dropped_markets_are_not_asked_for(venue: FakeKalshi, watching: Watching) -> None:
    """A market that is dropped costs nothing any more."""
    watching.source.drop([TICKER])
    watching.after()

    assert (OTHER,) == watching.source.watched
    assert [OTHER] == venue.asked("/markets/orderbooks")[-1]["tickers"]


def test_facts_that_nobody_takes_are_not_piled_up(
    venue: FakeKalshi, watching: Watching, clock: WaitingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When too many facts wait, nothing is asked for, and the books are told to be out of date."""
    monkeypatch.setattr(polled, "_FACTS_MAX", 3)
    for held in range(9):
        venue.books[TICKER] = a_book([("0.1000", f"{held + 1}.00")], [])
        clock.pass_by(SECOND)
        watching.source.poll()
    asked = len(venue.asked("/markets/orderbooks"))
    clock.pass_by(SECOND)
    watching.source.poll()
    facts = watching.now()

    assert asked == len(venue.asked("/markets/orderbooks"))
    assert ["book", "book", "book", "gap", "gap"] == [fact[0] for fact in facts]
    assert ["book", "book"] == [fact[0] for fact in watching.after()]


def test_there_is_a_limit() -> None:
    """More markets than can be polled are refused instead of being polled ever more slowly."""
    source = KalshiPolled(a_client(WaitingClock()), WaitingClock())

    with pytest.raises(ValueError, match="narrow the filters"):
        source.watch(listing(f"KX-{number}-A") for number in range(MARKETS_MAX + 1))
