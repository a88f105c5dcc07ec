"""Nights, trials, jobs and numbers as the dashboard shows them."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

import market_bot as mb
from market_bot.adapters.storage.journal_reader import chain_folder
from market_bot.adapters.storage.journal_tools import list_chains
from market_bot.adapters.storage.window_reader import WindowReader
from market_bot.adapters.system.redaction import Redaction
from market_bot.bootstrap.analytics_child import shown_analytics
from market_bot.bootstrap.jobs import JobFailedError, Jobs
from market_bot.bootstrap.kept_analytics import KEPT_FOR, KeptAnalytics
from market_bot.bootstrap.message_ring import KEPT, MessageRing
from market_bot.bootstrap.shown_tuning import reviews_of, trials_of
from market_bot.core.domain.analytics.summary import analyse
from market_bot.core.domain.numbers import Duration, Micros
from market_bot.core.ports.dashboard import Computed, ConflictError, NotThereError
from market_bot.core.ports.journal import Chain
from tests.fakes.web import NOW, Wall

CHAIN = Chain("kalshi", "paper")


def a_line(seq: int, kind_: str, /, **data: Any) -> dict[str, Any]:
    """Return a line as a search tells it."""
    return {"seq": seq, "ts": f"2026-11-{seq:02d}T00:30:00.000000Z", "type": kind_, "data": data}


def a_leak(seq: int, night: str, rule: str) -> dict[str, Any]:
    """Return a finding."""
    return a_line(
        seq,
        "leak",
        finding=f"{night}:{rule}:",
        rule=rule,
        version=1,
        status="confirmed",
        kind="tuning",
        night=night,
        n=12,
        events=4,
        cost_low="0.5",
        cost_point="1.25",
    )


def a_review(seq: int, night: str, findings: int) -> dict[str, Any]:
    """Return the end of a night's first part."""
    times = {"since": "2026-11-20T00:00:00Z", "until": "2026-11-21T00:00:00Z"}
    return a_line(seq, "leak_review", night=night, findings=findings, confirmed=1, **times)


def test_nights_are_put_together() -> None:
    """Each night has its own findings, in order, with what replaying said of them."""
    one, two = "2026-11-21", "2026-11-22"
    story = [
        a_leak(1, one, "late_exit"),
        a_review(2, one, 1),
        a_leak(3, two, "fees_taker"),
        a_leak(4, two, "late_exit"),
        a_review(5, two, 2),
        a_line(6, "leak_diagnosed", finding=f"{two}:late_exit:", kind="structural", why="flat"),
        a_line(7, "night_ended", night=two, queued=1, dropped=2),
    ]

    newest, older = reviews_of(story[::-1], 14)

    assert [two, one] == [newest.night, older.night]
    assert ["fees_taker", "late_exit"] == [leak.rule for leak in newest.leaks]
    assert newest.leaks[0].diagnosis is None
    assert newest.leaks[1].diagnosis is not None
    assert "flat" == newest.leaks[1].diagnosis["why"]
    assert newest.ended is not None
    assert older.ended is None
    assert 1 == len(older.leaks)
    assert [two] == [night.night for night in reviews_of(story[::-1], 1)]


def test_trials_are_put_together() -> None:
    """The running one stands apart; ended ones have a verdict, the newest first."""

    def begun(seq: int, name: str) -> dict[str, Any]:
        change = {"path": "cooldown.after_exit_seconds", "before": "300", "after": "240"}
        return a_line(seq, "trial_started", trial=name, proposal=f"p{name}", **change)

    story = [
        begun(1, "a"),
        a_line(2, "trial_checked", trial="a", minute=60, verdict="continue", numbers={"n": "3"}),
        a_line(3, "trial_ended", trial="a", verdict="keep", reason="fine"),
        begun(4, "b"),
        a_line(5, "trial_ended", trial="b", verdict="revert", reason="worse"),
        a_line(6, "trial_outcome", trial="a", hours=24, gain="1.5"),
        begun(7, "c"),
        a_line(8, "trial_ended", trial="lost", verdict="keep", reason="its begin is not kept"),
    ]

    trials = trials_of("kalshi/paper", story[::-1])

    assert trials.running is not None
    assert "c" == trials.running.id
    assert [("b", "revert"), ("a", "keep")] == [(one.id, one.verdict) for one in trials.ended]
    kept = trials.ended[1]
    assert [(60, "continue")] == [(check.minute, check.verdict) for check in kept.checks]
    assert [(24, "1.5", None)] == [(one.hours, one.gain, one.low) for one in kept.outcomes]


