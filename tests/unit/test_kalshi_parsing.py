"""The venue's answers, made into what the core trades with, or refused with a reason."""

from decimal import Decimal
from typing import Any

import pytest

from market_bot.adapters.kalshi.errors import ParseError
from market_bot.adapters.kalshi.fee_terms import FeeBook, FeeChange, FeeOverride, FeeTerms
from market_bot.adapters.kalshi.ladders import covers_everything
from market_bot.adapters.kalshi.parse_books import parse_orderbook, parse_orderbooks
from market_bot.adapters.kalshi.parse_errors import parse_problem
from market_bot.adapters.kalshi.parse_events import (
    parse_event,
    parse_event_fee_changes,
    parse_events,
    parse_series,
    parse_series_fee_changes,
    parse_series_list,
)
from market_bot.adapters.kalshi.parse_exchange import parse_exchange_status, parse_schedule
from market_bot.adapters.kalshi.parse_markets import (
    Hint,
    Listing,
    Reason,
    Refused,
    parse_market,
    parse_markets,
)
from market_bot.adapters.kalshi.parse_trades import parse_trades
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Condition, FeeModel, FeeSchedule, MarketStatus
from market_bot.core.domain.numbers import Micros, money, parse_time, price, size
from tests.fakes.kalshi_records import (
    EVENT,
    SERIES,
    TAPERED,
    TICKER,
    a_book,
    a_market,
    a_series,
    a_trade,
    an_event,
    as_json,
    ladder,
)


def listed(**changed: Any) -> Listing:
    """Return the one market of a page, which must not be refused."""
    found = parse_market(as_json({"market": a_market(**changed)}))
    assert isinstance(found, Listing), found
    return found


def refused(**changed: Any) -> Refused:
    """Return the refusal of the one market of a page."""
    found = parse_market(as_json({"market": a_market(**changed)}))
    assert isinstance(found, Refused), found
    return found


def test_a_market() -> None:
    """Terms are exact: identity, times, grid, sizes, strikes and volume."""
    found = listed()
    market = found.market

    assert (TICKER, EVENT, "kalshi") == (market.id, market.event, market.venue)
    assert parse_time("2026-11-29T15:00:00Z") == market.open_at
    assert parse_time("2026-12-02T05:00:00Z") == market.close_at
    assert (size("0.01"), size("0.01")) == (market.min_size, market.size_step)
    assert ("50..51", "50", "51", None) == (
        market.strike,
        found.floor,
        found.cap,
        market.condition,
    )
    # The venue counts half a dollar per contract.
    assert money("50.5") == market.volume_24h
    assert (MarketStatus.OPEN, 0, None) == (found.status, found.exchange_index, found.yes_payout)


def test_until_somebody_tells_makers_pay_like_takers() -> None:
    """A market alone does not say what it charges, so the worst is taken."""
    assert FeeSchedule(FeeModel.KALSHI_QUADRATIC, 70_000, 70_000) == listed().market.fees


def test_the_grid_comes_from_the_ranges_only() -> None:
    """A label that says otherwise, or that nobody knows, changes nothing."""
    market = listed(price_level_structure="banded_something_new", price_ranges=TAPERED).market

    assert [price("0.001"), price("0.01"), price("0.001")] == [
        market.tick_at(price(at)) for at in ("0.05", "0.5", "0.95")
    ]
    assert market.on_grid(price("0.951"))
    assert not market.on_grid(price("0.505"))


