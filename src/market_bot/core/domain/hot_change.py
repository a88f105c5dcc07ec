"""What of a lane's settings may change while it trades, and what only between two runs.

Hard limits may become tighter and never looser: whoever can write a settings file must not be able
to let a running bot risk more. The pretended account is what its past follows from.
"""

from __future__ import annotations

from collections.abc import Iterator

from market_bot.core.domain.settings import LaneSettings

TROUBLE = "config:"
"""How the ``where`` of an error begins that says why settings were not taken."""
BAD_EDIT = "config:bad_edit"
"""The settings file cannot be loaded as it is now."""
NEEDS_RESTART = "config:needs_restart"
"""The settings file says something that a running lane does not take."""


class SettingsRefused(Exception):
    """Settings were not taken; the message is one line saying why."""


def needs_restart(before: LaneSettings, after: LaneSettings) -> Iterator[str]:
    """Yield what a running lane does not take, one sentence each; nothing if it takes all."""
    missing = {rule.name for rule in before.rules} - {rule.name for rule in after.rules}
    for name in sorted(missing):
        yield f"risk.{name} has no rule any more"
    for name, limit in before.limits.items():
        wanted = after.limits.get(name)
        if wanted is None or wanted > limit:
            yield f"risk.{name} would be looser: limits are only tightened while the bot runs"
    if after.cash != before.cash or after.fills != before.fills:
        yield "paper: the pretended account does not change while it is traded"
