"""Hard limit ``halted``: nothing opens a position while the lane or its venue is halted."""

from __future__ import annotations

from typing import Final

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.orders import Style
from market_bot.core.domain.risk.api import APPROVED, Limits, Refused, Rule, Verdict
from market_bot.core.domain.signals import Draft

_OPEN: Final = "open"
_POST_ONLY: Final = "post_only"


def judge(draft: Draft, exposure: Exposure, _limits: Limits) -> Verdict:
    """Refuse every entry during a halt; a venue that only takes waiting orders gets those."""
    if exposure.halted is not None:
        return Refused("not halted", exposure.halted)
    waits = draft.signal.style is Style.MAKER and exposure.venue == _POST_ONLY
    return APPROVED if exposure.venue == _OPEN or waits else Refused(_OPEN, exposure.venue)


rule = Rule(
    name="halted",
    summary="Nothing opens a position during a halt of the bot or of the venue.",
    judge=judge,
)
