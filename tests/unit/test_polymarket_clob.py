"""Books, prices, markets, trades, history, resolutions and answers to orders are read exactly."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from market_bot.adapters.polymarket import clob, data_api, order_replies
from market_bot.adapters.polymarket.order_replies import PlacedStatus
from market_bot.adapters.polymarket.wire import UnreadableRecord
from market_bot.core.domain.book import Side
from market_bot.core.domain.market import FeeModel, FeeSchedule, MarketStatus
from market_bot.core.domain.numbers import ONE_DOLLAR, Micros, Price, price, size
from tests.fakes.fake_polymarket_records import (
    NOW,
    a_book,
    a_resolution,
    a_trade,
    body,
    changed,
    condition,
    token,
)

FIXTURES = "fixtures/polymarket/polyoxide"
READERS = [
    clob.books,
    clob.book,
    clob.best_prices,
    clob.market,
    clob.markets,
    clob.terms,
    data_api.price_history,
    data_api.trades,
    data_api.resolutions,
    order_replies.placed,
    lambda bad: order_replies.placed_batch(bad, 1),
    order_replies.cancelled,
    order_replies.credentials,
]


def test_a_book_is_read_whichever_way_it_is_sorted() -> None:
    """The best prices are the best, first or last; nothing is rounded."""
    told = a_book(1, {"0.1": "5", "0.45": "0.000001"}, {"0.46": "1", "0.99": "6094.58"})
    book = clob.book(body(told))
    turned = {**told, "bids": told["bids"][::-1], "asks": told["asks"][::-1]}

    assert {price("0.1"): size("5"), price("0.45"): 1} == book.bids
    assert {price("0.46"): size("1"), price("0.99"): size("6094.58")} == book.asks
    assert (token(2), condition(1), NOW) == (book.token, book.condition, book.at)
    assert (price("0.01"), size("5")) == (book.tick, book.min_size)
    assert book == clob.book(body(turned))
    assert not book.crossed


def test_the_other_token_is_the_mirror() -> None:
    """Who bids for YES at 0.45 asks for NO at 0.55, and twice mirrored is the same."""
    book = clob.book(body(a_book(1)))
    mirror = book.mirrored(token(3))

    assert {price("0.55"): size("25.5"), price("0.56"): size("100")} == mirror.asks
    assert {price("0.54"): size("12.25"), price("0.52"): size("7")} == mirror.bids
    assert book == mirror.mirrored(token(2))


def test_a_crossed_book_says_so() -> None:
    """A bid at the ask is no sound book."""
    assert clob.book(body(a_book(1, {"0.46": "1"}, {"0.46": "1"}))).crossed
    assert not clob.book(body(a_book(1, {}, {"0.46": "1"}))).crossed


def test_levels_without_size_are_no_levels() -> None:
    """A size of nothing is nobody."""
    assert {} == clob.book(body(a_book(1, {"0.4": "0"}, {}))).bids


@pytest.mark.parametrize(
    "changes",
    [
        {"asset_id": None},
        {"asset_id": ""},
        {"asset_id": 5},
        {"bids": None},
        {"bids": [{"price": "1", "size": "1"}]},
        {"bids": [{"price": "0", "size": "1"}]},
        {"bids": [{"price": "0.4", "size": "1"}, {"price": "0.40", "size": "2"}]},
        {"bids": [{"price": "0.4", "size": "-1"}]},
        {"bids": [{"price": "0.4000001", "size": "1"}]},
        {"bids": [{"price": "NaN", "size": "1"}]},
        {"bids": [{"price": "\u0660.\u0664", "size": "1"}]},
        {"bids": [{"price": "0.4", "size": "1_0"}]},
        {"bids": [{"price": "0.4", "size": ""}]},
        {"timestamp": "yesterday"},
        {"timestamp": "99999999999999999"},
        {"tick_size": "2"},
        {"min_order_size": "-1"},
    ],
)
def test_a_bad_book_is_left_out_and_counted(changes: dict[str, Any]) -> None:
    """The other books of the batch are there."""
    bad = changed(a_book(1), changes)
    found = clob.books(body([bad, a_book(2)]))

    assert [token(4)] == list(found.by_token)
    assert 1 == sum(found.dropped.values())
    with pytest.raises(UnreadableRecord):
        clob.book(body(bad))


def test_times_come_in_seconds_milliseconds_or_not() -> None:
    """A book's time is the same moment in any unit, and an empty one is unknown."""
    for told in (str(NOW // 1_000_000), NOW // 1000, "2026-10-20T12:00:00Z"):
        assert NOW == clob.book(body(a_book(1, timestamp=told))).at
    assert clob.book(body(a_book(1, timestamp=""))).at is None


def test_a_token_told_twice_is_counted() -> None:
    """The last one counts, and somebody can see that it happened."""
    found = clob.books(body([a_book(1), a_book(1, {"0.2": "1"}, {})]))

    assert {price("0.2"): size("1")} == found.by_token[token(2)].bids
    assert {"repeated_token": 1} == found.dropped


def test_a_side_without_anybody_has_no_price() -> None:
    """The venue writes 0 and 1 for it."""
    told = {"1": {"BUY": "0.45", "SELL": "1"}, "2": {"BUY": "0", "SELL": 0.5}, "3": {"BUY": ""}}

    assert {"1": {"BUY": 450_000}, "2": {"SELL": 500_000}, "3": {}} == clob.best_prices(body(told))


def test_trades_keep_their_identity_between_answers() -> None:
    """Two equal trades of one transaction are two, and are known again next time."""
    rows = [a_trade(1), a_trade(1), a_trade(1, size=3), {"side": "BUY"}, a_trade(1, side="HOLD")]
    found, dropped = data_api.trades(body(rows))
    again, _ = data_api.trades(body([a_trade(2), *rows]))

    assert 3 == len({trade.id for trade in found})
    assert {trade.id for trade in found} < {trade.id for trade in again}
    assert {"malformed_record": 1, "malformed_trade": 1} == dropped
    assert (Side.BID, price("0.46"), size("12.5"), NOW) == (
        found[0].taker,
        found[0].price,
        found[0].size,
        found[0].at,
    )


def test_trades_of_both_formats_are_read() -> None:
    """The newer data API has other names for the same, inside an object."""
    row = {
        "side": "SELL",
        "token_id": token(2),
        "condition_id": condition(1),
        "size": 5.0,
        "price": 0.123456789,
        "timestamp": 1_789_381_477,
        "transaction_hash": "0xcd",
    }
    found, _ = data_api.trades(body({"data": [row]}))

    assert (Side.ASK, 123_457, size("5")) == (found[0].taker, found[0].price, found[0].size)


def test_history_is_rounded_to_our_unit() -> None:
    """A mean of more decimals is the nearest price, in the venue's order."""
    told = {"history": [{"t": 1_792_000_000, "p": 0.1415}, {"t": 1_792_000_060, "p": 0.33333349}]}

    assert (
        (Micros(1_792_000_000_000_000), Price(141_500)),
        (Micros(1_792_000_060_000_000), Price(333_333)),
    ) == data_api.price_history(body(told))


@pytest.mark.parametrize(
    ("payout", "record"),
    [
        (ONE_DOLLAR, a_resolution(1)),
        (Price(0), a_resolution(1, payouts=[0, 1_000_000])),
        (Price(500_000), a_resolution(1, payouts=[500_000, 500_000])),
        (None, a_resolution(1, status="proposed")),
        (None, a_resolution(1, status="disputed")),
        (None, a_resolution(1, payouts=None)),
        (None, a_resolution(1, payouts=[1_000_000])),
        (None, a_resolution(1, payouts=[2_000_000, -1_000_000])),
        (None, a_resolution(1, payouts=[1, 1])),
    ],
)
def test_a_resolution_counts_only_when_it_is_whole(
    payout: Price | None, record: dict[str, Any]
) -> None:
    """Only "resolved" with payouts that add up to a dollar says what a market paid."""
    found, _ = data_api.resolutions(body({"data": [record]}))

    assert payout == found[condition(1)].yes_payout


def test_two_ends_of_one_market_are_none() -> None:
    """A contradiction is believed on neither side, and unknown words are told."""
    rows = [a_resolution(1), a_resolution(1, payouts=[0, 1_000_000]), a_resolution(2, status="odd")]
    found, odd = data_api.resolutions(body({"data": rows}))

    assert found[condition(1)].yes_payout is None
    assert {"contradiction": 1, "status odd": 1} == odd


def a_clob_market(**changes: Any) -> dict[str, Any]:
    """Return a market as the order book tells it."""
    tokens = [{"token_id": token(2), "outcome": "Yes", "price": 0.4, "winner": False}]
    tokens.append({"token_id": token(3), "outcome": "No", "price": 0.6, "winner": False})
    return {
        "condition_id": condition(1),
        "active": True,
        "closed": False,
        "accepting_orders": True,
        "minimum_tick_size": 0.001,
        "minimum_order_size": 5,
        "neg_risk": True,
        "tokens": tokens,
        **changes,
    }


def _won(*winners: bool) -> dict[str, Any]:
    tokens = [
        {"token_id": token(2 + n), "outcome": str(n), "winner": won}
        for n, won in enumerate(winners)
    ]
    return a_clob_market(closed=True, tokens=tokens)


@pytest.mark.parametrize(
    ("payout", "record"),
    [
        (ONE_DOLLAR, _won(True, False)),
        (Price(0), _won(False, True)),
        (None, _won(False, False)),
        (None, _won(True, True)),
        (Price(500_000), {**_won(True, True), "is_50_50_outcome": True}),
        (None, {**_won(True, False), "closed": False}),
    ],
)
def test_a_winner_counts_when_there_is_one(payout: Price | None, record: dict[str, Any]) -> None:
    """One winner of a closed market is an end; none or two are not."""
    assert payout == clob.market(body(record)).yes_payout


def test_a_page_of_markets_knows_its_end() -> None:
    """The venue's last cursor is no cursor, and markets without tokens yet are left out."""
    young = a_clob_market(tokens=[{"token_id": ""}, {"token_id": ""}])
    page = body({"data": [a_clob_market(), young], "next_cursor": "LTE="})
    found, cursor, dropped = clob.markets(page)

    assert (1, "", {"malformed_market": 1}) == (len(found), cursor, dropped)
    assert MarketStatus.OPEN is found[0].status
    assert (price("0.001"), size("5")) == (found[0].tick, found[0].min_size)


def test_compact_terms_are_read() -> None:
    """Tick, minimum, fee and delay come out of one-letter names."""
    told = {
        "t": [{"t": token(2), "o": "Yes"}, {"t": token(3), "o": "No"}],
        "mts": 0.01,
        "mos": 5,
        "nr": True,
        "fd": {"r": 0.05, "e": 1, "to": True},
        "itode": True,
        "unknown": [1],
    }
    terms = clob.terms(body(told))

    assert FeeSchedule(FeeModel.POLYMARKET_CURVE, taker_rate=50_000) == terms.fees
    assert (price("0.01"), size("5"), True, True) == (
        terms.tick,
        terms.min_size,
        terms.neg_risk,
        terms.delayed,
    )
    wrong: list[dict[str, Any]] = [
        {"fd": {"r": 2}},
        {"fd": {"r": 0.1, "e": 1.5}},
        {"mts": ""},
        {"t": []},
    ]
    for bad in wrong:
        with pytest.raises(UnreadableRecord):
            clob.terms(body({**told, **bad}))


@pytest.mark.parametrize(
    ("status", "error", "reply"),
    [
        (PlacedStatus.LIVE, "", {"success": True, "orderID": "0x1", "status": "live"}),
        (PlacedStatus.DELAYED, "", {"success": True, "orderID": "0x1", "status": "delayed"}),
        (PlacedStatus.UNKNOWN, "", {"success": True, "orderID": "0x1", "status": "new word"}),
        (PlacedStatus.UNKNOWN, "no", {"success": True, "orderID": "", "errorMsg": "no"}),
        (PlacedStatus.UNKNOWN, "refused without a reason", {"success": True, "orderID": ""}),
        (PlacedStatus.LIVE, "refused without a reason", {"orderID": "0x1", "status": "live"}),
    ],
)
def test_an_answer_to_an_order_is_not_believed_too_easily(
    status: PlacedStatus, error: str, reply: dict[str, Any]
) -> None:
    """Success without an id is a refusal; an unknown status is unknown."""
    placed = order_replies.placed(body(reply))

    assert (status, error) == (placed.status, placed.error)


def test_amounts_of_a_match_are_texts_or_numbers() -> None:
    """What was given and taken comes as the venue writes it."""
    reply = {
        "success": True,
        "orderID": "0x1",
        "status": "matched",
        "makingAmount": "5.2",
        "takingAmount": 10,
        "tradeIDs": ["t-1"],
    }
    placed = order_replies.placed(body(reply))

    assert ("5.2", "10", ("t-1",)) == (placed.making, placed.taking, placed.trades)


def test_a_batch_has_one_answer_per_order() -> None:
    """A different number of answers cannot be attributed."""
    reply = {"success": True, "orderID": "0x1", "status": "live"}

    assert 2 == len(order_replies.placed_batch(body([reply, reply]), 2))
    with pytest.raises(UnreadableRecord, match="1 answers to 2 orders"):
        order_replies.placed_batch(body([reply]), 2)


def test_cancels_say_what_was_not_cancelled() -> None:
    """Both lists may be absent or null."""
    assert (frozenset({"a"}), {"b": "gone"}) == order_replies.cancelled(
        body({"canceled": ["a"], "not_canceled": {"b": "gone"}})
    )
    assert (frozenset(), {}) == order_replies.cancelled(body({"canceled": None}))


def test_credentials_never_stand_in_an_error() -> None:
    """An answer that is half of what it should be is not repeated."""
    with pytest.raises(UnreadableRecord) as caught:
        order_replies.credentials(b'{"apiKey": "k", "secret": "hush-hush"}')

    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("bad", [b"", b"null", b"3", b"<html>", b'{"a":', b"\xff", b'"x"'])
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_answer_is_refused(reader: Any, bad: bytes) -> None:
    """One error, whatever came and whoever reads."""
    with pytest.raises(UnreadableRecord):
        reader(bad)


@pytest.mark.reference
def test_the_recorded_book_is_read(reference: Path) -> None:
    """Ten levels a side, best last, at its tick."""
    book = clob.book((reference / FIXTURES / "clob/venue/book.json").read_bytes())

    assert (10, 10) == (len(book.bids), len(book.asks))
    assert (price("0.154"), price("0.155")) == (max(book.bids), min(book.asks))
    assert price("0.001") == book.tick


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "count"), [("clob/venue/trades.json", 30), ("data/v2/trades.json", 2)]
)
def test_recorded_trades_are_read(reference: Path, name: str, count: int) -> None:
    """Both formats of recorded trades are read whole."""
    found, dropped = data_api.trades((reference / FIXTURES / name).read_bytes())

    assert (count, {}) == (len(found), dropped)


