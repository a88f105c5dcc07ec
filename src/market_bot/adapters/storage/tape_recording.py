"""Recording while trading: what is drained goes to a tape and to the world, in the same order.

A recording never stands in the way of trading. Where a file cannot be written the recording of it
ends with one event; positions, and what the world is told, go on as if nothing had happened, so
that decisions do not depend on whether there was room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from market_bot.adapters.storage.tape_facts import FactRecords, FactRefusedError
from market_bot.adapters.storage.tape_files import OpenFile, TapeFiles
from market_bot.adapters.storage.tape_records import Record
from market_bot.core.domain.book import Side
from market_bot.core.domain.events import TapeChanged
from market_bot.core.domain.market import Market, MarketStatus
from market_bot.core.domain.numbers import HOUR, Micros, Price, Size, utc_date
from market_bot.core.domain.world import World
from market_bot.core.ports.market_data import Capability, MarketData, Sink
from market_bot.core.ports.tape import TapeError

Tell = Callable[[TapeChanged], None]

_DAY: Final = 24 * HOUR


class RecordingData(MarketData):
    """Market data that is recorded as it is consumed; every drain is a tick of the tape.

    All markets are recorded, traded or not. A fact that no tape can hold (a price above a dollar,
    a market nobody announced) is left out of both, so that tape and world stay equal. When the UTC
    day changes a new file begins with keyframes: terms, status and book of every market as the
    world has them; the world is told the same facts, which change nothing it knows.

    The position is ``<file>:<facts of it>``: the name without ``.jsonl.zst``, and how many of its
    records, ticks not counted, were consumed.

    Args:
        data: where the facts come from.
        venue: the one venue of them.
        world: what `drain` pushes into, or a world that is fed beside it.
        files: where the tape's files are.
        tell: told when a file is begun, ends early, or leaves a fact out for the first time.

    """

    def __init__(
        self,
        data: MarketData,
        *,
        venue: str,
        world: World,
        files: TapeFiles,
        tell: Tell = lambda _: None,
    ) -> None:
        self._data = data
        self._venue = venue
        self._world = world
        self._files = files
        self._tell = tell
        self._reel: _Reel | None = None
        self._turns_at = Micros(0)

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._data.capabilities

    @property
    def refused(self) -> int:
        """How many facts were left out of the present file and of the world."""
        return 0 if self._reel is None else self._reel.refused

    def drain(self, sink: Sink, until: Micros) -> str:
        reel = self._reel
        if reel is None or until >= self._turns_at:
            reel = self._turn(sink, until)
        reel.sink = sink
        self._data.drain(reel, until)
        reel.records.tick(until)
        return reel.records.position

    def close(self) -> None:
        """Write the last group and let go of the file."""
        if self._reel is not None:
            self._reel.records.close()

    def _turn(self, sink: Sink, until: Micros) -> _Reel:
        """Begin the file of a day; unless it is the first of this process, with keyframes."""
        before = self._reel
        if before is not None:
            before.records.close()
        self._turns_at = Micros((until // _DAY + 1) * _DAY)
        self._reel = reel = _Reel(_Records(self._files, utc_date(until), self._venue, self._tell))
        reel.sink = sink
        if before is not None:
            show(self._world, reel)
        return reel


def show(world: World, sink: Sink) -> None:
    """Tell a sink what a world knows of every market now: terms, status, and whole books.

    No time is later than the world's own; a book is as old as it is.
    """
    now = world.now
    if not world.seen:
        return
    sink.status("", world.venue_status, now)
    for known in list(world.seen.values()):
        market, book = known.market, known.book
        sink.meta(market, now)
        sink.status(market.id, known.status, now)
        if book.whole:
            sink.book(market.id, book.bids, book.asks, book.changed_at, None)


class _Records(FactRecords):
    """The records of one file; where it cannot be written they are only counted."""

    def __init__(self, files: TapeFiles, day: str, venue: str, tell: Tell) -> None:
        super().__init__(day, venue, ticks=True)
        self._tell = tell
        self._facts = 0
        self._file: OpenFile | None = None
        self._stem = day
        try:
            self._file = files.open(day)
        except TapeError as e:
            self._fail(e)
            return
        self._stem = self._name = self._file.name
        if self._file.path is not None:
            self._tell(TapeChanged(what="begun", file=str(self._file.path)))

    @property
    def position(self) -> str:
        """The file and how many facts of it were consumed."""
        return f"{self._stem}:{self._facts}"

    def add(self, record: Record) -> None:
        self._facts += 1
        self._write(record)

    def tick(self, received: Micros) -> None:
        super().tick(received)
        self._facts -= 1

    def refuse(self, error: FactRefusedError) -> None:
        """Tell that a fact is left out."""
        self._tell(TapeChanged(what="fact_left_out", file=self._stem, reason=str(error)))

    def close(self) -> None:
        """Write the last group; failing to is told, not raised."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except TapeError as e:
                self._fail(e)

    def _write(self, record: Record) -> None:
        if self._file is not None:
            try:
                self._file.add(record)
            except TapeError as e:
                self._fail(e)

    def _fail(self, error: TapeError) -> None:
        self._file = None
        self._tell(TapeChanged(what="stopped", file=self._stem, reason=str(error)))


