"""Small readings that every parser shares: numbers, times and lists as the venue writes them.

Numbers come as JSON numbers or strings, times in seconds or milliseconds or as text, lists inside
strings, and anything may be an empty string. Fields that vary so are taken as raw JSON.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

import msgspec

from market_bot.core.domain.numbers import (
    Micros,
    NotExactError,
    Price,
    Size,
    parse_scaled,
)

from .gamma_records import gamma_time

RECORDS_MAX: Final = 100_000
"""How many records of one answer are read."""

SIZE_MAX: Final = Size(1_000_000_000_000_000_000)
"""A trillion shares: more is nonsense, and journals and tapes hold numbers of 64 bits."""

DECODING: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder raises."""

_T = TypeVar("_T")

ABSENT: Final = msgspec.Raw(b"null")
"""What a raw field is where the key is absent."""

_SECONDS_BELOW: Final = 100_000_000_000
_LATEST_S: Final = 4_102_444_800
_TEXT_MAX: Final = 100_000
_NUMBER_MAX: Final = 80
_PLACES: Final = 6
_SHARES_DIGITS: Final = 12


_CACHE_MAX: Final = 20_000
_KNOWN_LENGTH: Final = 40
_NOT_KNOWN: Final = Decimal("NaN")
_NO_TIME: Final = Micros(-1)
_decimals: dict[bytes, Decimal | None] = {}
_moments: dict[bytes, Micros | None] = {}
_lists: dict[bytes, tuple[str, ...]] = {}
_sizes: dict[bytes, Size] = {}


class _Data(msgspec.Struct):
    data: list[msgspec.Raw]


_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_data: Final = msgspec.json.Decoder(_Data)


class UnreadableRecord(ValueError):
    """A record or page cannot be understood; one line saying which field and why."""


def text_of(raw: msgspec.Raw) -> str:
    """Return a raw value as text: of a string its content, of a number its digits, else "".

    Raises:
        UnreadableRecord: for anything else.

    """
    data = bytes(raw)
    if data[:1] == b'"':
        if b"\\" not in data and data.isascii():
            # Nothing to unpack; by far the most are so.
            text = data[1:-1].decode()
            if text.isprintable():
                return text
        try:
            return msgspec.json.decode(data, type=str)
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            msg = f"not a text: {shown(data)}"
            raise UnreadableRecord(msg) from e
    if data == b"null":
        return ""
    if data[:1] in b"-0123456789" and len(data) <= _NUMBER_MAX:
        return data.decode()
    msg = f"neither a text nor a number: {shown(data)}"
    raise UnreadableRecord(msg)


def decimal_of(raw: msgspec.Raw) -> Decimal | None:
    """Return a raw value as a number; None where it is absent, null or empty.

    Raises:
        UnreadableRecord: if it is no finite number of sane length.

    """
    data = bytes(raw)
    known = _decimals.get(data, _NOT_KNOWN)
    if known is not _NOT_KNOWN:
        return known
    value = _decimal(text_of(raw).strip())
    if len(data) <= _KNOWN_LENGTH and len(_decimals) < _CACHE_MAX:
        _decimals[data] = value
    return value


