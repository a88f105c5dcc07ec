"""Commands to the running bot over a socket that only its owner can reach.

One connection carries one command: a line of JSON there, a line of JSON back.

::

    {"cmd": "halt", "by": "terminal", "reason": "lunch"}
    {"ok": true}
    {"cmd": "hlat"}
    {"ok": false, "error": "…"}

=========  ==========================  ==========================================
cmd        arguments                   reply besides ``ok``
=========  ==========================  ==========================================
status                                 about, stalled, lanes (see `snapshot_json`)
recent     count (1 to 1000, or 20)    lines
halt       by, reason
resume     by
flatten    by
stop       by
arm        venue, by, phrase, minutes
disarm     venue, by
accept     venue, by
restore    venue, by, version, expected
link                                   link: logs in to the dashboard once
evaluate   chain
proposals                              proposals
proposal   proposal                    the proposal, the line it changes, a token
approve    proposal, token, by         change, outcome
reject     proposal, reason, note, by  outcome
=========  ==========================  ==========================================
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import attrs

from market_bot.core.ports.desk import Desk
from market_bot.core.usecases.snapshot_json import snapshot_json

REQUEST_BYTES_MAX: Final = 1 << 16
REPLY_BYTES_MAX: Final = 1 << 24
CONNECTIONS_MAX: Final = 16
DEADLINE_S: Final = 5.0
_CLIENT_DEADLINE_S: Final = 10.0
_PATH_BYTES_MAX: Final = 107  # sockaddr_un of Linux, less the closing zero; macOS has 103.
_DESCRIPTORS: Final = Path("/proc/self/fd")
_CHUNK: Final = 1 << 16
_ACCEPT_S: Final = 0.2
_TEXT_MAX: Final = 200
_RECENT_MAX: Final = 1_000
_RECENT: Final = 20
_MINUTES_MAX: Final = 1440
_ERROR_MAX: Final = 500


class ControlError(Exception):
    """The control socket cannot be used; the message is one line saying why."""


class NoBotRunning(ControlError):
    """Nothing answers at the control socket of this home."""


class AnsweredNo(ControlError):
    """The running bot did not do what it was asked; the message is its own."""


class _BadRequestError(Exception):
    """What came is no command."""


class ControlServer:
    """Answers commands on a socket until it is closed; a context manager.

    Args:
        path: the socket, see `Home.control_socket`; its folder exists and is private.
        desk: what the commands act on.

    """

    def __init__(self, path: Path, desk: Desk) -> None:
        self._path = path
        self._desk = desk
        self._closing = threading.Event()
        self._free = threading.BoundedSemaphore(CONNECTIONS_MAX)
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen; a socket that a dead bot left behind is replaced.

        Raises:
            ControlError: if that is not possible.

        """
        try:
            self._listener = _listen(self._path)
        except OSError as e:
            msg = f"{self._path}: the control socket cannot be made ({e.strerror or e})"
            raise ControlError(msg) from e
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and remove the socket; harmless when repeated."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(DEADLINE_S)
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            with contextlib.suppress(OSError):
                self._path.unlink()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        listener = self._listener
        while listener is not None and not self._closing.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                # Out of descriptors, or a peer that left while it waited: nothing to answer.
                self._closing.wait(_ACCEPT_S)
                continue
            self._receive(connection)

    def _receive(self, connection: socket.socket) -> None:
        if not self._free.acquire(blocking=False):
            with connection, contextlib.suppress(OSError):
                connection.settimeout(0)
                connection.send(_line(_no("too many connections: try again")))
            return
        name = "control-connection"
        try:
            threading.Thread(target=self._serve, args=(connection,), name=name, daemon=True).start()
        except RuntimeError:  # No more threads.
            self._free.release()
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        try:
            # Whoever goes away or dawdles gets no answer.
            with connection, contextlib.suppress(OSError):
                reply = self._reply(connection, time.monotonic() + DEADLINE_S)
                # A command may wait for the lane, which is not the caller's dawdling.
                deadline = time.monotonic() + DEADLINE_S
                connection.settimeout(_left(deadline))
                connection.sendall(_line(reply))
                _end(connection, deadline)
        finally:
            self._free.release()

    def _reply(self, connection: socket.socket, deadline: float) -> Mapping[str, object]:
        if not _is_ours(connection):
            return _no("this bot belongs to somebody else")
        try:
            request = _parse(_read_line(connection, REQUEST_BYTES_MAX, deadline))
            return {"ok": True, **self._do(request)}
        except _BadRequestError as e:
            return _no(str(e))
        except OSError as e:
            if isinstance(e, (ConnectionError, TimeoutError)):
                raise
            return _no(f"{type(e).__name__}: {e}")
        except Exception as e:  # noqa: BLE001 - the caller is told; the server must live
            return _no(str(e) or type(e).__name__)

    def _do(self, request: dict[str, object]) -> Mapping[str, object]:
        command = request.pop("cmd", None)
        desk = self._desk
        match command:
            case "status":
                _only(request)
                return _status(desk)
            case "recent":
                _only(request, "count")
                return {"lines": list(desk.recent(_count(request)))}
            case "halt":
                _only(request, "by", "reason")
                desk.halt(_text(request, "by", "terminal"), _text(request, "reason", "halt"))
            case "resume" | "flatten" | "stop":
                _only(request, "by")
                acts: dict[str, Callable[[str], None]] = {
                    "resume": desk.resume,
                    "flatten": desk.flatten,
                    "stop": desk.shut_down,
                }
                acts[command](_text(request, "by", "terminal"))
            case "arm":
                _only(request, "venue", "by", "phrase", "minutes")
                who, venue = _text(request, "by", "terminal"), _text(request, "venue", "")
                desk.arm(venue, who, _text(request, "phrase", ""), _minutes(request))
            case "disarm" | "accept":
                _only(request, "venue", "by")
                who, venue = _text(request, "by", "terminal"), _text(request, "venue", "")
                (desk.disarm if command == "disarm" else desk.accept_cash)(venue, who)
            case "restore":
                _only(request, "venue", "by", "version", "expected")
                who, venue = _text(request, "by", "terminal"), _text(request, "venue", "")
                version, there = _text(request, "version", ""), _text(request, "expected", "")
                desk.restore_settings(venue, who, version, there)
            case "link":
                _only(request)
                return {"link": desk.login_link()}
            case "evaluate" | "proposals" | "proposal" | "approve" | "reject":
                return _night(desk, command, request)
            case _:
                msg = (
                    "unknown command: there are accept, approve, arm, disarm, evaluate, flatten,"
                    " halt, link, proposal, proposals, recent, reject, restore, resume, status"
                    " and stop"
                )
                raise _BadRequestError(msg)
        return {}


