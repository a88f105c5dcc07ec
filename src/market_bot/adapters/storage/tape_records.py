"""The lines of tape format 1: one header object, then one array per record.

Prices and sizes are integers in 1e-6, times are microseconds since 1970: the core's own units, so
that nothing is converted on the way. See docs/reference/tape.md.
"""

from __future__ import annotations

from typing import Annotated, Final, final

import msgspec
from msgspec import Meta, Struct

from market_bot.core.domain.book import Side
from market_bot.core.domain.market import (
    Condition,
    FeeModel,
    FeeSchedule,
    Market,
    MarketStatus,
    Reward,
    TickBand,
)
from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    Micros,
    Money,
    Price,
    Size,
    format_money,
    money,
)
from market_bot.core.ports.market_data import Capability
from market_bot.core.ports.tape import TapeError, TapeHeader

FORMAT: Final = 1
UNITS: Final = {"price": "1e-6", "size": "1e-6", "time": "us"}
# 9998-12-31: whoever waits a year from there is still on the calendar that we can print.
LAST_MICROS: Final = 253_370_764_799_999_999

Index = Annotated[int, Meta(ge=0)]
Moment = Annotated[Micros, Meta(ge=0, le=LAST_MICROS)]
YesPrice = Annotated[Price, Meta(ge=0, le=ONE_DOLLAR)]
Amount = Annotated[Size, Meta(ge=0)]
PositiveAmount = Annotated[Size, Meta(gt=0)]
DecimalText = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
Name = Annotated[str, Meta(min_length=1)]


