"""Whether the markets of an event leave no outcome out: provable for ladders of strikes only.

"At most one YES" is the venue's word; "one must be YES" nobody says. It follows if the strikes
cover every value the outcome can take: a tail below, ranges that touch, a tail above. Ranges touch
if the next begins where the last one ended, or one step later where the outcome comes in steps
(whole degrees); the step stands in the rules, in prose, so that a person has to tell it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final

from .parse_markets import Listing

# Which strike a type needs, and how the value at the strike itself belongs to it.
_BELOW: Final = {"less": False, "less_or_equal": True}
_ABOVE: Final = {"greater": False, "greater_or_equal": True}
_BETWEEN: Final = "between"
_MARKETS_MAX: Final = 1000

# From (and whether the value itself is in) up to (and whether it is in); None is without end.
_Stretch = tuple[Decimal | None, bool, Decimal | None, bool]


def covers_everything(listings: Sequence[Listing], step: Decimal | None) -> bool:
    """Tell whether one of the markets must end YES unless it is void.

    Args:
        listings: all markets of the event; one that is left out makes the answer wrong.
        step: the outcome is a multiple of this, None if it may be anything.

    """
    if not 1 < len(listings) <= _MARKETS_MAX or (step is not None and step <= 0):
        return False
    stretches = [_stretch(one) for one in listings]
    whole = [one for one in stretches if one is not None]
    if len(whole) != len(stretches):
        return False
    whole.sort(key=lambda one: Decimal("-Infinity") if one[0] is None else one[0])
    if whole[0][0] is not None or whole[-1][2] is not None:
        return False
    return all(_touch(before, after, step) for before, after in pairwise(whole))


def _stretch(listing: Listing) -> _Stretch | None:
    floor = None if listing.floor is None else Decimal(listing.floor)
    cap = None if listing.cap is None else Decimal(listing.cap)
    kind = listing.strike_type
    if kind in _BELOW and cap is not None and floor is None:
        return None, True, cap, _BELOW[kind]
    if kind in _ABOVE and floor is not None and cap is None:
        return floor, _ABOVE[kind], None, True
    if kind == _BETWEEN and floor is not None and cap is not None and floor <= cap:
        return floor, True, cap, True
    return None


def _touch(before: _Stretch, after: _Stretch, step: Decimal | None) -> bool:
    _, _, end, with_end = before
    start, with_start, _, _ = after
    if end is None or start is None:
        return False  # Two tails on one side: not the ladder we know.
    if step is None:
        return start < end or (start == end and (with_end or with_start))
    if end % step or start % step:
        return False
    first_missing = end + step if with_end else end
    first_there = start if with_start else start + step
    return first_there <= first_missing
