"""Polymarket's market channel: books and prints as they happen, behind a synchronous face.

The threads of the sockets move bytes; everything else happens here, in the venue's thread, when it
drains. When a book may be believed is said in `stream_books`. What is believed no more is asked for
over REST, and changes that come meanwhile wait for the answer.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Price,
    complement,
)
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.market_data import Sink

from .amounts import TICKS
from .clob import TokenBook
from .problems import plain
from .rest import BOOKS_MAX
from .stream_books import Disagreement, StreamedBook, StreamedBooks
from .stream_messages import (
    MESSAGES_MAX,
    RAW_MAX,
    BookTold,
    Broken,
    Changes,
    Known,
    Message,
    MessageError,
    NewMarket,
    Print,
    Resolved,
    TickChanged,
    Time,
    Touch,
    Unknown,
    decode_known,
    moment,
    parse_frame,
    token_book,
)
from .stream_resync import Fetched, Fetching
from .stream_shards import NO_LAG, Shard, Shards
from .stream_socket import Closed, Frames, Opened, What
from .wire import DECODING, UnreadableRecord, price_of, size_of

RAW_KEPT: Final = 50
"""How many messages that are not understood are kept."""

_TEND_EVERY: Final = Duration(SECOND // 4)
_SOON: Final = Duration(SECOND)
_AGAIN_MAX: Final = Duration(30 * SECOND)
_DOUBLINGS_MAX: Final = 8
_SAY_AGAIN_EVERY: Final = 3
_UNKNOWN_MAX: Final = 50
_PROBLEMS_MAX: Final = 1_000
_NOTED_MAX: Final = 30
_NOTED_WITHIN: Final = Duration(60 * SECOND)
_BID: Final = Side.BID
_ASK: Final = Side.ASK
_BOOK_KINDS: Final = frozenset({"", "book", "price_change", "tick_size_change"})
_UNREADABLE: Final = (MessageError, UnreadableRecord)
_MILLISECONDS: Final = 13
_NO_STAMP: Final = "no time"
_Other = Resolved | NewMarket | Unknown | Broken


@attrs.frozen(kw_only=True)
class StreamPace:
    """What is waited for, and for how long.

    Args:
        late: what comes so much later than the quickest message of its connection is late, and so
            is everything until what comes is late by less than half of it.
        catch_up: a connection that stays late for so long is left for another one.
        silence: a book of which nothing came for so long is compared with the venue's own answer.
        grace: how long the stream has to explain a difference.
        settle: how long the last changes of one moment may be under way.
        snapshot: how long a book may take to come after it was asked for.

    """

    late: Duration = Duration(3 * SECOND)
    catch_up: Duration = Duration(60 * SECOND)
    silence: Duration = Duration(30 * SECOND)
    grace: Duration = Duration(2 * SECOND)
    settle: Duration = Duration(SECOND // 4)
    snapshot: Duration = Duration(5 * SECOND)


class Terms(Protocol):
    """Takes what the stream says of markets beside their prices, and tells what follows."""

    @abstractmethod
    def book_came(self, market: str, book: TokenBook, sink: Sink, now: Micros) -> None:
        """Take tick and minimum size as a book has them."""

    @abstractmethod
    def tick_changed(self, market: str, tick: Price, sink: Sink, now: Micros) -> None:
        """Take a new tick that is one of `amounts.TICKS`."""

    @abstractmethod
    def resolved(self, market: str, sink: Sink, now: Micros) -> None:
        """Take that a market has ended; how, has to be asked."""

    @abstractmethod
    def created(self, slugs: Iterable[str]) -> None:
        """Take that a market was made; its short name and that of its event."""

    @abstractmethod
    def connected(self) -> None:
        """Take that there is a new connection: things may have happened without it."""


class MarketStream:
    """Streams a set of markets; owned by the venue's thread.

    Args:
        frames: the sockets.
        fetching: asks for books beside the stream.
        terms: hears what is not prices.
        clock: for deadlines.
        pace: what is waited for.
        shards: which market is on which socket.

    ``problems`` are lines for people; whoever takes them clears them. ``unknown`` counts messages
    of types we do not know, ``raw`` keeps the last ones. ``ignored`` counts what was of no use,
    ``spoiled`` books that were believed no more, by why.
    """

    def __init__(
        self,
        frames: Frames,
        fetching: Fetching,
        terms: Terms,
        clock: Clock,
        *,
        pace: StreamPace | None = None,
        shards: Shards | None = None,
    ) -> None:
        self._frames = frames
        self._fetching = fetching
        self._terms = terms
        self._clock = clock
        self._pace = pace or StreamPace()
        self._shards = shards or Shards()
        self._told = StreamedBooks()
        self._owners: dict[str, str] = {}
        self._announced: set[str] = set()
        self._fetched: Fetched | None = None
        self._elapsed = clock.elapsed()
        self._tended_at: Duration | None = None
        self._stamp: Time = _NO_STAMP
        self._late = self._pace.late
        self._at = Micros(0)
        self._received = Micros(0)
        self._changed = False
        self._crowded = 0
        self._noted: deque[Duration] = deque(maxlen=_NOTED_MAX)
        self._unsaid = 0
        self.now = Micros(0)
        self.problems: deque[str] = deque(maxlen=_PROBLEMS_MAX)
        self.unknown: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.spoiled: Counter[str] = Counter()
        self.raw: deque[bytes] = deque(maxlen=RAW_KEPT)

    @property
    def pushed(self) -> int:
        """How many facts were told so far."""
        return self._told.pushed

    @property
    def streamed(self) -> frozenset[str]:
        """The markets that have a place on a socket."""
        return frozenset(self._told.by_market)

    @property
    def connections(self) -> int:
        """How many connections stand."""
        return sum(shard.connection is not None for shard in self._shards.by_number.values())

    def want(self, markets: Mapping[str, tuple[str, str]], sink: Sink, now: Micros) -> None:
        """Stream these markets and no others; their tokens are those of YES and of NO."""
        known = self._told.by_market
        for name in [name for name in known if name not in markets]:
            self._leave(name, sink, now)
        left_out = 0
        for name, tokens in markets.items():
            if name not in known:
                left_out += not self._enter(name, tokens)
        if left_out > self._crowded:
            self._note(f"{left_out} markets have no room on any socket and have no prices")
        self._crowded = left_out

    def announce(self, market: str, sink: Sink, now: Micros) -> None:
        """Take that the terms of a market were told: its book may be from here on."""
        self._announced.add(market)
        book = self._told.by_market.get(market)
        if book is not None and not book.announced:
            book.announced = True
            self._told.tell(book, sink, now)

    def forget(self, market: str) -> None:
        """Take that nobody knows the terms of a market any more."""
        self._announced.discard(market)

    def take(self, sink: Sink, until: Micros) -> None:
        """Tell what came up to a moment."""
        self._elapsed = self._clock.elapsed()
        shards, take_changes = self._shards.by_number, self._changes
        for received, number, what in self._frames.take(until):
            # A host's clock may be set back; what a sink hears never runs back.
            self._received = received
            if received > self.now:  # noqa: PLR1730 - max() is a call, and this runs for every frame
                self.now = received
            shard = shards.get(number)
            if type(what) is not bytes or shard is None or shard.connection is None:
                self._happened(shard, what, sink)
                continue
            try:
                told = decode_known(what)
            except DECODING:
                self._odd_frame(shard, what, sink)
                continue
            # Nothing comes as often as these.
            if type(told) is Changes:
                take_changes(shard, told, sink)
            else:
                self._frame(shard, told, sink)

    def tend(self, sink: Sink, until: Micros) -> None:
        """See to what is overdue: subscriptions, doubts, missing and silent books."""
        self._subscribe()
        self._take_fetched(sink, until)
        elapsed = self._elapsed = self._clock.elapsed()
        if self._tended_at is not None and elapsed - self._tended_at < _TEND_EVERY:
            return
        self._tended_at = elapsed
        self._look_at_doubts(elapsed, sink)
        self._leave_late(elapsed, sink)
        self._ask(elapsed)

    def close(self) -> None:
        """End all connections and threads."""
        self._frames.close()
        self._fetching.close()

    # -- which markets -----------------------------------------------------------------------

    def _enter(self, name: str, tokens: tuple[str, str]) -> bool:
        shard = self._shards.place(name, tokens)
        if shard is None:
            return False
        book = StreamedBook(market=name, token=tokens[0], shard=shard.number)
        book.announced = name in self._announced
        book.heard_at = self._elapsed
        book.due = Duration(self._elapsed + self._pace.snapshot)
        self._told.add(book)
        self._owners |= dict.fromkeys(tokens, name)
        self._changed = True
        return True

    def _leave(self, name: str, sink: Sink, now: Micros) -> None:
        book = self._told.remove(name)
        if book is not None:
            self._told.gap(book, "streamed no more", sink, now)
        for token in self._shards.by_market[name].markets[name]:
            self._owners.pop(token, None)
        self._shards.remove(name)
        self._changed = True

    def _subscribe(self) -> None:
        if not self._changed:
            return
        self._changed = False
        for shard in self._shards.settle():
            self._frames.shut(shard.number)
            self._told.late.pop(shard.number, None)
        for shard in self._shards.by_number.values():
            if not shard.begun:
                shard.begun = True
                self._frames.open(shard.number, shard.greeting)
            elif shard.connection is not None:
                self._send(shard, shard.changes())

    # -- what comes --------------------------------------------------------------------------

    def _happened(self, shard: Shard | None, what: What, sink: Sink) -> None:
        """Take what happened to a connection; frames of an ended one are not looked at."""
        if shard is None:
            return
        if isinstance(what, Opened):
            self._opened(shard, what)
        elif isinstance(what, Closed):
            self._closed(shard, what, sink)

    def _frame(self, shard: Shard, told: Known | list[Known], sink: Sink) -> None:
        if not isinstance(told, list):
            self._message(shard, told, sink)
        elif len(told) > MESSAGES_MAX:
            self._give_up(shard, f"a frame of {len(told)} messages", sink)
        else:
            for message in told:
                if shard.connection is not None:
                    self._message(shard, message, sink)

    def _odd_frame(self, shard: Shard, frame: bytes, sink: Sink) -> None:
        if frame.lstrip()[:1] not in (b"{", b"["):
            # Words, such as that a command was not understood: no price is in them.
            self._count_unknown(plain(f"text {frame[:40].decode(errors='replace')}"), frame)
            return
        try:
            messages = parse_frame(frame)
        except MessageError as e:
            self.raw.append(frame[:RAW_MAX])
            self._give_up(shard, f"a frame that is none: {plain(str(e))}", sink)
            return
        for message in messages:
            if shard.connection is not None:
                self._message(shard, message, sink)

    def _message(self, shard: Shard, message: Message, sink: Sink) -> None:
        try:
            match message:
                case Changes():
                    self._changes(shard, message, sink)
                case BookTold():
                    self._book(message, sink)
                case Print():
                    self._print(message, sink)
                case Touch():
                    self._touch(message)
                case TickChanged():
                    self._tick(shard, message, sink)
                case _:
                    self._other(shard, message, sink)
        except _UNREADABLE as e:
            self._unreadable(shard, message, e, sink)

    def _other(self, shard: Shard, message: _Other, sink: Sink) -> None:
        """Take a message that is not about prices, or is not understood."""
        match message:
            case Resolved():
                if message.market in self._told.by_market:
                    self._terms.resolved(message.market, sink, self.now)
            case NewMarket():
                about = message.event_message
                self._terms.created((message.slug, about.slug if about else ""))
            case Unknown():
                self._count_unknown(message.kind, message.raw)
            case Broken():
                self._broken(shard, message, sink)

    def _changes(self, shard: Shard, told: Changes, sink: Sink) -> None:
        at = self._at if told.timestamp == self._stamp else self._moment(shard, told, sink)
        if at is None:
            return
        lag = self._received - at
        if lag < shard.least:
            shard.least = lag
        elif lag - shard.least > self._late or self._told.late:
            self._judge_lag(shard, lag - shard.least, sink)
        books, elapsed = self._told.by_token, self._elapsed
        for change in told.price_changes:
            # Each comes for both tokens: that of the other one has no book.
            book = books.get(change.asset_id)
            if book is not None:
                book.heard_at = elapsed
                try:
                    level = book.fold(change, at)
                except _UNREADABLE as e:
                    self._spoil(book, f"a change that cannot be read: {e}", sink)
                except Disagreement as e:
                    self._spoil(book, str(e), sink)
                    book.keep(at, change)
                else:
                    if book.told and level is not None:
                        sink.delta(book.market, *level, self.now, at)
                        self._told.pushed += 1

    def _moment(self, shard: Shard, told: Changes, sink: Sink) -> Micros | None:
        """Return when changes were; None where that is nonsense, which has been told."""
        stamp = told.timestamp
        if type(stamp) is str and len(stamp) == _MILLISECONDS and stamp.isdecimal():
            self._stamp, self._at = stamp, Micros(int(stamp) * 1_000)
            return self._at
        try:
            at = moment(stamp)
        except UnreadableRecord as e:
            self._unreadable(shard, told, e, sink)
            return None
        if at is None:
            # Every message may be of another moment then.
            return self._received
        self._stamp, self._at = stamp, at
        return at

    def _book(self, told: BookTold, sink: Sink) -> None:
        book = self._told.by_token.get(told.asset_id)
        if book is None:
            return
        exact = token_book(told)
        book.heard, book.heard_at = True, self._elapsed
        if book.whole and exact.at is not None and exact.at < book.at:
            self.ignored["a book from the past"] += 1
            return
        if exact.crossed:
            self._spoil(book, "the venue's book is crossed", sink)
            return
        if not self._has_known_steps(book, exact.tick, sink):
            return
        book.tick = exact.tick or book.tick
        self._terms.book_came(book.market, exact, sink, self.now)
        same = book.whole and book.is_like(exact)
        book.replace(exact, Micros(0))
        book.at = max(book.at, exact.at or Micros(0))
        if not (same and book.told):
            self._told.tell(book, sink, self.now)

    def _print(self, told: Print, sink: Sink) -> None:
        book = self._book_of(told.asset_id)
        if book is None or not book.announced:
            return
        price, size, at = price_of(told.price), size_of(told.size), moment(told.timestamp)
        if size <= 0 or not 0 < price < ONE_DOLLAR:
            msg = "a print without a size or a price"
            raise MessageError(msg)
        taker = _BID if told.side == "BUY" else _ASK
        if told.asset_id != book.token:
            taker, price = taker.other, complement(price)
        sink.trade(book.market, taker, price, size, self.now, at)
        self._told.pushed += 1

    def _touch(self, told: Touch) -> None:
        book = self._told.by_token.get(told.asset_id)
        if book is None or not book.whole:
            return
        at = moment(told.timestamp)
        if at is not None and at >= book.at:
            book.claim = (told, self._elapsed)

    def _tick(self, shard: Shard, told: TickChanged, sink: Sink) -> None:
        book = self._book_of(told.asset_id)
        if book is None:
            return
        tick = price_of(told.new_tick_size)
        if tick == book.tick:
            return  # told once for each token
        self._spoil(book, "the steps of its prices have changed", sink)
        if self._has_known_steps(book, tick, sink):
            book.tick = tick
            self._terms.tick_changed(book.market, tick, sink, self.now)
            self._send(shard, shard.again(list(shard.markets[book.market])))

    def _has_known_steps(self, book: StreamedBook, tick: Price | None, sink: Sink) -> bool:
        """Tell whether a book's prices move in steps for which orders can be rounded."""
        if tick is None:
            return not book.barred
        barred = tick not in TICKS
        if barred:
            why = f"its prices move in steps of {tick} millionths, which are not known"
            if not book.barred:
                self._note(f"{book.market}: {why}")
            self._told.gap(book, why, sink, self.now)
            book.lose(self._elapsed)
        book.barred = barred
        return not barred

    # -- what cannot be read -----------------------------------------------------------------

    def _broken(self, shard: Shard, told: Broken, sink: Sink) -> None:
        self.raw.append(told.raw)
        why = f"a {told.kind or 'message'} that cannot be read: {told.why}"
        self._doubt(shard, told.kind, told.about, why, sink)

    def _unreadable(self, shard: Shard, told: Message, error: Exception, sink: Sink) -> None:
        kind = str(told.__struct_config__.tag)
        tokens = []
        if isinstance(told, Changes):
            tokens = [change.asset_id for change in told.price_changes]
        names = (getattr(told, "asset_id", ""), getattr(told, "market", ""), *tokens)
        about = tuple(name for name in names if name)
        why = plain(f"a {kind} that cannot be read: {error}")
        self._doubt(shard, kind, about, why, sink)

    def _doubt(self, shard: Shard, kind: str, about: Iterable[str], why: str, sink: Sink) -> None:
        """Take that a message was lost: what it may have been about is believed no more."""
        about = tuple(about)
        books = {id(one): one for name in about if (one := self._named(name)) is not None}
        if kind in _BOOK_KINDS:
            for book in books.values():
                self._spoil(book, why, sink)
            if not about:
                self._give_up(shard, why, sink)
        elif kind == "last_trade_price":
            self._note(why)
            for book in books.values() if about else self._on(shard):
                # Prints are missing up to here; the book goes on from what it is.
                self._told.gap(book, why, sink, self.now)
                self._told.tell(book, sink, self.now)
        else:
            self._note(why)

    def _count_unknown(self, kind: str, raw: bytes) -> None:
        self.raw.append(raw[:RAW_MAX])
        if kind not in self.unknown and len(self.unknown) >= _UNKNOWN_MAX:
            kind = "others"
        self.unknown[kind] += 1
        if self.unknown[kind] == 1:
            self._note(f"messages of type {kind!r} are not understood")

    # -- whether it can be believed ----------------------------------------------------------

    def _judge_lag(self, shard: Shard, delay: int, sink: Sink) -> None:
        late = self._told.late
        if shard.number not in late:
            if delay <= self._late:
                return
            late[shard.number] = self._elapsed
            why = f"what comes is {delay / SECOND:.1f} s late"
            self._note(why)
            self._told.gap_in_all(shard.number, why, sink, self.now)
        elif delay < self._pace.late // 2:
            del late[shard.number]
            self._told.tell_untold(shard.number, sink, self.now)

    def _leave_late(self, elapsed: Duration, sink: Sink) -> None:
        """Leave connections that stay late: a clock that was set looks the same."""
        for number, since in list(self._told.late.items()):
            if elapsed - since >= self._pace.catch_up:
                self._give_up(self._shards.by_number[number], "what comes stays late", sink)

    def _spoil(self, book: StreamedBook, why: str, sink: Sink) -> None:
        """Believe one book no more; it is asked for at once."""
        if not book.whole:
            book.miss(self._at)
            return
        self.spoiled[why if len(self.spoiled) < _UNKNOWN_MAX else "others"] += 1
        self._note(f"{book.market}: {why}")
        self._told.gap(book, plain(why), sink, self.now)
        book.lose(self._elapsed)
        self._tended_at = None

    def _look_at_doubts(self, elapsed: Duration, sink: Sink) -> None:
        for book in list(self._told.by_market.values()):
            if book.whole and (book.touched or book.claim or book.suspect is not None):
                try:
                    self._look_at(book, elapsed, sink)
                except UnreadableRecord as e:
                    self._spoil(book, f"a touch that cannot be read: {e}", sink)

    def _look_at(self, book: StreamedBook, elapsed: Duration, sink: Sink) -> None:
        if not book.why_not():
            book.touched = book.doubted_at = None
        elif book.doubted_at is None:
            book.doubted_at = elapsed
        elif elapsed - max(book.doubted_at, book.heard_at) >= self._pace.settle:
            self._spoil(book, book.why_not(), sink)
            return
        if book.claim is not None:
            claim, claimed_at = book.claim
            if book.heard_at > claimed_at or book.has_touch(claim):
                book.claim = None
            elif elapsed - claimed_at >= self._pace.settle:
                self._spoil(book, "the book differs from the best prices told", sink)
                return
        if book.suspect is not None:
            self._look_at_suspect(book, book.suspect, elapsed, sink)

    def _look_at_suspect(
        self, book: StreamedBook, since: Duration, elapsed: Duration, sink: Sink
    ) -> None:
        if book.heard_at >= since:
            book.suspect = None
        elif elapsed - since >= self._pace.grace:
            shard = self._shards.by_market[book.market]
            self._give_up(shard, "books move at the venue and the stream is silent", sink)

    # -- asking for books --------------------------------------------------------------------

    def _ask(self, elapsed: Duration) -> None:
        """Ask for the books that are missing, and for those of which nothing came for long."""
        if self._fetching.busy or self._fetched is not None:
            return
        missing: list[StreamedBook] = []
        silent: list[StreamedBook] = []
        for book in self._told.by_market.values():
            shard = self._shards.by_market[book.market]
            if shard.connection is None or book.barred:
                continue
            if book.whole:
                if elapsed - book.heard_at >= self._pace.silence:
                    silent.append(book)
            elif elapsed >= book.due:
                missing.append(book)
        # A book that never came on this connection would not be gone on from.
        self._say_again([book for book in missing if not book.heard], elapsed)
        asked = [book for book in missing if book.heard]
        asked += sorted(silent, key=lambda book: book.heard_at)
        if asked:
            self._fetching.begin([book.token for book in asked[:BOOKS_MAX]])

    def _say_again(self, books: Iterable[StreamedBook], elapsed: Duration) -> None:
        tokens: dict[int, list[str]] = {}
        for book in books:
            shard = self._shards.by_market[book.market]
            tokens.setdefault(shard.number, []).extend(shard.markets[book.market])
            self._retry(book, elapsed, "the venue sends none")
        for number, some in tokens.items():
            shard = self._shards.by_number[number]
            self._send(shard, shard.again(some))

    def _retry(self, book: StreamedBook, elapsed: Duration, why: str) -> None:
        book.tries += 1
        wait = min(_SOON << min(book.tries, _DOUBLINGS_MAX), _AGAIN_MAX)
        book.due = Duration(elapsed + wait)
        if book.tries == _SAY_AGAIN_EVERY:
            self._note(f"{book.market}: its book cannot be had: {why}")

    def _take_fetched(self, sink: Sink, until: Micros) -> None:
        fetched = self._fetched or self._fetching.take()
        self._fetched = None
        if fetched is None:
            return
        if fetched.received > until and fetched.received <= self._clock.now():
            self._fetched = fetched
            return
        self.now = max(self.now, min(fetched.received, until))
        elapsed = self._elapsed = self._clock.elapsed()
        if fetched.problem:
            self._note(f"asking for {len(fetched.asked)} books failed: {fetched.problem}")
        for token in fetched.asked:
            book = self._told.by_token.get(token)
            if book is None or self._shards.by_market[book.market].connection is None:
                continue
            answer = fetched.books.get(token)
            if book.whole:
                self._compare(book, answer, elapsed, sink, unanswered=bool(fetched.problem))
            else:
                self._mend(book, answer, elapsed, sink)

    def _compare(
        self,
        book: StreamedBook,
        answer: TokenBook | None,
        elapsed: Duration,
        sink: Sink,
        *,
        unanswered: bool,
    ) -> None:
        """Compare a book of which nothing came for long with the venue's own answer."""
        if elapsed - book.heard_at < self._pace.silence:
            return  # something came meanwhile
        if answer is None:
            why = "cannot be asked for" if unanswered else "is not at the venue"
            self._spoil(book, f"the book was silent and {why}", sink)
            book.due = Duration(elapsed + _SOON)
        elif book.is_like(answer):
            book.heard_at = elapsed
        elif answer.at is not None and answer.at < book.at:
            # A cache of the venue's that is behind proves nothing.
            self.ignored["an answer from the past"] += 1
            book.heard_at = elapsed
        elif book.suspect is None:
            book.suspect = elapsed

    def _mend(
        self, book: StreamedBook, answer: TokenBook | None, elapsed: Duration, sink: Sink
    ) -> None:
        """Go on from an answer, with the changes that came since it was true."""
        why = self._why_not_from(book, answer)
        if not why and answer is not None:
            why = self._go_on(book, answer)
        if why or answer is None:
            self._retry(book, elapsed, why)
            if book.tries % _SAY_AGAIN_EVERY == 0:
                shard = self._shards.by_market[book.market]
                self._send(shard, shard.again(list(shard.markets[book.market])))
            return
        book.heard_at = elapsed
        self._terms.book_came(book.market, answer, sink, self.now)
        self._told.tell(book, sink, self.now)

    def _why_not_from(self, book: StreamedBook, answer: TokenBook | None) -> str:
        if answer is None:
            return "the venue gives none"
        if answer.crossed:
            return "the venue's is crossed"
        if not book.heard or book.barred:
            return "the stream tells nothing of it"
        if answer.at is None or answer.at < max(book.at, book.floor):
            return "the venue's is older than the stream's"
        if answer.tick is not None and book.tick is not None and answer.tick != book.tick:
            return "the venue's has other steps"
        return ""

    def _go_on(self, book: StreamedBook, answer: TokenBook) -> str:
        """Take a book and what came since; return why the result cannot be, "" if it can."""
        since = answer.at or book.at
        kept, tries, floor = tuple(book.kept), book.tries, book.floor
        book.replace(answer, since)
        book.at = since
        try:
            for at, change in kept:
                if at >= since:
                    book.fold(change, at)
            why = book.why_not()
        except (*_UNREADABLE, Disagreement) as e:
            why = str(e)
        if why:
            book.lose(book.due)
            book.tries, book.floor = tries, floor
            book.kept.extend(kept)
        return why

    # -- the connections ---------------------------------------------------------------------

    def _opened(self, shard: Shard, opened: Opened) -> None:
        shard.connection, shard.least, shard.trouble = opened.connection, NO_LAG, ""
        shard.opened_at = self._elapsed
        shard.asked = dict.fromkeys(opened.tokens)
        self._told.late.pop(shard.number, None)
        for book in self._on(shard):
            book.part()
            book.heard_at = self._elapsed
            book.due = Duration(self._elapsed + self._pace.snapshot)
        # What was wanted since it began to connect.
        self._send(shard, shard.changes())
        self._terms.connected()

    def _closed(self, shard: Shard, closed: Closed, sink: Sink) -> None:
        if shard.connection == closed.connection:
            self._part(shard, closed.reason, sink)
        if closed.reason != shard.trouble:
            shard.trouble = closed.reason
            self._note(closed.reason)

    def _give_up(self, shard: Shard, why: str, sink: Sink) -> None:
        """Drop a connection; what still comes of it is not looked at."""
        connection = shard.connection
        if connection is not None:
            self._part(shard, why, sink)
            self._frames.drop(shard.number, connection, why)

    def _part(self, shard: Shard, why: str, sink: Sink) -> None:
        shard.connection = None
        self._told.late.pop(shard.number, None)
        self._told.gap_in_all(shard.number, why, sink, self.now)
        for book in self._on(shard):
            book.part()

    def _on(self, shard: Shard) -> list[StreamedBook]:
        return [self._told.by_market[name] for name in shard.markets]

    def _named(self, name: str) -> StreamedBook | None:
        return self._told.by_market.get(name) or self._book_of(name)

    def _book_of(self, token: str) -> StreamedBook | None:
        owner = self._owners.get(token)
        return None if owner is None else self._told.by_market.get(owner)

    def _send(self, shard: Shard, commands: Iterator[bytes]) -> None:
        if shard.connection is not None:
            for command in commands:
                self._frames.send(shard.number, shard.connection, command)

    def _note(self, problem: str) -> None:
        """Tell people, but not more than they can read."""
        elapsed = self._clock.elapsed()
        if len(self._noted) == _NOTED_MAX and elapsed - self._noted[0] < _NOTED_WITHIN:
            self._unsaid += 1
            return
        self._noted.append(elapsed)
        if self._unsaid:
            self.problems.append(f"stream: {self._unsaid} more problems within a minute")
            self._unsaid = 0
        self.problems.append(plain(f"stream: {problem}"))
