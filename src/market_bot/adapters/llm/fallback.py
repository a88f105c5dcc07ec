"""An advisor with another one behind it."""

from __future__ import annotations

import attrs

from market_bot.core.domain.tuning.brief import Brief
from market_bot.core.ports.advisor import Advice, Advisor


class Fallback(Advisor):
    """Asks the second advisor if the first one fails; that it abstains is an answer.

    What the first one cost is counted.
    """

    def __init__(self, first: Advisor, second: Advisor) -> None:
        self._first, self._second = first, second

    @property
    def name(self) -> str:
        return self._first.name

    def advise(self, brief: Brief) -> Advice:
        """Return the first advice that is one; see `Advisor`."""
        advice = self._first.advise(brief)
        if not advice.failed:
            return advice
        return attrs.evolve(
            self._second.advise(brief),
            cost=advice.cost,
            tokens_in=advice.tokens_in,
            tokens_out=advice.tokens_out,
            took=advice.took,
            instead_of=advice.silence,
        )
