"""A market that ended is forgotten an hour later: memory stays flat, and nothing else changes."""

from __future__ import annotations

import gc
from collections.abc import Sized
from pathlib import Path

import attrs
import pytest

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.adapters.simulated.sim_settings import Rules, SimSettings
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.bootstrap.run_inputs import Feed, SimulatedInputs
from market_bot.bootstrap.summary import coverage_of
from market_bot.bootstrap.taped_lane import Assembled, assemble, rehearse
from market_bot.core.domain import events as ev
from market_bot.core.domain import world as world_module
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Leg, Market, MarketStatus
from market_bot.core.domain.numbers import (
    HOUR,
    NEVER,
    SECOND,
    Duration,
    Micros,
    Price,
    money,
    price,
)
from market_bot.core.domain.orders import Style
from market_bot.core.domain.settings import ActiveStrategy
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.view import Holdings, View
from market_bot.core.domain.world import World
from market_bot.core.ports.market_data import Capability, MarketData, Sink
from market_bot.core.usecases.trade_lane import LaneTrader
from tests.fakes.builders import (
    Lane,
    Wanting,
    a_book,
    a_lane,
    a_market,
    a_signal,
    a_strategy,
    announced,
    cents,
    contracts,
    every_strategy,
    lane_settings,
    of_type,
)
from tests.fakes.clock import NOON
from tests.fakes.execution import ScriptedExecution, filled
from tests.fakes.market_data import FULL
from tests.fakes.recording_sink import Fact, tell
from tests.fakes.sim_lane import CountingJournal

MINUTE = Duration(60 * SECOND)
QUARTER = Duration(15 * MINUTE)
WON: Fact = ("resolution", "M-1", price("1"), NOON)
BUY = a_signal(style=Style.TAKER, price=cents(52), size=contracts(10))
LATE: tuple[Fact, ...] = (
    a_book(),
    ("delta", "M-1", Side.BID, cents(40), contracts(1), NOON, None),
    ("trade", "M-1", Side.BID, cents(50), contracts(1), NOON, None),
    ("status", "M-1", MarketStatus.OPEN, NOON),
    ("gap", "M-1", "lost", NOON),
    WON,
    announced(a_market()),
)


def a_world(*markets: Market) -> World:
    """Return a world that knows markets, each with a book."""
    world = World()
    for market in markets:
        tell([announced(market), a_book(market.id)], world)
    return world


@pytest.mark.parametrize("fact", LATE)
def test_late_facts_do_not_bring_a_market_back(fact: Fact) -> None:
    """Whatever is told of a forgotten market is counted and ignored."""
    world = a_world(a_market(), a_market("M-2", event="E-2"))
    world.forget("E-1")
    world.touched.clear()
    before = world.ignored
    tell([fact], world)

    assert before + 1 == world.ignored
    assert (["M-2"], {"E-2": ["M-2"]}) == (list(world.seen), world.events)
    assert ([], {}) == (world.resolutions, world.touched)


def test_what_was_seen_is_still_counted() -> None:
    """How many markets there were, and how many without an end, does not shrink."""
    world = a_world(a_market(), a_market("M-2", close_at=NOON), a_market("M-3", event="E-3"))
    counted = (world.announced, world.unknown_close)
    world.forget("E-1")

    assert (3, 2) == counted == (world.announced, world.unknown_close)
    assert ["M-3"] == list(world.seen)


def test_an_unknown_event_is_forgotten_already() -> None:
    """Forgetting what is not there changes nothing, and what is not there is not over."""
    world = a_world(a_market())
    world.forget("E-9")

    assert ["M-1"] == list(world.seen)
    assert not world.over("E-9")


