"""Nights to ask an advisor about: findings, briefs, and the settings of the strategies in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs

from market_bot.bootstrap.settings import settings_of
from market_bot.config import parse_venue
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks.api import (
    Example,
    Finding,
    Kind,
    Knobbed,
    LeakRule,
    Measured,
    Status,
)
from market_bot.core.domain.leaks.judge import Past, Review, judge
from market_bot.core.domain.numbers import SECOND, Duration, Price, money, price
from market_bot.core.domain.settings import ActiveStrategy
from market_bot.core.domain.strategies.api import Strategy, knob
from market_bot.core.domain.tuning.allowlist import Allowlist
from market_bot.core.domain.tuning.brief import Brief, brief_of
from market_bot.core.domain.tuning.layer_one import Facts
from market_bot.core.domain.tuning.proposal import Grounds
from tests.fakes.tuning import FILE, MIN_EDGE, NIGHT, every_knob_file, facts

SPREAD = "markets.max_spread"


@attrs.frozen(kw_only=True)
class Params:
    """The knobs of the strategies in the examples of leak rules and in synthetic lanes."""

    min_edge: Price = knob(price("0.01"), low="0.002", high="0.1", step="0.002", unit="dollar")
    offset_ticks: int = knob(2, low="0", high="8", step="1", unit="tick")
    patience: Duration = knob(
        Duration(120 * SECOND), low="10", high="900", step="30", unit="second",
        key="patience_seconds",
    )  # fmt: skip
    max_book_age: Duration = knob(
        Duration(60 * SECOND), low="10", high="600", step="10", unit="second",
        key="max_book_age_seconds",
    )  # fmt: skip
    max_to_close: Duration = knob(
        Duration(48 * 3600 * SECOND), low="1", high="720", step="12", unit="hour",
        key="max_hours_to_close",
    )  # fmt: skip


def allowlist_for(strategy: str) -> Allowlist:
    """Return an allowlist of everything there is, and of a strategy of this name."""
    settings = settings_of(parse_venue(every_knob_file(), FILE))
    extra = ActiveStrategy(
        strategy=Strategy(name=strategy, summary="S.", params=Params, decide=lambda *_: ()),
        params=Params(),
    )
    return Allowlist.of(FILE, attrs.evolve(settings, strategies=(*settings.strategies, extra)))


def measured(**known: Any) -> Measured:
    """Return a measure that would turn the smallest edge up."""
    plain: dict[str, Any] = {
        "n": 412,
        "events": 57,
        "estimate": 0.0123456,
        "low": 0.004,
        "high": 0.02,
        "unit": "dollars per contract",
        "p": 0.00071,
        "flagged": True,
        "cost_low": money("2.4"),
        "cost_point": money("3.177"),
        "evidence": (1, 2, 3),
        "knobs": (Knobbed(path=MIN_EDGE, direction=1),),
        "detail": {"share_of_largest_event": "0.0312"},
    }
    return Measured(**{**plain, **known})


def finding(rule: str = "entry_threshold", subject: str = "", **known: Any) -> Finding:
    """Return a confirmed finding that a knob could mend; ``measures`` are parts of its windows."""
    both = measured(subject=subject, **known.pop("measures", {}))
    plain: dict[str, Any] = {
        "id": f"{NIGHT}:{rule}:{subject}",
        "rule": rule,
        "version": 1,
        "night": NIGHT,
        "subject": subject,
        "status": Status.CONFIRMED,
        "kind": Kind.TUNING,
        "day": both,
        "week": both,
        "p_corrected": 0.0071,
        "cost_low": both.cost_low,
        "cost_point": both.cost_point,
        "rank": 1,
        "why": "seen in the week, on 2 of 3 nights",
        "disproof": "The next twenty events gain.",
        "nights_seen": 2,
    }
    return Finding(**{**plain, **known})


def two_findings() -> tuple[Finding, Finding]:
    """Return two findings about different knobs; the second costs less."""
    wide = {
        "knobs": (Knobbed(path=SPREAD, direction=-1), Knobbed(path=MIN_EDGE, direction=1)),
        "cost_low": money("1.1"),
        "events": 41,
    }
    return finding(), finding("spread_and_slippage", measures=wide)


def facts_of(findings: Iterable[Finding], **others: Any) -> Facts:
    """Return the facts of a night with these findings."""
    grounds = [Grounds.of(one) for one in findings]
    known = facts(**others)
    return attrs.evolve(known, grounds={one.finding: one for one in grounds}, told=None)


def briefed(*findings: Finding, **others: Any) -> Brief:
    """Return the brief of a night with these findings; without any, of `two_findings`."""
    given = findings or two_findings()
    return brief_of(given, facts_of(given, **others))


def said(brief: Brief, number: int = 0, /, **others: str) -> dict[str, str]:
    """Return a proposal, as an answer has it, of one thing that may be turned."""
    turn = brief.turns[number]
    plain = {
        "finding_id": turn.finding,
        "path": turn.path,
        "before": turn.before,
        "after": turn.after,
        "rationale_code": "fewer_bad_entries",
        "rationale": f"It costs at least {turn.cost} dollars a day.",
        "expected_effect": "less_loss",
        "risk": "Fewer trades.",
    }
    return {**plain, **others}


def example_review(rule: LeakRule, example: Example) -> Review:
    """Return the second night that is like an example of a rule."""
    night = example.night()
    first = judge(attrs.evolve(night, night="2026-09-20"), [rule])
    return judge(night, [rule], [Past(night=first.night, seen=first.seen)])


EXAMPLE_STRATEGY = made.names(0)["strategy"]
