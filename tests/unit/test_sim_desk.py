"""Our orders at the simulated venue: queues, account, and every fault by itself."""

from __future__ import annotations

from collections import Counter

import attrs
import pytest

from market_bot.adapters.simulated.sim_settings import BEGINS, Rules
from market_bot.core.domain.book import Side
from market_bot.core.domain.fees import fee
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    HOUR,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Price,
    money,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Confirmed,
    Fact,
    Filled,
    Refused,
    Rejected,
    Reversed,
    Settled,
    Unknown,
)
from tests.fakes.sim_floor import LIVELY, STILL, TEN, a_floor, fills


def test_a_taker_moves_the_book() -> None:
    """What we take is gone, printed, and costs what was displayed, level by level."""
    floor = a_floor()
    seen = floor.market()
    asks = sorted(seen.book.asks.items())
    size = asks[0][1] + asks[1][1] // 2
    _, outcome = floor.buy(seen, size)
    told = floor.go(1)
    expected = [(asks[0][0], asks[0][1]), (asks[1][0], asks[1][1] // 2)]

    assert isinstance(outcome, Accepted)
    assert expected == [(fill.price, fill.size) for fill in fills(told)]
    assert expected == [(seen_print.price, seen_print.size) for seen_print in seen.prints]
    assert asks[0][0] not in seen.book.asks
    assert seen.book.asks[asks[1][0]] == asks[1][1] - asks[1][1] // 2


def test_no_leg_is_the_other_side_of_the_book() -> None:
    """Buying NO takes YES bids and costs one dollar minus their price."""
    floor = a_floor()
    seen = floor.market()
    best = max(seen.book.bids)
    floor.send(seen, ONE_DOLLAR - best, leg=Leg.NO)
    (fill,) = fills(floor.go(1))

    assert ONE_DOLLAR - best == fill.price
    assert {(seen.market.id, Leg.NO): fill.size} == floor.venue.ledger().positions


def test_our_orders_are_displayed() -> None:
    """A resting order is part of the book, and leaves it when it is cancelled."""
    floor = a_floor()
    seen = floor.market()
    best, size = max(seen.book.bids), seen.book.bids[max(seen.book.bids)]
    name, outcome = floor.send(seen, best, style=Style.MAKER)
    floor.go(1)

    assert outcome == Accepted(f"sim-{name}", size)
    assert seen.book.bids[best] == size + TEN
    floor.venue.cancel(name, floor.now)
    assert [Cancelled(name, "cancelled")] == floor.go(1)
    assert seen.book.bids[best] == size


def test_we_never_trade_with_ourselves() -> None:
    """An order of ours stops in front of another one."""
    floor = a_floor()
    seen = floor.market()
    best = min(seen.book.asks)
    inside = Price(best - 10_000)
    if inside in seen.book.bids:
        inside = best
    floor.send(seen, ONE_DOLLAR - inside, leg=Leg.NO, style=Style.MAKER)
    name, _ = floor.send(seen, 990_000, size=10**9)
    told = floor.go(1)

    assert Cancelled(name, "nothing_more_displayed") in told
    assert all(fill.price <= inside for fill in fills(told))
    assert all(fill.liquidity is Style.TAKER for fill in fills(told))


def test_makers_wait_for_their_turn() -> None:
    """Resting orders fill only after what was in front of them, and at their own price."""
    floor = a_floor(LIVELY)
    waiting: dict[str, tuple[str, Price, int]] = {}
    for number in range(4):
        seen = floor.market(number)
        best = max(seen.book.bids)
        name, outcome = floor.send(seen, best, style=Style.MAKER, lives=10**6)
        assert isinstance(outcome, Accepted)
        assert outcome.queue_ahead is not None
        waiting[name] = (seen.market.id, best, outcome.queue_ahead)
    told = floor.go(900)

    assert fills(told)
    for fill in fills(told):
        assert fill.liquidity is Style.MAKER
        assert fill.price == waiting[fill.intent][1]
        assert fill.size <= TEN


def test_a_stale_order_is_picked_off() -> None:
    """Makers whose price moves through ours trade with it before they quote; nothing crosses."""
    floor = a_floor(LIVELY)
    crossed = 0
    for _ in range(40):
        seen = floor.market(floor.sent % 5)
        bid, ask = seen.book.best_bid, seen.book.best_ask
        if bid is not None and ask is not None and ask - bid > 10_000:
            floor.send(seen, ask - 10_000, style=Style.MAKER, lives=600)
            floor.send(seen, ONE_DOLLAR - ask, leg=Leg.NO, style=Style.MAKER, lives=600)
        floor.go(30)
        crossed += sum(known.book.crossed for known in floor.world.seen.values())

    assert crossed == 0
    assert len(fills(floor.facts)) > 5


def test_what_ledger_and_facts_say_agrees() -> None:
    """The account follows from the fills as told and the payouts, to the last unit."""
    floor = a_floor(LIVELY)
    legs: dict[str, tuple[str, Leg]] = {}
    for step in range(60):
        seen = floor.market(step % 5)
        leg = Leg.YES if step % 2 else Leg.NO
        at = seen.book.buy_price(leg)
        if at is not None:
            name, _ = floor.send(seen, at, leg=leg)
            legs[name] = (seen.market.id, leg)
        floor.go(30)
    for _ in range(5):
        floor.go(600)
    ledger, cash = floor.venue.ledger(), 0
    for fill in fills(floor.facts):
        market, leg = legs[fill.intent]
        seen = floor.world.seen[market]
        charged = fee(seen.market.fees, fill.price, fill.size, fill.liquidity, selling=False)
        assert charged == fill.fee
        assert fill.price * fill.size == fill.cost
        paid = floor.venue.outcome(market)
        assert paid is not None
        cash += (paid if leg is Leg.YES else ONE_DOLLAR - paid) * fill.size - fill.cost - fill.fee

    assert len(ledger.fills) > 20
    assert cash == ledger.cash
    assert {} == ledger.positions
    assert sum(fill.fee for fill in fills(floor.facts)) == ledger.fees


def test_a_sale_needs_the_contracts() -> None:
    """No more can be sold than is held and not for sale already."""
    floor = a_floor()
    seen = floor.market()
    floor.buy(seen)
    floor.go(1)
    best = floor.world.seen[seen.market.id].book.best_bid
    assert best is not None
    sell = {"purpose": Purpose.EXIT, "size": TEN}
    _, waits = floor.send(seen, best + 50_000, style=Style.MAKER, **sell)  # type: ignore[arg-type]  # mixed values
    _, twice = floor.send(seen, best, **sell)  # type: ignore[arg-type]  # as above

    assert isinstance(waits, Accepted)
    assert Rejected("insufficient_position") == twice


def test_the_account_may_run_dry() -> None:
    """With a limit on cash an order that costs more is refused."""
    floor = a_floor(attrs.evolve(STILL, cash=money("3")))

    assert Rejected("insufficient_balance") == floor.buy(floor.market())[1]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"price": 505_001}, "invalid_price"),
        ({"size": 5_001}, "invalid_size"),
        ({"size": 500_000}, "invalid_size"),
    ],
)
def test_what_the_rules_forbid_is_refused(change: dict[str, int], code: str) -> None:
    """Prices off the grid and sizes that nobody trades are refused, and nothing happens."""
    floor = a_floor()
    seen = floor.market()
    _, outcome = floor.send(seen, change.get("price", 500_000), size=change.get("size", TEN))

    assert Rejected(code) == outcome
    assert [] == floor.go(1)


