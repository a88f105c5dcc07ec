"""The kill switch cancels until it is taken, and knows nothing of the lane."""

from __future__ import annotations

from market_bot.core.domain.numbers import HOUR, SECOND, Micros
from market_bot.core.usecases.kill_switch import KillSwitch
from tests.fakes.clock import NOON, after


class Venue:
    """Takes a cancel of everything when it is told to."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)
        self.asked: list[Micros] = []

    def __call__(self, at: Micros) -> bool:
        """Answer as told, then with yes."""
        self.asked.append(at)
        return self.answers.pop(0) if self.answers else True


def a_switch(venue: Venue) -> tuple[KillSwitch, list[str]]:
    """Return a switch and what it says."""
    said: list[str] = []
    return KillSwitch("kalshi/live", venue, said.append), said


def test_it_does_nothing_before_it_is_fired() -> None:
    """It waits, and stands in nobody's way."""
    venue = Venue()
    switch, said = a_switch(venue)

    assert Micros(NOON + HOUR) == switch.step(NOON)
    assert ([], [], None) == (venue.asked, said, switch.stopped())


def test_entries_stop_at_once_and_orders_are_cancelled_at_the_next_step() -> None:
    """Whoever fires it waits for nothing."""
    venue = Venue()
    switch, said = a_switch(venue)
    switch.fire("halted by ann")
    assert ("halted by ann", []) == (switch.stopped(), venue.asked)

    switch.step(NOON)
    switch.step(after(60))

    assert [NOON] == venue.asked
    assert "cancelled at the venue" in said[0]


def test_it_tries_again_until_the_venue_takes_it() -> None:
    """The waits double; an early step does not hurry it."""
    venue = Venue(False, False)
    switch, said = a_switch(venue)
    switch.fire("why")

    assert after(1) == switch.step(NOON)
    assert after(1) == switch.step(Micros(NOON + SECOND // 2))
    assert after(3) == switch.step(after(1))
    switch.step(after(3))

    assert [NOON, after(1), after(3)] == venue.asked
    assert ["again", "again", "cancelled"] == [_word(line) for line in said]


def test_it_gives_up_loudly() -> None:
    """After twenty refusals it tells a person to do it there."""
    venue = Venue(*[False] * 30)
    switch, said = a_switch(venue)
    switch.fire("why")
    now = NOON
    for _ in range(25):
        now = switch.step(now) or now

    assert 20 == len(venue.asked)
    assert "do it there" in said[-1]
    assert "why" == switch.stopped()


def test_fired_again_it_cancels_again() -> None:
    """An order may have slipped out between two halts."""
    venue = Venue()
    switch, _ = a_switch(venue)
    switch.fire("one")
    switch.step(NOON)
    switch.fire("two")
    switch.step(after(1))

    assert [NOON, after(1)] == venue.asked
    assert "two" == switch.stopped()


def test_a_clock_set_back_does_not_hold_it_up() -> None:
    """A try that is due in an hour by a wrong clock is due now."""
    venue = Venue(False)
    switch, _ = a_switch(venue)
    switch.fire("why")
    switch.step(after(3600))
    switch.step(NOON)

    assert [after(3600), NOON] == venue.asked


def test_release_lets_entries_out_again() -> None:
    """What is being cancelled is cancelled all the same."""
    venue = Venue()
    switch, _ = a_switch(venue)
    switch.fire("why")
    switch.release()
    switch.step(NOON)

    assert (None, [NOON]) == (switch.stopped(), venue.asked)


def _word(line: str) -> str:
    return "again" if "again" in line else "cancelled"
