"""The stand-in's answers about our account: paths to what the exchange does, JSON in and out."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from typing import Any, Final

import attrs

from .fake_kalshi_engine import ONE, Engine, Fill, Order, Refusal, iso, text, units
from .fake_kalshi_socket import fill_of, order_of

_ORDERS: Final = "/portfolio/events/orders"
_GROUPS: Final = "/portfolio/order_groups"
Query = dict[str, list[str]]
Reply = tuple[int, Any]


@attrs.define(eq=False)
class Rates:
    """The venue's own bucket for everything that changes something.

    Args:
        now_ms: the venue's clock.
        refill: tokens per second.
        capacity: how many are held.

    """

    now_ms: Callable[[], int]
    refill: int
    capacity: int
    held: int = attrs.field(init=False)
    at_ms: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.held, self.at_ms = self.capacity * 1000, self.now_ms()

    def take(self, tokens: int) -> bool:
        """Spend tokens; tell whether they were there."""
        now = self.now_ms()
        grown = self.held + (now - self.at_ms) * self.refill
        self.held, self.at_ms = min(self.capacity * 1000, grown), now
        if tokens * 1000 > self.held:
            return False
        self.held -= tokens * 1000
        return True


class Portfolio:
    """Everything below ``/portfolio`` and what the account may do.

    Args:
        engine: the exchange.

    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.rates: Rates | None = None
        self.page_size = 0
        self.nested_errors = True
        self._remembered: dict[str, Any] | None = None

    def remember(self) -> None:
        """Keep all lists as they are now."""
        with self.engine.lock:
            self._remembered = copy.deepcopy(self._lists())

    def answer(
        self, method: str, name: str, query: Query, body: bytes, *, stale: bool = False
    ) -> Reply | None:
        """Return status and answer, None if this is no path of the account's."""
        try:
            with self.engine.lock:
                if method == "GET":
                    return self._read(name, query, stale=stale)
                return self._change(method, name, query, body)
        except Refusal as e:
            return e.status, problem(e)

    # -- reading -----------------------------------------------------------------------------

    def _lists(self) -> dict[str, Any]:
        engine = self.engine
        engine.resting()  # What has expired is gone.
        shards = sorted(engine.cash)
        return {
            "as_of": iso(engine.now_ms()),
            "orders": [rest_order(one) for one in reversed(engine.orders.values())],
            "fills": [rest_fill(one) for one in reversed(engine.fills)],
            "positions": self._positions(),
            "settlements": list(reversed(engine.settlements)),
            "balances": {shard: engine.available(shard) for shard in shards},
        }

    def _positions(self) -> list[dict[str, Any]]:
        return [
            {
                "ticker": ticker,
                "exchange_index": self.engine.markets[ticker].shard,
                "position_fp": text(held.count, 2),
                "market_exposure_dollars": text(held.cost, 6),
                "total_traded_dollars": text(held.traded, 6),
                "realized_pnl_dollars": text(held.realised, 6),
                "fees_paid_dollars": text(held.fees, 6),
                "last_updated_ts": iso(held.at_ms),
            }
            for ticker, held in self.engine.positions.items()
        ]

    def _read(self, name: str, query: Query, *, stale: bool) -> Reply | None:
        lists = self._remembered if stale and self._remembered is not None else self._lists()
        match name:
            case "/portfolio/orders":
                return self._page("orders", wanted(lists["orders"], query, "created_time"), query)
            case "/portfolio/fills":
                return self._page("fills", wanted(lists["fills"], query, "created_time"), query)
            case "/portfolio/positions":
                found = self._page("market_positions", lists["positions"], query)
                return found[0], found[1] | {"event_positions": []}
            case "/portfolio/settlements":
                told = wanted(lists["settlements"], query, "settled_time")
                return self._page("settlements", told, query)
            case "/portfolio/balance":
                return 200, self._balance(lists["balances"], query)
            case "/exchange/user_data_timestamp":
                return 200, {"as_of_time": lists["as_of"]}
            case "/account/limits":
                bucket = {"refill_rate": 200, "bucket_capacity": 400}
                return 200, {"usage_tier": "basic", "read": bucket, "write": bucket, "grants": []}
            case _:
                pass
        if name.startswith("/portfolio/orders/"):
            return self._one(lists["orders"], name.rpartition("/")[2])
        if name.startswith(f"{_GROUPS}/"):
            return self._group(name.rpartition("/")[2])
        return None

    def _one(self, orders: list[dict[str, Any]], name: str) -> Reply:
        for order in orders:
            if order["order_id"] == name:
                return 200, {"order": order}
        raise Refusal(404, "not_found")

    def _group(self, name: str) -> Reply:
        group = self.engine.groups.get(name)
        if group is None:
            raise Refusal(404, "not_found")
        orders = [one.id for one in self.engine.resting() if one.group == name]
        limit = text(group.limit, 2)
        told = {"is_auto_cancel_enabled": group.open, "orders": orders, "contracts_limit_fp": limit}
        return 200, told | {"exchange_index": group.shard}

    def _balance(self, balances: dict[int, int], query: Query) -> dict[str, Any]:
        asked = query.get("exchange_index")
        chosen = {int(asked[0]): balances.get(int(asked[0]), 0)} if asked else balances
        total = sum(chosen.values())
        worth = sum(held.cost for held in self.engine.positions.values())
        return {
            "balance": total // 10_000,
            "balance_dollars": text(total, 6),
            "portfolio_value": worth // 10_000,
            "updated_ts": self.engine.now_ms() // 1000,
            "balance_breakdown": [
                {"exchange_index": shard, "balance": text(one, 6)} for shard, one in chosen.items()
            ],
        }

    def _page(self, key: str, found: list[dict[str, Any]], query: Query) -> Reply:
        asked = query.get("limit", ["100"])[0]
        if not asked.isdigit() or not 1 <= int(asked) <= 1000:
            return 400, {"msg": "Parameter validation failed: Limit failed on the 'lte' tag"}
        try:
            start = int(base64.b64decode(query.get("cursor", [""])[0] or "MA=="))
        except ValueError:
            start = 0
        end = start + (self.page_size or int(asked))
        following = base64.b64encode(str(end).encode()).decode() if end < len(found) else ""
        return 200, {key: found[start:end], "cursor": following}

    # -- changing ----------------------------------------------------------------------------

    def _change(self, method: str, name: str, query: Query, body: bytes) -> Reply | None:
        asked = json.loads(body) if body else {}
        self._spend(method, name, asked)
        if name == _ORDERS:
            return self._create(asked) if method == "POST" else self._cancel_all()
        if name == f"{_ORDERS}/batched":
            return self._batch(asked) if method == "POST" else self._cancel_batch(asked)
        if name.startswith(f"{_ORDERS}/"):
            return self._of_order(method, name.removeprefix(f"{_ORDERS}/"), query, asked)
        if name.startswith(_GROUPS):
            return self._of_group(name.removeprefix(_GROUPS).strip("/"), asked)
        if name.startswith("/portfolio/orders"):
            raise Refusal(410, "deprecated_v1_order_endpoint")
        return None

    def _spend(self, method: str, name: str, asked: dict[str, Any]) -> None:
        each = 2 if method == "DELETE" else 10
        count = len(asked.get("orders", [])) if name.endswith("/batched") else 1
        if self.rates is not None and not self.rates.take(each * count):
            raise Refusal(429, "too_many_requests")

    def _create(self, asked: dict[str, Any]) -> Reply:
        return 201, created(self.engine.create(asked), self.engine)

    def _cancel_all(self) -> Reply:
        self.engine.cancel_all()
        return 204, None

    def _batch(self, asked: dict[str, Any]) -> Reply:
        answers: list[dict[str, Any]] = []
        for one in asked["orders"]:
            try:
                answers.append(created(self.engine.create(one), self.engine))
            except Refusal as e:
                name = {"client_order_id": one.get("client_order_id")}
                answers.append(name | {"error": problem(e).get("error", problem(e))})
        return 201, {"orders": answers}

    def _cancel_batch(self, asked: dict[str, Any]) -> Reply:
        answers: list[dict[str, Any]] = []
        for one in asked["orders"]:
            name = one["order_id"]
            try:
                order, left = self.engine.cancel(
                    name, one.get("exchange_index"), one.get("market_ticker")
                )
                answers.append(cancelled(order, left))
            except Refusal as e:
                inner = problem(e)["error"]
                answers.append({"order_id": name, "reduced_by": "0.00", "error": inner})
        return 200, {"orders": answers}

    def _of_order(self, method: str, path: str, query: Query, asked: dict[str, Any]) -> Reply:
        name, _, what = path.partition("/")
        if method == "DELETE" and not what:
            shard = query.get("exchange_index")
            ticker = query.get("market_ticker", [None])[0]
            order, left = self.engine.cancel(name, int(shard[0]) if shard else None, ticker)
            return 200, cancelled(order, left)
        if what == "amend":
            order, filled = self.engine.amend(name, asked)
            told = {"remaining_count": text(order.remaining, 2), "fill_count": text(filled, 2)}
            return 200, named(order) | told | {"ts_ms": self.engine.now_ms()}
        if what == "decrease":
            order = self.engine.decrease(name, asked)
            told = {"remaining_count": text(order.remaining, 2)}
            return 200, named(order) | told | {"ts_ms": self.engine.now_ms()}
        raise Refusal(404, "not_found")

    def _of_group(self, path: str, asked: dict[str, Any]) -> Reply:
        name, _, what = path.partition("/")
        if name == "create":
            limit = asked.get("contracts_limit", 0) * 100
            if "contracts_limit_fp" in asked:
                limit = units(asked["contracts_limit_fp"], 2)
            if limit < 1:
                raise Refusal(400, "invalid_parameter")
            group = self.engine.group(limit, asked.get("exchange_index", 0))
            told = {"subaccount": 0, "exchange_index": group.shard}
            return 201, {"order_group_id": group.id} | told
        if what == "trigger":
            self.engine.trigger(name)
        elif what == "reset":
            self.engine.reset(name)
        else:
            raise Refusal(404, "not_found")
        return 200, {}


