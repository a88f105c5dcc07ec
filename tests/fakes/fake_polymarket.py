"""A loopback Polymarket: catalogue, books, orders and resolutions over real HTTP.

It keeps the venue's habits: short pages, no cursor on the last one, kills as status 400, a status
`delayed`, windows without engine. Logins and orders are checked with `eth_account`, which shares
nothing with the code under test. What should go wrong next is put into `faults`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_hash.auto import keccak

from market_bot.adapters.polymarket.problems import NoAnswer
from market_bot.adapters.polymarket.transport import Reply, Request, Transport
from market_bot.core.domain.numbers import Duration
from tests.fakes.fake_polymarket_clock import SteppingClock
from tests.fakes.fake_polymarket_records import API_KEY, PASSPHRASE, SECRET, Record

Answer = tuple[int, bytes, dict[str, str]]

RESTART: Answer = (425, b"", {})
SERVER_ERROR: Answer = (500, b'{"error":"Internal server error"}', {})
HTML: Answer = (503, b"<html><body>post-only or cancel-only, who knows</body></html>", {})
POST_ONLY: Answer = (
    503,
    b'{"error":"post-only mode","code":"post_only_mode","retry_after_seconds":79}',
    {},
)
CANCEL_ONLY: Answer = (503, b'{"error":"Trading is currently cancel-only."}', {})
TOO_FAST: Answer = (429, b'{"error":"rate limited"}', {"Retry-After": "2"})
CLOUDFLARE: Answer = (429, b"error code: 1015", {})
REDIRECT: Answer = (302, b"", {"Location": "http://127.0.0.1:9/elsewhere"})
KILL = "order couldn't be fully filled. FOK orders are fully filled or killed."
FAK_KILL = (
    "no orders found to match with FAK order."
    " FAK orders are partially filled or killed if no match is found."
)

HANG_UP = "hang up"
"""A fault: the connection is closed without an answer, after the request was carried out."""
CUT_OFF = "cut off"
"""A fault: the answer ends in the middle."""
ENDLESS = "endless"
"""A fault: the answer is larger than anybody wants."""

_EXCHANGES = {
    "0xE111180000d2663C0091e4f400237545B87B996B": "2",
    "0xe2222d279d744050d28e00520010520000310F59": "2",
    "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa": "3",
}
_ORDER = [
    {"name": name, "type": kind}
    for name, kind in (
        ("salt", "uint256"),
        ("maker", "address"),
        ("signer", "address"),
        ("tokenId", "uint256"),
        ("makerAmount", "uint256"),
        ("takerAmount", "uint256"),
        ("side", "uint8"),
        ("signatureType", "uint8"),
        ("timestamp", "uint256"),
        ("metadata", "bytes32"),
        ("builder", "bytes32"),
    )
]
_WALLET_DOMAIN = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
    {"name": "salt", "type": "bytes32"},
]
_DOMAIN = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]


def typed_order(order: Record, contract: str) -> SignableMessage:
    """Return what is signed for an order as posted, by eth_account's own encoding."""
    message = {field["name"]: order[field["name"]] for field in _ORDER}
    for name in ("tokenId", "makerAmount", "takerAmount", "timestamp"):
        message[name] = int(message[name])
    message["side"] = {"BUY": 0, "SELL": 1}[order["side"]]
    message["metadata"] = bytes.fromhex(order["metadata"][2:])
    message["builder"] = bytes.fromhex(order["builder"][2:])
    return encode_typed_data(
        full_message={
            "types": {"EIP712Domain": _DOMAIN, "Order": _ORDER},
            "primaryType": "Order",
            "domain": {
                "name": "Polymarket CTF Exchange",
                "version": _EXCHANGES[contract],
                "chainId": 137,
                "verifyingContract": contract,
            },
            "message": message,
        }
    )


