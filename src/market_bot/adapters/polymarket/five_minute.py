"""Recorded five-minute up-or-down markets: their Gamma records and the price that settles them.

Markets come as JSON lines, one per window, prices as CSV with three timestamps. There are no
books, so nothing here can be traded; it gives strikes, fees, outcomes and a reference price.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec

from market_bot.core.domain.market import Market, MarketStatus, Resolution
from market_bot.core.domain.numbers import (
    Micros,
    Price,
    format_scaled,
    parse_scaled,
    price,
)
from market_bot.core.ports.market_data import Capability, Sink
from market_bot.core.ports.recordings import (
    ImportReport,
    Progress,
    RecordingError,
    Timeline,
    no_progress,
)

from .gamma_records import VENUE, decode, gamma_market, gamma_time, read_lines

__all__ = ["CAPABILITIES", "PRICES_HEADER", "VENUE", "import_five_minute"]

CAPABILITIES: Final[frozenset[Capability]] = frozenset()

PRICES_HEADER: Final = "feed_ts_ms,value,full_accuracy_value,server_ts_ms,recv_ms"

_SCALE: Final = 18
_LATEST_MS: Final = 7_258_118_400_000
_EXPECTED: Final = (
    f"JSON lines with slug, start_sec, end_sec and raw, or CSV with the header {PRICES_HEADER}"
)

_Tick = tuple[Micros, Micros, str, str]
_NAMED: Final = re.compile(r"([A-Z0-9]{2,10})USD-prices")


@attrs.frozen
class _Window:
    """One market: when it runs and how it ended."""

    market: Market
    asset: str
    opens: Micros
    closes: Micros
    yes_payout: Price | None
    resolved_at: Micros


def import_five_minute(
    paths: Sequence[Path],
    sink: Sink,
    *,
    metadata: Sequence[Path] = (),
    outcomes: Sequence[Path] = (),
    progress: Progress = no_progress,
) -> ImportReport:
    """Push markets, reference prices and outcomes into a sink.

    A market is announced, strike included, when its window opens; the strike is the price of that
    second, which the feed itself tells about a second later.

    Args:
        paths: files of markets and files of prices, in any order.
        sink: takes the facts.
        metadata: must be empty: the market files are the metadata.
        outcomes: must be empty: the market files hold them.
        progress: is told files done and files in all.

    Raises:
        RecordingError: if a file is of neither kind (before anything is pushed), or is cut off
            (after everything readable was pushed; the error carries the report).

    """
    if metadata or outcomes:
        msg = f"{[*metadata, *outcomes][0]}: five-minute markets bring their own; leave it away"
        raise RecordingError(msg)
    timeline = Timeline(sink)
    failures: list[RecordingError] = []
    prices = [path for path in paths if _is_prices(path)]
    windows = [
        window
        for path in paths
        if path not in prices
        for window in _windows(path, timeline, failures)
    ]
    for window in windows:
        _schedule(timeline, window)
    ticks = [_ticks(path, _reference_name(path, windows), timeline, failures) for path in prices]
    progress(0, len(paths))
    for received, fed, name, value in merge(*ticks, key=itemgetter(0)):
        sink.reference(name, value, timeline.advance(received), fed)
        timeline.records += 1
    report = timeline.finish()
    progress(len(paths), len(paths))
    if failures:
        raise RecordingError(str(failures[0]), report) from failures[0]
    return report


def _is_prices(path: Path) -> bool:
    first = next(iter(read_lines(path)), b"")
    if first == PRICES_HEADER.encode():
        return True
    try:
        record = decode(first)
    except msgspec.DecodeError:
        record = None
    if isinstance(record, dict) and {"slug", "start_sec", "end_sec", "raw"} <= record.keys():
        return False
    msg = f"{path}:1: expected {_EXPECTED}"
    raise RecordingError(msg)


def _reference_name(path: Path, windows: Sequence[_Window]) -> str:
    """Return the pair of a price file: from its name, else the one asset of the markets."""
    named = _NAMED.match(path.name)
    if named:
        return f"{named.group(1)}-USD"
    assets = {window.asset for window in windows}
    if len(assets) == 1:
        return f"{assets.pop().upper()}-USD"
    msg = f"{path}: which asset is this? name the file like BTCUSD-prices-2026-06-08.csv.gz"
    raise RecordingError(msg)


def _ticks(
    path: Path, name: str, timeline: Timeline, failures: list[RecordingError]
) -> Iterator[_Tick]:
    lines = read_lines(path)
    try:
        next(lines)
        for line in lines:
            try:
                yield _tick(line.decode(errors="replace").split(","), name)
            except ValueError:
                timeline.dropped["malformed_row"] += 1
    except RecordingError as e:
        failures.append(e)


def _tick(fields: list[str], name: str) -> _Tick:
    fed, rounded, exact, _, received = fields
    # The rounded value went through a float somewhere; the exact one did not.
    value = int(exact) if exact else parse_scaled(rounded, _SCALE)
    if value <= 0:
        msg = f"price not positive: {value}"
        raise ValueError(msg)
    return _moment(int(received)), _moment(int(fed)), name, format_scaled(value, _SCALE)


def _moment(milliseconds: int) -> Micros:
    if not 0 < milliseconds < _LATEST_MS:
        msg = f"not a time in milliseconds: {milliseconds}"
        raise ValueError(msg)
    return Micros(milliseconds * 1000)


def _windows(path: Path, timeline: Timeline, failures: list[RecordingError]) -> Iterator[_Window]:
    try:
        for line in read_lines(path):
            try:
                yield _window(decode(line), timeline)
            except (ValueError, TypeError, KeyError):
                timeline.dropped["malformed_market"] += 1
    except RecordingError as e:
        failures.append(e)


def _window(record: Mapping[str, Any], timeline: Timeline) -> _Window:
    found = gamma_market(record["raw"])
    opens, closes = _moment(record["start_sec"] * 1000), _moment(record["end_sec"] * 1000)
    if opens >= closes:
        msg = f"{found.slug}: ends before it starts"
        raise ValueError(msg)
    strike = record.get("strike_value")
    if strike is None:
        timeline.mended["strike_missing"] += 1
    market = attrs.evolve(
        found.market,
        event=found.slug,
        family=found.slug.rpartition("-")[0] or found.slug,
        open_at=opens,
        close_at=closes,
        strike=None if strike is None else format_scaled(int(strike), _SCALE),
    )
    closed = record["raw"].get("closedTime")
    payout = None
    if record.get("resolved"):
        payout = Resolution(market.id, price(record["outcome_prices"][0])).yes_payout
    return _Window(
        market,
        asset=str(record.get("asset") or ""),
        opens=opens,
        closes=closes,
        yes_payout=payout,
        resolved_at=max(closes, gamma_time(closed)) if closed else closes,
    )


def _schedule(timeline: Timeline, window: _Window) -> None:
    market = window.market
    timeline.schedule(window.opens, lambda: timeline.meta(market))
    timeline.schedule_status(window.closes, market.id, MarketStatus.CLOSED)
    if window.yes_payout is not None:
        timeline.schedule_resolution(window.resolved_at, market.id, window.yes_payout)
