"""Asking Claude: what is sent, what comes of every kind of answer, and what it may cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from market_bot.adapters.llm.claude import ClaudeAdvisor
from market_bot.adapters.llm.prompt import INSTRUCTIONS, Prompt
from market_bot.adapters.llm.terms import Terms
from market_bot.core.domain.numbers import NO_MONEY, money
from market_bot.core.ports.advisor import Advice, Silence
from market_bot.core.usecases.ask_advisor import Advised, ask_advisor
from tests.fakes.advised import briefed, facts_of, said, two_findings
from tests.fakes.fake_claude import MODEL, FakeClaude, Reply, answering, error, message

KEY = "sk-ant-canary-0123456789"
BRIEF = briefed()
GOOD = answering(said(BRIEF))


@pytest.fixture
def fake() -> Iterator[FakeClaude]:
    """Return a provider without a script."""
    with FakeClaude() as server:
        yield server


def terms(fake: FakeClaude, **others: Any) -> Terms:
    """Return the usual terms, or others."""
    plain = Terms(
        model=MODEL,
        effort="high",
        max_cost=money("1"),
        max_tokens=8_000,
        seconds=20,
        input_price=money("4"),
        output_price=money("20"),
        base_url=fake.url,
    )
    return attrs.evolve(plain, **others)


def asked(
    fake: FakeClaude, *script: Reply, waited: list[float] | None = None, **others: Any
) -> Advice:
    """Return the advice that comes of a script."""
    fake.script.extend(script)
    waits = [] if waited is None else waited
    return ClaudeAdvisor(terms(fake, **others), KEY, wait=waits.append).advise(BRIEF)


def judged(fake: FakeClaude, *proposals: dict[str, str]) -> Advised:
    """Return what the first layer makes of an answer."""
    fake.script.append(answering(*proposals))
    findings = two_findings()
    return ask_advisor(findings, facts_of(findings), ClaudeAdvisor(terms(fake), KEY))


def test_what_is_sent(fake: FakeClaude) -> None:
    """Fixed instructions, the brief as the only message, the schema; no tools, nothing else."""
    advice = asked(fake, GOOD)
    (request,) = fake.asked

    assert "/v1/messages" == request.path
    assert f"Bearer {KEY}" == request.headers["authorization"]
    assert {
        "model": MODEL,
        "max_tokens": 8_000,
        "system": INSTRUCTIONS,
        "messages": [{"role": "user", "content": BRIEF.text}],
        "output_config": {
            "effort": "high",
            "format": {"type": "json_schema", "schema": BRIEF.schema},
        },
    } == request.body
    assert Prompt.of(BRIEF).name(MODEL, "high") == advice.prompt


def test_the_same_question_has_the_same_name(fake: FakeClaude) -> None:
    """And another one when the model, the effort or the brief is another."""
    names = [
        asked(fake, GOOD).prompt,
        asked(fake, GOOD).prompt,
        asked(fake, GOOD, effort="low").prompt,
        asked(fake, GOOD, model="claude-sonnet-5-5").prompt,
        Prompt.of(briefed(two_findings()[0])).name(MODEL, "high"),
    ]

    assert names[0] == names[1]
    assert 4 == len(set(names))


def test_what_it_cost_is_told(fake: FakeClaude) -> None:
    """Tokens as the provider counts them, at the prices of the terms."""
    usage = {"input_tokens": 9_000, "output_tokens": 700, "cache_creation_input_tokens": 100}
    text = json.dumps({"proposals": [said(BRIEF)], "abstain_reason": ""})

    plain = asked(fake, GOOD)
    kept = asked(fake, message(text, usage=usage))

    assert (9_000, 700, money("0.05"), 1) == (
        plain.tokens_in,
        plain.tokens_out,
        plain.cost,
        plain.attempts,
    )
    assert money("0.0505") == kept.cost
    assert MODEL == plain.model


def test_abstaining_is_an_answer(fake: FakeClaude) -> None:
    """No proposals with a reason is no failure; a reason that is no line of text is left out."""
    advice = asked(fake, answering(reason="The events are too few."))
    odd = asked(fake, answering(reason="one\ntwo"))

    assert (Silence.ABSTAINED, "The events are too few.", False) == (
        advice.silence,
        advice.reason,
        advice.failed,
    )
    assert (Silence.ABSTAINED, "") == (odd.silence, odd.reason)


@pytest.mark.parametrize(
    ("stop", "silence"),
    [
        ("refusal", Silence.REFUSED),
        ("max_tokens", Silence.TRUNCATED),
        ("model_context_window_exceeded", Silence.TRUNCATED),
    ],
)
def test_a_stop_is_not_tried_again(fake: FakeClaude, stop: str, silence: Silence) -> None:
    """Refused or cut off: no drafts, even if the text looks whole; paid once."""
    text = json.dumps({"proposals": [said(BRIEF)], "abstain_reason": ""})

    advice = asked(fake, message(text, stop=stop), GOOD)

    assert (silence, (), 1, True) == (advice.silence, advice.drafts, advice.attempts, advice.failed)
    assert money("0.05") == advice.cost


@pytest.mark.parametrize("status", [429, 529])
def test_who_is_busy_is_asked_again_later(fake: FakeClaude, status: int) -> None:
    """After as many seconds as the provider says, once; it cost nothing."""
    waited: list[float] = []

    advice = asked(fake, error(status, "busy", retry_after="3"), GOOD, waited=waited)
    gone = asked(fake, error(status, "busy"), error(status, "busy"), waited=waited)

    assert (None, 2, money("0.05")) == (advice.silence, advice.attempts, advice.cost)
    assert (Silence.BUSY, 2, NO_MONEY, ()) == (gone.silence, gone.attempts, gone.cost, gone.drafts)
    assert [3.0, 1.0] == waited


@pytest.mark.parametrize("says", ["1e9", "-5", "nan", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_it_is_not_kept_waiting_for_long(fake: FakeClaude, says: str) -> None:
    """Whatever a provider says, the wait ends within the time for the whole question."""
    waited: list[float] = []

    asked(fake, error(429, "busy", retry_after=says), GOOD, waited=waited)

    assert 1 == len(waited)
    assert 0 <= waited[0] <= 20


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_who_is_turned_away_does_not_insist(fake: FakeClaude, status: int) -> None:
    """A wrong key, model or question will be wrong again."""
    advice = asked(fake, error(status, "invalid_request_error", words=f"bad key {KEY}"), GOOD)

    assert (Silence.REJECTED, 1, NO_MONEY) == (advice.silence, advice.attempts, advice.cost)
    assert KEY not in repr(advice)


def test_a_broken_provider_is_asked_twice(fake: FakeClaude) -> None:
    """Errors of the provider, and connections that end early; then it is left alone."""
    errors = asked(fake, error(500, "api_error"), error(503, "api_error"))
    drops = asked(fake, Reply(drop=True), Reply(drop=True))
    then = asked(fake, Reply(drop=True), GOOD)

    assert (Silence.UNREACHABLE, NO_MONEY) == (errors.silence, errors.cost)
    assert Silence.UNREACHABLE is drops.silence
    assert None is then.silence
    assert 6 == len(fake.asked)
    # Nobody knows whether an answer that was lost is paid for.
    assert then.cost > money("0.2")


def test_redirects_lead_nowhere(fake: FakeClaude) -> None:
    """Another address in an answer is not spoken to."""
    with FakeClaude(GOOD) as other:
        advice = asked(fake, Reply(status=307, headers={"location": f"{other.url}/v1/messages"}))

        assert (Silence.REJECTED, []) == (advice.silence, other.asked)


def test_it_does_not_wait_for_ever(fake: FakeClaude) -> None:
    """Who says nothing is given up on; that may have cost what it could have."""
    advice = asked(fake, Reply(hang=True), Reply(hang=True), seconds=0.2)

    assert (Silence.TIMED_OUT, ()) == (advice.silence, advice.drafts)
    assert NO_MONEY < advice.cost <= money("1")
    assert 0.2 <= advice.took / 10**6


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(message("no JSON"), id="words"),
        pytest.param(message("[]"), id="a list"),
        pytest.param(message("[" * 60_000), id="nested"),
        pytest.param(message('{"proposals": [], "abstain_reason": "", "more": 1}'), id="a key"),
        pytest.param(message('{"proposals": [], "proposals": []}'), id="a key twice"),
        pytest.param(message('{"proposals": [{"path": "x"}]}'), id="half a proposal"),
        pytest.param(message('{"proposals": []}' + " " * 70_000), id="too long"),
        pytest.param(message(None), id="a thought only"),
        pytest.param(message("{}", stop="tool_use"), id="a tool"),
        pytest.param(message("{}", usage=None), id="no usage"),
        pytest.param(message("{}", usage={"input_tokens": -1, "output_tokens": 1}), id="negative"),
        pytest.param(message("{}", usage={"input_tokens": "9", "output_tokens": 1}), id="text"),
        pytest.param(message("{}", content="text"), id="content"),
        pytest.param(answering(said(BRIEF, rationale=f"Use {KEY}.")), id="the key"),
        pytest.param(Reply(body=b"<html>"), id="html"),
        pytest.param(Reply(body=b"[]"), id="a list of nothing"),
        pytest.param(Reply(body=b"\xff", headers={"content-type": "text/plain"}), id="bytes"),
    ],
)
def test_an_answer_that_makes_no_sense(fake: FakeClaude, reply: Reply) -> None:
    """Asked twice, then no drafts; nothing of it is kept."""
    advice = asked(fake, reply, reply)

    assert (Silence.MALFORMED, (), 2, "") == (
        advice.silence,
        advice.drafts,
        advice.attempts,
        advice.reason,
    )
    assert KEY not in repr(advice)


def test_money_that_is_not_there_is_not_spent(fake: FakeClaude) -> None:
    """Too little for the shortest answer: not asked at all; a little more: a short answer."""
    poor = asked(fake, GOOD, max_cost=money("0.02"))
    assert [] == fake.asked

    modest = asked(fake, max_cost=money("0.08"))
    most = fake.asked[0].body["max_tokens"]
    read = Prompt.of(BRIEF).most_tokens

    assert (Silence.OVER_BUDGET, NO_MONEY, 0) == (poor.silence, poor.cost, poor.attempts)
    assert None is modest.silence
    assert 1_000 <= most < 8_000
    assert read * money("4") + most * money("20") <= money("0.08") * 10**6


def test_a_second_attempt_needs_money_too(fake: FakeClaude) -> None:
    """What the first may have cost is gone, and the failure is the first one's."""
    advice = asked(fake, message("no JSON", tokens=(9_000, 2_000)), GOOD, max_cost=money("0.09"))

    assert (Silence.MALFORMED, 1, money("0.076")) == (advice.silence, advice.attempts, advice.cost)


