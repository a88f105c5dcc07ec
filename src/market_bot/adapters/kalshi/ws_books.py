"""Kalshi books in YES space: signed changes folded into absolute sizes.

The venue keeps two lists of bids. A bid for NO at q is an offer of YES at 1 - q, so the yes side
becomes our bids and the no side our asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.numbers import (
    ONE_DOLLAR,
    NotExactError,
    Price,
    Size,
    complement,
    price,
    size,
)

from .ws_messages import DeltaBody, MessageError, SnapshotBody

_CACHE_LIMIT: Final = 200_000
# Looking a member up in its Enum is slow enough to be seen.
_BID: Final = Side.BID
_ASK: Final = Side.ASK


class NegativeSizeError(MessageError):
    """A change takes away more than was there: something before it is missing."""


class _Parsed(dict[str, int]):
    """Decimal texts and their integers; the same few thousand texts come again and again."""

    def __init__(self, parse: Callable[[str], int]) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, text: str) -> int:
        try:
            value = self._parse(text)
        except NotExactError as e:
            raise MessageError(str(e)) from e
        if len(self) < _CACHE_LIMIT:
            self[text] = value
        return value


def _inside(text: str) -> Price:
    value = price(text)
    if not 0 < value < ONE_DOLLAR:
        msg = f"price outside (0, 1): {text!r}"
        raise NotExactError(msg)
    return value


_as_is: Final = _Parsed(_inside)
_mirrored: Final = _Parsed(lambda text: complement(_inside(text)))
_sizes: Final = _Parsed(size)


def yes_price(text: str) -> Price:
    """Return a price between zero and one dollar, both excluded.

    Raises:
        MessageError: if it is not a number or outside.

    """
    return Price(_as_is[text])


def contracts(text: str) -> Size:
    """Return a size, which may be negative in a change.

    Raises:
        MessageError: if it is not a decimal number.

    """
    return Size(_sizes[text])


@attrs.define(eq=False)
class FoldedBook:
    """The levels of one market; whole from a snapshot until a loss.

    ``no_in_yes_prices`` is for connections subscribed with ``use_yes_price``, where the no side
    already comes in YES prices.
    """

    bids: dict[Price, Size] = attrs.field(factory=dict)
    asks: dict[Price, Size] = attrs.field(factory=dict)
    whole: bool = False
    no_in_yes_prices: bool = False

    def replace(self, body: SnapshotBody) -> None:
        """Take a snapshot: whatever was known before is gone.

        Raises:
            MessageError: if a price or size is bad; the book is then not whole.

        """
        self.whole = False
        self.bids = _levels(body.yes_dollars_fp, _as_is)
        self.asks = _levels(body.no_dollars_fp, self._ask_prices())
        self.whole = True

    def fold(self, body: DeltaBody) -> tuple[Side, Price, Size]:
        """Take a signed change; return where it was and the absolute size there now.

        Raises:
            NegativeSizeError: if more is taken than was there.
            MessageError: if a price or size is bad.

        """
        if body.side == "yes":
            side, levels, at = _BID, self.bids, _as_is[body.price_dollars]
        elif self.no_in_yes_prices:
            side, levels, at = _ASK, self.asks, _as_is[body.price_dollars]
        else:
            side, levels, at = _ASK, self.asks, _mirrored[body.price_dollars]
        after = levels.get(at, 0) + _sizes[body.delta_fp]  # type: ignore[call-overload] # a NewType around every int would cost a tenth of the time here
        if after > 0:
            levels[at] = after  # type: ignore[index] # as above
        elif after == 0:
            levels.pop(at, None)  # type: ignore[call-overload] # as above
        else:
            msg = f"{body.market_ticker}: {body.delta_fp} at {body.price_dollars} {body.side}"
            raise NegativeSizeError(msg)
        return side, at, after  # type: ignore[return-value] # as above

    def lose(self) -> None:
        """Forget everything: only a snapshot can mend the book."""
        self.bids = {}
        self.asks = {}
        self.whole = False

    def _ask_prices(self) -> Mapping[str, int]:
        return _as_is if self.no_in_yes_prices else _mirrored


def _levels(pairs: Iterable[tuple[str, str]], prices: Mapping[str, int]) -> dict[Price, Size]:
    levels: dict[Price, Size] = {}
    for at, count in pairs:
        held = contracts(count)
        if held < 0:
            msg = f"negative size in a snapshot: {count} at {at}"
            raise NegativeSizeError(msg)
        if held:
            levels[Price(prices[at])] = held
    return levels
