"""Hard limit ``max_position_usd``: the worst cost of everything in one market."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.numbers import Money
from market_bot.core.domain.risk.api import Limits, Rule, Unit, Verdict, within
from market_bot.core.domain.signals import Draft


def judge(draft: Draft, exposure: Exposure, limits: Limits) -> Verdict:
    """Refuse a draft that would raise it above the limit."""
    return within(
        Money(limits["max_position_usd"]),
        Money(exposure.market(draft.signal.market) + draft.worst_cost),
    )


rule = Rule(
    name="max_position_usd",
    summary="The worst cost of everything in one market.",
    unit=Unit.DOLLARS,
    judge=judge,
)
