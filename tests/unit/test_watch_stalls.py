"""The watchdog tells once that a worker is away and once that it is back."""

from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.usecases.watch_stalls import Watchdog


class Watched:
    """A watchdog over two workers whose absence the test decides."""

    def __init__(self) -> None:
        self.away: dict[str, Duration | None] = {"a": None, "b": None}
        self.told: list[tuple[object, ...]] = []
        self.dog = Watchdog(
            workers=[lambda: ("a", self.away["a"]), lambda: ("b", self.away["b"])],
            on_stall=lambda name, busy_for: self.told.append(("stall", name, busy_for)),
            on_recovery=lambda name: self.told.append(("recovery", name)),
        )

    def look(self, a: float | None, b: float | None = None) -> None:
        """Let the watchdog look at workers that are away for so many seconds."""
        times = {"a": a, "b": b}
        self.away = {
            n: None if s is None else Duration(round(s * SECOND)) for n, s in times.items()
        }
        self.dog.step(Micros(0))


def test_looks_every_second() -> None:
    """The next look is due a second later."""
    assert Micros(SECOND) == Watched().dog.step(Micros(0))


def test_a_worker_within_the_limit_is_no_news() -> None:
    """Idle workers and short steps are not reported."""
    watched = Watched()
    watched.look(None)
    watched.look(4.999999, 0)

    assert [] == watched.told
    assert () == tuple(watched.dog.stalled())


def test_a_stall_is_told_once() -> None:
    """At the limit a worker stalls; that it goes on is not told again."""
    watched = Watched()
    watched.look(5)
    watched.look(6)

    assert [("stall", "a", 5 * SECOND)] == watched.told
    assert ("a",) == tuple(watched.dog.stalled())


def test_a_recovery_is_told_once() -> None:
    """A worker that came back is told once, also when it is busy with something new."""
    watched = Watched()
    watched.look(5)
    watched.look(0.1)
    watched.look(None)

    assert ("recovery", "a") == watched.told[-1]
    assert 2 == len(watched.told)
    assert () == tuple(watched.dog.stalled())


def test_workers_are_watched_apart() -> None:
    """One worker's recovery says nothing about another one."""
    watched = Watched()
    watched.look(5, 7)
    watched.look(None, 8)
    watched.dog.stop(Micros(0), "end")

    assert ("b",) == tuple(watched.dog.stalled())
    assert [("recovery", "a")] == watched.told[2:]
