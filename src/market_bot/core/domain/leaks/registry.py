"""The order in which leak rules are told, and what is refused of rules from outside.

Rules are found by `market_bot.bootstrap.discovery`: adding a file to this package, or an entry
point to the group ``market_bot.leaks``, is all it takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from market_bot.core.domain.leaks.api import LeakRule

ENTRY_POINTS: Final = "market_bot.leaks"
"""The group in which other packages name their rules."""

ORDER: Final = (
    "cooldown_over_rejection",
    "family_loser",
    "premature_stop",
    "late_exit",
    "spread_and_slippage",
    "fees_taker",
    "adverse_selection",
    "entry_threshold",
    "idle_capital",
    "time_and_resolution",
    "errors_and_timeouts",
    "same_event_exposure",
    "paper_live_gap",
    "stale_data",
    "ghost_fills",
)
"""The rules of this package, leaks before health checks; others follow by name."""

RULES_MAX: Final = 64
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


class LeakRuleError(ValueError):
    """The rules that were found cannot be used together; the message says which to change."""


def in_order(rules: Iterable[LeakRule]) -> tuple[LeakRule, ...]:
    """Return rules in the order in which they are told.

    Raises:
        LeakRuleError: if two have one name, a name is none, or there are too many.

    """
    named: dict[str, LeakRule] = {}
    for rule in rules:
        if rule.name in named:
            msg = f"two leak rules are called {rule.name!r}: rename one"
            raise LeakRuleError(msg)
        if not _NAME.fullmatch(rule.name):
            msg = f"a leak rule is called {rule.name!r}: use small letters, digits and _"
            raise LeakRuleError(msg)
        named[rule.name] = rule
    if len(named) > RULES_MAX:
        msg = f"{len(named)} leak rules: at most {RULES_MAX} can be told apart from luck"
        raise LeakRuleError(msg)
    return tuple(sorted(named.values(), key=_place))


def _place(rule: LeakRule) -> tuple[bool, int, str]:
    known = ORDER.index(rule.name) if rule.name in ORDER else len(ORDER)
    return rule.health, known, rule.name
