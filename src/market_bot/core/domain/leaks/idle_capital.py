"""Leak ``idle_capital``: money lies idle while sizing cuts or refuses what would have paid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from market_bot.core.domain.analytics.window import Entry, Opportunity, Window
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks import thresholds as limits
from market_bot.core.domain.leaks.api import Example, Kind, LeakRule, Measured, Night
from market_bot.core.domain.leaks.measures import (
    Loss,
    contracts,
    days_of,
    decimal,
    dollars,
    per_contract,
    reported,
    turn,
    utilisation,
    weigh,
    worth_later,
)
from market_bot.core.domain.numbers import ONE_CONTRACT, Size, size
from market_bot.core.domain.orders import Style
from market_bot.core.domain.statistics import quantile

_NAME: Final = "idle_capital"
_SOFT: Final = frozenset({"min_size"})
_HARD: Final = frozenset(
    {
        "free_cash",
        "max_event_loss_usd",
        "max_order_usd",
        "max_position_usd",
        "max_total_exposure_usd",
    }
)


def find(window: Window, night: Night) -> tuple[Measured, ...]:
    """Weigh per dollar what was refused for its size, or cut although more was on offer."""
    usual = _usual(window.entries)
    soft = [one for one in window.opportunities if _refused_by(one, _SOFT)]
    hard = [one for one in window.opportunities if _refused_by(one, _SOFT | _HARD)]
    hard = [one for one in hard if not _refused_by(one, _SOFT)]
    losses = [loss for one in (*soft, *hard) if (loss := _missed(one, usual)) is not None]
    losses += [loss for one in window.entries if (loss := _cut(one)) is not None]
    seed = f"{night.seed}:{_NAME}:{window.since}"
    weighed = weigh(losses, seed=seed, least=limits.IDLE_MIN, events=limits.IDLE_EVENTS)
    used = utilisation(window)
    idle = used is not None and used < limits.IDLE_UTILISATION
    refused = {one.seq for one in hard}
    bound = _weight(losses, refused) > limits.STOP_BAD_SHARE * weighed.weight
    return (
        reported(
            window,
            weighed,
            losses,
            unit="dollars per dollar not spent",
            flagged=weighed.solid and idle,
            weight=min(weighed.weight, _free_dollars(window) * days_of(window)),
            p=weighed.p if idle or weighed.p is None else 1.0,
            knobs=turn(
                night,
                ("sizing.order_usd", 1),
                ("sizing.kelly_fraction", 1),
                ("sizing.max_depth_share", 1),
                ("sizing.contracts", 1),
            ),
            kind=Kind.STRUCTURAL if bound else Kind.TUNING,
            why_kind="a hard limit refused it, and only a person may move one" if bound else "",
            detail={
                "utilisation": "" if used is None else decimal(used),
                "refused": str(len(soft) + len(hard)),
            },
        ),
    )


def _refused_by(one: Opportunity, names: frozenset[str]) -> bool:
    return bool(one.gates) and all(gate.name in names for gate in one.gates)


def _missed(one: Opportunity, usual: Size) -> Loss | None:
    """Return what an hour would have brought of the size that was wanted, or is usual."""
    worth = worth_later(one.path)
    if worth is None or one.wish is None:
        return None
    wanted = one.size or usual
    bought = wanted if one.wish.depth is None else Size(min(wanted, one.wish.depth))
    return _loss(one, worth - one.price - one.wish.cost, bought)


def _cut(one: Entry) -> Loss | None:
    """Return what as much again would have brought, where twice as much was on offer."""
    worth = worth_later(one.path)
    if worth is None or one.wish is None or one.wish.depth is None:
        return None
    if one.style is not Style.TAKER or one.wish.depth < limits.DEPTH_MULTIPLE * one.size:
        return None
    return _loss(one, worth - one.wish.price - one.wish.cost, one.size)


def _loss(one: Entry | Opportunity, gain: int, bought: Size) -> Loss:
    amount = contracts(bought)
    return Loss(
        seq=one.seq,
        event=one.event,
        market=one.market,
        loss=per_contract(gain) * amount,
        weight=per_contract(one.price) * amount,
    )


def _usual(entries: Sequence[Entry]) -> Size:
    sizes = sorted(float(one.size) for one in entries)
    return Size(round(quantile(sizes, 0.5))) if sizes else Size(ONE_CONTRACT)


def _weight(losses: Sequence[Loss], known: set[int]) -> float:
    return sum(loss.weight for loss in losses if loss.seq in known)


def _free_dollars(window: Window) -> float:
    """Return the median of the money that was free: more a day could not have been spent."""
    free = sorted(dollars(level.equity - level.at_work) for level in window.levels)
    return max(0.0, quantile(free, 0.5)) if free else 0.0


def _night(gate: str, gain: str, at_work: str = "0.3", *, hard: bool = False) -> Night:
    refused = [
        made.opportunity(i, gate=gate, gain=gain, hard=hard, size=size("10" if hard else "0"))
        for i in range(60)
    ]
    return made.night(
        opportunities=refused,
        entries=[made.entry(i) for i in range(100, 130)],
        levels=made.levels(at_work=at_work),
    )


def _deep(move: str) -> Night:
    """Return a night in which three times as much was on offer as was bought."""
    wished = {"depth": size("30")}
    entries = [made.entry(i, move=move, wished=wished) for i in range(60)]
    return made.night(entries=entries, levels=made.levels(at_work="0.2"))


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="Most of the money lies idle while sizing refuses or cuts entries that would pay.",
    disproof="The entries that a larger size adds earn nothing per dollar after costs.",
    find=find,
    examples=(
        Example(name="refused", night=lambda: _night("min_size", "0.03"), flagged=True),
        Example(name="cut", night=lambda: _deep("0.05"), flagged=True),
        Example(name="worthless", night=lambda: _night("min_size", "-0.01"), flagged=False),
        Example(name="busy", night=lambda: _night("min_size", "0.03", "0.7"), flagged=False),
        Example(
            name="hard limit",
            night=lambda: _night("max_position_usd", "0.03", hard=True),
            flagged=True,
            kind=Kind.STRUCTURAL,
        ),
    ),
)
