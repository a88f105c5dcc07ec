"""Pages of the catalogue become markets, or reasons why not."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from market_bot.adapters.polymarket.contracts import Exchange
from market_bot.adapters.polymarket.gamma import (
    Listing,
    Page,
    Unsuitable,
    events_page,
    markets_page,
)
from market_bot.adapters.polymarket.wire import UnreadableRecord
from market_bot.core.domain.market import (
    FeeModel,
    FeeSchedule,
    MarketStatus,
    Reward,
    TickBand,
)
from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    Money,
    Price,
    Size,
    money,
    parse_time,
    price,
    size,
)
from tests.fakes.fake_polymarket_records import (
    NOW,
    Record,
    a_group,
    a_market,
    a_v2_market,
    an_event,
    body,
    condition,
    position,
    token,
)

PAGES = "data/metadata-pages"
VENUE = "fixtures/polymarket/polyoxide/clob/venue"
DEAREST = FeeSchedule(FeeModel.POLYMARKET_CURVE, taker_rate=70_000)


def one(record: Record) -> Listing:
    """Return the listing of a record that stands in a plain event."""
    page = events_page(body({"events": [an_event([record])]}), NOW)
    assert not page.refused
    return page.listings[0]


def why(record: Record, **event: Any) -> Unsuitable:
    """Return why a record is refused."""
    page = events_page(body({"events": [an_event([record], **event)]}), NOW)
    assert not page.listings
    return page.refused[0].reason


def test_a_market_has_its_terms() -> None:
    """Ids, tick, sizes, times, fee and family are what the record says."""
    listing = one(a_market(3))
    market = listing.market

    assert (condition(3), "the-draw", "weekly-draw") == (market.id, market.event, market.family)
    assert (token(6), token(7)) == listing.tokens
    assert ("Yes", "No") == listing.outcomes
    assert (TickBand(Price(0), ONE_DOLLAR, price("0.01")),) == market.ticks
    assert (size("5"), size("0.01")) == (market.min_size, market.size_step)
    assert parse_time("2026-09-01T09:59:00Z") == market.open_at
    assert parse_time("2026-12-31T23:00:00Z") == market.close_at
    assert FeeSchedule(FeeModel.POLYMARKET_CURVE, taker_rate=50_000) == market.fees
    assert Money(1_024_207_123_999_999) == market.volume_24h
    assert money("1234.5") == market.liquidity
    assert "culture" == market.category
    assert not market.at_most_one
    assert not market.exhaustive
    assert Exchange.STANDARD is listing.exchange
    assert listing.unsuitable is None


def test_a_market_of_the_second_protocol_has_position_ids() -> None:
    """Version v2 takes its ids from a real array, and trades on the third exchange."""
    listing = one(a_v2_market(4, negRisk=True, clobTokenIds=json.dumps([token(1), token(2)])))

    assert (position(4, 0), position(4, 1)) == listing.tokens
    assert Exchange.POSITIONS is listing.exchange


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        (Unsuitable.NO_CONDITION, {"conditionId": None}),
        (Unsuitable.NO_CONDITION, {"conditionId": "0x12"}),
        (Unsuitable.NO_TOKENS, {"clobTokenIds": None}),
        (Unsuitable.NO_TOKENS, {"clobTokenIds": ""}),
        (Unsuitable.NO_TOKENS, {"clobTokenIds": '["", ""]'}),
        (Unsuitable.NO_TOKENS, {"clobTokenIds": '["12x", "13"]'}),
        (Unsuitable.NO_TOKENS, {"clobTokenIds": json.dumps([token(1), token(1)])}),
        (Unsuitable.NOT_BINARY, {"clobTokenIds": json.dumps([token(n) for n in (1, 2, 3)])}),
        (Unsuitable.NOT_BINARY, {"outcomes": '["A", "B", "C"]'}),
        (Unsuitable.UNKNOWN_VERSION, {"version": "v3"}),
        (Unsuitable.UNKNOWN_VERSION, {"clobTokenIds": json.dumps([position(1, 0), token(1)])}),
        (Unsuitable.NO_ORDER_BOOK, {"enableOrderBook": False}),
        (Unsuitable.NO_ORDER_BOOK, {"orderPriceMinTickSize": None}),
        (Unsuitable.UNKNOWN_TICK, {"orderPriceMinTickSize": 0.02}),
        (Unsuitable.UNKNOWN_TICK, {"orderPriceMinTickSize": 0}),
        (Unsuitable.NO_MIN_SIZE, {"orderMinSize": None}),
        (Unsuitable.NO_MIN_SIZE, {"orderMinSize": 0}),
        (Unsuitable.UNKNOWN_FEES, {"feeSchedule": {"exponent": 1}}),
        (Unsuitable.UNKNOWN_FEES, {"feeSchedule": {"rate": 0.05, "exponent": 1.5}}),
        (Unsuitable.UNKNOWN_FEES, {"feeSchedule": {"rate": 7, "exponent": 1}}),
        (Unsuitable.UNKNOWN_FEES, {"feeSchedule": {"rate": 0.1, "exponent": 99}}),
        (Unsuitable.UNKNOWN_FEES, {"feeSchedule": "cheap"}),
        (Unsuitable.MALFORMED, {"endDate": "soon"}),
        (Unsuitable.MALFORMED, {"volume24hr": "much"}),
        (Unsuitable.MALFORMED, {"active": "yes"}),
        (Unsuitable.MALFORMED, {"secondsDelay": -3}),
        (Unsuitable.MALFORMED, {"outcomes": "[1, 2]"}),
        (Unsuitable.MALFORMED, {"clobRewards": [3]}),
    ],
)
def test_an_unsuitable_market_is_refused_with_its_reason(
    reason: Unsuitable, changes: Record
) -> None:
    """Whatever the venue leaves out or says strangely is a reason, never a default."""
    assert reason is why(a_market(1, **changes))


def test_one_bad_record_does_not_spoil_its_page() -> None:
    """The others are there, and the page says how many there were."""
    events = [an_event([a_market(1), a_market(2, slug=5)]), 7, an_event([a_market(3)], "x")]
    page = events_page(body({"events": events}), NOW)

    assert [condition(1), condition(3)] == [x.market.id for x in page.listings]
    assert [Unsuitable.MALFORMED] * 2 == [x.reason for x in page.refused]
    assert 4 == page.records


@pytest.mark.parametrize(
    ("status", "reason", "changes"),
    [
        (MarketStatus.OPEN, None, {}),
        (MarketStatus.CLOSED, Unsuitable.CLOSED, {"closed": True, "acceptingOrders": True}),
        (MarketStatus.CLOSED, Unsuitable.CLOSED, {"archived": True}),
        (MarketStatus.UNOPENED, Unsuitable.NOT_ACTIVE, {"active": False}),
        (MarketStatus.PAUSED, Unsuitable.NOT_ACCEPTING, {"acceptingOrders": False}),
        (MarketStatus.PAUSED, Unsuitable.NOT_ACCEPTING, {"acceptingOrders": None}),
    ],
)
def test_a_market_knows_where_it_is_in_its_life(
    status: MarketStatus, reason: Unsuitable | None, changes: Record
) -> None:
    """Closed outweighs accepting, which the venue leaves behind; an absent word opens nothing."""
    listing = one(a_market(1, **changes))

    assert (status, reason) == (listing.status, listing.unsuitable)


@pytest.mark.parametrize(
    ("payout", "prices", "changes"),
    [
        (ONE_DOLLAR, '["1", "0"]', {"umaResolutionStatus": "resolved"}),
        (Price(0), '["0", "1"]', {"automaticallyResolved": True}),
        (Price(500_000), '["0.5", "0.5"]', {"umaResolutionStatus": "settled"}),
        (None, '["1", "0"]', {"umaResolutionStatus": "proposed"}),
        (None, '["0.9999", "0.0001"]', {"umaResolutionStatus": "resolved"}),
        (None, '["0", "0"]', {"umaResolutionStatus": "resolved"}),
        (None, '["1", "0"]', {}),
    ],
)
def test_an_end_is_believed_only_when_it_is_final(
    payout: Price | None, prices: str, changes: Record
) -> None:
    """Prices at their limits are no payout until the question is decided."""
    listing = one(a_market(1, closed=True, outcomePrices=prices, **changes))

    assert payout == listing.yes_payout


def terms(event: Record) -> set[tuple[bool, bool]]:
    """Return what is claimed of the markets of an event."""
    page = events_page(body({"events": [event]}), NOW)
    return {(one.market.at_most_one, one.market.exhaustive) for one in page.listings}


def test_a_complete_group_is_exhaustive() -> None:
    """With its catch-all, and every market open, one of them must end YES."""
    assert {(True, True)} == terms(a_group(3))


def test_a_group_with_losers_already_out_is_exhaustive() -> None:
    """A market that provably ended NO takes nothing from the others."""
    event = a_group(3)
    event["markets"][0] |= {
        "closed": True,
        "outcomePrices": '["0", "1"]',
        "umaResolutionStatus": "resolved",
    }

    assert {(True, True)} == terms(event)


def _without(event: Record, position_: int, **changes: Any) -> Record:
    event["markets"][position_] |= changes
    return event


@pytest.mark.parametrize(
    "event",
    [
        a_group(3, catch_all=False),
        {k: v for k, v in a_group(3).items() if k != "negRiskAugmented"},
        _without(a_group(3), 0, closed=True),
        _without(a_group(3), 0, acceptingOrders=False),
        _without(a_group(3), 0, orderMinSize=0),
        _without(
            a_group(3), 0, closed=True, outcomePrices='["1", "0"]', umaResolutionStatus="resolved"
        ),
    ],
    ids=["no catch-all", "may be augmented", "one closed", "one paused", "one refused", "one won"],
)
def test_nothing_is_exhaustive_without_proof(event: Record) -> None:
    """A missing, unknown or winning market leaves the rest without the promise."""
    assert {(True, False)} == terms(event)


def test_a_market_of_another_group_shares_no_promise() -> None:
    """Only markets of the event's own group exclude each other."""
    event = _without(a_group(3), 1, negRiskMarketID="0xother")

    assert {(True, False), (False, False)} == terms(event)


