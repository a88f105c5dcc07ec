"""What may be written down of what a child process says: nothing it could have made up by itself.

Evaluation, replays and the advisor run in a process of their own, and a part of that process talks
to a language model. Whoever holds the journal therefore believes none of it by its word: only
facts of a night's few types pass, of this night, and a proposal only if the holder's own allowlist
has exactly that step and the second layer, asked here, does not object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.api import Kind, Status
from market_bot.core.domain.nights import judged_by
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.tuning.allowlist import Allowlist
from market_bot.core.domain.tuning.proposal import proposal_id
from market_bot.core.domain.tuning.queue import KEEP, OPEN_MAX, QUEUE, Queue, Stage
from market_bot.core.ports.config_store import ConfigStore, ConfigStoreError
from market_bot.core.usecases.propose_changes import Objection

FACTS_MAX: Final = 400
TEXT_MAX: Final = 2_000
EVIDENCE_MAX: Final = 50
_FIELDS_MAX: Final = 200
_SWEPT: Final = frozenset({Stage.EXPIRED.value, Stage.STALE.value})


class BadAnswer(Exception):
    """An answer holds something that must not be written down; the message says what."""


@attrs.frozen(kw_only=True)
class Terms:
    """What an answer is held against.

    Args:
        chain: the lane's journal, by name.
        night: which night was asked for.
        head: the last line of the journal; nothing later can be evidence.
        now: the lane's time.
        queue: the proposals so far.
        confirmed: findings of the night that are written down as confirmed.
        allowlist: what may be turned, read by whoever holds the journal.
        file: the lane's settings file.
        store: tries edits on a copy.
        objection: the second layer.

    """

    chain: str
    night: str
    head: int
    now: Micros
    queue: Queue
    confirmed: frozenset[str]
    allowlist: Allowlist
    file: str
    store: ConfigStore
    objection: Objection


def accept_review(facts: Sequence[ev.Event], terms: Terms) -> Sequence[ev.Event]:
    """Return the facts of a night's first part, in order, if all of them are sound.

    Raises:
        BadAnswer: if one is not; then none is.

    """
    _bounded(facts)
    *leaks, review = facts
    if not isinstance(review, ev.LeakReview) or review.night != terms.night:
        _refuse("it does not end with the review of this night")
    if (review.since, review.until) != judged_by(terms.night):
        _refuse("the review is of another day")
    seen: set[str] = set()
    for leak in leaks:
        if not isinstance(leak, ev.Leak):
            _refuse(f"{leak.TYPE} is no part of a review")
        _check_leak(leak, terms)
        if leak.finding in seen:
            _refuse(f"{leak.finding[:80]} is told twice")
        seen.add(leak.finding)
    return facts


def accept_proposals(facts: Sequence[ev.Event], terms: Terms) -> Sequence[ev.Event]:
    """Return the facts of a night's second part, in order, if all of them are sound.

    Raises:
        BadAnswer: if one is not; then none is.

    """
    _bounded(facts)
    if not isinstance(facts[-1], ev.NightEnded) or facts[-1].night != terms.night:
        _refuse("it does not end with the end of this night")
    queue = terms.queue
    for fact in facts[:-1]:
        _check_step(fact, queue, terms)
        queue = queue.hear(terms.now, fact)
    if len(queue.open) > OPEN_MAX:
        _refuse(f"{len(queue.open)} proposals would wait: at most {OPEN_MAX} may")
    if any(item.stage is Stage.PROPOSED for item in queue.open):
        _refuse("a proposal is neither queued nor dropped")
    return facts


def _check_leak(leak: ev.Leak, terms: Terms) -> None:
    if leak.night != terms.night or not leak.finding.startswith(f"{terms.night}:{leak.rule}:"):
        _refuse("a finding of another night")
    if leak.status not in {one.value for one in Status}:
        _refuse(f"no status: {leak.status[:40]}")
    if leak.kind not in {one.value for one in Kind}:
        _refuse(f"no kind: {leak.kind[:40]}")
    evidence = leak.evidence
    if len(evidence) > EVIDENCE_MAX or any(not 1 <= seq <= terms.head for seq in evidence):
        _refuse("evidence that is not in the journal")


def _check_step(fact: ev.Event, queue: Queue, terms: Terms) -> None:
    match fact:
        case ev.LeakDiagnosed() if fact.finding not in terms.confirmed:
            _refuse("a diagnosis of what was not found")
        case ev.Proposal():
            _check_proposal(fact, terms)
        case ev.ProposalQueued():
            _check_queued(fact, queue, terms)
        case ev.ProposalDropped():
            item = queue.items.get(fact.proposal)
            if item is not None and item.stage is Stage.QUEUED:
                _refuse("a proposal is dropped that waits for a person")
        case ev.ProposalDecided():
            if fact.by != QUEUE or fact.decision not in _SWEPT or fact.reason not in _WHY:
                _refuse("a decision that only a person can make")
        case ev.LeakDiagnosed():
            return
        case _:
            _refuse(f"{fact.TYPE} is no part of a night's proposals")


_WHY: Final = frozenset({"", "value", "file"})


def _check_proposal(fact: ev.Proposal, terms: Terms) -> None:
    entry = terms.allowlist.get(fact.path)
    if entry is None or fact.file != terms.file or entry.file != terms.file:
        _refuse("a proposal for something that is no knob")
    if entry.value != fact.before or fact.after not in entry.next:
        _refuse("a proposal that is no legal step")
    if fact.finding not in terms.confirmed:
        _refuse("a proposal without a confirmed finding")
    name = proposal_id(terms.chain, terms.night, fact.finding, fact.path, fact.before, fact.after)
    if fact.proposal != name:
        _refuse("a proposal under a wrong name")


def _check_queued(fact: ev.ProposalQueued, queue: Queue, terms: Terms) -> None:
    item = queue.items.get(fact.proposal)
    if item is None or item.stage is not Stage.PROPOSED:
        _refuse("something is queued that was not proposed")
    if not terms.now < fact.expires_at <= terms.now + KEEP:
        _refuse("a proposal that waits too long, or not at all")
    try:
        edit = terms.store.prepare(item.file, item.path, before=item.before, after=item.after)
    except ConfigStoreError as e:
        _refuse(f"a proposal that cannot be made: {e}")
    if item.config != edit.sha_before:
        _refuse("a proposal for another version of the settings")
    reason = terms.objection(edit, queue, terms.now)
    if reason is not None:
        _refuse(f"a proposal that the second layer refuses: {reason}")


def _bounded(facts: Sequence[ev.Event]) -> None:
    if not 1 <= len(facts) <= FACTS_MAX:
        _refuse(f"{len(facts)} facts: from 1 to {FACTS_MAX} are possible")
    for fact in facts:
        for value in attrs.asdict(fact, recurse=False).values():
            _check_text(value)


def _check_text(value: object) -> None:
    match value:
        case str():
            if len(value) > TEXT_MAX or not value.isprintable():
                _refuse("a text that is too long, or no line")
        case Mapping() | tuple():
            if len(value) > _FIELDS_MAX:
                _refuse("too many fields")
            parts = value.items() if isinstance(value, Mapping) else value
            for part in parts:
                _check_text(part)
        case _:
            return


def _refuse(why: str) -> NoReturn:
    msg = f"the evaluation's answer was not taken: {why}"
    raise BadAnswer(msg)
