"""The order desk against a venue on loopback: what is sent, what is proven, what is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import msgspec
import pytest

from market_bot.adapters.kalshi.desk import OVERLAP, DeskPace
from market_bot.adapters.kalshi.orders import BATCH, ORDERS
from market_bot.adapters.kalshi.private_stream import PushedFill, PushedOrder
from market_bot.core.domain.book import Side
from market_bot.core.domain.fees import fee
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import SECOND, Micros, money, price, size
from market_bot.core.domain.orders import OrderFill, OrderState, Purpose, Style
from market_bot.core.domain.orders import filled as with_fill
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Confirmed,
    Filled,
    Merged,
    Rejected,
    Unknown,
)
from tests.fakes.builders import an_order
from tests.fakes.fake_kalshi import BAD_GATEWAY, TOO_MANY, Fault
from tests.fakes.fake_kalshi_rig import CRYPTO, Rig
from tests.fakes.kalshi_records import TICKER

LOST = Fault(path=ORDERS, method="POST", drop=True, acted=True)
NEVER_CAME = Fault(path=ORDERS, method="POST", drop=True)


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Return a venue at which somebody bids 0.40 and offers 0.45, five each."""
    with Rig() as made:
        made.engine.crowd(TICKER, "bid", "0.40", "5.00")
        made.engine.crowd(TICKER, "ask", "0.45", "5.00")
        yield made


def resting(rig: Rig, name: str = "i-1", at: str = "0.41") -> Accepted:
    """Return the acceptance of an order that waits."""
    outcome = rig.desk.submit(rig.intent(name, at, style=Style.MAKER), rig.now)
    assert isinstance(outcome, Accepted)
    return outcome


def sent(rig: Rig) -> list[dict[str, object]]:
    """Return the orders that were sent."""
    asked = zip(rig.venue.requests, rig.venue.bodies, strict=True)
    return [
        msgspec.json.decode(body)
        for (method, path, _), body in asked
        if method == "POST" and path.endswith(ORDERS)
    ]


def test_a_taker_is_told_what_it_got_and_that_the_rest_is_over(rig: Rig) -> None:
    """Five of ten are displayed: one fill at the core's fee, and nothing more will come."""
    assert isinstance(rig.desk.submit(rig.intent(), rig.now), Accepted)
    filled, over = rig.told()

    assert isinstance(filled, Filled)
    charged = fee(
        rig.listings[TICKER].market.fees, price("0.45"), size("5"), Style.TAKER, selling=False
    )
    assert (price("0.45"), size("5"), money("2.25"), charged, Style.TAKER) == (
        filled.price,
        filled.size,
        filled.cost,
        filled.fee,
        filled.liquidity,
    )
    assert Cancelled("i-1", "nothing_more_displayed") == over
    assert ([], ()) == (rig.told(60), rig.desk.open_orders)
    assert [] == rig.complaints


@pytest.mark.parametrize(
    ("leg", "purpose", "at", "side", "yes"),
    [
        (Leg.YES, Purpose.ENTRY, "0.45", "bid", "0.4500"),
        (Leg.NO, Purpose.ENTRY, "0.60", "ask", "0.4000"),
        (Leg.YES, Purpose.EXIT, "0.40", "ask", "0.4000"),
        (Leg.NO, Purpose.EXIT, "0.55", "bid", "0.4500"),
    ],
)
def test_every_leg_trades_at_its_own_price(
    rig: Rig, leg: Leg, purpose: Purpose, at: str, side: str, yes: str
) -> None:
    """What is sent is in YES prices; what is told is in the leg's own."""
    if purpose is Purpose.EXIT:
        first = rig.intent("i-0", {Leg.YES: "0.45", Leg.NO: "0.60"}[leg], "2", leg=leg)
        rig.desk.submit(first, rig.now)
        rig.told()
    rig.desk.submit(rig.intent(at=at, quantity="2", leg=leg, purpose=purpose), rig.now)
    (filled,) = rig.told()

    assert (side, yes) == (sent(rig)[-1]["side"], sent(rig)[-1]["price"])
    assert isinstance(filled, Filled)
    assert (price(at), 2 * money(at)) == (filled.price, filled.cost)
    assert (purpose is Purpose.EXIT) == sent(rig)[-1]["reduce_only"]
    assert [] == rig.complaints


