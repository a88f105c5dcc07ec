"""A lane at the stand-in for Polymarket: trades through the real desk, heals by the account."""

from __future__ import annotations

from typing import Final

import attrs

from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import Micros, money
from market_bot.core.domain.settings import Sizing
from market_bot.core.domain.world import World
from market_bot.core.usecases.reconcile import Comparison, compare
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.trade_lane import LaneTrader
from market_bot.core.usecases.watch_account import moving_in

from .builders import LIMITS, Wanting, a_book, a_strategy, announced, lane_settings
from .fake_polymarket_rig import MARKET, PolymarketRig
from .healed import Healed
from .journal import ListJournal
from .market_data import ScriptedMarketData

CASH: Final = "100.00"
LIMIT: Final = money("6")
"""The most a lane may have at stake: one order of five dollars, and never two."""


@attrs.define(eq=False)
class PolymarketLane:
    """One market, one strategy that wants what it is told, limits for one order at a time."""

    rig: PolymarketRig
    wanting: Wanting = attrs.field(factory=Wanting)
    trader: LaneTrader = attrs.field(init=False)
    data: ScriptedMarketData = attrs.field(factory=ScriptedMarketData)
    journal: ListJournal = attrs.field(factory=ListJournal)
    healed: Healed = attrs.field(init=False)
    last: Comparison = attrs.field(factory=Comparison)

    def __attrs_post_init__(self) -> None:
        self.healed = Healed(self.rig.desk)
        self.trader = self._trader(LaneState())
        self.rig.account.state = lambda: self.state
        started = ev.BotStarted(
            mode="paper", instance="inst", version="0", fold=1, cash=money(CASH)
        )
        self.trader.start(started, self.rig.now)
        self.show("0.40", "0.45")

    def _trader(self, state: LaneState) -> LaneTrader:
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
        return LaneTrader(
            settings=settings,
            data=self.data,
            execution=self.healed,
            recorder=Recorder(
                journal=self.journal,
                state=state,
                config=settings.hash,
                snapshot=lambda _: ({}, "digest"),
            ),
            world=World(),
            controls=list,
            marks=None,
        )

    @property
    def state(self) -> LaneState:
        """What the journal says."""
        return self.trader.state

    def show(self, bid: str, ask: str) -> None:
        """Let the lane see a quote with the next tick."""
        market = self.rig.listings[MARKET].market
        book = a_book(MARKET, {bid: "50"}, {ask: "50"}, at=self.rig.now)
        self.data.then(announced(market, self.rig.now), book)

    def tick(self, seconds: int = 1) -> None:
        """Let time pass, compare with the account, and take a tick."""
        self.rig.pass_by(seconds)
        self.compare()
        self.healed.found.extend(self.last.facts)
        self.rig.desk.learn(self.last.facts)
        self.show("0.40", "0.45")
        self.trader.tick(self.rig.now)

    def restart(self) -> None:
        """Take another desk, as a new process does; what was in memory is gone."""
        self.rig.new_desk()
        self.healed = Healed(self.rig.desk)
        self.trader = self._trader(self.state)
        self.trader.start(
            ev.BotStarted(mode="paper", instance="inst", version="0", fold=1, cash=money(CASH)),
            self.rig.now,
        )
        self.rig.desk.adopt(list(self.state.orders.values()))

    def compare(self) -> Comparison:
        """Hold the journal against the account."""
        names = [order.intent for order in self.state.orders.values()]
        began = self.rig.now
        picture = self.rig.account.look(Micros(began - 3_600_000_000), names)
        abilities = self.trader.execution.abilities
        moving = moving_in(self.state, began)
        self.last = compare(self.state, picture, abilities, self.rig.now, moving)
        return self.last

    def intents(self) -> dict[str, str]:
        """Return the name of every order at the venue, by intent, as written before it was sent."""
        return {
            event.intent: event.venue_order
            for event in self.journal.events
            if isinstance(event, ev.OrderIntent)
        }

    def check(self) -> None:
        """Hold our promises against the venue's own books."""
        engine = self.rig.engine
        names = self.intents()
        assert set(engine.orders) <= set(names.values()), "an order that is not in the journal"
        assert len(set(names.values())) == len(names), "two intents with one order"
        assert engine.exposure() * 10**6 <= LIMIT, "more at stake than allowed"

    def check_healed(self) -> None:
        """Hold the journal against the venue's own books, to the last unit."""
        self.check()
        engine, state = self.rig.engine, self.state
        assert all(trade.status in ("CONFIRMED", "FAILED") for trade in engine.trades)
        cash, tokens = engine.final()
        assert cash * 10**6 == state.cash
        held = {}
        for position in state.positions.values():
            yes, no = self.rig.listings[position.market].tokens
            held[yes if position.leg is Leg.YES else no] = int(position.size)
            assert not position.provisional
        assert tokens == held
        self._check_fills()
        assert not state.anomalies
        assert not state.orders, "an order is still open"
        assert not self.rig.outbox.letters(), "a signed order lies around"
        assert self.compare().agrees, self.last

    def _check_fills(self) -> None:
        """Every part of ours in a trade is one line, and its end another one."""
        told: dict[str, list[str]] = {}
        for event in self.journal.events:
            match event:
                case ev.Fill(fill=fill, provisional=provisional):
                    told.setdefault(fill, []).append("told" if provisional else "told settled")
                case ev.FillSettled(fill=fill):
                    told.setdefault(fill, []).append("settled")
                case ev.FillReversed(fill=fill):
                    told.setdefault(fill, []).append("gone")
                case _:
                    pass
        there = {
            f"{trade.id}/{order.id[:12]}": trade.alive
            for trade in self.rig.engine.trades
            for order, *_ in self.rig.engine.ours(trade)
        }
        assert set(there) == set(told)
        for fill, alive in there.items():
            good = (["told settled"], ["told", "settled"])
            assert told[fill] in (good if alive else (["told", "gone"],)), (fill, told[fill])
