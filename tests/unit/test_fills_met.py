"""Waiting orders that the other side of the book comes to: who gets what, and what never fills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.core.domain.book import Side
from market_bot.core.domain.fills import queue
from market_bot.core.domain.fills.queue import ECHO, Struck
from market_bot.core.domain.fills.terms import FillModel, FillTerms
from market_bot.core.domain.market import Leg, MarketStatus
from market_bot.core.domain.numbers import Duration, Micros, Price, Size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Cancelled, Filled, Rejected
from market_bot.core.ports.market_data import Capability
from tests.fakes.builders import a_draft, a_market, a_signal, an_intent, announced, cents, contracts
from tests.fakes.clock import NOON
from tests.fakes.market_data import FULL
from tests.fakes.recording_sink import Fact, tell

Levels = Mapping[int, int]


def at(moment: int) -> Micros:
    """Return the moment so many microseconds after noon."""
    return Micros(NOON + moment)


def shown(side: Side, price: int, size: int, moment: int = 0) -> Fact:
    """Return the new size of a level."""
    return ("delta", "M-1", side, cents(price), contracts(size), at(moment), None)


def offered(price: int, size: int, moment: int = 0) -> Fact:
    """Return the new size of what is offered at a price."""
    return shown(Side.ASK, price, size, moment)


def sold(price: int, size: int, moment: int = 0) -> Fact:
    """Return the print of a sale."""
    return ("trade", "M-1", Side.ASK, cents(price), contracts(size), at(moment), None)


def a_whole_book(bids: Levels, asks: Levels, moment: int = 0) -> Fact:
    """Return all that is displayed."""
    sides = ({cents(p): contracts(s) for p, s in side.items()} for side in (bids, asks))
    return ("book", "M-1", *sides, at(moment), None)


class Desk:
    """A desk over a market in which 0.60 is asked and nobody bids; ``ends`` why orders ended."""

    def __init__(
        self,
        model: FillModel = FillModel.PESSIMISTIC,
        claims: frozenset[Capability] = FULL,
    ) -> None:
        self.world, self.ends = World(), list[str]()
        self.desk = PaperExecution(self.world, claims, terms=FillTerms(model=model))
        tell([announced(a_market()), a_whole_book({}, {60: 9})], self.world)

    def wait(self, name: str, price: int, size: int, moment: int = 0, **of: Any) -> object:
        """Send an order that waits, of YES to buy if nothing else is said."""
        signal = a_signal(**({"style": Style.MAKER, "price": cents(price)} | of))
        return self.desk.submit(an_intent(name, a_draft(signal, size=contracts(size))), at(moment))

    def take(self, name: str, price: int, size: int) -> None:
        """Buy what is displayed up to a price."""
        self.wait(name, price, size, style=Style.TAKER)

    def hear(self, *facts: Fact) -> dict[str, list[tuple[int, int]]]:
        """Hear of facts; return what every order got of them, as (cents, contracts)."""
        tell(list(facts), self.world)
        got: dict[str, list[tuple[int, int]]] = {}
        for fact in self.desk.collect(Micros(self.world.now)):
            if isinstance(fact, Filled):
                part = (fact.price // 10_000, fact.size // 10**6)
                got.setdefault(fact.intent, []).append(part)
            elif isinstance(fact, Cancelled):
                self.ends.append(fact.reason)
        return got


@pytest.mark.parametrize("model", FillModel)
@pytest.mark.parametrize("price", [48, 47, 1])
def test_the_other_side_fills_at_our_price(model: FillModel, price: int) -> None:
    """Whoever asks our price or less sells to us at ours, whatever stood before us."""
    desk = Desk(model)
    desk.hear(shown(Side.BID, 48, 70))
    desk.wait("a", 48, 10)

    assert {"a": [(48, 4)]} == desk.hear(offered(price, 4))
    assert {} == desk.hear(offered(price, 4))
    assert {"a": [(48, 2)]} == desk.hear(offered(price, 6))
    assert {"a": [(48, 4)]} == desk.hear(offered(price, 99))


def test_who_asks_more_fills_nothing() -> None:
    """A price above ours is no price of ours, and bids are on our own side."""
    desk = Desk()
    desk.wait("a", 48, 10)

    assert {} == desk.hear(offered(49, 50), shown(Side.BID, 47, 9), shown(Side.BID, 48, 9))


@pytest.mark.parametrize(
    ("leg", "purpose", "side", "price"),
    [
        (Leg.YES, Purpose.EXIT, Side.BID, 72),
        (Leg.NO, Purpose.ENTRY, Side.BID, 72),
        (Leg.NO, Purpose.EXIT, Side.ASK, 20),
    ],
)
def test_both_legs_and_both_ways(leg: Leg, purpose: Purpose, side: Side, price: int) -> None:
    """An offer is met by bids, and NO is the other side of YES."""
    desk = Desk()
    own = 70 if leg is Leg.YES else 30 if purpose is Purpose.ENTRY else 75
    desk.wait("a", own, 5, leg=leg, purpose=purpose)
    between = shown(side, 69, 3) if side is Side.BID else offered(26, 3)

    assert {} == desk.hear(between)
    assert {"a": [(own, 4)]} == desk.hear(shown(side, price, 4))


def test_the_best_price_comes_first_then_who_came_first() -> None:
    """All own orders together get no more than is displayed."""
    desk = Desk()
    for name, price in (("low", 47), ("first", 48), ("second", 48), ("out", 45)):
        desk.wait(name, price, 5)

    assert {"first": [(48, 5)], "second": [(48, 3)]} == desk.hear(offered(46, 8))
    assert {"second": [(48, 2)], "low": [(47, 1)]} == desk.hear(offered(46, 11))


def test_a_whole_book_is_met_price_by_price() -> None:
    """The cheapest offer trades first; what fills is the order's price."""
    desk = Desk()
    desk.wait("dear", 50, 5)
    desk.wait("cheap", 48, 5)

    book = a_whole_book({}, {50: 4, 48: 7, 55: 9})
    assert {"dear": [(50, 5)], "cheap": [(48, 2)]} == desk.hear(book)
    assert {} == desk.hear(book)


