"""A desk and an account at the stand-in for Polymarket, with one clock for all and no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from market_bot.adapters.polymarket.account import PolymarketAccount
from market_bot.adapters.polymarket.auth import ApiCredentials
from market_bot.adapters.polymarket.budgets import Budget, Rate
from market_bot.adapters.polymarket.contracts import CONTRACTS
from market_bot.adapters.polymarket.desk import DeskPace, PolymarketDesk
from market_bot.adapters.polymarket.gamma import Listing, markets_page
from market_bot.adapters.polymarket.order_signing import (
    Account,
    OrderSigner,
    SignatureType,
)
from market_bot.adapters.polymarket.own_fills import GhostLimits
from market_bot.adapters.polymarket.parse_own import orders, trades
from market_bot.adapters.polymarket.rest import Patience, PolymarketRest
from market_bot.adapters.polymarket.signer import open_signer
from market_bot.adapters.polymarket.user_events import MayBeMissing, OwnEvent, UserInbox
from market_bot.adapters.polymarket.venue_mode import VenueMode
from market_bot.adapters.storage.outbox import FileOutbox
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import SECOND, Duration, Micros, price, size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.account import AccountPicture
from market_bot.core.ports.execution import Fact
from market_bot.core.ports.outbox import Letter, Outbox

from .builders import a_draft, a_signal, an_intent
from .fake_polymarket_clock import SteppingClock
from .fake_polymarket_engine import ONE, Engine, order_row, trade_row
from .fake_polymarket_exchange import ExchangePolymarket, FaultyWire
from .fake_polymarket_records import (
    API_KEY,
    KEY,
    NOW,
    PASSPHRASE,
    SECRET,
    Record,
    a_market,
    an_event,
    body,
    condition,
    token,
)

MARKET = condition(1)
YES, NO = token(2), token(3)
_FAST = dict.fromkeys(Budget, Rate(1_000, 10_000))


def listing_of(record: Record) -> Listing:
    """Return what discovery makes of a record."""
    event = {**an_event([]), "markets": None}
    (found,) = markets_page(body({"markets": [record | {"events": [event]}]}), NOW).listings
    return found


class MemoryOutbox(Outbox):
    """Keeps letters for as long as the tests live."""

    def __init__(self) -> None:
        self.kept: dict[str, Letter] = {}

    def put(self, letters: Sequence[Letter]) -> None:
        self.kept.update({letter.order: letter for letter in letters})

    def letters(self) -> tuple[Letter, ...]:
        return tuple(self.kept.values())

    def drop(self, order: str) -> None:
        self.kept.pop(order, None)


class ListInbox(UserInbox):
    """Pushed news, put there by the tests."""

    def __init__(self) -> None:
        self.waiting: list[OwnEvent] = []

    def drain(self) -> Sequence[OwnEvent]:
        waiting, self.waiting = self.waiting, []
        return waiting

    def hear(self, what: str, told: Record) -> None:
        """Take an order or a trade as the lists tell it."""
        parse: Callable[[bytes], tuple[Sequence[OwnEvent], str]] = (
            trades if what == "trade" else orders
        )
        self.waiting += parse(body({"data": [told], "next_cursor": "LTE="}))[0]

    def miss(self) -> None:
        """Say that something may be missing."""
        self.waiting.append(MayBeMissing("the connection was lost"))


@attrs.define(eq=False)
class PolymarketRig:
    """A venue with one market, or more, and our side of it."""

    records: Sequence[Record] = attrs.field(factory=lambda: [a_market(1), a_market(2)])
    cash: int = 100 * ONE
    delay_s: int = 0
    paying: Account = attrs.field(factory=lambda: Account(signature_type=SignatureType.EOA))
    with_inbox: bool = False
    folder: Path | None = None
    pace: DeskPace = attrs.field(factory=DeskPace)
    ghosts: GhostLimits = attrs.field(factory=GhostLimits)
    clock: SteppingClock = attrs.field(factory=SteppingClock)
    engine: Engine = attrs.field(init=False)
    venue: ExchangePolymarket = attrs.field(init=False)
    wire: FaultyWire = attrs.field(init=False)
    rest: PolymarketRest = attrs.field(init=False)
    signer: OrderSigner = attrs.field(init=False)
    outbox: Outbox = attrs.field(init=False)
    inbox: ListInbox | None = attrs.field(init=False)
    desk: PolymarketDesk = attrs.field(init=False)
    account: PolymarketAccount = attrs.field(init=False)
    state: LaneState = attrs.field(factory=LaneState, init=False)
    complaints: list[str] = attrs.field(factory=list, init=False)
    modes: list[VenueMode] = attrs.field(factory=list, init=False)
    listings: dict[str, Listing] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.engine = Engine(lambda: self.clock.now() // 1000, self.cash)
        self.venue = ExchangePolymarket(self.engine)
        for record in self.records:
            market = self.engine.list_market(record, delay_s=self.delay_s)
            found = listing_of({**record, "secondsDelay": self.delay_s})
            self.listings[found.market.id] = found
            for one in (market.yes, market.no):
                self.venue.contracts[one] = CONTRACTS[found.exchange].address
        self.wire = FaultyWire(self.venue, lambda: None)
        self.signer = OrderSigner(open_signer(KEY), self.paying)
        self.venue.wallet = self.signer.signature_type.value
        self.venue.holder = self.signer.maker
        self.rest = PolymarketRest(
            self.wire,
            self.clock,
            self.clock.wait,
            credentials=ApiCredentials(
                address=self.signer.login_address,
                key=API_KEY,
                secret=SECRET,
                passphrase=PASSPHRASE,
            ),
            rates=_FAST,
            patience=Patience(tries=1),
        )
        self.outbox = MemoryOutbox() if self.folder is None else FileOutbox(self.folder)
        self.inbox = ListInbox() if self.with_inbox else None
        self.new_desk()
        self.account = PolymarketAccount(
            self.rest,
            self.clock,
            lambda: self.state,
            self.listings.get,
            signature_type=self.paying.signature_type,
            owner=lambda: API_KEY,
            holder=self.signer.maker,
        )

    def new_desk(self, owner: Callable[[], str] = lambda: API_KEY) -> None:
        """Take another desk, as a new process does."""
        self.desk = PolymarketDesk(
            self.rest,
            self.listings.get,
            self.signer,
            owner,
            self.outbox,
            self.inbox,
            complain=self.complaints.append,
            pace=self.pace,
            ghosts=self.ghosts,
            tell_mode=self.modes.append,
        )

    @property
    def now(self) -> Micros:
        """The present moment, everywhere."""
        return self.clock.now()

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(Duration(int(seconds * SECOND)))
        self.engine.advance()

    def told(self, seconds: float = 0) -> list[Fact]:
        """Let time pass and return what the desk tells then."""
        self.pass_by(seconds)
        return list(self.desk.collect(self.now))

    def all_told(self, seconds: int = 40) -> list[Fact]:
        """Let seconds pass one by one and return everything that is told."""
        return [fact for _ in range(seconds) for fact in self.told(1)]

    def looked(self, *names: str) -> AccountPicture:
        """Return a picture of the account."""
        return self.account.look(Micros(self.now - 3600 * SECOND), names)

    def intent(
        self,
        name: str = "i-1",
        at: str = "0.45",
        quantity: str = "10",
        *,
        leg: Leg = Leg.YES,
        purpose: Purpose = Purpose.ENTRY,
        style: Style = Style.TAKER,
        market: str = MARKET,
        seconds: int = 60,
    ) -> Intent:
        """Return an intent that lives for a minute."""
        signal = a_signal(market=market, leg=leg, purpose=purpose, style=style, price=price(at))
        draft = a_draft(signal, size=size(quantity), event="the-draw")
        return an_intent(
            name,
            draft,
            expires_at=Micros(self.now + seconds * SECOND),
            reduce_only=purpose is Purpose.EXIT,
        )

    def push(self, times: int = 1) -> None:
        """From here on, let a stream tell everything of ours so many times."""
        inbox = self.inbox
        assert inbox is not None

        def hear(what: str, thing: object) -> None:
            row = trade_row(thing) if what == "trade" else order_row(thing)  # type: ignore[arg-type] # as the engine tells it
            for _ in range(times):
                inbox.hear(what, row)

        self.engine.listeners.append(hear)
