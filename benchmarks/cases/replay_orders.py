"""The same replay with an order for every hundred changes: sent, cancelled, filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Final

import attrs

from benchmarks.nautilus import ABSENT, NAME, engines, quotients, write_events
from benchmarks.replays import cached, ran
from benchmarks.rows import AtLeast, AtMost, Row
from benchmarks.setting import Benchmark, Setting
from benchmarks.workloads import SECOND, idle_settings, kalshi_log, tape_of, trading_settings
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.adapters.storage.tape_writer import TapeWriter
from market_bot.core.domain.book import Side
from market_bot.core.domain.fills.terms import FillTerms
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    HOUR,
    ONE_CONTRACT,
    Duration,
    Micros,
    Money,
    Price,
    Probability,
    Size,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.settings import ActiveStrategy, Cooldown, Filters, LaneSettings
from market_bot.core.domain.signals import Signal, Wanted, Withdraw
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.domain.view import Holdings, View

EVERY: Final = 100
_ENOUGH: Final = 10**24
_NOTE: Final = "processor time of the run; orders travel in no time on either side"


def renew(view: View, _params: object, _holdings: Holdings) -> Iterator[Wanted]:
    """Cancel the order before, and bid ten contracts at the best bid."""
    seen = view.markets[0]
    market = seen.market.id
    # Also where nothing rests any more: a wish that is withdrawn starts anew, without its pauses.
    yield Withdraw(market=market, leg=Leg.YES, purpose=Purpose.ENTRY)
    if seen.bid is not None:
        yield Signal(
            market=market,
            leg=Leg.YES,
            purpose=Purpose.ENTRY,
            style=Style.MAKER,
            price=seen.bid,
            belief=Probability(seen.bid),
            edge=Price(0),
            cost=Price(0),
            patience=Duration(HOUR),
            reason="measured",
            size=Size(10 * ONE_CONTRACT),
        )


RENEW: Final = Strategy(name="renew", summary="Bids anew.", params=object, decide=renew)


def measure(setting: Setting) -> Iterator[Row]:
    """Yield changes a second against every engine found, and what one order costs."""
    log = kalshi_log(setting)
    tape = tape_of(setting, log)
    events = setting.folder / "events.txt"
    changes = write_events(tape, events)
    ticked = _ticked(setting, tape)
    columns = cached(setting, ticked)
    idle = idle_settings(setting, log.venue)
    busy = order_settings(setting, log.venue)
    found = engines(events)
    taken: dict[str, list[float]] = {name: [] for name in ("ours", "idle", *found)}
    each: dict[str, list[float]] = {name: [] for name in ("ours", *found)}
    results, ticks = [], 0
    for _ in range(setting.rounds):
        taken["idle"].append(ran(columns, idle, SECOND).seconds)
        done = ran(columns, busy, SECOND)
        taken["ours"].append(done.seconds)
        results.append(done.replay.lanes[0].result())
        ticks = done.replay.ticks
        each["ours"].append((done.seconds - taken["idle"][-1]) / max(1, results[-1].entries))
        for name, engine in found.items():
            without, run = engine.run(events, 0), engine.run(events, EVERY)
            assert without is not None, name
            assert run is not None, name
            taken[name].append(run.worked_s)
            each[name].append((run.worked_s - without.worked_s) / max(1, run.orders))
    result = results[0]
    assert all(other == result for other in results), "the same replay gave different results"
    assert result.entries > ticks // 2, result.denials
    what = f"{log.name}: {changes:,} changes, {result.entries:,} orders, {result.fills:,} fills"
    best = min(found, key=lambda name: median(taken[name]), default=None)
    for peer in found:
        yield Row(
            measures=what,
            ours=changes / median(taken["ours"]) / 1000,
            peer_name=peer,
            peer=changes / median(taken[peer]) / 1000,
            unit="k changes/s",
            ratio=quotients(taken["ours"], taken[peer]),
            goal=AtLeast(10) if peer == best else None,
            note=_NOTE,
        )
        yield Row(
            measures="each order: sent, cancelled, filled",
            ours=median(each["ours"]) * 1e6,
            peer_name=peer,
            peer=median(each[peer]) * 1e6,
            unit="us",
            ratio=quotients(each[peer], each["ours"]),
            note="what the run takes longer than with an idle strategy, by its orders",
        )
    if not found:
        yield Row(measures=f"{what}, beside it", peer_name=NAME, skipped=ABSENT)
    yield Row(
        measures="each order: sent, cancelled, filled",
        ours=median(each["ours"]) * 1e6,
        peer_name="limit",
        peer=30.0,
        unit="us",
        ratio=median(each["ours"]) * 1e6 / 30.0,
        goal=AtMost(1),
        note=f"{result.entries:,} orders; from the tick's data to the last fill folded",
    )


def order_settings(setting: Setting, venue: str) -> LaneSettings:
    """Return settings that ask every limit and are refused by none."""
    usual = trading_settings(setting, venue)
    return attrs.evolve(
        usual,
        strategies=(ActiveStrategy(strategy=RENEW, params=None),),
        hash="orders",
        cash=Money(_ENOUGH),
        limits=_wide(usual.limits),
        filters=Filters(),
        cooldown=Cooldown(),
        fills=FillTerms(),
    )


def _wide(limits: Mapping[str, int]) -> dict[str, int]:
    return dict.fromkeys(limits, _ENOUGH)


def _ticked(setting: Setting, tape: Path) -> Path:
    """Return the same tape with a tick after every hundred changes."""
    path = setting.folder / "ticked.tape.zst"
    if not path.exists():
        header = TapeReader(tape).header
        with _Ticking(path, header.venue, header.source, header.capabilities, ticks=True) as writer:
            TapeReader(tape).play(writer)
    return path


class _Ticking(TapeWriter):
    """Writes a tick after so many changes."""

    _changes = 0

    def delta(
        self,
        market: str,
        side: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        super().delta(market, side, price, size, received, exchange)
        self._changes += 1
        if self._changes % EVERY == 0:
            self.tick(received)


benchmark = Benchmark(
    name="replay_orders",
    summary="recorded changes of books through a whole replay, an order for every hundred",
    measure=measure,
)
