"""The stream over real sockets against an exchange on loopback: handshakes, breaks and threads."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from market_bot.adapters.kalshi.clock_guard import ClockGuard
from market_bot.adapters.kalshi.errors import ClockSkewError
from market_bot.adapters.kalshi.private_stream import PrivateInbox, PushedFill, PushedOrder
from market_bot.adapters.kalshi.signing import Signer
from market_bot.adapters.kalshi.stream import KalshiStream, StreamPace
from market_bot.adapters.kalshi.stream_socket import (
    Arrival,
    Closed,
    Opened,
    SocketLimits,
    StreamSocket,
)
from market_bot.adapters.kalshi.stream_statuses import StreamStatuses
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import SECOND, Duration, Micros, price, size
from tests.fakes.fact_sink import FactSink
from tests.fakes.fake_kalshi import FakeKalshi, error
from tests.fakes.fake_kalshi_engine import Engine
from tests.fakes.kalshi_client import WaitingClock, a_client, a_key
from tests.fakes.kalshi_records import TICKER, a_market
from tests.fakes.kalshi_streaming import listing

OTHER = "KXTEMP-26DEC01-T53"
PATH = "/trade-api/ws/v2"
QUICK = SocketLimits(first_wait=Duration(1), wait_max=Duration(SECOND // 100), frames=1000)
PATIENCE_S = 30
LOOK_S = 0.01


@pytest.fixture
def clock() -> WaitingClock:
    """Return the one clock of bot and venue."""
    return WaitingClock()


@pytest.fixture
def venue(clock: WaitingClock) -> Iterator[FakeKalshi]:
    """Return an exchange with two markets, one of them with a book."""
    engine = Engine(clock.now_ms)
    with FakeKalshi(clock.now_ms, engine) as fake:
        fake.keys["key-1"] = a_key().public_key()
        engine.list_market(a_market(price_ranges=CENTS))
        engine.list_market(a_market(OTHER, price_ranges=CENTS))
        engine.crowd(TICKER, "bid", "0.3000", "5.00")
        engine.crowd(TICKER, "ask", "0.3500", "4.00")
        yield fake


CENTS = [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}]


class Live:
    """A stream of the exchange, and what it told."""

    def __init__(
        self,
        venue: FakeKalshi,
        clock: WaitingClock,
        *,
        headers: Callable[[], Mapping[str, str]] | None = None,
        pace: StreamPace | None = None,
        limits: SocketLimits = QUICK,
        inbox: PrivateInbox | None = None,
    ) -> None:
        self.venue, self.clock = venue, clock
        self.woken = threading.Event()
        signer = Signer("key-1", a_key())
        signed = headers or (lambda: signer.headers("GET", PATH, clock.now_ms()))
        self.socket = StreamSocket(
            venue.socket.url, signed, clock, wake=self.woken.set, limits=limits
        )
        statuses = StreamStatuses(a_client(clock, url=venue.url), clock)
        self.stream = KalshiStream(
            statuses, self.socket, clock, ClockGuard(), pace=pace, inbox=inbox
        )
        self.sink = FactSink()
        self.stream.renew([listing(TICKER), listing(OTHER)], clock.now())

    def until(self, done: Callable[[], object]) -> None:
        """Drain until something is so."""
        never = threading.Event()
        for _ in range(int(PATIENCE_S / LOOK_S)):
            self.stream.drain(self.sink, self.clock.now())
            if done():
                return
            never.wait(LOOK_S)
        pytest.fail(f"it never came to that; problems: {list(self.stream.problems)}")

    def is_true(self) -> bool:
        """Tell whether every book is whole, and what the exchange has."""
        engine = self.venue.engine
        assert engine is not None
        for name in (TICKER, OTHER):
            book = self.sink.books.get(name)
            listed = engine.markets[name]
            if book is None or not book.whole:
                return False
            for levels, side in ((book.bids, "bid"), (book.asks, "ask")):
                there = listed.levels("bid" if side == "bid" else "ask")
                if {at // 100: count // 10_000 for at, count in levels.items()} != there:
                    return False
        return True


@pytest.fixture
def live(venue: FakeKalshi, clock: WaitingClock) -> Iterator[Live]:
    """Return a stream that has both books."""
    one = Live(venue, clock)
    one.until(one.is_true)
    yield one
    one.stream.close()


def crowd(venue: FakeKalshi, side: Any, at: str, count: str) -> None:
    assert venue.engine is not None
    venue.engine.crowd(TICKER, side, at, count)


def test_the_handshake_is_signed(venue: FakeKalshi, live: Live) -> None:
    """The venue takes the signature; it is made for this path."""
    assert "key-1" == venue.socket.handshakes[0]["kalshi-access-key"]
    assert "market-bot" == venue.socket.handshakes[0]["user-agent"]
    assert [] == list(live.stream.problems)


def test_books_and_prints(venue: FakeKalshi, live: Live) -> None:
    """What people do there is seen here, to the last hundredth."""
    live.woken.clear()
    crowd(venue, "bid", "0.3100", "2.25")
    crowd(venue, "bid", "0.3500", "1.00")
    live.until(lambda: live.is_true() and live.sink.kinds["trade"])

    assert live.woken.is_set()
    (trade,) = live.sink.of("trade")
    assert (TICKER, Side.BID, price("0.35"), size(1)) == trade[1:5]
    assert size("2.25") == live.sink.books[TICKER].bids[price("0.31")]


@pytest.mark.parametrize("kind", ["orderbook_delta", "trade", "any"])
@pytest.mark.parametrize("what", ["lose", "repeat", "swap"])
def test_trouble_on_the_way(venue: FakeKalshi, live: Live, kind: str, what: str) -> None:
    """Lost, repeated and swapped messages end in books that are true."""
    venue.socket.trouble(kind, what)
    for cents in range(20, 30):
        crowd(venue, "bid", f"0.{cents}00", "1.00")
    crowd(venue, "bid", "0.3500", "1.00")
    crowd(venue, "ask", "0.9000", "1.00")

    live.until(live.is_true)


@pytest.mark.parametrize("end", ["kill", "hang_up"])
def test_a_broken_connection_is_made_again(venue: FakeKalshi, live: Live, end: str) -> None:
    """A break is a gap; what happened meanwhile is in the next books."""
    getattr(venue.socket, end)()
    crowd(venue, "ask", "0.3400", "1.00")
    live.until(lambda: live.sink.kinds["gap"] and live.is_true())

    assert 2 == len(venue.socket.handshakes)
    assert 1 == live.sink.kinds["gap"]


def test_a_connection_that_says_nothing(venue: FakeKalshi, clock: WaitingClock, live: Live) -> None:
    """Pings are answered and nothing comes: that is no connection."""
    venue.socket.hold()
    venue.socket.ping()
    clock.pass_by(11 * SECOND)
    live.stream.drain(live.sink, clock.now())
    clock.pass_by(11 * SECOND)
    live.until(lambda: live.sink.kinds["gap"])
    venue.socket.flow()

    live.until(live.is_true)
    assert any("no answer" in one for one in live.stream.problems)


def test_an_ended_channel(venue: FakeKalshi, live: Live) -> None:
    """The venue's own buffer overflowed: the channel is joined again."""
    venue.socket.fail("orderbook_delta", 25, "Subscription buffer overflow")
    crowd(venue, "ask", "0.3400", "1.00")

    live.until(lambda: live.sink.kinds["gap"] and live.is_true())
    assert 1 == len(venue.socket.handshakes)


