"""The fold, fact by fact."""

import pytest

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import Day, LaneState, Position, apply, position_key
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    NO_MONEY,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
    money,
    price,
    size,
)
from market_bot.core.domain.orders import OrderState, Purpose
from tests.fakes.builders import a_fill, a_sale, a_start, an_intended, contracts, fold
from tests.fakes.clock import NOON

BOUGHT = [a_start(), an_intended(), a_fill()]
SELLING = [*BOUGHT, an_intended("i-2", purpose=Purpose.EXIT, price=price("0.60"))]


def books_balance(state: LaneState) -> bool:
    """Tell whether every unit of money is accounted for."""
    return (
        state.cash + state.basis() + state.fees - state.realised - state.rewards == state.deposits
    )


def held(state: LaneState) -> Position:
    """Return the one position."""
    (position,) = state.positions.values()
    return position


def test_money_is_put_in_once() -> None:
    """A second start neither adds nor takes money."""
    state = fold([a_start("100"), a_start("500")])

    assert (money("100"), money("100")) == (state.cash, state.deposits)
    assert "inst" == state.instance


def test_a_lane_may_get_its_money_later() -> None:
    """A start without money leaves room for one with it."""
    assert money("7") == fold([a_start("0"), a_start("7")]).cash


def test_a_purchase() -> None:
    """Cash pays cost and fee; the position costs what was paid without the fee."""
    state = fold(BOUGHT)

    assert money("95.18") == state.cash
    assert money("0.02") == state.fees
    assert (contracts(10), money("4.8"), NOON) == (
        held(state).size,
        held(state).cost,
        held(state).opened_at,
    )
    assert OrderState.FILLED is state.finished["i-1"].state
    assert {"M-1": NOON} == state.last_entry
    assert {} == state.orders
    assert books_balance(state)


def test_more_of_the_same() -> None:
    """A second fill adds to the position."""
    second = a_fill("f-2", size=size("5"), cost=money("2.5"))
    state = fold([a_start(), an_intended(size=size("15")), a_fill(), second])

    assert (contracts(15), money("7.3")) == (held(state).size, held(state).cost)


def test_a_repeated_fill_counts_once() -> None:
    """Venues repeat themselves, also about orders that are finished."""
    assert fold(BOUGHT) == fold([*BOUGHT, a_fill(), a_fill()])


def test_a_sale_of_a_part() -> None:
    """The part's share of the cost, rounded down, leaves with it."""
    sale = a_sale(size=size("3"), cost=money("1.8"), fee=money("0.01"))
    state = fold([*SELLING, sale])

    assert money("96.97") == state.cash
    assert money("0.36") == state.realised
    assert (contracts(7), money("3.36")) == (held(state).size, held(state).cost)
    assert {"M-1": NOON} == state.last_exit
    assert books_balance(state)


def test_a_sale_of_all() -> None:
    """Nothing is left of the position."""
    state = fold([*SELLING, a_sale()])

    assert {} == state.positions
    assert money("1.2") == state.realised
    assert books_balance(state)


def test_a_sale_of_more_than_is_held_is_an_anomaly() -> None:
    """It is counted as it was told, and noted as impossible."""
    state = fold([*SELLING, a_sale(size=size("12"), cost=money("7.2"))])

    assert {} == state.positions
    assert 1 == state.anomalies
    assert books_balance(state)


@pytest.mark.parametrize("nothing", ["0", "-3"])
def test_a_fill_of_nothing_is_an_anomaly(nothing: str) -> None:
    """It leaves no empty position behind, on which a sale would divide by zero."""
    state = fold([a_start(), an_intended(), a_fill(size=size(nothing))])

    assert {} == state.positions
    assert (1, money("100")) == (state.anomalies, state.cash)
    assert fold([a_sale(size=size("1"))], state=state).anomalies > 1


def test_a_fill_without_an_order_is_counted_and_noted() -> None:
    """Money that moved is money that moved."""
    state = fold([a_start(), a_fill()])

    assert (money("95.18"), 1) == (state.cash, state.anomalies)


