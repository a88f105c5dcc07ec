"""Who pays and who signs at Polymarket, from the secrets of a home.

Needs the extra ``polymarket``: whoever imports this says so where it is absent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs

from market_bot.adapters.polymarket.auth import ApiCredentials, CredentialsError, login_headers
from market_bot.adapters.polymarket.eip712 import address_bytes
from market_bot.adapters.polymarket.order_replies import credentials
from market_bot.adapters.polymarket.order_signing import Account, OrderSigner, SignatureType
from market_bot.adapters.polymarket.problems import Kind, VenueProblem
from market_bot.adapters.polymarket.rest import PolymarketRest
from market_bot.adapters.polymarket.signer import Signer, SignerError, open_signer
from market_bot.adapters.system.secrets import Secrets
from market_bot.bootstrap.venue_parts import VenueError
from market_bot.core.domain.numbers import SECOND
from market_bot.core.ports.clock import Clock

PRIVATE_KEY: Final = "POLYMARKET_PRIVATE_KEY"
SIGNATURE_TYPE: Final = "POLYMARKET_SIGNATURE_TYPE"
FUNDER: Final = "POLYMARKET_FUNDER"
API_KEY: Final = "POLYMARKET_API_KEY"
API_SECRET: Final = "POLYMARKET_API_SECRET"  # noqa: S105 - the name of a line, not a secret
API_PASSPHRASE: Final = "POLYMARKET_API_PASSPHRASE"  # noqa: S105 - as above

_WALLET: Final = (PRIVATE_KEY, SIGNATURE_TYPE, FUNDER)
_API: Final = (API_KEY, API_SECRET, API_PASSPHRASE)
_KINDS: Final = "0 the key's own address, 1 proxy wallet, 2 Safe, 3 deposit wallet"
_ABSENT: Final = frozenset({Kind.REFUSED, Kind.NOT_FOUND, Kind.INVALID})


@attrs.frozen(kw_only=True)
class Wallet:
    """A key, the wallet whose money it spends, and what signs orders with it."""

    key: Signer = attrs.field(repr=False)
    kind: SignatureType
    orders: OrderSigner

    @property
    def said(self) -> str:
        """The wallet, for people."""
        return f"{self.kind.name.lower().replace('_', ' ')} {self.orders.maker}"


def wallet_of(secrets: Secrets, home: Path, *, allow_slow: bool) -> Wallet | None:
    """Return the wallet that is configured, None if there is none.

    Raises:
        VenueError: if a line of it is missing or cannot be right.

    """
    place = home / ".env"
    if not any(secrets.get(name) for name in (*_WALLET, *_API)):
        return None
    for name in (PRIVATE_KEY, SIGNATURE_TYPE):
        if not secrets.get(name):
            msg = f"{place}: {name} is missing" + (
                f": {_KINDS}" if name == SIGNATURE_TYPE else ": orders are signed with it"
            )
            raise VenueError(msg)
    try:
        kind = SignatureType(int(secrets[SIGNATURE_TYPE]))
    except ValueError:
        msg = f"{place}: {SIGNATURE_TYPE} must be one of: {_KINDS}"
        raise VenueError(msg) from None
    funder = secrets.get(FUNDER) or None
    try:
        address_bytes("0x" + 40 * "0" if funder is None else funder)
    except ValueError:
        # Nothing of what was given: it may be a key in the wrong line.
        msg = f"{place}: {FUNDER} must be an address: 0x and forty hexadecimal digits"
        raise VenueError(msg) from None
    try:
        account = Account(signature_type=kind, funder=funder)
    except ValueError as e:
        msg = f"{place}: {FUNDER}: {e}"
        raise VenueError(msg) from None
    try:
        key = open_signer(secrets[PRIVATE_KEY], allow_slow=allow_slow)
    except SignerError as e:
        msg = f"{place}: {PRIVATE_KEY}: {e}"
        raise VenueError(msg) from None
    return Wallet(key=key, kind=kind, orders=OrderSigner(key, account))


def stored_credentials(secrets: Secrets, home: Path, wallet: Wallet) -> ApiCredentials | None:
    """Return the API credentials that are configured, None if there are none.

    Raises:
        VenueError: if only some of them are, or they cannot be right.

    """
    given = [name for name in _API if secrets.get(name)]
    if not given:
        return None
    missing = [name for name in _API if name not in given]
    if missing:
        msg = f"{home / '.env'}: {missing[0]} is missing: all three of them are needed, or none"
        raise VenueError(msg)
    try:
        return _credentials(wallet, secrets[API_KEY], secrets[API_SECRET], secrets[API_PASSPHRASE])
    except CredentialsError as e:
        msg = f"{home / '.env'}: {e}"
        raise VenueError(msg) from None


def asked_credentials(rest: PolymarketRest, clock: Clock, wallet: Wallet) -> ApiCredentials:
    """Ask the venue for the credentials of a key, and have it make them where there are none.

    They follow from the key and are never written anywhere.

    Raises:
        PolymarketError: if the venue gives none.
        UnreadableRecord: if its answer holds none.
        CredentialsError: if they cannot be right.

    """

    def login() -> dict[str, str]:
        return dict(login_headers(wallet.key, clock.now() // SECOND))

    try:
        told = rest.derive_api_key(login())
    except VenueProblem as e:
        if e.kind not in _ABSENT:
            raise
        told = rest.create_api_key(login())
    return _credentials(wallet, *credentials(told))


def no_wallet(home: Path) -> str:
    """Return what to do where there is none, for people."""
    return (
        f"{home / '.env'}: real orders need a wallet: set {PRIVATE_KEY}, {SIGNATURE_TYPE} and, but "
        f"for type 0, {FUNDER} there, or `mode: paper` in the venue's settings"
    )


def _credentials(wallet: Wallet, key: str, secret: str, passphrase: str) -> ApiCredentials:
    return ApiCredentials(
        address=wallet.orders.login_address, key=key, secret=secret, passphrase=passphrase
    )
