"""Kalshi's market data without a key: books, trades and statuses asked for again and again.

What is polled is a series of whole books with nothing known between them, and the trades that
happened, later than they did. That is what it claims. A poll that fails is a gap: the book that was
there before it is not the book that is there now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from market_bot.core.domain.market import Market, MarketStatus
from market_bot.core.domain.numbers import SECOND, Duration, Micros, Price
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.market_data import Capability, MarketData, Sink

from .errors import KalshiError, plain
from .paging import walk
from .parse_books import BookSides, BooksPage, parse_orderbooks
from .parse_exchange import ExchangeStatus, parse_exchange_status
from .parse_markets import Listing, MarketsPage, parse_markets
from .parse_trades import VenueTrade, parse_trades
from .rest import KalshiRest
from .transport import Params

MARKETS_MAX: Final = 1000
CAPABILITIES: Final = frozenset({Capability.L2_POLLED, Capability.PRINTS})

_AT_ONCE: Final = 100
_TRADES_PER_PAGE: Final = 1000
_TRADE_PAGES_MAX: Final = 5
# The venue filters by whole seconds, and a trade may be listed a little after its time.
_TRADES_OVERLAP: Final = Duration(5 * SECOND)
# So many looks at the statuses may fail before no market is taken to be open any more.
_PATIENCE: Final = 4
_FACTS_MAX: Final = 200_000
_CLOSED: Final = frozenset({503, 504})

_Push = Callable[[Sink, Micros], None]


@attrs.frozen(kw_only=True)
class Pace:
    """How often what is asked for, and how much of it at once.

    Args:
        books: between two looks at all books.
        statuses: between two looks at the markets' statuses; the venue caches them for 15 s.
        exchange: between two looks at the exchange.
        trade_requests: for how many markets trades are asked for after each look at the books.

    """

    books: Duration = Duration(SECOND)
    statuses: Duration = Duration(15 * SECOND)
    exchange: Duration = Duration(10 * SECOND)
    trade_requests: int = 1


@attrs.define(eq=False)
class _Watched:
    """A market we look at: what was told about it, and which of its trades."""

    listing: Listing
    begins: Micros
    since: Micros
    asked: Micros
    heard: Micros
    book: BookSides | None = None
    lost: bool = False
    busy: bool = False
    status: MarketStatus | None = None
    resolved: bool = False
    ids: dict[str, Micros] = attrs.field(factory=dict)
    unreadable: dict[str, None] = attrs.field(factory=dict)


class KalshiPolled(MarketData):
    """Polls a set of markets; owned by the venue's thread, together with its client.

    `watch` says which markets. `drain` polls what is due and pushes everything received up to its
    time; what arrives during a drain is later than its time and comes with the next one, so
    whoever has the choice calls `poll` first and reads the clock afterwards.

    Args:
        rest: reads public data.
        clock: when facts are received and polls are due.
        pace: how often.

    """

    def __init__(self, rest: KalshiRest, clock: Clock, *, pace: Pace | None = None) -> None:
        self._rest = rest
        self._clock = clock
        self._pace = pace or Pace()
        self._watched: dict[str, _Watched] = {}
        self._waiting: deque[tuple[Micros, _Push]] = deque()
        self._now = Micros(0)
        self._pushed = 0
        self._exchange: ExchangeStatus | None = None
        self._due = {"books": Micros(0), "statuses": Micros(0), "exchange": Micros(0)}
        self.problems: deque[str] = deque(maxlen=_AT_ONCE)

    @property
    def capabilities(self) -> frozenset[Capability]:
        return CAPABILITIES

    @property
    def watched(self) -> tuple[str, ...]:
        """The markets that are looked at."""
        return tuple(self._watched)

    def listing(self, market: str) -> Listing | None:
        """Return the latest terms of a watched market, None of any other."""
        known = self._watched.get(market)
        return None if known is None else known.listing

    def watch(self, listings: Iterable[Listing]) -> None:
        """Look at these markets from now on, with these terms; others as before.

        Markets of one event belong together: what they claim about ending together is true of
        those that were found with them.

        Raises:
            ValueError: at more than `MARKETS_MAX` markets.

        """
        now = self._clock.now()
        for listing in listings:
            name = listing.market.id
            known = self._watched.get(name)
            if known is None:
                if len(self._watched) >= MARKETS_MAX:
                    msg = f"more than {MARKETS_MAX} markets cannot be polled; narrow the filters"
                    raise ValueError(msg)
                known = self._watched[name] = _Watched(listing, now, now, now, now)
                self._tell(_meta(listing.market))
            elif known.listing.market != listing.market:
                self._tell(_meta(listing.market))
            known.listing, known.heard = listing, now
            self._judge(known, listing)

    def drop(self, markets: Iterable[str]) -> None:
        """Look at these markets no more; an event that is dropped in part says too much of itself.

        What its other markets claim about ending together was told of all of them.
        """
        for name in markets:
            self._watched.pop(name, None)

    def drain(self, sink: Sink, until: Micros) -> str:
        self.poll()
        while self._waiting and self._waiting[0][0] <= until:
            received, push = self._waiting.popleft()
            push(sink, received)
            self._pushed += 1
        return f"polled:{self._pushed}"

    def poll(self) -> None:
        """Ask for what is due now; nothing is raised, failures become gaps and problems."""
        if not self._watched or self._is_full():
            return
        if self._is_due("exchange", self._pace.exchange):
            self._poll_exchange()
        if self._is_due("statuses", self._pace.statuses):
            for batch in _batches(self._open()):
                self._poll_statuses(batch)
        if self._is_due("books", self._pace.books):
            for batch in _batches(self._open()):
                self._poll_books(batch)
            for known in self._next_trades():
                self._poll_trades(known)
        for known in self._watched.values():
            self._tell_status(known)

    def _is_due(self, what: str, every: Duration) -> bool:
        now = self._clock.now()
        if now < self._due[what]:
            return False
        self._due[what] = Micros(now + every)
        return True

    def _open(self) -> list[_Watched]:
        return [known for known in self._watched.values() if not known.resolved]

    def _poll_exchange(self) -> None:
        """Learn whether the exchange is open; while it does not tell, nothing is."""
        try:
            self._exchange = self._rest.read(
                "/exchange/status", parse_exchange_status, accept=_CLOSED
            )
        except KalshiError as e:
            self._exchange = None
            self._note(f"exchange status: {e}")

    def _poll_statuses(self, batch: Sequence[_Watched]) -> None:
        wanted = {known.listing.market.id: known for known in batch}
        params = [("tickers", ",".join(wanted)), ("limit", str(_TRADES_PER_PAGE))]
        try:
            page = self._rest.read("/markets", parse_markets, params=params)
        except KalshiError as e:
            self._note(f"statuses: {e}")
            return
        self._match(wanted, page)
        if wanted:
            self._poll_archive(wanted)

    def _poll_archive(self, wanted: dict[str, _Watched]) -> None:
        """Look for markets that left the list among those settled long ago."""
        params = [("tickers", ",".join(wanted)), ("limit", str(_TRADES_PER_PAGE))]
        try:
            page = self._rest.read("/historical/markets", parse_markets, params=params)
        except KalshiError as e:
            self._note(f"archive: {e}")
        else:
            self._match(wanted, page)
        for known in wanted.values():
            self._refuse(known, "is in none of the venue's lists")

    def _match(self, wanted: dict[str, _Watched], page: MarketsPage) -> None:
        """Take what a list tells of the markets asked for, and strike them off."""
        for listing in page.listings:
            known = wanted.pop(listing.market.id, None)
            if known is not None:
                self._learn(known, listing)
        for refused in page.refused:
            known = wanted.pop(refused.ticker, None)
            if known is not None:
                self._refuse(known, f"{refused.reason.value} {refused.details}")

    def _learn(self, known: _Watched, listing: Listing) -> None:
        """Take what may change in a market's life; event, family and fees are not told here."""
        market = attrs.evolve(
            known.listing.market,
            ticks=listing.market.ticks,
            min_size=listing.market.min_size,
            size_step=listing.market.size_step,
            open_at=listing.market.open_at,
            close_at=listing.market.close_at,
        )
        changed = market != known.listing.market
        known.listing, known.heard = attrs.evolve(listing, market=market), self._clock.now()
        if changed:
            self._tell(_meta(market))
        self._judge(known, listing)

    def _judge(self, known: _Watched, listing: Listing) -> None:
        self._tell_status(known)
        for problem in listing.problems:
            self._note(f"{listing.market.id}: {problem}")
        final = listing.status is MarketStatus.SETTLED
        if final and listing.yes_payout is not None and not known.resolved:
            known.resolved = True
            self._tell(_resolution(listing.market.id, listing.yes_payout))

    def _refuse(self, known: _Watched, why: str) -> None:
        """Stop trading a market that has become one we do not trade."""
        known.listing = attrs.evolve(known.listing, status=None)
        self._tell_status(known)
        self._note(plain(f"{known.listing.market.id}: {why}"))

    def _tell_status(self, known: _Watched) -> None:
        status = self._status(known)
        if status is not known.status and not known.resolved:
            known.status = status
            self._tell(_status(known.listing.market.id, status))

    def _status(self, known: _Watched) -> MarketStatus:
        """Return the worst of what the market, its shard and the clock say.

        A word we do not know is no reason to trade, and nobody tells when a market closes.
        """
        status = known.listing.status or MarketStatus.PAUSED
        if status is not MarketStatus.OPEN:
            return status
        close = known.listing.market.close_at
        if close is not None and self._clock.now() >= close:
            return MarketStatus.CLOSED
        silent = self._clock.now() - known.heard > _PATIENCE * self._pace.statuses
        if self._exchange is None or silent:
            return MarketStatus.PAUSED
        shard = self._exchange.of(known.listing.exchange_index)
        # A closed exchange opens again; a closed market does not.
        return MarketStatus.OPEN if shard is MarketStatus.OPEN else MarketStatus.PAUSED

    def _poll_books(self, batch: Sequence[_Watched]) -> None:
        params = [("tickers", known.listing.market.id) for known in batch]
        try:
            page = self._rest.read("/markets/orderbooks", parse_orderbooks, params=params)
        except KalshiError as e:
            self._note(f"books: {e}")
            for known in batch:
                self._lose(known, "books could not be read")
            return
        for known in batch:
            self._take_book(known, page)

    def _take_book(self, known: _Watched, page: BooksPage) -> None:
        name = known.listing.market.id
        sides = page.books.get(name)
        if sides is None:
            self._lose(known, page.malformed.get(name, "no book in the answer"))
            return
        known.busy = known.busy or known.book != sides
        if known.book != sides or known.lost:
            known.book, known.lost = sides, False
            self._tell(_book(name, sides))

    def _lose(self, known: _Watched, why: str) -> None:
        known.book = None
        if not known.lost:
            known.lost = True
            self._tell(_gap(known.listing.market.id, why))

    def _next_trades(self) -> list[_Watched]:
        """Return whose trades to ask for: where the book has moved, then the longest unasked."""
        return sorted(self._open(), key=lambda known: (not known.busy, known.asked))[
            : self._pace.trade_requests
        ]

    def _poll_trades(self, known: _Watched) -> None:
        name = known.listing.market.id
        known.asked, known.busy = self._clock.now(), False
        earliest = max(0, known.since - _TRADES_OVERLAP)
        params = [
            ("ticker", name),
            ("min_ts", str(earliest // SECOND)),
            ("limit", str(_TRADES_PER_PAGE)),
        ]
        malformed: list[str] = []

        def fetch(query: Params) -> tuple[Sequence[VenueTrade], str]:
            page = self._rest.read("/markets/trades", parse_trades, params=query)
            malformed.extend(page.malformed)
            return page.trades, page.cursor

        try:
            walked = walk(fetch, lambda one: one.id, params=params, pages_max=_TRADE_PAGES_MAX)
        except KalshiError as e:
            known.busy = True  # Asked again soon: the overlap brings what was missed.
            self._note(f"trades of {name}: {e}")
            return
        # One that cannot be read stays in the list for a while: it is missing once.
        fresh = [problem for problem in malformed if problem not in known.unreadable]
        known.unreadable = dict.fromkeys(malformed)
        problem = walked.broken or next(iter(fresh), "")
        if problem:
            self._lose(known, f"trades are missing: {problem}")
        self._take_trades(known, walked.items)

    def _take_trades(self, known: _Watched, trades: Iterable[VenueTrade]) -> None:
        name = known.listing.market.id
        fresh = [
            one
            for one in trades
            if one.market == name and one.id not in known.ids and one.at >= known.begins
        ]
        for one in sorted(fresh, key=lambda trade: trade.at):
            known.ids[one.id] = one.at
            known.since = max(known.since, one.at)
            if not one.block:
                self._tell(_trade(one))
        # What lies before the next question cannot come again.
        asked_from = known.since - 2 * _TRADES_OVERLAP
        known.ids = {name: at for name, at in known.ids.items() if at >= asked_from}

    def _is_full(self) -> bool:
        """Ask for nothing more while nobody takes what is there; the books are not kept up."""
        if len(self._waiting) < _FACTS_MAX:
            return False
        for known in self._open():
            self._lose(known, "facts were not taken in time")
        return True

    def _tell(self, push: _Push) -> None:
        self._now = max(self._now, self._clock.now())
        self._waiting.append((self._now, push))

    def _note(self, problem: str) -> None:
        self.problems.append(problem)


def _batches(watched: Sequence[_Watched]) -> list[Sequence[_Watched]]:
    return [watched[first : first + _AT_ONCE] for first in range(0, len(watched), _AT_ONCE)]


def _meta(market: Market) -> _Push:
    return lambda sink, received: sink.meta(market, received)


def _book(name: str, sides: BookSides) -> _Push:
    return lambda sink, received: sink.book(name, sides.bids, sides.asks, received, None)


def _trade(one: VenueTrade) -> _Push:
    return lambda sink, received: sink.trade(
        one.market, one.taker, one.price, one.size, received, one.at
    )


def _status(name: str, status: MarketStatus) -> _Push:
    return lambda sink, received: sink.status(name, status, received)


def _resolution(name: str, payout: Price) -> _Push:
    return lambda sink, received: sink.resolution(name, payout, received)


def _gap(name: str, why: str) -> _Push:
    return lambda sink, received: sink.gap(name, why, received)
