"""Hard limit ``max_consecutive_losses``: how many positions in a row may be closed with a loss."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.risk.api import Limits, Rule, Unit, Verdict, below
from market_bot.core.domain.signals import Draft


def judge(_: Draft, exposure: Exposure, limits: Limits) -> Verdict:
    """Refuse entries once the streak has reached the limit, until a person resumes."""
    return below(limits["max_consecutive_losses"], exposure.loss_streak, Unit.COUNT)


rule = Rule(
    name="max_consecutive_losses",
    summary="Positions closed with a loss in a row; after that many a person has to resume.",
    unit=Unit.COUNT,
    judge=judge,
)
