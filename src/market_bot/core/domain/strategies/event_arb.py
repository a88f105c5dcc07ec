"""Buy every outcome of an event for less than the set must pay.

Idea: if at most one market of an event can end YES, all NO but at most one pay, so n NO contracts
bought for less than n - 1 dollars win whatever happens. If it is *proven* that one must end YES,
all YES contracts together pay a dollar. Fees are counted; voids are not. YES and NO of the *same*
market cannot pay on venues that mirror their books: an ask for NO is a bid for YES there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from market_bot.core.domain.fees import fee
from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    NOTHING,
    ONE_CONTRACT,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Money,
    Price,
    Probability,
    Size,
    price,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.strategies.api import Strategy, knob
from market_bot.core.domain.view import Holdings, MarketView, View
from market_bot.core.domain.wishes import believed, fee_per_contract, hit_price, take_price, wish

_NAME: Final = "event_arb"
_LEAST_LEGS: Final = 2
_ROUNDS_MAX: Final = 32


@attrs.frozen(kw_only=True)
class Params:
    """Parameters; ``min_edge`` is the least sure gain of one set, after fees.

    ``max_contracts`` is the most that is held of each leg.
    """

    min_edge: Price = knob(price("0.01"), low="0.002", high="0.1", step="0.002", unit="dollar")
    max_contracts: int = knob(20, low="1", high="1000", step="5", unit="contract")
    patience_seconds: int = knob(5, low="1", high="60", step="1", unit="second")
    orphan_seconds: int = knob(60, low="1", high="3600", step="30", unit="second")


@attrs.frozen(kw_only=True)
class Bundle:
    """The same leg of every market of an event, and what one contract of each pays together."""

    leg: Leg
    payout: Price
    legs: tuple[MarketView, ...]


def decide(view: View, params: Params, holdings: Holdings) -> Sequence[Signal]:
    """Mend the sets that are held unevenly; if there are none, want the best one that pays."""
    inside = {seen.market.id for seen in view.markets}
    positions = holdings.positions
    if any(held.strategy != _NAME or held.market not in inside for held in positions):
        return ()
    # Legs under way: what they bring decides what is missing.
    if any(order.strategy == _NAME and order.state.live for order in holdings.orders):
        return ()
    if uneven := [leg for leg in Leg if _is_uneven(view, _held(holdings, leg))]:
        return [
            signal for leg in uneven for signal in _mend(view, params, leg, _held(holdings, leg))
        ]
    return list(_enter(view, params, holdings))


def bundles(view: View) -> Iterator[Bundle]:
    """Yield the sets of this event whose least payout is proven, voids aside."""
    markets = view.markets
    if len(markets) < _LEAST_LEGS:
        return
    if all(seen.market.at_most_one for seen in markets):
        payout = Price((len(markets) - 1) * ONE_DOLLAR)
        yield Bundle(leg=Leg.NO, payout=payout, legs=markets)
    if all(seen.market.exhaustive for seen in markets):
        yield Bundle(leg=Leg.YES, payout=ONE_DOLLAR, legs=markets)


def _enter(view: View, params: Params, holdings: Holdings) -> Iterator[Signal]:
    best: tuple[Money, Bundle, Size] | None = None
    for bundle in bundles(view):
        size = _set_size(bundle, params, _held(holdings, bundle.leg))
        outlay = _outlay(bundle.leg, [(seen, size) for seen in bundle.legs])
        if size <= 0 or outlay is None:
            continue
        gain = Money(bundle.payout * size - outlay)
        if gain >= params.min_edge * size and (best is None or gain > best[0]):
            best = gain, bundle, size
    if best is not None:
        _, bundle, size = best
        for seen in bundle.legs:
            yield from _take(view, seen, bundle.leg, size, params, f"{bundle.leg.value}_set")


def _set_size(bundle: Bundle, params: Params, held: Mapping[str, Position]) -> Size:
    """Return what every leg shows, within the cap, in a size that every market trades."""
    most = max((p.size for p in held.values()), default=NOTHING)
    size = Size(max(0, params.max_contracts * ONE_CONTRACT - most))
    if not all(seen.tradable for seen in bundle.legs):
        return NOTHING
    size = min([size, *(seen.depth(bundle.leg) for seen in bundle.legs)])
    # Markets with different steps: round down until all agree, at zero at the latest.
    for _ in range(_ROUNDS_MAX):
        stepped = min(seen.market.floor_to_step(size) for seen in bundle.legs)
        if stepped == size:
            break
        size = stepped
    return size if all(size == seen.market.floor_to_step(size) for seen in bundle.legs) else NOTHING


def _outlay(leg: Leg, wanted: Sequence[tuple[MarketView, Size]]) -> Money | None:
    """Return what it costs to take these sizes, fees included; None if a leg cannot be bought."""
    total = 0
    for seen, size in wanted:
        at = take_price(seen, leg)
        if at is None or not seen.tradable or not seen.market.floor_to_step(size):
            return None
        total += at * size + fee(seen.market.fees, at, size, Style.TAKER, selling=False)
    return Money(total)


def _is_uneven(view: View, held: Mapping[str, Position]) -> bool:
    sizes = {_size(held, seen) for seen in view.markets}
    # A leg that is gone from a market that does not trade may have been paid out already.
    paid_out = any(not seen.tradable and not _size(held, seen) for seen in view.markets)
    return len(sizes) > 1 and not paid_out


def _mend(view: View, params: Params, leg: Leg, held: Mapping[str, Position]) -> Iterator[Signal]:
    """Yield the missing legs if the set still pays with what was paid, else sell the surplus."""
    complete = min(_size(held, seen) for seen in view.markets)
    most = max(_size(held, seen) for seen in view.markets)
    missing = [(seen, Size(most - _size(held, seen))) for seen in view.markets]
    missing = [(seen, size) for seen, size in missing if size]
    bundle = next((bundle for bundle in bundles(view) if bundle.leg is leg), None)
    outlay = _outlay(leg, missing)
    paid = sum(_paid(seen, held, Size(_size(held, seen) - complete)) for seen in view.markets)
    if bundle and outlay is not None and paid + outlay <= bundle.payout * (most - complete):
        for seen, size in missing:
            yield from _take(view, seen, leg, size, params, f"{leg.value}_set_completed")
        return
    for seen in view.markets:
        surplus = Size(_size(held, seen) - complete)
        if surplus and view.as_of - held[seen.market.id].opened_at >= _wait(params):
            yield from _leave(seen, leg, surplus, params)


def _paid(seen: MarketView, held: Mapping[str, Position], size: Size) -> Money:
    """Return what part of a position cost, with the fee as it would be at its average price."""
    if size <= 0:
        return Money(0)
    position = held[seen.market.id]
    average = Price(-(-position.cost // position.size))
    charged = fee(seen.market.fees, average, size, Style.TAKER, selling=False)
    return Money(average * size + charged)


def _take(
    view: View, seen: MarketView, leg: Leg, size: Size, params: Params, reason: str
) -> Iterator[Signal]:
    at = take_price(seen, leg)
    if at is None:
        return
    charged = fee(seen.market.fees, at, size, Style.TAKER, selling=False)
    yield wish(
        seen,
        leg,
        Purpose.ENTRY,
        style=Style.TAKER,
        at=at,
        belief=_belief(view, seen, leg),
        cost=Price(-(-charged // size)),
        patience=Duration(params.patience_seconds * SECOND),
        reason=reason,
        size=size,
        group=reason,
    )


def _leave(seen: MarketView, leg: Leg, size: Size, params: Params) -> Iterator[Signal]:
    at = hit_price(seen, leg)
    if at is None or not seen.tradable:
        return
    middle = seen.mid(leg)
    yield wish(
        seen,
        leg,
        Purpose.EXIT,
        style=Style.TAKER,
        at=at,
        belief=_clipped(at if middle is None else middle),
        cost=fee_per_contract(seen.market, at, Style.TAKER, selling=True),
        patience=Duration(params.patience_seconds * SECOND),
        reason="orphan_leg",
        size=size,
    )


def _belief(view: View, seen: MarketView, leg: Leg) -> Probability:
    """Return the leg's share of the event: prices of YES made to add up to one."""
    prices = [other.bid if leg is Leg.NO else other.ask for other in view.markets]
    own = seen.bid if leg is Leg.NO else seen.ask
    total = sum(at for at in prices if at is not None)
    if own is None or None in prices or total <= 0:
        own, total = own or Price(0), ONE_DOLLAR
    return believed(_clipped(Price(own * ONE_DOLLAR // total)), leg)


def _clipped(at: Price) -> Probability:
    return Probability(min(ONE_DOLLAR, max(0, at)))


def _wait(params: Params) -> Duration:
    return Duration(params.orphan_seconds * SECOND)


def _held(holdings: Holdings, leg: Leg) -> dict[str, Position]:
    return {held.market: held for held in holdings.positions if held.leg is leg}


def _size(held: Mapping[str, Position], seen: MarketView) -> Size:
    position = held.get(seen.market.id)
    return NOTHING if position is None else position.size


strategy = Strategy(
    name=_NAME,
    summary="Buys every outcome of an event where the set costs less than it must pay.",
    params=Params,
    decide=decide,
)