def test_taking_and_waiting_share_what_is_displayed() -> None:
    """What a waiting order met is not there for one that takes, until the level shows less."""
    desk = Desk()
    desk.wait("a", 48, 5)
    desk.hear(offered(47, 8))

    desk.take("b", 47, 9)
    assert {"b": [(47, 3)]} == desk.hear()
    desk.wait("c", 46, 9)
    assert {"c": [(46, 2)]} == desk.hear(offered(46, 2), offered(46, 1))
    assert {"c": [(46, 1)]} == desk.hear(offered(46, 2))
    assert {"c": [(46, 2)]} == desk.hear(offered(46, 0), offered(46, 2))


def test_nothing_is_met_without_a_book() -> None:
    """Changes in a gap tell nothing; the whole book after it does."""
    desk = Desk()
    desk.wait("a", 48, 5)

    assert {} == desk.hear(("gap", "M-1", "lost", at(1)), offered(47, 3, 2))
    assert {"a": [(48, 2)]} == desk.hear(a_whole_book({}, {47: 2}, 3))


@pytest.mark.parametrize("market", ["M-1", ""])
def test_nothing_is_met_in_a_pause(market: str) -> None:
    """What came in a pause fills when it is told again."""
    desk = Desk()
    desk.wait("a", 48, 5)

    desk.hear(("status", market, MarketStatus.PAUSED, at(1)))
    assert {} == desk.hear(offered(47, 3, 2), a_whole_book({}, {47: 3, 46: 9}, 2))
    assert {} == desk.hear(("status", market, MarketStatus.OPEN, at(3)))
    assert {"a": [(48, 3)]} == desk.hear(offered(47, 3, 4))


@pytest.mark.parametrize("lacking", [Capability.PRINTS, Capability.L2_STREAM])
def test_nothing_is_met_that_cannot_be_told(lacking: Capability) -> None:
    """A waiting order needs a continuous book and prints, for these fills as for the others."""
    desk = Desk(claims=FULL - {lacking} | {Capability.L2_POLLED})
    desk.wait("a", 48, 5)

    assert {} == desk.hear(offered(47, 3), a_whole_book({}, {46: 9}))


