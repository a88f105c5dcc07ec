"""Starts real bots quickly: a warm process forks one for every command.

Each bot is a process of its own, with its own files, limits and signals; only the imports were
done before. What is killed here is killed by the kernel.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

DEADLINE_S: Final = 60.0
_LOOK_S: Final = 0.005


class WarmBots:
    """The warm process and the bots it forks.

    Args:
        folder: where the bots' output goes, one pair of files each.

    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._started: list[BotProcess] = []
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.bot_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def start(self, *words: object, room: int | None = None, cwd: Path | None = None) -> BotProcess:
        """Start ``market-bot`` with these words.

        Args:
            words: the arguments.
            room: how many bytes any one file may have.
            cwd: where it runs; by default where its output goes.

        """
        self._count += 1
        out, err = (self._folder / f"{self._count}.{end}" for end in ("out", "err"))
        request = {
            "argv": [str(word) for word in words],
            "out": str(out),
            "err": str(err),
            "room": room,
            "cwd": str(cwd or self._folder),
        }
        bot = BotProcess(pid=self.ask(request), out=out, err=err, bots=self)
        self._started.append(bot)
        return bot

    def run(self, *words: object, room: int | None = None, cwd: Path | None = None) -> BotProcess:
        """Start one and wait until it is over."""
        bot = self.start(*words, room=room, cwd=cwd)
        bot.wait()
        return bot

    def ask(self, request: dict[str, Any]) -> int:
        """Send one request to the warm process and return its answer."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())

    def end_all(self) -> None:
        """Kill every bot that a test left behind."""
        for bot in self._started:
            bot.kill()
        self._started.clear()

    def close(self) -> None:
        """End the warm process, and what is left of its bots."""
        self.end_all()
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.stdout.close()
        self._server.wait(DEADLINE_S)


@attrs.define(eq=False)
class BotProcess:
    """One started bot; ``code`` is negative for the signal that ended it, None while it runs."""

    pid: int
    out: Path
    err: Path
    bots: WarmBots
    code: int | None = None

    @property
    def stdout(self) -> str:
        """What it said so far."""
        return self.out.read_text(encoding="utf-8")

    @property
    def stderr(self) -> str:
        """What it complained about so far."""
        return self.err.read_text(encoding="utf-8")

    def over(self) -> bool:
        """Tell whether it has ended, and keep its exit code."""
        if self.code is None:
            answer = self.bots.ask({"poll": self.pid})
            self.code = None if answer == _RUNS else answer
        return self.code is not None

    def wait(self, deadline_s: float = DEADLINE_S) -> int:
        """Wait until it has ended and return its exit code."""
        if not wait_until(self.over, deadline_s):
            self.kill()
            msg = f"the bot did not end within {deadline_s} s: {self.stdout}{self.stderr}"
            raise AssertionError(msg)
        assert self.code is not None
        return self.code

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        # It is not waited for before `over` says so, hence the number is still its own.
        if not self.over():
            os.kill(self.pid, number)

    def kill(self) -> int:
        """Kill it and return its exit code, which is its own if it ended before."""
        self.signal(signal.SIGKILL)
        return self.wait()


def wait_until(condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> bool:
    """Look until a condition holds; tell whether it did before the deadline."""
    ends = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(_LOOK_S)
    return True


def folder_bytes(folder: Path) -> int:
    """Return how many bytes the journal files below a folder hold; 0 if there is none."""
    total = 0
    for path in folder.rglob("*.jsonl"):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def chain_files(home: Path, lane: str = "tape") -> dict[str, bytes]:
    """Return every journal file of the taped lanes of a home, by its place below ``journal/``."""
    journal = home / "journal"
    return {
        str(path.relative_to(journal)): path.read_bytes()
        for path in sorted(journal.glob(f"*/{lane}/**/*.jsonl"))
    }


def facts(home: Path, lane: str = "tape") -> list[dict[str, Any]]:
    """Return every line of the only chain of a lane, decoded."""
    files = chain_files(home, lane)
    return [json.loads(line) for data in files.values() for line in data.splitlines()]


_RUNS: Final = 1_000_000


def serve() -> None:
    """Fork a bot for every request on standard input until it is closed."""
    import market_bot.adapters.web.app  # noqa: PLC0415 - warmed up
    import market_bot.bootstrap.run_command  # noqa: F401, PLC0415 - warmed up
    from market_bot.bootstrap.cli.app import app  # noqa: PLC0415 - warmed up

    # Parsing once imports what the command line imports late.
    app.parse_args(["run", "--tape", "a", "--ticks", "1"], exit_on_error=False)

    for line in sys.stdin:
        request = json.loads(line)
        if "poll" in request:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else _RUNS
        else:
            answer = _fork(request)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _fork(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 99
    try:
        code = _become(request)
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _become(request: dict[str, Any]) -> int:
    from market_bot.bootstrap.cli import main  # noqa: PLC0415 - in the child

    os.setsid()
    os.chdir(request["cwd"])
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, place in ((0, os.devnull), (1, request["out"]), (2, request["err"])):
        os.dup2(os.open(place, os.O_RDONLY if number == 0 else flags, 0o600), number)
    sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115 - the standard one
    sys.stdout = open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115 - as above
    sys.stderr = open(2, "w", closefd=False, encoding="utf-8", buffering=1)  # noqa: SIM115 - as above
    words: Sequence[str] = request["argv"]
    if request["room"] is not None:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["room"], most))
    return main(words)


if __name__ == "__main__":
    serve()