def typed_wrapped(order: Record, contract: str) -> SignableMessage:
    """Return what the owner of a deposit wallet signs for an order (ERC-7739)."""
    plain = {field["name"]: order[field["name"]] for field in _ORDER}
    for name in ("tokenId", "makerAmount", "takerAmount", "timestamp"):
        plain[name] = int(plain[name])
    for name in ("metadata", "builder"):
        plain[name] = bytes.fromhex(plain[name][2:])
    outer = [{"name": "contents", "type": "Order"}, *_WALLET_DOMAIN]
    return encode_typed_data(
        domain_data={
            "name": "Polymarket CTF Exchange",
            "version": _EXCHANGES[contract],
            "chainId": 137,
            "verifyingContract": contract,
        },
        message_types={"TypedDataSign": outer, "Order": _ORDER},
        message_data={
            "contents": plain | {"side": {"BUY": 0, "SELL": 1}[order["side"]]},
            "name": "DepositWallet",
            "version": "1",
            "chainId": 137,
            "verifyingContract": order["maker"],
            "salt": bytes(32),
        },
    )


def wallet_says_yes(order: Record, contract: str, owner: str) -> bool:
    """Tell whether a deposit wallet would take a signature: all of its parts, and whose it is."""
    message = typed_order(order, contract)
    kind = "Order(" + ",".join(f"{field['type']} {field['name']}" for field in _ORDER) + ")"
    told = bytes.fromhex(order["signature"][2:])
    parts = message.header + message.body + kind.encode() + len(kind).to_bytes(2, "big")
    if told[65:] != parts or order["maker"] != order["signer"]:
        return False
    inner = typed_wrapped(order, contract)
    return str(Account.recover_message(inner, signature=told[:65])) == owner


def typed_digest(message: SignableMessage) -> bytes:
    """Return the digest of an encoded message."""
    return keccak(b"\x19" + message.version + message.header + message.body)


