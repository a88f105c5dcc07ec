"""Recorded and replayed decisions side by side: only the same at the same moment counts as same."""

from __future__ import annotations

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros, price
from market_bot.core.domain.replay_result import Fidelity
from market_bot.core.ports.journal import Entry
from market_bot.core.usecases.match_decisions import DecisionMatch
from tests.fakes.builders import an_intended
from tests.fakes.clock import NOON

LATER = Micros(NOON + 1)
SCAN = ev.Scan(position="0:1", markets=1, views=1, signals=0, denied=0, intents=0)

Lines = list[tuple[Micros, ev.Event]]


def compared(old: Lines, new: Lines, *, cut_off: bool = False) -> Fidelity:
    """Return the fidelity of one moment."""
    entries = [
        Entry(seq=number, at=at, boot="", config="", type=event.TYPE, event=event, prev="", hash="")
        for number, (at, event) in enumerate(old, start=1)
    ]
    match = DecisionMatch(lambda event: event.TYPE)
    match.compare(entries, new, cut_off=cut_off)
    return match.fidelity("a/b", segments=1, note="")


INTENT: tuple[Micros, ev.Event] = (NOON, an_intended())
OTHER: tuple[Micros, ev.Event] = (NOON, an_intended(price=price("0.49")))


@pytest.mark.parametrize(
    ("old", "new", "same", "share"),
    [
        ([], [], 0, 1_000_000),
        ([INTENT], [INTENT], 1, 1_000_000),
        ([INTENT], [OTHER], 0, 0),
        ([INTENT], [(LATER, INTENT[1])], 0, 0),
        ([INTENT, OTHER], [OTHER, INTENT], 2, 1_000_000),
        ([INTENT], [INTENT, OTHER], 1, 500_000),
        ([INTENT, INTENT, OTHER], [INTENT], 1, 333_333),
        ([INTENT], [INTENT, INTENT], 1, 500_000),
        ([], [INTENT], 0, 0),
    ],
)
def test_same_is_the_same_decision_at_the_same_time(
    old: Lines, new: Lines, same: int, share: int
) -> None:
    """Each counts once, and what only one side decided counts against it."""
    found = compared(old, new)

    assert (same, share) == (found.same, found.share_ppm)
    assert (len(old), len(new)) == (found.recorded, found.replayed)
    assert (old == new) is found.identical
    assert (old != new) is (found.first is not None)


def test_what_decides_nothing_does_not_count() -> None:
    """Another scan makes the lines differ, not the decisions; a checkpoint makes no difference."""
    checkpoint = ev.Checkpoint(fold=1, digest="", state={})

    other = compared([(NOON, SCAN)], [(NOON, attrs.evolve(SCAN, views=2))])
    same = compared([(NOON, checkpoint), (NOON, SCAN)], [(NOON, SCAN)])

    assert (1_000_000, False, None) == (other.share_ppm, other.identical, other.first)
    assert same.identical


def test_a_record_that_was_cut_off_asks_for_no_more() -> None:
    """What the replay decided after the last line that there is cannot be compared."""
    found = compared([INTENT], [INTENT, OTHER], cut_off=True)

    assert (1, 1, True) == (found.replayed, found.same, found.identical)


def test_the_first_difference_is_shown_with_its_line() -> None:
    """The line is the journal's own number."""
    found = compared([(NOON, SCAN), INTENT], [(NOON, SCAN), OTHER])

    assert found.first is not None
    assert (NOON, 2) == (found.first.at, found.first.line)
    assert ("order_intent", "order_intent") == (found.first.recorded, found.first.replayed)


@pytest.mark.parametrize(("missing", "trusted"), [(5, True), (6, False)])
def test_below_95_percent_nothing_is_claimed(missing: int, trusted: bool) -> None:
    """Of a hundred decisions five may be others, six may not."""
    old: Lines = [(NOON, an_intended(f"i-{number}")) for number in range(100)]

    assert trusted is compared(old, [*old[missing:], *[OTHER] * missing]).trusted
