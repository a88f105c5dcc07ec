"""Connections that say nothing: how long they may stay, and how many of them there may be.

Without a bound somebody who opens connections and sends half a request would keep every page out.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

_UNASKED: Final = (h11.IDLE, h11.SEND_BODY)


class PatientProtocol(H11Protocol):
    """A connection that has so long for a whole request; the longest silent one makes room.

    Attributes:
        request_s: seconds from the first byte (or from connecting) to the end of a request.
        quiet_max: connections in which no answer is under way; one more closes the oldest.

    """

    request_s: ClassVar[float] = 10.0
    quiet_max: ClassVar[int] = 48
    _deadline: asyncio.TimerHandle | None = None
    _since: float = 0.0
    _upgraded: bool = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the class above has it
        super().connection_made(transport)
        self._since = self.loop.time()
        self._wait()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._upgraded:
            return
        if self.conn.their_state in _UNASKED:
            self._wait()
        else:
            self._since = self.loop.time()
            self._done()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        # From here on it belongs to another protocol, and may stay silent.
        self._upgraded = True
        self._done()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        self._done()
        super().connection_lost(exc)

    @property
    def quiet(self) -> bool:
        """Whether nothing would be lost if this connection were closed."""
        if self.transport.is_closing():
            return False
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _wait(self) -> None:
        # Begun once per request: a byte now and then buys no time.
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.request_s, self.transport.abort)

    def _done(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _make_room(self) -> None:
        quiet = [c for c in self.connections if isinstance(c, PatientProtocol) and c.quiet]
        if len(quiet) > self.quiet_max:
            min(quiet, key=lambda one: one._since).transport.abort()  # noqa: SLF001 - one of us
