"""Which keys of a venue's file a running lane takes, and which need a restart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import attrs

from .canonical import canonical, plain_of
from .errors import KeyPath
from .schema import Risk, VenueConfig

_RESTART: Final = "takes a restart: stop the bot, then run it again"
# Everything that is put together before the first tick.
_FIXED: Final = ("mode", "api", "loop", "paper", "tape", "simulation", "polymarket")
_FIXED_KEYS: Final = (("markets", "max_watched"),)


def restart_needed(before: VenueConfig, after: VenueConfig) -> Iterator[tuple[KeyPath, str]]:
    """Yield what a running lane does not take, by its place in the new file; nothing if it may."""
    for name in _FIXED:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield (_place(name, old, new), _RESTART)
    for section, key in _FIXED_KEYS:
        if getattr(getattr(before, section), key) != getattr(getattr(after, section), key):
            yield ((section, key), _RESTART)
    for field in attrs.fields(Risk):
        if getattr(after.risk, field.name) > getattr(before.risk, field.name):
            yield (
                ("risk", field.name),
                "a hard limit is only made tighter while the bot runs: looser takes a restart",
            )


def _place(name: str, old: Any, new: Any) -> KeyPath:  # noqa: ANN401 - any section or value
    """Return the first key that differs in a section, or the section's own if it is a value."""
    if not attrs.has(type(new)):
        return (name,)
    fields = attrs.fields(type(new))
    return (name, next(f.name for f in fields if getattr(old, f.name) != getattr(new, f.name)))


def changed_keys(before: VenueConfig, after: VenueConfig) -> dict[str, tuple[str, str]]:
    """Return each key that differs, named as knobs are, with both values as text.

    A key that is not there on one side is an empty text there. Strategies are told apart by name;
    their order, which decides nothing but who is asked first, is a key of its own.
    """
    old, new = (_flat(plain_of(canonical(config))) for config in (before, after))
    return {
        key: (old.get(key, ""), new.get(key, ""))
        for key in dict.fromkeys((*old, *new))
        if old.get(key) != new.get(key)
    }


def _flat(data: dict[str, Any]) -> dict[str, str]:
    named = {item["name"]: item for item in data["strategies"]}
    leaves = dict(_leaves({**data, "strategies": named}, ""))
    return {**leaves, "strategies": ", ".join(named)}


def _leaves(data: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - plain data of any shape
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _leaves(value, f"{path}.{key}" if path else key)
    elif isinstance(data, list):
        yield path, ", ".join(map(str, data))
    elif data is not None:
        yield path, str(data).lower() if isinstance(data, bool) else str(data)
