"""A lane, tick by tick."""

from itertools import repeat
from typing import Any

import attrs
import pytest

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.core.domain import events as ev
from market_bot.core.domain.book import Side
from market_bot.core.domain.exposure import exposure_of
from market_bot.core.domain.market import Leg, MarketStatus
from market_bot.core.domain.numbers import (
    NO_MONEY,
    SECOND,
    Duration,
    Micros,
    money,
    price,
)
from market_bot.core.domain.orders import OrderState, Purpose, Style
from market_bot.core.domain.risk.api import Rule
from market_bot.core.domain.settings import Cooldown, Filters
from market_bot.core.domain.signals import Signal, Wanted, Withdraw
from market_bot.core.ports.execution import (
    Accepted,
    Cancelled,
    Confirmed,
    Refused,
    Rejected,
    Reversed,
    Settled,
    Unknown,
)
from market_bot.core.ports.journal import DurabilityLostError
from market_bot.core.ports.market_data import Capability, MarketDataError
from tests.fakes.builders import (
    LIMITS,
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
from tests.fakes.clock import NOON
from tests.fakes.execution import ScriptedExecution, filled
from tests.fakes.journal import ListJournal
from tests.fakes.market_data import FAILURE, FULL, ScriptedMarketData
from tests.fakes.recording_sink import Fact

TOUCH: Fact = ("trade", "M-1", Side.BID, cents(50), contracts(1), NOON, None)
BUY = a_signal(size=contracts(10))


@attrs.define(eq=False)
class Scene:
    """A started lane with one market, a strategy that wants what it is told, and a venue."""

    lane: Lane
    wanting: Wanting
    venue: ScriptedExecution

    def tick(self, *facts: Fact) -> list[ev.Event]:
        """Take one tick at which something happens in the market."""
        return self.lane.tick(*facts, TOUCH)

    def wants(self, *signals: Signal) -> None:
        """Change what the strategy wants."""
        self.wanting.wants = list(signals)

    def buys(self, quantity: int = 10) -> None:
        """Buy and hold contracts, then want nothing."""
        self.wants(attrs.evolve(BUY, size=contracts(quantity)))
        self.tick()
        self.venue.say(filled(self.venue.submitted[-1]))
        self.wants()
        self.tick()


def a_scene(
    *wants: Signal,
    answers: tuple[Any, ...] = (),
    capabilities: frozenset[Capability] = FULL,
    journal: ListJournal | None = None,
    **changes: Any,
) -> Scene:
    """Return a scene in which the market and its book are known already."""
    wanting, venue = Wanting(*wants), ScriptedExecution(*answers)
    lane = a_lane(
        lane_settings(a_strategy(wanting), **changes),
        lambda _: venue,
        data=ScriptedMarketData(capabilities=capabilities),
        opening=[announced(a_market()), a_book()],
        journal=journal,
    )
    lane.start()
    return Scene(lane, wanting, venue)


def kinds(events: list[ev.Event]) -> list[str]:
    """Return the names of facts."""
    return [event.TYPE for event in events]


def denials(events: list[ev.Event]) -> list[tuple[str, list[str], int]]:
    """Return phase, gates and count of every denial."""
    return [(d.phase, [gate.name for gate in d.gates], d.count) for d in of_type(events, ev.Denied)]


def test_an_entry_from_wish_to_fill() -> None:
    """Signal and intent are written before the order is sent, the answer after it."""
    scene = a_scene(BUY)

    first = scene.tick()

    assert ["day_opened", "signal", "order_intent", "order_accepted", "scan"] == kinds(first)
    (intent,) = scene.venue.submitted
    (written,) = of_type(first, ev.OrderIntent)
    assert (intent.id, contracts(10), cents(48), cents(50)) == (
        written.intent,
        written.size,
        written.price,
        written.mid,
    )
    assert scene.lane.clock.now + BUY.patience == written.expires_at
    scene.venue.say(filled(intent))
    assert "fill" == kinds(scene.tick())[0]
    assert contracts(10) == scene.lane.trader.state.positions["M-1:yes"].size


def test_one_order_at_a_time() -> None:
    """While an order lives its wish waits quietly."""
    scene = a_scene(BUY)
    scene.tick()

    assert ["scan"] == kinds(scene.tick())
    scene.venue.say(Cancelled(scene.venue.submitted[0].id, "expired"))
    assert ["order_cancelled", "order_intent", "order_accepted", "scan"] == kinds(scene.tick())
    assert scene.venue.submitted[0].id != scene.venue.submitted[1].id


def test_sizing_rounds_down() -> None:
    """Without a wanted size the order costs at most what was decided."""
    scene = a_scene(a_signal(price=cents(47)))
    scene.tick()

    assert contracts(10) == scene.venue.submitted[0].draft.size


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Accepted("v"), OrderState.ACCEPTED),
        (Rejected("no"), OrderState.REJECTED),
        (Unknown("timeout"), OrderState.UNKNOWN),
    ],
)
def test_answers(answer: Any, state: OrderState) -> None:
    """Each answer of a venue has its own state."""
    scene = a_scene(BUY, answers=(answer,))
    scene.tick()
    order = scene.lane.trader.state.order(scene.venue.submitted[0].id)

    assert order is not None
    assert state is order.state


