"""What a person decided for one lane, in the core's own terms."""

from __future__ import annotations

from typing import Any

import attrs

from market_bot.core.domain.numbers import Duration, Money, Price
from market_bot.core.domain.risk.api import Limits, Rule
from market_bot.core.domain.strategies.api import Strategy


@attrs.frozen(kw_only=True)
class Filters:
    """Which markets are looked at; None and empty mean no condition."""

    families_include: tuple[str, ...] = ()
    families_exclude: tuple[str, ...] = ()
    price_min: Price | None = None
    price_max: Price | None = None
    max_spread: Price | None = None
    min_to_close: Duration | None = None
    max_to_close: Duration | None = None


@attrs.frozen(kw_only=True)
class Cooldown:
    """How long a market is left alone after something happened in it."""

    after_entry: Duration
    after_exit: Duration


@attrs.frozen(kw_only=True)
class Sizing:
    """How much an entry costs; fixed dollars per order."""

    order: Money


@attrs.frozen(kw_only=True)
class ActiveStrategy:
    """A strategy with the parameters it runs with."""

    strategy: Strategy
    params: Any


@attrs.frozen(kw_only=True)
class LaneSettings:
    """Everything that decides a lane besides data and journal; ``hash`` names it in the journal."""

    hash: str
    text: str
    cash: Money
    strategies: tuple[ActiveStrategy, ...]
    rules: tuple[Rule, ...]
    limits: Limits
    filters: Filters
    cooldown: Cooldown
    sizing: Sizing
