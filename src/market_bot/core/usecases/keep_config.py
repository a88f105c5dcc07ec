"""Look after a lane's settings file: whoever changes it, the lane follows, or says why not.

The file is looked at now and then. What a person writes is taken once it stands still, so that half
a file is never read as a whole one. What cannot be used changes nothing and is said once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.hot_change import TROUBLE
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.domain.settings import LaneSettings
from market_bot.core.ports.actor import Actor

LOOK_EVERY: Final = Duration(SECOND)
BY_FILE: Final = "file"
# An edit may leave size and time as they were.
_READ_ANYWAY: Final = 15


@attrs.frozen(kw_only=True)
class FileSeen:
    """What a settings file says, judged against the settings in force.

    Args:
        sha256: of its bytes; empty if it cannot be read.
        config, text: hash and canonical text of the configuration.
        path: the one key that differs; empty if none does, or several.
        where, trouble: why a running lane cannot take it, None if it can.

    """

    sha256: str = ""
    config: str = ""
    text: str = ""
    path: str = ""
    where: str = ""
    trouble: str | None = None


@attrs.define(eq=False)
class ConfigKeeper(Actor):
    """Brings the settings of a file to its lane.

    Args:
        lane: the chain, venue/lane.
        fingerprint: changes whenever the file probably did; cheap, never raises.
        read: reads and judges the file; never raises.
        in_force: returns the settings the lane trades with.
        put: brings a fact to the lane's next tick; False if it cannot take more.
        ready: tells whether the lane trades by now; before, its settings are those of its past.
        trouble: what the file says that is not in force, and why; for people.

    """

    lane: str
    fingerprint: Callable[[], object]
    read: Callable[[LaneSettings], FileSeen]
    in_force: Callable[[], LaneSettings]
    put: Callable[[ev.Event], bool]
    ready: Callable[[], bool] = lambda: True
    trouble: str | None = attrs.field(default=None, init=False)
    _mark: object = attrs.field(default=None, init=False)
    _changed: bool = attrs.field(default=True, init=False)
    _looks: int = attrs.field(default=0, init=False)
    _taken: tuple[str, str] = attrs.field(default=("", ""), init=False)
    _sent: str = attrs.field(default="", init=False)

    @property
    def name(self) -> str:
        """What its thread is called."""
        return f"settings of {self.lane}"

    def step(self, now: Micros) -> Micros:
        """Look whether the file changed; take it once it stands still."""
        self._looks += 1
        mark, before = self.fingerprint(), self._mark
        self._mark = mark
        if mark != before:
            self._changed = True
        elif (self._changed or self._looks % _READ_ANYWAY == 0) and self.ready():
            self.take()
        return Micros(now + LOOK_EVERY)

    def stop(self, now: Micros, reason: str) -> None:
        """Do nothing: what was not taken is taken by the next run."""

    def take(self, by: str = BY_FILE, path: str = "") -> None:
        """Take the file as it is now.

        Args:
            by: who wrote it.
            path: the key that was changed, where that is known.

        """
        in_force = self.in_force()
        seen = self.read(in_force)
        self._changed = False
        told, self._taken = self._taken, (seen.sha256, in_force.hash)
        # What was sent may still be on its way: then the same as now is news as well.
        as_it_is = seen.config == in_force.hash and self._sent in ("", in_force.hash)
        if seen.trouble is None and as_it_is:
            self.trouble = None
        elif self._taken != told:
            self._send(_fact(seen, by, path), seen)

    def _send(self, fact: ev.Event, seen: FileSeen) -> None:
        if not self.put(fact):
            self._changed, self._taken = True, ("", "")
            return
        self.trouble = seen.trouble
        if seen.trouble is None:
            self._sent = seen.config

    def hear(self, event: ev.Event) -> None:
        """Learn what the lane made of it."""
        if isinstance(event, ev.Error) and event.where.startswith(TROUBLE):
            self.trouble = event.message
        elif isinstance(event, ev.ConfigChanged):
            self.trouble = None


def _fact(seen: FileSeen, by: str, path: str) -> ev.Event:
    if seen.trouble is not None:
        return ev.Error(where=seen.where, message=seen.trouble)
    return ev.ConfigChanged(
        before="", after=seen.config, config=seen.text, by=by, path=path or seen.path
    )
