"""Kalshi's records in the shape of its answers, made in code."""

from __future__ import annotations

import json
from typing import Any

SERIES = "KXTEMP"
EVENT = "KXTEMP-26DEC01"
TICKER = "KXTEMP-26DEC01-B50.5"

CENTS = [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}]
TAPERED = [
    {"start": "0.0000", "end": "0.1000", "step": "0.0010"},
    {"start": "0.1000", "end": "0.9000", "step": "0.0100"},
    {"start": "0.9000", "end": "1.0000", "step": "0.0010"},
]


def a_market(ticker: str = TICKER, **changed: Any) -> dict[str, Any]:
    """Return an active market; a change to None leaves the field out."""
    record: dict[str, Any] = {
        "ticker": ticker,
        "event_ticker": ticker.rpartition("-")[0],
        "market_type": "binary",
        "status": "active",
        "result": "",
        "title": "Will it be 50 to 51 degrees?",
        "yes_sub_title": "50 to 51",
        "no_sub_title": "50 to 51",
        "created_time": "2026-11-28T15:00:00.5Z",
        "updated_time": "2026-11-28T15:00:00.733437Z",
        "open_time": "2026-11-29T15:00:00Z",
        "close_time": "2026-12-02T05:00:00Z",
        "latest_expiration_time": "2026-12-08T15:00:00Z",
        "settlement_timer_seconds": 1800,
        "can_close_early": True,
        "expiration_value": "",
        "rules_primary": "The rules.",
        "rules_secondary": "",
        "strike_type": "between",
        "floor_strike": 50,
        "cap_strike": 51,
        "exchange_index": 0,
        "price_level_structure": "linear_cent",
        "price_ranges": CENTS,
        "settlement_bounds_type": "default",
        "notional_value_dollars": "1.0000",
        "yes_bid_dollars": "0.3000",
        "yes_ask_dollars": "0.3500",
        "no_bid_dollars": "0.6500",
        "no_ask_dollars": "0.7000",
        "last_price_dollars": "0.3200",
        "previous_price_dollars": "0.3000",
        "previous_yes_bid_dollars": "0.2900",
        "previous_yes_ask_dollars": "0.3600",
        "yes_bid_size_fp": "12.50",
        "yes_ask_size_fp": "3.00",
        "volume_fp": "250.00",
        "volume_24h_fp": "101.00",
        "open_interest_fp": "77.70",
    }
    record |= changed
    return {key: value for key, value in record.items() if value is not None}


def an_event(ticker: str = EVENT, **changed: Any) -> dict[str, Any]:
    """Return an event without its markets; a change to None leaves the field out."""
    record: dict[str, Any] = {
        "event_ticker": ticker,
        "series_ticker": ticker.partition("-")[0],
        "title": "Highest temperature",
        "sub_title": "On Dec 1",
        "mutually_exclusive": True,
        "collateral_return_type": "MECNET",
        "settlement_sources": [],
        "category": "Climate",
    }
    record |= changed
    return {key: value for key, value in record.items() if value is not None}


def a_series(ticker: str = SERIES, **changed: Any) -> dict[str, Any]:
    """Return a series with ordinary fees."""
    return {
        "ticker": ticker,
        "frequency": "daily",
        "title": "Temperatures",
        "category": "Climate and Weather",
        "fee_type": "quadratic",
        "fee_multiplier": 1,
    } | changed


def a_trade(number: int, **changed: Any) -> dict[str, Any]:
    """Return the trade of this number; a higher number is a later trade."""
    record: dict[str, Any] = {
        "trade_id": f"t-{number:04}",
        "ticker": TICKER,
        "count_fp": "2.50",
        "yes_price_dollars": "0.3200",
        "no_price_dollars": "0.6800",
        "taker_outcome_side": "yes",
        "taker_book_side": "bid",
        "taker_side": "yes",
        "created_time": f"2026-12-01T12:00:{number:02}.25Z",
        "is_block_trade": False,
    }
    return record | changed


def a_book(yes: list[tuple[str, str]], no: list[tuple[str, str]]) -> dict[str, Any]:
    """Return a book without its ticker, sides in the order given."""
    return {
        "orderbook_fp": {
            "yes_dollars": [list(level) for level in yes],
            "no_dollars": [list(level) for level in no],
        }
    }


def ladder(event: str = EVENT) -> list[dict[str, Any]]:
    """Return four markets that cover every whole degree."""
    return [
        a_market(f"{event}-T50", strike_type="less", floor_strike=None, cap_strike=50),
        a_market(f"{event}-B50.5"),
        a_market(f"{event}-B52.5", floor_strike=52, cap_strike=53),
        a_market(f"{event}-T53", strike_type="greater", floor_strike=53, cap_strike=None),
    ]


def as_json(answer: object) -> bytes:
    """Return an answer as the venue sends it."""
    return json.dumps(answer, separators=(",", ":")).encode()