@attrs.frozen
class ControlClient:
    """Sends commands to the bot that runs on a home, if one does.

    Args:
        path: the socket, see `Home.control_socket`.
        timeout_s: how long to wait for the answer.

    """

    path: Path
    timeout_s: float = _CLIENT_DEADLINE_S

    def ask(self, cmd: str, **arguments: object) -> dict[str, Any]:
        """Return the bot's reply.

        Raises:
            NoBotRunning: if nothing listens there.
            AnsweredNo: if the bot refused; with its reason.
            ControlError: if there is no sensible answer in time.

        """
        deadline = time.monotonic() + self.timeout_s
        try:
            with socket.socket(socket.AF_UNIX) as connection, _address(self.path) as address:
                connection.settimeout(self.timeout_s)
                connection.connect(address)
                connection.sendall(_line({"cmd": cmd, **arguments}))
                answer = _read_line(connection, REPLY_BYTES_MAX, deadline)
        except (FileNotFoundError, ConnectionRefusedError) as e:
            msg = "no market-bot runs on this home: start one with `market-bot run`"
            raise NoBotRunning(msg) from e
        except (OSError, _BadRequestError) as e:
            msg = f"{self.path}: the bot does not answer ({e}): see whether it still runs"
            raise ControlError(msg) from e
        return self._accepted(answer)

    def _accepted(self, answer: bytes) -> dict[str, Any]:
        try:
            reply = _parse(answer)
        except _BadRequestError as e:
            msg = f"{self.path}: the bot answered nonsense: {e}"
            raise ControlError(msg) from e
        if reply.get("ok") is not True:
            raise AnsweredNo(str(reply.get("error", "refused without a reason")))
        return reply


def _status(desk: Desk) -> Mapping[str, object]:
    return {
        "about": dict(desk.about()),
        "stalled": list(desk.stalled()),
        "lanes": [snapshot_json(snapshot) for snapshot in desk.lanes()],
    }


def _night(desk: Desk, command: str, request: Mapping[str, object]) -> Mapping[str, object]:
    nights = desk.nights()
    match command:
        case "evaluate":
            _only(request, "chain")
            nights.evaluate(_text(request, "chain", "all").removeprefix("all"))
            return {}
        case "proposals":
            _only(request)
            return {"proposals": list(nights.listed())}
        case "proposal":
            _only(request, "proposal")
            return dict(nights.show(_text(request, "proposal", "")))
        case "approve":
            _only(request, "proposal", "token", "by")
            who, token = _text(request, "by", "terminal"), _text(request, "token", "")
            return dict(nights.approve(_text(request, "proposal", ""), token, who))
        case _:
            _only(request, "proposal", "reason", "note", "by")
            who, reason = _text(request, "by", "terminal"), _text(request, "reason", "")
            note = "" if not request.get("note") else _text(request, "note", "")
            return dict(nights.reject(_text(request, "proposal", ""), reason, note, who))


