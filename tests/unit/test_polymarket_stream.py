"""The stream tells what the venue told, and says where it does not know."""

import json
from typing import Any

import pytest

from market_bot.adapters.polymarket.stream import RAW_KEPT
from market_bot.adapters.polymarket.stream_books import KEPT_MAX
from market_bot.adapters.polymarket.stream_shards import Shards
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import MarketStatus, TickBand
from market_bot.core.domain.numbers import ONE_DOLLAR, SECOND, Duration, Price, price, size
from market_bot.core.ports.market_data import Capability, MarketDataError
from tests.fakes.fake_polymarket import SERVER_ERROR
from tests.fakes.fake_polymarket_records import (
    Record,
    a_book,
    a_market,
    a_resolution,
    an_event,
    condition,
)
from tests.fakes.polymarket_streaming import ASK, BID, Streaming, a_change, no, yes

ONE = condition(1)
BOOK = (
    "book",
    ONE,
    {price("0.44"): size("100"), price("0.45"): size("25.5")},
    {price("0.48"): size("7"), price("0.46"): size("12.25")},
)


@pytest.fixture
def streaming() -> Streaming:
    """Return a feed of one market whose book was told."""
    streaming = Streaming()
    streaming.begin()
    return streaming


def kinds(facts: list[tuple[object, ...]]) -> list[object]:
    return [fact[0] for fact in facts]