def test_an_id_is_taken_once() -> None:
    """The same order sent again is refused, so that nothing is doubled."""
    floor = a_floor()
    floor.buy(floor.market())
    floor.sent = 0

    assert Rejected("order_already_exists") == floor.buy(floor.market())[1]


def test_too_many_orders_are_refused() -> None:
    """No more than so many orders may rest."""
    floor = a_floor(attrs.evolve(STILL, orders_max=1))
    seen = floor.market()
    floor.send(seen, max(seen.book.bids), style=Style.MAKER)

    assert Rejected("too_many_orders") == floor.buy(seen)[1]


def test_latency_delays_the_order() -> None:
    """An order trades when it arrives, not when it is sent; so does a cancellation."""
    floor = a_floor(latency=Duration(2 * SECOND))
    seen = floor.market()
    name, outcome = floor.buy(seen)
    early = floor.go(1.5)
    (fill,) = fills(floor.go(1))

    assert outcome == Accepted(f"sim-{name}")
    assert [] == early
    assert fill.at == BEGINS + 2 * SECOND
    waits, _ = floor.send(seen, max(seen.book.bids), style=Style.MAKER)
    floor.go(3)
    floor.venue.cancel(waits, floor.now)
    assert [] == floor.go(1.5)
    assert [Cancelled(waits, "cancelled")] == floor.go(1)


def test_a_cancellation_may_overtake_its_order() -> None:
    """An order that is cancelled while it is under way never trades; the others do."""
    floor = a_floor(jitter=Duration(10 * SECOND))
    names = []
    for number in range(20):
        name, _ = floor.buy(floor.market(number))
        floor.venue.cancel(name, floor.now)
        names.append(name)
    told = floor.go(60)
    gone = {fact.intent for fact in told if fact == Cancelled(fact.intent, "cancelled")}
    traded = {fill.intent for fill in fills(told)}

    assert gone
    assert traded
    assert not gone & traded
    assert gone | traded == set(names)


