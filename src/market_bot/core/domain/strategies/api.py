"""What a strategy is: a pure function from a view to signals, with declared parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import attrs

from market_bot.core.domain.signals import Wanted
from market_bot.core.domain.view import Holdings, View

T = TypeVar("T")
KNOB = "market_bot.knob"


@attrs.frozen(kw_only=True)
class Knob:
    """How a parameter may be tuned: its bounds and its step, as decimal strings, and its unit.

    ``key`` is its name in the configuration where that is not the name of the field.
    """

    low: str
    high: str
    step: str
    unit: str
    key: str = ""


def knob(
    default: T,
    *,
    low: str,
    high: str,
    step: str,
    unit: str,
    key: str = "",
    validator: Callable[[Any, Any, Any], None] | None = None,
) -> T:
    """Declare a parameter that may be proposed for tuning, within bounds and by single steps.

    The bounds bind proposals only; what a person may set is for the ``validator`` to say.
    """
    meta = {KNOB: Knob(low=low, high=high, step=step, unit=unit, key=key)}
    return attrs.field(default=default, metadata=meta, validator=validator)


def fixed(default: T) -> T:
    """Declare a parameter that only a person may change."""
    return attrs.field(default=default)


@attrs.frozen(kw_only=True)
class Strategy:
    """A named decision function.

    Args:
        name: its name in ``strategies:`` of the configuration.
        summary: one sentence for people.
        params: frozen attrs class of its parameters, each a `knob` or `fixed`.
        decide: pure; sees one event at one tick and returns what it wants there: signals, and
            withdrawals of its own resting orders.

    """

    name: str
    summary: str
    params: type[Any]
    decide: Callable[[View, Any, Holdings], Iterable[Wanted]]


def knobs(strategy: Strategy) -> dict[str, Knob]:
    """Return the tunable parameters of a strategy by name; what is not here is out of reach."""
    fields = attrs.fields_dict(strategy.params)
    return {name: f.metadata[KNOB] for name, f in fields.items() if KNOB in f.metadata}