def test_doubt_is_resolved_by_proof_only() -> None:
    """An order of unknown fate is never sent again, until the venue tells what became of it."""
    scene = a_scene(BUY, answers=(Unknown("timeout"), Unknown("timeout")))
    for _ in range(5):
        scene.tick()
    (first,) = scene.venue.submitted

    scene.venue.say(Refused(first.id, "not_found"))
    scene.tick()
    second = scene.venue.submitted[1]
    scene.venue.say(Confirmed(second.id, "v-2"))
    scene.tick()

    orders = scene.lane.trader.state
    assert OrderState.REJECTED is orders.finished[first.id].state
    assert ("v-2", OrderState.ACCEPTED) == (
        orders.orders[second.id].venue_order,
        orders.orders[second.id].state,
    )


def test_every_refusing_gate_is_listed() -> None:
    """Soft gates and hard limits all show, in order, and nothing is sent."""
    huge = a_signal(size=contracts(1_000), price=price("0.485"))
    scene = a_scene(
        huge,
        capabilities=frozenset({Capability.QUOTES}),
        filters=Filters(families_exclude=("F-1",), price_min=cents(60)),
    )
    (begun,) = denials(scene.tick())

    assert (
        "begin",
        [
            "price_grid",
            "data_claims_fills",
            "families_exclude",
            "price_min",
            "free_cash",
            "max_order_usd",
            "max_position_usd",
            "max_total_exposure_usd",
        ],
        1,
    ) == begun
    assert [] == scene.venue.submitted


def test_a_denial_is_told_when_it_begins_changes_and_ends() -> None:
    """Not at every tick; the end says how many ticks it lasted."""
    scene = a_scene(a_signal(size=contracts(30)))

    assert [("begin", ["max_order_usd"], 1)] == denials(scene.tick())
    assert [] == denials(scene.tick())
    scene.wants(a_signal(size=contracts(60)))
    assert [("begin", ["max_order_usd", "max_position_usd"], 1)] == denials(scene.tick())
    assert [] == denials(scene.tick())
    scene.wants(BUY)
    assert [("end", [], 4)] == denials(scene.tick())
    assert 1 == len(scene.venue.submitted)


def test_a_denial_ends_when_nobody_wants_it() -> None:
    """A wish that was dropped ends its denial, and the next one begins anew."""
    scene = a_scene(a_signal(size=contracts(30)))
    scene.tick()
    scene.wants()

    assert [("end", [], 1)] == denials(scene.tick())
    assert [] == denials(scene.tick())
    scene.wants(a_signal(size=contracts(30)))
    assert [("begin", ["max_order_usd"], 1)] == denials(scene.tick())


def test_a_scan_counts() -> None:
    """Denied drafts count at every tick, new or not."""
    scene = a_scene(a_signal(size=contracts(30)), a_signal(leg=Leg.NO))
    scene.tick()
    (scan,) = of_type(scene.tick(), ev.Scan)

    assert (1, 1, 2, 1, 0) == (
        scan.markets,
        scan.views,
        scan.signals,
        scan.denied,
        scan.intents,
    )
    assert money("100") == scan.equity


def test_a_quiet_market_is_not_looked_at() -> None:
    """Where nothing happened and nothing is held the strategy is not asked."""
    scene = a_scene()
    scene.tick()
    scene.lane.tick()

    assert 1 == scene.wanting.asked
    scene.buys()
    asked = scene.wanting.asked
    scene.lane.tick()
    assert asked + 1 == scene.wanting.asked


