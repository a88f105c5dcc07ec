"""A lane is ready only while the venue says so, and is disarmed when it says otherwise."""

from __future__ import annotations

from market_bot.core.domain import events as ev
from market_bot.core.usecases.watch_readiness import EVERY, WatchReadiness
from tests.fakes.clock import NOON, after


def test_nothing_is_ready_before_the_first_answer() -> None:
    """Not to know is not to be ready."""
    told: list[ev.Event] = []
    watch = WatchReadiness(venue="v", ask=lambda: None, tell=told.append)

    before = watch.reason
    assert after(EVERY // 10**6) == watch.step(NOON)

    assert "not been asked yet" in str(before)
    assert watch.reason is None
    assert [] == told


def test_what_stays_disarms_once() -> None:
    """A reason given twice is told once; its end makes ready again, but never arms."""
    answers = iter([None, "lost", None, "no orders", "no orders", "no orders"])
    told: list[ev.Event] = []
    watch = WatchReadiness(venue="v", ask=lambda: next(answers), tell=told.append)
    reasons = []
    for _ in range(6):
        watch.step(NOON)
        reasons.append(watch.reason)

    assert [None, "lost", None, *["no orders"] * 3] == reasons
    assert [ev.Disarmed(reason="no orders")] == told
