"""One bot per home: an exclusive lock that dies with its holder.

The lock belongs to an open file, so the kernel frees it however the holder ends. The lock file is
never removed: two bots could then hold locks on two files of the same name. Beside it lies a
file that says who holds the lock; it is read for messages only and decides nothing.

A person may delete the whole ``state`` folder while a bot runs, and the lock file with it. So the
home itself is locked as well, where its file system can lock a folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from .home import HomeError

_PRIVATE_FILE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700
_INFO_MAX: Final = 1_024


class HomeInUseError(HomeError):
    """Another process holds the lock of this home; the message names it."""


class HomeLock:
    """The right to write in a home; a context manager.

    Args:
        path: the lock file, see `Home.lock_file`.

    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._info = path.with_name(f"{path.name}.info")
        self._descriptor: int | None = None
        self._folder: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def acquire(self) -> None:
        """Take the lock without waiting; harmless when it is held by this object.

        Raises:
            HomeInUseError: if another process, or another object in this one, holds it.
            HomeError: if the lock file cannot be made.

        """
        if self._descriptor is not None:
            return
        try:
            descriptor = self._open()
        except OSError as e:
            msg = (
                f"{self._path}: cannot be locked ({e.strerror}):"
                " make the folder writable, or choose another place with --home"
            )
            raise HomeError(msg) from e
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._folder = _lock_folder(self._path.parent.parent)
        except OSError as e:
            os.close(descriptor)
            raise self._refusal(e) from e
        self._descriptor = descriptor
        self._tell()

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._descriptor is None:
            return
        # Before the lock is free: afterwards the file may be the next holder's.
        with contextlib.suppress(OSError):
            self._info.unlink()
        locked = [self._folder, self._descriptor]
        self._folder = self._descriptor = None
        for descriptor in locked:
            if descriptor is None:
                continue
            # By word, not by closing alone: a child that is just being started holds a copy.
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _open(self) -> int:
        self._path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(self._path, flags, _PRIVATE_FILE)

    def _tell(self) -> None:
        # Information only: a full disk must not keep the bot from starting.
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = json.dumps({"pid": os.getpid(), "since": now}) + "\n"
        draft = self._info.with_name(f"{self._info.name}.new")
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            descriptor = os.open(draft, flags, _PRIVATE_FILE)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
            draft.replace(self._info)

    def _refusal(self, error: OSError) -> HomeError:
        if not isinstance(error, BlockingIOError):
            msg = (
                f"{self._path}: this file system has no locks ({error.strerror}):"
                " choose a place on a local disk with --home"
            )
            return HomeError(msg)
        pid = _living(self._info)
        who = f"another market-bot (pid {pid})" if pid else "another market-bot"
        home = self._path.parent.parent
        return HomeInUseError(f"{home}: {who} runs on this home: stop it, or use --home")


def _lock_folder(folder: Path) -> int | None:
    """Lock a folder and return its descriptor, or None where folders cannot be locked.

    Raises:
        BlockingIOError: if somebody else holds it.

    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _living(info: Path) -> int | None:
    """Return the pid in an info file if there is such a process; the file may be an old one."""
    try:
        with info.open("rb") as file:
            said = json.loads(file.read(_INFO_MAX))
        pid = said["pid"]
        if not isinstance(pid, int) or pid <= 0:
            return None
        os.kill(pid, 0)
    except PermissionError:
        return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return pid
