"""What we send about orders, and what our stand-in answers, against the venue's specification."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import jsonschema  # type: ignore[import-untyped] # it comes without types, and no others are wanted
import msgspec
import pytest
import yaml

from market_bot.adapters.kalshi.budgets import RateClass
from market_bot.adapters.kalshi.orders import BATCH, as_body, cancel_batch
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, price, size
from market_bot.core.domain.orders import Purpose, Style
from tests.fakes.fake_kalshi import ROOT
from tests.fakes.fake_kalshi_rig import CRYPTO, Rig
from tests.fakes.kalshi_records import TICKER

from .test_kalshi_requests import declared, fits, read, resolved

pytestmark = pytest.mark.reference


@attrs.frozen
class Talk:
    """One request and its answer."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes
    status: int
    answer: bytes


@pytest.fixture(scope="module")
def specification(reference: Path) -> dict[str, Any]:
    """Return the venue's OpenAPI document."""
    path = reference / "fixtures/kalshi/spec/openapi.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load(path.read_bytes(), loader)  # noqa: S506 - both are the safe loader
    assert isinstance(document, dict)
    return document


@pytest.fixture(scope="module")
def talks() -> Iterator[list[Talk]]:
    """Return everything a desk and an account ask, with its answers."""
    with Rig(group_limit="500") as rig:
        rig.engine.crowd(TICKER, "bid", "0.40", "50.00")
        rig.engine.crowd(TICKER, "ask", "0.45", "50.00")
        whatever_there_is(rig)
        asked = zip(rig.venue.requests, rig.venue.bodies, rig.venue.answers, strict=True)
        yield [Talk(*request, body, *answer) for request, body, answer in asked]


def whatever_there_is(rig: Rig) -> None:
    """Ask everything once."""
    desk = rig.desk
    desk.submit(rig.intent("i-1"), rig.now)
    desk.submit(rig.intent("i-2", "0.40", "3", purpose=Purpose.EXIT), rig.now)
    desk.submit(rig.intent("i-3", "0.56", "3", leg=Leg.NO, style=Style.MAKER), rig.now)
    desk.whole = True
    desk.submit(rig.intent("i-4", "0.60", "2", leg=Leg.NO), rig.now)
    desk.submit_batch(
        [rig.intent(name, "0.41", style=Style.MAKER) for name in ("i-5", "i-6")], rig.now
    )
    desk.submit(rig.intent("i-7", "0.41", style=Style.MAKER, market=CRYPTO), rig.now)
    rig.told(1)
    desk.amend("i-5", price("0.40"), size("6"), rig.now)
    desk.decrease("i-5", size("4"), rig.now)
    desk.cancel("i-6", rig.now)
    rig.told(1)
    body = as_body(cancel_batch([(rig.ours("i-5")[0], TICKER, 0)]))
    rig.rest.change("DELETE", BATCH, body=body, kind=RateClass.CANCEL)
    desk.cancel_all(rig.now)
    assert desk.groups is not None
    desk.groups.trigger()
    desk.groups.reset()
    rig.told(2)
    rig.looked("i-1", "i-9")
    rig.engine.determine(TICKER, "yes")
    rig.engine.finalize(TICKER)
    rig.account.settlements(Micros(0))


def operation(specification: dict[str, Any], talk: Talk) -> tuple[str, dict[str, Any]]:
    """Return the pattern of a path and what is specified for it."""
    name = talk.path.removeprefix(ROOT)
    patterns = [one for one in specification["paths"] if fits(one, name)]
    assert patterns, f"{talk.path} is not in the specification"
    pattern = name if name in patterns else patterns[0]
    return pattern, specification["paths"][pattern][talk.method.lower()]


def test_every_request_is_as_specified(specification: dict[str, Any], talks: list[Talk]) -> None:
    """Paths, queries and bodies, each field of them known and of its type."""
    seen = set()
    for talk in talks:
        pattern, known = operation(specification, talk)
        seen.add((talk.method, pattern))
        parameters = declared(specification, talk.method, talk.path)
        for name, texts in talk.query.items():
            assert name in parameters, f"{talk.path} has no parameter {name}"
            schema = parameters[name]["schema"]
            jsonschema.validate(read(resolved(specification, schema), texts), schema)
        if talk.body:
            content = known["requestBody"]["content"]["application/json"]["schema"]
            schema = resolved(specification, content)
            body = msgspec.json.decode(talk.body)
            jsonschema.validate(body, schema)
            assert set(body) <= set(schema.get("properties", {})), "a field nobody reads"

    orders = "/portfolio/events/orders"
    groups = "/portfolio/order_groups"
    assert {
        ("POST", orders),
        ("DELETE", orders),
        ("POST", f"{orders}/batched"),
        ("DELETE", f"{orders}/batched"),
        ("DELETE", f"{orders}/{{order_id}}"),
        ("POST", f"{orders}/{{order_id}}/amend"),
        ("POST", f"{orders}/{{order_id}}/decrease"),
        ("POST", f"{groups}/create"),
        ("PUT", f"{groups}/{{order_group_id}}/trigger"),
        ("PUT", f"{groups}/{{order_group_id}}/reset"),
        ("GET", "/portfolio/orders"),
        ("GET", "/portfolio/fills"),
        ("GET", "/portfolio/positions"),
        ("GET", "/portfolio/balance"),
        ("GET", "/portfolio/settlements"),
        ("GET", "/exchange/user_data_timestamp"),
    } == seen


def test_every_answer_is_as_specified(specification: dict[str, Any], talks: list[Talk]) -> None:
    """What the tests take for the venue's answers could be the venue's answers."""
    judged = 0
    for talk in talks:
        _, known = operation(specification, talk)
        assert str(talk.status) in known["responses"], f"{talk.path}: {talk.status} {talk.answer!r}"
        answer = known["responses"][str(talk.status)]
        content = resolved(specification, answer).get("content", {}).get("application/json")
        if content is not None and talk.status < 300:
            jsonschema.validate(msgspec.json.decode(talk.answer), content["schema"])
            judged += 1
    assert judged > 20


def test_orders_say_what_the_specification_says_in_words(talks: list[Talk]) -> None:
    """An expiry only where orders rest, all or nothing only where nothing is reduced."""
    orders = [
        msgspec.json.decode(talk.body)
        for talk in talks
        if talk.method == "POST" and talk.path.endswith("/portfolio/events/orders")
    ]

    assert {"good_till_canceled", "immediate_or_cancel", "fill_or_kill"} == {
        order["time_in_force"] for order in orders
    }
    for order in orders:
        rests = order["time_in_force"] == "good_till_canceled"
        assert rests == ("expiration_time" in order) == order.get("post_only", False)
        assert not order.get("reduce_only") or order["time_in_force"] == "immediate_or_cancel"
