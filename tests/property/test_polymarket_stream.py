"""Histories of a venue and frames of an enemy: what is believed is true, and nothing ends it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from market_bot.adapters.polymarket.stream_messages import (
    TYPES,
    MessageError,
    decode_known,
    parse_frame,
)
from market_bot.adapters.polymarket.stream_shards import Shards
from market_bot.adapters.polymarket.user_messages import parse_user_frame
from market_bot.adapters.polymarket.wire import DECODING
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from tests.fakes.fake_polymarket_records import condition
from tests.fakes.polymarket_streaming import ASK, BID, Streaming, VenueFrames, no, yes

MARKETS = (1, 2, 3)

changes = st.tuples(
    st.just("change"),
    st.sampled_from(MARKETS),
    st.sampled_from([BID, ASK]),
    st.integers(1, 99),
    st.sampled_from([0, 0, 1, 2, 30]),
    st.booleans(),
)
near = st.tuples(
    st.just("change"),
    st.just(1),
    st.sampled_from([BID, ASK]),
    st.integers(49, 51),
    st.sampled_from([0, 1]),
    st.booleans(),
)
takes = st.tuples(st.just("take"), st.sampled_from([1, 1, 2]), st.sampled_from([BID, ASK]))
bursts = st.tuples(st.just("burst"), st.lists(st.one_of(near, takes), min_size=4, max_size=12))
quiet = st.sampled_from([("drain",), ("moment",), ("drain",), ("wait",)])
troubles = st.one_of(
    st.sampled_from([("break", 1), ("break", 2), ("down",), ("silence",)]),
    st.tuples(st.just("tick"), st.sampled_from(MARKETS), st.sampled_from(["0.01", "0.001"])),
    st.tuples(st.just("junk"), st.sampled_from([b"[[", b"{}", b"word", b"[null]"])),
)
losses = st.tuples(st.just("lose"), st.integers(1, 3))
harmless = st.lists(
    st.one_of(bursts, changes, bursts, takes, bursts, quiet, bursts, troubles),
    min_size=3,
    max_size=25,
)
lossy = st.lists(
    st.one_of(bursts, changes, bursts, takes, bursts, quiet, troubles, losses),
    min_size=3,
    max_size=25,
)


def a_life() -> tuple[Streaming, VenueFrames]:
    """Return a feed of three markets on two sockets, with books."""
    streaming = Streaming(markets=3, frames=VenueFrames, shards=Shards(tokens_max=4))
    frames = streaming.frames
    assert isinstance(frames, VenueFrames)
    frames.set_up(streaming.venue, 3)
    streaming.now()
    for socket in frames.greetings:
        frames.connect(socket)
    streaming.now()
    return streaming, frames


def play(streaming: Streaming, venue: VenueFrames, step: tuple[Any, ...]) -> None:
    match step:
        case (name,):
            simple(streaming)[name]()
        case ("change", number, side, cents, shares, later):
            streaming.clock.advance(Duration(later * SECOND // 100))
            if shares or (side, cents) in venue.truth[number]:
                venue.change(number, side, cents, shares)
        case ("take", number, side):
            # Somebody takes the best level, a moment later.
            streaming.clock.advance(Duration(SECOND // 100))
            best = venue.touch(number)[side == ASK]
            if (side, best) in venue.truth[number]:
                venue.change(number, side, best, 0)
        case ("burst", steps):
            for one in steps:
                play(streaming, venue, one)
        case _:
            trouble(venue, step)


def trouble(venue: VenueFrames, step: tuple[Any, ...]) -> None:
    match step:
        case ("tick", number, tick):
            venue.new_tick(number, tick)
        case ("break", socket):
            venue.lose(socket)
        case ("junk", frame):
            venue.give(frame)
        case ("lose", count):
            venue.lossy += count
        case _:
            raise AssertionError(step)


def simple(streaming: Streaming) -> dict[str, Callable[[], object]]:
    """Return what can happen that needs no details."""
    return {
        "moment": lambda: streaming.clock.advance(Duration(SECOND // 100)),
        "drain": streaming.now,
        "wait": streaming.after,
        "silence": lambda: streaming.after(31),
        "down": lambda: streaming.venue.fail("/books", (502, b"<html>", {})),
    }


def told(streaming: Streaming, number: int) -> tuple[dict[int, int], dict[int, int]] | None:
    """Return the levels of a book that is believed, None of any other."""
    book = streaming.sink.books.get(condition(number))
    if book is None or not book.whole:
        return None
    return {int(p): int(s) for p, s in book.bids.items()}, {
        int(p): int(s) for p, s in book.asks.items()
    }


@given(harmless)
def test_without_losses_what_is_believed_is_the_truth(history: list[tuple[Any, ...]]) -> None:
    """Breaks, new steps, junk and outages: a book that is believed is the venue's, always."""
    streaming, venue = a_life()
    for step in history:
        play(streaming, venue, step)
        if step[0] in ("drain", "wait", "silence"):
            for number in MARKETS:
                assert told(streaming, number) in (None, venue.levels(number))
    # Nothing was lost: no book was doubted for what it said.
    assert set(streaming.feed.stream.spoiled) <= {
        "the steps of its prices have changed",
        "the book was silent and cannot be asked for",
    }
    for _ in range(12):
        streaming.after(7)
    assert [told(streaming, number) for number in MARKETS] == [
        venue.levels(number) for number in MARKETS
    ]


