"""Facts and states as JSON."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import attrs
import msgspec
import pytest

from market_bot.adapters.storage.codec import (
    CodecError,
    decode_event,
    decode_state,
    digest,
    encode_event,
    encode_state,
    event_data,
)
from market_bot.core.domain.events import Checkpoint, Halt, Scan
from market_bot.core.domain.lane import LaneState, Position
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, Price, Size, money, size
from tests.fakes.journal_facts import DENIED, FILL, HALT, START


def test_a_fill_is_written_like_this() -> None:
    """The bytes of a fill are pinned, so that the format cannot change unnoticed."""
    expected = (
        b'{"signal":"s-1","strategy":"buy_longshots","market":"KXHIGHNY-26NOV22-T40",'
        b'"event":"KXHIGHNY-26NOV22","family":"KXHIGHNY","leg":"yes","intent":"i-1",'
        b'"fill":"f-1","purpose":"entry","liquidity":"taker","price":"0.12","size":"10",'
        b'"cost":"1.2","fee":"0.0123","provisional":false,'
        b'"traded_at":"2026-11-22T00:30:00.123456Z","mid":null}'
    )

    assert expected == encode_event(FILL)


def test_a_denial_is_written_like_this() -> None:
    """Gates are an array of objects in order, enumerations are their values."""
    expected = (
        b'{"signal":"s-2","strategy":"buy_longshots","market":"KXHIGHNY-26NOV22-T40",'
        b'"event":"KXHIGHNY-26NOV22","family":"KXHIGHNY","leg":"no","purpose":"entry",'
        b'"phase":"begin","gates":[{"name":"max_spread","limit":"0.02","value":"0.05",'
        b'"hard":false},{"name":"cap","limit":"10","value":"11","hard":true}],'
        b'"price":"0.4","size":"1.5","count":1}'
    )

    assert expected == encode_event(DENIED)


def test_text_is_written_as_utf8() -> None:
    """Text beyond ASCII is neither escaped nor lost."""
    assert (
        '{"by":"operator","reason":"lunch – back soon","flatten":false}'.encode()
        == encode_event(HALT)
    )


def with_wrong(event: Any, field: str, value: object) -> Any:
    """Return a fact that lies about the type of a field."""
    return attrs.evolve(event, **{field: value})


A_SCAN = Scan(position="", markets=1, views=0, signals=0, denied=0, intents=0)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(with_wrong(FILL, "price", 0.5), id="a price"),
        pytest.param(with_wrong(FILL, "price", 120000.0), id="a whole price"),
        pytest.param(with_wrong(FILL, "mid", 0.5), id="an optional price"),
        pytest.param(with_wrong(FILL, "traded_at", 1.5), id="a time"),
        pytest.param(with_wrong(A_SCAN, "markets", 1.0), id="a count"),
        pytest.param(with_wrong(HALT, "by", 0.5), id="a text"),
        pytest.param(Checkpoint(fold=1, digest="", state={"a": [{"b": 0.5}]}), id="deep inside"),
        pytest.param(with_wrong(FILL, "size", True), id="a truth as a number"),
        pytest.param(with_wrong(FILL, "price", None), id="nothing where something must be"),
        pytest.param(Halt(by="\ud800", reason=""), id="half a character"),
        pytest.param(with_wrong(FILL, "traded_at", Micros(2**62)), id="a time without a date"),
    ],
)
def test_what_is_not_exact_is_refused(event: Any) -> None:
    """A float, a wrong type or broken text never reaches the journal."""
    encode_event(FILL)

    with pytest.raises(CodecError, match="cannot be written"):
        encode_event(event)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"by":"operator"}', "reason is missing"),
        (b'{"by":1,"reason":""}', "str was expected: 1"),
        (b'{"by":null,"reason":""}', "str was expected: None"),
        (b"[]", "does not fit"),
    ],
)
def test_data_that_does_not_fit_is_refused(data: bytes, why: str) -> None:
    """Nothing that is missing or of another type is made up."""
    with pytest.raises(CodecError, match=why):
        decode_event("halt", data)


def test_a_number_in_place_of_a_decimal_string_is_refused() -> None:
    """Prices are strings; 0.12 as a JSON number would be a float."""
    data = encode_event(FILL).replace(b'"price":"0.12"', b'"price":0.12')

    with pytest.raises(CodecError, match="decimal string was expected"):
        decode_event("fill", data)


def test_fields_from_the_future_are_ignored() -> None:
    """A newer version may add fields; older readers go on."""
    assert Halt(by="a", reason="b") == decode_event("halt", b'{"by":"a","reason":"b","new":[1]}')


def test_fields_that_came_later_have_their_default() -> None:
    """Lines from before a field existed stay readable."""
    data = b'{"position":"1","markets":1,"views":1,"signals":0,"denied":0,"intents":0}'

    assert decode_event("scan", data) == Scan(
        position="1", markets=1, views=1, signals=0, denied=0, intents=0
    )


def test_an_unknown_type_is_not_an_error() -> None:
    """Reading tolerates types of a newer version; whoever acts on them must refuse."""
    assert decode_event("from_the_future", b"{}") is None


def test_event_data_keeps_the_order_of_the_class() -> None:
    """The plain form of a fact reads like its class."""
    assert ["by", "reason", "flatten"] == list(event_data(HALT))


def a_state() -> LaneState:
    """Return a lane state with something in it."""
    position = Position(
        market="m",
        event="e",
        family="f",
        leg=Leg.YES,
        strategy="s",
        signal="x",
        size=size("2.5"),
        cost=money("1.25"),
        opened_at=START,
    )
    return LaneState(
        cash=money("98.75"),
        positions={"m:yes": position},
        last_entry={"m": START, "n": Micros(0)},
    )


def test_a_state_survives_writing_and_reading() -> None:
    """A checkpoint gives back exactly the state it was made of, through JSON."""
    written = msgspec.json.encode(encode_state(a_state()))

    assert a_state() == decode_state(msgspec.json.decode(written), LaneState)


def test_a_state_fits_into_a_checkpoint() -> None:
    """The written state is plain JSON, so the checkpoint reads back equal."""
    checkpoint = Checkpoint(fold=1, digest=digest(a_state()), state=encode_state(a_state()))

    assert checkpoint == decode_event("checkpoint", encode_event(checkpoint))


def test_a_digest_ignores_the_order_of_mappings_only() -> None:
    """The same state gives the same digest, any other state another one."""
    state = a_state()
    turned = attrs.evolve(state, last_entry={"n": Micros(0), "m": START})
    other = attrs.evolve(state, last_entry={"n": Micros(1), "m": START})

    assert digest(state) == digest(turned)
    assert digest(state) != digest(other)
    assert 64 == len(digest(state))


def test_a_state_without_a_needed_field_is_refused() -> None:
    """A checkpoint of another version does not become a half-empty state."""
    data: Mapping[str, object] = {"positions": {"m:yes": {"market": "m"}}}

    with pytest.raises(CodecError, match="is missing"):
        decode_state(data, LaneState)


@attrs.frozen
class _Odd:
    prices: dict[str, Price]
    names: frozenset[str]
    pair: tuple[str, Size]
    inner: dict[str, dict[str, tuple[Leg, ...]]]
    maybe: Position | None = None


def test_any_attrs_class_can_be_a_state() -> None:
    """Nested mappings, sets, tuples and optional objects need no registration."""
    odd = _Odd({"a": Price(1)}, frozenset({"z", "a"}), ("b", Size(2)), {"x": {"y": (Leg.NO,)}})
    written = msgspec.json.encode(encode_state(odd))

    assert odd == decode_state(msgspec.json.decode(written), _Odd)
    assert b'"names":["a","z"]' in written


def test_importing_the_codec_builds_no_converter() -> None:
    """Commands that touch no journal do not pay for its converters."""
    program = (
        "from market_bot.adapters.storage import codec; print(codec._converter.cache_info().misses)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert b"0\n" == result.stdout
