"""Polymarket as a venue of the bot: addresses, what is left to be redeemed, and absent extras."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection

import attrs
import pytest

from market_bot.adapters.polymarket.account import Redeemable
from market_bot.bootstrap.polymarket_clients import endpoints, jitter, stream_url
from market_bot.bootstrap.polymarket_live import TellingAccount
from market_bot.config import parse_venue
from market_bot.config.defaults import default_files
from market_bot.config.schema import VenueConfig
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import NO_MONEY, Duration, Micros, money, size
from market_bot.core.ports.account import Account, AccountPicture
from tests.fakes.clock import NOON

PAID = Redeemable(market="0xab", token="7", leg=Leg.NO, size=size("12.5"), payout=money("12.5"))

ABSENT = """
import sys
for name in ("eth_hash", "eth_account", "eth_utils", "coincurve"):
    sys.modules[name] = None
from market_bot.bootstrap.venue_parts import VenueError
from market_bot.bootstrap.venues import VENUES
try:
    VENUES["polymarket"].open(None, live=True)
except VenueError as e:
    print(e)
"""


def config(**api: str) -> VenueConfig:
    """Return the settings as they come, with other addresses."""
    plain = parse_venue(default_files()["polymarket.yaml"], "polymarket.yaml").config
    return attrs.evolve(plain, api=attrs.evolve(plain.api, **api))


def test_each_part_of_the_venue_has_its_address() -> None:
    """Those that are not given are the venue's own."""
    usual = endpoints(config())
    other = endpoints(config(base_url="http://127.0.0.1:1", data_url="http://127.0.0.1:2"))

    assert "https://clob.polymarket.com" == usual.clob
    assert ("http://127.0.0.1:1", "http://127.0.0.1:2") == (other.clob, other.data)
    assert (usual.gamma, usual.site) == (other.gamma, other.site)
    with pytest.raises(ValueError, match="without path"):
        endpoints(config(gamma_url="https://example.com/x"))


def test_both_streams_have_one_address() -> None:
    """The channel is added to it."""
    assert stream_url(config(), "user").startswith("wss://ws-subscriptions-clob.polymarket.com/ws/")
    assert "ws://127.0.0.1:1/ws/user" == stream_url(config(ws_url="ws://127.0.0.1:1/ws/"), "user")


def test_a_wait_is_shortened_but_never_away() -> None:
    """Between half of it and all of it."""
    assert all(500 <= jitter(Duration(1000)) <= 1000 for _ in range(50))
    assert 1 == jitter(Duration(0))


class Left(Account):
    """An account with something to redeem."""

    def __init__(self) -> None:
        self.left: tuple[Redeemable, ...] = (PAID,)

    def look(self, since: Micros, looking_for: Collection[str]) -> AccountPicture:
        return AccountPicture(account="a", at=since, cash=NO_MONEY)

    def redeemable(self) -> tuple[Redeemable, ...]:
        """Return what is left."""
        return self.left


def test_what_is_left_to_be_redeemed_is_said_once() -> None:
    """Again only after it was gone."""
    account, said = Left(), list[str]()
    telling = TellingAccount(account, account.redeemable, said.append)
    for left in ((PAID,), (PAID,), (), (PAID,)):
        account.left = left
        assert NOON == telling.look(NOON, ()).at

    line = "0xab: 12.5 shares of no pay 12.5 dollars: redeem them on the venue's site"
    assert [line, line] == said


def test_without_the_extra_there_is_paper() -> None:
    """What signs is asked for only where real orders are, and then the line says what to do."""
    done = subprocess.run(
        [sys.executable, "-c", ABSENT], capture_output=True, text=True, check=True, timeout=60
    )

    assert "pip install 'market-bot[polymarket]'" in done.stdout
