"""Market data by asking again and again: catalogue, books, resolutions, and trades if wanted.

Everything is asked for when it is due and told with the moment at which its answer was there.
Where an answer fails, the markets it was about have a gap until their next book.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

import attrs

from market_bot.core.domain.market import Market, MarketStatus, TickBand
from market_bot.core.domain.numbers import NEVER, ONE_DOLLAR, SECOND, Duration, Micros, Price
from market_bot.core.domain.numbers import complement as complement_of
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.market_data import Capability, MarketData, MarketDataError, Sink

from .amounts import TICKS
from .clob import TokenBook, books
from .data_api import PublicTrade, resolutions, trades
from .discovery import Scope
from .gamma import Listing
from .lookout import FAILURES, Choice, Look, Lookout, Sight, choose, odd_words
from .rest import BOOKS_MAX, CONDITIONS_MAX, RESOLUTIONS_MAX, PolymarketRest

TRADES_PER_ANSWER: Final = 500

_SEEN_MAX: Final = 200_000
_OVERDUE_MAX: Final = 500
_WATCHED_MAX: Final = 5_000
_EVERYTHING: Final = Scope()
_PROBLEMS_MAX: Final = 1_000
_ODD_MAX: Final = 1_000
_SOON: Final = SECOND
_DOUBLINGS_MAX: Final = 8
_T = TypeVar("_T")
_Telling = Callable[[Sink], None]


@attrs.frozen(kw_only=True)
class Pace:
    """How often each thing is asked for, in microseconds; ``trades`` None: never."""

    books: Duration = Duration(2 * SECOND)
    catalogue: Duration = Duration(600 * SECOND)
    resolutions: Duration = Duration(60 * SECOND)
    trades: Duration | None = None


@attrs.define(eq=False)
class _Known:
    """What was told about one market."""

    listing: Listing
    told: Market
    status: MarketStatus
    whole: bool = False
    since: Micros = NEVER
    book_at: Micros = NEVER
    prints: bool = False
    mended: bool = False


class PolymarketPolled(MarketData):
    """The venue without a socket and without a key.

    `drain` asks for whatever is due. What came in after the moment it drains to is told by the
    next drain; whoever wants it at once calls `poll` before reading the clock.

    ``problems`` are lines for people: what could not be read, what is left out. Whoever takes them
    clears them; the oldest are lost.

    Args:
        rest: a client of its own.
        clock: `now` says when an answer was there.
        scope: which markets are looked for; read by the lookout, if none is given.
        pace: how often.
        batch: how many books per request.
        lookout: finds the markets; by default in this thread, with this client.
        choice: which of those found are watched; by default all.

    """

    def __init__(
        self,
        rest: PolymarketRest,
        clock: Clock,
        *,
        scope: Scope = _EVERYTHING,
        pace: Pace = Pace(),
        batch: int = BOOKS_MAX,
        lookout: Lookout | None = None,
        choice: Choice | None = None,
    ) -> None:
        self._rest = rest
        self._clock = clock
        self._lookout = Look(rest, clock, scope) if lookout is None else lookout
        self._choice = choice or Choice()
        self._pace = pace
        self._batch = batch
        self._due: dict[str, Duration] = {}
        self._known: dict[str, _Known] = {}
        self._by_token: dict[str, str] = {}
        self._watched: dict[str, None] = {}
        self._seen: dict[str, None] = {}
        self._queue: deque[tuple[Micros, _Telling]] = deque()
        self._received = NEVER
        self._turn = 0
        self._told = 0
        self._position = f"{NEVER}/0"
        self._failures = 0
        self._complaints: dict[str, str] = {}
        self._odd: dict[str, None] = {}
        self._crowded = (0, 0)
        self.problems: deque[str] = deque(maxlen=_PROBLEMS_MAX)
        self.trouble: Counter[str] = Counter()
        """What went wrong, by kind; only ever grows."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        claimed = {Capability.L2_POLLED}
        if self._pace.trades is not None:
            claimed.add(Capability.PRINTS)
        return frozenset(claimed)

    @property
    def listings(self) -> dict[str, Listing]:
        """The markets that were told, by condition id, as last seen."""
        return {identity: known.listing for identity, known in self._known.items()}

    def listing(self, market: str) -> Listing | None:
        """Return the latest terms of a watched market, None of any other."""
        known = self._known.get(market)
        return None if known is None else known.listing

    def drain(self, sink: Sink, until: Micros) -> str:
        self._tell(sink, until)
        if not self._queue:
            # Otherwise the reader is behind, and more would only pile up.
            self.poll()
            self._tell(sink, until)
        if self._failures and not self._known:
            msg = f"no catalogue of Polymarket to begin with: {self._complaints['catalogue']}"
            raise MarketDataError(msg)
        return self._position

    def poll(self) -> None:
        """Ask for whatever is due now; nothing is raised."""
        self._look_at_catalogue()
        for name, interval, work in (
            ("resolutions", self._pace.resolutions, self._look_for_ends),
            ("trades", self._pace.trades, self._look_at_trades),
            ("books", self._pace.books, self._look_at_books),
        ):
            if interval is None or not self._known:
                continue
            due = self._due.get(name)
            if due is None or self._clock.elapsed() >= due:
                work()
                # From the end of the work: a slow venue is not asked more often for it.
                self._due[name] = Duration(self._clock.elapsed() + interval)

    # Catalogue.

    def _look_at_catalogue(self) -> None:
        due = self._due.get("catalogue")
        if not self._lookout.busy and (due is None or self._clock.elapsed() >= due):
            self._lookout.begin(tuple(self._known), self._choice.held())
        sight = self._lookout.take()
        if sight is None:
            return
        interval = self._pace.catalogue
        if isinstance(sight, Sight):
            self._failures = 0
            self._see(sight)
        else:
            self._failed("catalogue", sight)
            soon = _SOON << min(self._failures, _DOUBLINGS_MAX)
            interval = Duration(min(interval, soon))
            self._failures += 1
        # From the end of the work: a slow venue is not asked more often for it.
        self._due["catalogue"] = Duration(self._clock.elapsed() + interval)

    def _see(self, sight: Sight) -> None:
        received, found = self._now(), sight.found
        self._recovered("catalogue")
        self.trouble.update(found.odd)
        self._tell_once((*odd_words(found), *sight.problems))
        chosen = choose(found.listings, self._choice, self._known)
        for listing in chosen.listings:
            self._list(listing, received)
        held = self._choice.held()
        for identity, listing in sight.named.items():
            if identity in held and identity not in self._known:
                self._list(listing, received)
        self._see_absent(sight, received)
        self._tell_crowded(chosen.events_left_out, chosen.markets_left_out)

    def _list(self, listing: Listing, received: Micros) -> None:
        market = listing.market
        known = self._known.get(market.id)
        if known is None:
            self._known[market.id] = _Known(listing, market, MarketStatus.OPEN, since=received)
            for token in listing.tokens:
                self._by_token[token] = market.id
            self._say(received, lambda sink: sink.meta(market, received))
            return
        if known.mended:
            # The order book is newer than the catalogue where they disagree on the tick.
            market = attrs.evolve(market, ticks=known.told.ticks, min_size=known.told.min_size)
        known.listing = listing
        if _terms(market) != _terms(known.told):
            self._say(received, lambda sink: sink.meta(market, received))
        known.told = market
        self._set_status(known, listing.status, received)

    def _see_absent(self, sight: Sight, received: Micros) -> None:
        """Follow what was told before and is not for sale any more."""
        for identity, known in self._known.items():
            other = sight.found.resting.get(identity) or sight.named.get(identity)
            if other is not None:
                self._set_status(known, other.status, received)

    def _set_status(self, known: _Known, status: MarketStatus, received: Micros) -> None:
        if status is known.status:
            return
        known.status = status
        identity = known.told.id
        self._say(received, lambda sink: sink.status(identity, status, received))
        if status is MarketStatus.CLOSED:
            self._watch(known.told.id)

    def _watch(self, identity: str) -> None:
        if len(self._watched) < _WATCHED_MAX:
            self._watched[identity] = None
        else:
            self.trouble["too_many_watched"] += 1

    # Books.

    def _look_at_books(self) -> None:
        wanted = [k for k in self._known.values() if k.status is MarketStatus.OPEN]
        for some in _batches(wanted, self._batch):
            try:
                answer = books(self._rest.books([known.listing.tokens[0] for known in some]))
            except FAILURES as e:
                self._failed("books", e)
                received = self._now()
                for known in some:
                    self._lose(known, f"asking for books failed: {e}", received)
                continue
            self._recovered("books")
            received = self._now()
            self.trouble.update(answer.dropped)
            for known in some:
                self._take_book(known, answer.by_token.get(known.listing.tokens[0]), received)

    def _take_book(self, known: _Known, book: TokenBook | None, received: Micros) -> None:
        if book is None:
            self._lose(known, "the venue gave no book for it", received)
        elif book.crossed:
            self.trouble["crossed_book"] += 1
            self._lose(known, "the venue's book is crossed", received)
        elif book.at is not None and book.at < known.book_at:
            # A cache of the venue's that is behind; the newer book stays true.
            self.trouble["book_from_the_past"] += 1
        else:
            known.book_at = book.at or known.book_at
            known.whole = True
            self._take_grid(known, book, received)
            identity = known.told.id
            self._say(
                received,
                lambda sink: sink.book(identity, book.bids, book.asks, received, book.at),
            )

    def _take_grid(self, known: _Known, book: TokenBook, received: Micros) -> None:
        """Announce a market again whose tick or minimum has changed."""
        ticks, least = known.told.ticks, known.told.min_size
        if book.tick is not None and book.tick in TICKS:
            ticks = (TickBand(Price(0), ONE_DOLLAR, book.tick),)
        if book.min_size:
            least = book.min_size
        if (ticks, least) != (known.told.ticks, known.told.min_size):
            market = attrs.evolve(known.told, ticks=ticks, min_size=least)
            known.told = market
            known.mended = True
            self._say(received, lambda sink: sink.meta(market, received))

    def _lose(self, known: _Known, reason: str, received: Micros) -> None:
        """Tell a gap once, until there is a book again."""
        if known.whole:
            known.whole = False
            identity = known.told.id
            self._say(received, lambda sink: sink.gap(identity, reason, received))

    # Ends.

    def _look_for_ends(self) -> None:
        wanted = list({**self._watched, **dict.fromkeys(self._overdue())})
        for some in _batches(wanted, RESOLUTIONS_MAX):
            try:
                found, odd = resolutions(self._rest.resolutions(some))
            except FAILURES as e:
                self._failed("resolutions", e)
                continue
            self._recovered("resolutions")
            received = self._now()
            self.trouble.update(odd)
            for identity in some:
                end = found.get(identity)
                if end is not None and end.yes_payout is not None:
                    self._end(identity, end.yes_payout, received)

    def _overdue(self) -> list[str]:
        """Return markets whose announced end is past, some at a time, taking turns."""
        now = self._clock.now()
        late = [
            identity
            for identity, known in self._known.items()
            if known.told.close_at is not None and known.told.close_at <= now
        ]
        begin = self._turn % max(1, len(late))
        self._turn = begin + _OVERDUE_MAX
        return (late[begin:] + late[:begin])[:_OVERDUE_MAX]

    def _end(self, identity: str, yes_payout: Price, received: Micros) -> None:
        known = self._known.pop(identity, None)
        self._watched.pop(identity, None)
        if known is None:
            return
        for token in known.listing.tokens:
            self._by_token.pop(token, None)
        if known.status is not MarketStatus.CLOSED:
            closed = MarketStatus.CLOSED
            self._say(received, lambda sink: sink.status(identity, closed, received))
        self._say(received, lambda sink: sink.resolution(identity, yes_payout, received))

    # Trades.

    def _look_at_trades(self) -> None:
        wanted = [i for i, k in self._known.items() if k.status is MarketStatus.OPEN]
        for some in _batches(wanted, CONDITIONS_MAX):
            try:
                found, dropped = trades(self._rest.recent_trades(some, TRADES_PER_ANSWER))
            except FAILURES as e:
                self._failed("trades", e)
                received = self._now()
                for identity in some:
                    self._lose(self._known[identity], f"asking for trades failed: {e}", received)
                continue
            self._recovered("trades")
            received = self._now()
            self.trouble.update(dropped)
            self._take_trades(some, found, received)

    def _take_trades(
        self, some: Sequence[str], found: Sequence[PublicTrade], received: Micros
    ) -> None:
        fresh = [trade for trade in found if trade.id not in self._seen]
        missed = len(found) >= TRADES_PER_ANSWER and len(fresh) == len(found)
        for known in (self._known[identity] for identity in some):
            # A full answer without one known trade: there were more than it holds.
            if missed and known.prints:
                self._lose(known, "more trades than one answer holds", received)
            known.prints = True
        for trade in reversed(fresh):
            self._seen[trade.id] = None
            self._print(trade, received)
        while len(self._seen) > _SEEN_MAX:
            del self._seen[next(iter(self._seen))]

    def _print(self, trade: PublicTrade, received: Micros) -> None:
        identity = self._by_token.get(trade.token)
        if identity is None:
            self.trouble["trade_of_unknown_token"] += 1
            return
        known = self._known[identity]
        if trade.at < known.since:
            return  # from before the market was told: history, not news
        taker, price = trade.taker, trade.price
        if trade.token != known.listing.tokens[0]:
            taker, price = taker.other, complement_of(price)
        self._say(
            received,
            lambda sink: sink.trade(identity, taker, price, trade.size, received, trade.at),
        )

    # Telling.

    def _now(self) -> Micros:
        """Return when the answer just read was there; never before an earlier one."""
        self._received = max(self._received, self._clock.now())
        return self._received

    def _say(self, received: Micros, telling: _Telling) -> None:
        self._queue.append((received, telling))

    def _tell(self, sink: Sink, until: Micros) -> None:
        queue = self._queue
        while queue and queue[0][0] <= until:
            received, telling = queue.popleft()
            telling(sink)
            self._told += 1
            self._position = f"{received}/{self._told}"

    def _failed(self, what: str, error: Exception) -> None:
        self.trouble[f"{what}_{type(error).__name__}"] += 1
        said = str(error)
        if self._complaints.get(what) != said:
            self._complaints[what] = said
            self.problems.append(f"asking for the {what} failed: {said}")

    def _recovered(self, what: str) -> None:
        self._complaints.pop(what, None)

    def _tell_once(self, lines: Iterable[str]) -> None:
        for line in lines:
            if line not in self._odd and len(self._odd) < _ODD_MAX:
                self._odd[line] = None
                self.problems.append(line)

    def _tell_crowded(self, events: int, markets: int) -> None:
        if events and (events, markets) != self._crowded:
            self.problems.append(
                f"{markets} markets of {events} events are not watched: no more than "
                f"{self._choice.markets_max} are; narrow the filters or raise the limit"
            )
        self._crowded = (events, markets)

    def close(self) -> None:
        """End all threads and connections; nothing can be asked any more."""
        self._lookout.close()
        self._rest.close()


def _terms(market: Market) -> Market:
    """Return what counts as changed: not the amounts that move all day."""
    return attrs.evolve(market, volume_24h=None, liquidity=None)


def _batches(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
