"""A small Kalshi on loopback: real HTTP, real signatures, and the traps of the real one.

It pages with cursors (a cursor it does not know gives the first page), answers errors in the three
shapes of the real one, takes `tickers` of books as a repeated parameter only, checks signatures and
their time, remembers client order ids for ever, and can be told to misbehave, request by request.
Without an engine it matches nothing and knows just enough of orders to refuse a second one of the
same name; with one it is a whole exchange: orders, money, positions, settlement and a websocket.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import attrs
import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from .fake_kalshi_engine import Engine, iso
from .fake_kalshi_portfolio import Portfolio
from .fake_kalshi_socket import FakeSocket, print_of

ROOT = "/trade-api/v2"
HTML = b"<html><head><title>502 Bad Gateway</title></head></html>"
_SKEW_MS = 10_000

PublicKey = RSAPublicKey | Ed25519PublicKey


@attrs.frozen(kw_only=True)
class Fault:
    """What happens instead of, or besides, the answer to one request, to any path or to one.

    ``acted`` lets the venue do what was asked before the answer is lost; ``later`` keeps the
    request until `FakeKalshi.release`; ``hang`` keeps the connection open without a word;
    ``stale`` answers a read as it was when `FakeKalshi.remember` was called.
    """

    path: str = ""
    method: str = ""
    later: bool = False
    hang: bool = False
    stale: bool = False
    status: int = 0
    body: bytes | None = None
    headers: dict[str, str] = attrs.field(factory=dict)
    drop: bool = False
    acted: bool = False


_JSON = {"content-type": "application/json"}


@attrs.frozen
class Asked:
    """A request: ``target`` is path and query as they came, headers have small names."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path from the root."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        """Every parameter, in order."""
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)


@attrs.frozen
class Reply:
    """An answer."""

    status: int
    body: bytes
    headers: dict[str, str]


def error(code: str, details: str = "") -> bytes:
    """Return a body in the nested shape."""
    inner = {"code": code, "message": code.replace("_", " ")}
    return json.dumps({"error": inner | ({"details": details} if details else {})}).encode()


TOO_MANY = Fault(status=429, body=b'{"error":"too many requests"}')
"""As the documentation shows it: no Retry-After, no headers."""
BAD_GATEWAY = Fault(status=502, body=HTML, headers={"content-type": "text/html"})
DROPPED = Fault(drop=True)
EMPTY = Fault(status=200, body=b"")


def nested(code: str, details: str = "", status: int = 400) -> Fault:
    """Return a fault that answers with an error of the usual shape."""
    return Fault(status=status, body=error(code, details))