@pytest.mark.parametrize(
    "ranges",
    [
        [],
        [{"start": "0.0000", "end": "1.0000", "step": "0.0000"}],
        [{"start": "0.0000", "end": "1.0000", "step": "-0.0100"}],
        [{"start": "0.0000", "end": "1.0000", "step": "0.0300"}],
        [{"start": "1.0000", "end": "0.0000", "step": "0.0100"}],
        [{"start": "0.0000", "end": "2.0000", "step": "0.0100"}],
        [{"start": "0.0000", "end": "1.0000", "step": "a cent"}],
        [TAPERED[0], TAPERED[2]],
        [*TAPERED, TAPERED[1]],
    ],
)
def test_a_grid_that_is_none_refuses_the_market(ranges: list[dict[str, str]]) -> None:
    """Gaps, overlaps, steps that miss the end and nonsense leave no grid to trade on."""
    assert Reason.BAD_TICKS is refused(price_ranges=ranges).reason


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"market_type": "scalar"}, Reason.NOT_BINARY),
        ({"mve_collection_ticker": "KXMVE-R"}, Reason.COMBO),
        ({"mve_selected_legs": [{"market_ticker": "A-B-C"}]}, Reason.COMBO),
        ({"settlement_bounds_type": "floor"}, Reason.FLOOR_BOUNDED),
        ({"settlement_floor_dollars": "0.1000"}, Reason.FLOOR_BOUNDED),
        ({"settlement_bounds_type": "ceiling"}, Reason.UNKNOWN_BOUNDS),
        ({"notional_value_dollars": "0.5000"}, Reason.ODD_PAYOUT),
        ({"ticker": ""}, Reason.MALFORMED),
        ({"yes_bid_dollars": "30"}, Reason.MALFORMED),
        ({"yes_bid_dollars": "NaN"}, Reason.MALFORMED),
        ({"yes_bid_dollars": 0.3}, Reason.MALFORMED),
        ({"close_time": "2026-12-02T05:00:00"}, Reason.MALFORMED),
        ({"status": "finalized", "result": "maybe"}, Reason.MALFORMED),
        (
            {"status": "finalized", "result": "yes", "settlement_value_dollars": "0.4000"},
            Reason.MALFORMED,
        ),
        ({"status": "finalized", "result": "scalar"}, Reason.MALFORMED),
    ],
)
def test_what_we_do_not_trade_is_refused_with_a_reason(
    changed: dict[str, Any], reason: Reason
) -> None:
    """Every kind of market that is left out says why."""
    assert reason is refused(**changed).reason


REQUIRED_PRICES = [
    "yes_bid_dollars",
    "yes_ask_dollars",
    "no_bid_dollars",
    "no_ask_dollars",
    "last_price_dollars",
    "notional_value_dollars",
    "yes_bid_size_fp",
    "yes_ask_size_fp",
    "price_ranges",
]


@pytest.mark.parametrize("field", REQUIRED_PRICES)
def test_a_missing_price_refuses_one_market_not_the_page(field: str) -> None:
    """A field that was removed is an error of its market and never a zero; the rest is read."""
    markets = [a_market("KXA-1-A"), a_market("KXA-1-B", **{field: None}), a_market("KXA-1-C")]
    page = parse_markets(as_json({"cursor": "next", "markets": markets}))

    assert ["KXA-1-A", "KXA-1-C"] == [one.market.id for one in page.listings]
    assert [("KXA-1-B", Reason.MALFORMED)] == [(one.ticker, one.reason) for one in page.refused]
    assert field in page.refused[0].details
    assert "next" == page.cursor


def test_a_broken_combo_is_still_a_combo() -> None:
    """Combos of an older generation lack fields; that they are combos can be seen all the same."""
    assert Reason.COMBO is refused(mve_collection_ticker="KXMVE-R", yes_bid_size_fp=None).reason
    assert Reason.NOT_BINARY is refused(market_type="scalar", yes_bid_size_fp=None).reason


def test_unknown_words_are_tolerated_and_told() -> None:
    """A status we do not know is no status; the market is still there."""
    found = listed(status="hibernating", strike_type="spiral", exchange_index=-1, brand_new=[1])

    assert (None, "hibernating", None) == (found.status, found.status_word, found.exchange_index)
    assert 2 == len(found.problems)
    assert "hibernating" in found.problems[0]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("initialized", MarketStatus.UNOPENED),
        ("active", MarketStatus.OPEN),
        ("inactive", MarketStatus.PAUSED),
        ("closed", MarketStatus.CLOSED),
        ("determined", MarketStatus.DETERMINED),
        ("disputed", MarketStatus.DETERMINED),
        ("amended", MarketStatus.DETERMINED),
        ("finalized", MarketStatus.SETTLED),
    ],
)
def test_every_status_of_the_specification(word: str, status: MarketStatus) -> None:
    """Each of the venue's eight words has its meaning."""
    assert status is listed(status=word).status


