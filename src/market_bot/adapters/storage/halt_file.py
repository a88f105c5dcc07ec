"""The HALT file: while it exists nothing opens a position."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import attrs

from .durable_file import RealFiles, write_file

_READ_MAX: Final = 4_096


@attrs.frozen
class HaltFile:
    """A file whose existence halts; anybody may make it with any editor, or ``touch``.

    Args:
        path: where it lies, see `Home.halt_file`.

    """

    path: Path

    def read(self) -> str | None:
        """Return what it says, or None if there is none; one that cannot be read halts too."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError as e:
            # A link that leads nowhere is a file by that name all the same.
            return _unreadable(e) if self.path.is_symlink() else None
        except OSError as e:
            return _unreadable(e)
        try:
            return os.read(descriptor, _READ_MAX).decode(errors="replace")
        except OSError as e:
            return _unreadable(e)
        finally:
            os.close(descriptor)

    def write(self, text: str) -> None:
        """Put the file in place, durably.

        Raises:
            OSError: if that failed.

        """
        write_file(RealFiles(), self.path, text.encode())

    def remove(self) -> None:
        """Remove the file, durably; harmless if there is none.

        Raises:
            OSError: if that failed.

        """
        self.path.unlink(missing_ok=True)
        RealFiles().sync_folder(self.path.parent)


def _unreadable(error: OSError) -> str:
    return f"HALT file that cannot be read ({error.strerror})"
