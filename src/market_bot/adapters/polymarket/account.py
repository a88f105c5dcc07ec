"""The account as the venue tells it: money, tokens, orders and trades in one picture.

What is held is what the order book sees on the chain, and what has traded and is on its way there.
Trades are read before and after the balances: one that settled in between could be in both or in
neither, so nothing is concluded then. Whatever cannot be read to its end is named in the picture,
and nothing is concluded from such a one.

Which markets something may be in is known from the journal, from trades, and from the data API.
That one is minutes behind: what it names is looked at, but how much there is the order book says.

Winning tokens of ended markets stay tokens until they are redeemed; the journal has counted them
as money by then, and so does the picture.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from typing import Final, TypeVar

import attrs

from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import FeeSchedule, Leg
from market_bot.core.domain.numbers import (
    NEVER,
    NO_MONEY,
    NOTHING,
    ONE_DOLLAR,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
    complement,
    cost,
)
from market_bot.core.domain.orders import Order, Purpose
from market_bot.core.ports.account import (
    Account,
    AccountPicture,
    FillThere,
    OrderThere,
    PositionThere,
)
from market_bot.core.ports.clock import Clock

from .amounts import OrderSide
from .contracts import COLLATERAL, asset_kind
from .data_api import HeldToken, held_tokens
from .gamma import Listing, markets_page
from .order_signing import SignatureType
from .orders import order_over_by
from .own_fills import OwnLeg, fee_of, maker_leg, taker_leg
from .own_records import OwnOrder, OwnTrade, TradeStatus
from .parse_own import balance as parse_balance
from .parse_own import orders as parse_orders
from .parse_own import trades as parse_trades
from .problems import PolymarketError
from .rest import CONDITIONS_MAX, PolymarketRest
from .wire import UnreadableRecord

_T = TypeVar("_T")

OVERLAP: Final = Duration(60 * SECOND)
DUST: Final = Size(10_000)
"""A hundredth of a share: by so much the chain's rounding and ours may differ."""

_FAILURES: Final = (PolymarketError, UnreadableRecord)
_UNITS: Final = 1_000_000
_PAGES_MAX: Final = 50
_LISTINGS_KEPT: Final = 4_096
_SETTLING: Final = Duration(600 * SECOND)
_REFRESH: Final = Duration(300 * SECOND)


@attrs.frozen(kw_only=True)
class Redeemable:
    """Tokens of an ended market that pay, and what they pay."""

    market: str
    token: str
    leg: Leg
    size: Size
    payout: Money


@attrs.define(eq=False)
class PolymarketAccount(Account):
    """Reads the account; mutable, owned by one thread.

    Args:
        rest: a signed client of its own.
        clock: the time.
        state: returns the lane's present state; a state never changes, so any thread may ask.
        listing: returns what is known of a market, None if nothing is; from any thread.
        signature_type: the kind of wallet that pays.
        owner: returns the id of the API key.
        holder: the address that holds the tokens.
        name: which account, for people.

    """

    rest: PolymarketRest
    clock: Clock
    state: Callable[[], LaneState]
    listing: Callable[[str], Listing | None]
    signature_type: SignatureType = attrs.field(kw_only=True)
    owner: Callable[[], str] = attrs.field(kw_only=True, repr=False)
    holder: str = attrs.field(kw_only=True)
    name: str = attrs.field(default="primary", kw_only=True)
    _listings: OrderedDict[str, Listing] = attrs.field(factory=OrderedDict, init=False)
    _empty: set[str] = attrs.field(factory=set, init=False)
    _refreshed: dict[str, Micros] = attrs.field(factory=dict, init=False)
    _redeemable: tuple[Redeemable, ...] = attrs.field(default=(), init=False)
    _elsewhere: tuple[HeldToken, ...] = attrs.field(default=(), init=False)
    _asked_elsewhere: Micros | None = attrs.field(default=None, init=False)

    def look(self, since: Micros, looking_for: Collection[str]) -> AccountPicture:
        return _Look(self, self.state(), self.clock.now()).take(since, looking_for)

    def redeemable(self) -> tuple[Redeemable, ...]:
        """Return what the latest look found that pays once somebody redeems it."""
        return self._redeemable

    def listing_of(self, market: str) -> Listing | None:
        """Return what is known of a market, also after it has ended."""
        known = self.listing(market) or self._listings.get(market)
        if known is not None:
            self._listings[market] = known
            self._listings.move_to_end(market)
            if len(self._listings) > _LISTINGS_KEPT:
                self._listings.popitem(last=False)
        return known

    def learn_listings(self, markets: Collection[str], now: Micros) -> None:
        """Ask the catalogue for markets that nobody watches any more.

        Raises:
            PolymarketError: if it does not answer.
            UnreadableRecord: if its answer is none.

        """
        wanted = sorted(markets)[:CONDITIONS_MAX]
        for closed in (False, True) if wanted else ():
            page = markets_page(self.rest.markets_by_condition(wanted, closed=closed), now)
            for found in page.listings:
                self._listings[found.market.id] = found


