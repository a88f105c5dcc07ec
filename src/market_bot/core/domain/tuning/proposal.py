"""From what an advisor says to what a person is asked: drafts, proposals, and those dropped.

A `Draft` is text from somebody who is not trusted. A `Proposed` holds a `Change`, so it exists only
for what the allowlist allows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.api import Finding, Kind, Knobbed, Status
from market_bot.core.domain.numbers import Money

from .allowlist import Change

__all__ = [
    "Change",
    "Draft",
    "Dropped",
    "Effect",
    "Grounds",
    "Proposed",
    "RationaleCode",
    "Reason",
    "proposal_id",
]

_ID_DIGITS: Final = 16
FIRST_LAYER: Final = "first"


class RationaleCode(Enum):
    """Why a knob should be turned, in one of a few words."""

    FEWER_BAD_ENTRIES = "fewer_bad_entries"
    MORE_GOOD_ENTRIES = "more_good_entries"
    BETTER_PRICES = "better_prices"
    CHEAPER_FILLS = "cheaper_fills"
    EARLIER_EXIT = "earlier_exit"
    LATER_EXIT = "later_exit"
    SMALLER_SIZE = "smaller_size"
    LARGER_SIZE = "larger_size"
    SHORTER_WAIT = "shorter_wait"
    LONGER_WAIT = "longer_wait"


class Effect(Enum):
    """What an advisor expects of a change."""

    LESS_LOSS = "less_loss"
    LOWER_COST = "lower_cost"
    FEWER_TRADES = "fewer_trades"
    MORE_TRADES = "more_trades"
    LESS_IDLE_CAPITAL = "less_idle_capital"


class Reason(Enum):
    """Why the first layer drops a draft."""

    SCHEMA = "schema"
    UNKNOWN_FINDING = "unknown_finding"
    NOT_CONFIRMED = "not_confirmed"
    NOT_TUNING = "not_tuning"
    NOT_ALLOWED = "not_allowed"
    NOT_SET = "not_set"
    BEFORE_DIFFERS = "before_differs"
    NOT_A_LEGAL_VALUE = "not_a_legal_value"
    WRONG_DIRECTION = "wrong_direction"
    COOLING = "cooling"
    BLOCKED = "blocked"
    SUPPRESSED = "suppressed"
    KNOB_TAKEN = "knob_taken"
    QUEUE_FULL = "queue_full"
    TRIAL_OPEN = "trial_open"
    UNTOLD_NUMBER = "untold_number"


@attrs.frozen(kw_only=True)
class Draft:
    """What an advisor says: text, and nothing more is known of it."""

    finding: str
    path: str
    before: str
    after: str
    rationale_code: str
    rationale: str
    expected_effect: str
    risk: str = ""


@attrs.frozen(kw_only=True)
class Grounds:
    """What of a finding decides whether a knob may be turned because of it.

    ``directions`` says by path which way the knob would have to go, 0 where that is not clear.
    ``cost_low`` is the least that is lost, in 1e-12 dollars a day.
    """

    finding: str
    rule: str
    status: Status
    kind: Kind
    directions: Mapping[str, int]
    cost_low: Money

    @classmethod
    def of(cls, finding: Finding) -> Grounds:
        """Return the grounds that a finding gives."""
        return cls(
            finding=finding.id,
            rule=finding.rule,
            status=finding.status,
            kind=finding.kind,
            directions=_directions((*finding.day.knobs, *finding.week.knobs)),
            cost_low=finding.cost_low,
        )


def _directions(knobs: Iterable[Knobbed]) -> dict[str, int]:
    ways: dict[str, int] = {}
    for knob in knobs:
        agreed = ways.setdefault(knob.path, knob.direction) == knob.direction
        ways[knob.path] = knob.direction if agreed else 0
    return ways


@attrs.frozen(kw_only=True)
class Proposed:
    """A change with its reasons, which passed the first layer."""

    id: str
    night: str
    finding: str
    rule: str
    change: Change
    rationale_code: RationaleCode
    rationale: str
    expected_effect: Effect
    advisor: str

    def event(self, config_sha256: str, card: Mapping[str, str] | None = None) -> ev.Proposal:
        """Return the fact that it was made, for settings with this hash."""
        return ev.Proposal(
            proposal=self.id,
            finding=self.finding,
            file=self.change.file,
            path=self.change.path,
            before=self.change.before,
            after=self.change.after,
            rationale=self.rationale,
            advisor=self.advisor,
            config_sha256=config_sha256,
            card={
                "rationale_code": self.rationale_code.value,
                "expected_effect": self.expected_effect.value,
                **(card or {}),
            },
        )


@attrs.frozen(kw_only=True)
class Dropped:
    """A draft or a proposal that went no further: at which layer, and why."""

    id: str
    layer: str
    reason: str
    path: str = ""
    after: str = ""

    def event(self) -> ev.ProposalDropped:
        """Return the fact that it was dropped."""
        return ev.ProposalDropped(
            proposal=self.id,
            layer=self.layer,
            reason=self.reason,
            path=self.path,
            after=self.after,
        )


def proposal_id(chain: str, night: str, finding: str, path: str, before: str, after: str) -> str:
    """Return the name of a proposal: the same for the same change at the same night."""
    # With their lengths, so that no two lists of parts make the same text.
    text = "".join(f"{len(part)}:{part}" for part in (chain, night, finding, path, before, after))
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:_ID_DIGITS]
