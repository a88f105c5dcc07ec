"""A strategy is asked once for those who would hear the same, and by everybody else again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import pytest

from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, Money, money, size
from market_bot.core.domain.orders import Order
from market_bot.core.domain.signals import Wanted
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.domain.view import Holdings, View, Views
from market_bot.core.domain.world import World
from market_bot.core.usecases.shared_decisions import SharedDecision, SharedStrategies
from tests.fakes.builders import (
    NoParams,
    a_book,
    a_market,
    a_signal,
    a_strategy,
    an_order,
    announced,
    lane_settings,
)
from tests.fakes.clock import NOON
from tests.fakes.recording_sink import tell


@attrs.define(eq=False)
class Asked:
    """Counts how often it is asked, and wants what it is told to."""

    wants: Sequence[Wanted] = ()
    looks_at_cash: bool = False
    fails: bool = False
    times: int = 0

    def __call__(self, view: View, params: Any, holdings: Holdings) -> Iterable[Wanted]:
        """Want what was told, having looked at the cash or not."""
        self.times += 1
        if self.fails:
            raise ArithmeticError
        if self.looks_at_cash and holdings.cash < money("10"):
            return ()
        return list(self.wants)


def a_world() -> Views:
    """Return pictures of one market."""
    world = World()
    tell([announced(a_market()), a_book()], world)
    return Views(world)


def holding(
    *, positions: Sequence[Position] = (), orders: Sequence[Order] = (), cash: str = "100"
) -> Holdings:
    """Return holdings."""
    return Holdings(positions=tuple(positions), orders=tuple(orders), cash=money(cash))


def a_position(**changes: Any) -> Position:
    """Return ten contracts."""
    held = Position(
        market="M-1",
        event="E-1",
        family="F-1",
        leg=Leg.YES,
        strategy="scripted",
        signal="s",
        size=size("10"),
        cost=Money(0),
        opened_at=NOON,
    )
    return attrs.evolve(held, **changes)


def shared(asked: Asked) -> SharedDecision:
    """Return a strategy that is shared."""
    strategy = Strategy(name="asked", summary="Counts.", params=NoParams, decide=asked)
    return SharedDecision(strategy, NoParams())


def answers(decision: SharedDecision, view: View, *all_holdings: Holdings) -> list[list[Wanted]]:
    """Return what each of several lanes hears at one picture."""
    return [list(decision.decide(view, NoParams(), holdings)) for holdings in all_holdings]


@pytest.mark.parametrize(
    ("one", "other", "times"),
    [
        (holding(), holding(), 1),
        (holding(), holding(cash="5"), 1),
        (holding(orders=[an_order()]), holding(orders=[an_order()], cash="5"), 1),
        (holding(), holding(orders=[an_order()]), 2),
        (holding(orders=[an_order(intent="i-2")]), holding(orders=[an_order()]), 2),
        (holding(), holding(positions=[a_position()]), 2),
        (holding(positions=[a_position(size=size("9"))]), holding(positions=[a_position()]), 2),
    ],
)
def test_who_holds_the_same_is_answered_together(
    one: Holdings, other: Holdings, times: int
) -> None:
    """The cash does not count as long as nobody looks at it."""
    asked = Asked([a_signal()])
    view = a_world().of("E-1", NOON)

    assert [[a_signal()]] * 2 == answers(shared(asked), view, one, other)
    assert times == asked.times


def test_whoever_looks_at_the_cash_is_asked_by_everybody() -> None:
    """Each lane hears what follows from its own cash."""
    asked = Asked([a_signal()], looks_at_cash=True)
    view = a_world().of("E-1", NOON)

    heard = answers(shared(asked), view, holding(), holding(cash="5"), holding())

    assert [[a_signal()], [], [a_signal()]] == heard
    assert 3 == asked.times


def test_another_picture_is_another_question() -> None:
    """At the next tick, and after a change within the same moment, it is asked again."""
    asked, views = Asked(), a_world()
    decision = shared(asked)

    answers(decision, views.of("E-1", NOON), holding())
    answers(decision, views.of("E-1", Micros(NOON + 1)), holding())
    tell([a_book(asks={"0.60": "1"}, at=Micros(NOON + 1))], views.world)
    answers(decision, views.of("E-1", Micros(NOON + 1)), holding(), holding())

    assert 3 == asked.times


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (Asked(), False),
        (Asked([a_signal()]), True),
        (Asked(looks_at_cash=True), True),
        (Asked(fails=True), True),
    ],
)
def test_where_nothing_is_wanted_nobody_has_to_look(asked: Asked, wanted: bool) -> None:
    """Only a strategy that wants nothing of any cash lets lanes pass over an event."""
    strategy = attrs.evolve(a_strategy(asked).strategy, decide=asked)
    active = attrs.evolve(a_strategy(asked), strategy=strategy)
    _, where = SharedStrategies(a_world()).share(lane_settings(active))

    assert wanted is ("E-1" in where.at(1, NOON, money("100")))
    assert "E-unknown" not in where.at(1, NOON, money("100"))
    assert 1 == asked.times


def test_only_the_same_parameters_are_shared() -> None:
    """Equal ones are one question, others are another one."""
    asked = Asked()
    strategies = SharedStrategies(a_world())
    active = a_strategy(asked)
    other = attrs.evolve(active, params="others")

    _, first = strategies.share(lane_settings(active))
    _, same = strategies.share(lane_settings(active))
    _, different = strategies.share(lane_settings(other))
    _, both = strategies.share(lane_settings(active, other))

    assert first is same
    assert 3 == len({id(where) for where in (first, different, both)})
    assert both.decisions == [*first.decisions, *different.decisions]
