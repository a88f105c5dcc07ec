"""Change a settings file so that a crash at any point leaves one of two files, and a record of it.

Intended (durable) → the file (durable) → ended (durable). Whoever starts afterwards compares the
file with both ends of what was intended and writes down what it finds: never half a change, never
one that nobody knows of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.tuning.changes import APPLIED, SUPERSEDED, UNDONE, change_id
from market_bot.core.ports.config_store import (
    ConfigStore,
    ConfigStoreError,
    PreparedEdit,
)

OPERATOR: Final = "operator"
Record = Callable[[ev.Event], object]
"""Writes a fact down durably before it returns."""


@attrs.frozen
class ChangeApplier:
    """Makes prepared edits, and finishes those that a crash interrupted.

    Args:
        store: the settings files.
        record: writes into the journal of the lane whose settings these are.

    """

    store: ConfigStore
    record: Record

    def apply(self, edit: PreparedEdit, *, by: str, cause: str) -> ev.ChangeEnded:
        """Make an edit and return what became of it, which is written down by then.

        Args:
            edit: as prepared by the store.
            by: who wanted it.
            cause: ``proposal:<id>``, ``trial:<id>`` or ``operator``.

        """
        intended = ev.ChangeIntended(
            change=change_id(edit.file, edit.path, edit.before, edit.after, edit.sha_before, cause),
            file=edit.file,
            path=edit.path,
            before=edit.before,
            after=edit.after,
            sha_before=edit.sha_before,
            sha_after=edit.sha_after,
            by=by,
            cause=cause,
        )
        return self._make(intended, lambda: self.store.write(edit))

    def restore(self, file: str, sha256: str, *, expected: str, by: str) -> ev.ChangeEnded:
        """Put a version of the history back and return what became of it, as `apply` does.

        Args:
            file: which file.
            sha256: the version.
            expected: the version that is replaced; with any other there nothing is written.
            by: who wanted it.

        """
        intended = ev.ChangeIntended(
            change=change_id(file, "", "", sha256, expected, OPERATOR),
            file=file,
            path="",
            before="",
            after="",
            sha_before=expected,
            sha_after=sha256,
            by=by,
            cause=OPERATOR,
        )
        return self._make(intended, lambda: self.store.restore(file, sha256, expected=expected))

    def _make(self, intended: ev.ChangeIntended, write: Callable[[], None]) -> ev.ChangeEnded:
        self.record(intended)
        try:
            write()
        except ConfigStoreError as e:
            return self._end(intended, str(e))
        return self._end(intended)

    def finish(self, pending: Iterable[ev.ChangeIntended]) -> tuple[ev.ChangeEnded, ...]:
        """Find out what became of changes whose end was never written down, and write it down.

        Raises:
            ConfigStoreError: if a file cannot be read; nothing is concluded then.

        """
        return tuple(self._end(intended, "found after a restart") for intended in pending)

    def _end(self, intended: ev.ChangeIntended, reason: str = "") -> ev.ChangeEnded:
        now = self.store.version(intended.file).sha256
        outcome = {intended.sha_after: APPLIED, intended.sha_before: UNDONE}.get(now, SUPERSEDED)
        ended = ev.ChangeEnded(change=intended.change, outcome=outcome, sha256=now, reason=reason)
        self.record(ended)
        return ended
