"""Later prices of decisions: when they are taken, of what, and what is never taken."""

from typing import Any

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg, MarketStatus
from market_bot.core.domain.marks import HORIZONS, LATE_MAX, MarkSchedule
from market_bot.core.domain.numbers import SECOND, Duration, Micros, money, price
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.settings import Cooldown, Filters
from market_bot.core.ports.execution import Rewarded
from market_bot.core.usecases.record_marks import LEFT_OUT, marks_at, marks_from
from tests.fakes.builders import (
    Lane,
    Wanting,
    a_book,
    a_lane,
    a_market,
    a_signal,
    a_strategy,
    an_exit,
    announced,
    cents,
    contracts,
    lane_settings,
    of_type,
)
from tests.fakes.clock import NOON
from tests.fakes.execution import ScriptedExecution, filled
from tests.fakes.journal import ListJournal
from tests.fakes.recording_sink import Fact

BUY = a_signal(size=contracts(10))
MINUTES = (1, 5, 10, 15, 20, 30, 40, 50, 60)
# The spread of the opening book is wider than this, so that every wish is refused.
NARROW: Any = {"filters": Filters(max_spread=cents(1))}


@attrs.define(eq=False)
class Scene:
    """A started lane that takes marks, with a strategy and a venue; its clock is set by hand."""

    lane: Lane
    wanting: Wanting
    venue: ScriptedExecution

    def at(self, seconds: float, *facts: Fact) -> list[ev.Event]:
        """Take the tick so many seconds after noon and return what was journaled."""
        self.lane.clock.now = Micros(NOON + round(seconds * SECOND) - SECOND)
        return self.lane.tick(*facts, ("status", "", MarketStatus.OPEN, NOON), *self.noise())

    def noise(self) -> list[Fact]:
        """Return news of the event, so that it is looked at."""
        return [("meta", a_market(), NOON)]

    def marks(self) -> list[ev.Mark]:
        """Return all marks so far."""
        return of_type(self.lane.journal.events, ev.Mark)

    def later(self) -> list[ev.Mark]:
        """Return the marks that are not the price at the decision itself."""
        return [mark for mark in self.marks() if mark.horizon_s]


def a_scene(*wants: Any, ceiling: int = 100, **changes: Any) -> Scene:
    """Return a scene in which the market and its book are known already."""
    wanting, venue = Wanting(*wants), ScriptedExecution()
    lane = a_lane(
        lane_settings(a_strategy(wanting), **changes),
        lambda _: venue,
        opening=[announced(a_market()), a_book()],
        journal=ListJournal(),
        marks=MarkSchedule(ceiling=ceiling),
    )
    lane.start()
    return Scene(lane, wanting, venue)


def test_a_traded_signal_is_followed_for_an_hour() -> None:
    """The price at the decision, then nine later ones, each at the first tick that may take it."""
    scene = a_scene(BUY)
    scene.at(0)
    scene.wanting.wants = []
    for second in range(30, 3_700, 30):
        scene.at(second + 7)

    told = [(mark.horizon_s, mark.late) for mark in scene.marks()]
    assert [(0, 0), *((60 * m, 7 * SECOND) for m in MINUTES)] == told
    (intent,) = of_type(scene.lane.journal.events, ev.OrderIntent)
    for mark in scene.marks():
        assert (intent.signal, ev.Cause.TRADED, Purpose.ENTRY) == (
            mark.signal,
            mark.cause,
            mark.purpose,
        )
        assert (NOON, cents(50), cents(48), cents(52)) == (
            mark.since,
            mark.mid,
            mark.bid,
            mark.ask,
        )
    assert scene.lane.trader.marks is not None
    assert scene.lane.trader.marks.idle


def test_a_mark_is_taken_at_its_moment_and_not_before() -> None:
    """A microsecond early there is nothing; at the moment itself it is there and not late."""
    scene = a_scene(BUY)
    scene.at(0)
    early = scene.at(59.999999)

    assert [] == of_type(early, ev.Mark)
    (mark,) = of_type(scene.at(60), ev.Mark)
    assert (60, 0) == (mark.horizon_s, mark.late)


def test_what_is_too_late_is_not_taken() -> None:
    """A minute late is the last; what was missed is missing, and what follows is taken."""
    scene = a_scene(BUY)
    scene.at(0)
    (kept,) = of_type(scene.at(120), ev.Mark)

    assert (60, LATE_MAX) == (kept.horizon_s, kept.late)
    assert [] == of_type(scene.at(300 + 60.000001), ev.Mark)
    assert [600] == [mark.horizon_s for mark in of_type(scene.at(600), ev.Mark)]


