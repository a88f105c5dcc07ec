"""What happened: trades, price history and how far resolutions are. Pure: bytes in, values out.

An answer that is none raises `UnreadableRecord`, and nothing else is raised; within a good answer,
records that cannot be used are counted and left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import attrs
import msgspec

from market_bot.core.domain.book import Side
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import ONE_DOLLAR, Micros, Price, Size

from .contracts import asset_kind
from .problems import plain
from .wire import (
    RECORDS_MAX,
    UnreadableRecord,
    moment,
    raw_size,
    read,
    records,
    rounded_price,
)

_PAYOUT_SCALE: Final = 1_000_000
_BINARY: Final = 2
_RESOLVED: Final = "resolved"
_RESOLUTION_WORDS: Final = frozenset(
    {"requested", "proposed", "disputed", "reproposed", "settled", "pending", "posed", _RESOLVED}
)
_LEGS: Final = {0: Leg.YES, 1: Leg.NO}
_SIDES: Final = {"BUY": Side.BID, "SELL": Side.ASK}


@attrs.frozen(kw_only=True)
class PublicTrade:
    """A trade as the venue published it; ``taker`` is what the aggressor did with this token."""

    id: str
    token: str
    condition: str
    taker: Side
    price: Price
    size: Size
    at: Micros


@attrs.frozen
class Resolved:
    """How far a resolution is; ``yes_payout`` only where it is final."""

    status: str
    yes_payout: Price | None


@attrs.frozen
class HeldToken:
    """A token that an address held some minutes ago; how many of it is asked elsewhere."""

    condition: str
    token: str
    leg: Leg


class _Position(msgspec.Struct, gc=False):
    token_id: str
    condition_id: str
    outcome_index: int


class _Pages(msgspec.Struct):
    next_cursor: str | None = None
    has_more: bool = False


class _Positions(msgspec.Struct):
    data: list[_Position]
    pagination: _Pages = msgspec.field(default_factory=_Pages)


class _Trade(msgspec.Struct, gc=False):
    side: str
    size: msgspec.Raw
    price: msgspec.Raw
    timestamp: msgspec.Raw
    asset: str = ""
    token_id: str = ""
    old_condition: str = msgspec.field(name="conditionId", default="")
    condition_id: str = ""
    old_hash: str = msgspec.field(name="transactionHash", default="")
    transaction_hash: str = ""


class _Point(msgspec.Struct, gc=False):
    t: msgspec.Raw
    p: msgspec.Raw


class _History(msgspec.Struct):
    history: list[_Point]


class _Resolution(msgspec.Struct, gc=False):
    condition_id: str
    status: str = ""
    payouts: list[int] | None = None


_trade: Final = msgspec.json.Decoder(_Trade)
_positions: Final = msgspec.json.Decoder(_Positions)
_history: Final = msgspec.json.Decoder(_History)
_resolution: Final = msgspec.json.Decoder(_Resolution)


def price_history(body: bytes) -> tuple[tuple[Micros, Price], ...]:
    """Return moments and prices, rounded to 1e-6, in the venue's order.

    Raises:
        UnreadableRecord: if it is no history.

    """
    points = read(_history, body, "a history").history
    if len(points) > RECORDS_MAX:
        msg = f"a history of {len(points)} points"
        raise UnreadableRecord(msg)
    return tuple((moment(point.t), rounded_price(point.p)) for point in points)


def trades(body: bytes) -> tuple[tuple[PublicTrade, ...], Mapping[str, int]]:
    """Return trades in the venue's order (newest first), and why others were left out.

    A trade's id is the same in every answer: what it is, and for how many times it is that.

    Raises:
        UnreadableRecord: if it is no list of trades.

    """
    dropped: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    found: list[PublicTrade] = []
    for record in records(body, _trade, dropped):
        try:
            trade = _public_trade(record)
        except UnreadableRecord:
            dropped["malformed_trade"] += 1
            continue
        seen[trade.id] += 1
        found.append(attrs.evolve(trade, id=f"{trade.id}:{seen[trade.id]}"))
    return tuple(found), dict(dropped)


def held_tokens(body: bytes) -> tuple[tuple[HeldToken, ...], str]:
    """Return a page of what an address held and the next cursor, empty on the last page.

    Raises:
        UnreadableRecord: if it is no such page, or anything in it cannot be understood.

    """
    page = read(_positions, body, "a list of positions")
    pages = page.pagination
    return tuple(_held(one) for one in page.data), (pages.next_cursor or "") * pages.has_more


def resolutions(body: bytes) -> tuple[Mapping[str, Resolved], Mapping[str, int]]:
    """Return how far each condition is, and what was odd.

    Raises:
        UnreadableRecord: if it is no such answer.

    """
    odd: Counter[str] = Counter()
    found: dict[str, Resolved] = {}
    for record in records(body, _resolution, odd):
        status = record.status.lower()
        if status not in _RESOLUTION_WORDS:
            odd[f"status {status[:40]}"] += 1
        payout = _paid(record.payouts) if status == _RESOLVED else None
        if status == _RESOLVED and payout is None:
            odd["resolved_without_payouts"] += 1
        known = found.get(record.condition_id)
        if known is not None and known.yes_payout not in (None, payout):
            # Two ends of one market: believe neither.
            odd["contradiction"] += 1
            payout = None
        found[record.condition_id] = Resolved(status, payout)
    return found, dict(odd)


def _public_trade(record: _Trade) -> PublicTrade:
    token = record.asset or record.token_id
    condition = record.old_condition or record.condition_id
    hashed = record.old_hash or record.transaction_hash
    if not token or not condition or record.side not in _SIDES:
        msg = "a trade without token, market or side"
        raise UnreadableRecord(msg)
    price, at = rounded_price(record.price), moment(record.timestamp)
    size = raw_size(record.size)
    if not size or not 0 < price < ONE_DOLLAR:
        msg = "a trade without size, or at no price"
        raise UnreadableRecord(msg)
    return PublicTrade(
        id=f"{hashed}:{token}:{record.side}:{price}:{size}:{at}",
        token=token,
        condition=condition,
        taker=_SIDES[record.side],
        price=price,
        size=size,
        at=at,
    )


def _held(record: _Position) -> HeldToken:
    try:
        asset_kind(record.token_id)
        leg = _LEGS[record.outcome_index]
    except (ValueError, KeyError) as e:
        msg = plain(f"a position in no outcome of anything: {e}")
        raise UnreadableRecord(msg) from e
    if not record.condition_id:
        msg = "a position in no market"
        raise UnreadableRecord(msg)
    return HeldToken(plain(record.condition_id), record.token_id, leg)


def _paid(payouts: list[int] | None) -> Price | None:
    if payouts is None or len(payouts) != _BINARY or sum(payouts) != _PAYOUT_SCALE:
        return None
    return Price(payouts[0]) if 0 <= payouts[0] <= _PAYOUT_SCALE else None
