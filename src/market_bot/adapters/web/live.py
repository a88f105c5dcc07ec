"""What listens: one picture of the bot for all, then only what changed, each message numbered.

Everything here runs on the loop that serves the pages, except for looking at the bot, which a
worker thread does. Nothing is computed while nobody listens, and nothing twice for two listeners.
A listener that does not keep up loses the oldest messages, sees the gap in the numbers, and asks
for the whole picture again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec
from litestar import WebSocket
from litestar.exceptions import WebSocketException

from market_bot.core.domain.numbers import Micros, format_time
from market_bot.core.ports.dashboard import Operator
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.snapshot_json import snapshot_json

from .lines import shown_line
from .sessions import Session, Sessions

MESSAGE_BYTES_MAX: Final = 64 * 1024
LISTENERS_MAX: Final = 600
WAITING_MAX: Final = 32
EVERY_S: Final = 0.25
AT_FULL_PACE: Final = 100
"""With more listeners than that everybody is told less often, so that lanes feel no difference."""
BEAT_S: Final = 5.0
STUCK_S: Final = 20.0
LINES_KEPT: Final = 50

SESSION_OVER: Final = 4401
TOO_MANY: Final = 4429
_TOO_SLOW: Final = 1013
_NOT_ALLOWED: Final = 1008
_RECENT: Final = 200
_QUIET: Final = frozenset({"scan", "mark", "tick", "chain_head", "checkpoint", "equity_peak"})

State = dict[str, Any]


@attrs.define(eq=False)
class _Listener:
    session: Session
    waiting: asyncio.Queue[str]
    task: asyncio.Task[int] | None = None
    sending_since: float | None = None


class Live:
    """The picture that everybody sees, and who listens to it.

    Args:
        bot: what is shown.
        sessions: whose end ends the listening.
        now: tells the time.

    Attributes:
        dropped: how many messages were not delivered because a listener was too slow.

    """

    def __init__(self, bot: Operator, sessions: Sessions, now: Callable[[], Micros]) -> None:
        self._bot, self._sessions, self._now = bot, sessions, now
        self._listeners: set[_Listener] = set()
        self._publisher: asyncio.Task[None] | None = None
        self._looking = asyncio.Lock()
        self._seen: dict[str, LaneSnapshot] = {}
        self._state: State = {"seq": 0, "at": "", "lanes": {}, "journal": []}
        self.dropped = 0

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    async def state(self) -> State:
        """Return the present picture with its number."""
        if self._publisher is None or not self._state["seq"]:
            await self._advance()
        return self._state

    async def close(self) -> None:
        """Stop publishing."""
        if self._publisher is not None:
            self._publisher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._publisher

    async def serve(self, socket: WebSocket[Any, Any, Any], session: Session) -> None:
        """Tell one listener everything until it leaves, its session ends or it hangs."""
        await socket.accept()
        if len(self._listeners) >= LISTENERS_MAX:
            await socket.close(TOO_MANY, "too many pages are open")
            return
        state = await self.state()
        listener = _Listener(session, asyncio.Queue(WAITING_MAX))
        # No pause between the picture and the first change after it.
        listener.waiting.put_nowait(_snapshot(state))
        self._listeners.add(listener)
        if self._publisher is None:
            self._publisher = asyncio.create_task(self._publish())
        listener.task = asyncio.create_task(self._send(socket, listener))
        hearing = asyncio.create_task(_hear(socket))
        try:
            done, _ = await asyncio.wait(
                {listener.task, hearing}, return_when=asyncio.FIRST_COMPLETED
            )
            code = _code(next(iter(done)))
        finally:
            self._listeners.discard(listener)
            listener.task.cancel()
            hearing.cancel()
        if code:
            with contextlib.suppress(OSError, RuntimeError, WebSocketException):
                await asyncio.wait_for(socket.close(code), 1)

    async def _send(self, socket: WebSocket[Any, Any, Any], listener: _Listener) -> int:
        loop = asyncio.get_running_loop()
        while True:
            message = await listener.waiting.get()
            if not self._sessions.holds(listener.session):
                return SESSION_OVER
            listener.sending_since = loop.time()
            await socket.send_data(message, mode="text")
            listener.sending_since = None

    async def _publish(self) -> None:
        loop = asyncio.get_running_loop()
        told = loop.time()
        try:
            while self._listeners:
                await asyncio.sleep(EVERY_S * max(1.0, self.listeners / AT_FULL_PACE))
                message = await self._advance()
                if message is None and loop.time() - told >= BEAT_S:
                    beat = {"type": "beat", "seq": self._state["seq"]}
                    message = _text({**beat, "at": format_time(self._now())})
                if message is not None:
                    told = loop.time()
                    self._tell(message)
                self._let_go(loop.time())
        finally:
            self._publisher = None

    def _tell(self, message: str) -> None:
        for listener in self._listeners:
            waiting = listener.waiting
            if waiting.full():
                waiting.get_nowait()
                self.dropped += 1
            waiting.put_nowait(message)

    def _let_go(self, now: float) -> None:
        for listener in self._listeners:
            since = listener.sending_since
            if since is not None and now - since > STUCK_S and listener.task is not None:
                listener.task.cancel()

    async def _advance(self) -> str | None:
        """Look at the bot; return the message that says what changed, None if nothing did."""
        async with self._looking:
            # A worker, because the end of a journal may have to be read from a disk.
            changed = await asyncio.to_thread(self._look)
            if not changed:
                return None
            return self._apply(changed)

    def _apply(self, changed: Mapping[str, Any]) -> str:
        old = self._state
        number = old["seq"] + 1
        at = format_time(self._now())
        lanes = {name: dict(lane) for name, lane in old["lanes"].items()}
        for name, keys in changed.get("lanes", {}).items():
            lanes[name] = {**lanes.get(name, {}), **keys}
        for name in changed.get("gone", ()):
            lanes.pop(name, None)
        lines = [*old["journal"], *changed.get("journal", ())][-LINES_KEPT:]
        rest = {k: v for k, v in changed.items() if k not in ("lanes", "gone", "journal")}
        self._state = {**old, **rest, "seq": number, "at": at, "lanes": lanes, "journal": lines}
        message = _text({"type": "delta", "seq": number, "at": at, **changed})
        return message if len(message.encode()) <= MESSAGE_BYTES_MAX else _refetch(number)

    def _look(self) -> dict[str, Any]:
        """Return what is otherwise than in the present picture; in a worker thread."""
        old, changed = self._state, dict[str, Any]()
        snapshots = {f"{one.venue}/{one.lane}": one for one in self._bot.lanes()}
        moved = {name: one for name, one in snapshots.items() if one is not self._seen.get(name)}
        lanes = {}
        for name, one in moved.items():
            known, drawn = old["lanes"].get(name, {}), snapshot_json(one)
            differs = {k: v for k, v in drawn.items() if k not in known or known[k] != v}
            if differs:
                lanes[name] = differs
        if lanes:
            changed["lanes"] = lanes
        gone = [name for name in old["lanes"] if name not in snapshots]
        if gone:
            changed["gone"] = gone
        # Lines are looked for only when a chain has grown.
        if any("head" in keys for keys in lanes.values()) or not old["seq"]:
            lines = self._new_lines(old["journal"])
            if lines:
                changed["journal"] = lines
        for name, value in self._rest().items():
            if name not in old or old[name] != value:
                changed[name] = value
        self._seen = snapshots
        return changed

    def _rest(self) -> dict[str, Any]:
        waiting, trial = self._bot.waiting()
        return {
            "about": dict(self._bot.about()),
            "stalled": list(self._bot.stalled()),
            "proposals_waiting": waiting,
            "trial": trial,
        }

    def _new_lines(self, known: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        newest: dict[object, int] = {}
        for line in known:
            chain = (line.get("venue"), line.get("lane"), line.get("run"))
            newest[chain] = max(newest.get(chain, 0), int(line.get("seq", 0)))
        found = []
        for line in self._bot.recent(_RECENT):
            chain, seq = (line.get("venue"), line.get("lane"), line.get("run")), line.get("seq")
            if line.get("type") in _QUIET or not isinstance(seq, int):
                continue
            if seq > newest.get(chain, 0):
                found.append(shown_line(line))
        return found[-LINES_KEPT:]


def _code(ended: asyncio.Task[int]) -> int:
    """Return with which code a socket is closed, 0 if nobody is there any more."""
    if ended.cancelled():
        return _TOO_SLOW
    error = ended.exception()
    if error is None:
        return ended.result()
    if isinstance(error, (OSError, WebSocketException)):
        return 0
    raise error


async def _hear(socket: WebSocket[Any, Any, Any]) -> int:
    """Wait until the listener leaves; one that speaks is sent away."""
    message = await socket.receive()
    return 0 if message["type"] == "websocket.disconnect" else _NOT_ALLOWED


def _snapshot(state: State) -> str:
    message = _text({"type": "snapshot", "seq": state["seq"], "state": state})
    if len(message.encode()) <= MESSAGE_BYTES_MAX:
        return message
    return _refetch(state["seq"])


def _refetch(number: int) -> str:
    return _text({"type": "refetch", "seq": number})


def _text(message: Mapping[str, Any]) -> str:
    return msgspec.json.encode(message).decode()
