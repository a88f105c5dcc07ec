"""A small, strict YAML: data with its place in the file, and nothing that surprises.

Refused, each with its place: files above 256 KB, bytes that are not UTF-8, more than one
document, directives, anchors and aliases (a few lines of them expand to gigabytes), tags, merge
keys, duplicate keys, keys that are not text, tabs, and unquoted words that readers disagree
about (see `scalars`). Decimals keep the digits of the file; a float is never made.

Built on PyYAML's event stream, so that nothing is constructed before it has been checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

import attrs
import yaml

from .errors import ConfigError, Fault, KeyPath
from .scalars import PlainValue, UncertainScalarError, read_plain

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 20
MAX_NODES: Final = 20_000

_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@attrs.frozen
class Mark:
    """A place in the text: ``line`` and ``column`` from 1 for people, ``index`` from 0."""

    line: int
    column: int
    index: int


@attrs.frozen
class ScalarNode:
    """A single value; ``quoting`` is None for unquoted, else one of ``' " | >``."""

    value: PlainValue
    start: Mark
    end: Mark
    quoting: str | None


@attrs.frozen
class SequenceNode:
    """A list."""

    items: tuple[Node, ...]
    start: Mark


@attrs.frozen
class Entry:
    """One ``key: value`` of a mapping; ``start`` is where the key begins."""

    start: Mark
    value: Node


@attrs.frozen
class MappingNode:
    """A mapping from text to nodes, in the order of the file."""

    entries: dict[str, Entry]
    start: Mark


Node = ScalarNode | SequenceNode | MappingNode


@attrs.frozen
class Document:
    """One YAML file, read and checked: ``text`` without byte order mark, and its root node."""

    name: str
    text: str
    root: MappingNode

    def data(self) -> dict[str, Any]:
        """Return the file as plain dicts, lists and scalars."""
        return {key: _plain(entry.value) for key, entry in self.root.entries.items()}

    def node_at(self, path: KeyPath) -> Node | None:
        """Return the node at a path, None if there is none."""
        node: Node = self.root
        for step in path:
            match node, step:
                case MappingNode(entries=entries), str() if step in entries:
                    node = entries[step].value
                case SequenceNode(items=items), int() if 0 <= step < len(items):
                    node = items[step]
                case _:
                    return None
        return node

    def mark_at(self, path: KeyPath, *, key: bool = False) -> Mark:
        """Return where the value at ``path`` begins, or its key; the nearest parent if missing."""
        for length in range(len(path), 0, -1):
            node = self.node_at(path[:length])
            if node is None:
                continue
            parent = self.node_at(path[: length - 1])
            if key and length == len(path) and isinstance(parent, MappingNode):
                return parent.entries[str(path[-1])].start
            return node.start
        return self.root.start

    def fault(self, path: KeyPath, message: str, *, key: bool = False) -> Fault:
        """Return a fault at a path of this file."""
        mark = self.mark_at(path, key=key)
        return Fault(self.name, mark.line, mark.column, path, message)


def load(data: bytes, name: str) -> Document:
    """Return the one mapping that a YAML file holds; ``name`` is how errors call the file.

    Raises:
        ConfigError: if the file is not the strict YAML described above.

    """
    text = _decode(data, name)
    builder = _Builder(text, name)
    try:
        root = builder.build()
    except ConfigError:
        raise
    except yaml.MarkedYAMLError as e:
        raise ConfigError.of([_syntax_fault(e, name)]) from e
    except yaml.reader.ReaderError as e:
        raise ConfigError.of([_character_fault(text, e.position, name)]) from e
    except (yaml.YAMLError, ValueError, OverflowError, IndexError) as e:
        # An escape such as "\UFFFFFFFF", or a version number of a thousand digits.
        message = "an escape or a number near here is impossible: mend or delete it"
        fault = Fault(name, builder.line, 1, (), message)
        raise ConfigError.of([fault]) from e
    if builder.faults:
        raise ConfigError.of(builder.faults)
    return Document(name, text, root)


def _decode(data: bytes, name: str) -> str:
    if len(data) > MAX_BYTES:
        message = f"larger than {MAX_BYTES // 1024} KB: this is not a settings file"
        raise ConfigError.of([Fault(name, 1, 1, (), message)])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        good = data[: e.start].decode("utf-8-sig", errors="replace")
        fault = _fault_at(good, len(good), name, "not UTF-8: save the file as UTF-8")
        raise ConfigError.of([fault]) from e
    if not text.strip():
        message = "empty: write the settings, or delete the file and run `market-bot init`"
        raise ConfigError.of([Fault(name, 1, 1, (), message)])
    return text


def _fault_at(text: str, index: int, name: str, message: str) -> Fault:
    line = text.count("\n", 0, index) + 1
    column = index - (text.rfind("\n", 0, index) + 1) + 1
    return Fault(name, line, column, (), message)


def _character_fault(text: str, index: int, name: str) -> Fault:
    message = f"character U+{ord(text[index]):04X} is not allowed: delete it"
    return _fault_at(text, index, name, message)


