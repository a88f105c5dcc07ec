"""The stream over frames given by hand: order, gaps, channels, lateness and what is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from market_bot.adapters.kalshi.private_stream import PrivateInbox, PushedFill, PushedOrder
from market_bot.adapters.kalshi.stream import StreamPace
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import MarketStatus, TickBand
from market_bot.core.domain.numbers import SECOND, Duration, Micros, money, price, size, to_datetime
from market_bot.core.ports.market_data import Capability
from tests.fakes.kalshi_client import WaitingClock
from tests.fakes.kalshi_frames import HandFrames, VenueFrames
from tests.fakes.kalshi_records import a_market
from tests.fakes.kalshi_streaming import Streaming

ONE = "KXTEMP-26DEC01-T50"
TWO = "KXTEMP-26DEC01-B52"
EMPTY: dict[int, int] = {}


@pytest.fixture
def clock() -> WaitingClock:
    """Return the one clock of bot and venue."""
    return WaitingClock()


@pytest.fixture
def venue(clock: WaitingClock) -> VenueFrames:
    """Return a venue that answers, with one bid and one offer."""
    venue = VenueFrames(clock, [ONE, TWO])
    venue.change(ONE, "yes", 30, 500)
    venue.change(ONE, "no", 35, 400)
    return venue


@pytest.fixture
def streaming(clock: WaitingClock, venue: VenueFrames) -> Streaming:
    """Return a stream with two markets whose books are there."""
    return connected(Streaming(clock, venue, [ONE, TWO]), venue)


def connected(streaming: Streaming, venue: VenueFrames) -> Streaming:
    streaming.watch(ONE, TWO)
    streaming.settle()
    venue.connect()
    streaming.settle()
    return streaming


def kinds(facts: list[tuple[object, ...]]) -> list[object]:
    return [fact[0] for fact in facts]


def sid_of(venue: VenueFrames, channel: str) -> int:
    return next(one.sid for one in venue.joined.values() if one.channel == channel)


def whole(streaming: Streaming) -> list[bool]:
    return [streaming.sink.books[name].whole for name in (ONE, TWO)]


def test_it_claims_what_it_can(streaming: Streaming) -> None:
    """A continuous book and prints."""
    claimed = frozenset({Capability.L2_STREAM, Capability.PRINTS})

    assert claimed == streaming.stream.capabilities


def test_what_is_subscribed_to(venue: VenueFrames, streaming: Streaming) -> None:
    """Prints and books of the watched markets, YES prices said explicitly, lives of all."""
    subscribed = [one["params"] for one in venue.commands if one["cmd"] == "subscribe"]

    assert [
        {"channels": ["trade"], "market_tickers": [ONE, TWO]},
        {"channels": ["orderbook_delta"], "market_tickers": [ONE, TWO], "use_yes_price": True},
        {"channels": ["market_lifecycle_v2"]},
    ] == subscribed


def test_without_markets_nothing_is_subscribed_to(clock: WaitingClock, venue: VenueFrames) -> None:
    """A channel of no markets would be one of all markets."""
    streaming = Streaming(clock, venue, [])
    venue.connect()
    streaming.settle()

    assert [["market_lifecycle_v2"]] == [one["params"]["channels"] for one in venue.commands]


def test_the_first_books(streaming: Streaming) -> None:
    """Books come whole in YES prices, an empty one too."""
    assert (
        {price("0.3"): size("5")},
        {price("0.35"): size("4")},
    ) == streaming.sink.snapshot(ONE)
    assert ({}, {}) == streaming.sink.snapshot(TWO)
    assert [True, True] == whole(streaming)


def test_changes_are_absolute(venue: VenueFrames, streaming: Streaming) -> None:
    """What is told of a change is the size there now, with the venue's time."""
    venue.change(ONE, "no", 35, 100)
    at = Micros(streaming.clock.now_ms() * 1000)

    expected = ("delta", ONE, Side.ASK, price("0.35"), size("1"), at)
    assert [expected] == streaming.now()


def test_prints(venue: VenueFrames, streaming: Streaming) -> None:
    """A print is told with its taker's side, price, size and time."""
    venue.trade(ONE, 35, 50)
    at = Micros(streaming.clock.now_ms() * 1000)

    expected = ("trade", ONE, Side.BID, price("0.35"), size("0.5"), at)
    assert [expected] == streaming.now()


def test_a_block_trade_is_no_print(venue: VenueFrames, streaming: Streaming) -> None:
    """What was agreed off the book says nothing about it."""
    give_trade(venue, is_block_trade=True)

    assert [] == streaming.now()


