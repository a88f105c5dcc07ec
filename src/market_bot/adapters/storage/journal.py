"""The journal on disk: lines are appended, made durable, and never touched again.

What a failure means:

- No room left: the reserve is given back and the journal goes on in `Health.RESERVE`: orders that
  open a position are refused, facts that only explain are dropped and counted, everything else
  is written as long as there is room.
- Any other failed write, and any failed sync: `Health.BROKEN`. Nothing is accepted any more; a
  sync is never repeated, because the second one would succeed without having written anything.

A fact whose `append` raised is not in the file, except after a failed sync, when nobody can tell.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Final, Literal, NoReturn, Self

import attrs

from market_bot.core.domain.events import EVENT_TYPES, Checkpoint, Durability, Event, OrderIntent
from market_bot.core.domain.numbers import Micros, format_time, parse_time
from market_bot.core.domain.orders import Purpose
from market_bot.core.ports.journal import (
    Chain,
    DurabilityLostError,
    Entry,
    Journal,
    JournalError,
)

from .codec import encode_event
from .durable_file import Files, RealFiles, Reserve, is_out_of_room, write_all
from .journal_reader import JournalReader, corrupt, whole_lines_end
from .line_format import NO_HASH, context, seal

PENDING_BYTES_MAX: Final = 1 << 16
_COPY_BYTES: Final = 1 << 20


class Health(Enum):
    """How far a journal can be relied upon."""

    SOUND = "sound"
    RESERVE = "reserve"
    BROKEN = "broken"
    CLOSED = "closed"


# Looking a member up in its Enum is slow enough to be seen.
_SOUND: Final = Health.SOUND
_LASTING: Final = Durability.A


class CheckpointDueError(JournalError):
    """A fact would open a new file, which only a checkpoint may do."""


@attrs.frozen
class TornTail:
    """An unfinished line that was cut off when the journal was opened.

    Args:
        path: the file it was cut from.
        offset: where it began.
        size: how many bytes it had.
        kept: the file that keeps those bytes.

    """

    path: Path
    offset: int
    size: int
    kept: Path


@attrs.define
class AppendPace:
    """How long writing down takes; kept by the writer, read by anybody."""

    appends: int = 0
    total_ns: int = 0
    longest_ns: int = 0

    def add(self, took_ns: int) -> None:
        """Count one line."""
        self.appends += 1
        self.total_ns += took_ns
        self.longest_ns = max(self.longest_ns, took_ns)


class JsonlJournal(Journal):
    """One chain in a folder of JSONL files, one file per UTC day.

    Opening makes durable what is there, cuts off an unfinished last line, and verifies the chain
    from its newest checkpoint on. Not for use by several threads.

    Args:
        folder: the chain's own folder, see `journal_reader.chain_folder`.
        chain: which chain this is.
        boot: id of this start of the bot, part of every line.
        durability: "strict" syncs every class A fact before `append` returns; "group" hands it to
            the operating system and leaves syncing to `commit`.
        reserve: room for the last words when the disk is full; None stops everything then.
        files: the file system.

    Raises:
        CorruptJournalError: if a complete line is bad.
        DurabilityLostError: if what is there cannot be made durable.

    """

    def __init__(
        self,
        folder: Path,
        chain: Chain,
        boot: str,
        *,
        durability: Literal["strict", "group"] = "strict",
        reserve: Reserve | None = None,
        files: Files | None = None,
    ) -> None:
        self._chain = chain
        self._boot = boot
        self._strict = durability == "strict"
        self._reserve = reserve
        self._files = files or RealFiles()
        self._reader = JournalReader(folder, chain, self._files)
        self._health = Health.SOUND
        self._contexts: dict[str, bytes] = {}
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._unsynced = False
        self._undivided = _Undivided(self._interrupted)
        self._descriptor: int | None = None
        self._size = 0
        self._date = ""
        self._seq = 0
        self._hash = NO_HASH.encode()
        self._at = Micros(0)
        self._stamped = (Micros(0), format_time(Micros(0)))
        self.dropped = 0
        self.pace = AppendPace()
        self.recovered: TornTail | None = None
        self.unknown_types: tuple[str, ...] = ()
        self._open()

    @property
    def chain(self) -> Chain:
        return self._chain

    @property
    def head(self) -> tuple[int, str]:
        return self._seq, self._hash.decode()

    @property
    def health(self) -> Health:
        """How far the journal can be relied upon; only opening it anew makes it better."""
        return self._health

    @property
    def last_at(self) -> Micros:
        """The time of the last fact; earlier facts are moved to it. 0 when empty."""
        return self._at

    @property
    def pending(self) -> int:
        """How many bytes of explaining facts wait for `commit` or a class A fact."""
        return self._pending_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, event: Event, at: Micros, config: str) -> int:
        """Append a fact and return its sequence number.

        With `Health.RESERVE` a class B fact is dropped, counted in ``dropped``, and the number of
        the last fact returned.

        Raises:
            CheckpointDueError: if `needs_checkpoint` and the fact is none.
            CodecError: if the fact cannot be written exactly; the journal goes on.
            DurabilityLostError: if the fact could not be written or made durable.

        """
        if self._health is not _SOUND and not self._admits(event):
            self.dropped += 1
            return self._seq
        began = time.perf_counter_ns()
        try:
            number = self._append(event, at, config)
        except JournalError:
            raise
        except BaseException:
            self._interrupted()
            raise
        self.pace.add(time.perf_counter_ns() - began)
        return number

    def _append(self, event: Event, at: Micros, config: str) -> int:
        lasting = event.DURABILITY is _LASTING
        at = max(at, self._at)
        stamp = self._stamp(at)
        if not self._size or stamp[:10] != self._date:
            self._open_page(event, at, stamp[:10])
        middle = self._contexts.get(config) or self._learn_context(config)
        number = self._seq + 1
        line, hashed = seal(number, stamp, middle, event.TYPE, encode_event(event), self._hash)
        if lasting:
            self._write(line, may_use_reserve=not _opens_position(event))
        else:
            self._pending.append(line)
            self._pending_bytes += len(line)
        self._seq, self._hash, self._at = number, hashed, at
        if self._pending_bytes > PENDING_BYTES_MAX:
            self._write(b"", may_use_reserve=True)
        elif lasting and self._strict:
            self._sync()
        return number

    def commit(self) -> None:
        self._must_be_open()
        with self._undivided:
            self._write(b"", may_use_reserve=True)
            self._sync()

    def close(self) -> None:
        """Make everything durable and let the file go; harmless when repeated.

        Raises:
            DurabilityLostError: if that failed; the file is let go nevertheless.

        """
        try:
            if self._health in (Health.SOUND, Health.RESERVE):
                self.commit()
        finally:
            self._health = Health.CLOSED
            self._release()

    def needs_checkpoint(self, at: Micros) -> bool:
        blank = not self._size and not self._pending
        if blank or not self._seq:
            return self._seq > 0
        return self._stamp(max(self._at, at))[:10] != self._date

    def read(self) -> Iterator[Entry]:
        """Yield every line from the first file kept to the last; what waited is written first."""
        self._hand_over()
        return self._reader.read()

    def read_from(self, at: Micros) -> Iterator[Entry]:
        """Yield the lines at or after a moment; see `JournalReader.read_from` for the cost."""
        self._hand_over()
        return self._reader.read_from(at)

    def read_from_checkpoint(self) -> Iterator[Entry]:
        """Yield the lines from the newest checkpoint on: all that a start needs to fold."""
        self._hand_over()
        return self._reader.read_from_checkpoint()

    def tail(self, count: int) -> tuple[Entry, ...]:
        """Return the last lines, oldest first, without reading the others."""
        self._hand_over()
        return self._reader.tail(count)

    def _hand_over(self) -> None:
        if self._health in (Health.SOUND, Health.RESERVE):
            with self._undivided:
                self._write(b"", may_use_reserve=True)

    def _stamp(self, at: Micros) -> str:
        # The facts of a tick share its time.
        if at != self._stamped[0]:
            self._stamped = at, format_time(at)
        return self._stamped[1]

    def _learn_context(self, config: str) -> bytes:
        self._contexts.clear()
        return self._contexts.setdefault(config, context(self._boot, self._chain, config))

    def _admits(self, event: Event) -> bool:
        self._must_be_open()
        if _opens_position(event):
            msg = f"{self._chain}: the disk is full; nothing that opens a position is accepted"
            raise DurabilityLostError(msg)
        return event.DURABILITY is Durability.A

    def _must_be_open(self) -> None:
        if self._health is Health.CLOSED:
            msg = f"{self._chain}: the journal is closed"
            raise JournalError(msg)
        if self._health is Health.BROKEN:
            msg = f"{self._chain}: the journal lost durability earlier and accepts nothing"
            raise DurabilityLostError(msg)

    def _open_page(self, event: Event, at: Micros, date: str) -> None:
        if self.needs_checkpoint(at) and not isinstance(event, Checkpoint):
            msg = f"{self._chain}: a file opens with a checkpoint, not with {event.TYPE}"
            raise CheckpointDueError(msg)
        if date == self._date:
            return
        # The page before is durable before this one exists: only the newest can be torn.
        self._write(b"", may_use_reserve=True)
        self._sync()
        self._release()
        path = self._reader.folder / f"{date}.jsonl"
        try:
            self._create(path)
        except OSError as e:
            if not self._freed_room(e):
                self._give_up(f"{path} could not be created", e)
            try:
                self._create(path)
            except OSError as again:
                self._give_up(f"{path} could not be created", again)
        self._date = date
        self._size = 0

    def _create(self, path: Path) -> None:
        self._files.make_folder(path.parent)
        if self._descriptor is None:
            self._descriptor = self._files.create(path)
        self._files.sync_folder(path.parent)

    def _release(self) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):  # All that counts was synced, or is known as lost.
                self._files.close(self._descriptor)
            self._descriptor = None

    def _write(self, line: bytes, *, may_use_reserve: bool) -> None:
        # What waited and the line go out in one call; on failure what waited goes on waiting.
        payload = b"".join((*self._pending, line)) if self._pending else line
        if not payload:
            return
        try:
            self._put(payload)
        except OSError as e:
            if not self._freed_room(e):
                self._give_up("a line could not be written", e)
            if not may_use_reserve:
                msg = f"{self._chain}: the disk is full; nothing that opens a position is accepted"
                raise DurabilityLostError(msg) from e
            try:
                self._put(payload)
            except OSError as again:
                self._give_up("a line could not be written", again)
        self._pending.clear()
        self._pending_bytes = 0

    def _put(self, payload: bytes) -> None:
        descriptor = self._file()
        self._unsynced = True
        try:
            write_all(self._files, descriptor, payload)
        except OSError:
            self._cut_back(descriptor)
            raise
        self._size += len(payload)

    def _cut_back(self, descriptor: int) -> None:
        # Good lines must never follow garbage.
        try:
            self._files.truncate(descriptor, self._size)
        except OSError as e:
            self._give_up("an unfinished line could not be cut off", e)

    def _file(self) -> int:
        if self._descriptor is None:
            msg = "no file is open"
            raise OSError(msg)
        return self._descriptor

    def _sync(self) -> None:
        if not self._unsynced:
            return
        try:
            self._files.sync(self._file())
        except OSError as e:
            self._give_up("a sync failed", e)
        self._unsynced = False

    def _freed_room(self, error: OSError) -> bool:
        if self._reserve is None or self._health is not Health.SOUND or not is_out_of_room(error):
            return False
        self._reserve.free()
        self._health = Health.RESERVE
        return True

    def _interrupted(self) -> None:
        self._health = Health.BROKEN

    def _give_up(self, what: str, error: OSError) -> NoReturn:
        self._health = Health.BROKEN
        msg = f"{self._chain}: {what}: {error.strerror or error}; free or repair the disk, restart"
        raise DurabilityLostError(msg) from error

    def _open(self) -> None:
        try:
            if self._reserve is not None and not self._reserve.keep():
                self._health = Health.RESERVE
            self._open_newest()
            self._verify()
        except OSError as e:
            self._release()
            self._give_up(f"{self._reader.folder} could not be opened", e)
        except JournalError:
            self._release()
            raise

    def _open_newest(self) -> None:
        paths = self._reader.paths()
        if not paths:
            return
        self._descriptor = self._files.append(paths[-1])
        # The system may serve bytes that never reached the disk: sync before trusting them.
        self._files.sync(self._descriptor)
        self._files.sync_folder(self._reader.folder)
        self._size = self._cut_torn_tail(paths[-1], self._descriptor)
        if self._size:
            return
        self._release()
        self._files.remove(paths[-1])
        self._files.sync_folder(self._reader.folder)
        if len(paths) > 1:
            self._descriptor = self._files.append(paths[-2])
            self._size = self._files.size(self._descriptor)

    def _cut_torn_tail(self, path: Path, descriptor: int) -> int:
        size = self._files.size(descriptor)
        end = whole_lines_end(self._files, descriptor)
        if end < size:
            kept = path.with_name(f"{path.name}.torn-{end}")
            self._keep(kept, descriptor, end, size)
            self._files.truncate(descriptor, end)
            self._files.sync(descriptor)
            self.recovered = TornTail(path, end, size - end, kept)
        return end

    def _keep(self, kept: Path, descriptor: int, start: int, end: int) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._files.remove(kept)
        copy = self._files.create(kept)
        try:
            for offset in range(start, end, _COPY_BYTES):
                count = min(_COPY_BYTES, end - offset)
                write_all(self._files, copy, self._files.read(descriptor, count, offset))
            self._files.sync(copy)
        finally:
            self._files.close(copy)
        self._files.sync_folder(kept.parent)

    def _verify(self) -> None:
        paths = self._reader.paths()
        scanner = self._reader.scanner()
        unknown: dict[str, None] = {}
        for _, kind, _, _, _ in self._reader.scan(scanner, self._reader.newest_checkpoint()):
            if kind not in EVENT_TYPES:
                unknown[kind] = None
        if scanner.torn:
            raise corrupt(paths[-1], self._size - scanner.torn, "ends inside a line")
        self.unknown_types = tuple(unknown)
        self._seq, self._hash = scanner.seq, scanner.hash
        if paths:
            self._date = paths[-1].stem
            self._at = self._time_of(paths[-1], scanner.stamp)

    def _time_of(self, path: Path, stamp: bytes) -> Micros:
        try:
            return parse_time(stamp.decode())
        except ValueError as e:
            what = f"the last line holds no time: {e}"
            raise corrupt(path, self._size, what) from e


class _Undivided:
    """A step that must not be left half-way.

    Our own errors leave the journal as it was. Anything else, such as an interrupt from the
    keyboard between a write and its bookkeeping, could make the next line a second one with the
    same number: nothing may be written any more.
    """

    def __init__(self, interrupted: Callable[[], None]) -> None:
        self._interrupted = interrupted

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not issubclass(kind, JournalError):
            self._interrupted()


def _opens_position(event: Event) -> bool:
    return isinstance(event, OrderIntent) and event.purpose is Purpose.ENTRY
