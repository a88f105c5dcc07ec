"""What every advisor keeps: the rule table, Claude, Claude in a child, and one behind the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from market_bot.adapters.llm.child import ChildAdvisor
from market_bot.adapters.llm.claude import ClaudeAdvisor
from market_bot.adapters.llm.fallback import Fallback
from market_bot.adapters.llm.rule_table import RuleTable
from market_bot.adapters.llm.terms import Terms
from market_bot.bootstrap.advisors import PROGRAM
from market_bot.core.domain.leaks.api import Status
from market_bot.core.domain.numbers import NO_MONEY, money
from market_bot.core.domain.tuning.brief import Brief
from market_bot.core.ports.advisor import Advisor, Silence
from market_bot.core.usecases.ask_advisor import ask_advisor
from tests.fakes.advised import briefed, facts_of, finding, said, two_findings
from tests.fakes.fake_claude import MODEL, FakeClaude, answering
from tests.fakes.tuning import MIN_EDGE

KEY = "sk-ant-canary-0123456789"
Make = Callable[[Brief], Advisor]


def terms(fake: FakeClaude) -> Terms:
    """Return the usual terms, at the fake."""
    return Terms(
        model=MODEL,
        effort="medium",
        max_cost=money("1"),
        max_tokens=8_000,
        seconds=20,
        input_price=money("4"),
        output_price=money("20"),
        base_url=fake.url,
    )


@pytest.fixture(params=["rules", "claude", "child", "fallback"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Return a function that makes an advisor who proposes the first thing that may be turned."""
    with FakeClaude() as fake:

        def made(brief: Brief) -> Advisor:
            if brief.turns:
                fake.script.append(answering(said(brief)))
            claude = ClaudeAdvisor(terms(fake), KEY)
            advisors: dict[str, Advisor] = {
                "rules": RuleTable(),
                "claude": claude,
                "child": ChildAdvisor(terms(fake), KEY, PROGRAM, os.environ),
                "fallback": Fallback(ClaudeAdvisor(terms(fake), ""), RuleTable()),
            }
            return advisors[request.param]

        yield made


def test_what_it_says_passes(make: Make) -> None:
    """Its draft names the id of the finding, the first layer lets it through, and it is signed."""
    findings = two_findings()
    facts = facts_of(findings)

    advised = ask_advisor(findings, facts, make(briefed(*findings)))

    assert (None, False, 0) == (
        advised.advice.silence,
        advised.advice.failed,
        advised.advice.unfit,
    )
    assert (findings[0].id, MIN_EDGE) == (
        advised.advice.drafts[0].finding,
        advised.advice.drafts[0].path,
    )
    assert (MIN_EDGE, "0.01", "0.012") == (
        (change := advised.screened.kept[0].change).path,
        change.before,
        change.after,
    )
    assert () == advised.screened.dropped
    assert advised.advice.advisor in ("rules", "claude")
    assert advised.advice.advisor == advised.screened.kept[0].advisor
    assert 64 == len(advised.advice.prompt)


def test_with_nothing_to_turn_nobody_is_asked(make: Make) -> None:
    """Without a confirmed finding that a knob could mend there is nothing to ask, or to pay."""
    suspect = finding(status=Status.SUSPECT)
    brief = briefed(suspect)

    advice = make(brief).advise(brief)

    assert (Silence.NOTHING_TO_TURN, (), NO_MONEY, False) == (
        advice.silence,
        advice.drafts,
        advice.cost,
        advice.failed,
    )
