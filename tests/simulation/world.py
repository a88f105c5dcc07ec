"""The whole system, small: lanes on a disk that fails, at venues that mumble, and an operator."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import attrs

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.adapters.storage.codec import digest, encode_state
from market_bot.adapters.storage.durable_file import Reserve
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.bootstrap.discovery import builtin_rules
from market_bot.bootstrap.taped_lane import _controls as recorded_first
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    SECOND,
    Duration,
    Micros,
    Price,
    Probability,
    money,
    parse_time,
)
from market_bot.core.domain.orders import OrderState, Purpose, Style
from market_bot.core.domain.settings import (
    ActiveStrategy,
    Cooldown,
    Filters,
    LaneSettings,
    Sizing,
)
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.domain.tally import Tally
from market_bot.core.domain.view import Holdings, MarketView, View
from market_bot.core.domain.world import World
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.execution import Execution
from market_bot.core.ports.journal import Chain, Entry, Journal, JournalError
from market_bot.core.usecases.lane_actor import TapedLane
from market_bot.core.usecases.lane_controls import CommandQueue, LaneControls
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.redo_journal import RedoJournal
from market_bot.core.usecases.trade_lane import LaneTrader
from market_bot.core.usecases.watch_stalls import Watchdog
from tests.fakes.builders import WIDE
from tests.fakes.sim_fs import SimCrashError, SimFiles, Survival, kept, lost, torn, torn_with_zeros

from .checkers import (
    Witness,
    check_chain,
    check_fills,
    check_healed,
    check_money,
    fold,
    must,
)
from .faults import Chaos, FaultyClock, FaultyExecution, FaultyJournal, FaultyMarketData, Weather
from .feed import Feed, Script, spoil, write_script
from .scheduler import Scheduler, VirtualClock
from .venue import SimVenue

CASH: Final = money("200")
LENGTH: Final = Duration(130 * SECOND)
INTERVAL: Final = SECOND
# Close to midnight on some seeds, so that a journal goes on in a new file.
STARTS: Final = (parse_time("2026-03-07T12:00:00Z"), parse_time("2026-03-07T23:59:00Z"))
CALM_FROM: Final = Duration(90 * SECOND)
RESTARTS_MAX: Final = 400


@attrs.frozen(kw_only=True)
class Whims:
    """Parameters of the restless strategy: what it wants is a hash of these and the moment."""

    salt: str


def restless(view: View, whims: Whims, holdings: Holdings) -> Sequence[Signal]:
    """Want something else every few seconds, and break now and then."""
    signals = []
    for seen in view.markets:
        if not seen.tradable:
            continue
        moment = view.as_of // (2 * SECOND)
        key = f"{whims.salt}|{seen.market.id}|{moment}"
        number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
        if number % 97 == 0:
            msg = "a whim"
            raise ValueError(msg)
        held = [p for p in holdings.positions if p.market == seen.market.id]
        signals += [_wish(seen, p.leg, Purpose.EXIT, number) for p in held if number // 7 % 3 == 0]
        if number % 2 == 0 and (not held or number // 5 % 4 == 0):
            leg = Leg.YES if number // 3 % 2 else Leg.NO
            signals.append(_wish(seen, leg, Purpose.ENTRY, number))
    return [signal for signal in signals if signal is not None]


def _wish(seen: MarketView, leg: Leg, purpose: Purpose, number: int) -> Signal | None:
    style = Style.TAKER if number // 11 % 2 else Style.MAKER
    taking = (purpose is Purpose.ENTRY) == (style is Style.TAKER)
    at = seen.buy_price(leg) if taking else seen.sell_price(leg)
    if at is None:
        return None
    return Signal(
        market=seen.market.id,
        leg=leg,
        purpose=purpose,
        style=style,
        price=Price(at + (1 if number // 13 % 29 == 0 else 0)),
        belief=Probability(at),
        edge=Price(0),
        cost=Price(0),
        patience=Duration((3 + number // 17 % 25) * SECOND),
        reason="whim",
    )


RESTLESS: Final = Strategy(name="restless", summary="Whims.", params=Whims, decide=restless)


def settings_of(rng: Random) -> LaneSettings:
    """Return the settings of a lane whose limits are easily reached."""
    whims: Any = Whims(salt=str(rng.random()))
    return LaneSettings(
        hash="cfg-1",
        text="",
        cash=CASH,
        strategies=(ActiveStrategy(strategy=RESTLESS, params=whims),),
        rules=tuple(builtin_rules().values()),
        limits={
            **WIDE,
            "max_order_usd": money("12"),
            "max_position_usd": money(rng.choice(("15", "25"))),
            "max_total_exposure_usd": money(rng.choice(("20", "40", "60"))),
            "max_daily_loss_usd": money("40"),
        },
        filters=Filters(),
        cooldown=Cooldown(after_entry=Duration(2 * SECOND), after_exit=Duration(SECOND)),
        sizing=Sizing(order=money("10")),
    )


@attrs.define(eq=False)
class HaltNote:
    """The HALT file, and since when there is one."""

    clock: VirtualClock
    text: str | None = None
    since: Duration = Duration(0)

    def write(self, text: str) -> None:
        """Put the file there."""
        if self.text is None:
            self.since = self.clock.elapsed()
        self.text = text

    def remove(self) -> None:
        """Remove the file."""
        self.text = None

    def read(self) -> str | None:
        """Return what it says."""
        return self.text

    def age(self) -> Duration | None:
        """Return for how long the file has been there."""
        return None if self.text is None else Duration(self.clock.elapsed() - self.since)


class SimLane(Actor):
    """A lane that is started again whenever it dies, by a supervisor that knows no better.

    Args:
        name: its venue.
        rng: decides everything about it.
        chaos: decides what breaks.
        clock: the machine's.
        halt_file: the home's.
        start: time of the first tick.

    """

    strict = True

    def __init__(
        self,
        name: str,
        rng: Random,
        chaos: Chaos,
        clock: VirtualClock,
        halt_file: HaltNote,
        start: Micros,
    ) -> None:
        self.chain = Chain(name, "paper")
        self.rng, self.chaos, self.clock = rng, chaos, clock
        self.start, self.end = start, Micros(start + LENGTH + 20 * SECOND)
        self.settings = settings_of(rng)
        truth = write_script(rng, start, LENGTH)
        rates = chaos.rates
        self.script = spoil(
            truth,
            rng,
            gap=rates["gap"],
            duplicate=rates["duplicate"],
            late=rates["late"],
        )
        self.queue = CommandQueue()
        self.witness = Witness(halt_file.age)
        self.halt_file = halt_file
        self.files = SimFiles()
        self.boots = 0
        self.deaths: list[str] = []
        self.trader: LaneTrader | None = None
        self.lane: TapedLane | None = None
        self.feed: Feed | None = None
        self.finished = False
        self.resumed = False
        self._make(truth)

    def _make(self, truth: Script) -> None:
        self.venue = SimVenue(self.rng, CASH, self.settings.limits, truth.ends, self.chaos)
        self.venue.journaled = self.witness.fills

    @property
    def name(self) -> str:
        return str(self.chain)

    def step(self, now: Micros) -> Micros | None:
        # A lane whose clock was set ahead plays its ticks faster than time passes.
        reached = max(self._market_time(), self.feed.tick if self.feed else self.start)
        self.chaos.calm = self.chaos.calm or reached - self.start >= CALM_FROM
        try:
            due = self._incarnation().step(now)
        except SimCrashError:
            return self._die("power", now)
        except JournalError as e:
            # Only while starting: a lane that runs tells of it by its phase.
            return self._die(str(e), now)
        lane = self.lane
        if due is not None or lane is None:
            return due
        if lane.snapshot.phase != "finished":
            return self._die(lane.snapshot.error or "failed", now)
        self.finished = True
        return None

    def stop(self, now: Micros, reason: str) -> None:
        pass

    def busy_for(self) -> tuple[str, Duration | None]:
        """Return that nothing takes time here."""
        return self.name, None

    def entries(self) -> list[Entry]:
        """Return the journal as it lies on the disk."""
        return list(self._open(faultless(self.files)).read())

    def lines(self) -> list[bytes]:
        """Return the raw lines of the journal."""
        paths = sorted(path for path in self.files.files if path.suffix == ".jsonl")
        return [
            line for path in paths for line in bytes(self.files.files[path].content).splitlines()
        ]

    def check(self) -> None:
        """Hold what is on the disk against the venue's books and against the promises."""
        entries = self.entries()
        self.witness.restart(entries, strict=True)
        state = fold(entries)
        must(self.trader is not None and state == self.trader.state, "the disk says otherwise")
        check_chain(self.lines())
        check_fills(entries, self.venue)
        check_money(state, self.venue)
        check_healed(state, resumed=self.resumed)

    # -- one life ----------------------------------------------------------------------------

    def _incarnation(self) -> TapedLane:
        if self.lane is None:
            self.boots += 1
            must(self.boots <= RESTARTS_MAX, "restarted too often")
            self.files.faults = {} if self.chaos.calm else Weather(self.chaos)
            self.lane = self._build()
        elif self.chaos.calm and self.files.faults:
            self._calm_down()
        return self.lane

    def _calm_down(self) -> None:
        self.files.faults = {}
        if self.trader is not None:
            self.venue.resolve(self._unresolved(self.trader.state))

    def _build(self) -> TapedLane:
        journal = self._open(self.files)
        entries = list(journal.read())
        self.witness.restart(entries, strict=self.strict)
        state = fold(entries)
        self.venue.advance(self._market_time())
        self.venue.reconnect(self._unresolved(state))
        # The source's time never goes back, also when the clock was ahead in the last life.
        since = max(self._market_time(), entries[-1].at if entries else self.start)
        feed = Feed(self.script, self.start, INTERVAL, self.end, since)
        world = World()
        recording = FaultyJournal(journal, self.chaos, self.witness)
        execution = FaultyExecution(self.venue, self.chaos, self.witness)
        return self._lane(recording, state, feed, world, execution)

    def _lane(
        self,
        journal: Journal,
        state: LaneState,
        feed: Feed,
        world: World,
        execution: Execution,
        redo: RedoJournal | None = None,
    ) -> TapedLane:
        self.feed = feed
        tally = Tally()
        recorder = Recorder(journal, state, self.settings.hash, _checkpoint, [tally.add])
        live = LaneControls(
            self.queue, lambda: trader.state.halted, self.halt_file.read, self.clock
        )
        trader = LaneTrader(
            settings=self.settings,
            data=FaultyMarketData(feed, self.chaos),
            execution=execution,
            recorder=recorder,
            world=world,
            controls=live,
        )
        self.trader = trader
        return TapedLane(
            trader=trader,
            source=feed,
            started=self._started(),
            tally=tally,
            blank=LaneSnapshot(venue=self.chain.venue, lane=self.chain.lane, run=self.chain.run),
            speed=1.0,
            ticks_max=None,
            redoing=lambda: redo is not None and redo.redoing,
            digest=lambda: digest(trader.state),
        )

    def _open(self, files: SimFiles) -> JsonlJournal:
        room = Reserve(Path("/reserve"), 1 << 13, files) if self.strict else None
        return JsonlJournal(
            Path(f"/journal/{self.chain}"),
            self.chain,
            f"boot-{self.boots}" if self.strict else "boot",
            durability="strict" if self.strict else "group",
            reserve=room,
            files=files,
        )

    def _started(self) -> ev.BotStarted:
        return ev.BotStarted(
            mode="paper", instance="sim", version="0", fold=FOLD_VERSION, cash=CASH
        )

    def _market_time(self) -> Micros:
        # However long the lane was away, some calm ticks are left at the end.
        return Micros(self.start + min(LENGTH, self.clock.elapsed()))

    def _unresolved(self, state: LaneState) -> list[str]:
        doubtful = (OrderState.INTENDED, OrderState.UNKNOWN)
        return [order.intent for order in state.orders.values() if order.state in doubtful]

    def _die(self, reason: str, now: Micros) -> Micros:
        """Lose what was not on the disk, if power failed, and come back after a while."""
        self.deaths.append(reason)
        survival: Survival = kept
        names_kept = True
        if reason == "power":
            at = self.rng.randint(0, 400)
            survival = self.rng.choice((kept, lost, torn(at), torn_with_zeros(at)))
            names_kept = self.rng.random() < 0.5
        self.files = self.files.after_crash(survival, names_kept=names_kept)
        self.lane = self.trader = None
        return Micros(now + self.rng.randint(1, 15_000_000))


