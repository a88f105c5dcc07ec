"""The simulated venue: an invented exchange whose truth is known, the same from the same seed.

It is a source of market data and an order desk at once. Events open, trade, close and pay on a
rolling schedule; each has a hidden true probability and a crowd of its own. Our orders rest in the
same books: they wait their turn, move the price they take, and are picked off when they are stale.
What is true of an event never depends on our orders, so that two runs with different orders live
in the same world.

Cost follows activity: an agenda holds the next moment of every event, and a drain works off what is
due, one market at a time. How time is cut into drains changes nothing.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

import attrs

from market_bot.adapters.simulated.sim_account import Account, Ledger
from market_bot.adapters.simulated.sim_book import Grid, MatchingBook, Outlet, grid_of
from market_bot.adapters.simulated.sim_desk import Agenda, Desk, Listed, drawn
from market_bot.adapters.simulated.sim_families import FAMILIES, Family, Occasion, Plan, Terms
from market_bot.adapters.simulated.sim_rewards import Paymaster
from market_bot.adapters.simulated.sim_settings import DEFAULT, NO_FAULTS, Crowd, SimSettings
from market_bot.adapters.simulated.sim_traders import Traders
from market_bot.adapters.simulated.sim_truth import Path, Truth, later, published, stream
from market_bot.core.domain.market import Market, MarketStatus, TickBand
from market_bot.core.domain.numbers import (
    ONE_CONTRACT,
    ONE_DOLLAR,
    SECOND,
    Micros,
    Money,
    Price,
    Size,
    cost,
)
from market_bot.core.domain.portfolio import VenueCapabilities
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.execution import Execution, Fact, Outcome
from market_bot.core.ports.market_data import Capability, MarketData, Sink

VENUE: Final = "simulated"
_CAPABILITIES: Final = frozenset({Capability.L2_STREAM, Capability.PRINTS})
_DETERMINED_AFTER: Final = Micros(60 * SECOND)
_PATHS_MAX: Final = 12
_LEAST_PHASE: Final = 0.15
_SECONDS_PER_DAY: Final = 86_400
# What happens at one moment happens in this order; prices first, so that a close knows the last.
_PRICE, _DESK, _TRADE, _CLOSE, _PAY, _OPEN, _STATE = range(7)
_Work = Callable[[Any, Micros], None]


@attrs.define(eq=False)
class _Series:
    """One event after another of a family."""

    family: Family
    slot: int
    path: Path
    phase: float
    serial: int = 0


@attrs.define(eq=False)
class _Event:
    """An event between its opening and its payment."""

    series: _Series
    truth: Truth
    crowd: Crowd
    chance: random.Random
    closes: Micros
    listed: list[Listed]
    traders: list[Traders]
    lively_until: Micros
    void: bool

    @property
    def name(self) -> str:
        """The event's id."""
        return self.listed[0].market.event


