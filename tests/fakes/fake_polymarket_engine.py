"""A whole exchange in the manner of Polymarket, as an independent model with books of its own.

Everything is counted in base units (1e-6 of a dollar or a share). Each market has one book for both
of its tokens. A match moves nothing yet: money and tokens move when the trade is mined, and a trade
may fail before that. What our account has at the end is the truth that the bot is held against.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Final

import attrs

from tests.fakes.fake_polymarket_records import API_KEY, Record

ONE: Final = 1_000_000
MIN_SIZE: Final = 5 * ONE
SECURITY_S: Final = 60
GONE: Final = "order can't be found - already canceled or matched"
KILL: Final = "order couldn't be fully filled. FOK orders are fully filled or killed."
FAK_KILL: Final = (
    "no orders found to match with FAK order."
    " FAK orders are partially filled or killed if no match is found."
)
NO_FUNDS: Final = "not enough balance / allowance"
STEPS_MS: Final = 2_000
"""How long a trade stays in each state."""

GOOD: Final = ("MATCHED", "MINED", "CONFIRMED")
BAD: Final = ("MATCHED", "RETRYING", "FAILED")
BUMPY: Final = ("MATCHED", "RETRYING", "MATCHED", "MINED", "CONFIRMED")


class Mode(Enum):
    """What the engine takes."""

    OPEN = "open"
    RESTARTING = "restarting"
    POST_ONLY = "post_only"
    CANCEL_ONLY = "cancel_only"
    HALTED = "halted"


@attrs.define(eq=False)
class Resting:
    """An order in the book, in YES terms; ``order`` None is somebody else's."""

    bid: bool
    price: int
    left: int
    token: str
    order: Order | None = None


@attrs.define(eq=False)
class Order:
    """An order of ours at the venue, in its own token's terms."""

    id: str
    market: Market
    token: str
    buys: bool
    price: int
    size: int
    type: str
    post_only: bool
    expires_s: int
    created_ms: int
    dollars: int = 0
    matched: int = 0
    status: str = "LIVE"
    due_ms: int = 0
    posts: int = 1
    resting: Resting | None = None

    @property
    def left(self) -> int:
        """What may still trade, in shares."""
        return max(0, self.size - self.matched) if self.status in ("LIVE", "DELAYED") else 0


@attrs.define(eq=False)
class Market:
    """A market with its one book."""

    condition: str
    yes: str
    no: str
    rate: int = 0
    delay_s: int = 0
    book: list[Resting] = attrs.field(factory=list)
    closed: bool = False

    def side(self, *, bids: bool) -> list[Resting]:
        """Return one side of the book, best first."""
        there = [one for one in self.book if one.bid is bids and one.left > 0]
        return sorted(there, key=lambda one: -one.price if bids else one.price)

    def other(self, token: str) -> str:
        """Return the complement of a token."""
        return self.no if token == self.yes else self.yes


@attrs.define(eq=False)
class Leg:
    """A maker's part of a trade, in the terms of the maker's own token."""

    order_id: str
    owner: str
    token: str
    buys: bool
    price: int
    size: int
    order: Order | None


@attrs.define(eq=False)
class Trade:
    """A match on its way to the chain, in the taker's terms."""

    id: str
    market: Market
    taker: Order | None
    taker_id: str
    token: str
    buys: bool
    size: int
    legs: list[Leg]
    at_ms: int
    path: tuple[str, ...] = GOOD
    step: int = 0
    due_ms: int = 0

    @property
    def status(self) -> str:
        """Where it is."""
        return self.path[self.step]

    @property
    def cost(self) -> int:
        """What the taker's tokens cost, in 1e-12 dollar."""
        return sum(
            (leg.price if leg.token == self.token else ONE - leg.price) * leg.size
            for leg in self.legs
        )

    @property
    def alive(self) -> bool:
        """Whether it has not failed for good."""
        return self.status != "FAILED"

    @property
    def mined(self) -> bool:
        """Whether money and tokens have moved."""
        return self.status in ("MINED", "CONFIRMED")