class SimTape(SimLane):
    """A taped lane: paper execution, a journal in groups, derived again after every death."""

    strict = False

    def _make(self, truth: Script) -> None:
        self.chain = Chain(self.chain.venue, "tape", "run")
        self.seen: list[bytes] = []

    def check(self) -> None:
        """Hold the disk against the state, and the money against itself."""
        state = fold(self.entries())
        must(self.trader is not None and state == self.trader.state, "the disk says otherwise")
        check_chain(self.lines())
        balance = state.cash + state.basis() + state.fees - state.realised - state.rewards
        must(balance == state.deposits, "money appeared or vanished")
        must(not state.anomalies, f"{state.anomalies} facts contradict each other")

    def _calm_down(self) -> None:
        self.files.faults = {}

    def _build(self) -> TapedLane:
        journal = self._open(self.files)
        redo = RedoJournal(iter(list(journal.read())), journal)
        self.witness.restart([], strict=False)
        feed = Feed(self.script, self.start, INTERVAL, self.end, self.start)
        world = World()
        execution = PaperExecution(world, feed.capabilities)
        lane = self._lane(redo, LaneState(), feed, world, execution, redo)
        lane.trader.controls = recorded_first(lane, redo, lane.trader.controls, journal)
        return lane


def _checkpoint(state: LaneState) -> tuple[Any, str]:
    return encode_state(state), digest(state)


