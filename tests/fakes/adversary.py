"""An adversary who tries every end of an event and everything that may or may not happen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import attrs

from market_bot.core.domain.market import EventTerms, Leg

DOLLAR, HALF = 1_000_000, 500_000


@attrs.frozen
class Part:
    """Contracts that come or go, and the money that leaves with it; it may happen or not."""

    market: str
    leg: Leg
    size: int
    money: int
    certain: bool = False


def endings(markets: Sequence[str], terms: EventTerms) -> Iterator[dict[str, int]]:
    """Yield what YES pays in each market, for every way in which the event may end."""
    bound = terms.at_most_one and set(markets) <= terms.markets
    names = sorted(terms.markets | set(markets))
    for pays in product((0, HALF, DOLLAR), repeat=len(names)):
        together = pays.count(DOLLAR) <= 1 and HALF not in pays
        if terms.exhaustive and DOLLAR not in pays:
            together = False
        void = set(pays) <= {HALF}
        if together or void or not bound:
            yield dict(zip(names, pays, strict=True))


def tried(parts: Sequence[Part], terms: EventTerms) -> int:
    """Return the greatest loss over all endings and all that may happen or not."""
    sure = [part for part in parts if part.certain]
    maybe = [part for part in parts if not part.certain]
    worst = []
    for pays in endings([part.market for part in parts], terms):
        for happened in product((False, True), repeat=len(maybe)):
            real = [*sure, *(part for part, yes in zip(maybe, happened, strict=True) if yes)]
            worst.append(sum(_loss(part, pays[part.market]) for part in real))
    return max(worst, default=0)


def _loss(part: Part, yes: int) -> int:
    return part.money - part.size * (yes if part.leg is Leg.YES else DOLLAR - yes)