@attrs.define(eq=False)
class Engine:
    """The exchange and our account at it.

    Args:
        now_ms: the time.
        cash: what our wallet has, in base units.
        steps_ms: how long a trade stays in each state.

    """

    now_ms: Callable[[], int]
    cash: int = 100 * ONE
    tokens: dict[str, int] = attrs.field(factory=dict)
    markets: dict[str, Market] = attrs.field(factory=dict)
    orders: dict[str, Order] = attrs.field(factory=dict)
    trades: list[Trade] = attrs.field(factory=list)
    paths: deque[tuple[str, ...]] = attrs.field(factory=deque)
    mode: Mode = Mode.OPEN
    steps_ms: int = STEPS_MS
    posts: int = 0
    listeners: list[Callable[[str, Any], None]] = attrs.field(factory=list)

    def list_market(self, record: Record, *, delay_s: int = 0) -> Market:
        """Take a market of the catalogue."""
        yes, no = (
            record["positionIds"]
            if record.get("version") == "v2"
            else [part.strip('" ') for part in record["clobTokenIds"].strip("[]").split(",")]
        )
        rate = round(record.get("feeSchedule", {}).get("rate", 0) * ONE)
        made = Market(record["conditionId"], yes, no, rate=rate, delay_s=delay_s)
        self.markets[made.condition] = made
        return made

    def market_of(self, token: str) -> Market:
        """Return the market of a token."""
        return next(m for m in self.markets.values() if token in (m.yes, m.no))

    # -- other people -------------------------------------------------------------------------

    def crowd(
        self, token: str, side: str, price: str, size: str, *, rests: bool = True
    ) -> Trade | None:
        """Let somebody buy or sell a token; return the trade if it hits an order of ours."""
        market = self.market_of(token)
        buys, at, left = side == "BUY", units(price), units(size)
        legs: list[Leg] = []
        bid, yes_price = in_yes(market, token, at, buys=buys)
        left = self._take(market, token, left, legs, bid=bid, limit=yes_price)
        if rests and left:
            market.book.append(Resting(bid, yes_price, left, token))
        if not any(leg.order is not None for leg in legs):
            return None
        others = f"0x{len(self.trades):064x}"
        return self._trade(market, None, others, token, legs, buys=buys)

    def close(self, condition: str) -> None:
        """Close a market: its orders are gone and it takes no others."""
        market = self.markets[condition]
        market.closed = True
        for order in self.orders.values():
            if order.market is market and order.left:
                self._end(order, "CANCELED_MARKET_RESOLVED")

    # -- our orders ---------------------------------------------------------------------------

    def place(self, name: str, posted: Record) -> Record | str:
        """Take an order of ours; return what is answered, or why it is refused."""
        self.advance()
        self.posts += 1
        body = posted["order"]
        if name in self.orders:
            self.orders[name].posts += 1
            return f"order {name} is invalid. Duplicated."
        market = self.market_of(body["tokenId"])
        order = self._order(name, posted, market)
        refused = self._refused(order, market)
        if refused:
            return refused
        self.orders[name] = order
        if market.delay_s and not order.post_only and self._crosses(order):
            order.status, order.due_ms = "DELAYED", self.now_ms() + market.delay_s * 1000
            return answer(order, "delayed")
        trade = self._match(order)
        if order.status == "KILLED":
            del self.orders[name]
            return KILL if order.type == "FOK" else FAK_KILL
        return answer(order, "live" if trade is None else "matched", trade)

    def cancel(self, names: list[str]) -> Record:
        """Cancel orders of ours."""
        self.advance()
        gone = []
        for name in names:
            order = self.orders.get(name)
            if order is not None and order.status in ("LIVE", "DELAYED"):
                self._end(order, "CANCELED")
                gone.append(name)
        left = {name: GONE for name in names if name not in gone}
        return {"canceled": gone, "not_canceled": left}

    def cancel_all(self, token: str = "") -> Record:
        """Cancel everything of ours, or everything of one token."""
        live = [o.id for o in self.orders.values() if o.left and token in ("", o.token)]
        return self.cancel(live)

    # -- time ---------------------------------------------------------------------------------

    def advance(self) -> None:
        """Let happen what is due by now."""
        now = self.now_ms()
        for order in list(self.orders.values()):
            if order.status == "DELAYED" and now >= order.due_ms:
                order.status = "LIVE"
                self._match(order)
            if order.status == "LIVE" and 0 < order.expires_s - SECURITY_S <= now // 1000:
                self._end(order, "CANCELED_EXPIRED_ORDER")
        for trade in self.trades:
            while trade.step < len(trade.path) - 1 and now >= trade.due_ms:
                self.step(trade)

    def step(self, trade: Trade) -> None:
        """Take a trade one state further."""
        before = trade.mined
        trade.step += 1
        trade.due_ms += self.steps_ms
        if trade.mined and not before:
            self._move(trade)
        self._tell("trade", trade)

    def settle(self) -> None:
        """Bring every trade to its end."""
        for trade in self.trades:
            while trade.step < len(trade.path) - 1:
                self.step(trade)

    # -- the truth ----------------------------------------------------------------------------

    def final(self) -> tuple[int, dict[str, int]]:
        """Return cash and tokens once every trade that has not failed is on the chain."""
        cash, tokens = self.cash, dict(self.tokens)
        for trade in self.trades:
            if trade.alive and not trade.mined:
                for token, shares, money in self._moves(trade):
                    cash += money
                    tokens[token] = tokens.get(token, 0) + shares
        return cash, {token: held for token, held in tokens.items() if held}

    def exposure(self) -> int:
        """Return the most that our purchases may have cost: paid and waiting, in base units."""
        paid = 0
        for trade in self.trades:
            if trade.alive:
                for order, _, shares, cost, fee in self.ours(trade):
                    sign = 1 if order.buys else -1
                    paid += sign * cost // ONE + (fee if shares else 0)
        waiting = sum(o.price * o.left // ONE for o in self.orders.values() if o.buys)
        return paid + waiting

    def available(self) -> int:
        """Return the money that new orders may use."""
        cash, _ = self.final()
        return cash - sum(o.price * o.left // ONE for o in self.orders.values() if o.buys)

    def sellable(self, token: str) -> int:
        """Return the tokens on the chain that new orders may sell."""
        leaving = sum(o.left for o in self.orders.values() if not o.buys and o.token == token)
        unmined = sum(
            leg_size
            for trade in self.trades
            if trade.alive and not trade.mined
            for order, one, leg_size, _, _ in self.ours(trade)
            if one == token and not order.buys
        )
        return self.tokens.get(token, 0) - leaving - unmined

    # -- rows ---------------------------------------------------------------------------------

    def order_rows(self, wanted: str = "") -> list[Record]:
        """Return what a list of orders tells; naming one also finds those that are over."""
        self.advance()
        there = [self.orders[wanted]] if wanted in self.orders else []
        if not wanted:
            there = [o for o in self.orders.values() if o.status == "LIVE"]
        return [order_row(order) for order in there]

    def trade_rows(self, wanted: str = "", after_s: int = 0) -> list[Record]:
        """Return what a list of trades tells, newest first."""
        self.advance()
        there = [
            t for t in self.trades if (t.id == wanted if wanted else t.at_ms // 1000 >= after_s)
        ]
        return [trade_row(trade) for trade in reversed(there)]

    # -- inside -------------------------------------------------------------------------------

    def _order(self, name: str, posted: Record, market: Market) -> Order:
        body = posted["order"]
        maker, taker = int(body["makerAmount"]), int(body["takerAmount"])
        buys = body["side"] == "BUY"
        shares, dollars = (taker, maker) if buys else (maker, taker)
        fast = posted["orderType"] in ("FOK", "FAK")
        return Order(
            id=name,
            market=market,
            token=body["tokenId"],
            buys=buys,
            # Down for whoever buys, up for whoever sells, to the finest tick.
            price=(dollars * ONE // shares if buys else -(-dollars * ONE // shares)) // 100 * 100,
            size=shares,
            type=posted["orderType"],
            post_only=bool(posted.get("postOnly")),
            expires_s=int(body["expiration"]),
            created_ms=self.now_ms(),
            dollars=dollars if fast and buys else 0,
        )

    def _refused(self, order: Order, market: Market) -> str:
        fast = order.type in ("FOK", "FAK")
        if market.closed:
            return "the market is not yet ready to process new orders"
        if order.type == "GTD" and order.expires_s < self.now_ms() // 1000 + 3 * SECURITY_S:
            return "invalid expiration value, must be in the future"
        if not fast and order.size < MIN_SIZE:
            return f"order {order.id} is invalid. Size lower than the minimum: 5"
        if order.post_only and self._crosses(order):
            return "invalid post-only order: order crosses book"
        cost = order.price * order.size // ONE
        if order.buys and not order.post_only and cost < ONE and self._crosses(order):
            return f"invalid amount for a marketable BUY order (${text(cost)}), min size: $1"
        if order.buys and cost > self.available():
            return NO_FUNDS
        if not order.buys and order.size > self.sellable(order.token):
            return NO_FUNDS
        return ""

    def _crosses(self, order: Order) -> bool:
        bid, price = in_yes(order.market, order.token, order.price, buys=order.buys)
        best = order.market.side(bids=not bid)
        return bool(best) and (best[0].price <= price if bid else best[0].price >= price)

    def _match(self, order: Order) -> Trade | None:
        market = order.market
        bid, limit = in_yes(market, order.token, order.price, buys=order.buys)
        if order.type == "FOK" and self._there(market, bid=bid, limit=limit) < order.size:
            order.status = "KILLED"
            return None
        legs: list[Leg] = []
        left = order.size - order.matched
        if order.dollars:
            # Dollars to spend: at a better price it takes more shares than were named.
            left = 10**15
        rest = self._take(
            market, order.token, left, legs, bid=bid, limit=limit, dollars=order.dollars
        )
        order.matched += left - rest
        fast = order.type in ("FOK", "FAK")
        if order.matched >= order.size:
            order.status = "MATCHED"
        elif fast:
            order.status = "MATCHED" if legs else "KILLED"
        else:
            order.resting = Resting(bid, limit, order.size - order.matched, order.token, order)
            market.book.append(order.resting)
        if not legs:
            return None
        return self._trade(market, order, order.id, order.token, legs, buys=order.buys)

    @staticmethod
    def _there(market: Market, *, bid: bool, limit: int) -> int:
        return sum(
            one.left
            for one in market.side(bids=not bid)
            if (one.price <= limit if bid else one.price >= limit)
        )

    def _take(
        self,
        market: Market,
        token: str,
        left: int,
        legs: list[Leg],
        *,
        bid: bool,
        limit: int,
        dollars: int = 0,
    ) -> int:
        """Trade against the book; return what is left."""
        spent = 0
        for one in market.side(bids=not bid):
            within = one.price <= limit if bid else one.price >= limit
            if not within or left <= 0:
                break
            size = min(one.left, left)
            if dollars:
                own = one.price if token == market.yes else ONE - one.price
                size = min(size, (dollars * ONE - spent) // own // 10_000 * 10_000)
                spent += own * size
            if size <= 0:
                break
            one.left -= size
            left -= size
            buys = one.bid is (one.token == market.yes)
            own_price = one.price if one.token == market.yes else ONE - one.price
            maker = one.order
            if maker is not None:
                maker.matched += size
                if maker.matched >= maker.size:
                    maker.status = "MATCHED"
            legs.append(
                Leg(
                    order_id=f"0x{'c' * 60}{len(legs):04x}" if maker is None else maker.id,
                    owner="someone" if maker is None else API_KEY,
                    token=one.token,
                    buys=buys,
                    price=own_price,
                    size=size,
                    order=maker,
                )
            )
        market.book[:] = [one for one in market.book if one.left > 0]
        return left

    def _trade(
        self,
        market: Market,
        taker: Order | None,
        taker_id: str,
        token: str,
        legs: list[Leg],
        *,
        buys: bool,
    ) -> Trade:
        path = self.paths.popleft() if self.paths else GOOD
        trade = Trade(
            id=f"t{len(self.trades):04}-28c4d2eb",
            market=market,
            taker=taker,
            taker_id=taker_id,
            token=token,
            buys=buys,
            size=sum(leg.size for leg in legs),
            legs=legs,
            at_ms=self.now_ms(),
            path=path,
            due_ms=self.now_ms() + self.steps_ms,
        )
        self.trades.append(trade)
        self._tell("trade", trade)
        return trade

    def ours(self, trade: Trade) -> Iterator[tuple[Order, str, int, int, int]]:
        """Yield our parts: order, token, shares, cost (1e-12) and fee (base units)."""
        if trade.taker is not None:
            cost = trade.cost
            yield trade.taker, trade.token, trade.size, cost, self._fee(trade, cost)
        for leg in trade.legs:
            if leg.order is not None:
                yield leg.order, leg.token, leg.size, leg.price * leg.size, 0

    def _moves(self, trade: Trade) -> Iterator[tuple[str, int, int]]:
        """Yield what a trade moves for us: token, shares, money."""
        for order, token, shares, cost, fee in self.ours(trade):
            sign = 1 if order.buys else -1
            yield token, sign * shares, -sign * cost // ONE - fee

    def _move(self, trade: Trade) -> None:
        for token, shares, money in self._moves(trade):
            self.cash += money
            self.tokens[token] = self.tokens.get(token, 0) + shares
            assert self.tokens[token] >= 0, "sold what was not there"
        assert self.cash >= 0, "spent what was not there"

    @staticmethod
    def _fee(trade: Trade, cost: int) -> int:
        """Return the taker's fee in base units: five decimals of a dollar, at least one of them."""
        size = trade.size
        # rate * size * p * (1 - p), with p = cost / (size * ONE)
        exact = trade.market.rate * cost * (size * ONE - cost)
        unit = size * ONE**3 * 10
        steps = (2 * exact + unit) // (2 * unit)
        return max(1, steps) * 10 if exact else 0

    def _end(self, order: Order, status: str) -> None:
        order.status = status
        if order.resting is not None:
            order.market.book.remove(order.resting)
            order.resting = None
        self._tell("order", order)

    def _tell(self, what: str, thing: Any) -> None:
        for listener in self.listeners:
            listener(what, thing)


def units(text: str) -> int:
    """Return a decimal number in base units."""
    whole, _, part = text.partition(".")
    return int(whole or "0") * ONE + int(part.ljust(6, "0"))


def text(amount: int) -> str:
    """Return base units as a decimal number."""
    whole, part = divmod(amount, ONE)
    return f"{whole}.{part:06}".rstrip("0").rstrip(".")


def in_yes(market: Market, token: str, price: int, *, buys: bool) -> tuple[bool, int]:
    """Return whether an order is a bid in YES terms, and at what price."""
    return (buys, price) if token == market.yes else (not buys, ONE - price)


def answer(order: Order, status: str, trade: Trade | None = None) -> Record:
    """Return the answer to an order that was taken."""
    making = taking = ""
    if trade is not None:
        shares, dollars = text(trade.size), text(trade.cost // ONE)
        making, taking = (dollars, shares) if order.buys else (shares, dollars)
    return {
        "success": True,
        "errorMsg": "",
        "orderID": order.id,
        "status": status,
        "makingAmount": making,
        "takingAmount": taking,
        "tradeIDs": [] if trade is None else [trade.id],
        "transactionsHashes": [],
    }


def order_row(order: Order) -> Record:
    """Return an order as lists tell it."""
    return {
        "id": order.id,
        "status": order.status,
        "owner": API_KEY,
        "maker_address": "0x" + "b" * 40,
        "market": order.market.condition,
        "asset_id": order.token,
        "side": "BUY" if order.buys else "SELL",
        "original_size": text(order.size),
        "size_matched": text(order.matched),
        "price": text(order.price),
        "outcome": "Yes" if order.token == order.market.yes else "No",
        "expiration": str(order.expires_s),
        "order_type": order.type,
        "associate_trades": [],
        "created_at": order.created_ms // 1000,
    }


def trade_row(trade: Trade) -> Record:
    """Return a trade as lists tell it."""
    return {
        "id": trade.id,
        "taker_order_id": trade.taker_id,
        "market": trade.market.condition,
        "asset_id": trade.token,
        "side": "BUY" if trade.buys else "SELL",
        "size": text(trade.size),
        "fee_rate_bps": "0",
        "price": text(trade.cost // trade.size),
        "status": f"TRADE_STATUS_{trade.status}",
        "match_time": str(trade.at_ms // 1000),
        "last_update": str(trade.at_ms // 1000),
        "outcome": "Yes" if trade.token == trade.market.yes else "No",
        "bucket_index": 0,
        "owner": API_KEY if trade.taker is not None else "someone",
        "maker_address": "0x" + "b" * 40,
        "trader_side": "TAKER" if trade.taker is not None else "MAKER",
        "transaction_hash": "",
        "maker_orders": [
            {
                "order_id": leg.order_id,
                "owner": leg.owner,
                "maker_address": "0x" + "b" * 40,
                "matched_amount": text(leg.size),
                "price": text(leg.price),
                "fee_rate_bps": "0",
                "asset_id": leg.token,
                "outcome": "Yes" if leg.token == trade.market.yes else "No",
                "side": "BUY" if leg.buys else "SELL",
            }
            for leg in trade.legs
        ],
    }
