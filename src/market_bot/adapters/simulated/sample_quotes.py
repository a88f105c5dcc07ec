"""Quotes around a hidden probability, and noise that trades against them."""

from __future__ import annotations

import random
from typing import Final, TypeVar

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.numbers import (
    NOTHING,
    ONE_CONTRACT,
    ONE_DOLLAR,
    Micros,
    Price,
    Probability,
    Size,
)
from market_bot.core.ports.market_data import Sink

_T = TypeVar("_T", bound=int)
CENT: Final = 10_000
LEVELS: Final = 3
LEVELS_MAX: Final = 6
# Market log-odds as a part of the true ones: favourites cost a little less than they are worth.
TIMIDITY: Final = 0.88
_FARTHEST: Final = 985_000
# Half spreads in 1e-6 dollar; a repeated one is that much more likely.
_HALF_SPREADS: Final = (5_000, 5_000, 10_000, 10_000, 10_000, 20_000, 35_000)
_STARTLED: Final = 40_000
_STARTLING: Final = 70_000
_PRINT_MAX: Final = 40


@attrs.frozen
class Pace:
    """How lively a market is: what may happen in one second, as chances."""

    requote: float
    respread: float
    resize: float
    trade: float


def quoted(true: Probability) -> Probability:
    """Return what a market says where ``true`` is right: closer to one half, never certain."""
    low = ONE_DOLLAR - _FARTHEST
    inside = min(max(true, 1), ONE_DOLLAR - 1)
    odds = (ONE_DOLLAR - inside) / inside
    return Probability(min(_FARTHEST, max(low, round(ONE_DOLLAR / (1.0 + odds**TIMIDITY)))))


def _stays(side: Side, price: Price, best: Price) -> bool:
    """Tell whether an order behind the new best price is left where it is."""
    behind = best - price if side is Side.BID else price - best
    return 0 <= behind < LEVELS_MAX * CENT


@attrs.define(eq=False)
class Quotes:
    """The displayed book of one market, and who changes it.

    Chance comes from `random.Random.random` alone: of that method Python promises the same numbers
    in every version.
    """

    market: str
    pace: Pace
    chance: random.Random
    bids: dict[Price, Size] = attrs.field(factory=dict, init=False)
    asks: dict[Price, Size] = attrs.field(factory=dict, init=False)
    _middle: int = attrs.field(default=0, init=False)
    _half: int = attrs.field(default=CENT, init=False)

    def show(self, sink: Sink, fair: Probability, at: Micros) -> None:
        """Display a whole book around ``fair``, as at the opening and after a gap."""
        self._middle, self._half = fair, self._pick(_HALF_SPREADS)
        for side, prices in self._wanted():
            levels = self._side(side)
            levels.clear()
            levels.update({price: self._depth(n) for n, price in enumerate(prices)})
        sink.book(self.market, self.bids, self.asks, at, None)

    def second(self, sink: Sink, fair: Probability, at: Micros) -> None:
        """Let a second pass: makers follow ``fair``, resize, and noise takers come by."""
        if self._happens(self.pace.trade):
            self._trade(sink, fair, at)
        moved = abs(fair - self._middle)
        if moved > _STARTLING:
            self._middle, self._half = fair, _STARTLED
            self._requote(sink, at)
            return
        if self._happens(self.pace.respread):
            self._half = self._pick(_HALF_SPREADS)
            self._requote(sink, at)
        elif (moved > 2 * CENT or self._thin()) and self._happens(self.pace.requote):
            self._middle = fair
            self._requote(sink, at)
        elif self._happens(self.pace.resize):
            self._resize(sink, at)

    def _requote(self, sink: Sink, at: Micros) -> None:
        wanted = self._wanted()
        # What is withdrawn goes first, so that the book is never crossed in between.
        for side, prices in wanted:
            for price in [p for p in self._side(side) if not _stays(side, p, prices[0])]:
                self._set(sink, side, price, NOTHING, at)
        for side, prices in wanted:
            for n, price in enumerate(prices):
                if price not in self._side(side):
                    self._set(sink, side, price, self._depth(n), at)

    def _wanted(self) -> tuple[tuple[Side, list[Price]], tuple[Side, list[Price]]]:
        bid = max(1, (self._middle - self._half) // CENT)
        ask = min(99, max(bid + 1, -(-(self._middle + self._half) // CENT)))
        bids = [Price(n * CENT) for n in range(bid, max(0, bid - LEVELS), -1)]
        asks = [Price(n * CENT) for n in range(ask, min(100, ask + LEVELS))]
        return (Side.BID, bids), (Side.ASK, asks)

    def _trade(self, sink: Sink, fair: Probability, at: Micros) -> None:
        """Let somebody buy or sell at what is displayed; the price pulls, but only a little."""
        lean = 0.5 + max(-0.35, min(0.35, (fair - self._middle) / (6 * CENT)))
        taker = Side.BID if self._happens(lean) else Side.ASK
        side = taker.other
        left = self._contracts()
        for price in sorted(self._side(side), reverse=side is Side.BID)[:2]:
            there = self._side(side)[price]
            part = Size(min(left, there))
            sink.trade(self.market, taker, price, part, at, None)
            self._set(sink, side, price, Size(there - part), at)
            left = Size(left - part)
            if left <= 0:
                return

    def _contracts(self) -> Size:
        # Squared: many small trades, few large ones.
        drawn = self.chance.random() ** 2
        return Size((1 + int(drawn * _PRINT_MAX)) * ONE_CONTRACT)

    def _resize(self, sink: Sink, at: Micros) -> None:
        side = Side.BID if self._happens(0.5) else Side.ASK
        levels = self._side(side)
        if levels:
            price = self._pick(tuple(levels))
            self._set(sink, side, price, self._depth(1), at)

    def _set(self, sink: Sink, side: Side, price: Price, size: Size, at: Micros) -> None:
        levels = self._side(side)
        if size > 0:
            levels[price] = size
        else:
            levels.pop(price, None)
        sink.delta(self.market, side, price, size, at, None)

    def _depth(self, distance: int) -> Size:
        return Size((1 + int(self.chance.random() * 8)) * 10 * (1 + distance) * ONE_CONTRACT)

    def _thin(self) -> bool:
        return any(
            not prices or prices[0] not in self._side(side) for side, prices in self._wanted()
        )

    def _side(self, side: Side) -> dict[Price, Size]:
        return self.bids if side is Side.BID else self.asks

    def _happens(self, chance: float) -> bool:
        return self.chance.random() < chance

    def _pick(self, options: tuple[_T, ...]) -> _T:
        return options[int(self.chance.random() * len(options))]
