"""A file system that fails where it is told to, and that forgets what was never synced."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path

import attrs

from market_bot.adapters.storage.memory_journal import MemoryFile, MemoryFiles

Survival = Callable[[bytes], bytes]
"""What a power cut leaves of the bytes of a file that were written but not synced."""


class SimCrashError(BaseException):
    """The machine lost power; not an `Exception`, so that nobody survives it by catching."""


class Fault(Enum):
    """What happens instead of an operation."""

    NO_SPACE = errno.ENOSPC
    IO_ERROR = errno.EIO
    TOO_LARGE = errno.EFBIG
    SHORT = -1
    CRASH_BEFORE = -2
    CRASH_AFTER = -3
    INTERRUPT_BEFORE = -4
    INTERRUPT_AFTER = -5


def kept(unsynced: bytes) -> bytes:
    """Everything reached the disk by chance."""
    return unsynced


def lost(unsynced: bytes) -> bytes:
    """Nothing reached the disk."""
    return b""


def torn(at: int) -> Survival:
    """Only the first bytes reached the disk."""
    return lambda unsynced: unsynced[:at]


def torn_with_zeros(at: int) -> Survival:
    """The new length reached the disk, but only the first bytes of the content."""
    return lambda unsynced: unsynced[:at] + bytes(max(0, len(unsynced) - at))


@attrs.define
class SimFile(MemoryFile):
    """A file's bytes, and what of them is on the disk."""

    synced: bytes = b""


class SimFiles(MemoryFiles):
    """A file system in memory with planted faults.

    Args:
        faults: what happens at the n-th changing operation, counted from 1.
        room: how many bytes fit; None is endless.

    Attributes:
        operations: the names of the changing operations so far.

    """

    def __init__(
        self, faults: Mapping[int, Fault] | None = None, *, room: int | None = None
    ) -> None:
        super().__init__()
        self.faults = dict(faults or {})
        self.room = room
        self.operations: list[str] = []
        self._dead = False
        self._durable_names: dict[Path, MemoryFile] = {}

    def after_crash(self, survival: Survival, *, names_kept: bool) -> SimFiles:
        """Return what another start finds after a power cut."""
        found = SimFiles(room=self.room)
        found.folders = set(self.folders)
        for path, file in (self.files if names_kept else self._durable_names).items():
            assert isinstance(file, SimFile)
            content = bytes(file.content)
            if content.startswith(file.synced):
                content = file.synced + survival(content[len(file.synced) :])
            elif not names_kept:
                content = file.synced
            found.files[path] = SimFile(content=bytearray(content), synced=content)
        found._durable_names = dict(found.files)
        return found

    def make_folder(self, folder: Path) -> None:
        with self._operation("make_folder"):
            super().make_folder(folder)

    def create(self, path: Path) -> int:
        with self._operation("create"):
            return super().create(path)

    def write(self, descriptor: int, data: bytes) -> int:
        with self._operation("write") as fault:
            if fault is Fault.SHORT:
                return super().write(descriptor, data[: len(data) // 2])
            if self.room is None:
                return super().write(descriptor, data)
            left = self.room - sum(len(file.content) for file in self.files.values())
            if left <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(descriptor, data[:left])

    def truncate(self, descriptor: int, size: int) -> None:
        with self._operation("truncate"):
            super().truncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        with self._operation("sync"):
            file = self._open[descriptor]
            assert isinstance(file, SimFile)
            file.synced = bytes(file.content)

    def sync_folder(self, folder: Path) -> None:
        with self._operation("sync_folder"):
            elsewhere = {p: f for p, f in self._durable_names.items() if p.parent != folder}
            here = {p: f for p, f in self.files.items() if p.parent == folder}
            self._durable_names = elsewhere | here

    def replace(self, source: Path, target: Path) -> None:
        with self._operation("replace"):
            super().replace(source, target)

    def remove(self, path: Path) -> None:
        if path in self.files:
            with self._operation("remove"):
                super().remove(path)
        else:
            super().remove(path)

    def _new_file(self) -> MemoryFile:
        return SimFile()

    def _operation(self, name: str) -> _Operation:
        if self._dead:
            raise SimCrashError
        self.operations.append(name)
        fault = self.faults.get(len(self.operations))
        self._dead = fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
        return _Operation(fault)


@attrs.define
class _Operation:
    """One changing operation, with the fault planted there."""

    fault: Fault | None

    def __enter__(self) -> Fault | None:
        if self.fault is Fault.CRASH_BEFORE:
            raise SimCrashError
        if self.fault is Fault.INTERRUPT_BEFORE:
            raise KeyboardInterrupt
        if self.fault is not None and self.fault.value > 0:
            raise OSError(self.fault.value, os.strerror(self.fault.value))
        return self.fault

    def __exit__(self, *_: object) -> None:
        if self.fault is Fault.CRASH_AFTER:
            raise SimCrashError
        if self.fault is Fault.INTERRUPT_AFTER:
            raise KeyboardInterrupt
