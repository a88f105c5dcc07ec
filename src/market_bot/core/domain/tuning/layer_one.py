"""The first layer: which drafts of an advisor become proposals, and why the others do not.

A draft is hostile until it is shown otherwise. It passes if it speaks of a confirmed finding that a
knob can mend, turns that knob by one step in the direction that the finding says, from the value
that is in force, at a time when nothing speaks against it, and if every number in its reasons was
told to the advisor.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

import attrs

from market_bot.core.domain.leaks.api import Kind, Status
from market_bot.core.domain.numbers import HOUR, Duration, Micros

from .allowlist import Allowlist, Change, Entry
from .learning import Memory
from .proposal import (
    FIRST_LAYER,
    Draft,
    Dropped,
    Effect,
    Grounds,
    Proposed,
    RationaleCode,
    Reason,
    proposal_id,
)
from .queue import Queue, Waiting

DRAFTS_MAX: Final = 20
RATIONALE_MAX: Final = 600
_WORD_MAX: Final = 200
_DAY: Final = Duration(24 * HOUR)
_KEYS: Final[Mapping[str, int]] = {
    "finding_id": _WORD_MAX,
    "path": _WORD_MAX,
    "before": _WORD_MAX,
    "after": _WORD_MAX,
    "rationale_code": _WORD_MAX,
    "rationale": RATIONALE_MAX,
    "expected_effect": _WORD_MAX,
    "risk": RATIONALE_MAX,
}
_CODES: Final = {code.value: code for code in RationaleCode}
_EFFECTS: Final = {effect.value: effect for effect in Effect}

# A run of letters and digits with at least one digit, points between digits, a percent sign.
_PIECE: Final = re.compile(
    r"[A-Za-z_]*[0-9][A-Za-z0-9_]*(?:\.[0-9][A-Za-z0-9_]*)*(?:\s?%)?", re.ASCII
)
# In what an advisor says, commas between digits belong to the number; in lists of data they do not.
_SAID: Final = re.compile(
    r"[A-Za-z_]*[0-9][A-Za-z0-9_]*(?:[.,][0-9][A-Za-z0-9_]*)*(?:\s?%)?", re.ASCII
)
_PLAIN: Final = re.compile(
    r"((?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]+)?)(?:h|d|s|ms|min|c)?\Z",
    re.ASCII,
)
_NUMBER_MAX: Final = 40


@attrs.frozen(kw_only=True)
class Facts:
    """What a draft is judged by.

    Args:
        chain: whose settings: ``venue/lane``.
        night: whose findings.
        now: this moment.
        allowlist: what may be turned, from which value to which.
        grounds: the night's findings by id.
        queue: proposals and changes so far.
        memory: what was learnt so far.
        told: every number in what the advisor was told, see `numbers_in`; None only when a
            proposal is judged again, whose words were checked before.
        advisor: who drafted.
        cooldown: how long a knob is left alone after it was changed, by whomever.

    """

    chain: str
    night: str
    now: Micros
    allowlist: Allowlist
    grounds: Mapping[str, Grounds]
    queue: Queue
    memory: Memory
    told: frozenset[str] | None
    advisor: str
    cooldown: Duration = _DAY


@attrs.frozen(kw_only=True)
class Screened:
    """What became of a night's drafts; the most promising proposal first."""

    kept: tuple[Proposed, ...]
    dropped: tuple[Dropped, ...]


def read_drafts(answer: object) -> tuple[tuple[Draft, ...], int]:
    """Return the drafts in an advisor's answer, and how many did not fit the schema.

    The answer is what its JSON means: ``{"proposals": [{…}, …], "abstain_reason": "…"}``, and
    nothing more. At most twenty are read.
    """
    if not isinstance(answer, dict) or answer.keys() - {"proposals", "abstain_reason"}:
        return (), 1
    listed = answer.get("proposals")
    if not isinstance(listed, list):
        return (), 1
    read = [_draft(item) for item in listed[:DRAFTS_MAX]]
    drafts = tuple(draft for draft in read if draft is not None)
    return drafts, len(listed) - len(drafts)


def screen(drafts: Iterable[Draft], facts: Facts) -> Screened:
    """Return which drafts become proposals: each sound, one per knob, as many as there is room."""
    dropped: list[Dropped] = []
    sound: list[Proposed] = []
    for number, draft in enumerate(drafts):
        judged = Reason.QUEUE_FULL if number >= DRAFTS_MAX else _judge(draft, facts)
        if isinstance(judged, Reason):
            dropped.append(_dropped(draft, facts, judged))
        else:
            sound.append(_proposed(draft, judged, facts))
    kept: dict[str, Proposed] = {}
    for proposed in sorted(sound, key=lambda one: _promise(one, facts), reverse=True):
        path, full = proposed.change.path, len(kept) >= facts.queue.room
        if path in kept or full:
            reason = Reason.KNOB_TAKEN if path in kept else Reason.QUEUE_FULL
            dropped.append(_left_out(proposed, reason))
        else:
            kept[path] = proposed
    return Screened(kept=tuple(kept.values()), dropped=tuple(dropped))


def check_again(waiting: Waiting, facts: Facts) -> Change | Reason:
    """Return the change of a proposal that a person approves, or why it must not be made now."""
    facts = attrs.evolve(facts, queue=facts.queue.without(waiting.id))
    draft = Draft(
        finding=waiting.finding,
        path=waiting.path,
        before=waiting.before,
        after=waiting.after,
        rationale_code=waiting.card.get("rationale_code", ""),
        rationale=waiting.rationale,
        expected_effect=waiting.card.get("expected_effect", ""),
    )
    judged = _judge(draft, facts)
    if isinstance(judged, Change) and judged.file != waiting.file:
        return Reason.NOT_ALLOWED
    return judged


