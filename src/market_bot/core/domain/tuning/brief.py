"""What an advisor is told of a night: numbers, words from closed lists, and opaque codes.

Names of markets, events and families, titles, answers of venues and notes of people are written by
strangers, and a language model would read them as it reads its orders. None of them is in a brief.
A finding is told by a code such as ``L1``, what it is about by a code such as ``S1``; costs have
two significant digits and no balance is told. Two nights that differ in names alone have the same
brief, byte for byte.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import attrs

from market_bot.core.domain.leaks.api import Finding, Kind, Measured, Status
from market_bot.core.domain.numbers import (
    HOUR,
    MONEY_SCALE,
    Micros,
    Money,
    NotExactError,
    parse_scaled,
)

from .allowlist import Allowlist, Entry
from .layer_one import Facts, numbers_in, read_drafts, screen
from .learning import Lesson
from .proposal import Draft, Effect, RationaleCode

FINDINGS_MAX: Final = 10
"""How many findings are told, the costliest first."""

_KNOBS_MAX: Final = 12
_LESSONS_MAX: Final = 40
_MOVES_MAX: Final = 40
_OUTCOMES_MAX: Final = 3
_FIGURES: Final = 3
_COST_FIGURES: Final = 2
_VALUE_SCALE: Final = 12
_DAY: Final = 24 * HOUR
_CHANGES_TOLD: Final = 7 * _DAY

_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}\Z", re.ASCII)
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,12})?\Z", re.ASCII)
_TOLD: Final = (Status.CONFIRMED, Status.SUSPECT)
_WAYS: Final = {1: "up", -1: "down"}
_UNCLEAR: Final = "direction_unclear"
_AT_AN_END: Final = "no_step_that_way"

# What rules may say beside their estimates. Some rules make names of a venue's words.
_UNITS: Final = frozenset(
    {
        "dollars per contract",
        "dollars per contract missed",
        "dollars per contract sold",
        "dollars per dollar not spent",
        "dollars per refused contract",
        "share of all",
    }
)
_DETAILS: Final = frozenset(
    {
        "beyond_others_at_the_same_prices",
        "crossed",
        "delay_share",
        "edge",
        "edge_at_most",
        "edge_from",
        "entries",
        "fees",
        "fewer_fills_p",
        "filled",
        "filled_on_paper",
        "given_back",
        "loss_30_minutes",
        "loss_5_minutes",
        "matched",
        "old",
        "old_book_share",
        "own_mean",
        "permutation_p",
        "refused",
        "refused_share_low",
        "share_of_largest_event",
        "shortfall",
        "slope_low",
        "stops",
        "too_few_wins_p",
        "tried",
        "utilisation",
        "variance_ratio",
        "wide_spread_share",
        "wrong",
    }
)


@attrs.frozen(kw_only=True)
class Turn:
    """One thing that may be proposed: a finding's code, and a knob's step in its direction.

    ``cost`` is the least the leak costs in dollars a day and ``events`` how many independent
    events showed it within a week, both as they are told.
    """

    finding: str
    rule: str
    path: str
    before: str
    after: str
    cost: str
    events: int

    @property
    def way(self) -> int:
        """1 if the value rises, -1 if it falls."""
        rises = parse_scaled(self.after, _VALUE_SCALE) > parse_scaled(self.before, _VALUE_SCALE)
        return 1 if rises else -1


# Not slotted: what is derived from the text is kept beside it.
@attrs.frozen(kw_only=True, slots=False)
class Brief:
    """What an advisor is told, and nothing besides; make it with `brief_of`.

    Args:
        text: canonical JSON.
        codes: the ids of findings by their codes; they hold names and are told to nobody.

    """

    text: str
    codes: Mapping[str, str]

    @classmethod
    def of_text(cls, text: str) -> Brief:
        """Return a brief by its text alone, in which findings are called by their codes.

        Raises:
            ValueError: if it is no brief.

        """
        try:
            brief = cls(text=text, codes={})
            codes = {turn.finding: turn.finding for turn in brief.turns}
        except (KeyError, TypeError, AttributeError) as e:
            msg = "this is not the text of a brief"
            raise ValueError(msg) from e
        return attrs.evolve(brief, codes=codes)

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """All that may be proposed, the costliest finding first; empty if nothing may be."""
        return tuple(
            Turn(
                finding=told["code"],
                rule=told["rule"],
                path=knob["path"],
                before=knob["value"],
                after=after,
                cost=told["cost_low_dollars_a_day"],
                events=told["week"]["events"],
            )
            for told in json.loads(self.text)["findings"]
            for knob in told["knobs"]
            for after in knob["next"]
        )

    @cached_property
    def told(self) -> frozenset[str]:
        """Every number in the text; what an advisor writes may hold no other."""
        return numbers_in(self.text)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of an answer: words and values to choose from, and sentences.

        It cannot say which value belongs to which knob, nor how many proposals there may be: that
        is checked by the first layer.
        """
        turns = self.turns
        chosen = {
            "finding_id": [turn.finding for turn in turns],
            "path": [turn.path for turn in turns],
            "before": [turn.before for turn in turns],
            "after": [turn.after for turn in turns],
            "rationale_code": [code.value for code in RationaleCode],
            "expected_effect": [effect.value for effect in Effect],
        }
        properties: dict[str, Any] = {
            key: {"type": "string", "enum": list(dict.fromkeys(values))}
            for key, values in chosen.items()
        }
        properties |= {"rationale": {"type": "string"}, "risk": {"type": "string"}}
        return _closed(
            {
                "proposals": {"type": "array", "items": _closed(properties)},
                "abstain_reason": {"type": "string"},
            }
        )

    def drafts(self, answer: object) -> tuple[tuple[Draft, ...], int]:
        """Return the drafts in an answer with the ids of their findings, and how many are none.

        A code that was not told leads to no finding, also if it is the id of one.
        """
        drafts, unfit = read_drafts(answer)
        known = [attrs.evolve(draft, finding=self.codes.get(draft.finding, "")) for draft in drafts]
        return tuple(known), unfit


