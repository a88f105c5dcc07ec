"""A whole lane on the whole simulated venue, with faults of both, in small worlds by the thousand.

Everything follows from the seed: the world, what goes wrong at the venue, when power fails, what
the disk does. After every death the lane is derived again from its inputs and its journal, as a run
on the simulated venue is; and so is the venue, which has no memory of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final

import attrs

from market_bot.adapters.simulated.sim_account import AccountFill, AccountMerge, Ledger
from market_bot.adapters.simulated.sim_desk import OwnOrder
from market_bot.adapters.simulated.sim_venue import SimulatedVenue
from market_bot.adapters.storage.codec import digest, encode_state
from market_bot.adapters.storage.durable_file import Reserve
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.bootstrap.taped_lane import _controls as recorded_first
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.market import Leg
from market_bot.core.domain.marks import MarkSchedule
from market_bot.core.domain.numbers import NEVER, ONE_DOLLAR, SECOND, Duration, Micros, Money, Size
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.portfolio import VenueCapabilities
from market_bot.core.domain.settings import ActiveStrategy, LaneSettings
from market_bot.core.domain.signals import Intent, Signal
from market_bot.core.domain.tally import Tally
from market_bot.core.domain.view import Holdings, View
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Execution, Fact, Outcome
from market_bot.core.ports.journal import Chain, DurabilityLostError, Entry, Journal, JournalError
from market_bot.core.ports.market_data import Capability, MarketData, MarketDataError, Sink
from market_bot.core.usecases.lane_actor import TapedLane
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.redo_journal import RedoJournal
from market_bot.core.usecases.trade_lane import LaneTrader
from tests.fakes.sim_fs import SimCrashError, SimFiles, Survival, kept, lost, torn, torn_with_zeros

from .checkers import Witness, check_chain, check_healed, fold, must
from .faults import Chaos, Weather
from .swarm_draw import PROBE, RATES, Draw, Probe, draw, probe

_CHAIN: Final = Chain("simulated", "sim", "run")
_STEPS_MAX: Final = 5_000
# After so many deaths nothing new goes wrong; beyond the second number a lane dies of itself.
_DEATHS_PLANTED: Final = 6
_DEATHS_MAX: Final = 8
_MINUTE: Final = Duration(60 * SECOND)
# What must not stand in the way any more once nothing goes wrong.
_OVER: Final = frozenset({"halted", "journal_durable"})
# Costs are shared out between sold and kept contracts by rounding down, once per sale.
_ROUNDING: Final = 1_000

_ENDS: Final = (0, int(ONE_DOLLAR))

Key = tuple[str, Leg]


@attrs.frozen
class Part:
    """Contracts that are there, or may come if an order that waits is filled."""

    market: str
    leg: Leg
    size: int
    cost: int
    sure: bool = attrs.field(kw_only=True)


@attrs.define(eq=False)
class Promises:
    """What the journal said is safe; outlives every crash."""

    facts: dict[int, ev.Event] = attrs.field(factory=dict)

    def check(self, entries: Sequence[Entry]) -> None:
        """Complain if something that was promised is not there any more."""
        found = {entry.seq: entry.event for entry in entries}
        for number, event in self.facts.items():
            must(found.get(number) == event, f"line {number} was promised: {event}")


@attrs.define(eq=False)
class Overheard(Journal):
    """Loses durability now and then, and hears all that is written or derived again."""

    redo: RedoJournal
    chaos: Chaos
    witness: Witness
    promises: Promises
    strict: bool
    _waiting: dict[int, ev.Event] = attrs.field(factory=dict, init=False)

    @property
    def chain(self) -> Chain:
        return self.redo.chain

    @property
    def head(self) -> tuple[int, str]:
        return self.redo.head

    def append(self, event: ev.Event, at: Micros, config: str) -> int:
        redone = self.redo.redoing
        try:
            if not redone and not isinstance(event, ev.BotStarted):
                self._may_lose()
            number = self.redo.append(event, at, config)
        except DurabilityLostError:
            self.witness.lost = True
            raise
        if event.DURABILITY is ev.Durability.A:
            self.witness.acknowledge(number, event)
        if isinstance(event, ev.VenueState):
            self.witness.lost = event.state == "degraded"
        if not redone:
            self._waiting[number] = event
            if self.strict and event.DURABILITY is ev.Durability.A:
                self._promise()
        return number

    def commit(self) -> None:
        try:
            self.redo.commit()
        except DurabilityLostError:
            self.witness.lost = True
            raise
        self._promise()

    def close(self) -> None:
        self.redo.close()

    def needs_checkpoint(self, at: Micros) -> bool:
        return self.redo.needs_checkpoint(at)

    def read(self) -> Iterator[Entry]:
        return self.redo.read()

    def _may_lose(self) -> None:
        if self.chaos.strikes("append_lost"):
            msg = "planted: not durable"
            raise DurabilityLostError(msg)

    def _promise(self) -> None:
        self.promises.facts.update(self._waiting)
        self._waiting.clear()


@attrs.define(eq=False)
class Watched(MarketData, Execution):
    """The way to the venue and back, where power fails and everything is looked at.

    Args:
        venue: what is behind.
        drawn: what the seed decided.
        chaos: decides when power fails.
        witness: knows what was written down.

    """

    venue: SimulatedVenue
    drawn: Draw
    chaos: Chaos
    witness: Witness
    sent: Counter[str] = attrs.field(factory=Counter)
    entry_times: list[Micros] = attrs.field(factory=list)

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self.venue.capabilities

    def drain(self, sink: Sink, until: Micros) -> str:
        self.check_limits()
        self.chaos.may_crash()
        if until >= self.drawn.calm_from:
            self.venue.heal()
        position = self.venue.drain(sink, until)
        if self.chaos.strikes("data_error"):
            msg = "planted: the feed broke off"
            raise MarketDataError(msg)
        return position

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        self.witness.sending(intent)
        self.sent[intent.id] += 1
        must(self.sent[intent.id] == 1, f"{intent.id} was sent {self.sent[intent.id]} times")
        if intent.draft.signal.purpose is Purpose.EXIT:
            self._check_exit(intent)
        else:
            self._check_entry(intent, at)
        self.chaos.may_crash()
        outcome = self.venue.submit(intent, at)
        self.chaos.may_crash()
        return outcome

    def cancel(self, intent: str, at: Micros) -> None:
        self.venue.cancel(intent, at)

    @property
    def abilities(self) -> VenueCapabilities:
        return self.venue.abilities

    def merge(self, merge: str, market: str, size: Size, at: Micros) -> None:
        self.chaos.may_crash()
        self.venue.merge(merge, market, size, at)
        self.chaos.may_crash()

    def collect(self, at: Micros) -> Sequence[Fact]:
        facts = self.venue.collect(at)
        self.chaos.may_crash()
        return facts

    # -- the venue's truth against the bot's limits ------------------------------------------

    def check_limits(self) -> None:
        """Hold what is held and waits against the limits."""
        ledger, orders, cash = self.venue.ledger(), self._orders(), self.drawn.cash
        limits, worst = self.drawn.settings.limits, Counter[str]()
        for (market, _), (_, basis) in self._held(ledger).items():
            worst[market] += basis
        for order in orders:
            if order.intent.draft.signal.purpose is Purpose.ENTRY:
                worst[order.listed.market.id] += _bound(order)
        slack = _ROUNDING + sum(fill.cost for fill in ledger.fills.values() if fill.undone)
        for market, cost in worst.items():
            limit = limits["max_position_usd"]
            must(cost <= limit + slack, f"{market}: {cost} at stake, max_position_usd is {limit}")
        limit, total = limits["max_total_exposure_usd"], sum(worst.values())
        must(total <= limit + slack, f"{total} at stake, max_total_exposure_usd is {limit}")
        must(ledger.cash + cash >= 0, f"the account is overdrawn: {ledger.cash + cash}")

    def _check_exit(self, intent: Intent) -> None:
        signal = intent.draft.signal
        leaving = sum(
            order.waiting.left
            for order in self._orders()
            if order.intent.draft.signal.purpose is Purpose.EXIT
            and (order.listed.market.id, order.intent.draft.signal.leg)
            == (signal.market, signal.leg)
        )
        # Who has not heard yet that a pair was paid cannot know that it is gone.
        told = {
            event.merge for event in self.witness.facts.values() if isinstance(event, ev.Merged)
        }
        firm = self.venue._account.firm(signal.market, signal.leg) + sum(
            merge.size
            for merge in self.venue.ledger().merges.values()
            if merge.market == signal.market and merge.merge not in told
        )
        sold = leaving + intent.draft.size
        must(sold <= firm, f"{intent.id} makes it {sold} on sale, {firm} are settled")

    def _check_entry(self, intent: Intent, at: Micros) -> None:
        limits, draft = self.drawn.settings.limits, intent.draft
        order, cost = draft.signal, draft.signal.price * draft.size
        must(cost <= limits["max_order_usd"], f"{intent.id} costs {cost}")
        waiting = len(self._orders())
        must(waiting < limits["max_open_orders"], f"{intent.id} is one more than {waiting} orders")
        recent = sum(at - sent < _MINUTE for sent in self.entry_times)
        must(recent < limits["max_orders_per_minute"], f"{intent.id} is one of {recent}")
        self.entry_times.append(at)
        if not any(fill.undone for fill in self.venue.ledger().fills.values()):
            loss, limit = self._event_loss(intent), limits["max_event_loss_usd"]
            event = draft.event
            must(loss <= limit + _ROUNDING, f"{order.market}: {event} may cost {loss} of {limit}")

    def _event_loss(self, intent: Intent) -> int:
        """Return what an event may cost with one more order, over every way in which it may end.

        What waits is filled where that costs; sales that wait are not, since they are not judged.
        """
        event, signal, size = intent.draft.event, intent.draft.signal, intent.draft.size
        markets = [m.market for m in self.venue._listed.values() if m.market.event == event]
        names = {market.id for market in markets}
        parts = [
            Part(market, leg, held, cost, sure=True)
            for (market, leg), (held, cost) in self._held(self.venue.ledger()).items()
            if market in names
        ]
        for order in self._orders():
            known = order.intent.draft.signal
            if known.market in names and known.purpose is Purpose.ENTRY:
                left = order.waiting.left
                parts.append(Part(known.market, known.leg, left, _bound(order), sure=False))
        cost = signal.price * size
        parts.append(Part(signal.market, signal.leg, size, cost, sure=False))
        if not all(market.at_most_one for market in markets):
            return sum(
                max(_loss([p for p in parts if p.market == name], {name: end}) for end in _ENDS)
                for name in names
            )
        ends = [dict.fromkeys(names, 0) | {winner: int(ONE_DOLLAR)} for winner in names]
        if not all(market.exhaustive for market in markets):
            ends.append(dict.fromkeys(names, 0))
        ends.append(dict.fromkeys(names, ONE_DOLLAR // 2))
        return max(_loss(parts, paid) for paid in ends)

    def _orders(self) -> list[OwnOrder]:
        return list(self.venue._desk._orders.values())

    def _held(self, ledger: Ledger) -> dict[Key, tuple[int, int]]:
        """Return size and cost of what is held, as far as it is not paid out.

        What a sold contract had cost depends on the order of purchases and sales, and news of
        them travel at their own pace: costs are counted in the order of the journal. A purchase
        that is not in it yet counts in full, a sale or a merge not at all.
        """
        known = dict.fromkeys(self.witness.fills())
        untold = [
            fill
            for name, fill in ledger.fills.items()
            if name not in known and fill.purpose is Purpose.ENTRY
        ]
        held: dict[Key, tuple[int, int]] = {}
        for one in (*self._told(ledger), *untold):
            if self.venue.outcome(one.market) is not None:
                continue
            if isinstance(one, AccountMerge):
                for leg in Leg:
                    key = (one.market, leg)
                    held[key] = _reduced(*held.get(key, (0, 0)), one.size)
            elif not one.undone:
                key = (one.market, one.leg)
                held[key] = _counted(*held.get(key, (0, 0)), one)
        return held

    def _told(self, ledger: Ledger) -> Iterator[AccountFill | AccountMerge]:
        """Yield the trades and merges of the venue that are in the journal, in its order, once."""
        seen: set[str] = set()
        for event in self.witness.facts.values():
            match event:
                case ev.Fill(fill=name) if name in ledger.fills and name not in seen:
                    seen.add(name)
                    yield ledger.fills[name]
                case ev.Merged(merge=name) if name in ledger.merges and name not in seen:
                    seen.add(name)
                    yield ledger.merges[name]
                case _:
                    pass


def _bound(order: OwnOrder) -> int:
    return order.intent.draft.signal.price * order.waiting.left


def _loss(parts: Sequence[Part], paid: Mapping[str, int]) -> int:
    """Return what contracts cost if YES pays so much in each market."""
    total = 0
    for part in parts:
        yes = paid[part.market]
        loss = part.cost - part.size * (yes if part.leg is Leg.YES else ONE_DOLLAR - yes)
        total += loss if part.sure else max(0, loss)
    return total


def _counted(size: int, cost: int, fill: AccountFill) -> tuple[int, int]:
    if fill.purpose is Purpose.ENTRY:
        return size + fill.size, cost + fill.cost
    return _reduced(size, cost, fill.size)


def _reduced(size: int, cost: int, sold: int) -> tuple[int, int]:
    gone = min(size, sold)
    return size - gone, cost - (cost * gone // size if size else 0)


class Swarm:
    """One seed's lane and venue; `run` plays and judges them.

    Args:
        seed: decides everything.

    Attributes:
        deaths: why the lane had to be started again.
        done: what happened, in numbers, for those who ask whether anything does.

    """

    def __init__(self, seed: int) -> None:
        rng = Random(seed)
        self.seed = seed
        self.drawn = draw(Random(rng.random()))
        self.chaos = Chaos(Random(rng.random()), rates=RATES)
        self.rng = rng
        self.files = SimFiles()
        self.promises = Promises()
        self.commands = list(self.drawn.commands)
        self.deaths: list[str] = []
        self.done: Counter[str] = Counter()
        self.asked = 0
        self.lane: TapedLane | None = None
        self.venue = SimulatedVenue(seed, settings=self.drawn.world)
        self.watched = Watched(self.venue, self.drawn, self.chaos, Witness(lambda: None))

    def run(self) -> None:
        """Play to the end and check everything.

        Raises:
            AssertionError: if anything that must hold does not.

        """
        for _ in range(_STEPS_MAX):
            if self._step():
                self._check()
                return
        must(truth=False, message="it never came to an end")

    def lines(self) -> list[bytes]:
        """Return the raw lines of the journal."""
        paths = sorted(path for path in self.files.files if path.suffix == ".jsonl")
        return [
            line for path in paths for line in bytes(self.files.files[path].content).splitlines()
        ]

    # -- one life ----------------------------------------------------------------------------

    def _step(self) -> bool:
        """Take one tick, or begin again; return whether the world has come to its end."""
        try:
            lane = self.lane or self._begin()
            self._settle_down(lane)
            due = lane.step(NEVER)
        except SimCrashError:
            self._die("power")
        except JournalError as e:
            # Only while starting: a lane that runs tells of it by its phase.
            self._die(str(e))
        else:
            if due is not None:
                return False
            if lane.snapshot.phase == "finished":
                return True
            self._die(lane.snapshot.error or "failed")
        return False

    def _settle_down(self, lane: TapedLane) -> None:
        at = lane.source.next_tick()
        if at is None or at < self.drawn.calm_from or lane.redoing():
            return
        self.chaos.calm, self.files.faults = True, {}
        if lane.trader.degraded is not None and not self.done["restarted"]:
            # What a person does who sees that nothing is opened any more.
            self.done["restarted"] += 1
            self._die("degraded")
            self._begin()

    def _begin(self) -> TapedLane:
        drawn, self.asked = self.drawn, 0
        self.chaos.calm = self.chaos.calm or len(self.deaths) >= _DEATHS_PLANTED
        self.files.faults = {} if self.chaos.calm else Weather(self.chaos)
        journal = self._open(self.files)
        entries = list(journal.read())
        self.promises.check(entries)
        redo = RedoJournal(iter(entries), journal)
        witness = Witness(lambda: None)
        self.venue = SimulatedVenue(self.seed, settings=drawn.world)
        self.watched = Watched(self.venue, drawn, self.chaos, witness)
        tally = Tally()
        overheard = Overheard(redo, self.chaos, witness, self.promises, drawn.strict)
        trader = LaneTrader(
            settings=attrs.evolve(drawn.settings, strategies=self._strategies()),
            data=self.watched,
            execution=self.watched,
            recorder=Recorder(
                overheard,
                LaneState(),
                drawn.settings.hash,
                lambda state: (encode_state(state), digest(state)),
                [tally.add],
            ),
            world=World(),
            controls=tuple,
            commit_ticks=drawn.commit_ticks,
            marks=MarkSchedule() if drawn.marks else None,
            successor=self._successor,
        )
        lane = TapedLane(
            trader=trader,
            source=self.venue,
            started=ev.BotStarted(
                mode="paper", instance="sim", version="0", fold=FOLD_VERSION, cash=drawn.cash
            ),
            tally=tally,
            blank=LaneSnapshot(venue=_CHAIN.venue, lane=_CHAIN.lane, run=_CHAIN.run),
            speed=None,
            ticks_max=None,
            redoing=lambda: redo.redoing,
            digest=lambda: digest(trader.state),
        )
        trader.controls = recorded_first(lane, redo, lambda: self._wanted(lane), journal)
        self.lane = lane
        return lane

    def _successor(self, _: LaneSettings, text: str) -> LaneSettings:
        """Return the settings that a text names."""
        wanted = self.drawn.others[text]
        return attrs.evolve(wanted, strategies=self._strategies(wanted))

    def _strategies(self, settings: LaneSettings | None = None) -> tuple[ActiveStrategy, ...]:
        """Return the strategies, and count what the probe wants."""
        first, *others = (settings or self.drawn.settings).strategies

        def counted(view: View, params: Probe, holdings: Holdings) -> Sequence[Signal]:
            wanted = probe(view, params, holdings)
            self.asked += len(wanted)
            return wanted

        counting = attrs.evolve(first.strategy, decide=counted)
        return (attrs.evolve(first, strategy=counting), *others)

    def _open(self, files: SimFiles) -> JsonlJournal:
        return JsonlJournal(
            Path("/journal"),
            _CHAIN,
            "boot",
            durability="strict" if self.drawn.strict else "group",
            reserve=Reserve(Path("/reserve"), 1 << 13, files),
            files=files,
        )

    def _wanted(self, lane: TapedLane) -> Sequence[ev.Event]:
        """Return what a person wants by now, and once all is well that trading goes on."""
        due = [event for at, event in self.commands if at <= lane.time]
        del self.commands[: len(due)]
        if lane.time >= self.drawn.calm_from and lane.trader.state.halted is not None:
            due.append(ev.Resume(by="web"))
        return due

    def _die(self, reason: str) -> None:
        """Lose what was not on the disk, if power failed."""
        self.deaths.append(reason)
        must(len(self.deaths) <= _DEATHS_MAX, f"it does not stay alive: {self.deaths}")
        survival: Survival = kept
        names_kept = True
        if reason == "power":
            at = self.rng.randint(0, 400)
            survival = self.rng.choice((kept, lost, torn(at), torn_with_zeros(at)))
            names_kept = self.rng.random() < 0.5
        self.files = self.files.after_crash(survival, names_kept=names_kept)
        self.lane = None

    # -- what must be true in the end --------------------------------------------------------

    def _check(self) -> None:
        entries = list(self._open(self.files.after_crash(kept, names_kept=True)).read())
        self.promises.check(entries)
        _check_settings(entries, self.drawn)
        state, ledger = fold(entries), self.venue.ledger()
        must(self.lane is not None and state == self.lane.trader.state, "the disk says otherwise")
        check_chain(self.lines())
        check_healed(state, resumed=True)
        self.watched.check_limits()
        _check_money(state, ledger, self.drawn.cash)
        _check_fills(entries, ledger)
        _check_merges(entries, ledger)
        _check_orders(entries, ledger)
        self._check_resumed(entries)
        self._count(entries)

    def _check_resumed(self, entries: Sequence[Entry]) -> None:
        """Something was wanted in the calm and led to an order, or limits say why not."""
        calm = [e.event for e in entries if e.at > self.drawn.calm_from]
        ours = [
            event for event in calm if isinstance(event, ev.Decided) and event.strategy == PROBE
        ]
        refused = {
            gate.name
            for event in calm
            if isinstance(event, ev.Denied) and event.purpose is Purpose.ENTRY
            for gate in event.gates
        }
        must(not refused & _OVER, f"all is well, but refused by {sorted(refused & _OVER)}")
        answered = any(isinstance(event, ev.OrderIntent | ev.Denied) for event in ours)
        must(answered or not self.asked, "what was wanted led to nothing")
        self.done["resumed"] += any(isinstance(event, ev.OrderIntent) for event in ours)

    def _count(self, entries: Sequence[Entry]) -> None:
        done = self.done
        done.update(f"struck {name}" for name, times in self.venue.struck.items() if times)
        done.update(f"struck {name}" for name in self.chaos.struck)
        done["deaths"] += len(self.deaths)
        done["played"] += 1
        done["fills"] += len(self.venue.ledger().fills)
        for event in (entry.event for entry in entries):
            match event:
                case ev.OrderIntent():
                    done[f"{event.purpose.value} of {event.strategy}"] += 1
                case ev.Exit():
                    done[f"exit by {event.reason}"] += 1
                case ev.Denied():
                    done.update(f"refused by {gate.name}" for gate in event.gates)
                case (
                    ev.MarketResolved()
                    | ev.FillReversed()
                    | ev.OrderUnknown()
                    | ev.Merged()
                    | ev.Reward()
                    | ev.ConfigChanged()
                ):
                    done[event.TYPE] += 1
                case _:
                    pass


def _check_settings(entries: Sequence[Entry], drawn: Draw) -> None:
    """Each line carries the settings in force, and no change made a limit looser."""
    known = {drawn.settings.hash: drawn.settings, **drawn.others}
    config = drawn.settings.hash
    for entry in entries:
        must(entry.config == config, f"line {entry.seq} carries {entry.config}, not {config}")
        if isinstance(entry.event, ev.ConfigChanged):
            before, after = known[config].limits, known[entry.event.after].limits
            must(
                all(after[name] <= before[name] for name in before), f"{entry.event.after}: looser"
            )
            config = entry.event.after
        if isinstance(entry.event, ev.OrderIntent) and entry.event.purpose is Purpose.ENTRY:
            cost, limit = (
                entry.event.price * entry.event.size,
                known[config].limits["max_order_usd"],
            )
            must(cost <= limit, f"line {entry.seq} costs {cost}, the limit is {limit} by then")


def _check_money(state: LaneState, ledger: Ledger, deposit: Money) -> None:
    """Compare cash and positions with the venue's own account, to the unit."""
    ours = {(p.market, p.leg): int(p.size) for p in state.positions.values()}
    theirs = {key: int(size) for key, size in ledger.positions.items()}
    cash = deposit + ledger.cash

    must(state.cash == cash, f"cash: {state.cash} in the journal, {cash} at the venue")
    must(ours == theirs, f"positions: {ours} in the journal, {theirs} at the venue")
    must(state.fees == ledger.fees, f"fees: {state.fees} in the journal, {ledger.fees}")
    paid = (state.rewards, ledger.rewards)
    must(paid[0] == paid[1], f"rewards: {paid[0]} in the journal, {paid[1]} at the venue")
    balance = state.cash + state.basis() + state.fees - state.realised - state.rewards
    must(balance == state.deposits, f"money appeared or vanished: {balance - state.deposits}")
    must(not state.anomalies, f"{state.anomalies} facts contradict each other")


