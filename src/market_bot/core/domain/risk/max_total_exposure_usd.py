"""Hard limit ``max_total_exposure_usd``: the worst cost of everything at this venue."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.numbers import Money
from market_bot.core.domain.risk.api import Limits, Rule, Unit, Verdict, within
from market_bot.core.domain.signals import Draft


def judge(draft: Draft, exposure: Exposure, limits: Limits) -> Verdict:
    """Refuse a draft that would raise it above the limit."""
    return within(Money(limits["max_total_exposure_usd"]), Money(exposure.total + draft.worst_cost))


rule = Rule(
    name="max_total_exposure_usd",
    summary="The worst cost of everything at this venue.",
    unit=Unit.DOLLARS,
    judge=judge,
)
