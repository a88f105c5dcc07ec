"""Favourite–longshot bias near resolution: buy the favourite a little below what it is worth.

Idea: cheap contracts win less often than they cost and dear ones more often (Kalshi, 2021-2025:
Bürgi, Deng and Whelan 2025), so the market's log-odds are too close to zero. The strategy
stretches them by ``gain`` and buys the favourite where the difference pays for the fees. It loses
when favourites collapse: many small gains against a few whole stakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain.market import LEGS, Leg
from market_bot.core.domain.numbers import (
    CERTAIN,
    HOUR,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Price,
    Probability,
    price,
)
from market_bot.core.domain.odds import from_log_odds, log_odds
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.strategies.api import Strategy, fixed, knob
from market_bot.core.domain.view import Holdings, MarketView, View
from market_bot.core.domain.wishes import fee_per_contract

_GAIN_UNIT: Final = 1_000_000


class Quote(Enum):
    """Where entries are placed."""

    MAKER = "maker"
    TAKER = "taker"


@attrs.frozen(kw_only=True)
class Params:
    """Parameters; prices are those of the favourite leg, in dollars.

    ``gain`` stretches log-odds (1 believes the market). ``max_hours_to_close`` 0 switches the
    condition off; otherwise a market whose close is not known is left alone.
    """

    gain: Price = knob(price("1.15"), low="1", high="1.5", step="0.05", unit="ratio")
    min_edge: Price = knob(price("0.01"), low="0.002", high="0.05", step="0.002", unit="dollar")
    price_min: Price = knob(price("0.80"), low="0.6", high="0.95", step="0.05", unit="dollar")
    price_max: Price = knob(price("0.98"), low="0.9", high="0.99", step="0.01", unit="dollar")
    max_hours_to_close: int = knob(48, low="1", high="720", step="12", unit="hour")
    patience_seconds: int = knob(120, low="10", high="900", step="30", unit="second")
    offset_ticks: int = knob(0, low="0", high="3", step="1", unit="tick")
    exit_below: Price = knob(price("0.50"), low="0.2", high="0.7", step="0.05", unit="dollar")
    style: Quote = fixed(Quote.MAKER)


def decide(view: View, params: Params, holdings: Holdings) -> Sequence[Signal]:
    """Leave favourites that fell, then want every favourite that is cheap enough."""
    held = {(p.market, p.leg) for p in holdings.positions}
    taken = {market for market, _ in held}
    signals: list[Signal] = []
    for seen in view.markets:
        if not seen.tradable:
            continue
        if seen.market.id not in taken:
            signals.extend(_enter(view, seen, params))
            continue
        for leg in LEGS:
            if (seen.market.id, leg) in held:
                signals.extend(_leave(seen, leg, params))
    return signals


def _enter(view: View, seen: MarketView, params: Params) -> Sequence[Signal]:
    middle = seen.mid(Leg.YES)
    if middle is None or not _soon(view.closes_in(seen.market), params):
        return ()
    leg = Leg.YES if 2 * middle >= ONE_DOLLAR else Leg.NO
    at = _entry_price(seen, leg, params)
    mid = seen.mid(leg)
    if at is None or mid is None or not params.price_min <= at <= params.price_max:
        return ()
    belief = stretch(mid, params.gain)
    style = Style(params.style.value)
    cost = fee_per_contract(seen.market, at, style)
    edge = Price(belief - at - cost)
    if edge < params.min_edge:
        return ()
    wish = Signal(
        market=seen.market.id,
        leg=leg,
        purpose=Purpose.ENTRY,
        style=style,
        price=at,
        belief=belief,
        edge=edge,
        cost=cost,
        patience=Duration(params.patience_seconds * SECOND),
        reason="favourite_underpriced",
    )
    return (wish,)


def _leave(seen: MarketView, leg: Leg, params: Params) -> Sequence[Signal]:
    mid, bid = seen.mid(leg), seen.sell_price(leg)
    if mid is None or bid is None or mid >= params.exit_below or not seen.market.on_grid(bid):
        return ()
    cost = fee_per_contract(seen.market, bid, Style.TAKER)
    belief = stretch(mid, params.gain)
    wish = Signal(
        market=seen.market.id,
        leg=leg,
        purpose=Purpose.EXIT,
        style=Style.TAKER,
        price=bid,
        belief=belief,
        edge=Price(bid - belief - cost),
        cost=cost,
        patience=Duration(params.patience_seconds * SECOND),
        reason="no_longer_favourite",
    )
    return (wish,)


def _soon(closes_in: Duration | None, params: Params) -> bool:
    if params.max_hours_to_close == 0:
        return True
    return closes_in is not None and 0 < closes_in <= params.max_hours_to_close * HOUR


def _entry_price(seen: MarketView, leg: Leg, params: Params) -> Price | None:
    ask, bid = seen.buy_price(leg), seen.sell_price(leg)
    market = seen.market
    if bid is None or ask is None:
        return None
    if params.style is Quote.TAKER:
        return ask if market.on_grid(ask) else None
    at = market.floor_to_tick(bid)
    for _ in range(params.offset_ticks):
        better = market.ceil_to_tick(Price(at + 1))
        if better >= ask:
            break
        at = better
    return at if market.on_grid(at) else None


def stretch(market: Price, gain: Price) -> Probability:
    """Return the market's probability with its log-odds multiplied by ``gain``."""
    if market <= 0:
        return Probability(0)
    if market >= ONE_DOLLAR:
        return CERTAIN
    return from_log_odds(log_odds(market) * (gain / _GAIN_UNIT))


strategy = Strategy(
    name="bias_harvest",
    summary="Buys favourites near resolution where the longshot bias leaves them cheap.",
    params=Params,
    decide=decide,
)
