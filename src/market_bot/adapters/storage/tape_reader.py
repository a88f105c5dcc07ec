"""Plays a tape of format 1, a group at a time: memory stays flat whatever the file's size."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

import attrs
import msgspec

from market_bot.adapters.storage.tape_frames import read_frames
from market_bot.adapters.storage.tape_records import (
    KINDS,
    BookRecord,
    DeltaRecord,
    GapRecord,
    MetaRecord,
    OtherRecord,
    Record,
    ReferenceRecord,
    ResolutionRecord,
    StatusRecord,
    TickRecord,
    TradeRecord,
    market_of,
    parse_header,
)
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.market_data import Sink
from market_bot.core.ports.tape import (
    Stretch,
    TapeCursor,
    TapeError,
    TapeHeader,
    TapeSource,
    TornTapeError,
)

FOREVER: Final = Micros(2**63 - 1)
STRETCH_RECORDS_MAX: Final = 2_000_000
_BLOCK: Final = 256
_KIND: Final = re.compile(rb'\[\s*"([ -!#-\[\]-~]{0,40})"')

_decoder: Final = msgspec.json.Decoder(Record)


@attrs.frozen
class Group:
    """The records of one frame and the offset in the file right behind it."""

    records: list[Record]
    end: int


class TapeReader(TapeSource):
    """One tape at rest.

    Args:
        path: the tape.
        allow_torn: take a torn last group for the end of the tape, as when it is being recorded;
            `truncated` then tells of it.

    Raises:
        TapeError: if the file cannot be read or does not begin with a header of format 1.

    """

    def __init__(self, path: Path | str, *, allow_torn: bool = False) -> None:
        self.path: Final = Path(path)
        self.truncated = False
        self._allow_torn = allow_torn
        try:
            self._bytes_total = self.path.stat().st_size
        except OSError as e:
            raise _unreadable(self.name, e) from e
        self._header = read_header(self.path)

    @property
    def name(self) -> str:
        """The path as given."""
        return str(self.path)

    @property
    def header(self) -> TapeHeader:
        """What the tape says of itself."""
        return self._header

    @property
    def bytes_total(self) -> int:
        """The size of the file in bytes when it was opened."""
        return self._bytes_total

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the file's bytes in hex, computed when first asked for."""
        return digest_of(self.path)

    def open(self) -> Cursor:
        """Start a new playing at the first record."""
        return Cursor(self.name, self._header, self.groups())

    def play(self, sink: Sink, until: Micros | None = None, limit: int | None = None) -> int:
        """Push the whole tape into a sink, or its beginning.

        Args:
            sink: takes the facts in file order.
            until: stop before the first record received after this.
            limit: stop after this many records.

        Returns:
            How many records were read (tick records included, the header not).

        Raises:
            TapeError: where the tape cannot be read further; everything before was pushed.

        """
        cursor = self.open()
        cursor.push(sink, FOREVER if until is None else until, limit)
        if limit is None or cursor.consumed < limit:
            cursor.next_received()
        return cursor.consumed

    def iter_records(self) -> Iterator[Record]:
        """Yield the records as they are in the file, unchecked against each other.

        Raises:
            TapeError: where the tape cannot be read further.

        """
        for group in self.groups():
            yield from group.records

    def groups(self) -> Iterator[Group]:
        """Yield the records of each frame.

        Raises:
            TapeError: where the tape cannot be read further.

        """
        number = 0
        first = True
        try:
            with self.path.open("rb") as file:
                for content, end in read_frames(file, self.name):
                    lines = content.partition(b"\n")[2] if first else content
                    first = False
                    records, failure = _decode(lines, self.name, number, self._header)
                    number += len(records)
                    yield Group(records, end)
                    if failure is not None:
                        raise failure
        except TornTapeError:
            self.truncated = True
            if not self._allow_torn:
                raise
        except OSError as e:
            raise _unreadable(self.name, e) from e


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_header(path: Path) -> TapeHeader:
    """Return the header of a tape.

    Raises:
        TapeError: if there is none that can be read.

    """
    name = str(path)
    try:
        with path.open("rb") as file:
            first = next(read_frames(file, name), None)
    except OSError as e:
        raise _unreadable(name, e) from e
    if first is None:
        msg = f"{name}: the file is empty, not a tape: record or import it again"
        raise TapeError(msg)
    return parse_header(first[0].partition(b"\n")[0], name)


