"""The order desk against a whole exchange: orders, cancels, settlements and the venue's moods."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from market_bot.adapters.polymarket.desk import DeskPace, cancel_everything, canceller
from market_bot.adapters.polymarket.order_signing import Account, SignatureType
from market_bot.adapters.polymarket.orders import AHEAD, SECURITY
from market_bot.adapters.polymarket.own_fills import GhostLimits
from market_bot.adapters.polymarket.preflight import preflight
from market_bot.adapters.polymarket.rest import Endpoints, Patience, PolymarketRest
from market_bot.adapters.polymarket.transport import HttpTransport
from market_bot.adapters.polymarket.venue_mode import VenueMode
from market_bot.adapters.system.clock import SystemClock
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import SECOND, Micros, money, price, size
from market_bot.core.domain.orders import Order, OrderFill, OrderState, Purpose, Style
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Confirmed,
    Fact,
    Filled,
    Merged,
    Refused,
    Rejected,
    Reversed,
    Settled,
    Unknown,
)
from market_bot.core.ports.outbox import OutboxError
from tests.fakes.fake_polymarket import HANG_UP, HTML, POST_ONLY, SERVER_ERROR
from tests.fakes.fake_polymarket_engine import BAD, ONE, Mode, order_row, trade_row
from tests.fakes.fake_polymarket_exchange import Fault, ok, refusal
from tests.fakes.fake_polymarket_records import WALLET, a_v2_market
from tests.fakes.fake_polymarket_rig import (
    MARKET,
    NO,
    YES,
    MemoryOutbox,
    PolymarketRig,
)

KEPT_BYTES = b'"signature":"0x'


@pytest.fixture
def rig() -> PolymarketRig:
    """Return a venue that quotes 0.40 to 0.45."""
    return quoted()


def quoted(**changes: Any) -> PolymarketRig:
    """Return such a venue."""
    made = PolymarketRig(**changes)
    made.engine.crowd(YES, "BUY", "0.40", "50")
    made.engine.crowd(YES, "SELL", "0.45", "50")
    return made


def kinds(facts: list[Fact]) -> list[str]:
    """Return what sort of facts these are."""
    return [type(fact).__name__ for fact in facts]


def posted(rig: PolymarketRig, which: int = 0) -> dict[str, Any]:
    """Return what was sent as an order."""
    found = json.loads(rig.wire.bodies[which])
    assert isinstance(found, dict)
    return found


def as_journaled(rig: PolymarketRig, name: str, state: OrderState, **changes: Any) -> Order:
    """Return an order as the journal of the process before has it."""
    (sent,) = rig.engine.orders.values()
    order = Order(
        intent=name,
        signal="s",
        strategy="scripted",
        market=MARKET,
        event="E",
        family="F",
        leg=Leg.YES,
        purpose=Purpose.ENTRY,
        style=Style.MAKER,
        price=price("0.41"),
        size=size("10"),
        fee_bound=money("0"),
        expires_at=Micros(rig.now + 60 * SECOND),
        created_at=rig.now,
        state=state,
        venue_order=sent.id,
    )
    return attrs.evolve(order, **changes)


# -- sending -----------------------------------------------------------------------------------


def test_the_name_is_known_before_anything_is_sent(rig: PolymarketRig) -> None:
    """It is the one under which the venue has the order then."""
    name = rig.desk.order_name(rig.intent(), rig.now)

    assert [] == rig.wire.sent
    assert Accepted(name) == rig.desk.submit(rig.intent(), rig.now)
    assert [name] == list(rig.engine.orders)


def test_the_name_that_was_written_down_is_the_one_that_is_sent(rig: PolymarketRig) -> None:
    """Also if the clock has moved in between: nothing is signed anew."""
    intent = rig.intent()
    name = rig.desk.order_name(intent, rig.now)
    rig.pass_by(1)

    assert Accepted(name) == rig.desk.submit(intent, rig.now)


def test_every_entry_has_an_expiry(rig: PolymarketRig) -> None:
    """The venue wants it minutes ahead, and ends the order a minute before it."""
    rig.desk.submit(rig.intent(seconds=10, style=Style.MAKER, at="0.41"), rig.now)
    rig.desk.submit(rig.intent("i-2", seconds=600, style=Style.MAKER, at="0.41"), rig.now)
    short, long = (int(posted(rig, n)["order"]["expiration"]) for n in (0, 1))

    assert ["GTD", "GTD"] == [posted(rig, n)["orderType"] for n in (0, 1)]
    assert short * SECOND >= rig.now + AHEAD
    assert long * SECOND == rig.now + 600 * SECOND + SECURITY
    assert posted(rig)["postOnly"] is True


def test_an_order_is_cancelled_when_its_time_is_over(rig: PolymarketRig) -> None:
    """The venue would let it work for minutes more."""
    rig.desk.submit(rig.intent(seconds=10, style=Style.MAKER, at="0.41"), rig.now)

    assert [] == rig.told(9)
    assert [Cancelled("i-1", "expired")] == rig.told(1)
    assert [0] == [order.left for order in rig.engine.orders.values()]


def test_a_taker_buys_shares_and_not_dollars() -> None:
    """At a better price it costs less and brings no more; the rest does not wait."""
    rig = PolymarketRig()
    rig.engine.crowd(YES, "SELL", "0.20", "6")
    rig.engine.crowd(YES, "SELL", "0.30", "3")
    rig.desk.submit(rig.intent(at="0.45"), rig.now)
    facts = rig.told()

    assert ["Filled", "Cancelled"] == kinds(facts)
    fill = facts[0]
    assert isinstance(fill, Filled)
    assert (size("9"), money("2.1")) == (fill.size, fill.cost)
    assert Cancelled("i-1", "nothing_more_displayed") == facts[1]
    assert [0] == [order.left for order in rig.engine.orders.values()]


def test_a_taker_sells_what_is_settled_at_once(rig: PolymarketRig) -> None:
    """With an order that never rests."""
    rig.engine.tokens[YES] = 80 * ONE
    intent = rig.intent(at="0.40", quantity="60", purpose=Purpose.EXIT)
    rig.desk.submit(intent, rig.now)
    facts = rig.told()

    assert "FAK" == posted(rig)["orderType"]
    assert ["Filled", "Cancelled"] == kinds(facts)
    fill = facts[0]
    assert isinstance(fill, Filled)
    assert (size("50"), money("20")) == (fill.size, fill.cost)
    assert 0 == rig.wire.asked("DELETE", "/order")


def test_a_kill_is_a_normal_end(rig: PolymarketRig) -> None:
    """Nothing traded, nothing rests, and nothing went wrong."""
    rig.engine.tokens[YES] = 10 * ONE
    intent = rig.intent(at="0.44", purpose=Purpose.EXIT)

    assert isinstance(rig.desk.submit(intent, rig.now), Accepted)
    assert [Cancelled("i-1", "nothing_more_displayed")] == rig.told()
    assert [] == rig.complaints


def test_an_order_is_in_the_outbox_before_it_is_sent(tmp_path: Path) -> None:
    """And as long as it may trade; then it is gone."""
    rig = quoted(folder=tmp_path / "outbox")
    seen: list[int] = []
    rig.wire._takes = lambda: seen.append(len(rig.outbox.letters()))
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)

    assert [1] == seen
    (letter,) = rig.outbox.letters()
    assert letter.body == rig.wire.bodies[0]
    rig.desk.cancel("i-1", rig.now)
    rig.told()
    assert () == rig.outbox.letters()


def test_what_cannot_be_kept_is_not_sent(rig: PolymarketRig) -> None:
    """Without the outbox there is no order."""

    class Full(MemoryOutbox):
        def put(self, letters: Any) -> None:
            msg = "no room"
            raise OutboxError(msg)

    rig.desk.outbox = Full()

    assert Rejected("not_sent", "no room") == rig.desk.submit(rig.intent(), rig.now)
    assert [] == rig.wire.sent
    assert () == rig.desk.open_orders


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"market": "0x99"}, "nothing is known"),
        ({"seconds": 0}, "expired"),
        ({"at": "0.455"}, "not a multiple"),
        ({"quantity": "0.001"}, "nothing left"),
    ],
)
def test_what_cannot_be_said_is_not_sent(
    rig: PolymarketRig, changes: dict[str, Any], reason: str
) -> None:
    """Nothing leaves, and nothing is followed."""
    outcome = rig.desk.submit(rig.intent(**changes), rig.now)

    assert isinstance(outcome, Rejected)
    assert ("not_sent", True) == (outcome.code, reason in outcome.reason)
    assert ([], ()) == (rig.wire.sent, rig.desk.open_orders)


def test_an_order_is_sent_once(rig: PolymarketRig) -> None:
    """Whoever asks a second time learns nothing new, and no byte leaves."""
    rig.desk.submit(rig.intent(), rig.now)
    count = len(rig.wire.bodies)

    assert isinstance(rig.desk.submit(rig.intent(), rig.now), Unknown)
    assert count == len(rig.wire.bodies)


def test_a_batch_has_an_outcome_for_each(rig: PolymarketRig) -> None:
    """In their order; what is refused here is not sent at all."""
    outcomes = rig.desk.submit_batch(
        [
            rig.intent("i-1", "0.41", style=Style.MAKER),
            rig.intent("i-2", "0.411", style=Style.MAKER),
            rig.intent("i-3", "0.46", style=Style.MAKER),
            rig.intent("i-4", "0.42", "1000", style=Style.MAKER),
            rig.intent("i-5", "0.45"),
        ],
        rig.now,
    )

    assert ["Accepted", "Rejected", "Rejected", "Rejected", "Accepted"] == [
        type(one).__name__ for one in outcomes
    ]
    codes = [one.code for one in outcomes if isinstance(one, Rejected)]
    assert ["not_sent", "crosses", "funds"] == codes
    assert 1 == rig.wire.asked("POST", "/orders")
    assert ("i-1", "i-5") == rig.desk.open_orders
    with pytest.raises(ValueError, match="at most 15"):
        rig.desk.submit_batch([rig.intent(str(n)) for n in range(16)], rig.now)


def test_an_order_that_the_venue_holds_back() -> None:
    """It is there, it trades later, and what is left is cancelled after that."""
    rig = quoted(delay_s=3)
    outcome = rig.desk.submit(rig.intent(quantity="60"), rig.now)

    assert isinstance(outcome, Accepted)
    assert 0 == rig.wire.asked("DELETE", "/order")
    assert [] == rig.told(2)
    facts = rig.told(2) + rig.told(1) + rig.told(1)
    assert ["Filled", "Cancelled"] == [kind for kind in kinds(facts) if kind != "Settled"]
    assert [0] == [order.left for order in rig.engine.orders.values()]


def test_money_that_the_venue_does_not_see(rig: PolymarketRig) -> None:
    """Its copy of the chain may be old: it is told to look again."""
    rig.engine.cash = 1
    buy = rig.desk.submit(rig.intent(), rig.now)
    sale = rig.desk.submit(rig.intent("i-2", "0.40", purpose=Purpose.EXIT), rig.now)

    assert ["funds", "funds"] == [one.code for one in (buy, sale) if isinstance(one, Rejected)]
    assert [("COLLATERAL", ""), ("CONDITIONAL", YES)] == rig.venue.refreshed


def test_a_purchase_that_takes_costs_a_dollar(rig: PolymarketRig) -> None:
    """The venue refuses less; so it is not sent, while one that waits may be smaller."""
    rig.engine.crowd(YES, "SELL", "0.15", "50")
    small = rig.desk.submit(rig.intent("i-1", "0.15", "6"), rig.now)
    waits = rig.desk.submit(rig.intent("i-2", "0.10", "6", style=Style.MAKER), rig.now)
    enough = rig.desk.submit(rig.intent("i-3", "0.15", "7"), rig.now)

    assert isinstance(small, Rejected)
    assert "cost a dollar" in small.reason
    assert [Accepted, Accepted] == [type(waits), type(enough)]
    assert 2 == rig.wire.asked("POST", "/order")


def test_more_trades_than_was_asked_for(rig: PolymarketRig) -> None:
    """It is there, so it counts, and it is said."""
    rig.desk.submit(rig.intent(), rig.now)
    rig.engine.trades[0].legs[0].size = rig.engine.trades[0].size = 12 * ONE
    facts = rig.all_told(8)

    assert [size("12")] == [fact.size for fact in facts if isinstance(fact, Filled)]
    assert "i-1: more has traded than was asked for" in rig.complaints


def test_position_ids_have_a_kind_of_their_own() -> None:
    """A sale that the venue has no shares for has it look at the right ones again."""
    record = a_v2_market(1)
    rig = PolymarketRig(records=[record])
    yes = record["positionIds"][0]
    rig.engine.crowd(yes, "BUY", "0.40", "50")
    rig.desk.submit(rig.intent("i-2", "0.40", purpose=Purpose.EXIT), rig.now)

    assert [("CONDITIONAL-V2", yes)] == rig.venue.refreshed


@pytest.mark.parametrize("purpose", Purpose)
def test_more_than_was_asked_is_not_believed(rig: PolymarketRig, purpose: Purpose) -> None:
    """An answer in other units must not keep an order open for ever, nor end it too soon."""
    rig.engine.tokens[YES] = 50 * ONE
    at = "0.45" if purpose is Purpose.ENTRY else "0.40"
    intent = rig.intent(at=at, purpose=purpose)
    name = rig.desk.order_name(intent, rig.now)
    told = {"success": True, "orderID": name, "status": "matched", "tradeIDs": []}
    told |= {"makingAmount": "10000000", "takingAmount": "10000000"}
    rig.wire.faults.append(Fault(path="/order", acted=True, answer=ok(told)))
    rig.desk.submit(intent, rig.now)
    facts = rig.all_told(40)

    assert ["Filled", "Settled"] == kinds(facts)
    assert () == rig.desk.open_orders
    assert 1 == len([line for line in rig.complaints if "more is told to have traded" in line])


# -- deposit wallets ---------------------------------------------------------------------------


def test_a_deposit_wallet_from_the_first_byte_to_the_last() -> None:
    """Bought, settled, sold again: the wallet pays, its owner signs, and its tokens are counted."""
    wallet = Account(signature_type=SignatureType.DEPOSIT_WALLET, funder=WALLET)
    rig = quoted(paying=wallet)
    bought = rig.desk.submit(rig.intent(), rig.now)
    facts = rig.all_told(8)
    picture = rig.looked()
    sold = rig.desk.submit(rig.intent("i-2", "0.40", purpose=Purpose.EXIT), rig.now)
    sent = posted(rig)["order"]

    assert isinstance(bought, Accepted)
    assert isinstance(sold, Accepted)
    assert ["Filled", "Settled"] == kinds(facts)
    assert [size("10")] == [held.size for held in picture.positions]
    assert (3, WALLET.lower()) == (sent["signatureType"], sent["maker"].lower())
    assert sent["maker"] == sent["signer"] != rig.signer.login_address


@pytest.mark.parametrize(
    "wrong",
    [
        Account(signature_type=SignatureType.EOA),
        Account(signature_type=SignatureType.PROXY, funder=WALLET),
        Account(signature_type=SignatureType.DEPOSIT_WALLET, funder="0x" + "77" * 20),
    ],
)
def test_another_wallet_of_the_same_key_spends_nothing(wrong: Account) -> None:
    """The venue refuses it, provably, and says that the other one is empty."""
    rig = quoted(paying=wrong)
    rig.venue.wallet, rig.venue.holder = 3, WALLET
    outcome = rig.desk.submit(rig.intent(), rig.now)

    assert isinstance(outcome, Rejected)
    assert "invalid signature" in outcome.reason
    kind = wrong.signature_type
    found = {one.name: one for one in preflight(rig.rest, clock=rig.clock, signature_type=kind)}
    assert found["balance"].ok is (kind is SignatureType.DEPOSIT_WALLET)


# -- doubt -------------------------------------------------------------------------------------


def test_a_taker_in_doubt_is_cancelled_by_its_name(rig: PolymarketRig) -> None:
    """That the cancel works proves that the order was there."""
    rig.wire.faults.append(Fault(path="/order", method="POST", acted=True))
    outcome = rig.desk.submit(rig.intent(at="0.43"), rig.now)

    assert isinstance(outcome, Unknown)
    assert 1 == rig.wire.asked("DELETE", "/order")
    (name,) = rig.engine.orders
    assert [Confirmed("i-1", name), Cancelled("i-1", "nothing_more_displayed")] == rig.told()


def test_the_same_bytes_are_sent_again(rig: PolymarketRig) -> None:
    """While the order is wanted and two searches have found nothing: once, and no other bytes."""
    rig.wire.faults.append(Fault(path="/order", method="POST"))
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    (body,) = rig.wire.bodies
    facts = [fact for _ in range(8) for fact in rig.told(1)]

    (name,) = rig.engine.orders
    assert [Confirmed("i-1", name)] == facts
    assert [body, body] == rig.wire.bodies
    first, second = (n for n, one in enumerate(rig.wire.sent) if one == ("POST", "/order"))
    searches = rig.wire.sent[first:second].count(("GET", "/data/orders"))
    assert 2 == searches
    rig.all_told(30)
    assert 2 == len(rig.wire.bodies)


def test_a_repetition_that_is_refused_proves_nothing(rig: PolymarketRig) -> None:
    """The first one may have used up the very money that is missing now."""
    rig.wire.faults.extend(
        [
            Fault(path="/order", method="POST", acted=True),
            *[Fault(path="/data/*", stale=True)] * 6,
            Fault(
                path="/order",
                method="POST",
                answer=refusal(400, "not enough balance / allowance"),
            ),
        ]
    )
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    facts = [fact for _ in range(12) for fact in rig.told(1)]

    (name,) = rig.engine.orders
    assert 2 == len(rig.wire.bodies)
    assert [Confirmed("i-1", name)] == facts


def test_a_repetition_that_is_refused_as_such_proves_the_first(rig: PolymarketRig) -> None:
    """Lists may be behind; the venue knows its orders."""
    stale = [Fault(path="/data/*", stale=True)] * 6
    rig.wire.faults.extend([Fault(path="/order", method="POST", acted=True), *stale])
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    facts = [fact for _ in range(3) for fact in rig.told(1)]

    (order,) = rig.engine.orders.values()
    assert [Confirmed("i-1", order.id)] == facts
    assert 2 == order.posts
    assert [1] == [len(rig.engine.orders)]


def test_what_is_cancelled_is_not_sent_again(rig: PolymarketRig) -> None:
    """Nor what has expired, nor while the venue takes nothing."""
    rig.wire.faults.append(Fault(path="/order", method="POST"))
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    rig.desk.cancel("i-1", rig.now)
    rig.all_told(40)

    assert 1 == len(rig.wire.bodies)
    assert {} == rig.engine.orders


def test_an_order_nobody_has_seen_is_left_to_the_account(rig: PolymarketRig) -> None:
    """Long after it was over for certain, with a line for people; its signed bytes are gone."""
    rig.desk.pace = DeskPace(posts=1)
    rig.wire.faults.append(Fault(path="/order", method="POST"))
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    rig.told(100)
    assert ["i-1"] == list(rig.desk.open_orders)
    rig.told(800)

    assert not rig.desk.open_orders
    assert any("the account has to tell" in line for line in rig.complaints)
    assert () == rig.outbox.letters()


# -- cancelling --------------------------------------------------------------------------------


def test_a_cancel_is_not_proven_by_not_finding_the_order(rig: PolymarketRig) -> None:
    """It may have matched: that is seen in the lists."""
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    rig.engine.crowd(YES, "SELL", "0.41", "10", rests=False)
    rig.desk.cancel("i-1", rig.now)
    facts = rig.told()

    assert ["Filled"] == kinds(facts)


@pytest.mark.parametrize("path", ["/data/trades", "/data/orders"])
def test_an_order_that_is_over_stays_until_its_trades_are_told(
    rig: PolymarketRig, path: str
) -> None:
    """The cancel was carried out; what had traded before is in a list that is not to be had yet."""
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    rig.engine.crowd(YES, "SELL", "0.41", "4", rests=False)
    rig.wire.faults.extend([Fault(path=path, answer=HTML)] * 3)
    rig.desk.cancel("i-1", rig.now)
    assert [] == rig.told() + rig.told(1) + rig.told(1)

    assert ["Filled", "Cancelled"] == [kind for kind in kinds(rig.all_told(4)) if kind != "Settled"]


def test_a_cancel_is_sent_again_until_it_is_proven(rig: PolymarketRig) -> None:
    """Less and less often."""
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41", seconds=600), rig.now)
    rig.wire.faults.extend([Fault(path="/order", method="DELETE", answer=SERVER_ERROR)] * 4)
    rig.desk.cancel("i-1", rig.now)
    for _ in range(14):
        rig.told(1)

    assert 4 == rig.wire.asked("DELETE", "/order")
    assert [Cancelled("i-1", "cancelled")] == rig.all_told(4)


def test_what_ends_together_is_cancelled_in_one_request(rig: PolymarketRig) -> None:
    """A venue that is slow is not waited for once per order."""
    for number in range(3):
        intent = rig.intent(f"i-{number}", "0.30", "5", style=Style.MAKER, seconds=10)
        rig.desk.submit(intent, rig.now)
    facts = rig.told(10)

    assert [Cancelled(f"i-{number}", "expired") for number in range(3)] == facts
    assert (1, 0) == tuple(rig.wire.asked("DELETE", path) for path in ("/orders", "/order"))


def test_everything_is_cancelled_at_once(rig: PolymarketRig) -> None:
    """By the desk, by the kill switch without one, and in one market only."""
    for number, market in enumerate((MARKET, MARKET, "0x" + f"{2:064x}")):
        rig.desk.submit(
            rig.intent(f"i-{number}", "0.30", "5", style=Style.MAKER, market=market), rig.now
        )
    assert rig.desk.cancel_market(MARKET, rig.now)
    told = rig.told()
    assert [Cancelled("i-0", "cancelled"), Cancelled("i-1", "cancelled")] == told
    assert rig.desk.cancel_all(rig.now)
    assert [Cancelled("i-2", "cancelled")] == rig.told()
    rig.wire.faults.append(Fault(path="/cancel-all", answer=HTML))
    assert not rig.desk.cancel_all(rig.now)
    assert not rig.desk.cancel_market("0x77", rig.now)
    assert cancel_everything(rig.rest) is None
    rig.wire.faults.append(Fault(path="/cancel-all", unsent=True))
    assert not canceller(rig.rest, rig.complaints.append)(rig.now)
    assert canceller(rig.rest)(rig.now)


# -- fills -------------------------------------------------------------------------------------


def test_a_fill_is_provisional_until_it_is_settled(rig: PolymarketRig) -> None:
    """And told once each."""
    rig.desk.submit(rig.intent(), rig.now)
    facts = rig.all_told(20)

    assert ["Filled", "Settled"] == kinds(facts)
    fill, settled = facts
    assert isinstance(fill, Filled)
    assert (True, price("0.45"), money("0.12375")) == (fill.provisional, fill.price, fill.fee)
    assert Settled("i-1", fill.fill) == settled


def test_a_fill_that_fails_is_undone(rig: PolymarketRig) -> None:
    """And what is left of its order must not work on."""
    rig.engine.paths.append(BAD)
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    rig.engine.crowd(NO, "BUY", "0.59", "4")
    facts = rig.all_told(20)

    assert ["Filled", "Reversed", "Cancelled"] == kinds(facts)
    assert [0] == [order.left for order in rig.engine.orders.values()]


def test_a_maker_whose_counterpart_bought_the_other_token(rig: PolymarketRig) -> None:
    """Two purchases made a pair: ours is at our own price."""
    rig.desk.submit(rig.intent(leg=Leg.NO, style=Style.MAKER, at="0.57", quantity="8"), rig.now)
    rig.engine.crowd(YES, "BUY", "0.43", "8")
    (fill,) = [fact for fact in rig.all_told(8) if isinstance(fact, Filled)]

    assert (price("0.57"), size("8"), money("4.56"), money("0")) == (
        fill.price,
        fill.size,
        fill.cost,
        fill.fee,
    )
    assert {NO: 8 * ONE} == rig.engine.tokens


def test_a_family_whose_trades_fail_is_left_alone() -> None:
    """Nothing is opened there for a while; what reduces goes out."""
    rig = quoted(ghosts=GhostLimits(window=10, share=100_000))
    for number in range(2):
        rig.engine.paths.append(BAD)
        rig.desk.submit(rig.intent(f"i-{number}", quantity="5"), rig.now)
        rig.all_told(10)
    refused = rig.desk.submit(rig.intent("i-2", quantity="5"), rig.now)

    assert isinstance(refused, Rejected)
    assert "failed to settle" in refused.reason
    rig.engine.tokens[YES] = 5 * ONE
    sale = rig.intent("i-3", "0.40", "5", purpose=Purpose.EXIT)
    assert isinstance(rig.desk.submit(sale, rig.now), Accepted)
    rig.told(3600)
    assert isinstance(rig.desk.submit(rig.intent("i-4", quantity="5"), rig.now), Accepted)


def test_a_trade_in_the_stream_and_in_the_list() -> None:
    """Whichever is first is told; late and repeated news are none."""
    rig = quoted(with_inbox=True)
    assert rig.inbox is not None
    rig.push(times=3)
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    rig.engine.crowd(YES, "SELL", "0.41", "10", rests=False)
    facts = rig.all_told(20)
    (trade,) = rig.engine.trades
    rig.inbox.hear("trade", {**trade_row(trade), "status": "MATCHED"})
    facts += rig.all_told(5)

    assert ["Filled", "Settled"] == kinds(facts)


def test_a_kill_in_the_stream_says_nothing_of_sizes() -> None:
    """What had traded by then is read."""
    rig = quoted(with_inbox=True)
    assert rig.inbox is not None
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    rig.engine.crowd(YES, "SELL", "0.41", "4", rests=False)
    (order,) = rig.engine.orders.values()
    rig.engine.cancel([order.id])
    row = {**order_row(order), "size_matched": "", "original_size": "", "created_at": ""}
    rig.inbox.hear("order", row)
    facts = rig.all_told(10)

    assert ["Filled", "Cancelled", "Settled"] == kinds(facts)


def test_what_may_be_missing_is_read() -> None:
    """A stream that lost its connection says so, and lists are asked at once."""
    rig = quoted(with_inbox=True)
    assert rig.inbox is not None
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    rig.told(20)
    rig.engine.crowd(YES, "SELL", "0.41", "4", rests=False)
    asked = rig.wire.asked("GET", "/data/trades")
    assert [] == rig.told(1)
    assert asked == rig.wire.asked("GET", "/data/trades")
    rig.inbox.miss()

    assert ["Filled"] == kinds(rig.told())


def test_orders_beyond_a_page_are_all_followed(rig: PolymarketRig) -> None:
    """Lists are walked to their end."""
    for number in range(9):
        intent = rig.intent(f"i-{number}", "0.30", "5", style=Style.MAKER, seconds=600)
        rig.desk.submit(intent, rig.now)
    rig.engine.crowd(YES, "SELL", "0.30", "95", rests=False)
    facts = rig.all_told(12)

    assert {f"i-{number}" for number in range(9)} == {
        fact.intent for fact in facts if isinstance(fact, Filled)
    }
    assert () == rig.desk.open_orders


# -- the venue's moods -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        (Mode.RESTARTING, VenueMode.CLOSED),
        (Mode.HALTED, VenueMode.CLOSED),
        (Mode.CANCEL_ONLY, VenueMode.CANCEL_ONLY),
        (Mode.POST_ONLY, VenueMode.POST_ONLY),
    ],
)
def test_what_the_venue_does_not_take_is_not_asked_for(
    rig: PolymarketRig, mode: Mode, told: VenueMode
) -> None:
    """Until its time is over; then the next order finds out."""
    rig.engine.mode = mode
    first = rig.desk.submit(rig.intent("i-1"), rig.now)
    second = rig.desk.submit(rig.intent("i-2"), rig.now)

    # A restart proves nothing about the order.
    assert isinstance(first, Unknown if mode is Mode.RESTARTING else Rejected)
    assert Rejected("not_sent", f"the venue is {told.value}") == second
    assert 1 == len(rig.wire.bodies)
    waiting = rig.desk.submit(rig.intent("i-3", "0.41", "5", style=Style.MAKER), rig.now)
    assert isinstance(waiting, Accepted) is (mode is Mode.POST_ONLY)
    rig.engine.mode = Mode.OPEN
    rig.told(80)
    assert isinstance(rig.desk.submit(rig.intent("i-4", quantity="5"), rig.now), Accepted)
    assert [told, VenueMode.OPEN] == rig.modes


def test_the_venue_says_how_long(rig: PolymarketRig) -> None:
    """Nobody asks before that."""
    rig.wire.faults.append(Fault(path="/order", method="POST", answer=POST_ONLY))
    rig.desk.submit(rig.intent(), rig.now)
    rig.told(78)
    early = rig.desk.submit(rig.intent("i-2"), rig.now)
    rig.told(1)

    assert isinstance(early, Rejected)
    assert isinstance(rig.desk.submit(rig.intent("i-3"), rig.now), Accepted)


def test_whoever_only_reduces_tries_all_the_same(rig: PolymarketRig) -> None:
    """Neither the venue's mood nor missing signs of life keep a sale here."""
    rig.engine.tokens[YES] = 50 * ONE
    rig.engine.mode = Mode.CANCEL_ONLY
    rig.desk.alive = lambda _: "no sign of life"
    refused = rig.desk.submit(rig.intent("i-1"), rig.now)
    rig.desk.submit(rig.intent("i-2", "0.40", purpose=Purpose.EXIT), rig.now)
    rig.desk.submit(rig.intent("i-3", "0.40", purpose=Purpose.EXIT), rig.now)

    assert Rejected("not_sent", "no sign of life") == refused
    assert 2 == len(rig.wire.bodies)


