"""Errors of the venue are told apart as its documents say, and our own limits are kept."""

import json
from pathlib import Path

import pytest

from market_bot.adapters.polymarket.budgets import Budget, Rate, TokenBucket
from market_bot.adapters.polymarket.problems import Kind, kind_of_words, venue_problem
from market_bot.core.domain.numbers import SECOND, Duration
from tests.fakes.fake_polymarket import (
    CANCEL_ONLY,
    CLOUDFLARE,
    FAK_KILL,
    HTML,
    KILL,
    POST_ONLY,
    RESTART,
    SERVER_ERROR,
    TOO_FAST,
    Answer,
)
from tests.fakes.fake_polymarket_clock import SteppingClock

CLASSES = {
    "killed (normal outcome)": Kind.KILLED,
    "insufficient funds or stale server cache": Kind.FUNDS,
    "post-only reject": Kind.CROSSES,
    "market not ready": Kind.NOT_READY,
    "account type": Kind.ACCOUNT,
    "client bug": Kind.INVALID,
    "prices-history window": Kind.WINDOW,
    "heartbeat chain broken": Kind.HEARTBEAT,
    "auth": Kind.AUTH,
    "unknown/closed/not hydrated token": Kind.NO_BOOK,
    "matching engine restarting": Kind.RESTARTING,
    "rate limit": Kind.RATE,
    "Cloudflare block page (not JSON)": Kind.RATE,
    "post-restart mode": Kind.POST_ONLY,
    "cancel-only": Kind.CANCEL_ONLY,
    "halt": Kind.HALTED,
    "UNKNOWN OUTCOME for POST /order": Kind.UNKNOWN,
    "edge/HTML body, UNKNOWN OUTCOME for POST /order": Kind.UNKNOWN,
    "data-api v2 validation": Kind.REFUSED,
    "data-api v2": Kind.NOT_FOUND,
    "auth/config": Kind.ACCOUNT,
}


def answer(words: str, status: int = 400) -> Answer:
    """Return an answer with the venue's words."""
    return status, json.dumps({"error": words}).encode(), {}


@pytest.mark.parametrize(
    ("kind", "proven", "told"),
    [
        (Kind.KILLED, True, answer(KILL)),
        (Kind.KILLED, True, answer(FAK_KILL)),
        (Kind.FUNDS, True, answer("not enough balance / allowance")),
        (Kind.DUPLICATE, False, answer("order 0x1 is invalid. Duplicated.")),
        (Kind.INVALID, True, answer("order is invalid. Price breaks minimum tick size rules")),
        (Kind.INVALID, True, answer("Too many orders in payload: 20, max allowed: 15")),
        (Kind.REFUSED, False, answer("something new")),
        (Kind.REFUSED, False, answer("could not run the execution")),
        (Kind.REFUSED, False, answer("could not insert order")),
        (Kind.NOT_FOUND, False, answer("Not Found", 404)),
        (Kind.RESTARTING, False, RESTART),
        (Kind.UNKNOWN, False, SERVER_ERROR),
        (Kind.UNKNOWN, False, HTML),
        (Kind.UNKNOWN, False, (400, b"<html>post-only</html>", {})),
        (Kind.UNKNOWN, False, (302, b"", {})),
        (Kind.UNKNOWN, False, (503, b'{"error":"who knows"}', {})),
        (Kind.POST_ONLY, True, POST_ONLY),
        (Kind.CANCEL_ONLY, True, CANCEL_ONLY),
        (Kind.RATE, True, TOO_FAST),
        (Kind.RATE, True, CLOUDFLARE),
    ],
)
def test_an_answer_has_its_meaning(kind: Kind, proven: bool, told: Answer) -> None:
    """What proves that nothing happened is listed; everything else proves nothing."""
    problem = venue_problem(told[0], told[2], told[1])

    assert (kind, proven) == (problem.kind, problem.proven)


def test_the_venue_says_how_long_to_wait() -> None:
    """The body, then the header; never longer than an hour, never what is no number."""
    assert 79 * SECOND == venue_problem(503, {}, POST_ONLY[1]).retry_after
    assert 2 * SECOND == venue_problem(429, {"retry-after": "2"}, b"").retry_after
    assert 3600 * SECOND == venue_problem(429, {"Retry-After": "999999"}, b"").retry_after
    assert venue_problem(429, {"Retry-After": "Wed, 21 Oct"}, b"").retry_after is None
    assert venue_problem(429, {}, b'{"retry_after_seconds": true}').retry_after is None


def test_a_broken_chain_of_heartbeats_names_the_right_one() -> None:
    """The id that the venue expects is in the answer."""
    told = b'{"error_msg":"Invalid Heartbeat ID","heartbeat_id":"abc"}'
    problem = venue_problem(400, {}, told)

    assert (Kind.HEARTBEAT, "abc") == (problem.kind, problem.expected_heartbeat)


def test_words_inside_a_batch_mean_the_same() -> None:
    """A leg that failed is classified as the single order would be."""
    assert Kind.FUNDS is kind_of_words("not enough balance / allowance")
    assert Kind.KILLED is kind_of_words(KILL)


def test_text_from_the_venue_is_made_plain() -> None:
    """Line breaks, escapes and length do not get into a line of ours."""
    problem = venue_problem(400, {}, json.dumps({"error": "a\n\x1b[31mb" + "z" * 999}).encode())

    assert problem.text.startswith("a �[31mb")
    assert len(problem.text) == 200


@pytest.mark.reference
def test_every_documented_error_is_known(reference: Path) -> None:
    """Each error of the list is what its class says."""
    path = reference / "fixtures/polymarket/constructed/error_responses.json"
    for one in json.loads(path.read_text(encoding="utf-8")):
        told = one["body"]
        raw = told.encode() if isinstance(told, str) else json.dumps(told).encode()

        assert CLASSES[one["class"]] is venue_problem(one["status"], {}, raw).kind, one


def test_a_bucket_lets_through_what_its_rate_allows() -> None:
    """A burst at once, then one per interval, exactly."""
    clock = SteppingClock()
    bucket = TokenBucket(Rate(per_second=4, burst=3), clock)
    for _ in range(3):
        assert 0 == bucket.wait_for()
        bucket.take()

    assert SECOND // 4 == bucket.wait_for()
    clock.advance(Duration(SECOND // 4 - 1))
    assert 1 == bucket.wait_for()
    clock.advance(Duration(1))
    assert 0 == bucket.wait_for()
    clock.advance(Duration(3600 * SECOND))
    assert SECOND // 4 == bucket.wait_for(4)


def test_a_bucket_pauses_when_the_venue_asks_for_it() -> None:
    """Nothing goes through until the pause is over, and a shorter pause does not end it."""
    clock = SteppingClock()
    bucket = TokenBucket(Rate(10, 10), clock)
    bucket.block(Duration(3 * SECOND))
    bucket.block(SECOND)

    assert 3 * SECOND == bucket.wait_for()
    clock.advance(Duration(3 * SECOND))
    assert 0 == bucket.wait_for()


def test_every_class_of_requests_has_a_rate() -> None:
    """Reads, looks at the chain, writes and cancels are counted apart."""
    assert {"reads", "refreshes", "writes", "cancels"} == {budget.value for budget in Budget}
    with pytest.raises(ValueError, match="per_second"):
        Rate(0, 1)
