"""Hard limit ``max_daily_loss_usd``: how much the marked equity may fall within one UTC day."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.numbers import Money, format_money
from market_bot.core.domain.risk.api import APPROVED, Limits, Refused, Rule, Verdict
from market_bot.core.domain.signals import Draft


def judge(_: Draft, exposure: Exposure, limits: Limits) -> Verdict:
    """Refuse entries once the day's loss, realised and marked, has reached the limit."""
    limit = limits["max_daily_loss_usd"]
    if exposure.day_pnl is None:
        return Refused(format_money(limit), "unknown")
    loss = Money(-exposure.day_pnl)
    return APPROVED if loss < limit else Refused(format_money(limit), format_money(loss))


rule = Rule(
    name="max_daily_loss_usd",
    summary="The loss, realised and marked, within one UTC day.",
    judge=judge,
)
