"""A lane on a simulated venue, and what one strategy earns there by the venue's own account."""

from __future__ import annotations

import sys
from collections import Counter

import attrs

from market_bot.adapters.simulated.sim_settings import DAY, PRESETS, SimSettings
from market_bot.adapters.simulated.sim_venue import SimulatedVenue
from market_bot.core.domain import events as ev
from market_bot.core.domain.lane import LaneState
from market_bot.core.domain.numbers import Duration, money
from market_bot.core.domain.settings import ActiveStrategy, LaneSettings
from market_bot.core.domain.world import World
from market_bot.core.usecases.record_facts import Recorder
from market_bot.core.usecases.trade_lane import LaneTrader
from tests.fakes import builders

from .builders import every_rule, every_strategy, lane_settings
from .journal import ListJournal

WIDE = {
    **builders.WIDE,
    "max_order_usd": money("50"),
    "max_position_usd": money("200"),
    "max_total_exposure_usd": money("100000"),
    "max_daily_loss_usd": money("100000"),
}


class CountingJournal(ListJournal):
    """Keeps counts of what was written instead of the lines."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def append(self, event: ev.Event, at: int, config: str) -> int:
        self.counts[event.TYPE] += 1
        return self.counts.total()


@attrs.define(eq=False)
class SimLane:
    """A trader on a simulated venue."""

    trader: LaneTrader
    venue: SimulatedVenue
    journal: ListJournal

    def run(self, ticks: int | None = None) -> None:
        """Trade so many ticks, or all there are."""
        while ticks is None or ticks > 0:
            at = self.venue.next_tick()
            if at is None:
                return
            self.trader.tick(at)
            ticks = None if ticks is None else ticks - 1


def a_sim_lane(
    venue: SimulatedVenue, settings: LaneSettings, journal: ListJournal | None = None
) -> SimLane:
    """Return a started lane."""
    chain = ListJournal() if journal is None else journal
    world = World()
    recorder = Recorder(
        journal=chain, state=LaneState(), config=settings.hash, snapshot=lambda _: ({}, "digest")
    )
    trader = LaneTrader(
        settings=settings,
        data=venue,
        execution=venue,
        recorder=recorder,
        world=world,
        controls=lambda: (),
    )
    started = ev.BotStarted(mode="paper", instance="sim", version="0", fold=1, cash=settings.cash)
    trader.start(started, venue.settings.begins)
    return SimLane(trader, venue, chain)


@attrs.frozen(kw_only=True)
class Margin:
    """What a strategy did in one world; ``by_family`` is gain in dollars."""

    gain: float
    turnover: float
    fills: int
    by_family: dict[str, float]
    counts: Counter[str]


def margin(name: str, seed: int, settings: SimSettings) -> Margin:
    """Trade a world to its end with one shipped strategy as it is shipped."""
    strategy = every_strategy()[name]
    active = ActiveStrategy(strategy=strategy, params=strategy.params())
    rules = tuple(rule for key, rule in every_rule().items() if key in (*WIDE, "free_cash"))
    chosen = lane_settings(active, cash=money("100000"), limits=WIDE, rules=rules)
    journal = CountingJournal()
    lane = a_sim_lane(SimulatedVenue(seed, settings=settings), chosen, journal)
    lane.run()
    ledger = lane.venue.ledger()
    by_family: dict[str, float] = {}
    for fill in ledger.fills.values():
        family = fill.market.rsplit("-", 3)[0]
        by_family[family] = by_family.get(family, 0.0) + fill.gain / 1e12
    return Margin(
        gain=ledger.gain / 1e12,
        turnover=sum(fill.cost for fill in ledger.fills.values()) / 1e12,
        fills=len(ledger.fills),
        by_family=by_family,
        counts=journal.counts,
    )


def main(arguments: list[str]) -> None:
    """Print margins: ``python -m tests.fakes.sim_lane [PRESET [DAYS [SEEDS [STRATEGY …]]]]``."""
    preset, days, seeds, *names = [*arguments, *("default", "1", "1")[len(arguments) :]]
    settings = attrs.evolve(PRESETS[preset], lasts=Duration(round(float(days) * DAY)))
    for name in names or sorted(every_strategy()):
        for seed in range(int(seeds)):
            found = margin(name, seed, settings)
            families = {key: round(gain, 2) for key, gain in sorted(found.by_family.items())}
            share = found.gain / found.turnover if found.turnover else 0.0
            print(  # noqa: T201 - this is a command
                f"{preset} {name} seed {seed}: {found.gain:+.2f} $ on {found.turnover:.0f} $ "
                f"({share:+.2%}), {found.fills} fills {families}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