@pytest.mark.parametrize(
    "changed",
    [
        {"is_block_trade": None},
        {"count_fp": "0.00"},
        {"yes_price_dollars": "1.0000"},
        {"yes_price_dollars": None},
    ],
)
def test_a_print_that_cannot_be_told(
    venue: VenueFrames, streaming: Streaming, changed: dict[str, Any]
) -> None:
    """A print without size, price, or the word that it is no block trade is missing: a gap."""
    give_trade(venue, **changed)

    assert ["gap", "book", "book"] == kinds(streaming.now())
    assert [True, True] == whole(streaming)
    assert streaming.stream.problems


def give_trade(venue: VenueFrames, **changed: Any) -> None:
    one = venue.joined[sid_of(venue, "trade")]
    one.seq += 1
    body: dict[str, Any] = {
        "market_ticker": ONE,
        "yes_price_dollars": "0.3500",
        "count_fp": "1.00",
        "taker_outcome_side": "no",
        "is_block_trade": False,
    }
    body = {key: value for key, value in (body | changed).items() if value is not None}
    venue.give({"type": "trade", "sid": one.sid, "seq": one.seq, "msg": body})


def test_a_lost_message_loses_every_book(venue: VenueFrames, streaming: Streaming) -> None:
    """All books of a channel share one count: all are lost, and all come back as a whole."""
    venue.fates.append("lose")
    venue.change(ONE, "yes", 31, 100)
    venue.change(ONE, "yes", 31, 200)
    first = streaming.now()

    assert ["gap"] == kinds(first)
    assert "message" in str(first[0][2])
    assert [False, False] == whole(streaming)
    assert {"sids": [2]} == venue.last("unsubscribe")["params"]
    again = streaming.settle()
    assert ["book", "book"] == kinds(again)
    assert {price("0.3"): size("5"), price("0.31"): size("2")} == streaming.sink.snapshot(ONE)[0]


def test_nothing_is_taken_of_what_comes_with_a_loss(
    venue: VenueFrames, streaming: Streaming
) -> None:
    """A snapshot with a wrong number would be the last word of a channel that is left."""
    one = venue.joined[sid_of(venue, "orderbook_delta")]
    one.seq += 2
    body = {"market_ticker": ONE, "yes_dollars_fp": [["0.1000", "1.00"]]}
    venue.give({"type": "orderbook_snapshot", "sid": one.sid, "seq": one.seq, "msg": body})

    assert ["gap"] == kinds(streaming.now())


def test_an_acknowledgement_uses_up_a_number(venue: VenueFrames, streaming: Streaming) -> None:
    """After an `ok` of a channel the next number is one more, and nothing is lost."""
    venue.fence()
    venue.change(ONE, "yes", 31, 100)

    assert ["delta"] == kinds(streaming.now())


def test_a_lost_acknowledgement_is_a_loss(venue: VenueFrames, streaming: Streaming) -> None:
    """What was in place of a missing number nobody knows."""
    venue.joined[sid_of(venue, "orderbook_delta")].seq += 1
    venue.change(ONE, "yes", 31, 100)

    assert ["gap"] == kinds(streaming.now())


def test_the_same_message_twice(venue: VenueFrames, streaming: Streaming) -> None:
    """The same bytes again change nothing."""
    venue.fates.append("repeat")
    venue.change(ONE, "yes", 31, 100)

    assert ["delta"] == kinds(streaming.now())
    assert 1 == streaming.stream.ignored["repeated"]


def test_a_count_that_begins_again_is_a_loss(venue: VenueFrames, streaming: Streaming) -> None:
    """Smaller numbers on a channel that goes on are not taken for old messages."""
    venue.change(ONE, "yes", 31, 100)
    venue.change(ONE, "yes", 31, 200)
    streaming.now()
    venue.joined[sid_of(venue, "orderbook_delta")].seq = 0
    venue.change(ONE, "yes", 31, 300)

    assert ["gap"] == kinds(streaming.now())