@attrs.define(eq=False)
class _Look:
    """One look at the account, and what of it failed."""

    account: PolymarketAccount
    state: LaneState
    now: Micros
    missing: list[str] = attrs.field(factory=list, init=False)

    def take(self, since: Micros, looking_for: Collection[str]) -> AccountPicture:
        first = self._trades(since)
        orders, looked_for = self._orders(looking_for)
        markets = self._markets(first)
        tokens = self._tokens(markets)
        cash = self._cash()
        self._elsewhere(tokens)
        traded = {trade.market for trade in first if self.now - trade.at < _SETTLING}
        held = {
            token: self._balance(asset_kind(token), token, fresh=market in traded)
            for token, (market, _) in tokens.items()
        }
        second = self._trades(since)
        trades = self._undisturbed(first, second)
        fills = [(trade, leg, side) for trade in trades for leg, side in self._legs(trade)]
        for trade, leg, side in fills:
            if trade.status in (TradeStatus.MATCHED, TradeStatus.RETRYING):
                cash += self._on_its_way(leg, side, held, self._fee(trade, leg, side))
        positions, paid = self._positions(tokens, held)
        return AccountPicture(
            account=self.account.name,
            at=self.now,
            cash=Money(cash + paid),
            positions=positions,
            orders=tuple(self._order(one, tokens) for one in orders.values()),
            fills=tuple(
                self._fill(trade, leg, tokens, self._fee(trade, leg, side))
                for trade, leg, side in fills
                if trade.status is not TradeStatus.FAILED
            ),
            looked_for=looked_for,
            missing=tuple(self.missing),
        )

    # -- reading -----------------------------------------------------------------------------

    def _trades(self, since: Micros) -> tuple[OwnTrade, ...]:
        after = str(max(NEVER, since - OVERLAP) // SECOND)
        return self._walk(
            "trades",
            lambda c: parse_trades(self.account.rest.own_trades((("after", after),), cursor=c)),
        )

    def _orders(self, looking_for: Collection[str]) -> tuple[dict[str, OwnOrder], frozenset[str]]:
        """Return what rests and what was looked for, and which names were looked for enough."""
        rest = self.account.rest
        listed = self._walk("orders", lambda c: parse_orders(rest.open_orders(cursor=c)))
        found = {row.order: row for row in listed}
        sought: set[str] = set()
        for name in looking_for:
            order = self.state.order(name)
            if order is None:
                continue
            rows = self._search(order)
            found.update({row.order: row for row in rows or ()})
            # As long as it could still arrive, that it is not there says nothing.
            if rows or (rows is not None and self.now > order_over_by(order)):
                sought.add(name)
        return found, frozenset(sought)

    def _search(self, order: Order) -> tuple[OwnOrder, ...] | None:
        """Return an order searched for by its name, () if it is not there, None if it failed."""
        if not order.venue_order:
            # Every order is named in the journal before it is sent: this one was not.
            return ()
        try:
            rows, _ = parse_orders(self.account.rest.open_orders(order=order.venue_order))
        except _FAILURES as e:
            self.missing.append(f"orders: {e}")
            return None
        return tuple(row for row in rows if row.order == order.venue_order)

    def _cash(self) -> int:
        return self._balance(COLLATERAL, "", fresh=True) * _UNITS

    def _balance(self, kind: str, token: str, *, fresh: bool) -> int:
        account = self.account
        wallet = account.signature_type.value
        refreshed = account._refreshed  # noqa: SLF001 - a look is a part of the account
        try:
            # The order book keeps a copy of the chain that may be old; such looks are rationed.
            if fresh or not 0 <= self.now - refreshed.get(token, NEVER) < _REFRESH:
                account.rest.refresh_balance(kind, wallet, token)
                refreshed[token] = self.now
            return parse_balance(account.rest.balance(kind, wallet, token)).amount
        except _FAILURES as e:
            self.missing.append(f"balance: {e}")
            return 0

    def _walk(self, what: str, page: Callable[[str], tuple[tuple[_T, ...], str]]) -> tuple[_T, ...]:
        """Return a whole list; what is missing of it is noted."""
        found: list[_T] = []
        cursor, cursors = "", set[str]()
        try:
            for _ in range(_PAGES_MAX):
                entries, cursor = page(cursor)
                found += entries
                if not cursor or cursor in cursors:
                    break
                cursors.add(cursor)
        except _FAILURES as e:
            self.missing.append(f"{what}: {e}")
            return ()
        if cursor:
            self.missing.append(f"{what}: the list does not come to an end")
        return tuple(found)

    # -- putting together --------------------------------------------------------------------

    def _undisturbed(
        self, first: Iterable[OwnTrade], second: Iterable[OwnTrade]
    ) -> tuple[OwnTrade, ...]:
        """Return the trades; nothing is concluded if one settled while balances were read."""
        before = {trade.trade: trade.status for trade in first}
        latest = {trade.trade: trade for trade in second}
        moved = [
            name
            for name, trade in latest.items()
            if before.get(name, TradeStatus.MATCHED).on_chain is not trade.status.on_chain
        ]
        if moved and not self.missing:
            self.missing.append("trades: one settled while the balances were read")
        return tuple(latest.values())

    def _markets(self, trades: Iterable[OwnTrade]) -> set[str]:
        """Return the markets in which something of ours may be."""
        state = self.state
        known = {held.market for held in state.positions.values()}
        known |= {order.market for order in state.orders.values()}
        known |= {trade.market for trade in trades}
        return known | set(state.ended)

    def _elsewhere(self, tokens: dict[str, tuple[str, Leg]]) -> None:
        """Add tokens in markets that the journal has never seen."""
        account = self.account
        asked = account._asked_elsewhere  # noqa: SLF001 - a look is a part of the account
        if asked is None or not 0 <= self.now - asked < _REFRESH:
            found, before = self._held_elsewhere(), asked is not None
            if found is not None:
                account._elsewhere, account._asked_elsewhere = found, self.now  # noqa: SLF001 - as above
            elif not before:
                # Later on the last answer is good enough: what we do ourselves is known.
                self.missing.append("positions: what else is held cannot be found out")
        for one in account._elsewhere:  # noqa: SLF001 - as above
            if one.token not in account._empty:  # noqa: SLF001 - as above
                tokens.setdefault(one.token, (one.condition, one.leg))

    def _held_elsewhere(self) -> tuple[HeldToken, ...] | None:
        account, found, cursor = self.account, list[HeldToken](), ""
        try:
            for _ in range(_PAGES_MAX):
                page, cursor = held_tokens(account.rest.positions(account.holder, cursor))
                found += page
                if not cursor:
                    return tuple(found)
        except _FAILURES:
            return None
        return None

    def _tokens(self, markets: set[str]) -> dict[str, tuple[str, Leg]]:
        """Return the tokens whose balance counts, each with its market and leg."""
        account = self.account
        unknown = {market for market in markets if account.listing_of(market) is None}
        try:
            account.learn_listings(unknown, self.now)
        except _FAILURES as e:
            self.missing.append(f"markets: {e}")
        tokens: dict[str, tuple[str, Leg]] = {}
        for market in sorted(markets):
            listing = account.listing_of(market)
            if listing is None:
                if market not in self.state.ended:
                    self.missing.append(f"positions: nothing is known of market {market}")
                continue
            for leg, token in zip((Leg.YES, Leg.NO), listing.tokens, strict=True):
                if token not in account._empty:  # noqa: SLF001 - a look is a part of the account
                    tokens[token] = (market, leg)
        return tokens

    def _legs(self, trade: OwnTrade) -> Iterable[tuple[OwnLeg, OrderSide]]:
        """Yield our parts of a trade, each in the terms of its own order."""
        listing = self.account.listing_of(trade.market)
        if listing is None:
            return
        ours = self._ours()
        taker = ours.get(trade.taker_order)
        if taker is not None or trade.taker_is_us:
            token, other = self._pair(listing, taker, trade.token)
            leg = taker_leg(trade, token, other)
            if leg is not None:
                yield leg, trade.side
        for name in dict.fromkeys(leg.order for leg in trade.legs):
            told = next(leg for leg in trade.legs if leg.order == name)
            order = ours.get(name)
            if order is None and told.owner != self.account.owner():
                continue
            token, other = self._pair(listing, order, told.token)
            leg = maker_leg(trade, name, token, other)
            if leg is not None:
                yield leg, self._side(trade, order, token)

    def _ours(self) -> dict[str, Order]:
        state = self.state
        known = (*state.orders.values(), *state.finished.values())
        return {order.venue_order: order for order in known if order.venue_order}

    @staticmethod
    def _pair(listing: Listing, order: Order | None, token: str) -> tuple[str, str]:
        yes, no = listing.tokens
        mine = token if order is None else (yes if order.leg is Leg.YES else no)
        return (mine, no if mine == yes else yes)

    @staticmethod
    def _side(trade: OwnTrade, order: Order | None, token: str) -> OrderSide:
        """Return what a maker did: the opposite in the taker's token, the same in the other."""
        if order is not None:
            return OrderSide.BUY if order.purpose is Purpose.ENTRY else OrderSide.SELL
        if trade.token != token:
            return trade.side
        return OrderSide.SELL if trade.side is OrderSide.BUY else OrderSide.BUY

    def _fee(self, trade: OwnTrade, leg: OwnLeg, side: OrderSide) -> Money:
        listing = self.account.listing_of(trade.market)
        return NO_MONEY if listing is None else fee_of(_fees(listing), leg, side)

    @staticmethod
    def _on_its_way(leg: OwnLeg, side: OrderSide, held: dict[str, int], fee: Money) -> int:
        """Move tokens of a trade that is not on the chain yet; return how the money moves."""
        sign = 1 if side is OrderSide.BUY else -1
        held[leg.token] = held.get(leg.token, 0) + sign * leg.size
        return -sign * leg.cost - fee

    def _positions(
        self, tokens: dict[str, tuple[str, Leg]], held: dict[str, int]
    ) -> tuple[tuple[PositionThere, ...], Money]:
        """Return what is held, and what tokens of ended markets pay."""
        positions: list[PositionThere] = []
        paid: list[Redeemable] = []
        for token, (market, leg) in tokens.items():
            there = Size(max(0, held.get(token, 0)))
            ended = self.state.ended.get(market)
            if ended is not None:
                each = ended.yes_payout if leg is Leg.YES else complement(ended.yes_payout)
                paid.append(self._redeemable(market, token, leg, there, each))
                if not there and not self.missing:
                    # What is empty once its market has ended stays so.
                    self.account._empty.add(token)  # noqa: SLF001 - a look is a part of the account
                continue
            there = self._snapped(market, leg, there)
            if there:
                # What it has cost is not told; no share costs more than a dollar.
                stake = cost(ONE_DOLLAR, there)
                positions.append(PositionThere(market=market, leg=leg, size=there, cost=stake))
        self.account._redeemable = tuple(one for one in paid if one.payout)  # noqa: SLF001 - as above
        return tuple(positions), Money(sum(one.payout for one in paid))

    @staticmethod
    def _redeemable(market: str, token: str, leg: Leg, held: Size, each: Price) -> Redeemable:
        return Redeemable(market=market, token=token, leg=leg, size=held, payout=cost(each, held))

    def _snapped(self, market: str, leg: Leg, there: Size) -> Size:
        """Return what is held, without what only the chain's rounding makes different."""
        position = self.state.position(market, leg)
        here = NOTHING if position is None else position.size
        return here if abs(there - here) < DUST else there

    def _order(self, row: OwnOrder, tokens: dict[str, tuple[str, Leg]]) -> OrderThere:
        known = tokens.get(row.token)
        leg = known[1] if known is not None else Leg.NO if row.outcome.lower() == "no" else Leg.YES
        ours = self._ours().get(row.order)
        size = row.size if row.size is not None else (NOTHING if ours is None else ours.size)
        return OrderThere(
            venue_order=row.order,
            intent=None if ours is None else ours.intent,
            market=row.market,
            leg=leg if ours is None else ours.leg,
            size=size,
            filled=row.matched or NOTHING,
            standing=row.standing,
        )

    def _fill(
        self, trade: OwnTrade, leg: OwnLeg, tokens: dict[str, tuple[str, Leg]], fee: Money
    ) -> FillThere:
        ours = self._ours().get(leg.order)
        known = tokens.get(leg.token)
        return FillThere(
            fill=leg.fill,
            venue_order=leg.order,
            intent=None if ours is None else ours.intent,
            market=trade.market,
            leg=known[1] if known is not None else (Leg.YES if ours is None else ours.leg),
            price=leg.price,
            size=leg.size,
            cost=leg.cost,
            fee=fee,
            liquidity=leg.liquidity,
            at=trade.at,
            provisional=not trade.status.final,
        )


def _fees(listing: Listing) -> FeeSchedule:
    return listing.market.fees
