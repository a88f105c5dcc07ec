"""The second part of a night: from confirmed findings to proposals that wait for a person.

Findings that a knob might mend are diagnosed by replays of the whole ladder, the advisor is asked,
the first layer screens what it says, every proposal gets a card from the replays, those that would
have done worse are dropped, and the second layer looks at the whole resulting file. Whatever is
dropped on the way is a fact with its reason, and so is the end of the night.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.leaks.api import Finding, Kind, Status
from market_bot.core.domain.leaks.judge import Review
from market_bot.core.domain.nights import NightLog
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.replay_report.judge import compare
from market_bot.core.domain.replay_report.shape import Comparison
from market_bot.core.domain.tuning.allowlist import Allowlist, Entry
from market_bot.core.domain.tuning.card import (
    Card,
    Verdict,
    card_of,
    evaluability,
    not_replayable,
)
from market_bot.core.domain.tuning.diagnosis import Diagnosis, Ladder, diagnose
from market_bot.core.domain.tuning.ladder import direction, rungs
from market_bot.core.domain.tuning.layer_one import Facts
from market_bot.core.domain.tuning.learning import Memory
from market_bot.core.domain.tuning.proposal import Dropped, Grounds, Proposed
from market_bot.core.domain.tuning.queue import Queue, Stage, enqueue, outdated, overdue
from market_bot.core.ports.advisor import Advice, Advisor
from market_bot.core.ports.config_store import ConfigStore, ConfigStoreError, PreparedEdit
from market_bot.core.ports.replays import NotReplayed, Replayed, Replays, Variation
from market_bot.core.usecases.ask_advisor import ask_advisor
from market_bot.core.usecases.review_leaks import diagnosed

VARIANTS_MAX: Final = 40
"""So many values are replayed in a night at most; the costliest findings come first."""

NIGHT: Final = "night"
REPLAY: Final = "replay"
SECOND: Final = "second"
INTERRUPTED: Final = "interrupted"
UNFIT: Final = "unfit"

Objection = Callable[[PreparedEdit, Queue, Micros], str | None]
"""Says what the second layer has against an edit, None if nothing."""


@attrs.frozen(kw_only=True)
class Offered:
    """A proposal with its card, and what became of it: "" if it waits for a person."""

    proposed: Proposed
    card: Card
    dropped: str = ""


@attrs.frozen(kw_only=True)
class Outcome:
    """All that came of a night's second part.

    ``facts`` are to be written down in order; the last one ends the night.
    """

    facts: tuple[ev.Event, ...]
    findings: tuple[Finding, ...]
    diagnoses: Mapping[str, Diagnosis]
    advice: Advice | None
    offered: tuple[Offered, ...]
    dropped: tuple[Dropped, ...]
    replayed: Replayed | NotReplayed | None


@attrs.frozen(kw_only=True)
class Standing:
    """What is known of the lane when its night is worked on."""

    log: NightLog
    queue: Queue
    memory: Memory
    now: Micros


@attrs.frozen(kw_only=True)
class ProposeChanges:
    """Makes the proposals of one lane.

    Args:
        chain: the lane's journal, by name.
        file: its settings file.
        allowlist: what may be turned in it.
        advisor: who drafts.
        replays: of the lane's own recordings.
        store: tries edits on a copy; nothing is written.
        objection: the second layer.

    """

    chain: str
    file: str
    allowlist: Allowlist
    advisor: Advisor
    replays: Replays
    store: ConfigStore
    objection: Objection

    def propose(self, review: Review, standing: Standing) -> Outcome:
        """Return what is to be written down of a night whose findings are.

        Raises:
            ConfigStoreError: if the settings file cannot be read.

        """
        sha = self.store.version(self.file).sha256
        swept, queue = self._swept(standing, sha)
        candidates = self._candidates(review.findings)
        tried = _tried(candidates)
        replayed = self.replays.replay(review.night, tried) if tried else None
        names = {one.name for one in tried} if isinstance(replayed, Replayed) else set()
        bench = _Bench(replayed=replayed, tried=len(names | standing.log.tried(review.night)) or 1)
        diagnoses = {
            finding.id: diagnose(finding.cost_low, bench.ladders(ladders))
            for finding, ladders in candidates
        }
        findings = tuple(_as_diagnosed(one, diagnoses) for one in review.findings)
        facts = self._facts(review.night, findings, queue, standing)
        done = {
            item.finding
            for item in standing.queue.items.values()
            if item.stage is not Stage.PROPOSED
        }
        # A night that was interrupted does not think of something else for what it has settled.
        open_yet = [finding for finding in findings if finding.id not in done]
        advised = ask_advisor(open_yet, facts, self.advisor)
        advice, screened = advised.advice, advised.screened
        begun = standing.queue.items
        offered, queueing = self._offered(screened.kept, bench, sha, queue, standing.now)
        queueing = tuple(
            fact
            for fact in queueing
            if not (isinstance(fact, ev.Proposal) and fact.proposal in begun)
        )
        left = [
            item.id
            for item in standing.queue.items.values()
            if item.stage is Stage.PROPOSED and item.id not in {one.id for one in screened.kept}
        ]
        unfinished = [
            ev.ProposalDropped(proposal=name, layer=NIGHT, reason=INTERRUPTED) for name in left
        ]
        waiting = sum(1 for one in offered if not one.dropped)
        waited = sum(1 for item in queue.open if item.finding in {one.id for one in findings})
        ended = ev.NightEnded(
            night=review.night,
            queued=waiting + waited,
            dropped=len(screened.dropped) + len(offered) - waiting,
            tried=tuple(sorted(names)),
            advisor=advice.advisor,
            spent=advice.cost,
            silence="" if advice.silence is None else advice.silence.value,
        )
        return Outcome(
            facts=(
                *swept,
                *unfinished,
                *_diagnosis_facts(diagnoses),
                *(dropped.event() for dropped in screened.dropped if dropped.id not in left),
                *queueing,
                ended,
            ),
            findings=findings,
            diagnoses=diagnoses,
            advice=advice,
            offered=offered,
            dropped=screened.dropped,
            replayed=replayed,
        )

    def _swept(self, standing: Standing, sha: str) -> tuple[tuple[ev.ProposalDecided, ...], Queue]:
        """Return which proposals are too old, and the queue without them and half-made ones."""
        queue = standing.queue
        # What a night that was interrupted had begun is made anew, under the same names.
        for item in standing.queue.open:
            if item.stage is Stage.PROPOSED:
                queue = queue.without(item.id)
        facts: list[ev.ProposalDecided] = []
        for decided in (*overdue(queue, standing.now), *outdated(queue, sha, self.allowlist)):
            if queue.items[decided.proposal].stage is Stage.QUEUED:
                facts.append(decided)
                queue = queue.hear(standing.now, decided)
        return tuple(facts), queue

    def _candidates(
        self, findings: Iterable[Finding]
    ) -> list[tuple[Finding, tuple[tuple[Entry, int], ...]]]:
        """Return the findings that a knob might mend, with those knobs and their directions."""
        found = []
        for finding in findings:
            if finding.status is not Status.CONFIRMED or finding.kind is not Kind.TUNING:
                continue
            ways = Grounds.of(finding).directions
            entries = tuple(
                (entry, way)
                for path, way in ways.items()
                if way and (entry := self.allowlist.get(path)) is not None and entry.next
            )
            found.append((finding, entries))
        return found

    def _facts(
        self, night: str, findings: Sequence[Finding], queue: Queue, standing: Standing
    ) -> Facts:
        return Facts(
            chain=self.chain,
            night=night,
            now=standing.now,
            allowlist=self.allowlist,
            grounds={finding.id: Grounds.of(finding) for finding in findings},
            queue=queue,
            memory=standing.memory,
            told=None,
            advisor=self.advisor.name,
        )

    def _offered(
        self,
        kept: Iterable[Proposed],
        bench: _Bench,
        sha: str,
        queue: Queue,
        now: Micros,
    ) -> tuple[tuple[Offered, ...], tuple[ev.Event, ...]]:
        """Return what became of each proposal, and the facts that say so."""
        offered: list[Offered] = []
        facts: list[ev.Event] = []
        for proposed in kept:
            card = bench.card(proposed)
            made = proposed.event(sha)
            facts.append(made)
            queue = queue.hear(now, made)
            why = self._against(proposed, card, queue, now)
            fact: ev.Event
            if why:
                layer, reason = why
                fact = ev.ProposalDropped(
                    proposal=proposed.id,
                    layer=layer,
                    reason=reason,
                    path=proposed.change.path,
                    after=proposed.change.after,
                )
            else:
                fact = enqueue(queue, proposed.id, now=now, card=card.fields)
            facts.append(fact)
            queue = queue.hear(now, fact)
            dropped = ": ".join(why) if why else ""
            offered.append(Offered(proposed=proposed, card=card, dropped=dropped))
        return tuple(offered), tuple(facts)

    def _against(
        self, proposed: Proposed, card: Card, queue: Queue, now: Micros
    ) -> tuple[str, str] | None:
        """Return the layer that drops a proposal, and why; None if a person is to see it."""
        if card.verdict is Verdict.WORSE:
            return REPLAY, Verdict.WORSE.value
        change = proposed.change
        try:
            edit = self.store.prepare(
                change.file, change.path, before=change.before, after=change.after
            )
        except ConfigStoreError:
            return SECOND, UNFIT
        reason = self.objection(edit, queue, now)
        return None if reason is None else (SECOND, reason)


@attrs.frozen(kw_only=True)
class _Bench:
    """What was replayed, and how many variants count against it.

    Ladders are looked at as they are; the number of tries counts where something is claimed.
    """

    replayed: Replayed | NotReplayed | None
    tried: int
    _known: dict[str, Comparison] = attrs.field(factory=dict, init=False)

    def compared(self, variation: Variation) -> Comparison | None:
        name = variation.name
        if name not in self._known:
            found = self._compare(name, 1)
            if found is None:
                return None
            self._known[name] = found
        return self._known[name]

    def _compare(self, name: str, tried: int) -> Comparison | None:
        replayed = self.replayed
        if not isinstance(replayed, Replayed) or name not in replayed.variants:
            return None
        return compare(
            replayed.base,
            replayed.variants[name],
            days=replayed.days,
            tried=tried,
            trusted=replayed.trusted,
        )

    def ladders(self, knobs: Iterable[tuple[Entry, int]]) -> list[Ladder]:
        found = []
        for entry, way in knobs:
            compared = {
                value: one
                for value in rungs(entry.knob, entry.value)
                if (one := self.compared(Variation(entry.path, value))) is not None
            }
            found.append(
                Ladder(path=entry.path, value=entry.value or "", way=way, compared=compared)
            )
        return found

    def card(self, proposed: Proposed) -> Card:
        replayed, change = self.replayed, proposed.change
        if replayed is None:
            return not_replayable("nothing of it was replayed")
        if isinstance(replayed, NotReplayed):
            return not_replayable(replayed.why)
        variation = Variation(change.path, change.after)
        compared = self._compare(variation.name, self.tried)
        if compared is None:
            return not_replayable("this value was not replayed: too many others were")
        return card_of(
            compared,
            base=replayed.base,
            variant=replayed.variants[variation.name],
            kind=evaluability(change.path, change.direction, replayed.coverage),
            neighbours=self._beside(change.path, change.before, change.after),
            training=replayed.training,
            coverage=replayed.coverage,
            fidelity=replayed.fidelity,
        )

    def _beside(self, path: str, before: str, after: str) -> list[tuple[str, Comparison]]:
        """Return the values one step from a proposal's, but for the one in force."""
        if not isinstance(self.replayed, Replayed):
            return []
        prefix = f"{path}="
        known = [n.removeprefix(prefix) for n in self.replayed.variants if n.startswith(prefix)]
        place = known.index(after)
        beside = [known[n] for n in (place - 1, place + 1) if 0 <= n < len(known)]
        return [
            (value, one)
            for value in beside
            if _beyond(before, after, value)
            and (one := self.compared(Variation(path, value))) is not None
        ]