def test_an_order_goes_to_its_shard(rig: Rig) -> None:
    """Creating and cancelling name the shard, so that a live order is never missed."""
    rig.desk.submit(rig.intent(style=Style.MAKER, market=CRYPTO), rig.now)
    rig.desk.cancel("i-1", rig.now)

    assert 2 == sent(rig)[0]["exchange_index"]
    assert [Cancelled("i-1", "cancelled")] == rig.told()


def test_money_on_another_shard_does_not_help(rig: Rig) -> None:
    """A refusal for lack of money is proven, and the desk forgets the order."""
    outcome = rig.desk.submit(rig.intent(quantity="200", market=CRYPTO), rig.now)

    assert isinstance(outcome, Rejected)
    assert ("insufficient_balance", ()) == (outcome.code, rig.desk.open_orders)


def test_a_maker_that_would_take_is_refused(rig: Rig) -> None:
    """The venue refuses a resting order that crosses, and nothing trades."""
    outcome = rig.desk.submit(rig.intent(style=Style.MAKER), rig.now)

    assert Rejected("invalid_order", "post only cross") == outcome
    assert [] == rig.told()


def test_an_order_that_meets_our_own_is_cancelled(rig: Rig) -> None:
    """The venue takes it and lets nothing trade: both counts are nothing."""
    resting(rig, "i-1", "0.44")
    sale = rig.intent("i-2", "0.56", "1", leg=Leg.NO)

    assert isinstance(rig.desk.submit(sale, rig.now), Accepted)
    assert [Cancelled("i-2", "nothing_more_displayed")] == rig.told()
    assert ("i-1",) == rig.desk.open_orders


def test_fills_of_a_resting_order_are_told_once(rig: Rig) -> None:
    """However often the lists are read, each trade is one fact, in the order of trading."""
    resting(rig)
    rig.engine.crowd(TICKER, "ask", "0.41", "3.00")
    first = rig.told(2)
    rig.engine.crowd(TICKER, "ask", "0.41", "7.00")
    second = rig.told(2)

    sizes = [[fact.size for fact in told if isinstance(fact, Filled)] for told in (first, second)]
    assert [[size("3")], [size("7")]] == sizes
    assert ([], ()) == (rig.told(60), rig.desk.open_orders)


def test_a_lost_answer_is_looked_up_and_never_sent_again(rig: Rig) -> None:
    """The order is unknown, found by its name, confirmed, and its fill is told after that."""
    rig.venue.faults.append(LOST)
    assert isinstance(rig.desk.submit(rig.intent(), rig.now), Unknown)
    told = rig.told()

    assert [Confirmed, Filled, Cancelled] == [type(fact) for fact in told]
    assert (1, 1) == (len(sent(rig)), len(rig.ours("i-1")))


def test_an_intent_is_sent_once_whoever_asks(rig: Rig) -> None:
    """The same intent again proves nothing and is not sent."""
    resting(rig)
    again = rig.desk.submit(rig.intent(at="0.41", style=Style.MAKER), rig.now)

    assert isinstance(again, Unknown)
    assert 1 == len(sent(rig))


def test_a_duplicate_means_that_the_first_one_landed(rig: Rig) -> None:
    """A process that forgot what it sent learns of it by the refusal of the second one."""
    resting(rig)
    rig.new_desk()
    outcome = rig.desk.submit(rig.intent(at="0.41", style=Style.MAKER), rig.now)

    assert Unknown("order_already_exists") == outcome
    assert [Confirmed("i-1", rig.ours("i-1")[0])] == rig.told()


