"""Who may ask at all: somebody who is logged in, from a page of this bot, and nobody else.

A name that somebody else's server maps to 127.0.0.1 (DNS rebinding) is refused by its Host, a
foreign page in the same browser by Sec-Fetch-Site and Origin, everybody without a session but for
the few public addresses, and every change without the session's own token. The gate stands in
front of everything, for HTTP and WebSocket alike, so that a new route cannot forget it: what is
not named public here is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from .bearers import METRICS, bears
from .headers import with_security_headers
from .problems import PROBLEM_JSON, problem
from .sessions import Session, Sessions, same

BODY_BYTES_MAX: Final = 64 * 1024
"""No request needs more."""

_SAME_SITE: Final = frozenset({b"same-origin", b"none"})
_POLICY_VIOLATION: Final = 1008
_UNAUTHORIZED: Final = 401
_MISDIRECTED: Final = 421
_FORBIDDEN: Final = 403
_LENGTH_REQUIRED: Final = 411
_TOO_LARGE: Final = 413
_NOT_JSON: Final = 415
_HTTP_PORT: Final = 80
_HTTPS_PORT: Final = 443

SESSION: Final = "/api/session"
STATIC: Final = "/static/"
_LOOKING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PUBLIC: Final = frozenset({"/", SESSION, "/api/health"})
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_SESSION_KEY: Final = "market_bot.session"
_COOKIE_BYTES_MAX: Final = 4096

_Headers = Sequence[tuple[bytes, bytes]]


@attrs.frozen
class Refusal:
    """Why a request is not let in: the HTTP status and a sentence for people."""

    status: int
    detail: str


_NOT_LOGGED_IN: Final = Refusal(_UNAUTHORIZED, "log in first: `market-bot web link` prints a link")


@attrs.frozen(kw_only=True)
class Access:
    """How a dashboard is reached.

    Args:
        hosts: exact Host headers in lower case, such as "127.0.0.1:8787".
        sessions: who is logged in.
        secure: whether it is served by TLS.
        read_only: whether every command is refused.
        metrics_token: what opens the numbers for a monitoring system, "" for nobody.

    """

    hosts: frozenset[str]
    sessions: Sessions
    secure: bool = False
    read_only: bool = False
    metrics_token: str = attrs.field(default="", repr=False)

    @property
    def cookie(self) -> str:
        """The name of the cookie; cookies know no ports, so that the name has to."""
        ports = {host.rpartition(":")[2] for host in self.hosts} - {""}
        port = min((p for p in ports if p.isdigit()), default="")
        return f"{'__Host-' if self.secure else ''}market_bot{port and f'_{port}'}"


def loopback_hosts(port: int, *, secure: bool = False) -> frozenset[str]:
    """Return the Host headers under which a browser on this machine may ask."""
    return hosts_of(("127.0.0.1", "localhost", "[::1]"), port, secure=secure)


def hosts_of(names: Sequence[str], port: int, *, secure: bool = False) -> frozenset[str]:
    """Return the Host headers of these names at a port."""
    # A browser leaves out the port that it would have taken anyway.
    bare = names if port == (_HTTPS_PORT if secure else _HTTP_PORT) else ()
    return frozenset({*(f"{name.lower()}:{port}" for name in names), *(n.lower() for n in bare)})


def refusal(
    headers: _Headers, allowed_hosts: frozenset[str], *, secure: bool = False
) -> Refusal | None:
    """Return why a request with these headers (lower-case names) is refused, or None."""
    hosts = _all(headers, b"host")
    host = hosts[0].decode("latin-1").lower() if len(hosts) == 1 else ""
    if host not in allowed_hosts:
        return Refusal(_MISDIRECTED, "this address is not served here; see the start of the bot")
    if any(site not in _SAME_SITE for site in _all(headers, b"sec-fetch-site")):
        return Refusal(_FORBIDDEN, "another site sent this request; type the address yourself")
    own_origin = f"http{'s' if secure else ''}://{host}".encode("latin-1")
    if any(origin != own_origin for origin in _all(headers, b"origin")):
        return Refusal(_FORBIDDEN, "a page of another origin sent this request")
    return _oversize(headers)


def session_of(scope: Scope) -> Session | None:
    """Return the session that the gate found for a request."""
    found = scope.get("state", {}).get(_SESSION_KEY)
    return found if isinstance(found, Session) else None


class Gate:
    """The outermost ASGI application: asks who is there, then secures whatever is answered."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refusal(scope)
        if scope["type"] == ScopeType.WEBSOCKET:
            if refused is None:
                await self._app(scope, receive, send)
            else:
                await send(
                    {
                        "type": "websocket.close",
                        "code": _POLICY_VIOLATION,
                        "reason": refused.detail,
                    }
                )
            return
        secured = with_security_headers(send, scope["path"])
        if refused is None:
            await self._app(scope, receive, secured)
        else:
            await _answer(secured, refused)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers, access = tuple(scope["headers"]), self._access
        refused = refusal(headers, access.hosts, secure=access.secure)
        if refused is not None:
            return refused
        # A page that only listens is no sign that somebody is there.
        session = self._session(headers, touch=scope["type"] != ScopeType.WEBSOCKET)
        scope.setdefault("state", {})[_SESSION_KEY] = session
        if scope["type"] == ScopeType.WEBSOCKET:
            return _foreign_socket(headers, session)
        return self._http_refusal(scope["method"], scope["path"], headers, session)

    def _http_refusal(
        self, method: str, path: str, headers: _Headers, session: Session | None
    ) -> Refusal | None:
        looks, logs_in = method in _LOOKING, (method, path) == ("POST", SESSION)
        public = path in _PUBLIC or path.startswith(STATIC)
        if session is None and (method, path) == ("GET", METRICS):
            # A monitoring system has no session, and this is all that it may see.
            shown = bears(_all(headers, b"authorization"), self._access.metrics_token)
            return None if shown else _NOT_LOGGED_IN
        if session is None and not (logs_in or (looks and public)):
            return _NOT_LOGGED_IN
        if looks:
            return None
        if method in _WITH_BODY and not _is_json(headers):
            return Refusal(_NOT_JSON, "a change is sent as application/json")
        if logs_in:
            return None
        if session is None or not _has_token(headers, session):
            return Refusal(_FORBIDDEN, "this page is out of date: load it again")
        if self._access.read_only and not path.startswith(SESSION):
            return Refusal(_FORBIDDEN, "this dashboard is read-only")
        return None

    def _session(self, headers: _Headers, *, touch: bool) -> Session | None:
        found = [c for line in _all(headers, b"cookie") for c in self._cookies(line)]
        # Somebody who can set cookies for this name could add one of his own.
        if len(found) != 1:
            return None
        return self._access.sessions.find(found[0], touch=touch)

    def _cookies(self, line: bytes) -> list[str]:
        if len(line) > _COOKIE_BYTES_MAX:
            return []
        name = self._access.cookie
        values = []
        for part in line.decode("latin-1").split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                values.append(value)
        return values


