"""Which later prices are due: decisions that are followed for an hour, as the journal tells them.

`MarkSchedule` changes only by `hear`, which reads nothing but the lines of a lane's journal. So the
schedule of a lane that went down is made again from the last `REACH` of its lines, exactly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import HOUR, SECOND, Duration, Micros
from market_bot.core.domain.orders import Purpose

_MINUTE: Final = 60 * SECOND
HORIZONS: Final = tuple(Duration(m * _MINUTE) for m in (1, 5, 10, 15, 20, 30, 40, 50, 60))
"""How long after a decision its later prices are taken."""

LATE_MAX: Final = Duration(_MINUTE)
"""A price taken later than this after it was due is not the price of its horizon: none is taken."""

FOLLOWED_FOR: Final = HOUR
"""While one series runs, the same decision does not begin another."""

REACH: Final = Duration(FOLLOWED_FOR + LATE_MAX)
"""Lines older than this no longer matter."""

SERIES_MAX: Final = 2_048
"""More decisions than this are not followed at the same time."""

_NUMBER: Final = {horizon // SECOND: number for number, horizon in enumerate(HORIZONS)}

Key = tuple[object, ...]


@attrs.frozen(kw_only=True)
class Decision:
    """What is followed: which signal, why, and when it was written down."""

    cause: ev.Cause
    signal: str
    strategy: str
    market: str
    event: str
    family: str
    leg: Leg
    purpose: Purpose
    since: Micros

    @property
    def key(self) -> Key:
        """What must not be followed twice at the same time.

        A refused wish that comes and goes is the same refusal, whatever its signal is called.
        """
        if self.cause is ev.Cause.DENIED:
            return (self.cause, self.strategy, self.market, self.leg, self.purpose)
        return (self.cause, self.signal)


@attrs.define(eq=False)
class Series:
    """A decision that is followed; ``upcoming`` is the number of the next horizon."""

    decision: Decision
    upcoming: int = 0


@attrs.define(eq=False)
class MarkSchedule:
    """The decisions that are followed, and the prices that are due of them.

    Args:
        ceiling: how many decisions are followed at the same time.
        spilled: how many decisions of this tick were too many even to wait.

    """

    ceiling: int = SERIES_MAX
    spilled: int = attrs.field(default=0, init=False)
    _series: dict[Key, Series] = attrs.field(factory=dict, init=False)
    _markets: dict[str, dict[Key, Series]] = attrs.field(factory=dict, init=False)
    # Journal time never runs back, so each horizon falls due in the order of the decisions.
    _queues: tuple[deque[Series], ...] = attrs.field(
        factory=lambda: tuple(deque() for _ in HORIZONS), init=False
    )
    _fresh: dict[Key, Decision] = attrs.field(factory=dict, init=False)
    _hear: dict[type[ev.Event], Callable[[Any, Micros], None]] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._hear = {
            ev.OrderIntent: self._intended,
            ev.Exit: self._left,
            ev.Denied: self._denied,
            ev.Mark: self._marked,
            ev.MarketResolved: self._resolved,
            ev.Scan: self._scanned,
        }

    @property
    def idle(self) -> bool:
        """Whether nothing is followed and nothing waits to be."""
        return not self._series and not self._fresh

    @property
    def full(self) -> bool:
        """Whether no further decision can be followed."""
        return len(self._series) >= self.ceiling

    @property
    def markets(self) -> frozenset[str]:
        """The markets whose prices are still wanted: a feed must not let go of them."""
        return frozenset(self._markets)

    def hear(self, event: ev.Event, at: Micros) -> None:
        """Take the next line of the journal, written at ``at``."""
        take = self._hear.get(type(event))
        if take is not None:
            take(event, at)

    def pending(self, at: Micros) -> tuple[tuple[Decision, int], ...]:
        """Return what can still be taken from ``at`` on, as (decision, horizon in seconds)."""
        return tuple(
            (series.decision, horizon // SECOND)
            for series in self._series.values()
            for horizon in HORIZONS[series.upcoming :]
            if series.decision.since + horizon + LATE_MAX >= at
        )

    def waiting(self, now: Micros) -> tuple[Decision, ...]:
        """Return the decisions of this tick that are not followed yet and should be."""
        return tuple(
            decision
            for decision in self._fresh.values()
            if now - decision.since <= LATE_MAX and not self.covers(decision)
        )

    def covers(self, decision: Decision) -> bool:
        """Tell whether a decision is followed already, or one like it."""
        known = self._series.get(decision.key)
        return known is not None and decision.since < known.decision.since + FOLLOWED_FOR

    def due_by(self, now: Micros) -> bool:
        """Tell whether there is anything to take at ``now``."""
        if self._fresh:
            return True
        for number, queue in enumerate(self._queues):
            while queue and queue[0].upcoming > number:
                queue.popleft()
            if queue and queue[0].decision.since + HORIZONS[number] <= now:
                return True
        return False

    def due(self, now: Micros) -> Iterator[tuple[Decision, Duration]]:
        """Yield what is due, as (decision, horizon); each must be heard as a mark before the next.

        What is later than `LATE_MAX` is let go of. Shortest horizons first, then oldest decisions.
        """
        for number, queue in enumerate(self._queues):
            horizon = HORIZONS[number]
            while queue and queue[0].decision.since + horizon <= now:
                series = queue[0]
                missed = now - series.decision.since - horizon > LATE_MAX
                if number == series.upcoming and not missed:
                    yield series.decision, horizon
                queue.popleft()
                if series.upcoming == number:
                    self._advance(series, number)

    # -- the journal's lines -----------------------------------------------------------------

    def _intended(self, event: ev.OrderIntent, at: Micros) -> None:
        # An order that leaves follows from its exit, which is told by itself.
        if event.purpose is Purpose.ENTRY:
            self._note(event, ev.Cause.TRADED, event.purpose, at)

    def _left(self, event: ev.Exit, at: Micros) -> None:
        self._note(event, ev.Cause.EXITED, Purpose.EXIT, at)

    def _denied(self, event: ev.Denied, at: Micros) -> None:
        if event.phase == "begin":
            self._note(event, ev.Cause.DENIED, event.purpose, at)

    def _note(self, event: ev.Decided, cause: ev.Cause, purpose: Purpose, at: Micros) -> None:
        decision, fresh = _decision(event, cause, purpose, at), self._fresh
        for key in [k for k, known in fresh.items() if at - known.since > LATE_MAX]:
            del fresh[key]
        if self.covers(decision) or decision.key in fresh:
            return
        if len(fresh) >= self.ceiling:
            self.spilled += 1
        else:
            fresh[decision.key] = decision

    def _marked(self, event: ev.Mark, _: Micros) -> None:
        decision = _decision(event, event.cause, event.purpose, event.since)
        known = self._series.get(decision.key)
        if not event.horizon_s:
            if known is not None:
                self._drop(known)
            self._follow(Series(decision))
        elif known is not None and known.decision.since == event.since:
            self._advance(known, _NUMBER.get(event.horizon_s, -1))

    def _resolved(self, event: ev.MarketResolved, _: Micros) -> None:
        for series in list(self._markets.get(event.market, {}).values()):
            self._drop(series)
        for key in [k for k, known in self._fresh.items() if known.market == event.market]:
            del self._fresh[key]

    def _scanned(self, _event: ev.Scan, _: Micros) -> None:
        # The tick is over: whatever is not followed by now was left out, and that was said.
        self._fresh.clear()
        self.spilled = 0

    def _follow(self, series: Series) -> None:
        key = series.decision.key
        self._series[key] = series
        self._markets.setdefault(series.decision.market, {})[key] = series
        for queue in self._queues:
            queue.append(series)

    def _advance(self, series: Series, number: int) -> None:
        """Go on behind a horizon; after the last one nothing is followed any more."""
        if number < series.upcoming:
            return
        series.upcoming = number + 1
        if series.upcoming == len(HORIZONS):
            self._drop(series)

    def _drop(self, series: Series) -> None:
        key, market = series.decision.key, series.decision.market
        series.upcoming = len(HORIZONS)
        if self._series.get(key) is series:
            del self._series[key]
            del self._markets[market][key]
            if not self._markets[market]:
                del self._markets[market]


def _decision(event: ev.Decided, cause: ev.Cause, purpose: Purpose, since: Micros) -> Decision:
    return Decision(
        cause=cause,
        signal=event.signal,
        strategy=event.strategy,
        market=event.market,
        event=event.event,
        family=event.family,
        leg=event.leg,
        purpose=purpose,
        since=since,
    )