def test_an_old_channel_is_over(venue: VenueFrames, streaming: Streaming) -> None:
    """What still comes of a channel that was left changes no book and loses none."""
    old = sid_of(venue, "orderbook_delta")
    venue.fates.append("lose")
    venue.change(ONE, "yes", 31, 100)
    venue.change(ONE, "yes", 31, 200)
    streaming.settle()
    body = {"market_ticker": ONE, "price_dollars": "0.3100", "delta_fp": "-1.00", "side": "yes"}
    late = {"market_ticker": ONE, "yes_dollars_fp": [["0.9900", "1.00"]]}
    new = venue.joined[sid_of(venue, "orderbook_delta")]
    venue.give({"type": "orderbook_delta", "sid": old, "seq": new.seq + 1, "msg": body})
    venue.give({"type": "orderbook_snapshot", "sid": old, "seq": new.seq + 2, "msg": late})

    assert [] == streaming.settle()
    assert new.sid != old
    assert [True, True] == whole(streaming)


def test_a_snapshot_replaces(venue: VenueFrames, streaming: Streaming) -> None:
    """Levels that a new snapshot does not have are gone."""
    one = venue.joined[sid_of(venue, "orderbook_delta")]
    one.seq += 1
    body = {"market_ticker": ONE, "yes_dollars_fp": [["0.1000", "1.00"]]}
    venue.give({"type": "orderbook_snapshot", "sid": one.sid, "seq": one.seq, "msg": body})

    assert [("book", ONE, {price("0.1"): size("1")}, {}, None)] == streaming.now()


def test_a_new_connection_begins_with_nothing(venue: VenueFrames, streaming: Streaming) -> None:
    """A broken connection is one gap; no book of before is told again, whatever begins first."""
    venue.truth[ONE].clear()
    venue.queue.clear()
    HandFrames.lose(venue)
    assert ["gap"] == kinds(streaming.now())
    # Prints begin, and the snapshots are still on their way.
    HandFrames.connect(venue)
    venue.joined.clear()
    venue.give({"type": "subscribed", "id": 1, "msg": {"channel": "trade", "sid": 1}})
    streaming.clock.pass_by(1)

    assert "book" not in kinds(streaming.now())
    streaming.settle()
    assert ({}, {}) == streaming.sink.snapshot(ONE)


def test_numbers_belong_to_a_connection(venue: VenueFrames, streaming: Streaming) -> None:
    """The same numbers on the next connection begin anew, and are no repetition."""
    venue.lose()
    facts = streaming.settle()

    assert ["gap", "book", "book"] == kinds(facts)
    assert [True, True] == whole(streaming)


def test_after_a_connection_statuses_are_caught_up(
    venue: VenueFrames, streaming: Streaming
) -> None:
    """What happened in between nobody tells: it is asked for at once."""
    streaming.lists.markets[ONE] = a_market(ONE, status="inactive")
    assert [] == streaming.after(1)
    venue.lose()

    assert ("status", ONE, MarketStatus.PAUSED) in streaming.settle()


def test_no_book_without_prints(clock: WaitingClock, venue: VenueFrames) -> None:
    """A book is told once its prints are subscribed to: before, one could be missed."""
    streaming = Streaming(clock, venue, [ONE, TWO])
    streaming.watch(ONE, TWO)
    HandFrames.connect(venue)
    acks = [
        {"type": "subscribed", "id": 2, "msg": {"channel": "orderbook_delta", "sid": 1}},
        {"type": "orderbook_snapshot", "sid": 1, "seq": 1, "msg": {"market_ticker": ONE}},
    ]
    venue.obey = lambda command: None  # type: ignore[method-assign] # by hand from here on
    streaming.settle()
    venue.give(*acks)

    assert "book" not in kinds(streaming.now())
    venue.give({"type": "subscribed", "id": 1, "msg": {"channel": "trade", "sid": 2}})
    assert [("book", ONE, {}, {}, None)] == streaming.now()


def test_missing_prints_are_a_gap(venue: VenueFrames, streaming: Streaming) -> None:
    """Books go on after a lost print, and whoever waits in a queue knows that one is missing."""
    venue.fates.append("lose")
    venue.trade(ONE, 35, 50)
    venue.trade(ONE, 35, 60)

    assert ["gap", "book", "book", "trade"] == kinds(streaming.now())


@pytest.mark.parametrize("code", [10, 25])
def test_terminal_errors(venue: VenueFrames, streaming: Streaming, code: int) -> None:
    """A channel that the venue has ended is a gap and is joined again."""
    sid = sid_of(venue, "orderbook_delta")
    venue.joined.pop(sid)
    venue.give({"type": "error", "sid": sid, "msg": {"code": code, "msg": "over"}})

    assert ["gap", "book", "book"] == kinds(streaming.settle())
    assert 3 + 1 == len([one for one in venue.commands if one["cmd"] == "subscribe"])


