"""The queue of proposals, and the tokens with which people decide."""

import hmac
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.tuning.learning import Memory
from market_bot.core.domain.tuning.queue import (
    KEEP,
    OPEN,
    OPEN_MAX,
    NotPossible,
    Queue,
    Rejection,
    Stage,
    approve,
    enqueue,
    outdated,
    overdue,
    reject,
    rule_of,
)
from market_bot.core.domain.tuning.token import LIFETIME, Diff, TokenRefused, Tokens
from tests.fakes.any_event import of_class
from tests.fakes.tuning import DAY, FINDING, MIN_EDGE, NOON, allowlist, heard, proposal

QUEUED = ev.ProposalQueued(proposal="p1", expires_at=Micros(NOON + KEEP), card={"class": "A"})


def decided(decision: str) -> ev.ProposalDecided:
    """Return the fact of a decision."""
    return ev.ProposalDecided(proposal="p1", decision=decision, by="operator")


def waiting() -> Queue:
    """Return a queue in which one proposal waits."""
    queue: Queue = heard(Queue(), (NOON, proposal()), (NOON, QUEUED))
    return queue


def stage(queue: Queue) -> Stage:
    """Return where the proposal stands."""
    return queue.items["p1"].stage


def test_a_proposal_waits_for_a_person() -> None:
    """It is made, replayed, shown, and keeps what was said of it."""
    item = waiting().items["p1"]

    assert (Stage.QUEUED, NOON, NOON + KEEP) == (item.stage, item.since, item.expires_at)
    assert ("entry_threshold", "A", "less_loss") == (
        item.rule,
        item.card["class"],
        item.card["expected_effect"],
    )


@pytest.mark.parametrize("decision", ["approved", "rejected", "expired", "stale"])
@pytest.mark.parametrize("second", ["approved", "rejected", "expired", "stale"])
def test_the_first_decision_counts(decision: str, second: str) -> None:
    """Whatever is told afterwards changes nothing."""
    queue = heard(waiting(), (NOON + 5, decided(decision)))
    later = heard(
        queue,
        (NOON + 6, decided(second)),
        (NOON + 7, QUEUED),
        (NOON + 8, proposal()),
        (NOON + 9, ev.ProposalDropped(proposal="p1", layer="second", reason="x")),
    )

    assert decision == stage(queue).value
    assert queue == later
    assert (OPEN_MAX, ()) == (queue.room, queue.open)


def test_only_what_was_shown_can_be_approved() -> None:
    """An approval of something that never got through the checks approves nothing."""
    fresh = heard(Queue(), (NOON, proposal()))

    assert Stage.PROPOSED is stage(heard(fresh, (NOON, decided("approved"))))
    assert Stage.REJECTED is stage(heard(fresh, (NOON, decided("rejected"))))
    assert Stage.PROPOSED is stage(heard(fresh, (NOON, decided("whatever"))))
    with pytest.raises(NotPossible, match="is proposed, not queued"):
        approve(fresh, "p1", by="operator", now=NOON)


def test_there_is_room_for_three() -> None:
    """What waits and what is being checked takes up room; what is decided does not."""
    queue = heard(Queue(), *((NOON, proposal(f"p{n}")) for n in range(1, 5)))

    assert 0 == queue.room
    assert 1 == heard(queue, (NOON, decided("stale")), (NOON, dropped("p2"))).room


def dropped(name: str) -> ev.ProposalDropped:
    """Return the fact that a proposal was dropped."""
    return ev.ProposalDropped(proposal=name, layer="second", reason="drift_long")


def test_every_step_is_a_fact() -> None:
    """What the functions return leads to the next stage."""
    queue = heard(Queue(), (NOON, proposal()))
    queue = queue.hear(NOON, enqueue(queue, "p1", now=NOON, card={}))
    yes = queue.hear(NOON, approve(queue, "p1", by="operator", now=NOON))
    no = queue.hear(
        NOON, reject(queue, "p1", Rejection.TOO_RISKY, by="operator", note="not before May")
    )

    assert Stage.APPROVED is stage(yes)
    assert (Stage.REJECTED, "too_risky", "not before May") == (
        stage(no),
        no.items["p1"].reason,
        no.items["p1"].note,
    )


