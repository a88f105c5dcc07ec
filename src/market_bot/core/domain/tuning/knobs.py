"""Every knob of a lane: which numbers a proposal could be about, and where they stand now.

Strategies, filters, cooldowns, exits and sizing are walked; hard limits are not, whatever is
declared there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, get_args, get_origin, get_type_hints

import attrs

from market_bot.core.domain.exits.api import ExitRule
from market_bot.core.domain.numbers import (
    HOUR,
    MONEY_SCALE,
    PRICE_SCALE,
    PROBABILITY_SCALE,
    SECOND,
    SIZE_SCALE,
    Duration,
    Money,
    Price,
    Probability,
    Size,
    format_scaled,
)
from market_bot.core.domain.settings import Cooldown, Filters, LaneSettings, Sizing
from market_bot.core.domain.strategies.api import KNOB, Knob, Strategy

_SCALES: Final[Mapping[object, int]] = {
    Price: PRICE_SCALE,
    Size: SIZE_SCALE,
    Money: MONEY_SCALE,
    Probability: PROBABILITY_SCALE,
}
_SPANS: Final[Mapping[str, int]] = {"second": SECOND, "minute": 60 * SECOND, "hour": HOUR}
_PARTS: Final = 1_000_000


def all_knobs(settings: LaneSettings) -> list[tuple[str, Knob, str | None]]:
    """Return every knob as path, bounds and present value, in a fixed order.

    A path is the one in the venue's file, with a strategy's name in place of its position. Values
    are decimal strings in the knob's unit, None where nothing is set. What is switched off has no
    knobs: strategies that are not enabled, and exits without a section.

    Raises:
        TypeError: if a strategy declares a knob that is no number.

    """
    found: list[tuple[str, Knob, str | None]] = []
    for active in settings.strategies:
        found += _knobs_of(f"strategies.{active.strategy.name}.params", active.params)
    found += _knobs_of("markets", settings.filters)
    found += _knobs_of("cooldown", settings.cooldown)
    for way in settings.exits.active:
        found += _knobs_of(f"exits.{way.rule.name}", way.params)
    found += _knobs_of("sizing", settings.sizing)
    return found


def _knobs_of(section: str, values: Any) -> Iterator[tuple[str, Knob, str | None]]:  # noqa: ANN401 - any attrs class
    kinds = get_type_hints(type(values))
    for field in attrs.fields(type(values)):
        knob = field.metadata.get(KNOB)
        if knob is not None:
            value = _written(getattr(values, field.name), kinds[field.name], knob.unit)
            yield f"{section}.{knob.key or field.name}", knob, value


def _written(value: Any, kind: object, unit: str) -> str | None:  # noqa: ANN401 - of any unit
    if value is None:
        return None
    if get_origin(kind) is not None and type(None) in get_args(kind):
        kind = next(part for part in get_args(kind) if part is not type(None))
    if kind is Duration:
        return format_scaled(value * _PARTS // _SPANS[unit], 6)
    if kind in (int, Decimal):
        return format(value, "f" if kind is Decimal else "d")
    scale = _SCALES.get(kind)
    if scale is None:
        msg = f"a knob is a number with a unit of its own, was {kind}"
        raise TypeError(msg)
    return format_scaled(value, scale)


def declared_knobs(
    strategies: Iterable[Strategy], exits: Iterable[ExitRule]
) -> list[tuple[str, Knob]]:
    """Return every knob there could ever be, on or off, with its path, in a fixed order."""
    sections: list[tuple[str, type[Any]]] = [
        *((f"strategies.{strategy.name}.params", strategy.params) for strategy in strategies),
        ("markets", Filters),
        ("cooldown", Cooldown),
        *((f"exits.{rule.name}", rule.params) for rule in exits),
        ("sizing", Sizing),
    ]
    return [
        (f"{section}.{field.metadata[KNOB].key or field.name}", field.metadata[KNOB])
        for section, cls in sections
        for field in attrs.fields(cls)
        if KNOB in field.metadata
    ]
