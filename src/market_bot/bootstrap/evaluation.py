"""A night worked on in a child process, and written down by whoever holds the journal.

The child says what it found; each answer is held against this process's own allowlist, layers and
files before a line of it is written. A deadline ends a child that hangs. What is written goes
through the lane itself, a few lines at a tick, so that trading goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import attrs
import msgspec

from market_bot.adapters.llm.child import clean
from market_bot.adapters.llm.pipe import KEY
from market_bot.adapters.storage.codec import CodecError, decode_event
from market_bot.adapters.storage.home import Home
from market_bot.bootstrap.evaluation_child import WRITTEN
from market_bot.bootstrap.night_report import report_path, write_report
from market_bot.bootstrap.night_work import Bench
from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.api import Status
from market_bot.core.domain.numbers import Micros, format_time
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.accept_night import (
    BadAnswer,
    Terms,
    accept_proposals,
    accept_review,
)
from market_bot.core.usecases.decide_proposal import Ledger

PROGRAM: Final = (sys.executable, "-P", "-s", "-m", "market_bot.bootstrap.evaluation_child")
DEADLINE_S: Final = 3600.0
ANSWER_MAX: Final = 32 << 20
LINES_A_TICK: Final = 8
"""So many facts of a night are written at one tick at most: each may cost an fsync."""

_CHUNK: Final = 1 << 16


class NightFailed(Exception):
    """A night could not be worked on; the message is one line saying why."""


@attrs.frozen(kw_only=True)
class NightRequest:
    """Which night of which lane.

    Args:
        home: where everything lies.
        chain: the lane.
        night: which night.
        now: the lane's own time.
        again: work on it although it is over; then nothing may be written.
        key: the advisor's key, "" if there is none.

    """

    home: Home
    chain: Chain
    night: str
    now: Micros
    again: bool = False
    key: str = attrs.field(default="", repr=False)


class NightChild:
    """A child process that works on one night; close it whatever happens.

    Args:
        request: which night.
        program: what is started.
        deadline_s: after so many seconds it is killed.

    Raises:
        OSError: if it cannot be started.

    """

    def __init__(
        self,
        request: NightRequest,
        program: Sequence[str] = PROGRAM,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._until = time.monotonic() + deadline_s
        self._heard = bytearray()
        environment = {**_environment(), KEY: request.key} if request.key else _environment()
        self._child = subprocess.Popen(  # noqa: S603 - the program is the bot's own
            tuple(program),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
        os.set_blocking(self._out, False)
        self._tell(
            json.dumps(
                {
                    "home": str(request.home.path),
                    "chain": [request.chain.venue, request.chain.lane, request.chain.run],
                    "night": request.night,
                    "now": format_time(request.now),
                    "again": request.again,
                }
            )
        )

    def go_on(self) -> None:
        """Say that what was told is written down."""
        self._tell(WRITTEN)

    def read(self, wait_s: float = 0.0) -> Mapping[str, Any] | None:
        """Return the next thing it says; None if there is nothing yet.

        Raises:
            NightFailed: if it ended, took too long, or said nonsense.

        """
        if b"\n" not in self._heard:
            self._hear(wait_s)
        if b"\n" in self._heard:
            line, _, rest = bytes(self._heard).partition(b"\n")
            self._heard = bytearray(rest)
            return _message(line)
        if time.monotonic() > self._until:
            self.close()
            msg = "the evaluation took too long and was stopped"
            raise NightFailed(msg)
        return None

    def close(self) -> None:
        """End it, with all that it started; harmless when repeated."""
        if self._child.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    @property
    def _out(self) -> int:
        pipe = self._child.stdout
        if pipe is None or pipe.closed:
            msg = "the evaluation's process is gone"
            raise NightFailed(msg)
        return pipe.fileno()

    def _hear(self, wait_s: float) -> None:
        descriptor = self._out
        if wait_s:
            with selectors.DefaultSelector() as selector:
                selector.register(descriptor, selectors.EVENT_READ)
                selector.select(wait_s)
        while True:
            try:
                data = os.read(descriptor, _CHUNK)
            except BlockingIOError:
                return
            if not data:
                if b"\n" in self._heard:
                    return
                self._child.wait()
                msg = f"the evaluation's process ended with {self._child.returncode}"
                raise NightFailed(msg)
            self._heard += data
            if len(self._heard) > ANSWER_MAX:
                msg = "the evaluation's process said too much"
                raise NightFailed(msg)

    def _tell(self, line: str) -> None:
        pipe = self._child.stdin
        try:
            if pipe is not None:
                pipe.write(f"{line}\n".encode())
                pipe.flush()
        except OSError as e:
            msg = "the evaluation's process does not listen"
            raise NightFailed(msg) from e


class Writer(Protocol):
    """Writes facts into a lane's chain; belongs to one night."""

    @property
    @abstractmethod
    def idle(self) -> bool:
        """Whether everything offered so far is written down."""

    @abstractmethod
    def offer(self, facts: Sequence[ev.Event]) -> None:
        """Take a few facts, in order; only while idle."""


