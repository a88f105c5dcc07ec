"""Commands over a real socket, from those who mean well and from those who do not."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from market_bot.adapters.system import control_socket
from market_bot.adapters.system.control_socket import (
    CONNECTIONS_MAX,
    REQUEST_BYTES_MAX,
    AnsweredNo,
    ControlClient,
    ControlError,
    ControlServer,
    NoBotRunning,
)
from market_bot.core.ports.desk import Desk
from market_bot.core.usecases.lane_controls import CommandRefused
from market_bot.core.usecases.lane_snapshot import LaneSnapshot

# Listens like a bot and is killed before it can clean up.
DEAD_BOT = """
import os, signal, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
os.kill(os.getpid(), signal.SIGKILL)
"""


class ToldDesk(Desk):
    """Remembers what it was told; halting waits until it may."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []
        self.error: Exception | None = None
        self.may = threading.Event()
        self.may.set()
        self.halting = threading.Semaphore(0)

    def lanes(self) -> Sequence[LaneSnapshot]:
        return (LaneSnapshot(venue="kalshi", lane="tape", run="r"),)

    def about(self) -> Mapping[str, str]:
        return {"version": "1"}

    def stalled(self) -> Sequence[str]:
        return ("kalshi/tape",)

    def recent(self, count: int) -> Sequence[Mapping[str, object]]:
        return [{"seq": number} for number in range(count)]

    def halt(self, by: str, reason: str) -> None:
        self.halting.release()
        assert self.may.wait(30)
        self._do("halt", by, reason)

    def resume(self, by: str) -> None:
        self._do("resume", by)

    def flatten(self, by: str) -> None:
        self._do("flatten", by)

    def arm(self, venue: str, by: str, phrase: str, minutes: int) -> None:
        self._do("arm", venue, by, phrase, str(minutes))

    def disarm(self, venue: str, by: str) -> None:
        self._do("disarm", venue, by)

    def accept_cash(self, venue: str, by: str) -> None:
        self._do("accept", venue, by)

    def restore_settings(self, venue: str, by: str, version: str, expected: str) -> None:
        self._do("restore", venue, by, version, expected)

    def shut_down(self, by: str) -> None:
        self._do("stop", by)

    def _do(self, *what: str) -> None:
        if self.error is not None:
            raise self.error
        self.told.append(what)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a socket in a folder of its own."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder / "control.sock"


@pytest.fixture
def desk() -> ToldDesk:
    """Return a desk that does as it is told."""
    return ToldDesk()


@pytest.fixture
def client(path: Path, desk: ToldDesk) -> Iterator[ControlClient]:
    """Return a client of a server that runs."""
    with ControlServer(path, desk):
        yield ControlClient(path, timeout_s=30)


