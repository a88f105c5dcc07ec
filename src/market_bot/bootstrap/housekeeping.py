"""What is done once a UTC day: anchors of all chains, and journals that are old enough removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from market_bot.adapters.storage.anchors import AnchorFile
from market_bot.adapters.storage.home import Home
from market_bot.adapters.storage.journal_retention import sweep_journals
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import SECOND, Micros, utc_date
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.journal import JournalError

LOOK_EVERY: Final = 60 * SECOND


@attrs.define(eq=False, kw_only=True)
class Housekeeper(Actor):
    """Does what a day needs, soon after it began or the bot started.

    Args:
        home: whose files.
        journal_days: for how many days journals are kept.
        tell: takes what belongs to no lane.

    """

    home: Home
    journal_days: int
    tell: Callable[[ev.Event], None]
    _began: Micros | None = attrs.field(default=None, init=False)
    _day: str | None = attrs.field(default=None, init=False)

    @property
    def name(self) -> str:
        """What its thread is called."""
        return "housekeeping"

    def step(self, now: Micros) -> Micros | None:
        """Do what is due; see `Actor.step`."""
        if self._began is None:
            # A minute later the lanes have written something.
            self._began = now
        elif self._day != utc_date(now):
            self._keep(now)
        return Micros(now + LOOK_EVERY)

    def stop(self, now: Micros, reason: str) -> None:
        """Leave the rest to the next run."""

    def _keep(self, now: Micros) -> None:
        today = utc_date(now)
        try:
            AnchorFile(self.home.anchors_file, self.home.journal_dir).add(now)
        except (OSError, JournalError) as e:
            self.tell(ev.Error(where="anchors", message=str(e)))
        self._day = today
        for path in sweep_journals(self.home.journal_dir, days=self.journal_days, now=now):
            where = path.relative_to(self.home.path).as_posix()
            why = f"journal older than {self.journal_days} days"
            self.tell(ev.TapeChanged(what="removed", file=where, reason=why))
