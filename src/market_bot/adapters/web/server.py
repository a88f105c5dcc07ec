"""The web server inside the bot: on the main loop, or in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn
from litestar.types import ASGIApp

from .connections import PatientProtocol
from .guards import loopback_hosts

_PORT_MAX: Final = 65_535
# Far above what may be quiet: those that are closed already count for a moment as well.
_CONNECTIONS_MAX: Final = 512
_SHUTDOWN_S: Final = 3
_STOP_S: Final = 10.0


class WebError(OSError):
    """The dashboard cannot be served; the text says why and what to do."""


class WebServer:
    """The dashboard at an address of this machine; the address is taken when this is made.

    Args:
        make_app: makes the application, told under which Host headers it will be asked.
        host: "localhost" or a loopback address.
        port: a TCP port; 0 takes any that is free, see `url`.

    Raises:
        WebError: the host is not this machine alone, or the port cannot be had.

    """

    def __init__(
        self, make_app: Callable[[frozenset[str]], ASGIApp], host: str = "127.0.0.1", port: int = 0
    ) -> None:
        address = _loopback(host)
        self._socket = _bound(address, port)
        self.port: int = self._socket.getsockname()[1]
        own_name = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - IPv6
        self._address = f"{own_name}:{self.port}"
        self._server = _Embedded(make_app(loopback_hosts(self.port) | {self._address}))
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def url(self) -> str:
        """The address to type into a browser."""
        return f"http://{self._address}/"

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

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=_CONNECTIONS_MAX,
                timeout_graceful_shutdown=_SHUTDOWN_S,
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


def _loopback(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host.strip("[]"))
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        msg = (
            f"the dashboard cannot listen on {host!r}: it has no password, so only this machine "
            "may reach it; use --host 127.0.0.1"
        )
        raise WebError(msg)
    return address


def _bound(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> socket.socket:
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
