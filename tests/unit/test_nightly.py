"""The night watch of a running bot: once per date, whatever clocks and crashes do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from market_bot.adapters.storage.codec import event_data
from market_bot.adapters.storage.home import Home
from market_bot.bootstrap.evaluation import LINES_A_TICK, NightChild, NightFailed, NightRequest
from market_bot.bootstrap.night_report import report_data, report_path
from market_bot.bootstrap.nightly import ATTEMPTS_MAX, PAUSE, Nightly
from market_bot.config.defaults import default_files
from market_bot.core.domain import events as ev
from market_bot.core.domain.nights import DAY, Part
from market_bot.core.domain.numbers import HOUR, SECOND, Duration, Micros
from market_bot.core.ports.clock import Clock
from market_bot.core.ports.journal import Chain
from market_bot.core.usecases.decide_proposal import Ledger
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.record_facts import Observer
from market_bot.core.usecases.review_leaks import review_facts
from tests.fakes.nights import NIGHT, NOW, Lane, ToldReplays, leak, reviewed
from tests.fakes.tuning import FILE, every_knob_file

CHAIN = Chain("kalshi", "paper")
BEGAN = Micros(NOW - 9 * DAY)


class Journal:
    """Lines in a list, written by a lane's ticks, which survive whatever watches them."""

    def __init__(self) -> None:
        self.lines: list[tuple[Micros, ev.Event]] = [
            (BEGAN, ev.Tick(position="", reason="first")),
            *((BEGAN, fact) for day in ("20", "21") for fact in _seen(f"2026-11-{day}")),
        ]
        self.waiting: list[ev.Event] = []
        self.hearing: Observer = lambda _event, _at: None
        self.now = NOW
        self.room = 64
        self.most_at_once = 0

    def put(self, fact: ev.Event) -> bool:
        """Take a fact for the next tick."""
        if len(self.waiting) >= self.room:
            return False
        self.waiting.append(fact)
        return True

    def tick(self, most: int = 1_000) -> None:
        """Write down what waits, or some of it."""
        taken, self.waiting = self.waiting[:most], self.waiting[most:]
        self.most_at_once = max(self.most_at_once, len(taken))
        for fact in taken:
            self.lines.append((self.now, fact))
            self.hearing(fact, self.now)

    def ledger(self) -> Ledger:
        """Return what the lines say."""
        ledger = Ledger()
        for at, fact in self.lines:
            ledger = ledger.hear(at, fact)
        return ledger

    def counted(self) -> Counter[str]:
        """Return how many lines of this night there are by type, but for those of earlier ones."""
        return Counter(fact.TYPE for at, fact in self.lines if at == NOW)


def _seen(night: str) -> tuple[ev.Event, ...]:
    return leak(night), reviewed(night), ev.NightEnded(night=night, queued=0, dropped=0)


class Worker(NightChild):
    """Works on a night as the child process does, from the journal and a folder of its own."""

    def __init__(self, journal: Journal, folder: Path, request: NightRequest) -> None:
        self.request, self.journal, self.closed = request, journal, False
        lane = Lane(folder, ToldReplays(missing="no tape"), ledger=journal.ledger())
        self._lane = lane
        self._review = lane.review(request.night, lane.ledger.log)
        self._parts = [self._propose]
        if lane.ledger.log.left(request.night) is Part.REVIEW:
            self._parts.insert(0, self._judge)
        self._may_go_on = True

    def go_on(self) -> None:
        self._may_go_on = True

    def read(self, wait_s: float = 0.0) -> Mapping[str, Any] | None:
        if not self._may_go_on or not self._parts:
            return None
        self._may_go_on = False
        return self._parts.pop(0)()

    def close(self) -> None:
        self.closed = True

    def _judge(self) -> dict[str, Any]:
        facts = review_facts(self._review, self._lane.ledger.log.told(self.request.night))
        return _message("review", facts, report_data(self._review))

    def _propose(self) -> dict[str, Any]:
        self._lane.ledger = self.journal.ledger()
        outcome = self._lane.propose(self._review)
        return _message("proposals", outcome.facts, report_data(self._review, outcome))


