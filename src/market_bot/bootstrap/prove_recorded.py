"""Prove a chain from its journal and the recordings it names, whatever executed its orders.

What a venue did is taken as the journal tells it. What the paper desk did is derived again too: the
orders of a paper lane are matched once more, and each of its fills has to be the one written down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain as chained
from pathlib import Path
from typing import Final

import attrs

from market_bot.adapters.simulated.paper_desk import paper_desk
from market_bot.adapters.storage.codec import decode_state, digest
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_reader import JournalReader, chain_folder
from market_bot.adapters.storage.recorded_feed import ENDS, RecordedFeed
from market_bot.adapters.storage.tape_files import RECORDED, SUFFIX
from market_bot.bootstrap.fed_lanes import PAPER
from market_bot.bootstrap.hot_settings import successor
from market_bot.bootstrap.settings import lane_settings
from market_bot.bootstrap.taped_lane import snapshot_of
from market_bot.config.canonical import from_canonical
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.marks import MarkSchedule
from market_bot.core.domain.numbers import NEVER, Micros
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Execution
from market_bot.core.ports.journal import Chain, Entry
from market_bot.core.usecases.derive_again import Derivation
from market_bot.core.usecases.fold_journal import fold_journal
from market_bot.core.usecases.journaled_desk import JournaledDesk
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.redo_journal import RedoJournal
from market_bot.core.usecases.trade_lane import LaneTrader

_REASONS_MAX: Final = 100


@attrs.define(eq=False)
class Life:
    """What a journal says of one life of a bot: from one ``bot_started`` to the next.

    Args:
        first: its first line.
        lines: how many lines it has.
        consumed: how many facts were consumed of each recorded file, in the order of playing.
        last_scan: the sequence number of its last scan, 0 if there is none.
        strange: a position that names no recorded file, if there is one.

    """

    first: Entry
    lines: int = 0
    consumed: dict[str, int] = attrs.field(factory=dict)
    last_scan: int = 0
    strange: str | None = None

    def hear(self, entry: Entry) -> None:
        """Take the next line."""
        self.lines += 1
        if not isinstance(entry.event, ev.Scan):
            return
        self.last_scan = entry.seq
        name, _, facts = entry.event.position.rpartition(":")
        if RECORDED.match(name) and facts.isdecimal():
            self.consumed[name] = int(facts)
        else:
            self.strange = self.strange or entry.event.position


@attrs.define(eq=False)
class RecordedProof:
    """What could be derived again.

    ``decisions`` counts all lines derived, by type; ``unproven`` says of each part that could not
    be derived why.
    """

    lines: int = 0
    total: int = 0
    decisions: Counter[str] = attrs.field(factory=Counter)
    unproven: list[str] = attrs.field(factory=list)


def prove_recorded(
    journal_dir: Path,
    chain: Chain,
    tapes: Sequence[Path],
    home: Home,
    watch: Callable[[Iterator[Entry]], Iterator[Entry]] = iter,
) -> RecordedProof:
    """Derive every decision of a chain again from what was recorded, and the fills of a paper lane.

    Args:
        journal_dir: where all chains lie.
        chain: which lane.
        tapes: where its recordings lie; those not given are looked for in the home.
        home: the bot's home directory.
        watch: sees the lines as they are compared.

    Raises:
        NotReproducibleError: if a line is not what follows.
        JournalError: if the journal itself is damaged.
        TapeError: if a recording is damaged.

    """
    reader = JournalReader(chain_folder(journal_dir, chain), chain)
    head, lives = lives_of(reader.read())
    proof = RecordedProof(total=head + sum(life.lines for life in lives))
    if head:
        proof.unproven.append(f"lines 1 to {head:,} of what is kept: their beginning is gone")
    _Prover(chain, watch(reader.read()), head, tapes, home, proof).prove(lives)
    return proof


def lives_of(entries: Iterator[Entry]) -> tuple[int, list[Life]]:
    """Return how many lines come before the first life, and all lives."""
    head = 0
    lives: list[Life] = []
    for entry in entries:
        if isinstance(entry.event, ev.BotStarted):
            lives.append(Life(entry))
        if lives:
            lives[-1].hear(entry)
        else:
            head += 1
    return head, lives


class _Prover:
    """Goes through a chain once, life by life, and keeps the state that the lines lead to."""

    def __init__(
        self,
        chain: Chain,
        entries: Iterator[Entry],
        head: int,
        tapes: Sequence[Path],
        home: Home,
        proof: RecordedProof,
    ) -> None:
        self._chain = chain
        self._entries = entries
        self._given = {path.name.removesuffix(SUFFIX): path for path in tapes}
        self._home = home
        self._proof = proof
        self._marks = MarkSchedule()
        self._last_at: Micros = NEVER
        before = [self._heard(next(entries)) for _ in range(head)]
        self._state = fold_journal(before, _restored, snapshot_of)

    def prove(self, lives: Sequence[Life]) -> None:
        """Derive one life after the other."""
        for life in lives:
            self._prove(life)

    def _prove(self, life: Life) -> None:
        redo = RedoJournal(old=self._lines(life.lines), inner=None)
        before, number = self._proof.lines, life.first.seq
        reason = self._unprovable(life) or self._derive(life, redo)
        for entry in redo.rest():
            self._heard(entry)
            if entry.event is not None and not isinstance(entry.event, ev.Checkpoint):
                self._state = apply(self._state, entry.event, entry.at)
        done = self._proof.lines - before
        if reason is not None and done < life.lines and len(self._proof.unproven) < _REASONS_MAX:
            first, last = number + done, number + life.lines - 1
            self._proof.unproven.append(f"lines {first:,} to {last:,}: {reason}")

    def _derive(self, life: Life, redo: RedoJournal) -> str | None:
        files, missing = self._files(life)
        feed = RecordedFeed(files, life.consumed)
        trader = self._trader(life, redo, feed)
        derivation = Derivation(
            trader=trader, redo=redo, ticks=feed, last_scan=life.last_scan, digest=digest
        )
        reason = derivation.run()
        self._state = trader.state
        if reason == ENDS and missing is not None:
            return f"{missing}{SUFFIX} was not found: say where it is with --tape"
        return reason

    def _trader(self, life: Life, redo: RedoJournal, feed: RecordedFeed) -> LaneTrader:
        started = life.first.event
        text = started.config if isinstance(started, ev.BotStarted) else ""
        settings = lane_settings(from_canonical(text))
        recorder = Recorder(
            journal=redo,
            state=self._state,
            config=life.first.config,
            snapshot=snapshot_of,
            observers=[self._count],
            last_at=self._last_at,
        )
        world = World()
        return LaneTrader(
            settings=settings,
            data=feed,
            execution=self._desk(settings, redo, feed, world),
            recorder=recorder,
            world=world,
            controls=lambda: (),
            marks=self._marks,
            successor=successor,
        )

    def _desk(
        self, settings: LaneSettings, redo: RedoJournal, feed: RecordedFeed, world: World
    ) -> Execution:
        if self._chain.lane == PAPER:
            return paper_desk(self._chain.venue, settings.fills, world, feed.capabilities)
        return JournaledDesk(redo.upcoming)

    def _count(self, event: ev.Event, at: Micros) -> None:
        self._proof.lines += 1
        self._proof.decisions[event.TYPE] += 1
        self._last_at = at

    def _lines(self, count: int) -> Iterator[Entry]:
        for _ in range(count):
            yield next(self._entries)

    def _heard(self, entry: Entry) -> Entry:
        """Let the marks follow a line that no trader tells them of."""
        if entry.event is not None:
            self._marks.hear(entry.event, entry.at)
        self._last_at = entry.at
        return entry

    def _unprovable(self, life: Life) -> str | None:
        if life.strange is not None:
            return f"the position {life.strange} is in no recording of this lane"
        return None

    def _files(self, life: Life) -> tuple[Mapping[str, Path], str | None]:
        """Return the files of a life up to the first that is not there, and its name."""
        found: dict[str, Path] = {}
        for name in life.consumed:
            path = self._find(name)
            if path is None:
                return found, name
            found[name] = path
        return found, None

    def _find(self, name: str) -> Path | None:
        folder = self._home.tape_dir / self._chain.venue
        places = [folder / self._chain.run, folder]
        candidates = chained(
            [self._given[name]] if name in self._given else [],
            (place / f"{name}{SUFFIX}" for place in places),
        )
        return next((path for path in candidates if path.is_file()), None)


def _restored(data: Mapping[str, object]) -> LaneState:
    return decode_state(data, LaneState)
