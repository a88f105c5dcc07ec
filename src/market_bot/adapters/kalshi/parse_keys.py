"""What the venue tells about the keys of an account: what each may do, and from where."""

from __future__ import annotations

from typing import Annotated

import attrs
import msgspec

from market_bot.core.domain.numbers import SECOND, Micros

from .wire import decode

_KEYS_MAX = 1000
_Seconds = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]


@attrs.frozen(kw_only=True)
class KeyTerms:
    """What a key may do.

    Args:
        scopes: the venue's words, such as ``read`` and ``write::trade``.
        attested_until: until when the account's place is attested; None if it never was.

    """

    scopes: frozenset[str]
    attested_until: Micros | None

    @property
    def may_trade(self) -> bool:
        """Whether orders may be sent with it."""
        return not self.scopes.isdisjoint({"write", "write::trade"})

    @property
    def may_read(self) -> bool:
        """Whether orders, fills and positions may be read with it."""
        return "read" in self.scopes

    @property
    def may_move_money(self) -> bool:
        """Whether more can be done with it than a bot needs: money can leave the account."""
        return not self.scopes.isdisjoint({"write", "write::transfer"})


class _Key(msgspec.Struct, frozen=True):
    api_key_id: str
    scopes: tuple[str, ...]


class _Keys(msgspec.Struct, frozen=True):
    api_keys: Annotated[tuple[_Key, ...], msgspec.Meta(max_length=_KEYS_MAX)]
    api_key_region_expiration_ts: _Seconds | None = None


_keys = msgspec.json.Decoder(_Keys)


def parse_key_terms(body: bytes, key_id: str) -> KeyTerms | None:
    """Return what is told of one key in an answer of ``/api_keys``, None if it is not in it.

    Raises:
        ParseError: if it is not such an answer.

    """
    told = decode(_keys, body)
    known = next((key for key in told.api_keys if key.api_key_id == key_id), None)
    until = told.api_key_region_expiration_ts
    if known is None:
        return None
    return KeyTerms(
        scopes=frozenset(known.scopes),
        attested_until=None if until is None else Micros(until * SECOND),
    )
