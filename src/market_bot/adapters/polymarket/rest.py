"""The venue's endpoints by name: bytes out, bytes in. Parsing is elsewhere and pure.

Reads that change nothing are tried again a few times; whatever could place or cancel an order is
sent once. One thread uses a client; the kill switch has a client of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import urlsplit

import attrs
import msgspec

from market_bot.core.domain.numbers import SECOND, Duration
from market_bot.core.ports.allowance import Allowance, Metered
from market_bot.core.ports.clock import Clock

from .auth import ApiCredentials, Login
from .budgets import RATES, Budget, Rate, TokenBucket, exhausted
from .problems import (
    Kind,
    NoAnswer,
    OverBudget,
    PolymarketError,
    Unreachable,
    Unsayable,
    VenueProblem,
    plain,
    venue_problem,
)
from .transport import Reply, Request, Transport

BOOKS_MAX: Final = 500
"""Tokens in one batch of books."""

ORDERS_MAX: Final = 15
CANCELS_MAX: Final = 1000
CONDITIONS_MAX: Final = 100
PAGE_MAX: Final = 100
RESOLUTIONS_MAX: Final = 50

Wait = Callable[[Duration], None]
"""Waits so many microseconds."""

Query = Sequence[tuple[str, str]]

_T = TypeVar("_T")

_OK: Final = range(200, 300)
_DIGITS: Final = frozenset("0123456789")
_ID_CHARACTERS: Final = frozenset("0123456789abcdefABCDEFx-")
_ID_MAX: Final = 128
_BACK_OFF: Final = Duration(SECOND // 4)
_BACK_OFF_MAX: Final = Duration(4 * SECOND)
_TRIES: Final = 3
_TRANSIENT: Final = frozenset({Kind.UNKNOWN, Kind.RATE, Kind.RESTARTING})
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@attrs.frozen(kw_only=True)
class Endpoints:
    """Where the venue's parts are; from configuration.

    Raises:
        ValueError: for an address that is not https, unless it is this machine's own.

    """

    gamma: str = "https://gamma-api.polymarket.com"
    clob: str = "https://clob.polymarket.com"
    data: str = "https://data-api.polymarket.com"
    site: str = "https://polymarket.com"

    def __attrs_post_init__(self) -> None:
        """Check every address."""
        for name, value in attrs.asdict(self).items():
            parts = urlsplit(value)
            safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
            if not safe or not parts.hostname or parts.query or parts.path or parts.username:
                msg = f"{name}: {value!r} must be like https://host, without path or user"
                raise ValueError(msg)


@attrs.frozen(kw_only=True)
class Patience:
    """How long requests may take, in microseconds, and how often a read is tried."""

    read: Duration = Duration(10 * SECOND)
    write: Duration = Duration(10 * SECOND)
    cancel: Duration = Duration(5 * SECOND)
    budget: Duration = Duration(2 * SECOND)
    tries: int = attrs.field(default=_TRIES, validator=attrs.validators.in_(range(1, 11)))


class PolymarketRest(Metered):
    """A client for one thread.

    Args:
        transport: carries the bytes.
        clock: `now` for signatures, `elapsed` for limits and deadlines.
        wait: waits between two tries of a read, and for our own limits.
        endpoints: where the venue is.
        credentials: of the account; None for market data only.
        login: returns them where they are not known yet.
        rates: our own limits per class.
        patience: deadlines.

    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        wait: Wait,
        *,
        endpoints: Endpoints = Endpoints(),
        credentials: ApiCredentials | None = None,
        login: Login | None = None,
        rates: Mapping[Budget, Rate] = RATES,
        patience: Patience = Patience(),
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._wait = wait
        self._at = endpoints
        self._credentials = credentials
        self._login = login
        self._patience = patience
        self._buckets = {budget: TokenBucket(rates[budget], clock) for budget in Budget}
        self.retries = 0

    def __repr__(self) -> str:
        return f"PolymarketRest({self._at.clob}, {self._credentials!r})"

    def allowances(self) -> Sequence[Allowance]:
        return tuple(bucket.allowance(kind.value) for kind, bucket in self._buckets.items())

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    # Gamma: what there is to trade.

    def events_keyset(self, query: Query = (), cursor: str = "", limit: int = PAGE_MAX) -> bytes:
        """Return one page of events with their markets."""
        return self._page("/events/keyset", query, cursor, limit)

    def markets_keyset(self, query: Query = (), cursor: str = "", limit: int = PAGE_MAX) -> bytes:
        """Return one page of markets, each with its event."""
        return self._page("/markets/keyset", query, cursor, limit)

    def markets_by_condition(self, conditions: Sequence[str], *, closed: bool) -> bytes:
        """Return the markets of some condition ids that are open, or those that are closed."""
        query = [("condition_ids", _identity(one)) for one in _few(conditions, CONDITIONS_MAX)]
        query.append(("closed", "true" if closed else "false"))
        return self._page("/markets/keyset", query, "", PAGE_MAX)

    # CLOB, public: books, prices, terms.

    def books(self, tokens: Sequence[str]) -> bytes:
        """Return the books of some tokens; unknown ones are left out by the venue."""
        body = msgspec.json.encode([{"token_id": _token(t)} for t in _few(tokens, BOOKS_MAX)])
        return self._call(Budget.READS, "POST", self._at.clob, "/books", body=body)

    def book(self, token: str) -> bytes:
        """Return one book."""
        return self._get(self._at.clob, "/book", [("token_id", _token(token))])

    def prices(self, tokens: Sequence[str]) -> bytes:
        """Return the best price per token and side."""
        wanted = [
            {"token_id": _token(token), "side": side}
            for token in _few(tokens, BOOKS_MAX // 2)
            for side in ("BUY", "SELL")
        ]
        body = msgspec.json.encode(wanted)
        return self._call(Budget.READS, "POST", self._at.clob, "/prices", body=body)

    def clob_market(self, condition: str) -> bytes:
        """Return a market's record at the order book."""
        return self._get(self._at.clob, f"/markets/{_identity(condition)}")

    def clob_market_terms(self, condition: str) -> bytes:
        """Return a market's compact terms: tick, minimum, fee."""
        return self._get(self._at.clob, f"/clob-markets/{_identity(condition)}")

    def price_history(self, token: str, start_s: int, end_s: int, fidelity_min: int = 1) -> bytes:
        """Return prices of a token over at most fourteen days."""
        query = [
            ("market", _token(token)),
            ("startTs", str(start_s)),
            ("endTs", str(end_s)),
            ("fidelity", str(fidelity_min)),
        ]
        return self._get(self._at.clob, "/prices-history", query)

    def server_time(self) -> bytes:
        """Return the venue's clock, in seconds."""
        return self._get(self._at.clob, "/time")

    def version(self) -> bytes:
        """Return which protocol of orders the venue takes."""
        return self._get(self._at.clob, "/version")

    # Data API and site.

    def recent_trades(self, conditions: Sequence[str], limit: int = 500) -> bytes:
        """Return the newest trades of some markets, newest first."""
        joined = ",".join(_identity(one) for one in _few(conditions, CONDITIONS_MAX))
        query = [("market", joined), ("limit", str(limit)), ("takerOnly", "true")]
        return self._get(self._at.data, "/trades", query)

    def resolutions(self, conditions: Sequence[str]) -> bytes:
        """Return how far the resolution of some markets is."""
        joined = ",".join(_identity(one) for one in _few(conditions, RESOLUTIONS_MAX))
        return self._get(self._at.data, "/v2/resolutions", [("condition", joined)])

    def positions(self, holder: str, cursor: str = "") -> bytes:
        """Return one page of what an address held some minutes ago, in markets without an end."""
        query = [("user", _identity(holder)), ("status", "OPEN"), ("limit", "500")]
        return self._get(self._at.data, "/v2/positions", [*query, *_given(cursor=cursor)])

    def geoblock(self) -> bytes:
        """Return whether the venue refuses orders from here."""
        return self._get(self._at.site, "/api/geoblock")

    # Credentials.

    def create_api_key(self, login: Mapping[str, str]) -> bytes:
        """Make credentials; `Kind.REFUSED` where there are some already."""
        return self._call(Budget.WRITES, "POST", self._at.clob, "/auth/api-key", headers=login)

    def derive_api_key(self, login: Mapping[str, str]) -> bytes:
        """Return the credentials made earlier."""
        path = "/auth/derive-api-key"
        return self._call(Budget.READS, "GET", self._at.clob, path, headers=login)

    # CLOB, signed: orders.

    def post_order(self, body: bytes) -> bytes:
        """Send one order, once."""
        return self._signed(Budget.WRITES, "POST", "/order", body=body)

    def post_orders(self, bodies: Sequence[bytes]) -> bytes:
        """Send up to fifteen orders, once; the answer has one entry per order."""
        joined = b"[" + b",".join(_few(bodies, ORDERS_MAX)) + b"]"
        return self._signed(Budget.WRITES, "POST", "/orders", body=joined, tokens=len(bodies))

    def cancel_order(self, order: str) -> bytes:
        """Cancel one order."""
        body = msgspec.json.encode({"orderID": _identity(order)})
        return self._signed(Budget.CANCELS, "DELETE", "/order", body=body)

    def cancel_orders(self, orders: Sequence[str]) -> bytes:
        """Cancel some orders."""
        body = msgspec.json.encode([_identity(one) for one in _few(orders, CANCELS_MAX)])
        return self._signed(Budget.CANCELS, "DELETE", "/orders", body=body, tokens=len(orders))

    def cancel_market(self, condition: str, token: str) -> bytes:
        """Cancel everything on one token of a market."""
        body = msgspec.json.encode({"market": _identity(condition), "asset_id": _token(token)})
        return self._signed(Budget.CANCELS, "DELETE", "/cancel-market-orders", body=body)

    def cancel_all(self) -> bytes:
        """Cancel everything."""
        return self._signed(Budget.CANCELS, "DELETE", "/cancel-all")

    def open_orders(self, *, order: str = "", condition: str = "", cursor: str = "") -> bytes:
        """Return one page of our orders; naming one also finds those that work no more."""
        query = _given(id=order, market=condition, next_cursor=cursor)
        return self._signed(Budget.READS, "GET", "/data/orders", query=query)

    def order(self, order: str) -> bytes:
        """Return one of our orders; mostly only while it works."""
        return self._signed(Budget.READS, "GET", f"/data/order/{_identity(order)}")

    def own_trades(self, query: Query = (), cursor: str = "") -> bytes:
        """Return one page of our trades; ``query`` takes the venue's filters."""
        whole = [*query, *_given(next_cursor=cursor)]
        return self._signed(Budget.READS, "GET", "/data/trades", query=whole)

    def balance(self, asset: str, signature_type: int, token: str = "") -> bytes:
        """Return balance and allowances as the order book sees them."""
        return self._signed(
            Budget.READS,
            "GET",
            "/balance-allowance",
            query=_balance_query(asset, signature_type, token),
        )

    def refresh_balance(self, asset: str, signature_type: int, token: str = "") -> bytes:
        """Make the order book look at the chain again."""
        return self._signed(
            Budget.REFRESHES,
            "GET",
            "/balance-allowance/update",
            query=_balance_query(asset, signature_type, token),
        )

    def closed_only(self) -> bytes:
        """Return whether the account may only close positions."""
        return self._signed(Budget.READS, "GET", "/auth/ban-status/closed-only")

    def heartbeat(self, last: str) -> bytes:
        """Send a heartbeat; the first one arms a switch that cannot be disarmed."""
        body = msgspec.json.encode({"heartbeat_id": last})
        return self._signed(Budget.WRITES, "POST", "/v1/heartbeats", body=body)

    # How.

    def _page(self, path: str, query: Query, cursor: str, limit: int) -> bytes:
        if not 1 <= limit <= PAGE_MAX:
            msg = f"a page holds 1 to {PAGE_MAX} records, was {limit}"
            raise ValueError(msg)
        whole = [*query, ("limit", str(limit)), *_given(after_cursor=cursor)]
        return self._get(self._at.gamma, path, whole)

    def _get(self, base: str, path: str, query: Query = ()) -> bytes:
        return self._call(Budget.READS, "GET", base, path, query=query)

    def _signed(
        self,
        budget: Budget,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: bytes = b"",
        tokens: int = 1,
    ) -> bytes:
        return self._call(
            budget, method, self._at.clob, path, query=query, body=body, tokens=tokens, signed=True
        )

    def _call(
        self,
        budget: Budget,
        method: str,
        base: str,
        path: str,
        *,
        query: Query = (),
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        tokens: int = 1,
        signed: bool = False,
    ) -> bytes:
        """Send, once or for a GET a few times, and return the body of a good answer."""
        if signed:
            self._logged_in(f"{method} {path}")
        tries = self._patience.tries if method == "GET" else 1
        pause = _BACK_OFF
        while True:
            tries -= 1
            self._spend(budget, tokens, f"{method} {path}")
            # Signed anew each time: a signature carries the time of its sending.
            own = self._headers(method, path, body, headers, signed=signed)
            request = Request(
                method=method, base=base, path=path, query=tuple(query), headers=own, body=body
            )
            try:
                return self._once(request, budget)
            except (Unreachable, NoAnswer, VenueProblem) as e:
                asked = self._asked_pause(e)
                if tries <= 0 or asked is None or asked > _BACK_OFF_MAX:
                    raise
                self.retries += 1
                self._wait(Duration(max(asked, pause)))
                pause = Duration(min(2 * pause, _BACK_OFF_MAX))

    def _once(self, request: Request, budget: Budget) -> bytes:
        reply = self._transport.send(request, self._deadline(budget))
        pause = exhausted(reply.headers)
        if pause is not None:
            self._buckets[budget].block(pause)
        if reply.status in _OK:
            return reply.body
        raise self._refusal(reply, budget)

    def _refusal(self, reply: Reply, budget: Budget) -> PolymarketError:
        withheld = self._credentials.withheld if self._credentials else ()
        problem = venue_problem(reply.status, reply.headers, reply.body, withheld=withheld)
        if problem.kind is Kind.RATE:
            self._buckets[budget].block(problem.retry_after or Duration(SECOND))
        return problem

    def _deadline(self, budget: Budget) -> Duration:
        match budget:
            case Budget.READS | Budget.REFRESHES:
                return self._patience.read
            case Budget.WRITES:
                return self._patience.write
            case Budget.CANCELS:
                return self._patience.cancel

    @staticmethod
    def _asked_pause(error: PolymarketError) -> Duration | None:
        """Return how long to wait before another try; None: another try is of no use."""
        if isinstance(error, VenueProblem):
            transient = error.kind in _TRANSIENT
            return (error.retry_after or Duration(0)) if transient else None
        return Duration(0)

    def _headers(
        self,
        method: str,
        path: str,
        body: bytes,
        given: Mapping[str, str] | None,
        *,
        signed: bool,
    ) -> dict[str, str]:
        headers = dict(given or {})
        if body:
            headers["Content-Type"] = "application/json"
        if signed:
            now_s = self._clock.now() // SECOND
            headers |= self._logged_in(f"{method} {path}").headers(now_s, method, path, body)
        return headers

    def _logged_in(self, name: str) -> ApiCredentials:
        if self._credentials is None:
            if self._login is None:
                msg = f"{name} needs the account's API credentials; none are given"
                raise PolymarketError(msg)
            self._credentials = self._login()
        return self._credentials

    def _spend(self, budget: Budget, tokens: int, name: str) -> None:
        bucket = self._buckets[budget]
        wait = bucket.wait_for(tokens)
        if budget is Budget.CANCELS:
            # Pacing, never a refusal: what must not work any more is cancelled.
            wait = min(wait, self._patience.budget)
        if wait > self._patience.budget:
            msg = f"{name}: our limit of {budget.value} is used up for {wait / SECOND:.1f} s"
            raise OverBudget(msg)
        if wait > 0:
            self._wait(wait)
        bucket.take(tokens)


def _few(items: Sequence[_T], most: int) -> Sequence[_T]:
    if not 1 <= len(items) <= most:
        msg = f"1 to {most} in one request, was {len(items)}"
        raise ValueError(msg)
    return items


def _token(text: str) -> str:
    if not 0 < len(text) <= _ID_MAX or not _DIGITS.issuperset(text):
        msg = plain(f"not a token id: {text[:90]!r}")
        raise Unsayable(msg)
    return text


def _identity(text: str) -> str:
    # Goes into paths: nothing that could leave its place.
    if not 0 < len(text) <= _ID_MAX or not _ID_CHARACTERS.issuperset(text):
        msg = plain(f"not an id of the venue: {text[:90]!r}")
        raise Unsayable(msg)
    return text


def _given(**values: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in values.items() if value]


def _balance_query(asset: str, signature_type: int, token: str) -> list[tuple[str, str]]:
    query = [("asset_type", asset), ("signature_type", str(signature_type))]
    return query + _given(token_id=token and _token(token))
