"""Exact numbers: integers in fixed units, typed so that they cannot be mixed.

===========  ==========================  =======================
type         unit                        one dollar / contract is
===========  ==========================  =======================
Price        1e-6 dollar per contract    1_000_000
Size         1e-6 contract               1_000_000
Money        1e-12 dollar                1_000_000_000_000
Probability  1e-6                        1_000_000 is certainty
Micros       microseconds since 1970     1_000_000 is a second
Duration     microseconds                1_000_000 is a second
===========  ==========================  =======================

``Price * Size`` is exactly a ``Money``, so a cost is never rounded. Decimal strings live at the
edges (YAML, journal, venues, pages); floats live only inside a model's arithmetic.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, NewType

Price = NewType("Price", int)
Size = NewType("Size", int)
Money = NewType("Money", int)
Probability = NewType("Probability", int)
Micros = NewType("Micros", int)
Duration = NewType("Duration", int)

PRICE_SCALE: Final = 6
SIZE_SCALE: Final = 6
MONEY_SCALE: Final = 12
PROBABILITY_SCALE: Final = 6

ONE_DOLLAR: Final = Price(10**PRICE_SCALE)
ONE_CONTRACT: Final = Size(10**SIZE_SCALE)
CERTAIN: Final = Probability(10**PROBABILITY_SCALE)
NO_MONEY: Final = Money(0)
NOTHING: Final = Size(0)
NEVER: Final = Micros(0)
SECOND: Final = Duration(1_000_000)
HOUR: Final = Duration(3_600_000_000)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_DIGITS: Final = 30
_MAX_PLACES: Final = 100
_CACHE_LIMIT: Final = 200_000


class NotExactError(ValueError):
    """A number cannot be held exactly: a float, a NaN, too fine for its unit, or not a number."""


def parse_scaled(text: str | int | Decimal, scale: int) -> int:
    """Return ``text`` as an integer count of ``10**-scale``.

    Raises:
        NotExactError: for floats, booleans, non-finite or malformed text, or more than ``scale``
            decimal places.

    """
    if isinstance(text, bool) or not isinstance(text, (str, int, Decimal)):
        msg = f"not an exact number: {text!r} (write it as a decimal, never as a float)"
        raise NotExactError(msg)
    try:
        value = Decimal(text)
    except InvalidOperation as e:
        msg = f"not a decimal number: {text!r}"
        raise NotExactError(msg) from e
    if not value.is_finite() or value.adjusted() > _MAX_DIGITS:
        msg = f"not a finite number of sane size: {str(text)[:_MAX_DIGITS]!r}"
        raise NotExactError(msg)
    sign, digits, exponent = value.as_tuple()
    # Before any power of ten is made: "1e-999999999" would fill the memory.
    if int(exponent) < -_MAX_PLACES:
        msg = f"written with too many decimal places: {str(text)[:_MAX_DIGITS]!r}"
        raise NotExactError(msg)
    number = int("".join(map(str, digits)))
    shift = int(exponent) + scale
    if shift >= 0:
        number *= int(10**shift)
    else:
        number, rest = divmod(number, int(10**-shift))
        if rest:
            msg = f"finer than 1e-{scale}: {text!r}"
            raise NotExactError(msg)
    return -number if sign else number


def format_scaled(value: int, scale: int) -> str:
    """Return ``value * 10**-scale`` as the shortest plain decimal string ("0.48", "-3", "0")."""
    if value < 0:
        return "-" + format_scaled(-value, scale)
    digits = str(value).rjust(scale + 1, "0")
    fraction = digits[-scale:].rstrip("0")
    return f"{digits[:-scale]}.{fraction}" if fraction else digits[:-scale]


def price(text: str | int | Decimal) -> Price:
    """Return a price in dollars per contract; any sign, at most six decimals."""
    return Price(parse_scaled(text, PRICE_SCALE))


def size(text: str | int | Decimal) -> Size:
    """Return a size in contracts; at most six decimals."""
    return Size(parse_scaled(text, SIZE_SCALE))


def money(text: str | int | Decimal) -> Money:
    """Return an amount in dollars; at most twelve decimals."""
    return Money(parse_scaled(text, MONEY_SCALE))


def probability(text: str | int | Decimal) -> Probability:
    """Return a probability between 0 and 1; at most six decimals.

    Raises:
        NotExactError: outside [0, 1] or too fine.

    """
    value = parse_scaled(text, PROBABILITY_SCALE)
    if not 0 <= value <= CERTAIN:
        msg = f"probability outside [0, 1]: {text!r}"
        raise NotExactError(msg)
    return Probability(value)


_six_places: dict[int, str] = {}


def format_price(value: Price) -> str:
    """Return the shortest decimal string of a price in dollars."""
    return _format_six(value)


def format_size(value: Size) -> str:
    """Return the shortest decimal string of a size in contracts."""
    return _format_six(value)


def format_probability(value: Probability) -> str:
    """Return the shortest decimal string of a probability."""
    return _format_six(value)


def format_money(value: Money) -> str:
    """Return the shortest decimal string of an amount in dollars."""
    return format_scaled(value, MONEY_SCALE)


def _format_six(value: int) -> str:
    text = _six_places.get(value)
    if text is None:
        text = format_scaled(value, 6)
        if len(_six_places) < _CACHE_LIMIT:
            _six_places[value] = text
    return text


def cost(at: Price, quantity: Size) -> Money:
    """Return the exact cost of ``quantity`` contracts at ``at``."""
    return Money(at * quantity)


def complement(at: Price) -> Price:
    """Return the price of the other leg: one dollar minus ``at``."""
    return Price(ONE_DOLLAR - at)


def quantise(value: float) -> Probability:
    """Return a model's float as a probability on the 1e-6 grid, clipped into [0, 1].

    libm differs between machines in the last bits; after this nothing can tell.

    Raises:
        NotExactError: if the value is NaN.

    """
    if value != value:  # noqa: PLR0124 - the definition of NaN, without importing math
        msg = "a model returned NaN for a probability"
        raise NotExactError(msg)
    return Probability(round(min(1.0, max(0.0, value)) * CERTAIN))


def as_float(value: Price | Probability | Size) -> float:
    """Return a six-place number as a float, for model arithmetic only."""
    return value / 1_000_000


def from_datetime(moment: datetime) -> Micros:
    """Return the microseconds since the epoch of an aware datetime.

    Raises:
        ValueError: if ``moment`` has no time zone.

    """
    if moment.tzinfo is None:
        msg = f"time without a zone: {moment!r}"
        raise ValueError(msg)
    return Micros((moment - _EPOCH) // timedelta(microseconds=1))


def to_datetime(moment: Micros) -> datetime:
    """Return the aware UTC datetime of a moment."""
    return _EPOCH + timedelta(microseconds=moment)


def format_time(moment: Micros) -> str:
    """Return a moment as ``2026-11-22T00:30:00.123456Z`` (always six fractional digits)."""
    seconds, micros = divmod(moment, 1_000_000)
    return f"{_format_second(seconds)}.{micros:06d}Z"


_seconds: dict[int, str] = {}
_SECONDS_MAX: Final = 4096
_days: dict[int, str] = {}
_DAY: Final = 24 * HOUR
_WHOLE_SECONDS: Final = len("2026-11-22T00:30:00")


def _format_second(seconds: int) -> str:
    # Neighbouring events share their seconds and orders share their expiries.
    text = _seconds.get(seconds)
    if text is None:
        text = (_EPOCH + timedelta(seconds=seconds)).isoformat()[:_WHOLE_SECONDS]
        if len(_seconds) >= _SECONDS_MAX:
            _seconds.clear()
        _seconds[seconds] = text
    return text


def parse_time(text: str) -> Micros:
    """Return the moment of an ISO 8601 time with a zone ("Z" or an offset).

    Raises:
        ValueError: if the text is not a time or has no zone.

    """
    return from_datetime(datetime.fromisoformat(text))


def utc_date(moment: Micros) -> str:
    """Return the UTC calendar date of a moment as ``2026-11-22``."""
    day = moment // _DAY
    text = _days.get(day)
    if text is None:
        _days.clear()
        text = _days[day] = format_time(moment)[:10]
    return text
