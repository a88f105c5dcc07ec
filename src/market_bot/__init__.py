"""market-bot trades prediction markets, writes down why, and proposes its own improvements.

This is the face for other programs. Everything named here is imported when it is first used, so
that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from market_bot.adapters.simulated.sim_settings import PRESETS, Rules, SimSettings
    from market_bot.bootstrap.library import (
        LaneFailedError,
        PaperLane,
        default_settings,
        load_settings,
        with_strategy,
    )
    from market_bot.core.domain.events import Event, Fill
    from market_bot.core.domain.lane import LaneState, Position
    from market_bot.core.domain.market import Leg, Market
    from market_bot.core.domain.numbers import (
        Duration,
        Micros,
        Money,
        Price,
        Probability,
        Size,
        format_money,
        format_price,
        format_size,
        format_time,
        money,
        price,
        probability,
        quantise,
        size,
    )
    from market_bot.core.domain.orders import Order, Purpose, Style
    from market_bot.core.domain.settings import LaneSettings
    from market_bot.core.domain.signals import Signal, Withdraw
    from market_bot.core.domain.strategies.api import Strategy, fixed, knob
    from market_bot.core.domain.view import Holdings, MarketView, View
    from market_bot.core.ports.journal import Entry

__version__ = "0.1.0"

_CORE = "market_bot.core.domain"
_HOMES = {
    "market_bot.adapters.simulated.sim_settings": ("PRESETS", "Rules", "SimSettings"),
    "market_bot.bootstrap.library": (
        "LaneFailedError",
        "PaperLane",
        "default_settings",
        "load_settings",
        "with_strategy",
    ),
    f"{_CORE}.events": ("Event", "Fill"),
    f"{_CORE}.lane": ("LaneState", "Position"),
    f"{_CORE}.market": ("Leg", "Market"),
    f"{_CORE}.numbers": (
        "Duration",
        "Micros",
        "Money",
        "Price",
        "Probability",
        "Size",
        "format_money",
        "format_price",
        "format_size",
        "format_time",
        "money",
        "price",
        "probability",
        "quantise",
        "size",
    ),
    f"{_CORE}.orders": ("Order", "Purpose", "Style"),
    f"{_CORE}.settings": ("LaneSettings",),
    f"{_CORE}.signals": ("Signal", "Withdraw"),
    f"{_CORE}.strategies.api": ("Strategy", "fixed", "knob"),
    f"{_CORE}.view": ("Holdings", "MarketView", "View"),
    "market_bot.core.ports.journal": ("Entry",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "PRESETS",
    "Duration",
    "Entry",
    "Event",
    "Fill",
    "Holdings",
    "LaneFailedError",
    "LaneSettings",
    "LaneState",
    "Leg",
    "Market",
    "MarketView",
    "Micros",
    "Money",
    "Order",
    "PaperLane",
    "Position",
    "Price",
    "Probability",
    "Purpose",
    "Rules",
    "Signal",
    "SimSettings",
    "Size",
    "Strategy",
    "Style",
    "View",
    "Withdraw",
    "__version__",
    "default_settings",
    "fixed",
    "format_money",
    "format_price",
    "format_size",
    "format_time",
    "knob",
    "load_settings",
    "money",
    "price",
    "probability",
    "quantise",
    "size",
    "with_strategy",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is asked for
    home = _HOME_OF.get(name)
    if home is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(home), name)
