"""The queue of proposals between the night and a person: a fold of the journal.

proposed → queued → approved | rejected | expired | stale, or dropped on the way. The first
decision counts: whatever the journal says of a proposal that is decided changes nothing. The
functions below say what may happen next by returning the fact that would say so; they change
nothing either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import HOUR, NEVER, Duration, Micros

from .allowlist import Allowlist
from .changes import UNDONE

OPEN_MAX: Final = 3
KEEP: Final = Duration(7 * 24 * HOUR)
NOTE_MAX: Final = 200
QUEUE: Final = "queue"

_BY_PROPOSAL: Final = "proposal:"
_MEMORY: Final = Duration(31 * 24 * HOUR)
_DECIDED_KEPT: Final = 1_000
_PATHS_KEPT: Final = 1_000
_MOVES_KEPT: Final = 1_000


class Stage(Enum):
    """Where a proposal stands."""

    PROPOSED = "proposed"
    QUEUED = "queued"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    STALE = "stale"
    DROPPED = "dropped"

    # Part of many sets; the members are alone in their value.
    __hash__ = object.__hash__


OPEN: Final = frozenset({Stage.PROPOSED, Stage.QUEUED})
_DECISIONS: Final[Mapping[str, Stage]] = {
    stage.value: stage for stage in (Stage.APPROVED, Stage.REJECTED, Stage.EXPIRED, Stage.STALE)
}


class Rejection(Enum):
    """Why a person rejects a proposal."""

    NOT_CONVINCED = "not_convinced"
    TOO_RISKY = "too_risky"
    WRONG_KNOB = "wrong_knob"
    WRONG_DIRECTION = "wrong_direction"
    BAD_MOMENT = "bad_moment"
    CAUSE_KNOWN = "cause_known"
    OTHER = "other"


class NotPossible(Exception):
    """A step that the state of a proposal does not allow; the message is one line for people."""


@attrs.frozen(kw_only=True)
class Waiting:
    """A proposal as the journal tells it; ``note`` is for people's eyes only."""

    id: str
    finding: str
    file: str
    path: str
    before: str
    after: str
    rationale: str
    advisor: str
    config: str
    card: Mapping[str, str]
    stage: Stage = Stage.PROPOSED
    since: Micros = NEVER
    expires_at: Micros = NEVER
    decided_at: Micros = NEVER
    by: str = ""
    reason: str = ""
    note: str = ""

    @property
    def rule(self) -> str:
        """The leak rule whose finding is meant."""
        return rule_of(self.finding)


@attrs.frozen(kw_only=True)
class Move:
    """A change that was made because of a proposal, taken back or not."""

    change: str
    path: str
    before: str
    after: str
    at: Micros


@attrs.frozen(kw_only=True)
class Queue:
    """The proposals of one lane and what became of them.

    Args:
        items: by id, the oldest first; the oldest decided ones are let go of beyond a thousand.
        trial: the trial that is under way.
        changed: when a knob was changed last, by whomever.
        moves: changes made by proposals within the last month.

    """

    items: Mapping[str, Waiting] = attrs.field(factory=dict)
    trial: str | None = None
    changed: Mapping[str, Micros] = attrs.field(factory=dict)
    moves: tuple[Move, ...] = ()

    def hear(self, at: Micros, event: ev.Event) -> Queue:
        """Return the queue after the next line of the journal."""
        heard = _HEARD.get(type(event))
        return self if heard is None else heard(self, at, event)

    @property
    def open(self) -> tuple[Waiting, ...]:
        """What is not decided yet, the oldest first."""
        return tuple(item for item in self.items.values() if item.stage in OPEN)

    @property
    def room(self) -> int:
        """How many more proposals may be made."""
        return max(0, OPEN_MAX - len(self.open))

    def without(self, proposal: str) -> Queue:
        """Return the queue as if a proposal were not in it: how it is judged a second time."""
        kept = {name: item for name, item in self.items.items() if name != proposal}
        return attrs.evolve(self, items=kept)