def test_who_charges_more_than_agreed_is_not_listened_to(fake: FakeClaude) -> None:
    """An answer above the budget has no drafts, and the cost is told as it is."""
    advice = asked(fake, answering(said(BRIEF), tokens=(1_000_000, 100_000)))

    assert (Silence.OVER_BUDGET, (), money("6"), 1) == (
        advice.silence,
        advice.drafts,
        advice.cost,
        advice.attempts,
    )


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ({"path": "risk.max_order_usd"}, "not_allowed"),
        ({"path": "mode", "before": "paper", "after": "live"}, "not_allowed"),
        ({"after": "0.05"}, "not_a_legal_value"),
        ({"after": "0.008"}, "wrong_direction"),
        ({"before": "0.011"}, "before_differs"),
        ({"finding_id": "L9"}, "unknown_finding"),
        ({"finding_id": two_findings()[0].id}, "unknown_finding"),
        ({"rationale": "It cost 99.5 dollars."}, "untold_number"),
        ({"rationale_code": "because"}, "schema"),
    ],
)
def test_what_it_may_not_say_is_dropped(
    fake: FakeClaude, others: dict[str, str], reason: str
) -> None:
    """The schema is the provider's promise; the first layer does not rely on it."""
    advised = judged(fake, said(BRIEF, **others), said(BRIEF, 1))

    assert [reason] == [dropped.reason for dropped in advised.screened.dropped]
    assert ["markets.max_spread"] == [kept.change.path for kept in advised.screened.kept]


def test_without_a_key_nobody_is_asked(fake: FakeClaude) -> None:
    """It is an advice that says so, not an error at night."""
    advice = ClaudeAdvisor(terms(fake), "").advise(BRIEF)

    assert (Silence.NO_KEY, True, []) == (advice.silence, advice.failed, fake.asked)