def _syntax_fault(error: yaml.MarkedYAMLError, name: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or error.context or "not YAML"
    if r"'\t'" in problem:
        problem = "tab character: use spaces"
    elif "mapping values are not allowed" in problem:
        problem = "a second ': ' on this line: put the text in quotes, or check the indentation"
    else:
        problem = f"not readable as YAML: {problem}"
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Fault(name, line, column, (), " ".join(problem.split()))


def _plain(node: Node) -> Any:  # noqa: ANN401 - plain data of any shape, checked by the schema
    match node:
        case ScalarNode():
            return node.value
        case SequenceNode():
            return [_plain(item) for item in node.items]
        case MappingNode():
            return {key: _plain(entry.value) for key, entry in node.entries.items()}


class _Builder:
    # Turns events into nodes. What makes the rest of the file meaningless stops at once; other
    # faults are collected so that all of them are reported together.

    def __init__(self, text: str, name: str) -> None:
        self.faults: list[Fault] = []
        self.line = 1
        self._text = text
        self._name = name
        self._nodes = 0

    def build(self) -> MappingNode:
        self._events: Iterator[Any] = iter(yaml.parse(self._text, Loader=yaml.SafeLoader))
        self._next()  # the start of the stream
        start = self._next()
        if isinstance(start, yaml.StreamEndEvent):
            self._stop(start, (), "only comments: write the settings, or delete the file")
        if start.version or start.tags:
            self._stop(start, (), "directives (%YAML, %TAG) are not used here: delete the line")
        first = self._next()
        if not isinstance(first, yaml.MappingStartEvent):
            self._stop(first, (), "the file must hold `key: value` lines")
        root = self._node(first, ())
        self._next()  # the end of the document
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            self._stop(after, (), "a second document begins here: keep one per file")
        if not isinstance(root, MappingNode):  # pragma: no cover - the first event opened one
            raise TypeError
        return root

    def _next(self) -> Any:  # noqa: ANN401 - one of PyYAML's event classes, told apart below
        event = next(self._events)
        self.line = event.start_mark.line + 1
        return event

    def _node(self, event: Any, path: KeyPath) -> Node:  # noqa: ANN401 - as in _next
        self._check_limits(event, path)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self._stop(event, path, "anchors (&) and aliases (*) are refused: write the value out")
        if event.tag is not None:
            self._stop(event, path, "tags (!) are refused: write the plain value")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(event, path)
        return self._mapping(event, path)

    def _check_limits(self, event: Any, path: KeyPath) -> None:  # noqa: ANN401 - as in _next
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._stop(event, (), f"more than {MAX_NODES} values: this is not a settings file")
        if len(path) > MAX_DEPTH:
            self._stop(event, (), f"nested more than {MAX_DEPTH} deep: this is not a settings file")

    def _scalar(self, event: Any, path: KeyPath) -> ScalarNode:  # noqa: ANN401 - as in _next
        value: PlainValue = event.value
        if _UNPRINTABLE.search(event.value):
            self._note(event, path, "holds a character that cannot be shown: delete it")
        if event.style is None:
            try:
                value = read_plain(event.value)
            except UncertainScalarError as e:
                self._note(event, path, str(e))
        start, end = _mark(event.start_mark), _mark(event.end_mark)
        return ScalarNode(value, start, end, event.style)

    def _sequence(self, start: Any, path: KeyPath) -> SequenceNode:  # noqa: ANN401 - as in _next
        items: list[Node] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return SequenceNode(tuple(items), _mark(start.start_mark))

    def _mapping(self, start: Any, path: KeyPath) -> MappingNode:  # noqa: ANN401 - as in _next
        entries: dict[str, Entry] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event, path)
            here = _mark(event.start_mark)
            value = self._node(self._next(), (*path, key))
            if key in entries:
                first = entries[key].start.line
                self._note(event, (*path, key), f"given twice (first on line {first}): delete one")
            else:
                entries[key] = Entry(here, value)
        return MappingNode(entries, _mark(start.start_mark))

    def _key(self, event: Any, path: KeyPath) -> str:  # noqa: ANN401 - as in _next
        if not isinstance(event, yaml.ScalarEvent):
            if isinstance(event, yaml.AliasEvent):
                self._node(event, path)
            self._stop(event, path, "a key must be a single word")
        if event.style is None and event.value == "<<":
            self._stop(event, path, "merge keys (<<) are refused: write the keys out")
        if not event.value:
            self._stop(event, path, "a key is missing before the colon")
        node = self._node(event, (*path, event.value))
        if isinstance(node, ScalarNode) and not isinstance(node.value, str):
            self._note(event, (*path, event.value), "a key must be text: put it in quotes")
        return str(event.value)

    def _note(self, event: Any, path: KeyPath, message: str) -> None:  # noqa: ANN401 - as in _next
        mark = _mark(event.start_mark)
        self.faults.append(Fault(self._name, mark.line, mark.column, path, message))

    def _stop(self, event: Any, path: KeyPath, message: str) -> NoReturn:  # noqa: ANN401 - as above
        self._note(event, path, message)
        raise ConfigError.of(self.faults)


def _mark(mark: yaml.Mark) -> Mark:
    return Mark(mark.line + 1, mark.column + 1, mark.index)
