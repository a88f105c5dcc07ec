"""A desk that answers from the journal tells each line once, and none before its time."""

from __future__ import annotations

import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Micros, money, size
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Confirmed,
    Fact,
    Filled,
    Merged,
    Outcome,
    Refused,
    Rejected,
    Reversed,
    Rewarded,
    Settled,
    Unknown,
)
from market_bot.core.ports.journal import Entry
from market_bot.core.usecases.journaled_desk import JournaledDesk, fact_of
from tests.fakes.builders import a_fill, an_intended, an_intent
from tests.fakes.clock import NOON, after

ACCEPTED = ev.OrderAccepted(intent="i-1", venue_order="v-1", sent_at=NOON, queue_ahead=size("3"))
CANCELLED = ev.OrderCancelled(intent="i-1", reason="cancelled", remaining=size("1"))
EXPIRED = ev.OrderCancelled(intent="i-1", reason="expired", remaining=size("1"))
SCAN = ev.Scan(position="2026-01-05:1", markets=1, views=1, signals=0, denied=0, intents=0)
CHECKPOINT = ev.Checkpoint(fold=1, digest="d", state={})


class Lines:
    """Lines that are compared one after the other."""

    def __init__(self, *events: ev.Event, at: Micros = NOON) -> None:
        self.left = [
            Entry(seq=n, at=at, boot="", config="", type=e.TYPE, event=e, prev="", hash="")
            for n, e in enumerate(events, start=1)
        ]

    def __call__(self) -> list[Entry]:
        """Return what was not compared yet."""
        return list(self.left)

    def compare(self, count: int = 1) -> None:
        """Let so many lines be derived."""
        del self.left[:count]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (ACCEPTED, Accepted("v-1", size("3"))),
        (ev.OrderRejected(intent="i-1", code="no", reason="why"), Rejected("no", "why")),
        (ev.OrderUnknown(intent="i-1", reason="timeout"), Unknown("timeout")),
    ],
)
def test_an_order_is_answered_as_it_was(line: ev.Event, answer: Outcome) -> None:
    """The answer is not told a second time as a fact."""
    lines = Lines(line, EXPIRED)
    desk = JournaledDesk(lines)

    assert answer == desk.submit(an_intent(), NOON)
    assert [Cancelled("i-1", "expired")] == desk.collect(NOON)
    assert [] == desk.collect(NOON)


def test_an_order_the_journal_does_not_answer_is_in_doubt() -> None:
    """The bot was killed between the order and the answer."""
    assert isinstance(JournaledDesk(Lines()).submit(an_intent(), NOON), Unknown)
    assert isinstance(JournaledDesk(Lines(SCAN)).submit(an_intent(), NOON), Unknown)


def test_facts_are_told_up_to_the_next_decision() -> None:
    """A checkpoint among them tells nothing and hides nothing."""
    lines = Lines(a_fill(), CHECKPOINT, EXPIRED, SCAN, a_fill("f-2"))
    desk = JournaledDesk(lines)

    kinds = [type(fact) for fact in desk.collect(NOON)]

    assert [Filled, Cancelled] == kinds
    lines.compare(4)
    assert [Filled] == [type(fact) for fact in desk.collect(NOON)]


def test_facts_of_another_tick_are_not_told_yet() -> None:
    """Their time is not now."""
    desk = JournaledDesk(Lines(a_fill(), at=after(1)))

    assert [] == desk.collect(NOON)
    assert 1 == len(desk.collect(after(1)))


def test_a_cancel_is_not_told_before_it_is_asked_for() -> None:
    """What we ask for within a tick must not change what is decided before."""
    lines = Lines(ACCEPTED, CANCELLED)
    desk = JournaledDesk(lines)
    desk.submit(an_intent(), NOON)
    lines.compare()

    assert [] == desk.collect(NOON)
    desk.cancel("i-1", NOON)
    assert [Cancelled("i-1", "cancelled")] == desk.collect(NOON)


def test_a_cancel_from_an_earlier_life_is_told_at_once() -> None:
    """Who asked for it was another desk."""
    assert [Cancelled("i-1", "cancelled")] == JournaledDesk(Lines(CANCELLED)).collect(NOON)


def test_what_the_last_gate_ended_is_no_fact() -> None:
    """The bot decided that itself."""
    over = ev.OrderCancelled(intent="i-1", reason="last_gate: halted", remaining=size("1"))

    assert [] == JournaledDesk(Lines(over)).collect(NOON)


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        (EXPIRED, Cancelled("i-1", "expired")),
        (ACCEPTED, Confirmed("i-1", "v-1")),
        (ev.OrderRejected(intent="i-1", code="no"), Refused("i-1", "no")),
        (ev.FillSettled(intent="i-1", fill="f"), Settled("i-1", "f")),
        (ev.FillReversed(intent="i-1", fill="f", reason="r"), Reversed("i-1", "f", "r")),
        (
            ev.Merged(
                merge="m", market="M", event="E", family="F", size=size("2"), payout=money("2")
            ),
            Merged("m", "M", size("2"), money("2")),
        ),
        (
            ev.Reward(amount=money("1"), kind="maker", market="M", name="r-1"),
            Rewarded("r-1", "maker", money("1"), "M"),
        ),
        (an_intended(), None),
        (SCAN, None),
        (ev.Error(where="strategy:x", message="ValueError"), None),
    ],
)
def test_lines_are_the_facts_they_were_made_of(line: ev.Event, fact: Fact | None) -> None:
    """And decisions are none."""
    assert fact == fact_of(line)


def test_strangers_are_told_again() -> None:
    """A trade and a payment that belonged to no order of ours leave the same error."""
    trade = fact_of(ev.Error(where="execution:stray_fill", message="i-9 f-9"))
    pair = fact_of(ev.Error(where="execution:stray_merge", message="M-9 m-9"))

    assert isinstance(trade, Filled)
    assert ("i-9", "f-9") == (trade.intent, trade.fill)
    assert isinstance(pair, Merged)
    assert ("m-9", "M-9") == (pair.intent, pair.market)


def test_it_can_do_nothing_of_its_own() -> None:
    """Pairs are paid when the journal says so."""
    assert not JournaledDesk(Lines()).abilities.pairs_pay
