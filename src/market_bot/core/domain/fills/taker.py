"""Taking on paper: walk what is displayed, never more, never past the limit, never twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from market_bot.core.domain.book import Level
from market_bot.core.domain.numbers import NOTHING, Price, Size


def walk(
    levels: Iterable[Level],
    used: Mapping[Price, Size],
    limit: Price,
    size: Size,
    *,
    selling: bool,
    at_sending: Mapping[Price, Size] | None = None,
) -> list[Level]:
    """Return what an order gets from displayed levels, best first.

    Args:
        levels: displayed offers (cheapest first) or demand (dearest first).
        used: what our earlier orders already took at each price; a recording does not know of
            us and would sell us the same contracts again and again.
        limit: the most we pay, or the least we accept.
        size: contracts wanted.
        selling: whether we sell to demand.
        at_sending: what was displayed when the order was sent, of which no price gives more; None
            does not ask.

    """
    got: list[Level] = []
    left = size
    for level in levels:
        beyond = level.price < limit if selling else level.price > limit
        if beyond or left <= 0:
            break
        there = level.size
        if at_sending is not None:
            there = min(there, at_sending.get(level.price, NOTHING))
        there = Size(there - used.get(level.price, NOTHING))
        if there > 0:
            part = min(there, left)
            got.append(Level(level.price, part))
            left = Size(left - part)
    return got