# -- processes ---------------------------------------------------------------------------------


def test_an_order_of_an_earlier_process_is_followed(rig: PolymarketRig) -> None:
    """By the name in the journal; what was told is not told again."""
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    rig.engine.crowd(YES, "SELL", "0.41", "4", rests=False)
    (fill, *_) = rig.told()
    assert isinstance(fill, Filled)
    known = OrderFill(
        id=fill.fill,
        size=fill.size,
        cost=fill.cost,
        fee=fill.fee,
        basis=fill.cost,
        provisional=True,
    )
    order = as_journaled(rig, "i-1", OrderState.ACCEPTED, filled=size("4"), fills=(known,))
    rig.new_desk()
    rig.desk.adopt([order])
    facts = rig.all_told(10)
    rig.desk.cancel("i-1", rig.now)
    facts += rig.told()

    assert [Settled("i-1", fill.fill), Cancelled("i-1", "cancelled")] == facts


def test_an_order_without_its_name_is_found_by_its_letter(rig: PolymarketRig) -> None:
    """The outbox knows both names."""
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    order = as_journaled(rig, "i-1", OrderState.INTENDED, venue_order="")
    rig.new_desk()
    rig.desk.adopt([order])

    (name,) = rig.engine.orders
    assert [Confirmed("i-1", name)] == rig.told()


