"""The settings file of one running lane: watched, changed and put back, one at a time."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import attrs

from market_bot.adapters.storage.config_files import ConfigFiles
from market_bot.bootstrap.settings import settings_of
from market_bot.config.canonical import from_canonical
from market_bot.config.errors import ConfigError
from market_bot.config.hot import changed_keys, restart_needed
from market_bot.config.loader import parse_venue
from market_bot.core.domain import events as ev
from market_bot.core.domain.hot_change import BAD_EDIT, NEEDS_RESTART
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.tuning.changes import APPLIED, ChangeLog
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.config_store import ConfigStore, ConfigStoreError, PreparedEdit, Version
from market_bot.core.ports.journal import Entry
from market_bot.core.usecases.apply_change import ChangeApplier
from market_bot.core.usecases.keep_config import BY_FILE, LOOK_EVERY, ConfigKeeper, FileSeen
from market_bot.core.usecases.lane_controls import CommandRefused

_STAYS: Final = "the settings in force stay as they are"


def judge(data: bytes, file: str, in_force: LaneSettings) -> FileSeen:
    """Return what the bytes of a settings file say to a lane that trades with other settings."""
    sha = hashlib.sha256(data).hexdigest()
    try:
        sourced = parse_venue(data, file)
        settings = settings_of(sourced)
    except ConfigError as e:
        return FileSeen(sha256=sha, where=BAD_EDIT, trouble=_one(e.lines))
    before = from_canonical(in_force.text)
    faults = [
        str(sourced.source.fault(path, message))
        for path, message in restart_needed(before, sourced.config)
    ]
    if faults:
        return FileSeen(sha256=sha, config=settings.hash, where=NEEDS_RESTART, trouble=_one(faults))
    changed = tuple(changed_keys(before, sourced.config))
    return FileSeen(
        sha256=sha,
        config=settings.hash,
        text=settings.text,
        path=changed[0] if len(changed) == 1 else "",
    )


def _one(lines: Iterable[str]) -> str:
    first, *others = lines
    more = f" (and {len(others)} more)" if others else ""
    return f"{first}{more}; {_STAYS}"


@attrs.frozen
class SettingsFile:
    """A venue's settings file as a lane's keeper looks at it."""

    store: ConfigFiles
    name: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.store.folder / self.name

    def fingerprint(self) -> object:
        """Return what changes with every ordinary edit; None while there is no file."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def read(self, in_force: LaneSettings) -> FileSeen:
        """Read and judge the file; one that can be used is kept in the history."""
        try:
            seen = judge(self.store.content(self.name), self.name, in_force)
            if seen.trouble is None:
                self.store.keep(self.name)
        except ConfigStoreError as e:
            return FileSeen(where=BAD_EDIT, trouble=f"{e}; {_STAYS}")
        return seen


class LaneConfig(Actor):
    """Keeps a lane and its settings file in step; every method from any thread but the lane's.

    Args:
        keeper: looks after hand edits.
        file: the file.
        record: brings a fact to the lane and returns once it is durable there.

    """

    def __init__(
        self, keeper: ConfigKeeper, file: SettingsFile, record: Callable[[ev.Event], None]
    ) -> None:
        self._keeper = keeper
        self._file = file
        self._applier = ChangeApplier(file.store, record)
        # A hand edit is not looked at while another change is under way.
        self._one_at_a_time = threading.Lock()

    @property
    def name(self) -> str:
        """What its thread is called."""
        return self._keeper.name

    @property
    def store(self) -> ConfigFiles:
        """The settings files."""
        return self._file.store

    @property
    def file(self) -> str:
        """The file's name."""
        return self._file.name

    @property
    def trouble(self) -> str | None:
        """What the file says that is not in force, and why; None if all of it is."""
        return self._keeper.trouble

    def step(self, now: Micros) -> Micros:
        """Look after the file; see `ConfigKeeper`. While a change is made there is time."""
        if not self._one_at_a_time.acquire(blocking=False):
            return Micros(now + LOOK_EVERY)
        try:
            return self._keeper.step(now)
        finally:
            self._one_at_a_time.release()

    def stop(self, now: Micros, reason: str) -> None:
        """Do nothing: the file is as it is."""

    def hear(self, event: ev.Event) -> None:
        """Learn what the lane made of a fact; in its thread."""
        self._keeper.hear(event)

    def refusal(self, data: bytes) -> str | None:
        """Return why a file with these bytes could not be taken without a restart, or None."""
        return judge(data, self.file, self._keeper.in_force()).trouble

    def apply(self, edit: PreparedEdit, *, by: str, cause: str) -> ev.ChangeEnded:
        """Make a prepared edit; the lane follows from its next tick on.

        Raises:
            CommandRefused: if a running lane does not take it: nothing was written.

        """
        self._must_be_hot(edit.data)
        with self._one_at_a_time:
            ended = self._applier.apply(edit, by=by, cause=cause)
            self._follow(ended, by, edit.path)
        return ended

    def restore(self, sha256: str, *, expected: str, by: str) -> ev.ChangeEnded:
        """Put a version of the history back; the lane follows from its next tick on.

        Raises:
            CommandRefused: if a running lane does not take it: nothing was written.

        """
        data = self.store.read(Version(file=self.file, sha256=sha256))
        if data is None:
            msg = f"{self.file}: version {sha256[:12]} is not in the history"
            raise CommandRefused(msg)
        self._must_be_hot(data)
        with self._one_at_a_time:
            ended = self._applier.restore(self.file, sha256, expected=expected, by=by)
            self._follow(ended, by, "")
        return ended

    def _must_be_hot(self, data: bytes) -> None:
        trouble = self.refusal(data)
        if trouble is not None:
            raise CommandRefused(trouble)

    def _follow(self, ended: ev.ChangeEnded, by: str, path: str) -> None:
        if ended.outcome == APPLIED:
            self._keeper.take(by=by, path=path)


def log_of(entries: Iterable[Entry]) -> ChangeLog:
    """Return the changes of a settings file that some lines tell of."""
    log = ChangeLog()
    for entry in entries:
        if entry.event is not None:
            log = log.hear(entry.event, entry.at)
    return log


def ends_of(log: ChangeLog, store: ConfigStore) -> tuple[ev.ChangeEnded, ...]:
    """Return what became of changes that a crash interrupted, as facts to write down.

    Raises:
        ConfigStoreError: if a file cannot be read.

    """
    return ChangeApplier(store, lambda _: None).finish(log.pending.values())


def changed_meanwhile(
    log: ChangeLog, before: str, settings: LaneSettings, sha256: str
) -> ev.ConfigChanged | None:
    """Return the fact that the settings are no longer those of a lane's last life, if so.

    Args:
        log: the changes that were made of the file.
        before: hash of the configuration that was in force last; empty if there was none.
        settings: those in force from now on.
        sha256: of the file as it is.

    """
    if before in ("", settings.hash):
        return None
    known = next((m for m in reversed(log.made) if m.ended.outcome == APPLIED), None)
    ours = known is not None and known.ended.sha256 == sha256
    return ev.ConfigChanged(
        before=before,
        after=settings.hash,
        config=settings.text,
        by=known.intended.by if ours and known is not None else BY_FILE,
        path=known.intended.path if ours and known is not None else "",
    )
