"""The order desk against any history: what is told is what happened, each thing once."""

from __future__ import annotations

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from market_bot.adapters.kalshi.desk import KalshiDesk
from market_bot.adapters.kalshi.private_stream import PrivateInbox
from market_bot.adapters.kalshi.signing import Signer
from market_bot.core.domain.fees import Traded, fees_of_order
from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg
from market_bot.core.domain.numbers import SECOND, Micros, Money, Price, Size, price, size
from market_bot.core.domain.orders import Style
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Confirmed,
    Fact,
    Filled,
    Rejected,
    Unknown,
)
from tests.fakes.builders import a_draft, a_signal, an_intent
from tests.fakes.fake_kalshi_engine import ONE, Engine, Trade, text
from tests.fakes.fake_kalshi_portfolio import Portfolio
from tests.fakes.fake_kalshi_rig import KEY_ID, ONCE, listing_of, pushed_of
from tests.fakes.kalshi_client import WaitingClock, a_client, a_key
from tests.fakes.kalshi_records import TICKER, a_market, as_json

ROOT = "/trade-api/v2"
PRICES = st.integers(38, 47).map(lambda cents: f"0.{cents:02}")
COUNTS = st.sampled_from(("1.00", "2.50", "7.00", "0.07"))


class Wire(httpx.BaseTransport):
    """The exchange without a network; the next answers may be lost, or lists be old."""

    def __init__(self, portfolio: Portfolio) -> None:
        self.portfolio = portfolio
        self.trouble = ""
        self.stale = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.removeprefix(ROOT)
        query = {key: [value] for key, value in request.url.params.multi_items()}
        trouble, changes = "", request.method != "GET"
        if changes:
            trouble, self.trouble = self.trouble, ""
        if trouble == "never came":
            raise httpx.ReadError(trouble, request=request)
        self.stale -= not changes and self.stale > 0
        found = self.portfolio.answer(
            request.method, name, query, request.read(), stale=not changes and self.stale > 0
        )
        if trouble == "lost":
            raise httpx.ReadError(trouble, request=request)
        status, answer = found or (404, {})
        return httpx.Response(status, content=b"" if answer is None else as_json(answer))


class DeskMachine(RuleBasedStateMachine):
    """Sends, cancels, changes and loses things in any order; the exchange's books are the truth."""

    @initialize(pushes=st.booleans())
    def begin(self, pushes: bool) -> None:
        self.clock = WaitingClock()
        self.engine = Engine(self.clock.now_ms, {0: "1000.00"})
        record = a_market(close_time="2026-12-20T00:00:00Z")
        self.engine.list_market(record, fee_type="quadratic_with_maker_fees")
        listing = listing_of(record)
        self.engine.crowd(TICKER, "bid", "0.38", "500.00")
        self.engine.crowd(TICKER, "ask", "0.47", "500.00")
        self.wire = Wire(Portfolio(self.engine))
        rest = a_client(
            self.clock, backend=self.wire, signer=Signer(KEY_ID, a_key()), patience=ONCE
        )
        self.inbox = PrivateInbox() if pushes else None
        self.desk = KalshiDesk(rest, {TICKER: listing}.get, inbox=self.inbox)
        self.told: list[Fact] = []
        self.outcomes: dict[str, object] = {}
        self.pushed = 0

    @rule(
        at=PRICES,
        count=COUNTS,
        leg=st.sampled_from(Leg),
        style=st.sampled_from(Style),
        trouble=st.sampled_from(("", "", "lost", "never came")),
    )
    def send(self, at: str, count: str, leg: Leg, style: Style, trouble: str) -> None:
        name = f"i-{len(self.outcomes)}"
        limit = price(at) if leg is Leg.YES else Price(1_000_000 - price(at))
        signal = a_signal(market=TICKER, leg=leg, style=style, price=limit)
        draft = a_draft(signal, size=size(count))
        expires = Micros(self.clock.at + 60 * SECOND)
        self.wire.trouble = trouble
        self.outcomes[name] = self.desk.submit(
            an_intent(name, draft, expires_at=expires), self.clock.at
        )

    @rule(pick=st.integers(0, 30), trouble=st.sampled_from(("", "lost", "never came")))
    def cancel(self, pick: int, trouble: str) -> None:
        if self.desk.open_orders:
            self.wire.trouble = trouble
            name = self.desk.open_orders[pick % len(self.desk.open_orders)]
            self.desk.cancel(name, self.clock.at)
            self.wire.trouble = ""

    @rule(side=st.sampled_from(("bid", "ask")), at=PRICES, count=COUNTS)
    def somebody_trades(self, side: str, at: str, count: str) -> None:
        self.engine.crowd(TICKER, "bid" if side == "bid" else "ask", at, count, ioc=True)

    @rule(reads=st.integers(1, 4))
    def lists_are_old(self, reads: int) -> None:
        self.wire.portfolio.remember()
        self.wire.stale = reads

    @precondition(lambda self: self.inbox is not None)
    @rule(times=st.integers(1, 2))
    def the_stream_tells(self, times: int) -> None:
        assert self.inbox is not None
        for fill in self.engine.fills[self.pushed :]:
            for _ in range(times):
                self.inbox.put(pushed_of(fill, self.clock.at))
        self.pushed = len(self.engine.fills)

    @rule(seconds=st.sampled_from((0, 1, 7, 70)))
    def time_passes(self, seconds: int) -> None:
        self.clock.pass_by(seconds * SECOND)
        self.told += self.desk.collect(self.clock.at)

    @invariant()
    def nothing_is_told_that_did_not_happen(self) -> None:
        fills = [fact for fact in self.told if isinstance(fact, Filled)]
        there = {fill.id: fill for fill in self.engine.fills}
        assert len({fact.fill for fact in fills}) == len(fills)
        for one in fills:
            fill = there[one.fill]
            assert (fill.order.client, fill.count * 10_000) == (one.intent, one.size)
            assert fill.fee * 10**6 == one.fee
        for fact in self.told:
            order = self.engine.named.get(fact.intent)
            assert order is not None
            if isinstance(fact, Cancelled):
                known = sum(f.size for f in fills if f.intent == fact.intent)
                assert order.status != "resting"
                assert order.filled * 10_000 == known, "cancelled before its fills"
            if isinstance(fact, Confirmed):
                assert (order.id, Unknown) == (
                    fact.venue_order,
                    type(self.outcomes[fact.intent]),
                )

    @invariant()
    def outcomes_are_true(self) -> None:
        for name, outcome in self.outcomes.items():
            known = self.engine.named.get(name)
            assert not isinstance(outcome, Rejected) or known is None
            assert not isinstance(outcome, Accepted) or (
                known is not None and known.id == outcome.venue_order
            )

    def teardown(self) -> None:
        """Once lists are right again and every order is over, everything is told."""
        if not hasattr(self, "clock"):
            return
        self.wire.stale, self.wire.trouble = 0, ""
        for _ in range(6):
            self.clock.pass_by(61 * SECOND)
            self.told += self.desk.collect(self.clock.at)
        self.nothing_is_told_that_did_not_happen()
        told = {fact.fill for fact in self.told if isinstance(fact, Filled)}
        assert {fill.id for fill in self.engine.fills} == told
        ended = {fact.intent for fact in self.told if isinstance(fact, Cancelled)}
        unfilled = {
            order.client
            for order in self.engine.orders.values()
            if order.ours and order.filled < order.initial
        }
        assert unfilled == ended
        self.desk.rest.close()


