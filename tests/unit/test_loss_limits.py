"""Limits on losses: once reached they stay shut, for the day or until a person resumes."""

from collections.abc import Mapping

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.loss_limits import entries_stopped, reached, stopped
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import HOUR, SECOND, Duration, Micros, Money, money
from market_bot.core.domain.signals import Signal
from tests.fakes.builders import (
    LIMITS,
    Lane,
    Wanting,
    a_book,
    a_lane,
    a_market,
    a_signal,
    a_start,
    a_strategy,
    announced,
    cents,
    contracts,
    lane_settings,
    of_type,
    refold,
)
from tests.fakes.clock import NOON
from tests.fakes.execution import ScriptedExecution, filled

DAILY, DRAWDOWN = "max_daily_loss_usd", "max_drawdown_usd"
TIGHT = {**LIMITS, DAILY: money("5"), DRAWDOWN: money("1000")}
FALLEN = {**LIMITS, DAILY: money("1000"), DRAWDOWN: money("5")}
HELD = a_signal(size=contracts(20))
NEXT = a_signal(leg=Leg.NO, price=cents(50), size=contracts(1))
DAY = Duration(24 * HOUR)


@attrs.define(eq=False)
class Scene:
    """A lane that holds twenty contracts for 9.60 and wants one more of the other leg."""

    lane: Lane
    wanting: Wanting

    def at_bid(self, bid: str | None) -> list[ev.Event]:
        """Take a tick with another bid, or without any; NO can be bought at fifty cents."""
        bids = {} if bid is None else {bid: "100", "0.05": "100"}
        self.lane.clock.advance(Duration(60 * SECOND))
        return self.lane.tick(a_book(bids=bids, asks={"0.52": "1"}))

    def limits(self, **changes: Money) -> None:
        """Change limits, as a person does who starts the bot again."""
        trader = self.lane.trader
        known = {**trader.settings.limits, **changes}
        trader.settings = attrs.evolve(trader.settings, limits=known)


def a_scene(limits: Mapping[str, int], *wants: Signal) -> Scene:
    """Return a scene; see `Scene`."""
    wanting, venue = Wanting(HELD), ScriptedExecution()
    loose = {name: value for name, value in limits.items() if name in (DAILY, DRAWDOWN)}
    everything = {
        **LIMITS,
        "max_price_distance": cents(99),
        "max_book_distance": cents(99),
        "max_book_age_seconds": 10**15,
        "max_position_usd": money("1000"),
        "max_event_loss_usd": money("1000"),
        **loose,
    }
    lane = a_lane(
        lane_settings(a_strategy(wanting), limits=everything),
        lambda _: venue,
        opening=[announced(a_market()), a_book()],
    )
    lane.start()
    lane.tick(a_book())
    venue.say(filled(venue.submitted[0]))
    wanting.wants = []
    lane.tick(a_book())
    wanting.wants = list(wants)
    return Scene(lane, wanting)


def limits_reached(events: list[ev.Event]) -> list[tuple[str, Money, Money]]:
    """Return what was written down about limits."""
    return [(e.rule, e.limit, e.lost) for e in of_type(events, ev.LossLimitReached)]


def refused(events: list[ev.Event]) -> list[list[str]]:
    """Return the refusals that began."""
    return [[g.name for g in e.gates] for e in of_type(events, ev.Denied) if e.phase == "begin"]


def sent(events: list[ev.Event]) -> int:
    """Return how many orders were sent."""
    return len(of_type(events, ev.OrderIntent))


@pytest.mark.parametrize(("limits", "name"), [(TIGHT, DAILY), (FALLEN, DRAWDOWN)])
def test_prices_that_recover_do_not_open_it(limits: Mapping[str, int], name: str) -> None:
    """A border crossed a hundred times is one refusal in the journal, and no order."""
    scene = a_scene(limits, NEXT)
    first = scene.at_bid("0.23")
    later = [event for _ in range(50) for bid in ("0.24", "0.23") for event in scene.at_bid(bid)]

    assert [(name, money("5"), money("5"))] == limits_reached(first)
    assert [[name]] == refused(first)
    assert [] == limits_reached(later)
    assert [] == of_type(later, ev.Denied)
    assert 0 == sent(later)


def test_a_loss_below_the_limit_stops_nothing() -> None:
    """One unit above the border nothing is written down."""
    scene = a_scene({**TIGHT, DAILY: Money(money("5") + 1)}, NEXT)
    events = scene.at_bid("0.23")

    assert [] == limits_reached(events)
    assert 1 == sent(events)


def test_the_next_day_opens_the_daily_loss() -> None:
    """The loss of a day ends with it, and not with a person who resumes."""
    scene = a_scene(TIGHT, NEXT)
    scene.at_bid("0.23")
    scene.lane.controls.append(ev.Resume(by="ann"))
    resumed = scene.at_bid("0.45")
    scene.lane.clock.advance(DAY)
    tomorrow = scene.at_bid("0.45")

    assert 0 == sent(resumed)
    assert 1 == sent(tomorrow)
    assert 0 == scene.lane.trader.state.day_loss