@given(lossy)
def test_losses_are_found(history: list[tuple[Any, ...]]) -> None:
    """After losses a touch is never wrong for long, and silence brings the truth back."""
    streaming, venue = a_life()
    for step in history:
        play(streaming, venue, step)
    venue.lossy = 0
    streaming.now()
    for number in MARKETS:
        streaming.clock.advance(Duration(SECOND // 100))
        # A change far from the touch, with which the touch is told.
        side, cents = (BID, 1) if venue.touch(number)[1] > 1 else (ASK, 99)
        venue.change(number, side, cents, 77)
    streaming.now()
    streaming.after(1)
    streaming.after(1)
    for number in MARKETS:
        found = told(streaming, number)
        if found is not None:
            touch = max(found[0], default=0), min(found[1], default=1_000_000)
            assert touch == tuple(cents * 10_000 for cents in venue.touch(number))
    for _ in range(16):
        streaming.after(7)
    assert [told(streaming, number) for number in MARKETS] == [
        venue.levels(number) for number in MARKETS
    ]


texts = st.one_of(
    st.sampled_from([yes(), no(), condition(1), "", "0", "1", "0.45", "NaN", "-1", "1e999", "BUY"]),
    st.text(max_size=8),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)
names = st.sampled_from(
    re.findall(
        r"\w+",
        "event_type asset_id market price size side best_bid best_ask timestamp bids asks buys "
        "price_changes new_tick_size tick_size id status type maker_orders taker_order_id",
    )
)
kinds = st.sampled_from([*sorted(TYPES), "trade", "order", "", "comet"])
records = st.builds(
    lambda kind, fields: {**fields, "event_type": kind},
    kinds,
    st.dictionaries(names, st.one_of(values, texts), max_size=8),
)
frames = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda one: json.dumps(one).encode(),
        st.one_of(values, records, st.lists(records, max_size=4)),
    ),
    st.builds(
        lambda depth, mark: mark * depth, st.integers(1, 3000), st.sampled_from([b"[", b'{"a":'])
    ),
)


@given(st.lists(frames, min_size=1, max_size=10))
def test_no_frame_raises_into_the_lane(hostile: list[bytes]) -> None:
    """Whatever comes, draining goes on, facts are sound, and a good picture brings a book."""
    streaming = Streaming()
    streaming.begin()
    for frame in hostile:
        streaming.frames.give(frame)
        streaming.now()
        for book in streaming.sink.books.values():
            assert not (book.whole and book.crossed)
    streaming.frames.connect()
    streaming.frames.give(streaming.book())
    streaming.now()
    assert len(streaming.feed.problems) <= 1000


@given(frames)
def test_parsing_raises_nothing_but_its_own(frame: bytes) -> None:
    """A frame is messages, or is refused as none; a fast reading never differs from a slow one."""
    try:
        slowly = parse_frame(frame)
    except MessageError:
        slowly = None
    try:
        quickly = decode_known(frame)
    except DECODING:
        quickly = None
    if quickly is not None and frame.lstrip()[:1] in b"{[":
        assert slowly == (quickly if isinstance(quickly, list) else [quickly]) or (
            slowly is not None and list(slowly) == [quickly]
        )


@given(frames)
def test_parsing_ours_raises_nothing_but_its_own(frame: bytes) -> None:
    """A frame of the user channel is messages, or is refused as none."""
    try:
        parse_user_frame(frame, Micros(1))
    except MessageError:
        return