def rule_of(finding: str) -> str:
    """Return the rule in the id of a finding, ``<night>:<rule>:<subject>``; "" if it has none."""
    parts = finding.split(":", 2)
    return parts[1] if len(parts) > 1 else ""


def enqueue(
    queue: Queue,
    proposal: str,
    *,
    now: Micros,
    card: Mapping[str, str],
    keep: Duration = KEEP,
) -> ev.ProposalQueued:
    """Return the fact that a proposal waits for a person from now on.

    Raises:
        NotPossible: if it is not one that was just made.

    """
    _in_stage(queue, proposal, Stage.PROPOSED)
    return ev.ProposalQueued(
        proposal=proposal, expires_at=Micros(now + min(keep, KEEP)), card=dict(card)
    )


def approve(queue: Queue, proposal: str, *, by: str, now: Micros) -> ev.ProposalDecided:
    """Return the fact that a person wants a change.

    Raises:
        NotPossible: if it does not wait for a decision, is too old, or a trial is under way.

    """
    item = _in_stage(queue, proposal, Stage.QUEUED)
    if now >= item.expires_at:
        msg = f"proposal {proposal} is too old: wait for the next night"
        raise NotPossible(msg)
    if queue.trial is not None:
        msg = f"trial {queue.trial} is under way: one change at a time"
        raise NotPossible(msg)
    return ev.ProposalDecided(proposal=proposal, decision=Stage.APPROVED.value, by=by)


def reject(
    queue: Queue, proposal: str, reason: Rejection, *, by: str, note: str = ""
) -> ev.ProposalDecided:
    """Return the fact that a person does not want a change.

    Raises:
        NotPossible: if it does not wait for a decision, or the note is not a short line of text.

    """
    _in_stage(queue, proposal, Stage.QUEUED)
    if len(note) > NOTE_MAX or not note.isprintable():
        msg = f"a note is one line of at most {NOTE_MAX} characters"
        raise NotPossible(msg)
    return ev.ProposalDecided(
        proposal=proposal, decision=Stage.REJECTED.value, by=by, reason=reason.value, note=note
    )


def overdue(queue: Queue, now: Micros) -> tuple[ev.ProposalDecided, ...]:
    """Return the facts that proposals expire on which nobody decided."""
    return tuple(
        ev.ProposalDecided(proposal=item.id, decision=Stage.EXPIRED.value, by=QUEUE)
        for item in queue.open
        if now >= (item.expires_at or item.since + KEEP)
    )


def outdated(queue: Queue, config: str, allowlist: Allowlist) -> tuple[ev.ProposalDecided, ...]:
    """Return the facts that proposals are stale, because their file or value changed meanwhile.

    Args:
        queue: the proposals of one settings file.
        config: what their ``config_sha256`` would be now.
        allowlist: what the file says now.

    """
    facts = []
    for item in queue.open:
        entry = allowlist.get(item.path)
        reason = ""
        if entry is None or entry.value != item.before:
            reason = "value"
        elif item.config != config:
            reason = "file"
        if reason:
            facts.append(
                ev.ProposalDecided(
                    proposal=item.id, decision=Stage.STALE.value, by=QUEUE, reason=reason
                )
            )
    return tuple(facts)


def _in_stage(queue: Queue, proposal: str, stage: Stage) -> Waiting:
    item = queue.items.get(proposal)
    if item is None:
        msg = f"there is no proposal {proposal[:40]!r}"
        raise NotPossible(msg)
    if item.stage is not stage:
        msg = f"proposal {proposal} is {item.stage.value}, not {stage.value}"
        raise NotPossible(msg)
    return item


def _proposed(queue: Queue, at: Micros, event: ev.Proposal) -> Queue:
    if event.proposal in queue.items:
        return queue
    item = Waiting(
        id=event.proposal,
        finding=event.finding,
        file=event.file,
        path=event.path,
        before=event.before,
        after=event.after,
        rationale=event.rationale,
        advisor=event.advisor,
        config=event.config_sha256,
        card=event.card,
        since=at,
    )
    return _keep(queue, item)


