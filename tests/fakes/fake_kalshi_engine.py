"""The exchange behind the stand-in for Kalshi: its own matching, money, fees and settlement.

Counted in whole units of its own (prices in 1e-4 dollar, sizes in 1e-2 contract, money in 1e-6
dollar) and written without looking at the bot's code, so that the two can disagree. "Us" is the
member whose keys are known; everybody else is the crowd, which has money without end.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import attrs

Side = Literal["bid", "ask"]
Emit = Callable[[str, str, dict[str, Any]], None]

ONE = 10_000
CENTI = 100
DOLLAR = 1_000_000
STEP = 100  # The least amount of money that moves: a hundredth of a cent.
_TAKER_RATE = 70_000
_MAKER_RATE = {
    "quadratic": 0,
    "quadratic_with_maker_fees": 17_500,
    "quadratic_with_combo_maker_fees": 35_000,
}
_GROUP_WINDOW_MS = 15_000


class Refusal(Exception):
    """The venue says no, with a status and a code."""

    def __init__(self, status: int, code: str, details: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.details = status, code, details


def units(text: object, places: int) -> int:
    """Return a decimal text in units of its last place.

    Raises:
        Refusal: in the flat shape if it is no text, or not a number of that many places.

    """
    if not isinstance(text, str):
        details = "json: cannot unmarshal number into Go struct field of type string"
        raise Refusal(400, "bad_request", details)
    whole, _, part = text.partition(".")
    part = part.rstrip("0") if len(part) > places else part
    digits = whole + part.ljust(places, "0")
    if len(part) > places or not digits.isascii() or not digits.isdigit():
        raise Refusal(400, "invalid_order", f"not a number: {text[:20]}")
    return int(digits)


def text(value: int, places: int) -> str:
    """Return units as a decimal text with all its places."""
    sign, digits = "-" if value < 0 else "", str(abs(value)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


@attrs.define(eq=False)
class Order:
    """An order, ours (``client`` is its name) or somebody's."""

    id: str
    client: str
    ours: bool
    ticker: str
    shard: int
    side: Side
    price: int
    initial: int
    tif: str
    created_ms: int
    updated_ms: int
    expires: int | None = None
    group: str = ""
    on_pause: bool = False
    stp: str = "taker_at_cross"
    filled: int = 0
    status: str = "resting"
    reason: str = ""
    costs: dict[bool, int] = attrs.field(factory=lambda: {True: 0, False: 0})
    fees: dict[bool, int] = attrs.field(factory=lambda: {True: 0, False: 0})
    carried: int = 0
    turn: int = 0

    @property
    def remaining(self) -> int:
        """What may still trade."""
        return self.initial - self.filled if self.status == "resting" else 0


@attrs.frozen(kw_only=True)
class Fill:
    """One of our trades; money in 1e-6 dollar."""

    id: str
    order: Order
    ticker: str
    side: Side
    price: int
    count: int
    taker: bool
    fee: int
    at_ms: int
    position: int


@attrs.frozen(kw_only=True)
class Trade:
    """A print."""

    id: str
    ticker: str
    price: int
    count: int
    taker: Side
    at_ms: int


@attrs.define(eq=False)
class Position:
    """What we hold of a market: YES counts up, NO counts down."""

    count: int = 0
    cost: int = 0
    traded: int = 0
    fees: int = 0
    realised: int = 0
    at_ms: int = 0


@attrs.define(eq=False)
class Group:
    """Orders that are all cancelled once too many contracts have matched in 15 seconds."""

    id: str
    shard: int
    limit: int
    open: bool = True
    matched: deque[tuple[int, int]] = attrs.field(factory=deque)


