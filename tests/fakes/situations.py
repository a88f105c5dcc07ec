"""Markets and events as a strategy sees them; a test names only what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    HOUR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
    money,
)
from market_bot.core.domain.orders import Order
from market_bot.core.domain.view import Holdings, MarketView, View
from market_bot.core.domain.world import Mid, Print

from .builders import a_market, an_order, cents, contracts
from .clock import NOON


def seconds(number: float) -> Micros:
    """Return the moment so many seconds after noon."""
    return Micros(round(NOON + number * SECOND))


def a_seen(
    name: str = "M-1",
    bid: int | None = 48,
    ask: int | None = 52,
    *,
    depth: tuple[int, int] = (100, 100),
    **terms: Any,
) -> MarketView:
    """Return a market quoted in cents, with the sizes at bid and ask, that closes in five hours."""
    market = a_market(name, **({"close_at": Micros(NOON + 5 * HOUR)} | terms))
    return MarketView(
        market=market,
        tradable=True,
        bid=None if bid is None else cents(bid),
        ask=None if ask is None else cents(ask),
        bid_size=contracts(depth[0]) if bid is not None else Size(0),
        ask_size=contracts(depth[1]) if ask is not None else Size(0),
        book_age=Duration(0),
        last_trade=None,
    )


def remembering(seen: MarketView, *mids: tuple[float, float]) -> MarketView:
    """Return the market with midpoints in cents, by seconds after noon."""
    kept = tuple(Mid(seconds(at), Price(round(middle * 10_000))) for at, middle in mids)
    return attrs.evolve(seen, mids=kept)


def printing(seen: MarketView, *prints: tuple[float, Side, int]) -> MarketView:
    """Return the market with prints of so many contracts, by seconds after noon."""
    kept = tuple(Print(seconds(at), taker, cents(50), contracts(n)) for at, taker, n in prints)
    return attrs.evolve(seen, prints=kept)


def a_view(
    *markets: MarketView,
    at: Micros = NOON,
    history: Mapping[str, Sequence[tuple[Micros, str]]] | None = None,
) -> View:
    """Return an event at noon, with the changes of reference prices."""
    known = {name: tuple(points) for name, points in (history or {}).items()}
    return View(
        event="E-1",
        family="F-1",
        as_of=at,
        markets=markets,
        references={name: points[-1][1] for name, points in known.items() if points},
        history=known,
    )


def a_position(
    strategy: str,
    market: str = "M-1",
    leg: Leg = Leg.YES,
    size: int = 10,
    cost: str = "4.8",
    *,
    opened_at: Micros = NOON,
) -> Position:
    """Return a settled position of a strategy."""
    return Position(
        market=market,
        event="E-1",
        family="F-1",
        leg=leg,
        strategy=strategy,
        signal="s-1",
        size=contracts(size),
        cost=money(cost),
        opened_at=opened_at,
    )


def holding(*positions: Position, orders: Iterable[Order] = ()) -> Holdings:
    """Return what is held and what rests."""
    return Holdings(positions=positions, orders=tuple(orders), cash=Money(0))


def an_own_order(strategy: str, **changes: Any) -> Order:
    """Return a resting entry of ten contracts at 0.48 that a strategy sent."""
    return an_order(strategy=strategy, **changes)
