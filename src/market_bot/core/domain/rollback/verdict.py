"""The verdict of a check: keep, revert, hold, go on, or probation, with numbers and words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Money, format_money

from .constants import (
    EFFECT,
    LAST_LOOK,
    PROBATION_EVENTS,
    PROBATION_MINUTES,
)
from .evidence import Evidence, Findings, examine
from .pnl_check import events_needed
from .terms import Terms
from .trial import Trial, to_tell
from .words import explain, in_dollars, smallest

INCIDENT: Final = "venue_incident"
NO_HARM: Final = "no_harm_found"
UNPROVEN: Final = "unproven"
UNCOVERED: Final = "too_little_covered"
LITTLE: Final = "too_few_events"
_DIGITS: Final = 6


class Kind(Enum):
    """What follows from a check; the values are the journal's."""

    KEEP = "keep"
    REVERT = "revert"
    HOLD = "hold"
    CONTINUE = "continue"
    PROBATION = "probation"


_ENDINGS: Final = {
    Kind.KEEP: "kept",
    Kind.REVERT: "reverted",
    Kind.HOLD: "the trial's clock stands still",
    Kind.CONTINUE: "watched on",
    Kind.PROBATION: "not enough evidence, on probation",
}


@attrs.frozen(kw_only=True)
class Verdict:
    """What a check of a trial says.

    Args:
        kind: what follows.
        minute: covered minutes at the check.
        reasons: codes: of a revert every alarm, else why there is no other verdict.
        numbers: everything that was looked at, as decimal strings.
        words: the same for people, in one line.

    """

    kind: Kind
    minute: int
    reasons: tuple[str, ...]
    numbers: Mapping[str, str]
    words: str

    @property
    def worth_telling(self) -> bool:
        """Whether it is written down; what says nothing new between two looks is not."""
        return self.kind not in {Kind.CONTINUE, Kind.PROBATION} or to_tell(self.minute)

    def event(self, trial: str) -> ev.TrialChecked:
        """Return the fact for the journal; the words and reasons are among its numbers."""
        numbers = {**self.numbers, "reasons": " ".join(self.reasons), "words": self.words}
        return ev.TrialChecked(
            trial=trial, minute=self.minute, verdict=self.kind.value, numbers=numbers
        )


def check(trial: Trial, minute: int) -> Verdict:
    """Return what a trial's evidence says at a minute that `Trial.due` named.

    Raises:
        ValueError: if the minute is not full yet.

    """
    return judge(trial.evidence(minute), trial.terms)


def judge(evidence: Evidence, terms: Terms) -> Verdict:
    """Return the verdict on evidence."""
    findings = examine(evidence, terms)
    kind, reasons = decide(evidence, findings, terms)
    return Verdict(
        kind=kind,
        minute=evidence.minute,
        reasons=reasons,
        numbers=_numbers(evidence, findings, terms),
        words=explain(evidence, findings, terms, _ENDINGS[kind]),
    )


def decide(evidence: Evidence, findings: Findings, terms: Terms) -> tuple[Kind, tuple[str, ...]]:
    """Return what follows from the findings, and why."""
    if findings.alarms:
        return Kind.REVERT, findings.alarms
    if findings.incident:
        return Kind.HOLD, (INCIDENT,)
    if evidence.minute < LAST_LOOK:
        return Kind.CONTINUE, ()
    if evidence.minute == LAST_LOOK:
        return _after_the_hour(evidence, findings, terms)
    return _on_probation(evidence, findings, terms)


def _after_the_hour(
    evidence: Evidence, findings: Findings, terms: Terms
) -> tuple[Kind, tuple[str, ...]]:
    if evidence.lacking:
        return Kind.PROBATION, (UNCOVERED,)
    if findings.profit.events < events_needed(terms.baseline.limit, EFFECT):
        return Kind.PROBATION, (LITTLE,)
    return Kind.KEEP, (NO_HARM,)


def _on_probation(
    evidence: Evidence, findings: Findings, terms: Terms
) -> tuple[Kind, tuple[str, ...]]:
    events = 0 if findings.wealth is None else findings.wealth.events
    if evidence.minute < PROBATION_MINUTES and events < PROBATION_EVENTS:
        return Kind.PROBATION, (LITTLE,)
    # Nobody could have seen harm in so little: it is kept, and said to be unproven.
    enough = events_needed(terms.baseline.limit, EFFECT)
    proven = terms.baseline.knows_enough and events >= enough
    return Kind.KEEP, (NO_HARM if proven else UNPROVEN,)


def _numbers(evidence: Evidence, findings: Findings, terms: Terms) -> dict[str, str]:
    profit = findings.profit
    effect = smallest(evidence, findings, terms)
    dollars = None if effect is None else in_dollars(effect, terms)
    numbers: dict[str, str | None] = {
        "uncovered": str(evidence.uncovered) if evidence.uncovered else None,
        "trades": str(profit.trades),
        "events": str(profit.events),
        "events_needed": str(events_needed(terms.baseline.limit, EFFECT)),
        "mean_sd": _number(profit.mean),
        "s": _number(profit.s),
        "x": _number(profit.x),
        "limit": _number(-terms.baseline.limit),
        "quiet_as_low": terms.baseline.as_low(profit.x) if profit.testable else None,
        "detectable_sd": _number(effect),
        "detectable_usd": _number(dollars),
        "pnl_usd": format_money(Money(sum(evidence.worths))),
        "allowed_loss_usd": format_money(findings.allowed),
        **_counted(evidence, findings, terms),
        **_failed(findings),
        "wealth": None if findings.wealth is None else _number(findings.wealth.wealth),
        "scored_events": None if findings.wealth is None else str(findings.wealth.events),
        "broken": " ".join(evidence.hard) or None,
    }
    return {name: value for name, value in numbers.items() if value is not None}


def _counted(evidence: Evidence, findings: Findings, terms: Terms) -> dict[str, str | None]:
    count = findings.count
    return {
        "entries": str(evidence.live),
        "shadow_entries": None if evidence.shadow is None else str(evidence.shadow),
        "predicted_ratio": _number(terms.ratio),
        "p_many": None if count is None else _number(count.high),
        "p_few": None if count is None else _number(count.low),
    }


def _failed(findings: Findings) -> dict[str, str | None]:
    errors = findings.errors
    if errors is None:
        return {}
    tally = errors.tally
    return {
        "errors": f"{tally.errors} of {tally.tries}",
        "control_errors": f"{tally.control_errors} of {tally.control_tries}",
        "p_errors": _number(errors.p),
        "p_beside": _number(errors.beside) if errors.alarm or errors.incident else None,
    }


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.{_DIGITS}g}"
