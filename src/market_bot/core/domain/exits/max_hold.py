"""Exit ``max_hold``: money that waits too long is needed elsewhere."""

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
    """How many minutes after its first purchase a position is sold."""

    minutes: int = knob(
        1440, low="10", high="43200", step="60", unit="minute", validator=within(1, _YEAR_MINUTES)
    )


def due(held: Held, params: Params) -> bool:
    """Tell whether the position is old enough."""
    return held.as_of - held.position.opened_at >= params.minutes * _MINUTE


exit_rule = ExitRule(
    name="max_hold",
    summary="Sells what has been held for long enough.",
    params=Params,
    due=due,
)
