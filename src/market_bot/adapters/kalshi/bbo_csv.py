"""Recorded best bids and asks of Kalshi markets, as CSV, plain or gzipped, in two flavours.

*Quotes* has whole cents and no sizes; *touch* has decimal dollars and sizes. Times carry no zone.
A file may hold two recordings of the same hours one after the other (a bad merge, its conflict
markers left in), so all rows are sorted by time, which these files are small enough for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from operator import itemgetter
from pathlib import Path
from sys import intern
from typing import Final

from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import (
    ONE_CONTRACT,
    ONE_DOLLAR,
    Micros,
    Price,
    Size,
    from_datetime,
)
from market_bot.core.ports.market_data import Capability, Sink
from market_bot.core.ports.recordings import (
    ImportReport,
    Progress,
    RecordingError,
    Timeline,
    no_progress,
)

from .recorded_lines import read_lines
from .recorded_markets import VENUE, RecordedMarket, from_ticker, read_markets, read_outcomes
from .ws_books import contracts, yes_price
from .ws_messages import MessageError

__all__ = ["CAPABILITIES", "QUOTES_HEADER", "TOUCH_HEADER", "VENUE", "capabilities", "import_bbo"]

QUOTES_HEADER: Final = (
    "timestamp,market_ticker,best_yes_bid,best_no_bid,implied_no_ask,implied_yes_ask"
)
TOUCH_HEADER: Final = (
    "timestamp,ticker,best_bid_price,best_bid_size,best_ask_price,best_ask_size,"
    "bid_levels,ask_levels,spread"
)
CAPABILITIES: Final[Mapping[str, frozenset[Capability]]] = {
    QUOTES_HEADER: frozenset({Capability.QUOTES}),
    TOUCH_HEADER: frozenset({Capability.TOP_OF_BOOK}),
}
"""What each flavour can claim, by its header."""

_CENT: Final = ONE_DOLLAR // 100
_CENTS: Final = 100
_ROWS_MAX: Final = 3_000_000
_PROGRESS_EVERY: Final = 4096
_CONFLICT_MARKERS: Final = ("<<<<<<<", "=======", ">>>>>>>")

_Levels = dict[Price, Size]
_Row = tuple[Micros, str, _Levels, _Levels]


class _BadRowError(ValueError):
    """The text is the reason under which the row is counted."""


def capabilities(paths: Sequence[Path]) -> frozenset[Capability]:
    """Return what files of this kind can claim; they must all be of one flavour.

    Raises:
        RecordingError: if a file is of neither flavour, or they are mixed.

    """
    headers = {_header(path): path for path in paths}
    if len(headers) > 1:
        msg = f"{list(headers.values())[-1]}:1: other columns than the rest; import them apart"
        raise RecordingError(msg)
    return next((CAPABILITIES[header] for header in headers), frozenset())


def import_bbo(
    paths: Sequence[Path],
    sink: Sink,
    *,
    metadata: Sequence[Path] = (),
    outcomes: Sequence[Path] = (),
    progress: Progress = no_progress,
    zone: tzinfo = UTC,
) -> ImportReport:
    """Push recorded quotes into a sink, each row as a book of at most one level per side.

    Where the file has no sizes, every level shows one contract as a token. A market resolves,
    if its result is known, after the last row of its event.

    Args:
        paths: CSV files of one flavour, in any order.
        sink: takes the facts.
        metadata: REST answers or market tables; without one a market is what its ticker tells.
        outcomes: CSV files ``ticker,result``, for results that metadata lacks.
        progress: is told rows done and rows in all.
        zone: the zone of the recorder's clock, which the files do not tell.

    Raises:
        RecordingError: if a file is of neither flavour or too big (before anything is pushed), or
            is cut off (after everything readable was pushed; the error carries the report).

    """
    capabilities(paths)
    timeline = Timeline(sink)
    known = read_markets(metadata, fractional=False)
    results = read_outcomes(outcomes)
    rows: list[_Row] = []
    failures = [e for path in paths if (e := _read(path, zone, rows, timeline)) is not None]
    rows.sort(key=itemgetter(0))
    markets = _markets(rows, known)
    ends = {markets[ticker].market.event: received for received, ticker, _, _ in rows}
    seen: set[str] = set()
    for number, (received, ticker, bids, asks) in enumerate(rows):
        timeline.advance(received)
        if ticker not in seen:
            seen.add(ticker)
            market = markets[ticker]
            _announce(timeline, market, results, ends[market.market.event])
        sink.book(ticker, bids, asks, timeline.now, None)
        timeline.records += 1
        if not number % _PROGRESS_EVERY:
            progress(number, len(rows))
    progress(len(rows), len(rows))
    report = timeline.finish()
    if failures:
        raise RecordingError(str(failures[0]), report) from failures[0]
    return report


def _markets(rows: list[_Row], known: Mapping[str, RecordedMarket]) -> dict[str, RecordedMarket]:
    return {
        ticker: known.get(ticker) or RecordedMarket(from_ticker(ticker, fractional=False))
        for ticker in dict.fromkeys(row[1] for row in rows)
    }


def _announce(
    timeline: Timeline, known: RecordedMarket, results: Mapping[str, Price], ends: Micros
) -> None:
    timeline.meta(known.market)
    ticker = known.market.id
    if known.market.close_at is not None:
        timeline.schedule_status(known.market.close_at, ticker, MarketStatus.CLOSED)
    payout = results.get(ticker) if known.yes_payout is None else known.yes_payout
    if payout is not None:
        settled = ends if known.settled_at is None else max(ends, known.settled_at)
        timeline.schedule_resolution(settled, ticker, payout)


def _header(path: Path) -> str:
    header = next((line.decode(errors="replace").strip() for line in read_lines(path)), "")
    if header not in CAPABILITIES:
        msg = (
            f"{path}:1: expected the header {QUOTES_HEADER} or {TOUCH_HEADER}, was {header[:80]!r}"
        )
        raise RecordingError(msg)
    return header


def _read(path: Path, zone: tzinfo, rows: list[_Row], timeline: Timeline) -> RecordingError | None:
    """Append the rows of one file; return what kept it from being read to its end."""
    lines = read_lines(path)
    try:
        parse = _quote if next(lines).decode().strip() == QUOTES_HEADER else _touch
        before = Micros(0)
        for line in lines:
            row = _row(line, parse, zone, timeline.dropped)
            if row is None:
                continue
            if row[0] < before:
                timeline.mended["time_stepped_back"] += 1
            before = row[0]
            rows.append(row)
            if len(rows) > _ROWS_MAX:
                msg = f"{path}: more than {_ROWS_MAX} rows in all; import fewer files at a time"
                break
        else:
            return None
    except RecordingError as e:
        return e
    raise RecordingError(msg)


def _row(
    line: bytes,
    parse: Callable[[list[str]], tuple[_Levels, _Levels]],
    zone: tzinfo,
    dropped: Counter[str],
) -> _Row | None:
    text = line.decode(errors="replace").strip()
    if text.startswith(_CONFLICT_MARKERS):
        dropped["conflict_marker"] += 1
        return None
    fields = text.split(",")
    try:
        bids, asks = parse(fields)
        received = _time(fields[0], zone)
    except _BadRowError as e:
        dropped[str(e)] += 1
        return None
    if bids and asks and max(bids) >= min(asks):
        dropped["crossed"] += 1
        return None
    return received, intern(fields[1]), bids, asks


def _quote(fields: list[str]) -> tuple[_Levels, _Levels]:
    if len(fields) != QUOTES_HEADER.count(",") + 1 or not fields[1]:
        reason = "malformed_row"
        raise _BadRowError(reason)
    yes_bid, no_bid, no_ask, yes_ask = (_whole_cents(text) for text in fields[2:])
    if yes_bid + no_ask != _CENTS or no_bid + yes_ask != _CENTS:
        reason = "inconsistent_quote"
        raise _BadRowError(reason)
    # 0 and 100 say that nobody is there.
    bids = {Price(yes_bid * _CENT): ONE_CONTRACT} if 0 < yes_bid < _CENTS else {}
    asks = {Price(yes_ask * _CENT): ONE_CONTRACT} if 0 < yes_ask < _CENTS else {}
    return bids, asks


def _whole_cents(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _CENTS):
        reason = "malformed_row"
        raise _BadRowError(reason)
    return int(text)


def _touch(fields: list[str]) -> tuple[_Levels, _Levels]:
    if len(fields) != TOUCH_HEADER.count(",") + 1 or not fields[1]:
        reason = "malformed_row"
        raise _BadRowError(reason)
    return _level(fields[2], fields[3]), _level(fields[4], fields[5])


def _level(at: str, held: str) -> _Levels:
    if not at and not held:
        return {}
    try:
        size = contracts(held)
        if size < 0:
            reason = "malformed_row"
            raise _BadRowError(reason)
        if size == 0 or at in ("0", "0.0", "0.00", "1", "1.0", "1.00"):
            return {}
        return {yes_price(at): size}
    except MessageError as e:
        reason = "malformed_row"
        raise _BadRowError(reason) from e


def _time(text: str, zone: tzinfo) -> Micros:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as e:
        reason = "malformed_row"
        raise _BadRowError(reason) from e
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=zone))
