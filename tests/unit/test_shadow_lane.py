"""The settings before a trial, on paper beside the lane: they see the same and disturb nothing."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.adapters.simulated.paper_desk import paper_desk
from market_bot.adapters.simulated.sim_settings import DAY, PRESETS
from market_bot.adapters.simulated.sim_venue import SimulatedVenue
from market_bot.core.domain import events as ev
from market_bot.core.domain.hot_change import SettingsRefused
from market_bot.core.domain.numbers import Duration, Micros, money
from market_bot.core.domain.settings import ActiveStrategy, LaneSettings
from market_bot.core.ports.execution import Cancelled, Execution, Fact
from market_bot.core.usecases.shadow_lane import LONGEST, ShadowLane
from market_bot.core.usecases.shared_world import CountingJournal, DrainedData
from tests.fakes.builders import every_rule, every_strategy, lane_settings
from tests.fakes.sim_lane import WIDE, SimLane, a_sim_lane

TRIAL = "t1"
BEGAN = 100
STARTED = ev.TrialStarted(
    trial=TRIAL,
    proposal="p1",
    path="sizing.order_usd",
    before="20",
    after="10",
    baseline={"shadow": "yes"},
)


def settings(**limits: str) -> LaneSettings:
    """Return the settings of a lane that quotes a lot."""
    strategy = every_strategy()["market_making"]
    active = ActiveStrategy(strategy=strategy, params=strategy.params())
    rules = tuple(
        rule for key, rule in every_rule().items() if key in (*WIDE, "free_cash", "halted")
    )
    wide = {**WIDE, **{name: money(limit) for name, limit in limits.items()}}
    return lane_settings(active, cash=money("100000"), limits=wide, rules=rules)


@attrs.define(eq=False)
class Beside:
    """A lane on paper in a simulated world, with a shadow and what it takes from outside."""

    lane: SimLane
    shadow: ShadowLane
    waiting: list[ev.Event] = attrs.field(factory=list)

    def controls(self) -> list[ev.Event]:
        """Return what waits and what the shadow tells."""
        taken, self.waiting = self.waiting, []
        return [*taken, *self.shadow.take()]

    def run(self, ticks: int, *first: ev.Event) -> None:
        """Take so many ticks, with facts from outside at the first of them."""
        self.waiting.extend(first)
        self.lane.run(ticks)

    def tallies(self) -> list[ev.ShadowTally]:
        """Return what the journal has of the shadow."""
        return [event for event in self.facts() if isinstance(event, ev.ShadowTally)]

    def facts(self) -> list[ev.Event]:
        """Return all facts of the journal."""
        return [entry.event for entry in self.lane.journal.read() if entry.event is not None]

    def begun(self) -> int:
        """Return how many entries the lane began since the trial."""
        facts = self.facts()
        facts = facts[facts.index(STARTED) :]
        intents = [e for e in facts if isinstance(e, ev.OrderIntent) and e.purpose.value == "entry"]
        return len({intent.signal for intent in intents})


def on_paper(lane: SimLane) -> Callable[[LaneSettings], Execution]:
    """Return what makes desks in the lane's world."""
    trader = lane.trader
    return lambda own: paper_desk("kalshi", own.fills, trader.world, trader.data.capabilities)


