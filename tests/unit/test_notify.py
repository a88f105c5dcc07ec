"""People are told of what happens, in few messages; and whatever hangs there, lanes do not wait."""

from __future__ import annotations

from typing import Any

import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.notices import DEFAULT_LEVELS, Kind, Level, Notice
from market_bot.core.domain.numbers import SECOND, Micros
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.signals import Gate
from market_bot.core.ports.notifier import Outcome
from market_bot.core.usecases.notify import (
    ALARMS_BEYOND,
    ANSWER_MAX,
    ATTEMPTS_MAX,
    BURST,
    HEARD_MAX,
    LAST_S,
    WAITING_MAX,
    Notify,
    Outlet,
    Terms,
)
from tests.fakes.builders import a_fill, a_start
from tests.fakes.clock import NOON, after
from tests.fakes.notifier import FakeNotifier

LANE = "kalshi/live"
HALT = ev.Halt(by="web", reason="enough")
REFUSED = Outcome(delivered=False, reason="403")


class Told:
    """An actor with one way out, and what it noted for the journal."""

    def __init__(
        self,
        *answers: Outcome,
        hangs: bool = False,
        least: Level = Level.INFO,
        most: int = 30,
        **options: Any,
    ) -> None:
        self.way = FakeNotifier(*answers, hangs=hangs)
        self.noted: list[ev.Event] = []
        self.outlet = Outlet(notifier=self.way, least=least, most=most)
        options.setdefault("terms", Terms(most_per_hour=most))
        self.notify = Notify(outlets=[self.outlet], note=self.noted.append, **options)
        self._hear = self.notify.hear(LANE)

    def hear(self, *events: ev.Event, at: Micros = NOON) -> Told:
        """Let the lane write down facts."""
        for event in events:
            self._hear(event, at)
        return self

    def run(self, seconds: int, begin: int = 0) -> Told:
        """Step it once a second."""
        for second in range(begin, begin + seconds):
            self.notify.step(after(second))
        return self

    @property
    def delivered(self) -> list[bool]:
        """What became of each attempt, as the journal has it."""
        return [one.delivered for one in self.noted if isinstance(one, ev.Notification)]


def test_an_alarm_goes_out_at_once() -> None:
    """A halt does not wait for anything; what became of it is noted."""
    told = Told(link="https://bot.example/").hear(HALT).run(2)

    assert ["[alarm] kalshi/live: halted: web: enough"] == [one.subject for one in told.way.sent]
    assert told.way.sent[0].body.endswith("https://bot.example/")
    assert [
        ev.Notification(
            channel="phone",
            level="alarm",
            subject="[alarm] kalshi/live: halted: web: enough",
            delivered=True,
        )
    ] == told.noted


def test_ten_fills_are_one_message() -> None:
    """What is less urgent waits a few seconds for others."""
    told = Told().hear(*(a_fill(f"f-{n}") for n in range(10))).run(4)
    assert [] == told.way.sent

    told.run(4, begin=4)

    assert 1 == len(told.way.sent)
    assert "(×10)" in told.way.bodies


def test_what_is_not_urgent_enough_goes_nowhere() -> None:
    """A way out takes what it is meant for; `never` goes no way at all, and is not logged."""
    logged: list[Kind] = []
    silent = Terms(levels={**DEFAULT_LEVELS, Kind.HALT: Level.NEVER})
    told = Told(least=Level.WARNING, terms=silent, log=lambda _, notice: logged.append(notice.kind))
    told.hear(a_fill(), HALT, ev.Error(where="feed", message="silent")).run(10)

    assert ["[warning] kalshi/live: feed: silent"] == [one.subject for one in told.way.sent]
    assert [Kind.FILL, Kind.ERROR] == logged


def test_so_many_an_hour_and_a_few_alarms_more() -> None:
    """What is above the limit waits and is told together; alarms have a reserve."""
    told = Told(most=2)
    for n in range(20):
        told.hear(a_fill(f"f-{n}")).run(10, begin=10 * n)
    assert 2 == len(told.way.sent)

    for n in range(20, 40):
        told.hear(HALT).run(10, begin=10 * n)
    assert 2 + ALARMS_BEYOND == len(told.way.sent)

    told.run(3, begin=2 * 3600)
    assert 3 + ALARMS_BEYOND == len(told.way.sent)


def test_what_is_too_much_is_counted() -> None:
    """A way out that is behind drops the least urgent and says how many."""
    told = Told(most=1).hear(HALT).run(2)
    for n in range(WAITING_MAX + 5):
        told.hear(a_fill(f"f-{n}")).run(1, begin=10 + n)
    assert WAITING_MAX == len(told.outlet)
    told.hear(HALT).run(2, begin=400)

    assert f"held back before: fill {5 + 1}" in told.way.sent[-1].body


