"""How trades ended before a restart, from the lines of the journal."""

from __future__ import annotations

from market_bot.adapters.polymarket.ghost_history import Ended, ends_of_trades
from market_bot.adapters.polymarket.own_fills import GhostLimits
from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import SECOND, Micros, money, price, size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.ports.execution import Rejected
from market_bot.core.ports.journal import Entry
from tests.fakes.fake_polymarket_rig import PolymarketRig


def a_fill(name: str, *, provisional: bool = True, family: str = "F") -> ev.Fill:
    """Return a fill as the journal has it."""
    return ev.Fill(
        market="M",
        event="E",
        family=family,
        leg=Leg.YES,
        strategy="s",
        signal="g",
        intent="i",
        fill=name,
        purpose=Purpose.ENTRY,
        liquidity=Style.TAKER,
        price=price("0.4"),
        size=size("5"),
        cost=money("2"),
        fee=money("0"),
        provisional=provisional,
    )


def lines(*events: ev.Event, first: int = 1) -> list[Entry]:
    """Return lines of a journal, a second apart."""
    return [
        Entry(
            seq=seq,
            at=Micros(seq * SECOND),
            boot="b",
            config="c",
            type=event.TYPE,
            event=event,
            prev="",
            hash="",
        )
        for seq, event in enumerate(events, first)
    ]


def test_each_end_is_told_once_and_when_it_was_noted() -> None:
    """Settled, undone, or final at once; what began before is passed over."""
    told = lines(
        a_fill("a"),
        a_fill("b"),
        a_fill("c", provisional=False, family="G"),
        ev.FillReversed(intent="i", fill="b", reason="x"),
        ev.FillReversed(intent="i", fill="b", reason="x"),
        ev.FillSettled(intent="i", fill="a"),
        ev.FillSettled(intent="i", fill="unseen"),
        ev.FillReversed(intent="i", fill="unseen", reason="x"),
        ev.Error(where="x", message="y"),
    )
    at = [Micros(n * SECOND) for n in range(10)]

    assert [
        Ended("G", at[3], failed=False),
        Ended("F", at[4], failed=True),
        Ended("F", at[6], failed=False),
    ] == list(ends_of_trades(told))


def test_a_restart_forgives_no_family() -> None:
    """The pause goes on from when the last failure was noted, and ends when it would have."""
    rig = PolymarketRig(ghosts=GhostLimits(window=10, share=100_000))
    began = rig.now
    rig.pass_by(60)
    rig.new_desk()
    rig.desk.remember(Ended("the-family", began, failed=True) for _ in range(2))
    family = rig.intent().draft.family
    rig.desk.remember(Ended(family, began, failed=True) for _ in range(2))
    refused = rig.desk.submit(rig.intent(), rig.now)
    exits = rig.desk.order_name(rig.intent("i-2"), rig.now)
    rig.pass_by(3600 - 60)

    assert isinstance(refused, Rejected)
    assert "failed to settle" in refused.reason
    assert exits
    assert not isinstance(rig.desk.submit(rig.intent("i-3"), rig.now), Rejected)
