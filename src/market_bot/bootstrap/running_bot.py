"""The running bot: its lanes, their threads, and what may be asked and told from outside."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import attrs

from market_bot.adapters.storage.halt_file import HaltFile
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import MINUTE, STALLED
from market_bot.core.domain.numbers import SECOND, Duration, Micros, format_time
from market_bot.core.domain.tuning.changes import APPLIED
from market_bot.core.ports.actor import Actor
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.desk import Desk, NightDesk
from market_bot.core.usecases.arm_lane import LONGEST, phrase_for, refusal_to_arm
from market_bot.core.usecases.kill_switch import KillSwitch
from market_bot.core.usecases.lane_controls import CommandQueue, CommandRefused, LaneControls
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.watch_stalls import Watchdog

from .lane_config import LaneConfig
from .threads import ActorThread, Failure, Pace

STALL: Final = Duration(5 * SECOND)
STOP_S: Final = 10.0
RECORD_S: Final = 10.0
_TEXT_MAX: Final = 200

Recent = Callable[[int], Sequence[Mapping[str, object]]]


@attrs.frozen(kw_only=True)
class LiveControls:
    """What a lane with real money can be told besides its queue.

    Args:
        kill: cancels everything at the venue.
        accept_cash: takes the account's money as it is, at the next comparison.

    """

    kill: KillSwitch
    accept_cash: Callable[[], None]


@attrs.frozen(kw_only=True)
class Worker:
    """A thread as seen from outside; ``busy_for`` is None while it waits."""

    name: str
    alive: bool
    busy_for: Duration | None
    pace: Pace
    failure: str | None


class LaneActor(Actor, Protocol):
    """An actor that trades a lane and shows it."""

    @property
    @abstractmethod
    def snapshot(self) -> LaneSnapshot:
        """The latest picture; swapped by reference."""


class RunningBot(Desk):
    """Holds everything that runs; the main thread waits here.

    Make it, call `controls` for each lane while building it, `add_lane`, `start`, `wait`, `stop`.

    Args:
        clock: steps the actors.
        halt_file: the file that outlives this process.
        about: version, home and the like, for people.
        recent: returns the last lines of the journals; may be called from any thread.
        on_stall: told of a worker that does not come back, and for how long it has been away.
        on_recovery: told of one that came back.
        stall: how long a step may take.

    """

    def __init__(
        self,
        clock: Clock,
        halt_file: HaltFile,
        *,
        about: Mapping[str, str],
        recent: Recent,
        on_stall: Callable[[str, Duration], None] = lambda _name, _busy_for: None,
        on_recovery: Callable[[str], None] = lambda _name: None,
        stall: Duration = STALL,
    ) -> None:
        self._clock = clock
        self._halt_file = halt_file
        self._about = dict(about)
        self._recent = recent
        self._queues: dict[str, CommandQueue] = {}
        self._lanes: list[LaneActor] = []
        self._live: dict[str, LiveControls] = {}
        self._settings: dict[str, LaneConfig] = {}
        self._awaited: dict[int, threading.Event] = {}
        self._nights: NightDesk | None = None
        self._page: Callable[[], str] | None = None
        self._stoppable: set[str] = set()
        self._on_stall, self._on_recovery = on_stall, on_recovery
        self._threads: dict[str, ActorThread] = {}
        self._workers: dict[str, ActorThread] = {}
        self._late: list[Failure] = []
        self._lengths: dict[str, Callable[[], int]] = {}
        # One command at a time, so that the file and the queues tell the same story.
        self._command = threading.Lock()
        self._over = threading.Event()
        self._shut_down = threading.Event()
        self._shut_down_by: str | None = None
        self._watchdog = Watchdog(
            workers=(), on_stall=self._stalled, on_recovery=self._recovered, limit=stall
        )

    # -- building ----------------------------------------------------------------------------

    def controls(self, lane: str, halted: Callable[[], str | None]) -> LaneControls:
        """Return what a lane takes its commands from, for `LaneTrader.controls`.

        Args:
            lane: the name its actor will have.
            halted: returns the lane's halt in force, or None.

        """
        queue = self._queues.setdefault(lane, CommandQueue())
        return LaneControls(queue, halted, self._halt_file.read, self._clock)

    def add_lane(self, lane: LaneActor, *, outside: bool = False) -> None:
        """Add a lane before `start`.

        ``outside`` says that it trades what happens outside: then it opens nothing from when its
        thread does not come back until that has been seen to be well again.
        """
        self._must_be_new(lane.name)
        self._lanes.append(lane)
        if outside:
            self._stoppable.add(lane.name)
        self._queues.setdefault(lane.name, CommandQueue())
        self._threads[lane.name] = ActorThread(lane, self._clock, on_done=self._ended)

    def add_worker(self, worker: Actor) -> None:
        """Add another actor before `start`; the bot does not live for its sake."""
        self._must_be_new(worker.name)
        self._workers[worker.name] = ActorThread(worker, self._clock)

    def add_live(self, lane: str, controls: LiveControls) -> None:
        """Add what a lane with real money can be told; its kill switch gets a thread."""
        self._live[lane] = controls
        self.add_worker(controls.kill)

    def add_settings(self, lane: str, settings: LaneConfig) -> None:
        """Add what keeps a lane and its settings file in step; it gets a thread."""
        self._settings[lane] = settings
        self.add_worker(settings)

    def settings(self, lane: str) -> LaneConfig | None:
        """Return what keeps a lane and its settings file in step, None if nothing does."""
        return self._settings.get(lane)

    def add_page(self, link: Callable[[], str]) -> None:
        """Add the dashboard: what makes an address that logs in once."""
        self._page = link

    def measure(self, queue: str, length: Callable[[], int]) -> None:
        """Add a queue whose length is told; from any thread."""
        self._lengths[queue] = length

    def queue_lengths(self) -> Mapping[str, int]:
        """Return how much waits for each lane, and in every queue that is measured."""
        commands = {f"commands:{lane}": len(queue) for lane, queue in self._queues.items()}
        return {**commands, **{name: length() for name, length in self._lengths.items()}}

    def add_nights(self, nights: NightDesk) -> None:
        """Add where nights and proposals are asked about."""
        self._nights = nights

    def heed(self, lane: str) -> Callable[[ev.Event], None]:
        """Return what a lane tells of each fact from outside once it is durable."""

        def heeded(event: ev.Event) -> None:
            settings, waiting = self._settings.get(lane), self._awaited.get(id(event))
            if settings is not None:
                settings.hear(event)
            if waiting is not None:
                waiting.set()

        return heeded

    def record(self, lane: str, event: ev.Event, timeout_s: float = RECORD_S) -> None:
        """Bring a fact to a lane's next tick and return once it is durable in its journal.

        From any thread but the lane's own.

        Raises:
            CommandRefused: if the lane has ended or does not take it in time; it may still do.

        """
        durable = self._awaited[id(event)] = threading.Event()
        try:
            if self._threads[lane].done or not self.offer(lane, event):
                msg = f"{lane}: takes nothing now: it has ended, or too much waits there"
                raise CommandRefused(msg)
            if not durable.wait(timeout_s):
                msg = f"{lane}: did not write it down within {timeout_s:g} s: look whether it runs"
                raise CommandRefused(msg)
        finally:
            del self._awaited[id(event)]

    def offer(self, lane: str, event: ev.Event) -> bool:
        """Bring a fact to a lane's next tick; tell whether it could take it."""
        if not self._queues.setdefault(lane, CommandQueue()).put(event):
            return False
        if lane in self._threads:
            self._threads[lane].wake()
        return True

    def wake(self, lane: str) -> None:
        """Make a lane step soon, because there is news for it."""
        self._threads[lane].wake()

    def put(self, lane: str, event: ev.Event) -> None:
        """Bring a fact to a lane's next tick, if not too much waits there already."""
        self.offer(lane, event)

    def observe_stalls(
        self,
        on_stall: Callable[[str, Duration], None],
        on_recovery: Callable[[str], None],
    ) -> None:
        """Say who is told, in the watchdog's thread, of workers that do not come back."""
        self._on_stall, self._on_recovery = on_stall, on_recovery

    # -- running -----------------------------------------------------------------------------

    def start(self) -> None:
        """Start all threads."""
        watched = [*self._threads.values(), *self._workers.values()]
        self._watchdog.workers = tuple(thread.busy_for for thread in watched)
        self._workers[self._watchdog.name] = ActorThread(self._watchdog, self._clock)
        for thread in (*self._threads.values(), *self._workers.values()):
            thread.start()
        if not self._threads:
            self._over.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until every lane has ended or `shut_down` was asked for; tell whether that is so."""
        return self._over.wait(timeout_s)

    def wait_for_shut_down(self, timeout_s: float | None = None) -> bool:
        """Wait until `shut_down` was asked for, even if no lane is left; tell whether it was."""
        return self._shut_down.wait(timeout_s)

    @property
    def shut_down_by(self) -> str | None:
        """Who asked to shut down, or None."""
        return self._shut_down_by

    def stop(self, reason: str, timeout_s: float = STOP_S) -> None:
        """Stop the lanes, then everything else; whoever does not come back is a failure.

        Each of the two groups has ``timeout_s``.
        """
        for group in (self._threads, self._workers):
            deadline = time.monotonic() + timeout_s
            for thread in group.values():
                thread.stop(reason)
            for thread in group.values():
                if not thread.join(max(0.0, deadline - time.monotonic())):
                    message = f"did not stop within {timeout_s:g} s"
                    self._late.append(Failure(thread.name, message))
        self._over.set()

    def failures(self) -> Sequence[Failure]:
        """Return what went wrong so far in threads and lanes, and who did not stop in time."""
        threads = (*self._threads.values(), *self._workers.values())
        broken = [thread.failure for thread in threads if thread.failure is not None]
        names = {failure.name for failure in broken}
        failed = [
            Failure(lane.name, lane.snapshot.error or lane.snapshot.degraded or "failed")
            for lane in self._lanes
            if lane.snapshot.phase == "failed" or lane.snapshot.degraded is not None
            if lane.name not in names
        ]
        return (*broken, *failed, *self._late)

    def exit_code(self) -> int:
        """Return 1 if anything failed, else 0."""
        return 1 if self.failures() else 0

    def workers(self) -> Sequence[Worker]:
        """Return how every thread is."""
        threads = (*self._threads.values(), *self._workers.values())
        return tuple(
            Worker(
                name=thread.name,
                alive=not thread.done,
                busy_for=thread.busy_for()[1],
                pace=thread.pace(),
                failure=None if thread.failure is None else thread.failure.message,
            )
            for thread in threads
        )

    def over(self, lane: str) -> bool:
        """Tell whether a lane's thread has ended, so that anybody may look into the lane."""
        thread = self._threads.get(lane)
        return thread is None or thread.done

    def tell_lane(self, lane: str, event: ev.Event) -> None:
        """Bring one lane a command.

        Raises:
            CommandRefused: if there is no such lane any more, or too many commands wait there.

        """
        with self._command:
            if self.over(lane):
                msg = f"{lane[:_TEXT_MAX]}: no such lane runs"
                raise CommandRefused(msg)
            self._put(lane, event)

    # -- the desk ----------------------------------------------------------------------------

    def lanes(self) -> Sequence[LaneSnapshot]:
        return tuple(self._shown(lane) for lane in self._lanes)

    def _shown(self, lane: LaneActor) -> LaneSnapshot:
        settings, snapshot = self._settings.get(lane.name), lane.snapshot
        if settings is None or settings.trouble is None:
            return snapshot
        return attrs.evolve(snapshot, settings_trouble=settings.trouble)

    def about(self) -> Mapping[str, str]:
        return dict(self._about)

    def stalled(self) -> Sequence[str]:
        return self._watchdog.stalled()

    def stalled_lanes(self) -> Sequence[str]:
        """Return the lanes whose threads do not come back."""
        return [name for name in self._watchdog.stalled() if name in self._threads]

    def nights(self) -> NightDesk:
        return super().nights() if self._nights is None else self._nights

    def login_link(self) -> str:
        return super().login_link() if self._page is None else self._page()

    def recent(self, count: int) -> Sequence[Mapping[str, object]]:
        return self._recent(count)

    def halt(self, by: str, reason: str) -> None:
        self._halt(ev.Halt(by=_one_line(by), reason=_one_line(reason)))

    def flatten(self, by: str) -> None:
        self._halt(ev.Halt(by=_one_line(by), reason="flatten", flatten=True))

    def resume(self, by: str) -> None:
        with self._command:
            try:
                self._halt_file.remove()
            except OSError as e:
                msg = f"the HALT file cannot be removed ({e.strerror}): still halted"
                raise CommandRefused(msg) from e
            for live in self._live.values():
                live.kill.release()
            self._tell(ev.Resume(by=_one_line(by)), "resumed")

    def arm(self, venue: str, by: str, phrase: str, minutes: int) -> None:
        if not 0 < minutes * MINUTE <= LONGEST:
            msg = f"{minutes} minutes: from 1 to {LONGEST // MINUTE} are possible"
            raise CommandRefused(msg)
        with self._command:
            name, lane = self._live_lane(venue)
            if phrase != phrase_for(lane):
                msg = f"not armed: the phrase is {phrase_for(lane)!r}"
                raise CommandRefused(msg)
            now = self._clock.now()
            stalled = name in self._watchdog.stalled()
            why = "its thread does not come back" if stalled else refusal_to_arm(lane, now)
            if why is not None:
                msg = f"not armed: {why}"
                raise CommandRefused(msg)
            until = Micros(now + minutes * MINUTE)
            self._put(name, ev.Armed(by=_one_line(by), account=lane.account, expires_at=until))

    def disarm(self, venue: str, by: str) -> None:
        with self._command:
            name, _ = self._live_lane(venue)
            self._put(name, ev.Disarmed(reason=_one_line(by)))

    def accept_cash(self, venue: str, by: str) -> None:
        with self._command:
            name, lane = self._live_lane(venue)
            if lane.armed_until is not None:
                msg = "not while it is armed: `market-bot live --disarm` first"
                raise CommandRefused(msg)
            self._put(name, ev.Disarmed(reason=f"{_one_line(by)} accepts the account's cash"))
            self._live[name].accept_cash()

    def restore_settings(self, venue: str, by: str, version: str, expected: str) -> None:
        name = next((lane.name for lane in self._lanes if lane.snapshot.venue == venue), None)
        settings = None if name is None else self._settings.get(name)
        if settings is None:
            msg = f"the running bot does not follow the settings of {venue}: stop it first"
            raise CommandRefused(msg)
        ended = settings.restore(version, expected=expected, by=_one_line(by))
        if ended.outcome != APPLIED:
            msg = f"nothing was put back: {ended.reason or ended.outcome}"
            raise CommandRefused(msg)

    def _live_lane(self, venue: str) -> tuple[str, LaneSnapshot]:
        for lane in self._lanes:
            if lane.name in self._live and lane.snapshot.venue == venue:
                return lane.name, lane.snapshot
        msg = (
            f"no live lane of {venue} runs: set `mode: live` in its settings, then "
            f"`market-bot run --venue {venue}`"
        )
        raise CommandRefused(msg)

    def _put(self, lane: str, event: ev.Event) -> None:
        if not self._queues[lane].put(event):
            msg = f"{lane}: too many commands wait there: try again"
            raise CommandRefused(msg)
        self._threads[lane].wake()

    def shut_down(self, by: str) -> None:
        if self._shut_down_by is None:
            self._shut_down_by = _one_line(by)
        self._shut_down.set()
        self._over.set()

    def _halt(self, event: ev.Halt) -> None:
        # First what needs neither file nor lane: either may hang.
        for live in self._live.values():
            live.kill.fire(f"halted by {event.by}")
            self._workers[live.kill.name].wake()
        with self._command:
            text = f"{event.by}: {event.reason}\n{format_time(self._clock.now())}\n"
            trouble: OSError | None = None
            try:
                self._halt_file.write(text)
            except OSError as e:
                # Halting now matters more than halting after a restart.
                trouble = e
            self._tell(event, "halted")
        if trouble is not None:
            msg = f"halted, but not after a restart: the HALT file: {trouble.strerror}"
            raise CommandRefused(msg) from trouble

    def _tell(self, event: ev.Event, what: str) -> None:
        deaf = []
        for name, thread in self._threads.items():
            if thread.done:
                continue
            if not self._queues[name].put(event):
                deaf.append(name)
            thread.wake()
        if deaf:
            msg = f"{', '.join(deaf)}: not {what} yet, too many commands wait there: try again"
            raise CommandRefused(msg)

    def _stalled(self, name: str, busy_for: Duration) -> None:
        """Keep a lane whose thread hangs from opening anything when it comes back."""
        if name in self._stoppable:
            self._queues[name].put(ev.VenueState(state=STALLED, reason="its thread hung"))
        self._on_stall(name, busy_for)

    def _recovered(self, name: str) -> None:
        if name in self._stoppable:
            self._queues[name].put(ev.VenueState(state="open", reason="its thread came back"))
        self._on_recovery(name)

    def _ended(self, _: ActorThread) -> None:
        if all(thread.done for thread in self._threads.values()):
            self._over.set()

    def _must_be_new(self, name: str) -> None:
        if name in self._threads or name in self._workers:
            msg = f"two workers are called {name!r}"
            raise ValueError(msg)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_TEXT_MAX] or "unnamed"
