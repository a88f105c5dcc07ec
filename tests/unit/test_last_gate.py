"""The last look before an order leaves, the pace of exits, pairs and peaks, in a running lane."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import MINUTE, LaneState
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, money, price, size
from market_bot.core.domain.orders import OrderState, Purpose, Style
from market_bot.core.domain.portfolio import NO_CAPABILITIES, VenueCapabilities
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Execution, Merged
from market_bot.core.usecases.last_gate import (
    EXITS_PER_MINUTE,
    hurried,
    refused_at_last,
    without,
)
from tests.fakes.builders import (
    LIMITS,
    Lane,
    Wanting,
    a_book,
    a_draft,
    a_fill,
    a_lane,
    a_market,
    a_signal,
    a_start,
    a_strategy,
    an_exit,
    an_intended,
    an_intent,
    announced,
    contracts,
    fold,
    lane_settings,
    no_exposure,
    of_type,
    refold,
)
from tests.fakes.clock import NOON
from tests.fakes.execution import ScriptedExecution, filled
from tests.fakes.market_data import FULL

BUY = a_signal(size=contracts(10))
NETS = VenueCapabilities(nets_yes_no=True)


def a_scene(
    *wants: Signal,
    execution: Callable[[World], Execution] | None = None,
    **changes: Any,
) -> tuple[Lane, Wanting]:
    """Return a started lane that knows one market, and what its strategy wants."""
    wanting = Wanting(*wants)
    lane = a_lane(
        lane_settings(a_strategy(wanting), **changes),
        (lambda _: ScriptedExecution()) if execution is None else execution,
        opening=[announced(a_market()), a_book()],
    )
    lane.start()
    return lane, wanting


def venue_of(lane: Lane) -> ScriptedExecution:
    """Return the lane's scripted venue."""
    venue = lane.trader.execution
    assert isinstance(venue, ScriptedExecution)
    return venue


def interrupt(lane: Lane, kind: type[ev.Event], then: Callable[[], None]) -> None:
    """Have something happen the first time that a fact of a class is written."""
    done: list[ev.Event] = []

    def observe(event: ev.Event, _: Micros) -> None:
        if isinstance(event, kind) and not done:
            done.append(event)
            then()

    lane.trader.recorder.observers.append(observe)


def record(lane: Lane, event: ev.Event) -> Callable[[], None]:
    """Return what writes a fact down."""

    def write() -> None:
        lane.trader.recorder.record(event, lane.clock.now)

    return write


@pytest.mark.parametrize("moment", [ev.SignalRaised, ev.OrderIntent])
@pytest.mark.parametrize(
    ("event", "gate"),
    [
        (ev.Halt(by="ann", reason="news"), "halted"),
        (ev.EquityPeak(equity=money("9000000")), "max_drawdown_usd"),
        (an_intended("other", size=size("80")), "max_position_usd"),
    ],
)
def test_what_happened_meanwhile_stops_an_order(
    moment: type[ev.Event], event: ev.Event, gate: str
) -> None:
    """An order that was judged before it was written is judged again before it is sent."""
    lane, _ = a_scene(BUY)
    interrupt(lane, moment, record(lane, event))
    told = lane.tick(a_book())
    (over,) = of_type(told, ev.OrderCancelled)

    assert [] == venue_of(lane).submitted
    assert (f"last_gate: {gate}", contracts(10)) == (over.reason, over.remaining)
    order = lane.trader.state.order(over.intent)
    assert order is not None
    assert OrderState.CANCELLED is order.state


def test_what_happened_meanwhile_and_changes_nothing() -> None:
    """The order itself, written down already, is not counted twice."""
    tight = {**LIMITS, "max_order_usd": money("4.8"), "max_position_usd": money("4.8")}
    exact = {**tight, "max_open_orders": 1, "max_orders_per_minute": 1}
    lane, _ = a_scene(BUY, limits=exact)
    interrupt(lane, ev.OrderIntent, record(lane, ev.Reward(amount=money("1"), kind="bonus")))
    lane.tick(a_book())

    assert 1 == len(venue_of(lane).submitted)


def test_an_order_is_sent_once() -> None:
    """One send for each intent that is written, whatever happens meanwhile."""
    lane, _ = a_scene(BUY)
    interrupt(lane, ev.OrderIntent, record(lane, ev.Reward(amount=money("1"), kind="bonus")))
    for _ in range(4):
        lane.tick(a_book())
    intents = [event.intent for event in of_type(lane.journal.events, ev.OrderIntent)]

    assert intents == [intent.id for intent in venue_of(lane).submitted]
    assert len(intents) == len(set(intents))