def faultless(files: SimFiles) -> SimFiles:
    """Return the same files without their faults, to look at."""
    return files.after_crash(kept, names_kept=True)


@attrs.define(eq=False)
class Exchange(Actor):
    """Lets the venues trade while nobody looks."""

    venues: Sequence[SimVenue]
    rng: Random

    @property
    def name(self) -> str:
        return "exchange"

    def step(self, now: Micros) -> Micros | None:
        for venue in self.venues:
            venue.trade()
        return Micros(now + self.rng.randint(100_000, 3_000_000))

    def stop(self, now: Micros, reason: str) -> None:
        pass


@attrs.define(eq=False)
class Operator(Actor):
    """A person who halts, resumes and flattens without much of a plan, by command or by file."""

    lanes: Sequence[SimLane]
    halt_file: HaltNote
    rng: Random
    busy: bool

    @property
    def name(self) -> str:
        return "operator"

    def step(self, now: Micros) -> Micros | None:
        if all(lane.chaos.calm for lane in self.lanes):
            self.halt_file.remove()
            for lane in self.lanes:
                # With ticks to come: a clock that was set may have made this person late.
                lane.resumed = lane.queue.put(ev.Resume(by="web")) and not lane.finished
            done = all(lane.resumed or lane.finished for lane in self.lanes)
            return None if done else Micros(now + SECOND)
        if self.busy:
            self._act(self.rng.choice(("halt", "resume", "resume", "flatten", "touch", "rm", "")))
        return Micros(now + self.rng.randint(200_000, 12_000_000))

    def stop(self, now: Micros, reason: str) -> None:
        pass

    def _act(self, what: str) -> None:
        match what:
            case "halt" | "flatten":
                self.halt_file.write(f"web: {what}\n")
                self._tell(ev.Halt(by="web", reason=what, flatten=what == "flatten"))
            case "resume":
                self.halt_file.remove()
                self._tell(ev.Resume(by="web"))
            case "touch":
                self.halt_file.write("by hand")
            case "rm":
                self.halt_file.remove()
            case _:
                pass

    def _tell(self, event: ev.Event) -> None:
        for lane in self.lanes:
            lane.queue.put(event)


