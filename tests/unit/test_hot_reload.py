"""A lane takes new settings at a tick's beginning: all of them or none, and keeps what it has."""

from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.exits import stop_loss
from market_bot.core.domain.exits.api import ActiveExit, Exits
from market_bot.core.domain.hot_change import NEEDS_RESTART, SettingsRefused
from market_bot.core.domain.numbers import SECOND, Duration, money, price
from market_bot.core.domain.settings import Cooldown, LaneSettings, Sizing
from market_bot.core.ports.journal import DurabilityLostError
from tests.fakes.builders import (
    LIMITS,
    Lane,
    Wanting,
    a_book,
    a_lane,
    a_market,
    a_signal,
    a_strategy,
    announced,
    contracts,
    lane_settings,
    of_type,
    refold,
)
from tests.fakes.execution import ScriptedExecution, filled
from tests.fakes.journal import ListJournal

BUY = a_signal(size=contracts(10))
STOP = ActiveExit(
    rule=stop_loss.exit_rule,
    params=stop_loss.exit_rule.params(distance=price("0.10"), confirm_seconds=3),
)
TIGHT: Mapping[str, int] = {**LIMITS, "max_order_usd": money("1")}


@attrs.define(eq=False)
class Scene:
    """A lane with one market, and the settings that it may be told of by their hash."""

    lane: Lane
    wanting: Wanting
    venue: ScriptedExecution
    known: dict[str, LaneSettings]

    def told(self, name: str, **changes: Any) -> ev.ConfigChanged:
        """Tell the lane of settings, and return how."""
        self.known[name] = attrs.evolve(self.lane.trader.settings, hash=name, **changes)
        event = ev.ConfigChanged(before="", after=name, config=name, by="ann", path="sizing")
        self.lane.controls.append(event)
        return event

    def quote(self, bid: int = 48, ask: int = 52) -> list[ev.Event]:
        """Take a tick at which these cents are bid and asked."""
        return self.lane.tick(a_book(bids={f"0.{bid:02}": "100"}, asks={f"0.{ask:02}": "100"}))

    def buys(self) -> None:
        """Buy ten contracts at 0.48 and want nothing more."""
        self.wanting.wants = [BUY]
        self.quote()
        self.venue.say(filled(self.venue.submitted[-1]))
        self.wanting.wants = []
        self.quote()

    @property
    def state(self) -> Any:
        """What the lane's journal leads to."""
        return self.lane.trader.state

    def configs(self) -> list[str]:
        """Return the configuration of every line."""
        return [line.config for line in self.lane.journal.lines]


def a_scene(journal: ListJournal | None = None, **changes: Any) -> Scene:
    """Return a started lane."""
    wanting, venue = Wanting(), ScriptedExecution()
    lane = a_lane(
        lane_settings(a_strategy(wanting), **changes),
        lambda _: venue,
        journal=journal,
        opening=[announced(a_market()), a_book()],
    )
    known: dict[str, LaneSettings] = {}

    def successor(_: LaneSettings, text: str) -> LaneSettings:
        if text not in known:
            msg = "not known"
            raise SettingsRefused(msg)
        return known[text]

    lane.trader.successor = successor
    lane.start()
    return Scene(lane, wanting, venue, known)


def test_decisions_follow_the_new_settings_from_the_change_on() -> None:
    """The change is the first line of its tick; what comes after carries the new hash."""
    scene = a_scene()
    scene.wanting.wants = [a_signal()]
    scene.told("c-2", sizing=Sizing(order=money("1")))

    events = scene.quote()

    changed = of_type(events, ev.ConfigChanged)[0]
    assert events[0] == changed
    assert ("c-1", "c-2", "ann") == (changed.before, changed.after, changed.by)
    assert ["c-1", "c-1"] + ["c-2"] * (len(events) - 1) == scene.configs()
    assert contracts(2) == scene.venue.submitted[0].draft.size
    assert "c-2" == scene.lane.trader.recorder.config


def test_what_is_on_survives() -> None:
    """Positions, orders, what exits remember and cooldowns are those of before."""
    scene = a_scene(exits=Exits(active=(STOP,)), rules=())
    scene.buys()
    scene.quote(30, 40)
    before = scene.state
    assert before.positions

    scene.told("c-2", cooldown=Cooldown(after_entry=Duration(60 * SECOND)))
    events = scene.quote(30, 40)

    assert before.positions == scene.state.positions
    assert before.last_entry == scene.state.last_entry
    assert not of_type(events, ev.PositionMarked), "the stop goes on being confirmed"
    scene.wanting.wants = [BUY]
    denied = [g.name for d in of_type(scene.quote(31, 40), ev.Denied) for g in d.gates]
    assert "cooldown" in " ".join(denied)
    scene.quote(30, 40)
    exits = of_type(scene.lane.journal.events, ev.Exit)
    assert ["stop_loss"] == [event.reason for event in exits], "three seconds after it began"
    assert refold(scene.lane.journal) == scene.state


