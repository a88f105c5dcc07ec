"""The crowd of one market: makers who quote, the informed who know, and noise.

Makers believe the truth a little late, shrink it by the family's bias, and now and then jump for no
reason. Takers come in between: the informed buy what is worth more than it costs after fees and
leave otherwise; the others buy or sell by a coin. Nobody here knows which orders are the bot's.
"""

from __future__ import annotations

import math
import random
from typing import Final

import attrs

from market_bot.adapters.simulated.sim_book import Grid, MatchingBook
from market_bot.adapters.simulated.sim_settings import Crowd
from market_bot.core.domain.book import Side
from market_bot.core.domain.numbers import (
    NOTHING,
    ONE_CONTRACT,
    ONE_DOLLAR,
    SECOND,
    Micros,
    Price,
    Size,
)

_ODDS_MAX: Final = 6.0
_CENT: Final = 10_000
_CALMED: Final = 3.0
_STARTLING: Final = 70_000
_STARTLED: Final = 30_000
_MARGIN: Final = 5_000
_RESPREAD: Final = 0.04
_RESIZE: Final = 0.1
_EVEN: Final = 0.5
_SWEEP: Final = 2
_BOLD: Final = 3
_DEPTHS: Final = 8


def log_odds(chance: float) -> float:
    """Return the logarithm of the odds, cut where nobody quotes any more."""
    if chance <= 0.0:
        return -_ODDS_MAX
    if chance >= 1.0:
        return _ODDS_MAX
    return max(-_ODDS_MAX, min(_ODDS_MAX, math.log(chance / (1.0 - chance))))


