"""The market as consumed so far: books, statuses and references of one venue, fed as a `Sink`."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import attrs

from market_bot.core.domain.book import Book, Side
from market_bot.core.domain.market import (
    UNKNOWN_TERMS,
    EventTerms,
    Leg,
    Market,
    MarketStatus,
    Resolution,
)
from market_bot.core.domain.numbers import NEVER, ONE_DOLLAR, Micros, Price, Size
from market_bot.core.ports.market_data import Deltas, Sink

# Looking a member up in its Enum is slow enough to be seen.
_BID: Final = Side.BID
_SIDES: Final = (Side.BID, Side.ASK)
_OPEN: Final = MarketStatus.OPEN
_YES: Final = Leg.YES

_PRINTS_KEPT: Final = 32
_MIDS_KEPT: Final = 120
_REFERENCES_KEPT: Final = 600
_FORGOTTEN_KEPT: Final = 1 << 14

ForgetListener = Callable[[str], None]


class Watcher(Protocol):
    """Follows one market closely: told of each of its facts *before* that changes the world.

    ``at`` is the world's clock with the fact. Facts that the world ignores are not told.
    """

    @abstractmethod
    def before(self, at: Micros) -> None:
        """Hear that something changes that has no call of its own: terms, a gap, the venue."""

    @abstractmethod
    def level(self, side: Side, price: Price, size: Size, at: Micros) -> None:
        """Hear of the new displayed size of a price."""

    @abstractmethod
    def book(self, bids: Mapping[Price, Size], asks: Mapping[Price, Size], at: Micros) -> None:
        """Hear of a whole new book."""

    @abstractmethod
    def trade(self, taker: Side, price: Price, size: Size, at: Micros) -> None:
        """Hear of a print."""

    @abstractmethod
    def status(self, status: MarketStatus, at: Micros) -> None:
        """Hear of a new status; a resolution is one too."""

    def quiet_until(self) -> Micros:
        """Return from when on time alone matters to this watcher; until then only facts do."""
        return NEVER

    def minded(self) -> Mapping[Side, Container[Price]] | None:
        """Return the prices at which changes matter to this watcher; None if all do.

        Of the others it need not be told; and while it is told of these, others around them may
        wait to be applied.
        """
        return None


class Print(NamedTuple):  # made for every trade, and a tuple in half of the time
    """A trade of somebody; ``taker`` BID means that YES was bought."""

    at: Micros
    taker: Side
    price: Price
    size: Size


class Mid(NamedTuple):  # as above
    """The midpoint of a market when it was looked at, in YES dollars."""

    at: Micros
    price: Price


@attrs.define(eq=False)
class Seen:
    """What is known of one market: right now, and a little of what was.

    ``prints`` are the latest trades, ``mids`` the midpoints at the ticks at which they had changed;
    both are cut to a fixed number, oldest first. ``watchers`` follow this market closely.
    """

    market: Market
    book: Book = attrs.field(factory=Book)
    status: MarketStatus = MarketStatus.OPEN
    last_trade: Price | None = None
    resolved: bool = False
    prints: deque[Print] = attrs.field(factory=lambda: deque(maxlen=_PRINTS_KEPT))
    mids: deque[Mid] = attrs.field(factory=lambda: deque(maxlen=_MIDS_KEPT))
    watchers: tuple[Watcher, ...] = ()
    _told_prints: tuple[Print, ...] = attrs.field(default=(), init=False)
    _told_mids: tuple[Mid, ...] = attrs.field(default=(), init=False)

    def latest_prints(self) -> tuple[Print, ...]:
        """Return the latest trades, oldest first; the same tuple until there is a new one."""
        kept, told = self.prints, self._told_prints
        if not kept or not told or told[-1] is not kept[-1] or len(told) != len(kept):
            told = self._told_prints = tuple(kept)
        return told

    def latest_mids(self) -> tuple[Mid, ...]:
        """Return the latest midpoints, oldest first; the same tuple until there is a new one."""
        kept, told = self.mids, self._told_mids
        if not kept or not told or told[-1] is not kept[-1] or len(told) != len(kept):
            told = self._told_mids = tuple(kept)
        return told

    def look(self, at: Micros) -> None:
        """Remember the midpoint if it is not the one remembered last."""
        bid, ask, mids = self.book.best_bid, self.book.best_ask, self.mids
        if bid is None or ask is None:
            return
        middle = (bid + ask) // 2  # as `Book.mid`, without the call
        if not mids or mids[-1].price != middle:
            mids.append(Mid(at, Price(middle)))


@attrs.define(eq=False)
class Reference:
    """An outside price and its latest changes, as (time, decimal text), oldest first."""

    value: str
    history: deque[tuple[Micros, str]] = attrs.field(factory=lambda: deque(maxlen=_REFERENCES_KEPT))


@attrs.define(eq=False)
class Seat:
    """What one of several lanes has not taken yet of what happened in a world they share.

    ``touched`` are the events to look at, in order; ``resolutions`` those not yet taken;
    ``hidden`` the events this lane let go of while another one still looks at them.
    """

    world: World
    touched: dict[str, None] = attrs.field(factory=dict, init=False)
    resolutions: list[Resolution] = attrs.field(factory=list, init=False)
    hidden: dict[str, None] = attrs.field(factory=dict, init=False)

    def catch_up(self) -> None:
        """Learn what happened since the last time."""
        self.world.tell_seats()

    def hear(self, touched: Mapping[str, None], resolutions: Sequence[Resolution]) -> None:
        """Take what happened, but for what was let go of."""
        hidden = self.hidden
        if not hidden:
            self.touched.update(touched)
        else:
            self.touched.update((event, None) for event in touched if event not in hidden)
        self.resolutions.extend(resolutions)

    def forget(self, event: str) -> None:
        """Let go of an event and all its markets; see `World.forget`."""
        self.touched.pop(event, None)
        self.hidden[event] = None
        self.world.release(event)


@attrs.define(eq=False)
class World(Sink):
    """Books of every market of a venue; mutable, owned by the venue's thread.

    Several lanes may look at one world, each from a `Seat`. ``touched`` are the events something
    happened to since the seats were last told, in order; ``resolutions`` likewise; ``ignored``
    counts facts about books that are not whole, markets that were never announced, and those of
    the latest 16,384 forgotten markets; ``moved`` are the markets that came from another event.
    """

    seen: dict[str, Seen] = attrs.field(factory=dict)
    events: dict[str, list[str]] = attrs.field(factory=dict)
    references: dict[str, Reference] = attrs.field(factory=dict)
    touched: dict[str, None] = attrs.field(factory=dict)
    resolutions: list[Resolution] = attrs.field(factory=list)
    venue_status: MarketStatus = MarketStatus.OPEN
    facts: int = 0
    ignored: int = 0
    gaps: int = 0
    now: Micros = NEVER
    moved: dict[str, None] = attrs.field(factory=dict)
    on_forget: list[ForgetListener] = attrs.field(factory=list)
    _seats: list[Seat] = attrs.field(factory=list, init=False)
    _terms: dict[str, EventTerms] = attrs.field(factory=dict, init=False)
    _forgotten: dict[str, None] = attrs.field(factory=dict, init=False)
    _gone: int = attrs.field(default=0, init=False)
    _gone_unknown_close: int = attrs.field(default=0, init=False)

    @property
    def announced(self) -> int:
        """How many markets were announced so far, the forgotten ones included."""
        return self._gone + len(self.seen)

    @property
    def unknown_close(self) -> int:
        """Of how many of them nobody told when they end."""
        return self._gone_unknown_close + sum(
            known.market.close_at is None for known in self.seen.values()
        )

    def meta(self, market: Market, received: Micros) -> None:
        self._count(received)
        if market.id in self._forgotten:
            self.ignored += 1
            return
        self._terms.clear()
        known = self.seen.get(market.id)
        if known is None:
            self.seen[market.id] = Seen(market)
            self.events.setdefault(market.event, []).append(market.id)
        else:
            self._announce(known)
            if known.market.event != market.event:
                self._leave(known.market)
                self.events.setdefault(market.event, []).append(market.id)
                self.moved[market.id] = None
            known.market = market
        self.touched[market.event] = None

    def book(
        self,
        market: str,
        bids: Mapping[Price, Size],
        asks: Mapping[Price, Size],
        received: Micros,
        exchange: Micros | None,  # noqa: ARG002 - books are ordered by arrival
    ) -> None:
        self.facts += 1
        if received > self.now:  # noqa: PLR1730 - as in `delta`
            self.now = received
        known = self.seen.get(market)
        if known is None:
            self.ignored += 1
            return
        for watcher in known.watchers:
            watcher.book(bids, asks, self.now)
        known.book.replace(bids, asks, received)
        self.touched[known.market.event] = None

    def delta(
        self,
        market: str,
        side: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,  # noqa: ARG002 - as above
    ) -> None:
        # The hot path: counted inline, no helper calls but the book's own.
        self.facts += 1
        if received > self.now:  # noqa: PLR1730 - max() is a call, and this runs for every fact
            self.now = received
        known = self.seen.get(market)
        if known is None or not (book := known.book).whole:
            self.ignored += 1
            return
        if known.watchers:
            for watcher in known.watchers:
                watcher.level(side, price, size, self.now)
        if side is _BID:
            book.set_bid(price, size, received)
        else:
            book.set_ask(price, size, received)
        self.touched[known.market.event] = None

    def deltas(self, changes: Deltas, first: int, last: int) -> None:
        if first >= last:
            return
        # Between two looks at a book only the last size of a level counts, unless somebody watches.
        changed = dict(zip(changes.levels[first:last], changes.sizes[first:last], strict=True))
        books = changes.books
        found = self._known(changes.markets, dict.fromkeys(map(books.__getitem__, changed)))
        if found is None:
            Sink.deltas(self, changes, first, last)
            return
        newest = changes.newest(first, last)
        watched = {book: seen.watchers for book, seen in found.items() if seen.watchers}
        if watched:
            told = _told(watched, changes, changed, max(newest, self.now))
            if told is None:
                Sink.deltas(self, changes, first, last)
                return
            if told:
                self._tell(watched, told, changes, range(first, last))
        prices = changes.prices
        setters = {
            book: seen.book.set_ask if book & 1 else seen.book.set_bid
            for book, seen in found.items()
        }
        at = changes.received[last - 1]
        for level, size in changed.items():
            setters[books[level]](prices[level], size, at)
        for seen in found.values():
            self.touched[seen.market.event] = None
        if len(found) > 1:
            _note_changes(found, changes, first, last)
        self.facts += last - first
        self.now = max(self.now, newest)

    def _tell(
        self,
        watched: Mapping[int, Sequence[Watcher]],
        told: set[int],
        changes: Deltas,
        places: range,
    ) -> None:
        """Tell watchers of the changes of a few levels, at the clock's time at each of them."""
        levels, clock, heard = changes.levels, self.now, places.start
        for place in [place for place in places if levels[place] in told]:
            clock = max(clock, changes.newest(heard, place + 1))
            heard = place + 1
            book = changes.books[levels[place]]
            side, price = _SIDES[book & 1], changes.prices[levels[place]]
            for watcher in watched[book]:
                watcher.level(side, price, changes.sizes[place], clock)

    def trade(
        self,
        market: str,
        taker: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,  # noqa: ARG002 - as above
    ) -> None:
        self.facts += 1
        if received > self.now:  # noqa: PLR1730 - as in `delta`
            self.now = received
        known = self.seen.get(market)
        if known is None:
            self.ignored += 1
            return
        for watcher in known.watchers:
            watcher.trade(taker, price, size, self.now)
        known.last_trade = price
        known.prints.append(Print(received, taker, price, size))
        self.touched[known.market.event] = None

    def reference(
        self,
        name: str,
        value: str,
        received: Micros,
        exchange: Micros | None,  # noqa: ARG002 - as above
    ) -> None:
        self._count(received)
        known = self.references.get(name)
        if known is None:
            known = self.references[name] = Reference(value)
        known.value = value
        known.history.append((received, value))

    def status(self, market: str, status: MarketStatus, received: Micros) -> None:
        self._count(received)
        if not market:
            for seen in self.seen.values():
                self._announce(seen)
            self.venue_status = status
            return
        known = self.seen.get(market)
        if known is None:
            self.ignored += 1
            return
        if known.resolved:
            return
        for watcher in known.watchers:
            watcher.status(status, self.now)
        known.status = status
        self.touched[known.market.event] = None

    def resolution(self, market: str, yes_payout: Price, received: Micros) -> None:
        self._count(received)
        known = self.seen.get(market)
        if known is None or not 0 <= yes_payout <= ONE_DOLLAR:
            self.ignored += 1
            return
        if known.resolved:
            return
        for watcher in known.watchers:
            watcher.status(MarketStatus.SETTLED, self.now)
        # A status alone, also "settled", does not say who won.
        known.resolved, known.status = True, MarketStatus.SETTLED
        self.resolutions.append(Resolution(market, yes_payout))
        self.touched[known.market.event] = None

    def gap(self, market: str, reason: str, received: Micros) -> None:  # noqa: ARG002 - for people
        self._count(received)
        self.gaps += 1
        self.ignored += market in self._forgotten
        named = [self.seen[market]] if market in self.seen else []
        for known in named if market else self.seen.values():
            self._announce(known)
            known.book.lose()
            self.touched[known.market.event] = None

    def watch(self, seen: Seen, watcher: Watcher) -> None:
        """Tell somebody of every fact of a market from now on, before it changes anything."""
        if not any(known is watcher for known in seen.watchers):
            seen.watchers = (*seen.watchers, watcher)

    def unwatch(self, seen: Seen, watcher: Watcher) -> None:
        """Tell somebody no more; who was not told has nothing to fear."""
        seen.watchers = tuple(known for known in seen.watchers if known is not watcher)

    @property
    def seats(self) -> Sequence[Seat]:
        """Who looks at this world, in the order of their coming."""
        return self._seats

    def join(self) -> Seat:
        """Return a place from which one more lane looks at this world from now on."""
        seat = Seat(self)
        self._seats.append(seat)
        return seat

    def leave(self, seat: Seat) -> None:
        """Let go of a place; events that only it still looked at are forgotten."""
        self._seats = [known for known in self._seats if known is not seat]
        if self._seats:
            for event in list(self._seats[0].hidden):
                self.release(event)

    def tell_seats(self) -> None:
        """Hand on to every seat what happened since it was last told."""
        if not self.touched and not self.resolutions:
            return
        touched, self.touched = self.touched, {}
        news, self.resolutions = self.resolutions, []
        for seat in self._seats:
            seat.hear(touched, news)

    def release(self, event: str) -> None:
        """Forget an event once no seat looks at it any more."""
        if all(event in seat.hidden for seat in self._seats):
            self.forget(event)
            for seat in self._seats:
                seat.hidden.pop(event, None)

    def over(self, event: str) -> bool:
        """Tell whether an event is known and all of its markets are resolved."""
        names = self.events.get(event, ())
        return bool(names) and all(self.seen[name].resolved for name in names)

    def forget(self, event: str) -> None:
        """Let go of an event and all its markets; what is told of them later is ignored.

        An event goes as a whole: a part of it would look like all of it to whoever asks how its
        markets end together.
        """
        for name in self.events.pop(event, ()):
            market = self.seen.pop(name).market
            self.moved.pop(name, None)
            self._gone += 1
            self._gone_unknown_close += market.close_at is None
            self._forgotten[name] = None
            for listen in self.on_forget:
                listen(name)
        self.touched.pop(event, None)
        self._terms.pop(event, None)
        while len(self._forgotten) > _FORGOTTEN_KEPT:
            del self._forgotten[next(iter(self._forgotten))]

    def event_of(self, market: str) -> str | None:
        """Return the event of a market that was announced and not forgotten, else None."""
        known = self.seen.get(market)
        return None if known is None else known.market.event

    def tradable(self, market: str) -> bool:
        """Tell whether orders in a market make sense now: open venue and market, sound book."""
        known = self.seen.get(market)
        return known is not None and self.trades(known)

    def trades(self, known: Seen) -> bool:
        """Tell the same of a market at hand."""
        if self.venue_status is not _OPEN or known.status is not _OPEN or not known.book.whole:
            return False
        bid, ask = known.book.best_bid, known.book.best_ask
        return bid is None or ask is None or bid < ask

    def terms(self, event: str) -> EventTerms:
        """Return how the markets of an event end together, as far as all of them say so."""
        known = self._terms.get(event)
        if known is None:
            markets = [self.seen[name].market for name in self.events.get(event, ())]
            if not markets:
                return UNKNOWN_TERMS
            known = self._terms[event] = EventTerms(
                markets=frozenset(market.id for market in markets),
                at_most_one=all(market.at_most_one for market in markets),
                exhaustive=all(market.exhaustive for market in markets),
            )
        return known

    def sell_price(self, market: str, leg: Leg) -> Price | None:
        """Return what one contract of a leg fetches now, or None without a buyer."""
        known = self.seen.get(market)
        if known is None:
            return None
        # Asked for every position again and again: as `Book.sell_price`, without the call.
        if leg is _YES:
            return known.book.best_bid
        ask = known.book.best_ask
        return None if ask is None else Price(ONE_DOLLAR - ask)

    def _known(self, markets: Sequence[str], books: Iterable[int]) -> Mapping[int, Seen] | None:
        """Return whose books these are, or None if changes of them have to be taken one by one."""
        if type(self).delta is not World.delta:
            return None  # A world of another kind has its own idea of a change.
        found = {}
        for book in books:
            seen = self.seen.get(markets[book >> 1])
            if seen is None or not seen.book.whole:
                return None
            found[book] = seen
        return found

    def _announce(self, known: Seen) -> None:
        for watcher in known.watchers:
            watcher.before(self.now)

    def _leave(self, market: Market) -> None:
        self.events[market.event].remove(market.id)
        if not self.events[market.event]:
            del self.events[market.event]

    def _count(self, received: Micros) -> None:
        self.facts += 1
        self.now = max(self.now, received)


def _told(
    watched: Mapping[int, Sequence[Watcher]],
    changes: Deltas,
    changed: Iterable[int],
    until: Micros,
) -> set[int] | None:
    """Return the levels of which watchers want to be told, or None if they want every change."""
    books, prices = changes.books, changes.prices
    told: set[int] = set()
    for book, watchers in watched.items():
        for watcher in watchers:
            if watcher.quiet_until() <= until or (minded := watcher.minded()) is None:
                return None
            here = minded[_SIDES[book & 1]]
            told.update([n for n in changed if books[n] == book and prices[n] in here])
    return told


def _note_changes(found: Mapping[int, Seen], changes: Deltas, first: int, last: int) -> None:
    """Note of each book when it changed last."""
    left = {id(seen): seen.book for seen in found.values()}
    place = last
    while left and place > first:
        place -= 1
        book = left.pop(id(found[changes.books[changes.levels[place]]]), None)
        if book is not None:
            book.changed_at = changes.received[place]
