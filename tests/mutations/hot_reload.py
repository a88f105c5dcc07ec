"""Bugs for the tests of settings that change while a lane trades."""

from __future__ import annotations

from typing import Final

from tests.mutations import Mutation

_TRADER: Final = "src/market_bot/core/usecases/trade_lane.py"
_RULES: Final = "src/market_bot/core/domain/hot_change.py"
_KEEPER: Final = "src/market_bot/core/usecases/keep_config.py"
_REDO: Final = "src/market_bot/core/usecases/redo_journal.py"
_HOT: Final = "src/market_bot/config/hot.py"
_LANE_CONFIG: Final = "src/market_bot/bootstrap/lane_config.py"
_LANE: Final = ("tests/unit/test_hot_reload.py",)
_JUDGED: Final = ("tests/unit/test_hot_change.py",)
_KEPT: Final = ("tests/unit/test_keep_config.py",)
_EDITED: Final = ("tests/property/test_hot_reload.py",)
_REDONE: Final = ("tests/unit/test_redo_journal.py",)

MUTATIONS: Final = (
    Mutation(
        name="the lane takes looser limits",
        file=_RULES,
        old="        if wanted is None or wanted > limit:\n",
        new="        if wanted is None:\n",
        tests=_LANE,
    ),
    Mutation(
        name="a limit that is missing is none",
        file=_RULES,
        old="        if wanted is None or wanted > limit:\n",
        new="        if wanted is not None and wanted > limit:\n",
        tests=_JUDGED,
    ),
    Mutation(
        name="a looser limit in the file is sent to the lane",
        file=_HOT,
        old="        if getattr(after.risk, field.name) > getattr(before.risk, field.name):\n",
        new="        if False:\n",
        tests=_JUDGED,
    ),
    Mutation(
        name="the mode changes while the lane trades",
        file=_HOT,
        old='_FIXED: Final = ("mode", "api"',
        new='_FIXED: Final = ("api"',
        tests=_JUDGED,
    ),
    Mutation(
        name="decisions carry the old hash",
        file=_TRADER,
        old="        self.settings, self.recorder.config = after, after.hash\n",
        new="        self.settings = after\n",
        tests=_LANE,
    ),
    Mutation(
        name="settings are in force before their line is written",
        file=_TRADER,
        old="        self._record(attrs.evolve(event, before=before.hash), now)\n"
        "        self.settings, self.recorder.config = after, after.hash\n",
        new="        self.settings, self.recorder.config = after, after.hash\n"
        "        self._record(attrs.evolve(event, before=before.hash), now)\n",
        tests=_LANE,
    ),
    Mutation(
        name="orders of a strategy that is gone stay",
        file=_TRADER,
        old="            left = order.strategy not in active and order.purpose is Purpose.ENTRY\n",
        new="            left = False\n",
        tests=_LANE,
    ),
    Mutation(
        name="whoever waits is told before it is durable",
        file=_TRADER,
        old="            self.recorder.journal.commit()\n            self.heeded(event)\n",
        new="            self.heeded(event)\n            self.recorder.journal.commit()\n",
        tests=_LANE,
    ),
    Mutation(
        name="half an edit is read",
        file=_KEEPER,
        old="        if mark != before:\n            self._changed = True\n        elif (",
        new="        if mark != before:\n            self._changed = True\n        if (",
        tests=_KEPT,
    ),
    Mutation(
        name="a bad edit is told at every look",
        file=_KEEPER,
        old="        elif self._taken != told:\n",
        new="        elif True:\n",
        tests=_KEPT,
    ),
    Mutation(
        name="a change taken back on its way is forgotten",
        file=_KEEPER,
        old=' and self._sent in ("", in_force.hash)\n',
        new="\n",
        tests=_KEPT,
    ),
    Mutation(
        name="a full queue loses an edit",
        file=_KEEPER,
        old='            self._changed, self._taken = True, ("", "")\n',
        new="            self._changed = False\n",
        tests=_KEPT,
    ),
    Mutation(
        name="a change is written although the lane cannot take it",
        file=_LANE_CONFIG,
        old="        if trouble is not None:\n            raise CommandRefused(trouble)\n",
        new="",
        tests=_KEPT,
    ),
    Mutation(
        name="what is written between two runs spoils the proof",
        file=_REDO,
        old="            self._take()\n\n",
        new="            return\n\n",
        tests=_REDONE,
    ),
    Mutation(
        name="settings that were refused are not taken at their tick again",
        file=_REDO,
        old="        return event.where.startswith(TROUBLE)\n",
        new="        return False\n",
        tests=(*_REDONE, *_EDITED),
    ),
)
