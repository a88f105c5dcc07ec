"""Approve and reject from a page: consent to exactly what was shown, good for one decision.

The token is given out and spent by the wall's clock; proposals live by their lane's, which may
run faster. One decision at a time: of two tabs, or of yes and no, one wins.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from market_bot.core.domain.numbers import Micros, format_time
from market_bot.core.domain.tuning.queue import NOTE_MAX, Rejection, Stage, Waiting
from market_bot.core.domain.tuning.token import LIFETIME, Diff, TokenRefused, Tokens
from market_bot.core.ports.dashboard import (
    BadQueryError,
    ConflictError,
    Consent,
    NotThereError,
    Shown,
    StepUpError,
)
from market_bot.core.ports.desk import NightDesk
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.decide_proposal import Ledger

from .shown_tuning import raises_exposure

_NONCE_BYTES: Final = 32


@attrs.frozen(kw_only=True)
class LaneDecisions:
    """What deciding about one lane's proposals takes.

    Args:
        chain: the lane.
        ledger: returns what its journal says now.
        nights: carries decisions out.

    """

    chain: Chain
    ledger: Callable[[], Ledger]
    nights: NightDesk


class Decisions:
    """Decides about proposals of every lane.

    Args:
        now: the time of the wall.

    """

    def __init__(self, now: Callable[[], Micros]) -> None:
        self._now = now
        self._tokens: dict[Chain, Tokens] = {}
        self._lock = threading.Lock()

    def consent(self, lane: LaneDecisions, shown: Shown) -> Consent:
        """Return a token for one decision about what is shown.

        Raises:
            NotThereError: if there is no such proposal.
            ConflictError: if it does not wait, or is not what is shown.

        """
        with self._lock:
            item = self._waiting(lane, shown.proposal)
            told = (shown.file, shown.path, shown.before, shown.after, shown.config)
            if told != (item.file, item.path, item.before, item.after, item.config):
                msg = f"proposal {item.id} is not what this page shows: load it again"
                raise ConflictError(msg)
            now = self._now()
            tokens = self._tokens.get(lane.chain, Tokens())
            tokens, token = tokens.issue(_diff(item), secrets.token_bytes(_NONCE_BYTES), now)
            self._tokens[lane.chain] = tokens
            return Consent(token=token, expires_at=format_time(Micros(now + LIFETIME)))

    def approve(
        self, lane: LaneDecisions, proposal: str, token: str, by: str, *, sure: bool
    ) -> str:
        """Make the change; return what came of it.

        Raises:
            StepUpError: if it puts more at stake and this is not ``sure``.
            NotThereError: if there is no such proposal.
            ConflictError: if somebody else decided, or it is not what was shown.
            CommandRefused: if the bot refuses it now.

        """
        with self._lock:
            item = self._waiting(lane, proposal)
            if raises_exposure(item.path, item.before, item.after) and not sure:
                msg = "this puts more at stake: prove once more that it is you"
                raise StepUpError(msg)
            self._spend(lane, item, token)
            again = lane.nights.show(proposal)
            if "token" not in again or not _same(again, item):
                msg = str(again.get("not_now", f"proposal {item.id} changed: load the page again"))
                raise ConflictError(msg)
            lane.nights.approve(proposal, str(again["token"]), by)
        return f"{item.path} is {item.after} from now on (it was {item.before})"

    def reject(
        self, lane: LaneDecisions, proposal: str, token: str, by: str, *, reason: str, note: str
    ) -> str:
        """Turn the change down; return what came of it.

        Raises:
            BadQueryError: if the reason is none.
            NotThereError: if there is no such proposal.
            ConflictError: if somebody else decided.

        """
        known = [one.value for one in Rejection]
        if reason not in known:
            msg = f"a reason is one of {', '.join(known)}"
            raise BadQueryError(msg)
        if len(note) > NOTE_MAX or not note.isprintable():
            msg = f"a note is one line of at most {NOTE_MAX} characters"
            raise BadQueryError(msg)
        with self._lock:
            item = self._waiting(lane, proposal)
            self._spend(lane, item, token)
            lane.nights.reject(proposal, reason, note, by)
        return f"rejected: {item.path} stays {item.before}"

    def _waiting(self, lane: LaneDecisions, proposal: str) -> Waiting:
        item = lane.ledger().queue.items.get(proposal)
        if item is None:
            msg = f"{proposal[:40]}: there is no such proposal"
            raise NotThereError(msg)
        if item.stage is not Stage.QUEUED:
            who = f" by {item.by}" if item.by else ""
            msg = f"proposal {item.id} is {item.stage.value}{who}: load the page again"
            raise ConflictError(msg)
        return item

    def _spend(self, lane: LaneDecisions, item: Waiting, token: str) -> None:
        tokens = self._tokens.get(lane.chain, Tokens())
        try:
            left = tokens.spend(_diff(item), token, self._now(), hmac.compare_digest)
        except TokenRefused as e:
            raise ConflictError(str(e)) from e
        self._tokens[lane.chain] = left


def _same(told: Mapping[str, object], item: Waiting) -> bool:
    shown = (item.file, item.path, item.before, item.after)
    return shown == tuple(told.get(name) for name in ("file", "path", "before", "after"))


def _diff(item: Waiting) -> Diff:
    return Diff(
        proposal=item.id,
        file=item.file,
        path=item.path,
        before=item.before,
        after=item.after,
        config=item.config,
    )