def test_prices_are_those_of_the_leg() -> None:
    """NO is bought at one minus the bid of YES, and its midpoint is one minus that of YES."""
    scene = a_scene(attrs.evolve(BUY, leg=Leg.NO, price=price("0.4")))
    scene.at(0)
    book = a_book(bids={"0.45": "9"}, asks={"0.5": "9"})
    scene.at(60, book)

    (mark,) = scene.later()
    assert (price("0.525"), price("0.5"), price("0.55")) == (mark.mid, mark.bid, mark.ask)


@pytest.mark.parametrize(
    "news",
    [
        pytest.param(("gap", "M-1", "lost", NOON), id="not whole"),
        pytest.param(a_book(bids={"0.52": "9"}), id="locked"),
        pytest.param(a_book(bids={"0.6": "9"}), id="crossed"),
        pytest.param(("status", "M-1", MarketStatus.PAUSED, NOON), id="paused"),
        pytest.param(("status", "M-1", MarketStatus.CLOSED, NOON), id="closed"),
    ],
)
def test_a_price_that_means_nothing_is_unknown(news: Fact) -> None:
    """It is null, never zero and never the last good one."""
    scene = a_scene(BUY)
    scene.at(0)
    scene.at(60, news)

    (mark,) = scene.later()
    assert (None, None, None) == (mark.mid, mark.bid, mark.ask)


def test_one_side_is_told_alone() -> None:
    """Without an offer there is a bid, no ask, and no midpoint."""
    scene = a_scene(BUY)
    scene.at(0)
    scene.at(60, a_book(asks={}))

    (mark,) = scene.later()
    assert (None, cents(48), None) == (mark.mid, mark.bid, mark.ask)


def test_a_resolved_market_gets_no_more_marks() -> None:
    """From the tick of the resolution on; its payout is in the journal already."""
    scene = a_scene(BUY)
    scene.at(0)
    scene.at(60)
    scene.at(300, ("resolution", "M-1", price("1"), NOON))
    scene.at(600)

    assert [60] == [mark.horizon_s for mark in scene.later()]
    assert scene.lane.trader.marks is not None
    assert frozenset() == scene.lane.trader.marks.markets


def test_what_is_refused_in_an_ended_market_is_not_followed() -> None:
    """A strategy may still want what has ended; that has no later price."""
    scene = a_scene()
    scene.at(0, ("resolution", "M-1", price("1"), NOON))
    scene.wanting.wants = [BUY]

    assert 1 == len(of_type(scene.at(1), ev.Denied))
    assert [] == scene.marks()


def test_a_refusal_is_followed() -> None:
    """What was not bought has its later prices too."""
    scene = a_scene(BUY, **NARROW)
    scene.at(0)
    scene.at(60)

    (denied,) = of_type(scene.lane.journal.events, ev.Denied)
    assert [(denied.signal, ev.Cause.DENIED, 0), (denied.signal, ev.Cause.DENIED, 60)] == [
        (mark.signal, mark.cause, mark.horizon_s) for mark in scene.marks()
    ]


def test_an_exit_is_followed_once() -> None:
    """The order that leaves is part of the exit: one series, not two."""
    scene = a_scene(BUY)
    scene.at(0)
    scene.venue.say(filled(scene.venue.submitted[0]))
    scene.wanting.wants = [an_exit(size=contracts(10))]
    scene.at(1)
    scene.at(2)
    left = [mark for mark in scene.marks() if mark.purpose is Purpose.EXIT]

    assert [(ev.Cause.EXITED, 0)] == [(mark.cause, mark.horizon_s) for mark in left]


def test_a_refusal_that_comes_and_goes_is_followed_once_an_hour() -> None:
    """Also under another signal; after the hour a new refusal begins a new series."""
    scene = a_scene(**NARROW)
    for minute in range(121):
        scene.wanting.wants = [] if minute % 2 else [BUY]
        scene.at(60 * minute)

    signals = {event.signal for event in of_type(scene.lane.journal.events, ev.Denied)}
    starts = [mark.since for mark in scene.marks() if not mark.horizon_s]
    assert 61 == len(signals)
    assert [NOON + hour * 3_600 * SECOND for hour in (0, 1, 2)] == starts


def test_a_refusal_and_a_trade_are_followed_apart() -> None:
    """The same signal, refused at first and traded later, has two clocks."""
    scene = a_scene(BUY, cooldown=Cooldown(after_entry=Duration(0), after_exit=Duration(0)))
    scene.lane.controls.append(ev.Halt(by="p", reason="r"))
    scene.at(0)
    scene.lane.controls.append(ev.Resume(by="p"))
    scene.at(1)

    assert [(ev.Cause.DENIED, NOON), (ev.Cause.TRADED, NOON + SECOND)] == [
        (mark.cause, mark.since) for mark in scene.marks()
    ]
    assert 1 == len({mark.signal for mark in scene.marks()})


