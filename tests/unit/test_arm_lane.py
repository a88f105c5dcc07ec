"""What must be true before a person's word arms a lane."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from market_bot.core.usecases.arm_lane import phrase_for, refusal_to_arm
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.watch_account import AGREES_FOR
from tests.fakes.clock import NOON, after

READY = LaneSnapshot(
    venue="kalshi",
    lane="live",
    run="",
    phase="trading",
    live=True,
    may_arm=True,
    agreed_at=NOON,
    limits={"max_daily_loss_usd": "40"},
)


def test_the_phrase_names_venue_and_loss() -> None:
    """Whoever types it has read what a day may cost."""
    assert "TRADE LIVE kalshi max-loss 40" == phrase_for(READY)


def test_a_lane_that_agreed_just_now_may_be_armed() -> None:
    """For a minute after the comparison, and not a moment longer."""
    assert refusal_to_arm(READY, NOON) is None
    assert refusal_to_arm(READY, after(AGREES_FOR // 10**6)) is None
    assert "old" in str(refusal_to_arm(READY, after(AGREES_FOR // 10**6 + 1)))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"live": False}, "real money"),
        ({"may_arm": False}, "mode: paper"),
        ({"phase": "failed"}, "failed"),
        ({"phase": "stopped"}, "stopped"),
        ({"halted": "ann: lunch"}, "resume"),
        ({"degraded": "disk full"}, "disk full"),
        ({"not_ready": "no orders from here"}, "from here"),
        ({"unreconciled": "cash"}, "cash"),
        ({"agreed_at": 0}, "old"),
        ({"agreed_at": after(3600)}, "old"),
    ],
)
def test_what_stands_against_it(changes: dict[str, Any], word: str) -> None:
    """Each reason alone is enough, and says what it is."""
    assert word in str(refusal_to_arm(attrs.evolve(READY, **changes), NOON))
