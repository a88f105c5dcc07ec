"""A lane on live data as an actor: a tick every interval, whatever the venue is up to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import NEVER, SECOND, Duration, Micros
from market_bot.core.domain.tally import Tally
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.journal import DurabilityLostError, JournalError
from market_bot.core.ports.market_data import MarketDataError
from market_bot.core.usecases.lane_picture import picture
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.trade_lane import LaneTrader

_PUBLISH_EVERY: Final = Duration(250_000)
_WAIT_MAX: Final = Duration(30 * SECOND)
_DOUBLINGS_MAX: Final = 5

Begin = Callable[[LaneTrader, Micros], None]
Poll = Callable[[Micros], Micros]
Decorate = Callable[[LaneSnapshot], LaneSnapshot]


def begin_with_nothing(trader: LaneTrader, now: Micros) -> None:
    """Go on from the journal alone."""


def nothing_to_poll(now: Micros) -> Micros:
    """Return the same moment: the source is asked while it is drained."""
    return now


def nothing_to_notice() -> str | None:
    """Return that nothing stands in the way."""
    return None


def nothing_to_wake() -> None:
    """Wake nobody."""


def as_it_is(snapshot: LaneSnapshot) -> LaneSnapshot:
    """Return the picture without anything more."""
    return snapshot


@attrs.define(eq=False)
class FedLane(Actor):
    """Trades what a venue tells, until it is stopped.

    A source that fails is asked again, less and less often up to every half minute; meanwhile
    nothing is decided, since nothing is known. Ticks that were missed are not made up for. News
    bring the next tick forward, but never to less than ``soonest`` after the last one.

    Args:
        trader: does the ticks.
        started: returns the fact that opens the lane.
        tally: counts what happens; already an observer of the trader's recorder.
        blank: the snapshot to begin with (venue, lane, limits).
        interval: how far apart ticks are.
        digest: digest of the state, for the closing line.
        begin: done once, after the opening line and before the first tick.
        ticks_max: stop in order after so many ticks.
        poll: asks the source for what is due, and returns the time after that: the tick's.
        notice: tells why there is nothing to trade although the source answers, for people.
        decorate: adds to a picture what the trader does not know.
        wait_max: how long a source that fails is left alone at most.
        soonest: how far apart ticks are at least, whatever news there is; None waits for no news.
        nudge: wakes whoever steps the lane.
        time: the time of the present tick.

    """

    trader: LaneTrader
    started: Callable[[], ev.BotStarted]
    tally: Tally
    blank: LaneSnapshot
    interval: Duration
    digest: Callable[[], str]
    begin: Begin = begin_with_nothing
    ticks_max: int | None = None
    poll: Poll = nothing_to_poll
    notice: Callable[[], str | None] = nothing_to_notice
    decorate: Decorate = as_it_is
    wait_max: Duration = _WAIT_MAX
    soonest: Duration | None = None
    nudge: Callable[[], None] = nothing_to_wake
    snapshot: LaneSnapshot = attrs.field(init=False)
    time: Micros = attrs.field(default=NEVER, init=False)
    _due: Micros = attrs.field(default=NEVER, init=False)
    _ticked: Micros = attrs.field(default=NEVER, init=False)
    _news: bool = attrs.field(default=False, init=False)
    _begun: bool = attrs.field(default=False, init=False)
    _failures: int = attrs.field(default=0, init=False)
    _trouble: str | None = attrs.field(default=None, init=False)
    _published: Micros = attrs.field(default=NEVER, init=False)

    def __attrs_post_init__(self) -> None:
        self.snapshot = self.blank

    @property
    def name(self) -> str:
        """The lane's chain: venue/lane."""
        return f"{self.blank.venue}/{self.blank.lane}"

    def step(self, now: Micros) -> Micros | None:
        """Take the next tick if it is due; see `Actor.step`."""
        try:
            return self._step(now)
        except JournalError as e:
            self._publish("failed", error=str(e))
            return None

    def tell_news(self) -> None:
        """Take the next tick as soon as may be; from any thread.

        However much news comes, whoever steps the lane is woken once a tick.
        """
        if self.soonest is not None and not self._news:
            self._news = True
            self.nudge()

    def stop(self, now: Micros, reason: str) -> None:
        """Cancel what rests, write down the end; the next start goes on from there."""
        if self.snapshot.phase in ("stopped", "failed"):
            return
        if self._begun:
            try:
                self.trader.finish(reason, self.digest(), self._tick_time(now))
            except JournalError as e:
                self._publish("failed", error=str(e))
                return
        self._publish("stopped")

    def show(self) -> LaneSnapshot:
        """Return the present picture; for whoever steps the lane."""
        self._publish(self.snapshot.phase, error=self.snapshot.error)
        return self.snapshot

    def _step(self, now: Micros) -> Micros | None:
        if self.ticks_max is not None and self.trader.ticks >= self.ticks_max:
            self.stop(now, "ticks")
            return None
        due = self._next_due()
        # The wall clock may have been set back: nobody waits longer than one interval for it.
        if now < due <= now + max(self.interval, self.wait_max):
            return due
        # Cleared first: what comes while this tick is taken is for the next one.
        self._news = False
        now = self._ticked = self.poll(now)
        at = self._tick_time(now)
        if not self._begun:
            # Unguarded: a lane that cannot write its opening has nothing to go on with.
            self.trader.start(self.started(), at)
            self._begun = True
            self.begin(self.trader, at)
        self.time = at
        self._tick(at)
        self._due = self._next(now)
        # Nobody waits long for news because the wall clock was set back.
        if abs(now - self._published) >= _PUBLISH_EVERY or self._trouble is not None:
            self._published = now
            trouble = self._trouble or self.notice()
            self._publish("waiting" if trouble else "trading", error=trouble)
        return self._next_due()

    def _next_due(self) -> Micros:
        """Return when the next tick is taken; a source that fails is not asked for news."""
        if self.soonest is None or not self._news or self._failures:
            return self._due
        return min(self._due, self._earliest())

    def _earliest(self) -> Micros:
        least = self.interval if self.soonest is None else min(self.soonest, self.interval)
        return Micros(self._ticked + least)

    def _tick_time(self, now: Micros) -> Micros:
        """Return a time that never runs back, as the chain's does."""
        return max(now, self.time, self.trader.recorder.last_at)

    def _tick(self, at: Micros) -> None:
        try:
            self._guarded(lambda: self.trader.tick(at))
        except MarketDataError as e:
            self._failures += 1
            told, self._trouble = self._trouble, str(e)
            if told != self._trouble:
                missed = ev.Tick(position="", reason=self._trouble)
                self._guarded(lambda: self._note(missed, at))
        else:
            self._failures, self._trouble = 0, None

    def _note(self, event: ev.Event, at: Micros) -> None:
        """Write down something while no tick comes that would make it durable."""
        self.trader.note(event, at)
        self.trader.recorder.journal.commit()

    def _next(self, now: Micros) -> Micros:
        if self._failures:
            doubled = max(self.interval, SECOND) << min(self._failures, _DOUBLINGS_MAX)
            return Micros(now + min(doubled, self.wait_max))
        due = Micros((now // self.interval + 1) * self.interval if self.interval else now)
        # News may have brought this tick close to the next whole interval.
        return due if self.soonest is None else max(due, self._earliest())

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

    def _publish(self, phase: str, *, error: str | None = None) -> None:
        drawn = picture(
            self.trader,
            self.tally,
            self.blank,
            phase=phase,
            at=self.time,
            progress=None,
            error=error,
        )
        self.snapshot = self.decorate(drawn)