def change(streaming: Streaming, **told: Any) -> list[tuple[object, ...]]:
    """Let a change come a moment later; return the facts."""
    streaming.clock.advance(Duration(SECOND // 100))
    streaming.frames.give(streaming.changes(*a_change(**told)))
    return streaming.now()


def print_of(streaming: Streaming, **changes: Any) -> Record:
    record = {
        "event_type": "last_trade_price",
        "asset_id": yes(),
        "market": ONE,
        "price": "0.46",
        "size": "2.5",
        "side": "BUY",
        "fee_rate_bps": "0",
        "timestamp": streaming.stamp(),
    }
    return {**record, **changes}


def test_what_is_claimed() -> None:
    """The stream claims continuous books and prints, before and after anything came."""
    streaming = Streaming()
    claimed = {Capability.L2_STREAM, Capability.PRINTS}
    assert streaming.feed.capabilities == claimed
    streaming.begin()
    assert streaming.feed.capabilities == claimed


def test_both_tokens_are_asked_for_and_the_book_is_that_of_yes() -> None:
    """A connection asks for YES and NO; the book told for YES is the market's, best price last."""
    streaming = Streaming()
    assert kinds(streaming.now()) == ["meta"]
    greeting = streaming.frames.connect()
    asked = {"type": "market", "assets_ids": [yes(), no()], "custom_feature_enabled": True}
    assert json.loads(greeting.frame) == asked
    streaming.frames.give([streaming.book(), streaming.book(asset_id=no())])
    [fact] = streaming.now()
    assert fact[:4] == BOOK
    assert fact[4] == streaming.clock.now() // 1000 * 1000
    assert streaming.sink.books[ONE].best_bid == price("0.45")


def test_no_book_is_told_before_the_terms_of_its_market(streaming: Streaming) -> None:
    """Another market of a later look is told first, then asked for, then has a book."""
    streaming.venue.events = [an_event([a_market(1), a_market(2)])]
    facts = streaming.after(600)
    assert ("meta", condition(2)) in facts
    assert streaming.frames.said("subscribe")[-1] == [yes(2), no(2)]
    streaming.frames.give(streaming.book(2))
    assert ("book", condition(2)) in [fact[:2] for fact in streaming.now()]


@pytest.mark.parametrize("as_list", [False, True])
def test_changes_come_as_an_object_or_in_a_list(streaming: Streaming, *, as_list: bool) -> None:
    """A change is told once, though it came for both tokens, alone or in a list of messages."""
    streaming.clock.advance(SECOND)
    told = streaming.changes(*a_change(side=ASK, at="0.46", size="3"))
    streaming.frames.give([told] if as_list else told)
    [(kind, name, side, at, held, exchange)] = streaming.now()
    assert (kind, name, side, at, held) == ("delta", ONE, Side.ASK, price("0.46"), size("3"))
    assert exchange == int(streaming.stamp()) * 1000


@pytest.mark.parametrize(
    ("stamp", "moment"),
    [
        ("1792497600", 1_792_497_600_000_000),
        (1_792_497_600, 1_792_497_600_000_000),
        (1_792_497_600_123, 1_792_497_600_123_000),
    ],
)
def test_times_come_in_seconds_and_milliseconds(
    streaming: Streaming, stamp: object, moment: int
) -> None:
    """A time is read as seconds or milliseconds, as text or number."""
    streaming.frames.give(streaming.changes(*a_change(), timestamp=stamp))
    assert streaming.now()[-1][-1] == moment


def test_an_empty_time_is_taken_as_the_time_of_arrival(streaming: Streaming) -> None:
    """A change that does not say when it was is still a change."""
    streaming.frames.give(streaming.changes(*a_change(), timestamp=""))
    assert kinds(streaming.now()) == ["delta"]
    assert streaming.whole()


@pytest.mark.parametrize(
    ("told", "taker", "at"),
    [
        ({}, Side.BID, "0.46"),
        ({"side": "SELL", "price": "0.45"}, Side.ASK, "0.45"),
        ({"asset_id": no(), "price": "0.55"}, Side.ASK, "0.45"),
        ({"asset_id": no(), "price": "0.54", "side": "SELL"}, Side.BID, "0.46"),
    ],
)
def test_prints_are_told_as_trades_of_yes(
    streaming: Streaming, told: Record, taker: Side, at: str
) -> None:
    """A trade of NO is the mirrored trade of YES."""
    streaming.frames.give(print_of(streaming, **told))
    [fact] = streaming.now()
    assert fact[:5] == ("trade", ONE, taker, price(at), size("2.5"))


@pytest.mark.parametrize("broken", [{"price": "NaN"}, {"size": "-1"}, {"size": ""}, {"side": "?"}])
def test_a_print_that_cannot_be_read_is_a_gap(streaming: Streaming, broken: Record) -> None:
    """Where a print is lost there is a gap, and the book goes on from what it is."""
    streaming.frames.give(print_of(streaming, **broken))
    assert kinds(streaming.now()) == ["gap", "book"]


def test_a_lost_change_shows_in_the_touch_and_is_mended_over_rest(streaming: Streaming) -> None:
    """The next moment finds that the touch was another; the venue's own book is told instead."""
    change(streaming, side=BID, at="0.40", size="1", touch=("0.44", "0.46"))
    assert streaming.whole()
    streaming.at_venue(bids={"0.44": "90"})
    facts = change(streaming, side=BID, at="0.39", size="2", touch=("0.44", "0.46"))
    assert kinds(facts) == ["gap", "book"]
    assert facts[1][2] == {price("0.44"): size("90"), price("0.39"): size("2")}
    assert streaming.whole()
    assert streaming.venue.asked("/books") == 1
    assert "differs from the best prices" in "".join(streaming.feed.problems)


def test_a_book_that_never_hears_again_is_doubted_in_a_moment(streaming: Streaming) -> None:
    """A wrong touch needs no further change to be found, but a moment in which one may come."""
    change(streaming, side=BID, at="0.40", size="1", touch=("0.44", "0.46"))
    assert streaming.whole()
    assert kinds(streaming.after(0.3)) == []
    assert "gap" in kinds(streaming.after(0.3))


def test_within_a_moment_the_touch_may_be_ahead(streaming: Streaming) -> None:
    """Several changes of one moment tell the touch after all of them."""
    streaming.clock.advance(SECOND)
    first = streaming.changes(*a_change(at="0.40", size="1", touch=("0.44", "0.46")))
    second = streaming.changes(*a_change(at="0.45", size="0", touch=("0.44", "0.46")))
    streaming.frames.give(first)
    assert kinds(streaming.now()) == ["delta"]
    streaming.frames.give(second)
    assert kinds(streaming.now()) == ["delta"]
    assert kinds(change(streaming, at="0.40", size="2", touch=("0.44", "0.46"))) == ["delta"]


def test_a_touch_told_by_itself_is_compared(streaming: Streaming) -> None:
    """A best price told alone, which the book does not have, ends the belief in it."""
    touch = {"event_type": "best_bid_ask", "asset_id": yes(), "market": ONE}
    alike = {**touch, "best_bid": "0.45", "best_ask": "0.46", "timestamp": streaming.stamp()}
    streaming.frames.give(alike, {**alike, "best_bid": ""})
    streaming.now()
    assert kinds(streaming.after(1)) == []
    streaming.frames.give({**alike, "best_ask": "0.47", "timestamp": streaming.stamp()})
    streaming.now()
    assert "gap" in kinds(streaming.after(1))


@pytest.mark.parametrize(("bid", "ask"), [("0", "0.46"), ("0.45", "1"), ("0.45", "0")])
def test_nobody_on_a_side_is_told_as_nothing_or_a_dollar(
    streaming: Streaming, bid: str, ask: str
) -> None:
    """A touch of 0 or 1 says that a side is empty; a book that has somebody there is wrong."""
    change(streaming, at="0.40", size="1", touch=(bid, ask))
    assert "gap" in kinds(change(streaming, at="0.40", size="2"))


def test_an_empty_side_agrees_with_nobody(streaming: Streaming) -> None:
    """A book whose side was removed agrees with a touch of 1."""
    for at in ("0.46", "0.48"):
        change(streaming, side=ASK, at=at, size="0", touch=("0.45", "1" if at > "0.47" else "0.48"))
    assert kinds(change(streaming, at="0.40", size="1", touch=("0.45", "1"))) == ["delta"]
    assert streaming.whole()


def test_a_crossed_book_is_not_believed(streaming: Streaming) -> None:
    """Changes that cross the book end the belief in it, whatever touch they tell."""
    change(streaming, side=BID, at="0.47", size="1", touch=("0.47", "0.46"))
    assert "gap" in kinds(change(streaming, at="0.40", size="1", touch=("0.47", "0.46")))


def test_an_old_answer_is_no_book(streaming: Streaming) -> None:
    """A cache of the venue's that is behind the stream does not mend a book."""
    streaming.at_venue(timestamp=str(int(streaming.stamp()) - 60_000))
    change(streaming, side=BID, at="0.40", size="1", touch=("0.44", "0.46"))
    assert kinds(change(streaming, at="0.39", size="1", touch=("0.44", "0.46"))) == ["gap"]
    assert kinds(streaming.after(40)) == []
    assert streaming.frames.said("unsubscribe") == []
    for _ in range(3):
        streaming.after(40)
    assert streaming.frames.said("unsubscribe")[0] == [yes(), no()]
    assert streaming.frames.said("subscribe")[-1] == [yes(), no()]
    streaming.frames.give(streaming.book())
    assert kinds(streaming.now()) == ["book"]


def test_an_answer_is_gone_on_from_with_what_came_since(streaming: Streaming) -> None:
    """Changes that came after the answer was true are in the book that is told."""
    change(streaming, side=BID, at="0.40", size="1", touch=("0.44", "0.46"))
    streaming.venue.fail("/books", SERVER_ERROR)
    assert kinds(change(streaming, at="0.39", size="1", touch=("0.44", "0.46"))) == ["gap"]
    streaming.at_venue(bids={"0.44": "90"})
    assert kinds(change(streaming, at="0.44", size="80", touch=("0.44", "0.46"))) == []
    facts = streaming.after(3)
    assert kinds(facts) == ["book"]
    assert facts[0][2] == {price("0.44"): size("80")}


def test_an_answer_that_the_stream_contradicts_is_no_book(streaming: Streaming) -> None:
    """The touch told with a kept change speaks against an answer that lacks it."""
    change(streaming, side=BID, at="0.40", size="1", touch=("0.44", "0.46"))
    streaming.at_venue(bids={"0.45": "90"})
    facts = change(streaming, at="0.39", size="1", touch=("0.44", "0.46"))
    assert kinds(facts) == ["gap"]
    assert not streaming.whole()


def test_what_waits_for_a_book_is_bounded(streaming: Streaming) -> None:
    """More changes than are kept make older answers useless, and take no more room."""
    change(streaming, side=BID, at="0.40", size="1", touch=("0.44", "0.46"))
    streaming.venue.fail("/books", SERVER_ERROR)
    change(streaming, at="0.39", size="1", touch=("0.44", "0.46"))
    streaming.at_venue(bids={"0.44": "90"})
    for count in range(KEPT_MAX + 1):
        streaming.clock.advance(Duration(SECOND // 1000))
        levels = a_change(at="0.44", size=str(count + 1), touch=("0.44", "0.46"))
        streaming.frames.give(streaming.changes(*levels))
    assert kinds(streaming.now()) == []
    assert kinds(streaming.after(3)) == []


def test_silence_is_compared_with_the_venue(streaming: Streaming) -> None:
    """A book silent for half a minute is asked for; where it is the same, it stays."""
    streaming.at_venue()
    assert kinds(streaming.after(29)) == []
    assert streaming.venue.asked("/books") == 0
    assert kinds(streaming.after(2)) == []
    assert streaming.venue.asked("/books") == 1
    assert streaming.whole()
    assert kinds(streaming.after(29)) == []
    assert streaming.venue.asked("/books") == 1


def test_a_stream_that_froze_is_left(streaming: Streaming) -> None:
    """Books that move at the venue and not on the stream end the connection, with a gap."""
    streaming.clock.advance(SECOND)
    streaming.at_venue(bids={"0.30": "1"})
    assert kinds(streaming.after(31)) == []
    facts = streaming.after(3)
    assert kinds(facts) == ["gap"]
    assert streaming.frames.dropped == [(1, facts[0][2])]
    assert "the stream is silent" in str(facts[0][2])
    streaming.frames.connect()
    streaming.frames.give(streaming.book())
    assert kinds(streaming.now()) == ["book"]


def test_a_difference_that_the_stream_explains_is_none(streaming: Streaming) -> None:
    """A change that was under way while the venue was asked is no reason to leave."""
    streaming.clock.advance(SECOND)
    streaming.at_venue(bids={"0.44": "100", "0.45": "30"})
    streaming.after(31)
    streaming.frames.give(streaming.changes(*a_change(at="0.45", size="30")))
    streaming.now()
    assert "gap" not in kinds(streaming.after(3))
    assert streaming.frames.dropped == []


@pytest.mark.parametrize("fails", [True, False])
def test_silence_without_an_answer_is_a_gap(streaming: Streaming, *, fails: bool) -> None:
    """What was silent for long and cannot be asked for, or is not there, is believed no more."""
    if fails:
        streaming.venue.fail("/books", SERVER_ERROR)
    assert kinds(streaming.after(31)) == ["gap"]
    streaming.at_venue()
    assert kinds(streaming.after(10)) == ["book"]


def test_without_a_connection_there_is_no_book(streaming: Streaming) -> None:
    """A break is a gap at once; REST alone does not bring a book back, a new picture does."""
    streaming.at_venue()
    streaming.frames.lose()
    assert kinds(streaming.now()) == ["gap"]
    assert kinds(streaming.after(60)) == []
    streaming.frames.connect()
    assert kinds(streaming.after(60)) == []
    assert not streaming.whole()
    streaming.frames.give(streaming.book())
    assert kinds(streaming.now()) == ["book"]


def test_a_book_that_does_not_come_is_asked_for_again() -> None:
    """A token whose book is missing is subscribed to anew, and then people are told."""
    streaming = Streaming()
    streaming.now()
    streaming.frames.connect()
    streaming.frames.give([])
    streaming.now()
    assert streaming.frames.said("unsubscribe") == []
    streaming.after(6)
    assert streaming.frames.said("unsubscribe") == [[yes(), no()]]
    for _ in range(5):
        streaming.after(31)
    assert "its book cannot be had" in "".join(streaming.feed.problems)


def test_frames_of_an_ended_connection_are_not_looked_at(streaming: Streaming) -> None:
    """What still comes of a connection that was given up changes nothing."""
    streaming.frames.give(b'{"event_type":"book"', streaming.changes(*a_change()))
    assert kinds(streaming.now()) == ["gap"]
    assert len(streaming.frames.dropped) == 1


def test_a_new_tick_ends_the_book(streaming: Streaming) -> None:
    """Finer steps: a gap, the new terms, and a book only once a new one came."""
    told = {"event_type": "tick_size_change", "asset_id": yes(), "market": ONE}
    told |= {"old_tick_size": "0.01", "new_tick_size": "0.001", "timestamp": streaming.stamp()}
    streaming.at_venue()
    streaming.frames.give(told, {**told, "asset_id": no()})
    assert kinds(streaming.now()) == ["gap", "meta"]
    grid = (TickBand(Price(0), ONE_DOLLAR, Price(1_000)),)
    assert streaming.sink.markets[ONE].ticks == grid
    assert streaming.frames.said("unsubscribe") == [[yes(), no()]]
    streaming.frames.give(streaming.book(tick_size="0.001"))
    assert kinds(streaming.now()) == ["book"]
    assert streaming.sink.markets[ONE].ticks == grid


def test_an_answer_with_the_old_tick_is_no_book(streaming: Streaming) -> None:
    """After new steps, a book over REST counts only if it has them."""
    told = {"event_type": "tick_size_change", "asset_id": yes(), "new_tick_size": "0.001"}
    streaming.at_venue(tick_size="0.01")
    streaming.frames.give(told)
    assert kinds(streaming.after(3)) == ["gap", "meta"]
    streaming.at_venue(tick_size="0.001")
    assert kinds(streaming.after(10)) == ["book"]


def test_steps_that_are_not_known_leave_no_book(streaming: Streaming) -> None:
    """Where orders could not be rounded there is no book, until the steps are known ones."""
    told = {"event_type": "tick_size_change", "asset_id": yes(), "new_tick_size": "0.003"}
    streaming.frames.give(told, streaming.book(tick_size="0.003"))
    assert kinds(streaming.now()) == ["gap"]
    streaming.at_venue(tick_size="0.003")
    assert kinds(streaming.after(60)) == []
    streaming.frames.give({**told, "new_tick_size": "0.001"}, streaming.book(tick_size="0.001"))
    assert kinds(streaming.now()) == ["meta", "book"]


def test_a_resolved_market_is_closed_at_once_and_paid_when_it_is_proven(
    streaming: Streaming,
) -> None:
    """The stream's word closes a market; what it paid is asked for, and it never opens again."""
    streaming.frames.give(
        {
            "event_type": "market_resolved",
            "market": ONE,
            "winning_asset_id": yes(),
            "timestamp": streaming.stamp(),
        }
    )
    facts = streaming.now()
    assert ("status", ONE, MarketStatus.CLOSED) in facts
    assert "resolution" not in kinds(facts)
    streaming.venue.resolutions = [a_resolution(1)]
    facts = streaming.after(61)
    assert ("resolution", ONE, ONE_DOLLAR) in facts
    assert kinds(streaming.after(700)) == []
    assert streaming.feed.watched == ()
    assert streaming.frames.shut_down == [1]


def test_a_new_market_of_a_series_is_looked_for_soon(streaming: Streaming) -> None:
    """A market made like one that is watched brings the next look forward; others do not."""
    asked = streaming.venue.asked("/events/keyset")
    news = {"event_type": "new_market", "market": "0x1", "slug": "something-else"}
    streaming.frames.give(news)
    streaming.now()
    streaming.after(61)
    assert streaming.venue.asked("/events/keyset") == asked
    streaming.frames.give({**news, "slug": "will-number-77-be-drawn"})
    streaming.now()
    streaming.after(61)
    assert streaming.venue.asked("/events/keyset") == asked + 1


def test_unknown_messages_are_kept_and_alarmed_once(streaming: Streaming) -> None:
    """A type nobody knows is counted, told once, and kept as it came; the books go on."""
    for count in range(RAW_KEPT + 5):
        streaming.frames.give({"event_type": "comet", "n": count})
    assert kinds(streaming.now()) == []
    assert streaming.feed.stream.unknown["comet"] == RAW_KEPT + 5
    assert len(streaming.feed.stream.raw) == RAW_KEPT
    assert b'"comet"' in streaming.feed.stream.raw[-1]
    told = [line for line in streaming.feed.problems if "comet" in line]
    assert told == ["stream: messages of type 'comet' are not understood"]
    assert streaming.whole()


def test_kinds_of_unknown_messages_are_bounded(streaming: Streaming) -> None:
    """Whoever invents types without end fills nothing."""
    for count in range(300):
        streaming.frames.give({"event_type": f"t{count}"})
    streaming.frames.give(*[f"word {count}".encode() for count in range(300)])
    streaming.now()
    assert len(streaming.feed.stream.unknown) <= 51
    assert streaming.feed.stream.unknown.total() == 600
    assert len(streaming.feed.problems) < 100


def test_words_that_are_no_message_are_alarmed(streaming: Streaming) -> None:
    """Plain words hold no price: they are told, and the books go on."""
    streaming.frames.give(b"INVALID OPERATION", b"")
    assert kinds(streaming.now()) == []
    assert "INVALID OPERATION" in "".join(streaming.feed.problems)
    assert streaming.whole()


@pytest.mark.parametrize(
    "frame",
    [
        b"[" * 100_000,
        b'{"event_type":"price_change","price_changes":[' + b"[" * 50_000,
        b'[{"event_type":',
        b'{"event_type":"price_change","price_changes":7,"timestamp":"1"}',
        b'{"a":' * 20_000,
        b"[7]",
        b"{\xff}",
    ],
)
def test_a_frame_that_may_have_been_a_change_of_anything_ends_the_connection(
    streaming: Streaming, frame: bytes
) -> None:
    """Where nobody can say which book a lost message was about, none is believed."""
    streaming.frames.give(frame)
    assert kinds(streaming.now()) == ["gap"]
    assert len(streaming.frames.dropped) == 1


@pytest.mark.parametrize(
    "level",
    [
        {"price": "NaN"},
        {"price": "1"},
        {"price": "0"},
        {"price": "-0.1"},
        {"price": "0.4500001"},
        {"price": ""},
        {"size": "-5"},
        {"size": "Infinity"},
        {"size": "1e400"},
        {"size": "\uff11"},
        {"size": "9" * 200},
        {"size": "1000000000001"},
        {"size": "1e13"},
    ],
)
def test_a_change_with_bad_numbers_ends_the_belief_in_its_book(level: Record) -> None:
    """One bad number costs its own book, once, and no other."""
    streaming = Streaming(markets=2)
    streaming.begin()
    [told, mirrored] = a_change()
    streaming.frames.give(streaming.changes({**told, **level}, mirrored))
    facts = streaming.now()
    assert kinds(facts) == ["gap"]
    assert facts[0][1] == ONE
    assert streaming.whole(2)


@pytest.mark.parametrize(
    "broken",
    [
        {"timestamp": "soon"},
        {"timestamp": -5},
        {"price_changes": [{"asset_id": yes(), "price": 0.4, "size": "1", "side": "BUY"}]},
        {"price_changes": [{"asset_id": yes(), "price": "0.4", "size": "1", "side": "HOLD"}]},
        {"price_changes": [None]},
    ],
)
def test_changes_of_a_wrong_form_end_the_belief_in_their_book(
    streaming: Streaming, broken: Record
) -> None:
    """A message of the wrong form names its market, and costs that one only."""
    streaming.frames.give(streaming.changes(*a_change(), **broken))
    assert kinds(streaming.now()) == ["gap"]
    assert streaming.frames.dropped == []


def test_a_book_without_its_type_or_in_older_words_is_one(streaming: Streaming) -> None:
    """Some books do not say what they are, and some say buys and sells."""
    bare = streaming.book(event_type=None, bids=[{"price": "0.1", "size": "3"}])
    streaming.frames.give(bare)
    assert streaming.now()[0][2] == {price("0.1"): size("3")}
    old = streaming.book(bids=None, asks=None, buys=[{"price": ".2", "size": "3"}], sells=[])
    streaming.frames.give([old])
    assert streaming.now()[0][2:4] == ({price("0.2"): size("3")}, {})


def test_the_same_book_again_is_no_news(streaming: Streaming) -> None:
    """A picture that shows what is known is not told; another one is, without a gap."""
    streaming.clock.advance(SECOND)
    streaming.frames.give(streaming.book())
    assert kinds(streaming.now()) == []
    streaming.frames.give(streaming.book(bids=[{"price": "0.1", "size": "3"}]))
    assert kinds(streaming.now()) == ["book"]


def test_a_picture_from_before_the_last_change_is_left_out(streaming: Streaming) -> None:
    """An older picture never overwrites newer changes."""
    old = streaming.book()
    streaming.clock.advance(SECOND)
    change(streaming, at="0.45", size="1")
    streaming.frames.give(old)
    assert kinds(streaming.now()) == []
    assert streaming.feed.stream.ignored["a book from the past"] == 1


def test_late_messages_end_the_belief_until_they_are_in_time(streaming: Streaming) -> None:
    """What comes seconds later than the quickest message is too old to be traded on."""
    change(streaming)
    streaming.clock.advance(Duration(10 * SECOND))
    stamp = str(int(streaming.stamp()) - 5_000)
    streaming.frames.give(streaming.changes(*a_change(size="3"), timestamp=stamp))
    facts = streaming.now()
    assert kinds(facts) == ["gap"]
    assert "late" in str(facts[0][2])
    assert kinds(change(streaming, size="4")) == ["book", "delta"]


def test_a_connection_that_stays_late_is_left(streaming: Streaming) -> None:
    """A clock that was set makes everything late for ever: a new connection begins anew."""
    change(streaming)
    for _ in range(4):
        streaming.clock.advance(Duration(29 * SECOND))
        stamp = str(int(streaming.stamp()) - 5_000)
        streaming.frames.give(streaming.changes(*a_change(size="3"), timestamp=stamp))
        streaming.now()
    assert [reason for _, reason in streaming.frames.dropped] == ["what comes stays late"]
    streaming.frames.connect()
    streaming.frames.give(streaming.book())
    assert kinds(streaming.now()) == ["book"]


def test_sockets_carry_no_more_than_they_can() -> None:
    """Markets beyond a socket's tokens go to another one; beyond all sockets people are told."""
    streaming = Streaming(markets=5, shards=Shards(tokens_max=4, shards_max=2))
    streaming.begin()
    assert sorted(streaming.frames.greetings) == [1, 2]
    tokens = [streaming.frames.greetings[n]().tokens for n in (1, 2)]
    assert tokens == [(yes(1), no(1), yes(2), no(2)), (yes(3), no(3), yes(4), no(4))]
    assert [streaming.whole(n) for n in range(1, 6)] == [True] * 4 + [False]
    assert "1 markets have no room" in "".join(streaming.feed.problems)


def test_one_broken_socket_costs_its_own_markets() -> None:
    """A gap is told for the markets of the socket that broke, and for no others."""
    streaming = Streaming(markets=4, shards=Shards(tokens_max=4))
    streaming.begin()
    streaming.frames.lose(2)
    assert [fact[:2] for fact in streaming.now()] == [("gap", condition(3)), ("gap", condition(4))]
    assert streaming.whole(1)


def test_what_was_wanted_while_connecting_is_asked_for() -> None:
    """A market found after a connection said what it wants is asked for once it stands."""
    streaming = Streaming()
    streaming.now()
    streaming.frames.connect()
    [(_, socket, opened)] = streaming.frames.queue
    streaming.frames.queue.clear()
    streaming.venue.events = [an_event([a_market(1), a_market(2)])]
    streaming.after(600)
    assert streaming.frames.commands == []
    streaming.frames.queue.append((streaming.clock.now(), socket, opened))
    streaming.now()
    assert streaming.frames.said("subscribe") == [[yes(2), no(2)]]


def test_without_a_catalogue_there_is_nothing_to_begin_with() -> None:
    """Where no catalogue can be had the feed says so."""
    streaming = Streaming()
    streaming.venue.fail("/events/keyset", *[SERVER_ERROR] * 20)
    with pytest.raises(MarketDataError, match="no catalogue"):
        streaming.now()


def test_closing_ends_everything(streaming: Streaming) -> None:
    """A closed feed has closed its sockets."""
    streaming.feed.close()
    assert streaming.frames.closed


def test_an_empty_book_is_a_book() -> None:
    """A market in which nobody is has a whole book without levels."""
    streaming = Streaming()
    streaming.now()
    streaming.frames.connect()
    streaming.frames.give(streaming.book(bids=[], asks=[]))
    assert streaming.now()[0][:4] == ("book", ONE, {}, {})


def test_crossed_pictures_are_not_told() -> None:
    """A picture in which buyers bid more than sellers ask is no book."""
    streaming = Streaming()
    streaming.now()
    streaming.frames.connect()
    levels = a_book(bids={"0.5": "1"}, asks={"0.5": "1"})
    streaming.frames.give(streaming.book(bids=levels["bids"], asks=levels["asks"]))
    assert kinds(streaming.now()) == []
