"""Notice workers that do not come back from their work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.actor import Actor

Worker = Callable[[], tuple[str, Duration | None]]


@attrs.define(eq=False)
class Watchdog(Actor):
    """Looks every second whether each worker has come back; tells once when it stalls or recovers.

    Args:
        workers: each returns its name and for how long its present step runs, None when idle.
        on_stall: told the name and for how long it has been away.
        on_recovery: told the name of a worker that came back.
        limit: how long a step may take.
        every: how often to look.

    """

    workers: Sequence[Worker]
    on_stall: Callable[[str, Duration], None]
    on_recovery: Callable[[str], None]
    limit: Duration = attrs.field(default=Duration(5 * SECOND))
    every: Duration = SECOND
    _stalled: tuple[str, ...] = attrs.field(default=(), init=False)

    @property
    def name(self) -> str:
        """What to call it."""
        return "watchdog"

    def stalled(self) -> Sequence[str]:
        """Return the names of the workers that are away for too long; from any thread."""
        return self._stalled

    def step(self, now: Micros) -> Micros | None:
        """Look at every worker; see `Actor.step`."""
        away = dict(self._away())
        before, self._stalled = self._stalled, tuple(away)
        for name, busy_for in away.items():
            if name not in before:
                self.on_stall(name, busy_for)
        for name in before:
            if name not in away:
                self.on_recovery(name)
        return Micros(now + self.every)

    def stop(self, now: Micros, reason: str) -> None:
        """Nothing has to be closed."""

    def _away(self) -> Sequence[tuple[str, Duration]]:
        seen = [worker() for worker in self.workers]
        return [(name, busy) for name, busy in seen if busy is not None and busy >= self.limit]
