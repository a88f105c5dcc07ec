"""The account as the venue tells it: money by shard, positions, orders and fills in one picture.

The lists of the venue are copies that run a little behind; the moment up to which they are complete
is read first, so that everything read after it is at least that fresh. Whatever cannot be read to
its end is named in the picture, and nothing is concluded from such a one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Final, TypeVar

import attrs

from market_bot.core.domain.book import Side
from market_bot.core.domain.fills.maker import yes_price
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    NEVER,
    NO_MONEY,
    SECOND,
    Duration,
    Micros,
    Money,
    cost,
)
from market_bot.core.domain.orders import Style
from market_bot.core.ports.account import (
    Account,
    AccountPicture,
    FillThere,
    OrderThere,
    PositionThere,
)
from market_bot.core.ports.clock import Clock

from .errors import KalshiError
from .paging import Walk, walk
from .parse_portfolio import (
    Balance,
    OwnFill,
    OwnOrder,
    OwnSettlement,
    parse_balance,
    parse_fills,
    parse_freshness,
    parse_orders,
    parse_positions,
    parse_settlements,
)
from .rest import KalshiRest
from .transport import Params

_T = TypeVar("_T")

OVERLAP: Final = Duration(60 * SECOND)
STALE: Final = Duration(30 * SECOND)
"""A picture that is older than this says nothing about now."""

_PAGE: Final = ("limit", "1000")
_PAGES_MAX: Final = 50
_NAMES_KEPT: Final = 1 << 16


@attrs.frozen
class OwnName:
    """What we know of an order of ours by its name: its market, and the leg it is about."""

    market: str
    leg: Leg


def know_nothing(_: str) -> OwnName | None:
    """Tell nothing about any order: legs are then taken from the side of the book."""
    return None


@attrs.define(eq=False)
class KalshiAccount(Account):
    """Reads the account; mutable, owned by one thread.

    Args:
        rest: a signed client, best one of its own.
        clock: compares the age of what is told with now.
        name: which account, for people.
        ours: tells of an order of ours its market and leg; may be asked from any thread.
        stale: how old what is told may be.

    """

    rest: KalshiRest
    clock: Clock
    name: str = "primary"
    ours: Callable[[str], OwnName | None] = know_nothing
    stale: Duration = STALE
    _names: OrderedDict[str, str | None] = attrs.field(factory=OrderedDict, init=False)

    def look(self, since: Micros, looking_for: Collection[str]) -> AccountPicture:
        look = _Look(self)
        at = look.freshness()
        balance = look.balance()
        positions = look.walk("positions", parse_positions, lambda one: one.market, _HELD)
        resting = look.walk("orders", parse_orders, _order_key, (("status", "resting"),))
        searched, looked_for = look.search(looking_for)
        fills = look.walk("fills", parse_fills, lambda one: one.fill, _since(since))
        orders = {one.venue_order: one for one in (*resting, *searched)}
        self._remember(orders.values())
        look.name_unnamed(fills)
        return AccountPicture(
            account=self.name,
            at=at,
            cash=balance.total,
            shards={str(shard): money for shard, money in balance.shards.items()},
            positions=tuple(
                PositionThere(market=one.market, leg=one.leg, size=one.size, cost=one.cost)
                for one in positions
                if one.size
            ),
            orders=tuple(self._order(one) for one in orders.values()),
            fills=tuple(self._fill(one) for one in fills),
            looked_for=looked_for,
            missing=tuple(look.missing),
        )

    def settlements(self, since: Micros) -> tuple[OwnSettlement, ...]:
        """Return what ended markets have paid since a moment, newest first.

        Raises:
            KalshiError: if they cannot be read to their end.

        """
        look = _Look(self)
        found = look.walk("settlements", parse_settlements, lambda one: one.market, _since(since))
        if look.missing:
            msg = "; ".join(look.missing)
            raise KalshiError(msg)
        return found

    def name_of(self, venue_order: str) -> str | None:
        """Return our name of an order, None if it has none or nobody has told it yet."""
        return self._names.get(venue_order)

    def knows(self, venue_order: str) -> bool:
        """Tell whether the name of an order has been told, if only that it has none."""
        return venue_order in self._names

    def _remember(self, orders: Iterable[OwnOrder]) -> None:
        for one in orders:
            self._names[one.venue_order] = one.client_order
            self._names.move_to_end(one.venue_order)
        while len(self._names) > _NAMES_KEPT:
            self._names.popitem(last=False)

    def _leg(self, intent: str | None, side: Side) -> Leg:
        known = self.ours(intent) if intent is not None else None
        if known is not None:
            return known.leg
        return Leg.YES if side is Side.BID else Leg.NO

    def _order(self, there: OwnOrder) -> OrderThere:
        return OrderThere(
            venue_order=there.venue_order,
            intent=there.client_order,
            market=there.market,
            leg=self._leg(there.client_order, there.side),
            size=there.size,
            filled=there.filled,
            standing=there.standing,
        )

    def _fill(self, there: OwnFill) -> FillThere:
        intent = self.name_of(there.venue_order)
        leg = self._leg(intent, there.side)
        price = yes_price(leg, there.price)
        return FillThere(
            fill=there.fill,
            venue_order=there.venue_order,
            intent=intent,
            market=there.market,
            leg=leg,
            price=price,
            size=there.size,
            cost=cost(price, there.size),
            fee=there.fee,
            liquidity=Style.TAKER if there.taker else Style.MAKER,
            at=there.at,
        )


class _Look:
    """One look at the account, and what of it failed."""

    def __init__(self, account: KalshiAccount) -> None:
        self._account = account
        self._rest = account.rest
        self.missing: list[str] = []

    def freshness(self) -> Micros:
        """Return up to when the lists are complete; old lists are as good as none."""
        now = self._account.clock.now()
        try:
            at = self._rest.read("/exchange/user_data_timestamp", parse_freshness)
        except KalshiError as e:
            self.missing.append(f"freshness: {e}")
            return now
        if now - at > self._account.stale:
            self.missing.append(f"freshness: the venue's lists are {(now - at) // SECOND} s old")
        return at

    def balance(self) -> Balance:
        try:
            return self._rest.read("/portfolio/balance", parse_balance, signed=True)
        except KalshiError as e:
            self.missing.append(f"balance: {e}")
            return Balance(Money(NO_MONEY), {})

    def walk(
        self,
        name: str,
        parse: Callable[[bytes], tuple[tuple[_T, ...], str]],
        key: Callable[[_T], Hashable],
        params: Params,
    ) -> tuple[_T, ...]:
        """Return a whole list; what is missing of it is noted."""
        try:
            found = self._list(name, parse, key, params)
        except KalshiError as e:
            self.missing.append(f"{name}: {e}")
            return ()
        if found.broken:
            self.missing.append(f"{name}: {found.broken}")
        return found.items

    def search(self, names: Collection[str]) -> tuple[tuple[OwnOrder, ...], frozenset[str]]:
        """Return the orders of these names, and which names were looked for to the end."""
        found: list[OwnOrder] = []
        sought: set[str] = set()
        by_market: dict[str, set[str]] = {}
        for name in names:
            known = self._account.ours(name)
            by_market.setdefault("" if known is None else known.market, set()).add(name)
        for market, wanted in by_market.items():
            left = set(wanted)
            try:
                orders = self._search_market(market, left)
            except KalshiError as e:
                self.missing.append(f"orders: {e}")
                continue
            found += [one for one in orders.items if one.client_order in wanted]
            # Those that were found need no end of the list; the others do.
            sought |= wanted if not orders.broken else wanted - left
        return tuple(found), frozenset(sought)

    def _search_market(self, market: str, left: set[str]) -> Walk[OwnOrder]:
        def parse(body: bytes) -> tuple[tuple[OwnOrder, ...], str]:
            orders, cursor = parse_orders(body)
            left.difference_update(one.client_order or "" for one in orders)
            return orders, cursor

        params = (("ticker", market),) if market else ()
        return self._list("orders", parse, _order_key, params, lambda _: not left)

    def name_unnamed(self, fills: Iterable[OwnFill]) -> None:
        """Learn our names of the orders that traded and are in no list so far."""
        unnamed: dict[str, set[str]] = {}
        for one in fills:
            if not self._account.knows(one.venue_order):
                unnamed.setdefault(one.market, set()).add(one.venue_order)
        for market, orders in unnamed.items():
            self._name_market(market, orders)

    def _name_market(self, market: str, left: set[str]) -> None:
        def parse(body: bytes) -> tuple[tuple[OwnOrder, ...], str]:
            orders, cursor = parse_orders(body)
            left.difference_update(one.venue_order for one in orders)
            return orders, cursor

        params = (("ticker", market),)
        try:
            found = self._list("orders", parse, _order_key, params, lambda _: not left)
        except KalshiError as e:
            self.missing.append(f"orders: {e}")
            return
        self._account._remember(found.items)  # noqa: SLF001 - a look is a part of the account
        if left:
            # A trade of ours without its order: whose it is cannot be told.
            self.missing.append(f"orders: {len(left)} in {market} traded and are in no list")

    def _list(
        self,
        name: str,
        parse: Callable[[bytes], tuple[tuple[_T, ...], str]],
        key: Callable[[_T], Hashable],
        params: Params,
        enough: Callable[[int], bool] = lambda _: False,
    ) -> Walk[_T]:
        return walk(
            lambda query: self._rest.read(f"/portfolio/{name}", parse, params=query, signed=True),
            key,
            params=(*params, _PAGE),
            pages_max=_PAGES_MAX,
            enough=enough,
        )


_HELD: Final = (("count_filter", "position"),)


def _since(since: Micros) -> Params:
    return (("min_ts", str(max(NEVER, since - OVERLAP) // SECOND)),)


def _order_key(order: OwnOrder) -> str:
    return order.venue_order
