"""The wallet comes from the secrets: complete, of a known kind, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_bot.adapters.polymarket.order_signing import SignatureType
from market_bot.adapters.system.secrets import Secrets
from market_bot.bootstrap.polymarket_wallet import (
    API_KEY,
    API_PASSPHRASE,
    API_SECRET,
    FUNDER,
    PRIVATE_KEY,
    SIGNATURE_TYPE,
    Wallet,
    stored_credentials,
    wallet_of,
)
from market_bot.bootstrap.venue_parts import VenueError
from tests.fakes.fake_polymarket_records import API_KEY as KEY_ID
from tests.fakes.fake_polymarket_records import KEY, PASSPHRASE, SECRET, WALLET

HOME = Path("home")
EOA = {PRIVATE_KEY: KEY, SIGNATURE_TYPE: "0"}
DEPOSIT = {PRIVATE_KEY: KEY, SIGNATURE_TYPE: "3", FUNDER: WALLET}
API = {API_KEY: KEY_ID, API_SECRET: SECRET, API_PASSPHRASE: PASSPHRASE}


def wallet(**lines: str) -> Wallet | None:
    """Return the wallet of some secrets."""
    return wallet_of(Secrets(lines), HOME, allow_slow=True)


def test_no_line_is_no_wallet() -> None:
    """On paper nothing is needed."""
    assert wallet() is None
    assert wallet(KALSHI_API_KEY_ID="x") is None


def test_each_kind_of_wallet() -> None:
    """An address of its own spends its own money, a wallet its own."""
    own, deposit = wallet(**EOA), wallet(**DEPOSIT)

    assert own is not None
    assert deposit is not None
    assert (SignatureType.EOA, own.orders.login_address) == (own.kind, own.orders.maker)
    assert SignatureType.DEPOSIT_WALLET is deposit.kind
    assert WALLET.lower() == deposit.orders.maker.lower()
    assert own.orders.login_address == deposit.orders.login_address
    assert "deposit wallet 0x" in deposit.said


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ({PRIVATE_KEY: KEY}, f"{SIGNATURE_TYPE} is missing"),
        ({SIGNATURE_TYPE: "0"}, f"{PRIVATE_KEY} is missing"),
        (API, f"{PRIVATE_KEY} is missing"),
        ({**EOA, SIGNATURE_TYPE: "4"}, "must be one of: 0 the key's own address"),
        ({**EOA, SIGNATURE_TYPE: "EOA"}, "must be one of"),
        ({**EOA, FUNDER: WALLET}, "takes no funder"),
        ({PRIVATE_KEY: KEY, SIGNATURE_TYPE: "2"}, "needs the address of its wallet"),
        ({**DEPOSIT, FUNDER: KEY}, "must be an address"),
        ({**EOA, PRIVATE_KEY: KEY + "0"}, "sixty-four hexadecimal digits"),
        ({**EOA, PRIVATE_KEY: "0" * 64}, "no key of the curve"),
    ],
)
def test_what_is_wrong_is_said_without_showing_it(lines: dict[str, str], said: str) -> None:
    """The line names the file and the name of what is wrong, never a value."""
    with pytest.raises(VenueError, match=said) as caught:
        wallet(**lines)

    assert str(caught.value).startswith(str(HOME / ".env"))
    assert KEY not in str(caught.value)
    assert KEY not in repr(caught.value.__cause__)


def test_credentials_are_whole_or_none() -> None:
    """Two of three lines are a mistake; none means that the venue is asked."""
    own = wallet(**EOA)
    assert own is not None

    assert stored_credentials(Secrets(EOA), HOME, own) is None
    stored = stored_credentials(Secrets({**EOA, **API}), HOME, own)
    assert stored is not None
    assert (KEY_ID, own.orders.login_address) == (stored.key, stored.address)
    with pytest.raises(VenueError, match=f"{API_PASSPHRASE} is missing"):
        stored_credentials(Secrets({API_KEY: "a", API_SECRET: "b"}), HOME, own)


def test_a_damaged_secret_is_not_shown() -> None:
    """The line says what to do, and holds nothing of it."""
    own = wallet(**EOA)
    assert own is not None
    with pytest.raises(VenueError, match="not base64url") as caught:
        stored_credentials(Secrets({**API, API_SECRET: "?" + SECRET}), HOME, own)

    assert SECRET not in str(caught.value)


def test_a_wallet_does_not_show_its_key() -> None:
    """Printing it shows addresses only."""
    assert KEY not in repr(wallet(**EOA))
