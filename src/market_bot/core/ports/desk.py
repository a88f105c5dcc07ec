"""What pages, terminals and other commands may ask a running bot, and tell it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol

from market_bot.core.usecases.lane_snapshot import LaneSnapshot


class NightDesk(Protocol):
    """Nights and proposals of the running lanes; every method may be called from any thread."""

    @abstractmethod
    def evaluate(self, chain: str) -> None:
        """Work on a lane's night now, if anything is left to do of it; "" are all lanes."""

    @abstractmethod
    def listed(self) -> Sequence[Mapping[str, object]]:
        """Return every proposal that is known, those that wait first."""

    @abstractmethod
    def show(self, proposal: str) -> Mapping[str, object]:
        """Return a proposal with the line it would change, and a token if it can be approved."""

    @abstractmethod
    def approve(self, proposal: str, token: str, by: str) -> Mapping[str, object]:
        """Carry out what was shown, and return what became of it."""

    @abstractmethod
    def reject(self, proposal: str, reason: str, note: str, by: str) -> Mapping[str, object]:
        """Turn a proposal down."""


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
    def restore_settings(self, venue: str, by: str, version: str, expected: str) -> None:
        """Put an earlier version of a venue's settings file back, and trade with it.

        Args:
            venue: whose file.
            by: who wants it.
            version: SHA-256 of the version.
            expected: SHA-256 of the file that is replaced.

        """

    def nights(self) -> NightDesk:
        """Return where nights and proposals are asked about.

        Raises:
            LookupError: if this bot has no nights, since it goes as fast as it can.

        """
        msg = "this bot has no nights: it goes as fast as it can; stop it and ask again"
        raise LookupError(msg)

    def login_link(self) -> str:
        """Return an address that logs in to the dashboard once.

        Raises:
            LookupError: if this bot serves no page.

        """
        msg = "this bot serves no page: it was started with --no-web"
        raise LookupError(msg)

    @abstractmethod
    def shut_down(self, by: str) -> None:
        """Stop the bot in order."""
