"""Random recordings and random settings for replays, and a lane replayed all by itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import attrs

from market_bot.adapters.simulated.paper import PaperExecution
from market_bot.adapters.simulated.tape_venue import TapeVenue
from market_bot.adapters.storage.tape_reader import TapeReader
from market_bot.core.domain import events as ev
from market_bot.core.domain.book import Side
from market_bot.core.domain.exits import max_hold, stop_loss
from market_bot.core.domain.exits.api import ActiveExit, Exits
from market_bot.core.domain.fills.terms import FillModel, FillTerms, Latency
from market_bot.core.domain.lane import FOLD_VERSION, LaneState
from market_bot.core.domain.market import FeeModel, FeeSchedule, Leg, Market, MarketStatus
from market_bot.core.domain.numbers import (
    SECOND,
    Duration,
    Micros,
    Price,
    Size,
    money,
    parse_time,
    price,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.portfolio import capabilities_of
from market_bot.core.domain.settings import ActiveStrategy, Cooldown, Filters, LaneSettings, Sizing
from market_bot.core.domain.signals import Wanted, Withdraw
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.domain.view import Holdings, View
from market_bot.core.domain.world import World
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.replay import Plan
from market_bot.core.usecases.trade_lane import LaneTrader

from .builders import a_signal, an_exit, lane_settings
from .journal import ListJournal
from .recording_sink import Fact
from .tape_facts import write

VENUE = "kalshi"
BEGINS = parse_time("2026-11-02T23:20:00Z")
FEES = FeeSchedule(FeeModel.KALSHI_QUADRATIC, taker_rate=70_000, maker_rate=17_500)
_MARKETS = {"A-1": "A", "A-2": "A", "B-1": "B", "C-1": "C", "C-2": "C", "C-3": "C"}


def some_recording(seed: int, steps: int = 45) -> list[Fact]:
    """Return an invented recording: markets come, trade, move, pause, end and are forgotten."""
    random = Random(seed)
    now = BEGINS
    facts: list[Fact] = []
    known: list[str] = []
    for _ in range(steps):
        now = Micros(now + _pause(random))
        if len(known) < len(_MARKETS) and (not known or random.random() < 0.2):
            known.append(list(_MARKETS)[len(known)])
            facts.append(("meta", _market(known[-1], _MARKETS[known[-1]]), now))
        name = random.choice(known)
        facts.extend(_happening(random, name, now))
    return facts


def _pause(random: Random) -> int:
    if random.random() < 0.05:
        return random.randint(1_000, 4_000) * SECOND
    return random.choice((0, 1, 300_000, 1_000_000, 2_500_000, 20_000_000))


def _market(name: str, event: str) -> Market:
    close = Micros(BEGINS + 6 * 3600 * SECOND)
    return Market(venue=VENUE, id=name, event=event, family="F", fees=FEES, close_at=close)


def _happening(random: Random, name: str, now: Micros) -> list[Fact]:
    middle = random.randint(10, 90)
    chance = random.random()
    if chance < 0.45:
        bids = {price(f"0.{middle - d:02}"): Size(random.randint(1, 30) * 10**6) for d in (1, 2, 3)}
        asks = {price(f"0.{middle + d:02}"): Size(random.randint(1, 30) * 10**6) for d in (1, 2, 3)}
        return [("book", name, bids, asks, now, None)]
    at = Price(random.randint(5, 95) * 10_000)
    side, much = random.choice(list(Side)), Size(random.randint(0, 40) * 10**6)
    if chance < 0.65:
        return [("delta", name, side, at, much, now, None)]
    if chance < 0.85:
        return [("trade", name, side, at, Size(much + 10**6), now, None)]
    if chance < 0.88:
        return [("gap", random.choice(["", name]), "lost", now)]
    if chance < 0.91:
        status = random.choice([MarketStatus.OPEN, MarketStatus.PAUSED])
        return [("status", random.choice(["", name]), status, now)]
    if chance < 0.94:
        return [("meta", _market(name, random.choice([_MARKETS[name], "A", "B"])), now)]
    return [("resolution", name, price(random.choice(["0", "0.5", "1"])), now)]


@attrs.frozen
class MoodParams:
    """What a mood depends on."""

    seed: int = 0
    appetite: float = 0.5


def _mood(view: View, params: MoodParams) -> list[Wanted]:
    """Buy or sell at the quotes, resting or taking, as the picture alone suggests."""
    wanted: list[Wanted] = []
    for seen in view.markets:
        if seen.bid is None or seen.ask is None:
            continue
        mood = Random(f"{params.seed}/{seen.market.id}/{seen.bid}/{seen.ask}/{len(seen.mids)}")
        leg, taking = mood.choice(list(Leg)), mood.random() < 0.4
        buy, sell = seen.buy_price(leg), seen.sell_price(leg)
        assert buy is not None
        assert sell is not None
        there: dict[str, Any] = {"market": seen.market.id, "leg": leg}
        there["patience"] = Duration(mood.choice((3, 60, 600)) * SECOND)
        there["style"] = Style.TAKER if taking else Style.MAKER
        if mood.random() < params.appetite:
            wanted.append(a_signal(price=buy if taking else sell, **there))
        if mood.random() < params.appetite / 2:
            wanted.append(an_exit(price=sell if taking else buy, **there))
    return wanted


def moody(view: View, params: MoodParams, _: Holdings) -> Iterable[Wanted]:
    """Look at nothing but the picture."""
    return _mood(view, params)


def careful(view: View, params: MoodParams, holdings: Holdings) -> Iterable[Wanted]:
    """Buy nothing twice, and withdraw what rests where the mood is gone."""
    taken = {held.market for held in holdings.positions}
    wanted = [w for w in _mood(view, params) if w.purpose is Purpose.EXIT or w.market not in taken]
    named = {(w.market, w.leg) for w in wanted}
    wanted.extend(
        Withdraw(market=order.market, leg=order.leg, purpose=order.purpose)
        for order in holdings.orders
        if (order.market, order.leg) not in named
    )
    return wanted


def thrifty(view: View, params: MoodParams, holdings: Holdings) -> Iterable[Wanted]:
    """Stop wanting once a part of the money is spent: this one looks at the cash."""
    return _mood(view, params) if holdings.cash > money("80") else ()


def nervous(view: View, params: MoodParams, _: Holdings) -> Iterable[Wanted]:
    """Fail on some pictures."""
    wanted = _mood(view, params)
    if len(wanted) > 2:
        raise ArithmeticError
    return wanted


DECIDES = {f.__name__: f for f in (moody, careful, thrifty, nervous)}
STRATEGIES = {
    name: Strategy(name=name, summary="A mood.", params=MoodParams, decide=decide)
    for name, decide in DECIDES.items()
}


def some_settings(seed: int) -> LaneSettings:
    """Return settings; many seeds share some of what they decide, none shares all of it."""
    random = Random(f"settings {seed}")
    names = random.sample(list(STRATEGIES), random.choice((1, 1, 2)))
    exits = []
    if random.random() < 0.4:
        params = stop_loss.Params(distance=price("0.08"))
        exits.append(ActiveExit(rule=stop_loss.exit_rule, params=params))
    if random.random() < 0.4:
        exits.append(ActiveExit(rule=max_hold.exit_rule, params=max_hold.Params(minutes=2)))
    latency = random.choice((Latency(), Latency(send=Duration(400_000), data=Duration(100_000))))
    return lane_settings(
        *(_active(random, name) for name in names),
        hash=f"settings-{seed}",
        filters=Filters(max_spread=random.choice((None, price("0.04")))),
        cooldown=Cooldown(
            after_entry=Duration(random.choice((0, 30)) * SECOND),
            after_exit=Duration(random.choice((0, 300)) * SECOND),
        ),
        sizing=Sizing(order=money(random.choice(("2", "5", "5", "9")))),
        exits=Exits(active=tuple(exits), style=random.choice(list(Style))),
        fills=FillTerms(latency=latency),
    )


def _active(random: Random, name: str) -> ActiveStrategy:
    params = MoodParams(seed=random.choice((0, 1)), appetite=random.choice((0.2, 0.8)))
    return ActiveStrategy(strategy=STRATEGIES[name], params=params)


def plans(
    seeds: Iterable[int], models: Iterable[FillModel] = (FillModel.PESSIMISTIC,)
) -> list[Plan]:
    """Return one plan per seed and model."""
    chosen = list(models)
    return [
        Plan(name=f"v{number}", model=model.value, settings=some_settings(seed))
        for number, seed in enumerate(seeds)
        for model in chosen
    ]


def alone(plan: Plan, tapes: list[TapeReader], interval: Micros) -> list[tuple[Micros, ev.Event]]:
    """Return every fact of a lane that has a world of its own and shares nothing, but its scans."""
    data = TapeVenue(tapes, interval=interval)
    world = World()
    terms = attrs.evolve(plan.settings.fills, model=FillModel(plan.model))
    desk = PaperExecution(world, data.capabilities, capabilities_of(VENUE), terms)
    journal = ListJournal()
    trader = LaneTrader(
        settings=plan.settings,
        data=data,
        execution=desk,
        recorder=Recorder(
            journal=journal,
            state=LaneState(),
            config=plan.settings.hash,
            snapshot=lambda _: ({}, ""),
        ),
        world=world,
        controls=tuple,
        marks=None,
    )
    claims = sorted(claim.value for claim in data.capabilities)
    begun = False
    while (at := data.next_tick()) is not None:
        if not begun:
            trader.start(_opening(plan, claims), at)
            begun = True
        trader.tick(at)
    return [(line.at, line.event) for line in journal.lines if not isinstance(line.event, ev.Scan)]


def _opening(plan: Plan, claims: list[str]) -> ev.BotStarted:
    return ev.BotStarted(
        mode="paper",
        instance="replay",
        version="",
        fold=FOLD_VERSION,
        capabilities=tuple(claims),
        cash=plan.settings.cash,
        config=plan.settings.text,
    )


def on_tapes(folder: Path, facts: list[Fact], files: int = 1) -> list[TapeReader]:
    """Write facts to so many tapes, one after another, and return them."""
    folder.mkdir(parents=True, exist_ok=True)
    share = max(1, -(-len(facts) // files))
    announced: dict[str, Fact] = {}
    readers = []
    for start in range(0, len(facts), share):
        part = facts[start : start + share]
        # Every tape announces its markets; the same terms again change nothing.
        again = [("meta", market[1], _when(part[0])) for market in announced.values()]
        path = write(folder / f"{start}.tape.zst", [*again, *part], venue=VENUE)
        readers.append(TapeReader(path))
        announced.update({fact[1].id: fact for fact in part if fact[0] == "meta"})
    return readers


def _when(fact: Fact) -> Micros:
    """Return when a fact was received."""
    at: Micros = fact[-2] if fact[0] in {"book", "delta", "trade"} else fact[-1]
    return at
