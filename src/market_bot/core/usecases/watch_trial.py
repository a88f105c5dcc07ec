"""Watch a change that was applied, keep it or take it back, and write down what came of it.

Everything follows from the lane's journal: it is read as it grows, line by line, and what is to be
said is written into it through the lane. So a restart at any moment goes on with the same trial,
the same deadlines and the same verdict. Nothing else decides; no advisor is asked.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from itertools import islice, takewhile
from typing import Final, Protocol

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import NEVER, SECOND, Duration, Micros, Money, Size
from market_bot.core.domain.rollback.afterwards import frozen_usual, usual
from market_bot.core.domain.rollback.cohort import Position
from market_bot.core.domain.rollback.history import History, beginning
from market_bot.core.domain.rollback.terms import Terms
from market_bot.core.domain.rollback.trial import Trial
from market_bot.core.domain.rollback.trial_log import (
    BY_TRIAL,
    KEEP,
    REVERT,
    SUPERSEDED,
    Applied,
    Begun,
    TrialLog,
    Value,
)
from market_bot.core.domain.rollback.verdict import check
from market_bot.core.domain.tuning.changes import APPLIED
from market_bot.core.domain.tuning.learning import BLOCK
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.config_store import (
    ConfigStore,
    ConfigStoreError,
    PreparedEdit,
    StaleConfigError,
)
from market_bot.core.ports.journal import Entry, JournalError
from market_bot.core.usecases.apply_change import ChangeApplier
from market_bot.core.usecases.lane_controls import CommandRefused

BY: Final = "trial"
EDITED: Final = "edited"
UNREADABLE: Final = "unreadable"
LOOK_EVERY: Final = Duration(SECOND)
AGAIN: Final = Duration(30 * SECOND)
LINES_A_STEP: Final = 500

HISTORY: Final = frozenset(
    kind.TYPE
    for kind in (
        ev.OrderIntent,
        ev.OrderAccepted,
        ev.OrderRejected,
        ev.OrderUnknown,
        ev.Fill,
        ev.FillReversed,
        ev.Mark,
        ev.MarketResolved,
        ev.Merged,
        ev.Denied,
        ev.Error,
        ev.Scan,
        ev.Tick,
        ev.BotStarted,
        ev.BotStopped,
    )
)
"""What the weeks before a trial are judged by."""


class Past(Protocol):
    """A lane's journal as it is written down; a line that is not finished is not there yet."""

    @abstractmethod
    def told(self) -> Iterator[Entry]:
        """Yield all lines about changes, proposals and trials, from the first one kept."""

    @abstractmethod
    def since(self, at: Micros) -> Iterator[Entry]:
        """Yield every line at or after a moment."""

    @abstractmethod
    def after(self, seq: int) -> Iterator[Entry]:
        """Yield every line behind a sequence number."""

    @abstractmethod
    def history(self, since: Micros) -> Iterator[Entry]:
        """Yield the lines of the types in `HISTORY` from a moment's day on."""


@attrs.frozen(kw_only=True)
class Present:
    """A lane as it is now.

    Args:
        ready: whether it trades: its past has been gone through.
        head: number of the last line it wrote.
        at: its own time then.
        held: what it holds.

    """

    ready: bool
    head: int = 0
    at: Micros = NEVER
    held: Mapping[Position, Size] = attrs.field(factory=dict)


@attrs.define(eq=False)
class _Weeks:
    """The four weeks before a change, while they are being read."""

    change: str
    history: History
    lines: Iterator[Entry]