def test_sentinels_are_no_prices() -> None:
    """0/0/1/1 of a market that has not begun, and 0 and 1 for nobody, are not quotes."""
    initialized = listed(
        status="initialized",
        yes_bid_dollars="0.0000",
        yes_ask_dollars="0.0000",
        no_bid_dollars="1.0000",
        no_ask_dollars="1.0000",
        yes_bid_size_fp="0.00",
        yes_ask_size_fp="0.00",
    )
    empty = listed(yes_bid_dollars="0.0000", yes_ask_dollars="1.0000", yes_ask_size_fp="9.00")
    token = listed(yes_bid_size_fp="0.00")

    assert initialized.hint is None
    assert Hint(bid=None, ask=None) == empty.hint
    assert Hint(bid=None, ask=price("0.35")) == token.hint


@pytest.mark.parametrize(
    ("result", "value", "payout"),
    [("yes", "1.0000", "1"), ("no", "0.0000", "0"), ("scalar", "0.4100", "0.41"), ("yes", None, 1)],
)
def test_a_result(result: str, value: str | None, payout: str) -> None:
    """A determined market says what YES pays; a void pays its fair price."""
    found = listed(status="finalized", result=result, settlement_value_dollars=value)

    assert price(payout) == found.yes_payout


def test_no_result_before_it_is_determined() -> None:
    """A result in an open market is not believed."""
    assert listed(result="yes").yes_payout is None


@pytest.mark.parametrize(
    ("kind", "floor", "cap", "condition", "strike"),
    [
        ("greater", 53, None, Condition.ABOVE, "53"),
        ("greater_or_equal", 4128.56, None, Condition.AT_LEAST, "4128.56"),
        ("less", None, 50, Condition.BELOW, "50"),
        ("between", 50, 51, None, "50..51"),
        ("structured", None, None, None, None),
    ],
)
def test_strikes(
    kind: str, floor: float | None, cap: float | None, condition: Condition, strike: str
) -> None:
    """Strikes are kept as the venue prints them; only plain comparisons have a condition."""
    market = listed(strike_type=kind, floor_strike=floor, cap_strike=cap).market

    assert (condition, strike) == (market.condition, market.strike)


def test_nonsense_in_an_ended_market_does_not_hide_its_result() -> None:
    """The venue writes negative sizes into quotes of determined markets; the result counts."""
    found = listed(status="determined", result="yes", yes_bid_size_fp="-3.00")
    active = listed(yes_bid_size_fp="-3.00")

    assert price("1") == found.yes_payout
    assert Hint(bid=None, ask=None) == active.hint
    assert "negative" in active.problems[0]


def test_a_volume_that_is_none_is_not_zero() -> None:
    """A volume that cannot be read is not told, and the market stays."""
    assert listed(volume_24h_fp="-1.00").market.volume_24h is None


