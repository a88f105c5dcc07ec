"""Recorded Polymarket quotes as Parquet: best bid and ask of every market each few minutes.

The files are sorted by market, so they are sorted by time first, spilling to disk. Every row is a
book of at most one level per side whose size is one contract as a token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from market_bot.core.domain.market import TENTH_CENTS, FeeModel, FeeSchedule, Market
from market_bot.core.domain.numbers import ONE_CONTRACT, ONE_DOLLAR, Micros, Price, Size
from market_bot.core.ports.market_data import Capability, Sink
from market_bot.core.ports.recordings import ImportReport, Progress, Timeline, no_progress

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

__all__ = ["CAPABILITIES", "CATEGORY_RATES", "VENUE", "event_of", "import_quotes"]

CAPABILITIES: Final = frozenset({Capability.QUOTES})

CATEGORY_RATES: Final[Mapping[str, int]] = {
    "climate": 50_000,
    "crypto": 70_000,
    "culture": 50_000,
    "economics": 50_000,
    "finance": 40_000,
    "geopolitics": 0,
    "macro": 50_000,
    "mentions": 40_000,
    "other": 50_000,
    "politics": 40_000,
    "sports": 50_000,
    "tech": 40_000,
    "technology": 40_000,
    "weather": 50_000,
}
"""Taker rates in 1e-6 dollar by category (docs.polymarket.com, fees, as of July 2026).

A category that is not listed is charged the highest.
"""

_COLUMNS: Final = {
    "ts": "TIMESTAMP",
    "slug": "VARCHAR",
    "category": "VARCHAR",
    "bid": "DOUBLE",
    "ask": "DOUBLE",
}
_LABEL_COLUMNS: Final = {"slug": "VARCHAR", "y": "INTEGER", "source": "VARCHAR"}
_PROGRESS_EVERY: Final = 65_536
# Doubles become the nearest 1e-6; the venue's own prices have at most four decimals.
_READ: Final = """
    SELECT epoch_us(ts) AS moment, slug, category, CAST(round(bid * 1e6) AS BIGINT),
           CAST(round(ask * 1e6) AS BIGINT), {segment} AS segment
    FROM read_parquet($paths, union_by_name = true)
    WHERE isfinite(coalesce(bid, 0)) AND isfinite(coalesce(ask, 0))
    ORDER BY moment, slug
"""
_ENDS: Final = """
    SELECT slug, epoch_us(max(ts)) FROM read_parquet($paths, union_by_name = true) GROUP BY slug
"""
_LABELS: Final = """
    SELECT slug, y, count(*) OVER (PARTITION BY slug) FROM (
        SELECT DISTINCT slug, y FROM read_parquet($paths, union_by_name = true)
        WHERE source = 'api' AND y IN (0, 1)
    )
"""
_SKIPPED_LABELS: Final = """
    SELECT count(*) FROM read_parquet($paths, union_by_name = true)
    WHERE source IS DISTINCT FROM 'api'