def test_a_terminal_error_of_nobody(venue: VenueFrames, streaming: Streaming) -> None:
    """If the venue does not say which channel is over, the connection is."""
    venue.give({"type": "error", "msg": {"code": 10, "msg": "Channel error"}})

    assert ["gap", "book", "book"] == kinds(streaming.settle())
    assert "which" in venue.dropped[0][1]


def test_losses_again_and_again_end_the_connection(
    venue: VenueFrames, streaming: Streaming
) -> None:
    """Joining a channel over and over is no way to live."""
    for _ in range(5):
        venue.joined[sid_of(venue, "orderbook_delta")].seq += 1
        venue.change(ONE, "yes", 31, venue.truth[ONE].get(("yes", 31), 0) + 100)
        streaming.settle()

    assert 1 == len(venue.dropped)
    assert [True, True] == whole(streaming)


def test_a_negative_size_spoils_one_book(venue: VenueFrames, streaming: Streaming) -> None:
    """More is taken than was there: that book is lost, asked for again, and the others stay."""
    one = venue.joined[sid_of(venue, "orderbook_delta")]
    one.seq += 1
    body = {"market_ticker": ONE, "price_dollars": "0.3000", "delta_fp": "-9.00", "side": "yes"}
    venue.give({"type": "orderbook_delta", "sid": one.sid, "seq": one.seq, "msg": body})
    facts = streaming.now()

    assert [("gap", ONE), ("book", ONE)] == [fact[:2] for fact in facts]
    asked = venue.last("update_subscription")["params"]
    assert ("get_snapshot", [ONE]) == (asked["action"], asked["market_tickers"])
    assert {price("0.3"): size("5")} == streaming.sink.snapshot(ONE)[0]


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "orderbook_delta", "sid": 2, "seq": 4, "msg": {"market_ticker": ONE}},
        {"type": "orderbook_delta", "sid": "2", "seq": 4, "msg": {}},
        b'{"type":',
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b'{"type":"orderbook_delta","sid":1,"seq":4,"msg":' + b'{"a":' * 100_000,
    ],
    ids=["fields", "types", "torn", "bytes", "shape", "deep", "deep inside"],
)
def test_what_cannot_be_read_is_a_loss(
    venue: VenueFrames, streaming: Streaming, frame: dict[str, Any] | bytes
) -> None:
    """A message that is not what it should be may have been about any book."""
    venue.give(frame)

    assert "gap" == streaming.now()[0][0]
    assert streaming.stream.problems
    streaming.settle()
    assert [True, True] == whole(streaming)


def test_unknown_messages_are_counted(venue: VenueFrames, streaming: Streaming) -> None:
    """A type we do not know loses nothing, is counted, and shown once."""
    for _ in range(3):
        venue.give({"type": "weather", "sid": 9, "msg": {"rain": True}})

    assert [] == streaming.now()
    assert {"weather": 3} == dict(streaming.stream.unknown)
    assert 1 == len([one for one in streaming.stream.problems if "weather" in one])


def test_unknown_messages_take_part_in_the_count(venue: VenueFrames, streaming: Streaming) -> None:
    """A new kind of message on a channel of ours uses up its number."""
    one = venue.joined[sid_of(venue, "orderbook_delta")]
    one.seq += 1
    venue.give({"type": "orderbook_hint", "sid": one.sid, "seq": one.seq, "msg": {}})
    venue.change(ONE, "yes", 31, 100)

    assert ["delta"] == kinds(streaming.now())


# -- lives ----------------------------------------------------------------------------------


def live(venue: VenueFrames, ticker: str, event: str, **more: Any) -> None:
    one = venue.joined[sid_of(venue, "market_lifecycle_v2")]
    one.seq += 1
    body = {"market_ticker": ticker, "event_type": event} | more
    venue.give({"type": "market_lifecycle_v2", "sid": one.sid, "seq": one.seq, "msg": body})


def test_a_pause_is_told_at_once(venue: VenueFrames, streaming: Streaming) -> None:
    """A market stops and goes on as the stream says."""
    live(venue, ONE, "deactivated")
    assert [("status", ONE, MarketStatus.PAUSED)] == streaming.now()
    # The list comes from a cache and still says that it is active.
    assert [] == streaming.after(1)
    live(venue, ONE, "activated")
    assert [("status", ONE, MarketStatus.OPEN)] == streaming.now()


def test_an_old_list_does_not_wake_a_market(venue: VenueFrames, streaming: Streaming) -> None:
    """For as long as a list may be cached, what was heard since is believed instead."""
    live(venue, ONE, "deactivated")
    streaming.now()

    assert [[], [], []] == [streaming.after(5) for _ in range(3)]
    assert ("status", ONE, MarketStatus.OPEN) in streaming.after(20)


