"""The venue's three ways of saying no, and two more that are none of its own.

Nested ``{"error": {"code", "message", "details"?}}`` (most), ``{"error": "too many requests"}``,
flat ``{"code", "message", "details"}`` (a body that is not what it wants), and bare ``{"msg"}`` (a
parameter). Its specification knows only the flat one.
"""

from __future__ import annotations

import attrs
import msgspec

from .errors import plain

_PARAMETER = "invalid_parameter"


@attrs.frozen
class Problem:
    """What the venue says is wrong; all of it text from elsewhere, made printable and short."""

    code: str
    message: str
    details: str = ""


class _Inner(msgspec.Struct, frozen=True):
    code: str
    message: str = ""
    details: object = None


class _Body(msgspec.Struct, frozen=True):
    error: _Inner | str | None = None
    code: str | None = None
    message: str | None = None
    details: object = None
    msg: str | None = None


_bodies = msgspec.json.Decoder(_Body)


def parse_problem(body: bytes) -> Problem | None:
    """Return what the venue complains about, None if this is no complaint in a shape we know."""
    try:
        found = _bodies.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    match found.error:
        case _Inner(code=code, message=message, details=details):
            return _problem(code, message, details)
        case str() as text:
            return _problem("_".join(text.split()), text, None)
        case None:
            pass
    if found.code is not None and found.message is not None:
        return _problem(found.code, found.message, found.details)
    if found.msg is not None:
        return _problem(_PARAMETER, found.msg, None)
    return None


def _problem(code: str, message: str, details: object) -> Problem:
    return Problem(plain(code), plain(message), plain(details) if details else "")
