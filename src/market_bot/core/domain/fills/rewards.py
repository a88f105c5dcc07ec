"""What a venue pays a paper lane besides trades: maker rebates and liquidity rewards, estimated.

Nobody pays a paper order, so these are estimates from the displayed book and our own paper fills,
and only the realistic and the optimistic fill model claim them; the pessimistic one claims none.

Polymarket, maker rebates (docs.polymarket.com, market-makers/maker-rebates; shares as of September
2026): of the taker fees collected in a market a share goes to its makers, each in proportion to
``size * rate * (p * (1 - p)) ** exponent`` of what they made. Every fee has one taker and as much
made, so a maker gets that share of the fee its own taker was charged. Paid daily from $1 on.

Polymarket, liquidity rewards (docs.polymarket.com, market-makers/liquidity-rewards; September
2026): once a minute every order of at least ``min_size`` closer than ``v`` to the midpoint of such
orders scores ``((v - s) / v) ** 2 * size``. With ``one`` and ``two`` the sums of both sides a maker
scores ``min(one, two)``, and between 0.10 and 0.90 at least ``max(one, two) / 3``; the makers of a
market share its daily amount by their scores. Paid at midnight UTC from $1 on.

Kalshi: its liquidity incentive sets target size, discount and pool per market and period, which no
market data tells, and ended as announced on 2026-09-01 (help.kalshi.com): nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from market_bot.core.domain.book import Book, Side
from market_bot.core.domain.market import FeeModel, Market, Reward
from market_bot.core.domain.numbers import (
    NO_MONEY,
    ONE_DOLLAR,
    Micros,
    Money,
    Price,
    Size,
    utc_date,
)

LIQUIDITY: Final = "liquidity_reward"
REBATE: Final = "maker_rebate"
"""The two kinds of payments, as the journal calls them."""

PAID_FROM: Final = Money(10**12)
"""A day's rewards, and a day's rebates, are paid from one dollar on."""

SAMPLES_PER_DAY: Final = 24 * 60
_ONE_SIDED: Final = 3
_LOWEST: Final = Price(100_000)
_HIGHEST: Final = Price(ONE_DOLLAR - _LOWEST)
# Payments move in whole millionths of a dollar.
_PAYMENT_GRID: Final = 10**6

_MILLIONTHS: Final = 10**6
_LEAST_SHARE: Final = 150_000
_COMMON_SHARE: Final = 250_000
_SHARES: Final[Mapping[str, int]] = {
    "crypto": 200_000,
    "sports": _LEAST_SHARE,
    **dict.fromkeys(
        (
            "culture",
            "economics",
            "finance",
            "general",
            "mentions",
            "other",
            "politics",
            "tech",
            "weather",
        ),
        _COMMON_SHARE,
    ),
}


@attrs.frozen(kw_only=True)
class Quoted:
    """An order of ours that rests: the side and price of the YES book, and what is left of it."""

    side: Side
    price: Price
    size: Size


@attrs.frozen(kw_only=True)
class Payment:
    """What a venue pays for one market and day; ``name`` is its own."""

    name: str
    kind: str
    market: str
    amount: Money


def rebate_share(market: Market) -> int:
    """Return the share (1e-6) of taker fees that the makers of a market get back.

    The published share of its category; where the category is not known, the least of all.
    """
    if market.fees.model is not FeeModel.POLYMARKET_CURVE:
        return 0
    words = market.category.casefold().replace("-", " ").split()
    return _SHARES.get(words[0] if words else "", _LEAST_SHARE)


def rebate(market: Market, price: Price, size: Size) -> Money:
    """Return the rebate for what was made at a price (of either leg), in dollars (1e-12).

    Rounded down, and before the least amount that is paid.
    """
    share, fees = rebate_share(market), market.fees
    if share <= 0 or fees.taker_rate <= 0 or size <= 0 or not 0 < price < ONE_DOLLAR:
        return NO_MONEY
    exact = fees.taker_rate * size * (price * (ONE_DOLLAR - price)) ** fees.exponent * share
    # 1e-12 for rate and size is a Money already; 1e-12 per power of the variance, 1e-6 for a share.
    return Money(exact // (10 ** (12 * fees.exponent) * _MILLIONTHS))


def liquidity_sample(terms: Reward, book: Book, mine: Iterable[Quoted]) -> Money:
    """Return what one minute's sample earns, in dollars (1e-12), rounded down.

    The others are taken for as strong as the displayed book allows: whoever they are, they score
    at most ``min + (max - min) / 3`` of both sides' sums together. Our own orders are not
    displayed, since they exist on paper only. Nothing is earned while the book is not whole, is
    crossed, or shows no order that qualifies on one of its sides; nor by an order of ours that
    the displayed other side has reached: at the venue it would not rest any more.
    """
    doubled = _midpoint(terms, book)
    if doubled is None:
        return NO_MONEY
    bids = [Quoted(side=Side.BID, price=p, size=s) for p, s in book.bids.items()]
    asks = [Quoted(side=Side.ASK, price=p, size=s) for p, s in book.asks.items()]
    own = [order for order in mine if _rests(book, order)]
    ours = _score(terms, doubled, own)
    if ours <= 0:
        return NO_MONEY
    others = _together(terms, doubled, [*bids, *asks])
    return Money(terms.daily * ours // ((ours + others) * SAMPLES_PER_DAY))


def _midpoint(terms: Reward, book: Book) -> int | None:
    """Return twice the midpoint of the best levels that are large enough, or None without both."""
    if not book.whole or book.crossed:
        return None
    bid = max((p for p, size in book.bids.items() if size >= terms.min_size), default=None)
    ask = min((p for p, size in book.asks.items() if size >= terms.min_size), default=None)
    return None if bid is None or ask is None else bid + ask


def _rests(book: Book, order: Quoted) -> bool:
    """Tell whether an order could rest in front of what is displayed."""
    if order.side is Side.BID:
        return book.best_ask is None or order.price < book.best_ask
    return book.best_bid is None or order.price > book.best_bid


def _sides(terms: Reward, doubled: int, orders: Iterable[Quoted]) -> tuple[int, int]:
    """Return the sums of both sides; the common ``v ** 2`` is left out, it falls out of shares."""
    sums = {Side.BID: 0, Side.ASK: 0}
    for order in orders:
        room = 2 * terms.max_spread - abs(2 * order.price - doubled)
        if room > 0:
            sums[order.side] += room * room * order.size
    return sums[Side.BID], sums[Side.ASK]


def _score(terms: Reward, doubled: int, orders: Iterable[Quoted]) -> int:
    """Return three times the score of one maker, whose orders must each be large enough."""
    large = [order for order in orders if order.size >= terms.min_size]
    sides = _sides(terms, doubled, large)
    both = _ONE_SIDED * min(sides)
    return max(both, *sides) if _one_side_counts(doubled) else both


def _together(terms: Reward, doubled: int, orders: Iterable[Quoted]) -> int:
    """Return three times the most that any number of makers can score with all of these orders."""
    sides = _sides(terms, doubled, orders)
    low, high = min(sides), max(sides)
    return _ONE_SIDED * low + (high - low if _one_side_counts(doubled) else 0)


def _one_side_counts(doubled: int) -> bool:
    return 2 * _LOWEST <= doubled <= 2 * _HIGHEST


@attrs.define(eq=False)
class RewardBook:
    """What was earned since the last payment, by kind and market; in memory only.

    A day's earnings are paid at the first look on another UTC day, each market apart. What is
    less than the least amount that is paid is lost, as at the venue.
    """

    day: str = ""
    _earned: dict[tuple[str, str], int] = attrs.field(factory=dict, init=False)

    def earn(self, kind: str, market: str, amount: Money) -> None:
        """Note what was earned."""
        if amount > 0:
            self._earned[kind, market] = self._earned.get((kind, market), 0) + amount

    def close_day(self, at: Micros) -> list[Payment]:
        """Return what is paid for the day before, if another one has begun."""
        date, day = utc_date(at), self.day
        if date <= day:
            return []
        earned, self._earned, self.day = self._earned, {}, date
        totals: dict[str, int] = {}
        for (kind, _), amount in earned.items():
            totals[kind] = totals.get(kind, 0) + amount
        payments = [
            Payment(
                name=f"{kind}-{day}-{market}",
                kind=kind,
                market=market,
                amount=Money(amount - amount % _PAYMENT_GRID),
            )
            for (kind, market), amount in sorted(earned.items())
            if totals[kind] >= PAID_FROM
        ]
        return [payment for payment in payments if payment.amount > 0]
