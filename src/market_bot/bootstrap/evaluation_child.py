"""The process that works on a night: ``python -m market_bot.bootstrap.evaluation_child``.

It reads a request, says what the night found, waits until that is written down, and then says what
is proposed: one line of JSON each. It has no venue's keys in its environment, speaks to nobody,
writes nothing below the home but caches and the advisor's purse, and is as nice as a process can be
to the one that trades. It is started by `market_bot.bootstrap.evaluation` and by nobody else.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from market_bot.adapters.llm.pipe import KEY
from market_bot.adapters.storage.codec import event_data
from market_bot.adapters.storage.home import Home
from market_bot.adapters.system.clock import SystemClock
from market_bot.bootstrap.advisors import advisor_of
from market_bot.bootstrap.night_report import report_data
from market_bot.bootstrap.night_work import Bench, NightWork, read_ledger
from market_bot.config.errors import ConfigError
from market_bot.config.loader import load_bot
from market_bot.core.domain import events as ev
from market_bot.core.domain.nights import Part
from market_bot.core.domain.numbers import parse_time
from market_bot.core.ports.config_store import ConfigStoreError
from market_bot.core.ports.journal import Chain, JournalError

REQUEST_MAX: Final = 1 << 16
WRITTEN: Final = "written"
_NICE: Final = 10
_MEMORY_BYTES: Final = 4 << 30
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_WHY_MAX: Final = 500


def main() -> int:
    """Work on one night; 1 if that was not possible."""
    key = os.environ.pop(KEY, "")
    request = json.loads(sys.stdin.readline(REQUEST_MAX))
    home = Home(Path(request["home"]))
    _be_small(home)
    try:
        _work(home, request, key)
    except (JournalError, ConfigError, ConfigStoreError, OSError) as e:
        _say("failed", why=" ".join(str(e).split())[:_WHY_MAX])
        return 1
    return 0


def _work(home: Home, request: dict[str, Any], key: str) -> None:
    chain = Chain(*request["chain"])
    ledger, _ = read_ledger(home, chain)
    work = NightWork(
        bench=Bench.of(home, chain),
        night=request["night"],
        now=parse_time(request["now"]),
        advisor=advisor_of(load_bot(home.bot_file).advisor, home, SystemClock(), key),
        ledger=ledger,
    )
    left = work.left
    if left is Part.NOTHING and not request["again"]:
        _say("nothing", why="this night is over, or there is no day that it could judge")
        return
    review, facts = work.review()
    if left is not Part.PROPOSALS:
        _say("review", facts=[_told(fact) for fact in facts], report=report_data(review))
        if sys.stdin.readline(REQUEST_MAX).strip() != WRITTEN:
            return
        for fact in facts:
            work.ledger = work.ledger.hear(work.now, fact)
    outcome = work.propose()
    _say(
        "proposals",
        facts=[_told(fact) for fact in outcome.facts],
        report=report_data(review, outcome),
    )


def _told(fact: ev.Event) -> dict[str, object]:
    return {"type": fact.TYPE, "data": event_data(fact)}


def _say(part: str, **rest: object) -> None:
    sys.stdout.write(json.dumps({"part": part, **rest}, allow_nan=False) + "\n")
    sys.stdout.flush()


def _be_small(home: Home) -> None:
    """Give way to whoever trades, and let nothing out."""
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    limits = {resource.RLIMIT_AS: _MEMORY_BYTES, resource.RLIMIT_CORE: 0}
    for what, most in limits.items():
        # Not every system has every limit; the deadline holds in any case.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))
    may_write = (str(home.state_dir), tempfile.gettempdir(), os.devnull)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.bind", "socket.getaddrinfo"):
            msg = f"not allowed here: {event}"
            raise PermissionError(msg)
        if event == "open" and _is_writing(args) and not str(args[0]).startswith(may_write):
            msg = f"not allowed here: to write {str(args[0])[:200]}"
            raise PermissionError(msg)

    sys.addaudithook(hook)


def _is_writing(args: tuple[Any, ...]) -> bool:
    mode, flags = args[1], args[2]
    if isinstance(args[0], int):
        return False
    if isinstance(mode, str) and set(mode) & set("wax+"):
        return True
    return isinstance(flags, int) and bool(flags & _WRITES)


if __name__ == "__main__":
    sys.exit(main())
