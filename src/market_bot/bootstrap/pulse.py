"""The bot's sign of life to whoever started it: given only while every lane comes back."""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.adapters.system.service_manager import ServiceManager
from market_bot.bootstrap.running_bot import RunningBot

EVERY_S: Final = 5.0


@attrs.define(eq=False)
class Pulse:
    """Tells a service manager every few seconds how the bot is.

    Args:
        manager: who is told.
        bot: how it is.

    """

    manager: ServiceManager
    bot: RunningBot
    _next: float = attrs.field(default=0.0, init=False)

    def ready(self) -> None:
        """Say that everything runs."""
        self.manager.ready(self._status())

    def beat(self, now: float) -> None:
        """Say that all is well if it is, every few seconds; ``now`` is any steady time in seconds.

        A lane whose thread does not come back is not well. Nor would stopping it in order help: its
        sign of life stays away until the manager kills the process.
        """
        if now < self._next:
            return
        self._next = now + EVERY_S
        stalled = self.bot.stalled_lanes()
        if stalled:
            self.manager.unwell(f"stalled: {', '.join(stalled)}")
        else:
            self.manager.well(self._status())

    def stopping(self) -> None:
        """Say that the end is near."""
        self.manager.stopping()

    def _status(self) -> str:
        lanes = self.bot.lanes()
        return "; ".join(f"{lane.venue}/{lane.lane} {lane.phase}" for lane in lanes)
