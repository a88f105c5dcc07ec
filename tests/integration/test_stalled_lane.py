"""A thread that hangs opens nothing until it has been seen to be well again."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from market_bot.adapters.storage.halt_file import HaltFile
from market_bot.adapters.system.clock import SystemClock
from market_bot.bootstrap.running_bot import RunningBot
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from tests.fakes.bot_process import wait_until


class HangingLane:
    """Hangs in its first step until it may go on; then takes its commands, step by step."""

    name = "kalshi/live"
    snapshot = LaneSnapshot(venue="kalshi", lane="live", run="")

    def __init__(self) -> None:
        self.may = threading.Event()
        self.taken: list[ev.Event] = []
        self.bot: RunningBot | None = None

    def step(self, now: Micros) -> Micros | None:
        """Hang once, then look for commands ten times a second."""
        self.may.wait(60)
        assert self.bot is not None
        self.taken += self.bot.controls(self.name, lambda: None)()
        return Micros(now + SECOND // 10)

    def stop(self, now: Micros, reason: str) -> None:
        """Nothing has to be closed."""


@pytest.mark.parametrize("outside", [True, False])
def test_a_lane_hears_that_it_hung_and_that_it_came_back(tmp_path: Path, *, outside: bool) -> None:
    """Both are facts for its chain; what is derived from inputs alone must not hear of it."""
    lane, stalls = HangingLane(), list[str]()
    bot = RunningBot(
        SystemClock(),
        HaltFile(tmp_path / "HALT"),
        about={},
        recent=lambda _: (),
        on_stall=lambda name, _: stalls.append(name),
        on_recovery=lambda name: stalls.append(f"{name} again"),
        stall=Duration(SECOND // 2),
    )
    lane.bot = bot
    bot.add_lane(lane, outside=outside)
    bot.start()
    try:
        assert wait_until(lambda: bool(bot.stalled()))
        lane.may.set()
        assert wait_until(lambda: not bot.stalled())
        expected = ["stalled", "open"] if outside else []
        assert wait_until(lambda: len(lane.taken) == len(expected))
    finally:
        lane.may.set()
        bot.stop("test")

    assert expected == [e.state for e in lane.taken if isinstance(e, ev.VenueState)]
    assert ["kalshi/live", "kalshi/live again"] == stalls
