"""A whole feed against an exchange on loopback: found, watched, told, and ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from market_bot.adapters.kalshi.budgets import RateLimit
from market_bot.adapters.kalshi.discovery import Discovery, Scope
from market_bot.adapters.kalshi.errors import KalshiError, NotSentError
from market_bot.adapters.kalshi.feed import Choice, KalshiFeed
from market_bot.adapters.kalshi.feed_assembly import FeedSettings, polled_feed, streamed_feed
from market_bot.adapters.kalshi.feed_lookout import Look, LookoutThread, Sight, stopping_wait
from market_bot.adapters.kalshi.signing import Signer
from market_bot.core.domain.numbers import SECOND, Duration
from market_bot.core.ports.market_data import Capability, MarketDataError
from tests.fakes.fact_sink import FactSink
from tests.fakes.fake_kalshi import BAD_GATEWAY, FakeKalshi
from tests.fakes.fake_kalshi_engine import Engine
from tests.fakes.kalshi_client import WaitingClock, a_client, a_key
from tests.fakes.kalshi_records import SERIES, TICKER, a_market, a_series, an_event, ladder

PLENTY = RateLimit(300_000, 300_000)
PATIENCE_S = 30
LOOK_S = 0.01


@pytest.fixture
def clock() -> WaitingClock:
    """Return the one clock of bot and venue."""
    return WaitingClock()


@pytest.fixture
def venue(clock: WaitingClock) -> Iterator[FakeKalshi]:
    """Return an exchange with an event of four markets."""
    engine = Engine(clock.now_ms)
    with FakeKalshi(clock.now_ms, engine) as fake:
        fake.keys["key-1"] = a_key().public_key()
        for record in ladder():
            engine.list_market(record)
        fake.events, fake.series = [an_event()], [a_series()]
        engine.crowd(TICKER, "bid", "0.3000", "5.00")
        yield fake


def settings(venue: FakeKalshi, **choice: object) -> FeedSettings:
    return FeedSettings(
        base_url=venue.url,
        ws_url=venue.socket.url,
        scope=Scope(series=(SERIES,)),
        choice=Choice(look_every=Duration(60 * SECOND), **choice),  # type: ignore[arg-type] # a test's own words
        reads=PLENTY,
    )


def until(
    feed: KalshiFeed, clock: WaitingClock, sink: FactSink, done: Callable[[], object]
) -> None:
    """Drain until something is so."""
    never = threading.Event()
    for _ in range(int(PATIENCE_S / LOOK_S)):
        feed.drain(sink, clock.now())
        if done():
            return
        never.wait(LOOK_S)
    pytest.fail(f"it never came to that; problems: {list(feed.problems)}")


@pytest.mark.parametrize("kind", ["polled", "streamed"])
def test_from_nothing_to_prices_to_the_end(
    venue: FakeKalshi, clock: WaitingClock, kind: str
) -> None:
    """Markets are found, told with terms, books and statuses, and let go of when paid out."""
    assert venue.engine is not None
    engine = venue.engine
    woken = threading.Event()
    made = settings(venue)
    signer = Signer("key-1", a_key())
    feed = (
        polled_feed(made, clock)
        if kind == "polled"
        else streamed_feed(made, clock, signer, wake=woken.set)
    )
    sink = FactSink()
    until(feed, clock, sink, lambda: 4 == sum(book.whole for book in sink.books.values()))
    assert sink.books[TICKER].bids
    assert Capability.PRINTS in feed.capabilities
    assert (Capability.L2_STREAM in feed.capabilities) is (kind == "streamed") is woken.is_set()

    for record in ladder():
        engine.determine(record["ticker"], "no")
        engine.finalize(record["ticker"])
    clock.pass_by(21 * SECOND)
    until(feed, clock, sink, lambda: 4 == sink.kinds["resolution"])
    clock.pass_by(61 * SECOND)
    until(feed, clock, sink, lambda: not feed.watched)
    feed.close()

    assert not [one for one in threading.enumerate() if one.name.startswith("kalshi-")]


def test_a_venue_that_cannot_be_reached(venue: FakeKalshi, clock: WaitingClock) -> None:
    """One line says so, and the feed goes on by itself once it can."""
    venue.faults.extend([BAD_GATEWAY] * 3)
    feed = polled_feed(settings(venue), clock)
    sink = FactSink()
    with pytest.raises(MarketDataError, match="502"):
        until(feed, clock, sink, lambda: False)
    clock.pass_by(31 * SECOND)
    never = threading.Event()
    for _ in range(int(PATIENCE_S / LOOK_S)):
        try:
            feed.drain(sink, clock.now())
        except MarketDataError:
            pass
        else:
            break
        never.wait(LOOK_S)
    until(feed, clock, sink, lambda: sink.books)
    feed.close()


def test_a_held_market_is_found_by_its_name(venue: FakeKalshi, clock: WaitingClock) -> None:
    """Closed or long archived: what we hold is watched until it is paid out."""
    venue.markets.append(a_market("KXOLD-26NOV01-A", status="closed"))
    venue.archived.append(
        a_market(
            "KXOLD-26OCT01-A",
            status="finalized",
            result="yes",
            settlement_value_dollars="1.0000",
        )
    )
    venue.markets.append(a_market("KXOLD-26NOV01-S", market_type="scalar"))
    held = ("KXOLD-26NOV01-A", "KXOLD-26OCT01-A", "KXOLD-26NOV01-S", "KXNONE-1")
    feed = polled_feed(settings(venue, held=lambda: held), clock)
    sink = FactSink()
    until(feed, clock, sink, lambda: "KXOLD-26NOV01-A" in sink.markets)
    until(feed, clock, sink, lambda: sink.kinds["resolution"])
    problems = " ".join(feed.problems)
    feed.close()

    assert "KXOLD-26OCT01-A" == sink.of("resolution")[0][1]
    assert "KXOLD-26NOV01-S: is held and not_binary" in problems
    assert "KXNONE-1: is held and in none" in problems


def test_a_look_in_another_thread(venue: FakeKalshi, clock: WaitingClock) -> None:
    """A look does not hold up whoever asked for it, and gives one result."""
    rest = a_client(clock, url=venue.url)
    stopping = threading.Event()
    lookout = LookoutThread(Look(Discovery(rest, clock), rest, Scope(series=(SERIES,))), stopping)
    assert None is lookout.take()
    lookout.begin(())
    lookout.begin(())
    assert lookout.busy
    assert lookout._thread is not None
    lookout._thread.join()
    sight = lookout.take()
    lookout.close()
    lookout.begin(())

    assert isinstance(sight, Sight)
    assert 4 == len(sight.found.listings)
    assert not lookout.busy


def test_a_look_at_once(venue: FakeKalshi, clock: WaitingClock) -> None:
    """In the thread that asks the result is there at once, or why there is none."""
    rest = a_client(clock, url=venue.url)
    look = Look(Discovery(rest, clock), rest, Scope(series=(SERIES,)))
    look.begin(())
    assert look.busy
    assert isinstance(look.take(), Sight)
    venue.faults.extend([BAD_GATEWAY] * 3)
    look.begin(())
    assert isinstance(look.take(), KalshiError)
    look.close()

    assert not look.busy


def test_whoever_waits_for_budget_stops_with_the_bot() -> None:
    """A wait that is cut short sends nothing more."""
    stopping = threading.Event()
    stopping_wait(stopping, 0)
    stopping.set()
    with pytest.raises(NotSentError, match="stops"):
        stopping_wait(stopping, 60)


@pytest.mark.parametrize("url", ["https://x/trade-api/ws/v2", "ws://", "ws://host/other"])
def test_an_address_that_is_none(clock: WaitingClock, venue: FakeKalshi, url: str) -> None:
    """It is refused when the feed is made, and not in a thread."""
    made = FeedSettings(base_url=venue.url, ws_url=url)
    with pytest.raises(ValueError, match=r"trade-api|not the address"):
        streamed_feed(made, clock, Signer("key-1", a_key()))
