"""What was signed and may have been sent, kept until it can do nothing any more."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

import attrs

from market_bot.core.domain.numbers import Micros


class OutboxError(Exception):
    """A signed order could not be kept or read; the text is one line without what was signed."""


@attrs.frozen(kw_only=True)
class Letter:
    """A signed order as it is sent; whoever holds it can send it, so its body is never printed.

    Args:
        order: the venue's name of it.
        intent: ours.
        market: what it is about.
        expires_at: after this moment the venue takes it no more.
        body: exactly the bytes that are sent.

    """

    order: str
    intent: str
    market: str
    expires_at: Micros
    body: bytes = attrs.field(repr=False)


class Outbox(Protocol):
    """Signed orders that are not done with."""

    @abstractmethod
    def put(self, letters: Sequence[Letter]) -> None:
        """Keep letters; once this returns they survive a loss of power.

        Raises:
            OutboxError: if they could not be kept; nothing of them may then be sent.

        """

    @abstractmethod
    def letters(self) -> tuple[Letter, ...]:
        """Return everything that is kept, in the order of its names.

        Raises:
            OutboxError: if something there is not what was put there.

        """

    @abstractmethod
    def drop(self, order: str) -> None:
        """Let go of a letter; harmless if it is not there.

        Raises:
            OutboxError: if it cannot be removed.

        """
