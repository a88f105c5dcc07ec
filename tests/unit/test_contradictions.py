"""Facts that contradict each other are a line of their own, which ends a trial."""

from __future__ import annotations

from market_bot.core.domain import events as ev
from market_bot.core.domain.rollback.hard import INVARIANT, HardAlarms
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Settled
from market_bot.core.usecases.trade_lane import CONTRADICTION
from tests.fakes.builders import a_lane, lane_settings, of_type
from tests.fakes.clock import NOON
from tests.fakes.execution import ScriptedExecution


def test_a_contradiction_is_told_once_and_reverts() -> None:
    """A fill that nobody knows became final: an error that a trial takes for a broken invariant."""
    desk = ScriptedExecution()

    def execution(_: World) -> ScriptedExecution:
        return desk

    lane = a_lane(lane_settings(), execution)
    lane.start()
    assert [] == of_type(lane.tick(), ev.Error)
    desk.say(Settled("i-unknown", "f-unknown"), Settled("i-other", "f-other"))
    (error,) = of_type(lane.tick(), ev.Error)
    assert (error.where, error.count) == (CONTRADICTION, 2)
    assert [] == of_type(lane.tick(), ev.Error)

    alarms = HardAlarms()
    alarms.hear(error, NOON)
    assert [INVARIANT] == [code for _, code in alarms.found(NOON + 1)]  # type: ignore[arg-type]  # a moment later
