"""The stand-in's websocket: messages as specified, and the misfortunes it can be told to have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import jsonschema  # type: ignore[import-untyped] # it comes without types, and no others are wanted
import pytest
import yaml
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from market_bot.adapters.kalshi.signing import Signer
from tests.fakes.fake_kalshi_rig import KEY_ID, Rig
from tests.fakes.fake_kalshi_socket import CHANNELS, WS_PATH
from tests.fakes.kalshi_client import a_key
from tests.fakes.kalshi_records import CENTS, TICKER

from .test_kalshi_requests import resolved

SCHEMAS = {
    "subscribed": "subscribedResponsePayload",
    "unsubscribed": "unsubscribedResponsePayload",
    "ok": "okResponsePayload",
    "error": "errorResponsePayload",
    "orderbook_snapshot": "orderbookSnapshotPayload",
    "orderbook_delta": "orderbookDeltaPayload",
    "trade": "tradePayload",
    "ticker": "tickerPayload",
    "fill": "fillPayload",
    "user_order": "userOrderPayload",
    "market_position": "marketPositionPayload",
    "market_lifecycle_v2": "marketLifecycleV2Payload",
}


@attrs.define(eq=False)
class Line:
    """A connection that remembers everything it heard."""

    rig: Rig
    connection: ClientConnection
    heard: list[dict[str, Any]] = attrs.field(factory=list)
    number: int = 0

    def say(self, cmd: str, **params: Any) -> list[dict[str, Any]]:
        """Send a command and return everything up to the answer to the next one."""
        self.number += 1
        self.connection.send(json.dumps({"id": self.number, "cmd": cmd, "params": params}))
        return self.hear()

    def hear(self) -> list[dict[str, Any]]:
        """Return everything that was sent until now."""
        self.number += 1
        self.connection.send(json.dumps({"id": self.number, "cmd": "list_subscriptions"}))
        new: list[dict[str, Any]] = []
        while True:
            message = json.loads(self.connection.recv(timeout=30))
            if message["type"] == "ok" and message.get("id") == self.number:
                self.heard.extend(new)
                return new
            new.append(message)


def headers(rig: Rig) -> dict[str, str]:
    """Return a signed handshake."""
    return Signer(KEY_ID, a_key()).headers("GET", WS_PATH, rig.clock.now_ms())


@pytest.fixture
def line() -> Iterator[Line]:
    """Return a connection that subscribed to the book of a market in YES prices."""
    with Rig() as rig:
        rig.engine.crowd(TICKER, "bid", "0.40", "5.00")
        with connect(rig.venue.socket.url, additional_headers=headers(rig)) as connection:
            made = Line(rig, connection)
            made.say(
                "subscribe",
                channels=["orderbook_delta"],
                market_tickers=[TICKER],
                use_yes_price=True,
            )
            yield made


def seqs(messages: list[dict[str, Any]]) -> list[int]:
    """Return the numbers of messages that have one."""
    return [message["seq"] for message in messages if "seq" in message]


def test_whoever_cannot_sign_hears_nothing() -> None:
    """The handshake is checked like a request."""
    with Rig() as rig, pytest.raises(InvalidStatus, match="401"):
        connect(rig.venue.socket.url)


def test_acknowledgements_count(line: Line) -> None:
    """Numbers run per subscription, over pictures, changes and acknowledgements alike."""
    line.rig.engine.crowd(TICKER, "ask", "0.45", "5.00")
    again = line.say("subscribe", channels=["orderbook_delta"], market_tickers=[TICKER])
    line.rig.engine.crowd(TICKER, "ask", "0.46", "5.00")
    gone = line.say("unsubscribe", sids=[1])
    back = line.say("subscribe", channels=["orderbook_delta"], market_tickers=[TICKER])

    assert ["orderbook_delta", "ok"] == [message["type"] for message in again]
    assert ["orderbook_delta", "unsubscribed"] == [message["type"] for message in gone]
    assert [1, 2, 3, 4, 5, 1] == seqs(line.heard)
    assert 2 == back[0]["msg"]["sid"]
    # In NO prices, since the other was not asked for.
    assert [["0.5400", "5.00"], ["0.5500", "5.00"]] == back[1]["msg"]["no_dollars_fp"]


@pytest.mark.parametrize(
    ("what", "expected"),
    [(("lose",), [3, 4]), (("repeat",), [2, 2, 3, 4]), (("swap",), [3, 2, 4]), ((), [2, 3, 4])],
)
def test_misfortunes(line: Line, what: tuple[str, ...], expected: list[int]) -> None:
    """A message is lost, comes twice, or after the next one; its number is used all the same."""
    line.rig.venue.socket.trouble("orderbook_delta", *what)
    for at in ("0.41", "0.42", "0.43"):
        line.rig.engine.crowd(TICKER, "bid", at, "1.00")

    assert expected == seqs(line.hear())


def test_an_end_with_a_word(line: Line) -> None:
    """An error ends the subscription; nothing comes of it any more."""
    line.rig.venue.socket.fail("orderbook_delta", 25, "Subscription buffer overflow")
    line.rig.engine.crowd(TICKER, "bid", "0.41", "1.00")

    (error,) = line.hear()
    assert 25 == error["msg"]["code"]


def test_an_end_without_a_word(line: Line) -> None:
    """The connection breaks."""
    line.rig.venue.socket.kill()

    with pytest.raises(ConnectionClosedError):
        line.connection.recv(timeout=30)


@pytest.mark.reference
def test_every_message_is_as_specified(reference: Path, line: Line) -> None:
    """Whatever the stand-in says could be said by the venue."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    path = reference / "fixtures/kalshi/spec/asyncapi.yaml"
    document = yaml.load(path.read_bytes(), loader)  # noqa: S506 - both are the safe loader
    rig, engine = line.rig, line.rig.engine
    others = sorted(CHANNELS - {"orderbook_delta"})
    line.say("subscribe", channels=others, market_tickers=[TICKER])
    line.say("subscribe", channels=["weather"])
    line.say("subscribe", channels=["trade"], market_tickers=[TICKER])
    line.say("update_subscription", sid=1, action="get_snapshot", market_tickers=[TICKER])
    engine.crowd(TICKER, "ask", "0.45", "5.00")
    rig.desk.submit(rig.intent(quantity="2"), rig.now)
    engine.deactivate(TICKER)
    engine.activate(TICKER)
    engine.move_close(TICKER, "2026-12-02T06:00:00Z", 1_796_191_200)
    engine.relist(TICKER, CENTS, "linear_cent")
    engine.determine(TICKER, "yes")
    engine.finalize(TICKER)
    line.say("unsubscribe", sids=[1])

    assert set(SCHEMAS) == {message["type"] for message in line.heard}
    schemas = document["components"]["schemas"]
    for message in line.heard:
        schema = resolved(document, schemas[SCHEMAS[message["type"]]])
        jsonschema.validate(message, schema)
