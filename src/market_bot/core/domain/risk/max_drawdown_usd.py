"""Hard limit ``max_drawdown_usd``: how far the marked equity may be below its peak."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.risk.api import Limits, Rule, Unit, Verdict, below
from market_bot.core.domain.signals import Draft


def judge(_: Draft, exposure: Exposure, limits: Limits) -> Verdict:
    """Refuse entries once equity has fallen from its peak by the limit."""
    return below(limits["max_drawdown_usd"], exposure.drawdown, Unit.DOLLARS)


rule = Rule(
    name="max_drawdown_usd",
    summary="The fall of marked equity from its highest.",
    unit=Unit.DOLLARS,
    judge=judge,
)
