"""Windows of a lane's past: what rules and analytics look at."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from market_bot.core.domain.analytics.window import Window
from market_bot.core.domain.numbers import Micros


class Following(Protocol):
    """A window that grows: every look takes in only what is new."""

    @abstractmethod
    def read_on(self, until: Micros) -> Window:
        """Return the window up to a moment not before the one of the last look.

        Raises:
            JournalError: as `Windows.read`.

        """


class Windows(Protocol):
    """Reads windows of one chain."""

    @abstractmethod
    def read(self, since: Micros, until: Micros) -> Window:
        """Return what happened from ``since`` on and before ``until``.

        Raises:
            CorruptJournalError: if a complete line cannot be understood.
            JournalError: if lines are missing from which the beginning would follow.

        """

    @abstractmethod
    def follow(self, since: Micros) -> Following:
        """Return a window from ``since`` on that can be read on as time passes."""
