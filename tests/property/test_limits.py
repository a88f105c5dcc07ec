"""Hard limits against a hostile strategy and a venue on a bad day, judged by an accountant."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain import events as ev
from market_bot.core.domain.book import Book
from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg
from market_bot.core.domain.numbers import SECOND, Duration, Price, Size, money, probability
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Intent, Signal
from market_bot.core.domain.view import Holdings, View
from market_bot.core.ports.execution import Filled
from tests.fakes.builders import (
    WIDE,
    Lane,
    a_lane,
    a_market,
    a_strategy,
    announced,
    cents,
    lane_settings,
    of_type,
    refold,
)
from tests.fakes.execution import ChaoticExecution
from tests.fakes.ledger import Ledger
from tests.fakes.recording_sink import Fact

FEES = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=17_500)
MARKETS = ("A", "B", "C")
# Tight enough that each of them is met within a few ticks.
LIMITS: Mapping[str, int] = {
    **WIDE,
    "max_order_usd": money("10"),
    "max_position_usd": money("15"),
    "max_total_exposure_usd": money("22"),
    "max_daily_loss_usd": money("5"),
}
TICKS = 14
MAY_REFUSE_EXITS = {
    "min_size",
    "market_open",
    "price_grid",
    "data_claims_fills",
    "exits_per_minute",
}


class Hostile:
    """Wants anything: both legs, huge sizes, sales of what is not held, prices off the grid."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def __call__(self, view: View, params: Any, holdings: Holdings) -> Sequence[Signal]:
        """Return up to six wishes in the markets of the event."""
        random = self._random
        if random.random() < 0.05:
            raise RuntimeError
        return [
            Signal(
                market=random.choice(view.markets).market.id,
                leg=random.choice(list(Leg)),
                purpose=random.choice(list(Purpose)),
                style=random.choice(list(Style)),
                price=Price(
                    random.choice([1, 99, random.randint(2, 98), 0, 100, -5]) * 10_000
                    + random.choice([0, 0, 0, 0, 1])
                ),
                belief=probability("0.5"),
                edge=Price(0),
                cost=Price(0),
                patience=Duration(random.choice([0, 2, 9]) * SECOND),
                reason="spite",
                size=random.choice(
                    [None, None, Size(random.choice([-1, 0, 1, 5, 20, 10**6]) * 10**6)]
                ),
            )
            for _ in range(random.randint(0, 6))
        ]


def a_moment(random: Random, venue: ChaoticExecution) -> list[Fact]:
    """Return what happens in the markets at one tick."""
    facts: list[Fact] = []
    for market in MARKETS:
        middle = random.randint(5, 95)
        book: tuple[dict[Price, Size], dict[Price, Size]] = ({}, {})
        if random.random() < 0.9:
            book[0][cents(middle - random.randint(1, 4))] = Size(random.randint(1, 50) * 10**6)
        if random.random() < 0.9:
            book[1][cents(middle + random.randint(1, 4))] = Size(random.randint(1, 50) * 10**6)
        facts.append(("book", market, *book, 0, None))
        if random.random() < 0.1 and not venue.busy(market):
            payout = Price(random.choice([0, 500_000, 1_000_000]))
            facts.append(("resolution", market, payout, 0))
    return facts


@attrs.define(eq=False)
class Judge:
    """Looks at every order at the moment it leaves, with the journal so far in hand."""

    ledger: Ledger = attrs.field(factory=Ledger)
    lane: Lane | None = None
    entries: int = 0
    exits: int = 0
    _read: int = 0

    def catch_up(self) -> None:
        """Read the lines written since."""
        assert self.lane is not None
        events = self.lane.journal.events
        self.ledger.read(events[self._read :])
        self._read = len(events)

    def __call__(self, intent: Intent) -> None:
        """Check one order; its intent is in the journal already."""
        self.catch_up()
        assert intent.id in self.ledger.orders, "sent before it was written"
        signal = intent.draft.signal
        key = (signal.market, signal.leg)
        if signal.purpose is Purpose.EXIT:
            self.exits += 1
            assert self.ledger.working_exits(key) <= self.ledger.settled(key)
            return
        self.entries += 1
        order = self.ledger.orders[intent.id].intent
        assert order.price * order.size + order.fee_bound <= LIMITS["max_order_usd"]
        assert self.ledger.worst_case(signal.market) <= LIMITS["max_position_usd"]
        assert self.ledger.worst_case() <= LIMITS["max_total_exposure_usd"]
        assert not self.ledger.halted
        assert self.ledger.day_equity is not None
        assert self.ledger.day_equity - self.worth() < LIMITS["max_daily_loss_usd"]

    def worth(self) -> int:
        """Return cash and what the positions would fetch from the books as they stand."""
        assert self.lane is not None
        seen = self.lane.trader.world.seen
        return self.ledger.cash + sum(
            size * naive_bid(seen[market].book, leg)
            for (market, leg), (size, _) in self.ledger.positions.items()
        )


