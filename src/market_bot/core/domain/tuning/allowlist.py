"""What may be proposed at all: deny by default.

An `Entry` is a number that the settings declare as a knob, and a `Change` is made by an entry or
not at all. So a change of a hard limit, of the mode, an address, a key or of the evaluation itself
is not refused somewhere: there is no way to say it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final, Never

import attrs

from market_bot.core.domain.settings import LaneSettings
from market_bot.core.domain.strategies.api import Knob

from .knobs import all_knobs
from .ladder import direction, legal_next

_NAME: Final = "[a-z][a-z0-9_]{0,63}"
_PATH: Final = re.compile(
    rf"(?:strategies\.{_NAME}\.params|markets|cooldown|exits\.{_NAME}|sizing)\.{_NAME}\Z",
    re.ASCII,
)
_FILE: Final = re.compile(rf"{_NAME}\.yaml\Z", re.ASCII)


def _written_as(
    pattern: re.Pattern[str],
) -> Callable[[object, attrs.Attribute[str], str], None]:
    def check(_: object, attribute: attrs.Attribute[str], text: str) -> None:
        if not pattern.match(text):
            msg = f"no {attribute.name} of a knob: {text[:80]!r}"
            raise ValueError(msg)

    return check


def _unmakeable(what: str, maker: str) -> Never:
    msg = f"{what} is made by {maker} and by nobody else"
    raise TypeError(msg)


@attrs.frozen(init=False)
class Entry:
    """A knob of a settings file with its present value and the values it may take next.

    Raises:
        TypeError: if it is not made by an `Allowlist`; copies with changes are refused as well.

    """

    file: str = attrs.field(validator=_written_as(_FILE))
    path: str = attrs.field(validator=_written_as(_PATH))
    knob: Knob
    value: str | None
    next: tuple[str, ...]

    def __init__(self, **_: object) -> None:
        _unmakeable("an entry", "an allowlist")

    def change(self, after: str) -> Change:
        """Return the change to one of the next values.

        Raises:
            ValueError: if it is none of them, in exactly this spelling.

        """
        if self.value is None or after not in self.next:
            msg = f"{self.path} may become {' or '.join(self.next) or 'nothing else'}"
            raise ValueError(msg)
        made = Change.__new__(Change)
        made.__attrs_init__(self.file, self.path, self.value, after)
        return made


@attrs.frozen(init=False)
class Change:
    """One knob's value before and after, one step apart on its ladder.

    Raises:
        TypeError: if it is not made by an `Entry`; copies with changes are refused as well.

    """

    file: str
    path: str
    before: str
    after: str

    def __init__(self, **_: object) -> None:
        _unmakeable("a change", "an entry of an allowlist")

    @property
    def direction(self) -> int:
        """1 if the value rises, -1 if it falls."""
        return direction(self.before, self.after)


@attrs.frozen
class Allowlist:
    """Every knob of one settings file by its path; make it with `of`."""

    entries: Mapping[str, Entry]

    @classmethod
    def of(
        cls, file: str, settings: LaneSettings, *, written: Collection[str] | None = None
    ) -> Allowlist:
        """Return what may be proposed for a file.

        Args:
            file: its name, such as ``kalshi.yaml``.
            settings: what the file means.
            written: paths whose value stands in the file. What is only a default has no line that
                could be changed and so no next value; None takes every path as written.

        Raises:
            ValueError: if a strategy declares a knob under an impossible name.

        """
        found: dict[str, Entry] = {}
        for path, knob, value in all_knobs(settings):
            there = value if written is None or path in written else None
            entry = Entry.__new__(Entry)
            entry.__attrs_init__(file, path, knob, value, legal_next(knob, there))
            found[path] = entry
        return cls(found)

    def get(self, path: str) -> Entry | None:
        """Return the knob at a path, None if there is none: then nothing may be proposed."""
        return self.entries.get(path)
