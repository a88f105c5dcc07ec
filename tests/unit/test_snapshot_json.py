"""A snapshot as plain data: exact, complete, and JSON."""

import json

import attrs

from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Duration, Micros, money, parse_time, price, size
from market_bot.core.domain.orders import Order, Purpose, Style
from market_bot.core.usecases.lane_snapshot import HeldNow, LaneSnapshot
from market_bot.core.usecases.snapshot_json import snapshot_json

NOON = parse_time("2026-03-07T12:00:00Z")
POSITION = Position(
    market="M",
    event="E",
    family="F",
    leg=Leg.NO,
    strategy="s",
    signal="sig",
    size=size("3.5"),
    cost=money("1.4000007"),
    opened_at=NOON,
)
ORDER = Order(
    intent="i",
    signal="sig",
    strategy="s",
    market="M",
    event="E",
    family="F",
    leg=Leg.YES,
    purpose=Purpose.ENTRY,
    style=Style.MAKER,
    price=price("0.48"),
    size=size("10"),
    fee_bound=money("0.02"),
    expires_at=Micros(NOON + Duration(1)),
    created_at=NOON,
)
FULL = LaneSnapshot(
    venue="kalshi",
    lane="tape",
    run="r",
    phase="trading",
    at=NOON,
    ticks=7,
    progress=0.123456,
    counts={"scans": 7},
    denials={"halted": 1},
    positions=(HeldNow(position=POSITION, bid=price("0.41")),),
    orders=(ORDER,),
    cash=money("95"),
    deposits=money("100"),
    equity=money("99.000000000001"),
    day_pnl=money("-1"),
    limits={"max_order_usd": "5"},
    head=(12, "ff"),
)


def test_nothing_is_left_out() -> None:
    """Every field of a snapshot is there, under its own name."""
    told = snapshot_json(FULL)

    assert {field.name for field in attrs.fields(LaneSnapshot)} <= set(told)


def test_numbers_are_exact() -> None:
    """Money, prices and sizes are decimal strings to the last digit."""
    told = json.loads(json.dumps(snapshot_json(FULL), allow_nan=False))

    assert "99.000000000001" == told["equity"]
    assert "-0.999999999999" == told["gain"]
    assert {"max_order_usd": "5"} == told["limits"]
    assert {"seq": 12, "hash": "ff"} == told["head"]
    position, order = told["positions"][0], told["orders"][0]
    assert ("no", "3.5", "1.4000007") == (position["leg"], position["size"], position["cost"])
    assert ("0.41", "1.435") == (position["bid"], position["value"])
    assert ("entry", "maker", "intended") == (order["purpose"], order["style"], order["state"])
    assert ("0.48", "10", "4.82") == (order["price"], order["size"], order["reserved"])
    assert "2026-03-07T12:00:00.000001Z" == order["expires_at"]


def test_the_day_lies_in_a_band() -> None:
    """From what positions fetch to what they cost; nobody bids is nothing, nobody asks a dollar."""
    books = [(price("0.41"), price("0.45")), (None, price("0.02")), (price("0.98"), None)]
    held = tuple(HeldNow(position=POSITION, bid=bid, ask=ask) for bid, ask in books)
    band = snapshot_json(attrs.evolve(FULL, positions=held))["day_band"]

    # 3.5 contracts each: 0.04 between bid and ask, then 0.02, then 0.02.
    assert {"pessimistic": "-1", "realistic": "-0.93", "optimistic": "-0.72"} == band
    assert snapshot_json(attrs.evolve(FULL, day_pnl=None))["day_band"] is None


def test_what_is_not_known_is_none() -> None:
    """Missing is not zero: no bid, no time, no day and no progress are None."""
    held = HeldNow(position=POSITION, bid=None)
    told = snapshot_json(LaneSnapshot(venue="v", lane="paper", run="", positions=(held,)))

    names = ("at", "progress", "caught_up", "day_pnl", "day_band", "halted", "degraded", "error")
    assert [None] * 8 == [told[k] for k in names]
    positions = told["positions"]
    assert isinstance(positions, list)
    assert [None] * 3 == [positions[0][k] for k in ("bid", "ask", "value")]
