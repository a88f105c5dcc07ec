"""Proposals as people see and decide them, at the running bot or without one."""

from __future__ import annotations

import hmac
import secrets
import threading
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import attrs

from market_bot.adapters.storage.home import Home
from market_bot.bootstrap.night_work import Bench
from market_bot.config.errors import ConfigError
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros, format_time
from market_bot.core.domain.tuning.queue import OPEN, NotPossible, Rejection, Waiting
from market_bot.core.domain.tuning.token import TokenRefused
from market_bot.core.ports.config_store import ConfigStoreError, PreparedEdit
from market_bot.core.ports.journal import Chain, JournalError
from market_bot.core.usecases.decide_proposal import DecideProposal, Ledger
from market_bot.core.usecases.lane_controls import CommandRefused

_NONCE_BYTES: Final = 32
_REFUSED: Final = (NotPossible, TokenRefused, ConfigStoreError, ConfigError, JournalError)


class LaneHands(Protocol):
    """What deciding about a lane's proposals needs of whoever holds its journal."""

    @abstractmethod
    def ledger(self) -> Ledger:
        """Return what the journal says now."""

    @abstractmethod
    def now(self) -> Micros:
        """Return the lane's own time."""

    @abstractmethod
    def record(self, fact: ev.Event) -> None:
        """Write a fact down; it is durable when this returns."""

    @abstractmethod
    def apply(self, edit: PreparedEdit, by: str, cause: str) -> ev.ChangeEnded:
        """Make a prepared edit and return what became of it."""


@attrs.frozen(eq=False)
class LaneProposals:
    """The proposals of one lane; make it with `of`."""

    chain: Chain
    hands: LaneHands
    decide: DecideProposal

    @classmethod
    def of(cls, home: Home, chain: Chain, hands: LaneHands) -> LaneProposals:
        """Return the proposals of a lane.

        Raises:
            ConfigError: if its settings cannot be used.

        """
        bench = Bench.of(home, chain)
        decide = DecideProposal(
            chain=str(chain),
            ledger=hands.ledger,
            allowlist=lambda: Bench.of(home, chain).allowlist,
            store=bench.store,
            objection=bench.objection,
            record=hands.record,
            apply=hands.apply,
            same=hmac.compare_digest,
        )
        return cls(chain, hands, decide)

    def items(self) -> Sequence[Waiting]:
        """Return the proposals that the lane's journal knows."""
        return tuple(self.hands.ledger().queue.items.values())


class Proposals:
    """The proposals of all lanes at hand.

    Args:
        lanes: returns them, the ones at hand now.

    """

    def __init__(self, lanes: Callable[[], Sequence[LaneProposals]]) -> None:
        self._lanes = lanes
        # A page and a terminal may decide at once: the first decision is whole before the second.
        self._deciding = threading.Lock()

    def listed(self) -> list[dict[str, Any]]:
        """Return every proposal that is known, those that wait first.

        Raises:
            CommandRefused: if a journal cannot be read.

        """
        rows = [
            proposal_data(lane.chain, item)
            for lane in self._lanes()
            for item in _guarded(lane.items)
        ]
        return sorted(rows, key=lambda row: (row["stage"] not in _OPEN, row["since"], row["id"]))

    def show(self, proposal: str) -> dict[str, Any]:
        """Return one with the exact line it changes, and a token if it can be approved.

        Raises:
            CommandRefused: if there is none, or its settings cannot be read.

        """
        lane = self._of(proposal)
        item = lane.hands.ledger().queue.items[proposal]
        told = proposal_data(lane.chain, item)
        if item.stage not in OPEN:
            return told
        try:
            shown = lane.decide.show(proposal, secrets.token_bytes(_NONCE_BYTES), lane.hands.now())
        except _REFUSED as e:
            return {**told, "not_now": str(e)}
        edit = shown.edit
        lines = {"line": edit.line, "old_line": edit.old_line, "new_line": edit.new_line}
        return {**told, **lines, "token": shown.token}

    def approve(self, proposal: str, token: str, by: str) -> dict[str, Any]:
        """Carry one out that was shown.

        Raises:
            CommandRefused: if it is refused, with the reason.

        """
        lane = self._of(proposal)
        with self._deciding:
            ended = _guarded(
                lambda: lane.decide.approve(proposal, token, by=by, now=lane.hands.now())
            )
        return {"proposal": proposal, "change": ended.change, "outcome": ended.outcome}

    def reject(self, proposal: str, reason: str, note: str, by: str) -> dict[str, Any]:
        """Turn one down.

        Raises:
            CommandRefused: if that is not possible, or there is no such reason.

        """
        known = {one.value: one for one in Rejection}
        if reason not in known:
            msg = f"{reason[:40]!r} is no reason: there are {', '.join(known)}"
            raise CommandRefused(msg)
        lane = self._of(proposal)
        with self._deciding:
            _guarded(lambda: lane.decide.reject(proposal, known[reason], by=by, note=note))
        return {"proposal": proposal, "outcome": "rejected"}

    def _of(self, proposal: str) -> LaneProposals:
        for lane in self._lanes():
            if any(item.id == proposal for item in _guarded(lane.items)):
                return lane
        msg = f"there is no proposal {proposal[:40]!r}: `market-bot proposals list` shows them"
        raise CommandRefused(msg)


_OPEN: Final = frozenset(stage.value for stage in OPEN)


def proposal_data(chain: Chain, item: Waiting) -> dict[str, Any]:
    """Return a proposal as plain data."""
    return {
        "id": item.id,
        "chain": str(chain),
        "stage": item.stage.value,
        "finding": item.finding,
        "rule": item.rule,
        "file": item.file,
        "path": item.path,
        "before": item.before,
        "after": item.after,
        "rationale": item.rationale,
        "advisor": item.advisor,
        "since": format_time(item.since),
        "expires_at": format_time(item.expires_at) if item.expires_at else None,
        "decided_at": format_time(item.decided_at) if item.decided_at else None,
        "by": item.by,
        "reason": item.reason,
        "note": item.note,
        "card": _plain(item.card),
    }


def _plain(card: Mapping[str, str]) -> dict[str, str]:
    return dict(card)


def _guarded(work: Callable[[], Any]) -> Any:  # noqa: ANN401 - returns what the work does
    try:
        return work()
    except _REFUSED as e:
        raise CommandRefused(" ".join(str(e).split())) from e
