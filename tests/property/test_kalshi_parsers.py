"""Whatever the venue sends, a parser answers or raises its own error."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from market_bot.adapters.kalshi.errors import ParseError
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
from market_bot.adapters.kalshi.parse_exchange import DAYS, parse_exchange_status, parse_schedule
from market_bot.adapters.kalshi.parse_limits import parse_account_limits, parse_endpoint_costs
from market_bot.adapters.kalshi.parse_markets import parse_market, parse_markets
from market_bot.adapters.kalshi.parse_trades import parse_trades
from market_bot.core.domain.book import Side
from market_bot.core.domain.numbers import ONE_DOLLAR, Price, Size, format_price, format_size
from tests.fakes.kalshi_records import (
    TAPERED,
    a_book,
    a_market,
    a_series,
    a_trade,
    an_event,
    as_json,
)

WEEK = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2027-01-01T00:00:00Z"} | {
    day: [{"open_time": "08:00", "close_time": "00:00"}] for day in DAYS
}
WINDOW = {"start_datetime": "2026-12-05T10:00:00Z", "end_datetime": "2026-12-05T11:00:00Z"}
CHANGE = {
    "id": "1",
    "series_ticker": "S",
    "event_ticker": "E",
    "scheduled_ts": "2026-12-05T10:00:00Z",
    "fee_type": "quadratic",
    "fee_multiplier": 1.5,
    "fee_type_override": None,
    "fee_multiplier_override": 0.5,
}
SHARD = {"exchange_index": 2, "exchange_active": True, "trading_active": False}
RATE = {"refill_rate": 200, "bucket_capacity": 200}
BOOK = a_book([("0.0100", "5.00"), ("0.4700", "3.25")], [("0.4800", "0.01")])

PARSERS: list[tuple[Callable[[bytes], object], Any]] = [
    (parse_markets, {"cursor": "x", "markets": [a_market(), a_market(price_ranges=TAPERED)]}),
    (parse_market, {"market": a_market(status="finalized", result="yes")}),
    (parse_events, {"cursor": "", "events": [an_event(markets=[a_market()])]}),
    (parse_event, {"event": an_event(fee_multiplier_override=0.5)}),
    (parse_series, {"series": a_series()}),
    (parse_series_list, {"series": [a_series(), a_series()]}),
    (parse_series_fee_changes, {"series_fee_change_arr": [CHANGE]}),
    (parse_event_fee_changes, {"cursor": "", "event_fee_changes": [CHANGE]}),
    (
        parse_exchange_status,
        {
            "exchange_active": True,
            "trading_active": True,
            "exchange_estimated_resume_time": "2026-12-05T10:00:00Z",
            "exchange_index_statuses": [SHARD],
        },
    ),
    (
        parse_schedule,
        {"schedule": {"standard_hours": [WEEK], "maintenance_windows": [WINDOW]}},
    ),
    (parse_orderbook, BOOK),
    (parse_orderbooks, {"orderbooks": [{"ticker": "A"} | BOOK, {"ticker": "B"} | BOOK]}),
    (parse_trades, {"cursor": "", "trades": [a_trade(1), a_trade(2)]}),
    (parse_account_limits, {"usage_tier": "basic", "read": RATE, "write": RATE, "grants": []}),
    (
        parse_endpoint_costs,
        {"default_cost": 10, "endpoint_costs": [{"method": "GET", "path": "/a", "cost": 2}]},
    ),
    (parse_problem, {"error": {"code": "c", "message": "m", "details": "d"}}),
]

STRANGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        [
            "NaN",
            "-0.0001",
            "1e999999999",
            "0.00000000000001",
            "9" * 400,
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59-23:59",
            "2026-13-01T00:00:00Z",
            "25:99",
            10**400,
            [],
            {},
            [[]],
        ]
    ),
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container and key in a JSON value."""
    found: list[tuple[Any, Any]] = []
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], (dict, list)):
            found.extend(places(value[key]))
    return found


