"""Quotes on both sides of fair value, kept apart by volatility and leaned against the inventory.

Idea: whoever waits is paid the spread, and loses it to whoever knows more. All distances are in
log-odds, in which a cent near the border weighs as much as it should: fair value lies between the
midpoint and the size-weighted one; the middle of the quotes leans away from what is held
(Avellaneda and Stoikov 2008); they stand wider when prices move more, and are pulled after a
jump, near the close and from a stale book.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    NOTHING,
    ONE_CONTRACT,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Price,
    Probability,
    Size,
    complement,
    price,
)
from market_bot.core.domain.odds import (
    Path,
    from_log_odds,
    known_since,
    log_odds,
    mid_path,
    swing,
    volatility,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Signal, Wanted
from market_bot.core.domain.strategies.api import Strategy, fixed, knob
from market_bot.core.domain.view import Holdings, MarketView, View
from market_bot.core.domain.wishes import (
    believed,
    fee_per_contract,
    is_sound,
    move,
    positions_of,
    resting,
    wish,
)

_NAME: Final = "market_making"
_UNIT: Final = 1_000_000


@attrs.frozen(kw_only=True)
class Params:
    """Parameters; ratios named as log-odds are distances on that scale (0.04 is a cent at 0.50).

    ``stop_before_close_seconds`` 0 switches the condition off; otherwise a market whose close is
    not known is left alone.
    """

    size_contracts: int = knob(10, low="1", high="1000", step="5", unit="contract")
    max_inventory: int = knob(50, low="1", high="5000", step="10", unit="contract")
    skew: Price = knob(price("0.004"), low="0", high="0.1", step="0.002", unit="ratio")
    min_half_width: Price = knob(price("0.08"), low="0.01", high="0.5", step="0.01", unit="ratio")
    vol_multiple: Price = knob(price("1"), low="0", high="5", step="0.25", unit="ratio")
    vol_seconds: int = knob(120, low="10", high="600", step="30", unit="second")
    horizon_seconds: int = knob(10, low="1", high="120", step="5", unit="second")
    micro_weight: Price = knob(price("0.5"), low="0", high="1", step="0.1", unit="ratio")
    jump: Price = knob(price("0.4"), low="0.05", high="2", step="0.05", unit="ratio")
    jump_seconds: int = knob(30, low="5", high="300", step="5", unit="second")
    requote_ticks: int = knob(2, low="1", high="10", step="1", unit="tick")
    patience_seconds: int = knob(120, low="10", high="900", step="30", unit="second")
    max_book_age_seconds: int = knob(60, low="1", high="600", step="10", unit="second")
    stop_before_close_seconds: int = knob(600, low="0", high="86400", step="300", unit="second")
    price_min: Price = knob(price("0.05"), low="0.01", high="0.4", step="0.01", unit="dollar")
    reward_contracts_max: int = fixed(200)


def decide(view: View, params: Params, holdings: Holdings) -> Sequence[Wanted]:
    """Quote calm markets; pull what rests in the others."""
    wanted: list[Wanted] = []
    for seen in view.markets:
        name = seen.market.id
        held = positions_of(holdings, _NAME, name)
        wishes: list[Signal] = []
        if held is not None and _quotable(view, seen, params):
            wishes = list(_quotes(view.as_of, seen, params, held))
        mine = resting(holdings, _NAME, name)
        wanted.extend(move(seen.market, mine, wishes, params.requote_ticks))
    return wanted


def _quotable(view: View, seen: MarketView, params: Params) -> bool:
    middle = seen.mid(Leg.YES)
    if not is_sound(seen) or middle is None or not seen.bid_size or not seen.ask_size:
        return False
    if not params.price_min <= middle <= ONE_DOLLAR - params.price_min:
        return False
    if seen.book_age > params.max_book_age_seconds * SECOND:
        return False
    if params.stop_before_close_seconds:
        left = view.closes_in(seen.market)
        if left is None or left <= params.stop_before_close_seconds * SECOND:
            return False
    return True


def _calm(path: Path, now: Micros, params: Params) -> bool:
    # Until the whole span is known nobody can say that nothing jumped in it.
    since = Micros(now - params.jump_seconds * SECOND)
    return known_since(path, since) and round(swing(path, since, now) * _UNIT) <= params.jump


@attrs.frozen(kw_only=True)
class _Fair:
    """What YES is believed to be worth, and where the middle of the book is."""

    belief: Probability
    middle: Price


def _quotes(
    now: Micros, seen: MarketView, params: Params, held: dict[Leg, Position]
) -> Iterator[Signal]:
    bid, ask, middle = seen.bid, seen.ask, seen.mid(Leg.YES)
    if bid is None or ask is None or middle is None:
        return
    path = mid_path(seen.mids, now, middle)
    if not _calm(path, now, params):
        return
    inventory = _size(held, Leg.YES) - _size(held, Leg.NO)
    odds = fair_log_odds(seen, params.micro_weight)
    fair = _Fair(belief=from_log_odds(odds), middle=middle)
    leaned, half = odds - _lean(inventory, params), _half_width(path, now, params)
    low, high = Price(from_log_odds(leaned - half)), Price(from_log_odds(leaned + half))
    market = seen.market
    low_fee = fee_per_contract(market, low, Style.MAKER)
    high_fee = fee_per_contract(market, high, Style.MAKER)
    # One below the ask and one above the bid: a quote rests or is not made.
    buy_at = market.floor_to_tick(Price(min(low - low_fee, ask - 1)))
    sell_at = market.ceil_to_tick(Price(max(high + high_fee, bid + 1)))
    yield from _side(seen, Leg.YES, buy_at, fair, params, held, -inventory)
    yield from _side(seen, Leg.NO, complement(sell_at), fair, params, held, inventory)


def _lean(inventory: int, params: Params) -> float:
    return inventory / ONE_CONTRACT * params.skew / _UNIT


def _half_width(path: Path, now: Micros, params: Params) -> float:
    """Return how far from the middle quotes stand, in log-odds."""
    moving = volatility(path, Micros(now - params.vol_seconds * SECOND), now)
    spread = 0.0 if moving is None else moving.per_root_second * math.sqrt(params.horizon_seconds)
    return max(params.min_half_width / _UNIT, params.vol_multiple / _UNIT * spread)


def fair_log_odds(seen: MarketView, micro_weight: Price) -> float:
    """Return log-odds between those of the midpoint and those of the size-weighted midpoint.

    The latter leans towards the side that shows less: what is about to be used up.

    Raises:
        ValueError: unless both sides are quoted inside (0, 1) dollar with sizes.

    """
    bid, ask, middle = seen.bid, seen.ask, seen.mid(Leg.YES)
    shown = seen.bid_size + seen.ask_size
    if bid is None or ask is None or middle is None or shown <= 0:
        msg = f"{seen.market.id}: no fair value without two sides and their sizes"
        raise ValueError(msg)
    micro = Price((bid * seen.ask_size + ask * seen.bid_size) // shown)
    weight = micro_weight / _UNIT
    return (1.0 - weight) * log_odds(middle) + weight * log_odds(micro)


def _side(
    seen: MarketView,
    leg: Leg,
    at: Price,
    fair: _Fair,
    params: Params,
    held: dict[Leg, Position],
    room_used: int,
) -> Iterator[Signal]:
    """Yield the quote that buys a leg, by selling the other one where it is held."""
    other = held.get(leg.other)
    own = leg if other is None else leg.other
    own_at = at if other is None else complement(at)
    if not seen.market.on_grid(own_at):
        return
    if other is None:
        purpose = Purpose.ENTRY
        room = Size(max(0, params.max_inventory * ONE_CONTRACT + room_used))
        size = _entry_size(seen, leg, at, fair.middle, params, room)
    else:
        purpose = Purpose.EXIT
        size = Size(min(params.size_contracts * ONE_CONTRACT, other.settled))
    if size <= 0:
        return
    yield wish(
        seen,
        own,
        purpose,
        style=Style.MAKER,
        at=own_at,
        belief=believed(fair.belief, own),
        cost=fee_per_contract(seen.market, own_at, Style.MAKER, selling=purpose is Purpose.EXIT),
        patience=Duration(params.patience_seconds * SECOND),
        reason="quote",
        size=size,
    )


def _entry_size(
    seen: MarketView, leg: Leg, at: Price, middle: Price, params: Params, room: Size
) -> Size:
    market, reward = seen.market, seen.market.reward
    size = Size(params.size_contracts * ONE_CONTRACT)
    if reward is not None:
        enough = Size(-(-reward.min_size // market.size_step) * market.size_step)
        away = abs((at if leg is Leg.YES else complement(at)) - middle)
        allowed = min(room, params.reward_contracts_max * ONE_CONTRACT)
        if size < enough <= allowed and away <= reward.max_spread:
            size = enough
    return market.floor_to_step(Size(min(size, room)))


def _size(held: dict[Leg, Position], leg: Leg) -> Size:
    return held[leg].size if leg in held else NOTHING


strategy = Strategy(
    name=_NAME,
    summary="Quotes both sides around fair value, leaning against its inventory.",
    params=Params,
    decide=decide,
)