def beside(
    former: Callable[[LaneSettings, str, str], LaneSettings] = lambda now, _path, _before: now,
    desk: Callable[[LaneSettings], Execution] | None = None,
) -> Beside:
    """Return a lane that has traded a while."""
    world = attrs.evolve(PRESETS["default"], lasts=Duration(DAY // 4))
    lane = a_sim_lane(SimulatedVenue(7, settings=world), settings())
    lane.trader.execution = on_paper(lane)(lane.trader.settings)
    made = Beside(lane, ShadowLane(lane=lane.trader, former=former, desk=desk or on_paper(lane)))
    lane.trader.beside = made.shadow
    lane.trader.controls = made.controls
    made.run(BEGAN)
    return made


def ended(verdict: str = "keep") -> ev.TrialEnded:
    """Return the end of the trial."""
    return ev.TrialEnded(trial=TRIAL, verdict=verdict, reason="")


def test_with_the_same_settings_it_does_the_same() -> None:
    """As many trades are begun, and the equity moves by the same amount."""
    both = beside()
    trader = both.lane.trader
    worth = trader.equity()
    both.run(250, STARTED)
    counted, gained = both.begun(), trader.equity() - worth
    both.run(1)

    told = both.tallies()
    assert counted > 20
    assert sum(tally.entries for tally in told) == counted
    assert not any(tally.over for tally in told)
    last = next(tally for tally in reversed(told) if tally.gain is not None)
    assert last.gain is not None
    assert gained == pytest.approx(last.gain, abs=abs(gained) // 20 + money("1"))


def test_other_settings_do_otherwise() -> None:
    """Settings that refuse everything begin nothing, whatever the lane begins."""
    both = beside(lambda _now, _path, _before: settings(max_order_usd="0.01"))
    both.run(250, STARTED)

    assert both.begun() > 20
    assert 0 == sum(tally.entries for tally in both.tallies())
    assert both.tallies()


def test_the_lane_does_not_notice() -> None:
    """Its journal is the one it has without a shadow, but for what the shadow tells."""
    refusing = beside(lambda _now, _path, _before: settings(max_order_usd="0.01"))
    alone = beside()
    refusing.run(250, STARTED)
    alone.run(250, attrs.evolve(STARTED, baseline={"shadow": "no"}))

    def without(facts: list[ev.Event]) -> list[ev.Event]:
        return [e for e in facts if not isinstance(e, (ev.ShadowTally, ev.TrialStarted))]

    assert without(refusing.facts()) == without(alone.facts())
    assert [] == alone.tallies()


def test_a_fork_has_the_same_in_mind() -> None:
    """Wishes with their pauses, and what rests: the desk has it, at the end of the queue."""
    both = beside()
    trader = both.lane.trader
    desk, now = on_paper(both.lane)(trader.settings), trader.recorder.last_at
    recorder = attrs.evolve(trader.recorder, journal=CountingJournal(), observers=[])
    twin = trader.fork(trader.settings, DrainedData(trader.data), desk, recorder, now)

    wishes = {event: trader.wishes(event) for event in trader.world.events}
    assert any(wishes.values())
    for event, known in wishes.items():
        has = twin.wishes(event)
        assert {k: attrs.astuple(w) for k, w in has.items()} == {
            k: attrs.astuple(w) for k, w in known.items()
        }
        assert not any(has[key] is known[key] for key in known)
    resting = {name for name, order in twin.state.orders.items() if order.state.live}
    assert resting
    for name in resting:
        desk.cancel(name, now)
    told = {fact.intent for fact in desk.conclude(now) if isinstance(fact, Cancelled)}
    assert resting == told


def refuse(_now: LaneSettings, path: str, _before: str) -> LaneSettings:
    """Refuse the settings before."""
    msg = f"{path}: cannot be so"
    raise SettingsRefused(msg)


def no_desk(_settings: LaneSettings) -> Execution:
    """Fail like a defect."""
    raise KeyError


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: beside(refuse), "it failed: sizing.order_usd: cannot be so"),
        (lambda: beside(desk=no_desk), "it failed: KeyError"),
    ],
)
def test_what_cannot_begin_says_so(made: Callable[[], Beside], why: str) -> None:
    """The trial is told that there is nothing to compare with; the world has one seat."""
    both = made()
    both.run(3, STARTED)

    assert [ev.ShadowTally(trial=TRIAL, over=why)] == both.tallies()
    assert 1 == len(both.lane.trader.world.seats)


def test_a_defect_ends_it_and_not_the_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while it trades is its last word; the lane goes on."""
    both = beside()
    both.run(20, STARTED)
    trader = both.lane.trader

    def broken(_self: PaperExecution, _at: Micros) -> list[Fact]:
        raise ZeroDivisionError

    trader.execution = both.lane.venue
    monkeypatch.setattr(PaperExecution, "collect", broken)
    both.run(20)

    assert ["it failed: ZeroDivisionError"] == [t.over for t in both.tallies() if t.over]
    assert trader.ticks == BEGAN + 40


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (ended(), []),
        (ev.TrialChecked(trial=TRIAL, minute=60, verdict="probation"), ["the hour is over"]),
    ],
)
def test_it_ends_with_what_it_is_for(event: ev.Event, why: list[str]) -> None:
    """Nothing of it is left in the world: no seat, nobody who watches a book."""
    both = beside()
    both.run(20, STARTED)
    world = both.lane.trader.world
    assert 2 == len(world.seats)
    watching = {id(who) for seen in world.seen.values() for who in seen.watchers}
    both.run(1, event)

    assert why == [tally.over for tally in both.tallies() if tally.over] + [
        fact.over for fact in both.shadow.take() if isinstance(fact, ev.ShadowTally) and fact.over
    ]
    assert 1 == len(world.seats)
    assert 1 == len(world.on_forget)
    left = {id(who) for seen in world.seen.values() for who in seen.watchers}
    assert len(left) < len(watching)


def test_another_trial_ends_nothing() -> None:
    """Checks and ends of other trials are not its own."""
    both = beside()
    both.run(2, STARTED)
    both.run(2, attrs.evolve(ended(), trial="t0"))
    both.run(2, ev.TrialChecked(trial="t0", minute=60, verdict="keep"))

    assert 2 == len(both.lane.trader.world.seats)


def test_it_does_not_run_for_ever() -> None:
    """After two hours a trial that nobody ends has no shadow any more."""
    both = beside()
    now = both.lane.trader.recorder.last_at
    both.shadow.go_on(STARTED, Micros(now - LONGEST), now)
    assert 1 == len(both.lane.trader.world.seats)
    both.shadow.go_on(STARTED, Micros(now - LONGEST + 1), now)
    assert 2 == len(both.lane.trader.world.seats)
    both.run(2)

    assert ["it ran for two hours"] == [tally.over for tally in both.tallies()]


def test_a_halt_halts_both() -> None:
    """What a person asked of the lane is asked of the settings before as well."""
    both = beside()
    both.run(20, STARTED)
    both.run(20, ev.Halt(by="me", reason="enough"))
    both.run(1)
    counted = sum(tally.entries for tally in both.tallies())
    both.run(100)

    assert counted == sum(tally.entries for tally in both.tallies())
