"""Orders in the venue's words, and what its answers prove."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

from market_bot.adapters.kalshi.errors import (
    BudgetSpentError,
    ClockSkewError,
    KalshiError,
    NotSentError,
    OutcomeUnknownError,
)
from market_bot.adapters.kalshi.orders import (
    LANDED,
    OrderShapeError,
    Taken,
    amend_order,
    as_body,
    cancel_done,
    cancel_params,
    count_text,
    create_order,
    decrease_order,
    judge_batch,
    judge_change,
    judge_create,
    legs_price,
    price_text,
)
from market_bot.adapters.kalshi.parse_errors import Problem, parse_problem
from market_bot.adapters.kalshi.rest import Answer, refusal
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import SECOND, Micros, Price, Size, price, size
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.execution import Accepted, Rejected, Unknown
from tests.fakes.builders import a_draft, a_signal, an_intent
from tests.fakes.clock import NOON

MADE = b'{"order_id":"o-1","client_order_id":"i-1","fill_count":"3.00","remaining_count":"7.00"}'


def wanted(**changes: Any) -> Intent:
    """Return ten YES at 0.48 that rest for a minute, with a changed signal."""
    return an_intent(draft=a_draft(a_signal(**changes)))


def answered(body: bytes, status: int = 201) -> Answer:
    """Return an answer."""
    return Answer(status, body, NOON)


def refused(status: int, code: str) -> KalshiError:
    """Return what the transport makes of a refusal."""
    return refusal(status, Problem(code, code), "POST")


def test_a_maker_says_when_it_ends() -> None:
    """A resting order only makes, and ends by itself before it is counted as over."""
    intent = attrs.evolve(wanted(), expires_at=Micros(NOON + 60 * SECOND + 999_999))
    assert {
        "ticker": "M-1",
        "client_order_id": "i-1",
        "side": "bid",
        "count": "10.00",
        "price": "0.4800",
        "self_trade_prevention_type": "taker_at_cross",
        "exchange_index": 2,
        "order_group_id": "g-1",
        "time_in_force": "good_till_canceled",
        "expiration_time": NOON // SECOND + 60,
        "post_only": True,
        "cancel_order_on_pause": True,
    } == create_order(intent, NOON, shard=2, group="g-1")


def test_a_taker_ends_at_once() -> None:
    """It carries no expiry, and says that it reduces only if it does."""
    entry = create_order(wanted(style=Style.TAKER), NOON, shard=0)
    leaving = wanted(style=Style.TAKER, purpose=Purpose.EXIT)
    sale = create_order(leaving, NOON, shard=0)

    assert ("immediate_or_cancel", False) == (entry["time_in_force"], entry["reduce_only"])
    assert ("immediate_or_cancel", True) == (sale["time_in_force"], sale["reduce_only"])
    assert not {"expiration_time", "post_only", "order_group_id"} & (entry.keys() | sale.keys())


def test_all_or_nothing_is_for_entries() -> None:
    """The venue lets nobody reduce with all or nothing."""
    entry = create_order(wanted(style=Style.TAKER), NOON, shard=0, whole=True)
    leaving = wanted(style=Style.TAKER, purpose=Purpose.EXIT)

    assert "fill_or_kill" == entry["time_in_force"]
    assert "reduce_only" not in entry
    assert create_order(leaving, NOON, shard=0, whole=True)["reduce_only"]


def test_a_maker_never_reduces_only() -> None:
    """The venue refuses it for anything that rests."""
    assert "reduce_only" not in create_order(wanted(purpose=Purpose.EXIT), NOON, shard=0)


@pytest.mark.parametrize(
    ("leg", "purpose", "side", "sent"),
    [
        (Leg.YES, Purpose.ENTRY, "bid", "0.4800"),
        (Leg.YES, Purpose.EXIT, "ask", "0.4800"),
        (Leg.NO, Purpose.ENTRY, "ask", "0.5200"),
        (Leg.NO, Purpose.EXIT, "bid", "0.5200"),
    ],
)
def test_every_order_is_in_yes_prices(leg: Leg, purpose: Purpose, side: str, sent: str) -> None:
    """Buying NO at q is offering YES at 1 - q; the way back gives the leg's own price."""
    order = create_order(wanted(leg=leg, purpose=purpose), NOON, shard=0)

    assert (side, sent) == (order["side"], order["price"])
    assert price("0.48") == legs_price(leg, purpose, Side(side), price(sent))
    assert legs_price(leg, purpose, Side(side).other, price(sent)) is None


