"""From a chain's lines to the state a lane goes on with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from market_bot.core.domain.events import Checkpoint
from market_bot.core.domain.lane import FOLD_VERSION, LaneState, apply
from market_bot.core.ports.journal import Entry, JournalError
from market_bot.core.usecases.record_facts import Snapshot

Restore = Callable[[Mapping[str, object]], LaneState]


class FoldError(JournalError):
    """A chain's lines do not lead to a state; the message says why and what to do."""


def fold_journal(entries: Iterable[Entry], restore: Restore, snapshot: Snapshot) -> LaneState:
    """Return the state that lines lead to.

    From the first line of a chain everything is folded and no checkpoint is needed, so that a new
    version of the fold counts the past in its own way. Lines that begin later must begin with a
    checkpoint of this version.

    Args:
        entries: lines in order, from the first of the chain or from a checkpoint on.
        restore: makes a state from the plain data of a checkpoint.
        snapshot: turns a state into plain data and its digest.

    Raises:
        FoldError: if the first line is neither, its version is another, or its digest is not that
            of its state.

    """
    state: LaneState | None = None
    for entry in entries:
        event = entry.event
        if state is None:
            state = _beginning(entry, restore, snapshot)
        if event is not None and not isinstance(event, Checkpoint):
            state = apply(state, event, entry.at)
    return LaneState() if state is None else state


def _beginning(entry: Entry, restore: Restore, snapshot: Snapshot) -> LaneState:
    if entry.seq == 1:
        return LaneState()
    event = entry.event
    if not isinstance(event, Checkpoint):
        msg = f"line {entry.seq}: the lines before it are missing: bring the older files back"
        raise FoldError(msg)
    if event.fold != FOLD_VERSION:
        msg = (
            f"line {entry.seq}: the checkpoint is of fold version {event.fold}, this program has "
            f"{FOLD_VERSION}: bring the older files back, or go on with the version that wrote it"
        )
        raise FoldError(msg)
    state = restore(event.state)
    if snapshot(state)[1] != event.digest:
        msg = (
            f"line {entry.seq}: the checkpoint's digest is not that of its state: verify the chain"
        )
        raise FoldError(msg)
    return state
