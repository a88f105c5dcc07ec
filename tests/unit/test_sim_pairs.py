"""What the simulated venue does with pairs of YES and NO, and with the money of waiting entries."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from market_bot.adapters.simulated.sim_settings import Rules, SimSettings
from market_bot.core.domain.book import Side
from market_bot.core.domain.fees import Traded, fee, fee_bound, fees_of_order
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    NO_MONEY,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Money,
    Price,
    Size,
    cost,
    money,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.portfolio import NO_CAPABILITIES, capabilities_of
from market_bot.core.domain.world import Seen
from market_bot.core.ports.execution import Accepted, Cancelled, Fact, Filled, Merged, Rejected
from tests.fakes.sim_floor import STILL, TEN, Floor, a_floor, fills

POLYMARKET = attrs.evolve(STILL, rules=Rules.POLYMARKET)
PLAIN = attrs.evolve(STILL, rules=Rules.PLAIN)
TWENTY, FIVE = Size(2 * TEN), Size(TEN // 2)


def merges(facts: list[Fact]) -> list[Merged]:
    """Return the merges among facts."""
    return [fact for fact in facts if isinstance(fact, Merged)]


def buy(floor: Floor, seen: Seen, leg: Leg, size: int = TEN) -> str:
    """Take so many contracts of a leg at any price."""
    return floor.send(seen, 990_000, leg=leg, size=size)[0]


def a_pair(settings: SimSettings, yes: int = TEN, no: int = TEN, **faults: Any) -> Floor:
    """Return a floor that has bought both legs of its first market, and given them time."""
    floor = a_floor(settings, **faults)
    seen = floor.market()
    buy(floor, seen, Leg.YES, yes)
    buy(floor, seen, Leg.NO, no)
    floor.go(10)
    return floor


def spent(floor: Floor) -> int:
    """Return what all purchases as told came to."""
    return sum(fill.cost + fill.fee for fill in fills(floor.facts))


@pytest.mark.parametrize(
    ("rules", "abilities"),
    [
        (Rules.KALSHI, capabilities_of("kalshi")),
        (Rules.POLYMARKET, capabilities_of("polymarket")),
        (Rules.PLAIN, NO_CAPABILITIES),
    ],
)
def test_a_rule_set_can_what_its_venue_can(rules: Rules, abilities: object) -> None:
    """The venue says of itself what the core knows of the venue whose rules it has."""
    assert abilities == a_floor(attrs.evolve(STILL, rules=rules)).venue.abilities


def test_kalshi_nets_at_once() -> None:
    """Whoever buys the other leg is paid a dollar a pair at that moment, without being asked."""
    floor = a_floor()
    seen = floor.market()
    buy(floor, seen, Leg.YES, TWENTY)
    buy(floor, seen, Leg.NO, TEN)
    told = list(floor.venue.collect(floor.now))
    ledger = floor.venue.ledger()

    assert [f"net-{seen.market.id}-1"] == [fact.intent for fact in merges(told)]
    assert Merged(f"net-{seen.market.id}-1", seen.market.id, TEN, money("10")) == told[-1]
    assert {(seen.market.id, Leg.YES): TEN} == ledger.positions
    assert money("10") == ledger.merged
    floor.facts += told
    assert money("10") - spent(floor) == ledger.cash
    assert [] == merges(floor.go(60))


def test_every_netting_has_a_name_of_its_own() -> None:
    """Pairs that are netted later are another merge."""
    floor = a_pair(STILL, yes=TWENTY, no=FIVE)
    buy(floor, floor.market(), Leg.NO, TEN)
    floor.go(1)

    assert [FIVE, TEN] == [fact.size for fact in merges(floor.facts)]
    assert 2 == len({fact.intent for fact in merges(floor.facts)})
    assert floor.venue.ledger().merges.keys() == {fact.intent for fact in merges(floor.facts)}


def test_a_sale_of_what_was_netted_is_off() -> None:
    """A waiting sale of contracts that are gone is cancelled, the newest first; others wait on."""
    floor = a_floor()
    seen = floor.market()
    buy(floor, seen, Leg.YES, TWENTY)
    floor.go(1)
    price = Price(max(seen.book.asks) + 10_000)
    names = [
        floor.send(seen, price, purpose=Purpose.EXIT, style=Style.MAKER, size=TEN)[0]
        for _ in range(2)
    ]
    buy(floor, seen, Leg.NO, FIVE)
    told = floor.go(1)

    assert [Cancelled(names[1], "position_netted")] == [f for f in told if isinstance(f, Cancelled)]
    assert 1 == floor.venue._desk.resting()
    left = Size(TWENTY - FIVE)
    assert {(seen.market.id, Leg.YES): left} == floor.venue.ledger().positions
    assert isinstance(floor.send(seen, price, purpose=Purpose.EXIT, size=FIVE)[1], Accepted)


def test_orders_that_trade_together_are_netted_afterwards() -> None:
    """A purchase of NO and a sale of YES at one price may both trade before anything is netted."""
    floor = a_floor()
    seen = floor.market()
    buy(floor, seen, Leg.YES)
    floor.go(1)
    price = Price(max(seen.book.asks) + 10_000)
    floor.send(seen, ONE_DOLLAR - price, leg=Leg.NO, style=Style.MAKER)
    floor.send(seen, price, purpose=Purpose.EXIT, style=Style.MAKER)
    book = floor.venue._listed[seen.market.id].book
    book.take(Side.BID, price, Size(10**12), floor.now)
    told = floor.go(1)

    assert [TEN, TEN] == [fill.size for fill in fills(told)]
    assert [] == merges(told)
    assert {(seen.market.id, Leg.NO): TEN} == floor.venue.ledger().positions


def test_a_ghost_is_no_half_of_a_pair() -> None:
    """What may still be undone is not netted."""
    floor = a_pair(STILL, ghost_fill=1.0)

    assert [] == merges(floor.facts)
    assert (0, {}) == (floor.venue.ledger().cash, floor.venue.ledger().positions)


def test_what_comes_back_is_netted() -> None:
    """A sale that is undone leaves a pair where the other leg was bought meanwhile."""
    floor = a_floor()
    seen = floor.market()
    buy(floor, seen, Leg.YES)
    floor.go(1)
    fair = floor.venue.settings.faults
    floor.strike(ghost_fill=1.0)
    floor.send(seen, 10_000, purpose=Purpose.EXIT)
    floor.strike(**attrs.asdict(fair))
    buy(floor, seen, Leg.NO)
    told = floor.go(10)

    assert 2 == len(fills(told))
    assert isinstance(told[-1], Merged)
    assert TEN == told[-1].size
    assert {} == floor.venue.ledger().positions


def test_polymarket_merges_when_asked() -> None:
    """Pairs wait until somebody asks, and are then paid once, at a dollar each."""
    floor = a_pair(POLYMARKET, yes=TWENTY)
    seen = floor.market()
    assert [] == merges(floor.facts)
    for _ in range(2):
        floor.venue.merge("m-1", seen.market.id, FIVE, floor.now)
    told = floor.go(5)
    ledger = floor.venue.ledger()

    assert [Merged("m-1", seen.market.id, FIVE, money("5"))] == told
    assert {(seen.market.id, Leg.YES): TWENTY - FIVE, (seen.market.id, Leg.NO): FIVE} == (
        ledger.positions
    )
    assert money("5") - spent(floor) == ledger.cash
    assert money("5") == ledger.merged == ledger.merges["m-1"].payout


def test_what_is_not_held_is_not_merged() -> None:
    """More pairs than there are, none at all, or those of a market that is not there: nothing."""
    floor = a_pair(POLYMARKET)
    seen, before = floor.market(), floor.venue.ledger()
    for number, (market, size) in enumerate(
        ((seen.market.id, TWENTY), (seen.market.id, Size(0)), ("nowhere", TEN))
    ):
        floor.venue.merge(f"m-{number}", market, size, floor.now)

    assert [] == floor.go(10)
    assert before == floor.venue.ledger()


def test_what_is_on_sale_or_in_doubt_is_not_merged() -> None:
    """Neither contracts that wait to be sold nor provisional ones are half of a pair."""
    floor = a_floor(POLYMARKET)
    seen = floor.market()
    buy(floor, seen, Leg.YES)
    buy(floor, seen, Leg.NO)
    floor.venue.merge("early", seen.market.id, TEN, floor.now)
    assert [] == merges(floor.go(10))
    price = Price(max(seen.book.asks) + 10_000)
    floor.send(seen, price, purpose=Purpose.EXIT, style=Style.MAKER, size=FIVE)
    floor.venue.merge("all", seen.market.id, TEN, floor.now)
    floor.venue.merge("free", seen.market.id, FIVE, floor.now)

    assert ["free"] == [fact.intent for fact in merges(floor.go(1))]


def test_a_merge_is_under_way() -> None:
    """A merge takes the time of an order; two at once do not pay the same pair twice."""
    floor = a_pair(POLYMARKET, latency=Duration(3 * SECOND))
    floor.go(10)
    seen = floor.market()
    for name in ("m-1", "m-2"):
        floor.venue.merge(name, seen.market.id, TEN, floor.now)

    assert [] == floor.go(2)
    assert ["m-1"] == [fact.intent for fact in merges(floor.go(2))]
    assert [] == floor.go(60)
    assert {} == floor.venue.ledger().positions


def test_what_ended_is_not_merged() -> None:
    """Once a market has paid, a merge that is under way finds nothing."""
    floor = a_pair(POLYMARKET, latency=Duration(3 * SECOND))
    seen = floor.market()
    listed = floor.venue._listed[seen.market.id]
    floor.go((listed.settles - floor.now) / SECOND - 1)
    floor.venue.merge("m-1", seen.market.id, TEN, floor.now)
    told = floor.go(60)
    ledger = floor.venue.ledger()

    assert [] == merges(told)
    assert money("10") == ledger.payouts
    assert NO_MONEY == ledger.merged


def test_a_plain_venue_does_neither() -> None:
    """Without such rules pairs wait for the end of their market, and asking is a mistake."""
    floor = a_pair(PLAIN)
    seen = floor.market()
    with pytest.raises(NotImplementedError, match="cannot merge"):
        floor.venue.merge("m-1", seen.market.id, TEN, floor.now)

    assert [] == merges(floor.facts)
    assert {(seen.market.id, leg): TEN for leg in Leg} == floor.venue.ledger().positions
    assert NO_MONEY == floor.venue.ledger().fees


def test_a_merge_is_told_after_what_made_it() -> None:
    """However late a purchase is told, the end of its pair is told after it, and before payment."""
    floor = a_floor(late_fact=0.5, late_by=Duration(60 * SECOND), repeated_fact=0.5)
    for number in range(12):
        seen = floor.market(number)
        buy(floor, seen, Leg.YES)
        buy(floor, seen, Leg.NO)
    facts = floor.go(600)
    first: dict[Fact, int] = {}
    for number, fact in enumerate(facts):
        first.setdefault(fact, number)
    bought = {
        fill.fill: floor.venue.ledger().fills[fill.fill].market for fill in fills(list(first))
    }

    assert len(merges(list(first))) > 5
    assert len(merges(facts)) > len(merges(list(first)))
    for merge in merges(list(first)):
        made = [fill for fill in fills(list(first)) if bought[fill.fill] == merge.market]
        assert all(first[fill] < first[merge] for fill in made)


@pytest.mark.parametrize("rules", Rules)
def test_waiting_entries_lock_their_money(rules: Rules) -> None:
    """Where rules say so, what a waiting entry may cost is out of the balance until it is gone."""
    floor = a_floor(attrs.evolve(STILL, rules=rules, cash=money("100")))
    seen = floor.market()
    best = max(seen.book.bids)
    name, _ = floor.send(seen, best, style=Style.MAKER)
    locked = floor.venue.ledger().locked
    floor.venue.cancel(name, floor.now)

    assert locked == (cost(best, TEN) if rules is Rules.KALSHI else NO_MONEY)
    assert NO_MONEY == floor.venue.ledger().cash == floor.venue.ledger().locked


def test_what_waits_cannot_be_spent_twice() -> None:
    """Money of entries that wait or are under way, with their fees, is not there for another."""
    floor = a_floor(attrs.evolve(STILL, cash=money("19.90")), latency=SECOND)
    seen = floor.market()
    price = Price(990_000)
    name, first = floor.send(seen, price)
    bound = fee_bound(seen.market.fees, price, TEN)

    assert isinstance(first, Accepted)
    assert cost(price, TEN) + bound == floor.venue.ledger().locked
    assert Rejected("insufficient_balance") == floor.send(seen, price)[1]
    assert Filled is type(floor.go(2)[0])
    assert name in {fill.intent for fill in floor.venue.ledger().fills.values()}


def test_sales_lock_nothing() -> None:
    """An exit needs contracts, no money."""
    floor = a_floor()
    seen = floor.market()
    buy(floor, seen, Leg.YES)
    floor.send(seen, max(seen.book.asks) + 10_000, purpose=Purpose.EXIT, style=Style.MAKER)

    assert NO_MONEY == floor.venue.ledger().locked


def test_the_rounding_of_fees_is_carried_within_an_order() -> None:
    """Under Kalshi's rules whole steps of what rounding took come back; no order pays for another.

    Many small fills of one order cost less than as many orders.
    """
    floor = a_floor()
    seen = floor.market()
    price = Price(max(seen.book.asks) + 10_000)
    part = Size(10_000)
    name, _ = floor.send(seen, ONE_DOLLAR - price, leg=Leg.NO, style=Style.MAKER, size=TEN)
    listed = floor.venue._listed[seen.market.id]
    rich = attrs.evolve(listed.market.fees, maker_rate=17_500)
    listed.market = attrs.evolve(listed.market, fees=rich)
    listed.book.take(Side.BID, Price(price - 10_000), Size(10**12), floor.now)
    for _ in range(30):
        listed.book.take(Side.BID, price, part, floor.now)
    made = [fill for fill in fills(floor.go(1)) if fill.intent == name]
    paid = Price(ONE_DOLLAR - price)
    traded = [Traded(price=paid, size=part, liquidity=Style.MAKER)] * 30
    alone = fee(rich, paid, part, Style.MAKER, selling=False)

    assert fees_of_order(rich, traded, selling=False) == tuple(fill.fee for fill in made)
    assert floor.venue.ledger().fees == Money(sum(fill.fee for fill in made)) < 30 * alone


def test_merges_of_forgotten_markets_are_forgotten() -> None:
    """What a merge paid stays in the sums when its market is forgotten."""
    floor = a_pair(attrs.evolve(STILL, remembered_max=0))
    settles = floor.venue._listed[floor.market().market.id].settles
    paid = merges(floor.facts)
    floor.go((settles - floor.now) / SECOND)
    ledger = floor.venue.ledger()

    assert 1 == len(paid)
    assert {} == ledger.merges
    assert paid[0].payout == ledger.merged
    assert {} == floor.venue._account._merged_in