def test_an_order_that_never_came_stays_in_doubt(rig: Rig) -> None:
    """Silence proves nothing: the desk tells nothing, and leaves it to the account in the end."""
    rig.venue.faults.append(NEVER_CAME)
    assert isinstance(rig.desk.submit(rig.intent(), rig.now), Unknown)

    assert [] == [fact for _ in range(5) for fact in rig.told(10)]
    assert ["i-1"] == list(rig.desk.open_orders)
    rig.told(60 + 601)
    assert [] == list(rig.desk.open_orders)
    assert 1 == len(sent(rig))


def test_looking_for_what_is_not_there_costs_less_and_less(rig: Rig) -> None:
    """An order in doubt is looked for soon, then more and more seldom."""
    rig.venue.faults.append(NEVER_CAME)
    rig.desk.submit(rig.intent(), rig.now)
    asked = []
    for _ in range(4):
        before = len(rig.venue.requests)
        for _ in range(60):
            rig.told(0.25)
        asked.append(len(rig.venue.requests) - before)

    assert asked[0] > asked[-1]
    assert 2 * 60 // 4 >= asked[-1]


def test_an_order_that_lands_late_is_found(rig: Rig) -> None:
    """A request that was under way for long is not forgotten before it has expired for good."""
    rig.venue.faults.append(Fault(path=ORDERS, method="POST", later=True))
    assert isinstance(rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now), Unknown)
    assert [] == rig.told(3)
    rig.venue.release()

    assert [Confirmed("i-1", rig.ours("i-1")[0])] == rig.told(20)


def test_a_cancel_is_proven_by_the_list(rig: Rig) -> None:
    """The answer to a cancel ends nothing; the list does."""
    resting(rig)
    rig.venue.remember()
    rig.desk.cancel("i-1", rig.now)
    rig.venue.faults.append(Fault(path="/portfolio/orders", stale=True))

    assert [] == rig.told()
    assert [Cancelled("i-1", "cancelled")] == rig.told(1)


def test_an_order_that_traded_while_it_was_cancelled(rig: Rig) -> None:
    """Not found proves nothing: it was filled, and that is what is told."""
    resting(rig)
    rig.engine.crowd(TICKER, "ask", "0.41", "10.00")
    rig.desk.cancel("i-1", rig.now)
    told = rig.told()

    assert [Filled] == [type(fact) for fact in told]
    assert ("DELETE", 1) == (rig.venue.requests[1][0], len(rig.ours("i-1")))


def test_what_remains_is_told_after_all_fills(rig: Rig) -> None:
    """While the list of fills is behind the list of orders, the end of an order waits."""
    resting(rig)
    rig.venue.remember()
    rig.engine.crowd(TICKER, "ask", "0.41", "4.00")
    rig.desk.cancel("i-1", rig.now)
    rig.venue.faults.append(Fault(path="/portfolio/fills", stale=True))

    assert [] == rig.told()
    filled, over = rig.told(1)
    assert isinstance(filled, Filled)
    assert (size("4"), Cancelled("i-1", "cancelled")) == (filled.size, over)