def _check_fills(entries: Sequence[Entry], ledger: Ledger) -> None:
    """Every trade of the venue is in the journal once, and so is every reversal."""
    told = Counter(e.event.fill for e in entries if isinstance(e.event, ev.Fill))
    undone = {e.event.fill for e in entries if isinstance(e.event, ev.FillReversed)}

    must(set(told) == set(ledger.fills), f"trades: {set(told) ^ set(ledger.fills)} are not in both")
    must(max(told.values(), default=1) == 1, "a trade is in the journal more than once")
    must(undone == {f.fill for f in ledger.fills.values() if f.undone}, "reversals differ")


def _check_merges(entries: Sequence[Entry], ledger: Ledger) -> None:
    """Every merge of the venue is in the journal once, at what it paid."""
    told = [e.event for e in entries if isinstance(e.event, ev.Merged)]
    ours = sorted((event.merge, event.market, event.size, event.payout) for event in told)
    theirs = sorted((m.merge, m.market, m.size, m.payout) for m in ledger.merges.values())

    must(ours == theirs, f"merges: {ours} in the journal, {theirs} at the venue")


def _check_orders(entries: Sequence[Entry], ledger: Ledger) -> None:
    """No trade is later, larger, dearer or of something else than its order."""
    intents = {e.event.intent: e.event for e in entries if isinstance(e.event, ev.OrderIntent)}
    traded: Counter[str] = Counter()
    for fill in ledger.fills.values():
        order = intents[fill.intent]
        traded[fill.intent] += fill.size
        better = fill.price - order.price
        fee, bound = fill.fee, order.fee_bound
        if fill.purpose is Purpose.ENTRY:
            better = -better
        else:
            # A better price may cost a higher fee, but never more than it brings.
            fee = Money(fee - better * fill.size)
        same = (fill.market, fill.leg, fill.purpose) == (order.market, order.leg, order.purpose)
        must(same, f"{fill.fill} is not what was ordered")
        must(better >= 0, f"{fill.fill} is {-better} worse than its limit")
        must(fill.at <= order.expires_at, f"{fill.fill} came after its order had expired")
        must(fee <= bound, f"{fill.fill} costs a fee of {fill.fee}, bound to {bound}")
    for name, size in traded.items():
        must(size <= intents[name].size, f"{name} was filled beyond its size")