def test_a_looser_limit_is_refused_in_the_lane_itself() -> None:
    """The old settings stay as a whole, and one line says why."""
    scene = a_scene()
    looser = {**LIMITS, "max_order_usd": LIMITS["max_order_usd"] + 1}
    scene.told("c-2", limits=looser, sizing=Sizing(order=money("1")))

    events = scene.quote()

    (error,) = of_type(events, ev.Error)
    assert NEEDS_RESTART == error.where
    assert "max_order_usd" in error.message
    assert not of_type(events, ev.ConfigChanged)
    assert "c-1" == scene.lane.trader.settings.hash
    assert {"c-1"} == set(scene.configs())


def test_a_tighter_limit_holds_from_its_tick_on() -> None:
    """What was wanted for five dollars is refused at the tick of the change."""
    scene = a_scene()
    scene.told("c-2", limits=TIGHT)
    scene.wanting.wants = [a_signal()]

    gates = [gate.name for denied in of_type(scene.quote(), ev.Denied) for gate in denied.gates]

    assert "max_order_usd" in gates
    assert not scene.venue.submitted
    scene.told("c-1b", limits=LIMITS)
    assert of_type(scene.quote(), ev.Error), "back to where it began is looser, too"


def test_two_changes_of_one_tick_are_taken_in_order() -> None:
    """Each becomes the one before the next; the last one wins."""
    scene = a_scene()
    scene.told("c-2")
    scene.told("c-3")
    scene.told("c-3")

    changes = of_type(scene.quote(), ev.ConfigChanged)

    assert [("c-1", "c-2"), ("c-2", "c-3")] == [(c.before, c.after) for c in changes]


@pytest.mark.parametrize("text", ["nobody knows", "c-9"])
def test_what_cannot_be_understood_changes_nothing(text: str) -> None:
    """Unknown text is refused, and so is one that means other settings than it says."""
    scene = a_scene()
    scene.known["c-9"] = attrs.evolve(scene.lane.trader.settings, hash="c-8")
    scene.lane.controls.append(ev.ConfigChanged(before="", after="c-9", config=text, by="ann"))

    assert of_type(scene.quote(), ev.Error)
    assert "c-1" == scene.lane.trader.settings.hash


def test_what_changed_while_no_bot_ran_is_only_told() -> None:
    """The settings are in force since the start; the line names those of before."""
    scene = a_scene()
    told = ev.ConfigChanged(before="c-0", after="c-1", config="", by="file")
    scene.lane.controls.append(told)

    assert [told] == of_type(scene.quote(), ev.ConfigChanged)
    scene.lane.controls.append(attrs.evolve(told, before=""))
    assert [] == of_type(scene.quote(), ev.ConfigChanged), "nothing changed: nothing is told"


def test_entries_of_a_strategy_that_is_gone_are_cancelled() -> None:
    """Nobody else would withdraw them; what it holds is left to the exits."""
    scene = a_scene(exits=Exits(active=(STOP,)), rules=())
    scene.buys()
    scene.wanting.wants = [attrs.evolve(BUY, price=price("0.40"))]
    scene.quote()
    resting = scene.venue.submitted[-1].id
    scene.told("c-2", strategies=())

    scene.quote(30, 40)

    assert [resting] == scene.venue.cancels
    assert scene.wanting.asked
    asked = scene.wanting.asked
    for _ in range(5):
        scene.quote(30, 40)
    assert asked == scene.wanting.asked
    assert of_type(scene.lane.journal.events, ev.Exit), "the stop sells for it"


def test_a_change_that_could_not_be_written_is_taken_later_and_whole() -> None:
    """Without its line in the journal nothing of it is in force."""
    journal = ListJournal()
    scene = a_scene(journal)
    scene.quote()
    journal.fails_at = [journal.attempts + 1]
    scene.told("c-2")

    with pytest.raises(DurabilityLostError):
        scene.quote()
    assert ("c-1", "c-1") == (
        scene.lane.trader.settings.hash,
        scene.lane.trader.recorder.config,
    )

    assert of_type(scene.quote(), ev.ConfigChanged)
    assert "c-2" == scene.lane.trader.settings.hash


def test_whoever_told_of_a_fact_hears_once_it_is_durable() -> None:
    """Committed first, told after, with the very fact that was brought."""
    scene = a_scene()
    commits: list[tuple[ev.Event, int]] = []
    scene.lane.trader.heeded = lambda event: commits.append((event, scene.lane.journal.commits))
    before = scene.lane.journal.commits
    event = scene.told("c-2")

    scene.quote()

    assert [(event, before + 1)] == commits
    assert commits[0][0] is event


def test_without_anybody_who_understands_them_settings_stay() -> None:
    """A lane that nobody gave a way to new settings refuses them."""
    lane = a_lane(lane_settings(), lambda _: ScriptedExecution(), opening=[])
    lane.start()
    lane.controls.append(ev.ConfigChanged(before="", after="c-2", config="c-2", by="ann"))

    assert of_type(lane.tick(), ev.Error)
    assert "c-1" == lane.trader.settings.hash
