"""The connection of the live stream: a thread that moves bytes and nothing else.

It connects, signs the handshake anew each time, puts frames into a bounded queue with the time at
which they came, and comes back after a broken connection, more and more slowly. Nothing is decoded
here, and nothing is lost silently: where the queue is full the connection ends, and says why.
"""

from __future__ import annotations

import logging
import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from socket import SHUT_RDWR
from typing import Final, Protocol, TypeAlias

import attrs
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, reconnect

from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.clock import Clock

from .errors import KalshiError, plain
from .parse_errors import parse_problem

FRAME_MAX: Final = 8 << 20
"""Bytes in one message; a book with a thousand levels has forty thousand."""

_AGENT: Final = "market-bot"
_BOOK_MARK: Final = b'"orderbook_'
_COMMANDS_MAX: Final = 10_000
_LOOK_S: Final = 0.02
_READ_AHEAD: Final = 1024
_DOUBLINGS_MAX: Final = 16
_GRACE: Final = Duration(10 * SECOND)
_CLOCK_SET_BACK: Final = Duration(5 * SECOND)
# The library tells its own troubles to whoever listens; ours are told in one place.
_SILENT: Final = logging.getLogger("market_bot.kalshi.stream")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False

Headers = Callable[[], Mapping[str, str]]
"""Returns the signed headers of one handshake; raises `KalshiError` if nothing may be signed."""


@attrs.frozen
class Opened:
    """A connection of this number stands."""

    connection: int


@attrs.frozen
class Closed:
    """A connection of this number is over, or could not be made; one line says why."""

    connection: int
    reason: str


Arrival: TypeAlias = tuple[Micros, bytes | Opened | Closed]
"""When it came, and a frame or what happened to the connection."""


@attrs.frozen(kw_only=True)
class SocketLimits:
    """What the connection may take up.

    Args:
        frames: how many frames wait at most.
        bytes: how many bytes they have at most.
        open: how long a connection may take to be made.
        first_wait: how long before the second attempt; it doubles from there.
        wait_max: the longest wait.
        proven: a connection that lived as long makes the next wait the first one again.

    """

    frames: int = 200_000
    bytes: int = 128 << 20
    open: Duration = Duration(5 * SECOND)
    first_wait: Duration = Duration(SECOND // 2)
    wait_max: Duration = Duration(30 * SECOND)
    proven: Duration = Duration(30 * SECOND)


class Frames(Protocol):
    """Where frames come from and commands go to; for the venue's thread."""

    @abstractmethod
    def start(self) -> None:
        """Begin to connect; more than once does nothing."""

    @abstractmethod
    def take(self, until: Micros) -> Iterator[Arrival]:
        """Yield and forget what came up to a moment, in order."""

    @abstractmethod
    def send(self, connection: int, command: bytes) -> None:
        """Send a command, unless that connection is over."""

    @abstractmethod
    def drop(self, connection: int, reason: str) -> None:
        """End a connection that is no good; another one is made."""

    @abstractmethod
    def silent_for(self) -> Duration:
        """Return how long nothing has come; pings do not count."""

    @abstractmethod
    def close(self) -> None:
        """End everything and wait for it."""


class _Connecting(reconnect):
    """Follows no redirects: what is signed is meant for one address only."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class StreamSocket(Frames):
    """One connection at a time, in a thread of its own.

    Args:
        url: the address, such as ``wss://host/trade-api/ws/v2``.
        headers: signs a handshake; called in the thread.
        clock: when things came.
        wake: told, in the thread, that news of a book has come.
        limits: what it may take up.

    """

    def __init__(
        self,
        url: str,
        headers: Headers,
        clock: Clock,
        *,
        wake: Callable[[], None] = lambda: None,
        limits: SocketLimits | None = None,
    ) -> None:
        self._url = url
        self._headers = headers
        self._clock = clock
        self._wake = wake
        self._limits = limits or SocketLimits()
        self._queue: deque[Arrival] = deque()
        self._commands: deque[tuple[int, bytes]] = deque(maxlen=_COMMANDS_MAX)
        # Counted by one thread each, so that no lock is needed.
        self._bytes_in = 0
        self._bytes_out = 0
        self._heard_at = clock.elapsed()
        self._number = 0
        self._connection: ClientConnection | None = None
        self._unwanted: tuple[int, str] = (0, "")
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="kalshi-stream", daemon=True)
            self._thread.start()

    def take(self, until: Micros) -> Iterator[Arrival]:
        queue = self._queue
        while queue:
            arrival = queue[0]
            if arrival[0] > until:
                # Frames from the future: the clock was set back, and waiting for it helps nobody.
                if arrival[0] <= self._clock.now() + _CLOCK_SET_BACK:
                    return
                arrival = (until, arrival[1])
            queue.popleft()
            if type(arrival[1]) is bytes:
                self._bytes_out += len(arrival[1])
            yield arrival

    def send(self, connection: int, command: bytes) -> None:
        self._commands.append((connection, command))

    def drop(self, connection: int, reason: str) -> None:
        self._unwanted = (connection, reason)
        known = self._connection
        if known is not None and connection == self._number:
            # Wakes the thread also where it hangs in sending to somebody who is not there.
            with suppress(OSError):
                known.socket.shutdown(SHUT_RDWR)

    def silent_for(self) -> Duration:
        return Duration(self._clock.elapsed() - self._heard_at)

    def close(self) -> None:
        self._stopping.set()
        self.drop(self._number, "the bot stops")
        if self._thread is not None:
            self._thread.join((self._limits.open + _GRACE) / SECOND)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._number += 1
            began = self._clock.elapsed()
            reason = self._once(self._number)
            self._put(Closed(self._number, reason))
            self._wake()
            lived = self._clock.elapsed() - began
            failures = 0 if lived >= self._limits.proven else failures + 1
            self._pause(failures)

    def _pause(self, failures: int) -> None:
        """Wait before the next attempt, and until what is queued has been taken."""
        doubled = self._limits.first_wait << min(max(0, failures - 1), _DOUBLINGS_MAX)
        wait_s = min(doubled, self._limits.wait_max) / SECOND
        while not self._stopping.wait(wait_s) and self._is_full(share=2):
            pass

    def _once(self, number: int) -> str:
        """Keep one connection as long as it lasts; return why it ended."""
        try:
            with self._connecting() as connection:
                self._connection = connection
                self._heard_at = self._clock.elapsed()
                self._put(Opened(number))
                return self._move(number, connection)
        except KalshiError as e:
            return str(e)
        except InvalidStatus as e:
            return _refused(e)
        except ConnectionClosed as e:
            return self._why_closed(number, e)
        except (InvalidHandshake, OSError, TimeoutError, EOFError, ValueError) as e:
            # The name alone: what these say may hold the address with all that is in it.
            return f"no connection ({type(e).__name__})"
        finally:
            self._connection = None

    def _connecting(self) -> _Connecting:
        return _Connecting(
            self._url,
            additional_headers=dict(self._headers()),
            user_agent_header=_AGENT,
            compression=None,
            open_timeout=self._limits.open / SECOND,
            # The venue pings; whether it still tells anything is asked in its own words.
            ping_interval=None,
            close_timeout=1,
            max_size=FRAME_MAX,
            max_queue=_READ_AHEAD,
            logger=_SILENT,
        )

    def _move(self, number: int, connection: ClientConnection) -> str:
        queue, clock = self._queue, self._clock
        while not self._stopping.is_set():
            if self._unwanted[0] == number:
                return self._unwanted[1]
            while self._commands:
                meant_for, command = self._commands.popleft()
                if meant_for == number:
                    connection.send(command, text=True)
            try:
                frame = connection.recv(_LOOK_S, decode=False)
            except TimeoutError:
                continue
            self._heard_at = clock.elapsed()
            if self._is_full():
                return "frames were not taken in time: everything since may be missing"
            self._bytes_in += len(frame)
            queue.append((clock.now(), frame))
            if _BOOK_MARK in frame:
                self._wake()
        return "the bot stops"

    def _is_full(self, share: int = 1) -> bool:
        limits = self._limits
        waiting = self._bytes_in - self._bytes_out
        return len(self._queue) * share >= limits.frames or waiting * share >= limits.bytes

    def _put(self, what: Opened | Closed) -> None:
        self._queue.append((self._clock.now(), what))

    def _why_closed(self, number: int, error: ConnectionClosed) -> str:
        if self._unwanted[0] == number:
            return self._unwanted[1]
        if error.rcvd is None:
            return "the connection broke"
        return plain(f"the venue closed the connection ({error.rcvd.code} {error.rcvd.reason})")


def _refused(error: InvalidStatus) -> str:
    """Say what the venue answered instead of a connection."""
    problem = parse_problem(bytes(error.response.body or b""))
    said = f" {problem.code}" if problem is not None else ""
    return f"no connection: the venue answered {error.response.status_code}{said}"
