"""A stretch of a tape decoded into columns, so that a changed level is not an object any more."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from market_bot.adapters.storage.tape_reader import FOREVER, STRETCH_RECORDS_MAX, Cursor, Group
from market_bot.adapters.storage.tape_records import DeltaRecord, OtherRecord, Record, TickRecord
from market_bot.core.domain.book import Side
from market_bot.core.domain.numbers import Micros, Price
from market_bot.core.ports.market_data import UNTOLD, Deltas, Sink
from market_bot.core.ports.tape import TapeError, TapeHeader

CHUNK_RECORDS: Final = 16_384
"""Groups are put together until they have so many records."""

_ASK: Final = Side.ASK
_SIDES: Final = (Side.BID, Side.ASK)

WIDE: Final = "q"
NARROW: Final = "i"


@attrs.frozen(eq=False)
class Chunk:
    """Some records of a tape, in order; the columns have a place for every one of them.

    Args:
        count: how many records.
        end: the offset in the tape right behind them.
        deltas: the changes of levels; at the places of other records the columns say nothing but
            when it was received.
        others: the other records by place, ascending.
    """

    count: int
    end: int
    deltas: Deltas
    others: Mapping[int, OtherRecord]
    places: Sequence[int] = attrs.field(init=False)
    ticks: Sequence[int] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "places", tuple(self.others))
        ticks = tuple(at for at, r in self.others.items() if type(r) is TickRecord)
        object.__setattr__(self, "ticks", ticks)

    def first_after(self, until: Micros, start: int) -> int:
        """Return the place of the first record from ``start`` on received after a moment."""
        received = self.deltas.received
        if self.deltas.rising:
            return bisect_right(received, until, start)
        late = (at for at in range(start, self.count) if received[at] > until)
        return next(late, self.count)


def column(kind: str, values: Iterable[int]) -> Any:  # noqa: ANN401 - an array of one of the core's integers
    """Return integers as an array.

    Raises:
        OverflowError: if one does not fit.

    """
    return array(kind, values)


def chunk_of(records: Sequence[Record], end: int) -> Chunk:
    """Return records as columns.

    Raises:
        OverflowError: if a number does not fit into a column.

    """
    numbers = _levels(records)
    levels: list[int] = []
    sizes: list[int] = []
    exchange: list[int] = []
    others: dict[int, OtherRecord] = {}
    for at, r in enumerate(records):
        if type(r) is DeltaRecord:
            levels.append(numbers[r.market, r.side, r.price])
            sizes.append(r.size)
            exchange.append(UNTOLD if r.exchange is None else r.exchange)
        else:
            others[at] = r
            levels.append(-1)
            sizes.append(0)
            exchange.append(UNTOLD)
    received = [r.received for r in records]
    return Chunk(
        count=len(records),
        end=end,
        deltas=Deltas(
            markets=(),
            books=column(NARROW, (2 * market + (side is _ASK) for market, side, _ in numbers)),
            prices=column(NARROW, (price for _, _, price in numbers)),
            levels=column(NARROW, levels),
            sizes=column(WIDE, sizes),
            received=column(WIDE, received),
            exchange=column(WIDE, exchange),
            rising=received == sorted(received),
        ),
        others=others,
    )


def _levels(records: Sequence[Record]) -> dict[tuple[int, Side, Price], int]:
    """Return a number for each level that changes; small numbers, which are fast, for the usual."""
    counts = Counter((r.market, r.side, r.price) for r in records if type(r) is DeltaRecord)
    return {level: number for number, (level, _) in enumerate(counts.most_common())}


def chunks_of(groups: Iterable[Group], *, skip: int = 0) -> Iterator[Chunk]:
    """Yield groups as chunks, but for the first ``skip`` records, which are whole groups.

    Raises:
        TapeError: where the tape cannot be read further; what comes before it was yielded.
        OverflowError: as `chunk_of`.

    """
    held: list[Record] = []
    end = 0
    failure: TapeError | None = None
    whole_groups = iter(groups)
    while failure is None:
        try:
            group = next(whole_groups, None)
        except TapeError as e:
            failure, group = e, None
        if group is None:
            break
        end = group.end
        if skip > 0:
            skip -= len(group.records)
            continue
        held.extend(group.records)
        if len(held) >= CHUNK_RECORDS:
            whole, held = held, []
            yield chunk_of(whole, end)
    if held:
        yield chunk_of(held, end)
    if failure is not None:
        raise failure


class ColumnCursor(Cursor):
    """One playing of one tape from columns; the same facts as a `Cursor` in the same order.

    The records have to be sound: they were read by a `Cursor` before.
    """

    def __init__(self, name: str, header: TapeHeader, chunks: Iterator[Chunk]) -> None:
        super().__init__(name, header, iter(()))
        self._chunks = chunks
        self._chunk = chunk_of((), 0)
        self._deltas = self._chunk.deltas
        self._next_chunks: deque[Chunk] = deque()

    @property
    def bytes_read(self) -> int:
        """The offset behind the chunk that holds the last record pushed."""
        return self._chunk.end

    def next_received(self) -> Micros | None:
        if self._at < self._chunk.count or self._refill():
            return self._deltas.received[self._at]
        if self._failure is not None:
            raise self._failure
        return None

    def push(self, sink: Sink, until: Micros, most: int | None = None) -> None:
        left = FOREVER if most is None else most
        while left > 0 and (self._at < self._chunk.count or self._refill()):
            start = self._at
            if left == 1:
                if self._deltas.received[start] <= until:
                    self._push_one(sink)
                return
            here = min(self._chunk.count, start + left)
            stop = min(here, self._chunk.first_after(until, start))
            self._push_range(sink, stop)
            if stop < here:
                return
            left -= here - start

    def _push_range(self, sink: Sink, stop: int) -> None:
        """Push the records of this chunk up to but without place ``stop``."""
        places, told = self._chunk.places, self._deltas
        number = bisect_left(places, self._at)
        while (start := self._at) < stop:
            until = min(stop, places[number]) if number < len(places) else stop
            if until <= start + 1:
                number += until == start
                self._push_one(sink)
                continue
            sink.deltas(told, start, until)
            self._at = until
            self._latest = max(self._latest, told.newest(start, until))

    def _push_one(self, sink: Sink) -> None:
        told, at = self._deltas, self._at
        level = told.levels[at]
        if level >= 0:
            book, exchange = told.books[level], told.exchange[at]
            sink.delta(
                self._ids[book >> 1],
                _SIDES[book & 1],
                told.prices[level],
                told.sizes[at],
                told.received[at],
                None if exchange == UNTOLD else exchange,
            )
        else:
            self._push_other(self._chunk.others[at], sink, 0)
        self._at = at + 1
        self._latest = max(self._latest, told.received[at])

    def _to_next_tick(self) -> tuple[Micros, int, TickRecord | None]:
        latest, count = self._latest, 0
        chunk, start = self._chunk, self._at
        ahead = 0
        while True:
            number = bisect_left(chunk.ticks, start)
            found = number < len(chunk.ticks)
            stop = chunk.ticks[number] + 1 if found else chunk.count
            if stop > start:
                here = max(chunk.deltas.received[start:stop])
                latest = max(latest, here)
            count += stop - start
            if found and count <= STRETCH_RECORDS_MAX:
                tick = chunk.others[stop - 1]
                return latest, count, tick if type(tick) is TickRecord else None
            if count >= STRETCH_RECORDS_MAX:
                raise self._no_tick()
            if ahead >= len(self._next_chunks) and not self._load():
                break
            chunk, start = self._next_chunks[ahead], 0
            ahead += 1
        if self._failure is not None:
            raise self._failure
        return latest, count, None

    def _refill(self) -> bool:
        while self._at >= self._chunk.count:
            if not self._next_chunks and not self._load():
                return False
            self._before += self._chunk.count
            self._chunk = self._next_chunks.popleft()
            self._deltas = attrs.evolve(self._chunk.deltas, markets=self._ids)
            self._at = 0
        return True

    def _load(self) -> bool:
        if self._failure is not None:
            return False
        try:
            chunk = next(self._chunks, None)
        except TapeError as e:
            self._failure = e
            return False
        if chunk is None:
            return False
        self._next_chunks.append(chunk)
        return True
