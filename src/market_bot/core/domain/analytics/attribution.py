"""Where the profit of a closed piece came from: parts that sum to it, to the last unit.

A piece is walked from what was paid for it to what came back for it, in steps between prices that
the journal tells; what it gained at each step belongs to one part:

==================  ===========================================================================
part                step
==================  ===========================================================================
spread              from the price asked for to the midpoint at the decision to buy; from the
                    midpoint at the decision to sell to the price asked for then
slippage            from what was paid to the price asked for, and from the midpoint at the
                    decision to that at the fill; from the price asked for to what a sale brought
adverse_selection   from the midpoint at the fill to that five minutes later
edge                from there to the last midpoint before the position was left
settlement          from the last midpoint to what was paid out, or what merging brought
fees                what was charged, both ways
unexplained         steps over a price that is not known
==================  ===========================================================================

The steps are those of the implementation shortfall (Perold, "The implementation shortfall: paper
versus reality", 1988) and of the realised spread (Huang and Stoll, "Dealer versus auction markets",
1996), put one behind the other. A price that is missing never counts as zero: the step over it is
unexplained as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from market_bot.core.domain.analytics.window import Window
from market_bot.core.domain.numbers import NO_MONEY, Money

EDGE: Final = "edge"
SPREAD: Final = "spread"
SLIPPAGE: Final = "slippage"
ADVERSE_SELECTION: Final = "adverse_selection"
FEES: Final = "fees"
SETTLEMENT: Final = "settlement"
UNEXPLAINED: Final = "unexplained"
REWARDS: Final = "rewards"

PARTS: Final = (EDGE, SPREAD, SLIPPAGE, ADVERSE_SELECTION, FEES, SETTLEMENT, UNEXPLAINED)
"""The parts of a closed piece, all of them always there; rewards belong to a whole window."""


@attrs.frozen(kw_only=True)
class Walk:
    """What one piece was worth at each price on its way; None where the price is not known.

    Args:
        cost: what was paid, without fees.
        asked: at the price that was asked for when buying.
        decided: at the midpoint of the decision to buy.
        filled: at the midpoint when the purchase was heard of.
        later: at the midpoint five minutes after that, or at `left` if it was left earlier.
        left: at the last midpoint before it was left.
        sought: at the price that was asked for when selling; None if it was not sold.
        proceeds: what came back, without fees.
        fees: what was charged, both ways.
        sold: whether it was sold, not paid out.

    """

    cost: Money
    proceeds: Money
    fees: Money
    sold: bool
    asked: Money | None = None
    decided: Money | None = None
    filled: Money | None = None
    later: Money | None = None
    left: Money | None = None
    sought: Money | None = None


def attribute(walk: Walk) -> dict[str, Money]:
    """Return the parts of ``proceeds - cost - fees``, every one of `PARTS`; they sum to it."""
    parts = dict.fromkeys(PARTS, NO_MONEY)
    parts[FEES] = Money(-walk.fees)
    at, gap = walk.cost, False
    for part, worth in _steps(walk):
        if worth is None:
            gap = True
            continue
        into = UNEXPLAINED if gap else part
        parts[into] = Money(parts[into] + worth - at)
        at, gap = worth, False
    return parts


def _steps(walk: Walk) -> tuple[tuple[str, Money | None], ...]:
    bought = (
        (SLIPPAGE, walk.asked),
        (SPREAD, walk.decided),
        (SLIPPAGE, walk.filled),
        (ADVERSE_SELECTION, walk.later),
        (EDGE, walk.left),
    )
    if walk.sold:
        return (*bought, (SPREAD, walk.sought), (SLIPPAGE, walk.proceeds))
    return (*bought, (SETTLEMENT, walk.proceeds))


def summed(several: Iterable[Mapping[str, Money]]) -> dict[str, Money]:
    """Return the sums of parts, every one of `PARTS`."""
    total = dict.fromkeys(PARTS, NO_MONEY)
    for parts in several:
        for part, amount in parts.items():
            total[part] = Money(total[part] + amount)
    return total


def attribution_of(window: Window) -> dict[str, Money]:
    """Return the parts of all that was realised in a window, rewards among them.

    They sum to ``realised + rewards``, unless the window was cut.
    """
    return {**summed(piece.parts for piece in window.closed), REWARDS: window.rewards}
