"""Which markets are watched, and looking for them beside the trading: a walk takes a minute."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, Protocol

import attrs

from market_bot.core.domain.numbers import SECOND, Duration, Micros, format_time
from market_bot.core.ports.clock import Clock

from .discovery import Discovered, Scope, discover
from .gamma import Listing, markets_page
from .problems import OverBudget, PolymarketError, plain
from .rest import CONDITIONS_MAX, PolymarketRest
from .wire import UnreadableRecord

WATCHED_MAX: Final = 1_000
"""No choice watches more than this."""

FAILURES: Final = (PolymarketError, UnreadableRecord)

_NAMED_MAX: Final = 2_000
_GRACE: Final = Duration(15 * SECOND)
_BUSIEST_FIRST: Final = (("order", "volume24hr"), ("ascending", "false"))


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
        held: tells which markets have positions or orders; they are watched in any case.
        markets_max: how many open markets are watched at most; None for all.

    """

    wanted: Callable[[Listing], bool] = everything
    held: Callable[[], Collection[str]] = nothing_held
    markets_max: int | None = attrs.field(default=None)

    @markets_max.validator
    def _within(self, _: object, value: int | None) -> None:
        if value is not None and not 0 < value <= WATCHED_MAX:
            msg = f"between 1 and {WATCHED_MAX} markets can be watched, not {value}"
            raise ValueError(msg)


@attrs.frozen(kw_only=True)
class Chosen:
    """What is watched of what was found, and how much had no room."""

    listings: tuple[Listing, ...]
    events_left_out: int = 0
    markets_left_out: int = 0


def choose(found: Mapping[str, Listing], choice: Choice, watched: Collection[str]) -> Chosen:
    """Choose whole events: those that are watched already, then by what is traded in them.

    An event that is watched, or of which something is held, stays whole whatever the limit says.
    """
    kept = frozenset(watched) | frozenset(choice.held())
    listings: list[Listing] = []
    left_out: list[int] = []
    for event in sorted(_events(found), key=lambda event: _rank(event, kept)):
        known = any(one.market.id in kept for one in event)
        if not known and not any(map(choice.wanted, event)):
            continue
        room = None if choice.markets_max is None else choice.markets_max - len(listings)
        if not known and room is not None and len(event) > room:
            left_out.append(len(event))
        else:
            listings += event
    return Chosen(
        listings=tuple(listings), events_left_out=len(left_out), markets_left_out=sum(left_out)
    )


def _events(found: Mapping[str, Listing]) -> Collection[list[Listing]]:
    events: dict[str, list[Listing]] = {}
    for one in found.values():
        events.setdefault(one.market.event, []).append(one)
    return events.values()


def _rank(event: list[Listing], kept: Collection[str]) -> tuple[bool, int]:
    volume = sum(one.market.volume_24h or 0 for one in event)
    return not any(one.market.id in kept for one in event), -volume


@attrs.frozen(kw_only=True)
class Sight:
    """What a look found.

    Args:
        found: what is in its scope.
        named: markets asked for by name that are not in it, open or closed.
        problems: what could not be read, one line each.

    """

    found: Discovered
    named: Mapping[str, Listing] = attrs.field(factory=dict)
    problems: tuple[str, ...] = ()


class Lookout(Protocol):
    """Looks for markets when it is asked to; one look at a time."""

    @property
    @abstractmethod
    def busy(self) -> bool:
        """Whether a look is under way or its result has not been taken."""

    @abstractmethod
    def begin(self, known: Collection[str], held: Collection[str]) -> None:
        """Begin a look.

        Args:
            known: markets that are watched: where a whole walk does not find one, it is asked for.
            held: markets that are asked for wherever the walk does not find them.

        """

    @abstractmethod
    def take(self) -> Sight | Exception | None:
        """Return the result of the look once, or why there is none; None while it goes on."""

    @abstractmethod
    def close(self) -> None:
        """End what is under way and wait for it."""