def test_statuses_and_results(venue: FakeKalshi, clock: WaitingClock, live: Live) -> None:
    """A pause comes at once, a result when it is final."""
    assert venue.engine is not None
    venue.engine.deactivate(TICKER)
    live.until(lambda: (MarketStatus.PAUSED) in [fact[2] for fact in live.sink.of("status")])
    venue.engine.determine(TICKER, "yes")
    live.until(lambda: (MarketStatus.DETERMINED) in [fact[2] for fact in live.sink.of("status")])
    assert 0 == live.sink.kinds["resolution"]
    venue.engine.finalize(TICKER)
    live.until(lambda: live.sink.kinds["resolution"])

    assert (TICKER, price(1)) == live.sink.of("resolution")[0][1:]


def test_our_own_orders_and_fills(venue: FakeKalshi, clock: WaitingClock) -> None:
    """What happens to our orders is handed over by the names we gave them."""
    assert venue.engine is not None
    inbox = PrivateInbox()
    live = Live(venue, clock, inbox=inbox)
    live.until(lambda: live.is_true() and "begin here" in str(inbox._must_read))
    live.until(lambda: 5 == len(live.stream._session.live) if live.stream._session else False)
    inbox.take()
    asked = {
        "ticker": TICKER,
        "side": "bid",
        "count": "2.00",
        "price": "0.3500",
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        "client_order_id": "ours-1",
        "exchange_index": 0,
    }
    venue.engine.create(asked)
    live.until(lambda: len(inbox._waiting) > 1)
    taken = inbox.take()
    live.stream.close()

    fills = [one for one in taken.pushed if isinstance(one, PushedFill)]
    orders = [one for one in taken.pushed if isinstance(one, PushedOrder)]
    assert [("ours-1", size(2), price("0.35"), True)] == [
        (one.client_order, one.size, one.price, one.taker) for one in fills
    ]
    assert "ours-1" == orders[-1].client_order


