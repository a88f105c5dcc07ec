"""Hard limit ``max_book_age_seconds``: how old the book may be that an entry relies on."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
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
    """Refuse an entry on an older book, or on one whose age nobody can tell."""
    limit, age = limits["max_book_age_seconds"], draft.quote.age
    if age is None:
        return Refused(format_limit(limit, Unit.SECONDS), "unknown")
    if age <= limit:
        return APPROVED
    return Refused(format_limit(limit, Unit.SECONDS), format_limit(age, Unit.SECONDS))


rule = Rule(
    name="max_book_age_seconds",
    summary="The time since the book last changed.",
    unit=Unit.SECONDS,
    judge=judge,
)