def test_a_fill_that_is_listed_late_is_looked_for_again(rig: Rig) -> None:
    """The list of orders knows of a trade from before the last complete look."""
    rig.desk.submit(rig.intent(at="0.41", style=Style.MAKER, seconds=3600), rig.now)
    rig.venue.remember()
    rig.engine.crowd(TICKER, "ask", "0.41", "4.00")
    for _ in range(4):
        stale = [Fault(path=f"/portfolio/{name}", stale=True) for name in ("orders", "fills")]
        rig.venue.faults.extend(stale)
        assert [] == rig.told(2 * OVERLAP // SECOND)

    (filled,) = rig.told(2) + rig.told(2)
    assert isinstance(filled, Filled)


def test_a_cancel_that_fails_is_sent_again(rig: Rig) -> None:
    """Neither haste nor a broken gateway ends a cancel, and waiting in between grows."""
    resting(rig)
    rig.venue.faults.extend([BAD_GATEWAY])
    rig.desk.cancel("i-1", rig.now)
    rig.desk.cancel("i-1", rig.now)
    rig.told()
    assert 1 == len([one for one in rig.venue.requests if one[0] == "DELETE"])
    rig.venue.faults.append(attrs.evolve(TOO_MANY, method="DELETE"))
    rig.told(1)

    assert [Cancelled("i-1", "cancelled")] == rig.told(2)
    assert 3 == len([one for one in rig.venue.requests if one[0] == "DELETE"])


def test_an_order_in_doubt_is_cancelled_once_it_is_found(rig: Rig) -> None:
    """A cancel of what cannot be named yet is kept."""
    rig.venue.faults.append(LOST)
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    rig.desk.cancel("i-1", rig.now)
    assert [Confirmed("i-1", rig.ours("i-1")[0])] == rig.told()

    assert [Cancelled("i-1", "cancelled")] == rig.told(1)


def test_an_order_expires_at_the_venue(rig: Rig) -> None:
    """Its end is told without being asked for."""
    resting(rig)

    assert [Cancelled("i-1", "expired")] == rig.told(61)


def test_everything_is_cancelled_on_all_shards(rig: Rig) -> None:
    """One request, and each order's end is proven one by one."""
    resting(rig)
    rig.desk.submit(rig.intent("i-2", style=Style.MAKER, market=CRYPTO), rig.now)

    assert rig.desk.cancel_all(rig.now)
    assert [] == rig.engine.resting()
    assert {Cancelled("i-1", "cancelled"), Cancelled("i-2", "cancelled")} == set(rig.told(1))


def test_an_order_is_moved_and_shrunk(rig: Rig) -> None:
    """What no longer is part of it is told as cancelled when it is over."""
    resting(rig)
    assert isinstance(rig.desk.amend("i-1", price("0.40"), size("8"), rig.now), Accepted)
    assert isinstance(rig.desk.decrease("i-1", size("3"), rig.now), Accepted)
    (order,) = rig.engine.resting()
    assert (4000, 300) == (order.price, order.remaining)
    rig.engine.crowd(TICKER, "ask", "0.40", "8.00")

    filled, over = rig.told(1)
    assert isinstance(filled, Filled)
    assert (size("3"), Cancelled) == (filled.size, type(over))


@pytest.mark.parametrize(("at", "quantity"), [("0.42", "10"), ("0.41", "11")])
def test_new_terms_never_cost_more(rig: Rig, at: str, quantity: str) -> None:
    """Risk was asked about the first terms; dearer ones are not even sent."""
    resting(rig)

    with pytest.raises(ValueError, match="may not cost more"):
        rig.desk.amend("i-1", price(at), size(quantity), rig.now)


def test_a_batch_answers_one_by_one(rig: Rig) -> None:
    """One order of a batch may be refused while the others are taken."""
    wanted = [
        rig.intent("i-1", "0.41", style=Style.MAKER),
        rig.intent("i-2", "0.415", style=Style.MAKER),
        rig.intent("i-3", "0.41", style=Style.MAKER, seconds=0),
    ]
    first, second, third = rig.desk.submit_batch(wanted, rig.now)

    assert isinstance(first, Accepted)
    assert isinstance(second, Rejected)
    assert Rejected("not_sent", "it has expired") == third
    assert ("invalid_price", ("i-1",)) == (second.code, rig.desk.open_orders)


def test_a_batch_whose_answer_is_lost_is_in_doubt_as_a_whole(rig: Rig) -> None:
    """Each of its orders is looked up by its name."""
    rig.venue.faults.append(Fault(path=BATCH, drop=True, acted=True))
    wanted = [rig.intent(name, "0.41", style=Style.MAKER) for name in ("i-1", "i-2")]

    assert [Unknown, Unknown] == [type(one) for one in rig.desk.submit_batch(wanted, rig.now)]
    assert [Confirmed, Confirmed] == [type(fact) for fact in rig.told()]


def test_an_adopted_order_goes_on(rig: Rig) -> None:
    """A new process follows what rests; what was told before is not told again."""
    accepted = resting(rig)
    rig.engine.crowd(TICKER, "ask", "0.41", "3.00")
    (filled,) = rig.told(2)
    assert isinstance(filled, Filled)
    rig.new_desk()
    known = an_order(
        market=TICKER,
        state=OrderState.ACCEPTED,
        venue_order=accepted.venue_order,
        price=price("0.41"),
        created_at=rig.now,
        expires_at=Micros(rig.now + 50 * SECOND),
    )
    told = OrderFill(
        id=filled.fill,
        size=filled.size,
        cost=filled.cost,
        fee=filled.fee,
        basis=filled.cost,
        provisional=False,
    )
    rig.desk.adopt([with_fill(known, told)])
    rig.desk.cancel("i-1", rig.now)

    assert [Cancelled("i-1", "cancelled")] == rig.told()


def test_an_adopted_order_is_cancelled_on_its_shard(rig: Rig) -> None:
    """Right after a start nobody knows the markets yet; the list of orders tells the shard."""
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41", market=CRYPTO), rig.now)
    (name,) = rig.ours("i-1")
    rig.listings.clear()
    rig.new_desk()
    known = an_order(
        market=CRYPTO,
        state=OrderState.ACCEPTED,
        venue_order=name,
        created_at=rig.now,
        expires_at=Micros(rig.now + 50 * SECOND),
    )
    rig.desk.adopt([known])
    rig.told()
    rig.desk.cancel("i-1", rig.now)

    assert [] == rig.engine.resting()
    assert [Cancelled("i-1", "cancelled")] == rig.told()


@pytest.mark.parametrize("name", ["", "..", "o/1", "o?1", "o 1", "o%2f1", "\u00f6", "o" * 101])
def test_an_order_whose_name_is_no_part_of_an_address(rig: Rig, name: str) -> None:
    """What the venue calls an order never becomes another request, and ends no thread."""
    body = msgspec.json.encode(
        {"order_id": name, "client_order_id": "i-1", "fill_count": "0", "remaining_count": "10"}
    )
    rig.venue.faults.append(Fault(path=ORDERS, method="POST", status=201, body=body))
    outcome = rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    rig.desk.cancel("i-1", rig.now)

    assert isinstance(outcome, Unknown)
    assert ["POST"] == [verb for verb, _, _ in rig.venue.requests]


DEEP = [b"[" * 100_000, b'{"a":' * 100_000, b'{"order_id":' + b"[" * 100_000]


@pytest.mark.parametrize("body", DEEP)
@pytest.mark.parametrize("status", [200, 400])
def test_answers_nested_too_deeply_prove_nothing(rig: Rig, status: int, body: bytes) -> None:
    """An order stays in doubt, a list is read again, and nothing ends the lane's thread."""
    rig.venue.faults.append(Fault(path=ORDERS, method="POST", status=status, body=body, acted=True))
    rig.venue.faults.append(Fault(path="/portfolio/orders", status=status, body=body))
    outcome = rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)

    assert isinstance(outcome, Unknown)
    assert [] == rig.told()
    assert [Confirmed("i-1", rig.ours("i-1")[0])] == rig.told(1)
    rig.venue.faults.append(
        Fault(path=f"{ORDERS}*", method="DELETE", status=status, body=body, acted=True)
    )
    rig.desk.cancel("i-1", rig.now)
    assert [Cancelled("i-1", "cancelled")] == rig.told()