def _only(request: Mapping[str, object], *names: str) -> None:
    unknown = sorted(set(request) - set(names))
    if unknown:
        msg = f"unknown argument: {unknown[0][:_TEXT_MAX]!r}"
        raise _BadRequestError(msg)


def _text(request: Mapping[str, object], name: str, default: str) -> str:
    value = request.get(name, default)
    if not isinstance(value, str) or not 0 < len(value) <= _TEXT_MAX:
        msg = f"{name} must be a text of 1 to {_TEXT_MAX} characters"
        raise _BadRequestError(msg)
    return value


def _count(request: Mapping[str, object]) -> int:
    value = request.get("count", _RECENT)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _RECENT_MAX:
        msg = f"count must be a whole number from 1 to {_RECENT_MAX}"
        raise _BadRequestError(msg)
    return value


def _minutes(request: Mapping[str, object]) -> int:
    value = request.get("minutes")
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _MINUTES_MAX:
        msg = f"minutes must be a whole number from 1 to {_MINUTES_MAX}"
        raise _BadRequestError(msg)
    return value


def _no(error: str) -> Mapping[str, object]:
    return {"ok": False, "error": " ".join(error.split())[:_ERROR_MAX]}


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps(message, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _parse(line: bytes) -> dict[str, object]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as e:
        msg = "not a line of JSON"
        raise _BadRequestError(msg) from e
    if not isinstance(message, dict):
        msg = "not a JSON object"
        raise _BadRequestError(msg)
    return message


def _read_line(connection: socket.socket, most: int, deadline: float) -> bytes:
    """Return what comes before the first newline.

    Raises:
        TimeoutError: after the deadline, however slowly bytes drip.
        _BadRequestError: if the line is too long or never ends.

    """
    line = bytearray()
    while b"\n" not in line:
        connection.settimeout(_left(deadline))
        chunk = connection.recv(_CHUNK)
        if not chunk:
            msg = "the line does not end"
            raise _BadRequestError(msg)
        line += chunk
        if len(line) > most:
            msg = f"longer than {most} bytes"
            raise _BadRequestError(msg)
    return bytes(line[: line.index(b"\n")])


def _end(connection: socket.socket, deadline: float) -> None:
    # A socket closed with unread bytes resets the connection, and the reply with it.
    connection.shutdown(socket.SHUT_WR)
    for _ in range(REQUEST_BYTES_MAX // _CHUNK + CONNECTIONS_MAX):
        connection.settimeout(_left(deadline))
        if not connection.recv(_CHUNK):
            return


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        msg = "too slow"
        raise TimeoutError(msg)
    return left


def _is_ours(connection: socket.socket) -> bool:
    """Tell whether the other side runs as this user; where nobody can tell, the mode decides."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    fields = struct.Struct("3i")
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, fields.size)
    _, uid, _ = fields.unpack(data)
    return bool(uid == os.geteuid())


def _listen(path: Path) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX)
    try:
        with _address(path) as address:
            listener.bind(address)
        # Nobody can connect before `listen`, so there is no moment with a wider mode.
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        listener.listen(CONNECTIONS_MAX)
    except BaseException:
        listener.close()
        raise
    listener.settimeout(_ACCEPT_S)
    return listener


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        msg = f"{path}: something that is no socket is in the way: move it"
        raise ControlError(msg)
    with socket.socket(socket.AF_UNIX) as probe, _address(path) as address:
        probe.settimeout(DEADLINE_S)
        try:
            probe.connect(address)
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
    msg = f"{path}: another market-bot answers here: stop it, or use --home"
    raise ControlError(msg)


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """Yield an address of a socket that fits, through its open folder if the path is too long.

    Raises:
        ControlError: if the path is too long and this system knows no way around.

    """
    length = len(os.fsencode(path))
    if length <= _PATH_BYTES_MAX:
        yield str(path)
        return
    if not _DESCRIPTORS.is_dir():
        msg = (
            f"{path}: too long for a socket ({length} bytes, at most {_PATH_BYTES_MAX}):"
            " choose a shorter --home"
        )
        raise ControlError(msg)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield str(_DESCRIPTORS / str(folder) / path.name)
    finally:
        os.close(folder)
