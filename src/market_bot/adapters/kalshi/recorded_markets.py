"""What is known about recorded Kalshi markets: from REST answers, market tables, or the ticker."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import attrs
import msgspec

from market_bot.core.domain.market import (
    TENTH_CENTS,
    WHOLE_CENTS,
    FeeModel,
    FeeSchedule,
    Market,
    TickBand,
)
from market_bot.core.domain.numbers import (
    ONE_CONTRACT,
    ONE_DOLLAR,
    Micros,
    NotExactError,
    Price,
    Size,
    parse_time,
    price,
)
from market_bot.core.ports.recordings import RecordingError

from .recorded_lines import read_lines

VENUE: Final = "kalshi"

STANDARD_FEES: Final = FeeSchedule(model=FeeModel.KALSHI_QUADRATIC, taker_rate=70_000)
"""0.07 for takers, nothing for makers: 14,198 of 14,393 series in September 2026.

A recording does not tell a series' own multiplier.
"""

_HUNDREDTH: Final = Size(ONE_CONTRACT // 100)
_STRUCTURES: Final = {"linear_cent": WHOLE_CENTS, "deci_cent": TENTH_CENTS}
_PAYOUTS: Final = {"yes": ONE_DOLLAR, "no": Price(0)}
_TABLE: Final = ("ticker or window", "result")

_Fields = Mapping[str, object]


@attrs.frozen
class RecordedMarket:
    """A market, and how it ended if that is known."""

    market: Market
    yes_payout: Price | None = None
    settled_at: Micros | None = None


def from_ticker(ticker: str, *, fractional: bool) -> Market:
    """Return what a ticker alone tells: ``KXHIGHNY-25DEC10-B46.5`` is of event and family.

    ``fractional`` markets trade in hundredths of a contract.
    """
    return Market(
        venue=VENUE,
        id=ticker,
        event=ticker.rpartition("-")[0] or ticker,
        family=ticker.partition("-")[0],
        fees=STANDARD_FEES,
        min_size=_HUNDREDTH if fractional else ONE_CONTRACT,
        size_step=_HUNDREDTH if fractional else ONE_CONTRACT,
    )


def read_markets(paths: Sequence[Path], *, fractional: bool) -> dict[str, RecordedMarket]:
    """Return the markets described in files, by ticker; a later file wins.

    A file is a REST answer (``{"event": …, "markets": […]}``, ``{"markets": […]}``) or a CSV table
    with the same field names, the ticker in a column ``ticker`` or ``window``.

    Raises:
        RecordingError: if a file is neither, or a market in it is malformed.

    """
    found: dict[str, RecordedMarket] = {}
    for path in paths:
        for fields, series in _rows(path):
            try:
                known = _market(fields, series, fractional=fractional)
            except (NotExactError, ValueError) as e:
                name = fields.get("ticker") or fields.get("window") or "(without ticker)"
                msg = f"{path}: market {name}: {e}"
                raise RecordingError(msg) from e
            found[known.market.id] = known
    return found


def read_outcomes(paths: Sequence[Path]) -> dict[str, Price]:
    """Return what one YES contract paid, by ticker, from CSV files ``ticker,result``.

    Raises:
        RecordingError: if a file is not such a table or a result is not yes or no.

    """
    found: dict[str, Price] = {}
    for path in paths:
        for fields, _ in _table(path, [line.decode() for line in read_lines(path)]):
            result = _text(fields, "result")
            if result not in _PAYOUTS:
                msg = f"{path}: result must be yes or no, was {result!r}"
                raise RecordingError(msg)
            found[_text(fields, "ticker") or _text(fields, "window")] = _PAYOUTS[result]
    return found


def _rows(path: Path) -> Iterator[tuple[_Fields, str]]:
    lines = list(read_lines(path))
    if lines and lines[0].lstrip()[:1] in (b"{", b"["):
        yield from _answer(path, b"\n".join(lines))
    else:
        yield from _table(path, [line.decode() for line in lines])


def _answer(path: Path, text: bytes) -> Iterator[tuple[_Fields, str]]:
    try:
        body = msgspec.json.Decoder(dict[str, object], float_hook=Decimal).decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        msg = f"{path}: not a REST answer with markets ({e})"
        raise RecordingError(msg) from e
    event = body.get("event")
    event = event if isinstance(event, dict) else {}
    markets = body.get("markets") or event.get("markets") or [body.get("market")]
    if not isinstance(markets, list) or not all(isinstance(one, dict) for one in markets):
        msg = f'{path}: no markets in it; expected {{"markets": [...]}} as the venue answers'
        raise RecordingError(msg)
    for one in markets:
        yield one, _text(event, "series_ticker")


def _table(path: Path, lines: list[str]) -> Iterator[tuple[_Fields, str]]:
    rows = csv.DictReader(lines)
    header = rows.fieldnames or ()
    if not {"ticker", "window"} & set(header) or "result" not in header:
        msg = f"{path}:1: expected a CSV header with {' and '.join(_TABLE)}, was {','.join(header)}"
        raise RecordingError(msg)
    for row in rows:
        yield {key: value for key, value in row.items() if value}, ""


def _market(fields: _Fields, series: str, *, fractional: bool) -> RecordedMarket:
    ticker = _text(fields, "ticker") or _text(fields, "window")
    if not ticker:
        msg = "a market without a ticker"
        raise ValueError(msg)
    plain = from_ticker(ticker, fractional=fractional)
    event = _text(fields, "event_ticker") or plain.event
    result = _text(fields, "result")
    payout = _PAYOUTS.get(result)
    if result and payout is None:
        payout = price(_text(fields, "settlement_value_dollars"))
    market = attrs.evolve(
        plain,
        event=event,
        family=series or event.partition("-")[0],
        title=_text(fields, "title"),
        ticks=_ticks(fields),
        open_at=_time(fields, "open_time"),
        close_at=_time(fields, "close_time"),
        strike=_strike(fields),
    )
    return RecordedMarket(market, payout, _time(fields, "settlement_ts"))


def _ticks(fields: _Fields) -> tuple[TickBand, ...]:
    ranges = fields.get("price_ranges")
    if isinstance(ranges, list) and ranges:
        return tuple(
            TickBand(*(price(_text(band, key)) for key in ("start", "end", "step")))
            for band in ranges
        )
    structure = _text(fields, "price_level_structure") or "linear_cent"
    if structure not in _STRUCTURES:
        msg = f"price_level_structure {structure!r} is unknown and there are no price_ranges"
        raise ValueError(msg)
    return _STRUCTURES[structure]


def _strike(fields: _Fields) -> str | None:
    floor, cap = _text(fields, "floor_strike"), _text(fields, "cap_strike")
    return f"{floor}..{cap}" if floor and cap else floor or cap or None


def _time(fields: _Fields, key: str) -> Micros | None:
    text = _text(fields, key)
    return parse_time(text) if text else None


def _text(fields: _Fields, key: str) -> str:
    value = fields.get(key)
    if value is None:
        return ""
    if isinstance(value, (str, int, Decimal)):
        return str(value)
    msg = f"{key} is not text: {value!r}"
    raise ValueError(msg)