def test_letters_of_orders_that_are_over_are_removed(rig: PolymarketRig) -> None:
    """Those of open ones stay."""
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    order = as_journaled(rig, "i-1", OrderState.ACCEPTED)
    rig.new_desk()
    rig.desk.adopt([order])
    assert 1 == len(rig.outbox.letters())
    rig.new_desk()
    rig.desk.adopt([attrs.evolve(order, state=OrderState.CANCELLED)])

    assert () == rig.outbox.letters()


def test_a_damaged_letter_stops_nothing(tmp_path: Path) -> None:
    """It is reported, and the order is found by the journal's name."""
    rig = quoted(folder=tmp_path)
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    order = as_journaled(rig, "i-1", OrderState.UNKNOWN)
    rig.new_desk()
    rig.desk.adopt([order])

    assert ["Confirmed"] == kinds(rig.told())
    assert "not a signed order" in rig.complaints[0]


def test_what_was_found_elsewhere_is_not_told_again(rig: PolymarketRig) -> None:
    """The comparison with the account may be first; how it settled is told all the same."""
    rig.desk.submit(rig.intent(), rig.now)
    before = rig.desk.book
    (trade,) = rig.engine.trades
    fill = Filled(
        intent="i-1",
        fill=f"{trade.id}/{trade.taker_id[:12]}",
        price=price("0.45"),
        size=size("10"),
        cost=money("4.5"),
        fee=money("0"),
        liquidity=Style.TAKER,
        at=rig.now,
        provisional=True,
    )
    rig.desk.learn([fill, Refused("nobody", "x")])

    assert before.knows(fill.fill)
    assert [Settled("i-1", fill.fill)] == rig.all_told(12)


