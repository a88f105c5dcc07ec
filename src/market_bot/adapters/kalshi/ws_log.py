"""Recorded Kalshi websocket logs: one ``{"recv_ms": …, "event": …}`` per line, plain or gzipped.

Files are merged by receive time. Within a file ``seq`` may jump, because more markets were
subscribed than kept; it going backwards means a new connection, after which no book is whole.
A market belongs to one file until that file ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import Final

import attrs
import msgspec

from market_bot.core.domain.book import Side
from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import Micros, Price
from market_bot.core.ports.market_data import Capability, Sink
from market_bot.core.ports.recordings import (
    NEVER,
    ImportReport,
    Progress,
    RecordingError,
    Timeline,
    no_progress,
)

from .recorded_lines import read_blocks
from .recorded_markets import VENUE, RecordedMarket, from_ticker, read_markets, read_outcomes
from .ws_books import FoldedBook, NegativeSizeError, contracts, yes_price
from .ws_messages import (
    Delta,
    Event,
    MessageError,
    Other,
    Snapshot,
    Trade,
    decode_line,
    parse_line,
)

__all__ = ["CAPABILITIES", "VENUE", "import_ws_log"]

CAPABILITIES: Final = frozenset({Capability.L2_STREAM, Capability.PRINTS})

_PATIENCE: Final = 20
_EXPECTED: Final = '{"recv_ms": 1785901540731, "event": {"type", "sid", "seq", "msg"}}'
_UNREADABLE: Final = Other("")


def import_ws_log(
    paths: Sequence[Path],
    sink: Sink,
    *,
    metadata: Sequence[Path] = (),
    outcomes: Sequence[Path] = (),
    progress: Progress = no_progress,
) -> ImportReport:
    """Push recorded messages into a sink as absolute sizes in YES space.

    Args:
        paths: log files, in any order.
        sink: takes the facts.
        metadata: REST answers or market tables; without one a market is what its ticker tells.
        outcomes: CSV files ``ticker,result``, for results that metadata lacks.
        progress: is told bytes done and bytes in all.

    Raises:
        RecordingError: if a file is not such a log (before anything is pushed), or is cut off
            (after everything readable was pushed; the error carries the report).

    """
    known = read_markets(metadata, fractional=True)
    results = read_outcomes(outcomes)
    timeline = Timeline(sink)
    positions = _Positions(paths, progress)
    logs = [_Log(path, timeline, positions) for path in paths]
    _Folding(timeline, known, results).run(logs)
    report = timeline.finish()
    for log in logs:
        if log.failure is not None:
            raise RecordingError(str(log.failure), report) from log.failure
    return report


class _Positions:
    """Adds up how far each file has been read."""

    def __init__(self, paths: Sequence[Path], progress: Progress) -> None:
        self._total = sum(path.stat().st_size for path in paths if path.is_file())
        self._done: dict[Path, int] = {}
        self._progress = progress

    def told(self, path: Path, position: int) -> None:
        self._done[path] = position
        self._progress(sum(self._done.values()), self._total)


@attrs.define(eq=False)
class _Log:
    """One file: its events, the last ``seq`` of each subscription, and whether it has ended."""

    path: Path
    _timeline: Timeline
    _positions: _Positions
    last: dict[int, int] = attrs.field(factory=dict)
    ended: bool = False
    failure: RecordingError | None = None

    def events(self) -> Iterator[tuple[int, Event]]:
        """Yield receive times (µs) and messages; `_UNREADABLE` stands for lost lines within."""
        good = bad = 0
        torn = False
        event: Event
        for lines in self._blocks():
            for line in lines:
                try:
                    parsed = decode_line(line)
                    received, event = parsed.recv_ms * 1000, parsed.event
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    other = self._other(line)
                    if other is None:
                        bad += 1
                        torn = good > 0
                        if not good and bad >= _PATIENCE:
                            raise self._foreign() from None
                        continue
                    received, event = other
                if torn:
                    yield received, _UNREADABLE
                    torn = False
                good += 1
                yield received, event
        if not good:
            raise self.failure or self._foreign()

    def _blocks(self) -> Iterator[list[bytes]]:
        try:
            yield from read_blocks(self.path, self._positions.told)
        except RecordingError as e:
            self.failure = e

    def _other(self, line: bytes) -> tuple[int, Event] | None:
        try:
            recv_ms, event = parse_line(line)
        except MessageError:
            self._timeline.dropped["unreadable_line"] += 1
            return None
        return recv_ms * 1000, event

    def _foreign(self) -> RecordingError:
        msg = f"{self.path}:1: not a Kalshi websocket log; expected lines like {_EXPECTED}"
        return RecordingError(msg)


@attrs.define(eq=False)
class _State:
    """A market of the recording: the file it comes from and its book."""

    source: _Log
    book: FoldedBook = attrs.field(factory=FoldedBook)
    told_missing: bool = False


@attrs.define(eq=False)
class _Folding:
    """Turns messages into facts."""

    _timeline: Timeline
    _known: Mapping[str, RecordedMarket]
    _results: Mapping[str, Price]
    _states: dict[str, _State] = attrs.field(factory=dict)

    def run(self, logs: Sequence[_Log]) -> None:
        """Consume all files in the order of their receive times.

        Whole runs are taken from one file while it is the earliest, so that a single file, or
        files one after another, cost nothing extra.
        """
        heads = [
            (first[0], index, first[1], events)
            for index, events in enumerate([log.events() for log in logs])
            if (first := next(events, None)) is not None
        ]
        heapify(heads)
        while heads:
            received, index, event, events = heappop(heads)
            log, until = logs[index], heads[0][0] if heads else NEVER
            self._take(received, event, log)
            for received, event in events:
                if received > until:
                    heappush(heads, (received, index, event, events))
                    break
                self._take(received, event, log)
            else:
                log.ended = True

    def _take(self, received: int, event: Event, log: _Log) -> None:
        timeline = self._timeline
        if timeline.now <= received <= timeline.due and timeline.records:
            timeline.now = received  # type: ignore[assignment] # calling a NewType at every line costs a tenth
        else:
            timeline.advance(Micros(received))
        kind = type(event)
        if kind is Delta:
            self._delta(event, log)  # type: ignore[arg-type] # isinstance and match cost twice as much here
        elif kind is Trade:
            self._trade(event, log)  # type: ignore[arg-type] # as above
        elif kind is Snapshot:
            self._snapshot(event, log)  # type: ignore[arg-type] # as above
        elif event is _UNREADABLE:
            self._lose(log, "an unreadable line: a change may be missing")
        else:
            timeline.dropped["other_message"] += 1

    def _delta(self, event: Delta, log: _Log) -> None:
        body = event.msg
        ticker = body.market_ticker
        timeline = self._timeline
        if event.seq <= log.last.get(event.sid, -1) and self._repeated(event, log):
            return
        log.last[event.sid] = event.seq
        state = self._states.get(ticker)
        if state is None or state.source is not log:
            state = self._owned(ticker, event, log)
            if state is None:
                return
        if not state.book.whole:
            self._without_book(state, ticker)
            return
        try:
            side, price, size = state.book.fold(body)
        except MessageError as e:
            self._spoil(state, ticker, e)
            return
        exchange = None if body.ts_ms is None else body.ts_ms * 1000
        timeline.sink.delta(ticker, side, price, size, timeline.now, exchange)  # type: ignore[arg-type] # as in `_take`
        timeline.records += 1

    def _trade(self, event: Trade, log: _Log) -> None:
        body = event.msg
        ticker = body.market_ticker
        timeline = self._timeline
        if event.seq <= log.last.get(event.sid, -1) and self._repeated(event, log):
            return
        log.last[event.sid] = event.seq
        if self._owned(ticker, event, log) is None:
            return
        try:
            price, size = yes_price(body.yes_price_dollars), contracts(body.count_fp)
        except MessageError:
            timeline.dropped["bad_number"] += 1
            return
        if body.taker is None or size <= 0:
            timeline.dropped["incomplete_trade"] += 1
            return
        taker = Side.BID if body.taker == "yes" else Side.ASK
        exchange = None if body.ts_ms is None else Micros(body.ts_ms * 1000)
        timeline.sink.trade(ticker, taker, price, size, timeline.now, exchange)
        timeline.records += 1

    def _snapshot(self, event: Snapshot, log: _Log) -> None:
        body = event.msg
        timeline = self._timeline
        if event.seq < log.last.get(event.sid, -1):
            self._renew(log)
        log.last[event.sid] = event.seq
        state = self._owned(body.market_ticker, event, log)
        if state is None:
            return
        try:
            state.book.replace(body)
        except MessageError as e:
            self._spoil(state, body.market_ticker, e)
            return
        state.told_missing = False
        book = state.book
        timeline.sink.book(body.market_ticker, book.bids, book.asks, timeline.now, None)
        timeline.records += 1

    def _repeated(self, event: Delta | Trade, log: _Log) -> bool:
        """Tell whether this is the same message again; a smaller ``seq`` is a new connection."""
        if event.seq == log.last[event.sid]:
            self._timeline.dropped["repeated_message"] += 1
            return True
        self._renew(log)
        return False

    def _renew(self, log: _Log) -> None:
        log.last.clear()
        self._lose(log, "a new connection: changes may be missing")

    def _lose(self, log: _Log, reason: str) -> None:
        for ticker, state in self._states.items():
            if state.source is log and state.book.whole:
                state.book.lose()
                state.told_missing = True
                self._timeline.gap(ticker, reason)

    def _owned(self, ticker: str, event: Snapshot | Delta | Trade, log: _Log) -> _State | None:
        state = self._states.get(ticker)
        if state is None:
            self._announce(ticker)
            state = self._states[ticker] = _State(log)
        elif state.source is not log:
            if not state.source.ended:
                self._timeline.dropped["market_in_two_files"] += 1
                return None
            if state.book.whole and event.seq <= state.source.last.get(event.sid, event.seq):
                state.book.lose()
                state.told_missing = True
                self._timeline.gap(ticker, "another file, another connection")
            state.source = log
        return state

    def _announce(self, ticker: str) -> None:
        timeline = self._timeline
        known = self._known.get(ticker)
        if known is None:
            known = RecordedMarket(from_ticker(ticker, fractional=True))
            if self._known:
                timeline.mended["market_without_metadata"] += 1
        market = known.market
        timeline.meta(market)
        if market.close_at is not None:
            timeline.schedule_status(market.close_at, ticker, MarketStatus.CLOSED)
        payout = self._results.get(ticker) if known.yes_payout is None else known.yes_payout
        if payout is not None:
            at = NEVER if known.settled_at is None else known.settled_at
            timeline.schedule_resolution(at, ticker, payout)

    def _without_book(self, state: _State, ticker: str) -> None:
        self._timeline.dropped["delta_without_book"] += 1
        if not state.told_missing:
            state.told_missing = True
            self._timeline.gap(ticker, "changes before any snapshot")

    def _spoil(self, state: _State, ticker: str, error: MessageError) -> None:
        negative = isinstance(error, NegativeSizeError)
        self._timeline.dropped["negative_size" if negative else "bad_number"] += 1
        state.book.lose()
        state.told_missing = True
        self._timeline.gap(ticker, f"the book is not sound: {error}")
