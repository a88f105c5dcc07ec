"""Which contract trades a market, and what a token id says about it; no library needed."""

from __future__ import annotations

from enum import Enum
from typing import Final

import attrs

CHAIN_ID: Final = 137
"""Polygon."""


class Exchange(Enum):
    """The three contracts on which orders are matched."""

    STANDARD = "standard"
    NEG_RISK = "neg_risk"
    POSITIONS = "positions"

    # Part of many keys; the members are alone in their value.
    __hash__ = object.__hash__


@attrs.frozen
class Contract:
    """An exchange's address and the version of its signing domain."""

    address: str
    version: str


# The addresses of the official SDK 0.14.0 (2026-10-21), chain 137.
CONTRACTS: Final = {
    Exchange.STANDARD: Contract("0xE111180000d2663C0091e4f400237545B87B996B", "2"),
    Exchange.NEG_RISK: Contract("0xe2222d279d744050d28e00520010520000310F59", "2"),
    Exchange.POSITIONS: Contract("0xe3333700cA9d93003F00f0F71f8515005F6c00Aa", "3"),
}

COLLATERAL: Final = "COLLATERAL"
CONDITIONAL: Final = "CONDITIONAL"
CONDITIONAL_V2: Final = "CONDITIONAL-V2"

# Position ids of protocol v2 have eight zero bytes above their last five; hashes practically never.
_POSITION_GAP: Final = ((1 << 64) - 1) << 40
_TOKEN_MAX: Final = 1 << 256


def is_position_id(token: int) -> bool:
    """Tell whether a token belongs to protocol v2."""
    return not token & _POSITION_GAP


def exchange_of(token: int, *, neg_risk: bool) -> Exchange:
    """Return the contract that trades a token."""
    if is_position_id(token):
        return Exchange.POSITIONS
    return Exchange.NEG_RISK if neg_risk else Exchange.STANDARD


def asset_kind(token: str) -> str:
    """Return what the venue calls the kind of a token when it is asked for its balance.

    Raises:
        ValueError: if it is no token.

    """
    return CONDITIONAL_V2 if is_position_id(token_number(token)) else CONDITIONAL


def token_number(text: str) -> int:
    """Return a token id as a number.

    Raises:
        ValueError: if it is not a decimal number of at most 256 bits, above zero.

    """
    # int() would also take "1_0", spaces and other scripts' digits.
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:80]) < _TOKEN_MAX:
        msg = f"not a token id: {text[:90]!r}"
        raise ValueError(msg)
    number = int(text[:80])
    if str(number) != text:
        msg = f"not a token id: {text[:90]!r}"
        raise ValueError(msg)
    return number