class Look(Lookout):
    """Looks at once, in the thread that asks.

    Args:
        rest: a client that nobody else uses meanwhile.
        clock: when a look is.
        scope: what to look for.
        closes_within: only events that are to end earlier than this from now, None for all.

    """

    def __init__(
        self,
        rest: PolymarketRest,
        clock: Clock,
        scope: Scope,
        closes_within: Duration | None = None,
    ) -> None:
        self._rest = rest
        self._clock = clock
        self._scope = scope
        self._closes_within = closes_within
        self._result: Sight | Exception | None = None

    @property
    def busy(self) -> bool:
        return self._result is not None

    def begin(self, known: Collection[str], held: Collection[str]) -> None:
        try:
            self._result = self.look(known, held)
        except FAILURES as e:
            self._result = e

    def take(self) -> Sight | Exception | None:
        result, self._result = self._result, None
        return result

    def close(self) -> None:
        self._rest.close()

    def look(self, known: Collection[str], held: Collection[str]) -> Sight:
        """Look.

        Raises:
            PolymarketError: if the catalogue cannot be had.
            UnreadableRecord: if it is none.

        """
        now = self._clock.now()
        found = discover(self._rest, self._narrowed(now), now)
        # Where a limit cut the walk short, being absent says nothing.
        asked = {*held, *(known if found.whole else ())}
        missing = sorted(asked - found.listings.keys() - found.resting.keys())
        named: dict[str, Listing] = {}
        problems: list[str] = []
        if len(missing) > _NAMED_MAX:
            problems.append(f"{len(missing) - _NAMED_MAX} markets were not asked for by name")
        for start in range(0, min(len(missing), _NAMED_MAX), CONDITIONS_MAX):
            self._by_name(missing[start : start + CONDITIONS_MAX], now, named, problems)
        absent = sorted(frozenset(held).intersection(missing) - named.keys())
        problems += [f"{name}: is held and in none of the venue's lists" for name in absent]
        return Sight(found=found, named=named, problems=tuple(problems))

    def _narrowed(self, now: Micros) -> Scope:
        if self._closes_within is None:
            return self._scope
        # To the second: not every reader of times takes fractions.
        second = format_time(Micros(now + self._closes_within)).partition(".")[0]
        latest = ("end_date_max", f"{second}Z")
        return attrs.evolve(self._scope, query=(*self._scope.query, latest))

    def _by_name(
        self,
        names: Collection[str],
        now: Micros,
        named: dict[str, Listing],
        problems: list[str],
    ) -> None:
        # Absent among the open is not proof; among the closed is.
        for closed in (True, False):
            left = [name for name in names if name not in named]
            if not left:
                return
            try:
                page = markets_page(self._rest.markets_by_condition(left, closed=closed), now)
            except FAILURES as e:
                problems.append(f"markets cannot be asked for by name: {e}")
                return
            named |= {one.market.id: one for one in page.listings if one.market.id in left}


class LookoutThread(Lookout):
    """Looks in a thread of its own, with a client of its own.

    Args:
        look: what is done there; nobody else may use it.
        stopping: set by `close`; whoever waits with the client is to look at it.

    """

    def __init__(self, look: Look, stopping: threading.Event) -> None:
        self._look = look
        self._stopping = stopping
        self._thread: threading.Thread | None = None
        self._result: Sight | Exception | None = None

    @property
    def busy(self) -> bool:
        return self._thread is not None

    def begin(self, known: Collection[str], held: Collection[str]) -> None:
        if self._thread is None and not self._stopping.is_set():
            names = (frozenset(known), frozenset(held))
            self._thread = threading.Thread(
                target=self._run, args=names, name="polymarket-lookout", daemon=True
            )
            self._thread.start()

    def take(self) -> Sight | Exception | None:
        thread = self._thread
        if thread is None or thread.is_alive():
            return None
        thread.join()
        self._thread = None
        result, self._result = self._result, None
        return result

    def close(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_GRACE / SECOND)
        self._look.close()

    def _run(self, known: Collection[str], held: Collection[str]) -> None:
        try:
            self._result = self._look.look(known, held)
        except FAILURES as e:
            self._result = e
        except Exception as e:  # noqa: BLE001 - a thread that ends without a word looks for ever
            self._result = PolymarketError(plain(f"the look failed: {type(e).__name__}: {e}"))


def stopping_wait(stopping: threading.Event) -> Callable[[Duration], None]:
    """Return what waits, unless the bot stops: then what waits for its budget is not sent."""

    def wait(duration: Duration) -> None:
        if stopping.wait(duration / SECOND):
            msg = "the bot stops"
            raise OverBudget(msg)

    return wait


def busiest_first(scope: Scope) -> Scope:
    """Return a scope whose walk meets the events with the most trading first."""
    return attrs.evolve(scope, query=(*scope.query, *_BUSIEST_FIRST))


def odd_words(found: Discovered) -> Iterator[str]:
    """Yield what the venue said that is in none of its documents, a line each."""
    yield from (plain(f"the catalogue says what is not documented: {what}") for what in found.odd)
