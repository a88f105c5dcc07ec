"""Journal lines as pages get them: without what would fill the screen and the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

TEXT_MAX: Final = 2_000
"""Characters after which a text of a journal line is cut; the journal itself has all of it."""

_BIG_FIELD: Final = ("checkpoint", "state")
_SEALS: Final = ("prev", "hash", "v", "boot")


def shown_line(line: Mapping[str, object]) -> dict[str, Any]:
    """Return a journal line with long texts cut, and without the state of a checkpoint."""
    kept = {name: value for name, value in line.items() if name not in _SEALS}
    data = kept.get("data")
    if not isinstance(data, Mapping):
        return kept
    kind, field = _BIG_FIELD
    left = {k: v for k, v in data.items() if not (kept.get("type") == kind and k == field)}
    return {**kept, "data": {name: _cut(value) for name, value in left.items()}}


def _cut(value: object) -> object:
    if isinstance(value, str) and len(value) > TEXT_MAX:
        return value[:TEXT_MAX] + "…"
    return value
