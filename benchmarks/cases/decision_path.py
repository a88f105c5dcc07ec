"""How long a decision takes: from a changed book to an order's line in the operating system.

A change arrives in one of 500 markets; the lane takes it, shows the strategy the event, sizes the
signal, passes every filter and limit, and writes the intent. The clock stops when the order would
be sent. The floor does the least that can be called the same, with bare structs.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs
import msgspec

from benchmarks.measure import quantile
from benchmarks.rows import AtMost, Row
from benchmarks.setting import Benchmark, Setting
from benchmarks.workloads import trading_settings
from market_bot.adapters.storage.journal import JsonlJournal
from market_bot.bootstrap.taped_lane import snapshot_of
from market_bot.core.domain import events as ev
from market_bot.core.domain.book import Side
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.market import Leg, Market
from market_bot.core.domain.numbers import (
    ONE_CONTRACT,
    SECOND,
    Duration,
    Micros,
    Price,
    Probability,
    Size,
    money,
    parse_time,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.settings import ActiveStrategy, Cooldown, LaneSettings
from market_bot.core.domain.signals import Intent, Signal
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.domain.view import Holdings, View
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Execution, Fact, Outcome, Rejected
from market_bot.core.ports.journal import Chain
from market_bot.core.ports.market_data import Capability, MarketData, Sink
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.trade_lane import LaneTrader

_MARKETS: Final = 500
_BEGIN: Final = parse_time("2026-11-02T00:00:00Z")
_STEP: Final = 2_100_000
"""Below thirty orders a minute, and a market's next turn after the pause of a refused wish."""
_FLOOR_GOAL: Final = AtMost(3.0)
_WORST_US: Final = 100.0
_SOAK_S: Final = 600.0

Clock = Callable[[], int]
"""Returns nanoseconds."""


def measure(setting: Setting) -> Iterator[Row]:
    """Yield the rows: against the floor, per policy of garbage collection, and the long one."""
    count = setting.pick(20_000, 5_000, 50)
    for clock, worked in ((time.perf_counter_ns, False), (time.thread_time_ns, True)):
        ours: list[float] = []
        whole: list[float] = []
        bare: list[float] = []
        for number in range(setting.rounds):
            name = f"{clock.__name__}-{number}"
            latencies, ticks = _decisions(setting, name, count, _leave_alone, clock)
            ours += latencies
            whole += ticks
            bare += _floor(setting.folder / f"floor-{name}.jsonl", count, clock)
        rows = _on_the_processor if worked else _rows
        yield from rows(sorted(ours), sorted(whole), sorted(bare))
    yield from _collector_rows(setting, count)
    yield _soak(setting)


def _collector_rows(setting: Setting, count: int) -> Iterator[Row]:
    """Yield what garbage collection costs; processor time, so that only the policy differs."""
    policies: dict[str, Callable[[], object]] = {
        "as Python starts it": _leave_alone,
        "gc.freeze after start": gc.freeze,
        "gc off": gc.disable,
    }
    found: dict[str, list[float]] = {name: [] for name in policies}
    for number in range(setting.rounds):
        for name, policy in policies.items():
            place = f"{policy.__name__.strip('_')}-{number}"
            found[name] += _decisions(setting, place, count, policy, time.thread_time_ns)[0]
    peer, *others = (sorted(values) for values in found.values())
    for name, ordered in zip(list(policies)[1:], others, strict=True):
        mine, theirs = quantile(ordered, 0.999), quantile(peer, 0.999)
        yield Row(
            measures=f"decision, processor time, {name}: 99.9th percentile",
            ours=mine,
            peer_name="as Python starts it",
            peer=theirs,
            unit="us",
            ratio=mine / theirs,
            note=f"the longest took {ordered[-1]:,.0f} us, the peer's {peer[-1]:,.0f} us",
        )


def _rows(ours: Sequence[float], whole: Sequence[float], bare: Sequence[float]) -> Iterator[Row]:
    for share, name, goal in ((0.5, "median", None), (0.99, "99th percentile", _FLOOR_GOAL)):
        mine, theirs = quantile(ours, share), quantile(bare, share)
        yield Row(
            measures=f"decision, {_MARKETS} markets: {name}",
            ours=mine,
            peer_name="bare structs",
            peer=theirs,
            unit="us",
            ratio=mine / theirs,
            goal=goal,
            note="signal and intent lines, hash-chained; the floor writes one line without hash",
        )
    yield _worst(f"decision, {_MARKETS} markets: 99.9th percentile", ours, len(ours))
    yield Row(
        measures="whole tick of such a decision: median",
        ours=quantile(whole, 0.5),
        peer_name="bare structs",
        peer=quantile(bare, 0.5),
        unit="us",
        ratio=quantile(whole, 0.5) / quantile(bare, 0.5),
        note="and the answer, its fold, and the tick's scan line",
    )


