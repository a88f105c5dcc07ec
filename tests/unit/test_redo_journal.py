"""Deriving a chain again: which facts from outside belong to which tick."""

import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import SECOND, Micros
from market_bot.core.ports.journal import Entry
from market_bot.core.usecases.redo_journal import (
    EndOfRecordError,
    NotReproducibleError,
    RedoJournal,
)
from tests.fakes.clock import NOON

HALT = ev.Halt(by="ann", reason="news")
RESUME = ev.Resume(by="ann")
CHECKPOINT = ev.Checkpoint(fold=1, digest="d", state={})
NOTE = ev.Error(where="w", message="m")
REFUSED = ev.Error(where="config:bad_edit", message="m")
DECIDED = ev.ProposalDecided(proposal="p", decision="approved", by="ann")
ENDED = ev.ChangeEnded(change="c", outcome="applied", sha256="s")
LATER = Micros(NOON + SECOND)


def redo(*facts: tuple[ev.Event, Micros]) -> RedoJournal:
    """Return a chain with these lines and nothing behind it."""
    entries = [
        Entry(
            seq=n,
            at=at,
            boot="b",
            config="c",
            type=event.TYPE,
            event=event,
            prev=f"h{n - 1}",
            hash=f"h{n}",
        )
        for n, (event, at) in enumerate(facts, start=1)
    ]
    return RedoJournal(iter(entries), None)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([(HALT, NOON), (NOTE, NOON)], [HALT]),
        ([(HALT, NOON), (RESUME, NOON), (NOTE, NOON)], [HALT, RESUME]),
        # A new file opens with a checkpoint, wherever the day or the size ends.
        ([(CHECKPOINT, NOON), (HALT, NOON)], [HALT]),
        ([(HALT, NOON), (CHECKPOINT, NOON), (RESUME, NOON), (NOTE, NOON)], [HALT, RESUME]),
        # What follows another fact was taken at another tick of the same moment.
        ([(NOTE, NOON), (HALT, NOON)], []),
        ([(HALT, NOON), (NOTE, NOON), (RESUME, NOON)], [HALT]),
        ([(HALT, LATER)], []),
        ([(CHECKPOINT, NOON), (HALT, LATER)], []),
        ([], []),
    ],
)
def test_what_was_taken_at_a_tick(
    facts: list[tuple[ev.Event, Micros]], expected: list[ev.Event]
) -> None:
    """Controls stand at the beginning of their tick; a checkpoint may stand between them."""
    journal = redo(*facts)

    assert expected == journal.controls(NOON)
    assert expected == journal.controls(NOON), "looking takes nothing"
    assert bool(facts) == journal.redoing


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # Written while no bot ran, behind the last tick of the one before.
        ([(DECIDED, NOON), (HALT, LATER)], [HALT]),
        ([(DECIDED, NOON), (ENDED, NOON), (CHECKPOINT, LATER), (HALT, LATER)], [HALT]),
        # Brought to a lane that ran.
        ([(DECIDED, LATER), (HALT, LATER)], [DECIDED, HALT]),
        ([(HALT, NOON), (HALT, LATER)], []),
        ([(REFUSED, LATER), (HALT, LATER)], [REFUSED, HALT]),
        ([(NOTE, LATER), (HALT, LATER)], []),
    ],
)
def test_what_decides_nothing_may_stand_between_ticks(
    facts: list[tuple[ev.Event, Micros]], expected: list[ev.Event]
) -> None:
    """What was taken at a tick is found behind it; a lane's own error is nobody's command."""
    assert expected == redo(*facts).controls(LATER)


def test_what_decides_nothing_is_passed_over_wherever_it_stands() -> None:
    """Also within a tick that a kill ended; but where it was brought to a tick it is compared."""
    journal = redo((HALT, NOON), (DECIDED, NOON), (ENDED, NOON), (NOTE, NOON), (ENDED, LATER))

    journal.append(HALT, NOON, "c")
    journal.append(NOTE, NOON, "c")
    assert [ENDED] == [entry.event for entry in journal.upcoming()]
    journal.append(ENDED, LATER, "c")
    assert not journal.redoing

    left = redo((HALT, NOON), (DECIDED, NOON))
    left.append(HALT, NOON, "c")
    with pytest.raises(EndOfRecordError):
        left.append(NOTE, NOON, "c")
    with pytest.raises(NotReproducibleError):
        redo((HALT, NOON)).append(DECIDED, NOON, "c")


def test_facts_that_were_looked_at_are_compared_in_order() -> None:
    """Looking ahead for controls loses no line and skips none."""
    journal = redo((CHECKPOINT, NOON), (HALT, NOON), (NOTE, NOON))
    journal.controls(NOON)
    for event in (CHECKPOINT, HALT, NOTE):
        assert journal.redoing
        journal.append(event, NOON, "c")

    assert not journal.redoing
    assert (3, "h3") == journal.head
    with pytest.raises(EndOfRecordError):
        journal.append(NOTE, NOON, "c")


def test_another_fact_is_named() -> None:
    """The message says which line it is and what differs."""
    journal = redo((HALT, NOON))

    with pytest.raises(NotReproducibleError, match=r"line 1: halt: reason 'news' became 'rain'"):
        journal.append(ev.Halt(by="ann", reason="rain"), NOON, "c")
