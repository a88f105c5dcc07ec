"""The stream beside the venue's own documents and frames, where there are any."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it comes without types, and no others are wanted
import pytest
import yaml

from market_bot.adapters.kalshi.private_stream import PrivateInbox, pushed_fill, pushed_order
from market_bot.adapters.kalshi.stream import StreamPace
from market_bot.adapters.kalshi.stream_messages import (
    Failed,
    Fill,
    Lifecycle,
    Ok,
    Snapshot,
    Subscribed,
    Ticker,
    Unknown,
    UserOrder,
    parse_frame,
)
from market_bot.adapters.kalshi.ws_books import FoldedBook
from market_bot.core.domain.numbers import Micros, money, price, size
from tests.fakes.kalshi_client import WaitingClock
from tests.fakes.kalshi_frames import VenueFrames
from tests.fakes.kalshi_streaming import Streaming

pytestmark = pytest.mark.reference

FIXTURES = "fixtures/kalshi"
ONE = "KXTEMP-26DEC01-T50"
TWO = "KXTEMP-26DEC01-B52"
READ = {
    "orderbook_snapshot",
    "orderbook_delta",
    "trade",
    "ticker",
    "fill",
    "user_order",
    "market_lifecycle_v2",
    "event_lifecycle",
    "event_fee_update",
    "subscribed",
    "unsubscribed",
    "ok",
    "error",
}


@pytest.fixture(scope="module")
def specification(reference: Path) -> dict[str, Any]:
    """Return the venue's AsyncAPI document."""
    path = reference / FIXTURES / "spec/asyncapi.yaml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load(path.read_bytes(), loader)  # noqa: S506 - both are the safe loader
    assert isinstance(document, dict)
    return document


def sent() -> list[dict[str, Any]]:
    """Return every command of a life with gaps, changes, silence and orders of our own."""
    clock = WaitingClock()
    venue = VenueFrames(clock, [ONE, TWO])
    pace = StreamPace(tickers=True)
    streaming = Streaming(clock, venue, [ONE, TWO], pace=pace, inbox=PrivateInbox())
    streaming.watch(ONE)
    venue.connect()
    streaming.settle()
    streaming.watch(TWO)
    streaming.settle()
    venue.fates.append("lose")
    venue.change(ONE, "yes", 31, 100)
    venue.change(ONE, "yes", 31, 200)
    streaming.settle()
    streaming.stream._told.markets[ONE].book.lose()
    streaming.after(6)
    streaming.after(11)
    streaming.stream.drop([ONE])
    streaming.settle()
    return venue.commands


def test_what_we_send_is_what_the_venue_documents(specification: dict[str, Any]) -> None:
    """Every command fits its schema, and says nothing the schema does not know."""
    schemas = {
        "subscribe": "subscribeCommandPayload",
        "unsubscribe": "unsubscribeCommandPayload",
        "update_subscription": "updateSubscriptionCommandPayload",
        "list_subscriptions": "listSubscriptionsCommandPayload",
    }
    commands = sent()
    for command in commands:
        name = schemas[command["cmd"]]
        schema = {"$ref": f"#/components/schemas/{name}", **specification}
        jsonschema.Draft202012Validator(schema).validate(command)
        known = specification["components"]["schemas"][name]["properties"]
        assert command.keys() <= known.keys()
        assert (
            command.get("params", {}).keys() <= known.get("params", {}).get("properties", {}).keys()
        )

    assert schemas.keys() == {command["cmd"] for command in commands}
    actions = {one["params"].get("action") for one in commands if "params" in one}
    assert {"add_markets", "delete_markets", "get_snapshot"} < actions


def test_what_does_not_fit_is_noticed(specification: dict[str, Any]) -> None:
    """The check above can fail: a channel that does not exist is refused."""
    wrong = {"id": 1, "cmd": "subscribe", "params": {"channels": ["weather"]}}
    schema = {"$ref": "#/components/schemas/subscribeCommandPayload", **specification}
    with pytest.raises(jsonschema.ValidationError, match="weather"):
        jsonschema.Draft202012Validator(schema).validate(wrong)


def test_every_documented_example_is_read(reference: Path) -> None:
    """What the venue documents is read, or is of a type we know that we do not read."""
    path = reference / FIXTURES / "asyncapi-examples/ws_examples.jsonl"
    seen = set()
    for line in path.read_text().splitlines():
        message = json.loads(line)["payload"]
        if not isinstance(message, dict) or "type" not in message:
            continue
        found = parse_frame(json.dumps(message).encode())
        seen.add(message["type"])
        assert isinstance(found, Unknown) is (message["type"] not in READ), message
        assert not isinstance(found, Unknown) or not found.broken

    assert seen >= READ


def test_documented_fills_and_orders_are_exact(reference: Path) -> None:
    """The examples of our own orders and fills have the numbers that stand there."""
    path = reference / FIXTURES / "asyncapi-examples/ws_examples.jsonl"
    read = [
        parse_frame(json.dumps(one["payload"]).encode())
        for one in map(json.loads, path.read_text().splitlines())
        if one["message"] in ("fill", "userOrder")
    ]
    fills = [pushed_fill(one.msg, Micros(1)) for one in read if isinstance(one, Fill)]
    orders = [pushed_order(one.msg, Micros(1)) for one in read if isinstance(one, UserOrder)]

    assert [(price("0.75"), size(278), money("0.01"))] == [
        (one.price, one.size, one.fee) for one in fills
    ]
    assert orders
    assert all(one.filled + one.remaining <= one.initial for one in orders)


def test_recorded_frames_are_read(reference: Path) -> None:
    """Frames as they came from the venue, from three recordings, to the last one."""
    folder = reference / FIXTURES / "verbatim-frames"
    frames = [
        line
        for path in sorted(folder.glob("ws_*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]
    read = [parse_frame(frame) for frame in frames]
    kinds = [type(one) for one in read]

    assert Unknown not in kinds
    assert {Subscribed, Snapshot, Ticker, Ok, Failed, Lifecycle} <= set(kinds)
    empty = [one for one in read if isinstance(one, Snapshot)][-1]
    book = FoldedBook(no_in_yes_prices=True)
    book.replace(empty.msg)
    assert (True, {}, {}) == (book.whole, book.bids, book.asks)


def test_a_recorded_hour_is_read(reference: Path) -> None:
    """Every line of a recorded log is one of ours; what came before block trades lacks the flag."""
    path = min((reference / "data/kalshi-gold15m/events").glob("*/*.gz"))
    kinds = {
        type(parse_frame(json.dumps(json.loads(line)["event"]).encode())).__name__
        for line in gzip.decompress(path.read_bytes()).splitlines()[:5000]
    }

    assert {"Snapshot", "Delta", "Trade"} == kinds
