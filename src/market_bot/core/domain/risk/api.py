"""What a risk rule is, and how all of them judge a draft."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from market_bot.core.domain.exposure import Exposure
from market_bot.core.domain.numbers import Money, format_money
from market_bot.core.domain.orders import Purpose
from market_bot.core.domain.signals import Draft, Gate

Limits = Mapping[str, Money]


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
        name: its name in ``risk:`` of the configuration, in journals and on pages.
        summary: one sentence for people.
        judge: pure; sees the draft, the exposure before it, and all limits by rule name.
        guards_exits: whether exits are judged too; exposure rules never judge them.

    """

    name: str
    summary: str
    judge: Callable[[Draft, Exposure, Limits], Verdict]
    guards_exits: bool = False


def within(limit: Money, value: Money) -> Verdict:
    """Approve a value that is at most the limit."""
    if value <= limit:
        return APPROVED
    return Refused(format_money(limit), format_money(value))


def refusals(
    rules: Sequence[Rule], draft: Draft, exposure: Exposure, limits: Limits
) -> tuple[Gate, ...]:
    """Return every rule that refuses a draft, in order; a rule that raises refuses.

    Rules are not short-circuited: the journal shows all that stood in the way.
    """
    gates: list[Gate] = []
    for rule in rules:
        if draft.signal.purpose is Purpose.EXIT and not rule.guards_exits:
            continue
        try:
            # Rules may come from outside: what they return is looked at before it is believed.
            verdict: object = rule.judge(draft, exposure, limits)
        except Exception as e:  # noqa: BLE001 - fail closed: a broken check denies
            verdict = Refused("unknown", f"{type(e).__name__}")
        if isinstance(verdict, Refused):
            gates.append(Gate(rule.name, verdict.limit, verdict.value, hard=True))
        elif not isinstance(verdict, Approved):
            gates.append(Gate(rule.name, "unknown", "no verdict", hard=True))
    return tuple(gates)