def test_an_outcome_that_is_not_yes_shares_no_promise() -> None:
    """What excludes another is YES by name, not the first of any two words."""
    event = _without(a_group(2), 0, outcomes='["No", "Yes"]')

    assert {(True, False), (False, False)} == terms(event)


def test_an_augmented_group_has_no_placeholders_and_no_catch_all() -> None:
    """What may change its meaning is refused, and the rest never promises to be exhaustive."""
    event = _without(a_group(4, augmented=True), 1, groupItemTitle="Person B")
    page = events_page(body({"events": [event]}), NOW)

    assert [Unsuitable.PLACEHOLDER] * 2 == [x.reason for x in page.refused]
    assert [(True, False)] * 2 == [
        (x.market.at_most_one, x.market.exhaustive) for x in page.listings
    ]


def test_a_market_alone_promises_what_its_event_says() -> None:
    """With its event beside it a market may exclude others, but the others are not there."""
    event = a_group(2)
    markets = event.pop("markets")
    page = markets_page(body({"markets": [{**m, "events": [event]} for m in markets]}), NOW)

    assert [(True, False)] * 2 == [
        (x.market.at_most_one, x.market.exhaustive) for x in page.listings
    ]
    assert {"group-1"} == {x.market.event for x in page.listings}


def test_a_reward_is_what_is_paid_today() -> None:
    """Rates of today are added; the distance is told in cents."""
    rewards = [
        {"rewardsDailyRate": 29, "startDate": "2026-10-01", "endDate": "2500-12-31"},
        {"rewardsDailyRate": 1.5, "startDate": "2026-10-20", "endDate": "2026-10-20"},
        {"rewardsDailyRate": 100, "startDate": "2026-01-01", "endDate": "2026-10-19"},
        {"rewardsDailyRate": 100, "startDate": "2026-10-21", "endDate": "2027-01-01"},
    ]
    listing = one(a_market(1, clobRewards=rewards, rewardsMinSize=50, rewardsMaxSpread=5.5))
    expected = Reward(daily=money("30.5"), min_size=size("50"), max_spread=price("0.055"))

    assert expected == listing.market.reward


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"clobRewards": []},
        {"clobRewards": [{"rewardsDailyRate": 0, "startDate": "2026-01-01"}]},
        {"clobRewards": [{"rewardsDailyRate": 5, "startDate": "2026-01-01"}], "rewardsMinSize": 5},
    ],
)
def test_no_reward_is_no_reward(changes: Record) -> None:
    """Without rate or distance nothing is promised."""
    assert one(a_market(1, **changes)).market.reward is None


