"""Events, series and fee changes: how markets belong together and what they charge."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeVar

import attrs
import msgspec

from market_bot.core.domain.numbers import Micros, from_datetime

from .errors import ParseError, plain
from .fee_terms import NO_OVERRIDE, FeeChange, FeeOverride, FeeTerms
from .parse_markets import Listing, Refused, sort_markets
from .wire import Moment, Number, decode

_T = TypeVar("_T")
_R = TypeVar("_R")

_EXCLUSIVE: Final = "MECNET"
_MULTIPLIER_MAX: Final = 100


@attrs.frozen(kw_only=True)
class EventFacts:
    """An event of the venue.

    Args:
        id: its ticker.
        series: the ticker of its series.
        title: text for people only; untrusted.
        category: the venue's broad category, "" if it does not say.
        at_most_one: whether at most one of its markets can end YES, by flag and by netting type.
        override: fees of its own.
        listings: its markets, if they were asked for.
        refused: those of them that are left out.
        nested: whether its markets came with it.
        problems: what was tolerated, for people.

    """

    id: str
    series: str
    title: str
    category: str
    at_most_one: bool
    override: FeeOverride
    listings: tuple[Listing, ...] = ()
    refused: tuple[Refused, ...] = ()
    nested: bool = False
    problems: tuple[str, ...] = ()


@attrs.frozen
class EventsPage:
    """One page of a list; ``malformed`` says which entries could not be read."""

    events: tuple[EventFacts, ...]
    malformed: tuple[str, ...]
    cursor: str


@attrs.frozen(kw_only=True)
class SeriesFacts:
    """A series of the venue: its fees and its category."""

    id: str
    fees: FeeTerms
    category: str = ""


@attrs.frozen
class SeriesPage:
    """All series; ``malformed`` says which entries could not be read."""

    series: tuple[SeriesFacts, ...]
    malformed: tuple[str, ...]


@attrs.frozen
class FeeChangesPage:
    """Announced fee changes; ``malformed`` says which entries could not be read."""

    changes: tuple[FeeChange, ...]
    malformed: tuple[str, ...]
    cursor: str = ""


class _Event(msgspec.Struct, frozen=True):
    event_ticker: str
    series_ticker: str
    mutually_exclusive: bool
    collateral_return_type: str
    title: str = ""
    category: str | None = None
    fee_type_override: str | None = None
    fee_multiplier_override: Number | None = None
    markets: tuple[msgspec.Raw, ...] | None = None


class _Series(msgspec.Struct, frozen=True):
    ticker: str
    fee_type: str
    fee_multiplier: Number
    category: str | None = None


class _SeriesChange(msgspec.Struct, frozen=True):
    series_ticker: str
    fee_type: str
    fee_multiplier: Number
    scheduled_ts: Moment


class _EventChange(msgspec.Struct, frozen=True):
    event_ticker: str
    fee_type_override: str | None
    fee_multiplier_override: Number | None
    scheduled_ts: Moment


class _Events(msgspec.Struct, frozen=True):
    events: tuple[msgspec.Raw, ...]
    cursor: str = ""


class _OneEvent(msgspec.Struct, frozen=True):
    event: msgspec.Raw


class _AllSeries(msgspec.Struct, frozen=True):
    series: tuple[msgspec.Raw, ...] | None


class _OneSeries(msgspec.Struct, frozen=True):
    series: _Series


class _SeriesChanges(msgspec.Struct, frozen=True):
    series_fee_change_arr: tuple[msgspec.Raw, ...] | None


class _EventChanges(msgspec.Struct, frozen=True):
    event_fee_changes: tuple[msgspec.Raw, ...] | None
    cursor: str = ""


_events = msgspec.json.Decoder(_Events)
_event_answers = msgspec.json.Decoder(_OneEvent)
_event = msgspec.json.Decoder(_Event)
_all_series = msgspec.json.Decoder(_AllSeries)
_one_series = msgspec.json.Decoder(_OneSeries)
_series = msgspec.json.Decoder(_Series)
_series_changes = msgspec.json.Decoder(_SeriesChanges)
_series_change = msgspec.json.Decoder(_SeriesChange)
_event_changes = msgspec.json.Decoder(_EventChanges)
_event_change = msgspec.json.Decoder(_EventChange)


def parse_events(body: bytes) -> EventsPage:
    """Return the events in an answer of ``/events``.

    Raises:
        ParseError: if it is no such answer; what is wrong with one event leaves that one out.

    """
    page = decode(_events, body)
    events, malformed = _each(page.events, _event, _facts)
    return EventsPage(events, malformed, page.cursor)


def parse_event(body: bytes) -> EventFacts:
    """Return the event in an answer of ``/events/{ticker}``.

    Raises:
        ParseError: if it is no such answer.

    """
    return _facts(decode(_event, decode(_event_answers, body).event))


def parse_series(body: bytes) -> SeriesFacts:
    """Return the series in an answer of ``/series/{ticker}``.

    Raises:
        ParseError: if it is no such answer.

    """
    return _series_facts(decode(_one_series, body).series)


def parse_series_list(body: bytes) -> SeriesPage:
    """Return all series in an answer of ``/series``.

    Raises:
        ParseError: if it is no such answer.

    """
    return SeriesPage(*_each(decode(_all_series, body).series or (), _series, _series_facts))


def parse_series_fee_changes(body: bytes) -> FeeChangesPage:
    """Return the changes in an answer of ``/series/fee_changes``.

    Raises:
        ParseError: if it is no such answer.

    """
    raw = decode(_series_changes, body).series_fee_change_arr or ()
    return FeeChangesPage(*_each(raw, _series_change, _changed_series))


def parse_event_fee_changes(body: bytes) -> FeeChangesPage:
    """Return the changes in an answer of ``/events/fee_changes``.

    Raises:
        ParseError: if it is no such answer.

    """
    page = decode(_event_changes, body)
    raw = page.event_fee_changes or ()
    return FeeChangesPage(*_each(raw, _event_change, _changed_event), page.cursor)


def _each(
    raw: tuple[msgspec.Raw, ...], decoder: msgspec.json.Decoder[_R], make: Callable[[_R], _T]
) -> tuple[tuple[_T, ...], tuple[str, ...]]:
    made: list[_T] = []
    malformed: list[str] = []
    for one in raw:
        try:
            made.append(make(decode(decoder, one)))
        except ParseError as e:
            malformed.append(plain(f"{e}: {bytes(one)[:80].decode(errors='replace')}"))
    return tuple(made), tuple(malformed)


def _facts(record: _Event) -> EventFacts:
    if not record.event_ticker or not record.series_ticker:
        msg = "an event without ticker or series"
        raise ParseError(msg)
    netting = record.collateral_return_type == _EXCLUSIVE
    problems = []
    if netting is not record.mutually_exclusive:
        problems.append("mutually_exclusive and collateral_return_type disagree")
    listings, refused = sort_markets(record.markets or ())
    return EventFacts(
        id=record.event_ticker,
        series=record.series_ticker,
        title=record.title,
        category=record.category or "",
        at_most_one=netting and record.mutually_exclusive,
        override=_override(record.fee_type_override, record.fee_multiplier_override),
        listings=listings,
        refused=refused,
        nested=record.markets is not None,
        problems=tuple(problems),
    )


def _series_facts(record: _Series) -> SeriesFacts:
    if not record.ticker:
        msg = "a series without ticker"
        raise ParseError(msg)
    terms = FeeTerms(record.fee_type, _multiplier(record.fee_multiplier))
    return SeriesFacts(id=record.ticker, fees=terms, category=record.category or "")


def _changed_series(record: _SeriesChange) -> FeeChange:
    terms = FeeTerms(record.fee_type, _multiplier(record.fee_multiplier))
    return FeeChange(record.series_ticker, _when(record.scheduled_ts), terms)


def _changed_event(record: _EventChange) -> FeeChange:
    override = _override(record.fee_type_override, record.fee_multiplier_override)
    return FeeChange(record.event_ticker, _when(record.scheduled_ts), override)


def _override(kind: str | None, multiplier: Decimal | None) -> FeeOverride:
    if kind is None and multiplier is None:
        return NO_OVERRIDE
    return FeeOverride(kind, None if multiplier is None else _multiplier(multiplier))


def _multiplier(value: Decimal) -> Decimal:
    if not value.is_finite() or not 0 <= value <= _MULTIPLIER_MAX:
        msg = plain(f"fee multiplier outside [0, {_MULTIPLIER_MAX}]: {value}")
        raise ParseError(msg)
    return value


def _when(value: Moment) -> Micros:
    return from_datetime(value)
