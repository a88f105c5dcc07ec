"""From a venue's file to what the core trades with."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

import attrs

from market_bot.bootstrap.discovery import (
    UnknownPluginError,
    builtin_exits,
    builtin_rules,
    find_strategy,
)
from market_bot.config.canonical import canonical, config_hash
from market_bot.config.errors import ConfigError, Fault
from market_bot.config.loader import Sourced, structure_params
from market_bot.config.schema import VenueConfig
from market_bot.config.strict_yaml import Document
from market_bot.core.domain.exits.api import ActiveExit, Exits
from market_bot.core.domain.fills.terms import FillTerms, Latency
from market_bot.core.domain.numbers import ONE_DOLLAR, SECOND, Duration, Probability, probability
from market_bot.core.domain.orders import Style
from market_bot.core.domain.risk.api import Limits, Rule, Unit
from market_bot.core.domain.settings import (
    ActiveStrategy,
    Cooldown,
    Filters,
    LaneSettings,
    Sizing,
)
from market_bot.core.domain.strategies.api import Strategy, knobs

# These need no number in the file and are always in force.
_UNCONDITIONAL = ("free_cash", "halted", "armed", "reconciled")


def settings_of(sourced: Sourced[VenueConfig]) -> LaneSettings:
    """Return the settings of a lane from a venue's file.

    Raises:
        ConfigError: if a strategy is unknown, a parameter does not fit its declaration, or a
            hard limit has no rule.

    """
    return lane_settings(sourced.config, sourced.source)


def lane_settings(config: VenueConfig, source: Document | None = None) -> LaneSettings:
    """Return the settings of a lane; with ``source`` errors know their line.

    Raises:
        ConfigError: as `settings_of`.

    """
    rules, limits = _risk(config, source)
    strategies = _strategies(config, source)
    return LaneSettings(
        hash=config_hash(config),
        text=canonical(config),
        cash=config.paper.cash,
        strategies=strategies,
        rules=rules,
        limits=limits,
        filters=_filters(config),
        cooldown=_cooldown(config),
        sizing=_sizing(config),
        exits=_exits(config, source, {active.strategy.name for active in strategies}),
        fills=_fills(config),
    )


def _strategies(config: VenueConfig, source: Document | None) -> tuple[ActiveStrategy, ...]:
    active: list[ActiveStrategy] = []
    for index, wanted in enumerate(config.strategies):
        path = ("strategies", index)
        try:
            strategy = find_strategy(wanted.name)
        except UnknownPluginError as e:
            raise _fault(source, (*path, "name"), str(e)) from e
        params = structure_params(
            strategy.params, wanted.params, path=(*path, "params"), source=source
        )
        _sane(strategy, params, (*path, "params"), source)
        if wanted.enabled:
            active.append(ActiveStrategy(strategy=strategy, params=params))
    return tuple(active)


def _risk(config: VenueConfig, source: Document | None) -> tuple[tuple[Rule, ...], Limits]:
    """Return every hard limit's rule, in the order of the schema, and its limit in its unit."""
    known, values = builtin_rules(), attrs.asdict(config.risk)
    names = (*values, *_UNCONDITIONAL)
    missing = [name for name in names if name not in known]
    if missing:
        raise _fault(source, ("risk",), f"no rule enforces {', '.join(missing)}: do not trade")
    left_out = [name for name in known if name not in names]
    if left_out:
        raise _fault(source, ("risk",), f"no limit is set for {', '.join(left_out)}: do not trade")
    limits = {
        name: _seconds(value) if known[name].unit is Unit.SECONDS else int(value)
        for name, value in values.items()
    }
    return tuple(known[name] for name in names), limits


def _sane(
    strategy: Strategy, params: object, path: tuple[str | int, ...], source: Document | None
) -> None:
    """Refuse dollars outside a contract's range, less than nothing, and an empty band."""
    for name, knob in knobs(strategy).items():
        value = getattr(params, name)
        if knob.unit == "dollar" and not 0 <= value <= ONE_DOLLAR:
            raise _fault(source, (*path, name), "is from 0 to 1 dollar (0.85 is 85 cents)")
        # A stretch of less than nothing would turn a strategy round.
        if (value or 0) < 0 <= Decimal(knob.low):
            raise _fault(source, (*path, name), "cannot be below 0")
    low, high = getattr(params, "price_min", None), getattr(params, "price_max", None)
    if low is not None and high is not None and low > high:
        raise _fault(source, (*path, "price_min"), "is above price_max: nothing would be wanted")


def _filters(config: VenueConfig) -> Filters:
    markets = config.markets
    least, most = markets.min_time_to_close, markets.max_time_to_close
    return Filters(
        families_include=markets.families_include,
        families_exclude=markets.families_exclude,
        categories_include=markets.categories_include,
        categories_exclude=markets.categories_exclude,
        keywords_include=markets.keywords_include,
        keywords_exclude=markets.keywords_exclude,
        min_liquidity=markets.min_liquidity_usd,
        min_volume_24h=markets.min_volume_24h_usd,
        price_min=markets.price_min,
        price_max=markets.price_max,
        max_spread=markets.max_spread,
        min_depth=markets.min_depth_contracts,
        min_to_close=None if least is None else Duration(least),
        max_to_close=None if most is None else Duration(most),
    )


def _cooldown(config: VenueConfig) -> Cooldown:
    cooldown = config.cooldown
    return Cooldown(
        after_entry=_seconds(cooldown.after_entry_seconds),
        after_exit=_seconds(cooldown.after_exit_seconds),
        after_loss=_seconds(cooldown.after_loss_seconds),
        after_reject=_seconds(cooldown.after_reject_seconds),
        families={family: _seconds(wait) for family, wait in cooldown.families.items()},
    )


def _sizing(config: VenueConfig) -> Sizing:
    sizing = config.sizing
    return Sizing(
        order=sizing.order_usd,
        method=sizing.method,
        contracts=sizing.contracts,
        kelly_fraction=probability(sizing.kelly_fraction),
        max_depth_share=_share(sizing.max_depth_share),
    )


def _exits(config: VenueConfig, source: Document | None, trading: Collection[str]) -> Exits:
    """Return the exits that have a section, in the order in which the schema names them.

    A strategy that does not trade does not look after its positions either: the exits do.
    """
    wanted, known = config.exits.sections(), builtin_exits()
    missing = [name for name in wanted if name not in known]
    if missing:
        raise _fault(source, ("exits",), f"nothing implements {', '.join(missing)}: do not trade")
    return Exits(
        active=tuple(
            ActiveExit(rule=known[name], params=params) for name, params in wanted.items()
        ),
        style=Style(config.exits.style.value),
        patience=_seconds(config.exits.patience_seconds),
        strategies_exclude=tuple(n for n in config.exits.strategies_exclude if n in trading),
    )


def _fills(config: VenueConfig) -> FillTerms:
    paper = config.paper
    latency = Latency(
        send=_milliseconds(paper.send_ms),
        cancel=_milliseconds(paper.cancel_ms),
        data=_milliseconds(paper.data_ms),
    )
    return FillTerms(model=paper.fill_model, latency=latency)


def _seconds(count: int) -> Duration:
    return Duration(count * SECOND)


def _milliseconds(count: int) -> Duration:
    return Duration(count * SECOND // 1000)


def _share(share: Decimal | None) -> Probability | None:
    return None if share is None else probability(share)


def _fault(source: Document | None, path: tuple[str | int, ...], message: str) -> ConfigError:
    if source is None:
        return ConfigError.of([Fault("configuration", 1, 1, path, message)])
    return ConfigError.of([source.fault(path, message)])
