"""Hard limit ``max_orders_per_minute``: how many entries may be sent within any minute."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.risk.api import Limits, Rule, Unit, Verdict, below
from market_bot.core.domain.signals import Draft


def judge(_: Draft, exposure: Exposure, limits: Limits) -> Verdict:
    """Refuse an entry while as many as allowed were sent within the last minute."""
    return below(limits["max_orders_per_minute"], exposure.recent_entries, Unit.COUNT)


rule = Rule(
    name="max_orders_per_minute",
    summary="The number of entries within any minute; exits have a budget of their own.",
    unit=Unit.COUNT,
    judge=judge,
)
