"""Health check ``stale_data``: decisions on books that were old, or could not be true."""

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
    decision_mid,
    later_mid,
    per_contract,
)
from market_bot.core.domain.numbers import SECOND, Duration, price

_NAME: Final = "stale_data"
_SECONDS: Final = 300


def find(window: Window, _: Night) -> tuple[Measured, ...]:
    """Count entries whose book had not changed for a minute, or was crossed."""
    known = [one for one in window.entries if one.wish is not None]
    bad = [one for one in known if _crossed(one) or _old(one)]
    crossed = sum(_crossed(one) for one in bad)
    return (
        counted(
            window,
            hits=[(one.seq, one.event) for one in bad],
            tries=[(one.seq, one.event) for one in known],
            share=limits.STALE_SHARE,
            losses=[loss for one in bad if (loss := _moved(one)) is not None],
            kind=Kind.DATA,
            why_kind="the market data were old or wrong",
            detail={"crossed": str(crossed), "old": str(len(bad) - crossed)},
        ),
    )


def _crossed(one: Entry) -> bool:
    at = None if one.wish is None else one.wish.prices
    return at is not None and at.bid is not None and at.ask is not None and at.bid >= at.ask


def _old(one: Entry) -> bool:
    limit = Duration(limits.STALE_SECONDS * SECOND)
    return one.wish is not None and one.wish.book_age > limit


def _moved(one: Entry) -> Loss | None:
    """Return what the price had moved against us five minutes later."""
    before, later = decision_mid(one), later_mid(one.path, _SECONDS)
    if before is None or later is None or not one.filled:
        return None
    size = contracts(one.filled)
    lost = per_contract(before - later) * size
    return Loss(seq=one.seq, event=one.event, market=one.market, loss=lost, weight=size)


def _night(old: int, *, crossed: bool = False) -> Night:
    entries = []
    for i in range(100):
        bad = i % 2 == 0 and i < 2 * old
        wished: dict[str, object] = {}
        if bad and crossed:
            wished = {"prices": made.quoted(500_000, -price("0.01"))}
        elif bad:
            wished = {"book_age": Duration(90 * SECOND)}
        entries.append(made.entry(i, wished=wished))
    return made.night(entries=entries)


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="Entries were decided on books that were old or crossed.",
    disproof="Those books were quiet, not stale: their next change was at the same price.",
    find=find,
    health=True,
    examples=(
        Example(name="old", night=lambda: _night(20), flagged=True, kind=Kind.DATA),
        Example(
            name="crossed",
            night=lambda: _night(20, crossed=True),
            flagged=True,
            kind=Kind.DATA,
        ),
        Example(name="fresh", night=lambda: _night(2), flagged=False),
    ),
)