def test_a_refused_handshake(venue: FakeKalshi, clock: WaitingClock) -> None:
    """The venue's reason is told once, nothing of the key is, and it is tried again."""
    venue.socket.refuse = (401, error("token_authentication_failure"))
    live = Live(venue, clock)
    live.until(lambda: len(venue.socket.handshakes) > 2)
    said = [one for one in live.stream.problems if "stream" in one]
    venue.socket.refuse = None
    live.until(live.is_true)
    live.stream.close()

    assert ["stream: no connection: the venue answered 401 token_authentication_failure"] == said


def test_a_wrong_key(venue: FakeKalshi, clock: WaitingClock) -> None:
    """A key the venue does not know opens nothing."""
    signer = Signer("key-2", a_key())
    live = Live(venue, clock, headers=lambda: signer.headers("GET", PATH, clock.now_ms()))
    live.until(lambda: any("authentication_error" in one for one in live.stream.problems))
    live.stream.close()

    assert not any("key-2" in one for one in live.stream.problems)


def test_a_clock_that_is_off_signs_nothing(venue: FakeKalshi, clock: WaitingClock) -> None:
    """Without a clock that agrees there is no handshake, and the reason is told."""

    def headers() -> Mapping[str, str]:
        msg = "this machine's clock is 9.0 s ahead of the venue's"
        raise ClockSkewError(msg)

    live = Live(venue, clock, headers=headers)
    live.until(lambda: any("9.0 s ahead" in one for one in live.stream.problems))
    live.stream.close()

    assert [] == venue.socket.handshakes


