"""Exits in a lane: what is written, what gives way, and what cannot stand in the way."""

from typing import Any

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.exits import max_hold, stop_loss, take_profit, trailing_stop
from market_bot.core.domain.exits.api import ActiveExit, ExitRule, Exits
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    NO_MONEY,
    SECOND,
    Duration,
    Price,
    money,
    price,
    probability,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.settings import Cooldown, Filters, Sizing, SizingMethod
from market_bot.core.domain.signals import Signal, Withdraw
from market_bot.core.ports.execution import Cancelled, Rejected
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
    refold,
)
from tests.fakes.clock import after
from tests.fakes.execution import ScriptedExecution, filled

BUY = a_signal(size=contracts(10))


def on(rule: ExitRule, **params: Any) -> ActiveExit:
    """Return an exit that is on."""
    return ActiveExit(rule=rule, params=rule.params(**params))


PROFIT = on(take_profit.exit_rule, price=price("0.60"))
STOP = on(stop_loss.exit_rule, distance=price("0.10"), confirm_seconds=3)
TRAIL = on(trailing_stop.exit_rule, activation=Price(0), distance=price("0.03"))


@attrs.define(eq=False)
class Scene:
    """A started lane with one market and strategies that want what they are told."""

    lane: Lane
    wanting: Wanting
    other: Wanting
    venue: ScriptedExecution

    def quote(self, bid: int | None, ask: int | None) -> list[ev.Event]:
        """Take a tick at which these cents are bid and asked."""
        bids = {} if bid is None else {f"0.{bid:02}": "100"}
        asks = {} if ask is None else {f"0.{ask:02}": "100"}
        return self.lane.tick(a_book(bids=bids, asks=asks))

    def buys(self) -> None:
        """Buy ten contracts at 0.48 and want nothing more."""
        self.wanting.wants = [BUY]
        self.quote(48, 52)
        self.venue.say(filled(self.venue.submitted[-1]))
        self.wanting.wants = []
        self.quote(48, 52)

    def sent(self, number: int = -1) -> Signal:
        """Return what an order was for."""
        return self.venue.submitted[number].draft.signal


def a_scene(*exits: ActiveExit, answers: tuple[Any, ...] = (), **changes: Any) -> Scene:
    """Return a lane that holds ten contracts bought at 0.48 and has these exits."""
    wanting, other, venue = Wanting(), Wanting(), ScriptedExecution(*answers)
    ways: dict[str, Any] = {"active": exits} | changes.pop("ways", {})
    lane = a_lane(
        lane_settings(
            a_strategy(wanting),
            a_strategy(other, "other"),
            exits=Exits(**ways),
            rules=(),
            **changes,
        ),
        lambda _: venue,
        opening=[announced(a_market()), a_book()],
    )
    lane.start()
    scene = Scene(lane, wanting, other, venue)
    scene.buys()
    return scene


def reasons(events: list[ev.Event]) -> list[str]:
    """Return why positions were left."""
    return [event.reason for event in of_type(events, ev.Exit)]


def refusals(events: list[ev.Event]) -> list[list[str]]:
    """Return the gates of every denial that began."""
    begun = [d for d in of_type(events, ev.Denied) if d.phase == "begin"]
    return [[gate.name for gate in denial.gates] for denial in begun]


def test_an_exit_sells_for_its_position() -> None:
    """The journal names the position's strategy and the exit; everything is sold at the bid."""
    scene = a_scene(PROFIT)
    events = scene.quote(60, 62)

    (exit_,) = of_type(events, ev.Exit)
    assert ("scripted", "take_profit", contracts(10), cents(60)) == (
        exit_.strategy,
        exit_.reason,
        exit_.size,
        exit_.price,
    )
    assert (Purpose.EXIT, Style.TAKER) == (scene.sent().purpose, scene.sent().style)


def test_without_exits_nothing_is_marked() -> None:
    """Nothing is written and nothing is sold."""
    scene = a_scene()

    for bid in (60, 70, 10):
        assert [] == reasons(scene.quote(bid, bid + 2))
    assert [] == of_type(scene.lane.journal.events, ev.PositionMarked)


def test_a_stop_is_confirmed_in_the_journal() -> None:
    """Its beginning, its end, its second beginning, and then the sale."""
    scene = a_scene(STOP)
    told = [scene.quote(*quotes) for quotes in ((36, 40), (40, 42), (30, 40), (None, 40))]
    marks = [mark.armed_at for events in told for mark in of_type(events, ev.PositionMarked)]
    later = [scene.quote(30, 40), scene.quote(30, 40)]

    assert [True, False, True] == [mark is not None for mark in marks]
    assert [[], ["stop_loss"]] == [reasons(events) for events in later]
    assert refold(scene.lane.journal) == scene.lane.trader.state


