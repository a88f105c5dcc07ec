"""Every recorded and documented message is read, or is refused as what it is."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from market_bot.adapters.polymarket.stream_books import StreamedBook
from market_bot.adapters.polymarket.stream_messages import (
    BookTold,
    Broken,
    Changes,
    Message,
    NewMarket,
    Print,
    Resolved,
    TickChanged,
    Touch,
    Unknown,
    decode_known,
    first_subscription,
    moment,
    parse_frame,
    subscription,
    token_book,
    unsubscription,
)
from market_bot.adapters.polymarket.user_messages import (
    Missed,
    OrderPush,
    TradePush,
    TradeStatus,
    parse_user_frame,
)
from market_bot.core.domain.numbers import Micros, price, size

pytestmark = pytest.mark.reference

FIXTURES = "fixtures/polymarket"
DOCS = f"{FIXTURES}/docs-examples"
RECORDED = f"{FIXTURES}/ws-recorded"
DOCUMENTED = {
    "websocket__market-channel__1_book": BookTold,
    "websocket__market-channel__2_price_change": Changes,
    "websocket__market-channel__3_tick_size_change": TickChanged,
    "websocket__market-channel__4_last_trade_price": Print,
    "websocket__market-channel__5_best_bid_ask": Touch,
    "websocket__market-channel__6_new_market": NewMarket,
    "websocket__market-channel__7_market_resolved": Resolved,
}


def frames(path: Path) -> list[bytes]:
    """Return the frames of a recorded file."""
    if path.suffix == ".json":
        return [path.read_bytes()]
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [json.dumps(line.get("raw", line)).encode() for line in lines]


@pytest.mark.parametrize(("name", "kind"), DOCUMENTED.items())
def test_documented_messages_are_read(reference: Path, name: str, kind: type[Message]) -> None:
    """Every example of the venue's documents is the message it is an example of."""
    frame = (reference / DOCS / f"{name}.json").read_bytes()
    [message] = parse_frame(frame)
    assert type(message) is kind
    assert type(decode_known(frame)) is kind
    moment(getattr(message, "timestamp", None) if kind is not BookTold else None)


def test_recorded_messages_are_read(reference: Path) -> None:
    """Every recorded frame is understood, with its numbers and times."""
    kinds: Counter[type[Any]] = Counter()
    for path in sorted((reference / RECORDED).iterdir()):
        for frame in frames(path):
            for message in parse_frame(frame):
                assert not isinstance(message, Broken | Unknown), message
                kinds[type(message)] += 1
                if isinstance(message, BookTold):
                    token_book(message)
                elif isinstance(message, Changes | Print):
                    assert moment(message.timestamp) is not None
    assert kinds[BookTold] == 5
    assert kinds[Changes] >= 20
    assert kinds[Print] >= 10
    assert kinds[NewMarket] == 1


def test_recorded_changes_agree_with_their_touch(reference: Path) -> None:
    """A recorded book with the recorded changes of the next half second has the touch told."""
    books: dict[str, StreamedBook] = {}
    compared = 0
    path = reference / RECORDED / "btc_updown_5m_2026-08-15_excerpt.jsonl"
    for frame in frames(path)[:10]:
        for message in parse_frame(frame):
            if isinstance(message, BookTold):
                book = StreamedBook(market="m", token=message.asset_id, shard=1)
                book.replace(token_book(message), Micros(0))
                books[message.asset_id] = book
            elif isinstance(message, Changes):
                for change in message.price_changes:
                    if change.asset_id in books:
                        books[change.asset_id].fold(change, moment(message.timestamp) or Micros(0))
                        assert books[change.asset_id].why_not() == ""
                        compared += 1
    assert compared >= 6


def test_our_own_documented_messages_are_read(reference: Path) -> None:
    """The documents' trade and order are read exactly, lone times and empty lists included."""
    at = Micros(1)
    [trade] = parse_user_frame(
        (reference / DOCS / "websocket__user-channel__1_trade.json").read_bytes(), at
    )
    assert isinstance(trade, TradePush)
    assert trade.status is TradeStatus.MATCHED
    assert trade.matched_at == Micros(1_672_290_701_000_000)
    assert (trade.legs[0].price, trade.legs[0].size) == (price("0.57"), size("10"))
    [order] = parse_user_frame(
        (reference / DOCS / "websocket__user-channel__2_order.json").read_bytes(), at
    )
    assert isinstance(order, OrderPush)
    assert order.trades == ()
    assert not isinstance(order, Missed)


def test_what_we_say_is_what_is_documented(reference: Path) -> None:
    """Our commands are the documented ones, for other tokens."""
    for name, said in (
        ("websocket__market-channel__0_market", first_subscription),
        ("websocket__overview__2", subscription),
        ("websocket__overview__3", unsubscription),
    ):
        documented = json.loads((reference / DOCS / f"{name}.json").read_bytes())
        assert json.loads(said(documented["assets_ids"])) == documented


def test_messages_of_other_channels_are_unknown(reference: Path) -> None:
    """A frame of the sports channel has no type, and is kept as unknown."""
    for number in (0, 1):
        frame = (reference / DOCS / f"websocket__sports__{number}.json").read_bytes()
        [message] = parse_frame(frame)
        assert isinstance(message, Unknown)
        [ours] = parse_user_frame(frame, Micros(1))
        assert isinstance(ours, Unknown)
