"""The venue's name of an order is in the journal before the order is sent, where it is known."""

from __future__ import annotations

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.numbers import Micros
from market_bot.core.domain.orders import OrderState
from market_bot.core.domain.signals import Intent
from market_bot.core.ports.journal import Entry
from market_bot.core.usecases.journaled_desk import JournaledDesk
from market_bot.core.usecases.timely_desk import TimelyDesk
from tests.fakes.builders import an_intended, an_intent
from tests.fakes.clock import NOON
from tests.fakes.execution import ScriptedExecution


class Naming(ScriptedExecution):
    """A desk that knows names beforehand."""

    def order_name(self, intent: Intent, at: Micros) -> str:
        return f"{intent.id}@{at}"


def a_desk(*events: ev.Event) -> JournaledDesk:
    """Return a desk that answers from these lines."""
    lines = [
        Entry(seq=n, at=NOON, boot="", config="", type=e.TYPE, event=e, prev="", hash="")
        for n, e in enumerate(events, start=1)
    ]
    return JournaledDesk(lambda: lines)


def test_most_venues_give_the_name_on_arrival() -> None:
    """Then nothing is written down beforehand."""
    assert not ScriptedExecution().order_name(an_intent(), NOON)


def test_the_name_passes_through_the_desk_before_the_wire() -> None:
    """Whatever stands before a venue's desk asks it."""
    timely = TimelyDesk(Naming(), lambda: NOON, lambda: None)

    assert f"i-1@{NOON}" == timely.order_name(an_intent("i-1"), NOON)


def test_the_fold_knows_an_order_by_its_name_at_once() -> None:
    """So that one that was never answered is found at the venue."""
    intended = attrs.evolve(an_intended("i-1"), venue_order="v-9")
    order = apply(LaneState(), intended, NOON).order("i-1")

    assert order is not None
    assert (OrderState.INTENDED, "v-9") == (order.state, order.venue_order)


def test_the_same_name_comes_out_of_the_journal() -> None:
    """Of the line that is next, if it is about that order."""
    intended = attrs.evolve(an_intended("i-1"), venue_order="v-9")

    assert "v-9" == a_desk(intended).order_name(an_intent("i-1"), NOON)
    assert not a_desk(intended).order_name(an_intent("i-2"), NOON)
    assert not a_desk(an_intended("i-0"), intended).order_name(an_intent("i-1"), NOON)
    assert not a_desk().order_name(an_intent("i-1"), NOON)
