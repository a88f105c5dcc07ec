"""Which markets a feed watches: whole events, up to a limit, for as long as somebody needs them."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from typing import Any

import attrs
import pytest

from market_bot.adapters.kalshi.discovery import Found
from market_bot.adapters.kalshi.errors import KalshiError, OutcomeUnknownError
from market_bot.adapters.kalshi.feed import Choice, KalshiFeed, Source
from market_bot.adapters.kalshi.feed_lookout import Lookout, Sight
from market_bot.adapters.kalshi.kept_markets import KeptMarkets
from market_bot.adapters.kalshi.parse_markets import Listing, Reason, Refused
from market_bot.adapters.kalshi.polled import CAPABILITIES
from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import HOUR, SECOND, Duration, Micros, Money
from market_bot.core.ports.market_data import Capability, MarketDataError, Sink
from tests.fakes.fact_sink import FactSink
from tests.fakes.kalshi_client import WaitingClock, a_client
from tests.fakes.kalshi_records import a_market
from tests.fakes.kalshi_streaming import Lists, listing

RAIN = ["KXRAIN-26DEC01-Y"]
TEMP = ["KXTEMP-26DEC01-B52", "KXTEMP-26DEC01-T50"]
SNOW = ["KXSNOW-26DEC01-A", "KXSNOW-26DEC01-B", "KXSNOW-26DEC01-C"]


class Prices(Source):
    """Remembers what is watched, and tells nothing."""

    def __init__(self) -> None:
        self.problems: deque[str] = deque()
        self.markets: dict[str, Listing] = {}
        self.ended: set[str] = set()
        self.news: Micros | None = None
        self.looks: list[Micros] = []
        self.closed = False

    @property
    def capabilities(self) -> frozenset[Capability]:
        return CAPABILITIES

    @property
    def watched(self) -> tuple[str, ...]:
        return tuple(self.markets)

    @property
    def resolved(self) -> frozenset[str]:
        return frozenset(self.ended & self.markets.keys())

    def listing(self, market: str) -> Listing | None:
        return self.markets.get(market)

    def renew(self, listings: Iterable[Listing], looked_at: Micros) -> None:
        self.looks.append(looked_at)
        self.markets |= {one.market.id: one for one in listings}

    def drop(self, markets: Iterable[str]) -> None:
        for name in markets:
            del self.markets[name]

    def news_at(self) -> Micros | None:
        return self.news

    def poll(self) -> None:
        self.problems.append("a problem of the source")

    def drain(self, sink: Sink, until: Micros) -> str:
        return "there"

    def close(self) -> None:
        self.closed = True


class Sights(Lookout):
    """Sees what it was given."""

    def __init__(self, clock: WaitingClock) -> None:
        self.clock = clock
        self.next: Sight | KalshiError | None = None
        self.held: list[Collection[str]] = []
        self.under_way = False
        self.closed = False

    @property
    def busy(self) -> bool:
        return self.under_way

    def begin(self, held: Collection[str]) -> None:
        self.held.append(frozenset(held))
        self.under_way = True

    def take(self) -> Sight | KalshiError | None:
        if not self.under_way or self.next is None:
            return None
        self.under_way = False
        return self.next

    def close(self) -> None:
        self.closed = True

    def show(self, *tickers: str, **changed: Any) -> None:
        """See these markets from now on."""
        held = changed.pop("held", ())
        found = Found(
            listings=tuple(traded(name) for name in tickers),
            terms={},
            refused=(),
            problems=(),
            complete=True,
            at=self.clock.now(),
            fees_change_at=None,
        )
        self.next = Sight(attrs.evolve(found, **changed), tuple(traded(name) for name in held))


def traded(name: str, dollars: int = 0) -> Listing:
    one = listing(name)
    return attrs.evolve(one, market=attrs.evolve(one.market, volume_24h=Money(dollars)))


class Watch:
    """A feed with its parts."""

    def __init__(self, **choice: Any) -> None:
        self.clock = WaitingClock()
        self.prices = Prices()
        self.sights = Sights(self.clock)
        self.in_hand: set[str] = set()
        self.feed = KalshiFeed(
            self.prices, self.sights, self.clock, Choice(held=lambda: self.in_hand, **choice)
        )

    def look(self, *tickers: str, **changed: Any) -> tuple[str, ...]:
        """Let the next look find these, and return what is watched."""
        self.clock.pass_by(600 * SECOND)
        self.sights.show(*tickers, **changed)
        self.feed.poll()
        return tuple(sorted(self.feed.watched))


def test_it_claims_what_its_source_claims() -> None:
    """Polled or streamed: a feed never changes from one to the other."""
    assert CAPABILITIES == Watch().feed.capabilities


def test_everything_found_is_watched() -> None:
    """Events come with all their markets."""
    watch = Watch()

    assert (*RAIN, *TEMP) == watch.look(*RAIN, *TEMP)
    known = watch.feed.listing(TEMP[0])
    assert known is not None
    assert TEMP[0] == known.market.id
    assert None is watch.feed.listing(SNOW[0])


def test_whole_events_or_none() -> None:
    """What does not fit as a whole is left out, said once, and smaller events still fit."""
    watch = Watch(markets_max=3)
    assert (*RAIN, *TEMP) == watch.look(*SNOW[:0], *TEMP, *RAIN, *SNOW)
    watch.look(*TEMP, *RAIN, *SNOW)

    assert 1 == len([one for one in watch.feed.problems if "3 markets of 1 events" in one])


def test_busy_events_come_first() -> None:
    """Under the limit events are taken by what is traded in them."""
    watch = Watch(markets_max=2)
    watch.sights.show()
    assert isinstance(watch.sights.next, Sight)
    found = attrs.evolve(
        watch.sights.next.found,
        listings=(traded(RAIN[0], 5), traded(TEMP[0], 3), traded(TEMP[1], 3)),
    )
    watch.sights.next = Sight(found)
    watch.feed.poll()

    assert set(TEMP) == set(watch.feed.watched)


def test_what_is_watched_stays() -> None:
    """An event that is watched is not pushed out by a busier one."""
    watch = Watch(markets_max=2)
    watch.look(*TEMP)

    assert tuple(TEMP) == watch.look(*RAIN, *TEMP)


def test_one_wanted_market_brings_its_event() -> None:
    """Filters choose events: in part an event would say too much of itself."""
    watch = Watch(wanted=lambda one: one.market.id == TEMP[1])

    assert tuple(TEMP) == watch.look(*RAIN, *TEMP)


def test_an_event_that_grows() -> None:
    """A new market joins its event; an event that outgrows the limit goes as a whole."""
    watch = Watch(markets_max=2)
    watch.look(*SNOW[:1])
    assert tuple(SNOW[:2]) == watch.look(*SNOW[:2])
    assert () == watch.look(*SNOW)


def test_an_event_in_hand_that_grows_stays() -> None:
    """Where we have something the limit waits."""
    watch = Watch(markets_max=2)
    watch.look(*SNOW[:2])
    watch.in_hand = {SNOW[0]}

    assert tuple(SNOW) == watch.look(*SNOW)


def test_ended_events_go() -> None:
    """An event goes once all its markets have been paid out."""
    watch = Watch()
    watch.look(*TEMP, *RAIN)
    watch.prices.ended = {TEMP[0]}
    assert (*RAIN, *TEMP) == watch.look(*RAIN)
    watch.prices.ended = set(TEMP)

    assert tuple(RAIN) == watch.look(*RAIN)


def test_events_found_no_more_linger() -> None:
    """A market that has closed is watched until it is paid out, but not for ever."""
    watch = Watch(linger=Duration(HOUR))
    watch.look(*TEMP, *RAIN)
    assert (*RAIN, *TEMP) == watch.look(*RAIN)
    watch.clock.pass_by(HOUR)

    assert tuple(RAIN) == watch.look(*RAIN)


@pytest.mark.parametrize("why", ["in hand", "a part of the list is missing"])
def test_what_must_not_go(why: str) -> None:
    """Nothing we hold is let go of, nor anything because a list broke off."""
    watch = Watch(linger=Duration(HOUR))
    watch.look(*TEMP)
    watch.in_hand = {TEMP[0]} if why == "in hand" else set()
    watch.clock.pass_by(HOUR)

    assert tuple(TEMP) == watch.look(complete=why == "in hand")


def test_held_markets_are_asked_for_by_name() -> None:
    """A position from before the start is watched, wherever its market is by now."""
    watch = Watch(markets_max=1)
    watch.in_hand = {TEMP[0]}

    assert (RAIN[0], TEMP[0]) == watch.look(*RAIN, held=TEMP[:1])
    assert [frozenset(TEMP[:1])] == watch.sights.held
    # Later its event is found as well.
    assert (*RAIN, *TEMP) == watch.look(*RAIN, *TEMP)


def test_refused_markets_are_told_once() -> None:
    """Each with its reason; of very many, how many for which reason."""
    watch = Watch()
    refused = tuple(Refused(f"T{n:03}", Reason.COMBO) for n in range(60))
    watch.look(refused=refused)
    told = [one for one in watch.feed.problems if "left out" in one]
    watch.look(refused=refused)

    assert "T000 is left out: combo" == told[0]
    assert "10 more markets are left out: combo" == told[-1]
    assert told == [one for one in watch.feed.problems if "left out" in one]


def test_problems_are_handed_on() -> None:
    """What the look and the source have to say is there for the journal."""
    watch = Watch()
    watch.look(problems=("a problem of the look",))

    assert {"a problem of the look", "a problem of the source"} <= set(watch.feed.problems)
    assert not watch.prices.problems


def looks(watch: Watch, seconds: int) -> int:
    """Return how many looks begin when so much time passes."""
    before = len(watch.sights.held)
    for _ in range(seconds):
        watch.clock.pass_by(SECOND)
        watch.feed.poll()
    return len(watch.sights.held) - before


def test_looks_are_made_on_a_schedule() -> None:
    """Every few minutes, one at a time."""
    watch = Watch(look_every=Duration(100 * SECOND))
    watch.look(*RAIN)

    assert 3 == looks(watch, 300)
    watch.sights.next = None
    assert 1 == looks(watch, 300)


def test_a_look_follows_a_change_of_fees() -> None:
    """Where fees change at a known time, they are looked at then."""
    watch = Watch(look_every=Duration(1000 * SECOND))
    at = Micros(watch.clock.now() + 700 * SECOND)
    watch.look(*RAIN, fees_change_at=at)
    watch.sights.show(*RAIN)

    assert 0 == looks(watch, 99)
    assert 1 == looks(watch, 5)


def test_a_look_follows_news() -> None:
    """A new market of a family is looked for once lists can know it."""
    watch = Watch(look_every=Duration(1000 * SECOND))
    watch.look(*RAIN)
    watch.prices.news = watch.clock.now()

    assert 0 == looks(watch, 59)
    assert 1 == looks(watch, 30)


def test_a_clock_set_back_does_not_stop_the_looks() -> None:
    """Nobody waits for a time that is hours away."""
    watch = Watch()
    watch.look(*RAIN)
    watch.clock.pass_by(-HOUR)

    assert 1 == looks(watch, 2)


def test_before_the_first_look_there_is_nothing() -> None:
    """While the first look goes on there are no facts; if it fails, the source is unusable."""
    watch = Watch()
    assert "there" == watch.feed.drain(FactSink(), watch.clock.now())
    watch.sights.next = OutcomeUnknownError("no answer")
    with pytest.raises(MarketDataError, match="cannot be looked for: no answer"):
        watch.feed.drain(FactSink(), watch.clock.now())
    watch.look(*RAIN)

    assert "there" == watch.feed.drain(FactSink(), watch.clock.now())


def test_a_failed_look_is_tried_again() -> None:
    """Soon, then less often, said once; what is watched stays."""
    watch = Watch(look_every=Duration(600 * SECOND))
    watch.look(*RAIN)
    watch.clock.pass_by(600 * SECOND)
    watch.sights.next = OutcomeUnknownError("no answer")
    watch.feed.poll()

    assert 2 == looks(watch, 91)
    assert 1 == len([one for one in watch.feed.problems if "no answer" in one])
    assert tuple(RAIN) == watch.feed.watched


def test_closing_ends_everything() -> None:
    """Lookout and source are closed."""
    watch = Watch()
    watch.feed.close()

    assert watch.sights.closed
    assert watch.prices.closed


@pytest.mark.parametrize("markets", [0, 1001])
def test_a_limit_out_of_reach(markets: int) -> None:
    """No client watches more markets than it can poll."""
    with pytest.raises(ValueError, match="between 1 and 1000"):
        Choice(markets_max=markets)


# -- markets that are kept ------------------------------------------------------------------


@pytest.fixture
def kept() -> tuple[KeptMarkets, Lists, WaitingClock]:
    """Return polled markets with the lists they are read from."""
    clock = WaitingClock()
    lists = Lists(TEMP)
    return KeptMarkets(a_client(clock, backend=lists), clock), lists, clock


def drained(source: KeptMarkets, sink: FactSink, clock: WaitingClock) -> list[tuple[object, ...]]:
    before = len(sink.facts)
    source.poll()
    source.drain(sink, clock.now())
    return [(fact[0], *fact[2:]) for fact in sink.facts[before:]]


def test_a_look_does_not_bring_back_an_old_status(
    kept: tuple[KeptMarkets, Lists, WaitingClock],
) -> None:
    """What was polled since a look began is newer than what it found."""
    source, lists, clock = kept
    sink = FactSink()
    found = [listing(name) for name in TEMP]
    source.renew(found, clock.now())
    drained(source, sink, clock)
    lists.markets[TEMP[0]] = a_market(TEMP[0], status="inactive")
    clock.pass_by(15 * SECOND)
    assert ("status", TEMP[0], MarketStatus.PAUSED) in drained(source, sink, clock)
    source.renew(found, clock.now())

    assert [] == [fact for fact in drained(source, sink, clock) if fact[0] == "status"]


def test_looks_do_not_stand_in_for_polls(kept: tuple[KeptMarkets, Lists, WaitingClock]) -> None:
    """While statuses cannot be polled markets are paused, however often is looked for them."""
    source, lists, clock = kept
    sink = FactSink()
    found = [listing(name) for name in TEMP]
    source.renew(found, clock.now())
    drained(source, sink, clock)
    lists.down = True
    for _ in range(7):
        clock.pass_by(10 * SECOND)
        source.renew(found, clock.now())
        drained(source, sink, clock)

    assert MarketStatus.PAUSED is sink.of("status")[-1][2]


def test_a_dropped_market_is_no_more(kept: tuple[KeptMarkets, Lists, WaitingClock]) -> None:
    """Whoever still knows it has no book of it, and does not take it to be open."""
    source, _, clock = kept
    sink = FactSink()
    source.renew([listing(name) for name in TEMP], clock.now())
    drained(source, sink, clock)
    source._watched[TEMP[0]].lost = False
    source.drop([TEMP[0]])
    source.drain(sink, clock.now())

    assert (TEMP[0], "watched no more") == sink.of("gap")[-1][1:]
    assert (TEMP[0], MarketStatus.PAUSED) == sink.of("status")[-1][1:]
    assert (TEMP[1],) == source.watched