class FakePolymarket:
    """The venue's state; every attribute may be changed while it serves."""

    def __init__(self, owner: str = "") -> None:
        self.owner = owner
        self.events: list[Record] = []
        self.closed_markets: list[Record] = []
        self.page_sizes: deque[int] = deque()
        self.books: dict[str, Record] = {}
        self.trades: list[Record] = []
        self.resolutions: list[Record] = []
        self.contracts: dict[str, str] = {}
        self.delayed: set[str] = set()
        self.orders: dict[str, Record] = {}
        self.faults: dict[str, deque[Answer | str]] = {}
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = ""

    def fail(self, path: str, *faults: Answer | str) -> None:
        """Let the next requests of a path go wrong, one after another."""
        self.faults.setdefault(path, deque()).extend(faults)

    def asked(self, path: str) -> int:
        """Return how often a path was asked for."""
        return sum(urlsplit(target).path == path for _, target, _, _ in self.requests)

    @contextmanager
    def serving(self) -> Iterator[FakePolymarket]:
        """Serve on a free port of this machine."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """Return the answer to a request."""
        parts = urlsplit(target)
        query = parse_qsl(parts.query)
        for (verb, path), serve in self._routes().items():
            if verb == method and path == parts.path:
                return serve(dict(query), query, headers, body, parts.path)
        return _error(404, "Not Found")

    def _routes(self) -> dict[tuple[str, str], Callable[..., Answer]]:
        return {
            ("GET", "/events/keyset"): self._events,
            ("GET", "/markets/keyset"): self._markets,
            ("POST", "/books"): self._books,
            ("GET", "/book"): self._book,
            ("GET", "/trades"): lambda *_: _ok(self.trades),
            ("GET", "/v2/resolutions"): self._resolutions,
            ("GET", "/time"): lambda *_: _ok(1_792_497_600),
            ("GET", "/version"): lambda *_: _ok({"version": 2}),
            ("POST", "/auth/api-key"): self._login,
            ("GET", "/auth/derive-api-key"): self._login,
            ("POST", "/order"): self._post_order,
            ("POST", "/orders"): self._post_orders,
            ("DELETE", "/order"): self._cancel,
            ("DELETE", "/orders"): self._cancel,
            ("DELETE", "/cancel-all"): self._cancel,
            ("GET", "/data/orders"): self._own_orders,
        }

    def _events(self, query: Record, _all: Any, *_: Any) -> Answer:
        return self._keyset(query, self.events, "events")

    def _markets(self, query: Record, whole: list[tuple[str, str]], *_: Any) -> Answer:
        wanted = {value for name, value in whole if name == "condition_ids"}
        stock = self.closed_markets if query.get("closed") == "true" else []
        found = [one for one in stock if not wanted or one["conditionId"] in wanted]
        return self._keyset(query, found, "markets")

    def _keyset(self, query: Record, stock: list[Record], name: str) -> Answer:
        if "offset" in query:
            return _error(400, "offset is not supported")
        start = int(query.get("after_cursor", "c0").partition(".")[0][1:])
        size = min(int(query["limit"]), self.page_sizes.popleft() if self.page_sizes else 100)
        page: Record = {"$schema": "https://localhost/Page.json", name: stock[start : start + size]}
        if start + size < len(stock):
            page["next_cursor"] = f"c{start + size}.{len(self.requests)}"
        return _ok(page)

    def _books(self, _query: Any, _all: Any, _headers: Any, body: bytes, _path: str) -> Answer:
        wanted = [one["token_id"] for one in json.loads(body)]
        return _ok([self.books[one] for one in wanted if one in self.books])

    def _book(self, query: Record, *_: Any) -> Answer:
        found = self.books.get(query["token_id"])
        if found is None:
            return _error(404, "No orderbook exists for the requested token id")
        return _ok(found)

    def _resolutions(self, query: Record, *_: Any) -> Answer:
        wanted = set(query["condition"].split(","))
        return _ok({"data": [one for one in self.resolutions if one["condition_id"] in wanted]})

    def _login(self, _query: Any, _all: Any, headers: Record, *_: Any) -> Answer:
        message = encode_typed_data(
            domain_data={"name": "ClobAuthDomain", "version": "1", "chainId": 137},
            message_types={
                "ClobAuth": [
                    {"name": "address", "type": "address"},
                    {"name": "timestamp", "type": "string"},
                    {"name": "nonce", "type": "uint256"},
                    {"name": "message", "type": "string"},
                ]
            },
            message_data={
                "address": headers["poly_address"],
                "timestamp": headers["poly_timestamp"],
                "nonce": int(headers["poly_nonce"]),
                "message": "This message attests that I control the given wallet",
            },
        )
        signed_by = Account.recover_message(message, signature=headers["poly_signature"])
        if signed_by != headers["poly_address"]:
            return _error(401, "Invalid L1 Request headers")
        return _ok({"apiKey": API_KEY, "secret": SECRET, "passphrase": PASSPHRASE})

    def _unauthorised(self, method: str, path: str, headers: Record, body: bytes) -> bool:
        message = headers.get("poly_timestamp", "") + method + path
        key = base64.urlsafe_b64decode(SECRET)
        mac = hmac.new(key, message.encode() + body, hashlib.sha256).digest()
        expected = base64.urlsafe_b64encode(mac).decode()
        return (
            headers.get("poly_signature") != expected
            or headers.get("poly_api_key") != API_KEY
            or headers.get("poly_passphrase") != PASSPHRASE
        )

    def _post_order(
        self, _query: Any, _all: Any, headers: Record, body: bytes, path: str
    ) -> Answer:
        if self._unauthorised("POST", path, headers, body):
            return _error(401, "Unauthorized/Invalid api key")
        placed = self._place(json.loads(body))
        return _error(400, placed) if isinstance(placed, str) else _ok(placed)

    def _post_orders(
        self, _query: Any, _all: Any, headers: Record, body: bytes, path: str
    ) -> Answer:
        if self._unauthorised("POST", path, headers, body):
            return _error(401, "Unauthorized/Invalid api key")
        legs = [self._place(leg) for leg in json.loads(body)]
        # A leg that failed says success, and why it failed.
        return _ok(
            [
                {"success": True, "errorMsg": leg, "orderID": "", "status": ""}
                if isinstance(leg, str)
                else leg
                for leg in legs
            ]
        )

    def _place(self, posted: Record) -> Record | str:
        order = posted["order"]
        contract = self.contracts[order["tokenId"]]
        message = typed_order(order, contract)
        if posted["owner"] != API_KEY:
            return "the order owner has to be the owner of the API KEY"
        if order["signatureType"] == 0 and not self._signed(order, message):
            return "invalid signature"
        name = "0x" + typed_digest(message).hex()
        if name in self.orders:
            return f"order {name} is invalid. Duplicated."
        status = self._match(posted)
        if status in (KILL, FAK_KILL):
            return status
        self.orders[name] = {**posted, "status": status}
        matched = status == "matched"
        return {
            "success": True,
            "errorMsg": "",
            "orderID": name,
            "status": status,
            "makingAmount": "2.3" if matched else "",
            "takingAmount": "5" if matched else "",
            "tradeIDs": ["trade-1"] if matched else [],
            "transactionsHashes": [],
        }

    def _signed(self, order: Record, message: SignableMessage) -> bool:
        signed_by = Account.recover_message(message, signature=order["signature"])
        return bool(signed_by == order["signer"] == order["maker"])

    def _match(self, posted: Record) -> str:
        order = posted["order"]
        if order["tokenId"] in self.delayed:
            return "delayed"
        book = self.books.get(order["tokenId"])
        there = bool(book and book["asks" if order["side"] == "BUY" else "bids"])
        if posted["orderType"] in ("FOK", "FAK"):
            return "matched" if there else KILL if posted["orderType"] == "FOK" else FAK_KILL
        return "live"

    def _cancel(self, _query: Any, _all: Any, headers: Record, body: bytes, path: str) -> Answer:
        if self._unauthorised("DELETE", path, headers, body):
            return _error(401, "Unauthorized/Invalid api key")
        said = json.loads(body) if body else list(self.orders)
        wanted = said if isinstance(said, list) else [said["orderID"]]
        gone = [name for name in wanted if self.orders.pop(name, None) is not None]
        left = dict.fromkeys(wanted, "order can't be found - already canceled or matched")
        return _ok(
            {"canceled": gone, "not_canceled": {n: w for n, w in left.items() if n not in gone}}
        )

    def _own_orders(
        self, _query: Any, _all: Any, headers: Record, body: bytes, path: str
    ) -> Answer:
        if self._unauthorised("GET", path, headers, body):
            return _error(401, "Unauthorized/Invalid api key")
        rows = [{"id": name, "status": "LIVE"} for name in self.orders]
        return _ok({"data": rows, "next_cursor": "LTE=", "limit": 100, "count": len(rows)})


class DirectTransport(Transport):
    """Asks a venue without a network; every answer takes a while on a stepping clock."""

    def __init__(self, venue: FakePolymarket, clock: SteppingClock, takes: Duration) -> None:
        self._venue = venue
        self._clock = clock
        self._takes = takes

    def send(self, request: Request, deadline: Duration) -> Reply:
        target = request.path + ("?" + urlencode(request.query) if request.query else "")
        headers = {name.lower(): value for name, value in request.headers.items()}
        self._venue.requests.append((request.method, target, headers, request.body))
        waiting = self._venue.faults.get(request.path)
        fault = waiting.popleft() if waiting else None
        self._clock.advance(self._takes)
        if isinstance(fault, str):
            msg = f"{request.name}: {fault}"
            raise NoAnswer(msg)
        answer = fault or self._venue.answer(request.method, target, headers, request.body)
        status, body, more = answer
        return Reply(status, more, body)

    def close(self) -> None:
        """Nothing is open."""


def _ok(value: object) -> Answer:
    return 200, json.dumps(value).encode(), {"Content-Type": "application/json"}


def _error(status: int, words: str) -> Answer:
    return status, json.dumps({"error": words}).encode(), {}


def _handler(venue: FakePolymarket) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Say nothing."""

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            venue.requests.append((self.command, self.path, headers, body))
            waiting = venue.faults.get(urlsplit(self.path).path)
            fault = waiting.popleft() if waiting else None
            if isinstance(fault, tuple):
                self._send(*fault)
                return
            status, answer, more = venue.answer(self.command, self.path, headers, body)
            if fault == HANG_UP:
                self.close_connection = True
            elif fault == CUT_OFF:
                self._send(status, answer[: len(answer) // 2], more, told=len(answer))
                self.close_connection = True
            elif fault == ENDLESS:
                self._send(status, b"[" + b" " * (1 << 20), more)
            else:
                self._send(status, answer, more)

        def _send(
            self, status: int, answer: bytes, more: dict[str, str], told: int | None = None
        ) -> None:
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer) if told is None else told))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the names that the base asks for

    return Handler
