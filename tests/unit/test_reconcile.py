"""The journal against what a venue says of the account."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, Money, money, price
from market_bot.core.domain.orders import Style
from market_bot.core.domain.portfolio import NO_CAPABILITIES, VenueCapabilities
from market_bot.core.ports.account import (
    AccountPicture,
    FillThere,
    OrderThere,
    PositionThere,
    Standing,
)
from market_bot.core.ports.execution import Cancelled, Confirmed, Filled, Refused
from market_bot.core.usecases.reconcile import GRACE, PROTECTED, Comparison, compare
from tests.fakes.builders import a_fill, a_start, an_intended, contracts, fold
from tests.fakes.clock import NOON, after

NETTING = VenueCapabilities(nets_yes_no=True, locks_collateral=True)
LATER = after(20)
EXPIRED = Micros(after(60) + GRACE + 1)

STARTED = a_start("100")
INTENDED = an_intended(size=contracts(10), expires_at=after(60))
ACCEPTED = ev.OrderAccepted(intent="i-1", venue_order="v-1", sent_at=NOON)
DOUBTED = ev.OrderUnknown(intent="i-1", reason="timeout")


def a_state(*events: ev.Event) -> LaneState:
    """Return a state with a hundred dollars after these facts, all of them at noon."""
    return fold([STARTED, *events])


def there(**changes: Any) -> OrderThere:
    """Return our order as the venue has it: resting, nothing filled."""
    order = OrderThere(
        venue_order="v-1",
        intent="i-1",
        market="M-1",
        leg=Leg.YES,
        size=contracts(10),
        filled=contracts(0),
        standing=Standing.RESTING,
    )
    return attrs.evolve(order, **changes)


def traded(name: str = "f-9", **changes: Any) -> FillThere:
    """Return four contracts of our order, at fifty cents, as the venue has them."""
    fill = FillThere(
        fill=name,
        venue_order="v-1",
        intent="i-1",
        market="M-1",
        leg=Leg.YES,
        price=price("0.5"),
        size=contracts(4),
        cost=money("2"),
        fee=money("0.01"),
        liquidity=Style.TAKER,
        at=NOON,
    )
    return attrs.evolve(fill, **changes)


def a_picture(**changes: Any) -> AccountPicture:
    """Return an account with a hundred dollars and nothing else."""
    picture = AccountPicture(account="main", at=LATER, cash=money("100"))
    return attrs.evolve(picture, **changes)


def compared(
    state: LaneState,
    now: Micros = LATER,
    abilities: VenueCapabilities = NO_CAPABILITIES,
    **changes: Any,
) -> Comparison:
    """Return the comparison with an account that was changed so."""
    return compare(state, a_picture(**changes), abilities, now)


def test_an_account_that_agrees_teaches_nothing() -> None:
    """With the same money, orders and positions there is no fact and no difference."""
    result = compared(a_state(INTENDED, ACCEPTED), orders=(there(),))
    assert Comparison() == result
    assert result.agrees


def test_a_part_that_could_not_be_read_concludes_nothing() -> None:
    """However much is missing there, an incomplete picture yields no fact and does not agree."""
    result = compared(a_state(INTENDED, DOUBTED), EXPIRED, missing=("fills",), cash=money("0"))
    assert (False, (), (), ("i-1",)) == (
        result.complete,
        result.facts,
        result.differences,
        result.doubts,
    )
    assert not result.agrees


@pytest.mark.parametrize("events", [(INTENDED,), (INTENDED, DOUBTED)], ids=["crash", "timeout"])
def test_an_order_in_doubt_that_is_found_is_confirmed(events: tuple[ev.Event, ...]) -> None:
    """Whether the bot died or the answer did, an order found at the venue is ours."""
    result = compared(a_state(*events), orders=(there(),))
    assert (Confirmed("i-1", "v-1"),) == result.facts


def test_a_found_order_is_confirmed_before_its_fills_are_told() -> None:
    """What was missed is told in the order in which it happened, the end last."""
    state = a_state(INTENDED, DOUBTED)
    over = there(filled=contracts(4), standing=Standing.CANCELLED)
    result = compared(state, orders=(over,), fills=(traded(),), cash=money("97.99"))
    held = PositionThere(market="M-1", leg=Leg.YES, size=contracts(4), cost=money("2"))
    assert [Confirmed, Filled, Cancelled] == [type(fact) for fact in result.facts]
    agreed = compared(
        state, orders=(over,), fills=(traded(),), cash=money("97.99"), positions=(held,)
    )
    assert agreed.agrees


def test_an_order_that_is_not_found_stays_in_doubt_until_it_has_expired() -> None:
    """Silence before the expiry proves nothing."""
    state = a_state(INTENDED, DOUBTED)
    result = compared(state, Micros(EXPIRED - 1), looked_for=frozenset({"i-1"}))
    assert ((), ("i-1",)) == (result.facts, result.doubts)


def test_an_order_nobody_looked_for_stays_in_doubt_for_ever() -> None:
    """Without a search of its own, an order is never given up."""
    result = compared(a_state(INTENDED, DOUBTED), after(86_400))
    assert ((), ("i-1",)) == (result.facts, result.doubts)


def test_an_expired_order_that_was_looked_for_never_arrived() -> None:
    """After expiry and grace, a search that finds nothing is proof."""
    state = a_state(INTENDED, DOUBTED)
    result = compared(state, EXPIRED, looked_for=frozenset({"i-1"}))
    assert (Refused("i-1", "never_arrived"),) == result.facts


def test_an_accepted_order_that_is_gone_is_over_not_refused() -> None:
    """The venue once had it: what is gone was cancelled or expired."""
    state = a_state(INTENDED, ACCEPTED)
    result = compared(state, EXPIRED, looked_for=frozenset({"i-1"}))
    assert (Cancelled("i-1", "not_at_the_venue"),) == result.facts


def test_a_young_order_is_left_alone() -> None:
    """A venue's lists lag: an order of a moment ago is not concluded to be missing."""
    state = a_state(an_intended(size=contracts(10), expires_at=Micros(NOON - GRACE)), DOUBTED)
    result = compared(state, Micros(NOON + PROTECTED - 1), looked_for=frozenset({"i-1"}))
    assert ((), ("i-1",)) == (result.facts, result.doubts)