TestDesk = DeskMachine.TestCase
TestDesk.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(
    fills=st.lists(
        st.tuples(st.integers(1, ONE - 1), st.integers(1, 5_000), st.booleans()),
        min_size=1,
        max_size=12,
    ),
    kind=st.sampled_from(("quadratic", "quadratic_with_maker_fees")),
    selling=st.booleans(),
)
def test_fees_are_those_of_another_calculation(
    fills: list[tuple[int, int, bool]], kind: str, selling: bool
) -> None:
    """The exchange of the tests counts in units of its own and carries what it rounds."""
    engine = Engine(lambda: 1_796_126_400_000, {0: "1000000000.00"})
    finest = [{"start": "0.0000", "end": "1.0000", "step": "0.0001"}]
    listed = engine.list_market(a_market(price_ranges=finest), fee_type=kind)
    if selling:
        engine.crowd(TICKER, "ask", "0.5000", "100000.00")
        bought = asked("i-0", "bid", 5_000, 10_000_000)
        engine.create(bought | {"time_in_force": "immediate_or_cancel"})
        engine.fills.clear()
    side = "ask" if selling else "bid"
    order = engine.create(asked("i-1", side, 1 if selling else ONE - 1, 10_000_000))
    listed.resting("ask" if selling else "bid").clear()
    for number, (at, count, takes) in enumerate(fills):
        trade = Trade(
            id=f"t-{number}",
            ticker=TICKER,
            price=at,
            count=count,
            taker="ask" if selling else "bid",
            at_ms=number,
        )
        engine._book(order, trade, listed, takes=takes)

    maker = 17_500 if kind.endswith("maker_fees") else 0
    schedule = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=maker)
    traded = [
        Traded(
            price=Price(at * 100),
            size=Size(count * 10_000),
            liquidity=Style.TAKER if takes else Style.MAKER,
        )
        for at, count, takes in fills
    ]
    ours = fees_of_order(schedule, traded, selling=selling)
    assert [Money(fill.fee * 10**6) for fill in engine.fills] == list(ours)
    alone = [fees_of_order(schedule, [one], selling=selling)[0] for one in traded]
    assert 0 <= sum(ours) <= sum(alone)


def asked(name: str, side: str, at: int, count: int) -> dict[str, object]:
    """Return an order as it is sent."""
    return {
        "ticker": TICKER,
        "client_order_id": name,
        "side": side,
        "price": text(at, 4),
        "count": text(count, 2),
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
    }