class SimulatedVenue(MarketData, Execution):
    """A whole exchange from a seed.

    Args:
        seed: everything is drawn from it.
        settings: size, rules, crowd and faults; see `SimSettings`.
        families: what kinds of events there are.

    Raises:
        ValueError: if the settings name a family that is not there.

    """

    def __init__(
        self,
        seed: int,
        *,
        settings: SimSettings = DEFAULT,
        families: Sequence[Family] = FAMILIES,
    ) -> None:
        self.seed = seed
        self.settings = settings
        self.struck: Counter[str] = Counter()
        self._outlet = Outlet()
        self._agenda = _Timetable(settings.begins)
        self._account = Account()
        self._listed: dict[str, Listed] = {}
        self._desk = Desk(seed, settings, self._agenda, self._listed, self._account, self.struck)
        self._events: dict[str, _Event] = {}
        self._places: dict[str, tuple[_Event, int]] = {}
        self._outcomes: dict[str, Price] = {}
        self._grids: dict[tuple[TickBand, ...], Grid] = {}
        self._drained = Micros(settings.begins - 1)
        self._paths = self._make_paths()
        for series in self._make_series(families):
            self._agenda.add(settings.begins, _OPEN, self._open, series)
        self._plan_faults()
        Paymaster(self._desk, self._agenda).begin(settings.begins)

    # -- market data -------------------------------------------------------------------------

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Whole books as they change, and every trade."""
        return _CAPABILITIES

    @property
    def position(self) -> str:
        """The moment of the last thing that happened, and how many did: ``<micros>:<count>``."""
        return f"{self._agenda.latest}:{self._agenda.steps}"

    def drain(self, sink: Sink, until: Micros) -> str:
        """Let the world go on to ``until`` and tell all of it.

        Returns:
            The position.

        """
        self._outlet.open(sink)
        try:
            self._agenda.work(until)
        finally:
            self._outlet.close()
        self._drained = max(self._drained, until)
        return self.position

    def next_tick(self) -> Micros | None:
        """Return the time of the next tick, or None at the end; asking changes nothing."""
        begins, interval = self.settings.begins, self.settings.interval
        number = max(0, (self._drained - begins) // interval + 1)
        at = Micros(begins + number * interval)
        return at if at <= begins + self.settings.lasts else None

    def span(self) -> float:
        """Return which part of the world's time has passed, from 0 to 1."""
        passed = self._drained - self.settings.begins
        return min(1.0, max(0.0, passed / max(1, self.settings.lasts)))

    # -- execution ---------------------------------------------------------------------------

    @property
    def abilities(self) -> VenueCapabilities:
        return self._desk.abilities

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        return self._desk.submit(intent, at)

    def cancel(self, intent: str, at: Micros) -> None:
        self._desk.cancel(intent, at)

    def merge(self, merge: str, market: str, size: Size, at: Micros) -> None:
        self._desk.merge(merge, market, size, at)

    def collect(self, at: Micros) -> Sequence[Fact]:
        return self._desk.collect(at)

    # -- what only tests and evaluations may ask ---------------------------------------------

    def truth(self, market: str) -> float:
        """Return the true probability that a market ends YES, as of its event's last action.

        For tests and evaluations; no strategy can reach it.

        Raises:
            KeyError: if the market is not listed now.

        """
        event, index = self._places[market]
        return event.truth.chance(index)

    def outcome(self, market: str) -> Price | None:
        """Return what a YES contract paid; None if the market has not paid, or is forgotten."""
        return self._outcomes.get(market)

    def ledger(self) -> Ledger:
        """Return the account as the venue has it."""
        return self._account.ledger(self._desk.locked())

    def heal(self) -> None:
        """Let nothing more go wrong; what went wrong already takes its course."""
        faults = attrs.evolve(
            NO_FAULTS,
            outage_lasts=self.settings.faults.outage_lasts,
            post_only_after=self.settings.faults.post_only_after,
        )
        self.settings = self._desk.settings = attrs.evolve(self.settings, faults=faults)

    # -- events ------------------------------------------------------------------------------

    def _open(self, series: _Series, at: Micros) -> None:
        plan, closes, crowd = self._plan(series, at)
        name = f"{series.family.name}-{series.slot:03d}-{series.serial:05d}"
        series.serial += 1
        event = _Event(
            series=series,
            truth=plan.truth,
            crowd=crowd,
            chance=stream(self.seed, name, "when"),
            closes=closes,
            listed=[],
            traders=[],
            lively_until=at,
            void=False,
        )
        whims = stream(self.seed, name, "whims")
        for terms in plan.terms:
            market = self._market(series.family, name, terms, plan, at, closes)
            self._list(event, market, whims)
        event.void = self._strikes("void", name, self.settings.faults.void)
        self._events[name] = event
        for index, listed in enumerate(event.listed):
            self._places[listed.market.id] = (event, index)
            self._outlet.sink.meta(listed.market, at)
            self._outlet.sink.status(listed.market.id, MarketStatus.OPEN, at)
            event.traders[index].open(plan.truth.chance(index), at)
        self._agenda.add(closes, _CLOSE, self._close, event)
        self._schedule(event, at)

    def _plan(self, series: _Series, at: Micros) -> tuple[Plan, Micros, Crowd]:
        family, settings = series.family, self.settings
        lasts = int(family.lasts)
        if not family.on_price:
            lasts //= settings.hurry
            if series.serial == 0:
                # So that not everything begins and ends at once.
                lasts = int(lasts * series.phase)
        lasts = max(int(SECOND), lasts // SECOND * SECOND)
        closes = Micros(at + lasts)
        occasion = Occasion(
            slot=series.slot,
            opens=at,
            closes=closes,
            chance=stream(self.seed, family.name, series.slot, series.serial, "truth"),
            path=series.path,
        )
        if family.on_price:
            # The close must know the price of its very moment.
            self._agenda.add(closes, _PRICE, self._publish, series.path)
        return family.plan(occasion), closes, settings.crowd(family.crowd)

    def _market(
        self, family: Family, event: str, terms: Terms, plan: Plan, opens: Micros, closes: Micros
    ) -> Market:
        rules = self.settings.rules
        crowd = self.settings.crowd(family.crowd)
        contracts = round(crowd.rate * crowd.trade * _SECONDS_PER_DAY * crowd.print_max / 3)
        return Market(
            venue=VENUE,
            id=f"{event}-{terms.suffix}",
            event=event,
            family=family.name,
            title=terms.title,
            ticks=rules.ticks(fine=family.fine),
            min_size=rules.min_size,
            size_step=rules.size_step,
            open_at=opens,
            close_at=closes,
            fees=rules.fees(family.category),
            strike=terms.strike,
            reference=plan.reference if terms.strike is not None else None,
            condition=terms.condition,
            category=family.category,
            at_most_one=plan.at_most_one,
            exhaustive=plan.exhaustive,
            volume_24h=Money(contracts * cost(Price(ONE_DOLLAR // 2), ONE_CONTRACT)),
            liquidity=Money(
                crowd.levels * crowd.depth * cost(Price(ONE_DOLLAR // 2), ONE_CONTRACT)
            ),
            reward=self.settings.rewards.terms,
        )

    def _list(self, event: _Event, market: Market, whims: random.Random) -> None:
        book = MatchingBook(market.id, self._outlet, self._desk.traded)
        settles = Micros(event.closes + self.settings.rules.settles_after)
        truth = partial(event.truth.chance, len(event.listed))
        listed = Listed(market, book, MarketStatus.OPEN, settles, truth)
        grid = self._grids.get(market.ticks)
        if grid is None:
            grid = self._grids[market.ticks] = grid_of(market.ticks)
        event.listed.append(listed)
        event.traders.append(Traders(book, grid, event.crowd, whims, market.fees.taker_rate))
        self._listed[market.id] = listed

    def _schedule(self, event: _Event, at: Micros) -> None:
        """Put the event's next action on the agenda; its moments never depend on our orders."""
        crowd, size = event.crowd, len(event.listed)
        rate = crowd.rate * size * (crowd.burst if at < event.lively_until else 1.0)
        if rate <= 0:
            return
        gap = int(-math.log(1.0 - event.chance.random()) / rate * SECOND)
        due = Micros(at + max(1, gap, self.settings.coarseness // size))
        if due < event.closes:
            self._agenda.add(due, _TRADE, self._act, event)

    def _act(self, event: _Event, at: Micros) -> None:
        if event.truth.advance(at):
            event.lively_until = Micros(at + int(event.crowd.burst_seconds * SECOND))
        index = int(event.chance.random() * len(event.listed))
        agenda = self._agenda
        if not agenda.closed:
            truth = event.truth.chance(index)
            event.traders[index].act(truth, at, takers=not agenda.post_only)
        self._schedule(event, at)

    def _close(self, event: _Event, at: Micros) -> None:
        event.truth.finish(at)
        for listed in event.listed:
            listed.status = MarketStatus.CLOSED
            self._desk.end_all(listed, "market_closed", at)
            self._outlet.sink.status(listed.market.id, MarketStatus.CLOSED, at)
        self._agenda.add(Micros(at + _DETERMINED_AFTER), _CLOSE, self._determine, event)
        self._agenda.add(event.listed[0].settles, _PAY, self._pay, event)
        self._agenda.add(at, _OPEN, self._open, event.series)

    def _determine(self, event: _Event, at: Micros) -> None:
        for listed in event.listed:
            listed.status = MarketStatus.DETERMINED
            self._outlet.sink.status(listed.market.id, MarketStatus.DETERMINED, at)

    def _pay(self, event: _Event, at: Micros) -> None:
        for index, listed in enumerate(event.listed):
            name = listed.market.id
            payout = self._payout(event, index)
            self._account.pay(name, payout)
            self._outcomes[name] = payout
            self._outlet.sink.resolution(name, payout, at)
            del self._listed[name], self._places[name]
        while len(self._outcomes) > self.settings.remembered_max:
            name = next(iter(self._outcomes))
            del self._outcomes[name]
            self._desk.forget(name)
        del self._events[event.name]

    def _payout(self, event: _Event, index: int) -> Price:
        if event.void:
            if self.settings.rules.provisional:
                return Price(ONE_DOLLAR // 2)
            return event.traders[index].last_price
        return ONE_DOLLAR if event.truth.chance(index) >= 1.0 else Price(0)

    # -- outside prices ----------------------------------------------------------------------

    def _publish(self, path: Path, at: Micros) -> None:
        if path.at < at:
            path.walk(at)
            if not self._agenda.closed:
                self._outlet.sink.reference(path.name, published(path.cents), at, at)

    def _publish_regularly(self, path: Path, at: Micros) -> None:
        if path.at >= at:
            self._outlet.sink.reference(path.name, published(path.cents), at, at)
        else:
            self._publish(path, at)
        every = max(self.settings.reference_every, self.settings.coarseness)
        self._agenda.add(Micros(at + every), _PRICE, self._publish_regularly, path)

    # -- the beginning -----------------------------------------------------------------------

    def _make_paths(self) -> list[Path]:
        begins = self.settings.begins
        paths: list[Path] = []
        for number in range(_PATHS_MAX):
            chance = stream(self.seed, "path", number)
            start = 20.0 * 10 ** (3.5 * chance.random())
            volatility = 0.3 + 0.6 * chance.random()
            name = f"COIN{number + 1:02d}-USD"
            paths.append(Path(name, chance, round(start, 2), volatility, begins))
        return paths

    def _make_series(self, families: Sequence[Family]) -> Iterable[_Series]:
        wanted = self.settings.families
        missing = set(wanted) - {family.name for family in families}
        if missing:
            msg = f"no family of the simulated venue is called {min(missing)!r}"
            raise ValueError(msg)
        used = [family for family in families if not wanted or family.name in wanted]
        total = sum(family.share for family in used)
        made: list[_Series] = []
        for family in used:
            count = max(1, round(self.settings.markets * family.share / total / family.size))
            for slot in range(count):
                phase = drawn(self.seed, "phase", f"{family.name}/{slot}")
                made.append(
                    _Series(
                        family=family,
                        slot=slot,
                        path=self._paths[slot % _PATHS_MAX],
                        phase=_LEAST_PHASE + (1.0 - _LEAST_PHASE) * phase,
                    )
                )
        for path in {series.path.name: series.path for series in made if series.family.on_price}:
            self._start(path)
        return made

    def _start(self, name: str) -> None:
        path = next(path for path in self._paths if path.name == name)
        self._agenda.add(self.settings.begins, _PRICE, self._publish_regularly, path)

    # -- faults of the whole venue -----------------------------------------------------------

    def _plan_faults(self) -> None:
        faults, begins = self.settings.faults, self.settings.begins
        if faults.outage_every:
            chance = stream(self.seed, "outages")
            at = later(begins, faults.outage_every, chance)
            self._agenda.add(at, _STATE, self._go_down, chance)
        if faults.gap_every:
            chance = stream(self.seed, "gaps")
            at = later(begins, faults.gap_every, chance)
            self._agenda.add(at, _STATE, self._lose_data, chance)

    def _go_down(self, chance: random.Random, at: Micros) -> None:
        faults = self.settings.faults
        if not faults.outage_every:
            return
        self.struck["outage"] += 1
        self._agenda.closed = True
        self._outlet.sink.status("", MarketStatus.CLOSED, at)
        back = Micros(at + faults.outage_lasts)
        self._agenda.add(back, _STATE, self._come_back, None)
        again = later(Micros(back + faults.post_only_after), faults.outage_every, chance)
        self._agenda.add(again, _STATE, self._go_down, chance)

    def _come_back(self, _: None, at: Micros) -> None:
        self._agenda.closed = False
        self._agenda.post_only = self.settings.faults.post_only_after > 0
        self._outlet.sink.status("", MarketStatus.OPEN, at)
        done = Micros(at + self.settings.faults.post_only_after)
        self._agenda.add(done, _STATE, self._let_take, None)

    def _let_take(self, _: None, at: Micros) -> None:  # noqa: ARG002 - an item of the agenda
        self._agenda.post_only = False

    def _lose_data(self, chance: random.Random, at: Micros) -> None:
        if not self.settings.faults.gap_every:
            return
        self.struck["gap"] += 1
        self._outlet.sink.gap("", "connection lost", at)
        for listed in self._listed.values():
            listed.book.show(at)
        again = later(at, self.settings.faults.gap_every, chance)
        self._agenda.add(again, _STATE, self._lose_data, chance)

    def _strikes(self, kind: str, key: str, chance: float) -> bool:
        if chance <= 0 or drawn(self.seed, kind, key) >= chance:
            return False
        self.struck[kind] += 1
        return True


class _Timetable(Agenda):
    """What is still to be done, by time, then by rank, then in the order in which it was put."""

    def __init__(self, begins: Micros) -> None:
        self.now = begins
        self.closed = False
        self.post_only = False
        self.latest = begins
        self.steps = 0
        self._items: list[tuple[Micros, int, int, _Work, Any]] = []
        self._put = 0

    def add(self, at: Micros, rank: int, work: _Work, argument: object) -> None:
        """Do ``work(argument, at)`` later."""
        self._put += 1
        heapq.heappush(self._items, (max(at, self.now), rank, self._put, work, argument))

    def later(self, at: Micros, work: _Work, argument: object) -> None:
        self.add(at, _DESK, work, argument)

    def work(self, until: Micros) -> None:
        """Do everything that is due up to a moment, that moment included."""
        items = self._items
        while items and items[0][0] <= until:
            at, _, _, work, argument = heapq.heappop(items)
            self.now = self.latest = at
            self.steps += 1
            work(argument, at)
        self.now = max(self.now, until)
