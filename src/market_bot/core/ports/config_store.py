"""The settings files: read, edited by exactly one number, and put back exactly as they were."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

import attrs


class ConfigStoreError(Exception):
    """Base of what can go wrong with a settings file; the message is one line for people."""


class StaleConfigError(ConfigStoreError):
    """The file, or the value in it, is no longer what the change was made for."""


class UnfitChangeError(ConfigStoreError):
    """The change cannot be made exactly, or what would come of it is no valid configuration."""


@attrs.frozen(kw_only=True)
class Version:
    """A file's content by its SHA-256, as 64 hexadecimal digits."""

    file: str
    sha256: str


@attrs.frozen(kw_only=True)
class PreparedEdit:
    """An edit that was tried on a copy: nothing is written yet.

    Args:
        file: the file's name, as in ``kalshi.yaml``.
        path: where, as knobs are named.
        before, after: the numbers, as decimal strings; ``before`` is as the file writes it.
        sha_before, sha_after: of the whole file.
        config_after: hash of the configuration that the new file means.
        line: from 1; ``old_line`` and ``new_line`` are that line without its end.
        data: all bytes of the new file.

    """

    file: str
    path: str
    before: str
    after: str
    sha_before: str
    sha_after: str
    config_after: str
    line: int
    old_line: str
    new_line: str
    data: bytes = attrs.field(repr=False)


class ConfigStore(Protocol):
    """The folder of settings files; one writer at a time, people may edit beside it."""

    @abstractmethod
    def version(self, file: str) -> Version:
        """Return what a file is now.

        Raises:
            ConfigStoreError: if it cannot be read.

        """

    @abstractmethod
    def prepare(self, file: str, path: str, *, before: str, after: str) -> PreparedEdit:
        """Try an edit on a copy.

        Raises:
            StaleConfigError: if another value stands there.
            UnfitChangeError: if it cannot be made exactly, or the result is not valid.
            ConfigStoreError: if the file cannot be read.

        """

    @abstractmethod
    def write(self, edit: PreparedEdit) -> None:
        """Put the new file in place, durably, and keep both versions in the history.

        Afterwards the old or the new file is there, whatever happened, never a mixture.

        Raises:
            StaleConfigError: if the file is not the one the edit was prepared on.
            ConfigStoreError: if it could not be written.

        """

    @abstractmethod
    def restore(self, file: str, sha256: str, *, expected: str) -> None:
        """Put a version of the history back, byte for byte, if the file is ``expected`` now.

        Raises:
            StaleConfigError: if it is something else.
            UnfitChangeError: if the version is no valid configuration (any more).
            ConfigStoreError: if the version is not in the history, or it could not be written.

        """

    @abstractmethod
    def keep(self, file: str) -> Version:
        """Keep the file as it is now in the history and return which version it is.

        Raises:
            ConfigStoreError: if that failed.

        """

    @abstractmethod
    def read(self, version: Version) -> bytes | None:
        """Return a version of the history, None if it is not kept."""