def test_a_resting_order_under_way_may_cross() -> None:
    """An order that would take by the time it arrives is cancelled, not matched."""
    floor = a_floor(latency=SECOND)
    seen = floor.market()
    name, outcome = floor.send(seen, min(seen.book.asks), style=Style.MAKER)

    assert isinstance(outcome, Accepted)
    assert [Cancelled(name, "post_only_cross")] == floor.go(2)


def test_a_lost_answer_is_found() -> None:
    """The order is there and trades; that it does is told later, once its fate is known."""
    floor = a_floor(answer_lost=1.0, found_after=Duration(5 * SECOND))
    name, outcome = floor.buy(floor.market())
    early = floor.go(4)
    told = floor.go(1)

    assert isinstance(outcome, Unknown)
    assert [] == early
    assert Confirmed(name, f"sim-{name}") == told[0]
    assert isinstance(told[1], Filled)
    assert floor.venue.struck["answer_lost"] == 1


def test_a_lost_order_is_refused_in_the_end() -> None:
    """An order that never arrived changes nothing and is told to be unknown at last."""
    floor = a_floor(order_lost=1.0, found_after=Duration(5 * SECOND))
    name, outcome = floor.buy(floor.market())

    assert isinstance(outcome, Unknown)
    assert [] == floor.go(4)
    assert [Refused(name, "never_arrived")] == floor.go(1)
    assert {} == floor.venue.ledger().fills


def test_refusals_on_request() -> None:
    """A refused order does nothing."""
    floor = a_floor(rejected=1.0)
    _, outcome = floor.buy(floor.market())

    assert isinstance(outcome, Rejected)
    assert floor.venue.struck["rejected"] == 1
    assert {} == floor.venue.ledger().fills


def test_a_ghost_fill_is_undone() -> None:
    """A ghost fill is provisional, cannot be sold, and leaves no trace in cash or positions."""
    floor = a_floor(ghost_fill=1.0)
    seen = floor.market()
    name, _ = floor.buy(seen)
    (fill,) = fills(floor.go(1))
    _, sale = floor.send(seen, 10_000, purpose=Purpose.EXIT)
    told = floor.go(10)
    ledger = floor.venue.ledger()

    assert fill.provisional
    assert Rejected("insufficient_position") == sale
    assert [Reversed(name, fill.fill, "failed to settle")] == told
    assert (0, {}, 0, 0) == (ledger.cash, ledger.positions, ledger.fees, ledger.gain)


def test_polymarket_fills_settle_later() -> None:
    """Under Polymarket's rules every fill is provisional first and settles by itself."""
    floor = a_floor(attrs.evolve(STILL, rules=Rules.POLYMARKET))
    name, _ = floor.buy(floor.market())
    (fill,) = fills(floor.go(1))

    assert fill.provisional
    assert [Settled(name, fill.fill)] == floor.go(10)


def test_facts_may_be_late_and_repeated() -> None:
    """Late facts keep the order of their order; repeated ones are equal to the first."""
    floor = a_floor(
        attrs.evolve(STILL, rules=Rules.POLYMARKET),
        late_fact=1.0,
        late_by=Duration(20 * SECOND),
        repeated_fact=1.0,
    )
    floor.buy(floor.market())
    early, told = floor.go(15), floor.go(60)
    kinds = [type(fact).__name__ for fact in dict.fromkeys(told)]

    assert [] == early
    assert ["Filled", "Settled"] == kinds
    assert Counter(told).most_common(1)[0][1] == 2


def test_what_is_told_of_one_order_keeps_its_order() -> None:
    """However late single facts are, a fill comes before its settlement and before the end."""
    floor = a_floor(attrs.evolve(LIVELY, rules=Rules.POLYMARKET), late_fact=0.5, repeated_fact=0.3)
    for step in range(40):
        floor.buy(floor.market(step % 5))
        floor.go(5)
    floor.go(120)
    first = {fact: number for number, fact in reversed(list(enumerate(floor.facts)))}
    settled = {fact.fill: number for fact, number in first.items() if isinstance(fact, Settled)}
    filled = {fact.fill: number for fact, number in first.items() if isinstance(fact, Filled)}

    assert len(filled) > 20
    assert filled.keys() == settled.keys()
    assert all(filled[name] < settled[name] for name in filled)


