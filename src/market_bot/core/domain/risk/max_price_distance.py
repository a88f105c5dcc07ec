"""Hard limit ``max_price_distance``: how far a limit price may be from the middle of the book."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.numbers import Price
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
    """Refuse a price that is further from the leg's midpoint; no midpoint refuses as well."""
    limit, quote = limits["max_price_distance"], draft.quote
    if quote.bid is None or quote.ask is None:
        return Refused(format_limit(limit, Unit.PRICE), "unknown")
    # Twice everything: the middle between two prices is not always a price.
    double = abs(2 * draft.signal.price - quote.bid - quote.ask)
    if double <= 2 * limit:
        return APPROVED
    away = Price(-(-double // 2))
    return Refused(format_limit(limit, Unit.PRICE), format_limit(away, Unit.PRICE))


rule = Rule(
    name="max_price_distance",
    summary="The distance of a limit price from the middle of the book.",
    unit=Unit.PRICE,
    judge=judge,
)