@pytest.mark.parametrize(
    ("yes", "cash"), [("1", "105.18"), ("0", "95.18"), ("0.5", "100.18"), ("0.37", "98.88")]
)
def test_resolution_pays(yes: str, cash: str) -> None:
    """Each contract pays what its leg is worth, also when the market is void."""
    ended = ev.MarketResolved(market="M-1", event="E-1", family="F-1", yes_payout=price(yes))
    state = fold([*BOUGHT, ended])

    assert money(cash) == state.cash
    assert {} == state.positions
    assert books_balance(state)
    assert state == fold([ended], state=state)


def test_resolution_pays_both_legs() -> None:
    """Holding both legs pays a dollar for the pair."""
    other = a_fill("f-2", leg=Leg.NO, intent="i-2", cost=money("5"))
    ended = ev.MarketResolved(market="M-1", event="E-1", family="F-1", yes_payout=price("0.3"))
    before = fold([*BOUGHT, an_intended("i-2", leg=Leg.NO), other])

    assert before.cash + money("10") == fold([ended], state=before).cash


@pytest.mark.parametrize("yes", [-1, 1_000_001])
def test_an_impossible_resolution_is_an_anomaly(yes: int) -> None:
    """A payout beyond a dollar pays nothing and stops nothing."""
    ended = ev.MarketResolved(market="M-1", event="E-1", family="F-1", yes_payout=Price(yes))
    state = fold([*BOUGHT, ended])

    assert (money("95.18"), 1) == (state.cash, state.anomalies)


PROVISIONAL = [a_start(), an_intended(), a_fill(provisional=True)]


def test_provisional_contracts_are_not_ours_yet() -> None:
    """They count as held, and may not be sold."""
    state = fold(PROVISIONAL)

    assert (contracts(10), Size(0)) == (held(state).size, held(state).settled)
    assert "i-1" in state.orders


def test_settled_contracts_are_ours() -> None:
    """Once settled they may be sold, and the order is filed away; repeating it changes nothing."""
    told = ev.FillSettled(intent="i-1", fill="f-1")
    state = fold([*PROVISIONAL, told])

    assert contracts(10) == held(state).settled
    assert "i-1" in state.finished
    assert state == fold([told], state=state)


def test_an_undone_purchase_gives_everything_back() -> None:
    """Cash, fee and position are as before, and the fill cannot come back."""
    told = ev.FillReversed(intent="i-1", fill="f-1", reason="failed")
    state = fold([*PROVISIONAL, told])

    assert (money("100"), NO_MONEY, NO_MONEY) == (state.cash, state.fees, state.realised)
    assert {} == state.positions
    assert state == fold([told, a_fill()], state=state)
    assert 0 == state.anomalies


def test_an_undone_part_leaves_the_rest() -> None:
    """Undoing one of two fills keeps the other, with its cost and its doubt."""
    told = ev.FillReversed(intent="i-1", fill="f-1", reason="failed")
    second = a_fill("f-2", size=size("5"), cost=money("2.5"), provisional=True)
    state = fold([a_start(), an_intended(size=size("20")), *PROVISIONAL[2:], second, told])

    assert (contracts(5), money("2.5"), contracts(5)) == (
        held(state).size,
        held(state).cost,
        held(state).provisional,
    )
    assert books_balance(state)


def test_an_undone_purchase_that_was_sold_is_an_anomaly() -> None:
    """The money comes back, the gain of the sale stays, and it is noted."""
    told = ev.FillReversed(intent="i-1", fill="f-1", reason="failed")
    state = fold([*SELLING, a_sale(), told])

    assert 1 == state.anomalies
    assert money("105.98") == state.cash
    assert books_balance(state)


def test_an_undone_sale_gives_the_position_back() -> None:
    """What was sold is held again at its old cost."""
    told = ev.FillReversed(intent="i-2", fill="x-1", reason="failed")
    state = fold([*SELLING, a_sale(provisional=True), told])

    assert (contracts(10), money("4.8")) == (held(state).size, held(state).cost)
    assert money("95.18") == state.cash
    assert books_balance(state)


