"""Orders as the venue wants them, and what its answers prove."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from market_bot.adapters.polymarket.amounts import Lifetime, OrderSide
from market_bot.adapters.polymarket.order_replies import PlacedStatus
from market_bot.adapters.polymarket.orders import (
    Judged,
    Killed,
    Landed,
    OrderShapeError,
    Taken,
    expiry_s,
    judge_batch,
    judge_post,
    lifetime_of,
    over_by,
    shape,
)
from market_bot.adapters.polymarket.problems import (
    NoAnswer,
    OverBudget,
    PolymarketError,
    Unreachable,
    Unreadable,
    venue_problem,
)
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import SECOND, Micros, price, size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.ports.execution import Rejected, Unknown
from tests.fakes.fake_polymarket_records import a_market, body
from tests.fakes.fake_polymarket_rig import PolymarketRig, listing_of

NAME = "0x" + "ab" * 32
PLACED = {
    "success": True,
    "errorMsg": "",
    "orderID": NAME,
    "status": "matched",
    "makingAmount": "4.5",
    "takingAmount": "10",
}


def judged(answer: Any, side: OrderSide = OrderSide.BUY) -> Judged:
    """Return what an answer proves."""
    return judge_post(
        answer if isinstance(answer, bytes | PolymarketError) else body(answer), NAME, side
    )


def refused(status: int, told: object) -> Judged:
    """Return what a refusal proves."""
    data = told if isinstance(told, bytes) else body(told)
    return judged(venue_problem(status, {}, data))


@pytest.mark.parametrize(
    ("changes", "side", "taken"),
    [
        ({}, OrderSide.BUY, Taken(PlacedStatus.MATCHED, size("10"))),
        ({}, OrderSide.SELL, Taken(PlacedStatus.MATCHED, size("4.5"))),
        ({"orderID": NAME.upper().replace("0X", "0x")}, OrderSide.BUY, None),
        ({"status": "live", "takingAmount": ""}, OrderSide.BUY, Taken(PlacedStatus.LIVE, None)),
        ({"status": "delayed"}, OrderSide.BUY, Taken(PlacedStatus.DELAYED, size("10"))),
        ({"status": "brand_new"}, OrderSide.BUY, Taken(PlacedStatus.UNKNOWN, size("10"))),
        ({"takingAmount": "-1"}, OrderSide.BUY, Taken(PlacedStatus.MATCHED, None)),
        ({"takingAmount": "ten"}, OrderSide.BUY, Taken(PlacedStatus.MATCHED, None)),
    ],
)
def test_an_order_that_was_taken(
    changes: dict[str, Any], side: OrderSide, taken: Taken | None
) -> None:
    """What it says of sizes counts only where it can be read."""
    assert (taken or Taken(PlacedStatus.MATCHED, size("10"))) == judged(PLACED | changes, side)


@pytest.mark.parametrize(
    "answer",
    [
        PLACED | {"orderID": "0x" + "cd" * 32},
        PLACED | {"orderID": ""},
        PLACED | {"success": False},
        PLACED | {"errorMsg": "not enough balance / allowance"},
        {"success": False, "errorMsg": "could not run the execution"},
        {"success": False, "errorMsg": ""},
        {},
        b"",
        b"<html>",
        b"[]",
        NoAnswer("x"),
        Unreadable("x"),
        PolymarketError("x"),
    ],
)
def test_an_answer_that_proves_nothing(answer: Any) -> None:
    """An order may be there: everything that is not listed is doubt."""
    assert isinstance(judged(answer), Unknown)


def test_what_was_never_sent_is_refused() -> None:
    """Nothing left this machine."""
    for error in (Unreachable("x"), OverBudget("x")):
        assert Rejected("not_sent", "x") == judged(error)


def test_a_batch_is_judged_leg_by_leg() -> None:
    """A leg that failed says success; a batch that cannot be read leaves all in doubt."""
    failed = {"success": True, "errorMsg": "not enough balance / allowance", "orderID": ""}
    killed = failed | {"errorMsg": "no orders found to match with FAK order."}
    sent = [(NAME, OrderSide.BUY)] * 3
    found = judge_batch(body([PLACED, failed, killed]), sent)

    assert [Taken, Rejected, Killed] == [type(one) for one in found]
    for answer in (body([PLACED]), b"", body(PLACED)):
        assert [Unknown] * 3 == [type(one) for one in judge_batch(answer, sent)]
    assert [Rejected] * 3 == [type(one) for one in judge_batch(Unreachable("x"), sent)]


@pytest.mark.reference
def test_recorded_answers_prove_what_they_prove(reference: Path) -> None:
    """The venue's own words, from its documentation and from live answers."""
    folder = reference / "fixtures/polymarket/constructed"
    classes = {
        "killed (normal outcome)": Killed,
        "insufficient funds or stale server cache": Rejected,
        "post-only reject": Rejected,
        "market not ready": Rejected,
        "account type": Rejected,
        "auth/config": Rejected,
        "auth": Rejected,
        "client bug": Rejected,
        "unknown/closed/not hydrated token": Rejected,
        "post-restart mode": Rejected,
        "cancel-only": Rejected,
        "halt": Rejected,
        "matching engine restarting": Unknown,
        "rate limit": Unknown,
        "UNKNOWN OUTCOME for POST /order": Unknown,
        "edge/HTML body, UNKNOWN OUTCOME for POST /order": Unknown,
        "Cloudflare block page (not JSON)": Unknown,
    }
    seen = set()
    for one in json.loads((folder / "error_responses.json").read_text()):
        expected = classes.get(one["class"], Unknown)
        told = one["body"].encode() if isinstance(one["body"], str) else one["body"]
        assert isinstance(refused(one["status"], told), expected), one
        seen.add(one["class"])
    assert set(classes) <= seen
    answers = json.loads((folder / "order_endpoint_responses.json").read_text())
    for name in ("live", "matched", "delayed", "unmatched"):
        found = judge_post(body(answers[name]), answers[name]["orderID"], OrderSide.BUY)
        assert isinstance(found, Taken)
    batch = answers["batch_one_leg_failed"]
    legs = judge_batch(body(batch), [(batch[0]["orderID"], OrderSide.BUY), (NAME, OrderSide.BUY)])
    assert [Taken, Rejected] == [type(leg) for leg in legs]


