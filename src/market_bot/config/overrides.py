"""Settings with some of their values replaced, checked exactly as if they stood in the file.

A path is the one that errors and knobs print: ``sizing.order_usd``, ``strategies[0].params.gain``
or, with a strategy's name in place of its position, ``strategies.bias_harvest.params.gain``. A
value is written as in the file; nothing at all leaves the line out.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from .canonical import canonical, from_canonical, plain_of
from .errors import ConfigError, Fault, KeyPath, show, show_path
from .loader import Sourced
from .schema import VenueConfig
from .strict_yaml import Document, MappingNode, Mark, load
from .structuring import UnfitError, structure

_STEP: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)((?:\[[0-9]{1,4}\])*)\Z", re.ASCII)
_PATH_MAX: Final = 200
_STRATEGIES: Final = "strategies"


@attrs.frozen
class Override:
    """One replaced value.

    Args:
        path: where, as people write it.
        value: the new value as it would stand in the file; empty leaves the line out.
        said: what errors call the place where it was said, such as ``--set``.

    """

    path: str
    value: str
    said: str = "--set"

    def __str__(self) -> str:
        """Return it as it was said, on one line."""
        plain = self.value.isprintable() and len(self.value) <= _PATH_MAX
        return f"{self.said} {self.path}={self.value if plain else show(self.value)}"


@attrs.frozen
class _SaidFault(Fault):
    """A fault in a value that stands in no file; ``deeper`` is one within what was said."""

    deeper: bool

    def __str__(self) -> str:
        place = f" {show_path(self.path)}" if self.deeper else ""
        return f"{self.file}:{place} {self.message}"


@attrs.frozen
class _OverriddenDocument(Document):
    """A file some of whose values were replaced: faults in those name who replaced them."""

    places: tuple[tuple[KeyPath, Override], ...]

    def fault(self, path: KeyPath, message: str, *, key: bool = False) -> Fault:
        for place, override in reversed(self.places):
            if path[: len(place)] == place or place[: len(path)] == path:
                return _SaidFault(str(override), 1, 1, path, message, deeper=path != place)
        return Document.fault(self, path, message, key=key)


@attrs.frozen
class _CanonicalDocument(Document):
    """Settings that were written down in one line, not read from a file."""

    plain: Mapping[str, Any]

    def data(self) -> dict[str, Any]:
        return dict(self.plain)


def from_journal(text: str) -> Sourced[VenueConfig]:
    """Return the settings that a journal holds, in which values can be replaced.

    Raises:
        ConfigError: if the text is damaged or does not fit the schema.

    """
    config = from_canonical(text)
    root = MappingNode({}, Mark(1, 1, 0))
    return Sourced(config, _CanonicalDocument("recorded settings", text, root, plain_of(text)))


def override(sourced: Sourced[VenueConfig], changes: Sequence[Override]) -> Sourced[VenueConfig]:
    """Return a venue's settings with values replaced, in order.

    Raises:
        ConfigError: with one line per fault, the ones a file with these values would have.

    """
    data = copy.deepcopy(sourced.source.data())
    places = tuple((_put(data, change), change) for change in changes)
    source = sourced.source
    document = _OverriddenDocument(source.name, source.text, source.root, places)
    try:
        return Sourced(structure(data, VenueConfig), document)
    except UnfitError as e:
        raise ConfigError.of(
            document.fault(problem.path, problem.message, key=problem.at_key)
            for problem in e.problems
        ) from e


def value_at(config: VenueConfig, path: str) -> str:
    """Return what is set at a path, as text for people; "not set" where nothing is."""
    data: Any = json.loads(canonical(config))
    for step in _resolved(data, _steps(Override(path, ""))):
        match data, step:
            case dict(), str() if step in data:
                data = data[step]
            case list(), int() if step < len(data):
                data = data[step]
            case _:
                return "not set"
    return _told(data)


def place_of(data: Mapping[str, Any], change: Override) -> KeyPath:
    """Return the path of a change in plain data, a strategy's name replaced by its position.

    Raises:
        ConfigError: if it is no path.

    """
    return _resolved(data, _steps(change))


def _told(data: Any) -> str:  # noqa: ANN401 - any JSON
    match data:
        case None:
            return "not set"
        case bool():
            return "true" if data else "false"
        case {"decimal": str(text)} if len(data) == 1:
            return text
        case list():
            return "[" + ", ".join(_told(item) for item in data) + "]"
        case dict():
            return "{" + ", ".join(f"{key}: {_told(item)}" for key, item in data.items()) + "}"
        case _:
            return str(data)


def _put(data: dict[str, Any], change: Override) -> KeyPath:
    """Replace one value in plain data and return its path with positions."""
    path = _resolved(data, _steps(change))
    here: Any = data
    for depth, step in enumerate(path[:-1]):
        match here, step:
            case dict(), str():
                if not isinstance(here.get(step), (dict, list)):
                    here[step] = {}
                here = here[step]
            case list(), int() if step < len(here):
                here = here[step]
            case _:
                raise _nowhere(change, path[: depth + 1])
    last = path[-1]
    if isinstance(here, list) and isinstance(last, int) and last < len(here):
        here[last] = _value(change)
    elif not isinstance(here, dict) or not isinstance(last, str):
        raise _nowhere(change, path)
    elif change.value.strip():
        here[last] = _value(change)
    else:
        here.pop(last, None)
    return path


def _steps(change: Override) -> KeyPath:
    steps: list[str | int] = []
    for part in change.path.split("."):
        match = _STEP.match(part)
        if match is None or len(change.path) > _PATH_MAX:
            shown = show(change.path)
            msg = f"{change.said} {shown}: a path is like strategies.bias_harvest.params.gain"
            raise ConfigError([msg])
        steps.append(match[1])
        steps.extend(int(number) for number in re.findall("[0-9]+", match[2]))
    return tuple(steps)


def _resolved(data: Mapping[str, Any], path: KeyPath) -> KeyPath:
    """Return a path with a strategy's position in place of its name."""
    listed = data.get(_STRATEGIES)
    if path[:1] != (_STRATEGIES,) or len(path) < 2 or not isinstance(listed, list):  # noqa: PLR2004 - the list and which of it
        return path
    name = path[1]
    names = [item.get("name") if isinstance(item, dict) else None for item in listed]
    return (path[0], names.index(name), *path[2:]) if name in names else path


def _nowhere(change: Override, path: KeyPath) -> ConfigError:
    where = show_path(path)
    advice = "there is no such place"
    if path[:1] == (_STRATEGIES,):
        advice = "no strategy of that name or number is listed in the settings"
    return ConfigError([f"{change}: {where}: {advice}"])


def _value(change: Override) -> Any:  # noqa: ANN401 - plain data of any shape, checked by the schema
    """Return what a value would mean in a file."""
    text = change.value.strip()
    if len(text.splitlines()) > 1:
        msg = f"{change.said} {show(change.path)}: a value is a single line"
        raise ConfigError([msg])
    try:
        line = f"value: {text}\n".encode(errors="surrogatepass")
        return load(line, str(change)).data()["value"]
    except ConfigError as e:
        # Its place in the one line that was made up here says nothing to anybody.
        raise ConfigError(_without_place(e.lines, str(change))) from e


def _without_place(lines: Iterable[str], said: str) -> Iterable[str]:
    for line in lines:
        rest = line.removeprefix(said)
        message = re.sub(r"^:[0-9]+:[0-9]+(?: value)?:? ?", "", rest)
        yield f"{said}: {message}"
