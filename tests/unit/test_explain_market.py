"""Why a market was or was not traded, and what became of it."""

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Money, money, price, size
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.signals import Gate
from market_bot.core.ports.journal import Entry
from market_bot.core.usecases.explain_market import RESULT, explain
from tests.fakes.builders import a_fill, a_sale, a_start, an_intended
from tests.fakes.clock import NOON

DENIED = ev.Denied(
    signal="s-1",
    strategy="scripted",
    market="M-1",
    event="E-1",
    family="F-1",
    leg=Leg.YES,
    purpose=Purpose.ENTRY,
    phase="begin",
    gates=(Gate("max_order_usd", "5", "6", hard=True), Gate("leaving", "a", "b", hard=False)),
    price=price("0.48"),
    size=size("10"),
)
ADMITTED = attrs.evolve(DENIED, phase="end", gates=(), count=7)
SOLD = an_intended("i-2", purpose=Purpose.EXIT)
BACK = ev.FillReversed(intent="i-1", fill="f-1", reason="failed")
EXPIRED = ev.OrderCancelled(intent="i-1", reason="expired", remaining=size("10"))


def ended(payout: str) -> ev.MarketResolved:
    """Return the end of the market."""
    return ev.MarketResolved(market="M-1", event="E-1", family="F-1", yes_payout=price(payout))


def told(*facts: ev.Event) -> list[tuple[int, str, str]]:
    """Return seq, type and text of every reason."""
    entries = [
        Entry(seq=n, at=NOON, boot="b", config="c", type=e.TYPE, event=e, prev="", hash="")
        for n, e in enumerate(facts, start=1)
    ]
    return [(reason.seq, reason.type, reason.text) for reason in explain(entries, "M-1")]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([DENIED], "never ordered: refused by max_order_usd, leaving to the end"),
        ([DENIED, ADMITTED], "never ordered, and refused by nothing in the end"),
        ([an_intended()], "1 ordered, nothing filled; the last one: waits"),
        ([an_intended(), EXPIRED], "1 ordered, nothing filled; the last one: expired"),
        ([an_intended(), a_fill()], "holds 10 YES; money so far -$4.82 after $0.02 fees"),
        # Told twice: once counts.
        ([an_intended(), *[a_fill()] * 2], "holds 10 YES; money so far -$4.82 after $0.02 fees"),
        (
            [an_intended(), a_fill(), SOLD, a_sale()],
            "nothing is held any more; gain +$1.16 after $0.04 fees",
        ),
        (
            [an_intended(), a_fill(), ended("1")],
            "nothing is held any more; gain +$5.18 after $0.02 fees",
        ),
        (
            [an_intended(), a_fill(leg=Leg.NO), ended("1")],
            "nothing is held any more; gain -$4.82 after $0.02 fees",
        ),
        ([an_intended(), a_fill(), BACK, BACK], "1 ordered, nothing filled; the last one: waits"),
        (
            [
                an_intended(),
                a_fill(),
                a_fill("f-2", leg=Leg.NO, size=size("4"), cost=money("2"), fee=Money(0)),
                ev.Merged(
                    merge="m",
                    market="M-1",
                    event="E-1",
                    family="F-1",
                    size=size("4"),
                    payout=money("4"),
                ),
            ],
            "holds 6 YES; money so far -$2.82 after $0.02 fees",
        ),
    ],
)
def test_the_last_line_says_what_became_of_it(facts: list[ev.Event], expected: str) -> None:
    """It stands at the last fact's place and has a type of its own."""
    reasons = told(a_start(), *facts)

    assert (len(facts) + 1, RESULT, expected) == reasons[-1]
    assert RESULT not in [kind for _, kind, _ in reasons[:-1]]


def test_other_markets_are_not_told() -> None:
    """Nothing is known of a market that nobody wanted, and so nothing became of it."""
    assert [] == told(
        a_start(),
        a_fill(market="M-2"),
        ended("1").__class__(market="M-2", event="E-1", family="F-1", yes_payout=price("1")),
    )


def test_facts_that_name_only_an_order_are_found() -> None:
    """An order of the market brings its news along."""
    strange = attrs.evolve(EXPIRED, intent="other")
    texts = [text for _, _, text in told(an_intended(), EXPIRED, strange)]

    assert 3 == len(texts)
    assert "over, 10 unfilled (expired)" in texts[1]