def test_a_refused_market_stays_refused(venue: VenueFrames, streaming: Streaming) -> None:
    """A market that has become one we do not trade is not opened by a word of the stream."""
    streaming.lists.markets[ONE] = a_market(ONE, settlement_bounds_type="floor")
    assert ("status", ONE, MarketStatus.PAUSED) in streaming.after(20)
    live(venue, ONE, "activated")

    assert [] == streaming.now()


def test_a_close_that_moves(venue: VenueFrames, streaming: Streaming) -> None:
    """New terms are told, and the market closes by them although nobody says so."""
    close = streaming.clock.at // SECOND + 60
    live(venue, ONE, "close_date_updated", close_ts=close)
    facts = streaming.now()

    assert ["meta"] == kinds(facts)
    assert close * SECOND == streaming.sink.markets[ONE].close_at
    told = to_datetime(Micros(close * SECOND)).isoformat()
    streaming.lists.markets[ONE] = a_market(ONE, close_time=told)
    streaming.clock.pass_by(60 * SECOND)
    venue.heard_at = streaming.clock.elapsed()
    assert ("status", ONE, MarketStatus.CLOSED) in streaming.settle()


def test_a_new_price_grid(venue: VenueFrames, streaming: Streaming) -> None:
    """The grid comes from the ranges; one that is none stops the market."""
    ranges = [{"start": "0.0000", "end": "1.0000", "step": "0.0010"}]
    live(venue, ONE, "price_level_structure_updated", price_ranges=ranges)
    streaming.now()
    assert (TickBand(price(0), price(1), price("0.001")),) == streaming.sink.markets[ONE].ticks

    live(venue, TWO, "price_level_structure_updated", price_ranges=[ranges[0] | {"step": "0.7"}])
    assert ("status", TWO, MarketStatus.PAUSED) in streaming.now()


def test_a_result_waits_until_it_is_final(venue: VenueFrames, streaming: Streaming) -> None:
    """Determined is not paid: the payout is what the list says once the market is finalized."""
    live(venue, ONE, "determined", result="yes", settlement_value="1.0000")
    assert [("status", ONE, MarketStatus.DETERMINED)] == streaming.now()
    live(venue, ONE, "settled")
    assert [] == streaming.now()
    # It was disputed and amended.
    streaming.lists.markets[ONE] = a_market(
        ONE, status="finalized", result="no", settlement_value_dollars="0.0000"
    )

    assert ("resolution", ONE, 0) in streaming.after(20)


def test_what_is_paid_out_is_not_streamed(venue: VenueFrames, streaming: Streaming) -> None:
    """A market that has ended leaves the channels."""
    streaming.lists.markets[ONE] = a_market(
        ONE, status="finalized", result="yes", settlement_value_dollars="1.0000"
    )
    streaming.after(20)
    streaming.after(1)

    asked = [one["params"] for one in venue.commands if one["cmd"] == "update_subscription"]
    assert {("delete_markets", ONE)} == {(one["action"], *one["market_tickers"]) for one in asked}
    assert frozenset({ONE}) == streaming.stream.resolved


def test_a_strike_that_moves_stops_the_market(venue: VenueFrames, streaming: Streaming) -> None:
    """Until somebody has looked at it anew, what is believed about the market may be wrong."""
    live(venue, ONE, "metadata_updated", floor_strike=51)
    assert [("status", ONE, MarketStatus.PAUSED)] == streaming.now()
    news = streaming.stream.news_at()
    assert news is not None

    streaming.watch(ONE)
    assert "status" not in kinds(streaming.after(21))
    streaming.watch(ONE)
    assert ("status", ONE, MarketStatus.OPEN) in streaming.now()
    assert None is streaming.stream.news_at()


def test_other_words_about_a_market_change_nothing(
    venue: VenueFrames, streaming: Streaming
) -> None:
    """A new subtitle is nobody's business; a kind of event we do not know is said once."""
    live(venue, ONE, "metadata_updated", yes_sub_title="above")
    live(venue, ONE, "renamed")
    live(venue, ONE, "renamed")

    assert [] == streaming.now()
    assert 1 == len([one for one in streaming.stream.problems if "renamed" in one])