class _Reel(Sink):
    """Tells every fact first to the records of a file, then to the sink of the present drain."""

    def __init__(self, records: _Records) -> None:
        self.records = records
        self.sink: Sink = records  # Always set to the real one before anything is told.
        self.refused = 0

    def meta(self, market: Market, received: Micros) -> None:
        try:
            self.records.meta(market, received)
        except FactRefusedError as e:
            self._refuse(e)
        else:
            self.sink.meta(market, received)

    def book(
        self,
        market: str,
        bids: Mapping[Price, Size],
        asks: Mapping[Price, Size],
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        try:
            self.records.book(market, bids, asks, received, exchange)
        except FactRefusedError as e:
            self._refuse(e)
        else:
            # In the order in which the tape keeps them, so that both worlds are built alike.
            dearest_first = dict(sorted(bids.items(), reverse=True))
            self.sink.book(market, dearest_first, dict(sorted(asks.items())), received, exchange)

    def delta(
        self,
        market: str,
        side: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        try:
            self.records.delta(market, side, price, size, received, exchange)
        except FactRefusedError as e:
            self._refuse(e)
        else:
            self.sink.delta(market, side, price, size, received, exchange)

    def trade(
        self,
        market: str,
        taker: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        try:
            self.records.trade(market, taker, price, size, received, exchange)
        except FactRefusedError as e:
            self._refuse(e)
        else:
            self.sink.trade(market, taker, price, size, received, exchange)

    def reference(self, name: str, value: str, received: Micros, exchange: Micros | None) -> None:
        try:
            self.records.reference(name, value, received, exchange)
        except FactRefusedError as e:
            self._refuse(e)
        else:
            self.sink.reference(name, value, received, exchange)

    def status(self, market: str, status: MarketStatus, received: Micros) -> None:
        try:
            self.records.status(market, status, received)
        except FactRefusedError as e:
            self._refuse(e)
        else:
            self.sink.status(market, status, received)

    def resolution(self, market: str, yes_payout: Price, received: Micros) -> None:
        try:
            self.records.resolution(market, yes_payout, received)
        except FactRefusedError as e:
            self._refuse(e)
        else:
            self.sink.resolution(market, yes_payout, received)

    def gap(self, market: str, reason: str, received: Micros) -> None:
        try:
            self.records.gap(market, reason, received)
        except FactRefusedError as e:
            self._refuse(e)
        else:
            self.sink.gap(market, reason, received)

    def _refuse(self, error: FactRefusedError) -> None:
        self.refused += 1
        if self.refused == 1:
            self.records.refuse(error)
