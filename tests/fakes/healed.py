"""A desk that also tells what a comparison with the account found."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from market_bot.core.domain.numbers import Micros, Size
from market_bot.core.domain.portfolio import VenueCapabilities
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.execution import Execution, Fact, Outcome


@attrs.define(eq=False)
class Healed(Execution):
    """The desk, and what a comparison with the account found besides."""

    desk: Execution
    found: list[Fact] = attrs.field(factory=list)

    @property
    def abilities(self) -> VenueCapabilities:
        return self.desk.abilities

    def order_name(self, intent: Intent, at: Micros) -> str:
        return self.desk.order_name(intent, at)

    def submit(self, intent: Intent, at: Micros) -> Outcome:
        return self.desk.submit(intent, at)

    def cancel(self, intent: str, at: Micros) -> None:
        self.desk.cancel(intent, at)

    def merge(self, merge: str, market: str, size: Size, at: Micros) -> None:
        self.desk.merge(merge, market, size, at)

    def collect(self, at: Micros) -> Sequence[Fact]:
        found, self.found = self.found, []
        return [*self.desk.collect(at), *found]
