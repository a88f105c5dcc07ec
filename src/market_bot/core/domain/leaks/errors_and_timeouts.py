"""Health check ``errors_and_timeouts``: orders that were meant and never reached the venue."""

from __future__ import annotations

from typing import Final

from market_bot.core.domain.analytics.window import Entry, Window
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks import thresholds as limits
from market_bot.core.domain.leaks.api import Example, Kind, LeakRule, Measured, Night
from market_bot.core.domain.leaks.measures import (
    Loss,
    contracts,
    counted,
    per_contract,
    worth_later,
)

_NAME: Final = "errors_and_timeouts"
_FAILED: Final = frozenset({"rejected", "unknown", "unsent"})
_CODES_MAX: Final = 8


def find(window: Window, _: Night) -> tuple[Measured, ...]:
    """Count entries that were refused, lost or never sent, and what they would have brought."""
    failed = [one for one in window.entries if one.outcome in _FAILED]
    refused = sum(one.outcome == "rejected" for one in failed)
    venue = bool(failed) and refused > limits.DOMINATED * len(failed)
    worst = sorted(window.troubles, key=lambda one: (-one.count, one.where))[:_CODES_MAX]
    return (
        counted(
            window,
            hits=[(one.seq, one.event) for one in failed],
            tries=[(one.seq, one.event) for one in window.entries],
            share=limits.FAILED_SHARE,
            losses=[loss for one in failed if (loss := _missed(one)) is not None],
            kind=Kind.VENUE if venue else Kind.STRUCTURAL,
            why_kind="the venue refused most of them" if venue else "the bot or its network",
            detail={f"error:{one.where}": str(one.count) for one in worst},
        ),
    )


def _missed(one: Entry) -> Loss | None:
    worth = worth_later(one.path)
    if worth is None or one.wish is None:
        return None
    size = contracts(one.size)
    gain = per_contract(worth - one.price - one.wish.cost) * size
    return Loss(seq=one.seq, event=one.event, market=one.market, loss=gain, weight=size)


def _night(outcome: str, bad: int) -> Night:
    entries = [
        made.entry(i, move="0.04", outcome=outcome, executions=())
        if i % 2 == 0 and i < 2 * bad
        else made.entry(i)
        for i in range(200)
    ]
    return made.night(entries=entries, troubles=[made.trouble("kalshi.timeout", bad)])


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="Orders were refused, lost or never sent.",
    disproof="At most one in fifty of the next orders fails.",
    find=find,
    health=True,
    examples=(
        Example(
            name="lost",
            night=lambda: _night("unknown", 20),
            flagged=True,
            kind=Kind.STRUCTURAL,
        ),
        Example(
            name="refused", night=lambda: _night("rejected", 20), flagged=True, kind=Kind.VENUE
        ),
        Example(name="seldom", night=lambda: _night("unknown", 2), flagged=False),
    ),
)
