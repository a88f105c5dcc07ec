"""Leak ``time_and_resolution``: one time of day, or one distance to the end, loses."""

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
    claimed,
    contracts,
    decimal,
    dollars,
    reported,
    turn,
    weigh,
)
from market_bot.core.domain.numbers import HOUR, Duration, Micros
from market_bot.core.domain.statistics import on_grid
from market_bot.core.domain.statistics.chance import stream

_NAME: Final = "time_and_resolution"
_DAY: Final = 24 * HOUR
_WORD: Final = 6
_LATE_SETTLEMENT: Final = Duration(24 * HOUR)
Cell = tuple[int, int]


@attrs.frozen
class _Unit:
    """What one event lost in one cell on one day."""

    day: int
    cell: Cell
    loss: float
    weight: float


def find(window: Window, night: Night) -> tuple[Measured, ...]:
    """Find cells that lose more than any would if the labels of a day were dealt anew.

    The largest of all cells' scores is compared with the largest of each deal, which counts all
    of them. Cells that stand out are told, and if none does the worst one.
    """
    cells: dict[Cell, list[Closed]] = {}
    for piece in sorted(window.closed, key=lambda one: one.seq):
        cell = _cell(piece)
        if cell is not None:
            cells.setdefault(cell, []).append(piece)
    large = {
        cell: pieces
        for cell, pieces in sorted(cells.items())
        if len({one.event for one in pieces}) >= limits.CELL_EVENTS
    }
    if not large:
        return (_told(window, night, None, max(cells.values(), key=len, default=[]), None),)
    chances = _dealt(window, night, set(large))
    told = [cell for cell in large if chances[cell] <= limits.ALPHA]
    worst = min(large, key=lambda cell: (chances[cell], cell))
    return tuple(_told(window, night, cell, large[cell], chances[cell]) for cell in told or [worst])


def _cell(piece: Closed) -> Cell | None:
    if piece.closes_in is None:
        return None
    near = sum(piece.closes_in >= hours * HOUR for hours in limits.CELL_HOURS)
    return near, piece.opened_at % _DAY * limits.CELL_BLOCKS // _DAY


def _told(
    window: Window, night: Night, cell: Cell | None, pieces: Sequence[Closed], chance: float | None
) -> Measured:
    losses = [_loss(piece) for piece in pieces]
    subject = "" if cell is None else _name(cell)
    seed = f"{night.seed}:{_NAME}:{subject}:{window.since}"
    weighed = weigh(losses, seed=seed, least=0, events=limits.CELL_EVENTS)
    both = None if weighed.p is None or chance is None else max(weighed.p, chance)
    kind, why = _kind(pieces)
    return reported(
        window,
        weighed,
        losses,
        subject=subject,
        unit="dollars per contract",
        flagged=weighed.solid and chance is not None and chance <= limits.ALPHA,
        p=both,
        knobs=turn(night, *(_knobs(cell) if cell is not None else ())),
        kind=kind,
        why_kind=why,
        claims=claimed(window, {seq for one in pieces for seq in one.entries}, weighed.estimate),
        detail={"permutation_p": "" if chance is None else decimal(chance)},
    )


def _loss(piece: Closed) -> Loss:
    return Loss(
        seq=piece.seq,
        event=piece.event,
        market=piece.market,
        loss=-dollars(piece.pnl),
        weight=contracts(piece.size),
    )


def _name(cell: Cell) -> str:
    bounds = ("0", *map(str, limits.CELL_HOURS), "")
    hours = f"{bounds[cell[0]]}-{bounds[cell[0] + 1]}h"
    span = 24 // limits.CELL_BLOCKS
    return f"{hours}@{cell[1] * span:02d}-{(cell[1] + 1) * span:02d}"


def _knobs(cell: Cell) -> list[tuple[str, int]]:
    if cell[0] == 0:
        return [
            ("markets.min_hours_to_close", 1),
            ("strategies.*.params.stop_before_close_seconds", 1),
            ("strategies.*.params.min_seconds_to_close", 1),
        ]
    if cell[0] == len(limits.CELL_HOURS):
        return [("markets.max_hours_to_close", -1), ("strategies.*.params.max_hours_to_close", -1)]
    return [("strategies.*.params.min_edge", 1)]


def _kind(pieces: Sequence[Closed]) -> tuple[Kind, str]:
    whole = sum(piece.size for piece in pieces)
    families: dict[str, int] = {}
    for piece in pieces:
        families[piece.family] = families.get(piece.family, 0) + piece.size
    if len(families) > 1 and max(families.values()) > limits.DOMINATED * whole:
        return Kind.STRUCTURAL, "it is the schedule of one family: see family_loser"
    late = sum(piece.size for piece in pieces if _settled_late(piece))
    if late > limits.DOMINATED * whole:
        return Kind.VENUE, "most of it waited more than a day for its settlement"
    return Kind.TUNING, ""


