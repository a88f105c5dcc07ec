"""The whole system with real money: pushes get lost, and only the account tells what became of it.

The lane, the watcher of its account and a person who arms it are stepped by one seeded scheduler.
Unlike in the other worlds nothing is told twice by a venue that means well: after a death, or where
a push was lost, the picture of the account is all there is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from random import Random
from typing import Final

import attrs

from market_bot.adapters.storage.codec import digest
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import FOLD_VERSION
from market_bot.core.domain.numbers import SECOND, Duration, Micros, Money, Size
from market_bot.core.domain.orders import Order, Purpose
from market_bot.core.domain.portfolio import NO_CAPABILITIES
from market_bot.core.domain.signals import Intent
from market_bot.core.domain.tally import Tally
from market_bot.core.domain.world import World
from market_bot.core.ports.account import (
    Account,
    AccountPicture,
    FillThere,
    OrderThere,
    PositionThere,
    Standing,
)
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.execution import (
    Accepted,
    Execution,
    Fact,
    Filled,
    Outcome,
    Rejected,
    Unknown,
)
from market_bot.core.ports.journal import JournalError
from market_bot.core.usecases.arm_lane import refusal_to_arm
from market_bot.core.usecases.fed_lane import FedLane
from market_bot.core.usecases.lane_controls import CommandQueue, LaneControls
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.timely_desk import TimelyDesk
from market_bot.core.usecases.trade_lane import LaneTrader
from market_bot.core.usecases.watch_account import AccountSlot, CompareAccount, WatchAccount
from tests.fakes.sim_fs import SimCrashError

from .checkers import Witness, check_chain, check_fills, check_healed, check_money, fold, must
from .faults import RATES, Chaos, FaultyJournal, FaultyMarketData, Weather
from .feed import Feed, Script
from .scheduler import Scheduler, VirtualClock
from .venue import SimVenue
from .world import (
    CALM_FROM,
    INTERVAL,
    LENGTH,
    RESTARTS_MAX,
    STARTS,
    Exchange,
    HaltNote,
    Operator,
    SimLane,
    _checkpoint,
)

LIVE_RATES: Final[Mapping[str, tuple[float, ...]]] = {
    **RATES,
    "provisional": (0.0,),
    "reversed": (0.0,),
    "fact_lost": (0.0, 0.1, 0.5),
    "unread": (0.0, 0.2),
    "stale": (0.0, 0.3),
}
# What is in doubt at the end has to expire, and to be looked for once more after a while.
HEALING: Final = Duration(120 * SECOND)
LOOK_EVERY: Final = Duration(7 * SECOND)


class LiveWitness(Witness):
    """Also follows, in its own way, whether real money may be spent at this moment."""

    def __init__(self, halt_file: HaltNote, clock: VirtualClock) -> None:
        super().__init__(halt_file.age)
        self.clock = clock
        self.armed_until = Micros(0)
        self.agrees = False

    def sending(self, intent: Intent) -> None:
        super().sending(intent)
        if intent.draft.signal.purpose is Purpose.ENTRY:
            must(self.clock.now() < self.armed_until, f"{intent.id}: nobody armed it")
            must(self.agrees, f"{intent.id}: the account was not found to agree")

    def restart(self, entries: Sequence[object], *, strict: bool) -> None:
        super().restart(entries, strict=strict)  # type: ignore[arg-type]  # the same entries
        self.armed_until, self.agrees = Micros(0), False

    def _follow(self, event: ev.Event) -> None:
        super()._follow(event)
        match event:
            case ev.Armed(expires_at=until):
                self.armed_until = until
            case ev.Halt() | ev.Disarmed() | ev.BotStarted():
                self.armed_until = Micros(0)
            case ev.Reconciled(stops=stops):
                self.agrees = not stops
            case _:
                pass


@attrs.define(eq=False)
class LossyDesk(Execution):
    """The way to the venue and back where a push may never come; nothing is told again.

    Once a push of an order is lost, so are all that follow: a desk that knows that it missed
    something of an order says nothing more of it.
    """

    venue: SimVenue
    chaos: Chaos
    witness: Witness
    lost: set[str] = attrs.field(factory=set)

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        self.witness.sending(intent)
        self.venue.count(intent)
        self.chaos.may_crash()
        outcome = self._submit(intent, at)
        self.chaos.may_crash()
        return outcome

    def cancel(self, intent: str, at: Micros) -> None:
        self.chaos.may_crash()
        if not self.chaos.strikes("cancel_lost"):
            self.venue.cancel(intent, at)

    def collect(self, at: Micros) -> Sequence[Fact]:
        told = []
        for fact in self.venue.collect(at):
            if self.chaos.strikes("fact_lost"):
                self.lost.add(fact.intent)
            if fact.intent not in self.lost:
                told.append(fact)
        self.chaos.may_crash()
        return told

    def adopt(self, orders: Iterable[Order]) -> None:
        """Know nothing of an earlier process."""

    def learn(self, facts: Iterable[Fact]) -> None:
        """Tell everything again that was learnt elsewhere: the lane must not mind."""

    def _submit(self, intent: Intent, at: Micros) -> Outcome:
        chaos, venue = self.chaos, self.venue
        if chaos.strikes("never_arrived"):
            return Unknown("connection reset")
        if chaos.strikes("reject") or not venue.admits(intent):
            return Rejected("planted")
        order = venue.receive(intent, at)
        if chaos.strikes("answer_lost"):
            self.lost.add(intent.id)
            return Unknown("timeout")
        return Accepted(order)


@attrs.define(eq=False)
class SimAccount(Account):
    """The venue's own books as its lists tell them: sometimes in part, sometimes of before."""

    venue: SimVenue
    chaos: Chaos
    clock: VirtualClock
    _before: tuple[Money, tuple[PositionThere, ...]] | None = None

    def look(self, since: Micros, looking_for: Collection[str]) -> AccountPicture:
        venue = self.venue
        venue.advance(self.clock.now())
        now = (
            Money(venue.cash),
            tuple(
                PositionThere(market=market, leg=leg, size=Size(one.size), cost=Money(one.cost))
                for (market, leg), one in venue.held.items()
                if one.size
            ),
        )
        shown = self._before if self._before and self.chaos.strikes("stale") else now
        self._before = now
        return AccountPicture(
            account="sim",
            at=self.clock.now(),
            cash=shown[0],
            positions=shown[1],
            orders=tuple(self._orders(looking_for)),
            fills=tuple(self._fills(since)),
            looked_for=frozenset(looking_for),
            missing=("fills: planted",) if self.chaos.strikes("unread") else (),
        )

    def _orders(self, looking_for: Collection[str]) -> Iterable[OrderThere]:
        for number, one in enumerate(self.venue.orders.values(), start=1):
            if not (one.alive or one.intent in looking_for):
                continue
            over = Standing.FILLED if one.filled == one.size else Standing.CANCELLED
            yield OrderThere(
                venue_order=f"v{number}",
                intent=one.intent,
                market=one.market,
                leg=one.leg,
                size=one.size,
                filled=Size(one.filled),
                standing=Standing.RESTING if one.alive else over,
            )

    def _fills(self, since: Micros) -> Iterable[FillThere]:
        for fact in self.venue.said:
            if not isinstance(fact, Filled) or fact.at < since:
                continue
            order = self.venue.orders[fact.intent]
            yield FillThere(
                fill=fact.fill,
                venue_order="",
                intent=fact.intent,
                market=order.market,
                leg=order.leg,
                price=fact.price,
                size=fact.size,
                cost=fact.cost,
                fee=fact.fee,
                liquidity=fact.liquidity,
                at=fact.at,
            )