def _beyond(before: str, after: str, value: str) -> bool:
    """Tell whether a value is not back behind the one in force."""
    old, new, other = Decimal(before), Decimal(after), Decimal(value)
    return (other - old) * (new - old) > 0


def _tried(
    candidates: Iterable[tuple[Finding, tuple[tuple[Entry, int], ...]]],
) -> tuple[Variation, ...]:
    """Return every value to replay: ladders in the findings' directions, while there is room."""
    wanted: dict[Variation, None] = {}
    for _, entries in candidates:
        for entry, way in entries:
            ladder = [
                Variation(entry.path, value)
                for value in rungs(entry.knob, entry.value)
                if entry.value is not None and direction(entry.value, value) == way
            ]
            if len(wanted.keys() | set(ladder)) <= VARIANTS_MAX:
                wanted.update(dict.fromkeys(ladder))
    return tuple(wanted)


def _as_diagnosed(finding: Finding, diagnoses: Mapping[str, Diagnosis]) -> Finding:
    """Return a finding; only one that was shown to be structural changes its kind."""
    told = diagnoses.get(finding.id)
    structural = told is not None and told.kind is Kind.STRUCTURAL
    return diagnosed(finding, Kind.STRUCTURAL) if structural else finding


def _diagnosis_facts(diagnoses: Mapping[str, Diagnosis]) -> Iterable[ev.LeakDiagnosed]:
    return [
        ev.LeakDiagnosed(finding=name, kind=told.kind.value, why=told.why, numbers=told.numbers)
        for name, told in diagnoses.items()
    ]