def test_what_cannot_be_done_is_said() -> None:
    """Unknown, decided twice, too old, during a trial, with a long note: refused in a sentence."""
    queue = waiting()
    trial = ev.TrialStarted(trial="t", proposal="p", path="x", before="1", after="2")
    trying = queue.hear(NOON, trial)

    with pytest.raises(NotPossible, match="there is no proposal 'p9'"):
        approve(queue, "p9", by="operator", now=NOON)
    with pytest.raises(NotPossible, match="is queued, not proposed"):
        enqueue(queue, "p1", now=NOON, card={})
    with pytest.raises(NotPossible, match="too old"):
        approve(queue, "p1", by="operator", now=Micros(NOON + KEEP))
    with pytest.raises(NotPossible, match="one change at a time"):
        approve(trying, "p1", by="operator", now=NOON)
    for note in ("x" * 201, "two\nlines", "\x1b[2J"):
        with pytest.raises(NotPossible, match="one line"):
            reject(queue, "p1", Rejection.OTHER, by="operator", note=note)
    ended = trying.hear(NOON, ev.TrialEnded(trial="t", verdict="keep", reason=""))
    assert "p1" == approve(ended, "p1", by="operator", now=Micros(NOON + KEEP - 1)).proposal
    other = trying.hear(NOON, ev.TrialEnded(trial="u", verdict="keep", reason=""))
    assert "t" == other.trial


def test_a_proposal_does_not_live_longer_than_a_week() -> None:
    """Not if it is asked for, not if the journal says so, and not if it is never queued."""
    fresh = heard(Queue(), (NOON, proposal()))
    long = enqueue(fresh, "p1", now=NOON, card={}, keep=DAY * 100)  # type: ignore[arg-type]  # a span
    forged = attrs.evolve(QUEUED, expires_at=Micros(NOON + 100 * DAY))

    assert NOON + KEEP == long.expires_at
    for queue in (fresh, waiting(), heard(fresh, (NOON, forged))):
        assert () == overdue(queue, Micros(NOON + KEEP - 1))
        (fact,) = overdue(queue, Micros(NOON + KEEP))
        assert Stage.EXPIRED is stage(queue.hear(NOON, fact))


def test_what_changed_meanwhile_makes_a_proposal_stale() -> None:
    """Another value, another file, or no such knob any more."""
    queue = waiting()
    known = allowlist()

    assert () == outdated(queue, "c" * 64, known)
    assert ["file"] == [fact.reason for fact in outdated(queue, "d" * 64, known)]
    gone = heard(Queue(), (NOON, proposal(path="risk.max_order_usd")))
    assert ["value"] == [fact.reason for fact in outdated(gone, "c" * 64, known)]
    other = heard(Queue(), (NOON, proposal(before="0.008")))
    (fact,) = outdated(other, "c" * 64, known)
    assert ("stale", "value", Stage.STALE) == (
        fact.decision,
        fact.reason,
        stage(other.hear(NOON, fact)),
    )


def intended(change: str, cause: str) -> ev.ChangeIntended:
    """Return the fact that a file is about to be changed."""
    return ev.ChangeIntended(
        change=change,
        file="kalshi.yaml",
        path=MIN_EDGE,
        before="0.01",
        after="0.012",
        sha_before="a",
        sha_after="b",
        by="x",
        cause=cause,
    )


def test_changes_are_counted_from_the_intention_on() -> None:
    """Only what provably was not made is forgotten; what people change is no move."""
    made = intended("c1", "proposal:p1")
    queue = heard(Queue(), (NOON, made), (NOON + 1, intended("c2", "trial:t1")))

    assert ["c1"] == [move.change for move in queue.moves]
    assert {MIN_EDGE: NOON + 1} == queue.changed
    for outcome, kept in (("applied", 1), ("superseded", 1), ("undone", 0)):
        ended = ev.ChangeEnded(change="c1", outcome=outcome, sha256="b")
        assert kept == len(queue.hear(NOON, ended).moves)


def test_memory_is_bounded() -> None:
    """Decided proposals, moves and knobs beyond a limit are let go of, the oldest first."""
    queue = Queue()
    for n in range(1100):
        at = Micros(NOON + n)
        queue = queue.hear(at, proposal(f"p{n}"))
        queue = queue.hear(at, dropped(f"p{n}"))
        queue = queue.hear(at, attrs.evolve(intended(f"c{n}", "proposal:p"), path=f"x{n}"))

    assert (1000, 1000, 1000) == (len(queue.items), len(queue.moves), len(queue.changed))
    assert {"p1099"} <= set(queue.items)
    later = queue.hear(Micros(NOON + 40 * DAY), intended("new", "proposal:p"))
    assert ["new"] == [move.change for move in later.moves]


KINDS = (
    ev.Proposal,
    ev.ProposalQueued,
    ev.ProposalDropped,
    ev.ProposalDecided,
    ev.TrialStarted,
    ev.TrialEnded,
    ev.TrialOutcome,
    ev.LearningUndone,
    ev.ChangeIntended,
    ev.ChangeEnded,
    ev.ConfigChanged,
    ev.Halt,
)
NAMES = st.sampled_from(["p1", "p2", "t1"])
WORDS = st.sampled_from(["approved", "rejected", "expired", "revert", "undone", "1", "0.5", ""])


