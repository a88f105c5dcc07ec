"""Virtual time, and the one who decides which actor steps next."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from market_bot.core.domain.numbers import Duration, Micros
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.clock import Clock


class VirtualClock(Clock):
    """Moves when it is told to; its wall time can be set, its elapsed time only grows."""

    def __init__(self, start: Micros) -> None:
        self._wall = start
        self._elapsed = Duration(0)

    def now(self) -> Micros:
        return self._wall

    def elapsed(self) -> Duration:
        return self._elapsed

    def advance_to(self, wall: Micros) -> None:
        """Let time pass until the wall clock shows ``wall``."""
        passed = max(0, wall - self._wall)
        self._wall = Micros(self._wall + passed)
        self._elapsed = Duration(self._elapsed + passed)

    def correct(self, by: Duration) -> None:
        """Set the wall clock by a difference, as a time server or a resumed machine does."""
        self._wall = Micros(max(0, self._wall + by))


class StuckError(AssertionError):
    """The actors kept stepping without ever coming to an end."""


class Scheduler:
    """Steps actors one at a time, jumping from due time to due time; ties are shuffled.

    Args:
        rng: decides between actors that are due at once.
        clock: is moved.
        steps_max: more steps are a livelock.

    """

    def __init__(self, rng: Random, clock: VirtualClock, *, steps_max: int = 50_000) -> None:
        self._rng = rng
        self._clock = clock
        self._steps_left = steps_max
        self._due: dict[Actor, Micros] = {}

    def add(self, actor: Actor) -> None:
        """Let an actor begin at once."""
        self._due[actor] = self._clock.now()

    def run(self, until_done: Sequence[Actor]) -> None:
        """Step until these actors are done for good; the others may go on for ever.

        Raises:
            StuckError: if that takes too many steps.

        """
        while any(actor in self._due for actor in until_done):
            if not self._steps_left:
                msg = f"still at work: {[actor.name for actor in until_done if actor in self._due]}"
                raise StuckError(msg)
            self._steps_left -= 1
            self._step_one()

    def _step_one(self) -> None:
        self._clock.advance_to(min(self._due.values()))
        now = self._clock.now()
        ready = [actor for actor, due in self._due.items() if due <= now]
        actor = self._rng.choice(ready)
        due = actor.step(now)
        if due is None:
            del self._due[actor]
        else:
            self._due[actor] = due