def _decimal(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        # int() and Decimal() also take "1_0" and other scripts' digits.
        value = Decimal(text) if text.isascii() and "_" not in text else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite() or abs(value.adjusted()) > _NUMBER_MAX:
        msg = f"not a number: {text[:_NUMBER_MAX]!r}"
        raise UnreadableRecord(msg)
    return value


def whole_of(raw: msgspec.Raw) -> int | None:
    """Return a raw value as a whole number; None where it is absent, null or empty.

    Raises:
        UnreadableRecord: if it is not whole.

    """
    value = decimal_of(raw)
    if value is None:
        return None
    if value != value.to_integral_value():
        msg = f"not a whole number: {value}"
        raise UnreadableRecord(msg)
    return int(value)


def moment_of(raw: msgspec.Raw) -> Micros | None:
    """Return a raw value as a moment: seconds, milliseconds or ISO text; None where it is empty.

    Raises:
        UnreadableRecord: if it is none of these, or not between 1970 and 2100.

    """
    data = bytes(raw)
    known = _moments.get(data, _NO_TIME)
    if known is not _NO_TIME:
        return known
    found = _moment(text_of(raw).strip())
    if len(data) <= _KNOWN_LENGTH and len(_moments) < _CACHE_MAX:
        _moments[data] = found
    return found


def _moment(text: str) -> Micros | None:
    if not text:
        return None
    if text.isascii() and text.isdigit():
        number = int(text[:_NUMBER_MAX])
        micros = number * (1_000_000 if number < _SECONDS_BELOW else 1_000)
    else:
        try:
            micros = gamma_time(text)
        except (ValueError, OverflowError) as e:
            msg = f"not a time: {text[:_NUMBER_MAX]!r}"
            raise UnreadableRecord(msg) from e
    if not 0 <= micros <= _LATEST_S * 1_000_000:
        msg = f"a time outside 1970 to 2100: {text[:_NUMBER_MAX]!r}"
        raise UnreadableRecord(msg)
    return Micros(micros)


def texts_of(raw: msgspec.Raw, most: int) -> tuple[str, ...]:
    """Return a list of texts, given as JSON or as JSON inside a string; () where it is empty.

    Raises:
        UnreadableRecord: if it is no list of texts, or has more than ``most``.

    """
    data = bytes(raw)
    if len(data) > _TEXT_MAX:
        msg = f"a list of {len(data)} bytes"
        raise UnreadableRecord(msg)
    known = _lists.get(data)
    if known is not None and len(known) <= most:
        return known
    found = _texts(raw, data, most)
    if len(data) <= _KNOWN_LENGTH and len(_lists) < _CACHE_MAX:
        _lists[data] = found
    return found


def _texts(raw: msgspec.Raw, data: bytes, most: int) -> tuple[str, ...]:
    if data[:1] == b'"':
        data = text_of(raw).encode()
    if data.strip() in (b"", b"null"):
        return ()
    try:
        found = msgspec.json.decode(data, type=list[str])
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        msg = f"not a list of texts: {shown(data)}"
        raise UnreadableRecord(msg) from e
    if len(found) > most:
        msg = f"more than {most} entries: {shown(data)}"
        raise UnreadableRecord(msg)
    return tuple(found)


_prices: dict[str, Price] = {}


def price_of(text: str) -> Price:
    """Return a price between nothing and a dollar.

    Raises:
        UnreadableRecord: if it is none.

    """
    known = _prices.get(text)
    if known is not None:
        return known
    value = Price(_six(text))
    if not 0 <= value <= 1_000_000:  # noqa: PLR2004 - the range in the sentence above
        msg = f"not a price: {text[:_NUMBER_MAX]!r}"
        raise UnreadableRecord(msg)
    if len(_prices) < _CACHE_MAX:
        _prices[text] = value
    return value


def size_of(text: str) -> Size:
    """Return a size that is not negative and at most `SIZE_MAX`.

    Raises:
        UnreadableRecord: if it is none.

    """
    # Most sizes are whole or have two decimals; this is asked for every level of every book.
    whole, dot, part = text.partition(".")
    if whole.isascii() and whole.isdigit() and len(whole) <= _SHARES_DIGITS:
        if not dot:
            return Size(int(whole) * 1_000_000)
        if part.isascii() and part.isdigit() and len(part) <= _PLACES:
            return Size(int(whole + part.ljust(_PLACES, "0")))
    value = _six(text)
    if not 0 <= value <= SIZE_MAX:
        msg = f"not a size: {text[:_NUMBER_MAX]!r}"
        raise UnreadableRecord(msg)
    return Size(value)


def shown(data: bytes) -> str:
    """Return the beginning of bytes from elsewhere for an error message."""
    return repr(data[:60].decode(errors="replace"))


def _six(text: str) -> int:
    try:
        if not text.isascii() or "_" in text:
            raise NotExactError  # noqa: TRY301 - as for any other text that is no number
        return parse_scaled(text, _PLACES)
    except NotExactError as e:
        msg = f"not a number of at most six decimals: {text[:_NUMBER_MAX]!r}"
        raise UnreadableRecord(msg) from e


def raw_size(raw: msgspec.Raw) -> Size | None:
    """Return a raw value as a size; None where it is absent, null or empty.

    Raises:
        UnreadableRecord: if it is negative, too large or too fine.

    """
    data = bytes(raw)
    known = _sizes.get(data)
    if known is not None:
        return known
    value = decimal_of(raw)
    if value is None:
        return None
    found = Size(six_places(value))
    if not 0 <= found <= SIZE_MAX:
        msg = f"not a size: {value}"
        raise UnreadableRecord(msg)
    if len(data) <= _KNOWN_LENGTH and len(_sizes) < _CACHE_MAX:
        _sizes[data] = found
    return found


def six_places(value: Decimal) -> int:
    """Return a number in units of 1e-6.

    Raises:
        UnreadableRecord: if it is finer.

    """
    try:
        return parse_scaled(value, 6)
    except NotExactError as e:
        raise UnreadableRecord(str(e)) from e


def rounded_price(raw: msgspec.Raw) -> Price:
    """Return a price to the nearest 1e-6: averages over several levels have more decimals.

    Raises:
        UnreadableRecord: if it is absent or outside a dollar.

    """
    value = decimal_of(raw)
    if value is None or not 0 <= value <= 1:
        msg = f"not a price: {value}"
        raise UnreadableRecord(msg)
    return Price(int((value.scaleb(6) + Decimal("0.5")).to_integral_value(rounding="ROUND_FLOOR")))


def moment(raw: msgspec.Raw) -> Micros:
    """Return a raw value as a moment.

    Raises:
        UnreadableRecord: if it is absent or none.

    """
    found = moment_of(raw)
    if found is None:
        msg = "no time"
        raise UnreadableRecord(msg)
    return found


def records(body: bytes, decoder: msgspec.json.Decoder[_T], dropped: Counter[str]) -> list[_T]:
    """Return the records of a list, or of the list ``data`` of an object, as far as they decode.

    Args:
        body: the answer.
        decoder: of one record.
        dropped: counts the records that do not decode.

    Raises:
        UnreadableRecord: if it is no list, or one of more than `RECORDS_MAX`.

    """
    try:
        whole = body.lstrip()[:1] == b"["
        raws = _raws.decode(body) if whole else _data.decode(body).data
    except DECODING as e:
        msg = f"not a list of records: {shown(body)} ({e})"
        raise UnreadableRecord(msg) from e
    if len(raws) > RECORDS_MAX:
        msg = f"a list of {len(raws)} records; at most {RECORDS_MAX} are read"
        raise UnreadableRecord(msg)
    found: list[_T] = []
    for raw in raws:
        try:
            found.append(decoder.decode(raw))
        except DECODING:
            dropped["malformed_record"] += 1
    return found


def read(decoder: msgspec.json.Decoder[_T], body: bytes, what: str) -> _T:
    """Return a decoded answer.

    Raises:
        UnreadableRecord: if it is not what it should be.

    """
    try:
        return decoder.decode(body)
    except DECODING as e:
        msg = f"not {what}: {shown(body)} ({e})"
        raise UnreadableRecord(msg) from e
