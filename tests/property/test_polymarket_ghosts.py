"""Trades that settle, fail and are told in any order: in the end the journal is the venue."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import price
from market_bot.core.domain.orders import Style
from tests.fakes.builders import a_signal, an_exit
from tests.fakes.fake_polymarket_engine import BAD, BUMPY, GOOD, trade_row
from tests.fakes.fake_polymarket_exchange import Fault
from tests.fakes.fake_polymarket_lane import PolymarketLane
from tests.fakes.fake_polymarket_records import Record
from tests.fakes.fake_polymarket_rig import MARKET, NO, YES, PolymarketRig

pytestmark = pytest.mark.slow

PATHS = (GOOD, BAD, BUMPY)
HITS = st.lists(
    st.tuples(st.sampled_from(("hit", "mint")), st.sampled_from(("1", "2.5", "40"))), max_size=3
)
PUSHES = st.lists(st.integers(0, 200).map(lambda which: ("push", which)), max_size=4)
LOST = st.lists(
    st.sampled_from(("/data/trades", "/data/orders", "/order")).map(lambda path: ("lose", path)),
    max_size=2,
)
MAYBE_RESTART = st.sampled_from(([], [], [], [("restart", None)]))


@st.composite
def rounds(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """Return some time in the life of a lane: it wants something, and something happens."""
    actions: list[tuple[str, Any]] = []
    for _ in range(draw(st.integers(1, 4))):
        actions += [
            ("want", draw(st.sampled_from(("maker", "taker", "no", "exit", "nothing")))),
            ("path", draw(st.integers(0, len(PATHS) - 1))),
            *draw(LOST),
            ("tick", 1),
            *draw(HITS),
            *draw(PUSHES),
            ("tick", draw(st.sampled_from((1, 1, 3, 9)))),
            *draw(PUSHES),
            *draw(MAYBE_RESTART),
            ("tick", draw(st.sampled_from((1, 7)))),
        ]
    return actions


WANTS = {
    "maker": a_signal(market=MARKET, style=Style.MAKER, price=price("0.41")),
    "taker": a_signal(market=MARKET, style=Style.TAKER, price=price("0.45")),
    "no": a_signal(market=MARKET, leg=Leg.NO, style=Style.MAKER, price=price("0.56")),
    "exit": an_exit(market=MARKET, price=price("0.40")),
}


class Story:
    """One lane, and everything the venue has ever said of its trades."""

    def __init__(self) -> None:
        rig = PolymarketRig(with_inbox=True)
        rig.engine.crowd(YES, "BUY", "0.40", "500")
        rig.engine.crowd(YES, "SELL", "0.45", "500")
        self.rows: list[Record] = []
        rig.engine.listeners.append(self.hear)
        self.lane = PolymarketLane(rig)

    def hear(self, what: str, thing: Any) -> None:
        """Keep what was said, to be told at any time."""
        if what == "trade":
            self.rows.append(trade_row(thing))

    def act(self, what: str, how: Any) -> None:
        """Do one thing."""
        rig = self.lane.rig
        match what:
            case "tick":
                self.lane.tick(how)
            case "want":
                self.lane.wanting.wants[:] = [WANTS[how]] if how in WANTS else []
            case "hit":
                rig.engine.crowd(YES, "SELL", "0.41", how, rests=False)
            case "mint":
                rig.engine.crowd(NO, "BUY", "0.59", how, rests=False)
            case "path":
                rig.engine.paths.append(PATHS[how])
            case "push":
                if self.rows and rig.inbox is not None:
                    rig.inbox.hear("trade", self.rows[how % len(self.rows)])
            case "lose":
                rig.wire.faults.append(Fault(path=how, acted=True))
            case _:
                self.lane.restart()

    def heal(self) -> None:
        """Let everything come to its end, and judge."""
        lane = self.lane
        lane.wanting.wants.clear()
        lane.rig.wire.faults.clear()
        for order in list(lane.state.orders):
            lane.trader.execution.cancel(order, lane.rig.now)
        for seconds in (1, 2, 4, 17, 61, 61, 61, 31, 5):
            lane.tick(seconds)
        lane.check_healed()


@settings(max_examples=40, deadline=None)
@given(rounds())
def test_any_story_ends_with_the_venue_s_own_books(actions: list[tuple[str, Any]]) -> None:
    """Every part of ours is told once and ends once, whatever was told when and how often."""
    story = Story()
    for what, how in actions:
        story.act(what, how)
        story.lane.check()
    story.heal()
