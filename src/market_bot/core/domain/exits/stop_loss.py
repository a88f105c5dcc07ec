"""Exit ``stop_loss``: sell once the price has stood too far below what was paid, long enough.

Confirmation keeps a thin book's short gaps from selling what nobody wanted to sell. It begins when
the price is first seen at or below the stop and ends when it is seen above; while the price cannot
be told, nothing begins and nothing ends.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain.exits.api import ExitRule, Held, Memory, a_price, within
from market_bot.core.domain.numbers import SECOND, Duration, Price, price
from market_bot.core.domain.strategies.api import fixed, knob

# A price that flickers about the stop must not fill the journal.
_REARM: Final = Duration(SECOND)
_DAY_SECONDS: Final = 24 * 3600


class Measure(Enum):
    """Which price is compared with the stop."""

    MID = "mid"
    BID = "bid"


@attrs.frozen(kw_only=True)
class Params:
    """``distance`` is in dollars per contract below the average cost of what is held."""

    distance: Price = knob(
        price("0.10"), low="0.02", high="0.5", step="0.02", unit="dollar", validator=a_price
    )
    confirm_seconds: int = knob(
        30, low="0", high="600", step="30", unit="second", validator=within(0, _DAY_SECONDS)
    )
    measure: Measure = fixed(Measure.MID)


def remember(held: Held, params: Params) -> Memory:
    """Begin or end the confirmation; one that ended begins again after a second."""
    below = _below(held, params)
    armed = held.memory.armed_at
    if below is None or params.confirm_seconds == 0:
        return held.memory
    if below and armed is None and held.quiet_for(_REARM):
        armed = held.as_of
    elif not below:
        armed = None
    return attrs.evolve(held.memory, armed_at=armed)


def due(held: Held, params: Params) -> bool:
    """Tell whether the price stands below the stop and has for long enough."""
    if not _below(held, params):
        return False
    if params.confirm_seconds == 0:
        return True
    armed = held.memory.armed_at
    return armed is not None and held.as_of - armed >= params.confirm_seconds * SECOND


def _below(held: Held, params: Params) -> bool | None:
    at = held.bid if params.measure is Measure.BID else held.mid
    return None if at is None else -held.gain(at) >= held.whole(params.distance)


exit_rule = ExitRule(
    name="stop_loss",
    summary="Sells once the price has stood too far below the average cost for long enough.",
    params=Params,
    due=due,
    remember=remember,
)
