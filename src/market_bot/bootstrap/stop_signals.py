"""Ctrl-C and SIGTERM while nobody waits for them: noted, so that start and end are orderly too."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any, Final, Self

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Notes the first signal that asks to stop; a context manager for the main thread.

    An event loop that takes the signals over gives them back to the system when it closes; call
    `listen` after it.
    """

    def __init__(self) -> None:
        self.asked: str | None = None
        self._before: dict[signal.Signals, Callable[[int, Any], Any] | int | None] = {}

    def listen(self) -> None:
        """Note signals from here on instead of dying of them."""
        for number in SIGNALS:
            # It only notes: whatever takes a lock could wait for the code it interrupts.
            signal.signal(number, self._note)

    def __enter__(self) -> Self:
        self._before = {number: signal.getsignal(number) for number in SIGNALS}
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: object) -> None:
        self.asked = self.asked or signal.Signals(number).name
