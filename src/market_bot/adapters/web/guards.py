"""Who may ask at all: a page of this bot in a browser on this machine, and nobody else.

A name that somebody else's server maps to 127.0.0.1 (DNS rebinding) is refused by its Host, a
foreign page in the same browser by Sec-Fetch-Site and Origin. The gate stands in front of
everything, for HTTP and WebSocket alike, so that a new route cannot forget it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from .headers import with_security_headers
from .problems import PROBLEM_JSON, problem

BODY_BYTES_MAX: Final = 64 * 1024
"""No request needs more."""

_SAME_SITE: Final = frozenset({b"same-origin", b"none"})
_POLICY_VIOLATION: Final = 1008
_MISDIRECTED: Final = 421
_FORBIDDEN: Final = 403
_LENGTH_REQUIRED: Final = 411
_TOO_LARGE: Final = 413
_HTTP_PORT: Final = 80

_Headers = Sequence[tuple[bytes, bytes]]


@attrs.frozen
class Refusal:
    """Why a request is not let in: the HTTP status and a sentence for people."""

    status: int
    detail: str


def loopback_hosts(port: int) -> frozenset[str]:
    """Return the Host headers under which a browser on this machine may ask."""
    names = ("127.0.0.1", "localhost", "[::1]")
    # A browser leaves out the port that it would have taken anyway.
    bare = names if port == _HTTP_PORT else ()
    return frozenset({*(f"{name}:{port}" for name in names), *bare})


def refusal(headers: _Headers, allowed_hosts: frozenset[str]) -> Refusal | None:
    """Return why a request with these headers (lower-case names) is refused, or None."""
    hosts = _all(headers, b"host")
    host = hosts[0].decode("latin-1").lower() if len(hosts) == 1 else ""
    if host not in allowed_hosts:
        return Refusal(_MISDIRECTED, "this address is not served here; see the start of the bot")
    if any(site not in _SAME_SITE for site in _all(headers, b"sec-fetch-site")):
        return Refusal(_FORBIDDEN, "another site sent this request; type the address yourself")
    own_origin = f"http://{host}".encode("latin-1")
    if any(origin != own_origin for origin in _all(headers, b"origin")):
        return Refusal(_FORBIDDEN, "a page of another origin sent this request")
    return _oversize(headers)


class Gate:
    """The outermost ASGI application: asks who is there, then secures whatever is answered."""

    def __init__(self, app: ASGIApp, allowed_hosts: frozenset[str]) -> None:
        self._app = app
        self._allowed_hosts = allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = refusal(tuple(scope["headers"]), self._allowed_hosts)
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


def _all(headers: _Headers, name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]


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
