"""Looking into a lane from another thread, without being in its way."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from market_bot.bootstrap.looks import WAITING_MAX, Looks
from market_bot.core.ports.dashboard import NotNowError, NotThereError

LANE = "kalshi/paper"


class Trader:
    """As much of a trader as a look needs: what it takes its commands from, and a number."""

    def __init__(self) -> None:
        self.number = 0
        self.taken: list[int] = []
        self.controls: Any = self._take

    def _take(self) -> tuple[()]:
        self.taken.append(threading.get_ident())
        return ()


def test_the_lanes_own_thread_answers() -> None:
    """A question waits for the next tick and is answered there, before commands are taken."""
    trader, looks = Trader(), Looks(lambda _: False)
    looks.watch(LANE, trader)  # type: ignore[arg-type] # as much of one as is needed
    answers: list[object] = []
    asking = threading.Thread(
        target=lambda: answers.append(looks.ask(LANE, lambda _: threading.get_ident(), 20))
    )
    asking.start()
    while not answers:
        trader.controls()
        asking.join(0.001)

    assert [threading.get_ident()] == answers
    assert trader.taken


def test_a_failed_look_is_the_askers_business() -> None:
    """The lane goes on; whoever asked hears of it."""
    trader, looks = Trader(), Looks(lambda _: False)
    looks.watch(LANE, trader)  # type: ignore[arg-type] # as above
    failures: list[Exception] = []

    def ask() -> None:
        try:
            looks.ask(LANE, lambda _: 1 // 0, 20)
        except ZeroDivisionError as e:
            failures.append(e)

    asking = threading.Thread(target=ask)
    asking.start()
    while asking.is_alive():
        assert () == trader.controls()
        asking.join(0.001)

    assert 1 == len(failures)


def test_a_lane_that_hangs_is_not_waited_for() -> None:
    """After a while the question is given up, is not asked later, and too many are refused."""
    trader, looks = Trader(), Looks(lambda _: False)
    looks.watch(LANE, trader)  # type: ignore[arg-type] # as above
    asked: list[object] = []
    for _ in range(WAITING_MAX):
        with pytest.raises(NotNowError, match="does not answer"):
            looks.ask(LANE, asked.append, 0.001)
    with pytest.raises(NotNowError, match="too many"):
        looks.ask(LANE, asked.append, 0.001)

    trader.controls()

    assert [] == asked


def test_a_lane_that_is_over_can_be_looked_into() -> None:
    """Once nobody steps it, whoever asks looks himself."""
    trader, looks = Trader(), Looks(lambda _: True)
    looks.watch(LANE, trader)  # type: ignore[arg-type] # as above
    trader.number = 7

    assert 7 == looks.ask(LANE, lambda seen: seen.number)  # type: ignore[attr-defined] # as above
    with pytest.raises(NotThereError):
        looks.ask("other/paper", lambda seen: seen)
