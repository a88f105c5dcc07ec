"""What a person wants of a lane, brought to its next tick: commands and the HALT file."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import SECOND, Duration
from market_bot.core.ports.clock import Clock

_LOOK_EVERY: Final = Duration(SECOND // 4)
_BY_FILE: Final = "file"
_REASON_MAX: Final = 200


class CommandRefused(Exception):
    """A command was not taken, or only in part; the message is one line saying what and why."""


@attrs.define(eq=False)
class CommandQueue:
    """Commands on their way to one lane; any thread may put, the lane's own takes.

    Args:
        capacity: more are refused, so that a lane that hangs is not buried.

    """

    capacity: int = 64
    _waiting: deque[ev.Event] = attrs.field(factory=deque, init=False)

    def put(self, event: ev.Event) -> bool:
        """Add a command, or return False because the queue is full."""
        if len(self._waiting) >= self.capacity:
            return False
        self._waiting.append(event)
        return True

    def take(self) -> Sequence[ev.Event]:
        """Remove and return what is there, oldest first; never waits."""
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken

    def __len__(self) -> int:
        """Return how many commands wait."""
        return len(self._waiting)


@attrs.define(eq=False)
class LaneControls:
    """Merges commands and the HALT file into facts for a lane's chain.

    Every command is taken, so that the journal shows who wanted what. The file is a state, not a
    command: it halts a lane that is not halted, and its removal lifts only a halt that it caused.
    A person may write it with any editor; the bot's own `halt` writes it as well, so that a halt
    survives a restart.

    Args:
        queue: commands of people and pages.
        halted: the lane's halt in force (``by: reason``), or None.
        halt_file: returns the text of the HALT file, or None where there is none.
        clock: limits how often the file is looked at, since a tape plays thousands of ticks a
            second.

    """

    queue: CommandQueue
    halted: Callable[[], str | None]
    halt_file: Callable[[], str | None]
    clock: Clock
    _looked: Duration | None = attrs.field(default=None, init=False)

    def __call__(self) -> Sequence[ev.Event]:
        """Return the facts to take now, in order."""
        # The file is read after the queue: the desk changes the file first and queues after, so
        # that a file found beside a command to resume is a newer wish than that command.
        commands = self.queue.take()
        if not commands and not self._due():
            return commands
        return [*commands, *_from_file(self.halt_file(), _after(self.halted(), commands))]

    def _due(self) -> bool:
        now = self.clock.elapsed()
        if self._looked is not None and now - self._looked < _LOOK_EVERY:
            return False
        self._looked = now
        return True


def _after(halted: str | None, commands: Sequence[ev.Event]) -> str | None:
    for command in commands:
        if isinstance(command, ev.Halt):
            halted = f"{command.by}: {command.reason}"
        elif isinstance(command, ev.Resume):
            halted = None
    return halted


def _from_file(text: str | None, halted: str | None) -> Sequence[ev.Event]:
    if text is not None and halted is None:
        return (ev.Halt(by=_BY_FILE, reason=_first_line(text)),)
    if text is None and halted is not None and halted.startswith(f"{_BY_FILE}: "):
        return (ev.Resume(by=_BY_FILE, reason="HALT file removed"),)
    return ()


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0].strip()[:_REASON_MAX] if lines else "HALT file"