def test_a_fill_that_is_known_is_not_told_again() -> None:
    """The overlap of two readings does no harm."""
    fill = a_fill("f-9", size=contracts(4), cost=money("2"), fee=money("0.01"))
    held = PositionThere(market="M-1", leg=Leg.YES, size=contracts(4), cost=money("2"))
    result = compared(
        a_state(INTENDED, ACCEPTED, fill),
        orders=(there(filled=contracts(4)),),
        fills=(traded(), traded()),
        positions=(held,),
        cash=money("97.99"),
    )
    assert Comparison() == result


def test_a_fill_listed_twice_is_told_once() -> None:
    """A page that repeats itself does not double a trade."""
    state = a_state(INTENDED, ACCEPTED)
    result = compared(state, orders=(there(filled=contracts(4)),), fills=(traded(), traded()))
    assert 1 == len(result.facts)


def test_a_fill_without_our_name_is_found_by_the_venues() -> None:
    """Where the list of fills does not carry our name, the venue's own order id leads to it."""
    state = a_state(INTENDED, ACCEPTED)
    result = compared(
        state,
        orders=(there(intent=None, filled=contracts(4)),),
        fills=(traded(intent=None),),
    )
    assert ["i-1"] == [fact.intent for fact in result.facts]


def test_fills_that_are_missing_are_a_difference() -> None:
    """An order that traded more than its fills say is not believed."""
    state = a_state(INTENDED, ACCEPTED)
    result = compared(state, orders=(there(filled=contracts(7)),), fills=(traded(),))
    assert any("7" in line and "4" in line for line in result.differences)
    assert ("i-1",) == result.doubts


@pytest.mark.parametrize("cash", ["98.98", "101.01"])
def test_money_that_disagrees_is_a_difference(cash: str) -> None:
    """More than the venue's rounding is missing, or too much."""
    result = compared(a_state(), cash=money(cash))
    assert ["cash"] == [line.split(":")[0] for line in result.differences]


def test_money_locked_by_a_waiting_order_may_be_out_of_the_balance() -> None:
    """Where the venue takes an entry's money at once, a lower balance is as it should be."""
    state = a_state(INTENDED, ACCEPTED)
    locked = Money(state.cash - next(iter(state.orders.values())).reserved)
    assert compared(state, abilities=NETTING, orders=(there(),), cash=locked).agrees
    assert not compared(state, orders=(there(),), cash=locked).agrees


def test_a_position_that_is_missing_there_is_a_difference() -> None:
    """Less held than the journal says stops the lane."""
    fill = a_fill("f-9", size=contracts(4), cost=money("2"), fee=money("0"))
    result = compared(a_state(INTENDED, ACCEPTED, fill), orders=(there(),), cash=money("98"))
    assert any(line.startswith("M-1 yes: 0 held there") for line in result.differences)


def test_a_position_the_journal_does_not_know_is_external() -> None:
    """Somebody else's trade in the account is noticed, and the account does not agree."""
    held = PositionThere(market="M-7", leg=Leg.NO, size=contracts(4), cost=money("2"))
    result = compared(a_state(), positions=(held,))
    assert ("M-7",) == result.external_positions
    assert not result.agrees


def test_an_order_the_journal_does_not_know_is_counted() -> None:
    """Foreign resting orders are counted and nothing is told of them."""
    foreign = there(venue_order="v-77", intent=None)
    result = compared(a_state(), orders=(foreign,))
    assert (1, ()) == (result.external_orders, result.facts)


def test_pairs_that_a_netting_venue_has_paid_agree() -> None:
    """YES and NO of one market are money there already, and still positions here."""
    yes = a_fill("f-1", size=contracts(4), cost=money("2"), fee=money("0"))
    no = attrs.evolve(yes, fill="f-2", intent="i-2", leg=Leg.NO, signal="s-2")
    state = a_state(INTENDED, an_intended("i-2", leg=Leg.NO, size=contracts(4)), yes, no)
    assert compared(state, abilities=NETTING, cash=money("100"), orders=(there(),)).agrees
    assert not compared(state, cash=money("100"), orders=(there(),)).agrees
