"""Recorded Polymarket market channel as Parquet: changes of levels and trades, token by token.

Every change comes twice, once per token of a market, as exact mirrors. A pair of tokens becomes
one market in the YES space of its first token, and each change is taken once. There is no opening
book, so a market's book counts as whole only while its rebuilt touch equals the reported one;
deep levels resting since before the recording stay unknown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.market import TENTH_CENTS, Market
from market_bot.core.domain.numbers import ONE_DOLLAR, Micros, Price, Size, complement
from market_bot.core.ports.market_data import Capability, Sink
from market_bot.core.ports.recordings import (
    ImportReport,
    Progress,
    RecordingError,
    Timeline,
    no_progress,
)

from .gamma_records import (
    HIGHEST_FEES,
    SIZE_STEP,
    USUAL_MIN_SIZE,
    VENUE,
    GammaMarket,
    read_gamma,
)
from .parquet_rows import check_columns, connection, count, rows

if TYPE_CHECKING:  # The extra may be absent; only the annotation needs it.
    import duckdb

__all__ = ["CAPABILITIES", "VENUE", "import_ticks"]

CAPABILITIES: Final = frozenset({Capability.L2_STREAM, Capability.PRINTS})

_COLUMNS: Final = {
    "timestamp": "TIMESTAMP",
    "price": "DOUBLE",
    "size": "DOUBLE",
    "best_bid": "DOUBLE",
    "best_ask": "DOUBLE",
    "side": "VARCHAR",
    "event_type": "VARCHAR",
    "asset_id": "VARCHAR",
}
_SIDES: Final = {"BID": Side.BID, "ASK": Side.ASK}
_CHANGE: Final = "PRICE_CHANGE"
_TRADES: Final = ("LAST_TRADE", "LAST_TRADE_PRICE")
_TOKENS_MAX: Final = 100_000
_REMEMBERED: Final = 64
_PROGRESS_EVERY: Final = 8192
_MIRRORED_PERCENT: Final = 90
# Doubles become the nearest 1e-6; the recorder's own values have at most six decimals.
_READ: Final = """
    SELECT epoch_us(timestamp), CAST(round(price * 1e6) AS BIGINT),
           CAST(round(size * 1e6) AS BIGINT), CAST(round(best_bid * 1e6) AS BIGINT),
           CAST(round(best_ask * 1e6) AS BIGINT), side, event_type, asset_id
    FROM read_parquet($path, file_row_number = true) ORDER BY file_row_number
"""
_PAIRS: Final = """
    WITH changes AS (
        SELECT epoch_us(timestamp) AS moment, CAST(round(price * 1e6) AS BIGINT) AS price, size,
               side, asset_id
        FROM read_parquet($paths) WHERE event_type = 'PRICE_CHANGE'
          AND price > 0 AND price < 1 AND size >= 0 AND side IN ('BID', 'ASK')
    ), distinct_changes AS (SELECT DISTINCT * FROM changes)
    SELECT a.asset_id, b.asset_id, count(*) AS mirrored,
           (SELECT count(*) FROM distinct_changes c WHERE c.asset_id = a.asset_id) AS seen
    FROM distinct_changes a JOIN distinct_changes b
      ON a.moment = b.moment AND a.size = b.size AND a.price = 1000000 - b.price
     AND a.side <> b.side AND a.asset_id < b.asset_id
    GROUP BY a.asset_id, b.asset_id ORDER BY mirrored DESC, a.asset_id, b.asset_id
