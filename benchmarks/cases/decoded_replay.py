"""Replaying changes that are decoded already: books and an idle strategy, beside a bare loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from benchmarks.measure import Side, interleave
from benchmarks.rows import Row
from benchmarks.setting import Benchmark, Setting
from benchmarks.workloads import kalshi_log, tape_of
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.core.domain import book as bk
from market_bot.core.domain.market import Market
from market_bot.core.domain.numbers import Micros, Price, Size
from market_bot.core.domain.world import World

_SECOND: Final = 1_000_000

Change = tuple[str, bk.Side, Price, Size, Micros]


def measure(setting: Setting) -> Iterator[Row]:
    """Yield a row beside the bare loop; `replay_noop` has whole replays beside a foreign engine."""
    markets, changes = _changes(setting)
    sides: Mapping[str, Side] = {
        "ours": lambda: _through_world(markets, changes),
        "dicts and best prices in a loop": lambda: _bare_loop(changes),
    }
    yield interleave(setting, sides).row(
        "changes of levels in memory through our books",
        "ours",
        "dicts and best prices in a loop",
        units=len(changes),
        unit="changes",
        speed=True,
    )


def _changes(setting: Setting) -> tuple[Sequence[str], Sequence[Change]]:
    taken: list[Change] = []

    class Collector(World):
        def delta(
            self,
            market: str,
            side: bk.Side,
            price: Price,
            size: Size,
            received: Micros,
            exchange: Micros | None,  # noqa: ARG002 - not part of the comparison
        ) -> None:
            taken.append((market, side, price, size, received))

    world = Collector()
    TapeReader(tape_of(setting, kalshi_log(setting))).play(world)
    return list(world.seen), taken


def _through_world(markets: Sequence[str], changes: Sequence[Change]) -> World:
    world = World()
    for market in markets:
        world.meta(Market(venue="kalshi", id=market, event=market, family="bench"), Micros(0))
        world.book(market, {}, {}, Micros(0), None)
    delta = world.delta
    due = 0
    for market, side, price, size, received in changes:
        delta(market, side, price, size, received, None)
        if received >= due:
            due = received + _SECOND
            world.touched.clear()
    return world


def _bare_loop(changes: Sequence[Change]) -> int:
    books: dict[tuple[str, bk.Side], dict[int, int]] = {}
    best: dict[tuple[str, bk.Side], int | None] = {}
    bid = bk.Side.BID
    for market, side, price, size, _ in changes:
        key = (market, side)
        levels = books.get(key)
        if levels is None:
            levels = books[key] = {}
            best[key] = None
        known = best[key]
        if size:
            levels[price] = size
            if known is None or (price > known if side is bid else price < known):
                best[key] = price
        elif levels.pop(price, None) is not None and price == known:
            extreme = max if side is bid else min
            best[key] = extreme(levels, default=None)
    return len(books)


benchmark = Benchmark(
    name="decoded_replay",
    summary="decoded changes through books in memory",
    measure=measure,
)
