"""Nights, proposals, trials and lessons as the dashboard shows them, from a lane's journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from market_bot.core.domain.numbers import NEVER, Micros, Money, format_money, format_time
from market_bot.core.domain.tuning.ladder import direction
from market_bot.core.domain.tuning.learning import Lesson, Outcome
from market_bot.core.domain.tuning.queue import OPEN, Queue, Rejection, Waiting
from market_bot.core.ports.dashboard import (
    LeakRow,
    LessonRow,
    NightReview,
    OutcomeRow,
    ProposalCard,
    Proposals,
    TrialCheckRow,
    TrialRow,
    Trials,
)

Lines = Sequence[Mapping[str, Any]]

NIGHT_TYPES: Final = ("leak_review", "leak", "leak_diagnosed", "night_ended")
TRIAL_TYPES: Final = ("trial_started", "trial_checked", "trial_ended", "trial_outcome")
DECIDED_MAX: Final = 100
_SIZING: Final = "sizing."


def raises_exposure(path: str, before: str, after: str) -> bool:
    """Tell whether a change lets the bot put more at stake."""
    return path.startswith(_SIZING) and direction(before, after) > 0


def proposals_of(lane: str, queue: Queue) -> Proposals:
    """Return the queue of a lane."""
    cards = [_card(item) for item in queue.items.values()]
    stages = {stage.value for stage in OPEN}
    decided = [card for card in cards if card.stage not in stages]
    return Proposals(
        lane=lane,
        open=tuple(card for card in cards if card.stage in stages),
        decided=tuple(reversed(decided))[:DECIDED_MAX],
        trial=queue.trial,
        rejections=tuple(reason.value for reason in Rejection),
    )


def lesson_rows(lessons: Sequence[Lesson]) -> tuple[LessonRow, ...]:
    """Return what was learnt."""
    return tuple(
        LessonRow(
            path=one.path,
            direction=one.direction,
            rule=one.rule,
            approvals=one.approvals,
            rejections=tuple(
                {"at": format_time(no.at), "reason": no.reason} for no in one.rejections
            ),
            outcomes=tuple(map(_outcome, one.outcomes)),
            blocks=tuple(
                {"until": format_time(block.until), "value": block.after} for block in one.blocks
            ),
            approval=round(float(one.approval), 4),
        )
        for one in lessons
    )


def reviews_of(lines: Lines, nights: int) -> tuple[NightReview, ...]:
    """Return the newest nights that a lane's lines (newest first) tell of."""
    leaks: dict[str, list[LeakRow]] = {}
    told: dict[str, Mapping[str, Any]] = {}
    ended: dict[str, Mapping[str, Any]] = {}
    reviews: list[NightReview] = []
    for line in lines:
        data = line["data"]
        if line["type"] == "leak_diagnosed":
            told.setdefault(data["finding"], data)
        elif line["type"] == "night_ended":
            ended.setdefault(data["night"], data)
        elif line["type"] == "leak":
            leaks.setdefault(data["night"], []).append(_leak(line, told.get(data["finding"])))
    for line in lines:
        night = line["data"].get("night")
        if line["type"] == "leak_review" and len(reviews) < nights:
            found = tuple(reversed(leaks.get(night, [])))
            reviews.append(_review(line, found, ended.get(night)))
    return tuple(reviews)


def trials_of(lane: str, lines: Lines) -> Trials:
    """Return the trials that a lane's lines (newest first) tell of."""
    about: dict[str, list[Mapping[str, Any]]] = {}
    for line in reversed(lines):
        about.setdefault(line["data"]["trial"], []).append(line)
    rows = [row for one in about.values() if (row := _trial(one)) is not None]
    running = [row for row in rows if row.verdict is None]
    ended = [row for row in reversed(rows) if row.verdict is not None]
    return Trials(lane=lane, running=running[-1] if running else None, ended=tuple(ended))


def _trial(lines: Lines) -> TrialRow | None:
    started = next((line for line in lines if line["type"] == "trial_started"), None)
    if started is None:
        return None
    data = started["data"]
    end = next((line for line in lines if line["type"] == "trial_ended"), None)
    return TrialRow(
        id=data["trial"],
        proposal=data["proposal"],
        path=data["path"],
        before=data["before"],
        after=data["after"],
        started_at=started["ts"],
        baseline=data.get("baseline", {}),
        checks=tuple(
            TrialCheckRow(
                at=line["ts"],
                minute=line["data"]["minute"],
                verdict=line["data"]["verdict"],
                numbers=line["data"].get("numbers", {}),
            )
            for line in lines
            if line["type"] == "trial_checked"
        ),
        verdict=None if end is None else end["data"]["verdict"],
        reason="" if end is None else end["data"].get("reason", ""),
        ended_at=None if end is None else end["ts"],
        blocked_until=None if end is None else end["data"].get("blocked_until"),
        outcomes=tuple(
            OutcomeRow(
                hours=line["data"]["hours"],
                gain=line["data"].get("gain"),
                low=line["data"].get("low"),
                high=line["data"].get("high"),
            )
            for line in lines
            if line["type"] == "trial_outcome"
        ),
    )


def _review(
    line: Mapping[str, Any], leaks: tuple[LeakRow, ...], ended: Mapping[str, Any] | None
) -> NightReview:
    data = line["data"]
    return NightReview(
        seq=line["seq"],
        at=line["ts"],
        night=data["night"],
        since=data["since"],
        until=data["until"],
        findings=data["findings"],
        confirmed=data["confirmed"],
        leaks=leaks,
        ended=ended,
    )


def _leak(line: Mapping[str, Any], diagnosis: Mapping[str, Any] | None) -> LeakRow:
    data = line["data"]
    return LeakRow(
        seq=line["seq"],
        finding=data["finding"],
        rule=data["rule"],
        version=data["version"],
        status=data["status"],
        kind=data["kind"],
        night=data["night"],
        n=data["n"],
        events=data["events"],
        cost_low=data["cost_low"],
        cost_point=data["cost_point"],
        evidence=tuple(data.get("evidence", ())),
        knobs=tuple(data.get("knobs", ())),
        detail=data.get("detail", {}),
        diagnosis=diagnosis,
    )


def _card(item: Waiting) -> ProposalCard:
    return ProposalCard(
        id=item.id,
        finding=item.finding,
        rule=item.rule,
        file=item.file,
        path=item.path,
        before=item.before,
        after=item.after,
        rationale=item.rationale,
        advisor=item.advisor,
        config=item.config,
        card=dict(item.card),
        stage=item.stage.value,
        since=_time(item.since),
        expires_at=_time(item.expires_at),
        decided_at=_time(item.decided_at),
        by=item.by,
        reason=item.reason,
        note=item.note,
        raises_exposure=raises_exposure(item.path, item.before, item.after),
    )


def _outcome(one: Outcome) -> OutcomeRow:
    return OutcomeRow(
        hours=one.hours, gain=_money(one.gain), low=_money(one.low), high=_money(one.high)
    )


def _money(amount: Money | None) -> str | None:
    return None if amount is None else format_money(amount)


def _time(moment: Micros) -> str | None:
    return None if moment == NEVER else format_time(moment)
