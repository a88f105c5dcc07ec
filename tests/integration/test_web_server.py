"""The server around the application: its address, its start and its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from litestar import Litestar

from market_bot.adapters.web.app import create_app
from market_bot.adapters.web.connections import PatientProtocol
from market_bot.adapters.web.server import Tls, WebError, WebServer
from tests.fakes.desk import FakeDesk, a_busy_lane
from tests.fakes.web import some_sessions


def make_app(hosts: frozenset[str]) -> Litestar:
    """Return the application of a busy bot."""
    return create_app(FakeDesk(a_busy_lane()), some_sessions(), allowed_hosts=hosts)


def fetch(url: str) -> tuple[int, bytes, str | None]:
    """Return status, body and the server's name."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own address
            return answer.status, answer.read(), answer.headers["server"]
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.read(), e.headers["server"]


def test_a_thread_serves_and_stops() -> None:
    """The server answers at its own address from a thread, and gives the port back."""
    server = WebServer(make_app)
    server.start()
    try:
        status, body, name = fetch(f"{server.url}api/health")
    finally:
        server.stop()

    assert 200 == status
    assert {"healthy": True} == json.loads(body)
    assert name is None
    server.stop()
    WebServer(make_app, port=server.port).stop()


def test_the_main_loop_serves_and_stops() -> None:
    """The server shares a running loop and ends when it is told to."""
    server = WebServer(make_app)

    async def scenario() -> int:
        stop = asyncio.Event()
        serving = asyncio.create_task(server.serve(stop))
        status, _, _ = await asyncio.to_thread(fetch, f"{server.url}api/health")
        stop.set()
        await serving
        return status

    assert 200 == asyncio.run(scenario())
    with pytest.raises(OSError, match="refused"):
        fetch(server.url)


@pytest.fixture
def running() -> Iterator[WebServer]:
    """Return a server that serves from a thread."""
    server = WebServer(make_app)
    server.start()
    yield server
    server.stop()


def half_open(server: WebServer, sent: bytes = b"GET / HTTP/1.1\r\nHost: x") -> socket.socket:
    """Return a connection on which a request has begun and does not go on."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    connection.sendall(sent)
    return connection


def test_half_a_request_keeps_nobody_out(running: WebServer) -> None:
    """However many connections say nothing, the page is served."""
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(half_open(running))
        answers = [fetch(running.url)[0] for _ in range(5)]

    assert [200] * 5 == answers


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x",
        b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n",
    ],
    ids=["nothing", "half a head", "no body"],
)
def test_a_request_that_does_not_end_is_given_up(
    running: WebServer, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """A connection that does not say what it wants is closed."""
    monkeypatch.setattr(PatientProtocol, "request_s", 0.05)
    with half_open(running, sent) as connection:
        left = b"?"
        with contextlib.suppress(ConnectionError):
            while left:
                left = connection.recv(4096)

    assert 200 == fetch(running.url)[0]


def drip(connection: socket.socket, drops: int) -> bool:
    """Send one byte at a time; return whether the other side hung up."""
    connection.settimeout(0.01)
    for _ in range(drops):
        try:
            connection.sendall(b"x")
            if not connection.recv(1):
                return True
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


def test_a_byte_now_and_then_buys_no_time(
    running: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time for a request counts from its beginning."""
    monkeypatch.setattr(PatientProtocol, "request_s", 0.05)
    with half_open(running) as connection:
        assert drip(connection, 2_000)