def test_there_is_room_for_so_many() -> None:
    """What is left out is said with its number, and never followed later."""
    wants = [attrs.evolve(BUY, leg=leg, price=cents(40)) for leg in Leg]
    scene = a_scene(*wants, ceiling=1, **NARROW)
    scene.at(0)
    scene.at(1)

    assert [(LEFT_OUT, 1)] == [
        (error.where, error.count) for error in of_type(scene.lane.journal.events, ev.Error)
    ]
    assert [Leg.YES] == [mark.leg for mark in scene.marks()]


def test_a_lane_that_cannot_write_takes_no_marks() -> None:
    """What would be lost anyway is not even asked for; afterwards it goes on."""
    scene = a_scene(BUY)
    scene.at(0)
    scene.lane.trader.degrade("disk full")
    scene.wanting.wants = []
    scene.at(60)
    scene.at(300)

    assert [] == scene.later()
    scene.lane.controls.append(ev.VenueState(state="open"))
    scene.at(600)
    assert [600] == [mark.horizon_s for mark in scene.later()]


def test_a_short_loss_of_the_disk_loses_no_mark() -> None:
    """What fell due meanwhile is taken afterwards if it is not too late."""
    scene = a_scene(BUY)
    scene.at(0)
    scene.lane.trader.degrade("disk full")
    scene.wanting.wants = []
    scene.at(60)
    scene.lane.controls.append(ev.VenueState(state="open"))
    scene.at(90)

    assert [(60, 30 * SECOND)] == [(mark.horizon_s, mark.late) for mark in scene.later()]


def test_a_decision_whose_tick_was_cut_off_is_followed_from_its_own_time() -> None:
    """The lane went down behind the line of the decision: its clock does not start anew."""
    scene = a_scene(BUY)
    scene.at(0)
    lines = list(scene.lane.journal.read())
    place = next(n for n, line in enumerate(lines) if line.type == ev.OrderIntent.TYPE)
    schedule = marks_from(lines[: place + 1])
    world = scene.lane.trader.world
    for seconds, expected in ((30, (0, 30)), (61, (60, 1)), (300, (300, 0))):
        (mark,) = marks_at(schedule, world, Micros(NOON + seconds * SECOND))
        schedule.hear(mark, Micros(NOON + seconds * SECOND))

        assert isinstance(mark, ev.Mark)
        assert expected == (mark.horizon_s, mark.late // SECOND)
        assert NOON == mark.since


def test_a_decision_that_was_cut_off_too_long_ago_is_not_followed() -> None:
    """A minute later its price at the time is not to be had any more."""
    scene = a_scene(BUY)
    scene.at(0)
    lines = [line for line in scene.lane.journal.read() if line.type == ev.OrderIntent.TYPE]
    world = scene.lane.trader.world

    assert 1 == len(list(marks_at(marks_from(lines), world, Micros(NOON + LATE_MAX))))
    assert [] == list(marks_at(marks_from(lines), world, Micros(NOON + LATE_MAX + 1)))


def test_a_lane_may_take_none() -> None:
    """Without a schedule nothing is marked and nothing breaks."""
    scene = a_scene(BUY)
    scene.lane.trader.marks = None
    scene.at(0)

    assert [] == scene.marks()


def test_marked_markets_are_told() -> None:
    """Whoever feeds a lane knows which markets it still needs."""
    scene = a_scene(BUY)
    scene.at(0)
    schedule = scene.lane.trader.marks

    assert schedule is not None
    assert frozenset({"M-1"}) == schedule.markets
    assert not schedule.due_by(Micros(NOON + HORIZONS[0] - 1))
    assert schedule.due_by(Micros(NOON + HORIZONS[0]))


def test_payments_besides_trading_are_written_once() -> None:
    """A payment that is told twice is one payment."""
    scene = a_scene()
    paid = Rewarded("r-1", "maker_rebate", money("1.5"), "M-1")
    scene.venue.say(paid, paid)
    scene.at(0)
    scene.venue.say(paid)
    scene.at(1)

    (reward,) = of_type(scene.lane.journal.events, ev.Reward)
    assert ("r-1", "maker_rebate", "M-1") == (reward.name, reward.kind, reward.market)
    assert money("1.5") == scene.lane.trader.state.rewards