class SimLive(SimLane):
    """A lane with real money on live data, started again whenever it dies."""

    def _make(self, truth: Script) -> None:
        super()._make(truth)
        self.chain = attrs.evolve(self.chain, lane="live")
        self.witness = LiveWitness(self.halt_file, self.clock)
        self.venue.journaled = self.witness.fills
        self.fed: FedLane | None = None
        self.watch: WatchAccount | None = None
        self.consents: set[Micros] = set()
        self.over = Duration(LENGTH + HEALING)

    def step(self, now: Micros) -> Micros | None:
        elapsed = self.clock.elapsed()
        self.chaos.calm = self.chaos.calm or elapsed >= CALM_FROM
        try:
            lane = self._running()
            if elapsed >= LENGTH and self.trader is not None:
                # Nothing new is wanted, so that everything can come to its end.
                self.trader.settings = attrs.evolve(self.settings, strategies=())
            if elapsed >= self.over:
                lane.stop(now, "the end")
            due = None if lane.snapshot.phase == "stopped" else lane.step(now)
        except SimCrashError:
            return self._perish("power", now)
        except JournalError as e:
            return self._perish(str(e), now)
        if due is not None:
            return due
        if lane.snapshot.phase == "failed":
            return self._perish(lane.snapshot.error or "failed", now)
        self.finished = True
        return None

    def check(self) -> None:
        """Hold the disk against the venue's books, and the consents against the journal."""
        entries = self.entries()
        state = fold(entries)
        must(self.trader is not None and state == self.trader.state, "the disk says otherwise")
        check_chain(self.lines())
        check_fills(entries, self.venue)
        check_money(state, self.venue)
        check_healed(state, resumed=self.resumed)
        must(state.unreconciled is None, f"not reconciled after healing: {state.unreconciled}")
        must(not state.orders, f"orders are left: {list(state.orders)}")
        armed = {e.event.expires_at for e in entries if isinstance(e.event, ev.Armed)}
        must(armed <= self.consents, "armed without a person's consent")

    def _running(self) -> FedLane:
        if self.fed is None:
            self.boots += 1
            must(self.boots <= RESTARTS_MAX, "restarted too often")
            self.files.faults = {} if self.chaos.calm else Weather(self.chaos)
            self.fed = self._begin()
        elif self.chaos.calm and self.files.faults:
            self.files.faults = {}
        return self.fed

    def _begin(self) -> FedLane:
        journal = self._open(self.files)
        entries = list(journal.read())
        self.witness.restart(entries, strict=self.strict)
        self.venue.advance(self.clock.now())
        desk = LossyDesk(self.venue, self.chaos, self.witness, set(self.venue.hang_up()))
        since = max(self.clock.now(), entries[-1].at if entries else self.start)
        self.feed = Feed(self.script, self.start, INTERVAL, self.end, since)
        world, tally, slot = World(), Tally(), AccountSlot()
        recorder = Recorder(
            FaultyJournal(journal, self.chaos, self.witness),
            fold(entries),
            self.settings.hash,
            _checkpoint,
            [tally.add],
            last_at=journal.last_at,
        )
        compare = CompareAccount(slot, NO_CAPABILITIES, desk.learn, LOOK_EVERY)
        account = SimAccount(self.venue, self.chaos, self.clock)
        self.watch = WatchAccount(
            account, self.name, lambda: recorder.state, slot, every=LOOK_EVERY
        )
        trader = self.trader = LaneTrader(
            settings=self.settings,
            data=FaultyMarketData(self.feed, self.chaos),
            execution=TimelyDesk(desk, self.clock.now, lambda: None),
            recorder=recorder,
            world=world,
            controls=LaneControls(
                self.queue, lambda: recorder.state.halted, self.halt_file.read, self.clock
            ),
            compare=compare,
        )
        return FedLane(
            trader=trader,
            started=_started,
            tally=tally,
            blank=LaneSnapshot(venue=self.chain.venue, lane="live", run="", may_arm=True),
            interval=INTERVAL,
            digest=lambda: digest(trader.state),
            decorate=lambda drawn: attrs.evolve(drawn, agreed_at=compare.agreed_at),
        )

    def _perish(self, reason: str, now: Micros) -> Micros:
        self.fed = self.watch = None
        # What a person wanted of this process dies with it.
        self.queue = CommandQueue()
        return self._die(reason, now)


