"""The second part of a night: diagnosis, cards, what is dropped, and what waits for a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.api import Kind, Status
from market_bot.core.domain.nights import NightLog
from market_bot.core.domain.numbers import HOUR, Micros
from market_bot.core.domain.tuning.card import Verdict
from market_bot.core.domain.tuning.queue import KEEP, Stage, enqueue
from market_bot.core.usecases.review_leaks import review_facts
from tests.fakes.nights import (
    CONFIRM,
    DISTANCE,
    FINDING,
    NIGHT,
    NOW,
    Lane,
    ToldReplays,
    every_step,
    leak,
    reviewed,
    seen_before,
)
from tests.fakes.tuning import MIN_EDGE, proposal

STEP = f"{DISTANCE}=0.14"
GAIN = 400


def test_the_review_is_the_last_of_its_facts(tmp_path: Path) -> None:
    """Until it is written the night has not happened; findings that are written are left out."""
    review = Lane(tmp_path).review()
    facts = review_facts(review)

    assert [fact.TYPE for fact in facts] == ["leak", "leak_review"]
    assert review.findings[0].status is Status.CONFIRMED
    assert facts[-1] == reviewed(NIGHT)
    assert review_facts(review, {FINDING}) == facts[1:]


def test_the_same_journal_gives_the_same_findings(tmp_path: Path) -> None:
    """So a night that was interrupted is simply judged again."""
    lane = Lane(tmp_path)
    again = seen_before(NIGHT).hear(NOW, leak()).hear(NOW, reviewed(NIGHT))

    assert review_facts(lane.review()) == review_facts(lane.review(log=again))


def test_a_leak_that_a_step_mends_is_proposed_with_its_card(tmp_path: Path) -> None:
    """The right knob, the right way, one step, and what the replay said."""
    lane = Lane(tmp_path, ToldReplays(every_step(GAIN)))
    outcome = lane.live_through()
    (offered,) = outcome.offered
    change, card = offered.proposed.change, offered.card.fields

    assert (change.path, change.before, change.after) == (DISTANCE, "0.12", "0.14")
    assert offered.dropped == ""
    assert offered.card.verdict is Verdict.IMPROVES
    assert card["class"].startswith("B")
    assert float(card["per_day_low"]) > 0
    assert card["days"] == card["days_better"] == "21"
    assert int(card["variants_tried"]) == 8
    assert card["fidelity"] == "100 %"
    assert card["revert_when"]
    (waiting,) = lane.ledger.queue.open
    assert waiting.stage is Stage.QUEUED
    assert waiting.card["verdict"] == "improves"
    assert waiting.expires_at == NOW + KEEP


def test_whole_ladders_are_replayed_in_one_pass(tmp_path: Path) -> None:
    """Four values in the finding's direction, of every knob that it names."""
    replays = ToldReplays()
    Lane(tmp_path, replays).propose()

    (asked,) = replays.asked
    paths = [one.path for one in asked]
    assert set(paths) == {DISTANCE, CONFIRM}
    assert [one.value for one in asked if one.path == DISTANCE] == ["0.14", "0.16", "0.18", "0.2"]


def test_a_flat_ladder_is_structural_and_no_knob(tmp_path: Path) -> None:
    """Where no value changes anything the knob is not the cause: a report, never a proposal."""
    outcome = Lane(tmp_path).live_through()

    assert outcome.offered == ()
    assert outcome.diagnoses[FINDING].kind is Kind.STRUCTURAL
    assert outcome.findings[0].kind is Kind.STRUCTURAL
    assert outcome.advice is not None
    assert outcome.advice.silence is not None
    told = [fact for fact in outcome.facts if isinstance(fact, ev.LeakDiagnosed)]
    assert [fact.kind for fact in told] == ["structural"]


def test_with_too_few_days_neither_is_said(tmp_path: Path) -> None:
    """The person sees that nothing could be replayed; it is no reason to hide the finding."""
    outcome = Lane(tmp_path, ToldReplays(every_step(GAIN), days=4)).live_through()
    (offered,) = outcome.offered

    assert outcome.diagnoses[FINDING].kind is Kind.NOISE
    assert outcome.diagnoses[FINDING].why.startswith("cannot be told: 4 days")
    assert outcome.findings[0].kind is Kind.TUNING
    assert offered.card.verdict is Verdict.NOT_REPLAYABLE


@pytest.mark.parametrize(
    "replays", [ToldReplays(every_step(GAIN), same=90), ToldReplays(missing="no tape")]
)
def test_without_faith_in_replays_nothing_is_claimed(tmp_path: Path, replays: ToldReplays) -> None:
    """Less than 95 in 100 decisions alike, or no recording: the card says not replayable."""
    (offered,) = Lane(tmp_path, replays).live_through().offered

    assert offered.card.verdict is Verdict.NOT_REPLAYABLE
    assert offered.card.fields["why"]