def _unreadable(name: str, cause: OSError) -> TapeError:
    return TapeError(f"{name}: cannot read the tape: {cause.strerror or cause}")


def _decode(
    lines: bytes, name: str, before: int, header: TapeHeader
) -> tuple[list[Record], TapeError | None]:
    try:
        return _decoder.decode_lines(lines), None
    except (ValueError, RecursionError):
        # Somewhere in this group is a bad line: find it, and keep what comes before it.
        return _decode_slowly(lines, name, before, header)


def _decode_slowly(
    lines: bytes, name: str, before: int, header: TapeHeader
) -> tuple[list[Record], TapeError | None]:
    records: list[Record] = []
    for line in lines.split(b"\n"):
        if not line:
            continue
        try:
            records.append(_decoder.decode(line))
        except (ValueError, RecursionError) as e:
            number = before + len(records) + 1
            return records, _bad_line(line, f"{name}: record {number}", header, e)
    msg = f"{name}: record {before + len(records) + 1}: not a record: import the data again"
    return records, TapeError(msg)


def _bad_line(line: bytes, place: str, header: TapeHeader, cause: Exception) -> TapeError:
    if not line.startswith(b"{"):
        return TapeError(f"{place}: {_what_is_wrong(line, cause)}")
    other = parse_header(line, place)
    if other.venue != header.venue:
        msg = (
            f"{place}: a second header: two tapes were joined, the first holds {header.venue}, "
            f"the next {other.venue}: run one venue at a time, from one file per tape"
        )
        return TapeError(msg)
    return TapeError(f"{place}: a second header: two tapes were joined: keep one file per tape")


def _what_is_wrong(line: bytes, cause: Exception) -> str:
    # Not decoded again: what refused the line may be how deep it is nested.
    kind = _KIND.match(line)
    if kind is not None and (found := kind[1].decode()) not in KINDS:
        return (
            f"unknown record kind {found!r}: use the market-bot that wrote the tape, or "
            "import the data again"
        )
    return f"{cause}: import the data again"


