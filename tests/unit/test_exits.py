"""Every way out, with numbers worked out by hand."""

from typing import Any

import attrs
import pytest

from market_bot.core.domain.exits import (
    max_hold,
    stop_loss,
    take_profit,
    time_to_close,
    trailing_stop,
)
from market_bot.core.domain.exits.api import (
    ActiveExit,
    Exits,
    Held,
    Memory,
    held_now,
    remembered,
    way_out,
)
from market_bot.core.domain.lane import Position
from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg
from market_bot.core.domain.numbers import (
    NOTHING,
    SECOND,
    Duration,
    Micros,
    Price,
    money,
    price,
    size,
)
from market_bot.core.domain.orders import Order, OrderState, Purpose, Style
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.view import MarketView, View
from tests.fakes.builders import a_market, an_order
from tests.fakes.clock import NOON, after

MINUTE = 60
# Ten contracts that cost 0.48 each on average, in three purchases.
POSITION = Position(
    market="M-1",
    event="E-1",
    family="F-1",
    leg=Leg.YES,
    strategy="scripted",
    signal="s-1",
    size=size("10"),
    cost=money("4.8"),
    opened_at=NOON,
)


def seen(bid: str | None = "0.48", ask: str | None = "0.52", **changes: Any) -> MarketView:
    """Return a market with these quotes in YES terms."""
    return MarketView(
        market=a_market(**changes),
        tradable=True,
        bid=None if bid is None else price(bid),
        ask=None if ask is None else price(ask),
        bid_size=NOTHING if bid is None else size("100"),
        ask_size=NOTHING if ask is None else size("100"),
        book_age=Duration(0),
        last_trade=None,
    )


def held(view: MarketView, seconds: int = 0, memory: Memory | None = None, **changes: Any) -> Held:
    """Return the position so many seconds after noon."""
    return Held(
        position=attrs.evolve(POSITION, **changes),
        seen=view,
        as_of=after(seconds),
        memory=Memory() if memory is None else memory,
    )


# -- take profit ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "bid", "expected"),
    [
        ({"price": price("0.90")}, "0.90", True),
        ({"price": price("0.90")}, "0.89", False),
        ({"price": price("0.90")}, None, False),
        ({"gain": price("0.10")}, "0.58", True),
        ({"gain": price("0.10")}, "0.57", False),
        ({"gain": price("0.10"), "price": price("0.50")}, "0.50", True),
        ({"gain": price("0.02"), "price": price("0.90")}, "0.50", True),
    ],
)
def test_take_profit(params: dict[str, Any], bid: str | None, expected: bool) -> None:
    """The bid counts; either line is enough."""
    rule = take_profit.exit_rule

    assert expected is rule.due(held(seen(bid)), take_profit.Params(**params))


def test_take_profit_of_the_other_leg() -> None:
    """NO at 0.48 gains as YES falls: 1 - 0.42 is a gain of ten cents."""
    params = take_profit.Params(gain=price("0.10"))

    assert take_profit.due(held(seen("0.30", "0.42"), leg=Leg.NO), params)
    assert not take_profit.due(held(seen("0.41", "0.43"), leg=Leg.NO), params)


def test_an_average_that_is_no_price_is_compared_exactly() -> None:
    """Three contracts for a dollar cost a third each; a gain of 0.000001 needs 0.333335."""
    params = take_profit.Params(gain=Price(1))
    third: dict[str, Any] = {"size": size("3"), "cost": money("1")}

    assert not take_profit.due(held(seen("0.333334"), **third), params)
    assert take_profit.due(held(seen("0.333335"), **third), params)


def test_take_profit_needs_a_word() -> None:
    """Neither price nor gain is a mistake, not a way out that is never due."""
    with pytest.raises(ValueError, match="says nothing"):
        take_profit.Params()


# -- stop loss -----------------------------------------------------------------------------------

STOP = stop_loss.Params(distance=price("0.10"), confirm_seconds=30)


@pytest.mark.parametrize(
    ("bid", "ask", "armed", "expected"),
    [
        ("0.36", "0.40", None, NOON),
        ("0.37", "0.40", None, None),
        ("0.37", "0.40", after(-5), None),
        ("0.30", "0.40", after(-5), after(-5)),
        ("0.30", None, None, None),
        ("0.30", None, after(-5), after(-5)),
        (None, "0.90", after(-5), after(-5)),
    ],
)
def test_a_stop_is_armed_and_disarmed(
    bid: str | None, ask: str | None, armed: Micros | None, expected: Micros | None
) -> None:
    """The mid of 0.38 is at the stop, 0.385 is above it; without a mid all stays as it is."""
    known = Memory(high=price("0.5"), armed_at=armed)

    assert Memory(price("0.5"), expected) == stop_loss.remember(
        held(seen(bid, ask), memory=known), STOP
    )