def holding(*more: ev.Event) -> LaneState:
    """Return a lane that holds ten contracts and sells some."""
    return fold([a_start(), an_intended(), a_fill(), *more])


def test_an_exit_is_bounded_by_what_is_settled_and_free() -> None:
    """A sale of more than that never leaves."""
    settings = lane_settings()
    selling = holding(an_intended("x", purpose=Purpose.EXIT, size=size("4")))
    for quantity, gates in (("6", []), ("6.000001", ["settled_position"])):
        intent = an_intent("i-9", a_draft(an_exit(), size=size(quantity)))
        found = refused_at_last(settings, intent, selling, no_exposure())

        assert gates == [gate.name for gate in found]
        assert all(("6", quantity) == (gate.limit, gate.value) for gate in found)


def test_a_lane_without_the_order() -> None:
    """The order and its time are taken out, and nothing else."""
    before = holding()
    entry = fold([an_intended("i-9")], Micros(NOON + 5), before)
    leaving = fold([an_intended("i-9", purpose=Purpose.EXIT)], Micros(NOON + 5), before)

    assert before == without(entry, "i-9")
    assert before == attrs.evolve(without(leaving, "i-9"), exit_times=())


# -- the pace of exits ---------------------------------------------------------------------------


def test_too_many_exits_wait() -> None:
    """Sixty a minute, and the next one when the first is a minute old."""
    last = Micros(NOON + 30_000_000)
    state = LaneState(exit_times=(NOON, *[last] * (EXITS_PER_MINUTE - 1)))
    (gate,) = hurried(state, last)

    assert ("exits_per_minute", "60", "60", False) == (
        gate.name,
        gate.limit,
        gate.value,
        gate.hard,
    )
    assert () == hurried(state, Micros(NOON + MINUTE))
    assert () == hurried(LaneState(exit_times=(NOON,) * (EXITS_PER_MINUTE - 1)), NOON)


def test_a_hurried_exit_is_put_off_and_not_lost() -> None:
    """It leaves as soon as there is room again, whatever the entries did."""
    lane, wanting = a_scene(BUY)
    lane.tick(a_book())
    venue_of(lane).say(filled(venue_of(lane).submitted[0]))
    wanting.wants = [an_exit()]
    recorder = lane.trader.recorder
    times = (lane.clock.now,) * EXITS_PER_MINUTE
    recorder.state = attrs.evolve(recorder.state, exit_times=times)
    (denied,) = of_type(lane.tick(a_book()), ev.Denied)

    assert ["exits_per_minute"] == [gate.name for gate in denied.gates]
    for _ in range(60):
        lane.tick(a_book())
    assert [Purpose.ENTRY, Purpose.EXIT] == [
        intent.draft.signal.purpose for intent in venue_of(lane).submitted
    ]


def test_exits_do_not_use_up_the_entries_budget() -> None:
    """Nor is an exit refused because too many entries were sent."""
    lane, wanting = a_scene(BUY, limits={**LIMITS, "max_orders_per_minute": 1})
    lane.tick(a_book())
    venue_of(lane).say(filled(venue_of(lane).submitted[0]))
    wanting.wants = [an_exit(), a_signal(leg=Leg.NO)]
    told = lane.tick(a_book())

    assert [["max_orders_per_minute"]] == [
        [gate.name for gate in denied.gates] for denied in of_type(told, ev.Denied)
    ]
    assert [Purpose.ENTRY, Purpose.EXIT] == [
        intent.draft.signal.purpose for intent in venue_of(lane).submitted
    ]


# -- pairs ---------------------------------------------------------------------------------------


def takes(leg: Leg, quantity: int) -> Signal:
    """Return the wish to take contracts of a leg at 0.52."""
    return a_signal(leg=leg, style=Style.TAKER, price=price("0.52"), size=contracts(quantity))


def merges_of(abilities: VenueCapabilities) -> tuple[Lane, list[ev.Merged]]:
    """Return a lane that bought ten YES and four NO on paper, and what was merged of them."""
    lane, wanting = a_scene(
        takes(Leg.YES, 10), execution=lambda world: PaperExecution(world, FULL, abilities)
    )
    lane.tick(a_book())
    wanting.wants = [takes(Leg.NO, 4)]
    bought = lane.tick(a_book())
    wanting.wants = []
    assert [] == of_type(bought, ev.Merged)
    return lane, of_type([*lane.tick(a_book()), *lane.tick(a_book())], ev.Merged)