def brief_of(findings: Iterable[Finding], facts: Facts) -> Brief:
    """Return what an advisor is told of a night.

    Args:
        findings: the night's, in any order; those that were not seen are left out.
        facts: what drafts will be judged by. What it would refuse now is not offered.

    """
    seen = [finding for finding in findings if finding.status in _TOLD]
    rows = sorted(
        ((finding, _row(finding, facts)) for finding in seen),
        key=lambda pair: (*_rank(pair[0]), _canonical(pair[1])),
    )[:FINDINGS_MAX]
    codes: dict[str, str] = {}
    subjects: dict[str, str] = {}
    for number, (finding, row) in enumerate(rows, start=1):
        row["code"] = f"L{number}"
        row["about"] = "all"
        if finding.subject:
            row["about"] = subjects.setdefault(finding.subject, f"S{len(subjects) + 1}")
        codes[row["code"]] = finding.id
    rules = {finding.rule for finding, _ in rows}
    text = _canonical(
        {
            "findings": [row for _, row in rows],
            "memory": _memory(facts, rules),
            "changes": _changes(facts),
            "room_for_proposals": facts.queue.room,
        }
    )
    return Brief(text=text, codes=codes)


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _canonical(data: object) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _rank(finding: Finding) -> tuple[int, int, int]:
    # Names decide nothing, not even the order of two leaks that cost the same.
    return _TOLD.index(finding.status), -finding.cost_low, -finding.cost_point


# -- findings ------------------------------------------------------------------------------------


def _row(finding: Finding, facts: Facts) -> dict[str, Any]:
    knobs, refused = _knobs(finding, facts)
    return {
        "rule": _word(finding.rule),
        "status": finding.status.value,
        "kind": finding.kind.value,
        "nights_seen": finding.nights_seen,
        "p_corrected": _figures(finding.p_corrected),
        "cost_low_dollars_a_day": _dollars(finding.cost_low),
        "cost_point_dollars_a_day": _dollars(finding.cost_point),
        "day": _measure(finding.day),
        "week": _measure(finding.week),
        "knobs": knobs,
        "not_now": refused,
    }


def _measure(measured: Measured) -> dict[str, Any]:
    return {
        "observations": measured.n,
        "events": measured.events,
        "missing": measured.missing,
        "estimate": _figures(measured.estimate),
        "low": _figures(measured.low),
        "high": _figures(measured.high),
        "unit": measured.unit if measured.unit in _UNITS else "other",
        "p": _figures(measured.p),
        "flagged": measured.flagged,
        "numbers": {
            key: _figures(float(text))
            for key, text in sorted(measured.detail.items())
            if key in _DETAILS and _DECIMAL.match(text)
        },
    }


