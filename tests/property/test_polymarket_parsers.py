"""Whatever the venue sends, a parser answers with values or with its own error."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_bot.adapters.polymarket import clob, data_api, gamma, order_replies
from market_bot.adapters.polymarket.problems import TEXT_MAX, VenueProblem, venue_problem
from market_bot.adapters.polymarket.wire import UnreadableRecord, price_of, size_of
from market_bot.core.domain.numbers import ONE_DOLLAR, Price, Size, format_price, format_size
from tests.fakes.fake_polymarket_records import (
    NOW,
    a_book,
    a_group,
    a_market,
    a_resolution,
    a_trade,
    a_v2_market,
    an_event,
)

Reader = Callable[[bytes], object]

GOOD: dict[str, tuple[Reader, Any]] = {
    "events": (
        lambda b: gamma.events_page(b, NOW),
        {"events": [a_group(3), an_event([a_market(7), a_v2_market(8)])], "next_cursor": "x"},
    ),
    "markets": (
        lambda b: gamma.markets_page(b, NOW),
        {"markets": [{**a_market(1), "events": [an_event([])]}]},
    ),
    "books": (clob.books, [a_book(1), a_book(2)]),
    "book": (clob.book, a_book(1)),
    "prices": (clob.best_prices, {"1": {"BUY": "0.45", "SELL": 0.46}}),
    "trades": (data_api.trades, [a_trade(1), a_trade(2)]),
    "history": (data_api.price_history, {"history": [{"t": 1_792_000_000, "p": 0.1}]}),
    "resolutions": (data_api.resolutions, {"data": [a_resolution(1)]}),
    "placed": (
        order_replies.placed,
        {"success": True, "orderID": "0x1", "status": "live", "makingAmount": "1"},
    ),
    "cancelled": (order_replies.cancelled, {"canceled": ["a"], "not_canceled": {"b": "c"}}),
}

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=False),
    st.text(max_size=30),
    st.sampled_from(["", "NaN", "1e999999999", "-0", "1_0", "[", '["', "0x", "9" * 200, "\ud800"]),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything inside a JSON value."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        deeper = (*path, key)
        found += places(inner, deeper) if isinstance(inner, (dict, list)) else [deeper]
    return found


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a copy of a JSON value with another value at a path."""
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = replaced(copied[path[0]], path[1:], new)
    return copied


@pytest.mark.parametrize("name", GOOD)
def test_the_examples_are_read(name: str) -> None:
    """The bodies that are mutated below are good before."""
    reader, good = GOOD[name]

    assert reader(json.dumps(good).encode()) is not None


@pytest.mark.parametrize("name", GOOD)
@given(st.data())
def test_a_wrong_value_anywhere_is_a_value_or_an_error(name: str, data: st.DataObject) -> None:
    """Replacing any value by any other never raises anything but the parser's own error."""
    reader, good = GOOD[name]
    mutated = good
    for _ in range(data.draw(st.integers(1, 3))):
        known = places(mutated) if isinstance(mutated, (dict, list)) else []
        if known:
            mutated = replaced(mutated, data.draw(st.sampled_from(known)), data.draw(JUNK))
    _read(reader, json.dumps(mutated).encode())


@pytest.mark.parametrize("name", GOOD)
@given(st.data())
def test_damaged_bytes_are_a_value_or_an_error(name: str, data: st.DataObject) -> None:
    """Cut off, overwritten or arbitrary bytes never raise anything but the parser's own error."""
    reader, good = GOOD[name]
    whole = json.dumps(good).encode()
    start = data.draw(st.integers(0, len(whole)))
    damaged = whole[:start] + data.draw(st.binary(max_size=8))
    kept = data.draw(st.booleans())
    _read(reader, damaged + (whole[len(damaged) :] if kept else b""))


def _read(reader: Reader, body: bytes) -> None:
    said = ""
    try:
        reader(body)
    except UnreadableRecord as e:
        said = str(e)
    assert "\n" not in said
    assert len(said) < 1000


@given(st.integers(0, ONE_DOLLAR), st.integers(0, 10**16))
def test_prices_and_sizes_come_back_exactly(price: int, size: int) -> None:
    """What we write the way the venue writes, we read as it was."""
    assert price == price_of(format_price(Price(price)))
    assert size == size_of(format_size(Size(size)))


@given(
    st.dictionaries(st.integers(1, 99), st.integers(1, 10**12), max_size=8),
    st.dictionaries(st.integers(1, 99), st.integers(1, 10**12), max_size=8),
)
def test_both_tokens_tell_the_same_market(bids: dict[int, int], asks: dict[int, int]) -> None:
    """The book of NO, mirrored, is the book of YES, whatever is in it."""
    yes = clob.TokenBook(
        token="1",
        condition="0x",
        bids={Price(p * 10_000): Size(s) for p, s in bids.items()},
        asks={Price(p * 10_000): Size(s) for p, s in asks.items()},
        at=NOW,
    )
    no = yes.mirrored("2")

    assert yes == no.mirrored("1")
    assert yes.crossed is no.crossed
    assert sum(yes.bids.values()) == sum(no.asks.values())
    assert {ONE_DOLLAR - price for price in yes.bids} == set(no.asks)


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["Retry-After", "retry-after"]), st.text(max_size=20)),
    st.one_of(st.binary(max_size=400), JUNK.map(lambda x: json.dumps({"error": x}).encode())),
)
def test_every_error_answer_is_a_problem(status: int, headers: dict[str, str], body: bytes) -> None:
    """Classifying an answer never fails, and its text is one short printable line."""
    problem = venue_problem(status, headers, body)

    assert isinstance(problem, VenueProblem)
    assert problem.text.isprintable()
    assert len(problem.text) <= TEXT_MAX
    assert problem.retry_after is None or 0 <= problem.retry_after <= 3600 * 10**6


@given(st.binary(max_size=300))
def test_no_secret_comes_back_in_an_error(around: bytes) -> None:
    """A venue that repeats a secret does not make us show it."""
    words = json.dumps({"error": around.decode(errors="replace")[:50] + "hunter2-secret"})
    problem = venue_problem(400, {}, words.encode(), withheld=("hunter2-secret",))

    assert "hunter2" not in str(problem)
