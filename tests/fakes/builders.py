"""Ordinary things with nothing special about them; a test names only what it is about."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, TypeVar

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain import risk as risk_package
from market_bot.core.domain import strategies as strategies_package
from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.lane import LaneState, apply
from market_bot.core.domain.market import Leg, Market
from market_bot.core.domain.marks import MarkSchedule
from market_bot.core.domain.numbers import (
    NO_MONEY,
    SECOND,
    Duration,
    Micros,
    Price,
    Size,
    money,
    price,
    probability,
    size,
)
from market_bot.core.domain.orders import Order, Purpose, Style
from market_bot.core.domain.risk.api import Rule
from market_bot.core.domain.settings import (
    ActiveStrategy,
    Cooldown,
    Filters,
    LaneSettings,
    Sizing,
)
from market_bot.core.domain.signals import Draft, Intent, Quote, Signal, Wanted
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.domain.view import Holdings, View
from market_bot.core.domain.world import World
from market_bot.core.ports.execution import Execution
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.trade_lane import LaneTrader

from .clock import NOON, ManualClock
from .journal import ListJournal
from .market_data import ScriptedMarketData
from .recording_sink import Fact, tell

E = TypeVar("E", bound=ev.Event)

# So wide that only a test that is about one of them meets it.
WIDE: Mapping[str, int] = {
    "max_event_loss_usd": money("1000000"),
    "max_drawdown_usd": money("1000000"),
    "max_consecutive_losses": 1000,
    "max_open_orders": 1000,
    "max_orders_per_minute": 600,
    "max_price_distance": price("1"),
    "max_book_distance": price("1"),
    "max_book_age_seconds": Duration(10**18),
}
LIMITS: Mapping[str, int] = {
    **WIDE,
    "max_order_usd": money("10"),
    "max_position_usd": money("20"),
    "max_total_exposure_usd": money("50"),
    "max_daily_loss_usd": money("5"),
}


def a_market(name: str = "M-1", **changes: Any) -> Market:
    """Return a market on whole cents without fees."""
    market = Market(venue="simulated", id=name, event="E-1", family="F-1")
    return attrs.evolve(market, **changes)


def a_signal(**changes: Any) -> Signal:
    """Return the wish to buy YES at 0.48 and wait for it."""
    signal = Signal(
        market="M-1",
        leg=Leg.YES,
        purpose=Purpose.ENTRY,
        style=Style.MAKER,
        price=price("0.48"),
        belief=probability("0.55"),
        edge=price("0.07"),
        cost=price("0"),
        patience=Duration(60 * SECOND),
        reason="because",
    )
    return attrs.evolve(signal, **changes)


def an_exit(**changes: Any) -> Signal:
    """Return the wish to sell YES at 0.47 at once."""
    sale = a_signal(purpose=Purpose.EXIT, style=Style.TAKER, price=price("0.47"))
    return attrs.evolve(sale, **changes)


def a_draft(signal: Signal | None = None, **changes: Any) -> Draft:
    """Return ten contracts of a signal."""
    draft = Draft(
        strategy="scripted",
        signal_id="s-1",
        signal=a_signal() if signal is None else signal,
        event="E-1",
        family="F-1",
        size=size("10"),
        fee_bound=NO_MONEY,
        quote=Quote(bid=price("0.48"), ask=price("0.52"), age=Duration(0)),
    )
    return attrs.evolve(draft, **changes)


def an_intent(name: str = "i-1", draft: Draft | None = None, **changes: Any) -> Intent:
    """Return the intent of a draft that lives for a minute."""
    chosen = a_draft() if draft is None else draft
    intent = Intent(
        id=name,
        draft=chosen,
        expires_at=Micros(NOON + 60 * SECOND),
        reduce_only=chosen.signal.purpose is Purpose.EXIT,
    )
    return attrs.evolve(intent, **changes)


def an_order(**changes: Any) -> Order:
    """Return an entry of ten contracts at 0.48 with a fee of at most a dime."""
    order = Order(
        intent="i-1",
        signal="s-1",
        strategy="scripted",
        market="M-1",
        event="E-1",
        family="F-1",
        leg=Leg.YES,
        purpose=Purpose.ENTRY,
        style=Style.MAKER,
        price=price("0.48"),
        size=size("10"),
        fee_bound=money("0.10"),
        expires_at=Micros(NOON + 60 * SECOND),
        created_at=NOON,
    )
    return attrs.evolve(order, **changes)


def an_intended(name: str = "i-1", **changes: Any) -> ev.OrderIntent:
    """Return the fact that an entry of ten contracts at 0.48 is about to be sent."""
    intended = ev.OrderIntent(
        signal="s-1",
        strategy="scripted",
        market="M-1",
        event="E-1",
        family="F-1",
        leg=Leg.YES,
        intent=name,
        purpose=Purpose.ENTRY,
        style=Style.MAKER,
        price=price("0.48"),
        size=size("10"),
        fee_bound=money("0.10"),
        expires_at=Micros(NOON + 60 * SECOND),
        belief=probability("0.55"),
        edge=price("0.07"),
    )
    return attrs.evolve(intended, **changes)


def a_fill(name: str = "f-1", **changes: Any) -> ev.Fill:
    """Return the purchase of ten contracts at 0.48 for a fee of two cents."""
    fill = ev.Fill(
        signal="s-1",
        strategy="scripted",
        market="M-1",
        event="E-1",
        family="F-1",
        leg=Leg.YES,
        intent="i-1",
        fill=name,
        purpose=Purpose.ENTRY,
        liquidity=Style.MAKER,
        price=price("0.48"),
        size=size("10"),
        cost=money("4.8"),
        fee=money("0.02"),
    )
    return attrs.evolve(fill, **changes)


def a_sale(name: str = "x-1", **changes: Any) -> ev.Fill:
    """Return the sale of ten contracts at 0.60 for a fee of two cents."""
    sale = a_fill(name, intent="i-2", purpose=Purpose.EXIT, price=price("0.60"), cost=money("6.0"))
    return attrs.evolve(sale, **changes)


def a_start(cash: str = "100") -> ev.BotStarted:
    """Return the beginning of a paper lane."""
    return ev.BotStarted(mode="paper", instance="inst", version="0", fold=1, cash=money(cash))


def no_exposure(**changes: Any) -> Exposure:
    """Return the exposure of a lane that holds a hundred dollars and nothing else."""
    exposure = Exposure(
        total=NO_MONEY,
        by_market={},
        by_event={},
        live_orders=0,
        free_cash=money("100"),
        day_pnl=NO_MONEY,
        drawdown=NO_MONEY,
        halted=None,
    )
    return attrs.evolve(exposure, **changes)


def fold(
    events: Iterable[ev.Event], at: Micros = NOON, state: LaneState | None = None
) -> LaneState:
    """Return the state after facts that all happened at one moment."""
    folded = LaneState() if state is None else state
    for event in events:
        folded = apply(folded, event, at)
    return folded


def refold(journal: ListJournal) -> LaneState:
    """Return what a journal says, from its first line."""
    state = LaneState()
    for line in journal.lines:
        state = apply(state, line.event, line.at)
    return state


def a_book(
    market: str = "M-1",
    bids: Mapping[str, str] | None = None,
    asks: Mapping[str, str] | None = None,
    at: Micros = NOON,
) -> Fact:
    """Return a whole book: a hundred contracts at 0.48 and at 0.52 unless told otherwise."""
    return (
        "book",
        market,
        {price(p): size(s) for p, s in ({"0.48": "100"} if bids is None else bids).items()},
        {price(p): size(s) for p, s in ({"0.52": "100"} if asks is None else asks).items()},
        at,
        None,
    )


def announced(market: Market, at: Micros = NOON) -> Fact:
    """Return the fact that a market exists."""
    return ("meta", market, at)


def plugins(package: ModuleType, attribute: str) -> dict[str, Any]:
    """Return what every module of a package exposes under a name, the api left out."""
    names = [info.name for info in pkgutil.iter_modules(package.__path__) if info.name != "api"]
    modules = {name: importlib.import_module(f"{package.__name__}.{name}") for name in names}
    return {name: getattr(module, attribute) for name, module in modules.items()}


def every_rule() -> dict[str, Rule]:
    """Return the rule of every file in the risk package."""
    return plugins(risk_package, "rule")


def every_strategy() -> dict[str, Strategy]:
    """Return the strategy of every file in the strategies package."""
    return plugins(strategies_package, "strategy")


@attrs.frozen
class NoParams:
    """A strategy without parameters."""


Decide = Callable[[View, Any, Holdings], Iterable[Wanted]]


def a_strategy(decide: Decide, name: str = "scripted") -> ActiveStrategy:
    """Return a strategy that decides as given."""
    made = Strategy(name=name, summary="As told.", params=NoParams, decide=decide)
    return ActiveStrategy(strategy=made, params=NoParams())


class Wanting:
    """A decision function that wants whatever is in `wants` where it can be wanted."""

    def __init__(self, *wants: Signal) -> None:
        self.wants = list(wants)
        self.asked = 0

    def __call__(self, view: View, params: Any, holdings: Holdings) -> Sequence[Signal]:
        """Return the wishes for the markets of this event."""
        self.asked += 1
        here = {seen.market.id for seen in view.markets}
        return [signal for signal in self.wants if signal.market in here]


def lane_settings(*strategies: ActiveStrategy, **changes: Any) -> LaneSettings:
    """Return settings with every hard limit, no filters, no cooldowns, five dollars an order."""
    settings = LaneSettings(
        hash="c-1",
        text="",
        cash=money("100"),
        strategies=strategies,
        rules=tuple(every_rule().values()),
        limits=LIMITS,
        filters=Filters(),
        cooldown=Cooldown(after_entry=Duration(0), after_exit=Duration(0)),
        sizing=Sizing(order=money("5")),
    )
    return attrs.evolve(settings, **changes)


@attrs.define(eq=False)
class Lane:
    """A trader with everything around it, and a clock that goes one second per tick."""

    trader: LaneTrader
    data: ScriptedMarketData
    journal: ListJournal
    controls: list[ev.Event]
    clock: ManualClock

    def tick(self, *facts: Fact) -> list[ev.Event]:
        """Take one tick with these market facts and return what was journaled by it."""
        if facts:
            self.data.then(*facts)
        before = len(self.journal.lines)
        self.trader.tick(self.clock.advance())
        return self.journal.events[before:]

    def start(self) -> None:
        """Begin with a hundred dollars."""
        self.trader.start(a_start(), self.clock())


def a_lane(
    settings: LaneSettings,
    execution: Callable[[World], Execution],
    *,
    data: ScriptedMarketData | None = None,
    journal: ListJournal | None = None,
    opening: Sequence[Fact] = (),
    marks: MarkSchedule | None = None,
) -> Lane:
    """Return a lane that was not started yet and knows the facts of `opening` already.

    `execution` is made for its world. It takes no marks unless it is given a schedule for them.
    """
    world, controls = World(), list[ev.Event]()
    source = ScriptedMarketData() if data is None else data
    chain = ListJournal() if journal is None else journal
    recorder = Recorder(
        journal=chain,
        state=LaneState(),
        config=settings.hash,
        snapshot=lambda _: ({}, "digest"),
    )

    def take() -> Sequence[ev.Event]:
        taken = list(controls)
        controls.clear()
        return taken

    trader = LaneTrader(
        settings=settings,
        data=source,
        execution=execution(world),
        recorder=recorder,
        world=world,
        controls=take,
        marks=marks,
    )
    tell(list(opening), world)
    return Lane(trader, source, chain, controls, ManualClock())


def of_type(events: Iterable[ev.Event], kind: type[E]) -> list[E]:
    """Return the facts of one class."""
    return [event for event in events if isinstance(event, kind)]


def cents(number: int) -> Price:
    """Return a price in whole cents."""
    return Price(number * 10_000)


def contracts(number: int) -> Size:
    """Return a size in whole contracts."""
    return Size(number * 1_000_000)
