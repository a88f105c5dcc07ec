"""The books of the stream, and whether whoever listens may believe the last one told.

The venue does not number what it sends. With every change it tells the touch, which holds after the
last change of the same moment: a book that disagrees then has missed something. So does one that is
crossed, or that differs from the venue's own answer while the stream is silent.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.numbers import ONE_DOLLAR, Duration, Micros, Price, Size
from market_bot.core.ports.market_data import Sink

from .clob import LEVELS_MAX, TokenBook
from .stream_messages import Change, Touch, touch_of
from .wire import UnreadableRecord, price_of, size_of

KEPT_MAX: Final = 1_000
"""Changes that wait for a book."""

_KNOWN_MAX: Final = 50_000
_BID: Final = Side.BID
_ASK: Final = Side.ASK
_NOBODY_BIDS: Final = Price(0)
_NOBODY_ASKS: Final = ONE_DOLLAR
_NEVER: Final = Micros(0)

_prices: dict[str, Price] = {}
_sizes: dict[str, Size] = {}
_bids_told: dict[str, Price] = {}
_asks_told: dict[str, Price] = {}


class Disagreement(Exception):
    """A book is not what the venue told; the text says in which way."""


@attrs.define(eq=False)
class StreamedBook:
    """The book of a market's YES token; mutable, owned by the venue's thread.

    Args:
        market: whose it is.
        token: of YES.
        announced: whether the terms of the market were told.
        told: whether whoever listens has the same book.
        whole: whether it is believed.
        heard: whether anything came of it on the present connection.
        barred: whether it moves in steps we do not know; nothing mends that but other steps.
        at: the venue's time of the newest change.
        since: changes before this are in it already.
        tick: the step that was told last on the stream, None if none was.
        touched: the change whose touch was not yet compared, None if there is none.
        claim: a touch told by itself, and when; None if there is none.
        heard_at: when something came of it, or when the venue's own answer agreed with it.
        due: when to ask for it, if it is not whole.
        tries: how often was asked for it in vain.
        doubted_at: since when the touch disagrees; None while it does not.
        suspect: since when the venue's own answer differs; None while it does not.
        kept: changes that came since it was believed last.
        floor: answers from before this cannot be gone on from: what came since was not kept.

    """

    market: str
    token: str
    shard: int
    announced: bool = False
    told: bool = False
    whole: bool = False
    heard: bool = False
    barred: bool = False
    at: Micros = _NEVER
    since: Micros = _NEVER
    bids: dict[Price, Size] = attrs.field(factory=dict)
    asks: dict[Price, Size] = attrs.field(factory=dict)
    best_bid: Price = _NOBODY_BIDS
    best_ask: Price = _NOBODY_ASKS
    tick: Price | None = None
    touched: Change | None = None
    claim: tuple[Touch, Duration] | None = None
    heard_at: Duration = Duration(0)
    due: Duration = Duration(0)
    tries: int = 0
    doubted_at: Duration | None = None
    suspect: Duration | None = None
    kept: deque[tuple[Micros, Change]] = attrs.field(factory=lambda: deque(maxlen=KEPT_MAX))
    floor: Micros = _NEVER

    def fold(self, change: Change, at: Micros) -> tuple[Side, Price, Size] | None:
        """Take a change; return side, price and new size, or None if nothing has changed.

        A book that is not whole keeps it for later.

        Raises:
            UnreadableRecord: if its numbers are none.
            Disagreement: if the book is not what was told with the change before.

        """
        if not self.whole:
            self.heard = True
            self.keep(at, change)
            return None
        if at != self.at:
            if at < self.since:
                return None
            self._leave_moment()
            self.at = at
        price = _prices.get(change.price)
        if price is None:
            price = _inner_price(change.price)
        size = _sizes.get(change.size)
        if size is None:
            size = _known_size(change.size)
        self.touched = change
        if change.side == "BUY":
            if size and price <= self.best_bid:
                self.bids[price] = size
            else:
                self._set_best_bid(price, size)
            return _BID, price, size
        if size and price >= self.best_ask:
            self.asks[price] = size
        else:
            self._set_best_ask(price, size)
        return _ASK, price, size

    def _set_best_bid(self, price: Price, size: Size) -> None:
        if size:
            self.bids[price], self.best_bid = size, price
        elif self.bids.pop(price, None) is not None and price == self.best_bid:
            self.best_bid = max(self.bids, default=_NOBODY_BIDS)

    def _set_best_ask(self, price: Price, size: Size) -> None:
        if size:
            self.asks[price], self.best_ask = size, price
        elif self.asks.pop(price, None) is not None and price == self.best_ask:
            self.best_ask = min(self.asks, default=_NOBODY_ASKS)

    def _leave_moment(self) -> None:
        """Compare the touch: it holds after the last change of a moment, which is over."""
        self.claim = None
        told = self.touched
        if told is None or (
            _bids_told.get(told.best_bid) == self.best_bid < self.best_ask
            and _asks_told.get(told.best_ask) == self.best_ask
        ):
            return
        # Not what was told before, or in words that were not read before.
        why = self.why_not()
        if why:
            raise Disagreement(why)

    def why_not(self) -> str:
        """Return why the book cannot be what the venue told with its last change, "" if it can.

        Raises:
            UnreadableRecord: if what was told is no price.

        """
        if self.bids and self.asks and self.best_bid >= self.best_ask:
            return "the book is crossed"
        if max(len(self.bids), len(self.asks)) > LEVELS_MAX:
            return f"a side of more than {LEVELS_MAX} levels"
        touched = self.touched
        if touched is None or self.has_touch(touched):
            return ""
        return "the book differs from the best prices told with its last change"

    def has_touch(self, told: Change | Touch) -> bool:
        """Tell whether the best prices are those that were told, as far as they were.

        Raises:
            UnreadableRecord: if what was told is no price.

        """
        bid, ask = touch_of(told.best_bid, told.best_ask)
        if bid is not None and ask is not None and len(_bids_told) < _KNOWN_MAX:
            _bids_told[told.best_bid], _asks_told[told.best_ask] = bid, ask
        return (bid is None or bid == self.best_bid) and (ask is None or ask == self.best_ask)

    def replace(self, book: TokenBook, since: Micros) -> None:
        """Take a whole book; it is believed from here on."""
        self.bids, self.asks = dict(book.bids), dict(book.asks)
        self.best_bid = max(self.bids, default=_NOBODY_BIDS)
        self.best_ask = min(self.asks, default=_NOBODY_ASKS)
        self._forget_doubts()
        self.whole, self.since, self.tries = True, since, 0
        self.kept.clear()
        self.floor = _NEVER

    def lose(self, due: Duration) -> None:
        """Believe it no more; what comes is kept until there is a book again."""
        self._forget_doubts()
        self.whole, self.due = False, due
        self.bids, self.asks = {}, {}

    def keep(self, at: Micros, change: Change) -> None:
        """Keep a change for when there is a book again."""
        if len(self.kept) == KEPT_MAX:
            self.floor = max(self.floor, self.kept[1][0])
        self.kept.append((at, change))

    def miss(self, at: Micros) -> None:
        """Take that something of then cannot be kept."""
        self.kept.clear()
        self.floor = max(self.floor, at)

    def part(self) -> None:
        """Begin anew: a connection has ended, and with it what was to be gone on from."""
        self.lose(self.due)
        self.kept.clear()
        self.heard, self.tries = False, 0
        self.at = self.since = self.floor = _NEVER

    def _forget_doubts(self) -> None:
        self.touched = self.claim = self.doubted_at = self.suspect = None

    def is_like(self, book: TokenBook) -> bool:
        """Tell whether a book has the same levels."""
        return self.bids == book.bids and self.asks == book.asks


@attrs.define(eq=False)
class StreamedBooks:
    """The books of all markets, by token; mutable, owned by the venue's thread.

    Args:
        late: the sockets on which what comes is too old to be believed, and since when.
        pushed: how many facts were told so far.

    """

    by_token: dict[str, StreamedBook] = attrs.field(factory=dict)
    by_market: dict[str, StreamedBook] = attrs.field(factory=dict)
    late: dict[int, Duration] = attrs.field(factory=dict)
    pushed: int = 0

    def add(self, book: StreamedBook) -> None:
        """Have another book."""
        self.by_token[book.token] = self.by_market[book.market] = book

    def remove(self, market: str) -> StreamedBook | None:
        """Have a book no more; return it."""
        book = self.by_market.pop(market, None)
        if book is not None:
            self.by_token.pop(book.token, None)
        return book

    def tell(self, book: StreamedBook, sink: Sink, now: Micros) -> None:
        """Tell a whole book, if that may be."""
        if book.whole and book.announced and book.shard not in self.late:
            book.told = True
            sink.book(book.market, book.bids, book.asks, now, book.at or None)
            self.pushed += 1

    def gap(self, book: StreamedBook, why: str, sink: Sink, now: Micros) -> None:
        """Say that a book is not what it was, unless that is known."""
        if book.told:
            book.told = False
            sink.gap(book.market, why, now)
            self.pushed += 1

    def gap_in_all(self, shard: int, why: str, sink: Sink, now: Micros) -> None:
        """Say the same of every market of a socket; once, where these are all that were told."""
        told = [book for book in self.by_market.values() if book.told]
        ours = [book for book in told if book.shard == shard]
        if len(ours) < len(told) or len(ours) < 2:  # noqa: PLR2004 - one has a name
            for book in ours:
                self.gap(book, why, sink, now)
            return
        for book in ours:
            book.told = False
        sink.gap("", why, now)
        self.pushed += 1

    def tell_untold(self, shard: int, sink: Sink, now: Micros) -> None:
        """Tell every book of a socket that was not, if that may be."""
        for book in self.by_market.values():
            if book.shard == shard and not book.told:
                self.tell(book, sink, now)


def _inner_price(text: str) -> Price:
    price = price_of(text)
    if not 0 < price < ONE_DOLLAR:
        msg = "a level at nothing or at a dollar"
        raise UnreadableRecord(msg)
    if len(_prices) < _KNOWN_MAX:
        _prices[text] = price
    return price


def _known_size(text: str) -> Size:
    size = size_of(text)
    if len(_sizes) >= _KNOWN_MAX:
        _sizes.clear()
    _sizes[text] = size
    return size
