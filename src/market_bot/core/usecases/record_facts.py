"""Write facts down and fold them: the only way a lane's state changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from market_bot.core.domain.events import Checkpoint, Event
from market_bot.core.domain.lane import FOLD_VERSION, LaneState, apply
from market_bot.core.domain.numbers import NEVER, Micros
from market_bot.core.ports.journal import Journal

Observer = Callable[[Event, Micros], None]
Snapshot = Callable[[LaneState], tuple[Mapping[str, object], str]]


@attrs.define(eq=False)
class Recorder:
    """A journal and the state that follows from it, kept in step.

    Args:
        journal: the lane's chain.
        state: the fold of what the journal holds already.
        config: hash of the configuration in force.
        snapshot: turns a state into plain data and its digest, for checkpoints.
        observers: told of every fact once it is written.
        last_at: the time of the chain's last line; a chain's time never runs back, and the fold
            must see the time that is written.
        changes: how often the state has changed.

    """

    journal: Journal
    state: LaneState
    config: str
    snapshot: Snapshot
    observers: list[Observer] = attrs.field(factory=list)
    last_at: Micros = NEVER
    changes: int = 0

    def record(self, event: Event, at: Micros) -> int:
        """Append a fact, fold it, and return its sequence number.

        Raises:
            DurabilityLostError: if it could not be written; the state is then unchanged.

        """
        at = max(at, self.last_at)
        if self.journal.needs_checkpoint(at):
            self._write(self.checkpoint(), at)
        return self._write(event, at)

    def checkpoint(self) -> Checkpoint:
        """Return the state as a fact."""
        data, digest = self.snapshot(self.state)
        return Checkpoint(fold=FOLD_VERSION, digest=digest, state=data)

    def _write(self, event: Event, at: Micros) -> int:
        number = self.journal.append(event, at, self.config)
        self.last_at = at
        before, self.state = self.state, apply(self.state, event, at)
        self.changes += self.state is not before
        for tell in self.observers:
            tell(event, at)
        return number
