"""Does a decision know the future? Take the future away and see whether it is still made.

Several lanes with the same settings go through the same data side by side. One has all of it, each
of the others a tape that ends somewhere. Whatever was written down before that moment must be the
same, or something looked ahead: a strategy, the fills, or data that tell too early what comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import NEVER, Micros
from market_bot.core.domain.replay_result import Difference
from market_bot.core.ports.market_data import Sink
from market_bot.core.ports.tape import Stretch, TapeCursor, TapeHeader, TapeSource
from market_bot.core.usecases.replay import Replay

_Line = tuple[Micros, ev.Event]
Describe = Callable[[ev.Event], str]

_FOREVER: Final = Micros(2**63 - 1)


@attrs.frozen
class Cut:
    """A place where tapes end: after ``records`` of all of them; nothing at ``at`` or later counts.

    ``at`` is the running maximum of the receive times up to there.
    """

    records: int
    at: Micros


@attrs.frozen
class Peek:
    """Something that changed when the future behind a cut was taken away."""

    cut: Cut
    difference: Difference


@attrs.frozen(kw_only=True)
class LookaheadReport:
    """What a check for looking ahead found.

    Args:
        cuts: where the tapes were cut.
        compared: how many facts before the cuts were compared, ticks without one not counted.
        peeks: the first difference of every cut that had one.
        complete: false if it was stopped before the last cut.

    """

    cuts: tuple[Cut, ...]
    compared: int
    peeks: tuple[Peek, ...]
    complete: bool = True


@attrs.frozen
class CutTape(TapeSource):
    """A tape that ends after so many records, as if nothing more had been recorded."""

    inner: TapeSource
    records: int

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def header(self) -> TapeHeader:
        return self.inner.header

    @property
    def bytes_total(self) -> int:
        return self.inner.bytes_total

    def open(self) -> TapeCursor:
        return CutCursor(self.inner.open(), self.records)


@attrs.frozen
class CutCursor(TapeCursor):
    """One playing of a cut tape."""

    inner: TapeCursor
    records: int

    @property
    def consumed(self) -> int:
        return self.inner.consumed

    @property
    def latest(self) -> Micros:
        return self.inner.latest

    @property
    def bytes_read(self) -> int:
        return self.inner.bytes_read

    def next_received(self) -> Micros | None:
        return None if self._left() <= 0 else self.inner.next_received()

    def next_stretch(self) -> Stretch:
        left = self._left()
        if left > 0:
            stretch = self.inner.next_stretch()
            if stretch.records <= left:
                return stretch
        # Where the tick that ends it is cut off nobody knows when it would have been.
        return Stretch(latest=self.inner.latest, records=max(0, left), closed=False)

    def push(self, sink: Sink, until: Micros, most: int | None = None) -> None:
        left = self._left()
        if left > 0:
            self.inner.push(sink, until, left if most is None else min(left, most))

    def _left(self) -> int:
        return self.records - self.inner.consumed


def count_records(tapes: Sequence[TapeSource]) -> int:
    """Return how many records tapes hold.

    Raises:
        TapeError: if one cannot be read.

    """
    return sum(_last(tape.open()).consumed for tape in tapes)


def cut_tapes(tapes: Sequence[TapeSource], records: int) -> tuple[list[TapeSource], Cut]:
    """Return tapes that end together after so many records, and when that is.

    Args:
        tapes: whole tapes, in the order of playing.
        records: at least 1, less than all of them hold.

    Raises:
        TapeError: if one cannot be read.

    """
    cut: list[TapeSource] = []
    left, latest = records, NEVER
    for tape in tapes:
        if left <= 0:
            break
        short = CutTape(tape, left)
        played = _last(short.open())
        left -= played.consumed
        latest = max(latest, played.latest)
        cut.append(short)
    return cut, Cut(records, latest)


@attrs.define(eq=False)
class Followed:
    """A replay of one lane whose facts are kept for as long as they are compared."""

    replay: Replay
    lines: list[_Line]
    tick: Micros | None = None

    def step(self) -> bool:
        """Take the next tick; ``lines`` are what it wrote, ``tick`` is its time."""
        self.lines.clear()
        self.tick = self.replay.now if self.replay.step() else None
        return self.tick is not None


@attrs.define(eq=False)
class LookaheadCheck:
    """Plays one lane with all data beside others whose data end.

    Args:
        whole: the lane with all data.
        cut: the others, each with the place where its data end.
        describe: turns a fact into a line for people.

    """

    whole: Followed
    cut: list[tuple[Cut, Followed]]
    describe: Describe
    compared: int = attrs.field(default=0, init=False)
    _peeks: dict[Cut, Peek] = attrs.field(factory=dict, init=False)

    def run(
        self,
        *,
        stop: Callable[[], bool] = lambda: False,
        tell: Callable[[float], None] = lambda _: None,
    ) -> LookaheadReport:
        """Compare tick by tick up to the last cut.

        Args:
            stop: asked before every tick.
            tell: told which part of the data was played, from 0 to 1.

        Raises:
            MarketDataError: if the data cannot be read.

        """
        cuts = tuple(cut for cut, _ in self.cut)
        going = list(self.cut)
        while going and not stop():
            self.whole.step()
            going = [(cut, lane) for cut, lane in going if self._same(cut, lane)]
            tell(self.whole.replay.source.span())
        return LookaheadReport(
            cuts=cuts,
            compared=self.compared,
            peeks=tuple(self._peeks[cut] for cut in cuts if cut in self._peeks),
            complete=not going,
        )

    def _same(self, cut: Cut, lane: Followed) -> bool:
        """Compare a tick; tell whether there is more to compare before the cut."""
        lane.step()
        now = self.whole.tick
        if now is None or now >= cut.at:
            return False
        if lane.tick != now:
            self._peeks[cut] = Peek(cut, self._no_tick(now, lane.tick))
            return False
        self.compared += len(self.whole.lines)
        if self.whole.lines == lane.lines:
            return True
        self._peeks[cut] = Peek(cut, self._difference(self.whole.lines, lane.lines))
        return False

    def _no_tick(self, now: Micros, other: Micros | None) -> Difference:
        told = None if other is None else f"a tick at {other}"
        return Difference(at=now, line=0, recorded=f"a tick at {now}", replayed=told)

    def _difference(self, full: Sequence[_Line], short: Sequence[_Line]) -> Difference:
        place = next(
            (i for i, pair in enumerate(zip(full, short, strict=False)) if pair[0] != pair[1]),
            min(len(full), len(short)),
        )
        with_it = full[place] if place < len(full) else None
        without = short[place] if place < len(short) else None
        known = with_it or without
        return Difference(
            at=NEVER if known is None else known[0],
            line=0,
            recorded=None if with_it is None else self.describe(with_it[1]),
            replayed=None if without is None else self.describe(without[1]),
        )


def _last(cursor: TapeCursor) -> TapeCursor:
    """Play a tape to its end for nothing but its length and its times."""
    while cursor.next_received() is not None:
        cursor.push(_NOBODY, _FOREVER)
    return cursor


class _Nobody(Sink):
    """Takes every fact and does nothing."""

    def _take(self, *_: object) -> None:
        """Do nothing."""

    meta = book = delta = trade = reference = status = resolution = gap = _take  # type: ignore[assignment]  # one for all


_NOBODY: Final = _Nobody()