def test_a_day_does_not_open_the_drawdown() -> None:
    """A drawdown lasts until a person resumes; equity as it is then is the new peak."""
    scene = a_scene(FALLEN, NEXT)
    scene.at_bid("0.23")
    scene.lane.clock.advance(DAY)
    tomorrow = scene.at_bid("0.30")
    scene.lane.controls.append(ev.Resume(by="ann"))
    resumed = scene.at_bid("0.30")

    assert 0 == sent(tomorrow)
    assert 1 == sent(resumed)
    # Twenty contracts for 9.60 fetch 6.00.
    assert [money("96.4")] == [peak.equity for peak in of_type(resumed, ev.EquityPeak)]
    assert (0, money("96.4")) == (scene.lane.trader.state.fallen, scene.lane.trader.state.peak)


def test_who_resumes_after_something_else_forgives_nothing() -> None:
    """Only a drawdown that reached its limit is measured anew."""
    scene = a_scene(FALLEN)
    scene.at_bid("0.24")
    peak = scene.lane.trader.state.peak
    scene.lane.controls.append(ev.Resume(by="ann"))
    scene.at_bid("0.24")

    assert peak is not None
    assert peak == scene.lane.trader.state.peak


@pytest.mark.parametrize(("limits", "name"), [(TIGHT, DAILY), (FALLEN, DRAWDOWN)])
def test_a_higher_limit_opens_it(limits: Mapping[str, int], name: str) -> None:
    """What was lost is held against the limit in force, and that is reached anew."""
    scene = a_scene(limits, NEXT)
    scene.at_bid("0.23")
    scene.limits(**{name: money("6")})
    above = scene.at_bid("0.30")
    scene.wanting.wants = []
    again = scene.at_bid("0.10")

    assert 1 == sent(above)
    assert [name] == [rule for rule, _, _ in limits_reached(again)]


@pytest.mark.parametrize("limits", [TIGHT, FALLEN])
def test_an_empty_book_does_not_shut_it(limits: Mapping[str, int]) -> None:
    """What nobody bids for is worth nothing now, but that may be over in a second."""
    scene = a_scene(limits, NEXT)
    empty = scene.at_bid(None)
    back = scene.at_bid("0.45")

    assert [] == limits_reached(empty)
    assert 0 == sent(empty)
    assert 1 == sent(back)


def test_without_durability_nothing_is_noted() -> None:
    """The reserve is for leaving; entries are refused anyway."""
    scene = a_scene(TIGHT)
    scene.lane.trader.degrade("disk full")

    assert [] == limits_reached(scene.at_bid("0.23"))


def test_a_restart_keeps_it_shut() -> None:
    """It is in the journal, so it is in the state that is folded from it."""
    scene = a_scene(TIGHT)
    scene.at_bid("0.23")
    state = refold(scene.lane.journal)

    assert state == scene.lane.trader.state
    assert (DAILY,) == stopped(state, TIGHT)


def test_people_are_told_why_nothing_is_opened() -> None:
    """One sentence for each limit that stays shut, with what opens it."""
    state = attrs.evolve(LaneState(), day_loss=money("5"), fallen=money("5"), loss_streak=3)
    limits = {DAILY: money("5"), DRAWDOWN: money("5"), "max_consecutive_losses": 3}
    daily, drawdown, streak = entries_stopped(state, limits)

    assert "next UTC day" in daily
    assert "drawdown" in drawdown
    assert "market-bot resume" in drawdown
    assert "in a row" in streak
    assert () == entries_stopped(state, dict.fromkeys(limits, 6 * 10**12))
    assert () == entries_stopped(LaneState(), limits)
    assert () == entries_stopped(state, {})


def test_no_day_no_peak_no_limit() -> None:
    """What cannot be told is not noted, and a limit nobody set stops nothing."""
    lost = money("0")
    started = apply(LaneState(), a_start("100"), NOON)
    opened = apply(
        started, ev.DayOpened(date="2026-01-05", equity=money("100"), cash=money("100")), NOON
    )

    assert [] == list(reached(LaneState(), lost, TIGHT))
    assert [DRAWDOWN] == [e.rule for e in reached(started, lost, FALLEN)]
    assert [DAILY, DRAWDOWN] == [e.rule for e in reached(opened, lost, {**FALLEN, DAILY: 1})]
    assert [] == list(reached(opened, lost, {}))
    assert [] == list(reached(opened, money("100"), {DAILY: 0, DRAWDOWN: 0}))
    assert () == stopped(opened, {DAILY: 0})


def test_the_fold_knows_two_limits() -> None:
    """The largest loss counts; a rule that is none contradicts the journal."""
    state = LaneState()
    for rule, lost in ((DAILY, "7"), (DAILY, "6"), (DRAWDOWN, "9"), (DRAWDOWN, "8")):
        fact = ev.LossLimitReached(rule=rule, limit=money("5"), lost=money(lost))
        state = apply(state, fact, Micros(NOON))
    strange = ev.LossLimitReached(rule="max_order_usd", limit=money("5"), lost=money("6"))

    assert (money("7"), money("9"), 0) == (state.day_loss, state.fallen, state.anomalies)
    assert 1 == apply(state, strange, NOON).anomalies
