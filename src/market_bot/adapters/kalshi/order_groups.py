"""Order groups: the venue's own brake, a limit on what trades within fifteen seconds.

Every order of ours is put into the group of its shard. Once more contracts have matched in a group
than its limit allows, the venue cancels all of its orders and takes no more until somebody resets
it. It is an outer net: nothing here relies on it, but nothing opens a position without it either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import msgspec

from market_bot.core.domain.numbers import NEVER, ONE_CONTRACT, SECOND, Duration, Micros, Size

from .budgets import RateClass
from .errors import KalshiError
from .orders import as_body
from .rest import KalshiRest
from .wire import decode

GROUPS: Final = "/portfolio/order_groups"
LIMIT_MAX: Final = Size(1_000_000 * ONE_CONTRACT)
_AGAIN_AFTER: Final = Duration(30 * SECOND)


class _Made(msgspec.Struct, frozen=True):
    order_group_id: str


_made = msgspec.json.Decoder(_Made)


def say_nothing(_: str) -> None:
    """Pass over a line that nobody wants to read."""


@attrs.define(eq=False)
class OrderGroups:
    """One group per shard, made when it is first needed; mutable, owned by the desk's thread.

    Args:
        rest: sends the requests.
        limit: contracts that may match within fifteen seconds; whole ones, at least one.
        complain: takes one line for people.

    """

    rest: KalshiRest
    limit: Size = attrs.field()
    complain: Callable[[str], None] = say_nothing
    _groups: dict[int, str] = attrs.field(factory=dict, init=False)
    _next: dict[int, Micros] = attrs.field(factory=dict, init=False)

    @limit.validator
    def _possible(self, _: object, value: Size) -> None:
        if not ONE_CONTRACT <= value <= LIMIT_MAX or value % ONE_CONTRACT:
            msg = f"a group's limit is a whole number from 1 to a million contracts, was {value}"
            raise ValueError(msg)

    def of(self, shard: int, at: Micros) -> str | None:
        """Return the group of a shard, None if there is none and none could be made."""
        known = self._groups.get(shard)
        if known is not None or at < self._next.get(shard, NEVER):
            return known
        self._next[shard] = Micros(at + _AGAIN_AFTER)
        request = {"contracts_limit": self.limit // ONE_CONTRACT, "exchange_index": shard}
        try:
            # A group that was made without our knowing holds no order: another one does no harm.
            answer = self.rest.change("POST", f"{GROUPS}/create", body=as_body(request))
            self._groups[shard] = decode(_made, answer.body).order_group_id
        except KalshiError as e:
            self.complain(f"no order group on shard {shard}, so no entries there: {e}")
        return self._groups.get(shard)

    def trigger(self) -> bool:
        """Cancel the orders of all groups and take no more; tell whether the venue has done it."""
        return self._put_all("trigger")

    def reset(self) -> bool:
        """Take orders again, after a person has looked; tell whether the venue has done it."""
        return self._put_all("reset")

    def _put_all(self, what: str) -> bool:
        # All of them, also after one that failed.
        done = [self._put(name, shard, what) for shard, name in self._groups.items()]
        return all(done)

    def _put(self, name: str, shard: int, what: str) -> bool:
        try:
            self.rest.change(
                "PUT",
                f"{GROUPS}/{name}/{what}",
                body=b"{}",
                params=(("exchange_index", str(shard)),),
                kind=RateClass.CANCEL,
            )
        except KalshiError as e:
            self.complain(f"order group {name}: {what} is not proven: {e}")
            return False
        return True
