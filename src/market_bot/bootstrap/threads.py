"""A thread that steps an actor: it holds no logic, only the waiting."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from typing import Final

import attrs

from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.clock import Clock

# A host's clock may be set while a thread waits, so that it looks again now and then.
_WAIT_MAX_S: Final = 1.0
_LINE_MAX: Final = 500
_STEPS_LOOKED_AT: Final = 256


@attrs.frozen
class Failure:
    """What ended a worker: one line for people, and the traceback for ``--debug``."""

    name: str
    message: str
    traceback: str = ""


@attrs.frozen(kw_only=True)
class Pace:
    """How a worker's steps go: how many, how long all of them, the last and the longest one took.

    The longest is that of the last few hundred steps.
    """

    steps: int = 0
    total: Duration = Duration(0)
    last: Duration | None = None
    longest: Duration | None = None


class ActorThread:
    """Steps one actor until it is done, told to stop, or fails.

    An exception from `Actor.step` ends the worker: its state may be wrong, and what is wrong must
    not trade. It is kept in `failure`, the actor is stopped, and `on_done` is told.

    Args:
        actor: stepped and stopped by this thread only.
        clock: says when a step is due.
        on_done: called in this thread as its last act, however it ended.

    """

    def __init__(
        self, actor: Actor, clock: Clock, *, on_done: Callable[[ActorThread], None] | None = None
    ) -> None:
        self._actor = actor
        self._clock = clock
        self._on_done = on_done
        self._nudged = threading.Event()
        self._reason: str | None = None
        self._busy_since: Duration | None = None
        self._failure: Failure | None = None
        self._over = threading.Event()
        self._steps = 0
        self._total = Duration(0)
        self._last: Duration | None = None
        self._longest: Duration | None = None
        self._longest_before: Duration | None = None
        self._thread = threading.Thread(target=self._run, name=actor.name, daemon=True)

    @property
    def name(self) -> str:
        """The actor's name."""
        return self._actor.name

    @property
    def failure(self) -> Failure | None:
        """What went wrong, or None."""
        return self._failure

    @property
    def done(self) -> bool:
        """Whether the actor will not be stepped again."""
        return self._over.is_set()

    @property
    def busy_since(self) -> Duration | None:
        """When the present step began, by `Clock.elapsed`; None while it waits."""
        return self._busy_since

    def busy_for(self) -> tuple[str, Duration | None]:
        """Return the name and for how long the present step runs, for a `Watchdog`."""
        since = self._busy_since
        return self.name, None if since is None else Duration(self._clock.elapsed() - since)

    def pace(self) -> Pace:
        """Return how the steps go; from any thread."""
        told = [one for one in (self._longest, self._longest_before) if one is not None]
        return Pace(
            steps=self._steps,
            total=self._total,
            last=self._last,
            longest=max(told, default=None),
        )

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def wake(self) -> None:
        """Step soon, whatever is due; from any thread."""
        self._nudged.set()

    def stop(self, reason: str) -> None:
        """Ask the thread to stop its actor after the present step; the first reason counts."""
        if self._reason is None:
            self._reason = reason
        self._nudged.set()

    def join(self, timeout_s: float) -> bool:
        """Wait until the thread has ended, and tell whether it has."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._guard(self._work)
            if self._failure is not None:
                self._guard(lambda: self._actor.stop(self._clock.now(), "failed"))
        finally:
            self._busy_since = None
            self._over.set()
            if self._on_done is not None:
                self._on_done(self)

    def _work(self) -> None:
        while True:
            # Cleared first: a nudge during the step is not lost.
            self._nudged.clear()
            if self._reason is not None:
                self._busy_since = self._clock.elapsed()
                self._actor.stop(self._clock.now(), self._reason)
                return
            began = self._busy_since = self._clock.elapsed()
            due = self._actor.step(self._clock.now())
            self._busy_since = None
            self._count(Duration(self._clock.elapsed() - began))
            if due is None:
                return
            self._wait(due)

    def _count(self, took: Duration) -> None:
        if self._steps % _STEPS_LOOKED_AT == 0:
            self._longest_before, self._longest = self._longest, None
        self._steps += 1
        self._total = Duration(self._total + took)
        self._last = took
        if self._longest is None or took > self._longest:
            self._longest = took

    def _wait(self, due: Micros) -> None:
        while (left := due - self._clock.now()) > 0:
            if self._nudged.wait(min(left / SECOND, _WAIT_MAX_S)):
                return

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as e:  # noqa: BLE001 - nothing may end a worker silently
            text = "".join(traceback.format_exception(e))
            if self._failure is None:
                self._failure = Failure(self.name, _line(e), text)
            else:
                both = f"{self._failure.traceback}\nand while stopping:\n{text}"
                self._failure = attrs.evolve(self._failure, traceback=both)


def _line(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}"[:_LINE_MAX] if said else type(error).__name__