def _started() -> ev.BotStarted:
    return ev.BotStarted(mode="live", instance="sim", version="0", fold=FOLD_VERSION)


@attrs.define(eq=False)
class Beside(Actor):
    """The thread that reads the account; it lives and dies with the lane's process."""

    lane: SimLive

    @property
    def name(self) -> str:
        return f"{self.lane.name}/account"

    def step(self, now: Micros) -> Micros | None:
        if self.lane.finished:
            return None
        due = None if self.lane.watch is None else self.lane.watch.step(now)
        return Micros(now + SECOND) if due is None else due

    def stop(self, now: Micros, reason: str) -> None:
        pass


@attrs.define(eq=False)
class Ceremony(Actor):
    """A person who arms the lane whenever that is possible, for a while, and rarely disarms it."""

    lane: SimLive
    rng: Random

    @property
    def name(self) -> str:
        return "ceremony"

    def step(self, now: Micros) -> Micros | None:
        lane = self.lane
        if lane.finished:
            return None
        shown = None if lane.fed is None else lane.fed.snapshot
        if shown is not None and refusal_to_arm(shown, now) is None:
            if self.rng.random() < 0.1:
                lane.queue.put(ev.Disarmed(reason="ann"))
            else:
                until = Micros(now + self.rng.randint(5, 90) * SECOND)
                lane.consents.add(until)
                lane.queue.put(ev.Armed(by="ann", account="sim", expires_at=until))
        return Micros(now + self.rng.randint(1, 20) * SECOND)

    def stop(self, now: Micros, reason: str) -> None:
        pass


class LiveSimulation:
    """One seed's world; `run` plays and judges it.

    Args:
        seed: decides everything.
        only: names of the faults that may strike; None lets the seed choose.
        operated: whether a person halts, resumes and flattens; None lets the seed choose.
        crash_at: lose power once at this opportunity, counted from 1; 0 never.

    """

    def __init__(
        self,
        seed: int,
        *,
        only: frozenset[str] | None = None,
        operated: bool | None = None,
        crash_at: int = 0,
    ) -> None:
        rng = Random(seed)
        start = rng.choice(STARTS)
        self.clock = VirtualClock(start)
        self.scheduler = Scheduler(Random(rng.random()), self.clock)
        halt_file = HaltNote(self.clock)
        self.lane = SimLive(
            "venue0",
            Random(rng.random()),
            Chaos(Random(rng.random()), only=only, crash_at=crash_at, rates=LIVE_RATES),
            self.clock,
            halt_file,
            start,
        )
        busy = rng.random() < 0.5 if operated is None else operated
        actors: list[Actor] = [
            self.lane,
            Beside(self.lane),
            Ceremony(self.lane, Random(rng.random())),
            Exchange([self.lane.venue], Random(rng.random())),
            Operator([self.lane], halt_file, Random(rng.random()), busy),
        ]
        for actor in actors:
            self.scheduler.add(actor)

    def run(self) -> None:
        """Play to the end and check everything.

        Raises:
            AssertionError: if anything that must hold does not.

        """
        self.scheduler.run([self.lane])
        self.lane.check()
