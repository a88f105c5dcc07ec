"""Actors on real threads: woken, stopped in order, and never lost in silence."""

import threading
from collections.abc import Callable

import pytest

from market_bot.adapters.system.clock import SystemClock
from market_bot.bootstrap.threads import ActorThread
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.actor import Actor
from market_bot.core.usecases.watch_stalls import Watchdog

PATIENCE_S = 30.0


class Scripted(Actor):
    """Does one thing per step; `stepped` is released at each, `stops` holds the reasons."""

    def __init__(self, *deeds: Callable[[Micros], Micros | None]) -> None:
        self.deeds = list(deeds)
        self.stepped = threading.Semaphore(0)
        self.stops: list[str] = []
        self.threads: set[str] = set()

    @property
    def name(self) -> str:
        return "scripted"

    def step(self, now: Micros) -> Micros | None:
        self.threads.add(threading.current_thread().name)
        deed = self.deeds.pop(0)
        try:
            return deed(now)
        finally:
            self.stepped.release()

    def stop(self, now: Micros, reason: str) -> None:
        self.threads.add(threading.current_thread().name)
        self.stops.append(reason)


def at_once(now: Micros) -> Micros | None:
    """Want to be stepped again without waiting."""
    return now


def in_an_hour(now: Micros) -> Micros | None:
    """Want to be stepped again much later than any test waits."""
    return Micros(now + 3_600 * SECOND)


def done(_: Micros) -> Micros | None:
    """Want nothing any more."""
    return None


def fail(_: Micros) -> Micros | None:
    """Break."""
    msg = "the book\nis upside down"
    raise ValueError(msg)


def test_steps_until_done() -> None:
    """An actor is stepped as often as it wants, in one thread of its own, and is then left."""
    actor = Scripted(at_once, at_once, done)
    ended: list[ActorThread] = []
    thread = ActorThread(actor, SystemClock(), on_done=ended.append)
    thread.start()

    assert thread.join(PATIENCE_S)
    assert ([], [], [thread]) == (actor.deeds, actor.stops, ended)
    assert {"scripted"} == actor.threads
    assert thread.done
    assert thread.failure is None


def test_wakes_before_it_is_due() -> None:
    """A waiting actor is stepped at once when there is news for it."""
    actor = Scripted(in_an_hour, done)
    thread = ActorThread(actor, SystemClock())
    thread.start()
    assert actor.stepped.acquire(timeout=PATIENCE_S)
    thread.wake()

    assert thread.join(PATIENCE_S)
    assert [] == actor.deeds


def test_news_during_a_step_is_not_lost() -> None:
    """Whoever is woken while at work is stepped again right after."""
    actor = Scripted()
    thread = ActorThread(actor, SystemClock())

    def woken(now: Micros) -> Micros | None:
        thread.wake()
        return in_an_hour(now)

    actor.deeds = [woken, done]
    thread.start()

    assert thread.join(PATIENCE_S)
    assert [] == actor.deeds


def test_stops_in_its_own_thread_once() -> None:
    """A waiting actor is stopped at once, by its own thread, with the first reason given."""
    actor = Scripted(in_an_hour)
    thread = ActorThread(actor, SystemClock())
    thread.start()
    assert actor.stepped.acquire(timeout=PATIENCE_S)
    thread.stop("Ctrl-C")
    thread.stop("again")

    assert thread.join(PATIENCE_S)
    assert ["Ctrl-C"] == actor.stops
    assert {"scripted"} == actor.threads
    assert thread.failure is None


@pytest.mark.parametrize("error", [ValueError, SystemExit, MemoryError])
def test_a_failure_is_kept_and_the_actor_stopped(error: type[BaseException]) -> None:
    """What no actor handles ends it, in one line for people and a traceback for others."""

    def broken(_: Micros) -> Micros | None:
        msg = "the book\nis upside down"
        raise error(msg)

    actor = Scripted(at_once, broken)
    ended: list[ActorThread] = []
    thread = ActorThread(actor, SystemClock(), on_done=ended.append)
    thread.start()

    assert thread.join(PATIENCE_S)
    failure = thread.failure
    assert failure is not None
    assert f"{error.__name__}: the book is upside down" == failure.message
    assert "in broken" in failure.traceback
    assert ["failed"] == actor.stops
    assert [thread] == ended


def test_a_failure_while_stopping_hides_nothing() -> None:
    """The first failure stays the message; the second one is in the traceback too."""

    class Worse(Scripted):
        def stop(self, now: Micros, reason: str) -> None:
            msg = "not even that"
            raise OSError(msg)

    thread = ActorThread(Worse(fail), SystemClock())
    thread.start()

    assert thread.join(PATIENCE_S)
    failure = thread.failure
    assert failure is not None
    assert failure.message.startswith("ValueError")
    assert "not even that" in failure.traceback


def test_a_step_that_hangs_is_seen() -> None:
    """The watchdog sees a step that does not come back, and that it came back."""
    release = threading.Event()
    entered = threading.Event()

    def hang(now: Micros) -> Micros | None:
        entered.set()
        release.wait(PATIENCE_S)
        return in_an_hour(now)

    actor = Scripted(hang)
    thread = ActorThread(actor, SystemClock())
    told: list[str] = []
    dog = Watchdog(
        [thread.busy_for],
        lambda name, busy_for: told.append(f"{name} hangs"),
        lambda name: told.append(f"{name} is back"),
        limit=Duration(0),
    )
    dog.step(Micros(0))
    thread.start()
    assert entered.wait(PATIENCE_S)
    dog.step(Micros(0))
    hanging, joined = tuple(dog.stalled()), thread.join(0)
    release.set()
    assert actor.stepped.acquire(timeout=PATIENCE_S)
    thread.stop("end")
    assert thread.join(PATIENCE_S)
    dog.step(Micros(0))

    assert ("scripted",) == hanging
    assert not joined
    assert ["scripted hangs", "scripted is back"] == told
    assert thread.busy_since is None


def test_an_hour_back_does_not_stop_the_waiting() -> None:
    """A clock that jumps ahead while a thread waits makes it step, without being woken."""

    class Jumping(SystemClock):
        ahead = 0

        def now(self) -> Micros:
            return Micros(super().now() + self.ahead)

    clock = Jumping()
    actor = Scripted(in_an_hour, done)
    thread = ActorThread(actor, clock)
    thread.start()
    assert actor.stepped.acquire(timeout=PATIENCE_S)
    clock.ahead = 2 * 3_600 * SECOND

    assert thread.join(PATIENCE_S)
    assert [] == actor.deeds
