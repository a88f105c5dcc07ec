"""What a person asks of one lane: cancel this order, sell that position."""

from __future__ import annotations

from market_bot.core.domain import events as ev
from market_bot.core.domain.market import Leg
from market_bot.core.domain.orders import Purpose, Style
from tests.fakes.builders import a_signal, cents, contracts, of_type, refold
from tests.fakes.execution import filled
from tests.unit.test_trade_lane import BUY, a_scene, kinds

REST = a_signal(size=contracts(10), style=Style.MAKER, price=cents(40))


def asked(what: str, **rest: object) -> ev.Asked:
    """Return what a page would ask."""
    return ev.Asked(by="dashboard:1", what=what, **rest)  # type: ignore[arg-type] # a table of fields


def test_an_order_is_cancelled() -> None:
    """The wish is written down with who had it, and the order is cancelled once."""
    scene = a_scene(REST)
    scene.tick()
    intent = scene.venue.submitted[0].id
    wish = asked("cancel_order", intent=intent)
    scene.lane.controls.append(wish)

    events = scene.tick()

    assert wish == events[0]
    assert [intent] == scene.venue.cancels


def test_what_is_gone_is_not_cancelled() -> None:
    """An order that nobody knows, or that is over, is left alone; the wish is written down."""
    scene = a_scene()
    scene.buys()
    known = scene.venue.submitted[0].id
    scene.lane.controls += [asked("cancel_order", intent=name) for name in (known, "mb-none")]

    events = scene.tick()

    assert 2 == len(of_type(events, ev.Asked))
    assert [] == scene.venue.cancels


def test_a_position_is_closed() -> None:
    """All that is held of the leg is sold at what is bid, whatever the strategy wants."""
    scene = a_scene()
    scene.buys()
    scene.lane.controls.append(asked("close_position", market="M-1", leg=Leg.YES))

    events = scene.tick()

    assert ["asked", "signal", "exit", "order_intent", "order_accepted", "scan"] == kinds(events)
    (left,) = of_type(events, ev.Exit)
    assert "operator" == left.reason
    sale = scene.venue.submitted[-1]
    assert (contracts(10), True, Purpose.EXIT) == (
        sale.draft.size,
        sale.reduce_only,
        sale.draft.signal.purpose,
    )


def test_what_would_buy_more_is_cancelled_first() -> None:
    """An order that adds to the position does not rest while it is sold, nor comes a new one."""
    scene = a_scene()
    scene.buys()
    scene.wants(REST)
    scene.tick()
    resting = scene.venue.submitted[-1].id
    scene.lane.controls.append(asked("close_position", market="M-1", leg=Leg.YES))

    scene.tick()

    assert resting in scene.venue.cancels
    bought = [i for i in scene.venue.submitted if i.draft.signal.purpose is Purpose.ENTRY]
    assert resting == bought[-1].id


def test_it_is_done_with_once_all_is_sold() -> None:
    """What is bought afterwards is not sold because of an old wish."""
    scene = a_scene()
    scene.buys()
    scene.lane.controls.append(asked("close_position", market="M-1", leg=Leg.YES))
    scene.tick()
    scene.venue.say(filled(scene.venue.submitted[-1]))
    scene.tick()
    assert {} == scene.lane.trader.state.positions
    sales = len(scene.venue.submitted)
    scene.tick()

    scene.wants(BUY)
    scene.tick()
    scene.venue.say(filled(scene.venue.submitted[-1]))
    scene.wants()
    for _ in range(3):
        scene.tick()

    assert sales + 1 == len(scene.venue.submitted)
    assert 1 == len(scene.lane.trader.state.positions)


def test_the_other_leg_is_not_meant() -> None:
    """Only the leg that was asked for is sold; nothing happens where nothing is held."""
    scene = a_scene()
    scene.buys()
    scene.lane.controls.append(asked("close_position", market="M-1", leg=Leg.NO))
    scene.lane.controls.append(asked("close_position", market="M-2", leg=Leg.YES))

    events = scene.tick()

    assert [] == of_type(events, ev.OrderIntent)


def test_wishes_change_no_state() -> None:
    """The state folded from the journal is the lane's own, and unknown wishes do nothing."""
    scene = a_scene()
    scene.buys()
    scene.lane.controls += [asked("login"), asked("close_position", market="M-1", leg=Leg.YES)]
    scene.tick()

    assert refold(scene.lane.journal) == scene.lane.trader.state
