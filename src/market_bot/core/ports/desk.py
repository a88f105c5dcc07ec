"""What pages, terminals and other commands may ask a running bot, and tell it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol

from market_bot.core.usecases.lane_snapshot import LaneSnapshot


class Desk(Protocol):
    """The running bot seen from outside; every method may be called from any thread."""

    @abstractmethod
    def lanes(self) -> Sequence[LaneSnapshot]:
        """Return the latest picture of every lane."""

    @abstractmethod
    def about(self) -> Mapping[str, str]:
        """Return version, home, start time and the like, for people."""

    @abstractmethod
    def stalled(self) -> Sequence[str]:
        """Return the names of workers that have not come back in time."""

    @abstractmethod
    def recent(self, count: int) -> Sequence[Mapping[str, object]]:
        """Return the last lines of the lanes' journals as decoded JSON, oldest first."""

    @abstractmethod
    def halt(self, by: str, reason: str) -> None:
        """Stop opening positions until `resume`; survives a restart."""

    @abstractmethod
    def resume(self, by: str) -> None:
        """Lift a halt."""

    @abstractmethod
    def flatten(self, by: str) -> None:
        """Halt, and sell everything held at what is bid for it."""

    @abstractmethod
    def arm(self, venue: str, by: str, phrase: str, minutes: int) -> None:
        """Allow a live lane to open positions for so many minutes.

        Args:
            venue: whose live lane.
            by: who wants it.
            phrase: what that person typed, see `arm_lane.phrase_for`.
            minutes: for how long.

        """

    @abstractmethod
    def disarm(self, venue: str, by: str) -> None:
        """Take that back."""

    @abstractmethod
    def accept_cash(self, venue: str, by: str) -> None:
        """Count what a live lane's account has more, or less, as put in or taken out."""

    @abstractmethod
    def shut_down(self, by: str) -> None:
        """Stop the bot in order."""