@given(data=st.data())
def test_a_changed_answer_is_parsed_or_refused(data: st.DataObject) -> None:
    """A field that is gone, repeated or of another kind raises nothing but `ParseError`."""
    parse, sound = data.draw(st.sampled_from(PARSERS))
    answer = json.loads(json.dumps(sound))
    for _ in range(data.draw(st.integers(1, 3))):
        spots = places(answer)
        if not spots:
            break
        holder, key = data.draw(st.sampled_from(spots))
        if data.draw(st.booleans()):
            del holder[key]
        else:
            holder[key] = data.draw(STRANGE)

    with contextlib.suppress(ParseError):
        parse(as_json(answer))


@given(data=st.data())
def test_changed_bytes_are_parsed_or_refused(data: st.DataObject) -> None:
    """Bytes that were cut, exchanged or put in raise nothing but `ParseError`."""
    parse, sound = data.draw(st.sampled_from(PARSERS))
    body = bytearray(as_json(sound))
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 20)))
    body[start:end] = data.draw(st.binary(max_size=20))

    with contextlib.suppress(ParseError):
        parse(bytes(body))


def test_what_was_not_changed_is_parsed() -> None:
    """The answers that are changed above are sound themselves."""
    for parse, sound in PARSERS:
        assert parse(as_json(sound)) is not None


PRICES = st.integers(1, ONE_DOLLAR - 1)
SIZES = st.integers(1, 10**12)
LEVELS = st.dictionaries(PRICES, SIZES, max_size=12)


def written(levels: dict[int, int]) -> list[tuple[str, str]]:
    return [(format_price(Price(at)), format_size(Size(held))) for at, held in levels.items()]


@given(yes=LEVELS, no=LEVELS)
def test_books_are_mirrored_exactly(yes: dict[int, int], no: dict[int, int]) -> None:
    """YES bids are kept, NO bids come back at one minus their price; nothing is lost or rounded."""
    book = parse_orderbook(as_json(a_book(written(yes), written(no))))

    assert yes == book.bids
    assert no == {ONE_DOLLAR - at: held for at, held in book.asks.items()}


@given(yes=LEVELS, no=LEVELS)
def test_the_other_leg_sees_the_mirror_image(yes: dict[int, int], no: dict[int, int]) -> None:
    """Exchanging the two lists exchanges bids and asks at one minus their prices."""
    book = parse_orderbook(as_json(a_book(written(yes), written(no))))
    other = parse_orderbook(as_json(a_book(written(no), written(yes))))

    assert book.bids == {ONE_DOLLAR - at: held for at, held in other.asks.items()}
    assert book.asks == {ONE_DOLLAR - at: held for at, held in other.bids.items()}


@given(at=PRICES, held=SIZES, taker=st.sampled_from(["yes", "no"]))
def test_trades_round_trip(at: int, held: int, taker: str) -> None:
    """Price, size and side of a trade come back as they were written."""
    record = a_trade(
        1,
        yes_price_dollars=format_price(Price(at)),
        no_price_dollars=format_price(Price(ONE_DOLLAR - at)),
        count_fp=format_size(Size(held)),
        taker_outcome_side=taker,
    )
    (found,) = parse_trades(as_json({"trades": [record]})).trades

    assert (at, held) == (found.price, found.size)
    assert (Side.BID if taker == "yes" else Side.ASK) is found.taker


@given(names=st.lists(st.sampled_from("ABCDEFGH"), max_size=30), broken=st.sets(st.integers(0, 29)))
def test_every_market_of_a_page_is_listed_or_refused(names: list[str], broken: set[int]) -> None:
    """Nothing on a page disappears."""
    records = [
        a_market(f"KX-1-{name}", **({"yes_bid_dollars": None} if index in broken else {}))
        for index, name in enumerate(names)
    ]
    page = parse_markets(as_json({"markets": records}))

    assert len(records) == len(page.listings) + len(page.refused)
    assert [name for index, name in enumerate(names) if index not in broken] == [
        one.market.id[-1] for one in page.listings
    ]