class Band(Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """A tick band: prices from ``start`` to ``end`` in steps of ``step``."""

    start: YesPrice
    end: YesPrice
    step: Annotated[Price, Meta(gt=0)]


class Fees(Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """A fee schedule; rates in 1e-6."""

    model: FeeModel
    taker_rate: int
    maker_rate: int
    # A power is taken of it for every order: a tape must not make that take for ever.
    exponent: Annotated[int, Meta(ge=0, le=16)]


class RewardTerms(Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """A liquidity reward; ``daily`` is dollars as decimal text, the rest is in 1e-6."""

    daily: DecimalText
    min_size: Amount
    max_spread: Annotated[Price, Meta(ge=0)]


class Terms(Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """What else is known of a market; amounts are dollars as decimal text."""

    category: str
    at_most_one: bool
    exhaustive: bool
    volume_24h: DecimalText | None
    liquidity: DecimalText | None
    reference: str | None
    condition: Condition | None
    reward: RewardTerms | None


class _Record(Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """What all records share: a kind tag in front and the time at which we had it."""

    received: Moment


class MetaRecord(_Record, tag="meta", frozen=True):
    """A market's terms; from here on ``index`` means this market."""

    index: Index
    venue: Name
    id: Name
    event: str
    family: str
    title: str
    ticks: tuple[Band, ...]
    min_size: Amount
    size_step: PositiveAmount
    open_at: Micros | None
    close_at: Micros | None
    fees: Fees
    strike: str | None
    terms: Terms


class BookRecord(_Record, tag="book", frozen=True):
    """A whole book: (price, size) pairs, best first."""

    exchange: Moment | None
    market: Index
    bids: list[tuple[YesPrice, Amount]]
    asks: list[tuple[YesPrice, Amount]]


@final
class DeltaRecord(_Record, tag="delta", frozen=True):
    """The new absolute size at one price."""

    exchange: Moment | None
    market: Index
    side: Side
    price: YesPrice
    size: Amount


class TradeRecord(_Record, tag="trade", frozen=True):
    """A print."""

    exchange: Moment | None
    market: Index
    taker: Side
    price: YesPrice
    size: Amount


class ReferenceRecord(_Record, tag="reference", frozen=True):
    """An outside price."""

    exchange: Moment | None
    name: Name
    value: DecimalText


class StatusRecord(_Record, tag="status", frozen=True):
    """A change in a market's life; no market means the whole venue."""

    market: Index | None
    status: MarketStatus


class ResolutionRecord(_Record, tag="resolution", frozen=True):
    """What one YES contract pays."""

    market: Index
    yes_payout: YesPrice


class GapRecord(_Record, tag="gap", frozen=True):
    """Data is missing before this point; no market means all of them."""

    market: Index | None
    reason: str


class TickRecord(_Record, tag="tick", frozen=True):
    """The recording bot decided here, on everything above."""


OtherRecord = (
    MetaRecord
    | BookRecord
    | TradeRecord
    | ReferenceRecord
    | StatusRecord
    | ResolutionRecord
    | GapRecord
    | TickRecord
)
Record = DeltaRecord | OtherRecord
KINDS: Final = frozenset(
    ("meta", "book", "delta", "trade", "reference", "status", "resolution", "gap", "tick")
)


class _Header(Struct, forbid_unknown_fields=True, omit_defaults=True):
    tape: int
    venue: Name
    source: str
    capabilities: list[Capability]
    units: dict[str, str]
    ticks: bool = False


def record_of(market: Market, index: int, received: Micros) -> MetaRecord:
    """Return the record that makes ``index`` mean a market."""
    fees = market.fees
    return MetaRecord(
        received=received,
        index=index,
        venue=market.venue,
        id=market.id,
        event=market.event,
        family=market.family,
        title=market.title,
        ticks=tuple(Band(band.start, band.end, band.step) for band in market.ticks),
        min_size=market.min_size,
        size_step=market.size_step,
        open_at=market.open_at,
        close_at=market.close_at,
        fees=Fees(fees.model, fees.taker_rate, fees.maker_rate, fees.exponent),
        strike=market.strike,
        terms=_terms_of(market),
    )


def _terms_of(market: Market) -> Terms:
    reward = market.reward
    return Terms(
        category=market.category,
        at_most_one=market.at_most_one,
        exhaustive=market.exhaustive,
        volume_24h=_text(market.volume_24h),
        liquidity=_text(market.liquidity),
        reference=market.reference,
        condition=market.condition,
        reward=None
        if reward is None
        else RewardTerms(format_money(reward.daily), reward.min_size, reward.max_spread),
    )


def _text(amount: Money | None) -> str | None:
    return None if amount is None else format_money(amount)


def _amount(text: str | None) -> Money | None:
    return None if text is None else money(text)


def market_of(record: MetaRecord) -> Market:
    """Return the market a record describes."""
    fees, terms, reward = record.fees, record.terms, record.terms.reward
    return Market(
        venue=record.venue,
        id=record.id,
        event=record.event,
        family=record.family,
        title=record.title,
        ticks=tuple(TickBand(band.start, band.end, band.step) for band in record.ticks),
        min_size=record.min_size,
        size_step=record.size_step,
        open_at=record.open_at,
        close_at=record.close_at,
        fees=FeeSchedule(fees.model, fees.taker_rate, fees.maker_rate, fees.exponent),
        strike=record.strike,
        reference=terms.reference,
        condition=terms.condition,
        category=terms.category,
        at_most_one=terms.at_most_one,
        exhaustive=terms.exhaustive,
        volume_24h=_amount(terms.volume_24h),
        liquidity=_amount(terms.liquidity),
        reward=None
        if reward is None
        else Reward(
            daily=money(reward.daily),
            min_size=reward.min_size,
            max_spread=reward.max_spread,
        ),
    )


def header_line(header: TapeHeader) -> bytes:
    """Return a header as its line, without the newline; the same header gives the same bytes."""
    return msgspec.json.encode(
        _Header(
            tape=FORMAT,
            venue=header.venue,
            source=header.source,
            capabilities=sorted(header.capabilities, key=lambda known: known.value),
            units=dict(UNITS),
            ticks=header.ticks,
        ),
    )


def parse_header(line: bytes, name: str) -> TapeHeader:
    """Return the header a line holds.

    Args:
        line: the tape's first line.
        name: the file, for the message.

    Raises:
        TapeError: if it is no header of format 1.

    """
    try:
        loose = msgspec.json.decode(line)
    except ValueError as e:
        msg = f"{name}: header: not JSON ({e}): is this a tape?"
        raise TapeError(msg) from e
    if not isinstance(loose, dict) or "tape" not in loose:
        msg = (
            f'{name}: header: the first line is not {{"tape":1,…}}: is this a tape? import it first'
        )
        raise TapeError(msg)
    version = loose["tape"]
    if version != FORMAT or isinstance(version, bool):
        msg = (
            f"{name}: header: tape format {version!r}, this market-bot reads format {FORMAT}: "
            "import the data again or use the market-bot that wrote it"
        )
        raise TapeError(msg)
    return _checked_header(loose, name)


def _checked_header(loose: dict[str, object], name: str) -> TapeHeader:
    try:
        header = msgspec.convert(loose, _Header)
    except msgspec.ValidationError as e:
        msg = f"{name}: header: {e}: import the data again"
        raise TapeError(msg) from e
    if header.units != UNITS:
        msg = f"{name}: header: units {header.units}, only {UNITS} are known: import the data again"
        raise TapeError(msg)
    return TapeHeader(
        venue=header.venue,
        source=header.source,
        capabilities=frozenset(header.capabilities),
        ticks=header.ticks,
    )