"""
# The venue's slugs start with a code for the kind of bet and carry the date of the event:
# astatc-fwc-eng-arg-2026-07-15-ga-… and tsc-fwc-eng-arg-2026-07-15-tg-… are the same match.
_DATED: Final = re.compile(r"^[a-z]+-(.+?-(?:\d{4}-\d{2}-\d{2}|\d{2}-\d{2}-\d{4}))(?:-|$)")


def event_of(slug: str) -> str:
    """Return the event a slug belongs to: what it says up to its date; the slug without a date."""
    found = _DATED.match(slug)
    return found.group(1) if found else slug


def import_quotes(
    paths: Sequence[Path],
    sink: Sink,
    *,
    metadata: Sequence[Path] = (),
    outcomes: Sequence[Path] = (),
    progress: Progress = no_progress,
) -> ImportReport:
    """Push recorded quotes into a sink in the order of their times; memory stays bounded.

    A labelled market resolves after its last quote in these files.

    Args:
        paths: Parquet files, in any order.
        sink: takes the facts.
        metadata: files of Gamma records, for titles, ticks and fees by slug.
        outcomes: Parquet files ``slug, y, source``; only labels from ``api`` are believed.
        progress: is told rows done and rows in all.

    Raises:
        RecordingError: if DuckDB is absent or a file is not such a recording (before anything is
            pushed).

    """
    known = {one.slug: one for one in read_gamma(metadata)}
    timeline = Timeline(sink)
    if not paths:
        return timeline.finish()
    with connection() as opened:
        segments = all("segment" in check_columns(opened, path, _COLUMNS) for path in paths)
        labels = _read_labels(opened, outcomes, timeline)
        values = {"paths": [str(path) for path in paths]}
        ends = dict(rows(opened, _ENDS, values)) if labels else {}
        pushing = _Pushing(timeline, known, labels, ends)
        total = count(opened, paths)
        number = 0
        query = _READ.format(segment="segment" if segments else "0")
        for row in rows(opened, query, values):
            pushing.take(row)
            number += 1
            if not number % _PROGRESS_EVERY:
                progress(number, total)
    if number < total:
        timeline.dropped["malformed_row"] += total - number
    progress(total, total)
    return timeline.finish()


def _read_labels(
    opened: duckdb.DuckDBPyConnection, outcomes: Sequence[Path], timeline: Timeline
) -> dict[str, Price]:
    labels: dict[str, Price] = {}
    if not outcomes:
        return labels
    for path in outcomes:
        check_columns(opened, path, _LABEL_COLUMNS)
    values = {"paths": [str(path) for path in outcomes]}
    timeline.dropped["label_not_from_api"] += next(rows(opened, _SKIPPED_LABELS, values))[0]
    for slug, happened, answers in rows(opened, _LABELS, values):
        if answers > 1:
            timeline.dropped["contradicting_label"] += 1
        else:
            labels[slug] = Price(ONE_DOLLAR if happened else 0)
    return labels


@attrs.define(eq=False)
class _Pushing:
    """Turns rows into facts."""

    _timeline: Timeline
    _known: Mapping[str, GammaMarket]
    _labels: Mapping[str, Price]
    _ends: Mapping[str, int]
    _seen: set[str] = attrs.field(factory=set)
    _segment: int | None = None

    def take(self, row: tuple[Any, ...]) -> None:
        """Take one row; what cannot be used is counted."""
        at, slug, category, bid, ask, segment = row
        timeline = self._timeline
        if at is None or not slug:
            timeline.dropped["malformed_row"] += 1
            return
        bids = _level(bid)
        asks = _level(ask)
        if bids is None or asks is None:
            timeline.dropped["malformed_row"] += 1
            return
        if bids and asks and bid >= ask:
            timeline.dropped["crossed"] += 1
            return
        received = timeline.advance(Micros(at))
        if slug not in self._seen:
            self._announce(slug, category or "")
        if segment != self._segment:
            if self._segment is not None:
                timeline.gap("", f"the recorder was away before segment {segment}")
            self._segment = segment
        timeline.sink.book(slug, bids, asks, received, None)
        timeline.records += 1

    def _announce(self, slug: str, category: str) -> None:
        self._seen.add(slug)
        known = self._known.get(slug)
        if known is not None:
            market = attrs.evolve(known.market, id=slug)
        else:
            market = _market(slug, category)
        self._timeline.meta(market)
        payout = self._labels.get(slug)
        if payout is not None:
            self._timeline.schedule_resolution(Micros(self._ends[slug]), slug, payout)


def _market(slug: str, category: str) -> Market:
    rate = CATEGORY_RATES.get(category, HIGHEST_FEES.taker_rate)
    return Market(
        venue=VENUE,
        id=slug,
        event=event_of(slug),
        family=category or VENUE,
        ticks=TENTH_CENTS,
        min_size=USUAL_MIN_SIZE,
        size_step=SIZE_STEP,
        fees=FeeSchedule(model=FeeModel.POLYMARKET_CURVE, taker_rate=rate),
    )


def _level(at: int | None) -> dict[Price, Size] | None:
    # Nothing, 0 and 1 dollar say that nobody is there.
    if at is None or at in (0, ONE_DOLLAR):
        return {}
    return {Price(at): ONE_CONTRACT} if 0 < at < ONE_DOLLAR else None
