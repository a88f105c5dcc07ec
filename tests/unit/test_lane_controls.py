"""Commands and the HALT file come to a lane as facts, in order and without loss."""

import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import Duration, Micros
from market_bot.core.ports.clock import Clock
from market_bot.core.usecases.lane_controls import CommandQueue, LaneControls

HALT = ev.Halt(by="web", reason="lunch")
RESUME = ev.Resume(by="web")
BY_FILE = ev.Halt(by="file", reason="by hand")
GONE = ev.Resume(by="file", reason="HALT file removed")


class Desk(Clock):
    """A lane's controls over a file, a halt and a time that the test decides."""

    def __init__(self) -> None:
        self.halted: str | None = None
        self.text: str | None = None
        self.time = 0
        self.looks = 0
        self.queue = CommandQueue(capacity=3)
        self.controls = LaneControls(self.queue, lambda: self.halted, self.read, self)

    def now(self) -> Micros:
        return Micros(0)

    def elapsed(self) -> Duration:
        return Duration(self.time)

    def read(self) -> str | None:
        self.looks += 1
        return self.text

    def take(self, after: int = 250_000) -> list[ev.Event]:
        """Take what is there after so many microseconds."""
        self.time += after
        return list(self.controls())


def test_commands_come_in_their_order() -> None:
    """What was put first is taken first, and only once."""
    desk = Desk()
    desk.queue.put(HALT)
    desk.queue.put(RESUME)

    assert [HALT, RESUME] == desk.take()
    assert [] == desk.take()


def test_a_full_queue_says_so() -> None:
    """What does not fit is refused; what fits is kept."""
    desk = Desk()

    assert [True, True, True, False] == [desk.queue.put(HALT) for _ in range(4)]
    assert 3 == len(desk.queue)
    assert [HALT] * 3 == desk.take()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("by hand", "by hand"),
        ("\n  by hand  \nat noon", "by hand"),
        ("", "HALT file"),
        (" \n", "HALT file"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_file_halts(text: str, reason: str) -> None:
    """A HALT file halts a lane that is not halted; its first line is the reason."""
    desk = Desk()
    desk.text = text

    assert [ev.Halt(by="file", reason=reason)] == desk.take()


def test_a_file_that_stays_is_told_once() -> None:
    """A lane that is halted is not halted again by the file, whoever halted it."""
    desk = Desk()
    desk.text, desk.halted = "by hand", "file: by hand"
    found = desk.take()
    desk.halted = "web: lunch"

    assert [] == [*found, *desk.take()]


def test_a_file_that_goes_lifts_its_own_halt_only() -> None:
    """Removing the file resumes a lane it halted, not one that a person halted."""
    desk = Desk()
    desk.halted = "web: lunch"
    by_person = desk.take()
    desk.halted = "file: by hand"

    assert [] == by_person
    assert [GONE] == desk.take()


def test_the_file_is_looked_at_four_times_a_second_at_most() -> None:
    """A tape at full speed does not look at the disk at every tick, yet it does at the first."""
    desk = Desk()
    first = (desk.take(0), desk.looks)
    looks = []
    for _ in range(1_000):
        desk.take(1_000)
        looks.append(desk.looks)

    assert ([], 1) == first
    assert 5 == looks[-1]
    assert [1, 2] == looks[248:250]


def test_a_command_makes_it_look_at_once() -> None:
    """A file that is there beside a command to resume is newer than that command."""
    desk = Desk()
    desk.take()
    desk.text, desk.halted = "by hand", "web: lunch"
    desk.queue.put(RESUME)

    assert [RESUME, BY_FILE] == desk.take(1)


def test_a_halt_by_command_is_not_doubled_by_its_file() -> None:
    """The desk writes the file as well; the lane is halted once."""
    desk = Desk()
    desk.text = "web: lunch"
    desk.queue.put(HALT)

    assert [HALT] == desk.take()


def test_a_resume_by_command_lifts_a_halt_by_file_once() -> None:
    """The desk removes the file first; nothing is left for its absence to lift."""
    desk = Desk()
    desk.halted = "file: by hand"
    desk.queue.put(RESUME)

    assert [RESUME] == desk.take()
