"""A trial as a fold of the journal: a restart at any moment goes on with the same one.

A check at a covered minute reads only what was written before the moment at which that minute was
full. So it does not matter when it is made, after how many restarts, or how often.
"""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import HOUR, Micros, Money

from .baseline import BadBaselineError
from .cohort import Cohort
from .constants import LAST_LOOK, LOOKS, MINUTE, PROBATION_TOLD
from .count_check import HOURS
from .coverage import Coverage
from .error_check import NONE, Errors, Tally
from .evidence import Evidence
from .hard import HardAlarms
from .terms import Terms, thaw

HOLD: Final = "hold"
ENDINGS: Final = frozenset({"keep", "revert"})
OVERFLOW: Final = "too_much_to_watch"
_TRIALS_MAX: Final = 1_000


@attrs.define(eq=False)
class TrialData:
    """What the journal says since a trial began.

    Args:
        terms: with what it was begun.
        began: when.

    """

    terms: Terms
    began: Micros
    coverage: Coverage = attrs.field(init=False)
    superseded: bool = attrs.field(default=False, init=False)
    last: Micros = attrs.field(init=False)
    _configs: set[str] = attrs.field(init=False)
    _cohort: Cohort = attrs.field(init=False)
    _shadow: list[tuple[Micros, int]] = attrs.field(factory=list, init=False)
    _alone_since: Micros | None = attrs.field(default=None, init=False)
    _errors: Errors = attrs.field(factory=Errors, init=False)
    _tallies: list[Tally] = attrs.field(factory=list, init=False)
    _forgiven: Tally = attrs.field(default=NONE, init=False)
    _hard: HardAlarms = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.last = self.began
        self.coverage = Coverage(self.began)
        self._configs = {self.terms.config}
        self._cohort = Cohort(configs=self._configs, held=self.terms.held)
        self._hard = HardAlarms(usual=self.terms.baseline.refusing)

    def hear(self, event: ev.Event, at: Micros, config: str) -> None:
        """Take the next line of the lane's journal, written under a configuration."""
        self.last = max(self.last, at)
        self.coverage.hear(event, at)
        self._count_errors()
        self._errors.hear(event, at)
        self._cohort.hear(event, at, config)
        if not isinstance(event, ev.Denied) or config in self._configs:
            self._hard.hear(event, at)
        match event:
            case ev.ConfigChanged(before=before, after=after):
                self._reconfigured(before, after)
            case ev.BotStarted(config=started) if started:
                self._reconfigured(self.terms.config, started)
            case _:
                pass

    def hear_shadow(self, tally: ev.ShadowTally, at: Micros) -> None:
        """Take what the old configuration did meanwhile, on the same data."""
        if self._alone_since is not None:
            return
        if tally.entries:
            self._shadow.append((at, tally.entries))
        if tally.over:
            self._alone_since = at

    def wait(self, now: Micros) -> None:
        """Let time pass without a line."""
        self.last = max(self.last, now)
        self.coverage.wait(now)
        self._count_errors()

    def hold(self, minute: int) -> None:
        """Set the clock back because of the venue, and forget the errors until then."""
        self._forgiven = self._tally(minute)
        self.coverage.hold(minute)
        del self._tallies[self.coverage.minutes :]

    def alarmed(self, now: Micros) -> Micros | None:
        """Return when the first alarm that needs no statistics was certain."""
        found = self._hard.found(Micros(now + 1))
        return found[0][0] if found else None

    def evidence(self, minute: int, cut: Micros) -> Evidence:
        """Return the trial as it was known just before ``cut``."""
        worths = self._cohort.worths(cut)
        scored = self.terms.baseline.scored
        hard = [code for _, code in self._hard.found(cut)]
        if self._cohort.overflown:
            hard.append(OVERFLOW)
        known = (worth.present for worth in worths)
        return Evidence(
            minute=minute,
            cut=cut,
            trades=tuple(map(scored, worths)),
            worths=tuple(Money(worth) for worth in known if worth is not None),
            live=self._cohort.opened(cut),
            shadow=self._beside(cut),
            hour=self.began // HOUR % HOURS,
            tally=self._tally(minute).minus(self._forgiven),
            hard=tuple(dict.fromkeys(hard)),
            uncovered=self.coverage.uncovered // MINUTE if minute >= LAST_LOOK else 0,
            lacking=self.coverage.lacking,
        )

    def _beside(self, cut: Micros) -> int | None:
        """Return what the shadow began before a moment; None once there is none."""
        alone = self._alone_since
        if not self.terms.shadow or (alone is not None and alone < cut):
            return None
        return sum(entries for at, entries in self._shadow if at < cut)

    def _tally(self, minute: int) -> Tally:
        known = self._tallies[:minute]
        return known[-1] if known else self._forgiven

    def _count_errors(self) -> None:
        for cut in self.coverage.cuts[len(self._tallies) :]:
            self._tallies.append(self._errors.until(cut))

    def _reconfigured(self, before: str, after: str) -> None:
        if after == self.terms.before:
            self.superseded = True
        elif before in self._configs:
            # Another setting was changed: what is tried is still in force.
            self._configs.add(after)