def _on_the_processor(
    ours: Sequence[float], _whole: Sequence[float], bare: Sequence[float]
) -> Iterator[Row]:
    """Yield what is left when a busy machine's interruptions are not counted; nobody's goal."""
    for share, name in ((0.5, "median"), (0.99, "99th percentile"), (0.999, "99.9th percentile")):
        mine, theirs = quantile(ours, share), quantile(bare, share)
        yield Row(
            measures=f"decision, processor time: {name}",
            ours=mine,
            peer_name="bare structs",
            peer=theirs,
            unit="us",
            ratio=mine / theirs,
        )


def _worst(measures: str, ordered: Sequence[float], count: int) -> Row:
    value = quantile(ordered, 0.999)
    return Row(
        measures=measures,
        ours=value,
        peer_name="limit",
        peer=_WORST_US,
        unit="us",
        ratio=value / _WORST_US,
        goal=AtMost(1.0),
        note=f"{count:,} decisions; the longest took {ordered[-1]:,.0f} us",
    )


def _soak(setting: Setting) -> Row:
    seconds = _SOAK_S if setting.soak else setting.pick(20.0, 5.0, 0.05)
    lane = _Lane(setting, "soak")
    ordered: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ordered += lane.decide(200)[0]
    lane.close()
    ordered.sort()
    row = _worst(f"decisions for {seconds:g} s: 99.9th percentile", ordered, len(ordered))
    if setting.soak:
        return row
    return attrs.evolve(row, note=f"{row.note}; `--soak` runs ten minutes")


def _leave_alone() -> None:
    """Keep the collector as Python starts it."""


def _decisions(
    setting: Setting, name: str, count: int, policy: Callable[[], object], clock: Clock
) -> tuple[list[float], list[float]]:
    lane = _Lane(setting, name, clock)
    lane.decide(min(count, 1000))
    gc.collect()
    policy()
    try:
        return lane.decide(count)
    finally:
        gc.enable()
        gc.unfreeze()
        lane.close()


class _Lane:
    """A whole lane on a journal on disk, fed one change per tick."""

    def __init__(self, setting: Setting, name: str, clock: Clock = time.perf_counter_ns) -> None:
        self._clock = clock
        chain = Chain("simulated", "paper", name)
        folder = setting.folder / "decisions" / name
        self._journal = JsonlJournal(folder, chain, boot="bench", durability="group")
        settings = _always_wanting(trading_settings(setting, "simulated"))
        world = World()
        for number in range(_MARKETS):
            at = Price(500_000)
            market = Market(
                venue="simulated", id=f"M-{number}", event=f"E-{number}", family=f"F-{number % 20}"
            )
            world.meta(market, _BEGIN)
            levels = {Price(at - 10_000 * step): Size(50 * ONE_CONTRACT) for step in range(1, 30)}
            asks = {Price(1_000_000 - price): size for price, size in levels.items()}
            world.book(market.id, levels, asks, _BEGIN, None)
        recorder = Recorder(
            journal=self._journal, state=LaneState(), config=settings.hash, snapshot=snapshot_of
        )
        self._data = OneChange()
        self._desk = StoppingDesk(clock)
        self._trader = LaneTrader(
            settings=settings,
            data=self._data,
            execution=self._desk,
            recorder=recorder,
            world=world,
            controls=lambda: (),
            commit_ticks=1 << 60,
        )
        started = ev.BotStarted(
            mode="paper", instance="bench", version="0", fold=FOLD_VERSION, cash=settings.cash
        )
        self._trader.start(started, _BEGIN)
        world.touched.clear()
        self._now = int(_BEGIN)

    def decide(self, count: int) -> tuple[list[float], list[float]]:
        """Decide so often; return microseconds to the intent, and to the end of the tick."""
        decided: list[float] = []
        whole: list[float] = []
        clock = self._clock
        for _ in range(count):
            self._now += _STEP
            before = self._desk.orders
            began = clock()
            self._trader.tick(Micros(self._now))
            ended = clock()
            assert self._desk.orders == before + 1, "every tick must lead to one order"
            decided.append((self._desk.stopped - began) / 1000)
            whole.append((ended - began) / 1000)
        return decided, whole

    def close(self) -> None:
        """Let the journal go."""
        self._journal.close()


