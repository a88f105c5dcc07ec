"""The first part of a night: what leaked, judged from the journal alone, as facts to write down.

The same journal gives the same findings, so a night that was interrupted is simply judged again:
what is written down already is left out, and the review itself comes last. Until it stands in the
journal the night has not happened.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.api import Finding, Kind, LeakRule, Measured, Night
from market_bot.core.domain.leaks.judge import Review, judge
from market_bot.core.domain.nights import DAY, NightLog, judged_by
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.windows import Windows

WEEK_DAYS: Final = 7
MONTH_DAYS: Final = 28
FINDINGS_MAX: Final = 300
_FIGURES: Final = 9


@attrs.frozen(kw_only=True)
class ReviewLeaks:
    """Judges the nights of one lane.

    Args:
        windows: the lane's past.
        rules: all that are asked.
        chain: the lane's journal, by name.
        knobs: what could be tuned, with its values.

    """

    windows: Windows
    rules: Sequence[LeakRule]
    chain: str
    knobs: Mapping[str, str | None]

    def review(self, night: str, log: NightLog) -> Review:
        """Return the verdict on a night.

        Raises:
            JournalError: if the journal cannot be read.

        """
        _, until = judged_by(night)
        day, week, month = (
            self.windows.read(Micros(max(0, until - days * DAY)), until)
            for days in (1, WEEK_DAYS, MONTH_DAYS)
        )
        looked_at = Night(
            night=night,
            day=day,
            week=week,
            month=month,
            knobs=self.knobs,
            seed=f"{self.chain}:{night}",
        )
        return judge(looked_at, self.rules, log.history())


def review_facts(review: Review, told: Collection[str] = ()) -> tuple[ev.Event, ...]:
    """Return what is to be written down of a review; the fact that completes it is the last.

    Args:
        review: the verdict on a night.
        told: findings that are written down already.

    """
    findings = review.findings[:FINDINGS_MAX]
    leaks = [leak_of(finding) for finding in findings if finding.id not in told]
    return (
        *leaks,
        ev.LeakReview(
            night=review.night,
            since=review.since,
            until=review.until,
            findings=len(findings),
            confirmed=len(review.confirmed),
        ),
    )


def leak_of(finding: Finding) -> ev.Leak:
    """Return the fact that something was found, or that nothing was."""
    best = best_of(finding)
    return ev.Leak(
        finding=finding.id,
        rule=finding.rule,
        version=finding.version,
        status=finding.status.value,
        kind=finding.kind.value,
        night=finding.night,
        n=best.n,
        events=best.events,
        cost_low=finding.cost_low,
        cost_point=finding.cost_point,
        evidence=best.evidence,
        knobs=tuple(knob.path for knob in best.knobs),
        detail={**_numbers(finding, best), **best.detail},
    )


def best_of(finding: Finding) -> Measured:
    """Return the measure that tells more: the week's, unless only the day shows anything."""
    return finding.day if finding.day.flagged and not finding.week.flagged else finding.week


def diagnosed(finding: Finding, kind: Kind) -> Finding:
    """Return a finding as replays of its knobs showed it to be."""
    return attrs.evolve(finding, kind=kind)


def _numbers(finding: Finding, best: Measured) -> dict[str, str]:
    known = {
        "rank": finding.rank,
        "nights_seen": finding.nights_seen,
        "missing": best.missing,
        "estimate": best.estimate,
        "low": best.low,
        "high": best.high,
        "p": best.p,
        "p_corrected": finding.p_corrected,
    }
    return {name: _decimal(value) for name, value in known.items() if value is not None}


def _decimal(value: float) -> str:
    text = format(Decimal(repr(value)).quantize(Decimal(1).scaleb(-_FIGURES)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
