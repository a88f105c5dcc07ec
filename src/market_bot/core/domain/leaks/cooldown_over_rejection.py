"""Leak ``cooldown_over_rejection``: cooldowns keep out entries that were worth taking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from market_bot.core.domain.analytics.window import Opportunity, Window
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks import thresholds as limits
from market_bot.core.domain.leaks.api import Example, Kind, LeakRule, Measured, Night
from market_bot.core.domain.leaks.measures import (
    Loss,
    contracts,
    decimal,
    dominated,
    free_share,
    per_contract,
    reported,
    turn,
    weigh,
    worth_later,
)
from market_bot.core.domain.statistics import wilson

_NAME: Final = "cooldown_over_rejection"
_PREFIX: Final = "cooldown_"
# What a gate is called, and where its length stands.
_KNOBS: Final = {
    "cooldown_after_entry": "cooldown.after_entry_seconds",
    "cooldown_after_exit": "cooldown.after_exit_seconds",
    "cooldown_after_loss": "cooldown.after_loss_seconds",
    "cooldown_after_reject": "cooldown.after_reject_seconds",
}


def find(window: Window, night: Night) -> tuple[Measured, ...]:
    """Weigh what was refused by cooldowns alone against what was let in."""
    refused = [one for one in window.opportunities if _only_cooling(one)]
    losses = [loss for one in refused if (loss := _missed(one)) is not None]
    seed = f"{night.seed}:{_NAME}:{window.since}"
    least, events = limits.COOLDOWN_MIN, limits.COOLDOWN_EVENTS
    weighed = weigh(losses, seed=seed, least=least, events=events, once=True)
    share = wilson(len(refused), len(refused) + len(window.entries), limits.LEVEL)
    often = share is not None and share.low > limits.COOLDOWN_SHARE
    flapping = dominated(losses, markets=limits.FLAPPING_MARKETS)
    amount = sum(contracts(one.size) for one in refused) * free_share(window)
    return (
        reported(
            window,
            weighed,
            losses,
            unit="dollars per refused contract",
            flagged=weighed.solid and often,
            weight=amount,
            p=weighed.p if often or weighed.p is None else 1.0,
            knobs=turn(night, *_knobs(refused)),
            kind=Kind.STRUCTURAL if flapping else Kind.TUNING,
            why_kind="most refusals come from two markets: their signal flaps" if flapping else "",
            detail={
                "refused": str(len(refused)),
                "entries": str(len(window.entries)),
                "refused_share_low": decimal(0.0 if share is None else share.low),
            },
        ),
    )


def _only_cooling(one: Opportunity) -> bool:
    return bool(one.gates) and all(gate.name.startswith(_PREFIX) for gate in one.gates)


def _missed(one: Opportunity) -> Loss | None:
    """Return what an hour would have brought per contract, after modelled costs."""
    worth = worth_later(one.path)
    if worth is None or one.wish is None:
        return None
    gain = per_contract(worth - one.price - one.wish.cost)
    return Loss(seq=one.seq, event=one.event, market=one.market, loss=gain)


def _knobs(refused: Sequence[Opportunity]) -> list[tuple[str, int]]:
    """Return the cooldowns that refused, those of at least a fifth of all, most frequent first."""
    counts = Counter(gate.name for one in refused for gate in one.gates)
    total = sum(counts.values())
    often = sorted(counts, key=lambda name: (-counts[name], name))
    return [
        (_KNOBS[name], -1)
        for name in often
        if name in _KNOBS and counts[name] >= limits.EVENT_SHARE_MAX * total
    ]


def _night(gain: str, markets: int, entries: int) -> Night:
    cooling = [
        made.opportunity(i, gate="cooldown_after_exit", market=f"M{i % markets}", gain=gain)
        for i in range(40)
    ]
    return made.night(
        opportunities=cooling,
        entries=[made.entry(100 + i) for i in range(entries)],
        levels=made.levels(at_work="0.4"),
    )


def _flapping() -> Night:
    """Return a night in which two markets were refused again and again, beside sixteen others."""
    cooling = [
        made.opportunity(
            i,
            gate="cooldown_after_exit",
            gain="0.03",
            **(made.place(f"FLAP{i % 2}") if i >= 32 else {}),  # noqa: PLR2004 - the first are others
        )
        for i in range(90)
    ]
    return made.night(opportunities=cooling, levels=made.levels(at_work="0.4"))


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="Cooldowns refuse more entries than they let in, and those would have paid.",
    disproof=(
        "The entries that a shorter cooldown lets in earn nothing after costs within an hour, or "
        "the refusals come from one signal that flaps."
    ),
    find=find,
    examples=(
        Example(name="worth taking", night=lambda: _night("0.03", 40, 10), flagged=True),
        Example(name="rightly refused", night=lambda: _night("-0.01", 40, 10), flagged=False),
        Example(name="seldom", night=lambda: _night("0.03", 40, 100), flagged=False),
        Example(
            name="two flapping markets",
            night=_flapping,
            flagged=True,
            kind=Kind.STRUCTURAL,
        ),
    ),
)
