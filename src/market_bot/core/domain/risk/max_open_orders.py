"""Hard limit ``max_open_orders``: how many orders may be live at once, those in doubt included."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.risk.api import Limits, Rule, Unit, Verdict, below
from market_bot.core.domain.signals import Draft


def judge(_: Draft, exposure: Exposure, limits: Limits) -> Verdict:
    """Refuse an entry while as many orders as allowed are live."""
    return below(limits["max_open_orders"], exposure.live_orders, Unit.COUNT)


rule = Rule(
    name="max_open_orders",
    summary="The number of live orders, those in doubt included.",
    unit=Unit.COUNT,
    judge=judge,
)
