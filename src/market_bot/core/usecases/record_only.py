"""Consume a venue's market data for a recording, without deciding anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import attrs

from market_bot.core.domain.numbers import HOUR, NEVER, Duration, Micros
from market_bot.core.domain.world import World
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.market_data import MarketData, MarketDataError
from market_bot.core.usecases.lane_actor import TickSource

# As a lane does: what is told of a market that ended comes within minutes.
_FORGET_AFTER: Final = Duration(HOUR)


@attrs.define(eq=False)
class MarketRecorder(Actor):
    """Drains a recording source tick by tick, and keeps the world it needs for keyframes.

    Args:
        data: what is drained; it records itself.
        source: says when.
        world: what is drained into; ended events are let go of, so that memory stays flat.
        speed: how many times faster than the source's own clock; None is as fast as it goes.
        ticks_max: stop after so many ticks.
        ticks: how many there were.
        at: the time of the latest one.
        error: why it cannot go on, if it cannot.

    """

    data: MarketData
    source: TickSource
    world: World
    speed: float | None = None
    ticks_max: int | None = None
    ticks: int = 0
    at: Micros = NEVER
    error: str | None = None
    _ended: _Ended = attrs.field(init=False)
    _begun: tuple[Micros, Micros] | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._ended = _Ended(self.world)

    @property
    def name(self) -> str:
        """The name of its thread."""
        return "recorder"

    def step(self, now: Micros) -> Micros | None:
        """Record the next tick if it is due; see `Actor.step`."""
        try:
            return self._step(now)
        except MarketDataError as e:
            self.error = str(e)
            return None

    def stop(self, now: Micros, reason: str) -> None:
        """Do nothing: whoever made the recording closes it."""

    def _step(self, now: Micros) -> Micros | None:
        if self.ticks_max is not None and self.ticks >= self.ticks_max:
            return None
        at = self.source.next_tick()
        if at is None:
            return None
        due = self._due(at, now)
        if due > now:
            return due
        self.ticks += 1
        self.at = at
        self.data.drain(self.world, at)
        self._ended.forget(at)
        return now

    def _due(self, at: Micros, now: Micros) -> Micros:
        if self._begun is None:
            self._begun = (now, at)
        wall, taped = self._begun
        return now if self.speed is None else Micros(wall + round((at - taped) / self.speed))


@attrs.define(eq=False)
class FeedRecorder(Actor):
    """Drains live data once an interval, for a recording, until it is stopped.

    A source that fails is asked again; why it does is for whoever polls it to tell.

    Args:
        data: what is drained; it records itself.
        world: what is drained into; ended events are let go of, so that memory stays flat.
        interval: how far apart ticks are.
        poll: asks the source for what is due, and returns the time after that: the tick's.
        ticks_max: stop after so many ticks.
        ticks: how many there were.
        at: the time of the latest one.
        error: nothing: it goes on whatever the source says.

    """

    data: MarketData
    world: World
    interval: Duration
    poll: Callable[[], Micros]
    ticks_max: int | None = None
    ticks: int = 0
    at: Micros = NEVER
    error: None = None
    _ended: _Ended = attrs.field(init=False)
    _due: Micros = attrs.field(default=NEVER, init=False)

    def __attrs_post_init__(self) -> None:
        self._ended = _Ended(self.world)

    @property
    def name(self) -> str:
        """The name of its thread."""
        return "recorder"

    def step(self, now: Micros) -> Micros | None:
        """Record the next tick if it is due; see `Actor.step`."""
        if self.ticks_max is not None and self.ticks >= self.ticks_max:
            return None
        # Nobody waits longer than an interval because the clock was set back.
        if now < self._due <= now + self.interval:
            return self._due
        at = max(self.at, self.poll())
        self._take(at)
        self._due = Micros((at // self.interval + 1) * self.interval)
        return self._due

    def stop(self, now: Micros, reason: str) -> None:
        """Do nothing: whoever made the recording closes it."""

    def _take(self, at: Micros) -> None:
        try:
            self.data.drain(self.world, at)
        except MarketDataError:
            return
        self.at = at
        self.ticks += 1
        self._ended.forget(at)


class _Ended:
    """Lets go of events some time after they have ended."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seat = world.join()
        self._due: dict[str, Micros] = {}

    def forget(self, now: Micros) -> None:
        """Let go of what ended long enough before now."""
        self._seat.catch_up()
        self._seat.touched.clear()
        for resolution in self._seat.resolutions:
            event = self._world.seen[resolution.market].market.event
            # At the end, so that what is due first stays first.
            self._due.pop(event, None)
            self._due[event] = Micros(now + _FORGET_AFTER)
        self._seat.resolutions.clear()
        for event in list(self._over(now)):
            del self._due[event]
            if self._world.over(event):
                self._seat.forget(event)

    def _over(self, now: Micros) -> Iterator[str]:
        for event, due in self._due.items():
            if due > now:
                return
            yield event
