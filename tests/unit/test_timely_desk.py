"""The desk that sends nothing late and tells outside news once a tick."""

from __future__ import annotations

import attrs

from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.execution import Accepted, Cancelled, Rejected
from market_bot.core.usecases.timely_desk import LATE, TimelyDesk
from tests.fakes.builders import a_draft, a_signal, an_intent
from tests.fakes.clock import NOON, ManualClock, after
from tests.fakes.execution import ScriptedExecution, filled


@attrs.define(eq=False)
class Scene:
    """A desk behind the last look, with a clock and a switch."""

    inner: ScriptedExecution = attrs.field(factory=ScriptedExecution)
    clock: ManualClock = attrs.field(factory=ManualClock)
    why: str | None = None
    desk: TimelyDesk = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.desk = TimelyDesk(self.inner, self.clock, lambda: self.why)


def sale(name: str = "x-1") -> Intent:
    """Return an exit."""
    return an_intent(name, a_draft(a_signal(purpose=Purpose.EXIT)))


def test_an_entry_of_a_tick_that_hung_stays_here() -> None:
    """At the limit it still leaves, beyond it only exits do."""
    scene = Scene()
    scene.clock.advance(LATE)
    assert isinstance(scene.desk.submit(an_intent("i-1"), NOON), Accepted)
    scene.clock.now = Micros(NOON + LATE + 1)

    assert Rejected("not_sent", "its tick is 5 s old") == scene.desk.submit(an_intent("i-2"), NOON)
    assert isinstance(scene.desk.submit(sale(), NOON), Accepted)
    assert ["i-1", "x-1"] == [intent.id for intent in scene.inner.submitted]


def test_nothing_opens_after_the_kill_switch_whatever_the_lane_knows() -> None:
    """The switch is looked at for each order, so also in the middle of a tick."""
    scene = Scene()
    scene.desk.submit(an_intent("i-1"), NOON)
    scene.why = "halted by ann"

    assert Rejected("not_sent", "halted by ann") == scene.desk.submit(an_intent("i-2"), NOON)
    assert isinstance(scene.desk.submit(sale(), NOON), Accepted)
    assert ["i-1", "x-1"] == [intent.id for intent in scene.inner.submitted]


def test_news_from_outside_waits_for_the_next_tick() -> None:
    """Within a tick only what was sent or cancelled in it is told."""
    scene = Scene()
    old, new = an_intent("i-1"), an_intent("i-2")
    scene.desk.submit(old, NOON)
    assert [] == list(scene.desk.collect(after(1)))
    scene.desk.submit(new, after(1))
    scene.inner.say(filled(old), filled(new))

    assert [filled(new)] == list(scene.desk.collect(after(1)))
    assert [] == list(scene.desk.collect(after(1)))
    assert [filled(old)] == list(scene.desk.collect(after(2)))
    assert [] == list(scene.desk.collect(after(3)))


def test_a_cancel_of_this_tick_is_told_in_it() -> None:
    """What was asked for within the tick may be answered within it."""
    scene = Scene()
    scene.desk.collect(NOON)
    scene.desk.cancel("i-1", NOON)
    scene.inner.say(Cancelled("i-1", "cancelled"), Cancelled("i-2", "expired"))

    assert [Cancelled("i-1", "cancelled")] == list(scene.desk.collect(NOON))
    assert ["i-1"] == scene.inner.cancels


def test_the_last_words_hold_nothing_back() -> None:
    """What waited for the next tick is told when there is none."""
    scene = Scene()
    scene.desk.collect(NOON)
    scene.inner.say(Cancelled("i-1", "expired"))
    assert [] == list(scene.desk.collect(NOON))
    scene.inner.say(Cancelled("i-2", "expired"))

    told = [Cancelled("i-1", "expired"), Cancelled("i-2", "expired")]
    assert told == list(scene.desk.conclude(after(1)))
