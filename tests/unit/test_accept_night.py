"""What a child process says is believed only as far as it can be checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from market_bot.bootstrap.second_layer import objection_in
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.tuning.proposal import proposal_id
from market_bot.core.domain.tuning.queue import KEEP, Queue
from market_bot.core.ports.config_store import ConfigStore, PreparedEdit, Version
from market_bot.core.usecases.accept_night import (
    BadAnswer,
    Terms,
    accept_proposals,
    accept_review,
)
from tests.fakes.nights import (
    CHAIN,
    DISTANCE,
    FINDING,
    NIGHT,
    NOW,
    Lane,
    ended,
    leak,
    reviewed,
)
from tests.fakes.tuning import FILE, allowlist, proposal

NAME = proposal_id(CHAIN, NIGHT, FINDING, DISTANCE, "0.12", "0.14")


@pytest.fixture
def terms(tmp_path: Path) -> Terms:
    """Return what an answer for an ordinary night is held against."""
    lane = Lane(tmp_path)
    return Terms(
        chain=CHAIN,
        night=NIGHT,
        head=1_000,
        now=NOW,
        queue=Queue(),
        confirmed=frozenset({FINDING}),
        allowlist=allowlist(),
        file=FILE,
        store=lane.store,
        objection=objection_in(tmp_path),
    )


def made(terms: Terms, **others: str) -> ev.Proposal:
    """Return a sound proposal, or one with something else in it."""
    values = {
        "finding": FINDING,
        "path": DISTANCE,
        "before": "0.12",
        "after": "0.14",
        "config_sha256": terms.store.version(FILE).sha256,
    }
    return proposal(others.pop("name", NAME), **{**values, **others})


def queued(name: str = NAME, expires_at: int = NOW + KEEP) -> ev.ProposalQueued:
    """Return that a proposal waits."""
    return ev.ProposalQueued(proposal=name, expires_at=Micros(expires_at))


class Willing(ConfigStore):
    """Prepares any edit: that of the right one, whatever is asked."""

    def __init__(self, store: ConfigStore) -> None:
        self._store = store

    def version(self, file: str) -> Version:
        return self._store.version(file)

    def prepare(self, file: str, path: str, *, before: str, after: str) -> PreparedEdit:
        return self._store.prepare(FILE, DISTANCE, before="0.12", after="0.14")

    def write(self, edit: PreparedEdit) -> None:
        raise NotImplementedError

    def restore(self, file: str, sha256: str, *, expected: str) -> None:
        raise NotImplementedError

    def keep(self, file: str) -> Version:
        raise NotImplementedError

    def read(self, version: Version) -> bytes | None:
        raise NotImplementedError


def test_a_sound_answer_is_taken_whole(terms: Terms) -> None:
    """In its order, to the last fact."""
    review = [leak(evidence=(1, 1_000)), reviewed(NIGHT)]
    told = ev.LeakDiagnosed(finding=FINDING, kind="tuning", why="so")
    proposals = [told, made(terms), queued(), ended(queued=1)]

    assert accept_review(review, terms) == review
    assert accept_proposals(proposals, terms) == proposals


@pytest.mark.parametrize(
    "facts",
    [
        [],
        [leak()],
        [reviewed("2026-11-21")],
        [leak("2026-11-21"), reviewed(NIGHT)],
        [leak(finding=f"{NIGHT}:other:"), reviewed(NIGHT)],
        [leak(evidence=(1_001,)), reviewed(NIGHT)],
        [leak(evidence=tuple(range(1, 60))), reviewed(NIGHT)],
        [leak(status="certain"), reviewed(NIGHT)],
        [leak(kind="magic"), reviewed(NIGHT)],
        [leak(), leak(), reviewed(NIGHT)],
        [leak(detail={"a": "x" * 3_000}), reviewed(NIGHT)],
        [leak(detail={"a": "two\nlines"}), reviewed(NIGHT)],
        [ev.Resume(by="me"), reviewed(NIGHT)],
        [ev.Armed(by="me", account="a", expires_at=NOW), reviewed(NIGHT)],
        [leak()] * 500 + [reviewed(NIGHT)],
        [attrs.evolve(reviewed(NIGHT), since=Micros(0))],
    ],
)
def test_no_other_review(terms: Terms, facts: Sequence[ev.Event]) -> None:
    """Other types, other nights, evidence that is not there, long texts: nothing of it is taken."""
    with pytest.raises(BadAnswer):
        accept_review(facts, terms)


@pytest.mark.parametrize(
    "change",
    [
        {"path": "risk.max_order_usd"},
        {"path": "mode"},
        {"after": "0.16"},
        {"after": "0.140"},
        {"before": "0.1"},
        {"file": "bot.yaml"},
        {"finding": f"{NIGHT}:other:"},
        {"name": "another name"},
        {"config_sha256": "0" * 64},
    ],
)
def test_no_proposal_but_a_legal_step(terms: Terms, change: dict[str, str]) -> None:
    """Only what this process's own list has, for a finding that is written down."""
    one = made(terms, **change)
    if "name" not in change:
        named = proposal_id(CHAIN, NIGHT, one.finding, one.path, one.before, one.after)
        one = attrs.evolve(one, proposal=named)
    # The second layer looks away, and the edit is not tried: this list alone must refuse it.
    alone = attrs.evolve(terms, objection=lambda *_: None, store=Willing(terms.store))

    with pytest.raises(BadAnswer):
        accept_proposals([one, queued(one.proposal), ended(queued=1)], alone)


