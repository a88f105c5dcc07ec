"""Nights and proposals at a running bot: facts go through its lanes, and so do changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from market_bot.adapters.storage.home import Home
from market_bot.bootstrap.nightly import LaneBook, Nightly
from market_bot.bootstrap.proposal_desk import LaneHands, LaneProposals, Proposals
from market_bot.bootstrap.running_bot import RunningBot
from market_bot.core.domain import events as ev
from market_bot.core.domain.nights import Part
from market_bot.core.domain.numbers import NEVER, Micros
from market_bot.core.domain.tuning.queue import NotPossible
from market_bot.core.ports.config_store import PreparedEdit
from market_bot.core.ports.desk import NightDesk
from market_bot.core.usecases.decide_proposal import Ledger
from market_bot.core.usecases.lane_controls import CommandRefused


@attrs.frozen(eq=False)
class RunningHands(LaneHands):
    """A running lane, as deciding about its proposals needs it.

    Args:
        bot: the running bot.
        lane: the lane's name there.
        book: what its journal says.

    """

    bot: RunningBot
    lane: str
    book: LaneBook | None = None

    def offer(self, fact: ev.Event) -> bool:
        """Bring a fact to the lane's next tick; tell whether it could take it."""
        return self.bot.offer(self.lane, fact)

    def ledger(self) -> Ledger:
        return Ledger() if self.book is None else self.book.ledger()

    def now(self) -> Micros:
        times = [
            picture.at
            for picture in self.bot.lanes()
            if f"{picture.venue}/{picture.lane}" == self.lane
        ]
        return times[0] if times else NEVER

    def record(self, fact: ev.Event) -> None:
        self.bot.record(self.lane, fact)

    def apply(self, edit: PreparedEdit, by: str, cause: str) -> ev.ChangeEnded:
        settings = self.bot.settings(self.lane)
        if settings is None:
            msg = f"{self.lane} does not follow its settings file: nothing was changed"
            raise NotPossible(msg)
        return settings.apply(edit, by=by, cause=cause)


class RunningNights(NightDesk):
    """Where nights and proposals of a running bot are asked about.

    Args:
        home: where everything lies.
        nightly: keeps the nights.
        bot: the running bot.

    """

    def __init__(self, home: Home, nightly: Nightly, bot: RunningBot) -> None:
        self._home, self._nightly, self._bot = home, nightly, bot
        self._known: dict[str, LaneProposals] = {}
        self.proposals = Proposals(self._lanes)

    def evaluate(self, chain: str) -> None:
        names = [name for name in self._nightly.books if chain in ("", name)]
        if not names:
            msg = f"no lane {chain[:80]!r} runs: there are {', '.join(self._nightly.books)}"
            raise CommandRefused(msg)
        wanted = [name for name in names if self._nightly.left(name) is not Part.NOTHING]
        if not wanted:
            msg = "nothing is left to do: the last night is over, or had no day to judge"
            raise CommandRefused(msg)
        for name in wanted:
            self._nightly.ask(name)

    def listed(self) -> Sequence[Mapping[str, object]]:
        return self.proposals.listed()

    def show(self, proposal: str) -> Mapping[str, object]:
        return self.proposals.show(proposal)

    def approve(self, proposal: str, token: str, by: str) -> Mapping[str, object]:
        return self.proposals.approve(proposal, token, by)

    def reject(self, proposal: str, reason: str, note: str, by: str) -> Mapping[str, object]:
        return self.proposals.reject(proposal, reason, note, by)

    def _lanes(self) -> Sequence[LaneProposals]:
        for name, book in self._nightly.books.items():
            if name not in self._known:
                lane = f"{book.chain.venue}/{book.chain.lane}"
                hands = RunningHands(self._bot, lane, book)
                self._known[name] = LaneProposals.of(self._home, book.chain, hands)
        return tuple(self._known.values())