@attrs.define(eq=False)
class Traders:
    """Everybody but us in one market.

    Args:
        book: where they trade.
        grid: the prices they may use.
        crowd: what they are like.
        chance: where their whims come from.
        fee_rate: what a taker pays, in 1e-6 of a dollar times p(1-p).

    """

    book: MatchingBook
    grid: Grid
    crowd: Crowd
    chance: random.Random
    fee_rate: int
    _belief: float = attrs.field(default=0.0, init=False)
    _noise: float = attrs.field(default=0.0, init=False)
    _at: Micros = attrs.field(default=Micros(0), init=False)
    _middle: int = attrs.field(default=0, init=False)
    _half: int = attrs.field(default=_CENT, init=False)
    _calm: int = attrs.field(default=_CENT, init=False)

    @property
    def last_price(self) -> Price:
        """The price on the grid at or below the middle that the makers quoted last."""
        return self.grid.prices[self.grid.at_most(self._middle)]

    def open(self, truth: float, at: Micros) -> None:
        """Quote for the first time."""
        self._at = at
        self._belief = log_odds(truth)
        self._middle = self._quoted()
        self._half = self._calm = self._pick_half()
        for side, prices in self._wanted():
            for price in prices:
                # A book that nobody saw needs no changes told; `show` tells it whole.
                self.book.levels(side)[price] = self._depth()
        self.book.show(at)

    def act(self, truth: float, at: Micros, *, takers: bool = True) -> None:
        """Let one thing or another happen, now that the truth is ``truth``."""
        self._think(truth, at)
        if takers and self.chance.random() < self.crowd.trade:
            self._trade(truth, at)
        quoted = self._quoted()
        moved = abs(quoted - self._middle)
        if self.chance.random() < _RESPREAD:
            self._half = self._calm = self._pick_half()
            moved = ONE_DOLLAR
        elif moved >= _STARTLING:
            self._half = max(self._half, _STARTLED)
        elif self._half > self._calm:
            self._half = max(self._calm, round(self._half / _CALMED))
            moved = ONE_DOLLAR
        if 2 * moved >= _CENT or self._thin():
            self._middle = quoted
            self._requote(at)
        elif self.chance.random() < _RESIZE:
            self._resize(at)

    def _think(self, truth: float, at: Micros) -> None:
        seconds, self._at = (at - self._at) / SECOND, at
        crowd = self.crowd
        late = math.exp(-seconds / crowd.lag_seconds) if crowd.lag_seconds > 0 else 0.0
        right = log_odds(truth)
        self._belief = right + (self._belief - right) * late
        if crowd.noise > 0:
            self._noise *= math.exp(-seconds / max(1.0, crowd.noise_seconds))
            if self.chance.random() < crowd.noise:
                self._noise += crowd.noise_jump * (1 if self.chance.random() < _EVEN else -1)

    def _quoted(self) -> int:
        odds = self._belief * (1.0 - self.crowd.bias) + self._noise
        return round(ONE_DOLLAR / (1.0 + math.exp(-max(-_ODDS_MAX, min(_ODDS_MAX, odds)))))

    def _trade(self, truth: float, at: Micros) -> None:
        if self.chance.random() < self.crowd.informed:
            self._trade_informed(round(truth * ONE_DOLLAR), at)
            return
        taker = Side.BID if self.chance.random() < _EVEN else Side.ASK
        # Squared: many small trades, few large ones.
        contracts = 1 + int(self.chance.random() ** 2 * self.crowd.print_max)
        prices = sorted(self.book.levels(taker.other), reverse=taker is Side.ASK)[:_SWEEP]
        if prices:
            self.book.take(taker, prices[-1], Size(contracts * ONE_CONTRACT), at)

    def _trade_informed(self, worth: int, at: Micros) -> None:
        wanted = Size((1 + int(self.chance.random() * self.crowd.depth * _BOLD)) * ONE_CONTRACT)
        ask, bid = self.book.best_ask, self.book.best_bid
        if ask is not None and ask + self._costs(ask) <= worth:
            self.book.take(Side.BID, Price(worth - self._costs(ask)), wanted, at)
        elif bid is not None and bid - self._costs(bid) >= worth:
            self.book.take(Side.ASK, Price(worth + self._costs(bid)), wanted, at)

    def _costs(self, price: Price) -> int:
        variance = price * (ONE_DOLLAR - price) // ONE_DOLLAR
        return _MARGIN + self.fee_rate * variance // ONE_DOLLAR

    def _requote(self, at: Micros) -> None:
        wanted = self._wanted()
        # What is withdrawn goes first, so that the book is never crossed in between.
        for side, prices in wanted:
            kept = set(prices)
            for price in [p for p in self.book.levels(side) if p not in kept]:
                self.book.quote(side, price, NOTHING, at)
        for side, prices in wanted:
            for price in prices:
                if self.book.crowd_at(side, price) <= 0:
                    self._offer(side, price, at)

    def _offer(self, side: Side, price: Price, at: Micros) -> None:
        """Quote a new price; whoever of ours stands in the way is traded with first."""
        size = self._depth()
        if self.book.crosses(side, price):
            took = self.book.take(side, price, size, at)
            size = Size(size - sum(part.size for part in took))
        if size > 0:
            self.book.quote(side, price, size, at)

    def _wanted(self) -> tuple[tuple[Side, list[Price]], tuple[Side, list[Price]]]:
        grid, levels = self.grid, self.crowd.levels
        last = len(grid.prices) - 1
        bid = min(grid.at_most(self._middle - self._half), last - 1)
        ask = min(last, max(bid + 1, grid.at_most(self._middle + self._half - 1) + 1))
        down = [bid - n * grid.stride for n in range(levels)]
        up = [ask + n * grid.stride for n in range(levels)]
        bids = [grid.prices[index] for index in down if index >= 0]
        asks = [grid.prices[index] for index in up if index <= last]
        return (Side.BID, bids), (Side.ASK, asks)

    def _resize(self, at: Micros) -> None:
        side = Side.BID if self.chance.random() < _EVEN else Side.ASK
        prices = list(self.book.levels(side))
        if prices:
            price = prices[int(self.chance.random() * len(prices))]
            if self.book.crowd_at(side, price) > 0:
                self.book.quote(side, price, self._depth(), at)

    def _depth(self) -> Size:
        part = 1 + int(self.chance.random() * _DEPTHS)
        return Size(max(1, 2 * part * self.crowd.depth // (_DEPTHS + 1)) * ONE_CONTRACT)

    def _thin(self) -> bool:
        """Tell whether somebody took away the best price the makers wanted to show."""
        crowd_at = self.book.crowd_at
        return any(not prices or not crowd_at(side, prices[0]) for side, prices in self._wanted())

    def _pick_half(self) -> int:
        choices = self.crowd.half_spreads
        return choices[int(self.chance.random() * len(choices))]