def send(path: Path, data: bytes) -> bytes:
    """Send raw bytes and return everything that comes back until the end."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(str(path))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(65_536):
                answer += chunk
        return answer


def test_status(client: ControlClient) -> None:
    """A picture of everything comes back as plain data."""
    status = client.ask("status")

    assert {"version": "1"} == status["about"]
    assert ["kalshi/tape"] == status["stalled"]
    assert ["kalshi"] == [lane["venue"] for lane in status["lanes"]]


def test_commands_reach_the_desk(client: ControlClient, desk: ToldDesk) -> None:
    """Each command does its own thing, and says who wanted it."""
    client.ask("halt", by="dirk", reason="lunch")
    client.ask("resume")
    client.ask("flatten", by="dirk")
    client.ask("stop", by="dirk")
    client.ask("restore", venue="kalshi", by="dirk", version="a", expected="b")

    assert [
        ("halt", "dirk", "lunch"),
        ("resume", "terminal"),
        ("flatten", "dirk"),
        ("stop", "dirk"),
        ("restore", "kalshi", "dirk", "a", "b"),
    ] == desk.told


def test_recent(client: ControlClient) -> None:
    """As many lines as asked for, twenty if nobody says."""
    assert 20 == len(client.ask("recent")["lines"])
    assert 1_000 == len(client.ask("recent", count=1_000)["lines"])


def test_a_refusal_is_told(client: ControlClient, desk: ToldDesk) -> None:
    """What the desk refuses comes back as its own words, in one line."""
    desk.error = CommandRefused("too many\ncommands wait")

    with pytest.raises(AnsweredNo, match=r"^too many commands wait$"):
        client.ask("resume")


def test_a_fault_of_the_desk_is_survived(client: ControlClient, desk: ToldDesk) -> None:
    """A command that breaks is answered; the next one works."""
    desk.error = KeyError("x")
    with pytest.raises(AnsweredNo):
        client.ask("resume")
    desk.error = None
    client.ask("resume")

    assert [("resume", "terminal")] == desk.told


@pytest.mark.parametrize(
    ("cmd", "arguments"),
    [
        ("hlat", {}),
        ("", {}),
        ("status", {"verbose": True}),
        ("halt", {"by": 7}),
        ("halt", {"reason": ""}),
        ("halt", {"reason": "x" * 201}),
        ("halt", {"resaon": "typo"}),
        ("recent", {"count": 0}),
        ("recent", {"count": 1_001}),
        ("recent", {"count": True}),
        ("recent", {"count": "5"}),
    ],
)
def test_nonsense_is_refused(
    client: ControlClient, desk: ToldDesk, cmd: str, arguments: dict[str, object]
) -> None:
    """An unknown command or argument does nothing and says so."""
    with pytest.raises(AnsweredNo):
        client.ask(cmd, **arguments)

    assert [] == desk.told


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"{",
        b"{\n",
        b"[]\n",
        b"null\n",
        b"\xff\xfe\n",
        b"\x00" * 100 + b"\n",
        b"[" * 60_000 + b"\n",
        b'{"cmd":["status"]}\n',
        b"GET / HTTP/1.1\r\n\r\n",
        b'{"cmd":"resume"}',
    ],
)
def test_garbage_is_answered(
    client: ControlClient, path: Path, desk: ToldDesk, data: bytes
) -> None:
    """Whatever is sent, one line comes back, and the server lives."""
    answer = send(path, data)

    assert json.loads(answer)["ok"] is False
    assert 1 == answer.count(b"\n")
    assert [] == desk.told
    assert client.ask("status")["ok"]


@pytest.mark.parametrize(
    "data",
    [
        b"x" * (REQUEST_BYTES_MAX * 20),
        b'{"cmd":"resume"' + b" " * REQUEST_BYTES_MAX + b"}\n",
    ],
)
def test_too_much_is_dropped(
    client: ControlClient, path: Path, desk: ToldDesk, data: bytes
) -> None:
    """An endless request is cut off; what was read of it does nothing."""
    send(path, data)

    assert [] == desk.told
    assert client.ask("status")["ok"]


def test_other_commands_while_one_is_busy(
    client: ControlClient, path: Path, desk: ToldDesk
) -> None:
    """A command that takes its time, and a client that says nothing, keep nobody waiting."""
    desk.may.clear()
    slow = threading.Thread(target=lambda: client.ask("halt"))
    slow.start()
    assert desk.halting.acquire(timeout=30)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(path))
        silent.sendall(b'{"cmd":')
        status = client.ask("status")
    desk.may.set()
    slow.join(30)

    assert status["ok"]
    assert [("halt", "terminal", "halt")] == desk.told


def test_a_client_that_drips_is_left(
    path: Path, desk: ToldDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline is for the whole request, not for each byte of it."""
    monkeypatch.setattr(control_socket, "DEADLINE_S", 0.3)
    with ControlServer(path, desk), socket.socket(socket.AF_UNIX) as dripping:
        dripping.settimeout(30)
        dripping.connect(str(path))
        with contextlib.suppress(OSError):
            for _ in range(600):
                dripping.sendall(b" ")
                dripping.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    if dripping.recv(1) == b"":
                        break
        dripping.settimeout(30)
        with contextlib.suppress(OSError):
            assert dripping.recv(1) == b""

    assert [] == desk.told


