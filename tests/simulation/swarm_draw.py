"""What a seed of the swarm decides: a small world, what goes wrong in it, and how it is traded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final, TypeVar

import attrs

from market_bot.adapters.simulated.sim_settings import (
    BEGINS,
    NO_REWARDS,
    Faults,
    Rewards,
    Rules,
    SimSettings,
)
from market_bot.bootstrap.discovery import builtin_exits, builtin_rules, builtin_strategies
from market_bot.core.domain import events as ev
from market_bot.core.domain.exits.api import ActiveExit, Exits
from market_bot.core.domain.market import Leg
from market_bot.core.domain.numbers import (
    HOUR,
    ONE_CONTRACT,
    SECOND,
    Duration,
    Micros,
    Money,
    Price,
    Probability,
    Size,
    money,
    price,
    probability,
)
from market_bot.core.domain.orders import Purpose, Style
from market_bot.core.domain.risk.api import Limits
from market_bot.core.domain.settings import (
    ActiveStrategy,
    Cooldown,
    Filters,
    LaneSettings,
    Sizing,
    SizingMethod,
)
from market_bot.core.domain.signals import Signal
from market_bot.core.domain.strategies.api import Strategy
from market_bot.core.domain.view import Holdings, View

T = TypeVar("T")

# Ticks with faults, and as many without them as everything needs to be found out and to go on: an
# order whose answer was lost is told of late, and so are its fill and how that was settled.
ROUGH_TICKS: Final = 12
CALM_TICKS: Final = 8
# A seed has some of the strategies: what all of them want is mostly refused.
_STRATEGIES: Final = (2, 3)
PROBE: Final = "probe"
_PROBE_AFTER: Final = 3
_LATE: Final = Duration(24 * HOUR - 600 * SECOND)

# How often something goes wrong where it is on, per opportunity.
RATES: Final = {
    "crash": (0.0, 0.001, 0.003),
    "disk_crash": (0.0, 0.001, 0.003),
    "disk_error": (0.0, 0.0, 0.001),
    "disk_full": (0.0, 0.0, 0.001),
    "append_lost": (0.0, 0.0, 0.002),
    "data_error": (0.0, 0.0, 0.02),
}
# Much, since only a dollar and more is paid and a few minutes must be enough for it.
_PAID: Final = Rewards(
    rebates=True, daily=money("20000"), min_size=ONE_CONTRACT, max_spread=price("0.2")
)
_FAMILIES: Final = (
    ("SIM-COIN15",),
    ("SIM-COIN15", "SIM-AWARD"),
    ("SIM-COIN15", "SIM-MATCH", "SIM-RUMOUR"),
    ("SIM-HEAT",),
    ("SIM-HEAT", "SIM-RUMOUR"),
    ("SIM-VOTE", "SIM-AWARD"),
    ("SIM-RATE", "SIM-RUMOUR"),
    ("SIM-MATCH", "SIM-AWARD", "SIM-RUMOUR"),
    ("SIM-MATCH",),
)


@attrs.frozen(kw_only=True)
class Draw:
    """One seed.

    Args:
        world: the venue's.
        cash: what the account begins with.
        settings: the lane's.
        commands: what a person wants, and from which tick on.
        calm_from: nothing goes wrong from this tick on.
        strict: whether every lasting fact is synced at once, or all of a tick together.
        commit_ticks: how often they are.
        marks: whether later prices are written down.
        others: settings that a person may change to, by their hash.

    """

    world: SimSettings
    cash: Money
    settings: LaneSettings
    commands: tuple[tuple[Micros, ev.Event], ...]
    calm_from: Micros
    strict: bool
    commit_ticks: int
    marks: bool
    others: Mapping[str, LaneSettings]


def draw(rng: Random) -> Draw:
    """Return what a generator decides."""
    interval = Duration(rng.choice((5, 15, 60, 60, 300)) * SECOND)
    begins = Micros(BEGINS + rng.choice((0, 0, _LATE)))
    calm_from = Micros(begins + ROUGH_TICKS * interval)
    families = rng.choice(_FAMILIES)
    # Now and then less than the limits allow to spend.
    cash = money(rng.choice(("200", "200", "200", "14")))
    world = SimSettings(
        markets=1,
        rules=rng.choice(tuple(Rules)),
        begins=begins,
        lasts=Duration((ROUGH_TICKS + CALM_TICKS) * interval),
        interval=interval,
        step=Duration(interval // rng.choice((1, 2))),
        reference_every=interval,
        hurry=rng.choice((1, 40, 150)),
        cash=cash,
        faults=_faults(rng, interval),
        rewards=rng.choice((NO_REWARDS, _PAID)),
        families=families,
        rate=rng.choice((2.0, 6.0)) * SECOND / interval,
        noise_factor=rng.choice((1.0, 30.0)),
        spread_factor=rng.choice((0.5, 1.0)),
    )
    drawn = Draw(
        world=world,
        cash=cash,
        settings=_settings(rng, cash, families, interval, calm_from),
        commands=tuple(_commands(rng, begins, interval)),
        calm_from=calm_from,
        strict=rng.random() < 0.5,
        commit_ticks=rng.choice((1, 1, 4)),
        marks=rng.random() < 0.4,
        others={},
    )
    return _with_changes(drawn, rng)


def _with_changes(drawn: Draw, rng: Random) -> Draw:
    """Have a person change the settings now and then, also to what no running lane may take."""
    if rng.random() < 0.6:
        return drawn
    first, limits = drawn.settings, drawn.settings.limits
    others = (
        attrs.evolve(first, hash="cfg-2", sizing=Sizing(order=money("3"))),
        attrs.evolve(first, hash="cfg-3", strategies=first.strategies[:1]),
        attrs.evolve(first, hash="cfg-4", limits={**limits, "max_order_usd": money("3")}),
        attrs.evolve(first, hash="cfg-5", limits={**limits, "max_order_usd": money("50")}),
        first,
    )
    begins, interval = drawn.world.begins, drawn.world.interval
    wanted = [
        (
            Micros(begins + rng.randint(1, ROUGH_TICKS) * interval),
            ev.ConfigChanged(before="", after=one.hash, config=one.hash, by="ann"),
        )
        for one in rng.choices(others, k=rng.randint(1, 4))
    ]
    commands = sorted((*drawn.commands, *wanted), key=lambda command: command[0])
    return attrs.evolve(drawn, commands=tuple(commands), others={one.hash: one for one in others})


def _faults(rng: Random, interval: Duration) -> Faults:
    def chance(*rates: float) -> float:
        return rng.choice(rates) if rng.random() < 0.5 else 0.0

    def time(*ticks: float) -> Duration:
        return Duration(int(rng.choice(ticks) * interval))

    return Faults(
        latency=time(0, 0, 0.2, 1.5),
        jitter=time(0, 0, 0.5),
        rejected=chance(0.1, 0.3),
        answer_lost=chance(0.1, 0.4),
        order_lost=chance(0.1, 0.3),
        found_after=time(0.5, 3),
        ghost_fill=chance(0.1, 0.4),
        late_fact=chance(0.2, 0.6),
        late_by=time(0.5, 1.5),
        repeated_fact=chance(0.2, 0.6),
        void=chance(0.5),
        outage_every=time(0, 0, 8),
        outage_lasts=time(0.5, 2),
        post_only_after=time(0, 1),
        gap_every=time(0, 0, 5),
    )


def _settings(
    rng: Random,
    cash: Money,
    families: tuple[str, ...],
    interval: Duration,
    calm_from: Micros,
) -> LaneSettings:
    probe: Any = Probe(since=Micros(calm_from + _PROBE_AFTER * interval))
    strategies = [
        ActiveStrategy(strategy=known, params=_loosened(known, interval))
        for known in rng.sample(list(builtin_strategies().values()), rng.choice(_STRATEGIES))
    ]
    return LaneSettings(
        hash="cfg-1",
        text="",
        cash=cash,
        strategies=(ActiveStrategy(strategy=PROBING, params=probe), *strategies),
        rules=tuple(builtin_rules().values()),
        limits=_limits(rng, interval),
        filters=_filters(rng, families, interval),
        cooldown=Cooldown(
            after_entry=Duration(rng.choice((0, 1)) * interval),
            after_exit=Duration(rng.choice((0, 1)) * interval),
            after_loss=Duration(rng.choice((0, 2)) * interval),
            after_reject=Duration(rng.choice((0, 1)) * interval),
            families=rng.choice(({}, {}, {families[0]: Duration(2 * interval)})),
        ),
        sizing=Sizing(
            order=money(rng.choice(("4", "9"))),
            method=rng.choice(tuple(SizingMethod)),
            contracts=Size(rng.choice((5, 12)) * ONE_CONTRACT),
            max_depth_share=rng.choice((None, probability("0.5"))),
        ),
        exits=_exits(rng, interval),
    )


def _filters(rng: Random, families: tuple[str, ...], interval: Duration) -> Filters:
    """Return filters of which at most one is on: it must not hide what else happens."""
    if rng.random() < 0.6:
        return Filters()
    return rng.choice(
        (
            Filters(max_spread=price("0.02")),
            Filters(max_spread=price("0.08")),
            Filters(price_min=price("0.2")),
            Filters(price_max=price("0.7")),
            Filters(min_depth=Size(20 * ONE_CONTRACT)),
            Filters(min_to_close=Duration(4 * interval)),
            Filters(max_to_close=Duration(10 * interval)),
            Filters(families_exclude=families[1:]),
        )
    )


def _limits(rng: Random, interval: Duration) -> Limits:
    """Return limits of which the next one is never far away."""
    return {
        "max_order_usd": money(rng.choice(("4", "12"))),
        "max_position_usd": money(rng.choice(("6", "18"))),
        "max_event_loss_usd": money(rng.choice(("8", "25"))),
        "max_total_exposure_usd": money(rng.choice(("15", "40"))),
        "max_daily_loss_usd": money(rng.choice(("6", "30"))),
        "max_drawdown_usd": money(rng.choice(("8", "40"))),
        "max_consecutive_losses": rng.choice((3, 8)),
        "max_open_orders": rng.choice((3, 8)),
        "max_orders_per_minute": rng.choice((4, 15)),
        "max_price_distance": price(rng.choice(("0.05", "0.3"))),
        "max_book_distance": price(rng.choice(("0.05", "0.3"))),
        "max_book_age_seconds": Duration(rng.choice((2, 10)) * interval),
    }


def _loosened(strategy: Strategy, interval: Duration) -> Any:
    """Return parameters with which a strategy finds something to do in a handful of ticks."""
    seconds = interval // SECOND
    wanted: dict[str, Any] = {
        "min_edge": Price(2_000),
        "exit_edge": Price(0),
        "min_samples": 3,
        "vol_seconds": 20 * seconds,
        "max_reference_age_seconds": 2 * seconds,
        "min_seconds_to_close": 0,
        "stop_before_close_seconds": seconds,
        "max_book_age_seconds": 10 * seconds,
        "jump_min": Price(20_000),
        "window_seconds": 2 * seconds,
        "base_seconds": 4 * seconds,
        "prints_max": 1_000,
        "max_hold_seconds": 5 * seconds,
        "patience_seconds": 2 * seconds,
        "orphan_seconds": seconds,
        "size_contracts": 6,
        "max_inventory": 12,
    }
    fields = attrs.fields_dict(strategy.params)
    known = {name: value for name, value in wanted.items() if name in fields}
    return strategy.params(**known)


def _exits(rng: Random, interval: Duration) -> Exits:
    rules, seconds = builtin_exits(), interval // SECOND
    params: dict[str, dict[str, Any]] = {
        "take_profit": {"gain": price("0.03")},
        "stop_loss": {"distance": price("0.04"), "confirm_seconds": rng.choice((0, 2 * seconds))},
        "trailing_stop": {"activation": price("0.01"), "distance": price("0.02")},
        "max_hold": {"minutes": max(1, 12 * seconds // 60)},
        "time_to_close": {"minutes": max(1, 2 * seconds // 60)},
    }
    return Exits(
        active=tuple(
            ActiveExit(rule=rule, params=rule.params(**params.get(name, {})))
            for name, rule in rules.items()
        ),
        style=rng.choice(tuple(Style)),
        patience=Duration(2 * interval),
        strategies_exclude=rng.choice(((), ("event_arb",))),
    )


def _commands(rng: Random, begins: Micros, interval: Duration) -> Sequence[tuple[Micros, ev.Event]]:
    if rng.random() < 0.6:
        return ()
    halted = rng.randint(2, ROUGH_TICKS - 2)
    halt = ev.Halt(by="web", reason="a person", flatten=rng.random() < 0.4)
    resumed = halted + rng.randint(1, 6)
    return (
        (Micros(begins + halted * interval), halt),
        (Micros(begins + resumed * interval), ev.Resume(by="web")),
    )


@attrs.frozen(kw_only=True)
class Probe:
    """From when on the probe wants something."""

    since: Micros


def probe(view: View, params: Probe, _: Holdings) -> Sequence[Signal]:
    """Want as little as can be bought, once all is well again: it shows that trading goes on."""
    if view.as_of < params.since:
        return ()
    return [
        Signal(
            market=seen.market.id,
            leg=Leg.YES,
            purpose=Purpose.ENTRY,
            style=Style.TAKER,
            price=seen.ask,
            belief=Probability(seen.ask),
            edge=Price(0),
            cost=Price(0),
            patience=Duration(60 * SECOND),
            reason="is anybody there",
            size=seen.market.min_size,
        )
        for seen in view.markets
        if seen.tradable and seen.ask is not None and seen.market.on_grid(seen.ask)
    ][:1]


PROBING: Final = Strategy(name=PROBE, summary="Is anybody there?", params=Probe, decide=probe)