@pytest.mark.parametrize("abilities", [NETS, VenueCapabilities(merges=True)])
def test_pairs_are_paid_at_the_next_tick(abilities: VenueCapabilities) -> None:
    """Once, for what is held of both legs, where the venue does such things."""
    lane, merges = merges_of(abilities)
    (left,) = lane.trader.state.positions.values()

    assert [(contracts(4), money("4"))] == [(merge.size, merge.payout) for merge in merges]
    assert (Leg.YES, contracts(6)) == (left.leg, left.size)
    assert refold(lane.journal) == lane.trader.state


def test_pairs_stay_where_nothing_merges_them() -> None:
    """Both legs are kept to the end of the market."""
    lane, merges = merges_of(NO_CAPABILITIES)

    assert [] == merges
    assert 2 == len(lane.trader.state.positions)


def test_nothing_is_merged_while_durability_is_lost() -> None:
    """The reserve is for leaving."""
    lane, _ = merges_of(NO_CAPABILITIES)
    execution = lane.trader.execution
    assert isinstance(execution, PaperExecution)
    execution.venue = NETS
    lane.trader.degrade("disk full")

    assert [] == of_type(lane.tick(a_book()), ev.Merged)


def test_a_merge_that_is_told_again_or_of_nothing() -> None:
    """Once counts, and what cannot be ours is noted and changes nothing."""
    lane, wanting = a_scene(BUY)
    wanting.wants = []
    venue_of(lane).say(Merged("m", "M-1", contracts(1), money("1")))
    (stray,) = of_type(lane.tick(a_book()), ev.Error)

    assert ("execution:stray_merge", "M-1 m") == (stray.where, stray.message)
    for leg in Leg:
        wanting.wants = [a_signal(leg=leg, size=contracts(3))]
        lane.tick(a_book())
        venue_of(lane).say(filled(venue_of(lane).submitted[-1]))
    wanting.wants = []
    venue_of(lane).say(*[Merged("m", "M-1", contracts(1), money("1"))] * 2)
    told = lane.tick(a_book())

    assert ["m"] == [merge.merge for merge in of_type(told, ev.Merged)]
    assert {contracts(2)} == {held.size for held in lane.trader.state.positions.values()}


def test_venues_do_not_merge_unless_they_say_so() -> None:
    """A venue that has no such ability says so when it is asked."""
    venue = ScriptedExecution()

    assert NO_CAPABILITIES == venue.abilities
    with pytest.raises(NotImplementedError, match="m: ScriptedExecution cannot merge"):
        venue.merge("m", "M-1", contracts(1), NOON)


# -- peaks ---------------------------------------------------------------------------------------


def peaks(events: list[ev.Event]) -> list[int]:
    """Return the peaks that were written down, in dollars times a thousand."""
    return [peak.equity // 10**9 for peak in of_type(events, ev.EquityPeak)]


def at_bid(bid: str) -> Any:
    """Return the book with one bid."""
    return a_book(bids={bid: "100"}, asks={"0.99": "100"})


def test_a_new_peak_is_written_when_it_is_worth_a_line() -> None:
    """From a tenth of a percent on; the fall from it counts at once."""
    lane, wanting = a_scene(BUY)
    lane.tick(a_book())
    venue_of(lane).say(filled(venue_of(lane).submitted[0]))
    wanting.wants = []
    lane.tick(a_book())

    assert [] == peaks(lane.tick(at_bid("0.49")))
    assert [100_200] == peaks(lane.tick(at_bid("0.50")))
    assert [] == peaks(lane.tick(at_bid("0.50")))
    assert [] == peaks(lane.tick(at_bid("0.40")))
    assert money("1") == lane.trader.exposure().drawdown


def test_a_day_opens_with_any_new_peak() -> None:
    """Also a smaller one than is worth a line within the day."""
    lane, wanting = a_scene(BUY)
    lane.tick(a_book())
    venue_of(lane).say(filled(venue_of(lane).submitted[0]))
    wanting.wants = []
    lane.tick(at_bid("0.49"))
    lane.clock.now = Micros(lane.clock.now + 86_400 * 10**6)

    assert [100_100] == peaks(lane.tick(at_bid("0.49")))


def test_no_peak_is_written_while_durability_is_lost() -> None:
    """The reserve is for leaving."""
    lane, wanting = a_scene(BUY)
    lane.tick(a_book())
    venue_of(lane).say(filled(venue_of(lane).submitted[0]))
    wanting.wants = []
    lane.tick(a_book())
    lane.trader.degrade("disk full")

    assert [] == peaks(lane.tick(at_bid("0.80")))