def numbers_in(text: str) -> frozenset[str]:
    """Return every number in a text, and every word with a digit in it, in one spelling.

    ``2.40``, ``2.4`` and ``2.4 s`` are one number; a share may be told as ``0.35`` or ``35 %``.
    """
    found = (_spellings(match[0]) for match in _PIECE.finditer(text))
    return frozenset().union(*found)


def _draft(item: object) -> Draft | None:
    if not isinstance(item, dict) or item.keys() != _KEYS.keys():
        return None
    for key, most in _KEYS.items():
        text = item[key]
        if type(text) is not str or len(text) > most or not text.isprintable():
            return None
    values = {key: item[key] for key in _KEYS if key != "finding_id"}
    return Draft(finding=item["finding_id"], **values)


def _judge(draft: Draft, facts: Facts) -> Change | Reason:
    if not _well_formed(draft):
        return Reason.SCHEMA
    grounds = facts.grounds.get(draft.finding)
    if grounds is None:
        return Reason.UNKNOWN_FINDING
    if grounds.status is not Status.CONFIRMED:
        return Reason.NOT_CONFIRMED
    if grounds.kind is not Kind.TUNING:
        return Reason.NOT_TUNING
    entry = facts.allowlist.get(draft.path)
    if entry is None:
        return Reason.NOT_ALLOWED
    change = _change(draft, entry)
    if isinstance(change, Reason):
        return change
    if grounds.directions.get(draft.path) != change.direction:
        return Reason.WRONG_DIRECTION
    return _untimely(change, entry, grounds, facts) or _untold(draft, facts) or change


def _well_formed(draft: Draft) -> bool:
    return (
        draft.rationale_code in _CODES
        and draft.expected_effect in _EFFECTS
        and len(draft.rationale) <= RATIONALE_MAX
        and len(draft.risk) <= RATIONALE_MAX
        and draft.rationale.isprintable()
        and draft.risk.isprintable()
    )


def _change(draft: Draft, entry: Entry) -> Change | Reason:
    if entry.value is None:
        return Reason.NOT_SET
    if draft.before != entry.value:
        return Reason.BEFORE_DIFFERS
    if draft.after not in entry.next:
        return Reason.NOT_A_LEGAL_VALUE
    return entry.change(draft.after)


def _untimely(change: Change, entry: Entry, grounds: Grounds, facts: Facts) -> Reason | None:
    queue, memory, path = facts.queue, facts.memory, change.path
    if queue.trial is not None:
        return Reason.TRIAL_OPEN
    if any(waiting.path == path for waiting in queue.open):
        return Reason.KNOB_TAKEN
    changed = queue.changed.get(path)
    if changed is not None and facts.now < changed + facts.cooldown:
        return Reason.COOLING
    blocked = memory.blocked_until(
        path, change.direction, grounds.rule, after=change.after, knob=entry.knob
    )
    if blocked is not None and facts.now < blocked:
        return Reason.BLOCKED
    silent = memory.suppressed_until(path, change.direction)
    if silent is not None and facts.now < silent:
        return Reason.SUPPRESSED
    return None


def _untold(draft: Draft, facts: Facts) -> Reason | None:
    told = facts.told
    if told is None:
        return None
    for text in (draft.rationale, draft.risk):
        if any(sign.isnumeric() and not sign.isascii() for sign in text):
            return Reason.UNTOLD_NUMBER
        if any(not _spellings(match[0]) & told for match in _SAID.finditer(text)):
            return Reason.UNTOLD_NUMBER
    return None


def _spellings(piece: str) -> frozenset[str]:
    """Return what a piece of text with a digit in it counts as: a number, else itself alone."""
    word = piece.removesuffix("%").rstrip()
    plain = _PLAIN.match(word)
    if plain is None or len(word) > _NUMBER_MAX:
        return frozenset({word})
    value = Decimal(plain[1].replace(",", ""))
    share = {_spelling(value / 100)} if piece.endswith("%") else set()
    return frozenset({_spelling(value), *share})


def _spelling(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _proposed(draft: Draft, change: Change, facts: Facts) -> Proposed:
    return Proposed(
        id=_id(draft, facts),
        night=facts.night,
        finding=draft.finding,
        rule=facts.grounds[draft.finding].rule,
        change=change,
        rationale_code=_CODES[draft.rationale_code],
        rationale=draft.rationale,
        expected_effect=_EFFECTS[draft.expected_effect],
        advisor=facts.advisor,
    )


def _promise(proposed: Proposed, facts: Facts) -> Fraction:
    grounds, change = facts.grounds[proposed.finding], proposed.change
    return facts.memory.score(grounds, change.path, change.direction)


def _dropped(draft: Draft, facts: Facts, reason: Reason) -> Dropped:
    return Dropped(
        id=_id(draft, facts),
        layer=FIRST_LAYER,
        reason=reason.value,
        path=draft.path[:_WORD_MAX],
        after=draft.after[:_WORD_MAX],
    )


def _left_out(proposed: Proposed, reason: Reason) -> Dropped:
    change = proposed.change
    return Dropped(
        id=proposed.id,
        layer=FIRST_LAYER,
        reason=reason.value,
        path=change.path,
        after=change.after,
    )


def _id(draft: Draft, facts: Facts) -> str:
    return proposal_id(
        facts.chain, facts.night, draft.finding, draft.path, draft.before, draft.after
    )
