"""Hard limit ``max_order_usd``: the worst cost of one order."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.numbers import Money
from market_bot.core.domain.risk.api import Limits, Rule, Unit, Verdict, within
from market_bot.core.domain.signals import Draft


def judge(draft: Draft, _: Exposure, limits: Limits) -> Verdict:
    """Refuse a draft that costs more."""
    return within(Money(limits["max_order_usd"]), draft.worst_cost)


rule = Rule(
    name="max_order_usd",
    summary="The worst cost of one order.",
    unit=Unit.DOLLARS,
    judge=judge,
)