"""


class _Change(NamedTuple):
    """A change of a level, and the touch after it."""

    at: int
    side: Side
    price: Price
    size: Size
    best_bid: Price
    best_ask: Price

    def mirrored(self) -> _Change:
        """Return the same change as the other leg sees it."""
        bests = (complement(self.best_ask), complement(self.best_bid))
        return _Change(self.at, self.side.other, complement(self.price), self.size, *bests)


def import_ticks(
    paths: Sequence[Path],
    sink: Sink,
    *,
    metadata: Sequence[Path] = (),
    outcomes: Sequence[Path] = (),
    progress: Progress = no_progress,
) -> ImportReport:
    """Push recorded changes and trades into a sink, one market per pair of tokens.

    Without metadata a market is named after the smaller of its tokens (as text), which is then
    taken as YES, and is charged the dearest fee schedule.

    Args:
        paths: Parquet files, in any order.
        sink: takes the facts.
        metadata: files of Gamma records; they tell which market and which outcome a token is.
        outcomes: must be empty: this format has none.
        progress: is told rows done and rows in all.

    Raises:
        RecordingError: if DuckDB is absent or a file is not such a recording (before anything is
            pushed).

    """
    if outcomes:
        msg = f"{outcomes[0]}: recordings of ticks take no outcomes; leave the option away"
        raise RecordingError(msg)
    known = read_gamma(metadata)
    with connection() as opened:
        for path in paths:
            check_columns(opened, path, _COLUMNS)
        total = count(opened, paths) if paths else 0
        folding = _Folding(Timeline(sink), _Tokens(known, _pairs(opened, paths)))
        number = 0
        for path in _by_first_time(opened, paths):
            for row in rows(opened, _READ, {"path": str(path)}):
                folding.take(row)
                number += 1
                if not number % _PROGRESS_EVERY:
                    progress(number, total)
    progress(total, total)
    return folding.timeline.finish()


def _by_first_time(opened: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> list[Path]:
    query = "SELECT epoch_us(min(timestamp)) FROM read_parquet($path)"
    first = {path: next(rows(opened, query, {"path": str(path)}))[0] or 0 for path in paths}
    return sorted(paths, key=lambda path: first[path])


def _pairs(opened: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> dict[str, str]:
    """Return the smaller token of each pair by either token; a pair mirrors nearly every row."""
    found: dict[str, str] = {}
    if not paths:
        return found
    for low, high, mirrored, seen in rows(opened, _PAIRS, {"paths": [str(p) for p in paths]}):
        if low in found or high in found or mirrored * 100 < seen * _MIRRORED_PERCENT:
            continue
        found[low] = found[high] = low
        if len(found) > _TOKENS_MAX:
            msg = f"more than {_TOKENS_MAX} tokens in one import; import fewer files at a time"
            raise RecordingError(msg)
    return found


class _Tokens:
    """Tells which market a token belongs to, and whether it is its YES."""

    def __init__(self, known: Sequence[GammaMarket], pairs: Mapping[str, str]) -> None:
        self._known = {token: one for one in known for token in one.tokens}
        self._pairs = pairs

    def find(self, token: str) -> tuple[Market, bool]:
        known = self._known.get(token)
        if known is not None:
            return known.market, token == known.tokens[0]
        first = self._pairs.get(token, token)
        market = Market(
            venue=VENUE,
            id=first,
            event=first,
            family=VENUE,
            ticks=TENTH_CENTS,
            min_size=USUAL_MIN_SIZE,
            size_step=SIZE_STEP,
            fees=HIGHEST_FEES,
        )
        return market, token == first


@attrs.define(eq=False)
class _Rebuilt:
    """The levels of one market known so far, and the last rows of it, per leg."""

    bids: dict[Price, Size] = attrs.field(factory=dict)
    asks: dict[Price, Size] = attrs.field(factory=dict)
    whole: bool = False
    recent: dict[bool, deque[_Change]] = attrs.field(
        factory=lambda: {leg: deque(maxlen=_REMEMBERED) for leg in (True, False)}
    )
    trades: deque[tuple[object, ...]] = attrs.field(factory=lambda: deque(maxlen=_REMEMBERED))

    def levels(self, side: Side) -> dict[Price, Size]:
        return self.bids if side is Side.BID else self.asks

    def stale(self, change: _Change) -> Iterator[tuple[Side, Price]]:
        """Yield levels better than the reported touch: their removal was never recorded."""
        yield from [(Side.BID, at) for at in self.bids if at > change.best_bid]
        yield from [(Side.ASK, at) for at in self.asks if at < change.best_ask]

    def agrees(self, change: _Change) -> bool:
        """Tell whether the rebuilt touch is the reported one (0 and 1 dollar: nobody there)."""
        best_bid = max(self.bids, default=0)
        best_ask = min(self.asks, default=ONE_DOLLAR)
        return best_bid == change.best_bid and best_ask == change.best_ask


@attrs.define(eq=False)
class _Folding:
    """Turns rows into facts."""

    timeline: Timeline
    _tokens: _Tokens
    _legs: dict[str, tuple[str, bool]] = attrs.field(factory=dict)
    _books: dict[str, _Rebuilt] = attrs.field(factory=dict)

    def take(self, row: tuple[Any, ...]) -> None:
        """Take one row of the file; what cannot be used is counted."""
        at, price, size, best_bid, best_ask, side, kind, token = row
        if (
            None in row[:3]
            or side not in _SIDES
            or not token
            or not 0 < price < ONE_DOLLAR
            or size < 0
        ):
            self.timeline.dropped["malformed_row"] += 1
        elif kind in _TRADES:
            self._trade(at, _SIDES[side], Price(price), Size(size), token)
        elif kind != _CHANGE:
            self.timeline.dropped["other_event"] += 1
        elif best_bid is None or best_ask is None:
            self.timeline.dropped["malformed_row"] += 1
        else:
            bests = (Price(best_bid), Price(best_ask))
            self._change(_Change(at, _SIDES[side], Price(price), Size(size), *bests), token)

    def _trade(self, at: int, taker: Side, price: Price, size: Size, token: str) -> None:
        timeline = self.timeline
        received = timeline.advance(Micros(at))
        market, yes = self._leg(token)
        book = self._books[market]
        trade = (at, taker, price, size, token)
        if trade in book.trades:
            timeline.dropped["exact_duplicate"] += 1
            return
        book.trades.append(trade)
        if not yes:
            taker, price = taker.other, complement(price)
        timeline.sink.trade(market, taker, price, size, received, Micros(at))
        timeline.records += 1

    def _change(self, reported: _Change, token: str) -> None:
        timeline = self.timeline
        timeline.advance(Micros(reported.at))
        market, yes = self._leg(token)
        book = self._books[market]
        change = reported if yes else reported.mirrored()
        if book.levels(change.side).get(change.price, 0) == change.size:
            # Only a row that changes nothing may be left out, so a true change never is.
            own, other = book.recent[yes].count(change), book.recent[not yes].count(change)
            if other > own:
                book.recent[yes].append(change)
                timeline.dropped["mirror_row"] += 1
                return
            if own:
                timeline.dropped["exact_duplicate"] += 1
                return
        book.recent[yes].append(change)
        self._apply(market, book, change)

    def _apply(self, market: str, book: _Rebuilt, change: _Change) -> None:
        timeline = self.timeline
        levels = book.levels(change.side)
        if change.size:
            levels[change.price] = change.size
        else:
            levels.pop(change.price, None)
        stale = list(book.stale(change))
        for side, at in stale:
            del book.levels(side)[at]
            timeline.mended["stale_level_dropped"] += 1
        if not book.agrees(change):
            timeline.mended["held_until_whole"] += 1
            if book.whole:
                book.whole = False
                timeline.gap(market, "the reported touch rests on a level from before the start")
            return
        if not book.whole:
            book.whole = True
            timeline.sink.book(market, book.bids, book.asks, timeline.now, Micros(change.at))
            timeline.records += 1
            return
        # Stale levels first: in between, the book must not look crossed.
        for side, at in stale:
            self._tell(market, side, at, Size(0), change)
        if (change.side, change.price) not in stale:
            self._tell(market, change.side, change.price, change.size, change)

    def _tell(self, market: str, side: Side, at: Price, size: Size, change: _Change) -> None:
        self.timeline.sink.delta(market, side, at, size, self.timeline.now, Micros(change.at))
        self.timeline.records += 1

    def _leg(self, token: str) -> tuple[str, bool]:
        leg = self._legs.get(token)
        if leg is None:
            market, yes = self._tokens.find(token)
            leg = self._legs[token] = (market.id, yes)
            if market.id not in self._books:
                self._books[market.id] = _Rebuilt()
                self.timeline.meta(market)
                self.timeline.gap(market.id, "no opening book in the recording")
        return leg
