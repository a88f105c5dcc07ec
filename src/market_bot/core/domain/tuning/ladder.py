"""Which values a knob may take next: the rungs of its ladder beside the present value.

The ladder of a knob is every multiple of its step within its bounds. A change goes to the next
rung up or down and never further than one step; a value that stands between two rungs may go to
either. Nothing leads away from a value that is not a number to be turned: one that is not set, one
that switches something off (zero below the lower bound), one further outside than a step. A knob
whose step is more than it may go within a month does not move at all.
"""

from __future__ import annotations

from typing import Final

from market_bot.core.domain.numbers import NotExactError, format_scaled, parse_scaled
from market_bot.core.domain.strategies.api import Knob

RUNGS_MAX: Final = 9
_SCALE: Final = 12
_EACH_WAY: Final = RUNGS_MAX // 2
_PARTS: Final = 4


def legal_next(knob: Knob, value: str | None) -> tuple[str, ...]:
    """Return the values a change may lead to, at most two, the lower one first.

    Raises:
        NotExactError: if the knob or the value is not written in numbers.

    """
    present = _present(knob, value)
    if present is None or never_moves(knob):
        return ()
    low, high, step = _ends(knob)
    below, above = (present - 1) // step * step, (present // step + 1) * step
    if present < low:
        above = _first(low, step)
    elif present > high:
        below = high // step * step
    return tuple(
        format_scaled(rung, _SCALE)
        for rung in (below, above)
        if low <= rung <= high and abs(rung - present) <= step
    )


def rungs(knob: Knob, value: str | None) -> tuple[str, ...]:
    """Return at most nine rungs around a value, ascending: what one looks at to judge a knob.

    Four lie on either side, fewer at the ends; a value that stands on a rung is among them.

    Raises:
        NotExactError: as `legal_next`.

    """
    present = _present(knob, value)
    if present is None:
        return ()
    low, high, step = _ends(knob)
    middle = present // step
    first = max(_first(low, step) // step, middle - _EACH_WAY)
    last = min(high // step, middle + _EACH_WAY)
    return tuple(format_scaled(rung * step, _SCALE) for rung in range(first, last + 1))


def never_moves(knob: Knob) -> bool:
    """Tell whether one step is more than a quarter of the range, as far as it may go in a month.

    Raises:
        NotExactError: if the knob is not written in numbers.

    """
    low, high, step = _ends(knob)
    return _PARTS * step > high - low


def direction(before: str, after: str) -> int:
    """Return 1 if a change goes up, -1 if it goes down, 0 if both are the same number.

    Raises:
        NotExactError: if one is not a number.

    """
    old, new = parse_scaled(before, _SCALE), parse_scaled(after, _SCALE)
    return (new > old) - (new < old)


def closer_than_a_step(knob: Knob, one: str, other: str) -> bool:
    """Tell whether two values of a knob are nearly the same.

    Raises:
        NotExactError: if one is not a number.

    """
    return abs(parse_scaled(one, _SCALE) - parse_scaled(other, _SCALE)) < _ends(knob)[2]


def _present(knob: Knob, value: str | None) -> int | None:
    if value is None:
        return None
    present = parse_scaled(value, _SCALE)
    # Zero below the bounds means "off": one step from there is no small change.
    return None if present == 0 < _ends(knob)[0] else present


def _ends(knob: Knob) -> tuple[int, int, int]:
    low, high, step = (parse_scaled(text, _SCALE) for text in (knob.low, knob.high, knob.step))
    if step <= 0:
        msg = f"a step is above 0, was {knob.step}"
        raise NotExactError(msg)
    return low, high, step


def _first(low: int, step: int) -> int:
    return -(-low // step) * step
