"""A desk that answers frames with orders, and its bare peer; needs the extra ``polymarket``."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Callable
from typing import Final

import attrs
import msgspec

from benchmarks.polymarket_orders import bare_signature, plain_signer
from market_bot.adapters.polymarket.auth import ApiCredentials
from market_bot.adapters.polymarket.budgets import Budget, Rate
from market_bot.adapters.polymarket.desk import PolymarketDesk
from market_bot.adapters.polymarket.gamma import Listing, markets_page
from market_bot.adapters.polymarket.rest import Endpoints, PolymarketRest
from market_bot.adapters.polymarket.stream_books import StreamedBook
from market_bot.adapters.polymarket.stream_messages import Changes, decode_known
from market_bot.adapters.polymarket.transport import HttpTransport
from market_bot.adapters.system.clock import SystemClock
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    NO_MONEY,
    SECOND,
    Duration,
    Micros,
    Price,
    Probability,
    Size,
    parse_time,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Draft, Intent, Signal
from market_bot.core.ports.execution import Rejected
from market_bot.core.ports.outbox import Outbox

REFUSAL: Final = "invalid post-only order: order crosses book"
"""What the venue answers: a refusal that is proven, so that nothing is followed up."""

_SECRET: Final = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyIT8="  # noqa: S105 - an invented one
_PASSPHRASE: Final = "correct-horse"  # noqa: S105 - as above
_KEY: Final = "0b5e3f00-aaaa-bbbb-cccc-000000000001"
_YES, _NO = (str((7 << 250) + (5 << 100) + side) for side in (0, 1))
_MARKET: Final = f"0x{1:064x}"
_FRAME: Final = json.dumps(
    {
        "market": _MARKET,
        "price_changes": [
            {
                "asset_id": token,
                "price": price,
                "size": "25.5",
                "side": side,
                "hash": "0" * 40,
                "best_bid": bid,
                "best_ask": ask,
            }
            for token, price, side, bid, ask in (
                (_YES, "0.46", "BUY", "0.46", "1"),
                (_NO, "0.54", "SELL", "0", "0.54"),
            )
        ],
        "timestamp": "1792497600000",
        "event_type": "price_change",
    }
).encode()
_BODY: Final = b"x" * 900
_PLENTY: Final = dict.fromkeys(Budget, Rate(1_000_000, 1_000_000))


@attrs.frozen(kw_only=True)
class Answering:
    """The bot's way: decode, fold, name, sign, keep, send."""

    desk: PolymarketDesk
    book: StreamedBook
    now: Callable[[], Micros]

    def send(self, number: int) -> None:
        """Take a frame and answer it with an order."""
        told = decode_known(_FRAME)
        assert isinstance(told, Changes)
        for change in told.price_changes:
            if change.asset_id == self.book.token:
                self.book.fold(change, Micros(int(str(told.timestamp)) * 1000))
        now = self.now()
        intent = _intent(f"mb-{number:024}", self.book.best_bid, now)
        # Written to the journal in between, which has rows of its own.
        assert self.desk.order_name(intent, now)
        outcome = self.desk.submit(intent, now)
        assert isinstance(outcome, Rejected), outcome
        assert outcome.code == "crosses", outcome


def our_block(port: int, outbox: Outbox, count: int) -> list[int]:
    """Send orders as the bot does; return when each frame came, in nanoseconds."""
    clock, url = SystemClock(), f"http://127.0.0.1:{port}"
    signer, listing = plain_signer(), _listing()
    credentials = ApiCredentials(
        address=signer.login_address, key=_KEY, secret=_SECRET, passphrase=_PASSPHRASE
    )
    rest = PolymarketRest(
        HttpTransport(clock),
        clock,
        lambda _: None,
        endpoints=Endpoints(gamma=url, clob=url, data=url, site=url),
        credentials=credentials,
        rates=_PLENTY,
    )
    desk = PolymarketDesk(rest, lambda _: listing, signer, lambda: _KEY, outbox)
    book = StreamedBook(market=_MARKET, token=_YES, shard=1, whole=True)
    ours = Answering(desk=desk, book=book, now=clock.now)
    began = []
    try:
        for number in range(count):
            began.append(time.perf_counter_ns())
            ours.send(number)
    finally:
        rest.close()
    return began


def raw_block(port: int, count: int) -> list[int]:
    """Sign what is ready and write it to a socket that is open."""
    sign, key, began = bare_signature(), base64.urlsafe_b64decode(_SECRET), list[int]()
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            began.append(time.perf_counter_ns())
            sign()
            mac = base64.urlsafe_b64encode(hmac.digest(key, _BODY, hashlib.sha256))
            head = b"POST /order HTTP/1.1\r\nhost: x\r\nPOLY_SIGNATURE: " + mac
            line.sendall(head + b"\r\ncontent-length: %d\r\n\r\n" % len(_BODY) + _BODY)
            line.recv(1 << 16)
    return began


def _listing() -> Listing:
    record = {
        "conditionId": _MARKET,
        "slug": "m",
        "question": "Will it?",
        "outcomes": '["Yes", "No"]',
        "clobTokenIds": json.dumps([_YES, _NO]),
        "active": True,
        "closed": False,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "feesEnabled": False,
        "version": "v1",
        "events": [{"slug": "e", "title": "E"}],
    }
    page = markets_page(
        msgspec.json.encode({"markets": [record]}), parse_time("2026-10-20T12:00:00Z")
    )
    return page.listings[0]


def _intent(name: str, at: Price, now: Micros) -> Intent:
    signal = Signal(
        market=_MARKET,
        leg=Leg.YES,
        purpose=Purpose.ENTRY,
        style=Style.MAKER,
        price=at,
        belief=Probability(500_000),
        edge=Price(0),
        cost=Price(0),
        patience=Duration(60 * SECOND),
        reason="bench",
    )
    draft = Draft(
        strategy="bench",
        signal_id="s",
        signal=signal,
        event="e",
        family="f",
        size=Size(10_000_000),
        fee_bound=NO_MONEY,
    )
    return Intent(id=name, draft=draft, expires_at=Micros(now + signal.patience), reduce_only=False)
