"""Replace one number in a settings file, and not one other byte.

Comments, layout, quotes, line ends and a byte order mark stay as they are. The edit is a
compare-and-swap: it is refused unless the file means ``before`` there. It is proven by reading the
result again: everything but the one value must mean what it meant. What cannot be done exactly is
refused, never approximated.
"""

from __future__ import annotations

import codecs
import re
from decimal import Decimal
from typing import Any, Final

import attrs

from .errors import ConfigError, KeyPath, show
from .overrides import Override, place_of
from .strict_yaml import Document, ScalarNode, load

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?\Z", re.ASCII)
_QUOTES: Final = frozenset({"'", '"'})


class ExactEditError(ConfigError):
    """The edit was refused; the file is as it was."""


class StaleValueError(ExactEditError):
    """The file no longer means what the edit was made for; somebody else changed it."""


@attrs.frozen(kw_only=True)
class ExactEdit:
    """A file with one number replaced.

    Args:
        data: all bytes of the new file.
        before: the number that stood there, as it was written.
        line: the line of the number, from 1.
        old_line, new_line: that line before and after, without its end, for a diff.

    """

    data: bytes
    before: str
    line: int
    old_line: str
    new_line: str


def edit_exactly(data: bytes, name: str, path: str, *, before: str, after: str) -> ExactEdit:
    """Return the file with the number at ``path`` replaced.

    Args:
        data: the file.
        name: how errors call it.
        path: as knobs are named: ``strategies.bias_harvest.params.gain``.
        before: what must stand there now; equal as a number.
        after: the new number, written plainly: ``0.02``.

    Raises:
        StaleValueError: if something else stands there now.
        ExactEditError: if the edit cannot be made exactly.
        ConfigError: if the file is not strict YAML.

    """
    if not _NUMBER.match(after):
        raise ExactEditError([f"{name}: {path}: {show(after)} is not a plain number"])
    document = load(data, name)
    place = place_of(document.data(), Override(path, "", said=name))
    node = document.node_at(place)
    written = _written(node) if isinstance(node, ScalarNode) else None
    if not isinstance(node, ScalarNode) or written is None:
        raise ExactEditError([f"{name}: {path}: no line of the file says a number there"])
    if not _NUMBER.match(before) or Decimal(written) != Decimal(before):
        raise StaleValueError([f"{name}: {path}: is {written} now, not {show(before)}"])
    quote = node.quoting or ""
    text, start, end = document.text, node.start.index, node.end.index
    if text[start:end] != f"{quote}{written}{quote}":
        raise ExactEditError([f"{name}: {path}: written in a way that cannot be replaced exactly"])
    changed = text[:start] + quote + after + quote + text[end:]
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    result = mark + changed.encode()
    _prove(document, load(result, name), place, after)
    return ExactEdit(
        data=result,
        before=written,
        line=node.start.line,
        old_line=_line_at(text, start),
        new_line=_line_at(changed, start),
    )


def _written(node: ScalarNode) -> str | None:
    """Return a number as text, None for all that is no number on one line."""
    if node.quoting is not None and node.quoting not in _QUOTES:
        return None
    value = node.value
    text = value if isinstance(value, str) else str(value)
    if isinstance(value, bool) or value is None or not _NUMBER.match(text):
        return None
    return text


def _prove(old: Document, new: Document, place: KeyPath, after: str) -> None:
    """See to it that nothing but one number changed.

    Raises:
        ExactEditError: if anything else did.

    """
    node = new.node_at(place)
    wanted, found = _without(old.data(), place), _without(new.data(), place)
    if not isinstance(node, ScalarNode) or _written(node) != after or wanted != found:
        msg = f"{new.name}: the edit would have changed more than one number: nothing was written"
        raise ExactEditError([msg])


def _without(data: Any, place: KeyPath) -> Any:  # noqa: ANN401 - plain data of any shape
    here = data
    for step in place[:-1]:
        here = here[step]
    here[place[-1]] = None
    return data


def _line_at(text: str, index: int) -> str:
    start = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    ends = [at for at in (text.find("\n", index), text.find("\r", index)) if at >= 0]
    return text[start : min(ends, default=len(text))]
