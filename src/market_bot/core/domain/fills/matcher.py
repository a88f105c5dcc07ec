"""All of our paper orders in one market: on their way, resting, filled, at an end.

Time is the time in which we see the venue. At one moment orders expire first, then the market's
facts count, then our own orders and cancels arrive, in the order in which they were sent. What has
arrived by a fact is seen to before that fact is applied, so that it makes no difference how facts
are cut into portions.
"""

from __future__ import annotations

import bisect
from abc import abstractmethod
from collections.abc import Callable, Container, Mapping
from operator import attrgetter
from typing import Final, Protocol

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.fills.queue import Place, Struck
from market_bot.core.domain.fills.taker import walk
from market_bot.core.domain.fills.terms import FillModel
from market_bot.core.domain.market import Leg, MarketStatus
from market_bot.core.domain.numbers import NOTHING, ONE_DOLLAR, Micros, Price, Size
from market_bot.core.domain.orders import Style
from market_bot.core.domain.world import Seen, Watcher, World

_BID: Final = Side.BID
_OPEN: Final = MarketStatus.OPEN
_LIVE: Final = (MarketStatus.OPEN, MarketStatus.PAUSED)
_NEVER_DUE: Final = Micros(2**63 - 1)


@attrs.define(eq=False, kw_only=True)
class PaperOrder:
    """An order of ours as the venue has it, in YES terms.

    Args:
        intent: its id.
        side: the side on which it rests; a taker takes from the other one.
        price: its limit, a YES price.
        left: contracts still wanted.
        style: whether it waits or takes.
        arrives: when it is at the venue.
        expires: from when on it is not any more.

    ``place`` is its place in the queue, if it has any; ``at_sending`` what was displayed to it when
    it was sent, None if that does not matter; ``leaves`` when a cancel of it arrives.

    """

    intent: str
    side: Side
    price: Price
    left: Size
    style: Style
    arrives: Micros
    expires: Micros
    place: Place | None = attrs.field(default=None, init=False)
    at_sending: Mapping[Price, Size] | None = attrs.field(default=None, init=False)
    leaves: Micros | None = attrs.field(default=None, init=False)


class Told(Protocol):
    """Hears what becomes of paper orders."""

    @abstractmethod
    def got(self, order: PaperOrder, price: Price, size: Size, at: Micros) -> None:
        """Hear that an order traded at a YES price."""

    @abstractmethod
    def over(self, order: PaperOrder, reason: str) -> None:
        """Hear that nothing more will fill; not told of an order that is filled whole."""

    @abstractmethod
    def done(self, order: PaperOrder) -> None:
        """Hear that an order is gone, for whatever reason."""


@attrs.frozen
class _Errand:
    """Something of ours on its way to the venue; ``at_once`` if it takes no time."""

    at: Micros
    run: Callable[[Micros], None]
    at_once: bool = False

    @property
    def due(self) -> Micros:
        """From when on it is sure that all facts up to its arrival are known.

        At its own moment facts still come first; only what takes no time waits for no more.
        """
        return self.at if self.at_once else Micros(self.at + 1)


@attrs.frozen
class _Minded(Container[Price]):
    """Prices of one side that matter to us: some by themselves, and a stretch of them."""

    alone: set[Price]
    least: Price
    most: Price

    def __contains__(self, price: object) -> bool:
        stretch = isinstance(price, int) and self.least <= price <= self.most
        return stretch or price in self.alone


