"""Health check ``paper_live_gap``: the same wishes fare better on paper than with real money."""

from __future__ import annotations

from typing import Final

from market_bot.core.domain.analytics.window import Entry, Window
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks import thresholds as limits
from market_bot.core.domain.leaks.api import Example, Kind, LeakRule, Measured, Night
from market_bot.core.domain.leaks.measures import (
    Loss,
    contracts,
    decimal,
    dollars,
    paid,
    reported,
    shifted,
    weigh,
)
from market_bot.core.domain.numbers import price
from market_bot.core.domain.statistics import fisher_exact

_NAME: Final = "paper_live_gap"
Key = tuple[str, str, str, str]


def find(window: Window, night: Night) -> tuple[Measured, ...]:
    """Compare prices and fills of wishes that both lanes had; without a second lane it is silent.

    Wishes are matched by what they are about, one to one in their order.
    """
    other = () if night.shadow is None else night.shadow.entries
    twins = _pairs(window.entries, other)
    losses = [loss for ours, theirs in twins if (loss := _dearer(ours, theirs)) is not None]
    seed = f"{night.seed}:{_NAME}:{window.since}"
    least, events = limits.GAP_FILLS_MIN, limits.SHORTFALL_EVENTS
    dearer = shifted(weigh(losses, seed=seed, least=least, events=events), limits.HALF_TICK)
    filled = sum(bool(ours.filled) for ours, _ in twins)
    theirs = sum(bool(them.filled) for _, them in twins)
    fewer = fisher_exact(theirs, len(twins), filled, len(twins))[0] if twins else None
    enough = len({ours.event for ours, _ in twins}) >= events and len(twins) >= least
    seldom = enough and fewer is not None and fewer <= limits.ALPHA
    p = None if fewer is None or not enough else 2 * min(fewer, dearer.p or 1.0)
    return (
        reported(
            window,
            dearer,
            losses,
            unit="dollars per contract",
            flagged=dearer.solid or seldom,
            p=p,
            kind=Kind.DATA,
            why_kind="paper is kinder than the venue: what it shows is worth less",
            detail={
                "matched": str(len(twins)),
                "filled": str(filled),
                "filled_on_paper": str(theirs),
                "fewer_fills_p": "" if fewer is None else decimal(fewer),
            },
        ),
    )


def _pairs(ours: tuple[Entry, ...], theirs: tuple[Entry, ...]) -> list[tuple[Entry, Entry]]:
    waiting: dict[Key, list[Entry]] = {}
    for one in sorted(theirs, key=lambda one: -one.seq):
        waiting.setdefault(_key(one), []).append(one)
    ordered = sorted(ours, key=lambda one: one.seq)
    return [(one, waiting[_key(one)].pop()) for one in ordered if waiting.get(_key(one))]


def _key(one: Entry) -> Key:
    return one.strategy, one.market, one.leg.value, one.style.value


def _dearer(ours: Entry, theirs: Entry) -> Loss | None:
    real, paper = paid(ours), paid(theirs)
    if real is None or paper is None:
        return None
    size = contracts(real[0])
    gap = dollars(real[1]) / size - dollars(paper[1]) / contracts(paper[0]) - limits.HALF_TICK
    return Loss(seq=ours.seq, event=ours.event, market=ours.market, loss=gap * size, weight=size)


def _night(real: str) -> Night:
    ours = [
        made.entry(i, paid=made.written(price(real) + made.scattered("0", i) // 2))
        for i in range(60)
    ]
    return made.night(entries=ours, shadow=made.window(entries=[made.entry(i) for i in range(60)]))


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="The same wishes are filled dearer, or less often, than on paper.",
    disproof="With a stricter fill model paper fares as badly.",
    find=find,
    health=True,
    examples=(
        Example(name="dearer", night=lambda: _night("0.53"), flagged=True, kind=Kind.DATA),
        Example(name="alike", night=lambda: _night("0.51"), flagged=False),
        Example(name="no second lane", night=made.night, flagged=False),
    ),
)