def ended(jobs: Jobs, name: str) -> str:
    """Wait for a job and return how it ended."""
    for thread in threading.enumerate():
        if thread.name == "advisor":
            thread.join(20)
    job = jobs.get(name)
    return f"{job.state}: {job.detail}"


def test_one_job_of_a_kind_at_a_time() -> None:
    """Another one is refused until the first is over; its result stays to be asked for."""
    jobs, go = Jobs(Wall()), threading.Event()

    def work() -> tuple[str, dict[str, Any]]:
        go.wait(20)
        return "asked", {"n": 1}

    name = jobs.start("advisor", work)
    with pytest.raises(ConflictError, match="under way"):
        jobs.start("advisor", work)
    assert "running" == jobs.get(name).state
    go.set()

    assert "done: asked" == ended(jobs, name)
    assert {"n": 1} == jobs.get(name).result
    assert jobs.last("advisor") == jobs.get(name)
    assert jobs.last("evaluation") is None
    with pytest.raises(NotThereError):
        jobs.get("other")


def test_a_failed_job_says_so_and_nothing_more() -> None:
    """Its own words are told; of anything else only what kind of failure it was."""

    def refused() -> tuple[str, None]:
        msg = "no journal\nyet"
        raise JobFailedError(msg)

    def broken() -> tuple[str, None]:
        msg = "secret sauce"
        raise RuntimeError(msg)

    jobs = Jobs(Wall())

    assert "failed: no journal yet" == ended(jobs, jobs.start("advisor", refused))
    assert "failed: it failed (RuntimeError)" == ended(jobs, jobs.start("advisor", broken))


def test_numbers_are_computed_once(tmp_path: Path) -> None:
    """Whoever asks meanwhile is told so; afterwards they are kept for two minutes."""
    wall, asked, go = Wall(Micros(0)), list[Any](), threading.Event()

    def compute(request: Any) -> dict[str, Any]:
        asked.append(request)
        go.wait(20)
        return {"analytics": {"n": len(asked)}} if len(asked) < 3 else {"failed": "no room"}

    kept = KeptAnalytics(tmp_path, {}, lambda: Duration(wall.at), compute)

    def of() -> Computed:
        told = kept.of(CHAIN, 7, NOW, "now")
        if go.is_set():
            for thread in threading.enumerate():
                if thread.name == "analytics":
                    thread.join(20)
            told = kept.of(CHAIN, 7, NOW, "now")
        return told

    assert ["computing", "computing"] == [of().state, of().state]
    go.set()
    assert ({"n": 1}, {"n": 1}) == (of().value, of().value)
    assert 7 * 86_400_000_000 + 1 == asked[0]["until"] - asked[0]["since"]
    wall.move(KEPT_FOR / 1_000_000)
    assert {"n": 2} == of().value
    wall.move(KEPT_FOR / 1_000_000)
    assert ("failed", "no room") == (of().state, of().detail)


def test_numbers_of_a_real_window(tmp_path: Path) -> None:
    """Every number can be written as JSON; dollars are decimal strings that add up."""
    lane = mb.PaperLane.simulated(mb.default_settings(), seed=3, journal_dir=tmp_path)
    lane.run(ticks=2_000)
    lane.close()
    (chain,) = list_chains(tmp_path)
    window = WindowReader(chain_folder(tmp_path, chain), chain).read(Micros(0), Micros(4 * 10**15))
    analytics = analyse(window)

    told = json.loads(json.dumps(shown_analytics(analytics), allow_nan=False))

    assert told["total"]["trades"] == analytics.total.trades > 0
    assert mb.money(told["total"]["pnl"]) == analytics.total.pnl
    assert set(told["by"]) == set(analytics.by)
    assert all(isinstance(amount, str) for amount in told["attribution"].values())
    assert all(isinstance(amount, str) for amount in told["returns"]["days"].values())
    assert str(chain) == told["chain"]


def test_the_last_messages_without_secrets() -> None:
    """What the program said is kept for a while, on one line each, and never a secret."""
    ring = MessageRing(Redaction(["s3cr3t-key", "abc"]))
    logger = logging.getLogger("tests.message_ring")
    logger.addHandler(ring)

    logger.info("too quiet")
    logger.warning("key %s is\nabc", "s3cr3t-key")
    assert [("warning", "key *** is abc")] == [(m.level, m.text) for m in ring.messages()]
    for n in range(KEPT + 5):
        logger.error("number %d", n)
    logger.removeHandler(ring)

    assert KEPT == len(ring.messages())
    assert f"number {KEPT + 4}" == ring.messages()[-1].text
