"""What is learnt from people's decisions and from what came of them: a fold of the journal.

Per knob, direction and leak rule. What is learnt silences, blocks and orders proposals; nothing in
here can allow one. A person may undo what was learnt from approvals, rejections and results; the
block after a change that had to be taken back stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import HOUR, Duration, Micros, Money, NotExactError
from market_bot.core.domain.strategies.api import Knob

from .ladder import closer_than_a_step, direction
from .proposal import Grounds
from .queue import Rejection, Stage, rule_of

REJECTIONS: Final = 2
WITHIN: Final = Duration(30 * 24 * HOUR)
SILENCE: Final = Duration(14 * 24 * HOUR)
BLOCK: Final = Duration(7 * 24 * HOUR)
REVERT: Final = "revert"

# A result counts fully beside this many results that were only expected.
_EXPECTED_WEIGHT: Final = 4
_LESSONS_MAX: Final = 1_000
_PER_LESSON_MAX: Final = 50
_NAMES_MAX: Final = 2_000

_REASONS: Final = frozenset(reason.value for reason in Rejection)

_Key = tuple[str, int, str]


@attrs.frozen(kw_only=True)
class Rejected:
    """When a person said no, and the reason's code."""

    at: Micros
    reason: str


@attrs.frozen(kw_only=True)
class Outcome:
    """What a change brought beyond what the old settings would have, in 1e-12 dollars a day."""

    trial: str
    hours: int
    gain: Money | None
    low: Money | None
    high: Money | None


@attrs.frozen(kw_only=True)
class Block:
    """A change that was taken back: until when it is not proposed again."""

    after: str
    until: Micros


