"""Strategies that draw any fact of any type, straight from the event classes."""

from __future__ import annotations

import types
import typing
from enum import Enum
from typing import Any

import attrs
from hypothesis import strategies as st

from market_bot.core.domain.events import EVENT_TYPES, Event
from market_bot.core.domain.numbers import Duration, Micros, Money, Price, Probability, Size

_FAR = 253_402_300_799_999_999  # The last microsecond of the year 9999.
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
_LEAVES: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(max_size=12),
    int: st.integers(-(2**53), 2**53),
    bool: st.booleans(),
    object: _JSON,
    Price: st.integers(-2_000_000, 2_000_000),
    Size: st.integers(-(10**15), 10**15),
    Money: st.integers(-(10**24), 10**24),
    Probability: st.integers(0, 1_000_000),
    Micros: st.integers(0, _FAR),
    Duration: st.integers(-(10**15), 10**15),
}


def of_type(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for values of an annotation as the core writes them."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind in _LEAVES:
        return _LEAVES[kind]
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*(st.none() if part is type(None) else of_type(part) for part in inner))
    if origin is tuple:
        return st.lists(of_type(inner[0]), max_size=3).map(tuple)
    if origin is not None:
        return st.dictionaries(st.text(max_size=6), of_type(inner[1]), max_size=3)
    if issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    return of_class(kind)


def of_class(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for instances of an attrs class."""
    hints = typing.get_type_hints(cls)
    parts = {field.name: of_type(hints[field.name]) for field in attrs.fields(cls)}
    return st.builds(cls, **parts)


ANY_EVENT: st.SearchStrategy[Event] = st.sampled_from(list(EVENT_TYPES.values())).flatmap(of_class)