class Simulation:
    """One seed's world; `run` plays and judges it.

    Args:
        seed: decides everything.
        only: names of the faults that may strike; None lets the seed choose.
        crash_at: crash once at this opportunity, counted from 1; 0 never.
        fail_at: fail the disk once at this opportunity; 0 never.
        lose_at: refuse one fact of those to be written; 0 none.
        operated: whether a person interferes; None lets the seed choose.
        kinds: which lanes there are; none lets the seed choose.

    """

    def __init__(
        self,
        seed: int,
        *,
        only: frozenset[str] | None = None,
        crash_at: int = 0,
        fail_at: int = 0,
        lose_at: int = 0,
        operated: bool | None = None,
        kinds: Sequence[type[SimLane]] = (),
    ) -> None:
        rng = Random(seed)
        start = rng.choice(STARTS)
        self.clock = VirtualClock(start)
        self.scheduler = Scheduler(Random(rng.random()), self.clock)
        self.halt_file = HaltNote(self.clock)
        mixtures = ((SimLane,), (SimLane, SimLane), (SimLane, SimTape), (SimTape,))
        chosen = rng.choice(mixtures)
        self.lanes = [
            kind(
                f"venue{number}",
                Random(rng.random()),
                Chaos(
                    Random(rng.random()),
                    only=only,
                    crash_at=crash_at,
                    fail_at=fail_at,
                    lose_at=lose_at,
                ),
                self.clock,
                self.halt_file,
                start,
            )
            for number, kind in enumerate(kinds or chosen)
        ]
        busy = rng.random() < 0.5 if operated is None else operated
        stalls: list[str] = []
        venues = [lane.venue for lane in self.lanes if lane.strict]
        actors: list[Actor] = [
            *self.lanes,
            Exchange(venues, Random(rng.random())),
            Watchdog(
                [lane.busy_for for lane in self.lanes], lambda name, _: stalls.append(name), print
            ),
        ]
        if operated is not False:
            actors.append(Operator(self.lanes, self.halt_file, Random(rng.random()), busy))
        if rng.random() < 0.3 and only is None:
            actors.append(FaultyClock(self.clock, Random(rng.random()), self._all_done))
        for actor in actors:
            self.scheduler.add(actor)

    def run(self) -> None:
        """Play to the end and check everything.

        Raises:
            AssertionError: if anything that must hold does not.

        """
        self.scheduler.run(self.lanes)
        for lane in self.lanes:
            lane.check()

    def _all_done(self) -> bool:
        return all(lane.finished for lane in self.lanes)
