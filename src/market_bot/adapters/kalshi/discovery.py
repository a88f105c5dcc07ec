"""Which markets there are: lists walked, refused ones named, the rest with all their terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Final

import attrs

from market_bot.core.domain.market import EventTerms, MarketStatus
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.clock import Clock

from .errors import NotFoundError, ParseError, plain
from .fee_terms import FeeBook, FeeChange, FeeTerms
from .ladders import covers_everything
from .paging import PAGES_MAX, Walk, walk
from .parse_events import (
    EventFacts,
    SeriesFacts,
    parse_event_fee_changes,
    parse_events,
    parse_series,
    parse_series_fee_changes,
    parse_series_list,
)
from .parse_markets import Listing, Refused, parse_markets
from .rest import KalshiRest
from .transport import Params

_MARKETS_PER_PAGE: Final = "1000"
_EVENTS_PER_PAGE: Final = "200"
_EVENTS_AT_ONCE: Final = 50
_SERIES_ONE_BY_ONE: Final = 20
_PROBLEMS_MAX: Final = 100
_OVER: Final = (MarketStatus.CLOSED, MarketStatus.DETERMINED, MarketStatus.SETTLED)


@attrs.frozen(kw_only=True)
class Scope:
    """What to look for.

    Args:
        series: only these series; empty for all.
        closes_after: only markets that close later than this from now.
        closes_within: only markets that close earlier than this from now, None for all.
        markets_max: stop, and say so, at more than this many.

    """

    series: tuple[str, ...] = ()
    closes_after: Duration = Duration(0)
    closes_within: Duration | None = None
    markets_max: int = 20_000


@attrs.frozen(kw_only=True)
class Found:
    """What a look found.

    Args:
        listings: markets that can be traded or will be, with event, family and fees filled in.
        terms: how the markets of each event end together.
        refused: markets that are left out, with the reason.
        problems: what was tolerated or is missing, one printable line each.
        complete: whether the lists were walked to their ends.
        at: when the look began.
        fees_change_at: when fees change next, as announced; look again then.

    """

    listings: tuple[Listing, ...]
    terms: Mapping[str, EventTerms]
    refused: tuple[Refused, ...]
    problems: tuple[str, ...]
    complete: bool
    at: Micros
    fees_change_at: Micros | None


@attrs.define(eq=False)
class _Look:
    """What one look has gathered so far."""

    at: Micros
    listings: dict[str, Listing] = attrs.field(factory=dict)
    refused: dict[str, Refused] = attrs.field(factory=dict)
    events: dict[str, EventFacts] = attrs.field(factory=dict)
    problems: dict[str, None] = attrs.field(factory=dict)
    complete: bool = True

    def note(self, problem: str) -> None:
        if problem and len(self.problems) < _PROBLEMS_MAX:
            self.problems[problem] = None

    def walked(self, what: str, broken: str) -> None:
        if broken:
            self.complete = False
            self.note(f"{what}: {broken}; some may be missing")


class Discovery:
    """Looks for markets; owned by one thread, remembers what it learned about fees.

    Args:
        rest: reads public data.
        clock: when a look is.
        references: reference prices by series, for series that are decided by one.
        steps: by series, the steps in which its outcomes come, as a person has read in the rules.
        pages_max: the longest list that is walked.

    """

    def __init__(
        self,
        rest: KalshiRest,
        clock: Clock,
        *,
        references: Mapping[str, str] | None = None,
        steps: Mapping[str, Decimal] | None = None,
        pages_max: int = PAGES_MAX,
    ) -> None:
        self._rest = rest
        self._clock = clock
        self._references = references or {}
        self._steps = steps or {}
        self._pages_max = pages_max
        self._series: dict[str, SeriesFacts] = {}
        self.fees = FeeBook()

    def look(self, scope: Scope) -> Found:
        """Return what there is now.

        Raises:
            KalshiError: if a list cannot be read; nothing was found then.

        """
        look = _Look(self._clock.now())
        if scope.series:
            for series in scope.series:
                self._walk_events(look, scope, series)
        else:
            self._walk_markets(look, scope)
            self._name_events(look)
        self._learn_series(look)
        self._learn_changes(look)
        listings = tuple(self._complete(look, scope))
        terms = self._all_terms(look, listings)
        return Found(
            listings=tuple(_with_terms(one, terms[one.market.event]) for one in listings),
            terms=terms,
            refused=tuple(look.refused.values()),
            problems=tuple(look.problems),
            complete=look.complete,
            at=look.at,
            fees_change_at=self._next_change(look),
        )

    def _walk_events(self, look: _Look, scope: Scope, series: str) -> None:
        """Take a series' events with all their markets in them."""
        params = [
            ("series_ticker", series),
            ("status", "open"),
            ("with_nested_markets", "true"),
            ("limit", _EVENTS_PER_PAGE),
            ("min_close_ts", str((look.at + scope.closes_after) // SECOND)),
        ]
        walked = self._events(look, params)
        look.walked(f"events of {plain(series)}", walked.broken)
        for event in walked.items:
            look.events[event.id] = event
            look.listings |= {one.market.id: one for one in event.listings}
            look.refused |= {one.ticker: one for one in event.refused}

    def _walk_markets(self, look: _Look, scope: Scope) -> None:
        """Take all markets that close within a window; combos would come first otherwise."""
        params = [
            ("mve_filter", "exclude"),
            ("limit", _MARKETS_PER_PAGE),
            ("min_close_ts", str((look.at + scope.closes_after) // SECOND)),
        ]
        if scope.closes_within is not None:
            params.append(("max_close_ts", str((look.at + scope.closes_within) // SECOND)))

        def fetch(query: Params) -> tuple[Iterable[Listing | Refused], str]:
            page = self._rest.read("/markets", parse_markets, params=query)
            return (*page.listings, *page.refused), page.cursor

        walked = walk(
            fetch,
            lambda one: one.market.id if isinstance(one, Listing) else one.ticker,
            params=params,
            pages_max=self._pages_max,
            enough=lambda count: count > scope.markets_max,
        )
        look.walked("markets", walked.broken)
        for one in walked.items:
            if isinstance(one, Listing):
                look.listings[one.market.id] = one
            else:
                look.refused[one.ticker] = one

    def _name_events(self, look: _Look) -> None:
        """Ask for the events of the markets found."""
        names = iter(dict.fromkeys(one.market.event for one in look.listings.values()))
        while batch := list(islice(names, _EVENTS_AT_ONCE)):
            params = [("tickers", ",".join(batch)), ("limit", _EVENTS_PER_PAGE)]
            walked = self._events(look, params)
            look.walked("events", walked.broken)
            look.events |= {event.id: event for event in walked.items}

    def _events(self, look: _Look, params: Params) -> Walk[EventFacts]:
        def fetch(query: Params) -> tuple[Iterable[EventFacts], str]:
            page = self._rest.read("/events", parse_events, params=query)
            for problem in page.malformed:
                look.complete = False
                look.note(f"an event that cannot be read: {problem}")
            return page.events, page.cursor

        return walk(fetch, lambda one: one.id, params=params, pages_max=self._pages_max)

    def _learn_series(self, look: _Look) -> None:
        wanted = {event.series for event in look.events.values()}
        if not wanted:
            return
        for facts in self._read_series(look, wanted):
            self._series[facts.id] = facts
            if not facts.fees.known:
                look.note(f"{facts.id}: unknown fee type {plain(facts.fees.kind)!r}")
            self.fees.tell([FeeChange(facts.id, look.at, facts.fees)])
        for name in sorted(wanted - set(self._series)):
            look.note(f"series {plain(name)} is not told: its fees are taken to be the highest")

    def _read_series(self, look: _Look, wanted: set[str]) -> Iterator[SeriesFacts]:
        if len(wanted) <= _SERIES_ONE_BY_ONE:
            for name in sorted(wanted):
                try:
                    yield self._rest.read(f"/series/{name}", parse_series)
                except (NotFoundError, ParseError) as e:
                    look.note(f"series {plain(name)}: {e}")
            return
        page = self._rest.read("/series", parse_series_list)
        for problem in page.malformed:
            look.note(f"a series that cannot be read: {problem}")
        yield from (facts for facts in page.series if facts.id in wanted)

    def _learn_changes(self, look: _Look) -> None:
        self.fees.tell(
            FeeChange(event.id, look.at, event.override) for event in look.events.values()
        )
        page = self._rest.read("/series/fee_changes", parse_series_fee_changes)
        walked = walk(
            self._event_changes,
            lambda one: one,
            params=[("limit", _MARKETS_PER_PAGE)],
            pages_max=self._pages_max,
        )
        look.walked("fee changes", walked.broken)
        ours = {*look.events, *(event.series for event in look.events.values())}
        # What was to happen before now is part of what series and events say of themselves.
        self.fees.tell(
            change
            for change in (*page.changes, *walked.items)
            if change.of in ours and change.at > look.at
        )
        for problem in page.malformed:
            look.note(f"a fee change that cannot be read: {problem}")

    def _event_changes(self, query: Params) -> tuple[Sequence[FeeChange], str]:
        page = self._rest.read("/events/fee_changes", parse_event_fee_changes, params=query)
        return page.changes, page.cursor

    def _next_change(self, look: _Look) -> Micros | None:
        changes = (
            self.fees.next_change(event.series, event.id, look.at) for event in look.events.values()
        )
        return min((at for at in changes if at is not None), default=None)

    def _complete(self, look: _Look, scope: Scope) -> Iterator[Listing]:
        """Yield the markets that are wanted, with what their events and series say."""
        for one in look.listings.values():
            for problem in one.problems:
                look.note(f"{one.market.id}: {problem}")
            event = look.events.get(one.market.event)
            if event is None:
                look.note(f"{one.market.id}: its event is not told")
                continue
            if one.status in _OVER or not _within(one, scope, look.at):
                continue
            yield self._completed(one, event, look.at)

    def _completed(self, one: Listing, event: EventFacts, at: Micros) -> Listing:
        series = self._series.get(event.series)
        title = f"{event.title}: {one.label}" if one.label else event.title
        market = attrs.evolve(
            one.market,
            family=event.series,
            title=plain(title or one.market.title),
            fees=self.terms_of(event.series, event.id, at).schedule(),
            reference=self._references.get(event.series),
            category=plain(series.category if series and series.category else event.category),
        )
        return attrs.evolve(one, market=market)

    def terms_of(self, series: str, event: str, at: Micros) -> FeeTerms:
        """Return the fee terms of an event at a moment, as far as they were told."""
        return self.fees.terms(series, event, at)

    def _all_terms(self, look: _Look, kept: Iterable[Listing]) -> dict[str, EventTerms]:
        members: dict[str, set[str]] = {}
        for one in kept:
            members.setdefault(one.market.event, set()).add(one.market.id)
        return {
            event: self._terms(look, look.events[event], markets)
            for event, markets in members.items()
        }

    def _terms(self, look: _Look, event: EventFacts, kept: set[str]) -> EventTerms:
        """Say how the markets that were kept end together: nothing, if they are not all of them."""
        for problem in event.problems:
            look.note(f"{plain(event.id)}: {problem}")
        whole = look.complete and event.nested and not event.refused
        whole = whole and kept == {one.market.id for one in event.listings}
        step = self._steps.get(event.series)
        return EventTerms(
            markets=frozenset(kept),
            at_most_one=event.at_most_one,
            exhaustive=whole and covers_everything(event.listings, step),
        )


def _within(one: Listing, scope: Scope, now: Micros) -> bool:
    close = one.market.close_at
    if close is None:
        return False
    latest = None if scope.closes_within is None else now + scope.closes_within
    return close > now + scope.closes_after and (latest is None or close <= latest)


def _with_terms(one: Listing, terms: EventTerms) -> Listing:
    market = attrs.evolve(one.market, at_most_one=terms.at_most_one, exhaustive=terms.exhaustive)
    return attrs.evolve(one, market=market)
