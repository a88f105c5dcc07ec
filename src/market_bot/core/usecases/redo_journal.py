"""Do it again and compare: a journal that checks what is decided against what was decided.

A lane fed from a tape can be derived again from its inputs. While there are old lines, every new
fact must equal the next one; after the last of them facts are appended as usual. So an interrupted
run goes on as if it had never stopped, and a recorded run can be proven.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.hot_change import TROUBLE
from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.journal import (
    Chain,
    DurabilityLostError,
    Entry,
    Journal,
    JournalError,
)

CONTROLS: Final = (
    ev.Halt,
    ev.Resume,
    ev.ConfigChanged,
    ev.Armed,
    ev.Disarmed,
    ev.VenueState,
    ev.Asked,
    *ev.NIGHTLY,
)


def is_from_outside(event: ev.Event | None) -> bool:
    """Tell whether a fact was taken from outside at its tick, and not found out by the lane."""
    if isinstance(event, ev.Error):
        return event.where.startswith(TROUBLE)
    return isinstance(event, CONTROLS)


def decides_nothing(event: ev.Event | None) -> bool:
    """Tell whether a fact changes no decision: it may stand anywhere in a chain.

    Such facts are written between two runs as well, behind whatever the first was just doing.
    """
    return isinstance(event, ev.NIGHTLY)


def config_after(entry: Entry) -> str:
    """Return the hash of the configuration in force after a line."""
    return entry.event.after if isinstance(entry.event, ev.ConfigChanged) else entry.config


class NotReproducibleError(JournalError):
    """The inputs lead to another fact than the one written down."""


class EndOfRecordError(JournalError):
    """Everything written down was derived again; only raised where nothing may be appended."""


@attrs.define(eq=False)
class RedoJournal(Journal):
    """A chain that is derived again before it goes on.

    Args:
        old: the lines that are there, in order.
        inner: where new facts go once the old ones are used up; None only compares.

    """

    old: Iterator[Entry]
    inner: Journal | None
    compared: int = 0
    _next: Entry | None = attrs.field(default=None, init=False)
    _ahead: deque[Entry] = attrs.field(factory=deque, init=False)
    _last: Entry | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._next = next(self.old, None)

    @property
    def redoing(self) -> bool:
        """Whether there are old lines left to compare with."""
        return self._next is not None

    @property
    def chain(self) -> Chain:
        """Which chain this is."""
        return Chain("", "") if self.inner is None else self.inner.chain

    @property
    def head(self) -> tuple[int, str]:
        """The last sequence number and hash; while redoing, those of the last line compared."""
        if self._next is None and self.inner is not None:
            return self.inner.head
        return (0, "0" * 64) if self._last is None else (self._last.seq, self._last.hash)

    def append(self, event: ev.Event, at: Micros, config: str) -> int:
        """Compare with the next old line, or append.

        Raises:
            NotReproducibleError: if the old line says something else.
            DurabilityLostError: where durability was lost then; or now, while appending.
            EndOfRecordError: if there is nothing to compare with and nowhere to append.

        """
        self._pass_over(event, at)
        entry = self._next
        if entry is None:
            if self.inner is None:
                msg = "the record ends here"
                raise EndOfRecordError(msg)
            return self._append(self.inner, event, at, config)
        loss = self._loss_before(event, at)
        if loss is not None:
            # At this point the original could not write: it went on from its note of that.
            raise DurabilityLostError(loss.reason)
        if (entry.event, entry.at, entry.config) != (event, at, config):
            raise NotReproducibleError(_difference(entry, event, at, config))
        self._take()
        return entry.seq

    def commit(self) -> None:
        """Make everything appended so far durable."""
        if self._next is None and self.inner is not None:
            self.inner.commit()

    def close(self) -> None:
        """Close the chain behind this one."""
        if self.inner is not None:
            self.inner.close()

    def needs_checkpoint(self, at: Micros) -> bool:
        """Tell whether a checkpoint comes next."""
        if self._next is not None:
            return isinstance(self._next.event, ev.Checkpoint)
        return self.inner is not None and self.inner.needs_checkpoint(at)

    def read(self) -> Iterator[Entry]:
        """Yield every line of the chain."""
        return iter(()) if self.inner is None else self.inner.read()

    def controls(self, now: Micros) -> Sequence[ev.Event]:
        """Return the facts from outside that were taken at this tick of the recorded run."""
        found: list[ev.Event] = []
        place = 0
        while (entry := self._peek(place)) is not None and entry.at <= now:
            between = entry.at < now and decides_nothing(entry.event)
            if entry.event is not None and entry.at == now and is_from_outside(entry.event):
                found.append(entry.event)
            elif not (between or isinstance(entry.event, ev.Checkpoint)):
                break
            place += 1
        return found

    def upcoming(self) -> Iterator[Entry]:
        """Yield the old lines that were not compared yet, without taking them."""
        place = 0
        while (entry := self._peek(place)) is not None:
            yield entry
            place += 1

    def rest(self) -> Iterator[Entry]:
        """Yield the old lines that were not compared yet, and give up comparing them."""
        while self._next is not None:
            entry = self._next
            self._next = self._ahead.popleft() if self._ahead else next(self.old, None)
            yield entry

    def _pass_over(self, event: ev.Event, at: Micros) -> None:
        """Let go of lines that decide nothing and stand where this fact should."""
        while (entry := self._next) is not None and decides_nothing(entry.event):
            if (entry.event, entry.at) == (event, at):
                return
            self._take()

    def _append(self, inner: Journal, event: ev.Event, at: Micros, config: str) -> int:
        before, _ = inner.head
        number = inner.append(event, at, config)
        if number == before:
            # Left out for want of room. What is not written must not be derived again either, so
            # the lane has to know: from here on it writes only what changes something.
            msg = f"{self.chain}: the disk is full: explanations are no longer written down"
            raise DurabilityLostError(msg)
        return number

    def _loss_before(self, event: ev.Event, at: Micros) -> ev.VenueState | None:
        """Return the note of a loss if it stands where this fact should."""
        entry = self._next
        if entry is not None and isinstance(entry.event, ev.Checkpoint) and entry.at != at:
            # The note may have had to open a new file.
            entry = self._peek(1)
        noted = None if entry is None else entry.event
        if isinstance(noted, ev.VenueState) and noted.state == "degraded" and noted != event:
            return noted
        return None

    def _peek(self, place: int) -> Entry | None:
        if place == 0:
            return self._next
        while len(self._ahead) < place:
            entry = next(self.old, None)
            if entry is None:
                return None
            self._ahead.append(entry)
        return self._ahead[place - 1]

    def _take(self) -> None:
        upcoming = self._ahead.popleft() if self._ahead else next(self.old, None)
        self._last, self._next = self._next, upcoming
        self.compared += 1


def _difference(entry: Entry, event: ev.Event, at: Micros, config: str) -> str:
    if entry.type != event.TYPE:
        what = f"the journal says {entry.type}, these inputs give {event.TYPE}"
    elif entry.at != at or entry.config != config:
        what = f"the time or configuration of this {entry.type} differs"
    else:
        old, new = (attrs.asdict(e, recurse=False) if e else {} for e in (entry.event, event))
        names = [name for name in new if old.get(name) != new[name]]
        told = ", ".join(f"{name} {old.get(name)!r} became {new[name]!r}" for name in names[:3])
        what = f"{entry.type}: {told}"
    return (
        f"line {entry.seq}: {what}; the tape, the configuration or this program is not the one "
        "that wrote the journal"
    )
