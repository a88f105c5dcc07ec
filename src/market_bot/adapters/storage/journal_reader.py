"""Reading a chain: verified line by line, from any place, without ever holding more than a block.

A reader changes nothing and may work beside the writer: an unfinished last line is the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from hashlib import sha256
from itertools import chain as chained
from pathlib import Path
from typing import Final, TypeVar

import attrs

from market_bot.core.domain.events import EVENT_TYPES, Durability
from market_bot.core.domain.numbers import Micros, format_time, parse_time
from market_bot.core.ports.journal import Chain, CorruptJournalError, Entry, JournalError

from .codec import CodecError, decode_event
from .durable_file import Files, RealFiles
from .line_format import (
    HASH_BYTES,
    LINE_BYTES_MAX,
    NO_HASH,
    SEAL_BYTES,
    STAMP_BYTES,
    BadLineError,
    Envelope,
    context,
    is_checkpoint,
    parse_line,
)

BLOCK_BYTES: Final = 1 << 16

_FILE_NAME: Final = re.compile(r"\d{4}-\d{2}-\d{2}\.jsonl")
_CHAIN_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_PREFIX: Final = re.compile(rb'\{"v":1,"seq":(\d{1,18}),"ts":"([^"]{27})"')
_PREFIX_BYTES: Final = 80
_STEP_BYTES: Final = 1 << 12
_MAX_FILES: Final = 100_000

K = TypeVar("K", int, bytes)

Line = tuple[int, str, bytes, bytes, bytes]
"""A verified line: sequence number, type, raw ``data``, time as text, hash as text."""


@attrs.frozen
class Place:
    """Where a line starts."""

    path: Path
    offset: int


def chain_folder(journal_dir: Path, chain: Chain) -> Path:
    """Return the folder of a chain: ``<journal>/<venue>/<lane>[/<run>]``.

    Raises:
        JournalError: if a part of the chain's name cannot be a folder's name.

    """
    parts = [part for part in (chain.venue, chain.lane, chain.run) if part]
    for part in (chain.venue, chain.lane, *parts[2:]):
        if not _CHAIN_PART.fullmatch(part):
            msg = f"{part!r} cannot name a folder of the journal (letters, digits, . _ - only)"
            raise JournalError(msg)
    return journal_dir.joinpath(*parts)


def journal_files(files: Files, folder: Path) -> tuple[Path, ...]:
    """Return the files of a chain, oldest first.

    Raises:
        JournalError: if there are absurdly many.

    """
    names = [name for name in files.names(folder) if _FILE_NAME.fullmatch(name)]
    if len(names) > _MAX_FILES:
        msg = f"{folder}: {len(names)} journal files; at most {_MAX_FILES} can be read"
        raise JournalError(msg)
    return tuple(folder / name for name in names)


LOOK_CLOSER: Final = "; keep the file and run `market-bot journal verify --full`"


def corrupt(path: Path, offset: int, what: str) -> CorruptJournalError:
    """Return the error for a bad place: file, byte offset, what is wrong, what to do."""
    msg = f"{path}: byte {offset}: {what}{LOOK_CLOSER}"
    return CorruptJournalError(msg)


def whole_lines_end(files: Files, descriptor: int) -> int:
    """Return the offset behind the last newline of an open file; 0 if there is none."""
    position = files.size(descriptor)
    while position:
        count = min(BLOCK_BYTES, position)
        position -= count
        at = files.read(descriptor, count, position).rfind(b"\n")
        if at >= 0:
            return position + at + 1
    return 0


class ChainScanner:
    """Follows one chain through its files and lets nothing through that does not fit.

    Args:
        chain: whose lines these must be.
        files: the file system.
        anywhere: accept any line as the first one; otherwise the first must be the first of the
            chain or a checkpoint.
        passed_over: types of lines that are verified like the others and not yielded.

    Attributes:
        seq: the last sequence number seen.
        hash: the last hash seen; before the first line, the hash that line builds upon.
        stamp: the last time seen, as text.
        boot: the boot of the line yielded last.
        config: the configuration hash of the line yielded last.
        torn: bytes after the last whole line of the file read last.
        before: the hash that the line yielded last builds upon.

    """

    def __init__(
        self,
        chain: Chain,
        files: Files,
        *,
        anywhere: bool = False,
        passed_over: Collection[str] = (),
    ) -> None:
        self._chain = chain
        self._files = files
        self._anywhere = anywhere
        self._passed_over = frozenset(kind.encode() for kind in passed_over)
        self._started = False
        self._middle = b"\0"
        self.seq = 0
        self.hash = NO_HASH.encode()
        self.before = self.hash
        self.stamp = b""
        self.boot = ""
        self.config = ""
        self.torn = 0

    def lines(self, path: Path, start: int = 0, *, last: bool = True) -> Iterator[Line]:
        """Yield every whole line of a file from a line start on, verified.

        The scanner's ``seq``, ``hash`` and ``stamp`` are valid once the file is exhausted.

        Raises:
            CorruptJournalError: at the first line that is bad or does not follow the one before.

        """
        descriptor = self._files.open(path)
        try:
            yield from self._follow(path, descriptor, start)
        finally:
            self._files.close(descriptor)
        if self.torn and not last:
            raise corrupt(path, self._files_size(path) - self.torn, "ends inside a line")

    def _files_size(self, path: Path) -> int:
        descriptor = self._files.open(path)
        try:
            return self._files.size(descriptor)
        finally:
            self._files.close(descriptor)

    def _follow(self, path: Path, descriptor: int, start: int) -> Iterator[Line]:
        # The hot loop. Bytes are compared and not decoded: every line must carry the hash of the
        # one before and its own, and what all lines of one boot have in common. A line that
        # differs is decoded, either to learn a new context or to say what is wrong. Sequence
        # numbers are compared once per block; the hashes bind what lies between.
        seq, prev, stamp, middle = self.seq, self.hash, self.stamp, b"\0"
        start_at = start
        passed_over = self._passed_over
        ts_at = context_at = 0
        for pieces in self._blocks(path, descriptor, start):
            if not pieces:
                continue
            before, wide = seq, 0
            counted = pieces[-1].startswith(b'{"v":1,"seq":%d,' % (seq + len(pieces)))
            for line in pieces:
                if seq + 1 >= wide:
                    ts_at = len(b'{"v":1,"seq":%d,"ts":"' % (seq + 1))
                    wide = 10 ** len(str(seq + 1))
                    context_at = ts_at + STAMP_BYTES
                at = line[ts_at:context_at]
                hashed = sha256(line[:-HASH_BYTES] + b"}").hexdigest().encode()
                if not (
                    counted
                    and line.startswith(middle, context_at)
                    and line.endswith(b',"prev":"%b","hash":"%b"}' % (prev, hashed))
                    and at >= stamp
                ):
                    offset = start_at + sum(len(piece) + 1 for piece in pieces[: seq - before])
                    envelope = self._learn(path, offset, line, seq, prev, stamp)
                    before += envelope.seq - 1 - seq
                    seq, middle, wide = envelope.seq - 1, self._middle, 0
                    ts_at = len(b'{"v":1,"seq":%d,"ts":"' % (seq + 1))
                    context_at = ts_at + STAMP_BYTES
                    at, hashed = line[ts_at:context_at], envelope.hash.encode()
                    prev = envelope.prev.encode()
                kind_at = context_at + len(middle)
                kind_end = line.find(b'"', kind_at)
                kind = line[kind_at:kind_end]
                if kind in passed_over:
                    seq, prev, stamp = seq + 1, hashed, at
                    continue
                self.before = prev
                seq, prev, stamp = seq + 1, hashed, at
                yield (
                    seq,
                    _KINDS.get(kind) or kind.decode(errors="replace"),
                    line[kind_end + _DATA_AT : -SEAL_BYTES],
                    at,
                    hashed,
                )
            start_at += sum(map(len, pieces)) + len(pieces)
        if start_at > start and stamp[:10] != path.stem.encode():
            raise corrupt(path, start_at - 1, f"ends with a line of {stamp[:10].decode()}")
        self.seq, self.hash, self.stamp = seq, prev, stamp

    def _blocks(self, path: Path, descriptor: int, start: int) -> Iterator[list[bytes]]:
        # What the writer appends while we read belongs to the next reading.
        size = self._files.size(descriptor)
        rest = b""
        while start < size:
            block = self._files.read(descriptor, min(BLOCK_BYTES, size - start), start)
            if not block:
                break
            start += len(block)
            pieces = (rest + block).split(b"\n") if rest else block.split(b"\n")
            rest = pieces.pop()
            if len(rest) > LINE_BYTES_MAX:
                raise corrupt(path, start - len(rest), f"a line above {LINE_BYTES_MAX} bytes")
            yield pieces
        self.torn = len(rest)

    def _learn(
        self, path: Path, offset: int, line: bytes, seq: int, prev: bytes, stamp: bytes
    ) -> Envelope:
        try:
            envelope = parse_line(line)
            self._must_follow(envelope, seq, prev.decode(), stamp.decode())
            _must_be_of_day(envelope, path, first=offset == 0)
        except BadLineError as e:
            raise corrupt(path, offset, str(e)) from e
        if not self._started:
            self.hash = envelope.prev.encode()
        self._started = True
        self._middle = context(envelope.boot, self._chain, envelope.cfg)
        self.boot, self.config = envelope.boot, envelope.cfg
        return envelope

    def _must_follow(self, envelope: Envelope, seq: int, prev: str, stamp: str) -> None:
        if (envelope.venue, envelope.lane) != (self._chain.venue, self._chain.lane):
            msg = f"belongs to {envelope.venue}/{envelope.lane}, not to {self._chain}"
            raise BadLineError(msg)
        if not self._started:
            self._must_begin(envelope)
            return
        if envelope.seq != seq + 1:
            msg = f"sequence number {envelope.seq} where {seq + 1} must stand"
            raise BadLineError(msg)
        if envelope.prev != prev:
            msg = "does not continue the line before it (prev differs)"
            raise BadLineError(msg)
        if envelope.ts < stamp:
            msg = f"time {envelope.ts} is before the line before it"
            raise BadLineError(msg)

    def _must_begin(self, envelope: Envelope) -> None:
        if envelope.seq < 1 or (envelope.seq == 1) != (envelope.prev == NO_HASH):
            msg = f"sequence number {envelope.seq} does not fit prev {envelope.prev[:12]}…"
            raise BadLineError(msg)
        if envelope.seq > 1 and envelope.type != "checkpoint" and not self._anywhere:
            msg = f"reading cannot start with {envelope.type} {envelope.seq}: files are missing"
            raise BadLineError(msg)


_DATA_AT: Final = len(b'","data":')
_KINDS: Final = {kind.encode(): kind for kind in EVENT_TYPES}
_EXPLAINING: Final = frozenset(
    kind for kind, cls in EVENT_TYPES.items() if cls.DURABILITY is Durability.B
)


def _must_be_of_day(envelope: Envelope, path: Path, *, first: bool) -> None:
    if len(envelope.ts) != STAMP_BYTES or format_time(_moment(envelope.ts)) != envelope.ts:
        msg = f"not a time of this format: {envelope.ts!r}"
        raise BadLineError(msg)
    if envelope.ts[:10] != path.stem:
        msg = f"a line of {envelope.ts[:10]} in the file of {path.stem}"
        raise BadLineError(msg)
    if first and envelope.seq > 1 and envelope.type != "checkpoint":
        msg = f"a file opens with a checkpoint, not with {envelope.type}"
        raise BadLineError(msg)


def _moment(text: str) -> Micros:
    try:
        return parse_time(text)
    except ValueError as e:
        raise BadLineError(str(e)) from e


class JournalReader:
    """Reads one chain from its folder; changes nothing.

    Args:
        folder: where the chain's files lie, see `chain_folder`.
        chain: whose lines these must be.
        files: the file system.

    """

    def __init__(self, folder: Path, chain: Chain, files: Files | None = None) -> None:
        self.folder = folder
        self.chain = chain
        self._files = files or RealFiles()

    def paths(self) -> tuple[Path, ...]:
        """Return the files of the chain, oldest first."""
        return journal_files(self._files, self.folder)

    def scanner(self, *, anywhere: bool = False, passed_over: Collection[str] = ()) -> ChainScanner:
        """Return a scanner for this chain that has seen nothing yet."""
        return ChainScanner(self.chain, self._files, anywhere=anywhere, passed_over=passed_over)

    def scan(
        self, scanner: ChainScanner | None = None, start: Place | None = None
    ) -> Iterator[Line]:
        """Yield verified lines undecoded, from ``start`` or the first file kept to the end.

        Raises:
            CorruptJournalError: at the first line that is bad.

        """
        scanner = scanner or self.scanner()
        paths = self.paths()
        if start is not None:
            paths = tuple(path for path in paths if path >= start.path)
        for path in paths:
            offset = start.offset if start is not None and path == start.path else 0
            before = scanner.seq
            yield from scanner.lines(path, offset, last=path == paths[-1])
            if scanner.seq == before and path != paths[-1] and not offset:
                raise corrupt(path, 0, "an empty file between others")

    def read(self) -> Iterator[Entry]:
        """Yield every line from the first file kept to the last, decoded."""
        return self._entries(self.scanner(), None)

    def read_from(self, at: Micros) -> Iterator[Entry]:
        """Yield the lines at or after a moment, decoded.

        Costs two small reads per doubling of the file's size to find the place; what lies before
        it is neither read nor verified.

        Raises:
            CorruptJournalError: at the first line that is bad.

        """
        start = self.find_time(at)
        return iter(()) if start is None else self._entries(self.scanner(anywhere=True), start)

    def read_from_seq(self, seq: int) -> Iterator[Entry]:
        """Yield the lines from a sequence number on, decoded; costs like `read_from`."""
        start = self.find_seq(seq)
        return iter(()) if start is None else self._entries(self.scanner(anywhere=True), start)

    def read_from_checkpoint(self) -> Iterator[Entry]:
        """Yield the lines from the newest checkpoint on (all, if there is none), decoded."""
        return self._entries(self.scanner(), self.newest_checkpoint())

    def read_changes(self, *, from_checkpoint: bool = False) -> Iterator[Entry]:
        """Yield the lines that can change a state, decoded: all that a fold needs.

        Class B facts are verified like the others and then passed over, which saves decoding most
        of a journal. ``from_checkpoint`` begins at the newest one, if there is one.
        """
        start = self.newest_checkpoint() if from_checkpoint else None
        return self._entries(self.scanner(passed_over=_EXPLAINING), start)

    def tail(self, count: int) -> tuple[Entry, ...]:
        """Return the last lines, oldest first, reading backwards from the end only.

        Raises:
            CorruptJournalError: if one of them is bad.

        """
        if count < 1:
            return ()
        start = None
        for _, place in zip(range(count), self._places_backwards(), strict=False):
            start = place
        if start is None:
            return ()
        return tuple(self._entries(self.scanner(anywhere=True), start))

    def newest_checkpoint(self) -> Place | None:
        """Return where the newest checkpoint starts; None if there is none."""
        for path in reversed(self.paths()):
            for offset, line in self._backwards(path):
                if is_checkpoint(line):
                    return Place(path, offset)
        return None

    def find_time(self, at: Micros) -> Place | None:
        """Return where the first line at or after a moment starts; None if there is none."""
        wanted = format_time(at).encode()
        for path in self.paths():
            if path.stem.encode() >= wanted[:10]:
                offset = self._bisect(path, lambda found: found[1] >= wanted)
                if offset is not None:
                    return Place(path, offset)
        return None

    def find_seq(self, seq: int) -> Place | None:
        """Return where the first line with at least this sequence number starts, or None."""
        for path in reversed(self.paths()):
            first = self._bisect(path, lambda _: True)
            if first is None or self._key(path, first)[0] > seq:
                continue
            offset = self._bisect(path, lambda found: found[0] >= seq)
            if offset is not None:
                return Place(path, offset)
            break
        return self._next_file_after(seq)

    def line_at(self, place: Place) -> bytes:
        """Return the bytes of the line that starts at a place, without its newline."""
        descriptor = self._files.open(place.path)
        try:
            end = self._newline(place.path, descriptor, place.offset)
            if end is None:
                raise corrupt(place.path, place.offset, "the line is not finished")
            return self._files.read(descriptor, end - place.offset, place.offset)
        finally:
            self._files.close(descriptor)

    def _next_file_after(self, seq: int) -> Place | None:
        for path in self.paths():
            first = self._bisect(path, lambda _: True)
            if first is not None and self._key(path, first)[0] >= seq:
                return Place(path, first)
        return None

    def _entries(self, scanner: ChainScanner, start: Place | None) -> Iterator[Entry]:
        for seq, kind, data, stamp, hashed in self.scan(scanner, start):
            try:
                event = decode_event(kind, data)
                at = parse_time(stamp.decode())
            except (CodecError, ValueError) as e:
                msg = f"{self.folder}: line {seq} of {self.chain}: {e}"
                raise CorruptJournalError(msg) from e
            yield Entry(
                seq=seq,
                at=at,
                boot=scanner.boot,
                config=scanner.config,
                type=kind,
                event=event,
                prev=scanner.before.decode(),
                hash=hashed.decode(),
            )

    def _places_backwards(self) -> Iterator[Place]:
        return chained.from_iterable(
            (Place(path, offset) for offset, _ in self._backwards(path))
            for path in reversed(self.paths())
        )

    def _backwards(self, path: Path) -> Iterator[tuple[int, bytes]]:
        descriptor = self._files.open(path)
        try:
            position = whole_lines_end(self._files, descriptor)
            # What is carried over ends with a newline and may begin inside a line.
            carried = b""
            while position:
                count = min(BLOCK_BYTES, position)
                position -= count
                block = self._files.read(descriptor, count, position) + carried
                pieces = block.split(b"\n")[:-1]
                offset = position + len(block)
                for line in reversed(pieces[1:]):
                    offset -= len(line) + 1
                    yield offset, line
                carried = pieces[0] + b"\n"
                if len(carried) > LINE_BYTES_MAX:
                    raise corrupt(path, position, f"a line above {LINE_BYTES_MAX} bytes")
            if carried:
                yield 0, carried[:-1]
        finally:
            self._files.close(descriptor)

    def _key(self, path: Path, offset: int) -> tuple[int, bytes]:
        descriptor = self._files.open(path)
        try:
            return self._key_at(path, descriptor, offset)
        finally:
            self._files.close(descriptor)

    def _key_at(self, path: Path, descriptor: int, offset: int) -> tuple[int, bytes]:
        found = _PREFIX.match(self._files.read(descriptor, _PREFIX_BYTES, offset))
        if not found:
            raise corrupt(path, offset, "no line of a journal starts here")
        return int(found[1]), found[2]

    def _bisect(self, path: Path, late: Callable[[tuple[int, bytes]], bool]) -> int | None:
        descriptor = self._files.open(path)
        try:
            low, high = 0, self._files.size(descriptor)
            found = None
            while low < high:
                middle = (low + high) // 2
                start = self._line_start(path, descriptor, middle)
                if start is None:
                    high = middle
                elif late(self._key_at(path, descriptor, start)):
                    found = start
                    high = middle
                else:
                    low = start + 1
            return found
        finally:
            self._files.close(descriptor)

    def _line_start(self, path: Path, descriptor: int, offset: int) -> int | None:
        # The first whole line that starts at or after the offset.
        newline = -1 if offset == 0 else self._newline(path, descriptor, offset - 1)
        if newline is None or self._newline(path, descriptor, newline + 1) is None:
            return None
        return newline + 1

    def _newline(self, path: Path, descriptor: int, offset: int) -> int | None:
        position = offset
        while position - offset <= LINE_BYTES_MAX:
            block = self._files.read(descriptor, _STEP_BYTES, position)
            if not block:
                return None
            at = block.find(b"\n")
            if at >= 0:
                return position + at
            position += len(block)
        raise corrupt(path, offset, f"a line above {LINE_BYTES_MAX} bytes")


def fast_scan(path: Path, chain: Chain, files: Files | None = None) -> Iterator[Line]:
    """Yield the verified, undecoded lines of a single journal file.

    Raises:
        CorruptJournalError: at the first line that is bad.

    """
    return ChainScanner(chain, files or RealFiles()).lines(path)
