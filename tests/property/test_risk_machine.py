"""Hard limits, money and exits under anything in any order, with an accountant at the door.

A lane trades four markets in two events at a venue that says what the machine makes it say: fills
in part, twice, provisional, undone, out of order; answers, ends, prices, times, tighter limits,
halts and restarts come as they like. Every order is judged at the moment it leaves, by a ledger
that reads the journal and an adversary that tries every outcome.
"""

from collections.abc import Iterator
from typing import Any

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from market_bot.adapters.storage.codec import decode_state, digest, encode_state
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import EventTerms, Leg
from market_bot.core.domain.numbers import SECOND, Duration, Micros, Money, Price, Size, money
from market_bot.core.domain.orders import Order, Purpose, Style
from market_bot.core.domain.portfolio import VenueCapabilities, balanced
from market_bot.core.domain.signals import Intent, Signal
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Fact,
    Filled,
    Merged,
    Outcome,
    Rejected,
    Reversed,
    Settled,
    Unknown,
)
from market_bot.core.usecases.last_gate import EXITS_PER_MINUTE
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.trade_lane import LaneTrader
from tests.fakes.adversary import Part, tried
from tests.fakes.builders import (
    LIMITS,
    Lane,
    Wanting,
    a_lane,
    a_market,
    a_signal,
    a_strategy,
    an_exit,
    announced,
    cents,
    contracts,
    lane_settings,
    refold,
)
from tests.fakes.execution import ScriptedExecution
from tests.fakes.ledger import Ledger
from tests.fakes.recording_sink import Fact as MarketFact

EVENTS = {"A": "E-1", "B": "E-1", "C": "E-1", "D": "E-2"}
# Each is met within a few steps; the tightest are drawn again and again.
START: dict[str, int] = {
    **LIMITS,
    "max_order_usd": money("20"),
    "max_position_usd": money("30"),
    "max_event_loss_usd": money("26"),
    "max_total_exposure_usd": money("45"),
    "max_daily_loss_usd": money("3"),
    "max_drawdown_usd": money("4"),
    "max_consecutive_losses": 2,
    "max_open_orders": 3,
    "max_orders_per_minute": 4,
    "max_price_distance": cents(30),
    "max_book_distance": cents(20),
    "max_book_age_seconds": Duration(120 * SECOND),
}
markets = st.sampled_from(sorted(EVENTS))
legs = st.sampled_from(Leg)


class Door(ScriptedExecution):
    """Answers as told and lets a judge look at every order that leaves."""

    def __init__(self, machine: "RiskMachine") -> None:
        super().__init__()
        self.machine = machine

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        self.machine.judge(intent, at)
        return super().submit(intent, at)

    @property
    def abilities(self) -> VenueCapabilities:
        return VenueCapabilities(merges=self.machine.merges)

    def merge(self, merge: str, market: str, size: Size, at: Micros) -> None:
        assert self.machine.merges
        # Told twice: once counts.
        self.say(*[Merged(merge, market, size, Money(1_000_000 * size))] * 2)


