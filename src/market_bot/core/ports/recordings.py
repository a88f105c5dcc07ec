"""What importers of recorded market files promise: facts in order, and an honest count.

`Timeline` keeps the order: the receive time never decreases, and facts that belong to a later
moment (a close, a settlement) wait until the recording has passed it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from typing import Final

import attrs

from market_bot.core.domain.market import Market, MarketStatus
from market_bot.core.domain.numbers import Micros, Price
from market_bot.core.ports.market_data import Sink

Progress = Callable[[int, int], None]
"""Is told how much is done and how much there is, in bytes or rows."""

NEVER: Final = Micros(2**63 - 1)
_MARKETS_MAX: Final = 1_000_000


def no_progress(_done: int, _total: int) -> None:
    """Ignore progress."""


@attrs.frozen(kw_only=True)
class ImportReport:
    """What an import did.

    Args:
        records: facts pushed into the sink.
        dropped: rows left out, by reason.
        mended: what was kept after a correction, by reason.
        markets: markets announced.
        gaps: gaps pushed.
        first: receive time of the first fact, None without facts.
        last: receive time of the last fact, None without facts.

    """

    records: int
    dropped: Mapping[str, int]
    mended: Mapping[str, int]
    markets: int
    gaps: int
    first: Micros | None
    last: Micros | None


class RecordingError(Exception):
    """A recorded file cannot be imported, or not to its end.

    The message is one line: file, line, what is wrong, what to do. Facts pushed before stay true;
    ``report`` tells how many there were.
    """

    def __init__(self, message: str, report: ImportReport | None = None) -> None:
        super().__init__(message)
        self.report = report


@attrs.define(eq=False)
class Timeline:
    """The clock and the counts of one import; mutable, owned by one thread.

    A hot loop may skip `advance` while ``now <= received <= due`` and set ``now`` and ``records``
    itself.
    """

    sink: Sink
    now: Micros = Micros(0)
    due: Micros = NEVER
    records: int = 0
    dropped: Counter[str] = attrs.field(factory=Counter)
    mended: Counter[str] = attrs.field(factory=Counter)
    _gaps: int = 0
    _first: Micros | None = None
    _markets: set[str] = attrs.field(factory=set)
    _waiting: list[tuple[Micros, int, Callable[[], None]]] = attrs.field(factory=list)
    _scheduled: int = 0

    def advance(self, received: Micros) -> Micros:
        """Push what was due strictly before ``received``; return the running maximum."""
        while self.due < received:
            self._release()
        if received < self.now:
            self.mended["time_stepped_back"] += 1
        self._move(received)
        return self.now

    def schedule(self, at: Micros, push: Callable[[], None]) -> None:
        """Call ``push`` once the recording has passed ``at``, or at its end.

        `NEVER` is the end of the recording, at the time of its last fact.
        """
        heappush(self._waiting, (at, self._scheduled, push))
        self._scheduled += 1
        self.due = self._waiting[0][0]

    def finish(self) -> ImportReport:
        """Push everything still waiting, each at its own time; return the report."""
        while self._waiting:
            self._release()
        return self.report()

    def report(self) -> ImportReport:
        """Return the counts so far."""
        return ImportReport(
            records=self.records,
            dropped=dict(self.dropped),
            mended=dict(self.mended),
            markets=len(self._markets),
            gaps=self._gaps,
            first=self._first,
            last=None if self._first is None else self.now,
        )

    def meta(self, market: Market) -> None:
        """Announce a market now.

        Raises:
            RecordingError: at more markets than any venue has.

        """
        self._markets.add(market.id)
        if len(self._markets) > _MARKETS_MAX:
            msg = f"more than {_MARKETS_MAX} markets in one import; import fewer files at a time"
            raise RecordingError(msg, self.report())
        self.sink.meta(market, self.now)
        self.records += 1

    def gap(self, market: str, reason: str) -> None:
        """Tell now that data is missing before this point."""
        self.sink.gap(market, reason, self.now)
        self._gaps += 1
        self.records += 1

    def schedule_status(self, at: Micros, market: str, status: MarketStatus) -> None:
        """Tell a market's new status at its time."""

        def push() -> None:
            self.sink.status(market, status, self.now)
            self.records += 1

        self.schedule(at, push)

    def schedule_resolution(self, at: Micros, market: str, yes_payout: Price) -> None:
        """Tell how a market ended at its time."""

        def push() -> None:
            self.sink.resolution(market, yes_payout, self.now)
            self.records += 1

        self.schedule(at, push)

    def _release(self) -> None:
        at, _, push = heappop(self._waiting)
        self.due = self._waiting[0][0] if self._waiting else NEVER
        if at != NEVER:
            self._move(at)
        push()

    def _move(self, at: Micros) -> None:
        self.now = max(self.now, at)
        if self._first is None:
            self._first = self.now
