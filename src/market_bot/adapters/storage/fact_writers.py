"""A writer for each class of facts, made once: its fields in order, nothing looked up twice.

Facts are written far more often than anything else, and walking over their fields anew each time
costs as much as hashing the line. A made writer knows only exact types; whatever does not fit them
is handed to the general way of writing, which writes it or says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from types import NoneType
from typing import Any, Final, cast, get_args, get_type_hints

import attrs
import msgspec

from market_bot.core.domain.events import Event
from market_bot.core.domain.numbers import Duration, Micros, format_time

Writer = Callable[[Any], bytes]
"""Returns a fact, or one value, as JSON."""

_KNOWN_MAX: Final = 1 << 14
_PLAIN: Final = {int: int, str: str, bool: bool, Duration: int}

_encode = msgspec.json.Encoder().encode


class Texts(dict[int, bytes]):
    """Numbers as JSON: they repeat themselves, and a look-up costs a tenth of the formatting.

    Args:
        write: returns a number as text.

    """

    def __init__(self, write: Callable[[Any], str]) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, value: int) -> bytes:
        if len(self) >= _KNOWN_MAX:
            self.clear()
        text = self[value] = _encode(self._write(value))
        return text


def make_writer(
    cls: type[Event],
    numbers: Mapping[Any, Texts],
    general: Writer,
    nested: Callable[[Any], Writer],
) -> Writer:
    """Return the writer of a class of facts.

    Args:
        cls: the class.
        numbers: the texts of each type of exact numbers.
        general: writes any fact of the class, or says why it cannot be written.
        nested: returns the writer of a type that is not a plain value.

    """
    types = get_type_hints(cls)
    names = [field.name for field in attrs.fields(cls)]
    known: dict[str, object] = {"general": general, "encode": _encode, "time": format_time}
    lines, values = ["def write(fact):"], []
    for number, name in enumerate(names):
        lines.append(f" v{number} = fact.{name}")
        check, value = _field(f"v{number}", types[name], numbers, nested, known)
        if check:
            lines.append(f" if {check}: return general(fact)")
        values.append(value)
    template = ",".join(f'"{name}":%b' for name in names).join("{}")
    known["template"] = template.encode()
    lines.append(f" return template % ({''.join(value + ',' for value in values)})")
    exec("\n".join(lines), known)  # noqa: S102 - made of the names of our own classes' fields only
    return cast("Writer", known["write"])


def _field(
    name: str,
    kind: Any,  # noqa: ANN401 - whatever stands in an annotation
    numbers: Mapping[Any, Texts],
    nested: Callable[[Any], Writer],
    known: dict[str, object],
) -> tuple[str, str]:
    """Return when a value does not fit its type, and what its JSON is, as source."""
    arguments = get_args(kind)
    optional = len(arguments) == len((kind, None)) and arguments[1] is NoneType
    inner = arguments[0] if optional else kind
    expected: type
    if inner in numbers:
        known[f"{name}_texts"] = numbers[inner]
        expected, text = int, f"{name}_texts[{name}]"
    elif inner is Micros:
        expected, text = int, f"encode(time({name}))"
    elif inner in _PLAIN:
        expected, text = _PLAIN[inner], f"encode({name})"
    elif isinstance(inner, type) and issubclass(inner, Enum):
        expected, text = inner, f"encode({name}._value_)"
    else:
        known[f"{name}_write"] = nested(kind)
        return "", f"{name}_write({name})"
    known[f"{name}_type"] = expected
    if not optional:
        return f"{name}.__class__ is not {name}_type", text
    check = f"{name} is not None and {name}.__class__ is not {name}_type"
    return check, f"b'null' if {name} is None else {text}"