def _knobs(finding: Finding, facts: Facts) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Return the knobs that may be turned because of a finding, and the others with a reason."""
    offered: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    grounds = facts.grounds.get(finding.id)
    if grounds is None or finding.status is not Status.CONFIRMED or finding.kind is not Kind.TUNING:
        return offered, refused
    for path, way in list(grounds.directions.items())[:_KNOBS_MAX]:
        entry = facts.allowlist.get(path)
        if entry is None:
            continue  # The path of something that is no knob is a name like any other.
        after, why = _next(finding, entry, way, facts)
        if after is None:
            refused.append({"path": path, "why": why})
        else:
            offered.append(_knob(entry, after, way))
    return offered, refused


def _knob(entry: Entry, after: str, way: int) -> dict[str, Any]:
    return {
        "path": entry.path,
        "value": entry.value,
        "next": [after],
        "direction": _WAYS[way],
        "low": entry.knob.low,
        "high": entry.knob.high,
        "step": entry.knob.step,
        "unit": _word(entry.knob.unit),
    }


def _next(finding: Finding, entry: Entry, way: int, facts: Facts) -> tuple[str | None, str]:
    """Return the next value in a direction if the first layer would take it now, else why not."""
    if way not in _WAYS:
        return None, _UNCLEAR
    found = [after for after in entry.next if entry.change(after).direction == way]
    if not found or entry.value is None:
        return None, _AT_AN_END
    draft = Draft(
        finding=finding.id,
        path=entry.path,
        before=entry.value,
        after=found[0],
        rationale_code=RationaleCode.FEWER_BAD_ENTRIES.value,
        rationale="",
        expected_effect=Effect.LESS_LOSS.value,
    )
    screened = screen((draft,), attrs.evolve(facts, told=None))
    if screened.dropped:
        return None, screened.dropped[0].reason
    return found[0], ""


# -- history -------------------------------------------------------------------------------------


def _memory(facts: Facts, rules: set[str]) -> list[dict[str, Any]]:
    told = [
        lesson
        for lesson in facts.memory.lessons()
        if lesson.rule in rules and lesson.direction in _WAYS and facts.allowlist.get(lesson.path)
    ]
    return [_lesson(lesson, facts.now) for lesson in told[:_LESSONS_MAX]]


def _lesson(lesson: Lesson, now: Micros) -> dict[str, Any]:
    reasons = [rejected.reason for rejected in lesson.rejections]
    blocked = max((block.until for block in lesson.blocks), default=now)
    return {
        "path": lesson.path,
        "direction": _WAYS[lesson.direction],
        "rule": _word(lesson.rule),
        "approvals": lesson.approvals,
        "rejections": {_word(reason): reasons.count(reason) for reason in sorted(set(reasons))},
        "outcomes": [
            {
                "hours": outcome.hours,
                "gain_dollars_a_day": _dollars(outcome.gain),
                "low": _dollars(outcome.low),
                "high": _dollars(outcome.high),
            }
            for outcome in lesson.outcomes[-_OUTCOMES_MAX:]
        ],
        "blocked_for_hours": max(0, -(-(blocked - now) // HOUR)),
    }


def _changes(facts: Facts) -> list[dict[str, Any]]:
    """Return what proposals changed within a month, and what anybody changed within a week."""
    moved = [
        {
            "path": move.path,
            "before": move.before,
            "after": move.after,
            "days_ago": max(0, (facts.now - move.at) // _DAY),
        }
        for move in facts.queue.moves
        if _known(move.path, facts.allowlist) and _numbers((move.before, move.after))
    ]
    touched = [
        {"path": path, "days_ago": max(0, (facts.now - at) // _DAY)}
        for path, at in facts.queue.changed.items()
        if _known(path, facts.allowlist) and facts.now - at < _CHANGES_TOLD
    ]
    return [*moved[-_MOVES_MAX:], *touched[-_MOVES_MAX:]]


def _known(path: str, allowlist: Allowlist) -> bool:
    return allowlist.get(path) is not None


def _numbers(texts: Sequence[str]) -> bool:
    try:
        for text in texts:
            parse_scaled(text, _VALUE_SCALE)
    except NotExactError:
        return False
    return True


# -- words and numbers ---------------------------------------------------------------------------


def _word(text: str) -> str:
    """Return a word of the program's own, or that it is another."""
    return text if _WORD.match(text) else "other"


def _figures(value: float | None) -> str | None:
    """Return a number with three significant digits; None for one that is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return format(Decimal(f"{value + 0.0:.{_FIGURES}g}"), "f")


def _dollars(amount: Money | None) -> str | None:
    """Return an amount with two significant digits."""
    if amount is None:
        return None
    dollars = Decimal(amount).scaleb(-MONEY_SCALE)
    return format(Decimal(f"{dollars:.{_COST_FIGURES}g}"), "f")
