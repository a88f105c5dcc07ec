"""One verdict for all rules together: what is believed, what it costs, and what it explains.

Ten tests at 5 % would find something on 40 % of all nights on which nothing leaks. So within a rule
the share of false subjects is bounded, over rules the chance of any false one, and a leak is
confirmed only by a week, on the second of three nights. One dollar is explained by one leak only,
the costliest that claims it; leaks and the rest add up to what was realised, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.analytics.window import Window
from market_bot.core.domain.leaks import thresholds as limits
from market_bot.core.domain.leaks.api import (
    Finding,
    Kind,
    LeakRule,
    Measured,
    Night,
    Status,
)
from market_bot.core.domain.leaks.registry import in_order
from market_bot.core.domain.numbers import NO_MONEY, Micros, Money
from market_bot.core.domain.statistics import benjamini_hochberg, holm, on_grid

Key = tuple[str, str]
"""A rule and a subject: what is the same leak on two nights."""

_SUBJECTS_MAX: Final = 256
_NOT_MEASURED: Final = "was not measured"
_STATUSES: Final = (Status.CONFIRMED, Status.SUSPECT, Status.OK, Status.INSUFFICIENT)


@attrs.frozen(kw_only=True)
class Past:
    """An earlier night: which leaks were seen in it, confirmed or not."""

    night: str
    seen: frozenset[Key] = frozenset()


@attrs.frozen(kw_only=True)
class Reconciliation:
    """What was realised in a window, split into what leaks explain and the rest.

    ``explained`` is by finding, as a loss (positive); ``rest`` is what would have been realised
    without them. ``rest - sum(explained) == realised``, to the last unit.
    """

    realised: Money
    explained: Mapping[str, Money]
    rest: Money


@attrs.frozen(kw_only=True)
class Review:
    """All that a night's evaluation of a lane says.

    Args:
        night: its name.
        chain: the lane's journal.
        since, until: the day that was judged.
        findings: those that are believed first, the costliest first; every rule has at least one.
        day, week: what was realised, and what explains it.
        failed: rules that raised, with the name of the error.
        cut: whether a window was too large to be whole.

    """

    night: str
    chain: str
    since: Micros
    until: Micros
    findings: tuple[Finding, ...]
    day: Reconciliation
    week: Reconciliation
    failed: Mapping[str, str] = attrs.field(factory=dict)
    cut: bool = False

    @property
    def confirmed(self) -> tuple[Finding, ...]:
        """The findings that may lead to a proposal, if their kind allows."""
        return tuple(one for one in self.findings if one.status is Status.CONFIRMED)

    @property
    def seen(self) -> frozenset[Key]:
        """What later nights have to know of this one."""
        return frozenset((one.rule, one.subject) for one in self.findings if _is_seen(one))


@attrs.frozen(kw_only=True)
class _Case:
    """One subject of one rule, with the corrected p of its day and week."""

    rule: LeakRule
    subject: str
    day: Measured
    week: Measured
    day_p: float | None
    week_p: float | None

    @property
    def by_day(self) -> bool:
        return _shown(self.day, self.day_p, limits.DAY_ALPHA)

    @property
    def by_week(self) -> bool:
        return _shown(self.week, self.week_p, limits.WEEK_ALPHA)

    @property
    def least_p(self) -> float:
        known = [p for p in (self.day_p, self.week_p) if p is not None]
        return min(known, default=2.0)


def judge(night: Night, rules: Iterable[LeakRule], history: Sequence[Past] = ()) -> Review:
    """Return the verdict on one night.

    Args:
        night: its windows.
        rules: all that are to be asked, in any order.
        history: earlier nights, in order; only the last two count.

    Raises:
        LeakRuleError: if two rules have one name.

    """
    ordered = in_order(rules)
    failed: dict[str, str] = {}
    cases: list[_Case] = []
    # A health check does not make leaks harder to see, nor they a health check.
    for health in (False, True):
        group = [rule for rule in ordered if rule.health is health]
        cases += _cases(night, group, failed)
    earlier = [past for past in history if past.night != night.night][1 - limits.NIGHTS :]
    found = [_finding(night, case, earlier) for case in _worth_telling(cases)]
    ranked = _ranked(found, ordered)
    return Review(
        night=night.night,
        chain=night.day.chain,
        since=night.day.since,
        until=night.day.until,
        findings=ranked,
        day=reconcile(night.day, [(one, one.day) for one in ranked]),
        week=reconcile(night.week, [(one, one.week) for one in ranked]),
        failed=failed,
        cut=night.day.cut or night.week.cut,
    )


def past_of(reviews: Iterable[ev.LeakReview], leaks: Iterable[ev.Leak]) -> tuple[Past, ...]:
    """Return the nights that a journal tells of, in order."""
    seen: dict[str, set[Key]] = {review.night: set() for review in reviews}
    for leak in leaks:
        if leak.status in (Status.SUSPECT.value, Status.CONFIRMED.value) and leak.night in seen:
            subject = leak.finding.removeprefix(f"{leak.night}:{leak.rule}:")
            seen[leak.night].add((leak.rule, subject))
    return tuple(Past(night=night, seen=frozenset(keys)) for night, keys in sorted(seen.items()))


def reconcile(window: Window, findings: Iterable[tuple[Finding, Measured]]) -> Reconciliation:
    """Return what leaks explain of what was realised, in the order of their rank.

    Of each piece a leak explains only what no leak before it did: claims overlap, they are not
    added up. Health checks explain nothing, nor do leaks that were not seen.
    """
    known = {piece.seq for piece in window.closed}
    taken: dict[int, int] = {}
    explained: dict[str, Money] = {}
    for finding, measured in findings:
        if not _is_seen(finding):
            continue
        total = 0
        for seq, claim in sorted(measured.claims.items()):
            more = max(0, claim - taken.get(seq, 0)) if seq in known else 0
            total += more
            taken[seq] = taken.get(seq, 0) + more
        explained[finding.id] = Money(total)
    whole = sum(explained.values())
    return Reconciliation(
        realised=window.realised, explained=explained, rest=Money(window.realised + whole)
    )


# -- corrections ---------------------------------------------------------------------------------


def _cases(night: Night, rules: Sequence[LeakRule], failed: dict[str, str]) -> list[_Case]:
    days, weeks = (
        {rule.name: _measure(rule, window, night, failed) for rule in rules}
        for window in (night.day, night.week)
    )
    day_ps, week_ps = _corrected(days), _corrected(weeks)
    cases = []
    for rule in rules:
        day, week = days[rule.name], weeks[rule.name]
        for subject in list(dict.fromkeys([*week, *day])):
            key = rule.name, subject
            cases.append(
                _Case(
                    rule=rule,
                    subject=subject,
                    day=day.get(subject, _nothing(subject)),
                    week=week.get(subject, _nothing(subject)),
                    day_p=day_ps.get(key),
                    week_p=week_ps.get(key),
                )
            )
    return cases


def _measure(
    rule: LeakRule, window: Window, night: Night, failed: dict[str, str]
) -> dict[str, Measured]:
    """Return what a rule says of a window, by subject; nothing if it raises."""
    try:
        found = rule.find(window, night)[:_SUBJECTS_MAX]
        told = {one.subject: _trimmed(one, health=rule.health) for one in found}
    except Exception as error:  # noqa: BLE001 - rules come from outside, and one must not end all
        failed[rule.name] = type(error).__name__
        told = {}
    return told or {"": _nothing("")}


def _trimmed(one: Measured, *, health: bool) -> Measured:
    """Return a measure within bounds, whoever made it."""
    evidence = tuple(sorted(set(one.evidence)))[: limits.EVIDENCE_MAX]
    claims = {} if health else {seq: claim for seq, claim in one.claims.items() if claim > 0}
    return attrs.evolve(
        one,
        p=None if one.p is None else on_grid(min(1.0, max(0.0, one.p))),
        flagged=one.flagged and not one.missing and one.p is not None,
        cost_low=Money(max(NO_MONEY, one.cost_low)),
        cost_point=Money(max(NO_MONEY, one.cost_point)),
        evidence=evidence,
        claims=claims,
        knobs=() if health else one.knobs,
    )


def _nothing(subject: str) -> Measured:
    return Measured(subject=subject, n=0, events=0, missing=1, why_kind=_NOT_MEASURED)


def _corrected(found: Mapping[str, Mapping[str, Measured]]) -> dict[Key, float]:
    """Return the p of every tested subject, corrected within its rule and over all rules."""
    inside: dict[str, dict[str, float]] = {}
    for rule, subjects in found.items():
        tested = {name: one.p for name, one in subjects.items() if one.p is not None}
        if tested:
            values = benjamini_hochberg(list(tested.values()))
            inside[rule] = dict(zip(tested, values, strict=True))
    # The least q of a rule is Simes' p of "none of its subjects leaks".
    over = dict(zip(inside, holm([min(qs.values()) for qs in inside.values()]), strict=True))
    return {
        (rule, subject): max(over[rule], q)
        for rule, qs in inside.items()
        for subject, q in qs.items()
    }


def _shown(measured: Measured, p: float | None, alpha: float) -> bool:
    return measured.flagged and p is not None and p <= alpha


# -- findings ------------------------------------------------------------------------------------


def _worth_telling(cases: Sequence[_Case]) -> list[_Case]:
    """Return what was seen, and of every rule that saw nothing the subject nearest to it."""
    told: list[_Case] = []
    for rule in dict.fromkeys(case.rule.name for case in cases):
        own = [case for case in cases if case.rule.name == rule]
        seen = [case for case in own if case.by_day or case.by_week]
        told += seen or [min(own, key=lambda case: (case.least_p, -case.week.n, case.subject))]
    return told


def _finding(night: Night, case: _Case, earlier: Sequence[Past]) -> Finding:
    seen = case.by_day or case.by_week
    key = case.rule.name, case.subject
    nights = int(seen) + sum(key in past.seen for past in earlier)
    status = _status(case, seen=seen, nights=nights)
    # The week is the better measure of what it costs; a day only where the week shows nothing.
    best = case.day if case.by_day and not case.by_week else case.week
    return Finding(
        id=f"{night.night}:{case.rule.name}:{case.subject}",
        rule=case.rule.name,
        version=case.rule.version,
        night=night.night,
        subject=case.subject,
        status=status,
        kind=best.kind if seen else Kind.NOISE,
        day=case.day,
        week=case.week,
        p_corrected=None if case.least_p > 1.0 else case.least_p,
        cost_low=best.cost_low if seen else NO_MONEY,
        cost_point=best.cost_point if seen else NO_MONEY,
        rank=0,
        why=_why(case, status, nights, best),
        disproof=case.rule.disproof,
        nights_seen=nights,
    )


def _status(case: _Case, *, seen: bool, nights: int) -> Status:
    if not seen:
        short = case.day.missing and case.week.missing
        return Status.INSUFFICIENT if short else Status.OK
    if case.by_week and nights >= limits.NIGHTS_SEEN:
        return Status.CONFIRMED
    return Status.SUSPECT


def _why(case: _Case, status: Status, nights: int, best: Measured) -> str:
    """Return in words how the status came about."""
    match status:
        case Status.INSUFFICIENT:
            least = min(case.day.missing, case.week.missing)
            return f"{least} more observations or events are needed"
        case Status.OK:
            return "nothing beyond chance once all rules are counted"
        case Status.SUSPECT:
            where = "the week" if case.by_week else "the day only"
            reason = f"seen in {where}, on {nights} of {limits.NIGHTS} nights"
        case _:
            reason = f"seen in the week, on {nights} of {limits.NIGHTS} nights"
    return f"{reason}; {best.why_kind}" if best.why_kind else reason


def _ranked(found: Iterable[Finding], ordered: Sequence[LeakRule]) -> tuple[Finding, ...]:
    place = {rule.name: number for number, rule in enumerate(ordered)}
    best = sorted(
        found,
        key=lambda one: (
            _STATUSES.index(one.status),
            -one.cost_low,
            -one.cost_point,
            place[one.rule],
            one.subject,
        ),
    )
    return tuple(attrs.evolve(one, rank=rank) for rank, one in enumerate(best, start=1))


def _is_seen(finding: Finding) -> bool:
    return finding.status in (Status.SUSPECT, Status.CONFIRMED)
