"""A person's decision: what was shown, judged once more, durable before the file changes."""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest
from pathlib import Path

import attrs
import pytest

from market_bot.bootstrap.second_layer import objection_in
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import HOUR, Micros
from market_bot.core.domain.tuning.proposal import proposal_id
from market_bot.core.domain.tuning.queue import KEEP, NotPossible, Rejection, Stage, enqueue
from market_bot.core.domain.tuning.token import TokenRefused
from market_bot.core.ports.config_store import ConfigStoreError, PreparedEdit
from market_bot.core.usecases.apply_change import ChangeApplier
from market_bot.core.usecases.decide_proposal import DecideProposal
from tests.fakes.nights import CHAIN, DISTANCE, NIGHT, NOW, Lane, leak, reviewed
from tests.fakes.tuning import FILE, allowlist, proposal

NONCE = b"n" * 16
LATER = Micros(NOW + HOUR)


@attrs.define
class Desk:
    """A lane with one proposal that waits, and what decides about it."""

    lane: Lane
    written: list[ev.Event] = attrs.field(factory=list)

    @property
    def file(self) -> Path:
        """The settings file."""
        return self.lane.folder / FILE

    @property
    def proposal(self) -> str:
        """The one that waits."""
        return self.lane.ledger.queue.open[0].id

    def record(self, fact: ev.Event) -> None:
        """Write a fact down."""
        self.written.append(fact)
        self.lane.hear(fact, at=LATER)

    def apply(self, edit: PreparedEdit, by: str, cause: str) -> ev.ChangeEnded:
        """Make an edit."""
        store = self.lane.store
        store.keep(edit.file)
        return ChangeApplier(store, self.record).apply(edit, by=by, cause=cause)

    def decide(self) -> DecideProposal:
        """Return what decides."""
        return DecideProposal(
            chain=CHAIN,
            ledger=lambda: self.lane.ledger,
            allowlist=lambda: allowlist(self.file.read_bytes()),
            store=self.lane.store,
            objection=objection_in(self.lane.folder),
            record=self.record,
            apply=self.apply,
            same=compare_digest,
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return a lane whose night left one proposal."""
    lane = Lane(tmp_path)
    finding = f"{NIGHT}:premature_stop:"
    name = proposal_id(CHAIN, NIGHT, finding, DISTANCE, "0.12", "0.14")
    made = proposal(
        name,
        finding=finding,
        path=DISTANCE,
        before="0.12",
        after="0.14",
        config_sha256=lane.store.version(FILE).sha256,
    )
    lane.hear(leak(), reviewed(NIGHT), made)
    lane.hear(enqueue(lane.ledger.queue, name, now=NOW, card={}))
    return Desk(lane)


def test_it_shows_the_very_line(desk: Desk) -> None:
    """Before anything happens a person sees what would."""
    shown = desk.decide().show(desk.proposal, NONCE, LATER)

    assert "0.12" in shown.edit.old_line
    assert "0.14" in shown.edit.new_line
    assert desk.written == []


def test_an_approval_is_written_down_before_the_file_changes(desk: Desk) -> None:
    """Decided, intended, then the file, then ended."""
    decide, name = desk.decide(), desk.proposal
    before = desk.file.read_bytes()
    token = decide.show(name, NONCE, LATER).token
    ended = decide.approve(name, token, by="me", now=LATER)

    assert [fact.TYPE for fact in desk.written] == [
        "proposal_decided",
        "change_intended",
        "change_ended",
    ]
    assert ended.outcome == "applied"
    assert desk.file.read_bytes() == before.replace(b"distance: 0.12", b"distance: 0.14")
    assert desk.lane.ledger.queue.items[name].stage is Stage.APPROVED


def test_a_token_is_good_once_and_for_this_alone(desk: Desk) -> None:
    """Another one's, a used one's and a made-up one change nothing."""
    decide, name = desk.decide(), desk.proposal
    other = desk.decide().show(name, b"m" * 16, LATER).token
    decide.show(name, NONCE, LATER)

    for token in (other, "", "0" * 48):
        with pytest.raises(TokenRefused):
            decide.approve(name, token, by="me", now=LATER)
    assert desk.written == []
    assert b"distance: 0.12" in desk.file.read_bytes()


def test_a_file_that_changed_since_is_left_alone(desk: Desk) -> None:
    """Also where another line changed: what was replayed is no longer what is in force."""
    decide, name = desk.decide(), desk.proposal
    token = decide.show(name, NONCE, LATER).token
    changed = desk.file.read_bytes() + b"# a note\n"
    desk.file.write_bytes(changed)

    with pytest.raises(NotPossible, match="out of date"):
        decide.approve(name, token, by="me", now=LATER)
    assert desk.file.read_bytes() == changed
    assert desk.written == []


def _cooled(desk: Desk) -> None:
    changed = ev.ConfigChanged(before="", after="", config="", by="file", path=DISTANCE)
    desk.lane.hear(changed, at=LATER)


def _not_confirmed(desk: Desk) -> None:
    desk.lane.hear(leak(status="suspect"), at=LATER)


def _trial(desk: Desk) -> None:
    started = ev.TrialStarted(trial="t", proposal="p", path="x", before="1", after="2")
    desk.lane.hear(started, at=LATER)


@pytest.mark.parametrize(
    ("meanwhile", "match"),
    [(_cooled, "cooling"), (_not_confirmed, "not_confirmed"), (_trial, "under way")],
)
def test_the_first_layer_looks_again(
    desk: Desk, meanwhile: Callable[[Desk], None], match: str
) -> None:
    """What came up since the night counts."""
    decide, name = desk.decide(), desk.proposal
    token = decide.show(name, NONCE, LATER).token
    meanwhile(desk)

    with pytest.raises(NotPossible, match=match):
        decide.approve(name, token, by="me", now=LATER)
    assert desk.written == []
    assert b"distance: 0.12" in desk.file.read_bytes()


def test_the_second_layer_looks_again(desk: Desk) -> None:
    """Two steps within a week are all that a knob may go, whoever agrees."""
    decide, name = desk.decide(), desk.proposal
    token = decide.show(name, NONCE, LATER).token
    for number in (1, 2):
        at = Micros(LATER - (2 + number) * 24 * HOUR)
        moved = ev.ChangeIntended(
            change=str(number), file=FILE, path=DISTANCE, before="0.1", after="0.12",
            sha_before="", sha_after="", by="me", cause=f"proposal:{number}",
        )  # fmt: skip
        desk.lane.hear(moved, at=at)

    with pytest.raises(NotPossible, match="second layer"):
        decide.approve(name, token, by="me", now=LATER)
    assert desk.written == []


def test_too_late(desk: Desk) -> None:
    """After a week nobody remembers what it was about."""
    with pytest.raises(NotPossible, match="too old"):
        desk.decide().show(desk.proposal, NONCE, Micros(NOW + KEEP))


def test_a_rejection_keeps_its_reason(desk: Desk) -> None:
    """It is what the bot learns from; a second decision is not possible."""
    name = desk.proposal
    desk.decide().reject(name, Rejection.TOO_RISKY, by="me", note="not now")

    item = desk.lane.ledger.queue.items[name]
    assert (item.stage, item.reason, item.note) == (Stage.REJECTED, "too_risky", "not now")
    with pytest.raises(NotPossible):
        desk.decide().reject(name, Rejection.OTHER, by="me")


def test_the_sweep_writes_down_what_is_over(desk: Desk) -> None:
    """Too old, or made for another version of the file; each once."""
    decide = desk.decide()
    assert decide.sweep(LATER) == ()
    desk.file.write_bytes(desk.file.read_bytes() + b"# a note\n")

    (stale,) = decide.sweep(LATER)
    assert (stale.decision, stale.reason) == ("stale", "file")
    assert decide.sweep(LATER) == ()


def test_a_file_that_is_gone_is_told_as_it_is(desk: Desk) -> None:
    """No guess, no change."""
    name = desk.proposal
    desk.file.unlink()

    with pytest.raises(ConfigStoreError):
        desk.decide().show(name, NONCE, LATER)