@pytest.mark.parametrize(
    ("fees", "changes"),
    [
        (FeeSchedule(FeeModel.POLYMARKET_CURVE), {"feeSchedule": None, "feesEnabled": False}),
        (DEAREST, {"feeSchedule": None}),
        (
            FeeSchedule(FeeModel.POLYMARKET_CURVE, 70_000),
            {"feeSchedule": None, "feesEnabled": None},
        ),
        (
            FeeSchedule(FeeModel.POLYMARKET_CURVE, 40_000, 40_000, 2),
            {"feeSchedule": {"rate": "0.04", "exponent": 2, "takerOnly": False}},
        ),
    ],
)
def test_a_fee_is_the_markets_own(fees: FeeSchedule, changes: Record) -> None:
    """The schedule counts, its absence is free only where the record says so, else dearest."""
    assert fees == one(a_market(1, **changes)).market.fees


def test_unknown_words_are_reported() -> None:
    """A status that is in no document is taken as it is, and told."""
    page = events_page(body([an_event([a_market(1, umaResolutionStatus="pondered")])]), NOW)

    assert 1 == len(page.listings)
    assert {"umaResolutionStatus pondered": 1} == page.odd


def test_empty_strings_are_absent_values() -> None:
    """The venue writes "" for numbers and times it does not have."""
    listing = one(a_market(1, endDate="", volume24hr="", liquidityNum="", secondsDelay=""))

    assert parse_time("2026-12-31T23:00:00Z") == listing.market.close_at
    assert listing.market.volume_24h is None
    assert listing.market.liquidity is None
    assert 0 == listing.delay_s


