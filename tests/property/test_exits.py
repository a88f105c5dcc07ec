"""What every way out keeps, and stops against an oracle over any path of prices."""

from collections.abc import Sequence
from typing import Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_bot.core.domain import events as ev
from market_bot.core.domain import exits as exits_package
from market_bot.core.domain.exits import stop_loss, trailing_stop
from market_bot.core.domain.exits.api import (
    ActiveExit,
    ExitRule,
    Exits,
    Held,
    Memory,
    held_now,
    remembered,
    way_out,
)
from market_bot.core.domain.lane import LaneState, Position, apply
from market_bot.core.domain.market import NO_FEES, TENTH_CENTS, WHOLE_CENTS, Leg
from market_bot.core.domain.numbers import (
    CERTAIN,
    NOTHING,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Size,
    parse_scaled,
    price,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.strategies.api import KNOB
from market_bot.core.domain.view import MarketView, View
from tests.fakes.builders import (
    a_fill,
    a_market,
    a_start,
    an_intended,
    an_order,
    fold,
    plugins,
)
from tests.fakes.clock import NOON

EXITS: Final[dict[str, ExitRule]] = plugins(exits_package, "exit_rule")
ANY_PARAMS: Final[dict[str, list[dict[str, Any]]]] = {
    "take_profit": [{"price": price("0.7")}, {"gain": price("0.05")}],
    "stop_loss": [
        {"distance": price("0.05"), "confirm_seconds": confirm, "measure": measure}
        for confirm in (0, 5)
        for measure in stop_loss.Measure
    ],
    "trailing_stop": [{"activation": Price(0), "distance": price("0.01")}, {}],
    "time_to_close": [{"minutes": 1}, {"minutes": 10_000}],
    "max_hold": [{"minutes": 1}],
}

quotes = (
    st.none()
    | st.integers(0, 100).map(lambda c: Price(c * 10_000))
    | st.integers(-2, 1_000_002).map(Price)
)


def a_view(bid: Price | None, ask: Price | None, at: Micros = NOON, **changes: Any) -> View:
    """Return an event of one market with these quotes."""
    seen = MarketView(
        market=a_market(**changes),
        tradable=True,
        bid=bid,
        ask=ask,
        bid_size=NOTHING if bid is None else Size(1),
        ask_size=NOTHING if ask is None else Size(1),
        book_age=Duration(0),
        last_trade=None,
    )
    return View(event="E-1", family="F-1", as_of=at, markets=(seen,), references={})


positions = st.builds(
    Position,
    market=st.just("M-1"),
    event=st.just("E-1"),
    family=st.just("F-1"),
    leg=st.sampled_from(Leg),
    strategy=st.just("scripted"),
    signal=st.just("s-1"),
    size=st.integers(1, 10**9).map(Size),
    cost=st.integers(0, 10**15).map(Money),
    opened_at=st.integers(NOON - 10**10, NOON).map(Micros),
    high=st.none() | st.integers(0, 1_000_000).map(Price),
    armed_at=st.none() | st.integers(NOON - 10**8, NOON).map(Micros),
    marked_at=st.integers(NOON - 10**8, NOON).map(Micros),
)
views = st.builds(
    a_view,
    quotes,
    quotes,
    close_at=st.none() | st.integers(NOON - 10**10, NOON + 10**10).map(Micros),
    ticks=st.sampled_from([WHOLE_CENTS, TENTH_CENTS]),
    fees=st.just(NO_FEES),
)
styles = st.sampled_from(Style)
orders = st.lists(
    st.builds(
        an_order,
        leg=st.sampled_from(Leg),
        purpose=st.sampled_from(Purpose),
        style=styles,
    ),
    max_size=2,
)


@pytest.mark.parametrize("rule", EXITS.values(), ids=EXITS)
@given(views, positions, styles, orders, st.data())
def test_every_exit_keeps_to_its_position(
    rule: ExitRule, view: View, position: Position, style: Style, known: Any, data: st.DataObject
) -> None:
    """It never raises, says the same twice, and sells its own leg on the grid, nothing else."""
    params = rule.params(**data.draw(st.sampled_from(ANY_PARAMS[rule.name])))
    exits = Exits(active=(ActiveExit(rule=rule, params=params),), style=style)
    (held,) = held_now(view, [position])
    signal = way_out(exits, held, known)

    assert remembered(exits, held) == remembered(exits, held)
    assert signal == way_out(exits, held, known)
    if held.bid is None:
        assert signal is None
    if signal is None:
        return
    assert rule.due(held, params)
    assert (position.market, position.leg, Purpose.EXIT, rule.name) == (
        signal.market,
        signal.leg,
        signal.purpose,
        signal.reason,
    )
    assert signal.size is None
    assert view.markets[0].market.on_grid(signal.price)
    assert 0 <= signal.belief <= CERTAIN
    assert signal.patience > 0
    if signal.style is Style.TAKER:
        assert held.bid is not None
        assert signal.price <= held.bid


@pytest.mark.parametrize("rule", EXITS.values(), ids=EXITS)
def test_every_exit_keeps_the_contract(rule: ExitRule) -> None:
    """It is named like its file, has a sentence, and every number is a knob around its default."""
    assert rule is EXITS[rule.name]
    assert rule.summary.endswith(".")
    for field in attrs.fields(rule.params):
        knob = field.metadata.get(KNOB)
        if knob is None:
            assert isinstance(field.default, stop_loss.Measure)
            continue
        scale = 0 if isinstance(field.default, int) and knob.unit in ("second", "minute") else 6
        low, high, step = (parse_scaled(text, scale) for text in (knob.low, knob.high, knob.step))
        assert 0 <= low < high
        assert 0 < step <= high - low
        assert field.default is None or low <= field.default <= high


# -- paths ---------------------------------------------------------------------------------------

# Ten contracts at 0.48 bought at noon, then a quote every so often; None is a side that is empty.
cents = st.none() | st.integers(20, 80)
paths = st.lists(
    st.tuples(st.integers(1, 8_000_000), cents, st.integers(0, 6)), min_size=1, max_size=60
)
Path = Sequence[tuple[int, int | None, int]]
STARTED: Final = (a_start(), an_intended(), a_fill(fee=Money(0)))


def ticks(path: Path) -> list[tuple[Micros, Price | None, Price | None]]:
    """Return time, bid and ask of every tick; without a spread the ask is empty."""
    at, found = int(NOON), []
    for wait, bid, spread in path:
        at += wait
        there = None if bid is None else Price(bid * 10_000)
        ask = None if bid is None or not spread else Price((bid + spread) * 10_000)
        found.append((Micros(at), there, ask))
    return found


@attrs.define
class Watched:
    """A position watched from tick to tick by its journal alone."""

    exits: Exits
    facts: list[tuple[ev.Event, Micros]] = attrs.field(
        factory=lambda: [(event, NOON) for event in STARTED]
    )
    state: LaneState = attrs.field(factory=lambda: fold(STARTED))

    def restart(self) -> None:
        """Forget everything that is not in the journal."""
        self.state = LaneState()
        for event, at in self.facts:
            self.state = apply(self.state, event, at)

    def look(self, at: Micros, bid: Price | None, ask: Price | None) -> tuple[Held, str | None]:
        """Take a tick and return what is held and which exit is due."""
        (held,) = held_now(a_view(bid, ask, at), self.state.positions.values())
        memory = remembered(self.exits, held)
        if memory != held.memory:
            mark = ev.PositionMarked(
                market="M-1", leg=Leg.YES, high=memory.high, armed_at=memory.armed_at
            )
            self.facts.append((mark, at))
            self.state = apply(self.state, mark, at)
            held = attrs.evolve(held, memory=memory)
        signal = way_out(self.exits, held, ())
        return held, None if signal is None else signal.reason


def only(rule: ExitRule, **params: Any) -> Exits:
    """Return one exit with its parameters."""
    return Exits(active=(ActiveExit(rule=rule, params=rule.params(**params)),))


def oracle_stop(path: Path, distance: int, confirm: int, measure: stop_loss.Measure) -> list[bool]:
    """Say at which ticks a stop fires, told from the whole path at once."""
    begun: int | None = None
    changed = 0
    fires = []
    for at, bid, ask in ticks(path):
        mid = None if bid is None or ask is None else (bid + ask) / 2
        value = bid if measure is stop_loss.Measure.BID else mid
        if value is not None and value > 480_000 - distance:
            changed, begun = (changed if begun is None else at), None
        elif value is not None and begun is None and at - changed >= SECOND:
            begun = changed = at
        below = value is not None and value <= 480_000 - distance
        long_enough = confirm == 0 or (begun is not None and at - begun >= confirm * SECOND)
        fires.append(below and bid is not None and long_enough)
    return fires


@given(
    paths,
    st.integers(1, 20).map(lambda c: c * 10_000),
    st.sampled_from([0, 3, 10]),
    st.sampled_from(stop_loss.Measure),
)
def test_a_stop_fires_when_the_oracle_says_so(
    path: Path, distance: int, confirm: int, measure: stop_loss.Measure
) -> None:
    """At exactly those ticks."""
    exits = only(
        stop_loss.exit_rule,
        distance=Price(distance),
        confirm_seconds=confirm,
        measure=measure,
    )
    watched = Watched(exits)
    fired = [watched.look(*tick)[1] == "stop_loss" for tick in ticks(path)]

    assert oracle_stop(path, distance, confirm, measure) == fired


@given(paths, st.integers(0, 10), st.integers(1, 10))
def test_a_trailing_stop_follows_the_oracle(path: Path, activation: int, distance: int) -> None:
    """The high never falls, never exceeds what was bid, lags ten seconds at most while it rises."""
    exits = only(
        trailing_stop.exit_rule,
        activation=Price(activation * 10_000),
        distance=Price(distance * 10_000),
    )
    watched, high, noted = Watched(exits), None, 0
    for at, bid, ask in ticks(path):
        held, reason = watched.look(at, bid, ask)
        if bid is not None and (high is None or (bid > high and at - noted >= 10 * SECOND)):
            high, noted = bid, at
        assert high == held.memory.high == watched.state.positions["M-1:yes"].high
        on = high is not None and high >= 480_000 + activation * 10_000
        fell = bid is not None and high is not None and high - bid >= distance * 10_000
        assert (on and fell) is (reason == "trailing_stop")


@given(paths, st.sets(st.integers(0, 59)))
def test_a_restart_changes_no_exit(path: Path, restarts: set[int]) -> None:
    """Folded from its journal at any moments, a position is left at the same ticks."""
    exits = Exits(
        active=(
            *only(stop_loss.exit_rule, distance=price("0.08"), confirm_seconds=5).active,
            *only(trailing_stop.exit_rule).active,
            *only(EXITS["max_hold"], minutes=2).active,
        )
    )
    straight, broken = Watched(exits), Watched(exits)
    for number, tick in enumerate(ticks(path)):
        if number in restarts:
            broken.restart()
        assert straight.look(*tick) == broken.look(*tick)
    assert straight.facts == broken.facts


marks = st.lists(
    st.tuples(st.none() | st.integers(0, 1_000_000).map(Price), st.none() | st.just(NOON)),
    max_size=8,
)


@given(marks)
def test_the_fold_never_lowers_a_high(told: Sequence[tuple[Price | None, Micros | None]]) -> None:
    """Whatever is marked, the highest stays, and the last word on the stop counts."""
    state, highest = fold(STARTED), -1
    for number, (high, armed) in enumerate(told, start=1):
        mark = ev.PositionMarked(market="M-1", leg=Leg.YES, high=high, armed_at=armed)
        at = Micros(NOON + number)
        state = apply(state, mark, at)
        highest = max(highest, -1 if high is None else high)
        held = state.positions["M-1:yes"]
        assert (highest, armed, at) == (
            -1 if held.high is None else held.high,
            held.armed_at,
            held.marked_at,
        )
    assert 0 == state.anomalies


def test_a_mark_of_nothing_is_an_anomaly() -> None:
    """What is not held cannot be marked."""
    state = fold([ev.PositionMarked(market="M-1", leg=Leg.NO, high=Price(1))], state=fold(STARTED))

    assert 1 == state.anomalies
    assert Memory() == Memory(state.positions["M-1:yes"].high, state.positions["M-1:yes"].armed_at)