def test_cooldowns_hold() -> None:
    """After an entry the market rests."""
    scene = a_scene(cooldown=Cooldown(after_entry=Duration(3 * SECOND), after_exit=Duration(0)))
    scene.buys()
    scene.wants(BUY)

    assert [("begin", ["cooldown_after_entry"], 1)] == denials(scene.tick())
    scene.tick()
    assert [("end", [], 2)] == denials(scene.tick())


def test_the_same_moment_never_sends_one_id_twice() -> None:
    """A wish dropped and raised again within a microsecond is another order."""
    scene = a_scene(BUY, answers=(Rejected("a"), Rejected("b")))
    trader, now = scene.lane.trader, scene.lane.clock.now
    trader.tick(now)
    scene.wants()
    scene.lane.data.then(TOUCH)
    trader.tick(now)
    scene.wants(BUY)
    scene.lane.data.then(TOUCH)
    trader.tick(now)

    first, second = scene.venue.submitted
    assert first.id != second.id
    assert 0 == trader.state.anomalies


# -- leaving -------------------------------------------------------------------------------------


def test_an_exit_is_decided_then_sent() -> None:
    """The reason is written before the intent, and all that is settled is sold."""
    scene = a_scene()
    scene.buys()
    scene.wants(an_exit())
    events = scene.tick()

    assert ["signal", "exit", "order_intent", "order_accepted", "scan"] == kinds(events)
    assert (contracts(10), True) == (
        scene.venue.submitted[-1].draft.size,
        scene.venue.submitted[-1].reduce_only,
    )


def test_exits_are_capped_by_what_is_free() -> None:
    """Sales in flight, also those in doubt, leave only the rest to sell, whoever wants it."""
    wanting, venue = Wanting(), ScriptedExecution(Accepted("v"), Unknown("timeout"))
    other = Wanting()
    lane = a_lane(
        lane_settings(a_strategy(wanting), a_strategy(other, "other")),
        lambda _: venue,
        opening=[announced(a_market()), a_book()],
    )
    lane.start()
    scene = Scene(lane, wanting, venue)
    scene.buys()
    wanting.wants = [an_exit(size=contracts(7))]
    other.wants = [an_exit(size=contracts(7))]
    scene.tick()

    assert [contracts(7), contracts(3)] == [i.draft.size for i in venue.submitted[1:]]


def test_provisional_purchases_are_not_sold() -> None:
    """What may still be undone is not ours to sell, until it is settled."""
    scene = a_scene(BUY)
    scene.tick()
    (bought,) = scene.venue.submitted
    scene.venue.say(attrs.evolve(filled(bought), provisional=True))
    scene.wants(an_exit())
    scene.tick()
    assert 1 == len(scene.venue.submitted)

    scene.venue.say(Settled(bought.id, f"{bought.id}/1"))
    scene.tick()
    assert contracts(10) == scene.venue.submitted[1].draft.size


def test_an_undone_fill_reaches_the_journal() -> None:
    """The position goes as it came."""
    scene = a_scene(BUY)
    scene.tick()
    (bought,) = scene.venue.submitted
    scene.venue.say(attrs.evolve(filled(bought), provisional=True))
    scene.tick()
    scene.venue.say(Reversed(bought.id, f"{bought.id}/1", "failed"))
    scene.wants()

    assert "fill_reversed" == kinds(scene.tick())[0]
    assert {} == scene.lane.trader.state.positions


def test_nothing_to_sell_is_no_order() -> None:
    """A wish to leave what is not held is passed over."""
    scene = a_scene(an_exit())

    assert ["day_opened", "scan"] == kinds(scene.tick())


@pytest.mark.parametrize("state", ["loss", "halt", "filters"])
def test_exits_pass_where_entries_do_not(state: str) -> None:
    """Neither losses, halts nor filters stand in the way of leaving."""
    filters = Filters(price_min=cents(40)) if state == "filters" else Filters()
    scene = a_scene(filters=filters)
    scene.buys(20)
    book = a_book(bids={"0.05": "100"}, asks={"0.06": "100"})
    if state == "halt":
        scene.lane.controls.append(ev.Halt(by="ann", reason="news"))
    scene.wants(an_exit(price=cents(5)), a_signal(leg=Leg.NO, price=cents(50), size=contracts(1)))
    events = scene.tick(book)
    refused = [gates for _, gates, _ in denials(events)]

    assert contracts(20) == scene.venue.submitted[-1].draft.size
    if state == "loss":
        assert [["max_daily_loss_usd"]] == refused
    if state == "halt":
        assert "halted" in refused[0]