@pytest.mark.parametrize("left", [0, 1, 1_999_999])
def test_what_could_not_rest_is_not_sent(left: int) -> None:
    """The venue wants a whole second in the future, and the way there takes time."""
    with pytest.raises(OrderShapeError, match="two seconds"):
        create_order(attrs.evolve(wanted(), expires_at=Micros(NOON + left)), NOON, shard=0)


@pytest.mark.parametrize("at", [0, 1_000_000, 150, -100])
def test_prices_the_venue_cannot_read(at: int) -> None:
    """Four decimals, and neither nothing nor a dollar."""
    with pytest.raises(OrderShapeError):
        price_text(Price(at))


@pytest.mark.parametrize("quantity", [0, -10_000, 15_000])
def test_sizes_the_venue_cannot_read(quantity: int) -> None:
    """Hundredths of a contract, and at least one of them."""
    with pytest.raises(OrderShapeError):
        count_text(Size(quantity))


def test_numbers_are_texts() -> None:
    """With all the decimals the venue itself writes."""
    assert ("0.0100", "0.9999", "0.01", "12345.60") == (
        price_text(price("0.01")),
        price_text(price("0.9999")),
        count_text(size("0.01")),
        count_text(size("12345.6")),
    )


@pytest.mark.parametrize("name", ["", "x" * 65, "with space", "ü", "a/b?c"])
def test_names_the_venue_might_not_take(name: str) -> None:
    """A name that is changed on its way would be another order's."""
    with pytest.raises(OrderShapeError):
        create_order(attrs.evolve(wanted(), id=name), NOON, shard=0)


def test_changes_name_order_market_and_shard() -> None:
    """So that they find the order wherever it lives."""
    amended = amend_order("i-1", "M-1", Side.ASK, price=price("0.4"), total=size("8"), shard=2)
    assert ("ask", "0.4000", "8.00", "i-1", "M-1", 2) == (
        amended["side"],
        amended["price"],
        amended["count"],
        amended["client_order_id"],
        amended["ticker"],
        amended["exchange_index"],
    )
    assert {"reduce_to": "3.00", "market_ticker": "M-1", "exchange_index": 2} == decrease_order(
        "M-1", size("3"), 2
    )
    assert {"market_ticker": "M-1", "exchange_index": "2"} == dict(cancel_params("M-1", 2))


def test_an_order_that_was_taken() -> None:
    """Both counts are read."""
    assert Taken("o-1", size("3"), size("7")) == judge_create(answered(MADE), "i-1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b'{"order_id":"o-1"',
        b'{"order_id":"o-1"}',
        b'{"client_order_id":"i-1","order_id":"","fill_count":"0.00","remaining_count":"1.00"}',
        b'{"client_order_id":"i-1","order_id":"o-1","fill_count":"x","remaining_count":"1.00"}',
        b'{"client_order_id":"i-1","order_id":"o-1","fill_count":"-1.00","remaining_count":"1.00"}',
        b'{"client_order_id":"i-1","order_id":"o-1","fill_count":0,"remaining_count":1}',
        MADE.replace(b"i-1", b"i-2"),
        MADE.replace(b'"client_order_id":"i-1",', b""),
        b"<html></html>",
    ],
)
def test_a_success_without_an_order_proves_nothing(body: bytes) -> None:
    """Whatever the status says, there has to be an order, whole and ours."""
    assert isinstance(judge_create(answered(body), "i-1"), Unknown)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "insufficient_balance"),
        (400, "invalid_price"),
        (400, "invalid_order"),
        (400, "bad_request"),
        (401, "authentication_error"),
        (410, "deprecated_v1_order_endpoint"),
    ],
)
def test_listed_refusals_are_proven(status: int, code: str) -> None:
    """The venue said no, in a way of which we know what it means."""
    assert Rejected(code) == judge_create(refused(status, code), "i-1")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, LANDED),
        (409, "something_else"),
        (404, "not_found"),
        (429, "too_many_requests"),
        (400, "a_new_code"),
        (403, "authentication_error"),
        (200, "insufficient_balance"),
        (201, "invalid_price"),
    ],
)
def test_everything_else_is_unknown(status: int, code: str) -> None:
    """A duplicate landed before; a code we do not know, or a status of success, is no proof."""
    assert isinstance(judge_create(refused(status, code), "i-1"), Unknown)
    assert isinstance(judge_change(refused(status, code), "o-1"), Unknown)
    assert not cancel_done(refused(status, code), "o-1")


