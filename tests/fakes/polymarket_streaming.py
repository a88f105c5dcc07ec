"""Polymarket's stream without a socket: frames given by hand, or by a small model of the venue."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from market_bot.adapters.polymarket.feed import PolymarketFeed
from market_bot.adapters.polymarket.lookout import Choice
from market_bot.adapters.polymarket.polled import Pace
from market_bot.adapters.polymarket.rest import PolymarketRest
from market_bot.adapters.polymarket.stream import StreamPace
from market_bot.adapters.polymarket.stream_resync import Fetch
from market_bot.adapters.polymarket.stream_shards import Shards
from market_bot.adapters.polymarket.stream_socket import Arrival, Closed, Frames, Greeting, Opened
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from tests.fakes.fact_sink import FactSink
from tests.fakes.fake_polymarket import DirectTransport, FakePolymarket
from tests.fakes.fake_polymarket_clock import SteppingClock
from tests.fakes.fake_polymarket_records import (
    Record,
    a_book,
    a_market,
    an_event,
    changed,
    condition,
    token,
)

BID, ASK = "BUY", "SELL"
MILLISECOND = Duration(1_000)


def as_frame(message: object) -> bytes:
    """Return a message, or a list of them, as it comes."""
    return json.dumps(message, separators=(",", ":")).encode()


def yes(number: int = 1) -> str:
    """Return the token of YES of a market."""
    return token(2 * number)


def no(number: int = 1) -> str:
    """Return the token of NO of a market."""
    return token(2 * number + 1)


def a_change(
    number: int = 1,
    side: str = BID,
    at: str = "0.45",
    size: str = "10",
    touch: tuple[str, str] = ("0.45", "0.46"),
) -> list[Record]:
    """Return a change as it is told: for YES, and mirrored for NO."""
    mirrored = {BID: ASK, ASK: BID}[side]
    return [
        _level(yes(number), side, at, size, touch),
        _level(no(number), mirrored, _mirror(at), size, (_mirror(touch[1]), _mirror(touch[0]))),
    ]


def _level(asset: str, side: str, at: str, size: str, touch: tuple[str, str]) -> Record:
    return {
        "asset_id": asset,
        "price": at,
        "size": size,
        "side": side,
        "hash": "ab" * 20,
        "best_bid": touch[0],
        "best_ask": touch[1],
    }


def _mirror(text: str) -> str:
    return str(1 - Decimal(text))


class HandFrames(Frames):
    """Gives what it is given; keeps commands and drops, by socket."""

    def __init__(self, clock: SteppingClock) -> None:
        self.clock = clock
        self.queue: deque[Arrival] = deque()
        self.commands: list[tuple[int, Record]] = []
        self.dropped: list[tuple[int, str]] = []
        self.greetings: dict[int, Callable[[], Greeting]] = {}
        self.connections: dict[int, int] = {}
        self.shut_down: list[int] = []
        self.closed = False

    def open(self, socket: int, greeting: Callable[[], Greeting]) -> None:
        self.greetings[socket] = greeting

    def shut(self, socket: int) -> None:
        del self.greetings[socket]
        self.shut_down.append(socket)

    def take(self, until: Micros) -> Iterator[Arrival]:
        while self.queue and self.queue[0][0] <= until:
            yield self.queue.popleft()

    def send(self, socket: int, connection: int, command: bytes) -> None:
        if connection == self.connections.get(socket):
            told = json.loads(command)
            self.commands.append((socket, told))
            self.obey(socket, told)

    def drop(self, socket: int, connection: int, reason: str) -> None:
        self.dropped.append((socket, reason))
        if connection == self.connections.get(socket):
            self.lose(socket, reason)

    def close(self) -> None:
        self.closed = True

    def obey(self, socket: int, command: Record) -> None:
        """Do what a command says; by hand, nothing."""

    def connect(self, socket: int = 1) -> Greeting:
        """Let a connection stand, and return what it said."""
        self.connections[socket] = self.connections.get(socket, 0) + 1
        greeting = self.greetings[socket]()
        self._put(socket, Opened(self.connections[socket], greeting.tokens))
        return greeting

    def lose(self, socket: int = 1, reason: str = "the connection broke") -> None:
        """Let the connection break."""
        self._put(socket, Closed(self.connections[socket], reason))

    def give(self, *messages: object, socket: int = 1) -> None:
        """Let messages come, now; bytes as they are, all else as JSON."""
        for message in messages:
            self._put(socket, message if isinstance(message, bytes) else as_frame(message))

    def said(self, operation: str) -> list[list[str]]:
        """Return the tokens of every command of a kind."""
        return [one["assets_ids"] for _, one in self.commands if one["operation"] == operation]

    def _put(self, socket: int, what: bytes | Opened | Closed) -> None:
        self.queue.append((self.clock.now(), socket, what))


class Streaming:
    """A feed on a venue of some markets, fed by hand, and what it told."""

    def __init__(
        self,
        markets: int = 1,
        *,
        frames: Callable[[SteppingClock], HandFrames] = HandFrames,
        streaming: StreamPace | None = None,
        shards: Shards | None = None,
        choice: Choice | None = None,
    ) -> None:
        self.clock = SteppingClock()
        self.venue = FakePolymarket()
        self.venue.events = [an_event([a_market(n) for n in range(1, markets + 1)])]
        self.frames = frames(self.clock)
        self.sink = FactSink()
        self.feed = PolymarketFeed(
            self.client(),
            self.clock,
            self.frames,
            Fetch(self.client(), self.clock),
            pace=Pace(catalogue=Duration(600 * SECOND), resolutions=Duration(60 * SECOND)),
            streaming=streaming,
            shards=shards,
            choice=choice,
        )

    def client(self) -> PolymarketRest:
        """Return a client of the venue; every answer takes a millisecond."""
        carrier = DirectTransport(self.venue, self.clock, MILLISECOND)
        return PolymarketRest(carrier, self.clock, self.clock.wait)

    def now(self) -> list[tuple[object, ...]]:
        """Drain twice, since answers come after the moment; return the new facts."""
        before = len(self.sink.facts)
        for _ in range(2):
            self.feed.drain(self.sink, self.clock.now())
        return [(fact[0], *fact[2:]) for fact in self.sink.facts[before:]]

    def after(self, seconds: float = 1) -> list[tuple[object, ...]]:
        """Let time pass, drain and return the new facts."""
        self.clock.advance(Duration(int(seconds * SECOND)))
        return self.now()

    def begin(self) -> None:
        """Find the markets, connect every socket and tell every book."""
        self.now()
        for socket in list(self.frames.greetings):
            tokens = self.frames.connect(socket).tokens
            books = [self.book(n) for n in range(1, len(self.feed.watched) + 1)]
            told = [one for one in books if one["asset_id"] in tokens]
            self.frames.give(told, socket=socket)
        self.now()

    def book(self, number: int = 1, **changes: Any) -> Record:
        """Return a book of now as the stream tells it."""
        stamp = {"timestamp": self.stamp(), "event_type": "book", "min_order_size": None}
        return changed(a_book(number), {**stamp, **changes})

    def stamp(self) -> str:
        """Return now in the venue's form."""
        return str(self.clock.now() // 1000)

    def changes(self, *levels: Record, **more: Any) -> Record:
        """Return a frame of changes of now."""
        record: Record = {
            "event_type": "price_change",
            "market": condition(1),
            "price_changes": list(levels),
            "timestamp": self.stamp(),
        }
        return changed(record, more)

    def at_venue(self, number: int = 1, **changes: Any) -> None:
        """Let REST answer with a book of now."""
        book = a_book(number, **{"timestamp": self.stamp(), **changes})
        self.venue.books[book["asset_id"]] = book

    def whole(self, number: int = 1) -> bool:
        """Tell whether whoever listens may believe the book of a market."""
        book = self.sink.books.get(condition(number))
        return book is not None and book.whole


class VenueFrames(HandFrames):
    """A small model of the venue: true books, told with the losses that are asked for.

    Prices are in cents and sizes in shares. ``lossy`` loses the next so many changes.
    """

    def __init__(self, clock: SteppingClock) -> None:
        super().__init__(clock)
        self.venue: FakePolymarket | None = None
        self.truth: dict[int, dict[tuple[str, int], int]] = {}
        self.changed_at: dict[int, str] = {}
        self.ticks: dict[int, str] = {}
        self.subscribed: dict[int, set[str]] = {}
        self.lossy = 0
        self.lost = 0

    def set_up(self, venue: FakePolymarket, markets: int) -> None:
        """Begin with an empty book for every market."""
        self.venue = venue
        for number in range(1, markets + 1):
            self.truth[number], self.ticks[number] = {}, "0.01"
            self._moved(number)

    def connect(self, socket: int = 1) -> Greeting:
        greeting = super().connect(socket)
        self.subscribed[socket] = set()
        self._subscribe(socket, greeting.tokens)
        return greeting

    def lose(self, socket: int = 1, reason: str = "the connection broke") -> None:
        super().lose(socket, reason)
        self.connect(socket)

    def obey(self, socket: int, command: Record) -> None:
        if command["operation"] == "unsubscribe":
            self.subscribed[socket].difference_update(command["assets_ids"])
        else:
            self._subscribe(socket, command["assets_ids"])

    def change(self, number: int, side: str, cents: int, shares: int) -> None:
        """Set a level, unless that would cross the book."""
        truth = self.truth[number]
        bid, ask = self.touch(number)
        if shares and (cents >= ask if side == BID else cents <= bid):
            return
        truth[side, cents] = shares
        if not shares:
            del truth[side, cents]
        self._moved(number)
        told = [_cents(cents), str(shares), tuple(_cents(one) for one in self.touch(number))]
        levels = a_change(number, side, *told)  # type: ignore[arg-type] # three texts, as it wants
        message = {
            "event_type": "price_change",
            "market": condition(number),
            "price_changes": levels,
            "timestamp": str(self.clock.now() // 1000),
        }
        if self.lossy:
            self.lossy -= 1
            self.lost += 1
            return
        self._tell(number, message)

    def new_tick(self, number: int, tick: str) -> None:
        """Let prices move in other steps."""
        if tick != self.ticks[number]:
            self.ticks[number] = tick
            self._moved(number)
            said = {"event_type": "tick_size_change", "new_tick_size": tick}
            for asset in (yes(number), no(number)):
                self._tell(number, {**said, "asset_id": asset})

    def touch(self, number: int) -> tuple[int, int]:
        """Return the best prices in cents; 0 and 100 where nobody is."""
        truth = self.truth[number]
        bids = [cents for side, cents in truth if side == BID]
        return max(bids, default=0), min((c for s, c in truth if s == ASK), default=100)

    def levels(self, number: int) -> tuple[dict[int, int], dict[int, int]]:
        """Return bids and asks in the core's units."""
        sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for (side, cents), shares in self.truth[number].items():
            sides[side == ASK][cents * 10_000] = shares * 1_000_000
        return sides

    def picture(self, number: int) -> Record:
        """Return the true book."""
        sides: list[dict[str, str]] = [{}, {}]
        for (side, cents), shares in self.truth[number].items():
            sides[side == ASK][_cents(cents)] = str(shares)
        stamp = self.changed_at[number]
        return a_book(number, *sides, timestamp=stamp, tick_size=self.ticks[number])

    def _moved(self, number: int) -> None:
        assert self.venue is not None
        self.changed_at[number] = str(self.clock.now() // 1000)
        self.venue.books[yes(number)] = self.picture(number)

    def _tell(self, number: int, message: Record) -> None:
        for socket, tokens in self.subscribed.items():
            if yes(number) in tokens:
                self.give(message, socket=socket)

    def _subscribe(self, socket: int, tokens: Iterable[str]) -> None:
        new = [one for one in tokens if one not in self.subscribed[socket]]
        self.subscribed[socket] |= set(new)
        numbers = [number for number in self.truth if yes(number) in new]
        self.give([{**self.picture(n), "event_type": "book"} for n in numbers], socket=socket)


def _cents(cents: int) -> str:
    return str(Decimal(cents) / 100)