# -- controls ------------------------------------------------------------------------------------


def test_a_halt_cancels_entries_and_stops_new_ones() -> None:
    """It works within its tick, and a resume lifts it."""
    scene = a_scene(BUY)
    scene.tick()
    (entry,) = scene.venue.submitted
    scene.lane.controls.append(ev.Halt(by="ann", reason="news"))
    scene.tick()
    scene.venue.say(Cancelled(entry.id, "cancelled"))

    assert [entry.id] == scene.venue.cancels
    assert [("begin", ["halted"], 1)] == denials(scene.tick())
    scene.lane.controls.append(ev.Resume(by="ann"))
    assert [("end", [], 1)] == denials(scene.tick())
    assert 2 == len(scene.venue.submitted)


def test_a_halt_leaves_exits_working() -> None:
    """Only entries are cancelled."""
    scene = a_scene()
    scene.buys()
    scene.wants(an_exit())
    scene.tick()
    scene.lane.controls.append(ev.Halt(by="ann", reason="news"))
    scene.tick()

    assert [] == scene.venue.cancels


def test_flattening_sells_everything_bid_for() -> None:
    """No strategy is asked; a leg nobody bids for has to wait."""
    scene = a_scene()
    scene.buys()
    scene.wants(a_signal(leg=Leg.NO))
    scene.lane.controls.append(ev.Halt(by="ann", reason="out", flatten=True))
    asked = scene.wanting.asked
    scene.lane.tick(a_book(bids={}))
    assert 1 == len(scene.venue.submitted)

    events = scene.lane.tick(a_book(bids={"0.30": "1"}))

    assert asked == scene.wanting.asked
    assert (cents(30), contracts(10), Style.TAKER) == (
        scene.venue.submitted[1].draft.signal.price,
        scene.venue.submitted[1].draft.size,
        scene.venue.submitted[1].draft.signal.style,
    )
    assert ["flatten"] == [e.reason for e in of_type(events, ev.Exit)]


# -- facts ---------------------------------------------------------------------------------------


def test_a_repeated_fill_is_journaled_once() -> None:
    """Venues tell each fact at least once; the journal holds it once."""
    scene = a_scene(BUY)
    scene.tick()
    (intent,) = scene.venue.submitted
    scene.wants()
    scene.venue.say(filled(intent), filled(intent))
    scene.venue.say(filled(intent))

    assert 1 == len(of_type(scene.tick() + scene.tick(), ev.Fill))


def test_a_strangers_fill_is_told() -> None:
    """A fill of an order this lane never sent changes nothing and is not passed over."""
    scene = a_scene(BUY, answers=(Accepted("v"),))
    scene.tick()
    stranger = attrs.evolve(filled(scene.venue.submitted[0]), intent="mb-stranger")
    scene.venue.say(stranger)
    (error,) = of_type(scene.tick(), ev.Error)

    assert "execution:stray_fill" == error.where
    assert "mb-stranger" in error.message
    assert {} == scene.lane.trader.state.positions


def test_a_resolution_pays_once() -> None:
    """A market that ends pays, and is over."""
    scene = a_scene()
    scene.buys()
    won: Fact = ("resolution", "M-1", price("1"), NOON)

    assert ["market_resolved"] == kinds(scene.tick(won, won))[:1]
    assert money("105.2") == scene.lane.trader.state.cash
    assert "market_resolved" not in kinds(scene.tick(won))


def test_a_print_before_the_end_fills_before_the_end() -> None:
    """Within one tick a fill is written before the resolution that pays it."""
    wanting = Wanting(a_signal(size=contracts(10), price=cents(49)))
    lane = a_lane(
        lane_settings(a_strategy(wanting)),
        lambda world: PaperExecution(world, FULL),
        opening=[announced(a_market()), a_book()],
    )
    lane.start()
    lane.tick()
    events = lane.tick(
        ("trade", "M-1", Side.ASK, cents(49), contracts(10), lane.clock.now, None),
        ("resolution", "M-1", price("1"), NOON),
    )

    assert ["fill", "market_resolved"] == kinds(events)[:2]
    assert money("105.1") == lane.trader.state.cash


