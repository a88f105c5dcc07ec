"""A lane on live data, stepped by hand."""

from __future__ import annotations

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.numbers import SECOND, Duration, Micros
from market_bot.core.domain.tally import Tally
from market_bot.core.usecases.fed_lane import FedLane
from market_bot.core.usecases.lane_snapshot import LaneSnapshot
from market_bot.core.usecases.trade_lane import LaneTrader
from tests.fakes.builders import (
    Lane,
    Wanting,
    a_book,
    a_lane,
    a_market,
    a_signal,
    a_start,
    a_strategy,
    announced,
    contracts,
    lane_settings,
    of_type,
)
from tests.fakes.clock import NOON, after
from tests.fakes.execution import ScriptedExecution
from tests.fakes.journal import ListJournal
from tests.fakes.market_data import FAILURE


@attrs.define(eq=False)
class Scene:
    """A lane on live data that wants to buy, with everything around it."""

    actor: FedLane
    lane: Lane
    venue: ScriptedExecution

    @property
    def trader(self) -> LaneTrader:
        """The one that does the ticks."""
        return self.lane.trader

    @property
    def events(self) -> list[ev.Event]:
        """Everything journaled so far."""
        return self.lane.journal.events


def a_scene(journal: ListJournal | None = None, ticks_max: int | None = None) -> Scene:
    """Return a lane that ticks once a second and was not stepped yet."""
    wanting = Wanting(a_signal(size=contracts(1)))
    venue = ScriptedExecution()
    lane = a_lane(
        lane_settings(strategies=[a_strategy(wanting)]),
        lambda _: venue,
        journal=journal,
        opening=[announced(a_market()), a_book()],
    )
    actor = FedLane(
        trader=lane.trader,
        started=a_start,
        tally=Tally(),
        blank=LaneSnapshot(venue="kalshi", lane="paper", run=""),
        interval=Duration(SECOND),
        digest=lambda: "digest",
        ticks_max=ticks_max,
    )
    return Scene(actor, lane, venue)


def test_a_tick_falls_on_every_whole_interval() -> None:
    """However late a step comes, the next tick is at the next whole second."""
    scene = a_scene()
    assert after(1) == scene.actor.step(NOON)
    assert after(2) == scene.actor.step(Micros(after(1) + 400_000))
    assert 2 == scene.trader.ticks


def test_a_step_before_its_time_does_nothing() -> None:
    """Being nudged early does not make more ticks."""
    scene = a_scene()
    scene.actor.step(NOON)
    assert after(1) == scene.actor.step(Micros(NOON + 300_000))
    assert 1 == scene.trader.ticks


def test_ticks_that_were_missed_are_not_made_up_for() -> None:
    """After ten minutes away there is one tick, not six hundred."""
    scene = a_scene()
    scene.actor.step(NOON)
    scene.actor.step(after(600))
    assert 2 == scene.trader.ticks


def test_the_opening_line_comes_first_and_once() -> None:
    """A lane says that it started before it decides, and only once."""
    scene = a_scene()
    for second in range(3):
        scene.actor.step(after(second))
    started = [i for i, event in enumerate(scene.events) if isinstance(event, ev.BotStarted)]
    assert [0] == started


def test_a_clock_set_back_neither_stops_the_lane_nor_turns_its_time() -> None:
    """With the wall clock an hour back, ticks go on and their times do not decrease."""
    scene = a_scene()
    scene.actor.step(after(3600))
    due = scene.actor.step(NOON)
    assert due is not None
    assert due <= after(30)
    scene.actor.step(due)
    times = [line.at for line in scene.lane.journal.lines]
    assert times == sorted(times)
    assert scene.trader.ticks > 1