def _all(headers: _Headers, name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]


def _foreign_socket(headers: _Headers, session: Session | None) -> Refusal | None:
    # Only a browser opens it, and that always says where the page comes from.
    if len(_all(headers, b"origin")) != 1:
        return Refusal(_FORBIDDEN, "only a page of this dashboard may listen")
    return None if session else Refusal(_UNAUTHORIZED, "log in first")


def _is_json(headers: _Headers) -> bool:
    types = _all(headers, b"content-type")
    return len(types) == 1 and types[0].partition(b";")[0].strip().lower() == b"application/json"


def _has_token(headers: _Headers, session: Session) -> bool:
    tokens = _all(headers, b"x-csrf-token")
    return len(tokens) == 1 and same(tokens[0].decode("latin-1"), session.csrf)


def _oversize(headers: _Headers) -> Refusal | None:
    """Refuse a body that is too long or does not say how long it is, before a byte of it."""
    if _all(headers, b"transfer-encoding"):
        return Refusal(_LENGTH_REQUIRED, "a request must say how long its body is")
    for length in _all(headers, b"content-length"):
        if not length.isdigit() or int(length[:20]) > BODY_BYTES_MAX:
            return Refusal(_TOO_LARGE, f"a request may have {BODY_BYTES_MAX} bytes")
    return None


async def _answer(send: Send, refused: Refusal) -> None:
    body = problem(refused.status, refused.detail)
    await send(
        {
            "type": "http.response.start",
            "status": refused.status,
            "headers": [
                (b"content-type", PROBLEM_JSON.encode()),
                (b"content-length", str(len(body)).encode()),
                # The body, if there is one, stays unread.
                (b"connection", b"close"),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
