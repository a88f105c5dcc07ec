"""Entries that make sense only together: all of a group are sent, or none."""

from typing import Any

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import SECOND, Duration, Money, money
from market_bot.core.domain.settings import Cooldown, Filters
from market_bot.core.domain.signals import Signal, check_groups, check_wanted, group_of
from market_bot.core.ports.execution import Rejected
from market_bot.core.ports.journal import DurabilityLostError
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
    an_exit,
    announced,
    cents,
    contracts,
    lane_settings,
    of_type,
    refold,
)
from tests.fakes.execution import ScriptedExecution, filled

# Ten contracts at 0.48 cost 4.80 each; see `a_book`.
LEGS = tuple(a_signal(market=f"M-{n}", size=contracts(10), group="set") for n in (1, 2, 3))
LOOSE = {**LIMITS, "max_event_loss_usd": money("1000"), "max_total_exposure_usd": money("1000")}
TOUCHED = (a_book("M-1"), a_book("M-2"), a_book("M-3"))


@attrs.define(eq=False)
class Scene:
    """A started lane with three markets of one event, a strategy that wants, and a venue."""

    lane: Lane
    wanting: Wanting
    venue: ScriptedExecution

    def tick(self) -> list[ev.Event]:
        """Take one tick at which something happens in all markets."""
        return self.lane.tick(*TOUCHED)


def a_scene(
    *wants: Signal,
    limits: dict[str, Any] | None = None,
    answers: tuple[Any, ...] = (),
    cash: str = "100",
    **changes: Any,
) -> Scene:
    """Return a scene; see `Scene`."""
    wanting, venue = Wanting(*wants), ScriptedExecution(*answers)
    lane = a_lane(
        lane_settings(a_strategy(wanting), limits={**LOOSE, **(limits or {})}, **changes),
        lambda _: venue,
        opening=[*[announced(a_market(f"M-{n}")) for n in (1, 2, 3)], *TOUCHED],
    )
    lane.trader.start(a_start(cash), lane.clock())
    return Scene(lane, wanting, venue)


def begun(events: list[ev.Event]) -> dict[str, list[tuple[str, str]]]:
    """Return what refused each market, and at which value."""
    return {
        e.market: [(g.name, g.value) for g in e.gates]
        for e in of_type(events, ev.Denied)
        if e.phase == "begin"
    }


def test_all_legs_are_written_down_before_the_first_is_sent() -> None:
    """Nothing that one leg brings can come between it and the others."""
    scene = a_scene(*LEGS)
    kinds = [e.TYPE for e in scene.tick() if e.TYPE.startswith("order")]

    assert ["order_intent"] * 3 + ["order_accepted"] * 3 == kinds
    assert ["M-1", "M-2", "M-3"] == [i.draft.signal.market for i in scene.venue.submitted]


def test_one_refused_leg_refuses_all() -> None:
    """Each leg is refused, and those with nothing against them name the one that failed."""
    scene = a_scene(LEGS[0], attrs.evolve(LEGS[1], size=contracts(1000)), LEGS[2])
    refused = begun(scene.tick())

    assert [] == scene.venue.submitted
    assert [("group", "M-2 YES")] == refused["M-1"] == refused["M-3"]
    assert {"max_order_usd", "max_position_usd"} <= {name for name, _ in refused["M-2"]}
    assert "group" not in [name for name, _ in refused["M-2"]]


@pytest.mark.parametrize(
    ("rule", "limit"),
    [
        ("max_total_exposure_usd", money("14.3")),
        ("max_event_loss_usd", money("14.3")),
        ("max_open_orders", 2),
        ("max_orders_per_minute", 2),
    ],
)
def test_legs_are_judged_on_top_of_each_other(rule: str, limit: Money | int) -> None:
    """Where two legs fit and three do not, none is sent."""
    scene = a_scene(*LEGS, limits={rule: limit})
    refused = begun(scene.tick())

    assert [] == scene.venue.submitted
    assert [rule] == [name for name, _ in refused["M-3"]]
    assert [("group", "M-3 YES")] == refused["M-1"] == refused["M-2"]


def test_free_cash_is_spent_once() -> None:
    """Three legs for 14.40 are not paid from 14."""
    scene = a_scene(*LEGS, cash="14")

    assert ["free_cash"] == [name for name, _ in begun(scene.tick())["M-3"]]
    assert [] == scene.venue.submitted


def test_a_group_is_sent_once_nothing_refuses_it() -> None:
    """The refusals of all legs end together."""
    scene = a_scene(*LEGS, limits={"max_open_orders": 2})
    scene.tick()
    trader = scene.lane.trader
    trader.settings = attrs.evolve(trader.settings, limits=LOOSE)
    ended = [e.market for e in of_type(scene.tick(), ev.Denied) if e.phase == "end"]

    assert ["M-1", "M-2", "M-3"] == ended
    assert 3 == len(scene.venue.submitted)