def test_an_order_that_would_take_is_refused_all_the_same() -> None:
    """Only what comes after the order meets it, also where own orders had all that is displayed."""
    desk = Desk()
    desk.wait("a", 48, 5)
    desk.hear(offered(47, 5))

    assert isinstance(desk.wait("b", 48, 5), Rejected)


@pytest.mark.parametrize("model", FillModel)
@pytest.mark.parametrize(
    ("price", "later", "got"),
    [
        (48, 0, [(48, 1)]),
        (47, ECHO, [(48, 1)]),
        (46, 0, [(48, 7)]),
        (48, ECHO + 1, [(48, 7)]),
    ],
)
def test_a_print_may_tell_what_was_displayed(
    model: FillModel, price: int, later: int, got: list[tuple[int, int]]
) -> None:
    """Soon after it and at no worse a price for its seller, it fills with what is more alone."""
    desk = Desk(model)
    desk.wait("a", 48, 20)
    desk.hear(offered(47, 6))

    assert {"a": got} == desk.hear(sold(price, 7, later))


def test_a_display_is_told_by_one_print() -> None:
    """What a print told is not told again by the next one."""
    desk = Desk()
    desk.wait("a", 48, 20)
    desk.hear(offered(48, 6))

    assert {} == desk.hear(sold(48, 4))
    assert {"a": [(48, 2)]} == desk.hear(sold(48, 4))
    assert {"a": [(48, 4)]} == desk.hear(sold(48, 4))


def test_what_a_print_gives_the_queue_tells_nothing() -> None:
    """Of a print only what goes past the queue may be what we had."""
    desk = Desk()
    desk.hear(shown(Side.BID, 48, 5))
    desk.wait("a", 48, 20)
    desk.hear(offered(48, 6))

    assert {} == desk.hear(sold(48, 8))
    assert {"a": [(48, 1)]} == desk.hear(sold(48, 4))


def test_a_purchase_tells_nothing_of_an_offer_that_met_us() -> None:
    """Prints of buyers fill offers; they say nothing of who sold to us."""
    desk = Desk()
    desk.wait("a", 48, 20)
    desk.hear(offered(48, 6))
    bought = ("trade", "M-1", Side.BID, cents(48), contracts(6), at(0), None)

    assert {} == desk.hear(bought)
    assert {"a": [(48, 1)]} == desk.hear(sold(48, 7))


def test_an_order_trades_until_its_cancel_arrives() -> None:
    """A cancel under way does not keep the other side from coming."""
    desk = Desk()
    desk.desk.terms = attrs.evolve(
        desk.desk.terms, latency=attrs.evolve(desk.desk.terms.latency, cancel=Duration(10))
    )
    desk.wait("a", 48, 20)
    desk.desk.cancel("a", at(1))

    assert {"a": [(48, 3)]} == desk.hear(offered(48, 3, 11))
    assert {} == desk.hear(offered(48, 9, 12))
    assert ["cancelled"] == desk.ends


def test_a_waiting_order_minds_who_may_meet_it() -> None:
    """The prices of the other side up to the best own one, and no others."""
    desk = Desk()
    desk.wait("a", 48, 5)
    desk.wait("b", 45, 5)
    (watcher,) = desk.world.seen["M-1"].watchers
    minded = watcher.minded()

    assert minded is not None
    assert [True, True, False] == [cents(p) in minded[Side.ASK] for p in (1, 48, 49)]
    assert [True, True, False] == [cents(p) in minded[Side.BID] for p in (45, 48, 47)]


def test_what_is_remembered_of_displays_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than is kept is added up, and none is lost."""
    monkeypatch.setattr(queue, "_KEPT", 2)
    struck = Struck(Side.BID)
    for moment in range(4):
        struck.add(Price(500_000), Size(3), Micros(moment))

    assert 2 == len(struck._had)
    assert 12 == struck.told(Price(500_000), Micros(4))
    assert 0 == struck.told(Price(500_001), Micros(4))
    assert 9 == struck.told(Price(400_000), Micros(ECHO + 1))
