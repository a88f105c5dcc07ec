"""The few file operations that truth depends on, behind a seam where faults can be planted.

`RealFiles` is the operating system. Everything it creates is readable by its owner only. After a
failed `sync` the operating system may have forgotten what was not written, so nobody here ever
retries one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from abc import abstractmethod
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class Files(Protocol):
    """What storage asks of a file system; every method may raise `OSError`."""

    @abstractmethod
    def names(self, folder: Path) -> tuple[str, ...]:
        """Return the sorted names in a folder; none if there is no such folder."""

    @abstractmethod
    def is_folder(self, path: Path) -> bool:
        """Tell whether a path is a folder."""

    @abstractmethod
    def make_folder(self, folder: Path) -> None:
        """Make a folder and its parents durable, unless they exist."""

    @abstractmethod
    def sync_folder(self, folder: Path) -> None:
        """Make the names in a folder durable."""

    @abstractmethod
    def create(self, path: Path) -> int:
        """Return a descriptor for appending to a new file; refuses an existing one."""

    @abstractmethod
    def append(self, path: Path) -> int:
        """Return a descriptor for appending to an existing file."""

    @abstractmethod
    def open(self, path: Path) -> int:
        """Return a descriptor for reading a file."""

    @abstractmethod
    def close(self, descriptor: int) -> None:
        """Give a descriptor back."""

    @abstractmethod
    def size(self, descriptor: int) -> int:
        """Return the length of an open file in bytes."""

    @abstractmethod
    def read(self, descriptor: int, count: int, offset: int) -> bytes:
        """Return at most ``count`` bytes at an offset; fewer only at the end."""

    @abstractmethod
    def write(self, descriptor: int, data: bytes) -> int:
        """Append in one call and return how many bytes went through; may be fewer."""

    @abstractmethod
    def truncate(self, descriptor: int, size: int) -> None:
        """Cut an open file."""

    @abstractmethod
    def sync(self, descriptor: int) -> None:
        """Make the bytes of an open file durable."""

    @abstractmethod
    def replace(self, source: Path, target: Path) -> None:
        """Rename, replacing the target; durable after `sync_folder`."""

    @abstractmethod
    def remove(self, path: Path) -> None:
        """Remove a file; durable after `sync_folder`."""


class RealFiles(Files):
    """The operating system's files."""

    def names(self, folder: Path) -> tuple[str, ...]:
        try:
            return tuple(sorted(os.listdir(folder)))  # noqa: PTH208 - names, not paths
        except FileNotFoundError:
            return ()

    def is_folder(self, path: Path) -> bool:
        return path.is_dir()

    def make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self.make_folder(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(FOLDER_MODE)
        self.sync_folder(folder.parent)

    def sync_folder(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def create(self, path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | _FLAGS, FILE_MODE)

    def append(self, path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_APPEND | _FLAGS)

    def open(self, path: Path) -> int:
        return os.open(path, os.O_RDONLY | _FLAGS)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def size(self, descriptor: int) -> int:
        return os.fstat(descriptor).st_size

    def read(self, descriptor: int, count: int, offset: int) -> bytes:
        return os.pread(descriptor, count, offset)

    def write(self, descriptor: int, data: bytes) -> int:
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)

    def sync(self, descriptor: int) -> None:
        _sync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        source.replace(target)

    def remove(self, path: Path) -> None:
        path.unlink()


# Not to block: a pipe by the name of a journal would hold up whoever opens it for ever.
_FLAGS: Final = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

if sys.platform == "darwin":
    import fcntl

    def _sync(descriptor: int) -> None:
        # fsync of macOS stops at the drive's cache.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)

elif hasattr(os, "fdatasync"):
    _sync = os.fdatasync  # It includes the size, the only metadata a reader needs.
else:
    _sync = os.fsync


def is_out_of_room(error: OSError) -> bool:
    """Tell whether freeing space could help."""
    return error.errno in _NO_ROOM


def write_all(files: Files, descriptor: int, data: bytes) -> None:
    """Append all of ``data`` in one call.

    Raises:
        OSError: if not all of it went through; a short write counts as "no space left".

    """
    written = files.write(descriptor, data)
    if written != len(data):
        msg = f"only {written} of {len(data)} bytes were written"
        raise OSError(errno.ENOSPC, msg)


def write_file(files: Files, path: Path, data: bytes) -> None:
    """Put a whole file in place: afterwards the old or the new content is there, never a mixture.

    Raises:
        OSError: if that failed; the old content is then still there.

    """
    draft = path.with_name(f".{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        files.remove(draft)
    descriptor = files.create(draft)
    try:
        write_all(files, descriptor, data)
        files.sync(descriptor)
    finally:
        files.close(descriptor)
    files.replace(draft, path)
    files.sync_folder(path.parent)


def _incompressible(size: int) -> bytes:
    # A file system may store zeros as a hole and repetitions as one piece.
    return b"".join(sha256(i.to_bytes(8, "big")).digest() for i in range(size // 32))


class Reserve:
    """Room set aside on the disk, given back when the disk is full so that the last words fit.

    Args:
        path: where the file lies.
        size: how many bytes to keep; 0 keeps none.
        files: the file system.

    """

    _BLOCK: Final = 1 << 16

    def __init__(self, path: Path, size: int, files: Files) -> None:
        self._path = path
        self._size = size
        self._files = files

    def keep(self) -> bool:
        """Set the room aside, really written; tell whether that succeeded."""
        if self._size <= 0:
            return True
        try:
            self._files.make_folder(self._path.parent)
            self._fill()
        except OSError:
            self.free()
            return False
        return True

    def free(self) -> None:
        """Give the room back; harmless when there is none."""
        with contextlib.suppress(OSError):
            self._files.remove(self._path)

    def _fill(self) -> None:
        try:
            descriptor = self._files.append(self._path)
        except FileNotFoundError:
            descriptor = self._files.create(self._path)
        try:
            size = self._files.size(descriptor)
            block = _incompressible(max(0, min(self._BLOCK, self._size - size)))
            while size < self._size:
                piece = block[: self._size - size]
                write_all(self._files, descriptor, piece)
                size += len(piece)
            self._files.sync(descriptor)
        finally:
            self._files.close(descriptor)