@attrs.define(eq=False)
class Listed:
    """A market: its record as told, and the orders that rest in it."""

    record: dict[str, Any]
    fee_type: str = "quadratic"
    multiplier: tuple[int, int] = (1, 1)
    bids: list[Order] = attrs.field(factory=list)
    asks: list[Order] = attrs.field(factory=list)
    clock: int = 0

    @property
    def shard(self) -> int:
        """Where it is traded."""
        return int(self.record.get("exchange_index", 0))

    @property
    def closes_ms(self) -> int:
        """When it closes by itself."""
        return int(datetime.fromisoformat(self.record["close_time"]).timestamp() * 1000)

    def resting(self, side: Side) -> list[Order]:
        """Return one side, the best and oldest first."""
        return self.bids if side == "bid" else self.asks

    def on_grid(self, price: int) -> bool:
        """Tell whether an order may have this price."""
        return 0 < price < ONE and any(
            units(one["start"], 4) <= price <= units(one["end"], 4)
            and (price - units(one["start"], 4)) % units(one["step"], 4) == 0
            for one in self.record["price_ranges"]
        )

    def levels(self, side: Side) -> dict[int, int]:
        """Return what rests on a side, by YES price."""
        found: dict[int, int] = {}
        for order in self.resting(side):
            found[order.price] = found.get(order.price, 0) + order.remaining
        return {price: count for price, count in found.items() if count}


