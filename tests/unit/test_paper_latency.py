"""Paper orders that take time to arrive, and cancels that take time to work."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.core.domain.book import Side
from market_bot.core.domain.fills.terms import FillModel, FillTerms, Latency
from market_bot.core.domain.market import Leg, MarketStatus
from market_bot.core.domain.numbers import Duration, Micros, price
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Intent
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Accepted, Cancelled, Filled, Rejected
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

MS = 1_000
# Arrives after 200 ms as we see it; a cancel after 250 ms.
LATENCY = Latency(send=Duration(150 * MS), cancel=Duration(200 * MS), data=Duration(50 * MS))
OTHER = announced(a_market("M-2", event="E-2"))


def ms(count: int) -> Micros:
    """Return the moment so many milliseconds after noon."""
    return Micros(NOON + count * MS)


def a_desk(
    *facts: Fact, model: FillModel = FillModel.PESSIMISTIC, **latency: int
) -> PaperExecution:
    """Return a desk over one market: a hundred bid at 0.48 and asked at 0.52."""
    world = World()
    delays = {name: Duration(count * MS) for name, count in latency.items()}
    terms = FillTerms(model=model, latency=attrs.evolve(LATENCY, **delays))
    desk = PaperExecution(world, FULL, terms=terms)
    tell([announced(a_market()), OTHER, a_book(), *facts], world)
    return desk


def maker(name: str = "i-1", **changes: Any) -> Intent:
    """Return an intent that offers to buy ten at 0.49, where nobody is."""
    return an_intent(
        name, a_draft(a_signal(**({"price": cents(49)} | changes)), size=contracts(10))
    )


def taker(name: str = "i-1", quantity: int = 10, **changes: Any) -> Intent:
    """Return an intent that buys at up to 0.53."""
    signal = a_signal(**({"style": Style.TAKER, "price": cents(53)} | changes))
    return an_intent(name, a_draft(signal, size=contracts(quantity)))


def sold(at: int, quantity: int, moment: Micros) -> Fact:
    """Return the print of a sale of YES."""
    return ("trade", "M-1", Side.ASK, cents(at), contracts(quantity), moment, None)


def level(side: Side, at: int, quantity: int, moment: Micros) -> Fact:
    """Return the new size of a level."""
    return ("delta", "M-1", side, cents(at), contracts(quantity), moment, None)


def told(desk: PaperExecution, at: Micros) -> list[tuple[Any, ...]]:
    """Return fills as (price, size, time since noon in ms), ends as their reasons."""
    return [
        (fact.price // 10_000, fact.size // 10**6, (fact.at - NOON) // MS)
        if isinstance(fact, Filled)
        else (fact.reason,)
        for fact in desk.collect(at)
        if isinstance(fact, Filled | Cancelled)
    ]


@pytest.mark.parametrize(
    ("moment", "fills"), [(199, []), (200, []), (201, [(49, 10, 201)])], ids=str
)
def test_a_maker_is_there_once_it_arrived(moment: int, fills: list[Any]) -> None:
    """A print up to the moment of arrival comes too early."""
    desk = a_desk()

    assert Accepted("paper-i-1") == desk.submit(maker(), NOON)
    tell([sold(49, 10, ms(moment))], desk.world)
    assert fills == told(desk, ms(999))


def test_the_queue_is_that_of_the_arrival() -> None:
    """What joined while the order was under way stands before it."""
    desk = a_desk()
    desk.submit(maker(), NOON)
    tell([level(Side.BID, 49, 7, ms(200)), level(Side.BID, 49, 30, ms(201))], desk.world)
    tell([sold(49, 9, ms(300))], desk.world)

    assert [(49, 2, 300)] == told(desk, ms(999))


def test_an_order_arrives_in_a_silent_market() -> None:
    """It needs no fact to arrive, only time; the moment of arrival itself may bring more facts."""
    desk = a_desk()
    desk.submit(taker(), NOON)

    assert [] == told(desk, ms(200))
    assert [(52, 10, 200)] == told(desk, Micros(ms(200) + 1))


def test_one_order_brings_no_other_forward() -> None:
    """What ends at the moment at which another order arrives leaves that one its facts."""
    desk = a_desk()
    desk.submit(attrs.evolve(maker(), expires_at=ms(350)), NOON)
    desk.submit(taker("i-2"), ms(200))
    assert [("expired",)] == told(desk, ms(400))
    tell([level(Side.ASK, 52, 3, ms(400))], desk.world)

    assert [(52, 3, 400), ("nothing_more_displayed",)] == told(desk, ms(999))


def test_a_taker_meets_what_is_there_then() -> None:
    """The better price is gone, and what came meanwhile is not for the pessimist."""
    changes = [
        level(Side.ASK, 52, 3, ms(100)),
        level(Side.ASK, 53, 50, ms(200)),
        level(Side.ASK, 52, 99, ms(201)),
    ]
    hopes = {}
    for model in FillModel:
        desk = a_desk(model=model)
        desk.submit(taker(), NOON)
        tell(changes, desk.world)
        hopes[model.value] = told(desk, ms(999))

    believed = [(52, 3, 200), (53, 7, 200)]
    assert [(52, 3, 200), ("nothing_more_displayed",)] == hopes.pop("pessimistic")
    assert {"realistic": believed, "optimistic": believed} == hopes


def test_selling_remembers_demand() -> None:
    """What is sold was bid for when the order was sent and when it arrived."""
    desk = a_desk()
    desk.submit(taker(quantity=150, purpose=Purpose.EXIT, price=cents(40)), NOON)
    tell([level(Side.BID, 48, 120, ms(100)), level(Side.BID, 47, 50, ms(100))], desk.world)

    assert [(48, 100, 200), ("nothing_more_displayed",)] == told(desk, ms(999))


@pytest.mark.parametrize(
    ("fact", "intent", "reason"),
    [
        (level(Side.ASK, 49, 1, ms(200)), maker(), "post_only_cross"),
        (level(Side.BID, 48, 0, ms(200)), maker(leg=Leg.NO, price=cents(51)), None),
        (level(Side.BID, 49, 1, ms(200)), maker(leg=Leg.NO, price=cents(51)), "post_only_cross"),
        (("status", "M-1", MarketStatus.PAUSED, ms(200)), taker(), "market_closed"),
        (("status", "", MarketStatus.CLOSED, ms(200)), maker(), "market_closed"),
        (("resolution", "M-1", price("1"), ms(200)), maker(), "market_closed"),
        (("gap", "M-1", "lost", ms(200)), taker(), "book_unsound"),
        (("gap", "", "lost", ms(200)), maker(), "book_unsound"),
        (level(Side.BID, 55, 1, ms(200)), taker(), "book_unsound"),
    ],
)
def test_what_is_refused_on_arrival(fact: Fact, intent: Intent, reason: str | None) -> None:
    """An order that the venue does not want when it arrives is cancelled, with a reason."""
    desk = a_desk()

    assert isinstance(desk.submit(intent, NOON), Accepted)
    tell([fact], desk.world)
    assert [(reason,)] * bool(reason) == told(desk, ms(201))


@pytest.mark.parametrize(
    "fact", [level(Side.ASK, 49, 1, ms(201)), a_book(asks={"0.49": "1"}, at=ms(201))]
)
def test_what_comes_after_the_arrival_meets_the_order(fact: Fact) -> None:
    """An order rests before the book comes to it, and trades with what comes."""
    desk = a_desk()
    desk.submit(maker(), NOON)
    tell([fact], desk.world)

    assert [(49, 1, 201)] == told(desk, ms(999))


@pytest.mark.parametrize(
    ("moment", "ends"), [(449, [(49, 10, 449)]), (450, [(49, 10, 450)]), (451, [("cancelled",)])]
)
def test_a_cancel_takes_time(moment: int, ends: list[Any]) -> None:
    """Until a cancel has arrived the order trades."""
    desk = a_desk()
    desk.submit(maker(), NOON)
    tell([("meta", a_market(), ms(200))], desk.world)
    desk.cancel("i-1", ms(200))
    desk.cancel("i-1", ms(300))
    tell([sold(49, 10, ms(moment))], desk.world)

    assert ends == told(desk, ms(999))
    assert [] == told(desk, after(99))


def test_a_cancel_never_overtakes_its_order() -> None:
    """Sent right after its order, a faster cancel arrives right after it."""
    desk = a_desk(cancel=0)
    desk.submit(maker(), NOON)
    desk.cancel("i-1", NOON)

    assert [] == told(desk, ms(200))
    assert [("cancelled",)] == told(desk, ms(201))


def test_a_taker_cannot_be_called_back() -> None:
    """A cancel of an order that traded says nothing."""
    desk = a_desk()
    desk.submit(taker(), NOON)
    desk.cancel("i-1", NOON)

    assert [(52, 10, 200)] == told(desk, ms(999))


@pytest.mark.parametrize(("moment", "ends"), [(49, [(49, 10, 60_049)]), (50, [("expired",)])])
def test_an_order_ends_by_the_clock_of_the_venue(moment: int, ends: list[Any]) -> None:
    """We see what happens before its end a little after it."""
    desk = a_desk()
    desk.submit(maker(), NOON)
    assert [] == told(desk, Micros(after(60) + 50 * MS - 1))
    tell([sold(49, 10, Micros(after(60) + moment * MS))], desk.world)

    assert ends == told(desk, Micros(after(60) + 50 * MS))


@pytest.mark.parametrize(("life", "ends"), [(150, [("expired",)]), (151, [(52, 10, 200)])])
def test_an_order_may_end_before_it_arrives(life: int, ends: list[Any]) -> None:
    """What has no life left when the venue has it trades nothing."""
    desk = a_desk()
    desk.submit(attrs.evolve(taker(), expires_at=ms(life)), NOON)

    assert ends == told(desk, ms(999))


def test_facts_of_other_markets_bring_nothing_forward() -> None:
    """An order meets its own market as it is when it arrives, whatever is told of others before."""
    desk = a_desk()
    desk.submit(taker(), NOON)
    tell([("status", "M-2", MarketStatus.PAUSED, ms(300))], desk.world)
    # Told late, so it happened when it was told.
    tell([level(Side.ASK, 52, 0, ms(100))], desk.world)

    assert [(52, 10, 200)] == told(desk, ms(999))


def test_the_end_of_all_data_answers_everything() -> None:
    """What rests is cancelled; what is under way trades with no book that may be gone by then."""
    desk = a_desk()
    desk.submit(maker("i-0"), NOON)
    for name in ("i-1", "i-2", "i-3"):
        desk.submit(taker(name), ms(100 * int(name[2:])))
    for name in ("i-0", "i-2"):
        desk.cancel(name, ms(300))

    *fills, second, third, first = desk.conclude(ms(300))
    assert [("i-1", ms(300))] == [(f.intent, f.at) for f in fills if isinstance(f, Filled)]
    assert [Cancelled("i-2", "never_arrived"), Cancelled("i-3", "never_arrived")] == [second, third]
    assert Cancelled("i-0", "cancelled") == first


def test_a_name_is_used_once_at_a_time() -> None:
    """An order that is alive cannot be sent again."""
    desk = a_desk()
    desk.submit(maker(), NOON)

    again = desk.submit(maker(), NOON)
    assert isinstance(again, Rejected)
    assert "order_already_exists" == again.code


def test_a_market_that_nobody_needs_is_not_watched() -> None:
    """Once no order lives and no level remembers us, facts pass by."""
    desk = a_desk(send=0, data=0)
    seen = desk.world.seen["M-1"]
    desk.submit(taker(), NOON)
    desk.submit(maker("i-2"), NOON)
    assert 1 == len(seen.watchers)
    desk.cancel("i-2", NOON)
    desk.collect(after(1))
    assert 1 == len(seen.watchers)
    tell([level(Side.ASK, 52, 0, after(2))], desk.world)

    assert 0 == len(seen.watchers)


def test_what_a_level_lost_is_not_ours_any_more() -> None:
    """Of a level that shrank below what we took, only what comes back is new."""
    desk = a_desk(send=0, data=0)
    desk.submit(taker(quantity=70), NOON)
    tell([level(Side.ASK, 52, 50, NOON), level(Side.ASK, 52, 90, NOON)], desk.world)
    desk.submit(taker("i-2", 70), NOON)

    assert [(52, 70, 0), (52, 40, 0), ("nothing_more_displayed",)] == told(desk, NOON)


def test_a_worse_order_of_ours_waits_for_the_better_one() -> None:
    """While the first of our orders is not filled, a print gives the next one nothing."""
    desk = a_desk(level(Side.BID, 50, 20, NOON), send=0, data=0)
    desk.submit(maker("i-1", price=cents(50)), NOON)
    desk.submit(maker("i-2", price=cents(49)), NOON)
    tell([sold(49, 15, ms(1))], desk.world)
    assert [] == told(desk, ms(1))
    tell([sold(49, 18, ms(2))], desk.world)

    assert [(50, 10, 2), (49, 8, 2)] == told(desk, ms(2))
    assert desk._alive.keys() == {"i-2"}


def test_a_forgotten_market_ends_its_orders() -> None:
    """No order is left without an end."""
    desk = a_desk()
    desk.submit(maker(), NOON)
    desk.world.forget("E-1")

    assert [("market_closed",)] == told(desk, NOON)
    assert ({}, {}, {}) == (desk._matchers, desk._alive, desk._facts.intents)
