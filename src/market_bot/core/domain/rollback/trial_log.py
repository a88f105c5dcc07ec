"""What a journal says of changes under watch, and what is still to be done: a fold of its lines.

A change of a proposal that was applied waits until the lane trades with it; then its trial begins.
A trial that ended by keeping the change is followed for seven days more, for what it brought.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import NEVER, Micros
from market_bot.core.domain.tuning.changes import APPLIED

from .afterwards import FOLLOWED, Afterwards
from .trial import ENDINGS, Trials

BY_PROPOSAL: Final = "proposal:"
BY_TRIAL: Final = "trial:"
KEEP: Final = "keep"
REVERT: Final = "revert"
SUPERSEDED: Final = "superseded"

_WAITING_MAX: Final = 16
_BEGUN_MAX: Final = 64
_RATIO_MAX: Final = 1_000.0

_T = TypeVar("_T")
Value = Callable[[str, str], str | None]
"""Returns the value of a knob, by its path, in the canonical text of a configuration."""


@attrs.define(eq=False)
class Applied:
    """A change of a proposal on its way to a trial.

    Args:
        intended: the change.
        since: when it was intended.
        made: whether the file was changed.
        before, config: hashes of the configurations before it and with it; empty while the lane
            does not trade with it.
        in_force: when it came into force.

    """

    intended: ev.ChangeIntended
    since: Micros
    made: bool = False
    before: str = ""
    config: str = ""
    in_force: Micros = NEVER

    @property
    def proposal(self) -> str:
        """The proposal's id."""
        return self.intended.cause.removeprefix(BY_PROPOSAL)

    @property
    def ready(self) -> bool:
        """Whether the lane trades with it, by the words of the journal."""
        return self.made and bool(self.config)


@attrs.define(eq=False)
class Begun:
    """A trial as far as ending it goes.

    Args:
        started: the fact that began it.
        at: when.
        reasons: of the check that decided it.
        edited: whether somebody gave the knob another value since.
        undoing: changes that were to take it back and whose end is not written down.
        undone: what became of the latest that ended; "" if there was none.

    """

    started: ev.TrialStarted
    at: Micros
    reasons: str = ""
    edited: bool = False
    undoing: dict[str, ev.ChangeIntended] = attrs.field(factory=dict)
    undone: str = ""


@attrs.define(eq=False)
class TrialLog:
    """Hears a lane's journal in order, from anywhere before what is still to be done.

    Args:
        value: looks up a knob in a configuration.

    """

    value: Value
    trials: Trials = attrs.field(factory=Trials, init=False)
    waiting: dict[str, Applied] = attrs.field(factory=dict, init=False)
    begun: dict[str, Begun] = attrs.field(factory=dict, init=False)
    ratios: dict[str, float] = attrs.field(factory=dict, init=False)
    afterwards: dict[str, Afterwards] = attrs.field(factory=dict, init=False)

    @property
    def watched(self) -> Begun | None:
        """The trial that has not ended, whether or not its terms can be read."""
        known = self.trials.open
        name = self.trials.unreadable if known is None else known.started.trial
        return None if name is None else self.begun.get(name)

    @property
    def next(self) -> Applied | None:
        """The change whose trial is to begin; None while another is under way."""
        if self.watched is not None or self.trials.unreadable is not None:
            return None
        return next((one for one in self.waiting.values() if one.ready), None)

    @property
    def since(self) -> Micros | None:
        """From when on the journal has to be heard for all this; None if nothing is to be done."""
        moments = [one.since for one in self.waiting.values()]
        moments += [one.at for one in self.afterwards.values() if not one.over]
        watched = self.watched
        moments += [] if watched is None else [watched.at]
        return min(moments, default=None)

    def hear(self, event: ev.Event, at: Micros, config: str) -> None:
        """Take the next line, written under a configuration."""
        self.trials.hear(event, at, config)
        match event:
            case ev.ProposalQueued(proposal=proposal):
                self._predicted(proposal, event.card)
            case ev.ChangeIntended():
                self._intended(event, at)
            case ev.ChangeEnded():
                self._ended(event)
            case ev.ConfigChanged():
                self._reconfigured(event, at)
            case ev.TrialStarted():
                self._begin(event, at)
            case ev.TrialChecked(trial=trial, verdict=verdict) if verdict in ENDINGS:
                if trial in self.begun:
                    self.begun[trial].reasons = event.numbers.get("reasons", "")
            case ev.TrialEnded(trial=trial, verdict=verdict) if verdict != KEEP:
                self.afterwards.pop(trial, None)
            case _:
                pass
        for followed in self.afterwards.values():
            followed.hear(event, at, config)

    def _predicted(self, proposal: str, card: Mapping[str, str]) -> None:
        try:
            ratio = float(card.get("trades_ratio", ""))
        except ValueError:
            return
        if 0 < ratio < _RATIO_MAX:
            _newest(self.ratios, _BEGUN_MAX)[proposal] = ratio

    def _intended(self, event: ev.ChangeIntended, at: Micros) -> None:
        trial = event.cause.removeprefix(BY_TRIAL)
        if event.cause.startswith(BY_PROPOSAL):
            _newest(self.waiting, _WAITING_MAX)[event.change] = Applied(event, at)
        elif event.cause.startswith(BY_TRIAL) and trial in self.begun:
            self.begun[trial].undoing[event.change] = event

    def _ended(self, event: ev.ChangeEnded) -> None:
        for one in self.begun.values():
            if one.undoing.pop(event.change, None) is not None:
                one.undone = event.outcome
        if event.change in self.waiting:
            self.waiting[event.change].made = True
            if event.outcome != APPLIED:
                del self.waiting[event.change]

    def _reconfigured(self, event: ev.ConfigChanged, at: Micros) -> None:
        for name, one in list(self.waiting.items()):
            if same(self.value(event.config, one.intended.path), one.intended.after):
                one.before, one.config = one.before or event.before, event.after
                one.in_force = one.in_force or at
            elif one.made:
                # Somebody turned it before its trial began: there is nothing to try any more.
                del self.waiting[name]
        for name, known in self.begun.items():
            started = known.started
            if not same(self.value(event.config, started.path), started.after):
                known.edited = True
                if name in self.afterwards:
                    self.afterwards[name].close(at)

    def _begin(self, event: ev.TrialStarted, at: Micros) -> None:
        for name, one in list(self.waiting.items()):
            if one.proposal == event.proposal:
                del self.waiting[name]
        _newest(self.begun, _BEGUN_MAX)[event.trial] = Begun(event, at)
        over = [name for name, one in self.afterwards.items() if one.over]
        for name in over:
            del self.afterwards[name]
        _newest(self.afterwards, FOLLOWED)[event.trial] = Afterwards(event, at)


def same(one: str | None, other: str) -> bool:
    """Tell whether two values are the same number, however they are written."""
    if one is None:
        return False
    try:
        return Decimal(one) == Decimal(other)
    except InvalidOperation:
        return one == other


def _newest(known: dict[str, _T], most: int) -> dict[str, _T]:
    while len(known) >= most:
        del known[next(iter(known))]
    return known