class OneChange(MarketData):
    """One changed level in one market per drain, market after market."""

    def __init__(self) -> None:
        self._number = 0

    @property
    def capabilities(self) -> frozenset[Capability]:
        return frozenset({Capability.L2_STREAM, Capability.PRINTS})

    def drain(self, sink: Sink, until: Micros) -> str:
        self._number += 1
        market = f"M-{self._number % _MARKETS}"
        # The best bid comes and goes, so that every look sees another price.
        size = Size(0 if self._number // _MARKETS % 2 else 10 * ONE_CONTRACT)
        sink.delta(market, Side.BID, Price(490_000), size, until, None)
        return f"0:{self._number}"


class StoppingDesk(Execution):
    """Stops the clock when an order arrives, and refuses it, so that nothing accumulates."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.stopped = 0
        self.orders = 0

    def submit(self, intent: Intent, at: Micros) -> Outcome:  # noqa: ARG002 - the moment counts, not the order
        self.stopped = self._clock()
        self.orders += 1
        return Rejected("bench")

    def cancel(self, intent: str, at: Micros) -> None:
        """Nothing ever rests here."""

    def merge(self, merge: str, market: str, size: Size, at: Micros) -> None:
        """Nothing is ever held here."""

    def collect(self, at: Micros) -> Sequence[Fact]:  # noqa: ARG002 - nothing ever happens here
        return ()


def _want(view: View, _params: object, _holdings: Holdings) -> Sequence[Signal]:
    seen = view.markets[0]
    assert seen.bid is not None
    wish = Signal(
        market=seen.market.id,
        leg=Leg.YES,
        purpose=Purpose.ENTRY,
        style=Style.MAKER,
        price=seen.bid,
        belief=Probability(seen.bid + 60_000),
        edge=Price(60_000),
        cost=Price(0),
        patience=Duration(10 * SECOND),
        reason="bench",
    )
    return (wish,)


def _always_wanting(settings: LaneSettings) -> LaneSettings:
    strategy = Strategy(name="want", summary="Wants every bid.", params=object, decide=_want)
    filters = attrs.evolve(settings.filters, max_spread=Price(200_000))
    return attrs.evolve(
        settings,
        strategies=(ActiveStrategy(strategy=strategy, params=None),),
        cooldown=Cooldown(),
        filters=filters,
        cash=money("100000"),
    )


class _Seen(msgspec.Struct, frozen=True, gc=False):
    market: str
    bid: int
    ask: int
    at: int


class _Line(msgspec.Struct, frozen=True, gc=False):
    seq: int
    ts: int
    type: str
    market: str
    leg: str
    price: int
    size: int
    belief: int
    edge: int
    bid: int
    ask: int
    reason: str


def _floor(path: Path, count: int, clock: Clock) -> list[float]:
    """Return microseconds per decision of bare structs: look, want, two limits, line, write."""
    encode = msgspec.json.Encoder().encode
    bids = {f"M-{n}": {490_000 - 10_000 * s: 50 for s in range(29)} for n in range(_MARKETS)}
    names = list(bids)
    exposure: dict[str, int] = {}
    taken: list[float] = []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for number in range(count):
            began = clock()
            market = names[number % _MARKETS]
            book = bids[market]
            book[490_000] = number & 15
            seen = _Seen(market, max(book), 510_000, number)
            size = 24_000_000 // seen.bid
            if seen.bid * size <= 25_000_000 and exposure.get(market, 0) <= 50_000_000:
                line = _Line(
                    number, number, "order_intent", market, "yes", seen.bid, size,
                    seen.bid + 60_000, 60_000, seen.bid, seen.ask, "bench",
                )  # fmt: skip
                os.write(descriptor, encode(line) + b"\n")
            taken.append((clock() - began) / 1000)
    finally:
        os.close(descriptor)
    return taken


benchmark = Benchmark(
    name="decision_path",
    summary="a changed book to an order's line handed to the operating system",
    measure=measure,
)
