"""Hard limit ``halted``: nothing opens a position while the lane is halted."""

from __future__ import annotations

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.risk.api import APPROVED, Limits, Refused, Rule, Verdict
from market_bot.core.domain.signals import Draft


def judge(_: Draft, exposure: Exposure, _limits: Limits) -> Verdict:
    """Refuse every entry while a halt is in force."""
    return APPROVED if exposure.halted is None else Refused("not halted", exposure.halted)


rule = Rule(name="halted", summary="Nothing opens a position during a halt.", judge=judge)
