"""Bytes to a host and back: deadline, size limit, no redirects. The only user of ``httpx`` here."""

from __future__ import annotations

import functools
import logging
import ssl
from abc import abstractmethod
from collections.abc import Mapping
from typing import Final, Protocol

import attrs
import httpx

from market_bot.core.domain.numbers import SECOND, Duration
from market_bot.core.ports.clock import Clock

from .problems import NoAnswer, Unreachable, Unreadable, plain

BODY_MAX: Final = 32 << 20
"""A page of a hundred events with all their markets has a few megabytes."""

_AGENT: Final = "market-bot"
_CONNECTIONS: Final = 4
_KEPT_S: Final = 30.0
_CONNECT_S_MAX: Final = 5.0
_CHUNK: Final = 1 << 16
_PACKED: Final = frozenset({"", "identity", "gzip"})


@attrs.frozen(kw_only=True)
class Request:
    """One request; ``path`` is what is signed, so the query stands apart.

    ``headers`` may hold credentials and are never printed.
    """

    method: str
    base: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    body: bytes = attrs.field(default=b"", repr=False)

    @property
    def name(self) -> str:
        """The request in an error message: no query, no body."""
        return f"{self.method} {self.path}"


@attrs.frozen
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


class Transport(Protocol):
    """Moves one request and its answer."""

    @abstractmethod
    def send(self, request: Request, deadline: Duration) -> Reply:
        """Send once and return the answer, whatever its status.

        Args:
            request: what to send.
            deadline: how long it may take in all, in microseconds.

        Raises:
            Unreachable: if there was no connection; nothing was sent.
            NoAnswer: if it was sent and no whole answer came in time.
            Unreadable: if the answer is too large.

        """

    @abstractmethod
    def close(self) -> None:
        """Give back the connections."""


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Return who is trusted over TLS; reading that list takes long, hence it is read once."""
    return httpx.create_ssl_context()


class HttpTransport(Transport):
    """Keeps a few connections open; used by one thread.

    Args:
        clock: for deadlines; `elapsed` must run.
        body_max: the largest answer that is read, in bytes after decompression.
        wire: what carries the requests; None for the network.

    """

    def __init__(
        self,
        clock: Clock,
        *,
        body_max: int = BODY_MAX,
        wire: httpx.BaseTransport | None = None,
    ) -> None:
        # It writes whole addresses, queries included, at the level of ordinary news.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._clock = clock
        self._body_max = body_max
        self._client = httpx.Client(
            follow_redirects=False,
            verify=_trusted(),
            headers={
                "User-Agent": _AGENT,
                "Accept": "application/json",
                "Accept-Encoding": "gzip",
            },
            limits=httpx.Limits(
                max_connections=_CONNECTIONS,
                max_keepalive_connections=_CONNECTIONS,
                keepalive_expiry=_KEPT_S,
            ),
            transport=wire,
        )

    def close(self) -> None:
        self._client.close()

    def send(self, request: Request, deadline: Duration) -> Reply:
        ends = self._clock.elapsed() + deadline
        seconds = max(deadline, 1) / SECOND
        built = self._client.build_request(
            request.method,
            request.base + request.path,
            params=list(request.query) or None,
            content=request.body or None,
            headers=dict(request.headers),
            timeout=httpx.Timeout(seconds, connect=min(seconds, _CONNECT_S_MAX)),
        )
        try:
            reply = self._client.send(built, stream=True)
            try:
                return Reply(reply.status_code, dict(reply.headers), self._read(reply, ends))
            finally:
                reply.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as e:
            msg = f"{request.name}: {request.base} cannot be reached ({_reason(e)})"
            raise Unreachable(msg) from e
        except httpx.DecodingError as e:
            msg = f"{request.name}: the answer cannot be unpacked ({_reason(e)})"
            raise Unreadable(msg) from e
        except (httpx.HTTPError, httpx.StreamError) as e:
            msg = f"{request.name}: no whole answer within {seconds:g} s ({_reason(e)})"
            raise NoAnswer(msg) from e
        except _TooLarge as e:
            msg = f"{request.name}: an answer of more than {self._body_max} bytes"
            raise Unreadable(msg) from e
        except _StrangelyPacked as e:
            msg = f"{request.name}: the answer is packed as {plain(str(e))[:20]!r}: not asked for"
            raise Unreadable(msg) from e
        except _TooLate as e:
            msg = f"{request.name}: no whole answer within {seconds:g} s"
            raise NoAnswer(msg) from e

    def _read(self, reply: httpx.Response, ends: int) -> bytes:
        packed = reply.headers.get("content-encoding", "identity").strip().lower()
        if packed not in _PACKED:
            # Packed twice, or better than asked for, a few bytes may fill the memory.
            raise _StrangelyPacked(packed)
        parts: list[bytes] = []
        size = 0
        for part in reply.iter_bytes(_CHUNK):
            size += len(part)
            if size > self._body_max:
                raise _TooLarge
            # The client's timeouts are per read: a dripping answer would never meet them.
            if self._clock.elapsed() > ends:
                raise _TooLate
            parts.append(part)
        return b"".join(parts)


class _TooLarge(Exception):
    pass


class _TooLate(Exception):
    pass


class _StrangelyPacked(Exception):
    pass


def _reason(error: Exception) -> str:
    return plain(f"{type(error).__name__} {error}".strip())
