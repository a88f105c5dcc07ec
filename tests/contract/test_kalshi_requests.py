"""What we ask the venue, and what our stand-in for it answers, against its own specification."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it comes without types, and no others are wanted
import pytest
import yaml

from market_bot.adapters.kalshi.discovery import Discovery, Scope
from market_bot.adapters.kalshi.polled import KalshiPolled
from market_bot.core.domain.numbers import HOUR, Duration
from tests.fakes.fact_sink import FactSink
from tests.fakes.fake_kalshi import ROOT, FakeKalshi
from tests.fakes.kalshi_client import WaitingClock, a_client
from tests.fakes.kalshi_records import (
    SERIES,
    TICKER,
    a_book,
    a_market,
    a_series,
    a_trade,
    an_event,
    ladder,
)

pytestmark = pytest.mark.reference

# What the specification demands and nothing of ours reads.
UNREAD = {
    "Series": {
        "categories": [],
        "tags": [],
        "settlement_sources": [],
        "contract_url": "",
        "contract_terms_url": "",
        "additional_prohibitions": [],
    }
}


@pytest.fixture(scope="module")
def specification(reference: Path) -> dict[str, Any]:
    """Return the venue's OpenAPI document."""
    path = reference / "fixtures/kalshi/spec/openapi.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load(path.read_bytes(), loader)  # noqa: S506 - both are the safe loader
    assert isinstance(document, dict)
    return document


@pytest.fixture
def asked(specification: dict[str, Any]) -> Iterator[list[tuple[str, str, dict[str, list[str]]]]]:
    """Return every request of two looks for markets and a few polls."""
    clock = WaitingClock()
    with FakeKalshi(clock.now_ms) as venue:
        venue.markets, venue.events, venue.series = ladder(), [an_event()], [a_series()]
        venue.books[TICKER] = a_book([("0.3000", "1.00")], [])
        venue.page_size = 2
        client = a_client(clock, url=venue.url)
        discovery = Discovery(client, clock)
        found = discovery.look(Scope(series=(SERIES,)))
        discovery.look(Scope(closes_within=Duration(200 * HOUR)))
        source = KalshiPolled(client, clock)
        source.watch(found.listings)
        venue.archived.append(venue.markets.pop())
        for _ in range(3):
            source.drain(FactSink(), clock.at)
            clock.pass_by(20_000_000)
        client.close()
        yield venue.requests


def resolved(specification: dict[str, Any], value: Any) -> Any:
    """Return a part of the document with its references followed and null allowed where it is."""
    if isinstance(value, list):
        return [resolved(specification, one) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        found: Any = specification
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return resolved(specification, found)
    plain = {key: resolved(specification, one) for key, one in value.items()}
    return {"anyOf": [plain, {"type": "null"}]} if plain.pop("nullable", False) else plain


def declared(specification: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """Return the query parameters of an endpoint by name."""
    name = path.removeprefix(ROOT)
    patterns = [one for one in specification["paths"] if fits(one, name)]
    assert patterns, f"{path} is not in the specification"
    operation = specification["paths"][name if name in patterns else patterns[0]][method.lower()]
    parameters = resolved(specification, operation.get("parameters", []))
    return {one["name"]: one for one in parameters if one["in"] == "query"}


def fits(pattern: str, name: str) -> bool:
    """Tell whether a path is of a pattern with ``{names}`` in it."""
    wanted, parts = pattern.split("/"), name.split("/")
    return len(wanted) == len(parts) and all(
        one == part or one.startswith("{") for one, part in zip(wanted, parts, strict=True)
    )


def read(schema: dict[str, Any], texts: list[str]) -> Any:
    """Return the value that the texts of a parameter stand for."""
    if schema.get("type") == "array":
        return texts
    assert 1 == len(texts)
    match schema.get("type"):
        case "integer":
            return int(texts[0])
        case "boolean":
            return {"true": True, "false": False}[texts[0]]
        case _:
            return texts[0]


def test_every_request_is_as_specified(
    specification: dict[str, Any], asked: list[tuple[str, str, dict[str, list[str]]]]
) -> None:
    """Paths exist, parameters are declared there, and their values fit."""
    for method, path, query in asked:
        known = declared(specification, method, path)
        for name, texts in query.items():
            assert name in known, f"{path} has no parameter {name}"
            schema = known[name]["schema"]
            jsonschema.validate(read(schema, texts), schema)

    assert {
        "/events",
        "/events/fee_changes",
        "/exchange/status",
        "/historical/markets",
        "/markets",
        "/markets/orderbooks",
        "/markets/trades",
        f"/series/{SERIES}",
        "/series/fee_changes",
    } == {path.removeprefix(ROOT) for _, path, _ in asked}


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("Market", a_market()),
        ("Market", ladder()[0]),
        ("EventData", an_event()),
        ("EventData", an_event(fee_multiplier_override=0.5)),
        ("Series", a_series() | UNREAD["Series"]),
        ("Trade", a_trade(1)),
        ("GetMarketOrderbookResponse", a_book([("0.3000", "1.00")], [])),
    ],
)
def test_our_records_are_as_specified(
    specification: dict[str, Any], name: str, record: dict[str, Any]
) -> None:
    """What the tests take for the venue's answers could be the venue's answers."""
    jsonschema.validate(
        record, resolved(specification, specification["components"]["schemas"][name])
    )