def test_a_settled_sale_touches_no_position() -> None:
    """Settling a sale makes no contract less or more doubtful."""
    sale = a_sale(size=size("4"), cost=money("2.4"), provisional=True)
    state = fold([*SELLING, sale, ev.FillSettled(intent="i-2", fill="x-1")])

    assert (contracts(6), contracts(6)) == (held(state).size, held(state).settled)


@pytest.mark.parametrize(
    "event",
    [
        ev.OrderAccepted(intent="?", venue_order="v", sent_at=NOON),
        ev.OrderRejected(intent="?", code="c"),
        ev.OrderUnknown(intent="?", reason="r"),
        ev.OrderCancelled(intent="?", reason="r", remaining=Size(0)),
        ev.FillSettled(intent="?", fill="f-1"),
        ev.FillSettled(intent="i-1", fill="?"),
        ev.FillReversed(intent="?", fill="f-1", reason="r"),
        ev.FillReversed(intent="i-1", fill="?", reason="r"),
        an_intended(),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_contradicts_the_journal_is_noted(event: ev.Event) -> None:
    """News of strangers, and an id used twice, change nothing but the count of anomalies."""
    state = fold(BOUGHT)
    after = fold([event], state=state)

    assert 1 == after.anomalies
    assert (state.cash, state.positions, state.finished) == (
        after.cash,
        after.positions,
        after.finished,
    )


def test_orders_move_between_live_and_finished() -> None:
    """A rejected order that fills after all is live again."""
    rejected = fold([a_start(), an_intended(), ev.OrderRejected(intent="i-1", code="c")])
    reopened = fold([a_fill(size=size("1"), cost=money("0.48"))], state=rejected)

    assert (set(), {"i-1"}) == (set(rejected.orders), set(rejected.finished))
    assert ({"i-1"}, set()) == (set(reopened.orders), set(reopened.finished))
    assert OrderState.UNKNOWN is reopened.orders["i-1"].state


def test_finished_orders_are_forgotten_in_time() -> None:
    """Only the youngest few hundred are remembered, the live ones all."""
    events: list[ev.Event] = [a_start(), an_intended("live")]
    for number in range(300):
        events += [
            an_intended(f"i-{number}"),
            ev.OrderCancelled(intent=f"i-{number}", reason="r", remaining=Size(0)),
        ]
    state = fold(events)

    assert 256 == len(state.finished)
    assert "i-299" in state.finished
    assert "i-43" not in state.finished
    assert ["live"] == list(state.orders)


def test_a_new_day() -> None:
    """Daily limits start anew, and cooldowns long over are forgotten."""
    state = fold(BOUGHT)
    later = Micros(NOON + 9 * 86_400 * SECOND)
    opened = ev.DayOpened(date="2026-01-14", equity=money("99"), cash=money("95.18"))

    assert Day("2026-01-14", money("99")) == apply(state, opened, NOON).day
    assert {"M-1": NOON} == apply(state, opened, Micros(NOON + Duration(SECOND))).last_entry
    assert {} == apply(state, opened, later).last_entry


def test_halt_and_resume() -> None:
    """A halt says by whom and why; a second without flatten does not undo the flattening."""
    halted = fold([ev.Halt(by="ann", reason="news", flatten=True), ev.Halt(by="bob", reason="x")])
    resumed = fold([ev.Resume(by="ann")], state=halted)

    assert ("bob: x", True) == (halted.halted, halted.flatten)
    assert (None, False) == (resumed.halted, resumed.flatten)


def test_lookups() -> None:
    """Positions are found by leg and orders wherever they are filed."""
    state = fold([*BOUGHT, an_intended("i-2")])

    assert held(state) is state.position("M-1", Leg.YES)
    assert state.position("M-1", Leg.NO) is None
    assert "M-1:no" == position_key("M-1", Leg.NO)
    assert state.orders["i-2"] is state.order("i-2")
    assert state.finished["i-1"] is state.order("i-1")
    assert state.order("?") is None
    assert Money(4_800_000_000_000) == state.basis()
