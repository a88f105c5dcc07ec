"""The venue's market data as a whole: which markets there are, and how they go.

Markets are looked for on a schedule, watched by whole events up to a limit, and let go of when they
have ended. Their prices come polled or streamed, as the feed was made; it never changes from one to
the other, so that what it claims is true of every tape.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, Protocol

import attrs

from market_bot.core.domain.numbers import HOUR, SECOND, Duration, Micros
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.market_data import Capability, MarketData, MarketDataError, Sink

from .errors import KalshiError, plain
from .feed_lookout import Lookout, Sight
from .kept_markets import CACHED_FOR
from .parse_markets import Listing, Refused
from .polled import MARKETS_MAX

_SOON: Final = Duration(30 * SECOND)
_MINUTE: Final = Duration(60 * SECOND)
_REFUSED_TOLD_MAX: Final = 50
_REFUSED_KEPT_MAX: Final = 50_000


class Source(MarketData, Protocol):
    """Where the prices of watched markets come from."""

    problems: deque[str]

    @property
    @abstractmethod
    def watched(self) -> tuple[str, ...]:
        """The markets that are watched."""

    @property
    @abstractmethod
    def resolved(self) -> frozenset[str]:
        """The watched markets that have been paid out."""

    @abstractmethod
    def listing(self, market: str) -> Listing | None:
        """Return the latest terms of a watched market, None of any other."""

    @abstractmethod
    def renew(self, listings: Iterable[Listing], looked_at: Micros) -> None:
        """Watch markets as a look that began then has found them."""

    @abstractmethod
    def drop(self, markets: Iterable[str]) -> None:
        """Watch these markets no more."""

    @abstractmethod
    def news_at(self) -> Micros | None:
        """Return since when there is news that only a look explains, None if there is none."""

    @abstractmethod
    def poll(self) -> None:
        """Ask for what is due."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything."""


def everything(_: Listing) -> bool:
    """Want every market."""
    return True


def nothing_held() -> Collection[str]:
    """Hold nothing."""
    return ()


@attrs.frozen(kw_only=True)
class Choice:
    """Which of the markets found are watched.

    Args:
        wanted: tells whether a market is; its whole event is watched with it.
        held: tells which markets have positions or orders; they are watched in any case, until
            they have been paid out.
        markets_max: how many markets are watched at most, but for held ones.
        look_every: how often is looked for markets.
        linger: how long an event is watched that is found no more and has not been paid out.

    """

    wanted: Callable[[Listing], bool] = everything
    held: Callable[[], Collection[str]] = nothing_held
    markets_max: int = attrs.field(default=300)
    look_every: Duration = Duration(300 * SECOND)
    linger: Duration = Duration(6 * HOUR)

    @markets_max.validator
    def _within(self, _: object, value: int) -> None:
        if not 0 < value <= MARKETS_MAX:
            msg = f"between 1 and {MARKETS_MAX} markets can be watched, not {value}"
            raise ValueError(msg)


@attrs.define(eq=False)
class _Event:
    """A watched event: its markets, and when it was found last."""

    markets: dict[str, None]
    found_at: Micros


