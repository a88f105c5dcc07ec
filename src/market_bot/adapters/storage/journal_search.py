"""Look through journals of any size without holding anybody up: in a process of its own.

A thread would share the interpreter with the lanes and make them late. The process starts in a
few hundredths of a second, is told how long it may take, and is killed if it takes longer.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from market_bot.core.ports.journal import Chain, JournalError

from .journal_reader import chain_folder

DEADLINE_S: Final = 3.0
AT_ONCE: Final = 2
_GRACE_S: Final = 5.0
_PATIENCE_S: Final = 5.0
_PROGRAM: Final = Path(__file__).with_name("journal_search_child.py")


class SearchError(JournalError):
    """A journal could not be looked through; the message says why."""


@attrs.frozen(kw_only=True)
class Search:
    """What is looked for in one chain.

    Args:
        chain: which one.
        types: lines of these types; none means all.
        all: texts that all stand in the line, as it is written.
        any: texts of which one stands in it.
        text: what stands in it, in letters large or small.
        since: first moment, as the journal writes it.
        until: first moment no longer wanted.
        before: lines with a lower number, the newest first.
        after: lines with a higher number, the oldest first.
        limit: how many at most.
        deadline_s: after so many seconds what was found is told.

    """

    chain: Chain
    types: Sequence[str] = ()
    all: Sequence[str] = ()
    any: Sequence[str] = ()
    text: str = ""
    since: str = ""
    until: str = ""
    before: int | None = None
    after: int | None = None
    limit: int = 50
    deadline_s: float = DEADLINE_S


@attrs.frozen(kw_only=True)
class Found:
    """Lines as they were written, but for long texts.

    ``next`` is where the next page begins (``before`` or ``after``), None at the end;
    ``complete`` is False if time ran out.
    """

    lines: tuple[dict[str, Any], ...]
    next: int | None
    complete: bool
    scanned: int


class JournalSearch:
    """Starts the processes; any thread may ask, so many at once are answered.

    Args:
        journal_dir: the folder of all journals.

    """

    def __init__(self, journal_dir: Path) -> None:
        self._journal_dir = journal_dir
        self._free = threading.BoundedSemaphore(AT_ONCE)

    def find(self, wanted: Search) -> Found:
        """Return lines of a chain.

        Raises:
            SearchError: if too many search already, or the process failed.

        """
        request = attrs.asdict(wanted, recurse=False)
        del request["chain"]
        answer = self._ask(wanted.chain, request, wanted.deadline_s)
        return Found(
            lines=tuple(answer["lines"]),
            next=answer["next"],
            complete=bool(answer["complete"]),
            scanned=int(answer["scanned"]),
        )

    def equity(self, chain: Chain, moments: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return time and equity of the first scan after each of these moments.

        Raises:
            SearchError: as `find`.

        """
        request = {"what": "sample", "moments": list(moments)}
        answer = self._ask(chain, request, DEADLINE_S)
        return tuple((at, equity) for at, equity in answer["points"])

    def _ask(self, chain: Chain, request: Mapping[str, Any], deadline_s: float) -> dict[str, Any]:
        folder = chain_folder(self._journal_dir, chain)
        told = json.dumps({**request, "folder": str(folder)}).encode()
        if not self._free.acquire(timeout=_PATIENCE_S):
            msg = "too many searches at once: try again"
            raise SearchError(msg)
        try:
            done = subprocess.run(  # noqa: S603 - the program is the bot's own
                [sys.executable, "-I", "-S", str(_PROGRAM)],
                input=told,
                capture_output=True,
                timeout=deadline_s + _GRACE_S,
                check=True,
                env={},
                cwd="/",
            )
            answer: dict[str, Any] = json.loads(done.stdout)
        except (OSError, subprocess.SubprocessError, ValueError) as e:
            msg = f"{chain}: the journal could not be searched ({type(e).__name__})"
            raise SearchError(msg) from e
        finally:
            self._free.release()
        return answer