def test_a_failing_source_fails_the_tick_only() -> None:
    """What came before the failure is consumed, and the next tick goes on."""
    scene = a_scene(BUY)
    scene.tick()
    scene.lane.data.then(("gap", "", "lost", NOON), FAILURE)
    with pytest.raises(MarketDataError):
        scene.lane.tick()

    assert not scene.lane.trader.world.tradable("M-1")
    assert "scan" == kinds(scene.lane.tick())[-1]


@pytest.mark.parametrize(
    ("fact", "gates"),
    [
        (("status", "M-1", MarketStatus.PAUSED, NOON), ["market_open"]),
        (
            ("gap", "", "lost", NOON),
            ["market_open", "max_book_distance", "max_price_distance"],
        ),
    ],
)
def test_no_order_where_nothing_trades(fact: Fact, gates: list[str]) -> None:
    """A paused market and a broken book refuse everything."""
    scene = a_scene()
    scene.tick()
    scene.wants(BUY)

    assert [("begin", gates, 1)] == denials(scene.tick(fact))
    assert [] == scene.venue.submitted


# -- days ----------------------------------------------------------------------------------------


def test_a_day_opens_once() -> None:
    """At its first tick, with the equity of that moment; a clock set back opens no other day."""
    scene = a_scene()
    trader, midnight = scene.lane.trader, Micros(NOON + 12 * 3_600 * SECOND)
    scene.tick()
    for moment in (midnight, midnight + SECOND, midnight - SECOND, midnight + SECOND):
        trader.tick(Micros(moment))

    days = of_type(scene.lane.journal.events, ev.DayOpened)
    assert ["2026-01-05", "2026-01-06"] == [day.date for day in days]


def test_the_daily_loss_counts_marks() -> None:
    """A position that lost its bid has lost its worth; at the limit entries stop."""
    scene = a_scene()
    scene.buys(20)
    scene.wants(a_signal(leg=Leg.NO, price=cents(50), size=contracts(1)))
    # Twenty contracts for 9.60, now worth 4.60: exactly the five dollars that may be lost.
    events = scene.tick(a_book(bids={"0.23": "100"}, asks={"0.52": "1"}))

    assert [("begin", ["max_daily_loss_usd"], 1)] == denials(events)
    assert money("95") == scene.lane.trader.equity()


def test_equity_without_a_bid() -> None:
    """What nobody bids for is worth nothing, or its cost where a day opens."""
    scene = a_scene()
    scene.buys()
    scene.lane.tick(a_book(bids={}))
    trader = scene.lane.trader

    assert money("95.2") == trader.equity()
    assert money("100") == trader.equity(unmarked_at_cost=True)
    now, terms = scene.lane.clock.now, trader.world.terms
    assert exposure_of(trader.state, trader.equity(), terms, now) == trader.exposure()


# -- strategies ----------------------------------------------------------------------------------


def test_a_strategy_that_keeps_failing_is_left_out() -> None:
    """Three faults silence it for a while; its neighbour trades on."""

    def fails(*_: Any) -> list[Signal]:
        raise ZeroDivisionError

    wanting, venue = Wanting(BUY), ScriptedExecution()
    lane = a_lane(
        lane_settings(a_strategy(fails, "bad"), a_strategy(wanting)),
        lambda _: venue,
        opening=[announced(a_market()), a_book()],
    )
    lane.start()
    scene = Scene(lane, wanting, venue)
    counts = [[e.count for e in of_type(scene.tick(), ev.Error)] for _ in range(5)]

    assert [[1], [2], [3], [], []] == counts
    assert 1 == len(venue.submitted)
    lane.clock.advance(Duration(600 * SECOND))
    assert 1 == len(of_type(scene.tick(), ev.Error))


def test_a_strategy_may_withdraw_its_own_orders() -> None:
    """Only those of the leg and purpose it names, and never its neighbour's."""
    wishes: list[Wanted] = [BUY, attrs.evolve(BUY, leg=Leg.NO)]
    venue = ScriptedExecution()
    lane = a_lane(
        lane_settings(a_strategy(lambda *_: wishes), a_strategy(Wanting(BUY), "other")),
        lambda _: venue,
        opening=[announced(a_market()), a_book()],
    )
    lane.start()
    lane.tick(TOUCH)
    mine = venue.submitted[0]
    wishes[:] = [Withdraw(market="M-1", leg=Leg.YES, purpose=Purpose.ENTRY)]
    lane.tick(TOUCH)

    assert 3 == len(venue.submitted)
    assert [mine.id] == venue.cancels