def test_the_oldest_silence_makes_room(running: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked last is still there."""
    monkeypatch.setattr(PatientProtocol, "quiet_max", 2)
    with contextlib.ExitStack() as stack:
        oldest, newest = (stack.enter_context(half_open(running)) for _ in range(2))
        assert 200 == fetch(running.url)[0]
        with contextlib.suppress(ConnectionError):
            assert b"" == oldest.recv(1)
        newest.sendall(b"\r\n\r\n")

        assert newest.recv(12).startswith(b"HTTP/1.1 421")


def test_signals_belong_to_the_bot() -> None:
    """The server leaves the handlers of the process alone."""
    server = WebServer(make_app)

    def handlers() -> list[object]:
        return [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]

    async def scenario() -> tuple[list[object], list[object]]:
        before = handlers()
        stop = asyncio.Event()
        serving = asyncio.create_task(server.serve(stop))
        await asyncio.to_thread(fetch, f"{server.url}api/health")
        during = handlers()
        stop.set()
        await serving
        return before, during

    before, during = asyncio.run(scenario())

    assert before == during


def test_localhost_is_another_name_of_the_same_address() -> None:
    """A person may type localhost although the server listens on 127.0.0.1."""
    server = WebServer(make_app, "localhost")
    server.start()
    try:
        status, _, _ = fetch(f"http://localhost:{server.port}/api/health")
        other, _, _ = fetch(f"http://127.1:{server.port}/api/health")
    finally:
        server.stop()

    assert 200 == status
    assert 421 == other


def test_a_busy_port_is_said_plainly() -> None:
    """A port that is taken is refused before anything starts, on one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(WebError) as refused:
            WebServer(make_app, port=port)

    assert f"port {port} is busy: choose another with --port" == str(refused.value)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_an_impossible_port_is_said_plainly(port: int) -> None:
    """A number that is no port is refused."""
    with pytest.raises(WebError, match="there is no port"):
        WebServer(make_app, port=port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.com", "", "127.0.0.1.x"])  # noqa: S104 - refused
def test_only_this_machine_is_served(host: str) -> None:
    """An address that others could reach is refused."""
    with pytest.raises(WebError, match="only this machine"):
        WebServer(make_app, host)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """Return a certificate that this machine signed itself, for this machine."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    found = Tls(folder / "certificate.pem", folder / "key.pem")
    found.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    found.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return found


@pytest.mark.parametrize(("with_tls", "with_password"), [(True, False), (False, True)])
def test_others_need_tls_and_a_password(tls: Tls, with_tls: bool, with_password: bool) -> None:
    """One of them alone opens the bot to nobody else."""
    with pytest.raises(WebError, match="without TLS and a password"):
        WebServer(
            make_app,
            "0.0.0.0",  # noqa: S104 - refused
            tls=tls if with_tls else None,
            names=["bot.example.org"],
            password_set=with_password,
        )


def test_every_address_needs_a_name(tls: Tls) -> None:
    """Without a name nobody could tell which Host is ours."""
    with pytest.raises(WebError, match=r"web\.names"):
        WebServer(make_app, "0.0.0.0", tls=tls, password_set=True)  # noqa: S104 - refused


def test_by_tls_under_its_own_names_only(tls: Tls) -> None:
    """With TLS and a password the bot answers under its names, encrypted, and nowhere else."""
    server = WebServer(
        make_app,
        "0.0.0.0",  # noqa: S104 - by TLS, with a password
        tls=tls,
        names=["bot.example.org"],
        password_set=True,
    )
    server.start()
    context = ssl.create_default_context(cafile=str(tls.certificate))

    def status(host: str) -> bytes:
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        with plain, context.wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall(f"GET /api/health HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            return connection.recv(12)[9:12]

    try:
        told = [status(f"{name}:{server.port}") for name in ("bot.example.org", "evil.example")]
        assert f"https://bot.example.org:{server.port}/" == server.url
    finally:
        server.stop()

    assert [b"200", b"421"] == told


def test_a_bad_certificate_is_said_plainly(tmp_path: Path) -> None:
    """A certificate that cannot be used stops the start, on one line."""
    nothing = Tls(tmp_path / "certificate.pem", tmp_path / "key.pem")

    with pytest.raises(WebError, match="cannot be used"):
        WebServer(make_app, tls=nothing)


def broken_app(_: frozenset[str]) -> Litestar:
    """Return an application that cannot start."""

    def fail() -> None:
        msg = "no start today"
        raise RuntimeError(msg)

    return Litestar([], on_startup=[fail], openapi_config=None, logging_config=None)


@pytest.mark.parametrize("how", ["thread", "loop"])
def test_a_failed_start_is_an_error(how: str) -> None:
    """A server that could not start says so instead of seeming to run."""
    server = WebServer(broken_app)
    ways: dict[str, Callable[[], None]] = {
        "thread": server.start,
        "loop": lambda: asyncio.run(server.serve(asyncio.Event())),
    }

    with pytest.raises(WebError, match="dashboard"):
        ways[how]()