def test_a_high_is_noted_and_defended() -> None:
    """The first bid is, then the one ten seconds later; three cents below the high it sells."""
    scene = a_scene(TRAIL)
    for second in range(14):
        scene.quote(49 + second // 2, 99)
    marks = of_type(scene.lane.journal.events, ev.PositionMarked)

    assert [cents(48), cents(53)] == [mark.high for mark in marks]
    assert [] == reasons(scene.quote(51, 99))
    assert ["trailing_stop"] == reasons(scene.quote(50, 99))


def test_a_lane_without_durability_confirms_stops_only() -> None:
    """The reserve is kept for leaving: no highs, but a stop still works."""
    trail = on(trailing_stop.exit_rule, activation=price("0.20"))
    scene = a_scene(STOP, trail)
    scene.lane.trader.degrade("disk full")
    rising = scene.quote(55, 57)
    told = [scene.quote(30, 40) for _ in range(4)]

    assert [] == of_type(rising, ev.PositionMarked)
    assert [cents(48)] == [m.high for events in told for m in of_type(events, ev.PositionMarked)]
    assert ["stop_loss"] == reasons(told[-1])


def test_nothing_stands_in_the_way_of_an_exit() -> None:
    """Neither filters, cooldowns nor a halt."""
    scene = a_scene(
        PROFIT,
        filters=Filters(price_max=price("0.50"), min_depth=contracts(1), max_spread=cents(5)),
        cooldown=Cooldown(
            after_entry=Duration(3600 * SECOND), families={"F-1": Duration(3600 * SECOND)}
        ),
    )
    scene.lane.controls.append(ev.Halt(by="ann", reason="news"))

    assert ["take_profit"] == reasons(scene.quote(60, 99))


def test_some_strategies_look_after_themselves() -> None:
    """Their positions are left to them."""
    scene = a_scene(PROFIT, ways={"strategies_exclude": ("scripted",)})

    assert [] == reasons(scene.quote(60, 62))


def test_nobody_buys_what_is_being_left() -> None:
    """Entries of the leg are refused by name, whoever wants them; those that rest are cancelled."""
    scene = a_scene(PROFIT)
    scene.other.wants = [a_signal(size=contracts(1))]
    scene.quote(48, 52)
    (_, resting) = scene.venue.submitted
    scene.other.wants = [
        a_signal(size=contracts(2), price=cents(59)),
        a_signal(leg=Leg.NO, size=contracts(1), price=cents(30)),
    ]
    scene.quote(60, 62)
    scene.venue.say(Cancelled(resting.id, "cancelled"))
    events = scene.quote(60, 62)

    assert resting.id in scene.venue.cancels
    assert [["leaving"]] == refusals(events)
    assert {Leg.NO} == {
        intent.draft.signal.leg
        for intent in scene.venue.submitted[2:]
        if intent.draft.signal.purpose is Purpose.ENTRY
    }


def test_the_strategys_own_sale_steps_back() -> None:
    """One that rests is cancelled, by whomever, and the exit takes as soon as it is gone."""
    scene = a_scene(PROFIT)
    scene.other.wants = [an_exit(style=Style.MAKER, price=cents(90))]
    scene.quote(48, 52)
    (_, resting) = scene.venue.submitted
    blocked = scene.quote(60, 62)
    scene.venue.say(Cancelled(resting.id, "cancelled"))
    scene.wanting.wants = [an_exit(price=cents(10), reason="other_reason")]
    freed = scene.quote(60, 62)

    assert [resting.id] == scene.venue.cancels
    assert [] == reasons(blocked)
    assert ["take_profit"] == reasons(freed)
    assert cents(60) == scene.sent().price


def test_a_strategy_cannot_withdraw_an_exit() -> None:
    """Its orders of the leg are not its own while an exit is due."""
    scene = a_scene(PROFIT, ways={"style": Style.MAKER, "patience": Duration(5 * SECOND)})
    scene.quote(60, 62)
    withdrawal: Any = Withdraw(market="M-1", leg=Leg.YES, purpose=Purpose.EXIT)
    scene.wanting.wants = [withdrawal]
    scene.quote(60, 62)

    assert [] == scene.venue.cancels
    assert (Style.MAKER, cents(62)) == (scene.sent().style, scene.sent().price)


def test_a_sale_rests_first_and_takes_then() -> None:
    """After its patience the ask is given up for the bid."""
    scene = a_scene(PROFIT, ways={"style": Style.MAKER, "patience": Duration(5 * SECOND)})
    scene.quote(60, 62)
    (_, resting) = scene.venue.submitted
    for _ in range(4):
        scene.quote(60, 62)
    assert 2 == len(scene.venue.submitted)
    scene.venue.say(Cancelled(resting.id, "expired"))
    scene.quote(60, 62)

    assert [Style.MAKER, Style.TAKER] == [scene.sent(1).style, scene.sent(2).style]
    assert cents(60) == scene.sent().price


def test_flattening_overrules_exits() -> None:
    """Who wants everything sold gets that reason."""
    scene = a_scene(PROFIT)
    scene.lane.controls.append(ev.Halt(by="ann", reason="out", flatten=True))

    assert ["flatten"] == reasons(scene.quote(60, 62))


def test_a_restart_leaves_at_the_same_moment() -> None:
    """Another trader that folds the journal begins no confirmation anew."""
    straight, broken = a_scene(STOP), a_scene(STOP)
    for scene in (straight, broken):
        scene.quote(30, 32)
    again = a_lane(
        broken.lane.trader.settings,
        lambda _: broken.venue,
        journal=broken.lane.journal,
        opening=[announced(a_market()), a_book()],
    )
    again.trader.recorder.state = refold(broken.lane.journal)
    again.clock.now = broken.lane.clock.now
    resumed = attrs.evolve(broken, lane=again)

    both = [
        [(reasons(scene.quote(30, 32)), scene.lane.clock.now) for _ in range(4)]
        for scene in (straight, resumed)
    ]
    assert both[0] == both[1]
    assert [[], [], ["stop_loss"], []] == [found for found, _ in both[0]]


# -- cooldowns and sizing ------------------------------------------------------------------------


@pytest.mark.parametrize(("sold", "cooling"), [(48, False), (47, True)])
def test_only_a_loss_cools_as_a_loss(sold: int, cooling: bool) -> None:
    """A sale at cost is none; a cent below it is."""
    scene = a_scene(cooldown=Cooldown(after_loss=Duration(60 * SECOND)))
    scene.wanting.wants = [an_exit(price=cents(sold))]
    scene.quote(sold, 52)
    scene.venue.say(filled(scene.venue.submitted[-1]))
    scene.wanting.wants = [BUY]

    assert ([["cooldown_after_loss"]] if cooling else []) == refusals(scene.quote(48, 52))


def test_a_refusal_of_the_venue_cools() -> None:
    """The market rests after it, and nothing is sent meanwhile."""
    scene = a_scene(cooldown=Cooldown(after_reject=Duration(60 * SECOND)))
    scene.venue.answers = [Rejected("no")]
    scene.wanting.wants = [BUY]
    scene.quote(48, 52)
    sent = len(scene.venue.submitted)
    told = [refusals(scene.quote(48, 52)) for _ in range(5)]

    assert [["cooldown_after_reject"]] in told
    assert sent == len(scene.venue.submitted)


def test_kelly_counts_free_cash() -> None:
    """Of 100 dollars 4.80 are spent: 0.2 x 0.25 of the rest buys 9.52 contracts, whole ones 9."""
    sizing = Sizing(order=money("50"), method=SizingMethod.KELLY)
    scene = a_scene(sizing=sizing)
    scene.quote(48, 52)
    scene.wanting.wants = [a_signal(price=cents(50), belief=probability("0.6"))]
    scene.quote(48, 52)

    assert contracts(9) == scene.venue.submitted[-1].draft.size


def test_old_waits_are_forgotten() -> None:
    """A day that opens more than a week later drops what no cooldown can need."""
    old, new = {"a": after(0)}, {"b": after(86_400)}
    state = LaneState(last_loss=old | new, last_reject=old | new, last_in_family=old | new)
    day = ev.DayOpened(date="2026-01-13", equity=NO_MONEY, cash=NO_MONEY)
    state = apply(state, day, after(8 * 86_400 + 1))

    assert (new, new, new) == (state.last_loss, state.last_reject, state.last_in_family)


def test_max_hold_counts_from_the_first_purchase() -> None:
    """A minute after it everything goes."""
    scene = a_scene(on(max_hold.exit_rule, minutes=1))
    scene.quote(48, 52)
    scene.lane.clock.advance(Duration(57 * SECOND))

    assert [[], ["max_hold"]] == [reasons(scene.quote(48, 52)) for _ in range(2)]
