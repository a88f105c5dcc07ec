"""Hard limit ``max_book_distance``: how far a limit price may be from the best of the book.

A taking entry may offer at most so much more than the best ask, and a waiting one at most so much
less than the best bid. Offering less than asked, or more than bid, is no distance.
"""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.orders import Style
from market_bot.core.domain.risk.api import (
    APPROVED,
    Limits,
    Refused,
    Rule,
    Unit,
    Verdict,
    format_limit,
)
from market_bot.core.domain.signals import Draft


def judge(draft: Draft, _: Exposure, limits: Limits) -> Verdict:
    """Refuse a price that is further away; a side of the book that is empty refuses as well."""
    limit, signal = limits["max_book_distance"], draft.signal
    taking = signal.style is Style.TAKER
    best = draft.quote.ask if taking else draft.quote.bid
    if best is None:
        return Refused(format_limit(limit, Unit.PRICE), "unknown")
    away = signal.price - best if taking else best - signal.price
    if away <= limit:
        return APPROVED
    return Refused(format_limit(limit, Unit.PRICE), format_limit(away, Unit.PRICE))


rule = Rule(
    name="max_book_distance",
    summary="The distance of a limit price from the best price of its side.",
    unit=Unit.PRICE,
    judge=judge,
)
