"""Leak ``adverse_selection``: we trade when others know better, or with quotes that are stale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from market_bot.core.domain.analytics.window import Entry, Execution, Window
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
    later_mid,
    per_contract,
    reported,
    turn,
    weigh,
)
from market_bot.core.domain.numbers import SECOND, Duration
from market_bot.core.domain.orders import Style

_NAME: Final = "adverse_selection"


def find(window: Window, night: Night) -> tuple[Measured, ...]:
    """Follow the price after our trades, resting and taking ones apart.

    A maker's net is half the spread earned plus the price's move minus the fee; a taker's is the
    move alone, since what it pays is another rule's. Only what is lost at 5 *and* at 30 minutes
    counts: an impact that comes back is no information.
    """
    return tuple(_of_style(window, night, style) for style in (Style.MAKER, Style.TAKER))


def _of_style(window: Window, night: Night, style: Style) -> Measured:
    early, late = (
        [loss for one in window.entries if (loss := _markout(one, style, seconds)) is not None]
        for seconds in limits.ADVERSE_SECONDS
    )
    first = _weighed(night, window, f"{style.value}:early", early)
    last = _weighed(night, window, f"{style.value}:late", late)
    # Both must hold, so the weaker one speaks for both.
    weaker = first if (first.p or 0.0) >= (last.p or 0.0) else last
    if first.low > 0 and last.low > 0:
        weaker = first if first.low <= last.low else last
    both = [one.p for one in (first, last) if one.p is not None]
    stale = _old_share(window.entries, early)
    old = stale > limits.DOMINATED
    entries = {loss.seq for loss in early}
    return reported(
        window,
        weaker,
        early,
        subject=style.value,
        unit="dollars per contract",
        flagged=first.solid and last.solid,
        weight=first.weight,
        p=max(both) if both else None,
        knobs=turn(night, *_knobs(style)),
        kind=Kind.STRUCTURAL if old else Kind.TUNING,
        why_kind="it was lost with books that had not changed for long: the data were old"
        if old
        else "",
        claims=claimed(window, entries, weaker.estimate),
        detail={
            "loss_5_minutes": decimal(first.estimate or 0.0),
            "loss_30_minutes": decimal(last.estimate or 0.0),
            "old_book_share": decimal(stale),
        },
    )


def _markout(entry: Entry, style: Style, seconds: int) -> Loss | None:
    """Return what the trades of an entry had lost so long after its decision."""
    later = later_mid(entry.path, seconds)
    trades = [one for one in entry.executions if one.liquidity is style and not one.reversed]
    if later is None or not trades:
        return None
    values = [_net(entry, one, later) for one in trades]
    known = [value for value in values if value is not None]
    if not known:
        return None
    return Loss(
        seq=entry.seq,
        event=entry.event,
        market=entry.market,
        loss=-sum(known),
        weight=sum(contracts(one.size) for one in trades),
    )


def _net(entry: Entry, one: Execution, later: int) -> float | None:
    if one.liquidity is Style.MAKER:
        return dollars(later * one.size - one.cost - one.fee)
    before = one.mid if one.mid is not None else decision_mid(entry)
    return None if before is None else contracts(one.size) * per_contract(later - before)


def _weighed(night: Night, window: Window, what: str, losses: Sequence[Loss]) -> Weighed:
    seed = f"{night.seed}:{_NAME}:{what}:{window.since}"
    least, events = limits.ADVERSE_MIN, limits.ADVERSE_EVENTS
    return weigh(losses, seed=seed, least=least, events=events)


def _old_share(entries: Sequence[Entry], losses: Sequence[Loss]) -> float:
    """Return how much of the loss came from decisions on books that were old."""
    limit = Duration(limits.OLD_BOOK_SECONDS * SECOND)
    old = {one.seq for one in entries if one.wish is not None and one.wish.book_age > limit}
    whole = sum(loss.loss for loss in losses)
    share = sum(loss.loss for loss in losses if loss.seq in old)
    return share / whole if whole > 0 else 0.0


def _knobs(style: Style) -> list[tuple[str, int]]:
    if style is Style.MAKER:
        return [
            ("strategies.*.params.offset_ticks", -1),
            ("strategies.*.params.min_half_width", 1),
            ("strategies.*.params.requote_ticks", -1),
            ("strategies.*.params.max_book_age_seconds", -1),
        ]
    return [
        ("strategies.*.params.min_edge", 1),
        ("strategies.*.params.max_book_age_seconds", -1),
    ]


def _night(move: str, style: Style, age: int = 1) -> Night:
    wished = {"book_age": Duration(age * SECOND)}
    entries = [made.entry(i, move=move, style=style, wished=wished) for i in range(60)]
    return made.night(entries=entries)


def _impact() -> Night:
    """Return a night in which the price falls after a trade and comes back."""
    entries = []
    for i in range(60):
        there = made.path(
            {60: 460_000 + made.scattered("0", i), 900: 510_000 + made.scattered("0", i)}
        )
        entries.append(made.entry(i, path=there, style=Style.MAKER))
    return made.night(entries=entries)


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="The price goes against us after our trades, and stays there.",
    disproof="After the next forty trades the price has come back within half an hour.",
    find=find,
    examples=(
        Example(name="informed", night=lambda: _night("-0.04", Style.MAKER), flagged=True),
        Example(name="earned", night=lambda: _night("0.01", Style.MAKER), flagged=False),
        Example(name="impact", night=_impact, flagged=False),
        Example(
            name="old books",
            night=lambda: _night("-0.03", Style.TAKER, age=30),
            flagged=True,
            kind=Kind.STRUCTURAL,
        ),
    ),
)
