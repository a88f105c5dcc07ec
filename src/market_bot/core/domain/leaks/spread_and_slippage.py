"""Leak ``spread_and_slippage``: getting in costs more of the edge than there is to win."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from market_bot.core.domain.analytics.window import Entry, Window
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks import thresholds as limits
from market_bot.core.domain.leaks.api import Example, Kind, LeakRule, Measured, Night
from market_bot.core.domain.leaks.measures import (
    Loss,
    Weighed,
    claimed,
    contracts,
    decimal,
    decision_mid,
    dollars,
    gross_edge,
    later_mid,
    paid,
    per_contract,
    reported,
    shifted,
    turn,
    weigh,
)
from market_bot.core.domain.numbers import SECOND, Duration, Micros, price

_NAME: Final = "spread_and_slippage"
_MISSED_SECONDS: Final = 1800
_SLOW: Final = Duration(2 * SECOND)


def find(window: Window, night: Night) -> tuple[Measured, ...]:
    """Weigh implementation shortfall against the edge, and the fills against what was wished.

    Two questions, so each p counts twice; the clearer answer is reported.
    """
    known = [one for one in window.entries if paid(one) is not None and one.wish is not None]
    known = [one for one in known if decision_mid(one) is not None]
    beyond = [_beyond_half(one) for one in known]
    slipped = [_slipped(one) for one in known]
    share = _weighed(night, window, "share", beyond)
    slips = shifted(_weighed(night, window, "slip", slipped), limits.HALF_TICK)
    worse = slips if _rank(slips) < _rank(share) else share
    losses = slipped if worse is slips else beyond
    delayed = _delay_share(known)
    slow = delayed > limits.DELAY_SHARE
    return (
        reported(
            window,
            worse,
            losses,
            unit="dollars per contract",
            p=None if worse.p is None else 2 * worse.p,
            knobs=turn(
                night,
                ("markets.max_spread", -1),
                *_edges(known),
                ("sizing.max_depth_share", -1),
            ),
            kind=Kind.STRUCTURAL if slow else Kind.TUNING,
            why_kind="most of it happens between the decision and the fill: it is latency"
            if slow
            else "",
            claims=claimed(window, {one.seq for one in known}, worse.estimate),
            detail={
                "measure": "slippage" if worse is slips else "share of edge",
                "shortfall": decimal(sum(_shortfall(one) for one in known)),
                "delay_share": decimal(delayed),
            },
        ),
    )


def _shortfall(entry: Entry) -> float:
    """Return what was paid over the midpoint of the decision, and what not being filled missed."""
    mid, done = decision_mid(entry), paid(entry)
    if mid is None or done is None:
        return 0.0
    size, cost, _ = done
    later = later_mid(entry.path, _MISSED_SECONDS)
    missed = 0 if later is None else (entry.size - size) * (later - mid)
    return dollars(cost - mid * size + missed)


def _beyond_half(entry: Entry) -> Loss:
    done = paid(entry)
    size = 0.0 if done is None else contracts(done[0])
    allowed = limits.SHORTFALL_SHARE * (gross_edge(entry) or 0.0) * size
    return _loss(entry, _shortfall(entry) - allowed, size)


def _slipped(entry: Entry) -> Loss:
    """Return what was paid over the price that was wished, beyond half a tick."""
    done = paid(entry)
    if done is None or entry.wish is None:
        return _loss(entry, 0.0, 0.0)
    size = contracts(done[0])
    over = dollars(done[1] - entry.wish.price * done[0])
    return _loss(entry, over - limits.HALF_TICK * size, size)


def _loss(entry: Entry, loss: float, size: float) -> Loss:
    return Loss(seq=entry.seq, event=entry.event, market=entry.market, loss=loss, weight=size)


def _weighed(night: Night, window: Window, what: str, losses: Sequence[Loss]) -> Weighed:
    seed = f"{night.seed}:{_NAME}:{what}:{window.since}"
    least, events = limits.SHORTFALL_MIN, limits.SHORTFALL_EVENTS
    return weigh(losses, seed=seed, least=least, events=events)


def _rank(weighed: Weighed) -> tuple[bool, float]:
    return not weighed.solid, 1.0 if weighed.p is None else weighed.p


def _delay_share(entries: Sequence[Entry]) -> float:
    """Return how much of what was paid over the midpoint came while slow orders were under way."""
    moved = whole = 0.0
    for entry in entries:
        mid = decision_mid(entry)
        for one in entry.executions:
            if one.reversed or mid is None:
                continue
            whole += contracts(one.size) * per_contract(one.price - mid)
            if one.mid is not None and _took(entry, one.at) > _SLOW:
                moved += contracts(one.size) * per_contract(one.mid - mid)
    return moved / whole if whole > 0 else 0.0


def _took(entry: Entry, at: Micros) -> int:
    return at - entry.at


def _edges(entries: Sequence[Entry]) -> list[tuple[str, int]]:
    names = sorted({entry.strategy for entry in entries})
    return [(f"strategies.{name}.params.min_edge", 1) for name in names]


def _night(paid_at: str, edge: str = "0.03", slow: int = 0) -> Night:
    entries = []
    for i in range(60):
        at = price(paid_at) + (made.scattered("0", i) // 2)
        entry = made.entry(i, edge=edge, paid=made.written(at))
        entries.append(made.delayed(entry, slow) if slow else entry)
    return made.night(entries=entries)


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="Spread and slippage take more than half of the edge, or more than was wished.",
    disproof="The next thirty fills cost less than half of their edge, and what was wished.",
    find=find,
    examples=(
        Example(name="slips", night=lambda: _night("0.535"), flagged=True),
        Example(name="small edge", night=lambda: _night("0.51", edge="-0.015"), flagged=True),
        Example(name="as wished", night=lambda: _night("0.51"), flagged=False),
        Example(
            name="slow orders",
            night=lambda: _night("0.535", slow=5),
            flagged=True,
            kind=Kind.STRUCTURAL,
        ),
    ),
)