@attrs.define(eq=False, kw_only=True)
class WatchTrial(Actor):
    """Watches the changes of one lane, one at a time.

    Args:
        chain: the lane, for people.
        file: its settings file.
        past: its journal.
        present: returns how it is now.
        value: looks up a knob in a configuration.
        budget: returns what a trial may lose.
        store: the settings files.
        put: brings a fact to the lane's next tick; False if it cannot take more.
        apply: makes a prepared edit, for somebody and a cause; the lane follows.
        tell: takes facts that belong to no lane.
        shadow: whether the old settings go on beside the lane while it is on trial.

    """

    chain: str
    file: str
    past: Past
    present: Callable[[], Present]
    value: Value
    budget: Callable[[], Money]
    store: ConfigStore
    put: Callable[[ev.Event], bool]
    apply: Callable[[PreparedEdit, str, str], ev.ChangeEnded]
    tell: Callable[[ev.Event], None] = lambda _: None
    shadow: bool = False
    log: TrialLog | None = attrs.field(default=None, init=False)
    trouble: str = attrs.field(default="", init=False)
    _seq: int = attrs.field(default=0, init=False)
    _last: Micros = attrs.field(default=NEVER, init=False)
    _lines: Iterator[Entry] | None = attrs.field(default=None, init=False)
    _weeks: _Weeks | None = attrs.field(default=None, init=False)
    _offered: ev.Event | None = attrs.field(default=None, init=False)
    _offer_until: Micros = attrs.field(default=NEVER, init=False)

    @property
    def name(self) -> str:
        """What its thread is called."""
        return f"trials of {self.chain}"

    def step(self, now: Micros) -> Micros | None:
        """Hear what is new in the journal, then do what follows from it."""
        present = self.present()
        if not present.ready:
            return Micros(now + LOOK_EVERY)
        try:
            busy = self._follow(present) or self._act(present, now)
        except (JournalError, ConfigStoreError, CommandRefused) as e:
            self._complain(str(e))
            return Micros(now + AGAIN)
        return now if busy else Micros(now + LOOK_EVERY)

    def stop(self, now: Micros, reason: str) -> None:
        """Do nothing: the next run goes on from the journal."""

    # -- hearing the journal -----------------------------------------------------------------

    def _follow(self, present: Present) -> bool:
        """Hear the next lines; tell whether there may be more."""
        log = self.log
        if log is None:
            log = self.log = self._begin_to_hear(present.head)
        if self._lines is None:
            if self._seq >= present.head:
                return False
            self._lines = self.past.after(self._seq)
        count = 0
        try:
            for entry in islice(self._lines, LINES_A_STEP):
                self._hear(log, entry)
                count += 1
        except JournalError:
            self._lines = None
            raise
        if count < LINES_A_STEP:
            self._lines = None
        return count == LINES_A_STEP

    def _begin_to_hear(self, head: int) -> TrialLog:
        """Return a log that hears from the first line that still matters."""
        known = TrialLog(self.value)
        for entry in self.past.told():
            if entry.event is not None:
                known.hear(entry.event, entry.at, entry.config)
        log = TrialLog(self.value)
        log.ratios.update(known.ratios)
        since = known.since
        if since is None:
            self._seq = head
        else:
            self._lines = self.past.since(since)
        return log

    def _hear(self, log: TrialLog, entry: Entry) -> None:
        self._seq, self._last = entry.seq, entry.at
        if entry.event is None:
            return
        if entry.event == self._offered:
            self._offered = None
        log.hear(entry.event, entry.at, entry.config)

    # -- doing what follows ------------------------------------------------------------------

    def _act(self, present: Present, now: Micros) -> bool:
        """Do the next thing there is to do; tell whether something was done."""
        log = self.log
        if log is None or (self._offered is not None and now < self._offer_until):
            return False
        self._offered = None
        watched, trial = log.watched, log.trials.open
        # Between two lines time passes only as far as every line of it was heard.
        at = present.at if self._seq >= present.head else self._last
        if watched is None:
            return self._tell_results(log, at, now) or self._prepare(log, present, now)
        if trial is None:
            return self._take_back(watched, UNREADABLE, at, now)
        if trial.decided == REVERT:
            return self._take_back(watched, watched.reasons, at, now)
        if watched.edited or trial.superseded:
            return self._end(watched, SUPERSEDED, EDITED, now)
        if trial.decided == KEEP:
            return self._end(watched, KEEP, watched.reasons, now)
        return self._check(trial, at, now)

    def _check(self, trial: Trial, at: Micros, now: Micros) -> bool:
        while (minute := trial.due(at)) is not None:
            verdict = check(trial, minute)
            if verdict.worth_telling:
                # It is heard where it stands in the journal, now as after a restart.
                return self._offer(verdict.event(trial.started.trial), now)
            trial.passed(minute)
        return False

    def _take_back(self, watched: Begun, reasons: str, at: Micros, now: Micros) -> bool:
        """Put the old value back if the new one still stands there, and end the trial."""
        if watched.undoing:
            # Whether it was carried out is what the file says.
            return self._finish(watched, now)
        if watched.undone == APPLIED:
            return self._end(watched, REVERT, reasons, now, Micros(at + BLOCK))
        started = watched.started
        try:
            edit = self.store.prepare(
                self.file, started.path, before=started.after, after=started.before
            )
        except StaleConfigError:
            if watched.undone and self._is_back(watched):
                return self._end(watched, REVERT, reasons, now, Micros(at + BLOCK))
            return self._end(watched, SUPERSEDED, EDITED, now)
        ended = self.apply(edit, BY, f"{BY_TRIAL}{started.trial}")
        if ended.outcome != APPLIED:
            msg = f"{self.file} was not changed back yet: {ended.reason or ended.outcome}"
            raise CommandRefused(msg)
        self.trouble = ""
        return True

    def _finish(self, watched: Begun, now: Micros) -> bool:
        facts: list[ev.Event] = []
        ChangeApplier(self.store, facts.append).finish(watched.undoing.values())
        return self._offer(facts[0], now)

    def _is_back(self, watched: Begun) -> bool:
        """Tell whether the old value stands in the file, beside what somebody else edited."""
        started = watched.started
        try:
            self.store.prepare(self.file, started.path, before=started.before, after=started.after)
        except StaleConfigError:
            return False
        return True

    def _end(
        self,
        watched: Begun,
        verdict: str,
        reason: str,
        now: Micros,
        blocked_until: Micros | None = None,
    ) -> bool:
        trial = watched.started.trial
        ended = ev.TrialEnded(
            trial=trial, verdict=verdict, reason=reason, blocked_until=blocked_until
        )
        return self._offer(ended, now)

    def _tell_results(self, log: TrialLog, at: Micros, now: Micros) -> bool:
        for followed in log.afterwards.values():
            outcome = followed.due(at)
            if outcome is not None:
                return self._offer(outcome, now)
        return False

    def _offer(self, fact: ev.Event, now: Micros) -> bool:
        if self.put(fact):
            self._offered, self._offer_until = fact, Micros(now + AGAIN)
        return False

    # -- the beginning -----------------------------------------------------------------------

    def _prepare(self, log: TrialLog, present: Present, now: Micros) -> bool:
        """Read on in the weeks before a change; begin its trial once they are known."""
        change = log.next
        if change is None:
            return False
        name = change.intended.change
        if self._weeks is None or self._weeks.change != name:
            until = change.in_force
            lines = takewhile(lambda line: line.at < until, self.past.history(beginning(until)))
            self._weeks = _Weeks(name, History(until), lines)
        # Taken out first: what could not be read to its end is begun anew.
        weeks, self._weeks = self._weeks, None
        if _read_on(weeks):
            self._weeks = weeks
            return True
        return self._offer(self._started(log, change, weeks.history, present), now)

    def _started(
        self, log: TrialLog, change: Applied, history: History, present: Present
    ) -> ev.TrialStarted:
        intended = change.intended
        terms = Terms(
            baseline=history.baseline(),
            config=change.config,
            before=change.before,
            budget=self.budget(),
            ratio=log.ratios.get(change.proposal, 1.0),
            shadow=self.shadow,
            held=dict(present.held),
        )
        return ev.TrialStarted(
            trial=intended.change,
            proposal=change.proposal,
            path=intended.path,
            before=intended.before,
            after=intended.after,
            baseline={**terms.frozen(), **frozen_usual(usual(history.worths()))},
        )

    def _complain(self, message: str) -> None:
        if message != self.trouble:
            self.trouble = message
            self.tell(ev.Error(where=f"trial:{self.chain}", message=message))


def _read_on(weeks: _Weeks) -> bool:
    """Hear some more lines; tell whether there may be others."""
    count = 0
    for entry in islice(weeks.lines, LINES_A_STEP):
        count += 1
        if entry.event is not None:
            weeks.history.hear(entry.event, entry.at, entry.config)
    return count == LINES_A_STEP
