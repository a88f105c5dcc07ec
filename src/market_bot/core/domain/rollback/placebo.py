"""Windows in which nothing changed: what the tests would have said, had a trial begun there.

Every full hour of the last four weeks is the beginning of a pretended trial. How low its profit
test went at the four looks, and how far it was down in dollars, is what a real trial is held
against. So the share of false alarms is right whatever the tails of profits are like.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

import attrs

from market_bot.core.domain.numbers import HOUR, SECOND, Micros, Money

from .cohort import Worth
from .constants import AGES, LAST_LOOK, LOOKS, MINUTE
from .pnl_check import Scored, look

_AGES: Final = tuple(age * SECOND for age in AGES)
_LENGTH: Final = LAST_LOOK * MINUTE


@attrs.frozen(kw_only=True)
class Placebos:
    """The lowest X of each window that could be tested, and each active window's deepest loss.

    Both are sorted, the worst first.
    """

    lowest: tuple[float, ...]
    deepest: tuple[Money, ...]


def placebos(
    trades: Sequence[tuple[Scored, Worth]], since: Micros, until: Micros, step: int = HOUR
) -> Placebos:
    """Return what every pretended trial between two moments shows.

    Args:
        trades: of the stretch, by opening time.
        since: when the first window begins.
        until: when the last one ends at the latest.
        step: from one beginning to the next.

    """
    openings = [scored.opened for scored, _ in trades]
    lowest: list[float] = []
    deepest: list[Money] = []
    for begin in range(since, until - _LENGTH + 1, step):
        first, last = (bisect_left(openings, at) for at in (begin, begin + _LENGTH))
        window = trades[first:last]
        if not window:
            continue
        x = lowest_x([scored for scored, _ in window], begin)
        if x is not None:
            lowest.append(x)
        deepest.append(deepest_loss([worth for _, worth in window], begin))
    return Placebos(lowest=tuple(sorted(lowest)), deepest=tuple(sorted(deepest)))


def lowest_x(trades: Sequence[Scored], begin: int) -> float | None:
    """Return the lowest X of the looks with enough events; None if none had."""
    seen = (look(trades, begin + minute * MINUTE, minute) for minute in LOOKS)
    low = min((one.x for one in seen if one.testable), default=math.inf)
    return None if math.isinf(low) else low


def deepest_loss(trades: Sequence[Worth], begin: int) -> Money:
    """Return how far a window's trades were down together at the worst moment; never above 0."""
    moves: list[tuple[int, int]] = []
    for trade in trades:
        known = 0
        for age, worth in zip(_AGES, trade.whole, strict=True):
            at = trade.opened + age
            if worth is not None and at < begin + _LENGTH:
                moves.append((at, worth - known))
                known = worth
    moves.sort()
    level = deepest = 0
    for index, (at, move) in enumerate(moves):
        level += move
        if level < deepest and (index + 1 == len(moves) or moves[index + 1][0] > at):
            deepest = level
    return Money(deepest)
