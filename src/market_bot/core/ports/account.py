"""The account at a venue as the venue sees it: money, positions, orders and fills."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from enum import Enum
from typing import Protocol

import attrs

from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, Money, Price, Size
from market_bot.core.domain.orders import Style


class Standing(Enum):
    """What a venue says has become of an order."""

    RESTING = "resting"
    FILLED = "filled"
    CANCELLED = "cancelled"
    UNCLEAR = "unclear"


@attrs.frozen(kw_only=True)
class OrderThere:
    """An order the venue knows; ``intent`` is our name for it, None if it is not one of ours.

    ``filled`` is what the venue says has traded of it, fills it has not told yet included.
    """

    venue_order: str
    intent: str | None
    market: str
    leg: Leg
    size: Size
    filled: Size
    standing: Standing


@attrs.frozen(kw_only=True)
class FillThere:
    """A trade the venue knows, in the leg's own price; ``cost`` is what moved before the fee."""

    fill: str
    venue_order: str
    intent: str | None
    market: str
    leg: Leg
    price: Price
    size: Size
    cost: Money
    fee: Money
    liquidity: Style
    at: Micros
    provisional: bool = False


@attrs.frozen(kw_only=True)
class PositionThere:
    """What the venue says is held of a leg, and what it says that has cost."""

    market: str
    leg: Leg
    size: Size
    cost: Money


@attrs.frozen(kw_only=True)
class AccountPicture:
    """The account at one moment.

    Args:
        account: which account, for people; never a secret.
        at: when the venue says this was true, or when it was asked if it does not say.
        cash: what can be spent, in dollars (1e-12), all shards together.
        shards: the same per shard, where the venue keeps money apart.
        positions: everything held.
        orders: everything resting, and what was looked for.
        fills: everything traded since the moment asked for.
        looked_for: our names of orders that were searched for one by one.
        missing: what could not be read; nothing may be concluded while this is not empty.

    """

    account: str
    at: Micros
    cash: Money
    positions: tuple[PositionThere, ...] = ()
    orders: tuple[OrderThere, ...] = ()
    fills: tuple[FillThere, ...] = ()
    shards: Mapping[str, Money] = attrs.field(factory=dict)
    looked_for: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()


class Account(Protocol):
    """The account at one venue behind a synchronous face."""

    @abstractmethod
    def look(self, since: Micros, looking_for: Collection[str]) -> AccountPicture:
        """Read the account.

        Args:
            since: fills from this moment on; read with an overlap, told ones do no harm.
            looking_for: our names of orders whose fate is in doubt; each is searched for among
                all orders of the venue, finished ones included.

        What cannot be read is named in `AccountPicture.missing` instead of being raised.

        """
