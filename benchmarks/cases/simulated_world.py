"""How fast the simulated venue makes its world: per tick, per market, and for a month."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median
from typing import Final

from benchmarks.rows import AtMost, Row
from benchmarks.setting import Benchmark, Setting
from market_bot.adapters.simulated.sim_settings import DAY, SimSettings
from market_bot.adapters.simulated.sim_venue import SimulatedVenue
from market_bot.core.domain.numbers import SECOND, Duration
from market_bot.core.domain.world import World

_FLAT: Final = AtMost(1.2)
_ACTIVE: Final = 0.05
"""Share of the markets in which something happens in a second."""
_TICK_MS: Final = 5.0
_MONTH_DAYS: Final = 28


def measure(setting: Setting) -> Iterator[Row]:
    """Yield the rows: a tick of 1,000 markets, the same per market with 10,000, and the month."""
    small, large = setting.pick(1_000, 1_000, 40), setting.pick(10_000, 5_000, 200)
    ticks = setting.pick(120, 30, 2)
    found: dict[int, list[float]] = {small: [], large: []}
    for number in range(setting.rounds):
        # Sides take turns, so that a slow moment hits both.
        for markets in (small, large) if number % 2 else (large, small):
            found[markets].append(_tick_ms(markets, ticks))
    one, ten = median(found[small]), median(found[large])
    yield Row(
        measures=f"simulated venue: one tick of {small:,} markets",
        ours=one,
        peer_name="limit",
        peer=_TICK_MS,
        unit="ms",
        ratio=one / _TICK_MS,
        goal=AtMost(1.0),
        note=f"{_ACTIVE:.0%} of the markets active per second, told to a world",
    )
    yield Row(
        measures=f"simulated venue: one tick of {large:,} markets, per market",
        ours=ten / large * 1000,
        peer_name=f"{small:,} markets",
        peer=one / small * 1000,
        unit="us",
        ratio=median(
            (b / large) / (a / small) for a, b in zip(found[small], found[large], strict=True)
        ),
        goal=_FLAT,
    )
    yield _month(setting)


def _tick_ms(markets: int, ticks: int) -> float:
    venue = SimulatedVenue(1, settings=SimSettings(markets=markets, rate=_ACTIVE))
    world = World()
    _drain(venue, world, 2)
    began = time.perf_counter()
    _drain(venue, world, ticks)
    return (time.perf_counter() - began) * 1000 / ticks


def _month(setting: Setting) -> Row:
    days = setting.pick(_MONTH_DAYS, 1, 1)
    markets = setting.pick(200, 200, 10)
    settings = SimSettings(
        markets=markets, interval=Duration(60 * SECOND), lasts=Duration(days * DAY)
    )
    venue, world = SimulatedVenue(1, settings=settings), World()
    began = time.perf_counter()
    _drain(venue, world, 2**40)
    taken = time.perf_counter() - began
    return Row(
        measures=f"simulated venue: {days} days of {markets} markets, a tick a minute",
        ours=taken,
        unit="s",
        note=f"{world.facts:,} facts, {len(world.seen):,} markets came and went; nobody trades",
    )


def _drain(venue: SimulatedVenue, world: World, ticks: int) -> None:
    while ticks > 0 and (at := venue.next_tick()) is not None:
        venue.drain(world, at)
        world.touched.clear()
        world.resolutions.clear()
        ticks -= 1


benchmark = Benchmark(
    name="simulated_world",
    summary="an invented exchange per tick, per market and per month",
    measure=measure,
)
