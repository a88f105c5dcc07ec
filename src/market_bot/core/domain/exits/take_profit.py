"""Exit ``take_profit``: sell once the bid is good enough, whatever might still come."""

from __future__ import annotations

import attrs

from market_bot.core.domain.exits.api import ExitRule, Held, a_price
from market_bot.core.domain.numbers import Price
from market_bot.core.domain.strategies.api import knob


@attrs.frozen(kw_only=True)
class Params:
    """When it is enough: the bid has reached a price, or a gain above the average cost.

    Both are dollars per contract of the leg held, before fees; either is enough. At least one is
    needed.
    """

    price: Price | None = knob(
        None, low="0.6", high="0.99", step="0.01", unit="dollar", validator=a_price
    )
    gain: Price | None = knob(
        None, low="0.02", high="0.5", step="0.02", unit="dollar", validator=a_price
    )

    def __attrs_post_init__(self) -> None:
        if self.price is None and self.gain is None:
            msg = "says nothing: add a line like `price: 0.97` or `gain: 0.10`"
            raise ValueError(msg)


def due(held: Held, params: Params) -> bool:
    """Tell whether the bid has reached the price or the gain."""
    bid = held.bid
    if bid is None:
        return False
    if params.price is not None and bid >= params.price:
        return True
    return params.gain is not None and held.gain(bid) >= held.whole(params.gain)


exit_rule = ExitRule(
    name="take_profit",
    summary="Sells once the bid has reached a price or a gain.",
    params=Params,
    due=due,
)
