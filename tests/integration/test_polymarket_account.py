"""The account at the venue: what is there, what is on its way, and what could not be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from market_bot.adapters.polymarket.contracts import Exchange
from market_bot.adapters.polymarket.heartbeats import Heartbeats
from market_bot.adapters.polymarket.order_signing import SignatureType
from market_bot.adapters.polymarket.own_records import TradeStatus
from market_bot.adapters.polymarket.parse_own import (
    balance,
    closed_only,
    orders,
    standing_of,
    status_of,
    trades,
)
from market_bot.adapters.polymarket.preflight import Finding, preflight
from market_bot.adapters.polymarket.wire import UnreadableRecord
from market_bot.core.domain.lane import Ended, LaneState, Position
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import SECOND, Micros, format_size, money, price, size
from market_bot.core.domain.orders import Order, OrderState, Purpose, Style
from market_bot.core.ports.account import Standing
from tests.fakes.fake_polymarket import HTML, SERVER_ERROR, Answer
from tests.fakes.fake_polymarket_engine import BAD, ONE, order_row, trade_row
from tests.fakes.fake_polymarket_exchange import Fault, ok
from tests.fakes.fake_polymarket_records import Record, a_market, body, token
from tests.fakes.fake_polymarket_rig import MARKET, NO, YES, PolymarketRig

OTHER = "0x" + f"{2:064x}"


@pytest.fixture
def rig() -> PolymarketRig:
    """Return a venue that quotes 0.40 to 0.45."""
    made = PolymarketRig()
    made.engine.crowd(YES, "BUY", "0.40", "50")
    made.engine.crowd(YES, "SELL", "0.45", "50")
    return made


def an_order(rig: PolymarketRig, name: str = "i-1", **changes: Any) -> Order:
    """Return an order of ours as the journal has it."""
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
        state=OrderState.UNKNOWN,
        venue_order=next(iter(rig.engine.orders), ""),
    )
    return attrs.evolve(order, **changes)


def a_position(held: str, market: str = MARKET, leg: Leg = Leg.YES) -> Position:
    """Return a position."""
    return Position(
        market=market,
        event="E",
        family="F",
        leg=leg,
        strategy="scripted",
        signal="s",
        size=size(held),
        cost=money("1"),
        opened_at=Micros(0),
    )


def knowing(*orders: Order, positions: tuple[Position, ...] = (), **changes: Any) -> LaneState:
    """Return what the journal says."""
    return LaneState(
        orders={order.intent: order for order in orders},
        positions={f"{held.market}:{held.leg.value}": held for held in positions},
        **changes,
    )


def test_what_is_on_its_way_counts(rig: PolymarketRig) -> None:
    """A trade that is not on the chain yet is in the money and in the tokens, once."""
    rig.desk.submit(rig.intent(), rig.now)
    rig.state = knowing(an_order(rig, state=OrderState.FILLED))
    before = rig.looked()
    rig.pass_by(2)
    mined = rig.looked()
    rig.pass_by(2)
    after = rig.looked()

    for picture in (before, mined, after):
        assert () == picture.missing
        assert money("95.37625") == picture.cash
        (held,) = picture.positions
        assert (MARKET, Leg.YES, size("10")) == (held.market, held.leg, held.size)
    assert [True, True, False] == [p.fills[0].provisional for p in (before, mined, after)]
    (fill,) = after.fills
    assert ("i-1", size("10"), money("4.5"), money("0.12375"), Style.TAKER) == (
        fill.intent,
        fill.size,
        fill.cost,
        fill.fee,
        fill.liquidity,
    )


def test_a_trade_that_failed_never_was(rig: PolymarketRig) -> None:
    """Neither in the money nor among the fills."""
    rig.engine.paths.append(BAD)
    rig.desk.submit(rig.intent(), rig.now)
    rig.state = knowing(an_order(rig))
    rig.pass_by(10)
    picture = rig.looked()

    assert (money("100"), (), ()) == (picture.cash, picture.positions, picture.fills)


def test_a_trade_that_settles_while_it_is_read(rig: PolymarketRig) -> None:
    """It could be in both or in neither: nothing is concluded."""
    rig.desk.submit(rig.intent(), rig.now)
    rig.state = knowing(an_order(rig))
    count = 0

    def meanwhile() -> None:
        nonlocal count
        count += 1
        if count == 3:
            rig.pass_by(2)

    rig.wire._takes = meanwhile
    assert ("trades: one settled while the balances were read",) == rig.looked().missing
    assert () == rig.looked().missing


def test_the_venue_looks_at_the_chain_first(rig: PolymarketRig) -> None:
    """Its own copy may be old; where nothing has traded that is asked for only now and then."""
    rig.state = knowing(positions=(a_position("5"),))
    all_of_it = [("COLLATERAL", ""), ("CONDITIONAL", YES), ("CONDITIONAL", NO)]
    rig.looked()
    assert all_of_it == rig.venue.refreshed
    rig.looked()
    assert [*all_of_it, ("COLLATERAL", "")] == rig.venue.refreshed
    rig.pass_by(300)
    rig.looked()
    assert all_of_it == rig.venue.refreshed[4:]
    rig.desk.submit(rig.intent(), rig.now)
    rig.looked()
    assert all_of_it == rig.venue.refreshed[7:]


def test_tokens_of_the_second_protocol(rig: PolymarketRig) -> None:
    """They are asked for by another word."""
    rig = PolymarketRig([a_market(1, version="v2", clobTokenIds=None, positionIds=["12", "13"])])
    rig.state = knowing(positions=(a_position("5"),))
    rig.looked()

    kinds = {kind for kind, _ in rig.venue.refreshed}
    assert {"COLLATERAL", "CONDITIONAL-V2"} == kinds


def test_orders_of_ours_and_of_others(rig: PolymarketRig) -> None:
    """Ours carry our name; whatever else rests is there, too."""
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41", seconds=600), rig.now)
    rig.state = knowing(an_order(rig))
    rig.desk.submit(
        rig.intent("theirs", style=Style.MAKER, at="0.41", leg=Leg.NO, seconds=600), rig.now
    )
    rig.engine.crowd(YES, "SELL", "0.41", "4", rests=False)
    picture = rig.looked()

    found = {order.intent: order for order in picture.orders}
    assert (size("10"), size("4"), Standing.RESTING, Leg.YES) == (
        found["i-1"].size,
        found["i-1"].filled,
        found["i-1"].standing,
        found["i-1"].leg,
    )
    assert (None, Leg.NO) == (found[None].intent, found[None].leg)


def test_an_order_in_doubt_is_searched_for_by_its_name(rig: PolymarketRig) -> None:
    """Also one that is over; it was looked for enough once it is found."""
    rig.desk.submit(rig.intent(style=Style.MAKER, at="0.41"), rig.now)
    rig.desk.cancel("i-1", rig.now)
    rig.state = knowing(an_order(rig))
    picture = rig.looked("i-1", "i-unknown")

    assert frozenset({"i-1"}) == picture.looked_for
    assert [Standing.CANCELLED] == [order.standing for order in picture.orders]


def test_an_order_may_still_arrive(rig: PolymarketRig) -> None:
    """Until the expiry that it carries: before that, that it is not there says nothing."""
    rig.state = knowing(an_order(rig, venue_order="0x" + "ab" * 32))
    rig.pass_by(120)
    assert frozenset() == rig.looked("i-1").looked_for
    rig.pass_by(71)
    assert frozenset({"i-1"}) == rig.looked("i-1").looked_for


def test_an_order_that_was_never_named_was_never_sent(rig: PolymarketRig) -> None:
    """There is nothing to search for, and nothing that could be found."""
    rig.state = knowing(an_order(rig, venue_order=""))
    rig.pass_by(300)
    asked = rig.wire.asked("GET", "/data/orders")

    assert frozenset({"i-1"}) == rig.looked("i-1").looked_for
    assert asked + 1 == rig.wire.asked("GET", "/data/orders")


UNREADABLE: tuple[Answer, ...] = (
    SERVER_ERROR,
    HTML,
    ok({"data": [{"id": "x"}]}),
    ok({}),
    (200, b"", {}),
)


@pytest.mark.parametrize(
    ("path", "names", "answer"),
    [
        *(("/data/orders", "orders", answer) for answer in UNREADABLE),
        *(("/data/trades", "trades", answer) for answer in UNREADABLE),
        *(("/balance-allowance", "balance", answer) for answer in UNREADABLE),
        *(("/balance-allowance/update", "balance", answer) for answer in UNREADABLE[:2]),
    ],
)
def test_what_cannot_be_read_is_named(
    rig: PolymarketRig, path: str, names: str, answer: Answer
) -> None:
    """And nothing is concluded from such a picture."""
    rig.state = knowing(an_order(rig), positions=(a_position("5"),))
    rig.wire.faults.append(Fault(path=path, answer=answer))
    picture = rig.looked("i-1")

    assert picture.missing
    assert picture.missing[0].startswith(names)


def test_a_list_without_an_end(rig: PolymarketRig) -> None:
    """It is as good as none."""
    loop = ok({"data": [], "next_cursor": "p0"})
    rig.wire.faults.extend([Fault(path="/data/trades", answer=loop)] * 3)

    assert "does not come to an end" in rig.looked().missing[0]


def test_a_market_that_nobody_watches_any_more(rig: PolymarketRig) -> None:
    """It is looked up in the catalogue; where that knows nothing, the picture is not whole."""
    rig.engine.tokens[token(4)] = 5 * ONE
    rig.state = knowing(positions=(a_position("5", OTHER),))
    rig.listings.pop(OTHER)
    picture = rig.looked()
    assert [f"positions: nothing is known of market {OTHER}"] == list(picture.missing)
    event = {"events": [{"slug": "e", "title": "E"}]}
    rig.venue.closed_markets = [a_market(2, closed=True) | event]
    picture = rig.looked()

    assert () == picture.missing
    assert [(OTHER, size("5"))] == [(held.market, held.size) for held in picture.positions]


def test_what_the_journal_has_never_seen(rig: PolymarketRig) -> None:
    """The data API names it, the order book says how much there is; its copy may be old."""
    rig.engine.tokens.update({token(5): 7 * ONE, "123": 2 * ONE, NO: 3 * ONE})
    rig.venue.page = 1
    picture = rig.looked()
    rig.engine.tokens["123"] = 0
    rig.wire.faults.append(Fault(path="/v2/positions", unsent=True))
    rig.pass_by(301)
    later = rig.looked()

    assert () == picture.missing == later.missing
    held = {(one.market, one.leg): one.size for one in picture.positions}
    strange = (rig.venue.strange, Leg.YES)
    others = {(OTHER, Leg.NO): size("7"), (MARKET, Leg.NO): size("3")}
    assert {strange: size("2"), **others} == held
    assert others == {(one.market, one.leg): one.size for one in later.positions}
    assert {"7", "2"} <= {format_size(one.size) for one in picture.positions}


@pytest.mark.parametrize(
    "answer",
    [
        SERVER_ERROR,
        ok({"data": [{"token_id": "x", "condition_id": "0x1", "outcome_index": 0}]}),
        ok({"data": [{"token_id": "7", "condition_id": "0x1", "outcome_index": 2}]}),
        ok({"data": [{"token_id": "7", "condition_id": "", "outcome_index": 0}]}),
        ok({"data": []} | {"pagination": {"has_more": True, "next_cursor": "p0"}}),
        (200, b"[" * 100_000, {}),
    ],
)
def test_at_first_it_has_to_be_known_what_else_is_held(rig: PolymarketRig, answer: Answer) -> None:
    """Without an answer to that nothing is concluded; with the first one it is."""
    rig.wire.faults.extend([Fault(path="/v2/positions", answer=answer)] * 50)
    assert ("positions: what else is held cannot be found out",) == rig.looked().missing
    rig.wire.faults.clear()
    assert () == rig.looked().missing


@pytest.mark.parametrize("name", ["../../etc", "0x1?x=1", "0x" + "1" * 150, "ä"])
def test_a_trade_in_a_market_that_cannot_be_named(rig: PolymarketRig, name: str) -> None:
    """What the venue calls a market becomes part of a request: nothing is sent, and it is said."""
    rig.desk.submit(rig.intent(), rig.now)
    _, trade = rows(rig)
    rig.wire.faults.extend(
        [Fault(path="/data/trades", answer=ok({"data": [trade | {"market": name}]}))] * 2
    )

    assert "markets: not an id of the venue" in rig.looked().missing[0]


def test_what_ended_markets_still_owe(rig: PolymarketRig) -> None:
    """The journal has counted it as money: so does the picture, until it is redeemed."""
    rig.engine.tokens.update({YES: 7 * ONE, NO: 2 * ONE})
    ended = {MARKET: Ended(yes_payout=price("1"))}
    rig.state = knowing(ended=ended)
    picture = rig.looked()

    assert (money("107"), ()) == (picture.cash, picture.positions)
    (owed,) = rig.account.redeemable()
    assert (MARKET, YES, Leg.YES, size("7"), money("7")) == (
        owed.market,
        owed.token,
        owed.leg,
        owed.size,
        owed.payout,
    )
    rig.engine.tokens.clear()
    rig.engine.cash += 7 * ONE
    assert money("107") == rig.looked().cash
    asked = rig.wire.asked("GET", "/balance-allowance")
    assert money("107") == rig.looked().cash
    assert asked + 1 == rig.wire.asked("GET", "/balance-allowance"), "the empty ones again"


def test_the_chain_s_rounding_is_no_difference(rig: PolymarketRig) -> None:
    """Less than a hundredth of a share; more is one."""
    rig.state = knowing(positions=(a_position("5"),))
    rig.engine.tokens[YES] = 5 * ONE - 9_999
    assert [size("5")] == [held.size for held in rig.looked().positions]
    rig.engine.tokens[YES] = 5 * ONE - 10_000
    assert [size("4.99")] == [held.size for held in rig.looked().positions]
    rig.engine.tokens[YES] = 0
    assert () == rig.looked().positions


# -- parsing -----------------------------------------------------------------------------------


def rows(rig: PolymarketRig) -> tuple[Record, Record]:
    """Return an order and a trade as lists tell them."""
    rig.desk.submit(rig.intent(), rig.now)
    (order,) = rig.engine.orders.values()
    (trade,) = rig.engine.trades
    return order_row(order), trade_row(trade)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"asset_id": ""},
        {"side": "HOLD"},
        {"original_size": "-1"},
        {"size_matched": "x"},
        {"side": None},
    ],
)
def test_an_order_that_cannot_be_read(rig: PolymarketRig, changes: Record) -> None:
    """Nothing of ours is passed over: the whole answer is refused."""
    order, _ = rows(rig)
    with pytest.raises(UnreadableRecord):
        orders(body({"data": [order, order | changes]}))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"id": "x" * 201},
        {"id": "a\nb"},
        {"size": "1000000000001"},
        {"size": "1e15"},
        {"taker_order_id": ""},
        {"status": "TRADE_STATUS_PONDERING"},
        {"size": "0"},
        {"size": ""},
        {"price": "1.5"},
        {"match_time": "", "last_update": ""},
        {"maker_orders": [{"order_id": "0x1"}]},
        {"maker_orders": [{}] * 1_001},
    ],
)
def test_a_trade_that_cannot_be_read(rig: PolymarketRig, changes: Record) -> None:
    """Nothing of ours is passed over: the whole answer is refused."""
    _, trade = rows(rig)
    with pytest.raises(UnreadableRecord):
        trades(body({"data": [trade, trade | changes]}))


@pytest.mark.parametrize(
    ("parse", "answer"),
    [
        (orders, b"[]"),
        (orders, b'{"data":{}}'),
        (trades, b""),
        (balance, b"{}"),
        (balance, b'{"balance":"1.5"}'),
        (balance, b'{"balance":"-1"}'),
        (balance, b'{"balance":"1","allowances":{"a":"x"}}'),
        (closed_only, b'{"closed_only":"no"}'),
        (closed_only, b"{}"),
    ],
)
def test_an_answer_that_is_none(parse: Callable[[bytes], object], answer: bytes) -> None:
    """Missing is not zero."""
    with pytest.raises(UnreadableRecord):
        parse(answer)


@pytest.mark.parametrize(
    ("word", "standing"),
    [
        ("LIVE", Standing.RESTING),
        ("ORDER_STATUS_LIVE", Standing.RESTING),
        ("MATCHED", Standing.FILLED),
        ("CANCELED_EXPIRED_ORDER", Standing.CANCELLED),
        ("CANCELED_order couldn't be fully filled", Standing.CANCELLED),
        ("INVALID", Standing.CANCELLED),
        ("DELAYED", Standing.UNCLEAR),
        ("", Standing.UNCLEAR),
        ("BRAND_NEW", Standing.UNCLEAR),
    ],
)
def test_the_venue_s_words_for_orders(word: str, standing: Standing) -> None:
    """A strange one says nothing."""
    assert standing is standing_of(word)


def test_the_venue_s_words_for_trades() -> None:
    """With and without their prefix; only two of them are final."""
    assert TradeStatus.MATCHED is status_of("TRADE_STATUS_MATCHED_NOT_BROADCASTED")
    assert TradeStatus.FAILED is status_of("failed")
    assert {TradeStatus.CONFIRMED, TradeStatus.FAILED} == {s for s in TradeStatus if s.final}
    assert {TradeStatus.CONFIRMED, TradeStatus.MINED} == {s for s in TradeStatus if s.on_chain}


@pytest.mark.reference
def test_recorded_answers_are_read(reference: Path) -> None:
    """A list of orders of July 2026, and an example of a trade in the documentation."""
    folder = reference / "fixtures/polymarket"
    captured = folder / "polyoxide/inline-captures/clob_data_orders_2026-07-24.json"
    (order,), cursor = orders(captured.read_bytes())
    assert ("", Standing.RESTING, size("5"), size("0")) == (
        cursor,
        order.standing,
        order.size,
        order.matched,
    )
    shown = json.loads((folder / "docs-examples/websocket__user-channel__1_trade.json").read_text())
    (trade,), _ = trades(body({"data": [shown]}))
    assert (TradeStatus.MATCHED, size("10"), 1) == (trade.status, trade.size, len(trade.legs))
    examples = json.loads((folder / "constructed/order_endpoint_responses.json").read_text())
    found = balance(body(examples["balance_allowance_collateral"]))
    assert (141_171_137, 2) == (found.amount, len(found.allowances))


# -- before anything is sent -------------------------------------------------------------------


def findings(rig: PolymarketRig, **changes: Any) -> dict[str, Finding]:
    """Return what stands against sending orders, by name."""
    found = preflight(rig.rest, clock=rig.clock, signature_type=SignatureType.EOA, **changes)
    return {one.name: one for one in found}


def test_nothing_stands_against_it(rig: PolymarketRig) -> None:
    """Everything was looked at."""
    found = findings(rig, least=money("100"))

    named = {"place", "protocol", "clock", "account", "balance", "allowance", "wallet"}
    assert named == set(found)
    assert all(one.ok for one in found.values())
    assert "deposit wallet" in found["wallet"].text


def test_what_stands_against_it(rig: PolymarketRig) -> None:
    """Each with what to do, in one line."""
    rig.venue.blocked = rig.venue.close_only = True
    rig.venue.protocol = 3
    rig.venue.spenders.pop()
    rig.engine.cash = 0
    found = findings(rig)

    wrong = {name: one.text for name, one in found.items() if not one.ok}
    assert {"place", "protocol", "account", "balance", "allowance"} == set(wrong)
    assert "no orders from IE/L" in wrong["place"]
    assert "update market-bot" in wrong["protocol"]
    assert "only close positions" in wrong["account"]
    assert "POLYMARKET_SIGNATURE_TYPE" in wrong["balance"]
    assert "positions" in wrong["allowance"]
    assert all("\n" not in text for text in wrong.values())
    assert findings(rig, exchanges=[Exchange.STANDARD])["allowance"].ok
    rig.engine.cash = ONE
    assert not findings(rig, least=money("2"))["balance"].ok


@pytest.mark.parametrize(("seconds", "way"), [(30, "ahead"), (-30, "behind")])
def test_a_clock_that_is_wrong_stands_against_it(
    rig: PolymarketRig, seconds: int, way: str
) -> None:
    """Expiries and logins carry our time: an order would wait longer than it should, or be over."""
    there = rig.now // SECOND - seconds
    rig.wire.faults.append(Fault(path="/time", answer=ok(there)))
    wrong = findings(rig)["clock"]

    assert (False, True) == (wrong.ok, findings(rig)["clock"].ok)
    assert f"{way} of the venue's" in wrong.text


def test_what_cannot_be_found_out_stands_against_it(rig: PolymarketRig) -> None:
    """It counts as wrong, and the rest is looked at all the same."""
    for path in ("/api/geoblock", "/version", "/auth/ban-status/closed-only"):
        rig.wire.faults.append(Fault(path=path, answer=HTML))
    rig.wire.faults.append(Fault(path="/balance-allowance", unsent=True))
    found = findings(rig)

    assert {"place", "protocol", "account", "wallet"} == found.keys() - {"clock"}
    assert ["clock"] == [one.name for one in found.values() if one.ok]


def test_signs_of_life(rig: PolymarketRig) -> None:
    """Every five seconds with the last name; without one that was taken nothing is opened."""
    beats = Heartbeats(rig.rest, rig.complaints.append)
    assert beats.refuses(rig.now) is not None
    assert Micros(rig.now + 5 * SECOND) == beats.step(rig.now)
    assert beats.refuses(Micros(rig.now + 8 * SECOND)) is None
    assert beats.refuses(Micros(rig.now + 9 * SECOND)) is not None
    assert Micros(rig.now + 5 * SECOND) == beats.step(Micros(rig.now + SECOND))
    assert 1 == rig.venue.beats
    rig.pass_by(5)
    beats.step(rig.now)
    assert 2 == rig.venue.beats
    beats.stop(rig.now, "end")


def test_a_sign_of_life_by_the_wrong_name(rig: PolymarketRig) -> None:
    """The venue says which it expects; that one is sent at once."""
    rig.venue.heartbeat = "somebody-else-s"
    beats = Heartbeats(rig.rest, rig.complaints.append)
    beats.step(rig.now)

    assert 1 == rig.venue.beats
    assert beats.refuses(rig.now) is None


def test_signs_of_life_that_are_not_taken(rig: PolymarketRig) -> None:
    """They are sent again soon, and one line says why nothing is opened."""
    beats = Heartbeats(rig.rest, rig.complaints.append)
    rig.wire.faults.extend([Fault(path="/v1/heartbeats", answer=SERVER_ERROR)] * 4)
    assert Micros(rig.now + SECOND) == beats.step(rig.now)
    beats.step(Micros(rig.now + SECOND))

    assert beats.refuses(rig.now) is not None
    assert 1 == len(rig.complaints)


def test_used_up_limits_are_waited_for(rig: PolymarketRig) -> None:
    """What the venue says is left of a signer's tokens counts, in the class it was said of."""
    used_up = {"Poly-RateLimit-Remaining": "0", "Poly-RateLimit-Reset": "2"}
    rig.wire.faults.append(Fault(path="/time", answer=(200, b"1792497600", used_up)))
    rig.rest.server_time()
    rig.rest.cancel_all()
    assert [] == rig.clock.waits
    rig.rest.version()
    assert [2 * SECOND] == rig.clock.waits
