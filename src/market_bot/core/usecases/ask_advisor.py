"""Ask an advisor about a night, and judge what it says by the first layer."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from market_bot.core.domain.leaks.api import Finding
from market_bot.core.domain.tuning.brief import Brief, brief_of
from market_bot.core.domain.tuning.layer_one import Facts, Screened, screen
from market_bot.core.ports.advisor import Advice, Advisor, Silence


@attrs.frozen(kw_only=True)
class Advised:
    """What was asked, what was answered, and what of it the first layer lets through."""

    brief: Brief
    advice: Advice
    screened: Screened


def ask_advisor(findings: Iterable[Finding], facts: Facts, advisor: Advisor) -> Advised:
    """Return what an advisor would change; nothing comes of it by itself.

    Args:
        findings: the night's.
        facts: what drafts are judged by; ``told`` and ``advisor`` are filled in.
        advisor: who is asked, unless nothing may be turned.

    """
    brief = brief_of(findings, facts)
    if brief.turns:
        advice = advisor.advise(brief)
    else:
        advice = Advice(advisor=advisor.name, silence=Silence.NOTHING_TO_TURN)
    judged_by = attrs.evolve(facts, told=brief.told, advisor=advice.advisor)
    return Advised(brief=brief, advice=advice, screened=screen(advice.drafts, judged_by))
