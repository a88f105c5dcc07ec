"""Exit ``time_to_close``: do not hold into the end of a market.

A market whose end is not known is never near it.
"""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.core.domain.exits.api import ExitRule, Held, within
from market_bot.core.domain.numbers import SECOND
from market_bot.core.domain.strategies.api import knob

_MINUTE: Final = 60 * SECOND
_YEAR_MINUTES: Final = 366 * 24 * 60


@attrs.frozen(kw_only=True)
class Params:
    """How many minutes before the announced close everything is sold."""

    minutes: int = knob(
        10, low="1", high="1440", step="5", unit="minute", validator=within(1, _YEAR_MINUTES)
    )


def due(held: Held, params: Params) -> bool:
    """Tell whether the close is known and near."""
    close = held.seen.market.close_at
    return close is not None and close - held.as_of <= params.minutes * _MINUTE


exit_rule = ExitRule(
    name="time_to_close",
    summary="Sells what is still held shortly before its market closes.",
    params=Params,
    due=due,
)
