"""What a person decided for one lane, in the core's own terms.

Numbers that may be tuned carry a `Knob`, as the parameters of strategies do; hard limits never do.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import attrs

from market_bot.core.domain.exits.api import Exits
from market_bot.core.domain.fills.terms import FillTerms
from market_bot.core.domain.numbers import Duration, Money, Price, Probability, Size, probability
from market_bot.core.domain.risk.api import Limits, Rule
from market_bot.core.domain.strategies.api import KNOB, Knob, Strategy, knob


@attrs.frozen(kw_only=True)
class Filters:
    """Which markets are looked at; None and empty mean no condition.

    What a filter asks for and nobody knows refuses an entry. Categories and keywords are compared
    without regard to case, keywords with any part of a title.
    """

    families_include: tuple[str, ...] = ()
    families_exclude: tuple[str, ...] = ()
    categories_include: tuple[str, ...] = ()
    categories_exclude: tuple[str, ...] = ()
    keywords_include: tuple[str, ...] = ()
    keywords_exclude: tuple[str, ...] = ()
    min_liquidity: Money | None = knob(
        None, low="0", high="100000", step="500", unit="dollar", key="min_liquidity_usd"
    )
    min_volume_24h: Money | None = knob(
        None, low="0", high="100000", step="500", unit="dollar", key="min_volume_24h_usd"
    )
    price_min: Price | None = knob(None, low="0.01", high="0.95", step="0.05", unit="dollar")
    price_max: Price | None = knob(None, low="0.05", high="0.99", step="0.05", unit="dollar")
    max_spread: Price | None = knob(None, low="0.01", high="0.2", step="0.01", unit="dollar")
    min_depth: Size | None = knob(
        None, low="1", high="1000", step="10", unit="contract", key="min_depth_contracts"
    )
    min_to_close: Duration | None = knob(
        None, low="0", high="48", step="0.25", unit="hour", key="min_hours_to_close"
    )
    max_to_close: Duration | None = knob(
        None, low="1", high="8760", step="24", unit="hour", key="max_hours_to_close"
    )


_NO_WAIT = Duration(0)


@attrs.frozen(kw_only=True)
class Cooldown:
    """How long a market is left alone after something happened in it.

    ``after_loss`` counts from an exit that brought less than it had cost, ``after_reject`` from a
    refusal of the venue. ``families`` rest as a whole after any of these in one of their markets.
    """

    after_entry: Duration = knob(
        _NO_WAIT, low="0", high="3600", step="60", unit="second", key="after_entry_seconds"
    )
    after_exit: Duration = knob(
        _NO_WAIT, low="0", high="14400", step="300", unit="second", key="after_exit_seconds"
    )
    after_loss: Duration = knob(
        _NO_WAIT, low="0", high="86400", step="600", unit="second", key="after_loss_seconds"
    )
    after_reject: Duration = knob(
        _NO_WAIT, low="0", high="3600", step="30", unit="second", key="after_reject_seconds"
    )
    families: Mapping[str, Duration] = attrs.field(factory=dict)


class SizingMethod(Enum):
    """How the size of an entry is chosen."""

    FIXED = "fixed"
    FIXED_CONTRACTS = "fixed_contracts"
    KELLY = "kelly"


@attrs.frozen(kw_only=True)
class Sizing:
    """How large an entry is; see `market_bot.core.domain.sizing`.

    ``order`` is what one entry spends if the amount is fixed, and the most it spends otherwise.
    ``max_depth_share`` is the share of the displayed size that a taking entry may ask for.
    """

    order: Money = attrs.field(
        metadata={KNOB: Knob(low="1", high="1000", step="1", unit="dollar", key="order_usd")}
    )
    method: SizingMethod = SizingMethod.FIXED
    contracts: Size | None = knob(None, low="1", high="1000", step="1", unit="contract")
    kelly_fraction: Probability = knob(
        probability("0.25"), low="0.05", high="0.5", step="0.05", unit="ratio"
    )
    max_depth_share: Probability | None = knob(None, low="0.1", high="1", step="0.1", unit="ratio")


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
    exits: Exits = attrs.field(factory=Exits)
    fills: FillTerms = attrs.field(factory=FillTerms)
