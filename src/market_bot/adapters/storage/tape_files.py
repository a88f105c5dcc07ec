"""The files of a recording: one per process start and UTC day, or those of a run derived again."""

from __future__ import annotations

import re
import shutil
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

import attrs

from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.adapters.storage.tape_records import Record
from market_bot.adapters.storage.tape_writer import GROUP_RECORDS, TapeWriter
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.market_data import Capability
from market_bot.core.ports.tape import TapeError, TornTapeError

SUFFIX: Final = ".jsonl.zst"
RECORDED: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:\.[0-9]{1,4})?\Z", re.ASCII)
"""The names of recorded files, without the suffix."""

_STARTS_A_DAY_MAX: Final = 9_999
_FOLDER_MODE: Final = 0o700
_MEGABYTE: Final = 1 << 20

Opened = Callable[[Path], None]


@attrs.frozen
class OpenFile:
    """A file that is being recorded; ``path`` is None where nothing is written.

    ``add`` and ``close`` raise `TapeError` where it cannot be written.
    """

    name: str
    path: Path | None
    add: Callable[[Record], None]
    close: Callable[[], None]


class TapeFiles(Protocol):
    """Where a recording goes."""

    @abstractmethod
    def open(self, day: str) -> OpenFile:
        """Return the file that begins now on a UTC day ("2026-11-23").

        Raises:
            TapeError: if it cannot be written; the message is one line.

        """


@attrs.frozen(kw_only=True)
class TapeLabel:
    """What every file of a recording says of itself, and how it is written.

    Args:
        venue: the one venue of all markets.
        source: free text: who recorded it.
        capabilities: what can be concluded from it.
        group: how many records make a group.
        flush_after: end a group at a tick when its first record is this old.
        room: called with the number of bytes before each write; raises `TapeError` to refuse.

    """

    venue: str
    source: str
    capabilities: frozenset[Capability]
    group: int = GROUP_RECORDS
    flush_after: Micros | None = None
    room: Callable[[int], None] = lambda _: None

    def write(self, path: Path) -> TapeWriter:
        """Open a file to be begun or continued.

        Raises:
            TapeError: if it cannot be written.

        """
        return TapeWriter(
            path,
            self.venue,
            self.source,
            self.capabilities,
            ticks=True,
            append=True,
            group=self.group,
            flush_after=self.flush_after,
            room=self.room,
        )


@attrs.frozen(kw_only=True)
class NewFiles(TapeFiles):
    """A new file at every start and every UTC day: ``DAY``, then ``DAY.2`` and so on.

    Args:
        folder: where they lie; made if it is not there.
        label: what they say of themselves.
        opened: told of every file once it is open.

    """

    folder: Path
    label: TapeLabel
    opened: Opened = lambda _: None

    def open(self, day: str) -> OpenFile:
        _make(self.folder)
        names = (day, *(f"{day}.{number}" for number in range(2, _STARTS_A_DAY_MAX)))
        for name in names:
            path = self.folder / f"{name}{SUFFIX}"
            if not path.exists():
                writer = self.label.write(path)
                self.opened(path)
                return OpenFile(name, path, writer.add, writer.close)
        msg = f"{self.folder}: too many recordings of {day}: move some of them away"
        raise TapeError(msg)


@attrs.frozen(kw_only=True)
class DerivedFiles(TapeFiles):
    """The files of a run that is derived again from its beginning whenever it goes on.

    What a file holds is compared with what is derived; what it lacks is added. So an interrupted
    run ends up with the records of one that was never interrupted. A file that is missing while a
    later one is there was removed on purpose and is not made again.

    Args:
        folder: where the files of this run lie, and no others; made if it is not there.
        label: what they say of themselves.
        opened: told of every file once it is open.

    """

    folder: Path
    label: TapeLabel
    opened: Opened = lambda _: None

    def open(self, day: str) -> OpenFile:
        _make(self.folder)
        path = self.folder / f"{day}{SUFFIX}"
        if not path.exists() and any(other > day for other in recorded_in(self.folder)):
            return NoFiles().open(day)
        file = _Continued(path, self.label)
        self.opened(path)
        return OpenFile(day, path, file.add, file.close)


@attrs.frozen
class NoFiles(TapeFiles):
    """Nothing is written; names are those of a run derived again."""

    def open(self, day: str) -> OpenFile:
        return OpenFile(day, None, lambda _: None, lambda: None)


class _Continued:
    """One file: its old records are compared, then new ones are appended."""

    def __init__(self, path: Path, label: TapeLabel) -> None:
        self._path = path
        self._label = label
        self._old: Iterator[Record] | None = _records(path)
        self._writer: TapeWriter | None = None
        self._compared = 0

    def add(self, record: Record) -> None:
        if self._old is not None:
            old = next(self._old, None)
            if old is not None:
                self._compare(old, record)
                return
            self._old = None
        if self._writer is None:
            self._writer = self._label.write(self._path)
        self._writer.add(record)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _compare(self, old: Record, new: Record) -> None:
        self._compared += 1
        if old != new:
            msg = (
                f"{self._path}: record {self._compared} is not what this run derives again: "
                "move the file away, then run again with --fresh"
            )
            raise TapeError(msg)


def recorded_in(folder: Path) -> list[str]:
    """Return the names of recorded files in a folder, without their suffix, in order."""
    stems = (path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))
    return sorted((stem for stem in stems if RECORDED.match(stem)), key=order_of)


def order_of(name: str) -> tuple[str, int]:
    """Return what recorded files are sorted by: the day, then the number of the start."""
    day, _, number = name.partition(".")
    return day, int(number or 1)


def leave_free(folder: Path, megabytes: int) -> Callable[[int], None]:
    """Return a check that refuses to write where less than so much room would be left.

    So a recording ends before the disk is so full that trading has to.
    """

    def check(wanted: int) -> None:
        free = shutil.disk_usage(folder).free - wanted
        if free < megabytes * _MEGABYTE:
            msg = (
                f"{folder}: only {max(0, free) // _MEGABYTE:,} MB would be left free, recording "
                f"leaves {megabytes:,}: make room"
            )
            raise TapeError(msg)

    return check


def _records(path: Path) -> Iterator[Record]:
    try:
        if not path.exists() or path.stat().st_size == 0:
            return iter(())
        return TapeReader(path, allow_torn=True).iter_records()
    except TornTapeError:
        # It was killed while it wrote the header.
        return iter(())
    except OSError as e:
        raise _unusable(path, e) from e


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as e:
        raise _unusable(folder, e) from e


def _unusable(path: Path, cause: OSError) -> TapeError:
    return TapeError(f"{path}: cannot be recorded into: {cause.strerror or cause}")


def sources_of(paths: Iterable[Path]) -> dict[str, Path]:
    """Return files by the name that positions call them by."""
    return {path.name.removesuffix(SUFFIX): path for path in paths}
