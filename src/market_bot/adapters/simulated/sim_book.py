"""A matching book: price first, then time; what the crowd displays, and our orders among it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Market, MarketStatus, TickBand
from market_bot.core.domain.numbers import NOTHING, ONE_DOLLAR, Micros, Price, Size
from market_bot.core.ports.market_data import Sink

_BID: Final = Side.BID
_ASK: Final = Side.ASK


@attrs.define(eq=False)
class Waiting:
    """An order of ours in the queue of a price; ``left`` is what has not traded."""

    intent: str
    side: Side
    price: Price
    left: Size


@attrs.define(eq=False)
class _Place:
    """A place in a queue: an order of ours, or what the crowd has there."""

    size: int
    own: Waiting | None = None


@attrs.frozen
class Took:
    """What was taken at one price."""

    price: Price
    size: Size


class Held(Sink):
    """Keeps facts until somebody listens again, then repeats them in order."""

    def __init__(self) -> None:
        self._facts: list[tuple[str, tuple[Any, ...]]] = []

    def repeat(self, sink: Sink) -> None:
        """Tell everything that was kept, and forget it."""
        facts, self._facts = self._facts, []
        for name, arguments in facts:
            getattr(sink, name)(*arguments)

    def meta(self, market: Market, received: Micros) -> None:
        self._facts.append(("meta", (market, received)))

    def book(
        self,
        market: str,
        bids: Mapping[Price, Size],
        asks: Mapping[Price, Size],
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        self._facts.append(("book", (market, dict(bids), dict(asks), received, exchange)))

    def delta(
        self,
        market: str,
        side: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        self._facts.append(("delta", (market, side, price, size, received, exchange)))

    def trade(
        self,
        market: str,
        taker: Side,
        price: Price,
        size: Size,
        received: Micros,
        exchange: Micros | None,
    ) -> None:
        self._facts.append(("trade", (market, taker, price, size, received, exchange)))

    def reference(self, name: str, value: str, received: Micros, exchange: Micros | None) -> None:
        self._facts.append(("reference", (name, value, received, exchange)))

    def status(self, market: str, status: MarketStatus, received: Micros) -> None:
        self._facts.append(("status", (market, status, received)))

    def resolution(self, market: str, yes_payout: Price, received: Micros) -> None:
        self._facts.append(("resolution", (market, yes_payout, received)))

    def gap(self, market: str, reason: str, received: Micros) -> None:
        self._facts.append(("gap", (market, reason, received)))


class Outlet:
    """Where facts go: to whoever drains now, else into keeping until somebody does."""

    def __init__(self) -> None:
        self._held = Held()
        self.sink: Sink = self._held

    def open(self, sink: Sink) -> None:
        """Send what was kept and then everything else to ``sink``."""
        self._held.repeat(sink)
        self.sink = sink

    def close(self) -> None:
        """Keep everything from here on."""
        self.sink = self._held


@attrs.frozen
class Grid:
    """All prices of a market, ascending; ``stride`` of them make about a cent in the middle."""

    prices: tuple[Price, ...]
    stride: int

    def at_most(self, price: int) -> int:
        """Return the index of the highest price that is at most ``price``, 0 if there is none."""
        return max(0, bisect_right(self.prices, price) - 1)


def grid_of(ticks: Sequence[TickBand]) -> Grid:
    """Return the prices an order may carry under a tick structure."""
    prices = {Price(at) for band in ticks for at in range(band.start, band.end + 1, band.step)} - {
        0,
        ONE_DOLLAR,
    }
    middle = next(band for band in ticks if band.start <= ONE_DOLLAR // 2 <= band.end)
    return Grid(tuple(sorted(prices)), max(1, 10_000 // middle.step))


Filled = Callable[[str, Price, Size, Micros], None]


@attrs.define(eq=False)
class MatchingBook:
    """The displayed book of one market; our orders are part of what is displayed.

    Args:
        market: the market's id.
        outlet: hears of every change and every trade, at the moment it happens.
        filled: hears how much of an order of ours traded (intent, YES price, size, moment).
        bids, asks: displayed sizes by YES price.

    """

    market: str
    outlet: Outlet
    filled: Filled
    bids: dict[Price, Size] = attrs.field(factory=dict, init=False)
    asks: dict[Price, Size] = attrs.field(factory=dict, init=False)
    _queues: dict[tuple[Side, Price], list[_Place]] = attrs.field(factory=dict, init=False)

    @property
    def best_bid(self) -> Price | None:
        """The highest bid."""
        return max(self.bids) if self.bids else None

    @property
    def best_ask(self) -> Price | None:
        """The lowest ask."""
        return min(self.asks) if self.asks else None

    def levels(self, side: Side) -> dict[Price, Size]:
        """Return the displayed sizes of a side."""
        return self.bids if side is _BID else self.asks

    def show(self, at: Micros) -> None:
        """Tell the whole book."""
        self.outlet.sink.book(self.market, self.bids, self.asks, at, at)

    def crosses(self, side: Side, price: Price) -> bool:
        """Tell whether an order on ``side`` at ``price`` would trade at once."""
        if side is _BID:
            return bool(self.asks) and price >= min(self.asks)
        return bool(self.bids) and price <= max(self.bids)

    def crowd_at(self, side: Side, price: Price) -> Size:
        """Return what is displayed at a price without our own orders."""
        queue = self._queues.get((side, price)) if self._queues else None
        if queue is None:
            return self.levels(side).get(price, NOTHING)
        return Size(sum(place.size for place in queue if place.own is None))

    def quote(self, side: Side, price: Price, size: Size, at: Micros) -> None:
        """Let the crowd have exactly ``size`` at a price.

        What it adds queues at the end. What it withdraws comes from the end as well, so that our
        own place in the queue improves by trades and by whole levels that go, never by wishes.
        """
        queue = self._queues.get((side, price)) if self._queues else None
        if queue is None:
            self._set(side, price, size, at)
            return
        change = size - sum(place.size for place in queue if place.own is None)
        if change > 0:
            queue.append(_Place(change))
        for place in reversed(queue):
            if change >= 0:
                break
            if place.own is None:
                part = min(place.size, -change)
                place.size -= part
                change += part
        self._tidy(side, price, queue, at)

    def clear_crowd(self, at: Micros) -> None:
        """Let the crowd withdraw everything."""
        for side in (_BID, _ASK):
            for price in list(self.levels(side)):
                self.quote(side, price, NOTHING, at)

    def rest(self, order: Waiting, at: Micros) -> Size:
        """Put an order of ours at the end of its queue; return the size in front of it."""
        key = (order.side, order.price)
        queue = self._queues.get(key)
        if queue is None:
            here = self.levels(order.side).get(order.price, NOTHING)
            queue = self._queues[key] = [_Place(here)] if here else []
        ahead = sum(place.size for place in queue)
        queue.append(_Place(order.left, order))
        self._tidy(order.side, order.price, queue, at)
        return Size(ahead)

    def remove(self, order: Waiting, at: Micros) -> None:
        """Take an order of ours out of the book, if it is there."""
        queue = self._queues.get((order.side, order.price), [])
        for place in queue:
            if place.own is order:
                queue.remove(place)
                self._tidy(order.side, order.price, queue, at)
                return

    def take(
        self, taker: Side, limit: Price, most: Size, at: Micros, *, ours: bool = False
    ) -> list[Took]:
        """Trade against what is displayed, best price first, up to a limit price and a size.

        An order of ours stops in front of our own orders instead of trading with them.
        """
        side = taker.other
        levels = self.levels(side)
        left, took = int(most), list[Took]()
        while left > 0 and levels:
            price = min(levels) if taker is _BID else max(levels)
            if (price > limit) if taker is _BID else (price < limit):
                break
            queue = self._queues.get((side, price)) if self._queues else None
            if queue is None:
                part = min(left, levels[price])
                self.outlet.sink.trade(self.market, taker, price, Size(part), at, at)
                self._set(side, price, Size(levels[price] - part), at)
            else:
                part = self._take_queue(side, price, queue, left, at, ours=ours)
                if part <= 0:
                    break
            took.append(Took(price, Size(part)))
            left -= part
        return took

    def _take_queue(
        self, side: Side, price: Price, queue: list[_Place], most: int, at: Micros, *, ours: bool
    ) -> int:
        left = most
        own: list[tuple[str, Size]] = []
        for place in queue:
            if left <= 0 or (ours and place.own is not None):
                break
            part = min(left, place.size)
            place.size -= part
            left -= part
            if place.own is not None:
                place.own.left = Size(place.size)
                own.append((place.own.intent, Size(part)))
        done = most - left
        if done > 0:
            self.outlet.sink.trade(self.market, side.other, price, Size(done), at, at)
            self._tidy(side, price, queue, at)
        for intent, size in own:
            self.filled(intent, price, size, at)
        return done

    def _tidy(self, side: Side, price: Price, queue: list[_Place], at: Micros) -> None:
        queue[:] = [place for place in queue if place.size > 0]
        if all(place.own is None for place in queue):
            self._queues.pop((side, price), None)
        self._set(side, price, Size(sum(place.size for place in queue)), at)

    def _set(self, side: Side, price: Price, size: Size, at: Micros) -> None:
        levels = self.bids if side is _BID else self.asks
        if levels.get(price, 0) == size:
            return
        if size > 0:
            levels[price] = size
        else:
            del levels[price]
        self.outlet.sink.delta(self.market, side, price, size, at, at)