def test_whole_contracts_of_old_answers() -> None:
    """A market of before July 2026 may say that it trades whole contracts."""
    assert size("1") == listed(fractional_trading_enabled=False).market.size_step


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff\xfe", b'{"markets":{}}', b"[" * 5000])
def test_what_is_no_page_is_an_error(body: bytes) -> None:
    """An answer of another shape is refused as a whole."""
    with pytest.raises(ParseError):
        parse_markets(body)


def test_a_book_is_mirrored() -> None:
    """A bid for NO at q is an offer of YES at one minus q, of the same size."""
    book = parse_orderbook(
        as_json(a_book([("0.0100", "5.00"), ("0.4700", "3.25")], [("0.4800", "0.01")]))
    )

    assert {price("0.01"): size("5"), price("0.47"): size("3.25")} == book.bids
    assert {price("0.52"): size("0.01")} == book.asks


def test_an_empty_book_is_a_book_and_a_missing_side_is_not() -> None:
    """Nobody there is told by empty lists; anything else is not the answer we asked for."""
    empty = parse_orderbook(as_json(a_book([], [])))

    assert ({}, {}) == (empty.bids, empty.asks)
    with pytest.raises(ParseError):
        parse_orderbook(b'{"orderbook_fp":{"yes_dollars":[]}}')
    with pytest.raises(ParseError):
        parse_orderbook(b'{"orderbook":{}}')


@pytest.mark.parametrize(
    "levels",
    [
        [("0.0000", "1.00")],
        [("1.0000", "1.00")],
        [("0.5000", "-1.00")],
        [("0.50", "1.00"), ("0.50", "2.00")],
        [("0.1234567", "1.00")],
        [("half", "1.00")],
    ],
)
def test_an_unsound_level_spoils_one_book(levels: list[tuple[str, str]]) -> None:
    """In a batch the other books are read."""
    answer = {
        "orderbooks": [
            {"ticker": "A"} | a_book(levels, []),
            {"ticker": "B"} | a_book([("0.2000", "1.00")], []),
        ]
    }
    page = parse_orderbooks(as_json(answer))

    assert ({"B"}, {"A"}) == (set(page.books), set(page.malformed))


def test_two_books_of_one_market_are_none() -> None:
    """Which of the two is true cannot be told."""
    twice = [{"ticker": "A"} | a_book([], [])] * 2
    page = parse_orderbooks(as_json({"orderbooks": twice}))

    assert ({}, {"A"}) == (page.books, set(page.malformed))


def test_trades() -> None:
    """A trade is told in YES prices, with the side of the aggressor and its own time."""
    page = parse_trades(
        as_json({"trades": [a_trade(2, taker_outcome_side="no"), a_trade(1)], "cursor": ""})
    )

    assert [Side.ASK, Side.BID] == [one.taker for one in page.trades]
    assert (price("0.32"), size("2.5")) == (page.trades[0].price, page.trades[0].size)
    assert parse_time("2026-12-01T12:00:01.25Z") == page.trades[1].at


@pytest.mark.parametrize(
    "changed",
    [
        {"taker_outcome_side": "maybe"},
        {"taker_outcome_side": None, "taker_side": None},
        {"count_fp": "0.00"},
        {"no_price_dollars": "0.6900"},
        {"yes_price_dollars": "1.0000", "no_price_dollars": "0.0000"},
        {"trade_id": ""},
        {"created_time": "yesterday"},
    ],
)
def test_a_trade_that_cannot_be_read_is_told(changed: dict[str, Any]) -> None:
    """One bad trade is left out and named; nothing about it is guessed."""
    page = parse_trades(as_json({"trades": [a_trade(1, **changed), a_trade(2)], "cursor": ""}))

    assert (1, 1) == (len(page.trades), len(page.malformed))


def test_an_event() -> None:
    """An event says which series it is of, and whether at most one market can end YES."""
    event = parse_event(as_json({"event": an_event(markets=[a_market(), a_market("X-1-S")])}))

    assert (EVENT, SERIES, True, True) == (event.id, event.series, event.at_most_one, event.nested)
    assert [TICKER, "X-1-S"] == [one.market.id for one in event.listings]


@pytest.mark.parametrize(
    ("exclusive", "netting", "problems"),
    [(False, "", 0), (False, "DIRECNET", 0), (True, "DIRECNET", 1), (False, "MECNET", 1)],
)
def test_exclusive_only_if_both_fields_say_so(exclusive: bool, netting: str, problems: int) -> None:
    """Where flag and netting type disagree, the weaker one is believed and it is told."""
    event = parse_event(
        as_json({"event": an_event(mutually_exclusive=exclusive, collateral_return_type=netting)})
    )

    assert (False, problems) == (event.at_most_one, len(event.problems))


def test_one_bad_event_leaves_the_others() -> None:
    """An event that cannot be read is named, and the page goes on."""
    page = parse_events(as_json({"events": [an_event(series_ticker=None), an_event()]}))

    assert (1, 1) == (len(page.events), len(page.malformed))


def test_series_and_their_fees() -> None:
    """A multiplier is an exact decimal; a series that cannot be read is named."""
    one = parse_series(as_json({"series": a_series(fee_multiplier=0.5)}))
    page = parse_series_list(as_json({"series": [a_series(), a_series(fee_multiplier=-1)]}))

    assert FeeTerms("quadratic", Decimal("0.5")) == one.fees
    assert (1, 1) == (len(page.series), len(page.malformed))


@pytest.mark.parametrize(
    ("kind", "multiplier", "taker", "maker"),
    [
        ("quadratic", "1", 70_000, 0),
        ("quadratic", "0.5", 35_000, 0),
        ("quadratic", "0", 0, 0),
        ("quadratic_with_maker_fees", "1", 70_000, 17_500),
        ("quadratic_with_combo_maker_fees", "1", 70_000, 35_000),
        ("quadratic_with_maker_fees", "0.333", 23_310, 5_828),
        ("flat", "0", 70_000, 70_000),
        ("margin_market_maker_program_fees", "2", 140_000, 140_000),
    ],
)
def test_fee_types(kind: str, multiplier: str, taker: int, maker: int) -> None:
    """Known types follow the venue's table, rounded against us; unknown ones charge everybody."""
    schedule = FeeTerms(kind, Decimal(multiplier)).schedule()

    assert (taker, maker) == (schedule.taker_rate, schedule.maker_rate)


def test_fees_change_when_they_were_announced_to() -> None:
    """An override holds from its time on, goes before its series, and can be cleared."""
    plain, double = FeeTerms("quadratic", Decimal(1)), FeeTerms("quadratic", Decimal(2))
    book = FeeBook()
    book.tell([FeeChange("S", Micros(100), plain), FeeChange("S", Micros(400), double)])
    book.tell([FeeChange("E", Micros(200), FeeOverride(multiplier=Decimal("0.5")))])
    book.tell([FeeChange("E", Micros(300), FeeOverride())])
    rates = [book.terms("S", "E", Micros(at)).multiplier for at in (150, 200, 300, 399, 400)]

    assert [1, Decimal("0.5"), 1, 1, 2] == rates
    assert [200, 300, 400, None] == [
        book.next_change("S", "E", Micros(at)) for at in (150, 200, 300, 400)
    ]


def test_without_terms_makers_pay_like_takers() -> None:
    """A series nobody told about is taken to be a dear one."""
    schedule = FeeBook().terms("S", "E", Micros(1)).schedule()

    assert (70_000, 70_000) == (schedule.taker_rate, schedule.maker_rate)


def test_announced_fee_changes() -> None:
    """Changes of series and of events are read; null clears an override."""
    series = parse_series_fee_changes(
        as_json(
            {
                "series_fee_change_arr": [
                    {
                        "id": "1",
                        "series_ticker": SERIES,
                        "fee_type": "quadratic",
                        "fee_multiplier": 0,
                        "scheduled_ts": "2026-12-02T00:00:00Z",
                    }
                ]
            }
        )
    )
    change = {"id": "2", "event_ticker": EVENT, "series_ticker": SERIES}
    events = parse_event_fee_changes(
        as_json(
            {
                "cursor": "",
                "event_fee_changes": [
                    change
                    | {
                        "fee_type_override": None,
                        "fee_multiplier_override": None,
                        "scheduled_ts": "2026-12-03T00:00:00Z",
                    },
                    change | {"fee_type_override": None},
                ],
            }
        )
    )

    assert FeeTerms("quadratic", Decimal(0)) == series.changes[0].terms
    assert (EVENT, FeeOverride()) == (events.changes[0].of, events.changes[0].terms)
    assert 1 == len(events.malformed)
    assert () == parse_series_fee_changes(b'{"series_fee_change_arr":null}').changes


def shards(**changed: object) -> bytes:
    return as_json({"exchange_active": True, "trading_active": True} | changed)


def test_an_open_exchange() -> None:
    """Without a breakdown the top level speaks for every shard."""
    status = parse_exchange_status(shards())

    assert {MarketStatus.OPEN} == {status.of(None), status.of(0), status.of(3)}


def test_a_shard_pauses_alone() -> None:
    """A market's own shard decides; who does not know his shard waits for all of them."""
    status = parse_exchange_status(
        shards(
            exchange_index_statuses=[
                {"exchange_index": 0, "exchange_active": True, "trading_active": True},
                {"exchange_index": 2, "exchange_active": True, "trading_active": False},
                {"exchange_index": 3, "exchange_active": False, "trading_active": False},
            ]
        )
    )

    assert [MarketStatus.OPEN, MarketStatus.PAUSED, MarketStatus.CLOSED] == [
        status.of(0),
        status.of(2),
        status.of(3),
    ]
    assert MarketStatus.CLOSED is status.of(None) is status.of(9)


def test_the_default_shard_is_as_bad_as_the_worse_of_its_two_entries() -> None:
    """The top level and the breakdown both have to say that it is open."""
    entry = {"exchange_index": 0, "exchange_active": True, "trading_active": True}
    status = parse_exchange_status(shards(trading_active=False, exchange_index_statuses=[entry]))

    assert MarketStatus.PAUSED is status.of(0)


def test_the_schedule() -> None:
    """Hours are Eastern; midnight to midnight is all day; a maintenance window closes."""
    always = [{"open_time": "00:00", "close_time": "00:00"}]
    thursday = [
        {"open_time": "00:00", "close_time": "03:00"},
        {"open_time": "05:00", "close_time": "00:00"},
    ]
    days = ("monday", "tuesday", "wednesday", "friday", "saturday", "sunday")
    week = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2027-01-01T00:00:00Z"}
    schedule = parse_schedule(
        as_json(
            {
                "schedule": {
                    "standard_hours": [week | dict.fromkeys(days, always) | {"thursday": thursday}],
                    "maintenance_windows": [
                        {
                            "start_datetime": "2026-12-05T10:00:00Z",
                            "end_datetime": "2026-12-05T11:00:00Z",
                        }
                    ],
                }
            }
        )
    )
    moments = {
        "2026-12-02T12:00:00Z": True,
        "2026-12-03T07:59:00Z": True,  # Thursday 02:59 in New York.
        "2026-12-03T08:00:00Z": False,
        "2026-12-03T10:00:00Z": True,
        "2026-07-02T07:30:00Z": False,  # In summer an hour earlier.
        "2026-12-05T10:30:00Z": False,
        "2027-06-01T12:00:00Z": False,
    }

    assert moments == {text: schedule.open_at(parse_time(text)) for text in moments}


@pytest.mark.parametrize(
    ("body", "code", "details"),
    [
        (b'{"error":{"code":"a","message":"m","details":"d","service":"s"}}', "a", "d"),
        (b'{"error":"too many requests"}', "too_many_requests", ""),
        (b'{"code":"bad_request","message":"m","details":"d"}', "bad_request", "d"),
        (b'{"msg":"limit"}', "invalid_parameter", ""),
    ],
)
def test_every_shape_of_error(body: bytes, code: str, details: str) -> None:
    """The venue's shapes of saying no all become a code."""
    problem = parse_problem(body)

    assert problem is not None
    assert (code, details) == (problem.code, problem.details)


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"order_id":"x"}', b"[]", b'"error"'])
def test_what_is_no_error(body: bytes) -> None:
    """An answer without a complaint is not one."""
    assert parse_problem(body) is None


