"""Numbers of a window on request: computed by a child process, and kept for some minutes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from market_bot.adapters.llm.child import clean
from market_bot.core.domain.numbers import HOUR, SECOND, Duration, Micros
from market_bot.core.ports.dashboard import Computed
from market_bot.core.ports.journal import Chain

KEPT_FOR: Final = Duration(120 * SECOND)
KEPT_MAX: Final = 16
DEADLINE_S: Final = 180.0
_DAY: Final = 24 * HOUR
_PROGRAM: Final = (sys.executable, "-m", "market_bot.bootstrap.analytics_child")

Compute = Callable[[Mapping[str, Any]], dict[str, Any]]


@attrs.define(eq=False)
class _Kept:
    computed: Computed
    since: Duration


class KeptAnalytics:
    """Computes one window at a time and keeps what came of it.

    Args:
        journal_dir: the folder of all journals.
        environment: what of this a child may know, it is told.
        elapsed: a clock that never jumps.
        compute: does the work; for tests.

    """

    def __init__(
        self,
        journal_dir: Path,
        environment: Mapping[str, str],
        elapsed: Callable[[], Duration],
        compute: Compute | None = None,
    ) -> None:
        self._journal_dir = journal_dir
        self._environment = clean(environment)
        self._elapsed = elapsed
        self._compute = compute or self._in_child
        self._kept: dict[tuple[Chain, int], _Kept] = {}
        self._lock = threading.Lock()
        self._busy = threading.Lock()

    def of(self, chain: Chain, days: int, until: Micros, at: str) -> Computed:
        """Return the numbers of the last days, or that they are being computed."""
        key = chain, days
        with self._lock:
            kept = self._kept.get(key)
            fresh = kept is not None and self._elapsed() - kept.since < KEPT_FOR
            if kept is not None and (fresh or kept.computed.state == "computing"):
                return kept.computed
            while len(self._kept) >= KEPT_MAX:
                del self._kept[next(iter(self._kept))]
            begun = Computed(state="computing")
            self._kept[key] = _Kept(begun, self._elapsed())
        request = {
            "journal_dir": str(self._journal_dir),
            "chain": [chain.venue, chain.lane, chain.run],
            "since": until - days * _DAY,
            "until": until + 1,
        }
        threading.Thread(
            target=self._work, args=(key, request, at), name="analytics", daemon=True
        ).start()
        return begun

    def _work(self, key: tuple[Chain, int], request: Mapping[str, Any], at: str) -> None:
        with self._busy:
            try:
                answer = self._compute(request)
            except (OSError, subprocess.SubprocessError, ValueError) as e:
                answer = {"failed": f"the numbers could not be computed ({type(e).__name__})"}
        if "analytics" in answer:
            computed = Computed(state="ready", at=at, value=answer["analytics"])
        else:
            computed = Computed(state="failed", at=at, detail=str(answer.get("failed")))
        with self._lock:
            self._kept[key] = _Kept(computed, self._elapsed())

    def _in_child(self, request: Mapping[str, Any]) -> dict[str, Any]:
        done = subprocess.run(  # noqa: S603 - the program is the bot's own
            _PROGRAM,
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=DEADLINE_S,
            check=True,
            env=self._environment,
            cwd="/",
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
