"""Leak ``entry_threshold``: the least edge that is asked for is too small, or too large."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from market_bot.core.domain.analytics.window import Closed, Entry, Opportunity, Window
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks import thresholds as limits
from market_bot.core.domain.leaks.api import Example, Kind, LeakRule, Measured, Night
from market_bot.core.domain.leaks.measures import (
    Loss,
    claimed,
    contracts,
    decimal,
    dollars,
    per_contract,
    reported,
    turn,
    weigh,
    worth_later,
)
from market_bot.core.domain.numbers import price
from market_bot.core.domain.statistics import Bootstrapped, cluster_bootstrap, quantile

_NAME: Final = "entry_threshold"
_STRATEGIES_MAX: Final = 16
_HALF: Final = 0.5


def find(window: Window, night: Night) -> tuple[Measured, ...]:
    """Weigh every strategy's smallest edges, and those that were just below its threshold."""
    names = sorted({piece.strategy for piece in window.closed})[:_STRATEGIES_MAX]
    found: list[Measured] = []
    for name in names or [""]:
        found.append(_loose(window, night, name))
        tight = _tight(window, night, name)
        if tight is not None:
            found.append(tight)
    return tuple(found)


def _loose(window: Window, night: Night, name: str) -> Measured:
    """Return what the lowest fifth of the predicted edges lost."""
    pieces = [one for one in window.closed if one.strategy == name and one.edge is not None]
    pieces.sort(key=lambda one: one.seq)
    edges = sorted(float(one.edge or 0) for one in pieces)
    top = quantile(edges, 1.0 / limits.BUCKETS) if edges else 0.0
    lowest = [one for one in pieces if (one.edge or 0) <= top]
    losses = [_loss(one) for one in lowest]
    seed = f"{night.seed}:{_NAME}:{name}:{window.since}"
    weighed = weigh(losses, seed=seed, least=0, events=limits.BUCKET_EVENTS)
    slope = _slope(pieces, seed) if weighed.solid else None
    blind = weighed.solid and (slope is None or slope <= 0)
    return reported(
        window,
        weighed,
        losses,
        subject=f"{name}:loose",
        unit="dollars per contract",
        knobs=turn(night, (f"strategies.{name}.params.min_edge", 1)),
        kind=Kind.STRUCTURAL if blind else Kind.TUNING,
        why_kind="the predicted edge says nothing about the result: no threshold helps"
        if blind
        else "",
        claims=claimed(window, {seq for one in lowest for seq in one.entries}, weighed.estimate),
        detail={
            "edge_at_most": decimal(top / 1_000_000),
            "slope_low": "" if slope is None else decimal(slope),
        },
    )


def _loss(piece: Closed) -> Loss:
    return Loss(
        seq=piece.seq,
        event=piece.event,
        market=piece.market,
        loss=-dollars(piece.pnl),
        weight=contracts(piece.size),
    )


def _slope(pieces: Sequence[Closed], seed: str) -> float | None:
    """Return the lower bound of the slope of realised on predicted edge; None if it has none.

    The slope is a ratio of sums over events, so that it is resampled like a mean.
    """
    size = math.fsum(contracts(one.size) for one in pieces)
    mean = math.fsum(per_contract(one.edge or 0) * contracts(one.size) for one in pieces) / size
    across: dict[str, list[float]] = {}
    along: dict[str, list[float]] = {}
    for one in pieces:
        off = per_contract(one.edge or 0) - mean
        across.setdefault(one.event, []).append(off * dollars(one.pnl))
        along.setdefault(one.event, []).append(off * off * contracts(one.size))
    names = sorted(name for name in along if math.fsum(along[name]) > 0)
    found = cluster_bootstrap(
        [math.fsum(across[name]) for name in names],
        weights=[math.fsum(along[name]) for name in names],
        seed=f"{seed}:slope",
        draws=limits.DRAWS,
        level=limits.SLOPE_LEVEL,
    )
    return found.studentised.low if isinstance(found, Bootstrapped) else None


def _tight(window: Window, night: Night, name: str) -> Measured | None:
    """Return what was missed just below the threshold; None if nothing is known of it.

    A strategy does not say what it did not want. Known is what was wanted while its threshold was
    lower, or was refused by something else.
    """
    least = night.knobs.get(f"strategies.{name}.params.min_edge")
    if least is None:
        return None
    limit = price(least)
    wishes: list[Entry | Opportunity] = [*window.entries, *window.opportunities]
    near = [
        one
        for one in wishes
        if one.strategy == name
        and one.wish is not None
        and _HALF * limit <= one.wish.edge < limit
        and worth_later(one.path) is not None
    ]
    if not near:
        return None
    losses = [_missed(one) for one in near]
    seed = f"{night.seed}:{_NAME}:{name}:tight:{window.since}"
    weighed = weigh(losses, seed=seed, least=0, events=limits.BUCKET_EVENTS)
    return reported(
        window,
        weighed,
        losses,
        subject=f"{name}:tight",
        unit="dollars per contract missed",
        knobs=turn(night, (f"strategies.{name}.params.min_edge", -1)),
        detail={"edge_from": decimal(_HALF * limit / 1_000_000)},
    )


def _missed(one: Entry | Opportunity) -> Loss:
    worth = worth_later(one.path) or 0
    spent = 0 if one.wish is None else one.wish.price + one.wish.cost
    size = contracts(one.size)
    return Loss(
        seq=one.seq,
        event=one.event,
        market=one.market,
        loss=per_contract(worth - spent) * size,
        weight=size,
    )


def _night(low: str, high: str) -> Night:
    pieces = [
        made.closed(
            i,
            gain=low if i // 2 % 4 == 0 else high,
            edge=price("0.011" if i // 2 % 4 == 0 else "0.04"),
        )
        for i in range(200)
    ]
    return made.night(closed=pieces)


def _near_miss(gain: str) -> Night:
    refused = [
        made.opportunity(i, gate="max_spread", gain=gain, wish=made.wish(edge="0.008"))
        for i in range(60)
    ]
    return made.night(
        closed=[made.closed(i, gain="0.01") for i in range(100, 160)], opportunities=refused
    )


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="Entries with the smallest predicted edge lose money, or those just refused would win.",
    disproof="The next entries with so small an edge gain, or those just below it do not.",
    find=find,
    examples=(
        Example(name="too loose", night=lambda: _night("-0.03", "0.02"), flagged=True),
        Example(name="right", night=lambda: _night("0.01", "0.03"), flagged=False),
        Example(name="too tight", night=lambda: _near_miss("0.03"), flagged=True),
        Example(name="tight for a reason", night=lambda: _near_miss("-0.01"), flagged=False),
        Example(
            name="no information",
            night=lambda: _night("-0.02", "-0.02"),
            flagged=True,
            kind=Kind.STRUCTURAL,
        ),
    ),
)
