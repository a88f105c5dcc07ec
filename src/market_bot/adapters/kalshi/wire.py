"""Values as the venue writes them, made exact: strings of dollars and contracts, times, JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec

from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    Micros,
    NotExactError,
    Price,
    Size,
    from_datetime,
    price,
    size,
)

from .errors import ParseError, plain

_T = TypeVar("_T")

Moment: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone; the first year is the venue's way of saying that there is none."""

Number: TypeAlias = Decimal
"""A JSON number, without passing through a float."""

_DIGITS_MAX: Final = 30
# The same few thousand texts come again and again.
_CACHE_LIMIT: Final = 50_000
_prices: dict[str, Price] = {}
_sizes: dict[str, Size] = {}
_moments: dict[datetime, Micros] = {}


def decode(decoder: msgspec.json.Decoder[_T], body: bytes | msgspec.Raw) -> _T:
    """Return a decoded answer.

    Raises:
        ParseError: whatever is wrong with it.

    """
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as e:
        msg = plain(f"not the expected answer: {e}")
        raise ParseError(msg) from e


def dollars(text: str, name: str) -> Price:
    """Return a price from zero to one dollar, both included.

    Raises:
        ParseError: if it is not a decimal number or outside.

    """
    known = _prices.get(text)
    if known is None:
        known = _exact(price, text, name)
        if not 0 <= known <= ONE_DOLLAR:
            msg = plain(f"{name} outside [0, 1]: {text[:_DIGITS_MAX]}")
            raise ParseError(msg)
        if len(_prices) < _CACHE_LIMIT:
            _prices[text] = known
    return known


def contracts(text: str, name: str) -> Size:
    """Return a count of contracts, zero or more.

    Raises:
        ParseError: if it is not a decimal number or negative.

    """
    known = _sizes.get(text)
    if known is None:
        known = _exact(size, text, name)
        if known < 0:
            msg = plain(f"{name} is negative: {text[:_DIGITS_MAX]}")
            raise ParseError(msg)
        if len(_sizes) < _CACHE_LIMIT:
            _sizes[text] = known
    return known


def _exact(parse: Callable[[str], _T], text: str, name: str) -> _T:
    try:
        return parse(text)
    except NotExactError as e:
        msg = plain(f"{name}: {e}")
        raise ParseError(msg) from e


def moment(value: datetime | None) -> Micros | None:
    """Return a time in microseconds, None if there is none."""
    if value is None:
        return None
    known = _moments.get(value)
    if known is None:
        if value.year <= 1:
            return None
        known = from_datetime(value)
        if len(_moments) < _CACHE_LIMIT:
            _moments[value] = known
    return known


def number(value: Decimal) -> str:
    """Return a JSON number as plain decimal text.

    Raises:
        ParseError: if it is not finite or absurdly long.

    """
    text = str(value)
    if len(text) < _DIGITS_MAX and text.isdigit():
        return text
    if not value.is_finite() or abs(value.adjusted()) > _DIGITS_MAX:
        msg = f"not a number of sane size: {str(value)[:_DIGITS_MAX]}"
        raise ParseError(msg)
    return format(value, "f")
