"""Real orders at Polymarket: a wallet's desk, its account, what ends them, and what it needs.

Needs the extra ``polymarket``: whoever imports this says so where it is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

import attrs

from market_bot.adapters.polymarket.account import PolymarketAccount, Redeemable
from market_bot.adapters.polymarket.auth import ApiCredentials
from market_bot.adapters.polymarket.budgets import RATES, Budget, Rate, share
from market_bot.adapters.polymarket.desk import PolymarketDesk, always_alive, canceller
from market_bot.adapters.polymarket.feed_assembly import user_stream
from market_bot.adapters.polymarket.ghost_history import REACH, ends_of_trades
from market_bot.adapters.polymarket.heartbeats import Heartbeats
from market_bot.adapters.polymarket.order_signing import SignatureType
from market_bot.adapters.polymarket.polled import PolymarketPolled
from market_bot.adapters.polymarket.preflight import preflight
from market_bot.adapters.polymarket.rest import Patience
from market_bot.adapters.polymarket.user_events import OwnEvent, UserEvents, UserInbox
from market_bot.adapters.polymarket.user_stream import UserStream
from market_bot.adapters.polymarket.venue_mode import VenueMode
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.outbox import FileOutbox
from market_bot.bootstrap.health import Check, Health
from market_bot.bootstrap.polymarket_clients import Clients, jitter, stream_url
from market_bot.bootstrap.polymarket_login import (
    FAILURES,
    KeptLogin,
    WatchLogin,
    is_lasting,
    known_login,
)
from market_bot.bootstrap.polymarket_wallet import (
    API_KEY,
    API_PASSPHRASE,
    API_SECRET,
    Wallet,
    asked_credentials,
    no_wallet,
    stored_credentials,
    wallet_of,
)
from market_bot.bootstrap.venue_parts import Ground, Trading, VenueError
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import NEVER, Micros, format_money, format_size
from market_bot.core.ports.account import Account, AccountPicture
from market_bot.core.usecases.watch_readiness import WatchReadiness

# The lane waits for these: one that fails is asked again at another tick.
_ONCE: Final = Patience(tries=1)
_FEW: Final = Patience(tries=2)
_LANE: Final = "polymarket/live"
_BALANCE: Final = "balance"
_PUBLIC: Final = frozenset({"place", "protocol", "clock"})


@attrs.frozen(kw_only=True)
class Access:
    """Who trades: the wallet, and the credentials of its key once the venue has given them."""

    wallet: Wallet
    login: KeptLogin


def access(ground: Ground) -> Access:
    """Return the wallet of a home with its credentials, asked from the venue if need be.

    Raises:
        VenueError: if there is no wallet, or it cannot be used, or nobody answers.

    """
    return _access(ground, patient=False)


def joining(ground: Ground) -> Access:
    """Return the same for a bot, which goes on asking if nobody answers.

    Raises:
        VenueError: if there is no wallet, it cannot be used, or the venue does not take its key.

    """
    return _access(ground, patient=True)


def _access(ground: Ground, *, patient: bool) -> Access:
    wallet = configured(ground)
    if wallet is None:
        raise VenueError(no_wallet(ground.home))
    stored = stored_credentials(ground.secrets, ground.home, wallet)
    if stored is not None:
        return Access(wallet=wallet, login=known_login(stored))
    login = KeptLogin(lambda: _asked(ground, wallet))
    try:
        login.learn()
    except FAILURES as e:
        if not patient or is_lasting(e):
            msg = (
                f"polymarket gives no API credentials for this key: {e}: try again, or set "
                f"{API_KEY}, {API_SECRET} and {API_PASSPHRASE} in {ground.home / '.env'}"
            )
            raise VenueError(msg) from e
    except ValueError as e:
        raise VenueError(str(e)) from e
    return Access(wallet=wallet, login=login)


def configured(ground: Ground) -> Wallet | None:
    """Return the wallet of a home, None if there is none.

    Raises:
        VenueError: if it cannot be used.

    """
    slow = ground.config.polymarket.slow_signer
    return wallet_of(ground.secrets, ground.home, allow_slow=slow)


def trading(ground: Ground, feed: PolymarketPolled, user: Access) -> Trading:
    """Return what a lane with real money needs; each part has a client of its own.

    Raises:
        ValueError: if an address is none.

    """
    clients = Clients(ground.config, ground.clock, user.login)
    try:
        return _trading(ground, feed, user, clients)
    except BaseException:
        clients.close()
        raise


def cancel_all(ground: Ground, now: Micros) -> bool:
    """Cancel everything of the account, without a running bot; see `Venue.cancel_all`."""
    clients = Clients(ground.config, ground.clock, access(ground).login)
    try:
        return canceller(clients.make(), ground.complain)(now)
    finally:
        clients.close()


def private_checks(ground: Ground) -> Iterator[Check]:
    """Look over wallet, account and what the venue has against its orders; never raises."""
    try:
        user = access(ground)
    except VenueError as e:
        yield Check("wallet", Health.FAIL, str(e))
        return
    yield Check("wallet", Health.OK, user.wallet.said)
    clients = Clients(ground.config, ground.clock, user.login)
    try:
        rest = clients.make(patience=_FEW)
        for found in preflight(rest, clock=ground.clock, signature_type=user.wallet.kind):
            if found.name in _PUBLIC:
                continue
            yield Check(found.name, Health.OK if found.ok else Health.FAIL, found.text)
    finally:
        clients.close()


def _trading(ground: Ground, feed: PolymarketPolled, user: Access, clients: Clients) -> Trading:
    kind = user.wallet.kind
    inbox = StreamInbox(user.login, _streaming(ground), ground.complain)
    beats = _heartbeats(ground, clients)
    readiness = WatchReadiness(venue=_LANE, ask=_asking(ground, clients, kind), tell=ground.tell)
    desk = PolymarketDesk(
        clients.make(_part(reads=(1, 5), writes=(9, 10), cancels=(3, 4))),
        feed.listing,
        user.wallet.orders,
        lambda: user.login().key,
        FileOutbox(Home(ground.home).outbox_dir),
        inbox,
        reads=clients.make(_part(reads=(2, 5)), _ONCE),
        complain=ground.complain,
        tell_mode=_telling(ground),
        alive=always_alive if beats is None else beats.refuses,
    )
    since = Micros(max(NEVER, ground.clock.now() - REACH))
    desk.remember(ends_of_trades(ground.past(since)))
    account = PolymarketAccount(
        clients.make(_part(reads=(1, 5), refreshes=(1, 2))),
        ground.clock,
        ground.state,
        feed.listing,
        signature_type=kind,
        owner=lambda: user.login().key,
        holder=user.wallet.orders.maker,
        name=user.wallet.said,
    )
    told = TellingAccount(account, account.redeemable, ground.complain)
    killer = clients.make(_part(cancels=(1, 4)))

    def close() -> None:
        inbox.close()
        clients.close()

    workers = (WatchLogin(user.login, readiness, ground.complain),)
    return Trading(
        desk=desk,
        account=told,
        cancel_all=canceller(killer, ground.complain),
        close=close,
        workers=workers if beats is None else (*workers, beats),
        not_ready=lambda: user.login.problem or readiness.reason,
        allowances=clients.allowances,
    )


def _heartbeats(ground: Ground, clients: Clients) -> Heartbeats | None:
    if not ground.config.polymarket.heartbeats:
        return None
    return Heartbeats(clients.make(_part(writes=(1, 10)), _ONCE), ground.complain)


def _streaming(ground: Ground) -> Callable[[ApiCredentials], UserStream]:
    def stream(credentials: ApiCredentials) -> UserStream:
        return user_stream(
            credentials,
            ground.clock,
            url=stream_url(ground.config, "user"),
            jitter=jitter,
            wake=ground.wake,
        )

    return stream


def _asking(ground: Ground, clients: Clients, kind: SignatureType) -> Callable[[], str | None]:
    """Return what asks whether anything stands against real orders; its first reason."""
    rest = clients.make(_part(reads=(1, 5), refreshes=(1, 2)), _FEW)

    def ask() -> str | None:
        # Who has spent everything is not to be disarmed: another rule looks at the money.
        return next(
            (
                f"{found.name}: {found.text}"
                for found in preflight(rest, clock=ground.clock, signature_type=kind)
                if not found.ok and found.name != _BALANCE
            ),
            None,
        )

    return ask


def _telling(ground: Ground) -> Callable[[VenueMode], None]:
    def tell(mode: VenueMode) -> None:
        ground.tell(ev.VenueState(state=mode.value, reason="the venue's answers to orders"))

    return tell


@attrs.define(eq=False)
class TellingAccount(Account):
    """The account, which says once per market what is left to be redeemed.

    Args:
        account: reads the account.
        redeemable: returns what the latest look found.
        complain: takes a line for people.

    """

    account: Account
    redeemable: Callable[[], Sequence[Redeemable]]
    complain: Callable[[str], None]
    _told: frozenset[str] = attrs.field(default=frozenset(), init=False)

    def look(self, since: Micros, looking_for: Collection[str]) -> AccountPicture:
        picture = self.account.look(since, looking_for)
        left = self.redeemable()
        for one in left:
            if one.token not in self._told:
                self.complain(
                    f"{one.market}: {format_size(one.size)} shares of {one.leg.value} pay "
                    f"{format_money(one.payout)} dollars: redeem them on the venue's site"
                )
        self._told = frozenset(one.token for one in left)
        return picture


@attrs.define(eq=False)
class StreamInbox(UserInbox):
    """What the stream pushes, from the first credentials on; its complaints are passed on."""

    login: KeptLogin
    begin: Callable[[ApiCredentials], UserStream]
    complain: Callable[[str], None]
    _stream: UserStream | None = attrs.field(default=None, init=False)

    def drain(self) -> Sequence[OwnEvent]:
        stream = self._begun()
        if stream is None:
            # The stream itself begins with something missing.
            return []
        events = UserEvents(stream).drain()
        while stream.problems:
            self.complain(stream.problems.popleft())
        return events

    def close(self) -> None:
        """End the connection."""
        if self._stream is not None:
            self._stream.close()

    def _begun(self) -> UserStream | None:
        if self._stream is None and self.login.problem is None:
            self._stream = self.begin(self.login())
            self._stream.start()
        return self._stream


def _part(**parts: tuple[int, int]) -> dict[Budget, Rate]:
    """Return a part of our limits for one of the clients of the same signer."""
    return share(RATES, {Budget[name.upper()]: part for name, part in parts.items()})


def _asked(ground: Ground, wallet: Wallet) -> ApiCredentials:
    clients = Clients(ground.config, ground.clock)
    try:
        return asked_credentials(clients.make(patience=_FEW), ground.clock, wallet)
    finally:
        clients.close()
