"""The loopback Polymarket with a whole exchange behind its order routes, and faults per request."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import attrs
from eth_account import Account

from market_bot.adapters.polymarket.problems import NoAnswer, Unreachable
from market_bot.adapters.polymarket.transport import Reply, Request, Transport
from tests.fakes.fake_polymarket import (
    CANCEL_ONLY,
    POST_ONLY,
    RESTART,
    Answer,
    FakePolymarket,
    typed_digest,
    typed_order,
    wallet_says_yes,
)
from tests.fakes.fake_polymarket_engine import Engine, Mode
from tests.fakes.fake_polymarket_records import API_KEY, KEY, Record

ALLOWED = str((1 << 256) - 1)
HALTED: Answer = (503, b'{"error":"Trading is currently disabled."}', {})
DEPOSIT = 3
OWNER = str(Account.from_key(KEY).address)
PAGE = 3
"""A page of a list is short, so that lists have to be walked."""


class ExchangePolymarket(FakePolymarket):
    """The venue; every attribute may be changed while it serves."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.wallet = 0
        self.holder = OWNER
        self.strange = "0x" + f"{77:064x}"
        self.blocked = False
        self.close_only = False
        self.protocol = 2
        self.spenders = list(_EXCHANGES)
        self.page = PAGE
        self.heartbeat = ""
        self.beats = 0
        self.refreshed: list[tuple[str, str]] = []
        self.chain_copy: dict[str, int] | None = None

    def _routes(self) -> dict[tuple[str, str], Callable[..., Answer]]:
        return {
            **super()._routes(),
            ("POST", "/order"): self._signed_in("POST", self._take_order),
            ("POST", "/orders"): self._signed_in("POST", self._take_orders),
            ("DELETE", "/order"): self._signed_in("DELETE", self._cancel_one),
            ("DELETE", "/orders"): self._signed_in("DELETE", self._cancel_some),
            ("DELETE", "/cancel-all"): self._signed_in("DELETE", self._cancel_every),
            ("DELETE", "/cancel-market-orders"): self._signed_in("DELETE", self._cancel_token),
            ("GET", "/data/orders"): self._signed_in("GET", self._list_orders),
            ("GET", "/data/trades"): self._signed_in("GET", self._list_trades),
            ("GET", "/balance-allowance"): self._signed_in("GET", self._balance),
            ("GET", "/balance-allowance/update"): self._signed_in("GET", self._refresh),
            ("GET", "/auth/ban-status/closed-only"): self._signed_in("GET", self._closed_only),
            ("POST", "/v1/heartbeats"): self._signed_in("POST", self._beat),
            ("GET", "/v2/positions"): self._positions,
            ("GET", "/api/geoblock"): lambda *_: ok(
                {"blocked": self.blocked, "ip": "203.0.113.7", "country": "IE", "region": "L"}
            ),
            ("GET", "/version"): lambda *_: ok({"version": self.protocol}),
            ("GET", "/time"): lambda *_: ok(self.engine.now_ms() // 1000),
        }

    def _signed_in(
        self, method: str, serve: Callable[[Record, bytes], Answer]
    ) -> Callable[..., Answer]:
        def guarded(query: Record, _: Any, headers: Record, body: bytes, path: str) -> Answer:
            if self._unauthorised(method, path, headers, body):
                return refusal(401, "Unauthorized/Invalid api key")
            return serve(query, body)

        return guarded

    def _take_order(self, _: Record, body: bytes) -> Answer:
        posted = json.loads(body)
        closed = self._closed([posted])
        if closed is not None:
            return closed
        placed = self._placed(posted)
        return refusal(400, placed) if isinstance(placed, str) else ok(placed)

    def _take_orders(self, _: Record, body: bytes) -> Answer:
        posted = json.loads(body)
        if len(posted) > 15:
            words = f"Too many orders in payload: {len(posted)}, max allowed: 15"
            return refusal(400, words)
        closed = self._closed(posted)
        if closed is not None:
            return closed
        legs = [self._placed(one) for one in posted]
        failed = {"success": True, "orderID": "", "status": "", "makingAmount": ""}
        return ok([failed | {"errorMsg": one} if isinstance(one, str) else one for one in legs])

    def _closed(self, posted: list[Record]) -> Answer | None:
        match self.engine.mode:
            case Mode.OPEN:
                return None
            case Mode.RESTARTING:
                return RESTART
            case Mode.POST_ONLY:
                return None if all(one.get("postOnly") for one in posted) else POST_ONLY
            case Mode.CANCEL_ONLY:
                return CANCEL_ONLY
            case Mode.HALTED:
                return HALTED

    def _placed(self, posted: Record) -> Record | str:
        order = posted["order"]
        message = typed_order(order, self.contracts[order["tokenId"]])
        if posted["owner"] != API_KEY:
            return "the order owner has to be the owner of the API KEY"
        if not self._may_spend(order):
            return "invalid signature"
        return self.engine.place("0x" + typed_digest(message).hex(), posted)

    def _may_spend(self, order: Record) -> bool:
        """Tell whether the account's own wallet agreed to an order, as its kind of wallet does."""
        contract = self.contracts[order["tokenId"]]
        if order["signatureType"] != self.wallet or not self._is_ours(order["maker"]):
            return False
        if self.wallet == DEPOSIT:
            return wallet_says_yes(order, contract, OWNER)
        message = typed_order(order, contract)
        signed_by = Account.recover_message(message, signature=order["signature"])
        return bool(signed_by == order["signer"] == OWNER)

    def _is_ours(self, address: str) -> bool:
        return address.lower() == self.holder.lower()

    def _cancel_one(self, _: Record, body: bytes) -> Answer:
        return ok(self.engine.cancel([json.loads(body)["orderID"]]))

    def _cancel_some(self, _: Record, body: bytes) -> Answer:
        return ok(self.engine.cancel(json.loads(body)))

    def _cancel_every(self, *_: Any) -> Answer:
        return ok(self.engine.cancel_all())

    def _cancel_token(self, _: Record, body: bytes) -> Answer:
        return ok(self.engine.cancel_all(json.loads(body)["asset_id"]))

    def _list_orders(self, query: Record, _: bytes) -> Answer:
        return self._paged(self.engine.order_rows(query.get("id", "")), query)

    def _list_trades(self, query: Record, _: bytes) -> Answer:
        rows = self.engine.trade_rows(query.get("id", ""), int(query.get("after", "0")))
        return self._paged(rows, query)

    def _paged(self, rows: list[Record], query: Record) -> Answer:
        start = int(query.get("next_cursor", "p0")[1:])
        part = rows[start : start + self.page]
        more = f"p{start + self.page}" if start + self.page < len(rows) else "LTE="
        return ok({"data": part, "next_cursor": more, "limit": self.page, "count": len(part)})

    def _balance(self, query: Record, _: bytes) -> Answer:
        if query["signature_type"] != str(self.wallet):
            # Another wallet of the same key: there is nothing in it.
            return ok({"balance": "0", "allowances": {}})
        self.engine.advance()
        token = query.get("token_id", "")
        there = self._chain() if self.chain_copy is None else self.chain_copy
        allowances = dict.fromkeys(self.spenders, ALLOWED)
        return ok({"balance": str(there.get(token, 0)), "allowances": allowances})

    def _refresh(self, query: Record, _: bytes) -> Answer:
        self.refreshed.append((query["asset_type"], query.get("token_id", "")))
        return ok({})

    def _chain(self) -> dict[str, int]:
        return {"": self.engine.cash, **self.engine.tokens}

    def _positions(self, query: Record, *_: Any) -> Answer:
        """What was held a while ago, for anybody who asks; no key is needed."""
        assert query["status"] == "OPEN"
        start = int(query.get("cursor", "p0")[1:])
        rows = [self._position(token) for token, held in self.engine.tokens.items() if held]
        more = f"p{start + self.page}" if start + self.page < len(rows) else None
        pages = {"has_more": more is not None, "next_cursor": more}
        mine = self._is_ours(query["user"])
        return ok({"data": rows[start : start + self.page] if mine else [], "pagination": pages})

    def _position(self, token: str) -> Record:
        market = next((m for m in self.engine.markets.values() if token in (m.yes, m.no)), None)
        where = self.strange if market is None else market.condition
        index = int(market is not None and token == market.no)
        return {"token_id": token, "condition_id": where, "outcome_index": index}

    def _closed_only(self, *_: Any) -> Answer:
        return ok({"closed_only": self.close_only})

    def _beat(self, _: Record, body: bytes) -> Answer:
        said = json.loads(body)["heartbeat_id"]
        if said != self.heartbeat:
            words = {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": self.heartbeat}
            return 400, json.dumps(words).encode(), {}
        self.beats += 1
        self.heartbeat = f"beat-{self.beats}"
        return ok({"heartbeat_id": self.heartbeat})


_EXCHANGES = (
    "0xE111180000d2663C0091e4f400237545B87B996B",
    "0xe2222d279d744050d28e00520010520000310F59",
    "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa",
)


@attrs.frozen(kw_only=True)
class Fault:
    """What goes wrong with one request.

    Args:
        path: of the request; one that ends with ``*`` stands for all that begin so.
        method: of the request, "" for any.
        acted: whether the venue does what it was asked for all the same.
        answer: what comes back instead; None if nothing does.
        unsent: whether there was no connection at all.
        later: the request arrives when `FaultyWire.release` is called.
        twice: the request arrives twice.
        stale: a list is as it was when `FaultyWire.remember` was called.

    """

    path: str = "*"
    method: str = ""
    acted: bool = False
    answer: Answer | None = None
    unsent: bool = False
    later: bool = False
    twice: bool = False
    stale: bool = False

    def hits(self, request: Request) -> bool:
        """Tell whether it is about a request."""
        path = self.path
        near = request.path.startswith(path[:-1]) if path.endswith("*") else request.path == path
        return near and self.method in ("", request.method)


class FaultyWire(Transport):
    """Asks a venue without a network; each answer takes a moment on a clock of the tests."""

    def __init__(self, venue: ExchangePolymarket, takes: Callable[[], object]) -> None:
        self.venue = venue
        self.faults: deque[Fault] = deque()
        self.delayed: list[Request] = []
        self.sent: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []
        self._takes = takes
        self._old: dict[str, list[Record]] = {}

    def send(self, request: Request, deadline: int) -> Reply:
        self._takes()
        self.sent.append((request.method, request.path))
        if request.method == "POST":
            self.bodies.append(request.body)
        fault = next((one for one in self.faults if one.hits(request)), None)
        if fault is None:
            return reply(self._ask(request))
        self.faults.remove(fault)
        if fault.unsent:
            msg = f"{request.name}: cannot be reached"
            raise Unreachable(msg)
        if fault.stale:
            rows = self._old.get(request.path, [])
            return reply(ok({"data": rows, "next_cursor": "LTE="}))
        if fault.later:
            self.delayed.append(request)
        if fault.twice:
            self._ask(request)
            return reply(self._ask(request))
        if fault.acted:
            self._ask(request)
        if fault.answer is None:
            msg = f"{request.name}: no whole answer"
            raise NoAnswer(msg)
        return reply(fault.answer)

    def close(self) -> None:
        """Nothing is open."""

    def release(self) -> None:
        """Let requests arrive that were on their way."""
        delayed, self.delayed = self.delayed, []
        for request in delayed:
            self._ask(request)

    def remember(self) -> None:
        """Keep the lists as they are now, for stale answers."""
        self._old = {
            "/data/orders": self.venue.engine.order_rows(),
            "/data/trades": self.venue.engine.trade_rows(),
        }

    def asked(self, method: str, path: str) -> int:
        """Return how often something was asked for."""
        return self.sent.count((method, path))

    def _ask(self, request: Request) -> Answer:
        target = request.path + ("?" + urlencode(request.query) if request.query else "")
        headers = {name.lower(): value for name, value in request.headers.items()}
        return self.venue.answer(request.method, target, headers, request.body)


def reply(told: Answer) -> Reply:
    """Return an answer as a transport hands it over."""
    status, body, headers = told
    return Reply(status, headers, body)


def ok(value: object) -> Answer:
    """Return an answer of success."""
    return 200, json.dumps(value).encode(), {"Content-Type": "application/json"}


def refusal(status: int, words: str, more: Mapping[str, object] | None = None) -> Answer:
    """Return an answer that says no."""
    return status, json.dumps({"error": words, **(more or {})}).encode(), {}