def test_a_failure_is_tried_again_and_noted() -> None:
    """A message that was not taken is sent again, later and later, and given up in the end."""
    told = Told(REFUSED, REFUSED, Outcome(delivered=True)).hear(HALT).run(300)
    assert [False, False, True] == told.delivered
    assert "403" == told.noted[0].reason  # type: ignore[attr-defined]  # a notification

    given_up = Told(REFUSED).hear(HALT).run(900)
    assert [False] * ATTEMPTS_MAX == given_up.delivered
    assert ATTEMPTS_MAX == len(given_up.way.sent)


def test_a_service_that_hangs_holds_nobody_up() -> None:
    """Facts are taken in bounded room, one message is under way at a time, and no step waits."""
    told = Told(hangs=True).hear(HALT).run(3)
    told.hear(*(a_fill(f"f-{n}") for n in range(HEARD_MAX + 50)))

    assert HEARD_MAX == told.notify.waiting
    assert 50 == told.notify.missed
    told.run(1 + ANSWER_MAX // SECOND, begin=3)
    assert 1 == len(told.way.sent)
    assert [False] == told.delivered
    assert WAITING_MAX >= len(told.outlet)


def test_hearing_never_raises_and_lets_others_pass() -> None:
    """Facts that lead to no message take no room."""
    told = Told().hear(*[ev.Tick(position="p", reason="r")] * 10, a_start())

    assert 1 == told.notify.waiting
    assert [] == told.run(20).way.sent


def test_refusals_are_told_when_they_are_many() -> None:
    """Twenty within ten minutes are one notice; then there is silence for an hour."""

    def refusal(n: int) -> ev.Denied:
        return ev.Denied(
            signal=f"s-{n}",
            strategy="x",
            market="M-1",
            event="E",
            family="F",
            leg=a_fill().leg,
            purpose=Purpose.ENTRY,
            phase="begin",
            gates=(Gate("free_cash", "1", "2", hard=True),),
            price=a_fill().price,
            size=a_fill().size,
        )

    told = Told()
    for n in range(BURST - 1):
        told.hear(refusal(n), at=after(n))
    told.run(10)
    assert [] == told.way.sent

    for n in range(3 * BURST):
        told.hear(refusal(n), at=after(60 + n))
    told.run(10, begin=10)
    assert ["kalshi/live: 20 refusals within 1 min: free_cash 20"] == [
        one.body for one in told.way.sent
    ]

    for n in range(2 * BURST):
        told.hear(refusal(n), at=after(7000 + 60 * n))
    told.run(10, begin=20)
    assert 1 == len(told.way.sent)


def test_the_same_error_is_told_once_an_hour() -> None:
    """What fails at every tick does not fill a telephone."""
    told = Told()
    for minute in range(59):
        told.hear(ev.Error(where="feed", message=f"no answer {minute}")).run(8, begin=60 * minute)
    assert 1 == len(told.way.sent)

    told.hear(ev.Error(where="feed", message="no answer")).run(8, begin=3700)
    assert 2 == len(told.way.sent)


def test_what_failed_is_told_once() -> None:
    """A lane or thread that failed is an alarm, even if it could not write that down."""
    failed = [("kalshi/live", "the disk is full")]
    told = Told(failures=lambda: failed).run(30)

    assert ["[alarm] kalshi/live: the disk is full"] == [one.subject for one in told.way.sent]


def test_no_secret_goes_out() -> None:
    """Messages, and what is noted of them, are cleaned."""
    told = Told(
        Outcome(delivered=False, reason="s3cr3t"), hide=lambda text: text.replace("s3cr3t", "***")
    )
    told.hear(ev.Halt(by="s3cr3t", reason="s3cr3t")).run(3)

    assert "s3cr3t" not in told.way.bodies + repr(told.noted)
    assert 1 == len(told.noted)


def test_the_end_is_told_with_what_waits() -> None:
    """At the end one message goes out at once, and the wait for it is short."""
    told = Told().hear(a_fill())
    told.notify.step(after(0))
    told.notify.stop(after(1), "SIGTERM")

    assert 1 == len(told.way.sent)
    assert "market-bot stops: SIGTERM" in told.way.bodies
    assert "bought" in told.way.bodies
    assert [LAST_S] == told.way.waited_s
    assert [True] == told.delivered


def test_the_summary_is_a_message_of_its_own() -> None:
    """Its lines are not cut off because something else happened as well."""
    days = iter([Notice(Kind.DAILY, "system/main", "the day in short", ("a", "b"))])
    told = Told(daily=lambda _: next(days, None))
    told.hear(*(a_fill(f"f-{n}") for n in range(30))).run(20)

    assert ["system/main: the day in short\na\nb"] == [
        one.body for one in told.way.sent if "day" in one.subject
    ]
    assert 2 == len(told.way.sent)


@pytest.mark.parametrize("back", [60, 7200])
def test_a_clock_that_is_set_back_stops_nothing(back: int) -> None:
    """What happens after the clock went back is told all the same."""
    told = Told(most=1).hear(HALT).run(3, begin=back)
    told.hear(HALT).run(20)

    assert 2 == len(told.way.sent)
