"""A desk and an account at the stand-in for Kalshi, over real sockets, with one clock for all."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import attrs

from market_bot.adapters.kalshi.account import KalshiAccount, OwnName
from market_bot.adapters.kalshi.desk import KalshiDesk
from market_bot.adapters.kalshi.order_groups import OrderGroups
from market_bot.adapters.kalshi.parse_markets import Listing, parse_market
from market_bot.adapters.kalshi.private_stream import PrivateInbox, PushedFill
from market_bot.adapters.kalshi.rest import KalshiRest, Patience
from market_bot.adapters.kalshi.signing import Signer
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
    price,
    size,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.account import AccountPicture
from market_bot.core.ports.execution import Fact

from .builders import a_draft, a_signal, an_intent
from .fake_kalshi import FakeKalshi, InProcess
from .fake_kalshi_engine import Engine, Fill
from .kalshi_client import BASE, WaitingClock, a_client, a_key
from .kalshi_records import TICKER, a_market, as_json

KEY_ID = "key-1"
ONCE = Patience(attempts=1)
CRYPTO = "KXBTC-26DEC01-T99"
"""A market on another shard."""


def listing_of(record: dict[str, Any]) -> Listing:
    """Return what discovery makes of a record."""
    found = parse_market(as_json({"market": record}))
    assert isinstance(found, Listing), found
    return found


def pushed_of(fill: Fill, received: Micros) -> PushedFill:
    """Return a trade as the stream hands it over."""
    return PushedFill(
        fill=fill.id,
        venue_order=fill.order.id,
        client_order=fill.order.client,
        market=fill.ticker,
        side=Side(fill.side),
        price=Price(fill.price * 100),
        size=Size(fill.count * 10_000),
        fee=Money(fill.fee * 10**6),
        taker=fill.taker,
        shard=fill.order.shard,
        subaccount=None,
        at=Micros(fill.at_ms * 1000),
        received=received,
    )


@attrs.define(eq=False)
class Rig:
    """A venue with two markets on two shards, and our side of it; serves until it is left.

    Over sockets, or ``in_process``, where a request is a call.
    """

    clock: WaitingClock = attrs.field(factory=WaitingClock)
    cash: dict[int, str] = attrs.field(factory=lambda: {0: "100.00", 2: "50.00"})
    with_inbox: bool = False
    group_limit: str = ""
    patience: Patience = ONCE
    in_process: bool = False
    engine: Engine = attrs.field(init=False)
    venue: FakeKalshi = attrs.field(init=False)
    rest: KalshiRest = attrs.field(init=False)
    desk: KalshiDesk = attrs.field(init=False)
    account: KalshiAccount = attrs.field(init=False)
    inbox: PrivateInbox | None = attrs.field(default=None, init=False)
    names: dict[str, OwnName] = attrs.field(factory=dict, init=False)
    complaints: list[str] = attrs.field(factory=list, init=False)
    listings: dict[str, Listing] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.engine = Engine(self.clock.now_ms, self.cash)
        self.venue = FakeKalshi(self.clock.now_ms, self.engine, serves=not self.in_process)
        self.venue.keys[KEY_ID] = a_key().public_key()
        for record in (a_market(), a_market(CRYPTO, exchange_index=2)):
            self.engine.list_market(record)
            self.listings[record["ticker"]] = listing_of(record)

    def __enter__(self) -> Self:
        if not self.in_process:
            self.venue.__enter__()
        self.rest = a_client(
            self.clock,
            url=BASE if self.in_process else self.venue.url,
            backend=InProcess(self.venue) if self.in_process else None,
            signer=Signer(KEY_ID, a_key()),
            patience=self.patience,
        )
        self.inbox = PrivateInbox() if self.with_inbox else None
        self.new_desk()
        self.account = KalshiAccount(self.rest, self.clock, ours=self.names.get)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.rest.close()
        if not self.in_process:
            self.venue.__exit__(kind, error, trace)

    def new_desk(self) -> None:
        """Take another desk, as a new process does."""
        groups = None
        if self.group_limit:
            groups = OrderGroups(self.rest, size(self.group_limit), self.complaints.append)
        self.desk = KalshiDesk(
            self.rest,
            self.listings.get,
            groups=groups,
            inbox=self.inbox,
            complain=self.complaints.append,
        )

    @property
    def now(self) -> Micros:
        """The present moment, everywhere."""
        return self.clock.at

    def told(self, seconds: float = 0) -> list[Fact]:
        """Let time pass and return what the desk tells then."""
        self.clock.pass_by(int(seconds * SECOND))
        return list(self.desk.collect(self.now))

    def looked(self, *names: str, since: Micros | None = None) -> AccountPicture:
        """Return a picture of the account."""
        begin = Micros(self.now - 3600 * SECOND) if since is None else since
        return self.account.look(begin, names)

    def intent(
        self,
        name: str = "i-1",
        at: str = "0.45",
        quantity: str = "10",
        *,
        leg: Leg = Leg.YES,
        purpose: Purpose = Purpose.ENTRY,
        style: Style = Style.TAKER,
        market: str = TICKER,
        seconds: int = 60,
    ) -> Intent:
        """Return an intent that lives for a minute."""
        signal = a_signal(market=market, leg=leg, purpose=purpose, style=style, price=price(at))
        draft = a_draft(signal, size=size(quantity), event=market.rpartition("-")[0])
        self.names[name] = OwnName(market, leg)
        return an_intent(name, draft, expires_at=Micros(self.now + Duration(seconds * SECOND)))

    def push(self, times: int = 1) -> None:
        """From here on, let a stream tell every trade of ours so many times."""
        inbox = self.inbox
        assert inbox is not None

        def hear(channel: str, ticker: str, told: dict[str, Any]) -> None:
            for _ in range(times if channel == "fill" else 0):
                inbox.put(pushed_of(told["fill"], self.now))

        self.engine.listeners.append(hear)

    def ours(self, name: str) -> list[str]:
        """Return the venue's ids of all orders of a name; more than one is a catastrophe."""
        return [one.id for one in self.engine.orders.values() if one.client == name]
