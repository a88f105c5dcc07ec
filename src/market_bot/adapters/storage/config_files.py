"""The settings files on disk, with every version the bot ever wrote or found beside them.

A version lies in ``.history/<sha256>`` of the same folder, readable by its owner only, and is
durable before the file changes: whatever happens, both ends of a change can be had back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from market_bot.core.ports.config_store import (
    ConfigStore,
    ConfigStoreError,
    PreparedEdit,
    StaleConfigError,
    UnfitChangeError,
    Version,
)

from .durable_file import Files, RealFiles, write_file

MAX_BYTES: Final = 256 * 1024
HISTORY: Final = ".history"

_FILE: Final = re.compile(r"[a-z][a-z0-9_]{0,40}\.yaml\Z", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)


@attrs.frozen(kw_only=True)
class Tried:
    """An edit of a file's bytes, before anybody knows whether the result is valid."""

    data: bytes
    before: str
    line: int
    old_line: str
    new_line: str


Edit = Callable[[bytes, str, str, str, str], Tried]
"""Replaces one number: data, name, path, before, after.

Raises `StaleConfigError` if another value stands there, `UnfitChangeError` if it cannot.
"""

Check = Callable[[bytes, str], str]
"""Returns the hash of the configuration that a file's bytes mean; raises `UnfitChangeError`."""


@attrs.define(eq=False)
class ConfigFiles(ConfigStore):
    """A folder of settings files.

    Args:
        folder: where they lie.
        edit: replaces one number in the bytes of a file.
        check: says what a file's bytes mean, all rules of the configuration included.
        files: the file system.

    """

    folder: Path
    edit: Edit
    check: Check
    files: Files = attrs.field(factory=RealFiles)

    def version(self, file: str) -> Version:
        return Version(file=file, sha256=_sha256(self._read(self._path(file))))

    def prepare(self, file: str, path: str, *, before: str, after: str) -> PreparedEdit:
        data = self._read(self._path(file))
        tried = self.edit(data, file, path, before, after)
        return PreparedEdit(
            file=file,
            path=path,
            before=tried.before,
            after=after,
            sha_before=_sha256(data),
            sha_after=_sha256(tried.data),
            config_after=self.check(tried.data, file),
            line=tried.line,
            old_line=tried.old_line,
            new_line=tried.new_line,
            data=tried.data,
        )

    def write(self, edit: PreparedEdit) -> None:
        if _sha256(edit.data) != edit.sha_after:
            msg = f"{edit.file}: the prepared file was damaged: nothing was written"
            raise UnfitChangeError(msg)
        self._put(edit.file, edit.data, edit.sha_before)

    def restore(self, file: str, sha256: str, *, expected: str) -> None:
        data = self.read(Version(file=file, sha256=sha256))
        if data is None:
            msg = f"{file}: version {sha256[:12]} is not in {self.folder / HISTORY}"
            raise ConfigStoreError(msg)
        self.check(data, file)
        self._put(file, data, expected)

    def keep(self, file: str) -> Version:
        data = self._read(self._path(file))
        try:
            self._keep(data)
        except OSError as e:
            raise _failed(file, e) from e
        return Version(file=file, sha256=_sha256(data))

    def read(self, version: Version) -> bytes | None:
        if not _SHA256.match(version.sha256):
            return None
        try:
            data = self._bytes(self.folder / HISTORY / version.sha256)
        except OSError:
            return None
        return data if _sha256(data) == version.sha256 else None

    def content(self, file: str) -> bytes:
        """Return a file's bytes as they are now.

        Raises:
            ConfigStoreError: if it cannot be read.

        """
        return self._read(self._path(file))

    def kept(self) -> tuple[str, ...]:
        """Return the SHA-256 of every version in the history, of whatever file."""
        names = self.files.names(self.folder / HISTORY)
        return tuple(name for name in names if _SHA256.match(name))

    def _put(self, file: str, data: bytes, expected: str) -> None:
        path = self._path(file)
        now = self._read(path)
        if _sha256(now) != expected:
            msg = f"{path}: was changed by somebody else meanwhile: nothing was written"
            raise StaleConfigError(msg)
        try:
            self._keep(now)
            self._keep(data)
            write_file(self.files, path, data)
        except OSError as e:
            raise _failed(file, e) from e

    def _keep(self, data: bytes) -> None:
        version = self.folder / HISTORY / _sha256(data)
        if self.read(Version(file="", sha256=version.name)) == data:
            return
        self.files.make_folder(version.parent)
        write_file(self.files, version, data)

    def _path(self, file: str) -> Path:
        if not _FILE.match(file):
            msg = f"{file!r} is no settings file's name"
            raise ConfigStoreError(msg)
        return self.folder / file

    def _read(self, path: Path) -> bytes:
        try:
            return self._bytes(path)
        except OSError as e:
            msg = f"{path}: cannot be read: {e.strerror or e}"
            raise ConfigStoreError(msg) from e

    def _bytes(self, path: Path) -> bytes:
        descriptor = self.files.open(path)
        try:
            size = self.files.size(descriptor)
            if size > MAX_BYTES:
                msg = f"{path}: larger than {MAX_BYTES // 1024} KB: this is not a settings file"
                raise ConfigStoreError(msg)
            return self.files.read(descriptor, size + 1, 0)
        finally:
            self.files.close(descriptor)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _failed(file: str, cause: OSError) -> ConfigStoreError:
    return ConfigStoreError(f"{file}: cannot be written: {cause.strerror or cause}")
