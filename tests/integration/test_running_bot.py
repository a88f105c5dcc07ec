"""The running bot: its threads, its commands, its HALT file, its end."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from market_bot.adapters.storage.halt_file import HaltFile
from market_bot.adapters.system.clock import SystemClock
from market_bot.bootstrap.running_bot import RunningBot
from market_bot.core.domain import events as ev
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.ports.actor import Actor
from market_bot.core.usecases.lane_controls import CommandRefused, LaneControls
from market_bot.core.usecases.lane_snapshot import LaneSnapshot

PATIENCE_S = 30.0


class Lane(Actor):
    """Takes its commands when it is stepped, like a lane, and ends when it is told to."""

    def __init__(self, name: str = "sim/paper") -> None:
        self._name = name
        venue, lane = name.split("/")
        self.snapshot = LaneSnapshot(venue=venue, lane=lane, run="")
        self.halted: str | None = None
        self.controls: LaneControls | None = None
        self.taken: list[ev.Event] = []
        self.stepped = threading.Semaphore(0)
        self.stops: list[str] = []
        self.deed: Callable[[], None] = lambda: None
        self.done = False

    @property
    def name(self) -> str:
        return self._name

    def step(self, now: Micros) -> Micros | None:
        self.deed()
        for event in () if self.controls is None else self.controls():
            self.taken.append(event)
            if isinstance(event, ev.Halt):
                self.halted = f"{event.by}: {event.reason}"
            elif isinstance(event, ev.Resume):
                self.halted = None
        self.stepped.release()
        return None if self.done else Micros(now + 3_600 * SECOND)

    def stop(self, now: Micros, reason: str) -> None:
        self.stops.append(reason)

    def next_step(self) -> None:
        """Wait for a step to end."""
        assert self.stepped.acquire(timeout=PATIENCE_S)


def held_by(release: threading.Event) -> Callable[[], None]:
    """Return something that takes until the event is set."""

    def wait() -> None:
        release.wait(PATIENCE_S)

    return wait


@attrs.define(eq=False)
class Bot:
    """A bot with one lane, started."""

    bot: RunningBot
    lane: Lane
    halt_file: HaltFile
    told: list[str]


def make(path: Path, *lanes: Lane, stall: Duration = Duration(5 * SECOND)) -> Bot:
    """Return a bot that is not started yet."""
    told: list[str] = []
    halt_file = HaltFile(path / "HALT")
    bot = RunningBot(
        SystemClock(),
        halt_file,
        about={"version": "1"},
        recent=lambda count: [{"seq": count}],
        on_stall=lambda name, _: told.append(f"{name} stalled"),
        on_recovery=lambda name: told.append(f"{name} recovered"),
        stall=stall,
    )
    for lane in lanes:
        lane.controls = bot.controls(lane.name, lambda lane=lane: lane.halted)  # type: ignore[misc]  # binds this lane
        bot.add_lane(lane)
    return Bot(bot, lanes[0], halt_file, told)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Bot]:
    """Return a bot whose lane has taken its first step and waits."""
    made = make(tmp_path, Lane())
    made.bot.start()
    made.lane.next_step()
    yield made
    made.bot.stop("end of test")


def test_a_halt_comes_at_once_and_outlives_the_process(running: Bot, tmp_path: Path) -> None:
    """The lane is woken to take the halt; the file keeps it for the next start."""
    running.bot.halt("web", "too\nhot")
    running.lane.next_step()

    assert [ev.Halt(by="web", reason="too hot")] == running.lane.taken
    text = running.halt_file.read()
    assert text is not None
    assert "web: too hot" == text.splitlines()[0]
    assert ["HALT"] == [file.name for file in tmp_path.iterdir()]


def test_resume_lifts_both(running: Bot) -> None:
    """After a resume neither the lane nor the file halts; without a halt it is harmless."""
    running.bot.halt("web", "x")
    running.lane.next_step()
    running.bot.resume("web")
    running.lane.next_step()
    running.bot.resume("web")

    assert ev.Resume(by="web") == running.lane.taken[1]
    assert running.halt_file.read() is None


def test_flatten_is_a_halt_that_sells(running: Bot) -> None:
    """Flatten halts, and says that everything goes."""
    running.bot.flatten("terminal")
    running.lane.next_step()

    assert [ev.Halt(by="terminal", reason="flatten", flatten=True)] == running.lane.taken
    assert running.halt_file.read() is not None


def test_halts_even_if_the_file_cannot_be_written(tmp_path: Path) -> None:
    """The lane is halted now; who asked learns that a restart would forget it."""
    made = make(tmp_path / "gone", Lane())
    made.bot.start()
    made.lane.next_step()
    with pytest.raises(CommandRefused, match="not after a restart"):
        made.bot.halt("web", "x")
    made.lane.next_step()
    made.bot.stop("end")

    assert [ev.Halt(by="web", reason="x")] == made.lane.taken[:1]


def test_a_lane_that_hangs_refuses_what_does_not_fit(tmp_path: Path) -> None:
    """Commands wait for a lane up to a limit; beyond it the caller is told, nothing is lost."""
    lane, release = Lane(), threading.Event()
    lane.deed = held_by(release)
    made = make(tmp_path, lane)
    made.bot.start()
    for _ in range(64):
        made.bot.halt("web", "x")
    with pytest.raises(CommandRefused, match="sim/paper: not halted yet"):
        made.bot.halt("web", "x")
    release.set()
    lane.next_step()
    made.bot.stop("end")

    assert 64 == len(lane.taken)


def test_every_lane_is_told(tmp_path: Path) -> None:
    """A command is for all lanes; one that has ended is not waited for."""
    one, two, over = Lane("a/paper"), Lane("b/paper"), Lane("c/tape")
    over.done = True
    made = make(tmp_path, one, two, over)
    made.bot.start()
    for lane in (one, two, over):
        lane.next_step()
    made.bot.halt("web", "x")
    one.next_step()
    two.next_step()
    made.bot.stop("end")

    assert (1, 1, 0) == (len(one.taken), len(two.taken), len(over.taken))
    assert ["a/paper", "b/paper", "c/tape"] == [f"{s.venue}/{s.lane}" for s in made.bot.lanes()]


def test_ends_when_all_lanes_have_ended(tmp_path: Path) -> None:
    """The bot waits for the last lane; nothing failed, so it ends well."""
    one, two = Lane("a/tape"), Lane("b/tape")
    release = threading.Event()
    two.deed = held_by(release)
    one.done = two.done = True
    made = make(tmp_path, one, two)
    made.bot.start()
    one.next_step()
    too_early = made.bot.wait(0)
    release.set()

    assert made.bot.wait(PATIENCE_S)
    assert not too_early
    assert made.bot.shut_down_by is None
    made.bot.stop("end")
    assert 0 == made.bot.exit_code()
    assert ([], []) == (one.stops, two.stops)


def test_shuts_down_on_request(running: Bot) -> None:
    """Whoever asks ends the waiting; the lane is then stopped in order."""
    running.bot.shut_down("terminal")

    assert running.bot.wait(PATIENCE_S)
    assert running.bot.wait_for_shut_down(PATIENCE_S)
    assert "terminal" == running.bot.shut_down_by
    running.bot.stop("asked by terminal")
    assert ["asked by terminal"] == running.lane.stops
    assert 0 == running.bot.exit_code()


def test_a_lane_that_breaks_is_a_failure(tmp_path: Path) -> None:
    """A bug in a lane ends the lane, is told by its name, and makes the exit code 1."""
    lane = Lane()

    def breaks() -> None:
        msg = "bug"
        raise KeyError(msg)

    lane.deed = breaks
    made = make(tmp_path, lane)
    made.bot.start()

    assert made.bot.wait(PATIENCE_S)
    (failure,) = made.bot.failures()
    assert ("sim/paper", "KeyError: 'bug'") == (failure.name, failure.message)
    assert 1 == made.bot.exit_code()
    assert ["failed"] == lane.stops


def test_a_lane_that_gave_up_is_a_failure(tmp_path: Path) -> None:
    """A lane that says itself that it failed counts as failed, with its own words."""
    lane = Lane()
    lane.done = True
    lane.snapshot = attrs.evolve(lane.snapshot, phase="failed", error="disk full")
    made = make(tmp_path, lane)
    made.bot.start()

    assert made.bot.wait(PATIENCE_S)
    assert ["disk full"] == [failure.message for failure in made.bot.failures()]
    assert 1 == made.bot.exit_code()


def test_a_lane_that_does_not_stop_is_a_failure(tmp_path: Path) -> None:
    """The end is not held up for ever; who held it up is told."""
    lane, release = Lane(), threading.Event()
    entered = threading.Event()

    def hang() -> None:
        entered.set()
        release.wait(PATIENCE_S)

    lane.deed = hang
    made = make(tmp_path, lane)
    made.bot.start()
    assert entered.wait(PATIENCE_S)
    made.bot.stop("end", timeout_s=0.5)
    failures = made.bot.failures()
    release.set()
    lane.next_step()

    assert ["did not stop within 0.5 s"] == [failure.message for failure in failures]
    assert 1 == made.bot.exit_code()


def test_a_stall_is_seen_and_told(tmp_path: Path) -> None:
    """A lane that hangs is on the list of stalled workers while it hangs."""
    lane, release, seen = Lane(), threading.Event(), threading.Event()
    lane.deed = held_by(release)
    made = make(tmp_path, lane, stall=Duration(1))
    made.told = Heard(seen, made.told)
    bot = made.bot
    bot._watchdog.on_stall = lambda name, _: made.told.append(name)
    bot.start()

    assert seen.wait(PATIENCE_S)
    assert ("sim/paper",) == tuple(bot.stalled())
    release.set()
    bot.stop("end")
    assert 0 == bot.exit_code()


class Heard(list[str]):
    """A list that tells when something is added."""

    def __init__(self, event: threading.Event, items: list[str]) -> None:
        super().__init__(items)
        self._event = event

    def append(self, item: str) -> None:
        super().append(item)
        self._event.set()


def test_a_worker_is_not_waited_for(tmp_path: Path) -> None:
    """Another worker is started and stopped with the bot; two of one name are refused."""
    lane, worker = Lane(), Lane("other/worker")
    lane.done = True
    made = make(tmp_path, lane)
    made.bot.add_worker(worker)
    with pytest.raises(ValueError, match="other/worker"):
        made.bot.add_worker(worker)
    made.bot.start()
    worker.next_step()

    assert made.bot.wait(PATIENCE_S)
    made.bot.stop("end")
    assert ["end"] == worker.stops


def test_tells_about_itself(running: Bot) -> None:
    """What it was given for people comes back unchanged."""
    assert {"version": "1"} == running.bot.about()
    assert [{"seq": 7}] == list(running.bot.recent(7))
    assert () == tuple(running.bot.stalled())


@pytest.mark.parametrize("kind", ["folder", "secret", "loop", "nowhere"])
def test_a_halt_file_that_cannot_be_read_halts(tmp_path: Path, kind: str) -> None:
    """When in doubt, halted: whatever lies there, it is there."""
    path = tmp_path / "HALT"
    if kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "nowhere":
        path.symlink_to(tmp_path / "nothing")
    else:
        path.write_bytes(b"\xff\xfe")

    assert HaltFile(path).read() is not None


# -- facts that somebody waits for ---------------------------------------------------------------


def heeding(bot: RunningBot, lane: Lane) -> None:
    """Have a lane tell of each fact once it took it, as traders do once it is durable."""
    told, controls = bot.heed(lane.name), lane.controls
    assert controls is not None

    def take() -> tuple[ev.Event, ...]:
        taken = tuple(controls())
        for event in taken:
            told(event)
        return taken

    lane.controls = take  # type: ignore[assignment]  # called like the one it wraps


def test_whoever_records_a_fact_waits_until_the_lane_took_it(running: Bot) -> None:
    """It is there when the call returns; the same fact twice is two facts."""
    heeding(running.bot, running.lane)
    fact = ev.ChangeEnded(change="c", outcome="applied", sha256="s")

    running.bot.record("sim/paper", fact)
    running.bot.record("sim/paper", fact)

    assert [fact, fact] == running.lane.taken


def test_a_lane_that_does_not_take_a_fact_is_not_waited_for_ever(running: Bot) -> None:
    """Whoever waits hears that it is not certain; a lane that has ended is told apart."""
    fact = ev.ChangeEnded(change="c", outcome="applied", sha256="s")

    with pytest.raises(CommandRefused, match=r"did not write it down within 0\.01 s"):
        running.bot.record("sim/paper", fact, timeout_s=0.01)
    running.lane.done = True
    running.bot.wake("sim/paper")
    assert running.bot.wait(PATIENCE_S)
    with pytest.raises(CommandRefused, match="takes nothing now"):
        running.bot.record("sim/paper", fact)


def test_versions_are_put_back_only_where_settings_are_followed(running: Bot) -> None:
    """A lane without a settings file, and a venue without a lane, are refused in one line."""
    for venue in ("sim", "kalshi"):
        with pytest.raises(CommandRefused, match=f"does not follow the settings of {venue}"):
            running.bot.restore_settings(venue, "ann", "a" * 64, "b" * 64)
    assert running.bot.settings("sim/paper") is None