@attrs.define(eq=False)
class Matcher(Watcher):
    """Matches our orders in one market against what happens there.

    Args:
        world: the market as consumed.
        seen: the market.
        model: what is believed of the queue.
        makers: whether the data can tell when a resting order fills.
        told: hears what becomes of the orders.

    ``due`` is no later than the next moment at which something happens by itself.

    """

    world: World
    seen: Seen
    model: FillModel
    makers: bool
    told: Told
    due: Micros = attrs.field(default=_NEVER_DUE, init=False)
    _errands: list[_Errand] = attrs.field(factory=list, init=False)
    _coming: dict[str, PaperOrder] = attrs.field(factory=dict, init=False)
    _resting: dict[str, PaperOrder] = attrs.field(factory=dict, init=False)
    _used: dict[Side, dict[Price, Size]] = attrs.field(
        factory=lambda: {side: {} for side in Side}, init=False
    )
    _struck: dict[Side, Struck] = attrs.field(
        factory=lambda: {side: Struck(side) for side in Side}, init=False
    )

    # -- what we do --------------------------------------------------------------------------

    def send(self, order: PaperOrder) -> None:
        """Put an order on its way."""
        self.world.watch(self.seen, self)
        self._coming[order.intent] = order
        if order.style is Style.MAKER:
            order.place = Place(self.model, self._displayed(order.side, order.price))
        elif self.model is FillModel.PESSIMISTIC:
            order.at_sending = self._within(order)
        self._later(_Errand(order.arrives, lambda at: self._arrive(order, at)))

    def put(self, order: PaperOrder) -> str | None:
        """Have an order arrive at the moment it is sent.

        Returns:
            Why it is refused; None if it is not.

        """
        self._pass_time(order.arrives, order.arrives)
        if order.style is Style.MAKER and self._crosses(order):
            return "post_only_cross"
        self.world.watch(self.seen, self)
        if order.style is Style.MAKER:
            order.place = Place(self.model, self._displayed(order.side, order.price))
        self._match(order, order.arrives)
        return None

    def cancel(self, intent: str, sent: Micros, arrives: Micros) -> None:
        """Put a cancel on its way; it never overtakes its order, and the first one counts."""
        order = self._resting.get(intent) or self._coming.get(intent)
        if order is None or order.leaves is not None:
            return
        order.leaves = max(arrives, order.arrives)
        at_once = order.leaves == sent
        self._later(_Errand(order.leaves, lambda _: self._end(order, "cancelled"), at_once))

    def catch_up(self, at: Micros) -> None:
        """See to everything up to a moment whose facts are all known."""
        if at >= self.due:
            at_once = any(errand.at_once for errand in self._errands if errand.at == at)
            self._pass_time(at, at if at_once else Micros(at - 1))

    def displayed_ahead(self, intent: str) -> Size | None:
        """Return what stands before a resting order, None if that cannot be told."""
        order = self._resting.get(intent)
        return None if order is None or order.place is None else order.place.ahead

    def conclude(self, at: Micros) -> None:
        """See to what is there by a moment after which no facts are told; the rest never arrives.

        What happens between that moment and an arrival nobody will ever know.
        """
        self._pass_time(at, at)
        for order in list(self._coming.values()):
            self._end(order, "never_arrived")

    def drop(self) -> None:
        """End every order: the market is forgotten."""
        for order in (*self._resting.values(), *self._coming.values()):
            self._end(order, "market_closed")
        self._errands.clear()

    # -- what happens in the market ------------------------------------------------------------

    def quiet_until(self) -> Micros:
        return self.due

    def minded(self) -> Mapping[Side, Container[Price]]:
        minded = {side: set(used) for side, used in self._used.items()}
        for orders in (self._resting, self._coming):
            for order in orders.values():
                minded[order.side].add(order.price)
        # What is on its way meets nobody yet; it arrives by time, and then all is told.
        return {side: _Minded(alone, *self._reach(side)) for side, alone in minded.items()}

    def before(self, at: Micros) -> None:
        if at >= self.due:
            self._pass_time(at, Micros(at - 1))

    def level(self, side: Side, price: Price, size: Size, at: Micros) -> None:
        self.before(at)
        used = self._used[side]
        if price in used:
            self._shrink(used, price, size)
        for orders in (self._resting, self._coming):
            for order in orders.values():
                if order.price == price and order.side is side and order.place is not None:
                    order.place.displayed(size, at)
        self._strike(side, price, size, at)

    def book(self, bids: Mapping[Price, Size], asks: Mapping[Price, Size], at: Micros) -> None:
        self.before(at)
        for side, shown in ((Side.BID, bids), (Side.ASK, asks)):
            used = self._used[side]
            for price in list(used):
                self._shrink(used, price, shown.get(price, NOTHING))
        for orders in (self._resting, self._coming):
            for order in orders.values():
                if order.place is not None:
                    shown = bids if order.side is _BID else asks
                    order.place.displayed(shown.get(order.price, NOTHING), at)
        for side, levels in ((Side.BID, bids), (Side.ASK, asks)):
            least, most = self._reach(side)
            meeting = [price for price in levels if least <= price <= most]
            for price in sorted(meeting, reverse=side is _BID):
                self._strike(side, price, levels[price], at)

    def trade(self, taker: Side, price: Price, size: Size, at: Micros) -> None:
        self.before(at)
        # What prints after the close is late news, or somebody who knows the outcome; and what
        # prints while the book is lost cannot be put in relation to it.
        if not self.makers or not self._trading() or not self.seen.book.whole or size <= 0:
            return
        for order in self._coming.values():
            if order.price == price and order.side is not taker and order.place is not None:
                order.place.reached(size, at)
        self._share(taker, price, size, at)

    def status(self, status: MarketStatus, at: Micros) -> None:
        self.before(at)
        if status not in _LIVE:
            for order in list(self._resting.values()):
                self._end(order, "market_closed")

    # -- matching ------------------------------------------------------------------------------

    def _share(self, taker: Side, price: Price, size: Size, at: Micros) -> None:
        """Let one print serve our orders: the best price first, then whoever came first.

        As at a venue, an order gets nothing while one before it is not filled; but what was printed
        shortens the queue of every order that it reached. What we had from the display of the same
        side a moment ago may be told by this print, and is not had again.
        """
        struck = self._struck[taker]
        ours, had, again, blocked = 0, struck.told(price, at), 0, False
        for order in self._met(taker, price):
            place = order.place
            if place is None:
                continue
            at_ours = order.price == price
            beyond = place.reached(size, at) if at_ours else place.passed(size, at)
            if blocked:
                continue
            free = max(0, beyond - ours)
            again = max(again, min(had, free))
            part = Size(min(order.left, max(0, free - had)))
            ours += part
            if part:
                self._fill(order, order.price, part, at)
            blocked = order.left > 0
        struck.explained(price, Size(again))

    def _strike(self, side: Side, price: Price, size: Size, at: Micros) -> None:
        """Let what is displayed at a price trade with those of our orders that it meets.

        At the venue it would not be displayed: whoever came to quote there met us first. It speaks
        of its own price alone, so that it makes no difference what else is told, or when.
        """
        if size <= 0 or not self.makers or not self._trading():
            return
        used = self._used[side]
        for order in self._met(side, price):
            had = used.get(price, NOTHING)
            part = Size(min(order.left, size - had))
            if part <= 0:
                break
            used[price] = Size(had + part)
            self._struck[side].add(price, part, at)
            self._fill(order, order.price, part, at)

    def _met(self, side: Side, price: Price) -> list[PaperOrder]:
        """Return what of ours rests where somebody of the other side, at a price, would trade."""
        resting = [order for order in self._resting.values() if order.side is not side]
        buying = side is not _BID  # ours
        met = [o for o in resting if (o.price >= price if buying else o.price <= price)]
        met.sort(key=attrgetter("price"), reverse=buying)
        return met

    def _reach(self, side: Side) -> tuple[Price, Price]:
        """Return from which to which price somebody of a side would trade with what rests here."""
        own = [order.price for order in self._resting.values() if order.side is not side]
        if not own or not self.makers:
            return ONE_DOLLAR, Price(0)
        return (min(own), ONE_DOLLAR) if side is _BID else (Price(0), max(own))

    def _arrive(self, order: PaperOrder, at: Micros) -> None:
        if self._coming.pop(order.intent, None) is not None:
            self._match(order, at)

    def _match(self, order: PaperOrder, at: Micros) -> None:
        refused = self._refused(order, at)
        if refused is not None:
            self._end(order, refused)
        elif order.style is Style.TAKER:
            self._take(order, at)
        else:
            self._resting[order.intent] = order
            if order.place is not None:
                order.place.arrive()
            self.due = min(self.due, order.expires)

    def _refused(self, order: PaperOrder, at: Micros) -> str | None:
        if order.expires <= at:
            return "expired"
        if not self._trading():
            return "market_closed"
        if not self.world.trades(self.seen):
            return "book_unsound"
        if order.style is Style.MAKER and self._crosses(order):
            return "post_only_cross"
        return None

    def _take(self, order: PaperOrder, at: Micros) -> None:
        selling = order.side is not _BID
        book = self.seen.book
        levels = book.demand(Leg.YES) if selling else book.offers(Leg.YES)
        used = self._used[order.side.other]
        got = walk(
            levels, used, order.price, order.left, selling=selling, at_sending=order.at_sending
        )
        for level in got:
            used[level.price] = Size(used.get(level.price, NOTHING) + level.size)
            self._fill(order, level.price, level.size, at)
        if order.left > 0:
            self._end(order, "nothing_more_displayed")

    def _fill(self, order: PaperOrder, price: Price, size: Size, at: Micros) -> None:
        order.left = Size(order.left - size)
        self.told.got(order, price, size, at)
        if order.left <= 0:
            self._leave(order)

    def _end(self, order: PaperOrder, reason: str) -> None:
        if order.left > 0:
            self.told.over(order, reason)
            order.left = NOTHING
            self._leave(order)

    def _leave(self, order: PaperOrder) -> None:
        self._resting.pop(order.intent, None)
        self._coming.pop(order.intent, None)
        self.told.done(order)
        self._relax()

    # -- time ----------------------------------------------------------------------------------

    def _later(self, errand: _Errand) -> None:
        bisect.insort(self._errands, errand, key=attrgetter("at"))
        self.due = min(self.due, errand.due)

    def _pass_time(self, at: Micros, last: Micros) -> None:
        """Do the errands that arrive up to ``last``, and expire what expires up to ``at``."""
        while self._errands and self._errands[0].at <= last:
            errand = self._errands.pop(0)
            self._expire(errand.at)
            errand.run(errand.at)
        self._expire(at)
        ends = [order.expires for order in self._resting.values()]
        ends += [errand.due for errand in self._errands]
        self.due = min(ends, default=_NEVER_DUE)

    def _expire(self, at: Micros) -> None:
        over = [order for order in self._resting.values() if order.expires <= at]
        for order in over:
            self._end(order, "expired")

    def _relax(self) -> None:
        """Stop watching the market once nothing of ours depends on it."""
        idle = not self._resting and not self._coming
        if idle and not any(self._used.values()):
            self.world.unwatch(self.seen, self)

    def _shrink(self, used: dict[Price, Size], price: Price, shown: Size) -> None:
        """Forget what we took of a level that shows less by now; what comes back is new."""
        if shown > 0:
            used[price] = min(used[price], shown)
        else:
            del used[price]
            self._relax()

    # -- what is displayed ---------------------------------------------------------------------

    def _trading(self) -> bool:
        return self.world.venue_status is _OPEN and self.seen.status is _OPEN

    def _displayed(self, side: Side, price: Price) -> Size:
        book = self.seen.book
        return (book.bids if side is _BID else book.asks).get(price, NOTHING)

    def _crosses(self, order: PaperOrder) -> bool:
        book = self.seen.book
        if order.side is _BID:
            return book.best_ask is not None and order.price >= book.best_ask
        return book.best_bid is not None and order.price <= book.best_bid

    def _within(self, order: PaperOrder) -> Mapping[Price, Size]:
        book, limit = self.seen.book, order.price
        if order.side is _BID:
            return {price: size for price, size in book.asks.items() if price <= limit}
        return {price: size for price, size in book.bids.items() if price >= limit}