def _settled_late(piece: Closed) -> bool:
    due = Micros(piece.opened_at + (piece.closes_in or Duration(0)))
    return piece.how == "resolved" and piece.at - due > _LATE_SETTLEMENT


# -- the permutation -----------------------------------------------------------------------------


def _dealt(window: Window, night: Night, large: set[Cell]) -> dict[Cell, float]:
    """Return of every large cell how often the worst of a deal is at least as bad."""
    units = _units(window)
    mean = math.fsum(u.loss for u in units) / math.fsum(u.weight for u in units)
    off = [u.loss - mean * u.weight for u in units]
    observed = _scores([u.cell for u in units], off, large)
    seed = f"{night.seed}:{_NAME}:{window.since}"
    chances = _counted(units, off, observed, seed, limits.PERMUTATIONS_SCREEN)
    if min(chances.values()) <= limits.SCREEN_P:
        chances = _counted(units, off, observed, seed, limits.PERMUTATIONS)
    return chances


def _units(window: Window) -> list[_Unit]:
    parts: dict[tuple[int, str, Cell], tuple[float, float]] = {}
    for piece in sorted(window.closed, key=lambda one: one.seq):
        cell = _cell(piece)
        if cell is None or not piece.size:
            continue
        key = (piece.opened_at // _DAY, piece.event, cell)
        loss, weight = parts.get(key, (0.0, 0.0))
        parts[key] = (loss - dollars(piece.pnl), weight + contracts(piece.size))
    return [
        _Unit(key[0], key[2], on_grid(loss), weight)
        for key, (loss, weight) in sorted(parts.items())
    ]


def _scores(cells: Sequence[Cell], off: Sequence[float], large: set[Cell]) -> dict[Cell, float]:
    sums = dict.fromkeys(sorted(large), 0.0)
    squares = dict.fromkeys(sums, 0.0)
    for cell, value in zip(cells, off, strict=True):
        if cell in sums:
            sums[cell] += value
            squares[cell] += value * value
    return {
        cell: on_grid(sums[cell] / math.sqrt(squares[cell])) if squares[cell] > 0 else 0.0
        for cell in sums
    }


def _counted(
    units: Sequence[_Unit],
    off: Sequence[float],
    observed: Mapping[Cell, float],
    seed: str,
    deals: int,
) -> dict[Cell, float]:
    reached = dict.fromkeys(observed, 1)
    cells = [unit.cell for unit in units]
    places = range(len(units))
    days = [unit.day.to_bytes(8, "big") for unit in units]
    for deal in range(deals):
        raw = stream(seed, deal, _WORD * len(units))
        # Units are in the order of their days, and so are the shuffled ones: each stays in its day.
        order = sorted(places, key=lambda i: days[i] + raw[_WORD * i : _WORD * (i + 1)])
        worst = max(_scores([cells[i] for i in order], off, set(observed)).values())
        for cell, score in observed.items():
            reached[cell] += worst >= score
    return {cell: on_grid(count / (deals + 1)) for cell, count in reached.items()}


def _night(near: str, far: str, family: str = "") -> Night:
    pieces = []
    for i in range(240):
        bad = i // 2 % 3 == 0
        # Half an hour before the end, in the middle of the day, an event of its own.
        opened = Micros(made.START + (13 * HOUR if bad else i % 24 * HOUR))
        names = {"family": family if bad and family else f"F{i % 4}"}
        left = Duration(HOUR // 2) if bad else Duration(12 * HOUR)
        gain = near if bad else far
        pieces.append(made.closed(i, gain=gain, closes_in=left, opened_at=opened, **names))
    return made.night(closed=pieces)


def _scheduled() -> Night:
    """Return a night in which nearly all trades of the losing hours are of one family."""
    night = _night("-0.04", "0.01", family="ONE")
    first = night.day.closed[0]
    day = attrs.evolve(
        night.day, closed=(attrs.evolve(first, family="OTHER"), *night.day.closed[1:])
    )
    return attrs.evolve(night, day=day, week=day, month=day)


RULE = LeakRule(
    name=_NAME,
    version=1,
    summary="Trades at one time of day, or so long before the end of their market, lose.",
    disproof="The next twenty events in the same hours lose no more than all others.",
    find=find,
    examples=(
        Example(name="near the end", night=lambda: _night("-0.04", "0.01"), flagged=True),
        Example(name="everywhere alike", night=lambda: _night("0.01", "0.01"), flagged=False),
        Example(
            name="one family's schedule",
            night=_scheduled,
            flagged=True,
            kind=Kind.STRUCTURAL,
        ),
    ),
)