def _told(kind: type[ev.Event]) -> st.SearchStrategy[ev.Event]:
    named = {"proposal", "trial", "change", "path", "finding"}
    chosen = {"decision", "verdict", "outcome", "before", "after"}
    return of_class(kind).flatmap(
        lambda event: st.fixed_dictionaries(
            {
                field.name: NAMES if field.name in named else WORDS
                for field in attrs.fields(kind)
                if field.name in named | chosen
            }
        ).map(lambda changes: attrs.evolve(event, **changes))
    )


@given(facts=st.lists(st.sampled_from(KINDS).flatmap(_told), max_size=25))
def test_no_journal_stops_the_folds(facts: list[ev.Event]) -> None:
    """Whatever is written, in whatever order: nothing is raised, and decisions stay decisions."""
    queue, memory, done = Queue(), Memory(), dict[str, Stage]()
    for number, fact in enumerate(facts):
        queue, memory = queue.hear(Micros(number), fact), memory.hear(Micros(number), fact)
        for name, item in queue.items.items():
            assert done.get(name, item.stage) is item.stage
            if item.stage not in OPEN:
                done[name] = item.stage
    for lesson in memory.lessons():
        assert 0 < lesson.approval < 1
    assert 0 <= queue.room <= OPEN_MAX


def test_rules_are_read_from_findings() -> None:
    """The subject may hold anything."""
    assert ("entry_threshold", "a", "") == (rule_of(FINDING), rule_of("n:a:b:c"), rule_of("x"))


DIFF = Diff(
    proposal="p1", file="kalshi.yaml", path=MIN_EDGE, before="0.01", after="0.012", config="c"
)
NONCE = bytes(range(16))


def same(one: str, other: str) -> bool:
    """Compare as the web page's adapter does."""
    return hmac.compare_digest(one, other)


def test_a_token_is_good_once() -> None:
    """The second use is refused."""
    tokens, given = Tokens().issue(DIFF, NONCE, NOON)
    spent = tokens.spend(DIFF, given, NOON, same)

    with pytest.raises(TokenRefused, match="out of date"):
        spent.spend(DIFF, given, NOON, same)


@pytest.mark.parametrize("field", [field.name for field in attrs.fields(Diff)])
def test_a_token_is_good_for_what_was_shown(field: str) -> None:
    """Any other change, of another proposal, in other settings, is refused."""
    tokens, given = Tokens().issue(DIFF, NONCE, NOON)
    other = attrs.evolve(DIFF, **{field: f"{getattr(DIFF, field)}1"})

    with pytest.raises(TokenRefused):
        tokens.spend(other, given, NOON, same)
    assert Tokens() == tokens.spend(DIFF, given, NOON, same)


def test_parts_of_a_token_do_not_run_together() -> None:
    """A digit cannot slide from the value before to the value after."""
    slid = attrs.evolve(DIFF, before="0.0", after="10.012")
    assert DIFF.before + DIFF.after == slid.before + slid.after

    assert DIFF.seal(NONCE) != slid.seal(NONCE)


@pytest.mark.parametrize("given", ["", "0" * 48, "é", "x"])
def test_a_guess_is_refused(given: str) -> None:
    """And does not use up the token."""
    tokens, right = Tokens().issue(DIFF, NONCE, NOON)

    with pytest.raises(TokenRefused, match="not what was shown"):
        tokens.spend(DIFF, given, NOON, same)
    assert Tokens() == tokens.spend(DIFF, right, NOON, same)


def test_a_token_grows_old_and_is_replaced() -> None:
    """After a quarter of an hour, or once the page is loaded again, the old one is void."""
    tokens, given = Tokens().issue(DIFF, NONCE, NOON)
    newer, second = tokens.issue(DIFF, bytes(16), Micros(NOON + 1))

    assert given != second
    with pytest.raises(TokenRefused):
        newer.spend(DIFF, given, NOON, same)
    assert Tokens() == newer.spend(DIFF, second, NOON, same)
    assert Tokens() == tokens.spend(DIFF, given, Micros(NOON + LIFETIME - 1), same)
    with pytest.raises(TokenRefused, match="out of date"):
        tokens.spend(DIFF, given, Micros(NOON + LIFETIME), same)


def test_tokens_are_few_and_their_nonces_long() -> None:
    """The oldest make room; a nonce that could be guessed is refused; none is ever printed."""
    tokens: Any = Tokens()
    for n in range(100):
        tokens, _ = tokens.issue(attrs.evolve(DIFF, proposal=f"p{n}"), NONCE, NOON)

    assert 64 == len(tokens.issued)
    assert repr(NONCE) not in repr(tokens)
    for nonce in (b"", NONCE[1:], bytes(65)):
        with pytest.raises(ValueError, match="nonce"):
            Tokens().issue(DIFF, nonce, NOON)