def test_an_exit_that_may_have_nothing_to_sell_does_not_wait_in_the_book(rig: Rig) -> None:
    """What somebody sold by hand is not sold again: a waiting order would open the other side."""
    rig.desk.careful = lambda: True
    sale = rig.intent("i-1", "0.44", "5", purpose=Purpose.EXIT, style=Style.MAKER)
    outcome = rig.desk.submit(sale, rig.now)
    rig.engine.crowd(TICKER, "bid", "0.44", "5.00")
    rig.told(1)

    assert not isinstance(outcome, Unknown)
    assert ("immediate_or_cancel", True) == (
        sent(rig)[0]["time_in_force"],
        sent(rig)[0]["reduce_only"],
    )
    assert not any(held.count for held in rig.engine.positions.values())
    assert isinstance(resting(rig, "i-2"), Accepted)


def test_an_order_from_before_a_crash_is_found(rig: Rig) -> None:
    """An intent that was journaled, with nobody knowing whether it was sent."""
    resting(rig)
    rig.new_desk()
    rig.desk.adopt([an_order(market=TICKER, created_at=rig.now, price=price("0.41"))])

    assert [Confirmed("i-1", rig.ours("i-1")[0])] == rig.told()


def test_what_was_learnt_elsewhere_is_not_told_again(rig: Rig) -> None:
    """The account's picture may be faster than the desk."""
    resting(rig)
    rig.engine.crowd(TICKER, "ask", "0.41", "3.00")
    other = rig.told(2)
    rig.new_desk()
    rig.desk.adopt([an_order(market=TICKER, created_at=rig.now, price=price("0.41"))])
    rig.desk.learn([Confirmed("i-1", rig.ours("i-1")[0]), *other])

    assert [] == rig.told()
    rig.desk.learn([Cancelled("i-1", "not_at_the_venue")])
    assert () == rig.desk.open_orders