def naive_bid(book: Book, leg: Leg) -> int:
    """Return the best price somebody pays for a leg, found without the book's own memory."""
    if leg is Leg.YES:
        return max(book.bids, default=0)
    return 1_000_000 - min(book.asks) if book.asks else 0


def a_bad_month(seed: int) -> tuple[Lane, ChaoticExecution, Judge]:
    """Return a lane after some ticks of everything."""
    random, judge = Random(seed), Judge()
    venue = ChaoticExecution(random, judge)
    markets = [a_market(name, event="E-2" if name == "C" else "E-1", fees=FEES) for name in MARKETS]
    lane = a_lane(
        lane_settings(
            a_strategy(Hostile(random), "x"), a_strategy(Hostile(random), "y"), limits=LIMITS
        ),
        lambda _: venue,
        opening=[announced(market) for market in markets],
    )
    judge.lane = lane
    lane.start()
    for _ in range(TICKS):
        if random.random() < 0.06:
            lane.controls.append(ev.Halt(by="ann", reason="r", flatten=random.random() < 0.5))
        elif random.random() < 0.3:
            lane.controls.append(ev.Resume(by="ann"))
        lane.tick(*a_moment(random, venue))
        judge.catch_up()
        assert refold(lane.journal) == lane.trader.state
    return lane, venue, judge


@given(st.integers(0, 2**32))
def test_no_admission_passes_a_limit(seed: int) -> None:
    """Whatever is wanted and whatever the venue does, each order that leaves keeps every limit.

    The worst case counts positions at cost, live and doubtful entries at their limit with the fee
    bound, and provisional sales as not sold. The judge looks when an order leaves; here is checked
    what is left in the end.
    """
    lane, venue, judge = a_bad_month(seed)
    events, state = lane.journal.events, lane.trader.state

    held = {(p.market, p.leg): p.size for p in state.positions.values()}
    assert {key: size for key, (size, _) in judge.ledger.positions.items()} == held
    assert judge.ledger.cash == state.cash
    assert judge.ledger.worst_case() == lane.trader.exposure().total
    told = {fact.fill for fact in venue.told if isinstance(fact, Filled)}
    assert sorted(told) == sorted(fill.fill for fill in of_type(events, ev.Fill))
    check_denials(of_type(events, ev.Denied))


def check_denials(denials: list[ev.Denied]) -> None:
    """Check that no rule about money refuses an exit, and that no refusal is told twice."""
    last: dict[object, list[str]] = {}
    for denied in denials:
        gates = [gate.name for gate in denied.gates]
        if denied.purpose is Purpose.EXIT:
            assert set(gates) <= MAY_REFUSE_EXITS
        assert (denied.phase == "begin") is bool(gates)
        key = (denied.signal, denied.strategy, denied.market, denied.leg, denied.purpose)
        assert last.get(key, []) != gates, "the same refusal was told twice"
        assert denied.count >= 1
        last[key] = gates


def test_the_hostile_world_is_hostile_enough() -> None:
    """Over some seeds there are entries, exits, refusals, doubt and undone fills."""
    kinds: set[str] = set()
    entries = exits = 0
    for seed in range(12):
        lane, _, judge = a_bad_month(seed)
        kinds |= {event.TYPE for event in lane.journal.events}
        entries, exits = entries + judge.entries, exits + judge.exits

    assert entries > 50
    assert exits > 10
    assert {"denied", "order_unknown", "fill_reversed", "fill_settled", "market_resolved"} <= kinds
