"""Listening to the bot: the picture first, then every change once, whoever else listens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from market_bot.adapters.web import live
from market_bot.adapters.web.app import create_app
from market_bot.adapters.web.connections import PatientProtocol
from market_bot.adapters.web.guards import Access, loopback_hosts
from market_bot.adapters.web.server import WebServer
from market_bot.core.domain.numbers import money
from tests.fakes.desk import FakeDesk, a_busy_lane, a_held_position, a_line
from tests.fakes.web import PASSWORD, Wall, some_sessions

TIMEOUT_S = 20.0


class Page:
    """A dashboard that is served, and those who listen to it."""

    def __init__(self) -> None:
        self.desk = FakeDesk(a_busy_lane())
        self.wall = Wall()
        self.sessions = some_sessions(self.wall)
        self.server = WebServer(
            lambda hosts: create_app(self.desk, self.sessions, allowed_hosts=hosts)
        )
        self.address = self.server.url.removeprefix("http://").rstrip("/")
        access = Access(hosts=loopback_hosts(self.server.port), sessions=self.sessions)
        self.cookie_name = access.cookie
        self.session: Any = None

    def listen(self, **changes: str | None) -> ClientConnection:
        """Open a WebSocket as a page that is logged in; `changes` replace headers."""
        secret, self.session = self.sessions.log_in(password=PASSWORD)
        headers: dict[str, str | None] = {
            "cookie": f"{self.cookie_name}={secret}",
            "origin": f"http://{self.address}",
            **changes,
        }
        origin = headers.pop("origin")
        told = {name: value for name, value in headers.items() if value is not None}
        return connect(
            f"ws://{self.address}/ws",
            origin=origin,  # type: ignore[arg-type] # a text of a type of its own
            additional_headers=told,
            open_timeout=TIMEOUT_S,
            close_timeout=1,
            compression=None,
        )


def heard(socket: ClientConnection, *kinds: str) -> dict[str, Any]:
    """Return the next message that is of one of these kinds."""
    while True:
        text = socket.recv(TIMEOUT_S)
        assert len(text) <= live.MESSAGE_BYTES_MAX
        message: dict[str, Any] = json.loads(text)
        if message["type"] in kinds:
            return message


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """Serve a bot that is looked at often."""
    monkeypatch.setattr(live, "EVERY_S", 0.01)
    served = Page()
    served.server.start()
    yield served
    served.server.stop()


def test_the_picture_comes_first_and_then_what_changes(page: Page) -> None:
    """A listener has the whole state at once, and afterwards changed values only, numbered."""
    with page.listen() as socket:
        first = heard(socket, "snapshot")
        lane = first["state"]["lanes"]["kalshi/paper"]
        assert first["seq"] == first["state"]["seq"]
        assert "1012.85" == lane["equity"]

        page.desk.lines = [a_line(7, "halt", by="me", reason="lunch")]
        page.desk.snapshots = [a_busy_lane(equity=money("1013.5"), head=(7, "ab"))]
        delta = heard(socket, "delta")
        assert first["seq"] + 1 == delta["seq"]
        changed = delta["lanes"]["kalshi/paper"]
        assert {"equity", "gain", "head"} == set(changed)
        assert "1013.5" == changed["equity"]
        assert ["halt"] == [line["type"] for line in delta["journal"]]

        page.desk.snapshots = []
        delta = heard(socket, "delta")
        assert ["kalshi/paper"] == delta["gone"]
        assert first["seq"] + 2 == delta["seq"]


def test_all_hear_the_same_numbers(page: Page) -> None:
    """One picture is drawn for all; who comes later begins where the others are."""
    with page.listen() as one:
        began = heard(one, "snapshot")["seq"]
        page.desk.snapshots = [a_busy_lane(ticks=313)]
        assert began + 1 == heard(one, "delta")["seq"]
        with page.listen() as other:
            assert began + 1 == heard(other, "snapshot")["seq"]
            page.desk.snapshots = [a_busy_lane(ticks=314)]
            told = [heard(socket, "delta") for socket in (one, other)]
            assert told[0] == told[1]


def test_silence_is_told(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nothing changes a beat says so, under the number of the last change."""
    monkeypatch.setattr(live, "BEAT_S", 0.02)
    with page.listen() as socket:
        number = heard(socket, "snapshot")["seq"]
        assert number == heard(socket, "beat")["seq"]
        assert number == heard(socket, "beat")["seq"]


def test_what_is_too_long_is_asked_for(page: Page) -> None:
    """A picture, or a change, of more than 64 KB is not sent: the page is told to ask."""
    many = tuple(a_held_position(f"M-{n}-{'x' * 60}") for n in range(400))
    with page.listen() as socket:
        began = heard(socket, "snapshot")["seq"]
        page.desk.snapshots = [a_busy_lane(positions=many)]
        assert began + 1 == heard(socket, "refetch")["seq"]
        with page.listen() as late:
            assert began + 1 == heard(late, "refetch")["seq"]


