"""A model asked in a process of its own: no venue keys, little memory, a deadline, then no mercy.

The child gets the brief and the advisor's key, and says what it has to say on its standard output.
All of that is checked again here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from market_bot.core.domain.numbers import SECOND, Duration
from market_bot.core.domain.tuning.brief import Brief
from market_bot.core.ports.advisor import Advice, Advisor, Silence

from .claude import CLAUDE
from .pipe import KEY, PIPE_MAX, PipeError, question, read_answer
from .terms import Terms

# Beyond the time for all attempts: to start, to import and to end.
GRACE_SECONDS: Final = 20.0
_KEPT: Final = ("LANG", "LC_ALL", "PATH", "PYTHONPATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TZ")


class ChildAdvisor(Advisor):
    """Asks Claude in a child process.

    Args:
        terms: money, tokens, time and the model.
        key: the API key, "" if there is none.
        program: what is started.
        environment: what of this may be kept is kept, and nothing else.
        grace: seconds beyond those of the terms after which the child is killed.

    """

    def __init__(
        self,
        terms: Terms,
        key: str,
        program: Sequence[str],
        environment: Mapping[str, str],
        *,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._terms, self._key = terms, key
        self._program = tuple(program)
        self._environment = clean(environment)
        self._seconds = terms.seconds + grace

    @property
    def name(self) -> str:
        return CLAUDE

    def advise(self, brief: Brief) -> Advice:
        """Return what the child says; see `Advisor`."""
        plain = Advice(advisor=CLAUDE, model=self._terms.model)
        if not brief.turns:
            return attrs.evolve(plain, silence=Silence.NOTHING_TO_TURN)
        if not self._key:
            return attrs.evolve(plain, silence=Silence.NO_KEY)
        # Nobody knows what a child spent that does not say so.
        lost = attrs.evolve(plain, cost=self._terms.max_cost, attempts=1)
        try:
            said = self._run(question(brief, self._terms))
            return read_answer(said, brief)
        except subprocess.TimeoutExpired:
            took = Duration(round(self._seconds * SECOND))
            return attrs.evolve(lost, silence=Silence.TIMED_OUT, took=took)
        except (PipeError, OSError):
            return attrs.evolve(lost, silence=Silence.CRASHED)

    def _run(self, told: bytes) -> bytes:
        # Files instead of pipes: nobody has to read while the other writes, and the child's limit
        # on the size of files holds for what it says.
        with tempfile.TemporaryFile() as heard, tempfile.TemporaryFile() as said:
            heard.write(told)
            heard.seek(0)
            child = subprocess.Popen(  # noqa: S603 - the program is the bot's own
                self._program,
                stdin=heard,
                stdout=said,
                stderr=subprocess.DEVNULL,
                env={**self._environment, KEY: self._key},
                cwd="/",
                start_new_session=True,
            )
            try:
                code = child.wait(self._seconds)
            finally:
                _end(child)
            if code:
                msg = f"the advisor's process ended with {code}"
                raise PipeError(msg)
            said.seek(0)
            data = said.read(PIPE_MAX + 1)
        if len(data) > PIPE_MAX:
            msg = "the advisor's process said too much"
            raise PipeError(msg)
        return data


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a child may know of its parent's environment: no keys, no proxies."""
    kept = {name: environment[name] for name in _KEPT if name in environment}
    # It writes no files, those of the compiler included.
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill a child and all it started, unless it has ended."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
