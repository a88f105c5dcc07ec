"""From a venue's file to what the core trades with."""

from __future__ import annotations

import attrs

from market_bot.bootstrap.discovery import (
    UnknownPluginError,
    builtin_rules,
    find_strategy,
)
from market_bot.config.canonical import canonical, config_hash
from market_bot.config.errors import ConfigError, Fault
from market_bot.config.loader import Sourced, structure_params
from market_bot.config.schema import VenueConfig
from market_bot.config.strict_yaml import Document
from market_bot.core.domain.numbers import SECOND, Duration, Money
from market_bot.core.domain.risk.api import Rule
from market_bot.core.domain.settings import (
    ActiveStrategy,
    Cooldown,
    Filters,
    LaneSettings,
    Sizing,
)

# These need no number in the file and are always in force.
_UNCONDITIONAL = ("free_cash", "halted")


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
    limits = {name: Money(value) for name, value in attrs.asdict(config.risk).items()}
    return LaneSettings(
        hash=config_hash(config),
        text=canonical(config),
        cash=config.paper.cash,
        strategies=_strategies(config, source),
        rules=_rules(tuple(limits), source),
        limits=limits,
        filters=_filters(config),
        cooldown=Cooldown(
            after_entry=Duration(config.cooldown.after_entry_seconds * SECOND),
            after_exit=Duration(config.cooldown.after_exit_seconds * SECOND),
        ),
        sizing=Sizing(order=config.sizing.order_usd),
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
        if wanted.enabled:
            active.append(ActiveStrategy(strategy=strategy, params=params))
    return tuple(active)


def _rules(required: tuple[str, ...], source: Document | None) -> tuple[Rule, ...]:
    known = builtin_rules()
    missing = [name for name in (*required, *_UNCONDITIONAL) if name not in known]
    if missing:
        raise _fault(source, ("risk",), f"no rule enforces {', '.join(missing)}: do not trade")
    return tuple(known[name] for name in (*required, *_UNCONDITIONAL))


def _filters(config: VenueConfig) -> Filters:
    markets = config.markets
    least, most = markets.min_time_to_close, markets.max_time_to_close
    return Filters(
        families_include=markets.families_include,
        families_exclude=markets.families_exclude,
        price_min=markets.price_min,
        price_max=markets.price_max,
        max_spread=markets.max_spread,
        min_to_close=None if least is None else Duration(least),
        max_to_close=None if most is None else Duration(most),
    )


def _fault(source: Document | None, path: tuple[str | int, ...], message: str) -> ConfigError:
    if source is None:
        return ConfigError.of([Fault("configuration", 1, 1, path, message)])
    return ConfigError.of([source.fault(path, message)])