def test_a_strategy_stays_inside_its_event() -> None:
    """A wish for another event's market is refused and told."""
    wishes = [BUY, attrs.evolve(BUY, market="M-9")]
    venue = ScriptedExecution()
    lane = a_lane(
        lane_settings(a_strategy(lambda view, *_: wishes if view.event == "E-1" else [])),
        lambda _: venue,
        opening=[announced(a_market()), announced(a_market("M-9", event="E-9")), a_book()],
    )
    lane.start()
    events = lane.tick()

    assert ["signal outside its event"] == [e.message for e in of_type(events, ev.Error)]
    assert ["M-1"] == [intent.draft.signal.market for intent in venue.submitted]


@pytest.mark.parametrize(
    "change",
    [
        {"price": 480_000.0},
        {"price": None},
        {"price": 10**40},
        {"size": 3e6},
        {"size": True},
        {"size": False},
        {"size": 10**40},
        {"belief": float("nan")},
        {"belief": 1_000_001},
        {"edge": 0.01},
        {"leg": "yes"},
        {"purpose": None},
        {"patience": -1},
        {"patience": 10**30},
        {"reason": "\ud800"},
        {"reason": "a" * 201},
    ],
    ids=str,
)
def test_nonsense_of_a_strategy_is_its_own_fault(change: dict[str, Any]) -> None:
    """What is no wish is told and not followed; the lane and the other strategies go on."""
    bad = attrs.evolve(BUY, **change)
    venue = ScriptedExecution()
    lane = a_lane(
        lane_settings(
            a_strategy(lambda *_: [bad], name="mad"), a_strategy(lambda *_: [BUY], name="sane")
        ),
        lambda _: venue,
        opening=[announced(a_market()), a_book()],
    )
    lane.start()

    assert ["strategy:mad"] == [e.where for e in of_type(lane.tick(), ev.Error)]
    assert ["sane"] == [intent.draft.strategy for intent in venue.submitted]


def test_a_strategy_without_end_is_cut_short() -> None:
    """Wishes that never stop coming are a fault and fill no memory."""
    lane = a_lane(
        lane_settings(a_strategy(lambda *_: repeat(BUY))),
        lambda _: ScriptedExecution(),
        opening=[announced(a_market()), a_book()],
    )
    lane.start()

    assert ["OverflowError"] == [e.message for e in of_type(lane.tick(), ev.Error)]


def a_nomad(limit: str) -> Lane:
    """Return a lane that buys three contracts of one market wherever it is announced."""
    wish = attrs.evolve(BUY, style=Style.TAKER, price=cents(52), size=contracts(3))
    lane = a_lane(
        lane_settings(
            a_strategy(lambda *_: [wish]), limits={**LIMITS, "max_event_loss_usd": money(limit)}
        ),
        lambda world: PaperExecution(world, FULL),
        opening=[announced(a_market()), a_book()],
    )
    lane.start()
    lane.tick()
    return lane


def test_a_moved_market_takes_its_position_along() -> None:
    """What is held counts for the event to which its market belongs now: the limit holds."""
    lane = a_nomad("2")
    for number in range(2, 5):
        lane.tick(announced(a_market(event=f"E-{number}")), a_book())
    state = lane.trader.state

    assert [contracts(3)] == [held.size for held in state.positions.values()]
    assert {"E-4": money("1.56")} == lane.trader.exposure().by_event


def test_a_moved_market_can_be_left() -> None:
    """To flatten finds a position whose market belongs to another event than at its purchase."""
    lane = a_nomad("2")
    lane.controls.append(ev.Halt(by="tests", reason="flatten", flatten=True))
    lane.tick(announced(a_market(event="E-2")), a_book())
    lane.tick()

    assert {} == lane.trader.state.positions


def test_the_first_wish_of_its_kind_counts() -> None:
    """A strategy that wants the same twice gets it once."""
    scene = a_scene(BUY, attrs.evolve(BUY, price=cents(40)))
    scene.tick()

    assert [cents(48)] == [i.draft.signal.price for i in scene.venue.submitted]


def test_a_broken_rule_stops_entries() -> None:
    """Fail closed, and say which rule it was."""

    def judge(*_: Any) -> Any:
        raise KeyError

    broken = Rule(name="broken", summary="Broken.", judge=judge)
    scene = a_scene(BUY, rules=(broken,))

    assert [("begin", ["broken"], 1)] == denials(scene.tick())
    assert [] == scene.venue.submitted


