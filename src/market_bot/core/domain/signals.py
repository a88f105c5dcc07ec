"""From a wish to an order: Signal → Draft → Intent, or Denied with every refusing gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    CERTAIN,
    HOUR,
    NO_MONEY,
    NOTHING,
    ONE_CONTRACT,
    ONE_DOLLAR,
    Duration,
    Micros,
    Money,
    Price,
    Probability,
    Size,
)
from market_bot.core.domain.orders import Purpose, Style

# Looking a member up in its Enum is slow enough to be seen.
_EXIT: Final = Purpose.EXIT


@attrs.frozen(kw_only=True)
class Signal:
    """A strategy's wish to buy or sell one leg of one market, with its reasons.

    Args:
        market: the market's id.
        leg: the leg to buy (entry) or to sell (exit).
        purpose: entry opens or adds, exit reduces.
        style: whether the order should rest or take.
        price: limit price in the leg's own dollars, on the market's grid.
        belief: the strategy's probability that the *leg* pays a dollar.
        edge: belief minus price minus modelled cost, in dollars per contract; may be negative.
        cost: modelled fees and slippage, in dollars per contract.
        patience: how long an unfilled order may live.
        reason: a short code for people and statistics, never free text from a venue.
        size: wanted size in contracts; None leaves it to sizing. Exits are capped by the position.
        group: a name for entries of one event that make sense only together: if anything of ours
            refuses one of them, none is sent. Empty for an entry that stands alone.

    """

    market: str
    leg: Leg
    purpose: Purpose
    style: Style
    price: Price
    belief: Probability
    edge: Price
    cost: Price
    patience: Duration
    reason: str
    size: Size | None = None
    group: str = ""


@attrs.frozen(kw_only=True)
class Withdraw:
    """A strategy's wish to cancel its own resting orders of one market, leg and purpose."""

    market: str
    leg: Leg
    purpose: Purpose


Wanted = Signal | Withdraw

_PATIENCE_MAX: Final = Duration(366 * 24 * HOUR)
_REASON_MAX: Final = 200
_FAR: Final = 1_000 * ONE_DOLLAR
_WHOLE: Final = {int}
_SIZE_MAX: Final = 10**12 * ONE_CONTRACT


def check_wanted(wish: Wanted) -> None:
    """Refuse what only looks like a wish: strategies come from outside, and nobody checks types.

    Raises:
        TypeError: if it is none, or a number in it is a float, a bool or nothing.
        ValueError: if a number is impossible, or the reason is no text that can be written down.

    """
    if (
        type(wish.market) is not str
        or type(wish.leg) is not Leg
        or type(wish.purpose) is not Purpose
    ):
        msg = "a wish without a market, a leg or a purpose"
        raise TypeError(msg)
    if isinstance(wish, Signal):
        _check_types(wish)
        _check_sane(wish)


def check_groups(wishes: Sequence[Wanted]) -> None:
    """Refuse a group that names a leg twice: only one of the two could be followed.

    Raises:
        ValueError: if there is one.

    """
    keys = [(wish.market, wish.leg) for wish in wishes if group_of(wish)]
    if len(set(keys)) < len(keys):
        msg = "a leg of a group that is wanted twice"
        raise ValueError(msg)


def group_of(wish: Wanted) -> str:
    """Return the group of an entry that makes sense only together with others, or nothing."""
    return wish.group if isinstance(wish, Signal) and wish.purpose is not _EXIT else ""


def _check_types(wish: Signal) -> None:
    size = NOTHING if wish.size is None else wish.size
    numbers = (wish.price, wish.belief, wish.edge, wish.cost, wish.patience, size)
    if set(map(type, numbers)) != _WHOLE:
        msg = "a number that is not whole in its unit"
        raise TypeError(msg)
    if type(wish.style) is not Style or {type(wish.reason), type(wish.group)} != {str}:
        msg = "a signal without a style, or with a reason or a group that is no text"
        raise TypeError(msg)


def _check_sane(wish: Signal) -> None:
    if not 0 <= wish.belief <= CERTAIN or max(map(abs, (wish.price, wish.edge, wish.cost))) > _FAR:
        msg = "a belief outside [0, 1], or a price, edge or cost beyond all measure"
        raise ValueError(msg)
    if not 0 <= wish.patience <= _PATIENCE_MAX or abs(wish.size or 0) > _SIZE_MAX:
        msg = "a patience outside [0, 366 days], or a size beyond all measure"
        raise ValueError(msg)
    if max(len(wish.reason.encode()), len(wish.group.encode())) > _REASON_MAX:
        msg = f"a reason or a group of more than {_REASON_MAX} bytes"
        raise ValueError(msg)


@attrs.frozen
class Quote:
    """The book a draft was made from, in the leg's own dollars; None where nobody quotes.

    ``age`` is the time since the book last changed, None if it cannot be told.
    """

    bid: Price | None = None
    ask: Price | None = None
    age: Duration | None = None


UNKNOWN_QUOTE: Final = Quote()


@attrs.frozen(kw_only=True)
class Draft:
    """A signal after sizing: what would be sent if risk agrees."""

    strategy: str
    signal_id: str
    signal: Signal
    event: str
    family: str
    size: Size
    fee_bound: Money
    quote: Quote = UNKNOWN_QUOTE

    @property
    def worst_cost(self) -> Money:
        """The most this draft can cost: all of it at the limit, plus the fee bound; 0 for exits."""
        signal = self.signal
        if signal.purpose is _EXIT:
            return NO_MONEY
        return Money(signal.price * self.size + self.fee_bound)


@attrs.frozen
class Gate:
    """One refusal: which rule, its limit, and the value that broke it (decimal strings)."""

    name: str
    limit: str
    value: str
    hard: bool


@attrs.frozen(kw_only=True)
class Intent:
    """A draft that passed risk: what will be sent, once, under one id."""

    id: str
    draft: Draft
    expires_at: Micros
    reduce_only: bool
