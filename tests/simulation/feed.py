"""Markets that live and die by a seed, and the feed that tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.market import (
    FeeModel,
    FeeSchedule,
    Market,
    MarketStatus,
    Resolution,
)
from market_bot.core.domain.numbers import ONE_DOLLAR, SECOND, Duration, Micros, Price, Size
from market_bot.core.domain.world import World
from market_bot.core.ports.market_data import Capability, MarketData, Sink
from market_bot.core.usecases.lane_actor import TickSource
from tests.fakes.recording_sink import Fact, tell

CENT: Final = 10_000
STEP: Final = Size(10_000)
CLAIMS: Final = frozenset({Capability.L2_STREAM, Capability.PRINTS})


@attrs.frozen
class Script:
    """What happens in the markets of one venue, in order of arrival, and how it really ends.

    Args:
        facts: calls of `Sink` with the time of arrival in the last or second last place.
        ends: when each market that ends is resolved, and how.

    """

    facts: tuple[tuple[Micros, Fact], ...]
    ends: dict[str, tuple[Micros, Resolution]]


def write_script(rng: Random, start: Micros, length: Duration) -> Script:
    """Return a venue's whole life, decided by the generator alone."""
    facts: list[tuple[Micros, Fact]] = []
    ends: dict[str, tuple[Micros, Resolution]] = {}
    for event in range(rng.randint(1, 3)):
        for number in range(rng.randint(1, 2)):
            market = _market(rng, f"E{event}-M{number}", f"E{event}", start, length)
            ends_at = _end(rng, start, length)
            facts += _life(rng, market, start, ends_at or Micros(start + length))
            if ends_at is not None:
                payout = Price(rng.choice((0, ONE_DOLLAR, ONE_DOLLAR, 500_000)))
                ends[market.id] = (ends_at, Resolution(market.id, payout))
                facts.append((ends_at, ("resolution", market.id, payout, ends_at)))
    return Script(tuple(sorted(facts, key=lambda fact: fact[0])), ends)


def spoil(script: Script, rng: Random, *, gap: float, duplicate: float, late: float) -> Script:
    """Return a script as a bad line delivers it; how the markets end stays as it is."""
    spoilt: list[tuple[Micros, Fact]] = []
    for at, fact in script.facts:
        if rng.random() < gap and fact[0] in ("delta", "trade"):
            spoilt.append((at, ("gap", fact[1], "lost", at)))
            continue
        arrives = Micros(at + rng.randint(0, 3_000_000)) if rng.random() < late else at
        spoilt.append((arrives, _received(fact, arrives)))
        if rng.random() < duplicate:
            spoilt.append((arrives, _received(fact, arrives)))
    return Script(tuple(sorted(spoilt, key=lambda fact: fact[0])), script.ends)


class Feed(MarketData, TickSource):
    """One playing of a script, with a tick at regular times.

    Args:
        script: what happens.
        start: the time of the first tick.
        interval: time between ticks.
        end: no tick is later.
        since: where this playing begins; what came before is told as it stands then.

    """

    def __init__(
        self, script: Script, start: Micros, interval: Duration, end: Micros, since: Micros
    ) -> None:
        self._script = script
        self._start, self._interval, self._end = start, interval, end
        self._next = 0
        self._opening: list[Fact] = []
        self._tick = start
        if since > start:
            self._tick = Micros(start - (start - since) // interval * interval)
            self._catch_up(Micros(self._tick - interval))

    @property
    def capabilities(self) -> frozenset[Capability]:
        return CLAIMS

    @property
    def tick(self) -> Micros:
        """The time of the next tick."""
        return self._tick

    def next_tick(self) -> Micros | None:
        return self._tick if self._tick <= self._end else None

    def span(self) -> float:
        return min(1.0, (self._tick - self._start) / (self._end - self._start))

    def drain(self, sink: Sink, until: Micros) -> str:
        self._tick = Micros(until + self._interval)
        tell(self._opening, sink)
        self._opening = []
        facts = self._script.facts
        while self._next < len(facts) and facts[self._next][0] <= until:
            tell([facts[self._next][1]], sink)
            self._next += 1
        return str(self._next)

    def _catch_up(self, until: Micros) -> None:
        world = World()
        self.drain(world, until)
        for market, seen in world.seen.items():
            self._opening.append(("meta", seen.market, until))
            if seen.book.whole:
                book = (dict(seen.book.bids), dict(seen.book.asks))
                self._opening.append(("book", market, *book, until, None))
            if seen.status is not MarketStatus.SETTLED:
                self._opening.append(("status", market, seen.status, until))
        for resolution in world.resolutions:
            end = ("resolution", resolution.market, resolution.yes_payout, until)
            self._opening.append(end)


def _market(rng: Random, name: str, event: str, start: Micros, length: Duration) -> Market:
    model = rng.choice((FeeModel.NONE, FeeModel.KALSHI_QUADRATIC, FeeModel.POLYMARKET_CURVE))
    return Market(
        venue="sim",
        id=name,
        event=event,
        family=event[:1],
        min_size=STEP,
        size_step=STEP,
        close_at=Micros(start + length),
        fees=FeeSchedule(model, taker_rate=70_000, maker_rate=10_000),
    )


def _end(rng: Random, start: Micros, length: Duration) -> Micros | None:
    if rng.random() < 0.4:
        return None
    return Micros(start + rng.randint(length // 4, length))


def _life(rng: Random, market: Market, start: Micros, end: Micros) -> Sequence[tuple[Micros, Fact]]:
    at = Micros(start)
    life: list[tuple[Micros, Fact]] = [(at, ("meta", market, at))]
    middle = rng.randint(15, 85)
    life.append((at, _book(rng, market, middle, at)))
    while True:
        at = Micros(at + rng.randint(SECOND // 5, 3 * SECOND))
        if at >= end:
            return life
        middle = max(4, min(96, middle + rng.choice((-2, -1, 0, 0, 1, 2))))
        life.append((at, _news(rng, market, middle, at)))


def _news(rng: Random, market: Market, middle: int, at: Micros) -> Fact:
    kind = rng.random()
    side = rng.choice((Side.BID, Side.ASK))
    if kind < 0.45:
        return _book(rng, market, middle, at)
    if kind < 0.75:
        off = rng.randint(1, 3) * (-1 if side is Side.BID else 1)
        size = Size(rng.choice((0, 1, 5, 50)) * 1_000_000)
        return ("delta", market.id, side, Price((middle + off) * CENT), size, at, None)
    if kind < 0.95:
        size = Size(rng.randint(1, 40) * 1_000_000)
        return ("trade", market.id, side, Price(middle * CENT), size, at, None)
    status = rng.choice((MarketStatus.PAUSED, MarketStatus.OPEN, MarketStatus.OPEN))
    return ("status", market.id, status, at)


def _book(rng: Random, market: Market, middle: int, at: Micros) -> Fact:
    def levels(sign: int) -> dict[Price, Size]:
        prices = [Price((middle + sign * off) * CENT) for off in range(1, rng.randint(2, 4))]
        return {p: Size(rng.randint(1, 60) * 1_000_000) for p in prices if 0 < p < ONE_DOLLAR}

    return ("book", market.id, levels(-1), levels(1), at, None)


def _received(fact: Fact, at: Micros) -> Fact:
    place = 1 if fact[0] in ("book", "delta", "trade", "reference") else 0
    head = fact[: len(fact) - 1 - place]
    return (*head, at, *fact[len(fact) - place :]) if place else (*head, at)
