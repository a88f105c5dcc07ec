"""Hard limit ``free_cash``: an entry must be payable from cash that no other order may need."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.risk.api import Limits, Rule, Verdict, within
from market_bot.core.domain.signals import Draft


def judge(draft: Draft, exposure: Exposure, _limits: Limits) -> Verdict:
    """Refuse a draft that costs more in the worst case than the free cash."""
    return within(exposure.free_cash, draft.worst_cost)


rule = Rule(name="free_cash", summary="Entries are paid from free cash only.", judge=judge)
