"""A person's decision: shown exactly, judged once more, written down, and only then carried out.

Both layers look again at what is about to be done, with the settings as they are now. The consent
is durable before the file is touched, and the file is compared with what was shown once more when
it is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.api import Kind, Status
from market_bot.core.domain.nights import NightLog
from market_bot.core.domain.numbers import Micros, Money
from market_bot.core.domain.tuning.allowlist import Allowlist, Change
from market_bot.core.domain.tuning.changes import APPLIED
from market_bot.core.domain.tuning.ladder import direction
from market_bot.core.domain.tuning.layer_one import Facts, check_again
from market_bot.core.domain.tuning.learning import Memory
from market_bot.core.domain.tuning.proposal import Grounds, Reason
from market_bot.core.domain.tuning.queue import (
    NotPossible,
    Queue,
    Rejection,
    Waiting,
    approve,
    outdated,
    overdue,
    reject,
)
from market_bot.core.domain.tuning.token import Diff, Tokens
from market_bot.core.ports.config_store import ConfigStore, PreparedEdit
from market_bot.core.usecases.apply_change import Record
from market_bot.core.usecases.propose_changes import Objection

BY_PROPOSAL: Final = "proposal:"

Apply = Callable[[PreparedEdit, str, str], ev.ChangeEnded]


@attrs.frozen(kw_only=True)
class Ledger:
    """What a lane's journal says of nights, proposals and what was learnt: three folds in step."""

    log: NightLog = attrs.field(factory=NightLog)
    queue: Queue = attrs.field(factory=Queue)
    memory: Memory = attrs.field(factory=Memory)

    def hear(self, at: Micros, event: ev.Event) -> Ledger:
        """Return the ledger after the next line of the journal."""
        return Ledger(
            log=self.log.hear(at, event),
            queue=self.queue.hear(at, event),
            memory=self.memory.hear(at, event),
        )


@attrs.frozen(kw_only=True)
class Shown:
    """A proposal as a person sees it before deciding; the token is good for exactly this."""

    item: Waiting
    edit: PreparedEdit
    token: str


