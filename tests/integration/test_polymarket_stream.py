"""The live feed over real sockets and HTTP on loopback: breaks, stalls, shards and threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from market_bot.adapters.polymarket.auth import ApiCredentials
from market_bot.adapters.polymarket.feed import PolymarketFeed
from market_bot.adapters.polymarket.feed_assembly import streamed_feed, user_stream
from market_bot.adapters.polymarket.polled import Pace
from market_bot.adapters.polymarket.rest import Endpoints, PolymarketRest
from market_bot.adapters.polymarket.stream import StreamPace
from market_bot.adapters.polymarket.stream_socket import SocketLimits
from market_bot.adapters.polymarket.transport import HttpTransport
from market_bot.adapters.polymarket.user_messages import Missed, TradePush, UserEvent
from market_bot.adapters.system.clock import SystemClock
from market_bot.core.domain.market import TickBand
from market_bot.core.domain.numbers import ONE_DOLLAR, SECOND, Duration, Price, price, size
from tests.fakes.fact_sink import FactSink
from tests.fakes.fake_polymarket import FakePolymarket
from tests.fakes.fake_polymarket_records import (
    API_KEY,
    PASSPHRASE,
    SECRET,
    Record,
    a_book,
    a_market,
    an_event,
    condition,
    token,
)
from tests.fakes.fake_polymarket_socket import MARKET, USER, FakePolymarketSocket
from tests.fakes.polymarket_streaming import a_change, no, yes

PATIENCE_S = 20
LOOK_S = 0.005
QUICK = SocketLimits(
    first_wait=Duration(1000), wait_max=Duration(SECOND // 100), ping=Duration(SECOND // 50)
)
BRIEF = StreamPace(
    silence=Duration(SECOND // 5),
    grace=Duration(SECOND // 20),
    settle=Duration(SECOND // 20),
    snapshot=Duration(SECOND // 4),
)
ONE = condition(1)


def whole_wait(wait: Duration) -> Duration:
    """Leave nothing to chance."""
    return wait


class Live:
    """A feed of a venue on loopback, and what it told."""

    def __init__(self, markets: int = 1, *, streaming: StreamPace | None = None) -> None:
        self.venue = FakePolymarket()
        self.socket = FakePolymarketSocket()
        self.markets = markets
        self.venue.events = [an_event([a_market(n) for n in range(1, markets + 1)])]
        for number in range(1, markets + 1):
            self.book(number)
        self.clock = SystemClock()
        self.sink = FactSink()
        self.streaming = streaming
        self.woken = threading.Event()
        self.feed: PolymarketFeed

    def book(self, number: int = 1, *, venue: bool = True, **changes: Any) -> Record:
        """Let the venue have a book of now, for both tokens."""
        stamp = str(SystemClock().now() // 1000)
        told = {**a_book(number, **{"timestamp": stamp, **changes}), "event_type": "book"}
        if venue:
            self.venue.books[yes(number)] = told
            self.socket.books[yes(number)] = told
            self.socket.books[no(number)] = {**told, "asset_id": no(number)}
        return told

    def open(self, limits: SocketLimits = QUICK) -> None:
        """Begin."""
        self.feed = streamed_feed(
            self._client(),
            self._client(),
            self.clock,
            ws_url=self.socket.url(MARKET),
            jitter=whole_wait,
            pace=Pace(catalogue=Duration(600 * SECOND), resolutions=Duration(600 * SECOND)),
            streaming=self.streaming,
            limits=limits,
            wake=self.woken.set,
        )

    def _client(self) -> PolymarketRest:
        at = self.venue.url
        endpoints = Endpoints(gamma=at, clob=at, data=at, site=at)
        return PolymarketRest(
            HttpTransport(self.clock), self.clock, lambda _: None, endpoints=endpoints
        )

    def drain(self) -> None:
        self.feed.drain(self.sink, self.clock.now())

    def until(self, done: Callable[[], bool]) -> None:
        """Drain until something is so."""
        ends = self.clock.elapsed() + PATIENCE_S * SECOND
        while not done():
            assert self.clock.elapsed() < ends, (list(self.feed.problems), self.sink.kinds)
            self.woken.wait(LOOK_S)
            self.woken.clear()
            self.drain()

    def whole(self, number: int = 1) -> bool:
        """Tell whether the book of a market may be believed."""
        book = self.sink.books.get(condition(number))
        return book is not None and book.whole

    def all_whole(self) -> bool:
        """Tell whether all books may be believed."""
        return all(self.whole(number) for number in range(1, self.markets + 1))

    def change(self, number: int = 1, **told: Any) -> None:
        """Tell a change of now."""
        self.socket.tell(
            {
                "event_type": "price_change",
                "market": condition(number),
                "price_changes": a_change(number, **told),
                "timestamp": str(self.clock.now() // 1000),
            }
        )


@pytest.fixture
def make() -> Iterator[Callable[..., Live]]:
    """Return what begins a feed; everything is ended afterwards, and no thread is left."""
    made: list[Live] = []

    def begin(markets: int = 1, **options: Any) -> Live:
        live = Live(markets, **options)
        made.append(live)
        contexts.append(live.venue.serving())
        contexts[-1].__enter__()
        live.socket.__enter__()
        live.open()
        return live

    contexts: list[Any] = []
    yield begin
    for live, context in zip(made, contexts, strict=True):
        live.feed.close()
        live.socket.__exit__(None, None, None)
        context.__exit__(None, None, None)
    assert not [one.name for one in threading.enumerate() if one.name.startswith("polymarket-")]


def test_books_and_prints_come(make: Callable[..., Live]) -> None:
    """A book, a change and a print come over a socket, and PING is said."""
    live = make()
    live.until(live.whole)
    live.change(size="3")
    live.socket.tell(
        {
            "event_type": "last_trade_price",
            "asset_id": no(),
            "price": "0.55",
            "size": "2",
            "side": "BUY",
            "timestamp": str(live.clock.now() // 1000),
        }
    )
    live.until(lambda: live.sink.kinds["trade"] == 1)
    assert live.sink.books[ONE].bids[price("0.45")] == size("3")
    live.until(lambda: live.socket.pings > 2)
    assert live.sink.kinds["gap"] == 0


def test_a_broken_connection_is_a_gap_until_it_is_back(make: Callable[..., Live]) -> None:
    """While the venue refuses there is no book; when it serves again the new book is told."""
    live = make()
    live.until(live.whole)
    live.socket.refuse = 503
    live.book(bids={"0.30": "1"}, asks={})
    live.socket.drop()
    live.until(lambda: not live.whole())
    live.until(lambda: "the venue answered 503" in "".join(live.feed.problems))
    assert not live.whole()
    live.socket.refuse = None
    live.until(live.whole)
    assert live.sink.books[ONE].bids == {price("0.30"): size("1")}


def test_a_stalled_connection_is_left(make: Callable[..., Live]) -> None:
    """A connection that stands and tells nothing, not even PONG, is replaced."""
    live = make()
    live.until(live.whole)
    live.feed.close()
    live.open(
        SocketLimits(
            first_wait=Duration(1000), ping=Duration(SECOND // 50), deaf=Duration(SECOND // 4)
        )
    )
    live.sink = FactSink()
    live.until(live.whole)
    live.socket.stall()
    live.until(lambda: not live.whole())
    assert "nothing was heard" in "".join(live.feed.problems)
    live.socket.flow()
    live.until(live.whole)


def test_a_frozen_stream_is_noticed_over_rest(make: Callable[..., Live]) -> None:
    """A socket that answers pings while books move elsewhere is left for another one."""
    live = make(streaming=BRIEF)
    live.until(live.whole)
    live.book(bids={"0.30": "1"})
    live.until(lambda: live.sink.kinds["gap"] > 0)
    assert "the stream is silent" in str(live.sink.of("gap")[0][2])
    live.until(live.whole)
    assert live.sink.books[ONE].bids == {price("0.30"): size("1")}


def test_a_lost_change_is_mended_over_rest(make: Callable[..., Live]) -> None:
    """A touch that the book does not have brings a new book from the venue, asked beside it."""
    live = make()
    live.until(live.whole)
    live.change(at="0.40", size="1", touch=("0.44", "0.46"))
    live.book(bids={"0.44": "7", "0.40": "1"}, timestamp=str(live.clock.now() // 1000 + 1))
    live.until(lambda: live.sink.kinds["gap"] == 1 and live.whole())
    assert live.venue.asked("/books") == 1
    assert live.sink.books[ONE].bids == {price("0.44"): size("7"), price("0.40"): size("1")}


def test_a_new_tick_needs_a_new_book(make: Callable[..., Live]) -> None:
    """After finer steps the book is asked for anew, on the same connection."""
    live = make()
    live.until(live.whole)
    live.book(tick_size="0.001", bids={"0.444": "5"})
    live.socket.tell(
        {"event_type": "tick_size_change", "asset_id": yes(), "new_tick_size": "0.001"}
    )
    live.until(lambda: live.sink.kinds["gap"] == 1 and live.whole())
    assert live.sink.markets[ONE].ticks == (TickBand(Price(0), ONE_DOLLAR, Price(1_000)),)
    assert live.sink.books[ONE].bids == {price("0.444"): size("5")}
    assert len(live.socket.links) == 1


def test_more_tokens_than_a_socket_carries(make: Callable[..., Live]) -> None:
    """Three hundred markets have six hundred tokens: two sockets, and every book comes."""
    live = make(markets=300)
    live.until(live.all_whole)
    assert sorted(len(link.tokens) for link in live.socket.links) == [100, 500]
    live.change(290, size="3")
    live.until(lambda: live.sink.kinds["delta"] == 1)


def test_markets_come_and_go_on_a_standing_connection(make: Callable[..., Live]) -> None:
    """A market that is closed is asked for no more; the other one goes on."""
    live = make(markets=2)
    live.until(live.all_whole)
    live.socket.tell({"event_type": "market_resolved", "market": condition(2)})
    live.until(lambda: live.sink.kinds["status"] == 1)
    live.until(lambda: list(live.socket.links[0].tokens) == [yes(1), no(1)])
    assert live.whole(1)


@pytest.mark.parametrize("garbage", [b"{" * 9000, "[" * 5000, "no such word", '{"event_type":1}'])
def test_garbage_does_not_end_the_feed(make: Callable[..., Live], garbage: str | bytes) -> None:
    """After whatever was sent there is a whole book again, and changes reach it."""
    live = make()
    live.until(live.whole)
    live.socket.throw(garbage)
    live.until(lambda: bool(live.feed.problems))
    live.until(live.whole)
    live.change(size="3")
    live.until(lambda: live.sink.kinds["delta"] == 1)


def test_frames_that_nobody_takes_end_the_connection(make: Callable[..., Live]) -> None:
    """A queue that is full is a gap and a new connection, never silent loss."""
    live = make()
    live.feed.close()
    live.open(SocketLimits(first_wait=Duration(1000), frames=50))
    live.until(live.whole)
    for count in range(200):
        live.change(size=str(count + 1))
    live.until(lambda: "not taken in time" in "".join(live.feed.problems))
    live.until(live.whole)


def credentials(secret: str = SECRET) -> ApiCredentials:
    return ApiCredentials(
        address="0x" + "11" * 20, key=API_KEY, secret=secret, passphrase=PASSPHRASE
    )


def a_trade_of_ours(status: str = "MATCHED") -> Record:
    return {
        "event_type": "trade",
        "type": "TRADE",
        "id": "trade-1",
        "taker_order_id": "0xabc",
        "market": ONE,
        "asset_id": token(2),
        "side": "BUY",
        "size": "5",
        "price": "0.46",
        "status": status,
        "owner": API_KEY,
        "maker_orders": [],
        "timestamp": "1792497600123",
    }


def test_our_own_trades_come_and_a_break_is_told() -> None:
    """Who is logged in hears of trades, that a connection began, and that one broke."""
    with FakePolymarketSocket() as socket:
        stream = user_stream(
            credentials(), SystemClock(), jitter=whole_wait, url=socket.url(USER), limits=QUICK
        )
        stream.start()
        heard: list[UserEvent] = []

        def hears(count: int) -> bool:
            heard.extend(stream.drain())
            return len(heard) == count

        try:
            _until(lambda: hears(2))
            assert all(isinstance(one, Missed) for one in heard)
            _until(lambda: any(link.everything for link in socket.links))
            assert "markets" not in socket.said[0]
            socket.tell_user(a_trade_of_ours(), a_trade_of_ours("TRADE_STATUS_CONFIRMED"))
            _until(lambda: hears(4))
            trades = [one.status.value for one in heard if isinstance(one, TradePush)]
            assert trades == ["MATCHED", "CONFIRMED"]
            socket.drop()
            _until(lambda: hears(6))
            assert [type(one) for one in heard[4:]] == [Missed, Missed]
            assert stream.connected
        finally:
            stream.close()


def test_wrong_credentials_are_told_without_telling_them() -> None:
    """Who is refused hears why; no secret is in any word of it."""
    wrong = "d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmc="
    with FakePolymarketSocket() as socket:
        stream = user_stream(
            credentials(wrong), SystemClock(), jitter=whole_wait, url=socket.url(USER), limits=QUICK
        )
        stream.start()
        try:
            _until(lambda: bool(stream.drain()) and "1008" in "".join(stream.problems))
            told = repr(stream) + "".join(stream.problems)
            assert not any(secret in told for secret in (wrong, PASSPHRASE, API_KEY))
        finally:
            stream.close()


def _until(done: Callable[[], Any]) -> None:
    clock, pause = SystemClock(), threading.Event()
    ends = clock.elapsed() + PATIENCE_S * SECOND
    while not done():
        assert clock.elapsed() < ends
        pause.wait(LOOK_S)


@pytest.mark.parametrize(
    "url", ["http://host/ws", "ws://elsewhere.example/ws/market", "wss://u@host/ws", "wss:///x"]
)
def test_only_addresses_of_streams_are_taken(url: str) -> None:
    """An address that is unsafe or none is refused at the beginning."""
    with pytest.raises(ValueError, match="not the address of a stream"):
        user_stream(credentials(), SystemClock(), jitter=whole_wait, url=url)