def test_redirects_are_not_followed(venue: FakeKalshi, clock: WaitingClock) -> None:
    """What is signed goes to the address that is configured, and nowhere else."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = f"HTTP/1.1 302 Found\r\nLocation: {venue.socket.url}\r\n\r\n".encode()

        def redirect() -> None:
            with server.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=redirect)
        thread.start()
        url = f"ws://127.0.0.1:{server.getsockname()[1]}{PATH}"
        one = StreamSocket(url, dict, clock, limits=SocketLimits())
        one.start()
        arrivals = wait_for(one, clock, 1)
        thread.join()
        one.close()

    assert [Closed(1, "no connection: the venue answered 302")] == arrivals
    assert [] == venue.socket.handshakes


def wait_for(one: StreamSocket, clock: WaitingClock, count: int) -> list[object]:
    """Take arrivals until there are so many."""
    never = threading.Event()
    found: list[Arrival] = []
    for _ in range(int(PATIENCE_S / LOOK_S)):
        found.extend(one.take(clock.now()))
        if len(found) >= count:
            break
        never.wait(LOOK_S)
    return [what for _, what in found]


def signed(clock: WaitingClock) -> Callable[[], Mapping[str, str]]:
    signer = Signer("key-1", a_key())
    return lambda: signer.headers("GET", PATH, clock.now_ms())


def test_a_full_queue_ends_the_connection(venue: FakeKalshi, clock: WaitingClock) -> None:
    """Frames that nobody takes are not dropped in silence: the connection ends and says why."""
    limits = SocketLimits(first_wait=Duration(1), wait_max=Duration(1000), frames=10)
    one = StreamSocket(venue.socket.url, signed(clock), clock, limits=limits)
    one.start()
    assert [Opened(1)] == wait_for(one, clock, 1)
    for number in range(30):
        venue.socket.say({"type": "weather", "sid": 9, "number": number})
    never = threading.Event()
    for _ in range(int(PATIENCE_S / LOOK_S)):
        if len(one._queue) > 10:
            break
        never.wait(LOOK_S)
    first = wait_for(one, clock, 11)[:11]
    again = wait_for(one, clock, 1)
    one.close()

    assert [bytes] * 10 == [type(what) for what in first[:10]]
    assert isinstance(first[10], Closed)
    assert "not taken in time" in first[10].reason
    assert Opened(2) == again[0]


def test_a_full_queue_is_a_gap(venue: FakeKalshi, clock: WaitingClock) -> None:
    """Whoever drains too seldom loses all books, and has them back afterwards."""
    limits = SocketLimits(first_wait=Duration(1), wait_max=Duration(1000), frames=10)
    live = Live(venue, clock, limits=limits)
    live.until(live.is_true)
    for cents in range(1, 30):
        crowd(venue, "bid", f"0.{cents:02}00", "1.00")
    live.until(lambda: live.sink.kinds["gap"] and live.is_true())
    live.stream.close()

    assert any("not taken in time" in one for one in live.stream.problems)


def test_frames_from_the_future(venue: FakeKalshi, clock: WaitingClock) -> None:
    """After the clock was set back frames of before are taken and do not block the rest."""
    one = StreamSocket(venue.socket.url, signed(clock), clock, limits=QUICK)
    one.start()
    until = clock.now()
    clock.pass_by(3600 * SECOND)
    one._put(Opened(7))
    clock.pass_by(-3600 * SECOND)
    taken = [arrival for arrival in one.take(until) if arrival[1] == Opened(7)]
    one.close()

    assert [(until, Opened(7))] == taken


def test_what_is_a_little_ahead_waits(venue: FakeKalshi, clock: WaitingClock) -> None:
    """What came after the moment of a drain comes with a later one."""
    one = StreamSocket(venue.socket.url, signed(clock), clock, limits=QUICK)
    one._put(Opened(1))

    assert [] == list(one.take(Micros(clock.now() - 1)))
    assert [(clock.now(), Opened(1))] == list(one.take(clock.now()))


@pytest.mark.parametrize("state", ["connected", "held", "refused", "nobody"])
def test_no_thread_is_left(venue: FakeKalshi, clock: WaitingClock, state: str) -> None:
    """Closing ends the thread, whatever the other side does."""
    url = venue.socket.url
    if state == "refused":
        venue.socket.refuse = (503, b"")
    if state == "nobody":
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"ws://127.0.0.1:{server.getsockname()[1]}{PATH}"
    one = StreamSocket(url, signed(clock), clock, limits=QUICK)
    one.start()
    one.start()
    wait_for(one, clock, 1)
    if state == "held":
        venue.socket.hold()
    one.close()

    ours = {"kalshi-stream"}
    assert not [thread for thread in threading.enumerate() if thread.name in ours]
