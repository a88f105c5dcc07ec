"""Measure the fidelity of a lane: how much of its journal a replay of its settings decides again.

A run on tapes or in a simulated world is replayed from its inputs. Any other lane, and a simulated
one for which tapes are given, is replayed from what it recorded, life by life, with the paper
engine in place of whatever executed its orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import attrs

from market_bot.adapters.simulated.paper_desk import paper_desk
from market_bot.adapters.storage.codec import decode_state, digest, event_data
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.storage.recorded_feed import RecordedFeed
from market_bot.adapters.storage.tape_files import SUFFIX
from market_bot.bootstrap.hot_settings import successor
from market_bot.bootstrap.prove_recorded import Life, lives_of
from market_bot.bootstrap.prove_run import Watch, inputs_of_chain
from market_bot.bootstrap.recording import record_like
from market_bot.bootstrap.settings import lane_settings
from market_bot.bootstrap.taped_lane import snapshot_of
from market_bot.config.canonical import from_canonical
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.replay_result import Fidelity
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Execution
from market_bot.core.ports.journal import Chain, Entry, JournalError
from market_bot.core.ports.market_data import MarketData, MarketDataError
from market_bot.core.usecases.fold_journal import fold_journal
from market_bot.core.usecases.match_decisions import DecisionMatch, RecordedLife, controls_in
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.shared_world import CountingJournal
from market_bot.core.usecases.trade_lane import LaneTrader

_NOTES_MAX: Final = 20

Stop = Callable[[], bool]


class FidelityError(JournalError):
    """Nothing can be compared; the message says why and what to do."""


@attrs.frozen(kw_only=True)
class _Source:
    """Where the facts and ticks of one life come from, and where its orders go."""

    data: MarketData
    next_tick: Callable[[], Micros | None]
    desk: Execution
    world: World
    missing: str = ""


SourceOf = Callable[[Life, LaneSettings], _Source]


def measure_fidelity(
    journal_dir: Path,
    chain: Chain,
    tapes: Sequence[Path],
    home: Home,
    *,
    on_paper: bool = False,
    watch: Watch = iter,
    stop: Stop = lambda: False,
) -> Fidelity:
    """Replay a lane with its own settings and count the decisions that are the same.

    Args:
        journal_dir: where all chains lie.
        chain: which lane.
        tapes: where its tapes lie; those not given are looked for in the home.
        home: the bot's home directory.
        on_paper: use the paper engine on the recordings of a simulated lane as well.
        watch: sees the lines as they are compared.
        stop: asked before every tick.

    Raises:
        FidelityError: if there is nothing to compare with.
        JournalError: if the journal is damaged, or a tape of a run is missing.
        TapeError: if a tape is damaged.

    """
    reader = JournalReader(chain_folder(journal_dir, chain), chain)
    head, lives = lives_of(reader.read())
    if not lives:
        msg = f"{chain}: the journal holds no bot_started: there is nothing to replay"
        raise FidelityError(msg)
    if chain.lane == "tape" or (chain.lane == "sim" and not (tapes or on_paper)):
        source_of = _from_inputs(chain, reader, tapes, home)
    else:
        source_of = _from_recordings(chain, tapes, home)
    measure = _Measure(watch(reader.read()), head, source_of, stop)
    for life in lives:
        measure.compare(life)
    return measure.fidelity(str(chain), len(lives))


class _Measure:
    """Goes through a chain once, life by life, and keeps the state that its lines lead to."""

    def __init__(
        self, entries: Iterator[Entry], head: int, source_of: SourceOf, stop: Stop
    ) -> None:
        self._entries = entries
        self._source_of = source_of
        self._stop = stop
        self._match = DecisionMatch(describe)
        self._state = fold_journal(islice(entries, head), _restored, snapshot_of)
        self._last_at = Micros(0)
        self._notes: list[str] = []
        if head:
            self._note(f"the first {head:,} lines that are kept begin in the middle of a life")

    def fidelity(self, chain: str, segments: int) -> Fidelity:
        """Return what was found."""
        return self._match.fidelity(chain, segments=segments, note="; ".join(self._notes))

    def compare(self, life: Life) -> None:
        """Replay one life and compare it."""
        recorded = RecordedLife(islice(self._entries, life.lines), self._heard)
        left = 0
        try:
            left = self._replay(life, recorded)
        except MarketDataError as e:
            self._note(str(e))
        while not recorded.over:
            recorded.take()
            left += 1
        if left:
            self._note(f"{left:,} of {life.lines:,} lines from {life.first.seq:,} on are left out")

    def _replay(self, life: Life, recorded: RecordedLife) -> int:
        """Replay as much as there are data for; return how many lines were taken in vain."""
        started = life.first.event
        if not isinstance(started, ev.BotStarted):
            return 0
        settings = lane_settings(from_canonical(started.config))
        source = self._source_of(life, settings)
        made: list[tuple[Micros, ev.Event]] = []
        trader = self._trader(life, settings, source, made)
        replay = _LifeReplay(recorded, source, trader, made, self._match, self._stop)
        replay.run(started)
        if replay.stopped:
            self._note("the comparison was stopped before its end")
        elif source.missing and not recorded.over:
            self._note(source.missing)
        return replay.left

    def _trader(
        self,
        life: Life,
        settings: LaneSettings,
        source: _Source,
        made: list[tuple[Micros, ev.Event]],
    ) -> LaneTrader:
        recorder = Recorder(
            journal=CountingJournal(),
            state=self._state,
            config=life.first.config,
            snapshot=lambda _: ({}, ""),
            observers=[lambda event, at: made.append((at, event))],
            last_at=self._last_at,
        )
        return LaneTrader(
            settings=settings,
            data=source.data,
            execution=source.desk,
            recorder=recorder,
            world=source.world,
            controls=tuple,
            commit_ticks=1 << 30,
            successor=successor,
        )

    def _heard(self, entry: Entry) -> None:
        self._last_at = entry.at
        if entry.event is not None and not isinstance(entry.event, ev.Checkpoint):
            self._state = apply(self._state, entry.event, entry.at)

    def _note(self, text: str) -> None:
        if len(self._notes) < _NOTES_MAX:
            self._notes.append(text)


@attrs.define(eq=False)
class _LifeReplay:
    """One life of a bot, replayed beside its lines."""

    recorded: RecordedLife
    source: _Source
    trader: LaneTrader
    made: list[tuple[Micros, ev.Event]]
    match: DecisionMatch
    stop: Stop
    stopped: bool = attrs.field(default=False, init=False)
    left: int = attrs.field(default=0, init=False)
    _old: list[Entry] = attrs.field(factory=list, init=False)
    _now: Micros | None = attrs.field(default=None, init=False)

    def run(self, started: ev.BotStarted) -> None:
        """Replay as long as there are lines and data."""
        first = self.recorded.take()
        self._old.append(first)
        self.trader.start(started, first.at)
        self._take_what_was_learnt()
        while not self.stop():
            at = self.source.next_tick()
            if at is None or (self.recorded.over and at != self._now):
                break
            self._tick(at)
        else:
            self.stopped = True
        self._close()

    def _take_what_was_learnt(self) -> None:
        """Take over what came from outside before the first tick: it is no decision."""
        while (entry := self.recorded.upcoming) is not None and isinstance(
            entry.event, (ev.Error, ev.VenueState, ev.TapeChanged)
        ):
            self._old.append(self.recorded.take())
            self.trader.note(entry.event, entry.at)

    def _tick(self, at: Micros) -> None:
        if self._now is not None and at > self._now:
            self._compare()
        self._now = at
        lines = self.recorded.until(at)
        self._old.extend(lines)
        wanted = controls_in(lines)
        self.trader.controls = lambda: wanted
        self.trader.tick(at)

    def _close(self) -> None:
        """Close the lane as it was closed, if it was; else the bot was killed within a tick."""
        upcoming = self.recorded.upcoming
        if upcoming is not None and not self.stopped:
            rest = self.recorded.until(upcoming.at)
            if any(isinstance(entry.event, ev.Scan) for entry in rest):
                # A tick whose data are gone: nothing can be said about it.
                self.left = len(rest)
            else:
                if upcoming.at != self._now:
                    self._compare()
                self._old.extend(rest)
        last = self._old[-1] if self._old else None
        finished = last is not None and isinstance(last.event, ev.BotStopped)
        if last is not None and isinstance(last.event, ev.BotStopped):
            ending = digest(self.trader.state) if last.event.digest else ""
            self.trader.finish(last.event.reason, ending, last.at)
        self._compare(cut_off=not finished)

    def _compare(self, *, cut_off: bool = False) -> None:
        self.match.compare(self._old, self.made, cut_off=cut_off)
        self._old.clear()
        self.made.clear()


def describe(event: ev.Event) -> str:
    """Return a fact as one line for people."""
    data = ", ".join(f"{key} {value}" for key, value in event_data(event).items())
    return f"{event.TYPE}: {data}"


def _from_inputs(
    chain: Chain, reader: JournalReader, tapes: Sequence[Path], home: Home
) -> SourceOf:
    def source(life: Life, settings: LaneSettings) -> _Source:  # noqa: ARG001 - the inputs know them
        started = life.first.event
        if not isinstance(started, ev.BotStarted):
            msg = f"{chain}: its first line is not bot_started"
            raise FidelityError(msg)
        world = World()
        feed = inputs_of_chain(chain, started, tapes, home).feed(world)
        # The positions in scans are those of the recording, where there was one.
        data = record_like(reader.read(), None)(feed.data, world, chain)
        return _Source(data=data, next_tick=feed.ticks.next_tick, desk=feed.execution, world=world)

    return source


def _from_recordings(chain: Chain, tapes: Sequence[Path], home: Home) -> SourceOf:
    given = {path.name.removesuffix(SUFFIX): path for path in tapes}
    folder = home.tape_dir / chain.venue

    def source(life: Life, settings: LaneSettings) -> _Source:
        files: dict[str, Path] = {}
        missing = ""
        for name in life.consumed:
            path = _found(name, given, folder, chain.run)
            if path is None:
                missing = f"{name}{SUFFIX} was not found: say where it is with --tape"
                break
            files[name] = path
        world = World()
        feed = RecordedFeed(files, life.consumed)
        desk = paper_desk(chain.venue, settings.fills, world, feed.capabilities)
        return _Source(data=feed, next_tick=feed.next_tick, desk=desk, world=world, missing=missing)

    return source


def _found(name: str, given: Mapping[str, Path], folder: Path, run: str) -> Path | None:
    places = [given.get(name), folder / run / f"{name}{SUFFIX}", folder / f"{name}{SUFFIX}"]
    return next((path for path in places if path is not None and path.is_file()), None)


def _restored(data: Mapping[str, object]) -> LaneState:
    return decode_state(data, LaneState)
