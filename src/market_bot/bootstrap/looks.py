"""Look into a lane: a question is answered in the lane's own thread, between two ticks.

Books and wishes belong to the thread that trades, and nobody else may read them while it runs. A
question takes a copy of what it needs and leaves; what is done with the copy costs the lane
nothing. Once a lane's thread has ended, whoever asks looks himself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookTooLong
from typing import Any, Final, TypeVar

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.ports.dashboard import NotNowError, NotThereError
from market_bot.core.usecases.trade_lane import LaneTrader

WAITING_MAX: Final = 8
ANSWER_S: Final = 3.0

T = TypeVar("T")
Question = Callable[[LaneTrader], T]


@attrs.define(eq=False)
class _Watched:
    trader: LaneTrader
    waiting: deque[tuple[Question[Any], Future[Any]]] = attrs.field(factory=deque)

    def answer(self) -> None:
        """Answer what waits; in the lane's thread."""
        while self.waiting:
            question, told = self.waiting.popleft()
            if not told.set_running_or_notify_cancel():
                continue
            try:
                told.set_result(question(self.trader))
            except Exception as e:  # noqa: BLE001 - the asker's business, not the lane's
                told.set_exception(e)


class Looks:
    """What may be looked into, by the name of the lane.

    Args:
        over: tells whether a lane's thread has ended.

    """

    def __init__(self, over: Callable[[str], bool]) -> None:
        self._over = over
        self._watched: dict[str, _Watched] = {}

    def watch(self, lane: str, trader: LaneTrader) -> None:
        """Answer questions about a lane from now on; before its thread starts."""
        watched = self._watched[lane] = _Watched(trader)
        controls = trader.controls

        def taken() -> Sequence[ev.Event]:
            watched.answer()
            return controls()

        trader.controls = taken

    def ask(self, lane: str, question: Question[T], timeout_s: float = ANSWER_S) -> T:
        """Return the answer of a lane.

        Raises:
            NotThereError: if there is no such lane.
            NotNowError: if it does not answer in time.

        """
        watched = self._watched.get(lane)
        if watched is None:
            msg = f"{lane[:100]}: there is no such lane"
            raise NotThereError(msg)
        if self._over(lane):
            return question(watched.trader)
        if len(watched.waiting) >= WAITING_MAX:
            msg = f"{lane}: too many questions wait there: try again"
            raise NotNowError(msg)
        told: Future[T] = Future()
        watched.waiting.append((question, told))
        try:
            return told.result(timeout_s)
        except TookTooLong:
            told.cancel()
            if self._over(lane):
                return question(watched.trader)
            msg = f"{lane}: it does not answer; it may be catching up, or hang"
            raise NotNowError(msg) from None