class Cursor(TapeCursor):
    """One playing of one tape; the hot loop is `push`."""

    def __init__(self, name: str, header: TapeHeader, groups: Iterator[Group]) -> None:
        self._name = name
        self._header = header
        self._groups = groups
        self._ahead: deque[Group] = deque()
        self._group = Group([], 0)
        self._at = 0  # in the group
        self._before = 0  # records in the groups before it
        self._latest = Micros(0)
        self._failure: TapeError | None = None
        self._ids: list[str] = []

    @property
    def consumed(self) -> int:
        """How many records were pushed so far."""
        return self._before + self._at

    @property
    def latest(self) -> Micros:
        """The latest receive time pushed so far."""
        return self._latest

    @property
    def bytes_read(self) -> int:
        """The offset behind the group that holds the last record pushed."""
        return self._group.end

    def next_received(self) -> Micros | None:
        """Return the receive time of the next record, or None at the end.

        Raises:
            TapeError: if what comes next cannot be read.

        """
        if self._refill():
            return self._group.records[self._at].received
        if self._failure is not None:
            raise self._failure
        return None

    def next_stretch(self) -> Stretch:
        """Look ahead to the next tick record without pushing anything.

        Raises:
            TapeError: if what comes before the next tick record cannot be read, or is too long.

        """
        latest, count, tick = self._to_next_tick()
        return Stretch(latest, count, closed=tick is not None)

    def next_tick(self) -> tuple[Micros, int] | None:
        """Return the next tick's own time and how many records there are up to it, itself included.

        None means that there is no further tick.

        Raises:
            TapeError: as `next_stretch`.

        """
        _, count, tick = self._to_next_tick()
        return None if tick is None else (tick.received, count)

    def _to_next_tick(self) -> tuple[Micros, int, TickRecord | None]:
        latest = self._latest
        count = 0
        for record in self._upcoming():
            count += 1
            latest = max(latest, record.received)
            if type(record) is TickRecord:
                return latest, count, record
            if count >= STRETCH_RECORDS_MAX:
                raise self._no_tick()
        if self._failure is not None:
            raise self._failure
        return latest, count, None

    def push(self, sink: Sink, until: Micros, most: int | None = None) -> None:
        """Push records in file order, up to the first one received after ``until``.

        Raises:
            TapeError: if a record contradicts those before it; everything before it was pushed.

        """
        left = FOREVER if most is None else most
        while left > 0 and self._refill():
            block = self._group.records[self._at : self._at + min(left, _BLOCK)]
            pushed = self._push_block(block, sink, until)
            if pushed < len(block):
                return
            left -= pushed

    def _push_block(self, block: list[Record], sink: Sink, until: Micros) -> int:
        # The hot loop: everything it needs is local, the common kinds come first.
        ids = self._ids
        delta = sink.delta
        latest = self._latest
        pushed = 0
        try:
            for r in block:
                received = r.received
                if received > until:
                    break
                if type(r) is DeltaRecord:
                    try:
                        market = ids[r.market]
                    except IndexError:
                        raise self._unknown_market(r.market, pushed) from None
                    delta(market, r.side, r.price, r.size, received, r.exchange)
                else:
                    self._push_other(r, sink, pushed)
                if received > latest:  # noqa: PLR1730 - max() costs four times as much here
                    latest = received
                pushed += 1
        finally:
            self._at += pushed
            self._latest = latest
        return pushed

    def _push_other(self, r: OtherRecord, sink: Sink, offset: int) -> None:
        match r:
            case TradeRecord():
                market = self._market(r.market, offset)
                sink.trade(market, r.taker, r.price, r.size, r.received, r.exchange)
            case BookRecord():
                market = self._market(r.market, offset)
                sink.book(market, dict(r.bids), dict(r.asks), r.received, r.exchange)
            case ReferenceRecord():
                sink.reference(r.name, r.value, r.received, r.exchange)
            case TickRecord():
                self._check_tick(offset)
            case MetaRecord():
                self._push_meta(r, sink, offset)
            case StatusRecord():
                sink.status(self._market(r.market, offset), r.status, r.received)
            case ResolutionRecord():
                sink.resolution(self._market(r.market, offset), r.yes_payout, r.received)
            case GapRecord():
                sink.gap(self._market(r.market, offset), r.reason, r.received)

    def _push_meta(self, r: MetaRecord, sink: Sink, offset: int) -> None:
        ids = self._ids
        venue = self._header.venue
        if r.venue != venue:
            msg = (
                f"{self._place(offset + 1)}: market {r.id} belongs to {r.venue}, the tape holds "
                f"{venue}: run one venue at a time"
            )
            raise TapeError(msg)
        if r.index > len(ids):
            msg = (
                f"{self._place(offset + 1)}: market {r.id} has index {r.index}, the next free one "
                f"is {len(ids)}: records are missing, import the data again"
            )
            raise TapeError(msg)
        try:
            market = market_of(r)
        except ValueError as e:
            msg = f"{self._place(offset + 1)}: market {r.id}: {e}: import the data again"
            raise TapeError(msg) from e
        ids[r.index : r.index + 1] = [r.id]
        sink.meta(market, r.received)

    def _market(self, index: int | None, offset: int) -> str:
        if index is None:
            return ""
        if index >= len(self._ids):
            raise self._unknown_market(index, offset)
        return self._ids[index]

    def _check_tick(self, offset: int) -> None:
        if not self._header.ticks:
            msg = (
                f'{self._place(offset + 1)}: a tick, but the header does not say "ticks":true: '
                "import the data again"
            )
            raise TapeError(msg)

    def _no_tick(self) -> TapeError:
        msg = (
            f"{self._place(STRETCH_RECORDS_MAX)}: no tick in {STRETCH_RECORDS_MAX} records: "
            "import the data again"
        )
        return TapeError(msg)

    def _unknown_market(self, index: int, offset: int) -> TapeError:
        msg = (
            f"{self._place(offset + 1)}: no meta record named market index {index} before: "
            "records are missing, import the data again"
        )
        return TapeError(msg)

    def _place(self, offset: int) -> str:
        return f"{self._name}: record {self.consumed + offset}"

    def _refill(self) -> bool:
        while self._at >= len(self._group.records):
            if not self._ahead and not self._load():
                return False
            self._before += len(self._group.records)
            self._group = self._ahead.popleft()
            self._at = 0
        return True

    def _load(self) -> bool:
        if self._failure is not None:
            return False
        try:
            group = next(self._groups, None)
        except TapeError as e:
            self._failure = e
            return False
        if group is None:
            return False
        self._ahead.append(group)
        return True

    def _upcoming(self) -> Iterator[Record]:
        records = self._group.records
        for at in range(self._at, len(records)):
            yield records[at]
        ahead = 0
        while ahead < len(self._ahead) or self._load():
            yield from self._ahead[ahead].records
            ahead += 1