def rungs(records: list[dict[str, Any]]) -> list[Listing]:
    page = parse_markets(as_json({"markets": records}))
    assert not page.refused
    return list(page.listings)


def test_a_ladder_of_whole_degrees_covers_everything() -> None:
    """Ranges that touch in the outcome's steps, with both tails, leave nothing out."""
    assert covers_everything(rungs(ladder()), Decimal(1))


def test_a_ladder_of_anything_proves_nothing() -> None:
    """Without the step, 51.5 might lie between 51 and 52."""
    assert not covers_everything(rungs(ladder()), None)
    assert not covers_everything(rungs(ladder()), Decimal("0.5"))
    assert not covers_everything(rungs(ladder()), Decimal(0))


@pytest.mark.parametrize("missing", range(4))
def test_a_ladder_without_a_rung_proves_nothing(missing: int) -> None:
    """Every rung is needed."""
    records = ladder()
    del records[missing]

    assert not covers_everything(rungs(records), Decimal(1))


def test_a_ladder_with_something_else_in_it_proves_nothing() -> None:
    """A market without a strike may end any way."""
    records = [*ladder(), a_market("X-1-A", strike_type="custom", floor_strike=None)]

    assert not covers_everything(rungs(records), Decimal(1))


def test_touching_borders_cover_without_a_step() -> None:
    """Where a border belongs to one of its two sides, nothing lies between."""
    low = a_market("X-1-A", strike_type="less", floor_strike=None, cap_strike=50)
    high = a_market("X-1-B", strike_type="greater_or_equal", floor_strike=50, cap_strike=None)
    above = a_market("X-1-C", strike_type="greater", floor_strike=50, cap_strike=None)

    assert covers_everything(rungs([low, high]), None)
    assert not covers_everything(rungs([low, above]), None)
