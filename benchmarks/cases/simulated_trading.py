"""What trading costs in a simulated world: a decision, a tick of many markets, memory, a month.

The lane is the one that `market-bot run` puts together, with every strategy of the package, every
hard limit, and its journal on disk. Processor time leaves out what a busy machine does in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final

import attrs

from benchmarks.measure import against, child, quantile
from benchmarks.rows import AtMost, Row
from benchmarks.setting import Benchmark, Setting
from benchmarks.workloads import trading_settings
from market_bot.adapters.simulated.sim_settings import DAY, SimSettings
from market_bot.bootstrap.discovery import builtin_strategies
from market_bot.bootstrap.run_inputs import SimulatedInputs
from market_bot.bootstrap.taped_lane import Assembled, assemble
from market_bot.config.defaults import default_files
from market_bot.core.domain.numbers import NEVER, SECOND, Duration, Micros, Size, money
from market_bot.core.domain.portfolio import VenueCapabilities
from market_bot.core.domain.settings import ActiveStrategy, LaneSettings
from market_bot.core.domain.signals import Intent, Wanted
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.domain.view import Holdings, View
from market_bot.core.ports.execution import Execution, Fact, Outcome
from market_bot.core.ports.market_data import Capability, MarketData, Sink

_FLAT: Final = AtMost(1.2)
_ACTIVE: Final = 0.05
_MEMORY_MB: Final = 150.0
_MONTH_DAYS: Final = 28
_ONE: Final = ("bias_harvest",)
_SEED: Final = 1
_ROOM: Final = 1_000
"""So much above an operator's limits in dollars, so that orders go on leaving."""

Decide = Callable[[View, object, Holdings], Sequence[Wanted]]


def measure(setting: Setting) -> Iterator[Row]:
    """Yield the rows: a decision, a tick of many markets, the memory of a run, and a month."""
    yield from _decisions(setting)
    yield _per_market(setting)
    yield _memory(setting)
    yield _month(setting)


def _decisions(setting: Setting) -> Iterator[Row]:
    """Yield how long it takes from the first strategy's look at an event to an order."""
    ticks = setting.pick(600, 150, 20)
    every = tuple(builtin_strategies())
    found: dict[tuple[str, ...], _Timed] = {_ONE: _Timed(), every: _Timed()}
    for number in range(setting.rounds):
        for names, timed in found.items():
            lane = _Lane(setting, f"decisions-{len(names)}-{number}", names, markets=200)
            lane.step(ticks)
            lane.close()
            timed.add(lane)
    ours, peer = found[every], found[_ONE]
    counts = f"{len(ours.orders):,} orders, {ours.views:,} looks at events"
    for share, name in ((0.5, "median"), (0.99, "99th percentile")):
        mine, theirs = (quantile(sorted(side.orders), share) for side in (ours, peer))
        yield Row(
            measures=f"decision, {len(every)} strategies, every limit, processor time: {name}",
            ours=mine,
            peer_name="one strategy",
            peer=theirs,
            unit="us",
            ratio=mine / theirs,
            note=f"from the first strategy's look to the order, its intent written; {counts}",
        )
    yield Row(
        measures=f"look at an event, {len(every)} strategies, processor time: mean",
        ours=ours.per_view,
        peer_name="one strategy",
        peer=peer.per_view,
        unit="us",
        ratio=ours.per_view / peer.per_view,
        note="all a tick does after its data: view, exits, strategies, limits, answers, journal",
    )


def _per_market(setting: Setting) -> Row:
    """Return how a tick of many markets compares, per market, with one of fewer."""
    small, large = setting.pick(1_000, 1_000, 40), setting.pick(10_000, 5_000, 200)
    ticks = setting.pick(40, 15, 2)
    every = tuple(builtin_strategies())
    found: dict[int, list[float]] = {small: [], large: []}
    for number in range(setting.rounds):
        for markets in (small, large) if number % 2 else (large, small):
            lane = _Lane(setting, f"markets-{markets}-{number}", every, markets)
            lane.step(2)
            began = time.thread_time()
            lane.step(ticks)
            found[markets].append((time.thread_time() - began) * 1000 / ticks)
            lane.close()
    one, ten = median(found[small]), median(found[large])
    return Row(
        measures=f"one tick of {large:,} simulated markets, traded, per market: processor time",
        ours=ten / large * 1000,
        peer_name=f"{small:,} markets",
        peer=one / small * 1000,
        unit="us",
        ratio=median(
            (b / large) / (a / small) for a, b in zip(found[small], found[large], strict=True)
        ),
        goal=_FLAT,
        note=f"{ten:,.1f} ms and {one:,.1f} ms a tick; {_ACTIVE:.0%} of the markets active each",
    )


def _memory(setting: Setting) -> Row:
    """Return the most memory of a whole bot with its page in a process of its own."""
    markets, ticks = setting.pick(1_000, 1_000, 40), setting.pick(720, 120, 5)
    home = setting.folder / "memory-home"
    (home / "config").mkdir(parents=True)
    text = default_files()["simulated.yaml"].decode()
    assert "  markets: 60\n" in text
    place = home / "config" / "simulated.yaml"
    place.write_text(text.replace("  markets: 60\n", f"  markets: {markets}\n"), encoding="utf-8")
    place.chmod(0o600)
    program = (
        "import sys, io, contextlib; from market_bot.bootstrap.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    assert not main(['run', '--home', sys.argv[1], '--ticks', sys.argv[2],"
        " '--speed', '0', '--port', '0'])\n"
    )
    found = child(program, str(home), str(ticks))
    return against(
        f"running bot, {markets:,} simulated markets and the page: most memory",
        found.rss_mb,
        _MEMORY_MB,
        "MB",
        f"{ticks} ticks of five seconds in a process of its own, {found.worked:.0f} s of work",
    )


