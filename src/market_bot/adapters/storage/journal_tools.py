"""What people ask a journal: is it whole, what is in it, give it to me as a table.

Everything streams: memory does not grow with the journal.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, Literal

import attrs
import msgspec

from market_bot.core.domain.events import EVENT_TYPES, Denied, Event, Fill
from market_bot.core.domain.numbers import Micros, Money, format_time, parse_time
from market_bot.core.ports.journal import Chain, CorruptJournalError, Entry, JournalError

from .codec import CodecError, decode_event
from .durable_file import Files, RealFiles
from .journal_reader import LOOK_CLOSER, JournalReader, Line, journal_files

ENVELOPE_COLUMNS: Final = ("seq", "ts", "boot", "cfg", "type")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_CHAINS_MAX: Final = 100_000


@attrs.frozen
class Verified:
    """A chain, or its part since the newest checkpoint, is whole up to this head.

    Args:
        lines: how many lines were verified.
        files: how many files they lie in.
        bytes: how long they are together.
        head_seq: the last sequence number; 0 when the chain is empty.
        head_hash: the last hash.
        checkpoints: how many checkpoints there are.
        torn: bytes of an unfinished line at the end, which the next start will cut off.
        unknown: types this version does not know.

    """

    lines: int
    files: int
    bytes: int
    head_seq: int
    head_hash: str
    checkpoints: int
    torn: int = 0
    unknown: tuple[str, ...] = ()


@attrs.frozen
class RawLine:
    """A line as it is written and as it is understood."""

    text: str
    entry: Entry


@attrs.define
class Stats:
    """Counts over a chain.

    Args:
        lines: how many lines there are.
        by_type: lines per type.
        by_day: lines per UTC day.
        denials: refusals that began, per strategy and gate.
        fills: how many fills there were.
        fees: what they cost in fees.
        first: time of the first line.
        last: time of the last line.

    """

    lines: int = 0
    by_type: dict[str, int] = attrs.field(factory=dict)
    by_day: dict[str, int] = attrs.field(factory=dict)
    denials: dict[tuple[str, str], int] = attrs.field(factory=dict)
    fills: int = 0
    fees: Money = Money(0)
    first: Micros | None = None
    last: Micros | None = None


def list_chains(journal_dir: Path, files: Files | None = None) -> tuple[Chain, ...]:
    """Return every chain below a journal folder that has at least one file.

    Raises:
        JournalError: if there are absurdly many.

    """
    files = files or RealFiles()
    found = []
    for chain in islice(_candidates(files, journal_dir), _CHAINS_MAX + 1):
        folder = journal_dir.joinpath(*str(chain).split("/"))
        if journal_files(files, folder):
            found.append(chain)
    if len(found) > _CHAINS_MAX:
        msg = f"{journal_dir}: more than {_CHAINS_MAX} chains"
        raise JournalError(msg)
    return tuple(found)


def verify(folder: Path, chain: Chain, *, full: bool, files: Files | None = None) -> Verified:
    """Check a chain and return what was checked: all of it, or from the newest checkpoint on.

    Also decodes every fact of a known type when ``full``.

    Raises:
        CorruptJournalError: at the first line that is bad, with file and byte offset, the number
            of the last one that is sound, and what to do.

    """
    files = files or RealFiles()
    reader = JournalReader(folder, chain, files)
    start = None if full else reader.newest_checkpoint()
    scanner = reader.scanner()
    lines = checkpoints = 0
    unknown: dict[str, None] = {}
    sound: int | None = None
    try:
        for line in reader.scan(scanner, start):
            lines += 1
            if line[1] == "checkpoint":
                checkpoints += 1
            if line[1] not in EVENT_TYPES:
                unknown[line[1]] = None
            elif full:
                _decoded(reader, line)
            sound = line[0]
    except CorruptJournalError as e:
        msg = f"{str(e).removesuffix(LOOK_CLOSER)}; {_remedy(sound)}"
        raise CorruptJournalError(msg) from e
    paths = [path for path in reader.paths() if start is None or path >= start.path]
    return Verified(
        lines=lines,
        files=len(paths),
        bytes=_total_size(files, paths) - (start.offset if start else 0),
        head_seq=scanner.seq,
        head_hash=scanner.hash.decode(),
        checkpoints=checkpoints,
        torn=scanner.torn,
        unknown=tuple(unknown),
    )


def _remedy(sound: int | None) -> str:
    found = "nothing before it was looked at" if sound is None else f"seq {sound} is still sound"
    return f"{found}; put the file back from a backup, and do not edit it: docs/how-to/recover.md"


def tail(folder: Path, chain: Chain, count: int, files: Files | None = None) -> tuple[Entry, ...]:
    """Return the last lines, oldest first, reading backwards from the end only."""
    return JournalReader(folder, chain, files).tail(count)


def at(folder: Path, chain: Chain, seq: int, files: Files | None = None) -> RawLine:
    """Return one line by its sequence number.

    Raises:
        CorruptJournalError: if the line is bad.
        JournalError: if there is no such line.

    """
    reader = JournalReader(folder, chain, files)
    place = reader.find_seq(seq)
    entry = next(reader.read_from_seq(seq), None)
    if place is None or entry is None or entry.seq != seq:
        last = tail(folder, chain, 1, files)
        until = f": its lines are 1 to {last[0].seq}" if last else ": it is empty"
        msg = f"{chain} has no line {seq}{until}"
        raise JournalError(msg)
    return RawLine(reader.line_at(place).decode(), entry)


def stats(folder: Path, chain: Chain, files: Files | None = None) -> Stats:
    """Return counts over a whole chain.

    Raises:
        CorruptJournalError: at the first line that is bad.

    """
    reader = JournalReader(folder, chain, files)
    result = Stats()
    first = last = b""
    for line in reader.scan():
        _, kind, _, stamp, _ = line
        day = stamp[:10].decode()
        result.lines += 1
        result.by_type[kind] = result.by_type.get(kind, 0) + 1
        result.by_day[day] = result.by_day.get(day, 0) + 1
        if kind in _COUNTED:
            _count(result, _decoded(reader, line))
        first = first or stamp
        last = stamp
    if result.lines:
        result.first, result.last = parse_time(first.decode()), parse_time(last.decode())
    return result


def columns(types: Collection[str]) -> tuple[str, ...]:
    """Return the columns of a table of these types: the envelope, then their fields in order.

    Raises:
        JournalError: if a type is unknown.

    """
    unknown = sorted(set(types) - EVENT_TYPES.keys())
    if unknown:
        msg = f"no such type: {', '.join(unknown)}; types are {', '.join(EVENT_TYPES)}"
        raise JournalError(msg)
    fields: dict[str, None] = {}
    for kind, cls in EVENT_TYPES.items():
        if kind in types:
            fields.update(dict.fromkeys(f"data.{field.name}" for field in attrs.fields(cls)))
    return (*ENVELOPE_COLUMNS, *fields)


def export(
    folder: Path,
    chain: Chain,
    *,
    kind: Literal["csv", "jsonl"],
    types: Collection[str] = (),
    since: Micros | None = None,
    until: Micros | None = None,
    files: Files | None = None,
) -> Iterator[str]:
    """Return the lines of an export, without newlines; CSV begins with its columns.

    Args:
        folder: where the chain lies.
        chain: which chain it is.
        kind: "jsonl" gives the envelope with its fact, "csv" the `columns` of the types.
        types: which types to give; none means all.
        since: first moment to give.
        until: first moment not to give.
        files: the file system.

    Raises:
        JournalError: if a type is unknown.

    """
    wanted = frozenset(types) or frozenset(EVENT_TYPES)
    header = columns(wanted)
    rows = _rows(JournalReader(folder, chain, files), wanted, since, until)
    if kind == "jsonl":
        return map(_json_line, rows)
    return _csv(header, rows)


@attrs.frozen
class _Row:
    envelope: dict[str, object]
    data: msgspec.Raw


def _rows(
    reader: JournalReader, types: Collection[str], since: Micros | None, until: Micros | None
) -> Iterator[_Row]:
    start = None if since is None else reader.find_time(since)
    if since is not None and start is None:
        return
    end = None if until is None else format_time(until).encode()
    scanner = reader.scanner(anywhere=start is not None)
    for seq, kind, data, stamp, _ in reader.scan(scanner, start):
        if end is not None and stamp >= end:
            return
        if kind in types:
            values = (seq, stamp.decode(), scanner.boot, scanner.config, kind)
            yield _Row(dict(zip(ENVELOPE_COLUMNS, values, strict=True)), msgspec.Raw(data))


def _json_line(row: _Row) -> str:
    return msgspec.json.encode(row.envelope | {"data": row.data}).decode()


def _csv(header: tuple[str, ...], rows: Iterator[_Row]) -> Iterator[str]:
    yield _csv_line(header)
    names = [name.removeprefix("data.") for name in header[len(ENVELOPE_COLUMNS) :]]
    for row in rows:
        data = msgspec.json.decode(row.data, type=dict[str, object])
        cells = (*row.envelope.values(), *(data.get(name) for name in names))
        yield _csv_line([_cell(value) for value in cells])


def _csv_line(cells: Collection[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return msgspec.json.encode(value).decode()
    if value.startswith(_FORMULA) and not _is_number(value):
        return "'" + value  # A spreadsheet would run it as a formula.
    return value


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-").replace(".", "", 1)
    return digits.isascii() and digits.isdigit()


def _count(result: Stats, event: Event | None) -> None:
    if isinstance(event, Fill):
        result.fills += 1
        result.fees = Money(result.fees + event.fee)
    elif isinstance(event, Denied) and event.phase == "begin":
        for gate in event.gates:
            key = (event.strategy, gate.name)
            result.denials[key] = result.denials.get(key, 0) + 1


_COUNTED: Final = frozenset({Fill.TYPE, Denied.TYPE})


def _decoded(reader: JournalReader, line: Line) -> Event | None:
    try:
        return decode_event(line[1], line[2])
    except CodecError as e:
        msg = f"{reader.folder}: line {line[0]} of {reader.chain}: {e}"
        raise CorruptJournalError(msg) from e


def _candidates(files: Files, journal_dir: Path) -> Iterator[Chain]:
    def folders(path: Path) -> list[str]:
        return [
            name
            for name in files.names(path)
            if not name.startswith(".") and files.is_folder(path / name)
        ]

    for venue in folders(journal_dir):
        for lane in folders(journal_dir / venue):
            yield Chain(venue, lane)
            for run in folders(journal_dir / venue / lane):
                yield Chain(venue, lane, run)


def _total_size(files: Files, paths: Collection[Path]) -> int:
    total = 0
    for path in paths:
        descriptor = files.open(path)
        total += files.size(descriptor)
        files.close(descriptor)
    return total
