"""Records in the shape in which Polymarket tells them; all values are invented."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from market_bot.core.domain.numbers import parse_time

NOW = parse_time("2026-10-20T12:00:00Z")
KEY = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
"""The second of the well-known keys of Anvil and Hardhat; never to be funded."""

WALLET = "0x00000000000000000000000000000000000000Aa"
SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTMyIT8="
PASSPHRASE = "correct-horse-battery"
API_KEY = "0b5e3f00-aaaa-bbbb-cccc-000000000001"

Record = dict[str, Any]


def token(number: int) -> str:
    """Return a token id of protocol v1: a hash, so all of its bytes are set."""
    return str((0xA5A5_A5A5_A5A5_A5A5 << 180) + (0xC3C3_C3C3_C3C3 << 40) + number)


def position(number: int, outcome: int) -> str:
    """Return a position id of protocol v2."""
    return str((1 << 248) + (number << 104) + outcome)


def condition(number: int) -> str:
    """Return a condition id."""
    return f"0x{number:064x}"


def a_market(number: int = 1, **changes: Any) -> Record:
    """Return an open market of protocol v1; None takes a key away."""
    record: Record = {
        "id": str(500_000 + number),
        "question": f"Will number {number} be drawn?",
        "conditionId": condition(number),
        "slug": f"will-number-{number}-be-drawn",
        "endDate": "2026-12-31T23:00:00Z",
        "startDate": "2026-09-01T10:00:00.123456Z",
        "acceptingOrdersTimestamp": "2026-09-01T09:59:00Z",
        "liquidity": "1234.5",
        "liquidityNum": 1234.5,
        "volume": "9876.54321",
        "volume24hr": 1024.2071239999999,
        "outcomes": '["Yes", "No"]',
        "outcomePrices": '["0.455", "0.545"]',
        "clobTokenIds": json.dumps([token(2 * number), token(2 * number + 1)]),
        "active": True,
        "closed": False,
        "archived": False,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "groupItemTitle": f"Number {number}",
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "negRisk": False,
        "negRiskOther": False,
        "umaResolutionStatuses": "[]",
        "feesEnabled": True,
        "feeType": "culture_fees",
        "feeSchedule": {"exponent": 1, "rate": 0.05, "takerOnly": True, "rebateRate": 0.25},
        "version": "v1",
    }
    return changed(record, changes)


def a_v2_market(number: int = 1, **changes: Any) -> Record:
    """Return an open market of protocol v2: position ids as a real array."""
    ids = [position(number, 0), position(number, 1)]
    mine = {"version": "v2", "clobTokenIds": None, "positionIds": ids}
    return a_market(number, **{**mine, **changes})


def an_event(markets: list[Record], name: str = "the-draw", **changes: Any) -> Record:
    """Return an event with its markets."""
    record: Record = {
        "id": "9001",
        "slug": name,
        "title": "The draw",
        "endDate": "2026-12-31T23:00:00Z",
        "active": True,
        "closed": False,
        "seriesSlug": "weekly-draw",
        "negRisk": False,
        "markets": markets,
        "version": "v1",
    }
    return changed(record, changes)


def a_group(
    count: int, *, augmented: bool = False, catch_all: bool = True, first: int = 1
) -> Record:
    """Return a negative-risk event of so many markets, the last of them its catch-all."""
    group = f"0x{first:062x}00"
    markets = [
        a_market(
            first + offset,
            negRisk=True,
            negRiskMarketID=group,
            negRiskOther=catch_all and offset == count - 1,
            groupItemTitle="Other" if catch_all and offset == count - 1 else f"Ball {offset}",
        )
        for offset in range(count)
    ]
    return an_event(
        markets,
        f"group-{first}",
        negRisk=True,
        enableNegRisk=True,
        negRiskAugmented=augmented,
        negRiskMarketID=group,
    )


def a_book(
    number: int = 1,
    bids: Mapping[str, str] | None = None,
    asks: Mapping[str, str] | None = None,
    **changes: Any,
) -> Record:
    """Return the book of a market's YES token, best prices last."""
    bids = {"0.44": "100", "0.45": "25.5"} if bids is None else bids
    asks = {"0.48": "7", "0.46": "12.25"} if asks is None else asks
    record: Record = {
        "market": condition(number),
        "asset_id": token(2 * number),
        "timestamp": str(NOW // 1000),
        "hash": "00" * 20,
        "bids": [{"price": p, "size": s} for p, s in sorted(bids.items())],
        "asks": [{"price": p, "size": s} for p, s in sorted(asks.items(), reverse=True)],
        "min_order_size": "5",
        "tick_size": "0.01",
        "neg_risk": False,
        "last_trade_price": "",
    }
    return changed(record, changes)


def a_trade(number: int = 1, *, no_token: bool = False, **changes: Any) -> Record:
    """Return a trade as the data API tells it."""
    record: Record = {
        "side": "BUY",
        "asset": token(2 * number + no_token),
        "conditionId": condition(number),
        "size": 12.5,
        "price": 0.46,
        "timestamp": NOW // 1_000_000,
        "transactionHash": "0x" + "ab" * 32,
        "outcomeIndex": int(no_token),
    }
    return changed(record, changes)


def a_resolution(number: int = 1, **changes: Any) -> Record:
    """Return a resolution that is final: YES paid a dollar."""
    record: Record = {
        "condition_id": condition(number),
        "status": "resolved",
        "payouts": [1_000_000, 0],
        "resolved_at": "2026-10-20T11:00:00Z",
    }
    return changed(record, changes)


def changed(record: Record, changes: Mapping[str, Any]) -> Record:
    """Return a record with other values; None takes a key away."""
    whole = {**record, **changes}
    return {key: value for key, value in whole.items() if value is not None}


def body(value: object) -> bytes:
    """Return JSON."""
    return json.dumps(value).encode()
