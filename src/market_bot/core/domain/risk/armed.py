"""Hard limit ``armed``: with real money nothing is opened without a person's consent of today."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.risk.api import APPROVED, Limits, Refused, Rule, Verdict
from market_bot.core.domain.signals import Draft


def judge(_draft: Draft, exposure: Exposure, _limits: Limits) -> Verdict:
    """Refuse every entry of a live lane that nobody armed, or whose arming has expired."""
    return APPROVED if exposure.disarmed is None else Refused("armed", exposure.disarmed)


rule = Rule(
    name="armed",
    summary="Live trading opens nothing unless a person armed it at the terminal.",
    judge=judge,
)
