"""Walk the catalogue page by page and say what can be traded.

The end is where the next cursor is absent, never where a page is short. Events are taken whole or
not at all, since what is claimed of an event needs all of its markets.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import attrs

from market_bot.core.domain.market import EventTerms
from market_bot.core.domain.numbers import Micros

from .gamma import Listing, Page, Unsuitable, events_page

_OPEN: Final = (("closed", "false"),)


class Catalogue(Protocol):
    """Where pages of events come from; `rest.PolymarketRest` is one."""

    @abstractmethod
    def events_keyset(
        self, query: Sequence[tuple[str, str]] = (), cursor: str = "", limit: int = 100
    ) -> bytes:
        """Return one page of events with their markets."""


@attrs.frozen(kw_only=True)
class Scope:
    """What is looked for, and how far.

    Args:
        query: the venue's own filters of events, such as ``("tag_slug", "crypto")``.
        markets_max: how many markets are kept; events beyond are left out whole.
        pages_max: how many pages are asked for.
        page_size: records per page.

    """

    query: tuple[tuple[str, str], ...] = ()
    markets_max: int = attrs.field(default=10_000, validator=attrs.validators.ge(1))
    pages_max: int = attrs.field(default=500, validator=attrs.validators.ge(1))
    page_size: int = attrs.field(default=100, validator=attrs.validators.in_(range(1, 101)))


@attrs.frozen(kw_only=True)
class Discovered:
    """What the catalogue holds.

    Args:
        listings: markets that can be traded now, by condition id.
        resting: markets that are understood and cannot be traded now.
        refused: how many were left out, by reason; those of ``resting`` included.
        pages: how many pages were read.
        whole: whether the walk came to the end; False where a limit cut it short.
        odd: what the venue said that is not in its documents, counted.

    """

    listings: Mapping[str, Listing]
    resting: Mapping[str, Listing]
    refused: Mapping[Unsuitable, int]
    pages: int
    whole: bool
    odd: Mapping[str, int]

    def terms(self) -> dict[str, EventTerms]:
        """Return what is known about each event."""
        by_event: dict[str, list[Listing]] = {}
        for listing in self.listings.values():
            by_event.setdefault(listing.market.event, []).append(listing)
        return {
            event: EventTerms(
                markets=frozenset(one.market.id for one in group),
                at_most_one=all(one.market.at_most_one for one in group),
                exhaustive=all(one.market.exhaustive for one in group),
            )
            for event, group in by_event.items()
        }


def discover(catalogue: Catalogue, scope: Scope, now: Micros) -> Discovered:
    """Return what can be traded.

    Args:
        catalogue: answers with pages.
        scope: what to look for.
        now: decides which rewards are being paid.

    Raises:
        PolymarketError: if a page could not be had.
        UnreadableRecord: if an answer is no page.

    """
    walk = _Walk(scope)
    cursor = ""
    while not walk.over:
        body = catalogue.events_keyset((*_OPEN, *scope.query), cursor, scope.page_size)
        cursor = walk.take(events_page(body, now))
    return walk.done()


class _Walk:
    """A walk through the pages while it lasts."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._listings: dict[str, Listing] = {}
        self._resting: dict[str, Listing] = {}
        self._refused: Counter[Unsuitable] = Counter()
        self._odd: Counter[str] = Counter()
        self._cursors: set[str] = set()
        self._pages = 0
        self._whole = True
        self.over = False

    def take(self, page: Page) -> str:
        """Take a page and return the cursor of the next one."""
        self._pages += 1
        self._odd.update(page.odd)
        self._refused.update(one.reason for one in page.refused)
        for event in _grouped(page.listings):
            self._event(event)
        cursor = page.next_cursor
        if not cursor:
            self.over = True
        elif cursor in self._cursors:
            self._odd["cursor_repeated"] += 1
            self.over, self._whole = True, False
        elif self._pages >= self._scope.pages_max:
            self.over, self._whole = True, False
        self._cursors.add(cursor)
        return cursor

    def _event(self, listings: Sequence[Listing]) -> None:
        fresh = [one for one in listings if one.unsuitable is None]
        # The catalogue moves while it is walked: a market seen twice counts once, as seen last.
        repeated = sum(one.market.id in self._listings for one in fresh)
        if repeated:
            self._odd["market_repeated"] += repeated
        if len(self._listings) + len(fresh) - repeated > self._scope.markets_max:
            self._whole = False
            return
        for one in listings:
            reason = one.unsuitable
            self._listings.pop(one.market.id, None)
            if reason is None:
                self._listings[one.market.id] = one
                self._resting.pop(one.market.id, None)
            else:
                self._refused[reason] += 1
                self._resting[one.market.id] = one

    def done(self) -> Discovered:
        """Return what was found."""
        return Discovered(
            listings=self._listings,
            resting=self._resting,
            refused=dict(self._refused),
            pages=self._pages,
            whole=self._whole,
            odd=dict(self._odd),
        )


def _grouped(listings: Sequence[Listing]) -> list[list[Listing]]:
    groups: dict[str, list[Listing]] = {}
    for one in listings:
        groups.setdefault(one.market.event, []).append(one)
    return list(groups.values())
