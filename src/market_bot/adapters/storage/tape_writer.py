"""Writes tape format 1: group by group, so that a crash loses at most the last one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import msgspec

from market_bot.adapters.storage.tape_facts import FactRecords
from market_bot.adapters.storage.tape_frames import (
    GROUP_BYTES_MAX,
    compress_frame,
    read_frames,
)
from market_bot.adapters.storage.tape_reader import read_header
from market_bot.adapters.storage.tape_records import Record, TickRecord, header_line
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.market_data import Capability
from market_bot.core.ports.tape import TapeError, TapeHeader, TornTapeError

GROUP_RECORDS: Final = 4096
_KEPT_ASIDE_MAX: Final = 1000

_encoder: Final = msgspec.json.Encoder()


class TapeWriter(FactRecords):
    """Records market facts in the order in which they come; the same facts give the same bytes.

    An import is written beside its place as ``<name>.partial`` and takes its name when it is
    closed; leaving the ``with`` block by an exception leaves nothing. A recording (``append``) goes
    straight into the file; markets must be announced again after it was opened.

    Args:
        path: where the tape belongs; an import replaces what was there.
        venue: the one venue of the tape.
        source: free text: who recorded or imported it from what.
        capabilities: what can be concluded from the records.
        ticks: whether `tick` will be called; only such a tape is played with its own ticks.
        append: continue the tape at ``path``, if there is one. A torn last group is cut off and
            kept in ``torn_kept``.
        group: how many records make a group.
        flush_after: end the group at a tick when its first record is this old.
        room: called with the number of bytes before each write; raises `TapeError` to refuse.

    Raises:
        TapeError: if the file cannot be written, or holds something that cannot be continued.

    """

    def __init__(
        self,
        path: Path | str,
        venue: str,
        source: str,
        capabilities: Iterable[Capability],
        *,
        ticks: bool = False,
        append: bool = False,
        group: int = GROUP_RECORDS,
        flush_after: Micros | None = None,
        room: Callable[[int], None] = lambda _: None,
    ) -> None:
        if group < 1:
            msg = f"{path}: a group has at least one record, was {group}"
            raise TapeError(msg)
        super().__init__(str(path), venue, ticks=ticks)
        self.path: Final = Path(path)
        self.torn_kept: Path | None = None
        self._header = TapeHeader(
            venue=venue, source=source, capabilities=frozenset(capabilities), ticks=ticks
        )
        self._append = append
        self._group = group
        self._flush_after = flush_after
        self._records: list[Record] = []
        self._room = room
        self._target = self.path if append else self.path.with_name(self.path.name + ".partial")
        self._usable = True
        try:
            self._file: BinaryIO = self._open()
        except OSError as e:
            raise self._unwritable(e) from e

    def add(self, record: Record) -> None:
        """Take the next record; a full group, or at a tick an old one, is written.

        Raises:
            TapeError: if it cannot be written.

        """
        if not self._usable:
            msg = f"{self.path}: an earlier write failed: open the tape again to continue"
            raise TapeError(msg)
        records = self._records
        records.append(record)
        if len(records) >= self._group:
            self.flush()
            return
        span = self._flush_after
        old = span is not None and record.received - records[0].received >= span
        if old and type(record) is TickRecord:
            self.flush()

    def flush(self) -> None:
        """End the group: hand what was written so far to the operating system.

        Raises:
            TapeError: if it cannot be written; what came before stays readable.

        """
        records = self._records
        if records:
            self._records = []
            self._write_group(records)

    def close(self) -> None:
        """Write the last group durably and, for an import, give the file its name.

        Raises:
            TapeError: if it cannot be written.

        """
        if self._file.closed:
            return
        try:
            self.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            if not self._append:
                self._target.replace(self.path)
        except OSError as e:
            raise self._unwritable(e) from e
        finally:
            self._discard_if_open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None or self._append:
            self.close()
        else:
            self._discard_if_open()

    def _write_group(self, records: list[Record]) -> None:
        content = _encoder.encode_lines(records)
        if len(content) <= GROUP_BYTES_MAX:
            self._write(compress_frame(content))
        elif len(records) > 1:
            half = len(records) // 2
            self._write_group(records[:half])
            self._write_group(records[half:])
        else:
            msg = f"{self.path}: one record of {len(content)} bytes is too large: not written"
            raise TapeError(msg)

    def _write(self, frame: bytes) -> None:
        sound = self._file.tell()
        rest = memoryview(frame)
        try:
            self._room(len(frame))
            while rest:
                rest = rest[self._file.write(rest) :]
        except (OSError, TapeError) as e:
            # Half a frame in the middle would make everything after it unreadable.
            self._usable = False
            with suppress(OSError):
                self._file.truncate(sound)
            if isinstance(e, TapeError):
                raise
            raise self._unwritable(e) from e

    def _open(self) -> BinaryIO:
        if self._append and self._target.exists():
            sound = self._repair()
            if sound:
                self._check_continues()
        elif not self._append:
            self._target.unlink(missing_ok=True)
        file = self._target.open("ab", buffering=0)
        self._file = file
        if file.tell() == 0:
            try:
                self._write(compress_frame(header_line(self._header) + b"\n"))
            except TapeError:
                file.close()
                with suppress(OSError):
                    self._target.unlink()  # Nothing is in it; the name stays free.
                raise
        return file

    def _repair(self) -> int:
        """Cut a torn last group off, keep it aside, and return how many bytes are sound."""
        sound = 0
        with self._target.open("r+b") as file:
            try:
                for _, end in read_frames(file, str(self.path)):
                    sound = end
            except TornTapeError:
                file.seek(sound)
                self.torn_kept = self._keep_aside(file.read(), sound)
                file.truncate(sound)
                os.fsync(file.fileno())
        return sound

    def _keep_aside(self, torn: bytes, sound: int) -> Path:
        for number in range(1, _KEPT_ASIDE_MAX):
            aside = self.path.with_name(f"{self.path.name}.torn-{sound}-{number}")
            with suppress(FileExistsError), aside.open("xb") as file:
                file.write(torn)
                file.flush()
                os.fsync(file.fileno())
                return aside
        msg = f"{self.path}: too many torn ends kept beside it: remove the .torn- files"
        raise TapeError(msg)

    def _check_continues(self) -> None:
        there = read_header(self.path)
        for what, old, new in (
            ("venue", there.venue, self._header.venue),
            ("ticks", there.ticks, self._header.ticks),
            ("capabilities", _names(there.capabilities), _names(self._header.capabilities)),
        ):
            if old != new:
                msg = (
                    f"{self.path}: the tape there has {what} {old}, this recording {new}: "
                    "record into another file"
                )
                raise TapeError(msg)

    def _discard_if_open(self) -> None:
        if not self._file.closed:
            self._file.close()
        if not self._append:
            self._target.unlink(missing_ok=True)

    def _unwritable(self, cause: OSError) -> TapeError:
        return TapeError(f"{self.path}: cannot write the tape: {cause.strerror or cause}")


def _names(capabilities: Iterable[Capability]) -> str:
    return ",".join(sorted(known.value for known in capabilities))
