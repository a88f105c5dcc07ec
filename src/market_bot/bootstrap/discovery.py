"""Find strategies, risk rules, exits and leak rules: one file each in the package.

A strategy may also come from an entry point that is named; leak rules come from all of theirs.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from importlib.metadata import entry_points
from types import ModuleType
from typing import TypeVar

from market_bot.core.domain import exits, leaks, risk, strategies
from market_bot.core.domain.exits.api import ExitRule
from market_bot.core.domain.leaks.api import LeakRule
from market_bot.core.domain.leaks.registry import ENTRY_POINTS, in_order
from market_bot.core.domain.risk.api import Rule
from market_bot.core.domain.strategies.api import Strategy

T = TypeVar("T")

STRATEGY_GROUP = "market_bot.strategies"


class UnknownPluginError(Exception):
    """A name in the configuration belongs to nothing installed; the message says what there is."""


def builtin_strategies() -> dict[str, Strategy]:
    """Return the strategies of this package by name."""
    return _by_name(_objects(strategies, "strategy", Strategy), "strategy")


def builtin_rules() -> dict[str, Rule]:
    """Return the hard limits of this package by name."""
    return _by_name(_objects(risk, "rule", Rule), "rule")


def builtin_exits() -> dict[str, ExitRule]:
    """Return the exits of this package by name."""
    return _by_name(_objects(exits, "exit_rule", ExitRule), "exit")


def builtin_leak_rules() -> tuple[LeakRule, ...]:
    """Return the leak rules and health checks of this package, in their order."""
    return in_order(_objects(leaks, "RULE", LeakRule))


def leak_rules() -> tuple[LeakRule, ...]:
    """Return all leak rules: those of this package, and those that other packages name.

    Raises:
        UnknownPluginError: if an entry point holds something else.
        LeakRuleError: if two rules have one name.

    """
    extra: list[LeakRule] = []
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda one: one.name):
        loaded = point.load()
        if not isinstance(loaded, LeakRule):
            msg = f"the entry point {point.name!r} is a {type(loaded).__name__}, not a LeakRule"
            raise UnknownPluginError(msg)
        extra.append(loaded)
    return in_order([*builtin_leak_rules(), *extra])


def find_strategy(name: str) -> Strategy:
    """Return a strategy by name; an entry point is loaded only when it is asked for.

    Raises:
        UnknownPluginError: if there is none, or the entry point holds something else.

    """
    own = builtin_strategies()
    if name in own:
        return own[name]
    found = entry_points(group=STRATEGY_GROUP, name=name)
    if not found:
        known = sorted({*own, *(e.name for e in entry_points(group=STRATEGY_GROUP))})
        msg = f"no strategy is called {name!r}: there are {', '.join(known)}"
        raise UnknownPluginError(msg)
    loaded = next(iter(found)).load()
    if not isinstance(loaded, Strategy):
        msg = f"the entry point {name!r} is a {type(loaded).__name__}, not a Strategy"
        raise UnknownPluginError(msg)
    return loaded


def _objects(package: ModuleType, attribute: str, kind: type[T]) -> Iterable[T]:
    for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        found = getattr(importlib.import_module(info.name), attribute, None)
        if isinstance(found, kind):
            yield found


def _by_name(found: Iterable[T], what: str) -> dict[str, T]:
    named: dict[str, T] = {}
    for thing in found:
        name: str = thing.name  # type: ignore[attr-defined]  # each of them has one
        if name in named:
            msg = f"two files define the {what} {name!r}: rename one"
            raise UnknownPluginError(msg)
        named[name] = thing
    return dict(sorted(named.items()))
