"""Bugs for the night: done twice, believed too easily, decided by nobody."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_NIGHTS: Final = "src/market_bot/core/domain/nights.py"
_PROPOSE: Final = "src/market_bot/core/usecases/propose_changes.py"
_ACCEPT: Final = "src/market_bot/core/usecases/accept_night.py"
_DECIDE: Final = "src/market_bot/core/usecases/decide_proposal.py"
_REVIEW: Final = "src/market_bot/core/usecases/review_leaks.py"
_DIAGNOSIS: Final = "src/market_bot/core/domain/tuning/diagnosis.py"
_CARD: Final = "src/market_bot/core/domain/tuning/card.py"
_NIGHTLY: Final = "src/market_bot/bootstrap/nightly.py"
_FINDER: Final = "src/market_bot/adapters/storage/fact_finder.py"

_LOG: Final = ("tests/unit/test_nights.py",)
_SECOND_PART: Final = ("tests/unit/test_propose_changes.py",)
_ANSWER: Final = ("tests/unit/test_accept_night.py",)
_PERSON: Final = ("tests/unit/test_decide_proposal.py",)
_WATCH: Final = ("tests/unit/test_nightly.py",)
_FOUND: Final = ("tests/unit/test_fact_finder.py",)

MUTATIONS: Final = (
    Mutation(
        name="a night that is over happens again",
        file=_NIGHTS,
        old="if night < newest or night in self.ended:",
        new="if night < newest:",
        tests=_LOG,
    ),
    Mutation(
        name="a clock set back makes an earlier night happen",
        file=_NIGHTS,
        old="if night < newest or night in self.ended:",
        new="if night in self.ended:",
        tests=_LOG,
    ),
    Mutation(
        name="findings without their review complete a night",
        file=_NIGHTS,
        old="        if night in self.reviews:\n            return",
        new="        if night in self.reviews or self.told(night):\n            return",
        tests=_LOG,
    ),
    Mutation(
        name="the review is written before its findings",
        file=_REVIEW,
        old="    return (\n        *leaks,\n        ev.LeakReview(",
        new="    return (\n        ev.LeakReview(",
        tests=_SECOND_PART,
    ),
    Mutation(
        name="worse proposals wait for a person as well",
        file=_PROPOSE,
        old="if card.verdict is Verdict.WORSE:",
        new="if card.verdict is None:",
        tests=_SECOND_PART,
    ),
    Mutation(
        name="the second layer is not asked",
        file=_PROPOSE,
        old="return None if reason is None else (SECOND, reason)",
        new="return None",
        tests=_SECOND_PART,
    ),
    Mutation(
        name="a structural leak is proposed for",
        file=_PROPOSE,
        old="return diagnosed(finding, Kind.STRUCTURAL) if structural else finding",
        new="return finding",
        tests=_SECOND_PART,
    ),
    Mutation(
        name="an interrupted night thinks of something else",
        file=_PROPOSE,
        old="if finding.id not in done]",
        new="if finding.id]",
        tests=_SECOND_PART,
    ),
    Mutation(
        name="variants tried before do not count",
        file=_PROPOSE,
        old="tried=len(names | standing.log.tried(review.night)) or 1",
        new="tried=len(names) or 1",
        tests=_SECOND_PART,
    ),
    Mutation(
        name="a flat ladder counts as too little data",
        file=_DIAGNOSIS,
        old="return Diagnosis(kind=Kind.STRUCTURAL, why=why, numbers=numbers)",
        new="return Diagnosis(kind=Kind.NOISE, why=why, numbers=numbers)",
        tests=_SECOND_PART,
    ),
    Mutation(
        name="a peak between losses improves",
        file=_CARD,
        old="return Verdict.NOT_DISPROVED if verdict is Verdict.IMPROVES and losing else verdict",
        new="return verdict",
        tests=_SECOND_PART,
    ),
    Mutation(
        name="a child may propose any value",
        file=_ACCEPT,
        old="if entry.value != fact.before or fact.after not in entry.next:",
        new="if entry.value != fact.before:",
        tests=_ANSWER,
    ),
    Mutation(
        name="a child may approve",
        file=_ACCEPT,
        old="if fact.by != QUEUE or fact.decision not in _SWEPT or fact.reason not in _WHY:",
        new="if fact.by != QUEUE or fact.reason not in _WHY:",
        tests=_ANSWER,
    ),
    Mutation(
        name="the parent does not ask the second layer",
        file=_ACCEPT,
        old="    reason = terms.objection(edit, queue, terms.now)\n",
        new="    reason = None\n",
        tests=_ANSWER,
    ),
    Mutation(
        name="evidence may stand anywhere",
        file=_ACCEPT,
        old="any(not 1 <= seq <= terms.head for seq in evidence)",
        new="any(not 1 <= seq for seq in evidence)",
        tests=_ANSWER,
    ),
    Mutation(
        name="a decision is not written down",
        file=_DECIDE,
        old="        self.record(decided)\n        ended = self.apply(",
        new="        ended = self.apply(",
        tests=_PERSON,
    ),
    Mutation(
        name="nobody looks again at approval",
        file=_DECIDE,
        old="        self._judge_again(item, edit, now)\n",
        new="",
        tests=_PERSON,
    ),
    Mutation(
        name="another version of the file will do",
        file=_DECIDE,
        old="if edit.sha_before != item.config:",
        new="if not edit.sha_before:",
        tests=_PERSON,
    ),
    Mutation(
        name="a failing child is started for ever",
        file=_NIGHTLY,
        old="return count < ATTEMPTS_MAX and (not count or self.clock.elapsed() >= after)",
        new="return not count or self.clock.elapsed() >= after",
        tests=_WATCH,
    ),
    Mutation(
        name="a lane that catches up has nights",
        file=_NIGHTLY,
        old="if book is None or picture.phase not in _ALIVE or not picture.at:",
        new="if book is None or not picture.at:",
        tests=_WATCH,
    ),
    Mutation(
        name="words within data count as a type",
        file=_FINDER,
        old="                    if entry.type in types:\n                        yield entry\n",
        new="                    yield entry\n",
        tests=_FOUND,
    ),
)
