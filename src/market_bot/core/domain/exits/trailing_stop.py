"""Exit ``trailing_stop``: once a position has gained enough, sell when it gives part of it back.

The highest bid is noted when it rises by a tick or more, at most every ten seconds per position:
a shorter peak may pass unseen.
"""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.core.domain.exits.api import ExitRule, Held, Memory, a_price, not_below_zero
from market_bot.core.domain.numbers import ONE_DOLLAR, SECOND, Duration, Price, price
from market_bot.core.domain.strategies.api import knob

_EVERY: Final = Duration(10 * SECOND)


@attrs.frozen(kw_only=True)
class Params:
    """Dollars per contract: the gain that switches the stop on, and how far below the high it is.

    The gain is that of the highest bid above the average cost; 0 is on from the start.
    """

    activation: Price = knob(
        price("0.05"), low="0", high="0.3", step="0.02", unit="dollar", validator=not_below_zero
    )
    distance: Price = knob(
        price("0.05"), low="0.01", high="0.3", step="0.01", unit="dollar", validator=a_price
    )


def remember(held: Held, _: Params) -> Memory:
    """Note the bid if it is the highest by at least a tick; never a lower one."""
    bid, high = held.bid, held.memory.high
    if bid is None:
        return held.memory
    if high is None or (bid - high >= _tick(held, high) and held.quiet_for(_EVERY)):
        return attrs.evolve(held.memory, high=bid)
    return held.memory


def due(held: Held, params: Params) -> bool:
    """Tell whether the bid fell from its high by the distance, after a gain worth protecting."""
    bid, high = held.bid, held.memory.high
    if bid is None or high is None or held.gain(high) < held.whole(params.activation):
        return False
    return high - bid >= params.distance


def _tick(held: Held, at: Price) -> Price:
    """Return the size of a tick there, in the leg's own prices; both legs share one grid."""
    inside = any(band.start <= at <= band.end for band in held.seen.market.ticks)
    return held.seen.market.tick_at(at) if inside else ONE_DOLLAR


exit_rule = ExitRule(
    name="trailing_stop",
    summary="Sells when a position that gained enough falls back from its highest bid.",
    params=Params,
    due=due,
    remember=remember,
)
