"""What a venue's real order desk can do besides what one on paper can."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Protocol

from market_bot.core.domain.orders import Order
from market_bot.core.ports.execution import Execution, Fact


class LiveDesk(Execution, Protocol):
    """An order desk whose orders outlive the process."""

    @abstractmethod
    def adopt(self, orders: Iterable[Order]) -> None:
        """Follow live orders of an earlier process; what of them was told is not told again."""

    @abstractmethod
    def learn(self, facts: Iterable[Fact]) -> None:
        """Take what was found out elsewhere, so that it is not told a second time."""
