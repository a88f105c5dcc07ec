"""Bugs for trials: clocks that run on, evidence from the future, alarms that look away."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_ROLLBACK: Final = "src/market_bot/core/domain/rollback"
_NUMBERS: Final = ("tests/unit/test_rollback.py",)
_LINES: Final = ("tests/unit/test_rollback_trial.py",)
_BYTES: Final = ("tests/unit/test_rollback_golden.py",)

MUTATIONS: Final = (
    Mutation(
        name="downtime is covered",
        file=f"{_ROLLBACK}/coverage.py",
        old="        if at - since <= GAP_MAX and self._whole(since, at):\n",
        new="        if self._whole(since, at):\n",
        tests=_LINES,
    ),
    Mutation(
        name="a closed venue is covered",
        file=f"{_ROLLBACK}/coverage.py",
        old="        return not shut and since >= self._shut_until\n",
        new="        return since >= self._shut_until\n",
        tests=_LINES,
    ),
    Mutation(
        name="an hour without data is a pass",
        file=f"{_ROLLBACK}/verdict.py",
        old="    if evidence.lacking:\n",
        new="    if False:\n",
        tests=_NUMBERS,
    ),
    Mutation(
        name="a pass needs no power",
        file=f"{_ROLLBACK}/verdict.py",
        old="    if findings.profit.events < events_needed(terms.baseline.limit, EFFECT):\n",
        new="    if not findings.profit.events:\n",
        tests=_NUMBERS,
    ),
    Mutation(
        name="trades of one event are many observations",
        file=f"{_ROLLBACK}/pnl_check.py",
        old="math.fsum(math.fsum(own) / len(own) for own in events.values())",
        new="math.fsum(math.fsum(own) for own in events.values())",
        tests=_NUMBERS,
    ),
    Mutation(
        name="early looks count fully",
        file=f"{_ROLLBACK}/pnl_check.py",
        old="    return math.sqrt(min(minute, LAST_LOOK) / LAST_LOOK)\n",
        new="    return min(minute, 1.0)\n",
        tests=_NUMBERS,
    ),
    Mutation(
        name="a score of the wrong age",
        file=f"{_ROLLBACK}/pnl_check.py",
        old="bisect_right(_AGES, age) - 1, -1, -1",
        new="len(_AGES) - 1, -1, -1",
        tests=_NUMBERS,
    ),
    Mutation(
        name="a check reads prices from after it",
        file=f"{_ROLLBACK}/cohort.py",
        old="        found = _at(own, taken_at, mid) if due < cut else None\n",
        new="        found = _at(own, *trade.marks.get(index, (due, None)))\n",
        tests=_LINES,
    ),
    Mutation(
        name="a missing price is zero",
        file=f"{_ROLLBACK}/cohort.py",
        old="    if not size or (left and mid is None):\n",
        new="    if not size:\n",
        tests=_LINES,
    ),
    Mutation(
        name="trades of the old configuration count",
        file=f"{_ROLLBACK}/cohort.py",
        old="                if self.configs is None or config in self.configs:\n",
        new="                if self.configs is None or config:\n",
        tests=_LINES,
    ),
    Mutation(
        name="what was held before is not sold first",
        file=f"{_ROLLBACK}/cohort.py",
        old="            lots.insert(0, _Lot(old, before))\n",
        new="            lots.append(_Lot(old, before))\n",
        tests=_LINES,
    ),
    Mutation(
        name="a venue incident is blamed on us",
        file=f"{_ROLLBACK}/error_check.py",
        old="        alarm=many and beside < contrast,\n",
        new="        alarm=many,\n",
        tests=_NUMBERS,
    ),
    Mutation(
        name="errors of an incident are not forgiven",
        file=f"{_ROLLBACK}/trial.py",
        old="        self._forgiven = self._tally(minute)\n",
        new="        self._forgiven = NONE\n",
        tests=_LINES,
    ),
    Mutation(
        name="a hold does not stop the clock",
        file=f"{_ROLLBACK}/trial.py",
        old="        self.coverage.hold(minute)\n",
        new="",
        tests=_LINES,
    ),
    Mutation(
        name="a person's edit of the same knob is ignored",
        file=f"{_ROLLBACK}/trial.py",
        old="            and event.path == self.started.path\n",
        new="            and not event.path\n",
        tests=_LINES,
    ),
    Mutation(
        name="a prediction is forgotten",
        file=f"{_ROLLBACK}/count_check.py",
        old="    high = binomial_at_least(live, both, _share(COUNT_BAND * ratio))\n",
        new="    high = binomial_at_least(live, both, _share(COUNT_BAND))\n",
        tests=_NUMBERS,
    ),
    Mutation(
        name="the operator's budget is no limit",
        file=f"{_ROLLBACK}/tripwire.py",
        old="    return Money(min(budget, math.ceil(grown / _MICRO_DOLLAR) * _MICRO_DOLLAR))\n",
        new="    return Money(math.ceil(grown / _MICRO_DOLLAR) * _MICRO_DOLLAR)\n",
        tests=_NUMBERS,
    ),
    Mutation(
        name="a young baseline reverts on probation",
        file=f"{_ROLLBACK}/evidence.py",
        old="wealth is not None and baseline.knows_enough and wealth.alarms,",
        new="wealth is not None and wealth.alarms,",
        tests=_NUMBERS,
    ),
    Mutation(
        name="doubt that was cleared too late is forgotten",
        file=f"{_ROLLBACK}/hard.py",
        old="        if since is not None and at - since > DOUBT_MAX:\n",
        new="        if since is not None and at < since:\n",
        tests=_NUMBERS,
    ),
    Mutation(
        name="the spread of a bucket is not pulled in",
        file=f"{_ROLLBACK}/baseline.py",
        old="moments = winsorised(values, WINSORISED) if len(values) >= BUCKET_MIN else None\n",
        new="moments = winsorised(values, 0.0) if len(values) >= BUCKET_MIN else None\n",
        tests=_BYTES,
    ),
    Mutation(
        name="a tally holds lines of its own moment",
        file=f"{_ROLLBACK}/error_check.py",
        old="if self._at < cut else self._before\n",
        new="if self._at <= cut else self._before\n",
        tests=_NUMBERS,
    ),
    Mutation(
        name="the control drowns in scans",
        file=f"{_ROLLBACK}/error_check.py",
        old="tries, errors = int(step > self._tried), int(failed and step > self._failed)",
        new="tries, errors = 1, int(failed and step > self._failed)",
        tests=_NUMBERS,
    ),
)
