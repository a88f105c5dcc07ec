"""Connections of the live streams: a thread each, which moves bytes and nothing else.

A thread connects, says what its connection is to carry, says PING every ten seconds, puts frames
into a queue with the time at which they came, and comes back after a broken connection, more and
more slowly. Nothing is decoded here, and nothing is lost silently: where the queue is full the
connection ends, and says why.
"""

from __future__ import annotations

import logging
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from socket import SHUT_RDWR
from typing import Final, Protocol, TypeAlias
from urllib.parse import urlsplit

import attrs
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, reconnect

from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.clock import Clock

from .problems import plain

FRAME_MAX: Final = 8 << 20
"""Bytes in one message; the books of five hundred tokens come in one."""

_PING: Final = "PING"
_PINGED: Final = b"PING"
_PONG: Final = b"PONG"
_AGENT: Final = "market-bot"
_COMMANDS_MAX: Final = 1_000
_LOOK_S: Final = 0.05
_READ_AHEAD: Final = 1024
_DOUBLINGS_MAX: Final = 16
_GRACE: Final = Duration(10 * SECOND)
_CLOCK_SET_BACK: Final = Duration(5 * SECOND)
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})
# The library tells its own troubles to whoever listens; ours are told in one place.
_SILENT: Final = logging.getLogger("market_bot.polymarket.stream")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False

Jitter = Callable[[Duration], Duration]
"""Returns how long to wait really, at most what is given: so that not all come back at once."""


@attrs.frozen(repr=False)
class Greeting:
    """What a connection says first, and which tokens it asks for by that.

    It may hold credentials and is never printed.
    """

    frame: bytes
    tokens: tuple[str, ...] = ()


@attrs.frozen
class Opened:
    """A connection of this number stands and has asked for some tokens."""

    connection: int
    tokens: tuple[str, ...] = ()


@attrs.frozen
class Closed:
    """A connection of this number is over, or could not be made; one line says why."""

    connection: int
    reason: str


What: TypeAlias = bytes | Opened | Closed
Arrival: TypeAlias = tuple[Micros, int, What]
"""When it came, on which socket, and a frame or what happened to the connection."""


