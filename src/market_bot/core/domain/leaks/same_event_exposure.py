"""Health check ``same_event_exposure``: one event bears several bets, or both sides of one."""

from __future__ import annotations

import math
from typing import Final

from market_bot.core.domain.analytics.window import Window
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks import thresholds as limits
from market_bot.core.domain.leaks.api import Example, Kind, LeakRule, Measured, Night
from market_bot.core.domain.leaks.measures import Loss, counted, decimal, dollars, paid
from market_bot.core.domain.market import Leg

_NAME: Final = "same_event_exposure"


def find(window: Window, _: Night) -> tuple[Measured, ...]:
    """Count events in which YES and NO of one market were bought: a pair can only cost fees."""
    legs: dict[str, set[Leg]] = {}
    fees: dict[str, float] = {}
    first: dict[str, tuple[int, str]] = {}
    for one in sorted(window.entries, key=lambda one: one.seq):
        done = paid(one)
        if done is None:
            continue
        legs.setdefault(one.market, set()).add(one.leg)
        fees[one.market] = fees.get(one.market, 0.0) + dollars(done[2])
        first.setdefault(one.market, (one.seq, one.event))
    both = [market for market, held in legs.items() if len(held) > 1]
    losses = [
        Loss(seq=first[market][0], event=first[market][1], market=market, loss=fees[market])
        for market in both
    ]
    return (
        counted(
            window,
            hits=[first[market] for market in both],
            tries=list(first.values()),
            share=limits.BOTH_SIDES_SHARE,
            losses=losses,
            least_hits=limits.BOTH_SIDES_EVENTS,
            by_event=True,
            why_kind="a strategy buys what it holds the other side of",
            kind=Kind.STRUCTURAL,
            detail={"variance_ratio": _variance_ratio(window)},
        ),
    )


def _variance_ratio(window: Window) -> str:
    """Return how much more events scatter than their pieces would if they were independent."""
    mean = math.fsum(dollars(one.pnl) for one in window.closed) / max(1, len(window.closed))
    events: dict[str, float] = {}
    for one in sorted(window.closed, key=lambda one: one.seq):
        events[one.event] = events.get(one.event, 0.0) + dollars(one.pnl) - mean
    alone = math.fsum((dollars(one.pnl) - mean) ** 2 for one in window.closed)
    return decimal(math.fsum(v * v for v in events.values()) / alone) if alone > 0 else ""


def _night(pairs: int) -> Night:
    entries = [made.entry(i, market=f"M{i}") for i in range(100)]
    other = [
        made.entry(200 + i, market=f"M{2 * i}", event=f"E{i}", leg=Leg.NO) for i in range(pairs)
    ]
    return made.night(entries=entries + other)


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="Both sides of the same markets were bought, which can only cost fees.",
    disproof="Those pairs were bought below a dollar together, or by a strategy that wants pairs.",
    find=find,
    health=True,
    examples=(
        Example(name="pairs", night=lambda: _night(12), flagged=True, kind=Kind.STRUCTURAL),
        Example(name="hardly any", night=lambda: _night(2), flagged=False),
    ),
)