def test_a_pair_is_paid_at_once(rig: Rig) -> None:
    """The venue nets YES and NO by itself, so that a merge is only told."""
    rig.desk.merge("m-1", TICKER, size("2"), rig.now)

    assert [Merged("m-1", TICKER, size("2"), money("2"))] == rig.told()


def test_a_wrong_fee_is_reported(rig: Rig) -> None:
    """The venue's fee counts; that it is not the one we expect is told to people."""
    rig.engine.markets[TICKER].multiplier = (2, 1)
    rig.desk.submit(rig.intent(quantity="5"), rig.now)
    (filled,) = rig.told()

    assert isinstance(filled, Filled)
    assert money("0.1733") == filled.fee
    assert ["i-1: the venue charged 0.1733, expected were 0.0867"] == rig.complaints


def test_lists_that_cannot_be_read_are_told_once(rig: Rig) -> None:
    """An outage is one line and no fact; afterwards everything is told."""
    rig.venue.faults.append(LOST)
    rig.desk.submit(rig.intent(), rig.now)
    rig.venue.faults.extend([BAD_GATEWAY, BAD_GATEWAY])

    assert [] == rig.told() + rig.told(1)
    assert 1 == len(rig.complaints)
    assert 3 == len(rig.told(5))


def test_a_market_nobody_knows_gets_no_order(rig: Rig) -> None:
    """Without a shard nothing is sent."""
    outcome = rig.desk.submit(rig.intent(market="KXNONE-1"), rig.now)

    assert (Rejected, []) == (type(outcome), sent(rig))


def test_nothing_is_sent_without_the_group(rig: Rig) -> None:
    """The outer net is missing, so no position is opened; reducing goes on."""
    rig.group_limit = "100"
    rig.new_desk()
    rig.venue.faults.append(BAD_GATEWAY)
    outcome = rig.desk.submit(rig.intent(), rig.now)
    rig.desk.submit(rig.intent("i-2", "0.40", purpose=Purpose.EXIT), rig.now)

    assert isinstance(outcome, Rejected)
    assert ["i-2"] == [one["client_order_id"] for one in sent(rig)]
    assert 1 == len(rig.complaints)


