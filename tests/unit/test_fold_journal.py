"""A state from a chain's lines, or from its newest checkpoint."""

import attrs
import pytest

from market_bot.adapters.storage.codec import decode_state, digest, encode_state
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.orders import Purpose
from market_bot.core.ports.journal import Entry
from market_bot.core.usecases.fold_journal import FoldError, fold_journal
from tests.fakes.builders import a_fill, a_sale, a_start, an_intended, fold
from tests.fakes.clock import NOON

EARLY = [a_start(), an_intended(), a_fill(), ev.EquityPeak(equity=a_start("120").cash)]
LATE = [
    an_intended("i-2", purpose=Purpose.EXIT),
    a_sale(provisional=True),
    ev.FillSettled(intent="i-2", fill="x-1"),
]


def checkpoint(state: LaneState, version: int = FOLD_VERSION) -> ev.Checkpoint:
    """Return a state as a fact."""
    return ev.Checkpoint(fold=version, digest=digest(state), state=encode_state(state))


def lines(*events: ev.Event | None, first: int = 1) -> list[Entry]:
    """Return facts as lines of a chain."""
    return [
        Entry(
            seq=first + number,
            at=NOON,
            type="?" if event is None else event.TYPE,
            event=event,
            config="c",
            hash="h",
            prev="p",
            boot="b",
        )
        for number, event in enumerate(events)
    ]


def folded(entries: list[Entry]) -> LaneState:
    """Return what lines lead to."""
    return fold_journal(
        entries,
        lambda data: decode_state(data, LaneState),
        lambda state: (encode_state(state), digest(state)),
    )


def test_from_the_first_line() -> None:
    """Checkpoints on the way are passed over, whatever wrote them, and unknown facts as well."""
    old = checkpoint(LaneState(wins=9), version=1)

    assert LaneState() == folded([])
    assert fold([*EARLY, *LATE]) == folded(lines(*EARLY, old, None, *LATE))


def test_from_a_checkpoint() -> None:
    """The lines before it are not needed, and everything that counts is in it."""
    at = checkpoint(fold(EARLY))

    assert fold([*EARLY, *LATE]) == folded(lines(at, *LATE, first=500))


def test_from_a_checkpoint_in_the_middle_of_a_sale() -> None:
    """A sale that may still be undone remembers what it closed."""
    undone = ev.FillReversed(intent="i-2", fill="x-1", reason="r")
    at = checkpoint(fold([*EARLY, *LATE[:2]]))

    assert fold([*EARLY, *LATE[:2], undone]) == folded(lines(at, undone, first=500))


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (checkpoint(LaneState(), version=1), "line 500: the checkpoint is of fold version 1, this"),
        (a_fill(), "line 500: the lines before it are missing"),
        (None, "line 500: the lines before it are missing"),
        (attrs.evolve(checkpoint(LaneState()), digest="0"), "line 500: the checkpoint's digest"),
    ],
)
def test_what_is_no_beginning(first: ev.Event | None, message: str) -> None:
    """A state is never guessed."""
    with pytest.raises(FoldError, match=message):
        folded(lines(first, *LATE, first=500))


def test_the_time_of_a_line_counts() -> None:
    """A line is folded at its own time."""
    (line,) = lines(an_intended("i-9"))

    assert (7,) == folded([attrs.evolve(line, at=Micros(7))]).entry_times
