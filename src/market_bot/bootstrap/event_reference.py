"""Writes the reference page of the journal from the event classes, so that it cannot lag behind.

``python -m market_bot.bootstrap.event_reference > docs/reference/journal.md``
"""

from __future__ import annotations

import inspect
import json
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final

import attrs

from market_bot.core.domain.events import EVENT_TYPES, Durability, Event
from market_bot.core.domain.numbers import (
    Duration,
    Micros,
    Money,
    Price,
    Probability,
    Size,
    format_money,
    format_price,
    format_probability,
    format_size,
)

_HEAD: Final = """\
# Journal

<!-- Written by market_bot/bootstrap/event_reference.py from core/domain/events.py. Do not edit. -->

The journal is the truth: append-only files, one chain per venue and lane, in
`journal/<venue>/<lane>[/<run>]/YYYY-MM-DD.jsonl` below the home directory.

## A line

One JSON object per line, UTF-8, compact, keys in this order:

```
{"v":1,"seq":1,"ts":"2026-11-22T00:30:00.123456Z","boot":"…","venue":"kalshi","lane":"paper",\
"cfg":"…","type":"halt","data":{…},"prev":"…","hash":"…"}
```

| key | meaning |
|---|---|
| `v` | format version, 1 |
| `seq` | 1, 2, 3 … without gaps, across files |
| `ts` | UTC, six decimals; never decreases within a chain |
| `boot` | which start of the bot wrote the line |
| `venue`, `lane` | which chain the line belongs to |
| `cfg` | hash of the configuration in force |
| `type`, `data` | the fact, see below |
| `prev` | `hash` of the line before; 64 zeros in front of the first |
| `hash` | SHA-256 (hex) of the line's bytes without `,"hash":"…"` |

So a changed, removed, repeated or reordered line is found by `market-bot journal verify --full`.
What no chain can show is that its end is missing: the heads of all chains are noted elsewhere
once an hour (`chain_head`).

- The file is named after the UTC day of its lines. Every file but the first of a chain opens with
  a `checkpoint`, so old files may be removed.
- An unfinished last line (no newline, or zero bytes) is what a crash leaves: it is cut off at the
  next start and kept in `<file>.torn-<offset>`. A complete line that is bad is corruption: nothing
  is repaired, and live trading is refused.
- Readers ignore fields they do not know; fields that came later have a default.
- Facts of class **A** are on disk before the bot acts on them and are the only ones that change
  state. Facts of class **B** explain; they are written in groups.

To check a line by hand:

```
import hashlib, json
line = line.rstrip("\\n")
body, told = line[:-75] + "}", json.loads(line)["hash"]
assert hashlib.sha256(body.encode()).hexdigest() == told
```

## Values

| written | meaning |
|---|---|
| price | dollars per contract as a decimal string, at most 6 decimals: `"0.48"` |
| size | contracts as a decimal string, at most 6 decimals |
| money | dollars as a decimal string, at most 12 decimals |
| probability | decimal string from 0 to 1, at most 6 decimals |
| time | `"2026-11-22T00:30:00.123456Z"` |
| duration | whole microseconds |

There are no floating-point numbers in a journal. Whatever may be missing is `null`.

## Facts
"""

_NAMES: Final[Mapping[object, str]] = {
    Price: "price",
    Size: "size",
    Money: "money",
    Probability: "probability",
    Micros: "time",
    Duration: "duration",
    str: "text",
    int: "integer",
    bool: "true/false",
    object: "any",
}

_FORMATS: Final[Mapping[object, typing.Callable[[Any], str]]] = {
    Price: format_price,
    Size: format_size,
    Money: format_money,
    Probability: format_probability,
}


def render() -> str:
    """Return the whole reference page."""
    index = "".join(
        f"| [`{kind}`](#{kind}) | {cls.DURABILITY.name} | {_first_sentence(cls)} |\n"
        for kind, cls in EVENT_TYPES.items()
    )
    head = f"{_HEAD}\n| type | class | meaning |\n|---|---|---|\n{index}"
    return head + "".join(f"\n{section}" for section in map(_section, EVENT_TYPES.values()))


def _section(cls: type[Event]) -> str:
    lines = [f"### {cls.TYPE}\n", f"\nClass {cls.DURABILITY.name}: {_durability(cls)}\n"]
    lines.append(f"\n{inspect.getdoc(cls)}\n".replace("``", "`"))
    lines.append("\n| field | value | default |\n|---|---|---|\n")
    lines.extend(_field_rows(cls))
    return "".join(lines)


def _durability(cls: type[Event]) -> str:
    if cls.DURABILITY is Durability.A:
        return "on disk before the bot acts on it."
    return "written in groups."


def _field_rows(cls: type[Any]) -> Iterator[str]:
    hints = typing.get_type_hints(cls)
    for field in attrs.fields(cls):
        kind = hints[field.name]
        yield f"| `{field.name}` | {_value(kind)} | {_default(field, kind)} |\n"


def _value(kind: Any) -> str:  # noqa: ANN401 - a type as written, of any form
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        inner = next(part for part in typing.get_args(kind) if part is not type(None))
        return f"{_value(inner)} or null"
    if origin is tuple:
        return f"array of {_value(typing.get_args(kind)[0])}"
    if origin is not None:
        return f"object, {_value(typing.get_args(kind)[1])} by name"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " / ".join(f'`"{member.value}"`' for member in kind)
    if isinstance(kind, type) and attrs.has(kind):
        hints = typing.get_type_hints(kind)
        inner = ", ".join(f"`{f.name}` {_value(hints[f.name])}" for f in attrs.fields(kind))
        return f"object ({inner})"
    return _NAMES[kind]


def _default(field: attrs.Attribute[Any], kind: object) -> str:
    value = field.default
    if value is attrs.NOTHING:
        return ""
    if not isinstance(value, (str, int, tuple, type(None))):
        return "`{}`"  # A factory of an empty mapping.
    written = _FORMATS[kind](value) if kind in _FORMATS else value
    return f"`{json.dumps(written)}`"


def _first_sentence(cls: type[Event]) -> str:
    text = " ".join((inspect.getdoc(cls) or "").split()).replace("``", "`")
    return text.split(". ")[0].removesuffix(".") + "."


def main() -> None:
    """Write the page to standard output."""
    sys.stdout.write(render())


if __name__ == "__main__":
    main()
