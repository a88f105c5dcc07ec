"""Replay: any number of variants of a lane in one pass over the same data.

The data is read and the books are built once. Every variant is an ordinary `LaneTrader` with a seat
of its own in the shared world, a desk of its own, and a journal that only counts; it decides,
is judged and is filled exactly as if it were alone. What several variants would compute alike,
their views and what a strategy makes of them, is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.numbers import HOUR, NEVER, NO_MONEY, Micros, Money, utc_date
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.replay_ledger import ReplayLedger
from market_bot.core.domain.replay_result import (
    CURVE_POINTS,
    Coverage,
    CurvePoint,
    SettingChange,
    VariantResult,
)
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.view import Views
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Execution
from market_bot.core.ports.market_data import Capability, MarketData
from market_bot.core.usecases.lane_actor import TickSource
from market_bot.core.usecases.record_facts import Observer, Recorder
from market_bot.core.usecases.shared_decisions import SharedStrategies, WantedEvents
from market_bot.core.usecases.shared_world import CountingJournal, DrainedData
from market_bot.core.usecases.trade_lane import LaneTrader

_SIZED: Final = frozenset({Capability.L2_STREAM, Capability.L2_POLLED, Capability.TOP_OF_BOOK})
# Where makers can be filled: whole books and everything that printed.
_MAKER: Final = frozenset({Capability.L2_STREAM, Capability.PRINTS})
_DAY: Final = 24 * HOUR
# Facts between two looks at how far the files were read.
_TELL_EVERY: Final = 20_000


@attrs.frozen(kw_only=True)
class Plan:
    """One variant under one fill model, before it is replayed."""

    name: str
    model: str
    settings: LaneSettings
    changes: tuple[SettingChange, ...] = ()


DeskFor = Callable[[World, Plan], Execution]
"""Makes the desk of one variant in a world."""


@attrs.define(eq=False)
class ReplayLane:
    """One variant on its way through the data, and what is measured of it."""

    plan: Plan
    trader: LaneTrader
    ledger: ReplayLedger
    wanted: WantedEvents
    curve: list[CurvePoint] = attrs.field(factory=list, init=False)
    max_drawdown: Money = attrs.field(default=NO_MONEY, init=False)
    max_exposure: Money = attrs.field(default=NO_MONEY, init=False)
    _peak: Money = attrs.field(default=NO_MONEY, init=False)
    _fall: Money = attrs.field(default=NO_MONEY, init=False)
    _changes: int = attrs.field(default=0, init=False)

    def start(self, at: Micros, capabilities: Sequence[str]) -> None:
        """Open the lane with its money."""
        settings = self.plan.settings
        opening = ev.BotStarted(
            mode="paper",
            # The same for all, so that lanes that do the same have the same orders.
            instance="replay",
            version="",
            fold=FOLD_VERSION,
            capabilities=tuple(capabilities),
            cash=settings.cash,
            config=settings.text,
        )
        self.trader.start(opening, at)
        self._peak = settings.cash

    def tick(self, number: int, now: Micros) -> None:
        """Trade one tick, or pass over it if nothing would come of it."""
        trader = self.trader
        if trader.passes_over(now, self.wanted.at(number, now, trader.state.cash)):
            trader.ticks += 1
            return
        trader.tick(now)
        equity = trader.equity()
        if equity > self._peak:
            self._peak = equity
        elif self._peak - equity > self._fall:
            self._fall = Money(self._peak - equity)
            self.max_drawdown = max(self.max_drawdown, self._fall)
        changes = trader.recorder.changes
        if changes != self._changes:
            self._changes = changes
            self.max_exposure = max(self.max_exposure, trader.exposure().total)

    def draw(self, at: Micros) -> None:
        """Add a point to the curve."""
        equity = self.trader.equity()
        fall, self._fall = max(self._fall, Money(self._peak - equity)), NO_MONEY
        self.max_drawdown = max(self.max_drawdown, fall)
        self.curve.append(CurvePoint(at, equity, fall))

    def thin(self) -> None:
        """Leave every other point out of the curve, but no fall."""
        odd = len(self.curve) % 2
        pairs = zip(self.curve[odd::2], self.curve[odd + 1 :: 2], strict=True)
        self.curve[odd:] = [attrs.evolve(b, fall=max(a.fall, b.fall)) for a, b in pairs]

    def result(self) -> VariantResult:
        """Return what the variant did so far."""
        self.ledger.close()
        plan, state, ledger = self.plan, self.trader.state, self.ledger
        equity = self.trader.equity()
        return VariantResult(
            name=plan.name,
            settings=plan.changes,
            model=plan.model,
            config=plan.settings.hash,
            decisions=dict(sorted(ledger.decisions.items())),
            entries=ledger.orders[Purpose.ENTRY],
            exits=ledger.orders[Purpose.EXIT],
            fills=ledger.fills,
            denials=dict(sorted(ledger.denials.items())),
            trades=ledger.trades(),
            deposits=state.deposits,
            pnl=Money(equity - state.deposits),
            realised=state.realised,
            fees=state.fees,
            rewards=state.rewards,
            per_event=dict(sorted(ledger.per_event.items())),
            per_day={day: dict(sorted(of.items())) for day, of in sorted(ledger.per_day.items())},
            max_drawdown=self.max_drawdown,
            curve=tuple(self.curve),
            forecasts=ledger.forecasts(),
            still_open=len(state.positions),
            open_value=Money(equity - state.cash),
            max_exposure=self.max_exposure,
            anomalies=state.anomalies,
        )


@attrs.define(eq=False)
class Replay:
    """Several variants on their way through the same data, tick by tick.

    Args:
        world: where the data goes; nobody else feeds it.
        data: the data.
        source: says when the ticks are.
        lanes: the variants; each has its seat in ``world``.

    """

    world: World
    data: MarketData
    source: TickSource
    lanes: Sequence[ReplayLane]
    shared: DrainedData
    ticks: int = attrs.field(default=0, init=False)
    began: Micros | None = attrs.field(default=None, init=False)
    now: Micros = attrs.field(default=NEVER, init=False)
    complete: bool = attrs.field(default=False, init=False)
    resolved: int = attrs.field(default=0, init=False)
    events: dict[str, None] = attrs.field(factory=dict, init=False)
    days: dict[str, None] = attrs.field(factory=dict, init=False)
    _curve_every: int = attrs.field(default=1, init=False)
    _day_ends: Micros = attrs.field(default=NEVER, init=False)
    _drawn: int = attrs.field(default=0, init=False)

    def step(self) -> bool:
        """Take the next tick with every variant; tell whether there was one.

        Raises:
            MarketDataError: if the data cannot be read; what came before is traded.

        """
        at = self.source.next_tick()
        if at is None:
            self.complete = True
            self._draw_end()
            return False
        if self.began is None:
            self._begin(at)
        self.ticks += 1
        self.now = at
        if at >= self._day_ends:  # time never runs back here
            self.days[utc_date(at)] = None
            self._day_ends = Micros((at // _DAY + 1) * _DAY)
        self.shared.position = self.data.drain(self.world, at)
        self._look()
        for lane in self.lanes:
            lane.tick(self.ticks, at)
        if self.ticks % self._curve_every == 0:
            self._draw(at)
            self._drawn = self.ticks
        return True

    def run(
        self,
        *,
        stop: Callable[[], bool] = lambda: False,
        tell: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Take every tick there is, or until somebody wants to stop.

        Args:
            stop: asked before every tick.
            tell: told now and then which part of the data was played, from 0 to 1.

        Raises:
            MarketDataError: as `step`.

        """
        told = 0
        try:
            while not stop() and self.step():
                if self.world.facts - told >= _TELL_EVERY:
                    told = self.world.facts
                    tell(self.source.span())
        finally:
            self._draw_end()
        tell(self.source.span())

    def coverage(self) -> Coverage:
        """Return what the data held so far."""
        claims = self.data.capabilities
        world = self.world
        return Coverage(
            capabilities=tuple(sorted(claim.value for claim in claims)),
            takers=not _SIZED.isdisjoint(claims),
            makers=claims >= _MAKER,
            markets=world.announced,
            events=len(self.events),
            resolved=self.resolved,
            unknown_close=world.unknown_close,
            gaps=world.gaps,
            ignored=world.ignored,
            days=tuple(self.days),
        )

    def _begin(self, at: Micros) -> None:
        self.began = at
        claims = sorted(claim.value for claim in self.data.capabilities)
        for lane in self.lanes:
            lane.start(at, claims)

    def _look(self) -> None:
        """Count what is new before the lanes take it."""
        world = self.world
        self.resolved += len(world.resolutions)
        self.events.update(world.touched)
        world.tell_seats()

    def _draw(self, at: Micros) -> None:
        for lane in self.lanes:
            lane.draw(at)
        if self.lanes and len(self.lanes[0].curve) >= CURVE_POINTS:
            # Every other point is enough from here on: a curve never has more than its limit.
            self._curve_every *= 2
            for lane in self.lanes:
                lane.thin()

    def _draw_end(self) -> None:
        """See to it that every curve goes up to the last tick, and all to the same one."""
        if self._drawn != self.ticks:
            self._drawn = self.ticks
            for lane in self.lanes:
                lane.draw(self.now)


