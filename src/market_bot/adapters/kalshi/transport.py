"""The only module here that moves bytes over HTTP: one exchange, bounded in time and size.

Redirects are not followed and nothing is ever sent again here. What the library raises is
described, never chained: its exceptions carry the request with all its headers.
"""

from __future__ import annotations

import functools
import ssl
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

import attrs
import httpx

from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.clock import Clock

from .errors import KalshiError, NotSentError, OutcomeUnknownError

Params = Sequence[tuple[str, str]]

RESPONSE_MAX: Final = 32 << 20
"""The list of all series had 18 MB in September 2026."""

_AGENT: Final = "market-bot"
_CHUNK: Final = 1 << 16
_PACKED: Final = frozenset({"", "identity", "gzip"})
# Before any byte of the request was written.
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@attrs.frozen(kw_only=True)
class Exchange:
    """An answer as it came; ``headers`` have their names in small letters."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    sent: Micros
    received: Micros


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Return who is trusted over TLS; reading that list takes long, hence it is read once."""
    return httpx.create_ssl_context()


class Transport:
    """One connection pool to one venue; owned by one thread.

    Args:
        base_url: scheme, host and path prefix, such as ``https://host/trade-api/v2``.
        clock: for deadlines and for when an answer came.
        connect: how long setting up a connection may take, in microseconds.
        response_max: the longest answer in bytes, after unpacking.
        backend: takes the place of the network in tests.

    """

    def __init__(
        self,
        base_url: str,
        clock: Clock,
        *,
        connect: Duration = Duration(3 * SECOND),
        response_max: int = RESPONSE_MAX,
        backend: httpx.BaseTransport | None = None,
    ) -> None:
        url = httpx.URL(base_url)
        if url.scheme not in {"http", "https"} or not url.host or url.query or url.userinfo:
            msg = f"not the address of an API: {base_url!r} (expected https://host/trade-api/v2)"
            raise ValueError(msg)
        self._base = str(url).rstrip("/")
        self._clock = clock
        self._connect_s = connect / SECOND
        self._response_max = response_max
        self._client = httpx.Client(
            transport=backend,
            follow_redirects=False,
            verify=_trusted(),
            headers={
                "user-agent": _AGENT,
                "accept": "application/json",
                "accept-encoding": "gzip",
            },
            limits=httpx.Limits(max_connections=4, max_keepalive_connections=2),
        )

    def path(self, endpoint: str) -> str | None:
        """Return the path from the root, as it is signed: ``/trade-api/v2`` and the endpoint.

        None if no address is made of it; with characters that have to be escaped it is another.
        """
        try:
            url = httpx.URL(self._base + endpoint)
        except httpx.InvalidURL:
            return None
        return url.raw_path.decode("ascii").partition("?")[0]

    def exchange(
        self,
        method: str,
        endpoint: str,
        *,
        within: Duration,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Exchange:
        """Send one request once and return the answer, whatever its status.

        Args:
            method: GET, POST, PUT or DELETE.
            endpoint: below the base address, such as ``/markets``.
            within: how long the answer may take; a connection that has to be made first may take
                `connect` besides.
            params: the query; a name may occur again.
            headers: beyond the usual ones.
            body: JSON bytes, if any.

        Raises:
            NotSentError: if no connection could be made.
            OutcomeUnknownError: if no whole answer came in time, or it was too long.

        """
        content = {"content-type": "application/json"} if body is not None else {}
        request = self._client.build_request(
            method,
            self._base + endpoint,
            params=list(params) or None,
            headers={**content, **(headers or {})},
            content=body,
            timeout=self._timeout(within),
        )
        answer = self._send(request, f"{method} {endpoint}", within)
        # Raised here and not where it was caught, so that nothing is chained to it.
        if isinstance(answer, KalshiError):
            raise answer
        return answer

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _timeout(self, within: Duration) -> httpx.Timeout:
        seconds = within / SECOND
        connect = min(seconds, self._connect_s)
        # What we send is small: a connection that does not take it is as good as none.
        return httpx.Timeout(seconds, connect=connect, pool=connect, write=connect)

    def _send(self, request: httpx.Request, what: str, within: Duration) -> Exchange | KalshiError:
        sent, began = self._clock.now(), self._clock.elapsed()
        try:
            response = self._client.send(request, stream=True)
            try:
                body = self._read(response, began + within)
            finally:
                response.close()
        except _NOT_SENT as e:
            return NotSentError(f"{what}: no connection ({type(e).__name__})")
        except httpx.HTTPError as e:
            return OutcomeUnknownError(f"{what}: no whole answer ({type(e).__name__})")
        except OSError as e:
            return OutcomeUnknownError(f"{what}: the connection broke ({type(e).__name__})")
        if isinstance(body, str):
            return OutcomeUnknownError(f"{what}: {body}")
        return Exchange(
            status=response.status_code,
            body=body,
            headers={name.lower(): value for name, value in response.headers.items()},
            sent=sent,
            received=self._clock.now(),
        )

    def _read(self, response: httpx.Response, until: int) -> bytes | str:
        """Read the body; a text says why it was not read to its end."""
        packed = response.headers.get("content-encoding", "identity").strip().lower()
        if packed not in _PACKED:
            # Packed twice, or better than asked for, a few bytes may fill the memory.
            return f"packed as {packed[:20]!r}, which was not asked for"
        parts: list[bytes] = []
        length = 0
        for part in response.iter_bytes(_CHUNK):
            length += len(part)
            if length > self._response_max:
                return f"the answer is longer than {self._response_max} bytes"
            # The library's deadline is for every single piece; an answer may come in many.
            if self._clock.elapsed() > until:
                return "the answer did not end in time"
            parts.append(part)
        return b"".join(parts)