def test_a_listener_may_stay(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that a request may take, and the room for silent ones, are not for listeners."""
    monkeypatch.setattr(PatientProtocol, "request_s", 0.05)
    monkeypatch.setattr(PatientProtocol, "quiet_max", 1)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(page.listen()) for _ in range(4)]
        for socket in sockets:
            heard(socket, "snapshot")
        for n in range(30):
            page.desk.snapshots = [a_busy_lane(ticks=n)]
            for socket in sockets:
                heard(socket, "delta")


def test_nobody_speaks_on_it(page: Page) -> None:
    """Whatever a listener says, it is sent away and nothing is done."""
    for said in ('{"cmd":"halt"}', b"\x00"):
        with page.listen() as socket:
            heard(socket, "snapshot")
            socket.send(said)
            assert 1008 == closed(socket)
    assert [] == page.desk.commands


def closed(socket: ClientConnection) -> int | None:
    """Return with which code the other side ends it."""
    try:
        while True:
            socket.recv(TIMEOUT_S)
    except ConnectionClosed as e:
        return None if e.rcvd is None else e.rcvd.code


def test_a_flood_is_cut_off(page: Page) -> None:
    """A message of a megabyte ends the connection before it is read."""
    with page.listen() as socket:
        heard(socket, "snapshot")
        socket.send("x" * (1 << 20))
        assert closed(socket) in {1008, 1009}


def test_the_end_of_a_session_is_the_end_of_listening(page: Page) -> None:
    """Who is logged out hears nothing more, and neither does who was idle for too long."""
    for end in ("logout", "idle"):
        with page.listen() as socket:
            heard(socket, "snapshot")
            if end == "logout":
                page.sessions.log_out(page.session)
            else:
                page.wall.move(1_800)
            page.desk.snapshots = [a_busy_lane(ticks=page.desk.snapshots[0].ticks + 1)]
            assert live.SESSION_OVER == closed(socket)


@pytest.mark.parametrize(
    "changes",
    [
        {"cookie": None},
        {"cookie": "market_bot=guess"},
        {"origin": None},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_a_stranger_hears_nothing(page: Page, changes: dict[str, str | None]) -> None:
    """Without a login, or from a foreign page, there is not even a handshake."""
    with pytest.raises(InvalidStatus) as refused:
        page.listen(**changes)

    assert 403 == refused.value.response.status_code


def test_there_are_only_so_many(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """One listener too many is sent away, and the others stay."""
    monkeypatch.setattr(live, "LISTENERS_MAX", 1)
    with page.listen() as socket:
        heard(socket, "snapshot")
        with page.listen() as late:
            assert live.TOO_MANY == closed(late)
        page.desk.snapshots = [a_busy_lane(ticks=313)]
        heard(socket, "delta")


def test_a_dead_listener_harms_nobody(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that never reads is left behind: the others miss nothing, and it is let go of."""
    monkeypatch.setattr(live, "STUCK_S", 0.05)
    dead = a_dead_listener(page)
    seen: list[int] = []
    stop = threading.Event()

    def churn() -> None:
        big = tuple(a_held_position(f"M-{n}-{'x' * 60}") for n in range(100))
        for n in range(100_000):
            if stop.is_set():
                return
            page.desk.snapshots = [a_busy_lane(positions=big[n % 7 :], ticks=n)]
            stop.wait(0.002)

    worker = threading.Thread(target=churn)
    with page.listen() as socket:
        seen.append(heard(socket, "snapshot")["seq"])
        worker.start()
        while len(seen) < 150:
            seen.append(heard(socket, "delta")["seq"])
        stop.set()
        worker.join()
    dead.close()

    assert list(range(seen[0], seen[0] + 150)) == seen


def a_dead_listener(page: Page) -> socket.socket:
    """Return a listener that has asked and never reads an answer."""
    secret, _ = page.sessions.log_in(password=PASSWORD)
    dead = socket.socket()
    dead.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_024)
    dead.connect(("127.0.0.1", page.server.port))
    lines = (
        "GET /ws HTTP/1.1",
        f"Host: {page.address}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Origin: http://{page.address}",
        f"Cookie: {page.cookie_name}={secret}",
    )
    dead.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return dead


class Mute:
    """A socket to which nothing can be sent any more, as to a laptop that was closed."""

    def __init__(self) -> None:
        self.closed_with: int | None = None

    async def accept(self) -> None:
        """Begin."""

    async def send_data(self, _: str, *, mode: str) -> None:
        """Never return."""
        assert "text" == mode
        await asyncio.Event().wait()

    async def receive(self) -> dict[str, str]:
        """Never return either."""
        await asyncio.Event().wait()
        return {}

    async def close(self, code: int, _: str = "") -> None:
        """Remember why."""
        self.closed_with = code


def test_who_takes_nothing_for_long_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener that hangs holds no more than a few messages, and then no place either."""
    monkeypatch.setattr(live, "EVERY_S", 0.001)
    monkeypatch.setattr(live, "STUCK_S", 0.1)
    desk, sessions = FakeDesk(a_busy_lane()), some_sessions()
    _, session = sessions.log_in(password=PASSWORD)
    pictures = live.Live(desk, sessions, sessions.now)

    async def churn() -> None:
        for n in range(100_000):
            desk.snapshots = [a_busy_lane(ticks=n)]
            await asyncio.sleep(0.001)

    async def scenario() -> Mute:
        mute, churning = Mute(), asyncio.create_task(churn())
        await asyncio.wait_for(pictures.serve(mute, session), TIMEOUT_S)  # type: ignore[arg-type] # a socket
        churning.cancel()
        await pictures.close()
        return mute

    mute = asyncio.run(scenario())

    assert 1013 == mute.closed_with
    assert 0 == pictures.listeners
    assert pictures.dropped > 0
