"""Orders as the venue wants them, and what its answers prove. Pure.

Whoever opens a position always sends an order with an expiry, also to take: a purchase that trades
at once (FOK, FAK) would be read as dollars to spend and may bring more shares than were asked for.
What of it does not trade is cancelled right away. Whoever sells to take sends FAK, which is counted
in shares and never rests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    SECOND,
    Duration,
    Micros,
    NotExactError,
    Price,
    Size,
    size,
)
from market_bot.core.domain.orders import Order, Purpose, Style
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.execution import Rejected, Unknown

from .amounts import AmountsError, Lifetime, OrderSide, amounts
from .contracts import token_number
from .gamma import Listing
from .order_replies import Placed, PlacedStatus, placed, placed_batch
from .order_signing import OrderPlan, metadata_of, milliseconds, salt_of
from .problems import (
    PROVEN,
    Kind,
    OverBudget,
    PolymarketError,
    Unreachable,
    VenueProblem,
    kind_of_words,
    plain,
)
from .wire import UnreadableRecord

SECURITY: Final = Duration(60 * SECOND)
"""The venue ends an order this long before the expiry it carries."""

AHEAD: Final = Duration(180 * SECOND)
"""How far in the future an expiry has to be; the venue's own clients demand it."""

TAKES: Final = Duration(60 * SECOND)
"""An order that trades at once and was not there after so long never comes: nobody waits longer
for a request."""

LEAST_GIVEN: Final = 1_000_000
"""What a purchase that trades at once costs at least, in base units: a dollar."""

NOT_SENT: Final = "not_sent"
_CLOCKS: Final = Duration(5 * SECOND)


class OrderShapeError(ValueError):
    """An order that cannot be said in the venue's words; nothing was sent."""


@attrs.frozen(kw_only=True)
class Shaped:
    """An order ready to be signed.

    Args:
        plan: what is signed.
        lifetime: how long it works.
        expires_s: the expiry it carries, in seconds; 0 where it has none.
        post_only: whether it may only rest.

    """

    plan: OrderPlan
    lifetime: Lifetime
    expires_s: int
    post_only: bool

    @property
    def size(self) -> Size:
        """How many shares it is about."""
        mine = self.plan.amounts
        return Size(mine.taker if self.plan.side is OrderSide.BUY else mine.maker)


def side_of(purpose: Purpose) -> OrderSide:
    """Return whether tokens are bought or sold: each leg has a token of its own."""
    return OrderSide.BUY if purpose is Purpose.ENTRY else OrderSide.SELL


def tokens_of(listing: Listing, leg: Leg) -> tuple[str, str]:
    """Return the token of a leg and that of the other one."""
    yes, no = listing.tokens
    return (yes, no) if leg is Leg.YES else (no, yes)


def lifetime_of(purpose: Purpose, style: Style) -> Lifetime:
    """Return how long an order works; see above."""
    takes_out = purpose is Purpose.EXIT and style is Style.TAKER
    return Lifetime.FAK if takes_out else Lifetime.GTD


