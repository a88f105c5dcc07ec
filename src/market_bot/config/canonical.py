"""One text per configuration: what the journal stores and what the configuration hash is taken of.

Compact JSON with every key in schema order, amounts as decimal strings and no float. A strategy
parameter that is a decimal is written as ``{"decimal":"0.01"}``, so that it does not come back as
text. Two files that mean the same have the same canonical text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, Final, Never, TypeVar, Union, get_args, get_origin

import attrs

from market_bot.core.domain.numbers import (
    Money,
    Price,
    Probability,
    Size,
    format_money,
    format_price,
    format_probability,
    format_size,
)

from .errors import ConfigError, Fault
from .scalars import is_plain_decimal
from .schema import BotConfig, ParamValue, VenueConfig
from .structuring import UnfitError, structure

T = TypeVar("T")
_HASH_CHARACTERS: Final = 16
_MAX_CHARACTERS: Final = 1_000_000
_DECIMAL_KEY: Final = "decimal"
_FORMATS: Final[dict[object, Callable[[Any], str]]] = {
    Price: format_price,
    Size: format_size,
    Money: format_money,
    Probability: format_probability,
}


def canonical(config: VenueConfig | BotConfig) -> str:
    """Return the one text that stands for this configuration."""
    return json.dumps(_section(config), separators=(",", ":"), ensure_ascii=False)


def config_hash(config: VenueConfig | BotConfig) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of the canonical text."""
    return hashlib.sha256(canonical(config).encode()).hexdigest()[:_HASH_CHARACTERS]


def from_canonical(text: str) -> VenueConfig:
    """Return the venue's configuration that `canonical` wrote.

    Raises:
        ConfigError: if the text is damaged or does not fit the schema.

    """
    name = "canonical configuration"
    try:
        if len(text) > _MAX_CHARACTERS:
            return _never("too long")
        return structure(plain_of(text), VenueConfig)
    except UnfitError as e:
        raise ConfigError.of(
            Fault(name, 1, 1, problem.path, problem.message) for problem in e.problems
        ) from e
    except (ValueError, RecursionError) as e:
        raise ConfigError.of([Fault(name, 1, 1, (), f"not canonical JSON: {e}")]) from e


def plain_of(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return canonical text as plain data, decimals as such; nothing is checked yet.

    Raises:
        ValueError: if it is not JSON of the kind that `canonical` writes.

    """
    return _with_decimals(json.loads(text, parse_float=_never, parse_constant=_never))


def _never(text: str) -> Never:
    msg = f"not expected here: {text}"
    raise ValueError(msg)


def _section(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any class of the schema
    cls = type(value)
    attrs.resolve_types(cls)
    return {
        field.name: _written(getattr(value, field.name), field.type) for field in attrs.fields(cls)
    }


def _written(value: Any, kind: Any) -> Any:  # noqa: ANN401 - any value of the schema
    if get_origin(kind) in {UnionType, Union}:
        kind = next(part for part in get_args(kind) if part is not type(None))
    if kind in _FORMATS and value is not None:
        return _FORMATS[kind](value)
    if attrs.has(type(value)):
        return _section(value)
    match value:
        case tuple():
            return [_written(item, get_args(kind)[0]) for item in value]
        case Mapping():
            return {key: _written_param(value[key]) for key in sorted(value)}
        case _:
            return _single(value)


def _single(value: Any) -> Any:  # noqa: ANN401 - any value of the schema
    if isinstance(value, Enum):
        return value.value
    return _shortest(value) if isinstance(value, Decimal) else value


def _written_param(value: ParamValue) -> str | int | bool | dict[str, str]:
    return {_DECIMAL_KEY: _shortest(value)} if isinstance(value, Decimal) else value


def _shortest(value: Decimal) -> str:
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _with_decimals(data: Any) -> Any:  # noqa: ANN401 - any JSON
    # Looks at the parameters only: elsewhere a section may be called "decimal".
    if not isinstance(data, dict) or not isinstance(data.get("strategies"), list):
        return data
    return {**data, "strategies": [_strategy(item) for item in data["strategies"]]}


def _strategy(data: Any) -> Any:  # noqa: ANN401 - any JSON
    if not isinstance(data, dict) or not isinstance(data.get("params"), dict):
        return data
    return {**data, "params": {key: _read_param(item) for key, item in data["params"].items()}}


def _read_param(data: Any) -> Any:  # noqa: ANN401 - any JSON
    if not isinstance(data, dict) or data.keys() != {_DECIMAL_KEY}:
        return data
    text = data[_DECIMAL_KEY]
    if not isinstance(text, str) or not is_plain_decimal(text):
        return _never(f"decimal {text!r}")
    return Decimal(text)