def problem(refusal: Refusal) -> dict[str, Any]:
    """Return a refusal in the shape the real one gives it."""
    if refusal.code == "bad_request":
        return {"code": refusal.code, "message": "bad request", "details": refusal.details}
    inner = {"code": refusal.code, "message": refusal.code.replace("_", " ")}
    return {"error": inner | ({"details": refusal.details} if refusal.details else {})}


def named(order: Order) -> dict[str, Any]:
    """Return the two names of an order."""
    return {"order_id": order.id} | ({"client_order_id": order.client} if order.client else {})


def created(order: Order, engine: Engine) -> dict[str, Any]:
    """Return the answer to an order that was taken."""
    counts = {"fill_count": text(order.filled, 2), "remaining_count": text(order.remaining, 2)}
    found = named(order) | counts | {"ts_ms": engine.now_ms()}
    if order.filled:
        of_it = [one for one in engine.fills if one.order is order]
        worth = sum(one.price * one.count for one in of_it)
        fees = sum(one.fee for one in of_it)
        found |= {
            "average_fill_price": text(worth // order.filled, 4),
            "average_fee_paid": text(fees // order.filled, 4),
        }
    return found


def cancelled(order: Order, left: int) -> dict[str, Any]:
    """Return the answer to a cancel that worked."""
    return named(order) | {"reduced_by": text(left, 2), "ts_ms": order.updated_ms}


def rest_order(order: Order) -> dict[str, Any]:
    """Return an order as lists tell it."""
    found = order_of(order) | {
        "no_price_dollars": text(ONE - order.price, 4),
        "type": "limit",
        "action": "buy",
        "subaccount_number": 0,
        "cancel_order_on_pause": order.on_pause,
    }
    for key in ("is_yes", "created_ts_ms", "last_updated_ts_ms", "last_update_reason"):
        found.pop(key, None)
    if "expiration_ts_ms" in found:
        found["expiration_time"] = iso(found.pop("expiration_ts_ms"))
    return found


def rest_fill(fill: Fill) -> dict[str, Any]:
    """Return a trade of ours as lists tell it; its order's name is not in it."""
    found = fill_of(fill)
    for key in ("client_order_id", "post_position_fp", "purchased_side", "ts_ms"):
        del found[key]
    return found | {
        "fill_id": fill.id,
        "ticker": fill.ticker,
        "no_price_dollars": text(ONE - fill.price, 4),
        "created_time": iso(fill.at_ms),
        "subaccount_number": 0,
    }


def wanted(found: list[dict[str, Any]], query: Query, when: str) -> list[dict[str, Any]]:
    """Return what a query asks for."""
    for key in ("ticker", "event_ticker", "status", "order_id"):
        if key in query:
            found = [
                one for one in found if one.get(key, one["ticker"].rpartition("-")[0]) in query[key]
            ]
    if "exchange_index" in query:
        found = [one for one in found if one["exchange_index"] == int(query["exchange_index"][0])]
    if "min_ts" in query:
        since = iso(int(query["min_ts"][0]) * 1000)
        found = [one for one in found if one[when] >= since]
    if "max_ts" in query:
        until = iso(int(query["max_ts"][0]) * 1000)
        found = [one for one in found if one[when] < until]
    return found
