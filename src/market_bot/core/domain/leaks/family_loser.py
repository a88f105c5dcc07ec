"""Leak ``family_loser``: one family of markets loses more than it should."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from market_bot.core.domain.analytics.window import Closed, Window
from market_bot.core.domain.leaks import examples as made
from market_bot.core.domain.leaks import thresholds as limits
from market_bot.core.domain.leaks.api import Example, Kind, LeakRule, Measured, Night
from market_bot.core.domain.leaks.measures import (
    Loss,
    Weighed,
    claimed,
    contracts,
    decimal,
    dollars,
    reported,
    turn,
    weigh,
)
from market_bot.core.domain.numbers import price
from market_bot.core.domain.statistics import Bounds, on_grid, poisson_binomial_at_most

_NAME: Final = "family_loser"
_RESOLVED: Final = "resolved"
_BAND: Final = 0.2
_FAMILIES_MAX: Final = 64


def find(window: Window, night: Night) -> tuple[Measured, ...]:
    """Weigh what every family lost beside what the others lost at the same prices."""
    families: dict[str, list[Closed]] = {}
    for piece in sorted(window.closed, key=lambda one: one.seq):
        families.setdefault(piece.family, []).append(piece)
    # The busiest first; the rest could not be told apart from luck in any case.
    busiest = sorted(families, key=lambda name: (-len(families[name]), name))[:_FAMILIES_MAX]
    cells = _cells(window.closed)
    found = [_judged(window, night, name, families[name], cells) for name in sorted(busiest)]
    return tuple(found) or (_judged(window, night, "", [], cells),)


def _judged(
    window: Window,
    night: Night,
    family: str,
    pieces: Sequence[Closed],
    cells: Mapping[tuple[object, ...], Mapping[str, tuple[float, float, int]]],
) -> Measured:
    losses = [_loss(piece) for piece in pieces]
    seed = f"{night.seed}:{_NAME}:{family}:{window.since}"
    own = weigh(losses, seed=seed, least=0, events=limits.FAMILY_EVENTS)
    shrunk = _shrunken(own, window)
    chance = _too_few_wins(pieces)
    beyond = _beyond_peers(family, pieces, cells)
    mean = own.estimate or 0.0
    # At least half of the loss is its own, and not that of its prices.
    worse = mean > 0 and (beyond is None or beyond >= limits.PLATEAU * mean)
    p = own.p if chance is None or own.p is None else max(own.p, chance)
    blind = _loses_with_edge(pieces, night)
    entries = {seq for piece in pieces for seq in piece.entries}
    return reported(
        window,
        shrunk,
        losses,
        subject=family,
        unit="dollars per contract",
        flagged=shrunk.solid and own.solid and worse and (chance is None or chance <= limits.ALPHA),
        p=1.0 if p is not None and not worse else p,
        knobs=turn(night, *_knobs(pieces)),
        kind=Kind.STRUCTURAL if blind else Kind.TUNING,
        why_kind=blind,
        claims=claimed(window, entries, shrunk.estimate),
        detail={
            "own_mean": decimal(own.estimate or 0.0),
            "too_few_wins_p": "" if chance is None else decimal(chance),
            "beyond_others_at_the_same_prices": "" if beyond is None else decimal(beyond),
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


def _shrunken(own: Weighed, window: Window) -> Weighed:
    """Return the mean with twenty trades of all families beside its own."""
    size = math.fsum(contracts(piece.size) for piece in window.closed)
    if own.estimate is None or size <= 0:
        return own
    everyone = -math.fsum(dollars(piece.pnl) for piece in window.closed) / size
    share = own.n / (own.n + limits.FAMILY_PRIOR)

    def pulled(value: float) -> float:
        return on_grid(share * value + (1.0 - share) * everyone)

    bounds = own.bounds
    return attrs.evolve(
        own,
        estimate=pulled(own.estimate),
        bounds=None if bounds is None else Bounds(pulled(bounds.low), pulled(bounds.high)),
    )


def _too_few_wins(pieces: Sequence[Closed]) -> float | None:
    """Return the exact chance of so few wins at these prices; None with fewer than 20 events.

    One piece of an event is looked at, the first: the others were not decided independently.
    """
    first: dict[str, Closed] = {}
    for piece in pieces:
        if piece.how == _RESOLVED and piece.size > 0:
            first.setdefault(piece.event, piece)
    if len(first) < limits.FAMILY_EVENTS:
        return None
    chances = [
        min(1.0, max(0.0, dollars(one.cost + one.fees) / contracts(one.size)))
        for one in first.values()
    ]
    return poisson_binomial_at_most(sum(one.pnl > 0 for one in first.values()), chances)


def _cells(
    pieces: Sequence[Closed],
) -> dict[tuple[object, ...], dict[str, tuple[float, float, int]]]:
    """Return losses, contracts and count by price band and leg, and there by family.

    Cheap contracts lose everywhere, for takers most: without this a family of cheap contracts
    would be blamed for their price.
    """
    cells: dict[tuple[object, ...], dict[str, tuple[float, float, int]]] = {}
    for piece in sorted(pieces, key=lambda one: one.seq):
        families = cells.setdefault(_cell(piece), {})
        lost, size, count = families.get(piece.family, (0.0, 0.0, 0))
        families[piece.family] = (
            lost - dollars(piece.pnl),
            size + contracts(piece.size),
            count + 1,
        )
    return cells


def _cell(piece: Closed) -> tuple[object, ...]:
    at = dollars(piece.cost) / contracts(piece.size) if piece.size else 0.0
    return int(at / _BAND), piece.leg.name


def _beyond_peers(
    family: str,
    pieces: Sequence[Closed],
    cells: Mapping[tuple[object, ...], Mapping[str, tuple[float, float, int]]],
) -> float | None:
    """Return the loss per contract beyond that of the others; None if these are too few."""
    expected, weight = [], 0.0
    for piece in pieces:
        others = [told for name, told in cells[_cell(piece)].items() if name != family]
        size = math.fsum(told[1] for told in others)
        if sum(told[2] for told in others) < limits.FAMILY_PEERS or size <= 0:
            continue
        own = contracts(piece.size)
        expected.append(-dollars(piece.pnl) - own * math.fsum(told[0] for told in others) / size)
        weight += own
    return on_grid(math.fsum(expected) / weight) if weight else None


def _loses_with_edge(pieces: Sequence[Closed], night: Night) -> str:
    """Return why no threshold helps: it loses as well where the predicted edge was large."""
    least = _threshold(pieces, night)
    if least is None:
        return ""
    large = [
        p for p in pieces if p.edge is not None and p.edge >= limits.FAMILY_EDGE_MULTIPLE * least
    ]
    if len({piece.event for piece in large}) < limits.FAMILY_EVENTS:
        return ""
    weight = math.fsum(contracts(piece.size) for piece in large)
    mean = -math.fsum(dollars(piece.pnl) for piece in large) / weight
    whole = -math.fsum(dollars(p.pnl) for p in pieces) / math.fsum(
        contracts(p.size) for p in pieces
    )
    if mean <= 0 or mean < limits.PLATEAU * whole:
        return ""
    return "it loses as much where the predicted edge was twice the threshold"


def _threshold(pieces: Sequence[Closed], night: Night) -> int | None:
    said = [
        value
        for name in sorted({piece.strategy for piece in pieces})
        if (value := night.knobs.get(f"strategies.{name}.params.min_edge")) is not None
    ]
    return max(price(value) for value in said) if said else None


def _knobs(pieces: Sequence[Closed]) -> list[tuple[str, int]]:
    names = sorted({piece.strategy for piece in pieces})
    return [(f"strategies.{name}.params.min_edge", 1) for name in names]


def _night(gain: str, others: str = "0.01") -> Night:
    bad = [made.closed(i, gain=gain, family="BAD") for i in range(80)]
    good = [made.closed(i, gain=others, family="GOOD") for i in range(100, 200)]
    return made.night(closed=bad + good)


def _loser() -> Night:
    """Return a night in which it loses at small edges, and gains at large ones."""
    bad = [
        made.closed(
            i,
            gain="0.01" if i // 2 % 3 == 0 else "-0.04",
            family="BAD",
            edge=price("0.05" if i // 2 % 3 == 0 else "0.012"),
        )
        for i in range(150)
    ]
    good = [made.closed(i, gain="0.01", family="GOOD") for i in range(200, 300)]
    return made.night(closed=bad + good)


def _everywhere() -> Night:
    """Return a night in which it loses at small and at large edges."""
    bad = [
        made.closed(i, gain="-0.03", family="BAD", edge=price("0.05" if i % 2 else "0.012"))
        for i in range(120)
    ]
    return made.night(
        closed=bad + [made.closed(i, gain="0.01", family="GOOD") for i in range(200, 300)]
    )


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="One family of markets loses, and more than others at the same prices.",
    disproof=(
        "Other families lose as much at the same prices, or the family's next twenty events win as "
        "often as their prices say."
    ),
    find=find,
    examples=(
        Example(name="a loser", night=_loser, flagged=True),
        Example(name="no loser", night=lambda: _night("0.01"), flagged=False),
        Example(
            name="all lose alike", night=lambda: _night("-0.02", others="-0.02"), flagged=False
        ),
        Example(name="at any edge", night=_everywhere, flagged=True, kind=Kind.STRUCTURAL),
    ),
)
