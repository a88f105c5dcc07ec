"""Fade jumps of the quotes that nobody traded on.

Idea: a midpoint that jumps because somebody paid for it carries news; one that jumps because a
quote was pulled or a single order moved it often comes back. The leg that fell is bought when
hardly anything was printed in the direction of the fall, and sold when part of the way back is
done, when it falls further, or after a while. It loses when the news was real and the prints come
later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    ONE_CONTRACT,
    SECOND,
    Duration,
    Micros,
    Price,
    Probability,
    price,
)
from market_bot.core.domain.odds import (
    Path,
    from_log_odds,
    mean_between,
    mid_path,
    value_at,
)
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

_NAME: Final = "mean_reversion"
_UNIT: Final = 1_000_000


@attrs.frozen(kw_only=True)
class Params:
    """Parameters; ``reversion`` 1 expects all of the jump back, in log-odds.

    ``stop_before_close_seconds`` 0 switches the condition off; otherwise a market whose close is
    not known is left alone.
    """

    jump_min: Price = knob(price("0.06"), low="0.02", high="0.3", step="0.01", unit="dollar")
    window_seconds: int = knob(30, low="5", high="300", step="5", unit="second")
    base_seconds: int = knob(60, low="10", high="600", step="10", unit="second")
    prints_max: int = knob(20, low="0", high="1000", step="10", unit="contract")
    reversion: Price = knob(price("0.6"), low="0.1", high="1", step="0.1", unit="ratio")
    min_edge: Price = knob(price("0.01"), low="0.002", high="0.1", step="0.002", unit="dollar")
    stop: Price = knob(price("0.05"), low="0.01", high="0.3", step="0.01", unit="dollar")
    max_hold_seconds: int = knob(600, low="30", high="7200", step="60", unit="second")
    patience_seconds: int = knob(20, low="5", high="300", step="5", unit="second")
    price_min: Price = knob(price("0.05"), low="0.01", high="0.4", step="0.01", unit="dollar")
    price_max: Price = knob(price("0.95"), low="0.6", high="0.99", step="0.01", unit="dollar")
    stop_before_close_seconds: int = knob(900, low="0", high="86400", step="300", unit="second")
    prints_count_max: int = fixed(10)
    style: Style = fixed(Style.TAKER)


def decide(view: View, params: Params, holdings: Holdings) -> Sequence[Wanted]:
    """Leave what came back, fell further or got old; want the leg that fell for no reason."""
    wanted: list[Wanted] = []
    for seen in view.markets:
        held = positions_of(holdings, _NAME, seen.market.id)
        wishes: list[Signal] = []
        if seen.tradable and held:
            wishes = [s for one in held.values() for s in _leave(view, seen, one, params)]
        elif held is not None and _enterable(view, seen, params):
            wishes = list(_enter(view, seen, params))
        wanted.extend(move(seen.market, resting(holdings, _NAME, seen.market.id), wishes))
    return wanted


def _enterable(view: View, seen: MarketView, params: Params) -> bool:
    if not is_sound(seen):
        return False
    if not params.stop_before_close_seconds:
        return True
    left = view.closes_in(seen.market)
    return left is not None and left > params.stop_before_close_seconds * SECOND


def _enter(view: View, seen: MarketView, params: Params) -> Iterator[Signal]:
    leg = fallen(view, seen, params)
    middle = seen.mid(Leg.YES)
    if leg is None or middle is None:
        return
    path = mid_path(seen.mids, view.as_of, middle)
    target = _target(path, view.as_of, params)
    style = params.style
    at = take_price(seen, leg) if style is Style.TAKER else rest_price(seen, leg)
    if target is None or at is None or not params.price_min <= at <= params.price_max:
        return
    made = wish(
        seen,
        leg,
        Purpose.ENTRY,
        style=style,
        at=at,
        belief=believed(target, leg),
        cost=_round_trip(seen, at, style),
        patience=Duration(params.patience_seconds * SECOND),
        reason="jump_without_prints",
    )
    if made.edge >= params.min_edge:
        yield made


def fallen(view: View, seen: MarketView, params: Params) -> Leg | None:
    """Return the leg that fell by a jump without prints behind it, or None.

    What cannot be told counts as no jump: a market that never printed may be one whose prints the
    source does not tell, and a history that does not reach back far enough shows no jump.
    """
    middle = seen.mid(Leg.YES)
    since = Micros(view.as_of - params.window_seconds * SECOND)
    before = [mid.price for mid in seen.mids if mid.at <= since]
    if middle is None or not before or not seen.prints:
        return None
    jump = middle - before[-1]
    if abs(jump) < params.jump_min:
        return None
    # Who sells YES pushes it down: their prints took bids.
    pusher = Side.ASK if jump < 0 else Side.BID
    behind = [p.size for p in seen.prints if p.at > since and p.taker is pusher]
    if len(behind) > params.prints_count_max or sum(behind) > params.prints_max * ONE_CONTRACT:
        return None
    return Leg.YES if jump < 0 else Leg.NO


def _target(path: Path, moment: Micros, params: Params) -> Probability | None:
    """Return where YES was expected to go at a moment: part of the way back, in log-odds."""
    jumped = Micros(moment - params.window_seconds * SECOND)
    base = mean_between(path, Micros(jumped - params.base_seconds * SECOND), jumped)
    then = value_at(path, moment)
    if base is None or then is None:
        return None
    return from_log_odds(then + params.reversion / _UNIT * (base - then))


def _leave(view: View, seen: MarketView, held: Position, params: Params) -> Iterator[Signal]:
    at, middle = hit_price(seen, held.leg), seen.mid(held.leg)
    if at is None:
        return
    reason = _why_leave(view, seen, held, at, params)
    if reason is None:
        return
    yield wish(
        seen,
        held.leg,
        Purpose.EXIT,
        style=Style.TAKER,
        at=at,
        belief=Probability(min(_UNIT, max(0, at if middle is None else middle))),
        cost=fee_per_contract(seen.market, at, Style.TAKER, selling=True),
        patience=Duration(params.patience_seconds * SECOND),
        reason=reason,
    )


def _why_leave(
    view: View, seen: MarketView, held: Position, at: Price, params: Params
) -> str | None:
    if view.as_of - held.opened_at >= params.max_hold_seconds * SECOND:
        return "held_long_enough"
    paid = Price(-(-held.cost // held.size))
    middle = seen.mid(held.leg)
    if middle is not None and middle <= paid - params.stop:
        return "fell_further"
    # What the history no longer shows was at least the edge that was asked for.
    least = paid + _round_trip(seen, paid, params.style) + params.min_edge
    expected = _target_when_bought(view, seen, held, params)
    return "came_back" if at >= max(least, expected or 0) else None


def _target_when_bought(
    view: View, seen: MarketView, held: Position, params: Params
) -> Probability | None:
    middle = seen.mid(Leg.YES)
    if middle is None or not 0 < middle < _UNIT:
        return None
    path = mid_path(seen.mids, view.as_of, middle)
    target = _target(path, held.opened_at, params)
    return None if target is None else believed(target, held.leg)


def _round_trip(seen: MarketView, at: Price, style: Style) -> Price:
    """Return the fees of buying in this style and of selling at once to whoever bids."""
    bought = fee_per_contract(seen.market, at, style)
    return Price(bought + fee_per_contract(seen.market, at, Style.TAKER, selling=True))


strategy = Strategy(
    name=_NAME,
    summary="Fades jumps of the quotes that have no prints behind them.",
    params=Params,
    decide=decide,
)