@attrs.frozen(kw_only=True)
class Lesson:
    """What is known of turning a knob in one direction because of one rule."""

    path: str
    direction: int
    rule: str
    approvals: int = 0
    rejections: tuple[Rejected, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    blocks: tuple[Block, ...] = ()

    @property
    def approval(self) -> Fraction:
        """How likely a person approves: the mean of a beta posterior that began even."""
        return Fraction(self.approvals + 1, self.approvals + len(self.rejections) + 2)

    @property
    def gains(self) -> tuple[Money, ...]:
        """What each trial brought a day, by its longest look."""
        longest: dict[str, Outcome] = {}
        for outcome in sorted(self.outcomes, key=lambda known: known.hours):
            if outcome.gain is not None:
                longest[outcome.trial] = outcome
        return tuple(known.gain for known in longest.values() if known.gain is not None)


@attrs.frozen
class Asked:
    """A proposal by what it is about; ``decided`` once a person has said something."""

    key: _Key
    decided: bool = False


@attrs.frozen(kw_only=True)
class Memory:
    """All lessons of a lane; make it by hearing its journal from the beginning."""

    known: Mapping[_Key, Lesson] = attrs.field(factory=dict)
    asked: Mapping[str, Asked] = attrs.field(factory=dict)
    trials: Mapping[str, tuple[_Key, str]] = attrs.field(factory=dict)

    def hear(self, at: Micros, event: ev.Event) -> Memory:
        """Return the memory after the next line of the journal."""
        heard = _HEARD.get(type(event))
        return self if heard is None else heard(self, at, event)

    def lessons(self) -> tuple[Lesson, ...]:
        """Return everything that is known, in a fixed order."""
        return tuple(self.known[key] for key in sorted(self.known))

    def lesson(self, path: str, way: int, rule: str) -> Lesson:
        """Return what is known of one thing, an empty lesson if it is nothing."""
        empty = Lesson(path=path, direction=way, rule=rule)
        return self.known.get((path, way, rule), empty)

    def suppressed_until(self, path: str, way: int) -> Micros | None:
        """Return until when a knob is not proposed that way, because people said no repeatedly."""
        times = sorted(
            rejected.at
            for (known, turned, _), lesson in self.known.items()
            if (known, turned) == (path, way)
            for rejected in lesson.rejections
        )
        ends = [
            Micros(later + SILENCE)
            for earlier, later in zip(times, times[REJECTIONS - 1 :], strict=False)
            if later - earlier <= WITHIN
        ]
        return max(ends, default=None)

    def blocked_until(
        self, path: str, way: int, rule: str, *, after: str, knob: Knob
    ) -> Micros | None:
        """Return until when a change is not proposed, because one like it was taken back.

        Like it is any value in the same direction for the same rule, and for other rules any value
        less than a step away.
        """
        ends = [
            block.until
            for (known, turned, because), lesson in self.known.items()
            if (known, turned) == (path, way)
            for block in lesson.blocks
            if because == rule or _near(knob, block.after, after)
        ]
        return max(ends, default=None)

    def score(self, grounds: Grounds, path: str, way: int) -> Fraction:
        """Return what a proposal promises, for putting the best first.

        It is the chance of approval times dollars a day (1e-12): what the leak costs at least,
        drawn towards what such changes really brought.
        """
        lesson = self.lesson(path, way, grounds.rule)
        expected = _EXPECTED_WEIGHT * grounds.cost_low
        weight = _EXPECTED_WEIGHT + len(lesson.gains)
        return lesson.approval * Fraction(expected + sum(lesson.gains), weight)


def _near(knob: Knob, one: str, other: str) -> bool:
    try:
        return closer_than_a_step(knob, one, other)
    except NotExactError:
        return True  # What cannot be compared is not taken for harmless.


def _key(path: str, before: str, after: str, finding: str) -> _Key | None:
    try:
        way = direction(before, after)
    except NotExactError:
        return None
    return (path, way, rule_of(finding)) if way else None


def _asked(memory: Memory, _: Micros, event: ev.Proposal) -> Memory:
    key = _key(event.path, event.before, event.after, event.finding)
    if key is None or event.proposal in memory.asked:
        return memory
    asked = {**memory.asked, event.proposal: Asked(key)}
    return attrs.evolve(memory, asked=_newest(asked, _NAMES_MAX))


def _decided(memory: Memory, at: Micros, event: ev.ProposalDecided) -> Memory:
    asked = memory.asked.get(event.proposal)
    if asked is None or asked.decided:
        return memory
    lesson = memory.lesson(*asked.key)
    match event.decision:
        case Stage.APPROVED.value:
            lesson = attrs.evolve(lesson, approvals=lesson.approvals + 1)
        case Stage.REJECTED.value:
            # Codes only: what is learnt is told to advisors, and words could be instructions.
            reason = event.reason if event.reason in _REASONS else Rejection.OTHER.value
            rejected = Rejected(at=at, reason=reason)
            lesson = attrs.evolve(lesson, rejections=_last(lesson.rejections, rejected))
        case _:
            pass  # Nobody said anything: it was too late, or about something else by then.
    memory = _keep(memory, asked.key, lesson)
    said = {**memory.asked, event.proposal: attrs.evolve(asked, decided=True)}
    return attrs.evolve(memory, asked=said)


def _started(memory: Memory, _: Micros, event: ev.TrialStarted) -> Memory:
    asked = memory.asked.get(event.proposal)
    if asked is None:
        return memory
    trials = _newest({**memory.trials, event.trial: (asked.key, event.after)}, _NAMES_MAX)
    return attrs.evolve(memory, trials=trials)


def _ended(memory: Memory, at: Micros, event: ev.TrialEnded) -> Memory:
    if event.trial not in memory.trials or event.verdict != REVERT:
        return memory
    key, after = memory.trials[event.trial]
    lesson = memory.lesson(*key)
    block = Block(after=after, until=Micros(max(at + BLOCK, event.blocked_until or 0)))
    return _keep(memory, key, attrs.evolve(lesson, blocks=_last(lesson.blocks, block)))


def _came_out(memory: Memory, _: Micros, event: ev.TrialOutcome) -> Memory:
    if event.trial not in memory.trials:
        return memory
    key, _after = memory.trials[event.trial]
    lesson = memory.lesson(*key)
    outcome = Outcome(
        trial=event.trial, hours=event.hours, gain=event.gain, low=event.low, high=event.high
    )
    others = [
        known
        for known in lesson.outcomes
        if (known.trial, known.hours) != (event.trial, event.hours)
    ]
    return _keep(memory, key, attrs.evolve(lesson, outcomes=_last(others, outcome)))


def _undone(memory: Memory, _: Micros, event: ev.LearningUndone) -> Memory:
    key = (event.path, event.direction, event.rule)
    if key not in memory.known:
        return memory
    path, way, rule = key
    blocks = memory.known[key].blocks
    return _keep(memory, key, Lesson(path=path, direction=way, rule=rule, blocks=blocks))


def _keep(memory: Memory, key: _Key, lesson: Lesson) -> Memory:
    others = {known: kept for known, kept in memory.known.items() if known != key}
    return attrs.evolve(memory, known=_newest({**others, key: lesson}, _LESSONS_MAX))


def _newest(mapping: dict[Any, Any], most: int) -> dict[Any, Any]:
    for oldest in list(mapping)[: max(0, len(mapping) - most)]:
        del mapping[oldest]
    return mapping


def _last(kept: Iterable[Any], one_more: object) -> tuple[Any, ...]:
    return (*kept, one_more)[-_PER_LESSON_MAX:]


# Each takes exactly the class it is filed under; the table is the only place that knows.
_HEARD: Final[Mapping[type[ev.Event], Callable[[Memory, Micros, Any], Memory]]] = {
    ev.Proposal: _asked,
    ev.ProposalDecided: _decided,
    ev.TrialStarted: _started,
    ev.TrialEnded: _ended,
    ev.TrialOutcome: _came_out,
    ev.LearningUndone: _undone,
}