@pytest.mark.parametrize(
    "message",
    [
        {"type": "event_fee_update", "msg": {"event_ticker": "KXTEMP-26DEC02"}},
        {"type": "event_lifecycle", "msg": {"event_ticker": "KXTEMP-26DEC02"}},
        {
            "type": "market_lifecycle_v2",
            "msg": {"market_ticker": "KXTEMP-26DEC02-T1", "event_type": "created"},
        },
    ],
)
def test_news_ask_for_a_look(
    venue: VenueFrames, streaming: Streaming, message: dict[str, Any]
) -> None:
    """A new market of a watched family, or other fees there: somebody has to look."""
    one = venue.joined[sid_of(venue, "market_lifecycle_v2")]
    one.seq += 1
    venue.give(message | {"sid": one.sid, "seq": one.seq})
    streaming.now()

    assert streaming.clock.at == streaming.stream.news_at()


# -- markets come and go --------------------------------------------------------------------


def test_markets_are_added(venue: VenueFrames, clock: WaitingClock) -> None:
    """A further market joins the channels that are there, and has its book."""
    streaming = Streaming(clock, venue, [ONE, TWO])
    streaming.watch(ONE)
    venue.connect()
    streaming.settle()
    streaming.watch(TWO)
    streaming.settle()

    assert 3 == len([one for one in venue.commands if one["cmd"] == "subscribe"])
    assert [True, True] == whole(streaming)


def test_markets_are_dropped(venue: VenueFrames, streaming: Streaming) -> None:
    """Who still knows a dropped market learns that its book is no more, and nothing follows."""
    streaming.stream.drop([ONE])
    streaming.clock.pass_by(1)
    facts = streaming.settle()
    venue.change(ONE, "yes", 31, 100)

    assert [("gap", ONE), ("status", ONE)] == [fact[:2] for fact in facts]
    assert [] == streaming.now()


def test_without_any_market_the_channels_are_left(venue: VenueFrames, streaming: Streaming) -> None:
    """The last market takes its channels with it: without one they would be of all markets."""
    streaming.stream.drop([ONE, TWO])
    streaming.settle()

    assert ["market_lifecycle_v2"] == [one.channel for one in venue.joined.values()]


def test_a_market_comes_after_its_terms(venue: VenueFrames, clock: WaitingClock) -> None:
    """Whatever is received first, terms are told before the book."""
    streaming = Streaming(clock, venue, [ONE, TWO])
    venue.connect()
    streaming.settle()
    streaming.watch(ONE)
    facts = streaming.settle()

    assert [fact[0] for fact in facts if fact[1] == ONE].index("book") > kinds(facts).index("meta")


def test_a_missing_book_is_asked_for(venue: VenueFrames, streaming: Streaming) -> None:
    """A market that was subscribed to and has no book is asked for by name."""
    streaming.statuses._tell(lambda sink, received: None)
    streaming.stream._told.markets[ONE].book.lose()
    streaming.after(6)

    assert [ONE] == venue.last("update_subscription")["params"]["market_tickers"]
    streaming.settle()
    assert [True, True] == whole(streaming)


def test_markets_that_the_venue_does_not_let_us_have(
    venue: VenueFrames, streaming: Streaming
) -> None:
    """A market beyond the venue's limit is said so, once, and the others go on."""
    third = "KXRAIN-26DEC01-Y"
    streaming.lists.markets[third] = a_market(third)
    obeys = venue.obey

    def refuse(command: dict[str, Any]) -> None:
        if third in command.get("params", {}).get("market_tickers", ()):
            error = {"code": 26, "msg": "Subscription market limit exceeded"}
            venue.give({"type": "error", "id": command["id"], "msg": error})
        else:
            obeys(command)

    venue.obey = refuse  # type: ignore[method-assign] # the venue as it is from here on
    streaming.watch(third)
    streaming.settle(8)

    assert [] == venue.dropped
    assert [True, True] == whole(streaming)
    assert 2 == len([one for one in venue.commands if third in str(one)])


# -- silence and lateness -------------------------------------------------------------------


def test_silence_is_asked_about(venue: VenueFrames, streaming: Streaming) -> None:
    """In a quiet hour the venue is asked whether it listens, and an answer is enough."""
    for _ in range(10):
        streaming.after(6)

    assert "list_subscriptions" in {one["cmd"] for one in venue.commands}
    assert [] == venue.dropped
    assert [True, True] == whole(streaming)


def test_a_stalled_connection_is_given_up(venue: VenueFrames, streaming: Streaming) -> None:
    """Who does not answer is not there, whatever the pings say: a gap, and a new connection."""
    venue.obey = lambda command: None  # type: ignore[method-assign] # it lives and says nothing
    streaming.after(11)
    facts = streaming.after(11)

    assert "gap" in kinds(facts)
    assert "no answer" in venue.dropped[0][1]