def test_the_last_page_has_no_cursor() -> None:
    """An absent, null or empty cursor ends the walk; a short page does not."""
    assert "abc" == events_page(body({"events": [], "next_cursor": "abc"}), NOW).next_cursor
    assert "" == events_page(body({"events": [], "next_cursor": None}), NOW).next_cursor
    assert "" == events_page(body({"events": []}), NOW).next_cursor
    assert Page(listings=(), refused=()) == events_page(body({"events": []}), NOW)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"null",
        b"3",
        b"{}",
        b'{"events": 3}',
        b'{"events": null}',
        b"<html>",
        b'{"events": [',
        b'{"events": [], "next_cursor": 5}',
        body({"events": [], "next_cursor": "c" * 5000}),
        body({"events": [{}] * 1001}),
        b"\xff\xfe",
    ],
)
def test_what_is_no_page_is_refused(bad: bytes) -> None:
    """One error, whatever came."""
    with pytest.raises(UnreadableRecord):
        events_page(bad, NOW)
    with pytest.raises(UnreadableRecord):
        markets_page(bad.replace(b"events", b"markets"), NOW)


def test_a_monstrous_event_is_refused() -> None:
    """An event of thousands of markets is not read."""
    event = an_event([{}] * 2001)

    assert "an event of 2001" in events_page(body([event]), NOW).refused[0].detail


def _page(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "listed", "refused"),
    [
        ("gamma_markets_100_open_2026-02-13.json.gz", 100, {}),
        ("gamma_markets_200_2026-02-13.json.gz", 200, {}),
        ("gamma_markets_600_2026-02.json.gz", 591, {"no_order_book": 8, "placeholder": 1}),
        ("gamma_markets_500_closed_2020-2024.json.gz", 0, {"no_order_book": 500}),
    ],
)
def test_recorded_pages_are_read(
    reference: Path, name: str, listed: int, refused: dict[str, int]
) -> None:
    """Every recorded market is understood, or refused for what it is."""
    page = markets_page(_page(reference / PAGES / name), NOW)

    assert (listed, refused) == (len(page.listings), Counter(x.reason.value for x in page.refused))
    assert not page.odd
    assert not [x for x in page.listings if x.market.exhaustive]


@pytest.mark.reference
def test_recorded_markets_of_october_are_read(reference: Path) -> None:
    """A market and an event of the venue's newest format have their terms."""
    page = markets_page(_page(reference / VENUE / "gamma_markets.json"), NOW)
    event = events_page(_page(reference / VENUE / "gamma_event.json"), NOW)
    listing = page.listings[0]

    assert (1, 3) == (page.records, event.records)
    assert (
        listing == event.listings[0]
        or listing.market.liquidity != event.listings[0].market.liquidity
    )
    assert FeeSchedule(FeeModel.POLYMARKET_CURVE, taker_rate=40_000) == listing.market.fees
    assert Reward(daily=money("29"), min_size=Size(50_000_000), max_spread=price("0.055")) == (
        listing.market.reward
    )
    assert listing.market.at_most_one
    assert Exchange.NEG_RISK is listing.exchange


@pytest.mark.reference
@pytest.mark.parametrize("name", ["event_cricket", "event_game_child", "event_game_full"])
def test_recorded_events_without_markets_are_read(reference: Path, name: str) -> None:
    """Events that were asked for without their markets have none."""
    path = reference / "fixtures/polymarket/polyoxide/gamma" / f"{name}.json"

    assert 0 == events_page(_page(path), NOW).records
