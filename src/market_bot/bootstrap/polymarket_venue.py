"""Polymarket, put together from its settings and, for real money, its wallet."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Protocol

from market_bot.adapters.polymarket.budgets import Budget, Rate
from market_bot.adapters.polymarket.discovery import Scope
from market_bot.adapters.polymarket.feed_assembly import streamed_feed
from market_bot.adapters.polymarket.gamma import Listing, events_page
from market_bot.adapters.polymarket.lookout import (
    Choice,
    Look,
    LookoutThread,
    busiest_first,
)
from market_bot.adapters.polymarket.polled import Pace, PolymarketPolled
from market_bot.adapters.polymarket.problems import PolymarketError
from market_bot.adapters.polymarket.rest import Patience, PolymarketRest
from market_bot.adapters.polymarket.service_replies import PROTOCOL, place, protocol, server_time
from market_bot.adapters.polymarket.wire import UnreadableRecord
from market_bot.bootstrap.health import Check, Health
from market_bot.bootstrap.polymarket_clients import Clients, endpoints, jitter, stream_url
from market_bot.bootstrap.venue_parts import (
    Ground,
    Trading,
    Venue,
    VenueError,
    VenueParts,
    wanted_by,
)
from market_bot.config.schema import Mode, VenueConfig
from market_bot.core.domain.numbers import SECOND, Duration, Micros

if TYPE_CHECKING:  # The extra may be absent; only the annotations need it.
    from market_bot.bootstrap.polymarket_live import Access

_FAILURES: Final = (PolymarketError, UnreadableRecord)
_FASTEST: Final = Duration(2 * SECOND)
_SKEW_MAX: Final = Duration(5 * SECOND)
# Books are asked for again soon anyway, and the lane waits for each.
_ONCE: Final = Patience(read=Duration(4 * SECOND), tries=1)
_WALK_PAGES: Final = 100
# Of all that there is, the busiest: a page has a few megabytes.
_BUSIEST_PAGES: Final = 20
_OURS: Final = "POLYMARKET_"


class PolymarketVenue(Venue):
    """Prices need no key; orders need a wallet, and the extra that signs."""

    def open(self, ground: Ground, *, live: bool) -> VenueParts:
        real = _real() if live else None
        user = None if real is None else real.joining(ground)
        clients = Clients(ground.config, ground.clock)
        fed = _streamed if ground.config.polymarket.stream else _polled
        try:
            feed = fed(ground, clients)
        except ValueError as e:
            clients.close()
            raise VenueError(str(e)) from e
        if real is None or user is None:
            return VenueParts(feed=feed, public=clients.allowances)
        try:
            trading = real.trading(ground, feed, user)
            return VenueParts(feed=feed, trading=trading, public=clients.allowances)
        except ValueError as e:
            feed.close()
            raise VenueError(str(e)) from e
        except BaseException:
            feed.close()
            raise

    def cancel_all(self, ground: Ground, now: Micros) -> bool:
        return _real().cancel_all(ground, now)

    def checks(self, ground: Ground) -> Iterator[Check]:
        yield from _Doctor(ground).look()


class _Real(Protocol):
    """What `polymarket_live` has."""

    @abstractmethod
    def joining(self, ground: Ground) -> Access:
        """Return who trades."""

    @abstractmethod
    def trading(self, ground: Ground, feed: PolymarketPolled, user: Access) -> Trading:
        """Return the parts of a lane with real money."""

    @abstractmethod
    def cancel_all(self, ground: Ground, now: Micros) -> bool:
        """Cancel everything."""

    @abstractmethod
    def private_checks(self, ground: Ground) -> Iterator[Check]:
        """Look over what orders need."""


def _real() -> _Real:
    """Return what real orders need.

    Raises:
        VenueError: if the libraries that sign are not installed.

    """
    try:
        from market_bot.bootstrap import polymarket_live  # noqa: PLC0415 - an optional extra
    except ImportError as e:
        msg = f"real orders need the extra: pip install 'market-bot[polymarket]' ({e.name} absent)"
        raise VenueError(msg) from e
    return polymarket_live


def choice_of(ground: Ground) -> Choice:
    """Return which of the markets found are watched."""
    wanted = wanted_by(ground)

    def chosen(listing: Listing) -> bool:
        return wanted(listing.market)

    return Choice(wanted=chosen, held=ground.held, markets_max=ground.config.markets.max_watched)


def _polled(ground: Ground, clients: Clients) -> PolymarketPolled:
    return PolymarketPolled(
        clients.make({Budget.READS: Rate(10, 20)}, _ONCE),
        ground.clock,
        pace=_pace(ground.config),
        lookout=_lookout(ground, clients),
        choice=choice_of(ground),
    )


def _streamed(ground: Ground, clients: Clients) -> PolymarketPolled:
    return streamed_feed(
        clients.make({Budget.READS: Rate(5, 10)}, _ONCE),
        clients.make({Budget.READS: Rate(5, 10)}),
        ground.clock,
        ws_url=stream_url(ground.config, "market"),
        jitter=jitter,
        lookout=_lookout(ground, clients),
        choice=choice_of(ground),
        pace=_pace(ground.config),
        wake=ground.wake,
    )


def _lookout(ground: Ground, clients: Clients) -> LookoutThread:
    most = ground.config.markets.max_time_to_close
    look = Look(
        clients.make({Budget.READS: Rate(5, 10)}),
        ground.clock,
        busiest_first(Scope(pages_max=_BUSIEST_PAGES if most is None else _WALK_PAGES)),
        None if most is None else Duration(most),
    )
    return LookoutThread(look, clients.stopping)


def _pace(config: VenueConfig) -> Pace:
    looks = Duration(config.loop.interval_ms * SECOND // 1000)
    return Pace(books=max(_FASTEST, looks))


class _Doctor:
    """Looks over everything that trading on Polymarket needs."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._live = ground.config.mode is Mode.LIVE

    def look(self) -> Iterator[Check]:
        """Yield what was found; never raises."""
        try:
            rest = Clients(self._ground.config, self._ground.clock).make(patience=Patience(tries=2))
        except ValueError as e:
            yield Check("settings", Health.FAIL, str(e))
            return
        try:
            yield from self._public(rest)
        finally:
            rest.close()
        yield from self._private()

    def _public(self, rest: PolymarketRest) -> Iterator[Check]:
        at = endpoints(self._ground.config)
        yield _asked("connection", f"see that {at.clob} can be reached", lambda: self._book(rest))
        yield _asked("clock", f"see that {at.clob} can be reached", lambda: self._clock(rest))
        yield _asked("catalogue", f"see that {at.gamma} can be reached", lambda: self._gamma(rest))
        yield _asked("place", f"see that {at.site} can be reached", lambda: self._place(rest))

    def _private(self) -> Iterator[Check]:
        if not self._live and not any(name.startswith(_OURS) for name in self._ground.secrets):
            yield Check("wallet", Health.OK, "none: on paper nothing is needed")
            return
        try:
            yield from _real().private_checks(self._ground)
        except VenueError as e:
            yield Check("wallet", Health.FAIL, str(e))

    def _book(self, rest: PolymarketRest) -> Check:
        where, spoken = endpoints(self._ground.config).clob, protocol(rest.version())
        if spoken == PROTOCOL:
            return Check("connection", Health.OK, f"{where} answers")
        said = f"{where} takes orders of protocol {spoken}, and {PROTOCOL} is spoken here: update"
        return Check("connection", Health.FAIL if self._live else Health.WARN, said)

    def _clock(self, rest: PolymarketRest) -> Check:
        skew = self._ground.clock.now() - server_time(rest.server_time())
        if abs(skew) > _SKEW_MAX:
            said = f"{abs(skew) / SECOND:.0f} s {'ahead' if skew > 0 else 'behind'}: set it (NTP)"
            return Check("clock", Health.FAIL, said)
        return Check("clock", Health.OK, "agrees with the venue's")

    def _gamma(self, rest: PolymarketRest) -> Check:
        page = events_page(rest.events_keyset((("closed", "false"),), limit=10), Micros(0))
        understood = len(page.listings)
        if page.records and not understood:
            said = "no market of the first page is understood: see docs/reference/polymarket.md"
            return Check("catalogue", Health.FAIL, said)
        return Check("catalogue", Health.OK, f"{understood} of {page.records} markets of a page")

    def _place(self, rest: PolymarketRest) -> Check:
        seen = place(rest.geoblock())
        where = seen.country or "an unknown country"
        if not seen.blocked:
            return Check("place", Health.OK, f"orders are taken from {where}")
        said = f"the venue takes no orders from {where}: only paper is possible from here"
        return Check("place", Health.FAIL if self._live else Health.WARN, said)


def _asked(name: str, remedy: str, check: Callable[[], Check]) -> Check:
    """Return a check, or that it could not be made."""
    try:
        return check()
    except _FAILURES as e:
        return Check(name, Health.FAIL, f"{e}: {remedy}")