def test_a_stop_arms_once_a_second() -> None:
    """A price that flickers writes little."""
    view = seen("0.30", "0.32")
    lately: dict[str, Any] = {"marked_at": NOON}

    assert Memory() == stop_loss.remember(
        attrs.evolve(held(view, **lately), as_of=Micros(NOON + SECOND - 1)), STOP
    )
    assert Memory(None, after(1)) == stop_loss.remember(held(view, 1, **lately), STOP)


@pytest.mark.parametrize(
    ("seconds", "armed", "bid", "expected"),
    [
        (30, NOON, "0.36", True),
        (29, NOON, "0.36", False),
        (30, NOON, "0.37", False),
        (30, None, "0.36", False),
        (30, NOON, None, False),
    ],
)
def test_a_stop_needs_confirmation(
    seconds: int, armed: Micros | None, bid: str | None, expected: bool
) -> None:
    """Thirty seconds at the stop, and still there."""
    position = held(seen(bid, "0.40"), seconds, Memory(None, armed))

    assert expected is stop_loss.due(position, STOP)


def test_a_stop_without_confirmation() -> None:
    """It remembers nothing and sells at once."""
    params = attrs.evolve(STOP, confirm_seconds=0)
    position = held(seen("0.36", "0.40"))

    assert Memory() == stop_loss.remember(position, params)
    assert stop_loss.due(position, params)


def test_a_stop_on_the_bid() -> None:
    """The bid of 0.38 is at the stop although the mid is not."""
    params = attrs.evolve(STOP, confirm_seconds=0, measure=stop_loss.Measure.BID)

    assert stop_loss.due(held(seen("0.38", "0.60")), params)
    assert not stop_loss.due(held(seen("0.39", None)), params)
    assert not stop_loss.due(held(seen(None, "0.01")), params)


# -- trailing stop -------------------------------------------------------------------------------

TRAIL = trailing_stop.Params(activation=price("0.10"), distance=price("0.04"))


@pytest.mark.parametrize(
    ("bid", "high", "seconds", "expected"),
    [
        ("0.48", None, 0, "0.48"),
        ("0.49", "0.48", 10, "0.49"),
        ("0.49", "0.48", 9, "0.48"),
        ("0.485", "0.48", 10, "0.48"),
        ("0.30", "0.48", 10, "0.48"),
        (None, "0.48", 10, "0.48"),
    ],
)
def test_highs_are_noted(bid: str | None, high: str | None, seconds: int, expected: str) -> None:
    """By a tick or more, ten seconds after the last mark; never a lower one."""
    known = Memory(None if high is None else price(high), NOON)
    position = held(seen(bid), seconds, known, marked_at=NOON)

    assert Memory(price(expected), NOON) == trailing_stop.remember(position, TRAIL)


@pytest.mark.parametrize(
    ("high", "bid", "expected"),
    [
        ("0.58", "0.54", True),
        ("0.58", "0.55", False),
        ("0.57", "0.40", False),
        ("0.58", None, False),
        (None, "0.10", False),
    ],
)
def test_a_trailing_stop(high: str | None, bid: str | None, expected: bool) -> None:
    """Ten cents gained at the high switch it on; four cents below the high it sells."""
    memory = Memory(None if high is None else price(high))

    assert expected is trailing_stop.due(held(seen(bid), memory=memory), TRAIL)


# -- time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("close", "expected"),
    [(None, False), (10 * MINUTE + 1, False), (10 * MINUTE, True), (-5, True)],
)
def test_time_to_close(close: int | None, expected: bool) -> None:
    """Ten minutes before the close, and after it; never where it is not known."""
    view = seen(close_at=None if close is None else after(close))

    assert expected is time_to_close.due(held(view), time_to_close.Params(minutes=10))


@pytest.mark.parametrize(("age", "expected"), [(30 * MINUTE - 1, False), (30 * MINUTE, True)])
def test_max_hold(age: int, expected: bool) -> None:
    """Half an hour after the first purchase."""
    assert expected is max_hold.due(held(seen(), age), max_hold.Params(minutes=30))


# -- together ------------------------------------------------------------------------------------

NOW = ActiveExit(rule=max_hold.exit_rule, params=max_hold.Params(minutes=1))
CLOSE = ActiveExit(rule=time_to_close.exit_rule, params=time_to_close.Params(minutes=10))
RESTED = an_order(
    purpose=Purpose.EXIT,
    style=Style.MAKER,
    state=OrderState.CANCELLED,
    created_at=after(60),
    expires_at=after(70),
)


def sale(exits: Exits, position: Held, *orders: Order) -> Signal:
    """Return the sale that is due."""
    signal = way_out(exits, position, orders)
    assert signal is not None
    return signal


