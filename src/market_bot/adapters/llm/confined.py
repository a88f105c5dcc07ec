"""What the process that asks a model may not do: grow, write files, start programs, call others."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from typing import Any, Final

from .pipe import PIPE_MAX

MEMORY_BYTES: Final = 1 << 30
_FILES: Final = 64
_CPU_SECONDS: Final = 120
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_FORBIDDEN: Final = (
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "socket.bind",
    "subprocess.Popen",
)


def limit(*, memory: int = MEMORY_BYTES) -> None:
    """Limit memory, processor time, open files and the size of what is written."""
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: _CPU_SECONDS,
        resource.RLIMIT_NOFILE: _FILES,
        resource.RLIMIT_FSIZE: PIPE_MAX,
        resource.RLIMIT_CORE: 0,
    }
    for what, most in limits.items():
        # Not every system has every limit; the deadline holds in any case.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))


def end_after(seconds: float) -> None:
    """End this process after a while, also if whoever waited for it is gone."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def confine(host: str) -> None:
    """Refuse, from now on and for good, whatever asking one host does not need."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in _FORBIDDEN or (event == "open" and _is_writing(args)):
            msg = f"not allowed here: {event}"
            raise PermissionError(msg)
        if event == "socket.getaddrinfo" and _text(args[0]) != host:
            msg = f"not allowed here: to speak to anybody but {host}"
            raise PermissionError(msg)

    sys.addaudithook(hook)


def _is_writing(args: tuple[Any, ...]) -> bool:
    mode, flags = args[1], args[2]
    if isinstance(mode, str) and set(mode) & set("wax+"):
        return True
    return isinstance(flags, int) and bool(flags & _WRITES)


def _text(host: object) -> str:
    return host.decode(errors="replace") if isinstance(host, bytes) else str(host)