def plan_replay(
    plans: Sequence[Plan],
    data: MarketData,
    source: TickSource,
    desk: DeskFor,
    *,
    observe: Sequence[Observer] = (),
) -> Replay:
    """Return a replay of all plans, at the beginning of the data.

    Args:
        plans: the variants, in the order in which they trade within a tick.
        data: where market facts come from.
        source: says when the ticks are.
        desk: makes the desk of each variant.
        observe: told of every fact of the first variant.

    """
    world = World()
    views, shared = Views(world), DrainedData(data)
    strategies = SharedStrategies(views)
    lanes = []
    for number, plan in enumerate(plans):
        recorder = Recorder(
            journal=CountingJournal(),
            state=LaneState(),
            config=plan.settings.hash,
            snapshot=lambda _: ({}, ""),
        )
        settings, wanted = strategies.share(plan.settings)
        trader = LaneTrader(
            settings=settings,
            data=shared,
            execution=desk(world, plan),
            recorder=recorder,
            world=world,
            controls=tuple,
            commit_ticks=1 << 30,
            views=views,
            marks=None,
        )
        ledger = ReplayLedger(_state_of(recorder), world.sell_price)
        recorder.observers.append(ledger.add)
        if number == 0:
            recorder.observers.extend(observe)
        lanes.append(ReplayLane(plan, trader, ledger, wanted))
    return Replay(world, data, source, lanes, shared)


def _state_of(recorder: Recorder) -> Callable[[], LaneState]:
    return lambda: recorder.state