def test_what_would_have_done_worse_is_dropped(tmp_path: Path) -> None:
    """Another value mends the leak, but the step to it loses: nobody is asked."""
    steps = {**every_step(GAIN, path=CONFIRM), STEP: -GAIN}
    lane = Lane(tmp_path, ToldReplays(steps))
    outcome = lane.live_through()
    (offered,) = outcome.offered

    assert offered.proposed.change.after == "0.14"
    assert offered.dropped == "replay: worse"
    assert lane.ledger.queue.items[offered.proposed.id].stage is Stage.DROPPED
    assert lane.ledger.queue.open == ()


def test_a_peak_between_losses_is_not_called_an_improvement(tmp_path: Path) -> None:
    """The value a step further loses: luck."""
    steps = {**every_step(GAIN), f"{DISTANCE}=0.16": -GAIN, **every_step(GAIN, path=CONFIRM)}
    (offered,) = Lane(tmp_path, ToldReplays(steps)).live_through().offered

    assert offered.card.verdict is Verdict.NOT_DISPROVED
    assert "0.16" in offered.card.fields["why"]


def test_variants_of_the_last_month_count(tmp_path: Path) -> None:
    """What was tried before makes the same result less certain."""
    lane = Lane(tmp_path, ToldReplays(every_step(GAIN)))
    lane.hear(ev.NightEnded(night="2026-11-01", queued=0, dropped=0, tried=("x=1", "x=2", STEP)))

    (offered,) = lane.live_through().offered
    assert offered.card.fields["variants_tried"] == "10"


def test_the_end_of_the_night_tells_what_was_tried(tmp_path: Path) -> None:
    """The last fact counts what waits, what was dropped, and every variant."""
    outcome = Lane(tmp_path, ToldReplays(every_step(GAIN))).live_through()
    last = outcome.facts[-1]

    assert isinstance(last, ev.NightEnded)
    assert (last.queued, last.dropped, last.advisor) == (1, 0, "rules")
    assert len(last.tried) == 8


def test_a_night_that_was_interrupted_makes_the_same_proposals(tmp_path: Path) -> None:
    """Wherever it stopped: in the end each proposal is there once, and in one stage."""
    whole = Lane(tmp_path, ToldReplays(missing="no tape"))
    facts = whole.live_through().facts
    expected = {name: item.stage for name, item in whole.ledger.queue.items.items()}

    review = whole.review()
    for cut in range(len(facts)):
        lane = Lane(tmp_path, ToldReplays(missing="no tape"))
        lane.hear(*review_facts(review), *facts[:cut])
        lane.hear(*lane.propose(review).facts)

        found = {name: item.stage for name, item in lane.ledger.queue.items.items()}
        assert found == expected, f"cut before fact {cut}"


def test_what_an_interrupted_night_had_begun_and_now_is_not_made_is_dropped(tmp_path: Path) -> None:
    """Nothing stays half made and takes up room."""
    lane = Lane(tmp_path)
    lane.hear(proposal("left over"))

    outcome = lane.live_through()
    assert lane.ledger.queue.items["left over"].reason == "night: interrupted"
    assert ev.ProposalDropped(proposal="left over", layer="night", reason="interrupted") in (
        outcome.facts
    )


def test_old_proposals_expire_and_those_for_another_file_are_stale(tmp_path: Path) -> None:
    """The queue is swept before anything new is made."""
    lane = Lane(tmp_path)
    for name, age in (("old", 8 * 24), ("young", 1)):
        at = Micros(NOW - age * HOUR)
        lane.hear(proposal(name), at=at)
        lane.hear(enqueue(lane.ledger.queue, name, now=at, card={}), at=at)

    lane.live_through()
    stages = {name: item.stage for name, item in lane.ledger.queue.items.items()}
    assert stages == {"old": Stage.EXPIRED, "young": Stage.STALE}


def test_a_knob_that_waits_for_a_decision_is_not_proposed_again(tmp_path: Path) -> None:
    """One proposal per knob at a time."""
    lane = Lane(tmp_path, ToldReplays(every_step(GAIN)))
    first = lane.live_through()
    second = lane.propose(lane.review())

    assert len(first.offered) == 1
    assert DISTANCE not in [one.proposed.change.path for one in second.offered]


def test_an_edit_that_cannot_be_made_is_dropped_by_the_second_layer(tmp_path: Path) -> None:
    """The file on disk is what is tried, and all of what would come of it."""
    lane = Lane(tmp_path, ToldReplays(every_step(GAIN)))
    review = lane.review()
    path = tmp_path / "kalshi.yaml"
    # Valid, and refused by the layer that knows no knob's declaration: more than a hard limit.
    path.write_bytes(path.read_bytes().replace(b"order_usd: 12", b"order_usd: 900"))
    (offered,) = lane.propose(review).offered

    assert offered.dropped.startswith("second: ")


def test_a_finding_that_is_not_confirmed_is_not_replayed(tmp_path: Path) -> None:
    """A night's suspicion costs nothing."""
    replays = ToldReplays()
    lane = Lane(tmp_path, replays)
    outcome = lane.propose(lane.review(log=NightLog()))

    assert replays.asked == []
    assert outcome.offered == ()
    assert MIN_EDGE not in str(outcome.facts)
