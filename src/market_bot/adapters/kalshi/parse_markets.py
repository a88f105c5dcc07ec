"""Markets as the venue lists them, made into core markets, or refused with a reason.

A list is judged market by market: what is wrong with one says nothing about the others. The quotes
in a list come from a cache of 15 seconds and use 0 and 1 for "nobody"; they are kept as a hint of
where to look and are never prices.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Final

import attrs
import msgspec

from market_bot.core.domain.market import (
    Condition,
    FeeModel,
    FeeSchedule,
    Market,
    MarketStatus,
    TickBand,
)
from market_bot.core.domain.numbers import (
    ONE_CONTRACT,
    ONE_DOLLAR,
    Micros,
    Money,
    Price,
    Size,
)

from .errors import ParseError, plain
from .recorded_markets import VENUE
from .wire import Moment, Number, contracts, decode, dollars, moment, number

STATUSES: Final = {
    "initialized": MarketStatus.UNOPENED,
    "active": MarketStatus.OPEN,
    "inactive": MarketStatus.PAUSED,
    "closed": MarketStatus.CLOSED,
    "determined": MarketStatus.DETERMINED,
    "disputed": MarketStatus.DETERMINED,
    "amended": MarketStatus.DETERMINED,
    "finalized": MarketStatus.SETTLED,
}
"""Any other word is a status we do not know, which is not one of these."""

CAUTIOUS_FEES: Final = FeeSchedule(
    model=FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=70_000
)
"""While nobody has told what a market charges: makers are taken to pay like takers."""

_HUNDREDTH: Final = Size(ONE_CONTRACT // 100)
_CONDITIONS: Final = {
    "greater": Condition.ABOVE,
    "greater_or_equal": Condition.AT_LEAST,
    "less": Condition.BELOW,
}
_DECIDED: Final = (MarketStatus.DETERMINED, MarketStatus.SETTLED)
_BANDS_MAX: Final = 64
_STRUCTURES_MAX: Final = 1024
# The venue's own dollar volume is half a dollar per contract, whatever the price.
_VOLUME_PER_CONTRACT: Final = ONE_DOLLAR // 2


class Reason(Enum):
    """Why a market is left out."""

    NOT_BINARY = "not_binary"
    COMBO = "combo"
    FLOOR_BOUNDED = "floor_bounded"
    UNKNOWN_BOUNDS = "unknown_bounds"
    ODD_PAYOUT = "odd_payout"
    BAD_TICKS = "bad_ticks"
    MALFORMED = "malformed"


@attrs.frozen
class Refused:
    """A market that is left out; ``details`` is one printable line, partly text from elsewhere."""

    ticker: str
    reason: Reason
    details: str = ""


@attrs.frozen(kw_only=True)
class Hint:
    """Up to 15 seconds old, for deciding where to look; never a price to trade or mark at."""

    bid: Price | None
    ask: Price | None


@attrs.frozen(kw_only=True)
class Listing:
    """A market we can trade, and what a list tells about it beyond its terms.

    Args:
        market: its terms; event, family and fees are guesses until the event and series are known.
        status: where it is in its life, None for a word we do not know.
        status_word: the venue's own word.
        exchange_index: the shard it lives on, None if it is not told.
        hint: old quotes, None unless the market is active.
        yes_payout: what one YES contract pays, once determined.
        settled_at: when it was paid.
        expected_at: when the venue expects it to end, if it says so.
        fee_free_until: until when no fees are charged, if at all; not part of ``market.fees``.
        closes_early: whether it can close before its time.
        label: what YES means within the event, for people; untrusted.
        floor: the lower strike, if any.
        cap: the upper strike, if any.
        strike_type: the venue's own word, "" if none.
        problems: what was tolerated, for people.

    """

    market: Market
    status: MarketStatus | None
    status_word: str
    exchange_index: int | None
    hint: Hint | None
    yes_payout: Price | None
    settled_at: Micros | None
    expected_at: Micros | None
    fee_free_until: Micros | None
    closes_early: bool
    label: str
    floor: str | None
    cap: str | None
    strike_type: str
    problems: tuple[str, ...] = ()


@attrs.frozen
class MarketsPage:
    """One page of a list; every market in it is in exactly one of the two."""

    listings: tuple[Listing, ...]
    refused: tuple[Refused, ...]
    cursor: str


class _Range(msgspec.Struct, frozen=True, gc=False):
    start: str
    end: str
    step: str


class _Record(msgspec.Struct, frozen=True, kw_only=True):
    """A market as the venue writes it. A price that is missing is an error, never a zero."""

    ticker: str
    event_ticker: str
    market_type: str
    status: str
    result: str
    close_time: Moment
    open_time: Moment
    can_close_early: bool
    price_ranges: tuple[_Range, ...]
    notional_value_dollars: str
    yes_bid_dollars: str
    yes_ask_dollars: str
    no_bid_dollars: str
    no_ask_dollars: str
    last_price_dollars: str
    yes_bid_size_fp: str
    yes_ask_size_fp: str
    volume_24h_fp: str
    open_interest_fp: str
    settlement_bounds_type: str | None = None
    settlement_floor_dollars: str | None = None
    settlement_value_dollars: str | None = None
    settlement_ts: Moment | None = None
    expected_expiration_time: Moment | None = None
    fee_waiver_expiration_time: Moment | None = None
    strike_type: str = ""
    floor_strike: Number | None = None
    cap_strike: Number | None = None
    exchange_index: Annotated[int, msgspec.Meta(ge=-1, le=1000)] | None = None
    mve_collection_ticker: str | None = None
    mve_selected_legs: tuple[object, ...] | None = None
    fractional_trading_enabled: bool = True  # Gone since July 2026: then every market is.
    yes_sub_title: str = ""
    title: str = ""


class _Head(msgspec.Struct, frozen=True):
    """Enough to say which market it is, and whether it is one we never trade."""

    ticker: str = ""
    market_type: object = None
    mve_collection_ticker: object = None
    mve_selected_legs: object = None
    settlement_bounds_type: object = None


class _Page(msgspec.Struct, frozen=True):
    markets: tuple[msgspec.Raw, ...]
    cursor: str = ""


class _One(msgspec.Struct, frozen=True):
    market: msgspec.Raw


_pages = msgspec.json.Decoder(_Page)
_ones = msgspec.json.Decoder(_One)
_records = msgspec.json.Decoder(_Record)
_heads = msgspec.json.Decoder(_Head)
_known_ticks: dict[tuple[_Range, ...], tuple[TickBand, ...]] = {}


class _RefusedError(ParseError):
    """Carries the reason to the edge of this module."""

    def __init__(self, reason: Reason, details: str) -> None:
        super().__init__(details)
        self.reason = reason


def parse_markets(body: bytes) -> MarketsPage:
    """Return the markets in an answer of ``/markets`` or ``/historical/markets``.

    Raises:
        ParseError: if it is no such answer; what is wrong with one market refuses that one.

    """
    page = decode(_pages, body)
    return MarketsPage(*sort_markets(page.markets), page.cursor)


def parse_market(body: bytes) -> Listing | Refused:
    """Return the market in an answer of ``/markets/{ticker}``.

    Raises:
        ParseError: if it is no such answer.

    """
    return _judge(decode(_ones, body).market)


def sort_markets(
    raw: tuple[msgspec.Raw, ...],
) -> tuple[tuple[Listing, ...], tuple[Refused, ...]]:
    """Return the markets we can trade and the others, each with its reason."""
    listings: list[Listing] = []
    refused: list[Refused] = []
    for one in raw:
        found = _judge(one)
        if isinstance(found, Listing):
            listings.append(found)
        else:
            refused.append(found)
    return tuple(listings), tuple(refused)


def _judge(raw: msgspec.Raw) -> Listing | Refused:
    try:
        record = decode(_records, raw)
    except ParseError as e:
        return _refuse_malformed(raw, e)
    try:
        return _listing(record)
    except _RefusedError as e:
        return Refused(plain(record.ticker), e.reason, str(e))
    except ParseError as e:
        return Refused(plain(record.ticker), Reason.MALFORMED, str(e))


def _refuse_malformed(raw: msgspec.Raw, error: ParseError) -> Refused:
    """Say what kind of market it is, if that can be read: a combo is a combo, also a broken one."""
    try:
        head = decode(_heads, raw)
    except ParseError:
        return Refused("", Reason.MALFORMED, str(error))
    if head.mve_collection_ticker or head.mve_selected_legs:
        return Refused(plain(head.ticker), Reason.COMBO)
    if isinstance(head.market_type, str) and head.market_type != "binary":
        return Refused(plain(head.ticker), Reason.NOT_BINARY, plain(head.market_type))
    return Refused(plain(head.ticker), Reason.MALFORMED, str(error))


def _listing(record: _Record) -> Listing:
    _refuse_untradable(record)
    problems: list[str] = []
    status = STATUSES.get(record.status)
    if status is None:
        problems.append(plain(f"unknown status {record.status!r}"))
    shard = record.exchange_index
    if shard is not None and shard < 0:
        problems.append(f"no shard but {shard}")
        shard = None
    floor = None if record.floor_strike is None else number(record.floor_strike)
    cap = None if record.cap_strike is None else number(record.cap_strike)
    return Listing(
        market=_market(record, floor, cap),
        status=status,
        status_word=plain(record.status),
        exchange_index=shard,
        hint=_hint(record, status, problems),
        yes_payout=_payout(record, status),
        settled_at=moment(record.settlement_ts),
        expected_at=moment(record.expected_expiration_time),
        fee_free_until=moment(record.fee_waiver_expiration_time),
        closes_early=record.can_close_early,
        label=plain(record.yes_sub_title),
        floor=floor,
        cap=cap,
        strike_type=plain(record.strike_type),
        problems=tuple(problems),
    )


def _refuse_untradable(record: _Record) -> None:
    if not record.ticker or not record.event_ticker:
        raise _RefusedError(Reason.MALFORMED, "a market without ticker or event")
    if record.mve_collection_ticker or record.mve_selected_legs:
        raise _RefusedError(Reason.COMBO, "")
    if record.market_type != "binary":
        raise _RefusedError(Reason.NOT_BINARY, plain(record.market_type))
    bounds = record.settlement_bounds_type
    if bounds == "floor" or record.settlement_floor_dollars is not None:
        raise _RefusedError(Reason.FLOOR_BOUNDED, plain(record.settlement_floor_dollars or ""))
    if bounds not in (None, "default"):  # Absent before the summer of 2026, when there were none.
        raise _RefusedError(Reason.UNKNOWN_BOUNDS, plain(bounds))
    if dollars(record.notional_value_dollars, "notional_value_dollars") != ONE_DOLLAR:
        raise _RefusedError(Reason.ODD_PAYOUT, plain(record.notional_value_dollars))


def _market(record: _Record, floor: str | None, cap: str | None) -> Market:
    step = _HUNDREDTH if record.fractional_trading_enabled else ONE_CONTRACT
    condition = _CONDITIONS.get(record.strike_type)
    return Market(
        venue=VENUE,
        id=record.ticker,
        event=record.event_ticker,
        family=record.event_ticker.partition("-")[0],
        title=plain(record.title or record.yes_sub_title),
        ticks=_ticks(record.price_ranges),
        min_size=step,
        size_step=step,
        open_at=moment(record.open_time),
        close_at=moment(record.close_time),
        fees=CAUTIOUS_FEES,
        strike=_strike(floor, cap, condition),
        condition=condition,
        volume_24h=_volume(record.volume_24h_fp),
    )


def _strike(floor: str | None, cap: str | None, condition: Condition | None) -> str | None:
    if condition is Condition.BELOW:
        return cap
    if condition is not None:
        return floor
    return f"{floor}..{cap}" if floor and cap else floor or cap


def _volume(text: str) -> Money | None:
    """Return the dollars traded, None if what is written there is no count: nothing hangs on it."""
    try:
        return Money(contracts(text, "volume_24h_fp") * _VOLUME_PER_CONTRACT)
    except ParseError:
        return None


def _hint(record: _Record, status: MarketStatus | None, problems: list[str]) -> Hint | None:
    """Return the quotes of an active market; 0 and 1 mean that nobody is there.

    What stands there in any other market is not looked at: before it begins it is nonsense (0, 0,
    1, 1), and once it has ended the venue may even write negative sizes.
    """
    if status is not MarketStatus.OPEN:
        return None
    for name in ("no_bid_dollars", "no_ask_dollars", "last_price_dollars"):
        dollars(getattr(record, name), name)
    bid = dollars(record.yes_bid_dollars, "yes_bid_dollars")
    ask = dollars(record.yes_ask_dollars, "yes_ask_dollars")
    try:
        bids = contracts(record.yes_bid_size_fp, "yes_bid_size_fp")
        asks = contracts(record.yes_ask_size_fp, "yes_ask_size_fp")
    except ParseError as e:
        problems.append(str(e))
        return Hint(bid=None, ask=None)
    return Hint(
        bid=bid if bids and 0 < bid < ONE_DOLLAR else None,
        ask=ask if asks and 0 < ask < ONE_DOLLAR else None,
    )


def _payout(record: _Record, status: MarketStatus | None) -> Price | None:
    """Return what YES pays; ``scalar`` is a void at a fair price.

    Raises:
        ParseError: if result and settlement value do not agree, or a result is unknown.

    """
    if not record.result or status not in _DECIDED:
        return None
    told = record.settlement_value_dollars
    value = None if told is None else dollars(told, "settlement_value_dollars")
    expected = {"yes": ONE_DOLLAR, "no": Price(0), "scalar": value}.get(record.result)
    if expected is None or (value is not None and value != expected):
        msg = plain(f"result {record.result!r} with settlement value {told!r}")
        raise ParseError(msg)
    return expected


def _ticks(ranges: tuple[_Range, ...]) -> tuple[TickBand, ...]:
    found = _known_ticks.get(ranges)
    if found is None:
        found = _bands(ranges)
        if len(_known_ticks) < _STRUCTURES_MAX:
            _known_ticks[ranges] = found
    return found


def _bands(ranges: tuple[_Range, ...]) -> tuple[TickBand, ...]:
    """Return the grid; gaps, overlaps, and steps that miss the end of their band are refused."""
    if not 0 < len(ranges) <= _BANDS_MAX:
        raise _RefusedError(Reason.BAD_TICKS, f"{len(ranges)} price ranges")
    try:
        bands = [
            (dollars(one.start, "start"), dollars(one.end, "end"), dollars(one.step, "step"))
            for one in ranges
        ]
    except ParseError as e:
        raise _RefusedError(Reason.BAD_TICKS, str(e)) from e
    bands.sort()
    border = bands[0][0]
    for start, end, step in bands:
        if start != border or end <= start or step <= 0 or (end - start) % step:
            shown = ", ".join(f"{one.start}-{one.end}/{one.step}" for one in ranges)
            raise _RefusedError(Reason.BAD_TICKS, plain(f"not a price grid: {shown}"))
        border = end
    return tuple(TickBand(*band) for band in bands)
