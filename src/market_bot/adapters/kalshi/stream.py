"""Kalshi's market data with a key: books and prints as they happen, behind a synchronous face.

The thread of the socket moves bytes; everything else happens here, in the venue's thread, when it
drains. When a book may be told is said in `stream_books`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import Final

import attrs
import msgspec

from market_bot.core.domain.book import Side
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.market_data import Capability, MarketData, Sink

from .clock_guard import MAX_SKEW, ClockGuard
from .errors import plain
from .parse_markets import Listing
from .private_stream import PrivateInbox, pushed_fill, pushed_order
from .stream_books import StreamedBook, StreamedBooks
from .stream_messages import (
    BOOKS,
    FILLS,
    LIFECYCLE,
    ORDERS,
    TICKERS,
    TRADES,
    Delta,
    EventCreated,
    Failed,
    FeesChanged,
    Fill,
    Known,
    Lifecycle,
    Message,
    Ok,
    Snapshot,
    Subscribed,
    Ticker,
    TickerBody,
    Trade,
    Unknown,
    Unsubscribed,
    UserOrder,
    decode_known,
    parse_frame,
    parse_list,
)
from .stream_session import ANSWER_WITHIN, Channel, Order, Session, Wanted
from .stream_socket import Closed, Frames, Opened
from .stream_statuses import StreamStatuses
from .ws_books import contracts, yes_price
from .ws_messages import MessageError

CAPABILITIES: Final = frozenset({Capability.L2_STREAM, Capability.PRINTS})

_TEND_EVERY: Final = Duration(SECOND // 4)
_RENEWALS_MAX: Final = 5
_RENEWALS_WITHIN: Final = Duration(60 * SECOND)
_UNKNOWN_MAX: Final = 50
_BID: Final = Side.BID
_ASK: Final = Side.ASK
_PRIVATE: Final = (FILLS, ORDERS)
_PRIVATE_TYPES: Final = frozenset({"fill", "user_order"})

_Numbered = Snapshot | Trade | Lifecycle | FeesChanged | EventCreated
_Answer = Subscribed | Unsubscribed | Ok | Failed


@attrs.frozen(kw_only=True)
class StreamPace:
    """What is waited for, and for how long.

    Args:
        late: what is older than this when it comes is late, and so is everything until what comes
            is younger than half of it.
        quiet: after so long without a frame the venue is asked whether it still listens.
        answer: a command not answered within this ends the connection, though it may answer pings.
        snapshot: how long after the last request a missing book is asked for again.
        tickers: whether best prices are subscribed to, for `KalshiStream.tickers`.

    """

    late: Duration = Duration(3 * SECOND)
    quiet: Duration = Duration(10 * SECOND)
    answer: Duration = ANSWER_WITHIN
    snapshot: Duration = Duration(5 * SECOND)
    tickers: bool = False


class KalshiStream(MarketData):
    """Streams a set of markets; owned by the venue's thread.

    Args:
        statuses: polls what the stream does not tell; markets are watched through it.
        frames: the connection.
        clock: for deadlines.
        guard: compares our clock with the venue's: only while they agree does the age of a message
            say something by itself; otherwise its delay is measured against the quickest one.
        pace: what is waited for.
        inbox: takes our own fills and orders; without it they are not subscribed to.

    ``problems`` are lines for people. ``unknown`` counts messages of types we do not know,
    ``ignored`` those that were of no use, by why. ``tickers`` are the last best prices told.
    """

    def __init__(
        self,
        statuses: StreamStatuses,
        frames: Frames,
        clock: Clock,
        guard: ClockGuard,
        *,
        pace: StreamPace | None = None,
        inbox: PrivateInbox | None = None,
    ) -> None:
        self._statuses = statuses
        self._frames = frames
        self._clock = clock
        self._guard = guard
        self._pace = pace or StreamPace()
        self._inbox = inbox
        self._told = StreamedBooks()
        self._session: Session | None = None
        self._books: Channel | None = None
        self._now = Micros(0)
        self._received = Micros(0)
        self._lags = _Lags(self._pace.late)
        self._tended_at: Duration | None = None
        self._asked_at = Duration(0)
        self._renewals: deque[Duration] = deque(maxlen=_RENEWALS_MAX)
        self._trouble = ""
        self.problems = statuses.problems
        self.unknown: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()
        self.tickers: dict[str, TickerBody] = {}

    @property
    def capabilities(self) -> frozenset[Capability]:
        return CAPABILITIES

    @property
    def watched(self) -> tuple[str, ...]:
        """The markets that are streamed."""
        return self._statuses.watched

    def listing(self, market: str) -> Listing | None:
        """Return the latest terms of a watched market, None of any other."""
        return self._statuses.listing(market)

    @property
    def resolved(self) -> frozenset[str]:
        """The watched markets that have been paid out."""
        return self._statuses.resolved

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._session is not None

    def news_at(self) -> Micros | None:
        """Return since when there is news that only a look for markets explains, None if none."""
        return self._statuses.news_at()

    def renew(self, listings: Iterable[Listing], looked_at: Micros) -> None:
        """Stream markets as a look has found them; see `KeptMarkets.renew`.

        Raises:
            ValueError: at more markets than one client may watch.

        """
        found = list(listings)
        self._statuses.renew(found, looked_at)
        names = [listing.market.id for listing in found]
        self._told.add(names)
        # In its turn: nobody hears of a market before its terms.
        self._statuses.then(lambda sink, received: self._told.announce(names, sink, received))
        self._tended_at = None

    def drop(self, markets: Iterable[str]) -> None:
        """Stream these markets no more."""
        names = tuple(markets)
        self._statuses.drop(names)
        for name in names:
            self._told.markets.pop(name, None)
            self.tickers.pop(name, None)
        self._tended_at = None

    def poll(self) -> None:
        """Ask for what is due and see to the connection; nothing is raised."""
        self._frames.start()
        self._statuses.poll()

    def drain(self, sink: Sink, until: Micros) -> str:
        began = self._clock.elapsed()
        self.poll()
        self._lags.trust(self._guard)
        while (at := self._statuses.waiting(until)) is not None:
            self._take(sink, at)
            self._now = max(self._now, at)
            self._statuses.push(sink, self._now)
            self._told.pushed += 1
        self._take(sink, until)
        self._tend(sink, until, began)
        return f"streamed:{self._told.pushed}"

    def close(self) -> None:
        """End the connection and its thread, and close the client."""
        self._frames.close()
        self._statuses.close()

    # -- what comes --------------------------------------------------------------------------

    def _take(self, sink: Sink, until: Micros) -> None:
        for received, what in self._frames.take(until):
            # A host's clock may be set back; what a sink hears never runs back.
            self._received = received
            if received > self._now:  # noqa: PLR1730 - max() is a call, and this runs for every frame
                self._now = received
            if type(what) is bytes:
                if self._session is not None:
                    self._frame(self._session, what, sink)
            elif isinstance(what, Opened):
                self._open(what)
            elif isinstance(what, Closed):
                self._closed(what, sink)

    def _frame(self, session: Session, frame: bytes, sink: Sink) -> None:
        message: Message
        try:
            message = decode_known(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            try:
                message = parse_frame(frame)
            except MessageError as e:
                self._give_up(session, f"a message that is none: {plain(e)}", sink)
                return
        if type(message) is Delta:
            self._delta(session, message, frame, sink)
        elif isinstance(message, _Numbered):
            if self._is_next(session, message, frame, sink):
                self._happened(message, sink)
        elif isinstance(message, _Answer):
            self._answered(session, message, frame, sink)
        elif isinstance(message, Unknown):
            self._strange(session, message, frame, sink)
        elif message.sid in session.live:
            self._unnumbered(message)

    def _delta(self, session: Session, message: Delta, frame: bytes, sink: Sink) -> None:
        channel = self._books
        if channel is None or message.sid != channel.sid:
            self.ignored["of an old channel"] += 1
            return
        if message.seq - 1 == channel.last:
            # As `Channel.follow`, without the call: nothing comes as often as this.
            channel.last, channel.frame = message.seq, frame
        elif not self._follows(session, channel, message.seq, frame, sink):
            return
        body, now = message.msg, self._now
        ts_ms = body.ts_ms
        sent_ms = message.sending_ts_ms or ts_ms
        if sent_ms is not None:
            self._judge_lag(sent_ms, sink)
        streamed = self._told.markets.get(body.market_ticker)
        if streamed is None or not streamed.book.whole:
            self.ignored["without a book"] += 1
            return
        try:
            side, price, size = streamed.book.fold(body)
        except MessageError as e:
            self._spoil(body.market_ticker, streamed, e, sink)
            return
        if streamed.told:
            exchange = None if ts_ms is None else ts_ms * 1000
            sink.delta(body.market_ticker, side, price, size, now, exchange)  # type: ignore[arg-type] # a NewType around every int would cost a tenth of the time here
            self._told.pushed += 1

    def _happened(self, message: _Numbered, sink: Sink) -> None:
        match message:
            case Snapshot():
                self._snapshot(message, sink)
            case Trade():
                self._trade(message, sink)
            case Lifecycle():
                for push in self._statuses.hear(message.msg, self._now):
                    push(sink, self._now)
                    self._told.pushed += 1
            case FeesChanged() | EventCreated():
                self._statuses.hear_event(message.msg.event_ticker, self._now)

    def _snapshot(self, message: Snapshot, sink: Sink) -> None:
        self._judge_lag(message.sending_ts_ms, sink)
        name = message.msg.market_ticker
        streamed = self._told.markets.get(name)
        if streamed is None:
            return
        try:
            streamed.book.replace(message.msg)
        except MessageError as e:
            self._spoil(name, streamed, e, sink)
            return
        self._told.tell(name, streamed, sink, self._now)

    def _trade(self, message: Trade, sink: Sink) -> None:
        body = message.msg
        self._judge_lag(message.sending_ts_ms or body.ts_ms, sink)
        streamed = self._told.markets.get(body.market_ticker)
        if streamed is None or not streamed.announced or body.is_block_trade:
            return
        try:
            price, size = yes_price(body.yes_price_dollars), contracts(body.count_fp)
        except MessageError as e:
            self._note(plain(f"{body.market_ticker}: a print that cannot be read: {e}"))
            self._miss_prints("a print that cannot be read", sink)
            return
        if size <= 0 or body.is_block_trade is None:
            why = "a print without a size, or that may be a block trade"
            self._note(plain(f"{body.market_ticker}: {why}"))
            self._miss_prints(why, sink)
            return
        taker = _BID if body.taker_outcome_side == "yes" else _ASK
        exchange = None if body.ts_ms is None else Micros(body.ts_ms * 1000)
        sink.trade(body.market_ticker, taker, price, size, self._now, exchange)
        self._told.pushed += 1

    def _unnumbered(self, message: Known) -> None:
        try:
            match message:
                case Ticker() if message.msg.market_ticker in self._told.markets:
                    self.tickers[message.msg.market_ticker] = message.msg
                case Fill() if self._inbox is not None:
                    self._inbox.put(pushed_fill(message.msg, self._now))
                case UserOrder() if self._inbox is not None:
                    self._inbox.put(pushed_order(message.msg, self._now))
                case _:
                    self.ignored["of no use"] += 1
        except MessageError as e:
            self._ask_for_ours(f"a message about us that cannot be read: {plain(e)}")

    def _answered(self, session: Session, message: _Answer, frame: bytes, sink: Sink) -> None:
        self._tended_at = None
        if isinstance(message, Subscribed):
            self._begin(session, message, sink)
            return
        channel = session.live.get(message.sid or 0)
        if channel is not None and message.seq is not None:
            # Acknowledgements take part in the count.
            self._follows(session, channel, message.seq, frame, sink)
        match message:
            case Unsubscribed():
                session.end(message)
            case Ok():
                # In a quiet hour these are all that tells whether what comes is still late.
                self._judge_lag(message.sending_ts_ms, sink)
                listed = parse_list(message) if message.sid is None else None
                for missing in session.missing(listed) if listed is not None else ():
                    self._over(session, missing, "the venue does not list it", sink)
                session.done(message)
            case Failed():
                text = plain(f"the venue says {message.msg.code} {message.msg.msg}")
                self._note(text)
                failed = session.fail(message)
                if failed is not None:
                    self._over(session, failed, text, sink)

    def _begin(self, session: Session, message: Subscribed, sink: Sink) -> None:
        channel = session.begin(message)
        if channel is None:
            self._note(f"nobody asked for {message.msg.channel}")
        elif channel.name == BOOKS:
            self._books = channel
            self._asked_at = self._clock.elapsed()
        elif channel.name == TRADES:
            self._told.prints = True
            self._told.tell_untold(sink, self._now)
        elif channel.name == LIFECYCLE:
            self._statuses.catch_up()
        elif channel.name in _PRIVATE and self._inbox is not None:
            self._inbox.must_read(f"{channel.name} begin here")

    def _strange(self, session: Session, message: Unknown, frame: bytes, sink: Sink) -> None:
        """Take a message we cannot read: its place in the order counts, its loss is a gap."""
        channel = session.live.get(message.sid or 0)
        if channel is not None and message.seq is not None:
            self._follows(session, channel, message.seq, frame, sink)
        if not message.broken:
            self._count_unknown(plain(message.type))
            return
        why = plain(f"a {message.type} that cannot be read: {message.broken}")
        if message.type in _PRIVATE_TYPES:
            self._ask_for_ours(why)
            return
        self._note(why)
        if channel is None:
            self._give_up(session, why, sink)
        elif channel.sid is not None:
            self._break(session, channel, why, sink)

    def _count_unknown(self, kind: str) -> None:
        if kind in self.unknown or len(self.unknown) < _UNKNOWN_MAX:
            self.unknown[kind] += 1
            if self.unknown[kind] == 1:
                self._note(f"messages of type {kind!r} are not understood")

    def _ask_for_ours(self, why: str) -> None:
        self._note(why)
        if self._inbox is not None:
            self._inbox.must_read(why)

    # -- whether it can be believed ----------------------------------------------------------

    def _is_next(self, session: Session, message: _Numbered, frame: bytes, sink: Sink) -> bool:
        channel = session.live.get(message.sid)
        if channel is None or (isinstance(message, Snapshot) and channel is not self._books):
            self.ignored["of an old channel"] += 1
            return False
        return self._follows(session, channel, message.seq, frame, sink)

    def _follows(
        self, session: Session, channel: Channel, seq: int, frame: bytes, sink: Sink
    ) -> bool:
        """Tell whether a message may be taken; what is missing before it is a gap."""
        last = channel.last
        order = channel.follow(seq, frame)
        if order is Order.NEXT:
            return True
        if order is Order.REPEATED:
            self.ignored["repeated"] += 1
            return False
        why = f"{channel.name}: message {seq} came after {last}"
        self._note(why)
        channel.last, channel.frame = seq, frame
        self._break(session, channel, why, sink)
        # A change of a book builds on what is missing; everything else stands for itself.
        return channel.name != BOOKS

    def _break(self, session: Session, channel: Channel, why: str, sink: Sink) -> None:
        """Take that something of a channel is missing."""
        if channel.name == BOOKS:
            self._over(session, channel, why, sink)
        elif channel.name == TRADES:
            self._miss_prints(why, sink)
        else:
            self._statuses.catch_up()

    def _over(self, session: Session, channel: Channel, why: str, sink: Sink) -> None:
        """Leave a channel that cannot be believed any more; it is joined again."""
        elapsed = self._clock.elapsed()
        if channel.name == BOOKS:
            self._books = None
            self._told.forget(why, sink, self._now)
        elif channel.name == TRADES:
            self._told.prints = False
            self._told.gap_in_all(why, sink, self._now)
        elif channel.name in _PRIVATE and self._inbox is not None:
            self._inbox.must_read(why)
        self._send(session, session.leave(channel, elapsed))
        self._tended_at = None
        self._renewals.append(elapsed)
        often = len(self._renewals) == _RENEWALS_MAX
        if often and elapsed - self._renewals[0] < _RENEWALS_WITHIN:
            self._renewals.clear()
            self._give_up(session, f"again and again: {why}", sink)

    def _judge_lag(self, sent_ms: int | None, sink: Sink) -> None:
        """Take when a message was sent; while messages are late no book is believed."""
        if sent_ms is None:
            return
        lags = self._lags
        lag = self._received - sent_ms * 1000
        if lags.least is None or lag < lags.least:
            lags.see(lag)
        delay = lag - lags.base
        if not self._told.late:
            if delay > lags.limit:
                self._told.late = True
                why = f"what comes is {delay / SECOND:.1f} s late"
                self._note(why)
                self._told.gap_in_all(why, sink, self._now)
        elif delay < lags.limit // 2:
            self._told.late = False
            self._told.tell_untold(sink, self._now)

    def _spoil(self, name: str, streamed: StreamedBook, error: Exception, sink: Sink) -> None:
        """Let go of one book that is not sound, and ask for it again."""
        streamed.book.lose()
        why = plain(f"the book is not sound: {error}")
        self._note(plain(f"{name}: {why}"))
        self._told.gap(name, why, sink, self._now)
        if self._session is not None:
            self._asked_at = self._clock.elapsed()
            self._send(self._session, self._session.snapshot((name,), self._asked_at))

    def _miss_prints(self, why: str, sink: Sink) -> None:
        """Say that prints are missing up to here; the books go on from what they are."""
        self._told.gap_in_all(why, sink, self._now)
        self._told.tell_untold(sink, self._now)

    # -- the connection ----------------------------------------------------------------------

    def _open(self, opened: Opened) -> None:
        self._session = Session(opened.connection, answer_within=self._pace.answer)
        self._trouble = ""
        self._told.late, self._lags.least = False, None
        self._tended_at = None
        self._statuses.catch_up()

    def _closed(self, closed: Closed, sink: Sink) -> None:
        if self._session is not None and closed.connection == self._session.connection:
            self._part(closed.reason, sink)
        if closed.reason != self._trouble:
            self._trouble = closed.reason
            self._note(closed.reason)

    def _give_up(self, session: Session, why: str, sink: Sink) -> None:
        """Drop a connection; what still comes of it is not looked at."""
        self._part(why, sink)
        self._frames.drop(session.connection, why)

    def _part(self, why: str, sink: Sink) -> None:
        self._session = None
        self._books = None
        self._told.prints = False
        self._told.forget(why, sink, self._now)
        if self._inbox is not None:
            self._inbox.must_read(why)

    def _tend(self, sink: Sink, until: Micros, began: Duration) -> None:
        """See to what is overdue: answers, subscriptions, books, and signs of life."""
        session = self._session
        if session is None:
            return
        # Answers are overdue by the time up to which was looked for them.
        why = session.broken or session.overdue(began)
        if why:
            self._now = max(self._now, until)
            self._give_up(session, why, sink)
            return
        elapsed = self._clock.elapsed()
        if self._frames.silent_for() > self._pace.quiet:
            self._send(session, session.probe(elapsed))
        if self._tended_at is None or elapsed - self._tended_at >= _TEND_EVERY:
            self._tended_at = elapsed
            self._send(session, session.sync(self._wanted(), elapsed))
            self._ask_again(session, elapsed)

    def _ask_again(self, session: Session, elapsed: Duration) -> None:
        """Ask for books that are missing although they were subscribed to."""
        channel = self._books
        if channel is None or elapsed - self._asked_at < self._pace.snapshot:
            return
        asked, markets = channel.asked, self._told.markets
        missing = [name for name, one in markets.items() if name in asked and not one.book.whole]
        if missing:
            self._asked_at = elapsed
            self._send(session, session.snapshot(missing, elapsed))

    def _wanted(self) -> Wanted:
        names = self._statuses.open_names
        # Prints first: a book is told once they are there.
        wanted: dict[str, dict[str, None] | None] = {TRADES: names, BOOKS: names, LIFECYCLE: None}
        if self._pace.tickers:
            wanted[TICKERS] = names
        if self._inbox is not None:
            wanted |= {FILLS: None, ORDERS: None}
        return wanted

    def _send(self, session: Session, commands: Iterator[bytes]) -> None:
        for command in commands:
            self._frames.send(session.connection, command)

    def _note(self, problem: str) -> None:
        self.problems.append(plain(f"stream: {problem}"))


@attrs.define(eq=False)
class _Lags:
    """How long messages take: ``least`` so far, and from which ``base`` they are judged."""

    limit: Duration
    least: int | None = None
    base: int = 0
    _agree: bool = True

    def trust(self, guard: ClockGuard) -> None:
        """Judge by the time alone while the clocks agree, else beside the quickest message."""
        least = self.least or 0
        # A message from the future: whatever the guard says, the clocks do not agree.
        self._agree = abs(guard.skew) <= guard.limit and least > -MAX_SKEW
        self.base = 0 if self._agree else least

    def see(self, lag: int) -> None:
        """Take the quickest message so far."""
        self.least = lag
        if not self._agree:
            self.base = lag