def _month(setting: Setting) -> Row:
    """Return how long a month takes; two days of it are traded unless all are asked for."""
    asked = _MONTH_DAYS if setting.soak else 2
    traded = setting.pick(asked, 1, 1)
    markets = setting.pick(200, 200, 10)
    every = tuple(builtin_strategies())
    lane = _Lane(setting, "month", every, markets, interval=60, days=traded)
    began, worked = time.perf_counter(), time.process_time()
    ticks = lane.step(2**40)
    factor = _MONTH_DAYS / traded
    taken = (time.perf_counter() - began) * factor
    worked = (time.process_time() - worked) * factor
    lane.close()
    note = f"{ticks:,} ticks, {worked:,.0f} s of it on the processor"
    if traded != _MONTH_DAYS:
        note += f"; {traded} days were traded and counted {factor:g} times, `--soak` trades all"
    return Row(
        measures=f"{_MONTH_DAYS} days of {markets} simulated markets traded, a tick a minute",
        ours=taken,
        unit="s",
        note=note,
    )


class _Lane:
    """The lane of a run in a simulated world, with clocks between its parts."""

    def __init__(
        self,
        setting: Setting,
        name: str,
        strategies: Sequence[str],
        markets: int,
        *,
        interval: int = 1,
        days: int = 1,
    ) -> None:
        world = SimSettings(
            markets=markets,
            rate=_ACTIVE,
            interval=Duration(interval * SECOND),
            lasts=Duration(days * DAY),
        )
        settings = _settings(setting, strategies, self._note)
        inputs = SimulatedInputs(settings=settings, world=world, seed=_SEED)
        place = setting.folder / "lanes" / name
        self._assembled = _assembled(inputs, place)
        trader = self._assembled.lane.trader
        self._data = _TimedData(trader.data)
        self._desk = _TimedDesk(trader.execution, self._ordered)
        trader.data, trader.execution = self._data, self._desk
        self._asked = 0
        self.orders: list[float] = []
        self.views = 0
        self.worked_us = 0.0

    def step(self, ticks: int) -> int:
        """Trade so many ticks, or to the end of the world; return how many there were."""
        lane, done = self._assembled.lane, 0
        drained, began = self._data.spent, time.thread_time_ns()
        while done < ticks and lane.step(NEVER) is not None:
            done += 1
        spent = time.thread_time_ns() - began - (self._data.spent - drained)
        self.worked_us += spent / 1000
        return done

    def _ordered(self) -> None:
        """Note that the first order of an event is about to leave."""
        if self._asked:
            self.orders.append((time.thread_time_ns() - self._asked) / 1000)
            self._asked = 0

    def close(self) -> None:
        """Let the journal go."""
        self._assembled.close()

    def _note(self, _view: View, _params: object, _holdings: Holdings) -> Sequence[Wanted]:
        self.views += 1
        self._asked = time.thread_time_ns()
        return ()


@attrs.define
class _Timed:
    """What several runs of one side found."""

    orders: list[float] = attrs.field(factory=list)
    views: int = 0
    worked_us: float = 0.0

    @property
    def per_view(self) -> float:
        return self.worked_us / self.views

    def add(self, lane: _Lane) -> None:
        self.orders += lane.orders
        self.views += lane.views
        self.worked_us += lane.worked_us


class _TimedData(MarketData):
    """Passes everything on, and counts what the world takes."""

    def __init__(self, inner: MarketData) -> None:
        self._inner = inner
        self.spent = 0

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._inner.capabilities

    def drain(self, sink: Sink, until: Micros) -> str:
        began = time.thread_time_ns()
        try:
            return self._inner.drain(sink, until)
        finally:
            self.spent += time.thread_time_ns() - began


class _TimedDesk(Execution):
    """Passes everything on, and tells of every order before it leaves."""

    def __init__(self, inner: Execution, tell: Callable[[], None]) -> None:
        self._inner = inner
        self._tell = tell

    @property
    def abilities(self) -> VenueCapabilities:
        return self._inner.abilities

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        self._tell()
        return self._inner.submit(intent, at)

    def cancel(self, intent: str, at: Micros) -> None:
        self._inner.cancel(intent, at)

    def merge(self, merge: str, market: str, size: Size, at: Micros) -> None:
        self._inner.merge(merge, market, size, at)

    def collect(self, at: Micros) -> Sequence[Fact]:
        return self._inner.collect(at)


def _assembled(inputs: SimulatedInputs, place: Path) -> Assembled:
    return assemble(inputs, place, fresh=True, controls=lambda _: lambda: ())


def _settings(setting: Setting, names: Sequence[str], note: Decide) -> LaneSettings:
    """Return an operator's settings, with a clock in front of the strategies and room to trade."""
    known = builtin_strategies()
    clock = Strategy(name="clock", summary="Notes when it is asked.", params=object, decide=note)
    settings = trading_settings(setting, "simulated")
    roomy = {
        name: limit * _ROOM if name.endswith("_usd") or name == "max_open_orders" else limit
        for name, limit in settings.limits.items()
    }
    return attrs.evolve(
        settings,
        hash="bench",
        cash=money("100000"),
        limits={**roomy, "max_order_usd": settings.limits["max_order_usd"]},
        strategies=(
            ActiveStrategy(strategy=clock, params=None),
            *(ActiveStrategy(strategy=known[name], params=known[name].params()) for name in names),
        ),
    )


benchmark = Benchmark(
    name="simulated_trading",
    summary="the whole lane in a simulated world: decisions, many markets, memory, a month",
    measure=measure,
)
