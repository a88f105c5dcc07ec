"""Whether the exchange is open, shard by shard, and when it usually is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs
import msgspec

from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import Micros, from_datetime, to_datetime

from .errors import ParseError, plain
from .wire import Moment, decode, moment

DEFAULT_SHARD: Final = 0
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ZONE: Final = "America/New_York"
_SESSIONS_MAX: Final = 16
_MIDNIGHT: Final = time(0, 0)


@attrs.frozen
class ShardStatus:
    """One of the exchange's shards: whether it takes anything at all, and whether it trades."""

    active: bool
    trading: bool


@attrs.frozen(kw_only=True)
class ExchangeStatus:
    """The exchange now.

    Args:
        shards: by index; the default shard is always in it.
        resumes_at: when the venue hopes to be back, if it says so; it may take longer.

    """

    shards: Mapping[int, ShardStatus]
    resumes_at: Micros | None = None

    def of(self, shard: int | None) -> MarketStatus:
        """Return OPEN, PAUSED (no orders, cancels pass) or CLOSED (nothing passes) of a shard.

        A shard nobody has told about is paused as soon as any other one is.
        """
        known = self.shards.get(DEFAULT_SHARD if shard is None else shard)
        told = list(self.shards.values()) if known is None or shard is None else [known]
        if not all(one.active for one in told):
            return MarketStatus.CLOSED
        return MarketStatus.OPEN if all(one.trading for one in told) else MarketStatus.PAUSED


@attrs.frozen
class Hours:
    """Weekly trading hours in Eastern time, while they are in force."""

    begins: Micros
    ends: Micros
    days: Mapping[str, tuple[tuple[time, time], ...]]

    def holds(self, at: datetime) -> bool:
        """Tell whether an Eastern time is within a session; from 00:00 to 00:00 is all day."""
        clock = at.time()
        return any(
            opens == closes or (opens <= clock and (clock < closes or closes == _MIDNIGHT))
            for opens, closes in self.days[DAYS[at.weekday()]]
        )


@attrs.frozen
class Schedule:
    """When the exchange means to be open; its status says whether it is."""

    hours: tuple[Hours, ...]
    maintenance: tuple[tuple[Micros, Micros], ...]

    def open_at(self, at: Micros) -> bool:
        """Tell whether trading is planned at a moment.

        Raises:
            ParseError: if this machine knows no time zones.

        """
        if any(begins <= at < ends for begins, ends in self.maintenance):
            return False
        eastern = to_datetime(at).astimezone(_eastern())
        return any(one.holds(eastern) for one in self.hours if one.begins <= at < one.ends)


def _eastern() -> ZoneInfo:
    try:
        return ZoneInfo(_ZONE)
    except ZoneInfoNotFoundError as e:
        msg = f"this machine does not know the time zone {_ZONE}: install tzdata"
        raise ParseError(msg) from e


class _Shard(msgspec.Struct, frozen=True):
    exchange_index: Annotated[int, msgspec.Meta(ge=0, le=1000)]
    exchange_active: bool
    trading_active: bool


class _Status(msgspec.Struct, frozen=True):
    exchange_active: bool
    trading_active: bool
    exchange_estimated_resume_time: Moment | None = None
    exchange_index_statuses: tuple[_Shard, ...] | None = None


class _Session(msgspec.Struct, frozen=True):
    open_time: str
    close_time: str


_Sessions = Annotated[tuple[_Session, ...], msgspec.Meta(max_length=_SESSIONS_MAX)]


class _Week(msgspec.Struct, frozen=True):
    start_time: Moment
    end_time: Moment
    monday: _Sessions
    tuesday: _Sessions
    wednesday: _Sessions
    thursday: _Sessions
    friday: _Sessions
    saturday: _Sessions
    sunday: _Sessions


class _Window(msgspec.Struct, frozen=True):
    start_datetime: Moment
    end_datetime: Moment


class _Plan(msgspec.Struct, frozen=True):
    standard_hours: tuple[_Week, ...]
    maintenance_windows: tuple[_Window, ...]


class _Schedule(msgspec.Struct, frozen=True):
    schedule: _Plan


_statuses = msgspec.json.Decoder(_Status)
_schedules = msgspec.json.Decoder(_Schedule)


def parse_exchange_status(body: bytes) -> ExchangeStatus:
    """Return the status in an answer of ``/exchange/status``, also in one with 503 or 504.

    Raises:
        ParseError: if it is no such answer.

    """
    found = decode(_statuses, body)
    shards = {DEFAULT_SHARD: ShardStatus(found.exchange_active, found.trading_active)}
    for one in found.exchange_index_statuses or ():
        known = shards.get(one.exchange_index)
        # The top level speaks for the default shard as well: the worse of the two holds.
        shards[one.exchange_index] = ShardStatus(
            one.exchange_active and (known is None or known.active),
            one.trading_active and (known is None or known.trading),
        )
    return ExchangeStatus(shards=shards, resumes_at=moment(found.exchange_estimated_resume_time))


def parse_schedule(body: bytes) -> Schedule:
    """Return the hours in an answer of ``/exchange/schedule``.

    Raises:
        ParseError: if it is no such answer.

    """
    plan = decode(_schedules, body).schedule
    return Schedule(
        tuple(_hours(week) for week in plan.standard_hours),
        tuple(
            (from_datetime(one.start_datetime), from_datetime(one.end_datetime))
            for one in plan.maintenance_windows
        ),
    )


def _hours(week: _Week) -> Hours:
    days = {
        day: tuple((_clock(one.open_time), _clock(one.close_time)) for one in getattr(week, day))
        for day in DAYS
    }
    return Hours(from_datetime(week.start_time), from_datetime(week.end_time), days)


def _clock(text: str) -> time:
    try:
        hour, minute = text.split(":")[:2]
        return (datetime.min + timedelta(hours=int(hour) % 24, minutes=int(minute))).time()  # noqa: DTZ901 - only its time of day is used, which has no zone
    except (ValueError, OverflowError) as e:
        msg = plain(f"not a time of day: {text!r}")
        raise ParseError(msg) from e
