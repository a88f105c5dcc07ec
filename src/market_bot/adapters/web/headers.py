"""What every answer tells the browser to forbid; errors and refusals included."""

from __future__ import annotations

from typing import Final

from litestar.types import Message, Send

from .bearers import METRICS

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'none'",
    # Text of venues is hostile: with these two the browser itself refuses to parse it as HTML.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
CONTENT_SECURITY_POLICY: Final = "; ".join(f"{name} {value}" for name, value in _POLICY.items())

_ALWAYS: Final = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)
_NO_STORE: Final = (b"cache-control", b"no-store")
# The files change with the version of the bot; their ETag makes asking again cheap.
_NO_CACHE: Final = (b"cache-control", b"no-cache")


def security_headers(path: str) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers of every answer at a path; what the bot says is kept nowhere."""
    is_data = path in ("/api", METRICS) or path.startswith("/api/")
    return (*_ALWAYS, _NO_STORE if is_data else _NO_CACHE)


def with_security_headers(send: Send, path: str) -> Send:
    """Return `send`, which replaces the headers of the answer by ours where both are present."""
    ours = security_headers(path)
    names = {name for name, _ in ours}

    async def secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            theirs = [(n, v) for n, v in message["headers"] if n.lower() not in names]
            message["headers"] = [*theirs, *ours]
        await send(message)

    return secured