def test_a_channel_that_is_not_listed(venue: VenueFrames, streaming: Streaming) -> None:
    """A channel the venue has forgotten is a gap, found out when it is asked."""
    del venue.joined[sid_of(venue, "orderbook_delta")]
    facts = [*streaming.after(11), *streaming.settle()]

    assert ["gap", "book", "book"] == kinds(facts)


def test_late_messages_are_not_believed(venue: VenueFrames, streaming: Streaming) -> None:
    """Books are lost while what comes is old, and told as they are once it is young again."""
    venue.change(ONE, "yes", 31, 100)
    frame = venue.queue.pop()[1]
    assert isinstance(frame, bytes)
    streaming.clock.pass_by(4 * SECOND)
    venue.give(frame)
    first = streaming.now()
    venue.change(ONE, "yes", 32, 100)
    second = streaming.now()

    assert ["gap"] == kinds(first)
    assert "4.0 s late" in str(first[0][2])
    assert ["book", "book", "delta"] == kinds(second)
    assert {30, 31, 32} == {at // 10_000 for at in streaming.sink.snapshot(ONE)[0]}


def test_a_late_snapshot_is_not_believed(clock: WaitingClock, venue: VenueFrames) -> None:
    """A connection that begins late tells no book until it has caught up."""
    venue.own_clock = behind = WaitingClock(Micros(clock.at - 4 * SECOND))
    streaming = connected(Streaming(clock, venue, [ONE, TWO]), venue)
    assert {} == streaming.sink.books
    behind.pass_by(4 * SECOND)
    venue.change(ONE, "yes", 31, 100)

    assert ["book", "book", "delta"] == kinds(streaming.now())


def test_a_clock_that_is_off_measures_by_comparison(
    clock: WaitingClock, venue: VenueFrames
) -> None:
    """With a clock that is minutes ahead messages are late only beside the quickest of them."""
    venue.own_clock = behind = WaitingClock(Micros(clock.at - 300 * SECOND))
    streaming = Streaming(clock, venue, [ONE, TWO])
    streaming.guard.skew = Duration(300 * SECOND)
    streaming.watch(ONE, TWO)
    venue.connect()
    streaming.settle()
    assert [True, True] == whole(streaming)
    clock.pass_by(10 * SECOND)
    behind.pass_by(5 * SECOND)
    venue.change(ONE, "yes", 31, 100)

    assert ["gap"] == kinds(streaming.now())


def test_no_answer_in_time_is_judged_by_when_was_looked(
    venue: VenueFrames, streaming: Streaming
) -> None:
    """A slow poll within a drain does not make answers overdue that wait to be read."""
    streaming.stream._tended_at = None
    slow = streaming.statuses.poll
    streaming.after(11)
    venue.queue.clear()

    def poll() -> None:
        slow()
        streaming.clock.pass_by(30 * SECOND)

    streaming.statuses.poll = poll  # type: ignore[method-assign] # a venue that takes its time
    streaming.now()

    assert [] == venue.dropped


def test_a_clock_set_back(venue: VenueFrames, streaming: Streaming) -> None:
    """What a sink hears never runs back, and books go on."""
    until = streaming.clock.now()
    streaming.clock.pass_by(-3600 * SECOND)
    venue.change(ONE, "yes", 31, 100)
    before = len(streaming.sink.facts)
    streaming.stream.drain(streaming.sink, until)

    assert ["delta"] == kinds(streaming.sink.facts[before:])


# -- our own --------------------------------------------------------------------------------

FILL: dict[str, Any] = {
    "trade_id": "f-1",
    "order_id": "o-1",
    "client_order_id": "ours-1",
    "market_ticker": ONE,
    "exchange_index": 2,
    "is_taker": True,
    "yes_price_dollars": "0.7500",
    "count_fp": "2.78",
    "fee_cost": "0.010001",
    "outcome_side": "no",
    "ts_ms": 1_671_899_397_000,
}
ORDER: dict[str, Any] = {
    "order_id": "o-1",
    "ticker": ONE,
    "status": "resting",
    "outcome_side": "yes",
    "yes_price_dollars": "0.2500",
    "fill_count_fp": "1.00",
    "remaining_count_fp": "2.00",
    "initial_count_fp": "3.00",
    "client_order_id": "ours-1",
    "created_ts_ms": None,
    "last_update_reason": "Trade",
    "last_updated_ts_ms": 1_671_899_397_000,
}


@pytest.fixture
def ours(clock: WaitingClock, venue: VenueFrames) -> tuple[Streaming, PrivateInbox]:
    """Return a stream with an inbox."""
    inbox = PrivateInbox()
    assert "begun" in str(inbox.take().must_read)
    streaming = connected(Streaming(clock, venue, [ONE, TWO], inbox=inbox), venue)
    inbox.take()
    return streaming, inbox


def test_our_own_are_handed_over(venue: VenueFrames, ours: tuple[Streaming, PrivateInbox]) -> None:
    """Fills and orders come exact and in order."""
    streaming, inbox = ours
    venue.give({"type": "fill", "sid": sid_of(venue, "fill"), "msg": FILL})
    venue.give({"type": "user_order", "sid": sid_of(venue, "user_orders"), "msg": ORDER})
    streaming.now()
    taken = inbox.take()

    assert None is taken.must_read
    fill, order = taken.pushed
    assert isinstance(fill, PushedFill)
    assert isinstance(order, PushedOrder)
    told = (fill.fill, fill.client_order, fill.side, fill.price, fill.size, fill.fee, fill.shard)
    expected = ("f-1", "ours-1", Side.ASK, price("0.75"), size("2.78"), money("0.010001"), 2)
    assert expected == told
    assert (size("1"), size("2"), size("3"), "Trade", 1_671_899_397_000_000) == (
        order.filled,
        order.remaining,
        order.initial,
        order.reason,
        order.at,
    )


@pytest.mark.parametrize(
    "changed",
    [{"count_fp": "-1.00"}, {"fee_cost": "?"}, {"trade_id": ""}, {"yes_price_dollars": None}],
)
def test_a_fill_that_cannot_be_read(
    venue: VenueFrames, ours: tuple[Streaming, PrivateInbox], changed: dict[str, Any]
) -> None:
    """It is not dropped silently: the venue has to be asked."""
    streaming, inbox = ours
    body = {key: value for key, value in (FILL | changed).items() if value is not None}
    venue.give({"type": "fill", "sid": sid_of(venue, "fill"), "msg": body})
    streaming.now()
    taken = inbox.take()

    assert () == taken.pushed
    assert "cannot be read" in str(taken.must_read)
    assert [True, True] == whole(streaming)


def test_a_connection_may_have_missed_ours(
    venue: VenueFrames, ours: tuple[Streaming, PrivateInbox]
) -> None:
    """Fills are not told again: after a break, and once the channel begins, the venue is asked."""
    streaming, inbox = ours
    HandFrames.lose(venue)
    streaming.now()
    assert "broke" in str(inbox.take().must_read)
    venue.connect()
    streaming.settle()

    assert "begin here" in str(inbox.take().must_read)


def test_an_inbox_that_nobody_empties() -> None:
    """It does not grow for ever, and says that something is missing."""
    inbox = PrivateInbox(waiting_max=2)
    inbox.take()
    told = PushedOrder(
        venue_order="o",
        client_order=None,
        market=ONE,
        status="resting",
        side=Side.BID,
        price=price("0.5"),
        filled=size(0),
        remaining=size(1),
        initial=size(1),
        reason="",
        shard=None,
        subaccount=None,
        at=None,
        received=Micros(1),
    )
    for _ in range(3):
        inbox.put(told)
    taken = inbox.take()

    assert () == taken.pushed
    assert "more than 2" in str(taken.must_read)


def test_without_an_inbox_our_own_are_not_asked_for(
    venue: VenueFrames, streaming: Streaming
) -> None:
    """A paper lane has no orders at the venue."""
    channels = {one.channel for one in venue.joined.values()}

    assert {"trade", "orderbook_delta", "market_lifecycle_v2"} == channels


def test_best_prices_on_demand(clock: WaitingClock, venue: VenueFrames) -> None:
    """The ticker channel is there for whoever wants it; it is never a book."""
    streaming = connected(Streaming(clock, venue, [ONE, TWO], pace=StreamPace(tickers=True)), venue)
    body = {
        "market_ticker": ONE,
        "yes_bid_dollars": "0.3000",
        "yes_ask_dollars": "0.3500",
        "yes_bid_size_fp": "5.00",
        "yes_ask_size_fp": "4.00",
    }
    venue.give({"type": "ticker", "sid": sid_of(venue, "ticker"), "msg": body})

    assert [] == streaming.now()
    assert "0.3000" == streaming.stream.tickers[ONE].yes_bid_dollars
