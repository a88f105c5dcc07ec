"""Hard limit ``reconciled``: nothing is opened while the account tells another story than we."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.risk.api import APPROVED, Limits, Refused, Rule, Verdict
from market_bot.core.domain.signals import Draft


def judge(_draft: Draft, exposure: Exposure, _limits: Limits) -> Verdict:
    """Refuse every entry of a live lane that was not found to agree with its account."""
    if exposure.unreconciled is None:
        return APPROVED
    return Refused("agrees with the account", exposure.unreconciled)


rule = Rule(
    name="reconciled",
    summary="Live trading opens nothing while journal and account disagree.",
    judge=judge,
)
