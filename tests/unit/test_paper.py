"""The order desk that exists on paper only."""

from typing import Any

import pytest

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg, MarketStatus
from market_bot.core.domain.numbers import SECOND, Micros, Size, money, price, size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Intent
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Accepted, Cancelled, Filled, Rejected
from market_bot.core.ports.market_data import Capability
from tests.fakes.builders import (
    a_book,
    a_draft,
    a_market,
    a_signal,
    an_intent,
    announced,
    cents,
    contracts,
)
from tests.fakes.clock import NOON, after
from tests.fakes.market_data import FULL
from tests.fakes.recording_sink import Fact, tell

FEES = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=0)
SOON = after(1)


def a_desk(
    *facts: Fact, capabilities: frozenset[Capability] = FULL, **terms: Any
) -> PaperExecution:
    """Return a desk over one market: a hundred bid at 0.48 and asked at 0.52."""
    world = World()
    desk = PaperExecution(world, capabilities)
    tell([announced(a_market(**terms)), a_book(), *facts], world)
    return desk


def order(name: str = "i-1", quantity: int = 10, **changes: Any) -> Intent:
    """Return an intent for whole contracts."""
    return an_intent(name, a_draft(a_signal(**changes), size=contracts(quantity)))


def taking(name: str = "i-1", quantity: int = 10, **changes: Any) -> Intent:
    """Return an intent that takes YES at 0.52."""
    return order(name, quantity, **({"style": Style.TAKER, "price": cents(52)} | changes))


def printed(at: int, quantity: int, moment: Micros = SOON, taker: Side = Side.ASK) -> Fact:
    """Return a print; by default somebody sold YES."""
    return ("trade", "M-1", taker, cents(at), contracts(quantity), moment, None)


def sizes(desk: PaperExecution) -> list[Size]:
    """Return the sizes of what was filled."""
    return [fact.size for fact in desk.collect(SOON) if isinstance(fact, Filled)]


def test_a_taker_gets_what_is_displayed() -> None:
    """It pays the displayed price and the taker's fee."""
    desk = a_desk(fees=FEES)

    assert Accepted("paper-i-1") == desk.submit(taking(quantity=100), NOON)
    (fill,) = desk.collect(NOON)
    assert isinstance(fill, Filled)
    assert (cents(52), contracts(100), money("52"), money("1.7472")) == (
        fill.price,
        fill.size,
        fill.cost,
        fill.fee,
    )
    assert fill.liquidity is Style.TAKER
    assert not fill.provisional


def test_what_is_not_displayed_is_cancelled() -> None:
    """The rest of a taking order ends at once."""
    desk = a_desk()
    desk.submit(taking(quantity=130), NOON)
    fill, end = desk.collect(NOON)

    assert isinstance(fill, Filled)
    assert contracts(100) == fill.size
    assert Cancelled("i-1", "nothing_more_displayed") == end


def test_nothing_is_sold_twice() -> None:
    """What one order took the next does not find, until the level was gone."""
    desk = a_desk()
    desk.submit(taking("i-1", 70), NOON)
    desk.submit(taking("i-2", 70), NOON)
    desk.submit(taking("i-3", 70), NOON)

    assert [contracts(70), contracts(30)] == sizes(desk)
    tell([a_book(asks={})], desk.world)
    desk.submit(taking("i-4", 70), NOON)
    tell([a_book()], desk.world)
    desk.submit(taking("i-5", 70), NOON)
    assert [contracts(70)] == sizes(desk)


def test_both_legs_take_from_the_same_offers() -> None:
    """Selling NO meets the same contracts as buying YES."""
    desk = a_desk()
    desk.submit(taking("i-1", 70), NOON)
    desk.submit(taking("i-2", 70, leg=Leg.NO, purpose=Purpose.EXIT, price=cents(48)), NOON)

    assert [contracts(70), contracts(30)] == sizes(desk)


def test_selling_no_takes_the_asks() -> None:
    """The proceeds are in the NO leg's own price."""
    desk = a_desk()
    desk.submit(taking(leg=Leg.NO, purpose=Purpose.EXIT, price=cents(40)), NOON)
    (fill,) = desk.collect(NOON)

    assert isinstance(fill, Filled)
    assert (cents(48), money("4.8")) == (fill.price, fill.cost)


def test_a_maker_waits_for_the_queue() -> None:
    """The displayed hundred go first; it is filled at its own price, as a maker."""
    desk = a_desk(fees=FEES)
    accepted = desk.submit(order(), NOON)
    assert Accepted("paper-i-1", contracts(100)) == accepted
    tell([printed(48, 60), printed(47, 43)], desk.world)
    (fill,) = desk.collect(SOON)

    assert isinstance(fill, Filled)
    assert (contracts(3), cents(48), money("0"), Style.MAKER) == (
        fill.size,
        fill.price,
        fill.fee,
        fill.liquidity,
    )


def test_a_maker_sells_no_by_bidding_yes() -> None:
    """Leaving NO at 0.55 is bidding YES at 0.45."""
    desk = a_desk()
    desk.submit(order(leg=Leg.NO, purpose=Purpose.EXIT, price=cents(55)), NOON)
    tell([printed(45, 4)], desk.world)
    (fill,) = desk.collect(SOON)

    assert isinstance(fill, Filled)
    assert (cents(55), contracts(4)) == (fill.price, fill.size)


