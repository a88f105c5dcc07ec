"""A small recorded market for whole runs: it crosses midnight, trades, wins, loses, resolves.

Every market begins near even, becomes a favourite that `bias_harvest` buys as a maker, and then
either goes on to win or collapses, so that a run has entries, fills, exits and resolutions. Some
are quoted so wide at first that an entry is refused.
"""

from __future__ import annotations

import random
from pathlib import Path

from market_bot.adapters.storage.tape import TapeWriter
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Market
from market_bot.core.domain.numbers import ONE_CONTRACT, SECOND, Micros, Price, Size, parse_time
from market_bot.core.ports.market_data import Capability

from .tape_facts import ALL

BEGINS = parse_time("2026-11-02T23:58:00Z")
_CENT = 10_000
_LIFE = 60
_EVERY = 20


def write_small_tape(
    path: Path,
    *,
    markets: int = 12,
    seed: int = 1,
    venue: str = "kalshi",
    capabilities: frozenset[Capability] = ALL,
    group: int = 256,
) -> Path:
    """Write a tape with one record or more every second.

    Args:
        path: where it goes.
        markets: how many there are, one after another, three of them at a time; twelve last
            280 seconds, the first 120 of them before midnight.
        seed: moves prices about; another seed is another tape.
        venue: whose tape it is.
        capabilities: what the tape claims.
        group: records to a group.

    """
    chance = random.Random(seed)
    lives = [_Life(f"M-{number:03}", number * _EVERY, venue) for number in range(markets)]
    with TapeWriter(path, venue, "a small market", capabilities, group=group) as tape:
        for second in range((markets - 1) * _EVERY + _LIFE + 1):
            for life in lives:
                life.record(tape, second, chance)
    return path


class _Life:
    """One market from its announcement to its end."""

    def __init__(self, name: str, begins: int, venue: str) -> None:
        self._begins = begins
        self._collapses = hash_of(name) % 3 == 0
        self._wide = hash_of(name) % 4 == 1
        self._cents = 70
        self._market = Market(
            venue=venue,
            id=name,
            event=f"E-{name}",
            family="SMALL",
            title=f"Will {name} happen?",
            close_at=Micros(BEGINS + (begins + 3600) * SECOND),
        )

    def record(self, tape: TapeWriter, second: int, chance: random.Random) -> None:
        """Write what happens in one second."""
        age, at = second - self._begins, Micros(BEGINS + second * SECOND)
        if not 0 <= age <= _LIFE:
            return
        name = self._market.id
        if age == 0:
            tape.meta(self._market, at)
        if age == _LIFE:
            won = self._cents >= 50
            tape.resolution(name, Price(1_000_000 if won else 0), at)
            return
        self._cents = self._next(age, chance)
        spread = 8 if self._wide and age < 16 else 2
        bid, ask = self._cents - 1, min(99, self._cents - 1 + spread)
        tape.book(name, _levels(bid, -1), _levels(ask, 1), at, None)
        hit = Side.ASK if age % 2 else Side.BID
        price = (bid if hit is Side.ASK else ask) * _CENT
        tape.trade(name, hit, Price(price), Size(3 * ONE_CONTRACT), Micros(at + 1000), None)

    def _next(self, age: int, chance: random.Random) -> int:
        step = chance.choice((-1, 0, 0, 1))
        if age < 20:
            return min(90, self._cents + 1 + step)
        if age >= 40 and self._collapses:
            return max(10, self._cents - 6 + step)
        return max(80, min(96, self._cents + step))


def hash_of(name: str) -> int:
    """Return the number at the end of a market's name."""
    return int(name.rpartition("-")[2])


def _levels(cents: int, away: int) -> dict[Price, Size]:
    prices = [cents + away * depth for depth in range(3)]
    return {
        Price(price * _CENT): Size((depth + 2) * ONE_CONTRACT)
        for depth, price in enumerate(prices)
        if 0 < price < 100
    }