# -- durability ----------------------------------------------------------------------------------


def test_without_durability_nothing_is_opened() -> None:
    """Exits still go out, what explains is no longer written, and `open` mends it."""
    scene = a_scene()
    scene.buys()
    scene.lane.trader.degrade("disk full")
    scene.wants(BUY, an_exit())
    events = scene.tick()

    assert ["venue_state", "exit", "order_intent", "order_accepted"] == kinds(events)
    assert [Purpose.EXIT] == [i.purpose for i in of_type(events, ev.OrderIntent)]
    scene.lane.controls.append(ev.VenueState(state="open"))
    assert Purpose.ENTRY in [i.purpose for i in of_type(scene.tick(), ev.OrderIntent)]


def test_a_degraded_state_may_come_from_outside() -> None:
    """A control says so as well as a failed write."""
    scene = a_scene(BUY)
    scene.lane.controls.append(ev.VenueState(state="degraded", reason="disk"))
    scene.tick()

    assert [] == scene.venue.submitted
    assert "disk" == scene.lane.trader.degraded


def test_a_halt_that_could_not_be_written_is_not_forgotten() -> None:
    """It is written with the next tick that can."""
    journal = ListJournal(fails_at={2})
    scene = a_scene(BUY, journal=journal)
    scene.lane.controls.append(ev.Halt(by="ann", reason="news"))
    with pytest.raises(DurabilityLostError):
        scene.tick()
    scene.tick()

    assert "ann: news" == scene.lane.trader.state.halted
    assert [] == scene.venue.submitted


def test_an_answer_that_could_not_be_written_is_not_forgotten() -> None:
    """A refusal lost with a full disk would hold its reservation for ever."""
    # Start, day, signal, intent are written; the venue's answer is not.
    journal = ListJournal(fails_at={5})
    scene = a_scene(BUY, answers=(Rejected("no"),), journal=journal)
    with pytest.raises(DurabilityLostError):
        scene.tick()
    (intent,) = scene.venue.submitted
    assert OrderState.INTENDED is scene.lane.trader.state.orders[intent.id].state
    scene.wants()
    scene.tick()

    assert OrderState.REJECTED is scene.lane.trader.state.finished[intent.id].state


def test_an_intent_that_could_not_be_written_is_not_sent() -> None:
    """Nothing leaves before it is on disk."""
    scene = a_scene(BUY, journal=ListJournal(fails_at={4}))
    with pytest.raises(DurabilityLostError):
        scene.tick()

    assert [] == scene.venue.submitted
    assert NO_MONEY == scene.lane.trader.exposure().total


def test_checkpoints_come_before_facts() -> None:
    """Where the journal asks for one, the state so far is written first."""
    journal = ListJournal(wants_checkpoints=True)
    scene = a_scene(BUY, journal=journal)
    scene.tick()
    names = kinds(journal.events)

    assert {"checkpoint"} == set(names[::2])
    assert refold(journal) == scene.lane.trader.state


def test_the_end_of_a_lane() -> None:
    """What rests is cancelled, what is known is written, and the last line says so."""
    scene = a_scene(BUY)
    scene.tick()
    commits = scene.lane.journal.commits
    (intent,) = scene.venue.submitted
    scene.venue.say(Cancelled(intent.id, "cancelled"))
    scene.lane.trader.finish("asked", "d", scene.lane.clock.now)

    assert [intent.id] == scene.venue.cancels
    assert ["order_cancelled", "bot_stopped"] == kinds(scene.lane.journal.events[-2:])
    assert commits + 1 == scene.lane.journal.commits


def test_observers_hear_what_was_written() -> None:
    """Each fact once, after it is folded."""
    scene = a_scene(BUY)
    heard: list[ev.Event] = []
    scene.lane.trader.recorder.observers.append(lambda event, _: heard.append(event))

    assert scene.tick() == heard


def test_a_worker_that_came_back_says_nothing_of_the_journal() -> None:
    """A lane that lost durability stays closed when its thread recovers from a stall."""
    lane = a_lane(lane_settings(), lambda _: ScriptedExecution())
    lane.start()
    lane.trader.degrade("disk full")
    lane.tick()
    for state in ("stalled", "open"):
        lane.controls.append(ev.VenueState(state=state))
        lane.tick()

    assert "disk full" == lane.trader.degraded
    assert "open" == lane.trader.state.venue
