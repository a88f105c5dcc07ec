"""The web server inside the bot: on the main loop, or in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs
import uvicorn
from litestar.types import ASGIApp

from .connections import PatientProtocol
from .guards import hosts_of, loopback_hosts

_PORT_MAX: Final = 65_535
# Far above what may be quiet: those that are closed already count for a moment as well.
_CONNECTIONS_MAX: Final = 1_024
# Nobody has anything to say on a WebSocket.
_HEARD_BYTES_MAX: Final = 4 * 1024
_SHUTDOWN_S: Final = 3
_STOP_S: Final = 10.0


class WebError(OSError):
    """The dashboard cannot be served; the text says why and what to do."""


@attrs.frozen
class Tls:
    """A certificate with its chain, and its private key, as PEM files."""

    certificate: Path
    key: Path


class WebServer:
    """The dashboard at an address; the address is taken when this is made.

    Args:
        make_app: makes the application, told under which Host headers it will be asked.
        host: "localhost" or an address of this machine; others than loopback need TLS and a
            password.
        port: a TCP port; 0 takes any that is free, see `url`.
        tls: certificate and key; None serves plain HTTP.
        names: further names under which it is reached.
        password_set: whether there is a password to log in with.

    Raises:
        WebError: the host is not this machine alone without TLS and a password, the port cannot
            be had, or the certificate cannot be used.

    """

    def __init__(
        self,
        make_app: Callable[[frozenset[str]], ASGIApp],
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        tls: Tls | None = None,
        names: Sequence[str] = (),
        password_set: bool = False,
    ) -> None:
        address = _address(host, guarded=tls is not None and password_set, named=bool(names))
        context = None if tls is None else _tls_context(tls)
        self._socket = _bound(address, port)
        self.port: int = self._socket.getsockname()[1]
        self._scheme, secure = ("http", False) if tls is None else ("https", True)
        own_name = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - IPv6
        shown = names[0] if address.is_unspecified else own_name
        self._address = f"{shown}:{self.port}"
        own = () if address.is_unspecified else (own_name,)
        hosts = hosts_of((*own, *names), self.port, secure=secure)
        if address.is_loopback or address.is_unspecified:
            hosts |= loopback_hosts(self.port, secure=secure)
        self._server = _Embedded(make_app(hosts), context)
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def url(self) -> str:
        """The address to type into a browser."""
        return f"{self._scheme}://{self._address}/"

    async def serve(self, stop: asyncio.Event) -> None:
        """Serve on the running loop until `stop` is set; open requests get three seconds.

        Raises:
            WebError: the server did not start, or ended by itself.

        """
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            self._server.should_exit = True
            await serving
        finally:
            serving.cancel()
            stopping.cancel()
            self._socket.close()
        if not stop.is_set():
            msg = "the dashboard ended by itself; start the bot again, or with --no-web"
            raise WebError(msg)

    def start(self) -> None:
        """Serve in a thread of its own; return when it answers.

        Raises:
            WebError: the server did not start.

        """
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()
        self._server.settled.wait()
        if not self._server.started:
            self.stop()
            msg = "the dashboard did not start; --no-web does without"
            raise WebError(msg) from self._failure

    def stop(self) -> None:
        """Stop serving and give the port back; safe to call twice, or without `start`."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_S)
        self._socket.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._server.serve(sockets=[self._socket]))
        except BaseException as e:  # noqa: BLE001 - told to whoever waits in `start`
            self._failure = e
        finally:
            self._server.settled.set()


class _Embedded(uvicorn.Server):
    """uvicorn as a guest: signals belong to the bot, and `settled` tells when it is up."""

    def __init__(self, app: ASGIApp, context: ssl.SSLContext | None) -> None:
        tls = {} if context is None else {"ssl_context_factory": lambda *_: context}
        super().__init__(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                ws="websockets-sansio",
                ws_max_size=_HEARD_BYTES_MAX,
                ws_per_message_deflate=False,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=_CONNECTIONS_MAX,
                timeout_graceful_shutdown=_SHUTDOWN_S,
                **tls,  # type: ignore[arg-type]  # one key of one type
            )
        )
        self.settled = threading.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as e:
            # A guest does not end the house.
            msg = "the dashboard did not start; the log says why, --no-web does without"
            raise WebError(msg) from e
        self.settled.set()


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(host: str, *, guarded: bool, named: bool) -> _Address:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
    except ValueError:
        address = None
    if address is not None and address.is_loopback:
        return address
    if address is None or not guarded:
        msg = (
            f"the dashboard cannot listen on {host!r}: only this machine may reach it without TLS "
            "and a password; use --host 127.0.0.1, or see docs/how-to/reach-the-dashboard.md"
        )
        raise WebError(msg)
    if address.is_unspecified and not named:
        msg = f"the dashboard cannot listen on {host!r} without a name: set web.names in bot.yaml"
        raise WebError(msg)
    return address


def _tls_context(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as e:
        msg = f"the certificate {tls.certificate} with the key {tls.key} cannot be used: {e}"
        raise WebError(msg) from e
    return context


def _bound(address: _Address, port: int) -> socket.socket:
    if not 0 <= port <= _PORT_MAX:
        msg = f"there is no port {port}: choose one from 1 to {_PORT_MAX} with --port"
        raise WebError(msg)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET  # noqa: PLR2004 - IPv6
    try:
        return socket.create_server((str(address), port), family=family)
    except OSError as e:
        raise WebError(_bind_failure(address, port, e)) from e


def _bind_failure(address: object, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is busy: choose another with --port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"port {port} is reserved for the system: choose one above 1023 with --port"
    return f"the dashboard cannot listen on {address} port {port}: {error.strerror}"