def _message(part: str, facts: tuple[ev.Event, ...], report: dict[str, Any]) -> dict[str, Any]:
    told = [{"type": fact.TYPE, "data": event_data(fact)} for fact in facts]
    return {"part": part, "facts": told, "report": report}


class Silent(NightChild):
    """A child that ends without a word."""

    def __init__(self, request: NightRequest) -> None:
        self.request = request

    def read(self, wait_s: float = 0.0) -> None:
        msg = "it ended"
        raise NightFailed(msg)

    def close(self) -> None:
        pass


class Hands(Clock):
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.turned = Duration(SECOND)

    def now(self) -> Micros:
        return NOW

    def elapsed(self) -> Duration:
        return self.turned


@attrs.define
class Bot:
    """A running bot's nights, which can be killed and started again at any moment."""

    home: Home
    journal: Journal = attrs.field(factory=Journal)
    clock: Hands = attrs.field(factory=Hands)
    children: list[Any] = attrs.field(factory=list)
    told: list[ev.Event] = attrs.field(factory=list)
    make: Any = None
    phase: str = "trading"
    nightly: Nightly = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin anew, from nothing but the journal: what waited in memory is lost."""
        self.journal.waiting = []
        self.nightly = Nightly(
            home=self.home,
            minute=30,
            clock=self.clock,
            lanes=lambda: [self.picture()],
            start=self.child,
            tell=self.told.append,
        )
        self.journal.hearing = self.nightly.follow(CHAIN, 0, self.journal.put)
        for at, fact in self.journal.lines:
            self.journal.hearing(fact, at)

    def child(self, request: NightRequest) -> Any:
        """Start a child."""
        make = self.make or (lambda one: Worker(self.journal, self.home.config_dir, one))
        self.children.append(make(request))
        return self.children[-1]

    def picture(self) -> LaneSnapshot:
        """Return how the lane looks."""
        journal = self.journal
        return LaneSnapshot(
            venue="kalshi", lane="paper", run="", phase=self.phase, at=journal.now,
            head=(1_000 + len(journal.lines), ""),
        )  # fmt: skip

    def live(self, steps: int = 40) -> None:
        """Let the watch and the lane take turns."""
        for _ in range(steps):
            self.nightly.step(self.journal.now)
            self.journal.tick()


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    """Return a bot whose night is due."""
    home = Home(tmp_path / "home")
    home.create({**default_files(), FILE: every_knob_file()})
    return Bot(home)


WHOLE = Counter(
    ("leak", "leak_review", "leak_diagnosed", "proposal", "proposal_queued", "night_ended")
)


def test_a_night_is_written_down_in_two_parts(bot: Bot) -> None:
    """First what leaks, complete; then what is proposed; and a report with its page."""
    bot.live()

    assert bot.journal.counted() == WHOLE
    order = [fact.TYPE for at, fact in bot.journal.lines if at == NOW]
    assert order.index("leak_review") < order.index("leak_diagnosed")
    path = report_path(bot.home, CHAIN, NIGHT)
    assert "waits for a person" in path.with_suffix(".html").read_text(encoding="utf-8")
    assert len(bot.children) == 1
    assert bot.children[0].closed


def test_it_happens_once(bot: Bot) -> None:
    """However long the bot goes on, and however often it is started again on that day."""
    bot.live()
    for hours in (1, 5, 20):
        bot.journal.now = Micros(NOW + hours * HOUR)
        bot.start()
        bot.live()

    assert len(bot.children) == 1


@pytest.mark.slow
def test_killed_at_any_step_it_still_happens_once(bot: Bot) -> None:
    """Whatever was written stays, the rest is done after the next start, nothing is done twice."""
    whole = 0
    for kill_after in range(1, 40):
        bot.journal, bot.children = Journal(), []
        bot.start()
        for _ in range(kill_after):
            bot.nightly.step(NOW)
            bot.journal.tick(1)
        bot.start()
        bot.live()

        counted = bot.journal.counted()
        assert counted["leak_diagnosed"] in (1, 2), f"killed after {kill_after}"
        counted["leak_diagnosed"] = 1
        assert counted == WHOLE, f"killed after {kill_after}"
        assert len(bot.journal.ledger().queue.open) == 1
        whole += len(bot.children) == 1
        if whole:
            break
    assert whole, "at last it was not interrupted at all"


def test_a_clock_that_jumps_back_changes_nothing(bot: Bot) -> None:
    """The night that was done is done, and an earlier one is not made up for."""
    bot.live()
    for back in (HOUR, DAY, 3 * DAY):
        bot.journal.now = Micros(NOW - back)
        bot.live(5)

    assert len(bot.children) == 1


def test_after_a_suspend_only_the_last_night_is_made_up_for(bot: Bot) -> None:
    """Five days away cost one night."""
    bot.live()
    bot.journal.now = Micros(NOW + 5 * DAY + 9 * HOUR)
    bot.live()

    assert [child.request.night for child in bot.children] == [NIGHT, "2026-11-27"]


def test_before_its_time_nothing_is_due(bot: Bot) -> None:
    """A minute before half past midnight it is still the night before, which was done."""
    bot.journal.now = Micros(NOW - 60 * SECOND)
    bot.live(5)

    assert bot.children == []


@pytest.mark.parametrize("phase", ["catching up", "finished", "failed", "stopped"])
def test_only_a_lane_that_trades_has_nights(bot: Bot, phase: str) -> None:
    """One that derives its past again, or is over, takes nothing."""
    bot.phase = phase
    bot.live(5)

    assert bot.children == []


def test_a_few_lines_at_a_tick(bot: Bot) -> None:
    """Each may cost an fsync, and trading must not wait for them."""
    bot.live()

    assert bot.journal.most_at_once <= LINES_A_TICK


def test_a_child_that_fails_is_tried_again_a_few_times(bot: Bot) -> None:
    """With pauses, and then no more; every failure is told."""
    bot.make = Silent
    for _ in range(10):
        bot.live(5)
        bot.clock.turned = Duration(bot.clock.turned + PAUSE)

    assert len(bot.children) == ATTEMPTS_MAX
    assert [fact.TYPE for fact in bot.told] == ["error"] * ATTEMPTS_MAX
    assert bot.journal.counted() == Counter()


def test_a_person_may_ask_again(bot: Bot) -> None:
    """What was given up is tried once more; what is over stays over."""
    bot.make = Silent
    for _ in range(ATTEMPTS_MAX + 1):
        bot.live(5)
        bot.clock.turned = Duration(bot.clock.turned + PAUSE)
    bot.make = None
    bot.nightly.ask(str(CHAIN))
    bot.live()
    bot.nightly.ask(str(CHAIN))
    bot.live()

    assert bot.journal.counted() == WHOLE
    assert len(bot.children) == ATTEMPTS_MAX + 1


def test_a_lie_is_not_written_down(bot: Bot) -> None:
    """A child that wants something else than a night's facts gets nothing into the journal."""

    class Liar(Worker):
        def _judge(self) -> dict[str, Any]:
            return _message("review", (ev.Resume(by="me"), reviewed(NIGHT)), {})

    bot.make = lambda request: Liar(bot.journal, bot.home.config_dir, request)
    bot.live()

    assert bot.journal.counted() == Counter()
    assert "not taken" in str(bot.told[0])


def test_a_lane_that_takes_nothing_fails_the_attempt(bot: Bot) -> None:
    """The night is not forced upon a lane that hangs."""
    bot.journal.room = 0
    bot.live(5)

    assert bot.journal.counted() == Counter()
    assert "too many commands" in str(bot.told[0])


def test_it_says_what_is_left(bot: Bot) -> None:
    """Before and after; a person who asks for a night that is over is told so."""
    assert bot.nightly.left(str(CHAIN)) is Part.REVIEW
    bot.live()
    assert bot.nightly.left(str(CHAIN)) is Part.NOTHING


def test_stopping_ends_the_child(bot: Bot) -> None:
    """Nothing of it outlives the bot."""
    bot.nightly.step(NOW)
    bot.nightly.stop(NOW, "end")

    assert bot.children[0].closed
