"""What a risk rule is, and how all of them judge a draft."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Final

import attrs

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.numbers import (
    SECOND,
    Duration,
    Money,
    Price,
    format_money,
    format_price,
    format_scaled,
)
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.signals import Draft, Gate

Limits = Mapping[str, int]
"""Every limit by the name of its rule, as an exact integer in the rule's unit."""


class Unit(Enum):
    """What a limit is counted in; the name of a rule ends accordingly."""

    DOLLARS = "dollars"
    PRICE = "dollars per contract"
    COUNT = "a number"
    SECONDS = "seconds"


@attrs.frozen
class Approved:
    """The rule has nothing against the draft."""


@attrs.frozen
class Refused:
    """The rule is broken: its limit and the value that would have stood against it."""

    limit: str
    value: str


Verdict = Approved | Refused
APPROVED = Approved()


@attrs.frozen(kw_only=True)
class Rule:
    """A hard limit.

    Args:
        name: its name in journals and on pages, and its key in ``risk:`` of the configuration.
        summary: one sentence for people.
        unit: what its limit is counted in: `Money`, `Price`, a number, or `Duration`; None for a
            rule without a limit, which is always in force and has no key.
        judge: pure; sees the draft, the exposure before it, and all limits by rule name.
        guards_exits: whether exits are judged too; exposure rules never judge them.

    """

    name: str
    summary: str
    judge: Callable[[Draft, Exposure, Limits], Verdict]
    unit: Unit | None = None
    guards_exits: bool = False


def within(limit: Money, value: Money) -> Verdict:
    """Approve an amount that is at most the limit."""
    if value <= limit:
        return APPROVED
    return Refused(format_money(limit), format_money(value))


def below(limit: int, value: int | None, unit: Unit) -> Verdict:
    """Approve a value that has not reached the limit; one that cannot be told is refused."""
    if value is None:
        return Refused(format_limit(limit, unit), "unknown")
    if value < limit:
        return APPROVED
    return Refused(format_limit(limit, unit), format_limit(value, unit))


def format_limit(value: int, unit: Unit | None) -> str:
    """Return a limit, or what stands against it, as a decimal string in its unit."""
    match unit:
        case Unit.DOLLARS:
            return format_money(Money(value))
        case Unit.PRICE:
            return format_price(Price(value))
        case Unit.SECONDS:
            return format_scaled(Duration(value), _SECONDS_SCALE)
        case _:
            return str(value)


_SECONDS_SCALE: Final = len(str(SECOND)) - 1


def limit_texts(rules: Sequence[Rule], limits: Limits) -> dict[str, str]:
    """Return every limit as a decimal string in its unit, by rule, for people."""
    units = {rule.name: rule.unit for rule in rules}
    return {name: format_limit(value, units.get(name)) for name, value in limits.items()}


def refusals(
    rules: Sequence[Rule], draft: Draft, exposure: Exposure, limits: Limits
) -> tuple[Gate, ...]:
    """Return every rule that refuses a draft, in order; a rule that raises refuses.

    Rules are not short-circuited: the journal shows all that stood in the way.
    """
    gates: list[Gate] = []
    leaving = draft.signal.purpose is Purpose.EXIT
    for rule in rules:
        if leaving and not rule.guards_exits:
            continue
        try:
            # Rules may come from outside: what they return is looked at before it is believed.
            verdict: object = rule.judge(draft, exposure, limits)
        except Exception as e:  # noqa: BLE001 - fail closed: a broken check denies
            verdict = Refused("unknown", f"{type(e).__name__}")
        if verdict is APPROVED:
            continue
        if isinstance(verdict, Refused):
            gates.append(Gate(rule.name, verdict.limit, verdict.value, hard=True))
        elif not isinstance(verdict, Approved):
            gates.append(Gate(rule.name, "unknown", "no verdict", hard=True))
    return tuple(gates)
