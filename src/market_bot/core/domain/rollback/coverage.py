"""The clock of a trial: only time in which the lane saw live data of an open venue counts.

Time between two scans is covered unless they are too far apart, the lane stopped or could not scan
between them, or the venue was not open. Lines of the same moment may come in any order.
"""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.analytics.build import GAP_MAX
from market_bot.core.domain.numbers import Duration, Micros

from .constants import (
    COVERED_SHARE,
    EXTENDED,
    HOLD_MINUTES,
    LAST_LOOK,
    MINUTE,
    PROBATION_MINUTES,
)

_OPEN: Final = "open"
_HOUR: Final = Duration(LAST_LOOK * MINUTE)
_FIRST_HOUR_MAX: Final = Duration(EXTENDED * _HOUR)
_PROBATION_MAX: Final = Duration(EXTENDED * PROBATION_MINUTES * MINUTE)
_ENOUGH: Final = Duration(int(COVERED_SHARE * _HOUR))


@attrs.define(eq=False)
class Coverage:
    """Covered minutes since a trial began, and the moment at which each was full.

    ``cuts[m - 1]`` is when minute ``m`` was full: a check at it reads lines before that moment.
    ``lacking`` says that the calendar ended the first hour, or the probation, with too little of it
    covered; ``uncovered`` is how much was taken for covered when a clock was ended so.
    """

    began: Micros
    covered: Duration = attrs.field(default=Duration(0), init=False)
    cuts: list[Micros] = attrs.field(factory=list, init=False)
    lacking: bool = attrs.field(default=False, init=False)
    uncovered: Duration = attrs.field(default=Duration(0), init=False)
    _held: Duration = attrs.field(default=Duration(0), init=False)
    _scanned: Micros = attrs.field(init=False)
    _breaks: tuple[Micros, Micros] = attrs.field(default=(Micros(-1), Micros(-1)), init=False)
    _shut_since: Micros | None = attrs.field(default=None, init=False)
    _shut_until: Micros = attrs.field(default=Micros(-1), init=False)

    def __attrs_post_init__(self) -> None:
        self._scanned = self.began

    @property
    def minutes(self) -> int:
        """Return the full covered minutes."""
        return len(self.cuts)

    def hear(self, event: ev.Event, at: Micros) -> None:
        """Take the next line."""
        self.wait(at)
        match event:
            case ev.Scan():
                self._scan(at)
            case ev.Tick() | ev.BotStarted() | ev.BotStopped():
                self._break(at)
            case ev.VenueState(state=state):
                self._venue(state == _OPEN, at)
            case _:
                pass

    def wait(self, now: Micros) -> None:
        """Let time pass: an hour that cannot be covered ends all the same.

        At its end with four fifths covered, after twice the time with what there is.
        """
        if self.minutes >= LAST_LOOK:
            self._wait_on(now)
            return
        enough = self._enough_at()
        # Not at that very moment: its scan may still come.
        if self.covered >= _ENOUGH and now > enough:
            self._fill(enough, LAST_LOOK)
        elif now >= self.began + _FIRST_HOUR_MAX:
            self.lacking = True
            self._fill(Micros(self.began + _FIRST_HOUR_MAX), LAST_LOOK)

    def hold(self, minute: int) -> None:
        """Set the clock back: a venue incident is no time of a trial."""
        back = max(0, min(minute, self.minutes) - HOLD_MINUTES)
        self._held = Duration(self._held + HOLD_MINUTES * MINUTE)
        self.covered = Duration(back * MINUTE)
        del self.cuts[back:]

    def _enough_at(self) -> Micros:
        # A scan is what makes it enough, so it is the later of both moments.
        return max(Micros(self.began + _HOUR + self._held), self._scanned)

    def _wait_on(self, now: Micros) -> None:
        if now >= self.began + _PROBATION_MAX and self.minutes < PROBATION_MINUTES:
            self.lacking = True
            self._fill(Micros(self.began + _PROBATION_MAX), PROBATION_MINUTES)

    def _fill(self, cut: Micros, minutes: int) -> None:
        self.cuts.extend([cut] * (minutes - self.minutes))
        full = Duration(minutes * MINUTE)
        self.uncovered = Duration(self.uncovered + full - self.covered)
        self.covered = full

    def _scan(self, at: Micros) -> None:
        since, self._scanned = self._scanned, at
        if at - since <= GAP_MAX and self._whole(since, at):
            self.covered = Duration(self.covered + at - since)
        full = min(self.covered // MINUTE, PROBATION_MINUTES)
        self.cuts.extend([at] * (full - self.minutes))

    def _whole(self, since: Micros, until: Micros) -> bool:
        if any(since <= broken < until for broken in self._breaks):
            return False
        shut = self._shut_since is not None and self._shut_since < until
        return not shut and since >= self._shut_until

    def _break(self, at: Micros) -> None:
        if at > self._breaks[1]:
            self._breaks = (self._breaks[1], at)

    def _venue(self, is_open: bool, at: Micros) -> None:  # noqa: FBT001 - private, one caller
        if not is_open and self._shut_since is None:
            self._shut_since = at
        elif is_open and self._shut_since is not None:
            self._shut_since, self._shut_until = None, at
