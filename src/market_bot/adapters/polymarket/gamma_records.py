"""Polymarket's Gamma market records, as found in recordings and answers of ``/markets``.

YES is the first outcome and its token the first of ``clobTokenIds``; several fields are JSON
inside a JSON string. Fees come from the market's own ``feeSchedule``.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import attrs
import msgspec

from market_bot.core.domain.market import (
    TENTH_CENTS,
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
    from_datetime,
    parse_scaled,
    price,
    size,
)
from market_bot.core.ports.recordings import RecordingError

VENUE: Final = "polymarket"

HIGHEST_FEES: Final = FeeSchedule(model=FeeModel.POLYMARKET_CURVE, taker_rate=70_000)
"""The dearest category (crypto, 0.07): what a market of unknown kind is charged."""

SIZE_STEP: Final = Size(ONE_CONTRACT // 100)
USUAL_MIN_SIZE: Final = Size(5 * ONE_CONTRACT)

# A few bytes of a compressed file can claim to be gigabytes.
LINE_BYTES_MAX: Final = 64 << 20
_FILE_BYTES_MAX: Final = 256 << 20
_RATE_SCALE: Final = 6
_DECODING: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

Fields = Mapping[str, object]
"""A record as decoded: numbers are int or Decimal, never float."""

decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode
"""Decode JSON without floats."""


@attrs.frozen
class GammaMarket:
    """A market with the ids under which recordings may speak of it; YES is ``tokens[0]``."""

    market: Market
    slug: str
    tokens: tuple[str, str]


def gamma_market(record: Fields) -> GammaMarket:
    """Return the market of a raw record.

    Raises:
        ValueError: if the record lacks an id or two tokens, or a number in it is bad.

    """
    slug = str(record.get("slug") or "")
    identity = str(record.get("conditionId") or "")
    tokens = _listed(record.get("clobTokenIds") or record.get("positionIds") or "[]")
    if not identity or len(tokens) != len(("yes", "no")):
        msg = f"record without conditionId or without two tokens: {slug or identity!r}"
        raise ValueError(msg)
    events = record.get("events")
    event = events[0] if isinstance(events, list) and events and isinstance(events[0], dict) else {}
    step = _decimal(record, "orderPriceMinTickSize")
    least = _decimal(record, "orderMinSize")
    market = Market(
        venue=VENUE,
        id=identity,
        event=str(event.get("slug") or slug or identity),
        family=str(event.get("seriesSlug") or record.get("category") or VENUE),
        title=str(record.get("question") or ""),
        ticks=TENTH_CENTS if step is None else (TickBand(Price(0), ONE_DOLLAR, price(step)),),
        min_size=USUAL_MIN_SIZE if least is None else size(least),
        size_step=SIZE_STEP,
        close_at=_iso(record.get("endDate")),
        fees=fees(record),
    )
    return GammaMarket(market, slug, (str(tokens[0]), str(tokens[1])))


def fees(record: Fields) -> FeeSchedule:
    """Return a record's own fee schedule; the dearest one when it should have one but has not.

    Raises:
        ValueError: if the schedule is there but not understood.

    """
    schedule = record.get("feeSchedule")
    if isinstance(schedule, dict):
        rate, exponent = schedule.get("rate"), schedule.get("exponent", 1)
        if not isinstance(rate, (int, Decimal)) or not isinstance(exponent, (int, Decimal)):
            msg = f"feeSchedule without rate or exponent: {schedule}"
            raise ValueError(msg)  # noqa: TRY004 - the record is bad, not an argument
        if exponent != int(exponent):
            msg = f"feeSchedule with a fractional exponent: {exponent}"
            raise ValueError(msg)
        taker = parse_scaled(rate, _RATE_SCALE)
        return FeeSchedule(
            model=FeeModel.POLYMARKET_CURVE,
            taker_rate=taker,
            maker_rate=0 if schedule.get("takerOnly", True) else taker,
            exponent=int(exponent),
        )
    if record.get("feesEnabled") is False:
        return FeeSchedule(model=FeeModel.POLYMARKET_CURVE)
    return HIGHEST_FEES


def gamma_time(text: str) -> Micros:
    """Return the moment of ``2026-06-08 00:00:16+00`` or of an ISO time.

    Raises:
        ValueError: if it is neither or has no zone.

    """
    return from_datetime(datetime.fromisoformat(text))


def read_gamma(paths: Sequence[Path]) -> list[GammaMarket]:
    """Return the markets in files of Gamma records.

    A file holds a JSON array, an object with ``markets``, or one record per line, which may be
    wrapped as ``{"raw": …}``; plain or gzipped.

    Raises:
        RecordingError: if a file is none of these, or a record in it is malformed.

    """
    found = []
    for path in paths:
        for record in _records(path):
            try:
                found.append(gamma_market(record))
            except (ValueError, NotExactError) as e:
                msg = f"{path}: {e}"
                raise RecordingError(msg) from e
    return found


def _records(path: Path) -> Iterator[Fields]:
    text = _whole(path)
    try:
        body = decode(text)
        many = body.get("markets", [body]) if isinstance(body, dict) else body
    except _DECODING:
        try:
            many = [decode(line) for line in text.splitlines() if line.strip()]
        except _DECODING as e:
            msg = f"{path}: not Gamma market records ({e})"
            raise RecordingError(msg) from e
    if not isinstance(many, list) or not all(isinstance(one, dict) for one in many):
        msg = f"{path}: not Gamma market records; expected an array or one record per line"
        raise RecordingError(msg)
    for one in many:
        raw = one.get("raw")
        yield raw if isinstance(raw, dict) else one


def _whole(path: Path) -> bytes:
    lines, size = list[bytes](), 0
    for line in read_lines(path):
        lines.append(line)
        size += len(line) + 1
        if size > _FILE_BYTES_MAX:
            msg = f"{path}: more than {_FILE_BYTES_MAX} bytes of market records"
            raise RecordingError(msg)
    return b"\n".join(lines)


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a plain or gzipped file without their newlines.

    Raises:
        RecordingError: if it cannot be opened, is cut off or damaged, or a line is too long;
            every complete line before has been yielded then.

    """
    number = 0
    try:
        with path.open("rb") as raw:
            zipped = raw.peek(2)[:2] == b"\x1f\x8b"
            file = gzip.GzipFile(fileobj=raw) if zipped else raw
            while line := file.readline(LINE_BYTES_MAX + 1):
                number += 1
                if len(line) > LINE_BYTES_MAX:
                    msg = f"{path}:{number}: a line longer than {LINE_BYTES_MAX} bytes"
                    raise RecordingError(msg)
                yield line.rstrip(b"\r\n")
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        msg = (
            f"{path}:{number + 1}: the compressed file is cut off or damaged here ({e});"
            " everything before was kept"
        )
        raise RecordingError(msg) from e
    except OSError as e:
        msg = f"{path}: cannot be read ({e.strerror or e})"
        raise RecordingError(msg) from e


def _listed(value: object) -> list[object]:
    listed = decode(value) if isinstance(value, str) else value
    return listed if isinstance(listed, list) else []


def _decimal(record: Fields, key: str) -> int | Decimal | None:
    value = record.get(key)
    if value is None or isinstance(value, (int, Decimal)):
        return value
    msg = f"{key} is not a number: {value!r}"
    raise ValueError(msg)


def _iso(value: object) -> Micros | None:
    return gamma_time(value) if isinstance(value, str) and value else None
