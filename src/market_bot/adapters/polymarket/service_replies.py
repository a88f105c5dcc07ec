"""What the venue says of itself: its protocol, its clock, and whether it serves this place."""

from __future__ import annotations

from typing import Final

import attrs
import msgspec

from market_bot.core.domain.numbers import Micros

from .wire import moment, read

PROTOCOL: Final = 2
"""The protocol of orders that is spoken here."""


@attrs.frozen(kw_only=True)
class Place:
    """From where the venue sees us, and whether it refuses orders from there."""

    blocked: bool
    country: str
    region: str


class _Version(msgspec.Struct):
    version: int


class _Place(msgspec.Struct):
    blocked: bool
    country: str | None = None
    region: str | None = None


_version: Final = msgspec.json.Decoder(_Version)
_time: Final = msgspec.json.Decoder(msgspec.Raw)
_place: Final = msgspec.json.Decoder(_Place)


def protocol(body: bytes) -> int:
    """Return which protocol of orders the venue takes.

    Raises:
        UnreadableRecord: if it does not say.

    """
    return read(_version, body, "a version").version


def server_time(body: bytes) -> Micros:
    """Return the venue's clock; it tells whole seconds.

    Raises:
        UnreadableRecord: if it is no time.

    """
    return moment(read(_time, body, "a time"))


def place(body: bytes) -> Place:
    """Return from where the venue sees us.

    Raises:
        UnreadableRecord: if it does not say whether it refuses orders.

    """
    told = read(_place, body, "a place")
    return Place(blocked=told.blocked, country=told.country or "", region=told.region or "")
