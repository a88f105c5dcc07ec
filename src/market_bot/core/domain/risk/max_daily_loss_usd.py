"""Hard limit ``max_daily_loss_usd``: how much the marked equity may fall within one UTC day."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.risk.api import Limits, Rule, Unit, Verdict, below
from market_bot.core.domain.signals import Draft


def judge(_: Draft, exposure: Exposure, limits: Limits) -> Verdict:
    """Refuse entries once the day's loss, realised and marked, has reached the limit."""
    gain = exposure.day_pnl
    return below(limits["max_daily_loss_usd"], None if gain is None else -gain, Unit.DOLLARS)


rule = Rule(
    name="max_daily_loss_usd",
    summary="The loss, realised and marked, within one UTC day.",
    unit=Unit.DOLLARS,
    judge=judge,
)
