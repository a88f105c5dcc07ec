"""What the settings before a trial would do now: a lane on paper beside the one on trial.

It is forked off when a trial begins (the same positions, wishes and, on a paper desk of its own,
the same resting orders), takes every tick after the lane on trial has, and sees the same market.
How many trades it begins goes into the lane's journal: the trial compares counts with it, and a
restart still knows them. Whatever goes wrong here ends the shadow, never the lane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.hot_change import SettingsRefused
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.numbers import HOUR, NEVER, Duration, Micros, Money
from market_bot.core.domain.rollback.cohort import Cohort
from market_bot.core.domain.rollback.constants import LAST_LOOK, MINUTE
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.ports.execution import Execution
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.shared_world import CountingJournal, DrainedData
from market_bot.core.usecases.trade_lane import Beside, LaneTrader

Former = Callable[[LaneSettings, str, str], LaneSettings]
"""Returns settings with the knob at a path turned back; raises `SettingsRefused`."""
DeskBeside = Callable[[LaneSettings], Execution]
"""Makes a paper desk in the lane's world."""

LONGEST: Final = Duration(2 * HOUR)
"""An hour of covered time is over by then, or the trial does not ask for counts any more."""
TOLD_EVERY: Final = MINUTE

_RELAYED: Final = (ev.Halt, ev.Resume, ev.VenueState, ev.Asked)


@attrs.define(eq=False)
class _Running:
    """A shadow on its way.

    Args:
        trial: which trial's.
        began: when the trial began.
        twin: the lane.
        worth: its equity at the beginning.

    """

    trial: ev.TrialStarted
    began: Micros
    twin: LaneTrader
    worth: Money
    cohort: Cohort = attrs.field(factory=Cohort, init=False)
    relayed: list[ev.Event] = attrs.field(factory=list, init=False)
    counted: int = attrs.field(default=0, init=False)
    told: int = attrs.field(default=0, init=False)
    told_at: Micros = attrs.field(default=NEVER, init=False)

    def relay(self) -> Sequence[ev.Event]:
        """Return what the lane took from outside since the last tick."""
        taken, self.relayed = self.relayed, []
        return taken

    def hear(self, event: ev.Event, at: Micros) -> None:
        """Count the trades that are begun, as the trial counts them."""
        if isinstance(event, ev.OrderIntent):
            self.cohort.hear(event, at, "")
            self.counted = self.cohort.opened(Micros(at + 1))


@attrs.define(eq=False, kw_only=True)
class ShadowLane(Beside):
    """Runs the settings before a trial beside a lane while the trial compares counts.

    Args:
        lane: the lane on trial.
        former: returns its settings with one knob turned back.
        desk: makes the shadow's desk.

    """

    lane: LaneTrader
    former: Former
    desk: DeskBeside
    _running: _Running | None = attrs.field(default=None, init=False)
    _told: list[ev.Event] = attrs.field(factory=list, init=False)

    def take(self) -> Sequence[ev.Event]:
        """Return what is to be written into the lane's journal at its next tick."""
        told, self._told = self._told, []
        return told

    def go_on(self, trial: ev.TrialStarted, began: Micros, now: Micros) -> None:
        """Begin anew in the middle of a trial: the process before had its shadow."""
        if now < began + LONGEST:
            self._begin(trial, began, now)

    def heed(self, event: ev.Event, now: Micros) -> None:
        running = self._running
        match event:
            case ev.TrialStarted():
                self._close()
                self._begin(event, now, now)
            case _ if running is None:
                pass
            case ev.TrialEnded(trial=trial) if trial == running.trial.trial:
                self._close()
            case ev.TrialChecked(trial=trial, minute=minute) if trial == running.trial.trial:
                if minute >= LAST_LOOK:
                    self._end(running, "the hour is over")
            case ev.ConfigChanged():
                self._guarded(running, lambda: self._reconfigure(running))
            case _ if isinstance(event, _RELAYED):
                running.relayed.append(event)
            case _:
                pass

    def tick(self, now: Micros) -> None:
        running = self._running
        if running is None:
            return
        if now >= running.began + LONGEST:
            self._end(running, "it ran for two hours")
        else:
            self._guarded(running, lambda: self._tick(running, now))

    def _tick(self, running: _Running, now: Micros) -> None:
        running.twin.tick(now)
        new = running.counted - running.told
        if new or now >= running.told_at + TOLD_EVERY:
            gain = Money(running.twin.equity() - running.worth)
            told = ev.ShadowTally(trial=running.trial.trial, entries=new, gain=gain)
            running.told, running.told_at = running.counted, now
            self._told.append(told)

    def _begin(self, trial: ev.TrialStarted, began: Micros, now: Micros) -> None:
        if trial.baseline.get("shadow") != "yes":
            return
        world = self.lane.world
        seated = len(world.seats)
        try:
            self._running = self._forked(trial, began, now)
        except Exception as e:  # noqa: BLE001 - a control must never disturb the lane
            for seat in world.seats[seated:]:
                world.leave(seat)
            self._say_over(trial.trial, _why(e))

    def _forked(self, trial: ev.TrialStarted, began: Micros, now: Micros) -> _Running:
        lane = self.lane
        settings = self.former(lane.settings, trial.path, trial.before)
        recorder = Recorder(
            journal=CountingJournal(),
            state=lane.state,
            config=settings.hash,
            snapshot=_no_snapshot,
            last_at=now,
        )
        twin = lane.fork(settings, DrainedData(lane.data), self.desk(settings), recorder, now)
        running = _Running(trial, began, twin, twin.equity())
        twin.controls = running.relay
        recorder.observers.append(running.hear)
        return running

    def _reconfigure(self, running: _Running) -> None:
        trial, twin = running.trial, running.twin
        twin.settings = self.former(self.lane.settings, trial.path, trial.before)

    def _guarded(self, running: _Running, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as e:  # noqa: BLE001 - a control must never disturb the lane
            self._end(running, _why(e))

    def _end(self, running: _Running, why: str) -> None:
        self._close()
        self._say_over(running.trial.trial, why)

    def _say_over(self, trial: str, why: str) -> None:
        self._told.append(ev.ShadowTally(trial=trial, over=why))

    def _close(self) -> None:
        """Let go of the world; orders on paper end with the desk."""
        running, self._running = self._running, None
        if running is not None:
            self.lane.world.leave(running.twin.seat)
            running.twin.execution.leave()


def _no_snapshot(_: LaneState) -> tuple[dict[str, object], str]:
    """Return nothing: this journal is never read again."""
    return {}, ""


def _why(error: Exception) -> str:
    detail = str(error) if isinstance(error, SettingsRefused) else type(error).__name__
    return f"it failed: {detail}"
