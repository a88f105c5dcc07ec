"""Pages of Gamma, the venue's catalogue, as markets with their ids, terms, fees and rewards.

Pure: bytes in, values out. A record that cannot be used becomes a `Refused` with its reason and
never spoils its page; a page that is none raises `UnreadableRecord`, and nothing else is raised.

What is claimed of an event is only what is proven. Markets of one negative-risk group end YES at
most once. That one of them must is claimed only where the group has its catch-all, cannot be
extended, and every market of it is either open or has provably ended NO. In an *augmented* group
outcomes are taken out of the catch-all later, so nothing of the kind is claimed; its placeholders
and its catch-all are refused, as the venue's own page on negative risk advises.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final

import attrs
import msgspec

from market_bot.core.domain.market import (
    FeeSchedule,
    Market,
    MarketStatus,
    Reward,
    TickBand,
)
from market_bot.core.domain.numbers import (
    NO_MONEY,
    ONE_DOLLAR,
    Micros,
    Money,
    NotExactError,
    Price,
    parse_scaled,
    size,
    utc_date,
)

from .amounts import TICKS
from .contracts import Exchange, exchange_of, is_position_id, token_number
from .gamma_records import SIZE_STEP, VENUE, fees
from .wire import (
    ABSENT,
    DECODING,
    UnreadableRecord,
    decimal_of,
    moment_of,
    raw_size,
    shown,
    text_of,
    texts_of,
    whole_of,
)

RECORDS_MAX: Final = 1_000
MARKETS_PER_EVENT_MAX: Final = 2_000

_CONDITION: Final = re.compile(r"0x[0-9a-fA-F]{62,64}")
# "Person A", "Company BC": named only when somebody turns up for it.
_PLACEHOLDER: Final = re.compile(r"[A-Za-z]+ [A-Z]{1,2}")
_YES: Final = "yes"
_BINARY: Final = 2
_OUTCOMES_MAX: Final = 64
_DECIDED: Final = frozenset({"resolved", "settled"})
_RESOLUTION_STATUSES: Final = frozenset({"", "requested", "proposed", "disputed", *_DECIDED})
_V1: Final = "v1"
_V2: Final = "v2"
_PAYOUTS: Final[Mapping[tuple[str, ...], int]] = {
    ("1", "0"): 1_000_000,
    ("0", "1"): 0,
    ("0.5", "0.5"): 500_000,
}
_SCHEDULES_MAX: Final = 1_000
_schedules: dict[tuple[bytes, bool | None], FeeSchedule] = {}
_ticks: dict[bytes, tuple[TickBand]] = {}
_RATE_MAX: Final = 1_000_000
_EXPONENT_MAX: Final = 8
_REWARDS_MAX: Final = 64
_CURSOR_MAX: Final = 4_096
_DELAY_MAX_S: Final = 3_600


class Unsuitable(Enum):
    """Why a market is not traded."""

    MALFORMED = "malformed"
    NO_CONDITION = "no_condition"
    NO_TOKENS = "no_tokens"
    NOT_BINARY = "not_binary"
    UNKNOWN_VERSION = "unknown_version"
    NO_ORDER_BOOK = "no_order_book"
    UNKNOWN_TICK = "unknown_tick"
    NO_MIN_SIZE = "no_min_size"
    UNKNOWN_FEES = "unknown_fees"
    PLACEHOLDER = "placeholder"
    CLOSED = "closed"
    NOT_ACTIVE = "not_active"
    NOT_ACCEPTING = "not_accepting"

    # Part of many keys; the members are alone in their value.
    __hash__ = object.__hash__


@attrs.frozen
class Refused:
    """A market that is not traded, and why."""

    id: str
    slug: str
    reason: Unsuitable
    detail: str = ""


@attrs.frozen(kw_only=True)
class Listing:
    """A market with what only this venue knows of it; YES is the first token.

    Args:
        market: what the bot trades.
        slug: the market's own short name.
        tokens: token ids of YES and NO.
        outcomes: what YES and NO are called.
        exchange: the contract that trades it.
        status: where it is in its life.
        delay_s: how long the venue holds back orders that take.
        neg_risk_id: the group it belongs to, empty if it belongs to none.
        catch_all: whether it is the "other" of its group.
        yes_payout: what one YES paid, once it is decided.

    """

    market: Market
    slug: str
    tokens: tuple[str, str]
    outcomes: tuple[str, str]
    exchange: Exchange
    status: MarketStatus
    delay_s: int = 0
    neg_risk_id: str = ""
    catch_all: bool = False
    yes_payout: Price | None = None

    @property
    def unsuitable(self) -> Unsuitable | None:
        """Why it cannot be traded now; None if it can."""
        return _NOT_OPEN.get(self.status)


_NOT_OPEN: Final = {
    MarketStatus.UNOPENED: Unsuitable.NOT_ACTIVE,
    MarketStatus.PAUSED: Unsuitable.NOT_ACCEPTING,
    MarketStatus.CLOSED: Unsuitable.CLOSED,
    MarketStatus.DETERMINED: Unsuitable.CLOSED,
    MarketStatus.SETTLED: Unsuitable.CLOSED,
}


@attrs.frozen(kw_only=True)
class Page:
    """What a page held.

    Args:
        listings: markets that are understood, open or not.
        refused: the others.
        next_cursor: for the next page; empty where this is the last.
        records: how many markets the page told of: listings and refused together.
        odd: values that are not in the venue's documents, counted; they were taken as they are.

    """

    listings: tuple[Listing, ...]
    refused: tuple[Refused, ...]
    next_cursor: str = ""
    records: int = 0
    odd: Mapping[str, int] = attrs.field(factory=dict)


class _Record(msgspec.Struct, rename="camel", gc=False):
    """A market as Gamma tells it; any key may be absent."""

    condition_id: str | None = None
    slug: str | None = None
    question: str | None = None
    group_item_title: str | None = None
    category: str | None = None
    version: str | None = None
    fee_type: str | None = None
    uma_resolution_status: str | None = None
    neg_risk_market_id: str | None = msgspec.field(name="negRiskMarketID", default=None)
    active: bool | None = None
    closed: bool | None = None
    archived: bool | None = None
    accepting_orders: bool | None = None
    enable_order_book: bool | None = None
    neg_risk: bool | None = None
    neg_risk_other: bool | None = None
    fees_enabled: bool | None = None
    automatically_resolved: bool | None = None
    outcomes: msgspec.Raw = ABSENT
    outcome_prices: msgspec.Raw = ABSENT
    clob_token_ids: msgspec.Raw = ABSENT
    position_ids: msgspec.Raw = ABSENT
    order_price_min_tick_size: msgspec.Raw = ABSENT
    order_min_size: msgspec.Raw = ABSENT
    accepting_orders_timestamp: msgspec.Raw = ABSENT
    start_date: msgspec.Raw = ABSENT
    end_date: msgspec.Raw = ABSENT
    volume24hr: msgspec.Raw = ABSENT
    liquidity_num: msgspec.Raw = ABSENT
    rewards_min_size: msgspec.Raw = ABSENT
    rewards_max_spread: msgspec.Raw = ABSENT
    clob_rewards: msgspec.Raw = ABSENT
    fee_schedule: msgspec.Raw = ABSENT
    seconds_delay: msgspec.Raw = ABSENT
    events: msgspec.Raw = ABSENT


class _Series(msgspec.Struct, gc=False):
    slug: str | None = None


class _Event(msgspec.Struct, rename="camel", gc=False):
    """The group a market stands in."""

    slug: str | None = None
    category: str | None = None
    series_slug: str | None = None
    neg_risk: bool | None = None
    neg_risk_augmented: bool | None = None
    neg_risk_market_id: str | None = msgspec.field(name="negRiskMarketID", default=None)
    end_date: msgspec.Raw = ABSENT
    series: list[_Series] | None = None
    markets: list[msgspec.Raw] | None = None


class _Reward(msgspec.Struct, rename="camel", gc=False):
    rewards_daily_rate: msgspec.Raw = ABSENT
    start_date: str | None = None
    end_date: str | None = None


class _Fees(msgspec.Struct, rename="camel", gc=False):
    rate: msgspec.Raw = ABSENT
    exponent: msgspec.Raw = ABSENT
    taker_only: bool | None = None


class _RawPage(msgspec.Struct):
    events: list[msgspec.Raw] | None = None
    markets: list[msgspec.Raw] | None = None
    next_cursor: str | None = None


_raw_page: Final = msgspec.json.Decoder(_RawPage)
_raw_list: Final = msgspec.json.Decoder(list[msgspec.Raw])
_record: Final = msgspec.json.Decoder(_Record)
_event: Final = msgspec.json.Decoder(_Event)
_rewards: Final = msgspec.json.Decoder(list[_Reward] | None)
_fees: Final = msgspec.json.Decoder(_Fees | None)
_NO_EVENT: Final = _Event()


def events_page(body: bytes, now: Micros) -> Page:
    """Return the markets of a page of events, or of one event.

    Args:
        body: the answer.
        now: decides which rewards are being paid.

    Raises:
        UnreadableRecord: if it is no such page.

    """
    page = _Reading(now)
    cursor, events, markets = _taken_apart(body)
    if events is None and markets is not None:
        events = [msgspec.Raw(body)]
    for raw in _bounded(events, "events"):
        page.event(raw)
    return page.done(cursor)


def markets_page(body: bytes, now: Micros) -> Page:
    """Return the markets of a page of markets, each of which brings its event.

    The other markets of the event are not told, so nothing is claimed to be exhaustive.

    Args:
        body: the answer.
        now: decides which rewards are being paid.

    Raises:
        UnreadableRecord: if it is no such page.

    """
    page = _Reading(now)
    cursor, listed, markets = _taken_apart(body)
    for raw in _bounded(listed if markets is None else markets, "markets"):
        page.lone_market(raw)
    return page.done(cursor)


def _taken_apart(
    body: bytes,
) -> tuple[str, list[msgspec.Raw] | None, list[msgspec.Raw] | None]:
    """Return cursor, events (or a bare list) and markets of an answer."""
    try:
        if body.lstrip()[:1] == b"[":
            return "", _raw_list.decode(body), None
        page = _raw_page.decode(body)
    except DECODING as e:
        msg = f"not a page of Gamma: {shown(body)} ({e})"
        raise UnreadableRecord(msg) from e
    cursor = page.next_cursor or ""
    if len(cursor) > _CURSOR_MAX:
        msg = f"a cursor of {len(cursor)} characters"
        raise UnreadableRecord(msg)
    return cursor, page.events, page.markets


def _bounded(records: list[msgspec.Raw] | None, name: str) -> list[msgspec.Raw]:
    if records is None:
        msg = f"not a page of Gamma: no {name} in it"
        raise UnreadableRecord(msg)
    if len(records) > RECORDS_MAX:
        msg = f"a page of {len(records)} {name}; at most {RECORDS_MAX} are read"
        raise UnreadableRecord(msg)
    return records


class _Reading:
    """One page while it is read."""

    def __init__(self, now: Micros) -> None:
        self._today = utc_date(now)
        self._listings: list[Listing] = []
        self._refused: list[Refused] = []
        self._odd: Counter[str] = Counter()

    def done(self, cursor: str) -> Page:
        """Return the page."""
        return Page(
            listings=tuple(self._listings),
            refused=tuple(self._refused),
            next_cursor=cursor,
            records=len(self._listings) + len(self._refused),
            odd=dict(self._odd),
        )

    def event(self, raw: msgspec.Raw) -> None:
        """Take an event with its markets."""
        try:
            event = _event.decode(raw)
        except DECODING as e:
            self._refused.append(Refused("", "", Unsuitable.MALFORMED, f"event: {e}"))
            return
        records = event.markets or []
        if len(records) > MARKETS_PER_EVENT_MAX:
            detail = f"an event of {len(records)} markets"
            self._refused.append(Refused("", event.slug or "", Unsuitable.MALFORMED, detail))
            return
        found = [self._market(record, event) for record in records]
        listings = [one for one in found if isinstance(one, Listing)]
        self._refused += [one for one in found if isinstance(one, Refused)]
        if _exhaustive(event, found):
            self._listings += [
                attrs.evolve(one, market=attrs.evolve(one.market, exhaustive=True))
                for one in listings
            ]
        else:
            self._listings += listings

    def lone_market(self, raw: msgspec.Raw) -> None:
        """Take a market that brings its event."""
        found = self._market(raw, None)
        if isinstance(found, Listing):
            self._listings.append(found)
        else:
            self._refused.append(found)

    def _market(self, raw: msgspec.Raw, event: _Event | None) -> Listing | Refused:
        try:
            record = _record.decode(raw)
        except DECODING as e:
            return Refused("", "", Unsuitable.MALFORMED, str(e))
        try:
            group = _own_event(record) if event is None else event
            self._note(record)
            return _listing(record, group, self._today)
        except _Unfit as e:
            return Refused(record.condition_id or "", record.slug or "", e.reason, str(e))
        except UnreadableRecord as e:
            name = record.slug or ""
            return Refused(record.condition_id or "", name, Unsuitable.MALFORMED, str(e))

    def _note(self, record: _Record) -> None:
        status = record.uma_resolution_status or ""
        if status not in _RESOLUTION_STATUSES:
            self._odd[f"umaResolutionStatus {status[:40]}"] += 1


class _Unfit(Exception):
    """A market is understood, and not traded."""

    def __init__(self, reason: Unsuitable, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason


def _own_event(record: _Record) -> _Event:
    try:
        events = _raw_list.decode(record.events) if bytes(record.events) != b"null" else []
        return _event.decode(events[0]) if events else _NO_EVENT
    except DECODING as e:
        msg = f"events: {e}"
        raise UnreadableRecord(msg) from e


def _listing(record: _Record, event: _Event, today: str) -> Listing:
    identity = record.condition_id or ""
    if not _CONDITION.fullmatch(identity):
        raise _Unfit(Unsuitable.NO_CONDITION, identity[:80])
    if record.enable_order_book is False or not text_of(record.order_price_min_tick_size):
        raise _Unfit(Unsuitable.NO_ORDER_BOOK)
    tokens, exchange = _tokens(record)
    outcomes = _outcomes(record)
    neg_risk_id = record.neg_risk_market_id or "" if record.neg_risk else ""
    catch_all = bool(record.neg_risk_other)
    if event.neg_risk_augmented and (catch_all or _is_placeholder(record)):
        raise _Unfit(Unsuitable.PLACEHOLDER, (record.group_item_title or "")[:80])
    at_most_one = bool(
        neg_risk_id
        and event.neg_risk
        and event.neg_risk_market_id == neg_risk_id
        and outcomes[0].lower() == _YES
    )
    status = _status(record)
    return Listing(
        market=_market(record, event, identity, today, at_most_one=at_most_one),
        slug=record.slug or "",
        tokens=tokens,
        outcomes=outcomes,
        exchange=exchange,
        status=status,
        delay_s=_delay(record),
        neg_risk_id=neg_risk_id,
        catch_all=catch_all,
        yes_payout=_payout(record) if status is MarketStatus.CLOSED else None,
    )


def _market(
    record: _Record, event: _Event, identity: str, today: str, *, at_most_one: bool
) -> Market:
    least = raw_size(record.order_min_size)
    if not least:
        raise _Unfit(Unsuitable.NO_MIN_SIZE)
    series = event.series[0].slug if event.series else None
    category = record.category or event.category or _fee_category(record)
    try:
        return Market(
            venue=VENUE,
            id=identity,
            event=event.slug or record.slug or identity,
            family=event.series_slug or series or category or VENUE,
            title=record.question or "",
            ticks=_bands(record),
            min_size=least,
            size_step=SIZE_STEP,
            open_at=moment_of(record.accepting_orders_timestamp) or moment_of(record.start_date),
            close_at=moment_of(record.end_date) or moment_of(event.end_date),
            fees=_fee_schedule(record),
            category=category,
            at_most_one=at_most_one,
            volume_24h=_dollars(record.volume24hr),
            liquidity=_dollars(record.liquidity_num),
            reward=_reward(record, today),
        )
    except NotExactError as e:
        raise UnreadableRecord(str(e)) from e


def _tokens(record: _Record) -> tuple[tuple[str, str], Exchange]:
    version = record.version or _V1
    if version not in (_V1, _V2):
        raise _Unfit(Unsuitable.UNKNOWN_VERSION, version[:40])
    raw = record.position_ids if version == _V2 else record.clob_token_ids
    tokens = texts_of(raw, _OUTCOMES_MAX)
    if not tokens or "" in tokens:
        raise _Unfit(Unsuitable.NO_TOKENS)
    if len(tokens) != _BINARY:
        raise _Unfit(Unsuitable.NOT_BINARY, f"{len(tokens)} tokens")
    try:
        numbers = [token_number(token) for token in tokens]
    except ValueError as e:
        raise _Unfit(Unsuitable.NO_TOKENS, str(e)) from e
    if numbers[0] == numbers[1]:
        raise _Unfit(Unsuitable.NO_TOKENS, "both tokens are the same")
    new = version == _V2
    if is_position_id(numbers[0]) is not new or is_position_id(numbers[1]) is not new:
        raise _Unfit(Unsuitable.UNKNOWN_VERSION, f"{version}, but the tokens are not")
    exchange = exchange_of(numbers[0], neg_risk=bool(record.neg_risk))
    return (tokens[0], tokens[1]), exchange


def _outcomes(record: _Record) -> tuple[str, str]:
    outcomes = texts_of(record.outcomes, _OUTCOMES_MAX)
    if len(outcomes) != _BINARY:
        raise _Unfit(Unsuitable.NOT_BINARY, f"{len(outcomes)} outcomes")
    return outcomes[0], outcomes[1]


def _bands(record: _Record) -> tuple[TickBand]:
    told = bytes(record.order_price_min_tick_size)
    known = _ticks.get(told)
    if known is None:
        known = (TickBand(Price(0), ONE_DOLLAR, _read_tick(record)),)
        if len(_ticks) < _SCHEDULES_MAX:
            _ticks[told] = known
    return known


def _read_tick(record: _Record) -> Price:
    step = decimal_of(record.order_price_min_tick_size)
    tick = None if step is None else int(step * ONE_DOLLAR)
    if step is None or tick not in TICKS or tick != step * ONE_DOLLAR:
        raise _Unfit(Unsuitable.UNKNOWN_TICK, str(step)[:40])
    return Price(tick)


def _fee_schedule(record: _Record) -> FeeSchedule:
    # A few schedules are those of all markets.
    told = (bytes(record.fee_schedule), record.fees_enabled)
    known = _schedules.get(told)
    if known is None:
        known = _read_schedule(record)
        if len(_schedules) < _SCHEDULES_MAX:
            _schedules[told] = known
    return known


def _read_schedule(record: _Record) -> FeeSchedule:
    try:
        told = _fees.decode(record.fee_schedule)
    except DECODING as e:
        raise _Unfit(Unsuitable.UNKNOWN_FEES, str(e)) from e
    fields: dict[str, object] = {"feesEnabled": record.fees_enabled}
    if told is not None:
        exponent = decimal_of(told.exponent)
        fields["feeSchedule"] = {
            "rate": decimal_of(told.rate),
            "exponent": 1 if exponent is None else exponent,
            "takerOnly": told.taker_only is not False,
        }
    try:
        schedule = fees(fields)
    except ValueError as e:
        raise _Unfit(Unsuitable.UNKNOWN_FEES, str(e)) from e
    if not (0 <= schedule.taker_rate <= _RATE_MAX and 0 <= schedule.exponent <= _EXPONENT_MAX):
        raise _Unfit(Unsuitable.UNKNOWN_FEES, str(schedule))
    return schedule


def _fee_category(record: _Record) -> str:
    """Return "crypto" for "crypto_fees_v2": the only category many markets have."""
    return (record.fee_type or "").partition("_fees")[0]


def _status(record: _Record) -> MarketStatus:
    if record.closed or record.archived:
        return MarketStatus.CLOSED
    if not record.active:
        return MarketStatus.UNOPENED
    return MarketStatus.OPEN if record.accepting_orders else MarketStatus.PAUSED


def _payout(record: _Record) -> Price | None:
    decided = (record.uma_resolution_status or "") in _DECIDED or record.automatically_resolved
    payout = _PAYOUTS.get(texts_of(record.outcome_prices, _OUTCOMES_MAX))
    return Price(payout) if decided and payout is not None else None


def _delay(record: _Record) -> int:
    delay = whole_of(record.seconds_delay) or 0
    if not 0 <= delay <= _DELAY_MAX_S:
        msg = f"secondsDelay: {delay}"
        raise UnreadableRecord(msg)
    return delay


def _dollars(raw: msgspec.Raw) -> Money | None:
    """Return dollars rounded down to 1e-12; the venue adds up floats."""
    value = decimal_of(raw)
    return None if value is None or value < 0 else Money(int(value.scaleb(12)))


def _reward(record: _Record, today: str) -> Reward | None:
    if bytes(record.clob_rewards) == b"null":
        return None
    try:
        told = _rewards.decode(record.clob_rewards) or []
    except DECODING as e:
        msg = f"clobRewards: {e}"
        raise UnreadableRecord(msg) from e
    daily = sum(
        _dollars(one.rewards_daily_rate) or NO_MONEY
        for one in told[:_REWARDS_MAX]
        if (one.start_date or "") <= today <= (one.end_date or "9999")
    )
    least, spread = decimal_of(record.rewards_min_size), decimal_of(record.rewards_max_spread)
    if not daily or least is None or spread is None or spread <= 0:
        return None
    # The spread is told in cents.
    widest = Price(parse_scaled(spread, 4))
    return Reward(daily=Money(daily), min_size=size(least), max_spread=widest)


def _is_placeholder(record: _Record) -> bool:
    return bool(_PLACEHOLDER.fullmatch((record.group_item_title or "").strip()))


def _exhaustive(event: _Event, found: Sequence[Listing | Refused]) -> bool:
    """Tell whether it is proven that one of the event's open markets must end YES."""
    listings = [one for one in found if isinstance(one, Listing)]
    whole = (
        event.neg_risk is True
        and event.neg_risk_augmented is False
        and len(listings) == len(found)
        and any(one.catch_all for one in listings)
        and all(one.market.at_most_one for one in listings)
    )
    return whole and all(one.status is MarketStatus.OPEN or one.yes_payout == 0 for one in listings)