@pytest.mark.parametrize("kind", [NotSentError, BudgetSpentError, ClockSkewError])
def test_what_was_not_sent_is_refused(kind: type[NotSentError]) -> None:
    """Nothing left this machine."""
    assert Rejected("not_sent", "why") == judge_create(kind("why"), "i-1")


def test_no_answer_is_unknown() -> None:
    """It may have happened."""
    assert isinstance(judge_create(OutcomeUnknownError("timeout"), "i-1"), Unknown)
    assert not cancel_done(OutcomeUnknownError("timeout"), "o-1")


def test_a_change_is_about_its_order() -> None:
    """An answer about another order proves nothing about ours."""
    body = b'{"order_id":"o-1","reduced_by":"1.00","ts_ms":1}'

    assert Accepted("o-1") == judge_change(answered(body, 200), "o-1")
    assert cancel_done(answered(body, 200), "o-1")
    for other in (body.replace(b"o-1", b"o-2"), b"", b"{}"):
        assert isinstance(judge_change(answered(other, 200), "o-1"), Unknown)
        assert not cancel_done(answered(other, 200), "o-1")


def test_a_batch_is_judged_order_by_order() -> None:
    """Taken, proven refused, a duplicate, an unknown code, and an order without counts."""
    items = [
        msgspec.json.decode(MADE),
        {"client_order_id": "i-2", "error": {"code": "insufficient_balance"}},
        {"client_order_id": "i-3", "error": {"code": LANDED}},
        {"client_order_id": "i-4", "order_id": "o-4", "error": {"code": "invalid_price"}},
        {"order_id": "o-5"},
    ]
    body = as_body({"orders": items})
    names = [f"i-{number}" for number in range(1, 6)]
    judged = judge_batch(answered(body), names)

    assert [Taken, Rejected, Unknown, Unknown, Unknown] == [type(one) for one in judged]
    assert Unknown(LANDED) == judged[2]
    for answer in (answered(body), answered(b""), OutcomeUnknownError("timeout")):
        assert {Unknown} == {type(one) for one in judge_batch(answer, names[:4])}
    assert {Rejected("not_sent", "no")} == set(judge_batch(NotSentError("no"), names))


def test_a_batch_that_answers_about_others() -> None:
    """An answer in another order than the question is no answer."""
    body = as_body({"orders": [msgspec.json.decode(MADE)]})

    assert isinstance(judge_batch(answered(body), ["i-2"])[0], Unknown)


RECORDED = {
    "orders__create_v2_maker": Taken,
    "orders__create_v2_taker_ioc": Taken,
    "orders__stp_self_cross": Taken,
    "orders__settlement_seed": Taken,
    "orders__duplicate_client_order_id": Unknown,
    "orders__reuse_canceled_client_id": Unknown,
    "orders__insufficient_balance": Rejected,
    "orders__invalid_price_structure": Rejected,
    "orders__post_only_cross": Rejected,
    "orders__numeric_field_types": Rejected,
    "orders__cancel_v2": Accepted,
    "orders__cancel_unknown_id": Unknown,
    "orders__cancel_executed": Unknown,
    "orders__cancel_already_canceled": Unknown,
}


@pytest.mark.reference
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_answers_are_judged_right(reference: Path, name: str) -> None:
    """What the venue really answered in June 2026."""
    folder = reference / "fixtures/kalshi/recorded-demo-2026-06"
    body = (folder / f"{name}.json").read_bytes()
    about = msgspec.json.decode((folder / f"{name}.meta.json").read_bytes())
    problem = parse_problem(body)
    answer: Answer | KalshiError = answered(body, about["status"])
    if problem is not None:
        answer = refusal(about["status"], problem, about["method"])
    if about["method"] == "DELETE":
        judged: object = judge_change(answer, about["path"].rpartition("/")[2])
    else:
        judged = judge_create(answer, about["request_body"]["client_order_id"])

    assert RECORDED[name] is type(judged)
    if name == "orders__stp_self_cross":
        assert Taken("07ac75d5-1cdb-4477-beee-5246146e7eaa", Size(0), Size(0)) == judged