def test_a_print_is_shared() -> None:
    """Two of our own orders never get more than was printed."""
    desk = a_desk()
    for name in ("i-1", "i-2"):
        desk.submit(order(name, price=cents(49)), NOON)
    tell([printed(49, 15)], desk.world)

    assert [contracts(10), contracts(5)] == sizes(desk)


def test_fills_are_numbered() -> None:
    """Each fill has its own name."""
    desk = a_desk()
    desk.submit(order(price=cents(49)), NOON)
    tell([printed(49, 2), printed(49, 2), printed(49, 90), printed(49, 9)], desk.world)

    assert ["i-1-1", "i-1-2", "i-1-3"] == [
        fact.fill for fact in desk.collect(SOON) if isinstance(fact, Filled)
    ]


@pytest.mark.parametrize(
    "capabilities",
    [frozenset({Capability.L2_STREAM}), frozenset({Capability.TOP_OF_BOOK})],
    ids=str,
)
def test_without_prints_nothing_resting_fills(capabilities: frozenset[Capability]) -> None:
    """A source that does not claim prints cannot fill a maker, whatever it pushes."""
    desk = a_desk(capabilities=capabilities)
    desk.submit(order(price=cents(49)), NOON)
    tell([printed(49, 500)], desk.world)

    assert [] == sizes(desk)


@pytest.mark.parametrize(
    "capabilities", [{Capability.QUOTES, Capability.PRINTS}, set()], ids=["quotes", "nothing"]
)
@pytest.mark.parametrize("intent", [order(price=cents(49)), taking()], ids=["maker", "taker"])
def test_without_sizes_nothing_fills(intent: Intent, capabilities: set[Capability]) -> None:
    """Quotes allow signals, never fills."""
    desk = a_desk(capabilities=frozenset(capabilities))
    outcome = desk.submit(intent, NOON)
    tell([printed(49, 500)], desk.world)

    assert isinstance(outcome, Rejected)
    assert "no_depth" == outcome.code
    assert [] == desk.collect(NOON)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": cents(52)}, "post_only_cross"),
        ({"price": cents(53)}, "post_only_cross"),
        ({"leg": Leg.NO, "price": cents(52)}, "post_only_cross"),
        ({"purpose": Purpose.EXIT, "price": cents(48)}, "post_only_cross"),
        ({"leg": Leg.NO, "purpose": Purpose.EXIT, "price": cents(48)}, "post_only_cross"),
        ({"market": "?"}, "market_closed"),
    ],
)
def test_refusals(changes: dict[str, Any], code: str) -> None:
    """An order that would take instead of rest, or has no market, is refused."""
    outcome = a_desk().submit(order(**changes), NOON)

    assert isinstance(outcome, Rejected)
    assert code == outcome.code


def test_a_paused_market_refuses() -> None:
    """Nothing is sent where nothing trades."""
    desk = a_desk(("status", "M-1", MarketStatus.PAUSED, NOON))

    assert isinstance(desk.submit(taking(), NOON), Rejected)


@pytest.mark.parametrize(("moment", "quantity"), [(59, [contracts(10)]), (60, [])])
def test_nothing_fills_after_expiry(moment: int, quantity: list[Size]) -> None:
    """A print at the order's end or later fills nothing, also if the desk was not asked before."""
    desk = a_desk()
    desk.submit(order(price=cents(49)), NOON)
    tell([printed(49, 50, after(moment))], desk.world)

    assert quantity == sizes(desk)


@pytest.mark.parametrize(
    "fact",
    [
        ("status", "M-1", MarketStatus.CLOSED, NOON),
        ("status", "M-1", MarketStatus.PAUSED, NOON),
        ("resolution", "M-1", price("1"), NOON),
    ],
)
def test_nothing_fills_after_the_close(fact: Fact) -> None:
    """A print that comes when nothing trades fills nobody."""
    desk = a_desk()
    desk.submit(order(price=cents(49)), NOON)
    tell([fact, printed(49, 50)], desk.world)

    assert [] == sizes(desk)


def test_orders_end() -> None:
    """They end when they expire, when asked, and when their market closes, each once."""
    desk = a_desk()
    desk.submit(order("i-1"), NOON)
    desk.submit(an_intent("i-2", expires_at=Micros(NOON + 5 * SECOND)), NOON)
    desk.submit(order("i-3"), NOON)

    assert [Cancelled("i-2", "expired")] == desk.collect(after(5))
    desk.cancel("i-1", NOON)
    desk.cancel("i-1", NOON)
    assert [Cancelled("i-1", "cancelled")] == desk.collect(after(6))
    tell([("status", "M-1", MarketStatus.CLOSED, NOON)], desk.world)
    assert [Cancelled("i-3", "market_closed")] == desk.collect(after(7))
    assert [] == desk.collect(after(99))


def test_a_filled_order_cannot_be_cancelled() -> None:
    """What is done is done."""
    desk = a_desk()
    desk.submit(order(price=cents(49)), NOON)
    tell([printed(49, 50)], desk.world)
    desk.cancel("i-1", NOON)

    assert [contracts(10)] == sizes(desk)
    assert size("0.01") > Size(0)
