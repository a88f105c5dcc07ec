"""A change is watched, kept or taken back; whatever crashes, the journal and the file agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import HOUR, Micros
from market_bot.core.domain.rollback.constants import MINUTE
from market_bot.core.domain.tuning.learning import BLOCK, Memory
from market_bot.core.ports.journal import JournalError
from market_bot.core.usecases.apply_change import ChangeApplier
from tests.fakes.tuning import FILE, MIN_EDGE, every_knob_file
from tests.fakes.watched_lane import Crashed, WatchedLane

INVARIANT = ev.Error(where="invariant:cash", message="it does not add up")
OLD, NEW = "min_edge: 0.010,", "min_edge: 0.012,"


@pytest.fixture
def lane(tmp_path: Path) -> WatchedLane:
    """Return a lane that trades with its settings for a while."""
    found = WatchedLane(tmp_path)
    found.live(2)
    return found


def end(lane: WatchedLane) -> Any:
    """Return the end of the only trial."""
    (ended,) = lane.facts(ev.TrialEnded)
    return ended


def memory(lane: WatchedLane) -> Memory:
    """Return what is learnt from the journal."""
    known = Memory()
    for line in lane.lines:
        if line.event is not None:
            known = known.hear(line.at, line.event)
    return known


def test_a_trial_begins_once_the_change_is_in_force(lane: WatchedLane) -> None:
    """Its terms name the settings before and after, and what replay predicted."""
    before = lane.in_force.hash
    lane.approve(trades_ratio="1.5")
    lane.work()
    (started,) = lane.facts(ev.TrialStarted)

    assert isinstance(started, ev.TrialStarted)
    assert (started.proposal, started.path) == ("p1", MIN_EDGE)
    assert (started.before, started.after) == ("0.010", "0.012")
    terms = {key: started.baseline[key] for key in ("config", "config.before", "ratio", "shadow")}
    assert terms == {
        "config": lane.in_force.hash,
        "config.before": before,
        "ratio": "1.5",
        "shadow": "no",
    }
    assert started.baseline["budget"] == "10"


def test_hand_edits_and_refused_changes_begin_nothing(lane: WatchedLane) -> None:
    """Only what a proposal changed, and changed really, is tried."""
    lane.edit(OLD, NEW)
    lane.work()

    assert not lane.facts(ev.TrialStarted)


def test_nothing_begins_before_the_lane_trades_with_it(lane: WatchedLane) -> None:
    """The file was changed and the lane does not follow yet."""
    edit = lane.store.prepare(FILE, MIN_EDGE, before="0.010", after="0.012")
    ChangeApplier(lane.store, lane.write).apply(edit, by="me", cause="proposal:p1")
    lane.work()
    assert not lane.facts(ev.TrialStarted)
    lane.reload()
    lane.work()

    assert len(lane.facts(ev.TrialStarted)) == 1


def test_a_harmful_change_takes_itself_back(lane: WatchedLane) -> None:
    """It loses more than it may: the file is as it was, byte for byte, and it is blocked."""
    lane.approve()
    lane.work()
    lane.losses(4)
    lane.live(8)

    ended = end(lane)
    assert (ended.verdict, "tripwire" in ended.reason) == ("revert", True)
    assert lane.file == every_knob_file()
    assert knob(lane) == "0.01"
    assert ended.blocked_until - lane.now == pytest.approx(BLOCK, abs=10 * MINUTE)
    (lesson,) = memory(lane).lessons()
    assert [block.until for block in lesson.blocks] == [ended.blocked_until]


def knob(lane: WatchedLane) -> str | None:
    """Return the value that the lane trades with."""
    return lane.watch.value(lane.in_force.text, MIN_EDGE)


def test_a_broken_invariant_takes_it_back_at_once(lane: WatchedLane) -> None:
    """Nobody waits for the fifth minute."""
    lane.approve()
    lane.work()
    lane.write(INVARIANT, Micros(lane.now + MINUTE))
    lane.work()

    assert (end(lane).verdict, end(lane).reason) == ("revert", "invariant")
    assert lane.file == every_knob_file()


def test_a_good_change_is_kept_and_its_results_are_told(lane: WatchedLane) -> None:
    """After a day of probation without harm; then after a day and a week."""
    lane.approve()
    lane.work()
    changed = lane.file
    lane.live(24.2 * 60, every=4.0)
    assert end(lane).verdict == "keep"
    assert end(lane).blocked_until is None
    lane.live(6 * 24 * 60, every=60.0)
    lane.work()

    outcomes = lane.facts(ev.TrialOutcome)
    assert [one.hours for one in outcomes if isinstance(one, ev.TrialOutcome)] == [24, 168]
    assert lane.file == changed
    checked = [
        one.minute for one in lane.facts(ev.TrialChecked) if isinstance(one, ev.TrialChecked)
    ]
    assert checked[:5] == [5, 15, 30, 60, 120]


def test_an_operator_wins(lane: WatchedLane) -> None:
    """Whoever turns the same knob ends the trial; what they wrote stays."""
    lane.approve()
    lane.work()
    lane.edit(NEW, "min_edge: 0.020,")
    lane.work()

    assert (end(lane).verdict, end(lane).reason) == ("superseded", "edited")
    assert b"min_edge: 0.020," in lane.file
    assert not memory(lane).lessons()[0].blocks


def test_an_operator_wins_against_a_verdict_too(lane: WatchedLane) -> None:
    """The knob is edited after the verdict and before it is carried out."""
    lane.approve()
    lane.work()
    lane.write(INVARIANT, Micros(lane.now + MINUTE))
    lane.watch.step(lane.now)
    lane.tick()
    lane.edit(NEW, "min_edge: 0.020,")
    lane.work()

    assert end(lane).verdict == "superseded"
    assert b"min_edge: 0.020," in lane.file


def test_another_edit_stays_when_a_change_is_taken_back(lane: WatchedLane) -> None:
    """Only the one number goes back."""
    lane.approve()
    lane.work()
    lane.edit("order_usd: 12", "order_usd: 11")
    lane.write(INVARIANT, Micros(lane.now + MINUTE))
    lane.work()

    assert end(lane).verdict == "revert"
    assert lane.file == every_knob_file().replace(b"order_usd: 12", b"order_usd: 11")


@pytest.mark.parametrize("step", range(12))
def test_a_crash_at_every_step(tmp_path: Path, step: int) -> None:
    """From the intention to the end of the trial: restarted, it ends in the same way."""
    lane = WatchedLane(tmp_path)
    lane.live(1)
    lane.dies_after = 3 + step
    try:
        lane.approve()
        lane.work()
        lane.write(INVARIANT, Micros(lane.now + MINUTE))
        lane.work()
    except Crashed:
        lane.restart()
    lane.work()
    if lane.file != every_knob_file() and not lane.facts(ev.Error):
        lane.write(INVARIANT, Micros(lane.now + MINUTE))
    lane.work(30)

    assert lane.file == every_knob_file()
    assert len(lane.facts(ev.TrialStarted)) <= 1
    ends = [one.verdict for one in lane.facts(ev.TrialEnded) if isinstance(one, ev.TrialEnded)]
    assert ends == ["revert"] * len(lane.facts(ev.TrialStarted))
    assert lane.watch.log is not None
    assert lane.watch.log.watched is None


def test_a_restart_at_every_minute_changes_no_verdict(tmp_path: Path) -> None:
    """The same lines lead to the same checks, however often it begins anew."""
    told = []
    for restarts in (False, True):
        folder = tmp_path / str(restarts)
        folder.mkdir()
        lane = WatchedLane(folder)
        lane.approve()
        lane.work()
        for minute in range(16):
            if minute == 12:
                lane.losses(4)
            lane.live(1)
            if restarts:
                lane.watch = lane.watcher()
        told.append([line.event for line in lane.lines if line.type.startswith("trial")])

    assert told[0] == told[1]
    assert "trial_ended" in [fact.TYPE for fact in told[0] if fact is not None]


def test_checks_missed_while_nobody_watched_are_made_at_once(lane: WatchedLane) -> None:
    """A watcher that slept through three looks makes them all, at their own minutes."""
    lane.approve()
    lane.work()
    lane.live(31, idle=True)
    lane.work(20)

    checked = [
        one.minute for one in lane.facts(ev.TrialChecked) if isinstance(one, ev.TrialChecked)
    ]
    assert checked == [5, 15, 30]


def test_one_trial_at_a_time(lane: WatchedLane) -> None:
    """Another change that was applied meanwhile waits until the first trial is over."""
    lane.approve("p1")
    lane.work()
    edit = lane.store.prepare("kalshi.yaml", "sizing.order_usd", before="12", after="11")
    lane.apply(edit, "me", "proposal:p2")
    lane.work()
    assert len(lane.facts(ev.TrialStarted)) == 1
    lane.write(INVARIANT, Micros(lane.now + MINUTE))
    lane.work(30)

    begun = [
        one.proposal for one in lane.facts(ev.TrialStarted) if isinstance(one, ev.TrialStarted)
    ]
    assert begun == ["p1", "p2"]
    assert len(lane.facts(ev.TrialEnded)) == 1


def test_terms_that_cannot_be_read_end_a_trial(lane: WatchedLane) -> None:
    """Nobody could watch it: the change is taken back."""
    lane.approve()
    lane.write(
        ev.TrialStarted(
            trial="t", proposal="p1", path=MIN_EDGE, before="0.010", after="0.012", baseline={}
        )
    )
    lane.work()

    assert (end(lane).verdict, end(lane).reason) == ("revert", "unreadable")
    assert lane.file == every_knob_file()


def test_weeks_that_cannot_be_read_are_read_again(
    lane: WatchedLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a baseline is never taken for a whole one; people are told once."""

    def damaged(*_: object) -> Any:
        yield from ()
        msg = "a bad line"
        raise JournalError(msg)

    lane.approve()
    with monkeypatch.context() as patched:
        patched.setattr(WatchedLane, "history", damaged)
        lane.work()
        lane.work()
    assert not lane.facts(ev.TrialStarted)
    assert len(lane.told_outside) == 1
    lane.work()

    assert len(lane.facts(ev.TrialStarted)) == 1


def test_a_file_that_cannot_be_changed_is_tried_again(lane: WatchedLane) -> None:
    """Somebody broke the file: it is said, and done once it can be."""
    lane.approve()
    lane.work()
    good = lane.file
    (lane.folder / "kalshi.yaml").write_bytes(good + b"nonsense\n")
    lane.write(INVARIANT, Micros(lane.now + MINUTE))
    lane.work()
    assert lane.told_outside
    assert not lane.facts(ev.TrialEnded)
    (lane.folder / "kalshi.yaml").write_bytes(good)
    lane.now = Micros(lane.now + HOUR)
    lane.work()

    assert (end(lane).verdict, lane.file) == ("revert", every_knob_file())