def test_names_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the latest names of forgotten markets are remembered."""
    monkeypatch.setattr(world_module, "_FORGOTTEN_KEPT", 2)
    world = World()
    for number in range(5):
        tell([announced(a_market(f"M-{number}", event=f"E-{number}"))], world)
        world.forget(f"E-{number}")

    assert ["M-3", "M-4"] == list(world._forgotten)
    assert 5 == world.announced


@attrs.define(eq=False)
class Scene:
    """A started lane that knows markets and wants what it is told."""

    lane: Lane
    wanting: Wanting
    venue: ScriptedExecution

    @property
    def seen(self) -> list[str]:
        """Which markets the lane remembers."""
        return list(self.lane.trader.world.seen)

    def later(self, by: Duration, *facts: Fact) -> list[ev.Event]:
        """Take one tick so much later."""
        self.lane.clock.now = Micros(self.lane.clock.now + by - SECOND)
        return self.lane.tick(*facts)


def a_scene(*markets: Market) -> Scene:
    """Return a scene with markets; one without terms unless told otherwise."""
    wanting, venue = Wanting(), ScriptedExecution()
    known = markets or (a_market(),)
    opening = [fact for market in known for fact in (announced(market), a_book(market.id))]
    lane = a_lane(lane_settings(a_strategy(wanting)), lambda _: venue, opening=opening)
    lane.start()
    return Scene(lane, wanting, venue)


def test_an_hour_later() -> None:
    """A market is kept for an hour after its outcome was written down, and then no longer."""
    scene = a_scene()
    scene.later(SECOND, WON)
    scene.later(Duration(HOUR - SECOND))
    assert ["M-1"] == scene.seen
    (scan,) = scene.later(SECOND)

    assert [] == scene.seen
    assert {} == scene.lane.trader.world.events
    assert isinstance(scan, ev.Scan)
    assert 1 == scan.markets


def test_an_event_goes_as_a_whole() -> None:
    """While one market of an event goes on, the others are needed to know how it can end."""
    scene = a_scene(a_market(), a_market("M-2"))
    scene.later(SECOND, WON)
    scene.later(Duration(2 * HOUR))
    assert ["M-1", "M-2"] == scene.seen
    scene.later(SECOND, ("resolution", "M-2", price("0"), NOON))
    scene.later(Duration(HOUR - SECOND))
    assert ["M-1", "M-2"] == scene.seen
    scene.later(SECOND)

    assert [] == scene.seen


def test_an_event_is_over_once_its_last_market_has_moved_away() -> None:
    """What ended is forgotten even if the rest of its event ends somewhere else, or never."""
    scene = a_scene(a_market(), a_market("M-2"))
    scene.later(SECOND, WON)
    scene.later(Duration(2 * HOUR))
    scene.later(SECOND, announced(a_market("M-2", event="E-2")))
    assert ["M-1", "M-2"] == scene.seen
    scene.later(HOUR)

    assert ["M-2"] == scene.seen
    assert {"E-2": ["M-2"]} == scene.lane.trader.world.events


def test_what_is_ours_is_not_forgotten() -> None:
    """An order whose fate is open keeps its market; what is told of it late is paid at once."""
    scene = a_scene()
    scene.wanting.wants = [BUY]
    scene.later(SECOND, a_book())
    (intent,) = scene.venue.submitted
    scene.wanting.wants = []
    scene.later(SECOND, WON)
    scene.later(HOUR)
    assert ["M-1"] == scene.seen
    scene.venue.say(filled(intent))
    scene.later(HOUR)
    # Filled after the outcome was told: nothing is left that would wait for another one.
    assert [] == scene.seen
    assert {} == scene.lane.trader.state.positions
    assert 0 == scene.lane.trader.state.anomalies


def test_wishes_end_with_their_market() -> None:
    """What was refused until then is closed in the journal, and nothing is left of it."""
    scene = a_scene()
    scene.wanting.wants = [attrs.evolve(BUY, size=contracts(1_000_000))]
    scene.later(SECOND, WON)
    events = scene.later(HOUR)

    assert ["end"] == [denied.phase for denied in of_type(events, ev.Denied)]
    assert {} == scene.lane.trader._wishes
    assert {} == scene.lane.trader._ended


def test_paper_keeps_nothing_of_it() -> None:
    """The desk on paper lets go of what it took, what rested, and how often it filled."""
    wanting = Wanting(BUY)
    lane = a_lane(
        lane_settings(a_strategy(wanting)),
        lambda world: PaperExecution(world, FULL),
        opening=[announced(a_market()), a_book()],
    )
    lane.start()
    scene = Scene(lane, wanting, ScriptedExecution())
    scene.later(SECOND, a_book())
    wanting.wants = [a_signal(leg=Leg.NO, price=cents(48), size=contracts(1))]
    scene.later(SECOND, a_book())
    desk = lane.trader.execution
    assert isinstance(desk, PaperExecution)
    assert desk._matchers
    assert desk._alive
    assert desk._facts.numbers
    wanting.wants = []
    scene.later(SECOND, WON)
    scene.later(HOUR)

    assert ({}, {}, {}) == (desk._matchers, desk._alive, desk._facts.intents)
    assert {} == desk._facts.numbers


@attrs.define(eq=False)
class Quarters(MarketData):
    """One market after another, fifteen minutes each, for ever; a tick every five minutes."""

    now: Micros = NOON
    _number: int = 0

    @property
    def capabilities(self) -> frozenset[Capability]:
        return FULL

    def drain(self, sink: Sink, until: Micros) -> str:
        number = (until - NOON) // QUARTER
        name, event = f"M-{number}", f"E-{number}"
        if number != self._number:
            sink.resolution(f"M-{self._number}", Price(1_000_000 * (number % 2)), until)
            self._number = number
        close = Micros(NOON + (number + 1) * QUARTER)
        sink.meta(a_market(name, event=event, close_at=close), until)
        tell([a_book(name, at=until)], sink)
        for at in (48, 49, 50):
            sink.trade(name, Side.ASK, cents(at), contracts(5), until, None)
        return str(until)


def all_in(view: View, _params: object, _holdings: Holdings) -> list[Signal]:
    """Buy a contract where it is offered, and wait for another one."""
    return [
        attrs.evolve(wish, market=seen.market.id)
        for seen in view.markets
        if seen.tradable
        for wish in (
            attrs.evolve(BUY, size=contracts(1)),
            a_signal(leg=Leg.NO, price=cents(50), size=contracts(1)),
        )
    ]


def left(trader: LaneTrader) -> int:
    """Return how many things a trader keeps by market, event or order."""
    desk, world = trader.execution, trader.world
    assert isinstance(desk, PaperExecution)
    kept: tuple[Sized, ...] = (world.seen, world.events, world.touched)
    kept = (*kept, trader._wishes, trader._ended)
    facts = desk._facts
    kept = (*kept, desk._matchers, desk._alive, facts.intents, facts.numbers)
    return sum(len(some) for some in kept)


def things() -> int:
    """Return how many containers there are in this process."""
    gc.collect()
    return len(gc.get_objects())


def test_memory_stays_flat() -> None:
    """A lane that trades one market after another is as large after weeks as after days."""
    lane = a_lane(
        lane_settings(a_strategy(all_in), cash=money("100000"), rules=()),
        lambda world: PaperExecution(world, FULL),
        journal=CountingJournal(),
    )
    trader, at = lane.trader, Micros(NOON)
    trader.data = Quarters()
    lane.start()
    kept, alive = [], []
    # What cooldowns need is remembered for eight days; from then on nothing may grow.
    for days in (9, 4, 4):
        for _ in range(days * 24 * 12):
            at = Micros(at + QUARTER // 3)
            trader.tick(at)
        kept.append(left(trader))
        alive.append(things())

    assert 17 * 96 + 1 == trader.world.announced
    assert kept[0] == kept[1] == kept[2] < 60
    assert abs(alive[2] - alive[1]) < 4 * 96


@attrs.frozen(kw_only=True)
class OnPaper(SimulatedInputs):
    """A simulated world whose books are traded on paper."""

    def feed(self, world: World) -> Feed:
        feed = super().feed(world)
        return attrs.evolve(feed, execution=PaperExecution(world, feed.data.capabilities))


def a_run(kind: type[SimulatedInputs]) -> SimulatedInputs:
    """Return four hours of fifteen minutes each, traded by everything that is shipped."""
    strategies = [ActiveStrategy(strategy=s, params=s.params()) for s in every_strategy().values()]
    return kind(
        settings=lane_settings(*strategies),
        world=SimSettings(
            markets=5,
            families=("SIM-COIN15",),
            rules=Rules.POLYMARKET,
            interval=MINUTE,
            lasts=Duration(4 * HOUR),
        ),
        seed=3,
    )


def opened(inputs: SimulatedInputs, home: Path, ticks: int | None = None) -> Assembled:
    """Begin or continue a run."""
    return assemble(inputs, home, fresh=False, controls=lambda _: lambda: (), ticks_max=ticks)


def play(assembled: Assembled) -> None:
    """Trade as far as it goes."""
    while assembled.lane.step(NEVER) is not None:
        pass
    assembled.close()


@pytest.mark.parametrize("kind", [SimulatedInputs, OnPaper])
def test_runs_are_continued_and_proven(kind: type[SimulatedInputs], tmp_path: Path) -> None:
    """An interrupted run forgets at the same moments, and its journal is derived again."""
    inputs, whole, parts = a_run(kind), tmp_path / "whole", tmp_path / "parts"
    first = opened(inputs, whole)
    play(first)
    for ticks in (70, 60):
        play(opened(inputs, parts, ticks))
    last = opened(inputs, parts)
    play(last)

    world = first.lane.trader.world
    assert 0 < len(world.seen) < world.announced
    assert coverage_of(first.lane) == coverage_of(last.lane)
    assert (first.chain, "finished") == (last.chain, last.lane.snapshot.phase)
    files = [sorted((home / str(first.chain)).glob("*.jsonl")) for home in (whole, parts)]
    assert [p.read_bytes() for p in files[0]] == [p.read_bytes() for p in files[1]]

    old = JournalReader(chain_folder(whole, first.chain), first.chain)
    proof = rehearse(inputs, first.chain, old.read(), first.lane.started)
    while proof.redo.redoing and proof.lane.step(NEVER) is not None:
        pass
    assert proof.lane.snapshot.error is None
    assert first.redo.head == proof.redo.head
