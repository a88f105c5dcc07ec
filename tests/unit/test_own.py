"""What a lane has, found by event and by market."""

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.evolve import evolve
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.numbers import money
from market_bot.core.domain.own import own_of
from tests.fakes.builders import a_fill, a_sale, a_start, an_intended, fold
from tests.fakes.clock import NOON

STEPS: tuple[ev.Event, ...] = (
    a_start(),
    an_intended(),
    ev.OrderAccepted(intent="i-1", venue_order="v-1", sent_at=NOON),
    a_fill(),
    an_intended("i-2", market="M-2", event="E-2"),
    a_sale(),
    ev.OrderRejected(intent="i-2", code="no"),
)


def test_what_was_known_before_changes_nothing() -> None:
    """Going on from an earlier state's index gives what looking at everything gives."""
    state, own = LaneState(), own_of(LaneState())
    for step in STEPS:
        state = apply(state, step, NOON)
        own = own_of(state, own)

        assert own_of(state) == own


def test_positions_that_stayed_are_not_looked_at_again() -> None:
    """A fact about an order leaves the index of positions as it is."""
    before = own_of(fold([a_start(), an_intended(), a_fill()]))
    state = fold([a_start(), an_intended(), a_fill()])
    own = own_of(state)
    after = own_of(apply(state, an_intended("i-2"), NOON), own)

    assert own.holding is after.holding
    assert before == own


def test_where_something_is_held_or_waits() -> None:
    """Held positions come first, then what may still fill; each event stands there once."""
    own = own_of(fold([a_start(), an_intended(), a_fill(), an_intended("i-2", event="E-2")]))

    assert ["E-1", "E-2"] == list(own.events)
    assert ["E-1"] == list(own.positions)
    assert ["i-2"] == [order.intent for order in own.in_market("M-1")]
    assert () == own.in_market("M-9")
    assert {"M-1": money("4.8")} == own.holding.by_market
    assert {"E-1": money("4.8")} == own.holding.by_event


def test_a_changed_copy_is_what_attrs_makes() -> None:
    """The quick copy equals the thorough one, and the original stays as it was."""
    state = fold([a_start(), an_intended(), a_fill()])
    changed = evolve(state, cash=money("7"), halted="operator: x")

    assert attrs.evolve(state, cash=money("7"), halted="operator: x") == changed
    assert state.halted is None


def test_a_copy_cannot_get_a_field_of_its_own() -> None:
    """A misspelt field is refused and not carried along unseen."""
    with pytest.raises(TypeError, match="LaneState has no such field: chas"):
        evolve(LaneState(), chas=money("7"))  # type: ignore[call-arg] # the point
