"""Which fees a market charges when: the series' terms, the event's override, changes to come.

``rate = 0.07 * multiplier`` for takers; for makers nothing, a quarter or a half of it, by type. An
event's override goes before its series, each of type and multiplier by itself. A type we do not
know charges makers like takers, so that no profit is seen where there may be none.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal
from typing import Final

import attrs

from market_bot.core.domain.market import FeeModel, FeeSchedule
from market_bot.core.domain.numbers import Micros

TAKER_RATE: Final = 70_000
MAKER_SHARES: Final = {
    "quadratic": Decimal(0),
    "quadratic_with_maker_fees": Decimal("0.25"),
    "quadratic_with_combo_maker_fees": Decimal("0.5"),
}
"""What makers pay of the taker's rate, by the venue's word for it."""

_ALL: Final = Decimal(1)
_CHANGES_MAX: Final = 64


@attrs.frozen
class FeeTerms:
    """A fee type in the venue's own word, and what the rate is multiplied with."""

    kind: str
    multiplier: Decimal

    @property
    def known(self) -> bool:
        """Whether we know how this type is computed."""
        return self.kind in MAKER_SHARES

    def schedule(self) -> FeeSchedule:
        """Return the rates; what is finer than a millionth is rounded against us."""
        # A type we do not know may have no multiplier at all.
        multiplier = self.multiplier if self.known else max(self.multiplier, _ALL)
        taker = TAKER_RATE * multiplier
        return FeeSchedule(
            model=FeeModel.KALSHI_QUADRATIC,
            taker_rate=_up(taker),
            maker_rate=_up(taker * MAKER_SHARES.get(self.kind, _ALL)),
        )


UNTOLD: Final = FeeTerms("", _ALL)
"""While nobody has told the terms of a series."""


@attrs.frozen
class FeeOverride:
    """What an event has instead of its series' terms; None keeps the series' own."""

    kind: str | None = None
    multiplier: Decimal | None = None

    def over(self, terms: FeeTerms) -> FeeTerms:
        """Return the terms with this put over them."""
        return FeeTerms(
            terms.kind if self.kind is None else self.kind,
            terms.multiplier if self.multiplier is None else self.multiplier,
        )


NO_OVERRIDE: Final = FeeOverride()


@attrs.frozen
class FeeChange:
    """From a moment on, a series has these terms or an event this override."""

    of: str
    at: Micros
    terms: FeeTerms | FeeOverride


@attrs.define(eq=False)
class FeeBook:
    """Everything known about fees; mutable, owned by one thread.

    What was told at a moment holds from then on, and changes announced for later hold from theirs.
    """

    _told: dict[str, list[FeeChange]] = attrs.field(factory=dict)

    def tell(self, changes: Iterable[FeeChange]) -> None:
        """Take terms that hold from a moment on; the same again changes nothing."""
        for change in changes:
            if self._at(change.of, change.at) == change.terms:
                continue
            known = self._told.setdefault(change.of, [])
            known.append(change)
            known.sort(key=lambda one: one.at)
            del known[:-_CHANGES_MAX]

    def terms(self, series: str, event: str, at: Micros) -> FeeTerms:
        """Return what an event of a series charges at a moment."""
        base = self._at(series, at)
        over = self._at(event, at)
        terms = base if isinstance(base, FeeTerms) else UNTOLD
        return over.over(terms) if isinstance(over, FeeOverride) else terms

    def next_change(self, series: str, event: str, after: Micros) -> Micros | None:
        """Return when the terms may change next, None if no change is announced."""
        later = (
            change.at
            for name in (series, event)
            for change in self._told.get(name, ())
            if change.at > after
        )
        return min(later, default=None)

    def _at(self, name: str, at: Micros) -> FeeTerms | FeeOverride | None:
        found = None
        for change in self._told.get(name, ()):
            if change.at <= at:
                found = change.terms
        return found


def _up(rate: Decimal) -> int:
    return int(rate.to_integral_value(ROUND_CEILING))