@attrs.define(eq=False)
class Trial:
    """One trial: its data, and which of its minutes were checked.

    Args:
        started: the fact that began it.
        at: when.
        decided: the verdict of a written check that ends it: keep or revert. Nothing is due from
            then on; what follows from it may still have to be done.
        ended: the verdict of its end.
        superseded: whether somebody turned the same knob meanwhile.

    Raises:
        BadBaselineError: if what was frozen cannot be read.

    """

    started: ev.TrialStarted
    at: Micros
    terms: Terms = attrs.field(init=False)
    data: TrialData = attrs.field(init=False)
    checked: int = attrs.field(default=0, init=False)
    decided: str | None = attrs.field(default=None, init=False)
    ended: str | None = attrs.field(default=None, init=False)
    superseded: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self.terms = thaw(self.started.baseline)
        self.data = TrialData(self.terms, self.at)

    def hear(self, event: ev.Event, at: Micros, config: str) -> None:
        """Take the next line of the lane's journal, its own checks included."""
        if self.ended is not None:
            return
        match event:
            case ev.TrialChecked(trial=trial) if trial == self.started.trial:
                self._told(event)
            case ev.TrialEnded(trial=trial, verdict=verdict) if trial == self.started.trial:
                self.ended = verdict
            case ev.ShadowTally():
                if event.trial == self.started.trial:
                    self.data.hear_shadow(event, at)
            case _:
                self.data.hear(event, at, config)
                self.superseded |= self.data.superseded or self._edited(event)

    def due(self, now: Micros | None = None) -> int | None:
        """Return the minute that is to be checked next, None if there is none yet.

        Each full minute is one; minutes that became full at the same moment are checked together,
        at the last of them or at the next look. An alarm that needs no statistics is due at once.
        """
        if self.ended is not None or self.decided is not None:
            return None
        now = self.data.last if now is None else now
        self.data.wait(now)
        cuts, following = self.data.coverage.cuts, self.checked + 1
        if following <= len(cuts):
            return self._together(following)
        return following if self.data.alarmed(now) is not None else None

    def passed(self, minute: int) -> None:
        """Note that a check of a minute gave nothing to write down."""
        self.checked = max(self.checked, minute)

    def evidence(self, minute: int) -> Evidence:
        """Return what a check of a minute looks at.

        Raises:
            ValueError: if the minute is not full and nothing happened that needs a check.

        """
        cuts = self.data.coverage.cuts
        full = cuts[minute - 1] if 1 <= minute <= len(cuts) else None
        now = self.data.last if full is None else Micros(full - 1)
        alarm = self.data.alarmed(now)
        if alarm is not None:
            return self.data.evidence(minute, Micros(alarm + 1))
        if full is None:
            msg = f"minute {minute} of trial {self.started.trial} is not covered yet"
            raise ValueError(msg)
        return self.data.evidence(minute, full)

    def _together(self, minute: int) -> int:
        cuts = self.data.coverage.cuts
        while minute < len(cuts) and cuts[minute] == cuts[minute - 1] and not to_tell(minute):
            minute += 1
        return minute

    def _edited(self, event: ev.Event) -> bool:
        """Tell whether somebody turned the same knob: then the trial is about nothing any more."""
        return (
            isinstance(event, ev.ConfigChanged)
            and event.path == self.started.path
            and event.after != self.terms.config
        )

    def _told(self, event: ev.TrialChecked) -> None:
        self.passed(event.minute)
        if event.verdict in ENDINGS:
            self.decided = event.verdict
        if event.verdict == HOLD:
            self.data.hold(event.minute)
            self.checked = self.data.coverage.minutes


def to_tell(minute: int) -> bool:
    """Tell whether a check of this minute is written down whatever it says."""
    return minute in LOOKS or (minute > LAST_LOOK and minute % PROBATION_TOLD == 0)


@attrs.define(eq=False)
class Trials:
    """All trials of a lane: hears its journal from anywhere before the open one began.

    ``unreadable`` names a trial whose terms cannot be read, until it ends: nobody can watch it.
    """

    open: Trial | None = attrs.field(default=None, init=False)
    unreadable: str | None = attrs.field(default=None, init=False)
    ended: dict[str, str] = attrs.field(factory=dict, init=False)

    def hear(self, event: ev.Event, at: Micros, config: str) -> None:
        """Take the next line of the lane's journal."""
        match event:
            case ev.TrialStarted():
                self._begin(event, at)
            case ev.TrialEnded(trial=trial, verdict=verdict):
                self._end(trial, verdict)
            case _ if self.open is not None:
                self.open.hear(event, at, config)
            case _:
                pass

    def _begin(self, event: ev.TrialStarted, at: Micros) -> None:
        try:
            self.open, self.unreadable = Trial(event, at), None
        except BadBaselineError:
            self.open, self.unreadable = None, event.trial

    def _end(self, trial: str, verdict: str) -> None:
        self.ended[trial] = verdict
        if len(self.ended) > _TRIALS_MAX:
            del self.ended[next(iter(self.ended))]
        if self.unreadable == trial:
            self.unreadable = None
        if self.open is not None and self.open.started.trial == trial:
            self.open = None
