"""Which markets are watched: whole events, those that are known, then the busiest."""

from __future__ import annotations

import threading
from collections.abc import Collection

import attrs
import pytest

from market_bot.adapters.polymarket.discovery import Scope, discover
from market_bot.adapters.polymarket.gamma import Listing, events_page
from market_bot.adapters.polymarket.lookout import (
    Choice,
    Look,
    Lookout,
    LookoutThread,
    Sight,
    busiest_first,
    choose,
    stopping_wait,
)
from market_bot.adapters.polymarket.polled import PolymarketPolled
from market_bot.adapters.polymarket.problems import OverBudget
from market_bot.adapters.polymarket.rest import PolymarketRest
from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import HOUR, SECOND, Duration
from tests.fakes.fake_polymarket import SERVER_ERROR, DirectTransport, FakePolymarket
from tests.fakes.fake_polymarket_clock import SteppingClock
from tests.fakes.fake_polymarket_records import (
    NOW,
    Record,
    a_book,
    a_market,
    a_resolution,
    an_event,
    body,
    condition,
    token,
)
from tests.fakes.recording_sink import RecordingSink


def listed(*events: Record) -> dict[str, Listing]:
    """Return the markets of some events by name."""
    page = events_page(body({"events": list(events)}), NOW)
    return {one.market.id: one for one in page.listings}


def event(name: str, volume: int, *numbers: int) -> Record:
    """Return an event of markets in which so much is traded."""
    return an_event([a_market(number, volume24hr=volume) for number in numbers], name)


def names(listings: Collection[Listing]) -> list[str]:
    """Return the events of some markets, each once."""
    return list(dict.fromkeys(one.market.event for one in listings))


FOUND = listed(event("quiet", 10, 1, 2), event("busy", 900, 3, 4), event("loud", 500, 5))


def test_the_busiest_events_come_first_and_whole() -> None:
    """An event that does not fit is left out as a whole, and a smaller one may still fit."""
    chosen = choose(FOUND, Choice(markets_max=3), ())

    assert ["busy", "loud"] == names(chosen.listings)
    assert (1, 2) == (chosen.events_left_out, chosen.markets_left_out)


def test_what_is_watched_stays_watched() -> None:
    """A quiet event that is known is not given up for a busy one, whatever the limit."""
    chosen = choose(FOUND, Choice(markets_max=2), (condition(2),))
    growing = choose(FOUND, Choice(markets_max=1), (condition(2),))

    assert ["quiet"] == names(chosen.listings) == names(growing.listings)
    assert 2 == len(growing.listings)


def test_what_is_held_is_watched() -> None:
    """A position brings its event in, though the filters do not want it."""
    choice = Choice(
        wanted=lambda one: one.market.event == "busy", held=lambda: {condition(1)}, markets_max=4
    )

    assert ["quiet", "busy"] == names(choose(FOUND, choice, ()).listings)


def test_one_wanted_market_brings_its_event() -> None:
    """The others of the event are needed to know how it ends."""
    choice = Choice(wanted=lambda one: one.market.id == condition(4))

    assert {condition(3), condition(4)} == {
        one.market.id for one in choose(FOUND, choice, ()).listings
    }


@pytest.mark.parametrize("most", [0, 1001])
def test_the_limit_has_a_limit(most: int) -> None:
    """Neither none nor more than the venue's batches are made for."""
    with pytest.raises(ValueError, match="between 1 and 1000"):
        Choice(markets_max=most)


class Room:
    """A venue, a clock and a look at it."""

    def __init__(self, within: Duration | None = None) -> None:
        self.venue = FakePolymarket()
        self.clock = SteppingClock()
        self.rest = PolymarketRest(
            DirectTransport(self.venue, self.clock, Duration(1)), self.clock, self.clock.wait
        )
        self.look = Look(self.rest, self.clock, busiest_first(Scope()), within)


def test_a_held_market_is_found_wherever_it_is() -> None:
    """Closed ones are asked for by name, and one that is nowhere is complained of."""
    room = Room()
    room.venue.closed_markets = [a_market(7, closed=True, events=[an_event([])])]
    sight = room.look.look((), {condition(7), condition(8)})

    assert MarketStatus.CLOSED is sight.named[condition(7)].status
    assert (f"{condition(8)}: is held and in none of the venue's lists",) == sight.problems


