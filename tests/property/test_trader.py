"""Whole lanes on paper: repeatable, refoldable, and safe when the disk is full."""

from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.core.domain import events as ev
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg
from market_bot.core.domain.numbers import SECOND, Duration, Price, Size, price
from market_bot.core.domain.orders import OrderState, Purpose, Style
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.view import Holdings, View
from market_bot.core.ports.execution import Filled, Rejected
from market_bot.core.ports.journal import DurabilityLostError
from tests.fakes.builders import (
    Lane,
    Wanting,
    a_book,
    a_lane,
    a_market,
    a_signal,
    a_strategy,
    an_exit,
    announced,
    contracts,
    lane_settings,
    of_type,
    refold,
)
from tests.fakes.clock import NOON
from tests.fakes.execution import ScriptedExecution, filled
from tests.fakes.journal import ListJournal
from tests.fakes.ledger import read
from tests.fakes.market_data import FULL
from tests.fakes.recording_sink import Fact

FEES = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=17_500)


def a_moment(random: Random, market: str) -> list[Fact]:
    """Return a new book, some prints, now and then a gap or the end."""
    middle = random.randint(10, 90)
    bids = {price(f"0.{middle - d:02}"): Size(random.randint(1, 30) * 10**6) for d in (1, 2, 3)}
    asks = {price(f"0.{middle + d:02}"): Size(random.randint(1, 30) * 10**6) for d in (1, 2, 3)}
    facts: list[Fact] = [("book", market, bids, asks, NOON, None)]
    for _ in range(random.randint(0, 3)):
        size = Size(random.randint(1, 60) * 10**6)
        at = Price((middle + random.randint(-3, 3)) * 10_000)
        facts.append(("trade", market, random.choice(list(Side)), at, size, NOON, None))
    if random.random() < 0.1:
        facts.append(("gap", random.choice(["", market]), "lost", NOON))
    if random.random() < 0.04:
        facts.append(("resolution", market, price(random.choice(["0", "0.5", "1"])), NOON))
    return facts


