"""Health check ``ghost_fills``: trades that were told and then undone by the venue."""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.core.domain.analytics.window import Entry, Execution, Window
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

_NAME: Final = "ghost_fills"


def find(window: Window, _: Night) -> tuple[Measured, ...]:
    """Count executions that were reversed, and what they would have been worth an hour later."""
    trades = [(one, trade) for one in window.entries for trade in one.executions]
    ghosts = [(one, trade) for one, trade in trades if trade.reversed]
    return (
        counted(
            window,
            hits=[(trade.seq, one.event) for one, trade in ghosts],
            tries=[(trade.seq, one.event) for one, trade in trades],
            share=limits.REVERSED_SHARE,
            losses=[loss for one, trade in ghosts if (loss := _missed(one, trade)) is not None],
            least_hits=limits.REVERSED_MIN,
            kind=Kind.VENUE,
            why_kind="the venue undid trades it had told",
        ),
    )


def _missed(one: Entry, trade: Execution) -> Loss | None:
    worth = worth_later(one.path)
    if worth is None:
        return None
    size = contracts(trade.size)
    gain = per_contract(worth - trade.price) * size
    return Loss(seq=trade.seq, event=one.event, market=one.market, loss=gain, weight=size)


def _night(ghosts: int) -> Night:
    entries = []
    for i in range(100):
        one = made.entry(i)
        if i % 2 == 0 and i < 2 * ghosts:
            undone = tuple(attrs.evolve(trade, reversed=True) for trade in one.executions)
            one = attrs.evolve(one, executions=undone)
        entries.append(one)
    return made.night(entries=entries)


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="Trades were told by the venue and undone afterwards.",
    disproof="The venue confirms those trades after all, or at most one in a hundred is undone.",
    find=find,
    health=True,
    examples=(
        Example(name="undone", night=lambda: _night(10), flagged=True, kind=Kind.VENUE),
        Example(name="none", night=lambda: _night(0), flagged=False),
    ),
)