def test_nothing_is_due() -> None:
    """Without exits, or with none that is due, nothing is sold."""
    assert way_out(Exits(), held(seen(), 999), ()) is None
    assert way_out(Exits(active=(NOW, CLOSE)), held(seen(), 59), ()) is None


def test_a_sale_takes_the_bid() -> None:
    """Everything is sold for what is bid; the reason is the first exit that is due."""
    fees = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000)
    view = seen(close_at=after(0), fees=fees)

    assert sale(Exits(active=(CLOSE, NOW), patience=Duration(SECOND)), held(view, 60)) == Signal(
        market="M-1",
        leg=Leg.YES,
        purpose=Purpose.EXIT,
        style=Style.TAKER,
        price=price("0.48"),
        belief=price("0.50"),  # type: ignore[arg-type]  # the mid, as a probability
        edge=price("-0.037472"),
        cost=price("0.017472"),
        patience=Duration(SECOND),
        reason="time_to_close",
    )
    assert "max_hold" == sale(Exits(active=(NOW, CLOSE)), held(view, 60)).reason


@pytest.mark.parametrize(
    ("bid", "expected"), [("0.485", "0.48"), ("0.01", "0.01"), ("0.005", None), (None, None)]
)
def test_a_sale_is_on_the_grid(bid: str | None, expected: str | None) -> None:
    """A bid between ticks is taken from the tick below; without one there is nobody to sell to."""
    signal = way_out(Exits(active=(NOW,)), held(seen(bid), 60), ())

    assert expected == (None if signal is None else str(signal.price / 1_000_000))


MAKER = Exits(active=(NOW,), style=Style.MAKER, patience=Duration(10 * SECOND))


@pytest.mark.parametrize(
    ("seconds", "order", "style"),
    [
        (60, None, Style.MAKER),
        (69, attrs.evolve(RESTED, state=OrderState.ACCEPTED), Style.MAKER),
        (70, attrs.evolve(RESTED, state=OrderState.ACCEPTED), Style.TAKER),
        (61, attrs.evolve(RESTED, state=OrderState.REJECTED), Style.TAKER),
        (70, RESTED, Style.TAKER),
        (79, RESTED, Style.TAKER),
        (80, RESTED, Style.MAKER),
        (70, attrs.evolve(RESTED, market="M-2"), Style.MAKER),
        (70, attrs.evolve(RESTED, leg=Leg.NO), Style.MAKER),
        (70, attrs.evolve(RESTED, purpose=Purpose.ENTRY), Style.MAKER),
        (70, attrs.evolve(RESTED, style=Style.TAKER), Style.MAKER),
        (70, attrs.evolve(RESTED, created_at=after(-1)), Style.MAKER),
    ],
)
def test_resting_comes_first_and_taking_second(
    seconds: int, order: Order | None, style: Style
) -> None:
    """A sale that rested in vain since the position was opened is followed by one that takes."""
    signal = sale(MAKER, held(seen(), seconds), *([] if order is None else [order]))

    assert (style, price("0.52" if style is Style.MAKER else "0.48")) == (
        signal.style,
        signal.price,
    )


@pytest.mark.parametrize("ask", [None, "0.48", "0.47", "0.995"])
def test_where_resting_makes_no_sense_the_bid_is_taken(ask: str | None) -> None:
    """Without an ask, with a crossed book or beyond the last tick."""
    assert Style.TAKER is sale(MAKER, held(seen("0.48", ask), 60)).style


def test_exits_remember_together() -> None:
    """Each adds what it needs to the same memory."""
    exits = Exits(
        active=(
            ActiveExit(rule=stop_loss.exit_rule, params=STOP),
            ActiveExit(rule=trailing_stop.exit_rule, params=TRAIL),
        )
    )

    assert Memory(price("0.36"), NOON) == remembered(exits, held(seen("0.36", "0.38")))
    assert Memory() == remembered(Exits(active=(NOW,)), held(seen("0.36", "0.38")))


def test_what_is_looked_at() -> None:
    """Positions of markets that trade, with their memory, and not those left to a strategy."""
    marked = attrs.evolve(POSITION, high=price("0.6"), armed_at=NOON)
    closed = attrs.evolve(POSITION, market="M-2")
    gone = attrs.evolve(POSITION, market="M-3")
    view = View(
        event="E-1",
        family="F-1",
        as_of=after(5),
        markets=(seen(), attrs.evolve(seen(id="M-2"), tradable=False)),
        references={},
    )
    (found,) = held_now(view, [closed, marked, gone])

    assert (marked, after(5), Memory(price("0.6"), NOON)) == (
        found.position,
        found.as_of,
        found.memory,
    )
    assert [marked] == Exits(active=(NOW,)).watched([marked])
    assert [] == Exits(active=(NOW,), strategies_exclude=("scripted",)).watched([marked])
    assert [] == Exits().watched([marked])
