"""What takes a while and is asked for by a page: one of a kind at a time, each in a thread."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from market_bot.core.domain.numbers import Micros, format_time
from market_bot.core.ports.dashboard import ConflictError, Job, NotThereError

KEPT_MAX: Final = 32
_ID_BYTES: Final = 8
_DETAIL_MAX: Final = 300

Work = Callable[[], tuple[str, Mapping[str, Any] | None]]
"""Does it; returns a line for people, and what came of it. Raises `JobFailedError`."""


class JobFailedError(Exception):
    """A job came to nothing; the message is one line for people."""


class Jobs:
    """What was started, and how it stands; any thread may ask.

    Args:
        now: the time of the wall.

    """

    def __init__(self, now: Callable[[], Micros]) -> None:
        self._now = now
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def start(self, kind: str, work: Work) -> str:
        """Begin; return the job's name.

        Raises:
            ConflictError: if one of this kind is under way.

        """
        with self._lock:
            if any(one.kind == kind and one.state == "running" for one in self._jobs.values()):
                msg = "one is under way already: wait for it"
                raise ConflictError(msg)
            while len(self._jobs) >= KEPT_MAX:
                del self._jobs[next(iter(self._jobs))]
            started = format_time(self._now())
            job = Job(
                job=secrets.token_hex(_ID_BYTES), kind=kind, state="running", started_at=started
            )
            self._jobs[job.job] = job
        threading.Thread(target=self._run, args=(job, work), name=kind, daemon=True).start()
        return job.job

    def get(self, name: str) -> Job:
        """Return how a job stands.

        Raises:
            NotThereError: if there is none of this name, or no longer.

        """
        job = self._jobs.get(name)
        if job is None:
            msg = "there is no such job, or no longer"
            raise NotThereError(msg)
        return job

    def last(self, kind: str) -> Job | None:
        """Return the latest job of a kind."""
        with self._lock:
            return next((one for one in reversed(self._jobs.values()) if one.kind == kind), None)

    def _run(self, job: Job, work: Work) -> None:
        state, result = "done", None
        try:
            detail, result = work()
        except JobFailedError as e:
            state, detail = "failed", str(e)
        except Exception as e:  # noqa: BLE001 - nobody else hears of it
            state, detail = "failed", f"it failed ({type(e).__name__})"
        with self._lock:
            self._jobs[job.job] = attrs.evolve(
                job,
                state=state,
                ended_at=format_time(self._now()),
                detail=" ".join(detail.split())[:_DETAIL_MAX],
                result=result,
            )