def test_the_venue_s_brake_stops_us(rig: Rig) -> None:
    """Once a group has traded its limit its orders are gone and new ones are refused."""
    rig.group_limit = "4"
    rig.new_desk()
    resting(rig)
    rig.engine.crowd(TICKER, "ask", "0.41", "5.00")
    told = rig.told(2)
    refused = rig.desk.submit(rig.intent("i-2", "0.41", style=Style.MAKER), rig.now)

    assert [Filled, Cancelled] == [type(fact) for fact in told]
    assert Rejected("invalid_order", "order group triggered") == refused
    assert rig.desk.groups is not None
    assert rig.desk.groups.reset()
    assert isinstance(resting(rig, "i-3"), Accepted)
    assert rig.desk.groups.trigger()
    assert [] == rig.engine.resting()


def pushed_fill(rig: Rig, **changes: Any) -> PushedFill:
    """Return four of ours at 0.41 as the stream tells it."""
    fill = PushedFill(
        fill="t-1",
        venue_order=rig.ours("i-1")[0],
        client_order="i-1",
        market=TICKER,
        side=Side.BID,
        price=price("0.41"),
        size=size("4"),
        fee=money("0"),
        taker=False,
        shard=0,
        subaccount=None,
        at=rig.now,
        received=rig.now,
    )
    return attrs.evolve(fill, **changes)


def test_a_push_is_faster_than_a_list() -> None:
    """What the stream tells is told once, however often it comes and whatever lists say."""
    with Rig(with_inbox=True) as rig:
        assert rig.inbox is not None
        resting(rig)
        rig.told()
        reads = len(rig.venue.requests)
        rig.engine.crowd(TICKER, "ask", "0.41", "4.00")
        fill = pushed_fill(rig, fill=rig.engine.fills[0].id)
        rig.inbox.put(fill)
        rig.inbox.put(fill)

        assert [Filled] == [type(fact) for fact in rig.told(1)]
        assert reads == len(rig.venue.requests)
        assert [] == rig.told(DeskPace().calm // SECOND)
        assert reads < len(rig.venue.requests)


def test_an_end_that_nobody_pushes_is_read() -> None:
    """The stream proves nothing by its silence: an order that has expired is over."""
    with Rig(with_inbox=True) as rig:
        resting(rig)
        rig.told()

        assert [Cancelled("i-1", "expired")] == rig.told(61)


def test_a_pushed_end_waits_for_its_fills() -> None:
    """The stream's own word for the end is kept, and comes after everything that traded."""
    with Rig(with_inbox=True) as rig:
        assert rig.inbox is not None
        resting(rig)
        rig.told()
        over = PushedOrder(
            venue_order=rig.ours("i-1")[0],
            client_order="i-1",
            market=TICKER,
            status="canceled",
            side=Side.BID,
            price=price("0.41"),
            filled=size("4"),
            remaining=size("0"),
            initial=size("10"),
            reason="SelfTradePrevention",
            shard=0,
            subaccount=None,
            at=rig.now,
            received=rig.now,
        )
        rig.inbox.put(over)
        assert [] == rig.told(0.1)
        rig.inbox.put(pushed_fill(rig))
        told = rig.told(0.1)

    assert [Filled, Cancelled] == [type(fact) for fact in told]
    assert Cancelled("i-1", "SelfTradePrevention") == told[1]


def test_a_pushed_fill_confirms_an_order_in_doubt() -> None:
    """A trade proves its order, and is told after it."""
    with Rig(with_inbox=True) as rig:
        assert rig.inbox is not None
        rig.venue.faults.append(LOST)
        rig.desk.submit(rig.intent(at="0.41", style=Style.MAKER), rig.now)
        rig.inbox.put(pushed_fill(rig))

        assert [Confirmed, Filled] == [type(fact) for fact in rig.told()][:2]


def test_a_second_order_under_our_name_is_never_mixed_up() -> None:
    """Should the venue ever hold two orders of one name, people are told."""
    with Rig(with_inbox=True) as rig:
        assert rig.inbox is not None
        resting(rig)
        rig.told()
        rig.inbox.put(pushed_fill(rig, venue_order="o-777"))

        assert [] == rig.told(0.1)
        assert ["i-1 is the name of two orders at the venue"] == rig.complaints