class RiskMachine(RuleBasedStateMachine):
    """One life of a lane; see above."""

    @initialize(at_most_one=st.booleans(), exhaustive=st.booleans(), merges=st.booleans())
    def begin(self, at_most_one: bool, exhaustive: bool, merges: bool) -> None:
        """Announce the markets, with or without terms."""
        self.terms = {
            event: EventTerms(
                markets=frozenset(m for m in EVENTS if EVENTS[m] == event),
                at_most_one=at_most_one,
                exhaustive=exhaustive,
            )
            for event in set(EVENTS.values())
        }
        self.known: list[MarketFact] = [
            announced(a_market(name, event=event, at_most_one=at_most_one, exhaustive=exhaustive))
            for name, event in EVENTS.items()
        ]
        self.wanting, self.ledger, self.read = Wanting(), Ledger(), 0
        self.limits, self.peak, self.entry_times = dict(START), 0, list[int]()
        self.day_loss = self.fallen = 0
        self.quotes: dict[str, tuple[int, int, int]] = {}
        self.ended: set[str] = set()
        self.said: list[Fact] = []
        self.counter = self.told_fills = 0
        self.merges, self.door = merges, Door(self)
        self.lane: Lane = a_lane(
            lane_settings(a_strategy(self.wanting), limits=dict(self.limits)),
            lambda _: self.door,
            opening=self.known,
        )
        self.lane.start()
        for market in EVENTS:
            self.move(market, 50, 2)

    # -- the judge ---------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Read the lines written since."""
        for line in self.lane.journal.lines[self.read :]:
            self.ledger.read([line.event])
            if isinstance(line.event, ev.BotStarted):
                self.peak = max(self.peak, self.ledger.deposits)
            if isinstance(line.event, ev.DayOpened):
                self.day_loss = 0
            if isinstance(line.event, ev.Resume) and self.fallen:
                self.peak = self.fallen = 0
            if isinstance(line.event, ev.EquityPeak):
                self.peak = max(self.peak, line.event.equity)
            if isinstance(line.event, ev.OrderIntent) and line.event.purpose is Purpose.ENTRY:
                self.entry_times.append(line.at)
        self.read = len(self.lane.journal.lines)

    def note_losses(self) -> None:
        """Remember the losses that reached their limits; only something to be told opens those."""
        limits, equity = self.limits, self.worth()
        assert self.ledger.day_equity is not None
        lost, down = self.ledger.day_equity - equity, self.peak - equity
        if lost >= limits["max_daily_loss_usd"] > self.day_loss:
            self.day_loss = lost
        if down >= limits["max_drawdown_usd"] > self.fallen:
            self.fallen = down

    def judge(self, intent: Intent, at: Micros) -> None:
        """Hold an order against every limit in force."""
        self.catch_up()
        ledger, limits, signal = self.ledger, self.limits, intent.draft.signal
        assert intent.id in ledger.orders, "sent before it was written"
        assert intent.id not in [sent.id for sent in self.door.submitted], "sent twice"
        key = (signal.market, signal.leg)
        if signal.purpose is Purpose.EXIT:
            assert 0 < ledger.working_exits(key) <= ledger.settled(key)
            return
        order = ledger.orders[intent.id].intent
        event = EVENTS[signal.market]
        live = sum(1 for known in ledger.orders.values() if known.working)
        recent = sum(1 for then in self.entry_times if at - then < 60 * SECOND)
        equity = self.worth()
        state = self.lane.trader.state

        assert order.price * order.size + order.fee_bound <= limits["max_order_usd"]
        assert ledger.worst_case(signal.market) <= limits["max_position_usd"]
        assert ledger.worst_case() <= limits["max_total_exposure_usd"]
        assert tried(list(self.parts(event)), self.terms[event]) <= limits["max_event_loss_usd"]
        assert ledger.day_equity is not None
        assert ledger.day_equity - equity < limits["max_daily_loss_usd"]
        assert self.peak - equity < limits["max_drawdown_usd"]
        assert self.day_loss < limits["max_daily_loss_usd"]
        assert self.fallen < limits["max_drawdown_usd"]
        assert live <= limits["max_open_orders"]
        assert recent <= limits["max_orders_per_minute"]
        assert state.loss_streak < limits["max_consecutive_losses"]
        assert not ledger.halted
        self.check_book(signal, at)

    def check_book(self, signal: Signal, at: Micros) -> None:
        """Hold a price against the book as it was told."""
        bid, ask, told = self.quotes[signal.market]
        if signal.leg is Leg.NO:
            bid, ask = 1_000_000 - ask, 1_000_000 - bid
        best = ask if signal.style is Style.TAKER else bid
        away = signal.price - best if signal.style is Style.TAKER else best - signal.price
        assert abs(2 * signal.price - bid - ask) <= 2 * self.limits["max_price_distance"]
        assert away <= self.limits["max_book_distance"]
        assert at - told <= self.limits["max_book_age_seconds"]

    def parts(self, event: str) -> Iterator[Part]:
        """Yield all that is or may be of an event, from the ledger."""
        ledger = self.ledger
        for (market, leg), (size, cost) in ledger.positions.items():
            if EVENTS[market] != event:
                continue
            doubt = size - ledger.settled((market, leg))
            yield Part(market, leg, size - doubt, cost - cost * doubt // size, certain=True)
            yield Part(market, leg, doubt, cost * doubt // size)
        for order in ledger.orders.values():
            intent = order.intent
            if intent.event != event:
                continue
            left, entry = order.working, intent.purpose is Purpose.ENTRY
            fee = -(-intent.fee_bound * left // intent.size)
            sign = 1 if entry else -1
            if left:
                yield Part(intent.market, intent.leg, sign * left, sign * intent.price * left + fee)
            for trade in order.trades.values():
                if trade.provisional and not trade.undone and not entry:
                    yield Part(intent.market, intent.leg, trade.size, trade.basis)

    def worth(self) -> int:
        """Return cash and what positions would fetch at the quotes as they were told."""
        total = self.ledger.cash
        for (market, leg), (size, _) in self.ledger.positions.items():
            bid, ask, _told = self.quotes[market]
            total += size * (bid if leg is Leg.YES else 1_000_000 - ask)
        return total

    # -- what happens ------------------------------------------------------------------------

    def tick(self, *facts: MarketFact, seconds: int = 1) -> None:
        """Let a tick pass."""
        if facts:
            self.lane.data.then(*facts)
        self.lane.trader.tick(self.lane.clock.advance(Duration(seconds * SECOND)))
        self.catch_up()
        self.note_losses()

    @rule(market=markets, middle=st.integers(5, 95), half=st.sampled_from([1, 2, 5, 20]))
    def move(self, market: str, middle: int, half: int) -> None:
        """Quote a market anew."""
        bid, ask = cents(max(1, middle - half)), cents(min(99, middle + half))
        now = Micros(self.lane.clock.now + SECOND)
        self.quotes[market] = (bid, ask, now)
        depth = contracts(1000)
        self.tick(("book", market, {bid: depth}, {ask: depth}, now, None))

    @rule(
        market=markets,
        leg=legs,
        style=st.sampled_from(Style),
        at=st.integers(1, 99),
        near=st.sampled_from([True, True, True, False]),
        size=st.sampled_from([1, 5, 10, 25, 60]),
        answer=st.sampled_from([*[Accepted("v")] * 4, Rejected("no"), Unknown("timeout")]),
    )
    def want(
        self,
        market: str,
        leg: Leg,
        style: Style,
        at: int,
        near: bool,
        size: int,
        answer: Outcome,
    ) -> None:
        """Wish for something, at a price of the book or at any."""
        if near:
            bid, ask, _ = self.quotes[market]
            self.move(market, (bid + ask) // 20_000, (ask - bid) // 20_000)
            best = (ask if style is Style.TAKER else bid) // 10_000
            at = best if leg is Leg.YES else 100 - (bid if style is Style.TAKER else ask) // 10_000
        signal = a_signal(
            market=market,
            leg=leg,
            style=style,
            price=cents(at),
            size=contracts(size),
            patience=Duration(600 * SECOND),
        )
        self.door.answers = [answer]
        self.wanting.wants = [signal]
        self.tick(self.touch(market))
        self.wanting.wants = []
        self.door.answers = []
        self.tick()

    @rule(
        market=markets,
        leg=legs,
        style=st.sampled_from(Style),
        size=st.sampled_from([5, 10, 20, 25]),
        provisional=st.sampled_from([False, False, True]),
    )
    def buy(self, market: str, leg: Leg, style: Style, size: int, provisional: bool) -> None:
        """Wish for something ordinary, and get it if it was sent."""
        before = len(self.door.submitted)
        self.want(market, leg, style, 50, True, size, Accepted("v"))
        for intent in self.door.submitted[before:]:
            order = self.lane.trader.state.order(intent.id)
            assert order is not None
            self.trade(order, order.working, 0, provisional)

    @precondition(lambda self: self.working())
    @rule(data=st.data(), provisional=st.sampled_from([False, False, True]))
    def fill_all(self, data: st.DataObject, provisional: bool) -> None:
        """Trade all that works, in the order in which it is drawn."""
        for order in data.draw(st.permutations(self.working())):
            self.trade(order, order.working, 0, provisional)

    def touch(self, market: str) -> MarketFact:
        """Return a fact that has a market looked at and changes nothing."""
        seen = self.lane.trader.world.seen.get(market)
        # A market that ended long ago is forgotten; what is told of it later is passed over.
        return announced(a_market(market, event=EVENTS[market]) if seen is None else seen.market)

    def working(self) -> list[Order]:
        """Return what may still fill."""
        state = self.lane.trader.state
        return [order for order in state.orders.values() if order.working]

    @precondition(lambda self: self.working())
    @rule(data=st.data(), provisional=st.booleans(), better=st.sampled_from([0, 0, 10_000]))
    def fill(self, data: st.DataObject, provisional: bool, better: int) -> None:
        """Trade a part of an order, or all of it."""
        order = data.draw(st.sampled_from(self.working()))
        size = contracts(data.draw(st.integers(1, order.working // 10**6)))
        self.trade(order, size, better, provisional)

    def trade(self, order: Order, size: Size, better: int, provisional: bool) -> None:
        """Tell a fill of an order."""
        selling = order.purpose is Purpose.EXIT
        price = min(999_999, order.price + better) if selling else max(1, order.price - better)
        self.counter += 1
        self.say(
            Filled(
                intent=order.intent,
                fill=f"f-{self.counter}",
                price=Price(price),
                size=size,
                cost=Money(price * size),
                fee=Money(order.fee_bound * size // order.size),
                liquidity=order.style,
                at=self.lane.clock.now,
                provisional=provisional,
            )
        )

    def say(self, *facts: Fact) -> None:
        """Have the venue tell facts at the next tick."""
        self.said.extend(facts)
        self.door.say(*facts)
        self.tick()

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """Tell something that was told before."""
        self.door.say(data.draw(st.sampled_from(self.said)))
        self.tick()

    def doubtful(self) -> list[tuple[Order, str]]:
        """Return the provisional fills."""
        state = self.lane.trader.state
        every = (*state.orders.values(), *state.finished.values())
        return [(order, f.id) for order in every for f in order.fills if f.provisional]

    @precondition(lambda self: self.doubtful())
    @rule(data=st.data(), undone=st.booleans(), twice=st.booleans())
    def decide(self, data: st.DataObject, undone: bool, twice: bool) -> None:
        """Make a provisional fill final, or undo it; in any order."""
        order, fill = data.draw(st.sampled_from(self.doubtful()))
        name = order.intent
        fact = Reversed(name, fill, "no") if undone else Settled(name, fill)
        self.say(*[fact] * (1 + twice))

    @precondition(lambda self: self.working())
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """End an order."""
        self.say(Cancelled(data.draw(st.sampled_from(self.working())).intent, "cancelled"))

    @rule(market=markets, payout=st.sampled_from([0, 0, 1_000_000, 1_000_000, 500_000, 370_000]))
    def resolve(self, market: str, payout: int) -> None:
        """End a market nobody waits in; the other markets go on."""
        busy = any(order.market == market for order in self.lane.trader.state.orders.values())
        if busy or market in self.ended or len(self.ended) > 1 or not self.ledger.positions:
            return
        self.ended.add(market)
        self.tick(("resolution", market, Price(payout), self.lane.clock.now))

    @rule(seconds=st.sampled_from([1, 5, 30, 59, 61, 119, 300, 90_000]))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.tick(seconds=seconds)

    @rule(back=st.sampled_from([1, 40, 90_000]))
    def set_back(self, back: int) -> None:
        """Set the clock back for one tick."""
        before = self.lane.clock.now
        self.lane.clock.now = Micros(max(0, before - back * SECOND))
        self.tick()
        self.lane.clock.now = before

    @rule(name=st.sampled_from(sorted(START)), share=st.sampled_from([0, 50, 100]))
    def tighten(self, name: str, share: int) -> None:
        """Change one limit: lower it, or set it back."""
        self.limits[name] = max(1, START[name] * share // 100)
        trader = self.lane.trader
        trader.settings = attrs.evolve(trader.settings, limits=dict(self.limits))

    @rule(on=st.sampled_from([False, False, False, True]))
    def halt(self, on: bool) -> None:
        """Halt, or resume."""
        event = ev.Halt(by="ann", reason="r") if on else ev.Resume(by="ann")
        self.lane.controls.append(event)
        self.tick()

    @rule()
    def restart(self) -> None:
        """Come back from a checkpoint, with books that have to be told again."""
        old = self.lane.trader
        recorder = Recorder(
            journal=self.lane.journal,
            state=decode_state(encode_state(old.state), LaneState),
            config="c-1",
            snapshot=lambda state: (encode_state(state), digest(state)),
            last_at=old.recorder.last_at,
        )
        world = old.world
        trader = LaneTrader(
            settings=old.settings,
            data=self.lane.data,
            execution=self.door,
            recorder=recorder,
            world=world,
            controls=old.controls,
        )
        assert trader.state == old.state
        self.lane.trader = trader

    # -- what must be possible ---------------------------------------------------------------

    def free(self, market: str, leg: Leg) -> int:
        """Return what can be sold of a leg once its pairs are merged."""
        free = [
            self.ledger.settled((market, side)) - self.ledger.working_exits((market, side))
            for side in (leg, leg.other)
        ]
        return free[0] - (max(0, min(free)) if self.merges else 0)

    def leavable(self) -> list[tuple[str, Leg]]:
        """Return what is settled, not on its way out, and in a market that trades."""
        return [
            key
            for key in self.ledger.positions
            if self.free(*key) > 0
            and not self.ledger.working_exits(key)
            and self.lane.trader.world.tradable(key[0])
        ]

    @precondition(lambda self: self.leavable())
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        """Sell everything settled: whatever the limits, a halt, or the losses, the order leaves."""
        market, leg = data.draw(st.sampled_from(self.leavable()))
        settled = self.free(market, leg)
        before = len(self.door.submitted)
        bid = self.lane.trader.world.sell_price(market, leg)
        assert bid is not None
        self.wanting.wants = [
            an_exit(market=market, leg=leg, price=bid, patience=Duration(600 * SECOND))
        ]
        self.tick(self.touch(market), seconds=61)
        self.wanting.wants = []
        sent = self.door.submitted[before:]

        assert [(settled, market, leg)] == [
            (i.draft.size, i.draft.signal.market, i.draft.signal.leg) for i in sent
        ]
        assert len(self.lane.trader.state.exit_times) <= EXITS_PER_MINUTE

    # -- what must always be -----------------------------------------------------------------

    @invariant()
    def money_is_kept(self) -> None:
        """Nothing appears or vanishes, and the ledger agrees to the last unit."""
        if not hasattr(self, "lane"):
            return
        state = self.lane.trader.state
        self.catch_up()

        assert balanced(state)
        assert (self.ledger.cash, self.ledger.fees) == (state.cash, state.fees)
        assert {k: v[0] for k, v in self.ledger.positions.items()} == {
            (p.market, p.leg): p.size for p in state.positions.values()
        }
        assert self.ledger.worst_case() == self.lane.trader.exposure().total

    @invariant()
    def the_journal_is_the_state(self) -> None:
        """Folding every line again leads to the same state."""
        if hasattr(self, "lane"):
            assert refold(self.lane.journal) == self.lane.trader.state


TestRisk: Any = RiskMachine.TestCase
TestRisk.settings = settings(stateful_step_count=60)