@attrs.define(eq=False, kw_only=True)
class NightRun:
    """One night on its way: hears the child, checks, has it written down, and lets it go on.

    Args:
        request: which night.
        child: who works on it.
        writer: where facts go; None writes nothing.
        ledger: returns what the journal says now.
        head: returns the number of the journal's last line.
        about: sentences that the report begins with.

    """

    request: NightRequest
    child: NightChild
    writer: Writer | None
    ledger: Callable[[], Ledger]
    head: Callable[[], int]
    about: Sequence[str] = ()
    report: Mapping[str, Any] | None = attrs.field(default=None, init=False)
    nothing: str = attrs.field(default="", init=False)
    _left: deque[ev.Event] = attrs.field(factory=deque, init=False)
    _part: str = attrs.field(default="", init=False)

    def step(self, wait_s: float = 0.0) -> bool:
        """Do what can be done now; tell whether the night is over.

        Raises:
            NightFailed: if it cannot be brought to its end; what is written stays.

        """
        if self._part and not self._written():
            return False
        if self._part:
            self._keep_report()
            done, self._part = self._part == "proposals", ""
            if done:
                return True
            self.child.go_on()
        message = self.child.read(wait_s)
        return False if message is None else self._hear(message)

    def close(self) -> None:
        """End the child."""
        self.child.close()

    def _hear(self, message: Mapping[str, Any]) -> bool:
        part = message.get("part")
        if part == "nothing":
            self.nothing = str(message.get("why", ""))[:300]
            return True
        if part not in ("review", "proposals"):
            why = " ".join(str(message.get("why", "it said nonsense")).split())[:300]
            msg = f"the evaluation failed: {why}"
            raise NightFailed(msg)
        try:
            facts = _facts(message.get("facts"))
            terms = self._terms()
            accept = accept_review if part == "review" else accept_proposals
            if self.writer is not None:
                self._left.extend(accept(facts, terms))
        except (BadAnswer, CodecError) as e:
            raise NightFailed(str(e)) from e
        report = message.get("report")
        self.report = {**report, "about": list(self.about)} if isinstance(report, dict) else None
        self._part = str(part)
        return False

    def _terms(self) -> Terms:
        ledger, request = self.ledger(), self.request
        bench = Bench.of(request.home, request.chain)
        confirmed = frozenset(
            leak.finding
            for leak in ledger.log.leaks
            if leak.night == request.night and leak.status == Status.CONFIRMED.value
        )
        return Terms(
            chain=str(request.chain),
            night=request.night,
            head=self.head(),
            now=request.now,
            queue=ledger.queue,
            confirmed=confirmed,
            allowlist=bench.allowlist,
            file=bench.file,
            store=bench.store,
            objection=bench.objection,
        )

    def _written(self) -> bool:
        writer = self.writer
        if writer is None:
            return True
        if not writer.idle:
            return False
        if self._left:
            batch = [self._left.popleft() for _ in range(min(LINES_A_TICK, len(self._left)))]
            writer.offer(batch)
            return False
        return True

    def _keep_report(self) -> None:
        if self.report is None or self.writer is None:
            return
        path = report_path(self.request.home, self.request.chain, self.request.night)
        try:
            write_report(path, dict(self.report))
        except (OSError, KeyError, TypeError, ValueError) as e:
            msg = f"{path}: the report cannot be written ({type(e).__name__})"
            raise NightFailed(msg) from e


def _message(line: bytes) -> Mapping[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as e:
        msg = "the evaluation's process said nonsense"
        raise NightFailed(msg) from e
    if not isinstance(message, dict):
        msg = "the evaluation's process said nonsense"
        raise NightFailed(msg)
    return message


def _facts(listed: object) -> list[ev.Event]:
    if not isinstance(listed, list):
        msg = "the evaluation's answer was not taken: it holds no facts"
        raise BadAnswer(msg)
    facts = []
    for item in listed:
        known = isinstance(item, dict) and item.keys() == {"type", "data"}
        fact = decode_event(str(item["type"]), msgspec.json.encode(item["data"])) if known else None
        if fact is None:
            msg = "the evaluation's answer was not taken: a fact of no known type"
            raise BadAnswer(msg)
        facts.append(fact)
    return facts


def _environment() -> dict[str, str]:
    known = clean(os.environ)
    if "PYTHONPATH" in known:
        # The child begins in another folder.
        places = known["PYTHONPATH"].split(os.pathsep)
        known["PYTHONPATH"] = os.pathsep.join(str(Path(place).absolute()) for place in places)
    return known
