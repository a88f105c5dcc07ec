"""What is ours at the venue, as values: orders, trades with their legs, balances.

The venue tells the same trade again for every step of its settlement; only `TradeStatus.CONFIRMED`
and `TradeStatus.FAILED` are final.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain.numbers import Micros, Price, Size
from market_bot.core.ports.account import Standing

from .amounts import OrderSide


class TradeStatus(Enum):
    """How far the settlement of a trade is."""

    MATCHED = "MATCHED"
    RETRYING = "RETRYING"
    MINED = "MINED"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"

    # Part of many keys; the members are alone in their value.
    __hash__ = object.__hash__

    @property
    def final(self) -> bool:
        """Whether nothing changes any more."""
        return self in (TradeStatus.CONFIRMED, TradeStatus.FAILED)

    @property
    def on_chain(self) -> bool:
        """Whether tokens and money have moved."""
        return self in (TradeStatus.MINED, TradeStatus.CONFIRMED)


WORDS: Final[Mapping[str, TradeStatus]] = {
    **{status.value: status for status in TradeStatus},
    "MATCHED_NOT_BROADCASTED": TradeStatus.MATCHED,
}
"""The venue's words, without their prefix."""


@attrs.frozen(kw_only=True)
class OwnOrder:
    """An order of the account.

    Args:
        order: its id.
        market: the condition id.
        token: what is bought or sold.
        side: buy or sell.
        size: shares it was about; None where it is not told, as of orders that were killed.
        matched: shares that have traded of it, those that failed to settle included; None as above.
        standing: what has become of it.
        reason: the venue's word for that.
        outcome: what the token is called.

    """

    order: str
    market: str
    token: str
    side: OrderSide
    size: Size | None
    matched: Size | None
    standing: Standing
    reason: str = ""
    outcome: str = ""


@attrs.frozen(kw_only=True)
class TradeLeg:
    """A resting order's part of a trade, in the terms of its own token; ``side`` None: not told."""

    order: str
    owner: str
    token: str
    side: OrderSide | None
    price: Price
    size: Size


@attrs.frozen(kw_only=True)
class OwnTrade:
    """A trade in which we took or made, in the taker's terms.

    ``taker_is_us`` is what the venue says about that, None if it does not.
    """

    trade: str
    status: TradeStatus
    market: str
    taker_order: str
    token: str
    side: OrderSide
    price: Price
    size: Size
    legs: tuple[TradeLeg, ...]
    at: Micros
    taker_is_us: bool | None = None


@attrs.frozen(kw_only=True)
class Balance:
    """What the order book believes a wallet has, and what others may move of it (base units)."""

    amount: int
    allowances: Mapping[str, int]
