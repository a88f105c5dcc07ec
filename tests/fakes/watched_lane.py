"""A lane whose changes are watched: its journal as a list, its settings file a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

import attrs

from market_bot.adapters.storage.config_files import ConfigFiles
from market_bot.bootstrap.config_store import config_files
from market_bot.bootstrap.night_work import TYPES
from market_bot.bootstrap.running_trials import knob_value
from market_bot.bootstrap.settings import settings_of
from market_bot.config.loader import parse_venue
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros, money
from market_bot.core.domain.rollback.constants import MINUTE
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.tuning.changes import ChangeLog
from market_bot.core.ports.config_store import PreparedEdit
from market_bot.core.ports.journal import Entry
from market_bot.core.usecases.apply_change import ChangeApplier
from market_bot.core.usecases.watch_trial import HISTORY, Past, Present, WatchTrial

from .clock import NOON
from .trials import trade
from .tuning import FILE, MIN_EDGE, every_knob_file, proposal

BEFORE, AFTER = "0.010", "0.012"
SCAN = ev.Scan(position="", markets=1, views=1, signals=0, denied=0, intents=0)


class Crashed(Exception):
    """The process ended here."""


@attrs.frozen(eq=False)
class MortalStore(ConfigFiles):
    """Settings files whose change may be the last thing that happens."""

    live_on: Callable[[], None] = lambda: None

    def write(self, edit: PreparedEdit) -> None:
        self.live_on()
        super().write(edit)


@attrs.define(eq=False)
class WatchedLane(Past):
    """A lane without trading; its lines survive whatever watches them.

    Args:
        folder: where its settings file lies.
        dies_after: so many things may still be written before the process ends; None is for ever.

    """

    folder: Path
    dies_after: int | None = None
    now: Micros = NOON
    lines: list[Entry] = attrs.field(factory=list)
    queue: list[ev.Event] = attrs.field(factory=list)
    told_outside: list[ev.Event] = attrs.field(factory=list)
    alive: bool = True

    def __attrs_post_init__(self) -> None:
        if not (self.folder / FILE).exists():
            (self.folder / FILE).write_bytes(every_knob_file())
        self.in_force = self.settings()
        self.watch = self.watcher()

    @property
    def store(self) -> ConfigFiles:
        """The settings files."""
        return config_files(self.folder)

    def mortal(self) -> MortalStore:
        """Return the same files, with a chance to die before one is changed."""
        files = self.store
        return MortalStore(files.folder, files.edit, files.check, files.files, self.live_on)

    @property
    def file(self) -> bytes:
        """What the settings file says."""
        return (self.folder / FILE).read_bytes()

    def settings(self) -> LaneSettings:
        """Return what the file means."""
        return settings_of(parse_venue(self.file, FILE))

    def watcher(self) -> WatchTrial:
        """Return what a new process would watch with."""
        return WatchTrial(
            chain="kalshi/paper",
            file=FILE,
            past=self,
            present=lambda: Present(ready=True, head=len(self.lines), at=self.now),
            value=knob_value,
            budget=lambda: money("10"),
            store=self.store,
            put=self.put,
            apply=self.apply,
            tell=self.told_outside.append,
        )

    # -- the journal -------------------------------------------------------------------------

    def told(self) -> Iterator[Entry]:
        return iter([line for line in self.lines if line.type in TYPES])

    def since(self, at: Micros) -> Iterator[Entry]:
        return iter([line for line in self.lines if line.at >= at])

    def after(self, seq: int) -> Iterator[Entry]:
        return iter(self.lines[seq:])

    def history(self, since: Micros) -> Iterator[Entry]:
        return iter([line for line in self.lines if line.at >= since and line.type in HISTORY])

    def facts(self, kind: type[ev.Event]) -> list[ev.Event]:
        """Return the facts of a kind."""
        return [line.event for line in self.lines if isinstance(line.event, kind)]

    def write(self, event: ev.Event, at: Micros | None = None) -> None:
        """Write a line down."""
        self.live_on()
        self.now = max(self.now, at or self.now)
        self.lines.append(
            Entry(
                seq=len(self.lines) + 1,
                at=self.now,
                boot="b",
                config=self.in_force.hash,
                type=event.TYPE,
                event=event,
                prev="",
                hash="",
            )
        )

    def put(self, event: ev.Event) -> bool:
        """Take a fact for the next tick."""
        self.queue.append(event)
        return True

    def tick(self) -> None:
        """Write down what waits."""
        while self.queue:
            self.write(self.queue.pop(0))

    # -- changes -----------------------------------------------------------------------------

    def apply(self, edit: PreparedEdit, by: str, cause: str) -> ev.ChangeEnded:
        """Make an edit, with a chance to die before and after each thing that lasts."""
        self.tick()
        ended = ChangeApplier(self.mortal(), self.write).apply(edit, by=by, cause=cause)
        self.reload(by, edit.path)
        return ended

    def reload(self, by: str = "file", path: str = "") -> None:
        """Take the file as it is, as the lane's keeper does."""
        new = self.settings()
        if new.hash != self.in_force.hash:
            before = self.in_force.hash
            self.write(
                ev.ConfigChanged(before=before, after=new.hash, config=new.text, by=by, path=path)
            )
            self.in_force = new

    def edit(self, old: str, new: str) -> None:
        """Change the file by hand; the lane follows."""
        text = self.file.decode()
        assert text.count(old) == 1
        (self.folder / FILE).write_text(text.replace(old, new), encoding="utf-8")
        self.reload()

    def approve(self, name: str = "p1", after_: str = AFTER, **card: str) -> None:
        """Have a proposal made, queued, approved and applied."""
        sha = self.store.version(FILE).sha256
        self.write(proposal(name, before=BEFORE, after=after_, config_sha256=sha))
        until = Micros(self.now + 7 * 24 * 60 * MINUTE)
        self.write(ev.ProposalQueued(proposal=name, expires_at=until, card=card))
        self.write(ev.ProposalDecided(proposal=name, decision="approved", by="me"))
        edit = self.store.prepare(FILE, MIN_EDGE, before=BEFORE, after=after_)
        self.apply(edit, "me", f"proposal:{name}")

    # -- time --------------------------------------------------------------------------------

    def work(self, steps: int = 12) -> None:
        """Let the watcher and the lane do all there is to do."""
        for _ in range(steps):
            self.watch.step(self.now)
            written = bool(self.queue)
            self.tick()
            if not written and self.watch.step(self.now) != self.now and not self.queue:
                return

    def live(self, minutes: float, every: float = 0.5, *, idle: bool = False) -> None:
        """Let time pass with scans; ``idle`` lets the watcher sleep."""
        end = Micros(self.now + round(minutes * MINUTE))
        while self.now < end:
            self.write(SCAN, Micros(self.now + round(every * MINUTE)))
            if not idle:
                self.work()

    def restart(self) -> None:
        """Begin again as a new process: only journal and file are left."""
        self.dies_after = None
        self.queue.clear()
        self.in_force = self._last_in_force()
        log = ChangeLog()
        for line in self.lines:
            if line.event is not None:
                log = log.hear(line.event, line.at)
        self.watch = self.watcher()
        self.reload()
        for ended in ChangeApplier(self.store, lambda _: None).finish(log.pending.values()):
            self.write(ended)

    def _last_in_force(self) -> LaneSettings:
        hashes = [line.config for line in self.lines]
        changed = self.facts(ev.ConfigChanged)
        last = changed[-1].after if changed else hashes[-1]  # type: ignore[attr-defined]  # of that kind
        now = self.settings()
        return now if now.hash == last else attrs.evolve(now, hash=last)

    def live_on(self) -> None:
        """Go on, or end here."""
        if self.dies_after is not None:
            if self.dies_after == 0:
                self.alive = False
                raise Crashed
            self.dies_after -= 1

    # -- trades ------------------------------------------------------------------------------

    def losses(self, count: int, mid: str = "0.10") -> None:
        """Buy at half a dollar what is worth much less a minute later, in events of their own."""
        for number in range(count):
            began = (self.now - NOON) / MINUTE
            whole = 1000 + len(self.lines) + number
            for at, event, _ in islice(trade(whole, began, f"e{whole}", {0: mid, 60: mid}), 9):
                self.write(event, at)
            self.work()


def names(facts: Iterable[ev.Event]) -> list[str]:
    """Return the types of facts."""
    return [fact.TYPE for fact in facts]