def test_the_second_layer_is_asked_here_too(terms: Terms) -> None:
    """A child that leaves it out gets nothing into the queue."""
    refusing = attrs.evolve(terms, objection=lambda *_: "drift")

    with pytest.raises(BadAnswer, match="second layer"):
        accept_proposals([made(terms), queued(), ended(queued=1)], refusing)


@pytest.mark.parametrize(
    "decided",
    [
        ev.ProposalDecided(proposal="p", decision="approved", by="queue"),
        ev.ProposalDecided(proposal="p", decision="rejected", by="queue"),
        ev.ProposalDecided(proposal="p", decision="stale", by="me"),
        ev.ProposalDecided(proposal="p", decision="stale", by="queue", reason="so"),
    ],
)
def test_nobody_decides_in_a_persons_place(terms: Terms, decided: ev.ProposalDecided) -> None:
    """What is too old may go; an approval never comes out of a child."""
    with pytest.raises(BadAnswer, match="only a person"):
        accept_proposals([decided, ended()], terms)


@pytest.mark.parametrize(
    "extra",
    [
        ev.ChangeIntended(
            change="c", file=FILE, path=DISTANCE, before="0.12", after="0.14",
            sha_before="", sha_after="", by="me", cause="operator",
        ),
        ev.ChangeEnded(change="c", outcome="applied", sha256=""),
        ev.LearningUndone(path=DISTANCE, direction=1, rule="premature_stop", by="me"),
        ev.ConfigChanged(before="", after="", config="", by="me"),
        ev.LeakDiagnosed(finding="made up", kind="tuning", why=""),
        leak(),
    ],
)  # fmt: skip
def test_no_other_fact(terms: Terms, extra: ev.Event) -> None:
    """Changes, undone learning, findings: none of it is a part of a night's proposals."""
    with pytest.raises(BadAnswer):
        accept_proposals([extra, ended()], terms)


def test_nothing_is_left_half_made(terms: Terms) -> None:
    """A proposal is queued or dropped before the night ends."""
    with pytest.raises(BadAnswer, match="neither queued nor dropped"):
        accept_proposals([made(terms), ended()], terms)


def test_nothing_waits_longer_than_a_week(terms: Terms) -> None:
    """Nor is it over before it begins."""
    for until in (NOW, NOW + KEEP + 1):
        with pytest.raises(BadAnswer, match="too long"):
            accept_proposals([made(terms), queued(expires_at=until), ended()], terms)


def test_what_waits_for_a_person_is_not_dropped(terms: Terms) -> None:
    """Not even by the child that made it."""
    dropped = ev.ProposalDropped(proposal=NAME, layer="night", reason="so")

    with pytest.raises(BadAnswer, match="waits for a person"):
        accept_proposals([made(terms), queued(), dropped, ended()], terms)


def test_another_night_is_not_ended(terms: Terms) -> None:
    """Nor this one without its end."""
    for facts in ([ended("2026-11-21")], [made(terms), queued()]):
        with pytest.raises(BadAnswer, match="end of this night"):
            accept_proposals(facts, terms)
