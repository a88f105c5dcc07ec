"""Hard limit ``max_daily_loss_usd``: how much the marked equity may fall within one UTC day."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.risk.api import Limits, Rule, Unit, Verdict, below
from market_bot.core.domain.signals import Draft


def judge(_: Draft, exposure: Exposure, limits: Limits) -> Verdict:
    """Refuse entries once the day's loss, realised and marked, has reached the limit; all day."""
    gain = exposure.day_pnl
    lost = None if gain is None else max(-gain, exposure.day_loss)
    return below(limits["max_daily_loss_usd"], lost, Unit.DOLLARS)


rule = Rule(
    name="max_daily_loss_usd",
    summary="The loss, realised and marked, within one UTC day; entries stop until the next.",
    unit=Unit.DOLLARS,
    judge=judge,
)
