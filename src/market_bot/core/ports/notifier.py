"""Messages to a person who is somewhere else."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

import attrs


class NotifierError(Exception):
    """A way to a person cannot be used; the message says why, what to do, and holds no secret."""


@attrs.frozen(kw_only=True)
class Message:
    """What is sent; ``level`` is one of info, notice, warning and alarm."""

    level: str
    subject: str
    body: str


@attrs.frozen
class Outcome:
    """What became of a message; ``reason`` is a line for people, "" if it was delivered."""

    delivered: bool
    reason: str = ""


class Notifier(Protocol):
    """One way to a person. Nothing here ever waits but `close`, and that not for long."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the operator calls it."""

    @abstractmethod
    def begin(self, message: Message) -> bool:
        """Begin to send, elsewhere; False while the message before has not come to an end."""

    @abstractmethod
    def outcome(self) -> Outcome | None:
        """Return once what became of the message begun; None while that is open, or told."""

    @abstractmethod
    def close(self, timeout_s: float) -> None:
        """Give a message under way so many seconds, then leave it to itself."""
