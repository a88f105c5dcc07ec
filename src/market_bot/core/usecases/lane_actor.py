"""A lane as an actor: one tick of recorded data a step, as fast as allowed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Final, Protocol

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import NEVER, Duration, Micros
from market_bot.core.domain.tally import Tally
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.journal import DurabilityLostError, JournalError
from market_bot.core.ports.market_data import MarketDataError
from market_bot.core.usecases.lane_picture import picture
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.trade_lane import LaneTrader

_PUBLISH_EVERY: Final = Duration(100_000)


class TickSource(Protocol):
    """Where the ticks of a taped lane come from."""

    @abstractmethod
    def next_tick(self) -> Micros | None:
        """Return the time of the next tick, or None at the end."""

    @abstractmethod
    def span(self) -> float:
        """Return the share of the tape that was played, from 0 to 1."""


def _nothing_before() -> float | None:
    return None


@attrs.define(eq=False)
class TapedLane(Actor):
    """Trades a tape tick by tick.

    Args:
        trader: does the ticks.
        source: says when they are.
        started: the fact that opens the lane.
        tally: counts what happens; already an observer of the trader's recorder.
        blank: the snapshot to begin with (venue, lane, run, limits).
        speed: how many times faster than recorded; None is as fast as it goes.
        ticks_max: stop in order after so many ticks that were not traded before; the lane stays
            unfinished.
        redoing: whether old lines are still being derived again.
        digest: digest of the state, for the closing line.
        time: the time of the present tick.
        caught_up: returns which share of the old lines is derived again, None without any left.

    """

    trader: LaneTrader
    source: TickSource
    started: ev.BotStarted
    tally: Tally
    blank: LaneSnapshot
    speed: float | None
    ticks_max: int | None
    redoing: Callable[[], bool]
    digest: Callable[[], str]
    snapshot: LaneSnapshot = attrs.field(init=False)
    _begun: tuple[Micros, Micros] | None = attrs.field(default=None, init=False)
    _published: Micros = attrs.field(default=NEVER, init=False)
    time: Micros = attrs.field(default=NEVER, init=False)
    caught_up: Callable[[], float | None] = attrs.field(default=_nothing_before, init=False)
    _redone: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.snapshot = self.blank

    @property
    def name(self) -> str:
        """The lane's chain: venue/lane."""
        return f"{self.blank.venue}/{self.blank.lane}"

    def step(self, now: Micros) -> Micros | None:
        """Trade the next tick if it is due; see `Actor.step`."""
        try:
            return self._step(now)
        except (MarketDataError, JournalError) as e:
            self._publish(now, "failed", error=str(e))
            return None

    def stop(self, now: Micros, reason: str) -> None:  # noqa: ARG002 - the lane goes on next time
        """Make what was written durable; an unfinished tape is continued by the next run."""
        if self.snapshot.phase in ("finished", "failed"):
            return
        self.trader.recorder.journal.commit()
        self._publish(now, "stopped")

    def show(self) -> LaneSnapshot:
        """Return the present picture; for whoever steps the lane, since it looks at everything."""
        self._publish(self._published, self.snapshot.phase, error=self.snapshot.error)
        return self.snapshot

    def _step(self, now: Micros) -> Micros | None:
        if self.ticks_max is not None and self.trader.ticks - self._redone >= self.ticks_max:
            self.stop(now, "ticks")
            return None
        at = self.source.next_tick()
        if at is None:
            self._finish(now)
            return None
        due = self._due(at, now)
        if due > now:
            self._publish(now, "trading")
            return due
        if self._begun is None:
            self._begun = (now, at)
            # Unguarded: a lane that cannot write its opening has nothing to go on with.
            self.trader.start(self.started, at)
        self.time = at
        if self.redoing():
            # What was traded before takes no time now, so the pace counts from where it ends.
            self._begun = (now, at)
            self._redone = self.trader.ticks + 1
        self._guarded(lambda: self.trader.tick(at))
        if now - self._published >= _PUBLISH_EVERY:
            self._publish(now, "catching up" if self.redoing() else "trading")
        return now

    def _due(self, at: Micros, now: Micros) -> Micros:
        if self.speed is None or self.redoing():
            return now
        if self._begun is None:
            return now
        wall, taped = self._begun
        return Micros(wall + round((at - taped) / self.speed))

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do something that writes; without durability go on without new positions.

        Raises:
            DurabilityLostError: if not even that can be written down.

        """
        try:
            work()
        except DurabilityLostError as e:
            if self.trader.degraded is not None:
                raise
            self.trader.degrade(str(e))

    def _finish(self, now: Micros) -> None:
        if self._begun is None:
            self._publish(now, "failed", error="the tape holds no records: there is nothing to do")
            return
        self.trader.finish("end of tape", self.digest(), self.time)
        self._publish(now, "finished")

    def _publish(self, now: Micros, phase: str, *, error: str | None = None) -> None:
        self._published = now
        self.snapshot = picture(
            self.trader,
            self.tally,
            self.blank,
            phase=phase,
            at=self.time,
            progress=self.source.span(),
            caught_up=self.caught_up(),
            error=error,
        )