def test_a_fill_of_an_order_that_is_not_followed_any_more(rig: PolymarketRig) -> None:
    """Found by the account after its order was over: its end is told."""
    rig.engine.paths.append(BAD)
    rig.desk.submit(rig.intent(), rig.now)
    (trade,) = rig.engine.trades
    rig.new_desk()
    late = Filled(
        intent="i-1",
        fill=f"{trade.id}/{trade.taker_id[:12]}",
        price=price("0.45"),
        size=size("10"),
        cost=money("4.5"),
        fee=money("0"),
        liquidity=Style.TAKER,
        at=rig.now,
        provisional=True,
    )
    rig.desk.learn([late])

    assert [Reversed("i-1", late.fill, "the trade failed to settle")] == rig.all_told(12)


def test_a_market_nobody_knows_yet_is_waited_for(rig: PolymarketRig) -> None:
    """A trade is told once its token and its fee can be."""
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    order = as_journaled(rig, "i-1", OrderState.ACCEPTED)
    known = dict(rig.listings)
    rig.listings.clear()
    rig.new_desk()
    rig.desk.adopt([order])
    rig.engine.crowd(YES, "SELL", "0.41", "4", rests=False)
    assert [] == rig.all_told(4)
    assert 1 == len(rig.complaints)
    rig.listings.update(known)

    assert {"Filled"} <= set(kinds(rig.all_told(8)))