@attrs.define(eq=False, kw_only=True)
class DecideProposal:
    """Decides about proposals of one lane; owned by whoever holds the lane's journal.

    Args:
        chain: the lane's journal, by name.
        ledger: returns what the journal says now.
        allowlist: returns what may be turned in the lane's file as it is now.
        store: the settings files.
        objection: the second layer.
        record: writes a fact down durably before it returns.
        apply: makes a prepared edit, for somebody and a cause, and returns what became of it.
        same: compares texts in a time that tells nothing, such as `hmac.compare_digest`.

    """

    chain: str
    ledger: Callable[[], Ledger]
    allowlist: Callable[[], Allowlist]
    store: ConfigStore
    objection: Objection
    record: Record
    apply: Apply
    same: Callable[[str, str], bool]
    _tokens: Tokens = attrs.field(factory=Tokens, init=False)

    def show(self, proposal: str, nonce: bytes, now: Micros) -> Shown:
        """Return what an approval would change, line by line, and a token for exactly that.

        Raises:
            NotPossible: if it does not wait for a decision.
            ConfigStoreError: if it cannot be made now.

        """
        item = self._waiting(proposal, now)
        edit = self._prepared(item)
        self._tokens, token = self._tokens.issue(_diff(item, edit), nonce, now)
        return Shown(item=item, edit=edit, token=token)

    def approve(self, proposal: str, token: str, *, by: str, now: Micros) -> ev.ChangeEnded:
        """Carry a proposal out; return what became of the change.

        Raises:
            NotPossible: if it does not wait, a layer refuses it now, or the change did not happen.
            TokenRefused: if it is not what was shown.
            ConfigStoreError: if the file is no longer what it was.

        """
        item = self._waiting(proposal, now)
        edit = self._prepared(item)
        self._tokens = self._tokens.spend(_diff(item, edit), token, now, self.same)
        queue = self.ledger().queue
        decided = approve(queue, proposal, by=by, now=now)
        self._judge_again(item, edit, now)
        self.record(decided)
        ended = self.apply(edit, by, f"{BY_PROPOSAL}{proposal}")
        if ended.outcome != APPLIED:
            msg = f"proposal {proposal} was approved, but the file was not changed: {ended.reason}"
            raise NotPossible(msg)
        return ended

    def reject(
        self, proposal: str, reason: Rejection, *, by: str, note: str = ""
    ) -> ev.ProposalDecided:
        """Turn a proposal down.

        Raises:
            NotPossible: if it does not wait, or the note is no short line.

        """
        decided = reject(self.ledger().queue, proposal, reason, by=by, note=note)
        self.record(decided)
        return decided

    def sweep(self, now: Micros) -> tuple[ev.ProposalDecided, ...]:
        """Write down which proposals are too old, or were made for settings that changed since.

        Raises:
            ConfigStoreError: if no file says what the settings are.

        """
        queue, done = self.ledger().queue, []
        for decided in overdue(queue, now):
            queue = queue.hear(now, decided)
            done.append(decided)
        files = {item.file for item in queue.open}
        for file in sorted(files):
            sha = self.store.version(file).sha256
            done.extend(outdated(queue, sha, self.allowlist()))
        for decided in done:
            self.record(decided)
        return tuple(done)

    def _waiting(self, proposal: str, now: Micros) -> Waiting:
        """Return a proposal that can be decided, by the rules of the queue."""
        queue = self.ledger().queue
        approve(queue, proposal, by="", now=now)
        return queue.items[proposal]

    def _prepared(self, item: Waiting) -> PreparedEdit:
        edit = self.store.prepare(item.file, item.path, before=item.before, after=item.after)
        if edit.sha_before != item.config:
            msg = f"{item.file} was changed since proposal {item.id} was made: it is out of date"
            raise NotPossible(msg)
        return edit

    def _judge_again(self, item: Waiting, edit: PreparedEdit, now: Micros) -> None:
        ledger = self.ledger()
        night = item.finding.partition(":")[0]
        facts = Facts(
            chain=self.chain,
            night=night,
            now=now,
            allowlist=self.allowlist(),
            grounds=_grounds(item, ledger),
            queue=ledger.queue,
            memory=ledger.memory,
            told=None,
            advisor=item.advisor,
        )
        judged = check_again(item, facts)
        if not isinstance(judged, Change):
            raise _refused(item, judged)
        reason = self.objection(edit, ledger.queue, now)
        if reason is not None:
            msg = f"proposal {item.id} is refused by the second layer: {reason}"
            raise NotPossible(msg)


def _refused(item: Waiting, reason: Reason) -> NotPossible:
    return NotPossible(f"proposal {item.id} is refused by the first layer: {reason.value}")


def _diff(item: Waiting, edit: PreparedEdit) -> Diff:
    return Diff(
        proposal=item.id,
        file=item.file,
        path=item.path,
        before=item.before,
        after=item.after,
        config=edit.sha_before,
    )


def _grounds(item: Waiting, ledger: Ledger) -> dict[str, Grounds]:
    """Return the grounds of a proposal as its night wrote them down."""
    found = [leak for leak in ledger.log.leaks if leak.finding == item.finding]
    if not found:
        return {}
    leak, known = found[-1], {kind.value: kind for kind in Kind}
    statuses = {status.value: status for status in Status}
    way = direction(item.before, item.after)
    return {
        leak.finding: Grounds(
            finding=leak.finding,
            rule=leak.rule,
            status=statuses.get(leak.status, Status.INSUFFICIENT),
            kind=known.get(leak.kind, Kind.NOISE),
            # The direction was judged when it was proposed; the journal keeps the knobs' names.
            directions={path: way for path in leak.knobs if path == item.path},
            cost_low=Money(leak.cost_low),
        )
    }