class FakeKalshi:
    """Serves until it is left; everything in it may be changed at any time.

    Args:
        now_ms: the venue's own clock.
        engine: matches, pays and settles; its markets are the venue's.
        serves: whether it can be entered; without sockets it takes calls alone.

    """

    def __init__(
        self, now_ms: Callable[[], int], engine: Engine | None = None, *, serves: bool = True
    ) -> None:
        self.now_ms = now_ms
        self.engine = engine
        self.keys: dict[str, PublicKey] = {}
        self.markets: list[dict[str, Any]] = []
        self.archived: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.series: list[dict[str, Any]] = []
        self.series_fee_changes: list[dict[str, Any]] = []
        self.event_fee_changes: list[dict[str, Any]] = []
        self.books: dict[str, dict[str, Any]] = {}
        self.trades: list[dict[str, Any]] = []
        self.exchange: dict[str, Any] = {"exchange_active": True, "trading_active": True}
        self.exchange_code = 200
        self.orders: dict[str, dict[str, Any]] = {}
        self.page_size: int | None = None
        self.same_cursor = False
        self.empty_pages = False
        self.date: str | None = None
        self.faults: deque[Fault] = deque()
        self.requests: list[tuple[str, str, dict[str, list[str]]]] = []
        self.bodies: list[bytes] = []
        self.answers: list[tuple[int, bytes]] = []
        self.held: list[Callable[[], object]] = []
        self.ended = threading.Event()
        self.portfolio: Portfolio | None = None
        self._socket: FakeSocket | None = None
        if engine is not None:
            self.markets = engine.records
            self.portfolio = Portfolio(engine)
            self._socket = FakeSocket(engine, self.refusal) if serves else None
        if not serves:
            return
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"venue": self})
        )
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def url(self) -> str:
        """The base address to configure."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{ROOT}"

    @property
    def socket(self) -> FakeSocket:
        """The websocket; only there with an engine."""
        assert self._socket is not None
        return self._socket

    def release(self) -> None:
        """Do what was asked in requests that were kept for later."""
        while self.held:
            self.held.pop(0)()

    def remember(self) -> None:
        """Keep how everything of ours stands now, for stale answers."""
        assert self.portfolio is not None
        self.portfolio.remember()

    def asked(self, path: str) -> list[dict[str, list[str]]]:
        """Return the queries of all requests for a path below the root, oldest first."""
        return [query for _, where, query in self.requests if where == ROOT + path]

    def __enter__(self) -> Self:
        self._thread.start()
        if self._socket is not None:
            self._socket.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ended.set()
        if self._socket is not None:
            self._socket.__exit__(kind, error, trace)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self, asked: Asked) -> Reply | None:
        """Return the answer to a request, None if the connection ends without one."""
        self.requests.append((asked.method, asked.path, asked.query))
        self.bodies.append(asked.body)
        fault = _next(self, asked.method, asked.path)
        if fault is not None and fault.later:
            self.held.append(lambda: self._act(asked))
        if fault is not None and not (fault.acted or fault.stale):
            return self._misbehave(fault)
        status, body = self._act(asked, stale=fault is not None and fault.stale)
        if fault is not None and not fault.stale:
            return self._misbehave(fault)
        return self._told(Reply(status, body, _JSON))

    def _act(self, asked: Asked, *, stale: bool = False) -> tuple[int, bytes]:
        path = asked.path
        ours = "/portfolio/" in path or "/account/" in path
        if ours or "kalshi-access-key" in asked.headers:
            refused = self.refusal(asked.method, path, asked.headers)
            if refused is not None:
                return refused
        answer: Any
        if self.portfolio is not None:
            found = self.portfolio.answer(
                asked.method, path.removeprefix(ROOT), asked.query, asked.body, stale=stale
            )
            if found is not None:
                status, answer = found
                return status, b"" if answer is None else json.dumps(answer).encode()
        if asked.method == "POST" and path == f"{ROOT}/portfolio/events/orders":
            status, answer = self.create(asked.body)
        elif asked.method == "DELETE" and path == f"{ROOT}/portfolio/events/orders":
            self.orders.clear()
            return 204, b""
        elif path.startswith(f"{ROOT}/portfolio/events/orders/"):
            status, answer = 404, json.loads(error("not_found"))
        elif path == f"{ROOT}/portfolio/balance":
            status, answer = 200, {"balance_dollars": "12.3400"}
        else:
            status, answer = self.answer(path, asked.query)
        return status, json.dumps(answer).encode()

    def _misbehave(self, fault: Fault) -> Reply | None:
        if fault.hang:
            self.ended.wait()
        if fault.drop or fault.hang or fault.later:
            return None
        return self._told(Reply(fault.status, fault.body or b"", _JSON | fault.headers))

    def _told(self, reply: Reply) -> Reply:
        self.answers.append((reply.status, reply.body))
        return reply

    def date_text(self) -> str:
        """Return the time as answers tell it."""
        return self.date or formatdate(self.now_ms() / 1000, usegmt=True)

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Return status and body of a read."""
        name = path.removeprefix(ROOT)
        lists: dict[str, tuple[str, Callable[[dict[str, list[str]]], list[dict[str, Any]]], int]]
        lists = {
            "/markets": ("markets", self._markets, 1000),
            "/historical/markets": ("markets", self._archived, 1000),
            "/events": ("events", self._events, 200),
            "/markets/trades": ("trades", self._trades, 1000),
            "/events/fee_changes": ("event_fee_changes", lambda _: self.event_fee_changes, 1000),
        }
        if name in lists:
            return self._page(*lists[name], query)
        if name == "/exchange/status":
            return self.exchange_code, self.exchange
        if name == "/series/fee_changes":
            return 200, {"series_fee_change_arr": self.series_fee_changes}
        if name == "/markets/orderbooks" and self.engine is not None:
            known = [one for one in query.get("tickers", []) if one in self.engine.markets]
            return 200, {"orderbooks": [{"ticker": o} | self.engine.book(o) for o in known]}
        if name == "/markets/orderbooks":
            # Comma-separated tickers are one ticker that nobody knows.
            known = [one for one in query.get("tickers", []) if one in self.books]
            return 200, {"orderbooks": [{"ticker": one} | self.books[one] for one in known]}
        if name == "/series":
            return 200, {"series": self.series}
        if name.startswith("/series/"):
            found = [one for one in self.series if one["ticker"] == name.rpartition("/")[2]]
            return (200, {"series": found[0]}) if found else (404, json.loads(error("not_found")))
        return 404, json.loads(error("not_found"))

    def create(self, body: bytes) -> tuple[int, Any]:
        """Take an order, once per client order id and never again."""
        order = json.loads(body)
        if any(not isinstance(order.get(key), str) for key in ("count", "price")):
            details = "json: cannot unmarshal number into Go struct field of type string"
            return 400, {"code": "bad_request", "message": "bad request", "details": details}
        name = order["client_order_id"]
        if name in self.orders:
            return 409, json.loads(error("order_already_exists"))
        self.orders[name] = order
        return 201, {"order_id": f"o-{len(self.orders)}", "client_order_id": name}

    def refusal(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, bytes] | None:
        """Return why a signed request is refused, None if it is not."""
        key = self.keys.get(headers.get("kalshi-access-key", ""))
        stamp = headers.get("kalshi-access-timestamp", "")
        signature = headers.get("kalshi-access-signature")
        if "kalshi-access-key" not in headers:
            return 401, error("token_authentication_failure")
        if signature is None:
            return 401, error("signature_is_missing_from_headers")
        if key is None:
            return 401, error("authentication_error", "NOT_FOUND")
        if abs(int(stamp) - self.now_ms()) > _SKEW_MS:
            return 401, error("header_timestamp_expired")
        text = f"{stamp}{method}{path}".encode()
        try:
            if isinstance(key, RSAPublicKey):
                padding = PSS(mgf=MGF1(hashes.SHA256()), salt_length=32)
                key.verify(base64.b64decode(signature), text, padding, hashes.SHA256())
            else:
                key.verify(base64.b64decode(signature), text)
        except InvalidSignature:
            return 401, error("authentication_error", "INCORRECT_API_KEY_SIGNATURE")
        return None

    def _page(
        self,
        key: str,
        select: Callable[[dict[str, list[str]]], list[dict[str, Any]]],
        limit_max: int,
        query: dict[str, list[str]],
    ) -> tuple[int, Any]:
        text = query.get("limit", ["100"])[0]
        if not text.isdigit():
            return 400, {"msg": "Invalid format for parameter limit: error binding string"}
        if int(text) > limit_max:
            return 400, {"msg": "Parameter validation failed: Limit failed on the 'lte' tag"}
        size = self.page_size or int(text)
        cursor = query.get("cursor", [""])[0]
        try:
            start = int(base64.b64decode(cursor)) if cursor else 0
        except ValueError:
            start = 0  # No complaint: the first page again.
        found = select(query)
        end = start + size
        following = base64.b64encode(str(end).encode()).decode() if end < len(found) else ""
        if self.same_cursor:
            following = base64.b64encode(b"0").decode()
        if self.empty_pages:
            return 200, {key: [], "cursor": base64.b64encode(str(end).encode()).decode()}
        return 200, {key: found[start:end], "cursor": following}

    def _markets(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        found = self.markets
        if query.get("mve_filter") != ["exclude"] and "tickers" not in query:
            # Combos come first.
            found = sorted(found, key=lambda one: "mve_collection_ticker" not in one)
        elif "tickers" not in query:
            found = [one for one in found if "mve_collection_ticker" not in one]
        return _of(found, "ticker", query.get("tickers"))

    def _archived(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        return _of(self.archived, "ticker", query.get("tickers"))

    def _events(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        found = _of(self.events, "event_ticker", query.get("tickers"))
        found = _of(found, "series_ticker", query.get("series_ticker"))
        if query.get("with_nested_markets") != ["true"]:
            return found
        return [
            event
            | {
                "markets": [
                    one for one in self.markets if one["event_ticker"] == event["event_ticker"]
                ]
            }
            for event in found
        ]

    def _trades(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        found = _of(self.trades, "ticker", query.get("ticker"))
        if self.engine is not None:
            with self.engine.lock:
                made = [
                    print_of(one) | {"ticker": one.ticker, "created_time": iso(one.at_ms)}
                    for one in self.engine.trades
                ]
            found = _of(made, "ticker", query.get("ticker"))
        return sorted(found, key=lambda one: str(one["created_time"]), reverse=True)


def _of(found: list[dict[str, Any]], key: str, wanted: list[str] | None) -> list[dict[str, Any]]:
    if wanted is None:
        return found
    names = wanted[0].split(",")
    return [one for one in found if one[key] in names]


class InProcess(httpx.BaseTransport):
    """Takes requests to a venue without a socket; what is lost is an error, as on the line."""

    def __init__(self, venue: FakeKalshi) -> None:
        self._venue = venue

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = request.url.raw_path.decode("ascii")
        reply = self._venue.reply(Asked(request.method, target, headers, request.read()))
        if reply is None:
            msg = "nobody answered"
            raise httpx.RemoteProtocolError(msg)
        told = reply.headers | {"date": self._venue.date_text()}
        return httpx.Response(reply.status, headers=told, content=reply.body)


class _Handler(BaseHTTPRequestHandler):
    """One connection; every fake serves with a class of its own."""

    venue: FakeKalshi
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: otherwise every answer waits for a delayed acknowledgement.
    wbufsize = -1

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("content-length", "0"))))

    def do_DELETE(self) -> None:
        self.do_POST()

    def do_PUT(self) -> None:
        self.do_POST()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.venue.date_text()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass

    def _serve(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, body)
        reply = self.venue.reply(asked)
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)


def _next(venue: FakeKalshi, method: str, path: str) -> Fault | None:
    if not venue.faults:
        return None
    fault, name = venue.faults[0], path.removeprefix(ROOT)
    # A path that ends in a star is meant with everything below it.
    fits = fault.path in ("", name) or (
        fault.path.endswith("*") and name.startswith(fault.path[:-1])
    )
    if fits and fault.method in ("", method):
        return venue.faults.popleft()
    return None