def test_pairs_are_not_merged_by_the_desk(rig: PolymarketRig) -> None:
    """It claims no such ability; whoever has it done on the chain says so."""
    assert not rig.desk.abilities.pairs_pay
    rig.desk.merge("m-1", MARKET, size("5"), rig.now)
    assert [Merged("m-1", MARKET, size("5"), money("5"))] == rig.told()


def test_the_same_over_a_real_connection(rig: PolymarketRig) -> None:
    """An answer that never comes is doubt, and the order is found."""
    real = SystemClock()
    with rig.venue.serving() as venue:
        at = Endpoints(gamma=venue.url, clob=venue.url, data=venue.url, site=venue.url)
        rig.rest = PolymarketRest(
            HttpTransport(real),
            rig.clock,
            rig.clock.wait,
            endpoints=at,
            credentials=rig.rest._credentials,
            patience=Patience(tries=1),
        )
        rig.new_desk()
        venue.fail("/order", HANG_UP)
        outcome = rig.desk.submit(rig.intent(), rig.now)
        facts = rig.all_told(8)
        rig.rest.close()

    assert isinstance(outcome, Unknown)
    assert ["Confirmed", "Filled", "Settled"] == kinds(facts)
    assert [1] == [order.posts for order in rig.engine.orders.values()]


def test_nothing_signed_is_shown(rig: PolymarketRig) -> None:
    """Neither the desk nor its complaints show a signature."""
    rig.wire.faults.extend([Fault(path="/order", method="POST"), Fault(path="/data/orders")])
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    rig.told()
    signature = rig.wire.bodies[0].partition(KEPT_BYTES)[2][:40].decode()

    assert signature
    assert rig.complaints
    assert signature not in repr(rig.desk) + "".join(rig.complaints) + repr(rig.outbox.letters())