def _queued(queue: Queue, _: Micros, event: ev.ProposalQueued) -> Queue:
    item = queue.items.get(event.proposal)
    if item is None or item.stage is not Stage.PROPOSED:
        return queue
    return _keep(
        queue,
        attrs.evolve(
            item,
            stage=Stage.QUEUED,
            # Nothing that is written in the journal makes a proposal live longer.
            expires_at=Micros(min(event.expires_at, item.since + KEEP)),
            card={**item.card, **event.card},
        ),
    )


def _decided(queue: Queue, at: Micros, event: ev.ProposalDecided) -> Queue:
    item, stage = queue.items.get(event.proposal), _DECISIONS.get(event.decision)
    if item is None or stage is None or item.stage not in OPEN:
        return queue
    if stage is Stage.APPROVED and item.stage is not Stage.QUEUED:
        return queue
    return _keep(
        queue,
        attrs.evolve(
            item,
            stage=stage,
            decided_at=at,
            by=event.by,
            reason=event.reason,
            note=event.note[:NOTE_MAX],
        ),
    )


def _dropped(queue: Queue, at: Micros, event: ev.ProposalDropped) -> Queue:
    item = queue.items.get(event.proposal)
    if item is None or item.stage not in OPEN:
        return queue
    reason = f"{event.layer}: {event.reason}"
    return _keep(queue, attrs.evolve(item, stage=Stage.DROPPED, decided_at=at, reason=reason))


def _keep(queue: Queue, item: Waiting) -> Queue:
    items = {**queue.items, item.id: item}
    decided = [name for name, kept in items.items() if kept.stage not in OPEN]
    for name in decided[: max(0, len(decided) - _DECIDED_KEPT)]:
        del items[name]
    return attrs.evolve(queue, items=items)


def _trial_started(queue: Queue, _: Micros, event: ev.TrialStarted) -> Queue:
    return attrs.evolve(queue, trial=event.trial)


def _trial_ended(queue: Queue, _: Micros, event: ev.TrialEnded) -> Queue:
    return attrs.evolve(queue, trial=None) if queue.trial == event.trial else queue


def _intended(queue: Queue, at: Micros, event: ev.ChangeIntended) -> Queue:
    # Counted from the intention on: after a crash nobody knows yet whether it was carried out.
    queue = _changed(queue, at, event.path) if event.path else queue
    if not event.cause.startswith(_BY_PROPOSAL):
        return queue
    move = Move(change=event.change, path=event.path, before=event.before, after=event.after, at=at)
    young = [known for known in queue.moves if known.at > at - _MEMORY]
    return attrs.evolve(queue, moves=(*young, move)[-_MOVES_KEPT:])


def _ended(queue: Queue, _: Micros, event: ev.ChangeEnded) -> Queue:
    if event.outcome != UNDONE:
        return queue
    kept = tuple(move for move in queue.moves if move.change != event.change)
    return attrs.evolve(queue, moves=kept)


def _reconfigured(queue: Queue, at: Micros, event: ev.ConfigChanged) -> Queue:
    return _changed(queue, at, event.path) if event.path else queue


def _changed(queue: Queue, at: Micros, path: str) -> Queue:
    changed = {known: when for known, when in queue.changed.items() if known != path}
    for oldest in list(changed)[: max(0, len(changed) - _PATHS_KEPT + 1)]:
        del changed[oldest]
    return attrs.evolve(queue, changed={**changed, path: at})


# Each takes exactly the class it is filed under; the table is the only place that knows.
_HEARD: Final[Mapping[type[ev.Event], Callable[[Queue, Micros, Any], Queue]]] = {
    ev.Proposal: _proposed,
    ev.ProposalQueued: _queued,
    ev.ProposalDecided: _decided,
    ev.ProposalDropped: _dropped,
    ev.TrialStarted: _trial_started,
    ev.TrialEnded: _trial_ended,
    ev.ChangeIntended: _intended,
    ev.ChangeEnded: _ended,
    ev.ConfigChanged: _reconfigured,
}