def test_everything_is_told_before_a_market_pays() -> None:
    """However late facts are, none comes after the payment of its market."""
    floor = a_floor(
        LIVELY,
        late_fact=0.5,
        late_by=HOUR,
        repeated_fact=0.5,
        answer_lost=0.5,
        found_after=HOUR,
        ghost_fill=0.3,
    )
    markets: dict[str, str] = {}
    for step in range(160):
        if step < 100:
            seen = floor.market(step % 5)
            name, _ = floor.buy(seen)
            markets[name] = seen.market.id
        resolved = {known.market.id for known in floor.world.seen.values() if known.resolved}
        told = floor.go(30 if step < 100 else 120)
        # What never arrived belongs to no market.
        assert not any(
            markets[fact.intent] in resolved for fact in told if not isinstance(fact, Refused)
        )

    assert sum(floor.venue.struck.values()) > 50


def test_an_outage_refuses_orders_and_delays_cancels() -> None:
    """While the venue is down nothing is taken; then nobody may take; then all is well."""
    floor = a_floor(
        outage_every=Duration(HOUR),
        outage_lasts=Duration(300 * SECOND),
        post_only_after=Duration(120 * SECOND),
    )
    seen = floor.market()
    name, _ = floor.send(seen, max(seen.book.bids), style=Style.MAKER, lives=10**6)
    while floor.is_up():
        floor.go(10)
    down = floor.buy(seen)[1]
    floor.venue.cancel(name, floor.now)
    silent = floor.go(10)
    told: list[Fact] = []
    while not floor.is_up():
        told += floor.go(10)
    told += floor.go(5)

    assert Rejected("venue_closed") == down
    assert [] == silent
    assert [Cancelled(name, "cancelled")] == told
    assert Rejected("post_only") == floor.buy(seen)[1]
    floor.go(125)
    assert isinstance(floor.buy(seen)[1], Accepted)


def test_the_truth_does_not_know_our_orders() -> None:
    """Whatever we do, events end as they would have ended, at the same truths on the way."""
    quiet, busy = a_floor(LIVELY), a_floor(LIVELY)
    for step in range(60):
        busy.buy(busy.market(step % 5), 200 * TEN)
        busy.go(60)
        quiet.go(60)
        listed = [seen.market.id for seen in quiet.world.seen.values() if not seen.resolved]
        assert [quiet.venue.truth(m) for m in listed] == [busy.venue.truth(m) for m in listed]

    ended = [m for m in quiet.world.seen if quiet.venue.outcome(m) is not None]
    assert len(ended) > 20
    assert [quiet.venue.outcome(m) for m in ended] == [busy.venue.outcome(m) for m in ended]


def test_our_orders_are_derived_again() -> None:
    """The same orders at the same moments give the same facts in a second life."""
    lives = []
    for _ in range(2):
        floor = a_floor(LIVELY, rejected=0.2, answer_lost=0.2, late_fact=0.2, jitter=SECOND)
        for step in range(40):
            seen = floor.market(step % 5)
            floor.send(seen, max(seen.book.bids), style=Style.MAKER, lives=120)
            floor.buy(seen)
            floor.go(20)
        lives.append((floor.facts, floor.venue.position, floor.venue.ledger()))

    assert lives[0] == lives[1]
    assert len(lives[0][0]) > 40


def test_gain_is_what_trades_are_worth() -> None:
    """A purchase at the ask of a fair market loses the distance to the truth and the fee."""
    floor = a_floor()
    seen = floor.market()
    truth = floor.venue.truth(seen.market.id)
    ask = min(seen.book.asks)
    floor.buy(seen)
    (fill,) = fills(floor.go(1))
    gain = floor.venue.ledger().gain

    assert gain == pytest.approx((truth * 1e6 - ask) * fill.size - fill.fee, abs=fill.size)
    assert Side.BID is seen.prints[-1].taker


@pytest.mark.parametrize("rules", list(Rules))
def test_what_ended_is_forgotten(rules: Rules) -> None:
    """A venue that forgets tells the same and counts the same; what it holds on to is bounded."""
    floors = [
        a_floor(attrs.evolve(LIVELY, rules=rules, remembered_max=kept)) for kept in (0, 10_000)
    ]
    for floor in floors:
        for step in range(120):
            seen = floor.market(step % 5)
            leg = Leg.YES if step % 2 else Leg.NO
            at = seen.book.buy_price(leg)
            if at is not None:
                floor.send(seen, at, leg=leg)
            floor.go(60)
    bare, full = floors
    listed = set(bare.venue._listed)

    assert bare.facts == full.facts
    lasting, ledger = full.venue.ledger(), bare.venue.ledger()
    assert lasting.gain == ledger.gain
    assert (lasting.cash, lasting.fees, lasting.payouts) == (
        ledger.cash,
        ledger.fees,
        ledger.payouts,
    )
    assert set(lasting.fills) > set(ledger.fills)
    assert {fill.market for fill in ledger.fills.values()} <= listed
    assert set(bare.venue._desk._known) <= listed
    assert set(bare.venue._account._in_market) <= listed
    assert not set(full.venue._desk._known) <= listed
    assert {} == bare.venue._outcomes
