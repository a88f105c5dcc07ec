"""Bugs for the watch over changes: begun for nothing, believed too early, not taken back."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_WATCH: Final = "src/market_bot/core/usecases/watch_trial.py"
_LOG: Final = "src/market_bot/core/domain/rollback/trial_log.py"
_AFTER: Final = "src/market_bot/core/domain/rollback/afterwards.py"
_SCORES: Final = ("tests/unit/test_scorecard.py",)
_TESTS: Final = ("tests/unit/test_watch_trial.py",)

_SHADOW: Final = "src/market_bot/core/usecases/shadow_lane.py"
_SHADOWS: Final = ("tests/unit/test_shadow_lane.py",)

MUTATIONS: Final = (
    Mutation(
        name="a verdict to revert is not carried out",
        file=_WATCH,
        old="        if trial.decided == REVERT:\n",
        new='        if trial.decided == "never":\n',
        tests=_TESTS,
    ),
    Mutation(
        name="what was taken back is not blocked",
        file=_WATCH,
        old="return self._end(watched, REVERT, reasons, now, Micros(at + BLOCK))\n        started",
        new="return self._end(watched, REVERT, reasons, now)\n        started",
        tests=_TESTS,
    ),
    Mutation(
        name="an edited knob is taken for a trial that goes on",
        file=_WATCH,
        old="if watched.edited or trial.superseded:",
        new="if not watched.started:",
        tests=_TESTS,
    ),
    Mutation(
        name="a trial that nobody can read stays open",
        file=_WATCH,
        old="            return self._take_back(watched, UNREADABLE, at, now)\n",
        new="            return False\n",
        tests=_TESTS,
    ),
    Mutation(
        name="weeks that could not be read count as read",
        file=_WATCH,
        old="        weeks, self._weeks = self._weeks, None\n",
        new="        weeks = self._weeks\n",
        tests=_TESTS,
    ),
    Mutation(
        name="every change of the file is tried",
        file=_LOG,
        old="        if event.cause.startswith(BY_PROPOSAL):\n",
        new="        if event.cause:\n",
        tests=_TESTS,
    ),
    Mutation(
        name="a trial begins before the lane trades with the change",
        file=_LOG,
        old="return self.made and bool(self.config)",
        new="return self.made",
        tests=_TESTS,
    ),
    Mutation(
        name="results are told before a change is kept",
        file=_AFTER,
        old="if self.kept and hours not in self._told and now > end:",
        new="if hours not in self._told and now > end:",
        tests=_SCORES,
    ),
    Mutation(
        name="a knob that was turned again has results",
        file=_AFTER,
        old=" or (self.closed and self.closed < end):",
        new=":",
        tests=_SCORES,
    ),
    Mutation(
        name="a shadow that ended is compared with",
        file="src/market_bot/core/domain/rollback/trial.py",
        old="if not self.terms.shadow or (alone is not None and alone < cut):",
        new="if not self.terms.shadow:",
        tests=("tests/unit/test_rollback_trial.py",),
    ),
    Mutation(
        name="a shadow's future is compared with",
        file="src/market_bot/core/domain/rollback/trial.py",
        old="for at, entries in self._shadow if at < cut)",
        new="for at, entries in self._shadow)",
        tests=("tests/unit/test_rollback_trial.py",),
    ),
    Mutation(
        name="another trial's shadow counts",
        file="src/market_bot/core/domain/rollback/trial.py",
        old="                if event.trial == self.started.trial:\n                    self.data",
        new="                if event.trial:\n                    self.data",
        tests=("tests/unit/test_rollback_trial.py",),
    ),
    Mutation(
        name="a shadow takes the lane with it",
        file=_SHADOW,
        old="            self._end(running, _why(e))\n",
        new="            self._end(running, _why(e))\n            raise\n",
        tests=_SHADOWS,
    ),
    Mutation(
        name="a shadow forgets what the lane has in mind",
        file="src/market_bot/core/usecases/trade_lane.py",
        old="        twin.remember(self)\n",
        new="",
        tests=_SHADOWS,
    ),
    Mutation(
        name="a shadow trades on through a halt",
        file=_SHADOW,
        old="                running.relayed.append(event)\n",
        new="                pass\n",
        tests=_SHADOWS,
    ),
    Mutation(
        name="a shadow stays in the world",
        file=_SHADOW,
        old="            self.lane.world.leave(running.twin.seat)\n",
        new="",
        tests=_SHADOWS,
    ),
    Mutation(
        name="a shadow's fills are the lane's",
        file=_SHADOW,
        old="self.desk(settings), recorder, now)",
        new="lane.execution, recorder, now)",
        tests=_SHADOWS,
    ),
    Mutation(
        name="a contradiction is nobody's business",
        file="src/market_bot/core/usecases/trade_lane.py",
        old="        self._note_contradictions(now)\n",
        new="",
        tests=("tests/unit/test_contradictions.py",),
    ),
)