def test_too_many_connections(client: ControlClient, path: Path, desk: ToldDesk) -> None:
    """Beyond the limit clients are sent away; when there is room again they are served."""
    with contextlib.ExitStack() as stack:
        desk.may.clear()
        busy = [threading.Thread(target=lambda: client.ask("halt")) for _ in range(CONNECTIONS_MAX)]
        for thread in busy:
            thread.start()
            assert desk.halting.acquire(timeout=30)
        silent = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(3)]
        for connection in silent:
            connection.settimeout(30)
            connection.connect(str(path))
        answers = [connection.recv(4_096) for connection in silent]
    desk.may.set()
    for thread in busy:
        thread.join(30)

    assert all(b"too many connections" in answer for answer in answers)
    assert client.ask("status")["ok"]


def test_only_the_owner_may_connect(client: ControlClient, path: Path) -> None:
    """Nobody else may read or write the socket."""
    assert 0o600 == path.stat().st_mode & 0o777


def test_another_user_is_refused(
    client: ControlClient, desk: ToldDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who got hold of the socket although it is not theirs is sent away."""
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    with pytest.raises(AnsweredNo, match="somebody else"):
        client.ask("halt")
    assert [] == desk.told


def test_nobody_is_there(path: Path, tmp_path: Path, desk: ToldDesk) -> None:
    """Without a bot, and after one has ended, the client says that none runs."""
    with pytest.raises(NoBotRunning, match="market-bot run"):
        ControlClient(path).ask("status")
    with pytest.raises(NoBotRunning):
        ControlClient(tmp_path / "no" / "such" / "folder").ask("status")
    server = ControlServer(path, desk)
    server.start()
    server.close()
    server.close()
    with pytest.raises(NoBotRunning):
        ControlClient(path).ask("status")
    assert not path.exists()


def test_what_a_dead_bot_left_is_replaced(path: Path, desk: ToldDesk) -> None:
    """A socket nobody listens at is in nobody's way."""
    subprocess.run([sys.executable, "-c", DEAD_BOT, str(path)], check=False)
    assert path.is_socket()
    with pytest.raises(NoBotRunning):
        ControlClient(path).ask("status")

    with ControlServer(path, desk):
        assert ControlClient(path).ask("status")["ok"]


def test_a_living_bot_is_not_replaced(client: ControlClient, path: Path) -> None:
    """A second server on the same socket is refused, and the first one goes on."""
    with pytest.raises(ControlError, match="another market-bot answers"):
        ControlServer(path, ToldDesk()).start()

    assert client.ask("status")["ok"]


def test_a_file_in_the_way_is_left_alone(path: Path, desk: ToldDesk) -> None:
    """What is no socket is never removed."""
    path.write_text("mine")

    with pytest.raises(ControlError, match="move it"):
        ControlServer(path, desk).start()
    assert "mine" == path.read_text()


def test_a_long_path(tmp_path: Path, desk: ToldDesk) -> None:
    """A home deep down works too, although a socket's address is short."""
    folder = tmp_path / ("a" * 90) / ("b" * 90)
    folder.mkdir(parents=True, mode=0o700)
    path = folder / "control.sock"

    with ControlServer(path, desk):
        assert ControlClient(path).ask("status")["ok"]
        assert 0o600 == path.stat().st_mode & 0o777
    assert not path.exists()
    with pytest.raises(NoBotRunning):
        ControlClient(path).ask("status")


def test_a_long_path_without_a_way_around(
    tmp_path: Path, desk: ToldDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no way around, the message says what to do."""
    monkeypatch.setattr(control_socket, "_DESCRIPTORS", tmp_path / "none")

    with pytest.raises(ControlError, match=r"too long .* shorter --home"):
        ControlServer(tmp_path / ("a" * 120) / "control.sock", desk).start()


def test_an_answer_that_makes_no_sense(path: Path) -> None:
    """A client is not fooled by something else that listens there."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def nonsense() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4_096)
                connection.sendall(b"220 ready\n")

        thread = threading.Thread(target=nonsense)
        thread.start()
        with pytest.raises(ControlError, match="nonsense"):
            ControlClient(path, timeout_s=30).ask("status")
        thread.join(30)
