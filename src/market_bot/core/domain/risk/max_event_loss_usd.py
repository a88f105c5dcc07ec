"""Hard limit ``max_event_loss_usd``: what one event can cost, however its markets end."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.numbers import Money
from market_bot.core.domain.risk.api import Limits, Rule, Unit, Verdict, within
from market_bot.core.domain.signals import Draft


def judge(draft: Draft, exposure: Exposure, limits: Limits) -> Verdict:
    """Refuse a draft that would raise the event's worst case above the limit."""
    return within(Money(limits["max_event_loss_usd"]), exposure.event_loss(draft.event, draft))


rule = Rule(
    name="max_event_loss_usd",
    summary="The worst loss of one event over all ways its markets may end.",
    unit=Unit.DOLLARS,
    judge=judge,
)