class Engine:
    """A whole exchange; every method may be called from any thread.

    Args:
        now_ms: the venue's clock.
        cash: our money in dollars by shard.

    """

    def __init__(self, now_ms: Callable[[], int], cash: dict[int, str] | None = None) -> None:
        self.now_ms = now_ms
        self.lock = threading.RLock()
        self.cash = {shard: units(amount, 6) for shard, amount in (cash or {0: "100.00"}).items()}
        self.records: list[dict[str, Any]] = []
        self.markets: dict[str, Listed] = {}
        self.orders: dict[str, Order] = {}
        self.named: dict[str, Order] = {}
        self.fills: list[Fill] = []
        self.trades: list[Trade] = []
        self.positions: dict[str, Position] = {}
        self.settlements: list[dict[str, Any]] = []
        self.groups: dict[str, Group] = {}
        self.paused: set[int] = set()
        self.closed = False
        self.lingers_ms = 0
        self.listeners: list[Emit] = []
        self._swept_until = 0
        self._turn = 0

    # -- markets -----------------------------------------------------------------------------

    def list_market(
        self,
        record: dict[str, Any],
        *,
        fee_type: str = "quadratic",
        multiplier: tuple[int, int] = (1, 1),
    ) -> Listed:
        """Open a market with this record; ``multiplier`` of its fees is a fraction."""
        with self.lock:
            listed = Listed(record, fee_type, multiplier)
            self.records.append(record)
            self.markets[record["ticker"]] = listed
            return listed

    def relist(self, ticker: str, ranges: list[dict[str, str]], structure: str) -> None:
        """Change a market's price grid while it trades."""
        with self.lock:
            self.markets[ticker].record |= {
                "price_ranges": ranges,
                "price_level_structure": structure,
            }
            event = {"price_level_structure": structure, "price_ranges": ranges}
            self._lifecycle(ticker, "price_level_structure_updated", **event)

    def deactivate(self, ticker: str) -> None:
        """Stop trading in a market for now."""
        with self.lock:
            self.markets[ticker].record["status"] = "inactive"
            self._lifecycle(ticker, "deactivated", is_deactivated=True)

    def activate(self, ticker: str) -> None:
        """Go on trading in a market: whatever rested is cancelled."""
        with self.lock:
            self.markets[ticker].record["status"] = "active"
            self._clear(ticker, "MarketReactivated")
            self._lifecycle(ticker, "activated", is_deactivated=False)

    def move_close(self, ticker: str, close_time: str, close_s: int) -> None:
        """Let a market close at another time."""
        with self.lock:
            self.markets[ticker].record["close_time"] = close_time
            self._lifecycle(ticker, "close_date_updated", close_ts=close_s)

    def close(self, ticker: str) -> None:
        """Close a market; nobody is told, and resting orders are cancelled."""
        with self.lock:
            self.markets[ticker].record["status"] = "closed"
            self._clear(ticker, "MarketClosed")

    def determine(self, ticker: str, result: str, value: str = "") -> None:
        """Tell how a market ended; nothing is paid yet."""
        with self.lock:
            self.close(ticker)
            paid = value or {"yes": "1.0000", "no": "0.0000"}[result]
            self.markets[ticker].record |= {
                "status": "determined",
                "result": result,
                "settlement_value_dollars": paid,
            }
            more = {"result": result, "settlement_value": paid}
            stamp = self.now_ms() // 1000
            self._lifecycle(ticker, "determined", determination_ts=stamp, **more)

    def finalize(self, ticker: str) -> None:
        """Pay for what is held in a market that is determined."""
        with self.lock:
            listed = self.markets[ticker]
            value = units(listed.record["settlement_value_dollars"], 4)
            listed.record |= {"status": "finalized", "settlement_ts": iso(self.now_ms())}
            held = self.positions.pop(ticker, Position())
            each = value if held.count > 0 else ONE - value
            revenue = abs(held.count) * each
            self.cash[listed.shard] = self.cash.get(listed.shard, 0) + revenue
            if held.count:
                self.settlements.append(self._settlement(listed, held, revenue, value))
            self._lifecycle(ticker, "settled", settled_ts=self.now_ms() // 1000)

    def pause(self, shard: int) -> None:
        """Stop trading on a shard: no orders, but cancels."""
        with self.lock:
            self.paused.add(shard)
            for order in self._ours():
                if order.on_pause and order.shard == shard:
                    self._end(order, "canceled", "ExchangePaused")

    def resume(self, shard: int) -> None:
        """Go on trading on a shard."""
        with self.lock:
            self.paused.discard(shard)

    # -- what members do ---------------------------------------------------------------------

    def create(self, asked: dict[str, Any]) -> Order:
        """Take an order of ours.

        Raises:
            Refusal: if it is not taken.

        """
        with self.lock:
            self._expire()
            order, listed = self._checked(asked)
            self._turn += 1
            order.id, order.turn = f"o-{self._turn:06}", self._turn
            if asked.get("reduce_only"):
                order.initial = min(order.initial, self._closable(order))
                if not order.initial:
                    raise Refusal(400, "invalid_order", "reduce only")
            self._afford(order, listed)
            if asked.get("post_only") and self._crossed(order, listed):
                raise Refusal(400, "invalid_order", "post only cross")
            if order.tif == "fill_or_kill" and self._reachable(order, listed) < order.initial:
                raise Refusal(409, "fill_or_kill_insufficient_resting_volume")
            self.orders[order.id] = order
            self.named[order.client or order.id] = order
            self._work(order, listed)
            if self.now_ms() < self._swept_until:
                self._end(order, "canceled", "CancelAll")
            return order

    def crowd(self, ticker: str, side: Side, price: str, count: str, *, ioc: bool = False) -> Order:
        """Let somebody else bid for YES or offer it."""
        with self.lock:
            self._expire()
            self._turn += 1
            listed = self.markets[ticker]
            order = Order(
                id=f"c-{self._turn:06}",
                client="",
                ours=False,
                ticker=ticker,
                shard=listed.shard,
                side=side,
                price=units(price, 4),
                initial=units(count, 2),
                tif="immediate_or_cancel" if ioc else "good_till_canceled",
                created_ms=self.now_ms(),
                updated_ms=self.now_ms(),
                turn=self._turn,
            )
            self._work(order, listed)
            return order

    def withdraw(self, order: Order) -> None:
        """Let somebody else take an order back."""
        with self.lock:
            self._end(order, "canceled", "")

    def cancel(self, name: str, shard: int | None, ticker: str | None) -> tuple[Order, int]:
        """Cancel an order of ours; return it and how much of it was still there.

        Raises:
            Refusal: if nothing rests under that name on that shard.

        """
        with self.lock:
            order = self._found(name, shard, ticker)
            if self.markets[order.ticker].record["status"] != "active":
                raise Refusal(400, "MARKET_INACTIVE")
            left = order.remaining
            self._end(order, "canceled", "UserCancel")
            return order, left

    def cancel_all(self) -> None:
        """Cancel everything of ours; what comes within the next moments may be hit, too."""
        with self.lock:
            self._expire()
            self._swept_until = self.now_ms() + self.lingers_ms
            for order in self._ours():
                self._end(order, "canceled", "CancelAll")

    def amend(self, name: str, asked: dict[str, Any]) -> tuple[Order, int]:
        """Change price, total size or expiry; return the order and how much it filled by that.

        Raises:
            Refusal: if it is not resting, is another one, or the new terms are not taken.

        """
        with self.lock:
            order = self._found(name, asked.get("exchange_index"), asked.get("ticker"))
            listed = self._open(order.ticker)
            if asked["side"] != order.side:
                raise Refusal(400, "order_side_mismatch")
            if asked["ticker"] != order.ticker:
                raise Refusal(400, "order_ticker_mismatch")
            if asked.get("client_order_id", order.client) != order.client:
                raise Refusal(400, "order_id_and_client_order_id_mismatch")
            price, total = units(asked["price"], 4), units(asked["count"], 2)
            if not listed.on_grid(price):
                raise Refusal(400, "invalid_price")
            if total <= order.filled:
                raise Refusal(400, "invalid_order_size")
            renamed = asked.get("updated_client_order_id", order.client)
            if renamed != order.client and renamed in self.named:
                raise Refusal(409, "order_already_exists")
            expires = (
                self._expiry(asked, order.tif) if "expiration_time" in asked else order.expires
            )
            changed = attrs.evolve(order, price=price, initial=total)
            self._afford(changed, listed, instead_of=order)
            return self._amended(order, listed, price, total, renamed, expires)

    def decrease(self, name: str, asked: dict[str, Any]) -> Order:
        """Make an order smaller.

        Raises:
            Refusal: if it is not resting, or the request is none.

        """
        with self.lock:
            order = self._found(name, asked.get("exchange_index"), asked.get("market_ticker"))
            if ("reduce_by" in asked) == ("reduce_to" in asked):
                raise Refusal(400, "invalid_order", "exactly one of reduce_by and reduce_to")
            if "reduce_by" in asked:
                left = max(0, order.remaining - units(asked["reduce_by"], 2))
            else:
                left = min(order.remaining, units(asked["reduce_to"], 2))
            if not left:
                self._end(order, "canceled", "Decrease")
                return order
            gone = order.remaining - left
            order.initial -= gone
            order.updated_ms = self.now_ms()
            self._level(order, -gone)
            self._told(order)
            return order

    def group(self, limit: int, shard: int) -> Group:
        """Make a group of orders that trade at most so many hundredths of a contract in 15 s."""
        with self.lock:
            made = Group(id=f"g-{len(self.groups) + 1}", shard=shard, limit=limit)
            self.groups[made.id] = made
            return made

    def trigger(self, name: str) -> None:
        """Cancel a group's orders and take no more of them."""
        with self.lock:
            self._found_group(name).open = False
            for order in self._ours():
                if order.group == name:
                    self._end(order, "canceled", "OrderGroupTriggered")

    def reset(self, name: str) -> None:
        """Take orders of a group again."""
        with self.lock:
            group = self._found_group(name)
            group.open = True
            group.matched.clear()

    # -- what is asked -----------------------------------------------------------------------

    def available(self, shard: int) -> int:
        """Return what can be spent on a shard: money less what our resting orders hold."""
        with self.lock:
            self._expire()
            return self.cash.get(shard, 0) - sum(
                self._locked(order) for order in self._ours() if order.shard == shard
            )

    def exposure(self) -> int:
        """Return the most we can lose: the cost of what is held, and of all that rests."""
        with self.lock:
            self._expire()
            held = sum(one.cost for one in self.positions.values())
            return held + sum(self._locked(order) for order in self._ours())

    def resting(self) -> list[Order]:
        """Return our resting orders, the oldest first."""
        with self.lock:
            self._expire()
            return list(self._ours())

    def book(self, ticker: str) -> dict[str, Any]:
        """Return a book as it is told by REST, without its ticker."""
        with self.lock:
            self._expire()
            listed = self.markets[ticker]
            yes = [[text(p, 4), text(n, 2)] for p, n in sorted(listed.levels("bid").items())]
            no = sorted((ONE - p, n) for p, n in listed.levels("ask").items())
            sides = {"yes_dollars": yes, "no_dollars": [[text(p, 4), text(n, 2)] for p, n in no]}
            return {"orderbook_fp": sides}

    # -- inside ------------------------------------------------------------------------------

    def _checked(self, asked: dict[str, Any]) -> tuple[Order, Listed]:
        price, count = units(asked.get("price"), 4), units(asked.get("count"), 2)
        tif = asked.get("time_in_force")
        if tif not in ("good_till_canceled", "immediate_or_cancel", "fill_or_kill"):
            raise Refusal(400, "invalid_order", "time_in_force")
        if asked.get("side") not in ("bid", "ask"):
            raise Refusal(400, "invalid_order", "side")
        if asked.get("self_trade_prevention_type") not in ("taker_at_cross", "maker"):
            raise Refusal(400, "invalid_order", "self_trade_prevention_type")
        if asked.get("reduce_only") and tif != "immediate_or_cancel":
            raise Refusal(400, "invalid_order", "reduce only needs immediate_or_cancel")
        if asked.get("post_only") and tif != "good_till_canceled":
            raise Refusal(400, "invalid_order", "post only needs good_till_canceled")
        name = asked.get("client_order_id", "")
        if name and name in self.named:
            raise Refusal(409, "order_already_exists")
        listed = self._open(asked.get("ticker", ""), asked.get("exchange_index"))
        if not listed.on_grid(price):
            raise Refusal(400, "invalid_price")
        if count <= 0:
            raise Refusal(400, "invalid_order_size")
        group = asked.get("order_group_id", "")
        if group and not self._found_group(group).open:
            raise Refusal(400, "invalid_order", "order group triggered")
        now = self.now_ms()
        return Order(
            id="",
            client=name,
            ours=True,
            ticker=asked["ticker"],
            shard=listed.shard,
            side=asked["side"],
            price=price,
            initial=count,
            tif=tif,
            created_ms=now,
            updated_ms=now,
            expires=self._expiry(asked, tif),
            group=group,
            on_pause=bool(asked.get("cancel_order_on_pause")),
            stp=asked["self_trade_prevention_type"],
        ), listed

    def _expiry(self, asked: dict[str, Any], tif: str) -> int | None:
        at: int | None = asked.get("expiration_time")
        if not at:
            return None
        if tif != "good_till_canceled":
            raise Refusal(400, "invalid_order", "expiration_time needs good_till_canceled")
        if at * 1000 <= self.now_ms():
            raise Refusal(400, "invalid_order", "expiration_time must be in the future")
        return at

    def _open(self, ticker: str, shard: int | None = None) -> Listed:
        self._expire()
        listed = self.markets.get(ticker)
        if listed is None or (shard is not None and shard not in (-1, listed.shard)):
            raise Refusal(404, "not_found")
        if self.closed or listed.shard in self.paused:
            raise Refusal(503, "trading_paused")
        if listed.record["status"] != "active":
            raise Refusal(400, "MARKET_INACTIVE")
        return listed

    def _found(self, name: str, shard: int | None, ticker: str | None) -> Order:
        self._expire()
        if self.closed:
            raise Refusal(503, "exchange_paused")
        order = self.orders.get(name)
        if shard in (None, -1):
            # Without a market to route by, the first shard is the only one looked at.
            listed = self.markets.get(ticker or "")
            shard = 0 if listed is None else listed.shard
        if order is None or order.status != "resting" or order.shard != shard:
            raise Refusal(404, "not_found")
        return order

    def _found_group(self, name: str) -> Group:
        if name not in self.groups:
            raise Refusal(404, "not_found")
        return self.groups[name]

    def _ours(self) -> Iterator[Order]:
        return iter([one for one in self.orders.values() if one.status == "resting"])

    def _expire(self) -> None:
        now = self.now_ms()
        for ticker, listed in self.markets.items():
            if listed.record["status"] == "active" and listed.closes_ms <= now:
                self.close(ticker)
        for order in self._ours():
            if order.expires is not None and order.expires * 1000 <= now:
                self._end(order, "canceled", "Expired")

    def _closable(self, order: Order) -> int:
        held = self.positions.get(order.ticker, Position()).count
        return max(0, -held if order.side == "bid" else held)

    def _locked(self, order: Order) -> int:
        # Older orders of the same side close first.
        before = sum(
            one.remaining
            for one in self._ours()
            if one.ticker == order.ticker and one.side == order.side and one.turn < order.turn
        )
        closing = min(order.remaining, max(0, self._closable(order) - before))
        return self._stake(order) * (order.remaining - closing)

    def _stake(self, order: Order) -> int:
        return order.price if order.side == "bid" else ONE - order.price

    def _afford(self, order: Order, listed: Listed, instead_of: Order | None = None) -> None:
        opening = max(0, order.initial - order.filled - self._closable(order))
        need = self._stake(order) * opening
        need += self._fee(listed, order.price, opening, taker=True) if opening else 0
        freed = self._locked(instead_of) if instead_of is not None else 0
        if need > self.available(order.shard) + freed:
            raise Refusal(400, "insufficient_balance")

    def _fee(self, listed: Listed, price: int, count: int, *, taker: bool) -> int:
        rate = _TAKER_RATE if taker else _MAKER_RATE[listed.fee_type]
        up, down = listed.multiplier
        return -(-rate * up * count * price * (ONE - price) // (10**10 * down))

    def _matches(self, order: Order, listed: Listed) -> Iterator[Order]:
        other: Side = "ask" if order.side == "bid" else "bid"
        for one in list(listed.resting(other)):
            better = one.price <= order.price if order.side == "bid" else one.price >= order.price
            if not better:
                return
            yield one

    def _crossed(self, order: Order, listed: Listed) -> bool:
        return next(self._matches(order, listed), None) is not None

    def _reachable(self, order: Order, listed: Listed) -> int:
        return sum(one.remaining for one in self._matches(order, listed) if not one.ours)

    def _work(self, order: Order, listed: Listed) -> None:
        for other in self._matches(order, listed):
            if order.ours and other.ours:
                if order.stp == "taker_at_cross":
                    self._end(order, "canceled", "SelfTradePrevention")
                    return
                self._end(other, "canceled", "SelfTradePrevention")
                continue
            self._trade(order, other, listed)
            if order.status != "resting" or not order.remaining:
                break
        if order.status == "resting" and order.tif != "good_till_canceled":
            self._end(order, "canceled", "IOC")
        elif order.status == "resting":
            self._rest(order, listed)
        self._told(order)

    def _rest(self, order: Order, listed: Listed) -> None:
        side = listed.resting(order.side)
        side.append(order)
        sign = -1 if order.side == "bid" else 1
        side.sort(key=lambda one: (sign * one.price, one.turn))
        self._level(order, order.remaining)

    def _trade(self, taker: Order, maker: Order, listed: Listed) -> None:
        self._turn += 1
        count, at = min(taker.remaining, maker.remaining), self.now_ms()
        trade = Trade(
            id=f"t-{self._turn:06}",
            ticker=listed.record["ticker"],
            price=maker.price,
            count=count,
            taker=taker.side,
            at_ms=at,
        )
        self.trades.append(trade)
        self._level(maker, -count)
        for order, takes in ((maker, False), (taker, True)):
            order.filled += count
            order.updated_ms = at
            if order.filled == order.initial:
                self._leave(order)
                order.status = "executed"
            if order.ours:
                self._book(order, trade, listed, takes=takes)
        if maker.ours:
            self._told(maker)
        self._emit("trade", trade.ticker, {"trade": trade})
        self._emit("ticker", trade.ticker, {"trade": trade})
        for order in (maker, taker):
            self._count(order, count)

    def _book(self, order: Order, trade: Trade, listed: Listed, *, takes: bool) -> None:
        """Count a trade of ours: money, fee, position."""
        held = self.positions.setdefault(order.ticker, Position())
        signed = trade.count if order.side == "bid" else -trade.count
        closing = min(trade.count, abs(held.count)) if held.count * signed < 0 else 0
        opening = trade.count - closing
        stake = trade.price if order.side == "bid" else ONE - trade.price
        moved = (ONE - stake) * closing - stake * opening
        fee = self._fee(listed, trade.price, trade.count, taker=takes)
        net = moved - fee
        fee += net - net // STEP * STEP
        order.carried += net - net // STEP * STEP
        rebate = min(order.carried, fee) // STEP * STEP
        order.carried -= rebate
        fee -= rebate
        self.cash[listed.shard] += moved - fee
        cost = held.cost * closing // abs(held.count) if closing else 0
        held.realised += (ONE - stake) * closing - cost
        held.cost += stake * opening - cost
        held.count += signed
        held.traded += stake * trade.count
        held.fees += fee
        held.at_ms = trade.at_ms
        order.costs[takes] += stake * trade.count
        order.fees[takes] += fee
        fill = Fill(
            id=trade.id,
            order=order,
            ticker=trade.ticker,
            side=order.side,
            price=trade.price,
            count=trade.count,
            taker=takes,
            fee=fee,
            at_ms=trade.at_ms,
            position=held.count,
        )
        self.fills.append(fill)
        self._emit("fill", trade.ticker, {"fill": fill})
        self._emit("market_positions", trade.ticker, {"position": held})

    def _count(self, order: Order, count: int) -> None:
        group = self.groups.get(order.group)
        if group is None:
            return
        now = self.now_ms()
        group.matched.append((now, count))
        while group.matched and group.matched[0][0] <= now - _GROUP_WINDOW_MS:
            group.matched.popleft()
        if group.open and sum(each for _, each in group.matched) >= group.limit:
            self.trigger(group.id)

    def _amended(
        self,
        order: Order,
        listed: Listed,
        price: int,
        total: int,
        renamed: str,
        expires: int | None,
    ) -> tuple[Order, int]:
        before, moved = order.filled, price != order.price or total > order.initial
        if moved:
            self._level(order, -order.remaining)
            self._leave(order)
            self._turn += 1
            order.turn = self._turn
        elif total < order.initial:
            self._level(order, total - order.initial)
        order.price, order.initial, order.expires = price, total, expires
        order.updated_ms = self.now_ms()
        order.client = renamed
        self.named[renamed] = order
        if moved:
            self._work(order, listed)
        else:
            self._told(order)
        return order, order.filled - before

    def _end(self, order: Order, status: str, reason: str) -> None:
        if order.status != "resting":
            return
        if self._leave(order):
            self._level(order, -(order.initial - order.filled))
        order.status, order.reason, order.updated_ms = status, reason, self.now_ms()
        self._told(order)

    def _leave(self, order: Order) -> bool:
        side = self.markets[order.ticker].resting(order.side)
        if order in side:
            side.remove(order)
            return True
        return False

    def _clear(self, ticker: str, reason: str) -> None:
        listed = self.markets[ticker]
        for order in [*listed.bids, *listed.asks]:
            self._end(order, "canceled", reason)

    def _settlement(
        self, listed: Listed, held: Position, revenue: int, value: int
    ) -> dict[str, Any]:
        yes = held.count > 0
        return {
            "ticker": listed.record["ticker"],
            "event_ticker": listed.record["event_ticker"],
            "exchange_index": listed.shard,
            "market_result": listed.record["result"],
            "yes_count_fp": text(held.count if yes else 0, 2),
            "no_count_fp": text(0 if yes else -held.count, 2),
            "yes_total_cost_dollars": text(held.cost if yes else 0, 6),
            "no_total_cost_dollars": text(0 if yes else held.cost, 6),
            "revenue": revenue // 10_000,
            "value": value // 100,
            "settled_time": iso(self.now_ms()),
            "fee_cost": text(held.fees, 6),
        }

    # -- telling -----------------------------------------------------------------------------

    def _level(self, order: Order, change: int) -> None:
        if change:
            listed = self.markets[order.ticker]
            listed.clock += 1
            told = {"side": order.side, "price": order.price, "change": change, "order": order}
            self._emit("orderbook_delta", order.ticker, told | {"clock": listed.clock})

    def _told(self, order: Order) -> None:
        if order.ours and order.id:
            self._emit("user_orders", order.ticker, {"order": order})

    def _lifecycle(self, ticker: str, kind: str, **more: Any) -> None:
        self._emit("market_lifecycle_v2", ticker, {"event_type": kind} | more)

    def _emit(self, channel: str, ticker: str, message: dict[str, Any]) -> None:
        for listener in list(self.listeners):
            listener(channel, ticker, message)


def iso(at_ms: int) -> str:
    """Return a time as the venue writes it."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03}Z"