def test_a_source_that_fails_is_asked_again_less_and_less_often() -> None:
    """The waits after failures double up to half a minute, and end with the failures."""
    scene = a_scene()
    for _ in range(6):
        scene.lane.data.then(FAILURE)
    now, waits = NOON, []
    for _ in range(6):
        due = scene.actor.step(now)
        assert due is not None
        waits.append((due - now) // SECOND)
        now = due
    assert [2, 4, 8, 16, 30, 30] == waits
    assert now + SECOND == scene.actor.step(now)


def test_a_failing_source_is_told_once_per_reason() -> None:
    """Repeated failures for one reason are one line in the journal, and the page shows it."""
    scene = a_scene()
    for _ in range(3):
        scene.lane.data.then(FAILURE)
    for second in (0, 10, 20):
        scene.actor.step(after(second))
    assert 1 == len(of_type(scene.events, ev.Tick))
    assert "waiting" == scene.actor.snapshot.phase
    assert "script" in str(scene.actor.snapshot.error)


def test_nothing_is_decided_while_the_source_fails() -> None:
    """A tick whose data failed raises no signal and sends no order."""
    scene = a_scene()
    scene.lane.data.then(FAILURE)
    scene.actor.step(NOON)
    assert [] == scene.venue.submitted
    assert [] == of_type(scene.events, ev.Scan)


def test_stopping_cancels_what_rests_and_closes_the_lane() -> None:
    """The last line of a lane stopped in order says why, and resting orders are cancelled."""
    scene = a_scene()
    scene.actor.step(NOON)
    scene.actor.stop(after(1), "SIGTERM")
    stopped = of_type(scene.events, ev.BotStopped)
    assert ["SIGTERM"] == [event.reason for event in stopped]
    assert [intent.id for intent in scene.venue.submitted] == scene.venue.cancels
    assert "stopped" == scene.actor.snapshot.phase


def test_a_lane_that_never_ticked_leaves_no_trace() -> None:
    """Stopping before the first tick writes nothing."""
    scene = a_scene()
    scene.actor.stop(NOON, "SIGTERM")
    assert [] == scene.events


def test_the_wanted_number_of_ticks_ends_the_lane_in_order() -> None:
    """With a number of ticks given, the lane stops itself after them."""
    scene = a_scene(ticks_max=2)
    scene.actor.step(NOON)
    scene.actor.step(after(1))
    assert scene.actor.step(after(2)) is None
    assert "ticks" == of_type(scene.events, ev.BotStopped)[0].reason


def test_a_lost_opening_line_ends_the_lane() -> None:
    """A journal that cannot take the first line leaves nothing to go on with."""
    scene = a_scene(ListJournal(fails_at={1}))
    assert scene.actor.step(NOON) is None
    assert "failed" == scene.actor.snapshot.phase
    assert LaneState() == scene.trader.state


def test_lost_durability_stops_entries_and_goes_on() -> None:
    """After one failed append the lane lives on without new positions."""
    scene = a_scene(ListJournal(fails_at={2}))
    assert after(1) == scene.actor.step(NOON)
    assert scene.trader.degraded is not None
    scene.actor.step(after(1))
    assert [] == scene.venue.submitted


def test_what_the_source_is_asked_for_belongs_to_the_tick() -> None:
    """The time of a tick is read after the source was asked, however long that took."""
    scene = a_scene()
    scene.actor.poll = lambda now: Micros(now + 3 * SECOND)

    assert after(4) == scene.actor.step(NOON)
    assert {after(3)} == {line.at for line in scene.lane.journal.lines}


def test_a_source_with_a_pace_of_its_own_is_not_left_alone_for_long() -> None:
    """Waits after failures stay at what was asked for."""
    scene = a_scene()
    scene.actor.wait_max = Duration(2 * SECOND)
    now = NOON
    for _ in range(4):
        scene.lane.data.then(FAILURE)
        due = scene.actor.step(now)
        assert due == now + 2 * SECOND
        now = due


def test_why_nothing_can_be_traded_is_shown() -> None:
    """A source that answers and tells of no market is waited for as well."""
    scene = a_scene()
    scene.actor.notice = lambda: "looking for markets"
    scene.actor.step(NOON)

    assert ("waiting", "looking for markets") == (
        scene.actor.snapshot.phase,
        scene.actor.snapshot.error,
    )


def test_news_bring_the_next_tick_forward() -> None:
    """A price that changed is looked at before the interval is over, though not at once."""
    scene = a_scene()
    scene.actor.soonest = Duration(200_000)
    scene.actor.step(NOON)
    scene.actor.tell_news()

    assert NOON + 200_000 == scene.actor.step(Micros(NOON + 50_000))
    assert 1 == scene.trader.ticks
    assert after(1) == scene.actor.step(Micros(NOON + 200_000))
    assert 2 == scene.trader.ticks


def test_a_flood_of_news_is_one_tick_in_the_least_interval() -> None:
    """News at every millisecond make five ticks a second and as many nudges, not a thousand."""
    scene = a_scene()
    nudges: list[int] = []
    scene.actor.soonest = Duration(200_000)
    scene.actor.nudge = lambda: nudges.append(1)
    for millisecond in range(1000):
        scene.actor.tell_news()
        scene.actor.step(Micros(NOON + millisecond * 1000))

    assert 5 == scene.trader.ticks
    assert 6 == len(nudges)


def test_no_tick_follows_another_sooner_than_that() -> None:
    """A look because of news shortly before a whole interval moves the next one away."""
    scene = a_scene()
    scene.actor.soonest = Duration(200_000)
    scene.actor.step(NOON)
    scene.actor.tell_news()

    assert after(1) + 150_000 == scene.actor.step(Micros(NOON + 950_000))


def test_news_while_a_tick_is_taken_are_for_the_next_one() -> None:
    """What comes after the data were read is not forgotten."""
    scene = a_scene()
    scene.actor.soonest = Duration(200_000)

    def poll(now: Micros) -> Micros:
        scene.actor.tell_news()
        return now

    scene.actor.poll = poll

    assert NOON + 200_000 == scene.actor.step(NOON)


def test_news_do_not_hurry_a_source_that_fails() -> None:
    """A venue in trouble is left alone for as long as without news."""
    scene = a_scene()
    scene.actor.soonest = Duration(200_000)
    scene.lane.data.then(FAILURE)
    due = scene.actor.step(NOON)
    scene.actor.tell_news()

    assert due == scene.actor.step(Micros(NOON + 500_000))


def test_without_a_least_interval_news_change_nothing() -> None:
    """A lane that polls keeps to its intervals."""
    scene = a_scene()
    scene.actor.step(NOON)
    scene.actor.tell_news()

    assert after(1) == scene.actor.step(Micros(NOON + 500_000))
