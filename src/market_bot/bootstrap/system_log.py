"""The system chain: what belongs to no venue: starts, stops, stalls, heads of all chains."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import HOUR, SECOND, Duration, Micros
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.journal import Chain, JournalError
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.record_facts import Recorder

CHAIN: Final = Chain("system", "main")
_WAITING_MAX: Final = 1_000


@attrs.define(eq=False)
class SystemLog(Actor):
    """Writes the system chain; `note` may be called from any thread, the rest from its own.

    Args:
        recorder: the open chain.
        lanes: returns the present picture of every lane, for the hourly heads.

    """

    recorder: Recorder
    lanes: Callable[[], Sequence[LaneSnapshot]]
    dropped: int = 0
    _waiting: deque[ev.Event] = attrs.field(factory=deque, init=False)
    _heads_due: Micros | None = attrs.field(default=None, init=False)

    @property
    def name(self) -> str:
        """The name of its thread."""
        return "system"

    def note(self, event: ev.Event) -> None:
        """Have a fact written soon; when too many wait the newest is dropped and counted."""
        if len(self._waiting) >= _WAITING_MAX:
            self.dropped += 1
            return
        self._waiting.append(event)

    @property
    def waiting(self) -> int:
        """How many facts wait to be written; from any thread."""
        return len(self._waiting)

    def step(self, now: Micros) -> Micros | None:
        """Write what waits, and once an hour how far every chain is."""
        self._write(now)
        if self._heads_due is None:
            self._heads_due = Micros(now + HOUR)
        elif now >= self._heads_due:
            self._heads_due = Micros(now + HOUR)
            self._write_heads(now)
        return Micros(now + SECOND)

    def stop(self, now: Micros, reason: str) -> None:
        """Write what waits, the heads of all chains, and that the bot stopped."""
        self._write(now)
        self._write_heads(now)
        self.recorder.record(ev.BotStopped(reason=reason), now)
        self.recorder.journal.commit()

    def _write(self, now: Micros) -> None:
        while self._waiting:
            self.recorder.record(self._waiting[0], now)
            self._waiting.popleft()

    def _write_heads(self, now: Micros) -> None:
        for lane in self.lanes():
            chain = str(Chain(lane.venue, lane.lane, lane.run))
            number, digest = lane.head
            head = ev.ChainHead(chain=chain, head_seq=number, head_hash=digest)
            self.recorder.record(head, now)

    def close(self) -> None:
        """Write what came in while the other threads ended, and close the chain."""
        try:
            # It is over anyway; what its thread could not write either is told of as its failure.
            with contextlib.suppress(JournalError):
                self._write(self.recorder.last_at)
        finally:
            self.recorder.journal.close()

    def stalled(self, name: str, busy_for: Duration) -> None:
        """Note that a worker does not come back."""
        reason = f"{name} has not come back for {busy_for // SECOND} s"
        self.note(ev.VenueState(state="stalled", reason=reason))

    def recovered(self, name: str) -> None:
        """Note that a worker came back."""
        self.note(ev.VenueState(state="open", reason=f"{name} came back"))
