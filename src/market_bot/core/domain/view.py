"""What a strategy sees: one event at one tick, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs

from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import Leg, Market
from market_bot.core.domain.numbers import NOTHING, ONE_DOLLAR, Duration, Micros, Money, Price, Size
from market_bot.core.domain.orders import Order
from market_bot.core.domain.world import Mid, Print, Seen, World

# One for all pictures of a world without outside prices.
_NOTHING_KNOWN: Final[Mapping[str, Any]] = MappingProxyType({})
_NO_AGE: Final = Duration(0)


@attrs.frozen(kw_only=True, slots=False)
class MarketView:
    """One market at one tick; prices are YES prices, None where nobody quotes.

    ``tradable`` is false while the market is not open or its book not whole: then the quotes
    below say nothing. ``prints`` and ``mids`` are the latest trades and midpoints, oldest first.
    Nothing is made as often as this: without slots it takes a third less time.
    """

    market: Market
    tradable: bool
    bid: Price | None
    ask: Price | None
    bid_size: Size
    ask_size: Size
    book_age: Duration
    last_trade: Price | None
    prints: tuple[Print, ...] = ()
    mids: tuple[Mid, ...] = ()

    def buy_price(self, leg: Leg) -> Price | None:
        """Return the best price at which one can buy a leg, in that leg's own dollars."""
        if leg is Leg.YES:
            return self.ask
        return None if self.bid is None else Price(ONE_DOLLAR - self.bid)

    def sell_price(self, leg: Leg) -> Price | None:
        """Return the best price at which one can sell a leg, in that leg's own dollars."""
        return self.bid if leg is Leg.YES else self._no_bid()

    def mid(self, leg: Leg) -> Price | None:
        """Return the midpoint of a leg, rounded down to 1e-6 dollar in YES terms."""
        if self.bid is None or self.ask is None:
            return None
        middle = (self.bid + self.ask) // 2
        return Price(middle if leg is Leg.YES else ONE_DOLLAR - middle)

    def depth(self, leg: Leg) -> Size:
        """Return the size displayed at the price at which one can buy a leg."""
        return self.ask_size if leg is Leg.YES else self.bid_size

    def spread(self) -> Price | None:
        """Return best ask minus best bid, or None without both."""
        if self.bid is None or self.ask is None:
            return None
        return Price(self.ask - self.bid)

    def _no_bid(self) -> Price | None:
        return None if self.ask is None else Price(ONE_DOLLAR - self.ask)


@attrs.frozen(kw_only=True, slots=False)
class View:
    """One event at one tick: its markets and the reference prices.

    ``references`` are the latest outside prices as decimal text; ``history`` holds the changes of
    those that decide a market of this event, oldest first.
    """

    event: str
    family: str
    as_of: Micros
    markets: tuple[MarketView, ...]
    references: Mapping[str, str]
    history: Mapping[str, tuple[tuple[Micros, str], ...]] = attrs.field(factory=dict)

    def closes_in(self, market: Market) -> Duration | None:
        """Return the time until the announced close, or None if it is not known."""
        return None if market.close_at is None else Duration(market.close_at - self.as_of)


@attrs.frozen(kw_only=True)
class Holdings:
    """What a lane holds of one event: positions, live orders, and its free cash."""

    positions: tuple[Position, ...]
    orders: tuple[Order, ...]
    cash: Money


@attrs.define(eq=False)
class Views:
    """The pictures taken at one moment, so that several lanes of a world share each of them."""

    world: World
    _taken: dict[str, View] = attrs.field(factory=dict, init=False)
    _moment: tuple[int, Micros] = attrs.field(default=(-1, Micros(0)), init=False)

    def of(self, event: str, as_of: Micros) -> View:
        """Return the frozen picture of an event; the same one until something happens."""
        moment = (self.world.facts, as_of)
        if moment != self._moment:
            self._moment = moment
            self._taken.clear()
        view = self._taken.get(event)
        if view is None:
            view = self._taken[event] = view_of(self.world, event, as_of)
        return view


def view_of(world: World, event: str, as_of: Micros) -> View:
    """Return the frozen picture of an event."""
    markets = tuple([market_view(world, world.seen[m], as_of) for m in world.events[event]])
    family = markets[0].market.family if markets else ""
    if not world.references:
        return View(
            event=event,
            family=family,
            as_of=as_of,
            markets=markets,
            references=_NOTHING_KNOWN,
            history=_NOTHING_KNOWN,
        )
    names = {seen.market.reference for seen in markets}
    return View(
        event=event,
        family=family,
        as_of=as_of,
        markets=markets,
        references={name: known.value for name, known in world.references.items()},
        history={
            name: tuple(known.history) for name, known in world.references.items() if name in names
        },
    )


def market_view(world: World, seen: Seen, as_of: Micros) -> MarketView:
    """Return the frozen picture of one market."""
    seen.look(as_of)
    book = seen.book
    bid, ask = book.best_bid, book.best_ask
    age = as_of - book.changed_at
    return MarketView(
        market=seen.market,
        tradable=world.trades(seen),
        bid=bid,
        ask=ask,
        bid_size=NOTHING if bid is None else book.bids[bid],
        ask_size=NOTHING if ask is None else book.asks[ask],
        book_age=Duration(age) if age > 0 else _NO_AGE,
        last_trade=seen.last_trade,
        prints=seen.latest_prints(),
        mids=seen.latest_mids(),
    )
