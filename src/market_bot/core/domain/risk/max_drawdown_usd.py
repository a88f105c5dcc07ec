"""Hard limit ``max_drawdown_usd``: how far the marked equity may be below its peak."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.risk.api import Limits, Rule, Unit, Verdict, below
from market_bot.core.domain.signals import Draft


def judge(_: Draft, exposure: Exposure, limits: Limits) -> Verdict:
    """Refuse entries once equity has fallen from its peak by the limit, until a person resumes."""
    down = exposure.drawdown
    fallen = None if down is None else max(down, exposure.fallen)
    return below(limits["max_drawdown_usd"], fallen, Unit.DOLLARS)


rule = Rule(
    name="max_drawdown_usd",
    summary="The fall of marked equity from its highest; after it a person has to resume.",
    unit=Unit.DOLLARS,
    judge=judge,
)
