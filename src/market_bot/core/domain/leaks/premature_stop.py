"""Leak ``premature_stop``: stops sell what an hour later is worth more again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from market_bot.core.domain.analytics.window import Departure, Window
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks import thresholds as limits
from market_bot.core.domain.leaks.api import Example, Kind, LeakRule, Measured, Night
from market_bot.core.domain.leaks.measures import (
    Loss,
    contracts,
    decimal,
    dollars,
    money_of,
    reported,
    sold_later,
    turn,
    weigh,
)
from market_bot.core.domain.numbers import Money, price

_NAME: Final = "premature_stop"
# Reasons that get out of a loss: the exits' own, and those of strategies.
_STOPS: Final = frozenset({"stop_loss", "trailing_stop", "no_longer_favourite", "stop"})
_DISTANCE: Final = "exits.stop_loss.distance"


def find(window: Window, night: Night) -> tuple[Measured, ...]:
    """Compare what every stop brought with what holding on for an hour would have brought.

    It is a paired difference of money. How many prices recover says nothing: of fair prices a
    known share does.
    """
    stops = [one for one in window.departures if one.reason in _STOPS and one.executions]
    losses = [loss for one in stops if (loss := _missed(one)) is not None]
    seed = f"{night.seed}:{_NAME}:{window.since}"
    weighed = weigh(losses, seed=seed, least=limits.STOP_MIN, events=limits.STOP_EVENTS)
    wide = _wide_share(stops, night)
    data = wide > limits.STOP_BAD_SHARE
    return (
        reported(
            window,
            weighed,
            losses,
            unit="dollars per contract sold",
            knobs=turn(night, *_knobs(stops)),
            kind=Kind.DATA if data else Kind.TUNING,
            why_kind="the spread was wider than the stop's distance: the book, not the price, fell"
            if data
            else "",
            claims=_claims(window, stops, weighed.estimate),
            detail={"stops": str(len(stops)), "wide_spread_share": decimal(wide)},
        ),
    )


def _missed(one: Departure) -> Loss | None:
    """Return what the sale gave away against a sale an hour later, for the same fee."""
    worth = sold_later(one.path)
    kept = [sale for sale in one.executions if not sale.reversed]
    if worth is None or not kept:
        return None
    held = sum(worth * sale.size for sale in kept)
    return Loss(
        seq=one.seq,
        event=one.event,
        market=one.market,
        loss=dollars(held - sum(sale.cost for sale in kept)),
        weight=sum(contracts(sale.size) for sale in kept),
    )


def _wide_share(stops: Sequence[Departure], night: Night) -> float:
    """Return how many stops fired while the spread was wider than their distance."""
    distance = night.knobs.get(_DISTANCE)
    if distance is None or not stops:
        return 0.0
    limit, wide = price(distance), 0
    for one in stops:
        start = None if one.path is None else one.path.start
        if start is not None and start.bid is not None and start.ask is not None:
            wide += start.ask - start.bid > limit
    return wide / len(stops)


def _knobs(stops: Sequence[Departure]) -> list[tuple[str, int]]:
    reasons = {one.reason for one in stops}
    knobs: list[tuple[str, int]] = []
    if "stop_loss" in reasons:
        knobs += [(_DISTANCE, 1), ("exits.stop_loss.confirm_seconds", 1)]
    if "trailing_stop" in reasons:
        knobs += [("exits.trailing_stop.distance", 1)]
    if "no_longer_favourite" in reasons:
        knobs += [("strategies.bias_harvest.params.exit_below", -1)]
    return knobs


def _claims(window: Window, stops: Sequence[Departure], each: float | None) -> dict[int, Money]:
    if each is None or each <= 0:
        return {}
    known = {one.seq for one in stops}
    return {
        piece.seq: money_of(each * contracts(piece.size))
        for piece in window.closed
        if piece.departure in known
    }


def _night(worth: str, half: str = "0.01") -> Night:
    stops = [made.departure(i, worth=worth, half=half) for i in range(40)]
    return made.night(departures=stops)


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="Stops sell contracts that could be sold for more an hour later.",
    disproof="Held for an hour the next stopped positions bring no more than the stop did.",
    find=find,
    examples=(
        Example(name="too early", night=lambda: _night("0.03"), flagged=True),
        Example(name="rightly", night=lambda: _night("-0.02"), flagged=False),
        Example(
            name="wide spread",
            night=lambda: _night("0.03", half="0.05"),
            flagged=True,
            kind=Kind.DATA,
        ),
    ),
)
