"""A lane with several lives, recorded as it is traded: restarts, kills, midnights, failures."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import attrs

from market_bot.adapters.storage.codec import digest
from market_bot.adapters.storage.recorded_feed import RecordedFeed
from market_bot.adapters.storage.tape_files import NewFiles, TapeLabel, sources_of
from market_bot.adapters.storage.tape_recording import RecordingData
from market_bot.adapters.storage.tape_writer import TapeWriter
from market_bot.bootstrap.prove_recorded import Life, lives_of
from market_bot.core.domain import events as ev
from market_bot.core.domain.book import Side
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.market import MarketStatus
from market_bot.core.domain.numbers import NEVER, Duration, Micros, Price, Size, price
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.signals import Intent
from market_bot.core.domain.tally import Tally
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Execution, Outcome
from market_bot.core.ports.execution import Fact as DeskFact
from market_bot.core.ports.journal import Entry
from market_bot.core.ports.market_data import Capability, MarketData, MarketDataError, Sink
from market_bot.core.usecases.derive_again import Derivation
from market_bot.core.usecases.fed_lane import FedLane
from market_bot.core.usecases.journaled_desk import JournaledDesk
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.record_marks import marks_from
from market_bot.core.usecases.redo_journal import RedoJournal
from market_bot.core.usecases.trade_lane import LaneTrader

from .builders import a_market, announced
from .journal import ListJournal
from .market_data import FULL
from .recording_sink import Fact, tell

VENUE = "simulated"
MakeDesk = Callable[[World, Random], Execution]


class FedData(MarketData):
    """Says what it is given; now and then it fails after saying some of it."""

    def __init__(self) -> None:
        self.waiting: deque[Fact] = deque()
        self.fails_after: int | None = None

    @property
    def capabilities(self) -> frozenset[Capability]:
        return FULL

    def drain(self, sink: Sink, until: Micros) -> str:
        left, self.fails_after = self.fails_after, None
        while self.waiting:
            if left == 0:
                break
            tell([self.waiting.popleft()], sink)
            left = None if left is None else left - 1
        if left is not None:
            msg = "the connection was lost"
            raise MarketDataError(msg)
        return "inner"


@attrs.define(eq=False)
class OncePerTick(Execution):
    """Hands out what came in the meantime at the first `collect` of a tick, as desks do."""

    inner: Execution
    _at: Micros | None = attrs.field(default=None, init=False)

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        return self.inner.submit(intent, at)

    def cancel(self, intent: str, at: Micros) -> None:
        self.inner.cancel(intent, at)

    def collect(self, at: Micros) -> Sequence[DeskFact]:
        if at == self._at:
            return ()
        self._at = at
        return self.inner.collect(at)


def some_facts(random: Random, market: str, at: Micros) -> list[Fact]:
    """Return what may happen to a market before a moment: books, changes, prints, trouble."""

    def ago() -> Micros:
        return Micros(at - random.randint(0, 900_000))

    middle = random.randint(10, 90)
    bids = {price(f"0.{middle - d:02}"): Size(random.randint(0, 30) * 10**6) for d in (1, 2, 3)}
    asks = {price(f"0.{middle + d:02}"): Size(random.randint(0, 30) * 10**6) for d in (1, 2, 3)}
    facts: list[Fact] = []
    if random.random() < 0.6:
        facts.append(("book", market, bids, asks, ago(), None))
    for _ in range(random.randint(0, 4)):
        where, much = Price(random.randint(5, 95) * 10_000), Size(random.randint(0, 9) * 10**6)
        side = random.choice(list(Side))
        kind = random.choice(("delta", "delta", "trade"))
        facts.append((kind, market, side, where, much, ago(), None))
    if random.random() < 0.1:
        facts.append(("gap", random.choice(["", market]), "lost", ago()))
    if random.random() < 0.1:
        whose = random.choice(["", market])
        status = random.choice([MarketStatus.OPEN, MarketStatus.OPEN, MarketStatus.PAUSED])
        facts.append(("status", whose, status, ago()))
    if random.random() < 0.05:
        facts.append(("meta", a_market(market, title=f"as of {at}"), ago()))
    if random.random() < 0.05:
        facts.append(("reference", "BTC-USD", f"{random.randint(1, 9)}.5", ago(), None))
    if random.random() < 0.03:
        facts.append(("resolution", market, price(random.choice(["0", "0.5", "1"])), ago()))
    if random.random() < 0.05:
        # What no tape can hold must not reach the world either.
        facts.append(("delta", "nobody", Side.BID, price("0.5"), Size(1), ago(), None))
        facts.append(("trade", market, Side.BID, Price(2_000_000), Size(1), ago(), None))
    return facts


def picture_of(world: World) -> dict[str, Any]:
    """Return everything a world knows, in the order in which it knows it."""
    return {
        "markets": {
            name: (
                known.market,
                known.status,
                known.resolved,
                known.last_trade,
                list(known.book.bids.items()),
                list(known.book.asks.items()),
                (known.book.best_bid, known.book.best_ask, known.book.whole),
                known.book.changed_at,
                list(known.prints),
                list(known.mids),
            )
            for name, known in world.seen.items()
        },
        "events": {name: list(markets) for name, markets in world.events.items()},
        "references": {
            name: (known.value, list(known.history)) for name, known in world.references.items()
        },
        # Not how many facts it took: what a new file opens with may tell a market once more.
        "counts": (world.ignored, world.gaps, world.now, world.venue_status),
    }


class NumberedJournal(ListJournal):
    """A chain that outlives its bots."""

    def entries(self) -> Iterator[Entry]:
        """Yield every line."""
        return self.read()

    def state(self) -> LaneState:
        """Return what the lines lead to."""
        state = LaneState()
        for line in self.lines:
            state = apply(state, line.event, line.at)
        return state


@attrs.define(eq=False)
class RecordedLives:
    """A lane whose recordings lie in one folder.

    Args:
        folder: where the recordings lie.
        settings: what it trades with.
        desk: makes the desk of each life.
        random: what happens.
        group: records to a group.
        known: other settings by their hash; now and then a lane is told of one of them.
        pictures: of the world of each life as it was at its last scan.
        at: the time of the last tick.

    """

    folder: Path
    settings: LaneSettings
    desk: MakeDesk
    random: Random
    group: int = 5
    known: dict[str, LaneSettings] = attrs.field(factory=dict)
    journal: NumberedJournal = attrs.field(factory=NumberedJournal)
    pictures: list[dict[str, Any]] = attrs.field(factory=list)
    at: Micros = Micros(0)

    def live(self, steps: Sequence[Duration], *, killed: bool, markets: Sequence[str]) -> None:
        """Live once: a tick after each step of time, then an orderly stop or a kill."""
        source, world = FedData(), World()
        label = TapeLabel(venue=VENUE, source="a test", capabilities=FULL, group=self.group)
        data = RecordingData(
            source, venue=VENUE, world=world, files=NewFiles(folder=self.folder, label=label)
        )
        controls: list[ev.Event] = []
        picture = picture_of(world)
        lane = self._lane(data, world, controls)
        source.waiting.extend(announced(a_market(name), self.at) for name in markets)
        for step in steps:
            self.at = Micros(self.at + step)
            for name in self.random.sample(markets, len(markets)):
                source.waiting.extend(some_facts(self.random, name, self.at))
            self._trouble(source, controls)
            scans = self._scans()
            lane.step(self.at)
            if self._scans() > scans:
                picture = picture_of(world)
        if killed:
            forget_last_group(data)
        else:
            lane.stop(self.at, "asked")
            data.close()
        assert lane.snapshot.phase != "failed", lane.snapshot.error
        self.pictures.append(picture)

    def _scans(self) -> int:
        return sum(isinstance(event, ev.Scan) for event in self.journal.events)

    def _lane(self, data: MarketData, world: World, controls: list[ev.Event]) -> FedLane:
        lines = self.journal.lines
        recorder = Recorder(
            journal=self.journal,
            state=self.journal.state(),
            config=self.settings.hash,
            snapshot=lambda _: ({}, "digest"),
            last_at=lines[-1].at if lines else NEVER,
        )

        def taken() -> Sequence[ev.Event]:
            now, controls[:] = list(controls), []
            return now

        trader = LaneTrader(
            settings=self.settings,
            data=data,
            execution=self.desk(world, self.random),
            recorder=recorder,
            world=world,
            controls=taken,
            marks=marks_from(self.journal.entries()),
            successor=self._successor,
        )
        return FedLane(
            trader=trader,
            started=lambda: a_start_of(self.settings),
            tally=Tally(),
            blank=LaneSnapshot(venue=VENUE, lane="paper", run="", limits={}),
            interval=Duration(0),
            digest=lambda: digest(trader.state),
        )

    def _trouble(self, source: FedData, controls: list[ev.Event]) -> None:
        if self.random.random() < 0.1:
            source.fails_after = self.random.randint(0, 3)
        if self.random.random() < 0.05:
            controls.append(ev.Halt(by="ann", reason="r", flatten=self.random.random() < 0.5))
        elif self.random.random() < 0.2:
            controls.append(ev.Resume(by="ann"))
        if self.known and self.random.random() < 0.2:
            name = self.random.choice(list(self.known))
            controls.append(ev.ConfigChanged(before="", after=name, config=name, by="ann"))

    def _successor(self, _: LaneSettings, text: str) -> LaneSettings:
        return self.known[text]

    def lives(self) -> list[tuple[Life, list[Entry], list[Entry]]]:
        """Return each life with the lines before it and its own."""
        entries = list(self.journal.entries())
        _, lives = lives_of(iter(entries))
        starts = [life.first.seq - 1 for life in lives]
        return [
            (life, entries[:begin], entries[begin:end])
            for life, (begin, end) in zip(lives, pairwise([*starts, len(entries)]), strict=True)
        ]

    def derive(
        self,
        life: Life,
        before: Sequence[Entry],
        own: Sequence[Entry],
        *,
        desk: MakeDesk | None = None,
    ) -> Derived:
        """Derive one life again from journal and recordings, with a desk of its own if any."""
        redo = RedoJournal(old=iter(own), inner=None)
        names = sources_of(self.folder.iterdir())
        feed = RecordedFeed({name: names[name] for name in life.consumed}, life.consumed)
        state = LaneState()
        for entry in before:
            if entry.event is not None:
                state = apply(state, entry.event, entry.at)
        done: list[ev.Event] = []
        recorder = Recorder(
            journal=redo,
            state=state,
            config=life.first.config,
            snapshot=lambda _: ({}, "digest"),
            observers=[lambda event, _: done.append(event)],
            last_at=before[-1].at if before else NEVER,
        )
        world = World()
        trader = LaneTrader(
            settings=self.known.get(life.first.config, self.settings),
            data=feed,
            execution=desk(world, self.random) if desk else JournaledDesk(redo.upcoming),
            recorder=recorder,
            world=world,
            controls=lambda: (),
            marks=marks_from(iter(before)),
            successor=self._successor,
        )
        derivation = Derivation(
            trader=trader, redo=redo, ticks=feed, last_scan=life.last_scan, digest=digest
        )
        return Derived(derivation.run(), done, world)


@attrs.frozen
class Derived:
    """What could be derived of a life: why no more, the lines, and the world at the end."""

    reason: str | None
    events: list[ev.Event]
    world: World


def a_start_of(settings: LaneSettings) -> ev.BotStarted:
    """Return the opening of a life; only the first one brings cash."""
    return ev.BotStarted(mode="paper", instance="inst", version="0", fold=1, cash=settings.cash)


def forget_last_group(data: RecordingData) -> None:
    """Let go of a recording as a kill does: what was not written is lost."""
    reel = data._reel
    if reel is None or reel.records._file is None:
        return
    writer = getattr(reel.records._file.add, "__self__", None)
    assert isinstance(writer, TapeWriter)
    writer._file.close()
