"""Kalshi, put together from its settings and, if there is one, its key."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs

from market_bot.adapters.kalshi.account import KalshiAccount, OwnName
from market_bot.adapters.kalshi.budgets import BASIC_READS, BASIC_WRITES, Budgets, RateLimit
from market_bot.adapters.kalshi.desk import KalshiDesk
from market_bot.adapters.kalshi.discovery import Scope
from market_bot.adapters.kalshi.errors import KalshiError, KeyFileError
from market_bot.adapters.kalshi.feed import Choice, KalshiFeed
from market_bot.adapters.kalshi.feed_assembly import (
    PRODUCTION_REST,
    PRODUCTION_STREAM,
    FeedSettings,
    polled_feed,
    streamed_feed,
)
from market_bot.adapters.kalshi.feed_lookout import stopping_wait
from market_bot.adapters.kalshi.order_groups import LIMIT_MAX, OrderGroups
from market_bot.adapters.kalshi.parse_exchange import parse_exchange_status
from market_bot.adapters.kalshi.parse_keys import parse_key_terms
from market_bot.adapters.kalshi.parse_limits import (
    NO_COSTS,
    EndpointCosts,
    parse_account_limits,
    parse_endpoint_costs,
)
from market_bot.adapters.kalshi.parse_portfolio import parse_balance
from market_bot.adapters.kalshi.polled import Pace
from market_bot.adapters.kalshi.private_stream import PrivateInbox
from market_bot.adapters.kalshi.rest import KalshiRest, Patience
from market_bot.adapters.kalshi.signing import Signer, load_signer
from market_bot.adapters.kalshi.transport import Transport
from market_bot.adapters.system.secrets import Secrets
from market_bot.bootstrap.health import Check, Health
from market_bot.bootstrap.venue_parts import (
    Ground,
    Trading,
    Venue,
    VenueError,
    VenueParts,
    wanted_by,
)
from market_bot.config.schema import Mode, VenueConfig
from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import (
    ONE_CONTRACT,
    SECOND,
    Duration,
    Micros,
    Size,
    format_money,
    format_time,
)
from market_bot.core.ports.allowance import Allowance, Metered, scarcest
from market_bot.core.ports.clock import Clock

KEY_ID: Final = "KALSHI_API_KEY_ID"
KEY_FILE: Final = "KALSHI_PRIVATE_KEY_FILE"

_FASTEST_MS: Final = 1000
_CLOSED: Final = frozenset({503, 504})
_DAY: Final = Duration(24 * 3600 * SECOND)
# The group counts contracts and we count dollars: as if all of them cost five cents.
_CHEAPEST: Final = 50_000


class KalshiVenue(Venue):
    """Prices are streamed with a key and polled without; orders need one."""

    def open(self, ground: Ground, *, live: bool) -> VenueParts:
        signer = signer_of(ground.secrets, ground.home)
        asking: list[Metered] = []
        settings = attrs.evolve(feed_settings(ground), metered=asking.append)

        def public() -> Sequence[Allowance]:
            return scarcest(asking, "reads")

        try:
            if signer is None:
                if live:
                    raise VenueError(_no_key(ground.home))
                return VenueParts(feed=polled_feed(settings, ground.clock), public=public)
            inbox = PrivateInbox() if live else None
            feed = streamed_feed(settings, ground.clock, signer, wake=ground.wake, inbox=inbox)
        except ValueError as e:
            raise VenueError(str(e)) from e
        if not live:
            return VenueParts(feed=feed, public=public)
        try:
            trading = _trading(ground, signer, feed, inbox)
            return VenueParts(feed=feed, trading=trading, public=public)
        except BaseException:
            feed.close()
            raise

    def cancel_all(self, ground: Ground, now: Micros) -> bool:
        signer = signer_of(ground.secrets, ground.home)
        if signer is None:
            raise VenueError(_no_key(ground.home))
        clients = _Clients(ground.config, ground.clock, signer)
        try:
            return KalshiDesk(clients.make(), _nothing).cancel_all(now)
        finally:
            clients.close()

    def checks(self, ground: Ground) -> Iterator[Check]:
        yield from _Doctor(ground).look()


def signer_of(secrets: Secrets, home: Path) -> Signer | None:
    """Return what signs with the key that is configured, None if there is none.

    Raises:
        VenueError: if only half of a key is configured, or its file cannot be used.

    """
    key_id, key_file = secrets.get(KEY_ID, ""), secrets.get(KEY_FILE, "")
    if not key_id and not key_file:
        return None
    if not key_id or not key_file:
        missing = KEY_FILE if key_id else KEY_ID
        msg = f"{home / '.env'}: {missing} is missing: a key needs both lines, or neither"
        raise VenueError(msg)
    try:
        return load_signer(home / Path(key_file).expanduser(), key_id)
    except KeyFileError as e:
        raise VenueError(str(e)) from e


def feed_settings(ground: Ground) -> FeedSettings:
    """Return where is looked for markets and which of them are watched."""
    config = ground.config
    markets = config.markets
    most = markets.max_time_to_close
    wanted = wanted_by(ground)
    return FeedSettings(
        base_url=config.api.base_url or PRODUCTION_REST,
        ws_url=config.api.ws_url or PRODUCTION_STREAM,
        scope=Scope(
            series=markets.families_include,
            closes_within=None if most is None else Duration(most),
        ),
        choice=Choice(
            wanted=lambda listing: wanted(listing.market),
            held=ground.held,
            markets_max=markets.max_watched,
        ),
        polling=Pace(books=Duration(max(config.loop.interval_ms, _FASTEST_MS) * SECOND // 1000)),
    )


def group_limit(config: VenueConfig) -> Size:
    """Return how many contracts may trade within fifteen seconds before the venue stops us.

    It is far above what the hard limits allow: an outer net for a bot that ignores them.
    """
    at_stake = config.risk.max_total_exposure_usd
    contracts = max(1, 2 * at_stake // (_CHEAPEST * ONE_CONTRACT))
    return Size(min(LIMIT_MAX, contracts * ONE_CONTRACT))


def _trading(
    ground: Ground, signer: Signer, feed: KalshiFeed, inbox: PrivateInbox | None
) -> Trading:
    clients = _Clients(ground.config, ground.clock, signer)
    clients.learn_limits(ground.complain)
    rest = clients.make(reads=(1, 8), writes=(3, 4))
    desk = KalshiDesk(
        rest,
        feed.listing,
        groups=OrderGroups(rest, group_limit(ground.config), ground.complain),
        inbox=inbox,
        # The lane waits for these: one that fails is asked again at another tick.
        reads=clients.make(reads=(3, 8), patience=Patience(attempts=1)),
        complain=ground.complain,
        careful=lambda: ground.state().unreconciled is not None,
    )

    def ours(name: str) -> OwnName | None:
        order = ground.state().order(name)
        return None if order is None else OwnName(order.market, order.leg)

    account = KalshiAccount(clients.make(reads=(1, 2)), ground.clock, ours=ours)
    killer = KalshiDesk(clients.make(writes=(1, 4)), _nothing)
    return Trading(
        desk=desk,
        account=account,
        cancel_all=killer.cancel_all,
        close=clients.close,
        allowances=lambda: scarcest(clients.metered),
    )


@attrs.define(eq=False)
class _Clients:
    """Makes signed clients that share what the venue allows the account, and closes them."""

    config: VenueConfig
    clock: Clock
    signer: Signer
    reads: RateLimit = BASIC_READS
    writes: RateLimit = BASIC_WRITES
    costs: EndpointCosts = NO_COSTS
    _stopping: threading.Event = attrs.field(factory=threading.Event, init=False)
    _made: list[KalshiRest] = attrs.field(factory=list, init=False)
    metered: list[Metered] = attrs.field(factory=list, init=False)

    def make(
        self,
        reads: tuple[int, int] = (1, 1),
        writes: tuple[int, int] = (1, 1),
        patience: Patience | None = None,
    ) -> KalshiRest:
        """Return a client with its share of the budgets."""
        budgets = Budgets(
            self.clock, reads=_part(self.reads, reads), writes=_part(self.writes, writes)
        )
        made = KalshiRest(
            Transport(base_url(self.config), self.clock),
            self.clock,
            lambda duration: stopping_wait(self._stopping, duration / SECOND),
            budgets=budgets,
            signer=self.signer,
            patience=patience,
            costs=self.costs,
        )
        self._made.append(made)
        self.metered.append(budgets)
        return made

    def learn_limits(self, complain: Callable[[str], None]) -> None:
        """Ask what the venue allows; what every account has is taken where it does not tell."""
        rest = self.make(patience=Patience(attempts=2))
        try:
            limits = rest.read("/account/limits", parse_account_limits, signed=True)
            self.reads, self.writes = limits.reads, limits.writes
        except KalshiError as e:
            complain(f"the account's rate limits were not told, the usual ones are taken: {e}")
        try:
            self.costs = rest.read("/account/endpoint_costs", parse_endpoint_costs, signed=True)
        except KalshiError as e:
            complain(f"the costs of requests were not told, the usual ones are taken: {e}")

    def close(self) -> None:
        """End all waiting and close all connections."""
        self._stopping.set()
        for rest in self._made:
            rest.close()


class _Doctor:
    """Looks over everything that trading on Kalshi needs."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._live = ground.config.mode is Mode.LIVE

    def look(self) -> Iterator[Check]:
        """Yield what was found; never raises."""
        try:
            signer = signer_of(self._ground.secrets, self._ground.home)
        except VenueError as e:
            yield Check("key", Health.FAIL, str(e))
            return
        stopping = threading.Event()
        rest = KalshiRest(
            Transport(base_url(self._ground.config), self._ground.clock),
            self._ground.clock,
            lambda duration: stopping_wait(stopping, duration / SECOND),
            budgets=Budgets(self._ground.clock, reads=BASIC_READS),
            signer=signer,
            patience=Patience(attempts=2),
        )
        try:
            yield from self._public(rest)
            yield from self._private(rest, signer)
        finally:
            rest.close()

    def _public(self, rest: KalshiRest) -> Iterator[Check]:
        where = base_url(self._ground.config)
        try:
            status = rest.read("/exchange/status", parse_exchange_status, accept=_CLOSED)
        except KalshiError as e:
            yield Check("connection", Health.FAIL, f"{e}: see that {where} can be reached")
            return
        yield Check("connection", Health.OK, f"{where} answers")
        is_open = status.of(0) is MarketStatus.OPEN
        said = "open" if is_open else "not open: nothing trades until it opens again"
        yield Check("exchange", Health.OK if is_open else Health.WARN, said)
        skew = rest.guard.skew
        if abs(skew) > rest.guard.limit:
            said = f"{abs(skew) / SECOND:.1f} s {'ahead' if skew > 0 else 'behind'}: set it (NTP)"
            yield Check("clock", Health.FAIL, said)
        else:
            yield Check("clock", Health.OK, "agrees with the venue's")

    def _private(self, rest: KalshiRest, signer: Signer | None) -> Iterator[Check]:
        if signer is None:
            needed = Health.FAIL if self._live else Health.OK
            said = _no_key(self._ground.home) if self._live else "none: prices are polled, on paper"
            yield Check("key", needed, said)
            return
        yield Check("key", Health.OK, f"{signer.kind}, readable by you alone")
        try:
            balance = rest.read("/portfolio/balance", parse_balance, signed=True)
        except KalshiError as e:
            yield Check("account", Health.FAIL, f"a signed read failed: {e}")
            return
        yield Check("account", Health.OK, f"{format_money(balance.total)} dollars of cash")
        yield self._limits(rest)
        yield self._scopes(rest)

    def _limits(self, rest: KalshiRest) -> Check:
        try:
            limits = rest.read("/account/limits", parse_account_limits, signed=True)
        except KalshiError as e:
            return Check("rate limits", Health.WARN, f"not told: {e}")
        said = f"{limits.tier}: {limits.reads.refill} read and {limits.writes.refill} write tokens"
        return Check("rate limits", Health.OK, f"{said} a second")

    def _scopes(self, rest: KalshiRest) -> Check:
        try:
            body = rest.get("/api_keys", signed=True).body
            terms = parse_key_terms(body, self._ground.secrets.get(KEY_ID, ""))
        except KalshiError as e:
            return Check("scopes", Health.WARN, f"not told: {e}")
        if terms is None:
            return Check("scopes", Health.WARN, "the venue does not list this key")
        if not terms.may_read or (self._live and not terms.may_trade):
            said = "the key needs the scopes read and write::trade: make another at the venue"
            return Check("scopes", Health.FAIL, said)
        until, now = terms.attested_until, self._ground.clock.now()
        if until is not None and until < now + _DAY:
            said = f"the attestation of place ends {format_time(until)}: renew it at the venue"
            return Check("scopes", Health.WARN, said)
        if terms.may_move_money:
            said = "the key may also move money: one with read and write::trade is enough"
            return Check("scopes", Health.WARN, said)
        return Check("scopes", Health.OK, ", ".join(sorted(terms.scopes)))


def base_url(config: VenueConfig) -> str:
    """Return the address that requests go to."""
    return config.api.base_url or PRODUCTION_REST


def _part(limit: RateLimit, share: tuple[int, int]) -> RateLimit:
    part, whole = share
    return RateLimit(
        refill=max(1, limit.refill * part // whole),
        # Any one request fits, however small the share.
        capacity=max(min(limit.capacity, 50), limit.capacity * part // whole),
    )


def _nothing(_: str) -> None:
    """Know no market."""


def _no_key(home: Path) -> str:
    return (
        f"{home / '.env'}: real orders need a key: set {KEY_ID} and {KEY_FILE} there, "
        "or `mode: paper` in the venue's settings"
    )