def expiry_s(expires_at: Micros, at: Micros) -> int:
    """Return the expiry an order carries, in seconds, so that it works until it should.

    It often works longer, since the venue wants it minutes ahead; the desk cancels it in time.
    """
    wanted, least = expires_at + SECURITY, at + AHEAD + _CLOCKS
    return -(-max(wanted, least) // SECOND)


def over_by(purpose: Purpose, style: Style, expires_at: Micros, at: Micros) -> Micros:
    """Return when an order is over for certain, whatever became of it."""
    if lifetime_of(purpose, style) is Lifetime.FAK:
        return Micros(max(expires_at, at + TAKES))
    return Micros(expiry_s(expires_at, at) * SECOND + _CLOCKS)


def order_over_by(order: Order) -> Micros:
    """Return the same of an order as the journal has it."""
    return over_by(order.purpose, order.style, order.expires_at, order.created_at)


def shape(intent: Intent, at: Micros, listing: Listing) -> Shaped:
    """Return the order of an intent; at the same moment always the same.

    Raises:
        OrderShapeError: if it cannot be said.

    """
    signal = intent.draft.signal
    lifetime = lifetime_of(signal.purpose, signal.style)
    side = side_of(signal.purpose)
    try:
        whole = OrderPlan(
            exchange=listing.exchange,
            token=token_number(tokens_of(listing, signal.leg)[0]),
            side=side,
            amounts=amounts(
                side, signal.price, intent.draft.size, _tick(listing, signal.price), lifetime
            ),
            salt=salt_of(intent.id),
            created_ms=milliseconds(at),
            metadata=metadata_of(intent.id),
        )
    except AmountsError as e:
        raise OrderShapeError(str(e)) from e
    except ValueError as e:
        raise OrderShapeError(plain(str(e))) from e
    if side is OrderSide.BUY and signal.style is Style.TAKER and whole.amounts.maker < LEAST_GIVEN:
        msg = "a purchase that trades at once has to cost a dollar at least"
        raise OrderShapeError(msg)
    return Shaped(
        plan=whole,
        lifetime=lifetime,
        expires_s=expiry_s(intent.expires_at, at) if lifetime is Lifetime.GTD else 0,
        post_only=signal.style is Style.MAKER,
    )


def _tick(listing: Listing, at: Price) -> Price:
    return listing.market.tick_at(at)


@attrs.frozen
class Taken:
    """The venue took an order.

    Args:
        status: what it did with it.
        traded: shares that traded at once, None if it does not say.

    """

    status: PlacedStatus
    traded: Size | None


@attrs.frozen
class Killed:
    """The venue took an order that trades at once, and nothing of it traded."""


@attrs.frozen
class Landed:
    """The venue says that it has had exactly this order: it was there before it was asked."""


Judged = Taken | Killed | Landed | Rejected | Unknown


def judge_post(answer: bytes | PolymarketError, order: str, side: OrderSide) -> Judged:
    """Return what became of an order, from its answer or from the lack of one.

    Args:
        answer: what came back, or what went wrong.
        order: the id it was sent under.
        side: whether it buys or sells; says which amount is shares.

    """
    if isinstance(answer, PolymarketError):
        return _judge_error(answer)
    try:
        return _judge_placed(placed(answer), order, side)
    except UnreadableRecord as e:
        return Unknown(plain(str(e)))


def judge_batch(
    answer: bytes | PolymarketError, sent: Sequence[tuple[str, OrderSide]]
) -> tuple[Judged, ...]:
    """Return what became of each order of a batch, in the order in which they were sent."""
    if isinstance(answer, PolymarketError):
        return tuple(_judge_error(answer) for _ in sent)
    try:
        legs = placed_batch(answer, len(sent))
    except UnreadableRecord as e:
        return tuple(Unknown(plain(str(e))) for _ in sent)
    return tuple(_judge_placed(leg, *one) for leg, one in zip(legs, sent, strict=True))


def _judge_error(error: PolymarketError) -> Judged:
    if isinstance(error, (Unreachable, OverBudget)):
        return Rejected(NOT_SENT, plain(str(error)))
    if isinstance(error, VenueProblem):
        return _judge_kind(error.kind, error.text)
    return Unknown(plain(str(error)))


def _judge_kind(kind: Kind, words: str) -> Judged:
    if kind is Kind.KILLED:
        return Killed()
    if kind is Kind.DUPLICATE:
        return Landed()
    # Whoever throttles stands before the venue: that nothing came through is likely, not proven.
    if kind in PROVEN and kind is not Kind.RATE:
        return Rejected(kind.value, words)
    return Unknown(f"{kind.value}: {words}" if words else kind.value)


def _judge_placed(told: Placed, order: str, side: OrderSide) -> Judged:
    if told.error:
        # A leg that failed is told as a success without a name.
        if told.order:
            return Unknown(plain(f"an order with an error: {told.error}"))
        return _judge_kind(kind_of_words(told.error), plain(told.error))
    if told.order.lower() != order:
        return Unknown(f"an answer about another order: {plain(told.order)}")
    shares = told.taking if side is OrderSide.BUY else told.making
    try:
        traded = size(shares) if shares else None
    except NotExactError:
        traded = None
    return Taken(told.status, traded if traded is None or traded >= 0 else None)
