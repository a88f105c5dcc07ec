"""Compare what a lane decides now with what its journal says that it decided then.

Unlike `RedoJournal`, which stops at the first line that differs, this goes on and counts: how many
decisions are the same, of the same kind, at the same tick, with the same data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import NEVER, Micros
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.replay_result import Difference, Fidelity
from market_bot.core.ports.journal import Entry
from market_bot.core.usecases.redo_journal import is_from_outside

DECISIONS: Final = (ev.SignalRaised, ev.Denied, ev.OrderIntent, ev.Exit)
# Where a new file of the journal begins, how a recording fares, and what is written of nights and
# changes follows from no decision.
_BESIDE: Final = (ev.Checkpoint, ev.TapeChanged, *ev.NIGHTLY)

Describe = Callable[[ev.Event], str]

_Line = tuple[Micros, ev.Event]


@attrs.define(eq=False)
class DecisionMatch:
    """Takes recorded and replayed facts side by side, one moment after the other.

    Args:
        describe: turns a fact into a line for people.

    """

    describe: Describe
    recorded: Counter[str] = attrs.field(factory=Counter, init=False)
    replayed: Counter[str] = attrs.field(factory=Counter, init=False)
    same: Counter[str] = attrs.field(factory=Counter, init=False)
    entries: Counter[str] = attrs.field(factory=Counter, init=False)
    lines: int = attrs.field(default=0, init=False)
    identical: bool = attrs.field(default=True, init=False)
    first: Difference | None = attrs.field(default=None, init=False)

    def compare(self, old: Sequence[Entry], new: Sequence[_Line], *, cut_off: bool = False) -> None:
        """Compare everything of one moment.

        Args:
            old: the recorded lines.
            new: the replayed facts, each with the time that would be written.
            cut_off: whether the record ends within this moment: more than it holds counts nothing.

        """
        then = [(e.at, e.event) for e in old if e.event is not None and _compared(e.event)]
        now = [(at, event) for at, event in new if _compared(event)]
        if cut_off:
            now = now[: len(then)]
        self.identical = self.identical and then == now
        self._count(self.recorded, then, "recorded")
        self._count(self.replayed, now, "replayed")
        chosen, made = _decisions(then), _decisions(now)
        shared = Counter(chosen) & Counter(made)
        for (_, event), count in shared.items():
            self.same[event.TYPE] += count
        if self.first is None and chosen != made:
            self.first = self._difference(old, chosen, made)
        self.lines += len(old)

    def fidelity(self, chain: str, *, segments: int, note: str) -> Fidelity:
        """Return what was found so far."""
        kinds = [kind.TYPE for kind in DECISIONS]
        return Fidelity(
            chain=chain,
            recorded=self.recorded.total(),
            replayed=self.replayed.total(),
            same=self.same.total(),
            identical=self.identical,
            entries_recorded=self.entries["recorded"],
            entries_replayed=self.entries["replayed"],
            first=self.first,
            by_type={k: (self.recorded[k], self.replayed[k], self.same[k]) for k in kinds},
            segments=segments,
            note=note,
        )

    def _count(self, counts: Counter[str], lines: Sequence[_Line], side: str) -> None:
        for _, event in _decisions(lines):
            counts[event.TYPE] += 1
            if isinstance(event, ev.OrderIntent) and event.purpose is Purpose.ENTRY:
                self.entries[side] += 1

    def _difference(
        self, old: Sequence[Entry], chosen: Sequence[_Line], made: Sequence[_Line]
    ) -> Difference:
        place = next(
            (i for i, pair in enumerate(zip(chosen, made, strict=False)) if pair[0] != pair[1]),
            min(len(chosen), len(made)),
        )
        then = chosen[place] if place < len(chosen) else None
        now = made[place] if place < len(made) else None
        known = then or now
        lines = [e.seq for e in old if then is not None and e.event is then[1]]
        return Difference(
            at=NEVER if known is None else known[0],
            line=lines[0] if lines else (old[-1].seq if old else 0),
            recorded=None if then is None else self.describe(then[1]),
            replayed=None if now is None else self.describe(now[1]),
        )


@attrs.define(eq=False)
class RecordedLife:
    """The lines of one life of a bot, handed out up to any time; each is told to ``heard``."""

    lines: Iterator[Entry]
    heard: Callable[[Entry], None]
    _next: Entry | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._next = next(self.lines, None)

    @property
    def over(self) -> bool:
        """Whether all lines were handed out."""
        return self._next is None

    @property
    def upcoming(self) -> Entry | None:
        """The next line, which stays the next."""
        return self._next

    def until(self, at: Micros) -> list[Entry]:
        """Return the lines written up to a time, in order."""
        taken = []
        while self._next is not None and self._next.at <= at:
            taken.append(self.take())
        return taken

    def take(self) -> Entry:
        """Return the next line."""
        entry = self._next
        if entry is None:
            msg = "there is no line left"
            raise LookupError(msg)
        self.heard(entry)
        self._next = next(self.lines, None)
        return entry


def controls_in(entries: Sequence[Entry]) -> list[ev.Event]:
    """Return what came from outside among some lines, in order."""
    return [e.event for e in entries if e.event is not None and is_from_outside(e.event)]


def _compared(event: ev.Event) -> bool:
    return not isinstance(event, _BESIDE)


def _decisions(lines: Sequence[_Line]) -> list[_Line]:
    return [line for line in lines if isinstance(line[1], DECISIONS)]