def test_a_repetition_is_recognised() -> None:
    """In a refusal and in a leg of a batch: the first one is there."""
    words = f"order {NAME} is invalid. Duplicated."

    assert Landed() == refused(400, {"error": words})
    assert Landed() == judged({"success": True, "errorMsg": words, "orderID": ""})


def test_every_market_s_own_contract_signs() -> None:
    """Tokens of the second protocol and negative-risk markets have others."""
    rig = PolymarketRig()
    intent = rig.intent(style=Style.MAKER)
    plain = shape(intent, rig.now, listing_of(a_market(1)))
    risky = shape(intent, rig.now, listing_of(a_market(1, negRisk=True)))

    assert plain.plan.exchange is not risky.plan.exchange
    assert plain == shape(intent, rig.now, listing_of(a_market(1)))
    assert plain.plan.metadata == risky.plan.metadata
    other = shape(attrs.evolve(intent, id="i-2"), rig.now, listing_of(a_market(1)))
    assert plain.plan.metadata != other.plan.metadata
    assert plain.plan.salt != other.plan.salt


def test_legs_have_tokens_and_sides_of_their_own() -> None:
    """Buying NO is buying the other token, never selling YES."""
    rig = PolymarketRig()
    listing = listing_of(a_market(1))
    for leg, token in zip((Leg.YES, Leg.NO), listing.tokens, strict=True):
        bought = shape(rig.intent(leg=leg, at="0.30", quantity="7"), rig.now, listing)
        sold = shape(rig.intent(leg=leg, purpose=Purpose.EXIT), rig.now, listing)
        assert (int(token), OrderSide.BUY, size("7")) == (
            bought.plan.token,
            bought.plan.side,
            bought.size,
        )
        assert (int(token), OrderSide.SELL, size("10")) == (
            sold.plan.token,
            sold.plan.side,
            sold.size,
        )
        assert (2_100_000, 7_000_000) == (bought.plan.amounts.maker, bought.plan.amounts.taker)


@pytest.mark.parametrize("at", ["0", "1", "0.455"])
def test_a_price_that_cannot_be_said(at: str) -> None:
    """Nothing is signed."""
    rig = PolymarketRig()
    intent = rig.intent()
    signal = attrs.evolve(intent.draft.signal, price=price(at))
    draft = attrs.evolve(intent.draft, signal=signal)
    with pytest.raises(OrderShapeError):
        shape(attrs.evolve(intent, draft=draft), rig.now, listing_of(a_market(1)))


def test_only_sales_that_take_have_no_expiry() -> None:
    """Everything else ends by itself."""
    kinds = {(p, s): lifetime_of(p, s) for p in Purpose for s in Style}

    assert Lifetime.FAK is kinds.pop((Purpose.EXIT, Style.TAKER))
    assert {Lifetime.GTD} == set(kinds.values())


@pytest.mark.parametrize("life", [1, 59, 60, 119, 120, 121, 3_600])
def test_an_order_is_over_when_its_expiry_is(life: int) -> None:
    """It works at least as long as asked, and the venue's minimum is met."""
    at = Micros(1_792_497_600_400_000)
    ends = Micros(at + life * SECOND)
    carried = expiry_s(ends, at) * SECOND

    assert carried - 60 * SECOND >= ends
    assert carried >= at + 180 * SECOND
    assert over_by(Purpose.ENTRY, Style.TAKER, ends, at) > carried
    assert max(ends, at + 60 * SECOND) == over_by(Purpose.EXIT, Style.TAKER, ends, at)