@pytest.mark.reference
def test_the_recorded_history_is_read(reference: Path) -> None:
    """Every point is there."""
    told = (reference / FIXTURES / "clob/venue/prices_history.json").read_bytes()

    assert len(json.loads(told)["history"]) == len(data_api.price_history(told)) == 68


@pytest.mark.reference
def test_recorded_resolutions_are_read(reference: Path) -> None:
    """A final one has its payout; proposed and disputed ones have none, and no word is unknown."""
    folder = reference / FIXTURES / "data/v2"
    final, odd = data_api.resolutions((folder / "resolutions.json").read_bytes())
    pending, more = data_api.resolutions((folder / "resolutions_pending.json").read_bytes())

    assert [ONE_DOLLAR] == [one.yes_payout for one in final.values()]
    assert {"disputed", "proposed"} == {one.status for one in pending.values()}
    assert not any(one.yes_payout is not None for one in pending.values())
    assert not odd
    assert not more


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "statuses", "dropped"),
    [
        ("clob_sampling_markets_1000.json.gz", {"open": 1000}, {}),
        ("clob_markets_1000_closed.json.gz", {"closed": 945}, {"malformed_market": 55}),
    ],
)
def test_recorded_pages_of_the_order_book_are_read(
    reference: Path, name: str, statuses: dict[str, int], dropped: dict[str, int]
) -> None:
    """Every market with two tokens is read; old ones that never had tokens are left out."""
    told = gzip.decompress((reference / "data/metadata-pages" / name).read_bytes())
    found, _, left_out = clob.markets(told)

    assert statuses == Counter(one.status.value for one in found)
    assert dropped == left_out


@pytest.mark.reference
def test_the_recorded_market_is_read(reference: Path) -> None:
    """The order book's own record of a market of October."""
    market = clob.market((reference / FIXTURES / "clob/venue/market.json").read_bytes())

    assert (MarketStatus.OPEN, True, None) == (market.status, market.neg_risk, market.yes_payout)


@pytest.mark.reference
def test_constructed_answers_to_orders_are_read(reference: Path) -> None:
    """Every documented answer has its status."""
    path = reference / "fixtures/polymarket/constructed/order_endpoint_responses.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    for name in ("live", "matched", "delayed", "unmatched"):
        assert name == order_replies.placed(body(told[name])).status.value

    batch = order_replies.placed_batch(body(told["batch_one_leg_failed"]), 2)
    assert ["", "not enough balance / allowance"] == [leg.error for leg in batch]
    assert 1 == len(order_replies.cancelled(body(told["cancel_ok"]))[0])
    assert 1 == len(order_replies.cancelled(body(told["cancel_gone"]))[1])