class Moody:
    """Wants something plausible that depends on the view alone."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, view: View, params: Any, holdings: Holdings) -> Sequence[Signal]:
        """Buy or sell at the quotes, resting or taking."""
        wishes: list[Signal] = []
        for seen in view.markets:
            if seen.bid is None or seen.ask is None:
                continue
            mood = Random(f"{self._seed}/{seen.bid}/{seen.ask}/{view.as_of}")
            leg, taking = mood.choice(list(Leg)), mood.random() < 0.4
            buy, sell = seen.buy_price(leg), seen.sell_price(leg)
            assert buy is not None
            assert sell is not None
            style = Style.TAKER if taking else Style.MAKER
            patience = Duration(3 * SECOND)
            there: dict[str, Any] = {"market": seen.market.id, "leg": leg, "patience": patience}
            if mood.random() < 0.5:
                wishes.append(a_signal(style=style, price=buy if taking else sell, **there))
            if mood.random() < 0.5:
                wishes.append(an_exit(style=style, price=sell if taking else buy, **there))
        return wishes


def a_paper_life(seed: int, ticks: int = 15) -> Lane:
    """Return a lane after some ticks on paper; the fold is compared at each of them."""
    random = Random(seed)
    lane = a_lane(
        lane_settings(a_strategy(Moody(seed))),
        lambda world: PaperExecution(world, FULL),
        opening=[announced(a_market(name, fees=FEES)) for name in ("A", "B")],
    )
    lane.start()
    for _ in range(ticks):
        if random.random() < 0.05:
            lane.controls.append(ev.Halt(by="ann", reason="r", flatten=random.random() < 0.5))
        elif random.random() < 0.2:
            lane.controls.append(ev.Resume(by="ann"))
        lane.tick(*a_moment(random, "A"), *a_moment(random, "B"))
        assert refold(lane.journal) == lane.trader.state
    lane.trader.finish("asked", "d", lane.clock.now)
    return lane


@given(st.integers(0, 2**32))
def test_a_life_on_paper_adds_up(seed: int) -> None:
    """The state is what its journal says, the journal what an accountant finds, to the last unit.

    Nothing contradicts anything, and at the end nothing rests.
    """
    lane = a_paper_life(seed)
    state, ledger = refold(lane.journal), read(lane.journal.events)

    assert lane.trader.state == state
    assert (ledger.cash, ledger.fees) == (state.cash, state.fees)
    assert 0 == state.anomalies
    assert {} == state.orders
    assert (
        state.cash + state.basis() + state.fees - state.realised - state.rewards == state.deposits
    )
    assert state.cash >= 0


@given(st.integers(0, 2**32))
def test_the_same_life_is_written_the_same_way(seed: int) -> None:
    """Same data, same settings, same lines."""
    assert a_paper_life(seed).journal.lines == a_paper_life(seed).journal.lines


def test_lives_are_eventful() -> None:
    """Over some seeds paper lanes enter, exit, make and take."""
    done: set[object] = set()
    for seed in range(10):
        for fill in of_type(a_paper_life(seed).journal.events, ev.Fill):
            done |= {fill.purpose, fill.liquidity, fill.leg}

    assert {*Purpose, *Style, *Leg} == done


# -- a full disk ---------------------------------------------------------------------------------


def a_life_with_a_full_disk(fails_at: int | None) -> tuple[Lane, int, set[str]]:
    """Return the lane, the number of lines before the failure, and the fills the venue told.

    Ten contracts are bought in two fills, one of them told twice, then another market is bought,
    refused, and bought again, and the first position is sold.
    """
    journal = ListJournal(fails_at=() if fails_at is None else {fails_at})
    wanting, venue = Wanting(), ScriptedExecution()
    lane = a_lane(
        lane_settings(a_strategy(wanting)),
        lambda _: venue,
        journal=journal,
        opening=[announced(a_market()), announced(a_market("M-2")), a_book(), a_book("M-2")],
    )
    lane.start()
    before, told = -1, set[str]()

    def say(*fills: Filled) -> None:
        told.update(fill.fill for fill in fills)
        venue.say(*fills)

    def tick() -> None:
        nonlocal before
        state = lane.trader.state
        try:
            lane.tick(a_book(), a_book("M-2"))
        except DurabilityLostError:
            before = len(journal.lines)
            assert refold(journal) == lane.trader.state
            assert state.deposits == lane.trader.state.deposits
            lane.trader.degrade("disk full")
        assert refold(journal) == lane.trader.state

    wanting.wants = [a_signal(size=contracts(10))]
    tick()
    for intent in venue.submitted:
        part = filled(intent, 1, contracts(4))
        say(part, part, filled(intent, 2, contracts(6)))
    wanting.wants = []
    tick()
    tick()
    wanting.wants = [a_signal(market="M-2", size=contracts(5))]
    venue.answers = [Rejected("no")]
    tick()
    tick()
    venue.answers = []
    wanting.wants = [an_exit()]
    tick()
    tick()
    for intent in venue.submitted:
        if intent.reduce_only:
            say(filled(intent))
    wanting.wants = []
    tick()
    tick()
    return lane, before, told


LINES = len(a_life_with_a_full_disk(None)[0].journal.lines)


def test_a_full_disk_at_any_line() -> None:
    """Wherever the journal fails, no fact is lost or doubled, and only entries stop.

    The failed fact does not reach the state; afterwards nothing is opened, what is held is still
    sold, and each fill and each answer is in the journal exactly once.
    """
    assert LINES > 20
    for fails_at in range(2, LINES + 1):
        lane, before, told = a_life_with_a_full_disk(fails_at)
        events, state = lane.journal.events, lane.trader.state
        later = of_type(events[before:], ev.OrderIntent)

        assert before == fails_at - 1, f"line {fails_at} never failed"
        assert all(intent.purpose is Purpose.EXIT for intent in later)
        assert sorted(told) == sorted(fill.fill for fill in of_type(events, ev.Fill))
        assert read(events).cash == state.cash
        assert {} == state.positions
        assert all(order.state is not OrderState.INTENDED for order in state.orders.values())