def test_soft_gates_refuse_a_group_as_well() -> None:
    """A filter or a cooldown on one leg spoils the set."""
    scene = a_scene(
        LEGS[0],
        LEGS[1],
        attrs.evolve(LEGS[2], price=cents(49)),
        filters=Filters(price_max=LEGS[0].price),
    )

    assert [("group", "M-3 YES")] == begun(scene.tick())["M-1"]
    assert [] == scene.venue.submitted


def test_a_family_that_rests_after_the_first_fill_does_not_tear_a_group() -> None:
    """What the first leg causes is not held against the second."""
    scene = a_scene(*LEGS, cooldown=Cooldown(families={"F-1": LEGS[0].patience}))
    scene.tick()

    assert 3 == len(scene.venue.submitted)


def test_while_one_leg_is_under_way_the_others_wait() -> None:
    """A group is begun as a whole."""
    scene = a_scene(*LEGS)
    scene.tick()
    first, second, _ = scene.venue.submitted
    scene.venue.say(filled(first), filled(second))
    scene.lane.clock.advance(Duration(30 * SECOND))
    scene.tick()

    assert 3 == len(scene.venue.submitted)


def test_what_the_venue_refuses_is_another_matter() -> None:
    """Only our own gates are asked before; the strategy sees what is missing."""
    scene = a_scene(*LEGS, answers=(Rejected("no"),))
    scene.tick()

    assert 3 == len(scene.venue.submitted)


def test_two_groups_and_a_single_entry_do_not_touch_each_other() -> None:
    """A group is a strategy's own name; without one an entry stands alone."""
    other = attrs.evolve(LEGS[0], leg=Leg.NO, group="other", size=contracts(1000))
    single = attrs.evolve(LEGS[1], leg=Leg.NO, group="")
    scene = a_scene(LEGS[0], other, LEGS[1], single)
    scene.tick()

    assert [("M-1", Leg.YES), ("M-2", Leg.YES), ("M-2", Leg.NO)] == [
        (i.draft.signal.market, i.draft.signal.leg) for i in scene.venue.submitted
    ]


def test_exits_are_never_bound_to_each_other() -> None:
    """Leaving does not wait for anything."""
    scene = a_scene(LEGS[0])
    scene.tick()
    scene.venue.say(filled(scene.venue.submitted[0]))
    scene.tick()
    gone = an_exit(market="M-1", group="set")
    scene.wanting.wants = [gone, an_exit(market="M-2", group="set")]
    scene.tick()

    assert "" == group_of(gone)
    assert "M-1" == scene.venue.submitted[-1].draft.signal.market
    assert scene.venue.submitted[-1].reduce_only


def test_a_group_with_a_leg_of_another_event_is_passed_over() -> None:
    """The rest of it would be part of a group."""
    stranger = attrs.evolve(LEGS[2], market="ELSEWHERE")
    alone = attrs.evolve(LEGS[0], leg=Leg.NO, group="")
    scene = a_scene()
    active = scene.lane.trader.settings.strategies[0]
    careless = attrs.evolve(active.strategy, decide=lambda *_: (LEGS[0], stranger, alone))
    scene.lane.trader.settings = attrs.evolve(
        scene.lane.trader.settings, strategies=(attrs.evolve(active, strategy=careless),)
    )
    events = scene.tick()

    assert ["signal outside its event"] == [e.message for e in of_type(events, ev.Error)]

    assert [Leg.NO] == [i.draft.signal.leg for i in scene.venue.submitted]


def test_a_leg_that_is_wanted_twice_is_a_fault() -> None:
    """Only one of the two could be followed, and the group would be torn."""
    twice = attrs.evolve(LEGS[0], price=cents(47))
    scene = a_scene(LEGS[0], twice, LEGS[1])

    assert ["ValueError"] == [e.message for e in of_type(scene.tick(), ev.Error)]
    assert [] == scene.venue.submitted
    with pytest.raises(ValueError, match="wanted twice"):
        check_groups([LEGS[0], twice])
    check_groups([LEGS[0], attrs.evolve(twice, leg=Leg.NO), attrs.evolve(twice, group="")])


@pytest.mark.parametrize(
    ("group", "error"), [(None, TypeError), (1, TypeError), ("x" * 201, ValueError)]
)
def test_a_group_is_a_short_text(group: Any, error: type[Exception]) -> None:
    """It may be written down."""
    with pytest.raises(error):
        check_wanted(attrs.evolve(LEGS[0], group=group))


@pytest.mark.parametrize("attempt", range(1, 15))
def test_a_disk_that_fails_tears_no_group(attempt: int) -> None:
    """Wherever a fact is lost: all legs were sent, or none was and none is left in doubt."""
    scene = a_scene(*LEGS)
    lane = scene.lane
    lane.journal.fails_at = {lane.journal.attempts + attempt}
    for wants in (LEGS, ()):
        scene.wanting.wants = list(wants)
        try:
            scene.tick()
        except DurabilityLostError as e:
            lane.trader.degrade(str(e))
    lane.journal.fails_at = ()
    scene.tick()

    assert len(scene.venue.submitted) in (0, 3)
    assert refold(lane.journal) == lane.trader.state
    if not scene.venue.submitted:
        assert {} == lane.trader.state.orders
