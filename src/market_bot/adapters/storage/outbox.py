"""Signed orders on disk: a file each, readable by their owner only, durable before they are sent.

A file is one line about the order, then the bytes that are sent. The line holds their hash: what
was damaged is reported, never sent.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
import msgspec

from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.outbox import Letter, Outbox, OutboxError

from .durable_file import Files, RealFiles, write_all

LETTERS_MAX: Final = 10_000
LETTER_MAX: Final = 16 << 10

_NAME: Final = re.compile(r"0x[0-9a-f]{64}", re.ASCII)
_SUFFIX: Final = ".order"
_DRAFT: Final = "."
_VERSION: Final = 1


class _Header(msgspec.Struct, frozen=True):
    v: int
    order: str
    intent: str
    market: str
    expires_at: int
    sha256: str


_header: Final = msgspec.json.Decoder(_Header)


@attrs.define(eq=False)
class FileOutbox(Outbox):
    """The folder ``outbox`` of a home; used by one thread.

    Args:
        folder: where the files lie.
        files: the file system.

    """

    folder: Path
    files: Files = attrs.field(factory=RealFiles)

    def put(self, letters: Sequence[Letter]) -> None:
        try:
            self.files.make_folder(self.folder)
            for letter in letters:
                self._write(letter)
            self.files.sync_folder(self.folder)
        except OSError as e:
            msg = f"{self.folder}: a signed order cannot be kept, so it is not sent: {e.strerror}"
            raise OutboxError(msg) from e

    def letters(self) -> tuple[Letter, ...]:
        names = [name for name in self.files.names(self.folder) if name.endswith(_SUFFIX)]
        if len(names) > LETTERS_MAX:
            msg = f"{self.folder}: {len(names)} signed orders; at most {LETTERS_MAX} are read"
            raise OutboxError(msg)
        return tuple(self._read(name) for name in names if not name.startswith(_DRAFT))

    def drop(self, order: str) -> None:
        try:
            with contextlib.suppress(FileNotFoundError):
                self.files.remove(self._path(order))
        except OSError as e:
            msg = f"{self.folder}: {order} cannot be removed: {e.strerror}"
            raise OutboxError(msg) from e

    def _path(self, order: str) -> Path:
        if not _NAME.fullmatch(order):
            msg = f"{order[:80]!r} is not the name of an order"
            raise OutboxError(msg)
        return self.folder / f"{order}{_SUFFIX}"

    def _write(self, letter: Letter) -> None:
        path = self._path(letter.order)
        header = _Header(
            v=_VERSION,
            order=letter.order,
            intent=letter.intent,
            market=letter.market,
            expires_at=letter.expires_at,
            sha256=hashlib.sha256(letter.body).hexdigest(),
        )
        # Written aside: a file by its right name is always whole.
        draft = path.with_name(f"{_DRAFT}{path.name}")
        with contextlib.suppress(FileNotFoundError):
            self.files.remove(draft)
        descriptor = self.files.create(draft)
        try:
            write_all(self.files, descriptor, msgspec.json.encode(header) + b"\n" + letter.body)
            self.files.sync(descriptor)
        finally:
            self.files.close(descriptor)
        self.files.replace(draft, path)

    def _read(self, name: str) -> Letter:
        path = self.folder / name
        try:
            descriptor = self.files.open(path)
            try:
                data = self.files.read(descriptor, LETTER_MAX + 1, 0)
            finally:
                self.files.close(descriptor)
        except OSError as e:
            msg = f"{path}: a signed order cannot be read: {e.strerror}"
            raise OutboxError(msg) from e
        return _letter(path, data)


def _letter(path: Path, data: bytes) -> Letter:
    first, newline, body = data.partition(b"\n")
    try:
        header = _header.decode(first)
    except (msgspec.DecodeError, UnicodeDecodeError):
        header = None
    sound = (
        header is not None
        and newline
        and len(data) <= LETTER_MAX
        and header.v == _VERSION
        and f"{header.order}{_SUFFIX}" == path.name
        and hashlib.sha256(body).hexdigest() == header.sha256
    )
    if header is None or not sound:
        # Nothing of what it holds: it could be sent by whoever reads this.
        msg = f"{path}: not a signed order as it was kept: see at the venue, then remove the file"
        raise OutboxError(msg)
    return Letter(
        order=header.order,
        intent=header.intent,
        market=header.market,
        expires_at=Micros(header.expires_at),
        body=body,
    )