def test_only_what_ends_in_time_is_looked_for() -> None:
    """The venue filters and sorts, so that the walk is short and meets the busiest first."""
    room = Room(within=Duration(48 * HOUR))
    room.look.look((), ())
    asked = room.venue.requests[0][1]

    assert "order=volume24hr&ascending=false" in asked
    assert "end_date_max=2026-10-22T12%3A00%3A00Z" in asked


def test_a_look_in_a_thread_is_taken_once() -> None:
    """While it goes on nothing is told; then its result is, once."""
    room = Room()
    room.venue.events = [event("busy", 1, 1)]
    lookout = LookoutThread(room.look, threading.Event())
    lookout.begin((), ())
    under_way = lookout.busy
    sight = taken(lookout)

    assert isinstance(sight, Sight)
    assert [condition(1)] == list(sight.found.listings)
    assert (True, False) == (under_way, lookout.busy)
    assert lookout.take() is None
    lookout.close()
    lookout.begin((), ())
    assert not lookout.busy


def test_a_thread_that_breaks_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong in it becomes the result of the look."""
    room = Room()
    monkeypatch.setattr(room.look, "look", lambda *_: 1 // 0)
    lookout = LookoutThread(room.look, threading.Event())
    lookout.begin((), ())

    assert "ZeroDivisionError" in str(taken(lookout))


def taken(lookout: Lookout) -> Sight | Exception | None:
    """Return the result of a look as soon as it is there."""
    for thread in threading.enumerate():
        if thread.name == "polymarket-lookout":
            thread.join(10)
    return lookout.take()


def test_nobody_waits_for_a_bot_that_stops() -> None:
    """What waits for its budget is not sent any more."""
    stopping = threading.Event()
    wait = stopping_wait(stopping)
    wait(Duration(1))
    stopping.set()

    with pytest.raises(OverBudget, match="the bot stops"):
        wait(Duration(3600 * SECOND))


@attrs.define(eq=False)
class Watching:
    """Polled data with a choice."""

    room: Room
    choice: Choice
    source: PolymarketPolled = attrs.field(init=False)
    sink: RecordingSink = attrs.field(factory=RecordingSink)

    def __attrs_post_init__(self) -> None:
        self.source = PolymarketPolled(
            self.room.rest, self.room.clock, lookout=self.room.look, choice=self.choice
        )

    def after(self, seconds: int) -> list[str]:
        """Return what is told after so many seconds."""
        self.room.clock.advance(Duration(seconds * SECOND))
        self.source.poll()
        before = len(self.sink.facts)
        self.source.drain(self.sink, self.room.clock.now())
        return [f"{fact[0]} {getattr(fact[1], 'id', fact[1])}" for fact in self.sink.facts[before:]]


def test_a_position_is_followed_to_its_end_after_a_restart() -> None:
    """A closed market of ours is told, watched, and ended when it is resolved."""
    room = Room()
    room.venue.closed_markets = [a_market(7, closed=True, events=[an_event([])])]
    room.venue.resolutions = [a_resolution(7)]
    watching = Watching(room, Choice(held=lambda: {condition(7)}))

    told = [f"{kind} {condition(7)}" for kind in ("meta", "status", "resolution")]
    assert told == watching.after(1)
    assert 0 == room.venue.asked("/books")


def test_people_are_told_what_is_left_out_and_what_fails() -> None:
    """One line each, and not again until it changes."""
    room = Room()
    room.venue.events = [event("busy", 9, 1), event("quiet", 1, 2)]
    room.venue.books = {token(2): a_book(1)}
    watching = Watching(room, Choice(markets_max=1))
    watching.after(0)
    room.venue.fail("/books", *[SERVER_ERROR] * 9)
    watching.after(2)
    watching.after(2)

    crowded, failed = watching.source.problems
    assert "1 markets of 1 events are not watched: no more than 1 are" in crowded
    assert failed.startswith("asking for the books failed: Polymarket answered 500")
    assert watching.source.listing(condition(2)) is None
    watching.source.close()


def test_the_whole_is_chosen_from_a_walk() -> None:
    """What a walk found and what is chosen of it speak the same names."""
    room = Room()
    room.venue.events = [event("busy", 9, 1, 2)]
    found = discover(room.rest, Scope(), NOW)

    assert tuple(found.listings.values()) == choose(found.listings, Choice(), ()).listings
