"""The venue's market data as a whole: which markets there are, and how they go as it happens.

Markets are found and ends are asked for as in `polled`; prices come from the stream. A market is
streamed from when it is told until it is closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import attrs

from market_bot.core.domain.market import MarketStatus, TickBand
from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Price,
)
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.market_data import Capability, MarketDataError, Sink

from .clob import TokenBook
from .gamma import Listing
from .lookout import Choice, Lookout, Sight
from .polled import Pace, PolymarketPolled, _Known, _Telling
from .rest import PolymarketRest
from .stream import MarketStream, StreamPace, Terms
from .stream_resync import Fetching
from .stream_shards import Shards
from .stream_socket import Frames

CAPABILITIES: Final = frozenset({Capability.L2_STREAM, Capability.PRINTS})

_ENDED: Final = frozenset({MarketStatus.CLOSED, MarketStatus.DETERMINED, MarketStatus.SETTLED})
_NUMBERS: Final = re.compile(r"\d+")
_SLUG_MAX: Final = 300
_ENDED_MAX: Final = 20_000
_LOOK_AFTER: Final = Duration(60 * SECOND)


class PolymarketFeed(PolymarketPolled, Terms):
    """Watches what there is, as it happens; owned by the venue's thread.

    Args:
        rest: a client of its own, for ends and, without a lookout, for the catalogue.
        clock: when answers are there, and for deadlines.
        frames: the sockets.
        fetching: asks for books beside the stream.
        pace: how often is polled what is not streamed; those of books and trades are not read.
        lookout: finds the markets; by default in this thread, with this client.
        choice: which of those found are watched; by default all.
        streaming: what the stream waits for.
        shards: which market is on which socket.

    ``problems`` are lines for people; whoever takes them clears them.
    """

    def __init__(
        self,
        rest: PolymarketRest,
        clock: Clock,
        frames: Frames,
        fetching: Fetching,
        *,
        pace: Pace | None = None,
        lookout: Lookout | None = None,
        choice: Choice | None = None,
        streaming: StreamPace | None = None,
        shards: Shards | None = None,
    ) -> None:
        polled = attrs.evolve(pace or Pace(), trades=None)
        super().__init__(rest, clock, pace=polled, lookout=lookout, choice=choice)
        self.stream = MarketStream(frames, fetching, self, clock, pace=streaming, shards=shards)
        self._said_now: list[_Telling] | None = None
        self._ended: dict[str, None] = {}
        self._stems: dict[str, None] = {}
        self._looked_at: Duration | None = None

    @property
    def capabilities(self) -> frozenset[Capability]:
        return CAPABILITIES

    @property
    def watched(self) -> tuple[str, ...]:
        """The markets that are watched."""
        return tuple(self._known)

    def poll(self) -> None:
        super().poll()
        self.problems.extend(self.stream.problems)
        self.stream.problems.clear()

    def drain(self, sink: Sink, until: Micros) -> str:
        self.poll()
        stream = self.stream
        while self._queue and self._queue[0][0] <= until:
            received, telling = self._queue.popleft()
            stream.take(sink, received)
            stream.now = max(stream.now, received)
            telling(sink)
            self._told += 1
        stream.take(sink, until)
        stream.want(self._wanted(), sink, stream.now)
        stream.tend(sink, until)
        self.problems.extend(stream.problems)
        stream.problems.clear()
        if self._failures and not self._known:
            msg = f"no catalogue of Polymarket to begin with: {self._complaints['catalogue']}"
            raise MarketDataError(msg)
        return f"streamed:{self._told + stream.pushed}"

    def close(self) -> None:
        self.stream.close()
        super().close()

    # What the stream says beside prices.

    def book_came(self, market: str, book: TokenBook, sink: Sink, now: Micros) -> None:
        known = self._known.get(market)
        if known is not None:
            with self._telling_now(sink):
                self._take_grid(known, book, now)

    def tick_changed(self, market: str, tick: Price, sink: Sink, now: Micros) -> None:
        known = self._known.get(market)
        ticks = (TickBand(Price(0), ONE_DOLLAR, tick),)
        if known is not None and known.told.ticks != ticks:
            known.told = attrs.evolve(known.told, ticks=ticks)
            known.mended = True
            sink.meta(known.told, now)
            self._told += 1

    def resolved(self, market: str, sink: Sink, now: Micros) -> None:
        known = self._known.get(market)
        if known is not None:
            with self._telling_now(sink):
                self._set_status(known, MarketStatus.CLOSED, now)
            self._remember_end(market)
            self._due.pop("resolutions", None)

    def created(self, slugs: Iterable[str]) -> None:
        due = self._due.get("catalogue")
        if due is None or not any(_stem(slug) in self._stems for slug in slugs if slug):
            return
        # News come in crowds, and for not each of them a walk.
        soon = Duration(max(self._clock.elapsed(), (self._looked_at or 0) + _LOOK_AFTER))
        self._due["catalogue"] = min(due, soon)

    def connected(self) -> None:
        self._due.pop("resolutions", None)

    # How polling differs.

    def _wanted(self) -> dict[str, tuple[str, str]]:
        return {
            name: known.listing.tokens
            for name, known in self._known.items()
            if known.status not in _ENDED
        }

    def _list(self, listing: Listing, received: Micros) -> None:
        name = listing.market.id
        if name in self._ended and name not in self._known:
            return  # lists of the venue are behind
        new = name not in self._known
        super()._list(listing, received)
        self._stems[_stem(listing.slug)] = None
        if new:
            self._say(received, lambda sink: self.stream.announce(name, sink, received))

    def _see_absent(self, sight: Sight, received: Micros) -> None:
        super()._see_absent(sight, received)
        self._looked_at = self._clock.elapsed()
        self._stems = {_stem(known.listing.slug): None for known in self._known.values()}

    def _set_status(self, known: _Known, status: MarketStatus, received: Micros) -> None:
        # Lists of the venue are behind: what has ended does not begin again.
        if known.told.id not in self._ended:
            super()._set_status(known, status, received)

    def _end(self, identity: str, yes_payout: Price, received: Micros) -> None:
        super()._end(identity, yes_payout, received)
        self._remember_end(identity)
        self.stream.forget(identity)

    def _remember_end(self, identity: str) -> None:
        self._ended[identity] = None
        while len(self._ended) > _ENDED_MAX:
            del self._ended[next(iter(self._ended))]

    def _look_at_books(self) -> None:
        """Ask for no books: they come."""

    def _say(self, received: Micros, telling: _Telling) -> None:
        if self._said_now is None:
            super()._say(received, telling)
        else:
            self._said_now.append(telling)

    @contextmanager
    def _telling_now(self, sink: Sink) -> Iterator[None]:
        """Tell at once what is said meanwhile: it follows from what the stream told."""
        said = self._said_now = []
        try:
            yield
        finally:
            self._said_now = None
        for telling in said:
            telling(sink)
            self._told += 1

    def _now(self) -> Micros:
        self._received = max(self._received, self._clock.now(), self.stream.now)
        return self._received


def _stem(slug: str) -> str:
    """Return what the markets of a series have in common: all but the numbers in their names."""
    return _NUMBERS.sub("#", slug[:_SLUG_MAX])
