"""Markets on a reference price, valued as binary and touch options.

Idea: "BTC above 100,000 at noon" is a binary option. Its fair value follows from spot, strike,
time and volatility, and volatility is measured from the reference price itself. Trade where the
market's price is further from that than fees and a margin.

The formulas take the reference for a martingale (no drift, no interest); v is volatility times
the root of the time left:

- at the end above the strike K: Φ(d2), d2 = ln(S/K) / v - v/2 (Black and Scholes 1973);
- touching the barrier H before the end, by the reflection principle for a drift of -v²/2 in the
  logarithm: Φ(-b/v - v/2) + S/H Φ(-b/v + v/2), b = ln(H/S), for one above; for one below
  Φ(-b/v + v/2) + S/H Φ(-b/v - v/2), b = ln(S/H) (Reiner and Rubinstein 1991).

It loses where returns have fat tails or volatility changes, where the venue settles on another
feed or on an average, and where others see the reference sooner.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import pairwise
from typing import Final, assert_never

import attrs

from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import Condition, Leg, Market
from market_bot.core.domain.numbers import (
    CERTAIN,
    HOUR,
    SECOND,
    Duration,
    Micros,
    Price,
    Probability,
    price,
    quantise,
)
from market_bot.core.domain.odds import Path, normal_cdf, volatility
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Signal, Wanted
from market_bot.core.domain.strategies.api import Strategy, fixed, knob
from market_bot.core.domain.view import Holdings, MarketView, View
from market_bot.core.domain.wishes import (
    believed,
    fee_per_contract,
    hit_price,
    is_sound,
    move,
    positions_of,
    rest_price,
    resting,
    take_price,
    wish,
)

_NAME: Final = "price_level"
_UNIT: Final = 1_000_000
_YEAR_SECONDS: Final = 31_557_600  # 365.25 days.
_LONGEST_NUMBER: Final = 40
_REMEMBERED: Final = 16_384  # A history is read again at every tick.
_TOUCHES: Final = frozenset({Condition.TOUCH_ABOVE, Condition.TOUCH_BELOW})


@attrs.frozen(kw_only=True)
class Params:
    """Parameters; volatilities are per year (0.5 is 50 %), prices those of the leg bought."""

    min_edge: Price = knob(price("0.03"), low="0.005", high="0.2", step="0.005", unit="dollar")
    exit_edge: Price = knob(price("0.02"), low="0", high="0.2", step="0.005", unit="dollar")
    vol_seconds: int = knob(600, low="30", high="3600", step="60", unit="second")
    vol_floor: Price = knob(price("0.2"), low="0.01", high="1", step="0.05", unit="ratio")
    vol_cap: Price = knob(price("2"), low="1", high="5", step="0.25", unit="ratio")
    min_samples: int = knob(60, low="10", high="600", step="10", unit="sample")
    max_reference_age_seconds: int = knob(5, low="1", high="60", step="1", unit="second")
    min_seconds_to_close: int = knob(10, low="0", high="3600", step="10", unit="second")
    max_hours_to_close: int = knob(24, low="1", high="720", step="12", unit="hour")
    patience_seconds: int = knob(30, low="5", high="300", step="5", unit="second")
    price_min: Price = knob(price("0.03"), low="0.01", high="0.4", step="0.01", unit="dollar")
    price_max: Price = knob(price("0.97"), low="0.6", high="0.99", step="0.01", unit="dollar")
    style: Style = fixed(Style.TAKER)


@attrs.frozen(kw_only=True)
class _Reading:
    """A reference's known history in logarithms, and its volatility per year.

    ``watched_since`` is the moment from which on it was told without a long break.
    """

    path: Path
    yearly: float
    watched_since: Micros

    @property
    def now(self) -> float:
        """The logarithm of the latest price."""
        return self.path[-1][1]

    def reached(self, level: float, since: Micros | None, sign: int) -> bool:
        """Tell whether a known price since a moment was at or above (below, for -1) a level."""
        first = 0 if since is None else bisect_left(self.path, since, key=_moment)
        values = [value for _, value in self.path[first:]]
        if not values:
            return False
        return max(values) >= level if sign > 0 else min(values) <= level


@attrs.frozen
class Fair:
    """What a market is worth, as the chance of YES.

    ``at_least`` means that it may be more: a touch before the known history cannot be excluded.
    """

    yes: Probability
    at_least: bool = False


def decide(view: View, params: Params, holdings: Holdings) -> Sequence[Wanted]:
    """Leave what turned out dear, want what is cheap by more than fees and the margin."""
    wanted: list[Wanted] = []
    names = {seen.market.reference for seen in view.markets if seen.tradable}
    readings = {name: _read(view, name, params) for name in names}
    for seen in view.markets:
        held = positions_of(holdings, _NAME, seen.market.id)
        reading = readings.get(seen.market.reference) if seen.tradable else None
        fair = _value(view, seen.market, reading)
        wishes: list[Signal] = []
        if fair is not None and held:
            wishes = [s for one in held.values() for s in _leave(seen, one, fair, params)]
        elif fair is not None and held is not None and is_sound(seen):
            wishes = list(_enter(view, seen, fair, params))
        wanted.extend(move(seen.market, resting(holdings, _NAME, seen.market.id), wishes))
    return wanted


def fair_value(view: View, market: Market, params: Params) -> Fair | None:
    """Return what a price market is worth, or None where that cannot be told.

    It cannot be told without reference, strike, condition and close, from a reference that is
    stale or has too short a history, or once the close has passed.
    """
    return _value(view, market, _read(view, market.reference, params))


def _value(view: View, market: Market, reading: _Reading | None) -> Fair | None:
    strike = _logarithm(market.strike)
    left = view.closes_in(market)
    if reading is None or strike is None or market.condition is None or left is None or left <= 0:
        return None
    spread = reading.yearly * math.sqrt(left / SECOND / _YEAR_SECONDS)
    away = reading.now - strike
    if market.condition not in _TOUCHES:
        return Fair(quantise(digital(away, spread, market.condition)))
    opened = market.open_at
    if reading.reached(strike, opened, 1 if market.condition is Condition.TOUCH_ABOVE else -1):
        return Fair(CERTAIN)
    seen_all = opened is not None and opened >= reading.watched_since
    return Fair(quantise(touch(away, spread, market.condition)), at_least=not seen_all)


def _read(view: View, name: str | None, params: Params) -> _Reading | None:
    """Return what is known of a reference; None if it is stale, short or not a price."""
    history = view.history.get(name or "", ())
    oldest = view.as_of - params.max_reference_age_seconds * SECOND
    if not history or not oldest <= history[-1][0] <= view.as_of:
        return None
    path: list[tuple[Micros, float]] = []
    for at, text in history:
        value = _logarithm(text)
        if value is None:
            return None
        path.append((at, value))
    moving = volatility(path, Micros(view.as_of - params.vol_seconds * SECOND), view.as_of)
    if moving is None or moving.samples < params.min_samples:
        return None
    yearly = moving.per_root_second * math.sqrt(_YEAR_SECONDS)
    bounded = max(params.vol_floor / _UNIT, min(params.vol_cap / _UNIT, yearly))
    longest = params.max_reference_age_seconds * SECOND
    breaks = [b for (a, _), (b, _) in pairwise(path) if b - a > longest]
    return _Reading(path=path, yearly=bounded, watched_since=breaks[-1] if breaks else path[0][0])


def _moment(point: tuple[Micros, float]) -> Micros:
    return point[0]


def digital(away: float, spread: float, condition: Condition) -> float:
    """Return the chance of ending above (or below) a strike: Φ(d2) without drift.

    Args:
        away: ln(spot / strike).
        spread: volatility times the root of the time left; positive.
        condition: what is asked about the end.

    Raises:
        ValueError: for a condition about the way, not the end.

    """
    above = normal_cdf(away / spread - spread / 2.0)
    match condition:
        case Condition.ABOVE | Condition.AT_LEAST:
            return above
        case Condition.BELOW:
            return 1.0 - above
        case Condition.TOUCH_ABOVE | Condition.TOUCH_BELOW:
            msg = f"{condition.value} is decided on the way, not at the end"
            raise ValueError(msg)
        case _:
            assert_never(condition)


def touch(away: float, spread: float, condition: Condition) -> float:
    """Return the chance that a price without drift meets a barrier before the end.

    Args:
        away: ln(spot / barrier).
        spread: volatility times the root of the time left; positive.
        condition: from which side; 1 if the barrier is met already.

    Raises:
        ValueError: for a condition about the end, not the way.

    """
    match condition:
        case Condition.TOUCH_ABOVE:
            sign = 1.0
        case Condition.TOUCH_BELOW:
            sign = -1.0
        case Condition.ABOVE | Condition.AT_LEAST | Condition.BELOW:
            msg = f"{condition.value} is decided at the end, not on the way"
            raise ValueError(msg)
        case _:
            assert_never(condition)
    distance = sign * away
    if distance >= 0:
        return 1.0
    there = normal_cdf(distance / spread - sign * spread / 2.0)
    back = normal_cdf(distance / spread + sign * spread / 2.0)
    # The second term is zero long before the ratio overflows.
    return there + (math.exp(away) * back if back else 0.0)


def _enter(view: View, seen: MarketView, fair: Fair, params: Params) -> Iterator[Signal]:
    left = view.closes_in(seen.market)
    if left is None or left < params.min_seconds_to_close * SECOND:
        return
    if left > params.max_hours_to_close * HOUR:
        return
    # Where a touch may have been missed, NO may be lost already.
    legs = (Leg.YES,) if fair.at_least else tuple(Leg)
    made = [wanted for leg in legs for wanted in _buy(seen, leg, fair, params)]
    if made:
        yield max(made, key=lambda signal: signal.edge)


def _buy(seen: MarketView, leg: Leg, fair: Fair, params: Params) -> Iterator[Signal]:
    style = params.style
    at = take_price(seen, leg) if style is Style.TAKER else rest_price(seen, leg)
    if at is None or not params.price_min <= at <= params.price_max:
        return
    made = wish(
        seen,
        leg,
        Purpose.ENTRY,
        style=style,
        at=at,
        belief=believed(fair.yes, leg),
        cost=fee_per_contract(seen.market, at, style),
        patience=Duration(params.patience_seconds * SECOND),
        reason="cheaper_than_fair",
    )
    if made.edge >= params.min_edge:
        yield made


def _leave(seen: MarketView, held: Position, fair: Fair, params: Params) -> Iterator[Signal]:
    at = hit_price(seen, held.leg)
    # Nobody knows that a YES is dear while all that is known is what it is worth at least.
    if at is None or (held.leg is Leg.YES and fair.at_least):
        return
    made = wish(
        seen,
        held.leg,
        Purpose.EXIT,
        style=Style.TAKER,
        at=at,
        belief=believed(fair.yes, held.leg),
        cost=fee_per_contract(seen.market, at, Style.TAKER, selling=True),
        patience=Duration(params.patience_seconds * SECOND),
        reason="edge_reversed",
    )
    if made.edge >= params.exit_edge:
        yield made


@lru_cache(maxsize=_REMEMBERED)
def _logarithm(text: str | None) -> float | None:
    if text is None or len(text) > _LONGEST_NUMBER:
        return None
    try:
        value = float(Decimal(text))
    except (InvalidOperation, OverflowError):
        return None
    return math.log(value) if 0.0 < value < math.inf else None


strategy = Strategy(
    name=_NAME,
    summary="Values markets on a reference price as binary and touch options.",
    params=Params,
    decide=decide,
)
