"""A lane that trades at the stand-in for Kalshi through the real desk, and heals by the account."""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.adapters.kalshi.account import KalshiAccount, OwnName
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import SECOND, Micros, money
from market_bot.core.domain.settings import Sizing
from market_bot.core.domain.world import World
from market_bot.core.usecases.reconcile import Comparison, compare
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.trade_lane import LaneTrader

from .builders import LIMITS, Wanting, a_book, a_strategy, announced, lane_settings
from .fake_kalshi_rig import Rig
from .healed import Healed
from .journal import ListJournal
from .kalshi_records import TICKER
from .market_data import ScriptedMarketData

CASH: Final = "100.00"
LIMIT: Final = money("6")
"""The most a lane may have at stake: one order of five dollars, and never two."""


@attrs.define(eq=False)
class KalshiLane:
    """One market, one strategy that wants what it is told, limits for one order at a time."""

    rig: Rig
    wanting: Wanting = attrs.field(factory=Wanting)
    trader: LaneTrader = attrs.field(init=False)
    data: ScriptedMarketData = attrs.field(factory=ScriptedMarketData)
    journal: ListJournal = attrs.field(factory=ListJournal)
    healed: Healed = attrs.field(init=False)
    last: Comparison = attrs.field(factory=Comparison)

    def __attrs_post_init__(self) -> None:
        limits = {
            **LIMITS,
            "max_order_usd": money("6"),
            "max_position_usd": LIMIT,
            "max_total_exposure_usd": LIMIT,
            "max_daily_loss_usd": money("50"),
        }
        settings = lane_settings(
            a_strategy(self.wanting), limits=limits, sizing=Sizing(order=money("5"))
        )
        world = World()
        self.healed = Healed(self.rig.desk)
        self.trader = LaneTrader(
            settings=settings,
            data=self.data,
            execution=self.healed,
            recorder=Recorder(
                journal=self.journal,
                state=LaneState(),
                config=settings.hash,
                snapshot=lambda _: ({}, "digest"),
            ),
            world=world,
            controls=list,
            marks=None,
        )
        self.rig.account = KalshiAccount(self.rig.rest, self.rig.clock, ours=self._named)
        started = ev.BotStarted(
            mode="paper", instance="inst", version="0", fold=1, cash=money(CASH)
        )
        self.trader.start(started, self.rig.now)
        self.show("0.40", "0.45")

    @property
    def state(self) -> LaneState:
        """What the journal says."""
        return self.trader.state

    def show(self, bid: str, ask: str) -> None:
        """Let the lane see a quote with the next tick."""
        market = self.rig.listings[TICKER].market
        book = a_book(TICKER, {bid: "50"}, {ask: "50"}, at=self.rig.now)
        self.data.then(announced(market, self.rig.now), book)

    def tick(self, seconds: int = 1) -> None:
        """Let time pass, compare with the account, and take a tick."""
        self.rig.clock.pass_by(seconds * SECOND)
        self.compare()
        self.healed.found.extend(self.last.facts)
        self.rig.desk.learn(self.last.facts)
        self.show("0.40", "0.45")
        self.trader.tick(self.rig.now)

    def compare(self) -> Comparison:
        """Hold the journal against the account."""
        names = [order.intent for order in self.state.orders.values()]
        picture = self.rig.account.look(Micros(self.rig.now - 3600 * SECOND), names)
        abilities = self.trader.execution.abilities
        self.last = compare(self.state, picture, abilities, self.rig.now)
        return self.last

    def check(self) -> None:
        """Hold our promises against the venue's own books."""
        engine = self.rig.engine
        names = [order.client for order in engine.orders.values()]
        assert len(set(names)) == len(names), "two orders of one intent"
        assert engine.exposure() * 10**6 <= LIMIT, "more at stake than allowed"
        assert all(held.count >= 0 for held in engine.positions.values()), "sold what was not there"

    def check_healed(self) -> None:
        """Hold the journal against the venue's own books, to the last unit."""
        self.check()
        engine, state = self.rig.engine, self.state
        assert sum(engine.cash.values()) * 10**6 == state.cash
        there = {ticker: held.count for ticker, held in engine.positions.items() if held.count}
        here = {
            held.market: (1 if held.leg is Leg.YES else -1) * held.size // 10_000
            for held in state.positions.values()
        }
        assert there == here
        told = [event.fill for event in self.journal.events if isinstance(event, ev.Fill)]
        assert sorted(fill.id for fill in engine.fills) == sorted(told)
        assert not state.anomalies
        assert not self.state.orders, "an order is still open"
        assert self.compare().agrees, self.last

    def _named(self, intent: str) -> OwnName | None:
        order = self.state.order(intent)
        return None if order is None else OwnName(order.market, order.leg)