class KalshiFeed(MarketData):
    """Watches what there is; owned by the venue's thread.

    Args:
        source: tells the prices.
        lookout: finds the markets.
        clock: when is looked.
        choice: which of them are watched.

    ``problems`` are lines for people and the journal: what was refused and why, what could not be
    read, why there is no connection. Whoever takes them clears them; the oldest are lost.
    """

    def __init__(
        self, source: Source, lookout: Lookout, clock: Clock, choice: Choice | None = None
    ) -> None:
        self._source = source
        self._lookout = lookout
        self._clock = clock
        self._choice = choice or Choice()
        self._events: dict[str, _Event] = {}
        self._due = Micros(0)
        self._looked_at: Micros | None = None
        self._failures = 0
        self._trouble = ""
        self._refused: dict[Refused, None] = {}
        self._crowded = (0, 0)
        self.problems: deque[str] = deque(maxlen=1000)

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._source.capabilities

    @property
    def watched(self) -> tuple[str, ...]:
        """The markets that are watched."""
        return self._source.watched

    def listing(self, market: str) -> Listing | None:
        """Return the latest terms of a watched market, None of any other."""
        return self._source.listing(market)

    def poll(self) -> None:
        """Ask for what is due; whoever calls this before reading the time of a tick gets it then.

        Nothing is raised.
        """
        self._look()
        self._source.poll()
        self.problems.extend(self._source.problems)
        self._source.problems.clear()

    def drain(self, sink: Sink, until: Micros) -> str:
        self.poll()
        if self._looked_at is None and self._failures:
            raise MarketDataError(self._trouble)
        position = self._source.drain(sink, until)
        self.problems.extend(self._source.problems)
        self._source.problems.clear()
        return position

    def close(self) -> None:
        """End all threads and connections; the feed cannot be used any more."""
        self._lookout.close()
        self._source.close()

    def _look(self) -> None:
        now = self._clock.now()
        if not self._lookout.busy and self._is_due(now):
            self._lookout.begin(self._choice.held())
        sight = self._lookout.take()
        if isinstance(sight, KalshiError):
            self._failed(sight, now)
        elif sight is not None:
            self._see(sight, now)

    def _is_due(self, now: Micros) -> bool:
        # Nobody waits longer than usual because the clock was set back.
        if now >= self._due or self._due - now > max(self._choice.look_every, _MINUTE):
            return True
        news = self._source.news_at()
        looked = self._looked_at or Micros(0)
        # What lists tell may be as old as a cache; and not for every piece of news a look.
        return news is not None and now >= max(news + CACHED_FOR, looked + _MINUTE)

    def _failed(self, error: KalshiError, now: Micros) -> None:
        self._failures += 1
        wait = min(_SOON << min(self._failures - 1, 8), max(_SOON, self._choice.look_every))
        self._due = Micros(now + wait)
        said = f"markets cannot be looked for: {error}"
        if said != self._trouble:
            self._trouble = said
            self.problems.append(said)

    def _see(self, sight: Sight, now: Micros) -> None:
        found = sight.found
        self._failures, self._looked_at, self._trouble = 0, now, ""
        self._due = Micros(now + self._choice.look_every)
        if found.fees_change_at is not None:
            self._due = min(self._due, Micros(max(found.fees_change_at, now) + SECOND))
        self.problems.extend((*found.problems, *sight.problems))
        self._tell_refused(found.refused)
        events = _by_event(found.listings)
        self._leave(events, now, complete=found.complete)
        self._watch(events, found.at, now)
        self._watch_held(sight.held, found.at, now)

    def _leave(self, events: Mapping[str, list[Listing]], now: Micros, *, complete: bool) -> None:
        """Drop whole events: those that are over, and those that are found no more for long."""
        resolved = self._source.resolved
        held = frozenset(self._choice.held())
        for name, event in list(self._events.items()):
            over = all(market in resolved for market in event.markets)
            gone = complete and name not in events and now - event.found_at > self._choice.linger
            if over or (gone and held.isdisjoint(event.markets)):
                self._drop(name)

    def _watch(self, events: Mapping[str, list[Listing]], looked_at: Micros, now: Micros) -> None:
        """Watch events as a whole: first those that are watched, then by what is traded in them."""
        left_out: Counter[str] = Counter()
        for name in sorted(events, key=lambda name: self._rank(name, events[name])):
            known = self._events.get(name)
            listings = events[name]
            if known is None and not any(map(self._choice.wanted, listings)):
                continue
            new = [one for one in listings if known is None or one.market.id not in known.markets]
            if new and len(self._source.watched) + len(new) > self._room(known):
                left_out[name] = len(new)
                if known is None:
                    continue
                # In part it would say too much of itself.
                self._drop(name)
                continue
            self._source.renew(listings, looked_at)
            markets = dict.fromkeys(one.market.id for one in listings)
            self._events[name] = _Event(markets | (known.markets if known else {}), now)
        self._tell_crowded(len(left_out), left_out.total())

    def _watch_held(self, held: Iterable[Listing], looked_at: Micros, now: Micros) -> None:
        """Watch markets we have something in, by themselves where their event is not watched."""
        for listing in held:
            event = self._events.get(listing.market.event)
            if event is not None and listing.market.id in event.markets:
                continue
            if len(self._source.watched) >= MARKETS_MAX:
                self.problems.append(f"{listing.market.id} is held and there is no room for it")
                continue
            self._source.renew([listing], looked_at)
            known = {} if event is None else event.markets
            self._events[listing.market.event] = _Event(known | {listing.market.id: None}, now)

    def _rank(self, name: str, listings: list[Listing]) -> tuple[bool, int, str]:
        volume = sum(one.market.volume_24h or 0 for one in listings)
        return name not in self._events, -volume, name

    def _room(self, known: _Event | None) -> int:
        # An event that is held stays whole, whatever the limit says.
        held = known is not None and not known.markets.keys().isdisjoint(self._choice.held())
        return MARKETS_MAX if held else self._choice.markets_max

    def _drop(self, name: str) -> None:
        self._source.drop(self._events.pop(name).markets)

    def _tell_refused(self, refused: Iterable[Refused]) -> None:
        new = [one for one in refused if one not in self._refused]
        if len(self._refused) + len(new) > _REFUSED_KEPT_MAX:
            self._refused.clear()
        self._refused |= dict.fromkeys(new)
        for one in new[:_REFUSED_TOLD_MAX]:
            self.problems.append(plain(f"{one.ticker} is left out: {_why(one)}"))
        more = Counter(one.reason.value for one in new[_REFUSED_TOLD_MAX:])
        for reason, count in sorted(more.items()):
            self.problems.append(f"{count} more markets are left out: {reason}")

    def _tell_crowded(self, events: int, markets: int) -> None:
        if (events, markets) != self._crowded and events:
            self.problems.append(
                f"{markets} markets of {events} events are not watched: no more than"
                f" {self._choice.markets_max} are; narrow the filters or raise the limit"
            )
        self._crowded = (events, markets)


def _by_event(listings: Iterable[Listing]) -> dict[str, list[Listing]]:
    events: dict[str, list[Listing]] = {}
    for one in listings:
        events.setdefault(one.market.event, []).append(one)
    return events


def _why(one: Refused) -> str:
    return f"{one.reason.value} {one.details}".strip()