@attrs.frozen(kw_only=True)
class SocketLimits:
    """What the connections may take up.

    Args:
        frames: how many frames wait at most, of all connections together.
        bytes: how many bytes they have at most.
        open: how long a connection may take to be made.
        first_wait: how long before the second attempt; it doubles from there.
        wait_max: the longest wait.
        proven: a connection that lived as long makes the next wait the first one again.
        ping: how often PING is said.
        deaf: a connection on which nothing at all was heard for so long is over.

    """

    frames: int = 200_000
    bytes: int = 128 << 20
    open: Duration = Duration(5 * SECOND)
    first_wait: Duration = Duration(SECOND // 2)
    wait_max: Duration = Duration(30 * SECOND)
    proven: Duration = Duration(30 * SECOND)
    ping: Duration = Duration(10 * SECOND)
    deaf: Duration = Duration(30 * SECOND)


class Frames(Protocol):
    """Where frames come from and commands go to, by the number of a socket; for one thread."""

    @abstractmethod
    def open(self, socket: int, greeting: Callable[[], Greeting]) -> None:
        """Begin to connect a socket; ``greeting`` is called anew, in a thread, every time."""

    @abstractmethod
    def shut(self, socket: int) -> None:
        """End a socket for good."""

    @abstractmethod
    def take(self, until: Micros) -> Iterator[Arrival]:
        """Yield and forget what came up to a moment, in order."""

    @abstractmethod
    def send(self, socket: int, connection: int, command: bytes) -> None:
        """Send a command, unless that connection is over."""

    @abstractmethod
    def drop(self, socket: int, connection: int, reason: str) -> None:
        """End a connection that is no good; another one is made."""

    @abstractmethod
    def close(self) -> None:
        """End everything and wait for it."""


def checked_address(url: str) -> str:
    """Return the address of a stream.

    Raises:
        ValueError: if it is none: encrypted unless it is on this machine, without a user.

    """
    parts = urlsplit(url)
    safe = parts.scheme == "wss" or (parts.scheme == "ws" and parts.hostname in _LOCAL)
    if not safe or not parts.hostname or parts.username or parts.query:
        msg = f"not the address of a stream: {url!r} (expected wss://host/ws/market)"
        raise ValueError(msg)
    return url


class Arrivals:
    """What came on some sockets and was not taken; each end belongs to other threads."""

    def __init__(self, clock: Clock, limits: SocketLimits) -> None:
        self._clock = clock
        self._limits = limits
        self._queue: deque[Arrival] = deque()
        self._lock = threading.Lock()
        self._bytes = 0

    def put(self, socket: int, what: What) -> None:
        """Hand something over; what happened to a connection has room always."""
        with self._lock:
            # Under the lock, so that what is taken never runs back in time.
            self._queue.append((self._clock.now(), socket, what))
            if type(what) is bytes:
                self._bytes += len(what)

    def take(self, until: Micros) -> Iterator[Arrival]:
        """Yield and forget what came up to a moment, in order."""
        queue = self._queue
        while queue:
            arrival = queue[0]
            if arrival[0] > until:
                # Frames from the future: the clock was set back, and waiting for it helps nobody.
                if arrival[0] <= self._clock.now() + _CLOCK_SET_BACK:
                    return
                arrival = (until, *arrival[1:])
            queue.popleft()
            what = arrival[2]
            if type(what) is bytes:
                with self._lock:
                    self._bytes -= len(what)
            yield arrival

    def is_full(self, share: int = 1) -> bool:
        """Tell whether there is no room, or not even for a share of what there may be."""
        limits = self._limits
        return len(self._queue) * share >= limits.frames or self._bytes * share >= limits.bytes


class Socket:
    """One connection at a time, in a thread of its own.

    Args:
        number: which of the sockets this is.
        url: the address.
        greeting: what is said first, called in the thread at every connection.
        arrivals: takes what comes.
        clock: for deadlines.
        jitter: shortens waits by chance.
        wake: told, in the thread, that something has come.
        limits: what it may take up.

    """

    def __init__(
        self,
        number: int,
        url: str,
        greeting: Callable[[], Greeting],
        arrivals: Arrivals,
        clock: Clock,
        *,
        jitter: Jitter,
        wake: Callable[[], None],
        limits: SocketLimits,
    ) -> None:
        self._socket = number
        self._url = url
        self._greeting = greeting
        self._arrivals = arrivals
        self._clock = clock
        self._jitter = jitter
        self._wake = wake
        self._limits = limits
        self._commands: deque[tuple[int, bytes]] = deque(maxlen=_COMMANDS_MAX)
        self._heard_at = self._pinged_at = clock.elapsed()
        self._number = 0
        self._connection: ClientConnection | None = None
        self._unwanted: tuple[int, str] = (0, "")
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to connect; more than once does nothing."""
        if self._thread is None:
            name = f"polymarket-stream-{self._socket}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def send(self, connection: int, command: bytes) -> None:
        """Send a command, unless that connection is over."""
        self._commands.append((connection, command))

    def drop(self, connection: int, reason: str) -> None:
        """End a connection that is no good; another one is made."""
        self._unwanted = (connection, reason)
        known = self._connection
        if known is not None and connection == self._number:
            # Wakes the thread also where it hangs in sending to somebody who is not there.
            with suppress(OSError):
                known.socket.shutdown(SHUT_RDWR)

    def stop(self) -> None:
        """Begin to end."""
        self._stopping.set()
        self.drop(self._number, "it is not needed any more")

    def join(self) -> None:
        """Wait for the end."""
        if self._thread is not None:
            self._thread.join((self._limits.open + _GRACE) / SECOND)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._number += 1
            began = self._clock.elapsed()
            reason = self._once(self._number)
            self._arrivals.put(self._socket, Closed(self._number, reason))
            self._wake()
            lived = self._clock.elapsed() - began
            failures = 0 if lived >= self._limits.proven else failures + 1
            self._pause(failures)

    def _pause(self, failures: int) -> None:
        """Wait before the next attempt, and until what is queued has been taken."""
        doubled = self._limits.first_wait << min(max(0, failures - 1), _DOUBLINGS_MAX)
        wait = self._jitter(Duration(min(doubled, self._limits.wait_max)))
        while not self._stopping.wait(max(0, wait) / SECOND) and self._arrivals.is_full(share=2):
            wait = Duration(max(wait, SECOND // 100))

    def _once(self, number: int) -> str:
        """Keep one connection as long as it lasts; return why it ended."""
        try:
            with self._connecting() as connection:
                self._connection = connection
                self._heard_at = self._pinged_at = self._clock.elapsed()
                greeting = self._greeting()
                connection.send(greeting.frame, text=True)
                self._arrivals.put(self._socket, Opened(number, greeting.tokens))
                self._wake()
                return self._move(number, connection)
        except InvalidStatus as e:
            return f"no connection: the venue answered {e.response.status_code}"
        except ConnectionClosed as e:
            return self._why_closed(number, e)
        except (InvalidHandshake, OSError, TimeoutError, EOFError, ValueError) as e:
            # The name alone: what these say may hold the address with all that is in it.
            return f"no connection ({type(e).__name__})"
        except Exception as e:  # noqa: BLE001 - a thread that ends without a word is never noticed
            return f"the connection failed ({type(e).__name__})"
        finally:
            self._connection = None

    def _connecting(self) -> _Connecting:
        return _Connecting(
            self._url,
            user_agent_header=_AGENT,
            compression=None,
            open_timeout=self._limits.open / SECOND,
            # The venue wants to be pinged in its own words, and answers in them.
            ping_interval=None,
            close_timeout=1,
            max_size=FRAME_MAX,
            max_queue=_READ_AHEAD,
            logger=_SILENT,
        )

    def _move(self, number: int, connection: ClientConnection) -> str:
        clock, arrivals, wake = self._clock, self._arrivals, self._wake
        while not self._stopping.is_set():
            if self._unwanted[0] == number:
                return self._unwanted[1]
            self._say(number, connection)
            try:
                frame = connection.recv(_LOOK_S, decode=False)
            except TimeoutError:
                if clock.elapsed() - self._heard_at > self._limits.deaf:
                    return f"nothing was heard for {self._limits.deaf / SECOND:g} s"
                continue
            self._heard_at = clock.elapsed()
            if frame == _PONG:
                continue
            if frame == _PINGED:
                connection.send(_PONG, text=True)
                continue
            if arrivals.is_full():
                return "frames were not taken in time: everything since may be missing"
            arrivals.put(self._socket, frame)
            wake()
        return "it is not needed any more"

    def _say(self, number: int, connection: ClientConnection) -> None:
        while self._commands:
            meant_for, command = self._commands.popleft()
            if meant_for == number:
                connection.send(command, text=True)
        if self._clock.elapsed() - self._pinged_at >= self._limits.ping:
            self._pinged_at = self._clock.elapsed()
            connection.send(_PING)

    def _why_closed(self, number: int, error: ConnectionClosed) -> str:
        if self._unwanted[0] == number:
            return self._unwanted[1]
        if error.rcvd is None:
            return "the connection broke"
        return plain(f"the venue closed the connection ({error.rcvd.code} {error.rcvd.reason})")


class Sockets(Frames):
    """Real sockets to one address, with one queue for all of them.

    Args:
        url: the address, such as ``wss://host/ws/market``.
        clock: when things came.
        jitter: shortens waits by chance.
        wake: told, in a thread, that something has come.
        limits: what they may take up.

    Raises:
        ValueError: if it is not the address of a stream.

    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        jitter: Jitter,
        wake: Callable[[], None] = lambda: None,
        limits: SocketLimits | None = None,
    ) -> None:
        self._url = checked_address(url)
        self._clock = clock
        self._jitter = jitter
        self._wake = wake
        self._limits = limits or SocketLimits()
        self._arrivals = Arrivals(clock, self._limits)
        self._sockets: dict[int, Socket] = {}
        self._leaving: list[Socket] = []

    def open(self, socket: int, greeting: Callable[[], Greeting]) -> None:
        if socket not in self._sockets:
            opened = Socket(
                socket,
                self._url,
                greeting,
                self._arrivals,
                self._clock,
                jitter=self._jitter,
                wake=self._wake,
                limits=self._limits,
            )
            self._sockets[socket] = opened
            opened.start()

    def shut(self, socket: int) -> None:
        known = self._sockets.pop(socket, None)
        if known is not None:
            known.stop()
            self._leaving.append(known)

    def take(self, until: Micros) -> Iterator[Arrival]:
        return self._arrivals.take(until)

    def send(self, socket: int, connection: int, command: bytes) -> None:
        known = self._sockets.get(socket)
        if known is not None:
            known.send(connection, command)

    def drop(self, socket: int, connection: int, reason: str) -> None:
        known = self._sockets.get(socket)
        if known is not None:
            known.drop(connection, reason)

    def close(self) -> None:
        for number in list(self._sockets):
            self.shut(number)
        for one in self._leaving:
            one.join()
        self._leaving.clear()


class _Connecting(reconnect):
    """Follows no redirects: what is said is meant for one address only."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc
