"""Our own orders and trades as they happen, for whoever keeps orders.

The stream is fast and proves nothing by its silence: what happened while there was no connection is
never told again. Whenever something may be missing it says so, and the venue has to be asked.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Final

from market_bot.core.domain.numbers import Micros
from market_bot.core.ports.clock import Clock

from .auth import ApiCredentials
from .problems import plain
from .stream_messages import RAW_MAX, Broken, MessageError, Unknown
from .stream_socket import Closed, Frames, Greeting, Opened
from .user_messages import Missed, UserEvent, first_words, parse_user_frame

RAW_KEPT: Final = 50
"""How many messages that are not understood are kept."""

_SOCKET: Final = 1
_UNKNOWN_MAX: Final = 50
_PROBLEMS_MAX: Final = 1_000
_FOR_EVER: Final = Micros(1 << 62)


class UserStream:
    """Tells what happens to our orders; for one thread.

    Args:
        frames: the connection.
        credentials: of the account.
        clock: when things came.

    ``problems`` are lines for people; whoever takes them clears them. ``unknown`` counts messages
    of types we do not know, ``raw`` keeps the last ones.
    """

    def __init__(self, frames: Frames, credentials: ApiCredentials, clock: Clock) -> None:
        self._frames = frames
        self._credentials = credentials
        self._clock = clock
        self._connection: int | None = None
        self._trouble = ""
        self._begun = False
        self._first: list[UserEvent] = []
        self.problems: deque[str] = deque(maxlen=_PROBLEMS_MAX)
        self.unknown: Counter[str] = Counter()
        self.raw: deque[bytes] = deque(maxlen=RAW_KEPT)

    def __repr__(self) -> str:
        return f"UserStream({'connected' if self.connected else 'not connected'})"

    @property
    def connected(self) -> bool:
        """Whether there is a connection, as of the last `drain`."""
        return self._connection is not None

    def start(self) -> None:
        """Begin to connect; more than once does nothing."""
        if not self._begun:
            self._begun = True
            self._first.append(
                Missed(reason="the stream has not begun", received=self._clock.now())
            )
            self._frames.open(_SOCKET, self._greeting)

    def drain(self) -> Sequence[UserEvent]:
        """Return and forget what came, in order; whoever takes a `Missed` has to ask the venue.

        Nothing is raised, and nothing is waited for.
        """
        events, self._first = self._first, []
        for received, _, what in self._frames.take(_FOR_EVER):
            if isinstance(what, Opened):
                self._connection = what.connection
                # What happened before it was ready is not told.
                events.append(Missed(reason="a connection begins here", received=received))
            elif isinstance(what, Closed):
                self._closed(what, received, events)
            elif self._connection is not None:
                self._trouble = ""
                self._frame(what, received, events)
        return events

    def close(self) -> None:
        """End the connection and its thread."""
        self._frames.close()

    def _greeting(self) -> Greeting:
        return Greeting(first_words(self._credentials))

    def _closed(self, closed: Closed, received: Micros, events: list[UserEvent]) -> None:
        if self._connection == closed.connection:
            self._connection = None
            events.append(Missed(reason=closed.reason, received=received))
        if closed.reason != self._trouble:
            self._trouble = closed.reason
            self._note(closed.reason)

    def _frame(self, frame: bytes, received: Micros, events: list[UserEvent]) -> None:
        if frame.lstrip()[:1] not in (b"{", b"["):
            self._count_unknown(f"text {frame[:200].decode(errors='replace')}", frame)
            return
        try:
            messages = parse_user_frame(frame, received)
        except MessageError as e:
            self._keep(frame)
            self._miss(f"a frame that is none: {e}", received, events)
            return
        for message in messages:
            if isinstance(message, Unknown):
                self._count_unknown(message.kind, message.raw)
            elif isinstance(message, Broken):
                self._keep(message.raw)
                kind = message.kind or "message"
                self._miss(f"a {kind} that cannot be read: {message.why}", received, events)
            else:
                events.append(message)

    def _miss(self, why: str, received: Micros, events: list[UserEvent]) -> None:
        why = plain(self._without_secrets(why))
        self._note(why)
        events.append(Missed(reason=why, received=received))

    def _count_unknown(self, kind: str, raw: bytes) -> None:
        self._keep(raw)
        kind = plain(self._without_secrets(kind))
        if kind not in self.unknown and len(self.unknown) >= _UNKNOWN_MAX:
            kind = "others"
        self.unknown[kind] += 1
        if self.unknown[kind] == 1:
            self._note(f"messages of type {kind!r} are not understood")

    def _keep(self, raw: bytes) -> None:
        for secret in self._credentials.withheld:
            raw = raw.replace(secret.encode(), b"***")
        self.raw.append(raw[:RAW_MAX])

    def _without_secrets(self, text: str) -> str:
        for secret in self._credentials.withheld:
            text = text.replace(secret, "***")
        return text

    def _note(self, problem: str) -> None:
        self.problems.append(plain(f"user stream: {self._without_secrets(problem)}"))
