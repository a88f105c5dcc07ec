"""The queue ahead of a resting order, told from prints and from what is displayed.

What is displayed shrinks for two reasons: somebody traded there, or somebody withdrew. The venue
tells the trade as a print too, a little earlier or later, so that one trade is seen twice. The
`Place` of an order therefore keeps a small ledger: a fall of the displayed size and a print explain
each other if no more than `ECHO` lies between them; what is left of a fall after that time was
withdrawn. Prints shorten the queue at once. What was withdrawn stood before us or behind us, which
nobody tells: that is where the three models differ.

A print may also be told after a display that traded with us already; `Struck` remembers those.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.fills.terms import FillModel
from market_bot.core.domain.numbers import NOTHING, SECOND, Duration, Micros, Price, Size

ECHO: Final = Duration(2 * SECOND)
"""How far apart a print and the fall it caused may be told, at most (inclusive)."""

# More within `ECHO` than this are added up.
_KEPT: Final = 256


@attrs.define(eq=False)
class _Fall:
    """A fall of the displayed size that no print explains yet; ``left`` was displayed after it.

    ``after_us`` is whether our order was in the queue already.
    """

    at: Micros
    size: Size
    left: Size
    after_us: bool


@attrs.define(eq=False)
class _Echo:
    """A part of a print for which no fall was displayed yet."""

    at: Micros
    size: Size


@attrs.define(eq=False)
class Place:
    """An order's place in the queue of one price; mutable, fed in the order of what happened.

    Args:
        model: what is believed of what was withdrawn.
        shown: what is displayed at the price.

    ``ahead`` is what stands before the order, None while the order is under way. A place may watch
    from the moment of sending on, so that it knows what belongs to the time before the arrival.

    """

    model: FillModel
    shown: Size
    ahead: Size | None = attrs.field(default=None, init=False)
    _falls: deque[_Fall] = attrs.field(factory=deque, init=False)
    _echoes: deque[_Echo] = attrs.field(factory=deque, init=False)

    def arrive(self) -> Size:
        """Join the queue behind all that is displayed; return how much that is."""
        self.ahead = self.shown
        return self.shown

    def displayed(self, size: Size, at: Micros) -> None:
        """Take the new displayed size of the price."""
        self._pass_time(at)
        fall, self.shown = self.shown - size, size
        if fall <= 0:
            return
        if self.model is FillModel.OPTIMISTIC:
            if self.ahead is not None:
                self.ahead = Size(max(0, self.ahead - fall))
            return
        while fall and self._echoes:
            echo = self._echoes[0]
            part = min(fall, echo.size)
            fall, echo.size = fall - part, Size(echo.size - part)
            if not echo.size:
                self._echoes.popleft()
        if fall:
            self._remember(_Fall(at, Size(fall), size, after_us=self.ahead is not None))

    def reached(self, printed: Size, at: Micros) -> Size:
        """Take a print at our price; return how much of it went beyond the queue, to us."""
        if self.model is FillModel.OPTIMISTIC:
            return self._serve(printed)
        self._pass_time(at)
        unexplained, before_us = int(printed), 0
        while unexplained and self._falls:
            fall = self._falls[0]
            part = min(unexplained, fall.size)
            unexplained, fall.size = unexplained - part, Size(fall.size - part)
            if not fall.after_us:
                before_us += part
            if not fall.size:
                self._falls.popleft()
        if unexplained:
            self._expect(_Echo(at, Size(unexplained)))
        # What was gone from the display when we came traded before we came.
        return self._serve(Size(printed - before_us))

    def passed(self, printed: Size, at: Micros) -> Size:
        """Take a print at a price worse for its maker than ours; return how much of it is ours."""
        if self.ahead is None:
            return NOTHING
        self._pass_time(at)
        if self.model is not FillModel.PESSIMISTIC:
            self.ahead = NOTHING
        return self._serve(printed)

    def _serve(self, printed: Size) -> Size:
        ahead = self.ahead
        if ahead is None:
            return NOTHING
        self.ahead = Size(max(0, ahead - printed))
        return Size(max(0, printed - ahead))

    def _pass_time(self, at: Micros) -> None:
        """Let go of prints that found no fall, and of falls that found no print: withdrawals."""
        oldest = at - ECHO
        while self._echoes and self._echoes[0].at < oldest:
            self._echoes.popleft()
        while self._falls and self._falls[0].at < oldest:
            fall = self._falls.popleft()
            if fall.after_us and self.ahead is not None:
                self.ahead = self._after(self.ahead, fall)

    def _after(self, ahead: Size, fall: _Fall) -> Size:
        """Return what stands before us after something was withdrawn, here or behind us."""
        if self.model is FillModel.REALISTIC:
            ahead = Size(ahead - ahead * fall.size // (fall.left + fall.size))
        # Whoever withdrew: nobody stands before us who is not displayed.
        return min(ahead, fall.left)

    def _remember(self, fall: _Fall) -> None:
        newest = self._falls[-1] if self._falls else None
        if newest is None or len(self._falls) < _KEPT or newest.after_us is not fall.after_us:
            self._falls.append(fall)
            return
        newest.at, newest.left = fall.at, fall.left
        newest.size = Size(newest.size + fall.size)

    def _expect(self, echo: _Echo) -> None:
        if len(self._echoes) < _KEPT:
            self._echoes.append(echo)
            return
        newest = self._echoes[-1]
        newest.at, newest.size = echo.at, Size(newest.size + echo.size)


@attrs.define(eq=False)
class _Had:
    """A part of what was displayed at a price that traded with us, and that no print told yet."""

    at: Micros
    price: Price
    size: Size


@attrs.define(eq=False)
class Struck:
    """What of ours the display of one side met lately; mutable, fed in the order of what happened.

    Whoever is displayed at a price trades there or at a price that is better for him: a print of
    his side at a price worse than that is of somebody else.

    Args:
        side: whose display it was; prints with this taker may tell the same trade.

    """

    side: Side
    _had: deque[_Had] = attrs.field(factory=deque, init=False)

    def add(self, price: Price, size: Size, at: Micros) -> None:
        """Remember that a part of what is displayed at a price traded with us."""
        self._pass_time(at)
        if len(self._had) < _KEPT:
            self._had.append(_Had(at, price, size))
            return
        newest = self._had[-1]
        newest.at, newest.price, newest.size = at, price, Size(newest.size + size)

    def told(self, price: Price, at: Micros) -> Size:
        """Return how much of what we had a print at a price may tell."""
        self._pass_time(at)
        return Size(sum(had.size for had in self._had if self._may_be(had, price)))

    def explained(self, price: Price, size: Size) -> None:
        """Take it that a print at a price told so much of it, oldest first."""
        left = size
        for had in self._had:
            if self._may_be(had, price):
                part = min(left, had.size)
                left, had.size = Size(left - part), Size(had.size - part)

    def _may_be(self, had: _Had, price: Price) -> bool:
        return price <= had.price if self.side is Side.BID else price >= had.price

    def _pass_time(self, at: Micros) -> None:
        while self._had and (self._had[0].at < at - ECHO or not self._had[0].size):
            self._had.popleft()
