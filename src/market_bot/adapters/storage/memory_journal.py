"""The journal's twin in memory: the same lines, the same rules, nothing on disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final, Literal

import attrs

from market_bot.core.ports.journal import Chain

from .durable_file import Files
from .journal import JsonlJournal

_DESCRIPTORS_MAX: Final = 1_000_000


@attrs.define
class MemoryFile:
    """A file's bytes."""

    content: bytearray = attrs.field(factory=bytearray)


class MemoryFiles(Files):
    """A file system in memory; folders exist as soon as they are made or named by a file."""

    def __init__(self) -> None:
        self.files: dict[Path, MemoryFile] = {}
        self.folders: set[Path] = set()
        self._open: dict[int, MemoryFile] = {}
        self._next = 3

    def names(self, folder: Path) -> tuple[str, ...]:
        inside = [p.name for p in (*self.files, *self.folders) if p.parent == folder]
        return tuple(sorted(set(inside)))

    def is_folder(self, path: Path) -> bool:
        return path in self.folders

    def make_folder(self, folder: Path) -> None:
        self.folders.update((folder, *folder.parents))

    def sync_folder(self, folder: Path) -> None:
        pass

    def create(self, path: Path) -> int:
        if path in self.files:
            raise _error(errno.EEXIST, path)
        self.files[path] = self._new_file()
        return self._descriptor(self.files[path])

    def append(self, path: Path) -> int:
        return self._descriptor(self._existing(path))

    def open(self, path: Path) -> int:
        return self._descriptor(self._existing(path))

    def close(self, descriptor: int) -> None:
        del self._open[descriptor]

    def size(self, descriptor: int) -> int:
        return len(self._open[descriptor].content)

    def read(self, descriptor: int, count: int, offset: int) -> bytes:
        return bytes(self._open[descriptor].content[offset : offset + count])

    def write(self, descriptor: int, data: bytes) -> int:
        self._open[descriptor].content += data
        return len(data)

    def truncate(self, descriptor: int, size: int) -> None:
        del self._open[descriptor].content[size:]

    def sync(self, descriptor: int) -> None:
        pass

    def replace(self, source: Path, target: Path) -> None:
        self.files[target] = self._existing(source)
        del self.files[source]

    def remove(self, path: Path) -> None:
        self._existing(path)
        del self.files[path]

    def _new_file(self) -> MemoryFile:
        return MemoryFile()

    def _existing(self, path: Path) -> MemoryFile:
        if path not in self.files:
            raise _error(errno.ENOENT, path)
        return self.files[path]

    def _descriptor(self, file: MemoryFile) -> int:
        if len(self._open) >= _DESCRIPTORS_MAX:
            raise _error(errno.EMFILE, Path())
        self._next += 1
        self._open[self._next] = file
        return self._next


class MemoryJournal(JsonlJournal):
    """One chain in memory, for tests and for runs nobody wants to keep.

    Args:
        chain: which chain this is.
        boot: id of this start of the bot.
        durability: as in `JsonlJournal`.
        files: give the same ones to open the same chain again.

    """

    def __init__(
        self,
        chain: Chain,
        boot: str,
        *,
        durability: Literal["strict", "group"] = "group",
        files: MemoryFiles | None = None,
    ) -> None:
        kept = files if files is not None else MemoryFiles()
        super().__init__(Path(f"/{chain}"), chain, boot, durability=durability, files=kept)


def _error(code: int, path: Path) -> OSError:
    return OSError(code, os.strerror(code), str(path))
