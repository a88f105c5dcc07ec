"""What the user channel tells becomes exact values, or the venue has to be asked."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from market_bot.adapters.polymarket.amounts import OrderSide
from market_bot.adapters.polymarket.auth import ApiCredentials
from market_bot.adapters.polymarket.stream_messages import Broken, MessageError, Unknown
from market_bot.adapters.polymarket.stream_socket import Greeting
from market_bot.adapters.polymarket.user_messages import (
    EVENTS_MAX,
    Missed,
    OrderKind,
    OrderPush,
    TradePush,
    TradeStatus,
    parse_user_frame,
)
from market_bot.adapters.polymarket.user_stream import RAW_KEPT, UserStream
from market_bot.core.domain.numbers import Micros, price, size
from tests.fakes.fake_polymarket_clock import SteppingClock
from tests.fakes.fake_polymarket_records import (
    API_KEY,
    PASSPHRASE,
    SECRET,
    Record,
    changed,
    condition,
    token,
)
from tests.fakes.polymarket_streaming import HandFrames, as_frame

NOW = Micros(1_792_497_600_000_000)
STRANGER = "9180014b-33c8-9240-a14b-bdca11c0a465"


def a_trade(**changes: Any) -> Record:
    record: Record = {
        "event_type": "trade",
        "type": "TRADE",
        "id": "28c4d2eb-bbea-40e7-a9f0-b2fdb56b2c2e",
        "taker_order_id": "0x06",
        "market": condition(1),
        "asset_id": token(2),
        "side": "BUY",
        "size": "10",
        "price": "0.57",
        "status": "MATCHED",
        "owner": API_KEY,
        "trade_owner": STRANGER,
        "maker_address": "0x11",
        "trader_side": "MAKER",
        "fee_rate_bps": "0",
        "transaction_hash": "",
        "bucket_index": 0,
        "match_time": "1792497500",
        "last_update": "1792497600",
        "timestamp": "1792497600123",
        "outcome": "YES",
        "maker_orders": [
            {
                "order_id": "0xff",
                "owner": API_KEY,
                "maker_address": "0x22",
                "matched_amount": "4.5",
                "price": "0.43",
                "side": "BUY",
                "asset_id": token(3),
                "outcome": "NO",
                "fee_rate_bps": "",
            }
        ],
    }
    return changed(record, changes)


def an_order(**changes: Any) -> Record:
    record: Record = {
        "event_type": "order",
        "id": "0xff",
        "owner": API_KEY,
        "order_owner": API_KEY,
        "market": condition(1),
        "asset_id": token(2),
        "side": "SELL",
        "original_size": "10",
        "size_matched": "0",
        "price": "0.57",
        "outcome": "YES",
        "type": "PLACEMENT",
        "status": "LIVE",
        "order_type": "GTD",
        "created_at": "1792497600",
        "expiration": "1792498600",
        "associate_trades": None,
        "maker_address": "0x22",
        "timestamp": "1792497600123",
    }
    return {**record, **changes}


def parsed(record: object) -> object:
    [message] = parse_user_frame(as_frame(record), NOW)
    return message


def test_a_trade_has_what_each_maker_gave() -> None:
    """A leg keeps its own token, side, price and owner: ours may be in the other token."""
    trade = parsed(a_trade())
    assert isinstance(trade, TradePush)
    assert (trade.status, trade.taker, trade.bucket) == (TradeStatus.MATCHED, False, 0)
    assert (trade.side, trade.price, trade.size) == (OrderSide.BUY, price("0.57"), size("10"))
    assert trade.matched_at == Micros(1_792_497_500_000_000)
    assert trade.at == Micros(1_792_497_600_123_000)
    [leg] = trade.legs
    assert (leg.owner, leg.token, leg.side) == (API_KEY, token(3), OrderSide.BUY)
    assert (leg.price, leg.size, leg.fee_rate_bps) == (price("0.43"), size("4.5"), None)


@pytest.mark.parametrize(
    ("word", "status", "final"),
    [
        ("MATCHED", TradeStatus.MATCHED, False),
        ("MATCHED_NOT_BROADCASTED", TradeStatus.MATCHED, False),
        ("TRADE_STATUS_MINED", TradeStatus.MINED, False),
        ("RETRYING", TradeStatus.RETRYING, False),
        ("confirmed", TradeStatus.CONFIRMED, True),
        ("TRADE_STATUS_FAILED", TradeStatus.FAILED, True),
    ],
)
def test_statuses_of_trades(word: str, status: TradeStatus, final: bool) -> None:
    """Every word of the venue is one status; only two are final."""
    trade = parsed(a_trade(status=word))
    assert isinstance(trade, TradePush)
    assert trade.status is status
    assert trade.status.final is final


def test_the_price_of_a_taker_may_be_an_average() -> None:
    """More decimals than a price has are rounded; the legs have the exact ones."""
    trade = parsed(a_trade(price="0.5733333333"))
    assert isinstance(trade, TradePush)
    assert trade.price == price("0.573333")


def test_an_order_is_read_with_all_that_is_told() -> None:
    """A placement has its limit, its size and its times."""
    order = parsed(an_order(associate_trades=["t1"]))
    assert isinstance(order, OrderPush)
    assert (order.kind, order.side, order.price) == (
        OrderKind.PLACEMENT,
        OrderSide.SELL,
        price("0.57"),
    )
    assert (order.original, order.matched, order.trades) == (size("10"), size("0"), ("t1",))
    assert order.expires_at == Micros(1_792_498_600_000_000)


def test_a_kill_has_empty_fields() -> None:
    """What was killed comes as a cancellation with nothing in its sizes and times."""
    empty = {"size_matched": "", "created_at": "", "expiration": "0", "status": "CANCELED"}
    order = parsed(an_order(type="CANCELLATION", **empty))
    assert isinstance(order, OrderPush)
    assert order.kind is OrderKind.CANCELLATION
    assert (order.matched, order.created_at, order.expires_at) == (None, None, None)


@pytest.mark.parametrize(
    "record",
    [
        a_trade(status="PERHAPS"),
        a_trade(size="-1"),
        a_trade(size="0"),
        a_trade(size="NaN"),
        a_trade(price="2"),
        a_trade(id=""),
        a_trade(side="HOLD"),
        a_trade(taker_order_id=None),
        a_trade(maker_orders=[{"order_id": "0x1"}]),
        an_order(type="THOUGHT"),
        an_order(side=None),
        an_order(original_size="many"),
        an_order(timestamp="soon"),
    ],
)
def test_nonsense_is_refused_as_what_it_was_meant_to_be(record: Record) -> None:
    """A trade or an order that cannot be read is neither guessed nor forgotten."""
    broken = parsed(record)
    assert isinstance(broken, Broken)
    assert broken.kind == record["event_type"]
    assert broken.raw


def test_an_unknown_event_is_kept() -> None:
    """A type nobody knows comes back as it was sent."""
    unknown = parsed({"event_type": "balance", "n": 1})
    assert unknown == Unknown("balance", b'{"event_type":"balance","n":1}')


@pytest.mark.parametrize("frame", [b"[", b"7", b"", b"[" * 5000, as_frame([0] * (EVENTS_MAX + 1))])
def test_a_frame_that_is_none_is_refused(frame: bytes) -> None:
    """What is no message is refused as a whole."""
    with pytest.raises(MessageError):
        parse_user_frame(frame, NOW)


class Desk:
    """A user stream fed by hand."""

    def __init__(self) -> None:
        self.frames = HandFrames(SteppingClock())
        self.credentials = ApiCredentials(
            address="0x" + "11" * 20, key=API_KEY, secret=SECRET, passphrase=PASSPHRASE
        )
        self.stream = UserStream(self.frames, self.credentials, SteppingClock())
        self.stream.start()
        self.greeting: Greeting = self.frames.connect()
        self.stream.drain()


@pytest.fixture
def desk() -> Desk:
    """Return a user stream that is connected."""
    return Desk()


def test_it_begins_with_something_missing() -> None:
    """Before the stream there was something, too."""
    stream = UserStream(HandFrames(SteppingClock()), Desk().credentials, SteppingClock())
    assert stream.drain() == []
    stream.start()
    stream.start()
    [missed] = stream.drain()
    assert isinstance(missed, Missed)
    assert not stream.connected


def test_the_login_names_no_markets_and_is_not_printed(desk: Desk) -> None:
    """Everything of ours is asked for; the words that hold secrets show none."""
    said = json.loads(desk.greeting.frame)
    login = {"apiKey": API_KEY, "secret": SECRET, "passphrase": PASSPHRASE}
    assert said == {"type": "user", "auth": login}
    assert not any(one in repr(desk.greeting) for one in login.values())
    assert API_KEY not in repr(parsed(a_trade())) + repr(parsed(an_order()))


def test_pushes_come_in_order(desk: Desk) -> None:
    """Orders and trades come as they were sent, alone or in lists."""
    desk.frames.give(an_order(), [a_trade(), a_trade(status="MINED")])
    kinds = [type(one) for one in desk.stream.drain()]
    assert kinds == [OrderPush, TradePush, TradePush]
    assert desk.stream.drain() == []


@pytest.mark.parametrize(
    "trouble",
    [
        lambda desk: desk.frames.lose(),
        lambda desk: desk.frames.give(a_trade(size="?")),
        lambda desk: desk.frames.give(b"{{"),
    ],
)
def test_what_may_be_missing_is_told(desk: Desk, trouble: Callable[[Desk], None]) -> None:
    """A break and every message that cannot be read make that the venue has to be asked."""
    trouble(desk)
    [missed] = desk.stream.drain()
    assert isinstance(missed, Missed)
    assert desk.stream.problems


def test_unknown_messages_are_kept_without_secrets(desk: Desk) -> None:
    """They are counted, told once, bounded, and show no key even where the venue repeats it."""
    for _ in range(RAW_KEPT + 9):
        desk.frames.give({"event_type": "balance", "owner": API_KEY, "secret": SECRET})
    desk.frames.give(f"who is {PASSPHRASE}".encode())
    assert desk.stream.drain() == []
    assert desk.stream.unknown["balance"] == RAW_KEPT + 9
    told = f"{list(desk.stream.raw)} {list(desk.stream.problems)} {dict(desk.stream.unknown)}"
    assert not any(secret in told for secret in (API_KEY, SECRET, PASSPHRASE))
    assert len(desk.stream.problems) == 2


def test_closing_ends_the_socket(desk: Desk) -> None:
    """A closed stream has closed its connection."""
    desk.stream.close()
    assert desk.frames.closed
